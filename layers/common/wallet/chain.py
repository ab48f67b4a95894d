"""The chain of digests: each movement's record names the one before, and its own content.

Nobody can change, remove or insert a movement without changing every later digest of that player, and the wallet's own.
docs/ledger.md has the canonical form in full, with an example.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256

from wallet import money

FORMAT = 1
# The request may be erased, as personal data must be: `requestDigest` stands for it. A prize may be noted later.
_NOT_COVERED = frozenset({"digest", "request", "laterPrizeReference", "laterPrizeAmount"})


def digest_of(text: str) -> str:
    """SHA-256 of a text's UTF-8, in lower-case hexadecimal."""
    return sha256(text.encode()).hexdigest()


def link(before: str, attributes: Mapping[str, object]) -> str:
    """The digest of a record with those attributes, after the player's movement with the digest `before`; "" if none.

    What is None is no attribute. Source: RFC 8785, of a list of the format, `before`, and the attributes as texts.
    """
    covered = {
        name: money.text(value) if isinstance(value, Decimal) else value if value is True else str(value)
        for name, value in attributes.items()
        if value is not None and name not in _NOT_COVERED
    }
    return digest_of(_canonical([FORMAT, before, covered]))


_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode

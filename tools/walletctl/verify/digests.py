"""The chain of digests, computed again from what is on record. Source: docs/ledger.md.

A movement's digest is the SHA-256 of `[1, <the digest before it>, {its attributes}]`, in canonical JSON (RFC 8785).
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256

from tools.shared.amounts import amount

_FORMAT = 1
# `requestDigest` stands for the request, which may be erased. A later prize is noted after the digest was made.
_NOT_COVERED = frozenset({"digest", "request", "laterPrizeReference", "laterPrizeAmount"})
_canonical = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def covered(item: Mapping[str, object]) -> str:
    """The canonical JSON of the attributes that a digest covers, of an item in Python's types as boto3 gives it."""
    names = [name for name in item if name not in _NOT_COVERED]
    # RFC 8785 sorts by UTF-16. Only names beyond ASCII could be in another order, and the ledger has none.
    names.sort(key=None if "".join(names).isascii() else _utf16)
    return _canonical({name: _value(item[name]) for name in names})


def link(before: str, covered_text: str) -> str:
    """The digest of a record, after the player's movement with the digest `before`; "" if there is none."""
    return digest_of(f"[{_FORMAT},{_canonical(before)},{covered_text}]")


def digest_of(text: str) -> str:
    """SHA-256 of a text's UTF-8, in lower-case hexadecimal."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def _value(value: object) -> object:
    """A text, or true; whatever else somebody may have written is an object, as in DynamoDB's JSON."""
    if isinstance(value, str) or value is True:
        return value
    return amount(value) if isinstance(value, Decimal) else _written(value)


def _written(value: object) -> dict[str, object]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case Decimal():
            return {"N": amount(value)}
        case list() | tuple():
            return {"L": [_written(each) for each in value]}
        case dict():
            return {"M": {str(name): _written(each) for name, each in sorted(value.items())}}
        case set():
            return {"SET": sorted((_written(each) for each in value), key=_canonical)}
        case bytes():
            return {"B": b64encode(value).decode()}
        case _:
            return {"?": repr(value)}


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", errors="surrogatepass")

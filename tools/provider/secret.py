"""What provider and operator share: never on the command line, never in a report."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from tools.shared.outside import plain
from tools.shared.trouble import Trouble

HASH_SECRET, AUTH_TOKEN = "CERTIFY_HASH_SECRET", "CERTIFY_AUTH_TOKEN"
REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Either may be None: not set, or not known."""

    hash_secret: str | None = None
    auth_token: str | None = None

    def __repr__(self) -> str:
        return "Secret(…)"

    @classmethod
    def found(cls, file: Path | None, environment: Mapping[str, str]) -> "Secret":
        """The file's if one is named, else the environment's. Raises Trouble."""
        if file is not None:
            return _read(file)
        return cls(hash_secret=environment.get(HASH_SECRET) or None, auth_token=environment.get(AUTH_TOKEN) or None)

    def redact(self, text: str) -> str:
        """The text without the secrets, however they are written in it."""
        for secret in filter(None, (self.hash_secret, self.auth_token)):
            for way in _ways_to_write(secret):
                text = text.replace(way, REDACTED)
        return text


def _can_be_sent(value: str) -> bool:
    """Not empty, and without half a character, which JSON can write and UTF-8 cannot."""
    return bool(value) and value.encode(errors="ignore").decode() == value


@cache
def _ways_to_write(secret: str) -> tuple[str, ...]:
    """The longest first, which may contain the others."""
    ways = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}
    return tuple(sorted(ways, key=len, reverse=True))


def _read(file: Path) -> Secret:
    try:
        content: Any = json.loads(file.read_text())
    except OSError as error:
        raise Trouble(f"the secret file {plain(str(file))} cannot be read: {error.strerror}") from None
    except ValueError:
        raise Trouble(f"the secret file {plain(str(file))} is not JSON") from None
    # The operator's whole secret, with a `current` one, or that one by itself.
    current = content.get("current", content) if isinstance(content, dict) else None
    if (
        not isinstance(current, dict)
        or not current
        or not current.keys() <= {"hashSecret", "authToken"}
        or not all(isinstance(value, str) and _can_be_sent(value) for value in current.values())
    ):
        raise Trouble(
            f'the secret file {plain(str(file))} is not of the form {{"hashSecret": "…", "authToken": "…"}}, '
            'with at least one of them, or that under "current"'
        )
    return Secret(hash_secret=current.get("hashSecret"), auth_token=current.get("authToken"))

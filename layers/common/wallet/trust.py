"""Whether a request comes from the provider: the token in its URL and the hash of its parameters.

Both are shared secrets, kept in one Secrets Manager secret named by PROVIDER_SECRET:

    {"current": {"hashSecret": "...", "authToken": "..."}, "previous": {"hashSecret": "...", "authToken": "..."}}

`previous` is there only while the provider changes over, and either may leave out what is not used.
A lock is on when either holds a value for it; with no PROVIDER_SECRET both are off, with a warning. Results and promos
need no hash, so a hash secret alone leaves them to whoever may call the API: a warning, too.
"""

import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from wallet import aws
from wallet.errors import Unauthorized, Unavailable
from wallet.wire import Body, Parameter

Key = Literal["current", "previous"]

FRESH_SECONDS = 300  # how long a rotated secret may go unnoticed
STALE_SECONDS = 3600  # how long the last secret serves while Secrets Manager does not: an outage refuses no win
RETRY_SECONDS = 30  # how long an outage is not asked about again: each answer would wait for it

_logger = Logger(child=True)


@dataclass(frozen=True, slots=True)
class Locks:
    """What the provider must know; a secret of `previous` is as good as one of `current`."""

    hash_secrets: Mapping[Key, str] = field(default_factory=dict, repr=False)
    auth_tokens: Mapping[Key, str] = field(default_factory=dict, repr=False)

    def check_token(self, auth_token: str | None) -> Key | None:
        """Which token matched, None if none is configured. Raises Unauthorized."""
        return _match(
            self.auth_tokens, lambda expected: _same(expected, auth_token or ""), "token", is_there=auth_token
        )

    def check_hash(self, body: Body, *, mandatory: bool) -> Key | None:
        """Which secret made the body's hash, None if none is needed. Raises Unauthorized."""
        hashes = [parameter.value for parameter in body.named("hash") if not parameter.is_absent]
        if not hashes and not mandatory:
            return None
        return _match(
            self.hash_secrets,
            lambda secret: (
                bool(hashes) and all(_same(hash_of(body.parameters, secret), _lower(sent)) for sent in hashes)
            ),
            "hash",
            is_there=hashes,
        )


def hash_of(parameters: Iterable[Parameter], secret: str) -> str:
    """The hash of a request: lower-case hex MD5 over its parameters as received, and the secret.

    The provider publishes no formula. This is its field's: drop `hash`, sort by name, join as
    `name=value` with `&`, append the secret.

    If the provider names another formula, change it here, in tools/provider/signing.py (`hash_over`) and in
    tests/contract.py (`hash_of`). Then change tests/test_trust.py, tests/test_contract.py, and Trust in
    docs/callbacks.md. Without `&` in it, `Body.read` in wire.py need not refuse one in an identifier.
    """
    pairs = sorted((p.name, p.literal) for p in parameters if p.key != "hash")
    signed = "&".join(f"{name}={value}" for name, value in pairs) + secret
    return hashlib.md5(signed.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()


def _match(secrets: Mapping[Key, str], fits: Callable[[str], bool], what: str, *, is_there: object) -> Key | None:
    if not secrets:
        return None
    matched: list[Key] = [key for key, secret in secrets.items() if fits(secret)]  # every one is tried: equal time
    if not matched:
        raise Unauthorized(f"wrong {what}" if is_there else f"no {what}")
    return matched[0]


def _same(expected: str, sent: object) -> bool:
    if not isinstance(sent, str):
        return False
    return hmac.compare_digest(expected.encode(), sent.encode(errors="surrogatepass"))


def _lower(sent: object) -> object:
    """Hex digits are the same in capitals."""
    return sent.lower() if isinstance(sent, str) else sent


class Keyring:
    """The locks as Secrets Manager has them: asked for every FRESH_SECONDS, kept through its outages."""

    def __init__(self, secret_name: str) -> None:
        self._secret_name = secret_name
        self._locks = Locks()
        self._read_at = self._ask_again_at = float("-inf")
        if secret_name:
            # An answer is due within seconds: two short attempts rather than the SDK's patient default.
            self._client = aws.client("secretsmanager", connect_seconds=0.5, read_seconds=1.0, attempts=2)
        else:
            _logger.warning("No provider secret is configured: tokens and hashes are not checked")

    @classmethod
    def from_environment(cls) -> "Keyring":
        return cls(os.environ.get("PROVIDER_SECRET", ""))

    def locks(self) -> Locks:
        """Raises Unavailable if the secret cannot be had: without it nobody can be trusted."""
        now = time.monotonic()
        if not self._secret_name or now < self._ask_again_at:
            return self._locks
        try:
            secret = self._client.get_secret_value(SecretId=self._secret_name)
        except (ClientError, BotoCoreError) as error:
            if now - self._read_at > STALE_SECONDS:
                raise Unavailable("the provider's secret cannot be read") from error
            self._ask_again_at = now + RETRY_SECONDS
            _logger.warning("The provider's secret cannot be read: the last one serves for now")
        else:
            # One that is not understood is asked for again at once: somebody is about to correct it.
            locks = locks_in(secret.get("SecretString", ""))
            if locks.hash_secrets and not locks.auth_tokens and locks != self._locks:
                _logger.warning("There is no authToken: only the caller's address guards results and promos")
            self._locks = locks
            self._read_at, self._ask_again_at = now, now + FRESH_SECONDS
        return self._locks


def locks_in(content: str) -> Locks:
    """A secret's content as locks. A misspelt one must not open a lock: whatever is odd raises Unavailable."""
    wrong = Unavailable("the provider's secret is not of the documented form")
    try:
        keys = json.loads(content, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(keys, dict) or not keys.keys() <= {"current", "previous"}:
        raise wrong
    for secrets in keys.values():
        if not isinstance(secrets, dict) or not secrets.keys() <= {"hashSecret", "authToken"}:
            raise wrong
        if not all(map(_is_secret, secrets.values())):
            raise wrong
    locks = Locks(
        hash_secrets={key: secrets["hashSecret"] for key, secrets in keys.items() if "hashSecret" in secrets},
        auth_tokens={key: secrets["authToken"] for key, secrets in keys.items() if "authToken" in secrets},
    )
    if not locks.hash_secrets and not locks.auth_tokens:
        raise wrong
    return locks


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object. A key that is there twice would silently lose the first value, and with it a lock."""
    if len(named := dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return named


def _is_secret(value: object) -> bool:
    """A text without white space around it, which nobody means, and without half a character."""
    if not isinstance(value, str) or not value or value != value.strip():
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)

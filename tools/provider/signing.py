"""A body as the provider writes and signs it, every character as given. Source: docs/callbacks.md, Trust."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body: `text` is its value in JSON, and begins `at` this position of the body."""

    name: str
    text: str
    at: int = 0

    @property
    def literal(self) -> str:
        """The characters that a hash covers: a text's own, any other value's JSON."""
        return json.loads(self.text) if self.text.startswith('"') else self.text

    @property
    def is_hash(self) -> bool:
        return self.name.lower() == "hash"


def json_object(literals: Mapping[str, str]) -> str:
    """An object whose values stand in it as they are given: `55.0` stays `55.0`."""
    return "{" + ", ".join(f"{json.dumps(name)}: {literal}" for name, literal in literals.items()) + "}"


def fields_in(body: str) -> Iterator[Field]:
    """The fields of a body, in its order. Raises ValueError where it is not an object, or not JSON from there on."""
    decode = json.JSONDecoder().raw_decode
    position = _after(_OPENING, body, 0)
    while not body.startswith("}", position):
        name, position = decode(body, position)
        start = _after(_COLON, body, position)
        _, end = decode(body, start)
        yield Field(name, body[start:end], start)
        position = _after(_COMMA_OR_END, body, end)


# The end of the object is looked at, and not passed over.
_OPENING, _COLON, _COMMA_OR_END = (re.compile(rf"[ \t\r\n]*{mark}[ \t\r\n]*") for mark in (r"\{", ":", r"(?:,|(?=\}))"))


def _after(mark: re.Pattern[str], body: str, position: int) -> int:
    found = mark.match(body, position)
    if found is None:
        raise ValueError(f"not JSON at {position}")
    return found.end()


def hash_over(fields: Iterable[Field], secret: str) -> str:
    """The lower-case hex MD5 of the fields but `hash`, by name, as `name=value` joined with `&`, and the secret.

    The provider publishes no formula. `hash_of` in layers/common/wallet/trust.py lists what another one changes.
    """
    pairs = sorted((each.name, each.literal) for each in fields if not each.is_hash)
    covered = "&".join(f"{name}={literal}" for name, literal in pairs) + secret
    return hashlib.md5(covered.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()


def hash_of(body: str, secret: str) -> str:
    return hash_over(fields_in(body), secret)


def signed(body: str, secret: str) -> str:
    """The body with its hash, as the last of its fields."""
    return f'{body[:-1]}, "hash": "{hash_of(body, secret)}"}}'


def signed_again(body: str, secret: str) -> str:
    """The body with the right hash in place of the one that it has. A body without one stays as it is."""
    for field in fields_in(body):
        if field.is_hash and field.text.startswith('"'):
            return replaced(body, field, json.dumps(hash_of(body, secret)))
    return body


def replaced(body: str, field: Field, text: str) -> str:
    """The body with other JSON as that field's value."""
    return f"{body[: field.at]}{text}{body[field.at + len(field.text) :]}"

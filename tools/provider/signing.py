"""A body as the provider writes and signs it. Source: docs/callbacks.md, Trust."""

import hashlib
import json
from collections.abc import Mapping


def json_object(literals: Mapping[str, str]) -> str:
    """An object whose values stand in it as they are given: `55.0` stays `55.0`."""
    return "{" + ", ".join(f"{json.dumps(name)}: {literal}" for name, literal in literals.items()) + "}"


def hash_of(body: str, secret: str) -> str:
    """The hash that belongs to a flat object: MD5 over its other values as written, by name, and the secret."""
    values = "&".join(f"{name}={value}" for name, value in sorted(_written(body).items()) if name != "hash")
    return hashlib.md5(f"{values}{secret}".encode()).hexdigest()  # noqa: S324 - the provider's choice


def signed(body: str, secret: str) -> str:
    """The body with its hash, as the last of its fields."""
    return f'{body[:-1]}, "hash": "{hash_of(body, secret)}"}}'


class _Number(str):
    """A number's characters."""


def _written(body: str) -> dict[str, str]:
    """A flat object's values as they are written: a text's own characters, else its JSON."""
    values = json.loads(body, parse_float=_Number, parse_int=_Number)
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}

"""What the provider sends: a body whose every character is chosen, and its hash.

A body is written here and not by a JSON library, which would write `0.10` as `0.1` and so decide what a case is about.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Callback: TypeAlias = Literal["result", "auto closing", "jackpot", "bonus", "promo"]
SIGNED: frozenset[Callback] = frozenset({"jackpot", "bonus"})  # what the pages demand a hash of


@dataclass(frozen=True, slots=True)
class Raw:
    """JSON text that is sent as it stands: `Raw("0.10")` is the number 0.10, in four characters."""

    text: str


Value: TypeAlias = "str | bool | int | Sequence[Value] | Mapping[str, Value] | Raw | None"


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    text: str  # of the value, in JSON

    @property
    def literal(self) -> str:
        """The characters that a hash covers: a text's own, any other value's JSON."""
        return json.loads(self.text) if self.text.startswith('"') else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One callback as it is to be sent. `body`, if given, is sent in place of the fields.

    `signature` is by default what its callback's page demands; a field `hash` of its own is left as it is.
    """

    callback: Callback
    fields: tuple[Field, ...]
    body: str | bytes | None = None
    path: str | None = None  # instead of its callback's own
    method: str = "POST"
    content_type: str = "application/json"
    signature: Literal["of its callback", "none"] = "of its callback"
    token: Literal["right", "none"] | Raw = "right"  # noqa: S105 - a choice, not a token

    def __getitem__(self, name: str) -> str:
        """The characters of a field's value."""
        return next(each.literal for each in self.fields if each.name == name)

    def but(self, **changes: Value) -> "Request":
        """The same with these fields, in their old places; what is new comes last."""
        texts = {name: written(value) for name, value in changes.items()}
        kept = [Field(each.name, texts.pop(each.name, each.text)) for each in self.fields]
        return replace(self, fields=(*kept, *(Field(name, text) for name, text in texts.items())))

    def without(self, *names: str) -> "Request":
        return replace(self, fields=tuple(each for each in self.fields if each.name not in names))

    def spelled(self, **names: str) -> "Request":
        """The same with fields under other names: `spelled(roundId="roundid")`."""
        return replace(self, fields=tuple(Field(names.get(each.name, each.name), each.text) for each in self.fields))

    def backwards(self) -> "Request":
        return replace(self, fields=self.fields[::-1])

    def by(self, path: str) -> "Request":
        return replace(self, path=path)

    def saying(self, body: str | bytes) -> "Request":
        return replace(self, body=body)

    def with_token(self, token: "Literal['right', 'none'] | Raw") -> "Request":
        return replace(self, token=token)

    def unsigned(self) -> "Request":
        return replace(self, signature="none")

    def signed(self, secret: str | None, filler: str) -> "Request":
        """The same with its hash: made with the secret or, where none is known, `filler` in its place."""
        has_one = any(each.name.lower() == "hash" for each in self.fields)
        wants_one = self.signature == "of its callback" and self.callback in SIGNED
        if has_one or not wants_one or self.body is not None:
            return self
        return self.but(hash=hash_of(self.fields, secret) if secret else filler)

    @property
    def content(self) -> bytes:
        """The body's bytes."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.text if self.body is None else self.body).encode()

    @property
    def text(self) -> str:
        return "{" + ", ".join(f"{json.dumps(each.name)}: {each.text}" for each in self.fields) + "}"


def is_name(text: str) -> bool:
    """Whether it can be a player or a currency: 1 to 128 characters, not all white space, none a control character."""
    return 1 <= len(text) <= _MOST_CHARACTERS and not text.isspace() and not _UNFIT.search(text)


_MOST_CHARACTERS = 128
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, and halves of one


def written(value: Value) -> str:
    return value.text if isinstance(value, Raw) else json.dumps(value, ensure_ascii=False)


def fields_of(**values: Value) -> tuple[Field, ...]:
    return tuple(Field(name, written(value)) for name, value in values.items())


def hash_of(fields: Iterable[Field], secret: str) -> str:
    """The lower-case hex MD5 of the fields but `hash`, by name, as `name=value` joined with `&`, and the secret.

    Source: docs/callbacks.md, Trust. The provider publishes no formula.
    """
    pairs = sorted((each.name, each.literal) for each in fields if each.name.lower() != "hash")
    covered = "&".join(f"{name}={literal}" for name, literal in pairs)
    return hashlib.md5(f"{covered}{secret}".encode(), usedforsecurity=False).hexdigest()

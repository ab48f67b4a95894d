"""What the provider sends: a body whose every character is chosen, and its hash.

A body is written here and not by a JSON library, which would write `0.10` as `0.1` and so decide what a case is about.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from tools.provider.paths import SIGNED, Callback
from tools.provider.signing import Field, hash_over, json_object


@dataclass(frozen=True, slots=True)
class Raw:
    """JSON text that is sent as it stands: `Raw("0.10")` is the number 0.10, in four characters."""

    text: str


Value: TypeAlias = "str | bool | int | Sequence[Value] | Mapping[str, Value] | Raw | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
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
        """The characters of a field's value, however its name is spelled."""
        return next(each.literal for each in self.fields if each.name.lower() == name.lower())

    @property
    def pays_bonus(self) -> str:
        """What it adds to bonus as well, if no other free round or total of its code was paid."""
        codes = [each for each in self.fields if each.name.lower() == "bonuscode" and each.text not in _NOTHING]
        is_free_round = self.callback in ("result", "auto closing") and bool(codes)
        return self["amount"] if is_free_round or self.callback == "bonus" else "0"

    def but(self, **changes: Value) -> "Draft":
        """The same with these fields, in their old places; what is new comes last."""
        texts = {name: written(value) for name, value in changes.items()}
        kept = [Field(each.name, texts.pop(each.name, each.text)) for each in self.fields]
        return replace(self, fields=(*kept, *(Field(name, text) for name, text in texts.items())))

    def without(self, *names: str) -> "Draft":
        return replace(self, fields=tuple(each for each in self.fields if each.name not in names))

    def spelled(self, **names: str) -> "Draft":
        """The same with fields under other names: `spelled(roundId="roundid")`."""
        return replace(self, fields=tuple(Field(names.get(each.name, each.name), each.text) for each in self.fields))

    def backwards(self) -> "Draft":
        return replace(self, fields=self.fields[::-1])

    def by(self, path: str) -> "Draft":
        return replace(self, path=path)

    def saying(self, body: str | bytes) -> "Draft":
        return replace(self, body=body)

    def with_token(self, token: "Literal['right', 'none'] | Raw") -> "Draft":
        return replace(self, token=token)

    def unsigned(self) -> "Draft":
        return replace(self, signature="none")

    def signed(self, secret: str | None, filler: str) -> "Draft":
        """The same with its hash: made with the secret or, where none is known, `filler` in its place."""
        has_one = any(each.is_hash for each in self.fields)
        wants_one = self.signature == "of its callback" and self.callback in SIGNED
        if has_one or not wants_one or self.body is not None:
            return self
        return self.but(hash=hash_over(self.fields, secret) if secret else filler)

    @property
    def content(self) -> bytes:
        """The body's bytes."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.text if self.body is None else self.body).encode()

    @property
    def text(self) -> str:
        return json_object({each.name: each.text for each in self.fields})


_NOTHING = ("null", '""', "[]", "{}")


def written(value: Value) -> str:
    return value.text if isinstance(value, Raw) else json.dumps(value, ensure_ascii=False)


def fields_of(**values: Value) -> tuple[Field, ...]:
    return tuple(Field(name, written(value)) for name, value in values.items())

"""What is done to a callback's words: faults that the contract refuses, and odd writings of what it takes."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tools.proofs.soak.notes import Plan
from tools.provider.signing import fields_in, json_object, signed
from tools.provider.simulate import pages
from tools.provider.simulate.pages import Secrets, Words

# Each is refused with this code, for these fields or by what is below. Source: docs/callbacks.md, Answers.
FAULTS: Sequence[tuple[str, int, Mapping[str, Any]]] = (
    ("no amount", 64, {"amount": None}),
    ("no round", 64, {"roundId": ""}),
    ("empty lists", 64, {"gameId": [], "gameName": {}}),
    ("negative amount", 59, {"amount": "-1"}),
    ("too small", 59, {"amount": "1e-19"}),
    ("too large an exponent", 59, {"amount": "1e999999999"}),
    ("boolean amount", 59, {"amount": True}),
    ("NaN", 59, {"amount": float("nan")}),
    ("too many digits", 59, {"amount": "1" * 33}),
    ("a control character", 57, {"gameId": "lm\n60"}),
    ("half a number", 57, {"roundId": 1.5}),
    ("too long an id", 57, {"roundId": "r" * 129}),
    ("two spellings", 57, {}),
    ("not JSON", 99, {}),
    ("no object", 99, {}),
    ("a key twice", 99, {}),
    ("too large", 99, {"roundDetails": "x" * 66_000}),
    ("wrong token", 401, {}),
    ("no token", 401, {}),
    ("wrong hash", 401, {}),
    ("no secret", 401, {}),
    ("changed after it was signed", 401, {}),
    ("GET", 405, {}),
    ("no such path", 404, {}),
)
SIGNED_FAULTS = frozenset({"wrong hash", "no secret", "changed after it was signed"})  # of a page that demands a hash

_OTHER_SECRETS: Mapping[str, Mapping[str, str | None]] = {
    "wrong token": {"auth_token": "guessed"},
    "no token": {"auth_token": None},
    "wrong hash": {"hash_secret": "guessed"},
    "no secret": {"hash_secret": None},
}
_TRICKS: Mapping[str, Callable[[Words], Words]] = {
    "two spellings": lambda said: replace(said, body=f'{said.body[:-1]}, "USERID": "somebody-else"}}'),
    "not JSON": lambda said: replace(said, body=said.body[:-2]),
    "no object": lambda said: replace(said, body=f"[{said.body}]"),
    "a key twice": lambda said: replace(said, body=f'{said.body[:-1]}, "odd": "r-2", "odd": "r-2"}}'),
    "changed after it was signed": lambda said: replace(said, body=f'{said.body[:-1]}, "odd": 1}}'),
    "GET": lambda said: replace(said, body="", method="GET"),
    "no such path": lambda said: replace(said, path=said.path.replace("Result", "Results")),
}
_QUOTE = '"'


def words_of(plan: Plan, chance: random.Random, *, nth: int, timestamp: int, secrets: Secrets) -> Words:
    """The `nth` sending of what is planned, as `pages.words` has it, with the plan's fields and its trick."""
    if plan.trick in _OTHER_SECRETS:
        secrets = replace(secrets, **_OTHER_SECRETS[plan.trick])
    said = pages.words(plan.callback, nth=nth, timestamp=timestamp, secrets=secrets)
    if plan.fields:
        said = replace(said, body=_with_fields(said.body, plan.fields, secrets.hash_secret or ""))
    if plan.trick in _TRICKS:
        return _TRICKS[plan.trick](said)
    return said if plan.outcome == "refused" else replace(said, body=_oddly_written(said.body, chance))


def as_json(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: json.dumps(value) for name, value in fields.items()}


def _with_fields(body: str, fields: Mapping[str, str], secret: str) -> str:
    """The body with other fields, whatever case they are in; signed once more if it is signed."""
    names = {name.lower() for name in fields}
    kept = {each.name: each.text for each in fields_in(body) if each.name.lower() not in names}
    is_signed = kept.pop("hash", None)
    changed = json_object(kept | dict(fields))
    return signed(changed, secret) if is_signed else changed


def _oddly_written(body: str, chance: random.Random) -> str:
    """The body in another writing of the same: order, case, numbers for texts, exponents, a byte order mark."""
    literals = {each.name: each.text for each in fields_in(body)}
    if "hash" in literals or chance.random() < 0.5:
        return body
    if chance.random() < 0.1:
        amount = literals["amount"]
        exponential = f"{Decimal(amount.strip(_QUOTE)):e}"
        literals["amount"] = f"{_QUOTE}{exponential}{_QUOTE}" if amount.startswith(_QUOTE) else exponential
    for name, literal in literals.items():
        if name.lower() == "roundid" and literal.strip(_QUOTE).isdigit():
            literals[name] = literal.strip(_QUOTE)
    names = chance.sample([*literals], len(literals))
    written = json_object({name.upper() if chance.random() < 0.04 else name: literals[name] for name in names})
    return f"\ufeff{written}" if chance.random() < 0.04 else written

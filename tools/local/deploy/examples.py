"""The provider's five published examples, as it would send them to a stack."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from tools.shared.folders import ROOT

EVENTS = ROOT / "events"

# Which output each example is sent to; a round closed automatically is a result.
OUTPUTS = {
    "result": "ResultUrl",
    "auto_closing": "ResultUrl",
    "jackpot": "JackpotUrl",
    "bonus": "BonusUrl",
    "promo": "PromoUrl",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A published example: its `name`, the stack's output that it is sent to, its path, and its body to the letter."""

    name: str
    output: str
    path: str
    body: str


def examples() -> Iterator[Example]:
    return (example(name) for name in OUTPUTS)


def example(name: str) -> Example:
    published = event(name)
    return Example(name=name, output=OUTPUTS[name], path=published["path"], body=published["body"])


@cache
def event(name: str) -> dict[str, Any]:
    """An example as API Gateway hands it to a function."""
    return json.loads((EVENTS / f"{name}.json").read_text())

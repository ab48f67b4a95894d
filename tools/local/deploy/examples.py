"""The provider's five published examples of wins, and ours of its other calls, as it would send them to a stack."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
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
OUTPUTS_OF_BETS = {
    "bet": "BetUrl",
    "cancel": "CancelUrl",
    "refund": "RefundUrl",
    "endround": "EndRoundUrl",
    "balance": "BalanceUrl",
    "check": "CheckUrl",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An example: its `name`, the stack's output that it is sent to, its path, and its body to the letter."""

    name: str
    output: str
    path: str
    body: str


def examples() -> Iterator[Example]:
    """The five that are published."""
    return (example(name) for name in OUTPUTS)


def rounds() -> Iterator[Example]:
    """All of them, in an order in which each is answered with success: a round that is played, and two undone."""
    for name in ("check", "balance", "bet", *OUTPUTS, "endround"):
        yield example(name)
    for undoing in ("cancel", "refund"):
        for each in map(example, ("bet", undoing)):
            body = json.loads(each.body)
            other = {name: f"{body[name]}-{undoing}" for name in ("roundId", "reference")}
            yield replace(each, body=json.dumps(body | other))


def example(name: str) -> Example:
    published = event(name)
    return Example(name=name, output=(OUTPUTS | OUTPUTS_OF_BETS)[name], path=published["path"], body=published["body"])


@cache
def event(name: str) -> dict[str, Any]:
    """An example as API Gateway hands it to a function."""
    return json.loads((EVENTS / f"{name}.json").read_text())

"""What cases leave behind in an operator's wallet: transactions, and requests that it may keep.

What each case leaves at a right operator is in footprint.json, and a test measures it again. What a run left is counted
from its own requests and answers.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tools.provider.certify.catalogue import Case
from tools.provider.certify.provider import OWN_PATHS, Exchange
from tools.provider.paths import PATHS, Callback

FILE = Path(__file__).with_name("footprint.json")
# What a refused request of each call may be kept by: an operator keeps wins, cancels and refunds, and nothing else.
_KEEPER: Mapping[Callback, str] = {
    "result": "result",
    "auto closing": "result",
    "jackpot": "jackpot",
    "bonus": "bonus",
    "promo": "promo",
    "cancel": "cancel",
    "refund": "cancel",
}
FOR_A_PERSON = (52, 57, 59, 61, 64)  # refused for good: what is sent again cannot be another
FOR_A_RETRY = (62, 998)  # the player may be created, the operator may recover
_UNHEARD = (99, 401)  # kept by nobody: the operator cannot believe it, or not read it


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """`refused` counts the refusals of wins, cancels and refunds, by who may keep them and their code.

    `odd` counts what was credited and needs a look, by the alarm of this project's wallet.
    """

    transactions: int = 0
    refused: Mapping[tuple[str, int], int] = field(default_factory=dict)
    odd: Mapping[str, int] = field(default_factory=dict)

    def count(self, codes: Sequence[int], keeper: str | None = None) -> int:
        return sum(number for (by, code), number in self.refused.items() if code in codes and keeper in (None, by))

    def keepers(self) -> list[str]:
        """Who may have kept something, in the order of the calls."""
        codes = (*FOR_A_PERSON, *FOR_A_RETRY)
        return [each for each in dict.fromkeys(_KEEPER.values()) if self.count(codes, each)]

    def alarms(self) -> list[str]:
        """Which alarms of this project's wallet may fire for it, by their names."""
        causes = {
            "dead-letter-arrived": self.count(FOR_A_PERSON),
            "dead-letters": self.count(FOR_A_PERSON),
            "conflicts": self.count((61,)),
            "parked-long": self.count(FOR_A_RETRY),
            "not-kept": self.count(_UNHEARD),
            "unauthenticated": self.count((401,)) // 20,  # as many in five minutes
            **self.odd,
        }
        return [name for name, number in causes.items() if number]


def together(several: Iterable[Footprint]) -> Footprint:
    transactions, refused, odd = 0, Counter[tuple[str, int]](), Counter[str]()
    for each in several:
        transactions += each.transactions
        refused.update(each.refused)
        odd.update(each.odd)
    return Footprint(transactions=transactions, refused=dict(refused), odd=dict(odd))


def left_by(exchanges: Iterable[Exchange], paths: Mapping[Callback, str] = OWN_PATHS) -> Footprint:
    """What these requests left, by their answers."""
    called: dict[str, Callback] = {path: call for call, several in PATHS.items() for path in several}
    called |= {path: call for call, path in paths.items()}
    transactions: set[str] = set()
    refused, odd = Counter[tuple[str, int]](), Counter[str]()
    won: set[tuple[str, ...]] = set()  # rounds
    for exchange in exchanges:
        answer = exchange.answer
        keeper = next((_KEEPER.get(called[path]) for path in _endings(exchange.url) if path in called), None)
        if answer.is_success and (id := answer.literal("transactionId")) not in {"", *transactions}:
            transactions.add(id)
            body = _fields(exchange.request_body)
            if keeper == "bonus" and not body.get("bonusCode"):
                odd["total-without-code"] += 1
            if keeper == "result":
                round = tuple(str(body.get(name)) for name in ("userId", "gameId", "roundId"))
                if round in won and not body.get("sessionId"):
                    odd["closed-with-winnings"] += 1
                won.add(round)
        elif keeper and answer.error in (*FOR_A_PERSON, *FOR_A_RETRY, *_UNHEARD):
            refused[keeper, answer.error] += 1
    return Footprint(transactions=len(transactions), refused=dict(refused), odd=dict(odd))


def _fields(body: str) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _endings(url: str) -> Iterator[str]:
    """A URL's path, and what is left of it without its first folders: the operator's base may have some."""
    path = urlsplit(url).path
    while path:
        yield path
        path = path[1:].partition("/")[1] + path[1:].partition("/")[2]


def expected(cases: Sequence[Case], missing: Iterable[str]) -> Footprint:
    """What these cases will leave at a right operator. For a reason in `missing` a case is not tried."""
    reasons, known = {*missing}, measured()
    return together(each.left for case in cases if (each := known.get(case.name)) and each.needs not in reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`needs` is the reason that a case gives where it cannot be tried, or ""."""

    left: Footprint
    needs: str = ""


@cache
def measured() -> Mapping[str, Measured]:
    """By the case's name."""
    return {
        name: Measured(
            left=Footprint(
                transactions=row["transactions"],
                refused={
                    (by, int(code)): number
                    for by, codes in row.get("refused", {}).items()
                    for code, number in codes.items()
                },
                odd=row.get("odd", {}),
            ),
            needs=row.get("needs", ""),
        )
        for name, row in json.loads(FILE.read_text()).items()
    }


def written(several: Mapping[str, Measured]) -> str:
    """As the file has it: a case a line."""
    lines: list[str] = []
    for name, each in several.items():
        refused: dict[str, dict[str, int]] = {}
        for (by, code), number in sorted(each.left.refused.items()):
            refused.setdefault(by, {})[str(code)] = number
        more = {"refused": refused, "odd": dict(each.left.odd), "needs": each.needs}
        row = {"transactions": each.left.transactions} | {key: value for key, value in more.items() if value}
        lines.append(f"  {json.dumps(name)}: {json.dumps(row)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"

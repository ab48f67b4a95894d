"""Whatever the calls did is proved, in any order; and what somebody does to bets, cancels and rounds is named."""

import json
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from conftest import Operator
from simulation.ledger_proof import prove
from tamperings import Books

CALLS = {
    "Bet": "bet",
    "Cancel": "cancel",
    "Refund": "cancel",
    "EndRound": "endround",
    "Result": "result",
    "BonusWin": "bonus",
}
OFTEN = (6, 4, 3, 1, 5, 1)
SEEDS = [*range(12), int(os.environ["SIMULATION_SEED"])]  # the last is conftest's, shown at the head of the run


@dataclass
class _Draw:
    """Calls that meet: each names one of the last few references, or a new one, and one of few rounds and players."""

    random: random.Random
    bets: list[dict[str, Any]] = field(default_factory=list)
    newest: int = 0

    def call(self) -> tuple[str, dict[str, Any]]:
        """A call, and its body."""
        (call,) = self.random.choices([*CALLS], OFTEN)
        place = {"gameId": self.choice("gggh"), "roundId": self.choice(["r1", "r2", 33])}
        body: dict[str, Any] = {"userId": self.choice([*["421"] * 8, "7", "none"]), "providerId": "p", "uuid": "u"}
        if self.bets and self.chance(0.6):
            place = {name: self.bets[-1][name] for name in place}
        body["reference"] = self.random.randint(self.newest - 3, self.newest)
        if call == "EndRound":
            return call, body | place
        if call in ("Cancel", "Refund"):
            return call, body | self._undone(place)
        body |= place | {"amount": self.choice(["0", "1", "2", "5.0", 30]), "timestamp": self.choice(["1", "2", "3"])}
        body["currency"] = self.choice([*["USD"] * 9, "EUR"])
        if code := self.choice([None, None, None, "F", "F", "G"]):
            body["bonusCode"] = code
        if self.chance(0.8):
            self.newest += 1
            body["reference"] = f"{self.newest}"
        if call == "Bet":
            self.bets.append(body)
        if call == "Result":
            body |= {"gameName": "x", "roundDetails": "spin"} | ({"sessionId": "s"} if self.chance(0.7) else {})
            if self.chance(0.2):
                body |= {"promoWinAmount": "4", "promoWinReference": self.choice("pqrstu")}
        return call, body

    def _undone(self, place: dict[str, Any]) -> dict[str, Any]:
        """What a cancel or a refund says: mostly of one of the last bets."""
        said: dict[str, Any] = {}
        if self.bets and self.chance(0.8):
            bet = self.choice(self.bets[-4:])
            said |= {name: bet[name] for name in ("userId", "reference")}
            place = {name: bet[name] for name in place}
        said |= {name: value for name, value in place.items() if self.chance(0.65)}
        if self.chance(0.15):
            said["amount"] = self.choice(["1", "2", "3", "x"])
        if self.chance(0.3):
            said |= {"currency": "EUR", "timestamp": "5", "bonusCode": "odd"}
        return said

    def choice(self, of: Sequence[Any]) -> Any:
        return self.random.choice(of)

    def chance(self, of: float) -> bool:
        return self.random.random() < of


def _ordered(call: str, body: dict[str, Any], *, booked_elsewhere: bool) -> dict[str, Any]:
    """An order to settle a dead letter of that call by hand."""
    letter = {"callback": CALLS[call], "reference": None, "code": 61, "reason": "why", "prize_only": False}
    letter |= {"first_received_at": "2026-11-30T00:00:00+00:00", "request": json.dumps(body)}
    letter |= {"call": call.lower()} if CALLS[call] == "cancel" else {}
    order = {"message": json.dumps(letter), "actor": "jo", "reason": "ticket 7"}
    return {"settle": order | ({"bookedElsewhere": True} if booked_elsewhere else {})}


def _play(operator: Operator, seed: int, *, calls: int = 80) -> None:
    draw = _Draw(random.Random(seed))
    operator.open_wallet("421", cash="50", bonus="0")
    operator.open_wallet("7", cash="3", bonus="0")
    for _ in range(calls):
        call, body = draw.call()
        if draw.chance(0.04):
            order = {"userId": "421", "actor": "a", "reason": "r"}
            operator.invoke("cashier", {draw.choice(["freeze", "unfreeze", "unfreeze"]): order})
        elif CALLS[call] in ("cancel", "result") and draw.chance(0.2):
            operator.invoke(CALLS[call], _ordered(call, body, booked_elsewhere=draw.chance(0.4)))
        else:
            operator.send(CALLS[call], body, path=f"/v4/{call}")


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_the_calls_did_is_proved(operator: Operator, seed: int) -> None:
    _play(operator, seed)

    made, _ = prove(Books.read(operator).items())

    assert made.faults == []

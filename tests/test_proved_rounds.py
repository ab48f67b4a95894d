"""Whatever the calls did is proved, in any order; and what somebody does to bets, cancels and rounds is named."""

import json
import os
import random
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


def _drawn(draw: random.Random) -> tuple[str, dict[str, Any]]:
    """A call, and its body: few references, rounds and players, so that they meet."""
    (call,) = draw.choices([*CALLS], OFTEN)
    body: dict[str, Any] = {"userId": draw.choice([*["421"] * 8, "7", "none"]), "providerId": "p", "uuid": "u"}
    place = {"gameId": draw.choice("gggh"), "roundId": draw.choice(["r1", "r1", "r2", 33])}
    body["reference"] = draw.choice([*"abcdef", 17])
    if call == "EndRound":
        return call, body | place
    if call in ("Cancel", "Refund"):
        body |= {name: value for name, value in place.items() if draw.random() < 0.65}
        if draw.random() < 0.3:
            body["amount"] = draw.choice(["1", "2", "3", "x"])
        if draw.random() < 0.3:
            body |= {"currency": "EUR", "timestamp": "5", "bonusCode": "odd"}
        return call, body
    body |= place | {"amount": draw.choice(["0", "1", "2", "5.0", 30]), "timestamp": draw.choice(["1", "2", "3"])}
    body["currency"] = draw.choice([*["USD"] * 9, "EUR"])
    if code := draw.choice([None, None, None, "F", "F", "G"]):
        body["bonusCode"] = code
    if call == "Result":
        body |= {"gameName": "x", "roundDetails": "spin"} | ({"sessionId": "s"} if draw.random() < 0.7 else {})
        if draw.random() < 0.2:
            body |= {"promoWinAmount": "4", "promoWinReference": draw.choice("pq")}
    return call, body


def _ordered(draw: random.Random, call: str, body: dict[str, Any]) -> dict[str, Any]:
    """A dead letter of the call, which a person settles."""
    letter = {"callback": CALLS[call], "reference": None, "code": 61, "reason": "why", "prize_only": False}
    letter |= {"first_received_at": "2026-11-30T00:00:00+00:00", "request": json.dumps(body)}
    letter |= {"call": call} if CALLS[call] == "cancel" else {}
    order = {"message": json.dumps(letter), "actor": "jo", "reason": "ticket 7"}
    return {"settle": order | ({"bookedElsewhere": True} if draw.random() < 0.4 else {})}


def _play(operator: Operator, seed: int, *, calls: int = 60) -> None:
    draw = random.Random(seed)
    operator.open_wallet("421", cash="20", bonus="0")
    operator.open_wallet("7", cash="3", bonus="0")
    for _ in range(calls):
        call, body = _drawn(draw)
        if draw.random() < 0.05:
            order = {"userId": "421", "actor": "a", "reason": "r"}
            operator.invoke("cashier", {draw.choice(["freeze", "unfreeze"]): order})
        elif CALLS[call] in ("cancel", "result") and draw.random() < 0.2:
            operator.invoke(CALLS[call], _ordered(draw, call, body))
        else:
            operator.send(CALLS[call], body, path=f"/v4/{call}")


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_the_calls_did_is_proved(operator: Operator, seed: int) -> None:
    _play(operator, seed)

    made, _ = prove(Books.read(operator).items())

    assert made.faults == []

"""A player's rounds, each call said in one line of a test: the body that is sent, and the code that is answered."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from botocore.client import BaseClient

from conftest import Operator, Reply

Fields = dict[str, Any]

FUNCTIONS = {
    "Bet": "bet",
    "Cancel": "cancel",
    "Refund": "cancel",
    "EndRound": "endround",
    "Balance": "balance",
    "Check": "balance",
    "Result": "result",
}


def body(call: str, /, **changes: Any) -> Fields:
    """What the provider sends, with `changes`; None takes a field out."""
    said: Fields = {"userId": "421", "providerId": "luckymonaco", "uuid": "u-1", "currency": "USD"}
    if call in ("Bet", "Result"):
        said |= {"amount": "10", "reference": f"{call}-1", "timestamp": "1482429190374"}
        said |= {"gameId": "slot", "roundId": "r-1"}
    match call:
        case "Result":
            said |= {"gameName": "Slot", "roundDetails": "spin", "sessionId": "s-1"}
        case "Cancel" | "Refund":
            said |= {"reference": "Bet-1"}
        case "EndRound":
            said |= {"gameId": "slot", "roundId": "r-1"}
        case _:
            pass
    return {name: value for name, value in (said | changes).items() if value is not None}


def play(operator: Operator, call: str, /, **changes: Any) -> Reply:
    return operator.send(FUNCTIONS[call], body(call, **changes), path=f"/v4/{call}")


def answered(operator: Operator, call: str, error: int = 0, /, **changes: Any) -> Decimal | None:
    """The cash that is answered, where there are balances. Asserts the code."""
    reply = play(operator, call, **changes)
    assert reply.json["error"] == error, reply.text
    return Decimal(reply.json["cash"]) if "cash" in reply.json else None


def cash(operator: Operator, user_id: str = "421") -> Decimal:
    return operator.wallet(user_id)["cash"]


def record(operator: Operator, id: str) -> Fields:
    (item,) = (item for item in operator.transactions() if item["id"] == id)
    return item


def rounds(operator: Operator) -> list[Fields]:
    return operator.items("Rounds")


def live(operator: Operator, round_id: str = "r-1") -> list[str]:
    """The references of a round's live bets."""
    (item,) = (item for item in rounds(operator) if item["roundId"] == round_id)
    return [bet["reference"] for bet in item["bets"]]


@contextmanager
def before(monkeypatch: pytest.MonkeyPatch, operation: str, others: Callable[[], object]) -> Iterator[list[str]]:
    """Has `others` happen before the next call of that operation is made. What is asked for is listed."""
    asked: list[str] = []
    make_call = BaseClient._make_api_call
    has_happened = False

    def calling(client: Any, name: str, parameters: Any) -> Any:
        nonlocal has_happened
        if name == operation and not has_happened:
            has_happened = True
            others()
        asked.append(name)
        return make_call(client, name, parameters)

    with monkeypatch.context() as patched:
        patched.setattr(BaseClient, "_make_api_call", calling)
        yield asked
    assert has_happened

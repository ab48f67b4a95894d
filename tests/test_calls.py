"""Every order of a player's calls does what the contract does, and leaves what it leaves."""

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import contract
from conftest import Operator
from contract import Call, Contract
from on_record import assert_on_record
from plays import FUNCTIONS, body

Fields = dict[str, Any]

QUEUES = [f"{function}{queue}" for function in ("Result", "Cancel") for queue in ("RetryQueue", "DeadLetters")]


@st.composite
def played(draw: st.DrawFn) -> tuple[str, Fields]:
    """A call, mostly of one round of one player, and what it sends."""
    call = draw(st.sampled_from(["Bet", "Bet", "Bet", "Cancel", "Cancel", "Refund", "Refund", "Result", *FUNCTIONS]))
    said: Fields = {"userId": draw(st.sampled_from(["421", "421", "421", "421", "7", "nobody"]))}
    place = {
        "gameId": draw(st.sampled_from(["slot", "slot", "dice"])),
        "roundId": draw(st.sampled_from(["r", "r", "s"])),
    }
    currency = draw(st.sampled_from(["USD", "USD", "USD", "EUR"]))
    match call:
        case "Bet" | "Result":
            said |= place | {"reference": draw(st.sampled_from("abc")), "currency": currency}
            said |= {"amount": draw(st.sampled_from(["0", "1", "5", 5, "12"]))}
            said |= {"bonusCode": draw(st.sampled_from([None, None, None, "FREE", "MORE"]))}
            if call == "Result":
                said |= {"sessionId": draw(st.sampled_from(["s", None]))}
        case "Cancel" | "Refund":
            said |= {name: value for name, value in place.items() if draw(st.booleans())}
            said |= {"reference": draw(st.sampled_from("abc")), "currency": draw(st.sampled_from([None, "EUR"]))}
            said |= {"amount": draw(st.sampled_from([None, None, None, "1", "5", "6", "ten"]))}
        case "EndRound":
            said |= place | {"currency": currency}
        case _:
            said |= {"currency": draw(st.sampled_from([currency, None]))}
    return call, said


orders = st.sampled_from(["freeze", "unfreeze"])


@settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plays=st.lists(st.one_of(played(), played(), played(), played(), orders), min_size=1, max_size=20))
def test_any_calls_are_answered_recorded_and_kept_as_the_contract_says(
    operator: Operator, plays: list[tuple[str, Fields] | str]
) -> None:
    start_again(operator)
    due = Contract()
    for user_id, cash in (("421", 20), ("7", 6)):
        operator.put_wallet(user_id, cash=cash)
        due.wallets[user_id] = contract.Wallet("USD", Fraction(cash), Fraction(0))
    for each in plays:
        if isinstance(each, str):
            order = {each: {"userId": "421", "actor": "ann", "reason": "a report"}}
            assert operator.invoke("cashier", order)["frozen"] is due.ordered(order)["frozen"]
            continue
        call, changes = each
        said, before = body(call, **changes), kept(operator)
        reply = operator.send(FUNCTIONS[call], said, path=f"/v4/{call}")
        answer = due.due(Call(f"/v4/{call}", json.dumps(said).encode()))
        assert (reply.status, of(reply.text)) == (answer.status, of(answer.body)), call
        assert kept(operator) == [
            count + bool(answer.kept and queue == f"{FUNCTIONS[call].title()}{answer.kept.queue}")
            for queue, count in zip(QUEUES, before, strict=True)
        ]
    tables = ("Players", "Transactions", "FreeRounds", "Rounds")
    assert_on_record(due, **{table: operator.items(table) for table in tables})


def start_again(operator: Operator) -> None:
    """Empties the tables: all examples of a test share an account."""
    for table in operator.database.tables.all():
        keys = [key["AttributeName"] for key in table.key_schema]
        for item in operator.items(table.name):
            table.delete_item(Key={name: item[name] for name in keys})


def kept(operator: Operator) -> list[int]:
    return [len(operator.messages(queue)) for queue in QUEUES]


def of(text: str) -> Mapping[str, object]:
    """What an answer says, its numbers as they are written; descriptions and transactionIds are each side's own."""
    said: Fields = json.loads(text, parse_int=lambda digits: ("number", digits))
    return {name: None if name in ("description", "transactionId") else value for name, value in said.items()}

"""Each callback's function as it was built, under Lambda's own runtime, on a real engine."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from conftest import EVENTS, ROOT, published
from deployed.runtime import (
    HERE,
    RUNTIME,
    Account,
    Function,
    function_folder,
    layer_folder,
    running,
    sam_variables,
)
from tools.local.engine import engine, free_port
from tools.local.template import Template

CALLBACKS = ("result", "jackpot", "bonus", "promo")
REFERENCE = "585c1306f89c56f5ecfc2f5d"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with engine(free_port()) as running_engine:
        yield running_engine.endpoint


@pytest.fixture(scope="module")
def function(endpoint: str) -> Iterator[Callable[[str], Function]]:
    """A callback's function, started when it is first asked for."""
    with ExitStack() as stack:
        started: dict[str, Function] = {}

        def started_once(callback: str) -> Function:
            if callback not in started:
                started[callback] = stack.enter_context(running(callback, endpoint))
            return started[callback]

        yield started_once


@pytest.fixture
def account(endpoint: str) -> Account:
    return Account.anew(endpoint)


def event_of(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


# --- The canonical events ---------------------------------------------------------------------------

# The player has 99889.99 and a bonus of 99.99; amounts are answered in the notation of the request.
EXAMPLES = [
    pytest.param("result", "result", '"99899.99"', '"99.99"', id="result"),
    pytest.param("auto_closing", "result", "99899.99", "99.99", id="auto closing"),
    pytest.param("jackpot", "jackpot", "99944.99", "99.99", id="jackpot"),
    pytest.param("bonus", "bonus", "99890.99", "100.99", id="bonus"),
    pytest.param("promo", "promo", '"100389.99"', '"99.99"', id="promo"),
]


@pytest.mark.parametrize(("name", "callback", "cash", "bonus"), EXAMPLES)
def test_an_event_is_answered_as_documented_and_pays_once(
    function: Callable[[str], Function], account: Account, name: str, callback: str, cash: str, bonus: str
) -> None:
    answer = function(callback).send(event_of(name))
    again = function(callback).send(event_of(name))

    assert (answer.status, answer.headers) == (200, {"Content-Type": "application/json"})
    assert list(answer.json) == ["transactionId", "currency", "cash", "bonus", "error", "description"]
    assert f'"currency": "USD", "cash": {cash}, "bonus": {bonus}, "error": 0, "description": "Success"' in answer.text
    assert again == answer
    assert [item["id"] for item in account.transactions()] == [f"{callback}#{REFERENCE}"]
    wallet = account.wallet()
    assert (wallet["cash"], wallet["bonus"]) == (Decimal(cash.strip('"')), Decimal(bonus.strip('"')))
    assert wallet["version"] == 2


def test_the_events_of_a_round_are_answered_as_documented(
    function: Callable[[str], Function], account: Account
) -> None:
    moved = ["transactionId", "currency", "cash", "bonus", "error", "description"]
    steps = [
        ("balance", "balance", "99889.99", moved[1:]),
        ("check", "balance", None, moved[4:]),
        ("bet", "bet", "99879.99", moved),
        ("bet", "bet", "99879.99", moved),
        ("cancel", "cancel", "99889.99", moved),
        ("refund", "cancel", "99889.99", moved),
        ("endround", "endround", "99889.99", moved[1:]),
    ]

    for name, callback, cash, fields in steps:
        answer = function(callback).send(event_of(name))

        assert (answer.status, list(answer.json)) == (200, fields), name
        assert (answer.json["error"], answer.json.get("cash")) == (0, cash), name

    assert {item["id"]: item["amount"] for item in account.transactions()} == {
        f"bet#{REFERENCE}": -10,
        f"cancel#{REFERENCE}": 10,
    }


@pytest.mark.parametrize(("name", "cash", "moved"), [("deposit", "99914.99", 25), ("withdrawal", "99849.99", -40)])
def test_an_order_is_answered_as_documented_and_done_once(
    function: Callable[[str], Function], account: Account, name: str, cash: str, moved: int
) -> None:
    answer, again = (function("cashier").invoke(event_of(name)) for _ in range(2))

    assert answer == again
    assert {key: answer[key] for key in ("cash", "bonus", "error")} == {"cash": cash, "bonus": "99.99", "error": 0}
    (record,) = account.transactions()
    assert (record["id"], record["amount"]) == (f"{name}#{event_of(name)['reference']}", moved)
    assert account.wallet()["cash"] == Decimal(cash)


def test_a_kept_request_is_paid_once_whether_it_is_retried_or_sent_again(
    function: Callable[[str], Function], account: Account
) -> None:
    retried = [function("result").invoke(event_of("sqs")) for _ in range(2)]
    sent_again = function("result").send(event_of("result"))

    assert retried == [{"batchItemFailures": []}] * 2
    assert sent_again.json["cash"] == "99899.99"
    assert [item["transactionId"] for item in account.transactions()] == [sent_again.json["transactionId"]]
    assert (account.wallet()["cash"], account.wallet()["version"]) == (Decimal("99899.99"), 2)


# --- When something is missing ----------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "", "another"])
def test_a_wrong_token_is_refused_and_moves_nothing(guarded: Function, account: Account, token: str | None) -> None:
    before = account.wallet()

    answer = guarded.send(event_of("result") | {"queryStringParameters": {"authToken": token}})

    assert (answer.status, answer.json) == (401, {"error": 401, "description": "Unauthorized"})
    assert account.wallet() == before
    assert account.transactions() == []


def test_the_token_of_the_secret_is_accepted(guarded: Function, account: Account) -> None:
    answer = guarded.send(event_of("result") | {"queryStringParameters": {"authToken": "local-token"}})

    assert (answer.status, answer.json["cash"]) == (200, "99899.99")
    assert account.wallet()["cash"] == Decimal("99899.99")


@pytest.fixture(scope="module")
def guarded(endpoint: str) -> Iterator[Function]:
    """The result's function with a secret. It has read it before the tests take the engine's content away."""
    account = Account.anew(endpoint)
    with running("result", endpoint, PROVIDER_SECRET=account.prepared.secret) as function:
        assert function.send(event_of("result")).status == 401
        yield function


@pytest.mark.parametrize("callback", CALLBACKS)
def test_a_win_is_kept_while_the_tables_are_gone_and_paid_when_they_are_back(
    function: Callable[[str], Function], account: Account, callback: str
) -> None:
    account.lose_the_tables()

    answer = function(callback).send(event_of(callback))

    assert (answer.status, answer.json["error"]) == (503, 998)
    retry = account.receive(f"{callback.title()}RetryQueue")
    kept = json.loads(retry["Records"][0]["body"])
    assert (kept["callback"], kept["reference"], kept["code"]) == (callback, REFERENCE, 998)
    sent = published(callback, hash=None)  # it is kept nowhere
    assert json.loads(kept["request"]) == sent

    account.make_the_tables_again()
    assert function(callback).invoke(retry) == {"batchItemFailures": []}
    assert account.wallet()["cash"] == Decimal("99889.99") + Decimal(sent["amount"])
    assert account.wallet()["version"] == 2


@pytest.mark.parametrize("callback", CALLBACKS)
def test_a_conflict_is_left_for_a_person_and_moves_nothing(
    function: Callable[[str], Function], account: Account, callback: str
) -> None:
    function(callback).send(event_of(callback))
    before = account.wallet()

    answer = function(callback).send(event_of(callback) | {"body": json.dumps(published(callback, amount="7"))})

    assert (answer.status, answer.json["error"]) == (200, 61)
    assert account.wallet() == before
    letter = account.receive(f"{callback.title()}DeadLetters")["Records"][0]
    assert json.loads(letter["body"])["reference"] == REFERENCE


# --- What answered ----------------------------------------------------------------------------------


def test_what_answers_is_what_was_built_within_the_template_s_limits(endpoint: str, account: Account) -> None:
    with running("result", endpoint, handler="witness.handler") as witness:
        told = witness.invoke(event_of("result"))

    assert told["status"] == 200
    assert account.wallet()["version"] == 2
    modules = {name: Path(file) for name, file in told["modules"].items()}
    assert modules["app"] == function_folder("result") / "app.py"
    for package in ("wallet", "botocore", "pydantic", "pydantic_core", "aws_lambda_powertools"):
        assert modules[package].is_relative_to(layer_folder() / "python"), modules[package]
    # What is registered with a copy in the layer would never be run.
    assert modules["snapshot_restore_py"].is_relative_to(RUNTIME)
    built = (layer_folder(), function_folder("result"), RUNTIME, HERE / "witness.py")
    of_the_checkout = [file for file in modules.values() if file.is_relative_to(ROOT)]
    assert [file for file in of_the_checkout if not any(map(file.is_relative_to, built))] == []

    (function,) = (each for each in Template.load().functions() if each.name == "result")
    milliseconds = 1000 * function.timeout_seconds
    # The emulator's own limit would be five minutes, Lambda's three seconds.
    assert milliseconds / 2 < told["remaining_milliseconds"] <= milliseconds
    assert told["memory_megabytes"] == Template.load().globals["MemorySize"]


def test_the_variables_of_sam_local_invoke_are_all_that_it_needs_and_passes_on() -> None:
    shared = sam_variables()["Parameters"]
    with_their_own = (*CALLBACKS, "bet", "cancel", "endround")  # queues, or rounds
    assert sam_variables().keys() == {"Parameters", *(f"{callback.title()}Function" for callback in with_their_own)}
    for function in Template.load().functions():
        given = shared | sam_variables().get(f"{function.name.title()}Function", {})
        of_resources = {name for name, value in function.environment.items() if value in Template.load().resources}
        assert of_resources
        assert of_resources | {"PROVIDER_SECRET"} <= given.keys()  # the cashier needs only what all do
        assert given.keys() <= function.environment.keys(), "it leaves out what the template does not name"

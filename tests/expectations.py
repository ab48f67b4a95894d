"""What a callback is expected to do with a request, said in one line of a test."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from typing import Any

import pytest
from botocore.client import BaseClient

from conftest import Operator, Reply, published
from contract import STATUS, kept_for
from wallet import report


def request(callback: str, **changes: Any) -> dict[str, Any]:
    """The published example under the contract's own names of its fields, with `changes`."""
    own_names = {"roundid": "roundId", "campaignId": "promoCampaignId"}
    return {own_names.get(name, name): value for name, value in published(callback).items()} | changes


def written(callback: str, **literals: str) -> str:
    """The example as text, with the values of `literals` written exactly so."""
    values = {name: json.dumps(value) for name, value in request(callback).items()} | literals
    return "{" + ", ".join(f'"{name}": {literal}' for name, literal in values.items()) + "}"


def holdings(operator: Operator) -> dict[str, list[dict[str, Any]]]:
    """Everything a request can change."""
    return {name: operator.items(name) for name in ("Players", "Transactions", "FreeRounds", "Rounds")}


@contextmanager
def unchanged(operator: Operator) -> Iterator[None]:
    """Shows that nothing inside moved money or left a record."""
    before = holdings(operator)
    yield
    assert holdings(operator) == before


def refusal(operator: Operator, callback: str, body: Any, error: int, naming: str = "", **event: Any) -> Reply:
    """The answer to what must be refused with `error`, naming that field."""
    kept_before = kept(operator, callback)
    reply = operator.send(callback, body, **event)
    assert (reply.json["error"], reply.status) == (error, STATUS[error]), reply.text
    assert isinstance(reply.json["error"], int)
    assert list(reply.json) == ["error", "description"]
    assert not naming or naming in re.findall(r"\w+", reply.json["description"])
    assert_kept(operator, callback, error, kept_before)
    return reply


def kept(operator: Operator, callback: str) -> tuple[int, int]:
    """How many requests are kept for another try, and how many for a person."""
    retried, left = (f"{callback.title()}{queue}" for queue in ("RetryQueue", "DeadLetters"))
    return len(operator.messages(retried)), len(operator.messages(left))


def assert_kept(operator: Operator, callback: str, error: int, before: tuple[int, int]) -> None:
    """What was refused with `error` is kept where the contract says."""
    retried, left = kept(operator, callback)
    queue = (due := kept_for(error)) and due.queue
    is_due = (queue == "RetryQueue", queue == "DeadLetters")
    assert (retried - before[0], left - before[1]) == is_due, "not kept where it belongs"
    if queue == "DeadLetters":
        letter = operator.messages(f"{callback.title()}DeadLetters")[-1]
        assert (letter["code"], letter["prize_only"]) == (error, False)


def paid_without_its_prize(
    operator: Operator, body: Any, code: int, naming: str = "", *, is_known: bool = False
) -> Reply:
    """The answer to a result that is paid, or known, while its prize is left for a person."""
    before = kept(operator, "result")
    reply = (replayed if is_known else credited)(operator, "result", body)
    assert kept(operator, "result") == (before[0], before[1] + 1)
    letter = operator.messages("ResultDeadLetters")[-1]
    assert (letter["code"], letter["prize_only"]) == (code, True)
    assert naming in letter["reason"]
    assert json.loads(letter["request"]) == (json.loads(body) if isinstance(body, str) else body)
    return reply


def refused(operator: Operator, callback: str, body: Any, error: int, naming: str = "", **event: Any) -> Reply:
    """The answer to what must be refused with `error`, naming that field, and change nothing."""
    with unchanged(operator):
        return refusal(operator, callback, body, error, naming, **event)


def credited(operator: Operator, callback: str, body: Any, **event: Any) -> Reply:
    """The answer to what must be credited: one transaction more, for this request or with it."""
    before = len(operator.transactions())
    reply = operator.send(callback, body, **event)
    assert (reply.status, reply.json["error"]) == (200, 0), reply.text
    assert len(operator.transactions()) == before + 1
    return reply


def replayed(operator: Operator, callback: str, body: Any, **event: Any) -> Reply:
    """The answer to what must be taken for a retransmission, and change nothing."""
    with unchanged(operator):
        reply = operator.send(callback, body, **event)
    assert (reply.status, reply.json["error"]) == (200, 0), reply.text
    return reply


@contextmanager
def output() -> Iterator[io.StringIO]:
    """What is printed inside: log lines and metrics."""
    text = io.StringIO()
    handler: Any = report.logger.registered_handler
    before = handler.setStream(text)
    try:
        with redirect_stdout(text):
            yield text
    finally:
        handler.setStream(before)


def metrics(printed: io.StringIO, name: str) -> list[dict[str, Any]]:
    """The metrics of that name, with their dimensions."""
    lines = map(json.loads, printed.getvalue().splitlines())
    return [line for line in lines if "_aws" in line and name in line]


def calls(monkeypatch: pytest.MonkeyPatch, instead: Callable[[str, Callable[[], Any]], Any] | None = None) -> list[str]:
    """The operations AWS is asked for from now on; `instead` may stand between, given an operation and its call."""
    operations: list[str] = []
    make_call = BaseClient._make_api_call

    def recorded(client: Any, operation: str, parameters: Any) -> Any:
        operations.append(operation)
        call = partial(make_call, client, operation, parameters)
        return instead(operation, call) if instead else call()

    monkeypatch.setattr(BaseClient, "_make_api_call", recorded)
    return operations

"""The operator's command line as the tests use it: on a mocked AWS, where a local service is said to run."""

import csv
import io
import json
import os
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
import typer
from botocore.client import BaseClient
from moto.sqs.models import sqs_backends
from typer.testing import CliRunner, Result

from conftest import Operator
from tools.programs import cli
from wallet.parking import Parked

PORT = 3996


def shared(make: Callable[..., Any]) -> Callable[..., Any]:
    """Makes each client once for all tests: that takes longer than most of what is asked of it."""
    made: dict[str, Any] = {}

    def client(service: str, *, config: Any = None, **options: Any) -> Any:
        key = repr((service, vars(config) if config else None, options))
        if key not in made:
            made[key] = make(service, config=config, **options)
        return made[key]

    return client


# One for all tests: a new one reads the SDK's models again.
ACCOUNT: Any = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-west-1")
ACCOUNT.client = shared(ACCOUNT.client)

# A command is imported when it is called, which in a test would be amid an SDK that is mocked in parts.
ROOT_COMMAND: Any = typer.main.get_command(cli.app)
COMMANDS = {name: later.loaded() for name, later in ROOT_COMMAND.commands.items()}
for name, later in ROOT_COMMAND.commands.items():
    later.loaded = partial(COMMANDS.get, name)
# Each command as it is called: `players add`.
PAGES = [
    *(name for name, each in COMMANDS.items() if not hasattr(each, "commands")),
    *(f"{family} {name}" for family, each in COMMANDS.items() for name in getattr(each, "commands", ())),
]


class Walletctl:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._monkeypatch = monkeypatch
        self.announce()

    def announce(self, **changes: Any) -> None:
        """Has the local service say where it is, as while it runs."""
        said = {
            "pid": os.getpid(),
            "url": f"http://127.0.0.1:{PORT}",
            "dynamodb": "https://dynamodb.eu-west-1.amazonaws.com",
            "sqs": "https://sqs.eu-west-1.amazonaws.com",
            "region": "eu-west-1",
        }
        (self.folder / f"service-{PORT}.json").write_text(json.dumps(said | changes))

    def __call__(self, *arguments: str, stdin: str = "", port: int = PORT) -> Result:
        with (
            patch.dict(os.environ, PORT=str(port)),  # which the command changes, and this is its process
            patch("typer.testing._get_command", lambda _app: ROOT_COMMAND),  # made once: that takes a tenth of a call
        ):
            return CliRunner().invoke(cli.app, arguments, input=stdin, prog_name="walletctl", catch_exceptions=False)

    def json(self, *arguments: str, status: int = 0) -> Any:
        result = self(*arguments, "--json")
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)

    def csv(self, *arguments: str, status: int = 0) -> list[dict[str, str]]:
        result = self(*arguments, "--csv")
        assert result.exit_code == status, result.output
        return list(csv.DictReader(result.stdout.splitlines()))

    def refused(self, *arguments: str) -> str:
        """The one line that it is refused with."""
        return refusal(self(*arguments))

    def leave(self, queue: str, *messages: str) -> list[str]:
        """Messages in a queue of the template's; their ids."""
        sqs: Any = boto3.client("sqs")
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        return [sqs.send_message(QueueUrl=url, MessageBody=message)["MessageId"] for message in messages]

    def all_in(self, queue: str) -> list[str]:
        return sorted(message.body for message in sqs_backends["123456789012"]["eu-west-1"].queues[queue]._messages)

    def watch(self, instead: Callable[[str, Any, Callable[[], Any]], Any] | None = None) -> None:
        """Records the calls of AWS from now on; `instead` may stand between, given operation, parameters and call."""
        make_call = BaseClient._make_api_call

        def recorded(client: Any, operation: str, parameters: Any) -> Any:
            self.calls.append((operation, parameters))

            def call() -> Any:
                return make_call(client, operation, parameters)

            return instead(operation, parameters, call) if instead else call()

        self._monkeypatch.setattr(BaseClient, "_make_api_call", recorded)

    def asked(self, operation: str) -> list[dict[str, Any]]:
        return [parameters for called, parameters in self.calls if called == operation]

    def log(self, *lines: dict[str, Any]) -> None:
        """What the functions wrote to the local service's log."""
        with (self.folder / f"functions-{PORT}.log").open("a") as log:
            log.writelines(f"{json.dumps(line)}\n" for line in lines)


class Functions:
    """Lambda as walletctl asks it: an invocation calls the operator's handler. `orders` are those that came."""

    def __init__(self, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
        self.orders: list[tuple[dict[str, str], Any]] = []
        for name in ("result", "jackpot", "bonus", "promo", "bet", "cancel", "cashier"):
            operator.handler(name)  # the command leaves the environment without an account
        make_call = BaseClient._make_api_call

        def call(client: Any, operation: str, parameters: Any) -> Any:
            if operation != "Invoke":
                return make_call(client, operation, parameters)
            target = {name: value for name, value in parameters.items() if name != "Payload"}
            order = json.loads(parameters["Payload"])
            self.orders.append((target, order))
            # The function's own log and calls are not the command's.
            with redirect_stdout(io.StringIO()), patch.object(BaseClient, "_make_api_call", make_call):
                answer = operator.invoke(target["FunctionName"].removesuffix("Function").lower(), order)
            return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode())}

        monkeypatch.setattr(BaseClient, "_make_api_call", call)


def stake(reference: str, amount: str = "5", **changes: Any) -> dict[str, Any]:
    """A bet as the provider sends it, of the round `r` in the game `g`; None takes a field out."""
    return _call(reference=reference, amount=amount, gameName="g", sessionId="s", roundDetails="spin", **changes)


def undo(reference: str | None, **changes: Any) -> dict[str, Any]:
    """A cancel of that bet; with `path="/v4/Refund"` to `send`, the refund of its round."""
    return _call(reference=reference, **changes)


def won(reference: str, amount: str = "5", **changes: Any) -> dict[str, Any]:
    """A result of the same round."""
    return _call(reference=reference, amount=amount, gameName="g", sessionId="s", roundDetails="spin", **changes)


def _call(**fields: Any) -> dict[str, Any]:
    same = {"providerId": "luckymonaco", "userId": "421", "currency": "USD", "gameId": "g", "roundId": "r", "uuid": "u"}
    call = {**same, "timestamp": "1782429190374", **fields}
    return {name: value for name, value in call.items() if value is not None}


CANCEL, REFUND = "/v4/Cancel", "/v4/Refund"


def refusal(result: Result) -> str:
    """The one line that a command was refused with."""
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.startswith("walletctl: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr.rstrip("\n").isprintable()
    return result.stderr.removeprefix("walletctl: ").rstrip("\n")


def of_a_stack(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
    """The answer of an account whose tables and queues are a stack's, with nothing in its logs."""
    match operation:
        case "DescribeStackResource":
            name = parameters["LogicalResourceId"]
            url = f"https://sqs.eu-west-1.amazonaws.com/123456789012/{name}"
            is_queue = name.endswith(("RetryQueue", "DeadLetters"))
            return {"StackResourceDetail": {"PhysicalResourceId": url if is_queue else name}}
        case "FilterLogEvents":
            return {"events": []}
        case "StartQuery":
            return {"queryId": "a query"}
        case "GetQueryResults":
            return {"status": "Complete", "results": []}
        case "StopQuery":
            return {}
        case _:
            return call()


def parked(callback: str, request: dict[str, Any], **changes: Any) -> str:
    """A parked request, as a message."""
    kept = Parked(
        callback=callback,
        reference=request.get("reference"),
        code=62,
        reason="No such player: 999",
        first_received_at="2026-01-02T03:04:05.678+00:00",
        request=json.dumps(request),
    )
    return json.dumps(asdict(kept) | changes)

"""SnapStart: what a function does before Lambda takes its snapshot, and what every copy of it makes anew."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
import snapshot_restore_py
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError

from conftest import SESSION, Operator, gateway_event, path_of, published
from expectations import calls, output
from local_service import wait_until
from stack import CALLBACKS, TEMPLATE
from wallet import snapshot

every_callback = pytest.mark.parametrize("callback", CALLBACKS)

THROTTLED = ClientError(
    {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}},  # pyright: ignore[reportArgumentType]
    "any",
)


class Runtime:
    """Lambda's runtime as far as snapshots go: it runs what was registered with its own copy of the library."""

    def __init__(self) -> None:
        self.before: list[Any] = []
        self.after: list[Any] = []

    def take_snapshot(self) -> None:
        for hook, arguments, named_arguments in reversed(self.before):
            hook(*arguments, **named_arguments)

    def restore(self) -> None:
        for hook, arguments, named_arguments in self.after:
            hook(*arguments, **named_arguments)


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    runtime = Runtime()
    monkeypatch.setattr(snapshot_restore_py, "_before_snapshot_registry", runtime.before)
    monkeypatch.setattr(snapshot_restore_py, "_after_restore_registry", runtime.after)
    return runtime


# --- Before the snapshot ----------------------------------------------------------------------------


@every_callback
def test_a_snapshot_is_taken_of_a_function_that_has_reached_its_tables(
    operator: Operator, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, callback: str
) -> None:
    app = operator.load(callback)
    operations = calls(monkeypatch)

    runtime.take_snapshot()

    assert operations == ["BatchGetItem"]
    runtime.restore()
    assert (
        json.loads(app.handler(gateway_event(published(callback), path=path_of(callback)), None)["body"])["error"] == 0
    )


@every_callback
def test_without_snapshots_nothing_is_asked_for_until_a_callback_arrives(
    operator: Operator, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, callback: str
) -> None:
    operations = calls(monkeypatch)

    operator.load(callback)

    assert operations == []
    assert runtime.before, "that is left to the runtime"


@every_callback
def test_a_warm_up_that_fails_keeps_no_version_from_being_published(
    operator: Operator, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, callback: str
) -> None:
    app = operator.load(callback)

    def down(_operation: str, _call: Callable[[], Any]) -> Any:
        raise EndpointConnectionError(endpoint_url="https://hush-hush")

    with output() as printed, pytest.MonkeyPatch.context() as outage:
        calls(outage, down)
        runtime.take_snapshot()

    lines = [json.loads(line) for line in printed.getvalue().splitlines()]
    (line,) = [line for line in lines if line["level"] == "WARNING"]
    assert (line["message"], line["reason"]) == ("a snapshot was not warmed up", "EndpointConnectionError")
    assert "hush-hush" not in printed.getvalue(), "an error's message may quote anything"
    runtime.restore()
    assert (
        json.loads(app.handler(gateway_event(published(callback), path=path_of(callback)), None)["body"])["error"] == 0
    )


def test_one_warm_up_that_fails_keeps_no_other_from_being_done(operator: Operator, runtime: Runtime) -> None:
    done = []

    def fails() -> None:
        raise ZeroDivisionError

    snapshot.prepare(lambda: done.append("first"), fails, lambda: done.append("last"))
    with output():
        runtime.take_snapshot()

    assert sorted(done) == ["first", "last"]


# --- Connections ------------------------------------------------------------------------------------


class Dynamo:
    """A server that answers as DynamoDB does, for a wallet that has no transactions yet, and keeps connections open."""

    def __init__(self) -> None:
        self.open: list[Any] = []
        self.operations: list[str] = []
        self.status = 200
        desk = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                desk.open.append(self.connection)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                operation = self.headers["X-Amz-Target"].partition(".")[2]
                desk.operations.append(operation)
                answer = json.dumps(ANSWERS[operation] if desk.status == 200 else {"__type": "InternalServerError"})
                self.send_response(desk.status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            def finish(self) -> None:
                super().finish()
                desk.open.remove(self.connection)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


ANSWERS = {
    "BatchGetItem": {
        "Responses": {
            "Players": [
                {
                    "userId": {"S": "421"},
                    "currency": {"S": "USD"},
                    "cash": {"N": "10"},
                    "bonus": {"N": "0"},
                    "version": {"N": "0"},
                }
            ]
        },
        "UnprocessedKeys": {},
    },
    "TransactWriteItems": {},
}


@pytest.fixture
def dynamo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dynamo]:
    dynamo = Dynamo()
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", SESSION)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{dynamo.server.server_port}")
    thread = threading.Thread(target=dynamo.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield dynamo
    dynamo.server.shutdown()
    dynamo.server.server_close()
    thread.join()


@every_callback
@pytest.mark.parametrize("status", [200, 500])
def test_a_snapshot_holds_no_open_connection_and_the_function_opens_a_new_one(
    dynamo: Dynamo, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, callback: str, status: int
) -> None:
    # A connection does not outlast the time until the snapshot is restored, and every copy would write to the same.
    (function,) = (function for function in TEMPLATE.functions() if function.name == callback)
    for name, value in function.environment.items():
        if name != "AWS_ENDPOINT_URL":
            monkeypatch.setenv(name, value)
    app = function.load()
    dynamo.status = status

    with output():
        runtime.take_snapshot()

    assert dynamo.operations == ["BatchGetItem"], "otherwise there was no connection to close"
    wait_until(lambda: not dynamo.open)  # the server hears of it a moment later
    dynamo.status = 200
    runtime.restore()
    with output():
        answer = app.handler(gateway_event(published(callback), path=path_of(callback)), None)
    assert json.loads(answer["body"])["error"] == 0
    written = [] if callback == "balance" else ["TransactWriteItems"]
    assert dynamo.operations == ["BatchGetItem", "BatchGetItem", *written]
    assert len(dynamo.open) == 1, "the one it works with from now on"
    app.handler.store.client.close()


# --- After it was restored --------------------------------------------------------------------------


class Throttled:
    """A store that is throttled for the first writes of every credit: how long each is waited for, and its token."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waits: list[float] = []
        self.tokens: list[str] = []
        make_call = BaseClient._make_api_call

        def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            if operation == "TransactWriteItems":
                self.tokens.append(parameters["ClientRequestToken"])
                if len(self.waits) < 3:
                    raise THROTTLED
            return make_call(client, operation, parameters)

        monkeypatch.setattr(BaseClient, "_make_api_call", call)
        monkeypatch.setattr("wallet.store.time.sleep", self.waits.append)


@pytest.mark.parametrize("callback", sorted({*CALLBACKS} - {"balance"}))  # which writes nothing
def test_two_environments_of_one_snapshot_wait_for_different_times_and_write_under_different_tokens(
    operator: Operator, runtime: Runtime, callback: str
) -> None:
    app = operator.load(callback)
    runtime.take_snapshot()
    at_snapshot = random.getstate()

    def environment(reference: str, *hooks: Callable[[], None]) -> tuple[list[float], set[str]]:
        random.setstate(at_snapshot)  # a snapshot brings it back, as it does all memory
        for hook in hooks:
            hook()
        with pytest.MonkeyPatch.context() as patch:
            throttled = Throttled(patch)
            another = {"roundId" if callback == "endround" else "reference": reference}
            answer = app.handler(gateway_event(published(callback, **another), path=path_of(callback)), None)
        assert json.loads(answer["body"])["error"] == 0
        assert len(throttled.waits) == 3
        return throttled.waits, set(throttled.tokens)

    first_waits, first_tokens = environment("first", runtime.restore)
    second_waits, second_tokens = environment("second", runtime.restore)
    assert not set(first_waits) & set(second_waits)
    assert len(first_tokens) == len(second_tokens) == 1
    assert first_tokens != second_tokens

    assert environment("third")[0] == environment("fourth")[0], "without the hook they would meet again and again"
    random.seed()

"""A function as built, under Lambda's own runtime, with the environment that `sam local invoke` gives it.

    test → runtime interface emulator → awslambdaric → function and layer, as built → engine

The emulator is the one that the SAM command line puts into its containers; awslambdaric is what Lambda calls a Python
function with. Neither sees the checkout's own packages: what answers is the artefact.
"""

import json
import platform
import socket
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import boto3
import httpx

from conftest import EVENTS, ROOT, Reply, open_wallet
from local_service import HANG_SECONDS, wait_until
from tools.local.engine import free_port
from tools.local.lifetime import die_with_parent
from tools.local.loops import read_built
from tools.local.template import Template
from tools.local.wallets import Endpoints, PreparedService, prepare, read_players
from wallet.store import Store

BUILD = ROOT / ".local" / "build"
RUNTIME = ROOT / ".venv-runtime"
HERE = Path(__file__).parent

_EMULATORS = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}


class Function:
    """A running function. It takes one event at a time: the emulator exits if another arrives meanwhile."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self._process = process
        self._log = log
        self._shown = 0
        self._http = httpx.Client(base_url=url, timeout=HANG_SECONDS, trust_env=False)

    def send(self, event: Mapping[str, Any]) -> Reply:
        """The answer to an event of API Gateway."""
        answer = self.invoke(event)
        return Reply(answer["statusCode"], answer["body"], answer["headers"])

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """What the handler returns."""
        try:
            answer = self._http.post("/2015-03-31/functions/function/invocations", json=event)
        finally:
            self._show_log()
        assert answer.status_code == 200, answer.text
        assert "errorType" not in answer.json(), answer.text
        return answer.json()

    def _show_log(self) -> None:
        # pytest keeps it to itself unless the test fails.
        said = self._log.read_bytes()[self._shown :]
        self._shown += len(said)
        print(said.decode(errors="replace"))

    def wait_until_ready(self, port: int) -> None:
        def is_ready() -> bool:
            assert self._process.poll() is None, self._log.read_text(errors="replace")
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return True
            return False

        wait_until(is_ready)

    def stop(self) -> None:
        self._http.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def running(callback: str, endpoint: str, *, handler: str = "app.handler", **variables: str) -> Iterator[Function]:
    """Runs a callback's built function against the engine at `endpoint`; `variables` come on top of its own."""
    folder = function_folder(callback)
    port, runtime_port = free_port(), free_port()
    (emulator,) = ROOT.glob(f".venv-sam/lib/python3*/site-packages/samcli/local/rapid/{_EMULATORS[platform.machine()]}")
    with tempfile.TemporaryDirectory(prefix="wallet-runtime-") as place:
        log = Path(place) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - a program of our own environment
                [
                    emulator,
                    f"--runtime-interface-emulator-address=127.0.0.1:{port}",
                    f"--runtime-api-address=127.0.0.1:{runtime_port}",
                    RUNTIME / "bin" / "python",
                    "-m",
                    "awslambdaric",
                    handler,
                ],
                cwd=folder,
                env=_environment(callback, folder, handler, endpoint) | variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
            )
        made = Function(process, f"http://127.0.0.1:{port}", log)
        try:
            made.wait_until_ready(port)
            yield made
        finally:
            made.stop()


def _environment(callback: str, folder: Path, handler: str, endpoint: str) -> dict[str, str]:
    (function,) = (each for each in Template.load().functions() if each.name == callback)
    # As `sam local invoke` does: the shared ones, then the function's own, and of both only what the template names.
    overrides = sam_variables()["Parameters"] | sam_variables().get(f"{callback.title()}Function", {})
    local = {name: value.replace("http://host.docker.internal:4566", endpoint) for name, value in overrides.items()}
    # For what is not deployed, the secret among it, sam passes the resource's own name.
    named = {**function.environment, "PROVIDER_SECRET": "ProviderSecret"}
    return {
        **{name: local.get(name, value) for name, value in named.items()},
        "AWS_REGION": sam_region(),
        "AWS_DEFAULT_REGION": sam_region(),
        "AWS_ACCESS_KEY_ID": "defaultkey",
        "AWS_SECRET_ACCESS_KEY": "defaultsecret",
        "AWS_LAMBDA_FUNCTION_NAME": f"{callback.title()}Function",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(Template.load().globals["MemorySize"]),
        "LAMBDA_TASK_ROOT": str(folder),
        "_HANDLER": handler,
        # The layer, and last what a test may put beside the function. The function's folder is where it is started.
        "PYTHONPATH": f"{layer_folder() / 'python'}:{HERE}",
        "PYTHONPYCACHEPREFIX": str(ROOT / ".local" / "bytecode"),
    }


def sam_variables() -> dict[str, dict[str, str]]:
    """The variables that `sam local invoke --env-vars` gives to all functions ("Parameters") and to each."""
    return json.loads((EVENTS / "env.json").read_text())


def sam_region() -> str:
    return tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]["local_invoke"]["parameters"]["region"]


# --- What was built ---------------------------------------------------------------------------------


def function_folder(callback: str) -> Path:
    """What is uploaded as the function's code."""
    return _folder(f"{callback.title()}Function", "CodeUri")


def layer_folder() -> Path:
    """What is mounted at /opt."""
    return _folder("CommonLayer", "ContentUri")


def _folder(resource: str, uri: str) -> Path:
    assert (BUILD / "ready").exists(), "nothing is built: `make build-here` does it"
    return (BUILD / _built()["Resources"][resource]["Properties"][uri]).resolve()


@cache
def _built() -> dict[str, Any]:
    return read_built(BUILD / "template.yaml")


# --- The engine -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Account:
    """The tables and queues of the template, in an engine, with the players of events/ in them."""

    endpoint: str
    prepared: PreparedService

    @classmethod
    def anew(cls, endpoint: str) -> "Account":
        """Takes everything out of the engine that earlier tests left there."""
        httpx.post(f"{endpoint}/_ministack/reset", trust_env=False).raise_for_status()
        return cls(endpoint, _prepare(endpoint))

    def wallet(self, user_id: str = "421") -> dict[str, Any]:
        return self._database.Table("Players").get_item(Key={"userId": user_id})["Item"]

    def transactions(self) -> list[dict[str, Any]]:
        """All but the players' openings."""
        items = self._database.Table("Transactions").scan()["Items"]
        return [item for item in items if not item["id"].startswith("opening#")]

    def lose_the_tables(self) -> None:
        for table in Template.load().tables():
            self._database.Table(table["TableName"]).delete()

    def make_the_tables_again(self) -> None:
        _prepare(self.endpoint)

    def receive(self, queue: str) -> dict[str, Any]:
        """The event with which SQS hands over the one message that waits in a queue."""
        sqs: Any = boto3.client("sqs", endpoint_url=self.endpoint)
        (message,) = sqs.receive_message(
            QueueUrl=self.prepared.queues[queue],
            WaitTimeSeconds=10,  # it is there after RETRY_SECONDS
            AttributeNames=["ApproximateReceiveCount"],
        )["Messages"]
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
        }
        return {"Records": [record]}

    @cached_property
    def _database(self) -> Any:
        return boto3.resource("dynamodb", endpoint_url=self.endpoint)


def _prepare(endpoint: str) -> PreparedService:
    endpoints = Endpoints(tables=endpoint, queues=endpoint, others=endpoint)
    prepared = prepare(endpoints, json.loads((EVENTS / "secrets.json").read_text()))
    tables = {"players": "Players", "transactions": "Transactions", "free_rounds": "FreeRounds"}
    store = Store(boto3.client("dynamodb", endpoint_url=endpoint), **tables)
    for player in read_players(EVENTS / "players.json"):
        open_wallet(store, player)
    return prepared

"""What the soak runs: two engines, each behind a proxy that misbehaves, and the local service as its users start it.

    provider (the soak) → service and its worker processes → proxy → engine of the tables
                                                           → proxy → engine of the queues

The service knows only the proxies. `walletctl` asks the service where its tables and queues are, as an operator's does.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.local.engine import engine, free_port
from tools.local.lifetime import die_with_parent, stop
from tools.local.template import Template
from tools.proofs.soak.traffic import Traffic
from tools.provider.answers import SUCCESS
from tools.provider.simulate.story import Player
from tools.shared.folders import LOCAL, ROOT
from tools.shared.trouble import Trouble

START_SECONDS = 90
STOP_SECONDS = 30
# What a killed worker held comes back after this time, not after two minutes: a short run sees the end of it.
HIDDEN_SECONDS = 30
CASH, BONUS = "1000", "10"  # what every wallet is opened with

_ACCOUNT = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="eu-west-1")  # noqa: S106 - an engine takes any
_CONFIG = Config(connect_timeout=5, read_timeout=60, proxies={}, retries={"total_max_attempts": 5, "mode": "standard"})
_MICROBURST = ROOT / ".venv-engine" / "bin" / "microburst"


@dataclass
class ProxiedEngine:
    """An engine that can be taken away and brought back, and the proxy before it, which stays."""

    name: str
    port: int
    folder: Path
    proxy_port: int
    _proxy: subprocess.Popen[bytes]
    _running: ExitStack = field(default_factory=ExitStack)
    _pid: int | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def proxy(self) -> str:
        # Not by its number: from a host with dots microburst guesses an AWS service, and reads all of its models.
        return f"http://localhost:{self.proxy_port}"

    @property
    def is_running(self) -> bool:
        return self._pid is not None

    def start(self) -> None:
        """Starts the engine with its old content. Call it in a thread that lives as long as the engine must."""
        self._pid = self._running.enter_context(engine(self.port, self.folder)).process.pid

    def stop(self) -> None:
        """Stops it cleanly: it keeps what it answered. Connections are refused from now on."""
        self.thaw()
        self._pid = None
        self._running.close()

    def freeze(self) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGSTOP)

    def thaw(self) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGCONT)

    def set_rules(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Replaces all faults that the proxy injects."""
        request = urllib.request.Request(  # noqa: S310 - our own
            f"{self.proxy}/_microburst/rules",
            data=json.dumps(rules).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        _direct(request).close()

    def injected(self) -> Counter[tuple[str, str]]:
        """How often the proxy injected each fault: by operation and action."""
        with _direct(f"{self.proxy}/_microburst/metrics") as answer:
            text = answer.read().decode()
        found = re.findall(
            r'^microburst_faults_total\{.*?operation="(.*?)",action="(.*?)"\} (\d+)$', text, re.MULTILINE
        )
        return Counter({(operation, action): int(times) for operation, action, times in found})

    def end(self) -> None:
        self.stop()
        stop(self._proxy, STOP_SECONDS)


@dataclass
class Stand:
    tables: ProxiedEngine
    queues: ProxiedEngine
    service: subprocess.Popen[bytes]
    url: str
    report: Path  # the provider's
    service_log: Path
    workers: int

    @property
    def places(self) -> tuple[ProxiedEngine, ProxiedEngine]:
        return self.tables, self.queues

    # --- The service --------------------------------------------------------------------------------

    def workers_of(self) -> dict[str, list[int]]:
        """The processes of each function, by the kernel's own account."""
        found: dict[str, list[int]] = {function.name: [] for function in Template.load().callbacks()}
        for folder in Path("/proc").iterdir():
            with suppress(OSError):  # it has ended meanwhile
                if not folder.name.isdigit():
                    continue
                state, parent, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(parent) != self.service.pid or state == "Z":
                    continue
                command = (folder / "cmdline").read_text()
                for name, pids in found.items():
                    if f"functions/{name}" in command:
                        pids.append(int(folder.name))
        return found

    def walletctl(self, *arguments: str) -> str:
        """What a command of the operator's prints. Raises Trouble if it could not do its work."""
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "tools.programs.walletctl", *arguments, "--port", self.url.rpartition(":")[2]],
            cwd=ROOT,
            env=os.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1):  # 1: it found something
            raise Trouble(f"ended with {done.returncode}: {done.stderr[-500:]}")
        return done.stdout

    def open_wallet(self, player: Player) -> None:
        """Has the cashier open a wallet. Raises one of NOT_NOW if that is not known to be done."""
        cashier = _ACCOUNT.client("lambda", endpoint_url=self.url, config=_CONFIG)
        invoked = cashier.invoke(FunctionName="CashierFunction", Payload=json.dumps(opening(player)))
        answer = json.load(invoked["Payload"])
        if answer.get("error") != SUCCESS:
            raise ConnectionError(f"the cashier answers {answer}")

    # --- Past the proxies ---------------------------------------------------------------------------

    def waiting(self) -> list[str]:
        """Every message of the retry queues, seen or hidden. To receive them would not show the hidden ones."""
        with _direct(f"{self.queues.endpoint}/_ministack/sqs/messages") as answer:
            content = json.load(answer)
        retry_queues = {queue.name for queue in Template.load().queues() if queue.dead_letters}
        return [
            message["Body"]
            for regions in content["messages"].values()
            for queues in regions.values()
            for url, messages in queues.items()
            if url.rpartition("/")[2] in retry_queues
            for message in messages
        ]

    def hide_for_less(self) -> None:
        """Shortens the time for which a killed worker hides what it held."""
        sqs = _ACCOUNT.client("sqs", endpoint_url=self.queues.endpoint, config=_CONFIG)
        for queue in Template.load().queues():
            if queue.dead_letters:
                url = sqs.get_queue_url(QueueName=queue.name)["QueueUrl"]
                sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(HIDDEN_SECONDS)})


def opening(player: Player) -> dict[str, str]:
    """What the cashier is told to open a player's wallet."""
    return {
        "movement": "opening",
        "reference": player.user_id,
        "userId": player.user_id,
        "amount": CASH,
        "currency": player.currency,
        "bonus": BONUS,
        "actor": "soak",
        "reason": "a player of the soak",
    }


@contextmanager
def stand(traffic: Traffic, *, workers: int) -> Iterator[Stand]:
    """Everything started and ready. Raises Trouble if something does not start."""
    # Nothing that is started may find a real account, or use a proxy of the environment.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    LOCAL.mkdir(exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wallet-soak-")))
        tables, queues = (_place(stack, name, folder / name) for name in ("tables", "queues"))
        opened = [
            {"userId": player.user_id, "currency": player.currency, "cash": CASH, "bonus": BONUS}
            for player in traffic.players
            if player.user_id not in traffic.opens_at
        ]
        (folder / "players.json").write_text(json.dumps(opened))
        keys = {"hashSecret": traffic.secrets.hash_secret, "authToken": traffic.secrets.auth_token}
        (folder / "secrets.json").write_text(json.dumps({"current": keys}))
        port = free_port()
        service_log = LOCAL / f"soak-{port}.log"
        output = stack.enter_context(service_log.open("wb"))
        service = subprocess.Popen(
            [sys.executable, "-m", "tools.programs.wallet"],
            cwd=ROOT,
            env=os.environ
            | {
                "PORT": str(port),
                "PLAYERS": str(folder / "players.json"),
                "SECRETS": str(folder / "secrets.json"),
                "WORKERS": str(workers),
                "RETRY_SECONDS": "1",
                "TABLES_ENDPOINT": tables.proxy,
                "QUEUES_ENDPOINT": queues.proxy,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the soak alone: it stops the service after the account
            preexec_fn=die_with_parent,
        )
        stack.callback(stop, service, STOP_SECONDS)
        made = Stand(
            tables=tables,
            queues=queues,
            service=service,
            url=f"http://127.0.0.1:{port}",
            report=folder / "report.csv",
            service_log=service_log,
            workers=workers,
        )
        _wait_until_ready(made)
        made.hide_for_less()
        yield made


def _place(stack: ExitStack, name: str, folder: Path) -> ProxiedEngine:
    folder.mkdir()
    port, proxy_port = free_port(), free_port()
    if not _MICROBURST.exists():
        raise Trouble(f"the proxy is not installed: {_MICROBURST.relative_to(ROOT)} is missing; `make soak` sets it up")
    proxy = subprocess.Popen(  # noqa: S603 - a program of our own environment
        [_MICROBURST, "--upstream", f"http://127.0.0.1:{port}", "--port", str(proxy_port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
    place = ProxiedEngine(name, port, folder, proxy_port, proxy)
    stack.callback(place.end)
    place.start()
    _wait_for(f"{place.proxy}/_microburst/health", proxy, "the proxy")
    return place


def _wait_until_ready(made: Stand) -> None:
    try:
        _wait_for(f"{made.url}/healthz", made.service, "the service")
    except Trouble as trouble:
        raise Trouble(f"{trouble}; see {made.service_log.relative_to(ROOT)}") from None
    # It is ready with one worker a function; the others follow.
    for _ in range(START_SECONDS * 5):
        if all(len(pids) >= made.workers for pids in made.workers_of().values()):
            return
        time.sleep(0.2)
    raise Trouble(f"the service's workers were not there within {START_SECONDS} s")


def _wait_for(url: str, process: subprocess.Popen[bytes], what: str) -> None:
    for _ in range(START_SECONDS * 20):
        if process.poll() is not None:
            raise Trouble(f"{what} stopped at once")
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            _direct(url, timeout=1).close()
            return
        time.sleep(0.05)
    raise Trouble(f"{what} was not ready within {START_SECONDS} s")


def _direct(request: Any, timeout: float = 60) -> Any:
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=timeout)


NOT_NOW = (BotoCoreError, ClientError, OSError)  # what is raised while an engine is away

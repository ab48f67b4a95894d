"""What the soak runs: two engines with a misbehaving proxy before each, and the local service as its users start it.

    provider (the soak) → service and its worker processes → proxy → engine of the tables
                                                           → proxy → engine of the queues

The service is a process that is told of the proxies alone; what it has written is read past them.
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
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.local.engine import engine, free_port
from tools.local.lifetime import die_with_parent
from tools.local.opening import Opening
from tools.local.template import Template
from tools.proofs.soak.notes import Books, Letter, Opened
from tools.shared.amounts import amount
from tools.shared.folders import LOCAL, ROOT
from tools.shared.trouble import Trouble
from tools.walletctl.tables import Tables

START_SECONDS = 90
STOP_SECONDS = 30
# A message in the hands of a crashed worker comes back after a little more than a function may take, not after
# two minutes, so that a short run sees the end of it.
HIDDEN_SECONDS = 30

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
        # Not by its number: of a host with dots microburst would find the service, and reads all that AWS has for it.
        return f"http://localhost:{self.proxy_port}"

    @property
    def is_running(self) -> bool:
        return self._pid is not None

    def start(self) -> None:
        """Starts the engine with what it held. Call it in a thread that lives as long as the engine must."""
        self._pid = self._running.enter_context(engine(self.port, self.folder)).process.pid

    def stop(self) -> None:
        """Stops it cleanly: what was answered is kept, and who connects is refused."""
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
        _end(self._proxy)


@dataclass
class Stand:
    tables: ProxiedEngine
    queues: ProxiedEngine
    service: subprocess.Popen[bytes]
    url: str
    functions_log: Path
    service_log: Path
    workers: int

    @property
    def places(self) -> tuple[ProxiedEngine, ProxiedEngine]:
        return self.tables, self.queues

    # --- The service --------------------------------------------------------------------------------

    def workers_of(self) -> dict[str, list[int]]:
        """The processes of each function, by the kernel's own account."""
        found: dict[str, list[int]] = {function.name: [] for function in Template.load().functions()}
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

    def stop_service(self) -> None:
        _end(self.service)

    # --- What is written, read past the proxies -----------------------------------------------------

    def open_wallet(self, player: Opened) -> None:
        """Writes a wallet as the operator's own program would. Raises BotoCoreError or ClientError."""
        tables = _tables_in(self.tables)
        opening = Opening(user_id=player.user_id, currency=player.currency, cash=player.cash, bonus=player.bonus)
        opening.put(tables.dynamodb, tables.players)

    def listed(self) -> set[tuple[str, str]]:
        """Callback and reference of every dead letter that `walletctl parked list` shows. Raises Trouble."""
        port = self.url.rpartition(":")[2]
        listing = subprocess.run(  # noqa: S603 - a program of our own
            [sys.executable, "-m", "tools.programs.walletctl", "parked", "list", "--port", port, "--json"],
            cwd=ROOT,
            env=os.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if listing.returncode:
            raise Trouble(f"`walletctl parked list` ended with {listing.returncode}: {listing.stderr[-500:]}")
        return {
            (pile["callback"], str(letter["reference"]))
            for pile in json.loads(listing.stdout)
            for letter in pile["deadLetters"]
        }

    def read_books(self, listed: set[tuple[str, str]]) -> Books:
        letters, queues = self._letters(), Template.load().queues()
        return Books(
            tables=_tables_in(self.tables),
            waiting=[letter for queue in queues if queue.dead_letters for letter in letters.get(queue.name, [])],
            dead_letters=[
                letter for queue in queues if not queue.dead_letters for letter in letters.get(queue.name, [])
            ],
            listed=listed,
        )

    def waiting(self) -> int:
        """How many messages the retry queues hold, seen or hidden."""
        return sum(len(self._letters().get(queue.name, [])) for queue in Template.load().queues() if queue.dead_letters)

    def _letters(self) -> dict[str, list[Letter]]:
        """Every message by its queue's name. Receiving would not show those that are hidden."""
        with _direct(f"{self.queues.endpoint}/_ministack/sqs/messages") as answer:
            content = json.load(answer)
        now = time.time()
        return {
            url.rpartition("/")[2]: [letter_of(url.rpartition("/")[2], message, now) for message in messages]
            for regions in content["messages"].values()
            for queues in regions.values()
            for url, messages in queues.items()
        }

    def hide_for_less(self) -> None:
        """Has what a crashed worker held come back sooner."""
        sqs = _ACCOUNT.client("sqs", endpoint_url=self.queues.endpoint, config=_CONFIG)
        for queue in Template.load().queues():
            if queue.dead_letters:
                url = sqs.get_queue_url(QueueName=queue.name)["QueueUrl"]
                sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(HIDDEN_SECONDS)})


def letter_of(queue: str, message: Mapping[str, Any], now: float) -> Letter:
    """A message, and the claims that its request makes: as docs/callbacks.md, Fields, has them."""
    reference, code, reason, prize_only = None, None, "not a parked request", False
    ids: dict[str, Decimal] = {}
    with suppress(ValueError, ArithmeticError, KeyError, TypeError, AttributeError):
        parked = json.loads(message["Body"])
        reference, code, reason = parked["reference"], parked["code"], parked["reason"]
        prize_only = parked["prize_only"]
        fields = {
            name.lower(): value
            for name, value in json.loads(parked["request"], parse_float=Decimal, parse_int=Decimal).items()
        }
        if not prize_only:
            ids[f"{parked['callback']}#{fields['reference']}"] = Decimal(fields["amount"])
        if parked["callback"] == "result" and Decimal(fields.get("promowinamount") or 0):
            ids[f"promo#{fields['promowinreference']}"] = Decimal(fields["promowinamount"])
    return Letter(
        queue=queue,
        reference=reference,
        code=code,
        reason=reason,
        ids=ids,
        prize_only=prize_only,
        receives=int(message["ReceiveCount"]),
        visible_in=message["VisibleAt"] - now,
        body=message["Body"],
    )


@contextmanager
def stand(players: Sequence[Opened], secrets: Mapping[str, Any], *, workers: int) -> Iterator[Stand]:
    """Everything started and ready. Raises Trouble if something does not start."""
    # What would lead to a real account, or through somebody's proxy, must not reach what is started.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    LOCAL.mkdir(exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wallet-soak-")))
        tables, queues = (_place(stack, name, folder / name) for name in ("tables", "queues"))
        (folder / "players.json").write_text(
            json.dumps(
                [
                    {
                        "userId": player.user_id,
                        "currency": player.currency,
                        "cash": amount(player.cash),
                        "bonus": amount(player.bonus),
                    }
                    for player in players
                    if player.opens_at is None
                ]
            )
        )
        (folder / "secrets.json").write_text(json.dumps(secrets))
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
            start_new_session=True,  # Ctrl-C is for the soak, which stops the service when it has no more use for it
            preexec_fn=die_with_parent,
        )
        stack.callback(_end, service)
        made = Stand(
            tables=tables,
            queues=queues,
            service=service,
            url=f"http://127.0.0.1:{port}",
            functions_log=LOCAL / f"functions-{port}.log",
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


def _tables_in(place: ProxiedEngine) -> Tables:
    dynamodb = _ACCOUNT.client("dynamodb", endpoint_url=place.endpoint, config=_CONFIG)
    return Tables(dynamodb=dynamodb, players="Players", transactions="Transactions", free_rounds="FreeRounds")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


NOT_NOW = (BotoCoreError, ClientError, OSError)  # what reading or writing raises while an engine is away

"""The local service as a process of its own, for the tests that need what its users have."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import httpx
from boto3.dynamodb.conditions import Key

from conftest import ROOT
from tools.local.engine import free_port
from tools.local.lifetime import die_with_parent

# A test waits for what must happen, however slow the machine is. This only ends one whose event never comes.
HANG_SECONDS = 600


class Service:
    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.port = int(url.rpartition(":")[2])
        self.said: list[str] = []
        self.http = httpx.Client(base_url=url, timeout=HANG_SECONDS)
        self._tables: Any = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)

    @property
    def output(self) -> str:
        return "".join(self.said)

    def wait_until_ready(self) -> None:
        wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.output
        with suppress(httpx.TransportError):
            return self.http.get("/healthz").status_code == 200
        return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        status = self.process.wait(HANG_SECONDS)
        self._reader.join(HANG_SECONDS)
        assert self.process.stdout
        self.process.stdout.close()
        self.http.close()
        if self._tables:
            self._tables.meta.client.close()
        return status

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        """Sends a request until it is answered other than 998, as the provider does.

        On a busy machine the three seconds of an answer may be over before the tables were asked.
        """
        for _ in until_it_hangs():
            if (answer := self.post_once(path, body, **options)).status_code != 503:
                return answer
        raise AssertionError(f"only ever answered 998: {body}")

    def post_once(self, path: str, body: Any, **options: Any) -> httpx.Response:
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.http.post(path, content=content, **options)

    def log_of(self, reference: str) -> list[dict[str, Any]]:
        """What the functions' log says of a reference."""
        lines = (ROOT / ".local" / f"functions-{self.port}.log").read_text().splitlines()
        return [json.loads(line) for line in lines if f'"correlation_id":{json.dumps(reference)}' in line]

    def tables(self) -> Any:
        """The engine's tables, by the address the service printed."""
        if self._tables is None:
            found = re.search(r"Tables\s+(\S+)", self.output)
            assert found
            self._tables = boto3.resource("dynamodb", endpoint_url=found[1])
        return self._tables

    def wallet(self, user_id: str) -> dict[str, Any]:
        return self.tables().Table("Players").get_item(Key={"userId": user_id})["Item"]

    def ledger(self, user_id: str) -> list[dict[str, Any]]:
        return self.tables().Table("Transactions").query(
            IndexName="byPlayer", KeyConditionExpression=Key("userId").eq(user_id)
        )["Items"]  # fmt: skip


def start(**environment: str) -> Service:
    """A service with at most one worker for each function, from its first event on: to start one takes a second."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.programs.wallet"],
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_", "COV_"))},
            "PORT": str(port),
            "WORKERS": "1",
            "WARM": "0",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=die_with_parent,
    )
    return Service(process, f"http://127.0.0.1:{port}")


@contextmanager
def running(**environment: str) -> Iterator[Service]:
    service = start(**environment)
    try:
        service.wait_until_ready()
        yield service
    finally:
        if service.process.poll() is None:
            service.stop()


def children_of(pid: int) -> list[int]:
    """Every process below one, by the kernel's own account."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found, unseen = [], [pid]
    while unseen:
        parent = unseen.pop()
        below = [child for child, its_parent in parents.items() if its_parent == parent]
        found += below
        unseen += below
    return found


def wait_until_gone(pids: list[int]) -> None:
    """Returns when none of the processes is there any more."""
    wait_until(lambda: not any(map(is_alive, pids)))


def is_alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def command_of(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_text()
    except OSError:
        return ""  # it ended meanwhile


def has_a_connection(pid: int) -> bool:
    """Whether a process has opened a connection by TCP: a worker does so to ask the tables, a command its queues."""
    inodes = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
    with suppress(OSError):
        opened = [os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()]
        return any(name.startswith("socket:") and name[8:-1] in inodes for name in opened)
    return False


def wait_until(it_is_so: Callable[[], Any], pause_seconds: float = 0.05) -> None:
    """Returns as soon as it is so, or that pause later."""
    for _ in until_it_hangs():
        if it_is_so():
            return
        time.sleep(pause_seconds)
    raise AssertionError(f"it is still not so after {HANG_SECONDS} s")


def until_it_hangs() -> Iterator[None]:
    """A turn of a loop for each, until HANG_SECONDS are over."""
    started = time.monotonic()
    while time.monotonic() - started < HANG_SECONDS:
        yield

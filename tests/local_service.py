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

START_SECONDS = 60


class Service:
    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.port = int(url.rpartition(":")[2])
        self.said: list[str] = []
        self.http = httpx.Client(base_url=url, timeout=30)
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
        for _ in range(START_SECONDS * 20):
            assert self.process.poll() is None, self.output
            with suppress(httpx.TransportError):
                if self.http.get("/healthz", timeout=1).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"not ready within {START_SECONDS} s: {self.output}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        status = self.process.wait(20)
        self._reader.join(5)
        assert self.process.stdout
        self.process.stdout.close()
        self.http.close()
        return status

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.http.post(path, content=content, **options)

    def tables(self) -> Any:
        """The engine's tables, by the address the service printed."""
        found = re.search(r"Tables\s+(\S+)", self.output)
        assert found
        return boto3.resource("dynamodb", endpoint_url=found[1])

    def wallet(self, user_id: str) -> dict[str, Any]:
        return self.tables().Table("Players").get_item(Key={"userId": user_id})["Item"]

    def ledger(self, user_id: str) -> list[dict[str, Any]]:
        return self.tables().Table("Transactions").query(
            IndexName="byPlayer", KeyConditionExpression=Key("userId").eq(user_id)
        )["Items"]  # fmt: skip


def start(**environment: str) -> Service:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.local"],
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_", "COV_"))},
            "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/common'}",
            "PORT": str(port),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
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


def all_started_by(service: Service) -> list[int]:
    """The engine, and two workers for each of four functions, of which the second ones follow the first."""
    for _ in range(START_SECONDS * 20):
        if len(started := children_of(service.process.pid)) == 9:
            return started
        time.sleep(0.05)
    raise AssertionError(f"not everything was started within {START_SECONDS} s")


def survivors(pids: list[int]) -> list[int]:
    """Which of the processes are there still; one that was just ended gets a moment to go."""
    for _ in range(100):
        if not any(map(is_alive, pids)):
            return []
        time.sleep(0.02)
    return [pid for pid in pids if is_alive(pid)]


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


def wait_until(it_is_so: Callable[[], Any], seconds: float = 60) -> None:
    """Returns as soon as it is so; fails after that time."""
    for _ in range(int(seconds * 20)):
        if it_is_so():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")

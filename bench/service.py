"""`make run` over HTTP: callbacks a second."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.contenders import OURS, PLACE
from bench.measure import PLAYERS, Stand
from bench.wins import Wins
from tools.local.engine import free_port
from tools.local.lifetime import die_with_parent
from tools.shared.folders import ROOT
from tools.shared.trouble import Trouble

START_SECONDS = 60
IN_FLIGHT = 8


def serve(stand: Stand) -> None:
    """As many rounds as a section has at the least."""
    players = [f"player-{number:02d}" for number in range(PLAYERS)]
    with _serving(players) as port:
        asyncio.run(_drive(port, stand.wins, players, 1.0))
        for _ in range(max(2, stand.extent.least_rounds)):
            took, seconds = asyncio.run(_drive(port, stand.wins, players, stand.extent.seconds))
            stand.book.note("service", OURS.name, took / seconds)


@contextmanager
def _serving(players: Sequence[str]) -> Iterator[int]:
    """The port of a separate service, with a wallet in dollars for each player."""
    port = free_port()
    wallets = [{"userId": player, "currency": "USD", "cash": "99889.99", "bonus": "99.99"} for player in players]
    with tempfile.TemporaryDirectory(prefix="wallet-bench-") as folder:
        file = Path(folder) / "players.json"
        file.write_text(json.dumps(wallets))
        unset = {"SECRETS", "AWS_ENDPOINT_URL", "TABLES_ENDPOINT", "QUEUES_ENDPOINT", "ENGINE_PORT", "WORKERS"}
        log_file = PLACE / "service.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tools.programs.wallet"],
                cwd=ROOT,
                env={name: value for name, value in os.environ.items() if name not in unset}
                | {
                    "PORT": str(port),
                    "PLAYERS": str(file),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
            )
        try:
            _wait_until_ready(process, log_file)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], log_file: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while "Ctrl-C stops it all" not in log_file.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Trouble(f"`make run` does not start; see {log_file.relative_to(ROOT)}")
        time.sleep(0.1)
    time.sleep(3)  # the second worker of each function starts behind the first


async def _drive(port: int, all_wins: Wins, players: Sequence[str], seconds: float) -> tuple[int, float]:
    """How many callbacks were answered, and in how many seconds."""
    answered = 0
    wins = all_wins.endless(players)
    began = time.monotonic()

    async def caller() -> None:
        nonlocal answered
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while time.monotonic() - began < seconds:
                body = next(wins)["body"].encode()
                writer.write(
                    b"POST /v4/Result HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
                )
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                answer = await reader.readexactly(int(length.split(b":")[1]))
                if not head.startswith(b"HTTP/1.1 200") or json.loads(answer)["error"]:
                    raise Trouble(f"`make run` answered {answer.decode()}")
                answered += 1
        finally:
            writer.close()

    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return answered, time.monotonic() - began

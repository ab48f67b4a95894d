"""`make run` over HTTP: callbacks a second, and how long each takes, with 1 to 64 of them in flight."""

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

from bench.book import p50, p99
from bench.contenders import PLACE
from bench.measure import PLAYERS, Stand
from bench.wins import Wins
from tools.local.engine import free_port
from tools.local.lifetime import die_with_parent
from tools.shared.paths import ROOT
from tools.shared.trouble import Trouble

START_SECONDS = 60


def serve(stand: Stand) -> None:
    """Each level for as long as a race takes; the levels up and down again, so that none is always the last."""
    players = [f"player-{number:02d}" for number in range(PLAYERS)]
    with serving(players) as port:
        asyncio.run(drive(port, stand.wins, 2, players, 1.0))
        for levels in (stand.extent.in_flight, stand.extent.in_flight[::-1]):
            for level in levels:
                took, seconds = asyncio.run(drive(port, stand.wins, level, players, stand.extent.seconds))
                who = str(level)
                stand.book.note("service", who, len(took) / seconds)
                stand.book.note("service p50", who, p50(took))
                stand.book.note("service p99", who, p99(took))


@contextmanager
def serving(players: Sequence[str], program: str = "tools.programs.wallet") -> Iterator[int]:
    """The port of a service of its own, which `python -m program` runs, with a wallet in dollars for each player."""
    port = free_port()
    wallets = [{"userId": player, "currency": "USD", "cash": "99889.99", "bonus": "99.99"} for player in players]
    with tempfile.TemporaryDirectory(prefix="wallet-bench-") as folder:
        file = Path(folder) / "players.json"
        file.write_text(json.dumps(wallets))
        unset = {"SECRETS", "AWS_ENDPOINT_URL", "TABLES_ENDPOINT", "QUEUES_ENDPOINT", "ENGINE_PORT", "WORKERS"}
        log_file = PLACE / f"{program}.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", program],
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


async def drive(
    port: int, all_wins: Wins, in_flight: int, players: Sequence[str], seconds: float
) -> tuple[list[float], float]:
    """What each callback took, in milliseconds, and how long all of it."""
    took: list[float] = []
    wins = all_wins.endless(players)
    began = time.monotonic()

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while time.monotonic() - began < seconds:
                body = next(wins)["body"].encode()
                sent = time.perf_counter()
                writer.write(
                    b"POST /v4/Result HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
                )
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                answer = await reader.readexactly(int(length.split(b":")[1]))
                if not head.startswith(b"HTTP/1.1 200") or json.loads(answer)["error"]:
                    raise Trouble(f"`make run` answered {answer.decode()}")
                took.append(1000 * (time.perf_counter() - sent))
        finally:
            writer.close()

    await asyncio.gather(*(caller() for _ in range(in_flight)))
    return took, time.monotonic() - began

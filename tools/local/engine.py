"""The embedded engine: ministack, a DynamoDB and SQS that need no container and keep nothing."""

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.local.lifetime import die_with_parent
from tools.local.template import ROOT
from tools.local.trouble import Trouble

START_SECONDS = 30  # it takes half a second; a machine under load may be slower
STOP_SECONDS = 3

_PROGRAM = ROOT / ".venv-engine" / "bin" / "ministack"


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def engine(port: int) -> Iterator[str]:
    """Runs an engine on that port of 127.0.0.1 and yields its endpoint. Raises Trouble if it does not start."""
    if not _PROGRAM.exists():
        raise Trouble(
            f"the local engine is not installed: {_PROGRAM.relative_to(ROOT)} is missing; `make run` sets it up"
        )
    endpoint = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="wallet-engine-") as folder:
        log = Path(folder) / "log"
        process = subprocess.Popen(  # noqa: S603 - a program of our own environment
            [_PROGRAM],
            env=os.environ | {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "TMPDIR": folder},
            stdin=subprocess.DEVNULL,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the service: it stops its engine last
            preexec_fn=die_with_parent,
        )
        try:
            _wait_until_ready(process, endpoint, log)
            yield endpoint
        finally:
            _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    started = time.monotonic()
    while time.monotonic() - started < START_SECONDS:
        if process.poll() is not None:
            raise Trouble(f"the local engine stopped at once: {_last_line(log)}")
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=1).close()  # noqa: S310 - our own
            return
        time.sleep(0.05)
    raise Trouble(f"the local engine did not start within {START_SECONDS} s: {_last_line(log)}")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

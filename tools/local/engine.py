"""The local engine: ministack, a DynamoDB and SQS that need no container.

Embedded in the service it keeps nothing. Run by itself (`make engine`, or `python -m tools.local.engine`) it
listens on ENGINE_PORT (4566) and keeps its state between a clean stop and the next start, so that a developer
can take it away from under a running service and bring it back.
"""

import os
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tools.local.lifetime import die_with_parent, last_line, leave_on_signals, stop
from tools.local.settings import whole_number
from tools.shared.folders import LOCAL, ROOT
from tools.shared.trouble import Trouble

START_SECONDS = 30  # it takes half a second; a machine under load may be slower
STOP_SECONDS = 3
SAVE_SECONDS = 60  # it writes its state as it stops: two seconds for 100,000 transactions

_PROGRAM = ROOT / ".venv-engine" / "bin" / "ministack"


def free_port() -> int:
    """A port nobody listens on just now.

    Not one of those that the kernel gives to outgoing connections: it might be given away before it is bound.
    """
    while True:
        port = random.SystemRandom().randrange(10_000, _first_outgoing_port())
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _first_outgoing_port() -> int:
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:  # not Linux, where they are IANA's
        return 49_152
    return first if first > 20_000 else 65_536  # somebody has given them nearly all: then there is no better choice


def must_be_free(port: int, setting: str) -> None:
    """Raises Trouble if somebody listens on the port, who would answer in the engine's place."""
    listener(port, f"{setting}=...").close()


def listener(port: int, setting: str) -> socket.socket:
    """A socket that listens on that port of 127.0.0.1. Raises Trouble, which names the setting of another."""
    # Its protocol is named so that asyncio turns Nagle's delay off: 40 ms for each answer on a kept connection.
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise Trouble(f"port {port} cannot be had: {error.strerror}; choose another with {setting}") from None
    return listening


@dataclass(frozen=True, slots=True)
class Guard:
    """An engine that is as strict as an account: it speaks TLS alone, and grants what policies grant.

    `certificate` and `key` are its own, `authority` is whom its callers must trust; all are PEM files.
    """

    certificate: Path
    key: Path
    authority: Path

    @property
    def variables(self) -> dict[str, str]:
        return {
            "AUTH": "true",
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(self.certificate),
            "MINISTACK_SSL_KEY": str(self.key),
            "AWS_CA_BUNDLE": str(self.authority),  # for the functions that run in it
        }


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine and where it answers."""

    endpoint: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def has_stopped(self) -> bool:
        return self.process.poll() is not None

    def check(self) -> None:
        """Raises Trouble, with what it said last, if it has stopped."""
        if self.has_stopped:
            raise Trouble(f"the local engine has stopped: {_said(self.log)}")


@contextmanager
def engine(port: int, state: Path | None = None, guard: Guard | None = None) -> Iterator[Engine]:
    """Runs an engine on that port of 127.0.0.1; what it holds is kept in the folder `state`, if one is given.

    Without a `guard` it speaks plain HTTP and grants everything to everybody.

    Raises Trouble if it does not start.
    """
    if not _PROGRAM.exists():
        raise Trouble(
            f"the local engine is not installed: {_PROGRAM.relative_to(ROOT)} is missing; `make run` sets it up"
        )
    endpoint = f"{'https' if guard else 'http'}://127.0.0.1:{port}"
    trusted = ssl.create_default_context(cafile=guard.authority) if guard else None
    keeping = {"PERSIST_STATE": "1", "STATE_DIR": str(state)} if state else {"PERSIST_STATE": "0"}
    with tempfile.TemporaryDirectory(prefix="wallet-engine-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - a program of our own environment
                [_PROGRAM],
                env=os.environ
                | keeping
                | (guard.variables if guard else {})
                | {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "TMPDIR": folder}
                # Nobody here asks for a broker of MQTT, with a certificate and a port of its own, or for SFTP.
                | {"IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the service: it stops its engine last
                preexec_fn=die_with_parent,
            )
        try:
            _wait_until_ready(process, endpoint, log, trusted)
            yield Engine(endpoint, process, log)
        finally:
            stop(process, SAVE_SECONDS if state else STOP_SECONDS)


def _wait_until_ready(
    process: subprocess.Popen[bytes], endpoint: str, log: Path, trusted: ssl.SSLContext | None
) -> None:
    started = time.monotonic()
    while time.monotonic() - started < START_SECONDS:
        if process.poll() is not None:
            raise Trouble(f"the local engine stopped at once: {_said(log)}")
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=1, context=trusted).close()  # noqa: S310 - our own
            return
        time.sleep(0.05)
    raise Trouble(f"the local engine did not start within {START_SECONDS} s: {_said(log)}")


def _said(log: Path) -> str:
    return last_line(log.read_text(errors="replace"))


def main() -> int:
    leave_on_signals()
    try:
        port = whole_number(os.environ, "ENGINE_PORT", 4566, 65535)
        must_be_free(port, "ENGINE_PORT")
        state = LOCAL / f"engine-{port}"
        state.mkdir(parents=True, exist_ok=True)
        with engine(port, state) as running:
            print(f"The engine answers at {running.endpoint}", flush=True)
            print(
                f"Ctrl-C stops it; what it holds is kept in {state.relative_to(ROOT)} until the next start", flush=True
            )
            running.process.wait()
            running.check()
    except Trouble as trouble:
        print(f"wallet: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

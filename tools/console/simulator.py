"""The simulator that a person starts and stops from Try: `walletctl simulate`, as a process of its own."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tools.local.lifetime import die_with_parent
from tools.shared.folders import ROOT
from tools.shared.trouble import Trouble

_MOST_LINES = 12
_LAST_BYTES = 8192


@dataclass(slots=True)
class Simulator:
    """One at a time, against the local service on that port; what it says and reports is kept in `folder`."""

    port: int
    folder: Path
    _process: subprocess.Popen[bytes] | None = None
    _began: float = field(default=0.0)

    @property
    def log(self) -> Path:
        return self.folder / f"simulate-{self.port}.log"

    @property
    def report(self) -> Path:
        return self.folder / f"provider-report-{self.port}.csv"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def has_run(self) -> bool:
        return self._process is not None

    @property
    def seconds(self) -> int:
        return int(time.monotonic() - self._began)

    @property
    def said(self) -> str:
        """The last lines of it."""
        if not self.has_run:
            return ""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - _LAST_BYTES))
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-_MOST_LINES:])

    def start(self, *, rate: int, minutes: int) -> None:
        """Only from the main thread: the kernel ends it with the thread that began it. Raises Trouble."""
        if self.is_running:
            raise Trouble("The simulator runs already: stop it first")
        try:
            self.report.unlink(missing_ok=True)
            with self.log.open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 - a program of our own
                    [
                        sys.executable, "-m", "tools.programs.walletctl", "simulate",
                        "--port", str(self.port), "--rate", str(rate), "--minutes", str(minutes),
                        "--report", str(self.report),
                    ],
                    cwd=ROOT,
                    env={**os.environ, "NO_COLOR": "1"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=die_with_parent,
                )  # fmt: skip
        except OSError as error:
            raise Trouble(f"The simulator cannot be started: {error.strerror}") from None
        self._began = time.monotonic()

    def stop(self) -> None:
        """In good order: what is under way is answered, and its report is written."""
        if self._process is not None and self.is_running:
            self._process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """At once, with the service."""
        if self._process is not None and self.is_running:
            self._process.kill()
            self._process.wait()

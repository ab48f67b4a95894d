"""How the service ends: at once, cleanly, and with everything it started."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType

_STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def leave_on_signals(name: str | None = None) -> None:
    """Has SIGTERM, Ctrl-C and a closed terminal end this process with status 0.

    A signal that is ignored from the start stays ignored: `nohup` means to outlive the terminal. A program with a name
    says on standard error which signal stopped it.
    """
    for stop in _heard():
        signal.signal(stop, partial(_leave, name))


@contextmanager
def cancelled_by_signals() -> Iterator[None]:
    """Has a signal cancel the current task instead: one raised while a process starts would leave it half started."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    heard = {stop: signal.getsignal(stop) for stop in _heard()}
    assert task is not None  # noqa: S101 - a coroutine runs in one
    for stop in heard:
        loop.add_signal_handler(stop, task.cancel)
    try:
        yield
    finally:
        for stop, before in heard.items():
            loop.remove_signal_handler(stop)
            signal.signal(stop, before)


def die_with_parent() -> None:
    """For a child before it runs its program: has the kernel end it with its parent, however that one ends.

    Only Linux can. Elsewhere a child outlives a parent that is killed.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def stop(process: "subprocess.Popen[bytes] | subprocess.Popen[str]", seconds: float, how: int = signal.SIGTERM) -> None:
    """Has a process end, and ends it if it has not after that time."""
    process.send_signal(how)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_line(said: str) -> str:
    """What a program that failed said last."""
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it said nothing")


def _heard() -> list[signal.Signals]:
    return [stop for stop in _STOPS if signal.getsignal(stop) is not signal.SIG_IGN]


def _leave(name: str | None, number: int, _frame: FrameType | None) -> None:
    if name:
        with suppress(OSError):  # its terminal may be closed
            # print() may be what the signal interrupted, and refuses a second call.
            os.write(2, f"{name}: stopped by {signal.Signals(number).name}\n".encode())
    for stop in _STOPS:
        signal.signal(stop, signal.SIG_IGN)  # an impatient second Ctrl-C must not break off what the first began
    raise SystemExit(0)  # unwinds through every `with` and `finally`, so that what was started is stopped

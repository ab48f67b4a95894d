"""The functions' environments: worker processes, each with one event at a time, as Lambda keeps them."""

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tools.local.lifetime import die_with_parent
from tools.local.template import Function
from tools.shared.folders import LOCAL, ROOT
from tools.shared.outside import cut, plain
from tools.shared.trouble import Trouble

START_SECONDS = 60
PROGRAM = "tools.local.worker"
_MOST_OF_AN_ERROR = 300  # characters: pydantic's are whole pages
_LINE_BYTES = 32 * 1024 * 1024  # an event of API Gateway's 10 MB, escaped


class WorkerFailed(Exception):
    """No answer: the worker crashed, took longer than its function may, or none was free in that time."""


class TimedOut(WorkerFailed):
    """It took longer than its function may."""


class NoneFree(WorkerFailed):
    """The function was not called."""


@dataclass(frozen=True, slots=True)
class HandlerReply:
    """A handler's answer, and the lines of JSON that its function's log said meanwhile."""

    answer: dict[str, Any]
    log: list[str]


class Worker:
    """One process. After WorkerFailed it is dead. `is_old` says that newer code has replaced it."""

    def __init__(self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self.is_old = False

    @classmethod
    async def start(cls, function: Function, environment: Mapping[str, str], log: BinaryIO) -> "Worker":
        """Raises Trouble if the function cannot be imported; `log` gets what it prints."""
        ours, theirs = socket.socketpair()
        creating = asyncio.ensure_future(asyncio.create_subprocess_exec(
            sys.executable, "-m", PROGRAM, str(function.folder), str(theirs.fileno()),
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
            # Bytecode beside the functions' code would be deployed with them, and be another release.
            env={"PYTHONPYCACHEPREFIX": str(LOCAL / "bytecode"), **os.environ, **function.environment, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            preexec_fn=die_with_parent,
            stdout=log,
            stderr=log,
        ))  # fmt: skip
        try:
            process = await asyncio.shield(creating)
        except asyncio.CancelledError:  # it starts all the same, and nobody else would end it
            process = await creating
            process.kill()
            await process.wait()
            ours.close()
            raise
        finally:
            theirs.close()
        try:
            reader, writer = await asyncio.open_unix_connection(sock=ours, limit=_LINE_BYTES)
        except BaseException:  # cancelled here, it would be left behind as well
            process.kill()
            await process.wait()
            raise
        worker = cls(process, reader, writer)
        try:
            said = await worker._read(START_SECONDS)
        except BaseException as error:
            await worker.stop()
            if isinstance(error, WorkerFailed):
                raise Trouble(f"the function {function.name} does not start: {error}; see {log.name}") from None
            raise
        if "wrong" in said:
            await worker.stop()
            wrong = cut(plain(" ".join(said["wrong"].split())), _MOST_OF_AN_ERROR)
            raise Trouble(f"the function {function.name} does not start: {wrong}; see {log.name}")
        return worker

    async def run(self, event: Mapping[str, Any], timeout_seconds: float) -> HandlerReply:
        """What the handler answers. Raises WorkerFailed."""
        try:
            self._writer.write(json.dumps(event).encode() + b"\n")
            await self._writer.drain()
        except ConnectionError:
            raise WorkerFailed("it crashed before the event") from None
        said = await self._read(timeout_seconds)
        return HandlerReply(said["answer"], said["log"])

    async def stop(self) -> None:
        self._writer.close()
        with suppress(ProcessLookupError):
            self._process.kill()  # nothing to save: what is written is in the store
        await self._process.wait()

    async def _read(self, timeout_seconds: float) -> dict[str, Any]:
        try:
            line = await asyncio.wait_for(self._reader.readline(), timeout_seconds)
        except TimeoutError:
            raise TimedOut(f"no answer within {timeout_seconds} s") from None
        except ConnectionError:
            line = b""
        if not line:
            raise WorkerFailed("it crashed")
        return json.loads(line)


class Workers:
    """The environments of one function: one, and more while events wait, as Lambda has them. A dead one is replaced."""

    def __init__(self, function: Function, environment: Mapping[str, str], log: BinaryIO) -> None:
        self._function = function
        self._environment = environment
        self._log = log
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._all: set[Worker] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._most = 1
        self._wanted = 0
        self._is_cold = True  # none has started yet
        self._reloads = 0

    @property
    def folder(self) -> Path:
        """Where the function's code is."""
        return self._function.folder

    async def start(self, most: int, *, is_warm: bool = True) -> None:
        """Returns with the first. Others follow as they are needed, since each takes a second of the machine.

        Without `is_warm` the first event starts the first one, and waits for it.
        """
        self._most = most
        if is_warm:
            self._wanted = 1
            self._add(await self._started())

    async def reload(self) -> None:
        """Has the code as it is now answer. Raises Trouble if it cannot be imported; then nothing has changed.

        The old workers answer until the first new one is ready, and each finishes the event that it has.
        """
        first = await self._started()
        self._reloads += 1
        for worker in self._all:
            worker.is_old = True
        while not self._idle.empty():
            self._in_background(self._end(self._idle.get_nowait()))
        self._add(first)
        self._wanted = max(1, self._wanted)
        for _ in range(self._wanted - 1):
            self._in_background(self._add_surely())

    async def run(self, event: Mapping[str, Any], *, patience_seconds: float) -> HandlerReply:
        """Waits that long for a free worker, and runs the event on it. Raises WorkerFailed."""
        if not self._idle.empty():
            worker = self._idle.get_nowait()  # at once, so that the next event sees that it is taken
        else:
            worker = await self._next(patience_seconds)
        try:
            reply = await worker.run(event, self._function.timeout_seconds)
        except BaseException:  # a crash, a time-out, or a caller that gave up: its next line would be stale
            self._in_background(self._end(worker) if worker.is_old else self._replace(worker))
            raise
        if worker.is_old:
            self._in_background(self._end(worker))
        else:
            self._idle.put_nowait(worker)
        return reply

    async def _next(self, patience_seconds: float) -> Worker:
        """The one that is free first, a new one among them if there may be more."""
        if self._wanted < self._most:
            self._wanted += 1
            self._in_background(self._add_surely())
        if self._is_cold:
            patience_seconds += START_SECONDS
        try:
            return await asyncio.wait_for(self._idle.get(), patience_seconds)
        except TimeoutError:
            raise NoneFree(f"none was free for {patience_seconds} s") from None

    async def stop(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._all))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _replace(self, worker: Worker) -> None:
        await self._end(worker)
        await self._add_surely()

    async def _end(self, worker: Worker) -> None:
        await worker.stop()
        self._all.discard(worker)  # not before: if this is cancelled, `stop` waits for it

    async def _add_surely(self) -> None:
        """Adds a worker, unless a reload comes first: that one adds as many as there must be."""
        reloads, said = self._reloads, ""
        while reloads == self._reloads:
            try:
                worker = await self._started()
            except Trouble as trouble:
                if str(trouble) != said:
                    said = str(trouble)
                    print(f"{self._function.name:<8} {trouble}; trying again", flush=True)
                await asyncio.sleep(1)
                continue
            if reloads == self._reloads:
                self._add(worker)
            else:
                self._all.add(worker)
                await self._end(worker)
            return

    async def _started(self) -> Worker:
        return await Worker.start(self._function, self._environment, self._log)

    def _add(self, worker: Worker) -> None:
        self._is_cold = False
        self._all.add(worker)
        self._idle.put_nowait(worker)

"""Another operator: the contract as a program, served. It is right, and each of wrong.py's changes one thing in it."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from contract import Answer, Asked, Call, Cancel, Contract, Credit, Record, Refused, Undoing, Visit, Wallet


@dataclass
class Rival(Contract):
    """An ASGI application. `pause_seconds` is what a database would take between a decision and its writing."""

    pause_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.lock: AbstractAsyncContextManager[Any] = asyncio.Lock()
        self.wallets |= {
            "421": Wallet("USD", Fraction("99889.99"), Fraction("99.99")),
            "422": Wallet("USD", Fraction(0), Fraction(0)),
            "423": Wallet("USD", Fraction(0), Fraction(0)),
        }
        self.frozen["423"] = ("support", "asked for it")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        answer = await self.answer(Request(scope, receive))
        await answer(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        try:
            text = await self.settled(request)
        except Refused as refused:
            return self.refusal(refused)
        return Response(text, media_type="application/json")

    def refusal(self, refused: Refused) -> Response:
        return Response(self.refused(refused).body, refused.status, media_type="application/json")

    async def settled(self, request: Request) -> str:
        token = parse_qs(request.url.query).get("authToken", [""])[0]
        asked, as_text = self.read(Call(request.url.path, await request.body(), request.method, token))
        async with self.lock:
            return (await self.done(asked, as_text)).body

    async def done(self, asked: Asked, as_text: bool) -> Answer:
        match asked:
            case Cancel():
                return self.answer_cancel(await self.undo_once(asked), as_text=as_text)
            case Visit():
                self.visit(asked)
                return self.answer_visit(asked, as_text=as_text)
            case Credit():
                first = await self.pay_once(asked)
                return self.answer_movement(first, self.wallets[asked.player], as_text=as_text)

    async def undo_once(self, cancel: Cancel) -> Undoing:
        undoing = self.decide_cancel(cancel)
        await asyncio.sleep(self.pause_seconds)
        self.write_cancel(undoing)
        return undoing

    async def pay_once(self, win: Credit) -> Record:
        due = self.decide(win)
        await asyncio.sleep(self.pause_seconds)
        return self.write(due)[0]


@contextmanager
def serving(operator: Rival) -> Iterator[str]:
    """The operator's URL, by real HTTP."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        server = uvicorn.Server(uvicorn.Config(operator, lifespan="off", log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.005)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()

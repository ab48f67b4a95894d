"""A deployed stack's console, served until Ctrl-C."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from tools.console.app import Console
from tools.console.desk import Desk
from tools.console.feed import Feed
from tools.console.listening import Listening, groups_of
from tools.shared.trouble import Trouble
from tools.walletctl import place
from tools.walletctl.place import DeployedStack

_COUNTING_SECONDS = 30  # eight calls of SQS, which the account pays for
_GRACE_SECONDS = 2
_SOURCE = (
    "From the functions' logs in CloudWatch, some seconds late, read while this page is looked at. What never reached "
    "a function (a refusal of API Gateway's, a crash) is not in them; nor are a refused win's player and amount."
)


def serve(stack: str, where: DeployedStack, port: int) -> None:
    """Raises Trouble for a stack that cannot be asked, or a port that is taken."""
    tables = where.tables()  # a wrong name or no credentials are told now, not on the page
    feed = Feed()
    listening = Listening(where.logs(), groups_of(stack, place.callbacks()), feed, tables)
    shown = Console(
        desk=Desk(where, is_local=False, folder=Path.cwd()),
        feed=feed,
        port=port,
        source=_SOURCE,
        counting_seconds=_COUNTING_SECONDS,
        missed=lambda: listening.missed,
    )
    with _listener(port) as listener, contextlib.suppress(KeyboardInterrupt):
        print(f"The console of {where.name}: http://127.0.0.1:{port}/", flush=True)
        print("What it discards is kept in ./discarded, what it does in ./console.jsonl. Ctrl-C stops it", flush=True)
        asyncio.run(_serve(shown, listening, listener))


async def _serve(shown: Console, listening: Listening, listener: socket.socket) -> None:
    config = uvicorn.Config(
        shown.application(),
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    shown.is_stopping = lambda: server.should_exit
    beside = [asyncio.create_task(shown.run()), asyncio.create_task(listening.run())]

    def stop(_ended: asyncio.Task[None]) -> None:
        server.should_exit = True

    for task in beside:  # a page that stands still by a defect of ours would look like one to which nothing came
        task.add_done_callback(stop)
    try:
        await server.serve(sockets=[listener])
    finally:
        for task in beside:
            task.cancel()
        ends = await asyncio.gather(*beside, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


@contextlib.contextmanager
def _listener(port: int) -> Iterator[socket.socket]:
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError as error:
            raise Trouble(f"port {port} cannot be had: {error.strerror}; choose another with --port") from None
        yield listener

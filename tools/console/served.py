"""A deployed stack's console, served until Ctrl-C."""

import asyncio
import contextlib
import socket
from pathlib import Path

from tools.console.app import Console
from tools.console.backoffice import BackOffice
from tools.console.feed import Feed
from tools.console.listening import Listening, groups_of
from tools.local.engine import listener
from tools.local.service import server_of
from tools.walletctl.place import DeployedStack

_COUNTING_SECONDS = 30  # ten calls of SQS, which the account pays for
_GRACE_SECONDS = 2
_SOURCE = (
    "From the functions' logs in CloudWatch, some seconds late, read while this page is looked at. What never reached "
    "a function (a refusal of API Gateway's, a crash) is not in them; nor are a refused win's player and amount."
)


def serve(stack: str, where: DeployedStack, port: int) -> None:
    """Raises Trouble for a stack that cannot be asked, or a port that is taken."""
    tables = where.tables()  # a wrong name or no credentials are told now, not on the page
    feed = Feed()
    log = Listening(where.logs(), groups_of(stack, where.callbacks()), feed, tables)
    shown = Console(
        office=BackOffice(where, is_local=False, folder=Path.cwd()),
        feed=feed,
        port=port,
        source=_SOURCE,
        counting_seconds=_COUNTING_SECONDS,
        missed=lambda: log.missed,
    )
    with listener(port, "--port") as listening, contextlib.suppress(KeyboardInterrupt):
        print(f"The console of {where.name}: http://127.0.0.1:{port}/", flush=True)
        print("What it discards is kept in ./discarded, what it does in ./console.jsonl. Ctrl-C stops it", flush=True)
        asyncio.run(_serve(shown, log, listening))


async def _serve(shown: Console, log: Listening, listening: socket.socket) -> None:
    server = server_of(shown.application(), _GRACE_SECONDS)
    shown.is_stopping = lambda: server.should_exit
    beside = [asyncio.create_task(shown.run()), asyncio.create_task(log.run())]

    def stop(_ended: asyncio.Task[None]) -> None:
        server.should_exit = True

    for task in beside:  # a page that a defect of ours has stopped would look like one to which nothing came
        task.add_done_callback(stop)
    try:
        await server.serve(sockets=[listening])
    finally:
        for task in beside:
            task.cancel()
        ends = await asyncio.gather(*beside, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end

"""`make run` as it would be without a console: nobody hears what the functions do. Run as `python -m bench.deaf`."""

import asyncio
import sys
from typing import Any

from tools.console.app import Console
from tools.console.feed import Feed
from tools.local import workers
from tools.local.lifetime import leave_on_signals
from tools.local.run import main


def _nothing(*_: Any, **__: Any) -> None:
    pass


async def _for_ever(_: Console) -> None:
    await asyncio.Event().wait()


if __name__ == "__main__":
    leave_on_signals()
    Feed.answered = Feed.failed = Feed.tried_again = _nothing  # type: ignore[method-assign]
    Console.run = _for_ever  # type: ignore[method-assign]
    workers.PROGRAM = "bench.deaf_worker"
    sys.exit(main())

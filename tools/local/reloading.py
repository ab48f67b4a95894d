"""New code in a running service: a change in functions/ or layers/ gives each function that uses it new workers.

The rest of the service stays: its engine, its wallets, its port.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

from watchfiles import Change, awatch

from tools.local.workers import Workers
from tools.shared.folders import ROOT
from tools.shared.trouble import Trouble

LAYERS = ROOT / "layers"

_QUIET_MS = 100  # a save is over once nothing has changed for so long
_LOOK_MS = 5000  # without any event: a file system may have none, and a file may change before the watch begins
_GONE_SECONDS = 1  # some editors delete a file and write it again

Sources = Mapping[Path, bytes]


@dataclass(slots=True)
class _Loaded:
    """A function's workers, the sources they were last given, and the change to them that is under way."""

    workers: Workers
    sources: Sources
    change: asyncio.Task[None] | None = None


class Reloading:
    """Made before the workers start, so that it knows what they were started from."""

    def __init__(self, pools: Mapping[str, Workers]) -> None:
        self._functions = {name: _Loaded(workers, _sources(workers)) for name, workers in pools.items()}

    async def run(self) -> None:
        """Runs until it is cancelled."""
        folders = {loaded.workers.folder.parent for loaded in self._functions.values()} | {LAYERS}
        try:
            async for events in awatch(
                *folders, watch_filter=_is_source, step=_QUIET_MS, rust_timeout=_LOOK_MS, yield_on_timeout=True
            ):
                if events or await self._is_quiet():
                    await self._look()
        except OSError as error:  # the kernel's limit of watches, mostly
            print(f"wallet: new code is not loaded: {error}. WATCHFILES_FORCE_POLLING=1 does without", flush=True)
        finally:
            for loaded in self._functions.values():
                if loaded.change:
                    loaded.change.cancel()

    async def _is_quiet(self) -> bool:
        """Whether no save is under way: a file is empty for a moment while it is written. Events wait by themselves."""
        now = {name: _sources(loaded.workers) for name, loaded in self._functions.items()}
        if all(sources == self._functions[name].sources for name, sources in now.items()):
            return True
        await asyncio.sleep(_QUIET_MS / 1000)
        return all(sources == _sources(self._functions[name].workers) for name, sources in now.items())

    async def _look(self) -> None:
        """Gives new workers to the functions whose sources have other content. An event says only when to look."""
        began = time.monotonic()
        while any(not path.exists() for path in self._known()) and time.monotonic() < began + _GONE_SECONDS:
            await asyncio.sleep(_QUIET_MS / 1000)
        for name, loaded in self._functions.items():
            before, loaded.sources = loaded.sources, _sources(loaded.workers)
            changed = {path for path, _ in before.items() ^ loaded.sources.items()}
            if not changed:
                continue
            _forget_bytecode(changed)
            if loaded.change:
                loaded.change.cancel()  # an import that hangs must not hold up the save that repairs it
            loaded.change = asyncio.create_task(_reload(name, loaded.workers))

    def _known(self) -> set[Path]:
        return {path for loaded in self._functions.values() for path in loaded.sources}


async def _reload(name: str, workers: Workers) -> None:
    began = time.monotonic()
    try:
        await workers.reload()
    except Trouble as trouble:
        print(f"{name}: the old code still answers: {trouble}", flush=True)
    else:
        print(f"{name}: new code, {time.monotonic() - began:.1f} s", flush=True)


def _sources(workers: Workers) -> Sources:
    """What its workers import of the project, by path."""
    found: dict[Path, bytes] = {}
    for folder in (workers.folder, LAYERS):
        for path in folder.rglob("*.py"):
            try:
                if _is_source(Change.modified, str(path)):
                    found[path] = path.read_bytes()
            except OSError:
                continue  # it was renamed or deleted this moment, or is an editor's lock
    return found


def _is_source(_change: Change, path: str) -> bool:
    """Whether it may be imported. Editors keep their own files beside: `.app.py.swp`, `app.py~`, `4913`, `.#app.py`."""
    return path.endswith(".py") and not Path(path).name.startswith(".")


def _forget_bytecode(paths: Iterable[Path]) -> None:
    """Python takes bytecode for current if the source has the same size and was written in the same second."""
    for path in paths:
        Path(cache_from_source(str(path))).unlink(missing_ok=True)

"""New code in a running service: one change, one reload, and every callback is answered meanwhile."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, published
from local_service import Service, children_of, command_of, wait_until
from tools.local import reloading
from tools.local.engine import free_port
from tools.local.reloading import Reloading
from tools.local.settings import ServiceSettings
from tools.local.template import Function, Template
from tools.local.wallets import Endpoints
from tools.local.workers import NoneFree, WorkerFailed, Workers
from tools.shared.trouble import Trouble

PATIENCE_SECONDS = 60  # on a busy machine; nothing here takes so long


# --- Two small functions, real workers --------------------------------------------------------------


def code(answer: str, *more: str) -> str:
    return "\n".join(
        (
            "import os, pathlib, time",
            *more,
            "def handler(event, context):",
            "    if 'begun' in event:",
            "        pathlib.Path(event['begun']).touch()",
            "    while 'until' in event and not pathlib.Path(event['until']).exists():",
            "        time.sleep(0.01)",
            f"    return {{'said': {answer!r}, 'pid': os.getpid()}}",
            "",
        )
    )


class Reloaded:
    """The functions `one` and `two`, and the layer beside them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.layer = folder / "layers" / "common.py"
        self.layer.parent.mkdir()
        self.layer.write_text("")
        self.apps = {name: folder / "functions" / name / "app.py" for name in ("one", "two")}
        self.pools: dict[str, Workers] = {}
        self.log = (folder / "log").open("ab")
        for name, app in self.apps.items():
            app.parent.mkdir(parents=True)
            app.write_text(code("old"))
            function = Function(
                name=name,
                about="",
                folder=app.parent,
                timeout_seconds=PATIENCE_SECONDS,
                environment={"POWERTOOLS_SERVICE_NAME": name},
                retry_batch_size=1,
            )
            self.pools[name] = Workers(function, {}, self.log)
        self._capsys = capsys
        self._said = ""

    @property
    def said(self) -> str:
        self._said += self._capsys.readouterr().out
        return self._said

    async def ask(self, name: str = "one", **event: Any) -> dict[str, Any]:
        return (await self.pools[name].run(event, patience_seconds=PATIENCE_SECONDS)).answer

    async def answer(self, name: str = "one") -> str:
        return (await self.ask(name))["said"]

    async def until_it_says(self, pattern: str) -> None:
        await until(lambda: re.search(pattern, self.said))

    async def reloads_of(self, name: str = "one") -> int:
        """How often it has reloaded once all that was saved before is loaded: a change of the other comes after it."""
        other = self.apps["two" if name == "one" else "one"]
        other.write_text(code("a later change"))
        await self.until_it_says(f"{other.parent.name}: new code")
        return len(re.findall(f"^{name}: ", self.said, re.MULTILINE))

    @asynccontextmanager
    async def running(self, workers: int = 1) -> AsyncIterator[None]:
        watch = Reloading(self.pools)
        await asyncio.gather(*(pool.start(workers) for pool in self.pools.values()))
        task = asyncio.create_task(watch.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await asyncio.gather(*(pool.stop() for pool in self.pools.values()))


async def until(it_is_so: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not it_is_so():
            await asyncio.sleep(0.02)


@pytest.fixture
def service(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Reloaded]:
    monkeypatch.setattr(reloading, "LAYERS", tmp_path / "layers")
    monkeypatch.setattr(reloading, "_LOOK_MS", 300)  # a save before the watch begins is seen by looking alone
    bytecode = str(tmp_path_factory.getbasetemp() / "bytecode")  # for all tests: Python's own modules are in it
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", bytecode)
    monkeypatch.setattr(sys, "pycache_prefix", bytecode)
    reloaded = Reloaded(tmp_path, capsys)
    with reloaded.log:
        yield reloaded


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A save may take a second, as on a busy machine: it is over once nothing has changed for so long."""
    monkeypatch.setattr(reloading, "_QUIET_MS", 1000)


def during(service: Reloaded, steps: Callable[[], Awaitable[None]], workers: int = 1) -> None:
    async def run() -> None:
        async with service.running(workers):
            await steps()

    asyncio.run(run())


def test_a_saved_function_answers_with_its_new_code_and_no_other_is_touched(service: Reloaded) -> None:
    async def steps() -> None:
        other = await service.ask("two")
        service.apps["one"].write_text(code("new"))
        await service.until_it_says(r"(?m)^one: new code, [0-9]+\.[0-9] s$")

        assert await service.answer() == "new"
        assert await service.ask("two") == other  # the same process
        assert "two" not in service.said

    during(service, steps)


def test_a_change_in_the_layer_reloads_every_function(service: Reloaded) -> None:
    async def steps() -> None:
        before = [await service.ask(name) for name in service.apps]
        service.layer.write_text("new = True\n")
        for name in service.apps:
            await service.until_it_says(f"{name}: new code")

        after = [await service.ask(name) for name in service.apps]
        assert all(old["pid"] != new["pid"] for old, new in zip(before, after, strict=True))

    during(service, steps)


def test_another_process_is_started_when_an_event_waits_and_no_more_than_there_may_be(
    service: Reloaded, tmp_path: Path
) -> None:
    async def steps() -> None:
        alone = {(await service.ask())["pid"] for _ in range(4)}
        go_on = tmp_path / "go on"
        begun = [tmp_path / name for name in ("first", "second", "third")]
        waiting = [asyncio.create_task(service.ask(begun=str(each), until=str(go_on))) for each in begun]
        await until(lambda: sum(each.exists() for each in begun) == 2)
        go_on.touch()
        together = {answer["pid"] for answer in await asyncio.gather(*waiting)}

        assert len(alone) == 1
        assert len(together) == 2
        assert alone < together

    during(service, steps, workers=2)


def test_the_first_event_waits_for_a_cold_start_and_none_for_a_dead_process_to_be_replaced(service: Reloaded) -> None:
    pool = service.pools["one"]

    async def steps() -> None:
        await pool.start(1, is_warm=False)
        pid = (await pool.run({}, patience_seconds=0.0)).answer["pid"]
        service.apps["one"].write_text("this is no code")
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerFailed):
            await pool.run({}, patience_seconds=PATIENCE_SECONDS)
        await until(lambda: not pool._all)  # pyright: ignore[reportPrivateUsage]

        async with asyncio.timeout(PATIENCE_SECONDS / 2):
            with pytest.raises(NoneFree):
                await pool.run({}, patience_seconds=0.1)
        await pool.stop()

    asyncio.run(steps())


def test_a_callback_that_is_under_way_is_answered_by_the_code_that_took_it(service: Reloaded, tmp_path: Path) -> None:
    async def steps() -> None:
        go_on = tmp_path / "go on"
        begun = [tmp_path / "first", tmp_path / "second"]
        waiting = [asyncio.create_task(service.ask(begun=str(each), until=str(go_on))) for each in begun]
        await until(lambda: all(each.exists() for each in begun))
        service.apps["one"].write_text(code("new"))
        await service.until_it_says("one: new code")

        assert await service.answer() == "new"
        go_on.touch()
        assert [answer["said"] for answer in await asyncio.gather(*waiting)] == ["old", "old"]
        assert {await service.answer() for _ in range(4)} == {"new"}  # no old worker has come back

    during(service, steps, workers=2)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param("def (:\n", "line 1: SyntaxError: invalid syntax", id="a syntax error"),
        pytest.param(code("new", "import nowhere"), "line 2: ModuleNotFoundError: No module", id="an import"),
        pytest.param(code("new", "raise SystemExit(3)"), "line 2: SystemExit: 3", id="an exit"),
        pytest.param(code("new", "raise ValueError('a\\nb')"), "line 2: ValueError: a b", id="an error of two lines"),
        pytest.param(code("new", "os._exit(1)"), "it crashed", id="a crash"),
        pytest.param("", "AttributeError: module 'app' has no attribute 'handler'", id="an empty file"),
    ],
)
def test_code_that_cannot_be_imported_is_reported_in_one_line_and_the_old_code_answers(
    service: Reloaded, wrong: str, said: str
) -> None:
    async def steps() -> None:
        service.apps["one"].write_text(wrong)
        await service.until_it_says("one: the old code still answers: ")

        (line,) = service.said.splitlines()
        assert said in line
        assert await service.answer() == "old"

        service.apps["one"].write_text(code("mended"))
        await service.until_it_says("one: new code")
        assert await service.answer() == "mended"

    during(service, steps)


def test_an_import_that_hangs_does_not_hold_up_the_save_that_repairs_it(service: Reloaded, tmp_path: Path) -> None:
    async def steps() -> None:
        begun = tmp_path / "begun"
        service.apps["one"].write_text(code("new", f"pathlib.Path({str(begun)!r}).touch()", "time.sleep(600)"))
        await until(begun.exists)
        assert await service.answer() == "old"

        service.apps["one"].write_text(code("mended"))
        await service.until_it_says("one: new code")
        assert await service.answer() == "mended"

    during(service, steps)


# --- How editors save -------------------------------------------------------------------------------


def rename_over(app: Path) -> None:
    new = app.with_name("app.py.tmp1234")
    new.write_text(code("new"))
    new.replace(app)


def several_writes(app: Path) -> None:
    text = code("new")
    with app.open("w") as file:
        for character in text:
            file.write(character)
            file.flush()


def backup_and_temporary_files(app: Path) -> None:
    app.with_name("4913").write_text("")  # as vim asks whether it may write
    app.with_name("4913").unlink()
    app.with_name(".app.py.swp").write_text("of vim")
    app.with_name(".#app.py").symlink_to("somebody@elsewhere.1234")  # as Emacs locks
    app.rename(app.with_name("app.py~"))
    app.write_text(code("new"))
    app.with_name(".#app.py").unlink()


def deleted_and_made_again(app: Path) -> None:
    app.unlink()
    app.write_text(code("new"))


def many_files(app: Path) -> None:
    for number in range(50):
        app.with_name(f"part{number}.py").write_text(f"n = {number}\n")
    app.write_text(code("new"))


def in_the_same_second_with_the_same_size(app: Path) -> None:
    before = app.stat()
    app.write_text(code("new"))
    os.utime(app, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert app.stat().st_size == before.st_size


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    "save",
    [
        rename_over,
        several_writes,
        backup_and_temporary_files,
        deleted_and_made_again,
        many_files,
        in_the_same_second_with_the_same_size,
    ],
)
def test_a_save_is_one_reload_however_the_editor_makes_it(service: Reloaded, save: Callable[[Path], None]) -> None:
    async def steps() -> None:
        await service.answer()
        save(service.apps["one"])
        await service.until_it_says("one: new code")

        assert await service.answer() == "new"
        assert await service.reloads_of("one") == 1

    during(service, steps)


def test_a_file_that_is_gone_for_a_moment_is_waited_for(service: Reloaded, monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps() -> None:
        missed = asyncio.Event()
        exists = Path.exists

        def watched(path: Path) -> bool:
            is_there = exists(path)
            if path == service.apps["one"] and not is_there:
                missed.set()
            return is_there

        monkeypatch.setattr(Path, "exists", watched)
        monkeypatch.setattr(reloading, "_GONE_SECONDS", PATIENCE_SECONDS)
        service.apps["one"].unlink()
        await asyncio.wait_for(missed.wait(), PATIENCE_SECONDS)
        service.apps["one"].write_text(code("new"))
        await service.until_it_says("one: new code")

        assert await service.reloads_of("one") == 1

    during(service, steps)


def test_what_changes_no_code_reloads_nothing(service: Reloaded) -> None:
    async def steps() -> None:
        app = service.apps["one"]
        app.touch()
        app.write_text(app.read_text())
        app.with_name("notes.txt").write_text("not imported")
        app.with_name(".hidden.py").write_text("an editor's")

        assert await service.reloads_of("one") == 0

    during(service, steps)


def test_a_change_without_an_event_is_found_all_the_same(service: Reloaded, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_events(*_: Path, rust_timeout: int, yield_on_timeout: bool, **__: Any) -> AsyncIterator[set[Any]]:
        assert yield_on_timeout
        assert rust_timeout <= 5000
        while True:
            await asyncio.sleep(0.02)
            yield set()

    async def steps() -> None:
        service.apps["one"].write_text(code("new"))
        await service.until_it_says("one: new code")

        assert await service.answer() == "new"

    monkeypatch.setattr(reloading, "awatch", no_events)
    during(service, steps)


def test_where_nothing_can_be_watched_the_service_says_so_and_goes_on(
    service: Reloaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_watches(*_: Path, **__: Any) -> AsyncIterator[set[Any]]:
        raise OSError("OS file watch limit reached")

    async def steps() -> None:
        await service.until_it_says("wallet: new code is not loaded: OS file watch limit reached")

        assert await service.answer() == "old"

    monkeypatch.setattr(reloading, "awatch", no_watches)
    during(service, steps)


def test_a_worker_that_is_being_ended_when_the_service_stops_is_waited_for(service: Reloaded) -> None:
    async def steps() -> None:
        pool = service.pools["one"]
        (worker,) = pool._all
        pool._in_background(pool._end(worker))
        await asyncio.sleep(0)  # it is killed, and its end is waited for

        await pool.stop()

        assert worker._process.returncode is not None

    during(service, steps)


# --- As `make run` has it ---------------------------------------------------------------------------


@contextmanager
def a_copy_that_runs(folder: Path) -> Iterator[Service]:
    for part in ("functions", "layers", "tools", "events"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "template.yaml", folder)
    (folder / ".venv-engine").symlink_to(ROOT / ".venv-engine")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.programs.wallet"],
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_", "COV_"))},
            "PYTHONPATH": f"{folder}:{folder / 'layers/common'}",
            "PORT": str(port),
            "RELOAD": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    service = Service(process, f"http://127.0.0.1:{port}")
    try:
        service.wait_until_ready()
        yield service
    finally:
        service.stop()


def test_new_code_keeps_the_engine_and_the_wallets(tmp_path: Path) -> None:
    def engines(service: Service) -> list[int]:
        return [pid for pid in children_of(service.process.pid) if "ministack" in command_of(pid)]

    with a_copy_that_runs(tmp_path) as service:
        before = engines(service)
        first = service.post("/V4/JackPotWin", published("jackpot"))
        app = tmp_path / "functions" / "jackpot" / "app.py"
        app.write_text(app.read_text() + "\n\n" + CHEERFUL)
        wait_until(lambda: re.search(r"(?m)^jackpot: new code, [0-9]+\.[0-9] s$", service.output))

        replay = service.post("/V4/JackPotWin", published("jackpot"))
        assert replay.json() == first.json() | {"description": "Hooray"}
        assert service.post("/v4/Result", published("result")).json()["description"] == "Success"
        assert engines(service) == before
        assert [line for line in service.output.splitlines() if "new code" in line and "jackpot" not in line] == []


CHEERFUL = """\
_before = handler


def handler(event, context):
    answer = _before(event, context)
    return answer | {"body": answer["body"].replace("Success", "Hooray")}
"""


def test_a_service_reloads_nothing_unless_it_is_asked_to() -> None:
    assert not ServiceSettings.from_environment({}).reload
    assert not ServiceSettings.from_environment({"RELOAD": "0"}).reload
    assert ServiceSettings.from_environment({"RELOAD": "1"}).reload
    with pytest.raises(Trouble, match="RELOAD must be 0 or 1, not 'yes'"):
        ServiceSettings.from_environment({"RELOAD": "yes"})


def test_make_run_asks_for_it_and_says_the_first_time_that_it_sets_up(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "probe.mk").write_text("include Makefile\nrun: shown\nshown: ; +@echo RELOAD=$$RELOAD\n")
    said = "setting up, about a minute, first time only\n"

    def made(*arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        environment.pop("RELOAD", None)
        return subprocess.run(  # noqa: S603 - our own words
            ["make", "--file", "probe.mk", "--dry-run", *arguments],  # noqa: S607 - the one that the developer has
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    def touch(*names: str) -> None:
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
            (tmp_path / name).touch()

    touch("requirements/uv.txt", "requirements/local.txt", "requirements/engine.txt", "pyproject.toml")
    assert made("run").startswith(said)
    assert said not in made("test")
    touch(".venv-uv/ready", ".venv/local-ready", ".venv-engine/ready")
    assert said not in made("run")
    assert "RELOAD=1\n" in made("run")
    assert "RELOAD=0\n" in made("run", "RELOAD=0")


def test_a_worker_leaves_no_bytecode_beside_a_function_that_is_deployed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    (cashier,) = (each for each in Template.load().functions() if each.name == "cashier")
    endpoints = Endpoints(tables="http://127.0.0.1:9", queues="http://127.0.0.1:9", others="http://127.0.0.1:9")

    async def started() -> None:
        with (tmp_path / "log").open("wb") as log:
            workers = Workers(cashier, endpoints.variables, log)
            await workers.start(1)
            await workers.stop()

    asyncio.run(started())

    assert not (cashier.folder / "__pycache__").exists()

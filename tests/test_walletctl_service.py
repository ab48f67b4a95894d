"""The operator's command line as a program: from any folder, at a real terminal, on a service that runs."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from conftest import published
from local_service import HANG_SECONDS, Service, children_of, command_of, has_a_connection, running, wait_until
from test_walletctl_cli import imported_by


class Program:
    """`walletctl` as it is installed, called from a folder that has tools of its own."""

    def __init__(self, folder: Path, service: Service) -> None:
        self.program = Path(sys.executable).with_name("walletctl")
        self.elsewhere = folder / "elsewhere"
        (self.elsewhere / "tools").mkdir(parents=True)
        (self.elsewhere / "tools" / "__init__.py").write_text("raise RuntimeError('these are not the tools')\n")
        self.service = service

    def environment(self, **more: str) -> Mapping[str, str]:
        left_out = ("PYTHONPATH", "AWS_DEFAULT_REGION", "COLUMNS")
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        return kept | {"PORT": str(self.service.port)} | more

    def __call__(self, *arguments: str, program: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - ourselves
            [program or self.program, *arguments],
            cwd=self.elsewhere, env=self.environment(), capture_output=True, text=True, timeout=HANG_SECONDS,
            check=False,
        )  # fmt: skip

    def at_a_terminal(self, columns: int, *arguments: str, **environment: str) -> str:
        """What a terminal that wide shows of it."""
        terminal, end = pty.openpty()
        try:
            with subprocess.Popen(  # noqa: S603 - ourselves
                [self.program, *arguments],
                cwd=self.elsewhere, env=self.environment(COLUMNS=str(columns), TERM="xterm", **environment),
                stdin=end, stdout=end, stderr=end,
            ) as child:  # fmt: skip
                os.close(end)
                shown = b""
                while part := _read(terminal):
                    shown += part
                child.wait(HANG_SECONDS)
        finally:
            os.close(terminal)
        return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running(RETRY_SECONDS="1") as service:
        yield service


@pytest.fixture(scope="module")
def program(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(tmp_path_factory.mktemp("walletctl"), service)


def test_it_runs_from_any_folder_and_by_a_link_to_it(program: Program, tmp_path: Path) -> None:
    link = tmp_path / "walletctl"
    link.symlink_to(os.path.relpath(program.program, tmp_path))

    for started in (program("players", "list", "--json"), program("players", "list", "--json", program=link)):
        assert (started.returncode, started.stderr) == (0, "")
        assert len(json.loads(started.stdout)) == 3


def test_a_win_without_a_player_is_found_waiting_and_paid_once_there_is_a_wallet(
    program: Program, service: Service
) -> None:
    body = published("result", userId="nobody yet", reference="waits", amount="12.50")
    assert service.post("/v4/Result", body).json()["error"] == 62

    def found(status: int = 0) -> dict[str, Any]:
        asked = program("find", "waits", "--json")
        assert asked.returncode == status, asked.stderr
        return json.loads(asked.stdout)

    waiting = found()
    assert (waiting["outcome"], waiting["waiting"], waiting["log"][0]["code"]) == ("waiting", 1, 62)

    assert program("players", "add", "nobody yet", "--currency", "USD").returncode == 0
    wait_until(lambda: service.ledger("nobody yet")[1:])  # beside its opening

    assert [each["amount"] for each in found()["transactions"]] == ["12.5"]
    assert program("verify", "nobody yet").returncode == 0


def test_a_dead_letter_of_the_running_service_is_found_and_discarded(program: Program, service: Service) -> None:
    body = published("result", currency="EUR", reference="in euros")
    assert service.post("/v4/Result", body).json()["error"] == 52

    assert "walletctl parked redrive result 'in euros'" in program("find", "in euros").stdout
    done = program("parked", "discard", "result", "in euros", "--reason", "a test", "--yes", "--file", "kept.json")

    assert done.stdout.startswith("result: 1 dead letter discarded, kept in kept.json\n"), done.stderr
    (kept,) = json.loads((program.elsewhere / "kept.json").read_text())["letters"]
    assert json.loads(json.loads(kept["body"])["request"])["reference"] == "in euros"


def test_no_line_is_wider_than_the_terminal(program: Program, service: Service) -> None:
    service.post("/v4/Result", published("result", reference="x" * 100, roundId="y" * 100))

    for arguments in (("--help",), ("find", "x" * 100), ("ledger", "421")):
        shown = program.at_a_terminal(80, *arguments)
        lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", line) for line in shown.split("\n")]
        assert len(lines) > 5, shown
        assert max(map(len, (line for line in lines if "reading" not in line))) <= 80, shown


def test_no_colour_is_shown_where_none_is_wanted(program: Program) -> None:
    assert "\x1b[2m" in program.at_a_terminal(80, "players", "show", "421")
    assert "\x1b[2m" not in program("players", "show", "421").stdout


def shell(program: Program, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        ["/bin/bash", "-c", f"set -o pipefail; {script}", program.program],
        cwd=program.elsewhere, env=program.environment(), capture_output=True, text=True, timeout=HANG_SECONDS,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", ["players list --csv", "ledger 421 --csv", "ledger 421", "verify --all"])
def test_a_reader_that_goes_away_is_no_failure(program: Program, arguments: str) -> None:
    ended = shell(program, f'"$0" {arguments} | head -n 0')

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_ledger_that_cannot_be_written_is_one_line_and_a_status(program: Program) -> None:
    full, closed = shell(program, '"$0" ledger 421 --csv >/dev/full'), shell(program, '"$0" ledger 421 --csv >&-')

    assert (full.returncode, full.stderr) == (2, "walletctl: the output is incomplete: No space left on device\n")
    assert (closed.returncode, closed.stderr) == (2, "walletctl: standard output is closed: nothing was done\n")


def test_a_wallet_is_opened_even_where_nobody_can_be_told(program: Program) -> None:
    told = shell(program, '"$0" players add untold --currency EUR >/dev/full')

    assert told.returncode == 2
    assert json.loads(program("players", "show", "untold", "--json").stdout)["currency"] == "EUR"


def test_a_ledger_for_machines_needs_the_sdk_and_no_other_package(service: Service) -> None:
    assert imported_by("ledger", "421", "--csv", "--port", str(service.port)) == {"typer", "boto3", "botocore"}


def test_an_interruption_is_no_traceback(program: Program, service: Service) -> None:
    engine = next(pid for pid in children_of(service.process.pid) if "ministack" in command_of(pid))
    os.kill(engine, signal.SIGSTOP)
    with subprocess.Popen(  # noqa: S603 - ourselves
        [program.program, "parked", "list"],
        cwd=program.elsewhere, env=program.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        try:
            wait_until(lambda: has_a_connection(child.pid))  # it reads, and is not answered
            child.send_signal(signal.SIGINT)
        finally:
            os.kill(engine, signal.SIGCONT)
        _, said = child.communicate(timeout=HANG_SECONDS)

    assert (child.returncode, said) == (130, "walletctl: interrupted: nothing was changed\n")

"""The root of the operator's command line: it says what there is, and brings only what is called."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conftest import ROOT
from tools.local.engine import free_port
from tools.programs import cli, completion
from walletctl import COMMANDS, PAGES, ROOT_COMMAND, Walletctl


@pytest.mark.parametrize("name", COMMANDS)
def test_the_root_says_of_a_command_what_the_command_says_first(name: str) -> None:
    first, *_ = COMMANDS[name].help.split("\n\n")

    assert ROOT_COMMAND.commands[name].help == " ".join(first.split())


# --- What is imported -------------------------------------------------------------------------------

# Typer itself needs pydantic, to read what an option is given.
HEAVY = [
    "aiohttp", "asyncio", "boto3", "botocore", "duckdb", "httpx", "jinja2", "pygments", "rich", "starlette",
    "uvicorn", "yaml",
]  # fmt: skip


def imported_by(*arguments: str) -> set[str]:
    """Which of the heavy packages, and Typer, the program has imported when it ends."""
    told = (
        "import json, sys\nfrom tools.programs.walletctl import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print(json.dumps([name for name in {[*HEAVY, 'typer']} if name in sys.modules]))"
    )
    said = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", told, *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(said.stdout.splitlines()[-1]))


def environment() -> dict[str, str]:
    return {**os.environ, "PORT": str(free_port())}  # where no service runs


@pytest.mark.parametrize("arguments", [["--help"], ["help"], ["--version"]], ids=" ".join)
def test_what_the_program_says_of_itself_needs_no_package(arguments: list[str]) -> None:
    assert imported_by(*arguments) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["help", "ledger"],
        ["find", "--help"],
        ["verify", "--help"],
        ["players", "--help"],
        ["players", "list", "--help"],
        ["parked", "redrive", "--help"],
        ["completion", "bash"],
        ["ledger", "421"],  # and no service runs
        ["find", "421", "--no-such-option"],
    ],
    ids=" ".join,
)
def test_help_and_mistakes_need_none_of_a_commands_packages(arguments: list[str]) -> None:
    assert imported_by(*arguments) == {"typer"}


# --- Help, version, completion ----------------------------------------------------------------------


def test_the_version_is_the_projects(walletctl: Walletctl) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    for said in (walletctl("--version").stdout, program("--version").stdout):
        assert said == f"walletctl {version}\n"


@pytest.mark.parametrize("command", [[], ["ledger"], ["parked"], ["parked", "redrive"], ["players", "import"]])
def test_help_is_a_command(walletctl: Walletctl, command: list[str]) -> None:
    asked = walletctl("help", *command)

    assert (asked.exit_code, asked.stdout) == (0, walletctl(*command, "--help").stdout)
    assert asked.stdout.startswith(f"Usage: {' '.join(['walletctl', *command])} ")


def test_help_of_what_is_not_there_names_it(walletctl: Walletctl) -> None:
    asked = walletctl("help", "ledgre")

    assert asked.exit_code == 2
    assert "No such command 'ledgre'. Did you mean 'ledger'?" in asked.stderr


@pytest.mark.parametrize("command", PAGES)
def test_the_help_has_every_option_and_no_type_or_range_of_a_program(walletctl: Walletctl, command: str) -> None:
    shown = walletctl(*command.split(), "--help").stdout

    assert re.findall(r"<[^>]*>|x>=|<=x", shown) == []
    assert "\n  --help" in shown


def test_a_range_is_said_in_words(walletctl: Walletctl) -> None:
    shown = " ".join(walletctl("help", "simulate").stdout.split())

    assert "--rate N About how many callbacks a second. [default: 20.0; 0.1 to 5000]" in shown
    assert "[at least 0]" in shown


@pytest.mark.parametrize("family", ["players", "parked"])
def test_a_family_lists_its_commands_with_whole_sentences(walletctl: Walletctl, family: str) -> None:
    _, listed = walletctl("help", family).stdout.split("\nCommands:\n")

    for command in COMMANDS[family].commands.values():
        first, *_ = command.help.split("\n\n")
        assert f"{command.name} {' '.join(first.split())}" in " ".join(listed.split())


@pytest.mark.parametrize("command", [[], ["find"], ["players"], ["parked"], ["parked", "redrive"]])
def test_a_lone_h_asks_for_help(walletctl: Walletctl, command: list[str]) -> None:
    assert walletctl(*command, "-h").stdout == walletctl(*command, "--help").stdout
    assert program(shlex.join([*command, "-h"])).stdout.startswith("Usage: ")


def test_options_that_name_the_place_stand_together(walletctl: Walletctl) -> None:
    _, where = walletctl("ledger", "--help").stdout.split("\nWhere:\n")

    assert re.findall("^  (--[a-z]+)", where, re.MULTILINE) == ["--local", "--port", "--stack", "--profile", "--region"]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program at a path with a space in it."""
    path = tmp_path / "a check out" / "walletctl"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\ncd "{ROOT}" && exec "{sys.executable}" -m tools.programs.walletctl "$@"\n')
    path.chmod(0o755)
    monkeypatch.setattr(completion, "_PROGRAM", path)
    return path


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("led", {"ledger"}), ("par", {"parked"}), ("he", {"help"}), ("ledger --old", {"--oldest-first"})],
)
def test_bash_completes_commands_and_options(
    walletctl: Walletctl, installed: Path, typed: str, completed: set[str]
) -> None:
    words = ["walletctl", *typed.split()]
    script = (
        f"{walletctl('completion', 'bash').stdout}\n"
        f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _walletctl_completion walletctl\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )

    said = bash(script)

    assert (set(said.stdout.split()), said.stderr) == (completed, "")
    assert "complete -o default -F _walletctl_completion walletctl" in script


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_ask_the_program_by_its_path(walletctl: Walletctl, installed: Path, shell: str) -> None:
    script = walletctl("completion", shell).stdout

    assert f"{shlex.quote(str(installed))})" in script
    assert " walletctl)" not in script
    asked = {"_TYPER_COMPLETE_ARGS": "walletctl led", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    said = subprocess.run(  # noqa: S603
        [installed], env={**os.environ, **asked, "_WALLETCTL_COMPLETE": f"complete_{shell}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "ledger" in said.stdout


# --- Names that begin with a dash -------------------------------------------------------------------


def test_a_name_may_begin_with_a_dash(walletctl: Walletctl) -> None:
    assert walletctl.json("find", "-Xy12", status=1)["name"] == "-Xy12"
    assert walletctl.json("find", "--player", "-5", "-x=1", status=1)["name"] == "-x=1"
    assert walletctl("players", "add", "-5", "--currency", "EUR").exit_code == 0
    assert walletctl.json("players", "show", "-5")["userId"] == "-5"
    assert walletctl.json("find", "-h", "--no-scan", status=1)["name"] == "-h"
    assert "Nothing is known of -h " in walletctl("find", "--", "-h").stdout


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["find", "--Xy12"], "walletctl find -- --Xy12"),
        (["find", "--Xy 12", "--player", "421", "--json"], "walletctl find --player 421 --json -- '--Xy 12'"),
        (["parked", "show", "--Xy12", "result", "--csv"], "walletctl parked show --csv -- --Xy12 result"),
        (["ledger", "--since=2d", "--Xy12"], "walletctl ledger --since=2d -- --Xy12"),
    ],
)
def test_what_looks_like_an_option_is_answered_with_the_command_that_takes_it_as_a_name(
    walletctl: Walletctl, arguments: list[str], hint: str
) -> None:
    refused = walletctl(*arguments)

    assert refused.exit_code == 2
    assert refused.stderr.endswith(f"If it is a name: {hint}\n")
    assert "No such option" not in walletctl(*shlex.split(hint)[1:]).stderr


def test_a_misspelt_option_is_answered_with_the_right_one(walletctl: Walletctl) -> None:
    (said,) = re.findall("No such option: --jsn (.*)", walletctl("find", "421", "--jsn").stderr)

    assert "--json" in said
    assert "If it is a name" not in said  # find takes one


def test_a_name_that_is_like_an_option_is_answered_with_both(walletctl: Walletctl) -> None:
    refused = walletctl("find", "--csv-1").stderr

    assert refused.endswith("(Possible options: --csv). If it is a name: walletctl find -- --csv-1\n")
    assert "Nothing is known of --csv-1 " in walletctl("find", "--", "--csv-1").stdout


@pytest.mark.parametrize("page", PAGES)
def test_the_options_that_say_where_are_the_last_of_every_help(page: str) -> None:
    shown = CliRunner().invoke(cli.app, [*page.split(), "--help"], prog_name="walletctl").stdout

    panels = re.findall(r"^(Arguments|Options|Where):$", shown, re.MULTILINE)
    assert panels == [panel for panel in ("Arguments", "Options", "Where") if panel in panels]
    assert "Options" in panels


# --- Streams that cannot be written -----------------------------------------------------------------


def bash(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own words
        ["/bin/bash", "-c", f"set -o pipefail\n{script}"],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip


def program(arguments: str, redirected: str = "") -> subprocess.CompletedProcess[str]:
    return bash(f"{shlex.quote(sys.executable)} -m tools.programs.walletctl {arguments} {redirected}")


SAYING = ["--help", "--version", "help ledger", "parked --help", "completion bash"]


@pytest.mark.parametrize("arguments", SAYING)
def test_an_output_that_is_full_or_closed_is_one_line_and_a_status(arguments: str) -> None:
    full, closed = program(arguments, ">/dev/full"), program(arguments, ">&-")

    assert (full.returncode, full.stderr) == (2, "walletctl: the output is incomplete: No space left on device\n")
    assert (closed.returncode, closed.stderr) == (2, "walletctl: standard output is closed: nothing was done\n")


@pytest.mark.parametrize("redirected", [">/dev/full 2>&-", ">&- 2>&-", ">/dev/full 2>/dev/full", ">&- 2>&- <&-"])
def test_with_nowhere_to_complain_the_status_says_it(redirected: str) -> None:
    assert program("--help", redirected).returncode == 2


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full", "<&-", "2>&- <&-"])
def test_other_streams_that_are_closed_or_full_change_no_answer(redirected: str) -> None:
    help_, refused = program("--help", redirected), program("ledger 421", redirected)

    assert (help_.returncode, help_.stdout) == (0, program("--help").stdout)
    assert (refused.returncode, refused.stdout) == (2, "")


@pytest.mark.parametrize("arguments", SAYING)
def test_a_reader_that_has_gone_leaves_the_commands_own_status(arguments: str) -> None:
    ended = with_nobody_reading("from tools.programs.walletctl import main; main()", *arguments.split())

    assert ended == (0, "")


def with_nobody_reading(code: str, *arguments: str) -> tuple[int, str]:
    """The status and the standard error of a program whose standard output nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-c", code, *arguments], cwd=ROOT, env=environment(), stdout=writing,
            stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(writing)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_list_ends_when_nobody_reads_it(form: str) -> None:
    code = (
        "from itertools import count\nfrom tools.shared import listing, streams\n"
        "with streams.guarded():\n"
        f"    listing.show([listing.Column(name='n', title='n')], ({{'n': n}} for n in count()), {form!r})"
    )

    assert with_nobody_reading(code) == (0, "")


def test_a_command_that_changes_something_goes_on_when_nobody_reads(tmp_path: Path) -> None:
    done = tmp_path / "done"
    code = (
        "import pathlib, sys\nfrom tools.shared import streams\n"
        "with streams.guarded():\n"
        "    for n in range(100_000):\n        print('moved', n)\n"
        f"    pathlib.Path({str(done)!r}).touch()\n"
        "    sys.exit(3)"
    )

    assert with_nobody_reading(code) == (3, "")
    assert done.exists()

"""What the operator's command line advises to run can be run as it is printed, whatever a name consists of."""

import csv
import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import Result

from conftest import Operator, published
from tools.shared.hints import command, word
from tools.shared.identifiers import is_identifier
from tools.walletctl.place import Asked
from walletctl import ACCOUNT, COMMANDS, PAGES, PORT, Walletctl, parked

NAMES = [
    "585c1306f89c56f5ecfc2f5d",
    "two words",
    "it's",
    'a "quoted" name',
    "-dash",
    "--two-dashes",
    "--json",
    "$HOME `id` $(id) !!",
    "a\\b\\n",
    "*?[a]{b,c}~#",
    "ends with a stop.",
    "new\nline\tand tab",
    "\x1b[2J",
    "\x85\u200f\U000e0001",
    "größe 大",
    "no\u00a0break",
    "\u3000wide",
    "slot\u200d1",
    "\U0001fae8",  # of a Unicode that Python 3.11 does not know
    "\U000e0100",
    "\ufffe",
    "x" * 128,
]
ids = [ascii(name)[:20] for name in NAMES]


def hints(said: str) -> list[list[str]]:
    """The commands of an output, each as a shell reads it: between backticks, or from `walletctl` to the line's end."""
    between = re.findall("`(walletctl [^`]+)`", said)
    at_the_end = re.findall("(?m)(?:: |^ *)(walletctl .+)$", said)
    return [as_bash_reads(each) for each in [*between, *at_the_end]]


def as_bash_reads(line: str) -> list[str]:
    read = subprocess.run(  # noqa: S603 - what a person would paste
        ["/bin/bash", "-c", f'walletctl() {{ printf "%s\\0" "$@"; }}\n{line}'],
        env={"LC_ALL": "C.UTF-8"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert read.stderr == ""
    return read.stdout.split("\0")[:-1]


def followed(walletctl: Walletctl, said: Result) -> list[list[str]]:
    """The hints of an output without the port, each of which was run and understood in a shell of another PORT."""
    found = hints(f"{said.stdout}\n{said.stderr}")
    for arguments in found:
        if arguments[0] == "adjust":  # it moves money, and asks a person first
            assert arguments[arguments.index("--port") + 1] == str(PORT)
            continue
        result = walletctl(*arguments, port=PORT + 1)
        assert result.exit_code in (0, 1), (arguments, result.output)
        if arguments[0] != "help":
            place = arguments.index("--port")
            assert arguments[place + 1] == str(PORT)
            del arguments[place : place + 2]
    return found


def currency_of(walletctl: Walletctl, name: str) -> str:
    return json.loads(walletctl("players", "show", "--json", "--", name).stdout)["currency"]


def dead_letter(walletctl: Walletctl, name: str, code: int, **request: Any) -> None:
    body = published("result", reference=name, userId=name, currency="EUR") | request
    walletctl.leave("ResultDeadLetters", parked("result", body, code=code, reason="As it is"))


@pytest.mark.parametrize("name", NAMES, ids=ids)
def test_a_word_is_read_by_a_shell_as_what_it_is(name: str) -> None:
    assert as_bash_reads(f"walletctl {word(name)}") == [name]
    assert word(name).isprintable()


@pytest.mark.parametrize(
    ("name", "code"), [*((name, 62) for name in NAMES), *(("it's --a name", code) for code in (52, 61, 998))]
)
def test_what_to_do_about_a_dead_letter_can_be_run(
    walletctl: Walletctl, operator: Operator, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    dead_letter(walletctl, name, code)

    can_have_a_wallet = is_identifier(name)
    shown = followed(walletctl, walletctl("parked", "show", "--", name))

    expected = {
        52: [["parked", "settle", "--booked-elsewhere"], ["parked", "redrive", "result"]],
        61: [["find"], ["adjust"]],
        62: [["players", "add"] if can_have_a_wallet else ["help"], ["parked", "redrive", "result"]],
        998: [["parked", "redrive", "result"]],
    }[code]
    for words, arguments in zip(expected, shown, strict=True):
        assert arguments[: len(words)] == words
        assert name in arguments or words == ["help"]
    if code == 62 and can_have_a_wallet:
        assert currency_of(walletctl, name) == "EUR"


@pytest.mark.parametrize("name", NAMES, ids=ids)
def test_a_list_of_dead_letters_leads_to_the_first(walletctl: Walletctl, name: str) -> None:
    dead_letter(walletctl, name, 998)

    one, all_of_them = followed(walletctl, walletctl("parked", "list"))
    dead_letter(walletctl, name, 998)  # the one before was sent back
    (asked,) = followed(walletctl, walletctl("parked", "redrive", "result"))

    assert (one[:2], name in one) == (["parked", "show"], True)
    assert (all_of_them[:3], all_of_them[-2:]) == (["parked", "redrive", "result"], ["--error", "998"])
    assert (asked[:3], name in asked) == (["parked", "redrive", "result"], True)


@pytest.mark.parametrize("name", NAMES, ids=ids)
def test_what_find_advises_can_be_run(walletctl: Walletctl, operator: Operator, name: str) -> None:
    operator.open_wallet(name, currency="EUR")
    (next_,) = followed(walletctl, walletctl("find", "--", name))
    assert (next_[0], name in next_) == ("ledger", True)

    operator.send("result", published("result", userId="nobody", reference=name))
    walletctl.log(
        {"service": "result", "message": "refused", "correlation_id": "other", "code": 62, "reason": "No such player",
         "userId": "nobody at all", "roundId": name, "currency": "USD", "timestamp": "2026-01-02 03:04:05,678+0000"},
    )  # fmt: skip
    (next_,) = followed(walletctl, walletctl("find", "nobody at all"))
    assert next_ == ["find", "result#other"]


@pytest.mark.parametrize("name", [name for name in NAMES if is_identifier(name)])
def test_a_waiting_win_leads_to_the_wallet_that_it_waits_for(walletctl: Walletctl, name: str) -> None:
    walletctl.log(
        {"service": "promo", "message": "refused", "correlation_id": "waits", "code": 62, "reason": "No such player",
         "userId": name, "currency": "EUR", "timestamp": "2026-01-02 03:04:05,678+0000"},
    )  # fmt: skip

    (hint,) = followed(walletctl, walletctl("find", "waits"))

    assert (hint[:2], name in hint) == (["players", "add"], True)
    assert currency_of(walletctl, name) == "EUR"


@pytest.mark.parametrize("name", NAMES, ids=ids)
def test_what_is_advised_about_a_player_can_be_run(walletctl: Walletctl, operator: Operator, name: str) -> None:
    for arguments in (["ledger"], ["players", "show"], ["verify"], ["parked", "show"]):
        assert followed(walletctl, walletctl(*arguments, "--", name))

    operator.open_wallet(name, currency="EUR")
    if not is_identifier(name):
        return  # no command opens such a wallet, and no callback names it
    (show,) = followed(walletctl, walletctl("players", "add", "--currency", "EUR", "--", name))
    assert show[:2] == ["players", "show"]
    operator.send("jackpot", published("jackpot", userId=name))
    ledger, verify = followed(walletctl, walletctl("players", "show", "--", name))
    assert (ledger[0], verify[0]) == ("ledger", "verify")


def test_an_empty_wallet_table_leads_to_the_page_that_fills_it(walletctl: Walletctl) -> None:
    assert followed(walletctl, walletctl("players", "list", "--currency", "XYZ")) == [["help", "players", "add"]]


@pytest.mark.parametrize("name", NAMES, ids=ids)
def test_what_reconcile_advises_can_be_run(walletctl: Walletctl, tmp_path: Path, name: str) -> None:
    dead_letter(walletctl, name, 52)
    report = tmp_path / "report.csv"
    with report.open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ("reference", "callback", "userId", "amount", "answer"),
                ("no one's", "jackpot", "421", "1", "0"),
                (name, "result", "421", "1", "52"),
            ]
        )

    found = followed(walletctl, walletctl("reconcile", str(report)))

    assert sorted(arguments[-1] for arguments in found) == sorted((name, "no one's"))
    assert {arguments[0] for arguments in found} == {"find"}


# --- The place --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, []),
        ({"port": 3000}, []),
        ({"port": 3001}, ["--port", "3001"]),
        ({"stack": "prod"}, ["--stack", "prod"]),
        (
            {"stack": "prod", "profile": "the finance people", "region": "eu-west-1"},
            ["--stack", "prod", "--profile", "the finance people", "--region", "eu-west-1"],
        ),
    ],
)
def test_a_hint_leads_to_the_same_place(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], options: Sequence[str]
) -> None:
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.setattr(boto3, "Session", lambda **_: ACCOUNT)

    where = Asked(**given).place()

    assert as_bash_reads(command(where.options, "find", names=["421"])) == ["find", "421", *options]
    assert as_bash_reads(command(where.options, "find", names=["--x"])) == ["find", *options, "--", "--x"]


def test_a_hint_names_the_port_where_the_shell_has_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", str(PORT))

    assert Asked(port=3000).place().options == ("--port", "3000")
    assert Asked(port=PORT).place().options == ("--port", str(PORT))


def test_find_does_not_advise_the_command_that_was_run(walletctl: Walletctl) -> None:
    dead_letter(walletctl, "rec-1", 61, userId="421")

    for name in ("rec-1", "result#rec-1"):
        assert "To see both" not in walletctl("find", name).stdout
    for arguments in (["parked", "show", "rec-1"], ["find", "421"]):
        assert ["find", "rec-1", "--port", str(PORT)] in hints(walletctl(*arguments).stdout)


def test_the_local_console_is_named_where_the_local_service_is_looked_for(walletctl: Walletctl) -> None:
    assert walletctl("console", port=3457).stderr.endswith(": http://127.0.0.1:3457/\n")
    assert walletctl("console", port=3000).stderr.endswith(": http://127.0.0.1:3000/\n")


def test_another_port_is_part_of_every_hint(walletctl: Walletctl, tmp_path: Path) -> None:
    dead_letter(walletctl, "421", 998)
    at = ["--port", str(PORT)]
    report = tmp_path / "report.csv"
    report.write_text("reference,callback,userId,amount\nnone,jackpot,421,1\n")

    said = [
        walletctl(*arguments, *at, port=PORT + 1)
        for arguments in (
            ["find", "421"],
            ["ledger", "no one"],
            ["parked", "list"],
            ["players", "show", "no one"],
            ["reconcile", str(report)],
        )
    ]

    found = [hint for each in said for hint in hints(f"{each.stdout}\n{each.stderr}") if hint[0] != "help"]
    assert len(found) >= 6
    assert [hint for hint in found if hint[-2:] != at] == []


def test_a_service_that_does_not_run_is_started_where_it_was_looked_for(
    walletctl: Walletctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PORT", raising=False)

    assert f"`make run PORT={PORT + 1}`" in walletctl("ledger", "421", "--port", str(PORT + 1)).stderr
    assert "`make run`" in walletctl("ledger", "421", port=3000).stderr


@pytest.mark.parametrize("page", PAGES)
def test_every_example_of_the_help_runs_as_it_is_printed(walletctl: Walletctl, tmp_path: Path, page: str) -> None:
    examples = examples_of(walletctl, page)

    assert examples
    for line in examples:
        family, *arguments = as_bash_calls(line, tmp_path)
        command = COMMANDS[family]
        if hasattr(command, "commands"):
            command = command.commands[arguments.pop(0)]
        assert command.name == page.split()[-1], line
        command.make_context(command.name, arguments)  # raises if an option or an argument is not understood
        assert "  " not in line, "what is behind the command would be an argument"


def test_a_remark_about_an_example_is_on_a_line_of_text(walletctl: Walletctl) -> None:
    shown = walletctl("help", "parked", "redrive").stdout

    assert "    Send one back:\n      walletctl parked redrive result 585c1306f89c56f5ecfc2f5d\n" in shown


def examples_of(walletctl: Walletctl, page: str) -> list[str]:
    """The examples' lines without those that say what an example is for: they end with a colon."""
    _, _, after = walletctl("help", *page.split()).stdout.partition("Examples:\n")
    return [line.strip() for line in after.splitlines() if line.strip() and not line.endswith(":")]


def as_bash_calls(line: str, folder: Path) -> list[str]:
    """The arguments that walletctl gets from a line, in an empty folder; fish's `source` reads its standard input."""
    subprocess.run(  # noqa: S603 - what a person would paste
        ["/bin/bash", "-ec", f'walletctl() {{ printf "%s\\0" "$@" >called; }}\nsource() {{ cat >/dev/null; }}\n{line}'],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, cwd=folder, check=True,
    )  # fmt: skip
    return (folder / "called").read_text().split("\0")[:-1]

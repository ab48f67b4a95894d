"""Wallets are opened once, one or many, and a wallet that exists is never written."""

import csv
import json
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from conftest import Operator, published
from tools.shared.identifiers import is_identifier
from tools.shared.outside import user
from wallet.wire import Parameter, _identifier
from walletctl import PORT, Walletctl

UNREACHABLE = EndpointConnectionError(endpoint_url="https://tables")
MOST = "99999999999999.999999999999999999"


def opening(operator: Operator, player: str) -> dict[str, Any]:
    """The record that a wallet begins with."""
    (record,) = (item for item in operator.items("Transactions") if item["id"] == f"opening#{player}")
    return record


def wallets(operator: Operator) -> dict[str, dict[str, Any]]:
    return {item["userId"]: item for item in operator.database.Table("Players").scan()["Items"]}


# --- One --------------------------------------------------------------------------------------------


def test_a_wallet_is_opened_with_every_digit(walletctl: Walletctl, operator: Operator) -> None:
    opened = walletctl("players", "add", "new", "--currency", "USDT", "--cash", MOST, "--bonus", "0.10")

    begins = f"{MOST} USDT, bonus 0.1"
    assert (opened.exit_code, opened.stdout) == (
        0, f"new has a wallet now: {begins}. Its first movement is opening#new\n"
    )  # fmt: skip
    record = opening(operator, "new")
    assert operator.wallet("new") == {
        "userId": "new",
        "currency": "USDT",
        "cash": Decimal(MOST),
        "bonus": Decimal("0.1"),
        "version": 1,
        "digest": record["digest"],
    }
    assert (record["seq"], record["amount"], record["bonusAmount"]) == (1, Decimal(MOST), Decimal("0.1"))
    assert (record["actor"], record["reason"]) == (user(), "walletctl players add")


def test_what_is_opened_can_be_credited_and_proved(walletctl: Walletctl, operator: Operator) -> None:
    walletctl("players", "add", "new", "--currency", "usd")

    assert operator.send("result", published("result", userId="new", amount="1.10")).json["error"] == 0
    assert walletctl("verify", "new").exit_code == 0


def test_a_wallet_that_exists_is_refused_and_left_as_it_is(walletctl: Walletctl, operator: Operator) -> None:
    before = wallets(operator)

    said = walletctl.refused("players", "add", "421", "--currency", "EUR", "--cash", "5")

    assert said.startswith("421 has a wallet already (99889.99 USD, bonus 99.99, version 1): nothing was changed")
    assert "walletctl players show 421" in said
    assert wallets(operator) == before


def test_of_two_who_open_one_wallet_at_once_one_is_refused(walletctl: Walletctl, operator: Operator) -> None:
    def another_is_quicker(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        if operation == "Invoke" and len(walletctl.asked(operation)) == 1:
            operator.put_wallet("new", cash=Decimal(7))
        return call()

    walletctl.watch(another_is_quicker)

    assert "new has a wallet already (7 USD" in walletctl.refused("players", "add", "new", "--currency", "USD")
    assert operator.wallet("new")["cash"] == 7


UNFIT = {
    "an empty userId": ({"userId": ""}, "userId must be 1 to 128 characters, none a control character"),
    "spaces for a userId": ({"userId": "  "}, "userId must be"),
    "a long userId": ({"userId": "x" * 129}, "userId must be"),
    "an escape in a userId": ({"userId": "a\x1b[2Jb"}, "userId must be"),
    "no currency": ({"currency": ""}, "currency must be 1 to 128 characters, none a control character"),
    "a long currency": ({"currency": "x" * 129}, "currency must be"),
    "an escape in a currency": ({"currency": "E\x1b[2J"}, "currency must be"),
    "a space after a currency": ({"currency": "EUR "}, "currency must be"),
    "a negative amount": ({"cash": "-1"}, "cash must be an amount such as 12.50"),
    "an exponent": ({"cash": "1e3"}, "cash must be an amount"),
    "NaN": ({"bonus": "NaN"}, "bonus must be an amount"),
    "a comma": ({"cash": "1,50"}, "cash must be an amount"),
    "33 digits": ({"cash": "1" * 33}, "cash must be an amount"),
    "19 digits after the point": ({"cash": "0." + "1" * 19}, "cash must be an amount"),
}


def test_what_no_callback_could_credit_is_not_opened(walletctl: Walletctl, operator: Operator) -> None:
    before = wallets(operator)

    for what, (changes, said) in UNFIT.items():
        wallet = {"userId": "new", "currency": "USD", "cash": "1", "bonus": "0"} | changes
        options = (f"--{name}={wallet[name]}" for name in ("currency", "cash", "bonus"))
        refused = walletctl.refused("players", "add", *options, "--", wallet["userId"])

        assert refused.startswith(said), what
        assert refused.endswith("nothing was changed"), what
    assert wallets(operator) == before


# --- Shown ------------------------------------------------------------------------------------------


def test_a_wallet_is_shown_with_its_last_transactions_and_uncovered_rounds(
    walletctl: Walletctl, operator: Operator
) -> None:
    for number in range(7):
        operator.send("result", published("result", reference=f"r-{number}", amount="1.5", bonusCode="gift"))

    shown = walletctl("players", "show", "421")
    for_machines = walletctl.json("players", "show", "421")

    assert "cash      99900.49" in shown.stdout
    assert "Free rounds of gift: 10.5 was paid round by round, and no total has covered it yet" in shown.stdout
    assert [each["reference"] for each in for_machines["lastTransactions"]] == ["r-6", "r-5", "r-4", "r-3", "r-2"]
    assert (for_machines["cash"], for_machines["freeRounds"]) == (
        "99900.49",
        [{"bonusCode": "gift", "uncovered": "10.5", "advance": "0"}],
    )
    (row,) = walletctl.csv("players", "show", "421")
    assert [row[name] for name in ("userId", "currency", "cash", "bonus", "version")] == [
        "421",
        "USD",
        "99900.49",
        "110.49",
        "8",
    ]


def test_a_player_without_a_wallet_is_told_what_to_do(walletctl: Walletctl) -> None:
    said = walletctl.refused("players", "show", "no\x1bbody")

    assert said.startswith("no\\x1bbody has no wallet. `walletctl help players add` says how to open one.")


def test_wallets_are_listed_for_a_person_and_for_machines(walletctl: Walletctl, operator: Operator) -> None:
    operator.open_wallet("=1+1", cash="0.10", bonus="0", currency="EUR")
    operator.open_wallet("-5", cash=MOST, bonus="0", currency="USDT")

    listed = walletctl("players", "list")

    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["player", "-5", "421", "=1+1", "3"]
    assert {each["userId"]: each["cash"] for each in walletctl.json("players", "list")} == {
        "=1+1": "0.1",
        "-5": MOST,
        "421": "99889.99",
    }
    # A spreadsheet takes none of them for a formula, and amounts for what they are.
    assert {row["userId"]: row["cash"] for row in walletctl.csv("players", "list")} == {
        "'=1+1": "0.1",
        "'-5": MOST,
        "421": "99889.99",
    }
    assert [row["userId"] for row in walletctl.json("players", "list", "--currency", "usdt")] == ["-5"]
    assert len(walletctl.json("players", "list", "--limit", "2")) == 2


def test_more_wallets_than_a_person_reads_are_told_of(walletctl: Walletctl, operator: Operator) -> None:
    operator.open_wallet("422")
    operator.open_wallet("423")

    assert "2 wallets, and there are more" in walletctl("players", "list", "--limit", "2").stdout


def test_no_wallets_are_no_error(walletctl: Walletctl) -> None:
    assert "No wallets in NONE" in walletctl("players", "list", "--currency", "NONE").stdout
    assert walletctl.json("players", "list", "--currency", "NONE") == []
    assert walletctl.csv("players", "list", "--currency", "NONE") == []


# --- Frozen -----------------------------------------------------------------------------------------


WHY = ("--reason", "asked for a break, ticket 7")
BET = {
    "providerId": "luckymonaco", "userId": "421", "gameId": "g", "roundId": "r", "reference": "b", "uuid": "u",
    "amount": "5", "currency": "USD", "timestamp": "1782429190374",
}  # fmt: skip


def test_a_frozen_player_places_no_bet_until_unfrozen(walletctl: Walletctl, operator: Operator) -> None:
    frozen = walletctl("players", "freeze", "421", *WHY, "--yes")
    refused = operator.send("bet", BET | {"reference": "b1"}).json["error"]
    unfrozen = walletctl("players", "unfreeze", "421", "--reason", "the break is over", "--yes")
    taken = operator.send("bet", BET | {"reference": "b2"}).json["error"]

    assert (frozen.exit_code, unfrozen.exit_code) == (0, 0)
    assert (refused, taken) == (56, 0)
    assert f"by {user()}: asked for a break, ticket 7" in frozen.stdout
    assert "421 may place bets again" in unfrozen.stdout


def test_whoever_shows_a_wallet_says_that_the_player_is_frozen_since_when_by_whom_and_why(
    walletctl: Walletctl, operator: Operator
) -> None:
    operator.open_wallet("422")
    walletctl("players", "freeze", "421", *WHY, "--yes")
    at = operator.wallet("421")["frozenAt"][:19].replace("T", " ")
    told = f"since {at}Z, by {user()}: asked for a break, ticket 7"

    for command in (
        ("players", "show", "421"), ("players", "list"), ("find", "421"), ("ledger", "421"),
        ("deposit", "421", "1", "--reference", "d", "--reason", "x"),
    ):  # fmt: skip
        assert told in walletctl(*command).stdout, command
    listed = {each["userId"]: each for each in walletctl.json("players", "list")}
    assert (listed["421"]["frozen"], listed["421"]["frozenBy"]) == (True, user())
    assert (listed["422"]["frozen"], listed["422"]["frozenBy"]) == (False, None)
    assert walletctl.json("find", "421")["wallet"]["frozenReason"] == "asked for a break, ticket 7"


def test_a_player_who_is_frozen_already_keeps_the_first_reason(walletctl: Walletctl, operator: Operator) -> None:
    walletctl("players", "freeze", "421", *WHY, "--yes")

    again = walletctl("players", "freeze", "421", "--reason", "another", "--yes")

    assert "421 was frozen before: since" in again.stdout
    assert operator.wallet("421")["frozenReason"] == "asked for a break, ticket 7"
    assert walletctl.json("players", "freeze", "421", *WHY)["outcome"] == "unchanged"
    walletctl("players", "unfreeze", "421", *WHY, "--yes")
    assert walletctl.json("players", "unfreeze", "421", *WHY)["outcome"] == "unchanged"


@pytest.mark.parametrize(("answer", "is_done"), [("yes\n", True), ("no\n", False), ("", False)])
def test_freezing_is_asked_about(
    walletctl: Walletctl, operator: Operator, monkeypatch: pytest.MonkeyPatch, answer: str, is_done: bool
) -> None:
    monkeypatch.setattr("tools.walletctl.ordering.at_a_terminal", lambda: True)

    done = walletctl("players", "freeze", "421", *WHY, stdin=answer)

    assert done.exit_code == (0 if is_done else 1)
    assert ("frozen" in operator.wallet("421")) is is_done
    assert ("Nothing was changed" in done.stdout) is not is_done


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("421", "--reason", "x"), "nothing was changed: to do it without a question, add --yes"),
        (("421", "--reason", " ", "--yes"), "--reason must be one line"),
        (("421", "--reason", "a\nb", "--yes"), "--reason must be one line"),
        (("nobody", "--reason", "x", "--yes"), "nobody has no wallet: nothing was changed"),
    ],
)
def test_what_cannot_be_frozen_is_refused_and_changes_nothing(
    walletctl: Walletctl, operator: Operator, arguments: tuple[str, ...], told: str
) -> None:
    before = operator.items("Players")

    done = walletctl("players", "freeze", *arguments)

    assert (done.exit_code, told in done.stderr) == (2, True), done.stderr
    assert operator.items("Players") == before


@pytest.mark.parametrize(("value", "is_frozen"), [(True, True), ("no", True), (0, True), (False, False), (None, False)])
def test_what_another_program_wrote_is_shown_as_the_wallet_reads_it(
    walletctl: Walletctl, operator: Operator, value: object, is_frozen: bool
) -> None:
    operator.put_wallet("odd", frozen=value)

    assert walletctl.json("players", "show", "odd")["frozen"] is is_frozen
    assert ("frozen" in walletctl("players", "show", "odd").stdout) is is_frozen
    assert operator.send("bet", BET | {"userId": "odd"}).json["error"] == (56 if is_frozen else 15)


# --- Many -------------------------------------------------------------------------------------------


def file(folder: Path, *lines: str, start: str = "userId,currency,cash,bonus") -> str:
    path = folder / "players.csv"
    path.write_text("".join(f"{line}\n" for line in (start, *lines)))
    return str(path)


def test_a_file_of_wallets_is_opened(walletctl: Walletctl, operator: Operator, tmp_path: Path) -> None:
    rows = [f"p-{number},EUR,{number}.{number:018},0" for number in range(25)]

    imported = walletctl("players", "import", file(tmp_path, *rows))

    assert (imported.exit_code, imported.stdout) == (0, "")
    assert imported.stderr == "of 25 wallets: 25 opened\n"
    opened = wallets(operator)
    assert {f"p-{number}" for number in range(25)} < opened.keys()
    assert opened["p-24"]["cash"] == Decimal("24.000000000000000024")


def test_one_line_that_is_no_wallet_stops_all_and_each_is_named(
    walletctl: Walletctl, operator: Operator, tmp_path: Path
) -> None:
    before = wallets(operator)
    lines = ["good,EUR,1,0", "bad,EUR,1e3,0", "good,USD,2,0", "short,EUR", "'quoted,EUR,1,0", '"two\nlines",EUR,1,0']

    imported = walletctl("players", "import", file(tmp_path, *lines))
    rows = walletctl.csv("players", "import", file(tmp_path, *lines), status=1)

    assert imported.exit_code == 1
    assert "5 lines of" in imported.stderr
    assert "nothing was changed" in imported.stderr
    assert [(row["line"], row["userId"], row["outcome"]) for row in rows] == [
        ("3", "bad", "refused"),
        ("4", "good", "refused"),
        ("5", "short", "refused"),
        ("6", "''quoted", "refused"),
        ("7", "two\\nlines", "refused"),
    ]
    whys = [row["why"] for row in rows]
    assert "the same player is in line 2" in whys[1]
    assert "it has 2 cells, where the first line has 4" in whys[2]
    assert wallets(operator) == before


def test_a_wallet_that_exists_is_left_and_its_line_refused_while_the_others_are_opened(
    walletctl: Walletctl, operator: Operator, tmp_path: Path
) -> None:
    before = operator.wallet("421")

    rows = walletctl.csv("players", "import", file(tmp_path, "new,EUR,1,0", "421,USD,5,0"), status=1)

    assert [(row["userId"], row["outcome"]) for row in rows] == [("new", "opened"), ("421", "refused")]
    assert "another wallet (99889.99 USD, bonus 99.99, version 1), and it is left as it is" in rows[1]["why"]
    assert operator.wallet("421") == before
    assert operator.wallet("new")["cash"] == 1


def test_the_same_file_twice_changes_nothing_and_refuses_nothing(
    walletctl: Walletctl, operator: Operator, tmp_path: Path
) -> None:
    path = file(tmp_path, "new,EUR,1.50,0", "newer,EUR,2,0")
    walletctl("players", "import", path)
    before = wallets(operator)

    again = walletctl("players", "import", path)

    assert (again.exit_code, again.stderr) == (0, "of 2 wallets: 0 opened, 2 there already\n")
    assert wallets(operator) == before


def test_a_wallet_that_was_opened_so_is_there_already_whatever_has_moved_since(
    walletctl: Walletctl, operator: Operator, tmp_path: Path
) -> None:
    path = file(tmp_path, "new,USD,0,0")
    walletctl("players", "import", path)
    operator.send("result", published("result", userId="new", amount="5"))

    dry, again = walletctl("players", "import", path, "--dry-run"), walletctl("players", "import", path)
    other = walletctl("players", "import", file(tmp_path, "new,USD,0.01,0"))

    assert (dry.exit_code, dry.stderr) == (again.exit_code, again.stderr) == (
        0, "of 1 wallet: 0 opened, 1 there already\n"
    )  # fmt: skip
    assert (other.exit_code, other.stderr) == (1, "of 1 wallet: 0 opened, 1 refused\n")
    assert operator.wallet("new")["cash"] == 5


def test_an_import_is_on_record_with_who_and_from_where(
    walletctl: Walletctl, operator: Operator, tmp_path: Path
) -> None:
    walletctl("players", "import", file(tmp_path, "new,EUR,1.50,2"))

    record = opening(operator, "new")
    assert (record["actor"], record["reason"]) == (user(), "walletctl players import players.csv")
    assert (record["cashAfter"], record["bonusAfter"], record["seq"]) == (Decimal("1.5"), 2, 1)


def test_of_two_imports_at_once_each_wallet_is_opened_once(
    walletctl: Walletctl, operator: Operator, tmp_path: Path
) -> None:
    def another_is_quicker(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        if operation == "Invoke" and len(walletctl.asked(operation)) == 1:
            operator.put_wallet("new", cash=Decimal(7), currency="EUR")
        return call()

    walletctl.watch(another_is_quicker)
    rows = walletctl.csv("players", "import", file(tmp_path, "new,EUR,1,0", "newer,EUR,1,0"), status=1)

    assert [(row["userId"], row["outcome"]) for row in rows] == [("new", "refused"), ("newer", "opened")]
    assert operator.wallet("new")["cash"] == 7


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(
    walletctl: Walletctl, operator: Operator, tmp_path: Path
) -> None:
    before = wallets(operator)

    dry = walletctl("players", "import", file(tmp_path, "new,EUR,1,0", "421,USD,5,0"), "--dry-run")

    assert dry.exit_code == 1
    assert dry.stderr.endswith("of 2 wallets: 0 opened, 1 would be opened, 1 refused\n")
    assert "421" in dry.stdout
    assert wallets(operator) == before


def test_tables_that_stop_answering_leave_an_account_of_what_was_done(
    walletctl: Walletctl, operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.walletctl.players.importing._BATCH", 2)
    path = file(tmp_path, *(f"p-{number},EUR,1,0" for number in range(6)))

    def ends(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        if operation == "Invoke" and json.loads(parameters["Payload"])["userId"] in ("p-4", "p-5"):
            raise UNREACHABLE
        return call()

    walletctl.watch(ends)

    said = walletctl.refused("players", "import", path)

    assert "of 6 wallets: 4 opened, 2 unknown, some of which may be open: import the same file again" in said
    assert len(wallets(operator)) == 5


NO_WALLETS = {
    b"": "must be userId,currency,cash,bonus (cash and bonus may be left out), not nothing",
    b"userId:currency\n1:EUR\n": "not userId:currency",
    b"sep=;\nuserId,currency\n1,EUR\n": "not userId,currency",
    b"sep=;\n": "not nothing",
    b"userId,currency,cash,bonus,name\n": "must be userId,currency,cash,bonus",
    b"userId,userId,currency\n": "must be userId,currency,cash,bonus",
    b"userId,currency\n": "has no line but the first",
    b"userId,currency\n\xff\xfe,EUR\n": "is not UTF-8: save it as CSV UTF-8",
    b'userId,currency\n"a"b,EUR\n': "is not CSV in line 2",
    b"userid,currency\n": "must be userId,currency,cash,bonus",
    b"userId, userId ,currency\n": "must be userId,currency,cash,bonus",
    b"userId,currency,\n": "must be userId,currency,cash,bonus",
    b"#userId,currency\n": "must be userId,currency,cash,bonus",
    b"PK\x03\x04\0\0": "is not UTF-8",
    b"\x1f\x8b\x00": "cannot be read: the archive is damaged",
}


def test_a_file_that_is_none_of_wallets_is_told_in_one_line(walletctl: Walletctl, tmp_path: Path) -> None:
    for content, said in NO_WALLETS.items():
        (tmp_path / "players.csv").write_bytes(content)

        assert said in walletctl.refused("players", "import", str(tmp_path / "players.csv"))


def test_a_file_that_is_not_there_is_told_in_one_line(walletctl: Walletctl, tmp_path: Path) -> None:
    assert "cannot be read: No such file" in walletctl.refused("players", "import", str(tmp_path / "none.csv"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("first", ["", "sep={}\r\n", '"SEP={}"\n', "\ufeffsep={}\n"])
def test_wallets_are_read_whatever_parts_the_cells(
    walletctl: Walletctl, operator: Operator, tmp_path: Path, delimiter: str, first: str
) -> None:
    path = tmp_path / "players.csv"
    rows = [("userId", "currency", "cash"), ("new", "EUR", "1.50"), ("bad", "EUR", "")]
    path.write_text(first.format(delimiter) + "".join(f"{delimiter.join(row)}\n" for row in rows[:2]))

    assert walletctl("players", "import", str(path)).exit_code == 0
    assert operator.wallet("new")["cash"] == Decimal("1.50")
    path.write_text(first.format(delimiter) + "".join(f"{delimiter.join(row)}\n" for row in rows))
    (refused,) = walletctl.json("players", "import", str(path), status=1)
    assert refused["line"] == (4 if first else 3)


def test_what_a_spreadsheet_writes_is_read(walletctl: Walletctl, operator: Operator, tmp_path: Path) -> None:
    path = tmp_path / "players.csv"
    path.write_bytes("\ufeffcurrency , userId\r\n EUR ,new\r\n,\r\n\r\n".encode())

    assert walletctl("players", "import", str(path)).exit_code == 0
    assert operator.wallet("new")["cash"] == 0


RUINED = {
    "an exponent": ["1.23457E+11", "1.23457e+11", "1,23457E+11", "1E+05", "12e4", "1.E+5"],
    "a point": ["421.0", "421.", "421.00", "-421.0", "4.21"],
    "thousands": ["1,234", "1.234", "1 234", "1'234", "1,234,567.0"],
    "15 digits": ["1234567890123450", "1234567890123450000"],
    "a formula": ['="000123"', "=421", "='421'"],
    "an apostrophe": ["'000123", "'-5"],
    "an error": ["#REF!", "#N/A", "#NAME?", "#VALUE!", "####", "#WERT!", "#BEZUG!", "#NV", "#ZAHL!"],
    "a date": [
        "2026-05-11",
        "11.05.2026",
        "5/11/2026",
        "11/5/26",
        "11-May",
        "01. Feb",
        "02. Jan",
        "3. M\u00e4rz",
        "01. Dez. 2026",
        "01-Mai-26",
        "1. Oktober 2026",
        "May-11",
        "11-may-2026",
        "2026-05-11 00:00:00",
    ],
    "a time": ["12:30", "12:30:00", "1:05 PM", "100:30:00", "12:30:00.5"],
    "a truth value": ["TRUE", "FALSE", "WAHR", "FALSCH"],
    "white space": [" 421", "421 ", "\u3000421"],
}
SOUND = (
    *("000123", "422", "123456789012", "12345678901234567890", "1234567890123456", "585c1306f89c56f5ecfc2f5d"),
    *("-5", "+44712345678", "a.0", "e5", "1e", "10-11", "12-34-56-78", "mark 12", "Dec", "may", "March Hare", "v1.2"),
    *("9f1c1f0e-6a3e-4b7e-9c36-0d0f3c0a4b11", "mail@example.com", "a b", "99-99-2026", "2026-13-45", "#1", "J\u00f6rg"),
    *(
        "=".join("ab"),
        "o'neill",
        "user:12:30",
        "0x10",
        "1e5f",
        "true",
        "Falsch",
        "#NVX",
        "100:99",
        "maier 1",
        "1. Mait",
    ),
)


@pytest.mark.parametrize("kind", RUINED)
def test_an_id_that_a_spreadsheet_may_have_changed_is_refused_with_the_option_that_takes_it(
    walletctl: Walletctl, operator: Operator, tmp_path: Path, kind: str
) -> None:
    before = wallets(operator)
    path = tmp_path / "players.csv"
    with path.open("w", newline="") as opened:
        csv.writer(opened).writerows([("userId", "currency", "cash", "bonus"), ("sound", "USD", "1", "0")])
        csv.writer(opened).writerows((each, "USD", "1", "0") for each in RUINED[kind])

    refused = walletctl.json("players", "import", str(path), status=1)

    assert [(row["line"], row["userId"]) for row in refused] == [*enumerate(RUINED[kind], 3)]
    assert all(
        "import with --ids-as-written if this is the id" in row["why"] for row in refused if row["userId"].isprintable()
    )
    assert wallets(operator) == before

    printable = [each for each in RUINED[kind] if each.isprintable()]
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "\u3000" not in line))
    taken = walletctl("players", "import", str(path), "--ids-as-written")
    assert taken.exit_code == 0
    assert wallets(operator).keys() == {*before, "sound", *printable}


def test_an_id_that_no_spreadsheet_makes_is_opened_as_it_is(
    walletctl: Walletctl, operator: Operator, tmp_path: Path
) -> None:
    imported = walletctl("players", "import", file(tmp_path, *(f"{each},EUR,1,0" for each in SOUND)))

    assert (imported.exit_code, imported.stdout) == (0, "")
    assert wallets(operator).keys() >= {*SOUND}


def test_an_amount_that_a_spreadsheet_may_have_changed_is_refused_with_its_line(
    walletctl: Walletctl, operator: Operator, tmp_path: Path
) -> None:
    before = wallets(operator)
    amounts = ("1.5E2", "1.23457E+11", "1e3", "1.234,50", "1 234", "$5", "='5'", "-5", "5-", "#####", "1/2", "May-11")
    lines = [f'p-{number},USD,"{amount}",0' for number, amount in enumerate(amounts)]

    for option in ((), ("--ids-as-written",)):
        refused = walletctl.json("players", "import", file(tmp_path, *lines), *option, status=1)
        assert [row["line"] for row in refused] == [*range(2, len(amounts) + 2)]
        assert all(row["why"].startswith("cash must be an amount such as 12.50") for row in refused)
    assert wallets(operator) == before


def test_a_file_that_is_not_read_to_its_end_opens_no_wallet(
    walletctl: Walletctl, operator: Operator, tmp_path: Path
) -> None:
    before = wallets(operator)
    good = b"userId,currency,cash,bonus\np-1,EUR,1,0\np-2,EUR,1,0\n"
    wrong = {
        b'"p-3,EUR,1,0\np-4,EUR,1,0\n': "is not CSV in line 4: a quote is opened and not closed",
        b'p-3,EUR,1,"0\np-4,EUR,1,0\n': "is not CSV in line 4: a quote is opened and not closed",
        b'p-3,EUR,1,"0\np-4,EUR,1,0"\n': "is not CSV in line 4: a quoted cell goes on over several lines",
        b'p"3,EUR,1,0\n': "is not CSV in line 4: a quote is opened",
        b'p"3",EUR,1,0\n': "is not CSV in line 4: a quote is in the middle of a cell",
        b"p-3,EUR,1,0\np\0,EUR,1,0\n": "is not UTF-8: save it as CSV UTF-8, or unpack it. See line 5",
        b"J\xf6rg,EUR,1,0\n": "is not UTF-8: save it as CSV UTF-8, or unpack it. See line 4",
        b"x" * (1 << 20) + b"x": "is not CSV in line 4: it has more than 1,048,576 characters",
    }

    for ending, says in wrong.items():
        (tmp_path / "players.csv").write_bytes(good + ending)
        assert says in walletctl.refused("players", "import", str(tmp_path / "players.csv")), ending
    assert wallets(operator) == before


def test_what_is_refused_is_escaped_once(walletctl: Walletctl, tmp_path: Path) -> None:
    lines = ["a\x1bb,EUR,1,0", "p-2,E\\\x1bR,1,0", "p-3,EUR,1\u200b,0", '"\'a\\b",EUR,1,0']
    path = file(tmp_path, *lines)

    table = " ".join(walletctl("players", "import", path).stdout.split())
    rows = walletctl.json("players", "import", path, status=1)
    added = walletctl.refused("players", "add", "--currency", "E\\\x1bR", "new")

    for shown in ("not 'a\\x1bb'", "not 'E\\\\\\x1bR'", "not '1\\u200b'", "userId ''a\\\\b' is"):
        assert shown in table
    assert [row["why"].rpartition("not ")[2] for row in rows[:3]] == ["'a\x1bb'", "'E\\\x1bR'", "'1\u200b'"]
    assert "not 'E\\\\\\x1bR': nothing was changed" in added


def test_an_empty_amount_is_not_taken_for_nothing(walletctl: Walletctl, operator: Operator, tmp_path: Path) -> None:
    before = wallets(operator)

    refused = walletctl.json("players", "import", file(tmp_path, "p-1,EUR,,0", "p-2,EUR,1, ", "p-3,,1,0"), status=1)

    assert [row["why"].partition(" ")[0] for row in refused] == ["cash", "bonus", "currency"]
    assert [row["why"].partition(":")[0] for row in refused[:2]] == ["cash is empty", "bonus is empty"]
    assert wallets(operator) == before


def test_a_line_of_another_number_of_cells_is_refused_with_its_number(walletctl: Walletctl, tmp_path: Path) -> None:
    lines = ["p-1,EUR,1,50,0", "p-2,EUR,1", "p-3,EUR,1,0,", "p-4"]

    refused = walletctl.json("players", "import", file(tmp_path, *lines), status=1)

    assert [(row["line"], row["why"].partition(",")[0]) for row in refused] == [
        *((2, "it has 5 cells"), (3, "it has 3 cells"), (4, "it has 5 cells"), (5, "it has 1 cell"))
    ]


def test_wallets_are_read_from_a_pipe(walletctl: Walletctl, operator: Operator) -> None:
    readable, writable = os.pipe()
    with open(readable, "rb"), open(writable, "wb") as written:
        written.write(b"userId,currency\npiped,EUR\n")
        written.close()

        assert walletctl("players", "import", f"/dev/fd/{readable}").exit_code == 0
    assert operator.wallet("piped")["currency"] == "EUR"


# --- Where ------------------------------------------------------------------------------------------


def test_two_places_are_none(walletctl: Walletctl) -> None:
    assert "two places: name one" in walletctl.refused("players", "list", "--local", "--stack", "prod")
    assert "are of a stack: name it with --stack NAME" in walletctl.refused("players", "list", "--profile", "p")


def test_two_forms_are_none(walletctl: Walletctl) -> None:
    assert "--json and --csv are two forms" in walletctl.refused("players", "list", "--json", "--csv")


def test_without_a_service_it_says_how_to_start_one(walletctl: Walletctl, tmp_path: Path) -> None:
    for announcement in tmp_path.glob("service-*.json"):
        announcement.unlink()

    assert f"start one with `make run PORT={PORT}`" in walletctl.refused("players", "list")


def test_a_profile_and_a_region_reach_the_session(walletctl: Walletctl, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []
    session = boto3.Session()

    def made(**options: Any) -> Any:
        given.append(options)
        return session

    monkeypatch.setattr(boto3, "Session", made)

    walletctl.refused("players", "list", "--stack", "prod", "--profile", "finance", "--region", "eu-north-1")

    assert given[0] == {"profile_name": "finance", "region_name": "eu-north-1"}  # the others are moto's own


def test_json_has_nothing_but_ascii_and_texts_for_amounts(walletctl: Walletctl, operator: Operator) -> None:
    operator.open_wallet("Jörg\u202e", cash="0.1")

    listed = walletctl("players", "list", "--json").stdout

    assert listed.isascii()
    assert all(isinstance(each["cash"], str) for each in json.loads(listed))


# --- Names ------------------------------------------------------------------------------------------


def test_the_tools_and_the_wallet_have_one_rule_of_what_an_identifier_is() -> None:
    def is_taken(text: str) -> bool:
        try:
            return _identifier(Parameter("userId", "userid", text, "", "")) == text
        except ValueError:
            return False

    texts = [f"a{chr(code)}" for code in (*range(0x11000), *range(0x11000, sys.maxunicode + 1, 251))]
    texts += [chr(code) for code in range(0x3100)]  # where all of Unicode's spaces are
    texts += [" ", "\u3000\u00a0", "x" * 128, "x" * 129, "\U0001fae8" * 128]

    assert [ascii(text) for text in texts if is_identifier(text) != is_taken(text)] == []
    assert not is_identifier("")


IDENTIFIERS = ["no\u00a0break", " ends with a space ", "slot\u200d1", "\U0001fae8", "\u202eturned", "Ж" * 128, "\\x1b"]


@pytest.mark.parametrize("user_id", IDENTIFIERS, ids=ascii)
def test_every_player_that_a_callback_can_name_can_have_a_wallet(
    walletctl: Walletctl, operator: Operator, tmp_path: Path, user_id: str
) -> None:
    assert walletctl("players", "add", user_id, "--currency", "USD").exit_code == 0
    another = f"{user_id[:-1]}!"
    imported = walletctl("players", "import", file(tmp_path, f'"{another}",USD,0,0'), "--ids-as-written")
    assert imported.exit_code == 0, imported.output

    for name in (user_id, another):
        assert operator.send("result", published("result", reference=name, userId=name)).json["error"] == 0
        assert walletctl.json("ledger", name)[0]["reference"] == name
        assert walletctl.json("players", "show", name)["cash"] == "10"
        assert walletctl.json("find", name)["outcome"] == "credited"


@pytest.mark.parametrize("currency", ["USDT-TRC20", "EU", "Gold coins", "\u20ac", "$LUCKY", "\U0001fae8", "é"])
def test_a_wallet_in_any_currency_that_a_callback_can_name_can_be_opened_and_paid(
    walletctl: Walletctl, operator: Operator, currency: str
) -> None:
    assert walletctl("players", "add", "new", "--currency", currency).exit_code == 0

    assert operator.send("result", published("result", userId="new", currency=currency)).json["currency"] == currency
    assert [each["userId"] for each in walletctl.json("players", "list", "--currency", currency)] == ["new"]
    assert walletctl.json("verify", "new")["faults"] == 0

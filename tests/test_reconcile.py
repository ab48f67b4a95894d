"""A provider's report against the ledger: whatever differs is found and named, by its line and its reference."""

import csv
import gzip
import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from typer.testing import CliRunner

from conftest import EVENTS, Operator, published
from local_service import running
from tools.local.trouble import Trouble
from tools.reconcile import command
from tools.reconcile.ledger import recorded_at
from tools.reconcile.letters import asked_for
from tools.reconcile.report import Reading, canonical, copy_report
from tools.simulate.report import COLUMNS
from tools.walletctl.cli import app
from tools.walletctl.parked import mailbox
from tools.walletctl.place import Queues, Tables

Row = dict[str, str]


@dataclass
class Here:
    """The place of a mocked account."""

    operator: Operator
    name: str = "here"

    def tables(self) -> Tables:
        return Tables(
            dynamodb=boto3.client("dynamodb"), players="Players", transactions="Transactions", free_rounds="FreeRounds"
        )

    def queues(self, callback: str) -> Queues:
        sqs: Any = boto3.client("sqs")
        name = callback.capitalize()
        return Queues(
            sqs=sqs,
            retry_queue=sqs.get_queue_url(QueueName=f"{name}RetryQueue")["QueueUrl"],
            dead_letters=sqs.get_queue_url(QueueName=f"{name}DeadLetters")["QueueUrl"],
        )

    def url(self) -> str:
        raise AssertionError("nothing is sent")


@dataclass
class Desk:
    """Where a report is compared with the ledger of six wins: five results, of which the last has a prize."""

    operator: Operator
    folder: Path

    @property
    def rows(self) -> list[Row]:
        """The report that says just what the ledger has."""
        return [
            {
                "reference": transaction["id"].partition("#")[2],
                "callback": transaction["id"].partition("#")[0],
                "transactionId": transaction["transactionId"],
                "userId": transaction["userId"],
                "currency": transaction["currency"],
                "amount": f"{transaction['amountAsked']:f}",
                "roundId": transaction.get("roundId", ""),
                "gameId": transaction.get("gameId", ""),
                "bonusCode": "",
                "timestamp": transaction["timestamp"],
                "answer": "0",
            }
            for transaction in self.operator.transactions()
        ]

    def reconcile(self, rows: Iterable[Mapping[str, str]], *options: str) -> "Outcome":
        return self.reconcile_text(text_of(rows), *options)

    def reconcile_text(self, text: str, *options: str) -> "Outcome":
        report = self.folder / "report.csv"
        report.write_text(text)
        differences = self.folder / "differences.csv"
        told = CliRunner().invoke(app, ["reconcile", str(report), "--csv", str(differences), "--json", *options])
        if told.exception and not isinstance(told.exception, SystemExit):
            raise told.exception
        found = [*csv.DictReader(io.StringIO(differences.read_text()))] if differences.exists() else []
        return Outcome(told.exit_code, json.loads(told.stdout) if told.stdout else {}, found, told.stderr)


@dataclass
class Outcome:
    status: int
    account: dict[str, Any]
    differences: list[Row]
    complaint: str

    @property
    def found(self) -> list[tuple[str, str, str]]:
        """Each difference's kind, line and reference."""
        return [(each["kind"], each["line"], each["reference"]) for each in self.differences]


@pytest.fixture
def desk(operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(command.place, "where", lambda **_: Here(operator))
    monkeypatch.setattr(mailbox, "WAIT_SECONDS", 0)  # a mocked queue has all there is at once
    for number in range(4):
        win(operator, f"ref-{number}", amount=f"1{number}.50")
    win(operator, "ref-4", promoWinAmount="5", promoWinReference="prize-1")
    return Desk(operator, tmp_path)


def win(operator: Operator, reference: str, **changes: Any) -> None:
    reply = operator.send("result", published("result", reference=reference, roundId=f"r-{reference}", **changes))
    assert reply.json["error"] == 0


def text_of(rows: Iterable[Mapping[str, str]], columns: Iterable[str] = COLUMNS) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*columns], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def with_row(rows: list[Row], place: int, **changes: str) -> list[Row]:
    return [row | changes if number == place else row for number, row in enumerate(rows)]


# --- What differs -----------------------------------------------------------------------------------


def test_a_report_of_what_the_ledger_has_is_matched(desk: Desk) -> None:
    outcome = desk.reconcile(desk.rows)

    assert outcome.status == 0
    assert outcome.differences == []
    assert (outcome.account["rows"], outcome.account["transactions"], outcome.account["matched"]) == (6, 6, 6)


def test_amounts_are_compared_as_numbers_and_currencies_without_regard_to_case(desk: Desk) -> None:
    rows = with_row(desk.rows, 0, amount="0010.5000", currency="usd")

    assert desk.reconcile(rows).status == 0


def test_a_dropped_row_is_found_and_named(desk: Desk) -> None:
    rows = desk.rows
    dropped = rows.pop(2)

    outcome = desk.reconcile(rows)

    assert outcome.status == 1
    assert outcome.found == [("unknown there", "", dropped["reference"])]
    assert Decimal(outcome.differences[0]["here"]) == Decimal(dropped["amount"])


def test_a_doubled_row_is_found_and_named(desk: Desk) -> None:
    rows = [*desk.rows, desk.rows[1]]

    outcome = desk.reconcile(rows)

    assert outcome.status == 1
    assert outcome.found == [("doubled", "8", rows[1]["reference"])]
    assert outcome.differences[0]["note"] == "first on line 3"


def test_a_row_doubled_with_another_amount_says_so(desk: Desk) -> None:
    outcome = desk.reconcile([*desk.rows, desk.rows[1] | {"amount": "99"}])

    assert [each["note"] for each in outcome.differences] == ["first on line 3, with other content"]


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("amount", "11.51", "different amount"),
        ("amount", "11.500000000000000000000000000001", "different amount"),
        ("currency", "EUR", "different currency"),
        ("userId", "422", "different player"),
        ("transactionId", "d0ff46bd-04b1-5e2d-a003-611271f6b669", "different transaction"),
    ],
)
def test_an_altered_row_is_found_and_named(desk: Desk, column: str, value: str, kind: str) -> None:
    rows = with_row(desk.rows, 1, **{column: value})

    outcome = desk.reconcile(rows)

    assert outcome.status == 1
    assert outcome.found == [(kind, "3", rows[1]["reference"])]
    assert outcome.differences[0]["there"] == value
    assert outcome.account["matched"] == 5


def test_a_row_may_differ_in_more_than_one_way(desk: Desk) -> None:
    outcome = desk.reconcile(with_row(desk.rows, 1, amount="1", userId="422"))

    assert {kind for kind, _, _ in outcome.found} == {"different amount", "different player"}


def test_an_invented_row_is_found_and_named(desk: Desk) -> None:
    outcome = desk.reconcile([*desk.rows, desk.rows[0] | {"reference": "invented", "amount": "1000000"}])

    assert outcome.status == 1
    assert outcome.found == [("missing here", "8", "invented")]
    assert outcome.differences[0]["there"] == "1000000"


def test_one_reference_of_two_callbacks_is_two_credits(desk: Desk) -> None:
    outcome = desk.reconcile([*desk.rows, desk.rows[0] | {"callback": "jackpot"}])

    assert [kind for kind, _, _ in outcome.found] == ["missing here"]


def test_what_the_provider_leaves_empty_is_not_compared(desk: Desk) -> None:
    rows = [row | {"currency": "", "transactionId": "", "timestamp": "", "answer": ""} for row in desk.rows]

    assert desk.reconcile(rows).status == 0


def test_amounts_of_thirty_two_digits_are_compared_and_summed_to_the_last(desk: Desk) -> None:
    amount = "12345678901234567890123456789012"
    win(desk.operator, "large", amount=amount)
    desk.operator.open_wallet("422", cash="0", bonus="0")
    win(desk.operator, "small", amount="0.000000000000000001", userId="422")
    rows = desk.rows

    assert desk.reconcile(rows).status == 0
    place = next(number for number, row in enumerate(rows) if row["reference"] == "large")
    outcome = desk.reconcile(with_row(rows, place, amount=f"{int(amount) + 1}"))

    assert [kind for kind, _, _ in outcome.found] == ["different amount"]
    (total,) = [each for each in outcome.account["totals"] if each["callback"] == "result"]
    assert total["asked"] == "12345678901234567890123456789070.000000000000000001"
    assert total["difference"] == "-1"


def test_a_total_of_free_rounds_is_compared_by_what_was_asked(desk: Desk) -> None:
    win(desk.operator, "round-1", amount="4", bonusCode="frb-1")
    total = published("bonus", reference="total-1", bonusCode="frb-1", amount=10)
    assert desk.operator.send("bonus", total).json["error"] == 0

    outcome = desk.reconcile(desk.rows)

    assert outcome.status == 0
    (row,) = [each for each in outcome.account["totals"] if each["callback"] == "bonus"]
    assert (row["amount"], row["asked"], row["paid"]) == ("10", "10", "6")


def test_totals_stand_by_day_currency_and_callback(desk: Desk) -> None:
    outcome = desk.reconcile(with_row(desk.rows, 0, amount="1"))

    assert [(each["day"], each["currency"], each["callback"]) for each in outcome.account["totals"]] == [
        ("2016-12-22", "USD", "promo"),
        ("2016-12-22", "USD", "result"),
    ]
    promo, result = outcome.account["totals"]
    assert (promo["rows"], promo["amount"], promo["difference"]) == (1, "5", "+0")
    assert (result["rows"], result["transactions"], result["difference"]) == (5, 5, "+9.5")


def test_totals_of_a_report_are_the_sums_of_its_rows_those_there_twice_included(desk: Desk) -> None:
    outcome = desk.reconcile([*desk.rows, desk.rows[0] | {"amount": "7"}, desk.rows[0] | {"amount": "none"}])

    _, result = outcome.account["totals"]
    assert (result["rows"], result["transactions"], result["difference"]) == (6, 5, "-7")


def test_totals_of_the_ledger_are_in_its_own_currencies(desk: Desk) -> None:
    outcome = desk.reconcile(with_row(desk.rows, 0, currency="EUR"))

    totals = {(each["currency"], each["callback"]): each for each in outcome.account["totals"]}
    assert (totals["EUR", "result"]["amount"], totals["EUR", "result"]["transactions"]) == ("10.5", 0)
    assert (totals["USD", "result"]["difference"], totals["USD", "result"]["transactions"]) == ("+10.5", 5)


# --- What is kept -----------------------------------------------------------------------------------


def test_what_is_missing_here_and_a_dead_letter_is_called_so(desk: Desk) -> None:
    desk.operator.send("result", published("result", reference="wrong", currency="EUR", roundId="r-9"))
    owed = desk.rows[0] | {"reference": "wrong", "currency": "EUR", "answer": "52", "transactionId": ""}

    outcome = desk.reconcile([*desk.rows, owed])

    assert outcome.found == [("dead letter", "8", "wrong")]
    assert outcome.differences[0]["note"].startswith("52: ")


def test_what_may_wait_in_a_retry_queue_is_called_so(desk: Desk) -> None:
    desk.operator.send("result", published("result", reference="early", userId="999", roundId="r-9"))
    early = desk.rows[0] | {"reference": "early", "userId": "999", "answer": "62", "transactionId": ""}
    lost = desk.rows[0] | {"reference": "lost", "answer": "57", "transactionId": ""}

    outcome = desk.reconcile([*desk.rows, early, lost])

    assert outcome.found == [("perhaps parked", "8", "early"), ("missing here", "9", "lost")]


def test_a_missing_prize_is_looked_for_in_the_results_that_are_kept(desk: Desk) -> None:
    prize = {"promoWinAmount": "25", "promoWinReference": "prize-2"}
    owed = desk.rows[5] | {"amount": "25", "transactionId": ""}
    body = published("result", reference="wrong", currency="EUR", roundId="r-9", **prize)
    desk.operator.send("result", body)
    # Of the result itself nothing is missing: the report is of prizes alone.
    dead = desk.reconcile([*desk.rows, owed | {"reference": "prize-2", "answer": "52"}])
    nobodys = body | {"reference": "early", "userId": "999", "promoWinReference": "prize-3"}
    desk.operator.send("result", nobodys)
    waits = desk.reconcile([*desk.rows, owed | {"reference": "prize-3", "userId": "999", "answer": "62"}])

    assert dead.found == [("dead letter", "8", "prize-2")]
    assert dead.differences[0]["note"].startswith("52: ")
    assert waits.found == [("perhaps parked", "8", "prize-3")]


def test_who_may_not_see_the_queues_is_told_so_and_given_the_differences(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(self: Here, callback: str) -> Queues:
        raise Trouble(f"the queues of {callback} cannot be asked")

    monkeypatch.setattr(Here, "queues", denied)

    outcome = desk.reconcile([*desk.rows, desk.rows[0] | {"reference": "invented"}])

    assert outcome.status == 1
    assert outcome.found == [("missing here", "8", "invented")]
    assert "may be parked" in outcome.complaint
    assert "the queues of result cannot be asked" in outcome.complaint


def test_a_letter_stands_for_a_prize_too() -> None:
    request = json.dumps({"Reference": "ref-1", "promoWinReference": "prize-1", "amount": "1"})

    assert [*asked_for("result", request)] == ["result#ref-1", "promo#prize-1"]
    assert [*asked_for("jackpot", request)] == ["jackpot#ref-1"]
    assert [*asked_for("result", "[")] == [*asked_for("result", "[]")] == []


# --- A day's report ---------------------------------------------------------------------------------


def test_a_days_report_is_not_blamed_for_another_days_credits(desk: Desk) -> None:
    table = desk.operator.database.Table("Transactions")
    for transaction in desk.operator.transactions()[:2]:
        table.update_item(
            Key={"id": transaction["id"]},
            UpdateExpression="SET recordedAt = :then",
            ExpressionAttributeValues={":then": "2020-01-01T12:00:00.000+00:00"},
        )
    old, new = desk.rows[:2], desk.rows[2:]

    assert desk.reconcile(new).found == [("unknown there", "", row["reference"]) for row in old]
    assert desk.reconcile(new, "--since", "2020-01-02").status == 0
    assert desk.reconcile(old, "--until", "2020-01-02").status == 0
    # A row is found whenever it was recorded.
    assert desk.reconcile(old, "--until", "2020-01-01T12:00").status == 0
    assert desk.reconcile(new, "--since", "2020-01-01", "--until", "2020-01-01T12:00:00.001").status == 1


@pytest.mark.parametrize(
    ("text", "is_"),
    [
        ("2026-11-21T00:00:00Z", "2026-11-21T00:00:00.000+00:00"),
        ("2026-11-21T18:00:00+01:00", "2026-11-21T17:00:00.000+00:00"),
    ],
)
def test_a_moment_is_compared_as_the_ledger_writes_it(text: str, is_: str) -> None:
    assert recorded_at(datetime.fromisoformat(text).astimezone(UTC)) == is_


# --- A provider's own form --------------------------------------------------------------------------


def test_a_providers_own_headings_are_read(desk: Desk) -> None:
    renamed = [
        {"Ref": row["reference"], "Type": row["callback"].title() + "Win", "Player ID": row["userId"]}
        | {"Win": row["amount"], "Note": "a;b"}
        for row in desk.rows
    ]
    text = text_of(renamed, renamed[0]).replace("\n", "\r\n")

    mapping = "reference=Ref,callback=Type,userId=player id,amount=Win"
    byte_order_mark = "\ufeff"
    assert desk.reconcile_text(byte_order_mark + text, "--columns", mapping).status == 0


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_noticed(desk: Desk, delimiter: str) -> None:
    assert desk.reconcile_text(text_of(desk.rows).replace(",", delimiter)).status == 0


def test_a_report_of_one_callback_needs_no_column_for_it(desk: Desk) -> None:
    rows = [row for row in desk.rows if row["callback"] == "result"]
    text = text_of(rows, [column for column in COLUMNS if column != "callback"])

    assert desk.reconcile_text(text).status == 2
    assert desk.reconcile_text(text, "--callback", "result").found == [("unknown there", "", "prize-1")]


def test_a_packed_report_is_read(desk: Desk) -> None:
    report = desk.folder / "report.csv.gz"
    report.write_bytes(gzip.compress(text_of(desk.rows).encode()))

    assert CliRunner().invoke(app, ["reconcile", str(report)]).exit_code == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"amount": "1e3"}, "'1e3' is no amount"),
        ({"amount": "-1"}, "'-1' is no amount"),
        ({"amount": ""}, "no amount"),
        ({"userId": ""}, "no userId"),
        ({"callback": "spin"}, "'spin' is no callback"),
        ({"timestamp": "yesterday"}, "'yesterday' is no moment"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_the_rest_is_compared(
    desk: Desk, changes: dict[str, str], says: str
) -> None:
    rows = with_row(desk.rows, 2, **changes)

    outcome = desk.reconcile(rows)

    assert outcome.status == 1
    (bad,) = [each for each in outcome.differences if each["kind"] == "unreadable"]
    assert (bad["line"], bad["reference"]) == ("4", rows[2]["reference"])
    assert says in bad["note"]
    assert outcome.account["matched"] == 5


def test_lines_are_counted_as_a_person_sees_them(tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    report.write_text('reference,callback,userId,amount\n"a\nb",result,421,1\n\nc,result,421,x\n')

    read = copy_report(report, tmp_path / "rows", Reading.of(None, None), lambda _: None)

    rows = [json.loads(line) for line in (tmp_path / "rows").read_text().splitlines()]
    assert [(row["line"], row["reference"]) for row in rows] == [(2, "a\nb"), (5, "c")]
    assert (read.rows, read.faulty) == (2, 1)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"a,b\n1,2\n", "no column reference"),
        (b"reference,callback,userId,amount\n", "no rows"),
        (b"reference,callback,userId,amount\n\xff,result,421,1\n", "not UTF-8"),
        (b"\x1f\x8b\x00", "cannot be read"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(desk: Desk, content: bytes, says: str) -> None:
    report = desk.folder / "report.csv"
    report.write_bytes(content)

    told = CliRunner().invoke(app, ["reconcile", str(report)])

    assert told.exit_code == 2
    assert says in told.stderr
    assert len(told.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--columns", "ref=Ref"], "--columns has no use for ref=Ref"),
        (["--callback", "spin"], "no callback is called spin"),
        (["--since", "soon"], "is no moment"),
        (["--since", "2026-01-02", "--until", "2026-01-01"], "nothing is between them"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(desk: Desk, options: list[str], says: str) -> None:
    outcome = desk.reconcile(desk.rows, *options)

    assert outcome.status == 2
    assert says in outcome.complaint


@pytest.mark.parametrize("place", ["/nowhere/at/all.csv", "."])
def test_what_cannot_be_written_is_said_before_the_ledger_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def read(self: Here) -> Tables:
        raise AssertionError("it was read")

    monkeypatch.setattr(Here, "tables", read)

    outcome = desk.reconcile(desk.rows, "--csv", place)

    assert outcome.status == 2
    assert "cannot be written" in outcome.complaint


def test_the_differences_are_not_written_over_the_report(desk: Desk) -> None:
    report = desk.folder / "report.csv"
    before = text_of(desk.rows)

    outcome = desk.reconcile_text(before, "--csv", str(desk.folder / "." / "report.csv"))

    assert outcome.status == 2
    assert "--csv names the report itself" in outcome.complaint
    assert report.read_text().splitlines() == before.splitlines()


def test_a_report_that_is_not_there_is_refused(desk: Desk) -> None:
    told = CliRunner().invoke(app, ["reconcile", str(desk.folder / "none.csv")])

    assert told.exit_code == 2
    assert "No such file" in told.stderr


def test_a_spreadsheet_computes_with_nothing_of_the_differences(desk: Desk) -> None:
    outcome = desk.reconcile([*desk.rows, desk.rows[0] | {"reference": "=1+1"}])

    assert outcome.differences[0]["reference"] == "'=1+1"


def test_a_person_is_shown_the_difference_and_the_verdict(desk: Desk) -> None:
    report = desk.folder / "report.csv"
    report.write_text(text_of(desk.rows[1:]))

    told = CliRunner().invoke(app, ["reconcile", str(report)])

    assert told.exit_code == 1
    assert "unknown there" in told.stdout
    assert told.stdout.splitlines()[-1] == "1 difference"


@pytest.mark.parametrize(
    ("text", "is_"),
    [
        ("10", "10"), ("010.500", "10.5"), ("0.0", "0"), ("0", "0"), ("00", "0"), ("12.0000", "12"), ("0.10", "0.1"),
        ("100", "100"), ("1e3", None), ("-1", None), ("", None), (".5", None), ("5.", None), ("1_0", None),
        ("\N{ARABIC-INDIC DIGIT ONE}", None),
        ("1" * 33, None), ("9" * 32, "9" * 32),
    ],
)  # fmt: skip
def test_an_amount_has_one_way_to_be_written(text: str, is_: str | None) -> None:
    assert canonical(text) == is_


# --- The whole of it --------------------------------------------------------------------------------


def test_a_minute_of_the_provider_is_matched_and_verified(tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    # The commands leave the caller's account out of it, in this process too.
    with patch.dict(os.environ), running(SECRETS="events/secrets.json") as service:
        at = ["--port", str(service.port)]
        runner = CliRunner()

        played = runner.invoke(
            app,
            f"simulate --minutes 0.05 --rate 30 --seed 4 --day 1 --secret-file {EVENTS}/secrets.json --report {report} "
            f"--port {service.port}",
        )
        assert played.exit_code == 0, played.output
        compared = runner.invoke(app, ["reconcile", str(report), *at])
        assert compared.exit_code == 0, compared.output
        assert compared.stdout.splitlines()[-1] == "All matched"
        assert runner.invoke(app, ["verify", "--all", *at]).exit_code == 0

        lines = report.read_text().splitlines(keepends=True)
        report.write_text("".join(lines[:5] + lines[6:]))
        again = runner.invoke(app, ["reconcile", str(report), *at])
        assert again.exit_code == 1
        assert lines[5].partition(",")[0] in again.output

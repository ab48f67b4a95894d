"""A provider's report against the ledger: whatever differs is found and named, by its line and its reference."""

import bz2
import csv
import errno
import gzip
import io
import json
import lzma
import os
import resource
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from conftest import EVENTS, Operator, published
from local_service import running
from tools.programs.cli import app
from tools.provider.columns import COLUMNS
from tools.shared.outside import plain
from tools.shared.replaced import replaced
from tools.shared.trouble import Trouble
from tools.walletctl.place import LocalService, Queues
from tools.walletctl.reconcile import command
from tools.walletctl.reconcile.decimals import canonical
from tools.walletctl.reconcile.ledger import recorded_at
from tools.walletctl.reconcile.reading import Reading
from tools.walletctl.reconcile.report import copy_report
from tools.walletctl.tables import Tables
from walletctl import Walletctl, parked

Row = dict[str, str]


class Report(Walletctl):
    """Compares reports with a ledger of six wins: five results, of which the last has a prize."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, operator: Operator) -> None:
        super().__init__(folder, monkeypatch)
        self.operator = operator

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
        return self.reconcile_bytes(text.encode(), *options)

    def reconcile_bytes(self, content: bytes, *options: str) -> "Outcome":
        report = self.folder / "report.csv"
        report.write_bytes(content)
        return self.reconcile_file(report, *options)

    def reconcile_file(self, report: Path | str, *options: str) -> "Outcome":
        differences = self.folder / "differences.csv"
        differences.unlink(missing_ok=True)
        told = self("reconcile", str(report), "--csv", str(differences), "--json", *options)
        found = [*csv.DictReader(io.StringIO(differences.read_text()))] if differences.exists() else []
        return Outcome(told.exit_code, json.loads(told.stdout) if told.stdout else {}, found, told.stderr)


@dataclass
class Outcome:
    status: int
    account: dict[str, Any]
    differences: list[Row]
    complaint: str

    @property
    def refusal(self) -> str:
        """The one line with which the whole report is refused."""
        assert (self.status, self.account) == (2, {})
        assert self.complaint.startswith("walletctl: ")
        assert self.complaint.endswith("\n")
        assert self.complaint[:-1].isprintable()
        return self.complaint[:-1]

    @property
    def found(self) -> list[tuple[str, str, str]]:
        """Each difference's kind, line and reference."""
        return [(each["kind"], each["line"], each["reference"]) for each in self.differences]


@pytest.fixture
def desk(walletctl: Walletctl, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Report:
    for number in range(4):
        win(operator, f"ref-{number}", amount=f"1{number}.50")
    win(operator, "ref-4", promoWinAmount="5", promoWinReference="prize-1")
    return Report(walletctl.folder, monkeypatch, operator)


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


def test_a_report_of_what_the_ledger_has_is_matched(desk: Report) -> None:
    outcome = desk.reconcile(desk.rows)

    assert outcome.status == 0
    assert outcome.differences == []
    assert (outcome.account["rows"], outcome.account["transactions"], outcome.account["matched"]) == (6, 6, 6)


def test_amounts_are_compared_as_numbers_and_currencies_without_regard_to_case(desk: Report) -> None:
    rows = with_row(desk.rows, 0, amount="0010.5000", currency="usd")

    assert desk.reconcile(rows).status == 0


def test_a_dropped_row_is_found_and_named(desk: Report) -> None:
    rows = desk.rows
    dropped = rows.pop(2)

    outcome = desk.reconcile(rows)

    assert outcome.status == 1
    assert outcome.found == [("unknown there", "", dropped["reference"])]
    assert outcome.account["causes"][0]["count"] == 1
    assert Decimal(outcome.differences[0]["here"]) == Decimal(dropped["amount"])


def test_a_report_about_one_currency_lacks_nothing_in_others_once_a_person_says_so(desk: Report) -> None:
    rows = desk.rows
    desk.operator.open_wallet("430", currency="EUR")
    win = published("result", userId="430", currency="EUR", reference="in-euros")
    assert desk.operator.send("result", win).json["error"] == 0

    asked = desk.reconcile(rows)
    told = desk("reconcile", str(desk.folder / "report.csv"))
    said = desk.reconcile(rows, "--currency", "usd")

    assert asked.found == [("unknown there", "", "in-euros")]
    assert "in other currencies. If it is about USD alone: --currency USD" in " ".join(told.stdout.split())
    assert (said.status, said.found) == (0, [])
    assert said.account["transactionsOfOtherCurrencies"] == 1
    assert "Do you mean USD?" in desk.reconcile(rows, "--currency", "USDD").refusal
    assert desk.reconcile(rows, "--currency", "XXX").refusal.endswith("as --currency says: it has USD")
    assert desk.reconcile(rows[1:], "--currency", "USD ").found == [("unknown there", "", rows[0]["reference"])]


def order(operator: Operator, movement: str, amount: str) -> None:
    """Has the cashier move money, under a reference that the report may use for a win as well."""
    said = {"movement": movement, "reference": "ref-0", "userId": "421", "amount": amount, "currency": "USD"}
    operator.invoke("cashier", {**said, "actor": "anna", "reason": "ticket 7"})


def test_what_the_operator_moved_is_no_difference(desk: Report) -> None:
    rows = desk.rows
    for movement, amount in (("deposit", "10.50"), ("withdrawal", "3"), ("adjustment", "-1"), ("adjustment", "-1")):
        order(desk.operator, movement, amount)
    order(desk.operator, "withdrawal", "9000000")  # the same reference again: a conflict, which is on no record

    outcome = desk.reconcile(rows)

    assert (outcome.status, outcome.differences) == (0, [])
    assert (outcome.account["transactions"], outcome.account["matched"]) == (6, 6)


def test_a_withdrawal_that_was_refused_is_no_difference(desk: Report) -> None:
    rows = desk.rows
    order(desk.operator, "withdrawal", "9000000")
    assert any(item.get("outcome") == "not enough" for item in desk.operator.transactions())

    assert desk.reconcile(rows).status == 0


def by_hand(operator: Operator, reference: str, **decision: Any) -> Row:
    """A win that a person has settled, as the provider's report has it."""
    body = published("result", reference=reference, amount="7", currency="USD", roundId="r")
    order = {"message": parked("result", body), "actor": "bob", "reason": "ticket 8", **decision}
    assert operator.invoke("result", {"settle": order})["error"] == 0
    return {"reference": reference, "callback": "result", "userId": "421", "currency": "USD", "amount": "7"}


def test_a_win_that_a_person_has_paid_is_matched(desk: Report) -> None:
    rows = [*desk.rows, by_hand(desk.operator, "late")]

    outcome = desk.reconcile(rows)

    assert (outcome.status, outcome.account["matched"], outcome.account["bookedElsewhere"]) == (0, 7, 0)


def test_a_win_that_was_booked_elsewhere_is_matched_and_said_to_be_unpaid_here(desk: Report) -> None:
    rows = [*desk.rows, by_hand(desk.operator, "late", bookedElsewhere=True)]

    outcome = desk.reconcile(rows)

    assert (outcome.status, outcome.account["matched"], outcome.account["bookedElsewhere"]) == (0, 7, 1)
    off = [Decimal(total["asked"]) - Decimal(total["paid"]) for total in outcome.account["totals"]]
    assert sum(off) == 7
    (desk.folder / "report.csv").write_text(text_of(rows))
    told = desk("reconcile", str(desk.folder / "report.csv")).stdout
    assert "1 row of the report on record as booked elsewhere: not paid by this wallet" in told


def test_a_win_booked_elsewhere_that_the_report_lacks_says_so(desk: Report) -> None:
    rows = desk.rows
    by_hand(desk.operator, "late", bookedElsewhere=True)

    outcome = desk.reconcile(rows)

    assert outcome.found == [("unknown there", "", "late")]
    assert outcome.differences[0]["note"] == "booked elsewhere"


def test_a_doubled_row_is_found_and_named(desk: Report) -> None:
    rows = [*desk.rows, desk.rows[1]]

    outcome = desk.reconcile(rows)

    assert outcome.status == 1
    assert outcome.found == [("doubled", "8", rows[1]["reference"])]
    assert outcome.differences[0]["note"] == "first on line 3"


def test_a_row_doubled_with_another_amount_says_so(desk: Report) -> None:
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
def test_an_altered_row_is_found_and_named(desk: Report, column: str, value: str, kind: str) -> None:
    rows = with_row(desk.rows, 1, **{column: value})

    outcome = desk.reconcile(rows)

    assert outcome.status == 1
    assert outcome.found == [(kind, "3", rows[1]["reference"])]
    assert outcome.differences[0]["there"] == value
    assert outcome.account["matched"] == 5


def test_a_row_may_differ_in_more_than_one_way(desk: Report) -> None:
    outcome = desk.reconcile(with_row(desk.rows, 1, amount="1", userId="422"))

    assert {kind for kind, _, _ in outcome.found} == {"different amount", "different player"}


def test_an_invented_row_is_found_and_named(desk: Report) -> None:
    outcome = desk.reconcile([*desk.rows, desk.rows[0] | {"reference": "invented", "amount": "1000000"}])

    assert outcome.status == 1
    assert outcome.found == [("missing here", "8", "invented")]
    assert outcome.differences[0]["there"] == "1000000"


def test_one_reference_of_two_callbacks_is_two_credits(desk: Report) -> None:
    outcome = desk.reconcile([*desk.rows, desk.rows[0] | {"callback": "jackpot"}])

    assert [kind for kind, _, _ in outcome.found] == ["missing here"]


def test_what_the_provider_leaves_empty_is_not_compared(desk: Report) -> None:
    rows = [row | {"currency": "", "transactionId": "", "timestamp": "", "answer": ""} for row in desk.rows]

    assert desk.reconcile(rows).status == 0


def test_amounts_of_thirty_two_digits_are_compared_and_summed_to_the_last(desk: Report) -> None:
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


def test_a_total_of_free_rounds_is_compared_by_what_was_asked(desk: Report) -> None:
    win(desk.operator, "round-1", amount="4", bonusCode="frb-1")
    total = published("bonus", reference="total-1", bonusCode="frb-1", amount=10)
    assert desk.operator.send("bonus", total).json["error"] == 0

    outcome = desk.reconcile(desk.rows)

    assert outcome.status == 0
    (row,) = [each for each in outcome.account["totals"] if each["callback"] == "bonus"]
    assert (row["amount"], row["asked"], row["paid"]) == ("10", "10", "6")


def test_totals_stand_by_day_currency_and_callback(desk: Report) -> None:
    outcome = desk.reconcile(with_row(desk.rows, 0, amount="1"))

    assert [(each["day"], each["currency"], each["callback"]) for each in outcome.account["totals"]] == [
        ("2016-12-22", "USD", "promo"),
        ("2016-12-22", "USD", "result"),
    ]
    promo, result = outcome.account["totals"]
    assert (promo["rows"], promo["amount"], promo["difference"]) == (1, "5", "+0")
    assert (result["rows"], result["transactions"], result["difference"]) == (5, 5, "+9.5")


def test_totals_of_a_report_are_the_sums_of_its_rows_those_there_twice_included(desk: Report) -> None:
    outcome = desk.reconcile([*desk.rows, desk.rows[0] | {"amount": "7"}, desk.rows[0] | {"amount": "none"}])

    _, result = outcome.account["totals"]
    assert (result["rows"], result["transactions"], result["difference"]) == (6, 5, "-7")


def test_totals_of_the_ledger_are_in_its_own_currencies(desk: Report) -> None:
    outcome = desk.reconcile(with_row(desk.rows, 0, currency="EUR"))

    totals = {(each["currency"], each["callback"]): each for each in outcome.account["totals"]}
    assert (totals["EUR", "result"]["amount"], totals["EUR", "result"]["transactions"]) == ("10.5", 0)
    assert (totals["USD", "result"]["difference"], totals["USD", "result"]["transactions"]) == ("+10.5", 5)


@pytest.mark.parametrize(
    "timestamp",
    [
        *("0", "946684799999", "148242919", "9" * 20, "9" * 5000),  # nothing that is a date
        *("1.48243E+12", "31.02.2016", "13/13/2016 17:53", "42726.745", "yesterday", "0001-01-01T00:00:00+10:00"),
    ],
)
def test_a_row_without_a_moment_is_compared_and_has_the_ledgers_day(desk: Report, timestamp: str) -> None:
    rows = [row | {"timestamp": timestamp} for row in desk.rows]

    outcome = desk.reconcile(rows)

    assert (outcome.status, outcome.account["matched"], outcome.account["rowsWithoutMoment"]) == (0, 6, 6)
    assert {total["day"] for total in outcome.account["totals"]} == {"2016-12-22"}
    invented = desk.reconcile([*rows, rows[0] | {"reference": "invented"}])
    assert {total["day"] for total in invented.account["totals"]} == {"", "2016-12-22"}


def test_a_person_is_told_which_timestamp_is_not_a_moment(desk: Report) -> None:
    report = desk.folder / "report.csv"
    report.write_text(text_of(with_row(desk.rows, 1, timestamp="1.48243E+12")))

    told = desk("reconcile", str(report)).stdout

    assert "1 row with a timestamp that is not a moment, the first in line 3: '1.48243E+12'." in told


@pytest.mark.parametrize(
    ("timestamp", "day"),
    [
        ("946684800000", "2000-01-01"),
        ("1482429190374", "2016-12-22"),
        ("2016-12-22T17:53:10Z", "2016-12-22"),
        ("2016-12-23T00:30:00+01:00", "2016-12-22"),
        ("20161222", "2016-12-22"),
        ("1482429190", "2016-12-22"),
        ("201612", None),
    ],
)
def test_a_row_is_of_its_own_day(desk: Report, timestamp: str, day: str | None) -> None:
    outcome = desk.reconcile([desk.rows[0] | {"reference": "invented", "timestamp": timestamp}])

    (total,) = [each for each in outcome.account["totals"] if each["rows"]]
    assert total["day"] == (day or "")


# --- What is kept -----------------------------------------------------------------------------------


def test_what_is_missing_here_and_a_dead_letter_is_called_so(desk: Report) -> None:
    desk.operator.send("result", published("result", reference="wrong", currency="EUR", roundId="r-9"))
    owed = desk.rows[0] | {"reference": "wrong", "currency": "EUR", "answer": "52", "transactionId": ""}

    outcome = desk.reconcile([*desk.rows, owed])

    assert outcome.found == [("dead letter", "8", "wrong")]
    assert outcome.differences[0]["note"].startswith("52: ")


def test_what_may_wait_in_a_retry_queue_is_called_so(desk: Report) -> None:
    desk.operator.send("result", published("result", reference="early", userId="999", roundId="r-9"))
    early = desk.rows[0] | {"reference": "early", "userId": "999", "answer": "62", "transactionId": ""}
    lost = desk.rows[0] | {"reference": "lost", "answer": "57", "transactionId": ""}

    outcome = desk.reconcile([*desk.rows, early, lost])

    assert outcome.found == [("perhaps parked", "8", "early"), ("missing here", "9", "lost")]


def test_a_missing_prize_is_looked_for_in_the_results_that_are_kept(desk: Report) -> None:
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
    desk: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_self: LocalService, callback: str) -> Queues:
        raise Trouble(f"the queues of {callback} cannot be asked")

    monkeypatch.setattr(LocalService, "queues", denied)

    outcome = desk.reconcile([*desk.rows, desk.rows[0] | {"reference": "invented"}])

    assert outcome.status == 1
    assert outcome.found == [("missing here", "8", "invented")]
    assert "may be parked" in outcome.complaint
    assert "the queues of result cannot be asked" in outcome.complaint


def test_a_prize_that_was_left_for_a_person_is_a_dead_letter_and_its_win_is_matched(desk: Report) -> None:
    prize = {"promoWinAmount": "25", "promoWinReference": "prize-1"}  # which is on record with 5
    body = published("result", reference="win", roundId="r-9", amount="1", **prize)
    assert desk.operator.send("result", body).json["error"] == 0
    assert desk.operator.send("result", body | {"promoWinReference": "prize-2"}).json["error"] == 0
    owed = desk.rows[5] | {"reference": "prize-2", "amount": "25", "transactionId": ""}

    outcome = desk.reconcile([*desk.rows, owed])

    assert outcome.found == [("dead letter", str(len(desk.rows) + 2), "prize-2")]
    assert outcome.differences[0]["note"].startswith("61: ")
    assert outcome.differences[0]["note"].endswith("(its prize alone)")


@pytest.mark.parametrize("faulty", ['"1.0.0"', "true", "-1"])
def test_a_body_that_was_refused_is_a_dead_letter_whatever_form_its_reference_had(desk: Report, faulty: str) -> None:
    body = json.dumps(published("result", reference=None, amount=None, roundId="r-9"))
    for _ in range(10):
        desk.operator.send("result", f'{body[:-1]}, "amount": {faulty}, "Reference": 1602530}}')
    owed = desk.rows[0] | {"reference": "1602530", "answer": "59", "transactionId": ""}

    outcome = desk.reconcile([*desk.rows, owed])

    assert outcome.found == [("dead letter", "8", "1602530")]
    assert outcome.differences[0]["note"] == "59: Not a valid amount: amount"


# --- A day's report ---------------------------------------------------------------------------------


def test_a_days_report_is_not_blamed_for_another_days_credits(desk: Report) -> None:
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
    assert desk.reconcile(old, "--until", "2020-01-01T12:00").status == 2
    # A period without any of the report's rows is a slip: "all matched" would say nothing of what the report lacks.
    told = desk.reconcile(old, "--until", "2020-01-01").refusal
    assert "2 of 2 rows are outside of --since and --until" in told
    assert "--until 2020-01-01 does not include that day itself" in told
    desk.reconcile(desk.rows, "--since", "2020-01-02")
    shown = desk("reconcile", str(desk.folder / "report.csv"), "--since", "2020-01-02").stdout
    assert "All matched; 2 of 6 rows are outside of --since and --until" in shown
    assert "Period: from 2020-01-02 00:00 UTC, as --since and --until say" in shown


def test_a_made_up_win_is_found_whatever_its_timestamp(desk: Report) -> None:
    earlier = desk.operator.transactions()
    recorded = sorted(datetime.fromisoformat(transaction["recordedAt"]) for transaction in earlier)
    for reference, moment in (("first", recorded[0]), ("last", datetime.now(UTC))):
        win(desk.operator, reference, timestamp=str(int(moment.timestamp() * 1000)))
    report = [row for row in desk.rows if row["reference"] in ("first", "last")]

    outcome = desk.reconcile(report)

    # All others were recorded in the report's period, with timestamps of 2016.
    assert [kind for kind, _, _ in outcome.found] == ["unknown there"] * len(earlier)
    assert {each["note"] for each in outcome.differences} == {
        "recorded late, with a timestamp of 2016-12-22 17:53 UTC: it may be in another report"
    }
    assert [cause["count"] for cause in outcome.account["causes"]] == [len(earlier)]


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


def test_a_providers_own_headings_are_read(desk: Report) -> None:
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
def test_other_delimiters_are_noticed(desk: Report, delimiter: str) -> None:
    assert desk.reconcile_text(text_of(desk.rows).replace(",", delimiter)).status == 0


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_line_that_names_the_delimiter_is_read(desk: Report, delimiter: str) -> None:
    text = text_of(with_row(desk.rows, 1, amount="1.5")).replace(",", delimiter)
    for first in (f"sep={delimiter}\n", f'"sep={delimiter}"\r\n', f"Sep={delimiter}\n#timepoint = 1482429190374\n"):
        outcome = desk.reconcile_text(first + text)
        assert [(kind, line) for kind, line, _ in outcome.found] == [
            ("different amount", str(3 + first.count("\n")))
        ], first
        other = "," if delimiter == ";" else ";"
        assert "no column reference" in desk.reconcile_text(f"sep={other}\n{text}").refusal


def test_a_report_as_a_finance_department_has_it_is_matched_in_one_command(desk: Report) -> None:
    rows = "".join(
        f"{row['reference']};{row['callback']};{row['userId']};{row['amount'].replace('.', ',')};22.12.2016 18:53\n"
        for row in desk.rows
    )
    report = desk.folder / "report.csv"
    report.write_text(f"Dezember;;;;\n\nReference;Callback;User ID;Amount;Timestamp\n{rows}Summe;;;63,00;\n")

    told = desk("reconcile", str(report), "--time-zone", "Europe/Berlin")

    assert told.exit_code == 0, told.output
    read_as, verdict_, figures, period, *_ = told.stdout.splitlines()
    assert read_as == (
        "read as: headings in line 3, semicolons, decimal comma, dates 28.11.2026 (Europe/Berlin), a total in line 10"
    )
    assert verdict_.startswith("All matched")
    assert figures == "6 rows of the report, 6 transactions in the ledger, 6 matched"
    assert period.startswith("Period: 2016-12-22 17:53 to 2016-12-22 17:54 UTC, the report's own")


def test_equal_causes_are_folded_and_the_summary_fits_a_screen(desk: Report) -> None:
    report = desk.folder / "report.csv"
    owed = [desk.rows[0] | {"reference": f"owed-{number}"} for number in range(30)]
    bad = [desk.rows[0] | {"reference": f"bad-{number}", "amount": f"{number};5"} for number in range(200)]
    report.write_text(text_of([*desk.rows, *owed, bad[0], desk.rows[0], *bad[1:]]))

    told = desk("reconcile", str(report)).stdout

    first_screen = told.splitlines()[:24]
    assert " 200 rows, lines 38, 40 to 238: unreadable: '0;5' is not an amount" in first_screen
    assert "  30 rows, lines 8 to 37: missing here: owed by the report, and not paid" in first_screen
    assert any(line.endswith("line 39: doubled: first on line 2") for line in first_screen)
    assert max(map(len, first_screen)) <= 100
    assert "Of 231 differences 7 are shown: --csv FILE writes them all" in first_screen
    assert told.count("is not an amount") == 1 + 3  # the cause, and a few examples of it


def test_a_report_of_one_callback_needs_no_column_for_it(desk: Report) -> None:
    rows = [row for row in desk.rows if row["callback"] == "result"]
    text = text_of(rows, [column for column in COLUMNS if column != "callback"])

    assert desk.reconcile_text(text).status == 2
    assert desk.reconcile_text(text, "--callback", "result").found == [("unknown there", "", "prize-1")]


def test_a_packed_report_is_read(desk: Report) -> None:
    report = desk.folder / "report.csv.gz"
    report.write_bytes(gzip.compress(text_of(desk.rows).encode()))

    assert desk("reconcile", str(report)).exit_code == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"amount": "1e33"}, "'1e33' is not an amount"),
        ({"amount": "1,50"}, "'1,50' is not an amount"),
        ({"amount": "-1"}, "'-1' is not an amount"),
        ({"amount": ""}, "no amount"),
        ({"userId": ""}, "no userId"),
        ({"callback": "spin"}, "'spin' is not a callback"),
        ({"reference": "  "}, "no reference"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_the_rest_is_compared(
    desk: Report, changes: dict[str, str], says: str
) -> None:
    rows = with_row(desk.rows, 2, **changes)

    outcome = desk.reconcile(rows)

    assert outcome.status == 1
    (bad,) = [each for each in outcome.differences if each["kind"] == "unreadable"]
    assert (bad["line"], bad["reference"]) == ("4", rows[2]["reference"])
    assert says in bad["note"]
    assert len(bad["note"]) < 200
    assert outcome.account["matched"] == 5


def test_what_cannot_be_read_is_escaped_once(desk: Report) -> None:
    report = desk.folder / "report.csv"
    report.write_text(text_of(with_row(desk.rows, 2, amount="1\x1b\\")))

    assert desk.reconcile_file(report).account["shownDifferences"][0]["note"] == "'1\x1b\\' is not an amount"
    assert r"'1\x1b\\' is not an amount" in desk("reconcile", str(report)).stdout


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
        (b"\xff\nreference,callback,userId,amount\n", "no rows"),
        (b"\x1f\x8b\x00", "cannot be read"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(desk: Report, content: bytes, says: str) -> None:
    report = desk.folder / "report.csv"
    report.write_bytes(content)

    told = desk("reconcile", str(report))

    assert told.exit_code == 2
    assert says in told.stderr
    assert len(told.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--columns", "ref=Ref"], "--columns has no use for ref=Ref"),
        (["--callback", "spin"], "no callback is called spin"),
        (["--since", "soon"], "is not a moment"),
        (["--since", "2026-01-02", "--until", "2026-01-01"], "nothing is between them"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(desk: Report, options: list[str], says: str) -> None:
    outcome = desk.reconcile(desk.rows, *options)

    assert outcome.status == 2
    assert says in outcome.complaint


@pytest.mark.parametrize("place", ["/nowhere/at/all.csv", "."])
def test_what_cannot_be_written_is_said_before_the_ledger_is_read(
    desk: Report, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def read(self: LocalService) -> Tables:
        raise AssertionError("it was read")

    monkeypatch.setattr(LocalService, "tables", read)

    outcome = desk.reconcile(desk.rows, "--csv", place)

    assert outcome.status == 2
    assert "cannot be written" in outcome.complaint


def test_the_differences_are_not_written_over_the_report(desk: Report) -> None:
    report = desk.folder / "report.csv"
    before = text_of(desk.rows)

    outcome = desk.reconcile_text(before, "--csv", str(desk.folder / "." / "report.csv"))

    assert outcome.status == 2
    assert "--csv names the report itself" in outcome.complaint
    assert report.read_text().splitlines() == before.splitlines()


def test_the_differences_are_not_written_over_standard_input(desk: Report) -> None:
    report = desk.folder / "report.csv"
    report.write_text(text_of(desk.rows[1:]))
    before, standard_input = report.read_text(), os.dup(0)
    try:
        with report.open() as file:
            os.dup2(file.fileno(), 0)
        told = desk("reconcile", "-", "--csv", str(report))
    finally:
        os.dup2(standard_input, 0)
        os.close(standard_input)

    assert (told.exit_code, told.stdout) == (2, "")
    assert "--csv names the report itself" in told.stderr
    assert report.read_text() == before


def test_a_pipe_is_given_the_differences_and_stays_a_pipe(desk: Report) -> None:
    report, pipe = desk.folder / "report.csv", desk.folder / "pipe"
    report.write_text(text_of(desk.rows[1:]))
    os.mkfifo(pipe)
    # Open for both, so that neither end waits for the other.
    with open(os.open(pipe, os.O_RDWR), "rb") as end:
        assert desk("reconcile", str(report), "--csv", str(pipe)).exit_code == 1
        assert end.readline().startswith(b"kind,line,")
    assert pipe.is_fifo()


def test_a_shells_own_pipe_is_given_the_differences(desk: Report) -> None:
    report = desk.folder / "report.csv"
    report.write_text(text_of(desk.rows[1:]))
    readable, writable = os.pipe()
    with open(readable, "rb") as end, open(writable, "wb"):
        told = desk("reconcile", str(report), "--csv", f"/dev/fd/{writable}")

        assert told.exit_code == 1
        assert end.readline().startswith(b"kind,line,")


def test_a_link_is_followed_and_a_file_keeps_its_mode(desk: Report) -> None:
    report, file, link = desk.folder / "report.csv", desk.folder / "new.csv", desk.folder / "link.csv"
    report.write_text(text_of(desk.rows[1:]))
    link.symlink_to(file)
    mask = os.umask(0o027)
    try:
        desk("reconcile", str(report), "--csv", str(link))
        assert (link.is_symlink(), file.stat().st_mode & 0o777) == (True, 0o640)
        file.chmod(0o600)
        desk("reconcile", str(report), "--csv", str(link))
        assert (link.is_symlink(), file.stat().st_mode & 0o777) == (True, 0o600)
    finally:
        os.umask(mask)


def test_a_file_whose_writing_fails_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before")

    def broken_off() -> None:
        with replaced(file) as written:
            written.write("after")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "before")]


@pytest.mark.parametrize("rows", [1, 1_000], ids=["at its end", "on its way"])
def test_a_file_that_a_full_disk_breaks_off_stays_as_it_was(tmp_path: Path, rows: int) -> None:
    file = tmp_path / "file"
    file.write_text("before")
    most, ever = resource.getrlimit(resource.RLIMIT_FSIZE)

    def write() -> None:
        with replaced(file) as written:
            for _ in range(rows):
                written.write("a row of a report\n")

    resource.setrlimit(resource.RLIMIT_FSIZE, (10, ever))
    try:
        with pytest.raises(Trouble, match="cannot be written: File too large"):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, ever))

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "before")]


def test_a_report_that_is_not_there_is_refused(desk: Report) -> None:
    told = desk("reconcile", str(desk.folder / "none.csv"))

    assert told.exit_code == 2
    assert "No such file" in told.stderr


def test_a_spreadsheet_computes_with_nothing_of_the_differences(desk: Report) -> None:
    outcome = desk.reconcile([*desk.rows, desk.rows[0] | {"reference": "=1+1"}])

    assert outcome.differences[0]["reference"] == "'=1+1"


def test_a_person_is_shown_the_difference_and_the_verdict(desk: Report) -> None:
    report = desk.folder / "report.csv"
    report.write_text(text_of(desk.rows[1:]))

    told = desk("reconcile", str(report))

    assert told.exit_code == 1
    assert "unknown there" in told.stdout
    assert told.stdout.splitlines()[0] == "1 difference"


@pytest.mark.parametrize(
    ("text", "is_"),
    [
        ("10", "10"), ("010.500", "10.5"), ("0.0", "0"), ("0", "0"), ("00", "0"), ("12.0000", "12"), ("0.10", "0.1"),
        ("100", "100"), ("-1", None), ("", None), (".5", None), ("5.", None), ("1_0", None),
        ("\N{ARABIC-INDIC DIGIT ONE}", None),
        ("1" * 33, None), ("9" * 32, "9" * 32),
        ("1e3", "1000"), ("1.0E7", "10000000"), ("1.5e2", "150"), ("1e-7", "0.0000001"), ("1e+21", f"1{'0' * 21}"),
        ("0e5", "0"), ("0e99", "0"), ("-0.0", "0"), ("-0e5", "0"), ("1.50E+02", "150"), ("123456e-2", "1234.56"),
        ("1e32", None), ("1e-33", None), ("1e999999999", None), ("-1e3", None), ("1e", None), ("e5", None),
        ("1e1.5", None), ("--0", None), ("+1", None), ("NaN", None), ("Infinity", None), (" 1", None), ("0x10", None),
    ],
)  # fmt: skip
def test_an_amount_has_one_way_to_be_written(text: str, is_: str | None) -> None:
    assert canonical(text) == is_


# --- What is not read ---------------------------------------------------------------------------------

BY_NAME = ("reference", "callback", "userId", "amount", "gameName")  # a name is not compared, and may hold anything


def named(rows: Iterable[Row], names: Mapping[int, str] | None = None) -> list[str]:
    """Lines of a report with names of games, of which those given are as they are, quotes and all."""
    names = names or {}
    lines = [",".join(BY_NAME)]
    for number, row in enumerate(rows):
        cells = (row["reference"], row["callback"], row["userId"], row["amount"], names.get(number, "Book of Ra"))
        lines.append(",".join(cells))
    return lines


def text_from(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def test_an_open_quote_is_refused_with_its_line_and_hides_no_rows(desk: Report) -> None:
    text = text_of(desk.rows).rstrip()
    hidden = "owed-1,result,,421,USD,1000000,,,,,0\nowed-2,result,,421,USD,5,,,,,0\n"

    outcome = desk.reconcile_text(f'{text},"Book of Ra\n{hidden}')

    assert "report.csv is not CSV in line 7: a quote is opened and not closed" in outcome.refusal


def test_a_quote_too_many_or_too_few_is_refused_with_the_line_of_its_row(desk: Report) -> None:
    rows = desk.rows
    wrong: dict[str, tuple[dict[int, str], int]] = {
        "in the first row": ({0: '"Book of Ra'}, 2),
        "in the last row": ({5: '"Book of Ra'}, 7),
        "alone": ({5: '"'}, 7),
        "closed in a later row, as if all between were one name": ({1: '"Book of Ra', 4: 'Book of Ra"'}, 3),
        "closed in the next row": ({1: '"Book of Ra', 2: 'Book of Ra"'}, 3),
        "closed by the quote that opens a later name": ({1: '"Book of Ra', 4: '"Book of Ra"'}, 3),
        "twice open": ({1: '"Book of Ra', 3: '"Book of Ra'}, 3),
        "doubled later on": ({1: '"Book of Ra', 3: '""'}, 3),
        "in a name without quotes": ({2: '5" Gold'}, 4),
        "at the end of a name": ({2: 'Book of Ra"'}, 4),
        "two in a name without quotes": ({2: 'Book "of" Ra'}, 4),
        "closed early": ({2: '"Book" of Ra'}, 4),
        "after a space": ({2: ' "Book of Ra"'}, 4),
        "not doubled": ({2: '"Book "of" Ra"'}, 4),
    }

    for what, (names, line) in wrong.items():
        outcome = desk.reconcile_text(text_from(named(rows, names)))
        assert f"is not CSV in line {line}: " in outcome.refusal, what


@pytest.mark.parametrize("column", range(len(COLUMNS)))
def test_an_open_quote_is_refused_in_any_column(tmp_path: Path, column: int) -> None:
    cells = ["r-1", "result", "t-1", "421", "USD", "1", "r", "g", "", "", "0"]
    opened = [f'"{cell}' if place == column else cell for place, cell in enumerate(cells)]
    report = tmp_path / "report.csv"
    report.write_text(text_from(",".join(row) for row in (COLUMNS, opened, cells, cells)))

    with pytest.raises(Trouble, match="line 2: a quote is opened and not closed"):
        copy_report(report, tmp_path / "rows", Reading.of(None, None), lambda _: None)


def test_an_open_quote_in_the_headings_is_refused(desk: Report) -> None:
    lines = named(desk.rows)

    assert "line 1: a quote is opened" in desk.reconcile_text(text_from([f'{lines[0]},"x', *lines[1:]])).refusal
    swallowed = [f'{lines[0]},"x', f'{lines[1]},x"', *(f"{line},x" for line in lines[2:])]
    assert "line 1: a quoted cell goes on" in desk.reconcile_text(text_from(swallowed)).refusal
    assert "line 1: a quote is in" in desk.reconcile_text(text_from([f'{lines[0]}"x"', *lines[1:]])).refusal


def test_an_open_quote_in_a_row_that_is_cut_off_is_refused(desk: Report) -> None:
    headings, *lines = named(desk.rows)
    lines = [f"{line},1482429190374" for line in lines]
    lines[1:3] = [lines[1].replace("Book of Ra,1482429190374", '"Book'), lines[2].replace("Book of Ra", 'Ra"')]

    refusal = desk.reconcile_text(text_from([f"{headings},timestamp", *lines])).refusal

    assert "is not CSV in line 3: a quoted cell goes on over several lines" in refusal


def test_a_name_in_quotes_may_hold_anything(desk: Report) -> None:
    names = {0: '"Book, of Ra"', 1: '"Book ""of"" Ra"', 2: '"Book\nof\r\nRa"', 3: '""', 4: '","', 5: '"two,\nlines"'}
    lines = named(desk.rows, names)

    assert desk.reconcile_text(text_from(lines)).status == 0
    # A row after a name of several lines still has its own line.
    lines[5] = lines[5].replace("421", "422")
    assert desk.reconcile_text(text_from(lines)).found == [("different player", "8", desk.rows[4]["reference"])]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_rows_with_other_delimiters_are_not_hidden_in_a_cell(desk: Report, delimiter: str) -> None:
    lines = named(desk.rows)
    hidden = delimiter.join(("owed-1", "result", "421", "1000000", "Book"))
    lines[2] = lines[2].replace("Book of Ra", f'"Book\n{hidden}"')

    assert "is not CSV in line 3: a quoted cell goes on" in desk.reconcile_text(text_from(lines)).refusal


def test_the_verdict_names_rows_of_several_lines(desk: Report) -> None:
    one = text_from(named(desk.rows, {4: '"Book\nof\r\nRa"'}))
    two = text_from(named(desk.rows, {0: '"two\rlines"', 4: '"Book\nof\nRa"'}))
    told = "not compared: currency (no such column), transactionId (no such column). Not read: gameName"

    assert verdict(desk, one) == f"All matched; 1 row spans lines 6-8; {told}"
    assert verdict(desk, two) == f"All matched; 1 row spans lines 2-3 and 1 other row several; {told}"
    assert desk.reconcile_text(two).account["rowsOfSeveralLines"] == 2


def test_a_row_with_more_or_fewer_cells_than_headings_is_named_and_not_believed(desk: Report) -> None:
    headings = "reference,callback,userId,gameName,bet,amount"
    rows = [f"{row['reference']},{row['callback']},421,Book of Ra,1.50,{row['amount']}" for row in desk.rows]
    reference = desk.rows[2]["reference"]
    shifted = {
        # The amount would be the bet's, were the row believed.
        f"{reference},result,421,Book, of Ra,{desk.rows[2]['amount']},0": 7,
        f"{rows[2]},": 7,
        f"{rows[2]},,": 8,
        rows[2].replace(",421", ""): 5,
        reference: 1,
        "#timepoint = 1482429190374": 1,
        "; ".join(rows[2].split(",")): 1,
    }

    for row, cells in shifted.items():
        outcome = desk.reconcile_text(text_from([headings, *rows[:2], row, *rows[3:]]))
        (named_,) = [each for each in outcome.differences if each["kind"] == "unreadable"]
        assert outcome.status == 1
        assert named_["line"] == "4"
        assert named_["note"] == f"{cells} cell{'s' * (cells != 1)} where the headings have 6"
        assert named_["reference"] == plain(row.split(",")[0])
        assert outcome.account["matched"] == 5
        # Nothing shows that the row was of this credit.
        assert ("unknown there", "", reference) in outcome.found


def test_a_person_is_shown_the_line_and_why_it_was_not_read(desk: Report) -> None:
    report = desk.folder / "report.csv"
    report.write_text("reference,callback,userId,gameName,bet,amount\nrec-1,result,423,Book, of Ra,1.50,0\n")

    told = desk("reconcile", str(report))

    assert told.exit_code == 1
    assert "1 row, line 2: unreadable: 7 cells where the headings have 6" in told.stdout
    assert "All matched" not in told.stdout


def test_two_columns_of_one_name_are_refused(desk: Report) -> None:
    doubled = {
        "amount": "'amount' (column 4) and 'amount' (column 6)",
        "Amount": "'amount' (column 4) and 'Amount' (column 6)",
        " amount ": "'amount' (column 4) and ' amount ' (column 6)",
        '"AMOUNT"': "'amount' (column 4) and 'AMOUNT' (column 6)",
        "user ID": "'userId' (column 3) and 'user ID' (column 6)",
        "reference": "'reference' (column 1) and 'reference' (column 6)",
        "roundid": "'roundId' (column 5) and 'roundid' (column 6)",
    }

    for heading, says in doubled.items():
        lines = [f"reference,callback,userId,amount,roundId,{heading}"]
        lines += [f"{row['reference']},{row['callback']},421,{row['amount']},r,9" for row in desk.rows]
        refusal = desk.reconcile_text(text_from(lines)).refusal
        assert "more than once" in refusal, heading
        assert says in refusal, heading


def renamed(rows: Iterable[Row], heading: str, to: str) -> str:
    headings, _, lines = text_of(rows).partition("\n")
    return f"{headings.replace(heading, to, 1)}\n{lines}"


@pytest.mark.parametrize(
    ("heading", "misspelt"),
    [
        ("currency", "curency"),
        ("currency", "currencys"),
        ("currency", "Currnecy"),
        ("transactionId", "transaction"),
        ("transactionId", "Transacton-ID"),
        ("timestamp", "timestmp"),
    ],
)
def test_a_misspelt_heading_is_refused_and_its_name_is_said(desk: Report, heading: str, misspelt: str) -> None:
    text = renamed(desk.rows, heading, misspelt)

    assert f"--columns {heading}={misspelt}" in desk.reconcile_text(text).refusal
    assert desk.reconcile_text(text, "--columns", f"{heading}={misspelt}").status == 0
    another = desk.reconcile_text(text, "--columns", f"{heading}=")
    assert (another.status, another.account["notRead"]) == (0, [misspelt])


def test_a_misspelt_callback_is_refused_though_the_option_names_one(desk: Report) -> None:
    rows = [row | {"callback": "jackpot"} for row in desk.rows]

    refusal = desk.reconcile_text(renamed(rows, "callback", "calback"), "--callback", "result").refusal

    assert "say --columns callback=calback. If not, rename it" in refusal


@pytest.mark.parametrize("heading", ["user_id", "User-ID", "user.id", " USER ID "])
def test_headings_are_read_however_their_words_are_parted(desk: Report, heading: str) -> None:
    assert desk.reconcile_text(renamed(desk.rows, "userId", heading)).account["notRead"] == []


def test_a_heading_with_a_comma_can_be_named(desk: Report) -> None:
    text = renamed(desk.rows, "amount", '"Win, ""gross"""')

    assert desk.reconcile_text(text, "--columns", '"amount=Win, ""gross""",currency=currency').status == 0


def test_what_is_read_under_another_heading_is_compared(desk: Report) -> None:
    rows = [row | {"transactionId": "deadbeef"} for row in desk.rows]

    outcome = desk.reconcile_text(renamed(rows, "transactionId", "transaction_id"))

    assert {kind for kind, _, _ in outcome.found} == {"different transaction"}


def verdict(desk: Report, text: str) -> str:
    report = desk.folder / "report.csv"
    report.write_bytes(text.encode())
    return desk("reconcile", str(report)).stdout.splitlines()[0]


def test_the_verdict_says_what_was_not_compared_and_not_read(desk: Report) -> None:
    rows = [row | {"money": "EUR", "note": "\x1b[2J"} for row in desk.rows]
    columns = [column for column in COLUMNS if column != "currency"]
    lacking = text_of(rows, [*columns, "money", "note"])
    empty = text_of([row | {"currency": ""} for row in desk.rows])
    many = text_of(desk.rows, [*COLUMNS, *(f"other-{number}" for number in range(12))])

    assert verdict(desk, text_of(desk.rows)) == "All matched"
    assert verdict(desk, lacking) == "All matched; not compared: currency (no such column). Not read: money, note"
    assert verdict(desk, empty) == "All matched; not compared: currency (empty in every row)"
    assert verdict(desk, many).endswith("other-9, 2 more")
    account = desk.reconcile_text(lacking).account
    assert (account["notCompared"], account["notRead"]) == (["currency"], ["money", "note"])
    outcome = desk.reconcile_text(text_of(with_row(rows, 1, amount="1"), columns))
    assert (outcome.status, outcome.account["notCompared"]) == (1, ["currency"])


def test_two_columns_that_are_not_used_may_have_one_name_or_none(desk: Report) -> None:
    rows = [f"{row['reference']},{row['callback']},421,{row['amount']},1,2,," for row in desk.rows]

    assert desk.reconcile_text(text_from(["reference,callback,userId,amount,note,note,,", *rows])).status == 0


def test_a_heading_that_is_named_must_be_there_once(desk: Report) -> None:
    text = text_of(desk.rows)

    assert "no column Tx" in desk.reconcile_text(text, "--columns", "transactionId=Tx").refusal
    assert "names amount twice" in desk.reconcile_text(text, "--columns", "amount=Win,amount=Bet").refusal


# --- The provider's feed ----------------------------------------------------------------------------


def test_the_providers_feed_is_read_and_its_time_point_is_said(desk: Report) -> None:
    text = text_of(desk.rows)
    firsts = (
        "#timepoint = 1482429190374",
        "#timepoint=1482429190374",
        "# timePoint: 1482429190374",
        "timepoint=1482429190374",
        "#timepoint = 1482429190374,,,,,,,,,,",
        '"#timepoint = 1482429190374"',
        "\ufeff#timepoint = 1482429190374",
        "\n#timepoint = 1482429190374\n",
    )

    for first in firsts:
        outcome = desk.reconcile_text(f"{first}\n{text}")
        assert outcome.status == 0, first
        assert (outcome.account["matched"], outcome.account["nextTimepoint"]) == (6, 1482429190374), first
    assert desk.reconcile_text(text).account["nextTimepoint"] is None


def test_lines_below_a_time_point_have_their_own_numbers(desk: Report) -> None:
    rows = with_row(desk.rows, 1, amount="none")

    outcome = desk.reconcile_text(f"#timepoint = 1\r\n{text_of(rows)}")

    assert outcome.found == [("unreadable", "4", rows[1]["reference"])]


def test_a_feeds_type_is_its_callback(desk: Report) -> None:
    by_type = text_of(desk.rows).replace("callback", "type", 1)

    assert desk.reconcile_text(f"#timepoint = 1482429190374\n{by_type}").status == 0
    # A callback that is named is what counts.
    rows = [row | {"type": "slot"} for row in desk.rows]
    assert desk.reconcile_text(text_of(rows, [*COLUMNS, "type"])).status == 0
    assert desk.reconcile_text(by_type, "--columns", "callback=callback").status == 2
    results = [row | {"type": "slot"} for row in desk.rows if row["callback"] == "result"]
    text = text_of(results, [column for column in (*COLUMNS, "type") if column != "callback"])
    assert desk.reconcile_text(text, "--callback", "result").account["matched"] == 5


def test_a_feeds_type_that_contradicts_the_option_is_named(desk: Report) -> None:
    results = [row | {"type": "Result"} for row in desk.rows if row["callback"] == "result"]
    columns = [column for column in (*COLUMNS, "type") if column != "callback"]

    same = desk.reconcile_text(text_of(results, columns), "--callback", "result")
    outcome = desk.reconcile_text(text_of(with_row(results, 1, type="JackpotWin"), columns), "--callback", "result")
    all_of_them = desk.reconcile_text(
        text_of([row | {"type": "jackpot"} for row in results], columns), "--callback", "result"
    )

    assert same.account["matched"] == 5
    (bad,) = [each for each in outcome.differences if each["kind"] == "unreadable"]
    assert (bad["line"], bad["note"]) == ("3", "type is 'JackpotWin', and --callback says result")
    # Of which credit the row is, is not known: the ledger's is not in the report.
    assert ("unknown there", "", results[1]["reference"]) in outcome.found
    assert (all_of_them.status, all_of_them.account["matched"]) == (1, 0)


def test_a_person_is_told_where_the_feed_goes_on(desk: Report) -> None:
    report = desk.folder / "report.csv"
    for timepoint, says in (
        ("1482429190374", "1482429190374 (2016-12-22 17:53:10Z): its"),
        ("9" * 20, f"{'9' * 20}: its"),
        ("1482429190", "1482429190: its"),
        ("0", "0: its"),
    ):
        report.write_text(f"#timepoint = {timepoint}\n{text_of(desk.rows)}")

        told = desk("reconcile", str(report))

        assert told.exit_code == 0
        assert f"The feed goes on at time point {says}" in told.stdout


def test_another_first_line_is_not_taken_for_a_time_point(desk: Report) -> None:
    for first in ("#timepoint = soon", "#timepoint = -1", "#timepoint", f"#timepoint = {'9' * 21}"):
        assert "has no column reference" in desk.reconcile_text(f"{first}\n{text_of(desk.rows)}").refusal, first


def test_two_portions_of_a_feed_in_one_file_are_named_where_they_meet(desk: Report) -> None:
    portion = f"#timepoint = 1482429190374\n{text_of(desk.rows)}"

    outcome = desk.reconcile_text(portion + portion.replace("ref-", "other-"))

    assert outcome.status == 1
    assert [each["line"] for each in outcome.differences if each["kind"] == "unreadable"] == ["9"]
    # Which of the two is the later is not known.
    assert outcome.account["nextTimepoint"] is None
    filled = f"#timepoint = 1482429190374,,,,,,,,,,\n{text_of(desk.rows)}"
    assert desk.reconcile_text(portion + filled).account["nextTimepoint"] is None


def test_a_portion_without_rows_is_compared_and_its_time_point_is_said(desk: Report) -> None:
    empty = f"#timepoint = 1482429190374\n{text_of([])}"
    report = desk.folder / "empty.csv"
    report.write_text(empty)

    outcome = desk.reconcile_text(empty, "--since", "2100-01-01")
    told = desk("reconcile", str(report), "--since", "2100-01-01")

    assert (outcome.status, outcome.account["rows"], outcome.account["nextTimepoint"]) == (0, 0, 1482429190374)
    assert (told.exit_code, told.stdout.splitlines()[0]) == (0, "All matched")
    assert "The feed goes on at time point 1482429190374" in told.stdout
    # What the ledger has is unknown there, as with any other report.
    assert [kind for kind, _, _ in desk.reconcile_text(empty).found] == ["unknown there"] * 6


# --- Identities -------------------------------------------------------------------------------------


def test_references_are_compared_to_the_last_space(desk: Report) -> None:
    references = [" sp", "sp", "sp ", "1e3", "1000", "007", "7", "7.0", "#ref", "=1+1", "SP"]
    for reference in references:
        win(desk.operator, reference, amount="0.25")

    assert desk.reconcile(desk.rows).account["matched"] == 6 + len(references)

    trimmed = [row | {"reference": row["reference"].strip()} for row in desk.rows]
    outcome = desk.reconcile(trimmed)
    assert outcome.status == 1
    assert sorted(kind for kind, _, _ in outcome.found) == [
        *("different transaction", "doubled", "doubled", "unknown there", "unknown there")
    ]


def test_players_are_compared_to_the_last_space(desk: Report) -> None:
    rows = with_row(desk.rows, 1, userId="421 ")

    assert desk.reconcile(rows).found == [("different player", "3", rows[1]["reference"])]


def test_spaces_at_the_ends_can_be_seen_and_are_named(desk: Report) -> None:
    report = desk.folder / "report.csv"
    rows = [row for row in desk.rows if row["reference"] != "ref-1"]
    lost = next(row for row in desk.rows if row["reference"] == "ref-1")
    rows[0] = rows[0] | {"userId": "421 "}
    report.write_text(text_of([*rows, lost | {"reference": " ref-1\u00a0"}]))

    outcome = desk.reconcile_file(report)
    shown = desk("reconcile", str(report)).stdout

    assert {each["kind"]: each["note"] for each in outcome.differences} == {
        "different player": "differs only by spaces at its ends",
        "missing here": "differs only by spaces at its ends from a reference of the ledger",
        "unknown there": "differs only by spaces at its ends from the row of line 7",
    }
    assert "'421 '" in shown
    assert "' ref-1\\xa0'" in shown
    assert [each["there"] for each in outcome.differences if each["kind"] == "different player"] == ["421 "]


def test_amounts_may_be_written_with_an_exponent(desk: Report) -> None:
    place = {row["reference"]: number for number, row in enumerate(desk.rows)}

    assert desk.reconcile(with_row(desk.rows, place["ref-0"], amount="1.05E1")).status == 0
    # What a spreadsheet has rounded is another number.
    assert desk.reconcile(with_row(desk.rows, place["ref-0"], amount="1.1E+01")).found == [
        ("different amount", str(place["ref-0"] + 2), "ref-0")
    ]


# --- Files and pipes --------------------------------------------------------------------------------


def test_a_report_is_read_whatever_ends_its_lines(desk: Report) -> None:
    text = text_of(desk.rows).replace("\r\n", "\n")
    forms = {
        "CRLF": text.replace("\n", "\r\n"),
        "CR": text.replace("\n", "\r"),
        "no end of the last line": text[:-1],
        "blank lines": text.replace("\n", "\n\n  \n"),
        "blank lines before": f"\n \r\n{text}",
        "rows of nothing, as spreadsheets write them": f"{text}{',' * 10}\n,,\n",
        "a byte order mark": f"\ufeff{text}",
    }

    for form, content in forms.items():
        assert desk.reconcile_text(content).status == 0, form


def test_a_return_inside_a_row_is_named(desk: Report) -> None:
    outcome = desk.reconcile_text(text_from(named(desk.rows, {1: "Book\rof Ra", 2: "5"})))

    assert [(kind, line) for kind, line, _ in outcome.found] == [("unreadable", "4")]


def test_what_is_not_a_text_in_utf_8_is_refused_with_its_line(desk: Report) -> None:
    text = text_of(desk.rows)
    wrong = {
        "UTF-16 of Windows": (text.encode("utf-16-le"), 1),
        "UTF-32": (text.encode("utf-32"), 1),
        "a NUL": (
            text.replace("ref-1", "ref\0-1").encode(),
            2 + [row["reference"] for row in desk.rows].index("ref-1"),
        ),
        "zip": (b"PK\x03\x04" + bytes(100), 1),
        "xz": (lzma.compress(text.encode()), 1),
        "bzip2": (bz2.compress(text.encode()), 1),
    }

    for what, (content, line) in wrong.items():
        refusal = desk.reconcile_bytes(content).refusal
        assert "is not UTF-8: save it as CSV UTF-8, or unpack it" in refusal, what
        assert refusal.endswith(f"See line {line}"), what


def test_a_damaged_archive_is_refused_in_one_line(desk: Report) -> None:
    whole = gzip.compress(text_of(desk.rows * 50).encode())
    middle = len(whole) // 2
    flipped = bytearray(whole)
    for place in range(middle, middle + 3):
        flipped[place] ^= 0xFF
    damaged = {
        "three bytes flipped in the middle": bytes(flipped),
        "cut off": whole[:middle],
        "cut off in its check sum": whole[:-5],
        "a wrong check sum": whole[:-8] + bytes(4) + whole[-4:],
        "something behind it": whole + b"more",
        "the mark alone": whole[:2],
        "another method": whole[:2] + b"\x09" + whole[3:],
    }

    for what, content in damaged.items():
        assert "report.csv cannot be read: the archive is damaged" in desk.reconcile_bytes(content).refusal, what


def test_an_archive_is_known_by_its_first_bytes_and_not_by_its_name(desk: Report) -> None:
    text = text_of(desk.rows).encode()
    half = len(text) // 2
    by_name = desk.folder / "report.csv.gz"
    by_name.write_bytes(text)

    assert desk.reconcile_file(by_name).status == 0
    assert desk.reconcile_bytes(gzip.compress(text[:half]) + gzip.compress(text[half:])).status == 0
    by_name.write_bytes(b"")
    assert "is empty" in desk.reconcile_file(by_name).refusal


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_pipe_is_read_as_the_file_is(desk: Report, pack: Callable[[bytes], bytes]) -> None:
    readable, writable = os.pipe()
    with open(readable, "rb"), open(writable, "wb") as written:
        written.write(pack(text_of(desk.rows).encode()))
        written.close()

        assert desk.reconcile_file(f"/dev/fd/{readable}").account["matched"] == 6


def test_what_cannot_be_opened_is_refused_in_one_line(desk: Report) -> None:
    (desk.folder / "folder.csv").mkdir()
    (desk.folder / "loop.csv").symlink_to("loop.csv")
    wrong = {
        "folder.csv": "Is a directory",
        "none.csv": "No such file",
        "none/none.csv": "No such file",
        "loop.csv": "Too many levels of symbolic links",
        "x" * 300: "File name too long",
    }

    for name, says in wrong.items():
        assert f"cannot be read: {says}" in desk.reconcile_file(desk.folder / name).refusal, name
    assert "File name too long" in desk.reconcile(desk.rows, "--csv", "x" * 300).refusal


def test_what_has_no_rows_of_a_report_is_refused_in_one_line(desk: Report) -> None:
    for content in (
        b"\n\n \n",
        b"\xef\xbb\xbf",
        b"#timepoint = 1482429190374\n",
        b'{"reference": "ref-1", "callback": "result"}\n',
        b"reference callback userId amount\n",
        b"reference,callback,userId,amount\n" + b"x" * ((1 << 20) + 1),
        b"reference,callback,userId,amount\n,,,\n",
        b'"' * 99,
        b",\n" * 99,
    ):
        assert desk.reconcile_bytes(content).refusal


def test_a_full_disk_is_said_in_one_line(desk: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(command, "copy_ledger", full)
    assert "cannot be written: No space left on device; TMPDIR" in desk.reconcile(desk.rows).refusal
    monkeypatch.setattr(command.tempfile, "TemporaryDirectory", full)
    assert "no temporary folder can be made: No space left" in desk.reconcile(desk.rows).refusal


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
        assert compared.stdout.splitlines()[0] == "All matched"
        assert runner.invoke(app, ["verify", "--all", *at]).exit_code == 0

        lines = report.read_text().splitlines(keepends=True)
        report.write_text("".join(lines[:5] + lines[6:]))
        again = runner.invoke(app, ["reconcile", str(report), *at])
        assert again.exit_code == 1
        assert lines[5].partition(",")[0] in again.output

"""Reports as finance departments have them: read rightly, asked about, or named by line; none is believed wrongly.

The forms are those of public reports of payment and game providers, banks and spreadsheets; their rows are invented.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from tools.shared.spoken import zone_named
from tools.shared.trouble import Trouble
from tools.walletctl.reconcile import show
from tools.walletctl.reconcile.comparison import Comparison
from tools.walletctl.reconcile.dates import DateEvidence, Dates, order_of
from tools.walletctl.reconcile.decimals import Decimals
from tools.walletctl.reconcile.reading import Reading
from tools.walletctl.reconcile.report import Read, copy_report

HEADINGS = "reference,callback,userId,currency,amount,timestamp"


@dataclass(frozen=True)
class Found:
    read: Read
    items: list[dict[str, Any]]

    @property
    def rows(self) -> list[tuple[str, str, str, str]]:
        """Reference, amount, currency and day of each row that is believed."""
        return [
            (item["reference"], item["amount"], item["currency"] or item.get("sign", ""), item["day"])
            for item in self.items
            if "fault" not in item
        ]

    @property
    def faults(self) -> dict[int, str]:
        return {item["line"]: item["fault"] for item in self.items if "fault" in item}


class Desk:
    """Reads reports, and compares them with ledgers, without a service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, report: str | bytes, columns: str | None = None, callback: str | None = None, **how: Any) -> Found:
        path, to = self.folder / "report.csv", self.folder / "report.json"
        path.write_bytes(report if isinstance(report, bytes) else report.encode())
        read = copy_report(path, to, Reading.of(columns, callback, **how), lambda _: None)
        return Found(read, [json.loads(line) for line in to.read_text().splitlines()])

    def refusal(self, report: str | bytes, *given: str, **how: Any) -> str:
        with pytest.raises(Trouble) as caught:
            self.read(report, *given, **how)
        told = str(caught.value)
        assert told.isprintable()
        return told

    def amounts(self, *amounts: str, **how: Any) -> Found:
        """A report with a row for each amount, in quotes; a win each."""
        lines = [f'ref-{number};result;421;"{amount}"' for number, amount in enumerate(amounts)]
        return self.read("\n".join(["reference;callback;userId;amount", *lines]), **how)

    def dates(self, *dates: str, **how: Any) -> list[str]:
        """The days of a report's rows."""
        lines = [f'ref-{number},result,421,1,"{date}"' for number, date in enumerate(dates)]
        found = self.read("\n".join(["reference,callback,userId,amount,timestamp", *lines]), **how)
        return [item["day"] for item in found.items]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# --- Whole reports ----------------------------------------------------------------------------------

NAMED = "reference=Ref,callback=Type,userId=Player,currency=Currency,amount=Amount,timestamp=Date"
FORMS: dict[str, tuple[str | bytes, dict[str, Any], list[tuple[str, str, str, str]], str]] = {
    "a game provider's export, with a title and a total": (
        "Transactions report\nPeriod,2026-11-28 - 2026-11-28\nPrinted by,anna\n\n"
        "Ref,Type,Player,Currency,Amount,Date\nr1,Result,421,EUR,\"1,234.50\",2026-11-28 14:05:03\n"
        'r2,JackpotWin,422,EUR,0.20,2026-11-28 14:06:00\nTotal,,,EUR,"1,234.70",\n',
        {},
        [("r1", "1234.5", "EUR", "2026-11-28"), ("r2", "0.2", "EUR", "2026-11-28")],
        "headings in line 5, decimal point, amounts such as 1,234.50, a total in line 8",
    ),
    "a German spreadsheet": (
        "Ref;Type;Player;Currency;Amount;Date\nr1;Result;421;EUR;1.234,50;28.11.2026 14:05\n"
        "r2;Result;422;EUR;1.234;28.11.2026 00:30\nSumme;;;;2.468,50;\n",
        {"time_zone": "Europe/Berlin"},
        [("r1", "1234.5", "EUR", "2026-11-28"), ("r2", "1234", "EUR", "2026-11-28")],
        "semicolons, decimal comma, amounts such as 1.234,50, dates 28.11.2026 (Europe/Berlin), a total in line 4",
    ),
    "a bank's, every cell in quotes, in Windows-1252": (
        '"Umsätze vom 28.11.2026"\n"Ref";"Type";"Player";"Currency";"Amount";"Date";"Spiel"\n'
        '"r1";"Result";"421";"€";"12,50 €";"28.11.26";"Glücksrad"\n'.encode("cp1252"),
        {},
        [("r1", "12.5", "EUR", "2026-11-28")],
        "not UTF-8 (line 1), headings in line 2, semicolons, decimal comma, dates 28.11.2026 (UTC)",
    ),
    "a French spreadsheet": (
        "Ref;Type;Player;Currency;Amount;Date\nr1;Result;421;EUR;1\u202f234,50;28/11/2026 14:05\n"
        "r2;Result;421;EUR;1\u00a0234,00;05/11/2026 14:05\n",
        {},
        [("r1", "1234.5", "EUR", "2026-11-28"), ("r2", "1234", "EUR", "2026-11-05")],
        "semicolons, decimal comma, amounts such as 1 234,50, dates 28/11/2026 (UTC)",
    ),
    "a Swiss spreadsheet": (
        "sep=;\nRef;Type;Player;Currency;Amount;Date\nr1;Result;421;CHF;1'234.50;28.11.2026 14:05\n"
        "r2;Result;421;;CHF 1\u2019234\u2019567.00;28.11.2026\n",
        {},
        [("r1", "1234.5", "CHF", "2026-11-28"), ("r2", "1234567", "CHF", "2026-11-28")],
        "semicolons, decimal point, amounts such as 1'234.50, dates 28.11.2026 (UTC)",
    ),
    "an American spreadsheet": (
        'Ref,Type,Player,Currency,Amount,Date\nr1,Result,421,USD,"$1,234.50",11/28/2026 2:05 PM\n'
        "r2,Result,421,USD,$0.50,1/9/2026 12:00:00 AM\n",
        {},
        [("r1", "1234.5", "USD", "2026-11-28"), ("r2", "0.5", "USD", "2026-01-09")],
        'decimal point, amounts such as $1,234.50, dates 11/28/2026 (UTC)',
    ),
    "an Indian spreadsheet": (
        'Ref,Type,Player,Currency,Amount,Date\nr1,Result,421,INR,"1,23,456.00",28-11-2026 14:05\n'
        'r2,Result,421,INR,"₹12,34,567",28-Nov-2026\n',
        {},
        [("r1", "123456", "INR", "2026-11-28"), ("r2", "1234567", "INR", "2026-11-28")],
        "decimal point, amounts such as 1,23,456.00, dates 28-11-2026 (UTC)",
    ),
    "a Swedish spreadsheet": (
        "Ref\tType\tPlayer\tCurrency\tAmount\tDate\nr1\tResult\t421\tSEK\t1 234,50 kr\t2026-11-28 14.05\n",
        {},
        [("r1", "1234.5", "SEK", "2026-11-28")],
        "tabs, decimal comma, amounts such as 1 234,50 kr",
    ),
    "a Turkish spreadsheet": (
        "Ref;Type;Player;Currency;Amount;Date\nr1;Result;421;TRY;₺1.234.567,00;28.11.2026 14:05:03\n"
        "TOPLAM;;;;₺1.234.567,00;\n",
        {},
        [("r1", "1234567", "TRY", "2026-11-28")],
        "semicolons, decimal comma, amounts such as ₺1.234.567,00, dates 28.11.2026 (UTC), a total in line 3",
    ),
    "a spreadsheet's Unicode text": (
        "Ref\tType\tPlayer\tCurrency\tAmount\tDate\r\nr1\tResult\t421\tEUR\t12,50\t28.11.2026\r\n".encode("utf-16"),
        {},
        [("r1", "12.5", "EUR", "2026-11-28")],
        "tabs, decimal comma, dates 28.11.2026 (UTC)",
    ),
    "a payment provider's, with seconds since the epoch": (
        "Ref,Type,Player,Currency,Amount,Date\nr1,Result,421,eur,12.50,1795874703\n",
        {},
        [("r1", "12.5", "EUR", "2026-11-28")],
        "",
    ),
    "an acquirer's, with a zone in a heading and its times in it": (
        "Ref,Type,Player,Currency,Amount,Date,TimeZone\nr1,Result,421,EUR,12.50,2026-11-29 00:30:00,CET\n",
        {"time_zone": "Europe/Amsterdam"},
        [("r1", "12.5", "EUR", "2026-11-29")],
        "dates 2026-11-28 (Europe/Amsterdam)",
    ),
    "an accounting system's, with bets as debits": (
        "Ref|Type|Player|Currency|Amount|Date\nr1|Bet|421|EUR|5,00-|20261128\nr2|Result|421|EUR|12,50|20261128\n",
        {},
        [("r1", "5", "EUR", "2026-11-28"), ("r2", "12.5", "EUR", "2026-11-28")],
        "bars, decimal comma, bets below zero",
    ),
    "an account's history, with brackets for what is taken": (
        "Ref,Type,Player,Currency,Amount,Date\nr1,Bet,421,USD,($5.00),\"Nov 28, 2026 2:05:03 PM\"\n"
        "r2,Result,421,USD,$0.00,\"Nov 28, 2026 2:05:04 PM\"\n",
        {},
        [("r1", "5", "USD", "2026-11-28"), ("r2", "0", "USD", "2026-11-28")],
        "bets below zero, dates Nov 28, 2026 (UTC)",
    ),
    "a printed list, with headings on each page": (
        "Acme;;;;;\nRef;Type;Player;Currency;Amount;Date\nr1;Result;421;EUR;12,50;28 Nov 2026 14:05\n"
        "Page 1 of 2;;;;;\nAcme\n"
        "REF;Type;player;Currency;Amount;Date\nr2;Result;421;EUR;7,50;28 Nov 2026 14:06\n;;;;20,00;\n"
        "Page 2 of 2\n*** End of report ***\n",
        {},
        [("r1", "12.5", "EUR", "2026-11-28"), ("r2", "7.5", "EUR", "2026-11-28")],
        "headings in line 2, semicolons, decimal comma, dates 28 Nov 2026 (UTC), a total in line 8, "
        "5 lines of headings or footers left out",
    ),
    "an exchange's, with digits to the eighteenth": (
        "Ref,Type,Player,Currency,Amount,Date\nr1,Result,421,ETH,0.000000000000000001,2026-11-28T14:05:03.123Z\n"
        "r2,Result,421,BTC,0.001,2026-11-28T23:30:00-02:00\n",
        {},
        [("r1", "0.000000000000000001", "ETH", "2026-11-28"), ("r2", "0.001", "BTC", "2026-11-29")],
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_report_is_read_as_it_is_written(desk: Desk, form: str) -> None:
    report, how, rows, read_as = FORMS[form]

    found = desk.read(report, NAMED, **how)

    assert (found.rows, found.faults) == (rows, {})
    assert found.read.read_as == read_as


# --- Amounts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "text", "value"),
    [
        (".", "1,234.50", "1234.5"), (".", "1 234.50", "1234.5"), (".", "1'234.50", "1234.5"), (".", "1,234", "1234"),
        (".", "1.234", "1.234"), (".", "1,23,456.7", "123456.7"), (".", "12,34,567", "1234567"),
        (".", "0.001", "0.001"),
        (".", "1,234,567.89", "1234567.89"), (".", "+5.00", "5"), (".", "EUR 5.00", "5"), (".", "5.00EUR", "5"),
        (",", "1.234,50", "1234.5"), (",", "1.234", "1234"), (",", "1,234", "1.234"), (",", "0,001", "0.001"),
        (",", "1 234,5", "1234.5"), (",", "1.234.567", "1234567"), (",", "€1.234,50", "1234.5"), (",", "5", "5"),
        (",", "1,5E2", "150"), (",", "12.345.678.901,5", "12345678901.5"),
        *((".", text, None) for text in (
            "1,50", "1,2345", "12,34", "1.234,50", "1,234,56", "0,123", "01,234", "1234,567", "1,234 567", "1..2", ".5",
            "5.", "1.2.3", "--5", "-5-", "(5", "5)", "(-5)", "EUR 5 USD", "5 CR", "5%", "1\u20445", "1,234E3", "", "-",
            "five", "1_000", "\u0661", "1e33", "1" * 33,
        )),
        *((",", text, None) for text in ("1.50", "1.23,45", "1,234.50", "1,234,567", "0.123", "1'23,4", "1.23.456")),
    ],
)  # fmt: skip
def test_an_amount_is_read_with_its_decimal_mark_or_not_at_all(mark: Any, text: str, value: str | None) -> None:
    found = Decimals(mark).read(text)

    assert (found.value if found else None) == value


@pytest.mark.parametrize(
    ("amounts", "become"),
    [
        (("12,50", "1.234"), ("12.5", "1234")),
        (("12.50", "1.234", "1,234"), ("12.5", "1.234", "1234")),
        (("1.234.567", "1.234"), ("1234567", "1234")),
        (("1,234,567", "1.234"), ("1234567", "1.234")),
        (("0,001", "1.234"), ("0.001", "1234")),
        (("0.001", "1.234"), ("0.001", "1.234")),
        (("1234.567", "1.234"), ("1234.567", "1.234")),
        (("1 234,567", "1,234"), ("1234.567", "1.234")),
        (("0,00", "4.156"), ("0", "4156")),
        (("7", "1 234", "1'234"), ("7", "1234", "1234")),
    ],
)
def test_one_amount_that_can_be_read_in_one_way_explains_the_others(
    desk: Desk, amounts: tuple[str, ...], become: tuple[str, ...]
) -> None:
    found = desk.amounts(*amounts)

    assert tuple(amount for _, amount, _, _ in found.rows) == become


@pytest.mark.parametrize(
    "amounts", [("1.234",), ("1,234",), ("1.234", "5.678", "7"), ("1.234", "1,234"), ("EUR 1.234",), ("1.234", "x")]
)
def test_amounts_that_can_be_read_in_two_ways_are_asked_about(desk: Desk, amounts: tuple[str, ...]) -> None:
    refusal = desk.refusal(report_of(amounts))

    assert f"can be read in two ways: '{amounts[0]}' in line 2" in refusal
    assert "--decimal-point" in refusal
    assert "--decimal-comma" in refusal
    with_point, with_comma = (desk.amounts(*amounts, decimal_comma=said).rows[0][1] for said in (False, True))
    assert {with_point, with_comma} == {"1.234", "1234"}


def report_of(amounts: tuple[str, ...]) -> str:
    lines = [f'ref-{number};result;421;"{amount}"' for number, amount in enumerate(amounts)]
    return "\n".join(["reference;callback;userId;amount", *lines])


def test_a_slip_does_not_explain_all_other_amounts(desk: Desk) -> None:
    refusal = desk.refusal(report_of((*["1.234"] * 30, "5,0")))

    assert "'1.234' in line 2, and almost no amount is like '5,0'" in refusal
    assert len(desk.amounts(*["1.234"] * 30, "0.5").rows) == 31  # here all are written alike
    # Nor does a row that names no credit.
    assert "can be read in two ways" in desk.refusal(f"{report_of(('1.234',))}\nref-9;result;;5,0")


def test_amounts_that_contradict_each_other_are_named(desk: Desk) -> None:
    refusal = desk.refusal(report_of(("1.234,50", "1,234.50")))

    assert "contradicts itself" in refusal
    assert "line 2 has a decimal comma ('1.234,50')" in refusal
    assert "line 3 has a decimal point ('1,234.50')" in refusal
    # Where most have one mark, the others are named by line. What can be either is not believed.
    found = desk.amounts("12.50", "13.50", "1,5", "1.234", "7")
    assert [amount for _, amount, _, _ in found.rows] == ["12.5", "13.5", "7"]
    assert "'1,5' is not an amount with a decimal point" in found.faults[4]
    assert (
        "'1.234' can be either, as the report has decimal points and decimal commas: line 4 has '1,5'"
        in found.faults[5]
    )
    # What a person says is not doubted, and what contradicts it is named.
    assert [*desk.amounts("12.50", "1,5", decimal_comma=True).faults] == [2]


def test_the_providers_feed_has_decimal_points(desk: Desk) -> None:
    found = desk.read("#timepoint = 1482429190374\nreference,type,userId,amount\nr1,Result,421,1.234\n")

    assert [row[1] for row in found.rows] == ["1.234"]


@pytest.mark.parametrize("amount", ["-5,00", "5,00-", "(5,00)", "-€ 5,00", "€ -5,00", "\u22125,00"])
def test_an_amount_below_zero_is_a_stake_only_where_every_stake_is(desk: Desk, amount: str) -> None:
    headings = "reference;callback;userId;amount"
    bets = desk.read(f"{headings}\nr1;bet;421;{amount}\nr2;result;421;1,00\n")
    mixed = desk.read(f"{headings}\nr1;bet;421;{amount}\nr2;bet;421;1,00\n")
    win = desk.read(f"{headings}\nr1;result;421;{amount}\n")

    assert [row[1] for row in bets.rows] == ["5", "1"]
    assert [[*found.faults] for found in (mixed, win)] == [[2], [2]]
    assert "below zero" in mixed.faults[2]


@pytest.mark.parametrize(
    ("column", "amount", "currency"),
    [
        ("", "EUR 1.50", "EUR"), ("EUR", "€1.50", "EUR"), ("EUR", "1.50", "EUR"), ("€", "1.50", "EUR"),
        ("usd", "$1.50", "USD"), ("CAD", "$1.50", "CAD"), ("", "1.50 USDT", "USDT"), ("SEK", "1.50 kr", "SEK"),
        ("USD", "€1.50", None), ("USD", "EUR 1.50", None), ("EUR", "$1.50", None), ("USD", "1.50 kr", None),
    ],
)  # fmt: skip
def test_a_currency_beside_an_amount_is_read_and_contradicts_no_column(
    desk: Desk, column: str, amount: str, currency: str | None
) -> None:
    found = desk.read(f"reference,callback,userId,currency,amount\nr1,result,421,{column},{amount}\n")

    assert [row[2] for row in found.rows] == ([currency] if currency else [])
    assert [*found.faults] == ([] if currency else [2])


# --- Dates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-28", "2026-11-28 14:05", "2026-11-28T14:05:03Z", "2026-11-28 14:05:03.123", "20261128", "2026/11/28",
        "2026-11-28 14:05:03 UTC", "2026-11-28 14:05:03 +0100", "2026-11-28 2:05 PM", "2026.11.28", "1795874703",
        "1795874703000", "1795874703000000", "28/11/2026", "28/11/2026 14:05", "28/11/26", "28.11.2026 14:05:03",
        "28.11.2026, 14:05", "28.11.2026 14.05", "28-Nov-2026", "28-NOV-26", "28 Nov 2026 2:05 PM", "28 November 2026",
        "28. November 2026", "28 nov. 2026", "Nov 28, 2026", "November 28th, 2026", "Sat, 28 Nov 2026 14:05:03 +0000",
        "28/Nov/2026 14:05:03", "28-11-2026  14:05", "28 Nov 2026 12:05 a.m.", "28.11.2026 23:30 CET",
    ],
)  # fmt: skip
def test_a_common_date_is_read(desk: Desk, text: str) -> None:
    assert desk.dates(text) == ["2026-11-28"]


@pytest.mark.parametrize(
    "text",
    [
        "31/02/2026", "28/13/2026", "2026-13-01", "28 Foo 2026", "28.11", "14:05", "28/11-2026", "28/11/2026 25:00",
        "28/11/2026 13:05 PM", "28/11/2026 00:05 AM", "28.11.2026 14:05 IST", "44893", "44893.587", "28112026", "soon",
        "28/11/2026 14:05 x", "1.79587E+12", "1970-01-01", "9999-12-31T23:59:59Z", "28.11.1926",
    ],
)  # fmt: skip
def test_what_is_not_a_date_leaves_a_row_out_of_the_days_alone(desk: Desk, text: str) -> None:
    found = desk.read(f"{HEADINGS}\nr1,result,421,EUR,1.00,{text}\n")

    assert found.rows == [("r1", "1", "EUR", "")]
    assert found.read.undated == (2, text)


def test_one_date_that_can_be_read_in_one_way_explains_the_others(desk: Desk) -> None:
    assert desk.dates("05/11/2026", "28/11/2026") == ["2026-11-05", "2026-11-28"]
    assert desk.dates("05/11/2026", "11/28/2026") == ["2026-05-11", "2026-11-28"]
    assert desk.dates("05/11/2026 09:00", "5-13-2026") == ["2026-05-11", "2026-05-13"]
    assert desk.dates("05/05/2026") == ["2026-05-05"]  # the same day in either order
    assert desk.dates("05.11.2026") == ["2026-11-05"]  # where points are written, the day is first
    assert desk.dates("05.11.2026", "11.28.2026") == ["2026-05-11", "2026-11-28"]  # unless another date shows otherwise
    assert desk.dates("05.11.2026", "11/28/2026") == ["2026-11-05", "2026-11-28"]


@pytest.mark.parametrize("dates", [("05/11/2026",), ("05-11-2026 14:05", "06-11-2026 14:05"), ("1/2/26", "soon")])
def test_dates_that_can_be_read_in_two_ways_are_asked_about(desk: Desk, dates: tuple[str, ...]) -> None:
    with pytest.raises(Trouble, match=r"can be read in two ways: .* in line 2.*--dates DD/MM/YYYY or --dates MM/DD"):
        desk.dates(*dates)

    assert len({desk.dates(*dates, dates=said)[0] for said in ("DD/MM/YYYY", "mm-dd-yyyy")}) == 2


def test_dates_that_contradict_each_other_are_named(desk: Desk) -> None:
    with pytest.raises(Trouble, match=r"line 2 has the day first \('28/11/2026'\) and line 3 has the month first"):
        desk.dates("28/11/2026", "11/28/2026")

    with pytest.raises(Trouble, match="contradicts itself"):
        desk.dates("28.11.2026", "11.28.2026")

    assert desk.dates("28/11/2026", "11/28/2026", dates="MM/DD/YYYY") == ["", "2026-11-28"]


def test_a_short_year_may_be_first(desk: Desk) -> None:
    with pytest.raises(Trouble, match="begins with its day or with its year"):
        desk.dates("25/11/24")

    assert desk.dates("25/11/24", dates="YY/MM/DD") == ["2025-11-24"]
    assert desk.dates("25/11/24", dates="DD/MM/YY") == ["2024-11-25"]


def test_local_times_are_of_the_zone_that_is_named(desk: Desk) -> None:
    berlin = {"time_zone": "Europe/Berlin"}
    found = desk.read(f"{HEADINGS}\nr1,result,421,EUR,1.00,29.11.2026 00:30:00\n", **berlin)

    assert found.items[0]["moment"] == 1795908600000  # 23:30 in UTC
    assert found.rows[0][3] == "2026-11-29"
    # An hour that a zone has twice, and one that it skips.
    assert desk.dates("25.10.2026 02:30", "29.03.2026 02:30", **berlin) == ["2026-10-25", "2026-03-29"]
    assert desk.dates("2026-11-28T23:30:00Z", **berlin) == ["2026-11-29"]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"dates": "DD.MM"}, "--dates cannot be DD.MM: say DD/MM/YYYY"),
        ({"time_zone": "Berlin"}, "no time zone is called Berlin: do you mean Europe/Berlin?"),
        ({"time_zone": "../etc/passwd"}, "no time zone is called"),
        ({"time_zone": ""}, "no time zone is called"),
    ],
)
def test_an_option_that_says_nothing_is_refused(desk: Desk, how: Any, says: str) -> None:
    assert says in desk.refusal(f"{HEADINGS}\n", **how)


# --- Lines that are not rows ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "differs"),
    [
        ("Total,,,,30.00,", False), ("Grand Total:,,,EUR,30.00,", False), (",,,,30.00,", False), ("Sum,30.00", False),
        (",,Total EUR,,30.00,", False), ("-----,,,,-----,\nTotal,,,,30.00,", False), ("Total (2 rows),,,,,", False),
        ("Gesamt,,,,\"30.00 €\",", False), ("Total,,,,29.99,", True), (",,,,31,", True), ("Total,,,USD,30.00,", True),
        # One column beside, in one cell with its word, below zero.
        ("Total,,,30.00,,", False), ("Total,,,,,30.00 EUR", False), ("Total: 30.00,,,,,", False),
        ("Total,,,31.00,,", True), ("Total: EUR 31.00,,,,,", True), ("Total,,,,-30.00,", True),
        # No sums: a date, a count, two numbers of which neither is said to be the sum.
        ("Total 28.11.2026,,,,,", False), ("Total,31,,,,", False), ("Total,1.50,,2.50,,", False),
    ],
)  # fmt: skip
def test_a_total_is_no_row_and_is_compared_with_their_sum(desk: Desk, total: str, differs: bool) -> None:
    found = desk.read(f"{HEADINGS}\nr1,result,421,EUR,10.00,\nr2,result,421,EUR,20.00,\n{total}\n")

    assert (found.read.rows, len(found.rows)) == (2, 2)
    assert bool(found.faults) == differs
    if differs:
        assert found.faults[4].startswith("the rows of the report make ")


@pytest.mark.parametrize(
    ("total", "fault"),
    [
        ("Total,,,,105.50,", ""), ("Total,,,,94.50,", ""), ("Total,,,,-94.50,", ""), ("Total,,,,100.00,", ""),
        ("Total bets,,,,5.50,", ""), ("Total Einsätze:,,,,-5.50,", ""),
        ("Total,,,,5.50,", "94.5, which is 89 more"), ("Total,,,,50.00,", "94.5, which is 44.5 more"),
    ],
)  # fmt: skip
def test_a_total_is_of_the_bets_alone_only_if_it_says_so(desk: Desk, total: str, fault: str) -> None:
    found = desk.read(f"{HEADINGS}\nr1,result,421,EUR,100.00,\nb1,bet,421,EUR,5.50,\n{total}\n")

    assert found.faults == ({4: f"the rows of the report make {fault}"} if fault else {})


@pytest.mark.parametrize("amount", ["#######", "#BEZUG!", '"1.251,00"', "30.00 *"])
def test_a_total_that_cannot_be_read_is_a_difference(desk: Desk, amount: str) -> None:
    found = desk.read(f"{HEADINGS}\nr1,result,421,EUR,10.00,\nr2,result,421,EUR,20.00,\nTotal,,,,{amount},\n")

    assert "cannot be read" in found.faults[4]


def test_a_total_that_is_right_is_said_and_one_that_is_not_says_by_how_much(desk: Desk) -> None:
    rows = "a,result,421,EUR,1.00,\n"
    right, wrong = f"{HEADINGS}\n{rows}Total,,,,1.00,\n", f"{HEADINGS}\n{rows}Total,,,,4.50,\n"

    assert "The total in line 3 is the sum of its rows" in summary(desk, right, {"a": None})
    assert desk.read(wrong).faults == {3: "the rows of the report make 1, which is 3.5 less"}
    assert not any("sum of its rows" in line for line in summary(desk, wrong, {"a": None}))
    # Of rows that cannot be read nothing is said.
    assert desk.read(f"{HEADINGS}\na,result,421,EUR,one,\nTotal,,,,1.00,\n").read.agreed == []


@pytest.mark.parametrize(("total", "differs"), [("0.30", False), ("0.31", True), ("0.3049", False), ("0.306", True)])
def test_a_total_may_be_rounded_to_its_own_decimals_and_to_cents_at_least(
    desk: Desk, total: str, differs: bool
) -> None:
    found = desk.read(f"{HEADINGS}\na,result,421,EUR,0.1024,\nb,result,421,EUR,0.20253,\nTotal,,,,{total},\n")

    assert bool(found.faults) == differs


def test_a_total_without_a_currency_is_of_all_rows_and_a_count_is_no_total(desk: Desk) -> None:
    rows = f"{HEADINGS}\nr1,result,421,EUR,10.00,\nr2,bonus,421,,20.00,\n"

    assert desk.read(f"{rows}Total,,,,30.00,\n,,,Anzahl,2.00,\n").faults == {}


def test_a_total_may_be_above_its_rows_or_of_one_currency(desk: Desk) -> None:
    rows = "r1,result,421,EUR,10.00,\nr2,result,421,USD,5.00,\n"
    good, bad = "Total EUR,,,,10.00,\nTotal:,,,USD,5.00,\n", "Total EUR,,,,5.00,\n"

    assert desk.read(f"{HEADINGS}\nTotal,,,,15.00,\n{rows}{good}").faults == {}
    assert [*desk.read(f"{HEADINGS}\nTotal,,,,16.00,\n{rows}{bad}").faults] == [2, 5]


def test_totals_between_rows_are_of_those_since_the_last(desk: Desk) -> None:
    rows = "r1,result,421,EUR,10.00,\nTotal,,,,10.00,\nr2,bet,421,EUR,4.00,\nr3,result,421,EUR,1.00,\nTotal,,,,-3,\n"
    found = desk.read(f"{HEADINGS}\n{rows}Grand total,,,,7.00,\n")

    assert (found.read.rows, found.faults) == (3, {})


@pytest.mark.parametrize(
    "row",
    [
        "Total,result,421,EUR,5.00,", ",result,421,EUR,5.00,", "r9,result,,EUR,5.00,", ",result,,EUR,5.00,", "r9",
        "r9,,,,,",
        "Confidential,,,,,", "r9,result,421", "total,421,5.00,x", "#timepoint = 5",
        "sum-9,,,EUR,5.00,", "summer,,,,5.00,",
    ],
)  # fmt: skip
def test_what_may_be_a_row_is_one(desk: Desk, row: str) -> None:
    found = desk.read(f"{HEADINGS}\nr1,result,421,EUR,10.00,\n{row}\n")

    assert found.read.rows == 2


def test_a_row_above_the_headings_is_not_passed_over(desk: Desk) -> None:
    lost = "lost,result,421,EUR,5.00,2026-11-28"

    assert "line 2 above them looks like a row" in desk.refusal(f"Title\n{lost}\n{HEADINGS}\n")
    assert "line 1 above them looks like a row" in desk.refusal(f"{lost.replace(',', ';')}\n{HEADINGS}\n")
    misspelt = f"{HEADINGS.replace('reference', 'referense')}\n{lost}\n{HEADINGS}\n{lost}\n"
    assert "no column reference" in desk.refusal(misspelt)


def test_other_headings_further_down_are_refused(desk: Desk) -> None:
    other = "callback,reference,userId,currency,amount,timestamp"

    refusal = desk.refusal(f"{HEADINGS}\nr1,result,421,EUR,1.00,\n{other}\nresult,r2,421,EUR,1.00,\n")

    assert "other headings in line 3 than in line 1" in refusal


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_headings_of_other_words_are_shown_with_the_option_to_name_them(desk: Desk, encoding: str) -> None:
    report = (
        "Umsätze für November;;;;;\nErstellt von;Jörg\nReferenz;Vorgang;Spieler;Währung;Betrag;Datum\n"
        "r1;Gewinn;421;EUR;12,50;28.11.2026\n"
    )

    refusal = desk.refusal(report.encode(encoding))

    assert "its headings are Referenz, Vorgang, Spieler, Währung, Betrag, Datum; say which is which with " in refusal
    assert "--columns reference=HEADING,callback=HEADING,userId=HEADING,amount=HEADING" in refusal


# --- Letters ----------------------------------------------------------------------------------------


def test_letters_that_are_not_utf_8_stop_no_row_but_the_one_they_name(desk: Desk) -> None:
    rows = "r1,result,421,EUR,1.00,Glücksrad\nmü,result,421,EUR,1.00,x\nr3,result,mü,EUR,1.00,x\n"
    found = desk.read(f"{HEADINGS.replace('timestamp', 'game')}\n{rows}".encode("latin-1"))

    assert [row[0] for row in found.rows] == ["r1"]
    assert found.faults == {
        3: "the reference has characters that are not UTF-8",
        4: "the userId has characters that are not UTF-8",
    }
    assert [item["line"] for item in found.items if "id" in item] == [2]


def test_utf_16_that_breaks_off_is_refused(desk: Desk) -> None:
    assert "is not UTF-16" in desk.refusal(f"{HEADINGS}\nr1,result,421,EUR,1.00,\n".encode("utf-16")[:-1])


# --- The period, and what is said -------------------------------------------------------------------

MORNING = 1795824000000  # 2026-11-28 00:00 in UTC
HOUR = 3_600_000


def ledger(folder: Path, stamps: Mapping[str, int | None], recorded: int = 0) -> Path:
    """Wins of 1 EUR, with the provider's timestamps."""
    return written(folder, (on_record(f"result#{name}", "1", stamp, recorded) for name, stamp in stamps.items()))


def on_record(id_: str, amount: str, stamp: int | None, recorded: int = 0) -> dict[str, Any]:
    return {
        "id": id_, "transaction": "", "player": "421", "currency": "EUR", "asked": amount, "paid": amount,
        "outcome": "", "day": "2026-11-28", "recorded": "2026-11-28T12:00:00.000+00:00", "place": "", "stamp": stamp,
        "moment": stamp if stamp is not None else recorded, "late": recorded if stamp is not None else None,
    }  # fmt: skip


def written(folder: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path = folder / "ledger.json"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


@contextmanager
def compared(
    desk: Desk, report: str, paths: Iterable[Path], columns: str | None = None
) -> Iterator[tuple[Comparison, Read]]:
    read = desk.read(report, columns).read
    for old in desk.folder.glob("comparison*"):
        old.unlink()
    own = read.period(UTC)
    comparison = Comparison(desk.folder, desk.folder / "report.json", [*paths], since="", until="9999", own=own)
    with closing(comparison):
        yield comparison, read


def unknown(desk: Desk, report: Mapping[str, int], stamps: Mapping[str, int | None], recorded: int = 0) -> set[str]:
    """What is called unknown there, of a report with those timestamps."""
    rows = "".join(f"{reference},result,421,EUR,1,{stamp}\n" for reference, stamp in report.items())
    with compared(desk, f"{HEADINGS}\n{rows}", [ledger(desk.folder, stamps, recorded)]) as (comparison, _):
        return {each.reference for each in comparison.differences() if each.kind == "unknown there"}


PUBLIC: dict[str, tuple[str, str | None, dict[str, int]]] = {
    "a payment provider's balance": (
        'id,Type,Source,Amount,Fee,Net,Currency,"Created (UTC)"\n'
        'r1,result,421,"1,234.50",0.00,"1,234.50",eur,2026-11-28 13:05\n'
        "r2,result,421,0.50,0.00,0.50,eur,2026-11-28 13:05\n"
        "b1,bet,421,-5.00,0.00,-5.00,eur,2026-11-28 13:05\n",
        "reference=id,callback=Type,userId=Source,amount=Amount,timestamp=Created (UTC)",
        {},
    ),
    "an account's activity, with date, time and zone in columns": (
        '"Datum","Uhrzeit","Zeitzone","Art","Währung","Brutto","Code","Absender"\n'
        '"28.11.2026","14:05:03","CET","Result","EUR","1.234,50","r1","421"\n'
        '"28.11.2026","14:05:03","CET","Result","EUR","0,50","r2","421"\n'
        '"28.11.2026","14:05:03","CET","Bet","EUR","-5,00","b1","421"\n',
        "reference=Code,callback=Art,userId=Absender,amount=Brutto,timestamp=Datum,currency=Währung",
        {},
    ),
    "a bank's, with its direction in a column": (
        '"Datum","Ref","Code","Af Bij","Bedrag (EUR)","Speler"\n"20261128","r1","Result","Bij","1234,50","421"\n'
        '"20261128","r2","Result","Bij","0,50","421"\n"20261128","b1","Bet","Af","5,00","421"\n',
        "reference=Ref,callback=Code,userId=Speler,amount=Bedrag (EUR),timestamp=Datum",
        {},
    ),
    "an acquirer's, with credits and debits in columns of their own": (
        "Psp Reference,Shopper,Creation Date,TimeZone,Type,Gross Currency,Gross Debit,Gross Credit\n"
        "r1,421,2026-11-28 14:05:03,CET,Result,EUR,,1234.50\nr2,421,2026-11-28 14:05:03,CET,Result,EUR,,0.50\n"
        "b1,421,2026-11-28 14:05:03,CET,Bet,EUR,5.00,\n",
        "reference=Psp Reference,callback=Type,userId=Shopper,amount=Gross Credit,timestamp=Creation Date",
        {"unreadable": 1},
    ),
    "a file with record types, in cents": (
        '"RH","2026/11/29 00:00:00 -0800"\n"CH","reference","callback","userId","amount","currency","timestamp"\n'
        '"SB","r1","result","421","123450","EUR","2026/11/28 05:05:03 -0800"\n'
        '"SB","r2","result","421","50","EUR","2026/11/28 05:05:03 -0800"\n'
        '"SB","b1","bet","421","500","EUR","2026/11/28 05:05:03 -0800"\n"SF",3\n',
        None,
        {"different amount": 3, "unreadable": 1},
    ),
    "a printed list, with bars and rules": (
        "---------------------\n|reference|callback|userId|amount|\n---------------------\n"
        "|r1|result|421|1.234,50|\n|r2|result|421|0,50|\n|b1|bet|421|5,00|\n---------------------\n",
        None,
        {},
    ),
}


@pytest.mark.parametrize("form", PUBLIC)
def test_a_public_report_agrees_with_the_ledger_or_says_by_line_why_not(desk: Desk, form: str) -> None:
    report, columns, differences = PUBLIC[form]
    at = MORNING + 13 * HOUR + 303_000
    path = written(
        desk.folder,
        (
            on_record(id_, amount, at)
            for id_, amount in (("result#r1", "1234.5"), ("result#r2", "0.5"), ("bet#b1", "5"))
        ),
    )

    with compared(desk, report, [path], columns) as (comparison, _):
        assert comparison.counts() == differences
        assert comparison.matched()[0] == (3 if not differences else 2 if columns else 0)


def summary(desk: Desk, report: str, stamps: Mapping[str, int | None]) -> list[str]:
    with compared(desk, report, [ledger(desk.folder, stamps)]) as (comparison, read):
        return [*show.summary(comparison, read, show.AskedFor(None, None, "", 0, ()), None, examples=0)]


def test_only_the_reports_own_period_is_compared(desk: Desk) -> None:
    report = {"a": MORNING + 10 * HOUR + 5_000, "b": MORNING + 11 * HOUR}
    stamps = {
        **report,
        "yesterday": MORNING - HOUR,
        "in the same minute": MORNING + 10 * HOUR + 1_000,
        "between": MORNING + 10 * HOUR + 9_000,
        "a minute later": MORNING + 11 * HOUR + 60_000,
    }

    assert unknown(desk, report, stamps) == {"in the same minute", "between"}
    # A win that is made up may have any timestamp.
    made_up = {"made up": MORNING - 900 * HOUR}
    assert unknown(desk, report, report | made_up, recorded=MORNING + 10 * HOUR + 9_000) == {"made up"}
    # One that the provider did not stamp is where it was recorded.
    assert unknown(desk, report, report | {"none": None}, recorded=MORNING + 10 * HOUR + 9_000) == {"none"}
    assert unknown(desk, report, report | {"none": None}, recorded=MORNING) == set()


def test_a_days_report_is_of_its_whole_day(desk: Desk) -> None:
    report = {"a": MORNING + 5_000, "b": MORNING + 22 * HOUR + 5_000}
    stamps = {**report, "first": MORNING, "last": MORNING + 24 * HOUR - 1, "next": MORNING + 24 * HOUR}

    assert unknown(desk, report, stamps) == {"first", "last"}


def test_a_gaming_day_is_of_whole_hours(desk: Desk) -> None:
    six = MORNING + 6 * HOUR
    report = {"a": six + 5_000, "b": six + 23 * HOUR + 5_000}
    stamps = {**report, "before": six - 1, "first": six, "last": six + 24 * HOUR - 1, "next": six + 24 * HOUR}

    assert unknown(desk, report, stamps) == {"first", "last"}


def test_a_days_report_ends_with_the_day_of_its_zone(desk: Desk) -> None:
    # The day on which Berlin's clocks go back has 25 hours.
    report = f"{HEADINGS}\nr1,result,421,EUR,1,25.10.2026 00:10\nr2,result,421,EUR,1,25.10.2026 22:10\n"
    period = desk.read(report, time_zone="Europe/Berlin").read.period(zone_named("Europe/Berlin"))

    assert period is not None
    begins, ends = period
    assert (begins, ends - begins) == (1792879200000, 25 * HOUR)


def test_a_local_time_that_was_taken_for_utc_does_not_move_the_period(desk: Desk) -> None:
    stamps = {"a": MORNING + 10 * HOUR, "b": MORNING + 11 * HOUR}
    report = {reference: stamp + 2 * HOUR for reference, stamp in stamps.items()}
    both = {**stamps, "between": MORNING + 10 * HOUR + 60_000, "by its own clock": MORNING + 12 * HOUR + 60_000}

    assert unknown(desk, report, both) == {"between"}


def test_a_clock_that_is_ahead_is_said(desk: Desk) -> None:
    report = f"{HEADINGS}\na,result,421,EUR,1,2026-11-28 11:00:03\nb,result,421,EUR,1,2026-11-28 11:00:04\n"
    stamps = {"a": MORNING + 10 * HOUR, "b": MORNING + 10 * HOUR + 1}

    assert "The report's times are 1 h ahead of the ledger's: say their --time-zone" in summary(desk, report, stamps)
    # One row with another time says nothing of the others.
    stray = f"{HEADINGS}\na,result,421,EUR,1,2001-01-01 00:00:00\nb,result,421,EUR,1,{MORNING + 10 * HOUR}\n"
    assert not any("ahead" in line or "behind" in line for line in summary(desk, stray, stamps))
    # A date without a time is not ahead of its own day.
    days = report.replace(" 11:00:03", "").replace(" 11:00:04", "")
    assert not any("ahead" in line or "behind" in line for line in summary(desk, days, stamps))


def test_amounts_in_cents_are_noticed(desk: Desk) -> None:
    stamps = {"a": MORNING, "b": MORNING}
    report = f"{HEADINGS}\na,result,421,EUR,100,\nb,result,421,EUR,100,\n"

    noticed = "Each different amount is 100 times the ledger's: is the report in other units, such as cents?"
    assert noticed in summary(desk, report, stamps)
    assert noticed not in summary(desk, report.replace("b,result,421,EUR,100", "b,result,421,EUR,101"), stamps)


def test_thousands_that_were_taken_for_decimals_are_noticed(desk: Desk) -> None:
    report = f"{HEADINGS}\na,result,421,EUR,1000,\nb,result,421,EUR,1000,\n"
    hint = "Or its decimal mark is the other one: --decimal-comma or --decimal-point says which"

    assert hint in summary(desk, report, {"a": MORNING, "b": MORNING})
    assert hint not in summary(desk, report.replace("1000", "100"), {"a": MORNING, "b": MORNING})


def test_rows_of_another_day_than_the_ledger_are_said(desk: Desk) -> None:
    may = MORNING - 201 * 24 * HOUR  # the 11th of May, of which a spreadsheet made the 5th of November
    stamps = {"a": MORNING + 10 * HOUR, "b": MORNING + 11 * HOUR, "c": may + HOUR, "d": may + 2 * HOUR}
    right = "a,result,421,EUR,1,11/28/2026 10:00:00\nb,result,421,EUR,1,11/28/2026 11:00:00\n"
    swapped = f"{HEADINGS}\n{right}c,result,421,EUR,1,11/05/2026 01:00:00\nd,result,421,EUR,1,05/11/2026 02:00:00\n"
    good = f"{HEADINGS}\n{right}c,result,421,EUR,1,05/11/2026 01:00:00\nd,result,421,EUR,1,05/11/2026 02:00:00\n"

    assert (
        "Attention: 1 matched row is of another day than in the ledger. Line 4 has 2026-11-05 01:00 UTC, the ledger "
        "2026-05-11 01:00: day and month look swapped"
    ) in summary(desk, swapped, stamps)
    assert not any("another day" in line for line in summary(desk, good, stamps))
    # If it is most of them, no clock is said to be months behind.
    most = summary(desk, swapped, {name: stamp - 201 * 24 * HOUR for name, stamp in stamps.items()})
    assert not any("ahead of" in line or "behind" in line for line in most)
    elsewhere = summary(desk, good, {**stamps, "c": may - 30 * 24 * HOUR})
    assert any("another day" in line and "swapped" not in line for line in elsewhere)


@pytest.mark.parametrize(("of_others", "said"), [(9, "Most of"), (8, None)])
def test_a_report_of_one_currency_is_noticed_though_some_of_it_is_missing(
    desk: Desk, of_others: int, said: str | None
) -> None:
    report = f"{HEADINGS}\na,result,421,EUR,1,2026-11-28\n"
    rows = [on_record(f"result#{name}", "1", MORNING) for name in ("a", "missing")]
    rows += [{**on_record(f"result#usd-{each}", "1", MORNING), "currency": "USD"} for each in range(of_others)]
    with compared(desk, report, [written(desk.folder, rows)]) as (comparison, read):
        lines = [*show.summary(comparison, read, show.AskedFor(None, None, "", 0, ()), None, examples=0)]

    hint = "Most of what the report lacks is in other currencies. If it is about EUR alone: --currency EUR"
    assert (hint in lines) == (said is not None)


@pytest.mark.parametrize(("amount", "matched"), [("€1.00", 1), ("EUR 1.00", 1), ("$1.00", 0), ("1.00 kr", 0), ("1", 1)])
def test_a_currency_beside_an_amount_is_compared_with_the_ledger(desk: Desk, amount: str, matched: int) -> None:
    report = f"reference,callback,userId,amount\na,result,421,{amount}\n"
    with compared(desk, report, [ledger(desk.folder, {"a": MORNING})]) as (comparison, _):
        assert comparison.matched()[0] == matched
        assert comparison.counts() == ({} if matched else {"different currency": 1})


def test_a_pattern_of_dates_takes_no_longer_than_its_text(desk: Desk) -> None:
    evidence = DateEvidence()
    for text in ("1" * 5000, "Nov " * 2000, " " * 5000 + "x", "28/11/2026 " + "1:" * 3000):
        evidence.see(1, text)
        assert Dates().read(text) is None
        assert Decimals().read(text) is None
    assert order_of(None) is None

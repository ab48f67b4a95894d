"""An exported ledger is proved as the tables are: the same faults, in the same words."""

import gzip
import json
import os
import re
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import duckdb
import pytest
from typer.testing import CliRunner

from conftest import ROOT
from tamperings import LISTED, NAMES, NAMESPACE, NEIGHBOURS, STRICT, Books
from test_walletctl_verify import LAST, Ledger, books, ledger, missing, tables  # noqa: F401 - fixtures
from tools.programs import cli
from tools.shared.database import trouble_if
from tools.walletctl.export import account as account_module
from tools.walletctl.export import books as export_books
from tools.walletctl.export import files, records
from tools.walletctl.export.books import query

MOMENT = "2026-11-21T19:00:00Z"
QUERIES = sorted(path.stem for path in export_books._QUERIES.glob("*.sql"))


def export(folder: Path, name: str, moment: str = MOMENT, items_a_file: int = 3) -> Path:
    """Writes a table as DynamoDB exports one to S3. Source: AWS, DynamoDB table export output format."""
    items = boto3.client("dynamodb").scan(TableName=name)["Items"]
    return write_export(folder, name, items, moment, items_a_file)


def write_export(folder: Path, name: str, items: list[Any], moment: str = MOMENT, items_a_file: int = 3) -> Path:
    prefix = f"backups/AWSDynamoDB/01693685827463-{name.lower()}"
    of = folder / prefix
    (of / "data").mkdir(parents=True)
    named = []
    for start in range(0, max(1, len(items)), items_a_file):
        lines = "".join(f"{json.dumps({'Item': item})}\n" for item in items[start : start + items_a_file])
        key = f"{prefix}/data/{name.lower()}{start:04}.json.gz"
        (folder / key).write_bytes(gzip.compress(lines.encode()))
        count = len(items[start : start + items_a_file])
        named.append({"itemCount": count, "md5Checksum": "x==", "etag": "e-1", "dataFileS3Key": key})
    (of / "manifest-files.json").write_text("".join(f"{json.dumps(each)}\n" for each in named))
    summary = {
        "version": "2020-06-30",
        "exportArn": "arn:aws:dynamodb:eu-west-1:123456789012:table/x/export/01693685827463",
        "tableArn": f"arn:aws:dynamodb:eu-west-1:123456789012:table/wallet-{name}-1ABC",
        "exportTime": moment,
        "s3Bucket": "ours",
        "s3Prefix": "backups",
        "manifestFilesS3Key": f"{prefix}/manifest-files.json",
        "itemCount": len(items),
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }
    (of / "manifest-summary.json").write_text(json.dumps(summary))
    (of / "manifest-summary.md5").write_text("x")
    (of / "_started").write_text("")
    return of


def exported(folder: Path, *names: str) -> Path:
    for name in names or NAMES:
        export(folder, name)
    return folder


def verify(*arguments: str) -> Any:
    with patch.dict(os.environ):
        return CliRunner().invoke(cli.app, ["verify", *arguments], catch_exceptions=False)


def account_of(folder: Path, *options: str) -> dict[str, Any]:
    told = verify("--export", str(folder), "--json", *options)
    return json.loads(told.stdout)


# --- The same proof ---------------------------------------------------------------------------------


def deposit(its: Ledger) -> None:
    its.by_others("-20.5")
    its.by_others("+100", versions=2)
    its.credit("result", reference="r-6", amount="1")
    its.by_others("-7")


def restore_wallet(its: Ledger) -> None:
    before = its.operator.wallet()
    its.credit("result", reference="late-1", amount="5")
    its.credit("promo", reference="late-2", amount="6")
    its.players.put_item(Item=before)


def lose(id: str) -> Callable[[Ledger], object]:
    return lambda its: its.transactions.delete_item(Key={"id": id})


def count(user_id: str, code: str, uncovered: Any) -> Callable[[Ledger], object]:
    return lambda its: its.keep(user_id, code, uncovered=uncovered)


def change(id: str, **changes: Any) -> Callable[[Ledger], object]:
    return lambda its: its.set(id, **changes)


def change_wallet(**changes: Any) -> Callable[[Ledger], object]:
    return lambda its: its.set_wallet(**changes)


def forty_digits(its: Ledger) -> None:
    """A wallet that no database's decimal holds, opened by another program."""
    its.operator.open_wallet("rich", cash="12345678901234567890123456.123456789012", bonus="0")
    its.credit("result", reference="rich-1", userId="rich", amount="0.000000000001")
    its.credit("result", reference="rich-2", userId="rich", amount="1")


def a_poor_one_among_the_rich(its: Ledger) -> None:
    forty_digits(its)
    item = its.transactions.get_item(Key={"id": "result#rich-2"})["Item"]
    its.set("result#rich-2", cashAfter=item["cashAfter"] + Decimal("0.000000000001"))


TAMPERINGS: dict[str, Callable[[Ledger], object]] = {
    "nothing": lambda _: None,
    "seq twice": change(LAST, seq=7),
    "cashAfter": change("jackpot#j-1", cashAfter=Decimal(1)),
    "one unit of the last digit": change("jackpot#j-1", cashAfter=Decimal("1099908.090000000000000001")),
    "bonusAfter": change("jackpot#j-1", bonusAfter=Decimal(200)),
    "amount": change(LAST, amount=Decimal("0.01")),
    "a total paid in full": change("bonus#b-1", amount=Decimal(7)),
    "currency": change("result#r-1", currency="EUR"),
    "a bonus code added": change("result#r-1", bonusCode="gift"),
    "a bonus code taken": change("result#r-4", bonusCode=None),
    "an attribute taken": change(LAST, cashAfter=None),
    "half a seq": change(LAST, seq=Decimal("8.5")),
    "a negative amount": change(LAST, amount=Decimal(-1)),
    "an unknown kind": lambda its: its.transactions.put_item(
        Item=its.transactions.get_item(Key={"id": LAST})["Item"] | {"id": "gift#1", "seq": Decimal(9)}
    ),
    "cash": change_wallet(cash=Decimal(5)),
    "bonus": change_wallet(bonus=Decimal(5)),
    "the wallet's currency": change_wallet(currency="EUR"),
    "cash as text": change_wallet(cash="5"),
    "a version back": change_wallet(version=Decimal(6)),
    "a version on": change_wallet(version=Decimal(12)),
    "no wallet": lambda its: its.players.delete_item(Key={"userId": "421"}),
    "a lost transaction": lose("result#r-1"),
    "the last one lost": lose(LAST),
    "a count too small": count("421", "gift", Decimal(2)),
    "a count of nobody": count("nobody", "none", Decimal(1)),
    "a count as text": count("423", "odd", "1"),
    "deposits": deposit,
    "a torn restore": restore_wallet,
    "38 digits": forty_digits,
    "38 digits and a fault": a_poor_one_among_the_rich,
}


@pytest.mark.parametrize(
    ("name", "strict"),
    [
        *((name, True) for name in TAMPERINGS),
        *((name, False) for name in ("deposits", "a lost transaction", "the last one lost")),
    ],
)
def test_an_export_is_proved_as_its_tables_are(
    ledger: Ledger,  # noqa: F811
    tmp_path: Path,
    name: str,
    strict: bool,
) -> None:
    options = ["--strict"] if strict else []
    TAMPERINGS[name](ledger)
    of_tables = ledger.account(*options)

    of_export = account_of(exported(tmp_path), *options)

    for made in (of_tables, of_export):
        made["shownFaults"].sort(key=json.dumps)
        made["otherWriters"]["shown"].sort(key=json.dumps)
    assert of_export == of_tables


def export_of(played: Books, folder: Path) -> Path:
    for name in NAMES:
        write_export(folder, name, played.of(name), items_a_file=40)
    return folder


def test_whatever_was_played_is_proved_by_its_export(books: Books, tmp_path: Path) -> None:  # noqa: F811
    made = account_of(export_of(books, tmp_path), "--strict")

    assert made["shownFaults"] == []
    assert made["transactions"] == len(books.transactions)


@pytest.mark.parametrize("name", [*LISTED, *NEIGHBOURS, *STRICT])
def test_what_was_done_to_the_tables_is_named_by_their_export_in_the_same_words(
    tables: Ledger,  # noqa: F811
    books: Books,  # noqa: F811
    tmp_path: Path,
    name: str,
) -> None:
    tampering = (LISTED | NEIGHBOURS).get(name)
    options = [] if tampering else ["--strict"]
    (tampering.do if tampering else STRICT[name])(books)
    books.put()
    of_tables = tables.account(*options)

    of_export = account_of(export_of(books, tmp_path), *options)

    for made in (of_tables, of_export):
        made["shownFaults"].sort(key=json.dumps)
        made["otherWriters"]["shown"].sort(key=json.dumps)
    assert of_export == of_tables
    if tampering:
        assert missing(tampering, of_export) == []
    else:
        assert of_export["faultsByKind"]["other writer"]


def test_large_files_are_proved_by_processes(
    books: Books,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "_WORTH_A_PROCESS", 0)
    books.said("jackpot#j-1", gameId="another")
    books.said("result#f-3", amount=4)

    made = account_of(export_of(books, tmp_path))

    assert [(fault["fault"], fault["id"]) for fault in made["shownFaults"]] == [
        ("request", "jackpot#j-1"),
        ("request", "result#f-3"),
    ]


def test_the_tamperings_are_found_at_all(ledger: Ledger, tmp_path: Path) -> None:  # noqa: F811
    ledger.set("jackpot#j-1", cashAfter=Decimal(1))
    told = verify("--export", str(exported(tmp_path)))

    assert told.exit_code == 1
    assert "421" in told.stdout
    assert "jackpot#j-1: cashAfter is 1 where" in re.sub(r"\s+", " ", told.stdout)
    assert told.stdout.splitlines()[-1] == "2 faults"


def test_a_good_export_ends_with_no_fault(ledger: Ledger, tmp_path: Path) -> None:  # noqa: F811
    told = verify("--export", str(exported(tmp_path)), "--strict")

    assert told.exit_code == 0
    assert told.stdout.splitlines()[-2:] == ["3 players, 9 transactions", "No fault"]


def test_without_the_counts_free_rounds_are_not_compared(ledger: Ledger, tmp_path: Path) -> None:  # noqa: F811
    ledger.keep("421", "gift", uncovered=Decimal(2))
    made = account_of(exported(tmp_path, "Players", "Transactions"))

    assert made["faults"] == 0
    assert made["freeRoundsCompared"] is False


def test_each_table_may_be_named_apart(ledger: Ledger, tmp_path: Path) -> None:  # noqa: F811
    places = [export(tmp_path / name, name) for name in NAMES]

    told = verify("--json", *(part for place in places for part in ("--export", str(place))))

    assert json.loads(told.stdout)["transactions"] == 9


def test_an_export_in_a_bucket_is_proved_where_it_is(ledger: Ledger, tmp_path: Path) -> None:  # noqa: F811
    ledger.set_wallet(cash=Decimal(5))
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="ledgers", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for path in exported(tmp_path).rglob("*"):
        if path.is_file():
            s3.upload_file(str(path), "ledgers", f"november/{path.relative_to(tmp_path)}")

    told = verify("--export", "s3://ledgers/november", "--json")

    assert [fault["fault"] for fault in json.loads(told.stdout)["shownFaults"]] == ["balance differs"]


def test_files_are_loaded_a_few_at_a_time(
    ledger: Ledger,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(export_books, "FILES_AT_ONCE", 1)

    assert account_of(exported(tmp_path))["transactions"] == 9


def test_no_more_than_a_thousand_faults_are_listed(
    ledger: Ledger,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(account_module, "MOST_SHOWN", 1)
    ledger.transactions.delete_item(Key={"id": "result#r-1"})
    ledger.transactions.delete_item(Key={"id": "jackpot#j-1"})
    made = account_of(exported(tmp_path), "--strict")

    assert made["faults"] == 2
    assert len(made["shownFaults"]) == 1


# --- What is no export ------------------------------------------------------------------------------


WALLET = {
    "userId": {"S": "421"},
    "currency": {"S": "USD"},
    "cash": {"N": "9"},
    "bonus": {"N": "0"},
    "version": {"N": "9"},
}


def transaction(seq: int) -> dict[str, Any]:
    id, user_id, moment = f"jackpot#r-{seq}", "421", "2026-11-21T18:00:00.000+00:00"
    request = {"userId": user_id, "amount": 1, "reference": f"r-{seq}", "providerId": "p", "timestamp": "1"}
    request |= {"gameId": "g", "roundId": f"{seq}", "jackpotId": "j"}
    texts = {name: value for name, value in request.items() if name not in ("amount", "reference")}
    texts |= {"id": id, "currency": "USD", "recordedAt": moment, "request": json.dumps(request)}
    texts |= {"transactionId": str(uuid.uuid5(NAMESPACE, id))}
    numbers = {"seq": seq, "amount": 1, "amountAsked": 1, "cashAfter": seq, "bonusAfter": 0}
    return {name: {"S": text} for name, text in texts.items()} | {
        name: {"N": f"{number}"} for name, number in numbers.items()
    }


TRANSACTIONS = [transaction(seq) for seq in range(1, 10)]


def altered(summary: Path, **changes: Any) -> None:
    summary.write_text(json.dumps(json.loads(summary.read_text()) | changes))


def without_a_file(of: Path) -> None:
    max((of / "data").iterdir()).unlink()


def with_half_a_file(of: Path) -> None:
    path = max((of / "data").iterdir())
    path.write_bytes(path.read_bytes()[:-12])


def with_a_shorter_file(of: Path) -> None:
    path = min((of / "data").iterdir())
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).splitlines(keepends=True)[0]))


def with_nonsense(of: Path) -> None:
    max((of / "data").iterdir()).write_bytes(gzip.compress(b'{"Item": {"seq"\n'))


def with_no_item(of: Path) -> None:
    max((of / "data").iterdir()).write_bytes(gzip.compress(b'{"Other": {}}\n' * 3))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without_a_file, "missing: the manifest names it"),
        (with_half_a_file, "cannot be read"),
        (with_a_shorter_file, "is not whole: its manifest says 9 items"),
        (with_nonsense, "cannot be read"),
        (with_no_item, "cannot be read"),
        (lambda of: (of / "manifest-files.json").write_text("nonsense"), "not one of DynamoDB's exports"),
        (lambda of: (of / "manifest-summary.json").write_text("[]"), "not one of DynamoDB's exports"),
        (lambda of: (of / "manifest-summary.json").unlink(), "there is no export of transactions"),
        (lambda of: altered(of / "manifest-summary.json", outputFormat="ION"), "DYNAMODB_JSON"),
        (lambda of: altered(of / "manifest-summary.json", exportType="INCREMENTAL_EXPORT"), "the whole table"),
        (lambda of: write_export(of.parents[2] / "again", "Transactions", TRANSACTIONS), "2 exports of transactions"),
    ],
)
def test_an_export_that_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, spoil: Callable[[Path], object], says: str
) -> None:
    write_export(tmp_path, "Players", [WALLET])
    spoil(write_export(tmp_path, "Transactions", TRANSACTIONS))

    told = verify("--export", str(tmp_path))

    assert told.exit_code == 2
    assert says in told.stderr
    assert len(told.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--export", "/nowhere"], "is neither a folder nor"),
        (["--export", "s3://"], "names no bucket"),
        (["--export", str(ROOT / "events")], "has no manifest-summary.json"),
        (["421", "--export", "."], "leave out the player"),
        (["--export", ".", "--stack", "x"], "leave out the player"),
    ],
)
def test_what_is_no_place_of_an_export_is_refused(arguments: list[str], says: str) -> None:
    told = verify(*arguments)

    assert told.exit_code == 2
    assert says in told.stderr


def test_exports_of_two_moments_are_pointed_out(tmp_path: Path) -> None:
    write_export(tmp_path, "Players", [WALLET])
    write_export(tmp_path, "Transactions", TRANSACTIONS, moment="2026-11-21T20:00:00Z")

    told = verify("--export", str(tmp_path))

    assert told.exit_code == 0
    assert "more than one moment" in told.stderr


def test_an_empty_table_is_known_by_its_name(tmp_path: Path) -> None:
    for name in NAMES:
        write_export(tmp_path, name, [])

    assert account_of(tmp_path)["players"] == 0


def test_a_text_that_looks_like_an_attribute_makes_no_other_table_of_it(tmp_path: Path) -> None:
    request = '{"version": {"N": "1"}, "seq": 1}'
    of = write_export(tmp_path, "x", [{"request": {"S": request}, "uncovered": {"N": "1"}}])

    (found,) = files.exports([files.Folder(of)])

    assert found.table == "free rounds"


def test_ctrl_c_amid_a_query_is_ctrl_c() -> None:
    with pytest.raises(KeyboardInterrupt), trouble_if("it cannot"):
        raise RuntimeError("Query interrupted")  # what DuckDB makes of it


# --- The queries ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUERIES)
def test_the_page_of_exports_leads_to_every_query(name: str) -> None:
    assert f"/queries/{name}.sql)" in (ROOT / "docs" / "operating" / "exports.md").read_text()


def documented(name: str) -> str:
    """A file of SQL that only Athena needs."""
    return (ROOT / "docs" / "operating" / "queries" / f"{name}.sql").read_text()


def documented_views() -> str:
    """The views over the export's external tables, in DuckDB's words."""
    return documented("views").replace("transform(", "list_transform(")


def documented_type(table: str) -> str:
    """The type of an external table's items, in DuckDB's words."""
    (type_,) = re.findall(
        rf"^CREATE EXTERNAL TABLE {table} \(\s+item (struct<.*?>)\s+\)", documented("tables"), re.DOTALL | re.MULTILINE
    )
    type_ = re.sub(r"array<(.*?>)>", r"\1[]", type_)
    type_ = re.sub(r"`?(\w+)`?:", r'"\1" ', type_).replace("string", "VARCHAR")
    return type_.replace("struct<", "STRUCT(").replace(">", ")")


def in_lower_case(item: Any) -> Any:
    """As Athena reads it."""
    if isinstance(item, list):
        return [in_lower_case(each) for each in item]
    return {name.lower(): in_lower_case(value) for name, value in item.items()} if isinstance(item, dict) else item


def test_the_documented_views_give_the_queries_their_columns(books: Books, tmp_path: Path) -> None:  # noqa: F811
    """Athena's external tables are made here by the reader of DuckDB; all that stands on them is as documented."""
    books.set("jackpot#j-1", cashAfter=Decimal(1))
    books.free_rounds["free", "late"]["uncovered"] = Decimal(2)
    database = duckdb.connect()
    database.execute("CREATE MACRO regexp_like(text, pattern) AS regexp_matches(text, pattern)")
    database.execute("CREATE MACRO array_join(texts, mark) AS array_to_string(texts, mark)")
    database.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")
    for name in NAMES:
        lines = tmp_path / f"{name}.json"
        lines.write_text("".join(f"{json.dumps({'item': in_lower_case(item)})}\n" for item in books.of(name)))
        table = f"exported_{re.sub('(?<!^)(?=[A-Z])', '_', name).lower()}"
        columns = f"{{'item': '{documented_type(table)}'}}"
        database.execute(f"CREATE TABLE {table} AS SELECT * FROM read_json('{lines}', columns = {columns})")  # noqa: S608 - our own words
    database.execute(documented_views())
    for name in ("exact_transactions", "exact_wallets"):
        database.execute(query(name))

    found = [row[:4] for name in export_books._SUSPECTING for row in database.execute(query(name)).fetchall()]

    left_for_a_person = ("a-number", "late-odd", "too-long", "twice")
    assert sorted([(what, player, id) for what, player, _, id in found], key=str) == [
        ("chain broken", "421", "jackpot#j-1"),
        ("chain broken", "421", "promo#pr-1"),
        ("free rounds", "free", "late"),
        *(("prize", "prizes", f"result#{reference}") for reference in left_for_a_person),
        ("unreadable", "19", "jackpot#j-19"),  # 1e-7, which moto keeps with its exponent
    ]
    assert database.execute(query("gaps")).fetchall() == []
    counted = ["players", "transactions", "free rounds"]
    counts = [(what, len(list(books.of(name)))) for what, name in zip(counted, NAMES, strict=True)]
    assert database.execute(documented("counts")).fetchall() == counts


def test_every_query_is_used() -> None:
    used: Mapping[str, object] = dict.fromkeys(
        [*export_books._SUSPECTING, "gaps", "exact_transactions", "exact_wallets"]
    )

    assert sorted(used) == QUERIES

"""An exported ledger is proved as the tables are: the same faults, in the same words."""

import base64
import gzip
import json
import os
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import duckdb
import pytest
from typer.testing import CliRunner

from conftest import ROOT
from tamperings import NAMES, NAMESPACE, Books
from test_walletctl_verify import (  # noqa: F401 - fixtures
    LAST,
    SAID_BY_HAND,
    WRONG,
    WRONG_BY_HAND,
    Ledger,
    books,
    by_hand,
    ledger,
    tables,
)
from tools.programs import cli
from tools.shared.amounts import amount
from tools.shared.database import trouble_if
from tools.shared.items import encoded
from tools.walletctl.export import books as export_books
from tools.walletctl.export import files, records
from tools.walletctl.export.books import query
from tools.walletctl.verify import account as account_module
from tools.walletctl.verify.digests import covered, digest_of, link

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
        lines = "".join(
            f"{json.dumps({'Item': item}, default=_base64)}\n" for item in items[start : start + items_a_file]
        )
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


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def exported(folder: Path, *names: str) -> Path:
    for name in names or NAMES:
        export(folder, name)
    return folder


def verify(*arguments: str) -> Any:
    with patch.dict(os.environ):
        return CliRunner().invoke(cli.app, ["verify", *arguments], catch_exceptions=False)


def account_of(folder: Path, *options: str) -> dict[str, Any]:
    told = verify("--export", str(folder), "--json", *options)
    assert "{\n" in told.stdout, told.stderr
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


def count(user_id: str, code: str, uncovered: Any) -> Callable[[Ledger], object]:
    return lambda its: its.keep(user_id, code, uncovered=uncovered)


def change(id: str, **changes: Any) -> Callable[[Ledger], object]:
    return lambda its: its.set(id, **changes)


def change_wallet(**changes: Any) -> Callable[[Ledger], object]:
    return lambda its: its.set_wallet(**changes)


def forty_digits(its: Ledger) -> None:
    """A wallet that no database's decimal holds."""
    its.open("rich", "12345678901234567890123456.123456")
    its.credit("result", reference="rich-1", userId="rich", amount="0.000000000001")
    its.credit("result", reference="rich-2", userId="rich", amount="1")


def a_poor_one_among_the_rich(its: Ledger) -> None:
    forty_digits(its)
    its.set("result#rich-2", cashAfter=its.get("result#rich-2")["cashAfter"] + Decimal("0.000000000001"))


def unread(its: Ledger) -> None:
    """Two records that are not of the ledger's form: one of nobody."""
    its.set(LAST, userId=None)
    its.set("jackpot#j-1", seq="5")


def with_odd_attributes(its: Ledger) -> None:
    odd = {
        "bytes": b"\x00\xff",
        "none": None,
        "list": [Decimal("1.50"), {"a": b"b"}],
        "numbers": {Decimal(2), Decimal(1)},
    }
    its.transactions.put_item(Item=its.get(LAST) | odd | {"texts": {"b", "a"}, "no": False, "map": {"é": [None]}})


def with_odd_attributes_computed(its: Ledger) -> None:
    """The digest covers them as well: whoever computes it again hides them."""
    with_odd_attributes(its)
    its.transactions.put_item(
        Item=its.get(LAST) | {"digest": link(its.get("result#r-4")["digest"], covered(its.get(LAST)))}
    )
    its.set_wallet(digest=its.get(LAST)["digest"])


TAMPERINGS: dict[str, Callable[[Ledger], object]] = {
    "nothing": lambda _: None,
    "one unit of the last digit": change("jackpot#j-1", cashAfter=Decimal("1099908.090000000000000001")),
    "the wallet's currency": change_wallet(currency="EUR"),
    "cash as text": change_wallet(cash="5"),
    "a version on": change_wallet(version=Decimal(12)),
    "a count too small": count("421", "gift", Decimal(2)),
    "a count of nobody": count("nobody", "none", Decimal(1)),
    "a count as text": count("423", "odd", "1"),
    "deposits": deposit,
    "a torn restore": restore_wallet,
    "38 digits": forty_digits,
    "38 digits and a fault": a_poor_one_among_the_rich,
    "records that cannot be read": unread,
    "attributes of every type": with_odd_attributes,
    "attributes of every type, and the digests": with_odd_attributes_computed,
    **{f"{name} (as by tables)": do for name, (do, _, _) in WRONG.items()},
}


def assert_same(its: Ledger, folder: Path, *options: str) -> dict[str, Any]:
    """That the account of the tables is the account of their exports; returns it."""
    of_tables = its.account(*options)
    of_export = account_of(exported(folder), *options)
    for made in (of_tables, of_export):
        made["shownFaults"].sort(key=json.dumps)
    assert of_export == of_tables
    return of_export


@pytest.mark.parametrize("name", TAMPERINGS)
def test_an_export_is_proved_as_its_tables_are(ledger: Ledger, tmp_path: Path, name: str) -> None:  # noqa: F811
    TAMPERINGS[name](ledger)

    assert_same(ledger, tmp_path)


def test_what_the_operators_own_side_did_is_proved_as_by_tables(by_hand: Ledger, tmp_path: Path) -> None:  # noqa: F811
    for id, changes, _ in SAID_BY_HAND.values():
        by_hand.said(id, **changes)
    for id, changes, *_ in WRONG_BY_HAND.values():
        by_hand.set(id, **changes)
    by_hand.compute_again()

    assert assert_same(by_hand, tmp_path)["faults"] > len(WRONG_BY_HAND) / 2


def test_every_kind_of_movement_and_outcome_is_proved(by_hand: Ledger, tmp_path: Path) -> None:  # noqa: F811
    made = assert_same(by_hand, tmp_path)

    assert made["faults"] == 0
    assert made["settledWithoutMoney"] == 5
    assert made["moved"]["USD"]["withdrawal"] == "-30"
    assert made["moved"]["EUR"]["adjustment"] == "-5"


def test_erased_requests_are_no_fault(by_hand: Ledger, tmp_path: Path) -> None:  # noqa: F811
    for item in by_hand.transactions.scan()["Items"]:
        by_hand.set(item["id"], request=None)

    assert assert_same(by_hand, tmp_path)["faults"] == 0


def export_of(played: Books, folder: Path) -> Path:
    for name in NAMES:
        write_export(folder, name, played.of(name), items_a_file=40)
    return folder


def test_whatever_was_played_is_proved_by_its_export(books: Books, tmp_path: Path) -> None:  # noqa: F811
    made = account_of(export_of(books, tmp_path))

    assert made["shownFaults"] == []
    assert made["transactions"] + made["settledWithoutMoney"] == len(books.transactions)


# --- Anchors ----------------------------------------------------------------------------------------


def lines_of(anchor: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in anchor.read_text().splitlines()]


@pytest.mark.parametrize("tamper", [lambda _: None, deposit, unread, a_poor_one_among_the_rich])
def test_an_anchor_of_an_export_is_that_of_its_tables(
    by_hand: Ledger,  # noqa: F811
    tmp_path: Path,
    tamper: Callable[[Ledger], object],
) -> None:
    for number in range(12):  # more players, whose order by bytes is another one than by UTF-16
        by_hand.open(f"p-{number}", "1")
    by_hand.open("\U0001fae8", "1")
    by_hand.open("\uffee", "1")
    by_hand.credit("result", reference="r-7", amount="0")
    by_hand.credit("result", reference="r-7", amount="0", promoWinAmount="2", promoWinReference="p-7")
    tamper(by_hand)
    of_tables, of_export = tmp_path / "of-tables", tmp_path / "of-export"
    by_hand.account("--write-anchor", str(of_tables))

    made = account_of(exported(tmp_path / "export"), "--write-anchor", str(of_export))

    head, *players, end = of_export.read_bytes().splitlines()
    assert players == of_tables.read_bytes().splitlines()[1:-1]
    assert json.loads(head) == {"format": 1, "moment": MOMENT, "ledger": made["writtenAnchor"]["ledger"]}
    assert json.loads(end) == {"players": len(players), "sha256": made["writtenAnchor"]["sha256"]}
    assert {key for line in lines_of(of_export)[1:-1] for key in line} == {
        *("player", "version", "digest", "laterPrizes", "outcomes")
    }


CHANGED: dict[str, Callable[[Ledger], object]] = {
    "nothing": lambda _: None,
    "more movements": lambda its: its.credit("result", reference="r-9", amount="1"),
    "a time": lambda its: its.forge("jackpot#j-1", recordedAt="2020-01-01T00:00:00.000+00:00"),
    "the last movement taken back": lambda its: (
        its.delete("opening#423"),
        its.delete("adjustment#a-3"),
        its.players.delete_item(Key={"userId": "423"}),
    ),
    "a refusal made undone": lambda its: its.delete("withdrawal#w-2"),
    "a refusal of another amount": lambda its: its.set("adjustment#a-4", amountAsked=Decimal(-6)),
    "a later prize of another amount": lambda its: its.set("result#r-7", laterPrizeAmount="3"),
    "a later prize of another name": lambda its: its.set("result#r-7", laterPrizeReference="p-8"),
    "a later prize made undone": lambda its: its.set("result#r-7", laterPrizeAmount=None, laterPrizeReference=None),
    "an older wallet": lambda its: its.set_wallet(
        "423", version=Decimal(1), cash=Decimal(0), digest=its.get("opening#423")["digest"]
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_an_export_is_compared_with_an_anchor_as_its_tables_are(
    by_hand: Ledger,  # noqa: F811
    tmp_path: Path,
    name: str,
) -> None:
    by_hand.credit("result", reference="r-7", amount="0")
    by_hand.credit("result", reference="r-7", amount="0", promoWinAmount="2", promoWinReference="p-7")
    anchor = tmp_path / "anchor"
    by_hand.account("--write-anchor", str(anchor))
    CHANGED[name](by_hand)

    made = assert_same(by_hand, tmp_path / "export", "--anchor", str(anchor))

    is_honest = name in ("nothing", "more movements")
    assert ("before the anchor" not in made["faultsByKind"]) is is_honest


def test_an_export_is_compared_with_every_anchor(ledger: Ledger, tmp_path: Path) -> None:  # noqa: F811
    anchors = [tmp_path / "first", tmp_path / "second"]
    ledger.account("--write-anchor", str(anchors[0]))
    ledger.credit("result", reference="r-6", amount="1")
    ledger.account("--write-anchor", str(anchors[1]))
    ledger.forge("opening#421", reason="another")

    made = account_of(exported(tmp_path / "export"), *(f"--anchor={anchor}" for anchor in anchors))

    assert made["faultsByKind"] == {"before the anchor": 2, "request": 1}
    assert [fault["seq"] for fault in made["shownFaults"] if fault["fault"] == "before the anchor"] == [9, 10]


def test_an_anchor_that_knows_nobody_here_is_of_another_ledger(tmp_path: Path) -> None:
    """Or everybody is gone, if it is of this one."""
    write_export(tmp_path / "then", "Players", [WALLET])
    write_export(tmp_path / "then", "Transactions", TRANSACTIONS)
    other = {**WALLET, "userId": {"S": "other"}}
    write_export(tmp_path / "now", "Players", [other])
    of = write_export(tmp_path / "now", "Transactions", [])
    anchor = str(tmp_path / "anchor")
    assert verify("--export", str(tmp_path / "then"), "--write-anchor", anchor).exit_code == 0

    made = account_of(tmp_path / "now", "--anchor", anchor)
    assert made["faultsByKind"] == {"before the anchor": 1, "missing": 1}

    altered(of / "manifest-summary.json", tableArn="arn:aws:dynamodb:eu-west-1:1:table/Transactions-of-another")
    told = verify("--export", str(tmp_path / "now"), "--anchor", anchor)
    assert told.exit_code == 2
    assert "is of another ledger" in told.stderr


def test_an_anchor_that_was_cut_off_is_no_verdict(ledger: Ledger, tmp_path: Path) -> None:  # noqa: F811
    anchor = tmp_path / "anchor"
    account_of(exported(tmp_path / "export"), "--write-anchor", str(anchor))
    anchor.write_bytes(anchor.read_bytes().rpartition(b'{"players"')[0])

    told = verify("--export", str(tmp_path / "export"), "--anchor", str(anchor))

    assert told.exit_code == 2
    assert "cut off" in told.stderr


def test_an_anchor_is_not_overwritten_and_none_is_left_of_an_export_that_is_not_whole(
    ledger: Ledger,  # noqa: F811
    tmp_path: Path,
) -> None:
    exported(tmp_path / "export")
    anchor = tmp_path / "anchors" / "anchor"
    anchor.parent.mkdir()
    max((tmp_path / "export").rglob("*transactions*.json.gz")).unlink()

    told = verify("--export", str(tmp_path / "export"), "--write-anchor", str(anchor))
    assert told.exit_code == 2
    assert [*anchor.parent.iterdir()] == []

    anchor.write_text("kept")
    told = verify("--export", str(tmp_path / "export"), "--write-anchor", str(anchor))
    assert told.exit_code == 2
    assert "is there already" in told.stderr
    assert anchor.read_text() == "kept"


def test_exports_and_anchors_may_be_in_a_bucket(ledger: Ledger, tmp_path: Path) -> None:  # noqa: F811
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="ledgers", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for path in exported(tmp_path).rglob("*"):
        if path.is_file():
            s3.upload_file(str(path), "ledgers", f"november/{path.relative_to(tmp_path)}")

    written = verify("--export", "s3://ledgers/november", "--write-anchor", "s3://ledgers/anchors/1")
    compared = verify("--export", str(tmp_path), "--anchor", "s3://ledgers/anchors/1")

    assert written.stdout.splitlines()[-1] == compared.stdout.splitlines()[-1] == "No fault"
    assert "Wrote the anchor s3://ledgers/anchors/1 of 2026-11-21 19:00:00Z: 3 players" in written.stdout
    assert "Compared with the anchor s3://ledgers/anchors/1 of 2026-11-21 19:00:00Z: 3 players" in compared.stdout


# --- Whatever size ----------------------------------------------------------------------------------


def test_large_files_are_proved_by_processes(
    books: Books,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "_WORTH_A_PROCESS", 0)
    books.said("jackpot#j-1", gameId="another")
    books.said("result#f-3", amount=4)

    made = account_of(export_of(books, tmp_path))

    assert {(fault["fault"], fault["id"]) for fault in made["shownFaults"]} == {
        ("request", "jackpot#j-1"),
        ("request", "result#f-3"),
    }


def test_the_tamperings_are_found_at_all(ledger: Ledger, tmp_path: Path) -> None:  # noqa: F811
    ledger.set("jackpot#j-1", cashAfter=Decimal(1))
    told = verify("--export", str(exported(tmp_path)))

    assert told.exit_code == 1
    assert "421" in told.stdout
    assert "jackpot#j-1: cashAfter is 1 where" in re.sub(r"\s+", " ", told.stdout)
    assert told.stdout.splitlines()[-1] == "3 faults"


def test_a_good_export_ends_with_no_fault(ledger: Ledger, tmp_path: Path) -> None:  # noqa: F811
    told = verify("--export", str(exported(tmp_path)))

    assert told.exit_code == 0
    assert told.stdout.splitlines()[-2:] == ["3 players, 12 transactions", "No fault"]


def test_without_the_counts_free_rounds_are_not_compared(ledger: Ledger, tmp_path: Path) -> None:  # noqa: F811
    ledger.keep("421", "gift", uncovered=Decimal(2))
    made = account_of(exported(tmp_path, "Players", "Transactions"))

    assert made["faults"] == 0
    assert made["freeRoundsCompared"] is False


def test_each_table_may_be_named_apart(ledger: Ledger, tmp_path: Path) -> None:  # noqa: F811
    places = [export(tmp_path / name, name) for name in NAMES]

    told = verify("--json", *(part for place in places for part in ("--export", str(place))))

    assert json.loads(told.stdout)["transactions"] == 12


def test_files_are_loaded_a_few_at_a_time(
    ledger: Ledger,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(export_books, "FILES_AT_ONCE", 1)

    assert account_of(exported(tmp_path))["transactions"] == 12


def test_no_more_than_a_thousand_faults_are_listed(
    ledger: Ledger,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(account_module, "MOST_SHOWN", 1)
    ledger.transactions.delete_item(Key={"id": "result#r-1"})
    ledger.transactions.delete_item(Key={"id": "jackpot#j-1"})
    made = account_of(exported(tmp_path))

    assert made["faultsByKind"]["missing"] == 2
    assert len(made["shownFaults"]) == 1


# --- What is no export ------------------------------------------------------------------------------


def transaction(seq: int, before: str) -> dict[str, Any]:
    """A jackpot of 1, or the opening that they need."""
    id, user_id, moment = f"jackpot#r-{seq}" if seq > 1 else "opening#r-1", "421", "2026-11-21T18:00:00.000+00:00"
    request = {"userId": user_id, "amount": "1", "reference": f"r-{seq}"}
    if seq > 1:
        request |= {"providerId": "p", "timestamp": "1", "gameId": "g", "roundId": f"{seq}", "jackpotId": "j"}
    else:
        request |= {"movement": "opening", "currency": "USD", "actor": "a", "reason": "r"}
    item: dict[str, Any] = {
        name: value for name, value in request.items() if name not in ("amount", "reference", "movement")
    }
    text = json.dumps(request)
    item |= {"id": id, "currency": "USD", "recordedAt": moment, "request": text, "requestDigest": digest_of(text)}
    item |= {"transactionId": str(uuid.uuid5(NAMESPACE, id))}
    numbers = {"seq": seq, "amount": 1, "amountAsked": 1, "cashAfter": seq, "bonusAfter": 0}
    item |= {name: Decimal(number) for name, number in numbers.items()}
    return encoded(item | {"digest": link(before, covered(item))})


TRANSACTIONS: list[dict[str, Any]] = []
for number in range(1, 10):
    TRANSACTIONS.append(transaction(number, TRANSACTIONS[-1]["digest"]["S"] if TRANSACTIONS else ""))
WALLET = {
    "userId": {"S": "421"},
    "currency": {"S": "USD"},
    "cash": {"N": "9"},
    "bonus": {"N": "0"},
    "version": {"N": "9"},
    "digest": TRANSACTIONS[-1]["digest"],
}


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


def test_a_table_whose_first_records_moved_nothing_is_known_by_its_records(by_hand: Ledger, tmp_path: Path) -> None:  # noqa: F811
    of = write_export(tmp_path, "x", [encoded(by_hand.get("withdrawal#w-2"))])

    (found,) = files.exports([files.Folder(of)])

    assert found.table == "transactions"


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


@pytest.mark.parametrize("name", ["gaming_revenue", "open_rounds"])
def test_the_page_of_exports_leads_to_what_finance_asks(name: str) -> None:
    assert f"(queries/{name}.sql)" in (ROOT / "docs" / "operating" / "exports.md").read_text()


def documented_views() -> str:
    """The views over the export's external tables, in DuckDB's words."""
    return documented("views").replace("transform(", "list_transform(").replace("'MOMENT'", f"'{MOMENT}'")


def documented_type(table: str) -> str:
    """The type of an external table's items, in DuckDB's words."""
    (type_,) = re.findall(
        rf"^CREATE EXTERNAL TABLE {table} \(\s+item (struct<.*?>)\s+\)", documented("tables"), re.DOTALL | re.MULTILINE
    )
    type_ = re.sub(r"array<(struct<s:string>|struct<m:struct<.*?>>>)>", r"\1[]", type_, flags=re.DOTALL)
    type_ = re.sub(r"`?(\w+)`?:", r'"\1" ', type_).replace("string", "VARCHAR")
    return type_.replace("struct<", "STRUCT(").replace(">", ")")


def in_lower_case(item: Any) -> Any:
    """As Athena reads it; with numbers as DynamoDB writes them, where moto keeps zeros and exponents."""
    if isinstance(item, list):
        return [in_lower_case(each) for each in item]
    if not isinstance(item, dict):
        return item
    if [*item] == ["N"]:
        return {"n": amount(Decimal(item["N"]))}
    return {name.lower(): in_lower_case(value) for name, value in item.items()}


def athena(books: Books, folder: Path, anchor: str = "") -> duckdb.DuckDBPyConnection:  # noqa: F811
    """Athena's external tables are made here by the reader of DuckDB; all that stands on them is as documented."""
    database = duckdb.connect()
    for macro in (
        "regexp_like(text, pattern) AS regexp_matches(text, pattern)",
        "array_join(texts, mark) AS array_to_string(texts, mark)",
        "to_utf8(text) AS encode(text)",
        "to_hex(digest) AS upper(digest)",
        "to_unixtime(moment) AS epoch(moment)",
    ):
        database.execute(f"CREATE MACRO {macro}")
    database.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")
    for name in NAMES:
        lines = folder / f"{name}.json"
        lines.write_text("".join(f"{json.dumps({'item': in_lower_case(item)})}\n" for item in books.of(name)))
        table = f"exported_{re.sub('(?<!^)(?=[A-Z])', '_', name).lower()}"
        columns = f"{{'item': '{documented_type(table)}'}}"
        database.execute(f"CREATE TABLE {table} AS SELECT * FROM read_json('{lines}', columns = {columns})")  # noqa: S608 - our own words
    (columns,) = re.findall(r"^CREATE EXTERNAL TABLE anchors \((.*)\)$", documented("tables"), re.MULTILINE)
    database.execute(f"CREATE TABLE anchors ({columns.replace('string', 'VARCHAR')})")
    for line in map(json.loads, anchor.splitlines()):
        database.execute(
            "INSERT INTO anchors VALUES (?, ?, ?)", [line.get(name) for name in ("player", "version", "digest")]
        )
    database.execute(documented_views())
    for name in ("exact_transactions", "exact_wallets"):
        database.execute(query(name))
    return database


def found_by(database: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    found = [row[:4] for name in export_books._SUSPECTING for row in database.execute(query(name)).fetchall()]
    return sorted([(what, player, id) for what, player, _, id in found], key=str)


LEFT_FOR_A_PERSON = [
    ("prize", "prizes", f"result#{reference}") for reference in ("a-number", "late-odd", "too-long", "twice")
]


def test_the_documented_views_give_the_queries_their_columns(books: Books, tmp_path: Path) -> None:  # noqa: F811
    def seq_of(transaction: str) -> Decimal:
        return books.transactions[transaction]["seq"]

    books.set("jackpot#j-1", cashAfter=Decimal(1))
    books.set("promo#pr-1", digest="0" * 64)
    books.free_rounds["free", "late"]["uncovered"] = Decimal(2)
    books.wallets["prizes"]["digest"] = "0" * 64
    database = athena(books, tmp_path)

    assert [each for each in found_by(database) if each not in LEFT_FOR_A_PERSON] == [
        ("chain broken", "421", "jackpot#j-1"),
        ("chain broken", "421", "promo#pr-1"),
        ("digest", "421", "jackpot#j-1"),
        ("digest", "421", "promo#pr-1"),
        ("digest", "421", min(books.later("promo#pr-1"), key=seq_of)),
        ("digest", "prizes", max(books.later("opening#prizes"), key=seq_of)),
        ("free rounds", "free", "late"),
    ]
    counted = ["players", "transactions", "free rounds", "rounds"]
    counts = [(what, len(list(books.of(name)))) for what, name in zip(counted, NAMES, strict=True)]
    assert database.execute(documented("counts")).fetchall() == counts


def test_athena_writes_what_a_digest_covers_as_the_ledger_does(books: Books, tmp_path: Path) -> None:  # noqa: F811
    books.set("jackpot#j-1", providerId='"\\/\b\t\n\f\r\x7f\u2028 \U0001fae8', actor="a", reason="né")
    database = athena(books, tmp_path)

    movements = [item for item in books.transactions.values() if "seq" in item]
    written = dict(database.execute("SELECT id, covered FROM transactions").fetchall())
    assert {item["id"]: written[item["id"]] for item in movements} == {item["id"]: covered(item) for item in movements}
    assert {name for item in movements for name in item} >= {"autoClosed", "bonusAmount", "advanceAfter", "prizeAmount"}


def test_athena_names_what_an_anchor_contradicts(books: Books, tmp_path: Path) -> None:  # noqa: F811
    anchor = tmp_path / "anchor"
    account_of(export_of(books, tmp_path / "export"), "--write-anchor", str(anchor))
    assert found_by(athena(books, tmp_path, anchor.read_text())) == LEFT_FOR_A_PERSON

    last = max(books.later("opening#free"), key=lambda each: books.transactions[each]["seq"])
    books.transactions = {id: item for id, item in books.transactions.items() if item["userId"] != "421"}
    del books.transactions[last], books.wallets["421"]

    named = [each[:2] for each in found_by(athena(books, tmp_path, anchor.read_text()))]
    assert ("before the anchor", "421") in named
    assert ("before the anchor", "free") in named
    assert ("before the anchor", "prizes") not in named


def test_finance_sees_what_was_staked_and_won_in_a_game_and_what_is_open(books: Books, tmp_path: Path) -> None:  # noqa: F811
    database = athena(books, tmp_path)

    days = database.execute(documented("gaming_revenue")).fetchall()
    of_slot = [[*row[3:]] for row in days if row[1:3] == ("USD", "slot")]
    staked, won, net, bets = (sum(column) for column in zip(*of_slot, strict=True))
    assert (staked, won, net, bets) == (11, 19, -8, 5)
    (open_round,) = database.execute(documented("open_rounds")).fetchall()
    assert (*open_round[:3], *open_round[4:]) == ("plays", "slot", "p-open", "USD", 1, 3)


def test_every_query_is_used() -> None:
    assert sorted([*export_books._SUSPECTING, "exact_transactions", "exact_wallets"]) == QUERIES

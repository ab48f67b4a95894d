"""The account of an exported ledger: the queries sum up whom they do not suspect, the others are proved one by one."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import get_args

import boto3

from tools.shared import listing
from tools.shared.outside import plain
from tools.shared.trouble import Trouble
from tools.walletctl.export.books import ExportBooks
from tools.walletctl.export.files import Export, Table, exports, store
from tools.walletctl.verify.account import Account, check_ledger
from tools.walletctl.verify.account import account as account_of
from tools.walletctl.verify.anchors import Writer
from tools.walletctl.verify.entries import EXACT, Page
from tools.walletctl.verify.keeping import lines_of, s3_for, writing


def account_of_exports(
    places: Sequence[str],
    *,
    anchors: Sequence[str] = (),
    write_anchor: str | None = None,
    rounds_since: datetime | None = None,
    session: Callable[[], boto3.Session] | None = None,
) -> Account:
    """Proves the ledger whose exports are in the folders or `s3://` prefixes. Raises Trouble.

    It is compared with the `anchors`, and an anchor of it is written to `write_anchor`, if that is a place. What came
    before `rounds_since` need not be in a round. `session` makes the caller's own account, if a place needs one.
    """
    account = cache(session or boto3.Session)
    of_places = account() if session and any(place.startswith("s3://") for place in places) else None
    found = _of_one_ledger(exports([store(place, of_places) for place in places]))
    of = next(export for export in found if export.table == "transactions")
    s3 = s3_for([*anchors, *([write_anchor] if write_anchor else [])], account)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="walletctl-export-") as name,
            closing(ExportBooks(Path(name))) as books,
            writing(write_anchor, s3, of.moment, of.ledger) if write_anchor else nullcontext() as writer,
        ):
            books.rounds_since = rounds_since
            read = [books.read_anchor(plain(place), lines_of(place, s3)) for place in anchors]
            for export in found:
                _load(books, export)
            with listing.progress("proving"):
                made = _account(books, writer)
            made.anchors = read
            check_ledger(made, lambda: of.ledger)
            made.written = writer and writer.end()
            return made
    except OSError as error:
        raise Trouble(
            f"the exports cannot be kept here: {error.strerror}; TMPDIR names a place with more room"
        ) from None


def _load(books: ExportBooks, export: Export) -> None:
    with listing.progress(f"{export.table}: items loaded") as advance:
        loaded = 0

        def tell(items: int) -> None:
            nonlocal loaded
            advance(items - loaded)
            loaded = items

        books.load(export, tell)


def _account(books: ExportBooks, writer: Writer | None) -> Account:
    books.prove()
    made = account_of(
        _suspects(books, writer),
        compares_free_rounds=books.compares_free_rounds,
        compares_rounds=books.compares_rounds,
    )
    made.players += books.players()
    made.outcomes = (made.outcomes or 0) + books.outcomes()
    made.anchored += books.anchored()
    made.anchored_here += books.anchored()
    for key, transactions, amount in books.moved():
        made.transactions += transactions
        made.moved[key] = EXACT.add(made.moved[key], amount)
    return made


def _suspects(books: ExportBooks, writer: Writer | None) -> Iterator[Page]:
    for page, is_suspect in books.pages(everybody=writer is not None):
        if writer:
            writer.add(page)
        if is_suspect:
            yield page


def _of_one_ledger(found: Sequence[Export]) -> Sequence[Export]:
    """The exports, of each table one. Raises Trouble if wallets or transactions are not there, or twice."""
    by_table: dict[Table, list[Export]] = {table: [] for table in get_args(Table)}
    for export in found:
        by_table[export.table].append(export)
    for table, of_table in by_table.items():
        if len(of_table) > 1:
            names = ", ".join(export.name for export in of_table)
            raise Trouble(f"there are {len(of_table)} exports of {table}: name one of {names} with --export")
        if not of_table and table in ("players", "transactions"):
            there = ", ".join(f"{export.table} in {export.name}" for export in found)
            raise Trouble(f"there is no export of {table}, only of {there}: name that one too, with another --export")
    moments = {export.moment for export in found}
    if len(moments) > 1:
        told = ", ".join(f"{export.table} {export.moment}" for export in found)
        listing.say(
            f"walletctl: the exports are of more than one moment ({told}): what was credited in between is at odds "
            "with the wallets; export the tables again with one --export-time"
        )
    return [export for of_table in by_table.values() for export in of_table]

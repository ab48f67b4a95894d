"""The account of an exported ledger: the queries sum up whom they do not suspect, the others are proved one by one."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import get_args

import boto3

from tools.shared import listing
from tools.shared.trouble import Trouble
from tools.walletctl.export.books import ExportBooks
from tools.walletctl.export.files import Export, Table, exports, store
from tools.walletctl.verify.account import Account
from tools.walletctl.verify.account import account as account_of
from tools.walletctl.verify.entries import EXACT, Page


def account_of_exports(
    places: Sequence[str],
    *,
    begin: Callable[[ExportBooks, Sequence[Export]], Callable[[Page], object] | None] = lambda *_: None,
    session: Callable[[], boto3.Session] | None = None,
) -> Account:
    """Proves the ledger whose exports are in the folders or `s3://` prefixes. Raises Trouble.

    `begin` is called before anything is read. What it returns is called with the page of every player, in order, for
    an anchor to be written. `session` makes the caller's own account, if a place needs one.
    """
    account = session() if session and any(place.startswith("s3://") for place in places) else None
    found = _of_one_ledger(exports([store(place, account) for place in places]))
    try:
        with tempfile.TemporaryDirectory(prefix="walletctl-export-") as name, closing(ExportBooks(Path(name))) as books:
            then = begin(books, found)
            for export in found:
                with listing.progress(f"{export.table}: items loaded") as advance:
                    loaded = 0

                    def tell(items: int, advance: Callable[[int], None] = advance) -> None:
                        nonlocal loaded
                        advance(items - loaded)
                        loaded = items

                    books.load(export, tell)
            with listing.progress("proving"):
                return _account(books, then)
    except OSError as error:
        raise Trouble(
            f"the exports cannot be kept here: {error.strerror}; TMPDIR names a place with more room"
        ) from None


def _account(books: ExportBooks, then: Callable[[Page], object] | None) -> Account:
    books.prove()
    made = account_of(_suspects(books, then), compares_free_rounds=books.compares_free_rounds)
    made.players += books.players()
    made.outcomes += books.outcomes()
    made.anchored += books.anchored()
    made.anchored_here += books.anchored()
    for key, transactions, amount in books.moved():
        made.transactions += transactions
        made.moved[key] = EXACT.add(made.moved[key], amount)
    return made


def _suspects(books: ExportBooks, then: Callable[[Page], object] | None) -> Iterator[Page]:
    for page, is_suspect in books.pages(everybody=then is not None):
        if then:
            then(page)
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
        if not of_table and table != "free rounds":
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

"""The operator's own proof, as `walletctl verify` makes it, of tables in memory."""

from collections.abc import Iterator, Sequence, Set
from contextlib import closing
from typing import Any

from memory import Tables
from tools.walletctl.verify.account import account
from tools.walletctl.verify.books import TableBooks

Item = dict[str, Any]


class _Scanned:
    """Tables in memory, read as walletctl reads them; not those players' `without` a proof."""

    players, transactions, free_rounds = "Players", "Transactions", "FreeRounds"

    def __init__(self, tables: Tables, without: Set[str]) -> None:
        every = {table: [_listed(item) for item in tables.all(table)] for table in tables.items}
        self._items = {
            table: [item for item in items if item["userId"] not in without] for table, items in every.items()
        }
        self._by_id = {item["id"]: item for item in every[self.transactions]}

    def scanned(self, table: str, *_: object) -> Iterator[Item]:
        yield from self._items[table]

    def with_ids(self, ids: Sequence[str], *_: object) -> Iterator[Item]:
        yield from (self._by_id[id] for id in ids if id in self._by_id)


def proved(tables: Tables, without: Set[str]) -> tuple[int, list[str]]:
    """How many players' ledgers were looked at, and what is wrong with them; not of those `without` one."""
    scanned: Any = _Scanned(tables, without)
    with closing(TableBooks(scanned)) as books:
        books.read(lambda _: None)
        made = account(books.pages(), compares_free_rounds=True)
    return made.players, [f"{fault.user_id}: {fault.what}: {fault.text}" for fault in made.faults]


def _listed(item: Item) -> Item:
    return {name: [*value] if isinstance(value, tuple) else value for name, value in item.items()}

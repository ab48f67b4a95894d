"""The operator's own proof, as `walletctl verify` makes it, of tables in memory."""

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import closing
from typing import Any

from memory import Tables
from tools.walletctl.verify.account import Account, account
from tools.walletctl.verify.anchors import Writer
from tools.walletctl.verify.books import TableBooks

Item = dict[str, Any]
MOMENT = "2026-11-30T12:00:00Z"
Items = Mapping[str, Sequence[Item]]  # by table


class _Scanned:
    """Items in memory, read as walletctl reads tables."""

    players, transactions, free_rounds, rounds = "Players", "Transactions", "FreeRounds", "Rounds"

    def __init__(self, items: Items, now: Items, on_record: Sequence[Item]) -> None:
        self._items = items
        self._now = {item["id"]: item for item in on_record}
        self._wallets = {item["userId"]: item for item in now[self.players]}
        self._rounds = {(item["userId"], item["round"]): item for item in now[self.rounds]}

    def scanned(self, table: str, *_: object) -> Iterator[Item]:
        yield from self._items[table]

    def with_ids(self, ids: Sequence[str], *_: object) -> Iterator[Item]:
        yield from (self._now[id] for id in ids if id in self._now)

    def wallet(self, user_id: str, *_: object) -> Item | None:
        return self._wallets.get(user_id)

    def round(self, user_id: str, key: str) -> Item | None:
        return self._rounds.get((user_id, key))


def prove(
    items: Items, anchor: str | None = None, *, now: Items | None = None, on_record: Sequence[Item] | None = None
) -> tuple[Account, str]:
    """The account of a ledger, compared with an `anchor`, and an anchor of it.

    `now` is what the tables hold when all `items` are read, if they were moved meanwhile. `on_record` are the records
    of everybody, if not every player is proved: a prize may be on record as another player's.
    """
    now_or_then = now or items
    scanned: Any = _Scanned(items, now_or_then, now_or_then["Transactions"] if on_record is None else on_record)
    lines: list[str] = []
    writer = Writer("an anchor", MOMENT, "tables in memory", lines.append)
    with closing(TableBooks(scanned)) as books:
        if anchor is not None:
            books.read_anchor("an anchor", anchor.encode().splitlines(keepends=True))
        books.read(lambda _: None)
        made = account(
            books.pages(),
            compares_free_rounds=True,
            wallet_now=books.wallet_now if now else None,
            round_now=books.round_now if now else None,
            then=writer.add,
        )
    writer.end()
    return made, "".join(lines)


def items_of(tables: Tables, without: Set[str] = frozenset()) -> Items:
    """What the tables hold, but not of those players."""
    return {
        table: [_listed(item) for item in tables.all(table) if item["userId"] not in without] for table in tables.items
    }


def _listed(item: Item) -> Item:
    return {name: [*value] if isinstance(value, tuple) else value for name, value in item.items()}

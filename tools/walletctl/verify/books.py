"""The tables as they were read: put in order on disk, and handed out a player at a time.

DynamoDB hands out transactions in no order. They go into a temporary database of SQLite's, which keeps 64 MB of it in
memory and the rest in a nameless file that is gone with the process: about 300 bytes a transaction. In memory stands
one player at a time, with all of that player's transactions.

**Players are read first, transactions last**, each strongly consistently, so that every transaction up to a wallet's
version is seen. What callbacks write meanwhile is beyond the wallets that were read; `Books.wallet_now` tells it from a
wallet that is behind its transactions.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from tools.local.trouble import Trouble
from tools.outside import plain, trouble_if
from tools.walletctl.items import Item, decoded, of_player, scanned, with_keys
from tools.walletctl.place import Tables
from tools.walletctl.verify.proof import Fault, Transaction, Wallet

Advance = Callable[[int], None]

_KINDS = frozenset({"result", "jackpot", "bonus", "promo"})
_MOST_VERSIONS = 2**62  # SQLite's numbers end a little later; a wallet's version never comes near

_TABLES = """
    CREATE TABLE players (player TEXT, currency TEXT, cash TEXT, bonus TEXT, version INTEGER);
    CREATE TABLE counts (player TEXT, code TEXT, uncovered TEXT);
    CREATE TABLE transactions (
        player TEXT, seq INTEGER, id TEXT, amount TEXT, asked TEXT, currency TEXT, cash TEXT, bonus TEXT, code TEXT
    );
    CREATE TABLE unreadable (player TEXT, id TEXT, text TEXT, is_wallet INTEGER);
"""
_EVERYWHERE = ("players", "transactions", "counts", "unreadable")
_ORDER = """
    CREATE INDEX players_in_order ON players (player);
    CREATE INDEX unreadable_in_order ON unreadable (player);
    CREATE INDEX counts_in_order ON counts (player);
    CREATE INDEX transactions_in_order ON transactions (player, seq, id);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was read of one player; `wallet` is None if there is none, or none that can be read."""

    user_id: str
    unreadable: Sequence[Fault]
    has_wallet: bool
    wallet: Wallet | None
    transactions: Sequence[Transaction]
    uncovered: Mapping[str, Decimal] | None


@dataclass(slots=True)
class Books:
    tables: Tables
    _database: sqlite3.Connection = field(init=False)

    def __post_init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # "": on disk, without a name
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536", "temp_store = FILE"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.executescript(_TABLES)

    def close(self) -> None:
        self._database.close()

    def read(self, advance: Advance) -> None:
        """Reads the three tables. Raises Trouble."""
        dynamodb, tables = self.tables.dynamodb, self.tables
        with self._taking():
            for item in scanned(dynamodb, tables.players, advance, ("userId", *_WALLET)):
                self._take_wallet(item)
            if tables.free_rounds:
                for item in scanned(dynamodb, tables.free_rounds, advance, _COUNT):
                    self._take_count(item)
            for item in scanned(dynamodb, tables.transactions, advance, ("id", "userId", *_TRANSACTION, "bonusCode")):
                self._take_transaction(item)

    def read_player(self, user_id: str, advance: Advance) -> None:
        """Reads one player, by key and by the index: what lacks a `userId` or `seq` is in neither. Raises Trouble."""
        dynamodb, tables = self.tables.dynamodb, self.tables
        with self._taking():
            version = 0
            for item in with_keys(dynamodb, tables.players, [{"userId": user_id}], ("userId", *_WALLET)):
                self._take_wallet(item)
                version = 0 if wrong_in_wallet(item) else int(item["version"])
            if tables.free_rounds:
                for item in of_player(dynamodb, tables.free_rounds, user_id, attributes=_COUNT):
                    self._take_count(item)
            keys = self._keys_of(user_id, version)
            for item in with_keys(dynamodb, tables.transactions, keys, ("id", "userId", *_TRANSACTION, "bonusCode")):
                self._take_transaction(item)
                advance(1)

    def _keys_of(self, user_id: str, version: int) -> list[Item]:
        """The keys of a player's transactions, up to that version if the index comes to have them within a moment."""
        tries = 4
        while True:
            found = list(of_player(self.tables.dynamodb, self.tables.transactions, user_id, index="byPlayer"))
            tries -= 1
            if not tries or (found and found[-1]["seq"] >= version):
                return [{"id": item["id"]} for item in found]
            time.sleep(0.25)

    @contextmanager
    def _taking(self) -> Iterator[None]:
        with _trouble_if_full():
            self._database.execute("BEGIN")
            yield
            self._database.execute("COMMIT")
            self._database.executescript(_ORDER)

    def pages(self) -> Iterator[Page]:
        """Each player of whom there is anything, in order."""
        everyone = " UNION ".join(f"SELECT player FROM {table}" for table in _EVERYWHERE)  # noqa: S608 - our own words
        with _trouble_if_full():
            for (user_id,) in self._database.execute(f"{everyone} ORDER BY player"):
                yield self._page(user_id)

    def wallet_now(self, user_id: str) -> Wallet | None:
        """A wallet as it is at this moment. Raises Trouble."""
        with trouble_if(f"the table {plain(self.tables.players)} cannot be read"):
            answer = self.tables.dynamodb.get_item(
                TableName=self.tables.players, Key={"userId": {"S": user_id}}, ConsistentRead=True
            )
        item = decoded(answer.get("Item", {}))
        return None if not item or wrong_in_wallet(item) else wallet_of(item)

    def _page(self, user_id: str) -> Page:
        wallets = self._database.execute("SELECT * FROM players WHERE player = ?", (user_id,))
        counts = self._database.execute("SELECT code, uncovered FROM counts WHERE player = ?", (user_id,))
        transactions = self._database.execute(
            "SELECT * FROM transactions WHERE player = ? ORDER BY seq, id", (user_id,)
        )
        unreadable = self._database.execute("SELECT * FROM unreadable WHERE player = ?", (user_id,)).fetchall()
        wallet = next(
            (
                Wallet(user_id=user_id, currency=currency, cash=Decimal(cash), bonus=Decimal(bonus), version=version)
                for _, currency, cash, bonus, version in wallets
            ),
            None,
        )
        return Page(
            user_id=user_id,
            unreadable=[Fault(user_id=user_id, what="unreadable", id=id, text=text) for _, id, text, _ in unreadable],
            has_wallet=wallet is not None or any(is_wallet for *_, is_wallet in unreadable),
            wallet=wallet,
            transactions=[
                Transaction(
                    id=id,
                    user_id=user_id,
                    seq=seq,
                    amount=Decimal(amount),
                    asked=Decimal(asked),
                    currency=currency,
                    cash_after=Decimal(cash),
                    bonus_after=Decimal(bonus),
                    bonus_code=code,
                )
                for _, seq, id, amount, asked, currency, cash, bonus, code in transactions
            ],
            uncovered={code: Decimal(count) for code, count in counts} if self.tables.free_rounds else None,
        )

    def _take_wallet(self, item: Item) -> None:
        user_id = str(item.get("userId"))
        if wrong := wrong_in_wallet(item):
            self._complain(user_id, None, f"the wallet lacks {wrong}, or it is of another type", is_wallet=True)
            return
        wallet = wallet_of(item)
        row = (user_id, wallet.currency, str(wallet.cash), str(wallet.bonus), wallet.version)
        self._database.execute("INSERT INTO players VALUES (?, ?, ?, ?, ?)", row)

    def _take_count(self, item: Item) -> None:
        user_id, code, uncovered = (item.get(name) for name in ("userId", "bonusCode", "uncovered"))
        if not isinstance(uncovered, Decimal):
            self._complain(str(user_id), None, f"the count of code {code} is no number")
            return
        self._database.execute("INSERT INTO counts VALUES (?, ?, ?)", (user_id, code, str(uncovered)))

    def _take_transaction(self, item: Item) -> None:
        id, user_id = str(item.get("id")), str(item.get("userId"))
        if wrong := wrong_in_transaction(item):
            self._complain(user_id, id, f"it lacks {wrong}, or it is not of the ledger's form")
            return
        row = (
            user_id,
            int(item["seq"]),
            id,
            *(str(item[name]) for name in ("amount", "amountAsked")),
            item["currency"],
            *(str(item[name]) for name in ("cashAfter", "bonusAfter")),
            item.get("bonusCode"),
        )
        self._database.execute("INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def _complain(self, user_id: str, id: str | None, text: str, *, is_wallet: bool = False) -> None:
        self._database.execute("INSERT INTO unreadable VALUES (?, ?, ?, ?)", (user_id, id, text, is_wallet))


_COUNT = ("userId", "bonusCode", "uncovered")
_WALLET = ("currency", "cash", "bonus", "version")
_TRANSACTION = ("seq", "amount", "amountAsked", "currency", "cashAfter", "bonusAfter")


def wallet_of(item: Item) -> Wallet:
    return Wallet(
        user_id=item["userId"],
        currency=item["currency"],
        cash=item["cash"],
        bonus=item["bonus"],
        version=int(item["version"]),
    )


def wrong_in_wallet(item: Item) -> str | None:
    """The first attribute that is not what a wallet has; None if it is one."""
    for name in _WALLET:
        value = item.get(name)
        if not isinstance(value, str if name == "currency" else Decimal):
            return name
    return None if _is_number(item["version"], 0) else "version"


def wrong_in_transaction(item: Item) -> str | None:
    """The first attribute that is not what a transaction has; None if it is one."""
    if str(item.get("id")).partition("#")[0] not in _KINDS:
        return "a kind in its id"
    for name in ("userId", *_TRANSACTION):
        value = item.get(name)
        if not isinstance(value, str if name in ("userId", "currency") else Decimal):
            return name
    if not isinstance(item.get("bonusCode"), str | None):
        return "bonusCode"
    if item["amount"] < 0 or item["amountAsked"] < 0:
        return "amount"
    return None if _is_number(item["seq"], 1) else "seq"


def _is_number(value: Decimal, least: int) -> bool:
    return value == value.to_integral_value() and least <= value < _MOST_VERSIONS


@contextmanager
def _trouble_if_full() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:  # no room on the disk, most likely
        raise Trouble(f"the transactions cannot be put in order on this machine's disk: {error}") from error

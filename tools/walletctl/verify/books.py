"""The tables as they were read: put in order on disk, and handed out a player at a time.

DynamoDB hands out transactions in no order. Each record is compared with its request as it comes. The rest goes into a
temporary database of SQLite's, which keeps 64 MB of it in memory and the rest in a nameless file that is gone with the
process: about 450 bytes a transaction, and as much again while they are put in order. Memory has one player at a time,
with all of that player's transactions, without their requests.

**Players are read first, transactions last**, each strongly consistently, so that every transaction up to a wallet's
version is seen. What callbacks write meanwhile is beyond the wallets that were read; `TableBooks.wallet_now` tells it
from a wallet that is behind its transactions.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any, cast

from tools.shared.items import Item
from tools.shared.trouble import Trouble
from tools.walletctl.tables import Tables
from tools.walletctl.verify.entries import Fault, RecordedFreeRounds, RecordedTransaction, RecordedWallet
from tools.walletctl.verify.record import KINDS, faults_of, owner, shown

Advance = Callable[[int], None]

_MOST_VERSIONS = 2**62  # SQLite's numbers end a little later; a wallet's version never comes near

# A player's entries are read in the order of `sort`. Texts are bytes: SQLite refuses half a surrogate pair in a text.
_TABLE = "CREATE TABLE entries (player BLOB, sort INTEGER, seq INTEGER, id BLOB, entry TEXT)"
_FAULT, _WALLET_FAULT, _WALLET, _FREE_ROUNDS, _TRANSACTION = range(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was read of one player; `wallet` is None if there is none, or none that can be read.

    `faults` are those of single records. `free_rounds` is None if none are to be compared, and has None for those that
    cannot be read. `is_on_record` tells of a transaction of any player, by its id.
    """

    user_id: str
    faults: Sequence[Fault]
    has_wallet: bool
    wallet: RecordedWallet | None
    transactions: Sequence[RecordedTransaction]
    free_rounds: Mapping[str, RecordedFreeRounds | None] | None
    is_on_record: Callable[[str], bool]


@dataclass(slots=True)
class TableBooks:
    tables: Tables
    _database: sqlite3.Connection = field(init=False)

    def __post_init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # "": on disk, without a name
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536", "temp_store = FILE"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute(_TABLE)

    def close(self) -> None:
        self._database.close()

    def read(self, advance: Advance) -> None:
        """Reads the three tables. Raises Trouble."""
        tables = self.tables
        with self._taking():
            for item in tables.scanned(tables.players, advance, WALLET):
                self._take_wallet(item)
            if tables.free_rounds:
                for item in tables.scanned(tables.free_rounds, advance):
                    self._take_free_rounds(item)
            for item in tables.scanned(tables.transactions, advance):
                self._take_transaction(item)

    def read_player(self, user_id: str, advance: Advance) -> None:
        """Reads one player, by key and by the index: what lacks a `userId` or `seq` is in neither. Raises Trouble."""
        with self._taking():
            version = 0
            if wallet := self.tables.wallet(user_id, WALLET):
                self._take_wallet(wallet)
                version = 0 if wrong_in_wallet(wallet) else int(wallet["version"])
            for item in self.tables.free_rounds_of(user_id):
                self._take_free_rounds(item)
            for item in self.tables.with_ids(self._ids_of(user_id, version)):
                self._take_transaction(item)
                advance(1)

    def _ids_of(self, user_id: str, version: int) -> list[str]:
        """The ids of a player's transactions, up to that version if the index comes to have them within a moment."""
        tries = 4
        while True:
            found = list(self.tables.ledger(user_id))
            tries -= 1
            if not tries or (found and found[-1]["seq"] >= version):
                return [item["id"] for item in found]
            time.sleep(0.25)

    @contextmanager
    def _taking(self) -> Iterator[None]:
        with _trouble_if_full():
            self._database.execute("BEGIN")
            yield
            self._database.execute("COMMIT")

    def pages(self) -> Iterator[Page]:
        """Each player of whom there is anything, in order."""
        with _trouble_if_full():
            rows = self._database.execute("SELECT * FROM entries ORDER BY player, sort, seq, id")
            for player, entries in groupby(rows, key=lambda row: row[0]):
                yield self._page(
                    _text(player), {sort: [*each] for sort, each in groupby(entries, key=lambda row: row[1])}
                )

    def wallet_now(self, user_id: str) -> RecordedWallet | None:
        """A wallet as it is at this moment. Raises Trouble."""
        item = self.tables.wallet(user_id)
        return None if not item or wrong_in_wallet(item) else wallet_of(item)

    def is_on_record(self, id: str) -> bool:
        """Whether there is a transaction under that id at this moment, of any player. Raises Trouble."""
        return any(self.tables.with_ids([id], ("id",)))

    def _page(self, user_id: str, rows: Mapping[int, Sequence[Any]]) -> Page:
        entries = {sort: [(_text(id), json.loads(entry)) for *_, id, entry in of] for sort, of in rows.items()}
        wallet = next((wallet_of(typed(entry)) for _, entry in entries.get(_WALLET, ())), None)
        return Page(
            user_id=user_id,
            faults=[Fault(**entry) for sort in (_FAULT, _WALLET_FAULT) for _, entry in entries.get(sort, ())],
            has_wallet=_WALLET_FAULT in entries or wallet is not None,
            wallet=wallet,
            transactions=[transaction_of(typed(entry)) for _, entry in entries.get(_TRANSACTION, ())],
            free_rounds={
                code: free_rounds_of(typed(entry)) if entry else None for code, entry in entries.get(_FREE_ROUNDS, ())
            }
            if self.tables.free_rounds
            else None,
            is_on_record=self.is_on_record,
        )

    def _take_wallet(self, item: Item) -> None:
        user_id = owner(item)
        if wrong := wrong_in_wallet(item):
            self._complain(Fault(user_id=user_id, what="unreadable", text=wrong), is_wallet=True)
        else:
            self._insert(user_id, _WALLET, kept(item, WALLET))

    def _take_free_rounds(self, item: Item) -> None:
        user_id, code = owner(item), str(item.get("bonusCode"))
        wrong = wrong_in_free_rounds(item)
        if wrong:
            self._complain(Fault(user_id=user_id, what="unreadable", text=wrong))
        self._insert(user_id, _FREE_ROUNDS, {} if wrong else kept(item, FREE_ROUNDS), id=code)

    def _take_transaction(self, item: Item) -> None:
        id, user_id = str(item.get("id")), owner(item)
        if wrong := wrong_in_transaction(item):
            self._complain(Fault(user_id=user_id, what="unreadable", id=id, text=wrong))
        else:
            self._insert(user_id, _TRANSACTION, kept(item, TRANSACTION), id=id, seq=int(item["seq"]))
        for fault in faults_of(item):
            self._complain(fault)

    def _complain(self, fault: Fault, *, is_wallet: bool = False) -> None:
        self._insert(fault.user_id, _WALLET_FAULT if is_wallet else _FAULT, asdict(fault))

    def _insert(self, user_id: str, sort: int, entry: Item, *, id: str = "", seq: int = 0) -> None:
        row = (_bytes(user_id), sort, seq, _bytes(id), json.dumps(entry))
        self._database.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", row)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _text(utf8: bytes) -> str:
    return utf8.decode(errors="surrogatepass")


# --- Items as a proof needs them, of tables and of exports ------------------------------------------

WALLET = ("userId", "currency", "cash", "bonus", "version")
FREE_ROUNDS = ("uncovered", "advance", "until", "lastRounds")
_MONEY = ("userId", "seq", "amount", "amountAsked", "currency", "cashAfter", "bonusAfter")
# What is compared with other records. Only prizes, and results that name one, keep their request.
RECORD = ("gameId", "roundId", "campaignId", "campaignType", "providerId", "timestamp", "recordedAt", "uncoveredAfter")
RECORD += ("advanceAfter", "prizeReference", "prizeAmount", "arrivedWith", "request")
TRANSACTION = ("id", *_MONEY, "bonusCode", *RECORD)
NUMBERS = frozenset(
    {"cash", "bonus", "version", "uncovered", "advance", "until", "seq", "amount", "amountAsked", "cashAfter"}
    | {"bonusAfter", "uncoveredAfter", "advanceAfter"}
)
_BETWEEN_KEYS = "\n"  # no identifier has one


def kept(item: Item, names: Sequence[str]) -> dict[str, str]:
    """Those attributes of an item as texts. One of a wrong type counts as missing."""
    texts: dict[str, str] = {}
    for name in names:
        value = item.get(name)
        if isinstance(value, Decimal if name in NUMBERS else str):
            texts[name] = str(value)
        elif name == "lastRounds" and isinstance(value, list):
            texts[name] = _BETWEEN_KEYS.join(
                each if isinstance(each, str) else "?" for each in cast(list[object], value)
            )
    if "prizeAmount" not in texts and "arrivedWith" not in texts:
        texts.pop("request", None)
    return texts


def typed(texts: Mapping[str, str | None]) -> dict[str, Any]:
    """The item again, from its attributes as texts. None means missing."""
    return {name: number(text) if name in NUMBERS else text for name, text in texts.items() if text is not None}


def number(text: str) -> Decimal | None:
    """A number that DynamoDB can hold; None for any other text."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) < _MOST_PLACES else None


_MOST_PLACES = 200  # before or after the point: DynamoDB has up to 130


def transaction_of(item: Item) -> RecordedTransaction:
    return RecordedTransaction(
        id=item["id"],
        user_id=item["userId"],
        seq=int(item["seq"]),
        amount=item["amount"],
        asked=item["amountAsked"],
        currency=item["currency"],
        cash_after=item["cashAfter"],
        bonus_after=item["bonusAfter"],
        bonus_code=item.get("bonusCode") or None,
        record={name: item[name] for name in RECORD if item.get(name) is not None},
    )


def free_rounds_of(item: Item) -> RecordedFreeRounds:
    last_rounds = item["lastRounds"]
    return RecordedFreeRounds(
        uncovered=item["uncovered"],
        advance=item["advance"],
        until=item.get("until"),
        last_rounds=tuple(last_rounds.split(_BETWEEN_KEYS)) if last_rounds else (),
    )


def wallet_of(item: Item) -> RecordedWallet:
    return RecordedWallet(
        user_id=item["userId"],
        currency=item["currency"],
        cash=item["cash"],
        bonus=item["bonus"],
        version=int(item["version"]),
    )


def wrong_in_wallet(item: Item) -> str | None:
    """Why an item is not a wallet; None if it is one."""
    for name in WALLET:
        value = item.get(name)
        is_of_type = isinstance(value, Decimal if name in NUMBERS else str)
        if not is_of_type or (name == "version" and not _is_number(item[name], 0)):
            return f"the wallet lacks {name}, or it is of another type"
    return None


def wrong_in_free_rounds(item: Item) -> str | None:
    """Why an item does not hold a code's free rounds; None if it does."""
    code = item.get("bonusCode")
    for name in ("uncovered", "advance", "lastRounds"):
        if not isinstance(item.get(name), Decimal if name in NUMBERS else str | list):
            return f"what is kept of the free rounds of code {shown(code)} lacks {name}, or it is of another type"
    return None


def wrong_in_transaction(item: Item) -> str | None:
    """Why an item is not a transaction; None if it is one."""
    wrong = "a kind in its id" if str(item.get("id")).partition("#")[0] not in KINDS else None
    for name in _MONEY:
        value = item.get(name)
        is_of_type = isinstance(value, Decimal if name in NUMBERS else str)
        if not is_of_type or (name in ("amount", "amountAsked") and item[name] < 0):
            wrong = wrong or name
    if not wrong and not _is_number(item["seq"], 1):
        wrong = "seq"
    return wrong and f"it lacks {wrong}, or it is not of the ledger's form"


def _is_number(value: Decimal, least: int) -> bool:
    return value == value.to_integral_value() and least <= value < _MOST_VERSIONS


@contextmanager
def _trouble_if_full() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:  # no room on the disk, most likely
        raise Trouble(f"the transactions cannot be put in order on this machine's disk: {error}") from error

"""The tables as they were read: put in order on disk, and handed out a player at a time.

DynamoDB hands out transactions in no order. Each record is compared with its request as it comes. The rest goes into a
temporary database of SQLite's, which keeps 64 MB of it in memory and the rest in a nameless file that is gone with the
process: about 600 bytes a transaction, and as much again while they are put in order. Memory has one player at a time,
with all of that player's transactions, without their requests. Anchors are kept in the same way.

**Players are read first, transactions last**, each strongly consistently, so that every transaction up to a wallet's
version is seen. What callbacks write meanwhile is beyond the wallets that were read; `TableBooks.wallet_now` tells it
from a wallet that is behind its transactions.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any, cast

from tools.shared.amounts import amount
from tools.shared.items import Item
from tools.shared.trouble import Trouble
from tools.walletctl.kinds import CANCELLED
from tools.walletctl.tables import Tables
from tools.walletctl.verify.anchors import Anchor
from tools.walletctl.verify.anchors import read as read_anchor
from tools.walletctl.verify.digests import covered, digest_of
from tools.walletctl.verify.entries import (
    NOTHING,
    Anchored,
    Fault,
    Page,
    RecordedBet,
    RecordedFreeRounds,
    RecordedRound,
    RecordedTransaction,
    RecordedWallet,
)
from tools.walletctl.verify.record import KINDS, faults_of, owner, read_again, shown

Advance = Callable[[int], None]

PAUSE_SECONDS = 0.25  # an index is seldom longer behind its table
_MOST_VERSIONS = 2**62  # SQLite's numbers end a little later; a wallet's version never comes near

# A player's entries are read in the order of `sort`. Texts are bytes: SQLite refuses half a surrogate pair in a text.
_TABLE = "CREATE TABLE entries (player BLOB, sort INTEGER, seq INTEGER, id BLOB, entry TEXT)"
_FAULT, _WALLET_FAULT, _WALLET, _FREE_ROUNDS, _ROUND, _TRANSACTION, _OUTCOME, _ANCHORED = range(8)


@dataclass(slots=True)
class TableBooks:
    """`rounds_since` says since when the table of rounds has all; None if it does from the beginning on."""

    tables: Tables
    rounds_since: Callable[[], datetime | None] = lambda: None
    _moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    _knows_outcomes: bool = True
    _database: sqlite3.Connection = field(init=False)

    def __post_init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # "": on disk, without a name
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536", "temp_store = FILE"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute(_TABLE)

    def close(self) -> None:
        self._database.close()

    def read(self, advance: Advance) -> None:
        """Reads the tables. Raises Trouble."""
        tables = self.tables
        with self._taking():
            for item in tables.scanned(tables.players, advance, WALLET):
                self._take_wallet(item)
            if tables.free_rounds:
                for item in tables.scanned(tables.free_rounds, advance):
                    self._take_free_rounds(item)
            if tables.rounds:
                for item in tables.scanned(tables.rounds, advance):
                    self._take_round(item)
            for item in tables.scanned(tables.transactions, advance):
                self._take_transaction(item)

    def read_player(self, user_id: str, advance: Advance) -> None:
        """Reads one player, by key and by the index: what lacks a `userId` or `seq` is in neither. Raises Trouble.

        So a record without money is only read if an anchor, a prize or a bet names it.
        """
        self._knows_outcomes = False
        with self._taking():
            version = 0
            if wallet := self.tables.wallet(user_id, WALLET):
                self._take_wallet(wallet)
                version = 0 if wrong_in_wallet(wallet) else int(wallet["version"])
            for item in self.tables.free_rounds_of(user_id):
                self._take_free_rounds(item)
            for item in self.tables.rounds_of(user_id):
                self._take_round(item)
            ids = self._ids_of(user_id, version)
            named = self._anchored_ids() | {f"cancel#{id[4:]}" for id in ids if id.startswith("bet#")}
            for item in self.tables.with_ids(ids):
                self._take_transaction(item)
                advance(1)
                if isinstance(arrived_with := item.get("arrivedWith"), str):
                    named.add(arrived_with)
            for item in self.tables.with_ids(sorted(named.difference(ids))):
                if owner(item) == user_id:
                    self._take_transaction(item)
                    advance(1)

    def read_anchor(self, name: str, lines: Iterable[bytes], only: str | None = None) -> Anchor:
        """Takes an anchor in, or what it holds of one player, before the tables are read. Raises Trouble."""

        def take(player: str, anchored: Anchored) -> None:
            if only in (None, player):
                self._insert(player, _ANCHORED, asdict(anchored))

        with self._taking():
            return read_anchor(name, lines, take)

    def _anchored_ids(self) -> set[str]:
        rows = self._database.execute("SELECT entry FROM entries WHERE sort = ?", (_ANCHORED,))
        held = [json.loads(entry) for (entry,) in rows]
        return {id for each in held for id in (*each["later_prizes"], *each["outcomes"])}

    def _ids_of(self, user_id: str, version: int) -> list[str]:
        """The ids of a player's transactions, up to that version if the index comes to have them within a moment."""
        tries = 4
        while True:
            found = list(self.tables.ledger(user_id))
            tries -= 1
            if not tries or (found and found[-1]["seq"] >= version):
                return [item["id"] for item in found]
            time.sleep(PAUSE_SECONDS)

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

    def round_now(self, user_id: str, place: tuple[str, str]) -> RecordedRound | None:
        """A round as it is at this moment. Raises Trouble."""
        item = self.tables.round(user_id, round_key(*place))
        return None if not item or wrong_in_round(item) else round_of(kept_round(item))

    def owner_of(self, id: str) -> str | None:
        """Whose the transaction under that id is, at this moment; None if there is none. Raises Trouble."""
        return next((owner(item) for item in self.tables.with_ids([id], ("userId",))), None)

    def _page(self, user_id: str, rows: Mapping[int, Sequence[Any]]) -> Page:
        def entries(*sorts: int) -> Iterator[Any]:
            return (json.loads(entry) for sort in sorts for *_, entry in rows.get(sort, ()))

        def transactions(sort: int) -> list[RecordedTransaction]:
            return [transaction_of_kept(entry) for *_, entry in rows.get(sort, ())]

        wallet = next((wallet_of(typed(entry)) for entry in entries(_WALLET)), None)
        return Page(
            user_id=user_id,
            faults=[Fault(**entry) for entry in entries(_FAULT, _WALLET_FAULT)],
            has_wallet=_WALLET_FAULT in rows or wallet is not None,
            wallet=wallet,
            transactions=transactions(_TRANSACTION),
            outcomes=transactions(_OUTCOME),
            free_rounds={
                _text(id): free_rounds_of(typed(json.loads(entry))) if entry != "{}" else None
                for *_, id, entry in rows.get(_FREE_ROUNDS, ())
            }
            if self.tables.free_rounds
            else None,
            rounds=rounds_of(entries(_ROUND)) if self.tables.rounds else None,
            rounds_since=self.rounds_since,
            moment=self._moment,
            knows_outcomes=self._knows_outcomes,
            anchored=[anchored_of(entry) for entry in entries(_ANCHORED)],
            owner_of=self.owner_of,
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

    def _take_round(self, item: Item) -> None:
        wrong = wrong_in_round(item)
        if wrong:
            self._complain(Fault(user_id=owner(item), what="unreadable", text=wrong))
        self._insert(owner(item), _ROUND, kept_place(item) if wrong else kept_round(item))

    def _take_transaction(self, item: Item) -> None:
        id, user_id = str(item.get("id")), owner(item)
        if wrong := wrong_in_transaction(item):
            self._complain(Fault(user_id=user_id, what="unreadable", id=id, text=wrong))
        else:
            sort, seq = (_TRANSACTION, int(item["seq"])) if item.get("outcome") is None else (_OUTCOME, 0)
            self._insert_text(user_id, sort, kept_transaction(item), id=id, seq=seq)
        for fault in faults_of(item):
            self._complain(fault)

    def _complain(self, fault: Fault, *, is_wallet: bool = False) -> None:
        self._insert(fault.user_id, _WALLET_FAULT if is_wallet else _FAULT, asdict(fault))

    def _insert(self, user_id: str, sort: int, entry: Item, *, id: str = "", seq: int = 0) -> None:
        self._insert_text(user_id, sort, json.dumps(entry), id=id, seq=seq)

    def _insert_text(self, user_id: str, sort: int, entry: str, *, id: str, seq: int) -> None:
        row = (_bytes(user_id), sort, seq, _bytes(id), entry)
        self._database.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", row)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _text(utf8: bytes) -> str:
    return utf8.decode(errors="surrogatepass")


def kept_transaction(item: Item) -> str:
    """What its digest covers; then, on a second line, what it does not, and which attributes are of a wrong type."""
    aside = {name: item[name] for name in _ASIDE if isinstance(item.get(name), str)}
    if not aside.keys() & {"laterPrizeAmount"} and item.get("prizeAmount") is None and item.get("arrivedWith") is None:
        aside.pop("request", None)
    aside |= read_again(item)
    wrong = [name for name, value in item.items() if not isinstance(value, _TYPES.get(name, object))]
    if wrong:
        aside["wrong"] = wrong
    return f"{covered(item)}\n{json.dumps(aside)}"


def transaction_of_kept(entry: str) -> RecordedTransaction:
    text, _, aside = entry.partition("\n")
    held = json.loads(aside)
    wrong = held.pop("wrong", ())
    item = {name: value for name, value in json.loads(text).items() if name not in wrong}
    return transaction_of(typed(item | held), text)


def anchored_of(entry: Mapping[str, Any]) -> Anchored:
    later = {id: (reference, of) for id, (reference, of) in entry["later_prizes"].items()}
    return Anchored(**{**entry, "later_prizes": later})


# --- Items as a proof needs them, of tables and of exports ------------------------------------------

WALLET = ("userId", "currency", "cash", "bonus", "version", "digest")
FREE_ROUNDS = ("uncovered", "advance", "until", "lastRounds")
_OF_ALL = ("userId", "amount", "amountAsked")  # but a cancelled bet has no amountAsked: it never came
_OF_MOVEMENTS = (*_OF_ALL, "seq", "currency", "cashAfter", "bonusAfter")
# What is compared with other records. Only prizes, and results that name one, keep their request.
RECORD = ("gameId", "roundId", "campaignId", "campaignType", "providerId", "timestamp", "recordedAt", "uncoveredAfter")
RECORD += ("advanceAfter", "prizeReference", "prizeAmount", "laterPrizeReference", "laterPrizeAmount", "arrivedWith")
RECORD += ("request", "requestDigest", "actor", "reason")
RECORD += ("#inherits", "#undoes", "#undoesAmount")  # no attributes: what was read again of a request
TRANSACTION = ("id", *_OF_MOVEMENTS, "bonusAmount", "bonusCode", "outcome", "digest", *RECORD)
_ASIDE = ("digest", "laterPrizeReference", "laterPrizeAmount", "request")  # a digest does not cover them
NUMBERS = frozenset(
    {"cash", "bonus", "version", "uncovered", "advance", "until", "seq", "amount", "amountAsked", "cashAfter"}
    | {"bonusAmount", "bonusAfter", "uncoveredAfter", "advanceAfter"}
)
_TYPES = {name: Decimal if name in NUMBERS else str for name in TRANSACTION}
_BETWEEN_KEYS = "\n"  # no identifier has one


def kept(item: Item, names: Sequence[str]) -> dict[str, str]:
    """Those attributes of an item as texts. One of a wrong type counts as missing."""
    texts: dict[str, str] = {}
    for name in names:
        value = item.get(name)
        if _is_of_type(name, value):
            texts[name] = str(value)
        elif name == "lastRounds" and isinstance(value, list):
            texts[name] = _BETWEEN_KEYS.join(
                each if isinstance(each, str) else "?" for each in cast(list[object], value)
            )
    return texts


def _is_of_type(name: str, value: object) -> bool:
    return isinstance(value, Decimal if name in NUMBERS else str)


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


def transaction_of(item: Item, covered_text: str) -> RecordedTransaction:
    """A movement, or a record without money, of an item in which `wrong_in_transaction` finds nothing."""
    return RecordedTransaction(
        id=item["id"],
        user_id=item["userId"],
        seq=int(item.get("seq") or 0),
        amount=item["amount"],
        asked=item.get("amountAsked") or NOTHING,
        bonus_amount=item.get("bonusAmount") or NOTHING,
        currency=item.get("currency") or "",
        cash_after=item.get("cashAfter") or NOTHING,
        bonus_after=item.get("bonusAfter") or NOTHING,
        bonus_code=item.get("bonusCode") or None,
        outcome=item.get("outcome"),
        covered=covered_text,
        digest=item.get("digest") or "",
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
        digest=item.get("digest") or "",
    )


def wrong_in_wallet(item: Item) -> str | None:
    """Why an item is not a wallet; None if it is one. A digest that is missing is a fault of the chain."""
    for name in WALLET:
        value = item.get(name)
        is_missing = name == "digest" and value is None
        if not (is_missing or _is_of_type(name, value)) or (name == "version" and not _is_number(item[name], 0)):
            return f"the wallet lacks {name}, or it is of another type"
    return None


def wrong_in_free_rounds(item: Item) -> str | None:
    """Why an item does not hold a code's free rounds; None if it does."""
    code = item.get("bonusCode")
    for name in ("uncovered", "advance", "lastRounds"):
        if not isinstance(item.get(name), Decimal if name in NUMBERS else str | list):
            return f"what is kept of the free rounds of code {shown(code)} lacks {name}, or it is of another type"
    if item.get("until") is not None and not isinstance(item["until"], Decimal):
        return f"what is kept of the free rounds of code {shown(code)} has an until that is not a number"
    return None


def round_key(game_id: str, round_id: str) -> str:
    """Under what a round is kept, beside its player."""
    key = f"{len(game_id)}:{game_id}{round_id}"
    return key if len(key.encode(errors="surrogatepass")) <= _MOST_BYTES_OF_A_KEY else digest_of(key)


_MOST_BYTES_OF_A_KEY = 1024
_FLAGS = {
    "hadBet": "had_bet",
    "hadRefusedBet": "had_refused_bet",
    "hasResult": "has_result",
    "refunded": "refunded",
    "refundedElsewhere": "refunded_elsewhere",
    "ended": "ended",
}


def kept_round(item: Item) -> dict[str, Any]:
    """What a proof needs of an item in which `wrong_in_round` finds nothing, as JSON can hold it."""
    bets = [{name: _as_text(value) for name, value in bet.items() if value is not None} for bet in item["bets"]]
    texts = {name: _as_text(item[name]) for name in _OF_ROUNDS if item.get(name) is not None}
    return {**texts, "bets": bets, **{name: True for name in _FLAGS if item.get(name) is not None}}


def kept_place(item: Item) -> dict[str, Any]:
    """Which round an item is of, if it cannot be read otherwise."""
    return {name: item[name] for name in ("gameId", "roundId") if isinstance(item.get(name), str)}


def rounds_of(entries: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], RecordedRound | None]:
    """A player's rounds, from what was kept of them; None for one that cannot be read."""
    rounds: dict[tuple[str, str], RecordedRound | None] = {}
    for held in entries:
        if "winnings" in held:
            rounds[held["gameId"], held["roundId"]] = round_of(held)
        elif "gameId" in held and "roundId" in held:
            rounds.setdefault((held["gameId"], held["roundId"]), None)
    return rounds


def round_of(held: Mapping[str, Any]) -> RecordedRound:
    """The same, from what was kept."""
    bets = [
        RecordedBet(reference=bet["reference"], taken=Decimal(bet["taken"]), bonus_code=bet.get("bonusCode"))
        for bet in held["bets"]
    ]
    return RecordedRound(
        game_id=held["gameId"],
        round_id=held["roundId"],
        bets=tuple(bets),
        winnings=Decimal(held["winnings"]),
        open_since=held.get("openSince"),
        expires_at=Decimal(held["expiresAt"]) if "expiresAt" in held else None,
        **{field_: name in held for name, field_ in _FLAGS.items()},
    )


_OF_ROUNDS = ("gameId", "roundId", "winnings", "openSince", "expiresAt")


def wrong_in_round(item: Item) -> str | None:
    """Why an item is not a round; None if it is one."""
    named = f"what is kept of round {shown(item.get('roundId'))} of game {shown(item.get('gameId'))}"
    for name, type_ in (("gameId", str), ("roundId", str), ("bets", list), ("winnings", Decimal)):
        if not isinstance(item.get(name), type_):
            return f"{named} lacks {name}, or it is of another type"
    for name, type_ in (("openSince", str), ("expiresAt", Decimal)):
        if item.get(name) is not None and not isinstance(item[name], type_):
            return f"{named} has {name} of another type"
    for name in _FLAGS:
        if name in item and item[name] is not True:
            return f"{named} has {name} {shown(item[name])}, where it is true or absent"
    if not all(_is_bet(bet) for bet in item["bets"]):
        return f"{named} has a bet without a reference, or what was taken is no number of zero or more"
    if item.get("round") != (key := round_key(item["gameId"], item["roundId"])):
        return f"{named} is kept under the key {shown(item.get('round'))}, and belongs under {shown(key)}"
    return None


def _is_bet(bet: object) -> bool:
    if not isinstance(bet, dict):
        return False
    said = cast(dict[str, object], bet)
    taken, code = said.get("taken"), said.get("bonusCode", "")
    is_taken = isinstance(taken, Decimal) and taken >= 0
    return isinstance(said.get("reference"), str) and is_taken and isinstance(code, str)


def _as_text(value: object) -> str:
    return amount(value) if isinstance(value, Decimal) else str(value)


def wrong_in_transaction(item: Item) -> str | None:
    """Why an item is not a transaction; None if it is one."""
    wrong = "a kind in its id" if str(item.get("id")).partition("#")[0] not in KINDS else None
    moves = item.get("outcome") is None
    needed = _OF_MOVEMENTS if moves else ("userId", "amount", "outcome")
    needed += () if moves or item["outcome"] == CANCELLED else ("amountAsked",)
    for name in needed:
        if not _is_of_type(name, item.get(name)):
            wrong = wrong or name
    if not wrong and moves and not _is_number(item["seq"], 1):
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

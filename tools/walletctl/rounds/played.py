"""A round as the ledger and the table of rounds have it: its bets, what was paid back and won, and its state."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tools.shared import moments
from tools.shared.amounts import amount, signed
from tools.shared.items import Item
from tools.shared.listing import Cell, Column, Row, counted, for_json
from tools.shared.outside import plain
from tools.walletctl import records
from tools.walletctl.kinds import BET, CANCEL, OPERATORS
from tools.walletctl.tables import Tables
from tools.walletctl.verify.proof import EXACT

Place = tuple[str, str, str]  # player, game, round

STEPS = [
    Column(name="recordedAt", title="recorded", unbroken=True),
    Column(name="what", title="what happened"),
    Column(name="reference", title="reference"),
    Column(name="amount", title="moved", right=True, unbroken=True),
    Column(name="cashAfter", title="cash after", right=True, unbroken=True),
]
_TOTAL = "bonus"  # of all rounds of its free round bonus: the round that it names is only the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """`transactions` are those that are known, in the order they were recorded. `item` is the round's own, if any.

    `is_named`: it was looked for, so the transactions are all that could be found of it.
    """

    place: Place
    transactions: Sequence[Item]
    item: Item | None
    is_named: bool = False

    @property
    def currency(self) -> str:
        return next((str(item["currency"]) for item in self.transactions if item.get("currency")), "")

    @property
    def staked(self) -> Decimal:
        return EXACT.subtract(Decimal(0), self._moved(lambda kind: kind == BET))

    @property
    def paid_back(self) -> Decimal:
        return self._moved(lambda kind: kind == CANCEL)

    @property
    def won(self) -> Decimal:
        return self._moved(lambda kind: kind not in (BET, CANCEL, _TOTAL, *OPERATORS))

    @property
    def net(self) -> Decimal:
        return EXACT.add(EXACT.subtract(self.paid_back, self.staked), self.won)

    @property
    def live(self) -> Sequence[Mapping[str, Any]]:
        """The bets that are taken and not paid back, by the round's own item."""
        bets = self.item.get("bets") if self.item else None
        return [bet for bet in bets if isinstance(bet, Mapping)] if isinstance(bets, list) else []

    @property
    def open_since(self) -> str | None:
        """Since when a bet waits for a result, as a person reads it."""
        if not self.item or "openSince" not in self.item:
            return None
        since = moments.recorded(self.item["openSince"])
        return moments.shown(since) if since else str(self.item["openSince"])

    def has(self, flag: str) -> bool:
        return bool(self.item and self.item.get(flag))

    def _moved(self, is_meant: Any) -> Decimal:
        found = Decimal(0)
        for item in self.transactions:
            moved = records.number(item.get("amount"))
            if moved is not None and is_meant(records.kind_of(item)):
                found = EXACT.add(found, moved)
        return found


def place_of(item: Item) -> Place | None:
    """Whose round a transaction belongs to, if it says all three."""
    player, game, round_id = (item.get(name) for name in ("userId", "gameId", "roundId"))
    if isinstance(player, str) and isinstance(game, str) and isinstance(round_id, str):
        return player, game, round_id
    return None


def played(
    tables: Tables, transactions: Iterable[Item], rounds: Iterable[Item] = (), *, is_named: bool = False
) -> list[Played]:
    """The rounds of these transactions, and these rounds of the table, each with what is known of it."""
    by_place: dict[Place, list[Item]] = {}
    for item in transactions:
        if place := place_of(item):
            by_place.setdefault(place, []).append(item)
    items = {place: item for item in rounds if (place := place_of(item))}
    read = tables.rounds_at(place for place in by_place if place not in items)
    items |= {place: item for item in read if (place := place_of(item))}
    return [
        Played(place=place, transactions=_in_time(by_place.get(place, [])), item=items.get(place), is_named=is_named)
        for place in dict.fromkeys([*items, *by_place])
    ]


def _in_time(items: Iterable[Item]) -> list[Item]:
    return sorted(items, key=lambda item: (str(item.get("recordedAt")), records.number(item.get("seq")) or Decimal(0)))


def facts(of: Played) -> dict[str, Cell]:
    """A round in figures, a fact a line."""
    player, game, round_id = of.place
    money = f" {of.currency}".rstrip()
    return {
        "round": round_id,
        "game": game,
        "player": player,
        "staked": f"{amount(of.staked)}{money}",
        "paid back": f"{amount(of.paid_back)}{money}",
        "won": f"{amount(of.won)}{money}",
        "net": f"{signed(of.net) if of.net else '0'}{money} for the player",
    }


def steps(of: Played) -> list[Row]:
    """What happened in it, in order. The table of rounds does not say when it was refunded or ended."""
    rows: list[Row] = []
    for item in of.transactions:
        row = records.for_a_person(item)
        moved = records.outcome_of(item) is None
        rows.append(
            {
                "recordedAt": row.get("recordedAt"),
                "what": _what(item),
                "reference": row.get("reference"),
                "amount": row.get("amount") if moved else None,
                "cashAfter": row.get("cashAfter") if moved else None,
            }
        )
    rows += [
        {"what": told} for flag, told in (("refunded", "round refunded"), ("ended", "round ended")) if of.has(flag)
    ]
    return rows


def _what(item: Item) -> str:
    kind, outcome = records.kind_of(item), records.outcome_of(item)
    asked = records.number(item.get("amountAsked"))
    stake = amount(asked.copy_abs()) if asked is not None else "an unreadable amount"
    match kind, outcome:
        case "bet", None if item.get("bonusCode"):
            return f"bet of {stake}, a free round"
        case "bet", None:
            return f"bet of {stake}"
        case "bet", "not enough":
            return f"bet of {stake} refused: not enough money"
        case "bet", "cancelled":
            return "bet cancelled before it came"
        case "cancel", None:
            return "bet cancelled and paid back"
        case "cancel", _:
            return "bet cancelled and paid back elsewhere"
        case "result", None if item.get("autoClosed"):
            return "result, closed automatically"
        case "promo", None:
            return "prize"
        case "bonus", None:
            return "total of its free rounds"
    return f"{kind}, {outcome}" if outcome else kind


def state(of: Played) -> Iterator[str]:
    """How the round stands, in sentences."""
    if of.item is None:
        yield "The round itself is not on record: no bet or end of it came here, or it expired after 400 days."
        return
    bets = counted(len(of.live), "live bet")
    if of.open_since:
        wait = "waits" if len(of.live) == 1 else "wait"
        since = plain(of.open_since)
        yield f"Open: {bets} {wait} for a result since {since}. If none comes, ask the provider for the round's status."
    elif of.has("hasResult"):
        yield f"Played: its result came{f', with {bets}' if of.live else ''}."
    if of.has("refunded"):
        yield "Refunded: a later bet is refused with error 53, and a win with 61."
    elif of.has("hadBet") and not of.live:
        yield "All its bets were cancelled. A win is refused with error 61."
    if of.has("ended"):
        yield "Ended: the provider said that it is over."
    if any(records.kind_of(item) == _TOTAL for item in of.transactions):
        yield "The total is not counted as won: it is of other free rounds as well."


def for_machines(of: Played) -> dict[str, Any]:
    """A round with all that is known of it."""
    player, game, round_id = of.place
    return {
        "userId": player,
        "gameId": game,
        "roundId": round_id,
        "currency": of.currency or None,
        "staked": amount(of.staked),
        "paidBack": amount(of.paid_back),
        "won": amount(of.won),
        "net": amount(of.net),
        "onRecord": of.item is not None,
        "liveBets": [_bet(bet) for bet in of.live],
        **{flag: of.has(flag) for flag in ("hadBet", "hadRefusedBet", "hasResult", "refunded", "ended")},
        "openSince": str(of.item["openSince"]) if of.item and "openSince" in of.item else None,
        "transactions": [str(item.get("id")) for item in of.transactions],
    }


def _bet(bet: Mapping[str, Any]) -> dict[str, Any]:
    taken = records.number(bet.get("taken"))
    return {
        "reference": for_json(records.cell(bet.get("reference"))),
        "taken": None if taken is None else amount(taken),
        "bonusCode": for_json(records.cell(bet.get("bonusCode"))),
    }

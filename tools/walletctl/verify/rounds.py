"""The table of rounds, compared with the bets, cancels and results on record. Source: docs/rounds.md.

A round is kept for 400 days after its last change, unless a live bet waits for a result. So an older one may be
missing, or may have begun again. What was recorded while rounds were not kept (`Calls=Wins`, or before the table was
made) is in no round: a result without a bet on record, and all before `Page.rounds_since`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal

from tools.shared.amounts import amount
from tools.shared.moments import recorded
from tools.walletctl.verify.entries import (
    EXACT,
    NOTHING,
    Fault,
    Page,
    RecordedBet,
    RecordedRound,
    RecordedTransaction,
)
from tools.walletctl.verify.paid_back import is_memory, is_of_round
from tools.walletctl.verify.record import shown

Place = tuple[str, str]  # a round's game and its id

KEPT = timedelta(days=400)
_CLOCKS_DIFFER = timedelta(minutes=1)
_MOST_BETS = 40
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def wrong_rounds(page: Page) -> Iterator[Fault]:
    """Each round of which there is a record or an item, unless rounds are not to be compared."""
    records = [*page.transactions, *page.outcomes]
    histories = _histories(records)
    yield from _wrong_codes(page, histories)
    if page.rounds is None:
        return
    vague = [each for each in records if each.kind == "bet" and each.place is None]
    for place in sorted(histories.keys() | page.rounds.keys()):
        is_readable = place not in page.rounds or page.rounds[place] is not None
        if is_readable and place not in page.moved:
            history = histories.get(place, _History())
            history.vague = vague
            yield from _wrong_round(page, place, page.rounds.get(place), history)


def moved_meanwhile(page: Page, now: Callable[[Place], RecordedRound | None]) -> frozenset[Place]:
    """The rounds in which something is wrong, and which are not any more as they were when they were read."""
    rounds = page.rounds or {}
    disputed = {fault.place for fault in wrong_rounds(page) if fault.place}
    return frozenset(place for place in disputed if now(place) != rounds.get(place))


@dataclass(slots=True)
class _History:
    """The records of one round in the order of time; `paid_back` are its cancels, by the bet's reference.

    `vague` are bets that may be of any round: a cancel need not name its own.
    """

    events: list[RecordedTransaction] = field(default_factory=list)
    vague: Sequence[RecordedTransaction] = ()
    paid_back: dict[str, RecordedTransaction] = field(default_factory=dict)


def _histories(records: Sequence[RecordedTransaction]) -> Mapping[Place, _History]:
    histories: defaultdict[Place, _History] = defaultdict(_History)
    cancels = {record.reference: record for record in records if record.kind == "cancel"}
    for record in records:
        if record.kind not in ("bet", "result") or record.place is None:
            continue
        history = histories[record.place]
        history.events.append(record)
        if _is_taken(record) and (cancel := cancels.get(record.reference)):
            history.events.append(cancel)
            history.paid_back[record.reference] = cancel
    for history in histories.values():
        history.events.sort(key=lambda each: (_time(each), each.seq))
    return histories


def _is_taken(record: RecordedTransaction) -> bool:
    return record.kind == "bet" and record.outcome is None


def _time(record: RecordedTransaction) -> datetime:
    return recorded(record.record.get("recordedAt")) or _LONG_AGO


# --- One round --------------------------------------------------------------------------------------


def _wrong_round(page: Page, place: Place, has: RecordedRound | None, history: _History) -> Iterator[Fault]:
    """What is wrong with it, whenever it may have begun; from its first record on, if it is wrong from each."""
    events = history.events
    if has is None:
        must = _Must.of(events)
        is_old = page.moment - _time(events[-1]) > KEPT - _CLOCKS_DIFFER
        if not (is_old and _may_expire(page, must)) and len(events) not in _starts(page, events):
            yield _missing(page, place, must)
        return
    first: list[Fault] | None = None
    for start in _starts(page, events):
        must = _Must.of(events[start:])
        found = [
            Fault(user_id=page.user_id, what="round", id=id, text=f"{_named(place)}: {text}", place=place)
            for id, text in _differing(page, has, must, history)
        ]
        if not found:
            return
        first = found if first is None else first
    yield from first or ()


def _missing(page: Page, place: Place, must: "_Must") -> Fault:
    if must.is_open:
        bet = f"bet#{must.bets[0].reference}"
        text = f"{_named(place)} is not on record, where {shown(bet)} is live and waits for a result"
        return Fault(user_id=page.user_id, what="round", id=bet, text=text, place=place)
    text = f"{_named(place)} is not on record, where its {_kinds(must)} are not {KEPT.days} days old"
    return Fault(user_id=page.user_id, what="round", text=text, place=place)


def _kinds(must: "_Must") -> str:
    kinds = [("bets", must.taken or must.refused), ("cancels", must.memories), ("results", must.results)]
    return " and ".join(name for name, there in kinds if there)


def _named(place: Place) -> str:
    game_id, round_id = place
    return f"round {shown(round_id)} of game {shown(game_id)}"


def _starts(page: Page, events: Sequence[RecordedTransaction]) -> Iterator[int]:
    """With which of its records a round may begin: with all, or after those that it may have forgotten."""
    yield from _without_results(events, 0)
    for number in range(1, len(events)):
        is_old = _time(events[number]) - _time(events[number - 1]) > KEPT - _CLOCKS_DIFFER
        if is_old and _may_expire(page, _Must.of(events[:number])):
            yield from _without_results(events, number)
    if since := page.rounds_since():
        yield from _without_results(events, len([each for each in events if _time(each) < since]))


def _without_results(events: Sequence[RecordedTransaction], begin: int) -> Iterator[int]:
    """From there on; or without the first results, which need no round while there is no bet."""
    yield begin
    for number, event in enumerate(events[begin:], begin + 1):
        if event.kind != "result":
            return
        yield number


def _may_expire(page: Page, must: "_Must") -> bool:
    """An open round is kept for ever. A result that was booked elsewhere may be missing from a page."""
    return not must.is_open or not page.knows_outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Must:
    """What records leave of a round."""

    taken: Sequence[RecordedTransaction]
    bets: Sequence[RecordedBet]  # live
    refused: Sequence[RecordedTransaction]
    memories: Sequence[RecordedTransaction]
    cancels: Sequence[RecordedTransaction]
    results: Sequence[RecordedTransaction]

    @classmethod
    def of(cls, events: Sequence[RecordedTransaction]) -> "_Must":
        taken = sorted((each for each in events if _is_taken(each)), key=lambda each: each.seq)
        cancels = [each for each in events if each.kind == "cancel"]
        back = {each.reference for each in cancels}
        live = [
            RecordedBet(reference=bet.reference, taken=bet.amount.copy_negate(), bonus_code=bet.bonus_code)
            for bet in taken
            if bet.reference not in back
        ]
        bets = {each.reference for each in taken}
        return cls(
            taken=taken,
            bets=live,
            refused=[each for each in events if each.kind == "bet" and each.outcome and not is_memory(each)],
            memories=[each for each in events if is_memory(each)],
            cancels=[each for each in cancels if each.reference in bets],
            results=[each for each in events if each.kind == "result"],
        )

    @property
    def is_open(self) -> bool:
        return bool(self.bets) and not self.results

    @property
    def winnings(self) -> Decimal:
        total = NOTHING
        for each in self.results:
            total = EXACT.add(total, each.asked)
        return total


def _counted(winnings: Decimal) -> Decimal:
    """The wallet keeps 38 digits of a count: where it has more, only the first are compared."""
    return winnings if len(winnings.as_tuple().digits) < _MOST_DIGITS else _ROUGH.plus(winnings)


_MOST_DIGITS = 38
_ROUGH = Context(prec=30)


def _differing(page: Page, has: RecordedRound, must: _Must, history: _History) -> Iterator[tuple[str | None, str]]:
    """An id, and what is wrong with it."""
    knows_all = page.knows_outcomes
    yield from _wrong_bets(has, must)
    if not has.had_bet and must.taken:
        yield must.taken[0].id, f"it says that it had no bet, where {shown(must.taken[0].id)} was taken"
    if knows_all and has.had_bet and not must.taken and not must.memories:
        yield None, "it says that it had a bet, and none is on record, taken or cancelled before it came"
    if not has.had_refused_bet and must.refused:
        yield must.refused[0].id, f"it says that no bet was refused, where {shown(must.refused[0].id)} was"
    if knows_all and has.had_refused_bet and not must.refused:
        yield None, "it says that a bet was refused, and none is on record"
    if not has.has_result and must.results:
        yield must.results[-1].id, f"it says that no result came, where {shown(must.results[-1].id)} did"
    if knows_all and has.has_result and not must.results:
        yield None, "it says that a result came, and none is on record"
    winnings, asked = _counted(has.winnings), _counted(must.winnings)
    if winnings < asked or (knows_all and winnings != asked):
        text = f"its winnings are {amount(has.winnings)}, where its results asked for {amount(must.winnings)}"
        yield must.results[-1].id if must.results else None, text
    yield from _wrong_order(must)
    yield from _wrong_refund(has, must)
    is_named = any(each.kind == "bet" for each in history.events) or any(
        _may_be_of(each, has) for each in history.vague
    )
    if has.refunded and page.knows_outcomes and not is_named:
        yield None, "it says that it was refunded, and no bet on record can be what its refund named"
    yield from _wrong_times(page, has, must)


def _wrong_bets(has: RecordedRound, must: _Must) -> Iterator[tuple[str | None, str]]:
    live, expected = {bet.reference: bet for bet in has.bets}, {bet.reference: bet for bet in must.bets}
    paid_back = {each.reference for each in must.cancels}
    for reference, bet in expected.items():
        id = f"bet#{reference}"
        if reference not in live:
            yield id, f"{shown(id)} was taken and not paid back, and is not among its live bets"
        elif live[reference] != bet:
            its = live[reference]
            told = f"{amount(its.taken)} with the code {shown(its.bonus_code)}"
            yield (
                id,
                f"{shown(id)} is live as {told}, and was taken as {amount(bet.taken)} with {shown(bet.bonus_code)}",
            )
    for reference in live.keys() - expected.keys():
        id = f"bet#{reference}"
        why = f"was paid back by cancel#{shown(reference)}" if reference in paid_back else "was not taken in it"
        yield id, f"{shown(id)} is among its live bets, and {why}"
    if live.keys() == expected.keys() and [bet.reference for bet in has.bets] != [*expected]:
        yield None, f"its live bets are {_listed(has.bets)}, which were taken in the order {_listed(must.bets)}"
    if len(has.bets) > _MOST_BETS:
        yield None, f"it has {len(has.bets)} live bets, and no round has more than {_MOST_BETS}"


def _listed(bets: Sequence[RecordedBet]) -> str:
    return shown(", ".join(bet.reference for bet in bets) or None)


def _wrong_order(must: _Must) -> Iterator[tuple[str | None, str]]:
    """What was taken or won after the round allowed it. A person may credit any result."""
    refunds = [each for each in must.cancels if each.seq and is_of_round(each)]
    for bet in must.taken:
        if refunds and bet.seq > min(each.seq for each in refunds):
            yield bet.id, f"{shown(bet.id)} was taken after {shown(refunds[0].id)}, which refunded the round"
    paid_back_as = {each.reference: each.seq for each in must.cancels if each.seq}
    for result in must.results:
        if result.outcome or result.asked <= 0 or "actor" in result.record:
            continue
        before = [bet for bet in must.taken if bet.seq < result.seq]
        had_bet = before or any(_time(each) < _time(result) - _CLOCKS_DIFFER for each in must.memories)
        if had_bet and all(paid_back_as.get(bet.reference, result.seq) < result.seq for bet in before):
            yield result.id, f"{shown(result.id)} won {amount(result.asked)}, where every bet was cancelled before it"


def _wrong_refund(has: RecordedRound, must: _Must) -> Iterator[tuple[str | None, str]]:
    shows = [each for each in must.cancels if is_of_round(each)]
    shows += [each for each in must.memories if "arrivedWith" in each.record or not has.had_bet]
    if shows and not has.refunded:
        yield shows[0].id, f"it says that it was not refunded, where {shown(shows[0].id)} is of its refund"
    if has.refunded and has.bets:
        bet = f"bet#{has.bets[0].reference}"
        yield bet, f"it was refunded, and {shown(bet)} is live"


def _may_be_of(bet: RecordedTransaction, of: RecordedRound) -> bool:
    """Whether nothing that a bet's record says contradicts the round: the memory of a cancel may say less."""
    game_id, round_id = bet.record.get("gameId"), bet.record.get("roundId")
    return game_id in (None, of.game_id) and round_id in (None, of.round_id)


def _wrong_times(page: Page, has: RecordedRound, must: _Must) -> Iterator[tuple[str | None, str]]:
    is_open = bool(has.bets) and not has.has_result
    if is_open is not (has.open_since is not None):
        waits = "a live bet waits for a result" if is_open else "no live bet waits for a result"
        yield None, f"openSince is {shown(has.open_since)}, where {waits}"
    if is_open is (has.expires_at is not None):
        yield None, f"expiresAt is {shown(has.expires_at)}, where it is {'open' if is_open else 'not open'}"
    live = {bet.reference for bet in must.bets}
    moments = [_time(each) for each in must.taken if each.reference in live]
    if has.open_since is not None and moments:
        since = recorded(has.open_since)
        earliest, latest = min(map(_time, must.taken)) - _CLOCKS_DIFFER, min(moments) + _CLOCKS_DIFFER
        if since is None or not earliest <= since <= latest:
            yield None, f"openSince is {shown(has.open_since)}, where its bets came at other times"
    changes = [_time(each) for each in (*must.taken, *must.cancels, *must.results)]
    now = max(page.moment, datetime.now(UTC))
    changes = [each for each in changes if each <= now]  # a later one is a fault of its record
    if has.expires_at is not None and changes:
        kept_until = max(changes) + KEPT - _CLOCKS_DIFFER
        if has.expires_at < Decimal(int(kept_until.timestamp())):
            until = f"{kept_until:%Y-%m-%d}"
            yield None, f"expiresAt is {shown(has.expires_at)}, where it is kept until {until} or longer"


# --- Bonus codes that results have from their bets --------------------------------------------------


def _wrong_codes(page: Page, histories: Mapping[Place, _History]) -> Iterator[Fault]:
    """A result whose request says no bonus code has that of the live bets of its round, if they all have one."""
    for result in page.transactions:
        if result.record.get("#inherits") != "true" or result.kind != "result":
            continue
        history = histories.get(result.place or ("", ""), _History())
        codes = {bet.bonus_code for bet in history.events if _was_live(bet, result, history)}
        may_be_forgotten = any(_starts(page, history.events))
        if result.bonus_code not in codes or (len(codes) > 1 and not may_be_forgotten):
            text = (
                f"bonusCode is {shown(result.bonus_code)}, which neither its request nor the live bets of its round say"
            )
            yield result.fault("request", text)


def _was_live(bet: RecordedTransaction, when: RecordedTransaction, history: _History) -> bool:
    """Whether a bet was live when a movement was made; as far as it is known when a bet was booked elsewhere."""
    cancel = history.paid_back.get(bet.reference)
    if not _is_taken(bet) or bet.seq >= when.seq:
        return False
    return cancel is None or cancel.seq > when.seq or (bool(cancel.outcome) and bet.bonus_code == when.bonus_code)

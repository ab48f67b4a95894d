"""What each transaction was paid, and what it left of its free rounds: the contract's rule, worked out again.

Source: docs/ledger.md. Each round and total is proved from what the one before it recorded. So a changed record is
named with its neighbour, and the others are still proved.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from tools.shared.amounts import amount
from tools.walletctl.verify.entries import EXACT, NOTHING, Fault, RecordedFreeRounds, RecordedTransaction
from tools.walletctl.verify.record import shown

_LAST_ROUNDS = 10
_MILLISECONDS = re.compile(r"[0-9]{1,20}")


def wrong_amounts(
    user_id: str, transactions: Iterable[RecordedTransaction], kept: Mapping[str, RecordedFreeRounds | None] | None
) -> Iterator[Fault]:
    """Each transaction in the order of `seq`; then what is `kept` by bonus code, unless it is not to be compared.

    None under a code means that it is there and cannot be read.
    """
    left: dict[str, RecordedFreeRounds] = {}
    for transaction in transactions:
        code = transaction.bonus_code
        is_free_bet = transaction.kind == "bet" and code is not None
        owed, after = NOTHING if is_free_bet else transaction.asked, None
        if code and transaction.counts != "cash":
            owed, after = _played(transaction, left.get(code, RecordedFreeRounds()))
        if transaction.amount != owed:
            text = (
                f"{amount(transaction.amount)} was moved, where {amount(owed)} of {amount(transaction.asked)} was owed"
            )
            yield transaction.fault("amount", text)
        for name, must in (
            ("uncoveredAfter", after and after.uncovered),
            ("advanceAfter", after and after.advance),
        ):
            if (has := transaction.record.get(name)) != must:
                text = f"{name} is {shown(has)}, where the free rounds before it and this leave {shown(must)}"
                yield transaction.fault("free rounds", text)
        if code and after:
            uncovered, advance = (transaction.record.get(name) for name in ("uncoveredAfter", "advanceAfter"))
            left[code] = replace(
                after,
                uncovered=after.uncovered if uncovered is None else uncovered,
                advance=after.advance if advance is None else advance,
            )
    if kept is not None:
        readable = {code for code in left.keys() | kept.keys() if code not in kept or kept[code]}
        for code in sorted(readable):
            for text in _wrong_in_kept(code, kept.get(code), left.get(code)):
                yield Fault(user_id=user_id, what="free rounds", text=text)


def _played(transaction: RecordedTransaction, before: RecordedFreeRounds) -> tuple[Decimal, RecordedFreeRounds]:
    """What a round or a total was owed, and what it leaves."""
    asked, key, moment = transaction.asked, _round_key(transaction), _moment(transaction)
    uncovered, advance = max(before.uncovered, NOTHING), max(before.advance, NOTHING)
    if transaction.counts == "round":
        is_late = key in before.last_rounds or (
            moment is not None and before.until is not None and moment <= before.until
        )
        paid_ahead = min(asked, advance) if is_late else NOTHING
        paid = EXACT.subtract(asked, paid_ahead)
        return paid, replace(before, uncovered=EXACT.add(uncovered, paid), advance=EXACT.subtract(advance, paid_ahead))
    covered = min(asked, uncovered)
    paid = EXACT.subtract(asked, covered)
    return paid, RecordedFreeRounds(
        uncovered=EXACT.subtract(uncovered, covered),
        advance=EXACT.add(advance, paid),
        until=max((each for each in (before.until, moment) if each is not None), default=None),
        last_rounds=(*before.last_rounds, *([key] if key else []))[-_LAST_ROUNDS:],
    )


def _round_key(transaction: RecordedTransaction) -> str | None:
    game_id, round_id = (transaction.record.get(name) for name in ("gameId", "roundId"))
    return None if game_id is None or round_id is None else f"{len(game_id)}:{game_id}{round_id}"


def _moment(transaction: RecordedTransaction) -> Decimal | None:
    timestamp = transaction.record.get("timestamp")
    return Decimal(timestamp) if timestamp and _MILLISECONDS.fullmatch(timestamp) else None


def _wrong_in_kept(code: str, has: RecordedFreeRounds | None, must: RecordedFreeRounds | None) -> Iterator[str]:
    if must is None:
        yield f"free rounds of code {shown(code)} are kept, and no transaction played any"
        return
    if has is None:
        yield (
            f"nothing is kept of the free rounds of code {shown(code)}, where they leave {amount(must.uncovered)} "
            f"uncovered and {amount(must.advance)} in advance"
        )
        return
    for name, has_it, leave_it in (
        ("uncovered", amount(has.uncovered), amount(must.uncovered)),
        ("advance", amount(has.advance), amount(must.advance)),
        ("until", shown(has.until), shown(must.until)),
        ("lastRounds", _listed(has.last_rounds), _listed(must.last_rounds)),
    ):
        if has_it != leave_it:
            yield f"{name} of code {shown(code)} is kept as {has_it}, where its rounds and totals leave {leave_it}"


def _listed(keys: Sequence[str]) -> str:
    return shown(", ".join(keys) or None)

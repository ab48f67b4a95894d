"""Bets and the movements that pay them back, compared both ways. Source: docs/rounds.md."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from tools.shared.amounts import amount
from tools.walletctl.kinds import CANCELLED
from tools.walletctl.verify.entries import EXACT, NOTHING, Fault, RecordedTransaction
from tools.walletctl.verify.record import shown

Owner = Callable[[str], str | None]

# What all records of one refund have from the same request.
_SHARED = ("gameId", "roundId", "providerId", "actor", "reason")


def wrong_reversals(records: Sequence[RecordedTransaction], owner_of: Owner) -> Iterator[Fault]:
    """`records` are movements and what moved nothing. `owner_of` tells whose a record is that is not among them."""
    by_id = {record.id: record for record in records}
    beside: defaultdict[str, list[RecordedTransaction]] = defaultdict(list)  # by the first that a refund paid back
    for record in records:
        if record.kind == "cancel":
            beside[record.record.get("arrivedWith", record.id)].append(record)
            for text in _wrong_in_cancel(record, by_id, owner_of):
                yield record.fault("paid back", text)
        if is_memory(record) and (first := record.record.get("arrivedWith")) is not None:
            for text in _wrong_in_memory(record, first, by_id.get(first), owner_of):
                yield record.fault("paid back", text)
    for id, together in beside.items():
        first = by_id.get(id)
        if first and first.kind == "cancel" and "arrivedWith" not in first.record:
            for text in _wrong_in_refund(first, [each for each in together if each is not first]):
                yield first.fault("paid back", text)


def is_memory(record: RecordedTransaction) -> bool:
    """Whether it is what a cancel left under the id of a bet that was not on record."""
    return record.kind == "bet" and record.outcome == CANCELLED


def is_of_round(record: RecordedTransaction) -> bool:
    """Whether what a request wrote shows that it refunded a whole round."""
    return "arrivedWith" in record.record or record.record.get("#undoes", record.reference) != record.reference


def _wrong_in_cancel(
    cancel: RecordedTransaction, by_id: Mapping[str, RecordedTransaction], owner_of: Owner
) -> Iterator[str]:
    bet_id = f"bet#{cancel.reference}"
    bet = by_id.get(bet_id)
    if bet is None or bet.outcome is not None:
        whose = owner_of(bet_id) if bet is None else bet.user_id
        if bet is None and cancel.outcome and whose == cancel.user_id:
            return  # Both were written while the tables were read, and only the second was seen.
        not_taken = "which was not taken" if whose == cancel.user_id else "which is not a bet of this player"
        yield f"it pays back {shown(bet_id)}, " + ("which is not on record" if whose is None else not_taken)
        return
    taken = bet.amount.copy_negate()
    if cancel.asked != taken:
        yield f"it pays back {amount(cancel.asked)}, where {shown(bet_id)} took {amount(taken)}"
    if cancel.seq and cancel.seq <= bet.seq:
        yield f"it pays back {shown(bet_id)}, which came after it"
    compared = [(name, cancel.record.get(name), bet.record.get(name)) for name in ("gameId", "roundId")]
    for name, has, must in (*compared, ("bonusCode", cancel.bonus_code, bet.bonus_code)):
        if has != must:
            yield f"{name} is {shown(has)}, that of {shown(bet_id)} is {shown(must)}"
    if (first := cancel.record.get("arrivedWith")) is not None:
        yield from _wrong_beside(cancel, first, by_id.get(first), owner_of)
    named = cancel.record.get("#undoes", cancel.reference)
    if named != cancel.reference and f"bet#{named}" not in by_id and owner_of(f"bet#{named}") is None:
        yield f"its request names bet#{shown(named)}, which is not remembered"


def _wrong_in_memory(
    memory: RecordedTransaction, first_id: str, first: RecordedTransaction | None, owner_of: Owner
) -> Iterator[str]:
    yield from _wrong_beside(memory, first_id, first, owner_of)
    if first and first.record.get("#undoes", memory.reference) != memory.reference:
        yield f"it arrived with {shown(first_id)}, whose request names bet#{shown(first.record['#undoes'])}"


def _wrong_beside(
    record: RecordedTransaction, first_id: str, first: RecordedTransaction | None, owner_of: Owner
) -> Iterator[str]:
    """What a refund wrote after the first bet that it paid back, compared with that."""
    if first is None and record.outcome and owner_of(first_id) == record.user_id:
        return  # Both were written while the tables were read, and only the second was seen.
    if first is None or first.kind != "cancel" or "arrivedWith" in first.record:
        yield f"it arrived with {shown(first_id)}, which is not the first bet that a refund paid back"
        return
    for name in _SHARED:
        if (has := record.record.get(name)) != (must := first.record.get(name)):
            yield f"{name} is {shown(has)}, that of {shown(first_id)} is {shown(must)}"


def _wrong_in_refund(first: RecordedTransaction, others: Sequence[RecordedTransaction]) -> Iterator[str]:
    """All that one request paid back: written together, and as much as the request says, if it says so."""
    numbers = sorted(each.seq for each in others)
    is_together = all(bool(each.outcome) is bool(first.outcome) for each in others)
    if first.seq and numbers != [*range(first.seq + 1, first.seq + 1 + len(numbers))]:
        is_together = False
    if not is_together:
        yield f"{', '.join(shown(each.id) for each in others)} arrived with it, and was not written together with it"
    said = first.record.get("#undoesAmount")
    back = NOTHING
    for each in (first, *others):
        back = EXACT.add(back, each.asked)
    if said is not None and back and Decimal(said) != back and first.record.get("actor") is None:
        yield f"it paid back {amount(back)}, its request says {said}"

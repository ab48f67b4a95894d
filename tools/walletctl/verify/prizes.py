"""Prizes and the results they came with, compared both ways. Source: docs/ledger.md."""

from collections.abc import Callable, Iterator, Sequence

from tools.shared.amounts import amount
from tools.walletctl.verify.entries import Fault, RecordedTransaction
from tools.walletctl.verify.record import can_be_paid, prize_of, shown

# What a prize that was written together with its result has from the same request.
_SHARED = ("gameId", "roundId", "campaignId", "campaignType", "providerId", "timestamp")


def wrong_prizes(transactions: Sequence[RecordedTransaction], is_on_record: Callable[[str], bool]) -> Iterator[Fault]:
    """`is_on_record` tells of a transaction of any player: a prize may be on record as another's."""
    by_id = {transaction.id: transaction for transaction in transactions}
    for transaction in transactions:
        arrived_with = transaction.record.get("arrivedWith")
        if transaction.kind == "promo" and arrived_with is not None:
            for text in _wrong_in_prize(transaction, arrived_with, by_id.get(arrived_with)):
                yield transaction.fault("prize", text)
        if transaction.kind == "result" and _was_payable(transaction):
            reference, of = transaction.record["prizeReference"], transaction.record["prizeAmount"]
            if f"promo#{reference}" not in by_id and not is_on_record(f"promo#{reference}"):
                yield transaction.fault(
                    "prize",
                    f"its prize {shown(reference)} of {shown(of)} was not paid: promo#{shown(reference)} is missing",
                )


def _wrong_in_prize(prize: RecordedTransaction, arrived_with: str, win: RecordedTransaction | None) -> Iterator[str]:
    if win is None or win.kind != "result":
        yield f"it arrived with {shown(arrived_with)}, which is not a result of this player"
        return
    reference, of = (win.record.get(name) for name in ("prizeReference", "prizeAmount"))
    if (reference, of) != (prize.reference, amount(prize.asked)):
        named = "no prize" if of is None else f"the prize {shown(reference)} of {shown(of)}"
        yield f"it is {shown(prize.reference)} of {amount(prize.asked)}, and {shown(win.id)} names {named}"
        return
    if "request" in prize.record:
        return
    # It has no request, so it was written together with its result, by the result's request.
    if prize.seq != win.seq + 1 or prize_of(win.record.get("request")) is None:
        yield f"it has no request, and was not written together with {shown(win.id)}"
    shared = [(name, prize.record.get(name), win.record.get(name)) for name in _SHARED]
    shared += [("currency", prize.currency, win.currency), ("bonusCode", prize.bonus_code, win.bonus_code)]
    for name, has, must in shared:
        if has != must:
            yield f"{name} is {shown(has)}, that of {shown(win.id)} is {shown(must)}"


def _was_payable(win: RecordedTransaction) -> bool:
    """Whether the prize that a result names must be on record, whatever came of it."""
    reference, of, request = (win.record.get(name) for name in ("prizeReference", "prizeAmount", "request"))
    if reference is None or of is None:
        return False
    prize = prize_of(request)
    return prize.is_payable if prize else can_be_paid(reference, of)

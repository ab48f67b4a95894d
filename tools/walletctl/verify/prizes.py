"""Prizes and the results they came with, compared both ways. Source: docs/ledger.md."""

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from tools.shared.amounts import amount
from tools.walletctl.verify.entries import EXACT, Fault, RecordedTransaction
from tools.walletctl.verify.record import can_be_paid, prize_of, shown

_PLAIN = re.compile(r"[0-9]{1,32}(\.[0-9]{1,18})?")
_MOST_DIGITS = 38  # of one of DynamoDB's numbers

# What a prize that was written together with its result has from the same request.
_SHARED = ("gameId", "roundId", "campaignId", "campaignType", "providerId", "timestamp", "actor", "reason")


def wrong_prizes(transactions: Sequence[RecordedTransaction], owner_of: Callable[[str], str | None]) -> Iterator[Fault]:
    """`owner_of` tells whose a transaction is: a prize may be on record as another player's."""
    by_id = {transaction.id: transaction for transaction in transactions}
    for transaction in transactions:
        arrived_with = transaction.record.get("arrivedWith")
        if transaction.kind == "promo" and arrived_with is not None:
            for text in _wrong_in_prize(transaction, arrived_with, by_id.get(arrived_with), owner_of):
                yield transaction.fault("prize", text)
        if transaction.kind == "result" and (named := _payable(transaction)):
            reference, of = named
            if (
                f"promo#{reference}" not in by_id
                and owner_of(f"promo#{reference}") is None
                and not any(_is_too_long(each, of) for each in transactions if each.seq >= transaction.seq)
            ):
                yield transaction.fault(
                    "prize",
                    f"its prize {shown(reference)} of {shown(of)} was not paid: promo#{shown(reference)} is missing",
                )


def _is_too_long(before: RecordedTransaction, of: str) -> bool:
    """Whether a prize was left for a person because the balance with it has more digits than DynamoDB holds."""
    if not _PLAIN.fullmatch(of):
        return False
    after = EXACT.normalize(EXACT.add(before.cash_after, Decimal(of)))
    return len(after.as_tuple().digits) > _MOST_DIGITS


def _wrong_in_prize(
    prize: RecordedTransaction,
    arrived_with: str,
    win: RecordedTransaction | None,
    owner_of: Callable[[str], str | None],
) -> Iterator[str]:
    if prize.record.get("actor") and "requestDigest" in prize.record:
        return  # A person settled it alone, by its request. Its result may have another prize, or not be on record.
    if win is None and prize.outcome and owner_of(arrived_with) == prize.user_id:
        return  # Both were written while the tables were read, and only the prize was seen.
    if win is None or win.kind != "result":
        yield f"it arrived with {shown(arrived_with)}, which is not a result of this player"
        return
    reference, of = _named(win)
    if (reference, of) != (prize.reference, amount(prize.asked)):
        named = "no prize" if of is None else f"the prize {shown(reference)} of {shown(of)}"
        yield f"it is {shown(prize.reference)} of {amount(prize.asked)}, and {shown(win.id)} names {named}"
        return
    if "requestDigest" in prize.record:
        return
    # It has no request, so it was written together with its result, by the result's request, which may be erased.
    is_next = prize.outcome == win.outcome if prize.outcome or win.outcome else prize.seq == win.seq + 1
    if not is_next or "prizeAmount" not in win.record:
        yield f"it has no request, and was not written together with {shown(win.id)}"
    shared = [(name, prize.record.get(name), win.record.get(name)) for name in _SHARED]
    code = None if "#inherits" in win.record else win.bonus_code  # its round's: the request does not say it
    shared += [("currency", prize.currency, win.currency), ("bonusCode", prize.bonus_code, code)]
    for name, has, must in shared:
        if has != must:
            yield f"{name} is {shown(has)}, that of {shown(win.id)} is {shown(must)}"


def _named(win: RecordedTransaction) -> tuple[str | None, str | None]:
    """The reference and amount of the first prize that a result came with."""
    own = win.record.get("prizeReference"), win.record.get("prizeAmount")
    return win.later_prize if own[1] is None and win.later_prize else own


def _payable(win: RecordedTransaction) -> tuple[str, str] | None:
    """The prize that a result names, if it must be on record, whatever came of it."""
    reference, of = _named(win)
    if reference is None or of is None:
        return None
    if win.outcome and "prizeAmount" not in win.record:
        return None  # Its win moved nothing, so it need not have the wallet's currency. The prize is left for a person.
    prize = prize_of(win.record.get("request"))
    return (reference, of) if (prize.is_payable if prize else can_be_paid(reference, of)) else None

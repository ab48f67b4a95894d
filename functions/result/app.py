"""Result: a round ended, and what it won is credited to the player's cash, once.

A free round's result (with a `bonusCode`) counts towards its free round bonus as well. A promotion's prize that comes
with the round is a second transaction, written together with the first; what is wrong with it never holds back the
first. Without a `sessionId` it is auto closing: the provider ends a round the player left open.
Source: the provider's pages Result and Auto Closing.
"""

from dataclasses import replace
from decimal import Decimal

from wallet import callback, money, wire
from wallet.errors import Absent, InvalidAmount, Malformed, Refusal
from wallet.ledger import Movement, Prize


class ResultRequest(wire.Request):
    uuid: wire.Recorded
    game_id: wire.Identifier
    game_name: wire.Recorded
    round_id: wire.Identifier
    currency: wire.Currency
    round_details: wire.Recorded
    session_id: wire.Recorded | None = None
    promo_win_amount: wire.MaybeAmount | None = None
    promo_win_reference: wire.MaybeIdentifier | None = None
    campaign_id: wire.Identifier | None = None
    campaign_type: wire.Recorded | None = None


def movements_for(request: ResultRequest) -> list[Movement]:
    prize = _prize(request.promo_win_amount, request.promo_win_reference)
    win = request.credit(
        "result",
        free_round="round" if request.bonus_code else "none",
        part="result",
        auto_closed=request.session_id is None,
        prize=prize,
    )
    if prize is None or prize.fault:
        return [win]
    won = request.credit("promo")
    return [win, replace(won, amount=Decimal(prize.amount), reference=prize.reference, arrived_with=win.id)]


def _prize(amount: wire.Tolerated[Decimal] | None, reference: wire.Tolerated[str] | None) -> Prize | None:
    if amount is None or amount.value == 0:  # no prize: its reference stays free
        return None
    fault: Refusal | None = None
    if reference is None:
        fault = Absent("promoWinReference")
    elif amount.value is None:
        fault = InvalidAmount("promoWinAmount")
    elif reference.value is None:
        fault = Malformed("promoWinReference")
    return Prize(
        reference=reference and (reference.value or reference.text),
        amount=amount.text if amount.value is None else money.text(amount.value),
        fault=fault,
    )


handler = callback.serve(ResultRequest, movements_for)

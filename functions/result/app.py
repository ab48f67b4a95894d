"""Result: a round ended, and what it won is credited to the player's cash, once.

A free round's result (with a `bonusCode`) counts towards its free round bonus as well. A promotion's
prize that comes with the round is a second transaction, written together with the first.
Without a `sessionId` it is auto closing: the provider ends a round the player left open.
Source: the provider's pages Result and Auto Closing.
"""

from wallet import callback, wire
from wallet.errors import Absent
from wallet.ledger import Credit


class ResultRequest(wire.Request):
    uuid: wire.Text
    game_id: wire.Text
    game_name: str
    round_id: wire.Text
    currency: wire.Currency
    round_details: wire.RoundDetails
    session_id: wire.Anything = None
    promo_win_amount: wire.Amount | None = None
    promo_win_reference: wire.Text | None = None
    promo_campaign_id: wire.Text | None = None
    promo_campaign_type: wire.Text | None = None


def credits_for(request: ResultRequest) -> list[Credit]:
    win = request.credit(
        "result",
        free_round="round" if request.bonus_code else "none",
        auto_closed=request.session_id is None,
    )
    if not request.promo_win_amount:  # no prize, or none to speak of: its reference stays free
        return [win]
    if request.promo_win_reference is None:
        raise Absent("promoWinReference")
    prize = request.credit(
        "promo", amount=request.promo_win_amount, reference=request.promo_win_reference, two_ways=True
    )
    return [win, prize]


handler = callback.serve(ResultRequest, credits_for)

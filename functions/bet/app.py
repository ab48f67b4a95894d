"""Bet: a player stakes money on a round. It is taken from their cash, once, if there is enough.

With a `bonusCode` it is a free round, and nothing is taken. A refusal for lack of money is final. No bet is ever kept:
a stake must not be taken later. Source: the provider's page Bet.
"""

from typing import ClassVar

from wallet import callback, wire
from wallet.ledger import Movement


class BetRequest(wire.Request):
    identity: ClassVar[str | None] = "uuid"

    uuid: wire.Recorded | None = None
    game_id: wire.Identifier
    round_id: wire.Identifier
    currency: wire.Currency


def movements_for(request: BetRequest) -> list[Movement]:
    return [request.stake("bet", paid_back_as="cancel")]


handler = callback.serve(BetRequest, movements_for, kept=False)

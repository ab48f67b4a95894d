"""Jackpot: a player won a jackpot, and it is credited to their cash, once.

It carries no currency: the amount is in the player's own. Source: the provider's page JackPotWin.
"""

from wallet import callback, wire
from wallet.ledger import Movement


class JackpotRequest(wire.SignedRequest):
    game_id: wire.Identifier
    round_id: wire.Identifier
    jackpot_id: wire.Identifier


def movements_for(request: JackpotRequest) -> list[Movement]:
    return [request.credit("jackpot")]


handler = callback.serve(JackpotRequest, movements_for)

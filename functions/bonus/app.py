"""Bonus: the total of all rounds played on a free round bonus, credited to cash and bonus, once.

The same rounds may have been paid one by one already, as results with the same `bonusCode`: what
they were paid is not paid again. Source: the provider's page BonusWin.
"""

from wallet import callback, wire
from wallet.ledger import Movement


class BonusRequest(wire.SignedRequest):
    game_id: wire.Identifier
    round_id: wire.Identifier | None = None  # of the last round; the page's own example leaves it out


def movements_for(request: BonusRequest) -> list[Movement]:
    return [request.credit("bonus", free_round="total")]


handler = callback.serve(BonusRequest, movements_for)

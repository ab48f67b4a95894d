"""EndRound: the provider says that a round is over. It moves no money, and is recorded once.

Source: the provider's page EndRound.
"""

from typing import ClassVar

from wallet import callback, wire
from wallet.calls import Ending


class EndRoundRequest(wire.Call):
    identity: ClassVar[str | None] = "uuid"

    uuid: wire.Recorded | None = None
    game_id: wire.Identifier
    round_id: wire.Identifier
    currency: wire.Currency | None = None


def ending_for(request: EndRoundRequest) -> Ending:
    return Ending(
        user_id=request.user_id, game_id=request.game_id, round_id=request.round_id, currency=request.currency
    )


handler = callback.serve(EndRoundRequest, ending_for, kept=False)

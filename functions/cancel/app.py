"""Cancel and Refund: a bet is undone, or all bets of a round. What was taken is paid back, once.

A cancel names its bet by the bet's reference. A bet that has not come yet is refused when it comes. A refund with a
`roundId` undoes the round, whatever its reference names. Source: the provider's pages Cancel Bet and Refund.
"""

from collections.abc import Mapping
from typing import ClassVar

from wallet import callback, wire
from wallet.calls import Reversal


class CancelRequest(wire.Call):
    identity: ClassVar[str | None] = "uuid"

    reference: wire.Identifier  # the bet's own
    uuid: wire.Recorded | None = None
    game_id: wire.Identifier | None = None
    round_id: wire.Identifier | None = None
    amount: wire.Amount | None = None  # if it is there, it must be what is paid back
    currency: wire.Recorded | None = None


class RefundRequest(CancelRequest):
    needed_with: ClassVar[Mapping[str, str]] = {"roundId": "gameId"}


def cancel_for(request: CancelRequest, *, whole_round: bool = False) -> Reversal:
    return Reversal(
        kind="cancel",
        undoes="bet",
        reference=request.reference,
        user_id=request.user_id,
        whole_round=whole_round,
        amount=request.amount,
        game_id=request.game_id,
        round_id=request.round_id,
        provider_id=request.provider_id,
    )


def refund_for(request: RefundRequest) -> Reversal:
    return cancel_for(request, whole_round=request.round_id is not None)


handler = callback.serve_calls(
    {"cancel": callback.Route(CancelRequest, cancel_for), "refund": callback.Route(RefundRequest, refund_for)}
)

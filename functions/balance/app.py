"""Balance and Check: what a player has, and whether they may play. They move nothing.

Source: the provider's pages Balance and Check.
"""

from typing import ClassVar

from wallet import callback, wire
from wallet.calls import Inquiry


class BalanceRequest(wire.Call):
    identity: ClassVar[str | None] = "uuid"

    uuid: wire.Recorded | None = None
    currency: wire.Currency | None = None


def balance_for(request: BalanceRequest) -> Inquiry:
    return Inquiry(user_id=request.user_id, currency=request.currency)


def check_for(request: BalanceRequest) -> Inquiry:
    return Inquiry(user_id=request.user_id, currency=request.currency, may_bet=True)


handler = callback.serve_calls(
    {"balance": callback.Route(BalanceRequest, balance_for), "check": callback.Route(BalanceRequest, check_for)},
    kept=False,
)

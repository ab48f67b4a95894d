"""Promo: a player won a prize in a campaign, and it is credited to their cash, once.

The same prize may come inside a result, under the same reference: then it is paid there or here,
not twice. Source: the provider's page PromoWin.
"""

from wallet import callback, wire
from wallet.ledger import Movement


class PromoRequest(wire.Request):
    uuid: wire.Recorded
    campaign_id: wire.Identifier
    campaign_type: wire.Recorded
    currency: wire.Currency


def movements_for(request: PromoRequest) -> list[Movement]:
    return [request.credit("promo")]


handler = callback.serve(PromoRequest, movements_for)

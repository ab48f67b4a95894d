"""Cashier: the operator's own systems open wallets, and move money in and out of them, once.

It has no route: whoever may invoke it may move money. Amounts are texts. Only an adjustment's may be below zero.
Source: docs/cashier.md.
"""

import os
from decimal import Decimal

from wallet import callback, money, wire
from wallet.errors import InvalidAmount, Malformed
from wallet.ledger import Movement

# In any currency; none for no limit.
ADJUSTMENT_LIMIT = Decimal(os.environ["ADJUSTMENT_LIMIT"] or "Infinity")
MOVEMENTS = ("opening", "deposit", "withdrawal", "adjustment")


class CashierOrder(wire.Order):
    movement: wire.Text
    reference: wire.Identifier
    user_id: wire.Identifier
    amount: wire.SignedAmount
    currency: wire.Text
    bonus: wire.SignedAmount | None = None  # of an opening or an adjustment: what `bonus` moves by
    below_zero: wire.Flag | None = None  # of an adjustment: it may take more than there is
    details: wire.Recorded | None = None


def movements_for(order: CashierOrder) -> list[Movement]:
    is_adjustment, is_opening = order.movement == "adjustment", order.movement == "opening"
    if order.movement not in MOVEMENTS:
        raise Malformed("movement")
    amounts = {"amount": order.amount, "bonus": order.bonus or Decimal(0)}
    for field, amount in amounts.items():
        if (amount < 0 and not is_adjustment) or (is_adjustment and amount.copy_abs() > ADJUSTMENT_LIMIT):
            raise InvalidAmount(field)
    if order.bonus is not None and not (is_adjustment or is_opening):
        raise Malformed("bonus")
    if order.below_zero and not is_adjustment:
        raise Malformed("belowZero")
    if is_opening and (len(order.currency) > wire.MAX_CHARACTERS or order.currency != order.currency.strip()):
        raise Malformed("currency")  # the wallet keeps it for good, and nobody would see a space at its end
    return [
        Movement(
            kind=order.movement,
            reference=order.reference,
            user_id=order.user_id,
            amount=money.subtract(Decimal(0), order.amount) if order.movement == "withdrawal" else order.amount,
            bonus_amount=amounts["bonus"],
            currency=order.currency,
            opens=is_opening,
            below_zero=bool(order.below_zero),
            actor=order.actor,
            reason=order.reason,
        )
    ]


handler = callback.serve_orders(CashierOrder, movements_for)

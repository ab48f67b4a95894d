"""Exact sums of balances: whatever an implementation answers is compared to the last digit."""

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

# Python's own context has 28 digits, fewer than a balance may have; more than these no wallet has.
_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow])


def plus(one: Decimal, other: Decimal) -> Decimal:
    return _EXACT.add(one, other)


def minus(one: Decimal, other: Decimal) -> Decimal:
    return _EXACT.subtract(one, other)

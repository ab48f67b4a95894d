"""Exact sums of balances: whatever an implementation answers is compared to the last digit."""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

# Python's own context has 28 digits, fewer than a balance may have; more than these no wallet has.
_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow])
_PLAIN = re.compile(r"-?[0-9]{1,100}(\.[0-9]{1,100})?")


def read(literal: str) -> Decimal | None:
    """The number that a balance writes in plain notation; None if it is none."""
    return Decimal(literal) if _PLAIN.fullmatch(literal) else None


def plus(one: Decimal, other: Decimal) -> Decimal:
    return _EXACT.add(one, other)


def minus(one: Decimal, other: Decimal) -> Decimal:
    return _EXACT.subtract(one, other)


def text(amount: Decimal) -> str:
    """In plain notation, without trailing zeros after the point."""
    plain = format(amount, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain

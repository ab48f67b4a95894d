"""Exact decimals: money is read, added and written to the last digit, and never rounded.

An amount has up to 32 digits, of which up to 18 stand after the point. A balance has up to 38
digits, DynamoDB's own precision; what would need more raises `Inexact` instead of losing a digit.
"""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

# Python's own context has 28 digits and belongs to a thread, so a setting made at import would not
# reach a second one: the context is passed explicitly, and it traps what it cannot hold.
_EXACT = Context(prec=38, traps=[Inexact, InvalidOperation, Overflow])

_MAX_DIGITS = 32
_PLAIN = re.compile(r"[0-9]+(\.[0-9]{1,18})?")  # not \d: that admits other scripts' digits


def parse(literal: str) -> Decimal:
    """The amount that `literal` writes in plain notation (`12`, `12.5`).

    Raises ValueError for a sign, an exponent, a space, `NaN`, or too many digits.
    """
    digits = len(literal) - ("." in literal)
    if digits > _MAX_DIGITS or not _PLAIN.fullmatch(literal):
        raise ValueError("not an amount in plain notation of at most 32 digits, 18 after the point")
    return Decimal(literal)


def text(amount: Decimal) -> str:
    """`amount` in plain notation with no trailing zero after the point.

    The one form of a balance, however it came about: DynamoDB drops trailing zeros, so a balance
    just computed (`100.50`) and the same one read back (`100.5`) must look the same.
    """
    plain = format(amount, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def add(left: Decimal, right: Decimal) -> Decimal:
    """The exact sum. Raises `decimal.Inexact` if it has more than 38 digits."""
    return _EXACT.add(left, right)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """The exact difference. Raises `decimal.Inexact` if it has more than 38 digits."""
    return _EXACT.subtract(left, right)

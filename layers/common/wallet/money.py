"""Exact decimals: money is read, added and written to the last digit, and never rounded.

An amount has up to 32 digits, of which up to 18 are after the point. A balance has up to 38
digits, DynamoDB's own precision; what would need more raises `Inexact` instead of losing a digit.
"""

import re
from decimal import ROUND_DOWN, Context, Decimal, Inexact, InvalidOperation, Overflow

# Python's own context has 28 digits and belongs to a thread, so a setting made at import would not
# reach a second one: the context is passed explicitly, and it traps what it cannot hold.
_EXACT = Context(prec=38, traps=[Inexact, InvalidOperation, Overflow])

_COUNTING = Context(prec=38, rounding=ROUND_DOWN)

# What an amount may have: trailing zeros do not count, and more significant digits are `Inexact`.
_AMOUNT = Context(prec=32, traps=[Inexact, InvalidOperation, Overflow])
_MAX_DIGITS, _MAX_DECIMALS = 32, 18
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")  # not \d: that admits other scripts' digits


def parse(literal: str, *, signed: bool = False) -> Decimal:
    """The amount that `literal` writes as JSON writes numbers (`12`, `12.50`, `1.2e3`): exact.

    Below zero only if it may be `signed`.

    Raises ValueError for anything else, and for a value of more than 32 digits or 18 decimals in plain notation.
    """
    if not _NUMBER.fullmatch(literal):
        raise ValueError("not a number as JSON writes it")
    try:
        value = _AMOUNT.create_decimal(literal).normalize(_AMOUNT)
    except (Inexact, InvalidOperation, Overflow):
        raise ValueError("more than 32 digits") from None
    if not value:
        return Decimal(0)
    # Measured before it is written out: an exponent may ask for a billion zeros.
    has_too_many_decimals = -int(value.as_tuple().exponent) > _MAX_DECIMALS
    if (value.is_signed() and not signed) or has_too_many_decimals or value.adjusted() >= _MAX_DIGITS:
        raise ValueError("negative, or more than 32 digits, 18 after the point")
    return Decimal(text(value))


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


def add_rounding_down(left: Decimal, right: Decimal) -> Decimal:
    """The sum, of more than 38 digits only the first 38: for what is counted, and never paid."""
    return _COUNTING.add(left, right)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """The exact difference. Raises `decimal.Inexact` if it has more than 38 digits."""
    return _EXACT.subtract(left, right)

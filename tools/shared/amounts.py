"""Amounts as texts, for a person and for a machine."""

from decimal import Decimal


def amount(value: Decimal) -> str:
    """In plain notation with every digit, and no trailing zero after the point."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed(value: Decimal) -> str:
    return amount(value) if value < 0 else f"+{amount(value)}"

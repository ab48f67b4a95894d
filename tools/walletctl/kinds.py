"""The operator's own kinds of movements, and the outcomes of a record that moved nothing."""

# What the cashier moves for the operator's own systems; every other kind is a callback's. Source: functions/cashier.
OPERATORS = ("opening", "deposit", "withdrawal", "adjustment")
CASHIER = "cashier"  # the function

# Such a record settles its reference without money, and has no `seq`. Source: layers/common/wallet/ledger.py.
NOT_ENOUGH, ELSEWHERE, CANCELLED = "not enough", "booked elsewhere", "cancelled"


def function_of(kind: str) -> str:
    """Which function makes movements of a kind."""
    return CASHIER if kind in OPERATORS else kind

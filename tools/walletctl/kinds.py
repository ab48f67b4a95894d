"""The kinds of movements, and the outcomes of a record that moved nothing."""

# What the cashier moves for the operator's own systems; every other kind is a callback's. Source: functions/cashier.
OPERATORS = ("opening", "deposit", "withdrawal", "adjustment")
CASHIER = "cashier"  # the function

BET, CANCEL = "bet", "cancel"  # a stake, and what pays it back
MOVE_NOTHING = ("endround", "balance")  # callbacks of which nothing is on record in the ledger

# Such a record settles its reference without money, and has no `seq`. Source: layers/common/wallet/ledger.py.
NOT_ENOUGH, ELSEWHERE, CANCELLED = "not enough", "booked elsewhere", "cancelled"
OUTCOMES = (NOT_ENOUGH, ELSEWHERE, CANCELLED)


def function_of(kind: str) -> str:
    """Which function makes movements of a kind."""
    return CASHIER if kind in OPERATORS else kind

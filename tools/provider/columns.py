"""The columns of the provider's report. What they mean: docs/tools/simulate.md, The provider's report."""

COLUMNS = (
    "reference",
    "callback",
    "transactionId",
    "userId",
    "currency",
    "amount",
    "roundId",
    "gameId",
    "bonusCode",
    "timestamp",
    "answer",
)

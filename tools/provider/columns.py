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
# The provider's page Data Feed names them, and not their order. What they mean: docs/tools/simulate.md, The feed.
FEED_COLUMNS = (
    "reference",
    "type",
    "amount",
    "timestamp",
    "sessionId",
    "gameId",
    "userId",
    "bonusCode",
    "roundDetails",
)

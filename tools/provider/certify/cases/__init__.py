"""Every case, in order. A file for each group; for each promise a row of a table, or a function named after it."""

from tools.provider.certify.cases import (
    auto_closing,
    balance,
    bets,
    cancels,
    concurrency,
    conflicts,
    credit,
    dialects,
    free_rounds,
    idempotency,
    jackpots,
    malformed,
    money,
    promotions,
    rounds,
    trust,
)
from tools.provider.certify.catalogue import numbered

CASES = numbered(
    [
        credit.promise,
        idempotency.promise,
        conflicts.promise,
        money.promise,
        dialects.promise,
        free_rounds.promise,
        promotions.promise,
        jackpots.promise,
        auto_closing.promise,
        trust.promise,
        malformed.promise,
        concurrency.promise,
        balance.promise,
        bets.promise,
        cancels.promise,
        rounds.promise,
    ]
)

SELECT 'unreadable' AS what, player, seq, id, 'a transaction' AS found, 'numbers of 38 digits, and texts' AS expected
FROM exact_transactions
WHERE player IS NULL OR currency IS NULL OR seq IS NULL OR seq = 0 OR amount IS NULL OR asked IS NULL
    OR bonus_amount IS NULL OR cash_after IS NULL OR bonus_after IS NULL OR kind IS NULL OR kind NOT IN (
        'opening', 'deposit', 'withdrawal', 'adjustment', 'result', 'jackpot', 'bonus', 'promo', 'bet', 'cancel'
    )
UNION ALL
SELECT 'unreadable', player, version, CAST(NULL AS VARCHAR), 'a wallet', 'numbers of 38 digits, and a currency'
FROM exact_wallets
WHERE currency IS NULL OR version IS NULL OR cash IS NULL OR bonus IS NULL
UNION ALL
SELECT 'outcome', player, TRY_CAST(seq AS BIGINT), id, outcome, 'not enough, booked elsewhere or cancelled, and no money'
FROM transactions
WHERE outcome IS NOT NULL AND (
    outcome NOT IN ('not enough', 'booked elsewhere', 'cancelled') OR player IS NULL OR amount IS DISTINCT FROM '0'
    OR seq IS NOT NULL OR cash_after IS NOT NULL OR bonus_after IS NOT NULL OR digest IS NOT NULL
)

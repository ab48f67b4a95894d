SELECT 'unreadable' AS what, player, seq, id, 'a transaction' AS found, 'numbers of 38 digits, and texts' AS expected
FROM exact_transactions
WHERE player IS NULL OR currency IS NULL OR seq IS NULL OR seq = 0 OR amount IS NULL OR asked IS NULL
    OR cash_after IS NULL OR bonus_after IS NULL OR kind IS NULL OR kind NOT IN ('result', 'jackpot', 'bonus', 'promo')
UNION ALL
SELECT 'unreadable', player, version, CAST(NULL AS VARCHAR), 'a wallet', 'numbers of 38 digits, and a currency'
FROM exact_wallets
WHERE currency IS NULL OR version IS NULL OR cash IS NULL OR bonus IS NULL

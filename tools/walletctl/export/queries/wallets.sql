WITH both_sides AS (
    SELECT
        t.player, t.seq, t.id, t.currency, t.cash_after, t.bonus_after,
        w.player AS wallet, w.currency AS wallet_currency, w.version, w.cash, w.bonus
    FROM exact_transactions AS t
    LEFT JOIN exact_wallets AS w ON w.player = t.player
)
SELECT 'no wallet' AS what, player, seq, id, 'a transaction' AS found, 'a wallet' AS expected
FROM both_sides
WHERE wallet IS NULL
UNION ALL
SELECT 'currency', player, seq, id, currency, wallet_currency
FROM both_sides
WHERE currency <> wallet_currency
UNION ALL
SELECT 'beyond the wallet', player, seq, id, CAST(seq AS VARCHAR), CAST(version AS VARCHAR) || ' at the most'
FROM both_sides
WHERE seq > version
UNION ALL
SELECT 'balance differs', player, seq, id, 'wallet ' || CAST(cash AS VARCHAR) || ' and ' || CAST(bonus AS VARCHAR),
    CAST(cash_after AS VARCHAR) || ' and ' || CAST(bonus_after AS VARCHAR)
FROM both_sides
WHERE seq = version AND (cash <> cash_after OR bonus <> bonus_after)
UNION ALL
SELECT 'missing', w.player, w.version, CAST(NULL AS VARCHAR), 'a wallet', 'a movement of this number'
FROM exact_wallets AS w
LEFT JOIN exact_transactions AS t ON t.player = w.player AND t.seq = w.version
WHERE t.id IS NULL
UNION ALL
SELECT 'currency', t.player, CAST(NULL AS BIGINT), t.id, t.currency, w.currency
FROM transactions AS t
JOIN wallets AS w ON w.player = t.player
WHERE t.outcome = 'not enough' AND t.currency IS DISTINCT FROM w.currency

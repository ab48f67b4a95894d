WITH moved AS (
    SELECT
        player, seq, id, amount, cash_after, bonus_after,
        CASE WHEN kind = 'bonus' OR (kind = 'result' AND bonus_code IS NOT NULL)
            THEN amount ELSE CAST(0 AS DECIMAL(38, 18)) END AS to_bonus,
        lag(seq) OVER (PARTITION BY player ORDER BY seq, id) AS seq_before,
        lag(cash_after) OVER (PARTITION BY player ORDER BY seq, id) AS cash_before,
        lag(bonus_after) OVER (PARTITION BY player ORDER BY seq, id) AS bonus_before
    FROM exact_transactions
)
SELECT 'seq twice' AS what, player, seq, id, CAST(seq AS VARCHAR) AS found, 'a number of its own' AS expected
FROM moved
WHERE seq = seq_before
UNION ALL
SELECT 'chain broken', player, seq, id, 'cashAfter ' || CAST(cash_after AS VARCHAR), CAST(cash_before + amount AS VARCHAR)
FROM moved
WHERE seq = seq_before + 1 AND cash_after <> cash_before + amount
UNION ALL
SELECT 'chain broken', player, seq, id, 'bonusAfter ' || CAST(bonus_after AS VARCHAR),
    CAST(bonus_before + to_bonus AS VARCHAR)
FROM moved
WHERE seq = seq_before + 1 AND bonus_after <> bonus_before + to_bonus

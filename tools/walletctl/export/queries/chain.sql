WITH moved AS (
    SELECT
        player, seq, id, kind, amount, cash_after, bonus_after,
        CASE WHEN kind = 'bonus' OR (kind = 'result' AND bonus_code IS NOT NULL)
            THEN amount ELSE bonus_amount END AS to_bonus,
        coalesce(lag(seq) OVER (PARTITION BY player ORDER BY seq, id), 0) AS seq_before,
        coalesce(lag(cash_after) OVER (
            PARTITION BY player ORDER BY seq, id
        ), CAST(0 AS DECIMAL(38, 18))) AS cash_before,
        coalesce(lag(bonus_after) OVER (
            PARTITION BY player ORDER BY seq, id
        ), CAST(0 AS DECIMAL(38, 18))) AS bonus_before
    FROM exact_transactions
)
SELECT 'seq twice' AS what, player, seq, id, CAST(seq AS VARCHAR) AS found, 'a number of its own' AS expected
FROM moved
WHERE seq = seq_before
UNION ALL
SELECT 'missing', player, seq, id, CAST(seq AS VARCHAR), CAST(seq_before + 1 AS VARCHAR)
FROM moved
WHERE seq > seq_before + 1
UNION ALL
SELECT 'opening', player, seq, id, kind, 'an opening first, and only one'
FROM moved
WHERE (kind = 'opening') <> (seq = 1)
UNION ALL
SELECT 'chain broken', player, seq, id, 'cashAfter ' || CAST(cash_after AS VARCHAR), CAST(cash_before + amount AS VARCHAR)
FROM moved
WHERE seq = seq_before + 1 AND cash_after <> cash_before + amount
UNION ALL
SELECT 'chain broken', player, seq, id, 'bonusAfter ' || CAST(bonus_after AS VARCHAR),
    CAST(bonus_before + to_bonus AS VARCHAR)
FROM moved
WHERE seq = seq_before + 1 AND bonus_after <> bonus_before + to_bonus
UNION ALL
SELECT 'below zero', player, seq, id, CAST(cash_after AS VARCHAR), 'zero or more'
FROM moved
WHERE amount < 0 AND cash_after < 0 AND kind <> 'adjustment'

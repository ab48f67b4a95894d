WITH moved AS (
    SELECT
        player, seq, currency,
        cash_after - amount AS cash_from,
        bonus_after - CASE WHEN kind = 'bonus' OR (kind = 'result' AND bonus_code IS NOT NULL)
            THEN amount ELSE CAST(0 AS DECIMAL(38, 18)) END AS bonus_from,
        lag(seq) OVER (PARTITION BY player ORDER BY seq, id) AS seq_before,
        lag(cash_after) OVER (PARTITION BY player ORDER BY seq, id) AS cash_before,
        lag(bonus_after) OVER (PARTITION BY player ORDER BY seq, id) AS bonus_before
    FROM exact_transactions
),
last_ones AS (
    SELECT player, max(seq) AS seq, max_by(cash_after, seq) AS cash, max_by(bonus_after, seq) AS bonus
    FROM exact_transactions
    GROUP BY player
)
SELECT
    player, currency, coalesce(seq_before, 0) + 1 AS first_version, seq - 1 AS last_version,
    cash_from - cash_before AS cash_moved, bonus_from - bonus_before AS bonus_moved, FALSE AS is_last
FROM moved
WHERE seq > coalesce(seq_before, 0) + 1
UNION ALL
SELECT
    w.player, w.currency, coalesce(l.seq, 0) + 1, w.version,
    w.cash - l.cash, w.bonus - l.bonus, TRUE
FROM exact_wallets AS w
LEFT JOIN last_ones AS l ON l.player = w.player
WHERE w.version > coalesce(l.seq, 0)

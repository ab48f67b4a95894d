WITH totals AS (
    SELECT
        player, bonus_code, kind, seq, id, round_key, moment, amount, asked, uncovered_after, advance_after,
        count(CASE WHEN kind = 'bonus' THEN round_key END) OVER (
            PARTITION BY player, bonus_code ORDER BY seq, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS rounds_named
    FROM exact_transactions
    WHERE kind IN ('result', 'bonus') AND bonus_code IS NOT NULL
),
befores AS (
    SELECT
        player, bonus_code, kind, seq, id, moment, amount, asked, uncovered_after, advance_after, rounds_named,
        coalesce(lag(uncovered_after) OVER (
            PARTITION BY player, bonus_code ORDER BY seq, id
        ), CAST(0 AS DECIMAL(38, 18))) AS uncovered,
        coalesce(lag(advance_after) OVER (
            PARTITION BY player, bonus_code ORDER BY seq, id
        ), CAST(0 AS DECIMAL(38, 18))) AS advance,
        max(CASE WHEN kind = 'bonus' THEN moment END) OVER (
            PARTITION BY player, bonus_code ORDER BY seq, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS until,
        max(CASE WHEN kind = 'bonus' AND round_key IS NOT NULL THEN rounds_named END) OVER (
            PARTITION BY player, bonus_code, round_key ORDER BY seq, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS named_as
    FROM totals
),
settled AS (
    SELECT
        player, kind, seq, id, amount, asked, uncovered_after, advance_after, uncovered, advance,
        CASE
            WHEN kind = 'bonus' THEN least(asked, uncovered)
            WHEN moment <= until OR named_as > rounds_named - 10 THEN least(asked, advance)
            ELSE CAST(0 AS DECIMAL(38, 18))
        END AS paid_before
    FROM befores
),
owed AS (
    SELECT
        player, seq, id, amount, uncovered_after, advance_after,
        asked - paid_before AS owed,
        CASE WHEN kind = 'bonus' THEN uncovered - paid_before ELSE uncovered + (asked - paid_before) END AS uncovered,
        CASE WHEN kind = 'bonus' THEN advance + (asked - paid_before) ELSE advance - paid_before END AS advance
    FROM settled
)
SELECT 'amount' AS what, player, seq, id, CAST(amount AS VARCHAR) AS found, CAST(owed AS VARCHAR) AS expected
FROM owed
WHERE amount <> owed
UNION ALL
SELECT 'free rounds', player, seq, id, 'uncoveredAfter ' || coalesce(CAST(uncovered_after AS VARCHAR), 'none'),
    CAST(uncovered AS VARCHAR)
FROM owed
WHERE uncovered_after IS NULL OR uncovered_after <> uncovered
UNION ALL
SELECT 'free rounds', player, seq, id, 'advanceAfter ' || coalesce(CAST(advance_after AS VARCHAR), 'none'),
    CAST(advance AS VARCHAR)
FROM owed
WHERE advance_after IS NULL OR advance_after <> advance
UNION ALL
SELECT 'amount', player, seq, id, CAST(amount AS VARCHAR), CAST(asked AS VARCHAR)
FROM exact_transactions
WHERE (kind NOT IN ('result', 'bonus') OR bonus_code IS NULL)
    AND amount <> CASE WHEN kind = 'bet' AND bonus_code IS NOT NULL THEN CAST(0 AS DECIMAL(38, 18)) ELSE asked END
UNION ALL
SELECT 'free rounds', player, seq, id, 'uncoveredAfter or advanceAfter', 'none'
FROM exact_transactions
WHERE (kind NOT IN ('result', 'bonus') OR bonus_code IS NULL) AND moves_free_rounds

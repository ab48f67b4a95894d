WITH spans AS (
    SELECT
        player, bonus_code, kind, asked,
        count(CASE WHEN kind = 'bonus' THEN 1 END) OVER (
            PARTITION BY player, bonus_code ORDER BY seq DESC, id DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS totals_after
    FROM exact_transactions
    WHERE kind IN ('result', 'bonus') AND bonus_code IS NOT NULL
),
left_over AS (
    SELECT player, bonus_code, sum(CASE WHEN totals_after = 0 THEN asked ELSE CAST(0 AS DECIMAL(38, 18)) END) AS uncovered
    FROM spans
    GROUP BY player, bonus_code
),
kept AS (
    SELECT
        player, bonus_code,
        CASE WHEN regexp_like(uncovered, '^-?[0-9]{1,20}([.][0-9]{1,18})?$')
            THEN TRY_CAST(uncovered AS DECIMAL(38, 18)) END AS uncovered
    FROM free_rounds
)
SELECT
    'free rounds' AS what,
    coalesce(k.player, l.player) AS player,
    CAST(NULL AS BIGINT) AS seq,
    coalesce(k.bonus_code, l.bonus_code) AS id,
    coalesce(CAST(k.uncovered AS VARCHAR), 'none') AS found,
    CAST(coalesce(l.uncovered, 0) AS VARCHAR) AS expected
FROM kept AS k
FULL JOIN left_over AS l ON l.player = k.player AND l.bonus_code = k.bonus_code
WHERE (k.player IS NOT NULL AND k.uncovered IS NULL)
    OR coalesce(k.uncovered, CAST(0 AS DECIMAL(38, 18))) <> coalesce(l.uncovered, CAST(0 AS DECIMAL(38, 18)))

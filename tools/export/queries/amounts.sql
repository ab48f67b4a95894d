WITH spans AS (
    SELECT
        player, seq, id, kind, bonus_code, amount, asked,
        count(CASE WHEN kind = 'bonus' THEN 1 END) OVER (
            PARTITION BY player, bonus_code ORDER BY seq, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) - CASE WHEN kind = 'bonus' THEN 1 ELSE 0 END AS totals_before
    FROM exact_transactions
    WHERE kind IN ('result', 'bonus') AND bonus_code IS NOT NULL
),
counted AS (
    SELECT
        player, seq, id, kind, amount, asked,
        sum(CASE WHEN kind = 'result' THEN asked ELSE CAST(0 AS DECIMAL(38, 18)) END) OVER (
            PARTITION BY player, bonus_code, totals_before
            ORDER BY seq, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS uncovered
    FROM spans
)
SELECT 'amount' AS what, player, seq, id, CAST(amount AS VARCHAR) AS found,
    CAST(asked - least(asked, uncovered) AS VARCHAR) AS expected
FROM counted
WHERE kind = 'bonus' AND amount <> asked - least(asked, uncovered)
UNION ALL
SELECT 'amount', player, seq, id, CAST(amount AS VARCHAR), CAST(asked AS VARCHAR)
FROM exact_transactions
WHERE (kind <> 'bonus' OR bonus_code IS NULL) AND amount <> asked

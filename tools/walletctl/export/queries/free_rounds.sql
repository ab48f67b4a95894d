WITH played AS (
    SELECT
        player, bonus_code, seq, id, uncovered_after, advance_after,
        CASE WHEN kind = 'bonus' THEN moment END AS total_at,
        CASE WHEN kind = 'bonus' THEN round_key END AS last_round,
        row_number() OVER (PARTITION BY player, bonus_code ORDER BY seq DESC, id DESC) AS from_the_end,
        count(CASE WHEN kind = 'bonus' THEN round_key END) OVER (
            PARTITION BY player, bonus_code ORDER BY seq DESC, id DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS rounds_from_the_end
    FROM exact_transactions
    WHERE kind IN ('result', 'bonus') AND bonus_code IS NOT NULL
),
must_be AS (
    SELECT
        player, bonus_code,
        max(CASE WHEN from_the_end = 1 THEN uncovered_after END) AS uncovered,
        max(CASE WHEN from_the_end = 1 THEN advance_after END) AS advance,
        max(total_at) AS until,
        coalesce(array_join(array_agg(last_round ORDER BY seq, id) FILTER (
            WHERE last_round IS NOT NULL AND rounds_from_the_end <= 10
        ), chr(10)), '') AS last_rounds
    FROM played
    GROUP BY player, bonus_code
),
kept AS (
    SELECT
        player, bonus_code, last_rounds,
        CASE WHEN regexp_like(uncovered, '^-?[0-9]{1,19}([.][0-9]{1,18})?$')
            THEN TRY_CAST(uncovered AS DECIMAL(38, 18)) END AS uncovered,
        CASE WHEN regexp_like(advance, '^-?[0-9]{1,19}([.][0-9]{1,18})?$')
            THEN TRY_CAST(advance AS DECIMAL(38, 18)) END AS advance,
        CASE WHEN regexp_like(until, '^[0-9]{1,20}$') THEN TRY_CAST(until AS DECIMAL(38, 0))
            WHEN until IS NOT NULL THEN CAST(-1 AS DECIMAL(38, 0)) END AS until
    FROM free_rounds
)
SELECT
    'free rounds' AS what,
    coalesce(k.player, m.player) AS player,
    CAST(NULL AS BIGINT) AS seq,
    coalesce(k.bonus_code, m.bonus_code) AS id,
    coalesce(CAST(k.uncovered AS VARCHAR), 'none') || ' and ' || coalesce(CAST(k.advance AS VARCHAR), 'none')
        || ' until ' || coalesce(CAST(k.until AS VARCHAR), 'none') AS found,
    coalesce(CAST(m.uncovered AS VARCHAR), 'none') || ' and ' || coalesce(CAST(m.advance AS VARCHAR), 'none')
        || ' until ' || coalesce(CAST(m.until AS VARCHAR), 'none') AS expected
FROM kept AS k
FULL JOIN must_be AS m ON m.player = k.player AND m.bonus_code = k.bonus_code
WHERE k.player IS NULL OR m.player IS NULL
    OR k.uncovered IS NULL OR k.uncovered <> m.uncovered OR m.uncovered IS NULL
    OR k.advance IS NULL OR k.advance <> m.advance OR m.advance IS NULL
    OR k.until IS DISTINCT FROM m.until
    OR k.last_rounds IS DISTINCT FROM m.last_rounds

CREATE TABLE exact_transactions AS
SELECT
    id, player, currency,
    NULLIF(bonus_code, '') AS bonus_code,
    split_part(id, '#', 1) AS kind,
    CASE WHEN game_id IS NOT NULL AND round_id IS NOT NULL
        THEN CAST(length(game_id) AS VARCHAR) || ':' || game_id || round_id END AS round_key,
    CASE WHEN regexp_like(sent_at, '^[0-9]{1,20}$') THEN TRY_CAST(sent_at AS DECIMAL(38, 0)) END AS moment,
    TRY_CAST(replace(substr(recorded_at, 1, 23), 'T', ' ') AS TIMESTAMP) AS recorded,
    CASE WHEN regexp_like(seq, '^[0-9]{1,18}$') THEN TRY_CAST(seq AS BIGINT) END AS seq,
    CASE WHEN regexp_like(amount, '^-?[0-9]{1,19}([.][0-9]{1,18})?$')
        THEN TRY_CAST(amount AS DECIMAL(38, 18)) END AS amount,
    CASE WHEN regexp_like(asked, '^-?[0-9]{1,19}([.][0-9]{1,18})?$')
        THEN TRY_CAST(asked AS DECIMAL(38, 18)) END AS asked,
    CASE WHEN regexp_like(coalesce(bonus_amount, '0'), '^-?[0-9]{1,19}([.][0-9]{1,18})?$')
        THEN TRY_CAST(coalesce(bonus_amount, '0') AS DECIMAL(38, 18)) END AS bonus_amount,
    CASE WHEN regexp_like(cash_after, '^-?[0-9]{1,19}([.][0-9]{1,18})?$')
        THEN TRY_CAST(cash_after AS DECIMAL(38, 18)) END AS cash_after,
    CASE WHEN regexp_like(bonus_after, '^-?[0-9]{1,19}([.][0-9]{1,18})?$')
        THEN TRY_CAST(bonus_after AS DECIMAL(38, 18)) END AS bonus_after,
    CASE WHEN regexp_like(uncovered_after, '^[0-9]{1,19}([.][0-9]{1,18})?$')
        THEN TRY_CAST(uncovered_after AS DECIMAL(38, 18)) END AS uncovered_after,
    CASE WHEN regexp_like(advance_after, '^[0-9]{1,19}([.][0-9]{1,18})?$')
        THEN TRY_CAST(advance_after AS DECIMAL(38, 18)) END AS advance_after,
    uncovered_after IS NOT NULL OR advance_after IS NOT NULL AS moves_free_rounds
FROM transactions
WHERE outcome IS NULL

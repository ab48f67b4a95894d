CREATE TABLE exact_transactions AS
SELECT
    id, player, currency,
    NULLIF(bonus_code, '') AS bonus_code,
    split_part(id, '#', 1) AS kind,
    CASE WHEN regexp_like(seq, '^[0-9]{1,18}$') THEN TRY_CAST(seq AS BIGINT) END AS seq,
    CASE WHEN regexp_like(amount, '^[0-9]{1,20}([.][0-9]{1,18})?$')
        THEN TRY_CAST(amount AS DECIMAL(38, 18)) END AS amount,
    CASE WHEN regexp_like(asked, '^[0-9]{1,20}([.][0-9]{1,18})?$')
        THEN TRY_CAST(asked AS DECIMAL(38, 18)) END AS asked,
    CASE WHEN regexp_like(cash_after, '^-?[0-9]{1,20}([.][0-9]{1,18})?$')
        THEN TRY_CAST(cash_after AS DECIMAL(38, 18)) END AS cash_after,
    CASE WHEN regexp_like(bonus_after, '^-?[0-9]{1,20}([.][0-9]{1,18})?$')
        THEN TRY_CAST(bonus_after AS DECIMAL(38, 18)) END AS bonus_after
FROM transactions

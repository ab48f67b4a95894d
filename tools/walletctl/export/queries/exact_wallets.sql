CREATE TABLE exact_wallets AS
SELECT
    player, currency,
    CASE WHEN regexp_like(version, '^[0-9]{1,18}$') THEN TRY_CAST(version AS BIGINT) END AS version,
    CASE WHEN regexp_like(cash, '^-?[0-9]{1,19}([.][0-9]{1,18})?$')
        THEN TRY_CAST(cash AS DECIMAL(38, 18)) END AS cash,
    CASE WHEN regexp_like(bonus, '^-?[0-9]{1,19}([.][0-9]{1,18})?$')
        THEN TRY_CAST(bonus AS DECIMAL(38, 18)) END AS bonus
FROM wallets

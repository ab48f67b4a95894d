WITH continued AS (
    SELECT
        player, seq, id, recorded,
        lag(recorded) OVER (PARTITION BY player ORDER BY seq, id) AS recorded_before
    FROM exact_transactions
)
SELECT 'time' AS what, player, seq, id, CAST(recorded AS VARCHAR) AS found,
    CAST(recorded_before AS VARCHAR) || ' or later' AS expected
FROM continued
WHERE recorded < recorded_before - INTERVAL '1' MINUTE

SELECT
    CAST(date_trunc('day', recorded) AS DATE) AS day, currency, coalesce(game_id, 'none') AS game,
    sum(CASE WHEN kind IN ('bet', 'cancel') THEN -amount ELSE CAST(0 AS DECIMAL(38, 18)) END) AS staked,
    sum(CASE WHEN kind IN ('bet', 'cancel') THEN CAST(0 AS DECIMAL(38, 18)) ELSE amount END) AS won,
    -sum(amount) AS net,
    count(CASE WHEN kind = 'bet' THEN 1 END) - count(CASE WHEN kind = 'cancel' THEN 1 END) AS bets
FROM (
    SELECT t.*, r.game_id
    FROM exact_transactions AS t
    JOIN transactions AS r ON r.id = t.id
) AS movements
WHERE kind IN ('bet', 'cancel', 'result', 'jackpot', 'bonus', 'promo')
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3

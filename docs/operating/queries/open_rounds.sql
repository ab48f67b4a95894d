SELECT
    r.player, r.game_id, r.round_id, r.open_since, w.currency, count(b.id) AS bets,
    -sum(b.amount) AS staked
FROM rounds AS r
JOIN transactions AS t ON t.player = r.player AND t.game_id = r.game_id AND t.round_id = r.round_id
    AND split_part(t.id, '#', 1) = 'bet' AND t.outcome IS NULL
JOIN exact_transactions AS b ON b.id = t.id
LEFT JOIN transactions AS c ON c.id = 'cancel#' || substr(t.id, 5)
LEFT JOIN wallets AS w ON w.player = r.player
WHERE r.open_since IS NOT NULL AND c.id IS NULL
GROUP BY r.player, r.game_id, r.round_id, r.open_since, w.currency
ORDER BY r.open_since

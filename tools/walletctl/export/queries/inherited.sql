WITH records AS (
    SELECT id, player, split_part(id, '#', 1) AS kind, substr(id, strpos(id, '#') + 1) AS reference, outcome,
        TRY_CAST(seq AS BIGINT) AS seq, NULLIF(bonus_code, '') AS bonus_code, game_id, round_id, inherits
    FROM transactions
    WHERE split_part(id, '#', 1) IN ('bet', 'cancel', 'result')
),
bets AS (
    SELECT b.player, b.seq, b.bonus_code, b.game_id, b.round_id,
        CASE WHEN c.id IS NOT NULL AND c.outcome IS NULL THEN c.seq END AS paid_back_as,
        c.outcome IS NOT NULL AS is_elsewhere
    FROM records AS b
    LEFT JOIN records AS c ON c.player = b.player AND c.kind = 'cancel' AND c.reference = b.reference
    WHERE b.kind = 'bet' AND b.outcome IS NULL
)
SELECT 'request' AS what, r.player, r.seq, r.id, 'bonusCode ' || r.bonus_code AS found, 'that of its live bets' AS expected
FROM records AS r
LEFT JOIN bets AS b ON b.player = r.player AND b.game_id = r.game_id AND b.round_id = r.round_id AND b.seq < r.seq
    AND (b.paid_back_as IS NULL OR b.paid_back_as > r.seq)
WHERE r.kind = 'result' AND r.inherits = 'true'
GROUP BY r.player, r.seq, r.id, r.bonus_code
HAVING count(CASE WHEN b.bonus_code = r.bonus_code THEN 1 END) = 0
    OR count(CASE WHEN b.seq IS NOT NULL AND NOT b.is_elsewhere AND b.bonus_code IS DISTINCT FROM r.bonus_code THEN 1 END) > 0

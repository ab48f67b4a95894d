WITH records AS (
    SELECT
        id, player, split_part(id, '#', 1) AS kind, substr(id, strpos(id, '#') + 1) AS reference, outcome,
        TRY_CAST(seq AS BIGINT) AS seq, CAST(TRY_CAST(amount AS DECIMAL(33, 18)) AS DECIMAL(38, 18)) AS amount,
        CAST(TRY_CAST(asked AS DECIMAL(33, 18)) AS DECIMAL(38, 18)) AS asked, NULLIF(bonus_code, '') AS bonus_code, game_id, round_id,
        provider_id, actor, reason, arrived_with, undoes, undoes_amount
    FROM transactions
    WHERE split_part(id, '#', 1) IN ('bet', 'cancel')
),
cancels AS (SELECT * FROM records WHERE kind = 'cancel'),
bets AS (SELECT * FROM records WHERE kind = 'bet'),
refunds AS (
    SELECT f.id, f.player, f.seq, f.actor, f.undoes_amount AS said, count(o.id) AS others, max(o.seq) AS last_seq, min(o.seq) AS next_seq,
        f.asked + coalesce(sum(o.asked), CAST(0 AS DECIMAL(38, 18))) AS paid_back
    FROM cancels AS f
    LEFT JOIN cancels AS o ON o.arrived_with = f.id AND o.player = f.player
    WHERE f.arrived_with IS NULL
    GROUP BY f.id, f.player, f.seq, f.actor, f.undoes_amount, f.asked
)
SELECT 'paid back' AS what, c.player, c.seq, c.id, CAST(c.asked AS VARCHAR) AS found,
    coalesce(CAST(-b.amount AS VARCHAR), 'a bet that was taken') AS expected
FROM cancels AS c
LEFT JOIN bets AS b ON b.reference = c.reference AND b.player = c.player AND b.outcome IS NULL
WHERE b.id IS NULL OR c.asked IS NULL OR b.amount IS NULL OR c.asked <> -b.amount OR c.seq <= b.seq
    OR c.game_id IS DISTINCT FROM b.game_id OR c.round_id IS DISTINCT FROM b.round_id
    OR c.bonus_code IS DISTINCT FROM b.bonus_code
UNION ALL
SELECT 'paid back', r.player, r.seq, r.id, 'arrived with ' || r.arrived_with, 'the first bet that a refund paid back'
FROM records AS r
LEFT JOIN cancels AS f ON f.id = r.arrived_with AND f.player = r.player AND f.arrived_with IS NULL
WHERE r.arrived_with IS NOT NULL AND (f.id IS NULL
    OR (r.outcome IS NULL) <> (f.outcome IS NULL) AND r.kind = 'cancel'
    OR r.game_id IS DISTINCT FROM f.game_id OR r.round_id IS DISTINCT FROM f.round_id
    OR r.provider_id IS DISTINCT FROM f.provider_id OR r.actor IS DISTINCT FROM f.actor
    OR r.reason IS DISTINCT FROM f.reason OR (r.kind = 'bet' AND f.undoes <> r.reference))
UNION ALL
SELECT 'paid back', player, seq, id, CAST(paid_back AS VARCHAR) || ' by ' || CAST(others + 1 AS VARCHAR),
    coalesce(said, 'numbers without a gap')
FROM refunds
WHERE (actor IS NULL AND said IS NOT NULL AND paid_back <> 0
        AND TRY_CAST(said AS DECIMAL(38, 18)) IS DISTINCT FROM paid_back) OR (others > 0 AND (last_seq <> seq + others OR next_seq <= seq))
UNION ALL
SELECT 'paid back', c.player, c.seq, c.id, 'its request names ' || c.undoes, 'a bet that is remembered'
FROM cancels AS c
LEFT JOIN bets AS b ON b.reference = c.undoes
WHERE c.undoes <> c.reference AND b.id IS NULL

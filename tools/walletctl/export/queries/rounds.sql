WITH records AS (
    SELECT
        id, player, split_part(id, '#', 1) AS kind, substr(id, strpos(id, '#') + 1) AS reference, outcome,
        TRY_CAST(seq AS BIGINT) AS seq, CAST(TRY_CAST(amount AS DECIMAL(33, 18)) AS DECIMAL(38, 18)) AS amount,
        CAST(TRY_CAST(asked AS DECIMAL(33, 18)) AS DECIMAL(38, 18)) AS asked, NULLIF(bonus_code, '') AS bonus_code, game_id, round_id,
        CASE WHEN game_id IS NOT NULL AND round_id IS NOT NULL
            THEN CAST(length(game_id) AS VARCHAR) || ':' || game_id || round_id END AS round_key,
        TRY_CAST(replace(substr(recorded_at, 1, 23), 'T', ' ') AS TIMESTAMP) AS recorded, arrived_with, undoes, actor
    FROM transactions
    WHERE split_part(id, '#', 1) IN ('bet', 'cancel', 'result')
),
cancels AS (SELECT * FROM records WHERE kind = 'cancel'),
played AS (
    SELECT
        r.player, r.round_key, r.id, r.kind, r.outcome, r.seq, r.recorded, r.asked, r.arrived_with, r.actor,
        r.kind = 'bet' AND r.outcome IS NULL AS is_taken,
        r.kind = 'bet' AND r.outcome IS NULL AND c.id IS NULL AS is_live,
        r.kind = 'bet' AND r.outcome = 'cancelled' AS is_memory,
        c.recorded AS paid_back_at, c.seq AS paid_back_as,
        c.arrived_with IS NOT NULL OR c.undoes <> c.reference AS is_refunded,
        r.reference || chr(10) || CAST(-r.amount AS VARCHAR) || chr(10) || coalesce(r.bonus_code, '') AS bet
    FROM records AS r
    LEFT JOIN cancels AS c ON c.player = r.player AND c.reference = r.reference AND r.kind = 'bet' AND r.outcome IS NULL
    WHERE r.kind <> 'cancel' AND r.round_key IS NOT NULL
),
must_be AS (
    SELECT
        player, round_key,
        coalesce(array_join(array_agg(bet ORDER BY seq) FILTER (WHERE is_live), chr(10)), '') AS bets,
        count(CASE WHEN is_taken THEN 1 END) AS taken,
        count(CASE WHEN is_memory THEN 1 END) AS memories,
        count(CASE WHEN is_memory AND arrived_with IS NOT NULL OR is_refunded THEN 1 END) AS refunds,
        count(CASE WHEN kind = 'bet' AND outcome = 'not enough' THEN 1 END) AS refused,
        count(CASE WHEN kind = 'bet' THEN 1 END) AS all_bets,
        count(CASE WHEN kind = 'result' THEN 1 END) AS results,
        count(CASE WHEN kind = 'result' AND asked IS NULL THEN 1 END) AS too_large,
        coalesce(sum(CASE WHEN kind = 'result' THEN asked END), CAST(0 AS DECIMAL(38, 18))) AS winnings,
        min(CASE WHEN is_taken THEN recorded END) AS first_taken,
        min(CASE WHEN is_live THEN recorded END) AS first_live,
        max(CASE WHEN kind = 'result' OR is_taken THEN greatest(recorded, coalesce(paid_back_at, recorded)) END) AS changed,
        min(CASE WHEN is_refunded THEN paid_back_as END) AS first_refund,
        max(CASE WHEN is_taken THEN seq END) AS last_taken,
        max(recorded) AS newest
    FROM played
    GROUP BY player, round_key
),
forbidden AS (
    SELECT player, round_key
    FROM (
        SELECT r.player, r.round_key, r.id
        FROM played AS r
        JOIN played AS b ON b.player = r.player AND b.round_key = r.round_key
            AND ((b.is_taken AND b.seq < r.seq) OR (b.is_memory AND b.recorded < r.recorded - INTERVAL '1' MINUTE))
        WHERE r.kind = 'result' AND r.outcome IS NULL AND r.asked > 0 AND r.actor IS NULL
        GROUP BY r.player, r.round_key, r.id
        HAVING count(CASE WHEN b.is_taken AND (b.paid_back_as IS NULL OR b.paid_back_as > r.seq) THEN 1 END) = 0
    ) AS won
    GROUP BY player, round_key
),
kept AS (
    SELECT
        player, round, game_id, round_id, CAST(length(game_id) AS VARCHAR) || ':' || game_id || round_id AS round_key,
        bets, had_bet IS NOT NULL AS had_bet, had_refused_bet IS NOT NULL AS had_refused_bet,
        has_result IS NOT NULL AS has_result, refunded IS NOT NULL AS refunded, open_since,
        TRY_CAST(winnings AS DECIMAL(38, 18)) AS winnings, TRY_CAST(expires_at AS BIGINT) AS expires_at,
        TRY_CAST(replace(substr(open_since, 1, 23), 'T', ' ') AS TIMESTAMP) AS opened
    FROM rounds
),
named AS (
    SELECT k.player, k.round_key
    FROM kept AS k
    JOIN records AS b ON b.player = k.player AND b.kind = 'bet'
    WHERE k.refunded AND coalesce(b.game_id, k.game_id) = k.game_id AND coalesce(b.round_id, k.round_id) = k.round_id
    GROUP BY k.player, k.round_key
)
SELECT
    'round' AS what, coalesce(k.player, m.player) AS player, CAST(NULL AS BIGINT) AS seq,
    coalesce(k.round_key, m.round_key) AS id,
    CASE WHEN k.player IS NULL THEN 'no round' ELSE coalesce(k.bets, 'none') || ' and ' || coalesce(CAST(k.winnings AS VARCHAR),
        'none') END AS found,
    coalesce(m.bets, '') || ' and ' || coalesce(CAST(m.winnings AS VARCHAR), '0') AS expected
FROM kept AS k
FULL JOIN must_be AS m ON m.player = k.player AND m.round_key = k.round_key
LEFT JOIN named AS n ON n.player = k.player AND n.round_key = k.round_key
LEFT JOIN forbidden AS f ON f.player = k.player AND f.round_key = k.round_key
CROSS JOIN exported AS e
WHERE (k.player IS NULL AND m.all_bets > 0
        AND ((m.bets <> '' AND m.results = 0) OR m.newest > e.moment - INTERVAL '400' DAY))
    OR (k.player IS NOT NULL AND (
        k.round_key IS NULL OR k.bets IS NULL OR k.winnings IS NULL
        OR NOT (k.round = k.round_key OR (length(k.round_key) > 250 AND k.round = lower(to_hex(sha256(to_utf8(k.round_key))))))
        OR k.bets <> coalesce(m.bets, '') OR m.last_taken > m.first_refund OR f.player IS NOT NULL OR m.too_large > 0
        OR k.winnings <> coalesce(m.winnings, CAST(0 AS DECIMAL(38, 18)))
        OR k.had_bet <> (coalesce(m.taken, 0) > 0 OR (k.had_bet AND coalesce(m.memories, 0) > 0))
        OR k.had_refused_bet <> (coalesce(m.refused, 0) > 0)
        OR k.has_result <> (coalesce(m.results, 0) > 0)
        OR (NOT k.refunded AND (m.refunds > 0 OR (m.memories > 0 AND NOT k.had_bet)))
        OR (k.refunded AND (k.bets <> '' OR n.player IS NULL))
        OR (k.bets <> '' AND NOT k.has_result) <> (k.open_since IS NOT NULL)
        OR (k.open_since IS NULL) <> (k.expires_at IS NOT NULL)
        OR (k.open_since IS NOT NULL AND (k.opened IS NULL OR k.opened < m.first_taken - INTERVAL '1' MINUTE
            OR k.opened > m.first_live + INTERVAL '1' MINUTE))
        OR k.expires_at < to_unixtime(m.changed) + 34559940
    ))

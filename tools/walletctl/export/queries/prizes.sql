WITH prizes AS (
    SELECT player, id, seq, outcome, asked, currency, bonus_code, game_id, round_id, campaign_id, campaign_type,
        provider_id, sent_at, actor, reason, arrived_with, request_digest
    FROM transactions
    WHERE arrived_with IS NOT NULL AND split_part(id, '#', 1) = 'promo'
        AND (request_digest IS NULL OR coalesce(actor, '') = '')
),
results AS (
    SELECT player, id, seq, outcome, currency, bonus_code, game_id, round_id, campaign_id, campaign_type, provider_id,
        sent_at, actor, reason, prize_amount, inherits,
        CASE WHEN later_prize_amount IS NULL THEN prize_reference ELSE later_prize_reference END AS named_reference,
        coalesce(later_prize_amount, prize_amount) AS named_amount
    FROM transactions
    WHERE split_part(id, '#', 1) = 'result' AND coalesce(later_prize_amount, prize_amount) IS NOT NULL
),
promos AS (
    SELECT id AS promo
    FROM transactions
    WHERE split_part(id, '#', 1) = 'promo'
)
SELECT 'prize' AS what, p.player, TRY_CAST(p.seq AS BIGINT) AS seq, p.id, 'arrived with ' || p.arrived_with AS found,
    'a result that names this prize' AS expected
FROM prizes AS p
LEFT JOIN results AS r ON r.id = p.arrived_with AND r.player = p.player
WHERE r.id IS NULL OR 'promo#' || r.named_reference IS DISTINCT FROM p.id OR r.named_amount IS DISTINCT FROM p.asked
    OR (p.request_digest IS NULL AND (
        r.prize_amount IS NULL
        OR p.outcome IS DISTINCT FROM r.outcome
        OR TRY_CAST(p.seq AS BIGINT) IS DISTINCT FROM TRY_CAST(r.seq AS BIGINT) + 1
        OR p.currency IS DISTINCT FROM r.currency
        OR p.bonus_code IS DISTINCT FROM CASE WHEN r.inherits IS NULL THEN r.bonus_code END
        OR p.game_id IS DISTINCT FROM r.game_id
        OR p.round_id IS DISTINCT FROM r.round_id
        OR p.campaign_id IS DISTINCT FROM r.campaign_id
        OR p.campaign_type IS DISTINCT FROM r.campaign_type
        OR p.provider_id IS DISTINCT FROM r.provider_id
        OR p.sent_at IS DISTINCT FROM r.sent_at
        OR p.actor IS DISTINCT FROM r.actor
        OR p.reason IS DISTINCT FROM r.reason
    ))
UNION ALL
SELECT 'prize', r.player, TRY_CAST(r.seq AS BIGINT), r.id, 'no promo#' || r.named_reference,
    'paid, or left for a person as its request is wrong'
FROM results AS r
LEFT JOIN promos AS p ON p.promo = 'promo#' || r.named_reference
WHERE p.promo IS NULL AND r.named_reference IS NOT NULL
    AND regexp_like(r.named_amount, '^[0-9]{1,32}([.][0-9]{1,18})?$')

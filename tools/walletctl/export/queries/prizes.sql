WITH prizes AS (
    SELECT player, id, seq, asked, currency, bonus_code, game_id, round_id, campaign_id, campaign_type, provider_id,
        sent_at, arrived_with, request
    FROM transactions
    WHERE arrived_with IS NOT NULL AND split_part(id, '#', 1) = 'promo'
),
results AS (
    SELECT player, id, seq, currency, bonus_code, game_id, round_id, campaign_id, campaign_type, provider_id,
        sent_at, prize_reference, prize_amount
    FROM transactions
    WHERE split_part(id, '#', 1) = 'result' AND prize_amount IS NOT NULL
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
WHERE r.id IS NULL OR 'promo#' || r.prize_reference IS DISTINCT FROM p.id OR r.prize_amount IS DISTINCT FROM p.asked
    OR (p.request IS NULL AND (
        TRY_CAST(p.seq AS BIGINT) IS DISTINCT FROM TRY_CAST(r.seq AS BIGINT) + 1
        OR p.currency IS DISTINCT FROM r.currency
        OR p.bonus_code IS DISTINCT FROM r.bonus_code
        OR p.game_id IS DISTINCT FROM r.game_id
        OR p.round_id IS DISTINCT FROM r.round_id
        OR p.campaign_id IS DISTINCT FROM r.campaign_id
        OR p.campaign_type IS DISTINCT FROM r.campaign_type
        OR p.provider_id IS DISTINCT FROM r.provider_id
        OR p.sent_at IS DISTINCT FROM r.sent_at
    ))
UNION ALL
SELECT 'prize', r.player, TRY_CAST(r.seq AS BIGINT), r.id, 'no promo#' || r.prize_reference,
    'paid, or left for a person as its request is wrong'
FROM results AS r
LEFT JOIN promos AS p ON p.promo = 'promo#' || r.prize_reference
WHERE p.promo IS NULL AND r.prize_reference IS NOT NULL
    AND regexp_like(r.prize_amount, '^[0-9]{1,32}([.][0-9]{1,18})?$')

WITH befores AS (
    SELECT id, lag(digest) OVER (PARTITION BY player ORDER BY TRY_CAST(seq AS BIGINT), id) AS digest_before
    FROM transactions
    WHERE outcome IS NULL
),
linked AS (
    SELECT
        t.player, t.seq, t.id, t.digest,
        lower(to_hex(sha256(to_utf8('[1,"' || coalesce(b.digest_before, '') || '",' || t.covered || ']')))) AS made
    FROM transactions AS t
    JOIN befores AS b ON b.id = t.id
    WHERE t.outcome IS NULL
)
SELECT 'digest' AS what, player, TRY_CAST(seq AS BIGINT) AS seq, id, coalesce(digest, 'none') AS found, made AS expected
FROM linked
WHERE digest IS DISTINCT FROM made
UNION ALL
SELECT 'digest', w.player, TRY_CAST(t.seq AS BIGINT), t.id, 'wallet ' || coalesce(w.digest, 'none'), t.digest
FROM wallets AS w
JOIN transactions AS t ON t.player = w.player AND TRY_CAST(t.seq AS BIGINT) = TRY_CAST(w.version AS BIGINT)
WHERE w.digest IS DISTINCT FROM t.digest

SELECT
    'before the anchor' AS what, a.player, TRY_CAST(a.version AS BIGINT) AS seq, t.id,
    coalesce(t.digest, 'version ' || coalesce(w.version, 'none')) AS found, a.digest AS expected
FROM anchors AS a
LEFT JOIN wallets AS w ON w.player = a.player
LEFT JOIN transactions AS t ON t.player = a.player AND TRY_CAST(t.seq AS BIGINT) = TRY_CAST(a.version AS BIGINT)
WHERE a.player IS NOT NULL
    AND (w.player IS NULL OR TRY_CAST(w.version AS BIGINT) < TRY_CAST(a.version AS BIGINT)
        OR t.digest IS DISTINCT FROM a.digest)

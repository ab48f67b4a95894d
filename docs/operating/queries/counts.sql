SELECT 'players' AS what, count(*) AS items FROM exported_players
UNION ALL SELECT 'transactions', count(*) FROM exported_transactions
UNION ALL SELECT 'free rounds', count(*) FROM exported_free_rounds
UNION ALL SELECT 'rounds', count(*) FROM exported_rounds

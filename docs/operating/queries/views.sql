CREATE VIEW wallets AS
SELECT item.userid.s AS player, item.currency.s AS currency, item.cash.n AS cash, item.bonus.n AS bonus,
    item.version.n AS version, item.digest.s AS digest
FROM exported_players;

CREATE VIEW transactions AS
-- What a digest covers, as canonical JSON. The attributes are in the order of their names. ␂ is a quotation mark until the
-- texts are escaped: a text that has it makes a digest that does not fit, and is named.
WITH written AS (
    SELECT item, array_join(ARRAY[
        '␂actor␂:␂' || item.actor.s || '␂', '␂advanceAfter␂:␂' || item.advanceafter.n || '␂',
        '␂amount␂:␂' || item.amount.n || '␂', '␂amountAsked␂:␂' || item.amountasked.n || '␂',
        '␂arrivedWith␂:␂' || item.arrivedwith.s || '␂', '␂autoClosed␂:' || item.autoclosed."bool",
        '␂bonusAfter␂:␂' || item.bonusafter.n || '␂', '␂bonusAmount␂:␂' || item.bonusamount.n || '␂',
        '␂bonusCode␂:␂' || item.bonuscode.s || '␂', '␂campaignId␂:␂' || item.campaignid.s || '␂',
        '␂campaignType␂:␂' || item.campaigntype.s || '␂', '␂cashAfter␂:␂' || item.cashafter.n || '␂',
        '␂currency␂:␂' || item.currency.s || '␂', '␂gameId␂:␂' || item.gameid.s || '␂', '␂id␂:␂' || item.id.s || '␂',
        '␂jackpotId␂:␂' || item.jackpotid.s || '␂', '␂prizeAmount␂:␂' || item.prizeamount.s || '␂',
        '␂prizeReference␂:␂' || item.prizereference.s || '␂', '␂providerId␂:␂' || item.providerid.s || '␂',
        '␂reason␂:␂' || item.reason.s || '␂', '␂recordedAt␂:␂' || item.recordedat.s || '␂',
        '␂requestDigest␂:␂' || item.requestdigest.s || '␂', '␂roundId␂:␂' || item.roundid.s || '␂',
        '␂seq␂:␂' || item.seq.n || '␂', '␂timestamp␂:␂' || item."timestamp".s || '␂',
        '␂transactionId␂:␂' || item.transactionid.s || '␂', '␂uncoveredAfter␂:␂' || item.uncoveredafter.n || '␂',
        '␂userId␂:␂' || item.userid.s || '␂'
    ], ',') AS attributes
    FROM exported_transactions
),
escaped AS (
    SELECT item, replace(replace(replace(replace(replace(replace(replace(
        attributes, '\', '\\'), '"', '\"'), chr(8), '\b'), chr(9), '\t'), chr(10), '\n'), chr(12), '\f'), chr(13), '\r'
    ) AS attributes
    FROM written
)
SELECT item.id.s AS id, item.userid.s AS player, item.seq.n AS seq, item.outcome.s AS outcome, item.amount.n AS amount,
    item.amountasked.n AS asked, item.bonusamount.n AS bonus_amount, item.currency.s AS currency,
    item.cashafter.n AS cash_after, item.bonusafter.n AS bonus_after, item.bonuscode.s AS bonus_code,
    item.uncoveredafter.n AS uncovered_after, item.advanceafter.n AS advance_after, item.gameid.s AS game_id,
    item.roundid.s AS round_id, item.campaignid.s AS campaign_id, item.campaigntype.s AS campaign_type,
    item.providerid.s AS provider_id, item."timestamp".s AS sent_at, item.recordedat.s AS recorded_at,
    item.prizereference.s AS prize_reference, item.prizeamount.s AS prize_amount,
    item.laterprizereference.s AS later_prize_reference, item.laterprizeamount.s AS later_prize_amount,
    item.actor.s AS actor, item.reason.s AS reason, item.arrivedwith.s AS arrived_with,
    item.requestdigest.s AS request_digest, item.digest.s AS digest,
    CASE WHEN item.bonuscode.s IS NOT NULL AND NOT regexp_like(lower(item.request.s), '"bonuscode"') THEN 'true' END
    AS inherits, CAST(NULL AS VARCHAR) AS undoes, CAST(NULL AS VARCHAR) AS undoes_amount,
    '{' || replace(attributes, '␂', '"') || '}' AS covered
FROM escaped;

CREATE VIEW free_rounds AS
SELECT item.userid.s AS player, item.bonuscode.s AS bonus_code, item.uncovered.n AS uncovered,
    item.advance.n AS advance, item.until.n AS until,
    array_join(transform(item.lastrounds.l, each -> each.s), chr(10)) AS last_rounds
FROM exported_free_rounds;

CREATE VIEW rounds AS
SELECT item.userid.s AS player, item.round.s AS round, item.gameid.s AS game_id, item.roundid.s AS round_id,
    array_join(transform(item.bets.l, each -> each.m.reference.s || chr(10)
        || CAST(CAST(each.m.taken.n AS DECIMAL(38, 18)) AS VARCHAR) || chr(10) || coalesce(each.m.bonuscode.s, '')
    ), chr(10)) AS bets,
    item.hadbet."bool" AS had_bet, item.hadrefusedbet."bool" AS had_refused_bet, item.hasresult."bool" AS has_result,
    item.winnings.n AS winnings, item.refunded."bool" AS refunded, item.opensince.s AS open_since,
    item.expiresat.n AS expires_at
FROM exported_rounds;

CREATE VIEW exported AS
SELECT TRY_CAST(replace(substr('MOMENT', 1, 19), 'T', ' ') AS TIMESTAMP) AS moment;

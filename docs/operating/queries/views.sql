CREATE VIEW wallets AS
SELECT item.userid.s AS player, item.currency.s AS currency, item.cash.n AS cash, item.bonus.n AS bonus,
    item.version.n AS version
FROM exported_players;

CREATE VIEW transactions AS
SELECT item.id.s AS id, item.userid.s AS player, item.seq.n AS seq, item.amount.n AS amount, item.amountasked.n AS asked,
    item.currency.s AS currency, item.cashafter.n AS cash_after, item.bonusafter.n AS bonus_after,
    item.bonuscode.s AS bonus_code, item.uncoveredafter.n AS uncovered_after, item.advanceafter.n AS advance_after,
    item.gameid.s AS game_id, item.roundid.s AS round_id, item.campaignid.s AS campaign_id,
    item.campaigntype.s AS campaign_type, item.providerid.s AS provider_id, item."timestamp".s AS sent_at,
    item.recordedat.s AS recorded_at, item.prizereference.s AS prize_reference, item.prizeamount.s AS prize_amount,
    item.arrivedwith.s AS arrived_with, item.request.s AS request
FROM exported_transactions;

CREATE VIEW free_rounds AS
SELECT item.userid.s AS player, item.bonuscode.s AS bonus_code, item.uncovered.n AS uncovered,
    item.advance.n AS advance, item.until.n AS until,
    array_join(transform(item.lastrounds.l, each -> each.s), chr(10)) AS last_rounds
FROM exported_free_rounds;

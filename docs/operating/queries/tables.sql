CREATE EXTERNAL TABLE exported_players (
    item struct<userid:struct<s:string>, currency:struct<s:string>, cash:struct<n:string>, bonus:struct<n:string>,
                version:struct<n:string>, digest:struct<s:string>>
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES ('case.insensitive' = 'true')
LOCATION 's3://BUCKET/ledger-MOMENT/AWSDynamoDB/EXPORT-OF-PLAYERS/data/';

CREATE EXTERNAL TABLE exported_transactions (
    item struct<id:struct<s:string>, transactionid:struct<s:string>, userid:struct<s:string>, seq:struct<n:string>,
                outcome:struct<s:string>, amount:struct<n:string>, amountasked:struct<n:string>,
                bonusamount:struct<n:string>, currency:struct<s:string>, cashafter:struct<n:string>,
                bonusafter:struct<n:string>, gameid:struct<s:string>, roundid:struct<s:string>,
                bonuscode:struct<s:string>, uncoveredafter:struct<n:string>, advanceafter:struct<n:string>,
                jackpotid:struct<s:string>, campaignid:struct<s:string>, campaigntype:struct<s:string>,
                prizereference:struct<s:string>, prizeamount:struct<s:string>, laterprizereference:struct<s:string>,
                laterprizeamount:struct<s:string>, providerid:struct<s:string>, `timestamp`:struct<s:string>,
                autoclosed:struct<`bool`:string>, actor:struct<s:string>, reason:struct<s:string>,
                recordedat:struct<s:string>, request:struct<s:string>, requestdigest:struct<s:string>,
                arrivedwith:struct<s:string>,
                digest:struct<s:string>>
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES ('case.insensitive' = 'true')
LOCATION 's3://BUCKET/ledger-MOMENT/AWSDynamoDB/EXPORT-OF-TRANSACTIONS/data/';

CREATE EXTERNAL TABLE exported_free_rounds (
    item struct<userid:struct<s:string>, bonuscode:struct<s:string>, uncovered:struct<n:string>,
                advance:struct<n:string>, until:struct<n:string>, lastrounds:struct<l:array<struct<s:string>>>>
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES ('case.insensitive' = 'true')
LOCATION 's3://BUCKET/ledger-MOMENT/AWSDynamoDB/EXPORT-OF-FREE-ROUNDS/data/';

CREATE EXTERNAL TABLE exported_rounds (
    item struct<userid:struct<s:string>, round:struct<s:string>, gameid:struct<s:string>, roundid:struct<s:string>,
                bets:struct<l:array<struct<m:struct<reference:struct<s:string>, taken:struct<n:string>,
                                                    bonuscode:struct<s:string>>>>>,
                hadbet:struct<`bool`:string>, hadrefusedbet:struct<`bool`:string>, hasresult:struct<`bool`:string>,
                winnings:struct<n:string>, refunded:struct<`bool`:string>, opensince:struct<s:string>,
                expiresat:struct<n:string>>
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES ('case.insensitive' = 'true')
LOCATION 's3://BUCKET/ledger-MOMENT/AWSDynamoDB/EXPORT-OF-ROUNDS/data/';

CREATE EXTERNAL TABLE anchors (player string, version string, digest string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION 's3://BUCKET/ANCHOR/';

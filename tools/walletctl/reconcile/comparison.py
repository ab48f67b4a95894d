"""The comparison: two sets of rows on disk, one join, and what differs. Amounts are compared as texts, not as doubles.

A text is enough because there is one way to write an amount (`canonical`), and needed because an amount may have 32
digits before its point, and another 18 after it: no decimal of a database holds both. Sums are whole numbers apart from
their parts, so they lose nothing either.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Context, Decimal
from pathlib import Path
from typing import Any, NamedTuple

from tools.shared import database
from tools.walletctl.kinds import BET, CANCEL, ELSEWHERE
from tools.walletctl.reconcile.folding import CAUSE, FOLDED, OF_EACH, ORDER, Folded, Kind
from tools.walletctl.reconcile.report import COMPARED_IF_THERE

MEMORY = "512MB"  # of DuckDB's; what does not fit goes to the temporary folder
_CANNOT = "the two cannot be compared on this machine"
PARKED_AFTER = ("", "62", "998")  # the answers after which a request may wait in a retry queue

_EXACT = Context(prec=80)
_FACTORS = (100.0, 1_000.0, 100_000.0, 1_000_000.0, 0.01, 0.001)  # of units such as cents, and of thousands misread
_EVER = 1 << 62  # milliseconds: no moment is later
_DAY = 86_400_000  # milliseconds
_MONTHS = 12
_MOST = 0.9
_QUARTER = 15 * 60_000  # milliseconds: no time zone is off by less

Period = tuple[int, int]  # from the first to before the second, in milliseconds since the epoch

_REPORT = {
    "line": "BIGINT",
    "id": "VARCHAR",
    "callback": "VARCHAR",
    "reference": "VARCHAR",
    "player": "VARCHAR",
    "currency": "VARCHAR",
    "amount": "VARCHAR",
    "transaction": "VARCHAR",
    "day": "VARCHAR",
    "answer": "VARCHAR",
    "fault": "VARCHAR",
    "sign": "VARCHAR",
    "moment": "BIGINT",
    "lasts": "BIGINT",
}
_LEDGER = {
    "id": "VARCHAR",
    "transaction": "VARCHAR",
    "player": "VARCHAR",
    "currency": "VARCHAR",
    "asked": "VARCHAR",
    "paid": "VARCHAR",
    "outcome": "VARCHAR",
    "day": "VARCHAR",
    "recorded": "VARCHAR",
    "place": "VARCHAR",
    "stamp": "BIGINT",
    "moment": "BIGINT",
    "late": "BIGINT",
}

# Which transactions a report should have: those recorded in the time that a person names, or those of its own period by
# the provider's timestamps. A made-up win may have any timestamp: one that was recorded late counts in both periods.
# The provider stamps no cancel: that of a bet in the report is looked at whenever it was recorded.
_TIMED = """
    ALTER TABLE ledger ADD COLUMN in_time BOOLEAN;
    ALTER TABLE ledger ADD COLUMN is_late BOOLEAN DEFAULT false;
    ALTER TABLE ledger ADD COLUMN is_unasked BOOLEAN DEFAULT false;
    UPDATE ledger SET
        in_time = recorded >= $since AND recorded < $until
            AND coalesce(moment, $first) >= $first AND coalesce(moment, $first) < $last;
    UPDATE ledger SET in_time = true, is_late = true WHERE NOT in_time AND $is_own AND late >= $first AND late < $last;
    UPDATE ledger SET is_unasked = in_time, in_time = false
        WHERE len($currencies) > 0 AND NOT list_contains($currencies, currency);
"""

# What each side has of a bet, by its reference. A bet is taken if it has no outcome.
_STAKES = f"""
    CREATE TABLE stakes AS
        SELECT
            reference, bool_or(side = 'bet there') AS bet_there, bool_or(side = 'cancel there') AS cancel_there,
            bool_or(side = 'bet here') AS taken_here, bool_or(side = 'cancel here') AS paid_back_here,
            bool_or(side = 'bet here' AND in_time) AS taken_in_time
        FROM (
            SELECT substr(id, {len(BET) + 2}) AS reference, 'bet there' AS side, NULL AS in_time
            FROM report WHERE id LIKE '{BET}#%'
            UNION ALL
            SELECT substr(id, {len(CANCEL) + 2}), 'cancel there', NULL FROM report WHERE id LIKE '{CANCEL}#%'
            UNION ALL
            SELECT substr(id, {len(BET) + 2}), 'bet here', in_time
            FROM ledger WHERE id LIKE '{BET}#%' AND outcome = ''
            UNION ALL
            SELECT substr(id, {len(CANCEL) + 2}), 'cancel here', NULL FROM ledger WHERE id LIKE '{CANCEL}#%'
        ) GROUP BY reference;
"""  # noqa: S608 - our own words

# The first row of an id is the one that is compared; others of it are doubled.
_COMPARED = f"""
    CREATE TABLE doubles AS
        SELECT id, min(line) AS first FROM report WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1;
    CREATE TABLE compared AS
        SELECT
            coalesce(r.id, l.id) AS id,
            coalesce(nullif(r.callback, ''), split_part(l.id, '#', 1)) AS callback,
            coalesce(r.reference, substr(l.id, strpos(l.id, '#') + 1)) AS reference,
            r.line, r.player, r.currency, coalesce(r.sign, '') AS sign, r.amount, r.transaction, r.answer, r.fault,
            nullif(r.day, '') AS day,
            l.id IS NOT NULL AS is_here,
            l.transaction AS here_transaction, l.player AS here_player, l.currency AS here_currency,
            l.asked, l.paid, l.outcome, l.day AS here_day, l.recorded,
            CASE WHEN l.is_late THEN 'recorded late, with a timestamp of '
                || strftime(make_timestamp(l.stamp * 1000), '%Y-%m-%d %H:%M') || ' UTC: it may be in another report'
            END AS late
        FROM (
            SELECT report.* FROM report LEFT JOIN doubles USING (id)
            WHERE doubles.first IS NULL OR doubles.first = report.line
        ) AS r
        FULL JOIN ledger AS l ON r.id = l.id
        WHERE r.line IS NOT NULL OR l.in_time
            OR ($is_own AND l.id IN (SELECT '{CANCEL}#' || reference FROM stakes WHERE bet_there));
    ALTER TABLE compared ADD COLUMN is_stake BOOLEAN DEFAULT false;
    ALTER TABLE compared ADD COLUMN is_undone BOOLEAN DEFAULT false;
    ALTER TABLE compared ADD COLUMN is_lost BOOLEAN DEFAULT false;
    DELETE FROM compared USING stakes
        WHERE line IS NULL AND stakes.reference = compared.reference AND (
            (callback = 'bet' AND paid_back_here)
            OR (callback = 'cancel' AND taken_in_time AND NOT bet_there)
        );
    DELETE FROM compared WHERE line IS NULL AND callback = 'bet' AND outcome <> '';
    UPDATE compared SET is_stake = true, is_undone = CASE callback
            WHEN 'bet' THEN cancel_there AND NOT taken_here
            ELSE NOT is_here AND NOT taken_here END,
        is_lost = callback = 'bet' AND NOT cancel_there AND NOT taken_here
        FROM stakes
        WHERE line IS NOT NULL AND callback IN ('bet', 'cancel') AND stakes.reference = compared.reference;
    CREATE TABLE differences (
        kind VARCHAR, line BIGINT, callback VARCHAR, reference VARCHAR, player VARCHAR, currency VARCHAR,
        there VARCHAR, here VARCHAR, answer VARCHAR, recorded VARCHAR, note VARCHAR
    );
"""  # noqa: S608 - our own words

# A sign such as $ may be of several currencies, `USD|CAD`: it contradicts the others.
_OTHER_CURRENCY = """(currency <> '' AND currency <> here_currency
    OR sign <> '' AND NOT list_contains(string_split(sign, '|'), here_currency))"""
_SPACES = "differs only by spaces at its ends"


def _trimmed(text: str) -> str:
    """What is left of a text without the white space at its ends."""
    return f"trim({text}, ' \t\n\r' || chr(160))"


_DIFFERENCES = f"""
    INSERT INTO differences
        SELECT CASE callback WHEN 'total' THEN 'wrong total' ELSE 'unreadable' END, line, callback, reference, player,
            currency, amount, NULL, answer, NULL, fault
        FROM report WHERE fault IS NOT NULL
        UNION ALL
        SELECT 'doubled', r.line, r.callback, r.reference, r.player, r.currency, r.amount, first.amount, r.answer, NULL,
            'first on line ' || doubles.first || CASE
                WHEN r.amount <> first.amount OR r.player <> first.player OR r.currency <> first.currency
                THEN ', with other content' ELSE '' END
        FROM report AS r JOIN doubles ON r.id = doubles.id AND r.line <> doubles.first
        JOIN report AS first ON first.line = doubles.first
        UNION ALL
        SELECT CASE WHEN is_lost THEN 'not taken' ELSE 'missing here' END, line, callback, reference, player, currency,
            amount, NULL, answer, recorded, nullif(outcome, '')
        FROM compared WHERE line IS NOT NULL AND (is_lost OR NOT is_here) AND NOT is_undone AND fault IS NULL
        UNION ALL
        SELECT CASE callback WHEN 'bet' THEN 'held' WHEN 'cancel' THEN 'paid back' ELSE 'unknown there' END,
            NULL, callback, reference, here_player, here_currency, NULL, asked, NULL, recorded,
            nullif(concat_ws('; ', nullif(outcome, ''), late), '')
        FROM compared WHERE line IS NULL
        UNION ALL
        SELECT 'different amount', line, callback, reference, here_player, here_currency, amount, asked, answer,
            recorded, NULL
        FROM compared
        WHERE line IS NOT NULL AND is_here AND fault IS NULL AND NOT is_undone AND NOT is_lost AND amount <> asked
        UNION ALL
        SELECT 'different currency', line, callback, reference, here_player, here_currency,
            coalesce(nullif(currency, ''), sign), here_currency, answer, recorded, NULL
        FROM compared
        WHERE line IS NOT NULL AND is_here AND fault IS NULL AND NOT is_undone AND NOT is_lost AND {_OTHER_CURRENCY}
        UNION ALL
        SELECT 'different player', line, callback, reference, here_player, here_currency, player, here_player, answer,
            recorded, CASE WHEN {_trimmed("player")} = {_trimmed("here_player")} THEN '{_SPACES}' END
        FROM compared WHERE line IS NOT NULL AND is_here AND fault IS NULL AND NOT is_undone AND NOT is_lost
            AND player <> here_player
        UNION ALL
        SELECT 'different transaction', line, callback, reference, here_player, here_currency, transaction,
            here_transaction, answer, recorded,
            CASE WHEN {_trimmed("transaction")} = {_trimmed("here_transaction")} THEN '{_SPACES}' END
        FROM compared
        WHERE line IS NOT NULL AND is_here AND fault IS NULL AND NOT is_undone AND NOT is_lost
            AND transaction <> '' AND transaction <> here_transaction;
    UPDATE differences SET note = concat_ws('; ', differences.note, '{_SPACES} from the row of line ' || missing.line)
        FROM differences AS missing
        WHERE differences.kind = 'unknown there' AND missing.kind = 'missing here'
            AND missing.callback = differences.callback
            AND {_trimmed("missing.reference")} = {_trimmed("differences.reference")};
    UPDATE differences SET note = '{_SPACES} from a reference of the ledger'
        FROM ledger
        WHERE differences.kind = 'missing here'
            AND split_part(ledger.id, '#', 1) = differences.callback
            AND {_trimmed("substr(ledger.id, strpos(ledger.id, '#') + 1)")} = {_trimmed("differences.reference")};
"""  # noqa: S608 - our own words

# A whole number and eighteen digits after the point, each exactly.
_WHOLE = "sum(try_cast(split_part({0}, '.', 1) AS HUGEINT)) FILTER ({1})"
_PART = "sum(try_cast(rpad(split_part({0}, '.', 2), 18, '0') AS HUGEINT)) FILTER ({1})"


def _sums(amount: str) -> str:
    where = f"WHERE regexp_full_match({amount}, '[0-9]+([.][0-9]{{1,18}})?')"
    return f"count({amount}), {_WHOLE.format(amount, where)}, {_PART.format(amount, where)}"


# Each side is summed by itself, so that a sum of the report is what its rows make, those that are there twice included,
# and one of the ledger is in its own currency. What a side leaves empty, such as a jackpot's currency, the other says.
_TOTALS = f"""
    SELECT day, currency, callback, {_sums("amount")}, {_sums("asked")}, {_sums("paid")}
    FROM (
        SELECT coalesce(day, here_day, '') AS day, coalesce(nullif(currency, ''), here_currency, '') AS currency,
            callback, amount, NULL AS asked, NULL AS paid
        FROM compared WHERE line IS NOT NULL AND fault IS NULL AND NOT is_undone
        UNION ALL
        SELECT coalesce(nullif(r.day, ''), first.day, first.here_day, ''),
            coalesce(nullif(r.currency, ''), nullif(first.currency, ''), first.here_currency, ''),
            r.callback, r.amount, NULL, NULL
        FROM report AS r JOIN doubles ON r.id = doubles.id AND r.line <> doubles.first
        JOIN compared AS first ON first.line = doubles.first
        WHERE r.fault IS NULL AND NOT first.is_undone
        UNION ALL
        SELECT coalesce(day, here_day, ''), coalesce(here_currency, ''), callback, NULL, asked, paid
        FROM compared WHERE is_here AND NOT is_undone AND NOT is_lost
    ) GROUP BY ALL ORDER BY ALL
"""  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`there` is what the report says, `here` what the ledger has: an amount, or what differs."""

    kind: Kind
    line: int | None
    callback: str
    reference: str
    player: str
    currency: str
    there: str | None
    here: str | None
    answer: str | None
    recorded: str | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """`asked` is what the ledger was asked for, `paid` what it credited: less for totals of rounds paid before."""

    day: str
    currency: str
    callback: str
    rows: int
    amount: Decimal
    transactions: int
    asked: Decimal
    paid: Decimal


class Misdated(NamedTuple):
    """How many rows have another day than the ledger, and the first: its line, and both moments in milliseconds."""

    rows: int
    line: int
    report_ms: int
    ledger_ms: int

    @property
    def there(self) -> datetime:
        return datetime.fromtimestamp(self.report_ms / 1000, UTC)

    @property
    def here(self) -> datetime:
        return datetime.fromtimestamp(self.ledger_ms / 1000, UTC)

    @property
    def is_swapped(self) -> bool:
        there = self.there
        if there.day > _MONTHS:
            return False
        swapped = there.replace(month=there.day, day=there.month)
        return abs(swapped.timestamp() * 1000 - self.ledger_ms) <= _DAY


class Comparison:
    """A report and a ledger on disk, compared."""

    def __init__(
        self,
        folder: Path,
        report: Path,
        ledger: Sequence[Path],
        *,
        since: str,
        until: str,
        own: Period | None,
        currencies: Sequence[str] = (),
    ) -> None:
        """`own` is the report's own period, if that is what is compared; `currencies` are those that it is about, in
        capitals, if not of all. Raises Trouble if there is no room for it.
        """
        with database.trouble_if(_CANNOT):
            self._database = database.opened(folder / "comparison", memory=MEMORY)
            self._copy("report", _REPORT, [report])
            self._copy("ledger", _LEDGER, ledger)
            self.shift, self.period = self._of_the_ledger(own) if own else (0, None)
            first, last = self.period or (-_EVER, _EVER)
            time = {
                "since": since,
                "until": until,
                "first": first,
                "last": last,
                "is_own": own is not None,
                "currencies": [*currencies],
            }
            for statement in (_TIMED + _STAKES + _COMPARED).split(";\n"):
                if statement.strip():
                    self._database.execute(
                        statement, {name: value for name, value in time.items() if f"${name}" in statement}
                    )
            self._database.execute(_DIFFERENCES)

    def _of_the_ledger(self, own: Period) -> tuple[int, Period]:
        """By how much the report's clock is ahead of the provider's timestamps in the ledger, and the period in those.

        A local time that was taken for UTC shifts all rows alike. No row's transaction is left out of the period.
        """
        matched = "report AS r JOIN ledger AS l ON r.id = l.id WHERE r.fault IS NULL"
        most = self._all(f"""
            SELECT
                round(CASE WHEN l.stamp NOT BETWEEN r.moment AND r.moment + r.lasts
                    THEN (r.moment - l.stamp) / {_QUARTER} ELSE 0 END) AS quarters
            FROM {matched} AND r.moment - l.stamp IS NOT NULL
            GROUP BY quarters ORDER BY count(*) DESC, abs(quarters), quarters LIMIT 1
        """)  # noqa: S608 - our own words
        shift = sum(int(quarters) for (quarters,) in most) * _QUARTER
        shift = shift if abs(shift) <= _DAY else 0  # more is no clock's: days are swapped with months, say
        ((first, last),) = self._all(f"SELECT min(l.stamp), max(l.stamp) FROM {matched}")  # noqa: S608 - our own words
        begins, ends = (at - shift for at in own)
        return shift, (begins if first is None else min(begins, first), ends if last is None else max(ends, last + 1))

    def outside(self, since: str, until: str) -> int:
        """How many rows are of no moment from `since` to before `until`, by when the ledger recorded them.

        What the ledger does not have counts by its own timestamp.
        """
        moment = "strftime(make_timestamp(r.moment * 1000), '%Y-%m-%dT%H:%M:%S.%g+00:00')"
        ((rows,),) = self._all(
            f"""SELECT count(*) FROM (
                SELECT coalesce(nullif(l.recorded, ''), {moment}) AS happened
                FROM report AS r LEFT JOIN ledger AS l USING (id) WHERE r.callback <> 'total'
            ) WHERE happened < ? OR happened >= ?""",  # noqa: S608 - our own words
            since,
            until,
        )
        return rows

    def currencies(self) -> list[str]:
        """Those of the report's rows; of rows that do not say theirs, those of the ledger's transactions."""
        return [
            currency
            for (currency,) in self._all("""
                SELECT DISTINCT unnest(string_split(
                    coalesce(nullif(r.currency, ''), l.currency, nullif(r.sign, '')), '|')) AS known
                FROM report AS r LEFT JOIN ledger AS l USING (id) ORDER BY known
            """)
            if currency
        ]

    def unasked(self) -> list[tuple[str, int]]:
        """How many transactions in the period are of each currency that was not asked for."""
        return self._all("""
            SELECT currency, count(*) FROM ledger
            WHERE is_unasked AND outcome = '' GROUP BY currency ORDER BY currency
        """)

    def rows_of_others(self, currencies: Sequence[str]) -> int:
        """How many rows of the report are in other currencies than these."""
        rows = self._all("SELECT currency, count(*) FROM report WHERE currency <> '' GROUP BY currency")
        return sum(count for currency, count in rows if currency not in currencies)

    def close(self) -> None:
        self._database.close()

    def missing(self) -> list[str]:
        """The callbacks of which something is missing here."""
        rows = self._all("SELECT DISTINCT callback FROM differences WHERE kind = 'missing here' ORDER BY ALL")
        return [callback for (callback,) in rows]

    def explain(self, dead: Mapping[str, str], rounds: Mapping[str, str], waiting: Mapping[str, int]) -> None:
        """Tells of the missing which are dead letters, and which may wait in a retry queue that is not empty.

        `rounds` are those whose refund is a dead letter, with why.
        """
        with database.trouble_if(_CANNOT):
            self._database.execute("CREATE TABLE dead (id VARCHAR, why VARCHAR)")
            if dead:
                self._database.executemany("INSERT INTO dead VALUES (?, ?)", [*dead.items()])
            self._database.execute("""
                UPDATE differences SET kind = 'dead letter', note = dead.why FROM dead
                WHERE kind = 'missing here' AND dead.id = differences.callback || '#' || reference
            """)
            self._database.execute("CREATE TABLE dead_rounds (place VARCHAR, why VARCHAR)")
            if rounds:
                self._database.executemany("INSERT INTO dead_rounds VALUES (?, ?)", [*rounds.items()])
            self._database.execute(
                """UPDATE differences SET kind = 'dead letter', note = dead_rounds.why || ' (the refund of its round)'
                FROM dead_rounds, ledger
                WHERE kind = 'missing here' AND callback = ? AND ledger.id = ? || differences.reference
                    AND ledger.place = dead_rounds.place""",
                [CANCEL, f"{BET}#"],
            )
            for callback in (callback for callback, count in waiting.items() if count):
                self._database.execute(
                    """UPDATE differences SET kind = 'perhaps parked'
                    WHERE kind = 'missing here' AND callback = ? AND list_contains(?, coalesce(answer, ''))""",
                    [callback, [*PARKED_AFTER]],
                )

    def differences(self, most: int | None = None) -> Iterator[Difference]:
        """In the report's order, then what is not in it; no more than `most`."""
        with database.trouble_if(_CANNOT):
            names = [field.name for field in fields(Difference)]
            limit = "" if most is None else f"LIMIT {most}"
            found = self._database.cursor().execute(
                f"SELECT {', '.join(names)} FROM differences "  # noqa: S608 - our own words
                f"ORDER BY {ORDER} {limit}"
            )
            while rows := found.fetchmany(1000):
                for row in rows:
                    yield Difference(**dict(zip(names, row, strict=True)))

    def examples(self, most: int) -> list[Difference]:
        """A few of each cause, in the report's order; all, if there are no more than `most`."""
        names = [field.name for field in fields(Difference)]
        rows = self._all(f"""
            SELECT {", ".join(names)} FROM (
                SELECT *, row_number() OVER (PARTITION BY kind, {CAUSE} ORDER BY {ORDER}) AS place FROM differences
            ) WHERE place <= {OF_EACH} OR (SELECT count(*) FROM differences) <= {most} ORDER BY {ORDER} LIMIT {most}
        """)  # noqa: S608 - our own words
        return [Difference(**dict(zip(names, row, strict=True))) for row in rows]

    def causes(self) -> list[Folded]:
        """The differences by kind and by what their notes have in common, the most frequent first."""
        return [Folded.of(row) for row in self._all(FOLDED)]

    def factor(self) -> float | None:
        """How many times larger all different amounts are in the report: 100, if it has cents. None if they are not."""
        ((amounts, least, most),) = self._all("""
            SELECT count(*), min(round(factor, 9)), max(round(factor, 9))
            FROM (
                SELECT try_cast(there AS DOUBLE) / nullif(try_cast(here AS DOUBLE), 0) AS factor
                FROM differences WHERE kind = 'different amount'
            )
        """)
        return least if amounts > 1 and least == most and least in _FACTORS else None

    def only_currencies(self) -> tuple[list[str], bool]:
        """The report's currencies, if what it lacks is in others: then it may be about these alone. And whether all is.

        Nine in ten are enough: the report may also lack a row of its own currency.
        """
        ((theirs, others, lacking),) = self._all("""
            WITH theirs AS (SELECT DISTINCT currency FROM report WHERE currency <> '')
            SELECT (SELECT list_sort(list(currency)) FROM theirs),
                count(*) FILTER (WHERE currency NOT IN (FROM theirs)), count(*)
            FROM differences WHERE kind IN ('unknown there', 'held', 'paid back')
        """)
        return (list(theirs), others == lacking) if theirs and others and others >= _MOST * lacking else ([], False)

    def misdated(self) -> Misdated | None:
        """The matched rows whose moments are more than a day away from the provider's timestamps in the ledger."""
        found = self._all(f"""
            SELECT count(*) OVER (), r.line, r.moment, l.stamp + {self.shift}
            FROM report AS r JOIN ledger AS l ON r.id = l.id
            WHERE r.fault IS NULL AND r.moment - l.stamp IS NOT NULL
                AND l.stamp + {self.shift} NOT BETWEEN r.moment - {_DAY} AND r.moment + r.lasts + {_DAY}
            ORDER BY r.line LIMIT 1
        """)  # noqa: S608 - our own words
        return Misdated(*found[0]) if found else None

    def counts(self) -> dict[str, int]:
        """How many differences there are of each kind."""
        return dict(self._all("SELECT kind, count(*) FROM differences GROUP BY kind ORDER BY kind"))

    def first(self, kind: str) -> str:
        """The reference of the first difference of a kind."""
        found = self._all(
            "SELECT reference FROM differences WHERE kind = ? ORDER BY line NULLS LAST, recorded, callback, reference "
            "LIMIT 1",
            kind,
        )
        return "".join(reference for (reference,) in found)

    def matched(self) -> tuple[int, int]:
        """How many rows and transactions are the same; and how many of them the provider was never told are paid."""
        ((same, untold),) = self._all(f"""
            SELECT count(*), count(*) FILTER (WHERE answer NOT IN ('0', '') AND is_here AND callback <> 'bet')
            FROM compared
            WHERE line IS NOT NULL AND fault IS NULL AND (is_undone OR (
                is_here AND NOT is_lost AND amount = asked AND player = here_player
                AND NOT {_OTHER_CURRENCY}
                AND (transaction = '' OR transaction = here_transaction)
            ))
        """)  # noqa: S608 - our own words
        return same, untold

    def never_taken(self) -> int:
        """How many of the bets in the report were cancelled there, and never taken here."""
        ((number,),) = self._all(
            "SELECT count(*) FROM compared WHERE is_undone AND fault IS NULL AND callback = ?", BET
        )
        return number

    def elsewhere(self) -> int:
        """How many of the wins in the report are on record as booked elsewhere: this wallet did not pay them."""
        ((number,),) = self._all(
            "SELECT count(*) FROM compared WHERE line IS NOT NULL AND is_here AND outcome = ?", ELSEWHERE
        )
        return number

    def empty(self) -> frozenset[str]:
        """Which of the fields that are compared if they are there are empty in every row."""
        columns = [*COMPARED_IF_THERE.values()]
        counts = ", ".join(f"count(*) FILTER (WHERE {column} <> '')" for column in columns)
        signed = "SELECT * REPLACE (concat(currency, sign) AS currency) FROM report"
        (filled,) = self._all(f"SELECT {counts} FROM ({signed})")  # noqa: S608 - our own words
        return frozenset(column for column, count in zip(columns, filled, strict=True) if not count)

    def transactions(self) -> int:
        """How many wins, bets and cancels the ledger has, in whatever time; none that was refused."""
        ((number,),) = self._all("SELECT count(*) FROM ledger WHERE outcome IN ('', ?)", ELSEWHERE)
        return number

    def totals(self) -> list[Total]:
        found: list[Total] = []
        for day, currency, callback, *sums in self._all(_TOTALS):
            (rows, *amount), (transactions, *asked), (_, *paid) = sums[:3], sums[3:6], sums[6:]
            found.append(
                Total(
                    day=day,
                    currency=currency,
                    callback=callback,
                    rows=rows,
                    amount=_decimal(*amount),
                    transactions=transactions,
                    asked=_decimal(*asked),
                    paid=_decimal(*paid),
                )
            )
        return found

    def _all(self, query: str, *parameters: str) -> list[Any]:
        with database.trouble_if(_CANNOT):
            return self._database.execute(query, parameters).fetchall()

    def _copy(self, table: str, columns: Mapping[str, str], paths: Sequence[Path]) -> None:
        self._database.execute(
            f"CREATE TABLE {table} AS "  # noqa: S608 - our own words
            "SELECT * FROM read_json($paths, format = 'newline_delimited', columns = $columns)",
            {"paths": [str(path) for path in paths], "columns": dict(columns)},
        )


def _decimal(whole: int | None, part: int | None) -> Decimal:
    return _EXACT.add(Decimal(whole or 0), Decimal(part or 0).scaleb(-18, _EXACT))

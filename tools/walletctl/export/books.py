"""Exports as a database: loaded a few files at a time, proved by queries, and read again where they find a fault.

The queries find who is suspect; what is wrong is then said by the proof that is used on the tables, which has decimals
of any length. So what a database's decimals cannot hold is not guessed at: its player is suspect, and is proved.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from tools.shared import database
from tools.shared.moments import recorded
from tools.shared.trouble import Trouble
from tools.walletctl.export.files import Export, Table
from tools.walletctl.export.records import ASIDE, COLUMNS, COVERED, ENTRY, READ_AGAIN, ROUND, Records
from tools.walletctl.verify.anchors import Anchor
from tools.walletctl.verify.anchors import read as read_anchor
from tools.walletctl.verify.books import (
    NUMBERS,
    anchored_of,
    free_rounds_of,
    rounds_of,
    transaction_of_kept,
    typed,
    wallet_of,
    wrong_in_free_rounds,
    wrong_in_wallet,
)
from tools.walletctl.verify.entries import EXACT, NOTHING, Anchored, Fault, Page, RecordedFreeRounds, RecordedWallet

MEMORY = "1GB"  # of DuckDB's; what does not fit goes to the temporary folder
_CANNOT = "the exports cannot be put in order on this machine"
FILES_AT_ONCE = 4  # are brought from a bucket and read, while the ones before are loaded and dropped

_QUERIES = Path(__file__).parent / "queries"
_SUSPECTING = (
    *("unreadable", "chain", "digests", "wallets", "times", "amounts", "prizes", "free_rounds", "paid_back"),
    *("inherited", "rounds", "anchors"),
)

# Each column of a table by its attribute; a text but for the numbers, and the list of rounds that totals named.
_COLUMNS: Mapping[Table, tuple[str, Mapping[str, str]]] = {
    "players": (
        "wallets",
        {
            "player": "userId",
            "currency": "currency",
            "cash": "cash",
            "bonus": "bonus",
            "version": "version",
            "digest": "digest",
        },
    ),
    "transactions": ("transactions", {**COLUMNS, **READ_AGAIN, COVERED: COVERED, ASIDE: ASIDE}),
    "rounds": ("rounds", {**ROUND, ENTRY: ENTRY}),
    "free rounds": (
        "free_rounds",
        {
            "player": "userId",
            "bonus_code": "bonusCode",
            "uncovered": "uncovered",
            "advance": "advance",
            "until": "until",
            "last_rounds": "lastRounds",
        },
    ),
}
# What else is kept, a text each: single records' faults, and of anchors what queries compare and what pages show.
_BESIDE = {
    "faults": ("player", "fault"),
    "anchors": ("player", "version", "digest", "entry"),
    "anchored_records": ("player", "id", "covered", "prize_reference", "prize_amount"),
}
_LIST = "lastRounds"
_NO_TEXT = "?"  # of a wallet's digest that is of another type
_KEYS = """array_to_string(list_transform(Item."lastRounds".L, lambda each: coalesce(each.S, '?')), chr(10))"""

# Whole numbers and eighteen digits after the point, each summed exactly: no sum of decimals could overflow so late.
_MOVED = """
    SELECT t.currency, split_part(t.id, '#', 1), count(*),
        sum(try_cast(split_part(t.amount, '.', 1) AS HUGEINT)),
        sum(try_cast(CASE WHEN starts_with(t.amount, '-') THEN '-' ELSE '' END
            || rpad(split_part(t.amount, '.', 2), 18, '0') AS HUGEINT))
    FROM transactions AS t ANTI JOIN suspected AS s ON s.player = coalesce(t.player, '')
    WHERE t.outcome IS NULL
    GROUP BY ALL
"""

# An anchor's later prizes and records without money: whose record is not as it was.
_ANCHORED_RECORDS = """
    SELECT a.player
    FROM anchored_records AS a LEFT JOIN transactions AS t ON t.id = a.id AND t.player = a.player
    WHERE t.id IS NULL
        OR (a.covered IS NULL AND (
            t.later_prize_reference IS DISTINCT FROM a.prize_reference
            OR t.later_prize_amount IS DISTINCT FROM a.prize_amount
        ))
        OR (a.covered IS NOT NULL AND (t.outcome IS NULL OR sha256(t.covered) IS DISTINCT FROM a.covered))
"""

# Whoever is to be shown: every suspect, and with an anchor to write all others.
_SUSPECTS = "SELECT player, TRUE AS is_suspect, NULL AS version FROM suspected"
_EVERYBODY = f"""
    {_SUSPECTS} UNION ALL SELECT p.player, FALSE, max(p.version)
    FROM (SELECT player, version FROM wallets UNION ALL SELECT player, NULL FROM transactions) AS p
    ANTI JOIN suspected AS s ON s.player = coalesce(p.player, '')
    GROUP BY p.player
"""  # noqa: S608 - our own words


_WALLET = ", ".join(f"'{attribute}': w.{column}" for column, attribute in _COLUMNS["players"][1].items())


class ExportBooks:
    """The exports of one ledger, in a database on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._records = Records(folder)
        with database.trouble_if(_CANNOT):
            self._database = database.opened(folder / "books", memory=MEMORY)
            # What Athena calls them.
            self._database.execute("CREATE MACRO regexp_like(text, pattern) AS regexp_matches(text, pattern)")
            self._database.execute("CREATE MACRO array_join(texts, mark) AS array_to_string(texts, mark)")
            self._database.execute("CREATE MACRO to_utf8(text) AS encode(text)")
            self._database.execute("CREATE MACRO to_hex(digest) AS upper(digest)")  # which sha256 gives as a text
            self._database.execute("CREATE MACRO to_unixtime(moment) AS epoch(moment)")
            self._database.execute("CREATE TABLE exported (moment TIMESTAMP)")
            for table, names in {**dict(_COLUMNS.values()), **_BESIDE}.items():
                texts = ", ".join(f"{name} VARCHAR" for name in names)
                self._database.execute(f"CREATE TABLE {table} ({texts})")
        self.compares_free_rounds = self.compares_rounds = False
        self.rounds_since: datetime | None = None
        self._moment = datetime.now(UTC)
        self._anchors = 0

    def close(self) -> None:
        self._records.close()
        self._database.close()

    def load(self, export: Export, advance: Callable[[int], None]) -> None:
        """Takes an export in. Raises Trouble if it is not whole."""
        self.compares_free_rounds |= export.table == "free rounds"
        self.compares_rounds |= export.table == "rounds"
        if export.table == "transactions":
            self._moment = recorded(export.moment) or self._moment
        before = self._number(export.table)
        with ThreadPoolExecutor(FILES_AT_ONCE) as bringing:
            take: Callable[[], None] = lambda: None  # noqa: E731 - replaced by what the next files begin
            for start in range(0, len(export.files), FILES_AT_ONCE):
                names = export.files[start : start + FILES_AT_ONCE]
                paths = [*bringing.map(lambda name: export.store.fetch(name, self._folder), names)]
                begun = self._begin(export, paths)
                take()  # the files before these: the database loads them while processes read the next ones
                advance(self._number(export.table) - before)
                take = begun
            take()
        items = self._number(export.table) - before
        advance(items)
        if items != export.items:
            raise Trouble(
                f"{export.name} is not whole: its manifest says {export.items:,} items, its files have {items:,}"
            )

    def read_anchor(self, name: str, lines: Iterable[bytes]) -> Anchor:
        """Takes an anchor in. Raises Trouble, and then nothing of it may be believed."""
        self._anchors += 1
        paths = {table: self._folder / f"{table}-{self._anchors}.json" for table in ("anchors", "anchored_records")}
        with paths["anchors"].open("w") as players, paths["anchored_records"].open("w") as records:

            def take(player: str, anchored: Anchored) -> None:
                entry = {"player": player, "version": str(anchored.version), "digest": anchored.digest}
                players.write(f"{json.dumps(entry | {'entry': json.dumps(asdict(anchored))})}\n")
                for id, (reference, of) in anchored.later_prizes.items():
                    record = {"player": player, "id": id, "prize_reference": reference, "prize_amount": of}
                    records.write(f"{json.dumps(record)}\n")
                for id, digest in anchored.outcomes.items():
                    records.write(f"{json.dumps({'player': player, 'id': id, 'covered': digest})}\n")

            made = read_anchor(name, lines, take)
        for table, path in paths.items():
            self._take(table, _BESIDE[table], [path])
        return made

    def prove(self) -> None:
        """Finds who is suspect. Raises Trouble if there is no room for it."""
        for name in ("exact_transactions", "exact_wallets"):
            self._execute(query(name))
        moment = f"TIMESTAMP '{self._moment:%Y-%m-%d %H:%M:%S}'"
        self._execute(f"INSERT INTO exported VALUES ({moment})")  # noqa: S608 - our own words
        self._execute("CREATE TABLE suspects AS SELECT player FROM faults")
        compares = {"free_rounds": self.compares_free_rounds, "rounds": self.compares_rounds}
        for name in _SUSPECTING:
            if compares.get(name, True):
                self._execute(f"INSERT INTO suspects SELECT player FROM ({query(name)})")  # noqa: S608 - our own words
        self._execute(f"INSERT INTO suspects {_ANCHORED_RECORDS}")
        self._execute("CREATE TABLE suspected AS SELECT DISTINCT coalesce(player, '') AS player FROM suspects")

    def players(self) -> int:
        """How many are not suspect."""
        ((number,),) = self._all(
            "SELECT count(*) FROM (SELECT player FROM wallets UNION SELECT player FROM transactions "
            "UNION SELECT player FROM free_rounds UNION SELECT player FROM rounds) AS p "
            "ANTI JOIN suspected AS s ON s.player = coalesce(p.player, '')"
        )
        return number

    def anchored(self) -> int:
        """How many of whom an anchor knows are not suspect."""
        ((number,),) = self._all(
            "SELECT count(DISTINCT player) FROM anchors AS a ANTI JOIN suspected AS s ON s.player = a.player"
        )
        return number

    def outcomes(self) -> int:
        """How many references were settled without money, of all who are not suspect."""
        ((number,),) = self._all(
            "SELECT count(*) FROM transactions AS t ANTI JOIN suspected AS s ON s.player = coalesce(t.player, '') "
            "WHERE t.outcome IS NOT NULL"
        )
        return number

    def moved(self) -> Iterator[tuple[tuple[str, str], int, Decimal]]:
        """What all who are not suspect were moved, by currency and kind: how many movements, and how much."""
        for currency, kind, transactions, whole, part in self._all(_MOVED):
            yield (currency, kind), transactions, EXACT.add(Decimal(whole), Decimal(part).scaleb(-18, EXACT))

    def pages(self, *, everybody: bool) -> Iterator[tuple[Page, bool]]:
        """Each suspect's page, in order, to be proved with decimals of any length; and whether it is a suspect's.

        With `everybody`, those of all others too: they have the last movement, and whatever else an anchor holds.
        """
        self._execute(f"CREATE OR REPLACE TABLE shown AS {_EVERYBODY if everybody else _SUSPECTS}")
        wallets = self._rows(f"""
            SELECT s.player, s.is_suspect, list({{{_WALLET}}}) FILTER (WHERE w.rowid IS NOT NULL)
            FROM shown AS s LEFT JOIN wallets AS w ON coalesce(w.player, '') = s.player
            GROUP BY ALL ORDER BY s.player
        """)  # noqa: S608 - our own words
        counts, rounds, transactions, faults, anchored = (
            _Merged(groupby(self._rows(statement), key=lambda row: row[0]))
            for statement in (
                f"""
                SELECT s.player, {_listed("free rounds", "t")}
                FROM shown AS s JOIN free_rounds AS t ON coalesce(t.player, '') = s.player
                WHERE s.is_suspect ORDER BY s.player
                """,  # noqa: S608 - our own words
                f"""
                SELECT s.player, t.{ENTRY}
                FROM shown AS s JOIN rounds AS t ON coalesce(t.player, '') = s.player
                WHERE s.is_suspect ORDER BY s.player
                """,  # noqa: S608 - our own words
                f"""
                SELECT s.player, t.{COVERED} || chr(10) || coalesce(t.{ASIDE}, json_object('digest', t.digest))
                FROM shown AS s JOIN transactions AS t ON coalesce(t.player, '') = s.player
                WHERE t.{COVERED} IS NOT NULL
                    AND (s.is_suspect OR t.seq = s.version OR t.outcome IS NOT NULL OR t.later_prize_amount IS NOT NULL)
                ORDER BY s.player
                """,  # noqa: S608 - our own words
                "SELECT s.player, f.fault FROM shown AS s JOIN faults AS f ON f.player = s.player ORDER BY s.player",
                "SELECT s.player, a.entry FROM shown AS s JOIN anchors AS a ON a.player = s.player "
                "ORDER BY s.player, a.rowid",
            )
        )
        for player, is_suspect, found in wallets:
            rows = (each.of(player) for each in (transactions, counts, rounds, faults, anchored))
            yield self._page(player, found or [], *rows), is_suspect

    def owner_of(self, id: str) -> str | None:
        """Whose the transaction under that id is; None if there is none."""
        with database.trouble_if(_CANNOT):
            statement = "SELECT coalesce(player, '') FROM transactions WHERE id = ? LIMIT 1"
            found = self._database.execute(statement, [id]).fetchone()
        return found[0] if found else None

    def _begin(self, export: Export, paths: Sequence[Path]) -> Callable[[], None]:
        """Begins to read files. The function it returns has the database take them."""
        table, columns = _COLUMNS[export.table]
        is_read_here = export.table in ("transactions", "rounds")
        records = self._records.begin(export.table, paths) if is_read_here else None

        def take() -> None:
            if records:
                read = records()
                self._take(table, columns, [rows for rows, _ in read])
                self._take("faults", _BESIDE["faults"], [faults for _, faults in read])
            else:
                self._insert(export, paths)
            for path in paths:
                if path.parent == self._folder:
                    path.unlink()

        return take

    def _insert(self, export: Export, paths: Sequence[Path]) -> None:
        """Has the database read an export's own files."""
        table, columns = _COLUMNS[export.table]
        types = {name: "N VARCHAR" if name in NUMBERS else "S VARCHAR" for name in columns.values()}
        types |= {_LIST: "L STRUCT(S VARCHAR)[]"} if _LIST in types else {}
        attributes = ", ".join(f'"{name}" STRUCT({type_})' for name, type_ in types.items())
        values = {name: f'Item."{name}".{type_[0]}' for name, type_ in types.items()}
        values |= {_LIST: _KEYS} if _LIST in types else {}
        if "digest" in values:  # which may be missing: that is a fault of the chain
            values["digest"] = (
                f"""CASE WHEN Item."digest" IS NOT NULL THEN coalesce(Item."digest".S, '{_NO_TEXT}') END"""
            )
        with database.trouble_if(f"{export.name} cannot be read"):
            self._database.execute(
                f"INSERT INTO {table} SELECT {', '.join(values.values())} "  # noqa: S608 - our own words
                f"FROM read_json($paths, format = 'newline_delimited', columns = {{'Item': 'STRUCT({attributes})'}})",
                {"paths": [str(path) for path in paths]},
            )

    def _take(self, table: str, names: Iterable[str], paths: Sequence[Path]) -> None:
        """Has the database read files of rows that were made here, and removes them."""
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
        if written := [str(path) for path in paths if path.stat().st_size]:
            with database.trouble_if(_CANNOT):
                self._database.execute(
                    f"INSERT INTO {table} SELECT {', '.join(names)} "  # noqa: S608 - our own words
                    f"FROM read_json($paths, format = 'newline_delimited', columns = {{{columns}}})",
                    {"paths": written},
                )
        for path in paths:
            path.unlink()

    def _page(
        self,
        player: str,
        wallets: Sequence[dict[str, str | None]],
        transactions: Sequence[Any],
        counts: Sequence[Any],
        rounds: Sequence[Any],
        faults: Sequence[Any],
        anchored: Sequence[Any],
    ) -> Page:
        found: list[Fault] = []
        wallet: RecordedWallet | None = None
        for item in map(typed, wallets):
            if item.get("digest") == _NO_TEXT:
                item["digest"] = NOTHING
            if wrong := wrong_in_wallet(item):
                found.append(Fault(user_id=player, what="unreadable", text=wrong))
            else:
                wallet = wallet_of(item)
        free_rounds: dict[str, RecordedFreeRounds | None] = {}
        for item in _items("free rounds", counts):
            wrong = wrong_in_free_rounds(item)
            if wrong:
                found.append(Fault(user_id=player, what="unreadable", text=wrong))
            free_rounds[item["bonusCode"]] = None if wrong else free_rounds_of(item)
        records = sorted(
            (transaction_of_kept(entry) for _, entry in transactions), key=lambda each: (each.seq, each.id)
        )
        return Page(
            user_id=player,
            faults=[*found, *(Fault(**json.loads(fault)) for _, fault in faults)],
            has_wallet=bool(wallets),
            wallet=wallet,
            transactions=[each for each in records if each.outcome is None],
            outcomes=[each for each in records if each.outcome is not None],
            free_rounds=free_rounds if self.compares_free_rounds else None,
            rounds=rounds_of(json.loads(entry) for _, entry in rounds) if self.compares_rounds else None,
            rounds_since=lambda: self.rounds_since,
            moment=self._moment,
            anchored=[anchored_of(json.loads(entry)) for _, entry in anchored],
            owner_of=self.owner_of,
        )

    def _number(self, of: Table) -> int:
        table, _ = _COLUMNS[of]
        ((number,),) = self._all(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own words
        return number

    def _rows(self, statement: str) -> Iterator[Any]:
        with database.trouble_if(_CANNOT):
            found = self._database.cursor().execute(statement)
            while rows := found.fetchmany(1000):
                yield from rows

    def _all(self, statement: str) -> list[Any]:
        with database.trouble_if(_CANNOT):
            return self._database.execute(statement).fetchall()

    def _execute(self, statement: str) -> None:
        with database.trouble_if(_CANNOT):
            self._database.execute(statement)


def query(name: str) -> str:
    """A query's text: docs/operating/exports.md leads to the file."""
    return (_QUERIES / f"{name}.sql").read_text().strip()


class _Merged:
    """Groups in order, handed out by their keys, which are asked for in the same order."""

    def __init__(self, groups: Iterator[tuple[str, Iterator[Any]]]) -> None:
        self._groups = groups
        self._next: tuple[str, Iterator[Any]] | None = next(groups, None)

    def of(self, key: str) -> list[Any]:
        if self._next is None or self._next[0] != key:
            return []
        rows = [*self._next[1]]
        self._next = next(self._groups, None)
        return rows


def _listed(table: Table, alias: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in _COLUMNS[table][1])


def _items(table: Table, rows: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Rows that begin with their player, as items."""
    for row in rows:
        yield typed(dict(zip(_COLUMNS[table][1].values(), row[1:], strict=True)))

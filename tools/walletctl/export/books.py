"""Exports as a database: loaded a few files at a time, proved by queries, and read again where they find a fault.

The queries find who is suspect; what is wrong is then said by the proof that is used on the tables, which has decimals
of any length. So what a database's decimals cannot hold is not guessed at: its player is suspect, and is proved.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from tools.shared import database
from tools.shared.trouble import Trouble
from tools.walletctl.export.files import Export, Table
from tools.walletctl.export.records import Records
from tools.walletctl.verify.books import (
    NUMBERS,
    Page,
    free_rounds_of,
    transaction_of,
    typed,
    wallet_of,
    wrong_in_free_rounds,
    wrong_in_transaction,
    wrong_in_wallet,
)
from tools.walletctl.verify.entries import EXACT, Fault, RecordedFreeRounds, RecordedTransaction, RecordedWallet
from tools.walletctl.verify.proof import Gap

MEMORY = "1GB"  # of DuckDB's; what does not fit goes to the temporary folder
_CANNOT = "the exports cannot be put in order on this machine"
FILES_AT_ONCE = 4  # are brought from a bucket, loaded and dropped; DuckDB has a buffer of 32 MB for each

_QUERIES = Path(__file__).parent / "queries"
_SUSPECTING = ("unreadable", "chain", "wallets", "times", "amounts", "prizes", "free_rounds")

# Each column of a table by its attribute; a text but for the numbers, and the list of rounds that totals named.
_COLUMNS: Mapping[Table, tuple[str, Mapping[str, str]]] = {
    "players": (
        "wallets",
        {"player": "userId", "currency": "currency", "cash": "cash", "bonus": "bonus", "version": "version"},
    ),
    "transactions": (
        "transactions",
        {
            "id": "id",
            "player": "userId",
            "seq": "seq",
            "amount": "amount",
            "asked": "amountAsked",
            "currency": "currency",
            "cash_after": "cashAfter",
            "bonus_after": "bonusAfter",
            "bonus_code": "bonusCode",
            "uncovered_after": "uncoveredAfter",
            "advance_after": "advanceAfter",
            "game_id": "gameId",
            "round_id": "roundId",
            "campaign_id": "campaignId",
            "campaign_type": "campaignType",
            "provider_id": "providerId",
            "sent_at": "timestamp",
            "recorded_at": "recordedAt",
            "prize_reference": "prizeReference",
            "prize_amount": "prizeAmount",
            "arrived_with": "arrivedWith",
            "request": "request",
        },
    ),
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
_LIST = "lastRounds"
# Requests are most of an export: only those that a prize is proved by are loaded.
_REQUEST = """CASE WHEN Item."prizeAmount".S IS NOT NULL OR Item."arrivedWith".S IS NOT NULL THEN Item.request.S END"""
_KEYS = """array_to_string(list_transform(Item."lastRounds".L, lambda each: coalesce(each.S, '?')), chr(10))"""

# Whole numbers and eighteen digits after the point, each summed exactly: no sum of decimals could overflow so late.
_CREDITED = """
    SELECT t.currency, split_part(t.id, '#', 1), count(*),
        sum(try_cast(split_part(t.amount, '.', 1) AS HUGEINT)),
        sum(try_cast(rpad(split_part(t.amount, '.', 2), 18, '0') AS HUGEINT))
    FROM transactions AS t ANTI JOIN suspected AS s ON s.player = coalesce(t.player, '')
    GROUP BY ALL
"""


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
            self._database.execute("CREATE TABLE faults (player VARCHAR, fault VARCHAR)")
            for table, columns in _COLUMNS.values():
                texts = ", ".join(f"{name} VARCHAR" for name in columns)
                self._database.execute(f"CREATE TABLE {table} ({texts})")
        self.compares_free_rounds = False

    def close(self) -> None:
        self._records.close()
        self._database.close()

    def load(self, export: Export, advance: Callable[[int], None]) -> None:
        """Takes an export in. Raises Trouble if it is not whole."""
        self.compares_free_rounds |= export.table == "free rounds"
        before = self._number(export.table)
        with ThreadPoolExecutor(FILES_AT_ONCE) as bringing:
            for start in range(0, len(export.files), FILES_AT_ONCE):
                names = export.files[start : start + FILES_AT_ONCE]
                paths = [*bringing.map(lambda name: export.store.fetch(name, self._folder), names)]
                proved = self._records.begin(paths) if export.table == "transactions" else None
                self._insert(export, paths)
                if proved:
                    self._take_faults(proved())
                advance(self._number(export.table) - before)
                for path in paths:
                    if path.parent == self._folder:
                        path.unlink()
        items = self._number(export.table) - before
        if items != export.items:
            raise Trouble(
                f"{export.name} is not whole: its manifest says {export.items:,} items, its files have {items:,}"
            )

    def prove(self) -> None:
        """Finds who is suspect. Raises Trouble if there is no room for it."""
        for name in ("exact_transactions", "exact_wallets"):
            self._execute(query(name))
        self._execute("CREATE TABLE suspects AS SELECT player FROM faults")
        for name in _SUSPECTING:
            if name != "free_rounds" or self.compares_free_rounds:
                self._execute(f"INSERT INTO suspects SELECT player FROM ({query(name)})")  # noqa: S608 - our own words
        self._execute("CREATE TABLE suspected AS SELECT DISTINCT coalesce(player, '') AS player FROM suspects")

    def players(self) -> int:
        """How many are not suspect."""
        ((number,),) = self._all(
            "SELECT count(*) FROM (SELECT player FROM wallets UNION SELECT player FROM transactions "
            "UNION SELECT player FROM free_rounds) AS p ANTI JOIN suspected AS s ON s.player = coalesce(p.player, '')"
        )
        return number

    def credited(self) -> Iterator[tuple[tuple[str, str], int, Decimal]]:
        """What was credited to all who are not suspect, by currency and kind: how many transactions, and how much."""
        for currency, kind, transactions, whole, part in self._all(_CREDITED):
            yield (currency, kind), transactions, EXACT.add(Decimal(whole), Decimal(part).scaleb(-18, EXACT))

    def pages(self) -> Iterator[Page]:
        """What there is of every suspect, in order, to be proved with decimals of any length."""
        wallets = self._rows("""
            SELECT s.player, list({'userId': w.player, 'currency': w.currency, 'cash': w.cash, 'bonus': w.bonus,
                'version': w.version}) FILTER (WHERE w.rowid IS NOT NULL)
            FROM suspected AS s LEFT JOIN wallets AS w ON coalesce(w.player, '') = s.player
            GROUP BY s.player ORDER BY s.player
        """)
        counts, transactions, faults = (
            _Merged(groupby(self._rows(statement), key=lambda row: row[0]))
            for statement in (
                f"""
                SELECT s.player, {_listed("free rounds", "t")}
                FROM suspected AS s JOIN free_rounds AS t ON coalesce(t.player, '') = s.player ORDER BY s.player
                """,  # noqa: S608 - our own words
                f"""
                SELECT s.player, {_listed("transactions", "t")}
                FROM suspected AS s JOIN transactions AS t ON coalesce(t.player, '') = s.player
                ORDER BY s.player, try_cast(t.seq AS HUGEINT), t.id
                """,  # noqa: S608 - our own words
                """
                SELECT s.player, f.fault
                FROM suspected AS s JOIN faults AS f ON coalesce(f.player, '') = s.player
                ORDER BY s.player
                """,
            )
        )
        for player, found in wallets:
            yield self._page(player, found or [], transactions.of(player), counts.of(player), faults.of(player))

    def is_on_record(self, id: str) -> bool:
        """Whether there is a transaction under that id, of any player."""
        with database.trouble_if(_CANNOT):
            found = self._database.execute("SELECT 1 FROM transactions WHERE id = ? LIMIT 1", [id]).fetchall()
        return bool(found)

    def gaps(self) -> Iterator[Gap]:
        """The versions of which no transaction tells, of all who are not suspect."""
        rows = self._rows(
            f"SELECT g.* FROM ({query('gaps')}) AS g ANTI JOIN suspected AS s ON s.player = g.player ORDER BY 1, 3"  # noqa: S608 - our own words
        )
        names = [field.name for field in fields(Gap)]
        for row in rows:
            yield Gap(**dict(zip(names, row, strict=True)))

    def _insert(self, export: Export, paths: Sequence[Path]) -> None:
        table, columns = _COLUMNS[export.table]
        types = {name: "N VARCHAR" if name in NUMBERS else "S VARCHAR" for name in columns.values()}
        types |= {_LIST: "L STRUCT(S VARCHAR)[]"} if _LIST in types else {}
        attributes = ", ".join(f'"{name}" STRUCT({type_})' for name, type_ in types.items())
        values = {name: f'Item."{name}".{type_[0]}' for name, type_ in types.items()}
        values |= {name: special for name, special in ((_LIST, _KEYS), ("request", _REQUEST)) if name in values}
        with database.trouble_if(f"{export.name} cannot be read"):
            self._database.execute(
                f"INSERT INTO {table} SELECT {', '.join(values.values())} "  # noqa: S608 - our own words
                f"FROM read_json($paths, format = 'newline_delimited', columns = {{'Item': 'STRUCT({attributes})'}})",
                {"paths": [str(path) for path in paths]},
            )

    def _take_faults(self, paths: Sequence[Path]) -> None:
        written = [path for path in paths if path.stat().st_size]
        if written:
            with database.trouble_if(_CANNOT):
                self._database.execute(
                    "INSERT INTO faults SELECT json->>'user_id', json FROM read_json_objects($paths)",
                    {"paths": [str(path) for path in written]},
                )
        for path in paths:
            path.unlink()

    def _page(
        self,
        player: str,
        wallets: Sequence[dict[str, str | None]],
        transactions: Sequence[Any],
        counts: Sequence[Any],
        faults: Sequence[Any],
    ) -> Page:
        found: list[Fault] = []
        wallet: RecordedWallet | None = None
        for item in map(typed, wallets):
            if wrong := wrong_in_wallet(item):
                found.append(Fault(user_id=player, what="unreadable", text=wrong))
            else:
                wallet = wallet_of(item)
        readable: list[RecordedTransaction] = []
        for item in _items("transactions", transactions):
            if wrong := wrong_in_transaction(item):
                found.append(Fault(user_id=player, what="unreadable", id=item.get("id"), text=wrong))
            else:
                readable.append(transaction_of(item))
        free_rounds: dict[str, RecordedFreeRounds | None] = {}
        for item in _items("free rounds", counts):
            wrong = wrong_in_free_rounds(item)
            if wrong:
                found.append(Fault(user_id=player, what="unreadable", text=wrong))
            free_rounds[item["bonusCode"]] = None if wrong else free_rounds_of(item)
        return Page(
            user_id=player,
            faults=[*found, *(Fault(**json.loads(fault)) for _, fault in faults)],
            has_wallet=bool(wallets),
            wallet=wallet,
            transactions=sorted(readable, key=lambda each: (each.seq, each.id)),
            free_rounds=free_rounds if self.compares_free_rounds else None,
            is_on_record=self.is_on_record,
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

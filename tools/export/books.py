"""Exports as a database: loaded a few files at a time, proved by queries, and read again where they find a fault.

The queries find who is suspect; what is wrong is then said by the proof that is used on the tables, which has decimals
of any length. So what a database's decimals cannot hold is not guessed at: its player is suspect, and is proved.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal, InvalidOperation
from itertools import groupby
from pathlib import Path
from typing import Any

from tools.export.files import Export, Table
from tools.local.trouble import Trouble
from tools.walletctl import database
from tools.walletctl.verify.books import Page, wrong_in_transaction, wrong_in_wallet
from tools.walletctl.verify.proof import EXACT, Fault, Gap, Transaction, Wallet

MEMORY = "1GB"  # of DuckDB's; what does not fit goes to the temporary folder
_CANNOT = "the exports cannot be put in order on this machine"
FILES_AT_ONCE = 4  # are brought from a bucket, loaded and dropped; DuckDB has a buffer of 32 MB for each

_QUERIES = Path(__file__).parent / "queries"
_SUSPECTING = ("unreadable", "chain", "wallets", "amounts", "free_rounds")

# Each column of a table: where it stands in an item, by attribute and type.
_COLUMNS: Mapping[Table, tuple[str, Mapping[str, tuple[str, str]]]] = {
    "players": (
        "wallets",
        {
            "player": ("userId", "S"),
            "currency": ("currency", "S"),
            "cash": ("cash", "N"),
            "bonus": ("bonus", "N"),
            "version": ("version", "N"),
        },
    ),
    "transactions": (
        "transactions",
        {
            "id": ("id", "S"),
            "player": ("userId", "S"),
            "seq": ("seq", "N"),
            "amount": ("amount", "N"),
            "asked": ("amountAsked", "N"),
            "currency": ("currency", "S"),
            "cash_after": ("cashAfter", "N"),
            "bonus_after": ("bonusAfter", "N"),
            "bonus_code": ("bonusCode", "S"),
        },
    ),
    "free rounds": (
        "free_rounds",
        {"player": ("userId", "S"), "bonus_code": ("bonusCode", "S"), "uncovered": ("uncovered", "N")},
    ),
}

# Whole numbers and eighteen digits after the point, each summed exactly: no sum of decimals could overflow so late.
_CREDITED = """
    SELECT t.currency, split_part(t.id, '#', 1), count(*),
        sum(try_cast(split_part(t.amount, '.', 1) AS HUGEINT)),
        sum(try_cast(rpad(split_part(t.amount, '.', 2), 18, '0') AS HUGEINT))
    FROM transactions AS t ANTI JOIN suspected AS s ON s.player = t.player
    GROUP BY ALL
"""


class Books:
    """The exports of one ledger, in a database on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with database.trouble_if(_CANNOT):
            self._database = database.opened(folder / "books", memory=MEMORY)
            # What Athena calls it.
            self._database.execute("CREATE MACRO regexp_like(text, pattern) AS regexp_matches(text, pattern)")
            for table, columns in _COLUMNS.values():
                texts = ", ".join(f"{name} VARCHAR" for name in columns)
                self._database.execute(f"CREATE TABLE {table} ({texts})")
        self.compares_free_rounds = False

    def close(self) -> None:
        self._database.close()

    def load(self, export: Export, advance: Callable[[int], None]) -> None:
        """Takes an export in. Raises Trouble if it is not whole."""
        self.compares_free_rounds |= export.table == "free rounds"
        before = self._number(export.table)
        with ThreadPoolExecutor(FILES_AT_ONCE) as bringing:
            for start in range(0, len(export.files), FILES_AT_ONCE):
                names = export.files[start : start + FILES_AT_ONCE]
                paths = [*bringing.map(lambda name: export.store.fetch(name, self._folder), names)]
                self._insert(export, paths)
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
        self._execute("CREATE TABLE suspects (player VARCHAR)")
        for name in _SUSPECTING:
            if name != "free_rounds" or self.compares_free_rounds:
                self._execute(f"INSERT INTO suspects SELECT player FROM ({query(name)})")  # noqa: S608 - our own words
        self._execute("CREATE TABLE suspected AS SELECT DISTINCT coalesce(player, '') AS player FROM suspects")

    def players(self) -> int:
        """How many are not suspect."""
        ((number,),) = self._all(
            "SELECT count(*) FROM (SELECT player FROM wallets UNION SELECT player FROM transactions "
            "UNION SELECT player FROM free_rounds) AS p ANTI JOIN suspected AS s ON s.player = p.player"
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
        counts = groupby(
            self._rows("""
                SELECT s.player, f.bonus_code, f.uncovered
                FROM suspected AS s JOIN free_rounds AS f ON coalesce(f.player, '') = s.player ORDER BY s.player
            """),
            key=lambda row: row[0],
        )
        transactions = groupby(
            self._rows("""
                SELECT s.player, t.id, t.player, t.seq, t.amount, t.asked, t.currency, t.cash_after, t.bonus_after,
                    t.bonus_code
                FROM suspected AS s JOIN transactions AS t ON coalesce(t.player, '') = s.player
                ORDER BY s.player, try_cast(t.seq AS HUGEINT), t.id
            """),
            key=lambda row: row[0],
        )
        next_counts, next_transactions = _Merged(counts), _Merged(transactions)
        for player, found in wallets:
            yield _page(
                player,
                found or [],
                next_transactions.of(player),
                next_counts.of(player) if self.compares_free_rounds else None,
            )

    def gaps(self) -> Iterator[Gap]:
        """The versions of which no transaction tells, of all who are not suspect."""
        rows = self._rows(
            f"SELECT g.* FROM ({query('gaps')}) AS g ANTI JOIN suspected AS s ON s.player = g.player ORDER BY 1, 3"  # noqa: S608 - our own words
        )
        for player, currency, first, last, cash, bonus, is_last in rows:
            yield Gap(
                user_id=player,
                currency=currency,
                first=first,
                last=last,
                cash=cash,
                bonus=bonus,
                is_last=is_last,
            )

    def _insert(self, export: Export, paths: Sequence[Path]) -> None:
        table, columns = _COLUMNS[export.table]
        attributes: dict[str, str] = {}
        for attribute, type_ in columns.values():
            attributes[attribute] = f'"{attribute}" STRUCT({type_} VARCHAR)'
        item = f"STRUCT({', '.join(attributes.values())})"
        values = ", ".join(f'Item."{attribute}".{type_}' for attribute, type_ in columns.values())
        with database.trouble_if(f"{export.name} cannot be read"):
            self._database.execute(
                f"INSERT INTO {table} SELECT {values} FROM read_json($paths, format = 'newline_delimited', "  # noqa: S608 - our own words
                f"columns = {{'Item': '{item}'}})",
                {"paths": [str(path) for path in paths]},
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
    """A query's text, as docs/operating.md has it."""
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


def _page(player: str, wallets: Sequence[Any], transactions: Sequence[Any], counts: Sequence[Any] | None) -> Page:
    unreadable: list[Fault] = []
    wallet: Wallet | None = None
    for raw in wallets:
        item = _typed(raw, ("cash", "bonus", "version"))
        if wrong := wrong_in_wallet(item):
            text = f"the wallet lacks {wrong}, or it is of another type"
            unreadable.append(Fault(user_id=player, what="unreadable", text=text))
            continue
        wallet = Wallet(
            user_id=player,
            currency=item["currency"],
            cash=item["cash"],
            bonus=item["bonus"],
            version=int(item["version"]),
        )
    readable: list[Transaction] = []
    for _, id, user_id, seq, amount, asked, currency, cash_after, bonus_after, code in transactions:
        item = _typed(
            {
                "id": id,
                "userId": user_id,
                "seq": seq,
                "amount": amount,
                "amountAsked": asked,
                "currency": currency,
                "cashAfter": cash_after,
                "bonusAfter": bonus_after,
                "bonusCode": code,
            },
            ("seq", "amount", "amountAsked", "cashAfter", "bonusAfter"),
        )
        if wrong := wrong_in_transaction(item):
            text = f"it lacks {wrong}, or it is not of the ledger's form"
            unreadable.append(Fault(user_id=player, what="unreadable", id=id, text=text))
            continue
        readable.append(
            Transaction(
                id=id,
                user_id=player,
                seq=int(item["seq"]),
                amount=item["amount"],
                asked=item["amountAsked"],
                currency=currency,
                cash_after=item["cashAfter"],
                bonus_after=item["bonusAfter"],
                bonus_code=code,
            )
        )
    uncovered: dict[str, Decimal] | None = None if counts is None else {}
    for _, code, count in counts or []:
        if uncovered is not None and code is not None and (number := _decimal(count)) is not None:
            uncovered[code] = number
        else:
            text = f"the count of code {code} is no number"
            unreadable.append(Fault(user_id=player, what="unreadable", text=text))
    return Page(
        user_id=player,
        unreadable=unreadable,
        has_wallet=bool(wallets),
        wallet=wallet,
        transactions=sorted(readable, key=lambda each: (each.seq, each.id)),
        uncovered=uncovered,
    )


def _typed(item: Mapping[str, str | None], numbers: Sequence[str]) -> dict[str, Any]:
    """The item without what it lacks, its numbers as Decimals."""
    typed: dict[str, Any] = {}
    for name, value in item.items():
        if value is not None:
            typed[name] = _decimal(value) if name in numbers else value
    return typed


def _decimal(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return None

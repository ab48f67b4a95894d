"""How a report is to be read, as a person says it: what its columns are called, and what its file does not show."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache

from tools.provider.columns import COLUMNS
from tools.shared.outside import plain
from tools.shared.spoken import zone_named
from tools.shared.trouble import Trouble
from tools.walletctl.reconcile.dates import Order, order_of
from tools.walletctl.reconcile.decimals import Mark

NEEDED = ("reference", "callback", "userId", "amount")
CALLBACK_OF_FEED = "type"  # what the provider's feed of transactions calls its callbacks

_CALLBACKS = {
    "result": "result", "jackpot": "jackpot", "bonus": "bonus", "promo": "promo", "autoclosing": "result",
    "bet": "bet", "cancel": "cancel", "cancelbet": "cancel", "refund": "cancel",
}  # fmt: skip


_MOST_OF_A_CALLBACK = 64  # characters: what is longer is none, and is not kept in memory


@dataclass(frozen=True, slots=True)
class Reading:
    """The provider's heading of each column, and what callback all rows are of, if none says.

    `named` are the columns whose heading was given, and which must be there. A column without a heading is not read.
    What is None is found from the file.
    """

    headings: Mapping[str, str]
    named: frozenset[str]
    callback: str | None
    mark: Mark | None
    order: Order | None
    zone: tzinfo
    zone_name: str | None

    @classmethod
    def of(
        cls,
        mapping: str | None,
        callback: str | None,
        *,
        decimal_comma: bool | None = None,
        dates: str | None = None,
        time_zone: str | None = None,
    ) -> "Reading":
        """From `reference=Ref,amount=Win`, a row of CSV, and the options that say how to read it. Raises Trouble."""
        headings: dict[str, str] = {column: column for column in COLUMNS}
        named: set[str] = set()
        for pair in next(csv.reader((mapping or "",)), []):
            if not pair:
                continue
            ours, _, theirs = pair.partition("=")
            column = next((each for each in COLUMNS if each.lower() == ours.strip().lower()), None)
            if column is None or not (theirs or column not in NEEDED):
                known = ", ".join(COLUMNS)
                raise Trouble(f"--columns has no use for {plain(pair)}: write {COLUMNS[0]}=Ref, and of {known}")
            if column in named:
                raise Trouble(f"--columns names {column} twice: a column has one heading")
            named.add(column)
            if theirs:
                headings[column] = theirs
            else:
                del headings[column]
        if callback is not None and callback_of(callback) is None:
            raise Trouble(f"no callback is called {plain(callback)}: result, jackpot, bonus, promo, bet or cancel")
        mark: Mark | None = None if decimal_comma is None else "," if decimal_comma else "."
        zone = UTC if time_zone is None else zone_named(time_zone)
        return cls(headings, frozenset(named & headings.keys()), callback, mark, order_of(dates), zone, time_zone)


def callback_of(text: str) -> str | None:
    """In the provider's words: `result`, `Result`, `JackPotWin`, `promo win`, `auto-closing`."""
    return _callback(text) if len(text) <= _MOST_OF_A_CALLBACK else None


@lru_cache(maxsize=1024)
def _callback(text: str) -> str | None:
    letters = "".join(character for character in text.lower() if character.isalpha())
    return _CALLBACKS.get(letters) or _CALLBACKS.get(letters.removesuffix("win"))

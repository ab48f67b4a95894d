"""The players: their wallets, searched by the beginning of an id; and lists for a spreadsheet."""

import csv
import heapq
import io
from collections.abc import Iterable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tools.console.backoffice import BackOffice
from tools.console.pages import MOST_OF_A_NAME, Pages, staked_live
from tools.shared.items import Item
from tools.shared.listing import Cell, for_csv
from tools.shared.trouble import Trouble
from tools.walletctl import records

SHOWN = 100


class PlayerPages:
    def __init__(self, office: BackOffice, pages: Pages) -> None:
        self._office = office
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/players", self.page),
            Route("/players/list.csv", self.as_csv),
            Route("/players/ledger.csv", self.ledger),
            Route("/rounds/list.csv", self.rounds),
        ]

    def page(self, request: Request) -> Response:
        begins = _asked(request)
        found = heapq.nsmallest(SHOWN + 1, self._wallets(begins), key=lambda wallet: str(wallet["userId"]))
        return self._pages.page(
            "players.html",
            begins=begins,
            wallets=[(wallet, records.of_wallet(wallet), records.frozen(wallet)) for wallet in found[:SHOWN]],
            more=len(found) > SHOWN,
        )

    def as_csv(self, request: Request) -> Response:
        wallets = sorted(map(records.of_wallet, self._wallets(_asked(request))), key=lambda row: str(row["userId"]))
        return spreadsheet("players", records.OF_A_WALLET, wallets)

    def ledger(self, request: Request) -> Response:
        """All transactions of a player, the oldest first, as `walletctl ledger --csv` has them."""
        user_id = request.query_params.get("id", "")[:MOST_OF_A_NAME]
        if not user_id:
            raise Trouble("No player was named")
        rows = map(records.row, self._office.place.tables().ledger(user_id))
        return spreadsheet("ledger", [column.name for column in records.COLUMNS], rows)

    def rounds(self, _request: Request) -> Response:
        """The open rounds that their page shows."""
        found, _ = self._office.open_rounds() or ([], False)
        currencies = self._office.currencies(found)
        rows = (
            {
                **dict(zip(("userId", "gameId", "roundId"), of.place, strict=True)),
                "liveBets": len(of.live),
                "staked": staked_live(of),
                "currency": currencies.get(of.place[0], ""),
                "openSince": of.open_since,
            }
            for of in found
        )
        names = ["userId", "gameId", "roundId", "liveBets", "staked", "currency", "openSince"]
        return spreadsheet("open-rounds", names, rows)

    def _wallets(self, begins: str) -> Iterable[Item]:
        """Of a local service those whose id begins so; of a stack the one of that id, since a table costs to read."""
        tables = self._office.place.tables()
        if self._office.is_local:
            every = tables.scanned(tables.players, lambda _read: None, records.OF_A_WALLET)
            return (wallet for wallet in every if str(wallet["userId"]).startswith(begins))
        return tables.wallets([begins], records.OF_A_WALLET) if begins else ()


def spreadsheet(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> Response:
    """The rows as a file of CSV. What a spreadsheet would compute with is a text in it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([for_csv(row.get(column)) for column in columns] for row in rows)
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return Response(text.getvalue().encode(errors="replace"), media_type="text/csv", headers=headers)


def _asked(request: Request) -> str:
    return request.query_params.get("begins", "")[:MOST_OF_A_NAME]

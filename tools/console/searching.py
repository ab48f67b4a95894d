"""Find by what a player says: how much, what kind, when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tools.console.backoffice import BackOffice
from tools.console.pages import MOST_OF_A_NAME, Pages, to
from tools.console.words import on_record
from tools.shared import spoken
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.find import searched as told
from tools.walletctl.find.searched import MOST, Searched
from tools.walletctl.find.searching import Moved, NotMoved
from tools.walletctl.find.sought import Amounts, Sought, kinds_named

_THREE_DAYS = "3 days ago"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The fields of the form as they were filled in."""

    amount: str
    kind: str
    since: str
    until: str
    zone: str

    @classmethod
    def of(cls, request: Request) -> Self:
        asked = {name: request.query_params.get(name, "")[:MOST_OF_A_NAME].strip() for name in cls.__slots__}
        return cls(**asked)

    @property
    def is_asked(self) -> bool:
        return bool(self.amount or self.kind or self.since or self.until)

    @property
    def parameters(self) -> dict[str, str]:
        """What leads to the same search, here or on another machine."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}

    def sought(self, player: str | None) -> Sought:
        """Raises Trouble for what cannot be read."""
        now, zone = datetime.now(UTC), spoken.zone_named(self.zone) if self.zone else UTC
        return Sought(
            player=player,
            amounts=Amounts.read(self.amount) if self.amount else None,
            kinds=kinds_named([self.kind] if self.kind else []),
            period=spoken.period(self.since or _THREE_DAYS, self.until or None, now, zone),
            zone=zone,
            now=now,
        )


class SearchPages:
    """`/find/said` searches one player or all; a stack's dead letters and log come after the page is there."""

    def __init__(self, office: BackOffice, pages: Pages) -> None:
        self._office = office
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        return [Route("/find/said", self.said), Route("/find/said/rest", self.rest)]

    def said(self, request: Request) -> Response:
        said, player = Said.of(request), request.query_params.get("id", "")[:MOST_OF_A_NAME]
        if player:
            return RedirectResponse(to("/player", id=player, **said.parameters), 303)
        if not (said.amount or said.kind):
            return RedirectResponse("/find", 303)
        return self.page(said, None, scan=bool(request.query_params.get("scan")))

    def page(self, said: Said, player: str | None, *, scan: bool = False) -> Response:
        try:
            sought = said.sought(player)
        except Trouble as trouble:
            return self._page(said, player, status=400, trouble=str(trouble))
        if player is None and not (self._office.is_local or scan):
            return self._page(said, player, cost=str(self._office.cost_of_all()))
        moved = self._office.moved(sought)
        rest = self._office.not_moved(sought, moved, log=True) if self._office.is_local else None
        return self._page(said, player, sought=sought, moved=moved, rest=rest)

    def rest(self, request: Request) -> Response:
        """What was not paid: of a stack the dead letters, and the log when that is asked for."""
        said, player = Said.of(request), request.query_params.get("id", "")[:MOST_OF_A_NAME] or None
        sought, log = said.sought(player), bool(request.query_params.get("log"))
        # All players' movements are not read a second time: that the page above has none is said by `found`.
        found = bool(request.query_params.get("found"))
        moved = Moved(matching=()) if player is None else self._office.moved(sought)
        rest = self._office.not_moved(sought, moved, log=log or self._office.is_local)
        return self._pages.part(
            request,
            "_not_moved.html",
            title="Find",
            said=said,
            player=player,
            log=log,
            moved=found,
            **self._answer(sought, moved, rest, found=found),
        )

    def _page(
        self,
        said: Said,
        player: str | None,
        *,
        status: int = 200,
        sought: Sought | None = None,
        moved: Moved | None = None,
        rest: NotMoved | None = None,
        trouble: str = "",
        cost: str = "",
    ) -> Response:
        matching = moved.matching if moved else ()
        return self._pages.page(
            "searched.html",
            status=status,
            said=said,
            player=player,
            trouble=_capital(trouble if not trouble or trouble.endswith("?") else f"{trouble}."),
            cost=cost,
            is_searched=moved is not None,
            headline=_capital(told.headline(sought)) if sought and not matching else "",
            moved=[
                {
                    "item": item,
                    "title": on_record([item])[0],
                    "sentence": told.movement(sought, item),
                    "moves": records.outcome_of(item) is None,
                }
                for item in matching[:MOST]
                if sought
            ],
            more=max(0, len(matching) - MOST),
            rest=rest,
            wallet=moved.wallet if moved else None,
            log=True,
            **(self._answer(sought, moved, rest, found=bool(matching)) if sought and moved and rest else {}),
        )

    def _answer(self, sought: Sought, moved: Moved, rest: NotMoved, *, found: bool) -> Mapping[str, Any]:
        """What of it a page shows, in sentences."""
        searched = Searched(sought=sought, where=self._office.name, options=(), moved=moved, rest=rest)
        is_nothing = searched.outcome == "unknown" and not found
        return {
            "answer": {
                "settled": [(item["id"], told.settled(sought, item)) for item in rest.settled[:MOST]],
                "letters": [
                    (callback, group, _capital(told.dead_letter(sought, callback, group).partition(": ")[2]))
                    for callback, group in rest.letters
                ],
                "missed": rest.missed,
                "is_nothing": is_nothing,
                "nearest": [*told.nearest(searched)] if is_nothing else [],
                "why": [*told.why_not(searched)] if is_nothing else [],
                "others": len(rest.others) + len(rest.other_missed),
                "not_looked": rest.not_looked,
            },
            "known": rest.on_record,
        }


def _capital(sentence: str) -> str:
    return f"{sentence[:1].upper()}{sentence[1:]}"

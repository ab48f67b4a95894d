"""Find: a movement by any of its names, a player's ledger, a transaction."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tools.console.backoffice import ROWS, BackOffice, Ledger
from tools.console.comparing import compared, prizes_of
from tools.console.pages import MOST_OF_A_NAME, Pages, is_overdue, to
from tools.console.searching import Said, SearchPages
from tools.shared.amounts import amount, signed
from tools.shared.items import Item
from tools.shared.listing import Row
from tools.shared.moments import recorded
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.kinds import BET, CANCEL, function_of
from tools.walletctl.log import LogLine
from tools.walletctl.records import number
from tools.walletctl.verify.proof import EXACT

_MOST_COMPARED = 5  # on one page: who has more goes through them on Parked
_CONFLICT = 61
_A_DAY_SECONDS = 24 * 3600


class FindPages:
    def __init__(self, office: BackOffice, pages: Pages) -> None:
        self._office = office
        self._pages = pages
        self._search = SearchPages(office, pages)

    def routes(self) -> list[BaseRoute]:
        # These wait for the tables, so each is given a thread: none is a coroutine.
        return [
            Route("/find", self.find),
            Route("/find/elsewhere", _named(self.elsewhere, "name")),
            *self._search.routes(),
            Route("/rounds", self.rounds),
            Route("/player", _named(self.player, "id")),
            Route("/player/proof", _named(self.proof, "id")),
            Route("/player/parked", _named(self.parked, "id")),
            Route("/transaction", _named(self.transaction, "id")),
            Route("/transaction/conflicts", _named(self.conflicts, "id")),
            Route("/transaction/deliveries", _named(self.deliveries, "id")),
        ]

    def find(self, request: Request) -> Response:
        """What is known at once, by key; where else to look is looked after the page is there."""
        name = _asked(request, "name")  # to the last space: they are part of a name
        if not name:
            return self._pages.page("find.html", name="", said=Said.of(request), transactions=[], wallet=None)
        transactions, wallet = self._office.named(name)
        if wallet and not transactions:
            return RedirectResponse(to("/player", id=name), 303)
        return self._pages.page("find.html", name=name, transactions=transactions, wallet=wallet)

    def elsewhere(self, request: Request) -> Response:
        """The dead letters, the log, and on a local service the whole ledger for a round or a transaction id."""
        name = _asked(request, "name")
        scan = self._office.is_local or _asked(request, "scan") == "1"
        found = self._office.find(name, scan=scan)
        return self._pages.part(
            request,
            "_elsewhere.html",
            title="Find",
            name=name,
            found=found,
            known=found.on_record,
            last=found.last,
            is_shown=_asked(request, "shown") == "1",
            now=datetime.now(UTC),
        )

    def rounds(self, _request: Request) -> Response:
        """Those in which a bet waits for a result."""
        found = self._office.open_rounds()
        rounds, more = found or (None, False)
        overdue = sum(map(is_overdue, rounds or ()))
        currencies = self._office.currencies(rounds or ())
        return self._pages.page("rounds.html", rounds=rounds, more=more, overdue=overdue, currencies=currencies)

    def player(self, request: Request) -> Response:
        user_id, before = _asked(request, "id"), _number(_asked(request, "before"))
        if (said := Said.of(request)).is_asked:
            return self._search.page(said, user_id)
        ledger = self._office.ledger(user_id, before)
        shown = ledger.newest[:ROWS]
        rounds, _ = (self._office.open_rounds(user_id) if ledger.wallet else None) or ([], False)
        return self._pages.page(
            "player.html",
            said=Said.of(request),
            status=200 if ledger.wallet or ledger.newest else 404,
            ledger=ledger,
            opened=records.meaning(ledger.opening) if ledger.opening else "",
            rounds=rounds,
            currencies={user_id: str(ledger.wallet.get("currency", ""))} if ledger.wallet else {},
            frozen=records.frozen(ledger.wallet) if ledger.wallet else None,
            rows=_rows(ledger, before),
            oldest=next((item["seq"] for item in reversed(shown) if number(item.get("seq")) is not None), None),
            before=before,
            drawn=[item for item in reversed(ledger.newest) if number(item.get("cashAfter")) is not None],
            moves_bonus=len({str(item.get("bonusAfter")) for item in ledger.newest}) > 1,
        )

    def proof(self, request: Request) -> Response:
        user_id = _asked(request, "id")
        account = self._office.prove(user_id)
        return self._pages.part(request, "_proof.html", title="Proof", user_id=user_id, account=account)

    def parked(self, request: Request) -> Response:
        """The dead letters that name this player, and the wins that the log says were refused."""
        user_id = _asked(request, "id")
        piles = self._office.parked()
        meant = [
            (pile.callback, part)
            for pile in piles
            for group in pile.groups
            if (part := group.among({one.message_id for one in group.letters if ("userId", user_id) in one.said}))
        ]
        return self._pages.part(
            request,
            "_of_player.html",
            title="Parked",
            user_id=user_id,
            letters=meant,
            known=self._office.recorded_about(meant),
            missed=self._office.missed(user_id, meant) if self._office.is_local or _asked(request, "log") else None,
            hidden=sum(pile.hidden for pile in piles),
        )

    def transaction(self, request: Request) -> Response:
        id = _asked(request, "id")
        record = self._office.record(id)
        if record is None:
            return self._pages.page("transaction_absent.html", status=404, id=id)
        return self._pages.page(
            "transaction.html",
            id=id,
            item=record.item,
            row=records.row(record.item),
            others=[records.row(other) | {"id": other["id"]} for other in record.others],
            outcome=records.outcome_of(record.item),
            meaning=records.meaning(record.item) if _needs_words(record.item) else "",
            moved_bonus=number(records.moved_bonus(record.item)),
            is_far_off=_is_far_off(record.item),
            is_win=self._is_win(records.kind_of(record.item)),
            of_bet=self._of_bet(id),
        )

    def _is_win(self, kind: str) -> bool:
        """Whether a reference that comes again with other content is kept. A bet never is; a cancel has no content."""
        return kind in self._office.keeping and kind != CANCEL

    def _of_bet(self, id: str) -> str | None:
        """What paid a bet back, or the bet that was paid back, by its id if it is on record."""
        kind, _, reference = id.partition("#")
        other = {BET: CANCEL, CANCEL: BET}.get(kind)
        return f"{other}#{reference}" if other and self._office.record(f"{other}#{reference}") else None

    def conflicts(self, request: Request) -> Response:
        """What else was asked for under the reference: by the dead letters, and by the log where it costs nothing."""
        id = _asked(request, "id")
        record = self._office.record(id)
        kind, _, reference = id.partition("#")
        if record is None or not self._is_win(kind):
            raise Trouble("No transaction has that id: there is nothing to compare with")
        piles = self._office.parked(*(("promo", "result") if kind == "promo" else (kind,)))
        others, same = compared(record.item, piles, id)
        prizes = prizes_of(piles, id)
        refused: list[LogLine] = []
        if self._office.is_local and not others:
            with suppress(Trouble):  # the deliveries, on the same page, say that the log cannot be read
                refused = _conflicts(self._lines(kind, reference))
        return self._pages.part(
            request,
            "_conflicts.html",
            title="Under this reference",
            kind=kind,
            reference=reference,
            recorded_at=record.item.get("recordedAt"),
            others=others[:_MOST_COMPARED],
            more=max(0, len(others) - _MOST_COMPARED),
            same=same,
            prizes=prizes,
            refused=refused,
            hidden=sum(pile.hidden for pile in piles),
        )

    def deliveries(self, request: Request) -> Response:
        """Every time the reference was sent, by the functions' log, which knows a result's prize by the result's."""
        id = _asked(request, "id")
        kind, _, reference = id.partition("#")
        lines = self._lines(kind, reference)
        record = self._office.record(id)
        return self._pages.part(
            request,
            "_deliveries.html",
            title="Deliveries",
            id=id,
            lines=lines,
            refused=_conflicts(lines),
            outcome=records.outcome_of(record.item) if record else None,
            arrived_with=record.item.get("arrivedWith") if record else None,
        )

    def _lines(self, kind: str, reference: str) -> list[LogLine]:
        function = function_of(kind)
        return [line for line in self._office.said_of(reference) if line.callback == function]


def _named(answered: Callable[[Request], Response], parameter: str) -> Callable[[Request], Response]:
    """Leads who names nobody to where names are asked for: no table has an empty key."""

    def named(request: Request) -> Response:
        return answered(request) if _asked(request, parameter) else RedirectResponse("/find", 303)

    return named


def _rows(ledger: Ledger, before: int | None) -> list[tuple[str | None, Row]]:
    """A ledger's rows with their transactions' ids; None for what no transaction explains.

    One more is read than is shown: what moved between the last row and the next page's first is on this page.
    """
    read = ledger.newest[: ROWS + 1]
    rows = records.with_gaps(reversed(read), from_first=not ledger.more)[::-1]
    rows = rows[:-1] if ledger.more else rows
    since = _since(ledger.wallet, ledger.newest[0]) if before is None and ledger.newest else None
    ids = {str(item["id"]) for item in read}
    return [(id if (id := str(row.get("id"))) in ids else None, row) for row in ([since] if since else []) + rows]


def _since(wallet: Item | None, newest: Item) -> Row | None:
    """What moved the wallet after its newest transaction, and left none."""
    if wallet is None:
        return None
    last, seq, cash = number(wallet.get("version")), number(newest.get("seq")), number(wallet.get("cash"))
    left = number(newest.get("cashAfter"))
    if last is None or seq is None or last <= seq:
        return None
    first = seq + 1
    return {
        "seq": amount(last) if first == last else f"{amount(first)}-{amount(last)}",
        "amount": None if cash is None or left is None else signed(EXACT.subtract(cash, left)),
        "cashAfter": records.cell(wallet.get("cash")),
        "bonusAfter": records.cell(wallet.get("bonus")),
    }


def _conflicts(lines: Sequence[LogLine]) -> list[LogLine]:
    return [line for line in lines if line.message == "refused" and line.code == _CONFLICT]


def _needs_words(item: Item) -> bool:
    """Whether the table of a win that was paid does not say what it was."""
    return bool(records.outcome_of(item) or records.by_hand(item)) or records.kind_of(item) in (BET, CANCEL)


def _is_far_off(item: Item) -> bool:
    """Whether the provider's clock was more than a day from ours, as no delay explains that is not worth a look."""
    at = recorded(item.get("recordedAt"))
    try:
        return at is not None and abs(at.timestamp() - int(str(item.get("timestamp"))) / 1000) > _A_DAY_SECONDS
    except (ValueError, OverflowError):
        return False


def _asked(request: Request, name: str) -> str:
    return request.query_params.get(name, "")[:MOST_OF_A_NAME]


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None

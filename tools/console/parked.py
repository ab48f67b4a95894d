"""Parked and dead letters: why each was not credited, and what a person does about it."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tools.console.backoffice import BackOffice, Choice, Count, Done
from tools.console.causes import causes, with_rows
from tools.console.feed import Arrival, Feed
from tools.console.journal import Journal
from tools.console.pages import MOST_OF_A_NAME, Pages, received_of
from tools.console.players import spreadsheet
from tools.console.safety import Form, change, text
from tools.shared.trouble import Trouble
from tools.walletctl.parked.letters import ids
from tools.walletctl.parked.remedies import by_error
from tools.walletctl.parked.show import COLUMNS, for_machines

SHOWN = 100  # of what waits for another try
_MOST_OF_A_REASON = 500
_MOST_HIDDEN_SECONDS = 12 * 3600 - 120  # between two tries
# In the journal:
_TRIED_AGAIN, _SETTLED, _BOOKED_ELSEWHERE = "try again", "settle", "settle as booked elsewhere"
_PAID_BY_HAND = "settle by an adjustment"


class ParkedPages:
    """`retry_seconds` is the first wait before another try; None where it is not known, as of a stack."""

    def __init__(
        self, office: BackOffice, feed: Feed, pages: Pages, journal: Journal, token: str, retry_seconds: int | None
    ) -> None:
        self._office = office
        self._feed = feed
        self._pages = pages
        self._journal = journal
        self._token = token
        self._retry_seconds = retry_seconds

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/parked", self.page),
            Route("/parked/letters", self.letters),
            Route("/parked/request", self.request),
            Route("/parked/list.csv", self.as_csv),
            change("/parked/redrive", self.redrive, self._token),
            change("/parked/foresee", self.foresee, self._token),
            change("/parked/settle", self.settle, self._token),
            change("/parked/discard/ask", self.ask, self._token),
            change("/parked/discard", self.discard, self._token),
        ]

    async def page(self, request: Request) -> Response:
        counts = await asyncio.to_thread(self._office.counts)
        return self._pages.page(
            "parked.html",
            counts=counts,
            open=list(reversed(self._feed.open.values()))[:SHOWN],
            deeds=self._journal.newest(),
            only=_only(request),
            next_try=self._next_try,
        )

    def _next_try(self, waits: Arrival) -> datetime | None:
        """About when it is tried again: the waits double. Source: layers/common/wallet/parking.py."""
        if self._retry_seconds is None:
            return None
        seconds = min(self._retry_seconds * 2 ** (waits.tries or 0), _MOST_HIDDEN_SECONDS if waits.tries else 900)
        return waits.at + timedelta(seconds=seconds)

    def as_csv(self, _request: Request) -> Response:
        """A row for each dead letter, as `walletctl parked list --csv` has it."""
        now = datetime.now(UTC)
        rows = (row for pile in self._office.parked() for row in for_machines(pile.callback, pile.groups, now))
        return spreadsheet("dead-letters", [column.name for column in COLUMNS], rows)

    def letters(self, request: Request) -> Response:
        """In a thread: SQS takes seconds to say that there are no more."""
        piles = self._office.parked()
        only = _only(request)
        found = by_error(piles, tuple(only.values()))
        known = self._office.recorded_about(with_rows(found))
        currencies = self._office.currencies_of(group for groups in found.values() for group in groups)
        return self._pages.part(
            request,
            "_letters.html",
            title="Parked",
            counts=[
                Count(
                    callback=pile.callback,
                    waiting=pile.waiting.all,
                    dead=len(ids(pile.groups)) + pile.hidden,
                    hidden=pile.hidden,
                )
                for pile in piles
            ],
            causes=list(causes(found, known, currencies)),
            only=only,
            known=known,
            hidden=sum(pile.hidden for pile in piles),
        )

    def request(self, request: Request) -> Response:
        """One dead letter's request as it was received, read again: a page has a hundred, each of up to 64 KiB."""
        callback, message_id = (request.query_params.get(name, "") for name in ("callback", "message"))
        if callback not in self._office.keeping or not message_id:
            raise Trouble("No dead letter was named: load the page again")
        received = received_of(self._office.letter(callback, message_id))
        return self._pages.part(request, "_request.html", title="The request as received", received=received)

    async def redrive(self, request: Request, form: Form) -> Response:
        choice = self._choice(form)
        try:
            done = await run_in_threadpool(self._office.redrive, choice)
        except Trouble as trouble:
            self._journal.note(_TRIED_AGAIN, choice.callback, sorted(choice.message_ids), f"failed: {trouble}")
            raise
        return self._done(request, form, _TRIED_AGAIN, choice, done)

    async def foresee(self, request: Request, form: Form) -> Response:
        """What settling would do, with the button that does it. It changes nothing."""
        choice, reason, booked_elsewhere = self._decision(form)
        foreseen = await run_in_threadpool(self._office.foresee, choice, reason, booked_elsewhere)
        return self._pages.part(
            request,
            "_foreseen.html",
            title="What settling will do",
            callback=choice.callback,
            foreseen=foreseen,
            reason=reason,
            booked=booked_elsewhere,
            on_parked=text(form, "elsewhere") != "1",
        )

    async def settle(self, request: Request, form: Form) -> Response:
        choice, reason, booked_elsewhere = self._decision(form)
        by_hand = text(form, "by_hand") == "1"
        what = _PAID_BY_HAND if by_hand else _BOOKED_ELSEWHERE if booked_elsewhere else _SETTLED
        try:
            if by_hand:
                done = await run_in_threadpool(self._office.pay_by_hand, choice, reason)
            else:
                done = await run_in_threadpool(self._office.settle, choice, reason, booked_elsewhere)
        except Trouble as trouble:
            self._journal.note(what, choice.callback, sorted(choice.message_ids), f"failed: {trouble}", reason)
            raise
        return self._done(request, form, what, choice, done, reason)

    def _decision(self, form: Form) -> tuple[Choice, str, bool]:
        choice = self._choice(form)
        if not choice.message_ids:
            raise Trouble("Name what to settle")
        return choice, text(form, "reason")[:_MOST_OF_A_REASON], text(form, "booked") == "1"

    async def ask(self, request: Request, form: Form) -> Response:
        """What discarding these would delete, with the button that does it. It changes nothing."""
        choice = self._choice(form)
        kept = {each for names in form.get("keep", []) for each in names.split()}
        choice = replace(choice, message_ids=choice.message_ids - kept)
        if not choice.message_ids:
            raise Trouble("All of them are left out: there is nothing to discard")
        groups = await run_in_threadpool(self._office.chosen, choice)
        return self._pages.part(
            request,
            "_discarding.html",
            title="What will be discarded",
            callback=choice.callback,
            groups=groups,
            letters=len(ids(groups)),
            money=await run_in_threadpool(self._office.asked_for, groups),
            messages=" ".join(sorted(choice.message_ids)),
        )

    async def discard(self, request: Request, form: Form) -> Response:
        choice, reason = self._choice(form), text(form, "reason")[:_MOST_OF_A_REASON]
        if not choice.message_ids:
            raise Trouble("Name what to discard")
        try:
            done = await run_in_threadpool(self._office.discard, choice, reason)
        except Trouble as trouble:
            self._journal.note("discard", choice.callback, sorted(choice.message_ids), f"failed: {trouble}", reason)
            raise
        return self._done(request, form, "discard", choice, done, reason)

    def _done(self, request: Request, form: Form, what: str, choice: Choice, done: Done, reason: str = "") -> Response:
        deed = self._journal.note(
            what, choice.callback, sorted(choice.message_ids), done.outcome, reason, done.references
        )
        return self._pages.part(
            request,
            "_done.html",
            title="Done",
            deed=deed,
            deeds=self._journal.newest(),
            on_parked=text(form, "elsewhere") != "1",
        )

    def _choice(self, form: Form) -> Choice:
        callback, code = text(form, "callback"), text(form, "code")
        if callback not in self._office.keeping:
            raise Trouble(f"No callback is called {callback!r}")
        if code and not re.fullmatch("[0-9]{1,4}", code):
            raise Trouble(f"No error has the code {code[:20]!r}: nothing was chosen")
        return Choice(
            callback=callback,
            message_ids=frozenset(form.get("message", []))
            | {each for names in form.get("messages", []) for each in names.split()},
            code=int(code) if code else None,
        )


def _only(request: Request) -> dict[str, str]:
    """The callback and the reference that a page is asked for alone; {} if it is for all."""
    names = ("callback", "reference")
    said = {name: request.query_params.get(name, "")[:MOST_OF_A_NAME] for name in names}
    return said if all(said.values()) else {}

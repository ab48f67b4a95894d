"""What a deployed stack's functions say, read from their log groups while somebody watches.

The tables have no order of time, so the newest records cannot be asked for; the log has, and says of each callback what
became of it. It is asked every few seconds, by one reader for all who watch, and not at all when nobody does.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.console.feed import MOVED, TOLD, Arrival, Feed, of_line
from tools.shared.outside import trouble_if
from tools.shared.trouble import Trouble
from tools.walletctl.kinds import CASHIER
from tools.walletctl.log import moment_of, object_of
from tools.walletctl.tables import Tables

POLL_SECONDS = 5  # a call for each of nine groups at the most; an account has ten calls a second
_FIRST_SECONDS = 300  # what is shown of the time before somebody looked
_OVERLAP_SECONDS = 30  # lines come to the log some seconds late, and not in order
# Of a group in one poll, the newest first. CloudWatch may answer with pages of nothing while it goes on searching; what
# is not reached is older than all that is shown, and that is said.
_MOST_PAGES = 8
_MOST_EVENTS = 3000  # more than a feed keeps
_MOST_KNOWN = 20_000  # lines of the overlap, by their ids
_MOST_PLAYERS = 200  # whose currencies are read in one poll
_PATTERN = "{ " + " || ".join(f'$.message = "{word}"' for word in TOLD) + " }"


@dataclass(slots=True)
class Listening:
    """`missed` says what of the stack is not seen, for a person; "" if all is."""

    logs: Any
    groups: dict[str, str]  # by function
    feed: Feed
    tables: Tables
    missed: str = ""
    _from: dict[str, float] = field(default_factory=dict)  # until when each group was read
    _known: OrderedDict[str, None] = field(default_factory=OrderedDict)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            if self.feed.watchers:
                await self._poll()
                await asyncio.sleep(POLL_SECONDS)
            else:
                await asyncio.sleep(0.2)

    async def _poll(self) -> None:
        began = time.time()
        unseen: dict[str, Trouble] = {}
        busy: list[str] = []
        found: list[Arrival] = []
        for callback, group in self.groups.items():
            start = max(self._from.get(group, 0.0) - _OVERLAP_SECONDS, began - _FIRST_SECONDS)
            try:
                events, is_cut = await asyncio.to_thread(self._ask, group, start)
            except Trouble as trouble:  # it is read from the same moment on when it can be
                unseen[callback] = trouble
                continue
            if is_cut:
                busy.append(callback)
            self._from[group] = began
            found += [read for event in events if (read := self._new(callback, event))]
        self.missed = " ".join(_sentences(unseen, busy, len(self.groups)))
        await self._learn_currencies(found)
        self.feed.overheard(sorted(found, key=lambda callback: callback.at))

    async def _learn_currencies(self, found: Sequence[Arrival]) -> None:
        """The log does not name a wallet's currency: it is read once for each player whose money moved."""
        moved = {each.player for each in found if each.outcome in MOVED and each.player}
        if not (unknown := sorted(player for player in moved if not self.feed.currency_of(player))):
            return
        read, attributes = self.tables.wallets, ("userId", "currency")
        try:
            wallets = await asyncio.to_thread(lambda: list(read(unknown[:_MOST_PLAYERS], attributes)))
        except Trouble:  # the amounts are shown without it
            return
        for wallet in wallets:
            self.feed.learn(str(wallet["userId"]), str(wallet["currency"]))

    def _ask(self, group: str, start: float) -> tuple[list[dict[str, Any]], bool]:
        request: dict[str, Any] = {
            "logGroupName": group,
            "startTime": int(1000 * start),
            "filterPattern": _PATTERN,
            "startFromHead": False,
        }
        events: list[dict[str, Any]] = []
        for _ in range(_MOST_PAGES):
            with trouble_if(f"the log group {group} cannot be read"):
                answer = self.logs.filter_log_events(**request)
            events += answer.get("events", [])
            if not all("eventId" in event for event in events):
                raise Trouble(
                    f"the log group {group} is answered without the ids of its lines, as CloudWatch never does"
                )
            if not (more := answer.get("nextToken")):
                return events, False
            if len(events) >= _MOST_EVENTS:
                break
            request["nextToken"] = more
        return events, True

    def _new(self, kind: str, event: dict[str, Any]) -> Arrival | None:
        """The callback an event tells of, the first time it is read."""
        if event["eventId"] in self._known:
            return None
        self._known[event["eventId"]] = None
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        line = object_of(event.get("message", ""))
        at = moment_of(line)
        return of_line(line, kind, {}, at, line.get("milliseconds")) if at else None


def _sentences(unseen: Mapping[str, Trouble], busy: Sequence[str], groups: int) -> Iterator[str]:
    """What of the callbacks is not seen. Where none is, one reason will do: most likely all four have it."""
    if len(unseen) == groups:
        yield f"Callbacks are not seen: {next(iter(unseen.values()))}."
        return
    for callback, trouble in unseen.items():
        yield f"Callbacks of {callback} are not seen: {trouble}."
    for callback in busy:
        yield f"The log of {callback} is too long to be read to its end every time: the newest callbacks are shown."


def groups_of(stack: str, callbacks: Sequence[str]) -> dict[str, str]:
    """The log groups of the callbacks' functions and of the cashier, by function."""
    return {function: f"/{stack}/{function}" for function in (*callbacks, CASHIER)}

"""The callbacks and orders as they arrive: a ring of the newest, their sums by the minute, and what is parked.

What answers callbacks only passes on what it has. It is read up to a quarter of a second later, many together, and
kept within bounds: a feed takes a few megabytes however long it runs. All of it belongs to one event loop.
"""

import asyncio
import secrets
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any, Literal

from tools.console.words import FINAL
from tools.provider.answers import UNAVAILABLE
from tools.walletctl.kinds import CANCEL, CASHIER, OPERATORS
from tools.walletctl.log import object_of

Outcome = Literal[
    "credited",
    "staked",
    "paid back",
    "moved",
    "booked elsewhere",
    "cancel remembered",
    "round ended",
    "round refunded",
    "answered",
    "replayed",
    "parked",
    "left for a person",
    "refused",
    "declined",
    "not kept",
    "failed",
]

KEPT = 2000  # callbacks: more than anybody scrolls through, and half a minute of a busy service
MINUTES = 30
TICK_SECONDS = 0.25
_MOST_UNREAD = 1000  # then they are read immediately: their bodies are in memory
_MOST_BYTES = 65_536  # of a body; the wallet reads no more either
_MOST_OPEN = 2000  # references that wait for another try
_MOST_PLAYERS = 5000  # whose currency is remembered
_MOST_CURRENCIES = 50  # a test may make one up for each callback
_MAX_TRIES = 10  # template.yaml's maxReceiveCount: then it is a dead letter
_NO_WALLET = 62
_KEPT_FOR: Mapping[int, Outcome] = {
    _NO_WALLET: "parked",
    UNAVAILABLE: "parked",
    **dict[int, Outcome].fromkeys(FINAL, "left for a person"),
}
_PRIZE = "prize left for a person"
MOVED = ("credited", "staked", "paid back", "moved")
_LIST = (*MOVED, "booked elsewhere", "cancel remembered")  # these lines list the records
_ANSWERED = ("round ended", "round refunded", "answered")  # nothing was asked to move
_DONE = (*_LIST, *_ANSWERED, "replayed")
_SAID = (*_DONE, "refused", "declined")  # one of them for each request
TOLD = (*_SAID, _PRIZE)
_KEEP_NOTHING = ("bet", "endround", "balance")  # who is refused by these has the answer
_MOST_DIGITS = 40  # before the point; no balance has more


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One delivery, or one try from a retry queue (`tries`), and what came of it; the first has `number` 1."""

    number: int
    at: datetime
    kind: str
    player: str | None
    reference: str | None
    amount: Decimal | None
    currency: str | None
    outcome: Outcome
    code: int | None
    reason: str | None
    milliseconds: float | None
    tries: int | None
    is_prize: bool = False  # it tells of the prize alone that came with another

    @property
    def is_owed(self) -> bool:
        return self.outcome not in (*_DONE, "declined")  # who orders or bets has the answer, and is owed nothing

    @property
    def key(self) -> str:
        """What it is a delivery of, as an id has it; of what has no reference, the delivery itself."""
        return f"{self.kind}#{self.reference}" if self.reference else f"#{self.number}"


@dataclass(frozen=True, slots=True)
class Deliveries:
    """All that is known of one reference, the newest last."""

    arrivals: Sequence[Arrival]

    @property
    def key(self) -> str:
        return self.arrivals[-1].key

    @property
    def name(self) -> str:
        """The id of its row on a page."""
        return f"row-{sha256(self.key.encode(errors='surrogatepass')).hexdigest()[:16]}"

    @property
    def shown(self) -> Arrival:
        """The delivery that the row shows: the one still owed, else the one settled. A replay settles nothing."""
        owed = [each for each in self.arrivals if each.is_owed]
        done = [each for each in self.arrivals if each.outcome in _LIST]
        if owed and not (done and done[-1].number > owed[-1].number):
            return owed[-1]
        told = [each for each in self.arrivals if each.outcome != "replayed"]
        return (done or told or self.arrivals)[-1]

    @property
    def count(self) -> int:
        """Deliveries, without what a queue tried again and the lines about prizes alone."""
        return sum(each.tries is None and not each.is_prize for each in self.arrivals)


@dataclass(slots=True)
class Minute:
    start: int  # minutes since the epoch
    callbacks: Counter[str] = field(default_factory=Counter)  # by kind
    credited: dict[str, Decimal] = field(default_factory=dict)  # by currency
    staked: dict[str, Decimal] = field(default_factory=dict)
    owed: Counter[str] = field(default_factory=Counter)  # of them, what was not done, by kind
    times: dict[str, Counter[int]] = field(default_factory=dict)  # by kind: how many took so many milliseconds

    def percentile(self, kind: str, share: int) -> int | None:
        """Milliseconds that this share of a hundred took at most, to two digits; None if nothing was timed."""
        times = self.times.get(kind, Counter())
        rank = -(-sum(times.values()) * share // 100)
        for milliseconds in sorted(times):
            rank -= times[milliseconds]
            if rank <= 0:
                return milliseconds
        return None


@dataclass(frozen=True, slots=True)
class _Unread:
    at: float
    kind: str
    bodies: Sequence[bytes | str]
    log: Sequence[str]
    seconds: float | None
    answer: str = ""
    failure: str = ""


class Feed:
    def __init__(self) -> None:
        self.epoch = secrets.token_hex(4)  # numbers of another start mean nothing here
        self.watchers = 0
        self.open: OrderedDict[tuple[str, str], Arrival] = OrderedDict()
        self._unread: deque[_Unread] = deque()
        self._ring: deque[Arrival] = deque(maxlen=KEPT)
        self._minutes: deque[Minute] = deque(maxlen=MINUTES)
        self._currencies: OrderedDict[str, str] = OrderedDict()  # of players, as far as they were told
        self._changed = asyncio.Event()
        self._by_key: dict[str, deque[Arrival]] = {}
        self.began = time.time()
        self.last = 0

    # --- Who answers callbacks ----------------------------------------------------------------------

    def answered(self, kind: str, body: bytes, log: Sequence[str], answer: str, seconds: float) -> None:
        self._take(_Unread(time.time(), kind, [body[: _MOST_BYTES + 1]], log, seconds, answer=answer))

    def failed(self, kind: str, body: bytes, failure: str, seconds: float) -> None:
        self._take(_Unread(time.time(), kind, [body[: _MOST_BYTES + 1]], (), seconds, failure=failure))

    def tried_again(self, kind: str, messages: Sequence[str], log: Sequence[str]) -> None:
        """A batch of the retry queue. Its function says a line for each that it could read."""
        self._take(_Unread(time.time(), kind, messages, log, None))

    def overheard(self, callbacks: Sequence[Arrival]) -> None:
        """Callbacks that somebody else has read, from a stack's log; each is given its number."""
        for callback in callbacks:
            self._add(callback)
        self._wake()

    def _take(self, unread: _Unread) -> None:
        self._unread.append(unread)
        if len(self._unread) >= _MOST_UNREAD:
            self._read()

    # --- Who watches --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Reads what was handed over, until it is cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self._unread:
                self._read()
                self._wake()

    @contextmanager
    def watched(self) -> Iterator[None]:
        self.watchers += 1
        try:
            yield
        finally:
            self.watchers -= 1

    async def change(self, seconds: float) -> None:
        """Returns with the next callbacks, or after that time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)

    def after(self, number: int) -> list[Arrival]:
        """Those that came after that one and are kept still, the oldest first."""
        first = self._ring[0].number if self._ring else self.last + 1
        return [self._ring[place] for place in range(max(0, number + 1 - first), len(self._ring))]

    def newest(self, most: int, *, only_owed: bool = False) -> list[Arrival]:
        """The newest of all that are kept, the oldest of them first."""
        return [each for each in self._ring if each.is_owed][-most:] if only_owed else self.after(self.last - most)

    def deliveries(self, arrivals: Sequence[Arrival]) -> list[Deliveries]:
        """All that is kept of what these are deliveries of, each once, in the order of their last."""
        keys = dict.fromkeys(each.key for each in reversed(arrivals))
        return [Deliveries(tuple(self._by_key[key])) for key in reversed(keys)]

    def deliveries_of(self, key: str) -> Deliveries | None:
        kept = self._by_key.get(key)
        return Deliveries(tuple(kept)) if kept else None

    def of(self, kind: str, reference: str) -> list[Arrival]:
        return [callback for callback in self._ring if callback.kind == kind and callback.reference == reference]

    def delayed(self, number: int) -> dict[tuple[str, str], bool]:
        """What was answered 998 and parked when it came, after that number, and whether it is paid since.

        What was parked before that, and is tried again since, is not in it."""
        delayed: dict[tuple[str, str], bool] = {}
        for each in self.after(number):
            key = (each.kind, each.reference or "")
            if each.tries is None and each.outcome == "parked" and each.code == UNAVAILABLE:
                delayed.setdefault(key, False)
            elif key in delayed and not each.is_owed:
                delayed[key] = True
        return delayed

    def minutes(self) -> list[Minute]:
        """The last half hour, the newest last; a minute of which nothing is known is empty."""
        now = int(time.time() // 60)
        known = {minute.start: minute for minute in self._minutes}
        return [known.get(start) or Minute(start) for start in range(now - MINUTES + 1, now + 1)]

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # --- What it makes of it ------------------------------------------------------------------------

    def _read(self) -> None:
        while self._unread:
            for callback in _callbacks(self._unread.popleft()):
                self._add(callback)

    def _add(self, callback: Arrival) -> None:
        self.last += 1
        currency = callback.currency or self.currency_of(callback.player)
        callback = replace(callback, number=self.last, currency=currency)
        self._keep(callback)
        if callback.player and currency and not callback.is_owed:
            self.learn(callback.player, currency)
        self._count(callback)
        if callback.reference is not None and not callback.is_prize:
            key = (callback.kind, callback.reference)
            # What is delivered while it waits, and refused, is not what waits.
            if callback.outcome == "parked" or callback.tries is not None or not callback.is_owed:
                self.open.pop(key, None)
            if callback.outcome == "parked":
                self.open[key] = callback
                if len(self.open) > _MOST_OPEN:
                    self.open.popitem(last=False)

    def _keep(self, callback: Arrival) -> None:
        if len(self._ring) == KEPT:
            oldest = self._ring[0]
            self._by_key[oldest.key].popleft()
            if not self._by_key[oldest.key]:
                del self._by_key[oldest.key]
        self._ring.append(callback)
        self._by_key.setdefault(callback.key, deque()).append(callback)

    def currency_of(self, player: str | None) -> str | None:
        return self._currencies.get(player or "")

    def learn(self, player: str, currency: str) -> None:
        """A wallet's currency, which only some answers name: what a request says may be another."""
        self._currencies[player] = currency
        if len(self._currencies) > _MOST_PLAYERS:
            self._currencies.popitem(last=False)

    def _count(self, callback: Arrival) -> None:
        start = int(callback.at.timestamp() // 60)
        minute = next((minute for minute in reversed(self._minutes) if minute.start == start), None)
        if minute is None:
            minute = Minute(start)
            self._minutes.append(minute)
        if callback.tries is None and not callback.is_prize:
            minute.callbacks[callback.kind] += 1
            minute.owed[callback.kind] += callback.is_owed
            if callback.milliseconds is not None:
                minute.times.setdefault(callback.kind, Counter())[_rounded(callback.milliseconds)] += 1
        sums = {"credited": minute.credited, "staked": minute.staked}.get(callback.outcome)
        if sums is None or not callback.amount or not (currency := callback.currency):
            return
        if currency in sums or len(sums) < _MOST_CURRENCIES:
            sums[currency] = sums.get(currency, Decimal(0)) + abs(callback.amount)


def _rounded(milliseconds: float) -> int:
    """To two digits: so a minute has at most some hundred different times, whatever comes."""
    whole = max(0, round(min(milliseconds, 10**7)))
    step = 10 ** max(0, len(str(whole)) - 2)
    return whole // step * step


def _callbacks(unread: _Unread) -> Iterator[Arrival]:
    at = datetime.fromtimestamp(unread.at, UTC)
    milliseconds = None if unread.seconds is None else 1000 * unread.seconds
    said = [line for line in map(_object, unread.log) if "message" in line]
    if unread.seconds is None:  # from a retry queue: each line names its own reference
        requests = {
            request.get("reference"): _object(str(request.get("request"))) for request in map(_object, unread.bodies)
        }
        for line in said:
            if line["message"] in TOLD:
                request = requests.get(line.get("correlation_id"), {})
                yield of_line(line, unread.kind, request, at, line.get("milliseconds"))
        return
    line = next((line for line in said if line["message"] in _SAID), None)
    prize = next((line for line in said if line["message"] == _PRIZE), None)
    # If a prize could not be kept, its win was refused as well, and is retried.
    is_lost = sum(line["message"] == "parking failed" for line in said) > (prize is not None)
    if prize and not any(line["message"] == "parking failed" for line in said):
        yield of_line(prize, unread.kind, _object(unread.bodies[0]), at, None)
    request = {} if line and line["message"] in _LIST else _object(unread.bodies[0])
    if line is None:
        failure = unread.failure or "the function said nothing of it"
        line = {"message": "failed", "reason": failure, "correlation_id": request.get("reference")}
    elif is_lost:
        line = {**line, "message": "not kept"}
    answer = _object(unread.answer)
    if "currency" in answer:
        line = {**line, "currency": answer["currency"]}
    yield of_line(line, unread.kind, request, at, milliseconds)


def of_line(
    line: Mapping[str, Any], kind: str, request: Mapping[str, Any], at: datetime, milliseconds: object
) -> Arrival:
    """What a line of a function's log says, with what the request tells of it where that is at hand."""
    fields = {name.lower(): value for name, value in request.items()}
    code = line.get("code") if isinstance(line.get("code"), int) else None
    tries = line.get("tries") if isinstance(line.get("tries"), int) else None
    made = [each for each in line.get("transactions") or [] if isinstance(each, Mapping)]
    paid = [_amount(each.get("amount")) for each in made]
    message = str(line.get("message"))
    is_prize = message == _PRIZE
    outcome = _outcome(message, code, tries)
    is_remembered = kind == CANCEL and code == _NO_WALLET  # it is on record all the same, and there is nothing to keep
    if (kind in _KEEP_NOTHING or is_remembered) and outcome not in (*_DONE, "failed"):
        outcome = "declined"
    return Arrival(
        number=0,
        at=at,
        kind=_kind(kind, line, fields, made),
        player=_text(line.get("userId") or fields.get("userid")),
        reference=_text(line.get("correlation_id") or fields.get("reference")),
        amount=sum((amount for amount in paid if amount is not None), Decimal(0))
        if message in _LIST
        else None
        if message in _ANSWERED
        else _amount(fields.get("promowinamount"))
        if is_prize
        else _asked(kind, fields if "amount" in fields else {"amount": line.get("amount")}),
        currency=_text(line.get("currency") or fields.get("currency")),
        outcome=outcome,
        code=code,
        reason=_text(line.get("reason")),
        milliseconds=float(milliseconds) if isinstance(milliseconds, str | float | int) else None,
        tries=tries,
        is_prize=is_prize,
    )


def _kind(function: str, line: Mapping[str, Any], fields: Mapping[str, Any], made: Sequence[Mapping[str, Any]]) -> str:
    """What a function made: the cashier makes movements of several kinds."""
    if function != CASHIER:
        return function
    said = line.get("movement") or fields.get("movement") or (str(made[0].get("id")).partition("#")[0] if made else "")
    return str(said) if said in OPERATORS else function


def _outcome(message: str, code: int | None, tries: int | None) -> Outcome:
    match message:
        case (
            "credited" | "staked" | "paid back" | "moved" | "booked elsewhere" | "cancel remembered"
            | "round ended" | "round refunded" | "answered" | "replayed" | "declined" | "not kept" | "failed"
        ):  # fmt: skip
            return message
        case "prize left for a person":
            return "left for a person"
    kept = _KEPT_FOR.get(code or 0, "refused")
    if kept == "parked" and (tries or 0) >= _MAX_TRIES:
        return "left for a person"
    return kept


def _object(text: bytes | str) -> dict[str, Any]:
    return {} if len(text) > 4 * _MOST_BYTES else object_of(text)


def _amount(said: object) -> Decimal | None:
    if not isinstance(said, str | int) or isinstance(said, bool) or len(str(said)) > 80:
        return None
    try:
        amount = Decimal(said)
    except InvalidOperation:
        return None
    # By its exponents: arithmetic would overflow, and 1e999999999 in full is a billion zeros.
    is_in_sight = amount.is_finite() and abs(int(amount.as_tuple().exponent)) < _MOST_DIGITS
    return amount if is_in_sight and amount.adjusted() < _MOST_DIGITS else None


def _asked(kind: str, fields: Mapping[str, Any]) -> Decimal | None:
    """What a request asks for, with the prize of a result."""
    amount = _amount(fields.get("amount"))
    prize = _amount(fields.get("promowinamount")) if kind == "result" else None
    return amount if amount is None or prize is None else amount + prize


def _text(said: object) -> str | None:
    return str(said)[:128] if isinstance(said, str | int) and not isinstance(said, bool) and said != "" else None

"""The forms that most cases have. A row of a table says what is sent, and what must become of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias, TypeVar

from tools.provider.answers import NOT_ENOUGH, SUCCESS, Answer
from tools.provider.certify import amounts
from tools.provider.certify.requests import Draft, Value
from tools.provider.certify.trial import Trial, Unmet
from tools.provider.paths import PATHS, Callback
from tools.shared.amounts import amount

StepT = TypeVar("StepT", Draft, "Step")
Step: TypeAlias = Draft | tuple[Draft, int]  # with the code that this one is refused with
Requests: TypeAlias = Callable[[Trial], Draft | Iterable[Draft]]
Steps: TypeAlias = Callable[[Trial], Draft | Iterable[Step]]


@dataclass(frozen=True, slots=True)
class Row:
    """Each request is credited, or is refused with `code` or a code of its own. Then the wallet has as much more.

    A credited win pays its amount, unless `cash` and `bonus` say what all of them pay. `is_shown`: the answers show it,
    too. `needs` raises NotTried where something is missing for it.
    """

    name: str
    requests: Steps
    code: int = SUCCESS
    cash: str | None = None
    bonus: str | None = None
    is_shown: bool = False
    needs: Callable[[Trial], object] | None = None

    async def attempt(self, the: Trial) -> None:
        if self.needs:
            self.needs(the)
        cash, bonus = self.cash or "0", self.bonus or "0"
        for step in _each(self.requests(the)):
            request, code = step if isinstance(step, tuple) else (step, self.code)
            if code != SUCCESS:
                await the.refused(request, code)
                continue
            answer = await the.credited(request)
            if self.cash is None:
                cash, bonus = _sum(cash, request["amount"]), _sum(bonus, request.pays_bonus)
            if self.is_shown:
                await the.shows(answer, cash, bonus)
        await the.paid(cash, bonus)


def _sum(one: str, other: str) -> str:
    added = Decimal(other)  # a zero may have any exponent
    return amount(amounts.plus(Decimal(one), added)) if added else one


@dataclass(frozen=True, slots=True)
class Again:
    """Each win is credited. What is sent `again` is a replay, or is refused with `code`: it pays nothing either way.

    A win pays its amount to cash, unless it says what it `pays`.
    """

    name: str
    wins: Requests
    again: Callable[[Trial, Draft], Draft | Iterable[Draft]]
    code: int = SUCCESS
    pays: str | None = None

    async def attempt(self, the: Trial) -> None:
        for win in _each(self.wins(the)):
            before = await the.balances()
            first = await the.credited(win)
            for again in _each(self.again(the, win)):
                if self.code == SUCCESS:
                    the.same("transactionId", first.transaction_id, (await the.credited(again)).transaction_id)
                else:
                    await the.refused(again, self.code)
            await the.paid_since(before, self.pays or win["amount"], win.pays_bonus)


@dataclass(frozen=True, slots=True)
class Move:
    """A request, the code that it is answered with, and what it moves the wallet by."""

    request: Draft
    code: int = SUCCESS
    cash: str = "0"
    bonus: str = "0"
    shows: bool = True  # the balances of the case's own player


def takes(bet: Draft) -> Move:
    """A bet that is taken."""
    return Move(bet, cash=f"-{bet['amount']}")


def pays(request: Draft, cash: str, bonus: str = "0") -> Move:
    return Move(request, cash=cash, bonus=bonus)


def does_nothing(request: Draft) -> Move:
    """A request that is answered 0, and moves nothing."""
    return Move(request)


def refused(request: Draft, code: int) -> Move:
    return Move(request, code)


@dataclass(frozen=True, slots=True)
class Play:
    """Requests, one after the other, each with its answer and what it moves. Before them, a win pays for the bets.

    `needs` raises NotTried where something is missing for it.
    """

    name: str
    moves: Callable[[Trial], Iterable[Move]]
    funds: str = "0.20"
    needs: Callable[[Trial], object] | None = None

    async def attempt(self, the: Trial) -> None:
        if self.needs:
            self.needs(the)
        await the.credited(the.result(amount=self.funds))
        cash, bonus = Decimal(self.funds), Decimal(0)
        for number, move in enumerate(self.moves(the), 1):
            cash, bonus = amounts.plus(cash, Decimal(move.cash)), amounts.plus(bonus, Decimal(move.bonus))
            try:
                await self._make(the, move, amount(cash), amount(bonus))
            except Unmet as unmet:
                raise Unmet(f"{unmet.expected}, to request {number}, the {move.request.callback}", unmet.got) from None
        await the.paid(amount(cash), amount(bonus))

    async def _make(self, the: Trial, move: Move, cash: str, bonus: str) -> None:
        if move.code != SUCCESS:
            answer = await the.refused(move.request, move.code)
        else:
            answer = await the.credited(move.request)
        if move.code in _WITH_BALANCES and move.shows:
            await the.shows(answer, cash, bonus)


_WITH_BALANCES = (SUCCESS, NOT_ENOUGH)


@dataclass(frozen=True, slots=True)
class Needs:
    """A request is refused with 64 without any one of these fields. All that are missed are told together."""

    name: str
    request: Callable[[Trial], Draft]
    fields: tuple[str, ...]

    async def attempt(self, the: Trial) -> None:
        request, missed = self.request(the), list[str]()
        for name in self.fields:
            answer = await the.send_once(request.without(name))
            if (answer.status, answer.error) != (400, 64):
                missed.append(f"without {name}: {answer}")
        if missed:
            raise Unmet("HTTP 400 and error 64 without any one of them", "; ".join(missed))

        await the.paid("0")


@dataclass(frozen=True, slots=True)
class Says:
    """Each win is credited, and its answer says what is `expected`. `instead` is what it says else, if it does not."""

    name: str
    expected: str
    instead: Callable[[Answer], str | None]
    requests: Requests = Trial.each_callback

    async def attempt(self, the: Trial) -> None:
        for request in _each(self.requests(the)):
            if instead := self.instead(await the.credited(request)):
                raise Unmet(f"{self.expected} for {request.callback}", instead)


def _each(requests: Draft | Iterable[StepT]) -> Iterator[Draft | StepT]:
    """One after the other, each made when the one before is answered."""
    return iter((requests,) if isinstance(requests, Draft) else requests)


def by_every_path(callback: Callback, win: Callable[[Trial], Draft]) -> Requests:
    return lambda the: (the.elsewhere(callback, path, win(the)) for path in PATHS[callback])


def results(field: str, *values: Value) -> Requests:
    """A result for each of these values of a field."""
    return lambda the: (the.result(**{field: value}) for value in values)


def changed(**changes: Value) -> Callable[[Trial, Draft], Draft]:
    """What is sent again, with other values in these fields."""
    return lambda the, win: win.but(**changes)

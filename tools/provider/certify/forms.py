"""The forms that most cases have. A row of a table says what is sent, and what must become of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias, TypeVar

from tools.provider.answers import SUCCESS, Answer
from tools.provider.certify import amounts
from tools.provider.certify.requests import Draft, Value
from tools.provider.certify.trial import Trial, Unmet
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


def results(field: str, *values: Value) -> Requests:
    """A result for each of these values of a field."""
    return lambda the: (the.result(**{field: value}) for value in values)


def changed(**changes: Value) -> Callable[[Trial, Draft], Draft]:
    """What is sent again, with other values in these fields."""
    return lambda the, win: win.but(**changes)

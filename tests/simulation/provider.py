"""The provider as its pages describe it: it plays rounds, sends again, cancels, and keeps books of its own.

A bet without an answer, or with any error but 15, is sent four times in all and then cancelled. A cancel and a refund
are sent three times and then no more, a result eleven times, the end of a round three times. In the end its books and
the wallet agree about each round, or a person has it: a dead letter is left, or the round is in the list of open ones.
Source: the provider's pages of each call, and its pages on errors.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from random import Random
from typing import Literal, Protocol

from greenlet import getcurrent

from contract import STATUS

from .books import Books
from .network import Violation
from .script import AGAIN, Cancel, Message, Played, Step, Visit, Win
from .timeline import Timeline

HANGS_UP_SECONDS = 10.0
BET_TRIES, CANCEL_TRIES, RESULT_TRIES, END_TRIES = 4, 3, 11, 3
WAITS = (0.0, 0.0, 0.01, 0.3, 5.0)  # between one step and the next, in seconds


class Wallet(Protocol):
    """Where its messages go. `heard` is told the code of an answer, at the moment it arrives."""

    timeline: Timeline
    books: Books
    happened: Counter[str]

    def take(self, said: Message, number: int, heard: Callable[[int], None]) -> None: ...


@dataclass
class Play:
    """One round. `stakes` are of the bets that it holds for taken; `cancelled` are bets that it was told are undone."""

    wallet: Wallet
    event: Played
    chance: Random
    stakes: dict[str, Fraction] = field(default_factory=dict)
    won: Fraction = Fraction(0)
    refunded: bool = False
    gave_up: bool = False  # it sends a message no more, and was not told that it is done
    cancelled: set[str] = field(default_factory=set)
    _sent: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def start(self) -> None:
        self.wallet.timeline.start(self._run)

    def _run(self) -> None:
        for position, step in enumerate(self.event.steps):
            act = partial(self._act, f"{self.event.round}-{position}", step)
            if step.waits:
                act()
            else:
                self.wallet.timeline.start(act)
            self.wallet.timeline.sleep(self.chance.expovariate(1) * self.chance.choice(WAITS))

    def _act(self, reference: str, step: Step) -> None:
        match step.what:
            case "bet":
                self._bet(reference, step)
            case "result" if self.stakes:
                self._result(reference, step)
            case "refund":
                self._refund(reference if step.own else f"{self.event.round}-0")
            case "end":
                self._ask(self._visit("EndRound"), END_TRIES, _is_done)
            case "ask":
                self._ask(self._visit("Check"), 1, _is_done)
                self._ask(self._visit("Balance"), 1, _is_done)
            case _:
                self.wallet.happened["a spin was not played"] += 1

    def _bet(self, reference: str, step: Step) -> None:
        event = self.event
        bet = Win(
            callback="bet",
            player=event.player,
            reference=reference,
            amount=step.amount,
            currency=event.currency,
            game=event.game,
            round=event.round,
            bonus_code=step.code,
        )
        code = self._ask(bet, BET_TRIES, (0, 15).__contains__)
        if code == 0:
            self.stakes[reference] = Fraction(0 if step.code else step.amount)
        elif code != 15:
            self.wallet.happened["a bet was cancelled"] += 1
            if self._undo("Cancel", reference):
                self.cancelled.add(reference)

    def _result(self, reference: str, step: Step) -> None:
        """What it says that a round has won is won, whatever it hears."""
        event = self.event
        win = Win(
            callback="result",
            player=event.player,
            reference=reference,
            amount=step.amount,
            currency=event.currency,
            game=event.game,
            round=event.round,
            bonus_code=step.code,
            in_session=not step.closes,
        )
        self.won += Fraction(step.amount)
        code = self._ask(win, RESULT_TRIES, _is_done)
        self.gave_up |= code is None or not _is_done(code)

    def _refund(self, reference: str) -> None:
        if self._undo("Refund", reference):
            self.refunded = True
            self.cancelled |= {*self.stakes}

    def _undo(self, call: Literal["Cancel", "Refund"], reference: str) -> bool:
        """Whether it was told that it is done."""
        event = self.event
        cancel = Cancel(
            call=call,
            reference=reference,
            player=event.player,
            currency=event.currency,
            game=event.game,
            round=event.round,
        )
        code = self._ask(cancel, CANCEL_TRIES, (0).__eq__)
        self.gave_up |= code is None or not _is_done(code)
        return code == 0

    def _visit(self, call: Literal["EndRound", "Check", "Balance"]) -> Visit:
        event = self.event
        return Visit(call=call, player=event.player, currency=event.currency, game=event.game, round=event.round)

    # --- On the way ---------------------------------------------------------------------------------

    def _ask(self, said: Message, tries: int, is_done: Callable[[int], bool]) -> int | None:
        """Sends it until the answer is final. Returns the last code that it heard but 998; None if there was none."""
        last: int | None = None
        for _ in range(tries):
            code = self._send(said)
            if code not in (None, 998):
                last = code
            if code is not None and is_done(code):
                return code
            self.wallet.timeline.sleep(self.chance.uniform(0, 4))
        return last

    def _send(self, said: Message) -> int | None:
        """The code of the answer, or None if none comes before it hangs up."""
        timeline, me, heard = self.wallet.timeline, getcurrent(), list[int | None]()

        def hear(code: int | None) -> None:
            if not heard:
                heard.append(code)
                timeline.at(timeline.now, me.switch)

        for delay in self._ways():
            number = self.event.number + AGAIN * next(self._sent)
            timeline.at(timeline.now + delay, partial(self.wallet.take, said, number, hear))
        timeline.at(timeline.now + HANGS_UP_SECONDS, lambda: hear(None))
        timeline.wait()
        return heard[0]

    def _ways(self) -> Sequence[float]:
        """After how many seconds it arrives, each time that it does: it may be lost, late, or there twice."""
        if self.chance.random() >= self.event.trouble:
            return [0.0]
        match self.chance.choice(("lost", "late", "twice")):
            case "lost":
                return []
            case "late":
                return [self.chance.expovariate(1) * 20]
            case _:
                return [0.0, self.chance.expovariate(1) * self.chance.choice((0.005, 20))]

    # --- In the end ---------------------------------------------------------------------------------

    @property
    def cost(self) -> Fraction:
        return Fraction(0) if self.refunded else sum(self.stakes.values(), Fraction(0))

    def check(self, *, is_with_a_person: bool) -> str:
        """How its books and the wallet agree. Raises Violation."""
        event, contract = self.event, self.wallet.books.contract
        round = contract.rounds.get((event.player, event.game, event.round))
        live = {bet.reference for bet in round.bets} if round else set[str]()
        is_known = is_with_a_person or (round is not None and round.is_open)
        if held := live & self.cancelled:
            raise Violation(f"a stake is held for a cancelled spin: {held}: {event}")
        moved = sum(
            record.paid
            for record in contract.records.values()
            if record.credit.round == (event.player, event.game, event.round)
        )
        if moved == self.won - self.cost:
            return "its books agree"
        if is_known:
            return "a person has it"
        if self.gave_up:
            return "the provider gave up, and a result had come"
        raise Violation(f"the provider has won {self.won} and cost {self.cost}, the wallet {moved}: {event}")


def _is_done(code: int) -> bool:
    return STATUS[code] == 200

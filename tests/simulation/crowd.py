"""One player with many wins or withdrawals at once, measured: `PYTHONPATH=tests .venv/bin/python -m simulation.crowd`.

A read takes 4 ms, and nothing fails. Of writes of one player that meet, one wins. Each other one is answered
`TransactionConflict`, or that its condition failed. AWS answers either, so both are measured.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Any, Literal, get_args

from .machines import Client, Invocation, outside_replaced
from .network import Pace
from .script import Event, Order, Script, Sent, Win, opened
from .timeline import START
from .world import World

Told = Literal["conflict", "condition"]  # what the writes are told that did not win

PACES: Sequence[tuple[int, Told]] = [*itertools.product((8, 15, 25, 40), get_args(Told))]  # milliseconds of a write
SEEDS = range(5)
BEGIN = 60.0  # when the wallets are open, in seconds
AT_ONCE = (1, 10, 50, 100)
PLAYERS = (2, 4, 8, 16, 32, 64)
EACH = 10  # references of each of those players; they are measured with the first time of a write
RATES = (5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 120)  # a second
STEADY_SECONDS = 10


def pace_of(milliseconds: int, *, conflicts: bool) -> Pace:
    """Without chance: a read takes 4 ms, and a write so many."""
    hold = milliseconds / 1000 - 0.004
    return Pace(way=(0.002, 0.002), hold=(hold, hold), slow=0.0, whole=1.0, conflicts=conflicts)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What came of the wins that were sent once. `seconds` are those to the answers of the paid ones, sorted."""

    sent: int
    paid: int
    kept: int  # answered 998
    writes: int
    seconds: Sequence[float]
    lasted: float  # from the first win to the last answer of a paid one

    @property
    def tries(self) -> float:
        return self.writes / self.sent

    @property
    def rate(self) -> float:
        return self.paid / self.lasted

    def within(self, share: int) -> float:
        """The seconds within which so many of a hundred are answered."""
        return self.seconds[-(-share * self.paid // 100) - 1]


class Crowd(World):
    """A world that counts its writes and times its answers, once the wallets are open."""

    def __init__(self, script: Script, pace: Pace) -> None:
        super().__init__(script, pace)
        self.writes = 0
        self.answers: list[tuple[int, float, float]] = []  # the error, how long it took, and when it was
        call = self.network.call

        def counted(invocation: Invocation, client: Client, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
            is_first = not invocation.time and invocation.began >= START + BEGIN  # and no retry
            self.writes += operation == "transact_write_items" and is_first
            return call(invocation, client, operation, asked)

        self.network.call = counted

    def _check_answer(self, invocation: Invocation, answer: Any, generation: int) -> None:
        super()._check_answer(invocation, answer, generation)
        now = self.timeline.now
        if invocation.began >= START + BEGIN:
            said = json.loads(answer["body"]) if "body" in answer else answer
            self.answers.append((said["error"], now - invocation.began, now - START - BEGIN))


def measured(seed: int, pace: Pace, *, players: int = 1, each: int, rate: float = 0.0) -> Figures:
    """What comes of `each` wins of so many players, all at once or at a rate.

    Raises Violation unless each is paid once: in time, or by a retry.
    """
    chance = Random(seed)
    numbers, at = itertools.count(1), BEGIN
    events: list[Event] = [opened(next(numbers), f"{player}", "EUR") for player in range(players)]
    for turn in range(each):
        for player in range(players):
            win = Win(
                callback="promo",
                player=f"{player}",
                reference=f"{player}-{turn}",
                amount="1",
                currency="EUR",
                campaign="c",
            )
            events.append(Sent(at=at, win=win, number=next(numbers)))
            at += chance.expovariate(rate) if rate else 0.0
    crowd = played(Script(seed=seed, events=events, resends=False, redrives=False), pace)
    paid = [(seconds, moment) for error, seconds, moment in crowd.answers if error == 0]
    return Figures(
        sent=players * each,
        paid=len(paid),
        kept=sum(error == 998 for error, _, _ in crowd.answers),
        writes=crowd.writes,
        seconds=sorted(seconds for seconds, _ in paid),
        lasted=max(moment for _, moment in paid),
    )


def withdrawn(seed: int, pace: Pace, *, cash: str, amounts: Sequence[str]) -> Crowd:
    """What comes of withdrawals of one player, all at the same moment; each is sent again while it is answered 998.

    Raises Violation if one is refused that fits, or paid that does not.
    """
    events: list[Event] = [opened(1, "421", "EUR", cash)]
    for number, amount in enumerate(amounts, start=2):
        order = Order(movement="withdrawal", player="421", reference=f"w-{number}", amount=amount, currency="EUR")
        events.append(Sent(at=BEGIN, win=order, number=number, tries=100))
    return played(Script(seed=seed, events=events, resends=False, redrives=False), pace)


def played(script: Script, pace: Pace) -> Crowd:
    crowd = Crowd(script, pace)
    with outside_replaced():
        crowd.run()
    return crowd


# --- As a table ---------------------------------------------------------------------------------------


def row(milliseconds: int, told: Told, sent: str, figures: Sequence[Figures]) -> str:
    """The seeds' medians; of what was kept, the most."""
    paid, tries, rate, p50, p99, slowest = (
        median(values)
        for values in zip(
            *((each.paid, each.tries, each.rate, *map(each.within, (50, 99, 100))) for each in figures), strict=True
        )
    )
    kept = max(each.kept for each in figures)
    took = f"{p50:.3f} / {p99:.3f} / {slowest:.3f}"
    return f"| {milliseconds} ms, {told} | {sent} | {paid:.0f} | {kept} | {tries:.1f} | {took} | {rate:.0f} |"


def of_each_seed(pace: Pace, **sent: Any) -> list[Figures]:
    return [measured(seed, pace, **sent) for seed in SEEDS]


def steadily(pace: Pace) -> Iterator[tuple[str, list[Figures]]]:
    """The highest rate at which nothing is answered 998, and the one at which most is paid a second."""
    tried: dict[int, list[Figures]] = {}
    for rate in RATES:
        tried[rate] = of_each_seed(pace, each=rate * STEADY_SECONDS, rate=rate)
        if sum(each.kept for each in tried[rate]) > sum(each.sent for each in tried[rate]) / 10:
            break
    calm = max(rate for rate in tried if not any(each.kept for each in tried[rate]))
    most = max(tried, key=lambda rate: median(each.rate for each in tried[rate]))
    yield f"1 player, {calm} a second: no 998", tried[calm]
    yield f"1 player, {most} a second: the most paid", tried[most]


def measures(milliseconds: int, told: Told) -> Iterator[tuple[str, list[Figures]]]:
    pace = pace_of(milliseconds, conflicts=told == "conflict")
    for each in AT_ONCE:
        yield f"1 player, {each} at once", of_each_seed(pace, each=each)
    yield from steadily(pace)
    for players in PLAYERS if milliseconds == PACES[0][0] else ():
        yield f"{players} players, {EACH} at once each", of_each_seed(pace, players=players, each=EACH)


def main() -> None:
    print(f"Medians of {len(SEEDS)} seeds; of 998s, the most in one")
    print("| a write | sent | paid in time | 998, kept | writes a credit | p50 / p99 / slowest, s | credits a second |")
    print("|---|---|---|---|---|---|---|")
    for milliseconds, told in PACES:
        for sent, figures in measures(milliseconds, told):
            print(row(milliseconds, told, sent, figures), flush=True)


if __name__ == "__main__":
    main()

"""The long run: scripts drawn from a seed, one after the other, until the functions were given so many deliveries.

Most are the provider's; the others are those of the retry queues. Settings come from the environment:

    DELIVERIES  how many (100,000)
    SEED        what decides everything that happens (another one each time, which is printed)
    PROCESSES   how many scripts at a time (as many as there are processors): the outcome is the same

What fails is shown as the shortest script that was found, with a test that plays it; the status is 1.
"""

import gc
import itertools
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tools.local.settings import whole_number
from tools.shared.trouble import Trouble

from .network import Violation
from .script import draw
from .shrink import shortest, wrong_with
from .world import Outcome, play

REPORT_SECONDS = 30
AT_A_TIME = 20  # scripts
HANG_SECONDS = 60.0  # of processor time; a script takes a fifth of a second


@dataclass
class Sum:
    deliveries: int = 0
    retries: int = 0
    credits: int = 0
    ledgers: int = 0
    anchored: int = 0
    scripts: int = 0
    seconds: float = 0.0
    happened: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        self.scripts += 1
        self.deliveries += outcome.deliveries + outcome.retries
        self.retries += outcome.retries
        self.credits += outcome.credits
        self.ledgers += outcome.ledgers
        self.anchored += outcome.anchored
        self.seconds += outcome.seconds
        self.happened += outcome.happened


def main() -> int:
    try:
        wanted = whole_number(os.environ, "DELIVERIES", 100_000, 10**12)
        seed = whole_number(os.environ, "SEED", 1 + random.SystemRandom().getrandbits(31), 2**31)
        processes = whole_number(os.environ, "PROCESSES", os.cpu_count() or 1, 1000)
    except Trouble as trouble:
        print(f"simulation: {trouble}", file=sys.stderr)
        return 2
    print(f"simulating {wanted:,} deliveries from seed {seed}", flush=True)
    began, done = time.monotonic(), Sum()
    try:
        wrong = _simulate(done, wanted, seed, processes)
    except KeyboardInterrupt:
        print("\nbroken off; so far:", flush=True)
        return _report(done, time.monotonic() - began) or 130
    return _tell(*wrong) if wrong else _report(done, time.monotonic() - began)


def _simulate(done: Sum, wanted: int, seed: int, processes: int) -> tuple[int, str] | None:
    """Plays scripts until that many deliveries were made. Returns one that fails, and how; None if none does."""
    began = reported = time.monotonic()
    every = ([*range(at, at + AT_A_TIME)] for at in itertools.count(seed * 1_000_000, AT_A_TIME))
    with multiprocessing.get_context("fork").Pool(processes, _begin) as pool:
        for outcome in itertools.chain.from_iterable(pool.imap(_play_all, every)):
            if isinstance(outcome, tuple):
                return outcome
            done.add(outcome)
            if done.deliveries >= wanted:
                return None
            if time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                print(f"{reported - began:6.0f} s  {done.deliveries:,} deliveries, all right", flush=True)
    raise AssertionError("there is always another script")


def _begin() -> None:
    """In each process: Ctrl-C is for the one that asks, and what was imported is no garbage."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGVTALRM, _never_ends)
    gc.freeze()


def _never_ends(*_: object) -> None:
    raise Violation("it never ends")


def _play_all(seeds: Sequence[int]) -> list[Outcome | tuple[int, str]]:
    """What came of each; of one that fails, its seed and what is wrong, and then no more."""
    outcomes: list[Outcome | tuple[int, str]] = []
    for seed in seeds:
        signal.setitimer(signal.ITIMER_VIRTUAL, HANG_SECONDS)
        try:
            outcomes.append(play(draw(seed)))
        except Violation as violation:
            return [*outcomes, (seed, f"{violation}")]
    return outcomes


def _tell(seed: int, wrong: str) -> int:
    print(f"\n{wrong}\n\nin script {seed}: `play(draw({seed}))` plays it again", flush=True)
    script = draw(seed)
    if (violation := wrong_with(script)) is None:
        print("\nAlone it does not fail: the wallet keeps something from one script to the next.")
        return 1
    print("\nlooking for the shortest that fails ...", flush=True)
    told = shortest(script, violation)
    print(f"\n{told}\n\n{wrong_with(told)}\n\nfor tests/simulation/scenes.py, or as a test:\n\n{told.as_python()}")
    return 1


def _report(done: Sum, elapsed: float) -> int:
    provider = done.deliveries - done.retries
    print(f"\n{done.deliveries:,} deliveries, {provider:,} by the provider and {done.retries:,} by the queues,")
    print(f"in {done.scripts:,} scripts, in {elapsed:.0f} s; {done.seconds / 86400:.0f} days went by\n")
    for what, times in sorted(done.happened.items(), key=lambda each: -each[1]):
        print(f"  {times:>10,}  {what}")
    answers = sum(times for what, times in done.happened.items() if what.startswith("answered"))
    print(f"\nlost 0, paid twice 0 of {done.credits:,} credits; wrong 0 of {answers:,} answers")
    print(
        f"{done.ledgers:,} ledgers proved by verify, {done.anchored:,} of them with an earlier anchor; named 0",
        flush=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

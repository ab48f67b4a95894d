"""The long run: scripts drawn from a seed, one after the other, until the functions were given so many deliveries.

Most are the provider's; the others are those of the retry queues.

    PYTHONPATH=tests python -m simulation [DELIVERIES [SEED]]

PROCESSES says how many at a time (all processors). Deliveries and seed decide everything that happens, however many
there are. What fails is shown as the shortest script that was found, with a test that plays it.
"""

import gc
import itertools
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from .network import Violation
from .script import draw
from .shrink import shortest, wrong_with
from .world import Outcome, play

REPORT_SECONDS = 30
AT_A_TIME = 20  # scripts


@dataclass
class Sum:
    deliveries: int = 0
    retries: int = 0
    credits: int = 0
    ledgers: int = 0
    scripts: int = 0
    seconds: float = 0.0
    happened: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        self.scripts += 1
        self.deliveries += outcome.deliveries + outcome.retries
        self.retries += outcome.retries
        self.credits += outcome.credits
        self.ledgers += outcome.ledgers
        self.seconds += outcome.seconds
        self.happened += outcome.happened


def main(deliveries: str = "100000", seed: str = "") -> int:
    wanted, first = int(deliveries), int(seed or random.SystemRandom().getrandbits(32))
    print(f"simulating {wanted:,} deliveries from seed {first}", flush=True)
    began = reported = time.monotonic()
    done = Sum()
    every = ([*range(at, at + AT_A_TIME)] for at in itertools.count(first * 1_000_000, AT_A_TIME))
    with multiprocessing.get_context("fork").Pool(
        int(os.environ.get("PROCESSES") or os.cpu_count() or 1), gc.freeze
    ) as pool:
        for outcomes in pool.imap(_play_all, every):
            for outcome in outcomes:
                if isinstance(outcome, int):
                    return _tell(outcome)
                if done.deliveries < wanted:
                    done.add(outcome)
            if done.deliveries >= wanted:
                pool.terminate()
                break
            if time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                print(f"{reported - began:6.0f} s  {done.deliveries:,} deliveries, all right", flush=True)
    _report(done, time.monotonic() - began)
    return 0


def _play_all(seeds: Sequence[int]) -> list[Outcome | int]:
    """What came of each; the seed itself if something is wrong, and then no more."""
    outcomes: list[Outcome | int] = []
    for seed in seeds:
        try:
            outcomes.append(play(draw(seed)))
        except Violation:
            return [*outcomes, seed]
    return outcomes


def _tell(seed: int) -> int:
    script = draw(seed)
    violation = wrong_with(script)
    assert violation
    print(f"\n{violation}\n\nscript {seed}; looking for the shortest that fails ...", flush=True)
    told = shortest(script, violation)
    print(
        f"\n{told}\n\n{wrong_with(told)}\n\nas a test, for tests/test_simulation.py:\n\n{told.as_python()}", flush=True
    )
    return 1


def _report(done: Sum, elapsed: float) -> None:
    provider = done.deliveries - done.retries
    print(f"\n{done.deliveries:,} deliveries, {provider:,} by the provider and {done.retries:,} by the queues,")
    print(f"in {done.scripts:,} scripts, in {elapsed:.0f} s; {done.seconds / 86400:.0f} days went by\n")
    for what, times in sorted(done.happened.items(), key=lambda each: -each[1]):
        print(f"  {times:>10,}  {what}")
    answers = sum(times for what, times in done.happened.items() if what.startswith("answered"))
    print(f"\nlost 0, paid twice 0 of {done.credits:,} credits; wrong 0 of {answers:,} answers")
    print(f"{done.ledgers:,} ledgers proved by verify")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

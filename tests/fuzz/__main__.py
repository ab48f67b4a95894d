"""The long run: every target in turn, with new inputs each time, until the time is over or a promise does not hold.

    PYTHONPATH=tests python -m fuzz [MINUTES [SEED]]

What fails is shown with the smallest input that was found for it, and the seed whose run finds it again first.
"""

import itertools
import random
import sys
import time
import traceback
from collections import Counter

from .targets import TARGETS

REPORT_SECONDS = 30


def main(minutes: str = "10", seed: str = "") -> int:
    first_seed = int(seed or random.SystemRandom().getrandbits(32))
    print(f"fuzzing for {minutes} minutes from seed {first_seed}", flush=True)
    tried: Counter[str] = Counter()
    seconds = dict.fromkeys((target.promise for target in TARGETS), 0.0)
    started = reported = time.monotonic()
    for seed_now, target in ((seed_now, target) for seed_now in itertools.count(first_seed) for target in TARGETS):
        begun = time.monotonic()
        if begun - started > 60 * float(minutes) and seed_now > first_seed:  # each target has its turn
            break
        if begun - reported > REPORT_SECONDS:
            reported = begun
            _report(tried, seconds, begun - started)
        try:
            tried[target.promise] += target.run(seed=seed_now)
        except Exception as failure:
            traceback.print_exception(failure)
            print(f"\ndoes not hold: {target.promise}\nagain: make fuzz SEED={seed_now}", flush=True)
            return 1
        seconds[target.promise] += time.monotonic() - begun
    _report(tried, seconds, time.monotonic() - started)
    print("every promise held")
    return 0


def _report(tried: Counter[str], seconds: dict[str, float], elapsed: float) -> None:
    print(f"\nafter {elapsed:.0f} s: {tried.total():,} inputs")
    for promise, count in tried.items():
        print(f"  {promise:<50} {count:>9,} inputs {count / seconds[promise]:>7,.0f}/s", flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

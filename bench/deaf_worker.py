"""A function's environment that keeps its log to itself: tools/local/worker.py without what the console needs."""

import sys

from tools.local import worker


def _nothing(_logger: str) -> list[str]:
    return []


if __name__ == "__main__":
    worker._overhear = _nothing  # noqa: SLF001
    worker.main(*sys.argv[1:])

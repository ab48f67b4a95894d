"""`make redrive`, or `python -m tools.redrive CALLBACK`. What it can be told: tools/redrive/cli.py."""

import os
import sys
from collections.abc import Mapping

from tools.redrive.cli import app


def told_by_make(environment: Mapping[str, str]) -> list[str]:
    """The arguments that `make redrive` left in the environment, a reference a line."""
    if not (callback := environment.get("REDRIVE_CALLBACK")):
        sys.exit("redrive: name a callback: make redrive CALLBACK=result (or jackpot, bonus, promo)")
    arguments = [f"--reference={line}" for line in environment.get("REDRIVE_REFERENCES", "").splitlines() if line]
    arguments += [
        option
        for option, name in (("--all", "ALL"), ("--dry-run", "DRY_RUN"), ("--json", "JSON"))
        if environment.get(f"REDRIVE_{name}", "0") not in ("", "0")
    ]
    if stack := environment.get("REDRIVE_STACK"):
        arguments.append(f"--stack={stack}")
    return [*arguments, "--", callback]


if __name__ == "__main__":
    app(sys.argv[1:] or told_by_make(os.environ), prog_name="redrive")

"""`make verify`, or `python -m tools.verify`. What it can be told: tools/verify/cli.py."""

import os
import sys
from collections.abc import Mapping

from tools.verify.cli import app


def told_by_make(environment: Mapping[str, str]) -> list[str]:
    """The arguments that `make verify` left in the environment."""
    arguments = [
        option
        for option, name in (("--strict", "STRICT"), ("--json", "JSON"))
        if environment.get(f"VERIFY_{name}", "0") not in ("", "0")
    ]
    for option, name in (
        ("--stack", "STACK"),
        ("--players-table", "PLAYERS_TABLE"),
        ("--transactions-table", "TRANSACTIONS_TABLE"),
        ("--free-rounds-table", "FREE_ROUNDS_TABLE"),
    ):
        if value := environment.get(f"VERIFY_{name}"):
            arguments.append(f"{option}={value}")
    return arguments


if __name__ == "__main__":
    app(sys.argv[1:] or told_by_make(os.environ), prog_name="verify")

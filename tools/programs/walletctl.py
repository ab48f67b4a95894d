"""`walletctl`, or `python -m tools.programs.walletctl`. What it can do: tools/programs/root.py."""

import signal
import sys

from tools.shared.folders import IS_CHECKOUT, LOCAL

if IS_CHECKOUT:  # no bytecode may lie beside what is deployed
    sys.pycache_prefix, sys.dont_write_bytecode = str(LOCAL / "bytecode"), False

from tools.programs import root
from tools.shared import streams


def main() -> None:
    with streams.guarded():
        # Most of the time of a short answer would be Typer's import.
        if sys.argv[1:] in (["--help"], ["help"], ["-h"]):
            print(root.page())
            return
        if sys.argv[1:] == ["--version"]:
            print(f"walletctl {root.version()}")
            return
        # Ctrl-C during the imports is not a traceback; during those of a command, Typer sees to that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        from tools.programs.cli import app

        signal.signal(signal.SIGINT, signal.default_int_handler)
        app(prog_name="walletctl")


if __name__ == "__main__":
    main()

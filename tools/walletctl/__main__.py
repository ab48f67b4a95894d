"""`walletctl`, or `python -m tools.walletctl`. What it can do: tools/walletctl/root.py."""

import signal
import sys

from tools.walletctl import root, streams


def main() -> None:
    with streams.guarded():
        # Most of the time of a short answer would be Typer's import.
        if sys.argv[1:] in (["--help"], ["help"], ["-h"]):
            print(root.page())
            return
        if sys.argv[1:] == ["--version"]:
            print(f"walletctl {root.version()}")
            return
        # Ctrl-C amid the imports is no traceback; amid those of a command, Typer sees to that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        from tools.walletctl.cli import app

        signal.signal(signal.SIGINT, signal.default_int_handler)
        app(prog_name="walletctl")


if __name__ == "__main__":
    main()

"""`walletctl`, or `python -m tools.walletctl`. What it can be told: tools/walletctl/cli.py."""

import signal


def main() -> None:
    # Ctrl-C amid the imports is no traceback; amid those of a command, Typer sees to that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tools.walletctl.cli import app

    signal.signal(signal.SIGINT, signal.default_int_handler)
    app(prog_name="walletctl")


if __name__ == "__main__":
    main()

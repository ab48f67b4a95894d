"""`walletctl`, or `python -m tools.walletctl`. What it can be told: tools/walletctl/cli.py."""

from tools.walletctl.cli import app

if __name__ == "__main__":
    app(prog_name="walletctl")

"""`python -m tools.provider.certify URL`: the same as `walletctl certify URL`."""

import sys

import typer

from tools.provider.certify.command import EXAMPLES, certify
from tools.shared.trouble import Trouble

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command(epilog="\n".join(("\b", "Examples", *(f"  {line}" for line in EXAMPLES))))(certify)

if __name__ == "__main__":
    try:
        app(prog_name="certify")
    except Trouble as trouble:
        print(f"certify: {trouble}", file=sys.stderr)
        sys.exit(2)

"""The root of `walletctl`: it mounts the commands, and what a person can mend becomes one line and status 2."""

import io
import sys
from collections.abc import Callable
from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from tools.local.trouble import Trouble
from tools.simulate import command as simulating
from tools.walletctl.verify import command as verifying

REFUSED = 2  # the status of what could not be done; 1 is a command's own "no"


class _Root(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(
                errors="backslashreplace"
            )  # a reference may have what the terminal's encoding has not
        try:
            return super().invoke(ctx)
        except Trouble as trouble:
            print(f"walletctl: {trouble}", file=sys.stderr)
            raise typer.Exit(REFUSED) from None


app = typer.Typer(
    cls=_Root,
    name="walletctl",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback(
    epilog="Every command says more under --help, with examples. Without --stack, what is meant is the local service "
    "that `make run` started on port 3000 (--port, or PORT in the environment)."
)
def walletctl() -> None:
    """Asks a wallet, mends it, and tries it out: the local service, or a deployed stack with your own credentials."""


# --- The commands -----------------------------------------------------------------------------------


def _mount(command: Callable[..., None], examples: tuple[str, ...], panel: str) -> None:
    lines = "\n".join(("\b", "[bold]Examples[/bold]", *(f"  {escape(line)}" for line in examples)))
    app.command(epilog=lines, rich_help_panel=panel)(command)


_MONEY, _OUTSIDE = "The money", "The provider"
_mount(verifying.verify, verifying.EXAMPLES, _MONEY)
# _mount(reconcile, EXAMPLES, _MONEY)    from tools.reconcile.command
# _mount(certify, EXAMPLES, _OUTSIDE)    from tools.certify.command
_mount(simulating.simulate, simulating.EXAMPLES, _OUTSIDE)

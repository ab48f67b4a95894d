"""`walletctl completion`: what a shell runs to complete walletctl's commands and options."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer._completion_shared import get_completion_script

_PROGRAM = Path(sys.executable).with_name("walletctl")
_VARIABLE = "_WALLETCTL_COMPLETE"  # as Typer reads it


def completion(
    shell: Annotated[
        Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.", show_default=False)
    ],
) -> None:
    """Prints what lets your shell complete commands and options: bash, zsh or fish.

    It calls this environment's program by its path, so an alias will do.
    """
    script = get_completion_script(prog_name="walletctl", complete_var=_VARIABLE, shell=shell)
    program = shlex.quote(str(_PROGRAM))
    called = {
        "bash": (f"{_VARIABLE}=complete_bash $1", f"{_VARIABLE}=complete_bash {program}"),
        "zsh": (f"{_VARIABLE}=complete_zsh walletctl", f"{_VARIABLE}=complete_zsh {program}"),
        "fish": ("(commandline -cp) walletctl", f"(commandline -cp) {program}"),
    }
    print(script.replace(*called[shell]))

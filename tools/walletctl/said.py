"""What a person says to a command that moves money: how much, and why."""

import re
from typing import Annotated

import typer

from tools.shared.amounts import amount
from tools.shared.identifiers import MOST_CHARACTERS
from tools.shared.outside import plain
from tools.shared.trouble import Trouble

UNMOVED = "nothing was moved"
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{2}0")  # half of the world writes a thousand so: 1.000

Amount = Annotated[
    str, typer.Argument(metavar="AMOUNT", help="In the wallet's currency, such as 12.50.", show_default=False)
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: it is on record for good.")]


def amount_of(name: str, written: str, *, signed: bool = False) -> str:
    from wallet import money  # of a checkout alone

    try:
        # No exponent: a person who means 1e3 and a spreadsheet that made it of 1000.4 look the same.
        value = money.parse(written if "e" not in written.lower() else "", signed=signed)
    except ValueError:
        raise Trouble(
            f"{name} must be an amount such as {'-' if signed else ''}12.50, of up to 32 digits, 18 of them after the "
            f"point, not '{plain(written[:MOST_CHARACTERS])}': {UNMOVED}"
        ) from None
    if _THOUSANDS.fullmatch(written):
        one, other = amount(value), written.replace(".", "")
        raise Trouble(f"{name} {written} can be {one} or {other}: write the one that you mean: {UNMOVED}")
    return amount(value)

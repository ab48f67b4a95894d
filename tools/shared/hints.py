"""Commands that a person is advised to run: each can be pasted into a shell as it is printed.

A message has its command at the end of a line, after a colon, so that no full stop sticks to it.
"""

import os
import shlex
from collections.abc import Sequence

from tools.shared.identifiers import can_be_currency, is_identifier

PORT = 3000  # the local service's, where nobody names another
STACK_VARIABLE = "WALLETCTL_STACK"  # names a stack for every command that is told of no other place


def command(options: Sequence[str], *words: str, names: Sequence[str] = ()) -> str:
    """`walletctl find 585c… --stack prod`. The options are those of the place (`Place.options`)."""
    last = [word(name) for name in names]
    if any(name.startswith("--") for name in names):
        return " ".join(["walletctl", *words, *map(word, options), "--", *last])
    return " ".join(["walletctl", *words, *last, *map(word, options)])


def port_options(port: int) -> Sequence[str]:
    """What leads to the local service on that port, pasted into this shell or into one without a PORT."""
    if port != PORT or os.environ.get("PORT", "") not in ("", str(PORT)):
        return ("--port", str(port))
    return ("--local",) if os.environ.get(STACK_VARIABLE, "").strip() else ()


def opening(options: Sequence[str], player: str | None, currency: str | None) -> str:
    """The command that opens a wallet; the page that tells how to, where no more is known, or none can be opened."""
    if not player or not is_identifier(player) or not currency or not can_be_currency(currency):
        return command((), "help", "players", "add")
    return command([*options, "--currency", currency], "players", "add", names=[player])


def can_be_passed(text: str) -> bool:
    """Whether a program can be given it as an argument."""
    return "\0" not in text and all(not 0xD800 <= ord(character) < 0xE000 for character in text)


def word(text: str) -> str:
    """The text as one word of bash or zsh, on one line and without a character that does something to a terminal.

    Which of the two forms it takes decides nothing: a shell reads either as the same text.
    """
    if text.isprintable():
        return shlex.quote(text)
    return f"$'{''.join(map(_escaped, text))}'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"

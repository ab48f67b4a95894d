"""Names that a person gives a command: a player, a reference, a round, a transaction id."""

from tools.shared.identifiers import MOST_CHARACTERS
from tools.shared.trouble import Trouble

_A_KIND = len("jackpot#")  # a transaction's id begins with one
_MOST_OF_A_BODY = 64 * 1024  # characters: what a refused body called its reference is no longer than the body


def any_name(text: str) -> str:
    """Whatever a request may have said: a refused one may say anything. Raises Trouble."""
    if not text:
        raise Trouble("the name is empty: give a userId, a reference, a round or a transaction id")
    if len(text) > _MOST_OF_A_BODY:
        raise _too_long(text, _MOST_OF_A_BODY)
    return text


def named(text: str) -> str:
    """A userId or the like. Raises Trouble for what cannot be one."""
    any_name(text)
    if text.isspace():
        raise Trouble("the name is all spaces: give a userId, a reference, a round or a transaction id")
    if len(text) > MOST_CHARACTERS + _A_KIND:
        raise _too_long(text, MOST_CHARACTERS)
    return text


def _too_long(text: str, most: int) -> Trouble:
    return Trouble(f"no name has more than {most:,} characters, and this one has {len(text):,}: was too much pasted?")

"""What an identifier is, and when two of them are the same: docs/callbacks.md. Every tool decides by this alone.

An identity is its characters: nothing is trimmed, and no table of Unicode that grows with Python is asked.
"""

import re

MOST_CHARACTERS = 128

# Control characters (Unicode's Cc) and half surrogate pairs: these are fixed for ever.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MOST_BYTES_OF_A_KEY = 2048  # of a partition key, as DynamoDB has it


def is_identifier(text: str) -> bool:
    """Whether a callback can name a player, a reference or the like by it."""
    return 0 < len(text) <= MOST_CHARACTERS and not _UNFIT.search(text) and not text.isspace()


TEXT = f"1 to {MOST_CHARACTERS} characters, none a control character, not all spaces"
CURRENCY = f"{TEXT}, without spaces at its ends"


def can_be_currency(text: str) -> bool:
    """Whether a wallet may be in it. A callback can name any text, but spaces at its ends are a slip nobody sees."""
    return is_identifier(text) and text == text.strip()


def can_be_key(text: str) -> bool:
    """Whether a table can have an item under it, whatever wrote it."""
    try:
        return 0 < len(text.encode()) <= _MOST_BYTES_OF_A_KEY
    except UnicodeEncodeError:
        return False


def in_capitals(currency: str) -> str:
    """A currency for comparing: only the letters A to Z are the same in capitals."""
    return currency.encode(errors="surrogatepass").upper().decode(errors="surrogatepass")

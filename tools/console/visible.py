"""Texts from outside, on a page: shown as text, and with what a text can hide made visible."""

import unicodedata
from itertools import groupby

from markupsafe import Markup, escape

# Printable by Unicode, and yet nothing to be seen: fillers, and the selectors that change the character before them.
_UNSEEN = frozenset("\u115f\u1160\u2800\u3164\uffa0") | {
    chr(code) for first, last in ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF)) for code in range(first, last + 1)
}


def visible(text: object, *, lines: bool = False) -> Markup:
    """The text, isolated from the text around it; each character that shows nothing, or moves others, by its number.

    So no right-to-left mark reorders a page, and texts that differ look different. `lines` leaves line breaks and
    tabs as they are.
    """
    runs = groupby(str(text), lambda character: _is_odd(character, lines))
    shown = (Markup("").join(map(_number, run)) if is_odd else escape("".join(run)) for is_odd, run in runs)
    return Markup('<bdi class="outside">{}</bdi>').format(Markup("").join(shown))


def _is_odd(character: str, lines: bool) -> bool:
    if lines and character in "\n\t":
        return False
    return not character.isprintable() or character in _UNSEEN


def _number(character: str) -> Markup:
    name = unicodedata.name(character, "control character").lower()
    return Markup('<span class="odd" title="{}">U+{:04X}</span>').format(name, ord(character))

"""Ids that a spreadsheet may have changed: `1.23457E+11` was a number, `421.0` and `="000123"` were texts.

A wallet under such an id is one that no callback names, and a wallet cannot be taken away. So each of these forms is
worth a question, also those that an id may really have.
"""

import re

_DAY, _MONTH, _YEAR = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])", "(?:[0-9]{2}|[12][0-9]{3})"
_NAMES = (  # English and German
    r"(?:jan(?:uary?)?|feb(?:ruary?)?|mar(?:ch)?|m\u00e4rz?|mrz|apr(?:il)?|ma[iy]|june?|juni|july?|juli|aug(?:ust)?"
    r"|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\.?"
)
_FORMS = {
    "a number in exponent form": r"[+-]?[0-9]+(?:[.,][0-9]*)?e[+-]?[0-9]+",
    "a number with a point, a comma or spaces": r"[+-]?[0-9]+(?:[.,' ][0-9]+)+[.,]?|[+-]?[0-9]+[.,]",
    "a number of which a spreadsheet keeps 15 digits": r"[0-9]{15}0+",
    "a formula": r"=.*",
    "a text as spreadsheets mark one": r"'.*",
    "a spreadsheet's error": r"#(?:ref!|n/a|name\?|value!|div/0!|null!|num!|spill!|calc!|#+)"
    r"|#(?:wert!|bezug!|nv|name\?|zahl!|\u00fcberlauf!|kalk!)",
    "a date": rf"{_YEAR}-{_MONTH}-{_DAY}(?:[ t].*)?|{_DAY}([./-])(?:{_MONTH}|{_NAMES})\1{_YEAR}(?: .*)?"
    rf"|{_MONTH}([./-]){_DAY}\2{_YEAR}(?: .*)?|{_DAY}(?:[. -]|\. ){_NAMES}(?:[ -]{_YEAR})?"
    rf"|{_NAMES}[ -](?:{_DAY}|{_YEAR})",
    "a truth value": "(?-i:TRUE|FALSE|WAHR|FALSCH)",
    "a time": r"[0-9]{1,5}:[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]+)?)?(?: ?[ap]m)?",
}
_COMPILED = {form: re.compile(pattern, re.IGNORECASE | re.DOTALL) for form, pattern in _FORMS.items()}


def looks_like(user_id: str) -> str | None:
    """What a spreadsheet may have made of the id; None for most ids."""
    if user_id != user_id.strip():
        return "a text with white space before or after it"
    return next((form for form, pattern in _COMPILED.items() if pattern.fullmatch(user_id)), None)

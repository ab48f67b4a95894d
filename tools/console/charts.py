"""Small pictures, drawn where the page is made: bars by the minute, and a balance over its transactions.

Coordinates are reckoned with Decimals, as the amounts are; only what a screen cannot show is rounded.
"""

from collections.abc import Sequence
from decimal import Decimal

from markupsafe import Markup

_BAR, _GAP, _HEIGHT = 5, 2, 32
_LINE_WIDTH, _LINE_HEIGHT = 720, 160
_MOST_POINTS = 240  # a screen has no more columns to tell them apart


def bars(values: Sequence[Decimal | int], label: str) -> Markup:
    """A bar for each value, the last the newest; the highest reaches the top. `label` says it to who cannot see."""
    highest = max([Decimal(value) for value in values], default=Decimal(0))
    drawn = [
        f"M{number * (_BAR + _GAP)} {_HEIGHT}v-{_height(Decimal(value), highest)}h{_BAR}V{_HEIGHT}z"
        for number, value in enumerate(values)
    ]
    return Markup(
        '<svg class="bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path class="past" d="{}"/><path class="now" d="{}"/></svg>'
    ).format(len(values) * (_BAR + _GAP) - _GAP, _HEIGHT, label, "".join(drawn[:-1]), "".join(drawn[-1:]))


def _height(value: Decimal, highest: Decimal) -> int:
    """At least two pixels for what is there, and one for a minute of nothing."""
    return max(2, int(value * _HEIGHT / highest)) if value and highest else 1


def line(values: Sequence[Decimal], label: str) -> Markup:
    """A balance's steps, the oldest first. Its lowest value is the bottom: balances are seldom near zero."""
    points = _thinned(values)
    low, high = min(points), max(points)
    span = high - low or Decimal(1)
    step = Decimal(_LINE_WIDTH) / max(1, len(points))
    rows = [
        _rounded(_LINE_HEIGHT - 6 - (value - low) * (_LINE_HEIGHT - 12) / span)
        if high > low
        else str(_LINE_HEIGHT // 2)
        for value in points
    ]
    path = f"M0 {rows[0]}" + "".join(f"V{row}H{_rounded(step * (number + 1))}" for number, row in enumerate(rows))
    return Markup(
        '<svg class="line" viewBox="0 0 {0} {1}" preserveAspectRatio="none" role="img" aria-label="{2}">'
        '<path class="area" d="{3}V{1}H0Z"/><path class="edge" d="{3}"/></svg>'
    ).format(_LINE_WIDTH, _LINE_HEIGHT, label, path)


def _thinned(values: Sequence[Decimal]) -> list[Decimal]:
    """As many as can be told apart, the first and the last among them."""
    if len(values) <= _MOST_POINTS:
        return list(values)
    last = len(values) - 1
    return [values[number * last // (_MOST_POINTS - 1)] for number in range(_MOST_POINTS)]


def _rounded(value: Decimal) -> str:
    return f"{value:.1f}"

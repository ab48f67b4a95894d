"""Pictures of a run: bars, drawn as SVG, readable on a light and on a dark page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LEFT, _RIGHT = 760, 130, 150
_BAR, _GAP, _TITLE, _SPACE = 18, 5, 26, 16

_STYLE = """
  text { font: 13px -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .note { fill: #59636e; }
  .range { stroke: #1f2328; stroke-width: 1; }
  .ours { fill: #0969da; } .other { fill: #a0a8b1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .note { fill: #9198a1; } .range { stroke: #f0f6fc; }
    .ours { fill: #4493f8; } .other { fill: #59636e; }
  }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """`least` and `most` are drawn as a line upon it."""

    name: str
    value: float
    least: float
    most: float
    text: str
    is_ours: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars of one measurement, on a scale of their own that begins at zero."""

    title: str
    bars: Sequence[Bar]


def draw(title: str, note: str, panels: Sequence[Panel]) -> str:
    """An SVG document. Its colours follow the reader's."""
    shapes, y = [_text(0, 16, title, "title"), _text(0, 34, note, "note")], 56
    for panel in panels:
        shapes.append(_text(0, y + 12, panel.title, "title"))
        y += _TITLE
        scale = (_WIDTH - _LEFT - _RIGHT) / max(bar.most for bar in panel.bars)
        for bar in panel.bars:
            shapes += _bar(bar, y, scale)
            y += _BAR + _GAP
        y += _SPACE
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" role="img" '
        f'aria-label="{escape(title)}">\n<style>{_STYLE}</style>\n{body}\n</svg>\n'
    )


def _bar(bar: Bar, y: int, scale: float) -> list[str]:
    middle, end = y + _BAR // 2, _LEFT + bar.value * scale
    least, most = _LEFT + bar.least * scale, _LEFT + bar.most * scale
    return [
        _text(_LEFT - 8, y + 14, bar.name, anchor="end"),
        f'<rect class="{"ours" if bar.is_ours else "other"}" x="{_LEFT}" y="{y}" width="{end - _LEFT:.1f}" '
        f'height="{_BAR}" rx="2"/>',
        f'<line class="range" x1="{least:.1f}" y1="{middle}" x2="{most:.1f}" y2="{middle}"/>',
        _text(max(end, most) + 8, y + 14, bar.text),
    ]


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'

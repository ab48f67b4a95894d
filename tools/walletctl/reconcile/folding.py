"""Differences of one cause as one: 1,000 rows that are wrong in the same way are a line of the summary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "missing here",
    "not taken",
    "held",
    "paid back",
    "dead letter",
    "perhaps parked",
    "unknown there",
    "different amount",
    "different currency",
    "different player",
    "different transaction",
    "doubled",
    "unreadable",
    "wrong total",
]

ORDER = "line NULLS LAST, recorded, callback, reference, kind"  # the report's, then what is not in it
# Of a note, what is the same for all rows: neither what it quotes, nor a line, a sum or a moment.
CAUSE = r"regexp_replace(regexp_replace(coalesce(note, ''), '\x27.*\x27', ''), 'line [0-9]+|make .*|of 2[-0-9: ]+', '')"
OF_EACH = 3  # differences of one cause among the examples
_MOST_RANGES = 3  # of lines, that are named

FOLDED = f"""
    WITH caused AS (SELECT *, {CAUSE} AS cause FROM differences),
    ranges AS (
        SELECT kind, cause, min(line) AS first, max(line) AS last
        FROM (
            SELECT *, line - row_number() OVER (PARTITION BY kind, cause ORDER BY line) AS island
            FROM caused WHERE line IS NOT NULL
        ) GROUP BY kind, cause, island
    ),
    numbered AS (SELECT *, row_number() OVER (PARTITION BY kind, cause ORDER BY first) AS place FROM ranges),
    lines AS (
        SELECT kind, cause, count(*) AS ranges,
            list([first, last] ORDER BY first) FILTER (WHERE place <= {_MOST_RANGES}) AS shown
        FROM numbered GROUP BY kind, cause
    )
    SELECT kind, count(*), arg_min(note, coalesce(line, 0)), any_value(ranges), any_value(shown)
    FROM caused LEFT JOIN lines USING (kind, cause)
    GROUP BY kind, cause ORDER BY count(*) DESC, min(line) NULLS LAST, kind, cause
"""  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """Differences of one kind whose notes say the same but for what they quote: the first one's note, and the lines.

    `lines` are the first of `ranges` ranges of adjacent lines; none for what is not in the report.
    """

    kind: Kind
    count: int
    note: str | None
    ranges: int
    lines: Sequence[tuple[int, int]]

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Folded":
        """From a row of FOLDED."""
        kind, count, note, ranges, lines = row
        return cls(kind=kind, count=count, note=note, ranges=ranges or 0, lines=[(a, b) for a, b in lines or ()])

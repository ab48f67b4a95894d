"""`walletctl alarm`: what the log, or a metric, says about an alarm."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import typer

from tools.shared import listing, moments
from tools.shared.hints import command
from tools.shared.listing import Column, Row
from tools.shared.outside import plain, trouble_if
from tools.shared.trouble import Trouble
from tools.walletctl.alarm.lines import LINES, Lines
from tools.walletctl.kinds import CANCEL
from tools.walletctl.log import object_of
from tools.walletctl.place import HERE, Asked, Place, asks_where

_SHOWN = 30  # lines, to a person: more are for a machine
_UNUSUAL = "credited-unusual"
_DEAD_LETTERS = "dead-letters"
_PARKED_LONG = "parked-long"
_PAGE = "docs/operating/alarms.md"

_OF_FUNCTIONS = [
    Column(name="at", title="at", unbroken=True),
    Column(name="function", title="function", unbroken=True),
    Column(name="message", title="line"),
    Column(name="code", title="code", right=True, unbroken=True),
    Column(name="reference", title="reference"),
    Column(name="userId", title="player"),
    Column(name="milliseconds", title="ms", right=True, unbroken=True),
    Column(name="reason", title="reason"),
]
_OF_THE_API = [
    Column(name="at", title="at", unbroken=True),
    Column(name="sourceIp", title="from", unbroken=True),
    Column(name="path", title="path"),
    Column(name="status", title="status", right=True, unbroken=True),
    Column(name="gatewayAnswer", title="refused by the API as"),
    Column(name="functionStatus", title="function's status", right=True, unbroken=True),
    Column(name="milliseconds", title="ms", right=True, unbroken=True),
]
_OF_CREDITS = [
    Column(name="hour", title="hour from", unbroken=True),
    Column(name="function", title="function", unbroken=True),
    Column(name="credited", title="credited", right=True, unbroken=True),
    Column(name="largest", title="largest single credit", right=True, unbroken=True),
]


@asks_where
def alarm(
    name: Annotated[
        str, typer.Argument(metavar="ALARM", help="Its name as in the message, with or without the stack's: not-kept.")
    ],
    since: Annotated[
        str | None,
        typer.Option(metavar="MOMENT", help=f"From then on: {moments.HELP}. Else a few hours, or days, by the alarm."),
    ] = None,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
    as_csv: listing.AsCsv = False,
) -> None:
    """Shows the lines of the log that are about an alarm, the newest first. Changes nothing.

    It is the first command that most alarms name. What to do next is in docs/operating/alarms.md.
    """
    form = listing.form(as_json, as_csv)
    where = asked.place()
    now = datetime.now(UTC)
    kind, of = _meant(where, name.removeprefix(f"{asked.stack}-"), is_whole=asked.stack is None)
    if asked.stack is None and not name.startswith(kind):
        listing.say(f"This is of {where.name}. For a stack, add: --stack NAME")
    begin = moments.moment(since, now) if since else now - timedelta(hours=LINES[kind].hours if kind in LINES else 24)
    if begin > now:
        raise Trouble(f"--since is in the future: {moments.shown(begin)}")
    if kind == _UNUSUAL:
        listing.show(_OF_CREDITS, _credits(where, of, begin, now), form)
        if form == "table":
            listing.tell(f"Amounts in {plain(of)}, as binary floats: for the eye. The ledger has the exact ones")
        return
    lines = LINES[kind]
    rows, is_whole = _rows(where, lines, of, begin)
    columns = _OF_THE_API if lines.by_the_api else _OF_FUNCTIONS
    if form != "table":
        listing.show(columns, rows, form)
        if not is_whole:
            listing.say("The log is too long to be read whole: these are the newest lines. Say a later --since")
        return
    for sentence in _told(kind, lines, rows, begin, is_whole=is_whole):
        listing.tell(sentence)
    if rows:
        listing.out(listing.table(columns, rows[:_SHOWN]))
        named = next((row["reference"] for row in rows if row.get("reference")), None)
        if named:
            listing.tell(f"To see one: {command(where.options, 'find', names=[str(named)])}")
    listing.tell(f"What to do: {_PAGE}#{kind}")


def _beginnings(name: str) -> Iterator[str]:
    """What a name may be without a stack's: it is not known where no stack is named."""
    while "-" in name:
        name = name.partition("-")[2]
        yield name


def _is_kind(name: str) -> bool:
    return any(name == kind or name.startswith(f"{kind}-") for kind in (*LINES, _UNUSUAL, _DEAD_LETTERS))


def _meant(where: Place, name: str, *, is_whole: bool) -> tuple[str, str]:
    """The kind of alarm, and the callback or the currency that its name ends with, or "". Raises Trouble.

    `is_whole`: the name may begin with a stack's.
    """
    if name in LINES:
        return name, ""
    kind, _, last = name.rpartition("-")
    if kind == _UNUSUAL and last:
        return kind, last
    if kind in LINES and last in (where.keeping() if kind == _PARKED_LONG else where.callbacks()):
        return kind, last
    if kind == _PARKED_LONG:
        raise Trouble(f"{plain(last)} keeps nothing for a retry: there are {', '.join(where.keeping())}")
    if is_whole and (own := next((each for each in _beginnings(name) if _is_kind(each)), None)):
        return _meant(where, own, is_whole=False)
    if name.startswith(_DEAD_LETTERS):
        callback = [last] if last in where.keeping() else []
        raise Trouble(
            f"what this alarm counts is listed by: {command(where.options, 'parked', 'list', names=callback)}"
        )
    if name.rstrip("-") == _UNUSUAL:
        raise Trouble(f"the alarm's name ends with the currency: {_UNUSUAL}-EUR")
    raise Trouble(f"no alarm is called {plain(name)!r}: there are {', '.join(sorted([*LINES, f'{_UNUSUAL}-EUR']))}")


def _rows(where: Place, lines: Lines, function: str, begin: datetime) -> tuple[list[Row], bool]:
    """The lines, the newest first; whether these are all."""
    with listing.progress("the log"):
        found, is_whole = where.written(lines.pattern(), begin, by_the_api=lines.by_the_api)
    fitting = [each for each in found if lines.holds(each[2]) and function in ("", each[0])]
    return [_row(*each, lines) for each in sorted(fitting, key=lambda each: each[1], reverse=True)], is_whole


def _row(log: str, at: datetime, text: str, lines: Lines) -> Row:
    said: dict[str, Any] = object_of(text)
    row: dict[str, Any] = {"at": at, "function": said.get("service") or log}
    if lines.by_the_api:
        return row | {column.name: _cell(said.get(column.name)) for column in _OF_THE_API if column.name != "at"}
    return row | {
        "message": _cell(said.get("message")) or text.strip(),
        "reference": _cell(said.get("correlation_id")),
        **{name: _cell(said.get(name)) for name in ("code", "userId", "milliseconds", "reason")},
    }


def _cell(value: object) -> str | int | None:
    return value if isinstance(value, int) or value is None else str(value)


def _told(kind: str, lines: Lines, rows: Sequence[Row], begin: datetime, *, is_whole: bool) -> Iterator[str]:
    since = moments.shown(begin)
    if not rows:
        yield f"The log has none since {since}: {lines.about}. To look further back, add: --since 7d"
    elif len(rows) > _SHOWN:
        yield f"{len(rows):,} since {since}: {lines.about}. These are the newest {_SHOWN}; --csv has all"
    else:
        yield f"{len(rows)} since {since}: {lines.about}"
    if not is_whole:
        yield "The log is too long to be read whole: older lines are missing. Say a later --since"
    if kind == "no-callbacks" and rows:
        yield "If the last ones are from other addresses, or of unknown paths, they do not count as callbacks"


def _credits(where: Place, currency: str, begin: datetime, end: datetime) -> Iterator[Row]:
    """By hour, the newest first, and function: what was credited, and the largest single credit."""
    client, namespace = where.metrics()
    wins = [callback for callback in where.keeping() if callback != CANCEL]
    statistics = {"credited": "Sum", "largest": "Maximum"}
    queries = [
        {
            "Id": f"{name}_{callback}",
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": "CreditedAmount",
                    "Dimensions": [
                        {"Name": "service", "Value": callback},
                        {"Name": "currency", "Value": currency},
                    ],
                },
                "Period": 3600,
                "Stat": statistic,
            },
        }
        for callback in wins
        for name, statistic in statistics.items()
    ]
    hour = begin.replace(minute=0, second=0, microsecond=0)
    with trouble_if(f"the metrics of {where.name} cannot be read"):
        answer = client.get_metric_data(MetricDataQueries=queries, StartTime=hour, EndTime=end)
    rows: dict[tuple[datetime, str], dict[str, Any]] = {}
    for result in answer["MetricDataResults"]:
        name, callback = result["Id"].split("_")
        for at, value in zip(result["Timestamps"], result["Values"], strict=True):
            rows.setdefault((at.astimezone(UTC), callback), {})[name] = Decimal(repr(float(value)))
    for (at, callback), amounts in sorted(rows.items(), key=lambda row: (-row[0][0].timestamp(), row[0][1])):
        yield {"hour": at, "function": callback, **amounts}

"""What the functions' log says of a reference, a player or a round: nothing else says what waits for a retry."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.shared.moments import recorded
from tools.shared.outside import trouble_if
from tools.shared.trouble import Trouble
from tools.walletctl.kinds import BET

_MOST_LINES = 1000
_MOST_PAGES = 50  # of one log group
_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 60  # a query of a few days takes seconds
_MOST_REFERENCES = 50  # of a player or a round, those refused last
# What is said of a reference that is settled.
DONE = (
    "credited", "moved", "booked elsewhere", "replayed", "staked", "paid back", "cancel remembered", "round ended",
    "round refunded", "answered",
)  # fmt: skip
_FIELDS = (
    "service", "message", "code", "reason", "tries", "correlation_id", "userId", "roundId", "amount", "currency",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """`message` is `credited`, `replayed`, `refused`, `left for a person` or `parking failed`.

    Of bets and cancels it is `staked`, `paid back`, `cancel remembered` or `answered` as well, and `refund left for a
    person` where that of an unknown round is. It is `prize left for a person` where only the prize that a result brings
    is. The cashier says `moved` and `declined`. Where a person settles a dead letter, a callback says `booked
    elsewhere`, or `declined` if it refuses.
    A refusal has what the request said of `player`, `round`, `amount` and `currency`, as texts.
    """

    at: datetime | None
    callback: str
    message: str
    code: int | None
    reason: str | None
    tries: int | None
    reference: str | None = None
    player: str | None = None
    round: str | None = None
    amount: str | None = None
    currency: str | None = None

    @classmethod
    def of(cls, said: Mapping[str, Any], at: datetime | None) -> "LogLine":
        return cls(
            at=at,
            callback=str(said.get("service")),
            message=str(said.get("message")),
            reference=_text(said.get("correlation_id")),
            code=_number(said.get("code")),
            reason=_text(said.get("reason")),
            tries=_number(said.get("tries")),
            player=_text(said.get("userId")),
            round=_text(said.get("roundId")),
            amount=_text(said.get("amount")),
            currency=_text(said.get("currency")),
        )

    def is_refusal_of(self, name: str) -> bool:
        """Whether it tells of what was refused in that round, or of that player but for bets, which nobody is owed."""
        is_meant = name == self.round or (name == self.player and self.callback != BET)
        return self.message == "refused" and self.reference is not None and is_meant


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """Which refusals are looked for: a `player`'s, or anybody's if None, of those that `are_meant`.

    They came before `until`. Of more references than can be asked for, those with a refusal that comes `first` are.
    """

    player: str | None
    are_meant: Callable[[LogLine], bool]
    first: Callable[[LogLine], bool] = lambda _: False
    without_bets: bool = True
    until: datetime | None = None

    def has(self, line: LogLine) -> bool:
        is_theirs = self.player in (None, line.player) and not (self.without_bets and line.callback == BET)
        return line.message == "refused" and line.reference is not None and is_theirs and self.are_meant(line)

    def newest(self, refusals: Sequence[LogLine]) -> set[str]:
        return _newest([*(line for line in refusals if not self.first(line)), *filter(self.first, refusals)])


def of_file(file: Path, reference: str) -> list[LogLine]:
    """The local service's lines of a reference, the oldest first; none if there is no log."""
    return [line for line in _lines_of_file(file, [reference]) if line.reference == reference]


def refused_of_file(file: Path, name: str) -> list[LogLine]:
    """The local service's lines of every reference that was refused for that player, or in that round."""
    return _of_references(file, _newest([line for line in _lines_of_file(file, [name]) if line.is_refusal_of(name)]))


def refusals_of_file(file: Path, refusals: Refusals) -> list[LogLine]:
    """The local service's lines of every reference with such a refusal."""
    named = "refused" if refusals.player is None else refusals.player
    return _of_references(file, refusals.newest([*filter(refusals.has, _lines_of_file(file, [named]))]))


def _of_references(file: Path, references: Collection[str]) -> list[LogLine]:
    return [line for line in _lines_of_file(file, references) if line.reference in references] if references else []


def not_kept_of_file(file: Path, since: datetime) -> Counter[str]:
    """How many requests the local service refused since then without a reference, as `not_kept_of_stack` counts."""
    counts: Counter[str] = Counter()
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                said = object_of(line) if _NOT_KEPT_HINT.search(line) else {}
                at = moment_of(said)
                if not said.get("correlation_id") and (at is None or at >= since):
                    counts.update(_not_kept(said))
    except OSError:
        pass
    return counts


def _not_kept(said: Mapping[str, Any]) -> Iterator[str]:
    if said.get("message") == _LOST:
        yield _LOST
    elif said.get("message") == "refused" and _number(said.get("code")) in _WITHOUT_REFERENCE:
        yield str(said["code"])


_LOST = "parking failed"
# The refusals that may have no reference in the log. A 998 has none if the secrets could not be read. A body that is
# not valid (57, 59, 64) is a dead letter, but when that is discarded, nothing else tells that it came.
_WITHOUT_REFERENCE = (57, 59, 64, 99, 401, 998)
_NOT_KEPT_HINT = re.compile(f'"(?:refused|{_LOST})"')


def _lines_of_file(file: Path, names: Collection[str]) -> Iterator[LogLine]:
    """The lines that may have one of these names. Most lines are others': they are not read as JSON."""
    written = (json.dumps(name, ensure_ascii=is_ascii) for name in names for is_ascii in (True, False))
    having = re.compile("|".join(re.escape(each) for each in dict.fromkeys(written)))
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if having.search(line) and (said := _read(line)):
                    yield LogLine.of(said, moment_of(said))
    except OSError:
        return


def _newest(refusals: Sequence[LogLine]) -> set[str]:
    """The references that were refused last, of refusals of which the oldest is first."""
    newest = dict.fromkeys(line.reference for line in reversed(refusals) if line.reference)
    return set([*newest][:_MOST_REFERENCES])


def texts_of_file(file: Path) -> Iterator[str]:
    """Every line of the local service's log; none if there is no log."""
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            yield from lines
    except OSError:
        return


def filtered(logs: Any, group: str, pattern: str, since: datetime) -> tuple[list[tuple[datetime, str]], bool]:
    """The newest lines of a log group that fit a pattern of CloudWatch's; whether there may be more. Raises Trouble.

    CloudWatch may answer with pages of nothing while it goes on searching.
    """
    asked: dict[str, Any] = {
        "logGroupName": group,
        "startTime": int(1000 * since.timestamp()),
        "filterPattern": pattern,
        "startFromHead": False,
    }
    found: list[tuple[datetime, str]] = []
    for _ in range(_MOST_PAGES):
        with trouble_if(f"the log group {group} cannot be read"):
            answer = logs.filter_log_events(**asked)
        found += [
            (datetime.fromtimestamp(event["timestamp"] / 1000, UTC), event["message"])
            for event in answer.get("events", [])
        ]
        if not (more := answer.get("nextToken")):
            return found, False
        if len(found) >= _MOST_LINES:
            break
        asked["nextToken"] = more
    return found, True


def of_stack(logs: Any, groups: Sequence[str], reference: str, since: datetime, until: datetime) -> list[LogLine]:
    """A stack's lines of a reference, the oldest first, by a query of CloudWatch Logs Insights. Raises Trouble."""
    return _asked(logs, groups, f"filter correlation_id = {_literal(reference)}", since, until)


def refused_of_stack(logs: Any, groups: Sequence[str], name: str, since: datetime, until: datetime) -> list[LogLine]:
    """A stack's lines of every reference that was refused for that player, or in that round. Raises Trouble."""
    named = _literal(name)
    is_refusal = f'filter message = "refused" and (roundId = {named} or userId = {named} and service != "{BET}")'
    refusals = [line for line in _asked(logs, groups, is_refusal, since, until) if line.is_refusal_of(name)]
    return _with_what_became(logs, groups, refusals, _newest(refusals), since, until)


def refusals_of_stack(
    logs: Any, groups: Sequence[str], refusals: Refusals, since: datetime, until: datetime
) -> list[LogLine]:
    """A stack's lines of every reference with such a refusal. Raises Trouble, also for more than can be read."""
    clauses = ['message = "refused"']
    clauses += [] if refusals.player is None else [f"userId = {_literal(refusals.player)}"]
    clauses += [f'service != "{BET}"'] if refusals.without_bets else []
    lines = _asked(logs, groups, f"filter {' and '.join(clauses)}", since, refusals.until or until)
    if len(lines) == _MOST_LINES:
        raise Trouble(f"{_MOST_LINES:,} requests or more were refused in that time. Search a shorter time")
    found = [*filter(refusals.has, lines)]
    return _with_what_became(logs, groups, found, refusals.newest(found), since, until)


def _with_what_became(
    logs: Any,
    groups: Sequence[str],
    refusals: list[LogLine],
    references: Collection[str],
    since: datetime,
    until: datetime,
) -> list[LogLine]:
    """The refusals with all that the log has of these references."""
    askable = {reference for reference in references if _ASKABLE.fullmatch(reference)}
    if not askable:
        return refusals
    among = ", ".join(map(_literal, sorted(askable)))
    lines = _asked(logs, groups, f"filter correlation_id in [{among}]", since, until)
    return [*(line for line in refusals if line.reference not in askable), *lines]


def not_kept_of_stack(logs: Any, groups: Sequence[str], since: datetime, until: datetime) -> Counter[str]:
    """How many requests were refused in that time of which the log has no reference.

    By their error; `parking failed` are those that could not be queued. Raises Trouble.
    """
    found = _results(
        logs,
        groups,
        f'filter not ispresent(correlation_id) and (message = "{_LOST}" or message = "refused" and code in '
        f"[{', '.join(map(str, _WITHOUT_REFERENCE))}]) | stats count(*) as requests by message, code",
        since,
        until,
    )
    counts: Counter[str] = Counter()
    for result in found:
        said = {field["field"]: field.get("value") for field in result}
        for what in _not_kept(said):
            counts[what] += _number(said.get("requests")) or 0
    return counts


# A query takes any character in quotes but these: what might end the quotes or begin something else is not asked.
_ASKABLE = re.compile(r"[A-Za-z0-9 ._:/@+=,|~!\u00a0-\ud7ff\ue000-\U0010ffff-]{1,128}")


def _literal(name: str) -> str:
    if not _ASKABLE.fullmatch(name):
        raise Trouble("this name cannot be used in a Logs Insights query")
    return f'"{name}"'


def _asked(logs: Any, groups: Sequence[str], lines: str, since: datetime, until: datetime) -> list[LogLine]:
    """The newest of such lines, the oldest of them first."""
    fields = ", ".join(("@timestamp", *_FIELDS))
    query = f"{lines} | sort @timestamp desc | display {fields} | limit {_MOST_LINES}"
    return [*_lines(_results(logs, groups, query, since, until))][::-1]


def _results(
    logs: Any, groups: Sequence[str], query: str, since: datetime, until: datetime
) -> Sequence[Sequence[Mapping[str, str]]]:
    """What CloudWatch Logs Insights answers. Raises Trouble."""
    with trouble_if("the log cannot be asked"):
        id = logs.start_query(
            logGroupNames=list(groups),
            startTime=int(since.timestamp()),
            endTime=int(until.timestamp()) + 1,
            queryString=query,
        )["queryId"]
        until_when = time.monotonic() + _PATIENCE_SECONDS
        while (answer := logs.get_query_results(queryId=id))["status"] in ("Scheduled", "Running"):
            if time.monotonic() > until_when:
                logs.stop_query(queryId=id)
                raise Trouble(f"the log did not answer within {_PATIENCE_SECONDS} s: narrow it with --since")
            time.sleep(_POLL_SECONDS)
    if answer["status"] != "Complete":
        raise Trouble(f"the log's answer is {answer['status']}")
    return answer["results"]


def _lines(results: Sequence[Sequence[Mapping[str, str]]]) -> Iterator[LogLine]:
    for result in results:
        said = {field["field"]: field.get("value") for field in result}
        yield LogLine.of(said, recorded(f"{said.get('@timestamp')}+00:00"))


def _read(line: str) -> dict[str, Any] | None:
    said = object_of(line)
    return said if "correlation_id" in said else None


def object_of(text: bytes | str) -> dict[str, Any]:
    """A JSON object with its fractions as they are written; an empty one for what is something else."""
    try:
        said = json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def moment_of(said: Mapping[str, Any]) -> datetime | None:
    """When a line was written: the logger writes 2026-01-02 03:04:05,678+0000."""
    return recorded(str(said.get("timestamp")).replace(",", "."))


def _text(value: object) -> str | None:
    return str(value) if value not in (None, "") else None


def _number(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None

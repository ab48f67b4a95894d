"""What the functions' log says of a reference: the only witness of what waits in a retry queue."""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.local.trouble import Trouble
from tools.outside import trouble_if
from tools.walletctl.moments import recorded

_MOST_LINES = 1000
_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 60  # a query of a few days takes seconds
_FIELDS = ("service", "message", "code", "reason", "tries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`message` is `credited`, `replayed`, `refused`, `left for a person` or `parking failed`."""

    at: datetime | None
    callback: str
    message: str
    code: int | None
    reason: str | None
    tries: int | None

    @classmethod
    def of(cls, said: Mapping[str, Any], at: datetime | None) -> "Line":
        return cls(
            at=at,
            callback=str(said.get("service")),
            message=str(said.get("message")),
            code=_number(said.get("code")),
            reason=str(said["reason"]) if said.get("reason") else None,
            tries=_number(said.get("tries")),
        )


def of_file(file: Path, reference: str) -> list[Line]:
    """The lines of the local service's log, the oldest first; none if there is no log."""
    escaped = json.dumps(reference)
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            # Most lines are others': they are not read as JSON.
            said = [read for line in lines if escaped in line if (read := _read(line))]
    except OSError:
        return []
    return [Line.of(each, _moment(each)) for each in said if each.get("correlation_id") == reference]


def of_stack(logs: Any, groups: Sequence[str], reference: str, since: datetime, until: datetime) -> list[Line]:
    """The lines of a stack's log groups, the oldest first, by a query of CloudWatch Logs Insights. Raises Trouble."""
    if not re.fullmatch(r"[A-Za-z0-9 ._:/@+=,|~!-]{1,128}", reference):
        raise Trouble("the log is asked in a language of its own, which this reference might be taken for")
    fields = ", ".join(("@timestamp", *_FIELDS))
    query = f'filter correlation_id = "{reference}" | sort @timestamp | display {fields} | limit {_MOST_LINES}'
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
    return list(_lines(answer["results"]))


def _lines(results: Sequence[Sequence[Mapping[str, str]]]) -> Iterator[Line]:
    for result in results:
        said = {field["field"]: field.get("value") for field in result}
        yield Line.of(said, recorded(f"{said.get('@timestamp')}+00:00"))


def _read(line: str) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) and "correlation_id" in said else None


def _moment(said: Mapping[str, Any]) -> datetime | None:
    # The logger writes 2026-01-02 03:04:05,678+0000.
    return recorded(str(said.get("timestamp")).replace(",", "."))


def _number(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None

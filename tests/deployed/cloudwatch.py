"""CloudWatch Logs as AWS documents it, in front of the engine's, for what the console and `walletctl find` ask of it.

The engine keeps what the functions write, and lets in whom IAM lets in. But it gives the lines of a function no ids,
takes every pattern of JSON for one that passes all, and has no `filter` by a line's own fields.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import ClientError

_PATTERN = re.compile(r"\{ (.+) \}")
_TERM = re.compile(r'\$\.(\w+) = "([^"]*)"')
_QUERY = re.compile(r"filter (.+) \| sort @timestamp desc \| display ([\w@, ]+) \| limit (\d+)")
_IS = re.compile(r'(\w+) (=|!=) "([^"]*)"')
_AMONG = re.compile(r"(\w+) in \[(.+)\]")
_AND_ANY = re.compile(r'(\w+ = "[^"]*") and \((.+)\)')
_AND = re.compile(r'(\w+ = "[^"]*") and (\w+ != "[^"]*")')


@contextmanager
def documented(logs: Any) -> Iterator[str]:
    """Answers at that URL what the client `logs` finds in the engine, until the end of the block."""
    queries: dict[str, str] = {}

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                status, answer = 200, _answer(logs, queries, self.headers["X-Amz-Target"].rpartition(".")[2], asked)
            except ClientError as refusal:
                error = refusal.response["Error"]
                status, answer = 400, {"__type": error["Code"], "message": error["Message"]}
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def _answer(logs: Any, queries: dict[str, str], operation: str, asked: dict[str, Any]) -> dict[str, Any]:
    match operation:
        case "FilterLogEvents":
            passes = _passing(asked.pop("filterPattern"))
            newest_first = not asked.pop("startFromHead", True)
            events = logs.filter_log_events(**asked)["events"]
            events.sort(key=lambda event: event["timestamp"], reverse=newest_first)
            return {"events": [{**event, "eventId": _id(event)} for event in events if passes(event["message"])]}
        case "StartQuery":
            query = asked.pop("queryString")
            id = logs.start_query(**asked, queryString="fields @timestamp, @message | limit 10000")["queryId"]
            queries[id] = query
            return {"queryId": id}
        case "GetQueryResults":
            found = logs.get_query_results(**asked)
            return {"status": found["status"], "results": _selected(queries[asked["queryId"]], found["results"])}
        case _:
            raise NotImplementedError(operation)  # an answer made up here would hide that a tool asks for more


def _id(event: Mapping[str, Any]) -> str:
    return sha256(f"{event['logStreamName']} {event['timestamp']} {event['message']}".encode()).hexdigest()


def _passing(pattern: str) -> Callable[[str], bool]:
    """Whether a line has one of the values that a pattern such as `{ $.a = "1" || $.a = "2" }` names."""
    braces = _PATTERN.fullmatch(pattern)
    assert braces, f"more of a pattern than is known here: {pattern}"
    terms = [_TERM.fullmatch(term) for term in braces[1].split(" || ")]
    assert all(terms), f"more of a pattern than is known here: {pattern}"
    wanted = [(term[1], term[2]) for term in terms if term]
    return lambda line: any(_fields(line).get(field) == value for field, value in wanted)


def _selected(query: str, rows: list[list[dict[str, str]]]) -> list[list[dict[str, str]]]:
    """The rows of a query, in order, each with those of the displayed fields that its line has."""
    said = _QUERY.fullmatch(query)
    assert said, f"more of a query than is known here: {query}"
    named = [{each["field"]: each["value"] for each in row} for row in rows]
    lines = [(row["@timestamp"], _fields(row["@message"])) for row in named]
    passes = _filter(said[1])
    return [
        [
            {"field": field, "value": str(value)}
            for field in said[2].split(", ")
            if (value := {**fields, "@timestamp": at}.get(field)) is not None
        ]
        for at, fields in sorted(lines, key=lambda line: line[0], reverse=True)
        if passes(fields)
    ][: int(said[3])]


def _filter(text: str) -> Callable[[Mapping[str, Any]], bool]:
    if term := _IS.fullmatch(text):
        return lambda fields: (fields.get(term[1]) == term[3]) is (term[2] == "=")
    if among := _AMONG.fullmatch(text):
        names = json.loads(f"[{among[2]}]")
        return lambda fields: fields.get(among[1]) in names
    if both := _AND_ANY.fullmatch(text):
        first, others = _filter(both[1]), [_filter(term) for term in both[2].split(" or ")]
        return lambda fields: first(fields) and any(other(fields) for other in others)
    if both := _AND.fullmatch(text):
        one, other = _filter(both[1]), _filter(both[2])
        return lambda fields: one(fields) and other(fields)
    # Not guessed: a test must fail when a tool filters by more than this reading knows.
    raise NotImplementedError(f"more of a filter than is known here: {text}")


def _fields(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}

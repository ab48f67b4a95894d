"""Stands between a contender and the engine, and writes down each request and answer: counts, and the stub's answers.

On the wire, so that it sees whatever a contender sends, by whatever library.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

from bench import units

_READS = frozenset({"GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One round trip. `tables` are the names in its request, sorted and joined."""

    operation: str
    tables: str
    request: str
    status: int
    body: str

    @property
    def is_read(self) -> bool:
        return self.operation in _READS

    @property
    def units(self) -> float:
        """All request units that it consumed, of tables and indexes."""
        answer = json.loads(self.body)
        if self.operation == "BatchGetItem":
            return self._batch_units(answer["Responses"])  # the engine does not say
        if self.status == 200:
            return sum(entry["CapacityUnits"] for entry in _entries(answer))
        # The answer does not say; a failed condition is charged as the write of the item that it met.
        return units.write_units(units.item_bytes(answer["Item"])) if "Item" in answer else 1

    def _batch_units(self, found: dict[str, list[Any]]) -> int:
        """What is read consistently costs a unit for each begun 4 KB; what is not there, one."""
        asked = sum(len(each["Keys"]) for each in json.loads(self.request)["RequestItems"].values())
        sizes = [units.item_bytes(item) for items in found.values() for item in items]
        return sum(map(units.read_units, sizes)) + asked - len(sizes)

    @property
    def index_units(self) -> float:
        indexes = (entry.get("GlobalSecondaryIndexes", {}) for entry in _entries(json.loads(self.body)))
        return sum(index["CapacityUnits"] for each in indexes for index in each.values())


def _entries(answer: dict[str, Any]) -> list[dict[str, Any]]:
    consumed = answer.get("ConsumedCapacity", [])
    return consumed if isinstance(consumed, list) else [consumed]


class Witness:
    """`endpoint` is where it listens; `calls` is what it has seen."""

    def __init__(self, endpoint: str, calls: list[Call]) -> None:
        self.endpoint = endpoint
        self._calls = calls

    def take(self) -> list[Call]:
        """What was seen since it was last asked."""
        taken = list(self._calls)
        self._calls.clear()
        return taken


@contextmanager
def witness(engine: str, tables: list[str], *, counting: bool) -> Iterator[Witness]:
    """Forwards to the engine. When `counting`, every request also asks for the units that it consumes."""
    calls: list[Call] = []

    class Handler(_Forwarder):
        pass

    Handler.engine, Handler.tables, Handler.counting, Handler.calls = engine, sorted(tables), counting, calls
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Witness(f"http://127.0.0.1:{server.server_port}", calls)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Forwarder(BaseHTTPRequestHandler):
    engine: ClassVar[str]
    tables: ClassVar[list[str]]
    counting: ClassVar[bool]
    calls: ClassVar[list[Call]]

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self.counting:
            sent = json.dumps(json.loads(sent) | {"ReturnConsumedCapacity": "INDEXES"}).encode()
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in ("content-length", "host")
        }
        engine = HTTPConnection(urlsplit(self.engine).netloc)
        try:
            engine.request("POST", self.path, sent, headers)
            answer = engine.getresponse()
            body = answer.read()
        finally:
            engine.close()
        self.calls.append(
            Call(
                operation=self.headers["X-Amz-Target"].partition(".")[2],
                tables=" ".join(table for table in self.tables if f'"{table}"'.encode() in sent),
                request=sent.decode(),
                status=answer.status,
                body=body.decode(),
            )
        )
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: what it sees stands in `calls`."""

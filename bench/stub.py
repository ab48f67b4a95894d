"""A DynamoDB without latency: answers each operation at once with what a real engine once answered to the same.

A call may ask for one operation of one table several times: each connection gets those answers in turn.

Run as `python -m bench.stub`, a process of its own. It reads a line of JSON, {name: [{"operation", "tables",
"status", "body"}]}, opens a port for each name, and prints {name: port}. What is measured against it is the client
alone: its own work, the SDK's, and the kernel's for a loopback connection.
"""

import asyncio
import json
import re
import sys
from collections.abc import Mapping
from functools import cache
from itertools import cycle

from tools.local.lifetime import leave_on_signals

Answers = Mapping[tuple[str, str], list[bytes]]

_HEAD = re.compile(rb"x-amz-target: *dynamodb_20120810\.(\w+)", re.IGNORECASE)
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Conversation(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self, answers: Answers, tables: list[tuple[bytes, str]]) -> None:
        self._answers = {asked: cycle(given) for asked, given in answers.items()}
        self._tables = tables
        self._received = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream's is one
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end])
            length = _LENGTH.search(head)
            after = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < after:
                return
            body = bytes(self._received[end + 4 : after])
            del self._received[:after]
            self._transport.write(self._answer(head, body))

    def _answer(self, head: bytes, body: bytes) -> bytes:
        target = _HEAD.search(head)
        operation = target[1].decode() if target else ""
        named = " ".join(name for quoted, name in self._tables if quoted in body)
        try:
            return next(self._answers[operation, named])
        except KeyError:
            _complain(f"the stub was asked for {operation or 'what is no operation'} of {named}, and knows no answer")
            return _response(500, '{"__type": "NothingRecorded"}')


@cache
def _complain(of: str) -> None:
    print(of, file=sys.stderr)  # once for each


def _response(status: int, body: str) -> bytes:
    content = body.encode()
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


async def main() -> None:
    recorded = json.loads(sys.stdin.readline())
    loop, ports, servers = asyncio.get_running_loop(), {}, []
    for name, calls in recorded.items():
        answers: dict[tuple[str, str], list[bytes]] = {}
        for call in calls:
            answer = _response(call["status"], call["body"])
            answers.setdefault((call["operation"], call["tables"]), []).append(answer)
        tables = [
            (f'"{table}"'.encode(), table) for table in sorted({t for call in calls for t in call["tables"].split()})
        ]
        server = await loop.create_server(lambda a=answers, t=tables: Conversation(a, t), "127.0.0.1", 0)
        servers.append(server)
        ports[name] = server.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    leave_on_signals()
    asyncio.run(main())

"""One environment of one function: takes an event, runs the handler, answers, and only then takes the next.

Run as `python -m tools.local.worker FOLDER FD`: the function's folder, and the socket that carries
events in and answers out, a line of JSON each. Standard output stays free for the function's log.
It ends when the socket does, so nothing outlives the service.
"""

import importlib
import json
import signal
import socket
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Context:
    """What of Lambda's context object a callback may ask for."""

    function_name: str
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


def main(folder: str, descriptor: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the service decides
    sys.path.insert(0, folder)  # as Lambda does
    handler = importlib.import_module("app").handler
    with socket.socket(fileno=int(descriptor)) as channel, channel.makefile("rwb") as lines:
        _say(lines, {"ready": True})
        for line in lines:
            event = json.loads(line)
            _say(lines, handler(event, Context(Path(folder).name)))


def _say(lines, message: object) -> None:
    lines.write(json.dumps(message).encode() + b"\n")
    lines.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

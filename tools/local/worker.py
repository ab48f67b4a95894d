"""One environment of one function: takes an event, runs the handler, answers, and only then takes the next.

Run as `python -m tools.local.worker FOLDER FD`: the function's folder, and the socket that carries
events in and answers out, a line of JSON each, an answer with what the function's log said meanwhile.
Standard output stays free for that log. It ends when the socket does, so nothing outlives the service.
"""

import importlib
import io
import json
import logging
import os
import signal
import socket
import sys
import traceback
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session

OUTAGE = "WALLET_OUTAGE_FILE"  # names the file that takes the tables away
ROOT = Path(__file__).resolve().parents[2]
LAYERS = ROOT / "layers"
_LINE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Context:
    """What of Lambda's context object a callback may ask for."""

    function_name: str
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


def main(folder: str, descriptor: str) -> None:
    if outage := os.environ.get(OUTAGE):
        _lose_the_tables_while(Path(outage))
    # Whole lines, however long: the functions share one log, and `print` alone may write the end of a line by itself.
    whole_lines = io.BufferedWriter(io.FileIO(1, "w", closefd=False), _LINE_BYTES)
    sys.stdout = io.TextIOWrapper(whole_lines, encoding="utf-8", line_buffering=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the service decides
    sys.path.insert(0, folder)  # as Lambda does
    with socket.socket(fileno=int(descriptor)) as channel, channel.makefile("rwb") as lines:
        try:
            handler = importlib.import_module("app").handler
        except BaseException as error:  # whatever a developer's code raises: it is reported, and ends this process
            _say(lines, {"wrong": _wrong(error, (Path(folder), LAYERS))})
            raise
        overheard = _overhear(os.environ["POWERTOOLS_SERVICE_NAME"])
        _say(lines, {"ready": True})
        for line in lines:
            event = json.loads(line)
            answer = handler(event, Context(Path(folder).name))
            _say(lines, {"answer": answer, "log": overheard})
            overheard.clear()


def _wrong(error: BaseException, folders: Sequence[Path]) -> str:
    """What is wrong, and the last place in those folders that it passed: `functions/jackpot/app.py, line 3: …`."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
    own = [(Path(file), line) for file, line in places if any(Path(file).is_relative_to(folder) for folder in folders)]
    said = f"{type(error).__name__}: {error}".removesuffix(": ")
    if not own:
        return said
    file, line = own[-1]
    return f"{file.relative_to(ROOT) if file.is_relative_to(ROOT) else file}, line {line}: {said}"


def _lose_the_tables_while(there: Path) -> None:
    """Has no request reach the tables as long as that file exists: the SDK is told what it would find by itself."""
    reach = URLLib3Session.send

    def send(self: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        if there.exists() and b"DynamoDB" in bytes(request.headers.get("X-Amz-Target", b"")):
            raise EndpointConnectionError(endpoint_url=request.url)
        return reach(self, request)

    URLLib3Session.send = send


def _overhear(logger: str) -> list[str]:
    """Where every line that the function's logger writes from now on is found as well."""
    overheard: list[str] = []
    for handler in logging.getLogger(logger).handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.stream = _Overheard(handler.stream, overheard)
    return overheard


@dataclass(frozen=True)
class _Overheard:
    stream: TextIO
    lines: list[str]

    def write(self, text: str) -> None:
        self.stream.write(text)
        self.lines.append(text)

    def flush(self) -> None:
        self.stream.flush()


def _say(lines, message: object) -> None:
    lines.write(json.dumps(message).encode() + b"\n")
    lines.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""One fresh environment of one contender: imports its handler as Lambda does, then runs what it is sent, and times it.

Run as `python -P -S child.py MODULE FD`: with a contender's own packages on its path and none of this checkout's.
Orders come in and figures go out through the socket, a line of JSON each; what the handler prints goes elsewhere.
"""

import importlib
import json
import socket
import sys
import time
import uuid


class Context:
    """What of Lambda's context object a handler may ask for."""

    function_name = "result"
    function_version = "$LATEST"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:result"

    def __init__(self) -> None:
        self.aws_request_id = str(uuid.uuid4())

    def get_remaining_time_in_millis(self) -> int:
        return 20_000


def main(module: str, descriptor: str) -> None:
    began = time.perf_counter_ns()
    handler = importlib.import_module(module).handler
    started = {"wall": time.perf_counter_ns() - began}
    with socket.socket(fileno=int(descriptor)) as channel, channel.makefile("rwb") as lines:
        say(lines, started)
        for line in lines:
            say(lines, run(handler, **json.loads(line)))


def run(handler, *, events: list, seconds: float | None, apart: bool) -> dict[str, object]:
    """Runs the events one by one, as many as there are time for; `apart` tells the SDK's CPU time from the rest."""
    sdk = SdkClock() if apart else None
    context = Context()
    walls, own, failed, first, last = [], [], 0, None, None
    began = time.perf_counter()
    for event in events:
        in_sdk = sdk.nanoseconds if sdk else 0
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        answer = handler(event, context)
        wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
        walls.append(wall)
        if sdk:
            own.append(cpu - (sdk.nanoseconds - in_sdk))
        last = answer["body"]
        first = first or last
        failed += not is_success(answer)
        if seconds and time.perf_counter() - began >= seconds:
            break
    took = time.perf_counter() - began
    return {
        "walls": walls, "own": own, "failed": failed, "first": first, "last": last,
        "seconds": took, "peak": peak_kilobytes(), "sdk_calls": sdk.calls if sdk else 0,
    }  # fmt: skip


def is_success(answer: dict) -> bool:
    return answer["statusCode"] == 200 and json.loads(answer["body"])["error"] == 0


class SdkClock:
    """The CPU time spent within the SDK's calls, from the moment it is made."""

    def __init__(self) -> None:
        from botocore.client import BaseClient

        self.nanoseconds = 0
        self.calls = 0
        original = BaseClient._make_api_call  # noqa: SLF001 - where all of its operations pass

        def timed(client, operation: str, parameters: dict):
            began = time.process_time_ns()
            try:
                return original(client, operation, parameters)
            finally:
                self.nanoseconds += time.process_time_ns() - began
                self.calls += 1

        setattr(BaseClient, "_make_api_call", timed)  # noqa: B010 - pyright minds the names of its parameters


def peak_kilobytes() -> int:
    # Not getrusage's: it counts the pages of the parent that this process was before it ran its program.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def say(lines, message: object) -> None:
    lines.write(json.dumps(message).encode() + b"\n")
    lines.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

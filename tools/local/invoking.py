"""Lambda's own Invoke API: an SDK, `aws lambda invoke` and walletctl call a function here as in an account.

It is of this machine alone: no path of the provider's leads to it. Source: AWS Lambda API Reference, Invoke.
"""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tools.local.front import THROTTLED_SECONDS, Watcher, say
from tools.local.workers import NoneFree, TimedOut, WorkerFailed, Workers

MAX_PAYLOAD_BYTES = 6 * 2**20  # Lambda's own limit
ALIASES = ("live", "$LATEST")  # the template's own, and what every function has

# A name, a part of an ARN or the whole of it, each with or without a version.
_FUNCTION = re.compile(
    r"(?:(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:)?[0-9]{12}:function:)?(?P<name>[A-Za-z0-9_-]+)(?::(?P<qualifier>[^:/]+))?"
)


class _Refused(Exception):
    """What Lambda answers without calling a function."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind

    def response(self) -> Response:
        name = "Message" if self.kind == "ResourceNotFoundException" else "message"  # as Lambda spells them
        return _json(self.status, {"Type": "User", name: str(self)}, {"X-Amzn-ErrorType": self.kind})


def route(pools: Mapping[str, Workers], watcher: Watcher) -> Route:
    """The route of all functions, by the names that template.yaml has for them. The watcher is told of each call."""
    functions = {f"{name.title()}Function": name for name in pools}

    async def invoke(request: Request) -> Response:
        try:
            return await _invoke(request, functions, pools, watcher)
        except _Refused as refused:
            return refused.response()
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it

    return Route("/2015-03-31/functions/{function:path}/invocations", invoke, methods=["POST"])


async def _invoke(
    request: Request, functions: Mapping[str, str], pools: Mapping[str, Workers], watcher: Watcher
) -> Response:
    if {"origin", "sec-fetch-site"} & set(request.headers):  # a page of the internet, in a browser on this machine
        raise _Refused(403, "AccessDeniedException", "No browser may invoke a function")
    name = functions[_function(request, functions)]
    kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
    if kind not in ("RequestResponse", "DryRun"):
        raise _Refused(
            400, "InvalidParameterValueException", f"The local service takes RequestResponse and DryRun, not {kind}"
        )
    payload = await _payload(request)
    event = _event(payload)
    if kind == "DryRun":
        return Response(status_code=204)
    started = time.monotonic()
    try:
        reply = await pools[name].run(event, patience_seconds=THROTTLED_SECONDS)
    except NoneFree as failed:
        raise _Refused(429, "TooManyRequestsException", f"Rate Exceeded: {failed}") from None
    except asyncio.CancelledError:  # the service stops
        raise _Refused(500, "ServiceException", "The local service stops: send the same again") from None
    except WorkerFailed as failed:
        say(name, started, f"the function failed: {failed}")
        watcher.failed(name, payload, str(failed), time.monotonic() - started)
        kind = "Sandbox.Timedout" if isinstance(failed, TimedOut) else "Runtime.ExitError"
        error = {"errorType": kind, "errorMessage": str(failed)}
        return _json(200, error, {"X-Amz-Function-Error": "Unhandled", "X-Amz-Executed-Version": "$LATEST"})
    answer = json.dumps(reply.answer)
    say(name, started, answer)
    if reply.log:  # nothing is said of what only asks what would be done
        watcher.answered(name, payload, reply.log, answer, time.monotonic() - started)
    return _json(200, reply.answer, {"X-Amz-Executed-Version": "$LATEST"})


def _function(request: Request, functions: Mapping[str, str]) -> str:
    named = _FUNCTION.fullmatch(request.path_params["function"])
    if named is None:
        raise _Refused(400, "InvalidParameterValueException", "The name of the function is not one that Lambda takes")
    qualifier, asked = named["qualifier"], request.query_params.get("Qualifier")
    if qualifier and asked and qualifier != asked:
        derived = "The derived qualifier from the function name does not match the specified qualifier."
        raise _Refused(400, "InvalidParameterValueException", derived)
    qualifier = qualifier or asked
    if named["name"] not in functions or (qualifier and qualifier not in ALIASES):
        arn = f"arn:aws:lambda:eu-west-1:000000000000:function:{named['name']}{f':{qualifier}' if qualifier else ''}"
        raise _Refused(404, "ResourceNotFoundException", f"Function not found: {arn}")
    return named["name"]


async def _payload(request: Request) -> bytes:
    payload = bytearray()
    async for chunk in request.stream():
        payload += chunk
        if len(payload) > MAX_PAYLOAD_BYTES:
            most = f"Request must be smaller than {MAX_PAYLOAD_BYTES} bytes for the InvokeFunction operation"
            raise _Refused(413, "RequestTooLargeException", most)
    return bytes(payload)


def _event(payload: bytes) -> Any:
    """What the function gets: without a payload, an empty object."""
    try:
        return json.loads(payload.decode(), parse_constant=_not_json) if payload else {}
    except (ValueError, RecursionError) as error:
        said = f"Could not parse request body into json: {error}"
        raise _Refused(400, "InvalidRequestContentException", said) from None


def _not_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _json(status: int, content: object, headers: Mapping[str, str]) -> Response:
    return Response(json.dumps(content), status, headers, media_type="application/json")

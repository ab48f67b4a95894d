"""The HTTP face: what API Gateway does with a request, for the routes of template.yaml; and Lambda's Invoke API."""

import asyncio
import time
from collections.abc import Mapping

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, request_response
from starlette.types import ASGIApp

from tools.local import invoking
from tools.local.front import THROTTLED_SECONDS, Watcher, say
from tools.local.gateway import proxy_event
from tools.local.template import GatewayResponse, Template
from tools.local.workers import WorkerFailed, Workers

MAX_BODY_BYTES = 10_000_000  # API Gateway's own limit


def service(template: Template, pools: Mapping[str, Workers], watcher: Watcher) -> Starlette:
    """The application that answers every path: a callback's by its function, others as the gateway does.

    Lambda's Invoke API has a path beside them. The watcher is told of each callback and invocation.
    """
    routes, own_answers = template.routes(), template.gateway_responses()

    async def callback(request: Request) -> Response:
        function = routes.get(request.url.path)
        if function is None:
            return _own(own_answers["MISSING_AUTHENTICATION_TOKEN"])
        try:
            body = await _body_of(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        if body is None:
            return _own(own_answers["REQUEST_TOO_LARGE"])
        started = time.monotonic()
        event = proxy_event(
            method=request.method,
            path=request.url.path,
            query=request.url.query,
            headers=request.headers.items(),
            body=body,
            source_ip=request.client.host if request.client else "127.0.0.1",
        )
        try:
            reply = await pools[function].run(event, patience_seconds=THROTTLED_SECONDS)
        except asyncio.CancelledError:  # the service stops: a caller that still waits is told to send again
            return _own(own_answers["DEFAULT_5XX"])
        except WorkerFailed as failed:
            say(function, started, f"the function failed: {failed}")
            watcher.failed(function, body, str(failed), time.monotonic() - started)
            return _own(own_answers["DEFAULT_5XX"])
        answer = reply.answer
        say(function, started, f"{answer['statusCode']} {answer['body']}")
        watcher.answered(function, body, reply.log, answer["body"], time.monotonic() - started)
        return Response(answer["body"], answer["statusCode"], answer["headers"])

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ready"})

    application = Starlette(routes=[Route("/healthz", healthz, methods=["GET"]), invoking.route(pools, watcher)])
    application.router.default = request_response(callback)  # every other path, by whatever method
    return application


def server_of(application: ASGIApp, grace_seconds: int) -> uvicorn.Server:
    """What serves an application, and lets answers end for that long."""
    return uvicorn.Server(
        uvicorn.Config(
            application,
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=grace_seconds,
        )
    )


async def _body_of(request: Request) -> bytes | None:
    """The body's bytes; None as soon as they are more than the gateway takes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _own(answer: GatewayResponse) -> Response:
    return Response(answer.body, answer.status, media_type="application/json")

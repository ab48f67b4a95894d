"""What API Gateway makes of an HTTP request: the proxy event (REST, payload 1.0) that Lambda gets."""

import base64
import time
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl


def proxy_event(
    *, method: str, path: str, query: str, headers: Sequence[tuple[str, str]], body: bytes, source_ip: str
) -> dict[str, Any]:
    """The event of one request; bytes that are no UTF-8 text travel as base64."""
    query_pairs = parse_qsl(query, keep_blank_values=True)
    text, is_base64 = _body_of(body)
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": dict(headers) or None,
        "multiValueHeaders": _grouped(headers),
        "queryStringParameters": dict(query_pairs) or None,  # of a repeated one, the last
        "multiValueQueryStringParameters": _grouped(query_pairs),
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "httpMethod": method,
            "identity": {"sourceIp": source_ip, "userAgent": dict(headers).get("user-agent")},
            "path": f"/local{path}",
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "requestTimeEpoch": int(time.time() * 1000),
            "resourcePath": path,
            "stage": "local",
        },
        "body": text,
        "isBase64Encoded": is_base64,
    }


def _body_of(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def _grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]] | None:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped or None

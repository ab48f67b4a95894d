"""A stand-in until the function is written."""

from typing import Any


def handler(event: Any, context: object) -> Any:
    """Refuses everything."""
    return {"statusCode": 503, "headers": {}, "body": "{}"}

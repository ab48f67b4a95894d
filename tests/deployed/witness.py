"""A handler beside the function's own, which answers as that one does and says where it was."""

import importlib
import sys
from typing import Any

_app = importlib.import_module("app")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return {
        "remaining_milliseconds": context.get_remaining_time_in_millis(),
        "memory_megabytes": int(context.memory_limit_in_mb),
        "status": _app.handler(event, context)["statusCode"],
        "modules": {
            name: module.__file__ for name, module in list(sys.modules.items()) if getattr(module, "__file__", None)
        },
    }

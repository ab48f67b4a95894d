"""What DynamoDB charges for an item, by its published rules: sizes of names and values, begun kilobytes.

Source: the developer guide, "DynamoDB item sizes and formats" and "Read and write operations".
"""

from collections.abc import Mapping
from typing import Any


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """The size of an item as it is on the wire (`{"cash": {"N": "1.5"}}`)."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            digits = content.lstrip("-").replace(".", "").strip("0") or "0"
            return (len(digits) + 1) // 2 + 1 + content.startswith("-")
        case "BOOL" | "NULL":
            return 1
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(inner) for name, inner in content.items())
        case "L":
            return 3 + sum(1 + _value_bytes(inner) for inner in content)
    raise ValueError(f"no size is known of a {kind}")


def write_units(size: int, *, transactional: bool = False) -> int:
    """One for each begun KB; a write within a transaction costs two."""
    return max(1, -(-size // 1024)) * (2 if transactional else 1)


def read_units(size: int) -> int:
    """One for each begun 4 KB, strongly consistent; one for an item that is not there, too."""
    return max(1, -(-size // 4096))

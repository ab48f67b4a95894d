"""Takes out of a laid-out layer what no callback asks of AWS: `python3 trim.py FOLDER SERVICE:CALL,CALL...`.

FOLDER has botocore in it, which brings descriptions of four hundred services, half of the layer's size, and at every
start reads where each of them is in each region, and makes a method of every call. Kept are the services named and
the calls named, without their manuals.
"""

import gzip
import json
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

_OF_ALL_SERVICES = {"_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"}
_OF_A_SERVICE = {"endpoint-rule-set-1.json.gz", "service-2.json.gz"}


def main(folder: Path, calls: Mapping[str, Collection[str]]) -> None:
    described = folder / "botocore" / "data"
    for entry in sorted(described.iterdir()):
        if entry.name in calls:
            _trim(entry, calls[entry.name])
        elif entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name not in _OF_ALL_SERVICES:
            entry.unlink()
    _keep_places(described / "endpoints.json", calls)


def _trim(service: Path, calls: Collection[str]) -> None:
    """A service's newest version: what these calls are, and where they go."""
    *older, newest = sorted(service.iterdir())
    for version in older:
        shutil.rmtree(version)
    for file in newest.iterdir():
        if file.name not in _OF_A_SERVICE:
            file.unlink()
    file = newest / "service-2.json.gz"
    description = _without_manuals(json.loads(gzip.decompress(file.read_bytes())))
    description["operations"] = {name: _addressed_by_name(description["operations"][name]) for name in calls}
    shapes = description["shapes"]
    used = set(_shapes(description["operations"], shapes, set()))
    description["shapes"] = {name: shape for name, shape in shapes.items() if name in used}
    _write_anew(file, gzip.compress(_text(description), mtime=0))


def _addressed_by_name(operation: dict[str, Any]) -> dict[str, Any]:
    """A call's description without where to look in its parameters for an ARN, which might name another endpoint.

    It is looked for in every call, and tables are called by their names here.
    """
    return {name: each for name, each in operation.items() if name != "operationContextParams"}


def _without_manuals(part: Any) -> Any:
    match part:
        case dict():
            # A shape may have a member of that name: only a text is a manual's.
            return {
                name: _without_manuals(each)
                for name, each in part.items()
                if not (name == "documentation" and isinstance(each, str))
            }
        case list():
            return [_without_manuals(each) for each in part]
    return part


def _shapes(part: Any, shapes: Mapping[str, Any], seen: set[str]) -> Iterator[str]:
    """The names of all shapes that a part of a description speaks of, and those of their own parts."""
    match part:
        case {"shape": str(name)} if name not in seen:
            seen.add(name)
            yield name
            yield from _shapes(shapes[name], shapes, seen)
        case dict():
            for each in part.values():
                yield from _shapes(each, shapes, seen)
        case list():
            for each in part:
                yield from _shapes(each, shapes, seen)


def _keep_places(endpoints: Path, services: Collection[str]) -> None:
    places = json.loads(endpoints.read_text())
    for partition in places["partitions"]:
        partition["services"] = {name: each for name, each in partition["services"].items() if name in services}
    _write_anew(endpoints, _text(places))


def _write_anew(file: Path, content: bytes) -> None:
    """Into a file of its own: what an installer laid out may be a link into its cache, and in other environments."""
    file.unlink()
    file.write_bytes(content)


def _text(description: Any) -> bytes:
    return json.dumps(description, separators=(",", ":")).encode()


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        {service: calls.split(",") for service, _, calls in (each.partition(":") for each in sys.argv[2:])},
    )

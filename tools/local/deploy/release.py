"""What the functions are, as ten digits: the template's parameter Release.

A version of a function is published when this changes, and only then: SAM looks at a function's own code, and
neither at the layer, where nearly all of it is, nor at what its environment says. What is no function's (who may
call, how fast, who is told) does not count: it takes effect at once, without a version, and without a canary that an
alarm would roll back.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.local.loops import written_out

DIGITS = 10  # SAM makes them part of a resource's name, and takes no more

# A function's properties that are not part of a version; its code is read where it stands.
_NOT_OF_A_VERSION = frozenset({"CodeUri", "DeploymentPreference", "Events", "ReservedConcurrentExecutions"})


def release(template: Mapping[str, Any], folders: Iterable[Path], parameters: Mapping[str, str]) -> str:
    """A digest of every file in `folders`, and of all that the built `template` and `parameters` say of functions."""
    template = written_out(template)
    functions = _of_functions(template)
    conditions = {name: template["Conditions"][name] for name in sorted(_conditions(functions))}
    defaults = {name: str(each.get("Default", "")) for name, each in template["Parameters"].items()}
    values = {**defaults, **parameters}
    seen = (_references(functions) | _references(conditions)) & values.keys() - {"Release"}
    settings = {name: values[name] for name in seen}
    digest = hashlib.sha256(json.dumps([functions, conditions, settings], sort_keys=True).encode())
    for folder in folders:
        for file in _files(folder):
            content = file.read_bytes()
            digest.update(f"{file.relative_to(folder)} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:DIGITS]


def _of_functions(template: Mapping[str, Any]) -> dict[str, Any]:
    """The functions' properties, those that all share among them."""
    shared = template.get("Globals", {}).get("Function", {})
    properties = {
        name: each["Properties"]
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::Serverless::Function"
    }
    return {
        name: {key: value for key, value in each.items() if key not in _NOT_OF_A_VERSION}
        for name, each in {"shared": shared, **properties}.items()
    }


def _references(value: Any) -> set[str]:
    """What a part of a template refers to."""
    return {each["Ref"] for each in _maps(value) if isinstance(each.get("Ref"), str)}


def _conditions(value: Any) -> set[str]:
    """What a part of a template depends on."""
    return {each["Fn::If"][0] for each in _maps(value) if "Fn::If" in each}


def _maps(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every map in a part of a template, at whatever depth."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _maps(each)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())

"""The loops of template.yaml (Fn::ForEach), written out as CloudFormation writes them out before it makes a stack.

For what cannot read a loop: the local service, checkov, and tests. What is deployed keeps its loops. `python -m
tools.local.loops` prints template.yaml without them.
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.shared.folders import ROOT

_LOOP = "Fn::ForEach::"


def written_out(template: Mapping[str, Any]) -> dict[str, Any]:
    """A template, functions in their long form (`{"Ref": name}`), without its loops."""
    return {section: _written_out(part, {}, template.get("Mappings", {})) for section, part in template.items()}


def _written_out(part: Any, items: Mapping[str, str], maps: Mapping[str, Any]) -> Any:
    """A part of a template inside loops; `items` has each loop's item, by the loop's identifier.

    An item is filled in in keys, in Fn::Sub and in Ref, and nowhere else. Source: Fn::ForEach, AWS's page.
    """
    match part:
        case {"Ref": str(name)} if name in items:
            return items[name]
        case {"Fn::Sub": str(text)}:
            filled = _filled(text, items)
            return filled if "${" not in filled else {"Fn::Sub": filled}
        case {"Fn::Sub": [str(text), variables]}:
            return {"Fn::Sub": [_filled(text, items), _written_out(variables, items, maps)]}
        case {"Fn::FindInMap": keys}:
            match [_written_out(key, items, maps) for key in keys]:
                case [str(name), str(row), str(column)]:
                    return maps[name][row][column]
                case unknown:  # a parameter decides
                    return {"Fn::FindInMap": unknown}
        case dict():
            rows: dict[str, Any] = {}
            for key, value in part.items():
                if key.startswith(_LOOP):
                    identifier, collection, fragment = value
                    for item in collection:
                        rows |= _written_out(fragment, {**items, identifier: item}, maps)
                else:
                    rows[_filled(key, items)] = _written_out(value, items, maps)
            return rows
        case list():
            return [_written_out(each, items, maps) for each in part]
        case _:
            return part


def _filled(text: str, items: Mapping[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda found: items.get(found[1], found[0]), text)


def read() -> dict[str, Any]:
    """All of template.yaml, its loops written out."""
    return written_out(yaml.load((ROOT / "template.yaml").read_text(), _Loader))  # noqa: S506 - a SafeLoader


def read_built(template: Path) -> dict[str, Any]:
    """A template as SAM built it: without loops, every function in its long form."""
    return yaml.load(template.read_text(), _Safe)  # noqa: S506 - a SafeLoader


# libyaml reads the template in 0.02 s, Python's own parser in 0.14 s: a seventh of what the service starts in.
_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Safe):
    """Reads `!Ref name` as `{"Ref": name}`."""


def _long_form(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    match node:
        case yaml.ScalarNode():
            argument: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            argument = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            argument = loader.construct_mapping(node, deep=True)
        case _:
            raise ValueError(f"a YAML node of an unknown sort: {node}")
    if name == "GetAtt" and isinstance(argument, str):
        argument = argument.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": argument}


_Loader.add_multi_constructor("!", _long_form)

if __name__ == "__main__":
    json.dump(read(), sys.stdout, indent=2)

"""Faults in the wallet's own code, planted one at a time: the simulation must find each.

    PYTHONPATH=tests python -m simulation.teeth [--seconds 60] [--processes 2] [ledger store parking callback]

Mechanically, in every function: each condition of a write is left out, each token is lost, each operand of arithmetic
and each side of a comparison is dropped or turned, each call that keeps something is left out, each condition is
negated, and each attribute that is written is forgotten. planted.toml lists what nobody could notice, each with the
reason. The status is 1 if a fault is not found and not listed, or listed and found.
"""

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import json
import multiprocessing
import os
import re
import signal
import sys
import tomllib
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tools.shared.folders import ROOT

from .scenes import SCENES
from .script import draw

MODULES = ("rounds", "calls", "ledger", "chain", "store", "parking", "callback")
LISTED = Path(__file__).with_name("planted.toml")
# What only tells what was done: no money depends on it, and test_callback.py holds what is told.
TELLING = re.compile(r"\breport\.")

Change = Callable[[Any], ast.AST | None]  # of a node: what stands for it; None: nothing


@dataclass(frozen=True, order=True)
class Planted:
    """A fault: where it is, and the line that it changes. `number` tells it from others of its module."""

    module: str
    function: str
    before: str
    after: str
    number: int

    @property
    def change(self) -> tuple[str, str]:
        return f"{self.module}.{self.function}", f"- {self.before}\n+ {self.after}".rstrip()

    def __str__(self) -> str:
        return "\n".join(self.change)


@dataclass(frozen=True)
class Verdict:
    planted: Planted
    found: str | None  # what was seen of it; None if nothing was
    seconds: float


# --- Planting -----------------------------------------------------------------------------------------


@cache
def source(module: str) -> ast.Module:
    return ast.parse((ROOT / "layers/common/wallet" / f"{module}.py").read_text())


def faults_in(module: str) -> Iterator[Planted]:
    """Every fault that is planted in a module."""
    seen: set[tuple[str, str, str]] = set()
    for number, (path, change) in enumerate(_changes(source(module))):
        before, after = _statements(path, change)
        function = ".".join(node.name for node in path if isinstance(node, ast.FunctionDef | ast.ClassDef))
        if before != after and not TELLING.search(before) and (function, before, after) not in seen:
            seen.add((function, before, after))
            yield Planted(module, function, before, after, number)


def with_fault(module: str, number: int) -> ast.Module:
    """The module's code with that fault in it."""
    for position, (path, change) in enumerate(_changes(source(module))):
        if position == number:
            return _changed(source(module), path[-1], change)
    raise ValueError(number)


def _changed(tree: ast.Module, target: ast.AST, change: Change) -> ast.Module:
    """A copy of a tree in which one node is changed."""
    kept: dict[int, Any] = {}
    made = copy.deepcopy(tree, kept)
    to_change = kept[id(target)]

    class Planter(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            return change(node) if node is to_change else self.generic_visit(node)

    return ast.fix_missing_locations(Planter().visit(made))


def _statements(path: list[ast.AST], change: Change) -> tuple[str, ...]:
    """The line of code that a fault changes, before and after."""
    statement = next(node for node in reversed(path) if isinstance(node, ast.stmt))
    wrapped = ast.Module([statement], [])
    before, after = _line(wrapped), _line(_changed(wrapped, path[-1], change))
    # What they have in common is left out, but for a few words around what differs.
    lead, trail = _common(before, after), _common(before[::-1], after[::-1])
    trail = min(trail, len(before) - lead, len(after) - lead)
    start, rest = max(0, lead - 45), max(0, trail - 30)
    return tuple(
        ("…" if start else "") + text[start : len(text) - rest] + ("…" if rest else "") for text in (before, after)
    )


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((position for position, (left, right) in pairs if left != right), min(len(one), len(other)))


def _line(tree: ast.Module) -> str:
    """A statement in one line; of one that holds others, only its head."""
    heads = [copy.copy(statement) for statement in tree.body]
    for head in heads:
        for name in ("body", "orelse", "handlers", "finalbody"):
            if getattr(head, name, None):
                setattr(head, name, [ast.Pass()] if name == "body" else [])
    text = ast.unparse(ast.Module([*heads], []))
    return re.sub(r"\s+", " ", text.removesuffix("pass")).strip()


def _changes(tree: ast.Module) -> Iterator[tuple[list[ast.AST], Change]]:
    """Every node of a function that can be changed, the last of its path, and how."""
    for path in _paths(tree, []):
        for change in _changes_of(path):
            yield path, change


def _paths(node: ast.AST, path: list[ast.AST]) -> Iterator[list[ast.AST]]:
    path = [*path, node]
    in_function = any(isinstance(each, ast.FunctionDef) for each in path)
    if in_function:
        yield path
    for name, child in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "args") and not isinstance(node, ast.Call):
            continue  # types, and names of parameters
        for each in child if isinstance(child, list) else [child]:
            if isinstance(each, ast.AST) and not _is_docstring(each):
                yield from _paths(each, path)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


_TURNED: Mapping[type[ast.AST], Any] = {
    ast.Eq: ast.NotEq(), ast.NotEq: ast.Eq(), ast.Lt: ast.LtE(), ast.LtE: ast.Lt(), ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(), ast.Is: ast.IsNot(), ast.IsNot: ast.Is(), ast.In: ast.NotIn(), ast.NotIn: ast.In(),
    ast.Add: ast.Sub(), ast.Sub: ast.Add(), ast.Mult: ast.Add(), ast.Pow: ast.Mult(), ast.And: ast.Or(),
    ast.Or: ast.And(),
}  # fmt: skip
_OTHER = {"add": "subtract", "subtract": "add", "min": "max", "max": "min"}


def _changes_of(path: list[ast.AST]) -> Iterator[Change]:
    node, parent = path[-1], path[-2]
    match node:
        case ast.Constant(str() as text) if " AND " in text or "attribute_" in text or text.startswith("SET "):
            yield from (_instead(ast.Constant(shorter)) for shorter in _shorter(text))
        case ast.Constant("ALL_OLD"):
            yield _instead(ast.Constant("NONE"))
        case ast.Constant(bool() as value):
            yield _instead(ast.Constant(not value))
        case ast.Constant(int() | float() as value) if not isinstance(parent, ast.Subscript):
            yield _instead(ast.Constant(value + 1))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _TURNED:
            yield _instead(left)
            yield _instead(right)
            yield lambda each: ast.BinOp(each.left, _TURNED[type(each.op)], each.right)
        case ast.Compare(ops=[op]) if type(op) in _TURNED:
            yield lambda each: ast.Compare(each.left, [_TURNED[type(each.ops[0])]], each.comparators)
        case ast.BoolOp(values=values):
            for position in range(len(values)):
                yield lambda each, position=position: _without(each, "values", position)
            yield lambda each: ast.BoolOp(_TURNED[type(each.op)], each.values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield _instead(operand)
        case ast.IfExp(body=body, orelse=orelse):
            yield _instead(body)
            yield _instead(orelse)
        case ast.Call(func=ast.Attribute(attr="uuid4")):
            yield _instead(ast.parse("uuid.UUID(int=7)", mode="eval").body)
        case ast.Call(func=ast.Name(name) | ast.Attribute(attr=name), args=[*args], keywords=keywords):
            if name in _OTHER and args:
                yield from (_instead(arg) for arg in args if not isinstance(arg, ast.GeneratorExp))
                yield lambda each: _renamed(each, _OTHER)
            for position in range(len(keywords)):
                yield lambda each, position=position: _without(each, "keywords", position)
        case ast.Dict(keys=keys):
            for position in range(len(keys)):
                yield lambda each, position=position: _without(_without(each, "keys", position), "values", position)
        case ast.If(test=test) | ast.While(test=test) if isinstance(test, ast.Name | ast.Attribute | ast.Call):
            yield lambda each: _with_test(each, ast.UnaryOp(ast.Not(), each.test))
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.AugAssign() | ast.Continue():
            yield _instead(ast.Pass())
        case ast.Return(value=ast.Call()) if _returns_bool(path):
            yield _instead(ast.Return(ast.Constant(True)))
            yield _instead(ast.Return(ast.Constant(False)))
        case _:
            pass


def _shorter(text: str) -> Iterator[str]:
    """A condition without each of its parts, or a change without each of what it sets."""
    verb, between = ("SET ", ", ") if text.startswith("SET ") else ("", " AND ")
    parts = text.removeprefix(verb).split(between)
    lead = " AND " if text.startswith(" AND ") else ""
    parts = [part for part in parts if part]
    for position in range(len(parts)):
        left = between.join(part for other, part in enumerate(parts) if other != position)
        if left or not verb:
            yield verb + (lead if left else "") + left


def _instead(node: ast.AST) -> Change:
    return lambda _: copy.deepcopy(node)


def _without(node: Any, field: str, position: int) -> Any:
    values = [value for other, value in enumerate(getattr(node, field)) if other != position]
    setattr(node, field, values)
    return node.values[0] if isinstance(node, ast.BoolOp) and len(values) == 1 else node


def _renamed(call: Any, names: Mapping[str, str]) -> Any:
    key = "id" if isinstance(call.func, ast.Name) else "attr"
    setattr(call.func, key, names[getattr(call.func, key)])
    return call


def _with_test(node: Any, test: ast.expr) -> Any:
    node.test = test
    return node


def _returns_bool(path: list[ast.AST]) -> bool:
    function = next(node for node in reversed(path) if isinstance(node, ast.FunctionDef))
    return isinstance(function.returns, ast.Name) and function.returns.id == "bool"


# --- Looking for it -----------------------------------------------------------------------------------


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Has a module of the wallet be the one with a fault in it."""

    def __init__(self, module: str, code: ast.Module) -> None:
        self._name, self._code = f"wallet.{module}", code

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> Any:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._code, self._name, "exec"), vars(module))  # noqa: S102 - the wallet's own code


def look_for(planted: Planted, seconds: float) -> Verdict:
    """Plays scripts until the fault is seen. In a process of its own: the wallet must not be imported yet."""
    import time

    assert "wallet.callback" not in sys.modules
    sys.meta_path.insert(0, _Finder(planted.module, with_fault(planted.module, planted.number)))
    began = time.process_time()

    def give_up(*_: Any) -> None:
        raise TimeoutError("it never ends")

    signal.signal(signal.SIGVTALRM, give_up)
    found: str | None = None
    try:
        from .world import play

        for scene in SCENES.values():
            play(scene)
        seed = 0
        while time.process_time() - began < seconds:
            signal.setitimer(signal.ITIMER_VIRTUAL, 10)  # a script takes a tenth of a second
            play(draw(seed))
            seed += 1
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1].name
        found = f"{type(error).__name__} in {place}: {error}"
    return Verdict(planted, found, time.process_time() - began)


def _preload() -> None:
    """What every child needs, without the wallet."""
    import aws_lambda_powertools  # noqa: F401
    import botocore.session  # noqa: F401
    import pydantic  # noqa: F401
    import snapshot_restore_py  # noqa: F401

    from tools.local.template import Template

    from . import world  # noqa: F401

    Template.load()


def main() -> int:
    options = argparse.ArgumentParser(
        prog="python -m simulation.teeth", description="Plants faults in the wallet's code."
    )
    options.add_argument("--seconds", type=float, default=60, help="processor time for each fault")
    options.add_argument("--processes", type=int, default=os.cpu_count(), help="how many at a time")
    options.add_argument("modules", nargs="*", choices=[[], *MODULES])
    asked = options.parse_args()
    _preload()
    faults = [fault for module in asked.modules or MODULES for fault in faults_in(module)]
    unnoticed = dict(listed())
    print(f"{len(faults)} faults, up to {asked.seconds:g} s each", flush=True)
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with multiprocessing.get_context("fork").Pool(asked.processes, maxtasksperchild=1) as pool:
        looking = (
            (fault, asked.seconds if fault.change not in unnoticed else min(asked.seconds, 5)) for fault in faults
        )
        for verdict in pool.imap_unordered(_look_for, looking, chunksize=1):
            kind = "found" if verdict.found else "listed" if verdict.planted.change in unnoticed else "not found"
            counts[kind] += 1
            counts["slowest"] = max(counts["slowest"], round(verdict.seconds) if verdict.found else 0)
            if kind == "not found" or (verdict.found and verdict.planted.change in unnoticed):
                wrong.append(f"{kind}:\n{verdict.planted}" + (f"\n  {verdict.found}" if verdict.found else ""))
                print(wrong[-1], flush=True)
    gone = unnoticed.keys() - {fault.change for fault in faults} if not asked.modules else set[tuple[str, str]]()
    wrong += [f"listed, and not planted any more:\n{function}\n{change}" for function, change in gone]
    print(json.dumps(counts), *wrong[len(wrong) - len(gone) :], sep="\n")
    return 1 if wrong else 0


def _look_for(asked: tuple[Planted, float]) -> Verdict:
    return look_for(*asked)


def listed() -> Iterator[tuple[tuple[str, str], str]]:
    """What nobody could notice, and why."""
    if LISTED.exists():
        for entry in tomllib.loads(LISTED.read_text())["unnoticed"]:
            for change in entry["changes"].strip().split("\n\n"):
                yield (entry["function"], change), entry["because"]


if __name__ == "__main__":
    sys.exit(main())

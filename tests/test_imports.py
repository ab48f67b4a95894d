"""Who may import whom: the contracts of pyproject.toml, and that each of them can be broken."""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter import api
from importlinter.application.use_cases import lint_imports

from conftest import ROOT

LAYER = ROOT / "layers" / "common" / "wallet"
CONFIGURATION = api.read_configuration(str(ROOT / "pyproject.toml"))
CONTRACTS: dict[str, dict[str, Any]] = {contract["id"]: contract for contract in CONFIGURATION["contracts_options"]}


def is_kept(contract: dict[str, Any], folder: Path) -> bool:
    """Whether the code keeps an import contract. `folder` is to write its configuration to."""
    configuration = folder / "contract.toml"
    configuration.write_text(
        f"[tool.importlinter]\n{toml(CONFIGURATION['session_options'])}\n"
        f"[[tool.importlinter.contracts]]\n{toml(contract)}\n"
    )
    # In debug mode a contract that cannot be checked is an error, and not one that is broken.
    return lint_imports(str(configuration), cache_dir=None, is_debug_mode=True, no_logo=True)


def toml(options: dict[str, Any]) -> str:
    # Texts and lists of texts are written alike in JSON and TOML.
    return "\n".join(f"{name} = {json.dumps(value)}" for name, value in options.items())


@pytest.mark.parametrize("name", CONTRACTS)
def test_imports_keep_their_contract(name: str, tmp_path: Path) -> None:
    assert is_kept(CONTRACTS[name], tmp_path)


def test_imports_the_other_way_round_would_be_noticed(tmp_path: Path) -> None:
    upside_down = CONTRACTS["one-way"]["layers"][::-1]

    assert not is_kept(CONTRACTS["one-way"] | {"layers": upside_down}, tmp_path)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("nothing-local", {"forbidden_modules": ["wallet.money"]}),
        ("floors", {"layers": ["shared", "provider", "local", "walletctl", "console | proofs", "programs"]}),
        (
            "walletctl",
            {
                "layers": [
                    "log | names | tables",
                    "place",
                    "parked | verify",
                    "export | reconcile | records",
                    "find | ledger | players | proving",
                    "playing",
                ]
            },
        ),
        ("proofs", {"source_modules": ["tools.local"]}),
        ("provider", {"source_modules": ["tools.local"]}),
        ("verify", {"source_modules": ["tools.walletctl.parked"]}),
        ("console", {"source_modules": ["tools.local"]}),
        ("export", {"source_modules": ["tools.walletctl.parked"]}),
        ("no-callbacks", {"source_modules": ["functions"], "forbidden_modules": ["wallet"]}),
        ("pydantic", {"allowed_importers": ["wallet.store"]}),
        ("aws", {"allowed_importers": ["wallet.wire", "tools"]}),
    ],
)
def test_a_forbidden_import_would_be_noticed(name: str, changes: dict[str, Any], tmp_path: Path) -> None:
    assert not is_kept(CONTRACTS[name] | changes, tmp_path)


def test_every_module_of_the_layer_stands_in_the_order() -> None:
    ordered = " ".join(CONTRACTS["one-way"]["layers"])

    for module in LAYER.glob("*.py"):
        assert module.stem == "__init__" or f"wallet.{module.stem}" in ordered


def test_every_function_stands_in_the_order_and_knows_no_other() -> None:
    (functions, *_) = CONTRACTS["one-way"]["layers"]

    folders = sorted(app.parent.name for app in (ROOT / "functions").glob("*/app.py"))
    assert sorted(functions.split(" | ")) == [f"functions.{folder}" for folder in folders]
    assert len(folders) == 9


@pytest.mark.parametrize("module", ["ledger", "money", "errors"])
def test_the_domain_stands_on_the_standard_library_alone(module: str) -> None:
    graph = grimp.build_graph("wallet", include_external_packages=True, cache_dir=None)

    imported = graph.find_modules_directly_imported_by(f"wallet.{module}")
    assert imported, "nothing was looked at"
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names | {"wallet"}


def test_the_contracts_program_shares_no_code_with_what_it_judges() -> None:
    assert set(imports_of(ROOT / "tests" / "contract.py")) <= sys.stdlib_module_names | {"collections.abc"}


@pytest.mark.parametrize("module", ["store", "trust"])
def test_of_the_sdk_only_what_it_raises_is_known_beyond_its_clients(module: str) -> None:
    of_the_sdk = {name for name in imports_of(LAYER / f"{module}.py") if name.startswith(("boto3", "botocore"))}

    assert of_the_sdk == {"botocore.exceptions"}


def test_a_function_imports_the_layer_and_nothing_else() -> None:
    # Not through the import graph: it must hold for whatever a function may come to import.
    for app in (ROOT / "functions").rglob("*.py"):
        outside = {name for name in imports_of(app) if name.partition(".")[0] not in sys.stdlib_module_names}
        assert {name.partition(".")[0] for name in outside} == {"wallet"}


def test_a_function_is_its_own_program_and_no_package() -> None:
    # Lambda imports `app` from the function's folder; a package would be another module of that name.
    assert list((ROOT / "functions").rglob("__init__.py")) == []


def imports_of(source: Path) -> Iterator[str]:
    """Every module a file imports, wherever in it, by its full name."""
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=module, level=level):
                yield "." * level + (module or "")


def test_the_provider_s_stand_in_needs_neither_the_sdk_nor_this_checkout() -> None:
    graph = grimp.build_graph("tools", include_external_packages=True, cache_dir=None)
    modules = {module for module in graph.modules if module.startswith("tools.provider.")}

    imported = {each for module in modules for each in graph.find_modules_directly_imported_by(module)}
    assert "aiohttp" in imported, "nothing was looked at"
    assert imported & {"boto3", "botocore", "tools.shared.folders"} == set()


# --- One name, one meaning --------------------------------------------------------------------------


def test_a_class_name_means_one_thing() -> None:
    defined: dict[str, list[str]] = {}
    for path in (path for room in ("layers", "functions", "tools") for path in (ROOT / room).rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                defined.setdefault(node.name, []).append(str(path.relative_to(ROOT)))

    assert {name: paths for name, paths in defined.items() if len(paths) > 1} == {}


# --- A command is called, and not imported ----------------------------------------------------------


def test_nothing_but_a_program_imports_a_command() -> None:
    """What a command decides lies beside what it reads, so that whoever needs it has no command line with it."""
    graph = grimp.build_graph("tools", cache_dir=None)
    commands = {
        module
        for module in graph.modules
        if module.endswith(".command") or re.search(r"@asks_where|asks_where,", source_of(module))
    }
    programs = {f"{module}.__main__" for module in graph.modules} | {
        module for module in graph.modules if module.startswith("tools.programs")
    }

    assert "tools.walletctl.parked.redrive" in commands
    assert {
        (importer, command)
        for command in commands
        for importer in graph.find_modules_that_directly_import(command)
        if importer not in programs
    } == set()


def source_of(module: str) -> str:
    path = ROOT / module.replace(".", "/")
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()

"""Plants faults in the money path one by one, and shows which of them no test notices.

`make mutants` runs it. mutmut plants faults inside functions, in a copy of the code; those it cannot
make (in constants, in properties, in the text of a condition) stand in `tests/mutants.toml`, and so do
the faults that no test has to notice, each with its reason. Exits with 1 if a test lets another pass.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[2]
STAGE = ROOT / ".local" / "mutants"
MODULES = ("money", "ledger", "store", "parking", "trust")
BESIDE_THE_LAYER = ("functions", "tools", "events", "tests", "docs", "template.yaml", "pyproject.toml")
WRITTEN_SECONDS = 300  # the tests of one file take a tenth of it

# By mutmut's exit code of a mutant. Any other (a crash, an interrupted run) tells nothing, and ends the run.
_KILLED, _SURVIVED, _TIMED_OUT = frozenset({1, 3}), frozenset({0, 33}), frozenset({36, 24, -24, 152, 255})


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault: in which function, and the lines it takes out (`- `) and puts in (`+ `), unindented.

    Not mutmut's number, which another line above would change.
    """

    function: str  # such as store.Store.settle
    change: str

    @property
    def module(self) -> str:
        return self.function.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.function}\n{self.change}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFault:
    """A fault written by hand: `instead` stands for `line`, wherever that is in `file`."""

    fault: str
    file: str
    line: str
    instead: str
    tests: Sequence[str]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--processes", type=int, default=os.cpu_count(), help="how many mutants at a time")
    options.add_argument("only", nargs="*", choices=[[], *MODULES, "written"], help="these modules, or what is written")
    arguments = options.parse_args()
    catalogue = tomllib.loads((ROOT / "tests" / "mutants.toml").read_text())
    accepted = dict(_accepted(catalogue))
    counts: dict[str, Counter[str]] = {}
    problems: list[str] = []
    for part in arguments.only or (*MODULES, "written"):
        counts[part] = Counter()
        if part == "written":
            problems += _written([WrittenFault(**written) for written in catalogue["written"]], counts[part])
        else:
            problems += _planted(part, accepted, arguments.processes, counts[part])
    _print_table(counts)
    if problems:
        print("\nWhat stands in the way:", *problems, sep="\n\n")
        sys.exit(1)


def _accepted(catalogue: dict[str, Any]) -> Iterator[tuple[Mutant, str]]:
    """Each accepted mutant and why."""
    for entry in catalogue["accepted"]:
        for change in entry["changes"].strip().split("\n\n"):
            yield Mutant(entry["function"], change), entry["because"]


# --- Planted by mutmut ------------------------------------------------------------------------------


def _planted(module: str, accepted: dict[Mutant, str], processes: int, count: Counter[str]) -> list[str]:
    """What stands in the way of a module: mutants that survive its own tests, and accepted ones that do not."""
    folder = STAGE / module
    _stage(folder, "src")  # mutmut takes what is below src for the module's own name
    settings = folder / "pyproject.toml"
    settings.write_text(settings.read_text().replace("MODULE", module))
    print(f"\n{module}.py")
    _mutmut(folder, "run", "--max-children", str(processes))
    verdicts = json.loads((folder / "mutants" / "src" / "wallet" / f"{module}.py.meta").read_text())["exit_code_by_key"]
    survivors = []
    unused = {mutant for mutant in accepted if mutant.module == module}
    for name, exit_code in verdicts.items():
        count["mutants"] += 1
        if exit_code in _KILLED:
            count["killed"] += 1
        elif exit_code in _TIMED_OUT:
            count["timed out"] += 1
        elif exit_code in _SURVIVED:
            mutant = _mutant(folder, name)
            count["accepted" if mutant in accepted else "survived"] += 1
            unused.discard(mutant)
            if mutant not in accepted:
                survivors.append(str(mutant))
        else:
            _fail(f"{name} ended with {exit_code}, which is no verdict")
    # An accepted mutant cannot be noticed: if one is killed, the list is out of date, or a test fails by itself.
    return survivors + [f"Accepted, but killed or gone: {mutant}" for mutant in sorted(unused, key=str)]


def _mutant(folder: Path, name: str) -> Mutant:
    """The mutant that mutmut calls such as `wallet.store.xǁStoreǁsettle__mutmut_7`."""
    module, _, mangled = name.partition("__mutmut_")[0].rpartition(".")
    function = mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    shown = _mutmut(folder, "show", name, capture_output=True).splitlines()
    changed = [line for line in shown if re.match(r"[-+](?![-+]{2} )", line)]
    change = "\n".join(f"{line[0]} {line[1:].strip()}" for line in changed)
    return Mutant(f"{module.removeprefix('wallet.')}.{function}", change)


def _mutmut(folder: Path, *arguments: str, capture_output: bool = False) -> str:
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    finished = subprocess.run(  # noqa: S603 - our own environment's mutmut
        command, cwd=folder, env=_environment(), text=True, capture_output=capture_output, check=False
    )
    if finished.returncode:
        _fail(f"mutmut {arguments[0]} ended with {finished.returncode}")
    return finished.stdout or ""


# --- Written by hand --------------------------------------------------------------------------------


def _written(written: Sequence[WrittenFault], count: Counter[str]) -> list[str]:
    _stage(STAGE / "written", "layers/common")
    survivors = []
    for number, each in enumerate(written, 1):
        print(f"{number}/{len(written)} {each.fault}: ", end="", flush=True)
        verdict, by = _verdict(each)
        print(verdict, by)
        count["mutants"] += 1
        count[verdict] += 1
        if verdict == "survived":
            survivors.append(f"{each.fault}\n{each.file}\n- {each.line}\n+ {each.instead}")
    return survivors


def _verdict(written: WrittenFault) -> tuple[str, str]:
    """What became of a fault, and the first test that noticed it."""
    path = STAGE / "written" / written.file
    original = path.read_text()
    if written.line not in original:
        _fail(f"{written.file} does not have this: {written.line}")
    path.write_text(original.replace(written.line, written.instead))
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", *written.tests]
    try:
        finished = subprocess.run(  # noqa: S603 - our own environment's pytest
            command, cwd=STAGE / "written", env=_environment(), capture_output=True, text=True,
            timeout=WRITTEN_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "timed out", ""
    finally:
        path.write_text(original)
    if finished.returncode not in (0, 1):
        _fail(f"pytest ended with {finished.returncode}, which is no verdict:\n{finished.stdout}")
    if finished.returncode == 0:
        return "survived", ""
    noticed = re.search(r"^(?:FAILED|ERROR) \S*::(\w+)", finished.stdout, re.MULTILINE)
    return "killed", f"by {noticed[1]}" if noticed else ""


# --- Both -------------------------------------------------------------------------------------------


def _stage(folder: Path, sources: str) -> None:
    """A copy of all that the tests need, the layer's modules under `sources`."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / sources).mkdir(parents=True)
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "layers" / "common" / "wallet", folder / sources / "wallet", ignore=unwanted)
    for name in BESIDE_THE_LAYER:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
        else:
            shutil.copy2(ROOT / name, folder)


def _environment() -> dict[str, str]:
    # Nothing of the checkout's own: neither its modules nor their bytecode.
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return own | {"PYTHONPYCACHEPREFIX": str(STAGE / "bytecode")}


def _print_table(counts: dict[str, Counter[str]]) -> None:
    columns = ("mutants", "killed", "timed out", "accepted", "survived")
    print("\n" + " " * 16 + "".join(f"{column:>11}" for column in columns))
    for name, count in [*counts.items(), ("in all", sum(counts.values(), Counter[str]()))]:
        print(f"{name:16}" + "".join(f"{count[column]:11}" for column in columns))


def _fail(reason: str) -> NoReturn:
    sys.exit(f"mutants: {reason}")


if __name__ == "__main__":
    main()

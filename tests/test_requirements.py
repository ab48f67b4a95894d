"""What is installed: exactly what was pinned, from wherever packages come from."""

import re
from pathlib import Path

import pytest

from conftest import ROOT

LAYER = ROOT / "layers" / "common" / "requirements.txt"
PINNED = [LAYER, *sorted((ROOT / "requirements").glob("*.txt"))]

every_file = pytest.mark.parametrize("file", PINNED, ids=lambda file: f"{file.parent.name}/{file.stem}")


def requirements(file: Path) -> list[str]:
    """Each requirement of a file as one line, without comments."""
    joined = re.sub(r"\\\n\s*", "", re.sub("(?m)^ *#.*\n", "", file.read_text()))
    return joined.splitlines()


@every_file
def test_a_package_is_pinned_to_one_version_and_its_content(file: Path) -> None:
    assert requirements(file)

    for line in requirements(file):
        assert re.fullmatch(r"[a-z0-9-]+==[A-Za-z0-9.+!]+( ; [^#]+?)?( ?--hash=sha256:[0-9a-f]{64})+", line), line


@every_file
def test_no_package_has_a_place_it_must_come_from(file: Path) -> None:
    # Whoever installs them may have an index of their own. Options stand in no line of their own: see above.
    assert not re.search("://|--(extra-)?index|--find-links|--trusted-host", file.read_text())


@every_file
def test_what_was_asked_for_is_pinned(file: Path) -> None:
    asked = re.findall("(?m)^[a-z][a-z0-9-]*", file.with_suffix(".in").read_text())
    pinned = {line.partition("==")[0] for line in requirements(file)}

    assert asked
    assert set(asked) <= pinned


def test_every_file_is_pinned_anew_by_make_lock() -> None:
    (names,) = re.findall(r"cd requirements && for name in ([a-z ]+); do", (ROOT / "Makefile").read_text())

    assert sorted(names.split()) == sorted(file.stem for file in (ROOT / "requirements").glob("*.in"))
    assert sorted(names.split()) == sorted(file.stem for file in PINNED if file != LAYER)


@pytest.mark.parametrize("name", ["local", "dev", "mutants"])
def test_the_layer_is_tested_with_the_packages_it_is_deployed_with(name: str) -> None:
    layer = {line.partition(" ")[0] for line in requirements(LAYER)}

    assert layer <= {line.partition(" ")[0] for line in requirements(ROOT / "requirements" / f"{name}.txt")}


def test_the_layer_leaves_snapshots_to_lambda_s_own_copy_of_their_library() -> None:
    # The runtime runs what was registered with its own; with another in the layer, nothing would be.
    assert "snapshot" not in LAYER.read_text()
    assert not list((ROOT / "layers").rglob("snapshot_restore_py*"))

"""What is installed: exactly what was pinned, from wherever packages come from."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import contract
from conftest import ROOT
from stack import WINS
from tools.local.template import Template

LAYER = ROOT / "layers" / "common" / "requirements.txt"
PINNED = [LAYER, *sorted((ROOT / "requirements").glob("*.txt"))]

CALLBACKS = sorted(function.name for function in Template.load().callbacks())

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


@pytest.mark.parametrize("name", ["local", "dev"])
def test_the_layer_is_tested_with_the_packages_it_is_deployed_with(name: str) -> None:
    layer = {line.partition(" ")[0] for line in requirements(LAYER)}

    assert layer <= {line.partition(" ")[0] for line in requirements(ROOT / "requirements" / f"{name}.txt")}


def test_the_layer_leaves_snapshots_to_lambda_s_own_copy_of_their_library() -> None:
    # The runtime runs what was registered with its own; with another in the layer, nothing would be.
    assert "snapshot" not in LAYER.read_text()
    assert not list((ROOT / "layers").rglob("snapshot_restore_py*"))


# --- What a newcomer looks for ----------------------------------------------------------------------


def test_the_licence_is_the_one_that_the_project_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "LICENSE").read_text()

    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "Copyright 2026 the Lucky Monaco wallet maintainers" in text


def test_a_hook_runs_a_tool_of_the_projects_own_environment_and_downloads_nothing() -> None:
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]

    assert [repository["repo"] for repository in repositories] == ["local"]
    hooks = repositories[0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    checks = (ROOT / "Makefile").read_text()
    for hook in hooks:
        program = shlex.split(hook["entry"])[0]
        assert os.access(ROOT / program, os.X_OK), program
        assert program in checks  # `make check` looks at no less


def test_types_are_checked_before_a_push_and_what_is_quick_before_a_commit() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    stages = {hook["id"]: hook.get("stages", config["default_stages"]) for hook in config["repos"][0]["hooks"]}

    assert stages.pop("pyright") == ["pre-push"]
    assert stages
    assert set(map(tuple, stages.values())) == {("pre-commit",)}


def test_clean_removes_the_hooks_that_were_installed(tmp_path: Path) -> None:
    """A hook that is left behind refuses every commit, since its environment is gone."""
    for name in ("Makefile", ".pre-commit-config.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (install,) = re.findall(r"(?m)^hooks:.*\n\t@(.+)$", (ROOT / "Makefile").read_text())

    assert run_in(tmp_path, "git init") == []
    assert run_in(tmp_path, install) == ["pre-commit", "pre-push"]
    assert run_in(tmp_path, "make clean") == []
    assert not (tmp_path / ".venv").exists()
    assert run_in(tmp_path, "make clean") == []


def run_in(repository: Path, command: str) -> list[str]:
    """Runs the command, and returns the hooks that the repository then has."""
    outer = ("GIT_", "MAKE", "MFLAGS")  # of a git or a make that runs the tests
    environment = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    # A hook of a person's own template is not installed.
    environment |= {"GIT_TEMPLATE_DIR": "", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(  # noqa: S603 - our own words
        shlex.split(command), cwd=repository, env=environment, check=True, capture_output=True
    )
    return sorted(file.name for file in (repository / ".git" / "hooks").glob("*"))


def test_the_workflow_runs_what_runs_here() -> None:
    (job,) = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"].values()

    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_what_the_workflow_uses_is_named_where_it_is_not_pinned_by_content() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    used = [step["uses"].partition("@") for step in job["steps"] if "uses" in step]
    said = (ROOT / "SECURITY.md").read_text()

    assert used
    for action, _, version in used:
        assert re.fullmatch("[0-9a-f]{40}", version) or f"`{action}`" in said
    assert workflow["permissions"] == {"contents": "read"}
    (checkout,) = (step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"]["persist-credentials"] is False


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_prose_is_wrapped(page: str) -> None:
    """A line that is left over from a merge is longer than the others. Tables and what is printed are not wrapped."""
    prose = re.sub(r"(?ms)^ *```.*?^ *```$", "", (ROOT / page).read_text())

    assert [line for line in prose.splitlines() if len(line) > 125 and not line.lstrip().startswith("|")] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_a_page_names_files_and_targets_that_are_there(page: str) -> None:
    text = (ROOT / page).read_text()
    targets = set(re.findall(r"(?m)^([a-z-]+):.*##", (ROOT / "Makefile").read_text()))

    assert set(re.findall(r"\bmake ([a-z-]+)", "\n".join(re.findall("`([^`]+)`", text)))) <= targets
    named = re.findall(r"(?<!docs/)\b(?:tests|tools|functions)/[\w/]+(?:\.\w+)?", text)
    assert [name for name in named if "NAME" not in name and not (ROOT / name).exists()] == []


def test_the_steps_to_add_a_callback_name_every_tool_that_knows_the_callbacks() -> None:
    (step,) = re.findall(r"(?ms)^5\. \*\*The tools\*\*.*?(?=^6\.)", STEPS)
    files = {file for file in (ROOT / "tools").rglob("*.*") if set(WINS) <= texts_of(file)}

    named = [(ROOT / name) for name in re.findall("`(tools/[^`]+)`", step)]
    assert len(files) > len(WINS)
    assert {".py", ".sql"} <= {file.suffix for file in files}
    assert [file for file in files if not any(file.is_relative_to(name) for name in named)] == []
    assert [name for name in named if not any(file.is_relative_to(name) for file in files)] == []


def test_the_steps_to_add_a_callback_name_the_contract_and_what_operators_read() -> None:
    pages = {file for file in (ROOT / "docs" / "operating").rglob("*.*") if set(CALLBACKS) <= texts_of(file)}

    assert Template.load().routes() == contract.PATHS
    assert set(contract.MANDATORY) == set(contract.OPTIONAL) == set(CALLBACKS)
    assert pages
    for file in (ROOT / "tests" / "contract.py", *pages):
        assert file.relative_to(ROOT).as_posix() in STEPS
    assert {"`PATHS`", "`MANDATORY`", "`OPTIONAL`"} <= set(re.findall("`[A-Z]+`", STEPS))


(STEPS,) = re.findall(r"(?ms)^## Add a callback.*?(?=^## )", (ROOT / "CONTRIBUTING.md").read_text())


def texts_of(file: Path) -> set[str]:
    """The texts in a Python file, and the words in a query, a page or a template."""
    if file.suffix != ".py":
        is_read = file.suffix in (".sql", ".md", ".json", ".html", ".jinja")
        return set(re.findall("[a-z]+", file.read_text())) if is_read else set()
    nodes = ast.walk(ast.parse(file.read_text()))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_the_callback_to_copy_is_the_shortest() -> None:
    (copied,) = re.findall(r"Copy\s+\[(functions/[a-z]+/app\.py)\]", (ROOT / "CONTRIBUTING.md").read_text())

    assert ROOT / copied == min((ROOT / "functions").glob("*/app.py"), key=lambda file: len(file.read_text()))

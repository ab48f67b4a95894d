"""The project as a package: what someone installs who has neither AWS nor this checkout."""

import os
import re
import subprocess
import sys
import textwrap
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

from certify.rival import Rival, serving
from conftest import ROOT

# What the extra `provider` does not bring.
_ABSENT = ("boto3", "botocore", "duckdb", "httpx", "yaml", "starlette", "uvicorn", "aws_lambda_powertools")
# What the extra does bring.
_OF_THE_EXTRA = ("aiohttp", "jinja2")
_RUN = """
    import sys

    class Absent:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {absent!r}:
                raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

    sys.meta_path.insert(0, Absent())
    sys.path.insert(0, {package!r})
    from tools.programs.walletctl import main
    import tools
    assert tools.__file__.startswith({package!r}), tools.__file__
    main()
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder / "package")
    return folder / "package"


def walletctl(
    package: Path,
    *arguments: str,
    absent: Sequence[str] = _ABSENT,
    python: str = sys.executable,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    code = textwrap.dedent(_RUN).format(absent=tuple(absent), package=str(package))
    return subprocess.run(  # noqa: S603 - ourselves
        [python, "-I", "-c", code, *arguments], cwd=package, capture_output=True, text=True, check=False,
        timeout=60, env=os.environ | environment,
    )  # fmt: skip


def test_the_provider_s_commands_run_without_aws_and_without_this_checkout(package: Path) -> None:
    with serving(Rival()) as url:
        certified = walletctl(package, "certify", url, "--player", "421", "--group", "credit")
        played = walletctl(package, "simulate", "--url", url, "--player", "421=USD", "--minutes", "0.02")

    assert certified.returncode == 0, certified.stderr
    assert "18 cases leave about " in certified.stderr, "what each case leaves is in the package, too"
    assert " passed, 0 failed, 0 not tried" in certified.stdout
    assert played.returncode == 0, played.stderr
    assert list(package.glob("provider-report-*.csv"))


def test_the_package_has_nothing_that_is_of_a_checkout_alone(package: Path) -> None:
    rooms = {path.parent.relative_to(package).as_posix() for path in package.rglob("*.py")}

    assert {"/".join(room.split("/")[:2]) for room in rooms} == {
        "tools", "tools/programs", "tools/provider", "tools/shared", "tools/walletctl"
    }  # fmt: skip
    assert [path.name for path in (package / "tools").iterdir() if path.is_file()] == ["__init__.py"]


@pytest.mark.parametrize(
    "arguments", [("verify", "421", "--stack", "prod"), ("console",), ("players", "list"), ("find", "--help")]
)
def test_a_command_that_is_not_in_the_package_says_so_in_one_line(package: Path, arguments: Sequence[str]) -> None:
    ended = walletctl(package, *arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "walletctl: this installation can only certify, and simulate with --url: for everything else use a checkout\n"
    )


@pytest.mark.parametrize("arguments", [(), ("--port", "3410"), ("--local", "--player", "421")])
def test_a_package_does_not_look_for_a_local_service(package: Path, arguments: Sequence[str]) -> None:
    ended = walletctl(package, "simulate", *arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "walletctl: only a checkout can find a local service: name the wallet's address with --url\n"
    )


@pytest.mark.parametrize("missing", _OF_THE_EXTRA)
def test_what_the_extra_brings_is_named_with_the_extra(package: Path, missing: str) -> None:
    ended = walletctl(package, "certify", "http://127.0.0.1:9", "--player", "421", absent=(*_ABSENT, missing))

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"walletctl: this needs {missing}, which is not installed: pip install 'lucky-monaco-wallet[provider]'\n"
    )


def test_what_no_extra_brings_is_of_a_checkout(package: Path) -> None:
    ended = walletctl(package, "simulate", "--stack", "prod", "--player", "421")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "walletctl: this needs boto3, which is not installed: use a checkout\n"


def test_a_shell_calls_the_program_of_the_environment_that_it_is_installed_in(package: Path, tmp_path: Path) -> None:
    environment = tmp_path / "an environment"
    (environment / "bin").mkdir(parents=True)
    for name in ("pyvenv.cfg", "lib", "bin/python"):
        (environment / name).symlink_to(Path(sys.prefix) / name)

    ended = walletctl(package, "completion", "bash", python=str(environment / "bin" / "python"))

    assert ended.stderr == ""
    assert f"complete_bash '{environment}/bin/walletctl'" in ended.stdout


@pytest.mark.parametrize("words", ["walletctl certify --pl", "walletctl verify --pl"])
def test_a_shell_completes_also_what_is_not_in_the_package(package: Path, words: str) -> None:
    *before, _ = words.split()
    ended = walletctl(
        package, _WALLETCTL_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(before)),
        COMP_LINE=words, COMP_POINT=str(len(words)),
    )  # fmt: skip

    assert ended.stderr == ""
    assert ("--player" in ended.stdout.split()) is ("certify" in words)


def test_what_is_pinned_is_within_the_package_s_bounds() -> None:
    pinned = dict(
        re.findall(r"^([a-z0-9-]+)==([^ ;]+)", (ROOT / "requirements" / "local.txt").read_text(), re.MULTILINE)
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds = [*map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["provider"]])]

    assert {bound.name for bound in bounds} == {"rich", "typer", *_OF_THE_EXTRA}
    for bound in bounds:
        assert {each.operator for each in bound.specifier} == {">=", "<"}, bound
        assert pinned[bound.name] in bound.specifier, bound
    (typer,) = (bound for bound in bounds if bound.name == "typer")
    major, minor, *_ = map(int, pinned["typer"].split("."))
    assert f"{major}.{minor + 1}" not in typer.specifier, "modules of it are used that are not its interface"

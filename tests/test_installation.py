"""The project as a package: what someone installs who has neither AWS nor this checkout."""

import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from certify.rival import Rival, serving
from conftest import ROOT

# What the extra `provider` does not bring.
_ABSENT = ("boto3", "botocore", "duckdb", "httpx", "yaml", "starlette", "uvicorn", "aws_lambda_powertools")
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


def walletctl(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = textwrap.dedent(_RUN).format(absent=_ABSENT, package=str(package))
    return subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-I", "-c", code, *arguments], cwd=package, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


def test_the_provider_s_commands_run_without_aws_and_without_this_checkout(package: Path) -> None:
    with serving(Rival()) as url:
        certified = walletctl(package, "certify", url, "--player", "421", "--group", "credit")
        played = walletctl(package, "simulate", "--url", url, "--player", "421=USD", "--minutes", "0.02")

    assert (certified.returncode, certified.stderr) == (0, "")
    assert " passed, 0 failed, 0 not tried" in certified.stdout
    assert played.returncode == 0, played.stderr
    assert list(package.glob("provider-report-*.csv"))


def test_what_needs_more_says_so_in_one_line(package: Path) -> None:
    ended = walletctl(package, "verify", "421", "--stack", "prod")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "walletctl: this needs boto3, which is not installed: use a checkout\n"

"""The layer as it was built: what it carries, and that it carries no more."""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

from conftest import ROOT
from deployed.runtime import layer_folder

SOURCE = ROOT / "layers" / "common"

# A cold start fetches and unpacks it. It is 17 MB, and was 34 with botocore's descriptions of every service.
MAX_MEGABYTES = 25

# What Powertools makes a client of for each of its providers.
PROVIDERS = {"SecretsProvider": "secretsmanager", "SSMProvider": "ssm", "AppConfigProvider": "appconfigdata"}


@pytest.fixture
def layer() -> Path:
    return layer_folder() / "python"


def test_the_layer_is_small(layer: Path) -> None:
    megabytes = sum(path.stat().st_size for path in layer.rglob("*") if path.is_file()) / 1e6

    assert megabytes < MAX_MEGABYTES, f"the layer is {megabytes:.1f} MB"


def test_the_layer_describes_the_services_that_are_called_and_no_other(layer: Path) -> None:
    described = {path.name for path in (layer / "botocore" / "data").iterdir() if path.is_dir()}

    assert described == set(services_called())


def services_called() -> Iterator[str]:
    """The services that the layer's code makes clients of, by itself or through Powertools."""
    for source in (SOURCE / "wallet").glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="boto3"), attr="client" | "resource"),
                    args=[ast.Constant(value=str(service)), *_],
                ):
                    yield service
                case ast.ImportFrom(module="aws_lambda_powertools.utilities.parameters", names=names):
                    yield from (PROVIDERS[each.name] for each in names)


def test_a_client_is_found_here() -> None:
    assert {"dynamodb", "sqs", "secretsmanager"} <= set(services_called())


def test_the_layer_carries_the_wallet_as_it_stands_here(layer: Path) -> None:
    assert texts_below(layer / "wallet") == texts_below(SOURCE / "wallet"), "`make build-here` builds it anew"


def texts_below(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_layer_carries_the_pinned_packages_by_their_own_account(layer: Path) -> None:
    # Powertools asks for its own version, and a licence wants to go with its package.
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (SOURCE / "requirements.txt").read_text(), re.MULTILINE))
    wanted = set(re.findall(r"^[a-z0-9-]+", (SOURCE / "requirements.in").read_text(), re.MULTILINE))

    carried = {each.name.lower().replace("_", "-"): each.version for each in distributions(path=[str(layer)])}

    assert wanted
    assert wanted <= carried.keys()
    assert carried.items() <= pinned.items()


def test_the_layer_carries_no_bytecode_no_tests_and_no_tools(layer: Path) -> None:
    unwanted = {"__pycache__", "tests", "test", "tools", "functions"}

    assert [path for path in layer.rglob("*") if path.is_dir() and path.name in unwanted] == []
    assert list(layer.rglob("*.pyc")) == []

"""The layer as it was built: what it carries, and that it carries no more."""

import ast
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distributions
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import botocore
import pytest
from botocore.loaders import Loader
from botocore.session import Session

from conftest import ROOT
from deployed.runtime import layer_folder
from tools.local.deploy.architecture import architecture_of

SOURCE = ROOT / "layers" / "common"

# A cold start fetches and unpacks it. It is 22 MB, 7 of them bytecode; all that botocore describes would be 22 more.
MAX_MEGABYTES = 25

UNCHECKED = (1).to_bytes(4, "little")  # PEP 552: by hash, and not compared


@pytest.fixture
def layer() -> Path:
    return layer_folder() / "python"


def test_the_layer_is_small(layer: Path) -> None:
    megabytes = sum(path.stat().st_size for path in layer.rglob("*") if path.is_file()) / 1e6

    assert megabytes < MAX_MEGABYTES, f"the layer is {megabytes:.1f} MB"


def test_the_layer_is_built_for_the_processor_that_is_asked_for() -> None:
    here = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    assert architecture_of(layer_folder()) == here


@pytest.mark.parametrize(
    ("arch", "wheels"),
    [([], "aarch64-manylinux"), (["ARCH=arm64"], "aarch64-manylinux"), (["ARCH=x86_64"], "x86_64-manylinux")],
)
def test_the_layer_takes_the_wheels_of_the_architecture(arch: list[str], wheels: str) -> None:
    planned = subprocess.run(  # noqa: S603 - our own
        ["make", "--dry-run", "build-CommonLayer", "ARTIFACTS_DIR=nowhere", *arch],  # noqa: S607
        cwd=SOURCE,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert f"--python-platform {wheels}_2_28 " in planned


def test_the_layer_describes_what_is_asked_of_aws_and_no_more(layer: Path) -> None:
    described = {
        entry.name: set(session_of(entry.parent).create_client(entry.name).meta.method_to_api_mapping)
        for entry in (layer / "botocore" / "data").iterdir()
        if entry.is_dir()
    }

    assert described == dict(asked_of_aws())


@cache
def session_of(descriptions: Path) -> Session:
    """The SDK, with these descriptions and no others, which it reads once."""
    session = Session()
    session.register_component("data_loader", Loader([str(descriptions)], include_default_search_paths=False))
    return session


def asked_of_aws() -> Iterator[tuple[str, set[str]]]:
    """Each service that the layer's code makes a client of, and the methods that it calls of it."""
    for source in (SOURCE / "wallet").glob("*.py"):
        services, methods = set[str](), set[str]()
        for node in ast.walk(ast.parse(source.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="aws"), attr="client"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    services.add(name)
                case ast.Attribute(value=ast.Attribute(attr="client" | "_client"), attr=method) if method != "close":
                    methods.add(method)
                case ast.Call(func=ast.Attribute(attr="_call"), args=[ast.Constant(value=str(method)), *_]):
                    methods.add(method)
        if services or methods:
            (service,) = services
            yield service, methods


def test_what_is_asked_of_aws_is_found_here() -> None:
    assert {service: len(methods) for service, methods in asked_of_aws()} == {
        "dynamodb": 3,
        "secretsmanager": 1,
        "sqs": 2,
    }


@pytest.mark.parametrize("service", ["dynamodb", "secretsmanager", "sqs"])
@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-north-1"])
def test_what_is_asked_goes_where_the_sdk_as_it_comes_would_send_it(layer: Path, service: str, region: str) -> None:
    trimmed, whole = (
        session_of(folder).create_client(service, region_name=region)
        for folder in (layer / "botocore" / "data", Path(botocore.__file__).parent / "data")
    )

    assert trimmed.meta.endpoint_url == whole.meta.endpoint_url
    assert trimmed.meta.config.signature_version == whole.meta.config.signature_version


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


def test_the_layer_carries_no_tests_and_no_tools(layer: Path) -> None:
    unwanted = {"tests", "test", "tools", "functions"}

    assert [path for path in layer.rglob("*") if path.is_dir() and path.name in unwanted] == []


def test_the_layer_carries_bytecode_of_all_that_it_carries(layer: Path) -> None:
    # Lambda mounts it read-only: what it brings no bytecode of is compiled at every cold start.
    for source in layer.rglob("*.py"):
        compiled = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        header = compiled.read_bytes()[:8]

        assert header[:4] == MAGIC_NUMBER
        assert header[4:] == UNCHECKED, f"{source.name} is looked at to see whether it changed"


def test_trimming_leaves_alone_what_else_is_linked_to_a_file(tmp_path: Path) -> None:
    # An installer lays packages out as links into its cache, which all environments share.
    data = Path(botocore.__file__).parent / "data"
    kept, laid_out = tmp_path / "cache", tmp_path / "python" / "botocore" / "data"
    shutil.copytree(data, kept, ignore=lambda folder, names: {*names} - {"sqs"} if folder == str(data) else set())
    for name in ("endpoints.json", "partitions.json", "_retry.json", "sdk-default-configuration.json"):
        shutil.copy2(data / name, kept)
    before = {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    shutil.copytree(kept, laid_out, copy_function=os.link)

    subprocess.run([sys.executable, SOURCE / "trim.py", tmp_path / "python", "sqs:SendMessage"], check=True)  # noqa: S603 - our own

    assert (laid_out / "endpoints.json").stat().st_size < (kept / "endpoints.json").stat().st_size
    assert {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()} == before

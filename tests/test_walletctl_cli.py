"""The root of the operator's command line: it says what there is, and brings only what is called."""

import json
import subprocess
import sys

import pytest

from conftest import ROOT
from walletctl import COMMANDS, ROOT_COMMAND


@pytest.mark.parametrize("name", COMMANDS)
def test_the_root_says_of_a_command_what_the_command_says_first(name: str) -> None:
    first, *_ = COMMANDS[name].help.split("\n\n")

    assert ROOT_COMMAND.commands[name].help == " ".join(first.split())


def test_to_say_what_there_is_takes_no_package_of_a_commands() -> None:
    heavy = ["boto3", "botocore", "duckdb", "httpx", "jinja2", "uvicorn", "yaml", "asyncio"]
    told = (
        "import json, sys; from tools.walletctl.cli import app; app(['--help'], standalone_mode=False); "
        f"print(json.dumps([name for name in {heavy} if name in sys.modules]))"
    )

    said = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own words

    assert "reconcile" in said
    assert json.loads(said.splitlines()[-1]) == []

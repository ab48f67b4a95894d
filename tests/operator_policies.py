"""The two policies of docs/operating/policies, for people who use walletctl and the console on a stack."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from conftest import ROOT

Statements = Sequence[Mapping[str, Any]]


def policies(stack: str, region: str, account: str) -> tuple[Statements, Statements]:
    """The statements of both, filled in: what reading needs, and what repairing needs in addition."""
    read, repair = (_filled(name, stack, region, account) for name in ("read", "repair"))
    return read, repair


def _filled(name: str, stack: str, region: str, account: str) -> Statements:
    text = (ROOT / "docs" / "operating" / "policies" / f"{name}.json").read_text()
    policy = json.loads(text.replace("STACK", stack).replace("REGION", region).replace("ACCOUNT", account))
    assert policy["Version"] == "2012-10-17"
    return policy["Statement"]

"""The policies of docs/operating/policies, for people and systems that use a stack."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from conftest import ROOT

Statements = Sequence[Mapping[str, Any]]


def policies(stack: str, region: str, account: str) -> tuple[Statements, Statements, Statements]:
    """The statements, filled in: what reading needs, and what repairing and ordering need in addition."""
    read, repair, cashier = (_filled(name, stack, region, account) for name in ("read", "repair", "cashier"))
    return read, repair, cashier


def _filled(name: str, stack: str, region: str, account: str) -> Statements:
    text = (ROOT / "docs" / "operating" / "policies" / f"{name}.json").read_text()
    policy = json.loads(text.replace("STACK", stack).replace("REGION", region).replace("ACCOUNT", account))
    assert policy["Version"] == "2012-10-17"
    return policy["Statement"]

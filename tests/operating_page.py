"""What docs/operating.md has people paste."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from conftest import ROOT

Statements = Sequence[Mapping[str, Any]]


def policies(stack: str, region: str, account: str) -> tuple[Statements, Statements]:
    """The statements of its two policies, filled in: who looks, and what who mends has besides."""
    page = (ROOT / "docs" / "operating.md").read_text()
    (section,) = re.findall(r"^## Who may look, and who may mend$(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    filled = section.replace("STACK", stack).replace("REGION", region).replace("ACCOUNT", account)
    look, mend = (json.loads(policy) for policy in re.findall(r"^```json$(.*?)^```$", filled, re.MULTILINE | re.DOTALL))
    assert look["Version"] == mend["Version"] == "2012-10-17"
    return look["Statement"], mend["Statement"]

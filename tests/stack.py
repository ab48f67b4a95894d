"""What template.yaml says, for the tests that hold it: resources, and what they refer to."""

import re
from collections.abc import Mapping
from typing import Any

from tools.local.template import Template, read

CONTENT = read()
TEMPLATE = Template.load()
RESOURCES = TEMPLATE.resources
PARAMETERS: Mapping[str, Mapping[str, Any]] = CONTENT["Parameters"]
OUTPUTS: Mapping[str, Mapping[str, Any]] = CONTENT["Outputs"]

CALLBACKS = ("result", "jackpot", "bonus", "promo")
FUNCTIONS = (*CALLBACKS, "cashier")  # the operator's own systems invoke the last
MOVEMENTS = ("opening", "deposit", "withdrawal", "adjustment")


def of_type(resource_type: str) -> dict[str, Mapping[str, Any]]:
    """Each resource's properties, by its name."""
    return {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == resource_type}


def function_of(callback: str) -> Mapping[str, Any]:
    """The properties of a function, the common ones included; a property of its own wins."""
    return CONTENT["Globals"]["Function"] | of_type("AWS::Serverless::Function")[f"{callback.title()}Function"]


def is_intrinsic(value: object, name: str) -> bool:
    """Whether it is a CloudFormation function of that name, as `Ref` is in `!Ref Players`."""
    return getattr(value, "name", None) == name


def reference_in(value: Any, attribute: str = "Arn") -> str:
    """What a `!Ref`, or a `!GetAtt` of that attribute, refers to."""
    assert is_intrinsic(value, "Ref") or is_intrinsic(value, "GetAtt"), f"{value} refers to nothing"
    if is_intrinsic(value, "GetAtt"):
        assert value.argument.endswith(f".{attribute}"), value.argument
    return value.argument.removesuffix(f".{attribute}")


def filled(value: Any) -> str:
    """A `!Sub`'s text, each variable as its own name in brackets: `<ResultDeadLetters.QueueName>`."""
    assert is_intrinsic(value, "Sub"), f"{value} is no !Sub"
    return re.sub(r"\$\{!", "${", re.sub(r"\$\{([^!}][^}]*)\}", r"<\1>", value.argument))

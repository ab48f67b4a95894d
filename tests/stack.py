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

_OF_CALLS = ("TakesBets", "HasBetAlarms", "Bet", "Cancel", "Endround", "Balance")  # conditions

WINS = ("result", "jackpot", "bonus", "promo")
BETS = ("bet", "cancel", "endround", "balance")  # and what goes with them: a stack with Calls=Wins has none
CALLBACKS = (*WINS, *BETS)
KEEPING = (*WINS, "cancel")  # what they could not settle
FUNCTIONS = (*CALLBACKS, "cashier")  # the operator's own systems invoke the last
MOVEMENTS = ("opening", "deposit", "withdrawal", "adjustment")


def of_type(resource_type: str, calls: str = "All") -> dict[str, Mapping[str, Any]]:
    """Each resource's properties, by its name, as a stack with these calls has it."""
    template = Template.load(Calls=calls)
    return {
        name: chosen(each["Properties"], calls)
        for name, each in RESOURCES.items()
        if each["Type"] == resource_type and (template.has(name) or each["Condition"] not in _OF_CALLS)
    }


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
    """A `!Sub`'s text, each variable as its own name in brackets: `<ResultDeadLetters.QueueName>`.

    A variable of the `!Sub`'s own is filled in, with all that a stack with every call has.
    """
    assert is_intrinsic(value, "Sub"), f"{value} is no !Sub"
    text, own = (value.argument, {}) if isinstance(value.argument, str) else value.argument
    for name, content in own.items():
        text = text.replace(f"${{{name}}}", _text(content))
    return re.sub(r"\$\{!", "${", re.sub(r"\$\{([^!}][^}]*)\}", r"<\1>", text))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    match value.name, value.argument:
        case "Sub", str(text):
            return text
        case "If", [_, then, _]:
            return _text(then)
        case "Join", [separator, parts]:
            return separator.join(map(_text, parts))
        case "Ref" | "GetAtt", name:
            return f"${{{name}}}"
        case _:
            raise AssertionError(f"more than is known here: {value}")


def chosen(value: Any, calls: str) -> Any:
    """A value as a stack with these calls has it: what TakesBets chooses is chosen."""
    if is_intrinsic(value, "If") and value.argument[0] == "TakesBets":
        return chosen(value.argument[1 if calls == "All" else 2], calls)
    if isinstance(value, list):
        there = [chosen(each, calls) for each in value]
        return [each for each in there if not (is_intrinsic(each, "Ref") and each.argument == "AWS::NoValue")]
    return {key: chosen(each, calls) for key, each in value.items()} if isinstance(value, dict) else value

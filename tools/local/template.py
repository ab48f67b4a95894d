"""template.yaml as the local service and the tests need it: routes, functions, tables.

What is deployed is defined in one place, so what runs locally cannot drift from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from tools.local import loops
from tools.shared.folders import ROOT

_QUEUE_PROPERTIES = ("VisibilityTimeout", "MessageRetentionPeriod", "SqsManagedSseEnabled")
_TABLE_PROPERTIES = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """Its name (`result`), description, code folder, time limit and environment; batches of its retry queue, if any."""

    name: str
    about: str
    folder: Path
    timeout_seconds: float
    environment: Mapping[str, str]  # a table or a queue by its resource's name
    retry_batch_size: int

    def load(self) -> ModuleType:
        """Its module, imported again, as a cold start does. It connects to what the process's environment names."""
        name, path = f"{self.name}_app", str(self.folder / "app.py")
        loader = SourceFileLoader(name, path)
        module = module_from_spec(ModuleSpec(name, loader, origin=path))
        loader.exec_module(module)
        return module


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """`attributes` are as SQS takes them; `dead_letters` names the queue that gets what is received too often."""

    name: str
    attributes: Mapping[str, str]
    dead_letters: str | None
    max_receive_count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayResponse:
    """What API Gateway answers by itself, without a function."""

    status: int
    body: str


@dataclass(frozen=True)
class Template:
    resources: Mapping[str, Mapping[str, Any]]
    parameters: Mapping[str, str]
    conditions: Mapping[str, Any]
    globals: Mapping[str, Any]

    @classmethod
    @cache
    def load(cls, **parameters: str) -> "Template":
        """What these parameters make of template.yaml; one that is not named has its default."""
        content = read()
        return cls(
            resources=content["Resources"],
            parameters={name: str(parameter.get("Default", "")) for name, parameter in content["Parameters"].items()}
            | {"AWS::StackName": "local"}
            | parameters,
            conditions=content["Conditions"],
            globals=content["Globals"]["Function"],
        )

    def tables(self) -> list[dict[str, Any]]:
        """What `create_table` takes for each table; a table is called as its resource."""
        return [
            {"TableName": name} | {key: value for key, value in properties.items() if key in _TABLE_PROPERTIES}
            for name, properties in self._of_type("AWS::DynamoDB::Table")
        ]

    def queues(self) -> list[Queue]:
        """Dead letters first: a queue's redrive policy names a queue that must exist."""
        queues = [
            Queue(
                name=name,
                attributes={key: _text(properties[key]) for key in _QUEUE_PROPERTIES if key in properties},
                dead_letters=_dead_letters(properties),
                max_receive_count=properties.get("RedrivePolicy", {}).get("maxReceiveCount"),
            )
            for name, properties in self._of_type("AWS::SQS::Queue")
        ]
        return sorted(queues, key=lambda queue: queue.dead_letters is not None)

    def functions(self) -> list[Function]:
        return [*self._functions]

    @cached_property
    def _functions(self) -> Sequence[Function]:
        return [self._function(properties) for _, properties in self._of_type("AWS::Serverless::Function")]

    def callbacks(self) -> list[Function]:
        """The functions that the provider calls. The others are invoked by the operator's own side."""
        called = set(self.routes().values())
        return [function for function in self.functions() if function.name in called]

    def keeping(self) -> list[Function]:
        """The callbacks that keep what they could not settle, each in its own queues, and try it again."""
        return [function for function in self.functions() if function.retry_batch_size]

    def routes(self) -> dict[str, str]:
        """The name of each path's function."""
        return {
            event["Properties"]["Path"]: self._function(properties).name
            for _, properties in self._of_type("AWS::Serverless::Function")
            for event in properties.get("Events", {}).values()
            if event["Type"] == "Api"
        }

    def gateway_responses(self) -> dict[str, GatewayResponse]:
        """By API Gateway's own names, `MISSING_AUTHENTICATION_TOKEN` (no such path) among them."""
        ((_, api),) = self._of_type("AWS::Serverless::Api")
        return {
            name: GatewayResponse(
                status=int(response["StatusCode"]), body=response["ResponseTemplates"]["application/json"]
            )
            for name, response in api["GatewayResponses"].items()
        }

    def _function(self, properties: Mapping[str, Any]) -> Function:
        variables = self.globals["Environment"]["Variables"] | properties["Environment"]["Variables"]
        return Function(
            name=Path(properties["CodeUri"]).name,
            about=properties["Description"],
            folder=ROOT / properties["CodeUri"],
            timeout_seconds=self.globals["Timeout"],
            environment={name: self._resolve(value) for name, value in variables.items()},
            retry_batch_size=properties.get("Events", {}).get("Retry", {}).get("Properties", {}).get("BatchSize", 0),
        )

    def _resolve(self, value: Any) -> str:
        """A variable's value: a parameter's default, a resource's name, or the plain text itself."""
        if isinstance(value, str):
            return value
        if isinstance(value, _Intrinsic) and value.name == "If":
            condition, then, otherwise = value.argument
            return self._resolve(then if self._holds(self.conditions[condition]) else otherwise)
        if isinstance(value, _Intrinsic) and value.name == "Ref" and value.argument in self.parameters:
            return self.parameters[value.argument]
        if isinstance(value, _Intrinsic) and value.name == "Ref" and value.argument in self.resources:
            # Tables and queues are there wherever a function runs; a secret must be named to be used.
            is_secret = self.resources[value.argument]["Type"] == "AWS::SecretsManager::Secret"
            return "" if is_secret else value.argument
        raise ValueError(f"the local service cannot tell what {value} is: give it a !Ref")

    def _holds(self, condition: Any) -> bool:
        match condition:
            case _Intrinsic("Condition", str(name)):
                return self._holds(self.conditions[name])
            case _Intrinsic("Equals", [left, right]):
                return self._resolve(left) == self._resolve(right)
            case _Intrinsic("Not", [inner]):
                return not self._holds(inner)
            case _Intrinsic("And", [*several]):
                return all(map(self._holds, several))
            case _Intrinsic("Or", [*several]):
                return any(map(self._holds, several))
        raise ValueError(f"the local service cannot tell whether {condition} holds")

    def has(self, resource: str) -> bool:
        """Whether these parameters make a resource."""
        condition = self.resources[resource].get("Condition")
        return condition is None or self._holds(self.conditions[condition])

    def _of_type(self, resource_type: str) -> list[tuple[str, Mapping[str, Any]]]:
        return [
            (name, resource["Properties"])
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type and self.has(name)
        ]


def read() -> Mapping[str, Any]:
    """All of template.yaml, its loops written out. A CloudFormation function in it has a `name` and an `argument`."""
    return _with_intrinsics(loops.read())


@dataclass(frozen=True, slots=True)
class _Intrinsic:
    """A CloudFormation function, as in `!Ref Players`."""

    name: str
    argument: Any


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _dead_letters(properties: Mapping[str, Any]) -> str | None:
    target = properties.get("RedrivePolicy", {}).get("deadLetterTargetArn")
    return target.argument.removesuffix(".Arn") if target else None


def _with_intrinsics(part: Any) -> Any:
    match part:
        case {"Fn::GetAtt": [name, attribute], **rest} if not rest:
            return _Intrinsic("GetAtt", f"{name}.{attribute}")
        case {"Ref": str(name), **rest} if not rest:
            return _Intrinsic("Ref", name)
        case {"Condition": str(name), **rest} if not rest:
            return _Intrinsic("Condition", name)
        case dict() if len(part) == 1 and (name := next(iter(part))).startswith("Fn::"):
            return _Intrinsic(name.removeprefix("Fn::"), _with_intrinsics(part[name]))
        case dict():
            return {key: _with_intrinsics(value) for key, value in part.items()}
        case list():
            return [_with_intrinsics(each) for each in part]
        case _:
            return part

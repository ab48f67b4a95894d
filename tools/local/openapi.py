"""Writes docs/openapi.json: the paths of template.yaml, the requests of the functions' models, every answer.

`make docs` runs it; a test fails while the file is not what this would write.
"""

import json
import os
import tomllib
from collections.abc import Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Any

from tools.local.template import Function, GatewayResponse, Template
from tools.shared.folders import ROOT
from wallet import wire
from wallet.errors import NotEnough, Refusal

PATH = ROOT / "docs" / "openapi.json"

Json = dict[str, Any]

_MORE_EXAMPLES = {"result": ("auto_closing",)}  # beside the one that has the function's name


def document() -> Json:
    template = Template.load()
    functions = {function.name: function for function in template.callbacks()}
    models = {name: _model(function) for name, function in functions.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lucky Monaco wallet callbacks",
            "version": tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"],
            "description": (
                "The operator's side of the provider's API: each call credits a player exactly once per reference. "
                "Field names are matched without regard to case, and unknown fields are kept, never refused. "
                "Balances are answered in the notation of the request's amount: text for text, number for number."
            ),
        },
        "servers": [{"url": "http://127.0.0.1:3000", "description": "make run"}],
        "paths": {path: {"post": _operation(path, functions[name])} for path, name in template.routes().items()},
        "components": {
            "schemas": {name.title() + "Request": _request_schema(model) for name, model in models.items()}
            | {"Empty": _empty_schema(), "Credited": _credited_schema(), "Refused": _refused_schema()},
            "responses": _responses(template.gateway_responses()),
        },
    }


def _model(function: Function) -> type[wire.Request]:
    """The model a function is served with: the request class of its own module."""
    # A function connects while it is imported; where to does not matter here.
    os.environ.update({**function.environment, "POWERTOOLS_LOG_LEVEL": "ERROR"})
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    module = function.load()
    (model,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, wire.Request) and value.__module__ == module.__name__
    )
    return model


def _operation(path: str, function: Function) -> Json:
    name = function.name
    examples = {example: {"value": _published(example)} for example in (name, *_MORE_EXAMPLES.get(name, ()))}
    return {
        "operationId": path.strip("/").replace("/", "_"),
        "summary": function.about,
        "parameters": [
            {
                "name": "authToken",
                "in": "query",
                "required": False,
                "description": "The shared token; mandatory when one is configured.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{name.title()}Request"},
                    "examples": examples,
                }
            },
        },
        "responses": {
            str(status): {"$ref": f"#/components/responses/{_response_name(status)}"} for status in _statuses()
        },
    }


def _published(example: str) -> Json:
    return json.loads(json.loads((ROOT / "events" / f"{example}.json").read_text())["body"])


def _request_schema(model: type[wire.Request]) -> Json:
    schema = model.model_json_schema(by_alias=True)
    schema.pop("description", None)  # a docstring, for readers of the code
    schema["additionalProperties"] = True
    for name, form in schema["properties"].items():
        if name in schema["required"]:
            schema["properties"][name] = (
                _not_empty(form) if "type" in form or "anyOf" in form else form | _present(name)
            )
        elif "anyOf" in form:
            form["anyOf"] = [*(_not_empty(one) for one in form["anyOf"] if one != {"type": "null"}), _EMPTY]
    if model.signed:
        schema["anyOf"] = [
            {"required": [name], "properties": {name: {"not": _EMPTY}}}  # present, and says something
            for name in ("hash", "uuid")
        ]
    return schema


def _present(name: str) -> Json:
    """What a field that may be any value must not be."""
    return {"not": {"enum": [None, ""]} if name == "roundDetails" else _EMPTY}


_EMPTY: Json = {"$ref": "#/components/schemas/Empty"}
_LEAST = {"string": "minLength", "array": "minItems", "object": "minProperties"}


def _not_empty(form: Json) -> Json:
    """A field's form without what counts as absent."""
    if "anyOf" in form:
        return form | {"anyOf": [_not_empty(one) for one in form["anyOf"]]}
    least = _LEAST.get(form.get("type", ""))
    return form | {least: 1} if least and "pattern" not in form else form  # no pattern fits nothing at all


def _empty_schema() -> Json:
    return {
        "description": "Counts as absent, in every field; only `roundDetails` may be an empty array or object.",
        "enum": [None, "", [], {}],
    }


def _credited_schema() -> Json:
    def answer(kind: str, balance: Json) -> Json:
        return {
            "title": f"Credited, balances as {kind}",
            "type": "object",
            "properties": {
                "transactionId": {"type": "string", "maxLength": 36},
                "currency": {"type": "string"},
                "cash": balance,
                "bonus": balance,
                "error": {"const": 0},
                "description": {"const": "Success"},
            },
            "required": ["transactionId", "currency", "cash", "bonus", "error", "description"],
            "additionalProperties": False,
        }

    return {
        "oneOf": [
            answer("numbers", {"type": "number"}),
            answer("text", {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
        ]
    }


def _refused_schema() -> Json:
    return {
        "type": "object",
        "properties": {
            "error": {"type": "integer", "enum": sorted({refusal.code for refusal in _refusals()} | {404})},
            "description": {"type": "string"},
        },
        "required": ["error", "description"],
        "additionalProperties": False,
    }


def _refusals() -> Sequence[type[Refusal]]:
    """What a callback may answer. It takes no money, so there is always enough."""
    return [each for each in Refusal.__subclasses__() if each is not NotEnough]


def _statuses() -> list[int]:
    return sorted({200} | {refusal.http_status for refusal in _refusals()})


def _response_name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def _responses(gateway: dict[str, GatewayResponse]) -> Json:
    by_status = sorted(_refusals(), key=lambda refusal: (refusal.http_status, refusal.code))
    codes = {status: [r.code for r in group] for status, group in groupby(by_status, key=lambda r: r.http_status)}
    for answer in gateway.values():
        code = json.loads(answer.body)["error"]
        if code not in codes.setdefault(answer.status, []):
            codes[answer.status].append(code)
    return {
        _response_name(status): {
            "description": _describe(status, codes[status]),
            "content": {"application/json": {"schema": _schema_of(status)}},
        }
        for status in sorted(codes)
    }


def _schema_of(status: int) -> Json:
    refused = {"$ref": "#/components/schemas/Refused"}
    return {"oneOf": [{"$ref": "#/components/schemas/Credited"}, refused]} if status == HTTPStatus.OK else refused


def _describe(status: int, codes: Sequence[int]) -> str:
    listed = ", ".join(map(str, codes))
    if status == HTTPStatus.OK:
        return f"Credited or replayed (error 0); or refused, and refused again if it is sent again (error {listed})"
    return f"Refused, nothing credited (error {listed})"


def text() -> str:
    return json.dumps(document(), indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(text())

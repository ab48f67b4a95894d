"""Writes docs/openapi.json: the paths of template.yaml, the requests of the functions' models, every answer.

`make docs` runs it; a test fails while the file is not what this would write.
"""

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from typing import Any

from tools.local.template import Function, GatewayResponse, Template
from tools.shared.folders import ROOT
from wallet import wire
from wallet.errors import (
    Conflict,
    Frozen,
    NoSuchPlayer,
    NotAllowed,
    NotEnough,
    Refusal,
    UnknownRound,
    WrongCurrency,
)

PATH = ROOT / "docs" / "openapi.json"

Json = dict[str, Any]

_MORE_EXAMPLES = {"result": ("auto_closing",)}  # beside the one that has the call's name


@dataclass(frozen=True, slots=True)
class _Answers:
    """What a call is answered with HTTP 200: the component of the response, the schema of a success, and refusals."""

    name: str
    success: str
    done: str
    refusals: Sequence[type[Refusal]]


_OF_WINS = _Answers("OK", "Moved", "Credited or replayed", [WrongCurrency, Conflict, NoSuchPlayer])
_BACK = _Answers("PaidBackOK", "Moved", "Paid back, or nothing to pay back", [Conflict, NoSuchPlayer])
_ANSWERS = {  # by call; all others are wins
    "bet": _Answers(
        "BetOK", "Moved", "Taken or replayed", [NotEnough, WrongCurrency, NotAllowed, Frozen, NoSuchPlayer]
    ),
    "cancel": _BACK,
    "refund": _BACK,
    "endround": _Answers("BalancesOK", "Balances", "Done", [WrongCurrency, NoSuchPlayer]),
    "balance": _Answers("BalancesOK", "Balances", "Done", [WrongCurrency, NoSuchPlayer]),
    "check": _Answers("CheckOK", "Checked", "The player may bet", [WrongCurrency, Frozen, NoSuchPlayer]),
}


def document() -> Json:
    template = Template.load()
    functions = {function.name: function for function in template.callbacks()}
    served = {name: _models(function) for name, function in functions.items()}
    calls = {path: _call(path, name, served[name]) for path, name in template.routes().items()}
    models = {call: model for each in served.values() for call, model in each.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lucky Monaco wallet callbacks",
            "version": tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"],
            "description": (
                "The operator's side of the provider's API: each call moves money exactly once per reference. "
                "Field names are matched without regard to case, and unknown fields are kept, never refused. "
                "Balances are answered in the notation of the request's amount: text for text, number for number. "
                "They are text where it has none."
            ),
        },
        "servers": [{"url": "http://127.0.0.1:3000", "description": "make run"}],
        "paths": {
            path: {"post": _operation(path, functions[name], calls[path])} for path, name in template.routes().items()
        },
        "components": {
            "schemas": {call.title() + "Request": _request_schema(model) for call, model in models.items()}
            | {
                "Empty": _empty_schema(),
                "Moved": _success_schema("Moved", "transactionId", "currency", "cash", "bonus"),
                "Balances": _success_schema("Balances", "currency", "cash", "bonus"),
                "Checked": _answer_schema("Checked", 0, {"const": "Success"}),
                "NotEnough": _not_enough_schema(),
                "Refused": _refused_schema(),
            },
            "responses": _responses(template.gateway_responses()),
        },
    }


def _call(path: str, function: str, served: Mapping[str, type[wire.Call]]) -> str:
    """The call that a path is for: its own name where its function serves several, otherwise the function's."""
    name = path.rpartition("/")[2].lower()
    return name if name in served else function


def _models(function: Function) -> Mapping[str, type[wire.Call]]:
    """The model of each call that a function serves."""
    # A function connects while it is imported; where to does not matter here.
    os.environ.update({**function.environment, "POWERTOOLS_LOG_LEVEL": "ERROR"})
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    calls = function.load().handler.calls
    return {name or function.name: call.model for name, call in calls.items()}


def _operation(path: str, function: Function, call: str) -> Json:
    examples = {example: {"value": _published(example)} for example in (call, *_MORE_EXAMPLES.get(call, ()))}
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
                    "schema": {"$ref": f"#/components/schemas/{call.title()}Request"},
                    "examples": examples,
                }
            },
        },
        "responses": {
            str(status): {"$ref": f"#/components/responses/{_response_name(status, call)}"} for status in _statuses()
        },
    }


def _published(example: str) -> Json:
    return json.loads(json.loads((ROOT / "events" / f"{example}.json").read_text())["body"])


def _request_schema(model: type[wire.Call]) -> Json:
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
    if model.identity:
        schema["anyOf"] = [_said("hash"), _said("uuid")]
    schema["allOf"] = [{"if": _said(field), "then": _said(needed)} for field, needed in model.needed_with.items()]
    return {name: part for name, part in schema.items() if part != []}


def _said(name: str) -> Json:
    """A request in which a field is present, and says something."""
    return {"required": [name], "properties": {name: {"not": _EMPTY}}}


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


def _success_schema(title: str, *names: str) -> Json:
    return {"oneOf": [_answer_schema(f"{title}, {kind}", 0, {"const": "Success"}, *names) for kind in _BALANCE]}


def _not_enough_schema() -> Json:
    said, names = {"type": "string"}, ("currency", "cash", "bonus")
    return {"oneOf": [_answer_schema(f"Not enough, {kind}", NotEnough.code, said, *names) for kind in _BALANCE]}


_BALANCE: Mapping[str, Json] = {
    "balances as numbers": {"type": "number"},
    "balances as text": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
}


def _answer_schema(title: str, error: int, description: Json, *names: str) -> Json:
    """An answer with these fields before `error` and `description`, and no others."""
    balance = _BALANCE.get(title.partition(", ")[2], {})
    forms = {
        "transactionId": {"type": "string", "maxLength": 36},
        "currency": {"type": "string"},
        "cash": balance,
        "bonus": balance,
    }
    return {
        "title": title,
        "type": "object",
        "properties": {name: forms[name] for name in names} | {"error": {"const": error}, "description": description},
        "required": [*names, "error", "description"],
        "additionalProperties": False,
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
    """What a callback may answer without balances. A round that is not known is answered 0."""
    return [each for each in Refusal.__subclasses__() if each not in (NotEnough, UnknownRound)]


def _statuses() -> list[int]:
    return sorted({200} | {refusal.http_status for refusal in _refusals()})


def _response_name(status: int, call: str) -> str:
    if status == HTTPStatus.OK:
        return _ANSWERS.get(call, _OF_WINS).name
    return HTTPStatus(status).phrase.replace(" ", "")


def _responses(gateway: dict[str, GatewayResponse]) -> Json:
    by_status = sorted(_refusals(), key=lambda refusal: (refusal.http_status, refusal.code))
    codes = {status: [r.code for r in group] for status, group in groupby(by_status, key=lambda r: r.http_status)}
    for answer in gateway.values():
        code = json.loads(answer.body)["error"]
        if code not in codes.setdefault(answer.status, []):
            codes[answer.status].append(code)
    refused = {
        _response_name(status, ""): _response(f"Refused, nothing moved (error {_listed(codes[status])})", "Refused")
        for status in sorted(codes)
        if status != HTTPStatus.OK
    }
    return {each.name: _answered(each) for each in (_OF_WINS, *_ANSWERS.values())} | refused


def _answered(answers: _Answers) -> Json:
    listed = _listed(sorted(refusal.code for refusal in answers.refusals))
    has_own = ["NotEnough"] if NotEnough in answers.refusals else []
    said = f"{answers.done} (error 0); or refused, and refused again if it is sent again (error {listed})"
    return _response(said, answers.success, *has_own, "Refused")


def _response(description: str, *schemas: str) -> Json:
    references = [{"$ref": f"#/components/schemas/{schema}"} for schema in schemas]
    schema = references[0] if len(references) == 1 else {"oneOf": references}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _listed(codes: Sequence[int]) -> str:
    return ", ".join(map(str, codes))


def text() -> str:
    return json.dumps(document(), indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(text())

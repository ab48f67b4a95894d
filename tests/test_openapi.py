"""docs/openapi.json: what the models and the template say, and what the functions really do."""

import json
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from conftest import Operator, published
from tools import openapi
from tools.local.template import Template
from wallet.errors import Refusal

DOCUMENT = json.loads(openapi.PATH.read_text())


def conforms(schema: str, instance: Any) -> None:
    """Raises if the instance is not as the document's schema says."""
    reference = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    jsonschema.validate(instance, reference, cls=jsonschema.Draft202012Validator)


def test_the_document_is_what_the_models_and_the_template_say() -> None:
    assert openapi.PATH.read_text() == openapi.text(), "run `make docs`"


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_every_route_and_every_error_code_is_documented() -> None:
    assert DOCUMENT["paths"].keys() == Template.load().routes().keys()
    documented = set(DOCUMENT["components"]["schemas"]["Refused"]["properties"]["error"]["enum"])
    assert documented == {refusal.code for refusal in Refusal.__subclasses__()} | {404}


@pytest.mark.parametrize(
    ("callback", "example"),
    [
        ("result", "result"),
        ("result", "auto_closing"),
        ("jackpot", "jackpot"),
        ("bonus", "bonus"),
        ("promo", "promo"),
    ],
)
def test_a_published_example_and_its_answer_conform(operator: Operator, callback: str, example: str) -> None:
    body = published(example)
    canonical = {{"roundid": "roundId", "campaignId": "promoCampaignId"}.get(name, name): body[name] for name in body}
    conforms(f"{callback.title()}Request", canonical)

    conforms("Credited", json.loads(operator.send(callback, body).text))


def test_a_refusal_conforms(operator: Operator) -> None:
    conforms("Refused", operator.send("result", published("result", amount="-1")).json)


@pytest.mark.parametrize("amount", ["-1", "1e3", "1_000", "", " 5", "1.0000000000000000001", True, None, -1])
def test_an_amount_that_is_refused_does_not_conform(amount: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        conforms("PromoRequest", published("promo") | {"amount": amount, "promoCampaignId": "1"})

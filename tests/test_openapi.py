"""docs/openapi.json: what the models and the template say, and what the functions really do."""

import json
import shutil
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from conftest import ROOT, Operator, path_of, published
from tools.local import openapi
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
    # 15 has balances, and so a schema of its own; 0 is no refusal to the provider.
    assert documented == {refusal.code for refusal in Refusal.__subclasses__()} - {0, 15} | {404}


def test_a_new_callback_is_documented_from_the_template_its_model_and_its_example(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "functions" / "jackpot", tmp_path / "raffle")
    shutil.copytree(ROOT / "events", tmp_path / "events")
    shutil.copy(tmp_path / "events" / "jackpot.json", tmp_path / "events" / "raffle.json")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    template = Template.load()
    raffle = deepcopy(template.resources["JackpotFunction"]["Properties"])
    raffle |= {"CodeUri": str(tmp_path / "raffle"), "Description": "A raffle's prize"}
    raffle["Events"] = {"Upper": raffle["Events"]["Upper"], "Retry": raffle["Events"]["Retry"]}
    raffle["Events"]["Upper"]["Properties"]["Path"] = "/V4/RaffleWin"
    resources = {**template.resources, "RaffleFunction": {"Type": "AWS::Serverless::Function", "Properties": raffle}}
    monkeypatch.setattr(Template, "load", lambda: replace(template, resources=resources))
    monkeypatch.setattr(openapi, "ROOT", tmp_path)

    document = json.loads(openapi.text())

    validate(document)
    operation = document["paths"]["/V4/RaffleWin"]["post"]
    assert operation["summary"] == "A raffle's prize"
    content = operation["requestBody"]["content"]["application/json"]
    assert content["examples"] == {"raffle": {"value": published("jackpot")}}
    assert content["schema"]["$ref"].rpartition("/")[2] in document["components"]["schemas"]


@pytest.mark.parametrize(
    ("callback", "example", "answer"),
    [
        ("result", "result", "Moved"),
        ("result", "auto_closing", "Moved"),
        ("jackpot", "jackpot", "Moved"),
        ("bonus", "bonus", "Moved"),
        ("promo", "promo", "Moved"),
        ("bet", "bet", "Moved"),
        ("cancel", "cancel", "Moved"),
        ("cancel", "refund", "Moved"),
        ("endround", "endround", "Balances"),
        ("balance", "balance", "Balances"),
        ("balance", "check", "Checked"),
    ],
)
def test_a_published_example_and_its_answer_conform(
    operator: Operator, callback: str, example: str, answer: str
) -> None:
    body = published(example)
    spellings = {"roundid": "roundId", "campaignId": "promoCampaignId", "timeStamp": "timestamp"}
    canonical = {spellings.get(name, name): body[name] for name in body}
    path = path_of(example)
    operation = DOCUMENT["paths"][path]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    conforms(schema, canonical)

    said = json.loads(operator.send(callback, body, path=path).text)

    conforms(answer, said)
    response = operation["responses"]["200"]["$ref"].rpartition("/")[2]
    answered = DOCUMENT["components"]["responses"][response]["content"]["application/json"]["schema"]
    jsonschema.validate(said, {**answered, "components": DOCUMENT["components"]}, cls=jsonschema.Draft202012Validator)


def test_a_bet_over_the_balance_is_answered_with_the_balances(operator: Operator) -> None:
    conforms("NotEnough", json.loads(operator.send("bet", published("bet", amount="1000000")).text))


@pytest.mark.parametrize("example", ["bet", "cancel", "refund", "endround", "balance", "check"])
def test_a_call_without_hash_and_uuid_does_not_conform(example: str) -> None:
    name = {"endround": "Endround"}.get(example, example.title())

    with pytest.raises(jsonschema.ValidationError):
        conforms(f"{name}Request", published(example, uuid=None, timestamp="1"))


def test_the_refund_of_a_round_without_its_game_does_not_conform() -> None:
    conforms("RefundRequest", published("refund", roundId=None, gameId=None))

    with pytest.raises(jsonschema.ValidationError):
        conforms("RefundRequest", published("refund", gameId=None))


def test_a_refusal_conforms(operator: Operator) -> None:
    conforms("Refused", operator.send("result", published("result", amount="-1")).json)


@pytest.mark.parametrize(
    "amount", ["-1", "-1e3", "1e", "007", "1_000", "", " 5", "1.0000000000000000001", True, None, -1]
)
def test_an_amount_that_is_refused_does_not_conform(amount: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        conforms("PromoRequest", published("promo") | {"amount": amount, "promoCampaignId": "1"})

"""The template as an account deploys it: through SAM's own transform, with the parameters' values."""

import copy
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint
from cfnlint.decode import decode
from cfnlint.template import Template as LintTemplate
from cfnlint.template.transforms._language_extensions import language_extension
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from conftest import ROOT
from stack import BETS, FUNCTIONS
from tools.local import loops

WITH_LOOPS = yaml_parse((ROOT / "template.yaml").read_text())
TEMPLATE = loops.written_out(WITH_LOOPS)
GIVEN = {"ProviderCidrs": "203.0.113.0/28,2001:db8::/48", "Release": "0123456789"}


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


def transformed(*, layer: str = "layer", **parameters: str) -> dict[str, Any]:
    """What CloudFormation gets, with code and layer where `sam deploy` puts them."""
    template = copy.deepcopy(TEMPLATE)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://bucket/{name}"
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = f"s3://bucket/{layer}"
    defaults = {name: str(each["Default"]) for name, each in TEMPLATE["Parameters"].items() if "Default" in each}
    # It asks for AWS's managed policies by name; there are none in the template.
    policies: Any = SimpleNamespace(load=dict)
    return transform(template, {**defaults, **GIVEN, **parameters}, policies)


def of_type(template: dict[str, Any], resource_type: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in template["Resources"].items() if each["Type"] == resource_type}


# --- Loops ------------------------------------------------------------------------------------------


def test_the_loops_are_written_out_as_cfn_lint_writes_them_out() -> None:
    content, _ = decode(str(ROOT / "template.yaml"))
    assert content
    faults, expected = language_extension(LintTemplate("template.yaml", content, ["eu-west-1"]))

    assert faults == []
    for section in ("Resources", "Outputs"):
        assert json.loads(json.dumps(TEMPLATE[section])) == json.loads(json.dumps(expected[section]))
    assert TEMPLATE["Conditions"].keys() == expected["Conditions"].keys()


def test_the_tools_read_the_same_template() -> None:
    assert loops.read() == json.loads(json.dumps(TEMPLATE))


def test_an_item_of_a_loop_is_filled_in_in_keys_in_sub_and_in_ref_alone() -> None:
    template = {
        "Mappings": {"Words": {"One": {"Word": "first"}, "Two": {"Word": "second"}}},
        "Resources": {
            "Fn::ForEach::Numbers": [
                "Number",
                ["One", "Two"],
                {
                    "${Number}Queue": {
                        "Condition": {"Ref": "Number"},
                        "Properties": {
                            "QueueName": {"Fn::FindInMap": ["Words", {"Ref": "Number"}, "Word"]},
                            "Arn": {"Fn::GetAtt": [{"Fn::Sub": "${Number}Letters"}, "Arn"]},
                            "Name": {"Fn::Sub": "${AWS::StackName}-${Number}"},
                            "Plain": "${Number}",
                        },
                    }
                },
            ]
        },
    }

    resources = loops.written_out(template)["Resources"]

    assert list(resources) == ["OneQueue", "TwoQueue"]
    assert resources["TwoQueue"] == {
        "Condition": "Two",
        "Properties": {
            "QueueName": "second",
            "Arn": {"Fn::GetAtt": ["TwoLetters", "Arn"]},
            "Name": {"Fn::Sub": "${AWS::StackName}-Two"},
            "Plain": "${Number}",
        },
    }


def resources_of_loops(part: Any) -> list[Any]:
    found = [value for key, value in part.items() if key.startswith("Fn::ForEach::")]
    return [each for *_, fragment in found for each in fragment.values()]


def test_no_resource_of_a_loop_begins_with_its_condition() -> None:
    # CloudFormation says that a stack with such a one cannot be made.
    for resource in resources_of_loops(WITH_LOOPS["Resources"]):
        assert next(iter(resource)) == "Type"


def test_no_function_and_no_layer_is_in_a_loop() -> None:
    # `sam deploy` would replace the folder of its code by a map.
    written_out = {name for name in WITH_LOOPS["Resources"] if not name.startswith("Fn::ForEach::")}

    assert {f"{each.title()}Function" for each in FUNCTIONS} | {"CommonLayer", "Api"} <= written_out


# --- What is there, whatever the parameters -----------------------------------------------------------


def holds(name: str, parameters: dict[str, str]) -> bool:
    return _holds(TEMPLATE["Conditions"][name], parameters)


@pytest.mark.parametrize(
    ("currencies", "refused"),
    [
        (("", "", ""), 0), (("EUR", "USD", ""), 0), (("EUR", "USD", "SEK"), 0), (("EUR", "", "USD"), 0),
        (("EUR", "EUR", ""), 1), (("EUR", "", "EUR"), 1), (("", "EUR", "EUR"), 1), (("EUR", "EUR", "EUR"), 3),
    ],
)  # fmt: skip
def test_no_currency_has_two_alarms_of_one_name(currencies: Sequence[str], refused: int) -> None:
    names = ("UsualCreditsIn", "UsualCreditsIn2", "UsualCreditsIn3")
    asserted = TEMPLATE["Rules"]["OneAlarmOfEachCurrency"]["Assertions"]

    verdicts = [_holds(each["Assert"], dict(zip(names, currencies, strict=True))) for each in asserted]

    assert verdicts.count(False) == refused


def _holds(condition: dict[str, Any], parameters: dict[str, str]) -> bool:
    ((function, argument),) = condition.items()
    match function:
        case "Condition":
            return holds(argument, parameters)
        case "Fn::Equals":
            one, other = (parameters[each["Ref"]] if isinstance(each, dict) else each for each in argument)
            return one == other
        case "Fn::Not":
            return not _holds(argument[0], parameters)
        case "Fn::And" | "Fn::Or":
            return (all if function == "Fn::And" else any)(_holds(each, parameters) for each in argument)
        case _:
            raise AssertionError(f"{function} is not known here")


def named_in(part: Any, parameters: dict[str, str]) -> set[str]:
    """The resources and parameters that a part of a template refers to, with these parameters."""
    match part:
        case {"Ref": str(name)}:
            return {name.partition(".")[0]}
        case {"Fn::GetAtt": [str(name), _]}:
            return {name}
        case {"Fn::If": [str(name), then, otherwise]}:
            return named_in(then if holds(name, parameters) else otherwise, parameters)
        case {"Fn::Sub": [str(text), own]}:
            return named_in({"Fn::Sub": text}, parameters) - own.keys() | named_in(list(own.values()), parameters)
        case {"Fn::Sub": str(text)}:
            return {name.partition(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text)}
        case dict():
            return set().union(*(named_in(each, parameters) for each in part.values()))
        case list():
            return set().union(*(named_in(each, parameters) for each in part))
        case _:
            return set()


SETTINGS = ("Calls", "Alarms", "CheckSecret", "SetApiLogRole", "Stream")


def test_nothing_refers_to_what_is_not_there_whatever_the_parameters() -> None:
    # cfn-lint does not see that the condition of a win's queues always holds, so its own rule is off.
    defaults = {name: str(each.get("Default", "")) for name, each in TEMPLATE["Parameters"].items()}
    alarms = ({}, {"AlarmEmail": "x", "QuietMinutes": "60", "UsualCreditsIn": "EUR"})
    for *values, asked, acl in product(
        *(TEMPLATE["Parameters"][name]["AllowedValues"] for name in SETTINGS), alarms, ("", "x")
    ):
        chosen = dict(zip(SETTINGS, values, strict=True))
        parameters = {**defaults, **chosen, **asked, "WebAclArn": acl}
        there = {
            section: {
                name: {key: value for key, value in each.items() if key != "Condition"}
                for name, each in TEMPLATE[section].items()
                if "Condition" not in each or holds(each["Condition"], parameters)
            }
            for section in ("Resources", "Outputs")
        }
        named = named_in(there, parameters)
        assert {name for name in named if not name.startswith("AWS::")} <= there["Resources"].keys() | parameters.keys()


def test_what_stays_of_a_stack_can_be_adopted_by_a_new_one(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "operating" / "removing.md").read_text()
    (script,) = re.findall(r"(?s)<<'END'\n(.*?)\nEND\n", page)
    types = {name: each["Type"] for name, each in TEMPLATE["Resources"].items()}
    lasting = {name for name, each in types.items() if each in ("AWS::DynamoDB::Table", "AWS::SQS::Queue")}
    summaries = [
        {"LogicalResourceId": name, "PhysicalResourceId": f"its {name}", "ResourceType": each}
        for name, each in types.items()
    ]
    (tmp_path / "resources.json").write_text(json.dumps({"StackResourceSummaries": summaries}))
    (tmp_path / "template.json").write_text(json.dumps(loops.read()))

    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)  # noqa: S603 - our own page

    retained = (tmp_path / "retained.json").read_text()
    assert json.loads(retained)["Resources"].keys() == lasting
    assert all("DeletionPolicy" in each for each in json.loads(retained)["Resources"].values())
    assert len(retained) < 51_200, "what --template-body takes"
    errors_alone = ManualArgs(regions=["eu-west-1"], ignore_checks=["W", "I"])
    assert [f"{match.rule.id} {match.message}" for match in lint(retained, config=errors_alone)] == []
    adopted = json.loads((tmp_path / "import.json").read_text())
    assert {each["LogicalResourceId"] for each in adopted} == lasting


def test_a_stack_with_wins_alone_has_nothing_of_bets() -> None:
    parameters = {name: str(each.get("Default", "")) for name, each in TEMPLATE["Parameters"].items()}
    wins = {
        name
        for name, each in TEMPLATE["Resources"].items()
        if "Condition" not in each or holds(each["Condition"], {**parameters, "Calls": "Wins"})
    }
    of_bets = re.compile(f"^({'|'.join(each.title() for each in BETS)}|Rounds|RoundAccess|PlayerReading|ClosedWith)")

    assert not [name for name in wins if of_bets.search(name)]
    assert {f"{name}Queue" for name in ("ResultRetry", "JackpotRetry", "BonusRetry", "PromoRetry")} <= wins


# --- As it is deployed --------------------------------------------------------------------------------


@pytest.mark.parametrize("rollout", ["Canary", "AllAtOnce"])
def test_every_way_to_deploy_is_a_template_without_a_mistake(rollout: str) -> None:
    usual = {"Alarms": "true", "SnapStart": "PublishedVersions", "Architecture": "arm64", "Calls": "All"}
    others = {"Alarms": "false", "SnapStart": "None", "Architecture": "x86_64", "Calls": "Wins"}
    ways = [usual, others, *({**usual, name: other} for name, other in others.items())]
    # All ways of a rollout make the same one, as long as conditions are left to CloudFormation.
    templates = {json.dumps(transformed(Rollout=rollout, **way)) for way in ways}
    errors_alone = ManualArgs(regions=["eu-west-1"], ignore_checks=["W", "I"])

    for template in templates:
        assert [f"{match.rule.id} {match.message}" for match in lint(template, config=errors_alone)] == []


def test_another_release_publishes_another_version_of_every_function() -> None:
    before = of_type(transformed(), "AWS::Lambda::Version")
    after = of_type(transformed(Release="fedcba9876"), "AWS::Lambda::Version")

    assert len(before) == len(after) == len(FUNCTIONS)
    assert not before.keys() & after.keys()
    assert of_type(transformed(), "AWS::Lambda::Version").keys() == before.keys()
    # Lambda publishes nothing of a function that is as it was, and the deployment would fail.
    for function in of_type(transformed(Release="fedcba9876"), "AWS::Lambda::Function").values():
        assert function["Description"].endswith(" fedcba9876")


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_functions_and_layer_are_for_the_architecture_that_is_deployed(architecture: str) -> None:
    template = transformed(Architecture=architecture)

    def value(each: Any) -> str:
        return architecture if each == {"Ref": "Architecture"} else each

    for function in of_type(template, "AWS::Lambda::Function").values():
        assert [value(each) for each in function["Architectures"]] == [architecture]
    (layer,) = of_type(template, "AWS::Lambda::LayerVersion").values()
    assert [value(each) for each in layer["CompatibleArchitectures"]] == [architecture]


def if_there(part: Any) -> Any:
    """What belongs to bets is there where bets are taken."""
    _, there, _ = part.get("Fn::If", (None, part, None))
    return there


def test_every_function_is_called_by_its_alias() -> None:
    template = transformed()

    aliases = of_type(template, "AWS::Lambda::Alias")
    assert [alias["Name"] for alias in aliases.values()] == ["live"] * len(FUNCTIONS)
    for mapping in of_type(template, "AWS::Lambda::EventSourceMapping").values():
        assert mapping["FunctionName"]["Ref"] in aliases
    for path in of_type(template, "AWS::ApiGateway::RestApi")["Api"]["Body"]["paths"].values():
        method = if_there(if_there(path)["x-amazon-apigateway-any-method"])
        uri = if_there(method["x-amazon-apigateway-integration"]["uri"])["Fn::Sub"]
        assert any(f"${{{alias}}}" in uri for alias in aliases)


def test_who_may_call_is_a_list_and_another_one_is_deployed() -> None:
    body = of_type(transformed(), "AWS::ApiGateway::RestApi")["Api"]["Body"]
    (statement,) = body["x-amazon-apigateway-policy"]["Statement"]

    assert statement["Condition"] == {"IpAddress": {"aws:SourceIp": {"Fn::Split": [",", GIVEN["ProviderCidrs"]]}}}
    # A policy takes effect when its API is deployed anew, and not before.
    (before,) = of_type(transformed(), "AWS::ApiGateway::Deployment")
    (after,) = of_type(transformed(ProviderCidrs="203.0.113.0/28"), "AWS::ApiGateway::Deployment")
    assert before != after


def test_a_rollout_that_is_gradual_is_rolled_back_by_alarms() -> None:
    groups = of_type(transformed(Rollout="Canary"), "AWS::CodeDeploy::DeploymentGroup")

    assert len(groups) == len(FUNCTIONS)
    for group in groups.values():
        condition, watched, unwatched = group["AlarmConfiguration"]["Fn::If"]
        assert condition == "HasAlarms"
        assert [alarm["Name"]["Ref"] for alarm in watched["Alarms"]] == [
            "FunctionFailedAlarm",
            "NotPossibleAlarm",
            "ParkingFailedAlarm",
            "NotKeptAlarm",
        ]
        assert watched["Enabled"] is True
        assert unwatched == {}
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    assert of_type(transformed(Rollout="AllAtOnce"), "AWS::CodeDeploy::DeploymentGroup") == {}


def test_a_function_has_the_role_of_the_template_and_sam_adds_none() -> None:
    template = transformed(Rollout="AllAtOnce")

    assert of_type(template, "AWS::IAM::Role").keys() == {
        name for name, each in TEMPLATE["Resources"].items() if each["Type"] == "AWS::IAM::Role"
    }
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        assert function["Role"] == {"Fn::GetAtt": [f"{name.removesuffix('Function')}Role", "Arn"]}


def needed_by(template: dict[str, Any], name: str) -> set[str]:
    """Every resource that CloudFormation makes before this one."""
    found: set[str] = set()
    unseen = {name}
    while unseen:
        text = json.dumps(template["Resources"][unseen.pop()])
        named = set(re.findall(r'"Ref": "(\w+)"', text)) | set(re.findall(r'"Fn::GetAtt": \["(\w+)"', text))
        named |= set(re.findall(r"\$\{(\w+)", text))
        unseen |= (named & template["Resources"].keys()) - found
        found |= named & template["Resources"].keys()
    return found


def test_a_stage_is_made_after_the_role_that_its_log_needs() -> None:
    # In an account where no API has logged before, it would fail.
    template = transformed()
    (stage,) = (name for name, each in template["Resources"].items() if each["Type"] == "AWS::ApiGateway::Stage")

    assert {"ApiLogAccount", "ApiLogRole", "ApiLog"} <= needed_by(template, stage)
    assert "DependsOn" not in template["Resources"]["Api"], "the account is not there when it is declined"


def test_a_version_is_published_after_all_that_its_warm_up_needs() -> None:
    template = transformed()
    (version,) = (name for name in of_type(template, "AWS::Lambda::Version") if name.startswith("Result"))

    assert {"ResultRole", "PlayerAccess", "Players", "Transactions", "ResultLog"} <= needed_by(template, version)

"""The template as an account deploys it: through SAM's own transform, with the parameters' values."""

import copy
import json
import re
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from conftest import ROOT
from stack import FUNCTIONS

TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text())
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


@pytest.mark.parametrize("rollout", ["Canary", "AllAtOnce"])
def test_every_way_to_deploy_is_a_template_without_a_mistake(rollout: str) -> None:
    ways = product(("true", "false"), ("PublishedVersions", "None"), ("arm64", "x86_64"))
    templates = {  # all ways of a rollout make the same one, as long as conditions are left to CloudFormation
        json.dumps(transformed(Rollout=rollout, Alarms=alarms, SnapStart=snap_start, Architecture=architecture))
        for alarms, snap_start, architecture in ways
    }
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


def test_every_function_is_called_by_its_alias() -> None:
    template = transformed()

    aliases = of_type(template, "AWS::Lambda::Alias")
    assert [alias["Name"] for alias in aliases.values()] == ["live"] * len(FUNCTIONS)
    for mapping in of_type(template, "AWS::Lambda::EventSourceMapping").values():
        assert mapping["FunctionName"]["Ref"] in aliases
    for path in of_type(template, "AWS::ApiGateway::RestApi")["Api"]["Body"]["paths"].values():
        uri = path["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
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

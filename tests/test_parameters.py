"""What the stack asks for when it is deployed: each parameter says what it is, and takes nothing else."""

import re
from typing import Any

import pytest

from stack import CONTENT, PARAMETERS


def test_the_parameters_are_these_and_none_holds_a_secret() -> None:
    assert PARAMETERS.keys() == {
        "ProviderCidrs", "CheckSecret", "WebAclArn", "ThrottleRate", "ThrottleBurst", "AdjustmentLimit",
        "Alarms", "AlarmEmail", "QuietMinutes", "UsualCreditsIn", "UsualCreditsIn2", "UsualCreditsIn3", "RunbookUrl",
        "LogRetentionDays", "LogLevel", "SetApiLogRole",
        "Calls", "Release", "Architecture", "StageName", "Rollout", "SnapStart", "ReservedConcurrency", "RetrySeconds",
        "Stream", "AwsEndpointUrl",
    }  # fmt: skip

    for name, parameter in PARAMETERS.items():
        assert "NoEcho" not in parameter, f"{name} would be a secret"
        assert not parameter["Type"].startswith("AWS::SSM"), f"{name} could be one"
    assert PARAMETERS["CheckSecret"]["AllowedValues"] == ["true", "false"]


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_says_what_it_is_and_what_it_takes(name: str) -> None:
    parameter = PARAMETERS[name]

    assert parameter["Description"].endswith(".")
    assert parameter.keys() & {"AllowedPattern", "AllowedValues"} or parameter.keys() >= {"MinValue", "MaxValue"}
    if "AllowedPattern" in parameter:
        assert "Default" not in parameter or takes(name, parameter["Default"])
        assert name == "StageName" or parameter["ConstraintDescription"].startswith("must be ")
    elif "Default" in parameter:
        assert takes(name, parameter["Default"])


def test_what_has_no_default_must_be_decided() -> None:
    assert {name for name, parameter in PARAMETERS.items() if "Default" not in parameter} == {
        "ProviderCidrs",
        "Release",
    }


def test_a_parameter_stands_in_one_group_of_the_form() -> None:
    groups = CONTENT["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(PARAMETERS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ProviderCidrs", "203.0.113.0/28"),
        ("ProviderCidrs", "203.0.113.7/32,198.51.100.0/24"),
        ("ProviderCidrs", "203.0.113.0/28,2001:db8::/48"),
        ("WebAclArn", ""),
        ("WebAclArn", "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/callbacks/a1b2c3d4-5678-90ab-cdef-1"),
        ("WebAclArn", "arn:aws-cn:wafv2:cn-north-1:123456789012:regional/webacl/callbacks/a1b2c3d4"),
        ("AdjustmentLimit", ""),
        ("AdjustmentLimit", "0"),
        ("AdjustmentLimit", "99.50"),
        ("AdjustmentLimit", "99999999999999.999999999999999999"),
        ("AlarmEmail", ""),
        ("AlarmEmail", "on-call+wallet@example.com"),
        ("QuietMinutes", "0"),
        ("QuietMinutes", "30"),
        ("QuietMinutes", "1399"),
        ("QuietMinutes", "1440"),
        ("UsualCreditsIn", ""),
        ("UsualCreditsIn", "EUR"),
        ("UsualCreditsIn2", "USDT"),
        ("UsualCreditsIn3", "mBTC"),
        ("RunbookUrl", "https://wiki.example.com/alarms"),
        ("RunbookUrl", "http://wiki/x?page=alarms"),
        ("Release", "0123456789"),
        ("Release", "deadbeef00"),
        ("Architecture", "arm64"),
        ("Architecture", "x86_64"),
        ("StageName", "live"),
        ("AwsEndpointUrl", ""),
        ("AwsEndpointUrl", "https://engine.example.com/"),
        ("ThrottleRate", 0),  # nobody gets through: how the callbacks are closed
        ("ReservedConcurrency", "0"),
        ("ReservedConcurrency", "10"),
        ("ReservedConcurrency", "3000"),
    ],
)
def test_a_parameter_takes_what_it_is_for(name: str, value: Any) -> None:
    assert takes(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ProviderCidrs", "0.0.0.0/0"),
        ("ProviderCidrs", "203.0.113.0/28,::/0"),
        ("ProviderCidrs", ""),
        ("ProviderCidrs", "*"),
        ("ProviderCidrs", "203.0.113.7"),
        ("ProviderCidrs", "203.0.113.0/28, 198.51.100.0/24"),
        ("ProviderCidrs", "203.0.113.0/28,"),
        ("ProviderCidrs", "provider.example.com"),
        ("WebAclArn", "callbacks"),
        ("WebAclArn", "arn:aws:wafv2:us-east-1:123456789012:global/webacl/callbacks/a1b2c3d4"),  # CloudFront's
        ("WebAclArn", "arn:aws:wafv2:eu-west-1:123456789012:regional/ipset/callbacks/a1b2c3d4"),
        ("AdjustmentLimit", "-1"),
        ("AdjustmentLimit", "1e3"),
        ("AdjustmentLimit", "10,000"),
        ("AdjustmentLimit", "Infinity"),
        ("AlarmEmail", "on-call"),
        ("AlarmEmail", "@example.com"),
        ("AlarmEmail", "on-call@"),
        ("AlarmEmail", "one@example.com two@example.com"),
        ("AlarmEmail", "one@two@example.com"),
        ("QuietMinutes", "29"),  # a figure may be a quarter of an hour late
        ("QuietMinutes", "1441"),  # more than the day that an alarm looks back
        ("QuietMinutes", ""),
        ("QuietMinutes", "060"),
        ("UsualCreditsIn", "EUR,USD"),
        ("UsualCreditsIn2", "EUR "),
        ("UsualCreditsIn3", "*"),
        ("RunbookUrl", ""),
        ("RunbookUrl", "wiki"),
        ("RunbookUrl", "https://wiki.example.com/alarms#top"),
        ("RunbookUrl", f"https://wiki.example.com/{'x' * 200}"),
        ("Release", ""),
        ("Release", "0.1.0"),
        ("Release", "012345678"),
        ("Release", "0123456789a"),
        ("Release", "DEADBEEF00"),
        ("Release", "0123456789\n"),
        ("Architecture", "amd64"),  # Docker's name
        ("Architecture", "aarch64"),  # the kernel's name
        ("Architecture", ""),
        ("StageName", ""),
        ("StageName", "live/v4"),
        ("AwsEndpointUrl", "127.0.0.1:4566"),
        ("AwsEndpointUrl", "http://127.0.0.1:4566"),
        ("ReservedConcurrency", "1"),  # fewer than a queue's two batches
        ("ReservedConcurrency", "-1"),
        ("ReservedConcurrency", ""),
        ("AwsEndpointUrl", "ftp://127.0.0.1"),
        ("AwsEndpointUrl", "http://"),
        ("AwsEndpointUrl", "http://one http://two"),
        ("CheckSecret", "hush-hush"),
        ("CheckSecret", "yes"),
        ("CheckSecret", ""),
        ("ThrottleRate", -1),
        ("RetrySeconds", 0),
        ("RetrySeconds", 901),  # SQS delays a message no longer
        ("LogRetentionDays", 0),
        ("LogLevel", "TRACE"),
        ("Rollout", "Linear"),
    ],
)
def test_a_parameter_takes_nothing_else(name: str, value: Any) -> None:
    assert not takes(name, value)


def takes(name: str, value: Any) -> bool:
    """Whether CloudFormation would take a value for a parameter: of a list, each item must fit."""
    parameter = PARAMETERS[name]
    if parameter["Type"] == "Number":
        number = float(value)
        return (
            number in parameter.get("AllowedValues", [number])
            and parameter.get("MinValue", number) <= number <= parameter.get("MaxValue", number)
        )  # fmt: skip
    if "AllowedValues" in parameter:
        return value in parameter["AllowedValues"]
    values = value.split(",") if parameter["Type"] == "CommaDelimitedList" else [value]
    # Java's `$`, too, matches before a line's end; but the whole value must match.
    return all(re.fullmatch(parameter["AllowedPattern"].replace("$", r"\Z"), each) for each in values)

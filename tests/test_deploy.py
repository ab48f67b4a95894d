"""`make deploy`: what it refuses, what it computes, and what it hands to sam."""

import copy
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.deploy import account
from tools.deploy.account import Environment, command
from tools.deploy.engine_gaps import with_parameters_as_defaults
from tools.deploy.release import release
from tools.deploy.stack import BUILD
from tools.local.template import Template
from tools.local.trouble import Trouble

FILLED = """
[prod.deploy.parameters]
stack_name = "wallet"
parameter_overrides = ["ProviderCidrs=203.0.113.0/28,198.51.100.0/28", "RetrySeconds=30"]
[default.build.parameters]
cached = false
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "samconfig.toml").write_text(FILLED)
    return tmp_path / "samconfig.toml"


# --- The environments -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_no_environment_can_be_deployed_before_it_says_who_may_call(name: str) -> None:
    with pytest.raises(Trouble, match="does not say yet what ProviderCidrs is"):
        Environment.read(name)


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_an_environment_sets_only_parameters_that_there_are(name: str) -> None:
    settings = account._environments(account.tomllib.loads(account.CONFIG.read_text()))[name]

    assert {each.partition("=")[0] for each in settings["parameter_overrides"]} <= Template.load().parameters.keys()
    assert settings["capabilities"] == "CAPABILITY_IAM"


def test_production_is_confirmed_watched_and_rolled_out_gradually() -> None:
    settings = account._environments(account.tomllib.loads(account.CONFIG.read_text()))["prod"]
    given = dict(each.split("=", 1) for each in settings["parameter_overrides"])
    parameters = dict(Template.load().parameters) | given

    assert settings["confirm_changeset"] is True
    assert (parameters["Alarms"], parameters["Rollout"], parameters["CheckSecret"]) == ("true", "Canary", "true")


@pytest.mark.parametrize("name", ["", "default", "production", "../prod"])
def test_an_environment_that_is_not_there_is_refused_with_those_that_are(config: Path, name: str) -> None:
    with pytest.raises(Trouble, match="ENV=prod"):
        Environment.read(name, config)


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ('"ProviderCidrs=203.0.113.0/28"', "must be a list"),
        ('["ProviderCidrs"]', "must be a list"),
        ('["ProviderCidrs=203.0.113.0/28", "AlarmEmail=FILL-IN"]', "does not say yet what AlarmEmail is"),
        ('["ProviderCidrs=203.0.113.0/28", "Release=0123456789"]', "cannot be set"),
    ],
)
def test_an_environment_that_is_not_filled_in_is_refused(config: Path, parameters: str, complaint: str) -> None:
    config.write_text(f"[prod.deploy.parameters]\nparameter_overrides = {parameters}\n")

    with pytest.raises(Trouble, match=complaint):
        Environment.read("prod", config)


# --- What is handed to sam --------------------------------------------------------------------------


def test_sam_is_given_the_environment_all_its_parameters_and_the_release(config: Path) -> None:
    environment = Environment.read("prod", config)

    arguments = command(environment, Path("built.yaml"), "0123456789", confirmed=False)

    given = arguments[arguments.index("--parameter-overrides") + 1 :]
    assert given == ["ProviderCidrs=203.0.113.0/28,198.51.100.0/28", "RetrySeconds=30", "Release=0123456789"]
    # sam looks for its settings beside the template, where there are none.
    assert f"--config-file={config}" in arguments
    assert "--config-env=prod" in arguments
    assert "--template-file=built.yaml" in arguments


def test_a_person_is_asked_unless_it_was_said_that_all_is_confirmed(config: Path) -> None:
    environment = Environment.read("prod", config)

    asked, not_asked = (command(environment, Path("t"), "0123456789", confirmed=each) for each in (False, True))

    assert "--no-confirm-changeset" not in asked
    assert "--no-confirm-changeset" in not_asked


# --- The release ------------------------------------------------------------------------------------

BUILT = {
    "Parameters": {
        "LogLevel": {"Default": "INFO"},
        "CheckSecret": {"Default": "true"},
        "ProviderCidrs": {},
        "ThrottleRate": {"Default": 500},
        "Release": {},
    },
    "Conditions": {"ChecksSecret": {"Fn::Equals": [{"Ref": "CheckSecret"}, "true"]}},
    "Globals": {
        "Function": {
            "Timeout": 20,
            "Environment": {
                "Variables": {
                    "LEVEL": {"Ref": "LogLevel"},
                    "SECRET": {"Fn::If": ["ChecksSecret", {"Ref": "Secret"}, ""]},
                }
            },
            "DeploymentPreference": {"Type": "Canary"},
        }
    },
    "Resources": {
        "ResultFunction": {
            "Type": "AWS::Serverless::Function",
            "Properties": {"Role": "result", "AutoPublishCodeSha256": {"Ref": "Release"}, "Events": {"A": "a path"}},
        },
        "Api": {"Type": "AWS::Serverless::Api", "Properties": {"Rate": {"Ref": "ThrottleRate"}}},
    },
}
GIVEN = {"ProviderCidrs": "203.0.113.0/28", "Release": "0123456789"}


@pytest.fixture
def built(tmp_path: Path) -> Path:
    for folder, file in (("CommonLayer", "ledger.py"), ("functions/result", "app.py")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / file).write_text(f"{file}\n")
    return tmp_path


def release_in(built: Path, template: dict[str, Any] = BUILT, parameters: Mapping[str, str] = {}) -> str:
    return release(template, [built / "CommonLayer", built / "functions"], {**GIVEN, **parameters})


def changed(*path: str, to: Any) -> dict[str, Any]:
    template = copy.deepcopy(BUILT)
    *above, last = path
    place: Any = template
    for name in above:
        place = place[name]
    place[last] = to
    return template


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "CommonLayer" / "ledger.py").write_text("# paid\n"),
        lambda folder: (folder / "functions" / "result" / "app.py").write_text("# paid\n"),
        lambda folder: (folder / "CommonLayer" / "ledger.py").rename(folder / "CommonLayer" / "store.py"),
        lambda folder: (folder / "CommonLayer" / "empty.py").write_text(""),
        lambda folder: write_bytecode(folder / "CommonLayer"),  # a start takes a quarter of the time with it
    ],
    ids=["layer", "function", "name", "file", "bytecode"],
)
def test_other_code_is_another_release(built: Path, change: Callable[[Path], object]) -> None:
    before = release_in(built)
    assert release_in(built) == before

    change(built)

    assert release_in(built) != before


@pytest.mark.parametrize("parameter", ["LogLevel", "CheckSecret"])
def test_a_setting_that_a_function_sees_is_another_release(built: Path, parameter: str) -> None:
    assert release_in(built, parameters={parameter: "another"}) != release_in(built)


@pytest.mark.parametrize("parameter", ["ProviderCidrs", "ThrottleRate", "Release"])
def test_a_setting_that_no_function_sees_takes_effect_without_a_release(built: Path, parameter: str) -> None:
    # It would go through a canary, and an alarm that it is to mend would roll it back.
    assert release_in(built, parameters={parameter: "another"}) == release_in(built)


def test_what_a_function_is_makes_its_release_and_what_calls_it_does_not(built: Path) -> None:
    before = release_in(built)
    function = ("Resources", "ResultFunction", "Properties")

    assert release_in(built, changed("Globals", "Function", "Timeout", to=3)) != before
    assert release_in(built, changed(*function, "Role", to="another")) != before
    assert release_in(built, changed("Conditions", "ChecksSecret", "Fn::Equals", to=["true", "true"])) != before
    assert release_in(built, changed(*function, "Events", "A", to="another path")) == before
    assert release_in(built, changed("Globals", "Function", "DeploymentPreference", "Type", to="AllAtOnce")) == before
    assert release_in(built, changed("Resources", "Api", "Properties", "Rate", to=7)) == before


def write_bytecode(folder: Path) -> None:
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "module.pyc").write_bytes(b"bytecode")


def test_bytecode_that_python_left_beside_a_function_is_neither_deployed_nor_a_release(built: Path) -> None:
    before = release_in(built)
    write_bytecode(built / "functions" / "result")

    account.remove_bytecode(built / "functions")

    assert release_in(built) == before
    assert [path.name for path in (built / "functions" / "result").iterdir()] == ["app.py"]


def test_a_deployment_removes_bytecode_before_it_computes_the_release(
    built: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytecode(built / "functions" / "result")
    (built / "template.yaml").write_text(yaml.safe_dump(BUILT))
    environment = Environment.read("prod", config)
    monkeypatch.setattr(account.Environment, "read", lambda _name: environment)
    monkeypatch.setattr(account, "BUILD", built)
    monkeypatch.setattr(account, "FUNCTIONS", built / "functions")
    monkeypatch.setattr(account.sys, "argv", ["account"])
    given: list[list[str]] = []
    monkeypatch.setattr(
        account.subprocess,
        "run",
        lambda command, **_: given.append(command) or subprocess.CompletedProcess(command, 0),
    )

    assert account.main() == 0

    assert f"Release={release_in(built)}" in given[0]
    assert not list(built.rglob("functions/**/__pycache__"))


def test_the_template_s_own_release_follows_what_its_functions_see() -> None:
    template = yaml.safe_load((BUILD / "template.yaml").read_text())

    def of(**parameters: str) -> str:
        return release(template, [], {**GIVEN, **parameters})

    assert re.fullmatch("[0-9a-f]{10}", of())
    for parameter in ("LogLevel", "RetrySeconds", "CheckSecret", "SnapStart", "AwsEndpointUrl"):
        assert of(**{parameter: "another"}) != of(), parameter
    for parameter in ("ProviderCidrs", "ThrottleRate", "ThrottleBurst", "AlarmEmail", "ReservedConcurrency", "Rollout"):
        assert of(**{parameter: "another"}) == of(), parameter


# --- The local engine -------------------------------------------------------------------------------


def test_the_engine_is_given_the_same_template_with_the_given_values_as_defaults() -> None:
    template = {"Parameters": {"A": {"Type": "String"}, "B": {"Type": "Number", "Default": 1}}, "Resources": {"R": 1}}

    given = with_parameters_as_defaults(template, {"A": "a"})

    assert given["Parameters"] == {"A": {"Type": "String", "Default": "a"}, "B": {"Type": "Number", "Default": 1}}
    assert given["Resources"] == template["Resources"]
    assert "Default" not in template["Parameters"]["A"]

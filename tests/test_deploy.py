"""`make deploy`: what it refuses, what it computes, and what it hands to sam."""

from pathlib import Path

import pytest

from conftest import ROOT
from tools.deploy import account
from tools.deploy.account import Environment, command
from tools.deploy.engine_gaps import with_parameters_as_defaults
from tools.deploy.release import release
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


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder, file in (
        ("build", "template.yaml"),
        ("build/CommonLayer", "ledger.py"),
        ("functions/result", "app.py"),
    ):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / file).write_text(f"{file}\n")
    monkeypatch.setattr(account, "BUILD", tmp_path / "build")
    monkeypatch.setattr(account, "FUNCTIONS", tmp_path / "functions")
    return tmp_path


def test_sam_is_given_every_parameter_of_the_environment_and_the_release(built: Path, config: Path) -> None:
    environment = Environment.read("prod", config)

    arguments = command(environment, confirmed=False)

    given = arguments[arguments.index("--parameter-overrides") + 1 :]
    digest = release([built / "build", built / "functions"], environment.parameters)
    assert given == [*environment.parameters, f"Release={digest}"]
    assert f"--template-file={built / 'build' / 'template.yaml'}" in arguments
    assert "--config-env=prod" in arguments


def test_a_person_is_asked_unless_it_was_said_that_all_is_confirmed(built: Path, config: Path) -> None:
    environment = Environment.read("prod", config)

    assert "--no-confirm-changeset" not in command(environment, confirmed=False)
    assert "--no-confirm-changeset" in command(environment, confirmed=True)


# --- The release ------------------------------------------------------------------------------------


def changed_layer(folder: Path) -> None:
    (folder / "build" / "CommonLayer" / "ledger.py").write_text("# paid\n")


def changed_function(folder: Path) -> None:
    (folder / "functions" / "result" / "app.py").write_text("# paid\n")


def changed_template(folder: Path) -> None:
    (folder / "build" / "template.yaml").write_text("Timeout: 3\n")


def renamed(folder: Path) -> None:
    (folder / "build" / "CommonLayer" / "ledger.py").rename(folder / "build" / "CommonLayer" / "store.py")


def added(folder: Path) -> None:
    (folder / "build" / "CommonLayer" / "empty.py").write_text("")


@pytest.mark.parametrize("change", [changed_layer, changed_function, changed_template, renamed, added])
def test_whatever_is_deployed_anew_is_another_release(built: Path, change: object) -> None:
    folders, settings = [built / "build", built / "functions"], ["LogLevel=INFO"]
    before = release(folders, settings)

    assert callable(change)
    change(built)

    assert release(folders, settings) != before
    assert release(folders, settings) == release(folders, settings)


def test_another_setting_is_another_release_and_another_order_is_not(built: Path) -> None:
    folders = [built / "build", built / "functions"]

    assert release(folders, ["A=1", "B=2"]) == release(folders, ["B=2", "A=1"])
    assert release(folders, ["A=1", "B=2"]) != release(folders, ["A=1", "B=3"])
    assert release(folders, ["A=1", "B=2"]) != release(folders, ["A=1"])


def test_what_python_leaves_behind_is_no_release(built: Path) -> None:
    before = release([built / "functions"], [])

    (built / "functions" / "result" / "__pycache__").mkdir()
    (built / "functions" / "result" / "__pycache__" / "app.pyc").write_bytes(b"bytecode")

    assert release([built / "functions"], []) == before


def test_a_release_is_what_the_template_takes() -> None:
    assert len(release([ROOT / "functions"], [])) == 10
    assert set(release([ROOT / "functions"], [])) <= set("0123456789abcdef")


# --- The local engine -------------------------------------------------------------------------------


def test_the_engine_is_given_the_same_template_with_the_given_values_as_defaults() -> None:
    template = {"Parameters": {"A": {"Type": "String"}, "B": {"Type": "Number", "Default": 1}}, "Resources": {"R": 1}}

    given = with_parameters_as_defaults(template, {"A": "a"})

    assert given["Parameters"] == {"A": {"Type": "String", "Default": "a"}, "B": {"Type": "Number", "Default": 1}}
    assert given["Resources"] == template["Resources"]
    assert "Default" not in template["Parameters"]["A"]

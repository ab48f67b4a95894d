"""`make deploy`: what it refuses, what it computes, and what it hands to sam."""

import copy
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from tools.local.deploy import account
from tools.local.deploy.account import Environment, command
from tools.local.deploy.architecture import architecture_of
from tools.local.deploy.engine_gaps import with_parameters_as_defaults
from tools.local.deploy.release import release
from tools.local.deploy.stack import BUILD
from tools.local.loops import read_built
from tools.local.template import Template
from tools.shared.trouble import Trouble

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


# --- The architecture -------------------------------------------------------------------------------

X86_64, ARM64, RISC_V = 62, 183, 243  # the field e_machine of an ELF file


def library(folder: Path, name: str, machine: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"\x7fELF".ljust(18, b"\0") + machine.to_bytes(2, "little") + b"\0" * 44)


@pytest.mark.parametrize(("machine", "architecture"), [(X86_64, "x86_64"), (ARM64, "arm64")])
def test_a_layer_is_for_the_processor_that_its_libraries_are_compiled_for(
    tmp_path: Path, machine: int, architecture: str
) -> None:
    library(tmp_path / "python" / "pydantic_core", "core.so", machine)
    library(tmp_path / "python" / "libs", "libfoo.so.1", machine)

    assert architecture_of(tmp_path) == architecture


@pytest.mark.parametrize("machines", [[], [RISC_V, X86_64], [X86_64, ARM64]], ids=["none", "unknown", "two"])
def test_a_layer_for_no_one_processor_is_refused(tmp_path: Path, machines: list[int]) -> None:
    for number, machine in enumerate(machines):
        library(tmp_path, f"{number}.so", machine)

    with pytest.raises(Trouble, match="build it again"):
        architecture_of(tmp_path)


def test_a_library_that_is_no_machine_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.so").write_text("INPUT(-la)")

    with pytest.raises(Trouble, match="an unknown processor"):
        architecture_of(tmp_path)


def deployed_for(config: Path, architecture: str | None) -> None:
    given = f', "Architecture={architecture}"' if architecture else ""
    config.write_text(FILLED.replace('"RetrySeconds=30"', f'"RetrySeconds=30"{given}'))


@pytest.mark.parametrize(("given", "architecture"), [(None, "arm64"), ("arm64", "arm64"), ("x86_64", "x86_64")])
def test_make_deploy_builds_for_the_architecture_of_its_environment(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str | None,
    architecture: str,
) -> None:
    deployed_for(config, given)

    assert main_with(monkeypatch, config, "check") == 0
    assert capsys.readouterr().out == f"{architecture}\n"


@pytest.mark.parametrize(("given", "asked"), [(None, "x86_64"), ("arm64", "x86_64"), ("x86_64", "arm64")])
@pytest.mark.parametrize("argument", ["check", ""])
def test_arch_that_is_not_the_environment_s_is_refused(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str | None,
    asked: str,
    argument: str,
) -> None:
    deployed_for(config, given)

    assert main_with(monkeypatch, config, argument, ARCH=asked) == 1
    assert f'ARCH is {asked}, and samconfig.toml deploys prod for {given or "arm64"}: put "Architecture={asked}"' in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(("given", "machine"), [(None, X86_64), ("arm64", X86_64), ("x86_64", ARM64)])
def test_a_layer_for_another_architecture_is_never_deployed(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str | None,
    machine: int,
) -> None:
    deployed_for(config, given)
    library(tmp_path / "CommonLayer", "core.so", machine)

    assert main_with(monkeypatch, config, "", build=tmp_path) == 1
    assert "the layer was built for" in capsys.readouterr().err


@pytest.mark.parametrize(("given", "machine"), [(None, ARM64), ("x86_64", X86_64)])
def test_a_layer_for_the_environment_s_architecture_is_deployed(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, machine: int
) -> None:
    deployed_for(config, given)
    library(tmp_path / "CommonLayer", "core.so", machine)
    (tmp_path / "template.yaml").write_text(yaml.safe_dump(BUILT))
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> SimpleNamespace:
        commands.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(account.subprocess, "run", run)

    assert main_with(monkeypatch, config, "", build=tmp_path) == 0
    ((*_, last),) = commands
    assert last.startswith("Release=")
    assert f"Architecture={given}" in commands[0] or given is None


def main_with(
    monkeypatch: pytest.MonkeyPatch, config: Path, argument: str, build: Path | None = None, **environment: str
) -> int:
    """What `python -m tools.local.deploy.account` answers for prod, as this samconfig.toml has it."""
    monkeypatch.delenv("ARCH", raising=False)
    for name, value in {"ENV": "prod", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(account.sys, "argv", ["account", *filter(None, [argument])])
    monkeypatch.setattr(account, "CONFIG", config)
    if build:
        monkeypatch.setattr(account, "BUILD", build)
    return account.main()


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
    monkeypatch.setenv("ENV", "prod")
    monkeypatch.delenv("ARCH", raising=False)
    monkeypatch.setattr(account, "CONFIG", config)
    monkeypatch.setattr(account, "BUILD", built)
    monkeypatch.setattr(account, "architecture_of", lambda _layer: "arm64")
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
    template = read_built(BUILD / "template.yaml")

    def of(**parameters: str) -> str:
        return release(template, [], {**GIVEN, **parameters})

    assert re.fullmatch("[0-9a-f]{10}", of())
    for parameter in (
        "AdjustmentLimit",
        "Architecture",
        "LogLevel",
        "RetrySeconds",
        "CheckSecret",
        "SnapStart",
        "AwsEndpointUrl",
    ):
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

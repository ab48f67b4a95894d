"""`make deploy ENV=prod`: what was built, into the account and region of the caller's own AWS credentials.

samconfig.toml says what an environment is: its stack, its region, its parameters. Only the parameter Release is
computed. `check` comes before the build and prints the architecture to build for.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.local.deploy.architecture import architecture_of
from tools.local.deploy.release import release
from tools.local.loops import read_built
from tools.local.template import Template
from tools.shared.folders import ROOT
from tools.shared.trouble import Trouble

BUILD = ROOT / ".aws-sam" / "build"
FUNCTIONS = ROOT / "functions"
CONFIG = ROOT / "samconfig.toml"
SAM = ROOT / ".venv-sam" / "bin" / "sam"
UNFILLED = "FILL-IN"


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of a samconfig.toml, and the parameters it gives."""

    name: str
    config: Path
    parameters: Mapping[str, str]

    @classmethod
    def read(cls, name: str, config: Path = CONFIG) -> "Environment":
        """Raises Trouble for an environment that does not exist, or is not filled in."""
        environments = _environments(tomllib.loads(config.read_text()))
        if name not in environments:
            raise Trouble(f"say which environment: make deploy ENV={'|'.join(environments)} (see {config.name})")
        given = environments[name].get("parameter_overrides", [])
        if isinstance(given, str) or not all("=" in each for each in given):
            raise Trouble(
                f'{config.name}: [{name}.deploy.parameters] parameter_overrides must be a list of "Name=value"'
            )
        parameters = dict(each.split("=", 1) for each in given)
        for parameter, value in parameters.items():
            if UNFILLED in value:
                raise Trouble(f"{config.name}: [{name}.deploy.parameters] does not say yet what {parameter} is")
        if "Release" in parameters:
            raise Trouble(f"{config.name}: Release is computed from what is deployed, and cannot be set")
        return cls(name, config, parameters)

    @property
    def architecture(self) -> str:
        return self.parameters.get("Architecture", Template.load().parameters["Architecture"])

    def must_be_for(self, architecture: str, whose: str) -> None:
        """Raises Trouble if it deploys another architecture."""
        if architecture != self.architecture:
            raise Trouble(
                f"{whose} {architecture}, and {self.config.name} deploys {self.name} for {self.architecture}: "
                f'put "Architecture={architecture}" into parameter_overrides of [{self.name}.deploy.parameters], '
                f"or use ARCH={self.architecture}"
            )


def _environments(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The sections of samconfig.toml that say how to deploy, but for sam's own `default`."""
    return {
        name: section["deploy"]["parameters"]
        for name, section in config.items()
        if name != "default" and isinstance(section, dict) and "deploy" in section
    }


def command(environment: Environment, template: Path, digest: str, *, confirmed: bool) -> list[str]:
    """What deploys a built template to an environment."""
    return [
        str(SAM),
        "deploy",
        f"--config-file={environment.config}",  # sam would look for it beside the template
        f"--config-env={environment.name}",
        f"--template-file={template}",
        "--no-fail-on-empty-changeset",
        *(["--no-confirm-changeset"] if confirmed else []),
        # What is given here replaces all that samconfig.toml says.
        "--parameter-overrides",
        *(f"{name}={value}" for name, value in environment.parameters.items()),
        f"Release={digest}",
    ]


def release_of(build: Path, template: Mapping[str, Any], parameters: Mapping[str, str]) -> str:
    """The release of what was built into a folder, its template among it, deployed with these parameters.

    Bytecode counts: a layer that gains bytecode is a new release.
    """
    return release(template, [build / "CommonLayer", FUNCTIONS], parameters)


def remove_bytecode(functions: Path) -> None:
    """Removes what Python left beside the functions' code: it would be deployed with them, and be another release."""
    for folder in functions.rglob("__pycache__"):
        shutil.rmtree(folder)


def main() -> int:
    try:
        environment = Environment.read(os.environ.get("ENV", ""), CONFIG)
        if asked := os.environ.get("ARCH"):
            environment.must_be_for(asked, "ARCH is")
        if sys.argv[1:] == ["check"]:  # before the build, which takes its time
            print(environment.architecture)
            return 0
        # The files decide, not what the build was asked for: a function cannot load another processor's libraries.
        environment.must_be_for(architecture_of(BUILD / "CommonLayer"), "the layer was built for")
    except Trouble as trouble:
        print(f"deploy: {trouble}", file=sys.stderr)
        return 1
    remove_bytecode(FUNCTIONS)
    template = BUILD / "template.yaml"
    digest = release_of(BUILD, read_built(template), environment.parameters)
    confirmed = os.environ.get("CONFIRMED", "0") not in ("", "0")
    deploy = command(environment, template, digest, confirmed=confirmed)
    return subprocess.run(deploy, cwd=ROOT, env=os.environ | {"SAM_CLI_TELEMETRY": "0"}, check=False).returncode  # noqa: S603 - of our own making


if __name__ == "__main__":
    sys.exit(main())

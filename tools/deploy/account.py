"""`make deploy ENV=prod`: what was built, into the account and region of the caller's own AWS credentials.

What an environment is, samconfig.toml says: its stack, its region, its parameters. Only one parameter is computed:
Release.
"""

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.deploy.release import release
from tools.local.template import ROOT
from tools.local.trouble import Trouble

BUILD = ROOT / ".aws-sam" / "build"
FUNCTIONS = ROOT / "functions"
CONFIG = ROOT / "samconfig.toml"
SAM = ROOT / ".venv-sam" / "bin" / "sam"
UNFILLED = "FILL-IN"


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of samconfig.toml, and the parameters it gives: `["RetrySeconds=30", ...]`."""

    name: str
    parameters: list[str]

    @classmethod
    def read(cls, name: str, config: Path = CONFIG) -> "Environment":
        """Raises Trouble for an environment that is not there, or not filled in."""
        environments = _environments(tomllib.loads(config.read_text()))
        if name not in environments:
            raise Trouble(f"say which environment: make deploy ENV={'|'.join(environments)} (see {config.name})")
        parameters = environments[name].get("parameter_overrides", [])
        if isinstance(parameters, str) or not all("=" in each for each in parameters):
            raise Trouble(
                f'{config.name}: [{name}.deploy.parameters] parameter_overrides must be a list of "Name=value"'
            )
        for each in parameters:
            parameter, _, value = each.partition("=")
            if UNFILLED in value:
                raise Trouble(f"{config.name}: [{name}.deploy.parameters] does not say yet what {parameter} is")
            if parameter == "Release":
                raise Trouble(f"{config.name}: Release is computed from what is deployed, and cannot be set")
        return cls(name, parameters)


def _environments(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The sections of samconfig.toml that say how to deploy, but for sam's own `default`."""
    return {
        name: section["deploy"]["parameters"]
        for name, section in config.items()
        if name != "default" and isinstance(section, dict) and "deploy" in section
    }


def command(environment: Environment, *, confirmed: bool) -> list[str]:
    """What deploys it."""
    digest = release([BUILD, FUNCTIONS], environment.parameters)
    return [
        str(SAM),
        "deploy",
        f"--config-env={environment.name}",
        f"--template-file={BUILD / 'template.yaml'}",
        "--no-fail-on-empty-changeset",
        *(["--no-confirm-changeset"] if confirmed else []),
        # What is given here replaces all that samconfig.toml says.
        "--parameter-overrides",
        *environment.parameters,
        f"Release={digest}",
    ]


def main() -> int:
    try:
        environment = Environment.read(os.environ.get("ENV", ""))
    except Trouble as trouble:
        print(f"deploy: {trouble}", file=sys.stderr)
        return 1
    if sys.argv[1:] == ["check"]:  # before the build, which takes its time
        return 0
    deploy = command(environment, confirmed=os.environ.get("CONFIRMED", "0") not in ("", "0"))
    return subprocess.run(deploy, cwd=ROOT, env=os.environ | {"SAM_CLI_TELEMETRY": "0"}, check=False).returncode  # noqa: S603 - of our own making


if __name__ == "__main__":
    sys.exit(main())

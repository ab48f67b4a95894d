"""The stack, deployed to an engine on this machine as `make deploy` deploys it to an account.

The same template, by the same `sam deploy`, with the layer built for this machine's interpreter. The engine holds
every role to its policies and speaks TLS alone. What it cannot do is left out by the template's own parameters
(alarms that compute, a gradual rollout); what its CloudFormation passes over, tools/local/deploy/engine_gaps.py adds.
"""

import json
import os
import ssl
import subprocess
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import trustme
from botocore.config import Config

from tools.local.deploy import engine_gaps
from tools.local.deploy.account import CONFIG, FUNCTIONS, Environment, command, release_of, remove_bytecode
from tools.local.engine import Guard, engine
from tools.local.loops import read_built
from tools.local.opening import Opening
from tools.local.template import Template
from tools.shared.folders import LOCAL
from tools.shared.trouble import Trouble

BUILD = LOCAL / "build"
NAME = "lucky-monaco-wallet"
REGION = "eu-west-1"
ANSWER_SECONDS = 30  # API Gateway waits no longer for a function

_CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}  # the engine's root


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A deployed stack: its `outputs` by name, its `resources` by what the template calls them."""

    endpoint: str
    authority: Path
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    deploy: Callable[..., None]  # again, with some parameters changed: deploy(LogLevel="DEBUG")

    def client(self, service: str) -> Any:
        return _client(service, self.endpoint, self.authority)

    def table(self, name: str) -> Any:
        resource: Any = boto3.Session(**_CREDENTIALS, region_name=REGION).resource(
            "dynamodb", endpoint_url=self.endpoint, verify=str(self.authority), config=Config(proxies={})
        )
        return resource.Table(self.resources[name])

    def keep_secret(self, secret: Mapping[str, Any]) -> None:
        """Gives the provider's secret its value."""
        self.client("secretsmanager").put_secret_value(
            SecretId=self.outputs["ProviderSecret"], SecretString=json.dumps(secret)
        )

    def open_wallet(self, player: Opening) -> None:
        """Has the stack's cashier open a wallet. Raises Trouble."""
        order = player.order(actor="deploy-local", reason="a player of the stack in an engine")
        answer = json.load(self.invoke(self.outputs["CashierFunction"], order)["Payload"])
        if answer.get("error") != 0:
            raise Trouble(f"the cashier does not open the wallet of {player.user_id}: {answer}")

    def invoke(self, function: str, order: Mapping[str, Any]) -> Any:
        """What Lambda answers to somebody of this account who invokes a function."""
        return self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(order).encode())

    def call(self, url: str, body: str, *, method: str = "POST") -> tuple[int, str]:
        """Sends a body to a URL as it is handed to the provider; the answer's HTTP status and text."""
        split = urlsplit(url)
        api = split.netloc.partition(".")[0]
        there = f"{self.endpoint}/_aws/execute-api/{api}{split.path}?{split.query}"
        request = urllib.request.Request(  # noqa: S310 - our own engine
            there, data=body.encode(), headers={"Content-Type": "application/json"}, method=method
        )
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.authority)),
        )
        try:
            with opener.open(request, timeout=ANSWER_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()


@contextmanager
def deployed(port: int, *, cidrs: str = "127.0.0.1/32", retry_seconds: int = 30, calls: str = "All") -> Iterator[Stack]:
    """The stack in an engine on that port, until the end of the block. Raises Trouble if it cannot be deployed."""
    with tempfile.TemporaryDirectory(prefix="wallet-deploy-") as folder:
        guard = _guard(Path(folder))
        with engine(port, guard=guard) as running:
            parameters = {
                "ProviderCidrs": cidrs,
                "RetrySeconds": str(retry_seconds),
                "Calls": calls,
                "Alarms": "false",
                "Rollout": "AllAtOnce",
                "AwsEndpointUrl": running.endpoint,
            }

            def deploy(**changed: str) -> None:
                _deploy({**parameters, **changed}, running.endpoint, guard.authority, Path(folder))

            deploy()
            cloudformation = _client("cloudformation", running.endpoint, guard.authority)
            (described,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
            found = cloudformation.describe_stack_resources(StackName=NAME)["StackResources"]
            stack = Stack(
                endpoint=running.endpoint,
                authority=guard.authority,
                outputs={output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]},
                resources={each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found},
                deploy=deploy,
            )
            template = Template.load(Calls=calls)
            engine_gaps.complete_api(
                template, stack.client("apigateway"), stack.client("lambda"), stack.resources, cidrs
            )
            active = stack.client("lambda").get_waiter("function_active_v2")
            for (
                function
            ) in template.functions():  # the engine runs each before its snapshot, and takes no call meanwhile
                active.wait(FunctionName=stack.resources[f"{function.name.title()}Function"], Qualifier="live")
            yield stack


def _guard(folder: Path) -> Guard:
    """A certificate for this one run."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    guard = Guard(folder / "certificate.pem", folder / "key.pem", folder / "authority.pem")
    authority.cert_pem.write_to_path(guard.authority)
    certificate.private_key_pem.write_to_path(guard.key)
    for part in certificate.cert_chain_pems:
        part.write_to_path(guard.certificate, append=True)
    return guard


def _client(service: str, endpoint: str, authority: Path) -> Any:
    return boto3.Session(**_CREDENTIALS, region_name=REGION).client(
        service, endpoint_url=endpoint, verify=str(authority), config=Config(proxies={})
    )


def _deploy(parameters: Mapping[str, str], endpoint: str, authority: Path, folder: Path) -> None:
    remove_bytecode(FUNCTIONS)
    template = read_built(BUILD / "template.yaml")
    digest = release_of(BUILD, template, parameters)
    template = engine_gaps.with_parameters_as_defaults(template, {**parameters, "Release": digest})
    given = BUILD / f"{folder.name}.json"  # beside the built one, whose paths are relative
    environment = _environment(parameters, folder)
    log = folder / "sam.log"
    try:
        given.write_text(json.dumps(template))  # which is YAML too, and takes no time to write
        with log.open("wb") as output:
            status = subprocess.run(  # noqa: S603 - a program of our own environment
                command(environment, given, digest, confirmed=True),
                cwd=folder,
                env={
                    # Nothing of the caller's account, settings or proxies.
                    "PATH": os.environ["PATH"],
                    "HOME": str(folder),
                    "SAM_CLI_TELEMETRY": "0",
                    "AWS_ENDPOINT_URL": endpoint,
                    "AWS_CA_BUNDLE": str(authority),
                    "AWS_ACCESS_KEY_ID": _CREDENTIALS["aws_access_key_id"],
                    "AWS_SECRET_ACCESS_KEY": _CREDENTIALS["aws_secret_access_key"],
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
    finally:
        given.unlink(missing_ok=True)
    if status:
        raise Trouble(f"the stack could not be deployed:\n{log.read_text(errors='replace')[-4000:]}")


def _environment(parameters: Mapping[str, str], folder: Path) -> Environment:
    """An environment as samconfig.toml has them: production's, with other parameters."""
    settings = tomllib.loads(CONFIG.read_text())["prod"]["deploy"]["parameters"] | {
        "stack_name": NAME,
        "region": REGION,
        "parameter_overrides": [f"{name}={value}" for name, value in parameters.items()],
    }
    config = folder / "samconfig.toml"
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]  # JSON's values are TOML's as well
    config.write_text(f"version = 0.1\n[local.deploy.parameters]\n{''.join(lines)}")
    return Environment.read("local", config)

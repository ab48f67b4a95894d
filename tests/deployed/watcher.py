"""`walletctl console --stack`, with the permissions of docs/operating/policies and no others."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from conftest import ROOT
from deployed.cloudwatch import documented
from local_service import HANG_SECONDS, wait_until
from operator_policies import policies
from tools.local.deploy.stack import NAME, REGION, Stack
from tools.local.engine import free_port


class Watcher:
    """A browser without a screen, before the console's pages."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def page(self, path: str) -> str:
        answer = self._http.get(path, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer.text

    def live(self, *references: str) -> list[str]:
        """The newest rows' texts, the oldest first; Live is watched until these references are among them."""
        seen = ""
        with self._http.stream("GET", "/live/events") as stream:
            for line in stream.iter_lines():
                seen += line
                if all(reference in seen for reference in references):
                    break
        rows = re.findall(r"<tr.*?</tr>", self.page("/"), re.DOTALL)
        return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in reversed(rows)]

    def letters(self, *references: str) -> list[dict[str, str]]:
        """What the forms of these dead letters send."""
        cards = re.findall(r"<article.*?</article>", self.page("/parked/letters"), re.DOTALL)
        chosen = [next(card for card in cards if reference in card) for reference in references]
        forms = [re.findall(r"<form.*?</form>", card, re.DOTALL)[0] for card in chosen]
        return [dict(re.findall(r'name="(callback|message)" value="([^"]*)"', form)) for form in forms]

    def do(self, what: str, form: Mapping[str, str]) -> str:
        (token,) = set(re.findall(r'"X-Console-Token": "([^"]+)"', self.page("/find")))
        headers = {"Origin": str(self._http.base_url).rstrip("/"), "X-Console-Token": token, "HX-Request": "true"}
        answer = self._http.post(f"/parked/{what}", data=dict(form), headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text


@contextmanager
def watching(stack: Stack, folder: Path) -> Iterator[Watcher]:
    key = _hired(stack)
    logs = boto3.Session(**key, region_name=REGION).client(
        "logs", endpoint_url=stack.endpoint, verify=str(stack.authority), config=Config(proxies={})
    )
    port = free_port()
    with documented(logs) as cloudwatch, (folder / "said").open("w+") as said:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", "-m", "tools.programs.walletctl", "console", "--stack", NAME, "--port", str(port)],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPYCACHEPREFIX": str(ROOT / ".local" / "bytecode"),
                "AWS_ENDPOINT_URL": stack.endpoint,
                "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": cloudwatch,
                "AWS_CA_BUNDLE": str(stack.authority),
                "AWS_DEFAULT_REGION": REGION,
                "NO_PROXY": "127.0.0.1",
                **{name.upper(): value for name, value in key.items()},
            },
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=HANG_SECONDS, trust_env=False) as http:
                _wait_until_ready(process, http, folder / "said")
                yield Watcher(http)
        finally:
            process.terminate()
            process.wait(HANG_SECONDS)


def _hired(stack: Stack) -> dict[str, str]:
    """The access key of a new user, who may look and mend."""
    return key_of_user(stack, "support", "look", "mend")


def key_of_user(stack: Stack, user: str, *may: str) -> dict[str, str]:
    """The access key of a new user with some of the documented policies: look, mend, order."""
    iam, account = stack.client("iam"), stack.client("sts").get_caller_identity()["Account"]
    iam.create_user(UserName=user)
    for name, statements in zip(("look", "mend", "order"), policies(NAME, REGION, account), strict=True):
        if name in may:
            judged = [_as_the_engine_judges(statement) for statement in statements]
            document = json.dumps({"Version": "2012-10-17", "Statement": judged})
            iam.put_user_policy(UserName=user, PolicyName=name, PolicyDocument=document)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def _as_the_engine_judges(statement: Mapping[str, Any]) -> dict[str, Any]:
    """To the engine a batch of SQS's is an action of its own, and a query of the log is of no log group.

    To AWS a batch is what it has many of, and a query is of log groups, whose ARNs end with `:*`.
    """
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    batches = [f"{action}Batch" for action in actions if action.startswith("sqs:")]
    resource = "*" if "logs:StartQuery" in actions else statement["Resource"]
    return {**statement, "Action": actions + batches, "Resource": resource}


def _wait_until_ready(process: subprocess.Popen[bytes], http: httpx.Client, said: Path) -> None:
    def is_ready() -> bool:
        assert process.poll() is None, said.read_text()
        with suppress(httpx.TransportError):
            http.get("/find")
            return True
        return False

    wait_until(is_ready)

"""`make probe STACK=name`: wins of nothing, signed as the provider signs, sent to a deployed stack by its own URLs.

A win of 0 is recorded and moves no money. It shows that addresses, token, hash, functions, tables and roles work
together, before the provider's first real one does. It needs the caller's AWS credentials, a wallet PLAYER ("check")
in CURRENCY ("EUR"), and an address that may call.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from tools.provider.examples import Example, examples
from tools.shared.trouble import Trouble

Call = Callable[[str, str], tuple[int, str]]  # a URL and a body: the HTTP status and the answer
ANSWER_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    callback: str
    status: int
    answer: Mapping[str, Any]


def probe(
    call: Call, outputs: Mapping[str, str], secret: Mapping[str, str], player: str, currency: str
) -> list[Probed]:
    """Sends each callback once; `secret` is the current one, with what it has of `hashSecret` and `authToken`."""
    nonce = str(time.time_ns())
    found = []
    for example in examples():
        if example.name == "auto_closing":  # a result without a session
            continue
        changes = {"userId": player, "amount": "0", "reference": f"probe-{nonce}"}
        body = json.loads(example.body) | changes
        if "currency" in body:
            body["currency"] = currency
        signed = Example(name=example.name, output=example.output, body=json.dumps(body))
        text = signed.signed(secret["hashSecret"]) if "hashSecret" in secret else signed.body
        token = f"?authToken={quote(secret['authToken'], safe='')}" if "authToken" in secret else ""
        status, answer = call(f"{outputs[example.output]}{token}", text)
        found.append(Probed(callback=example.name, status=status, answer=_read(answer)))
    return found


def _read(answer: str) -> dict[str, Any]:
    try:
        return dict(json.loads(answer, parse_float=str))
    except (ValueError, TypeError):
        return {"error": "no answer of a callback", "description": " ".join(answer.split())[:80]}


def show(found: list[Probed]) -> bool:
    """Shows the answers; whether each was credited."""
    table = Table("callback", "HTTP", "error", "description", "transactionId")
    for each in found:
        answer = each.answer
        shown = [str(answer.get(name, "")) for name in ("error", "description", "transactionId")]
        table.add_row(each.callback, str(each.status), *shown)
    Console(width=120).print(table)
    return all(each.answer.get("error") == 0 for each in found)


def _post(url: str, body: str) -> tuple[int, str]:
    request = urllib.request.Request(url, data=body.encode(), headers={"Content-Type": "application/json"})  # noqa: S310 - the stack's own, https
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - as above
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()
    except OSError as error:
        raise Trouble(f"{url.partition('?')[0]} does not answer: {error}") from None


def _described(stack: str) -> tuple[dict[str, str], dict[str, str]]:
    """A stack's outputs, and its current secret ({} if it checks none). Raises Trouble."""
    if not stack:
        raise Trouble("say which stack: make probe STACK=lucky-monaco-wallet")
    try:
        (described,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
        given = {each["ParameterKey"]: each["ParameterValue"] for each in described["Parameters"]}
        if given.get("CheckSecret") == "false":
            return outputs, {}
        secret = boto3.client("secretsmanager").get_secret_value(SecretId=outputs["ProviderSecret"])["SecretString"]
        return outputs, json.loads(secret)["current"]
    except (BotoCoreError, ClientError) as error:
        raise Trouble(f"the stack {stack} and its secret cannot be read: {error}") from None
    except (ValueError, KeyError, TypeError):
        raise Trouble(
            f"the secret of {stack} is not of the documented form: nothing is credited before it is"
        ) from None


def main() -> int:
    try:
        outputs, secret = _described(os.environ.get("STACK", ""))
        player, currency = os.environ.get("PLAYER") or "check", os.environ.get("CURRENCY") or "EUR"
        return 0 if show(probe(_post, outputs, secret, player, currency)) else 1
    except Trouble as trouble:
        print(f"probe: {trouble}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

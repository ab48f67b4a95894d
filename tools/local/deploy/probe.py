"""`make probe STACK=name`: each call, signed as the provider signs, sent to a deployed stack by its own URLs.

Wins and a bet of 0, which is cancelled: they are recorded and move no money. They show that addresses, token, hash,
functions, tables and roles work together, before the provider's first real call does. It needs the caller's AWS
credentials, a wallet PLAYER ("check") in CURRENCY ("EUR"), and an address that may call.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from tools.local.deploy.examples import OUTPUTS_OF_BETS, example, examples
from tools.provider.answers import Answer
from tools.provider.paths import query_of
from tools.provider.sending import Unanswered, network
from tools.provider.signing import signed_again
from tools.shared.trouble import Trouble

Call = Callable[[str, str], tuple[int, str]]  # a URL and a body: the HTTP status and the answer
ANSWER_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    callback: str
    answer: Answer


def probe(
    call: Call, outputs: Mapping[str, str], secret: Mapping[str, str], player: str, currency: str
) -> list[Probed]:
    """Sends each call that the stack serves once; `secret` is the current one, with what it has of `hashSecret` and
    `authToken`.
    """
    nonce = f"probe-{time.time_ns()}"
    asked = {"userId": player, "amount": "0", "reference": nonce, "currency": currency}
    wins = [(each, asked) for each in examples() if each.name != "auto_closing"]  # which is a result without a session
    bets = [(example(name), asked | {"roundId": nonce}) for name in OUTPUTS_OF_BETS]  # of a round without winnings
    found = []
    for each, changes in (*wins, *bets):
        if each.output not in outputs:  # Calls=Wins
            continue
        body = json.loads(each.body)
        text = json.dumps(body | {name: value for name, value in changes.items() if name in body})
        if "hashSecret" in secret:
            text = signed_again(text, secret["hashSecret"])
        status, answer = call(f"{outputs[each.output]}{query_of(secret.get('authToken'))}", text)
        found.append(Probed(callback=each.name, answer=Answer(status=status, text=answer)))
    return found


def show(found: list[Probed]) -> bool:
    """Shows the answers; whether each is a success."""
    table = Table("call", "HTTP", "error", "description", "transactionId")
    for each in found:
        answer = each.answer
        shown = [answer.literal(name) for name in ("error", "description", "transactionId")]
        if not answer.fields:
            shown = ["no answer of a callback", " ".join(answer.text.split())[:80], ""]
        table.add_row(each.callback, str(answer.status), *shown)
    Console(width=120).print(table)
    return all(each.answer.error == 0 for each in found)


def _post(url: str, body: str) -> tuple[int, str]:
    async def posted() -> Answer:
        async with network(url, answer_seconds=ANSWER_SECONDS) as send:
            return await send(url, body)

    try:
        answer = asyncio.run(posted())
    except Unanswered as failure:
        raise Trouble(f"{url.partition('?')[0]} does not answer: {failure.said}") from None
    return answer.status or 0, answer.text


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

"""The tables and queues of template.yaml in an engine, and the players whose wallets the cashier opens there."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tools.local.opening import Opening
from tools.local.template import Template
from tools.local.workers import START_SECONDS, WorkerFailed, Workers
from tools.shared.folders import LOCAL
from tools.shared.identifiers import CURRENCY, TEXT, can_be_currency, is_identifier
from tools.shared.outside import plain, user
from tools.shared.trouble import Trouble
from wallet import money

_TRIES = 10  # of an opening: a cashier that has just started answers 998 on a busy machine


def read_players(path: Path) -> list[Opening]:
    """The players of a file: a JSON list of {"userId", "currency", "cash", "bonus"}. Raises Trouble."""
    try:
        # Numbers stay text: an amount must not pass through a binary float.
        entries = json.loads(path.read_text(), parse_float=str, parse_int=str)
    except OSError as error:
        raise Trouble(f"the players file {path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Trouble(f"the players file {path} is not JSON: {error}") from None
    if not isinstance(entries, list) or not entries:
        raise Trouble(f"the players file {path} is not a list of players")
    players = [_player(entry, f"player {number} of {path}") for number, entry in enumerate(entries, 1)]
    if len({player.user_id for player in players}) < len(players):
        raise Trouble(f"the players file {path} names a userId twice")
    return players


def _player(entry: Any, where: str) -> Opening:
    fields = {"userId", "currency", "cash", "bonus"}
    if not isinstance(entry, dict) or entry.keys() != fields:
        raise Trouble(f"{where} must have exactly the fields userId, currency, cash and bonus")
    if not all(isinstance(value, str) for value in entry.values()):
        raise Trouble(f"{where}: userId and currency are texts, cash and bonus amounts")
    if not is_identifier(entry["userId"]):
        raise Trouble(f"{where}: userId must be {TEXT}, not {entry['userId']!r}")
    if not can_be_currency(entry["currency"]):
        raise Trouble(f"{where}: currency must be {CURRENCY}, not {entry['currency']!r}")
    amounts = []
    for field in ("cash", "bonus"):
        try:
            amounts.append(money.parse(entry[field]))
        except ValueError:
            raise Trouble(f"{where}: {field} is not an amount: {entry[field]!r}") from None
    return Opening(user_id=entry["userId"], currency=entry["currency"], cash=amounts[0], bonus=amounts[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the tables, the queues and everything else of AWS are."""

    tables: str
    queues: str
    others: str

    @property
    def variables(self) -> dict[str, str]:
        """What leads a function's SDK there."""
        return {
            "AWS_ENDPOINT_URL": self.others,
            "AWS_ENDPOINT_URL_DYNAMODB": self.tables,
            "AWS_ENDPOINT_URL_SQS": self.queues,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedService:
    """What the functions must be told: the queues' URLs by their names, the secret's ARN ("" if none).

    `auth_token` is the token a request needs, if any, and `hash_secret` what signs one.
    """

    queues: Mapping[str, str]
    secret: str
    auth_token: str | None
    hash_secret: str | None


def prepare(endpoints: Endpoints, secret: Mapping[str, Any] | None) -> PreparedService:
    """Makes what is missing: the tables, the queues, the secret.

    Raises Trouble if an endpoint does not answer as AWS does.
    """
    try:
        dynamodb = boto3.client("dynamodb", endpoint_url=endpoints.tables)
        _create_tables(dynamodb)
        return PreparedService(
            queues=create_queues(boto3.client("sqs", endpoint_url=endpoints.queues)),
            secret=_keep_secret(boto3.client("secretsmanager", endpoint_url=endpoints.others), secret)
            if secret
            else "",
            auth_token=next((keys["authToken"] for keys in (secret or {}).values() if "authToken" in keys), None),
            hash_secret=next((keys["hashSecret"] for keys in (secret or {}).values() if "hashSecret" in keys), None),
        )
    except (BotoCoreError, ClientError, ValueError) as error:  # ValueError: the endpoint is not a URL
        where = ", ".join(dict.fromkeys((endpoints.tables, endpoints.queues, endpoints.others)))
        raise Trouble(f"the engine at {where} cannot be prepared: {error}") from error


async def open_wallets(cashier: Workers, players: Sequence[Opening]) -> None:
    """Has the cashier open the players' wallets. One that exists is left as it is. Raises Trouble."""
    await asyncio.gather(*(_open(cashier, player) for player in players))


async def _open(cashier: Workers, player: Opening) -> None:
    order = player.order(actor=user(), reason="a player of the local service")
    answer: Mapping[str, Any] = {}
    for _ in range(_TRIES):
        try:
            answer = (await cashier.run(order, patience_seconds=START_SECONDS)).answer
        except WorkerFailed as failed:
            raise Trouble(
                f"the wallet of {plain(player.user_id)} cannot be opened: the cashier failed: {failed}"
            ) from None
        if answer["error"] != 998:
            break
    if answer["error"] not in (0, 61):  # 61: it is there
        told = f"error {answer['error']}, {answer['description']}"
        raise Trouble(f"the wallet of {plain(player.user_id)} cannot be opened: the cashier answers {told}")


def open_wallets_alone(endpoints: Endpoints, players: Sequence[Opening]) -> None:
    """The same where no service runs, by a process of the cashier's that ends afterwards. Raises Trouble."""

    async def opened() -> None:
        with (LOCAL / "cashier.log").open("wb") as log:
            cashier = Workers(function, endpoints.variables, log)
            try:
                await cashier.start(1)
                await open_wallets(cashier, players)
            finally:
                await cashier.stop()

    LOCAL.mkdir(exist_ok=True)
    (function,) = (each for each in Template.load().functions() if each.name == "cashier")
    asyncio.run(opened())


def _create_tables(dynamodb: Any) -> None:
    for table in Template.load().tables():
        with suppress(dynamodb.exceptions.ResourceInUseException):  # made by an earlier run
            dynamodb.create_table(**table)
    for table in Template.load().tables():
        dynamodb.get_waiter("table_exists").wait(TableName=table["TableName"], WaiterConfig={"Delay": 1})


def create_queues(sqs: Any) -> dict[str, str]:
    """The URL of each queue of template.yaml, by its name."""
    urls: dict[str, str] = {}
    for queue in Template.load().queues():
        attributes = dict(queue.attributes)
        if queue.dead_letters:
            target = sqs.get_queue_attributes(QueueUrl=urls[queue.dead_letters], AttributeNames=["QueueArn"])
            attributes["RedrivePolicy"] = json.dumps(
                {"deadLetterTargetArn": target["Attributes"]["QueueArn"], "maxReceiveCount": queue.max_receive_count}
            )
        urls[queue.name] = sqs.create_queue(QueueName=queue.name, Attributes=attributes)["QueueUrl"]
    return urls


def _keep_secret(secrets_manager: Any, secret: Mapping[str, Any]) -> str:
    return secrets_manager.create_secret(Name=f"lucky-monaco-wallet-{time.time_ns()}", SecretString=json.dumps(secret))[
        "ARN"
    ]

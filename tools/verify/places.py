"""Where the tables are: in the local service that runs, in a deployed stack, or in the account by their names."""

import os
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from tools.local.settings import whole_number
from tools.local.trouble import Trouble
from tools.outside import LOCAL_CREDENTIALS, announced, leave_the_account, plain, trouble_if

_PATIENCE: dict[str, Any] = {
    "connect_timeout": 3,
    "read_timeout": 20,  # a page of a scan is a megabyte
    "retries": {"total_max_attempts": 8, "mode": "adaptive"},  # callbacks go first: it slows down when throttled
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The tables' names and the client that reaches them; without `free_rounds` its counts are not compared."""

    dynamodb: Any
    players: str
    transactions: str
    free_rounds: str | None


def local() -> Tables:
    """The tables of the local service on PORT. Raises Trouble if none runs there."""
    place = announced(whole_number(os.environ, "PORT", 3000, 65535), "tables", "dynamodb", "region")
    leave_the_account()
    with trouble_if("the local service's tables cannot be reached"):
        dynamodb = boto3.Session(**LOCAL_CREDENTIALS, region_name=place["region"]).client(
            "dynamodb", endpoint_url=place["dynamodb"], config=Config(**_PATIENCE, proxies={})
        )
    return Tables(dynamodb=dynamodb, players="Players", transactions="Transactions", free_rounds="FreeRounds")


def deployed(stack: str, players: str | None, transactions: str | None, free_rounds: str | None) -> Tables:
    """A deployed stack's tables, in the caller's own account and region, but for those that are named."""
    with trouble_if(f"the stack {plain(stack)} cannot be asked for its tables"):
        session = boto3.Session()
        cloudformation = session.client("cloudformation", config=Config(**_PATIENCE))

        def name(resource: str) -> str:
            answer = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=resource)
            return answer["StackResourceDetail"]["PhysicalResourceId"]

        return Tables(
            dynamodb=session.client("dynamodb", config=Config(**_PATIENCE)),
            players=players or name("Players"),
            transactions=transactions or name("Transactions"),
            free_rounds=free_rounds or name("FreeRounds"),
        )


def named(players: str | None, transactions: str | None, free_rounds: str | None) -> Tables:
    """Tables by name, in the caller's own account and region."""
    if not players or not transactions:
        raise Trouble("name both PLAYERS_TABLE and TRANSACTIONS_TABLE, or the STACK that the others are of")
    with trouble_if("no tables can be reached"):
        dynamodb = boto3.Session().client("dynamodb", config=Config(**_PATIENCE))
    return Tables(dynamodb=dynamodb, players=players, transactions=transactions, free_rounds=free_rounds)

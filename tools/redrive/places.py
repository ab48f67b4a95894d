"""Where a callback's queues are: in the local service that runs, or in a deployed stack."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from tools.local.settings import announcement
from tools.local.template import Template
from tools.local.trouble import Trouble
from tools.redrive.letters import plain

FAULTS = (ClientError, BotoCoreError, ResponseParserError)  # the last: something else answers in AWS's place

# A receive waits a second for letters; a person waits no longer than this for a queue that does not answer.
_PATIENCE: dict[str, Any] = {
    "connect_timeout": 3,
    "read_timeout": 5,
    "retries": {"total_max_attempts": 2, "mode": "standard"},
}
_CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
_MOST_OF_A_FAULT = 300  # characters: some are whole pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A callback's two queues, by URL, and the client that reaches them."""

    sqs: Any
    retry_queue: str
    dead_letters: str


@contextmanager
def trouble_if(what: str) -> Iterator[None]:
    """Turns what AWS, or the way to it, has to complain of into Trouble."""
    try:
        yield
    except FAULTS as error:
        raise Trouble(f"{what}: {fault(error)}") from error


def fault(error: Exception) -> str:
    """What an error says, on one line."""
    return plain(" ".join(str(error).split())[:_MOST_OF_A_FAULT])


def local(callback: str, port: int) -> Place:
    """The queues of the local service on that port. Raises Trouble if none runs there."""
    retry_queue, dead_letters = _queues_of(callback)
    where = f"the local service on port {port}"
    try:
        announced = json.loads(announcement(port).read_text())
        pid, endpoint, region = int(announced["pid"]), announced["sqs"], announced["region"]
    except FileNotFoundError:
        raise Trouble(f"no local service runs on port {port}: start one with `make run`, or name a stack") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise Trouble(f"{announcement(port)} does not say where {where} has its queues: start it anew") from None
    if not Path(f"/proc/{pid}").exists():  # it was killed, and could not take its announcement back
        raise Trouble(f"no local service runs on port {port} any more: start one with `make run`, or name a stack")
    _leave_the_account()
    with trouble_if(f"the queues of {where} cannot be reached"):
        sqs = boto3.Session(**_CREDENTIALS, region_name=region).client(
            "sqs", endpoint_url=endpoint, config=Config(**_PATIENCE, proxies={})
        )
        return Place(
            sqs=sqs,
            retry_queue=sqs.get_queue_url(QueueName=retry_queue)["QueueUrl"],
            dead_letters=sqs.get_queue_url(QueueName=dead_letters)["QueueUrl"],
        )


def deployed(callback: str, stack: str) -> Place:
    """The queues of a deployed stack, in the caller's own account and region. Raises Trouble if they are not found."""
    retry_queue, dead_letters = _queues_of(callback)
    with trouble_if(f"the stack {plain(stack)} cannot be asked for its queues"):
        session = boto3.Session()
        cloudformation = session.client("cloudformation", config=Config(**_PATIENCE))

        def url(resource: str) -> str:
            answer = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=resource)
            return answer["StackResourceDetail"]["PhysicalResourceId"]

        return Place(
            sqs=session.client("sqs", config=Config(**_PATIENCE)),
            retry_queue=url(retry_queue),
            dead_letters=url(dead_letters),
        )


def _queues_of(callback: str) -> tuple[str, str]:
    """The names of a callback's retry queue and of its dead letters in template.yaml."""
    functions = {function.name: function for function in Template.load().functions()}
    if callback not in functions:
        raise Trouble(f"no callback is called {callback!r}: there are {', '.join(functions)}")
    environment = functions[callback].environment
    return environment["RETRY_QUEUE"], environment["DEAD_LETTERS"]


def _leave_the_account() -> None:
    """Takes out of the environment whatever of the caller's account the SDK might use, or stumble over."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        os.environ[name] = os.devnull

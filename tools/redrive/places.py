"""Where a callback's queues are: in the local service that runs, or in a deployed stack."""

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from tools.local.template import Template
from tools.local.trouble import Trouble
from tools.outside import LOCAL_CREDENTIALS, announced, leave_the_account, plain, trouble_if

# A receive waits a second for letters; a person waits no longer than this for a queue that does not answer.
_PATIENCE: dict[str, Any] = {
    "connect_timeout": 3,
    "read_timeout": 5,
    "retries": {"total_max_attempts": 2, "mode": "standard"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A callback's two queues, by URL, and the client that reaches them."""

    sqs: Any
    retry_queue: str
    dead_letters: str


def local(callback: str, port: int) -> Place:
    """The queues of the local service on that port. Raises Trouble if none runs there."""
    retry_queue, dead_letters = _queues_of(callback)
    where = f"the local service on port {port}"
    announcement = announced(port, "queues", "sqs", "region")
    leave_the_account()
    with trouble_if(f"the queues of {where} cannot be reached"):
        sqs = boto3.Session(**LOCAL_CREDENTIALS, region_name=announcement["region"]).client(
            "sqs", endpoint_url=announcement["sqs"], config=Config(**_PATIENCE, proxies={})
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

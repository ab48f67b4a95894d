"""What Lambda's event source mapping does: takes messages from a retry queue and hands them to the function."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.local.front import Watcher
from tools.local.template import Function
from tools.local.workers import WorkerFailed, Workers

POLL_SECONDS = 1
_CONFIG = Config(read_timeout=POLL_SECONDS + 5, retries={"total_max_attempts": 1})


async def consume(function: Function, url: str, endpoint: str, workers: Workers, watcher: Watcher) -> None:
    """Runs until it is cancelled, through every outage of the queue: a batch at a time, each message until it is done.

    A message is deleted once the function has not named it among its failures. All others come back
    when their visibility ends, and the queue itself moves what came too often to the dead letters.
    """
    sqs = boto3.client("sqs", endpoint_url=endpoint, config=_CONFIG)
    while True:
        try:
            messages = await asyncio.to_thread(_receive, sqs, url, function.retry_batch_size)
        except (ClientError, BotoCoreError):
            await asyncio.sleep(POLL_SECONDS)
            continue
        if not messages:
            continue
        try:
            reply = await workers.run(
                {"Records": [_record(message, url) for message in messages]}, patience_seconds=function.timeout_seconds
            )
        except WorkerFailed as failed:
            _say(function, messages, f"the function failed: {failed}")
            continue  # as after a crash of the function: nothing of the batch is deleted
        watcher.tried_again(function.name, [message["Body"] for message in messages], reply.log)
        failed = {failure["itemIdentifier"] for failure in reply.answer["batchItemFailures"]}
        for message in messages:
            done = message["MessageId"] not in failed
            _say(function, [message], "done" if done else "not yet")
            if done:
                with suppress(ClientError, BotoCoreError):  # it comes again, and is a replay
                    await asyncio.to_thread(sqs.delete_message, QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def _receive(sqs: Any, url: str, most: int) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=most, WaitTimeSeconds=POLL_SECONDS, AttributeNames=["All"]
    )
    return answer.get("Messages", [])


def _say(function: Function, messages: Sequence[dict[str, Any]], outcome: str) -> None:
    for message in messages:
        reference = None
        with suppress(ValueError, AttributeError, RecursionError):  # whatever else lies in a queue
            reference = json.loads(message["Body"]).get("reference")
        tries = message["Attributes"]["ApproximateReceiveCount"]
        # As JSON, so that no reference can play tricks on a terminal.
        print(f"{function.name:<8} kept {json.dumps(reference)}, retry {tries}: {outcome}", flush=True)


def _record(message: dict[str, Any], url: str) -> dict[str, Any]:
    """A message as Lambda's event has it."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-west-1:000000000000:{url.rpartition('/')[2]}",
        "awsRegion": "eu-west-1",
    }

"""What could not be credited is kept in SQS: tried again with growing waits, then left for a person.

Each callback has a retry queue, which its own function consumes, and a queue of dead letters. What is
kept is the request as it was admitted, less its hash and token, with why it was not credited and since
when it is owed. A retransmission that settles it meanwhile makes it a replay: paid once either way.
"""

import json
import os
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from wallet import aws

MAX_TRIES = 10  # the queues' maxReceiveCount, in template.yaml
_MAX_DELAY_SECONDS = 900  # SQS delays a new message no longer
# SQS hides a message for twelve hours at most, counted from when it was received: a longer wait is refused, and the
# message comes back at once. It was received at most 120 s ago, the queue's VisibilityTimeout, or its handle is stale.
_MAX_HIDDEN_SECONDS = 12 * 3600 - 120


class ParkingFailed(Exception):
    """SQS did not take it: what was to be kept is only in the log, and with the provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A request that is kept; `first_received_at` is ISO 8601 in UTC, `code` and `reason` are why it was not settled.

    `call` is the last part of the path that it came by, where its function serves several.

    `prize_only`: it is kept for the prize that came with it alone. `signed`: it came with its hash, which is not kept.
    What was refused because that hash would fit another cut of the text is then refused again.
    """

    callback: str
    call: str = ""
    reference: str | None
    code: int = 0
    reason: str = ""
    first_received_at: str
    request: str
    prize_only: bool = False
    signed: bool = False

    @classmethod
    def read(cls, message: str) -> "Parked":
        """Raises ValueError if the message is none of ours.

        What it says beyond these fields is passed over: another version, which reads the same queue, may say more.
        """
        try:
            content = json.loads(message)
        except RecursionError:
            raise ValueError("nested without end") from None
        names = {field.name for field in fields(cls)}
        if not isinstance(content, dict) or not {*content, *_FLAGS, "call"} >= names:
            raise ValueError("not a parked request")
        content = {name: value for name, value in content.items() if name in names}
        texts = {name: text for name, text in content.items() if name not in ("reference", "code", *_FLAGS)}
        if not all(isinstance(text, str) for text in texts.values()):
            raise ValueError("not a parked request's text")
        if datetime.fromisoformat(texts["first_received_at"]).tzinfo is None:
            raise ValueError("a moment in no time zone")
        return cls(**content)

    def age_seconds(self) -> float:
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(self.first_received_at)).total_seconds())

    def message(self) -> str:
        # Escaped to ASCII: SQS refuses some characters that JSON may carry.
        return json.dumps(asdict(self))


_FLAGS = ("prize_only", "signed")  # false where a message does not say


@dataclass(frozen=True, kw_only=True)
class Parking:
    """A callback's two queues, by their URLs; `retry_seconds` is the first wait, doubled by each try."""

    retry_queue: str
    dead_letters: str
    retry_seconds: int

    @classmethod
    def from_environment(cls) -> "Parking":
        return cls(
            retry_queue=os.environ["RETRY_QUEUE"],
            dead_letters=os.environ["DEAD_LETTERS"],
            retry_seconds=int(os.environ["RETRY_SECONDS"]),
        )

    def warm_up(self) -> None:
        """Makes the client, which opens no connection."""
        _ = self._client

    def keep(self, parked: Parked) -> None:
        """Keeps it for another try. Raises ParkingFailed."""
        delay = min(self.retry_seconds, _MAX_DELAY_SECONDS)
        self._send(QueueUrl=self.retry_queue, MessageBody=parked.message(), DelaySeconds=delay)

    def give_up(self, message: str) -> None:
        """Leaves a message for a person. Raises ParkingFailed."""
        self._send(QueueUrl=self.dead_letters, MessageBody=message)

    def back_off(self, receipt_handle: str, tries: int) -> None:
        """Hides a message for longer after each try; after the last, SQS moves it to the dead letters.

        Raises ParkingFailed; the message then comes back after the queue's own visibility timeout.
        """
        wait = 0 if tries >= MAX_TRIES else min(self.retry_seconds * 2**tries, _MAX_HIDDEN_SECONDS)
        self._call(
            "change_message_visibility",
            QueueUrl=self.retry_queue,
            ReceiptHandle=receipt_handle,
            VisibilityTimeout=wait,
        )

    def _send(self, **parameters: Any) -> None:
        if not self._call("send_message", **parameters).get("MessageId"):
            raise ParkingFailed("send_message: not acknowledged")  # something else answered in the queue's place

    def _call(self, operation: str, **parameters: Any) -> Any:
        try:
            return getattr(self._client, operation)(**parameters)
        except Exception as error:  # whatever the SDK comes up with: what is not kept must be told, and be sent again
            raise ParkingFailed(f"{operation}: {type(error).__name__}") from error

    @cached_property
    def _client(self) -> Any:
        # Made when it is first needed: most functions never park. It follows the store's three seconds, and the
        # provider waits about ten.
        return aws.client("sqs", connect_seconds=0.5, read_seconds=1.0, attempts=2)

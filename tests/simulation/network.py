"""AWS between the functions and memory.py: a call takes time, and may fail, be lost, or be applied when it is too late.

A read of several tables is not one instant. A write holds its items while it is under way, and another write that wants
one of them meanwhile is in conflict.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from memory import Item, Key, Message, Queues, Secrets, Tables, cancelled, failure, with_code

from .machines import Client, Invocation
from .script import MAYBE_APPLIED, CallId, Failure, Fault
from .timeline import Timeline

STORE_SECONDS = 3.0  # after which no call of the tables may be under way, not counting what SQS takes
CALL_SECONDS = 3.0  # which no call may take longer than, or the provider has hung up before it is answered
DOWN_SECONDS = 0.4  # a service that is down is slow to refuse: at once, it would be asked thirty times for one answer
REFUSED = 2  # how often a write's condition may fail before the tables are read again
FUNCTION_SECONDS = 20.0  # template.yaml's Timeout: then the function is killed

COMMON: tuple[Failure, ...] = ("throttled", "internal error", "unreachable", "timeout", "death")
FAILURES: Mapping[str, tuple[Failure, ...]] = {
    "batch_get_item": (*COMMON, "reset", "not processed"),
    "transact_write_items": (*COMMON, "reset", "in conflict", "in progress"),
    "update_item": (*COMMON, "reset"),
    "send_message": (*COMMON, "no acknowledgement", "sent twice"),
    "change_message_visibility": COMMON,
    "get_secret_value": COMMON,
}
OPERATIONS = {
    "batch_get_item": "BatchGetItem",
    "transact_write_items": "TransactWriteItems",
    "update_item": "UpdateItem",
    "send_message": "SendMessage",
    "change_message_visibility": "ChangeMessageVisibility",
    "get_secret_value": "GetSecretValue",
}
URL = "https://aws"
ODD = 0.03  # how often SQS delivers a batch twice, out of order, or again although it was deleted


class Death(BaseException):
    """The function's machine is gone: nothing of it runs any more, and nobody gets an answer."""


class Violation(BaseException):
    """Something that must never be. No `except Exception` takes it for a failure. `met` are the faults until then."""

    met: Mapping[CallId, Fault] = {}


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a call's way to the service and back takes, and how long a write holds its items; in seconds."""

    way: tuple[float, float] = (0.002, 0.01)
    hold: tuple[float, float] = (0.0, 0.006)
    slow: float = 0.01  # how many take up to half a second
    whole: float = 0.6  # how many reads of several tables are one instant
    conflicts: bool = True  # of writes that meet, one is refused; otherwise both go on, and a condition of one fails


class Network:
    """The services, and what happens to a call on its way. `committed`, `arrived` and
    `hidden` are told what was done."""

    def __init__(
        self,
        timeline: Timeline,
        *,
        secret: Secrets,
        dead_letters: Mapping[str, tuple[str, int]],
        hidden_seconds: float,
        committed: Callable[[Invocation, Sequence[Item]], None],
        arrived: Callable[[Message, Invocation], None],
        hidden: Callable[[str, str, float], None],
        pace: Pace = Pace(),
    ) -> None:
        self.timeline = timeline
        self.tables = Tables(lambda: timeline.now)
        self.queues = Queues(lambda: timeline.now, dead_letters, hidden_seconds)
        self.secret = secret
        self.met: dict[CallId, Fault] = {}
        self.happened: Counter[str] = Counter()
        self.faults: Mapping[CallId, Fault] | None = {}  # None: drawn
        self.rate = 0.0
        self.down: dict[str, tuple[Failure, float]] = {}  # until when
        self._pace = pace
        self._committed = committed
        self._arrived = arrived
        self._hidden = hidden
        self._held: dict[Key, object] = {}  # by the token of the write that holds it
        self._tokens: set[str] = set()  # of writes under way

    def sleep(self, invocation: Invocation, seconds: float) -> None:
        self.timeline.sleep(seconds)
        if self.timeline.now > invocation.began + FUNCTION_SECONDS:
            self.happened["a function ran out of time"] += 1
            raise Death

    def call(self, invocation: Invocation, client: Client, operation: str, asked: Item) -> Item:
        """A function's call: its answer, or what the SDK raises."""
        began, service = self.timeline.now, client.service
        if invocation.is_over:
            raise Death
        self._check_in_time(invocation, client)
        fault = self._fault(invocation, service, operation)
        invocation.calls += 1
        if operation == "batch_get_item":
            invocation.read_at, invocation.refused = began, 0
        try:
            if fault is None:
                return self._serve(invocation, operation, asked)
            invocation.failed.add(service)
            invocation.was_held_up |= service != "sqs"
            self.happened[fault.failure if fault.applied == "no" else f"{fault.failure}, but applied"] += 1
            return self._fail(fault, invocation, client, operation, asked)
        except ClientError as error:
            self._blame(invocation, operation, asked, error)
            raise
        finally:
            if service != "sqs":
                invocation.store_left, invocation.waited_before = self.timeline.now, invocation.queue_seconds
            else:
                invocation.queue_seconds += self.timeline.now - began

    def _blame(self, invocation: Invocation, operation: str, asked: Item, error: ClientError) -> None:
        """Notes what a failed call was held up by: a fault, or another writer; never what the function had to know."""
        response: Any = error.response
        codes = [reason.get("Code") for reason in response.get("CancellationReasons", ())]
        if operation != "transact_write_items" or "ConditionalCheckFailed" not in codes:
            invocation.was_held_up = True
            invocation.was_beaten |= "TransactionConflict" in codes
            return
        keys = self.tables.keys(asked["TransactItems"])
        failed = [key for key, code in zip(keys, codes, strict=True) if code == "ConditionalCheckFailed"]
        invocation.refused += 1
        is_no_news = all(self.tables.changed_at(key) < invocation.read_at for key in failed)
        if is_no_news or invocation.refused > REFUSED:
            raise Violation("a write was tried again with what was known to be stale")
        invocation.was_held_up = True
        # Its own write is not another's: the token says that it was applied.
        invocation.was_beaten |= not invocation.wrote

    def _check_in_time(self, invocation: Invocation, client: Client) -> None:
        """No call takes too long, and every one of the tables is over within three seconds, however long it takes."""
        seconds = client.connect_seconds + client.read_seconds
        until = invocation.began + STORE_SECONDS + invocation.queue_seconds
        is_too_late = self.timeline.now + seconds > until + 1e-6 and len(invocation.in_hand) == 1
        if seconds > CALL_SECONDS or (client.service == "dynamodb" and is_too_late):
            raise Violation(f"a call of {client.service} was begun that could last too long")

    # --- As it should -------------------------------------------------------------------------------

    def _serve(self, invocation: Invocation, operation: str, asked: Item) -> Item:
        chance = invocation.chance
        way = self._way(chance)
        invocation.was_held_up |= way > self._pace.way[1]
        self.sleep(invocation, way)
        try:
            match operation:
                case "batch_get_item":
                    answer = self._read(invocation, asked["RequestItems"])
                case "transact_write_items":
                    answer = self._write(invocation, asked)
                case _:
                    answer = self._apply(invocation, operation, asked)
        except ClientError:
            self.sleep(invocation, way)
            raise
        self.sleep(invocation, way)
        return answer

    def _way(self, chance: Random) -> float:
        drawn = chance.random()
        least, most = self._pace.way
        return 0.5 * drawn / self._pace.slow if drawn < self._pace.slow else least + (most - least) * drawn

    def _read(self, invocation: Invocation, requests: Mapping[str, Any]) -> Item:
        if len(requests) < 2 or invocation.chance.random() < self._pace.whole:
            return self.tables.batch_get_item(RequestItems=requests)
        found: Item = {}
        before = self.tables.writes
        for table in invocation.chance.sample([*requests], len(requests)):
            found[table] = self.tables.read(table, requests[table])
            self.sleep(invocation, 0.01 * invocation.chance.random())
        invocation.was_held_up |= self.tables.writes > before
        return {"Responses": found, "UnprocessedKeys": {}}

    def _write(self, invocation: Invocation, asked: Item) -> Item:
        """Applies a write, unless another one has its items."""
        keys, token = self.tables.keys(asked["TransactItems"]), asked.get("ClientRequestToken")
        if token in self._tokens:
            self.happened["a write was in progress already"] += 1
            raise failure("TransactionInProgressException", "TransactWriteItems")
        if held := [position for position, key in enumerate(keys) if key in self._held]:
            self.happened["a write met another"] += 1
            raise cancelled(with_code("TransactionConflict", held, len(keys)))
        mark = object()
        if self._pace.conflicts:
            self._held |= dict.fromkeys(keys, mark)
        self._tokens |= {token} if token else set()
        try:
            least, most = self._pace.hold
            self.sleep(invocation, least + (most - least) * invocation.chance.random())
            return self._apply(invocation, "transact_write_items", asked)
        finally:
            self._held = {key: each for key, each in self._held.items() if each is not mark}
            self._tokens.discard(token or "")

    def _apply(self, invocation: Invocation, operation: str, asked: Item) -> Item:
        """Does at once what is asked."""
        match operation:
            case "transact_write_items":
                before = self.tables.writes
                try:
                    answer = self.tables.transact_write_items(**asked)
                except ClientError:
                    self.happened["a condition did not hold"] += 1
                    raise
                if self.tables.writes == before:
                    self.happened["a write was repeated"] += 1
                else:
                    self._committed(invocation, asked["TransactItems"])
                return answer
            case "update_item":
                before = {**self.tables.items["Players"]}
                answer = self.tables.update_item(**asked)
                if self.tables.items["Players"] != before:
                    self._committed(invocation, [{"Update": asked}])
                return answer
            case "send_message":
                answer = self.queues.send_message(**asked)
                self._arrived(self.queues.waiting[asked["QueueUrl"]][int(answer["MessageId"])], invocation)
                return answer
            case "change_message_visibility":
                answer = self.queues.change_message_visibility(**asked)
                self._hidden(asked["QueueUrl"], asked["ReceiptHandle"], asked["VisibilityTimeout"])
                return answer
            case "get_secret_value":
                answer = self.secret.get_secret_value(**asked)
                invocation.machine.known, invocation.machine.heard_at = {**self.secret.content}, self.timeline.now
                return answer
            case _:
                return self.tables.batch_get_item(**asked)

    def happens(self, id: CallId, failed: Failure, drawn: float) -> bool:
        """Whether a queue does this to a batch."""
        happens = self.faults.get(id) == Fault(failed) if self.faults is not None else self.rate > 0 and drawn < ODD
        if happens:
            self.met[id] = Fault(failed)
            self.happened[f"a batch: {failed}"] += 1
        return happens

    # --- As it should not ---------------------------------------------------------------------------

    def _fault(self, invocation: Invocation, service: str, operation: str) -> Fault | None:
        """What goes wrong with a call, if something does."""
        drawn = invocation.chance.random()
        if service in self.down:
            failed, until = self.down[service]
            if self.timeline.now < until:
                self.sleep(invocation, DOWN_SECONDS)
                return Fault(failed)
            del self.down[service]
        id = invocation.in_hand[0].delivery.number, invocation.time, invocation.calls
        if self.faults is not None:
            fault = self.faults.get(id)
            if fault and fault.failure not in FAILURES[operation]:  # of a call that a shorter script makes no more
                fault = None
        else:
            fault = _drawn(Random(int(drawn * 2**53)), operation) if drawn < self.rate else None
        if fault:
            self.met[id] = fault
        return fault

    def _fail(self, fault: Fault, invocation: Invocation, client: Client, operation: str, asked: Item) -> Item:
        name, service = OPERATIONS[operation], client.service
        self.sleep(invocation, self._way(invocation.chance))
        match fault.applied:
            case "yes":
                self._apply_unheard(invocation, operation, asked)
            case "late":
                at = self.timeline.now + fault.late_seconds
                self.timeline.at(at, lambda: self._apply_unheard(invocation, operation, asked))
            case "no":
                pass
        if service == "secretsmanager":
            invocation.machine.failed_at = self.timeline.now
        match fault.failure:
            case "death":
                raise Death
            case "unreachable":
                self.sleep(invocation, client.connect_seconds)
                raise EndpointConnectionError(endpoint_url=URL)
            case "timeout":
                self.sleep(invocation, client.read_seconds)
                raise ReadTimeoutError(endpoint_url=URL)
            case "reset":
                raise ConnectionClosedError(endpoint_url=URL)
            case "internal error":
                raise failure("InternalServerError", name, status=500)
            case "not processed":
                tables = asked["RequestItems"]
                some = [*tables][: 1 + invocation.calls % len(tables)]
                read = {table: self.tables.read(table, tables[table]) for table in tables if table not in some}
                return {"Responses": read, "UnprocessedKeys": {table: tables[table] for table in some}}
            case "in conflict":
                count = len(asked["TransactItems"])
                raise cancelled(with_code("TransactionConflict", [invocation.calls % count], count))
            case "in progress":
                raise failure("TransactionInProgressException", name)
            case "no acknowledgement":
                return {}
            case "sent twice":
                self._apply(invocation, operation, asked)
                return self._apply(invocation, operation, asked)
            case "throttled" if operation == "transact_write_items" and invocation.calls % 2:
                raise cancelled(with_code("ThrottlingError", [0], len(asked["TransactItems"])))
            case _:  # throttled
                raise failure("ThrottlingException" if service == "dynamodb" else "RequestThrottled", name)

    def _apply_unheard(self, invocation: Invocation, operation: str, asked: Item) -> None:
        """What nobody hears the answer of."""
        try:
            self._apply(invocation, operation, asked)
        except ClientError:
            self.happened["what was late was refused"] += 1


def _drawn(chance: Random, operation: str) -> Fault:
    failed = chance.choice(FAILURES[operation])
    if failed not in MAYBE_APPLIED or operation in ("batch_get_item", "get_secret_value"):
        return Fault(failed)
    applied = chance.choice(("no", "yes", "yes", "late"))
    return Fault(
        failed, applied, round(chance.choice((0.05, 1.2, 5.0)) * chance.random(), 3) if applied == "late" else 0.0
    )

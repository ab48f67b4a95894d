"""DynamoDB, SQS and Secrets Manager in memory, as far as the wallet uses them: exact at one instant, and quick.

They have no time of their own: `now` says what time it is, in seconds. Each call has the SDK's parameters and answer,
and raises what the SDK raises. A parameter or condition that the wallet never sends raises AssertionError.
test_memory.py sends the same calls to a local engine: the answers must be the same.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]
Now = Callable[[], float]
Key = tuple[str, ...]  # its table, and its attributes

KEYS = {
    "Players": ("userId",),
    "Transactions": ("id",),
    "FreeRounds": ("userId", "bonusCode"),
    "Rounds": ("userId", "round"),
}
TOKEN_SECONDS = 600  # how long DynamoDB remembers a write by its token
STALE_SECONDS = 1.0  # how long a read that is not consistent may find what was there before
HIDDEN_SECONDS = 12 * 3600  # SQS hides a message no longer, from when it was received


def _never() -> float:
    return 0.0


class Tables:
    """Items by table and key, in DynamoDB's own form: `{"cash": {"N": "10"}}`."""

    def __init__(self, now: Now = _never) -> None:
        self.items: dict[str, dict[Key, Item]] = {table: {} for table in KEYS}
        self.writes = 0  # transactions that were applied
        self._now = now
        self._before: dict[Key, tuple[float, Item | None]] = {}  # what a stale read finds, and until when
        self._written: dict[str, tuple[float, Sequence[Item]]] = {}  # by token

    def put(self, table: str, item: Mapping[str, Any]) -> None:
        """Writes an item as another program would; text, numbers and lists of text."""
        written = _kept({name: _attribute(value) for name, value in item.items()})
        self._keep(_key(table, written), written)

    def place(self, key: Key, item: Item) -> None:
        """Has an item be there as it is, as another program would."""
        self._before[key] = self._now() + STALE_SECONDS, self.items[key[0]].get(key)
        self.items[key[0]][key] = item

    def changed_at(self, key: Key) -> float:
        """When an item was last written; 0 if it never was."""
        return self._before[key][0] - STALE_SECONDS if key in self._before else 0.0

    def all(self, table: str) -> list[Item]:
        """The items of a table, with numbers as Decimals."""
        return [{name: value_of(each) for name, each in item.items()} for item in self.items[table].values()]

    # --- What the store asks for --------------------------------------------------------------------

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Item:  # noqa: N803 - boto3's name
        found = {table: self.read(table, request) for table, request in RequestItems.items()}
        return {"Responses": found, "UnprocessedKeys": {}}

    def read(self, table: str, request: Mapping[str, Any]) -> list[Item]:
        """One table's part of a read. A read of several tables is not one instant."""
        assert request.keys() <= {"Keys", "ConsistentRead"}
        keys = [_key(table, key) for key in request["Keys"]]
        if len(set(keys)) < len(keys):
            raise failure("ValidationException", "BatchGetItem")
        find = self.items[table].get if request.get("ConsistentRead") is True else self._stale
        return [{**item} for item in map(find, keys) if item]

    def transact_write_items(
        self,
        *,
        TransactItems: Sequence[Item],  # noqa: N803
        ClientRequestToken: str | None = None,  # noqa: N803
    ) -> Item:
        if ClientRequestToken is not None and (written := self._written.get(ClientRequestToken)):
            until, items = written
            if self._now() < until:
                if items != TransactItems:
                    raise failure("IdempotentParameterMismatchException", "TransactWriteItems")
                return {}
        actions = [next(iter(action.items())) for action in TransactItems]
        keys = self.keys(TransactItems)
        if len(set(keys)) < len(keys):
            raise failure("ValidationException", "TransactWriteItems")
        held = [self.items[key[0]].get(key) for key in keys]
        written = [_after(verb, action, item) for item, (verb, action) in zip(held, actions, strict=True)]
        reasons = [_reason(action, item) for item, (_, action) in zip(held, actions, strict=True)]
        if any(reason["Code"] != "None" for reason in reasons):
            raise cancelled(reasons)
        for (verb, _), key, item in zip(actions, keys, written, strict=True):
            if verb != "ConditionCheck":
                self._keep(key, item)
        self.writes += 1
        if ClientRequestToken is not None:
            self._written[ClientRequestToken] = self._now() + TOKEN_SECONDS, TransactItems
        return {}

    def update_item(self, *, ReturnValues: str, **action: Any) -> Item:  # noqa: N803 - as above
        assert ReturnValues == "ALL_NEW"
        key = _key(action["TableName"], action["Key"])
        held = self.items[key[0]].get(key)
        if _reason(action, held)["Code"] != "None":
            raise failure("ConditionalCheckFailedException", "UpdateItem")
        self._keep(key, _after("Update", action, held))
        self.writes += 1
        return {"Attributes": {**self.items[key[0]][key]}}

    @staticmethod
    def keys(actions: Iterable[Item]) -> list[Key]:
        """The keys of a write's items, each in its action's place."""
        named = [next(iter(action.values())) for action in actions]
        return [_key(action["TableName"], action.get("Key") or action["Item"]) for action in named]

    def _keep(self, key: Key, item: Item) -> None:
        items = self.items[key[0]]
        self._before[key] = self._now() + STALE_SECONDS, items.get(key)
        items[key] = item

    def _stale(self, key: Key) -> Item | None:
        until, before = self._before.get(key, (0.0, None))
        return before if self._now() < until else self.items[key[0]].get(key)


@dataclass(slots=True, eq=False)
class Message:
    """`visible_at` is when it is handed out next; `handle` is the one under which it was last received."""

    number: int
    queue: str
    body: str
    visible_at: float
    receives: int = 0
    received_at: float = 0.0

    @property
    def handle(self) -> str:
        return f"{self.queue}/{self.number}/{self.receives}"


class Queues:
    """`dead_letters` names, for a queue, the one that gets what is received too often, and how often that is."""

    def __init__(
        self, now: Now = _never, dead_letters: Mapping[str, tuple[str, int]] | None = None, hidden_seconds: float = 120
    ) -> None:
        self.waiting: dict[str, dict[int, Message]] = {}  # by queue, in the order of sending
        self.hidden: list[str] = []  # every handle with which somebody wanted to hide a message for longer
        self._now = now
        self._dead_letters = dead_letters or {}
        self._hidden_seconds = hidden_seconds
        self._numbers = itertools.count(1)

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Each message's queue and text, in the order of sending."""
        every = [message for queue in self.waiting.values() for message in queue.values()]
        return [(each.queue, each.body) for each in sorted(every, key=lambda each: each.number)]

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> Item:  # noqa: N803 - as above
        if not 0 <= DelaySeconds <= 900:
            raise failure("InvalidParameterValue", "SendMessage")
        message = Message(next(self._numbers), QueueUrl, MessageBody, self._now() + DelaySeconds)
        self.waiting.setdefault(QueueUrl, {})[message.number] = message
        return {"MessageId": str(message.number)}

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> Item:  # noqa: N803
        self.hidden.append(ReceiptHandle)
        message = self._received(QueueUrl, ReceiptHandle)
        if not message or not 0 <= VisibilityTimeout <= HIDDEN_SECONDS - (self._now() - message.received_at):
            raise failure("InvalidParameterValue", "ChangeMessageVisibility")
        message.visible_at = self._now() + VisibilityTimeout
        return {}

    def receive_message(self, queue: str, most: int) -> list[Message]:
        """The next messages, which are hidden from now on. What was received too often is moved on instead."""
        received: list[Message] = []
        for message in [*self.waiting.get(queue, {}).values()]:
            if len(received) == most:
                break
            if message.visible_at > self._now():
                continue
            given_up, max_receive_count = self._dead_letters.get(queue, ("", 0))
            if given_up and message.receives >= max_receive_count:
                del self.waiting[queue][message.number]
                message.queue, message.visible_at, message.receives = given_up, self._now(), 0
                self.waiting.setdefault(given_up, {})[message.number] = message
                continue
            message.receives += 1
            message.received_at, message.visible_at = self._now(), self._now() + self._hidden_seconds
            received.append(message)
        return received

    def delete_message(self, queue: str, handle: str) -> None:
        if message := self._received(queue, handle):
            del self.waiting[queue][message.number]

    def _received(self, queue: str, handle: str) -> Message | None:
        """None for a handle of something that is gone, or was received again since."""
        _, _, number = handle.rpartition("/")[0].rpartition("/")
        message = self.waiting.get(queue, {}).get(int(number)) if number else None
        return message if message and message.handle == handle else None


class Secrets:
    """One secret: `content` is what it holds."""

    def __init__(self, name: str, content: Mapping[str, Any]) -> None:
        self.name = name
        self.content = content

    def get_secret_value(self, *, SecretId: str) -> Item:  # noqa: N803 - as above
        if self.name != SecretId:
            raise failure("ResourceNotFoundException", "GetSecretValue")
        return {"Name": self.name, "SecretString": json.dumps(self.content)}


# --- Items -------------------------------------------------------------------------------------------


def value_of(attribute: Item) -> Any:
    """What an attribute says: numbers as Decimals, lists as tuples."""
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return Decimal(value)
        case "L":
            return tuple(map(value_of, value))
        case "M":
            return {name: value_of(each) for name, each in value.items()}
        case _:
            return value


def _attribute(value: Any) -> Item:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case list() | tuple():
            return {"L": [_attribute(each) for each in value]}
        case _:
            return {"N": str(value)}


_PLAIN = re.compile(r"(-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.[0-9]*[1-9]|0)")


def _kept(item: Item) -> Item:
    """An item as it is read again."""
    return {name: _normal(attribute) for name, attribute in item.items()}


def _normal(attribute: Item) -> Item:
    """A number has up to 38 digits, in plain notation, with no zeros that say nothing."""
    if "L" in attribute:
        return {"L": [*map(_normal, attribute["L"])]}
    if "M" in attribute:
        return {"M": _kept(attribute["M"])}
    digits = attribute.get("N")
    if digits is None or (len(digits) <= 38 and _PLAIN.fullmatch(digits)):
        return attribute
    number = Decimal(digits)
    plain = format(number, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    if len(plain.replace(".", "").lstrip("-0").rstrip("0")) > 38:
        raise failure("ValidationException", "TransactWriteItems")
    return {"N": plain if number else "0"}


def _key(table: str, item: Item) -> Key:
    names = KEYS[table]
    return (table, item[names[0]]["S"]) if len(names) == 1 else (table, *(item[name]["S"] for name in names))


# --- Conditions --------------------------------------------------------------------------------------

Holds = Callable[[Item, Mapping[str, str], Mapping[str, Item]], bool]


def _reason(action: Item, item: Item | None) -> Item:
    names, values = action.get("ExpressionAttributeNames", {}), action.get("ExpressionAttributeValues", {})
    if all(holds(item or {}, names, values) for holds in _conditions(action.get("ConditionExpression"))):
        return {"Code": "None"}
    returns = action.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    return {"Code": "ConditionalCheckFailed"} | ({"Item": {**item}} if item and returns else {})


@cache
def _conditions(expression: str | None) -> list[Holds]:
    return [_condition(each) for each in expression.split(" AND ")] if expression else []


def _condition(text: str) -> Holds:
    """One condition: that an attribute is there, that it is not, or that it is so much; or one of several."""
    if text.startswith("("):
        every = [_condition(each) for each in text[1:-1].split(" OR ")]
        return lambda *asked: any(holds(*asked) for holds in every)
    if presence := re.fullmatch(r"attribute_(not_)?exists\((#?\w+)\)", text):
        is_there, name = not presence[1], presence[2]
        return lambda item, names, _: (names.get(name, name) in item) is is_there
    compared = re.fullmatch(r"(#?\w+) = (:\w+)", text)
    assert compared, f"what is {text}?"
    name, value = compared.groups()

    def is_so_much(item: Item, names: Mapping[str, str], values: Mapping[str, Item]) -> bool:
        attribute, wanted = item.get(names.get(name, name)), values[value]
        return attribute == wanted or (attribute is not None and attribute == _normal(wanted))

    return is_so_much


@cache
def _changes(expression: str) -> list[tuple[str, str, bool]]:
    """The attributes that are set, to which value, and whether only if they are not there."""
    if expression.startswith("REMOVE "):
        return [(name, "", False) for name in expression.removeprefix("REMOVE ").split(", ")]
    found = re.findall(r"(\w+) = (?:(if_not_exists)\(\1, (:\w+)\)|(:\w+))(?:, |$)", expression.removeprefix("SET "))
    assert len(found) == expression.count(" = ") > 0, f"what is {expression}?"
    return [(name, value or plain, bool(if_not)) for name, if_not, value, plain in found]


def _after(verb: str, action: Item, item: Item | None) -> Item:
    """The item that an action leaves where there is `item`."""
    if verb == "Put":
        return _kept(action["Item"])
    if verb == "ConditionCheck":
        return item or {}
    assert verb == "Update"
    values, after = action.get("ExpressionAttributeValues", {}), {**(item or action["Key"])}
    for name, value, only_new in _changes(action["UpdateExpression"]):
        if not value:
            after.pop(name, None)
        elif not (only_new and name in after):
            after[name] = _normal(values[value])
    return after


# --- Failures ----------------------------------------------------------------------------------------


def failure(code: str, call: str, *, status: int = 400, **more: Any) -> ClientError:
    """What the SDK makes of AWS's refusal of a call."""
    answer: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(answer, call)


def cancelled(reasons: Sequence[Item]) -> ClientError:
    return failure("TransactionCanceledException", "TransactWriteItems", CancellationReasons=[*reasons])


def with_code(code: str, positions: Iterable[int], count: int) -> list[Item]:
    """A transaction's reasons: `code` for the actions in these positions, none for the others."""
    wrong = {*positions}
    return [{"Code": code if position in wrong else "None"} for position in range(count)]

"""The models of memory.py answer every call as a real engine does. Where the engine is not as AWS, they are as AWS.

The engine has limits that no test here meets: it adds with 28 digits, and the wallet adds by itself; and two writes
never collide in it, so that simulation/network.py makes DynamoDB's TransactionConflict.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import SESSION, Clock
from contract import written
from memory import HIDDEN_SECONDS, KEYS, STALE_SECONDS, TOKEN_SECONDS, Key, Queues, Secrets, Tables
from tools.local.engine import engine, free_port
from tools.local.template import Template
from wallet import store as store_module
from wallet.calls import Asked, Ending, Inquiry, Reversal
from wallet.errors import Absent, Refusal
from wallet.ledger import Movement, Prize
from wallet.store import Store

Item = dict[str, Any]
TOKENS = (f"token-{number}" for number in itertools.count())
NUMBERS = [
    *("0", "-0", "0.000", "007", "1", "1.0", "-1", "+3", "100000", "1E+5", "1e5", "1E+125"),
    *("0.1", ".1", "0.10", "-0.10", "1E-18"),
    *("9" * 38, f"-{'9' * 20}.{'9' * 18}", f"{'9' * 38}000", f"0.{'0' * 20}1"),
]


@pytest.fixture(scope="module")
def aws() -> Iterator[Callable[[str], Any]]:
    """The SDK's clients of an engine, by their services."""
    with engine(free_port()) as running:
        settings = Config(retries={"total_max_attempts": 1})
        yield lambda service: SESSION.client(service, endpoint_url=running.endpoint, config=settings)


def outcome(call: Callable[..., Any], **asked: Any) -> Any:
    """The answer, or how it is refused."""
    try:
        answer = call(**asked)
    except ClientError as error:
        refusal: Any = error.response
        reasons = [
            {name: reason[name] for name in ("Code", "Item") if name in reason}
            for reason in refusal.get("CancellationReasons", ())
        ]
        return refusal["Error"]["Code"], refusal["ResponseMetadata"]["HTTPStatusCode"], reasons
    return {name: value for name, value in (answer or {}).items() if name != "ResponseMetadata"}


def put(table: str, item: Item) -> Item:
    return {"Put": {"TableName": table, "Item": item}}


def trimmed(value: Any) -> Any:
    """As AWS gives it. The engine keeps a number that an update sets as it is written."""
    match value:
        case {"N": str(digits)}:
            return {"N": written(Fraction(digits))}
        case dict():
            return {name: trimmed(each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case list() | tuple():
            return type(value)(map(trimmed, value))
        case _:
            return value


# --- Tables ------------------------------------------------------------------------------------------


class Twins:
    """Two DynamoDBs, in memory and in the engine. As a client they give the answer that both gave."""

    def __init__(self, client: Any) -> None:
        self.now = 0.0
        self.model, self.client = Tables(lambda: self.now), client
        self.before_write: Callable[[Sequence[Item]], None] | None = None
        self.after_write: Callable[[Item], None] | None = None

    def same(self, operation: str, **asked: Any) -> Any:
        """The outcome of a call, which must be the same in both."""
        heard = outcome(getattr(self.model, operation), **deepcopy(asked))
        assert heard == trimmed(outcome(getattr(self.client, operation), **asked)), (operation, asked)
        return heard

    def write(self, *actions: Item, token: str | None = None) -> Any:
        return self.same("transact_write_items", TransactItems=[*actions], ClientRequestToken=token or next(TOKENS))

    def put(self, table: str, item: Item) -> None:
        self.write(put(table, item))

    def set(self, key: Key, item: Item | None) -> None:
        """Has both hold this under a key, or nothing."""
        table, names = key[0], KEYS[key[0]]
        if item is None:
            self.model.items[table].pop(key, None)
            self.client.delete_item(TableName=table, Key={n: {"S": v} for n, v in zip(names, key[1:], strict=True)})
        else:
            self.put(table, item)

    def read(self, *keys: Key, **more: bool) -> Any:
        requests: Item = {}
        for table, *values in keys:
            key = {name: {"S": value} for name, value in zip(KEYS[table], values, strict=True)}
            requests.setdefault(table, {"Keys": [], **more})["Keys"].append(key)
        return self.same("batch_get_item", RequestItems=requests)

    def assert_same_contents(self) -> None:
        for table, items in self.model.items.items():
            pages = self.client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
            found = [item for page in pages for item in page["Items"]]
            keys = self.model.keys([put(table, item) for item in found])
            assert dict(zip(keys, trimmed(found), strict=True)) == items

    # --- As the store's client ----------------------------------------------------------------------

    def batch_get_item(self, **asked: Any) -> Any:
        return self._answer(self.same("batch_get_item", **asked))

    def transact_write_items(self, **asked: Any) -> Any:
        if self.before_write:
            self.before_write(asked["TransactItems"])
        heard = self.same("transact_write_items", **asked)
        if self.after_write:
            self.after_write(asked)
        return self._answer(heard)

    @staticmethod
    def _answer(heard: Any) -> Any:
        if isinstance(heard, dict):
            return heard
        code, status, reasons = heard
        refusal: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(refusal | ({"CancellationReasons": reasons} if reasons else {}), "-")


@pytest.fixture(scope="module")
def twins(aws: Callable[[str], Any]) -> Twins:
    client = aws("dynamodb")
    for table in Template.load().tables():
        client.create_table(**table)
    return Twins(client)


def wallet(player: str, **changes: Item) -> Item:
    # No sum of it and of whole credits ends with a zero: the engine takes such a write again for another, because it
    # remembers the numbers as it trims them.
    balances = {"currency": {"S": "USD"}, "cash": {"N": "10.25"}, "bonus": {"N": "0"}, "version": {"N": "0"}}
    return {"userId": {"S": player}, **balances, **changes}


WIN = Movement(
    kind="result",
    reference="r",
    user_id="u",
    amount=Decimal(3),
    currency="USD",
    game_id="g",
    round_id="1",
    provider_id="p",
    timestamp="1482429190374",
)
PROMO = replace(WIN, kind="promo", reference="p", amount=Decimal(7), prize=None)
WITH_PRIZE = [replace(WIN, prize=Prize(reference="p", amount="7")), PROMO]
NAMELESS = [replace(WIN, prize=Prize(reference=None, amount="7", fault=Absent("promoWinReference")))]
FREE_ROUND = [replace(WIN, bonus_code="F", free_round="round")]
TOTAL = [replace(WIN, kind="bonus", bonus_code="F", free_round="total", amount=Decimal("1E+1"))]
UNDATED = [replace(TOTAL[0], timestamp=None)]
RESULT = [replace(WIN, part="result")]
BET = [replace(WIN, kind="bet", reference="b", amount=Decimal(-3), part="bet", paid_back_as="cancel")]
FREE_BET = [replace(BET[0], bonus_code="F")]
TOO_MUCH = [replace(BET[0], amount=Decimal(-1000))]
CANCEL = Reversal(kind="cancel", undoes="bet", reference="b", user_id="u", game_id="g", round_id="1")
REFUND = replace(CANCEL, whole_round=True, reference="own")
END = Ending(user_id="u", game_id="g", round_id="1")

Settle = Callable[[str, str, Asked], None]


@pytest.fixture
def settle(twins: Twins, monkeypatch: pytest.MonkeyPatch) -> Settle:
    """Settles credits of a player, under references of a name, by the wallet's store on both."""
    clock = Clock()
    monkeypatch.setattr(store_module, "time", clock)
    store = Store(twins, players="Players", transactions="Transactions", free_rounds="FreeRounds", rounds="Rounds")

    def own(player: str, name: str, credit: Movement) -> Movement:
        prize = credit.prize
        if prize and prize.reference:
            prize = replace(prize, reference=f"{player}-{name}-p")
        return replace(credit, user_id=player, reference=f"{player}-{name}-{credit.reference}", prize=prize)

    def settle(player: str, name: str, asked: Asked) -> None:
        match asked:
            case Reversal():
                mine = replace(asked, user_id=player, reference=f"{player}-{name}-{asked.reference}")
            case Ending() | Inquiry():
                mine = replace(asked, user_id=player)
            case _:
                mine = [own(player, name, credit) for credit in asked]
        with suppress(Refusal):
            store.settle(mine, request="{}", deadline=clock.now + 3, leave=lambda *_: None)

    return settle


# Each makes a write of another shape, where it follows those before.
EVERY_SHAPE: Sequence[tuple[str, Asked]] = [
    ("a", [WIN]),
    ("b", WITH_PRIZE),
    ("a", WITH_PRIZE),
    ("c", [WIN]),
    ("c", NAMELESS),
    ("d", FREE_ROUND),
    ("e", UNDATED),
    ("f", TOTAL),
    ("g", FREE_ROUND),
    ("h", BET),
    ("i", FREE_BET),
    ("j", RESULT),
    ("h", CANCEL),
    ("k", TOO_MUCH),
    ("l", replace(CANCEL, game_id=None)),
    ("m", replace(REFUND, game_id="another")),
    ("n", END),
]
CONDITION = re.compile(r"(attribute_not_exists|attribute_exists|)\(?#?(\w+)(?:\)| = :\w+)")


def conditions_of(action: Item) -> list[tuple[str, str]]:
    """Of several that are enough alone, the first."""
    expression = next(iter(action.values()))["ConditionExpression"]
    return CONDITION.findall(re.sub(r"\((\w+\(\w+\)) OR [^)]*\)", r"\1", expression))


def test_each_write_of_the_store_gets_the_same_answer_whichever_conditions_fail(twins: Twins, settle: Settle) -> None:
    chance = Random(1)
    writes: dict[str, tuple[Sequence[Item], Mapping[Key, Item | None]]] = {}

    def note(actions: Sequence[Item]) -> None:
        keys = twins.model.keys(actions)
        shape = re.sub(r"\{'[A-Z]+': .*?\}", "", f"{actions}")
        writes.setdefault(shape, (actions, {key: twins.model.items[key[0]].get(key) for key in keys}))

    twins.put("Players", wallet("421"))
    twins.before_write = note
    for name, asked in EVERY_SHAPE:
        settle("421", name, asked)
    twins.before_write = None

    assert len(writes) == len(EVERY_SHAPE) - 1  # the win of "c" is written as that of "a"
    for actions, before in writes.values():
        every = [
            (key, condition) for key, action in zip(before, actions, strict=True) for condition in conditions_of(action)
        ]
        several = [chance.sample(every, chance.randint(1, len(every))) for _ in range(3)]
        for chosen in [*([each] for each in every), *several, []]:
            for key, item in before.items():
                twins.set(key, failing(chance, key, item, [condition for of, condition in chosen if of == key]))
            silent = deepcopy(actions)
            for action in silent:
                del next(iter(action.values()))["ReturnValuesOnConditionCheckFailure"]
            if chosen:
                assert twins.write(*silent) != {}
            assert (twins.write(*actions) == {}) is (not chosen)
    twins.assert_same_contents()


def failing(chance: Random, key: Key, item: Item | None, conditions: Sequence[tuple[str, str]]) -> Item | None:
    """What must be under a key so that these of an action's conditions fail."""
    id = {name: {"S": value} for name, value in zip(KEYS[key[0]], key[1:], strict=True)}
    for verb, name in conditions:
        if verb == "attribute_exists":
            return None
        item = {**(item or {}), **id}
        if name in id:
            continue
        held = item.pop(name, {"N": "1"})
        others = [{"S": f"{next(iter(held.values()))}"}, {"N": "8.80"}, {"L": [{"N": "1.0"}]}, {"BOOL": True}, None]
        if name == "openSince":  # an index is by it, so nothing but text may be there
            others = [{"S": "yesterday"}, None]
        if other := chance.choice([each for each in others if each != held and (each or not verb)]):
            item[name] = other
    return item


def test_whatever_is_written_meanwhile_the_store_gets_the_same_answers(twins: Twins, settle: Settle) -> None:
    chance = Random(2)

    def meanwhile(actions: Sequence[Item]) -> None:
        for key, action in zip(twins.model.keys(actions), actions, strict=True):
            if chance.random() < 0.2:
                conditions = conditions_of(action)
                some = chance.sample(conditions, chance.randint(1, len(conditions)))
                twins.set(key, failing(chance, key, twins.model.items[key[0]].get(key), some))

    def again(asked: Item) -> None:
        actions, token = asked["TransactItems"], asked["ClientRequestToken"]
        match chance.randrange(4):
            case 0:
                twins.write(*actions, token=token)
            case 1:
                twins.write(*actions[::-1], put("Players", wallet("another")), token=token)
            case 2:
                twins.write(*actions, actions[-1])
            case _:
                twins.write(*actions)

    twins.before_write, twins.after_write = meanwhile, again
    every: list[Asked] = [[WIN], WITH_PRIZE, NAMELESS, FREE_ROUND, TOTAL, UNDATED, RESULT, BET, CANCEL, REFUND, END]
    for number in range(60):
        player = f"42{number % 3}"
        if number % 5 == 0:
            twins.put("Players", wallet(player, version={"N": "100"}))
        settle(player, chance.choice("abcde"), chance.choice(every))
    twins.before_write = twins.after_write = None
    twins.assert_same_contents()


def test_both_find_the_same_items(twins: Twins) -> None:
    there, elsewhere = ("Players", "there"), ("FreeRounds", "there", "F")
    twins.put("Players", wallet("there", cash={"N": "10.50"}))
    twins.put("FreeRounds", {"userId": {"S": "there"}, "bonusCode": {"S": "F"}, "lastRounds": {"L": [{"S": "1:g1"}]}})
    absent = ("Transactions", "absent"), ("FreeRounds", "there", "G"), ("FreeRounds", "absent", "F")

    for more in ({"ConsistentRead": True}, {"ConsistentRead": False}, {}):
        twins.now += STALE_SECONDS
        assert twins.read(there, **more)["Responses"] == {"Players": [wallet("there", cash={"N": "10.5"})]}
        twins.read(there, elsewhere, *absent, **more)
        twins.read(*absent, **more)
        assert twins.read(there, there, **more)[0] == "ValidationException"


def test_what_is_not_there_is_made_by_an_update_without_a_condition(twins: Twins) -> None:
    change = {"UpdateExpression": "SET prizeAmount = :amount", "ExpressionAttributeValues": {":amount": {"S": "7"}}}
    twins.write({"Update": {"TableName": "Transactions", "Key": {"id": {"S": "made"}}, **change}})

    made = {"id": {"S": "made"}, "prizeAmount": {"S": "7"}}
    assert twins.read(("Transactions", "made"), ConsistentRead=True)["Responses"] == {"Transactions": [made]}


FROZEN: Sequence[Item | None] = [None, {"BOOL": False}, {"NULL": True}, {"BOOL": True}, {"S": "yes"}]


@pytest.mark.parametrize("frozen", FROZEN)
def test_both_mark_a_wallet_the_same_and_know_one_of_several_conditions(twins: Twins, frozen: Item | None) -> None:
    player = f"frozen {frozen}"
    key = {"TableName": "Players", "Key": {"userId": {"S": player}}, "ReturnValues": "ALL_NEW"}
    first = "SET frozen = :frozen, frozenBy = if_not_exists(frozenBy, :frozenBy)"
    change = {"ConditionExpression": "attribute_exists(userId)"}
    values = {"ExpressionAttributeValues": {":frozen": {"BOOL": True}, ":frozenBy": {"S": "ann"}}}
    assert twins.same("update_item", **key, **change, **values, UpdateExpression=first)[0].startswith("Conditional")
    twins.put("Players", wallet(player, **({"frozen": frozen} if frozen else {})))
    condition = "version = :version AND (attribute_not_exists(frozen) OR frozen = :no OR frozen = :null)"
    read = {":version": {"N": "0"}, ":no": {"BOOL": False}, ":null": {"NULL": True}}
    checked = {"ConditionExpression": condition, "ExpressionAttributeValues": read}
    told = twins.write({"ConditionCheck": {"TableName": "Players", "Key": {"userId": {"S": player}}, **checked}})

    assert (told == {}) is (frozen in FROZEN[:3])
    for by in ("ann", "bob"):
        values = {"ExpressionAttributeValues": {":frozen": {"BOOL": True}, ":frozenBy": {"S": by}}}
        twins.same("update_item", **key, **change, **values, UpdateExpression=first)
    twins.same("update_item", **key, **change, UpdateExpression="REMOVE frozen, frozenBy")
    twins.assert_same_contents()


@pytest.mark.parametrize("digits", NUMBERS)
def test_both_keep_and_compare_a_number_the_same_however_it_is_written(twins: Twins, digits: str) -> None:
    player = f"number {digits}"
    twins.put("Players", wallet(player, cash={"N": digits}, numbers={"L": [{"N": digits}]}))
    kept = twins.read(("Players", player), ConsistentRead=True)["Responses"]["Players"][0]["cash"]["N"]

    assert Decimal(kept) == Decimal(digits)
    equal: list[tuple[str, Item]] = [("cash", {"N": each}) for each in NUMBERS if Decimal(each) == Decimal(digits)]
    equal.append(("numbers", {"L": [{"N": digits}]}))
    unequal: list[tuple[str, Item]] = [("cash", {"N": "2"}), ("cash", {"S": digits}), ("cash", {"BOOL": True})]
    for attribute, read in [*equal, *unequal]:
        condition = {"ConditionExpression": f"{attribute} = :read", "ExpressionAttributeValues": {":read": read}}
        change = {**condition, "UpdateExpression": "SET bonus = :read", "Key": {"userId": {"S": player}}}
        told = twins.write({"Update": {"TableName": "Players", **change}})
        assert (told == {}) is ((attribute, read) in equal)
    assert twins.model.items["Players"]["Players", player]["numbers"] == {"L": [{"N": kept}]}
    twins.read(("Players", player), ConsistentRead=True)


@pytest.mark.parametrize("digits", ["1" * 39, f"-{'1' * 20}.{'1' * 19}", f"1{'0' * 38}1"])
def test_both_refuse_a_number_of_more_digits_and_write_nothing(twins: Twins, digits: str) -> None:
    name = f"too long {digits}"
    actions = [put("Players", wallet(name)), put("Transactions", {"id": {"S": name}, "amount": {"N": digits}})]

    assert twins.write(*actions)[0] == "ValidationException"
    assert twins.read(("Players", name), ConsistentRead=True)["Responses"] == {"Players": []}


# The engine reads and remembers by the clock on the wall. AWS's documentation says how long:
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
def test_a_write_is_remembered_by_its_token_for_ten_minutes() -> None:
    now = [0.0]
    tables = Tables(lambda: now[0])
    write = {"TransactItems": [put("Players", wallet("421"))], "ClientRequestToken": "token"}
    tables.transact_write_items(**write)

    for now[0] in (0.0, TOKEN_SECONDS - 1):
        tables.transact_write_items(**write)
        assert tables.writes == 1
    now[0] = TOKEN_SECONDS
    tables.transact_write_items(**write)
    assert (tables.writes, TOKEN_SECONDS) == (2, 600)


@pytest.mark.parametrize("more", [{"ConsistentRead": False}, {}])
def test_a_read_that_is_not_consistent_finds_what_was_there_for_a_while(more: Mapping[str, bool]) -> None:
    now = [0.0]
    tables = Tables(lambda: now[0])
    asked = {"RequestItems": {"Players": {"Keys": [{"userId": {"S": "421"}}], **more}}}

    def found() -> list[Any]:
        return [item["cash"]["N"] for item in tables.batch_get_item(**asked)["Responses"]["Players"]]

    for now[0], cash, before in ((10.0, 1, []), (20.0, 2, ["1"])):
        tables.put("Players", {"userId": "421", "cash": cash})
        assert found() == before
        now[0] += STALE_SECONDS
        assert found() == [f"{cash}"]


# --- Queues ------------------------------------------------------------------------------------------

HIDDEN, TRIES = 3600, 3
# AWS lets a message be deleted by an old handle, and deletes nothing; the engine refuses that. Where a message is gone
# or was received again, AWS says "not available for visibility timeout change", and has another code for it.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
STALE = "ReceiptHandleIsInvalid", 400, []
AWS_SAYS = {"delete_message": {}, "change_message_visibility": ("InvalidParameterValue", 400, [])}


class TwinQueues:
    """A queue and its dead letters, in memory and in the engine."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.dead = client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=self.dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": TRIES})
        attributes = {"VisibilityTimeout": f"{HIDDEN}", "RedrivePolicy": redrive}
        self.url = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.model = Queues(dead_letters={self.url: (self.dead, TRIES)}, hidden_seconds=HIDDEN)
        self.handles: list[tuple[str, str]] = []  # the model's and the engine's, of each receive
        self.numbers = itertools.count()

    def send(self, **more: int) -> None:
        asked = {"QueueUrl": self.url, "MessageBody": f"message {next(self.numbers)}", **more}
        assert {*self.model.send_message(**asked)} == {"MessageId"} <= {*self.client.send_message(**asked)}

    def receive(self, most: int) -> int:
        """How many are received, which are the same, as often as before."""
        found = self.model.receive_message(self.url, most)
        heard = self._receive(self.url, most)
        counts = [int(each["Attributes"]["ApproximateReceiveCount"]) for each in heard]
        assert [(each.body, each.receives) for each in found] == [
            (each["Body"], count) for each, count in zip(heard, counts, strict=True)
        ]
        self.handles += [(each.handle, other["ReceiptHandle"]) for each, other in zip(found, heard, strict=True)]
        return len(found)

    def _receive(self, url: str, most: int) -> Any:
        asked = {"QueueUrl": url, "MaxNumberOfMessages": most, "AttributeNames": ["ApproximateReceiveCount"]}
        return self.client.receive_message(**asked).get("Messages", [])

    def hide(self, handles: tuple[str, str], seconds: int) -> Any:
        call = self.model.change_message_visibility
        return self._same("change_message_visibility", handles, call, VisibilityTimeout=seconds)

    def delete(self, handles: tuple[str, str]) -> Any:
        def delete(QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803 - the SDK's names
            self.model.delete_message(QueueUrl, ReceiptHandle)

        return self._same("delete_message", handles, delete)

    def _same(self, operation: str, handles: tuple[str, str], call: Callable[..., Any], **more: int) -> Any:
        ours, engines = handles
        heard = outcome(getattr(self.client, operation), QueueUrl=self.url, ReceiptHandle=engines, **more)
        told = outcome(call, QueueUrl=self.url, ReceiptHandle=ours, **more)
        assert told == (AWS_SAYS[operation] if heard == STALE else heard), (operation, more)
        return told

    def assert_same_contents(self) -> None:
        """What is in a queue or given up; what is visible of it, out of sight, and delayed."""
        self.receive(10)  # so that what was received too often is moved by both
        for url in (self.url, self.dead):
            waiting = [*self.model.waiting.get(url, {}).values()]
            hidden = [each for each in waiting if each.visible_at > 0]
            delayed = [each for each in hidden if not each.receives]
            kinds = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
            told = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            must_be = [len(waiting) - len(hidden), len(hidden) - len(delayed), len(delayed)]
            assert [int(told[kind]) for kind in kinds] == must_be
        given_up = self.model.receive_message(self.dead, 10)
        assert [each.body for each in given_up] == [each["Body"] for each in self._receive(self.dead, 10)]


@pytest.fixture
def queues(aws: Callable[[str], Any], request: pytest.FixtureRequest) -> TwinQueues:
    return TwinQueues(aws("sqs"), re.sub(r"\W+", "-", request.node.name)[-60:])


@pytest.mark.parametrize("seed", range(4))
def test_both_send_receive_hide_and_delete_the_same_messages(queues: TwinQueues, seed: int) -> None:
    chance = Random(seed)
    for _ in range(8):
        queues.send(**chance.choice(({}, {"DelaySeconds": 0}, {"DelaySeconds": 900})))

    for _ in range(30):
        if not queues.handles or chance.random() < 0.3:
            queues.receive(chance.choice((1, 3, 10)))
        handles = chance.choice(queues.handles[-8:])
        match chance.randrange(5):
            case 0:
                queues.delete(handles)
            case 1:
                queues.hide(handles, chance.choice((HIDDEN, HIDDEN_SECONDS)))
            case _:
                queues.hide(handles, 0)
    queues.assert_same_contents()


def test_what_was_received_too_often_is_given_up_and_its_handle_is_stale(queues: TwinQueues) -> None:
    queues.send()
    queues.send(DelaySeconds=900)
    for _ in range(TRIES):
        assert (queues.receive(10), queues.receive(10)) == (1, 0)
        assert queues.hide(queues.handles[-1], 0) == {}
    assert queues.receive(10) == 0

    assert queues.hide(queues.handles[-1], 0) == AWS_SAYS["change_message_visibility"]
    queues.assert_same_contents()
    assert len(queues.model.waiting[queues.dead]) == 1


def test_a_message_is_deleted_by_its_last_handle_and_once(queues: TwinQueues) -> None:
    queues.send()
    queues.receive(1)
    queues.hide(queues.handles[0], 0)
    queues.receive(1)

    assert queues.delete(queues.handles[0]) == {}
    assert queues.hide(queues.handles[0], 0) == AWS_SAYS["change_message_visibility"]
    queues.assert_same_contents()
    assert len(queues.model.waiting[queues.url]) == 1
    for _ in range(2):
        assert queues.delete(queues.handles[1]) == {}
    assert queues.hide(queues.handles[1], 0) == AWS_SAYS["change_message_visibility"]
    queues.assert_same_contents()
    assert not queues.model.waiting[queues.url]


# The engine takes any delay and any visibility. AWS's limits:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html, and
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
@pytest.mark.parametrize("delay", [-1, 901])
def test_a_message_is_delayed_for_a_quarter_of_an_hour_at_most(delay: int) -> None:
    queues = Queues()
    asked = {"QueueUrl": "q", "MessageBody": "kept"}

    assert outcome(queues.send_message, **asked, DelaySeconds=delay) == ("InvalidParameterValue", 400, [])
    assert not queues.messages
    queues.send_message(**asked, DelaySeconds=900)
    assert queues.messages == [("q", "kept")]


def test_a_message_is_hidden_for_twelve_hours_at_most_from_when_it_was_received() -> None:
    now = [0.0]
    queues = Queues(lambda: now[0])
    queues.send_message(QueueUrl="q", MessageBody="kept", DelaySeconds=900)
    assert queues.receive_message("q", 1) == []
    now[0] = 900.0
    (message,) = queues.receive_message("q", 1)
    now[0] += 100
    asked = {"QueueUrl": "q", "ReceiptHandle": message.handle}

    for seconds in (-1, HIDDEN_SECONDS - 99):
        told = outcome(queues.change_message_visibility, **asked, VisibilityTimeout=seconds)
        assert told == ("InvalidParameterValue", 400, [])
    assert message.visible_at == 900 + 120
    queues.change_message_visibility(**asked, VisibilityTimeout=HIDDEN_SECONDS - 100)
    assert message.visible_at == 900 + 12 * 3600


# --- Secrets -----------------------------------------------------------------------------------------


def test_both_give_the_same_secret_or_none(aws: Callable[[str], Any]) -> None:
    client, content = aws("secretsmanager"), {"current": {"authToken": "t"}}
    client.create_secret(Name="the-provider", SecretString=json.dumps(content))
    model = Secrets("the-provider", content)

    told, heard = (outcome(each.get_secret_value, SecretId="the-provider") for each in (model, client))
    assert told == {name: heard[name] for name in ("Name", "SecretString")}
    refused = [outcome(each.get_secret_value, SecretId="another") for each in (model, client)]
    assert refused == [("ResourceNotFoundException", 400, [])] * 2

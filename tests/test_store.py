"""One read and one write, and what goes wrong in between: the money is right or nothing happened."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.httpsession import URLLib3Session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import EVENTS, Clock, Operator
from on_record import last_digests
from wallet import store as store_module
from wallet.errors import Conflict, InvalidAmount, NoSuchPlayer, NotEnough, Refusal, Unavailable, WrongCurrency
from wallet.ledger import Movement, Prize, Settlement
from wallet.store import CONNECT_SECONDS, MAX_ATTEMPTS, READ_SECONDS, Store

OPENING_CASH, OPENING_BONUS = Decimal("99889.99"), Decimal("99.99")
ENDPOINT = "https://dynamodb.eu-west-1.amazonaws.com"

Call = Callable[[], Any]
Step = Callable[[Call], Any]  # what becomes of one call: it may make it, or not, and answer what it likes


class ScriptedClient:
    """A DynamoDB client to whose first calls a script happens; the rest pass. It keeps what was asked."""

    def __init__(self, client: Any, *, honours_tokens: bool = True) -> None:
        self._client = client
        self._honours_tokens = honours_tokens  # the mock does not, DynamoDB does
        self._answered_tokens: set[str] = set()
        self.reads: list[dict[str, Any]] = []
        self.writes: list[dict[str, Any]] = []
        self.read_script: Iterator[Step] = iter(())
        self.write_script: Iterator[Step] = iter(())

    def batch_get_item(self, **parameters: Any) -> Any:
        self.reads.append(parameters)
        return next(self.read_script, passes)(lambda: self._client.batch_get_item(**parameters))

    def transact_write_items(self, **parameters: Any) -> Any:
        self.writes.append(parameters)
        return next(self.write_script, passes)(lambda: self._write(parameters))

    def _write(self, parameters: dict[str, Any]) -> Any:
        if self._honours_tokens and parameters["ClientRequestToken"] in self._answered_tokens:
            return {}
        answer = self._client.transact_write_items(**parameters)
        self._answered_tokens.add(parameters["ClientRequestToken"])
        return answer


def passes(call: Call) -> Any:
    return call()


def fails(error: Exception) -> Step:
    """The call does not get through."""

    def step(_call: Call) -> Any:
        raise error

    return step


def loses_its_answer(error: Exception) -> Step:
    """The call gets through, and its answer does not come back."""

    def step(call: Call) -> Any:
        call()
        raise error

    return step


def after(action: Callable[[], object]) -> Step:
    """Another writer is faster: its action stands between what was read and what is written."""

    def step(call: Call) -> Any:
        action()
        return call()

    return step


def answered(code: str, status: int = 400, *, reasons: Iterable[dict[str, Any]] = ()) -> ClientError:
    """An error as botocore raises it for an answer of DynamoDB."""
    response: Any = {"Error": {"Code": code, "Message": "-"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    if reasons := list(reasons):
        response["CancellationReasons"] = reasons
    return ClientError(response, "TransactWriteItems")


def cancelled(*codes: str) -> ClientError:
    """A transaction cancelled with a reason an action, in the order: the transaction, the wallet."""
    return answered("TransactionCanceledException", reasons=[{"Code": code} for code in codes])


class Counter:
    """Where credits are settled: a store on a scripted client, over the operator's tables."""

    def __init__(self, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
        self.operator = operator
        self.clock = Clock()
        monkeypatch.setattr(store_module, "time", self.clock)
        self.client = ScriptedClient(dynamodb())
        self.store = store_on(self.client)
        self.another = store_on(dynamodb())  # another instance of the function
        self.left: list[Refusal] = []  # why a prize was left for a person, before each write
        self.was_left: list[bool] = []

    def settle(self, *credits: Movement, seconds: float = 3.0) -> Settlement:
        deadline = self.clock.now + seconds
        return self.store.settle([*credits], request="{}", deadline=deadline, leave=self.leave)

    def leave(self, refusal: Refusal, was_left: bool) -> None:
        self.left.append(refusal)
        self.was_left.append(was_left)

    def another_settles(self, *credits: Movement) -> Step:
        def settle() -> None:
            self.another.settle([*credits], request="{}", deadline=self.clock.now + 3, leave=no_prize_is_left)

        return after(settle)

    def another_sets(self, **attributes: object) -> Step:
        """Another writer of the wallet, which need not keep the rules."""
        return after(lambda: self.set_wallet(**attributes))

    def set_wallet(self, **attributes: object) -> None:
        self.put("Players", self.operator.wallet() | attributes)

    def put(self, table: str, item: dict[str, Any]) -> None:
        self.operator.database.Table(table).put_item(Item=item)

    def delete_wallet(self) -> None:
        self.operator.database.Table("Players").delete_item(Key={"userId": "421"})

    def assert_wallet(self, *, cash: str, bonus: str = "0", version: int = 1, transactions: int | None = None) -> None:
        """What was added to the opening balances, in how many transactions."""
        wallet = self.operator.wallet()
        assert wallet["cash"] == OPENING_CASH + Decimal(cash)
        assert wallet["bonus"] == OPENING_BONUS + Decimal(bonus)
        assert wallet["version"] == version
        assert len(self.operator.transactions()) == (version if transactions is None else transactions)

    def assert_untouched(self) -> None:
        self.assert_wallet(cash="0", version=0)

    def assert_calls(self, *, reads: int, writes: int) -> None:
        assert (len(self.client.reads), len(self.client.writes)) == (reads, writes)


def no_prize_is_left(refusal: Refusal, _was_left: bool) -> None:
    raise AssertionError(f"a prize was left: {refusal}")


@cache
def dynamodb() -> Any:
    """One client for all tests: to make one takes longer than a test."""
    return boto3.client("dynamodb")


def store_on(client: Any) -> Store:
    return Store(client, players="Players", transactions="Transactions", free_rounds="FreeRounds")


@pytest.fixture
def counter(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Counter:
    operator.put_wallet(cash=OPENING_CASH, bonus=OPENING_BONUS)
    return Counter(operator, monkeypatch)


def win(amount: str = "10", **changes: Any) -> Movement:
    fields: dict[str, Any] = {
        "kind": "result",
        "reference": "r-1",
        "user_id": "421",
        "currency": "USD",
        "game_id": "slot",
        "round_id": "5103188801",
        "provider_id": "luckymonaco",
        "timestamp": "1482429190374",
    }
    return Movement(amount=Decimal(amount), **(fields | changes))


def free_round(amount: str, reference: str = "r-1") -> Movement:
    return win(amount, reference=reference, bonus_code="SPINS", free_round="round")


def total(amount: str, reference: str = "t-1") -> Movement:
    return win(amount, kind="bonus", reference=reference, bonus_code="SPINS", free_round="total", currency=None)


def counted(uncovered: str, advance: str = "0", **more: Any) -> dict[str, Any]:
    """An item of the table FreeRounds."""
    numbers = {"uncovered": Decimal(uncovered), "advance": Decimal(advance)}
    return {"userId": "421", "bonusCode": "SPINS", **numbers, "lastRounds": [], **more}


NULL = "null"  # of DynamoDB
PRIZE = win("7", kind="promo", reference="p-1", arrived_with="result#r-1")
WITH_PRIZE = win(prize=Prize(reference="p-1", amount="7"))


# --- When nothing goes wrong ------------------------------------------------------------------------


def test_a_fresh_credit_costs_one_read_and_one_write(counter: Counter) -> None:
    receipt = counter.settle(win()).receipt

    assert (receipt.cash, receipt.bonus, receipt.replayed) == (OPENING_CASH + 10, OPENING_BONUS, False)
    counter.assert_wallet(cash="10")
    counter.assert_calls(reads=1, writes=1)


def test_a_replay_costs_one_read_and_no_write(counter: Counter) -> None:
    first = counter.settle(win()).receipt
    counter.set_wallet(cash=Decimal("5.25"), version=9)  # the player went on playing

    again = counter.settle(win("10.00")).receipt

    assert again == replace(first, cash=Decimal("5.25"), replayed=True)
    assert counter.operator.wallet()["cash"] == Decimal("5.25")
    counter.assert_calls(reads=2, writes=1)


@pytest.mark.parametrize(
    ("credits", "refusal"),
    [
        ((win("11"),), Conflict),
        ((win(user_id="nobody", reference="r-2"),), NoSuchPlayer),
        ((win(currency="EUR", reference="r-2"),), WrongCurrency),
    ],
    ids=["conflict", "no such player", "wrong currency"],
)
def test_a_refusal_costs_one_read_and_no_write(
    counter: Counter, credits: tuple[Movement, ...], refusal: type[Exception]
) -> None:
    counter.settle(win())

    with pytest.raises(refusal):
        counter.settle(*credits)

    counter.assert_wallet(cash="10")
    counter.assert_calls(reads=2, writes=1)


def test_a_win_and_its_prize_cost_one_write(counter: Counter) -> None:
    counter.settle(WITH_PRIZE, PRIZE)

    counter.assert_wallet(cash="17", version=2)
    counter.assert_calls(reads=1, writes=1)
    first, second = counter.operator.transactions()
    assert (first["id"], first["seq"], first["cashAfter"]) == ("result#r-1", 1, OPENING_CASH + 10)
    assert (second["id"], second["seq"], second["cashAfter"]) == ("promo#p-1", 2, OPENING_CASH + 17)
    assert (first["prizeReference"], first["prizeAmount"]) == ("p-1", "7")
    assert second["arrivedWith"] == "result#r-1"
    assert ("request" in first, "request" in second) == (True, False)


def test_the_record_tells_what_was_asked_paid_and_left(counter: Counter) -> None:
    counter.settle(free_round("12.50"))
    counter.settle(total("30.00"))

    paid = counter.operator.transactions()[1]
    recorded_at, digest = paid.pop("recordedAt"), paid.pop("digest")
    assert recorded_at.endswith("+00:00")
    assert digest == counter.operator.wallet()["digest"]
    assert paid == {
        "id": "bonus#t-1",
        "transactionId": total("30").transaction_id,
        "userId": "421",
        "seq": 2,
        "amount": Decimal("17.5"),
        "amountAsked": Decimal(30),
        "currency": "USD",
        "cashAfter": OPENING_CASH + 30,
        "bonusAfter": OPENING_BONUS + 30,
        "gameId": "slot",
        "roundId": "5103188801",
        "bonusCode": "SPINS",
        "uncoveredAfter": 0,
        "advanceAfter": Decimal("17.5"),
        "providerId": "luckymonaco",
        "timestamp": "1482429190374",
        "request": "{}",
        "requestDigest": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    }
    assert counter.operator.uncovered("SPINS") == 0


def test_a_transaction_read_back_is_the_one_that_was_recorded(counter: Counter) -> None:
    every_field = win(
        "0.000000000000000001",
        reference="a#b",  # the id's own separator
        bonus_code="SPINS",
        jackpot_id="mega",
        campaign_id="spring",
        campaign_type="drop",
        auto_closed=True,
        prize=Prize(reference="p-1", amount="5.01"),
    )
    few_fields = win("0", reference="r-2", game_id=None, round_id=None)
    settlements = [counter.settle(credit) for credit in (every_field, few_fields)]

    items = dynamodb().scan(TableName="Transactions")["Items"]
    recorded = [store_module._transaction(store_module._Record(item)) for item in items]
    assert [transaction.movement for transaction in recorded] == [every_field, few_fields]
    assert [(transaction,) for transaction in recorded] == [settlement.transactions for settlement in settlements]
    assert counter.settle(every_field).receipt.replayed
    counter.assert_wallet(cash="0.000000000000000001", version=2)


def test_every_read_is_consistent(counter: Counter) -> None:
    # The mock is always consistent, so this shows in the call alone.
    counter.settle(free_round("5"), PRIZE)

    (read,) = counter.client.reads
    assert read["RequestItems"].keys() == {"Players", "Transactions", "FreeRounds"}
    assert all(table["ConsistentRead"] for table in read["RequestItems"].values())


def test_free_rounds_are_read_and_written_only_with_a_bonus_code(counter: Counter) -> None:
    counter.settle(win(kind="jackpot", currency=None, jackpot_id="mega", bonus_code="SPINS"))
    counter.settle(PRIZE)
    counter.settle(win("3", kind="bonus", free_round="total", currency=None))

    assert "FreeRounds" not in json.dumps([counter.client.reads, counter.client.writes], default=str)
    counter.assert_wallet(cash="20", bonus="3", version=3)


def test_a_balance_of_38_digits_loses_none_of_them(counter: Counter) -> None:
    counter.set_wallet(cash=Decimal("12345678901234567890.123456789012345677"))

    receipt = counter.settle(win("0.000000000000000001")).receipt

    assert receipt.cash == Decimal("12345678901234567890.123456789012345678")
    assert counter.operator.wallet()["cash"] == receipt.cash


@pytest.mark.parametrize(("amount", "written"), [("1E-7", "0.0000001"), ("1E+7", "10000000")])
def test_a_number_is_written_in_plain_notation_for_those_who_read_an_export(
    counter: Counter, amount: str, written: str
) -> None:
    counter.settle(win(amount))

    (record,) = dynamodb().scan(TableName="Transactions")["Items"]
    assert record["amountAsked"]["N"] == written


def test_a_balance_that_would_need_39_digits_is_left_alone(counter: Counter) -> None:
    counter.set_wallet(cash=Decimal(100000000000000000000))

    with pytest.raises(Unavailable):
        counter.settle(win("0.000000000000000001"))

    counter.assert_calls(reads=1, writes=0)
    assert counter.operator.wallet()["cash"] == Decimal("1E+20")
    assert counter.operator.transactions() == []


@pytest.mark.parametrize("amount", ["0", "0.00", "0.000000000000000000"])
def test_a_lost_round_is_recorded_and_pays_nothing(counter: Counter, amount: str) -> None:
    counter.settle(win(amount))

    counter.assert_wallet(cash="0", version=1)


def test_a_usual_record_is_under_a_kilobyte(operator: Operator) -> None:
    operator.send_event("result", json.loads((EVENTS / "result.json").read_text()))

    (record,) = [each for each in dynamodb().scan(TableName="Transactions")["Items"] if "actor" not in each]
    assert 500 < bytes_of(record) < 1024  # one write unit, so two with the transaction's surcharge


def bytes_of(item: dict[str, Any]) -> int:
    """An item's size as DynamoDB counts it: names and values, a number at two digits a byte."""

    def bytes_of_value(value: dict[str, Any]) -> int:
        ((kind, content),) = value.items()
        match kind:
            case "S":
                return len(content.encode())
            case "N":
                return (len(content.strip("-").replace(".", "")) + 1) // 2 + 1
            case "BOOL" | "NULL":
                return 1
        raise AssertionError(f"an attribute of type {kind}, whose size is not counted here")

    return sum(len(name.encode()) + bytes_of_value(value) for name, value in item.items())


def test_a_player_s_ledger_is_in_the_index_in_order_and_without_the_requests(counter: Counter) -> None:
    for number in range(3):
        counter.settle(win(reference=f"r-{number}"))

    entries = dynamodb().query(
        TableName="Transactions",
        IndexName="byPlayer",
        KeyConditionExpression="userId = :player",
        ExpressionAttributeValues={":player": {"S": "421"}},
    )["Items"]
    assert [entry["seq"]["N"] for entry in entries] == ["1", "2", "3"]
    projected = {"id", "userId", "seq", "amount", "currency", "cashAfter", "bonusAfter", "recordedAt"}
    assert all(entry.keys() == projected for entry in entries)


# --- A write that may or may not have been applied --------------------------------------------------

NO_ANSWER = [
    ReadTimeoutError(endpoint_url=ENDPOINT),
    ConnectionClosedError(endpoint_url=ENDPOINT),
    ConnectTimeoutError(endpoint_url=ENDPOINT),
    EndpointConnectionError(endpoint_url=ENDPOINT),
    answered("InternalServerError", 500),
    answered("ServiceUnavailable", 503),
    answered("InternalFailure", 500),
]
IN_THE_WAY = [
    cancelled("None", "TransactionConflict"),
    cancelled("TransactionConflict", "TransactionConflict"),
    cancelled("None", "ThrottlingError"),
    cancelled("ProvisionedThroughputExceeded", "None"),
    cancelled("ThrottlingError", "TransactionConflict"),
    answered("TransactionCanceledException", reasons=[{}, {"Code": "TransactionConflict"}]),
    answered("TransactionConflictException"),
    answered("TransactionInProgressException"),
    answered("ThrottlingException"),
    answered("ProvisionedThroughputExceededException"),
    answered("RequestLimitExceeded"),
]
CONFLICTS = [error for error in IN_THE_WAY if "TransactionConflict" in str(error.response.get("CancellationReasons"))]
NEVER_MENDED = [
    answered("ValidationException"),
    answered("AccessDeniedException"),
    answered("ResourceNotFoundException"),
    answered("UnrecognizedClientException"),
    answered("ExpiredTokenException"),
    answered("IdempotentParameterMismatchException"),
    cancelled("ValidationError", "None"),
    cancelled("None", "ItemCollectionSizeLimitExceeded"),
    cancelled("TransactionConflict", "ValidationError"),
]


def name_of(error: Exception) -> str:
    if not isinstance(error, ClientError):
        return type(error).__name__
    answer: Any = error.response
    reasons = answer.get("CancellationReasons", [])
    return "+".join(reason.get("Code", "-") for reason in reasons) or answer["Error"]["Code"]


def faults_of(error: Exception) -> set[str]:
    """What an operator must be told of an error."""
    return set(name_of(error).split("+")) - {"None", "-"}


@pytest.mark.parametrize("honours_tokens", [True, False], ids=["token honoured", "token forgotten"])
@pytest.mark.parametrize("error", NO_ANSWER, ids=name_of)
def test_a_write_whose_answer_was_lost_pays_once(counter: Counter, error: Exception, honours_tokens: bool) -> None:
    counter.client._honours_tokens = honours_tokens
    counter.client.write_script = iter([loses_its_answer(error), loses_its_answer(error)])

    receipt = counter.settle(win()).receipt

    assert (receipt.cash, receipt.bonus) == (OPENING_CASH + 10, OPENING_BONUS)
    assert receipt.transaction_id == win().transaction_id
    counter.assert_wallet(cash="10")


@pytest.mark.parametrize("error", NO_ANSWER + IN_THE_WAY, ids=name_of)
def test_a_write_that_did_not_get_through_is_tried_again(counter: Counter, error: Exception) -> None:
    counter.client.write_script = iter([fails(error), fails(error)])

    receipt = counter.settle(win()).receipt

    assert (receipt.cash, receipt.replayed) == (OPENING_CASH + 10, False)
    counter.assert_wallet(cash="10")
    # What another writer is about to change is read again, and a write computed from it has a token of its own.
    counter.assert_calls(reads=3 if error in CONFLICTS else 1, writes=3)
    tokens = {write["ClientRequestToken"] for write in counter.client.writes}
    assert len(tokens) == (3 if error in CONFLICTS else 1)


@pytest.mark.parametrize("error", NO_ANSWER + IN_THE_WAY[6:], ids=name_of)
def test_a_read_that_failed_is_tried_again(counter: Counter, error: Exception) -> None:
    counter.client.read_script = iter([fails(error), fails(error)])

    counter.settle(win())

    counter.assert_wallet(cash="10")
    counter.assert_calls(reads=3, writes=1)


@pytest.mark.parametrize("error", NEVER_MENDED, ids=name_of)
def test_a_write_that_time_does_not_mend_is_given_up_at_once(counter: Counter, error: Exception) -> None:
    counter.client.write_script = itertools.repeat(fails(error))

    with pytest.raises(Unavailable) as unavailable:
        counter.settle(win())

    assert all(fault in unavailable.value.reason for fault in faults_of(error))
    counter.assert_untouched()
    counter.assert_calls(reads=1, writes=1)
    assert counter.clock.slept == 0


@pytest.mark.parametrize("error", NEVER_MENDED[:5], ids=name_of)
def test_a_read_that_time_does_not_mend_is_given_up_at_once(counter: Counter, error: Exception) -> None:
    counter.client.read_script = itertools.repeat(fails(error))

    with pytest.raises(Unavailable):
        counter.settle(win())

    counter.assert_untouched()
    counter.assert_calls(reads=1, writes=0)


def test_all_tries_of_one_write_carry_one_token_and_another_write_another(counter: Counter) -> None:
    counter.client.write_script = iter([fails(error) for error in NO_ANSWER])
    counter.settle(win())
    counter.settle(win(reference="r-2"))

    *tries, of_another = [write["ClientRequestToken"] for write in counter.client.writes]
    assert len(tries) == len(NO_ANSWER) + 1
    assert len(set(tries)) == 1
    assert of_another not in tries


def test_a_write_computed_anew_carries_a_new_token(counter: Counter) -> None:
    # The same token with other balances would be refused, or worse, answered "done".
    counter.client.write_script = iter([counter.another_settles(win(reference="r-2"))])

    counter.settle(win())

    first, second = (write["ClientRequestToken"] for write in counter.client.writes)
    assert first != second
    counter.assert_wallet(cash="20", version=2)


# --- Another writer in between ----------------------------------------------------------------------


def test_a_wallet_that_moved_in_between_is_credited_without_a_further_read(counter: Counter) -> None:
    counter.client.write_script = iter([counter.another_settles(win("5", reference="r-2"))])

    receipt = counter.settle(win()).receipt

    assert receipt.cash == OPENING_CASH + 15
    counter.assert_wallet(cash="15", version=2)
    counter.assert_calls(reads=1, writes=2)


def test_a_win_whose_time_is_up_after_another_writer_was_faster_says_so(counter: Counter) -> None:
    def late(call: Call) -> Any:
        counter.clock.now += 2
        return counter.another_settles(win("5", reference="r-2"))(call)

    counter.client.write_script = iter([late])

    with pytest.raises(Unavailable) as unavailable:
        counter.settle(win())

    assert unavailable.value.reason == "another writer was faster, attempt 2"


def test_a_bet_in_between_is_not_undone(counter: Counter) -> None:
    counter.client.write_script = iter([counter.another_sets(cash=OPENING_CASH - 100, version=1)])

    receipt = counter.settle(win()).receipt

    assert receipt.cash == OPENING_CASH - 90
    counter.assert_wallet(cash="-90", version=2, transactions=1)
    assert counter.operator.transactions()[0]["seq"] == 2


def test_the_condition_on_the_transaction_is_needed(counter: Counter) -> None:
    # It was put there alone, so that no other condition can help.
    counter.settle(win())
    (recorded,) = counter.operator.transactions()
    counter.operator.database.Table("Transactions").delete_item(Key={"id": recorded["id"]})
    counter.client.write_script = iter([after(lambda: counter.put("Transactions", recorded))])

    receipt = counter.settle(win()).receipt

    assert receipt.replayed
    assert counter.operator.transactions() == [recorded]
    counter.assert_wallet(cash="10")


def test_the_condition_on_the_version_is_needed(counter: Counter) -> None:
    # A bet and its refund: the balances are the ones that were read.
    counter.client.write_script = iter([counter.another_sets(version=2)])

    counter.settle(win())

    counter.assert_wallet(cash="10", version=3, transactions=1)
    assert counter.operator.transactions()[0]["seq"] == 3


def test_the_condition_on_the_cash_is_needed(counter: Counter) -> None:
    # A writer that forgot to bump the version.
    counter.client.write_script = iter([counter.another_sets(cash=OPENING_CASH + 100)])

    receipt = counter.settle(win()).receipt

    assert receipt.cash == OPENING_CASH + 110
    counter.assert_wallet(cash="110", version=1)
    counter.assert_calls(reads=1, writes=2)


def test_the_condition_on_the_bonus_is_needed(counter: Counter) -> None:
    counter.client.write_script = iter([counter.another_sets(bonus=OPENING_BONUS + 100)])

    receipt = counter.settle(win()).receipt

    assert receipt.bonus == OPENING_BONUS + 100
    counter.assert_wallet(cash="10", bonus="100", version=1)


def test_the_condition_on_the_currency_is_needed(counter: Counter) -> None:
    # An amount that names no currency is in the wallet's: a balance in another one must not grow by it.
    counter.client.write_script = iter([counter.another_sets(currency="EUR")])

    receipt = counter.settle(win(currency=None)).receipt

    assert receipt.currency == "EUR"
    assert counter.operator.transactions()[0]["currency"] == "EUR"
    counter.assert_calls(reads=1, writes=2)


def test_a_count_that_is_there_is_read_with_the_wallet(counter: Counter) -> None:
    # Not found out by a write that fails: that one would be paid for, too.
    counter.put("FreeRounds", counted("4"))

    counter.settle(total("10"))

    counter.assert_wallet(cash="6", bonus="6")
    counter.assert_calls(reads=1, writes=1)


def test_a_warm_up_reads_one_wallet_and_nothing_else(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Any]] = []
    make_call = BaseClient._make_api_call

    def noted(self: Any, operation: str, parameters: Any) -> Any:
        asked.append((operation, parameters))
        return make_call(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    store = Store(boto3.client("dynamodb"), players="Players", transactions="Transactions", free_rounds="FreeRounds")

    store.warm_up()

    ((operation, parameters),) = asked
    assert operation == "BatchGetItem"
    assert parameters["RequestItems"].keys() == {"Players"}
    (key,) = parameters["RequestItems"]["Players"]["Keys"]
    assert key.keys() == {"userId"}


def test_the_condition_on_the_first_count_of_free_rounds_is_needed(counter: Counter) -> None:
    first_count = counted("4")
    counter.client.write_script = iter([after(lambda: counter.put("FreeRounds", first_count))])

    counter.settle(free_round("5"))

    assert counter.operator.uncovered("SPINS") == 9
    counter.assert_wallet(cash="5", bonus="5")
    counter.assert_calls(reads=1, writes=2)


@pytest.mark.parametrize(
    ("before", "moved", "paid"),
    [
        (counted("4"), counted("6"), "4"),
        (counted("4", "0"), counted("4", "3"), "6"),  # an advance changes what a round is paid, not a total
        (counted("4"), counted("4", until=5), "6"),
        (counted("4", until=4), counted("4", until=5), "6"),
        (counted("4", until=4), counted("4"), "6"),
        (counted("4"), counted("4", lastRounds=["4:slot1"]), "6"),
        (counted("4", lastRounds=["4:slot1"]), counted("4"), "6"),
    ],
    ids=["uncovered", "advance", "first until", "until", "no until", "first last round", "no last round"],
)
def test_the_condition_on_all_that_is_known_of_a_code_is_needed(
    counter: Counter, before: dict[str, Any], moved: dict[str, Any], paid: str
) -> None:
    counter.put("FreeRounds", before)
    counter.client.write_script = iter([after(lambda: counter.put("FreeRounds", moved))])

    counter.settle(replace(total("10"), timestamp="not known", round_id=None))

    (item,) = counter.operator.items("FreeRounds")
    counter.assert_wallet(cash=paid, bonus=paid)
    counter.assert_calls(reads=1, writes=2)
    assert item == moved | {"uncovered": 0, "advance": moved["advance"] + Decimal(paid)}


@pytest.mark.parametrize(
    "changes",
    [
        *({"uncovered": "4"}, {"advance": None}, {"until": "5"}, {"until": Decimal("5.5")}, {"until": NULL}),
        *({"lastRounds": "4:slot1"}, {"lastRounds": None}, {"lastRounds": ["4:slot1", None]}),
    ],
    ids=str,
)
def test_a_count_that_another_program_wrote_in_another_form_is_not_added_to(
    counter: Counter, changes: dict[str, Any]
) -> None:
    counter.settle(replace(total("10"), reference="known"))
    item = counted("4") | changes
    there = {name: value for name, value in item.items() if value is not None}
    counter.put("FreeRounds", {name: None if value == NULL else value for name, value in there.items()})

    with pytest.raises(Unavailable) as unavailable:
        counter.settle(free_round("5"))

    assert "free rounds" in unavailable.value.reason
    assert counter.settle(replace(total("10"), reference="known")).receipt.replayed
    counter.assert_wallet(cash="10", bonus="10")


def test_a_count_below_zero_that_another_program_wrote_pays_nothing_extra(counter: Counter) -> None:
    counter.put("FreeRounds", counted("-5", "-7"))

    counter.settle(total("10"))
    counter.settle(replace(free_round("3"), timestamp="1"))

    counter.assert_wallet(cash="10", bonus="10", version=2)


def test_a_count_that_vanished_in_between_counts_as_none(counter: Counter) -> None:
    counter.put("FreeRounds", counted("4"))
    free_rounds = counter.operator.database.Table("FreeRounds")
    counter.client.write_script = iter(
        [after(lambda: free_rounds.delete_item(Key={"userId": "421", "bonusCode": "SPINS"}))]
    )

    counter.settle(total("10"))

    assert counter.operator.uncovered("SPINS") == 0
    counter.assert_wallet(cash="10", bonus="10")


def test_rounds_and_a_total_that_race_pay_the_greater(counter: Counter) -> None:
    counter.client.write_script = iter(
        [counter.another_settles(free_round("4")), counter.another_settles(free_round("5", "r-2"))]
    )

    counter.settle(total("30"))

    counter.assert_wallet(cash="30", bonus="30", version=3)
    assert counter.operator.uncovered("SPINS") == 0


def test_the_same_reference_in_between_is_a_replay_without_a_further_read(counter: Counter) -> None:
    counter.client.write_script = iter([counter.another_settles(win())])

    receipt = counter.settle(win()).receipt

    assert (receipt.cash, receipt.replayed) == (OPENING_CASH + 10, True)
    counter.assert_wallet(cash="10")
    counter.assert_calls(reads=1, writes=1)


def test_other_content_under_the_reference_in_between_is_a_conflict(counter: Counter) -> None:
    counter.client.write_script = iter([counter.another_settles(win("11"))])

    with pytest.raises(Conflict) as conflict:
        counter.settle(win())

    assert conflict.value.differences == ("amount",)
    counter.assert_wallet(cash="11")
    counter.assert_calls(reads=1, writes=1)


def test_a_prize_paid_in_between_is_not_paid_with_its_win(counter: Counter) -> None:
    counter.client.write_script = iter([counter.another_settles(PRIZE)])

    receipt = counter.settle(win(), PRIZE).receipt

    assert receipt.cash == OPENING_CASH + 17
    assert receipt.transaction_id == win().transaction_id
    counter.assert_wallet(cash="17", version=2)
    counter.assert_calls(reads=1, writes=2)


def test_a_prize_that_is_in_dispute_since_is_left_and_its_win_is_paid(counter: Counter) -> None:
    counter.client.write_script = iter([counter.another_settles(replace(PRIZE, amount=Decimal(8)))])

    receipt = counter.settle(WITH_PRIZE, PRIZE).receipt

    assert receipt.cash == OPENING_CASH + 18
    assert [type(each) for each in counter.left] == [Conflict]
    counter.assert_wallet(cash="18", version=2)
    counter.assert_calls(reads=1, writes=2)


def test_a_prize_is_left_once_however_often_its_win_is_tried_and_before_anything_is_written(counter: Counter) -> None:
    def left_before(call: Call) -> Any:
        assert len(counter.left) == 1
        return counter.another_settles(win("1", reference=f"r-{len(counter.client.writes) + 1}"))(call)

    counter.client.write_script = iter([left_before, left_before, left_before])
    faulty = win(prize=Prize(reference=None, amount="-5", fault=InvalidAmount("promoWinAmount")))

    counter.settle(faulty)

    assert [type(each) for each in counter.left] == [InvalidAmount]
    counter.assert_wallet(cash="13", version=4)


def test_nothing_is_written_if_the_prize_cannot_be_left(counter: Counter) -> None:
    def fails_to_leave(_refusal: Refusal, _was_left: bool) -> None:
        raise Unavailable("its prize could not be kept")

    faulty = win(prize=Prize(reference=None, amount="-5", fault=InvalidAmount("promoWinAmount")))

    with pytest.raises(Unavailable):
        counter.store.settle([faulty], request="{}", deadline=counter.clock.now + 3, leave=fails_to_leave)

    counter.assert_untouched()
    counter.assert_calls(reads=1, writes=0)


def test_a_known_win_remembers_the_first_prize_that_it_came_with_and_is_paid_that_one_only(counter: Counter) -> None:
    counter.settle(win())
    counter.settle(WITH_PRIZE, PRIZE)
    other = replace(PRIZE, reference="p-2")

    counter.settle(win(prize=Prize(reference="p-2", amount="7")), other)

    recorded, prize = counter.operator.transactions()
    assert (recorded["laterPrizeReference"], recorded["laterPrizeAmount"]) == ("p-1", "7")
    assert (prize["id"], prize["arrivedWith"], prize["request"]) == ("promo#p-1", "result#r-1", "{}")
    assert [type(each) for each in counter.left] == [Conflict]
    counter.assert_wallet(cash="17", version=2)


@pytest.mark.parametrize("reference", [None, "half"])
def test_a_known_win_remembers_a_prize_that_cannot_be_paid(counter: Counter, reference: str | None) -> None:
    counter.settle(win())
    faulty = win(prize=Prize(reference=reference, amount="-5", fault=InvalidAmount("promoWinAmount")))

    again = counter.settle(faulty)
    once_more = counter.settle(faulty)
    counter.settle(WITH_PRIZE, PRIZE)

    (recorded,) = counter.operator.transactions()
    assert (recorded.get("laterPrizeReference"), recorded["laterPrizeAmount"]) == (reference, "-5")
    assert (again.receipt.replayed, once_more.receipt.replayed) == (True, True)
    assert [type(each) for each in counter.left] == [InvalidAmount, InvalidAmount, Conflict]
    assert counter.was_left == [False, True, False]
    counter.assert_calls(reads=4, writes=2)
    counter.assert_wallet(cash="10")


def test_a_known_win_that_vanishes_before_its_prize_is_noted_is_read_again_and_paid(counter: Counter) -> None:
    counter.settle(win())
    vanishes = after(lambda: counter.operator.database.Table("Transactions").delete_item(Key={"id": "result#r-1"}))
    counter.client.write_script = iter([vanishes])

    counter.settle(WITH_PRIZE, PRIZE)

    assert [each["id"] for each in counter.operator.transactions()] == ["result#r-1", "promo#p-1"]
    counter.assert_wallet(cash="27", version=3, transactions=2)


def test_of_two_prizes_that_race_for_a_known_win_the_first_is_paid(counter: Counter) -> None:
    counter.settle(win())
    other = replace(PRIZE, reference="p-2")
    other_first = counter.another_settles(win(prize=Prize(reference="p-2", amount="7")), other)
    counter.client.write_script = iter([other_first])

    counter.settle(WITH_PRIZE, PRIZE)

    assert [each["id"] for each in counter.operator.transactions()] == ["result#r-1", "promo#p-2"]
    assert [type(each) for each in counter.left] == [Conflict]
    counter.assert_wallet(cash="17", version=2)


@pytest.mark.parametrize(
    "missing", ["providerId", "timestamp", "currency", "seq", "amount", "cashAfter", "bonusAfter", "transactionId"]
)
def test_a_known_win_is_answered_whatever_its_record_lacks(counter: Counter, missing: str) -> None:
    counter.settle(win())
    (recorded,) = counter.operator.transactions()
    counter.put("Transactions", {name: value for name, value in recorded.items() if name != missing})

    receipt = counter.settle(win()).receipt

    assert (receipt.cash, receipt.replayed) == (OPENING_CASH + 10, True)
    counter.assert_calls(reads=2, writes=1)


def test_a_record_without_a_number_is_ahead_of_no_wallet(counter: Counter) -> None:
    counter.settle(win())
    (recorded,) = counter.operator.transactions()
    counter.put("Transactions", {name: value for name, value in recorded.items() if name != "seq"})
    counter.set_wallet(version=0)

    assert counter.settle(win()).receipt.replayed


@pytest.mark.parametrize("lost", ["userId", "amountAsked"])
def test_a_record_that_does_not_say_whose_or_how_much_contradicts_whatever_comes(counter: Counter, lost: str) -> None:
    counter.settle(win())
    recorded = {name: value for name, value in counter.operator.transactions()[0].items() if name != lost}
    counter.put("Transactions", recorded)

    with pytest.raises(Conflict):
        counter.settle(win())


@pytest.mark.parametrize("changes", [{"gameId": None}, {"currency": None}, {"currency": 840}])
def test_what_a_record_has_as_null_or_in_another_form_it_does_not_have(
    counter: Counter, changes: dict[str, Any]
) -> None:
    counter.settle(win())
    counter.put("Transactions", counter.operator.transactions()[0] | changes)

    assert counter.settle(win()).receipt.replayed
    assert counter.settle(WITH_PRIZE, PRIZE).receipt.cash == OPENING_CASH + 17


@pytest.mark.parametrize("odd", [None, 7, True], ids=str)
def test_a_prize_beside_one_that_a_record_has_in_another_form_is_left_for_a_person(counter: Counter, odd: Any) -> None:
    counter.settle(win())
    counter.put("Transactions", counter.operator.transactions()[0] | {"prizeAmount": odd})

    assert counter.settle(WITH_PRIZE, PRIZE).receipt.replayed
    assert [type(each) for each in counter.left] == [Conflict]


def test_a_count_that_cannot_be_read_is_no_matter_to_a_win_on_record(counter: Counter) -> None:
    counter.settle(free_round("5"))
    (recorded,) = counter.operator.transactions()
    counter.put("Transactions", {name: value for name, value in recorded.items() if name != "cashAfter"})
    counter.put("FreeRounds", counted("5", until="5"))

    receipt = counter.settle(free_round("5")).receipt

    assert (receipt.cash, receipt.replayed) == (OPENING_CASH + 5, True)


def test_a_slow_queue_of_dead_letters_does_not_hold_back_the_win(counter: Counter) -> None:
    def leave_slowly(_refusal: Refusal, _was_left: bool) -> None:
        counter.clock.now += 2.9

    faulty = win(prize=Prize(reference=None, amount="-5", fault=InvalidAmount("promoWinAmount")))

    counter.store.settle([faulty], request="{}", deadline=counter.clock.now + 3, leave=leave_slowly)

    counter.assert_wallet(cash="10")


def test_a_slow_queue_of_dead_letters_gives_a_win_its_own_time_back_and_no_more(counter: Counter) -> None:
    def leave_slowly(_refusal: Refusal, _was_left: bool) -> None:
        counter.clock.now += 2.9

    faulty = win(prize=Prize(reference=None, amount="-5", fault=InvalidAmount("promoWinAmount")))
    deadline = counter.clock.now + 3
    counter.client.write_script = itertools.repeat(hangs(counter, 1.0, NO_ANSWER[0]))

    with pytest.raises(Unavailable):
        counter.store.settle([faulty], request="{}", deadline=deadline, leave=leave_slowly)

    assert counter.clock.now <= deadline + 2.9
    counter.assert_untouched()


@pytest.mark.parametrize(
    "changes",
    [{"cash": "ten"}, {"bonus": None}, {"version": "1"}, {"version": Decimal("1.5")}, {"currency": 840}],
    ids=str,
)
def test_a_known_win_is_answered_from_its_record_if_the_wallet_cannot_be_read(
    counter: Counter, changes: dict[str, Any]
) -> None:
    counter.settle(win())
    counter.set_wallet(**changes)

    receipt = counter.settle(win()).receipt

    assert (receipt.cash, receipt.bonus, receipt.currency) == (OPENING_CASH + 10, OPENING_BONUS, "USD")
    with pytest.raises(Unavailable) as unavailable:
        counter.settle(win(reference="r-2"))
    assert "wallet" in unavailable.value.reason


def test_a_player_deleted_in_between_is_not_brought_back(counter: Counter) -> None:
    counter.client.write_script = iter([after(counter.delete_wallet)])

    with pytest.raises(NoSuchPlayer):
        counter.settle(win())

    assert counter.operator.database.Table("Players").scan()["Items"] == []
    assert counter.operator.transactions() == []


def test_a_currency_changed_in_between_is_refused(counter: Counter) -> None:
    counter.client.write_script = iter([counter.another_sets(currency="EUR", version=1)])

    with pytest.raises(WrongCurrency):
        counter.settle(win())

    assert counter.operator.wallet()["cash"] == OPENING_CASH
    assert counter.operator.transactions() == []


def test_a_busy_wallet_beside_a_known_transaction_is_read_anew(counter: Counter) -> None:
    # One action says "already there", the wallet's says only "busy": its balance is not known.
    def busy(_call: Call) -> Any:
        counter.another.settle([win()], request="{}", deadline=counter.clock.now + 3, leave=no_prize_is_left)
        there = dynamodb().get_item(TableName="Transactions", Key={"id": {"S": "result#r-1"}})["Item"]
        raise answered(
            "TransactionCanceledException",
            reasons=[{"Code": "ConditionalCheckFailed", "Item": there}, {"Code": "TransactionConflict"}],
        )

    counter.client.write_script = iter([busy])

    receipt = counter.settle(win()).receipt

    assert (receipt.cash, receipt.replayed) == (OPENING_CASH + 10, True)
    counter.assert_wallet(cash="10")
    counter.assert_calls(reads=2, writes=1)


def test_a_moved_wallet_beside_a_busy_transaction_is_credited_once(counter: Counter) -> None:
    def busy(_call: Call) -> Any:
        counter.set_wallet(cash=Decimal(5), version=1)
        wallet = dynamodb().get_item(TableName="Players", Key={"userId": {"S": "421"}})["Item"]
        raise answered(
            "TransactionCanceledException",
            reasons=[{"Code": "TransactionConflict"}, {"Code": "ConditionalCheckFailed", "Item": wallet}],
        )

    counter.client.write_script = iter([busy])

    assert counter.settle(win()).receipt.cash == 15
    assert len(counter.operator.transactions()) == 1


# --- Reads that are not whole -----------------------------------------------------------------------


@pytest.mark.parametrize("table", ["Players", "Transactions", "FreeRounds"])
def test_a_read_that_lacks_a_table_is_read_again(counter: Counter, table: str) -> None:
    counter.settle(free_round("5"))

    def throttled(call: Call) -> Any:
        answer = call()
        unprocessed = counter.client.reads[-1]["RequestItems"][table]
        responses = {name: items for name, items in answer["Responses"].items() if name != table}
        return answer | {"Responses": responses, "UnprocessedKeys": {table: unprocessed}}

    counter.client.read_script = iter([throttled, throttled])

    receipt = counter.settle(free_round("5")).receipt

    assert (receipt.cash, receipt.replayed) == (OPENING_CASH + 5, True)
    counter.assert_wallet(cash="5", bonus="5")
    counter.assert_calls(reads=4, writes=1)


def test_a_read_that_stays_without_a_table_is_given_up(counter: Counter) -> None:
    def throttled(_call: Call) -> Any:
        return {"Responses": {}, "UnprocessedKeys": counter.client.reads[-1]["RequestItems"]}

    counter.client.read_script = itertools.repeat(throttled)

    with pytest.raises(Unavailable) as unavailable:
        counter.settle(win())

    assert "throttled" in unavailable.value.reason
    counter.assert_untouched()


def test_an_answer_that_leaves_out_the_tables_without_items_is_whole(counter: Counter) -> None:
    def terse(call: Call) -> Any:
        answer = call()
        return answer | {"Responses": {table: items for table, items in answer["Responses"].items() if items}}

    counter.client.read_script = itertools.repeat(terse)

    assert counter.settle(free_round("5")).receipt.cash == OPENING_CASH + 5
    with pytest.raises(NoSuchPlayer):
        counter.settle(replace(free_round("5", "r-2"), user_id="nobody"))


def test_a_wallet_read_before_its_transaction_is_read_again(counter: Counter) -> None:
    (older,) = dynamodb().scan(TableName="Players")["Items"]
    counter.settle(win())

    def torn(call: Call) -> Any:
        answer = call()
        answer["Responses"]["Players"] = [older]
        return answer

    counter.client.read_script = iter([torn])

    receipt = counter.settle(win()).receipt

    assert (receipt.cash, receipt.replayed) == (OPENING_CASH + 10, True)
    counter.assert_wallet(cash="10")
    counter.assert_calls(reads=3, writes=1)


def test_a_wallet_that_stays_behind_its_transactions_is_given_up(counter: Counter) -> None:
    counter.settle(win())
    counter.set_wallet(version=0)  # a writer that reset the version: a person must look at it

    with pytest.raises(Unavailable) as unavailable:
        counter.settle(win())

    assert "behind its transactions" in unavailable.value.reason
    counter.assert_wallet(cash="10", version=0, transactions=1)
    assert len(counter.client.reads) <= MAX_ATTEMPTS + 1


MALFORMED = [
    {"version": None},
    {"cash": None},
    {"bonus": None},
    {"currency": None},
    {"cash": "99889.99"},
    {"bonus": "99.99"},
    {"version": "0"},
    {"currency": 840},
    {"cash": {"USD": 1}},
]


@pytest.mark.parametrize("attributes", MALFORMED, ids=str)
def test_a_malformed_wallet_is_left_alone(counter: Counter, attributes: dict[str, Any]) -> None:
    malform(counter, attributes)
    before = counter.operator.wallet()

    with pytest.raises(Unavailable):
        counter.settle(win())

    assert counter.operator.wallet() == before
    assert counter.operator.transactions() == []
    counter.assert_calls(reads=1, writes=0)


@pytest.mark.parametrize("attributes", MALFORMED, ids=str)
def test_a_wallet_malformed_in_between_is_left_alone(counter: Counter, attributes: dict[str, Any]) -> None:
    counter.client.write_script = iter([after(lambda: malform(counter, {"version": 1} | attributes))])

    with pytest.raises(Unavailable):
        counter.settle(win())

    assert counter.operator.transactions() == []


def malform(counter: Counter, attributes: dict[str, Any]) -> None:
    item = counter.operator.wallet() | attributes
    counter.put("Players", {name: value for name, value in item.items() if value is not None})


# --- How long, and how often ------------------------------------------------------------------------


def hangs(counter: Counter, seconds: float, error: Exception | None = None) -> Step:
    """A call that takes its time, and then fails, or gets through after all."""

    def step(call: Call) -> Any:
        counter.clock.now += seconds
        if error:
            raise error
        return call()

    return step


@pytest.mark.parametrize("call", ["read", "write"])
def test_a_store_that_hangs_does_not_hang_the_answer(counter: Counter, call: str) -> None:
    deadline = counter.clock.now + 3
    setattr(counter.client, f"{call}_script", itertools.repeat(hangs(counter, 1.0, NO_ANSWER[0])))

    with pytest.raises(Unavailable):
        counter.settle(win())

    assert counter.clock.now <= deadline
    assert len(getattr(counter.client, f"{call}s")) > 1
    counter.assert_untouched()


def test_a_slow_store_does_not_hang_the_answer(counter: Counter) -> None:
    # Each call may take half a second to connect and a second to answer.
    deadline = counter.clock.now + 3
    counter.client.read_script = iter([hangs(counter, 1.45, NO_ANSWER[0]), hangs(counter, 1.45)])
    counter.client.write_script = itertools.repeat(hangs(counter, 1.45, NO_ANSWER[0]))

    with pytest.raises(Unavailable):
        counter.settle(win())

    assert counter.clock.now <= deadline, "an attempt was under way after the deadline"
    counter.assert_untouched()


def test_no_write_starts_that_could_outlast_the_deadline(counter: Counter) -> None:
    # As when the provider's secret took its time: little of the three seconds is left.
    deadline = counter.clock.now + 1.6
    counter.client.read_script = iter([hangs(counter, 1.4)])
    counter.client.write_script = iter([hangs(counter, 1.4, NO_ANSWER[0])])

    with pytest.raises(Unavailable):
        counter.settle(win(), seconds=1.6)

    assert counter.clock.now <= deadline, "an attempt was under way after the deadline"
    counter.assert_untouched()


def test_a_store_finds_its_tables_by_the_environment(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, table in {
        "PLAYERS_TABLE": "Players",
        "TRANSACTIONS_TABLE": "Transactions",
        "FREE_ROUNDS_TABLE": "FreeRounds",
    }.items():
        monkeypatch.setenv(variable, table)

    Store.from_environment().settle(
        [free_round("5")], request="{}", deadline=counter.clock.now + 3, leave=no_prize_is_left
    )

    counter.assert_wallet(cash="5", bonus="5")
    assert counter.operator.uncovered("SPINS") == 5


def test_a_call_lasts_no_longer_than_the_deadline_counts_on(monkeypatch: pytest.MonkeyPatch) -> None:
    # The deadline allows for one connection and one answer: the SDK must not try again by itself.
    for variable in ("PLAYERS_TABLE", "TRANSACTIONS_TABLE", "FREE_ROUNDS_TABLE"):
        monkeypatch.setenv(variable, variable)
    client = Store.from_environment().client
    tries: list[Any] = []

    def unreachable(_session: Any, request: Any) -> Any:
        tries.append(request)
        raise ConnectTimeoutError(endpoint_url=request.url)

    monkeypatch.setattr(URLLib3Session, "send", unreachable)

    with pytest.raises(ConnectTimeoutError):
        client.list_tables()

    assert len(tries) == 1
    assert client.meta.config.connect_timeout == CONNECT_SECONDS
    assert client.meta.config.read_timeout == READ_SECONDS


def test_a_call_that_can_just_be_over_in_time_is_made(counter: Counter) -> None:
    counter.settle(win(), seconds=CONNECT_SECONDS + READ_SECONDS)

    counter.assert_wallet(cash="10")


@pytest.mark.parametrize("error", [*IN_THE_WAY, NO_ANSWER[1], NO_ANSWER[4]], ids=name_of)
def test_tries_of_a_write_are_bounded_when_time_is_not(counter: Counter, error: Exception) -> None:
    counter.client.write_script = itertools.repeat(fails(error))

    with pytest.raises(Unavailable) as unavailable:
        counter.settle(win(), seconds=1e6)

    assert all(fault in unavailable.value.reason for fault in faults_of(error))
    counter.assert_untouched()
    counter.assert_calls(reads=MAX_ATTEMPTS if error in CONFLICTS else 1, writes=MAX_ATTEMPTS)
    assert 0 < counter.clock.slept < MAX_ATTEMPTS * 0.15


def test_tries_of_a_read_are_bounded_when_time_is_not(counter: Counter) -> None:
    counter.client.read_script = itertools.repeat(fails(answered("ThrottlingException")))

    with pytest.raises(Unavailable):
        counter.settle(win(), seconds=1e6)

    counter.assert_calls(reads=MAX_ATTEMPTS, writes=0)
    counter.assert_untouched()


def test_a_pause_is_random_up_to_twice_the_one_before_and_no_longer_than_150_milliseconds(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[float, float]] = []

    def longest(low: float, high: float) -> float:
        drawn.append((low, high))
        return high

    monkeypatch.setattr(store_module.random, "uniform", longest)
    counter.client.write_script = iter([fails(IN_THE_WAY[0])] * 6)

    counter.settle(win())

    assert drawn == [(0, 0.02), (0, 0.04), (0, 0.08), (0, 0.15), (0, 0.15), (0, 0.15)]
    assert counter.clock.slept == pytest.approx(0.59)


def test_a_wallet_contended_without_end_is_given_up_and_nobody_loses_money(counter: Counter) -> None:
    numbers = itertools.count()
    counter.client.write_script = (counter.another_settles(win("1", reference=f"other-{number}")) for number in numbers)

    with pytest.raises(Unavailable) as unavailable:
        counter.settle(win(), seconds=1e6)

    assert "another writer" in unavailable.value.reason

    others = len(counter.client.writes)
    assert others <= MAX_ATTEMPTS
    counter.assert_wallet(cash=str(others), version=others)


def test_a_wallet_contended_for_a_while_is_credited_in_the_end(counter: Counter) -> None:
    counter.client.write_script = iter(
        [counter.another_settles(win("1", reference=f"other-{number}")) for number in range(MAX_ATTEMPTS - 1)]
    )

    receipt = counter.settle(win(), seconds=1e6).receipt

    assert receipt.cash == OPENING_CASH + 10 + MAX_ATTEMPTS - 1
    counter.assert_wallet(cash=str(10 + MAX_ATTEMPTS - 1), version=MAX_ATTEMPTS)
    counter.assert_calls(reads=MAX_ATTEMPTS - 1, writes=MAX_ATTEMPTS)  # the second write needed no read


def test_what_was_given_up_is_paid_once_when_it_comes_again(counter: Counter) -> None:
    def slowly_loses_its_answer(call: Call) -> Any:
        call()
        counter.clock.now += 1.45
        raise NO_ANSWER[0]

    counter.client.write_script = iter([slowly_loses_its_answer])
    with pytest.raises(Unavailable):
        counter.settle(win(), seconds=2.9)  # no time for a second try
    counter.assert_wallet(cash="10")

    receipt = counter.settle(win()).receipt

    assert (receipt.cash, receipt.replayed) == (OPENING_CASH + 10, True)
    counter.assert_wallet(cash="10")


# --- Any faults, in any order -----------------------------------------------------------------------

READ_FAULTS = st.one_of(st.just(passes), st.sampled_from(NO_ANSWER + IN_THE_WAY[6:]).map(fails))
WRITE_FAULTS = st.one_of(
    st.just(passes),
    st.sampled_from(NO_ANSWER + IN_THE_WAY).map(fails),
    st.sampled_from(NO_ANSWER).map(loses_its_answer),
)


@settings(derandomize=True, deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    deliveries=st.lists(st.sampled_from(range(8)), min_size=1, max_size=10),
    reads=st.lists(READ_FAULTS, max_size=15),
    writes=st.lists(WRITE_FAULTS, max_size=15),
    honours_tokens=st.booleans(),
)
def test_whatever_fails_every_reference_is_paid_once_in_the_end(
    counter: Counter, deliveries: list[int], reads: list[Step], writes: list[Step], honours_tokens: bool
) -> None:
    user_id = f"player-{next(PLAYERS)}"
    counter.operator.put_wallet(user_id, cash=OPENING_CASH, bonus=OPENING_BONUS)
    pool = [
        (free_round("1.5"),),
        (win("2", reference="r-2"),),
        (win("4", reference="r-3"), PRIZE),
        (PRIZE,),
        (total("5"),),
        (ordered("deposit", "3"),),
        (ordered("withdrawal", f"-{OPENING_CASH - 1}"),),
        (ordered("adjustment", "-20", below_zero=True),),
    ]
    pool = [tuple(own(each, user_id) for each in credits) for credits in pool]
    counter.client.read_script, counter.client.write_script = iter(reads), iter(writes)
    counter.client._honours_tokens = honours_tokens

    for number in deliveries:
        paid_in_the_end(counter, pool[number])

    every = [each for each in counter.operator.transactions() if each["userId"] == user_id]
    wallet = counter.operator.wallet(user_id)
    assert {each["id"] for each in every} == {each.id for number in deliveries for each in pool[number]}
    chain = [each for each in every if "outcome" not in each]
    refused = [each["id"].partition("#")[0] for each in every if "outcome" in each]
    # In this order there is not enough for it.
    is_late = {6, 7} <= set(deliveries) and deliveries.index(7) < deliveries.index(6)
    assert refused in ([], ["withdrawal"])
    assert bool(refused) <= is_late
    assert last_digests(chain) == ({user_id: wallet["digest"]} if chain else {})
    assert wallet["cash"] == OPENING_CASH + sum(each["amount"] for each in chain)
    assert [each["seq"] for each in chain] == list(range(1, int(wallet["version"]) + 1))
    if {0, 4} <= set(deliveries) and deliveries.index(0) < deliveries.index(4):
        assert wallet["bonus"] == OPENING_BONUS + 5
    counter.client.read_script = counter.client.write_script = iter(())


def ordered(kind: str, amount: str, *, below_zero: bool = False) -> Movement:
    return Movement(
        kind=kind,
        reference=f"{kind}-1",
        user_id="421",
        amount=Decimal(amount),
        below_zero=below_zero,
        actor="bank",
        reason="as agreed",
    )


PLAYERS = itertools.count()


def own(credit: Movement, user_id: str) -> Movement:
    return replace(credit, user_id=user_id, reference=f"{credit.reference}-{user_id}")


def paid_in_the_end(counter: Counter, credits: tuple[Movement, ...]) -> None:
    """The provider sends again what was answered with 503."""
    for _ in range(10):
        try:
            counter.settle(*credits)
        except Unavailable:
            continue
        except NotEnough:
            pass
        return
    raise AssertionError("it was never settled")

"""The wallet's world for a model: its books, and a network to AWS that fails on demand, in one thread.

`Books` say what must be in the tables, by tests/contract.py. `World` runs the functions' real handlers on a mocked AWS,
each of whose calls may fail, be the last one before a crash, or have something else happen just before it. It compares
the tables with the books after every write.
"""

import json
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property
from typing import Any, Literal

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.utils import camelcase_to_underscores
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import Message, SQSBackend, sqs_backends

import conftest
import contract
from conftest import Operator, gateway_event
from contract import STATUS, Contract, Count, Record, Refused, Wallet, kept_for, written
from expectations import output
from memory import Tables, value_of
from wallet import report

Callback = Literal["result", "jackpot", "bonus", "promo"]
Table = Literal["Players", "Transactions", "FreeRounds"]
TABLES: tuple[Table, ...] = ("Players", "Transactions", "FreeRounds")
Item = dict[str, Any]

REGION = os.environ["AWS_DEFAULT_REGION"]  # conftest's

# --- What is sent -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Win:
    """What the provider says of one win, apart from what differs between its deliveries; amounts are as written."""

    callback: Callback
    player: str
    reference: str
    amount: str
    as_text: bool = True
    currency: str | None = None
    game: str | None = None
    round: str | None = None
    bonus_code: str | None = None
    jackpot: str | None = None
    campaign: str | None = None
    prize: tuple[str | None, str] | None = None  # its reference and amount
    in_session: bool = True
    dated: bool = True  # whether its timestamp is one of milliseconds

    def __repr__(self) -> str:
        said = {name: getattr(self, name) for name in self.__slots__}
        return f"Win({', '.join(f'{name}={value!r}' for name, value in said.items() if value is not None)})"

    @property
    def credit(self) -> contract.Credit:
        """What it asks for, whichever delivery brings it."""
        return _credit(Delivery(self, 0))


FIRST_TIMESTAMP = 1_482_429_190_000


@dataclass(frozen=True)
class Delivery:
    """A win on its way: the `number`th body that was sent, no two the same."""

    win: Win
    number: int

    @cached_property
    def body(self) -> str:
        win, number = self.win, self.number
        details = ("spin", ["spin", number], {"spin": number})[number % 3]
        by_hash = win.callback in ("jackpot", "bonus") and number % 2
        values: dict[str, Any] = {
            "providerId": "luckymonaco",
            "userId": win.player,
            "reference": win.reference,
            "timestamp": self.timestamp,
            "hash" if by_hash else "uuid": f"delivery-{number}",
            "token": "hush" if number % 3 == 0 else None,
            "currency": win.currency,
            "gameId": win.game,
            "gameName": "tumblefortune" if win.callback == "result" else None,
            "roundId": win.round,
            "roundDetails": details if win.callback == "result" else None,
            "sessionId": "session" if win.callback == "result" and win.in_session else None,
            "bonusCode": win.bonus_code,
            "jackpotId": win.jackpot,
            "promoCampaignId": win.campaign,
            "promoCampaignType": win.campaign and "tournament",
            "promoWinReference": win.prize and win.prize[0],
        }
        literals = {name: json.dumps(value) for name, value in values.items() if value is not None}
        quote = '"' if win.as_text else ""
        literals["amount"] = f"{quote}{win.amount}{quote}"
        if win.prize:
            literals["promoWinAmount"] = f"{quote}{win.prize[1]}{quote}"
        return "{" + ", ".join(f'"{name}": {literal}' for name, literal in literals.items()) + "}"

    @property
    def timestamp(self) -> str:
        return f"{FIRST_TIMESTAMP + self.number}{'' if self.win.dated else ' ms'}"

    @property
    def credit(self) -> contract.Credit:
        return _credit(self)

    @cached_property
    def content(self) -> Item:
        """What may be kept of it: the body with its numbers as they are written, less its hash and token."""
        return {name: value for name, value in as_written(self.body).items() if name not in ("hash", "token")}


@cache
def _credit(delivery: Delivery) -> contract.Credit:
    return Contract().read_kept(delivery.win.callback, delivery.body.encode())


def as_written(text: str) -> Any:
    """What a JSON text says, with each number as the characters it is written in."""
    return json.loads(text, parse_float=_number, parse_int=_number)


def _number(literal: str) -> tuple[str, str]:
    return "number", literal


# --- What must stand in the tables --------------------------------------------------------------------

Balances = tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a delivery leaves behind that is not on record yet: everything after it, and its own transactions."""

    player: str
    after: Contract
    transactions: Mapping[str, Item]


class Books:
    """Every wallet, transaction and free round count as they must be; `history` is each wallet's balances so far."""

    def __init__(self) -> None:
        self.contract = Contract()
        self.transactions: dict[str, Item] = {}
        self.history: dict[str, list[Balances]] = {}
        self._recorded_at: dict[str, int] = {}  # where in the player's history a transaction was

    @property
    def wallets(self) -> Mapping[str, Wallet]:
        return self.contract.wallets

    def set_wallet(self, player: str, wallet: Wallet) -> None:
        self.contract.wallets[player] = wallet
        self.history.setdefault(player, []).append((wallet.cash, wallet.bonus))

    def verdict(self, win: Win) -> int:
        """What the win must be answered with the books as they are, if it is answered other than 998."""
        try:
            self.contract.decide(win.credit)
        except Refused as refused:
            return refused.error
        return 0

    def dispute(self, win: Win) -> int | None:
        """Why the win's prize is left for a person, if it is. It never holds back the win."""
        return self.contract.why_left(win.credit, self.contract.recorded(win.credit))

    def is_credited(self, win: Win) -> bool:
        return self.verdict(win) == 0 and not self.contract.decide(win.credit).changes

    def balances_since(self, win: Win, moment: int) -> list[Balances]:
        """What the player had from that moment of their history on, no sooner than the win was credited."""
        paid = [win.credit.id]
        if win.credit.prize and win.credit.prize.credit and not self.dispute(win):
            paid.append(win.credit.prize.credit.id)
        return self.history[win.player][max(moment, *(self._recorded_at[id] for id in paid)) :]

    def settlement(self, delivery: Delivery) -> Settlement | None:
        """What the delivery must be settled with; None if it must change nothing."""
        win, after = delivery.win, self.contract.copy()
        if self.verdict(win) != 0 or self.is_credited(win):
            return None
        due = after.decide(delivery.credit)
        after.write(due)
        transactions = {
            credit.id: _transaction(after.records[after.key(credit)], delivery, with_request=not position)
            for position, credit in enumerate(due.fresh)
        }
        if due.notes_prize:
            transactions[win.credit.id] = self.transactions[win.credit.id] | _noted(win.credit)
        return Settlement(win.player, after, transactions)

    def accept(self, settlement: Settlement) -> None:
        player, before = settlement.player, self.wallets[settlement.player]
        self.contract = settlement.after
        if self.wallets[player] != before:
            self.set_wallet(player, self.wallets[player])
        self.transactions |= settlement.transactions
        moment = len(self.history[player]) - 1
        self._recorded_at = dict.fromkeys(settlement.transactions, moment) | self._recorded_at

    def tables(self) -> Item:
        """By the tables' names, in the form the world reads them in."""
        counts = {code: _counted(count) for code, count in self.contract.counts.items()}
        return {"Players": self.wallets, "Transactions": self.transactions, "FreeRounds": counts}


def _transaction(record: Record, delivery: Delivery, *, with_request: bool) -> Item:
    """A record as it must be in the table. Source: docs/ledger.md."""
    win, credit = delivery.win, record.credit
    is_prize = credit.id != win.credit.id
    item = {
        "id": credit.id,
        "userId": credit.player,
        "seq": record.wallet.version,
        "amount": record.paid,
        "amountAsked": credit.amount,
        "currency": record.wallet.currency,
        "cashAfter": record.wallet.cash,
        "bonusAfter": record.wallet.bonus,
        "gameId": win.game,
        "roundId": win.round,
        "bonusCode": win.bonus_code,
        "uncoveredAfter": record.count and record.count.uncovered,
        "advanceAfter": record.count and record.count.advance,
        "jackpotId": win.jackpot,
        "campaignId": win.campaign,
        "campaignType": win.campaign and "tournament",
        "providerId": "luckymonaco",
        "timestamp": delivery.timestamp,
        "autoClosed": (win.callback == "result" and not win.in_session and not is_prize) or None,
        "request": delivery.content if with_request else None,
        "arrivedWith": win.credit.id if is_prize else None,
        **_noted(credit),
    }
    return {name: value for name, value in item.items() if value is not None}


def _noted(win: contract.Credit) -> Item:
    """What a win's record says of the prize that it came with."""
    noted = {"prizeReference": win.prize.reference, "prizeAmount": win.prize.amount} if win.prize else {}
    return {name: value for name, value in noted.items() if value is not None}


def _counted(count: Count) -> Item:
    rounds = tuple(f"{len(str(game))}:{game}{round}" for game, round in count.last_rounds)
    counted = {"uncovered": count.uncovered, "advance": count.advance, "lastRounds": rounds}
    return counted if count.until < 0 else {**counted, "until": count.until}


# --- What may go wrong --------------------------------------------------------------------------------

Failure = Literal[
    "throttled", "not processed", "in conflict", "internal error", "unreachable", "reset", "timeout", "crash"
]


@dataclass(frozen=True, slots=True)
class Fault:
    """A call of AWS that fails; with `applied`, only its answer is lost. A crash is the end of the function."""

    failure: Failure
    applied: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """A deposit or bet by another program, just before a call; a careless one forgets the wallet's version."""

    cash: str
    bonus: str = "0"
    careless: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery that is settled elsewhere just before a call: of a win, of the so-manieth still owed, or the same."""

    of: Win | int | None = None


@dataclass(frozen=True, slots=True)
class Torn:
    """A read that is not one instant: what it says of the `older` table is from before what happened meanwhile."""

    meanwhile: Move | Arrival
    older: Table


Trouble = Fault | Move | Arrival | Torn
Plan = Sequence[Trouble | None]  # by the number of the call


# --- The tables ---------------------------------------------------------------------------------------


class InMemory:
    """The tables in memory: as quick as can be, and each call is answered as DynamoDB's text."""

    def __init__(self) -> None:
        self._tables = Tables()

    def answer(self, operation: str, request: AWSPreparedRequest, _answer: Callable[[], AWSResponse]) -> AWSResponse:
        asked = json.loads(request.body)
        try:
            return _response(
                request,
                200,
                {"BatchGetItem": self._tables.batch_get_item, "TransactWriteItems": self._tables.transact_write_items}[
                    operation
                ](**asked),
            )
        except ClientError as error:
            response: Any = error.response
            return _error(request, 400, response["Error"]["Code"], CancellationReasons=response["CancellationReasons"])

    def put_player(self, item: Item) -> None:
        self._tables.put("Players", item)

    def items(self, table: Table) -> list[Item]:
        return [*self._tables.items[table].values()]


class InMoto:
    """The tables as moto has them: ten times slower, and somebody else's understanding of DynamoDB."""

    def __init__(self) -> None:
        for table in self._tables().values():
            table.items.clear()

    def answer(self, _operation: str, _request: AWSPreparedRequest, answer: Callable[[], AWSResponse]) -> AWSResponse:
        return answer()

    def put_player(self, item: Item) -> None:
        attributes = {
            name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in item.items()
        }
        dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].put_item("Players", attributes)

    def items(self, table: Table) -> list[Item]:
        return [item.to_json()["Attributes"] for item in self._tables()[table].all_items()]

    def _tables(self) -> Any:
        return dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables


# --- The world ----------------------------------------------------------------------------------------


class Crashed(BaseException):
    """The function is killed: nothing of it runs any more, and nobody gets an answer."""


class Clock(conftest.Clock):
    """Time that passes only by what happens, for the functions and for SQS alike; in seconds since the epoch."""

    def __init__(self) -> None:
        super().__init__(1_790_000_000.0)

    def unix_time(self, _moment: Any = None) -> float:
        return self.now

    def unix_time_millis(self, _moment: Any = None) -> float:
        return self.now * 1000


CALLBACKS: tuple[Callback, ...] = ("result", "jackpot", "bonus", "promo")

CALL_SECONDS = 0.005  # so that many calls are possible in three seconds, as they are
DOWN_SECONDS = 0.4  # a service that is down is slow to refuse: at once, it would be asked thirty times for one answer
# What is stated of the functions and their queues, in docs/ledger.md, docs/callbacks.md and template.yaml.
STORE_SECONDS, CONNECT_SECONDS, READ_SECONDS, LONGEST_PAUSE_SECONDS = 3.0, 0.5, 1.0, 0.1
PROVIDER_SECONDS, FUNCTION_SECONDS = 10, 20
RETRY_SECONDS, MAX_TRIES, BATCH_SIZE, HIDDEN_SECONDS = 30, 10, 3, 120


@dataclass(slots=True)
class Invocation:
    """A function at work on the deliveries `in_hand`; `verdicts` are what they could be answered meanwhile."""

    in_hand: Sequence[Delivery]
    plan: Plan
    began: float
    verdicts: set[int]
    disputed: bool = False  # whether its prize may have had to be left for a person
    calls: int = 0
    store_left: float = 0.0  # when it last heard of the tables, or ceased to wait
    failed: set[str] = field(default_factory=set)  # the services that did not serve it
    wrote: bool = False
    printed: str = ""

    @property
    def last_moment(self) -> float:
        """The last one to begin a call of the tables, which must be over within three seconds however long it takes."""
        return self.began + STORE_SECONDS - CONNECT_SECONDS - READ_SECONDS

    @property
    def ran_out_of_time(self) -> bool:
        """Whether there may have been no time left for the tables, after a pause at the most."""
        return self.store_left + LONGEST_PAUSE_SECONDS > self.last_moment

    @property
    def failed_to_park(self) -> bool:
        """Whether SQS did not serve it, and it said so in the log."""
        return "sqs" in self.failed and '"message":"parking failed"' in self.printed

    @property
    def took_no_detour(self) -> bool:
        """Whether its time is its own: another delivery that arrives meanwhile lets the clock run on."""
        return not any(isinstance(trouble, Arrival | Torn) for trouble in self.plan)


class World:
    """The functions, their AWS, and what became of every delivery; empty at first.

    It ends with `close`, for it replaces time and network. `happened` counts what the functions met with. An engine
    that `knows_tokens` answers a repeated write as DynamoDB does; another one attempts it again.
    """

    def __init__(self, operator: Operator, happened: Counter[str], tables: InMemory | InMoto) -> None:
        self.books = Books()
        self.happened = happened
        self.wins: list[Win] = []  # what the provider has to say, once or again
        self.deliveries: list[Delivery] = []
        self.knows_tokens = True
        self._operator = operator
        self._clock = Clock()
        self._codes: dict[int, int] = {}  # what each delivery was answered, if it was
        self._kept: list[Delivery] = []  # what was refused, and must be credited or stand in a queue from then on
        self._names: dict[str, str] = {}  # the transactionId of each transaction
        self._first_received: dict[int, str] = {}  # when each parked delivery says it was
        self._without_prize: list[Delivery] = []  # answered as paid; the prize must be in a queue
        self._parked: dict[str, tuple[Delivery, bool]] = {}  # each message's delivery, and if it is only for its prize
        self._written: dict[str, Any] = {}  # what was written under each token
        self._down: Mapping[str, Failure] = {}
        self._down_for = 0
        self._invocations: list[Invocation] = []
        self._handlers: dict[str, Callable[..., Any]] = {}
        self._wrong: list[AssertionError] = []

        self._engine = tables
        for queue in _sqs().queues.values():
            queue._messages.clear()
        self._replaced = pytest.MonkeyPatch()
        self._replaced.setattr(operator, "clock", self._clock)
        self._replaced.setattr("botocore.endpoint.time", self._clock)
        for name in ("unix_time", "unix_time_millis"):
            self._replaced.setattr(f"moto.sqs.models.{name}", getattr(self._clock, name))
        # moto works out the names of a queue's attributes for every message.
        self._replaced.setattr("moto.sqs.models.camelcase_to_underscores", _underscored)
        # What is logged is read from the functions' output; pytest would collect it a second time.
        self._replaced.setattr(logging.getLogger(report.logger.service), "propagate", False)
        answer: Any = BotocoreStubber.__call__

        def call(aws: BotocoreStubber, event_name: str, request: AWSPreparedRequest, **_: Any) -> Any:
            return self._call(
                event_name, request, lambda: self._answer(event_name, request, lambda: answer(aws, event_name, request))
            )

        self._replaced.setattr(BotocoreStubber, "__call__", call)

    def _answer(self, event_name: str, request: AWSPreparedRequest, answer: Callable[[], AWSResponse]) -> AWSResponse:
        _, service, operation = event_name.split(".")
        return self._engine.answer(operation, request, answer) if service == "dynamodb" else answer()

    def close(self) -> None:
        self._replaced.undo()

    # --- What happens -------------------------------------------------------------------------------

    def open_wallet(self, player: str, currency: str, cash: str, bonus: str) -> None:
        self._write_wallet(player, Wallet(currency, Fraction(cash), Fraction(bonus), 0))

    def fail(self, services: Mapping[str, Failure], *, invocations: int) -> None:
        """From now on every call of these services fails so, until the functions were invoked so often."""
        self._down, self._down_for = services, invocations

    def move(self, player: str, move: Move) -> None:
        """Another program's deposit or bet, which never takes a balance below nothing."""
        if not (wallet := self.books.wallets.get(player)):
            return
        moved = Wallet(
            wallet.currency,
            max(Fraction(0), wallet.cash + Fraction(move.cash)),
            max(Fraction(0), wallet.bonus + Fraction(move.bonus)),
            wallet.version + (not move.careless),
        )
        self._write_wallet(player, moved)
        self._look_again()

    def _write_wallet(self, player: str, wallet: Wallet) -> None:
        balances = {"cash": Decimal(written(wallet.cash)), "bonus": Decimal(written(wallet.bonus))}
        self._engine.put_player({"userId": player, **vars(wallet), **balances})
        self.books.set_wallet(player, wallet)

    def send(self, win: Win, plan: Plan = ()) -> int | None:
        """Delivers a win; its answer's code, None if the function crashed. Whatever it may answer is checked."""
        delivery = Delivery(win, len(self.deliveries))
        self.deliveries.append(delivery)
        moment = max(0, len(self.books.history.get(win.player, ())) - 1)
        invocation, answer = self._invoke(win.callback, gateway_event(delivery.body), [delivery], plan)
        if answer is None:
            self.happened["a delivery crashed"] += 1
            return None
        said = as_written(answer["body"])
        code = self._codes[delivery.number] = int(said["error"][1])
        assert answer["statusCode"] == STATUS[code], f"{code} with HTTP {answer['statusCode']}"
        self.happened[f"a delivery was answered {code}"] += 1
        if code == 998:
            something_to_keep = bool(invocation.verdicts - {0}) or invocation.disputed
            could_not_be_kept = something_to_keep and invocation.failed_to_park
            is_excused = invocation.ran_out_of_time or could_not_be_kept
            assert is_excused, f"given up after {invocation.store_left - invocation.began} s"
        else:
            assert code in invocation.verdicts, f"answered {code}, not {invocation.verdicts}"
        if code == 0:
            self._check_success(delivery, said, moment)
        else:
            assert list(said) == ["error", "description"], said
            assert code == 998 or not invocation.wrote, f"written, and answered {code}"
            self._check_kept(delivery, code, invocation)
        return code

    def consume(self, callback: Callback, plan: Plan = (), *, times: int = 1, deletes: bool = True) -> None:
        """What SQS and Lambda do with the next messages of a retry queue, once one is due: at least once each."""
        name = f"{callback.title()}RetryQueue"
        messages = self._receive(name, BATCH_SIZE)
        records = [
            {
                "messageId": message.id,
                "receiptHandle": message.receipt_handle,
                "body": message.body,
                "attributes": {"ApproximateReceiveCount": str(message.approximate_receive_count)},
                "eventSource": "aws:sqs",
            }
            for message in messages
        ]
        in_hand = [self._parked[message.body][0] for message in messages]
        for _ in range(times if messages else 0):
            invocation, answer = self._invoke(callback, {"Records": records}, in_hand, plan)
            if answer is None:
                self.happened["a retry crashed"] += 1
                continue  # nothing of the batch is deleted
            failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            assert failed <= {message.id for message in messages}
            for message, delivery in zip(messages, in_hand, strict=True):
                if message.id in failed:
                    self.happened["a retry was put off"] += 1
                    self._check_retried(name, message, delivery, invocation)
                    continue
                self._check_done(delivery)
                self.happened["a retry was done with"] += 1
                if deletes:
                    _delete(name, message)

    def redrive(self, callback: Callback, *, most: int = 10, deletes: bool = True) -> None:
        """An operator sends dead letters back, each sent before it is deleted; interrupted in between, it is twice."""
        for letter in self._receive(f"{callback.title()}DeadLetters", most):
            _sqs().send_message(f"{callback.title()}RetryQueue", letter.body)
            self.happened["a dead letter was redriven" if deletes else "a redrive was interrupted"] += 1
            if deletes:
                _delete(f"{callback.title()}DeadLetters", letter)

    def recover(self, *, retransmitted: bool, redriven: bool) -> None:
        """Everything works again, the queues run dry, and what is owed is paid or stands among the dead letters.

        `retransmitted`: the provider sends again whatever got no HTTP 200. `redriven`: an operator sends every dead
        letter back, and what can be credited is.
        """
        self._down = {}
        if retransmitted:
            unanswered = {delivery.win for delivery in self.deliveries} - {
                self.deliveries[number].win for number, code in self._codes.items() if code != 998
            }
            # In the order they were first sent.
            for win in sorted(unanswered, key=[delivery.win for delivery in self.deliveries].index):
                assert self.send(win) in (0, 52, 61, 62)
        self._run_queues_dry()
        if redriven:
            for callback in CALLBACKS:
                while letters := len(self._messages(callback, "DeadLetters")):
                    self.redrive(callback)
                    assert len(self._messages(callback, "DeadLetters")) < letters
            self._run_queues_dry()
            for delivery, _, prize_only in self._standing():
                assert prize_only or self.books.verdict(delivery.win) != 0, f"can be credited, and is not: {delivery}"
        if retransmitted:
            left = {delivery.win for delivery, _, prize_only in self._standing() if not prize_only}
            for delivery in self.deliveries:
                assert self.books.is_credited(delivery.win) or delivery.win in left, f"lost: {delivery}"

    def _run_queues_dry(self) -> None:
        for callback in CALLBACKS:
            left = (MAX_TRIES + 1) * len(self._messages(callback, "RetryQueue"))  # the last receipt only moves it on
            while self._messages(callback, "RetryQueue"):
                assert left, f"a message of {callback} was tried more than {MAX_TRIES} times"
                self.consume(callback)
                left -= 1

    def has_answered(self, code: int) -> bool:
        return code in self._codes.values()

    def waiting(self, queue: Literal["RetryQueue", "DeadLetters"]) -> list[Callback]:
        """The callbacks in whose queue something stands; none while SQS is down."""
        if "sqs" in self._down:
            return []
        return [callback for callback in CALLBACKS if self._messages(callback, queue)]

    # --- What must hold at every moment -------------------------------------------------------------

    def check(self) -> None:
        """The tables are as the books; nothing that was refused is both uncredited and forgotten."""
        self._compare(self._tables())
        standing = {delivery.number for delivery, _, prize_only in self._standing() if not prize_only}
        for delivery in self._kept:
            assert delivery.number in standing or self.books.is_credited(delivery.win), f"lost: {delivery}"
        prizes = {_prize_of(delivery.win) for delivery, _, prize_only in self._standing() if prize_only}
        for delivery in self._without_prize:
            assert _prize_of(delivery.win) in prizes, f"the prize is lost: {delivery}"

    def _compare(self, found: Item) -> None:
        for name, expected in self.books.tables().items():
            keys = expected.keys() | found[name].keys()
            differing = [key for key in keys if expected.get(key) != found[name].get(key)]
            told = [f"{key}: {found[name].get(key)}, not {expected.get(key)}" for key in differing]
            assert not told, f"{name}: " + "\n".join(told)

    def _check_success(self, delivery: Delivery, said: Item, moment: int) -> None:
        win = delivery.win
        assert list(said) == ["transactionId", "currency", "cash", "bonus", "error", "description"], said
        assert self.books.is_credited(win), f"not credited, but answered so: {delivery}"
        assert said["transactionId"] == self._names[win.credit.id]
        assert said["currency"] == self.books.wallets[win.player].currency
        literals = [said[name] if win.as_text else said[name][1] for name in ("cash", "bonus")]
        assert all(re.fullmatch(r"(0|[1-9]\d*)(\.\d*[1-9])?", literal) for literal in literals), said
        balances = tuple(map(Fraction, literals))
        assert balances in self.books.balances_since(win, moment), f"{literals} were not the balances then"
        if self.books.dispute(win):
            self._without_prize.append(delivery)
            self.happened["a prize was left for a person"] += 1

    def _check_kept(self, delivery: Delivery, code: int, invocation: Invocation) -> None:
        """It stands in the right queue; or it is nowhere, the log says so, and the provider must send it again."""
        queues = [name for standing, name, prize_only in self._standing() if standing is delivery and not prize_only]
        if queues:
            self._kept.append(delivery)
            if code != 998 or not invocation.failed_to_park:  # else only the queue's answers were lost, whichever it is
                right = kept_for(code)
                assert right, f"{code} is kept nowhere"
                assert all(name.endswith(right.queue) for name in queues), f"answered {code}, and kept in {queues}"
        else:
            assert code == 998, f"refused for good with {code}, and not kept: {delivery}"
            assert invocation.failed_to_park, f"neither kept nor logged: {delivery}"
            self.happened["a refusal could not be kept"] += 1

    def _check_done(self, delivery: Delivery) -> None:
        """What is about to be deleted from a retry queue is credited, or left for a person."""
        left = {
            prize_only
            for standing, name, prize_only in self._standing()
            if standing is delivery and name.endswith("DeadLetters")
        }
        prizes = {_prize_of(standing.win) for standing, _, prize_only in self._standing() if prize_only}
        verdict = self.books.verdict(delivery.win)
        is_credited = self.books.is_credited(delivery.win)
        assert is_credited or (verdict in (52, 61) and False in left), f"done with {delivery}: {verdict}"
        is_left = not self.books.dispute(delivery.win) or _prize_of(delivery.win) in prizes
        assert not is_credited or is_left, f"no prize left: {delivery}"

    def _check_retried(self, queue: str, message: Message, delivery: Delivery, invocation: Invocation) -> None:
        """What is not done with could not be, and is hidden for longer with each try."""
        excused = invocation.ran_out_of_time or "sqs" in invocation.failed
        assert excused or self.books.verdict(delivery.win) == 62, f"could have been done with: {delivery}"
        tries = message.approximate_receive_count
        if tries >= MAX_TRIES:
            self.happened["a retry was the last"] += 1
        wait = 0 if tries >= MAX_TRIES else RETRY_SECONDS * 2**tries
        for kept in _sqs().queues[queue]._messages:
            if kept.id == message.id and "sqs" not in invocation.failed:
                assert kept.visible_at / 1000 >= invocation.began + wait, f"hidden until {kept.visible_at}"

    # --- What there is ------------------------------------------------------------------------------

    def _tables(self) -> Item:
        """Every item by its key; a transaction's id and name are bound to each other for ever."""
        players, transactions, counts = (
            [{name: _value(attribute) for name, attribute in item.items()} for item in self._engine.items(name)]
            for name in TABLES
        )
        for item in transactions:
            assert item.pop("recordedAt")
            name = item.pop("transactionId")
            assert self._names.setdefault(item["id"], name) == name
            if "request" in item:
                item["request"] = as_written(item["request"])
        assert len(set(self._names.values())) == len(self._names)
        return {
            "Players": {item.pop("userId"): Wallet(**item) for item in players},
            "Transactions": {item["id"]: item for item in transactions},
            "FreeRounds": {(item.pop("userId"), item.pop("bonusCode")): item for item in counts},
        }

    def _messages(self, callback: Callback, queue: str) -> list[Message]:
        return _sqs().queues[f"{callback.title()}{queue}"]._messages

    def _standing(self) -> Iterator[tuple[Delivery, str, bool]]:
        """The delivery of every message, the queue that holds it, and whether it is kept for its prize alone."""
        for name, queue in _sqs().queues.items():
            for message in queue._messages:
                if message.body not in self._parked:
                    parked = json.loads(message.body)
                    self._parked[message.body] = self._delivery(name, parked), parked["prize_only"]
                delivery, prize_only = self._parked[message.body]
                yield delivery, name, prize_only

    def _delivery(self, queue: str, parked: Item) -> Delivery:
        """The delivery that was parked, which must be kept as it was sent."""
        content = as_written(parked["request"])
        delivery = self.deliveries[int(content["timestamp"].removesuffix(" ms")) - FIRST_TIMESTAMP]
        assert content == delivery.content, f"{content} was never sent"
        assert queue.startswith(delivery.win.callback.title())
        assert parked["reference"] == delivery.win.reference
        if parked["prize_only"]:
            assert parked["code"] == self.books.dispute(delivery.win), f"{parked['reason']}: {delivery}"
        first_received = self._first_received.setdefault(delivery.number, parked["first_received_at"])
        assert parked["first_received_at"] == first_received
        return delivery

    def _receive(self, queue: str, most: int) -> list[Message]:
        """The next messages that are due, waiting for the first of them."""
        waiting = _sqs().queues[queue]._messages
        if waiting:
            due = min(max(message.visible_at, message.delayed_until) for message in waiting) / 1000
            self._clock.now = max(self._clock.now, due) + CALL_SECONDS
        for message in waiting:
            # SQS allows twelve hours of hiding from each receipt on, moto from the sending on.
            message.sent_timestamp = int(self._clock.unix_time_millis())  # pyright: ignore[reportAttributeAccessIssue]
        return _sqs().receive_message(queue, most, 0, HIDDEN_SECONDS)

    # --- The functions and their network ------------------------------------------------------------

    def _invoke(
        self, callback: Callback, event: Item, in_hand: Sequence[Delivery], plan: Plan
    ) -> tuple[Invocation, Item | None]:
        """What the function answers; None if it crashed, and the next one is a cold start."""
        verdicts: set[int] = {self.books.verdict(delivery.win) for delivery in in_hand}
        invocation = Invocation(in_hand, plan, self._clock.now, verdicts)
        self._invocations.append(invocation)
        self._look_again()
        answer = None
        with output() as printed:
            if callback not in self._handlers:
                self._handlers[callback] = self._operator.load(callback).handler
            try:
                answer = self._handlers[callback](event, None)
            except Crashed:
                self._handlers.pop(callback)
            finally:
                self._invocations.pop()
        if self._wrong:  # raised where the function or botocore took it for a failure of the call
            raise self._wrong[0]
        if invocation.took_no_detour:
            limit = FUNCTION_SECONDS if "Records" in event else PROVIDER_SECONDS
            assert self._clock.now <= invocation.began + limit, f"took {self._clock.now - invocation.began} s"
        invocation.printed = printed.getvalue()
        assert '"a defect: ' not in invocation.printed, invocation.printed
        if not self._invocations and self._down:
            self._down_for -= 1
            self._down = self._down if self._down_for else {}
        self.check()
        return invocation, answer

    def _call(self, event_name: str, request: AWSPreparedRequest, answer: Callable[[], AWSResponse]) -> AWSResponse:
        """A call of AWS, where the functions meet what is planned for them."""
        if not self._invocations:  # the operator's own
            return answer()
        invocation = self._invocations[-1]
        _, service, operation = event_name.split(".")
        trouble = invocation.plan[invocation.calls] if invocation.calls < len(invocation.plan) else None
        invocation.calls += 1
        try:
            if service == "dynamodb" and len(invocation.in_hand) == 1:
                assert self._clock.now <= invocation.last_moment + 1e-6, "a call was begun that could last too long"
            self._clock.sleep(CALL_SECONDS)
            if service in self._down:
                trouble = Fault(self._down[service])
                self._clock.sleep(DOWN_SECONDS if trouble.failure in ("internal error", "throttled") else 0)
            return self._meet(trouble, service, operation, request, answer)
        except AssertionError as wrong:
            self._wrong.append(wrong)
            raise
        finally:
            if service == "dynamodb":
                invocation.store_left = self._clock.now

    def _meet(
        self,
        trouble: Trouble | None,
        service: str,
        operation: str,
        request: AWSPreparedRequest,
        answer: Callable[[], AWSResponse],
    ) -> AWSResponse:
        match trouble:
            case Fault(failure, applied):
                self._invocations[-1].failed.add(service)
                self.happened["an answer was lost" if applied else f"{service} failed"] += 1
                if applied:
                    self._apply(operation, request, answer)
                return self._fail(failure, operation, request)
            case Torn(meanwhile, older) if operation == "BatchGetItem":
                before = json.loads(answer().content)
                self._happens(meanwhile)
                after = json.loads(answer().content)
                after["Responses"][older] = before["Responses"].get(older, [])
                self.happened["a read was torn"] += 1
                return _response(request, 200, after)
            case Torn(meanwhile) | (Move() | Arrival() as meanwhile):
                self._happens(meanwhile)
        return self._apply(operation, request, answer)

    def _happens(self, meanwhile: Move | Arrival) -> None:
        in_hand = self._invocations[-1].in_hand[0].win
        if isinstance(meanwhile, Move):
            self.happened["another program came between"] += 1
            self.move(in_hand.player, meanwhile)
        else:
            self.happened["another delivery came between"] += 1
            self.send(self._meant(meanwhile) or in_hand)

    def _meant(self, arrival: Arrival) -> Win | None:
        """None where it is the same win again, or no other is owed."""
        if not isinstance(arrival.of, int):
            return arrival.of
        owed = [win for win in self.wins if not self.books.is_credited(win)]
        return owed[arrival.of % len(owed)] if owed else None

    def _apply(self, operation: str, request: AWSPreparedRequest, answer: Callable[[], AWSResponse]) -> AWSResponse:
        if operation != "TransactWriteItems":
            return answer()
        asked = json.loads(request.body)
        token, items = asked["ClientRequestToken"], asked["TransactItems"]
        if self.knows_tokens and token in self._written:
            if self._written[token] == items:
                self.happened["a write was repeated"] += 1
                return _response(request, 200, {})
            return _error(request, 400, "IdempotentParameterMismatchException")
        response = answer()
        if response.status_code == 200:
            self._written[token] = items
        self._witness()
        return response

    def _witness(self) -> None:
        """After a write: the tables are what the books make of what is in hand."""
        found = self._tables()
        on_record = self.books.transactions
        fresh = {id: item for id, item in found["Transactions"].items() if on_record.get(id) != item}
        if fresh:
            is_paid = bool(fresh.keys() - on_record.keys())
            in_hand = self._invocations[-1].in_hand
            owed = [settlement for delivery in in_hand if (settlement := self.books.settlement(delivery))]
            assert owed, f"nobody owes {fresh}"
            # Of several in hand the one that it is; if it is none, the comparison tells what differs.
            self.books.accept(next((each for each in owed if each.transactions == fresh), owed[0]))
            self._invocations[-1].wrote = True
            self.happened["a win was credited" if is_paid else "a prize was noted"] += 1
            self._look_again()
        self._compare(found)

    def _look_again(self) -> None:
        for invocation in self._invocations:
            wins = [delivery.win for delivery in invocation.in_hand]
            invocation.verdicts.update(map(self.books.verdict, wins))
            invocation.disputed |= any(map(self.books.dispute, wins))

    def _fail(self, failure: Failure, operation: str, request: AWSPreparedRequest) -> AWSResponse:
        match failure:
            case "crash":
                raise Crashed
            case "unreachable":
                self._clock.sleep(CONNECT_SECONDS)
                raise EndpointConnectionError(endpoint_url=request.url)
            case "reset":
                raise ConnectionClosedError(endpoint_url=request.url)
            case "timeout":
                self._clock.sleep(READ_SECONDS)
                raise ReadTimeoutError(endpoint_url=request.url)
            case "internal error":
                return _error(request, 500, "InternalServerError")
            case "not processed" if operation == "BatchGetItem":
                asked = json.loads(request.body)["RequestItems"]
                return _response(request, 200, {"Responses": {}, "UnprocessedKeys": asked})
            case "in conflict" if operation == "TransactWriteItems":
                others = [{"Code": "None"}] * (len(json.loads(request.body)["TransactItems"]) - 1)
                reasons = [*others, {"Code": "TransactionConflict"}]
                return _error(request, 400, "TransactionCanceledException", CancellationReasons=reasons)
        return _error(request, 400, "ThrottlingException" if "dynamodb" in request.url else "RequestThrottled")


_underscored = cache(camelcase_to_underscores)


def _error(request: AWSPreparedRequest, status: int, code: str, **content: Any) -> AWSResponse:
    return _response(request, status, {"__type": f"com.amazonaws#{code}", **content})


def _response(request: AWSPreparedRequest, status: int, content: Item) -> AWSResponse:
    return AWSResponse(request.url, status, {}, MockRawResponse(json.dumps(content)))


def _sqs() -> SQSBackend:
    return sqs_backends[DEFAULT_ACCOUNT_ID][REGION]


def _delete(queue: str, message: Message) -> None:
    assert message.receipt_handle, "only what was received can be deleted"
    _sqs().delete_message(queue, message.receipt_handle)


def _value(attribute: Item) -> Any:
    value = value_of(attribute)
    return Fraction(value) if isinstance(value, Decimal) else value


def _prize_of(win: Win) -> tuple[str, contract.Prize | None]:
    """A win's id and its prize: one dead letter is enough for all its deliveries."""
    return win.credit.id, win.credit.prize

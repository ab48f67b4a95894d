"""The wallet on a mocked AWS: tables from template.yaml, the functions as Lambda would import them."""

import gc
import json
import math
import os
import random
import signal
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import snapshot_restore_py
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

import quick_moto
from clock import Clock
from tools.local.opening import Opening
from tools.local.template import Function, Template
from tools.local.wallets import create_queues
from wallet.ledger import Movement
from wallet.store import Store

if TYPE_CHECKING:
    from walletctl import Functions, Walletctl

pytest.register_assert_rewrite("expectations", "local_service", "stack", "walletctl")

collect_ignore = ["browser"]  # `make test-browser` runs those, in an environment of its own

ROOT = Path(__file__).resolve().parents[1]
EVENTS = ROOT / "events"
MODULES = [*(ROOT / "layers/common/wallet").glob("[a-z]*.py"), *(ROOT / "functions").glob("*/")]
OWN_TESTS = {f"test_{module.stem}" for module in MODULES}

REGION = "eu-west-1"
# Set before anything of AWS is imported: no test may ever reach a real account.
os.environ |= {
    "XDG_STATE_HOME": str(ROOT / ".local" / "state"),
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "POWERTOOLS_METRICS_NAMESPACE": "local",  # as template.yaml gives it, for tests that import the layer first
}
os.environ.pop("AWS_PROFILE", None)
os.environ.pop("AWS_ENDPOINT_URL", None)
os.environ.pop("WALLETCTL_STACK", None)

# Whoever started the tests may have had these ignored, as `nohup` and a shell's `&` do. A program that a test starts
# would inherit that and hear no signal; a handler of ours ends with the start of another program.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda _number, _frame: None)

# Of the simulation: another one for each run, the same in all of its processes.
os.environ.setdefault("SIMULATION_SEED", str(random.SystemRandom().getrandbits(32)))

SESSION: Any = boto3.Session()
_new_client, _own_client = SESSION.client, cache(SESSION.client)
# A test's own clients are made once: that takes as long as twenty calls. What has options is made as it is asked for.
SESSION.client = lambda service, **options: _new_client(service, **options) if options else _own_client(service)
DATABASE: Any = SESSION.resource("dynamodb")  # one for all tests: to make one takes as long as a callback
DATABASE.Table = cache(DATABASE.Table)
STORE = Store(SESSION.client("dynamodb"), players="Players", transactions="Transactions", free_rounds="FreeRounds")
MADE: dict[str, tuple[Any, Any]] = {}  # accounts that several tests have: their tables and queues, as moto keeps them
HANDLERS: dict[tuple[str, frozenset[tuple[str, str]]], Callable[..., Any]] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Counts the wallet's coverage in its own tests alone: to watch all others takes twice their time."""
    watching: Any = item.config.pluginmanager.getplugin("_cov")
    if watching is None or item.path.stem in OWN_TESTS:
        return (yield)
    watching.cov_controller.pause()
    try:
        return (yield)
    finally:
        watching.cov_controller.resume()


quick_moto.hasten()


def pytest_report_header() -> str:
    return f"simulation: SIMULATION_SEED={os.environ['SIMULATION_SEED']}"


def pytest_collection_finish() -> None:
    # What was imported stays: to look for garbage in it takes a second, time and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)  # moto makes thousands of objects a call, few of them garbage: an eighth of a test's time


def pytest_unconfigure() -> None:
    gc.unfreeze()  # else a library tells of leaks at the end


@dataclass(frozen=True)
class Reply:
    """An answer: its HTTP status, its text, and what the text says with every number as it is written."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.text, parse_float=Decimal)


def _tables() -> Any:
    return dynamodb_backends["123456789012"][REGION]


def _queues() -> Any:
    return sqs_backends["123456789012"][REGION]


@cache
def _new_account() -> tuple[Any, Any, dict[str, str]]:
    """The tables and queues of template.yaml as moto keeps them when they are new, and the queues' URLs.

    To ask moto for them in each test took half the time of most tests.
    """
    for table in Template.load().tables():
        DATABASE.meta.client.create_table(**table)
    urls = create_queues(SESSION.client("sqs"))
    return _copied(_tables().tables), _copied(_queues().queues), urls


def _copied(kept: Any) -> Any:
    locks = [each._messages_lock for each in kept.values() if hasattr(each, "_messages_lock")]
    return deepcopy(kept, {id(lock): Condition() for lock in locks})  # a lock cannot be copied


def open_wallet(store: Store, order: Opening) -> None:
    """Opens a wallet by the movement that the cashier makes, without a process of the cashier's."""
    actor, reason = "a test", "a player"
    opening = Movement(
        kind="opening",
        reference=order.user_id,
        user_id=order.user_id,
        amount=order.cash,
        bonus_amount=order.bonus,
        currency=order.currency,
        opens=True,
        actor=actor,
        reason=reason,
    )
    store.settle([opening], request=json.dumps(order.order(actor=actor, reason=reason)), deadline=math.inf)


class Operator:
    """The operator's account: its tables, and each callback's `handler()` as Lambda calls it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, template: Template | None = None) -> None:
        self._monkeypatch = monkeypatch
        self._template = template or Template.load()
        self._handlers: dict[str, Callable[..., Any]] = {}
        self.clock = Clock()
        self.database = DATABASE
        tables, queues, self._urls = _new_account()
        _tables().tables, _queues().queues = _copied(tables), _copied(queues)
        for registry in ("_before_snapshot_registry", "_after_restore_registry"):
            # Forgotten with the test: what a function registers would keep its clients for as long as the process.
            monkeypatch.setattr(snapshot_restore_py, registry, [])

    def open_wallet(self, user_id: str = "421", cash: str = "99889.99", bonus: str = "99.99", currency: str = "USD"):
        """Opens a wallet by the movement that the cashier makes; again, if there is one."""
        self._forget(user_id)
        open_wallet(STORE, Opening(user_id=user_id, currency=currency, cash=Decimal(cash), bonus=Decimal(bonus)))

    def once(self, name: str, make: Callable[[], None]) -> None:
        """Has the account be as `make` leaves it, which the tests that share the name call once."""
        if name not in MADE:
            make()
            MADE[name] = _copied(_tables().tables), _copied(_queues().queues)
        tables, queues = MADE[name]
        _tables().tables, _queues().queues = _copied(tables), _copied(queues)

    def put_wallet(self, user_id: str = "421", **attributes: Any) -> None:
        """Puts a wallet that no movement has opened, at version 0."""
        self._forget(user_id)
        wallet = {"userId": user_id, "currency": "USD", "cash": Decimal(0), "bonus": Decimal(0), "version": 0}
        self.database.Table("Players").put_item(Item=wallet | attributes)

    def _forget(self, user_id: str) -> None:
        for table, key in (("Players", {"userId": user_id}), ("Transactions", {"id": f"opening#{user_id}"})):
            if any(key.items() <= item.items() for item in self.items(table)):
                self.database.Table(table).delete_item(Key=key)

    def wallet(self, user_id: str = "421") -> dict[str, Any]:
        """The wallet's item: cash, bonus, version, currency."""
        (item,) = (item for item in self.items("Players") if item["userId"] == user_id)
        return item

    def items(self, table: str) -> list[dict[str, Any]]:
        """Everything in a table."""
        return [item.to_regular_json() for item in _tables().tables[table].all_items()]

    def transactions(self) -> list[dict[str, Any]]:
        """Every transaction's item but for the openings, oldest first."""
        made = [item for item in self.items("Transactions") if not item["id"].startswith("opening#")]
        return sorted(made, key=lambda item: (item["userId"], item.get("seq", 0)))

    def uncovered(self, bonus_code: str, user_id: str = "421") -> Decimal | None:
        """What rounds under a bonus code were paid that no total has covered."""
        key = (user_id, bonus_code)
        items = (item for item in self.items("FreeRounds") if (item["userId"], item["bonusCode"]) == key)
        return next((item["uncovered"] for item in items), None)

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """What waits in a queue of template.yaml, delayed or not, oldest first."""
        return [json.loads(message.body) for message in _queues().queues[queue]._messages]

    def handler(self, callback: str) -> Callable[..., Any]:
        """The callback's function; the tests of a file with the same environment share one, as callbacks do."""
        if callback not in self._handlers:
            self._set_environment(callback, {})
            file, _, _ = os.environ["PYTEST_CURRENT_TEST"].partition("::")
            key = callback, frozenset({**os.environ, "PYTEST_CURRENT_TEST": file}.items())
            if key not in HANDLERS:
                HANDLERS[key] = self.load(callback).handler
            self._keep_time()
            self._handlers[callback] = HANDLERS[key]
        return self._handlers[callback]

    def start(self, callback: str, **environment: str) -> None:
        """Has the callback's function be a new one, as after a cold start."""
        self._handlers[callback] = self.load(callback, **environment).handler

    def load(self, callback: str, **environment: str) -> Any:
        """The callback's module, as a cold start imports it."""
        module = self._set_environment(callback, environment).load()
        self._keep_time()
        return module

    def _set_environment(self, callback: str, environment: Mapping[str, str]) -> Function:
        functions = {function.name: function for function in self._template.functions()}
        given = {**functions[callback].environment, **environment}
        for name in {name for each in Template.load().functions() for name in each.environment} - given.keys():
            self._monkeypatch.delenv(name, raising=False)  # what another function was given
        for name, value in given.items():
            self._monkeypatch.setenv(name, self._urls.get(value, value))
        return functions[callback]

    def _keep_time(self) -> None:
        for room in ("callback", "report", "store"):
            self._monkeypatch.setattr(f"wallet.{room}.time", self.clock)

    def send(self, callback: str, body: Any, *, token: str | None = None, **event: Any) -> Reply:
        """Sends a body (a dict, or text as it is) through the callback's handler, to its example's path."""
        return self.send_event(callback, gateway_event(body, token=token, **{"path": path_of(callback), **event}))

    def invoke(self, function: str, order: Any) -> dict[str, Any]:
        """What a function answers to the operator's own side."""
        return self.handler(function)(order, None)

    def send_event(self, callback: str, event: dict[str, Any]) -> Reply:
        answer = self.handler(callback)(event, None)
        return Reply(answer["statusCode"], answer["body"], answer["headers"])


def gateway_event(body: Any, *, token: str | None = None, **event: Any) -> dict[str, Any]:
    """The least of an API Gateway proxy event that a callback reads."""
    return {
        "httpMethod": "POST",
        "queryStringParameters": {"authToken": token} if token is not None else None,
        "isBase64Encoded": False,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        **event,
    }


def path_of(callback: str) -> str:
    """The path of a callback's published example."""
    return json.loads((EVENTS / f"{callback}.json").read_text())["path"]


def published(callback: str, **changes: Any) -> dict[str, Any]:
    """The provider's example body of a callback (or `auto_closing`), with `changes`; None takes a field out."""
    body = json.loads(json.loads((EVENTS / f"{callback}.json").read_text())["body"])
    return {name: value for name, value in (body | changes).items() if value is not None}


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """An account with the published examples' player in it."""
    with mock_aws():
        # moto forgets the session, and with it the SDK's parsed models: half of what a test would cost.
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", SESSION)
        operator = Operator(monkeypatch)
        operator.open_wallet()
        yield operator


@pytest.fixture
def functions(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> "Functions":
    """Lambda's Invoke API, by which the command line calls the operator's functions."""
    from walletctl import Functions  # which few tests need, and takes a while

    return Functions(operator, monkeypatch)


@pytest.fixture
def walletctl(functions: "Functions", monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Walletctl":
    """The operator's command line, where a local service is said to be that has the account's tables and queues."""
    from walletctl import ACCOUNT, Walletctl

    monkeypatch.setattr("tools.shared.folders.LOCAL", tmp_path)
    monkeypatch.setattr("tools.walletctl.parked.mailbox.WAIT_SECONDS", 0)
    monkeypatch.setattr("tools.walletctl.verify.books.PAUSE_SECONDS", 0)
    monkeypatch.setattr("tools.walletctl.players.importing._AT_ONCE", 1)  # a handler takes one event at a time
    monkeypatch.setattr(boto3, "Session", lambda **_: ACCOUNT)
    return Walletctl(tmp_path, monkeypatch)

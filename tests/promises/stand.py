"""The wallet with faults in its way: the local service, and a proxy that misbehaves before each of its engines.

    provider (the test) → service and its worker processes → proxy → engine of the tables
                                                            → proxy → engine of the queues

Every case of a test has a player of its own, and a fault is aimed at that player's requests alone: so all
cases can run at the same time, on one service.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import httpx
from boto3.dynamodb.conditions import Key

from conftest import ROOT
from local_service import HANG_SECONDS, Service, children_of, command_of, running, until_it_hangs, wait_until
from promises.wins import CODE, FreeRounds, Win
from tools.local.engine import engine, free_port
from tools.local.lifetime import die_with_parent
from tools.local.opening import Opening
from tools.local.template import Template

OPENING = Decimal("1000.000000000000000001")
CALLBACKS = ("result", "jackpot", "bonus", "promo")
PATHS = {"result": "/v4/Result", "jackpot": "/V4/JackPotWin", "bonus": "/bonuswin", "promo": "/V4/PromoWin"}

Rule = dict[str, Any]


class Proxy:
    """microburst before an engine; faults are its rules."""

    def __init__(self, process: subprocess.Popen[bytes], endpoint: str) -> None:
        self.process = process
        self.endpoint = endpoint
        self._control = httpx.Client(base_url=f"{endpoint}/_microburst", timeout=HANG_SECONDS)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, "the proxy has stopped"
        with suppress(httpx.TransportError):
            return self._control.get("/health").status_code == 200
        return False

    @contextmanager
    def fault(self, rule: Rule) -> Iterator["Fault"]:
        """Has the rule in force inside."""
        (*_, added) = self._control.patch("/rules", json=[rule]).raise_for_status().json()
        try:
            yield Fault(self, added["id"])
        finally:
            aim = {name: rule[name] for name in ("service", "operation", "body") if name in rule}
            self._control.request("DELETE", "/rules", json=[aim]).raise_for_status()

    def fired(self, rule_id: int) -> int:
        rules = self._control.get("/rules").raise_for_status().json()
        return next(rule["fired_count"] for rule in rules if rule["id"] == rule_id)

    def stop(self) -> None:
        self._control.close()
        self.process.terminate()
        self.process.wait(HANG_SECONDS)


@dataclass(frozen=True)
class Fault:
    proxy: Proxy
    rule_id: int

    @property
    def times_met(self) -> int:
        return self.proxy.fired(self.rule_id)


@contextmanager
def proxy(upstream: str) -> Iterator[Proxy]:
    port = free_port()
    process = subprocess.Popen(  # noqa: S603 - a program of our own environment
        [ROOT / ".venv-engine" / "bin" / "microburst", "--upstream", upstream, "--port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent,
    )
    # Not by its number: of a host with dots microburst would find the service, and reads all that AWS has for it.
    proxy = Proxy(process, f"http://localhost:{port}")
    try:
        wait_until(proxy.is_ready)
        yield proxy
    finally:
        proxy.stop()


@dataclass
class Stand:
    """A running service; `tables` and `queues` are its proxies, behind which the engines can be taken away."""

    service: Service
    tables: Proxy
    queues: Proxy
    _tables_endpoint: str
    _queues_endpoint: str
    _engines: dict[str, tuple[int, Path, ExitStack]] = field(default_factory=dict)
    _queue_urls: dict[str, str] = field(default_factory=dict)

    def deliver(self, callback: str, body: Mapping[str, Any]) -> httpx.Response:
        """One delivery, as the provider makes it. Whatever the answer is, it is one of the contract's."""
        answer = self._provider.post(PATHS[callback], json=body)
        assert (answer.status_code, answer.json()["error"]) in {(200, 0), (503, 998)}, answer.text
        return answer

    def deliver_until_paid(self, callback: str, body: Mapping[str, Any]) -> httpx.Response:
        """A delivery and its retransmissions."""
        for _ in until_it_hangs():
            answer = self.deliver(callback, body)
            if answer.status_code == 200:
                return answer
        raise AssertionError("it is never paid")

    def deliver_until_kept(self, win: Win) -> None:
        """Delivers a win until its function says in its log that it has kept it.

        On a busy machine the gateway turns one away now and then, because no worker is free, and SQS may not answer
        in time. Nobody has such a win, the answer says to send it again, and the provider does.
        """
        for _ in until_it_hangs():
            if self.deliver(win.callback, win.body).status_code == 200 or self.is_kept(win):
                return
        raise AssertionError("it is never kept")

    def is_kept(self, win: Win) -> bool:
        """Whether its function has said that it refused the win more often than that it could not keep it."""
        said = [line["message"] for line in self.service.log_of(win.body["reference"])]
        return said.count("refused") > said.count("parking failed")

    def deliver_until_met(self, win: Win, *faults: "Fault") -> tuple[int, int]:
        """The status of the first delivery that met the faults, and how often each did at least.

        On a busy machine the gateway turns one away now and then, because no worker is free.
        """
        for _ in until_it_hangs():
            answer = self.deliver(win.callback, win.body)
            if times_met := min(fault.times_met for fault in faults):
                return answer.status_code, times_met
        raise AssertionError("the fault was never met: nothing was tried")

    def post_once(self, win: Win, **changes: Any) -> int:
        """The error code of the answer to one delivery, whatever it is."""
        return self._provider.post(PATHS[win.callback], json={**win.body, **changes}).json()["error"]

    def post(self, win: Win, **changes: Any) -> int:
        """The error code of the first answer other than 998."""
        for _ in until_it_hangs():
            if (code := self.post_once(win, **changes)) != 998:
                return code
        raise AssertionError("only ever answered 998")

    def start(self, which: str) -> None:
        port, state, stack = self._engines[which]
        stack.enter_context(engine(port, state))

    def stop(self, which: str) -> None:
        """Stops an engine cleanly: who connects to its proxy is not answered by it any more."""
        self._engines[which][2].close()

    def environment(self, callback: str) -> dict[str, str]:
        """What a worker of that function is told beside the template's own variables."""
        (function,) = (function for function in Template.load().functions() if function.name == callback)
        queues = {name: value for name, value in function.environment.items() if value.endswith(("Queue", "Letters"))}
        return {name: self.queue(value) for name, value in queues.items()} | {
            "AWS_ENDPOINT_URL": self._tables_endpoint,
            "AWS_ENDPOINT_URL_SQS": self._queues_endpoint,
        }

    def open_wallet(self, player: str) -> None:
        opening = Opening(user_id=player, currency="USD", cash=OPENING).order(actor="a test", reason="a player")
        path = "/2015-03-31/functions/CashierFunction/invocations"
        wait_until(lambda: self.service.http.post(path, json=opening).json()["error"] == 0)

    # --- What is on record, read past the proxies ---------------------------------------------------

    def wallet(self, player: str) -> dict[str, Any]:
        return self._database.Table("Players").get_item(Key={"userId": player}, ConsistentRead=True)["Item"]

    def ledger(self, player: str) -> list[dict[str, Any]]:
        """The player's transactions, by `seq`."""
        return self._database.Table("Transactions").query(
            IndexName="byPlayer", KeyConditionExpression=Key("userId").eq(player)
        )["Items"]  # fmt: skip

    def free_rounds(self, player: str, bonus_code: str) -> FreeRounds | None:
        """What is uncovered of a code, and what was paid in advance."""
        key = {"userId": player, "bonusCode": bonus_code}
        item = self._database.Table("FreeRounds").get_item(Key=key).get("Item")
        return item and (item["uncovered"], item["advance"])

    def waiting(self, *callbacks: str) -> int:
        """Messages in these retry queues, or in all, whether visible, delayed or in somebody's hands."""
        kinds = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        # All kinds in one call: a message that changed its kind between two would be counted in neither.
        queues = [
            self._sqs.get_queue_attributes(QueueUrl=self.queue(f"{name.title()}RetryQueue"), AttributeNames=kinds)
            for name in callbacks or CALLBACKS
        ]
        return sum(int(count) for queue in queues for count in queue["Attributes"].values())

    def wait_until_the_queues_are_empty(self, *callbacks: str) -> None:
        # Each look asks four queues, and a retry takes seconds.
        wait_until(lambda: self.waiting(*callbacks) == 0, pause_seconds=0.25)

    def dead_letters(self, callback: str) -> list[dict[str, Any]]:
        """Takes the dead letters of a callback out of their queue."""
        url, letters = self.queue(f"{callback.title()}DeadLetters"), []
        while messages := self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            letters += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return letters

    def assert_paid_once(self, *wins: Win) -> None:
        """Exactly what is owed to the wins' player is on record after the opening, and the ledger adds up."""
        (player,) = {win.player for win in wins}
        owed = {id: amount for win in wins for id, amount in win.owed.items()}
        opening, *ledger = self.ledger(player)
        assert (opening["seq"], opening["amount"], opening["id"]) == (1, OPENING, f"opening#{player}")
        assert {item["id"]: item["amount"] for item in ledger} == owed
        assert [item["seq"] for item in ledger] == list(range(2, len(ledger) + 2))
        cash = OPENING
        for item in ledger:
            cash += item["amount"]
            assert item["cashAfter"] == cash
        wallet = self.wallet(player)
        assert wallet["cash"] == OPENING + sum(owed.values(), Decimal(0))
        assert wallet["version"] == len(ledger) + 1
        assert self.free_rounds(player, CODE) == wins[-1].free_rounds

    def queue(self, name: str) -> str:
        if name not in self._queue_urls:
            self._queue_urls[name] = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]
        return self._queue_urls[name]

    def change_queue(self, name: str, **attributes: str) -> None:
        self._sqs.set_queue_attributes(QueueUrl=self.queue(name), Attributes=attributes)

    def change_redrive(self, callback: str, max_receive_count: int) -> str:
        """Has SQS give up sooner; returns the policy as it was."""
        url = self.queue(f"{callback.title()}RetryQueue")
        before = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
        policy = json.loads(before["RedrivePolicy"]) | {"maxReceiveCount": max_receive_count}
        self.change_queue(f"{callback.title()}RetryQueue", RedrivePolicy=json.dumps(policy))
        return before["RedrivePolicy"]

    # Each is made once: to make one takes as long as a whole delivery.

    @cached_property
    def _provider(self) -> httpx.Client:
        # No connection is kept: one that the service has just closed would fail a delivery.
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(base_url=self.service.http.base_url, timeout=HANG_SECONDS, limits=limits)

    @cached_property
    def _sqs(self) -> Any:
        return boto3.client("sqs", endpoint_url=self._queues_endpoint)

    @cached_property
    def _database(self) -> Any:
        return boto3.resource("dynamodb", endpoint_url=self._tables_endpoint)


@contextmanager
def stand(players: Sequence[str], **settings: str) -> Iterator[Stand]:
    """A service for these players, each with the balance OPENING."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wallet-stand-")))
        engines = {}
        for which in ("tables", "queues"):
            (folder / which).mkdir()
            engines[which] = (free_port(), folder / which, stack.enter_context(ExitStack()))
            engines[which][2].enter_context(engine(*engines[which][:2]))
        endpoints = {which: f"http://127.0.0.1:{port}" for which, (port, _, _) in engines.items()}
        tables, queues = (stack.enter_context(proxy(endpoints[which])) for which in ("tables", "queues"))
        file = folder / "players.json"
        file.write_text(
            json.dumps([{"userId": p, "currency": "USD", "cash": str(OPENING), "bonus": "0"} for p in players])
        )
        service = stack.enter_context(
            running(
                PLAYERS=str(file),
                AWS_ENDPOINT_URL=endpoints["tables"],
                TABLES_ENDPOINT=tables.endpoint,
                QUEUES_ENDPOINT=queues.endpoint,
                **settings,
            )
        )
        made = Stand(service, tables, queues, endpoints["tables"], endpoints["queues"], engines)
        for name in CALLBACKS:
            # What a crash leaves in a worker's hands comes back soon, and not in two minutes.
            made.change_queue(f"{name.title()}RetryQueue", VisibilityTimeout="3")
        yield made


def worker_of(service: Service, callback: str) -> int:
    """The process of a function that has only one; it may be about to be replaced."""
    for _ in until_it_hangs():
        found = [pid for pid in children_of(service.process.pid) if f"functions/{callback}" in command_of(pid)]
        if len(found) == 1:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"{callback} has no single worker")

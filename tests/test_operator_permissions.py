"""The operator's policies allow what the commands ask of AWS, and nothing else."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from conftest import Operator, published
from operator_policies import Statements, policies
from test_permissions import is_like, listed
from tools.console.backoffice import BackOffice, Choice
from tools.console.feed import Feed
from tools.console.listening import Listening, groups_of
from tools.walletctl import log as functions_log
from tools.walletctl import place
from walletctl import COMMANDS, Walletctl, of_a_stack, parked, stake, undo

STACK, REGION, ACCOUNT = "prod", "eu-west-1", "123456789012"
REFERENCE = "585c1306f89c56f5ecfc2f5d"


@dataclass(frozen=True, slots=True)
class Call:
    action: str
    resource: str  # its ARN


def allows(statement: Mapping[str, Any], call: Call) -> bool:
    assert statement.keys() == {"Sid", "Effect", "Action", "Resource"}
    assert statement["Effect"] == "Allow"
    return call.action in listed(statement["Action"]) and any(
        is_like(call.resource, pattern) for pattern in listed(statement["Resource"])
    )


# --- The rehearsal ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rehearsal:
    looking: frozenset[Call]
    mending: frozenset[Call]
    ordering: frozenset[Call]
    commands: frozenset[str]


@pytest.fixture
def rehearsal(operator: Operator, walletctl: Walletctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Rehearsal:
    """Every command on a stack, and all that the console asks, done once on an account in memory."""
    _prepare(operator, walletctl)
    stage = _Stage(walletctl, monkeypatch, tmp_path)
    _look(stage, monkeypatch)
    looking = frozenset(stage.calls)
    stage.calls.clear()
    _mend(stage)
    mending = frozenset(stage.calls) - looking
    stage.calls.clear()
    _order(stage)
    return Rehearsal(looking, mending, frozenset(stage.calls) - looking, frozenset(stage.commands))


def _prepare(operator: Operator, walletctl: Walletctl) -> None:
    """A ledger with a win of a free round, a wallet and a round that it does not explain, and dead letters."""
    assert operator.send("result", published("result", bonusCode="SPINS")).json["error"] == 0
    assert operator.send("bet", stake("b")).json["error"] == 0
    operator.open_wallet("torn")
    assert operator.send("result", published("result", userId="torn", reference="torn")).json["error"] == 0
    operator.database.Table("Players").update_item(
        Key={"userId": "torn"}, UpdateExpression="SET cash = :other", ExpressionAttributeValues={":other": Decimal(1)}
    )
    (round_,) = (item for item in operator.items("Rounds") if item["userId"] == "torn")
    operator.database.Table("Rounds").put_item(Item=round_ | {"winnings": Decimal(7)})
    for callback in place.keeping():
        for reference in ("one", "two", "three", "four", "five"):
            walletctl.leave(
                f"{callback.title()}DeadLetters",
                parked(callback, undo(reference) if callback == "cancel" else published(callback, reference=reference)),
            )


def _look(stage: "_Stage", monkeypatch: pytest.MonkeyPatch) -> None:
    stage.run("find", "5103188801")
    stage.run("find", "421")
    stage.run("find", "nowhere")
    stage.run("find", "nowhere", "--player", "421")
    stage.run("find", "421", "--amount", "5")
    stage.run("find", "--amount", "5", "--yes")
    stage.run("rounds", "--open")
    stage.run("rounds", "--open", "--player", "421")
    with monkeypatch.context() as impatient:
        impatient.setattr(functions_log, "_PATIENCE_SECONDS", -1)
        stage.run("find", "nothing", "--no-scan")
    stage.run("ledger", "421")
    stage.run("verify", "--all")
    stage.run("verify", "torn")
    stage.run(
        "reconcile",
        stage.file("report.csv", f"callback,reference,userId,currency,amount\nresult,{REFERENCE},421,USD,10.0\n"),
    )
    stage.run("players show", "421")
    stage.run("players list")
    stage.run("parked list")
    stage.run("parked show", "one")
    for name in ("not-kept", "other-address", "credited-unusual-EUR"):
        stage.run("alarm", name)
    office, where = stage.office, stage.where
    office.named("421")
    office.find("5103188801", scan=True)
    office.ledger("421", None)
    office.open_rounds()
    office.open_rounds("421")
    office.prove("421")
    office.record(f"result#{REFERENCE}")
    office.said_of(REFERENCE)
    office.parked()
    office.counts()
    asyncio.run(Listening(where.logs(), groups_of(STACK, office.callbacks), Feed(), where.tables())._poll())
    stage.commands.add("console")


def _mend(stage: "_Stage") -> None:
    stage.run("settle cancel", "b", "--reason", "a test", "--yes")
    of_the_round = ("--player", "421", "--game", "Im_60_tumblefortune", "--reference", "lost", "--not-open")
    stage.run("settle result", "5103188801", "1", *of_the_round, "--reason", "a test", "--yes")
    for callback in stage.office.keeping:
        stage.run("parked redrive", callback, "one")
        stage.run("parked discard", callback, "two", "--reason", "a test", "--yes", "--file", stage.free_file())
        stage.run("parked settle", "five", callback, "--reason", "a test", "--yes")
        letters = {
            group.name: frozenset(letter.message_id for letter in group.letters)
            for pile in stage.office.parked()
            if pile.callback == callback
            for group in pile.groups
        }
        stage.office.redrive(Choice(callback=callback, message_ids=letters["three"]))
        stage.office.discard(Choice(callback=callback, message_ids=letters["four"]), "a test")
    stage.run("find", "nothing", "--no-scan", "--retries")


def _order(stage: "_Stage") -> None:
    for command, amount in (("deposit", "5"), ("withdraw", "1"), ("withdraw", "1000000"), ("adjust", "-1")):
        options = ("--yes",) if command == "adjust" else ()
        stage.run(command, "421", amount, "--reference", f"r{amount}", "--reason", "a test", *options)
    for command in ("players freeze", "players unfreeze"):
        stage.run(command, "421", "--reason", "a test", "--yes")
    stage.run("players add", "424", "--currency", "EUR")
    stage.run("players import", stage.file("players.csv", "userId,currency,cash,bonus\n425,EUR,1,0\n"))


class _Stage:
    """The account as a stack: notes each call with the ARN that it would have in an account."""

    def __init__(self, walletctl: Walletctl, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.calls: set[Call] = set()
        self.commands: set[str] = set()
        self.where = place.DeployedStack(STACK, place.Asked().session(STACK))
        self.office = BackOffice(self.where, is_local=False, folder=folder)
        self._walletctl = walletctl
        self._folder = folder
        walletctl.watch(self._answered)

    def run(self, command: str, *arguments: str) -> None:
        self.commands.add(command)
        result = self._walletctl(*command.split(), *arguments, "--stack", STACK)
        assert result.exit_code in (0, 1), result.output  # 1 is a command's own "no"

    def file(self, name: str, text: str) -> str:
        (self._folder / name).write_text(text)
        return str(self._folder / name)

    def free_file(self) -> str:
        return str(self._folder / f"{uuid4()}.json")

    def _answered(self, operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        self.calls |= set(_as_judged(operation, parameters))
        if operation == "GetQueryResults" and functions_log._PATIENCE_SECONDS < 0:
            return {"status": "Running", "results": []}
        return of_a_stack(operation, parameters, call)


def _as_judged(operation: str, parameters: Mapping[str, Any]) -> Iterator[Call]:
    """The calls that an operation is to IAM: a batch is judged as its one action."""
    match operation:
        case "DescribeStackResource":
            yield Call(f"cloudformation:{operation}", _arn("cloudformation", f"stack/{STACK}/1a2b"))
        case "BatchGetItem":
            for table in parameters["RequestItems"]:
                yield Call(f"dynamodb:{operation}", _table(table))
        case "GetItem" | "PutItem" | "DescribeTable":
            yield Call(f"dynamodb:{operation}", _table(parameters["TableName"]))
        case "Query" | "Scan":
            index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
            yield Call(f"dynamodb:{operation}", _table(parameters["TableName"]) + index)
        case "FilterLogEvents" | "StartQuery":
            for group in parameters.get("logGroupNames") or [parameters["logGroupName"]]:
                yield Call(f"logs:{operation}", _arn("logs", f"log-group:{group}:"))
        case "GetMetricData":
            yield Call(f"cloudwatch:{operation}", "of no resource")
        case "GetQueryResults" | "StopQuery":
            yield Call(f"logs:{operation}", "of no resource")
        case "Invoke":
            name, alias = parameters["FunctionName"], parameters["Qualifier"]
            yield Call("lambda:InvokeFunction", _arn("lambda", f"function:{STACK}-{name}-1A2B:{alias}"))
        case "GetCallerIdentity":
            pass  # everybody may
        case _ if "QueueUrl" in parameters:
            queue = parameters["QueueUrl"].rpartition("/")[2]
            yield Call(f"sqs:{operation.removesuffix('Batch')}", _arn("sqs", f"{STACK}-{queue}-1A2B"))
        case _:
            yield Call(operation, "unknown here, and allowed by nothing")


def _table(name: str) -> str:
    return _arn("dynamodb", f"table/{STACK}-{name}-1A2B")


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


# --- Against the calls ------------------------------------------------------------------------------


def test_each_policy_allows_what_its_commands_ask_and_nothing_else(rehearsal: Rehearsal) -> None:
    look, mend, order = policies(STACK, REGION, ACCOUNT)

    for calls, statements in ((rehearsal.looking, look), (rehearsal.mending, mend), (rehearsal.ordering, order)):
        for call in calls:
            assert any(allows(statement, call) for statement in statements), call
        for action, resource in grants(statements):
            narrowed = {"Sid": "", "Effect": "Allow", "Action": action, "Resource": resource}
            assert any(allows(narrowed, call) for call in calls), f"nobody needs {action} on {resource}"


def test_every_command_for_a_stack_was_rehearsed(rehearsal: Rehearsal) -> None:
    # They play the provider, who has no credentials of the account's.
    of_the_provider = {"certify", "simulate"}

    of_nobody = {"completion"}  # prints a script

    assert rehearsal.commands == set(commands()) - of_the_provider - of_nobody


def grants(statements: Statements) -> Iterator[tuple[str, str]]:
    for statement in statements:
        yield from product(listed(statement["Action"]), listed(statement["Resource"]))


def commands() -> Iterator[str]:
    for name, command in COMMANDS.items():
        yield from (f"{name} {each}" for each in command.commands) if hasattr(command, "commands") else (name,)

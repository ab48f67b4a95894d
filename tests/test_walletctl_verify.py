"""A ledger is proved, and each way it can be wrong is found and named."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from typer.testing import Result

from conftest import ROOT, Operator, published
from local_service import HANG_SECONDS, Service, running
from tamperings import LISTED, Books, Tampering, play
from tools.shared.folders import announcement
from tools.walletctl import proving as _command  # noqa: F401 - else it is imported amid an SDK mocked in parts
from tools.walletctl.verify import account as account_module
from walletctl import PORT, Walletctl

LAST = "result#r-5"


class Ledger(Walletctl):
    """A ledger in the tables, and what a person or a program may do to it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, operator: Operator) -> None:
        super().__init__(folder, monkeypatch)
        self.operator = operator
        self.players = operator.database.Table("Players")
        self.transactions = operator.database.Table("Transactions")
        self.free_rounds = operator.database.Table("FreeRounds")

    def fill(self) -> None:
        """Has it be a good ledger of player 421 and a few others."""
        self.operator.open_wallet("422", cash="0.000000000000000001", bonus="0", currency="USDT")
        self.operator.open_wallet("423", cash="0", bonus="0", currency="EUR")
        self.credit("result", reference="r-1", amount="10.10")
        self.credit("result", reference="r-2", amount="2.5", bonusCode="gift")
        self.credit("bonus", reference="b-1", amount=7, bonusCode="gift")
        self.credit("jackpot", reference="j-1", amount=1000000)
        self.credit("result", reference="r-3", amount="1", promoWinAmount="4", promoWinReference="p-1")
        self.credit("result", reference="r-4", amount="3", bonusCode="gift", timestamp="1482429190375")
        self.credit("result", reference="r-5", amount="0")
        self.credit(
            "result", reference="x-1", userId="422", currency="USDT", amount="99999999999999.999999999999999999"
        )

    def credit(self, callback: str, **changes: Any) -> None:
        changes = {"hash": None, "uuid": "u-1"} | changes
        assert self.operator.send(callback, published(callback, **changes)).json["error"] == 0

    def by_others(self, amount: str, versions: int = 1) -> None:
        """A deposit or a bet."""
        wallet = self.operator.wallet()
        self.set_wallet(cash=wallet["cash"] + Decimal(amount), version=wallet["version"] + versions)

    def set_wallet(self, user_id: str = "421", **changes: Any) -> None:
        self.players.put_item(Item=self.operator.wallet(user_id) | changes)

    def set(self, id: str, **changes: Any) -> None:
        """A transaction with other attributes; None takes one out."""
        item = self.transactions.get_item(Key={"id": id})["Item"] | changes
        self.transactions.put_item(Item={name: value for name, value in item.items() if value is not None})

    def keep(self, user_id: str, code: str, **changes: Any) -> None:
        """What is kept of free rounds with other attributes; of a code that nobody played, all of them."""
        key = {"userId": user_id, "bonusCode": code}
        nothing = key | {"uncovered": Decimal(0), "advance": Decimal(0), "lastRounds": []}
        self.free_rounds.put_item(Item=self.free_rounds.get_item(Key=key).get("Item", nothing) | changes)

    def verify(self, *arguments: str, whose: str | None = "--all") -> Result:
        return self("verify", *([whose] if whose else []), *arguments)

    def account(self, *arguments: str, whose: str = "--all") -> dict[str, Any]:
        result = self.verify("--json", *arguments, whose=whose)
        made = json.loads(result.stdout[result.stdout.index("{\n") :])  # a function's own log may stand before it
        assert result.exit_code == (1 if made["faults"] else 0)
        return made

    def faults(self, *arguments: str) -> list[tuple[str, int | None, str]]:
        return [(fault["userId"], fault["seq"], fault["fault"]) for fault in self.account(*arguments)["shownFaults"]]

    def texts(self) -> str:
        return "\n".join(fault["text"] for fault in self.account()["shownFaults"])


@pytest.fixture
def tables(walletctl: Walletctl, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    return Ledger(walletctl.folder, monkeypatch, operator)


@pytest.fixture
def ledger(tables: Ledger) -> Ledger:
    tables.fill()
    return tables


_played: list[Books] = []  # by the callbacks, once: what each test reads and tampers with is a copy


@pytest.fixture
def books(operator: Operator) -> Books:
    """The items of a ledger in which everything was played, and nothing else was done."""
    if not _played:
        play(operator)
        _played.append(Books.read(operator))
    return deepcopy(_played[0])


# --- What is right ----------------------------------------------------------------------------------


def test_a_good_ledger_is_proved_to_the_last_digit(ledger: Ledger) -> None:
    made = ledger.account("--strict")

    assert made["faults"] == 0
    assert (made["players"], made["transactions"]) == (3, 9)
    assert made["credited"] == {
        "USD": {"bonus": "4.5", "jackpot": "1000000", "promo": "4", "result": "16.6"},
        "USDT": {"result": "99999999999999.999999999999999999"},
    }
    assert made["freeRoundsCompared"] is True


def test_it_is_said_to_a_person(ledger: Ledger) -> None:
    result = ledger.verify("--strict")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-2:] == ["3 players, 9 transactions", "No fault"]
    assert "99999999999999.999999999999999999" in result.stdout


def test_nothing_is_changed(ledger: Ledger) -> None:
    ledger.set(LAST, cashAfter=Decimal(1))
    ledger.watch()
    ledger.verify("--strict")

    assert {operation for operation, _ in ledger.calls} == {"Scan", "BatchGetItem"}


def test_an_empty_ledger_is_one(operator: Operator, ledger: Ledger) -> None:
    for table, keys in ((ledger.transactions, ["id"]), (ledger.players, ["userId"]), (ledger.free_rounds, None)):
        for item in table.scan()["Items"]:
            table.delete_item(Key={key: item[key] for key in keys or ["userId", "bonusCode"]})

    assert ledger.account("--strict")["players"] == 0


def test_many_pages_are_read_whole(ledger: Ledger) -> None:
    def by_twos(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        parameters |= {"Limit": 2} if operation == "Scan" else {}
        return call()

    ledger.watch(by_twos)

    assert ledger.account("--strict")["transactions"] == 9


# --- What is wrong ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "changes", "expected", "text"),
    [
        (LAST, {"seq": 7}, [(7, "seq twice"), (8, "other writer")], "the number of result#r-4 too"),
        ("jackpot#j-1", {"cashAfter": Decimal(1)}, [(4, "chain broken"), (5, "chain broken")], "cashAfter is 1 where"),
        (
            "jackpot#j-1",
            {"bonusAfter": Decimal(200)},
            [(4, "chain broken"), (5, "chain broken")],
            "bonusAfter is 200",
        ),
        (LAST, {"amount": Decimal("0.01")}, [(8, "amount"), (8, "chain broken")], "0.01 was credited, where 0 of 0"),
        ("bonus#b-1", {"amount": Decimal(7)}, [(3, "amount"), (3, "chain broken"), (3, "chain broken")], "4.5 of 7"),
        (
            "result#r-1",
            {"currency": "EUR"},
            [(1, "currency"), (1, "request")],
            "credited in EUR, the wallet's is USD",
        ),
        (
            "result#r-1",
            {"bonusCode": "gift"},
            [(1, "request"), (1, "free rounds"), (1, "free rounds"), (2, "free rounds")],
            "uncoveredAfter is 2.5, where the free rounds before it and this leave 12.6",
        ),
        (
            "result#r-4",
            {"bonusCode": None},
            [(7, "request"), (7, "chain broken"), (7, "free rounds"), (7, "free rounds"), (None, "free rounds")],
            "uncovered of code gift is kept as 3, where its rounds and totals leave 0",
        ),
        (LAST, {"cashAfter": None}, [(None, "unreadable"), (8, "other writer")], "lacks cashAfter"),
        (LAST, {"seq": Decimal("8.5")}, [(None, "unreadable"), (8, "other writer")], "lacks seq"),
        (LAST, {"amount": Decimal(-1)}, [(None, "unreadable"), (8, "other writer")], "lacks amount"),
    ],
)
def test_a_transaction_that_was_tampered_with_is_named(
    ledger: Ledger, id: str, changes: Mapping[str, Any], expected: list[tuple[int | None, str]], text: str
) -> None:
    ledger.set(id, **changes)

    assert sorted(ledger.faults("--strict"), key=str) == sorted([("421", *each) for each in expected], key=str)
    assert text in ledger.texts()


@pytest.mark.parametrize(
    ("changes", "expected", "text"),
    [
        ({"cash": Decimal(5)}, (8, "balance differs"), "the wallet's cash is 5, this left 1099915.09: -1099910.09"),
        ({"bonus": Decimal(5)}, (8, "balance differs"), "the wallet's bonus is 5, this left 109.99: -104.99"),
        ({"currency": "EUR"}, (1, "currency"), "the wallet's is EUR"),
        ({"cash": "5"}, (None, "unreadable"), "the wallet lacks cash"),
        ({"version": Decimal(-1)}, (None, "unreadable"), "the wallet lacks version"),
    ],
)
def test_a_wallet_that_was_tampered_with_is_named(
    ledger: Ledger, changes: Mapping[str, Any], expected: tuple[int | None, str], text: str
) -> None:
    ledger.set_wallet(**changes)

    assert ledger.faults("--strict")[0] == ("421", *expected)
    assert text in ledger.texts()


def test_the_figures_of_a_broken_chain_are_exact(ledger: Ledger) -> None:
    item = ledger.transactions.get_item(Key={"id": LAST})["Item"]
    ledger.set(LAST, cashAfter=item["cashAfter"] + Decimal("0.000000000000000001"))

    assert ": +0.000000000000000001" in ledger.texts()


def test_a_count_that_its_rounds_do_not_make_is_named(ledger: Ledger) -> None:
    ledger.keep("421", "gift", uncovered=Decimal(2))
    ledger.keep("423", "none", uncovered=Decimal(1))
    ledger.keep("423", "odd", uncovered="1")

    assert sorted(ledger.faults(), key=str) == [
        ("421", None, "free rounds"),
        ("423", None, "free rounds"),
        ("423", None, "unreadable"),
    ]


def test_transactions_without_a_wallet_are_a_fault(ledger: Ledger) -> None:
    ledger.players.delete_item(Key={"userId": "421"})

    assert ledger.faults() == [("421", None, "no wallet")]


def test_a_row_for_a_person_has_the_player_the_number_and_the_figures(ledger: Ledger) -> None:
    ledger.set_wallet(cash=Decimal(5))

    result = ledger.verify()

    assert result.exit_code == 1
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("421")]
    assert row.split()[:4] == ["421", "8", "balance", "differs"]
    assert f"{LAST}: the wallet's cash is 5, this left 1099915.09" in row
    assert result.stdout.splitlines()[-1] == "1 fault"


# --- What somebody could do to the tables --------------------------------------------------------------


def missing(named: Tampering, made: Mapping[str, Any]) -> list[tuple[str, str | None, str]]:
    """Those faults that must be named, and are not."""
    found = [(fault["fault"], fault["id"], fault["text"]) for fault in made["shownFaults"]]
    return [
        (what, id, words)
        for what, id, words in named.named
        if not any((what, id) == each[:2] and words in each[2] for each in found)
    ]


@pytest.mark.parametrize("whose", ["--all", "421", "free", "prizes", "19"])
def test_whatever_was_played_is_proved(tables: Ledger, books: Books, whose: str) -> None:
    books.put()

    made = tables.account("--strict", whose=whose)

    assert made["shownFaults"] == []
    assert made["transactions"] == len(
        [item for item in books.transactions.values() if whose in ("--all", item["userId"])]
    )


@pytest.mark.parametrize("name", LISTED)
def test_what_was_done_to_one_players_ledger_is_named(tables: Ledger, books: Books, name: str) -> None:
    LISTED[name].do(books)
    books.put()
    (whose, *_) = {books.owner(id) for _, id, _ in LISTED[name].named if id} or {"421" if "nobody" in name else "free"}

    assert missing(LISTED[name], tables.account(whose=whose)) == []


# --- Restores, and other programs -------------------------------------------------------------------


def test_wallets_older_than_their_transactions_are_a_torn_restore(ledger: Ledger) -> None:
    before = ledger.operator.wallet()
    ledger.credit("result", reference="late-1", amount="5")
    ledger.credit("promo", reference="late-2", amount="6")
    ledger.players.put_item(Item=before)

    assert ledger.faults() == [("421", 9, "beyond the wallet"), ("421", 10, "beyond the wallet")]
    assert f"the wallet is at version 8 with {before['cash']}; this credited 5 and left" in ledger.texts()
    assert "2 transactions beyond the wallet: torn" in ledger.verify().stdout


def test_transactions_older_than_their_wallet_are_told_apart_only_by_strict(ledger: Ledger) -> None:
    ledger.transactions.delete_item(Key={"id": "result#r-1"})
    ledger.transactions.delete_item(Key={"id": LAST})
    ledger.set_wallet(cash=ledger.operator.wallet()["cash"])

    made = ledger.account()
    assert made["faults"] == 0
    assert made["otherWriters"]["versions"] == 2
    assert made["otherWriters"]["playersAheadOfTheirLastTransaction"] == 1
    assert ledger.faults("--strict") == [("421", 1, "other writer"), ("421", 8, "other writer")]


def test_deposits_and_bets_of_others_are_counted_with_what_they_moved(ledger: Ledger) -> None:
    ledger.by_others("-20.5")
    ledger.by_others("+100", versions=2)
    ledger.credit("result", reference="r-6", amount="1")
    ledger.by_others("-7")

    made = ledger.account()
    assert made["faults"] == 0
    assert [(gap["first"], gap["last"], gap["cash"]) for gap in made["otherWriters"]["shown"]] == [
        (9, 11, "79.5"),
        (13, 13, "-7"),
    ]
    assert "4 versions of 1 wallet left no transaction" in ledger.verify().stdout
    assert "--strict names each" in ledger.verify().stdout
    assert ledger.faults("--strict") == [("421", 9, "other writer"), ("421", 13, "other writer")]
    assert "versions 9 to 11 left no transaction: cash moved by +79.5" in ledger.verify("--strict").stdout


def test_a_writer_that_forgets_the_version_is_a_fault(ledger: Ledger) -> None:
    ledger.by_others("-20.5", versions=0)
    assert ledger.faults() == [("421", 8, "balance differs")]

    ledger.credit("result", reference="r-6", amount="1")
    assert ledger.faults() == [("421", 9, "chain broken")]


def test_what_is_credited_while_it_is_read_is_no_fault(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    make_call = BaseClient._make_api_call

    def amid_credits(client: Any, operation: str, parameters: Any) -> Any:
        if operation == "Scan" and parameters["TableName"] == "Transactions":
            with monkeypatch.context() as quiet:
                quiet.setattr(BaseClient, "_make_api_call", make_call)
                ledger.credit("result", reference="meanwhile-1", amount="5", bonusCode="gift")
                ledger.credit("result", reference="r-1", amount="10.10", promoWinAmount="4", promoWinReference="p-9")
                ledger.operator.open_wallet("new", currency="USD")
                ledger.credit("result", reference="meanwhile-2", userId="new")
        return make_call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", amid_credits)
    made = ledger.account("--strict")

    assert made["faults"] == 0
    assert made["movedWhileRead"] == 2


def test_a_player_who_is_credited_meanwhile_hides_no_fault(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    make_call = BaseClient._make_api_call
    ledger.set("jackpot#j-1", cashAfter=Decimal(1))

    def amid_credits(client: Any, operation: str, parameters: Any) -> Any:
        if operation == "Scan" and parameters["TableName"] == "Transactions":
            with monkeypatch.context() as quiet:
                quiet.setattr(BaseClient, "_make_api_call", make_call)
                ledger.credit("result", reference="meanwhile", amount="5")
        return make_call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", amid_credits)

    assert ledger.faults() == [("421", 4, "chain broken"), ("421", 5, "chain broken")]


# --- What it is told, and what it tells -------------------------------------------------------------


@pytest.mark.parametrize("name", ["[bold red]x[/bold red]", "\x1b[2Jx", "\u202ex", "a\\x1b", "x\r\ny"])
def test_no_name_does_anything_to_a_terminal(ledger: Ledger, name: str) -> None:
    item = ledger.transactions.get_item(Key={"id": LAST})["Item"]
    ledger.transactions.put_item(Item=item | {"id": f"result#{name}", "currency": name})
    ledger.transactions.put_item(Item=item | {"id": "result#stray", "userId": name})

    shown = ledger.verify().stdout

    assert shown.replace("\n", "").isprintable()
    assert "seq twice" in shown
    if name.startswith("[bold"):
        assert name in shown


def test_not_more_is_shown_than_can_be_read(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_module, "MOST_SHOWN", 1)
    ledger.set("jackpot#j-1", cashAfter=Decimal(1))

    made = ledger.account()

    assert made["faults"] == 2
    assert len(made["shownFaults"]) == 1
    assert made["faultsByKind"] == {"chain broken": 2}
    assert "Of 2 faults" in ledger.verify().stdout


def test_restored_tables_are_read_by_their_names(ledger: Ledger) -> None:
    table = {
        "AttributeDefinitions": [{"AttributeName": "userId", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    ledger.operator.database.create_table(
        TableName="Players-at-noon", KeySchema=[{"AttributeName": "userId", "KeyType": "HASH"}], **table
    ).put_item(Item=ledger.operator.wallet() | {"cash": Decimal(5)})
    by_name = ("--players-table", "Players-at-noon", "--transactions-table", "Transactions")

    made = ledger.account(*by_name)

    assert ("421", "balance differs") in [(fault["userId"], fault["fault"]) for fault in made["shownFaults"]]
    assert made["freeRoundsCompared"] is False
    assert "free rounds were not compared" in ledger.verify(*by_name).stdout
    assert ledger.account(*by_name, "--free-rounds-table", "FreeRounds")["freeRoundsCompared"] is True


def test_a_stack_is_asked_for_its_tables_but_for_those_that_are_named(ledger: Ledger) -> None:
    resources = {
        name: {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}
        for name in ("Players", "Transactions", "FreeRounds")
    }  # queues, whose physical ids hold their names: enough to see who is asked for what
    template = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})
    boto3.client("cloudformation").create_stack(StackName="prod", TemplateBody=template)
    tables = ("--players-table", "Players", "--transactions-table", "Transactions", "--free-rounds-table", "FreeRounds")

    assert ledger.account("--stack", "prod", *tables, "--strict")["transactions"] == 9
    refused = ledger.verify("--stack", "prod", *tables[:4])
    assert refused.exit_code == 2
    assert "FreeRounds cannot be read" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--stack", "no\x1bne"), "the stack no\\x1bne cannot be asked for its tables"),
        (("--players-table", "P"), "name both --players-table and --transactions-table"),
        (("--players-table", "None", "--transactions-table", "Transactions"), "the table None cannot be read"),
    ],
)
def test_what_cannot_be_read_is_no_verdict(ledger: Ledger, arguments: tuple[str, ...], said: str) -> None:
    result = ledger.verify(*arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert not result.stdout


def test_without_a_service_it_says_so(ledger: Ledger) -> None:
    announcement(PORT).write_text(json.dumps({"pid": 2**22, "dynamodb": "http://127.0.0.1:9", "region": "eu-west-1"}))

    result = ledger.verify()

    assert result.exit_code == 2
    assert f"no local service runs on port {PORT} any more" in result.stderr


# --- One player's -------------------------------------------------------------------------------------


def test_one_player_is_proved_without_the_others(ledger: Ledger) -> None:
    ledger.set("result#x-1", cashAfter=Decimal(1))

    made = ledger.account("--strict", whose="421")

    assert (made["players"], made["transactions"], made["faults"]) == (1, 8, 0)
    assert ledger.account("--strict", whose="422")["faultsByKind"] == {"balance differs": 1}


def test_one_player_is_read_by_key_and_index_and_nothing_is_scanned(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.watch()

    assert ledger.verify(whose="421").exit_code == 0
    assert {operation for operation, _ in ledger.calls} == {"BatchGetItem", "Query"}


@pytest.mark.parametrize(
    ("id", "changes", "fault"),
    [
        (LAST, {"cashAfter": Decimal(1)}, "chain broken"),
        ("bonus#b-1", {"amount": Decimal(7)}, "amount"),
        ("result#r-1", {"currency": "EUR"}, "currency"),
        (LAST, {"amountAsked": None}, "unreadable"),
    ],
)
def test_what_is_wrong_with_one_players_ledger_is_named(
    ledger: Ledger, id: str, changes: Mapping[str, Any], fault: str
) -> None:
    ledger.set(id, **changes)

    assert fault in ledger.account(whose="421")["faultsByKind"]
    assert ledger.account(whose="422")["faults"] == 0


def test_the_counts_of_one_players_free_rounds_are_compared(ledger: Ledger) -> None:
    ledger.keep("421", "gift", uncovered=Decimal(9))

    assert ledger.account(whose="421")["faultsByKind"] == {"free rounds": 1}
    assert ledger.account(whose="422")["faults"] == 0


def test_more_transactions_than_one_call_takes_are_proved(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.walletctl.tables._MOST_KEYS", 3)

    assert ledger.account("--strict", whose="421")["transactions"] == 8


def test_an_index_that_is_a_moment_behind_is_waited_for(ledger: Ledger) -> None:
    def lagging(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        answer = call()
        if operation == "Query" and len(ledger.asked("Query")) == 2:  # the first is of the free rounds
            answer["Items"] = answer["Items"][:-1]
        return answer

    ledger.watch(lagging)

    assert ledger.account("--strict", whose="421")["transactions"] == 8
    assert len(ledger.asked("Query")) == 3


def test_a_player_of_whom_there_is_nothing_is_no_verdict(ledger: Ledger) -> None:
    result = ledger.verify(whose="no\x1bbody")

    assert result.exit_code == 2
    assert "there is no player no\\x1bbody: no wallet, and no transaction" in result.stderr
    assert "walletctl players list" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("--all", "421")])
def test_it_is_told_either_whose_or_everyones(ledger: Ledger, arguments: tuple[str, ...]) -> None:
    result = ledger.verify(*arguments, whose=None)

    assert result.exit_code == 2
    assert result.stderr.startswith("walletctl: say whose ledger: name a player, or say --all")


def test_faults_are_rows_of_csv(ledger: Ledger) -> None:
    ledger.set("jackpot#j-1", cashAfter=Decimal(1))

    result = ledger.verify("--csv")

    assert result.exit_code == 1
    rows = list(csv.DictReader(result.stdout[result.stdout.index("userId,") :].splitlines()))
    assert [(row["userId"], row["seq"], row["id"], row["fault"]) for row in rows] == [
        ("421", "4", "jackpot#j-1", "chain broken"),
        ("421", "5", "result#r-3", "chain broken"),
    ]


# --- On a service that runs -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running() as service:
        yield service


def on(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "tools.programs.walletctl", "verify", "--all", *arguments],
        cwd=ROOT,
        env=os.environ | {"PORT": str(service.port)},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )


def sent(service: Service, number: int) -> None:
    callback, path, changes = (
        ("result", "/v4/Result", {}),
        ("result", "/v4/Result", {"bonusCode": "gift"}),
        ("bonus", "/bonuswin", {"bonusCode": "gift", "hash": None, "uuid": "u"}),
        ("jackpot", "/V4/JackPotWin", {"hash": None, "uuid": "u"}),
        ("promo", "/V4/PromoWin", {}),
    )[number % 5]
    answer = service.post(path, published(callback, reference=f"v-{number}", amount=f"{number}.05", **changes))
    assert answer.json()["error"] == 0


def test_what_a_running_service_credited_is_a_ledger(service: Service) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: sent(service, number), range(40)))

    made = on(service, "--strict", "--json")

    assert made.returncode == 0, made.stdout + made.stderr
    assert json.loads(made.stdout)["transactions"] == 40


def test_it_can_be_proved_while_it_serves(service: Service) -> None:
    with ThreadPoolExecutor(4) as pool:
        sending = [pool.submit(sent, service, number) for number in range(100, 160)]
        while not all(each.done() for each in sending):
            made = on(service, "--strict")
            assert made.returncode == 0, made.stdout + made.stderr
        for each in sending:
            each.result()


def test_a_wallet_that_was_set_back_is_found_in_a_running_service(service: Service) -> None:
    put: Callable[..., Any] = service.tables().Table("Players").put_item
    wallet = service.wallet("421")
    put(Item=wallet | {"version": wallet["version"] - 1})

    made = on(service)
    put(Item=wallet)

    assert made.returncode == 1
    assert "beyond the wallet: torn" in made.stdout
    assert on(service, "--strict").returncode == 0

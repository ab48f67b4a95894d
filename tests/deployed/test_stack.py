"""The stack as it is deployed: template.yaml by `sam deploy` in an engine, called by the URLs it hands out.

API Gateway, the functions behind their aliases, DynamoDB, SQS and Secrets Manager are the engine's; every role is
held to its policies, and nothing is reached but by TLS.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import EVENTS, published
from deployed.watcher import key_of_user, watching
from local_service import wait_until
from stack import CALLBACKS
from tools.local.deploy.examples import OUTPUTS_OF_BETS, example, examples
from tools.local.deploy.probe import probe, show
from tools.local.deploy.stack import REGION, Stack, deployed
from tools.local.engine import free_port
from tools.local.opening import Opening
from tools.local.template import Template
from tools.local.wallets import read_players
from tools.provider.signing import signed_again
from wallet import wire
from wallet.trust import hash_of

SECRETS = json.loads((EVENTS / "secrets.json").read_text())
TOKEN = SECRETS["current"]["authToken"]


@pytest.fixture(scope="module")
def fresh() -> Iterator[Stack]:
    """As CloudFormation leaves it."""
    with deployed(free_port(), cidrs="127.0.0.1/32,203.0.113.0/28", retry_seconds=1) as stack:
        yield stack


@pytest.fixture(scope="module")
def first_answer(fresh: Stack) -> tuple[int, str]:
    """What a callback is answered before the secret has a value."""
    return send(fresh, "result", {}, token=TOKEN, key="current")


@pytest.fixture(scope="module")
def stack(fresh: Stack, first_answer: tuple[int, str]) -> Stack:
    fresh.keep_secret(SECRETS)
    return fresh


class Account:
    """A player of the deployed stack, with a wallet of their own."""

    def __init__(self, stack: Stack, user_id: str, cash: str = "100", bonus: str = "0") -> None:
        self.stack = stack
        self.user_id = user_id
        self.stack.open_wallet(Opening(user_id=user_id, currency="USD", cash=Decimal(cash), bonus=Decimal(bonus)))

    def send(self, callback: str, *, token: str = TOKEN, key: str = "current", **changes: Any) -> dict[str, Any]:
        """Sends the callback's published body for this player; its answer, and its HTTP status as `status`."""
        status, text = send(self.stack, callback, {"userId": self.user_id, **changes}, token=token, key=key)
        return json.loads(text, parse_float=Decimal) | {"status": status}

    @property
    def cash(self) -> Decimal:
        return self.stack.table("Players").get_item(Key={"userId": self.user_id})["Item"]["cash"]

    def ledger(self) -> list[str]:
        """The ids of the player's movements after the opening, in order."""
        items = [item for item in self.stack.table("Transactions").scan()["Items"] if "seq" in item]
        mine = sorted((item for item in items if item["userId"] == self.user_id), key=lambda item: item["seq"])
        assert [item["seq"] for item in mine] == list(range(1, len(mine) + 1))
        opening, *others = [item["id"] for item in mine]
        assert opening == f"opening#{self.user_id}"
        return others


def send(stack: Stack, callback: str, changes: dict[str, Any], *, token: str, key: str) -> tuple[int, str]:
    signed = signed_again(json.dumps(published(callback, **changes)), SECRETS[key]["hashSecret"])
    return stack.call(f"{stack.outputs[example(callback).output]}?authToken={quote(token)}", signed)


def waiting(stack: Stack, queue: str) -> int:
    """How many messages a queue holds, due, hidden or delayed."""
    attributes = stack.client("sqs").get_queue_attributes(QueueUrl=stack.resources[queue], AttributeNames=["All"])
    return sum(int(count) for name, count in attributes["Attributes"].items() if name.startswith("ApproximateNumber"))


@contextmanager
def without_permission(stack: Stack, role: str, policy: str) -> Iterator[None]:
    iam, grant = stack.client("iam"), {"RoleName": stack.resources[role], "PolicyArn": stack.resources[policy]}
    iam.detach_role_policy(**grant)
    try:
        yield
    finally:
        iam.attach_role_policy(**grant)


# --- The callbacks ----------------------------------------------------------------------------------


def test_the_published_examples_are_credited_one_after_the_other(stack: Stack) -> None:
    stack.open_wallet(read_players(EVENTS / "players.json")[0])

    answers = {}
    for each in examples():
        url = f"{stack.outputs[each.output]}?authToken={TOKEN}"
        status, text = stack.call(url, signed_again(each.body, SECRETS["current"]["hashSecret"]))
        assert status == 200, text
        answers[each.name] = json.loads(text, parse_float=Decimal)

    cash = {name: answer["cash"] for name, answer in answers.items()}
    assert cash == {
        "result": "99899.99",
        "auto_closing": Decimal("99899.99"),  # a replay: the round's own result came first
        "jackpot": Decimal("99954.99"),
        "bonus": Decimal("99955.99"),
        "promo": "100455.99",
    }
    assert answers["result"]["transactionId"] == answers["auto_closing"]["transactionId"]


def test_a_retransmission_is_a_replay_and_other_content_a_conflict_left_for_a_person(stack: Stack) -> None:
    player = Account(stack, "repeated")
    letters = waiting(stack, "ResultDeadLetters")

    first, again = (player.send("result", reference="repeated") for _ in range(2))
    other = player.send("result", reference="repeated", amount="11")

    assert first == again
    assert (other["status"], other["error"]) == (200, 61)
    assert player.cash == 110
    assert player.ledger() == ["result#repeated"]
    assert waiting(stack, "ResultDeadLetters") == letters + 1


@pytest.mark.parametrize("callback", ["result", "jackpot", "bonus", "promo"])
def test_every_path_of_a_callback_leads_to_it(stack: Stack, callback: str) -> None:
    player = Account(stack, f"paths of {callback}", cash="0")
    paths = [path for path, name in Template.load().routes().items() if name == callback]
    base = stack.outputs["BonusUrl"].removesuffix("/bonuswin")

    for number, path in enumerate(paths):
        body = json.dumps(published(callback, userId=player.user_id, reference=f"{callback}-{number}", amount="1"))
        signed = signed_again(body, SECRETS["current"]["hashSecret"])
        status, text = stack.call(f"{base}{path}?authToken={TOKEN}", signed)
        assert (status, json.loads(text)["error"]) == (200, 0), text

    assert player.cash == len(paths)


@pytest.mark.parametrize("version", ["v4", "V4", "v1"])
def test_a_round_is_played_by_every_spelling_of_its_paths(stack: Stack, version: str) -> None:
    player = Account(stack, f"round of {version}", cash="100")
    base = stack.outputs["BonusUrl"].removesuffix("/bonuswin")

    def call(path: str, name: str, **changes: Any) -> dict[str, Any]:
        body = json.dumps(published(name, **{"userId": player.user_id, "roundId": f"round-{version}", **changes}))
        signed = signed_again(body, SECRETS["current"]["hashSecret"])
        status, text = stack.call(f"{base}/{version}/{path}?authToken={TOKEN}", signed)
        answer = json.loads(text)
        assert (status, answer["error"]) == (200, 0), text
        return answer

    first, second = f"bet-{version}", f"bet-2-{version}"
    assert call("Balance", "balance")["cash"] == "100"
    assert call("Check", "check")["description"] == "Success"
    assert call("Bet", "bet", reference=first, amount="30")["cash"] == "70"
    assert call("Bet", "bet", reference=second, amount="20")["cash"] == "50"
    assert call("Cancel", "cancel", reference=first)["cash"] == "80"
    assert call("Refund", "refund", reference=f"refund-{version}")["cash"] == "100"
    assert call("EndRound", "endround")["cash"] == "100"

    assert player.ledger() == [f"bet#{first}", f"bet#{second}", f"cancel#{first}", f"cancel#{second}"]
    (round_,) = [item for item in stack.table("Rounds").scan()["Items"] if item["userId"] == player.user_id]
    assert (round_["bets"], round_["refunded"], round_["ended"]) == ([], True, True)


def test_a_bet_over_the_balance_is_refused_for_good(stack: Stack) -> None:
    player = Account(stack, "short", cash="5")

    refused = player.send("bet", reference="too much", amount="6")
    stack.open_wallet(Opening(user_id="rich", currency="USD", cash=Decimal(1), bonus=Decimal(0)))
    again = player.send("bet", reference="too much", amount="6")

    assert [(each["status"], each["error"], each["cash"]) for each in (refused, again)] == [(200, 15, "5")] * 2
    assert player.cash == 5


def test_a_kept_cancel_is_settled_by_its_queue(stack: Stack) -> None:
    player = Account(stack, "paid back", cash="10")
    assert player.send("bet", reference="lost", amount="10", roundId="lost")["error"] == 0

    with without_permission(stack, "CancelRole", "PlayerAccess"):
        refused = player.send("cancel", reference="lost", roundId="lost")
        assert (refused["status"], refused["error"]) == (503, 998)

    wait_until(lambda: player.cash == 10)
    assert player.ledger() == ["bet#lost", "cancel#lost"]


def test_the_cashier_freezes_a_player_and_may_write_nothing_else_of_a_wallet_alone(stack: Stack) -> None:
    player = Account(stack, "frozen")
    said = {"userId": "frozen", "actor": "support", "reason": "a test"}

    answer = json.load(stack.invoke(stack.outputs["CashierFunction"], {"freeze": said})["Payload"])
    frozen = player.send("bet", reference="while frozen")
    json.load(stack.invoke(stack.outputs["CashierFunction"], {"unfreeze": said})["Payload"])
    free = player.send("bet", reference="while frozen")

    assert (answer["error"], answer.get("frozen")) == (0, True), answer
    assert (frozen["error"], free["error"]) == (56, 0)


def test_a_stack_with_wins_alone_credits_and_knows_no_bet() -> None:
    with deployed(free_port(), calls="Wins") as wins:
        wins.keep_secret(SECRETS)
        player = Account(wins, "421", cash="0")
        url = f"{wins.outputs['ResultUrl'].replace('/v4/Result', '/v4/Bet')}?authToken={TOKEN}"

        assert player.send("result", reference="won", amount="7")["error"] == 0
        status, text = wins.call(url, json.dumps(published("bet")))

        assert (status, json.loads(text)["error"]) == (404, 404)
        assert player.cash == 7
        of_bets = [
            name for name in wins.resources if name.startswith(("Bet", "Cancel", "Endround", "Balance", "Rounds"))
        ]
        assert of_bets == []


def test_a_prize_with_a_result_and_free_rounds_are_written_together(stack: Stack) -> None:
    player = Account(stack, "rounds", cash="0")

    prize = player.send("result", reference="r-1", amount="2", promoWinAmount="3", promoWinReference="p-1")
    round_ = player.send("result", reference="r-2", amount="4", bonusCode="SPINS")
    total = player.send("bonus", reference="b-1", amount="10", bonusCode="SPINS")

    assert [answer["error"] for answer in (prize, round_, total)] == [0, 0, 0]
    assert player.cash == 2 + 3 + 10
    assert player.ledger() == ["result#r-1", "promo#p-1", "result#r-2", "bonus#b-1"]


# --- The cashier ------------------------------------------------------------------------------------


def test_the_cashier_is_invoked_with_the_documented_policy_and_with_no_less(stack: Stack) -> None:
    player, key = Account(stack, "ordered"), key_of_user(stack, "payouts", "order")
    order = {"userId": "ordered", "currency": "USD", "actor": "payouts", "reason": "a test"}

    def invoke(movement: str, amount: str, function: str = "CashierFunction") -> Any:
        caller = boto3.Session(**key, region_name=REGION).client(
            "lambda", endpoint_url=stack.endpoint, verify=str(stack.authority), config=Config(proxies={})
        )
        name = stack.outputs[function] if function in stack.outputs else f"{stack.resources[function]}:live"
        payload = json.dumps({**order, "movement": movement, "reference": "o-1", "amount": amount})
        return json.load(caller.invoke(FunctionName=name, Payload=payload)["Payload"])

    deposits = [invoke("deposit", "25.00"), invoke("deposit", "25.00")]
    conflict, taken = invoke("deposit", "26"), invoke("withdrawal", "200")
    adjusted, beyond = invoke("adjustment", "-5"), invoke("adjustment", "-10000.01")

    assert deposits[0] == deposits[1]
    assert [each["error"] for each in (deposits[0], conflict, taken, adjusted, beyond)] == [0, 61, 15, 0, 59]
    assert (taken["cash"], player.cash) == ("125", 120)
    with pytest.raises(ClientError, match="AccessDenied"):
        invoke("deposit", "1", "ResultFunction")


# --- The first minutes ------------------------------------------------------------------------------


def test_nothing_is_credited_before_the_secret_has_a_value_and_then_at_once(
    stack: Stack, first_answer: tuple[int, str]
) -> None:
    status, text = first_answer
    assert (status, json.loads(text)["error"]) == (503, 998)

    assert Account(stack, "first").send("result", reference="first")["error"] == 0


@pytest.mark.parametrize("callback", CALLBACKS)
def test_a_snapshot_is_warmed_up_with_the_function_s_own_permissions(stack: Stack, callback: str) -> None:
    # The engine, too, publishes a version with SnapStart by running what is to be done before the snapshot.
    said: list[str] = []

    def is_told() -> bool:
        logs, group = stack.client("logs"), stack.resources[f"{callback.title()}Log"]
        events = logs.filter_log_events(logGroupName=group)["events"]
        said[:] = [event["message"] for event in events if "a snapshot was" in event["message"]]
        return bool(said)

    Account(stack, f"snapshot of {callback}").send(callback, reference=f"snapshot-{callback}")

    wait_until(is_told)
    # Nine functions are warmed up at the same time here: on a busy machine the engine may be late. It denies nothing.
    reasons = [json.loads(line).get("reason") for line in said if '"a snapshot was warmed up"' not in line]
    assert set(reasons) <= {"ReadTimeoutError", "ConnectTimeoutError"}, said


# --- Trust ------------------------------------------------------------------------------------------


def test_a_wrong_token_or_hash_is_refused_and_nothing_moves(stack: Stack) -> None:
    player = Account(stack, "stranger")

    wrong_token = player.send("result", token="guessed")
    body = json.dumps(published("bonus", userId=player.user_id, hash="0" * 32))
    wrong_hash, _ = stack.call(f"{stack.outputs['BonusUrl']}?authToken={TOKEN}", body)

    assert wrong_token["status"] == wrong_hash == 401
    assert player.cash == 100
    assert player.ledger() == []


def test_a_secret_is_rotated_without_a_win_refused(stack: Stack) -> None:
    player = Account(stack, "rotation", cash="0")
    old, new = SECRETS["previous"], SECRETS["current"]

    # Both are valid, so either side may change over at its leisure.
    by_new = player.send("jackpot", reference="new", amount="1", token=new["authToken"], key="current")
    by_old = player.send("jackpot", reference="old", amount="1", token=old["authToken"], key="previous")

    assert (by_new["error"], by_old["error"]) == (0, 0)
    assert player.cash == 2


def test_a_probe_tries_every_lock_and_moves_nothing(stack: Stack) -> None:
    player = Account(stack, "check")

    def call(url: str, body: str) -> tuple[int, str]:
        return stack.call(url, body)

    good = probe(call, stack.outputs, SECRETS["current"], "check", "USD")
    wrong_hash = probe(call, stack.outputs, SECRETS["current"] | {"hashSecret": "guessed"}, "check", "USD")
    wrong_token = probe(call, stack.outputs, SECRETS["current"] | {"authToken": "gue&ssed"}, "check", "USD")

    calls = {"result", "jackpot", "bonus", "promo", *OUTPUTS_OF_BETS}
    assert {each.callback: each.answer.error for each in good} == dict.fromkeys(calls, 0)
    assert show(good)
    assert {each.callback: each.answer.error for each in wrong_hash} == dict.fromkeys(calls, 0) | {
        "jackpot": 401,
        "bonus": 401,
    }
    assert not show(wrong_hash)
    assert {each.answer.error for each in wrong_token} == {401}
    assert player.cash == 100


# --- The next deployment ----------------------------------------------------------------------------


def versions(stack: Stack) -> dict[str, str]:
    """The version of each function that callbacks reach."""
    functions = stack.client("lambda")
    return {
        callback: functions.get_alias(FunctionName=stack.resources[f"{callback.title()}Function"], Name="live")[
            "FunctionVersion"
        ]
        for callback in CALLBACKS
    }


def test_a_deployment_reaches_what_is_called_and_publishes_nothing_for_the_rest(stack: Stack) -> None:
    first = versions(stack)

    stack.deploy(ThrottleRate="7", ThrottleBurst="7")

    assert versions(stack) == first  # no canary, so no alarm can undo it
    stage = stack.client("apigateway").get_stage(restApiId=stack.resources["Api"], stageName="live")
    assert stage["methodSettings"]["*/*"]["throttlingRateLimit"] == 7

    stack.deploy(LogLevel="DEBUG")

    later = versions(stack)
    for callback, version in later.items():
        assert version != first[callback]
        published = stack.client("lambda").get_function_configuration(
            FunctionName=stack.resources[f"{callback.title()}Function"], Qualifier=version
        )
        assert published["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == "DEBUG"


def test_nobody_but_the_provider_s_addresses_gets_through() -> None:
    with deployed(free_port(), cidrs="203.0.113.0/28") as elsewhere:
        status, text = elsewhere.call(f"{elsewhere.outputs['ResultUrl']}?authToken={TOKEN}", "{}")

    # If it is the provider all the same, with a new address, it sends again.
    assert (status, json.loads(text)["error"]) == (503, 998)


def test_what_the_gateway_answers_by_itself_speaks_the_contract(stack: Stack) -> None:
    url = stack.outputs["ResultUrl"]

    nowhere = stack.call(url.replace("/v4/Result", "/v4/Nowhere"), "{}")
    not_post = stack.call(url, "{}", method="PUT")

    assert (nowhere[0], json.loads(nowhere[1])["error"]) == (404, 404)
    assert (not_post[0], json.loads(not_post[1])["error"]) == (405, 405)


# --- What could not be credited ---------------------------------------------------------------------


def test_a_kept_win_is_credited_by_its_queue_once_its_player_is_there(stack: Stack) -> None:
    status, text = send(stack, "result", {"userId": "late", "reference": "kept"}, token=TOKEN, key="current")
    assert (status, json.loads(text)["error"]) == (200, 62)

    player = Account(stack, "late", cash="0")

    wait_until(lambda: player.cash == 10)
    wait_until(lambda: waiting(stack, "ResultRetryQueue") == 0)
    assert player.ledger() == ["result#kept"]


def test_a_function_without_its_permission_credits_nothing_and_keeps_the_win(stack: Stack) -> None:
    # So the engine does hold the roles to their policies, and every test above shows that these suffice.
    player = Account(stack, "forbidden", cash="0")

    with without_permission(stack, "JackpotRole", "PlayerAccess"):
        refused = player.send("jackpot", reference="forbidden", amount="7")
        assert (refused["status"], refused["error"]) == (503, 998)
        assert player.ledger() == []

    wait_until(lambda: player.cash == 7)
    assert player.ledger() == ["jackpot#forbidden"]


def test_a_hash_is_of_the_body_as_it_was_sent(stack: Stack) -> None:
    player = Account(stack, "signed", cash="0")
    body = json.dumps(published("bonus", userId=player.user_id, reference="signed", amount="1.50", hash="x"))
    digest = hash_of(wire.parse(body).parameters, SECRETS["current"]["hashSecret"])

    url = f"{stack.outputs['BonusUrl']}?authToken={TOKEN}"
    changed, _ = stack.call(url, body.replace('"x"', f'"{digest}"').replace("1.50", "1.5"))
    as_sent, _ = stack.call(url, body.replace('"x"', f'"{digest}"'))

    assert (changed, as_sent) == (401, 200)
    assert player.cash == Decimal("1.5")


# --- Who looks --------------------------------------------------------------------------------------


def test_the_console_shows_a_stack_and_repairs_it_with_the_documented_permissions(stack: Stack, tmp_path: Path) -> None:
    player = Account(stack, "watched", cash="0")
    for amount in ("7", "7", "8"):
        player.send("result", reference="w-1", amount=amount, roundId="a-round")
    for reference in ("w-2", "w-3"):
        assert player.send("jackpot", reference=reference, amount="5", currency="EUR")["error"] == 52
    assert player.send("promo", reference="w-4", amount="-1")["error"] == 59

    with watching(stack, tmp_path) as console:
        rows = [row for row in console.live("w-1", "w-2", "w-3", "w-4") if " w-" in row]
        # A row for each reference: what came last under it.
        assert [" w-1 8 USD" in rows[0], *("waits for a person" in row for row in rows)] == [True] * 5, rows

        assert "Verified" in console.page("/player/proof?id=watched")
        assert "w-4" in console.page("/player/parked?id=watched&log=1")
        assert "3 deliveries" in console.page("/transaction/deliveries?id=result%23w-1")
        assert "was NOT paid" in console.page("/transaction/conflicts?id=result%23w-1")
        assert "/transaction?id=result%23w-1" in console.page("/find/elsewhere?scan=1&name=a-round")

        nobodys, owed = console.letters("w-2", "w-3")
        assert "1 discarded" in console.do("discard", nobodys | {"reason": "settled by hand"})
        stack.table("Players").update_item(
            Key={"userId": "watched"},
            UpdateExpression="SET currency = :mended",
            ExpressionAttributeValues={":mended": "EUR"},
        )
        assert "1 of 1 given another try" in console.do("redrive", owed)
        wait_until(lambda: player.cash == 12)

    assert player.ledger() == ["result#w-1", "jackpot#w-3"]
    (kept,) = (tmp_path / "discarded").iterdir()
    assert "w-2" in kept.read_text()
    deeds = [json.loads(line)["what"] for line in (tmp_path / "console.jsonl").read_text().splitlines()]
    assert deeds == ["discard", "try again"]

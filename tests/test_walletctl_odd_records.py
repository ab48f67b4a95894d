"""What another program has written into the tables is shown as it is, and stops no tool."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from conftest import Operator, published
from test_console import Window
from tools.shared.items import decoded
from tools.walletctl.verify.books import wrong_in_round
from walletctl import ACCOUNT, Walletctl, parked

ODD: dict[str, dict[str, Any] | None] = {
    "absent": None,
    "a text": {"S": "odd"},
    "a negative number": {"N": "-3"},
    "38 digits": {"N": "1234567890123456789012345678901234567.8"},
    "40 digits": {"N": "1E+39"},
    "a large number": {"N": "1E+125"},
    "a small number": {"N": "1E-130"},
    "nothing": {"NULL": True},
    "a truth": {"BOOL": True},
    "a list": {"L": [{"S": "a"}, {"N": "1"}]},
    "a map": {"M": {"a": {"N": "1"}}},
    "bytes": {"B": b"\xff\x00"},
    "a set": {"SS": ["a", "b"]},
}
ODD_ROUND: list[dict[str, Any]] = [
    {"hadBet": None},
    {"refunded": False},
    {"bets": [{"reference": "b", "taken": Decimal(1), "bonusCode": None}]},
]
KEYS = {"Players": {"userId"}, "Transactions": {"id", "userId", "seq"}, "FreeRounds": {"userId", "bonusCode"}}
PLAYER, ROUND = "421", "spoiled"


@pytest.fixture
def window(operator: Operator, tmp_path: Path) -> Window:
    return Window(operator, tmp_path)


def filled(operator: Operator) -> None:
    """A wallet with everything that the callbacks write."""
    prize = {"promoWinReference": "prize", "promoWinAmount": "5", "promoCampaignId": "c", "promoCampaignType": "t"}
    operator.send("result", published("result", reference="r", sessionId=None, **prize))
    operator.send("result", published("result", reference="free", bonusCode="gift", amount="2"))
    operator.send("bonus", published("bonus", reference="total", bonusCode="gift", amount="9", hash=None, uuid="u"))
    operator.send("jackpot", published("jackpot", reference="j", hash=None, uuid="u"))


def spoiled(odd: dict[str, Any] | None, suffix: str = "") -> list[str]:
    """Spoils every attribute but the keys in a separate record; the ids of the transactions."""
    dynamodb: Any = ACCOUNT.client("dynamodb")
    items = {item["id"]["S"]: item for item in dynamodb.scan(TableName="Transactions")["Items"]}
    done = set(KEYS["Transactions"])
    ids: list[str] = []
    for item in map(items.__getitem__, ("bonus#total", "result#r", "promo#prize", "jackpot#j")):
        for name in sorted(item.keys() - done):
            done.add(name)
            ids.append(f"{item['id']['S']}-{name}{suffix}")
            own = {"id": {"S": ids[-1]}, "seq": {"N": str(100 + len(ids))}, "roundId": {"S": ROUND}}
            _put("Transactions", {**item, **own}, name, odd)
    return ids


def _put(table: str, item: dict[str, Any], name: str, odd: dict[str, Any] | None) -> None:
    spoiled = {**item, name: odd} if odd else {key: value for key, value in item.items() if key != name}
    ACCOUNT.client("dynamodb").put_item(TableName=table, Item=spoiled)


@pytest.mark.parametrize("what", ODD)
def test_an_odd_transaction_stops_no_tool(
    walletctl: Walletctl,
    operator: Operator,
    window: Window,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    monkeypatch.setattr("tools.walletctl.find.show._MOST_TRANSACTIONS", 1000)
    filled(operator)
    ids = spoiled(ODD[what])
    for form in ([], ["--csv"]):
        for arguments in (["ledger", PLAYER, "--limit", "1000"], ["find", ROUND]):
            assert walletctl(*arguments, *form).exit_code == 0, arguments
    assert len(walletctl.json("ledger", PLAYER)) == len(ids) + 6
    assert len(walletctl.json("find", ROUND)["transactions"]) >= len(ids) - 5
    for name in ("total-amount", "total-amountAsked", "total-bonusCode", "r-prizeReference", "prize-arrivedWith"):
        told = walletctl("find", name)
        assert told.exit_code == 0, name
        assert "redited" in told.stdout or "On record" in told.stdout
    assert window.browser.get(f"/player?id={PLAYER}").status_code == 200
    assert window.browser.get(f"/find/elsewhere?name={ROUND}").status_code == 200
    for id in ids:
        assert window.browser.get("/transaction", params={"id": id}).status_code == 200, id


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("table", ["Players", "FreeRounds"])
def test_an_odd_wallet_or_count_stops_no_tool(
    walletctl: Walletctl, operator: Operator, window: Window, table: str, what: str
) -> None:
    filled(operator)
    (item,) = ACCOUNT.client("dynamodb").scan(TableName=table)["Items"]

    for name in item.keys() - KEYS[table]:
        _put(table, item, name, ODD[what])
        for arguments in (["players", "show", PLAYER], ["players", "show", PLAYER, "--json"]):
            assert walletctl(*arguments).exit_code == 0, (name, arguments)
        assert window.browser.get(f"/player?id={PLAYER}").status_code == 200, name
        if table == "Players":
            for arguments in (["ledger", PLAYER, "--kind", "promo"], ["find", "result#r"], ["find", "promo#prize"]):
                assert walletctl(*arguments).exit_code == 0, (name, arguments)


def test_odd_wallets_and_counts_are_listed_with_all_others(walletctl: Walletctl, operator: Operator) -> None:
    filled(operator)
    put = 0
    for table, own in (("FreeRounds", "bonusCode"), ("Players", "userId")):
        (item,) = ACCOUNT.client("dynamodb").scan(TableName=table)["Items"]
        for name in sorted(item.keys() - KEYS[table]):
            for odd in ODD.values():
                put += 1
                _put(table, {**item, own: {"S": f"odd-{put}"}}, name, odd)

    assert walletctl("players", "list").exit_code == 0
    assert len(walletctl.json("players", "list")) == 1 + len(ODD) * len(
        {"currency", "cash", "bonus", "version", "digest"}
    )


def test_a_number_of_more_digits_than_dynamodb_holds_is_read_to_the_last(operator: Operator) -> None:
    digits = "1234567890123456789012345678901234567.8910000000000000000000000000000000000001"

    assert decoded({"cash": {"N": digits}, "hash": {"B": b"\xff"}}) == {"cash": Decimal(digits), "hash": b"\xff"}


def test_a_count_that_no_callback_writes_says_so(walletctl: Walletctl, operator: Operator, window: Window) -> None:
    filled(operator)
    (item,) = ACCOUNT.client("dynamodb").scan(TableName="FreeRounds")["Items"]
    ACCOUNT.client("dynamodb").put_item(TableName="FreeRounds", Item={**item, "uncovered": {"N": "-3"}})

    assert (
        "Free rounds of gift: uncovered is -3, which no callback writes" in walletctl("players", "show", PLAYER).stdout
    )
    assert "uncovered is -3, which no callback writes" in window.browser.get(f"/player?id={PLAYER}").text


def test_a_report_is_compared_whatever_is_in_the_ledger_and_the_dead_letters(
    walletctl: Walletctl, operator: Operator, tmp_path: Path
) -> None:
    filled(operator)
    ids = [id for what, odd in ODD.items() for id in spoiled(odd, f" {what}")]
    for message in MESSAGES:
        walletctl.leave(
            "ResultDeadLetters", json.dumps({**json.loads(parked("result", published("result"))), **message})
        )
    report = tmp_path / "report.csv"
    report.write_text("reference,callback,userId,amount\nr,result,421,10.0\nlost,result,421,10\n")

    account = walletctl.json("reconcile", str(report), status=1)

    assert account["matched"] == 1
    assert account["differencesByKind"] == {"missing here": 1, "unknown there": len(ids) + 4}


MESSAGES: list[dict[str, Any]] = [
    {"reference": 5},
    {"callback": "unknown"},
    {"request": "[" * 5000},
    {"request": '{"userId": 1e999999999, "amount": NaN, "promoWinAmount": [], "roundId": {"a": null}}'},
    {"request": '{"userId": "421", "userId": "422"}'},
    {"prize_only": True, "request": "[]"},
    {"prize_only": "odd"},
    {"prize_only": True, "reference": None, "code": 61, "reason": ""},
    {"code": 61, "reason": ""},
]


@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_an_odd_dead_letter_stops_no_tool(
    walletctl: Walletctl, operator: Operator, window: Window, message: dict[str, Any]
) -> None:
    operator.send("result", published("result"))
    text = json.dumps({**json.loads(parked("result", published("result"))), **message})
    (message_id,) = walletctl.leave("ResultDeadLetters", text)
    for form in ([], ["--json"]):
        assert walletctl("parked", "list", *form).exit_code == 0
        assert walletctl("parked", "show", message_id, *form).exit_code == 0
        assert walletctl("find", message_id, *form).exit_code == 0
    assert walletctl("find", PLAYER).exit_code == 0
    for page in ("/parked/letters", f"/find/elsewhere?name={message_id}", f"/player/parked?id={PLAYER}"):
        assert window.browser.get(page).status_code == 200
    id = f"result#{published('result')['reference']}"
    assert window.browser.get("/transaction/conflicts", params={"id": id}).status_code == 200


@pytest.mark.parametrize("odd", ODD_ROUND)
def test_a_proof_names_what_the_wallet_cannot_add_to(odd: dict[str, Any]) -> None:
    a_round = {"userId": "421", "round": "1:gr", "gameId": "g", "roundId": "r", "bets": [], "winnings": Decimal(0)}

    assert wrong_in_round(a_round) is None
    assert wrong_in_round(a_round | odd)

"""The soak's account finds what must not be, and nothing in what is right: on books written for it, by hand."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import boto3
import pytest

from conftest import Operator
from tools.proofs.soak.account import Finding, SoakAccount, account
from tools.proofs.soak.faults import BEFORE_SECONDS, KINDS, schedule
from tools.proofs.soak.notes import Books, Letter, Opened, Outcome, Plan, Sent
from tools.proofs.soak.stand import letter_of
from tools.proofs.soak.traffic import EPOCH, Traffic, traffic
from tools.provider.answers import Answer
from tools.provider.simulate.pages import Words
from tools.provider.simulate.provider import Delivery
from tools.provider.simulate.story import Callback, OwedCredit
from tools.shared.items import encoded
from tools.walletctl.tables import Tables

PLAYER = Opened(user_id="421", currency="USD", cash=Decimal("100.50"), bonus=Decimal(1))
LATE = Opened(user_id="500", currency="ETH", cash=Decimal(0), bonus=Decimal(0), opens_at=10.0)
SPRING = "spring"
NAMESPACE = uuid.UUID("2a3a4e5c-8d0f-5b7e-9c55-6c1f7a2b9d10")


def credit(id: str, amount: str, **differences: Any) -> OwedCredit:
    kind, _, reference = id.rpartition("#")
    made = OwedCredit(
        callback=kind or "result",  # pyright: ignore[reportArgumentType] - a kind of the tests' own
        reference=reference,
        user_id="421",
        currency="USD" if kind in ("", "promo") else "",
        amount=Decimal(amount),
    )
    return replace(made, **differences)


def sent(
    *credits: OwedCredit, answers: list[Delivery], outcome: Outcome = "paid", code: int = 0, gave_up: bool = False
) -> Sent:
    plan = Plan(callback=Callback(number=0, at=0, page="result", credits=credits), kind="", outcome=outcome, code=code)
    return Sent(plan, answers, gave_up=gave_up)


def change(one: Sent, **differences: Any) -> None:
    """Has something else been planned."""
    one.plan = replace(one.plan, **differences)


def delivery(status: int | None, answer: dict[str, Any] | str = "", **differences: Any) -> Delivery:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    made = Delivery(
        why="first",
        words=Words(path="/v4/Result", body='{"amount": "1"}'),
        wanted=1.0,
        started=1.0,
        ended=1.1,
        answer=Answer(status=status, text=text),
    )
    return replace(made, **differences)


def paid(transaction: dict[str, Any], **differences: Any) -> Delivery:
    """The answer to a credit, with the balances that its transaction left behind."""
    answer = {
        "transactionId": transaction["transactionId"],
        "currency": transaction["currency"],
        "cash": str(transaction["cashAfter"]),
        "bonus": str(transaction["bonusAfter"]),
        "error": 0,
        "description": "Success",
    }
    return delivery(200, answer | differences)


def refused(status: int, code: int, **differences: Any) -> Delivery:
    return delivery(status, {"error": code, "description": "No"}, **differences)


def left(uncovered: int, advance: int, moment: int) -> dict[str, Any]:
    """Of a free round's transaction: its code, what it left of that, and when it was."""
    return {
        "bonusCode": SPRING,
        "uncoveredAfter": Decimal(uncovered),
        "advanceAfter": Decimal(advance),
        "timestamp": str(moment),
    }


def transaction_id(id: str) -> str:
    return str(uuid.uuid5(NAMESPACE, id))


def transaction(seq: int, id: str, amount: str, cash: str, bonus: str, **differences: Any) -> dict[str, Any]:
    """A transaction as the tables have it, with the request that it came with."""
    kind, _, reference = id.partition("#")
    item = {
        "id": id,
        "transactionId": transaction_id(id),
        "userId": "421",
        "seq": Decimal(seq),
        "amount": Decimal(amount),
        "amountAsked": Decimal(amount),
        "currency": "USD",
        "cashAfter": Decimal(cash),
        "bonusAfter": Decimal(bonus),
        "gameId": "g",
        "providerId": "luckymonaco",
        "timestamp": "1",
        "recordedAt": "2026-05-11T14:35:00.000+00:00",
        **({"roundId": f"r-{reference}"} if kind == "result" else {}),
        **differences,
    }
    if "arrivedWith" in item:
        return item
    said = {
        **{name: item[name] for name in ("userId", "gameId", "providerId", "timestamp")},
        **{name: item[name] for name in ("roundId", "bonusCode") if name in item},
        "reference": reference,
        "amount": f"{item['amountAsked']:f}",
    }
    if kind == "result":
        said |= {"uuid": "u", "sessionId": "s", "gameName": "slot", "roundDetails": "spin", "currency": "USD"}
    if "prizeReference" in item:
        said |= {"promoWinReference": item["prizeReference"], "promoWinAmount": item["prizeAmount"]}
    return item | {"request": json.dumps(said)}


def letter(
    id: str,
    amount: str,
    *,
    queue: str = "ResultRetryQueue",
    code: int = 998,
    reason: str = "x",
    prize_only: bool = False,
) -> Letter:
    return Letter(
        queue=queue,
        reference=id.partition("#")[2],
        code=code,
        reason=reason,
        ids={id: Decimal(amount)},
        prize_only=prize_only,
        receives=1,
        visible_in=0,
        body="",
    )


def tables(client: Any) -> Tables:
    return Tables(dynamodb=client, players="Players", transactions="Transactions", free_rounds="FreeRounds")


@dataclass
class Engine:
    """What a client of DynamoDB reads, of tables in which one key may be there twice."""

    items: Mapping[str, list[dict[str, Any]]]

    def scan(self, TableName: str, Segment: int = 0, **_: Any) -> dict[str, Any]:  # noqa: N803 - as the client has it
        items = [] if Segment else [encoded(item) for item in self.items[TableName]]
        return {"Items": items, "ScannedCount": len(items)}

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, wanted),) = RequestItems.items()
        found = [item for item in self.scan(table)["Items"] if {"id": item["id"]} in wanted["Keys"]]
        return {"Responses": {table: found}}


@dataclass
class Story:
    """What was sent and what is on record; as it stands, everything is right.

    A result; a free round of 2; another of 3; their total of 10, which is paid 5; a result with a prize.
    """

    waiting: list[Letter] = field(default_factory=list)
    dead_letters: list[Letter] = field(default_factory=list)
    listed: set[tuple[str, str]] = field(default_factory=set)
    opened_at: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        prize = {"prizeReference": "f", "prizeAmount": "7"}
        self.transactions = [
            transaction(1, "result#a", "10", "110.50", "1"),
            transaction(2, "result#b", "2", "112.50", "3", **left(2, 0, 1)),
            transaction(3, "result#c", "3", "115.50", "6", **left(5, 0, 2)),
            transaction(4, "bonus#d", "5", "120.50", "11", amountAsked=Decimal(10), **left(0, 5, 4)),
            transaction(5, "result#e", "0.000000000000000001", "120.500000000000000001", "11", **prize),
            transaction(6, "promo#f", "7", "127.500000000000000001", "11", arrivedWith="result#e", roundId="r-e"),
        ]
        a, b, c, d, _, f = self.transactions
        self.sent = [
            sent(
                credit("a", "10.0", currency="usd"),
                answers=[refused(503, 998), paid(a), paid(f, transactionId=transaction_id("result#a"))],
            ),
            sent(credit("b", "2", bonus_code=SPRING), answers=[paid(b)]),
            sent(credit("c", "3", bonus_code=SPRING), answers=[paid(c)]),
            sent(credit("bonus#d", "10", bonus_code=SPRING), answers=[paid(d)]),
            sent(
                credit("e", "0.000000000000000001"),
                credit("promo#f", "7"),
                answers=[delivery(None, is_cut=True), paid(f, transactionId=transaction_id("result#e"))],
            ),
        ]
        self.wallet: dict[str, Any] = {
            "userId": "421",
            "currency": "USD",
            "cash": Decimal("127.500000000000000001"),
            "bonus": Decimal(11),
            "version": Decimal(6),
        }
        self.free_rounds: dict[tuple[str, str], dict[str, Any]] = {
            ("421", SPRING): {"uncovered": Decimal(0), "advance": Decimal(5), "until": Decimal(4), "lastRounds": []}
        }
        self.players = [PLAYER]

    def account(self) -> SoakAccount:
        free_rounds = [
            {"userId": user_id, "bonusCode": code, **item} for (user_id, code), item in self.free_rounds.items()
        ]
        items = {"Players": [self.wallet], "Transactions": self.transactions, "FreeRounds": free_rounds}
        books = Books(
            tables=tables(Engine(items)),
            waiting=self.waiting,
            dead_letters=self.dead_letters,
            listed=self.listed,
        )
        return account(self.sent, self.players, self.opened_at, books)

    def findings(self) -> set[tuple[str, str | None]]:
        return {(finding.what, finding.claim or finding.player) for finding in self.account().findings}

    def pay(self, amount: str) -> None:
        """Moves the wallet without a transaction."""
        self.wallet["cash"] += Decimal(amount)

    def move(self, *numbers: int, **by: int) -> None:
        """Adds to what those transactions have, and to the wallet's own."""
        for name, added in by.items():
            for item in [self.wallet] if name in self.wallet else [self.transactions[number] for number in numbers]:
                item[name] += added

    def pay_total(self, more: int) -> None:
        """Has the total be paid more, and everything after it be as if it had been right."""
        self.move(3, amount=more)
        self.move(3, 4, 5, cashAfter=more, bonusAfter=more, cash=more, bonus=more)

    def take_off_record(self, id: str) -> None:
        """As if it had never been written, the wallet and the chain included."""
        gone = next(each for each in self.transactions if each["id"] == id)
        self.transactions.remove(gone)
        for each in self.transactions:
            if each["seq"] > gone["seq"]:
                each["seq"] -= 1
                each["cashAfter"] -= gone["amount"]
        self.wallet["cash"] -= gone["amount"]
        self.wallet["version"] -= 1


@pytest.fixture
def story() -> Story:
    return Story()


def test_what_is_right_is_found_to_be_right(story: Story) -> None:
    made = story.account()

    assert made.findings == []
    assert made.fates == dict.fromkeys([each["id"] for each in story.transactions], "on record")


# --- Lost -------------------------------------------------------------------------------------------


def test_a_credit_that_is_neither_on_record_nor_in_a_queue_is_lost(story: Story) -> None:
    story.sent.append(sent(credit("g", "4"), answers=[refused(503, 998)], gave_up=True))

    assert story.findings() == {("lost", "result#g")}


def test_a_credit_that_was_never_answered_is_lost_all_the_same(story: Story) -> None:
    story.sent.append(sent(credit("g", "4"), answers=[delivery(None, is_cut=True)] * 11))

    assert story.findings() == {("lost", "result#g")}


@pytest.mark.parametrize(("queue", "fate"), [("waiting", "waiting"), ("dead_letters", "dead letter")])
def test_a_credit_that_is_kept_is_not_lost(queue: str, fate: str, story: Story) -> None:
    story.sent.append(sent(credit("g", "4"), answers=[refused(503, 998)], gave_up=True))
    getattr(story, queue).append(letter("result#g", "4.0"))

    made = story.account()

    assert made.findings == []
    assert made.fates["result#g"] == fate


def test_what_is_kept_for_another_amount_does_not_stand_for_it(story: Story) -> None:
    story.sent.append(sent(credit("g", "4"), answers=[refused(503, 998)], gave_up=True))
    story.waiting.append(letter("result#g", "0.4"))

    assert story.findings() == {("lost", "result#g")}


def test_a_credit_that_was_answered_as_paid_and_is_not_on_record_is_lost_even_if_it_is_kept(story: Story) -> None:
    (record,) = (each for each in story.transactions if each["id"] == "result#a")
    story.take_off_record("result#a")
    story.sent[0].deliveries[:] = [paid(record)]
    story.waiting.append(letter("result#a", "10"))

    assert ("lost", "result#a") in story.findings()


def test_a_prize_that_is_not_on_record_is_lost_though_its_result_is(story: Story) -> None:
    story.take_off_record("promo#f")

    assert ("lost", "promo#f") in story.findings()


def test_money_that_a_transaction_tells_of_and_the_wallet_does_not_have_is_lost(story: Story) -> None:
    story.pay("-10")

    assert story.findings() == {("lost", "421"), ("ledger", "promo#f")}


def test_what_was_broken_off_is_open_and_not_lost(story: Story) -> None:
    story.sent.append(sent(credit("g", "4"), answers=[refused(503, 998)]))

    made = story.account()

    assert made.findings == []
    assert made.fates["result#g"] == "open"


# --- Credited twice ---------------------------------------------------------------------------------


def test_a_wallet_with_more_than_its_transactions_was_credited_twice(story: Story) -> None:
    story.pay("0.000000000000000001")

    assert story.findings() == {("credited twice", "421"), ("ledger", "promo#f")}


def test_a_reference_with_two_transactions_was_credited_twice(story: Story) -> None:
    again = transaction(7, "result#a", "10", "137.500000000000000001", "11")
    story.transactions.append(again)
    story.wallet |= {"cash": again["cashAfter"], "version": Decimal(7)}

    assert ("credited twice", "result#a") in story.findings()


def test_a_transaction_that_was_written_over_is_named_by_its_reference(story: Story) -> None:
    # What a store without the put's condition does: the same id at another place of the chain.
    (first, *_) = story.transactions
    first |= {"seq": Decimal(7), "cashAfter": Decimal("137.500000000000000001"), "bonusAfter": Decimal(11)}
    story.wallet |= {"cash": Decimal("137.500000000000000001"), "version": Decimal(7)}

    assert {
        ("credited twice", "421"),
        ("ledger", "421"),  # nothing is the first
        ("wrong answer", "result#a"),  # no transaction leaves the balance of its first answer
    } <= story.findings()


# --- The ledger -------------------------------------------------------------------------------------


def change_free_rounds(story: Story, **changes: Any) -> None:
    story.free_rounds["421", SPRING] |= changes


def late_round_paid_again(story: Story) -> None:
    """The 5 that the total was paid for in advance."""
    late = transaction(7, "result#h", "5", "132.500000000000000001", "16", **left(5, 5, 3))
    story.transactions.append(late)
    story.move(cash=5, bonus=5, version=1)
    change_free_rounds(story, uncovered=Decimal(5))
    story.sent.append(sent(credit("h", "5", bonus_code=SPRING), answers=[paid(late)]))


def count_forgotten(story: Story) -> None:
    winter = left(2, 0, 5) | {"bonusCode": "winter"}
    story.transactions.append(transaction(7, "result#h", "2", "129.500000000000000001", "13", **winter))
    story.move(cash=2, bonus=2, version=1)
    story.sent.append(sent(credit("h", "2", bonus_code="winter"), answers=[paid(story.transactions[-1])]))


@pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(lambda story: story.move(3, 4, 5, seq=1, version=1), id="a number is missing"),
        pytest.param(lambda story: story.move(3, 4, 5, seq=-1, version=-1), id="a number is there twice"),
        pytest.param(lambda story: story.move(3, cashAfter=1), id="cash after a transaction"),
        pytest.param(lambda story: story.move(3, bonusAfter=1), id="bonus after a transaction"),
        pytest.param(lambda story: story.move(3, 4, 5, bonusAfter=-5, bonus=-5), id="paid to cash alone"),
        pytest.param(lambda story: story.move(version=1), id="the wallet's version"),
        pytest.param(lambda story: story.pay_total(5), id="rounds paid again by their total"),
        pytest.param(lambda story: story.pay_total(-1), id="a total underpaid"),
        pytest.param(lambda story: change_free_rounds(story, uncovered=Decimal(5)), id="still uncovered"),
        pytest.param(lambda story: change_free_rounds(story, advance=Decimal(0)), id="no advance"),
        pytest.param(lambda story: change_free_rounds(story, until=Decimal(3)), id="until another moment"),
        pytest.param(lambda story: change_free_rounds(story, lastRounds=["4:slot1"]), id="another last round"),
        pytest.param(lambda story: story.move(2, uncoveredAfter=-2), id="another count left"),
        late_round_paid_again,
        count_forgotten,
        pytest.param(lambda story: story.transactions[0].update(currency="EUR"), id="another currency"),
        pytest.param(
            lambda story: story.transactions.append(transaction(1, "result#z", "1", "1", "0", userId="nobody")),
            id="nobody's transaction",
        ),
        pytest.param(lambda story: story.players.append(LATE), id="no wallet"),
    ],
)
def test_a_ledger_that_does_not_sum_up_is_found(break_it: Callable[[Story], None], story: Story) -> None:
    break_it(story)

    assert "ledger" in {finding.what for finding in story.account().findings}


# --- The records ------------------------------------------------------------------------------------


def test_a_record_that_nobody_asked_for_is_found(story: Story) -> None:
    del story.sent[0]

    assert ("wrong record", "result#a") in story.findings()


@pytest.mark.parametrize(
    "differences", [{"amount": Decimal(11)}, {"user_id": "somebody-else"}, {"currency": "EUR"}], ids=str
)
def test_a_record_of_other_content_than_was_asked_is_found(differences: dict[str, Any], story: Story) -> None:
    callback = story.sent[0].plan.callback
    change(story.sent[0], callback=replace(callback, credits=(replace(callback.credits[0], **differences),)))

    assert ("wrong record", "result#a") in story.findings()


def test_a_request_that_was_refused_and_credited_all_the_same_is_found(story: Story) -> None:
    change(story.sent[0], outcome="refused", code=64)
    story.sent[0].deliveries[:] = [refused(400, 64)]

    assert ("wrong record", "result#a") in story.findings()


def test_a_request_that_was_not_admitted_and_kept_all_the_same_is_found(story: Story) -> None:
    story.sent.append(sent(credit("g", "4"), answers=[refused(401, 401)], outcome="refused", code=401))
    story.waiting.append(letter("result#g", "4"))

    assert story.findings() == {("wrong record", "result#g")}


def test_a_dead_letter_without_cause_is_found(story: Story) -> None:
    story.dead_letters.append(letter("result#a", "10", queue="ResultDeadLetters", code=61))

    assert story.findings() == {("wrong record", "result#a")}


def test_a_conflict_that_no_person_can_see_is_lost(story: Story) -> None:
    story.sent.append(sent(credit("a", "11"), answers=[refused(200, 61)], outcome="contested", code=61))

    assert story.findings() == {("lost", "result#a")}


def test_a_conflict_among_the_dead_letters_is_right(story: Story) -> None:
    story.sent.append(sent(credit("a", "11"), answers=[refused(200, 61)], outcome="contested", code=61))
    story.dead_letters.append(letter("result#a", "11", queue="ResultDeadLetters", code=61))

    assert story.account().findings == []


def test_a_wrong_currency_that_no_person_can_see_is_lost(story: Story) -> None:
    story.sent.append(
        sent(credit("g", "4", currency="EUR"), answers=[refused(200, 52)], outcome="dead letter", code=52)
    )

    assert story.findings() == {("lost", "result#g")}

    story.dead_letters.append(letter("result#g", "4", queue="ResultDeadLetters", code=52))

    assert story.account().findings == []


# --- Dead letters ----------------------------------------------------------------------


def refused_body(story: Story) -> tuple[str, int, bool]:
    story.sent.append(sent(credit("g", "4"), answers=[refused(400, 57)], outcome="refused", code=57))
    return "g", 57, False


def unpaid_prize(story: Story) -> tuple[str, int, bool]:
    change(story.sent[0], prize_code=59)
    return "a", 59, True


left_for_a_person = pytest.mark.parametrize("leave", [refused_body, unpaid_prize])


@left_for_a_person
def test_what_is_left_and_listed_is_right(leave: Callable[[Story], tuple[str, int, bool]], story: Story) -> None:
    reference, code, prize_only = leave(story)
    story.dead_letters.append(
        letter(f"result#{reference}", "4", queue="ResultDeadLetters", code=code, prize_only=prize_only)
    )
    story.listed = {("result", reference)}

    assert story.account().findings == []


@left_for_a_person
def test_what_no_person_can_see_is_lost(leave: Callable[[Story], tuple[str, int, bool]], story: Story) -> None:
    reference, _, _ = leave(story)

    assert story.findings() == {("lost", f"result#{reference}")}


@left_for_a_person
@pytest.mark.parametrize("listed", [set(), {("jackpot", "a"), ("jackpot", "g")}])
def test_what_parked_list_does_not_show_is_found(
    listed: set[tuple[str, str]], leave: Callable[[Story], tuple[str, int, bool]], story: Story
) -> None:
    reference, code, prize_only = leave(story)
    story.dead_letters.append(
        letter(f"result#{reference}", "4", queue="ResultDeadLetters", code=code, prize_only=prize_only)
    )
    story.listed = listed

    assert story.findings() == {("not listed", f"result#{reference}")}


@pytest.mark.parametrize(("code", "prize_only"), [(57, False), (61, True)])
def test_what_is_left_without_cause_is_found(code: int, prize_only: bool, story: Story) -> None:
    story.dead_letters.append(letter("result#a", "10", queue="ResultDeadLetters", code=code, prize_only=prize_only))

    assert story.findings() == {("wrong record", "result#a")}


# --- Free rounds, as the provider knows them --------------------------------------------------------


def exact(story: Story, total: str) -> None:
    """Rounds of 2, 3 and 5, the last of them late, and the total that was sent before it."""
    late = transaction(7, "result#h", "0", "127.500000000000000001", "11", amountAsked=Decimal(5), **left(0, 0, 3))
    story.transactions.append(late)
    story.wallet["version"] = Decimal(7)
    story.free_rounds["421", SPRING]["advance"] = Decimal(0)
    story.sent.append(sent(credit("h", "5", bonus_code=SPRING), answers=[paid(late)]))
    for each in story.sent:
        change(each, is_exact=bool(each.plan.callback.credits[0].bonus_code))
    story.transactions[3]["amount"] = Decimal(total)


def test_rounds_and_their_total_are_paid_once(story: Story) -> None:
    exact(story, "5")

    made = story.account()

    assert made.findings == []
    assert made.free_rounds == {("421", SPRING): (Decimal(10), Decimal(10))}


@pytest.mark.parametrize("total", ["4.99", "10"])
def test_rounds_that_are_paid_too_little_or_too_much_are_found(total: str, story: Story) -> None:
    exact(story, total)

    assert ("free rounds", "421") in story.findings()


def test_of_two_contents_of_one_reference_either_may_be_the_one_that_is_paid(story: Story) -> None:
    change(story.sent[0], outcome="contested", code=61)
    story.sent.append(sent(credit("a", "12"), answers=[refused(200, 61)], outcome="contested", code=61))
    story.dead_letters.append(letter("result#a", "12", queue="ResultDeadLetters", code=61))

    assert story.account().findings == []


def test_two_contents_of_one_reference_are_not_both_answered_as_paid(story: Story) -> None:
    change(story.sent[0], outcome="contested", code=61)
    second = sent(credit("a", "12"), answers=[paid(story.transactions[0])], outcome="contested", code=61)
    story.sent.append(second)

    assert ("wrong answer", "result#a") in story.findings()


@pytest.mark.parametrize(("asked", "found"), [("10", set()), ("11", {("wrong record", "result#a")})])
def test_either_of_two_contents_may_be_on_record_if_the_provider_knows_of_neither(
    asked: str, found: set[tuple[str, str]], story: Story
) -> None:
    story.sent[0] = sent(credit("a", asked), answers=[refused(503, 998)], outcome="contested", code=61)
    story.sent.append(sent(credit("a", "12"), answers=[refused(503, 998)], outcome="contested", code=61))

    assert story.findings() == found


# --- The answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(refused(200, 61), id="a conflict without one"),
        pytest.param(refused(200, 62), id="no such player, though there is one"),
        pytest.param(refused(400, 64), id="a refusal of what is right"),
        pytest.param(refused(200, 998), id="the right code with the wrong status"),
        pytest.param(refused(503, 999), id="a code that is never answered"),
        pytest.param(delivery(500, "Internal Server Error"), id="no answer of the contract"),
        pytest.param(delivery(None), id="a hang"),
        pytest.param(delivery(503, {"error": 998, "description": "No", "cause": "…"}), id="a field too many"),
    ],
)
def test_a_wrong_answer_is_found(answer: Delivery, story: Story) -> None:
    story.sent[0].deliveries.append(answer)

    assert story.findings() == {("wrong answer", "result#a")}


@pytest.mark.parametrize(
    "differences",
    [
        {"transactionId": "t-of-another-call"},
        {"currency": "EUR"},
        {"cash": "100.50"},  # the balance before the credit
        {"cash": "110.51"},
        {"cash": 110.5, "bonus": 1},  # numbers, though the amount was a text
    ],
    ids=str,
)
def test_an_answer_that_is_not_of_its_credit_is_found(differences: dict[str, Any], story: Story) -> None:
    story.sent[0].deliveries.append(paid(story.transactions[0], **differences))

    assert story.findings() == {("wrong answer", "result#a")}


def test_an_answer_after_the_functions_time_is_too_slow(story: Story) -> None:
    story.sent[0].deliveries.append(refused(503, 998, started=1.0, ended=21.1))

    assert story.findings() == {("too slow", "result#a")}


def test_a_player_who_is_not_there_yet_may_be_unknown_until_then(story: Story) -> None:
    change(story.sent[0], outcome="late")
    story.opened_at = {"421": 5.0}
    story.sent[0].deliveries.insert(0, refused(200, 62, started=4.9))

    assert story.account().findings == []

    story.sent[0].deliveries.append(refused(200, 62, started=5.1))

    assert story.findings() == {("wrong answer", "result#a")}


# --- What it reads ----------------------------------------------------------------------------------


def test_a_parked_result_stands_for_its_prize_too() -> None:
    request = '{"REFERENCE": "a", "amount": 1.50, "promoWinReference": "p", "promoWinAmount": "2"}'
    parked = {"callback": "result", "reference": "a", "code": 998, "reason": "x", "request": request}

    read = letter_of("ResultRetryQueue", message(json.dumps(parked | {"prize_only": False})), 0)
    of_its_prize = letter_of("ResultDeadLetters", message(json.dumps(parked | {"prize_only": True})), 0)

    assert read.ids == {"result#a": Decimal("1.50"), "promo#p": Decimal(2)}
    assert of_its_prize.ids == {"promo#p": Decimal(2)}


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"callback": "result", "request": "{"}'])
def test_a_message_of_something_else_stands_for_nothing(body: str) -> None:
    assert letter_of("ResultRetryQueue", message(body), 0).ids == {}


def message(body: str) -> dict[str, Any]:
    return {"Body": body, "ReceiveCount": 1, "VisibleAt": 0}


# --- What it does -----------------------------------------------------------------------------------


def said(made: Traffic) -> list[Words]:
    """What each callback says when it is sent first."""
    return [
        made.words(
            plan.callback, nth=1, timestamp=int(1000 * (EPOCH + plan.callback.played_at)), secrets=made.secrets[0]
        )
        for plan in made.plans.values()
    ]


def test_the_same_seed_makes_the_same_traffic_and_faults() -> None:
    first, again, other = (traffic(seed=seed, seconds=30, rate=20) for seed in (7, 7, 8))

    assert first == again != other
    assert said(first) == said(again) != said(other)
    assert schedule(seed=7, seconds=60) == schedule(seed=7, seconds=60) != schedule(seed=8, seconds=60)


@pytest.mark.parametrize("seed", range(1, 6))
def test_ten_minutes_have_every_fault_one_at_a_time_and_quiet_between(seed: int) -> None:
    faults = schedule(seed=seed, seconds=540)

    assert {fault.kind for fault in faults} == set(KINDS)
    assert faults[0].at == BEFORE_SECONDS
    assert all(one.at + one.seconds < other.at for one, other in pairwise(faults))
    assert faults[-1].at + faults[-1].seconds <= 540


def test_a_minute_has_every_kind_of_callback() -> None:
    plans = traffic(seed=1, seconds=60, rate=20).plans.values()

    assert {plan.kind for plan in plans} >= {
        "result", "result with a prize", "prize of a result", "prize in trouble", "prize in dispute", "another prize",
        "prize later", "free round", "free round, late", "total", "total, late", "odd free round", "odd total",
        "total without a code", "auto-closing", "auto closing of what was sent", "result, its answer lost",
        "jackpot-win", "promo-win", "contested", "conflict", "wrong currency", "result, player unknown", "replay",
    }  # fmt: skip
    assert {plan.code for plan in plans if plan.outcome == "refused"} >= {57, 59, 64, 99, 401}
    assert any(plan.callback.copies > 1 for plan in plans)
    assert any(plan.callback.cut_after for plan in plans)
    assert any(plan.may_give_up for plan in plans)


def test_a_callback_with_others_to_follow_is_not_given_up() -> None:
    plans = traffic(seed=1, seconds=60, rate=20).plans
    followed = {number for plan in plans.values() for number in plan.callback.after}

    assert not any(plans[number].may_give_up for number in followed)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_functions_do_all_that_the_account_asks_of_them(seed: int, operator: Operator) -> None:
    made = traffic(seed=seed, seconds=8, rate=10)
    operator.database.Table("Players").delete_item(Key={"userId": "421"})
    for player in made.players:
        operator.open_wallet(player.user_id, f"{player.cash:f}", f"{player.bonus:f}", player.currency)
    stories: list[Sent] = []
    for plan, words in zip(made.plans.values(), said(made), strict=True):
        if plan.code in (401, 404, 405):
            continue  # the functions have no secret here, and there is no API before them
        reply = operator.send(plan.callback.name, words.body)
        stories.append(Sent(plan, [delivery(reply.status, reply.text, words=words)]))
    dead_letters = [
        letter_of(queue, message(json.dumps(parked)), 0)
        for queue in ("ResultDeadLetters", "JackpotDeadLetters", "BonusDeadLetters", "PromoDeadLetters")
        for parked in operator.messages(queue)
    ]
    books = Books(
        tables=tables(boto3.client("dynamodb")),
        waiting=[],
        dead_letters=dead_letters,
        listed={("result", str(each.reference)) for each in dead_letters},
    )

    found = account(stories, made.players, {}, books)

    assert found.findings == []
    assert set(found.fates.values()) == {"on record"}


def test_a_finding_of_any_sort_spoils_the_account() -> None:
    assert SoakAccount().is_clean
    assert not SoakAccount(findings=[Finding(what="too slow", text="")]).is_clean

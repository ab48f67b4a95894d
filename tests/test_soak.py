"""The soak's account finds what must not be, and nothing in what is right: on books written for it, by hand."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from tools.proofs.soak.account import Account, Finding, account
from tools.proofs.soak.faults import BEFORE_SECONDS, KINDS, schedule
from tools.proofs.soak.stand import letter_of
from tools.proofs.soak.story import Books, Callback, Claim, Delivery, Letter, Outcome, Player, Told
from tools.proofs.soak.traffic import traffic

PLAYER = Player(user_id="421", currency="USD", cash=Decimal("100.50"), bonus=Decimal(1))
LATE = Player(user_id="500", currency="ETH", cash=Decimal(0), bonus=Decimal(0), opens_at=10.0)


def claim(reference: str, amount: str, **differences: Any) -> Claim:
    kind = {"total": "bonus"}.get(differences.get("counts", ""), "result")
    return Claim(**{"id": f"{kind}#{reference}", "user_id": "421", "amount": Decimal(amount), **differences})


def told(*claims: Claim, answers: list[Delivery], outcome: Outcome = "paid", code: int = 0, number: int = 0) -> Told:
    callback = Callback(
        number=number, at=0, kind="result", path="/v4/Result", body="{}", claims=claims, outcome=outcome, code=code
    )
    return Told(callback, answers)


def delivery(status: int | None, answer: dict[str, Any] | str = "", **differences: Any) -> Delivery:
    code, text = (None, answer) if isinstance(answer, str) else (answer["error"], json.dumps(answer))
    made = Delivery(why="first", started=1.0, ended=1.1, status=status, code=code, answer=text)
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
        "bonusCode": "spring",
        "uncoveredAfter": Decimal(uncovered),
        "advanceAfter": Decimal(advance),
        "timestamp": str(moment),
    }


def transaction(seq: int, id: str, amount: str, cash: str, bonus: str, **differences: Any) -> dict[str, Any]:
    return {
        "id": id,
        "transactionId": f"t-{id}",
        "userId": "421",
        "seq": Decimal(seq),
        "amount": Decimal(amount),
        "amountAsked": Decimal(amount),
        "currency": "USD",
        "cashAfter": Decimal(cash),
        "bonusAfter": Decimal(bonus),
        **differences,
    }


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


class Story:
    """What was sent and what is on record; as it stands, everything is right.

    A result; a free round of 2; another of 3; their total of 10, which is paid 5; a result with a prize.
    """

    def __init__(self) -> None:
        self.transactions = [
            transaction(1, "result#a", "10", "110.50", "1"),
            transaction(2, "result#b", "2", "112.50", "3", **left(2, 0, 1)),
            transaction(3, "result#c", "3", "115.50", "6", **left(5, 0, 2)),
            transaction(4, "bonus#d", "5", "120.50", "11", amountAsked=Decimal(10), **left(0, 5, 4)),
            transaction(5, "result#e", "0.000000000000000001", "120.500000000000000001", "11"),
            transaction(6, "promo#f", "7", "127.500000000000000001", "11"),
        ]
        a, b, c, d, _, f = self.transactions
        free = {"bonus_code": "spring"}
        self.told = [
            told(
                claim("a", "10.0", currency="usd"),
                answers=[refused(503, 998), paid(a), paid(f, transactionId="t-result#a")],
            ),
            told(claim("b", "2", counts="round", **free), answers=[paid(b)], number=1),
            told(claim("c", "3", counts="round", **free), answers=[paid(c)], number=2),
            told(claim("d", "10", counts="total", **free), answers=[paid(d)], number=3),
            told(
                claim("e", "0.000000000000000001"),
                replace(claim("f", "7"), id="promo#f"),
                answers=[delivery(None, cut=True), paid(f, transactionId="t-result#e")],
                number=4,
            ),
        ]  # fmt: skip
        self.wallet = {
            "userId": "421",
            "currency": "USD",
            "cash": Decimal("127.500000000000000001"),
            "bonus": Decimal(11),
            "version": Decimal(6),
        }
        self.free_rounds: dict[tuple[str, str], dict[str, Any]] = {
            ("421", "spring"): {"uncovered": Decimal(0), "advance": Decimal(5), "until": Decimal(4), "lastRounds": []}
        }
        self.waiting: list[Letter] = []
        self.dead_letters: list[Letter] = []
        self.listed: set[tuple[str, str]] = set()
        self.players = [PLAYER]
        self.opened_at: dict[str, float] = {}

    def account(self) -> Account:
        books = Books(
            wallets={"421": self.wallet},
            transactions=self.transactions,
            free_rounds=self.free_rounds,
            waiting=self.waiting,
            dead_letters=self.dead_letters,
            listed=self.listed,
        )
        return account(self.told, self.players, self.opened_at, books)

    def findings(self) -> set[tuple[str, str | None]]:
        return {(finding.what, finding.claim or finding.player) for finding in self.account().findings}

    def pay(self, amount: str) -> None:
        """Moves the wallet without a transaction."""
        self.wallet["cash"] += Decimal(amount)

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
    story.told.append(told(claim("g", "4"), answers=[refused(503, 998)], number=9))

    assert story.findings() == {("lost", "result#g")}


def test_a_credit_that_was_never_answered_is_lost_all_the_same(story: Story) -> None:
    story.told.append(told(claim("g", "4"), answers=[delivery(None, cut=True)], number=9))

    assert story.findings() == {("lost", "result#g")}


@pytest.mark.parametrize(("queue", "fate"), [("waiting", "waiting"), ("dead_letters", "dead letter")])
def test_a_credit_that_is_kept_is_not_lost(queue: str, fate: str, story: Story) -> None:
    story.told.append(told(claim("g", "4"), answers=[refused(503, 998)], number=9))
    getattr(story, queue).append(letter("result#g", "4.0"))

    made = story.account()

    assert made.findings == []
    assert made.fates["result#g"] == fate


def test_what_is_kept_for_another_amount_does_not_stand_for_it(story: Story) -> None:
    story.told.append(told(claim("g", "4"), answers=[refused(503, 998)], number=9))
    story.waiting.append(letter("result#g", "0.4"))

    assert story.findings() == {("lost", "result#g")}


def test_a_credit_that_was_answered_as_paid_and_is_not_on_record_is_lost_even_if_it_is_kept(story: Story) -> None:
    (record,) = (each for each in story.transactions if each["id"] == "result#a")
    story.take_off_record("result#a")
    story.told[0].deliveries[:] = [paid(record)]
    story.waiting.append(letter("result#a", "10"))

    assert ("lost", "result#a") in story.findings()


def test_a_prize_that_is_not_on_record_is_lost_though_its_result_is(story: Story) -> None:
    story.take_off_record("promo#f")

    assert ("lost", "promo#f") in story.findings()


def test_money_that_a_transaction_tells_of_and_the_wallet_does_not_have_is_lost(story: Story) -> None:
    story.pay("-10")

    assert story.findings() == {("lost", "421")}


def test_what_was_broken_off_is_open_and_not_lost(story: Story) -> None:
    story.told.append(told(claim("g", "4"), answers=[refused(503, 998)], number=9))
    story.told[-1].abandoned = True

    made = story.account()

    assert made.findings == []
    assert made.fates["result#g"] == "open"


# --- Credited twice ---------------------------------------------------------------------------------


def test_a_wallet_with_more_than_its_transactions_was_credited_twice(story: Story) -> None:
    story.pay("0.000000000000000001")

    assert story.findings() == {("credited twice", "421")}


def test_a_reference_with_two_transactions_was_credited_twice(story: Story) -> None:
    again = transaction(7, "result#a", "10", "137.500000000000000001", "11")
    story.transactions.append(again)
    story.wallet |= {"cash": again["cashAfter"], "version": Decimal(7)}

    assert ("credited twice", "result#a") in story.findings()


def test_a_transaction_that_was_written_over_is_told_by_its_reference(story: Story) -> None:
    # What a store without the put's condition does: the same id at another place of the chain.
    (first, *_) = story.transactions
    first |= {"seq": Decimal(7), "cashAfter": Decimal("137.500000000000000001"), "bonusAfter": Decimal(11)}
    story.wallet |= {"cash": Decimal("137.500000000000000001"), "version": Decimal(7)}

    assert {
        ("credited twice", "421"),
        ("ledger", "result#b"),  # it follows nothing
        ("wrong answer", "result#a"),  # its first answer told of a balance that no transaction leaves
    } <= story.findings()


# --- The ledger -------------------------------------------------------------------------------------


def gap(story: Story) -> None:
    for each in story.transactions[3:]:
        each["seq"] += 1
    story.wallet["version"] += 1


def sequence_number_twice(story: Story) -> None:
    story.transactions[3]["seq"] -= 1
    for each in story.transactions[4:]:
        each["seq"] -= 1
    story.wallet["version"] -= 1


def wrong_cash_after(story: Story) -> None:
    story.transactions[3]["cashAfter"] += Decimal("0.01")


def wrong_bonus_after(story: Story) -> None:
    story.transactions[3]["bonusAfter"] += 1


def paid_to_cash_alone(story: Story) -> None:
    for each in story.transactions[3:]:
        each["bonusAfter"] -= 5
    story.wallet["bonus"] -= 5


def wrong_version(story: Story) -> None:
    story.wallet["version"] += 1


def rounds_paid_again_by_their_total(story: Story) -> None:
    story.transactions[3]["amount"] += 5
    for each in story.transactions[3:]:
        each["cashAfter"] += 5
        each["bonusAfter"] += 5
    story.wallet["cash"] += 5
    story.wallet["bonus"] += 5


def total_underpaid(story: Story) -> None:
    story.transactions[3]["amount"] -= 1
    for each in story.transactions[3:]:
        each["cashAfter"] -= 1
        each["bonusAfter"] -= 1
    story.wallet["cash"] -= 1
    story.wallet["bonus"] -= 1


def still_uncovered(story: Story) -> None:
    story.free_rounds["421", "spring"]["uncovered"] = Decimal(5)


def no_advance(story: Story) -> None:
    story.free_rounds["421", "spring"]["advance"] = Decimal(0)


def until_another_moment(story: Story) -> None:
    story.free_rounds["421", "spring"]["until"] = Decimal(3)


def another_last_round(story: Story) -> None:
    story.free_rounds["421", "spring"]["lastRounds"] = ["4:slot1"]


def another_count_left(story: Story) -> None:
    story.transactions[2]["uncoveredAfter"] = Decimal(3)


def late_round_paid_again(story: Story) -> None:
    """The 5 that the total was paid for in advance."""
    late = transaction(7, "result#h", "5", "132.500000000000000001", "16", **left(5, 5, 3))
    story.transactions.append(late)
    story.wallet |= {"cash": late["cashAfter"], "bonus": late["bonusAfter"], "version": Decimal(7)}
    story.free_rounds["421", "spring"]["uncovered"] = Decimal(5)
    story.told.append(told(claim("h", "5", counts="round", bonus_code="spring"), answers=[paid(late)], number=9))


def count_forgotten(story: Story) -> None:
    winter = left(2, 0, 5) | {"bonusCode": "winter"}
    story.transactions.append(transaction(7, "result#h", "2", "129.500000000000000001", "13", **winter))
    story.wallet |= {"cash": Decimal("129.500000000000000001"), "bonus": Decimal(13), "version": Decimal(7)}
    story.told.append(
        told(claim("h", "2", counts="round", bonus_code="winter"), answers=[paid(story.transactions[-1])], number=9)
    )


def another_currency(story: Story) -> None:
    story.transactions[0]["currency"] = "EUR"


def nobodys_transaction(story: Story) -> None:
    story.transactions.append(transaction(1, "result#z", "1", "1", "0", userId="nobody"))


def no_wallet(story: Story) -> None:
    story.players.append(LATE)


@pytest.mark.parametrize(
    "break_it",
    [
        gap,
        sequence_number_twice,
        wrong_cash_after,
        wrong_bonus_after,
        paid_to_cash_alone,
        wrong_version,
        rounds_paid_again_by_their_total,
        total_underpaid,
        still_uncovered,
        no_advance,
        until_another_moment,
        another_last_round,
        another_count_left,
        late_round_paid_again,
        count_forgotten,
        another_currency,
        nobodys_transaction,
        no_wallet,
    ],
)
def test_a_ledger_that_does_not_sum_up_is_found(break_it: Callable[[Story], None], story: Story) -> None:
    break_it(story)

    assert "ledger" in {finding.what for finding in story.account().findings}


# --- The records ------------------------------------------------------------------------------------


def test_a_record_that_nobody_asked_for_is_found(story: Story) -> None:
    del story.told[0]

    assert ("wrong record", "result#a") in story.findings()


@pytest.mark.parametrize(
    "differences", [{"amount": Decimal(11)}, {"user_id": "somebody-else"}, {"currency": "EUR"}], ids=str
)
def test_a_record_of_other_content_than_was_asked_is_found(differences: dict[str, Any], story: Story) -> None:
    first = story.told[0].callback
    story.told[0].callback = replace(first, claims=(replace(first.claims[0], **differences),))

    assert ("wrong record", "result#a") in story.findings()


def test_a_request_that_was_refused_and_credited_all_the_same_is_found(story: Story) -> None:
    story.told[0].callback = replace(story.told[0].callback, outcome="refused", code=64)
    story.told[0].deliveries[:] = [refused(400, 64)]

    assert ("wrong record", "result#a") in story.findings()


def test_a_request_that_was_not_admitted_and_kept_all_the_same_is_found(story: Story) -> None:
    story.told.append(told(claim("g", "4"), answers=[refused(401, 401)], outcome="refused", code=401, number=9))
    story.waiting.append(letter("result#g", "4"))

    assert story.findings() == {("wrong record", "result#g")}


def test_a_dead_letter_without_cause_is_found(story: Story) -> None:
    story.dead_letters.append(letter("result#a", "10", queue="ResultDeadLetters", code=61))

    assert story.findings() == {("wrong record", "result#a")}


def test_a_conflict_that_no_person_can_see_is_lost(story: Story) -> None:
    story.told.append(told(claim("a", "11"), answers=[refused(200, 61)], outcome="dead letter", code=61, number=9))

    assert story.findings() == {("lost", "result#a")}


def test_a_conflict_among_the_dead_letters_is_right(story: Story) -> None:
    story.told.append(told(claim("a", "11"), answers=[refused(200, 61)], outcome="dead letter", code=61, number=9))
    story.dead_letters.append(letter("result#a", "11", queue="ResultDeadLetters", code=61))

    assert story.account().findings == []


def test_a_conflict_that_was_refused_for_good_while_nothing_could_be_kept_is_lost(story: Story) -> None:
    answer = refused(200, 61, could_park=False)
    story.told.append(told(claim("a", "11"), answers=[answer], outcome="dead letter", code=61, number=9))

    assert story.findings() == {("lost", "result#a")}


# --- Dead letters ----------------------------------------------------------------------


def refused_body(story: Story) -> tuple[str, int, bool]:
    story.told.append(told(claim("g", "4"), answers=[refused(400, 57)], outcome="refused", code=57, number=9))
    return "g", 57, False


def unpaid_prize(story: Story) -> tuple[str, int, bool]:
    story.told[0].callback = replace(story.told[0].callback, prize_code=59)
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
    story.free_rounds["421", "spring"]["advance"] = Decimal(0)
    story.told.append(told(claim("h", "5", counts="round", bonus_code="spring"), answers=[paid(late)], number=9))
    for each in story.told:
        claims = [replace(one, is_exact=one.bonus_code is not None) for one in each.callback.claims]
        each.callback = replace(each.callback, claims=tuple(claims))
    story.transactions[3]["amount"] = Decimal(total)


def test_rounds_and_their_total_are_paid_once(story: Story) -> None:
    exact(story, "5")

    made = story.account()

    assert made.findings == []
    assert made.free_rounds == {("421", "spring"): (Decimal(10), Decimal(10))}


@pytest.mark.parametrize("total", ["4.99", "10"])
def test_rounds_that_are_paid_too_little_or_too_much_are_found(total: str, story: Story) -> None:
    exact(story, total)

    assert ("free rounds", "421") in story.findings()


def test_of_two_contents_of_one_reference_either_may_be_the_one_that_is_paid(story: Story) -> None:
    story.told[0].callback = replace(story.told[0].callback, outcome="contested", code=61)
    story.told.append(told(claim("a", "12"), answers=[refused(200, 61)], outcome="contested", code=61, number=9))
    story.dead_letters.append(letter("result#a", "12", queue="ResultDeadLetters", code=61))

    assert story.account().findings == []


def test_two_contents_of_one_reference_are_not_both_answered_as_paid(story: Story) -> None:
    story.told[0].callback = replace(story.told[0].callback, outcome="contested", code=61)
    second = told(claim("a", "12"), answers=[paid(story.transactions[0])], outcome="contested", code=61, number=9)
    story.told.append(second)

    assert ("wrong answer", "result#a") in story.findings()


# --- The answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(refused(200, 61), id="a conflict without one"),
        pytest.param(refused(200, 62), id="no such player, though there is one"),
        pytest.param(refused(400, 64), id="a refusal of what is right"),
        pytest.param(refused(200, 998), id="the right code with the wrong status"),
        pytest.param(refused(503, 999), id="a code that is never answered"),
        pytest.param(delivery(500, "Internal Server Error", code=-1), id="no answer of the contract"),
        pytest.param(delivery(None, "ReadTimeout: "), id="a hang"),
        pytest.param(delivery(503, {"error": 998, "description": "No", "cause": "…"}), id="a field too many"),
    ],
)
def test_a_wrong_answer_is_found(answer: Delivery, story: Story) -> None:
    story.told[0].deliveries.append(answer)

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
    story.told[0].deliveries.append(paid(story.transactions[0], **differences))

    assert story.findings() == {("wrong answer", "result#a")}


def test_an_answer_after_the_functions_time_is_too_slow(story: Story) -> None:
    story.told[0].deliveries.append(refused(503, 998, started=1.0, ended=21.1))

    assert story.findings() == {("too slow", "result#a")}


def test_a_player_who_is_not_there_yet_may_be_unknown_until_then(story: Story) -> None:
    story.told[0].callback = replace(story.told[0].callback, outcome="late")
    story.opened_at = {"421": 5.0}
    story.told[0].deliveries.insert(0, refused(200, 62, started=4.9))

    assert story.account().findings == []

    story.told[0].deliveries.append(refused(200, 62, started=5.1))

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


def test_the_same_seed_makes_the_same_traffic_and_faults() -> None:
    assert traffic(seed=7, seconds=30, rate=20) == traffic(seed=7, seconds=30, rate=20)
    assert traffic(seed=7, seconds=30, rate=20) != traffic(seed=8, seconds=30, rate=20)
    assert schedule(seed=7, seconds=60) == schedule(seed=7, seconds=60) != schedule(seed=8, seconds=60)


@pytest.mark.parametrize("seed", range(1, 6))
def test_ten_minutes_have_every_fault_one_at_a_time_and_quiet_between(seed: int) -> None:
    faults = schedule(seed=seed, seconds=540)

    assert {fault.kind for fault in faults} == set(KINDS)
    assert faults[0].at == BEFORE_SECONDS
    assert all(one.at + one.seconds < other.at for one, other in pairwise(faults))
    assert faults[-1].at + faults[-1].seconds <= 540


def test_a_minute_has_every_kind_of_callback() -> None:
    callbacks = traffic(seed=1, seconds=60, rate=20).callbacks
    kinds = {callback.kind for callback in callbacks}

    assert kinds >= {
        "result", "result with a prize", "prize of a result", "prize in trouble", "free round", "free round, late",
        "total", "total, late", "odd total", "total without a code", "auto closing", "jackpot", "promo", "contested",
        "wrong currency", "result, player unknown",
    }  # fmt: skip
    assert any(kind.startswith("refused") for kind in kinds)
    then = {callback.then.kind for callback in callbacks if callback.then}
    assert then >= {
        "conflict", "prize in dispute", "another prize", "prize later", "auto closing without its code"
    }  # fmt: skip
    codes = {callback.code for callback in callbacks if callback.outcome == "refused"}
    assert codes >= {57, 59, 64, 99, 401}


def test_a_finding_of_any_sort_spoils_the_account() -> None:
    assert Account().is_clean
    assert not Account(findings=[Finding(what="too slow", text="")]).is_clean

"""Free rounds, one by one and in totals, in any order and however late: each is paid once, and none is left out.

The first test asks the ledger alone, with whatever may come. The second one plays what a provider does: it delivers
through the functions, some of whose deliveries fail and come back from the retry queue.
"""

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Clock, gateway_event, published
from contract import Contract
from fuzz.desk import Desk
from wallet import ledger
from wallet.errors import Conflict
from wallet.ledger import FreeRounds, Movement, Snapshot, Transaction, Wallet

NOTHING = Decimal(0)

# --- The ledger, whatever comes ----------------------------------------------------------------------

STAMPS = (None, "noon", "1482429190374.0", *map(str, range(1, 9)), "9" * 20)  # few, so that many are alike


@st.composite
def rounds_and_totals(draw: st.DrawFn) -> Movement:
    is_round = draw(st.booleans())
    return Movement(
        kind="result" if is_round else "bonus",
        reference=draw(st.sampled_from("abcdefghijklmnop")),
        user_id=draw(st.sampled_from(("421", "421", "422"))),
        amount=Decimal(draw(st.integers(0, 2000))).scaleb(-draw(st.sampled_from((0, 2, 18)))),
        game_id=draw(st.sampled_from(("g", "g1", None))),
        round_id=draw(st.sampled_from(("1", "11", "2", None))),
        bonus_code=draw(st.sampled_from(("spring", "spring", "summer"))),
        provider_id="luckymonaco",
        timestamp=draw(st.sampled_from(STAMPS)),
        free_round="round" if is_round else "total",
    )


@dataclass
class Account:
    """What a player's rounds and totals under one code come to, and what was paid for them."""

    rounds: Decimal = NOTHING
    totals: Decimal = NOTHING
    paid: Decimal = NOTHING


@settings(derandomize=True, deadline=None, max_examples=400)
@given(st.lists(rounds_and_totals(), min_size=2, max_size=40))
def test_what_is_paid_is_the_rounds_and_the_advance_and_the_totals_and_what_is_uncovered(
    deliveries: Sequence[Movement],
) -> None:
    wallets = {
        player: Wallet(user_id=player, currency="USD", cash=NOTHING, bonus=NOTHING, version=0)
        for player in ("421", "422")
    }
    on_record: dict[str, Transaction] = {}
    counts: dict[tuple[str, str | None], FreeRounds] = {}
    accounts: dict[tuple[str, str | None], Account] = {}
    for credit in deliveries:
        code = credit.user_id, credit.bonus_code
        known = {credit.id: on_record[credit.id]} if credit.id in on_record else {}
        snapshot = Snapshot(wallet=wallets[credit.user_id], transactions=known, free_rounds=counts.get(code))
        try:
            settlement = ledger.settle([credit], snapshot)
        except Conflict:
            continue
        wallets[credit.user_id] = settlement.after
        account = accounts.setdefault(code, Account())
        for transaction in settlement.transactions:
            assert not known, "a repeated delivery was paid"
            assert transaction.free_rounds
            on_record[credit.id], counts[code] = transaction, transaction.free_rounds
            account.paid += transaction.paid
            account.rounds += credit.amount if credit.free_round == "round" else NOTHING
            account.totals += credit.amount if credit.free_round == "total" else NOTHING
            assert transaction.paid >= 0

        for each, account in accounts.items():
            count = counts.get(each, FreeRounds())
            assert account.paid == account.rounds + count.advance == account.totals + count.uncovered
            assert min(count.advance, count.uncovered) >= 0
            assert account.paid >= max(account.rounds, account.totals)
        for player, wallet in wallets.items():
            paid = sum((account.paid for (owner, _), account in accounts.items() if owner == player), NOTHING)
            assert wallet.cash == wallet.bonus == paid


# --- A provider, whose deliveries are late ------------------------------------------------------------

SCHEDULES = 500
LATE = 0.2  # of the deliveries: the store fails for them, and the retry queue brings them back later
AGAIN = 0.1  # of the deliveries are sent a second time, at some later moment
Mode = Literal["rounds and totals", "rounds alone", "totals alone"]


@dataclass(frozen=True)
class Play:
    """A round that was played, or the end of a grant: `amount` is what it won, or what all its rounds did."""

    callback: Literal["result", "bonus"]
    grant: int
    amount: Decimal
    moment: int


@dataclass(frozen=True)
class Schedule:
    """What a player played under one code, in that order. No code is used in two modes."""

    seed: int
    mode: Mode
    plays: tuple[Play, ...]

    @property
    def owed(self) -> Decimal:
        return sum((play.amount for play in self.plays if play.callback == "result"), NOTHING)

    @property
    def are_two_open_at_once(self) -> bool:
        grants = [play.grant for play in self.plays]
        spans = sorted((grants.index(each), len(grants) - grants[::-1].index(each)) for each in set(grants))
        return any(one[1] > other[0] for one, other in pairwise(spans))


def schedule(seed: int) -> Schedule:
    chance = random.Random(seed)
    modes: tuple[Mode, ...] = ("rounds and totals",) * 8 + ("rounds alone", "totals alone")
    open_grants = {grant: chance.randint(1, 5) for grant in range(chance.choice((1, 2, 2, 3)))}
    won = dict.fromkeys(open_grants, NOTHING)
    plays: list[Play] = []
    moment = 1_482_429_190_000
    while open_grants:
        # At most two are open at once: the third begins when one of them has ended.
        grant = chance.choice([*open_grants][:2])
        moment += chance.randint(0, 3000)
        if open_grants[grant]:
            amount = Decimal(chance.choice((0, 1, 2, 3, 5, chance.randint(1, 99_999)))).scaleb(chance.choice((0, -2)))
            plays.append(Play("result", grant, amount, moment))
            won[grant] += amount
            open_grants[grant] -= 1
        else:
            plays.append(Play("bonus", grant, won[grant], moment))
            del open_grants[grant]
    return Schedule(seed, chance.choice(modes), tuple(plays))


@dataclass
class Provider:
    """Plays schedules, each with another player, and counts what happened."""

    desk: Desk
    clock: Clock
    late: int = 0
    deliveries: int = 0
    overpaid: Decimal = NOTHING
    underpaid: Decimal = NOTHING
    _is_down: bool = False
    _player: str = ""

    def __post_init__(self) -> None:
        self.desk.open(Contract())
        tables = self.desk.tables
        read = tables.batch_get_item

        def batch_get_item(**asked: Any) -> Any:
            if self._is_down:
                self.clock.sleep(3.0)
                raise ReadTimeoutError(endpoint_url="https://dynamodb")
            return read(**asked)

        tables.batch_get_item = batch_get_item

    def play_all(self, schedules: Iterable[Schedule]) -> None:
        for schedule in schedules:
            self.play(schedule)

    def play(self, schedule: Schedule) -> None:
        chance = random.Random(f"deliveries {schedule.seed}")
        self._player = f"player-{schedule.seed}"
        self.desk.tables.put(
            "Players", {"userId": self._player, "currency": "USD", "cash": NOTHING, "bonus": NOTHING, "version": 0}
        )
        sent = [play for play in schedule.plays if _is_sent(play, schedule.mode)]
        played = NOTHING
        # What is to be handled later: after so many plays more, in no order that anything promises.
        waiting: list[tuple[int, tuple[str, dict[str, Any]]]] = []
        for number, play in enumerate(schedule.plays):
            played += play.amount if play.callback == "result" else NOTHING
            if play in sent:
                event = gateway_event(self._body(schedule, number, play))
                self._is_down = chance.random() < LATE
                code = self._handle(play.callback, event)
                assert code == (998 if self._is_down else 0)
                if self._is_down:
                    self._is_down = False
                    ((queue, message),) = self.desk.queues.messages
                    self.desk.queues.waiting.clear()
                    assert queue == f"{play.callback.title()}RetryQueue"
                    waiting.append((number + chance.randint(1, 8), (play.callback, _from_queue(message))))
                    self.late += 1
                if chance.random() < AGAIN:
                    waiting.append((number + chance.randint(0, 8), (play.callback, event)))
            chance.shuffle(waiting)
            for due in [each for each in waiting if each[0] <= number]:
                waiting.remove(due)
                self._handle(*due[1])
            assert self._paid() <= played, f"overpaid: {schedule}"
        for _, later in waiting:
            self._handle(*later)
            assert self._paid() <= played, f"overpaid: {schedule}"
        self.overpaid += max(NOTHING, self._paid() - schedule.owed)
        self.underpaid += max(NOTHING, schedule.owed - self._paid())
        assert self._paid() == schedule.owed, f"{self._paid()} was paid, {schedule.owed} is owed: {schedule}"

    def _body(self, schedule: Schedule, number: int, play: Play) -> dict[str, Any]:
        return published(
            play.callback,
            userId=self._player,
            reference=f"{schedule.seed}-{number}",
            amount=f"{play.amount:f}",
            roundId=f"round-{number}" if play.callback == "result" else None,
            bonusCode="SPINS",
            timestamp=str(play.moment),
        )

    def _handle(self, callback: str, event: dict[str, Any]) -> int | None:
        self.deliveries += 1
        answer, printed = self.desk.handle(callback, event)
        if "Records" in event:
            assert answer == {"batchItemFailures": []}, printed
            return None
        return json.loads(answer["body"])["error"]

    def _paid(self) -> Decimal:
        wallet = self.desk.tables.items["Players"]["Players", self._player]
        assert wallet["cash"] == wallet["bonus"]
        return Decimal(wallet["cash"]["N"])


def _is_sent(play: Play, mode: Mode) -> bool:
    return mode == "rounds and totals" or (play.callback == "result") == (mode == "rounds alone")


def _from_queue(message: str) -> dict[str, Any]:
    record = {"messageId": "1", "receiptHandle": "1", "body": message, "attributes": {"ApproximateReceiveCount": "1"}}
    return {"Records": [record]}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    provider = Provider(Desk(), Clock())
    for room in ("callback", "store"):
        monkeypatch.setattr(f"wallet.{room}.time", provider.clock)
    return provider


def test_late_rounds_and_totals_are_paid_to_the_cent_through_the_functions(provider: Provider) -> None:
    schedules = [schedule(seed) for seed in range(SCHEDULES)]

    provider.play_all(schedules)

    assert (provider.overpaid, provider.underpaid) == (0, 0)
    assert sum(each.are_two_open_at_once for each in schedules) > SCHEDULES / 3
    assert provider.late > 0.15 * provider.deliveries, "too little was late to show anything"


def test_a_schedule_can_be_overpaid_by_a_rule_that_forgets_advances(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = ledger.settle

    def forgetful(credits: Sequence[Movement], snapshot: Snapshot) -> ledger.Settlement:
        count = snapshot.free_rounds
        return settle(credits, replace(snapshot, free_rounds=count and replace(count, advance=NOTHING)))

    monkeypatch.setattr(ledger, "settle", forgetful)

    with pytest.raises(AssertionError, match="overpaid"):
        provider.play_all(map(schedule, range(SCHEDULES)))

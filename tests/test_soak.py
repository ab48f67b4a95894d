"""The soak's account finds what must not be, and nothing in what is right.

The traffic goes through the real functions. The operator's own commands examine what it leaves behind.
"""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import boto3
import pytest

from conftest import Operator, published
from tools.local.engine import free_port
from tools.proofs.soak import run as running
from tools.proofs.soak.account import Finding, SoakAccount, account
from tools.proofs.soak.faults import BEFORE_SECONDS, KINDS, schedule
from tools.proofs.soak.notes import Sent
from tools.proofs.soak.report import Run, tell
from tools.proofs.soak.run import Soak, SoakSettings
from tools.proofs.soak.stand import opening
from tools.proofs.soak.traffic import EPOCH, LEFT_FOR_A_PERSON, NEVER_KEPT, REFUSALS, WRONG_TOKEN, Traffic, traffic
from tools.provider.answers import NOT_ENOUGH, SUCCESS, Answer
from tools.provider.simulate.pages import Words
from tools.provider.simulate.provider import Delivery, Settled
from tools.provider.simulate.report import report
from tools.provider.simulate.story import PAGES
from tools.shared.trouble import Trouble
from walletctl import PORT, Walletctl, parked

TRAFFIC = traffic(seed=1, seconds=2, rate=15)
REPORTED = ("result", "jackpot", "bonus", "promo", "bet", "cancel")


def said(made: Traffic) -> list[Words]:
    """What each callback says when it is sent first."""
    timestamp = int(1000 * EPOCH)
    return [made.words(plan.callback, nth=1, timestamp=timestamp, secrets=made.secrets) for plan in made.plans.values()]


def delivery(status: int | None, code: int | str = "", **changes: Any) -> Delivery:
    answer = Answer(status=status, text=json.dumps({"error": code, "description": "…"}))
    return replace(Delivery(why="first", started=1.0, ended=1.1, answer=answer), **changes)


@dataclass
class Played:
    """Traffic that went through the functions. As it is, everything is right."""

    operator: Operator
    command: Walletctl
    folder: Path
    sent: list[Sent] = field(default_factory=list)

    def play(self, made: Traffic) -> None:
        for player in made.players:
            self.operator.invoke("cashier", opening(player))
        taken: set[int] = set()
        for plan, words in zip(made.plans.values(), said(made), strict=True):
            callback = plan.callback
            is_called_for = not plan.follows_a_failure and (not callback.needs or taken & {*callback.needs})
            if plan.code == WRONG_TOKEN or not is_called_for:  # the functions have no secret here
                continue
            function = "balance" if callback.page == "check" else callback.name
            reply = self.operator.send(function, words.body, path=words.path.partition("?")[0])
            answer = Answer(status=reply.status, text=reply.text)
            self.sent.append(Sent(plan, [delivery(reply.status, answer=answer)]))
            if callback.page == "bet" and answer.error == SUCCESS:
                taken.add(callback.number)

    def account(self) -> SoakAccount:
        with report(self.folder / "report.csv") as rows:
            for one in self.sent:
                settled = Settled(one.plan.callback, timestamp=0)
                for each in one.deliveries:
                    settled.take(each.code, each.answer.transaction_id)
                if one.plan.is_owed:
                    rows.add(settled)
        waiting = self.command.all_in("ResultRetryQueue")
        return account(self.sent, self.folder / "report.csv", waiting, self.walletctl)

    def walletctl(self, *arguments: str) -> str:
        result = self.command(*arguments)
        if result.exit_code not in (0, 1):
            raise Trouble(result.stderr)
        return result.stdout

    def findings(self) -> set[tuple[str, str]]:
        """What is wrong, and with which reference."""
        return {(finding.what, finding.reference) for finding in self.account().findings}

    @property
    def win(self) -> Sent:
        """A result that was paid, of more than nothing, without a prize or a bonus code."""
        return next(
            one
            for one in self.sent
            if one.plan.is_owed and one.plan.callback.page == "result" and len(one.plan.callback.credits) == 1
            if one.plan.callback.credits[0].amount and not one.plan.callback.credits[0].bonus_code
            if not one.plan.callback.is_given_up
        )

    def never_paid(self) -> Sent:
        """One more win, which was answered 998 and given up."""
        credit = replace(self.win.plan.callback.credits[0], reference="new")
        plan = replace(self.win.plan, callback=replace(self.win.plan.callback, credits=(credit,), copies=1))
        self.sent.append(Sent(plan, [delivery(503, 998)], gave_up=True))
        return self.sent[-1]


def reference(one: Sent) -> str:
    return one.plan.callback.credits[0].reference


@pytest.fixture
def unplayed(operator: Operator, walletctl: Walletctl, tmp_path: Path) -> Played:
    return Played(operator, walletctl, tmp_path)


@pytest.fixture
def played(unplayed: Played) -> Played:
    unplayed.play(TRAFFIC)
    return unplayed


def test_what_is_right_is_found_to_be_right(unplayed: Played) -> None:
    unplayed.play(traffic(seed=29, seconds=7, rate=15))

    found = unplayed.account()

    assert found.findings == []
    assert {one.plan.code for one in unplayed.sent} == {0, *(code for code, _ in REFUSALS)} - {WRONG_TOKEN}
    told = [one for one in unplayed.sent if one.plan.is_owed and one.plan.callback.name in REPORTED]
    owed = {credit.id for one in told if NOT_ENOUGH not in one.codes for credit in one.plan.callback.credits}
    assert found.reconciled["owed"] == found.reconciled["on record"] == len(owed)
    made = [item for item in unplayed.operator.items("Transactions") if "seq" in item]
    assert found.verified["transactions"] == len(made)
    assert {item["id"].partition("#")[0] for item in made} >= {"opening", "bet", "result"}
    assert found.listed["refused callbacks that must be in it"] > 0
    assert found.open_rounds["open"] == found.open_rounds["left open by the provider"]


# --- Lost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deliveries", [[delivery(503, 998)], [delivery(None, is_cut=True)] * 14], ids=len)
def test_a_win_that_is_neither_on_record_nor_in_a_queue_is_lost(deliveries: list[Delivery], played: Played) -> None:
    win = played.never_paid()
    win.deliveries, win.gave_up = deliveries, len(deliveries) == 1

    assert played.findings() == {("lost", "new")}


def test_a_win_that_was_answered_as_paid_and_is_not_on_record_is_lost_even_if_it_is_queued(played: Played) -> None:
    win = played.win
    played.operator.database.Table("Transactions").delete_item(Key={"id": win.plan.callback.credits[0].id})
    played.command.leave("ResultRetryQueue", parked("result", {"reference": reference(win)}))

    assert ("lost", reference(win)) in played.findings()


@pytest.mark.parametrize(
    ("queue", "fate"),
    [
        ("ResultRetryQueue", "still in a retry queue"),
        ("ResultDeadLetters", "dead letters"),
        ("", "still to be sent again"),
    ],
)
def test_a_win_that_is_queued_or_not_settled_yet_is_not_lost(queue: str, fate: str, played: Played) -> None:
    played.never_paid().gave_up = bool(queue)
    if queue:
        played.command.leave(queue, parked("result", {"reference": "new", "amount": "1"}))

    found = played.account()

    assert (found.findings, found.reconciled[fate]) == ([], 1)


# --- The ledger and the report ----------------------------------------------------------------------


def test_a_wallet_that_was_paid_twice_is_found(played: Played) -> None:
    credit = played.win.plan.callback.credits[0]
    played.operator.database.Table("Players").update_item(
        Key={"userId": credit.user_id},
        UpdateExpression="ADD cash :amount, version :one",
        ExpressionAttributeValues={":amount": credit.amount, ":one": 1},
    )

    assert "ledger fault" in {finding.what for finding in played.account().findings}


def test_a_win_that_is_on_record_twice_is_found(played: Played) -> None:
    win = played.win.plan.callback
    body = {"userId": win.credits[0].user_id, "reference": "again", "amount": f"{win.credits[0].amount:f}"}
    played.operator.send("result", published("result", **body, currency=win.currency))

    assert played.findings() == {("not as the report says", "again")}


@pytest.mark.parametrize(
    "changes", [{"amountAsked": Decimal("1.23")}, {"userId": "somebody-else"}, {"currency": "XTS"}], ids=str
)
def test_a_record_that_was_changed_is_found_by_both_proofs(changes: dict[str, Any], played: Played) -> None:
    table = played.operator.database.Table("Transactions")
    table.put_item(Item=table.get_item(Key={"id": played.win.plan.callback.credits[0].id})["Item"] | changes)

    found = played.account()

    assert {"ledger fault", "not as the report says"} <= {finding.what for finding in found.findings}
    assert reference(played.win) in found.traces[reference(played.win)]  # what `walletctl find` says


# --- What is left for a person ----------------------------------------------------------------------


def test_a_refused_win_that_parked_list_does_not_show_is_found(played: Played) -> None:
    refused = next(one for one in played.sent if one.plan.code in LEFT_FOR_A_PERSON)
    sqs: Any = boto3.client("sqs")
    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName="ResultDeadLetters")["QueueUrl"])

    assert ("not listed", reference(refused)) in played.findings()


# --- The answers ------------------------------------------------------------------------------------


def test_a_round_that_the_provider_left_open_and_that_is_not_listed_is_found(played: Played) -> None:
    taken = next(one for one in played.sent if one.plan.callback.page == "bet" and SUCCESS in one.codes)
    bet = taken.plan.callback.credits[0]
    calls = [one for one in played.sent if one.plan.callback.credits[0].round_id == bet.round_id]
    played.sent = [one for one in played.sent if one not in calls or one.plan.callback.page == "bet"]

    assert ("open round", bet.round_id) in played.findings()


def test_a_round_that_is_open_although_it_was_closed_is_found(played: Played) -> None:
    closed = next(
        item for item in played.operator.items("Rounds") if item["hadBet"] and item["bets"] and "openSince" not in item
    )
    played.operator.database.Table("Rounds").put_item(Item=closed | {"openSince": "2026-01-02T03:04:05.000+00:00"})

    assert ("open round", closed["roundId"]) in played.findings()


@pytest.mark.parametrize(("is_surely_kept", "is_lost"), [(True, True), (False, False)])
def test_a_cancel_that_the_wallet_never_got_is_not_lost_by_it(
    is_surely_kept: bool, is_lost: bool, played: Played
) -> None:
    taken = next(one for one in played.sent if one.plan.callback.page == "bet" and SUCCESS in one.codes)
    (cancel, *_) = taken.plan.callback.if_failed
    plan = played.never_paid().plan
    played.sent[-1] = Sent(replace(plan, callback=cancel), [delivery(503, 998)] * 3, is_surely_kept=is_surely_kept)

    assert (("lost", cancel.credits[0].reference) in played.findings()) == is_lost


def test_every_wrong_answer_is_found(played: Played) -> None:
    wrong = [
        delivery(200, 61),  # a conflict without one
        delivery(200, 62),  # no such player, though there is one
        delivery(400, 64),  # a refusal of what is right
        delivery(200, 998),  # the right code with the wrong status
        delivery(503, 999),  # a code that is never answered
        delivery(500, "Internal Server Error"),
        delivery(None),  # a hang
        delivery(503, 998, ended=21.1),  # after the function's time
    ]
    paid = [one for one in played.sent if one.plan.is_owed and not one.plan.may_be_unknown][: len(wrong)]
    for answer, one in zip(wrong, paid, strict=True):
        one.deliveries.append(answer)

    assert played.findings() == {("wrong answer", reference(one)) for one in paid}


def test_a_player_whose_wallet_is_opened_late_may_be_unknown(played: Played) -> None:
    next(one for one in played.sent if one.plan.may_be_unknown).deliveries.insert(0, delivery(200, 62))

    assert played.account().findings == []


# --- The end ----------------------------------------------------------------------------------------


def test_a_command_that_cannot_do_its_work_spoils_the_account(played: Played) -> None:
    (played.folder / f"service-{PORT}.json").unlink()

    assert [finding.what for finding in played.account().findings] == ["not examined"] * 4


def test_the_status_is_0_only_if_nothing_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finding = Finding(what="lost", reference="r-1", text="neither on record nor in a queue")
    good = Run(settings={}, seconds=60, sent=[], account=SoakAccount(reconciled=Counter({"on record": 1})))
    bad = replace(good, account=replace(good.account, findings=[finding]))

    assert tell(good, None) == 0
    assert "\nGOOD" in capsys.readouterr().out
    assert tell(bad, tmp_path / "report.json") == 1
    assert "LOST: r-1: neither on record nor in a queue" in capsys.readouterr().out
    written = json.loads((tmp_path / "report.json").read_text())
    assert (written["good"], written["verdict"]["lost"], written["findings"][0]["reference"]) == (False, 1, "r-1")
    assert tell(replace(good, account=SoakAccount()), None) == 1
    unanswered = next(plan for plan in TRAFFIC.plans.values() if not plan.callback.is_given_up)
    assert tell(replace(good, sent=[Sent(unanswered)]), None) == 1


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    ("end", "told"), [(interrupt, "it was broken off after"), (lambda: 1, "the service ended with status 1")]
)
def test_a_soak_that_does_not_come_to_its_end_says_how_far_it_came(
    end: Callable[[], int | None],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ctrl-C, or a service that ends, while the provider sends to an address where nothing listens."""
    monkeypatch.setattr(running, "LATE_WRITE_SECONDS", 0)
    soak: Soak
    place: Any = SimpleNamespace(
        url=f"http://127.0.0.1:{free_port()}",
        report=tmp_path / "report.csv",
        places=(),
        service=SimpleNamespace(poll=lambda: end() if soak.sent else None),
        waiting=list,
        walletctl=Mock(side_effect=Trouble("no local service runs")),
    )
    settings = SoakSettings(minutes=1, rate=15, seed=1, with_faults=False, workers=1, report=None)
    with ThreadPoolExecutor(1) as engines, report(place.report) as rows:
        soak = Soak(settings, replace(TRAFFIC, opens_at={}), place, engines, rows)
        asyncio.run(soak.run())

    assert tell(soak.account(), None) == 1
    printed = capsys.readouterr().out
    assert told in printed
    assert printed.endswith("nothing is on record; it was broken off\n")
    assert f"  callbacks {len(soak.sent):>60}" in printed


def test_a_setting_that_is_not_valid_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAULTS", "some")

    assert running.main() == 1


# --- Traffic and faults -----------------------------------------------------------------------------


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


def test_a_minute_has_every_page_every_refusal_and_every_manner_of_sending() -> None:
    made = traffic(seed=1, seconds=60, rate=20).plans
    plans = made.values()
    followed = {number for plan in plans for number in plan.callback.after}

    assert {plan.callback.page for plan in plans} == set(PAGES)
    assert {plan.callback.page for plan in plans if plan.follows_a_failure} == {"bet", "cancel"}
    assert not any(plan.may_give_up for plan in plans if plan.callback.page in NEVER_KEPT)
    assert {plan.code for plan in plans} == {0, *(code for code, _ in REFUSALS)}
    assert any(plan.callback.copies > 1 for plan in plans)
    assert any(plan.callback.cut_after for plan in plans)
    assert any(plan.may_be_unknown for plan in plans)
    assert any(plan.may_give_up for plan in plans)
    assert not any(made[number].may_give_up for number in followed)

"""The tables, the queues, or both taken away under traffic: every callback is answered, and every win is paid.

`OUTAGE_SECONDS` makes the outage longer than a test need be: with 60, a win waits up to a minute more for
its next retry.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local_service import wait_until
from promises.stand import Stand, stand
from promises.wins import KINDS, Win, promo

OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS", "5"))
PLAYERS_A_KIND = 3  # for each outage
SENDERS = 3  # and a worker more for the queue, so that the gateway hardly ever turns one away

# A prize that cannot be paid needs the queues before its win is paid: that is tried with the other faults.
PAYABLE = [kind for kind in KINDS if not kind("anybody").leaves_prize]
OUTAGES = {"tables": ("tables",), "queues": ("queues",), "both": ("tables", "queues")}


def _player(kind: Callable[[str], Win], outage: str, number: int) -> str:
    return f"{kind.__name__}-{outage}-{number}"


@pytest.fixture(scope="module")
def here() -> Iterator[Stand]:
    players = [_player(kind, outage, n) for kind in PAYABLE for outage in OUTAGES for n in range(PLAYERS_A_KIND)]
    with stand([*players, "unlucky"], WORKERS=str(SENDERS + 1)) as here:
        yield here


@pytest.mark.parametrize("outage", OUTAGES)
def test_every_callback_is_answered_during_an_outage_and_every_win_paid_after_it(here: Stand, outage: str) -> None:
    wins = [kind(_player(kind, outage, n)) for kind in PAYABLE for n in range(PLAYERS_A_KIND)]
    random.Random(outage).shuffle(wins)
    for win in wins:
        for callback, body in win.before:
            here.deliver_until_paid(callback, body)

    for engine in OUTAGES[outage]:
        here.stop(engine)
    ends = time.monotonic() + OUTAGE_SECONDS
    with ThreadPoolExecutor(SENDERS) as pool:
        answers = [pool.submit(_delivered, here, win, outage, ends) for win in wins]
    time.sleep(max(0.0, ends - time.monotonic()))  # it is longer if not everyone is answered by then
    for engine in OUTAGES[outage]:
        here.start(engine)

    assert {answer.result() for answer in answers} == ({503} if "tables" in OUTAGES[outage] else {200})
    if outage == "both":  # nothing could be kept: what there is are the retransmissions
        for win in wins:
            here.deliver_until_paid(win.callback, win.body)
    here.wait_until_the_queues_are_empty()
    for win in wins:
        here.assert_paid_once(win)


def _delivered(here: Stand, win: Win, outage: str, ends: float) -> int:
    """The status that a win is answered with, at some moment of the outage, as traffic is spread."""
    time.sleep(random.Random(win.player).uniform(0, max(0.0, ends - time.monotonic())))
    if outage == "queues":
        return here.deliver_until_paid(win.callback, win.body).status_code
    answer = here.deliver(win.callback, win.body)
    if outage == "tables" and not here.is_kept(win):
        here.deliver_until_kept(win)  # and after the outage it is paid without being sent again
    return answer.status_code


def test_a_retry_whose_delete_is_lost_pays_nothing_twice(here: Stand) -> None:
    win = promo("late")
    assert here.post(win) == 62  # kept: the player may be created meanwhile

    with here.queues.fault({"operation": "DeleteMessage", "reset": True}) as fault:
        here.open_wallet("late")
        wait_until(lambda: fault.times_met >= 2)  # it came again, was a replay, and could not be deleted either

    here.wait_until_the_queues_are_empty()
    here.assert_paid_once(win)


def test_what_no_retry_can_pay_ends_in_the_dead_letters(here: Stand) -> None:
    policy = here.change_redrive("promo", max_receive_count=2)  # ten tries would take a quarter of an hour
    win = promo("nobody")
    try:
        assert here.post(win) == 62
        here.wait_until_the_queues_are_empty()
    finally:
        here.change_queue("PromoRetryQueue", RedrivePolicy=policy)

    (letter,) = here.dead_letters("promo")
    assert (letter["reference"], letter["code"]) == ("nobody", 62)
    assert json.loads(letter["request"])["amount"] == win.body["amount"]


@pytest.mark.parametrize("fault", [{"reset": True}, {"error": {"code": "InternalError", "status": 500}}])
def test_a_conflict_that_cannot_be_left_for_a_person_is_to_be_sent_again(here: Stand, fault: dict[str, Any]) -> None:
    win = promo("unlucky")
    here.deliver_until_paid(win.callback, win.body)
    here.dead_letters("promo")

    with here.queues.fault({"operation": "SendMessage"} | fault) as met:
        assert here.post_once(win, amount="501.0") == 998
        assert met.times_met
    assert here.post(win, amount="501.0") == 61

    (letter,) = here.dead_letters("promo")
    assert json.loads(letter["request"])["amount"] == "501.0"
    here.assert_paid_once(win)

"""Two functions, every order of their calls, and a death at each: simulation/orders.py."""

from collections.abc import Callable
from typing import Any

import pytest

from simulation.network import Violation
from simulation.orders import PAIRS, explore
from simulation.rounds import SETTINGS
from simulation.rounds import explore as explore_round
from wallet.calls import Reversal
from wallet.ledger import Movement, Snapshot
from wallet.rounds import Round
from wallet.store import Store

Action = dict[str, Any]


@pytest.mark.parametrize("pair", PAIRS)
def test_every_order_of_two_functions_leaves_the_wallet_right(pair: str) -> None:
    explored = explore(PAIRS[pair])

    assert explored.states >= 75
    assert explored.orders >= 240
    met = {"has a torn read", "meets the other's write", "comes second", "dies", "ends its write, and dies"}
    assert met <= explored.happened.keys()


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_order_of_a_rounds_calls_leaves_the_wallet_right(setting: str) -> None:
    explored = explore_round(SETTINGS[setting])

    assert explored.states >= 500
    assert explored.ends >= 8
    met = {"answered 0", "answered 53", "answered 61", "a bet was paid back", "a cancel was remembered"}
    assert met | ({"dies"} if SETTINGS[setting].dies else set()) <= explored.happened.keys()


@pytest.mark.parametrize(
    ("owner", "method", "instead"),
    [(Round, "without", lambda self, *_: self), (Reversal, "_is_paid_back", lambda *_: False)],
)
def test_a_broken_rule_of_rounds_is_found_and_told_call_by_call(
    owner: type, method: str, instead: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, method, instead)

    with pytest.raises(Violation, match=r"\n  (second )?bet\n"):
        explore_round(SETTINGS["free rounds"])


def _unconditional(action: Action) -> Action:
    ((verb, asked),) = action.items()
    return {verb: {name: value for name, value in asked.items() if name != "ConditionExpression"}}


def _careless(action: Action) -> Action:
    return _without("version = :version_read AND ", action)


def _forgetful(action: Action) -> Action:
    return _without(" AND attribute_not_exists(laterPrizeAmount)", action)


def _deaf_to_rounds(action: Action) -> Action:
    return _without("#uncovered = :uncovered AND ", action)


def _deaf_to_totals(action: Action) -> Action:
    return _without(" AND #advance = :advance", action)


def _without(condition: str, action: Action) -> Action:
    ((verb, asked),) = action.items()
    return {verb: {**asked, "ConditionExpression": asked["ConditionExpression"].replace(condition, "")}}


@pytest.mark.parametrize(
    ("pair", "method", "changed"),
    [
        ("win, the same again", "_put_transaction", _unconditional),
        ("win, win with prize", "_set_wallet", _unconditional),
        ("win, win", "_set_wallet", _careless),
        ("withdrawal, a deposit that makes it possible", "_check_wallet", _unconditional),
        ("opening, another", "_open", _unconditional),
        ("round, total, first of their code", "_put", _unconditional),
        ("round, total", "_put", _deaf_to_rounds),
        ("round, round", "_put", _deaf_to_totals),
        ("win with prize, with another, paid without", "_note_prize", _forgetful),
    ],
)
def test_a_write_without_its_condition_is_found_and_told_step_by_step(
    pair: str, method: str, changed: Callable[[Action], Action], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = getattr(Store, method)
    monkeypatch.setattr(Store, method, lambda *asked, **more: changed(right(*asked, **more)))

    with pytest.raises(Violation) as found:
        explore(PAIRS[pair])

    steps = f"{found.value}".splitlines()
    assert {"  function 1 begins a write", "  function 2 begins a write"} <= {*steps}


def test_an_answer_from_a_torn_read_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Snapshot, "is_torn", lambda *_: False)

    with pytest.raises(Violation, match="has a torn read"):
        explore(PAIRS["win, the same again"])


def test_a_cancel_that_reads_its_bet_and_not_yet_its_round_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reversal, "is_torn", lambda *_: False)

    with pytest.raises(Violation, match="has a torn read"):
        explore(PAIRS["bet, its cancel"])


def test_a_delivery_that_is_refused_when_it_is_sent_again_after_a_death_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Movement, "differences", lambda *_: ("timestamp",))

    with pytest.raises(Violation, match=r"(?s)told that .* differ.*ends its write, and dies"):
        explore(PAIRS["win, win"])

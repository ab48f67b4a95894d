"""Many wins or withdrawals at once: one player's are all made in time, and other players' never wait for them."""

from fractions import Fraction

import pytest

from simulation.crowd import measured, pace_of, withdrawn


@pytest.mark.parametrize("conflicts", [True, False])
def test_a_hundred_wins_of_one_player_at_the_same_moment_are_all_paid_in_time(conflicts: bool) -> None:
    figures = measured(int(conflicts), pace_of(8, conflicts=conflicts), each=100)

    assert (figures.paid, figures.kept) == (100, 0)
    assert figures.writes <= 1000
    assert figures.lasted <= 2.5


def test_wins_of_different_players_never_wait_for_each_other() -> None:
    figures = measured(0, pace_of(8, conflicts=True), players=64, each=1)

    assert (figures.paid, figures.writes) == (64, 64)
    # Each new function asks for the provider's secret, reads and writes once.
    assert figures.seconds == pytest.approx([0.004 + 0.004 + 0.008] * 64, abs=1e-6)


def test_more_wins_of_one_player_than_can_be_paid_in_time_are_kept_and_paid_later() -> None:
    figures = measured(0, pace_of(40, conflicts=True), each=100)  # raises Violation if one is never paid

    assert figures.kept > 0
    assert figures.paid + figures.kept == 100


@pytest.mark.parametrize("conflicts", [True, False])
def test_two_hundred_withdrawals_at_once_take_what_there_is_and_refuse_none_that_fits(conflicts: bool) -> None:
    amounts = [f"{each % 7 + 1}.{each % 3}" for each in range(200)]

    crowd = withdrawn(int(conflicts), pace_of(40, conflicts=conflicts), cash="300", amounts=amounts)

    records = {record.credit.id: record for record in crowd.books.contract.records.values()}
    taken = [-record.paid for record in records.values() if record.credit.kind == "withdrawal" and record.paid]
    refused = [-record.credit.amount for record in records.values() if record.outcome == "not enough"]
    left = crowd.books.contract.wallets["421"].cash
    assert len(taken) + len(refused) == 200
    assert left == 300 - sum(taken) >= 0
    assert all(amount > left for amount in refused)  # the balance never grows, so none of them fits
    assert sum(error == 998 for error, _, _ in crowd.answers) > 0  # which were sent again
    assert len(crowd.answers) == 200 + sum(error == 998 for error, _, _ in crowd.answers)


def test_of_withdrawals_that_take_all_there_is_exactly_one_is_made() -> None:
    crowd = withdrawn(0, pace_of(8, conflicts=True), cash="10", amounts=["10"] * 20)

    assert sorted(error for error, _, _ in crowd.answers if error != 998) == [0] + 19 * [15]
    assert crowd.books.contract.wallets["421"].cash == Fraction(0)

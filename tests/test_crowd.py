"""Many wins at once: one player's are all paid in time, and other players' never wait for them."""

import pytest

from simulation.crowd import measured, pace_of


@pytest.mark.parametrize("conflicts", [True, False])
def test_a_hundred_wins_of_one_player_at_the_same_moment_are_all_paid_in_time(conflicts: bool) -> None:
    for seed in range(5):
        figures = measured(seed, pace_of(8, conflicts=conflicts), each=100)

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

"""Which of the missing credits and cancels are dead letters, and how many requests wait for another try."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.walletctl.parked.reading import piles
from tools.walletctl.place import Place
from tools.walletctl.reconcile.ledger import place as round_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """`dead` says why, by the ids of what a dead letter asks for; `rounds` by the rounds whose refund is one.

    `waiting` counts the requests that may ask for a callback's credits: a prize may wait inside a result.
    """

    dead: Mapping[str, str]
    rounds: Mapping[str, str]
    waiting: Mapping[str, int]


def kept(place: Place, callbacks: Sequence[str]) -> Kept:
    """Reads the callbacks' dead letters and puts them back; for prizes the results' as well. Raises Trouble.

    What waits in a retry queue is counted and not read: reading it would count as one of its tries.
    """
    dead: dict[str, str] = {}
    rounds: dict[str, str] = {}
    waiting: dict[str, int] = {}
    read = {*callbacks, "result"} if "promo" in callbacks else {*callbacks}
    for pile in piles(place, sorted(read.intersection(place.keeping()))):
        waiting[pile.callback] = pile.waiting.all
        for group in pile.groups:
            for letter in group.letters:
                if letter.parked:
                    why = f"{letter.parked.code}: {letter.parked.reason}"
                    if letter.is_of_whole_round:
                        asked = letter.asked
                        rounds[round_of(*(asked.get(name, "") for name in ("userId", "gameId", "roundId")))] = why
                    dead |= dict.fromkeys(letter.owes, f"{why} (its prize alone)" if letter.is_prize_only else why)
    if "promo" in waiting:
        waiting["promo"] += waiting["result"]
    return Kept(dead=dead, rounds=rounds, waiting=waiting)

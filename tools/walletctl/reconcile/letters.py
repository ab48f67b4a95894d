"""What of the missing credits is kept: which of them are dead letters, and how many requests wait for another try."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.walletctl.parked.reading import piles
from tools.walletctl.place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """`dead` says why, by the ids of the credits that a dead letter asks for.

    `waiting` counts the requests that may ask for a callback's credits: a prize may wait inside a result.
    """

    dead: Mapping[str, str]
    waiting: Mapping[str, int]


def kept(place: Place, callbacks: Sequence[str]) -> Kept:
    """Reads the callbacks' dead letters and puts them back; for prizes the results' as well. Raises Trouble.

    What waits in a retry queue is counted and not read: reading it would count as one of its tries.
    """
    dead: dict[str, str] = {}
    waiting: dict[str, int] = {}
    read = {*callbacks, "result"} if "promo" in callbacks else {*callbacks}
    for pile in piles(place, sorted(read)):
        waiting[pile.callback] = pile.waiting.all
        for group in pile.groups:
            for letter in group.letters:
                if letter.parked:
                    why = f"{letter.parked.code}: {letter.parked.reason}"
                    dead |= dict.fromkeys(letter.owes, f"{why} (its prize alone)" if letter.is_prize_only else why)
    if "promo" in waiting:
        waiting["promo"] += waiting["result"]
    return Kept(dead=dead, waiting=waiting)

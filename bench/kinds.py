"""The kinds of call that are measured, and who takes part in which: wins alone, or all calls of a round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.contenders import CONTENDERS, FLOOR, OURS, PEER, Contender
from tools.shared.folders import ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`call` is a function, and its example in `events/`. `after` are calls that its round has before it.

    `again`: the same call was answered before.
    """

    name: str
    call: str
    after: tuple[str, ...] = ()
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A contender with the functions that take part, by their calls, and the kinds of call that are measured."""

    contender: Contender
    functions: Mapping[str, Contender]
    kinds: Sequence[Kind]


FRESH = Kind(name="fresh", call="result")
REPLAY = Kind(name="replay", call="result", again=True)
WINS = [
    Entry(
        contender=contender,
        functions={"result": contender},
        kinds=[FRESH] if contender == FLOOR else [FRESH, REPLAY],
    )
    for contender in CONTENDERS
]

BETS = [
    Kind(name="fresh bet", call="bet"),
    Kind(name="bet replayed", call="bet", again=True),
    Kind(name="fresh cancel", call="cancel", after=("bet",)),
    Kind(name="cancel replayed", call="cancel", after=("bet",), again=True),
    Kind(name="fresh win after its bet", call="result", after=("bet",)),
]
ROUNDS = [
    Entry(
        contender=OURS,
        functions={
            call: replace(OURS, folder=ROOT / "functions" / call, function=call, calls="All")
            for call in ("bet", "cancel", "result")
        },
        kinds=BETS,
    ),
    Entry(
        contender=PEER,
        functions={
            "result": PEER,
            **{call: replace(PEER, module="peer_bets", function=call, calls="All") for call in ("bet", "cancel")},
        },
        kinds=BETS,
    ),
]

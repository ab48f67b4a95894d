"""Scripts by hand: what chance seldom brings about, and what the simulation has found before."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .hard_cases import HARD_CASES
from .script import (
    Anchored,
    Cancel,
    Erased,
    Event,
    Fault,
    Moved,
    Movement,
    Opened,
    Order,
    Queued,
    Redriven,
    Script,
    Sent,
    Settled,
    Spoiled,
    Stepped,
    Win,
    opened,
)

_FIRST = Win(
    callback="result", player="odd", reference="first", amount="5", currency="EUR", game="g-1", round="round-1",
    bonus_code="free-1",
)  # fmt: skip
_SECOND = Win(callback="promo", player="odd", reference="second", amount="3", currency="EUR", campaign="c-1")
_OTHERS = Win(callback="promo", player="421", reference="second", amount="3", currency="EUR", campaign="c-1")
_UNKNOWN = Win(callback="promo", player="new", reference="third", amount="3", currency="EUR", campaign="c-1")
_PRIZED = Win(
    callback="result", player="odd", reference="fourth", amount="1", currency="EUR", game="g-1", round="round-1",
    prize=(None, "1.5"),
)  # fmt: skip
_ALSO_ALONE = Win(
    callback="promo", player="odd", reference="prize", amount="2", currency="EUR", bonus_code="free-2", campaign="c-1"
)
_WITH_IT = Win(
    callback="result", player="odd", reference="fifth", amount="0", currency="EUR", game="g-1", round="round-2",
    prize=("prize", "2"),
)  # fmt: skip
_JACKPOT = Win(callback="jackpot", player="new", reference="j", amount="1", game="g", round="r", jackpot="j")
_REFUND = Cancel(call="Refund", player="odd", reference="own", currency="EUR", game="g-1", round="round-1")
_BOOKED: Mapping[Queued, Win] = {
    "promo": _UNKNOWN,
    "result": replace(_PRIZED, player="new", prize=None),
    "jackpot": _JACKPOT,
}
BETWEEN = 1.02  # after the read of what is sent at 1.0, and before its write
_OTHERS_BET = Win(
    callback="bet", player="421", reference="own", amount="1", currency="EUR", game="g-1", round="round-1"
)
_OPENED = opened(90, "odd", "EUR", "7.5", "0.5")


def _spoilt(at: float, field: str, of_record: str | None = None) -> Spoiled:
    return Spoiled(at=at, player="odd", code=None, field=field, is_missing=True, seconds=9.0, of_record=of_record)


def _order(at: float, number: int, movement: Movement, amount: str, reference: str = "o", **more: Any) -> Sent:
    order = Order(
        movement=movement, player="odd", reference=f"{reference}-{number}", amount=amount, currency="EUR", **more
    )
    return Sent(at=at, win=order, number=number)


def _another_opening(number: int, player: str, at: float) -> Sent:
    order = Order(movement="opening", player=player, reference=f"{player}-2", amount="7", currency="EUR")
    return Sent(at=at, win=order, number=number)


def _by_hand(at: float, callback: Queued, number: int = 60_001, *, booked_elsewhere: bool = False) -> Settled:
    return Settled(at=at, callback=callback, number=number, booked_elsewhere=booked_elsewhere)


def _script(*events: Event, faults: Mapping[tuple[int, int, int], Fault] | None = None) -> Script:
    return Script(seed=1, events=events, faults=faults or {}, redrives=False)


SCENES: Mapping[str, Script] = {
    "a refund of an unknown round is left, and is then found to name another player's bet": _script(
        _OPENED,
        opened(91, "421", "EUR", "1", "0"),
        Sent(at=1.0, win=_OTHERS_BET, number=1),
        Sent(at=1.0, win=_REFUND, number=2),
    ),
    "a replay is answered by its record while the wallet cannot be read": _script(
        _OPENED,
        Sent(at=1.0, win=_FIRST, number=1),
        Sent(at=2.0, win=_SECOND, number=2),
        _spoilt(10.0, "cash"),
        Sent(at=11.0, win=_FIRST, number=3),
        _spoilt(20.0, "currency"),
        Sent(at=21.0, win=_SECOND, number=4),
        _spoilt(30.0, "bonus", of_record="cashAfter"),
        Sent(at=31.0, win=_SECOND, number=5),
        _spoilt(40.0, "version", of_record="bonusAfter"),
        Sent(at=41.0, win=_SECOND, number=6),
    ),
    "a reference of a player with more transactions is a conflict at once": _script(
        _OPENED,
        opened(91, "421", "EUR"),
        *(Sent(at=0.5, win=replace(_OTHERS, player="odd", reference=f"{each}"), number=80 + each) for each in range(5)),
        Sent(at=1.0, win=_SECOND, number=1),
        Sent(at=2.0, win=_OTHERS, number=2),
    ),
    "a clock that is set back makes nothing younger than it is": _script(
        Stepped(at=0.0, seconds=30.0),
        Sent(at=1.0, win=_UNKNOWN, number=1),
        Stepped(at=2.0, seconds=-30.0),
    ),
    # The retry was taken to be done because the prize had been left before: in the message that was deleted then.
    "a prize that is sent back is not lost when it cannot be left again": _script(
        _OPENED,
        Sent(at=0.0, win=_PRIZED, number=1),
        Redriven(at=9.0, callback="result"),
        faults={(1, 2, 1): Fault("unreachable")},
    ),
    **{
        f"another program's {what} between a read and a write is not overwritten": _script(
            _OPENED,
            Sent(at=1.0, win=_SECOND, number=1),
            event,
            Sent(at=9.0, win=_FIRST, number=2),
        )
        for what, event in {
            "cash": Moved(at=BETWEEN, player="odd", cash="1", careless=True),
            "bonus": Moved(at=BETWEEN, player="odd", cash="0", bonus="1", careless=True),
            "currency": Opened(at=BETWEEN, player="odd", currency="USD", cash="7.5", bonus="0.5"),
        }.items()
    },
    **{
        f"nothing is added to free rounds whose {field} cannot be read": _script(
            _OPENED,
            Sent(at=1.0, win=_FIRST, number=1),
            replace(_spoilt(10.0, field), code="free-1", is_missing=field != "until"),
            Sent(at=11.0, win=replace(_FIRST, reference="another"), number=2),
            replace(_spoilt(20.0, field), code="free-1", is_missing=False),
            Sent(at=21.0, win=replace(_FIRST, reference="one more"), number=3),
        )
        for field in ("uncovered", "advance", "until", "lastRounds")
    },
    "of two prizes that cannot be paid, the first to be noted is": _script(
        _OPENED,
        Sent(at=0.0, win=replace(_PRIZED, prize=None), number=1),
        Sent(at=1.0, win=_PRIZED, number=2),
        Sent(at=1.0, win=replace(_PRIZED, prize=(None, "2.5")), number=3),
    ),
    "all there is can be withdrawn, and then no more": _script(
        _OPENED,
        _order(1.0, 1, "withdrawal", "7.5"),
        _order(2.0, 2, "withdrawal", "0.000000000000000001"),
        _order(3.0, 3, "withdrawal", "0"),
    ),
    "a wallet below zero takes what is paid, and only an adjustment that says so takes more": _script(
        _OPENED,
        _order(1.0, 1, "adjustment", "-17.5", below_zero=True),
        _order(2.0, 2, "deposit", "0.5"),
        _order(3.0, 3, "adjustment", "0", bonus="-1"),
        _order(4.0, 4, "withdrawal", "1"),
        _order(5.0, 5, "adjustment", "-1"),
        Sent(at=6.0, win=_SECOND, number=6),
    ),
    "a wallet that cannot be read is not opened again": _script(
        _OPENED,
        _spoilt(1.0, "cash"),
        _order(2.0, 1, "opening", "5", "another"),
    ),
    "an opening whose record is read before the wallet it makes is no conflict": _script(
        *(
            Sent(at=at, win=order, number=3 * each + number)
            for each in range(1, 28)
            for order in [opened(0, f"{each}", "EUR", "5").win]
            for number, at in enumerate((0.0, each / 1500, each / 1500 + 0.006))
        )
    ),
    "a prize beside another that was noted is left before its win is answered": _script(
        _OPENED,
        Sent(at=1.0, win=replace(_WITH_IT, prize=("a", "1")), number=1),
        Sent(at=2.0, win=_WITH_IT, number=2),
        faults={(2, 0, 1): Fault("unreachable")},
    ),
    "of two prizes that cannot be paid, one is noted, whichever write is first": _script(
        _OPENED,
        *(
            Sent(at=at, win=replace(_PRIZED, reference=f"{each}", prize=prize), number=3 * each + number)
            for each in range(1, 28)
            for number, (at, prize) in enumerate(
                ((each, None), (each + 0.5, (None, "1.5")), (each + 0.5 + each / 1500, (None, "2.5")))
            )
        ),
    ),
    "a prize is known as another player's while that player's wallet is spoilt": _script(
        _OPENED,
        opened(91, "421", "USD", "1"),
        Sent(at=1.0, win=_SECOND, number=1),
        Sent(at=3.0, win=replace(_WITH_IT, player="421", currency="USD", prize=("second", "53")), number=2),
        _spoilt(10.0, "currency"),
        Anchored(at=12.0),
    ),
    "of two openings of one player at the same moment, one is made": _script(
        *(opened(2 * each, f"{each}", "EUR", "5") for each in range(1, 30)),
        *(_another_opening(2 * each + 1, f"{each}", each / 1500) for each in range(1, 30)),
    ),
    **{
        f"what is booked elsewhere needs no wallet, and moves none: {callback}": _script(
            Sent(at=1.0, win=replace(win, wrong="absent"), number=1),
            _by_hand(2.0, callback, booked_elsewhere=True),
            Sent(at=3.0, win=win, number=2),
            Sent(at=4.0, win=replace(win, currency=None) if callback == "jackpot" else win, number=3),
            *([Sent(at=5.0, win=replace(win, prize=("p", "1")), number=4)] if callback == "result" else []),
            opened(5, "new", "USD", at=20_000.0),
            Sent(at=20_001.0, win=win, number=6),
        )
        for callback, win in _BOOKED.items()
    },
    "what is booked elsewhere without a currency is in the wallet's": _script(
        _OPENED,
        Sent(at=1.0, win=replace(_JACKPOT, player="odd", wrong="absent"), number=1),
        _by_hand(2.0, "jackpot", booked_elsewhere=True),
        Sent(at=3.0, win=replace(_JACKPOT, player="odd"), number=2),
    ),
    "a prize that a person has paid is disputed no more": _script(
        _OPENED,
        Sent(at=1.0, win=replace(_WITH_IT, prize=("a", "1")), number=1),
        Sent(at=2.0, win=_WITH_IT, number=2),
        _by_hand(3.0, "result"),
        Sent(at=4.0, win=_WITH_IT, number=3),
        Sent(at=5.0, win=replace(_WITH_IT, prize=("prize", "3")), number=4),
    ),
    # Its win was a replay by what a person had settled, and the message that had the prize was deleted.
    "a disputed prize that is sent back is left again, though its request cannot be read in full": _script(
        _OPENED,
        Sent(at=1.0, win=replace(_ALSO_ALONE, amount="9", bonus_code=None), number=1),
        Sent(at=2.0, win=replace(_WITH_IT, wrong="absent"), number=2),
        _by_hand(3.0, "result"),
        Redriven(at=4.0, callback="result"),
    ),
    "a prize that the provider has sent alone is disputed all the same": _script(
        _OPENED,
        Sent(at=1.0, win=replace(_WITH_IT, prize=("a", "1")), number=1),
        Sent(at=2.0, win=replace(_ALSO_ALONE, bonus_code=None), number=2),
        Sent(at=3.0, win=_WITH_IT, number=3),
    ),
    "what a person has settled is no replay with a prize that came later": _script(
        _OPENED,
        Sent(at=1.0, win=replace(_PRIZED, prize=None, wrong="absent"), number=1),
        _by_hand(2.0, "result"),
        Sent(at=3.0, win=replace(_PRIZED, prize=None, wrong="absent"), number=2),
        Sent(at=4.0, win=replace(_PRIZED, prize=("later", "1"), wrong="absent"), number=3),
    ),
    "an erased request does not tell whose code its result has": _script(
        _OPENED,
        Sent(at=1.0, win=replace(_FIRST, callback="bet", reference="bet"), number=1),
        Sent(at=2.0, win=replace(_FIRST, bonus_code=None, prize=("a", "1")), number=2),
        *(Erased(at=3.0, which=which) for which in range(4)),
    ),
    # It was kept for its prize alone: nobody would have heard of the win.
    "a prize that is sent back brings its win with it if that was never paid": _script(
        _OPENED,
        Sent(at=1.0, win=replace(_PRIZED, prize=("a", "-5")), number=1),
        Sent(at=2.0, win=replace(_REFUND, reference="another"), number=2),
        Redriven(at=3.0, callback="result"),
        faults={(1, 0, 3): Fault("death")},
    ),
    # It was left for a person once more, whose decision it was.
    "a person who refunds a round that nobody knows is not asked again": _script(
        _OPENED,
        Sent(at=1.0, win=_FIRST, number=1),
        Sent(at=2.0, win=_REFUND, number=2),
        _by_hand(3.0, "cancel"),
    ),
    # The record names the prize because it was paid, not because it was left: nobody would have heard of the conflict.
    "a prize that is on record, and comes again with more said, is left for a person": _script(
        _OPENED,
        Sent(at=0.0, win=_ALSO_ALONE, number=1),
        Sent(at=1.0, win=_WITH_IT, number=2),
        Sent(at=2.0, win=replace(_WITH_IT, bonus_code="free-1"), number=3),
        faults={(3, 0, 1): Fault("unreachable")},
    ),
    **HARD_CASES,
}

"""Scripts by hand: the hard cases of bets, cancels and rounds, each by its name."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .script import (
    Cancel,
    Event,
    Expired,
    Fault,
    Freeze,
    Message,
    Order,
    Played,
    Script,
    Sent,
    Settled,
    Step,
    Visit,
    Win,
    opened,
)

_PLAYER = "421"
_BET = Win(callback="bet", player=_PLAYER, reference="bet-1", amount="10", currency="USD", game="g-1", round="round-1")
_SECOND = replace(_BET, reference="bet-2", amount="5")
_RESULT = replace(_BET, callback="result", reference="result-1", amount="7")
_NOTHING = replace(_RESULT, reference="result-0", amount="0")
_FREE = replace(_BET, bonus_code="free-1")
_TOTAL = Win(callback="bonus", player=_PLAYER, reference="total", amount="7", game="g-1", bonus_code="free-1")
_CANCEL = Cancel(call="Cancel", player=_PLAYER, reference="bet-1", currency="USD", game="g-1", round="round-1")
_REFUND = replace(_CANCEL, call="Refund")
_OWN = replace(_REFUND, reference="refund-1")
_END = Visit(call="EndRound", player=_PLAYER, currency="USD", game="g-1", round="round-1")
_WRITES = 0.02  # after a bet was sent, it is about to be written


def _script(*events: Event, cash: str = "100", faults: Mapping[tuple[int, int, int], Fault] | None = None) -> Script:
    first = [opened(90, _PLAYER, "USD", cash), opened(91, "422", "USD", cash)]
    return Script(seed=1, events=[*first, *events], faults=faults or {}, redrives=False)


def _after(*said: Message | Freeze, cash: str = "100") -> Script:
    """One after the other."""
    return _script(*(Sent(at=1.0 + number, win=each, number=number) for number, each in enumerate(said, 1)), cash=cash)


def _at_once(*said: Message, before: Sequence[Message] = (), cash: str = "100") -> Script:
    """Thirty times, each of another player, and each a little more apart."""
    events: list[Event] = []
    for each in range(30):
        player = f"p-{each}"
        events.append(opened(2000 + each, player, "USD", cash))
        for number, message in enumerate((*before, *said)):
            at = 1.0 if number < len(before) else 2.0 + (number - len(before)) * each / 1000
            reference = f"{message.reference}-{each}" if message.reference else {}
            named = {"reference": reference} if message.reference else {}
            events.append(Sent(at=at, win=replace(message, player=player, **named), number=10 * each + number + 1))
    return Script(seed=1, events=sorted(events, key=lambda event: event.at), faults={}, redrives=False)


def _by_hand(at: float, *, number: int = 60_001, booked_elsewhere: bool = False) -> Settled:
    return Settled(at=at, callback="cancel", number=number, booked_elsewhere=booked_elsewhere)


def _freeze(*, freezes: bool = True) -> Freeze:
    return Freeze(player=_PLAYER, freezes=freezes)


HARD_CASES: Mapping[str, Script] = {
    "two bets at once over the balance are never both taken": _at_once(_BET, _SECOND, cash="12"),
    "the same bet at once is taken once": _at_once(_BET, _BET, cash="15"),
    "a bet whose answer was lost is cancelled while it is being written": _at_once(_BET, _CANCEL),
    "a cancel before its bet": _after(_CANCEL, _BET, _BET),
    "a cancel between its bet's deliveries": _after(_BET, _CANCEL, _BET),
    "a cancel after its bet's deliveries, and again by the other path": _after(
        _BET, _BET, _CANCEL, _CANCEL, replace(_REFUND, round=None, game=None)
    ),
    "a cancel of a bet that was refused": _after(_BET, _CANCEL, _BET, cash="5"),
    "a bet that was refused is refused when there is money": _script(
        Sent(at=1.0, win=_BET, number=1),
        Sent(at=2.0, win=replace(_RESULT, round="another", amount="50"), number=2),
        Sent(at=3.0, win=_BET, number=3),
        cash="5",
    ),
    "a cancel of an unknown bet touches no live one": _after(_BET, replace(_CANCEL, reference="lost"), _RESULT),
    "a refund of a round with two bets by the first's reference, and again": _after(
        _BET, _SECOND, _REFUND, _REFUND, replace(_BET, reference="bet-3"), _REFUND, _RESULT, _NOTHING
    ),
    "a refund of a round with two bets by its own reference, and by another": _after(
        _BET, _SECOND, _OWN, _OWN, replace(_OWN, reference="refund-2"), replace(_BET, reference="refund-1")
    ),
    "a refund of the amount of one bet of two": _after(
        _BET, _SECOND, replace(_REFUND, amount="10"), replace(_REFUND, amount="15")
    ),
    "the same round id in two games": _after(
        _BET,
        replace(_SECOND, game="g-2"),
        replace(_REFUND, game="g-2", reference="refund-2"),
        _RESULT,
        replace(_RESULT, game="g-2", reference="result-2"),
    ),
    "a win, a second bet, its cancel, and that of the first": _after(
        _BET, _RESULT, _SECOND, replace(_CANCEL, reference="bet-2"), _CANCEL, _OWN
    ),
    "a free bet whose result has no code, then the total": _after(_FREE, _RESULT, _TOTAL),
    "a total, then the result of a free bet without its code": _after(_FREE, _TOTAL, _RESULT),
    "a free bet beside one with a stake gives no code to its result": _after(_FREE, _SECOND, _RESULT, _TOTAL),
    "a free bet is cancelled for nothing": _after(_FREE, replace(_CANCEL, amount="10"), _FREE, _RESULT),
    "a cancel of one bet, then a refund of its round under the same reference": _after(
        replace(_CANCEL, reference="lost"), _BET, replace(_REFUND, reference="lost"), _RESULT
    ),
    "a refund of a round nobody knows, once": _after(_OWN, _OWN, _BET, _RESULT),
    "a refund of a round nobody knows waits for its dead letter": _script(
        Sent(at=1.0, win=_OWN, number=1, tries=4),
        faults={(1, 0, 2): Fault("unreachable"), (100_001, 0, 1): Fault("death", "yes")},
    ),
    "a refund that names another game's bet": _after(
        _BET, replace(_SECOND, game="g-2"), replace(_REFUND, game="g-2"), replace(_CANCEL, game="g-2"), _CANCEL
    ),
    "a cancel and a refund of another player's bet": _after(
        _BET, replace(_CANCEL, player="422"), replace(_REFUND, player="422"), _CANCEL
    ),
    "a refund that names another player's bet that was refused": _after(
        _BET, replace(_REFUND, player="422"), _REFUND, cash="5"
    ),
    "a person refunds no round by another round's bet": _script(
        Sent(at=1.0, win=_BET, number=1),
        Sent(at=2.0, win=replace(_SECOND, round="round-2"), number=2),
        Sent(at=3.0, win=replace(_REFUND, round="round-2"), number=3),
        _by_hand(4.0),
    ),
    "a person has a cancel remembered of a player without a wallet": _script(
        Sent(at=1.0, win=replace(_CANCEL, player="new", wrong="absent"), number=1),
        _by_hand(2.0),
        opened(92, "new", "USD", "50", at=3.0),
        Sent(at=4.0, win=replace(_BET, player="new"), number=2),
    ),
    "forty-one bets in a round": _after(
        *(replace(_BET, reference=f"bet-{number}", amount="1") for number in range(41)),
        replace(_CANCEL, reference="bet-3"),
        replace(_BET, reference="bet-40", amount="1"),
        _OWN,
    ),
    "the fortieth bet is sent again while it is written": _script(
        *(Sent(at=1.0, win=replace(_BET, reference=f"{number}", amount="1"), number=number) for number in range(1, 40)),
        *(Sent(at=20.0 + each / 1000, win=replace(_BET, amount="1"), number=100 + each) for each in range(60)),
    ),
    "a result after its only bet was cancelled, before and after it came": _after(
        _BET, _CANCEL, _RESULT, _NOTHING, replace(_CANCEL, reference="lost", round="r-2"), replace(_RESULT, round="r-2")
    ),
    "a cancel and a refund of a bet after a win of next to nothing": _after(
        _BET, replace(_RESULT, amount="0.000000000000000001"), _CANCEL, _REFUND, replace(_CANCEL, amount="3")
    ),
    "a cancel and a refund of a bet whose round has expired": _script(
        Sent(at=1.0, win=_BET, number=1),
        Sent(at=2.0, win=_RESULT, number=2),
        Sent(at=3.0, win=replace(_BET, reference="open", round="round-2"), number=3),
        Expired(at=401 * 86400.0),
        Sent(at=402 * 86400.0, win=_CANCEL, number=4),
        Sent(at=402 * 86400.0 + 1, win=_REFUND, number=5),
        Sent(at=402 * 86400.0 + 2, win=_BET, number=6),
        Sent(at=402 * 86400.0 + 3, win=replace(_CANCEL, reference="open", round="round-2"), number=7),
        Sent(at=402 * 86400.0 + 4, win=replace(_RESULT, reference="result-2"), number=8),
    ),
    "a result beside a bet that was refused": _after(_BET, _RESULT, _CANCEL, cash="5"),
    "a round that is closed by itself after it has won": _after(
        _BET, _RESULT, replace(_RESULT, reference="closed", in_session=False), _END, replace(_RESULT, reference="late")
    ),
    "a bet after the end of its round": _after(_END, _BET, _END, _CANCEL),
    "a cancel without a wallet is remembered, and a refund": _script(
        Sent(at=1.0, win=replace(_CANCEL, player="new"), number=1),
        Sent(at=1.0, win=replace(_OWN, player="new", round="round-2"), number=2),
        opened(92, "new", "USD", "50", at=2.0),
        Sent(at=3.0, win=replace(_BET, player="new"), number=3),
        Sent(at=4.0, win=replace(_RESULT, player="new"), number=4),
        Sent(at=5.0, win=replace(_BET, player="new", reference="bet-2", round="round-2"), number=5),
    ),
    "a frozen player bets no more, and gets all else": _after(
        _BET,
        _freeze(),
        _BET,
        _SECOND,
        Visit(call="Check", player=_PLAYER),
        _RESULT,
        _NOTHING,
        _freeze(freezes=False),
        _SECOND,
    ),
    "a bet while its player is being frozen": _script(
        *(Sent(at=each, win=replace(_BET, reference=f"{each}"), number=2 * each) for each in range(1, 9)),
        *(
            Sent(at=each + each / 250, win=Freeze(player=_PLAYER, freezes=True), number=2 * each + 1)
            for each in range(1, 9)
        ),
    ),
    "a person pays back a bet although its round has won": _script(
        Sent(at=1.0, win=_BET, number=1),
        Sent(at=2.0, win=_RESULT, number=2),
        Sent(at=3.0, win=replace(_CANCEL, amount="3"), number=3),
        _by_hand(4.0),
        Sent(at=5.0, win=_CANCEL, number=4),
        Sent(at=6.0, win=_BET, number=5),
    ),
    "a person had a bet paid back elsewhere": _script(
        Sent(at=1.0, win=_BET, number=1),
        Sent(at=2.0, win=replace(_CANCEL, game="g-2"), number=2),
        _by_hand(3.0, booked_elsewhere=True),
        Sent(at=4.0, win=_CANCEL, number=3),
        Sent(at=5.0, win=_RESULT, number=4),
    ),
    **{
        f"a person who has a {what} decided {how} decides it no other way": _script(
            Sent(at=1.0, win=_BET, number=1),
            Sent(at=2.0, win=_NOTHING if what == "cancel" else _RESULT, number=2),
            Sent(at=3.0, win=kept, number=3),
            Sent(at=4.0, win=kept, number=4),
            _by_hand(5.0, booked_elsewhere=how == "elsewhere"),
            _by_hand(6.0, number=60_002, booked_elsewhere=how != "elsewhere"),
            _by_hand(7.0, number=60_003, booked_elsewhere=how == "elsewhere"),
            Sent(at=8.0, win=kept, number=5),
        )
        for what, kept in {"cancel": replace(_CANCEL, game="g-2"), "refund": _REFUND, "refund of its own": _OWN}.items()
        for how in ("elsewhere", "here")
    },
    # A person would be asked once more about what moves nothing.
    "a round that nobody knows is refunded by two references, and a person hears of one": _after(
        _OWN, replace(_OWN, reference="refund-2")
    ),
    "a refund names the bet of a cancel that named no round": _after(replace(_CANCEL, game=None, round=None), _REFUND),
    "a person pays back no bet of another player": _script(
        Sent(at=1.0, win=_BET, number=1),
        Sent(at=2.0, win=replace(_CANCEL, player="422"), number=2),
        _by_hand(3.0),
        Sent(at=4.0, win=_CANCEL, number=3),
    ),
    "a person pays a result although every bet of its round was cancelled": _script(
        Sent(at=1.0, win=_BET, number=1),
        Sent(at=2.0, win=_CANCEL, number=2),
        Sent(at=3.0, win=_RESULT, number=3),
        Settled(at=4.0, callback="result", number=60_001),
        Sent(at=5.0, win=_RESULT, number=4),
        Sent(at=6.0, win=_OWN, number=5),
    ),
    "a provider that hears nothing cancels what it has not lost": _script(
        Played(
            at=1.0,
            number=1,
            player=_PLAYER,
            currency="USD",
            game="g-1",
            round="played",
            steps=[
                Step(what="bet", amount="10"),
                Step(what="bet", amount="5", waits=False),
                Step(what="result", amount="7"),
            ],
            trouble=0.9,
        ),
        Sent(
            at=50.0, win=Order(movement="deposit", player=_PLAYER, reference="d", amount="1", currency="USD"), number=2
        ),
    ),
}

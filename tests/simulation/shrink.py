"""The shortest script that still fails: what it does not need is left out, event by event and fault by fault."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from .network import Violation
from .script import AGAIN, CallId, Event, Fault, Order, Played, Script, Sent, Settled
from .world import play

T = TypeVar("T")
LEFT_OUT_OF_ORDERS = ("bonus", "below_zero", "reason", "wrong")
LEFT_OUT = ("prize", "bonus_code", "campaign", "jackpot", "round", "currency", "wrong")  # of a win, where it can be


def wrong_with(script: Script) -> Violation | None:
    try:
        play(script)
    except Violation as violation:
        return violation
    return None


def shortest(script: Script, violation: Violation, *, seconds: float = 60) -> Script:
    """A script that fails as well, perhaps otherwise, as short as is found within that time."""
    until = time.monotonic() + seconds

    def fails(candidate: Script) -> bool:
        return time.monotonic() < until and wrong_with(candidate) is not None

    # From now on the faults are data. So leaving one thing out changes no other.
    told = replace(script, faults=violation.met, rate=0.0)
    if not fails(told):
        return script
    told = _fewer_events(told, fails)
    for name in ("resends", "redrives"):
        without = replace(told, **{name: False})
        told = without if fails(without) else told
    told = _fewer_faults(told, fails)
    return _fewer_events(_simpler_wins(told, fails), fails)


def _fewer_events(script: Script, fails: Callable[[Script], bool]) -> Script:
    events = _fewer(script.events, lambda left: fails(replace(script, events=left)))
    numbers = {event.number for event in events if isinstance(event, Sent | Settled | Played)}
    faults = {id: fault for id, fault in (script.faults or {}).items() if id[0] % AGAIN in numbers}
    fewer = replace(script, events=events, faults=faults)
    return fewer if fails(fewer) else replace(script, events=events)


def _fewer_faults(script: Script, fails: Callable[[Script], bool]) -> Script:
    faults: Mapping[CallId, Fault] = script.faults or {}
    left = _fewer([*faults.items()], lambda left: fails(replace(script, faults=dict(left))))
    return replace(script, faults=dict(left))


def _fewer(things: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """As few of them as still fail. It leaves out half of them, then a quarter, and so on, down to single ones."""
    size = len(things) // 2
    while size:
        position = 0
        while position < len(things):
            left = [*things[:position], *things[position + size :]]
            if fails(left):
                things = left
            else:
                position += size
        size = min(size // 2, len(things))
    return things


def _simpler_wins(script: Script, fails: Callable[[Script], bool]) -> Script:
    """Each win with as little said as possible, sent as seldom as possible."""
    wins = {id(event.win): event.win for event in script.events if isinstance(event, Sent)}
    for key, win in wins.items():
        names = LEFT_OUT_OF_ORDERS if isinstance(win, Order) else (*LEFT_OUT, "in_session", "dated", "as_text")
        defaults = {each.name: each.default for each in fields(win)}
        for changed in ({name: defaults[name]} for name in names if name in defaults):
            script = _if_it_fails(script, key, changed, fails)
        if getattr(win, "amount", None):
            script = _if_it_fails(script, key, {"amount": "1"}, fails)
    for position, event in enumerate(script.events):
        if isinstance(event, Sent | Settled):
            once = replace(event, tries=1, unheard=0)
            events = [*script.events[:position], once, *script.events[position + 1 :]]
            script = candidate if fails(candidate := replace(script, events=events)) else script
    return script


def _if_it_fails(script: Script, key: int, changed: Mapping[str, Any], fails: Callable[[Script], bool]) -> Script:
    """The script with that win changed everywhere, if it is still broken in the same way."""
    wins = [event.win for event in script.events if isinstance(event, Sent)]
    win = next((each for each in wins if id(each) == key or _origin.get(id(each)) == key), None)
    if win is None or all(getattr(win, name) == value for name, value in changed.items()):
        return script
    simpler = replace(win, **changed)

    def instead(event: Event) -> Event:
        return replace(event, win=simpler) if isinstance(event, Sent) and event.win is win else event

    candidate = replace(script, events=[*map(instead, script.events)])
    if not fails(candidate):
        return script
    _origin[id(simpler)] = key
    return candidate


_origin: dict[int, int] = {}  # the win that a simpler one was

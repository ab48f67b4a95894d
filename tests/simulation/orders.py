"""Every order in which two functions can make their calls, with a death at any of them.

Each function gets one delivery, both of the same player. When both wait for AWS, either may go on. Every choice is
tried, breadth first, and no state is explored twice. Each table of a read is a separate step, in any sequence. A write
holds its items from one step to the next. In each order one function may die: before a call is applied, or after it.
The provider sends that delivery again when the other function is done. World checks every write, every answer and the
end. `PYTHONPATH=tests python -m simulation.orders` prints how many states and orders there are.
"""

import itertools
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from time import process_time
from typing import Any, Literal

from botocore.exceptions import ClientError
from greenlet import getcurrent

from .machines import Invocation, outside_replaced
from .network import Death, Network, Pace, Violation
from .rounds import SETTINGS
from .rounds import explore as explore_round
from .script import AGAIN, Cancel, Event, Movement, Order, Said, Script, Sent, Visit, Win, opened
from .timeline import Timeline
from .world import World

Item = dict[str, Any]
Choice = tuple[int, str]  # which function goes on, and how
Turn = tuple[Choice, ...]

# --- The pairs ----------------------------------------------------------------------------------------

PLAYER = "421"


def _win(name: str) -> Win:
    """The second one wins nothing, so only the wallet's version shows that it was credited."""
    amount = "10" if name == "a" else "0"
    return Win(
        callback="result",
        player=PLAYER,
        reference=f"win-{name}",
        amount=amount,
        currency="USD",
        game="g-1",
        round="round-1",
    )


def _with_prize(name: str) -> Win:
    return replace(_win(name), amount="7", campaign="c-1", prize=(f"prize-{name}", "3.5"))


def _round(name: str) -> Win:
    return replace(_win(name), reference=f"round-{name}", amount="4", bonus_code="free-1")


def _total(name: str) -> Win:
    return replace(_round(name), callback="bonus", reference=f"total-{name}", amount="6")


def _order(movement: Movement, name: str, amount: str, player: str = PLAYER) -> Order:
    return Order(movement=movement, player=player, reference=f"{movement}-{name}", amount=amount, currency="USD")


def _bet(name: str, amount: str = "60") -> Win:
    return replace(_win(name), callback="bet", reference=f"bet-{name}", amount=amount)


def _cancel(name: str, call: Literal["Cancel", "Refund"] = "Cancel") -> Cancel:
    return Cancel(call=call, player=PLAYER, reference=f"bet-{name}", currency="USD", game="g-1", round="round-1")


def _pairs_of_rounds() -> dict[str, Sequence[Said]]:
    """The same of bets and what belongs to their round."""
    bet, small, win = _bet("a"), _bet("b", "5"), _win("a")
    end = Visit(call="EndRound", player=PLAYER, game="g-1", round="round-1")
    return {
        "bet, another for which there is not enough left": (bet, _bet("b")),
        "bet, the same again": (bet, bet),
        "bet, a win that makes it possible": (_bet("a", "105"), replace(win, round="round-2")),
        "bet, its cancel": (bet, _cancel("a")),
        "bet, the refund of its round": (small, _cancel("a", "Refund"), bet),
        "cancel, the same again": (_cancel("a"), _cancel("a"), bet),
        "cancel, that of another bet of its round": (_cancel("a"), _cancel("b"), bet, small),
        "cancel, the refund of its round": (_cancel("a"), _cancel("b", "Refund"), bet, small),
        "cancel, the result of its round": (_cancel("a"), win, bet),
        "refund, the result of its round": (_cancel("a", "Refund"), win, bet),
        "result, another bet": (win, small, bet),
        "end, another bet": (end, small, bet),
    }


def _pairs() -> dict[str, Sequence[Said]]:
    """What functions 1 and 2 have in hand. A third one is made before them; the wallet has 100."""
    kinds = {"win": _win, "win with prize": _with_prize, "round": _round, "total": _total}
    win, prized = _win("a"), _with_prize("a")
    other_prize = replace(prized, prize=("prize-b", "1"))
    before = {"round, round": [_total("c")], "round, total": [_round("c")], "total, total": [_total("c")]}
    promo = replace(prized, callback="promo", reference="prize-a", amount="3.5", game=None, round=None, prize=None)
    return {
        **{
            f"{one}, {other}": (kinds[one]("a"), kinds[other]("b"), *before.get(f"{one}, {other}", ()))
            for one, other in itertools.combinations_with_replacement(kinds, 2)
        },
        **{f"{kind}, the same again": (make("a"), make("a")) for kind, make in kinds.items()},
        "round, total, first of their code": (_round("a"), _total("b")),
        "win, another with its reference": (win, replace(win, amount="3")),
        "win with prize, the prize's own promo": (prized, promo),
        "win with prize, the same without": (prized, replace(prized, prize=None)),
        "win with prize, the same with another": (prized, other_prize),
        "win with prize, with another, paid without": (prized, other_prize, replace(prized, prize=None)),
        "withdrawal, another for which there is not enough left": (
            _order("withdrawal", "a", "60"),
            _order("withdrawal", "b", "60"),
        ),
        "withdrawal, the same again": (_order("withdrawal", "a", "60"), _order("withdrawal", "a", "60")),
        "withdrawal that is refused, the same again": (
            _order("withdrawal", "a", "160"),
            _order("withdrawal", "a", "160"),
        ),
        "withdrawal, a deposit that makes it possible": (
            _order("withdrawal", "a", "160"),
            _order("deposit", "b", "60"),
        ),
        "withdrawal, a win that makes it possible": (_order("withdrawal", "a", "110"), _win("a")),
        "opening, the same again": (_order("opening", "a", "5", "new"), _order("opening", "a", "5", "new")),
        "opening, another": (_order("opening", "a", "5", "new"), _order("opening", "b", "5", "new")),
        "win with prize, another with that prize": (prized, replace(_with_prize("b"), prize=("prize-a", "1"))),
    }


PAIRS = _pairs() | _pairs_of_rounds()

# --- All orders of a pair -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Explored:
    """`orders` are those from the beginning to the end. `happened` counts what the functions met."""

    states: int
    orders: int
    happened: Counter[str]


def explore(pair: Sequence[Said]) -> Explored:
    """Tries every order. Raises Violation with the shortest one that goes wrong."""
    with outside_replaced():
        try:
            return _explore(pair, goes_on=True)
        except Violation:
            _explore(pair, goes_on=False)
            raise


def _explore(pair: Sequence[Said], *, goes_on: bool) -> Explored:
    """Plays each choice from the beginning, because a greenlet cannot be copied.

    If it `goes_on`, it also takes the first choice at each new state: a third less is played.
    """
    after: dict[str, list[str]] = {"": []}  # each state, and the states that follow it
    happened: Counter[str] = Counter()
    due: deque[tuple[str, Turn]] = deque([("", ())])
    while due:
        state, order = due.popleft()
        world = Ordered(pair, order, after, goes_on=goes_on)
        world.run()
        happened.update(world.news)
        for reached, choices in world.path:
            after[state].append(reached)
            if reached in after:
                break
            state = reached
            after[state] = []
            due.extend((state, (*order, choice)) for choice in choices[goes_on:])
            order = (*order, *choices[:1])

    @cache
    def orders(state: str) -> int:
        return sum(map(orders, after[state])) or 1

    return Explored(len(after) - 1, orders(""), happened)


# --- One order ----------------------------------------------------------------------------------------

FUNCTIONS = 1, 2  # the numbers of their deliveries; any other delivery is played alone
OPENING = 9
DIES = "dies"


class Undecided(BaseException):
    """The order has no more choices, or leads to a known state."""


class Turns(Timeline):
    """No time passes. A function waits for its turn until it is chosen."""

    def __init__(self, choose: Callable[[], Choice]) -> None:
        super().__init__()
        self._choose = choose
        self._waiting: dict[int, tuple[Callable[[str], object], Callable[[], Sequence[str]]]] = {}

    def turn(self, function: int, ways: Callable[[], Sequence[str]]) -> str:
        """Waits, and returns the way that was chosen. `ways` are those possible when it is asked."""
        self._waiting[function] = getcurrent().switch, ways
        return self._hub.switch()

    @property
    def is_alone(self) -> bool:
        return len(self._waiting) == 1

    @property
    def choices(self) -> Sequence[Choice]:
        return [(function, way) for function, (_, ways) in sorted(self._waiting.items()) for way in ways()]

    def run(self, until: float = float("inf")) -> None:
        super().run(until)
        while self._waiting:
            function, way = self._choose()
            go_on, _ = self._waiting.pop(function)
            go_on(way)
            super().run(until)


class Steps(Network):
    """Each step of a call waits for its turn. `heard` is what each function was answered, `told` what happened."""

    timeline: Turns

    def __init__(self, timeline: Turns, **more: Any) -> None:
        super().__init__(timeline, **more)
        self.heard: defaultdict[int, dict[str, str]] = defaultdict(dict)
        self.told: list[tuple[int, str]] = []
        self.dead: int | None = None
        self._writing: set[int] = set()
        self._applying: set[int] = set()  # functions whose next step may change what is read
        self._met: set[int] = set()  # functions whose last write met the other's

    def sleep(self, invocation: Invocation, seconds: float) -> None:
        """A pause is over immediately. A write lasts until its function is chosen."""
        function = _number(invocation)
        if function in self._writing:
            ways = ["ends its write", f"ends its write, and {DIES}"]
            self._turn(function, lambda: [ways[0], *self._mortal(ways[1])], applies=True)

    def _serve(self, invocation: Invocation, operation: str, asked: Item) -> Item:
        function = _number(invocation)
        if operation == "get_secret_value":
            return self._apply(invocation, operation, asked)
        if function not in FUNCTIONS:
            self.told.append((function, f"calls {operation}"))
            return self._apply(invocation, operation, asked)
        if operation == "batch_get_item":
            return self._read_each(function, invocation.calls, asked["RequestItems"])
        try:
            if operation == "transact_write_items":
                answer = self._write_in_turn(function, invocation, asked)
            else:
                self._turn(function, lambda: ["sends", *self._mortal(DIES, f"sends, and {DIES}")], applies=True)
                answer = self._apply(invocation, operation, asked)
        except ClientError as error:
            self._hear(function, f"{invocation.calls}", error.response)
            raise
        self._hear(function, f"{invocation.calls}", answer)
        return answer

    def _hear(self, function: int, call: str, answer: object) -> None:
        if self.dead == function:
            raise Death
        self.heard[function][call] = f"{answer}"

    def _read_each(self, function: int, call: int, requests: Mapping[str, Any]) -> Item:
        """Only just before the other changes something does it matter which tables were read already."""
        found: Item = {}
        writes = set[int]()

        def ways() -> Sequence[str]:
            one = [f"reads {table}" for table in requests if table not in found] if self._applying else []
            return [*(one or ["reads the rest"]), *(() if found else self._mortal(DIES))]

        while len(found) < len(requests):
            way = self._turn(function, ways).removeprefix("reads ")
            for table in [way] if way in requests else [table for table in requests if table not in found]:
                found[table] = self.tables.read(table, requests[table])
                self._hear(function, f"{call} {table}", found[table])
            writes.add(self.tables.writes)
        if len(writes) > 1:
            self.told.append((function, "has a torn read"))
        return {"Responses": found, "UnprocessedKeys": {}}

    def _write_in_turn(self, function: int, invocation: Invocation, asked: Item) -> Item:
        """A function that met the other's write waits until that is over. Otherwise it could try without end."""

        def ways() -> Sequence[str]:
            can_begin = not (function in self._met and self._held)
            return [*(["begins a write"] if can_begin else []), *self._mortal(DIES)]

        self._turn(function, ways)
        self._met.discard(function)
        self._writing.add(function)
        try:
            return self._write(invocation, asked)
        except ClientError as error:
            has_met = "TransactionConflict" in f"{error.response}"
            self._met |= {function} if has_met else set()
            self.told.append((function, "meets the other's write" if has_met else "comes second"))
            raise
        finally:
            self._writing.discard(function)

    def _mortal(self, *ways: str) -> Sequence[str]:
        """The ways to die; none if a function has died."""
        return ways if self.dead is None else ()

    def _turn(self, function: int, ways: Callable[[], Sequence[str]], *, applies: bool = False) -> str:
        self._applying |= {function} if applies else set()
        way = self.timeline.turn(function, ways)
        self._applying.discard(function)
        self.told.append((function, way))
        if way.endswith(DIES):
            self.dead = function
        if way == DIES:
            raise Death
        return way


def _number(invocation: Invocation) -> int:
    """A function has its delivery's number."""
    return invocation.in_hand[0].delivery.number


class Ordered(World):
    """Plays an order. If it `goes_on`, it then takes the first choice each time, until the end or a `known` state."""

    timeline: Turns
    network: Steps

    def __init__(self, pair: Sequence[Any], order: Turn, known: Container[str], *, goes_on: bool) -> None:
        numbered = sorted(enumerate(pair, start=1), key=lambda each: each[0] in FUNCTIONS)
        events: list[Event] = [opened(OPENING, PLAYER, "USD", "100", "1")]
        events += [Sent(at=0, win=win, number=number) for number, win in numbered]
        script = Script(seed=0, events=events, faults={}, redrives=False)
        super().__init__(script, Pace(), Turns(self._choose), Steps)
        self.path: list[tuple[str, Sequence[Choice]]] = []  # the states after the order, and their choices
        self._pair = pair
        self._order, self._known, self._goes_on = deque(order), known, goes_on
        self._told_before = 0

    @property
    def news(self) -> Sequence[str]:
        """What happened after the last choice of the order was made."""
        return [text for _, text in self.network.told[self._told_before :]]

    def run(self) -> None:
        try:
            super().run()
        except Undecided:
            pass
        except Violation as violation:
            steps = [f"  {self._name(function)} {text}" for function, text in self.network.told]
            raise Violation("\n".join([f"{violation}", f"{self.script}", *steps])) from None

    def _choose(self) -> Choice:
        choices = self.timeline.choices
        if self._order:
            self._told_before = len(self.network.told)
            return self._order.popleft()
        self._reach(choices)
        if not self._goes_on:
            raise Undecided
        return choices[0]

    def _reach(self, choices: Sequence[Choice]) -> None:
        network = self.network
        heard = [sorted(network.heard[each].items()) if each != network.dead else DIES for each in FUNCTIONS]
        watched = [
            (each.delivery.number, sorted(each.verdicts), each.is_disputed)
            for each in self._in_flight[self._pair[0].player]
        ]
        state = f"{choices} {heard} {watched} {network.tables.items} {network.queues.messages} {self.books.history}"
        self.path.append((state, choices))
        if state in self._known:
            raise Undecided

    def _check_answer(self, invocation: Invocation, answer: Item, generation: int) -> None:
        self.network.told.append((_number(invocation), f"answers {answer.get('body', answer)}"))
        self.network.heard[_number(invocation)] = {"answer": f"{answer}"}
        super()._check_answer(invocation, answer, generation)

    def _recover(self) -> None:
        self._reach([])
        super()._recover()

    def _name(self, number: int) -> str:
        if number in FUNCTIONS:
            return f"function {number}"
        if number % AGAIN == OPENING:
            return "the opening"
        delivery = self._pair.index(self.deliveries[number].win) + 1
        return f"delivery {delivery}, alone," if number < AGAIN else f"delivery {delivery}, sent again,"


def main() -> None:
    every = {name: explore(pair) for name, pair in PAIRS.items()}
    totals = sum(each.states for each in every.values()), sum(each.orders for each in every.values())
    rows = [(name, each.states, each.orders) for name, each in every.items()]
    print(f"{'':42}{'states':>8}{'orders':>12}")
    for name, states, orders in [*rows, ("in all", *totals)]:
        print(f"{name:42}{states:8,}{orders:12,}")
    print(f"{process_time():.1f} s of processor time\n\n{'':58}{'states':>8}{'deliveries':>12}")
    for name, setting in SETTINGS.items():
        explored = explore_round(setting)
        print(f"{name:58}{explored.states:8,}{explored.deliveries:12,}")
    print(f"{process_time():.1f} s of processor time")


if __name__ == "__main__":
    main()

"""Every order of the calls of one round, one after the other, with a death at any call of AWS.

Each call arrives once, in every order, breadth first. In each order of the first setting one function may die: before a
call of AWS is applied, or after it; then its delivery comes again later, at any moment. States that differ only in the
sequence of what is on record are one. World checks every write and every answer. `Board.check` holds in every state, by
sums alone: it knows no rule of the contract. `PYTHONPATH=tests python -m simulation.orders` prints how many there are.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from .books import Books
from .machines import Client, Invocation, outside_replaced
from .network import Network, Pace, Violation
from .script import Cancel, Delivery, Fault, Message, Script, Visit, Win, opened
from .world import World

PLAYER, GAME, ROUND, OPENING = "421", "g-1", "round-1", 90
AT_ONCE = Pace(way=(0.0, 0.0), hold=(0.0, 0.0), slow=0.0, whole=1.0)
CHANGING = ("transact_write_items", "send_message")

_OF_ROUND: Mapping[str, Any] = {"player": PLAYER, "currency": "USD", "game": GAME, "round": ROUND}


def _bet(reference: str, amount: str = "10", code: str | None = None) -> Win:
    return Win(callback="bet", reference=reference, amount=amount, bonus_code=code, **_OF_ROUND)


def _result(amount: str) -> Win:
    return Win(callback="result", reference=f"result-{amount}", amount=amount, **_OF_ROUND)


def _calls(*, refund: str, code: str | None = None, other_code: str | None = None) -> Mapping[str, Message]:
    bet = _bet("bet-1", code=code)
    return {
        "bet": bet,
        "bet again": bet,
        "second bet": _bet("bet-2", code=other_code),
        "cancel": Cancel(call="Cancel", reference="bet-1", **_OF_ROUND),
        "refund": Cancel(call="Refund", reference=refund, **_OF_ROUND),
        "result 0": _result("0"),
        "result 5": _result("5"),
        "end": Visit(call="EndRound", **_OF_ROUND),
    }


class Setting(NamedTuple):
    """What the player has, and the calls that come. If one `dies`, there are seven times as many states."""

    cash: str
    calls: Mapping[str, Message]
    dies: bool = False


SETTINGS = {
    "enough for one bet": Setting("15", _calls(refund="refund-1"), dies=True),
    "enough for both bets, refunded by the first's reference": Setting("100", _calls(refund="bet-1")),
    "free rounds": Setting("15", _calls(refund="bet-2", code="free-1", other_code="free-1")),
    "a free round and a bet": Setting("15", _calls(refund="refund-1", code="free-1")),
}


@dataclass(frozen=True)
class Explored:
    """`ends` are the states in which everything has come. `happened` counts what the functions met."""

    states: int
    ends: int
    deliveries: int
    happened: Counter[str]


class State(NamedTuple):
    """What the tables and queues hold, what the contract makes of it, and what is still to come.

    `heard` is what the provider was told to be undone.
    """

    left: frozenset[int]
    heard: frozenset[str]
    has_died: bool
    order: tuple[str, ...]
    held: Any


class Told(Network):
    """`called` are the calls of one delivery."""

    def __init__(self, *asked: Any, **more: Any) -> None:
        super().__init__(*asked, **more)
        self.called: list[str] = []

    def call(self, invocation: Invocation, client: Client, operation: str, asked: Any) -> Any:
        self.called.append(operation)
        return super().call(invocation, client, operation, asked)


class Board(World):
    """A world that is put back into an earlier state, and given one delivery. No time passes."""

    network: Told

    def __init__(self, setting: Setting) -> None:
        super().__init__(Script(seed=0, events=[], faults={}, resends=False, redrives=False), AT_ONCE, network=Told)
        self.names = [*setting.calls]
        self.calls = [*setting.calls.values()]
        self.dies = setting.dies
        self.opening = Decimal(setting.cash)
        self.send(opened(0, PLAYER, "USD", setting.cash).win, OPENING)
        self.timeline.run()

    def first(self) -> State:
        return State(frozenset(range(1, len(self.calls) + 1)), frozenset(), False, (), self._held())

    def after(self, state: State, number: int, dies_after: int | None = None) -> State:
        """The state after a delivery; its function dies after that call of AWS, which is applied.

        Raises Violation.
        """
        self._put_back(state.held)
        self.network.faults = {} if dies_after is None else {(number, 0, dies_after): Fault("death", "yes")}
        self.network.called.clear()
        answered: list[int] = []
        delivery = Delivery(self.calls[number - 1], number)
        self.deliveries[number], self.judge.received[number] = delivery, self.timeline.now
        self._deliver(delivery, answered.append, None, is_heard=True)
        self.timeline.run()
        name, has_died = self.names[number - 1], dies_after is not None
        self.happened["dies" if has_died else f"answered {answered[0]}"] += 1
        order = (*state.order, f"{name}, and its function dies after call {dies_after}" if has_died else name)
        heard = state.heard | ({name} if answered == [0] and name in ("cancel", "refund") else frozenset())
        left = state.left if has_died else state.left - {number}
        reached = State(left, heard, state.has_died or has_died, order, self._held())
        self.check(reached)
        if not left:
            self.check_end()
        return reached

    def key(self, state: State) -> object:
        """What decides about everything that may still come."""
        contract = self.books.contract
        records = frozenset((each.credit.id, each.outcome, each.paid) for each in contract.records.values())
        letters = frozenset(self.judge.content(each).delivery.number for each in self._letters())
        round = contract.rounds.get((PLAYER, GAME, ROUND))
        bets = round and frozenset(round.bets)
        played = round and replace(round, bets=())
        return state.left, state.heard, state.has_died, contract.wallets[PLAYER].cash, records, letters, bets, played

    def check(self, state: State) -> None:
        """Money is the sum of what moved it, never below nothing, and no stake is held for a cancelled spin.

        Raises Violation.
        """
        items = [item for item in self.network.tables.all("Transactions") if "outcome" not in item]
        (wallet,) = self.network.tables.all("Players")
        rounds = self.network.tables.all("Rounds")
        if wallet["cash"] < 0:
            raise Violation(f"{wallet['cash']} is below nothing")
        if wallet["cash"] != sum(item["amount"] for item in items):
            raise Violation(f"{wallet['cash']} is not the sum of the movements")
        live = {bet["reference"]: bet["taken"] for each in rounds for bet in each["bets"]}
        won = sum(item["amount"] for item in items if item["id"].startswith("result#"))
        if wallet["cash"] != self.opening - sum(live.values()) + won:
            raise Violation(f"{wallet['cash']} is not {self.opening} less {live} and with {won}")
        undone = {"bet-1"} if "cancel" in state.heard else set[str]()
        if held := live.keys() & undone or (live if "refund" in state.heard else None):
            raise Violation(f"a stake is held for a cancelled spin: {held}")

    def check_end(self) -> None:
        """What was not done is kept. Raises Violation."""
        self.judge.check_all()
        kept = {self.judge.content(each).delivery.number for each in self._letters()}
        lost = [self.names[number - 1] for number in range(1, len(self.calls) + 1) if self._must_be_kept(number) - kept]
        if lost:
            raise Violation(f"neither done nor kept: {lost}")

    def _must_be_kept(self, number: int) -> set[int]:
        delivery = self.deliveries[number]
        is_owed = delivery.win.callback in ("cancel", "result") and not self.books.is_settled(delivery)
        return {number} if is_owed else set()

    def _letters(self) -> list[Any]:
        return [each for queue in self.network.queues.waiting.values() for each in queue.values()]

    # --- Back and forth -----------------------------------------------------------------------------

    def _held(self) -> Any:
        """Whatever changes, copied; what is in it is never changed in its place."""
        books, tables, queues, judge = self.books, self.network.tables, self.network.queues, self.judge
        return (
            {table: {**items} for table, items in tables.items.items()},
            {queue: {**waiting} for queue, waiting in queues.waiting.items()},
            _copied(books),
            ([*judge.kept], {number: [*each] for number, each in judge._standing.items()}),
        )

    def _put_back(self, held: Any) -> None:
        tables, queues, books, (kept, standing) = held
        self.network.tables.items.update({table: {**items} for table, items in tables.items()})
        self.network.tables._written.clear()
        self.network.tables._before.clear()
        self.network.queues.waiting.clear()
        self.network.queues.waiting.update({queue: {**waiting} for queue, waiting in queues.items()})
        self._times.clear()
        for name, value in vars(_copied(books)).items():
            setattr(self.books, name, value)
        self.judge.kept[:] = kept
        self.judge._standing.clear()
        self.judge._standing.update({number: [*each] for number, each in standing.items()})


def _copied(books: Books) -> Books:
    return replace(
        books,
        contract=books.contract.copy(),
        items={**books.items},
        history={player: [*each] for player, each in books.history.items()},
        digests={**books.digests},
        names={**books.names},
        _recorded_at={**books._recorded_at},
        _times={**books._times},
    )


def explore(setting: Setting) -> Explored:
    """Tries every order. Raises Violation with the shortest one that goes wrong."""
    with outside_replaced():
        board = Board(setting)
        first = board.first()
        seen, due, ends, deliveries = {board.key(first)}, deque([first]), 0, 0
        while due:
            state = due.popleft()
            for number in sorted(state.left - ({2} if 1 in state.left else set())):  # both are of one bet
                for reached in _reached(board, state, number):
                    deliveries += 1
                    if (key := board.key(reached)) not in seen:
                        seen.add(key)
                        due.append(reached)
                        ends += not reached.left
        return Explored(len(seen), ends, deliveries, board.happened)


def _reached(board: Board, state: State, number: int) -> Iterator[State]:
    """The states after a delivery: in full, and with a death wherever that makes another state.

    A death before a call is applied is one after the call before it; and one after a read is one before the first call.
    """
    name, calls = board.names[number - 1], list[int]()
    try:
        yield board.after(state, number)
        if state.has_died or not board.dies:
            return
        calls = [call for call, operation in enumerate(board.network.called) if operation in CHANGING]
        yield state._replace(has_died=True, order=(*state.order, f"{name}, and its function dies at once"))
        for call in calls:
            yield board.after(state, number, call)
    except Violation as violation:
        steps = "\n".join(f"  {step}" for step in (*state.order, name))
        raise Violation(f"{violation}\n{steps}") from None

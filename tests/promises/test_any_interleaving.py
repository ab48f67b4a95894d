"""Whatever is delivered, sent again, cut off, retried and redriven, in whatever order: every win is paid once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal, get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from conftest import Operator
from promises.interleaving import (
    TABLES,
    Arrival,
    Callback,
    Failure,
    Fault,
    InMemory,
    InMoto,
    Move,
    Plan,
    Table,
    Torn,
    Win,
    World,
)

# --- What may be sent ---------------------------------------------------------------------------------

CURRENCIES = {"421": "USD", "422": "EUR", "new": "USD"}  # of the players; the new one has no wallet at first
REFERENCES = "abcdefghijkl"  # few, so that they meet


@st.composite
def amounts(draw: st.DrawFn) -> str:
    places = draw(st.sampled_from((0, 2, 18)))
    whole, decimals = divmod(draw(st.integers(0, 10 ** (places + 3))), 10**places)
    return f"{whole}.{decimals:0{places}d}" if places else f"{whole}"


prizes = st.tuples(st.sampled_from(REFERENCES), amounts()) | st.sampled_from(((None, "1.5"), ("a", "-5"), ("b", "0")))
any_callback = st.sampled_from(("result", "result", "bonus", "jackpot", "promo"))
any_player = st.sampled_from(("421", "421", "421", "422", "new"))
rounds: dict[Callback, tuple[str | None, ...]] = {
    "result": ("round-1", "round-1", "round-2"),
    "jackpot": ("round-1",),
    "bonus": (None, "round-1", "round-2"),  # of the last round
    "promo": (None,),
}
any_code = st.sampled_from((None, "free-1", "free-1", "free-2"))


@st.composite
def any_win(
    draw: st.DrawFn,
    callbacks: st.SearchStrategy[Callback] = any_callback,
    players: st.SearchStrategy[str] = any_player,
    codes: st.SearchStrategy[str | None] = any_code,
) -> Win:
    callback, player = draw(callbacks), draw(players)
    own = CURRENCIES[player]
    spelled_out = callback in ("result", "promo")
    in_campaign = callback == "promo" or (callback == "result" and draw(st.booleans()))
    prized = callback == "result" and draw(st.booleans())
    return Win(
        callback=callback,
        player=player,
        reference=draw(st.sampled_from(REFERENCES)),
        amount=draw(amounts()),
        as_text=draw(st.booleans()),
        currency=draw(st.sampled_from((*[own, own.lower()] * 4, "JPY") if spelled_out else (*[None, own] * 4, "JPY"))),
        game=draw(st.sampled_from(("g-1", "g-2"))) if callback != "promo" else None,
        round=draw(st.sampled_from(rounds[callback])),
        bonus_code=draw(codes),
        jackpot="jackpot-1" if callback == "jackpot" else None,
        campaign=draw(st.sampled_from(("c-1", "c-2"))) if in_campaign else None,
        prize=draw(prizes) if prized else None,
        in_session=draw(st.booleans()),
        dated=draw(st.sampled_from((True, True, True, False))),
    )


@st.composite
def any_two_wins(draw: st.DrawFn) -> tuple[Win, Win]:
    """Of one player, and half the time of one free round bonus."""
    player = st.just(draw(any_player))
    if draw(st.booleans()):
        return draw(any_win(players=player)), draw(any_win(players=player))
    of_bonus = any_win(st.sampled_from(("result", "bonus")), player, st.just("free-1"))
    return draw(of_bonus), draw(of_bonus)


Spelling = Literal[
    "as before", "in the other notation", "with another zero", "in lower case", "out of session", "with less said"
]


def spelled(win: Win, spelling: Spelling) -> Win:
    """The same win, said otherwise."""
    match spelling:
        case "in the other notation":
            return replace(win, as_text=not win.as_text)
        case "with another zero" if len(win.amount.partition(".")[2]) < 18:
            return replace(win, amount=f"{win.amount}0" if "." in win.amount else f"{win.amount}.0")
        case "in lower case" if win.currency:
            return replace(win, currency=win.currency.lower())
        case "out of session":
            return replace(win, in_session=False)
        case "with less said":  # as auto closing leaves it out, or the way of a bonus without its round
            less = replace(win, bonus_code=None) if win.callback == "result" else win
            return replace(less, round=None) if win.callback == "bonus" else replace(less, prize=None)
    return win


Part = Literal["amount", "player", "currency", "game", "round", "bonus_code", "jackpot", "campaign", "prize"]


def contradicted(win: Win, part: Part) -> Win:
    """Another win under the same reference, or one with another prize; where it has no such part, the same."""
    match part:
        case "amount":
            return replace(win, amount="7.77" if win.amount != "7.77" else "8.88")
        case "player":
            return replace(win, player="422" if win.player != "422" else "421")
        case "currency":
            return replace(win, currency="EUR" if win.currency != "EUR" else "USD")
        case "bonus_code":
            return replace(win, bonus_code="another" if win.bonus_code else "free-1")
        case "prize" if win.callback == "result":
            return replace(win, prize=(win.prize[0], "9.99") if win.prize else ("a", "0.01"))
        case "game" | "round" | "jackpot" | "campaign" if getattr(win, part):
            return replace(win, **{part: "another"})
    return win


def other_way(win: Win) -> Win:
    """The promo of a result's prize; or a result whose prize is this win."""
    if win.prize and win.prize[0] and not win.prize[1].startswith("-"):
        reference, amount = win.prize
        return replace(
            win,
            callback="promo",
            reference=reference,
            amount=amount,
            currency=win.currency or CURRENCIES[win.player],
            game=None,
            round=None,
            campaign=win.campaign or "c-1",
            prize=None,
        )
    return replace(
        win,
        callback="result",
        amount="0",
        currency=win.currency or CURRENCIES[win.player],
        game="g-1",
        round="round-2",
        jackpot=None,
        bonus_code=None,
        prize=(win.reference, win.amount),
    )


# --- What may go wrong --------------------------------------------------------------------------------

NOT_APPLIED: tuple[Failure, ...] = (
    "throttled",
    "not processed",
    "in conflict",
    "internal error",
    "unreachable",
    "reset",
    "timeout",
    "crash",
)
OUTAGES: tuple[Failure, ...] = ("unreachable", "timeout", "internal error", "throttled")
MAYBE_APPLIED: tuple[Failure, ...] = ("internal error", "reset", "timeout", "crash")

faults = st.builds(Fault, st.sampled_from(NOT_APPLIED)) | st.builds(
    Fault, st.sampled_from(MAYBE_APPLIED), st.just(True)
)
moves = st.builds(
    Move,
    st.sampled_from(("12.5", "-3.000000000000000001", "0")),
    st.sampled_from(("0", "1", "-0.5")),
    careless=st.booleans(),
)
arrivals = st.builds(Arrival, st.none() | st.integers(0, 7))
torn = st.builds(Torn, arrivals | moves, st.sampled_from(TABLES))
plans = st.one_of(
    st.just(()),
    st.tuples(st.none(), arrivals | moves),  # between the read and the write
    st.tuples(st.none(), faults),  # of the write
    st.lists(st.none() | faults | arrivals | moves | torn, max_size=4),
)


class Interleaving(RuleBasedStateMachine):
    """What happens to the wallet, in any order; `World` checks whatever comes of it."""

    wins = Bundle("wins")

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.is_sound = True
        for player, cash, bonus in (("421", "99889.99", "99.99"), ("422", "0.000000000000000001", "0")):
            self.world.open_wallet(player, CURRENCIES[player], cash, bonus)

    @initialize(
        target=wins,
        first=st.lists(any_win(), min_size=5, max_size=5),
        retransmitted=st.booleans(),
        created=st.sampled_from((True, True, True, False)),
        redriven=st.booleans(),
        knows_tokens=st.booleans(),
    )
    def begins(
        self, first: list[Win], retransmitted: bool, created: bool, redriven: bool, knows_tokens: bool
    ) -> MultipleResults[Win]:
        """How it will end is drawn now, as nothing can be drawn any more at the end."""
        self.retransmitted, self.created, self.redriven = retransmitted, created, redriven
        self.world.knows_tokens = knows_tokens
        self.world.wins += first
        return multiple(*first)

    @contextmanager
    def step(self) -> Iterator[World]:
        """Around each rule's work: the world is sound again once what must always hold was seen to hold."""
        self.is_sound = False
        yield self.world
        self.world.check()
        self.is_sound = True

    # --- From the provider --------------------------------------------------------------------------

    @rule(win=wins, spelling=st.sampled_from(get_args(Spelling)), plan=plans)
    def delivers(self, win: Win, spelling: Spelling, plan: Plan) -> None:
        with self.step() as world:
            world.send(spelled(win, spelling), plan)

    @rule(target=wins, win=any_win(), plan=plans)
    def delivers_another(self, win: Win, plan: Plan) -> Win:
        with self.step() as world:
            world.wins.append(win)
            world.send(win, plan)
        return win

    @rule(target=wins, win=wins, plan=plans)
    def delivers_the_other_way(self, win: Win, plan: Plan) -> Win:
        with self.step() as world:
            world.wins.append(other_way(win))
            world.send(other_way(win), plan)
        return other_way(win)

    @rule(target=wins, win=any_win(callbacks=st.just("result")), prize=prizes, plan=plans)
    def delivers_a_result_before_its_prize(self, win: Win, prize: tuple[str | None, str], plan: Plan) -> Win:
        prized = replace(win, prize=prize)
        with self.step() as world:
            world.wins.append(prized)
            world.send(replace(win, prize=None))
            world.send(prized, plan)
        return prized

    @rule(target=wins, two=any_two_wins(), older=st.none() | st.sampled_from(TABLES))
    def delivers_two_at_once(self, two: tuple[Win, Win], older: Table | None) -> MultipleResults[Win]:
        """The second is settled between the first one's read and write; or amid its read, which is torn then."""
        first, second = two
        with self.step() as world:
            world.wins += two
            world.send(first, [Torn(Arrival(second), older)] if older else [None, Arrival(second)])
        return multiple(first, second)

    @rule(win=wins, part=st.sampled_from(get_args(Part)), plan=plans)
    def contradicts(self, win: Win, part: Part, plan: Plan) -> None:
        with self.step() as world:
            world.send(contradicted(win, part), plan)

    @rule(
        win=wins,
        services=st.sampled_from((("dynamodb",), ("sqs",), ("dynamodb", "sqs"))),
        failure=st.sampled_from(OUTAGES),
        invocations=st.integers(1, 3),
    )
    def delivers_into_an_outage(self, win: Win, services: tuple[str, ...], failure: Failure, invocations: int) -> None:
        """Which lasts for a few invocations, whatever they are."""
        with self.step() as world:
            world.fail(dict.fromkeys(services, failure), invocations=invocations)
            world.send(win)

    # --- From the queues ----------------------------------------------------------------------------

    @precondition(lambda self: self.world.waiting("RetryQueue"))
    @rule(which=st.integers(0, 3), plan=plans, times=st.integers(1, 2), deletes=st.booleans())
    def retries(self, which: int, plan: Plan, times: int, deletes: bool) -> None:
        with self.step() as world:
            waiting = world.waiting("RetryQueue")
            world.consume(waiting[which % len(waiting)], plan, times=times, deletes=deletes)

    @precondition(lambda self: self.world.waiting("DeadLetters"))
    @rule(which=st.integers(0, 3), most=st.integers(1, 10), deletes=st.booleans())
    def redrives(self, which: int, most: int, deletes: bool) -> None:
        with self.step() as world:
            waiting = world.waiting("DeadLetters")
            world.redrive(waiting[which % len(waiting)], most=most, deletes=deletes)

    @precondition(lambda self: "new" not in self.world.books.wallets and self.world.has_answered(62))
    @rule()
    def creates_the_new_player(self) -> None:
        with self.step() as world:
            world.open_wallet("new", CURRENCIES["new"], "0", "0")

    # --- In the end ---------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            if self.is_sound:  # what broke before the end would only be told once more
                if self.created and "new" not in self.world.books.wallets:
                    self.creates_the_new_player()
                self.world.recover(retransmitted=self.retransmitted, redriven=self.redriven)
        finally:
            self.world.close()


MUST_HAPPEN = {
    *(f"a delivery was answered {code}" for code in (0, 52, 61, 62, 998)),
    "a win was credited",
    "a delivery crashed",
    "an answer was lost",
    "dynamodb failed",
    "sqs failed",
    "a read was torn",
    "another delivery came between",
    "another program came between",
    "a refusal could not be kept",
    "a prize was noted",
    "a prize was left for a person",
    "a retry was done with",
    "a retry was put off",
    "a dead letter was redriven",
    "a redrive was interrupted",
}


@pytest.mark.parametrize(("tables", "examples"), [(InMemory, 25), (InMoto, 2)])
def test_no_interleaving_loses_a_win_or_pays_one_twice(
    operator: Operator, tables: type[InMemory | InMoto], examples: int
) -> None:
    happened: Counter[str] = Counter()

    run_state_machine_as_test(
        lambda: Interleaving(World(operator, happened, tables())),  # pyright: ignore[reportArgumentType] - as good as a class
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            derandomize=True,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )

    if tables is InMemory:
        assert happened.keys() >= MUST_HAPPEN, "too little happened to show anything"

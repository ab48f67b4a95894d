"""What movements do to a wallet, for any deliveries in any order: arithmetic alone, no store."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal, Inexact, Rounded, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import contract
from contract import Contract
from wallet import ledger
from wallet.errors import Absent, Conflict, InvalidAmount, NoSuchPlayer, Refusal, Unavailable, WrongCurrency
from wallet.ledger import FreeRounds, Movement, Prize, Settlement, Snapshot, Transaction, Wallet

every_time_alike = settings(
    derandomize=True, deadline=None, max_examples=250, suppress_health_check=[HealthCheck.too_slow]
)

WALLET = Wallet(user_id="421", currency="USD", cash=Decimal("100.50"), bonus=Decimal("9.99"), version=7)


def credit(kind: str = "result", amount: str = "10.0", **changes: Any) -> Movement:
    """A round's win of player 421, with `changes`."""
    fields: dict[str, Any] = {
        "reference": "r-1",
        "user_id": "421",
        "currency": "USD",
        "game_id": "slot",
        "round_id": "5103188801",
        "provider_id": "luckymonaco",
        "timestamp": "1482429190374",
    }
    return Movement(kind=kind, amount=Decimal(amount), **(fields | changes))


def free_round(amount: str, reference: str) -> Movement:
    return credit(amount=amount, reference=reference, bonus_code="SPINS", free_round="round")


def total(amount: str, reference: str = "t-1") -> Movement:
    return credit("bonus", amount, reference=reference, bonus_code="SPINS", free_round="total", currency=None)


def with_prize(win: Movement, prize: Movement | None = None, *, fault: Refusal | None = None) -> tuple[Movement, ...]:
    """A win's request as it comes with a prize, which may be faulty."""
    if prize is None:
        return (replace(win, prize=Prize(reference=None, amount="-5", fault=fault)),)
    return replace(win, prize=Prize(reference=prize.reference, amount=str(prize.amount.normalize()))), prize


def snapshot(
    *recorded: Transaction,
    wallet: Wallet | None = WALLET,
    free_rounds: FreeRounds | None = None,
    unreadable_wallet: str | None = None,
    unreadable_free_rounds: str | None = None,
) -> Snapshot:
    return Snapshot(
        wallet=wallet,
        transactions={transaction.movement.id: transaction for transaction in recorded},
        free_rounds=free_rounds,
        unreadable_wallet=unreadable_wallet,
        unreadable_free_rounds=unreadable_free_rounds,
    )


def on_record(recorded: Movement, *, seq: int = 7) -> Transaction:
    """A credit that has been paid, as the store gives it back: it has a currency, and no rules."""
    return Transaction(
        movement=replace(recorded, currency=recorded.currency or "USD", free_round="none"),
        paid=recorded.amount,
        seq=seq,
        cash_after=WALLET.cash,
        bonus_after=WALLET.bonus,
    )


# --- Any deliveries, in any order, any number of times ----------------------------------------------

Request = tuple[Movement, ...]


@dataclass(frozen=True)
class State:
    """What stands in the three tables at one moment."""

    wallets: dict[str, Wallet]
    transactions: dict[str, Transaction] = field(default_factory=dict)
    free_rounds: dict[tuple[str, str], FreeRounds] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """A request, and how many commits ago each of its three reads took place."""

    request: Request
    wallet_age: int = 0
    transactions_age: int = 0
    free_rounds_age: int = 0

    @property
    def is_alone(self) -> bool:
        return not (self.wallet_age or self.transactions_age or self.free_rounds_age)


class Books:
    """The smallest store that keeps the ledger's promises: it writes if what was read still holds."""

    def __init__(self, *wallets: Wallet) -> None:
        self.history = [State({wallet.user_id: wallet for wallet in wallets})]

    @property
    def now(self) -> State:
        return self.history[-1]

    def deliver(self, delivery: Delivery) -> Settlement:
        credits = delivery.request
        seen = self._read(delivery)
        while True:
            is_unsure = credits[0].opens and seen.wallet and not seen.transactions
            if seen.is_torn(credits[0].user_id) or is_unsure:
                seen = self._read(Delivery(credits))
            settlement = ledger.settle(credits, seen)
            if not settlement.changes:
                return settlement
            current = self._read(Delivery(credits))
            taken = {each.movement.id for each in settlement.transactions} & current.transactions.keys()
            if settlement.noted and current.transactions[credits[0].id].movement.prize:
                taken.add(credits[0].id)
            needs_wallet = settlement.moves or settlement.refusal
            wallet_moved = needs_wallet and current.wallet != (None if settlement.opens else settlement.before)
            counts = any(each.free_rounds for each in settlement.transactions)
            count_moved = counts and current.free_rounds != seen.free_rounds
            if not (taken or wallet_moved or count_moved):
                self._commit(settlement)
                return settlement
            # As the store does: only what stood in the way is known anew.
            seen = Snapshot(
                wallet=current.wallet if wallet_moved else seen.wallet,
                transactions={**seen.transactions, **{each: current.transactions[each] for each in taken}},
                free_rounds=current.free_rounds if count_moved else seen.free_rounds,
            )

    def _read(self, delivery: Delivery) -> Snapshot:
        credits = delivery.request
        code = next((each.free_round_code for each in credits if each.free_round_code), None)
        transactions = self._ago(delivery.transactions_age).transactions
        free_rounds = self._ago(delivery.free_rounds_age).free_rounds
        return Snapshot(
            wallet=self._ago(delivery.wallet_age).wallets.get(credits[0].user_id),
            transactions={each.id: transactions[each.id] for each in credits if each.id in transactions},
            free_rounds=free_rounds.get((credits[0].user_id, code)) if code else None,
        )

    def _ago(self, commits: int) -> State:
        return self.history[max(0, len(self.history) - 1 - commits)]

    def _commit(self, settlement: Settlement) -> None:
        user_id, now = settlement.after.user_id, self.now
        transactions = {**now.transactions, **{each.movement.id: each for each in settlement.transactions}}
        if win := settlement.noted:
            recorded = transactions[win.id]
            transactions[win.id] = replace(recorded, movement=replace(recorded.movement, prize=win.prize))
        left = {
            (user_id, each.movement.bonus_code or ""): each.free_rounds
            for each in settlement.transactions
            if each.free_rounds
        }
        moved = {user_id: settlement.after} if settlement.moves else {}
        self.history.append(
            State(
                wallets={**now.wallets, **moved},
                transactions=transactions,
                free_rounds={**now.free_rounds, **left},
            )
        )


NONE = Decimal(0)
OPENING = {
    "421": Wallet(user_id="421", currency="USD", cash=Decimal("99889.99"), bonus=Decimal("99.99"), version=0),
    "422": Wallet(user_id="422", currency="USDT", cash=Decimal("1E-18"), bonus=Decimal(0), version=3),
}

amounts = st.one_of(
    st.sampled_from([Decimal(0), Decimal(10), Decimal("10.00"), Decimal("1E-18"), Decimal("0.1")]),
    st.builds(
        lambda whole, parts: Decimal(f"{whole}.{parts:018d}"), st.integers(0, 10**14 - 1), st.integers(0, 10**18 - 1)
    ),
)
references = st.sampled_from(["a", "b", "c", "d"])
codes = st.sampled_from(["SPINS", "MORE"])
players = st.sampled_from(["421", "421", "421", "421", "422", "422", "nobody"])
currencies = {"421": "usd", "422": "USDT", "nobody": "USD"}


@st.composite
def orders(draw: st.DrawFn) -> Request:
    """What the operator's own side orders."""
    kind = draw(st.sampled_from(["opening", "deposit", "withdrawal", "withdrawal", "adjustment"]))
    user_id, amount = draw(players), draw(amounts)
    takes = kind == "withdrawal" or (kind == "adjustment" and draw(st.booleans()))
    return (
        Movement(
            kind=kind,
            reference=draw(references),
            user_id=user_id,
            amount=Decimal(0) - amount if takes else amount,
            bonus_amount=draw(st.sampled_from([Decimal(0), Decimal("1.5")]))
            if kind in ("opening", "adjustment")
            else NONE,
            currency=currencies[user_id],
            opens=kind == "opening",
            below_zero=kind == "adjustment" and draw(st.booleans()),
            actor="bank",
            reason="as agreed",
        ),
    )


def by_hand(request: Request, booked_elsewhere: bool) -> Request:
    """What a person makes of a request."""
    booked = booked_elsewhere and not any(each.free_round_code for each in request)
    return tuple(replace(each, actor="ann", reason="a complaint", booked_elsewhere=booked) for each in request)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    kind = draw(
        st.sampled_from(
            ["result", "free round", "prize", "prize", "faulty prize", "jackpot", "bonus", "total", "promo", "euro"]
        )
    )
    user_id = draw(players)
    win = Movement(
        kind="result",
        user_id=user_id,
        reference=draw(references),
        amount=draw(amounts),
        currency=currencies[user_id],
        round_id=draw(st.sampled_from(["5103188801", "5103188802"])),
        game_id="slot",
        provider_id="luckymonaco",
        timestamp=draw(st.sampled_from(["1482429190374", "1482429190375", "1482429190376", "yesterday"])),
    )
    promo = replace(win, kind="promo", campaign_id=draw(st.sampled_from([None, "spring"])))
    bonus = replace(win, kind="bonus", free_round="total", currency=None)
    match kind:
        case "free round":
            return (replace(win, free_round="round", bonus_code=draw(codes)),)
        case "prize":
            return with_prize(win, replace(promo, reference=draw(references), amount=draw(amounts)))
        case "faulty prize":
            return with_prize(win, fault=InvalidAmount("promoWinAmount"))
        case "jackpot":
            return (replace(win, kind="jackpot", currency=None, jackpot_id="mega"),)
        case "bonus":
            return (bonus,)
        case "total":
            return (replace(bonus, bonus_code=draw(codes)),)
        case "promo":
            return (promo,)
        case "euro":
            return (replace(win, currency="EUR"),)
        case _:
            return (win,)


@st.composite
def any_deliveries(draw: st.DrawFn) -> list[Delivery]:
    """A few requests, each delivered any number of times, some while others are under way."""
    settled = st.builds(by_hand, requests(), st.booleans())
    pool = draw(st.lists(st.one_of(requests(), requests(), orders(), settled), min_size=1, max_size=8))
    pool += [by_hand(each, booked_elsewhere=True) for each in pool if each[0].actor is None and draw(st.booleans())]
    ages = st.integers(0, 3)
    return draw(st.lists(st.builds(Delivery, st.sampled_from(pool), ages, ages, ages), max_size=25))


def asked(request: Request) -> contract.Credit:
    """A request in the words of tests/contract.py."""
    win, *prizes = request
    content = tuple(getattr(win, name) for name in ("game_id", "round_id", "bonus_code", "jackpot_id", "campaign_id"))
    credit = contract.Credit(
        kind=win.kind,
        reference=win.reference,
        player=win.user_id,
        amount=Fraction(win.amount),
        currency=win.currency and win.currency.upper(),
        content=content,
        bonus_code=win.free_round_code,
        moment=win.moment,
        bonus=Fraction(win.bonus_amount),
        below_zero=win.below_zero,
        actor=win.actor,
        reason=win.reason,
        booked_elsewhere=win.booked_elsewhere,
        currency_as_sent=win.currency,
    )
    if win.prize is None:
        return credit
    fault = win.prize.fault.code if win.prize.fault else None
    paid = asked((prizes[0],)) if prizes else None
    return replace(credit, prize=contract.Prize(win.prize.reference, win.prize.amount, fault, paid))


@every_time_alike
@given(any_deliveries())
def test_any_deliveries_leave_each_wallet_with_every_reference_paid_once(deliveries: list[Delivery]) -> None:
    books = Books(*OPENING.values())
    operator = Contract(
        wallets={
            player: contract.Wallet(each.currency, Fraction(each.cash), Fraction(each.bonus), each.version)
            for player, each in OPENING.items()
        }
    )
    for delivery in deliveries:
        before, due, refused = books.now, None, 0
        try:
            due = operator.decide(asked(delivery.request))
        except contract.Refused as refusal:
            refused = refusal.error
        settlement = outcome(books, delivery)
        if isinstance(settlement, Refusal):
            # It may have been read before a person booked it elsewhere. Then there is no wallet for it, or one in
            # another currency. It is kept either way, and is a replay when it is tried again.
            is_early = settlement.code in (52, 62) and not delivery.is_alone
            assert refused or is_early, "what was owed was refused"
            # Who raced with the writer of a reference may have met the request's other fault instead.
            assert settlement.code == refused or not delivery.is_alone
            assert books.now is before, "a refusal moved money"
            continue
        assert due, "what the contract refuses was settled"
        record, _ = operator.write(due)
        assert bool(settlement.refusal) == (record.outcome == "not enough")
        assert settlement.receipt.replayed == (not due.fresh)
        assert bool(settlement.disputed) == bool(due.left) or not delivery.is_alone
        if not due.fresh:
            assert books.now.wallets == before.wallets, "a replay moved money"
        if settlement.moves or delivery.is_alone:
            now = books.now.wallets.get(delivery.request[0].user_id, settlement.after)
            assert (settlement.receipt.cash, settlement.receipt.bonus) == (now.cash, now.bonus)
        assert settlement.receipt.transaction_id == delivery.request[0].transaction_id

    paid = {
        each.credit.id: (each.credit.amount, each.paid, None if each.outcome else each.wallet.version, each.outcome)
        for each in operator.records.values()
    }
    found = books.now.transactions.items()
    assert {id: (each.movement.amount, each.paid, each.seq, each.outcome) for id, each in found} == paid
    counts = {code: (each.uncovered, each.advance) for code, each in operator.counts.items()}
    assert {code: (each.uncovered, each.advance) for code, each in books.now.free_rounds.items()} == counts
    for opening in (*OPENING.values(), Wallet(user_id="nobody", currency="USD", cash=NONE, bonus=NONE, version=0)):
        assert_the_chain_holds(opening, books.now)


def assert_the_chain_holds(opening: Wallet, state: State) -> None:
    """Balance = opening + all that was paid, and every transaction knows the balance it left behind."""
    wallet, chain = state.wallets.get(opening.user_id, opening), chain_of(opening.user_id, state)
    paid = sum((Fraction(each.paid) for each in chain), Fraction(0))
    to_bonus = sum(map(bonus_of, chain), Fraction(0))
    assert Fraction(wallet.cash) == Fraction(opening.cash) + paid
    assert Fraction(wallet.bonus) == Fraction(opening.bonus) + to_bonus

    assert [each.seq for each in chain] == list(range(opening.version + 1, wallet.version + 1))
    cash, bonus = Fraction(opening.cash), Fraction(opening.bonus)
    for each in chain:
        cash += Fraction(each.paid)
        bonus += bonus_of(each)
        assert cash >= 0 or not (each.movement.kind == "withdrawal" and each.paid)
        assert (Fraction(each.cash_after), Fraction(each.bonus_after)) == (cash, bonus)


def bonus_of(transaction: Transaction) -> Fraction:
    """What it moves bonus by."""
    movement = transaction.movement
    return Fraction(transaction.paid if is_free_round(movement) else movement.bonus_amount)


def chain_of(user_id: str, state: State) -> list[Transaction]:
    every = state.transactions.values()
    chain = [each for each in every if each.movement.user_id == user_id and each.outcome is None]
    return sorted(chain, key=lambda each: each.seq or 0)


def is_free_round(paid: Movement) -> bool:
    return paid.free_round != "none"


@every_time_alike
@given(st.lists(requests(), max_size=10), st.randoms(use_true_random=False))
def test_all_that_was_delivered_can_be_delivered_again_in_any_order_and_nothing_moves(
    first: list[Request], shuffle: Any
) -> None:
    books = Books(*OPENING.values())
    settled = [each for each in first if isinstance(outcome(books, Delivery(each)), Settlement)]
    before = books.now

    shuffle.shuffle(settled)
    for request in settled:
        receipt = books.deliver(Delivery(request)).receipt
        wallet = before.wallets[request[0].user_id]
        assert receipt.replayed
        assert (receipt.cash, receipt.bonus) == (wallet.cash, wallet.bonus)
    assert books.now.wallets == before.wallets
    assert books.now.transactions.keys() == before.transactions.keys()


def outcome(books: Books, delivery: Delivery) -> Settlement | Refusal:
    try:
        return books.deliver(delivery)
    except Refusal as refusal:
        return refusal


@every_time_alike
@given(st.lists(amounts, min_size=1, max_size=6), amounts, st.randoms(use_true_random=False))
def test_rounds_and_their_total_pay_the_greater_if_the_total_comes_last(
    rounds: list[Decimal], of_all: Decimal, shuffle: Any
) -> None:
    books = Books(WALLET)
    credits = [free_round(str(amount), f"r-{number}") for number, amount in enumerate(rounds)]
    shuffle.shuffle(credits)

    for each in [*credits, total(str(of_all))]:
        books.deliver(Delivery((each,)))

    sum_of_rounds = sum(map(Fraction, rounds), Fraction(0))
    paid = max(sum_of_rounds, Fraction(of_all))
    assert Fraction(books.now.wallets["421"].cash) == Fraction(WALLET.cash) + paid
    assert Fraction(books.now.wallets["421"].bonus) == Fraction(WALLET.bonus) + paid
    assert Fraction(books.now.free_rounds["421", "SPINS"].uncovered) == paid - Fraction(of_all)


# --- Free rounds, one by one ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uncovered", "asked", "paid", "left"),
    [
        (None, "30", "30", "0"),  # only the total
        ("0", "30", "30", "0"),  # a total after a total
        ("12.5", "30", "17.5", "0"),  # some rounds came one by one
        ("30", "30.00", "0", "0"),  # all of them did
        ("31", "30", "0", "1"),  # more than the total says: another grant's, or a round that is not in it
        ("5", "0", "0", "5"),
        ("-5", "30", "30", "0"),  # a count that another program wrote
    ],
)
def test_a_total_pays_what_its_rounds_were_not_paid(uncovered: str | None, asked: str, paid: str, left: str) -> None:
    before = None if uncovered is None else FreeRounds(uncovered=Decimal(uncovered))

    settlement = ledger.settle([total(asked)], snapshot(free_rounds=before))

    assert settlement.receipt.cash == WALLET.cash + Decimal(paid)
    assert settlement.receipt.bonus == WALLET.bonus + Decimal(paid)
    (transaction,) = settlement.transactions
    assert transaction.paid == Decimal(paid)
    assert transaction.movement.amount == Decimal(asked)
    assert transaction.free_rounds == FreeRounds(
        uncovered=Decimal(left),
        advance=Decimal(paid),
        until=1482429190374,
        last_rounds=("4:slot5103188801",),
    )


AHEAD = FreeRounds(uncovered=Decimal(1), advance=Decimal(10), until=1000, last_rounds=("4:slotlast",))


@pytest.mark.parametrize(
    ("changes", "asked", "paid"),
    [
        ({"timestamp": "999"}, "4", "0"),  # played before the total
        ({"timestamp": "1000"}, "4", "0"),
        ({"timestamp": "0001000"}, "4", "0"),
        ({"timestamp": "999"}, "12", "2"),  # more than was paid ahead
        ({"timestamp": "1001"}, "4", "4"),  # a new grant's
        ({"timestamp": "yesterday"}, "4", "4"),  # not known: it may be a new grant's
        ({"timestamp": "1" * 21}, "4", "4"),
        ({"timestamp": "-5"}, "4", "4"),
        ({"timestamp": "1001", "round_id": "last"}, "4", "0"),  # the total named it, whatever its stamp
        ({"timestamp": "yesterday", "round_id": "last"}, "4", "0"),
        ({"timestamp": "1001", "round_id": "last", "game_id": "other"}, "4", "4"),
        ({"timestamp": "1001", "round_id": "tlast", "game_id": "slo"}, "4", "4"),
    ],
    ids=str,
)
def test_a_round_is_paid_less_what_a_total_has_paid_ahead_of_it(changes: dict[str, str], asked: str, paid: str) -> None:
    late = replace(free_round(asked, "r-1"), **changes)

    (transaction,) = ledger.settle([late], snapshot(free_rounds=AHEAD)).transactions

    ahead = Decimal(asked) - Decimal(paid)
    assert transaction.paid == Decimal(paid)
    assert transaction.free_rounds == replace(
        AHEAD, uncovered=AHEAD.uncovered + Decimal(paid), advance=AHEAD.advance - ahead
    )


def test_an_advance_below_zero_that_another_program_wrote_takes_nothing() -> None:
    below = replace(AHEAD, advance=Decimal(-10))

    (transaction,) = ledger.settle(
        [replace(free_round("4", "r"), timestamp="1")], snapshot(free_rounds=below)
    ).transactions

    assert transaction.paid == 4


@pytest.mark.parametrize(
    ("until", "timestamp", "after"),
    [(None, "5", 5), (3, "5", 5), (5, "3", 5), (3, "later", 3), (None, "later", None), (3, "9" * 20, int("9" * 20))],
)
def test_a_code_knows_the_newest_timestamp_of_its_totals(until: int | None, timestamp: str, after: int | None) -> None:
    of_all = replace(total("5"), timestamp=timestamp)

    (transaction,) = ledger.settle([of_all], snapshot(free_rounds=FreeRounds(until=until))).transactions

    assert transaction.free_rounds is not None
    assert transaction.free_rounds.until == after


def test_a_code_remembers_the_last_ten_rounds_that_totals_named() -> None:
    books = Books(WALLET)
    for number in range(12):
        books.deliver(Delivery((replace(total("1", f"t-{number}"), round_id=f"{number}"),)))
    books.deliver(Delivery((replace(total("1", "t-none"), round_id=None),)))

    named = books.now.free_rounds["421", "SPINS"].last_rounds

    assert named == tuple(f"4:slot{number}" for number in range(2, 12))


def stamped(steps: str) -> list[Movement]:
    """Rounds and totals from `r2@1 t10@3`: what was won and the moment; a total names the round at its moment."""
    credits: list[Movement] = []
    for number, step in enumerate(steps.split()):
        amount, _, moment = step[1:].partition("@")
        made = free_round(amount, f"r-{number}") if step[0] == "r" else total(amount, f"t-{number}")
        credits.append(replace(made, timestamp=moment, round_id=moment))
    return credits


@pytest.mark.parametrize(
    ("delivered", "added"),
    [
        ("r2@1 r3@2 t10@4 r5@3", "2 5 10 10"),  # a round after its total
        ("r2@1 t5@3 r3@2", "2 5 5"),  # from the retry queue
        ("r2@1 r3@2 r5@3 r4@4 t10@5 t4@6", "2 5 10 14 14 14"),  # two grants under one code
        ("r2@1 r3@2 t4@3", "2 5 5"),
        ("t5@1 r5@1", "5 5"),  # named by its total
        ("t10@1 r4@2", "10 14"),  # a total alone, then a new grant
        ("t10@3 r2@1 r3@2 r5@3", "10 10 10 10"),
        ("r2@1 t2@9 r4@3 t4@5", "2 2 6 6"),  # the total of the other grant was stamped later
    ],
)
def test_rounds_and_totals_are_paid_what_is_owed_in_the_order_in_which_they_arrive(delivered: str, added: str) -> None:
    books = Books(WALLET)

    cash = [books.deliver(Delivery((each,))).receipt.cash - WALLET.cash for each in stamped(delivered)]

    assert " ".join(str(int(each)) for each in cash) == added


def test_a_bonus_without_a_code_pays_its_full_amount_and_counts_nowhere() -> None:
    settlement = ledger.settle([credit("bonus", "30", free_round="total", currency=None)], snapshot())

    assert settlement.receipt.cash == WALLET.cash + 30
    assert settlement.receipt.bonus == WALLET.bonus + 30
    assert [each.free_rounds for each in settlement.transactions] == [None] * len(settlement.transactions)


def test_a_win_outside_free_rounds_leaves_the_bonus_alone_whatever_its_code() -> None:
    settlement = ledger.settle([credit("jackpot", "30", bonus_code="SPINS")], snapshot())

    assert settlement.receipt.cash == WALLET.cash + 30
    assert settlement.receipt.bonus == WALLET.bonus
    assert [each.free_rounds for each in settlement.transactions] == [None] * len(settlement.transactions)


# --- Replay and conflict ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal("10.000")},
        {"amount": Decimal("1E+1")},
        {"currency": "usd"},
        {"currency": None},
        {"timestamp": "1482429190999"},
        {"provider_id": "LUCKYMONACO"},
        {"auto_closed": True},
        {"campaign_type": "drop"},
        {"game_id": None},
        {"round_id": None},
        {"bonus_code": "SPINS"},
        {"jackpot_id": "mega"},
        {"campaign_id": "spring"},
    ],
    ids=str,
)
def test_what_may_differ_between_retransmissions_is_a_replay(changes: dict[str, Any]) -> None:
    first = credit()

    settlement = ledger.settle([replace(first, **changes)], snapshot(on_record(first)))

    assert settlement.receipt.replayed
    assert settlement.receipt.transaction_id == first.transaction_id
    assert (settlement.receipt.cash, settlement.receipt.bonus) == (WALLET.cash, WALLET.bonus)
    assert settlement.before == settlement.after == WALLET
    assert settlement.transactions == ()
    assert [each.free_rounds for each in settlement.transactions] == [None] * len(settlement.transactions)


@pytest.mark.parametrize(
    ("changes", "field_name"),
    [
        ({"user_id": "422"}, "userId"),
        ({"amount": Decimal("10.01")}, "amount"),
        ({"amount": Decimal("10.000000000000000001")}, "amount"),
        ({"currency": "EUR"}, "currency"),
        ({"game_id": "other"}, "gameId"),
        ({"round_id": "1"}, "roundId"),
        ({"bonus_code": "OTHER"}, "bonusCode"),
        ({"jackpot_id": "mini"}, "jackpotId"),
        ({"campaign_id": "autumn"}, "campaignId"),
        ({"currency": "U\u017fD"}, "currency"),  # a long s, which is an S in capitals
    ],
    ids=ascii,
)
def test_other_content_under_the_same_reference_is_a_conflict(changes: dict[str, Any], field_name: str) -> None:
    first = credit(bonus_code="SPINS", jackpot_id="mega", campaign_id="spring")

    with pytest.raises(Conflict) as conflict:
        ledger.settle([replace(first, **changes)], snapshot(on_record(first)))

    assert conflict.value.differences == (field_name,)


def test_a_conflict_names_every_field_that_differs() -> None:
    with pytest.raises(Conflict) as conflict:
        ledger.settle([credit(amount="11", round_id="1", game_id="other")], snapshot(on_record(credit())))

    assert conflict.value.differences == ("amount", "gameId", "roundId")


@pytest.mark.parametrize(
    ("again", "first"),
    [
        ({"campaign_id": "spring"}, {"campaign_id": "spring"}),
        ({"campaign_id": "spring"}, {"campaign_id": None}),
        ({"campaign_id": None}, {"campaign_id": "spring"}),
        ({"game_id": None, "round_id": None}, {}),
        ({"bonus_code": "SPINS"}, {}),
        ({"jackpot_id": "mega"}, {}),
        ({"currency": "usd", "amount": Decimal("10.00")}, {}),
    ],
    ids=str,
)
def test_a_prize_that_came_by_the_other_way_is_a_replay(again: dict[str, Any], first: dict[str, Any]) -> None:
    recorded = on_record(replace(credit("promo"), **first))

    settlement = ledger.settle([replace(credit("promo"), **again)], snapshot(recorded))

    assert settlement.receipt.replayed
    assert settlement.receipt.cash == WALLET.cash


@pytest.mark.parametrize(
    ("changes", "field_name"),
    [
        ({"user_id": "422"}, "userId"),
        ({"amount": Decimal("10.01")}, "amount"),
        ({"currency": "EUR"}, "currency"),
        ({"campaign_id": "autumn"}, "campaignId"),
    ],
    ids=str,
)
def test_a_prize_with_another_worth_is_a_conflict_by_either_way(changes: dict[str, Any], field_name: str) -> None:
    recorded = on_record(credit("promo", campaign_id="spring"))

    with pytest.raises(Conflict) as conflict:
        ledger.settle([replace(credit("promo"), **changes)], snapshot(recorded))

    assert conflict.value.differences == (field_name,)


def test_a_win_is_paid_although_its_prize_is_on_record() -> None:
    win, prize = credit(amount="5"), credit("promo", "7", reference="p-1")

    settlement = ledger.settle([win, prize], snapshot(on_record(prize)))

    assert settlement.receipt.cash == WALLET.cash + 5
    assert not settlement.receipt.replayed
    assert settlement.receipt.transaction_id == win.transaction_id
    assert [each.movement for each in settlement.transactions] == [win]


def test_a_prize_is_paid_although_its_win_is_on_record() -> None:
    win, prize = credit(amount="5"), credit("promo", "7", reference="p-1")

    settlement = ledger.settle([win, prize], snapshot(on_record(win)))

    assert settlement.receipt.cash == WALLET.cash + 7
    assert settlement.receipt.transaction_id == win.transaction_id
    assert [each.movement for each in settlement.transactions] == [prize]


def test_a_win_and_its_prize_are_two_transactions_in_one_chain() -> None:
    win, prize = credit(amount="5"), credit("promo", "7", reference="p-1")

    settlement = ledger.settle([win, prize], snapshot())

    assert [(each.seq, each.cash_after) for each in settlement.transactions] == [
        (8, Decimal("105.50")),
        (9, Decimal("112.50")),
    ]
    assert settlement.after == replace(WALLET, cash=Decimal("112.50"), version=9)


def test_a_prize_of_other_content_than_on_record_does_not_hold_back_its_win() -> None:
    win, prize = credit(amount="5"), credit("promo", "7", reference="p-1")

    settlement = ledger.settle(with_prize(win, prize), snapshot(on_record(replace(prize, amount=Decimal(8)))))

    assert settlement.receipt.cash == WALLET.cash + 5
    assert [each.movement.id for each in settlement.transactions] == [win.id]
    assert isinstance(settlement.disputed, Conflict)
    assert settlement.disputed.differences == ("amount",)


FULL = replace(WALLET, cash=Decimal("1234567890123456789.012345678901234567"))


@pytest.mark.parametrize(
    ("wallet", "amount", "fault", "is_known"),
    [
        (FULL, "1E+31", Unavailable, False),
        (FULL, "1E+31", Unavailable, True),
        (replace(WALLET, currency="EUR"), "5", WrongCurrency, True),
        (None, "5", Unavailable, True),
    ],
    ids=["too many digits", "too many digits, known", "another currency since", "unreadable since"],
)
def test_a_prize_that_cannot_be_added_does_not_hold_back_its_win(
    wallet: Wallet | None, amount: str, fault: type[Refusal], is_known: bool
) -> None:
    request = with_prize(credit(amount="5"), credit("promo", amount, reference="p-1"))
    recorded = [on_record(request[0])] if is_known else []
    reason = None if wallet else "no number"

    settlement = ledger.settle(request, snapshot(*recorded, wallet=wallet, unreadable_wallet=reason))

    assert isinstance(settlement.disputed, fault)
    assert (settlement.receipt.replayed, settlement.is_left) == (is_known, is_known)
    assert [each.movement.kind for each in settlement.transactions] == ([] if is_known else ["result"])


def test_a_prize_that_cannot_be_read_does_not_hold_back_its_win() -> None:
    fault = Absent("promoWinReference")
    request = with_prize(credit(amount="5"), fault=fault)

    settlement = ledger.settle(request, snapshot())

    assert settlement.receipt.cash == WALLET.cash + 5
    assert settlement.disputed is fault
    assert settlement.transactions[0].movement.prize == Prize(reference=None, amount="-5")
    again = ledger.settle(request, snapshot(on_record(request[0])))
    assert (again.receipt.replayed, again.disputed, again.changes) == (True, fault, False)


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        ({"reference": "p-2"}, ("promoWinReference",)),
        ({"amount": Decimal(8)}, ("promoWinAmount",)),
        ({"reference": "p-2", "amount": Decimal(8)}, ("promoWinReference", "promoWinAmount")),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_paid", [True, False])
def test_a_win_is_paid_no_other_prize_than_the_first_it_came_with(
    changes: dict[str, Any], differences: tuple[str, ...], is_paid: bool
) -> None:
    win, prize = credit(amount="5"), credit("promo", "7", reference="p-1")
    first = on_record(with_prize(win, prize)[0])
    recorded = (first, on_record(prize)) if is_paid else (first,)

    settlement = ledger.settle(with_prize(win, replace(prize, **changes)), snapshot(*recorded))

    assert settlement.receipt.replayed
    assert not settlement.changes
    assert isinstance(settlement.disputed, Conflict)
    assert settlement.disputed.differences == differences


def test_a_known_win_that_comes_again_with_a_prize_where_it_had_none_is_paid_that_one_and_no_other() -> None:
    win, prize = credit(amount="5"), credit("promo", "7", reference="p-1")
    books = Books(WALLET)
    books.deliver(Delivery((win,)))

    paid = books.deliver(Delivery(with_prize(win, prize)))
    again = books.deliver(Delivery(with_prize(win, prize)))
    other = books.deliver(Delivery(with_prize(win, replace(prize, reference="p-2"))))
    without = books.deliver(Delivery((win,)))

    assert paid.receipt.cash == WALLET.cash + 12
    assert [each.movement.id for each in paid.transactions] == ["promo#p-1"]
    assert [each.receipt.cash - WALLET.cash for each in (again, other, without)] == [12, 12, 12]
    assert [bool(each.disputed) for each in (paid, again, other, without)] == [False, False, True, False]


def test_a_prize_that_could_not_be_read_is_the_first_that_a_known_win_came_with() -> None:
    win, prize = credit(amount="5"), credit("promo", "7", reference="p-1")
    books = Books(WALLET)
    books.deliver(Delivery((win,)))

    noted = books.deliver(Delivery(with_prize(win, fault=InvalidAmount("promoWinAmount"))))
    other = books.deliver(Delivery(with_prize(win, prize)))

    assert (noted.receipt.replayed, noted.changes, other.changes) == (True, True, False)
    assert isinstance(other.disputed, Conflict)
    assert books.now.wallets["421"].cash == WALLET.cash + 5


def test_one_reference_of_two_kinds_is_two_credits() -> None:
    settlement = ledger.settle([credit("jackpot")], snapshot(on_record(credit("result"))))

    assert settlement.receipt.cash == WALLET.cash + 10


# --- Precedence -------------------------------------------------------------------------------------


def test_a_conflict_is_answered_before_a_missing_player_and_that_before_a_wrong_currency() -> None:
    euros = credit(currency="EUR", amount="11")
    taken = on_record(credit())

    with pytest.raises(Conflict):
        ledger.settle([euros], snapshot(taken, wallet=None))
    with pytest.raises(Conflict):
        ledger.settle([euros], snapshot(taken))
    with pytest.raises(NoSuchPlayer) as no_such_player:
        ledger.settle([euros], snapshot(wallet=None))
    with pytest.raises(WrongCurrency) as wrong_currency:
        ledger.settle([euros], snapshot())

    assert no_such_player.value.reason == "No such player: 421"
    assert wrong_currency.value.reason == "The currency is not the player's: the wallet's is USD"


def test_a_replay_needs_no_right_currency_of_the_wallet() -> None:
    in_euros = credit(currency="EUR")  # the operator changed the wallet's currency since

    settlement = ledger.settle([in_euros], snapshot(on_record(in_euros)))

    assert settlement.receipt.replayed
    assert settlement.receipt.currency == "USD"


@pytest.mark.parametrize("kind_of_free_round", ["none", "round", "total"])
def test_no_balance_is_rounded_to_fit(kind_of_free_round: Any) -> None:
    full = replace(WALLET, cash=Decimal(100000000000000000000))  # 21 digits, and 18 after the point make 39
    crumb = credit(amount="0.000000000000000001", bonus_code="SPINS", free_round=kind_of_free_round)

    with pytest.raises(Unavailable):
        ledger.settle([crumb], snapshot(wallet=full))
    with pytest.raises(Unavailable):
        ledger.settle([replace(crumb, free_round="round")], snapshot(free_rounds=FreeRounds(uncovered=Decimal(10**20))))
    with pytest.raises(Unavailable):
        ledger.settle([replace(crumb, free_round="round")], snapshot(wallet=replace(WALLET, bonus=full.cash)))


def test_what_cannot_be_read_is_no_reason_to_refuse_what_was_paid() -> None:
    paid = on_record(credit())

    for unreadable in (
        snapshot(paid, wallet=None, unreadable_wallet="no number"),
        snapshot(paid, unreadable_free_rounds="no number"),
    ):
        settlement = ledger.settle([credit()], unreadable)
        assert settlement.receipt.replayed
        assert (settlement.receipt.cash, settlement.receipt.bonus) == (WALLET.cash, WALLET.bonus)
        assert settlement.receipt.currency == "USD"


@pytest.mark.parametrize("lost", ["cash_after", "bonus_after"])
def test_nothing_is_added_to_what_cannot_be_read(lost: str) -> None:
    without_balance = replace(on_record(credit()), **{lost: Decimal("NaN")})

    for recorded in ((), (without_balance,)):
        with pytest.raises(Unavailable) as unavailable:
            ledger.settle([credit()], snapshot(*recorded, wallet=None, unreadable_wallet="no number"))
        assert unavailable.value.reason == "no number"


def test_a_balance_of_38_digits_is_kept() -> None:
    wallet = replace(WALLET, cash=Decimal("12345678901234567890.123456789012345677"))

    settlement = ledger.settle([credit(amount="0.000000000000000001")], snapshot(wallet=wallet))

    assert settlement.receipt.cash == Decimal("12345678901234567890.123456789012345678")


def test_a_thread_with_a_hostile_decimal_context_settles_alike() -> None:
    requests_and_snapshots: list[tuple[Sequence[Movement], Snapshot]] = [
        ([credit(amount="12345678901234.123456789012345678")], snapshot()),
        (
            [total("30.000000000000000001")],
            snapshot(free_rounds=FreeRounds(uncovered=Decimal("12.123456789012345678"))),
        ),
        ([credit(amount="10.000000000000000000")], snapshot(on_record(credit()))),
    ]

    with localcontext(Context(prec=2, traps=[Inexact, Rounded])):
        settlements = [ledger.settle(*each) for each in requests_and_snapshots]

    assert settlements == [ledger.settle(*each) for each in requests_and_snapshots]
    assert [each.receipt.cash for each in settlements] == [
        Decimal("12345678901334.623456789012345678"),
        Decimal("118.376543210987654323"),
        Decimal("100.50"),
    ]


# --- Names and torn reads ---------------------------------------------------------------------------


def test_a_transaction_has_one_name_for_ever() -> None:
    name = credit(reference="585c1306f89c56f5ecfc2f5d").transaction_id

    # Not a formula but the value: were it to change, a replay after 90 days would be told another name.
    assert name == "d0ff46bd-04b1-5e2d-a003-611271f6b669"
    assert len(name) <= 36
    assert credit("jackpot").transaction_id != credit("result").transaction_id


def test_a_wallet_older_than_a_transaction_read_with_it_is_torn() -> None:
    assert snapshot(on_record(credit(), seq=1), wallet=None).is_torn("421")
    assert snapshot(on_record(credit(), seq=8)).is_torn("421")
    assert not snapshot(on_record(credit(), seq=7)).is_torn("421")
    assert not snapshot(on_record(credit(), seq=6)).is_torn("421")
    assert not snapshot().is_torn("421")


def test_a_transaction_of_another_player_makes_no_read_torn() -> None:
    of_another = on_record(credit(user_id="422"), seq=99)

    assert not snapshot(of_another).is_torn("421")
    assert not snapshot(of_another, wallet=None).is_torn("421")


def test_one_torn_transaction_of_two_is_enough() -> None:
    prize = credit("promo", reference="p-1")

    assert snapshot(on_record(credit(), seq=7), on_record(prize, seq=8)).is_torn("421")

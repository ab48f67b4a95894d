"""What happened so far, in figures."""

import time
from array import array
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from tools.provider.answers import SUCCESS, UNAVAILABLE
from tools.provider.simulate.story import Callback, OwedCredit

RECENT_SECONDS = 10.0
WINS = ("result", "jackpot", "bonus", "promo")
_Bonus: TypeAlias = tuple[str, str, str]  # currency, player, bonus code
_Round: TypeAlias = tuple[str, str, str]  # player, game, round


@dataclass(slots=True)
class Line:
    """A callback's outcomes."""

    begun: int = 0
    settled: int = 0
    left_open: int = 0  # the provider lost its connection, and closes them when their day is over
    codes: Counter[int | None] = field(default_factory=Counter)  # of what else is settled; None: never answered
    wrong: int = 0  # were settled with a code that is not right for them

    @property
    def refused(self) -> Counter[int]:
        """The error codes that ended callbacks."""
        return Counter({code: times for code, times in self.codes.items() if code})


@dataclass(slots=True)
class Tally:
    lines: dict[str, Line] = field(default_factory=lambda: defaultdict(Line))
    deliveries: int = 0
    retransmissions: int = 0
    duplicates: int = 0
    hung_up: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    unavailable: int = 0  # answers of 998
    in_flight: int = 0
    waiting: int = 0  # for their next retransmission
    seconds: "array[float]" = field(default_factory=lambda: array("f"))  # to every answer
    recent: deque[tuple[float, float]] = field(default_factory=deque)  # when, and seconds to the answer
    _began: float = field(default_factory=time.monotonic)
    _owed: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # by currency, without free rounds
    _rounds: dict[_Bonus, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _totals: dict[_Bonus, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _open: dict[_Round, dict[str, Decimal]] = field(default_factory=dict)  # without a result: bets by their reference
    _in_doubt: set[str] = field(default_factory=set)  # bets, by their reference

    def begin(self, callback: Callback) -> None:
        self.lines[callback.page].begun += 1
        self.duplicates += callback.copies - 1
        if not callback.is_told:
            for credit in callback.credits:
                self._owe(credit, credit.currency or callback.currency)

    def _owe(self, credit: OwedCredit, currency: str) -> None:
        code = credit.bonus_code or credit.unsaid_code
        bonus = (currency, credit.user_id, code)
        if code and credit.callback == "result":
            self._rounds[bonus] += credit.amount
        elif code and credit.callback == "bonus":
            self._totals[bonus] += credit.amount
        elif credit.callback in WINS:
            self._owed[currency] += credit.amount

    @property
    def owed(self) -> dict[str, Decimal]:
        """By currency, less the stakes. Free rounds and their totals are owed once, whichever are more."""
        owed = defaultdict(Decimal, self._owed)
        for bonus in self._rounds.keys() | self._totals.keys():
            currency, _, _ = bonus
            owed[currency] += max(self._rounds.get(bonus, Decimal(0)), self._totals.get(bonus, Decimal(0)))
        return owed

    def settle(self, callback: Callback, code: int | None, deliveries: int) -> None:
        line = self.lines[callback.page]
        line.settled += 1
        if callback.is_given_up and code is None:
            line.left_open += 1
        else:
            line.codes[code] += 1
            line.wrong += code not in callback.fine
        self.deliveries += deliveries
        for credit in callback.credits:
            self._stake(callback, credit, code)

    def _stake(self, callback: Callback, credit: OwedCredit, code: int | None) -> None:
        """What a bet takes, what its cancel pays back, and which rounds that leaves open."""
        round = (credit.user_id, credit.game_id, credit.round_id)
        if credit.callback == "bet" and not callback.is_told:
            if code == SUCCESS:
                stake = Decimal(0) if credit.bonus_code else credit.amount
                self._owed[callback.currency] -= stake
                self._open.setdefault(round, {})[credit.reference] = stake
            elif code in (None, UNAVAILABLE):
                self._in_doubt.add(credit.reference)
        elif credit.callback == "cancel" and code == SUCCESS:
            self._in_doubt.discard(credit.reference)
            self._owed[callback.currency] += self._open.get(round, {}).pop(credit.reference, Decimal(0))
            if not self._open.get(round, True):
                del self._open[round]
        elif credit.callback == "result" and code == SUCCESS:
            self._open.pop(round, None)

    @property
    def has_bets(self) -> bool:
        return bool(self.lines["bet"].begun)

    @property
    def open_rounds(self) -> int:
        """Rounds with a bet that was taken and not paid back, and without a result."""
        return len(self._open)

    @property
    def in_doubt(self) -> int:
        """Bets without an answer, whose cancel was not answered either: they may be taken or not."""
        return len(self._in_doubt)

    @property
    def is_all_right(self) -> bool:
        """Whether each callback was answered as it must be."""
        return self.settled == self.begun and not any(line.wrong for line in self.lines.values())

    def answer(self, code: int | None, seconds: float) -> None:
        self.unavailable += code == UNAVAILABLE
        self.seconds.append(seconds)
        self.recent.append((time.monotonic(), seconds))

    def fail(self, what: str) -> None:
        self.errors[what] += 1

    @property
    def begun(self) -> int:
        return sum(line.begun for line in self.lines.values())

    @property
    def settled(self) -> int:
        return sum(line.settled for line in self.lines.values())

    def answered(self, code: int | None) -> int:
        """How many callbacks were settled so."""
        return sum(line.codes[code] for line in self.lines.values())

    def now(self) -> tuple[float, list[float]]:
        """Answers a second, and their seconds, of the last ten seconds."""
        now = time.monotonic()
        while self.recent and self.recent[0][0] < now - RECENT_SECONDS:
            self.recent.popleft()
        span = max(0.1, min(RECENT_SECONDS, now - self._began))
        return len(self.recent) / span, sorted(seconds for _, seconds in self.recent)

    def all_seconds(self) -> list[float]:
        return sorted(self.seconds)


def percentile(ordered: list[float], part: float) -> float:
    """Of ordered figures, the one that `part` of them do not exceed; 0 of none."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0

"""Free rounds: paid round by round, as a total, or both, in any order, and never twice."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tools.provider.answers import Answer
from tools.provider.certify.catalogue import BONUS, EFFECTS, FIELDS, REPLAYS, RESULT, Promises
from tools.provider.certify.forms import Row
from tools.provider.certify.requests import Draft, Raw, Value
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("free rounds")


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A round or a total, of that moment (None: now). With all before it, it has paid so much, where that is said."""

    kind: Literal["round", "total"]
    amount: str
    at: int | None
    paid: str | None
    changes: Mapping[str, Value]
    times: int = 1

    def request(self, the: Trial, code: str) -> Draft:
        if self.kind == "round":
            made = the.result(amount=self.amount, roundDetails="freespin", bonusCode=code)
        else:
            made = the.total(amount=Raw(self.amount), bonusCode=code)
        return made.but(**({} if self.at is None else {"timestamp": _moment(self.at)}), **self.changes)


def _moment(at: int) -> str:
    """A time of play in the provider's form: the later, the larger."""
    return str(1_482_429_190_000 + at)


def _round(
    amount: str, at: int | None = None, paid: str | None = None, *, times: int = 1, **changes: Value
) -> _Delivery:
    return _Delivery("round", amount, at, paid, changes, times)


def _total(amount: str, at: int | None = None, paid: str | None = None, **changes: Value) -> _Delivery:
    return _Delivery("total", amount, at, paid, changes)


@dataclass(frozen=True, slots=True)
class _Schedule:
    """Free rounds and totals, one after the other. All of them together pay so much, to cash and to bonus."""

    name: str
    paid: str
    deliveries: tuple[_Delivery, ...]

    async def attempt(self, the: Trial) -> None:
        code, number = the.id("b"), 0
        for delivery in self.deliveries:
            request = delivery.request(the, code)
            for _ in range(delivery.times):
                number += 1
                answer = await the.credited(request)
                if delivery.paid is not None:
                    await _shows(the, answer, delivery, number)
        await the.paid(self.paid, bonus=self.paid)


async def _shows(the: Trial, answer: Answer, delivery: _Delivery, number: int) -> None:
    try:
        await the.shows(answer, delivery.paid or "0", bonus=delivery.paid or "0")
    except Unmet as unmet:
        what = f"after delivery {number}, the {delivery.kind} of {delivery.amount}"
        raise Unmet(f"{unmet.expected} {what}", unmet.got) from None


def _in_turn(name: str, *deliveries: _Delivery, paid: str = "") -> _Schedule:
    """Under one new code. What is paid in all is what the last delivery says, unless that is given."""
    return _Schedule(name, paid or deliveries[-1].paid or "0", deliveries)


def _free_round(the: Trial) -> Draft:
    return the.result(amount="0.02", bonusCode=the.id("b"))


def _total_alone(the: Trial) -> Draft:
    return the.total(amount=Raw("0.05"), bonusCode=the.id("b"))


promise.rows(RESULT, Row("a free round is added to cash", _free_round, cash="0.02", is_shown=True))
promise.rows(EFFECTS, Row("a free round is added to bonus as well", _free_round))
promise.rows(BONUS, Row("a total is added to cash", _total_alone, cash="0.05", is_shown=True))
promise.rows(
    EFFECTS,
    Row("a total without its rounds is added to bonus as well", _total_alone),
    Row("a total without a bonus code is paid in full", lambda the: (_free_round(the), the.total(amount=Raw("0.05")))),
)
promise.rows(
    BONUS,
    _in_turn("a total without a roundId is credited", _total("0.02"), paid="0.02"),
    _in_turn("a total with its last roundId is credited", _total("0.02", roundId="last"), paid="0.02"),
)
promise.rows(
    EFFECTS,
    _in_turn(
        "a total of paid rounds pays nothing more",
        *(_round("0.02"), _round("0.03"), _round("0.05"), _total("0.10", paid="0.10")),
    ),
    _in_turn("a total pays the rounds that were lost", _round("0.02"), _round("0.03"), _total("0.10"), paid="0.10"),
    _in_turn(
        "a total smaller than its rounds takes nothing back",
        *(_round("0.02"), _round("0.03"), _round("0.05"), _total("0.08")),
        paid="0.10",
    ),
    _in_turn(
        "rounds after a total are covered by the next total",
        *(_round("0.02"), _total("0.02"), _round("0.03"), _total("0.04")),
        paid="0.06",
    ),
    _in_turn(
        "rounds that a total leaves uncovered lessen a later total",
        *(_round("0.02", 1, "0.02"), _round("0.03", 2, "0.05"), _total("0.04", 3, "0.05"), _total("0.03", 4, "0.07")),
    ),
    Row(
        "rounds of another bonus code lessen no total",
        lambda the: (_free_round(the), the.result(amount="0.03", bonusCode=the.id("b")), _total_alone(the)),
    ),
)


@promise(EFFECTS)
async def rounds_of_another_player_under_the_same_code_lessen_no_total(the: Trial) -> None:
    other, code = the.need_other_player(), the.id("b")
    await the.credited(_round("0.02", 1, userId=other).request(the, code))
    for delivery in (_total("0.02", 2, "0.02"), _round("0.02", 1, "0.02")):
        await the.shows(await the.credited(delivery.request(the, code)), "0.02", bonus="0.02")
    await the.paid("0.02", bonus="0.02")


promise.rows(
    EFFECTS,
    Row("ordinary rounds lessen no total", lambda the: (the.result(amount="0.03"), _total_alone(the))),
    _in_turn("a round sent twice is counted once", _round("0.02", times=2), _total("0.05"), paid="0.05"),
)


@promise(EFFECTS)
async def a_total_sent_again_after_later_rounds_covers_none_of_them(the: Trial) -> None:
    code = the.id("b")
    total = _total("0.02").request(the, code)
    for request in (
        *(_round("0.02").request(the, code), total),
        *(_round("0.03").request(the, code), total, _total("0.03").request(the, code)),
    ):
        await the.credited(request)

    await the.paid("0.05", bonus="0.05")


@promise(EFFECTS)
async def a_total_that_paid_nothing_is_still_a_transaction(the: Trial) -> None:
    code = the.id("b")
    await the.credited(_round("0.02").request(the, code))
    total = _total("0.02").request(the, code)
    first, again = await the.credited(total), await the.credited(total)

    the.same("transactionId", first.transaction_id, again.transaction_id)
    await the.refused(total.but(amount=Raw("0.03")), 61)


promise.rows(
    FIELDS,
    _in_turn("a total of nothing is recorded and moves nothing", _total("0")),
)
promise.rows(
    EFFECTS,
    _in_turn(
        "a round after its total is not paid again",
        *(_round("0.02", 1, "0.02"), _round("0.03", 2, "0.05"), _total("0.10", 4, "0.10"), _round("0.05", 3, "0.10")),
    ),
    _in_turn(
        "rounds that all come after their total are not paid again",
        *(_total("0.05", 3, "0.05"), _round("0.03", 2, "0.05"), _round("0.02", 1, "0.05")),
    ),
    _in_turn(
        "a round of the moment of its total is not paid again", *(_total("0.05", 1, "0.05"), _round("0.05", 1, "0.05"))
    ),
    _in_turn(
        "a late round is paid only what its total did not cover",
        *(_total("0.03", 2, "0.03"), _round("0.05", 1, "0.05")),
    ),
    _in_turn(
        "a late total covers the rounds before and after it",
        *(_round("0.02", 1, "0.02"), _round("0.04", 4, "0.06"), _total("0.02", 2, "0.06"), _total("0.04", 5, "0.06")),
    ),
    _in_turn(
        "a round played after a total is paid in full",
        *(_total("0.10", 1, "0.10"), _round("0.04", 2, "0.14"), _total("0.04", 3, "0.14")),
    ),
    _in_turn(
        "a new round does not use up what a late round needs",
        *(_total("0.10", 2, "0.10"), _round("0.04", 3, "0.14"), _round("0.10", 1, "0.14")),
    ),
    _in_turn(
        "two grants at once under one code are paid once",
        *(_round("0.02", 1, "0.02"), _round("0.03", 2, "0.05"), _round("0.05", 3, "0.10")),
        *(_round("0.04", 4, "0.14"), _total("0.10", 5, "0.14"), _total("0.04", 6, "0.14")),
    ),
    _in_turn(
        "two grants at once with late rounds are paid once",
        _round("0.02", 1, "0.02"),  # of the first, as is the round of 0.03
        _total("0.05", 5, "0.05"),
        _round("0.04", 2, "0.06"),  # of the second: it takes what is ready for the late 0.03
        *(_round("0.03", 3, "0.09"), _total("0.10", 6, "0.15"), _round("0.06", 4, "0.15")),
    ),
    _in_turn(
        "the newest total decides which rounds are late",
        *(_total("0.02", 9, "0.02"), _total("0.03", 5, "0.05"), _round("0.04", 7, "0.05")),
    ),
    _in_turn(
        "timestamps are compared as numbers",
        _total("0.05", paid="0.05", timestamp=Raw("1000000000000")),
        _round("0.03", paid="0.05", timestamp="999999999999"),
        _round("0.02", paid="0.07", timestamp="1000000000001"),
    ),
)


@promise(FIELDS)
async def a_timestamp_of_20_digits_is_known_and_one_of_21_is_not(the: Trial) -> None:
    known, unknown = the.id("b"), the.id("b")
    for code, delivery in (
        (known, _total("0.05", paid="0.05", timestamp="9" * 20)),
        (known, _round("0.05", 1, "0.05")),
        (unknown, _total("0.02", paid="0.07", timestamp="9" * 21)),
        (unknown, _round("0.02", 1, "0.09")),
    ):
        answer = await the.credited(delivery.request(the, code))
        await the.shows(answer, delivery.paid or "", bonus=delivery.paid or "")

    await the.paid("0.09", bonus="0.09")


_UNKNOWN: tuple[Value, ...] = (
    *("2016-12-22T17:53:10Z", "yesterday", "-1", " 1", "1e3", "\u0661"),  # the last is a digit, of another script
    *(Raw("1.0"), Raw("-1"), Raw("1e3"), True, [1], {"milliseconds": 1}),
)


promise.rows(
    EFFECTS,
    Row(
        "a round without a known timestamp is paid in full",
        lambda the: (
            delivery.request(the, code)
            for timestamp in _UNKNOWN
            for code in (the.id("b"),)
            for delivery in (_total("0.02", 1), _round("0.01", timestamp=timestamp))
        ),
    ),
    Row(
        "a total without a known timestamp makes no round late",
        lambda the: (
            delivery.request(the, code)
            for timestamp in _UNKNOWN
            for code in (the.id("b"),)
            for delivery in (_total("0.02", timestamp=timestamp), _round("0.01", 1))
        ),
    ),
    _in_turn(
        "a total without a known timestamp still covers late rounds",
        _total("0.01", 5, "0.01"),
        _total("0.05", paid="0.06", timestamp="yesterday"),
        _round("0.06", 4, "0.06"),
    ),
)


@promise(EFFECTS)
async def the_last_round_that_a_total_names_is_not_paid_again_whatever_its_timestamp(the: Trial) -> None:
    for timestamp in (_moment(9), "yesterday"):
        code, last = the.id("b"), the.id("r")
        await the.credited(_total("0.05", 1, roundId=last).request(the, code))
        await the.credited(_round("0.05", roundId=last, timestamp=timestamp).request(the, code))

    await the.paid("0.10", bonus="0.10")


@promise(EFFECTS)
async def a_round_of_another_game_than_the_last_one_is_another_round(the: Trial) -> None:
    code, last = the.id("b"), the.id("r")
    await the.credited(_total("0.05", 1, roundId=last).request(the, code))
    await the.paid("0.05", bonus="0.05")
    await the.credited(_round("0.05", 2, roundId=last, gameId="Im_61_another").request(the, code))
    await the.paid("0.10", bonus="0.10")


@promise(EFFECTS)
async def the_last_rounds_of_ten_totals_are_known(the: Trial) -> None:
    code = the.id("b")
    names = [the.id("r") for _ in range(10)]
    for at, name in enumerate(names):
        await the.credited(_total("0.01", at, roundId=name).request(the, code))
    for name in names:
        await the.credited(_round("0.01", 99, roundId=name).request(the, code))

    await the.paid("0.10", bonus="0.10")


promise.rows(
    EFFECTS,
    _in_turn(
        "a total without a bonus code covers no round",
        *(_round("0.02", 1, "0.02"), _round("0.03", 2, "0.05"), _round("0.05", 3, "0.10")),
        *(_total("0.10", 4, "0.20", bonusCode=None), _total("0.10", 5, "0.20")),
    ),
    _in_turn(
        "a total without a bonus code makes no round late",
        *(_total("0.05", 2, "0.05", bonusCode=None), _round("0.05", 1, "0.10")),
    ),
    _in_turn(
        "a late round sent twice is counted once",
        *(_total("0.05", 3, "0.05"), _round("0.03", 1, "0.05", times=2)),
        *(_round("0.02", 2, "0.05"), _round("0.01", 2, "0.06")),
    ),
)


@promise(REPLAYS)
async def a_late_round_that_is_paid_nothing_is_still_a_transaction(the: Trial) -> None:
    code = the.id("b")
    await the.credited(_total("0.05", 2).request(the, code))
    late = _round("0.05", 1).request(the, code)
    first, again = await the.credited(late), await the.credited(late)

    the.same("transactionId", first.transaction_id, again.transaction_id)
    await the.refused(late.but(amount="0"), 61)
    await the.paid("0.05", bonus="0.05")


@promise(REPLAYS)
async def a_round_still_counts_after_a_retransmission_without_its_bonus_code(the: Trial) -> None:
    code = the.id("b")
    win = _round("0.02", 1).request(the, code)
    for request in (win, win.without("bonusCode")):
        await the.shows(await the.credited(request), "0.02", bonus="0.02")
    await the.credited(_total("0.05", 2).request(the, code))

    await the.paid("0.05", bonus="0.05")


@promise(REPLAYS)
async def a_bonus_code_that_a_retransmission_adds_counts_nothing(the: Trial) -> None:
    code = the.id("b")
    win = the.result(amount="0.02", timestamp=_moment(1))
    await the.credited(win)
    await the.credited(win.but(bonusCode=code))
    await the.credited(_total("0.05", 2).request(the, code))

    await the.paid("0.07", bonus="0.05")

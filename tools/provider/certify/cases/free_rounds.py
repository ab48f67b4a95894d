"""Free rounds: paid round by round, as a total, or both, in any order, and never twice."""

from tools.provider.certify.catalogue import BONUS, EFFECTS, FIELDS, REPLAYS, RESULT, Promises
from tools.provider.certify.requests import Raw, Request, Value
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("free rounds")


@promise(RESULT)
async def a_free_round_is_added_to_cash(the: Trial) -> None:
    answer = await the.credited(the.result(amount="0.02", bonusCode=the.id("b")))

    await the.shows(answer, "0.02")
    await the.paid("0.02")


@promise(EFFECTS)
async def a_free_round_is_added_to_bonus_as_well(the: Trial) -> None:
    await the.credited(the.result(amount="0.02", bonusCode=the.id("b")))

    await the.paid("0.02", bonus="0.02")


@promise(BONUS)
async def a_total_is_added_to_cash(the: Trial) -> None:
    answer = await the.credited(the.total(amount=Raw("0.05"), bonusCode=the.id("b")))

    await the.shows(answer, "0.05")
    await the.paid("0.05")


@promise(EFFECTS)
async def a_total_without_its_rounds_is_added_to_bonus_as_well(the: Trial) -> None:
    await the.credited(the.total(amount=Raw("0.05"), bonusCode=the.id("b")))

    await the.paid("0.05", bonus="0.05")


@promise(EFFECTS)
async def a_total_without_a_bonus_code_is_paid_in_full(the: Trial) -> None:
    await the.credited(the.result(amount="0.02", bonusCode=the.id("b")))
    await the.credited(the.total(amount=Raw("0.05")))

    await the.paid("0.07", bonus="0.07")


@promise(BONUS)
async def a_total_without_a_roundId_is_credited(the: Trial) -> None:
    await the.credited(the.total(amount=Raw("0.02"), bonusCode=the.id("b")))

    await the.paid("0.02", bonus="0.02")


@promise(BONUS)
async def a_total_with_its_last_roundId_is_credited(the: Trial) -> None:
    await the.credited(the.total(amount=Raw("0.02"), bonusCode=the.id("b"), roundId=the.id("r")))

    await the.paid("0.02", bonus="0.02")


@promise(EFFECTS)
async def a_total_of_paid_rounds_pays_nothing_more(the: Trial) -> None:
    code = the.id("b")
    await _rounds(the, code, "0.02", "0.03", "0.05")
    answer = await the.credited(the.total(amount=Raw("0.10"), bonusCode=code))

    await the.shows(answer, "0.10", bonus="0.10")
    await the.paid("0.10", bonus="0.10")


@promise(EFFECTS)
async def a_total_pays_the_rounds_that_were_lost(the: Trial) -> None:
    code = the.id("b")
    await _rounds(the, code, "0.02", "0.03")
    await the.credited(the.total(amount=Raw("0.10"), bonusCode=code))

    await the.paid("0.10", bonus="0.10")


@promise(EFFECTS)
async def a_total_smaller_than_its_rounds_takes_nothing_back(the: Trial) -> None:
    code = the.id("b")
    await _rounds(the, code, "0.02", "0.03", "0.05")
    await the.credited(the.total(amount=Raw("0.08"), bonusCode=code))

    await the.paid("0.10", bonus="0.10")


@promise(EFFECTS)
async def rounds_after_a_total_are_covered_by_the_next_total(the: Trial) -> None:
    code = the.id("b")
    await _rounds(the, code, "0.02")
    await the.credited(the.total(amount=Raw("0.02"), bonusCode=code))
    await _rounds(the, code, "0.03")
    await the.credited(the.total(amount=Raw("0.04"), bonusCode=code))

    await the.paid("0.06", bonus="0.06")


@promise(EFFECTS)
async def rounds_that_a_total_leaves_uncovered_lessen_a_later_total(the: Trial) -> None:
    code = the.id("b")
    await _pay(
        the,
        (_round(the, code, "0.02", at=1), "0.02"),
        (_round(the, code, "0.03", at=2), "0.05"),
        (_total(the, code, "0.04", at=3), "0.05"),
        (_total(the, code, "0.03", at=4), "0.07"),
    )


@promise(EFFECTS)
async def rounds_of_another_bonus_code_lessen_no_total(the: Trial) -> None:
    await _rounds(the, the.id("b"), "0.02", "0.03")
    await the.credited(the.total(amount=Raw("0.05"), bonusCode=the.id("b")))

    await the.paid("0.10", bonus="0.10")


@promise(EFFECTS)
async def rounds_of_another_player_under_the_same_code_lessen_no_total(the: Trial) -> None:
    other, code = the.need_other_player(), the.id("b")
    await the.credited(_round(the, code, "0.02", at=1, userId=other))
    await _pay(the, (_total(the, code, "0.02", at=2), "0.02"), (_round(the, code, "0.02", at=1), "0.02"))


@promise(EFFECTS)
async def ordinary_rounds_lessen_no_total(the: Trial) -> None:
    await the.credited(the.result(amount="0.03"))
    await the.credited(the.total(amount=Raw("0.05"), bonusCode=the.id("b")))

    await the.paid("0.08", bonus="0.05")


@promise(EFFECTS)
async def a_round_sent_twice_is_counted_once(the: Trial) -> None:
    code = the.id("b")
    win = the.result(amount="0.02", bonusCode=code)
    await the.credited(win)
    await the.credited(win)
    await the.credited(the.total(amount=Raw("0.05"), bonusCode=code))

    await the.paid("0.05", bonus="0.05")


@promise(EFFECTS)
async def a_total_sent_again_after_later_rounds_covers_none_of_them(the: Trial) -> None:
    code = the.id("b")
    total = the.total(amount=Raw("0.02"), bonusCode=code)
    await _rounds(the, code, "0.02")
    await the.credited(total)
    await _rounds(the, code, "0.03")
    await the.credited(total)
    await the.credited(the.total(amount=Raw("0.03"), bonusCode=code))

    await the.paid("0.05", bonus="0.05")


@promise(EFFECTS)
async def a_total_that_paid_nothing_is_still_a_transaction(the: Trial) -> None:
    code = the.id("b")
    await _rounds(the, code, "0.02")
    total = the.total(amount=Raw("0.02"), bonusCode=code)
    first, again = await the.credited(total), await the.credited(total)

    the.same("transactionId", first.transaction_id, again.transaction_id)
    await the.refused(total.but(amount=Raw("0.03")), 61)


@promise(FIELDS)
async def a_total_of_nothing_is_recorded_and_moves_nothing(the: Trial) -> None:
    await the.credited(the.total(amount=Raw("0"), bonusCode=the.id("b")))

    await the.paid("0")


@promise(EFFECTS)
async def a_round_after_its_total_is_not_paid_again(the: Trial) -> None:
    code = the.id("b")
    await _pay(
        the,
        (_round(the, code, "0.02", at=1), "0.02"),
        (_round(the, code, "0.03", at=2), "0.05"),
        (_total(the, code, "0.10", at=4), "0.10"),
        (_round(the, code, "0.05", at=3), "0.10"),
    )


@promise(EFFECTS)
async def rounds_that_all_come_after_their_total_are_not_paid_again(the: Trial) -> None:
    code = the.id("b")
    await _pay(
        the,
        (_total(the, code, "0.05", at=3), "0.05"),
        (_round(the, code, "0.03", at=2), "0.05"),
        (_round(the, code, "0.02", at=1), "0.05"),
    )


@promise(EFFECTS)
async def a_round_of_the_moment_of_its_total_is_not_paid_again(the: Trial) -> None:
    code = the.id("b")
    await _pay(the, (_total(the, code, "0.05", at=1), "0.05"), (_round(the, code, "0.05", at=1), "0.05"))


@promise(EFFECTS)
async def a_late_round_is_paid_only_what_its_total_did_not_cover(the: Trial) -> None:
    code = the.id("b")
    await _pay(the, (_total(the, code, "0.03", at=2), "0.03"), (_round(the, code, "0.05", at=1), "0.05"))


@promise(EFFECTS)
async def a_late_total_covers_the_rounds_before_and_after_it(the: Trial) -> None:
    code = the.id("b")
    await _pay(
        the,
        (_round(the, code, "0.02", at=1), "0.02"),
        (_round(the, code, "0.04", at=4), "0.06"),
        (_total(the, code, "0.02", at=2), "0.06"),
        (_total(the, code, "0.04", at=5), "0.06"),
    )


@promise(EFFECTS)
async def a_round_played_after_a_total_is_paid_in_full(the: Trial) -> None:
    code = the.id("b")
    await _pay(
        the,
        (_total(the, code, "0.10", at=1), "0.10"),
        (_round(the, code, "0.04", at=2), "0.14"),
        (_total(the, code, "0.04", at=3), "0.14"),
    )


@promise(EFFECTS)
async def a_new_round_does_not_use_up_what_a_late_round_needs(the: Trial) -> None:
    code = the.id("b")
    await _pay(
        the,
        (_total(the, code, "0.10", at=2), "0.10"),
        (_round(the, code, "0.04", at=3), "0.14"),
        (_round(the, code, "0.10", at=1), "0.14"),
    )


@promise(EFFECTS)
async def two_grants_at_once_under_one_code_are_paid_once(the: Trial) -> None:
    code = the.id("b")
    await _pay(
        the,
        (_round(the, code, "0.02", at=1), "0.02"),
        (_round(the, code, "0.03", at=2), "0.05"),
        (_round(the, code, "0.05", at=3), "0.10"),
        (_round(the, code, "0.04", at=4), "0.14"),
        (_total(the, code, "0.10", at=5), "0.14"),
        (_total(the, code, "0.04", at=6), "0.14"),
    )


@promise(EFFECTS)
async def two_grants_at_once_with_late_rounds_are_paid_once(the: Trial) -> None:
    code = the.id("b")
    await _pay(
        the,
        (_round(the, code, "0.02", at=1), "0.02"),  # of the first, as is the round of 0.03
        (_total(the, code, "0.05", at=5), "0.05"),
        (_round(the, code, "0.04", at=2), "0.06"),  # of the second: it takes what is ready for the late 0.03
        (_round(the, code, "0.03", at=3), "0.09"),
        (_total(the, code, "0.10", at=6), "0.15"),
        (_round(the, code, "0.06", at=4), "0.15"),
    )


@promise(EFFECTS)
async def the_newest_total_decides_which_rounds_are_late(the: Trial) -> None:
    code = the.id("b")
    await _pay(
        the,
        (_total(the, code, "0.02", at=9), "0.02"),
        (_total(the, code, "0.03", at=5), "0.05"),
        (_round(the, code, "0.04", at=7), "0.05"),
    )


@promise(EFFECTS)
async def timestamps_are_compared_as_numbers(the: Trial) -> None:
    code = the.id("b")
    await _pay(
        the,
        (_total(the, code, "0.05", timestamp=Raw("1000000000000")), "0.05"),
        (_round(the, code, "0.03", timestamp="999999999999"), "0.05"),
        (_round(the, code, "0.02", timestamp="1000000000001"), "0.07"),
    )


@promise(FIELDS)
async def a_timestamp_of_20_digits_is_known_and_one_of_21_is_not(the: Trial) -> None:
    known, unknown = the.id("b"), the.id("b")
    await _pay(
        the,
        (_total(the, known, "0.05", timestamp="9" * 20), "0.05"),
        (_round(the, known, "0.05", at=1), "0.05"),
        (_total(the, unknown, "0.02", timestamp="9" * 21), "0.07"),
        (_round(the, unknown, "0.02", at=1), "0.09"),
    )


@promise(EFFECTS)
async def a_round_without_a_known_timestamp_is_paid_in_full(the: Trial) -> None:
    for timestamp in _UNKNOWN:
        code = the.id("b")
        await the.credited(_total(the, code, "0.02", at=1))
        await the.credited(_round(the, code, "0.01", timestamp=timestamp))

    await the.paid(paid := f"0.{3 * len(_UNKNOWN):02}", bonus=paid)


@promise(EFFECTS)
async def a_total_without_a_known_timestamp_makes_no_round_late(the: Trial) -> None:
    for timestamp in _UNKNOWN:
        code = the.id("b")
        await the.credited(_total(the, code, "0.02", timestamp=timestamp))
        await the.credited(_round(the, code, "0.01", at=1))

    await the.paid(paid := f"0.{3 * len(_UNKNOWN):02}", bonus=paid)


@promise(EFFECTS)
async def a_total_without_a_known_timestamp_still_covers_late_rounds(the: Trial) -> None:
    code = the.id("b")
    await _pay(
        the,
        (_total(the, code, "0.01", at=5), "0.01"),
        (_total(the, code, "0.05", timestamp="yesterday"), "0.06"),
        (_round(the, code, "0.06", at=4), "0.06"),
    )


@promise(EFFECTS)
async def the_last_round_that_a_total_names_is_not_paid_again_whatever_its_timestamp(the: Trial) -> None:
    for timestamp in (_moment(9), "yesterday"):
        code, last = the.id("b"), the.id("r")
        await the.credited(_total(the, code, "0.05", at=1, roundId=last))
        await the.credited(_round(the, code, "0.05", roundId=last, timestamp=timestamp))

    await the.paid("0.10", bonus="0.10")


@promise(EFFECTS)
async def a_round_of_another_game_than_the_last_one_is_another_round(the: Trial) -> None:
    code, last = the.id("b"), the.id("r")
    await _pay(
        the,
        (_total(the, code, "0.05", at=1, roundId=last), "0.05"),
        (_round(the, code, "0.05", at=2, roundId=last, gameId="Im_61_another"), "0.10"),
    )


@promise(EFFECTS)
async def the_last_rounds_of_ten_totals_are_known(the: Trial) -> None:
    code = the.id("b")
    names = [the.id("r") for _ in range(10)]
    for at, name in enumerate(names):
        await the.credited(_total(the, code, "0.01", at=at, roundId=name))
    for name in names:
        await the.credited(_round(the, code, "0.01", at=99, roundId=name))

    await the.paid("0.10", bonus="0.10")


@promise(EFFECTS)
async def a_total_without_a_bonus_code_covers_no_round(the: Trial) -> None:
    code = the.id("b")
    await _pay(
        the,
        (_round(the, code, "0.02", at=1), "0.02"),
        (_round(the, code, "0.03", at=2), "0.05"),
        (_round(the, code, "0.05", at=3), "0.10"),
        (_total(the, None, "0.10", at=4), "0.20"),
        (_total(the, code, "0.10", at=5), "0.20"),
    )


@promise(EFFECTS)
async def a_total_without_a_bonus_code_makes_no_round_late(the: Trial) -> None:
    code = the.id("b")
    await _pay(the, (_total(the, None, "0.05", at=2), "0.05"), (_round(the, code, "0.05", at=1), "0.10"))


@promise(EFFECTS)
async def a_late_round_sent_twice_is_counted_once(the: Trial) -> None:
    code = the.id("b")
    late = _round(the, code, "0.03", at=1)
    await _pay(
        the,
        (_total(the, code, "0.05", at=3), "0.05"),
        (late, "0.05"),
        (late, "0.05"),
        (_round(the, code, "0.02", at=2), "0.05"),
        (_round(the, code, "0.01", at=2), "0.06"),
    )


@promise(REPLAYS)
async def a_late_round_that_is_paid_nothing_is_still_a_transaction(the: Trial) -> None:
    code = the.id("b")
    total, late = _total(the, code, "0.05", at=2), _round(the, code, "0.05", at=1)
    await the.credited(total)
    first, again = await the.credited(late), await the.credited(late)

    the.same("transactionId", first.transaction_id, again.transaction_id)
    await the.refused(late.but(amount="0"), 61)
    await the.paid("0.05", bonus="0.05")


@promise(REPLAYS)
async def a_round_still_counts_after_a_retransmission_without_its_bonus_code(the: Trial) -> None:
    code = the.id("b")
    win = _round(the, code, "0.02", at=1)
    await _pay(the, (win, "0.02"), (win.without("bonusCode"), "0.02"), (_total(the, code, "0.05", at=2), "0.05"))


@promise(REPLAYS)
async def a_bonus_code_that_a_retransmission_adds_counts_nothing(the: Trial) -> None:
    code = the.id("b")
    win = the.result(amount="0.02", timestamp=_moment(1))
    await the.credited(win)
    await the.credited(win.but(bonusCode=code))
    await the.credited(_total(the, code, "0.05", at=2))

    await the.paid("0.07", bonus="0.05")


_UNKNOWN: tuple[Value, ...] = (
    *("2016-12-22T17:53:10Z", "yesterday", "-1", " 1", "1e3", "\u0661"),  # the last is a digit, of another script
    *(Raw("1.0"), Raw("-1"), Raw("1e3"), True, [1], {"milliseconds": 1}),
)


def _moment(at: int) -> str:
    """A time of play in the provider's form: the later, the larger."""
    return str(1_482_429_190_000 + at)


def _round(the: Trial, code: str, amount: str, at: int = 0, **changes: Value) -> Request:
    win = the.result(amount=amount, bonusCode=code, roundDetails="freespin", timestamp=_moment(at))
    return win.but(**changes)


def _total(the: Trial, code: str | None, amount: str, at: int = 0, **changes: Value) -> Request:
    return the.total(amount=amount, bonusCode=code, timestamp=_moment(at)).but(**changes)


async def _pay(the: Trial, *deliveries: tuple[Request, str]) -> None:
    """Sends them one after the other. After each, all of them together must have paid so much."""
    paid = "0"
    for number, (request, paid) in enumerate(deliveries, 1):
        answer = await the.credited(request)
        try:
            await the.shows(answer, paid, bonus=paid)
        except Unmet as unmet:
            what = f"the {'total' if request.callback == 'bonus' else 'round'} of {request['amount']}"
            raise Unmet(f"{unmet.expected} after delivery {number}, {what}", unmet.got) from None
    await the.paid(paid, bonus=paid)


async def _rounds(the: Trial, code: str, *amounts: str) -> None:
    for amount in amounts:
        await the.credited(the.result(amount=amount, bonusCode=code, roundDetails="freespin"))

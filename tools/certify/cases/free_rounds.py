"""Free rounds: paid round by round, as a total, or both, and never twice."""

from tools.certify.catalogue import BONUS, EFFECTS, FIELDS, RESULT, Promises
from tools.certify.requests import Raw
from tools.certify.trial import Trial

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
async def after_a_total_the_count_begins_anew(the: Trial) -> None:
    code = the.id("b")
    await _rounds(the, code, "0.02")
    await the.credited(the.total(amount=Raw("0.02"), bonusCode=code))
    await _rounds(the, code, "0.03")
    await the.credited(the.total(amount=Raw("0.04"), bonusCode=code))

    await the.paid("0.06", bonus="0.06")


@promise(EFFECTS)
async def what_was_paid_too_much_lessens_no_later_total(the: Trial) -> None:
    code = the.id("b")
    await _rounds(the, code, "0.05")
    await the.credited(the.total(amount=Raw("0.02"), bonusCode=code))
    await the.credited(the.total(amount=Raw("0.04"), bonusCode=code))

    await the.paid("0.09", bonus="0.09")


@promise(EFFECTS)
async def rounds_of_another_bonus_code_lessen_no_total(the: Trial) -> None:
    await _rounds(the, the.id("b"), "0.02", "0.03")
    await the.credited(the.total(amount=Raw("0.05"), bonusCode=the.id("b")))

    await the.paid("0.10", bonus="0.10")


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
async def a_total_that_paid_nothing_is_a_transaction_all_the_same(the: Trial) -> None:
    code = the.id("b")
    await _rounds(the, code, "0.02")
    total = the.total(amount=Raw("0.02"), bonusCode=code)
    first, again = await the.credited(total), await the.credited(total)

    the.same("transactionId", first.transaction_id, again.transaction_id)
    await the.refused(total.but(amount=Raw("0.03")), 61, http=200)


@promise(FIELDS)
async def a_total_of_nothing_is_recorded_and_moves_nothing(the: Trial) -> None:
    await the.credited(the.total(amount=Raw("0"), bonusCode=the.id("b")))

    await the.paid("0")


async def _rounds(the: Trial, code: str, *amounts: str) -> None:
    for amount in amounts:
        await the.credited(the.result(amount=amount, bonusCode=code, roundDetails="freespin"))

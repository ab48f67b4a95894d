"""Jackpots: told apart from their round's own result, and paid in the player's own currency."""

from tools.provider.certify.catalogue import ANSWERS, EFFECTS, FIELDS, JACKPOT, REPLAYS, Promises
from tools.provider.certify.requests import Raw
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("jackpots")


@promise(JACKPOT)
async def a_jackpot_is_added_to_cash(the: Trial) -> None:
    answer = await the.credited(the.jackpot(amount=Raw("0.05")))

    await the.shows(answer, "0.05")
    await the.paid("0.05")


@promise(EFFECTS)
async def a_jackpot_leaves_bonus_alone(the: Trial) -> None:
    await the.credited(the.jackpot(amount=Raw("0.05")))

    await the.paid("0.05", bonus="0")


@promise(EFFECTS)
async def a_jackpot_with_a_bonus_code_goes_to_cash_alone(the: Trial) -> None:
    await the.credited(the.jackpot(amount=Raw("0.05"), bonusCode=the.id("b")))

    await the.paid("0.05", bonus="0")


@promise(JACKPOT)
async def a_jackpot_is_paid_beside_the_result_of_its_round(the: Trial) -> None:
    spin = the.result(amount="0.02")
    await the.credited(spin)
    await the.credited(the.jackpot(amount=Raw("0.05"), roundId=spin["roundId"]))

    await the.paid("0.07")


@promise(REPLAYS)
async def two_jackpots_of_one_round_are_both_paid(the: Trial) -> None:
    grand = the.jackpot(amount=Raw("0.03"))
    await the.credited(grand)
    await the.credited(grand.but(reference=the.id(), jackpotId="569"))

    await the.paid("0.06")


@promise(JACKPOT)
async def a_jackpot_before_the_result_of_its_round_is_paid(the: Trial) -> None:
    jackpot = the.jackpot(amount=Raw("0.05"))
    await the.credited(jackpot)
    await the.credited(the.result(amount="0.02", roundId=jackpot["roundId"]))

    await the.paid("0.07")


@promise(JACKPOT)
async def a_jackpot_is_told_its_transactionId(the: Trial) -> None:
    answer = await the.credited(the.jackpot())

    if not answer.transaction_id:
        raise Unmet("a transactionId", str(answer))


@promise(FIELDS)
async def a_jackpot_may_carry_details(the: Trial) -> None:
    await the.credited(the.jackpot(jackpotDetails={"name": "grand", "level": 3}, platform="desktop"))

    await the.paid("0.01")


@promise(ANSWERS)
async def a_jackpot_in_another_currency_is_refused_with_52(the: Trial) -> None:
    await the.refused(the.jackpot(currency=the.another_currency), 52, http=200)

    await the.paid("0")


@promise(ANSWERS)
async def a_jackpot_of_an_unknown_player_is_refused_with_62(the: Trial) -> None:
    await the.refused(the.jackpot(userId=the.id("nobody")), 62, http=200)

    await the.paid("0")

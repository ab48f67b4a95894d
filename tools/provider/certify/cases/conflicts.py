"""Conflicts: a known reference with other content is refused, and moves nothing."""

from tools.provider.certify.catalogue import ANSWERS, REPLAYS, RESULT, Promises
from tools.provider.certify.requests import Raw, Request, Value
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("conflicts")


@promise(RESULT)
async def other_content_under_a_known_reference_is_no_second_transaction(the: Trial) -> None:
    win = the.result(amount="0.02")
    await the.credited(win)
    await the.send(win.but(amount="0.05", roundId=the.id("r"), uuid=the.filler()))

    await the.paid("0.02")


@promise(REPLAYS)
async def another_amount_is_refused_with_61(the: Trial) -> None:
    await _conflict(the, the.result(amount="0.02"), amount="0.03")


@promise(REPLAYS)
async def an_amount_that_differs_in_its_last_place_is_refused_with_61(the: Trial) -> None:
    await _conflict(the, the.result(amount="0.02"), amount="0.020000000000000001")


@promise(REPLAYS)
async def another_amount_of_a_jackpot_is_refused_with_61(the: Trial) -> None:
    await _conflict(the, the.jackpot(amount=Raw("0.02")), amount=Raw("0.03"))


@promise(REPLAYS)
async def another_amount_of_a_free_round_total_is_refused_with_61(the: Trial) -> None:
    win = the.total(amount=Raw("0.02"), bonusCode=the.id("b"))
    await the.credited(win)
    await the.refused(win.but(amount=Raw("0.05")), 61, http=200)

    await the.paid("0.02", bonus="0.02")


@promise(REPLAYS)
async def another_amount_of_a_promotion_is_refused_with_61(the: Trial) -> None:
    await _conflict(the, the.promo(amount="0.02"), amount="0.03")


@promise(REPLAYS)
async def another_game_is_refused_with_61(the: Trial) -> None:
    await _conflict(the, the.result(amount="0.02"), gameId="Im_60_another")


@promise(REPLAYS)
async def another_round_is_refused_with_61(the: Trial) -> None:
    await _conflict(the, the.result(amount="0.02"), roundId=the.id("r"))


@promise(REPLAYS)
async def a_round_that_differs_by_a_space_is_refused_with_61(the: Trial) -> None:
    win = the.result(amount="0.02")
    await _conflict(the, win, roundId=f"{win['roundId']} ")


@promise(REPLAYS)
async def another_bonus_code_is_refused_with_61(the: Trial) -> None:
    await _conflict(the, the.result(amount="0.02", bonusCode=the.id("b")), bonusCode=the.id("b"), bonus="0.02")


@promise(REPLAYS)
async def another_round_or_bonus_code_of_a_free_round_total_is_refused_with_61(the: Trial) -> None:
    win = the.total(amount=Raw("0.02"), bonusCode=the.id("b"), roundId=the.id("r"))
    await _conflict(the, win, bonusCode=the.id("b"), bonus="0.02")
    await _conflict(the, win, roundId=the.id("r"), bonus="0.02")


@promise(REPLAYS)
async def another_campaign_of_a_result_is_refused_with_61(the: Trial) -> None:
    await _conflict(the, the.result(amount="0.02", promoCampaignId="7"), promoCampaignId="8")


@promise(REPLAYS)
async def another_jackpot_is_refused_with_61(the: Trial) -> None:
    await _conflict(the, the.jackpot(amount=Raw("0.02")), jackpotId="569")


@promise(REPLAYS)
async def another_campaign_is_refused_with_61(the: Trial) -> None:
    await _conflict(the, the.promo(amount="0.02"), promoCampaignId="5103188802")


@promise(ANSWERS)
async def another_currency_is_refused_with_61_rather_than_52(the: Trial) -> None:
    await _conflict(the, the.result(amount="0.02"), currency=the.another_currency)


@promise(ANSWERS)
async def another_player_is_refused_with_61_rather_than_62(the: Trial) -> None:
    await _conflict(the, the.result(amount="0.02"), userId=the.player.other_id or the.id("nobody"))


@promise(REPLAYS)
async def a_reference_of_another_player_is_not_paid_to_this_one(the: Trial) -> None:
    theirs = the.result(userId=the.need_other_player(), amount="0")
    await the.credited(theirs)
    await the.refused(theirs.but(userId=the.player.id), 61, http=200)

    await the.paid("0")


@promise(REPLAYS)
async def what_was_credited_is_still_a_replay_after_a_conflict(the: Trial) -> None:
    win = the.result(amount="0.02")
    first = await the.credited(win)
    await the.send(win.but(amount="0.05"))

    the.same("transactionId", first.transaction_id, (await the.credited(win)).transaction_id)
    await the.paid("0.02")


@promise(ANSWERS)
async def a_conflict_is_told_by_error_and_description_alone(the: Trial) -> None:
    win = the.result(amount="0.02")
    await the.credited(win)
    answer = await the.refused(win.but(amount="0.03"), 61, http=200)

    if list(answer.fields) != ["error", "description"]:
        raise Unmet("error and description, and nothing else", str(answer))


async def _conflict(the: Trial, win: Request, bonus: str = "0", **changes: Value) -> None:
    await the.credited(win)
    await the.refused(win.but(**changes), 61, http=200)

    await the.paid(win["amount"], bonus=bonus)

"""Promotions: a prize comes alone or inside a result, and is paid once by either way."""

from collections.abc import Mapping

from tools.provider.certify.catalogue import AUTO_CLOSING, EFFECTS, PROMO, REPLAYS, RESULT, Promises
from tools.provider.certify.requests import Raw, Request, Value
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("promotions")


@promise(PROMO)
async def a_promotion_is_added_to_cash(the: Trial) -> None:
    answer = await the.credited(the.promo(amount="0.05"))

    await the.shows(answer, "0.05")
    await the.paid("0.05")


@promise(EFFECTS)
async def a_promotion_leaves_bonus_alone(the: Trial) -> None:
    await the.credited(the.promo(amount="0.05", bonusCode=the.id("b")))

    await the.paid("0.05", bonus="0")


@promise(RESULT)
async def a_result_pays_its_prize_as_well(the: Trial) -> None:
    answer = await the.credited(_with_prize(the))

    await the.shows(answer, "0.05")
    await the.paid("0.05")


@promise(AUTO_CLOSING)
async def a_prize_inside_a_result_is_paid_once(the: Trial) -> None:
    win = _with_prize(the)
    await the.credited(win)
    await the.send(win)

    await the.paid("0.05")


@promise(EFFECTS)
async def a_promotion_after_the_result_that_carried_it_is_a_replay(the: Trial) -> None:
    win = _with_prize(the)
    await the.credited(win)
    await the.credited(_prize_of(win, the))

    await the.paid("0.05")


@promise(EFFECTS)
async def a_result_after_the_promotion_that_it_carries_pays_its_win_alone(the: Trial) -> None:
    win = _with_prize(the)
    await the.credited(_prize_of(win, the))
    await the.credited(win)

    await the.paid("0.05")


@promise(EFFECTS)
async def a_prize_inside_a_result_is_a_transaction_of_its_own(the: Trial) -> None:
    win = _with_prize(the)
    base, prize = await the.credited(win), await the.credited(_prize_of(win, the))

    if base.transaction_id == prize.transaction_id:
        raise Unmet("a transactionId of the prize's own", f"the result's, {prize.transaction_id}")


@promise(REPLAYS)
async def a_replay_of_a_result_with_a_prize_has_the_transactionId_of_the_result(the: Trial) -> None:
    win = _with_prize(the)
    first, again = await the.credited(win), await the.credited(win)

    the.same("transactionId", first.transaction_id, again.transaction_id)


@promise(REPLAYS)
async def one_prize_inside_two_results_is_paid_once(the: Trial) -> None:
    win = _with_prize(the)
    await the.credited(win)
    await the.credited(_with_prize(the, promoWinReference=win["promoWinReference"]))

    await the.paid("0.07")


@promise(REPLAYS)
async def a_promotion_is_a_replay_though_its_result_named_no_campaign(the: Trial) -> None:
    win = _with_prize(the).without("promoCampaignId", "promoCampaignType")
    await the.credited(win)
    await the.credited(_prize_of(win, the))

    await the.paid("0.05")


@promise(REPLAYS)
async def a_promotion_of_another_campaign_than_in_its_result_is_refused_with_61(the: Trial) -> None:
    win = _with_prize(the)
    await the.credited(win)
    await the.refused(_prize_of(win, the).but(promoCampaignId="another"), 61)

    await the.paid("0.05")


@promise(REPLAYS)
async def a_prize_in_dispute_is_left_and_its_win_is_paid(the: Trial) -> None:
    prize = the.promo(amount="0.03")
    await the.credited(prize)
    win = _with_prize(the, promoWinReference=prize["reference"], promoWinAmount="0.04")
    first = await the.credited(win)
    await the.shows(first, "0.05")
    again = await the.credited(win)

    the.same("transactionId", first.transaction_id, again.transaction_id)
    await the.paid("0.05")


@promise(REPLAYS)
async def a_prize_of_another_campaign_is_left_and_its_win_is_paid(the: Trial) -> None:
    prize = the.promo(amount="0.03", promoCampaignId="another")
    await the.credited(prize)
    await the.credited(_with_prize(the, promoWinReference=prize["reference"]))

    await the.paid("0.05")


@promise(REPLAYS)
async def a_prize_of_another_player_is_left_and_its_win_is_paid(the: Trial) -> None:
    theirs = the.promo(userId=the.need_other_player(), amount="0.03")
    await the.credited(theirs)
    await the.credited(_with_prize(the, promoWinReference=theirs["reference"]))

    await the.paid("0.02")


@promise(REPLAYS)
async def a_prize_in_dispute_does_not_stop_the_bonus_of_its_free_round(the: Trial) -> None:
    prize, code = the.promo(amount="0.03"), the.id("b")
    await the.credited(prize)
    await the.credited(_with_prize(the, promoWinReference=prize["reference"], promoWinAmount="0.04", bonusCode=code))
    await the.credited(the.total(amount=Raw("0.02"), bonusCode=code))

    await the.paid("0.05", bonus="0.02")


@promise(REPLAYS)
async def a_known_result_with_another_prize_pays_nothing(the: Trial) -> None:
    win = _with_prize(the)
    first = await the.credited(win)
    another = await the.credited(win.but(promoWinReference=the.id("p")))

    the.same("transactionId", first.transaction_id, another.transaction_id)
    await the.paid("0.05")


@promise(REPLAYS)
async def a_known_result_with_another_amount_of_its_prize_pays_nothing(the: Trial) -> None:
    win = _with_prize(the)
    await the.credited(win)
    await the.credited(win.but(promoWinAmount="0.04"))

    await the.paid("0.05")


@promise(REPLAYS)
async def another_prize_of_a_known_result_is_paid_when_it_comes_alone(the: Trial) -> None:
    win = _with_prize(the)
    another = win.but(promoWinReference=the.id("p"))
    await the.credited(win)
    await the.credited(another)
    await the.credited(_prize_of(another, the))

    await the.paid("0.08")


@promise(REPLAYS)
async def a_known_result_that_comes_again_with_a_prize_is_paid_the_prize(the: Trial) -> None:
    win = _with_prize(the)
    first = await the.credited(win.without("promoWinAmount", "promoWinReference"))
    await the.paid("0.02")
    again = await the.credited(win)

    the.same("transactionId", first.transaction_id, again.transaction_id)
    await the.paid("0.05")


@promise(REPLAYS)
async def a_prize_that_comes_later_with_its_result_is_paid_once(the: Trial) -> None:
    win = _with_prize(the)
    await the.credited(win.without("promoWinAmount", "promoWinReference"))
    await the.credited(win)
    await the.credited(win)
    await the.credited(_prize_of(win, the))

    await the.paid("0.05")


@promise(REPLAYS)
async def a_second_prize_that_comes_later_with_its_result_pays_nothing(the: Trial) -> None:
    win = _with_prize(the)
    await the.credited(win.without("promoWinAmount", "promoWinReference"))
    await the.credited(win)
    await the.credited(win.but(promoWinReference=the.id("p")))

    await the.paid("0.05")


@promise(REPLAYS)
async def a_result_that_comes_again_without_its_prize_is_a_replay(the: Trial) -> None:
    win = _with_prize(the)
    first = await the.credited(win)
    names = ("promoWinAmount", "promoWinReference", "promoCampaignId", "promoCampaignType")
    again = await the.credited(win.without(*names))

    the.same("transactionId", first.transaction_id, again.transaction_id)
    await the.paid("0.05")


@promise(REPLAYS)
async def a_result_that_conflicts_refuses_its_prize_with_61(the: Trial) -> None:
    win = the.result(amount="0.02")
    await the.credited(win)
    await the.refused(_with_prize(the, reference=win["reference"], amount="0.01"), 61)

    await the.paid("0.02")


@promise(EFFECTS)
async def a_prize_without_a_reference_is_left_and_its_win_is_paid(the: Trial) -> None:
    await _left(the, *({"promoWinReference": nothing} for nothing in (None, "", [], {})))
    await the.credited(_with_prize(the).without("promoWinReference"))

    await the.paid("0.10")


@promise(EFFECTS)
async def a_prize_with_a_malformed_reference_is_left_and_its_win_is_paid(the: Trial) -> None:
    faulty: tuple[Value, ...] = (the.id("p").ljust(129, "x"), "p\n", "\u3000", Raw("-5"), Raw("1.5"), True, ["p"])
    await _left(the, *({"promoWinReference": reference} for reference in faulty))

    await the.paid("0.14")


@promise(EFFECTS)
async def a_prize_with_two_different_spellings_is_left_and_its_win_is_paid(the: Trial) -> None:
    await _left(the, {"promowinamount": "0.04"}, {"PromoWinReference": the.id("p")})

    await the.paid("0.04")


@promise(EFFECTS)
async def a_prize_reference_without_an_amount_is_the_win_alone(the: Trial) -> None:
    await the.credited(_with_prize(the).without("promoWinAmount"))

    await the.paid("0.02")


@promise(EFFECTS)
async def a_prize_of_zero_is_the_win_alone_and_leaves_its_reference_free(the: Trial) -> None:
    win = _with_prize(the, promoWinAmount="0")
    await the.credited(win)
    await the.paid("0.02")
    await the.credited(the.promo(reference=win["promoWinReference"], amount="0.03"))

    await the.paid("0.05")


@promise(EFFECTS)
async def a_prize_below_zero_is_left_and_its_win_is_paid(the: Trial) -> None:
    await _left(the, {"promoWinAmount": "-5"}, {"promoWinAmount": Raw("-0.03")})

    await the.paid("0.04")


@promise(EFFECTS)
async def a_prize_whose_amount_is_not_valid_is_left_and_its_win_is_paid(the: Trial) -> None:
    faulty: tuple[Value, ...] = ("0,03", " 0.03", "+0.03", "NaN", "three", Raw("1e-19"), "1e999999999", True, ["0.03"])
    await _left(the, *({"promoWinAmount": amount} for amount in faulty))

    await the.paid("0.18")


@promise(EFFECTS)
async def a_prize_that_was_left_is_not_paid_by_a_retransmission_that_changes_it(the: Trial) -> None:
    win = _with_prize(the)
    await the.credited(win.but(promoWinAmount="-0.03"))
    await the.credited(win)

    await the.paid("0.02")


@promise(EFFECTS)
async def a_prize_that_was_left_is_paid_when_it_comes_alone(the: Trial) -> None:
    win = _with_prize(the)
    await the.credited(win.but(promoWinAmount="-0.03"))
    await the.credited(_prize_of(win, the))

    await the.paid("0.05")


@promise(EFFECTS)
async def a_prize_of_nothing_is_no_prize_in_any_notation(the: Trial) -> None:
    for nothing in (Raw("0"), "0.00", Raw("-0.0"), "0e5", [], {}):
        await the.credited(_with_prize(the, promoWinAmount=nothing, promoWinReference="\n"))

    await the.paid("0.12")


@promise(EFFECTS)
async def a_prize_in_a_free_round_goes_to_cash_alone(the: Trial) -> None:
    await the.credited(_with_prize(the, bonusCode=the.id("b")))

    await the.paid("0.05", bonus="0.02")


@promise(EFFECTS)
async def a_prize_counts_towards_no_free_round_total(the: Trial) -> None:
    code = the.id("b")
    await the.credited(_with_prize(the, bonusCode=code))
    await the.credited(the.total(amount=Raw("0.02"), bonusCode=code))

    await the.paid("0.05", bonus="0.02")


async def _left(the: Trial, *changes: Mapping[str, Value]) -> None:
    """Results whose prize is left for a person: each is credited as if it had come alone."""
    for each in changes:
        win = _with_prize(the, **each)
        first, again = await the.credited(win), await the.credited(win)
        the.same("transactionId", first.transaction_id, again.transaction_id)


def _with_prize(the: Trial, **changes: Value) -> Request:
    """A result of 0.02 with a prize of 0.03."""
    win = the.result(
        amount="0.02",
        promoWinAmount="0.03",
        promoWinReference=the.id("p"),
        promoCampaignId="5103188801",
        promoCampaignType="T",
    )
    return win.but(**changes)


def _prize_of(win: Request, the: Trial) -> Request:
    """The same prize as a promo callback."""
    return the.promo(reference=win["promoWinReference"], amount=win["promoWinAmount"])

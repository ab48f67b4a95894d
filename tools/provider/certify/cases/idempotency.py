"""Idempotency: a reference is credited once, however often and in whatever words it is sent."""

from collections.abc import Iterator

from tools.provider.certify.catalogue import BONUS, JACKPOT, PROMO, REPLAYS, RESULT, Promises
from tools.provider.certify.requests import Raw, Request, Value
from tools.provider.certify.trial import Trial, Unmet
from tools.provider.sending import RETRANSMISSIONS

promise = Promises("idempotency")


@promise(RESULT)
async def a_result_sent_twice_is_credited_once(the: Trial) -> None:
    await _twice(the, the.result(amount="0.03"))

    await the.paid("0.03")


@promise(JACKPOT)
async def a_jackpot_sent_twice_is_credited_once(the: Trial) -> None:
    await _twice(the, the.jackpot(amount=Raw("0.03")))

    await the.paid("0.03")


@promise(BONUS)
async def a_free_round_total_sent_twice_is_credited_once(the: Trial) -> None:
    await _twice(the, the.total(amount=Raw("0.03"), bonusCode=the.id("b")))

    await the.paid("0.03", bonus="0.03")


@promise(PROMO)
async def a_promotion_sent_twice_is_credited_once(the: Trial) -> None:
    await _twice(the, the.promo(amount="0.03"))

    await the.paid("0.03")


@promise(RESULT)
async def ten_retransmissions_are_one_credit(the: Trial) -> None:
    win = the.result(amount="0.04")
    for _ in range(1 + RETRANSMISSIONS):
        await the.send(win)

    await the.paid("0.04")


@promise(REPLAYS)
async def a_replay_is_answered_as_a_success(the: Trial) -> None:
    for win in the.each_callback():
        await the.credited(win)
        await the.credited(win)


@promise(REPLAYS)
async def a_replay_has_the_first_transactionId(the: Trial) -> None:
    for win in the.each_callback():
        first, again = await the.credited(win), await the.credited(win)
        the.same(f"transactionId for {win.callback}", first.transaction_id, again.transaction_id)


@promise(REPLAYS)
async def a_replay_shows_the_balances_as_they_are_now(the: Trial) -> None:
    for win in the.each_callback(amount="0.01"):
        await the.credited(win)
        later = await the.credited(the.result(amount="0.02"))
        again = await the.credited(win)
        if later.balances is None or again.balances != later.balances:
            raise Unmet(f"{later.balances}, to a replay of {win.callback}", f"{again.balances}")


@promise(REPLAYS)
async def a_replay_may_have_another_uuid_and_timestamp(the: Trial) -> None:
    await _again_with(the, the.result(amount="0.02"), uuid=the.filler(), timestamp="1482429190999")


@promise(REPLAYS)
async def a_replay_may_have_another_session_token_and_platform(the: Trial) -> None:
    await _again_with(the, the.result(amount="0.02"), sessionId=the.id("s"), token=the.id("t"), platform="mobile")


@promise(REPLAYS)
async def a_replay_may_have_other_round_details(the: Trial) -> None:
    await _again_with(the, the.result(amount="0.02"), roundDetails=["spin", "freespin"])


@promise(REPLAYS)
async def a_replay_may_have_an_unknown_field(the: Trial) -> None:
    await _again_with(the, the.result(amount="0.02"), attempt=2)


@promise(REPLAYS)
async def a_replay_may_order_its_fields_otherwise(the: Trial) -> None:
    win = the.result(amount="0.02")
    await _once_in_two_ways(the, win, win.backwards())


@promise(REPLAYS)
async def a_replay_may_spell_its_fields_otherwise(the: Trial) -> None:
    win = the.result(amount="0.02")
    await _once_in_two_ways(the, win, win.spelled(userId="userid", roundId="ROUNDID", reference="Reference"))


@promise(REPLAYS)
async def a_replay_may_write_its_amount_with_more_zeros(the: Trial) -> None:
    await _again_with(the, the.result(amount="0.02"), amount="0.0200")


@promise(REPLAYS)
async def a_replay_may_write_its_amount_as_a_number(the: Trial) -> None:
    await _again_with(the, the.result(amount="0.02"), amount=Raw("0.02"))


@promise(REPLAYS)
async def a_replay_may_write_its_amount_with_an_exponent(the: Trial) -> None:
    for amount in ("2e-2", Raw("0.2E-1")):
        await _again_with(the, the.result(amount="0.02"), amount=amount)


@promise(REPLAYS)
async def a_replay_may_have_other_recorded_fields(the: Trial) -> None:
    await _again_with(the, the.result(amount="0.02"), timestamp="2016-12-22T17:53:10Z", gameName=5, roundDetails=[])
    await _again_with(the, the.result(amount="0.02"), providerId=7, uuid=True, sessionId={"id": 1})


@promise(REPLAYS)
async def a_replay_may_leave_out_its_bonus_code(the: Trial) -> None:
    for win, bonus in _with_bonus_codes(the):
        await _once_in_two_ways(the, win, win.without("bonusCode"), bonus)


@promise(REPLAYS)
async def a_replay_may_add_a_bonus_code(the: Trial) -> None:
    for win, bonus in _with_bonus_codes(the):
        await _once_in_two_ways(the, win.without("bonusCode"), win, bonus if win.callback == "bonus" else "0")


@promise(REPLAYS)
async def a_replay_may_leave_out_or_add_the_round_of_a_total(the: Trial) -> None:
    for win in (the.total(amount=Raw("0.02")), the.total(amount=Raw("0.02"), bonusCode=the.id("b"))):
        named = win.but(roundId=the.id("r"))
        await _once_in_two_ways(the, win, named, bonus="0.02")
        other = named.but(reference=the.id())
        await _once_in_two_ways(the, other, other.without("roundId"), bonus="0.02")


@promise(REPLAYS)
async def a_replay_may_leave_out_or_add_the_currency_of_a_jackpot_or_total(the: Trial) -> None:
    for win, bonus in ((the.jackpot(), "0"), (the.total(), "0.01")):
        named = win.but(currency=the.player.currency)
        await _once_in_two_ways(the, win, named, bonus)
        other = named.but(reference=the.id())
        await _once_in_two_ways(the, other, other.without("currency"), bonus)


@promise(REPLAYS)
async def a_replay_may_leave_out_or_add_the_campaign_of_a_result(the: Trial) -> None:
    win = the.result(amount="0.02")
    await _once_in_two_ways(the, win, win.but(promoCampaignId="7", promoCampaignType="T"))
    named = win.but(reference=the.id(), promoCampaignId="7", promoCampaignType="T")
    await _once_in_two_ways(the, named, named.without("promoCampaignId", "promoCampaignType"))


@promise(REPLAYS)
async def a_replay_may_write_its_currency_in_lower_case(the: Trial) -> None:
    await _again_with(the, the.result(amount="0.02"), currency=the.player.currency.lower())


@promise(REPLAYS)
async def one_reference_under_two_kinds_is_two_transactions(the: Trial) -> None:
    reference = the.id()
    for win in the.each_callback(reference=reference, amount="0.01"):
        await the.credited(win)

    await the.paid("0.04", bonus="0.01")


@promise(REPLAYS)
async def references_that_differ_by_case_are_two(the: Trial) -> None:
    reference = the.id("x")
    await the.credited(the.result(reference=reference, amount="0.02"))
    await the.credited(the.result(reference=reference.upper(), amount="0.02"))

    await the.paid("0.04")


@promise(REPLAYS)
async def references_are_told_apart_to_the_last_character(the: Trial) -> None:
    reference = the.id("a")
    for ending in ("", "/b", "%2Fb", "#b", ":b", "\\b", "b", "e", "é", "e\u0301"):
        await the.credited(the.result(reference=f"{reference}{ending}"))

    await the.paid("0.10")


@promise(REPLAYS)
async def references_that_differ_by_invisible_characters_are_two(the: Trial) -> None:
    reference = the.id("a")
    for ending in ("", " ", "  ", "\u00a0", "\u200d", "\ufeff", "\u00ad", "\u3000"):
        await the.credited(the.result(reference=f"{reference}{ending}"))
    await the.credited(the.result(reference=f" {reference}"))

    await the.paid("0.09")


@promise(REPLAYS)
async def references_that_look_alike_are_two(the: Trial) -> None:
    reference = the.id("a")
    for ending in ("Å", "\u212b", "A\u030a", "fi", "\ufb01", "1", "\uff11", "K", "\u212a"):
        await the.credited(the.result(reference=f"{reference}{ending}"))

    await the.paid("0.09")


async def _twice(the: Trial, win: Request) -> None:
    await the.credited(win)
    await the.send(win)  # what it is answered is a case of its own


async def _again_with(the: Trial, win: Request, **changes: Value) -> None:
    await _once_in_two_ways(the, win, win.but(**changes))


async def _once_in_two_ways(the: Trial, win: Request, again: Request, bonus: str = "0") -> None:
    before = await the.balances()
    first, second = await the.credited(win), await the.credited(again)

    the.same("transactionId", first.transaction_id, second.transaction_id)
    await the.paid_since(before, win["amount"], bonus)


def _with_bonus_codes(the: Trial) -> Iterator[tuple[Request, str]]:
    """Every kind of win, each with a separate code, and what goes to bonus."""
    for win in the.each_callback(amount="0.02"):
        yield win.but(bonusCode=the.id("b")), "0.02" if win.callback in ("result", "bonus") else "0"

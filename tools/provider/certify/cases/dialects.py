"""Dialects: the five pages are of five different months, and every one of their ways is understood."""

import re
from collections.abc import Callable

from tools.provider.certify.catalogue import AUTO_CLOSING, BONUS, CALLBACKS, FIELDS, JACKPOT, PROMO, RESULT, Promises
from tools.provider.certify.requests import Raw, Request, Value
from tools.provider.certify.trial import NotTried, Trial

promise = Promises("dialects")


@promise(RESULT)
async def the_example_of_the_Result_page_is_credited(the: Trial) -> None:
    win = the.result(amount="0.010", roundDetails="spin", sessionId="<sessionId>")
    await _as_published(the, win, _RESULT_EXAMPLE)


@promise(AUTO_CLOSING)
async def the_example_of_the_Auto_Closing_page_is_credited(the: Trial) -> None:
    await _as_published(the, the.auto_closing(amount=Raw("0.010")), _AUTO_CLOSING_EXAMPLE)


@promise(JACKPOT)
async def the_example_of_the_Jackpot_Win_page_is_credited(the: Trial) -> None:
    # Its hash covers its fields as they are spelled there.
    await _as_published(the, the.jackpot(amount=Raw("0.010")).spelled(roundId="roundid"), _JACKPOT_EXAMPLE)


@promise(BONUS)
async def the_example_of_the_Bonus_Win_page_is_credited(the: Trial) -> None:
    await _as_published(the, the.total(amount=Raw("0.010")), _BONUS_EXAMPLE)


@promise(PROMO)
async def the_example_of_the_Promo_Win_page_is_credited(the: Trial) -> None:
    await _as_published(the, the.promo(amount="0.010"), _PROMO_EXAMPLE)


@promise(BONUS)
async def userid_is_userId(the: Trial) -> None:
    await the.credited(the.total().spelled(userId="userid"))

    await the.paid("0.01", bonus="0.01")


@promise(JACKPOT)
async def roundid_is_roundId(the: Trial) -> None:
    await the.credited(the.jackpot().spelled(roundId="roundid"))

    await the.paid("0.01")


@promise(FIELDS)
async def field_names_may_be_in_lower_case(the: Trial) -> None:
    await _spelled(the, str.lower)


@promise(FIELDS)
async def field_names_may_be_in_upper_case(the: Trial) -> None:
    await _spelled(the, str.upper)


@promise(FIELDS)
async def two_spellings_of_a_field_are_fine_while_they_agree(the: Trial) -> None:
    win = the.result()
    await the.credited(win.but(userid=win["userId"], roundID=win["roundId"]))

    await the.paid("0.01")


@promise(FIELDS)
async def two_spellings_of_a_field_that_differ_are_refused_with_57(the: Trial) -> None:
    await the.refused(the.result(amount="0.01", Amount="0.02"), 57)
    await the.refused(the.result(roundid="another"), 57)

    await the.paid("0")


@promise(PROMO)
async def campaignId_is_promoCampaignId(the: Trial) -> None:
    await the.credited(the.promo().spelled(promoCampaignId="campaignId"))

    await the.paid("0.01")


@promise(FIELDS)
async def promoCampaignID_is_promoCampaignId(the: Trial) -> None:
    win = the.auto_closing(promoWinAmount="0.02", promoWinReference=the.id(), promoCampaignID="7")
    await the.credited(win)
    await the.refused(the.promo(reference=win["promoWinReference"], amount="0.02", promoCampaignId="8"), 61)

    await the.paid("0.03")


@promise(FIELDS)
async def campaignType_is_promoCampaignType(the: Trial) -> None:
    await the.credited(the.promo().spelled(promoCampaignType="campaignType"))

    await the.paid("0.01")


@promise(RESULT)
async def roundDetails_may_be_text(the: Trial) -> None:
    await the.credited(the.result(roundDetails="freespin"))

    await the.paid("0.01")


@promise(RESULT)
async def roundDetails_may_be_an_array(the: Trial) -> None:
    await the.credited(the.result(roundDetails=["spin", "minigame"]))

    await the.paid("0.01")


@promise(FIELDS)
async def roundDetails_may_be_an_object(the: Trial) -> None:
    await the.credited(the.result(roundDetails={"spins": [{"line": 1, "pays": Raw("0.5").text}]}))

    await the.paid("0.01")


@promise(FIELDS)
async def roundDetails_may_be_anything(the: Trial) -> None:
    await _recorded(the, "roundDetails", [], {}, Raw("1"), Raw("-2.5e3"), True, False, [None], "\u00a0")


@promise(FIELDS)
async def a_timestamp_may_be_a_number(the: Trial) -> None:
    await the.credited(the.result(timestamp=Raw("1482429190374")))

    await the.paid("0.01")


@promise(FIELDS)
async def a_timestamp_may_be_anything(the: Trial) -> None:
    await _recorded(
        the,
        "timestamp",
        *("2026-05-11T14:35:00Z", "yesterday", " ", "9" * 40, Raw("1482429190374.0"), Raw("1.4e12"), Raw("-1"), False),
        *([2026, 5, 11], {"$date": "2026-05-11"}),
    )


@promise(FIELDS)
async def gameName_providerId_and_uuid_may_be_anything(the: Trial) -> None:
    for name in ("gameName", "providerId", "uuid"):
        await _recorded(the, name, Raw("5"), Raw("0"), False, ["a"], {"id": 7}, "x" * 4_000, "a\u0000\n", "\u3000")


@promise(FIELDS)
async def optional_recorded_fields_may_be_anything(the: Trial) -> None:
    for name in ("sessionId", "platform", "token", "jackpotDetails", "promoCampaignType", "promoWinReference"):
        await _recorded(the, name, Raw("5"), Raw("-1.5"), True, ["a"], {"id": 7}, "x" * 200, "a\n", "\u3000")


@promise(FIELDS)
async def half_a_character_in_a_recorded_field_is_accepted(the: Trial) -> None:
    for name in ("gameName", "roundDetails", "sessionId"):
        await _recorded(the, name, Raw(r'"\ud83d"'), Raw(r'"a\udfffb"'), Raw(r'["\ud800"]'))


@promise(FIELDS)
async def the_type_of_a_campaign_may_have_any_characters(the: Trial) -> None:
    for kind in ("T\u00a0", "\u3000", "\U0001fae8", "T\n", Raw("7"), False, ["T"], "x" * 200):
        await the.credited(the.promo(promoCampaignType=kind))

    await the.paid("0.08")


@promise(FIELDS)
async def an_identifier_may_be_a_whole_number(the: Trial) -> None:
    for win in the.each_callback(amount="0.01"):
        for name in _identifiers_of(win):
            await the.credited(win.but(**{"reference": the.id(), name: Raw(the.whole())}))

    await the.paid("0.13", bonus="0.04")


@promise(FIELDS)
async def the_player_may_be_a_whole_number(the: Trial) -> None:
    if not re.fullmatch("0|[1-9][0-9]*", the.player.id):
        raise NotTried("the player's id is not a whole number")
    for win in the.each_callback(amount="0.01", userId=Raw(the.player.id)):
        await the.credited(win)

    await the.paid("0.04", bonus="0.01")


@promise(FIELDS)
async def a_whole_number_is_the_text_of_its_digits(the: Trial) -> None:
    """A retransmission in the other form is the same, field by field."""
    for win in the.each_callback(amount="0.01"):
        for name in _identifiers_of(win):
            digits = the.whole()
            as_text = win.but(**{"reference": the.id(), name: digits})
            first, again = await the.credited(as_text), await the.credited(as_text.but(**{name: Raw(digits)}))
            the.same(f"transactionId, with {name} as a number", first.transaction_id, again.transaction_id)
            await the.refused(as_text.but(**{name: Raw(the.whole())}), 61)

    await the.paid("0.13", bonus="0.04")


@promise(FIELDS)
async def a_reference_may_be_a_whole_number(the: Trial) -> None:
    for win in the.each_callback(amount="0.01"):
        digits = the.whole()
        first = await the.credited(win.but(reference=Raw(digits)))
        again = await the.credited(win.but(reference=digits))
        the.same("transactionId", first.transaction_id, again.transaction_id)

    await the.paid("0.04", bonus="0.01")


@promise(FIELDS)
async def whole_numbers_are_told_apart_to_the_last_digit(the: Trial) -> None:
    digits = the.whole()
    for last in range(10):
        await the.credited(the.result(reference=Raw(f"{digits}{last}")))
    await the.credited(the.result(reference=Raw(digits)))

    await the.paid("0.11")


@promise(FIELDS)
async def a_bonus_code_is_one_as_text_and_as_a_whole_number(the: Trial) -> None:
    code = the.whole()
    await the.credited(the.result(amount="0.02", bonusCode=Raw(code)))
    await the.credited(the.total(amount="0.05", bonusCode=code))

    await the.paid("0.05", bonus="0.05")


@promise(FIELDS)
async def the_reference_of_a_prize_may_be_a_whole_number(the: Trial) -> None:
    digits = the.whole()
    await the.credited(the.result(amount="0.02", promoWinAmount="0.03", promoWinReference=Raw(digits)))
    await the.credited(the.promo(amount="0.03", reference=digits))

    await the.paid("0.05")


@promise(FIELDS)
async def a_second_spelling_of_an_identifier_may_be_in_the_other_form(the: Trial) -> None:
    digits = the.whole()
    await the.credited(the.result(roundId=Raw(digits), roundid=digits))
    await the.refused(the.result(roundId=Raw(digits), roundid=f"{digits}0"), 57)

    await the.paid("0.01")


@promise(FIELDS)
async def an_identifier_may_have_any_characters_but_control_characters(the: Trial) -> None:
    odd = ("slot\u200d1", "\u00a0x", " x ", "\ufeff", "\u00ad", "\u2028x", "\u200b", "\ue000", "\u0378", "\U0001fae8")
    for name in ("gameId", "roundId", "bonusCode"):
        for value in odd:
            await the.credited(the.result(**{name: value}))

    await the.paid("0.30", bonus="0.10")


@promise(FIELDS)
async def bonus_codes_that_differ_by_a_space_are_two(the: Trial) -> None:
    code = the.id("b")
    await the.credited(the.result(amount="0.02", bonusCode=code))
    await the.credited(the.total(amount="0.02", bonusCode=f"{code} "))

    await the.paid("0.04", bonus="0.04")


@promise(FIELDS)
async def a_byte_order_mark_before_the_body_is_passed_over(the: Trial) -> None:
    for win in the.each_callback(amount="0.01"):
        await the.credited(win.saying(b"\xef\xbb\xbf" + the.signed(win).content))

    await the.paid("0.04", bonus="0.01")


@promise(FIELDS)
async def unknown_fields_are_accepted(the: Trial) -> None:
    await the.credited(the.result(currencyRate=Raw("1.0000"), lines=[1, 2], campaign={"name": "summer"}, vip=True))

    await the.paid("0.01")


@promise(FIELDS)
async def an_optional_field_may_be_null(the: Trial) -> None:
    await the.credited(the.result(bonusCode=None, platform=None, promoWinAmount=None, promoWinReference=None))

    await the.paid("0.01", bonus="0")


@promise(FIELDS)
async def an_optional_field_may_be_empty(the: Trial) -> None:
    await the.credited(the.result(bonusCode="", platform="", promoWinAmount="", promoWinReference=""))

    await the.paid("0.01", bonus="0")


@promise(FIELDS)
async def an_optional_field_may_be_an_empty_list_or_object(the: Trial) -> None:
    for nothing in ([], {}):
        empty = the.result(
            bonusCode=nothing, promoWinAmount=nothing, promoWinReference=nothing, promoCampaignId=nothing
        )
        await the.credited(empty)
        await the.credited(the.jackpot(bonusCode=nothing, currency=nothing))
        await the.credited(the.total(bonusCode=nothing, roundId=nothing, currency=nothing))

    await the.paid("0.06", bonus="0.02")


@promise(FIELDS)
async def a_currency_may_be_in_lower_case(the: Trial) -> None:
    answer = await the.credited(the.result(currency=the.player.currency.lower()))

    the.same("currency", the.player.currency, str(answer.fields.get("currency")))
    await the.paid("0.01")


@promise(PROMO)
async def a_providerId_may_be_capitalised(the: Trial) -> None:
    await the.credited(the.promo(providerId="Luckymonaco"))

    await the.paid("0.01")


@promise(FIELDS)
async def escapes_mean_the_characters_they_stand_for(the: Trial) -> None:
    win = the.result(gameName="Fortune's é")
    escaped = "".join(f"\\u{ord(character):04x}" for character in win["reference"])
    first = await the.credited(win)
    again = await the.credited(win.but(reference=Raw(f'"{escaped}"'), gameName=Raw(r'"Fortune\u0027s \u00e9"')))

    the.same("transactionId", first.transaction_id, again.transaction_id)
    await the.paid("0.01")


@promise(FIELDS)
async def space_between_the_fields_means_nothing(the: Trial) -> None:
    win = the.result()
    await the.credited(win.saying("\r\n\t " + win.text.replace(", ", " ,\n\t").replace('": ', '"\t:\r\n') + "\n"))

    await the.paid("0.01")


@promise(FIELDS)
async def a_name_may_be_in_any_script(the: Trial) -> None:
    await the.credited(the.result(gameName="幸运的摩纳哥 🎰 ß"))

    await the.paid("0.01")


@promise(FIELDS)
async def names_of_128_characters_are_accepted(the: Trial) -> None:
    win = the.result(roundId=the.id("r").ljust(128, "x"), reference=the.id().ljust(128, "x"))
    await the.credited(win)
    await the.credited(win.but(reference=win["reference"][:-1] + "y"))

    await the.paid("0.02")


@promise(JACKPOT)
async def a_jackpot_needs_no_currency(the: Trial) -> None:
    answer = await the.credited(the.jackpot())

    the.same("currency", the.player.currency, str(answer.fields.get("currency")))


@promise(FIELDS)
async def a_jackpot_may_name_the_currency_of_the_player(the: Trial) -> None:
    await the.credited(the.jackpot(currency=the.player.currency))

    await the.paid("0.01")


@promise(FIELDS)
async def jackpot_and_bonus_may_be_identified_by_a_uuid(the: Trial) -> None:
    if the.provider.secret.hash_secret:
        raise NotTried("a hash secret was given, so a hash is needed")
    for win in (the.jackpot(uuid=the.filler()), the.total(uuid=the.filler())):
        await the.credited(win.unsigned())

    await the.paid("0.02", bonus="0.01")


@promise(CALLBACKS)
async def a_result_may_come_by_both_its_paths(the: Trial) -> None:
    await the.credited(the.elsewhere("result", "/V4/Result", the.result()))
    await the.credited(the.elsewhere("result", "/v4/Result", the.result()))

    await the.paid("0.02")


@promise(CALLBACKS)
async def a_jackpot_may_come_by_both_its_paths(the: Trial) -> None:
    await the.credited(the.elsewhere("jackpot", "/V4/JackPotWin", the.jackpot()))
    await the.credited(the.elsewhere("jackpot", "/v4/JackPotWin", the.jackpot()))

    await the.paid("0.02")


@promise(CALLBACKS)
async def a_free_round_total_may_come_by_its_three_paths(the: Trial) -> None:
    for path in ("/bonuswin", "/V4/BonusWin", "/v4/BonusWin"):
        await the.credited(the.elsewhere("bonus", path, the.total()))

    await the.paid("0.03", bonus="0.03")


@promise(CALLBACKS)
async def a_promotion_may_come_by_both_its_paths(the: Trial) -> None:
    await the.credited(the.elsewhere("promo", "/V4/PromoWin", the.promo()))
    await the.credited(the.elsewhere("promo", "/v4/PromoWin", the.promo()))

    await the.paid("0.02")


async def _as_published(the: Trial, win: Request, example: str) -> None:
    """Sends a page's example, each `<name>` in it being this win's own; the commas that pages forgot are put in."""
    texts = {each.name: each.text for each in the.signed(win).fields}
    body = re.sub(r"<(\w+)>", lambda found: texts[found[1]], example)
    await the.credited(win.saying(body))

    await the.paid(win["amount"], bonus=win["amount"] if win.callback == "bonus" else "0")


async def _recorded(the: Trial, name: str, *values: Value) -> None:
    """A result is credited whatever it says there."""
    before = await the.balances()
    for value in values:
        await the.credited(the.result(**{name: value}))

    await the.paid_since(before, f"0.{len(values):02}")


def _identifiers_of(win: Request) -> tuple[str, ...]:
    """What decides about money, beside the player and the reference."""
    return {
        "jackpot": ("gameId", "roundId", "jackpotId", "bonusCode"),
        "bonus": ("gameId", "roundId", "bonusCode"),
        "promo": ("promoCampaignId", "bonusCode"),
    }.get(win.callback, ("gameId", "roundId", "bonusCode", "promoCampaignId"))


async def _spelled(the: Trial, spell: Callable[[str], str]) -> None:
    for win in the.each_callback(amount="0.01"):
        await the.credited(win.spelled(**{each.name: spell(each.name) for each in win.fields}))

    await the.paid("0.04", bonus="0.01")


# The page's own names, order and constants, with this run's values.
_RESULT_EXAMPLE = """{
    "providerId": "luckymonaco",
    "userId": <userId>,
    "sessionId": <sessionId>,
    "currency": <currency>,
    "amount": <amount>,
    "roundDetails": "spin",
    "roundId" : <roundId>,
    "reference": <reference>,
    "gameId": "Im_60_tumblefortune",
    "gameName" : "tumblefortune",
    "uuid": <uuid>,
    "timestamp": "1482429190374"
}"""
_AUTO_CLOSING_EXAMPLE = """{
    "providerId": "luckymonaco",
    "userId": <userId>,
    "currency": <currency>,
    "amount": <amount>,
    "roundDetails": "spin",
    "roundid" : <roundId>,
    "reference": <reference>,
    "gameId": "Im_60_tumblefortune",
    "gameName" : "tumblefortune",
    "uuid": <uuid>,
    "timestamp": "1482429190374"
}"""
_JACKPOT_EXAMPLE = """{
    "reference": <reference>,
    "gameId": "Im_60_tumblefortune",
    "amount": <amount>,
    "jackpotId": "568",
    "providerId": "luckymonaco",
    "userId": <userId>,
    "roundid" : <roundid>,
    "hash": <hash>,
    "timestamp": <timestamp>
}"""
_BONUS_EXAMPLE = """{
    "reference": <reference>,
    "gameId": "Im_60_tumblefortune",
    "amount": <amount>,
    "providerId": "luckymonaco",
    "userId": <userId>,
    "hash": <hash>,
    "timestamp": <timestamp>
}"""
_PROMO_EXAMPLE = """{
    "campaignId" : <promoCampaignId>,
    "reference": <reference>,
    "amount": <amount>,
    "providerId": "Luckymonaco",
    "userId": <userId>,
    "promoCampaignType" : "T",
    "currency": <currency>,
    "uuid": <uuid>,
    "timestamp": "1482429190374"
}"""

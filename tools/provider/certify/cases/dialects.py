"""Dialects: the five pages are of five different months, and every one of their ways is understood."""

import re
from collections.abc import Callable, Iterator, Sequence

from tools.provider.certify.catalogue import AUTO_CLOSING, BONUS, CALLBACKS, FIELDS, JACKPOT, PROMO, RESULT, Promises
from tools.provider.certify.forms import Again, Requests, Row, by_every_path, results
from tools.provider.certify.requests import Draft, Raw, Value
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


def _spelled(spell: Callable[[str], str]) -> Requests:
    return lambda the: (
        win.spelled(**{each.name: spell(each.name) for each in win.fields}) for win in the.each_callback(amount="0.01")
    )


def _in_two_spellings(the: Trial) -> Draft:
    win = the.result()
    return win.but(userid=win["userId"], roundID=win["roundId"])


def _recorded(name: str, fields: Sequence[str], *values: Value) -> Row:
    """A result is credited whatever it says there."""
    return Row(
        name,
        lambda the: (the.result(**{field: value}) for field in fields for value in values),
        cash=f"0.{len(fields) * len(values):02}",
    )


promise.rows(BONUS, Row("userid is userId", lambda the: the.total().spelled(userId="userid")))
promise.rows(JACKPOT, Row("roundid is roundId", lambda the: the.jackpot().spelled(roundId="roundid")))
promise.rows(
    FIELDS,
    Row("field names may be in lower case", _spelled(str.lower)),
    Row("field names may be in upper case", _spelled(str.upper)),
    Row("two spellings of a field are fine while they agree", _in_two_spellings),
    Row(
        "two spellings of a field that differ are refused with 57",
        lambda the: (the.result(amount="0.01", Amount="0.02"), the.result(roundid="another")),
        57,
    ),
)
promise.rows(
    PROMO,
    Row("campaignId is promoCampaignId", lambda the: the.promo().spelled(promoCampaignId="campaignId")),
)


promise.rows(
    FIELDS,
    Row(
        "promoCampaignID is promoCampaignId",
        lambda the: (
            win := the.auto_closing(promoWinAmount="0.02", promoWinReference=the.id(), promoCampaignID="7"),
            (the.promo(reference=win["promoWinReference"], amount="0.02", promoCampaignId="8"), 61),
        ),
        cash="0.03",
    ),
)


def _identifiers_of(win: Draft) -> tuple[str, ...]:
    """What decides about money, beside the player and the reference."""
    return {
        "jackpot": ("gameId", "roundId", "jackpotId", "bonusCode"),
        "bonus": ("gameId", "roundId", "bonusCode"),
        "promo": ("promoCampaignId", "bonusCode"),
    }.get(win.callback, ("gameId", "roundId", "bonusCode", "promoCampaignId"))


def _with_whole_numbers(the: Trial) -> Iterator[Draft]:
    for win in the.each_callback(amount="0.01"):
        for name in _identifiers_of(win):
            yield win.but(**{"reference": the.id(), name: Raw(the.whole())})


def _of_a_whole_number(the: Trial) -> Iterator[Draft]:
    if not re.fullmatch("0|[1-9][0-9]*", the.player.id):
        raise NotTried("the player's id is not a whole number")
    yield from the.each_callback(amount="0.01", userId=Raw(the.player.id))


promise.rows(
    FIELDS,
    Row("campaignType is promoCampaignType", lambda the: the.promo().spelled(promoCampaignType="campaignType")),
)
promise.rows(
    RESULT,
    Row("roundDetails may be text", results("roundDetails", "freespin")),
    Row("roundDetails may be an array", results("roundDetails", ["spin", "minigame"])),
)
promise.rows(
    FIELDS,
    Row("roundDetails may be an object", results("roundDetails", {"spins": [{"line": 1, "pays": Raw("0.5").text}]})),
    _recorded(
        "roundDetails may be anything",
        ["roundDetails"],
        *([], {}, Raw("1"), Raw("-2.5e3"), True, False, [None], "\u00a0"),
    ),
    Row("a timestamp may be a number", results("timestamp", Raw("1482429190374"))),
    _recorded(
        "a timestamp may be anything",
        ["timestamp"],
        *("2026-05-11T14:35:00Z", "yesterday", " ", "9" * 40, Raw("1482429190374.0"), Raw("1.4e12"), Raw("-1"), False),
        *([2026, 5, 11], {"$date": "2026-05-11"}),
    ),
    _recorded(
        "gameName providerId and uuid may be anything",
        ["gameName", "providerId", "uuid"],
        *(Raw("5"), Raw("0"), False, ["a"], {"id": 7}, "x" * 4_000, "a\u0000\n", "\u3000"),
    ),
    _recorded(
        "optional recorded fields may be anything",
        ["sessionId", "platform", "token", "jackpotDetails", "promoCampaignType", "promoWinReference"],
        *(Raw("5"), Raw("-1.5"), True, ["a"], {"id": 7}, "x" * 200, "a\n", "\u3000"),
    ),
    _recorded(
        "half a character in a recorded field is accepted",
        ["gameName", "roundDetails", "sessionId"],
        *(Raw(r'"\ud83d"'), Raw(r'"a\udfffb"'), Raw(r'["\ud800"]')),
    ),
    Row(
        "the type of a campaign may have any characters",
        lambda the: (
            the.promo(promoCampaignType=kind)
            for kind in ("T\u00a0", "\u3000", "\U0001fae8", "T\n", Raw("7"), False, ["T"], "x" * 200)
        ),
    ),
    Row("an identifier may be a whole number", _with_whole_numbers),
    Row("the player may be a whole number", _of_a_whole_number),
)


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


def _to_the_last_digit(the: Trial) -> Iterator[Draft]:
    digits = the.whole()
    for last in ("", *range(10)):
        yield the.result(reference=Raw(f"{digits}{last}"))


def _of_a_code_in_both_forms(the: Trial) -> Iterator[Draft]:
    code = the.whole()
    yield the.result(amount="0.02", bonusCode=Raw(code))
    yield the.total(amount="0.05", bonusCode=code)


def _with_a_prize_in_both_forms(the: Trial) -> Iterator[Draft]:
    digits = the.whole()
    yield the.result(amount="0.02", promoWinAmount="0.03", promoWinReference=Raw(digits))
    yield the.promo(amount="0.03", reference=digits)


promise.rows(
    FIELDS,
    Again(
        "a reference may be a whole number",
        lambda the: (win.but(reference=Raw(the.whole())) for win in the.each_callback(amount="0.01")),
        lambda the, win: win.but(reference=win["reference"]),
    ),
    Row("whole numbers are told apart to the last digit", _to_the_last_digit),
    Row("a bonus code is one as text and as a whole number", _of_a_code_in_both_forms, cash="0.05", bonus="0.05"),
    Row("the reference of a prize may be a whole number", _with_a_prize_in_both_forms),
    Row(
        "a second spelling of an identifier may be in the other form",
        lambda the: (
            the.result(roundId=Raw(digits := the.whole()), roundid=digits),
            (the.result(roundId=Raw(digits), roundid=f"{digits}0"), 57),
        ),
    ),
)


_ODD = ("slot\u200d1", "\u00a0x", " x ", "\ufeff", "\u00ad", "\u2028x", "\u200b", "\ue000", "\u0378", "\U0001fae8")


def _of_two_codes(the: Trial) -> Iterator[Draft]:
    code = the.id("b")
    yield the.result(amount="0.02", bonusCode=code)
    yield the.total(amount="0.02", bonusCode=f"{code} ")


def _empty(the: Trial) -> Iterator[Draft]:
    names = ("bonusCode", "promoWinAmount", "promoWinReference", "promoCampaignId")
    for nothing in ([], {}):
        yield the.result(**dict.fromkeys(names, nothing))
        yield the.jackpot(bonusCode=nothing, currency=nothing)
        yield the.total(bonusCode=nothing, roundId=nothing, currency=nothing)


promise.rows(
    FIELDS,
    Row(
        "an identifier may have any characters but control characters",
        lambda the: (the.result(**{name: value}) for name in ("gameId", "roundId", "bonusCode") for value in _ODD),
    ),
    Row("bonus codes that differ by a space are two", _of_two_codes),
    Row(
        "a byte order mark before the body is passed over",
        lambda the: (win.saying(b"\xef\xbb\xbf" + the.signed(win).content) for win in the.each_callback(amount="0.01")),
    ),
    Row(
        "unknown fields are accepted",
        lambda the: the.result(currencyRate=Raw("1.0000"), lines=[1, 2], campaign={"name": "summer"}, vip=True),
    ),
    Row(
        "an optional field may be null",
        lambda the: the.result(bonusCode=None, platform=None, promoWinAmount=None, promoWinReference=None),
    ),
    Row(
        "an optional field may be empty",
        lambda the: the.result(bonusCode="", platform="", promoWinAmount="", promoWinReference=""),
    ),
    Row("an optional field may be an empty list or object", _empty),
)


@promise(FIELDS)
async def a_currency_may_be_in_lower_case(the: Trial) -> None:
    answer = await the.credited(the.result(currency=the.player.currency.lower()))

    the.same("currency", the.player.currency, str(answer.fields.get("currency")))
    await the.paid("0.01")


def _escaped(win: Draft) -> Draft:
    reference = "".join(f"\\u{ord(character):04x}" for character in win["reference"])
    return win.but(reference=Raw(f'"{reference}"'), gameName=Raw(r'"Fortune\u0027s \u00e9"'))


def _with_space(the: Trial) -> Draft:
    win = the.result()
    return win.saying("\r\n\t " + win.text.replace(", ", " ,\n\t").replace('": ', '"\t:\r\n') + "\n")


def _of_128_characters(the: Trial) -> Iterator[Draft]:
    yield (win := the.result(roundId=the.id("r").ljust(128, "x"), reference=the.id().ljust(128, "x")))
    yield win.but(reference=win["reference"][:-1] + "y")


promise.rows(
    PROMO,
    Row("a providerId may be capitalised", lambda the: the.promo(providerId="Luckymonaco")),
)
promise.rows(
    FIELDS,
    Again(
        "escapes mean the characters they stand for",
        lambda the: the.result(gameName="Fortune's é"),
        lambda the, win: _escaped(win),
    ),
    Row("space between the fields means nothing", _with_space),
    Row("a name may be in any script", results("gameName", "幸运的摩纳哥 🎰 ß")),
    Row("names of 128 characters are accepted", _of_128_characters),
)


@promise(JACKPOT)
async def a_jackpot_needs_no_currency(the: Trial) -> None:
    answer = await the.credited(the.jackpot())

    the.same("currency", the.player.currency, str(answer.fields.get("currency")))


promise.rows(
    FIELDS,
    Row("a jackpot may name the currency of the player", lambda the: the.jackpot(currency=the.player.currency)),
    Row(
        "jackpot and bonus may be identified by a uuid",
        lambda the: (win.unsigned() for win in (the.jackpot(uuid=the.filler()), the.total(uuid=the.filler()))),
        needs=Trial.need_no_hash_secret,
    ),
)
promise.rows(
    CALLBACKS,
    Row("a result may come by all its paths", by_every_path("result", Trial.result)),
    Row("a jackpot may come by all its paths", by_every_path("jackpot", Trial.jackpot)),
    Row("a free round total may come by all its paths", by_every_path("bonus", Trial.total)),
    Row("a promotion may come by all its paths", by_every_path("promo", Trial.promo)),
)


async def _as_published(the: Trial, win: Draft, example: str) -> None:
    """Sends a page's example, each `<name>` in it being this win's own; the commas that pages forgot are put in."""
    texts = {each.name: each.text for each in the.signed(win).fields}
    body = re.sub(r"<(\w+)>", lambda found: texts[found[1]], example)
    await the.credited(win.saying(body))

    await the.paid(win["amount"], bonus=win["amount"] if win.callback == "bonus" else "0")


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

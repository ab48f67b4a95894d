"""Malformed: what is no callback is told so, and neither moves money nor breaks anything."""

from collections.abc import Mapping
from dataclasses import replace

from tools.provider.certify.catalogue import ANSWERS, FIELDS, Promises
from tools.provider.certify.requests import Raw, Request, Value
from tools.provider.certify.trial import NotTried, Trial, Unmet

promise = Promises("malformed")


@promise(ANSWERS)
async def what_is_not_JSON_is_refused_with_99(the: Trial) -> None:
    await _unreadable(the, "userId=421&amount=0.01", "<amount>0.01</amount>", "{'amount': 1}")


@promise(ANSWERS)
async def an_empty_body_is_refused_with_99(the: Trial) -> None:
    await _unreadable(the, "", " \n")


@promise(ANSWERS)
async def a_body_that_is_cut_off_is_refused_with_99(the: Trial) -> None:
    text = the.result().text
    await _unreadable(the, text[:-1], text[: len(text) // 2])


@promise(ANSWERS)
async def a_missing_comma_is_refused_with_99(the: Trial) -> None:
    await _unreadable(the, the.result().text.replace('", "timestamp"', '" "timestamp"'))


@promise(ANSWERS)
async def text_after_the_object_is_refused_with_99(the: Trial) -> None:
    text = the.result().text
    await _unreadable(the, f"{text} {text}", f"{text},", f"{text}]")


@promise(ANSWERS)
async def what_is_not_an_object_is_refused_with_99(the: Trial) -> None:
    await _unreadable(the, f"[{the.result().text}]", '"a win"', "0.01", "null", "true")


@promise(ANSWERS)
async def a_key_twice_is_refused_with_99(the: Trial) -> None:
    text = the.result().text
    await _unreadable(the, text[:-1] + ', "amount": "0.02"}', text[:-1] + ', "amount": "0.01"}')


@promise(ANSWERS)
async def bytes_that_are_no_text_are_refused_with_99(the: Trial) -> None:
    await _unreadable(the, the.result(gameName="?").text.encode().replace(b'"?"', b'"\xff\xfe"'), b"\x00\xff\xfe")


@promise(ANSWERS)
async def nesting_without_end_is_refused_with_99(the: Trial) -> None:
    await _unreadable(the, "[" * 20_000, '{"a":' * 5_000)


@promise(ANSWERS)
async def a_body_above_64_KiB_is_refused_with_99(the: Trial) -> None:
    await _unreadable(the, the.result(gameName="x" * 66_000).text)


@promise(FIELDS)
async def a_result_needs_each_of_its_fields(the: Trial) -> None:
    await _needs(the, the.result(), *_ALL, "uuid", "gameId", "gameName", "roundId", "currency", "roundDetails")


@promise(FIELDS)
async def an_auto_closing_needs_each_of_its_fields(the: Trial) -> None:
    await _needs(the, the.auto_closing(), *_ALL, "uuid", "gameId", "gameName", "roundId", "currency", "roundDetails")


@promise(FIELDS)
async def a_jackpot_needs_each_of_its_fields(the: Trial) -> None:
    await _needs(the, the.jackpot(), *_ALL, "gameId", "roundId", "jackpotId")


@promise(FIELDS)
async def a_free_round_total_needs_each_of_its_fields(the: Trial) -> None:
    await _needs(the, the.total(), *_ALL, "gameId")


@promise(FIELDS)
async def a_promotion_needs_each_of_its_fields(the: Trial) -> None:
    await _needs(the, the.promo(), *_ALL, "uuid", "promoCampaignId", "promoCampaignType", "currency")


@promise(FIELDS)
async def a_mandatory_field_that_is_null_or_empty_is_absent(the: Trial) -> None:
    for name in ("reference", "amount", "roundId", "currency", "timestamp", "gameName"):
        for nothing in (None, "", [], {}):
            await the.refused(the.result(**{name: nothing}), 64)
    for nothing in (None, ""):
        await the.refused(the.result(roundDetails=nothing), 64)

    await the.paid("0")


@promise(ANSWERS)
async def a_refusal_names_the_field_that_is_missing(the: Trial) -> None:
    for name in ("roundId", "gameName", "reference"):
        answer = await the.refused(the.result().without(name), 64)
        _names(answer.fields.get("description"), name)


@promise(ANSWERS)
async def a_refusal_names_the_field_that_is_malformed(the: Trial) -> None:
    answer = await the.refused(the.result(roundId=True), 57)

    _names(answer.fields.get("description"), "roundId")


@promise(ANSWERS)
async def a_refusal_has_error_and_description_alone(the: Trial) -> None:
    for request in (
        the.result(amount="x"),
        the.result(roundId=True),
        the.result().without("roundId"),
        the.result().saying("{"),
        the.result(userId=the.id("nobody")),
    ):
        answer = await the.send(request)
        if list(answer.fields) != ["error", "description"]:
            raise Unmet("error and description, and nothing else", str(answer))


@promise(ANSWERS)
async def a_refusal_repeats_no_value(the: Trial) -> None:
    marked = "zzqx7"
    faults: tuple[dict[str, Value], ...] = (
        {"amount": marked},
        {"currency": f"{marked}!"},
        {"roundId": f"{marked}\n"},
        {"userId": [marked]},
    )
    for changes in faults:
        answer = await the.send_once(the.result(**changes))
        if answer.is_success or marked in answer.text:
            raise Unmet("a refusal without the value that was sent", str(answer))


@promise(FIELDS)
async def an_identifier_that_is_neither_text_nor_a_whole_number_is_refused_with_57(the: Trial) -> None:
    for name in _IDENTIFIERS:
        for value in (Raw("-421"), Raw("421.0"), Raw("421e0"), Raw("-0"), ["421"], {"id": "421"}, True, False):
            await the.refused(the.result(**{name: value}), 57)

    await the.paid("0")


@promise(FIELDS)
async def an_identifier_of_129_characters_is_refused_with_57(the: Trial) -> None:
    for name in _IDENTIFIERS:
        await _malformed(the, {name: the.id().ljust(129, "x")}, {name: Raw("1" * 129)})


@promise(FIELDS)
async def an_identifier_with_control_characters_is_refused_with_57(the: Trial) -> None:
    own = {"reference": the.id(), "userId": the.player.id}
    for name in _IDENTIFIERS:
        text = own.get(name, "x")
        await _malformed(the, *({name: f"{text}{control}"} for control in ("\n", "\t", "\x00", "\x7f", "\x85", "\x9f")))


@promise(FIELDS)
async def an_identifier_with_half_a_character_is_refused_with_57(the: Trial) -> None:
    for name in _IDENTIFIERS:
        await _malformed(the, {name: Raw(r'"x\ud83d"')}, {name: Raw(r'"\udfff"')})


@promise(FIELDS)
async def an_identifier_of_white_space_is_refused_with_57(the: Trial) -> None:
    for name in _IDENTIFIERS:
        await _malformed(the, {name: "   "}, {name: "\u00a0"}, {name: " \u3000"})


@promise(FIELDS)
async def identifiers_of_the_other_callbacks_are_checked_as_well(the: Trial) -> None:
    for win, name in (
        *((the.jackpot(), name) for name in ("jackpotId", "roundId", "bonusCode")),
        *((the.total(), name) for name in ("gameId", "roundId", "bonusCode")),
        *((the.promo(), name) for name in ("promoCampaignId", "reference", "userId")),
    ):
        for value in (Raw("1.5"), "x\n", "\u3000"):
            await the.refused(win.but(**{name: value}), 57)

    await the.paid("0")


@promise(FIELDS)
async def a_jackpot_or_total_without_hash_and_uuid_is_refused_with_64(the: Trial) -> None:
    if the.provider.secret.hash_secret:
        raise NotTried("a hash secret was given, so a hash is needed")
    for win in (the.jackpot(), the.total()):
        for nothing in (None, "", [], {}):
            await the.refused(win.but(hash=nothing), 64)
            await the.refused(win.but(uuid=nothing).unsigned(), 64)

    await the.paid("0")


@promise(ANSWERS)
async def a_request_that_is_no_POST_is_refused_with_405(the: Trial) -> None:
    for method in ("GET", "PUT", "DELETE"):
        await the.refused(replace(the.result(), method=method), 405)

    await the.paid("0")


@promise(ANSWERS)
async def a_path_that_is_none_is_refused_with_404(the: Trial) -> None:
    path = the.provider.paths["result"]
    await the.refused(the.result().by(f"{path}s"), 404)

    await the.paid("0")


@promise(ANSWERS)
async def a_missing_field_is_told_before_a_faulty_amount(the: Trial) -> None:
    await the.refused(the.result(amount="x").without("roundId"), 64)


@promise(ANSWERS)
async def a_faulty_amount_is_told_before_a_faulty_identifier(the: Trial) -> None:
    await the.refused(the.result(amount="x", roundId=True), 59)


@promise(ANSWERS)
async def a_faulty_identifier_is_told_before_a_currency_that_is_not_the_wallets(the: Trial) -> None:
    await the.refused(the.result(roundId=True, currency="$$"), 57)


@promise(ANSWERS)
async def what_was_refused_is_credited_when_it_comes_corrected(the: Trial) -> None:
    win = the.result(amount="0.02")
    for faulty in (win.but(amount="0,02"), win.without("gameId"), win.but(roundId=True), win.saying(win.text[:-1])):
        await the.send_once(faulty)
    await the.credited(win)

    await the.paid("0.02")


_IDENTIFIERS = ("userId", "reference", "roundId", "gameId", "bonusCode", "promoCampaignId")  # of a result
_ALL = ("userId", "amount", "reference", "providerId", "timestamp")


async def _unreadable(the: Trial, *bodies: str | bytes) -> None:
    for body in bodies:
        await the.refused(the.result().saying(body), 99)

    await the.paid("0")


async def _needs(the: Trial, win: Request, *names: str) -> None:
    missed: list[str] = []
    for name in names:
        answer = await the.send_once(win.without(name))
        if (answer.status, answer.error) != (400, 64):
            missed.append(f"without {name}: {answer}")
    if missed:
        raise Unmet("HTTP 400 and error 64 without any one of them", "; ".join(missed))

    await the.paid("0")


async def _malformed(the: Trial, *changes: Mapping[str, Value]) -> None:
    for each in changes:
        await the.refused(the.result(**each), 57)

    await the.paid("0")


def _names(description: object, field: str) -> None:
    if field.lower() not in str(description).lower():
        raise Unmet(f"a description that names {field}", str(description))

"""Money: amounts are exact to the last digit, and what is no amount is refused."""

from tools.certify.catalogue import ANSWERS, FIELDS, Promises
from tools.certify.requests import Raw, Value
from tools.certify.trial import NotTried, Trial, Unmet

promise = Promises("money")


@promise(FIELDS)
async def an_amount_may_be_a_number(the: Trial) -> None:
    await the.credited(the.result(amount=Raw("0.05")))

    await the.paid("0.05")


@promise(FIELDS)
async def an_amount_may_be_text(the: Trial) -> None:
    await the.credited(the.result(amount="0.05"))

    await the.paid("0.05")


@promise(FIELDS)
async def an_amount_without_a_point_is_whole_money(the: Trial) -> None:
    await the.credited(the.result(amount=Raw("1")))

    await the.paid("1")


@promise(FIELDS)
async def trailing_zeros_change_no_amount(the: Trial) -> None:
    await the.credited(the.result(amount="0.050000000000000000"))

    await the.paid("0.05")


@promise(FIELDS)
async def a_tenth_and_two_tenths_are_three_tenths(the: Trial) -> None:
    await the.credited(the.result(amount=Raw("0.1")))
    await the.credited(the.result(amount=Raw("0.2")))

    await the.paid("0.3")


@promise(FIELDS)
async def ten_wins_of_a_hundredth_are_a_tenth(the: Trial) -> None:
    for _ in range(10):
        await the.credited(the.result(amount=Raw("0.01")))

    await the.paid("0.1")


@promise(FIELDS)
async def eighteen_places_of_text_are_credited_to_the_last(the: Trial) -> None:
    await _to_the_last_place(the, "0.123456789012345678", "0.876543210987654322")


@promise(FIELDS)
async def eighteen_places_of_a_number_are_credited_to_the_last(the: Trial) -> None:
    await _to_the_last_place(the, Raw("0.987654321098765431"), Raw("0.012345678901234569"))


@promise(FIELDS)
async def the_smallest_amount_is_credited(the: Trial) -> None:
    await _to_the_last_place(the, "0.000000000000000001", "0.999999999999999999")


@promise(FIELDS)
async def an_amount_of_32_digits_is_credited_to_the_last(the: Trial) -> None:
    if not the.large_amounts:
        raise NotTried("it credits twelve trillions: --large-amounts allows it")
    await the.credited(the.result(amount=Raw("12345678901234.123456789012345678")))

    await the.paid("12345678901234.123456789012345678")


@promise(ANSWERS)
async def an_answer_keeps_every_digit_of_a_balance(the: Trial) -> None:
    part, rest = "0.000000000000000003", "0.999999999999999997"
    shown = await the.credited(the.result(amount=Raw(part)))
    await the.shows(shown, part)
    await the.credited(the.result(amount=Raw(rest)))


@promise(ANSWERS)
async def balances_are_text_where_the_amount_was_text(the: Trial) -> None:
    await _notation(the, "0.01", quoted=True)


@promise(ANSWERS)
async def balances_are_numbers_where_the_amount_was_a_number(the: Trial) -> None:
    await _notation(the, Raw("0.01"), quoted=False)


@promise(ANSWERS)
async def a_replay_is_answered_in_its_own_notation(the: Trial) -> None:
    win = the.result(amount="0.01")
    await the.credited(win)
    answer = await the.credited(win.but(amount=Raw("0.01")))

    if answer.written("cash").startswith('"'):
        raise Unmet("balances as numbers", str(answer))


@promise(ANSWERS)
async def a_balance_is_written_without_an_exponent(the: Trial) -> None:
    for amount in ("0", Raw("0")):
        answer = await the.credited(the.result(amount=amount))
        for name in ("cash", "bonus"):
            if "e" in answer.written(name).lower():
                raise Unmet("plain digits", f'"{name}": {answer.written(name)}')


@promise(FIELDS)
async def a_negative_amount_is_refused_with_59(the: Trial) -> None:
    await _no_amount(the, "-0.01", Raw("-0.01"))


@promise(FIELDS)
async def an_amount_with_a_plus_sign_is_refused_with_59(the: Trial) -> None:
    await _no_amount(the, "+0.01")


@promise(FIELDS)
async def an_exponent_in_text_is_refused_with_59(the: Trial) -> None:
    await _no_amount(the, "1e-2", "1E-2")


@promise(FIELDS)
async def an_exponent_in_a_number_is_refused_with_59(the: Trial) -> None:
    await _no_amount(the, Raw("1e-2"), Raw("1E-2"))


@promise(FIELDS)
async def a_space_in_an_amount_is_refused_with_59(the: Trial) -> None:
    await _no_amount(the, " 0.01", "0.01 ", "0. 01")


@promise(FIELDS)
async def an_underscore_or_a_comma_in_an_amount_is_refused_with_59(the: Trial) -> None:
    await _no_amount(the, "0_0.01", "0,01", "0,000.01")


@promise(FIELDS)
async def NaN_is_refused_with_59(the: Trial) -> None:
    await _no_amount(the, "NaN", Raw("NaN"))


@promise(FIELDS)
async def infinity_is_refused_with_59(the: Trial) -> None:
    await _no_amount(the, "Infinity", Raw("Infinity"), "-Infinity")


@promise(FIELDS)
async def a_boolean_is_refused_with_59(the: Trial) -> None:
    await _no_amount(the, True, False)


@promise(FIELDS)
async def digits_of_another_script_are_refused_with_59(the: Trial) -> None:
    await _no_amount(the, "\u0660.\u0660\u0661", "0.0\uff11")  # Arabic-Indic, and full-width


@promise(FIELDS)
async def a_point_without_digits_is_refused_with_59(the: Trial) -> None:
    await _no_amount(the, ".01", "0.", ".")


@promise(FIELDS)
async def nineteen_places_are_refused_with_59_and_not_rounded(the: Trial) -> None:
    await _no_amount(the, "0.0100000000000000001", Raw("0.0100000000000000001"))


@promise(FIELDS)
async def thirty_three_digits_are_refused_with_59(the: Trial) -> None:
    await _no_amount(the, "123456789012345.123456789012345678", Raw("1" + "0" * 32))


@promise(FIELDS)
async def words_lists_and_objects_are_refused_with_59(the: Trial) -> None:
    await _no_amount(the, "one", ["0.01"], {"value": "0.01"}, "0x1", "1/100")


async def _to_the_last_place(the: Trial, part: Value, rest: Value) -> None:
    """Credits a fraction, and what makes it whole again: the wallet is left without its digits."""
    await the.credited(the.result(amount=part))
    await the.paid(_characters(part))
    await the.credited(the.result(amount=rest))
    await the.paid("1")


async def _notation(the: Trial, amount: Value, *, quoted: bool) -> None:
    for request in the.each_callback(amount=amount):
        answer = await the.credited(request)
        for name in ("cash", "bonus"):
            if answer.written(name).startswith('"') is not quoted:
                how = "text" if quoted else "a number"
                raise Unmet(f"{name} as {how} for {request.callback}", f'"{name}": {answer.written(name)}')


async def _no_amount(the: Trial, *amounts: Value) -> None:
    for amount in amounts:
        await the.refused(the.result(amount=amount), 59, http=400)

    await the.paid("0")


def _characters(amount: Value) -> str:
    return amount.text if isinstance(amount, Raw) else str(amount)

"""Money: amounts are exact to the last digit, and what is no amount is refused."""

from tools.provider.certify.catalogue import ANSWERS, FIELDS, Promises
from tools.provider.certify.requests import Raw, Value
from tools.provider.certify.trial import Trial, Unmet

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
async def trailing_zeros_do_not_count_as_digits(the: Trial) -> None:
    zeros = "0" * 40
    for amount in (f"0.01{zeros}", Raw(f"0.02{zeros}"), f"3{zeros}e-42", f"0.{zeros}"):
        await the.credited(the.result(amount=amount))

    await the.paid("0.06")


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
    the.need_large_amounts()
    await the.credited(the.result(amount=Raw("12345678901234.123456789012345678")))
    await the.paid("12345678901234.123456789012345678")
    await the.credited(the.result(amount="0.876543210987654322"))


@promise(FIELDS)
async def a_large_amount_may_have_an_exponent(the: Trial) -> None:
    the.need_large_amounts()
    for amount in (Raw("1.0E7"), "1.5e2", Raw("1e+16")):
        await the.credited(the.result(amount=amount))

    await the.paid("10000000010000150")


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
    for amount in ("0", Raw("0"), "0e5", Raw("1e-2")):
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
async def minus_zero_is_zero(the: Trial) -> None:
    for amount in ("-0", Raw("-0"), "-0.00", Raw("-0.0"), "-0e5", Raw("-0E-3")):
        await the.credited(the.result(amount=amount))

    await the.paid("0")


@promise(FIELDS)
async def zero_may_have_any_exponent(the: Trial) -> None:
    for amount in ("0e5", Raw("0e5"), "0.00E-30", Raw("0e-999999999"), "0e999999999"):
        await the.credited(the.result(amount=amount))

    await the.paid("0")


@promise(FIELDS)
async def an_exponent_moves_the_point(the: Trial) -> None:
    for amount in ("1e-2", Raw("2E-2"), Raw("0.3e-1"), "40e-3", "0.5E-1"):
        await the.credited(the.result(amount=amount))

    await the.paid("0.15")


@promise(FIELDS)
async def an_exponent_may_be_zero_or_above(the: Trial) -> None:
    for amount in ("0.01e0", Raw("0.002e1"), Raw("0.0003E+2"), "0.00004e+03"):
        await the.credited(the.result(amount=amount))

    await the.paid("0.10")


@promise(FIELDS)
async def exponents_as_programs_write_them_are_exact(the: Trial) -> None:
    await _to_the_last_place(the, Raw("1e-7"), "9.999999E-1")


@promise(FIELDS)
async def an_exponent_changes_no_digit(the: Trial) -> None:
    await _to_the_last_place(the, Raw("1.23456789012345678e-1"), Raw("8.76543210987654322E-1"))


@promise(FIELDS)
async def an_exponent_that_just_fits_is_credited(the: Trial) -> None:
    await _to_the_last_place(the, "1e-18", Raw("999999999999999999e-18"))
    await the.credited(the.result(amount="10e-19"))
    await the.credited(the.result(amount="9.99999999999999999e-1"))


@promise(FIELDS)
async def an_exponent_that_does_not_fit_is_refused_with_59(the: Trial) -> None:
    await _no_amount(the, "1e-19", Raw("1e-19"), Raw("12e-19"), "0.1e-18", "1e32", Raw("1E+32"), Raw("10e31"))


@promise(FIELDS)
async def an_exponent_that_is_far_too_large_is_refused_with_59(the: Trial) -> None:
    for exponent in ("e999999999", "E+999999999", "e-999999999", "e99999999999999999999", "e" + "9" * 9_000):
        await _no_amount(the, f"1{exponent}", Raw(f"1{exponent}"))


@promise(FIELDS)
async def a_negative_amount_with_an_exponent_is_refused_with_59(the: Trial) -> None:
    await _no_amount(the, "-1e-2", Raw("-1e-2"), Raw("-1E+2"))


@promise(FIELDS)
async def an_exponent_that_is_not_a_whole_number_is_refused_with_59(the: Trial) -> None:
    await _no_amount(the, "1e", "1e+", "1e0.5", "e-2", "1 e-2", "1e-2 ", "1e-\u0662", "1e--2", "1e1_0")


@promise(FIELDS)
async def digits_that_no_binary_number_holds_are_credited_to_the_last(the: Trial) -> None:
    await _to_the_last_place(the, Raw("0.30000000000000004"), Raw("0.69999999999999996"))


@promise(FIELDS)
async def leading_zeros_in_an_amount_are_refused_with_59(the: Trial) -> None:
    await _no_amount(the, "00.01", "007", "-00")


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
    long = "67.2000000000000028421709430404007434844970703125"  # a binary number, written in full
    await _no_amount(the, "0.0100000000000000001", Raw("0.0100000000000000001"), long, Raw(long))


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

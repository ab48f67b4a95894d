"""Money: amounts are exact to the last digit, and what is no amount is refused."""

from dataclasses import dataclass

from tools.provider.certify.catalogue import ANSWERS, FIELDS, Promises
from tools.provider.certify.forms import Requests, Row, results
from tools.provider.certify.requests import Raw, Value
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("money")


def _amounts(*amounts: Value) -> Requests:
    return results("amount", *amounts)


@dataclass(frozen=True, slots=True)
class _ToTheLastPlace:
    """A fraction is credited, and what makes it whole again: the wallet is left without its digits."""

    name: str
    part: Value
    rest: Value

    async def attempt(self, the: Trial) -> None:
        await the.credited(the.result(amount=self.part))
        await the.paid(self.part.text if isinstance(self.part, Raw) else str(self.part))
        await the.credited(the.result(amount=self.rest))
        await the.paid("1")


_ZEROS = "0" * 40

promise.rows(
    FIELDS,
    Row("an amount may be a number", _amounts(Raw("0.05"))),
    Row("an amount may be text", _amounts("0.05")),
    Row("an amount without a point is whole money", _amounts(Raw("1"))),
    Row("trailing zeros change no amount", _amounts("0.050000000000000000")),
    Row(
        "trailing zeros do not count as digits",
        _amounts(f"0.01{_ZEROS}", Raw(f"0.02{_ZEROS}"), f"3{_ZEROS}e-42", f"0.{_ZEROS}"),
    ),
    Row("a tenth and two tenths are three tenths", _amounts(Raw("0.1"), Raw("0.2"))),
    Row("ten wins of a hundredth are a tenth", _amounts(*[Raw("0.01")] * 10)),
    _ToTheLastPlace("eighteen places of text are credited to the last", "0.123456789012345678", "0.876543210987654322"),
    _ToTheLastPlace(
        "eighteen places of a number are credited to the last", Raw("0.987654321098765431"), Raw("0.012345678901234569")
    ),
    _ToTheLastPlace("the smallest amount is credited", "0.000000000000000001", "0.999999999999999999"),
)


@promise(FIELDS)
async def an_amount_of_32_digits_is_credited_to_the_last(the: Trial) -> None:
    the.need_large_amounts()
    await the.credited(the.result(amount=Raw("12345678901234.123456789012345678")))
    await the.paid("12345678901234.123456789012345678")
    await the.credited(the.result(amount="0.876543210987654322"))


promise.rows(
    FIELDS,
    Row(
        "a large amount may have an exponent",
        _amounts(Raw("1.0E7"), "1.5e2", Raw("1e+16")),
        needs=Trial.need_large_amounts,
    ),
)


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


_FAR_TOO_LARGE = ("e999999999", "E+999999999", "e-999999999", "e99999999999999999999", "e" + "9" * 9_000)
_LONG = "67.2000000000000028421709430404007434844970703125"  # a binary number, written in full

promise.rows(
    FIELDS,
    Row("a negative amount is refused with 59", _amounts("-0.01", Raw("-0.01")), 59),
    Row("an amount with a plus sign is refused with 59", _amounts("+0.01"), 59),
    Row("minus zero is zero", _amounts("-0", Raw("-0"), "-0.00", Raw("-0.0"), "-0e5", Raw("-0E-3"))),
    Row("zero may have any exponent", _amounts("0e5", Raw("0e5"), "0.00E-30", Raw("0e-999999999"), "0e999999999")),
    Row("an exponent moves the point", _amounts("1e-2", Raw("2E-2"), Raw("0.3e-1"), "40e-3", "0.5E-1")),
    Row("an exponent may be zero or above", _amounts("0.01e0", Raw("0.002e1"), Raw("0.0003E+2"), "0.00004e+03")),
    _ToTheLastPlace("exponents as programs write them are exact", Raw("1e-7"), "9.999999E-1"),
    _ToTheLastPlace("an exponent changes no digit", Raw("1.23456789012345678e-1"), Raw("8.76543210987654322E-1")),
)


@promise(FIELDS)
async def an_exponent_that_just_fits_is_credited(the: Trial) -> None:
    await _ToTheLastPlace("", "1e-18", Raw("999999999999999999e-18")).attempt(the)
    for amount in ("10e-19", "9.99999999999999999e-1"):
        await the.credited(the.result(amount=amount))


promise.rows(
    FIELDS,
    Row(
        "an exponent that does not fit is refused with 59",
        _amounts("1e-19", Raw("1e-19"), Raw("12e-19"), "0.1e-18", "1e32", Raw("1E+32"), Raw("10e31")),
        59,
    ),
    Row(
        "an exponent that is far too large is refused with 59",
        _amounts(*(amount for exponent in _FAR_TOO_LARGE for amount in (f"1{exponent}", Raw(f"1{exponent}")))),
        59,
    ),
    Row("a negative amount with an exponent is refused with 59", _amounts("-1e-2", Raw("-1e-2"), Raw("-1E+2")), 59),
    Row(
        "an exponent that is not a whole number is refused with 59",
        _amounts("1e", "1e+", "1e0.5", "e-2", "1 e-2", "1e-2 ", "1e-\u0662", "1e--2", "1e1_0"),
        59,
    ),
    _ToTheLastPlace(
        "digits that no binary number holds are credited to the last",
        Raw("0.30000000000000004"),
        Raw("0.69999999999999996"),
    ),
    Row("leading zeros in an amount are refused with 59", _amounts("00.01", "007", "-00"), 59),
    Row("a space in an amount is refused with 59", _amounts(" 0.01", "0.01 ", "0. 01"), 59),
    Row("an underscore or a comma in an amount is refused with 59", _amounts("0_0.01", "0,01", "0,000.01"), 59),
    Row("NaN is refused with 59", _amounts("NaN", Raw("NaN")), 59),
    Row("infinity is refused with 59", _amounts("Infinity", Raw("Infinity"), "-Infinity"), 59),
    Row("a boolean is refused with 59", _amounts(True, False), 59),
    # Arabic-Indic, and full-width.
    Row("digits of another script are refused with 59", _amounts("\u0660.\u0660\u0661", "0.0\uff11"), 59),
    Row("a point without digits is refused with 59", _amounts(".01", "0.", "."), 59),
    Row(
        "nineteen places are refused with 59 and not rounded",
        _amounts("0.0100000000000000001", Raw("0.0100000000000000001"), _LONG, Raw(_LONG)),
        59,
    ),
    Row(
        "thirty three digits are refused with 59",
        _amounts("123456789012345.123456789012345678", Raw("1" + "0" * 32)),
        59,
    ),
    Row(
        "words lists and objects are refused with 59", _amounts("one", ["0.01"], {"value": "0.01"}, "0x1", "1/100"), 59
    ),
)


async def _notation(the: Trial, amount: Value, *, quoted: bool) -> None:
    for request in the.each_callback(amount=amount):
        answer = await the.credited(request)
        for name in ("cash", "bonus"):
            if answer.written(name).startswith('"') is not quoted:
                how = "text" if quoted else "a number"
                raise Unmet(f"{name} as {how} for {request.callback}", f'"{name}": {answer.written(name)}')

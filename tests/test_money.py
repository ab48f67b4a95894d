"""Money is read, added and written to the last digit, whatever the thread's own decimal context says."""

import threading
from collections.abc import Callable
from decimal import ROUND_UP, Context, Decimal, FloatOperation, Inexact, Rounded, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contract import Contract
from fuzz.targets import is_an_amount_to_the_digit_or_none
from wallet import money

every_time_alike = settings(derandomize=True, deadline=None, max_examples=200)

# Rounds to three digits, and fails at the first rounding: nothing of it may reach the money.
HOSTILE = Context(prec=3, rounding=ROUND_UP, Emax=9, Emin=-9, traps=[Inexact, Rounded, FloatOperation])


@st.composite
def literals(draw: st.DrawFn) -> str:
    """An amount as the provider may write it: up to 32 digits, up to 18 after the point."""
    fraction = draw(st.text("0123456789", max_size=18))
    whole = draw(st.text("0123456789", min_size=1, max_size=32 - len(fraction))).lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole


def exact(literal: str) -> Fraction:
    """What a literal means, worked out without a decimal."""
    return Contract().amount(literal)


@every_time_alike
@given(literals())
@example("0")
@example("0.0")
@example("99999999999999999999999999999999")
@example("12345678901234.123456789012345678")
def test_an_amount_means_every_digit_that_was_written_and_is_written_alike(literal: str) -> None:
    is_an_amount_to_the_digit_or_none(literal)


@every_time_alike
@given(literals())
def test_equal_amounts_look_the_same_however_they_came_about(literal: str) -> None:
    padded = literal + ("0" if "." in literal else ".0")

    assert money.text(money.parse(padded)) == money.text(money.parse(literal))
    assert money.text(Decimal(padded)) == money.text(Decimal(literal))
    assert money.text(Decimal(literal).normalize(Context(prec=38))) == money.text(Decimal(literal))


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("100.50", "100.5"),
        ("100.5", "100.5"),
        ("100.00", "100"),
        ("100", "100"),
        ("1E+20", "100000000000000000000"),
        ("0E+3", "0"),
        ("0E-18", "0"),
        ("1E-18", "0.000000000000000001"),
        ("0.10", "0.1"),
        ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
    ],
)
def test_a_balance_has_one_form(amount: str, expected: str) -> None:
    assert money.text(Decimal(amount)) == expected


@every_time_alike
@given(literals(), literals())
def test_a_sum_is_exact_or_refused(left: str, right: str) -> None:
    sum_of_both = exact(left) + exact(right)

    try:
        added = money.add(money.parse(left), money.parse(right))
    except Inexact:
        assert significant_digits(sum_of_both) > 38, "a sum that fits was refused"
    else:
        assert Fraction(added) == sum_of_both, "a sum was rounded"


@every_time_alike
@given(literals(), literals())
def test_a_difference_is_exact_or_refused(left: str, right: str) -> None:
    difference = exact(left) - exact(right)

    try:
        left_over = money.subtract(money.parse(left), money.parse(right))
    except Inexact:
        assert significant_digits(difference) > 38, "a difference that fits was refused"
    else:
        assert Fraction(left_over) == difference, "a difference was rounded"


def significant_digits(number: Fraction) -> int:
    scaled = number * 10**18  # all that is added here has at most 18 digits after the point
    assert scaled.denominator == 1
    return len(str(abs(scaled.numerator)).rstrip("0"))


def test_a_balance_keeps_38_digits_and_refuses_a_39th() -> None:
    thirty_eight_digits = Decimal("99999999999999999999.999999999999999998")

    assert money.add(thirty_eight_digits, Decimal("1E-18")) == Decimal("99999999999999999999.999999999999999999")
    with pytest.raises(Inexact):
        money.add(Decimal(123456789012345678901), Decimal("1E-18"))
    with pytest.raises(Inexact):
        money.subtract(Decimal(123456789012345678901), Decimal("1E-18"))


@pytest.mark.parametrize(
    "literal",
    [
        "",
        ".",
        "+1",
        "--1",
        "007",
        "00",
        "-00",
        "00.5",
        "e5",
        "1e",
        "1e+",
        "1e1.5",
        "1e1e1",
        "1 e5",
        "NaN",
        "nan",
        "sNaN",
        "Infinity",
        "-Infinity",
        "inf",
        "1_000",
        "1,5",
        "1,000.00",
        "1'000",
        " 5",
        "5 ",
        "5\n",
        "\n5",
        "5\u00a0",
        "5 0",
        ".5",
        "5.",
        "1.2.3",
        "0x10",
        "True",
        "None",
        "$5",
        "5%",
        "\u0661\u0662\u0663",  # Arabic-Indic digits
        "\u096b",  # a Devanagari digit
        "\uff15",  # a full-width digit
        "1.\u0665",
        "\u00b2",  # superscript two
        "\u2168",  # Roman numeral nine
        "5\u0000",
    ],
)
def test_what_json_does_not_write_as_a_number_is_refused(literal: str) -> None:
    with pytest.raises(ValueError, match="not a number as JSON writes it"):
        money.parse(literal)


@pytest.mark.parametrize(
    ("literal", "amount"),
    [
        ("1e-7", "0.0000001"),
        ("1.0E7", "10000000"),
        ("1.5e2", "150"),
        ("1e+21", "1000000000000000000000"),
        ("0e5", "0"),
        ("0.0e-99999999999999999999", "0"),
        ("0e99999999999999999999", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("-0e-5", "0"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1e31", "1" + "0" * 31),
        ("9.9e31", "99" + "0" * 30),
        ("1e-18", "0." + "0" * 17 + "1"),
        ("1000e-20", "0." + "0" * 16 + "1"),
        ("12." + "0" * 40, "12"),
        ("0." + "0" * 60_000, "0"),
        ("1" + "0" * 60_000 + "e-60000", "1"),
        ("0." + "0" * 60_000 + "1e60001", "1"),
        ("1e-0000000000000000000000007", "0.0000001"),
    ],
)
def test_an_exponent_is_read_exactly_where_its_value_fits(literal: str, amount: str) -> None:
    parsed = money.parse(literal)

    assert (money.text(parsed), parsed.is_signed()) == (amount, False)


@pytest.mark.parametrize(
    "literal",
    [
        "-1",
        "-0.01",
        "-1e-18",
        "-1e9999999999",
        "1" * 33,
        "1" * 15 + "." + "1" * 18,
        "1." + "1" * 19,
        "0." + "0" * 18 + "1",
        "67.2000000000000028421709430404007434844970703125",
        "1e-19",
        "10e-20",
        "1e32",
        "0.1e33",
        "123456789012345.1e-18",
        "1e999999999",
        "1e-999999999",
        "1e" + "9" * 60_000,
        "1e-" + "9" * 60_000,
        "1" * 60_000,
    ],
)
def test_a_negative_value_or_more_digits_than_promised_are_refused_before_they_are_written_out(literal: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        money.parse(literal)


@every_time_alike
@given(st.from_regex(r"-?(0|[1-9][0-9]{0,34})(\.[0-9]{1,21})?([eE][+-]?[0-9]{1,2})?", fullmatch=True))
@example("1e31")
@example("99999999999999.999999999999999999e0")
def test_a_number_is_accepted_exactly_when_its_plain_notation_fits(literal: str) -> None:
    is_an_amount_to_the_digit_or_none(literal)


@every_time_alike
@given(st.text(max_size=40))
@example("1\u0660")
def test_any_text_is_refused_or_means_what_it_says(text: str) -> None:
    is_an_amount_to_the_digit_or_none(text)


def test_a_thread_with_a_hostile_decimal_context_loses_no_digit() -> None:
    with localcontext(HOSTILE):
        texts = everything_about_money()

    assert texts == everything_about_money()
    assert texts == [
        "12345678901234.123456789012345678",
        "12345678901235.123456789012345679",
        "12345678901233.123456789012345677",
    ]


def test_a_second_thread_loses_no_digit() -> None:
    # Python gives a new thread its default context of 28 digits, whatever was set at import.
    assert in_a_thread(everything_about_money) == everything_about_money()


def everything_about_money() -> list[str]:
    amount, one_and_a_bit = money.parse("12345678901234.123456789012345678"), money.parse("1.000000000000000001")
    return [
        money.text(each) for each in (amount, money.add(amount, one_and_a_bit), money.subtract(amount, one_and_a_bit))
    ]


def in_a_thread(work: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    (result,) = results
    return result

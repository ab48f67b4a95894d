"""The provider's JSON, compared with the contract's reading of it, and the answers to it."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic.alias_generators import to_snake

from fuzz.targets import is_kept_less_its_secrets, is_read_to_the_character_or_refused
from wallet import wire
from wallet.errors import Absent, InvalidAmount, Malformed, Unreadable
from wallet.ledger import Receipt
from wallet.wire import MAX_BODY_BYTES, Number, Request, SignedRequest, parse

every_time_alike = settings(derandomize=True, deadline=None, max_examples=200)


numbers = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(min_value=10**40, max_value=10**60),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.text(), numbers),
    lambda inside: st.one_of(st.lists(inside, max_size=4), st.dictionaries(st.text(), inside, max_size=4)),
    max_leaves=12,
)
layouts = st.sampled_from(
    [{}, {"separators": (",", ":")}, {"indent": 2}, {"indent": "\t"}, {"separators": (" ,\r\n ", "\t: ")}]
)


@every_time_alike
@given(st.dictionaries(st.text(), values, max_size=8), layouts, st.booleans(), st.sampled_from(["", " ", "\r\n\t "]))
def test_an_object_is_read_to_the_character(
    content: dict[str, Any], layout: dict[str, Any], is_ascii: bool, space: str
) -> None:
    is_read_to_the_character_or_refused(space + json.dumps(content, ensure_ascii=is_ascii, **layout) + space)


JSON_CHARACTERS = '{}[]",:\\ \t\n0123456789.eE+-truefalsn"NaIiyu/\u00e9\u0661\x00\ufeff'

broken_texts = st.one_of(
    st.text(max_size=30),
    st.text(JSON_CHARACTERS, max_size=30),
    st.text(JSON_CHARACTERS, max_size=12).map(lambda inside: "{" + inside + "}"),
    st.text(JSON_CHARACTERS, max_size=8).map(lambda inside: '{"a":' + inside + "}"),
    st.tuples(st.text(JSON_CHARACTERS, max_size=3), st.text(JSON_CHARACTERS, max_size=3)).map(
        lambda around: '{"a"' + around[0] + ':1,"b"' + ":[2]" + around[1] + "}"
    ),
)


@settings(every_time_alike, max_examples=1500)
@given(broken_texts)
@example('{"a":1,}')
@example('{,"a":1}')
@example('{"a" 1}')
@example('{"a":}')
@example('{"a":1 "b":2}')
@example('{"a":1}}')
@example('{"a":1} x')
@example("{'a':1}")
@example('{"a":01}')
@example('{"a":.5}')
@example('{"a":5.}')
@example('{"a":+5}')
@example('{"a":1_000}')
@example('{"a":"\t"}')
@example('{"a":1}\u00a0')
@example('\ufeff{"a":1}')
@example('{"a":1/**/}')
@example("{1:2}")
@example('{{"a":1}:2}')
@example("null")
@example('"{}"')
@example("[{}]")
@example("")
@example("{")
@example('{"a":[1,{"b":2,"b":3}]}')
@example('{"a":1,"\\u0061":2}')
@example('{"a":NaN}')
@example('{"a":-Infinity}')
@example('{"a":[NaN]}')
@example('{"Amount":-Infinity,"promoWinAmount":NaN}')
@example('{"amount":1,"a":NaN}')
@example('{"a":{"b":Infinity}}')
@example('{"a":"\ud800"}')
@example('{"\\ud800":"\\udc00"}')
def test_any_text_is_read_exactly_or_refused(text: str) -> None:
    is_read_to_the_character_or_refused(text)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_a_constant_that_is_no_json_is_an_amount_to_be_refused(constant: str) -> None:
    for name in ("amount", "AMOUNT", "promoWinAmount"):
        (amount,) = parse(f'{{"{name}": {constant}}}').parameters
        assert amount.value == Number(constant)
        assert amount.literal == constant

    with pytest.raises(InvalidAmount):
        parse(json.dumps(FIELDS).replace('"10.0"', constant)).read(Spin)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_a_constant_that_is_no_json_is_refused_in_any_other_field(constant: str) -> None:
    for value in (constant, f"[{constant}]", f'{{"a": {constant}}}'):
        with pytest.raises(Unreadable):
            parse(f'{{"amount": 1, "roundDetails": {value}}}')


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":1,"b":2,"a":3}',
        r'{"a":1,"\u0061":2}',
        '{"a":{"b":1,"b":1}}',
        '{"a":[{"b":1,"c":[{"d":1,"d":2}]}]}',
        '{"":1,"":2}',
    ],
)
def test_a_key_given_twice_is_refused_in_these_words(text: str) -> None:
    with pytest.raises(Unreadable, match="The body has a key twice"):
        parse(text)


def test_a_key_in_two_spellings_is_two_parameters() -> None:
    body = parse('{"roundId": 1, "roundid": 2, "ROUNDID": 3}')

    assert [parameter.raw for parameter in body.named("roundid")] == ["1", "2", "3"]


def test_values_keep_their_text_to_the_character() -> None:
    body = parse('{ "a" : 55.00 ,"b":[ 1,\t{"c" : 1e3} ]\n,"d":{ } , "e":"\\u0041\\/" ,"f":-0.0,"g":true }')

    assert [parameter.raw for parameter in body.parameters] == [
        "55.00", '[ 1,\t{"c" : 1e3} ]', "{ }", r'"\u0041\/"', "-0.0", "true",
    ]  # fmt: skip
    assert [parameter.literal for parameter in body.parameters] == [
        "55.00", '[ 1,\t{"c" : 1e3} ]', "{ }", "A/", "-0.0", "true",
    ]  # fmt: skip


# --- Size and depth ---------------------------------------------------------------------------------


@pytest.mark.parametrize("filler", ["x", "é", "\U0001f3b0"], ids=["1 byte", "2 bytes", "4 bytes"])
def test_64_kibibytes_are_read_and_one_byte_more_is_refused(filler: str) -> None:
    room = MAX_BODY_BYTES - len('{"a":""}')
    count, rest = divmod(room, len(filler.encode()))
    text = '{"a":"' + filler * count + "x" * rest + '"}'
    assert len(text.encode()) == 65536

    assert len(parse(text).parameters) == 1
    with pytest.raises(Unreadable, match="larger than 64 KiB"):
        parse(text + " ")
    with pytest.raises(Unreadable, match="larger than 64 KiB"):
        parse("x" * 65537)


def test_many_keys_are_read_in_a_moment() -> None:
    names = [f"k{number}" for number in range(5000)]

    assert [each.name for each in parse(json.dumps(dict.fromkeys(names, 1))).parameters] == names


@pytest.mark.parametrize("depth", [1, 50, 400])
def test_nesting_is_read(depth: int) -> None:
    text = '{"roundDetails":' + "[" * depth + "]" * depth + "}"

    (details,) = parse(text).parameters
    assert details.raw == "[" * depth + "]" * depth


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_nesting_without_end_is_refused_and_no_defect(opening: str) -> None:
    text = '{"roundDetails":' + opening * (60_000 // len(opening))

    with pytest.raises(Unreadable):
        parse(text)


def test_closed_nesting_without_end_is_refused_and_no_defect() -> None:
    with pytest.raises(Unreadable):
        parse('{"roundDetails":' + "[" * 32_000 + "]" * 32_000 + "}")


def test_a_number_of_any_length_is_no_defect() -> None:
    (amount,) = parse('{"amount":' + "9" * 60_000 + "}").parameters

    assert isinstance(amount.value, Number)
    assert len(amount.literal) == 60_000


# --- What may be kept -------------------------------------------------------------------------------


@every_time_alike
@given(
    st.dictionaries(st.text(), values, max_size=6),
    st.sampled_from(["hash", "Hash", "TOKEN", "token", "authToken", "other"]),
)
def test_the_record_is_the_body_less_its_secrets(content: dict[str, Any], name: str) -> None:
    is_kept_less_its_secrets(json.dumps({name: "hush-hush", **content}))


def test_the_record_keeps_every_literal() -> None:
    record = parse('{"hash":"x", "amount" : 55.00, "Token":{"a":1}, "é":[1.0,  2], "c":"\\u0041"}').without_secrets()

    assert record == '{"amount":55.00,"é":[1.0,  2],"c":"\\u0041"}'


def test_the_record_of_secrets_alone_is_empty() -> None:
    assert parse('{"hash":"x","token":null}').without_secrets() == "{}"
    assert parse("{}").without_secrets() == "{}"


def test_a_record_is_no_longer_than_the_body_and_is_read_again_as_it_was() -> None:
    names = [*(chr(0x10000 + number) for number in range(6000)), "é", "\x7f", "\\"]
    text = json.dumps(dict.fromkeys(names, 1), ensure_ascii=False, separators=(",", ":"))

    record = parse(text).without_secrets()

    assert record == text
    assert parse(record) == parse(text)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ('{"reference": "r-1"}', "r-1"),
        ('{"REFERENCE": "r-1", "amount": "x"}', "r-1"),
        ('{"reference": null, "Reference": "r-1"}', "r-1"),
        ('{"reference": 5}', "5"),
        ('{"reference": 5.0}', "5.0"),
        ('{"reference": ["r-1"]}', '["r-1"]'),
        ('{"reference": true}', "true"),
        ('{"reference": "' + "r" * 129 + '"}', "r" * 129),
        (r'{"reference": "r\n1"}', "r\n1"),
        (r'{"reference": "\ud800"}', r'"\ud800"'),
        ('{"reference": null}', None),
        ('{"reference": ""}', None),
        ("{}", None),
    ],
)
def test_a_reference_is_kept_in_the_characters_that_were_sent_whatever_its_form(
    text: str, reference: str | None
) -> None:
    assert parse(text).reference == reference


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"reference": "r-1"}', {"reference": "r-1"}),
        ('{"reference": 5}', {"reference": "5"}),
        ('{"reference": "r\u00a01"}', {"reference": "r\u00a01"}),
        ('{"reference": "' + "r" * 128 + '"}', {"reference": "r" * 128}),
        ('{"reference": "' + "r" * 129 + '"}', {}),
        (r'{"reference": "r\n1"}', {}),
        (r'{"reference": "\u001b[31m"}', {}),
        (r'{"reference": "\u0085"}', {}),
        (r'{"reference": "\ud800"}', {}),
        ('{"reference": "s3cret", "token": "s3cret"}', {}),
        ('{"reference": ["r-1"]}', {}),
        ('{"reference": {"token": "s3cret"}}', {}),
        ("{}", {}),
    ],
)
def test_what_is_short_and_has_no_control_character_is_fit_for_the_log(text: str, said: dict[str, str]) -> None:
    assert parse(text).plainly("reference") == said


def test_a_byte_order_mark_is_passed_over() -> None:
    text = json.dumps(FIELDS)

    assert parse("\ufeff" + text) == parse(text)
    with pytest.raises(Unreadable):
        parse("\ufeff\ufeff" + text)


# --- The request ------------------------------------------------------------------------------------


class Spin(Request):
    """A callback with a field of its own."""

    round_id: wire.Identifier


FIELDS = {
    "userId": "421",
    "amount": "10.0",
    "reference": "r-1",
    "providerId": "luckymonaco",
    "timestamp": "1482429190374",
    "roundId": "5",
}


def read(changes: Mapping[str, Any], model: type[Request] = Spin) -> Any:
    return parse(json.dumps({**FIELDS, **changes})).read(model)


def test_a_request_is_read_by_any_spelling_of_its_fields() -> None:
    shouted = {name.upper(): value for name, value in FIELDS.items()}

    assert parse(json.dumps(shouted)).read(Spin) == read({})


class NewCallback(Request):
    jackpot_id: wire.Identifier
    currency: wire.Currency
    campaign_id: wire.Identifier | None = None


def test_a_field_that_a_callback_declares_is_in_its_credit_and_no_other() -> None:
    sent = {"jackpotId": "mega", "currency": "USD", "campaignId": "spring", "gameId": "not declared"}

    credit = read(sent, NewCallback).credit("new")

    assert (credit.kind, credit.jackpot_id, credit.currency, credit.campaign_id) == ("new", "mega", "USD", "spring")
    assert (credit.game_id, credit.campaign_type) == (None, None)
    assert (credit.free_round, credit.auto_closed, credit.prize) == ("none", False, None)


def test_an_amount_comes_to_the_credit_with_every_digit_in_either_notation() -> None:
    text = json.dumps({**FIELDS, "amount": 0}).replace('"amount": 0', '"amount": 12345678901234567890.123456789')

    request = parse(text).read(Spin)

    assert request.credit("result").amount == Decimal("12345678901234567890.123456789")
    assert read({"amount": "12345678901234567890.123456789"}).amount == request.amount


@pytest.mark.parametrize("field", list(FIELDS))
@pytest.mark.parametrize("value", [None, "", [], {}], ids=repr)
def test_an_absent_field_is_named(field: str, value: object) -> None:
    with pytest.raises(Absent) as absent:
        read({field: value})

    assert str(absent.value) == f"Mandatory field is absent or empty: {field}"


@pytest.mark.parametrize("field", ["userId", "reference", "roundId", "bonusCode"])
@pytest.mark.parametrize(
    "value",
    [
        *(" ", "\u00a0", "\u3000 \u2009", "a\nb", "a\x00", "\x7f", "\x85", "\x9f", "\ud800", "a\udfff", "x" * 129),
        *(True, False, 5.0, 1e5, -1, ["a"], {"a": 1}),
    ],
    ids=ascii,
)
def test_an_identifier_that_is_malformed_is_named(field: str, value: object) -> None:
    with pytest.raises(Malformed) as malformed:
        read({field: value})

    assert str(malformed.value) == f"Field is malformed: {field}"


@pytest.mark.parametrize("field", ["userId", "reference", "roundId", "bonusCode"])
@pytest.mark.parametrize("number", ["0", "7", "1602530", "9" * 128])
def test_an_integer_names_the_same_as_its_digits(field: str, number: str) -> None:
    as_number = json.dumps({**FIELDS, field: 0}).replace(f'"{field}": 0', f'"{field}": {number}')

    assert parse(as_number).read(Spin) == read({field: number})


@pytest.mark.parametrize("number", ["-1", "-0", "1.0", "1e3", "9" * 129])
def test_any_other_number_names_nothing(number: str) -> None:
    with pytest.raises(Malformed):
        parse(json.dumps(FIELDS).replace('"roundId": "5"', f'"roundId": {number}')).read(Spin)


@pytest.mark.parametrize(
    "name",
    [
        "T\u00a0",
        "\u3000x",
        " x ",
        "slot\u200d1",
        "\u200b",
        "\U0001fae8",
        "\U0010ffff",
        "e\u0301",
        "\u00e9",
        "\u202e",
        "x" * 128,
    ],
    ids=ascii,
)
def test_an_identity_is_its_characters_and_nothing_else(name: str) -> None:
    assert read({"roundId": name}).round_id == name


@pytest.mark.parametrize("field", ["providerId", "timestamp", "platform", "token", "hash"])
@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("2026-05-11T14:35:00Z", "2026-05-11T14:35:00Z"),
        (" \n", " \n"),
        ("x" * 1000, "x" * 1000),
        (1482429190374.0, "1482429190374.0"),
        (7, "7"),
        (False, "false"),
        ([1], "[1]"),
        ({"a": None}, '{"a": null}'),
        ("half \ud800", r'"half \ud800"'),
    ],
    ids=ascii,
)
def test_a_field_that_is_only_recorded_may_be_any_value(field: str, value: object, kept: str) -> None:
    name = to_snake(field)

    assert getattr(read({field: value}), name) == kept


@pytest.mark.parametrize("details", [[], {}, [1], {"a": 1}, 0, False, " "], ids=repr)
def test_a_round_s_details_may_be_empty_but_not_missing(details: object) -> None:
    (parameter,) = parse(json.dumps({"RoundDetails": details})).named("rounddetails")

    assert not parameter.is_absent


@pytest.mark.parametrize("details", [None, ""], ids=repr)
def test_a_round_s_details_are_absent_if_they_are_null_or_no_text(details: object) -> None:
    (parameter,) = parse(json.dumps({"roundDetails": details})).named("rounddetails")

    assert parameter.is_absent


@pytest.mark.parametrize("amount", ["-1", "1e33", " ", " 5", "1_000", True, -1, 1e300, [5], {"a": 5}, "5,0"])
def test_an_amount_that_is_none_is_named(amount: object) -> None:
    with pytest.raises(InvalidAmount) as invalid:
        read({"amount": amount})

    assert str(invalid.value) == "Not a valid amount: amount"


def test_absence_is_answered_before_a_bad_amount_and_that_before_a_malformed_field() -> None:
    malformed = {"userId": 4.21}

    with pytest.raises(Absent):
        read(malformed | {"amount": "x", "roundId": None})
    with pytest.raises(InvalidAmount):
        read(malformed | {"amount": "x"})
    with pytest.raises(Malformed):
        read(malformed)


@pytest.mark.parametrize("fault", [{"reference": None}, {"amount": "x"}, {"userId": 4.21}], ids=str)
def test_two_spellings_that_disagree_are_answered_before_any_other_fault(fault: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as malformed:
        read({"ROUNDID": "6"} | fault)

    assert str(malformed.value) == "Field is malformed: roundId"


@pytest.mark.parametrize("again", [{"ROUNDID": "5"}, {"roundid": None}, {"RoundID": ""}, {"roundid": 5}])
def test_two_spellings_that_agree_are_one_field(again: dict[str, Any]) -> None:
    assert read(again).round_id == "5"


@pytest.mark.parametrize("again", ["10", 10, "10.00", 1e1, "1.0e1"])
def test_an_amount_spelled_twice_is_one_amount_if_it_is_worth_the_same(again: object) -> None:
    assert read({"Amount": again}).amount == 10


@pytest.mark.parametrize(
    ("again", "field"),
    [({"AMOUNT": "10.1"}, "amount"), ({"AMOUNT": "-10"}, "amount"), ({"providerid": "x"}, "providerId")],
    ids=str,
)
def test_any_field_that_is_spelled_twice_with_other_values_is_refused(again: dict[str, Any], field: str) -> None:
    with pytest.raises(Malformed) as malformed:
        read(again)

    assert str(malformed.value) == f"Field is malformed: {field}"


@pytest.mark.parametrize("again", [{"ROUNDID": "6"}, {"roundid": 5.0}, {"RoundID": True}, {"RoundID": "05"}])
def test_two_spellings_that_disagree_are_refused(again: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as malformed:
        read(again)

    assert str(malformed.value) == "Field is malformed: roundId"


@pytest.mark.parametrize("model", [Request, SignedRequest, Spin])
def test_a_request_s_json_schema_builds(model: type[Request]) -> None:
    schema = model.model_json_schema(by_alias=True)

    assert {"userId", "amount", "reference", "providerId", "timestamp"} <= set(schema["required"])
    assert schema["properties"]["amount"]["anyOf"][0]["pattern"]
    json.dumps(schema, allow_nan=False)


def test_a_request_s_repr_shows_no_secret() -> None:
    assert "hush-hush" not in repr(read({"hash": "hush-hush", "token": "hush-hush"}))


# --- The answer -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "cash"),
    [
        ('{"amount": "10.0"}', '"7.5"'),
        ('{"AMOUNT": "10.0"}', '"7.5"'),
        ('{"amount": 10.0}', "7.5"),
        ('{"amount": 10}', "7.5"),
        ('{"amount": "", "Amount": 10}', "7.5"),  # an empty one counts as absent
        ('{"amount": null, "Amount": "10"}', '"7.5"'),
    ],
)
def test_the_answer_speaks_the_request_s_notation(body: str, cash: str) -> None:
    assert f'"cash": {cash}, "bonus": {cash},' in wire.answer(receipt_of("7.50"), parse(body))


IN_TEXT, IN_NUMBERS = parse('{"amount": "10"}'), parse('{"amount": 10}')


@pytest.mark.parametrize(
    ("balance", "written"),
    [
        ("0", "0"),
        ("0E-18", "0"),
        ("0E+3", "0"),
        ("1E+20", "100000000000000000000"),
        ("1E-18", "0.000000000000000001"),
        ("99889.990", "99889.99"),
        ("100.00", "100"),
        ("-5.50", "-5.5"),
        ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
        ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
    ],
)
def test_a_balance_keeps_every_digit_in_either_notation(balance: str, written: str) -> None:
    receipt = receipt_of(balance)

    in_text, in_numbers = wire.answer(receipt, IN_TEXT), wire.answer(receipt, IN_NUMBERS)

    assert f'"cash": "{written}", "bonus": "{written}"' in in_text
    assert f'"cash": {written}, "bonus": {written},' in in_numbers
    for text in (in_text, in_numbers):
        assert list(json.loads(text)) == ["transactionId", "currency", "cash", "bonus", "error", "description"]
        assert json.loads(text)["error"] == 0
        assert json.loads(text)["description"] == "Success"


@every_time_alike
@given(st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=0, max_value=10**20))
def test_an_answer_is_read_as_the_balance_it_states(balance: Decimal) -> None:
    receipt = receipt_of(str(balance))

    as_number = json.loads(wire.answer(receipt, IN_NUMBERS), parse_float=Decimal, parse_int=Decimal)
    as_text = json.loads(wire.answer(receipt, IN_TEXT))

    assert as_number["cash"] == as_number["bonus"] == balance
    assert Decimal(as_text["cash"]) == Decimal(as_text["bonus"]) == balance


def receipt_of(balance: str) -> Receipt:
    return Receipt(
        transaction_id="d0ff46bd-04b1-5e2d-a003-611271f6b669",
        currency="USD",
        cash=Decimal(balance),
        bonus=Decimal(balance),
        replayed=False,
    )


def test_an_answer_reads_as_published_but_for_the_numbers() -> None:
    assert wire.answer(receipt_of("10.50"), IN_TEXT) == (
        '{"transactionId": "d0ff46bd-04b1-5e2d-a003-611271f6b669", "currency": "USD", '
        '"cash": "10.5", "bonus": "10.5", "error": 0, "description": "Success"}'
    )


def test_a_refusal_carries_its_code_and_description_and_nothing_else() -> None:
    described = {"error": 57, "description": 'Field is malformed: a "name"'}
    assert json.loads(wire.answer(Malformed('a "name"'), None)) == described

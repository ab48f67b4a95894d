"""Malformed: what is no callback is told so, and neither moves money nor breaks anything."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tools.provider.certify.catalogue import ANSWERS, FIELDS, Promises
from tools.provider.certify.forms import Needs, Requests, Row
from tools.provider.certify.requests import Draft, Raw, Value
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("malformed")

_IDENTIFIERS = ("userId", "reference", "roundId", "gameId", "bonusCode", "promoCampaignId")  # of a result
_ALL = ("userId", "amount", "reference", "providerId", "timestamp")
_OF_A_RESULT = (*_ALL, "uuid", "gameId", "gameName", "roundId", "currency", "roundDetails")


def _bodies(*bodies: str | bytes) -> Requests:
    return lambda the: (the.result().saying(body) for body in bodies)


def _written(write: Callable[[str], tuple[str, ...]]) -> Requests:
    """Results whose bodies are what is made of a right one."""
    return lambda the: (the.result().saying(body) for body in write(the.result().text))


def _not_text(the: Trial) -> Iterator[Draft]:
    yield the.result().saying(the.result(gameName="?").text.encode().replace(b'"?"', b'"\xff\xfe"'))
    yield the.result().saying(b"\x00\xff\xfe")


def _empty(the: Trial) -> Iterator[Draft]:
    for name in ("reference", "amount", "roundId", "currency", "timestamp", "gameName"):
        for nothing in (None, "", [], {}):
            yield the.result(**{name: nothing})
    for nothing in (None, ""):
        yield the.result(roundDetails=nothing)


def _marked_total(the: Trial) -> Draft:
    """With a uuid, by which the run is known in what has no reference: a total names no session or round."""
    return the.total(uuid=the.filler())


promise.rows(
    ANSWERS,
    Row(
        "what is not JSON is refused with 99",
        _bodies("userId=421&amount=0.01", "<amount>0.01</amount>", "{'amount': 1}"),
        99,
    ),
    Row("an empty body is refused with 99", _bodies("", " \n"), 99),
    Row("a body that is cut off is refused with 99", _written(lambda text: (text[:-1], text[: len(text) // 2])), 99),
    Row(
        "a missing comma is refused with 99",
        _written(lambda text: (text.replace('", "timestamp"', '" "timestamp"'),)),
        99,
    ),
    Row(
        "text after the object is refused with 99",
        _written(lambda text: (f"{text} {text}", f"{text},", f"{text}]")),
        99,
    ),
    Row(
        "what is not an object is refused with 99",
        _written(lambda text: (f"[{text}]", '"a win"', "0.01", "null", "true")),
        99,
    ),
    Row(
        "a key twice is refused with 99",
        _written(lambda text: (text[:-1] + ', "amount": "0.02"}', text[:-1] + ', "amount": "0.01"}')),
        99,
    ),
    Row("bytes that are no text are refused with 99", _not_text, 99),
    Row("nesting without end is refused with 99", _bodies("[" * 20_000, '{"a":' * 5_000), 99),
    Row(
        "a body above 64 KiB is refused with 99",
        lambda the: the.result().saying(the.result(gameName="x" * 66_000).text),
        99,
    ),
)
promise.rows(
    FIELDS,
    Needs("a result needs each of its fields", Trial.result, _OF_A_RESULT),
    Needs("an auto closing needs each of its fields", Trial.auto_closing, _OF_A_RESULT),
    Needs("a jackpot needs each of its fields", Trial.jackpot, (*_ALL, "gameId", "roundId", "jackpotId")),
    Needs("a free round total needs each of its fields", _marked_total, (*_ALL, "gameId")),
    Needs(
        "a promotion needs each of its fields",
        Trial.promo,
        (*_ALL, "uuid", "promoCampaignId", "promoCampaignType", "currency"),
    ),
    Row("a mandatory field that is null or empty is absent", _empty, 64),
)


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


def _identifiers(*values: Value) -> Requests:
    """Results with each of these values in each of the identifiers."""
    return lambda the: (the.result(**{name: value}) for name in _IDENTIFIERS for value in values)


def _too_long(the: Trial) -> Iterator[Draft]:
    for name in _IDENTIFIERS:
        yield the.result(**{name: the.id().ljust(129, "x")})
        yield the.result(**{name: Raw("1" * 129)})


def _with_control_characters(the: Trial) -> Iterator[Draft]:
    own = {"reference": the.id(), "userId": the.player.id}
    for name in _IDENTIFIERS:
        for control in ("\n", "\t", "\x00", "\x7f", "\x85", "\x9f"):
            yield the.result(**{name: f"{own.get(name, 'x')}{control}"})


def _of_the_other_callbacks(the: Trial) -> Iterator[Draft]:
    for win, names in (
        (the.jackpot(), ("jackpotId", "roundId", "bonusCode")),
        (the.total(), ("gameId", "roundId", "bonusCode")),
        (the.promo(), ("promoCampaignId", "reference", "userId")),
    ):
        for name in names:
            for value in (Raw("1.5"), "x\n", "\u3000"):
                yield win.but(**{name: value})


def _without_hash_and_uuid(the: Trial) -> Iterator[Draft]:
    for win in (the.jackpot(), the.total()):
        for nothing in (None, "", [], {}):
            yield win.but(hash=nothing)
            yield win.but(uuid=nothing).unsigned()


promise.rows(
    FIELDS,
    Row(
        "an identifier that is neither text nor a whole number is refused with 57",
        _identifiers(Raw("-421"), Raw("421.0"), Raw("421e0"), Raw("-0"), ["421"], {"id": "421"}, True, False),
        57,
    ),
    Row("an identifier of 129 characters is refused with 57", _too_long, 57),
    Row("an identifier with control characters is refused with 57", _with_control_characters, 57),
    Row(
        "an identifier with half a character is refused with 57", _identifiers(Raw(r'"x\ud83d"'), Raw(r'"\udfff"')), 57
    ),
    Row("an identifier of white space is refused with 57", _identifiers("   ", "\u00a0", " \u3000"), 57),
    Row("identifiers of the other callbacks are checked as well", _of_the_other_callbacks, 57),
    Row(
        "a jackpot or total without hash and uuid is refused with 64",
        _without_hash_and_uuid,
        64,
        needs=Trial.need_no_hash_secret,
    ),
)
promise.rows(
    ANSWERS,
    Row(
        "a request that is no POST is refused with 405",
        lambda the: (replace(the.result(), method=method) for method in ("GET", "PUT", "DELETE")),
        405,
    ),
    Row(
        "a path that is none is refused with 404", lambda the: the.result().by(f"{the.provider.paths['result']}s"), 404
    ),
    Row("a missing field is told before a faulty amount", lambda the: the.result(amount="x").without("roundId"), 64),
    Row("a faulty amount is told before a faulty identifier", lambda the: the.result(amount="x", roundId=True), 59),
    Row(
        "a faulty identifier is told before a currency that is not the wallets",
        lambda the: the.result(roundId=True, currency="$$"),
        57,
    ),
)


@promise(ANSWERS)
async def what_was_refused_is_credited_when_it_comes_corrected(the: Trial) -> None:
    win = the.result(amount="0.02")
    for faulty in (win.but(amount="0,02"), win.without("gameId"), win.but(roundId=True), win.saying(win.text[:-1])):
        await the.send_once(faulty)
    await the.credited(win)

    await the.paid("0.02")


def _names(description: object, field: str) -> None:
    if field.lower() not in str(description).lower():
        raise Unmet(f"a description that names {field}", str(description))

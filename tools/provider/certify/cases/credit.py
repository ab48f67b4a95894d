"""Credit: what a win does to a wallet, and what the provider is told."""

from collections.abc import Iterator

from tools.provider.certify.catalogue import ANSWERS, EFFECTS, FIELDS, REPLAYS, RESULT, Promises
from tools.provider.certify.forms import Again, Row, changed
from tools.provider.certify.requests import Raw, Request
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("credit")


def _two_spins(the: Trial) -> Iterator[Request]:
    yield (spin := the.result(amount="0.02"))
    yield spin.but(reference=the.id(), roundDetails="freespin")


promise.rows(
    RESULT,
    Row("a win is added to cash", lambda the: the.result(amount="0.07"), cash="0.07"),
    Row("the answer shows the cash after the win", lambda the: the.result(amount="0.06"), cash="0.06", is_shown=True),
)


@promise(RESULT)
async def the_answer_names_the_currency_of_the_player(the: Trial) -> None:
    answer = await the.credited(the.result())

    the.same("currency", the.player.currency, str(answer.fields.get("currency")))


@promise(RESULT)
async def two_wins_are_two_transactions(the: Trial) -> None:
    one, other = await the.credited(the.result()), await the.credited(the.result(amount="0.02"))

    if one.transaction_id == other.transaction_id:
        raise Unmet("two different transactionIds", f"{one.transaction_id} twice")
    await the.paid("0.03")


promise.rows(EFFECTS, Row("a win leaves bonus alone", lambda the: the.result(amount="0.05"), cash="0.05"))
promise.rows(
    FIELDS,
    Again("a lost round is recorded and moves nothing", lambda the: the.result(amount="0"), changed()),
)


promise.rows(REPLAYS, Row("two wins of one round are both paid", _two_spins, cash="0.04"))
promise.rows(
    EFFECTS,
    Row(
        "a win is owed whatever its session and token say",
        lambda the: the.result(amount="0.02", sessionId="ended long ago", token="nobody's"),  # noqa: S106
        cash="0.02",
    ),
)


@promise(ANSWERS)
async def an_answer_has_exactly_the_documented_keys(the: Trial) -> None:
    for request in the.each_callback():
        answer = await the.credited(request)
        if set(answer.fields) != set(_KEYS):
            raise Unmet(f"the keys {', '.join(_KEYS)} for {request.callback}", str(answer))


@promise(ANSWERS)
async def the_keys_of_an_answer_stand_in_their_order(the: Trial) -> None:
    for request in the.each_callback():
        answer = await the.credited(request)
        if [key for key in answer.fields if key in _KEYS] != [key for key in _KEYS if key in answer.fields]:
            raise Unmet(f"the order {', '.join(_KEYS)} for {request.callback}", ", ".join(answer.fields))


@promise(ANSWERS)
async def a_success_says_error_0_as_a_number(the: Trial) -> None:
    for request in the.each_callback():
        answer = await the.credited(request)
        if answer.written("error") != "0":
            raise Unmet('"error": 0', f'"error": {answer.written("error")}')


@promise(ANSWERS)
async def a_success_is_described_as_Success(the: Trial) -> None:
    answer = await the.credited(the.result())

    the.same("description", "Success", str(answer.fields.get("description")))


@promise(ANSWERS)
async def a_transactionId_is_text_of_at_most_36_characters(the: Trial) -> None:
    for request in the.each_callback():
        answer = await the.credited(request)
        found = answer.fields.get("transactionId")
        if not isinstance(found, str) or not 1 <= len(found) <= 36:
            raise Unmet(
                f"text of 1 to 36 characters for {request.callback}",
                f'"transactionId": {answer.written("transactionId")}',
            )


@promise(ANSWERS)
async def an_answer_is_JSON_and_says_so(the: Trial) -> None:
    answer = await the.credited(the.result())

    content_type = dict(answer.headers).get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Unmet("Content-Type: application/json", content_type or "none")


def _odd_currencies(the: Trial) -> Iterator[Request]:
    own, odd = the.player.currency, f"{the.another_currency}-TRC20"
    wide = own.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})  # looks like it, in full width
    for currency in (odd, "$$$", "X", f"{own} ", f"{own}{own}", wide, "\u3000", "x" * 200, Raw("840")):
        yield the.result(currency=currency)
    for win in (the.jackpot(), the.total(), the.promo()):
        yield win.but(currency=odd)


promise.rows(
    ANSWERS,
    Row("a win of an unknown player is refused with 62", lambda the: the.result(userId=the.id("nobody")), 62),
    Row("a win in another currency is refused with 52", lambda the: the.result(currency=the.another_currency), 52),
    Row("a currency of any form that is not the wallets is refused with 52", _odd_currencies, 52),
    Row("a prize in another currency is refused with 52", lambda the: the.promo(currency=the.another_currency), 52),
)


_KEYS = ("transactionId", "currency", "cash", "bonus", "error", "description")

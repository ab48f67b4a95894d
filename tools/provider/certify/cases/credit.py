"""Credit: what a win does to a wallet, and what the provider is told."""

from collections.abc import Iterator

from tools.provider.answers import Answer
from tools.provider.certify.catalogue import ANSWERS, EFFECTS, FIELDS, REPLAYS, RESULT, Promises
from tools.provider.certify.forms import Again, Row, Says, changed
from tools.provider.certify.requests import Draft, Raw
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("credit")


def _two_spins(the: Trial) -> Iterator[Draft]:
    yield (spin := the.result(amount="0.02"))
    yield spin.but(reference=the.id(), roundDetails="freespin")


promise.rows(
    RESULT,
    Row("a win is added to cash", lambda the: the.result(amount="0.07")),
    Row("the answer shows the cash after the win", lambda the: the.result(amount="0.06"), is_shown=True),
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


promise.rows(EFFECTS, Row("a win leaves bonus alone", lambda the: the.result(amount="0.05")))
promise.rows(
    FIELDS,
    Again("a lost round is recorded and moves nothing", lambda the: the.result(amount="0"), changed()),
)


promise.rows(REPLAYS, Row("two wins of one round are both paid", _two_spins))
promise.rows(
    EFFECTS,
    Row(
        "a win is owed whatever its session and token say",
        lambda the: the.result(amount="0.02", sessionId="ended long ago", token="nobody's"),  # noqa: S106
    ),
)


_KEYS = ("transactionId", "currency", "cash", "bonus", "error", "description")


def _other_keys(answer: Answer) -> str | None:
    return str(answer) if set(answer.fields) != set(_KEYS) else None


def _another_order(answer: Answer) -> str | None:
    found = [key for key in answer.fields if key in _KEYS]
    return ", ".join(answer.fields) if found != [key for key in _KEYS if key in answer.fields] else None


def _another_error(answer: Answer) -> str | None:
    return None if answer.written("error") == "0" else f'"error": {answer.written("error")}'


def _another_description(answer: Answer) -> str | None:
    description = answer.fields.get("description")
    return None if description == "Success" else str(description) or "(none)"


def _another_id(answer: Answer) -> str | None:
    found = answer.fields.get("transactionId")
    is_right = isinstance(found, str) and 1 <= len(found) <= 36
    return None if is_right else f'"transactionId": {answer.written("transactionId")}'


def _another_type(answer: Answer) -> str | None:
    content_type = dict(answer.headers).get("content-type", "")
    return None if content_type.partition(";")[0].strip().lower() == "application/json" else content_type or "none"


promise.rows(
    ANSWERS,
    Says("an answer has exactly the documented keys", f"the keys {', '.join(_KEYS)}", _other_keys),
    Says("the keys of an answer stand in their order", f"the order {', '.join(_KEYS)}", _another_order),
    Says("a success says error 0 as a number", '"error": 0', _another_error),
    Says("a success is described as Success", "the description Success", _another_description, Trial.result),
    Says("a transactionId is text of at most 36 characters", "text of 1 to 36 characters", _another_id),
    Says("an answer is JSON and says so", "Content-Type: application/json", _another_type, Trial.result),
)


def _odd_currencies(the: Trial) -> Iterator[Draft]:
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

"""Jackpots: told apart from their round's own result, and paid in the player's own currency."""

from collections.abc import Iterator

from tools.provider.certify.catalogue import ANSWERS, EFFECTS, FIELDS, JACKPOT, REPLAYS, Promises
from tools.provider.certify.forms import Row
from tools.provider.certify.requests import Draft, Raw
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("jackpots")


def _jackpot(the: Trial) -> Draft:
    return the.jackpot(amount=Raw("0.05"))


def _after_its_round(the: Trial) -> Iterator[Draft]:
    yield (spin := the.result(amount="0.02"))
    yield _jackpot(the).but(roundId=spin["roundId"])


def _before_its_round(the: Trial) -> Iterator[Draft]:
    yield (jackpot := _jackpot(the))
    yield the.result(amount="0.02", roundId=jackpot["roundId"])


def _two_of_one_round(the: Trial) -> Iterator[Draft]:
    yield (grand := the.jackpot(amount=Raw("0.03")))
    yield grand.but(reference=the.id(), jackpotId="569")


promise.rows(JACKPOT, Row("a jackpot is added to cash", _jackpot, is_shown=True))
promise.rows(
    EFFECTS,
    Row("a jackpot leaves bonus alone", _jackpot),
    Row("a jackpot with a bonus code goes to cash alone", lambda the: _jackpot(the).but(bonusCode=the.id("b"))),
)
promise.rows(JACKPOT, Row("a jackpot is paid beside the result of its round", _after_its_round))
promise.rows(REPLAYS, Row("two jackpots of one round are both paid", _two_of_one_round))
promise.rows(JACKPOT, Row("a jackpot before the result of its round is paid", _before_its_round))


@promise(JACKPOT)
async def a_jackpot_is_told_its_transactionId(the: Trial) -> None:
    answer = await the.credited(the.jackpot())

    if not answer.transaction_id:
        raise Unmet("a transactionId", str(answer))


promise.rows(
    FIELDS,
    Row(
        "a jackpot may carry details",
        lambda the: the.jackpot(jackpotDetails={"name": "grand", "level": 3}, platform="desktop"),
    ),
)
promise.rows(
    ANSWERS,
    Row("a jackpot in another currency is refused with 52", lambda the: the.jackpot(currency=the.another_currency), 52),
    Row("a jackpot of an unknown player is refused with 62", lambda the: the.jackpot(userId=the.id("nobody")), 62),
)

"""Auto closing: a result without a session, for a round that the player left open."""

from dataclasses import replace

from tools.provider.certify.catalogue import AUTO_CLOSING, CALLBACKS, EFFECTS, FIELDS, REPLAYS, Promises
from tools.provider.certify.forms import Again, Row
from tools.provider.certify.requests import Draft, Raw
from tools.provider.certify.trial import Trial

promise = Promises("auto closing")


def _result(the: Trial) -> Draft:
    return the.result(amount="0.04")


def _closing_of(result: Draft) -> Draft:
    """The same round closed automatically: no session, and the amount as the page writes it."""
    closed = replace(result, callback="auto closing").without("sessionId")
    return closed.but(amount=Raw(result["amount"]))


promise.rows(
    AUTO_CLOSING,
    Row(
        "a round that is closed automatically is credited",
        lambda the: the.auto_closing(amount=Raw("0.04")),
        is_shown=True,
    ),
)


@promise(AUTO_CLOSING)
async def an_auto_closing_sent_twice_is_credited_once(the: Trial) -> None:
    closing = the.auto_closing(amount=Raw("0.04"))
    await the.credited(closing)
    await the.send(closing)

    await the.paid("0.04")


@promise(AUTO_CLOSING)
async def a_round_whose_result_arrived_is_not_paid_again_when_it_is_closed(the: Trial) -> None:
    result = the.result(amount="0.04")
    await the.credited(result)
    await the.send(_closing_of(result))

    await the.paid("0.04")


promise.rows(
    CALLBACKS,
    Again("an auto closing after its result is a replay", _result, lambda the, result: _closing_of(result)),
)


@promise(CALLBACKS)
async def a_result_after_its_auto_closing_is_a_replay(the: Trial) -> None:
    result = the.result(amount="0.04")
    closed, late = await the.credited(_closing_of(result)), await the.credited(result)

    the.same("transactionId", closed.transaction_id, late.transaction_id)
    await the.paid("0.04")


promise.rows(
    REPLAYS,
    Again(
        "an auto closing with another amount is refused with 61",
        _result,
        lambda the, result: _closing_of(result).but(amount=Raw("0.05")),
        61,
    ),
)
promise.rows(
    FIELDS,
    Row(
        "an empty session is no reason to refuse",
        lambda the: (the.auto_closing(sessionId=nothing) for nothing in ("", None)),
    ),
    Row("a lost round may be closed automatically", lambda the: the.auto_closing(amount=Raw("0.0"))),
)
promise.rows(
    AUTO_CLOSING,
    Row(
        "an auto closing pays its prize as well",
        lambda the: the.auto_closing(
            amount=Raw("0.02"),
            promoWinAmount="0.03",
            promoWinReference=the.id("p"),
            promoCampaignID="5103188801",
            promoCampaignType="T",
        ),
        cash="0.05",
    ),
)


@promise(EFFECTS)
async def a_free_round_may_be_closed_automatically(the: Trial) -> None:
    code = the.id("b")
    await the.credited(the.auto_closing(amount=Raw("0.02"), bonusCode=code))
    await the.credited(the.total(amount=Raw("0.05"), bonusCode=code))

    await the.paid("0.05", bonus="0.05")


@promise(REPLAYS)
async def the_closing_of_a_free_round_may_leave_its_bonus_code_out(the: Trial) -> None:
    code = the.id("b")
    win = the.result(amount="0.02", bonusCode=code)
    first, closed = await the.credited(win), await the.credited(_closing_of(win).without("bonusCode"))
    the.same("transactionId", first.transaction_id, closed.transaction_id)
    await the.credited(the.total(amount=Raw("0.05"), bonusCode=code))

    await the.paid("0.05", bonus="0.05")


@promise(REPLAYS)
async def the_result_of_a_free_round_that_was_closed_without_its_bonus_code_is_a_replay(the: Trial) -> None:
    win = the.result(amount="0.02", bonusCode=the.id("b"))
    closed, late = await the.credited(_closing_of(win).without("bonusCode")), await the.credited(win)

    the.same("transactionId", closed.transaction_id, late.transaction_id)
    await the.paid("0.02", bonus="0")

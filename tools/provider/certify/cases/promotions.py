"""Promotions: a prize comes alone or inside a result, and is paid once by either way."""

from collections.abc import Callable, Iterator

from tools.provider.certify.catalogue import AUTO_CLOSING, EFFECTS, PROMO, REPLAYS, RESULT, Promises
from tools.provider.certify.forms import Again, Requests, Row, Step, Steps, changed
from tools.provider.certify.requests import Draft, Raw, Value
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("promotions")

_PRIZE = ("promoWinAmount", "promoWinReference")
_CAMPAIGN = ("promoCampaignId", "promoCampaignType")


def _with_prize(the: Trial, **changes: Value) -> Draft:
    """A result of 0.02 with a prize of 0.03."""
    win = the.result(
        amount="0.02",
        promoWinAmount="0.03",
        promoWinReference=the.id("p"),
        promoCampaignId="5103188801",
        promoCampaignType="T",
    )
    return win.but(**changes)


def _prize_of(win: Draft, the: Trial) -> Draft:
    """The same prize as a promo callback."""
    return the.promo(reference=win["promoWinReference"], amount=win["promoWinAmount"])


def _deliveries(deliver: Callable[[Draft, Trial], tuple[Step, ...]]) -> Steps:
    """What is sent of a result with a prize."""
    return lambda the: deliver(_with_prize(the), the)


promise.rows(PROMO, Row("a promotion is added to cash", lambda the: the.promo(amount="0.05"), is_shown=True))
promise.rows(
    EFFECTS,
    Row("a promotion leaves bonus alone", lambda the: the.promo(amount="0.05", bonusCode=the.id("b"))),
)
promise.rows(RESULT, Row("a result pays its prize as well", _with_prize, cash="0.05", is_shown=True))


@promise(AUTO_CLOSING)
async def a_prize_inside_a_result_is_paid_once(the: Trial) -> None:
    win = _with_prize(the)
    await the.credited(win)
    await the.send(win)

    await the.paid("0.05")


promise.rows(
    EFFECTS,
    Row(
        "a promotion after the result that carried it is a replay",
        _deliveries(lambda win, the: (win, _prize_of(win, the))),
    ),
    Row(
        "a result after the promotion that it carries pays its win alone",
        _deliveries(lambda win, the: (_prize_of(win, the), win)),
    ),
)


@promise(EFFECTS)
async def a_prize_inside_a_result_is_a_transaction_of_its_own(the: Trial) -> None:
    win = _with_prize(the)
    base, prize = await the.credited(win), await the.credited(_prize_of(win, the))

    if base.transaction_id == prize.transaction_id:
        raise Unmet("a transactionId of the prize's own", f"the result's, {prize.transaction_id}")


@promise(REPLAYS)
async def a_replay_of_a_result_with_a_prize_has_the_transactionId_of_the_result(the: Trial) -> None:
    win = _with_prize(the)
    first, again = await the.credited(win), await the.credited(win)

    the.same("transactionId", first.transaction_id, again.transaction_id)


promise.rows(
    REPLAYS,
    Row(
        "one prize inside two results is paid once",
        _deliveries(lambda win, the: (win, _with_prize(the, promoWinReference=win["promoWinReference"]))),
        cash="0.07",
    ),
    Row(
        "a promotion is a replay though its result named no campaign",
        _deliveries(lambda win, the: (win.without(*_CAMPAIGN), _prize_of(win, the))),
    ),
    Row(
        "a promotion of another campaign than in its result is refused with 61",
        _deliveries(lambda win, the: (win, (_prize_of(win, the).but(promoCampaignId="another"), 61))),
        cash="0.05",
    ),
)


@promise(REPLAYS)
async def a_prize_in_dispute_is_left_and_its_win_is_paid(the: Trial) -> None:
    prize = the.promo(amount="0.03")
    await the.credited(prize)
    win = _with_prize(the, promoWinReference=prize["reference"], promoWinAmount="0.04")
    first = await the.credited(win)
    await the.shows(first, "0.05")
    again = await the.credited(win)

    the.same("transactionId", first.transaction_id, again.transaction_id)
    await the.paid("0.05")


promise.rows(
    REPLAYS,
    Row(
        "a prize of another campaign is left and its win is paid",
        _deliveries(lambda win, the: (_prize_of(win, the).but(promoCampaignId="another"), win)),
    ),
    Row(
        "a prize of another player is left and its win is paid",
        _deliveries(lambda win, the: (_prize_of(win, the).but(userId=the.need_other_player()), win)),
        cash="0.02",
    ),
    Row(
        "a prize in dispute does not stop the bonus of its free round",
        _deliveries(
            lambda win, the: (
                _prize_of(win, the),
                round_ := win.but(promoWinAmount="0.04", bonusCode=the.id("b")),
                the.total(amount=Raw("0.02"), bonusCode=round_["bonusCode"]),
            )
        ),
        cash="0.05",
        bonus="0.02",
    ),
    Again(
        "a known result with another prize pays nothing",
        _with_prize,
        lambda the, win: win.but(promoWinReference=the.id("p")),
        pays="0.05",
    ),
    Again(
        "a known result with another amount of its prize pays nothing",
        _with_prize,
        changed(promoWinAmount="0.04"),
        pays="0.05",
    ),
    Row(
        "another prize of a known result is paid when it comes alone",
        _deliveries(lambda win, the: (win, another := win.but(promoWinReference=the.id("p")), _prize_of(another, the))),
        cash="0.08",
    ),
)


@promise(REPLAYS)
async def a_known_result_that_comes_again_with_a_prize_is_paid_the_prize(the: Trial) -> None:
    win = _with_prize(the)
    first = await the.credited(win.without("promoWinAmount", "promoWinReference"))
    await the.paid("0.02")
    again = await the.credited(win)

    the.same("transactionId", first.transaction_id, again.transaction_id)
    await the.paid("0.05")


promise.rows(
    REPLAYS,
    Row(
        "a prize that comes later with its result is paid once",
        _deliveries(lambda win, the: (win.without(*_PRIZE), win, win, _prize_of(win, the))),
        cash="0.05",
    ),
    Row(
        "a second prize that comes later with its result pays nothing",
        _deliveries(lambda win, the: (win.without(*_PRIZE), win, win.but(promoWinReference=the.id("p")))),
        cash="0.05",
    ),
    Again(
        "a result that comes again without its prize is a replay",
        _with_prize,
        lambda the, win: win.without(*_PRIZE, *_CAMPAIGN),
        pays="0.05",
    ),
    Row(
        "a result that conflicts refuses its prize with 61",
        lambda the: (
            win := the.result(amount="0.02"),
            (_with_prize(the, reference=win["reference"], amount="0.01"), 61),
        ),
    ),
)


_NO_PRIZE = (Raw("0"), "0.00", Raw("-0.0"), "0e5", [], {})
_NO_AMOUNT = ("0,03", " 0.03", "+0.03", "NaN", "three", Raw("1e-19"), "1e999999999", True, ["0.03"])
_NO_REFERENCE = ("p" * 129, "p\n", "\u3000", Raw("-5"), Raw("1.5"), True, ["p"])


def _with_prizes(field: str, *values: Value) -> Requests:
    """A result for each of these values of a field of its prize."""
    return lambda the: (_with_prize(the, **{field: value}) for value in values)


def _without_a_reference(the: Trial) -> Iterator[Draft]:
    yield from (_with_prize(the, promoWinReference=nothing) for nothing in (None, "", [], {}))
    yield _with_prize(the).without("promoWinReference")


def _in_two_spellings(the: Trial) -> Iterator[Draft]:
    yield _with_prize(the, promowinamount="0.04")
    yield _with_prize(the, PromoWinReference=the.id("p"))


# A prize that cannot be paid is left for a person. Its result is credited, and known, as if it had come alone.
promise.rows(
    EFFECTS,
    Again("a prize without a reference is left and its win is paid", _without_a_reference, changed()),
    Again(
        "a prize with a malformed reference is left and its win is paid",
        _with_prizes("promoWinReference", *_NO_REFERENCE),
        changed(),
    ),
    Again("a prize with two different spellings is left and its win is paid", _in_two_spellings, changed()),
    Row("a prize reference without an amount is the win alone", lambda the: _with_prize(the).without("promoWinAmount")),
    Row(
        "a prize of zero is the win alone and leaves its reference free",
        _deliveries(lambda win, the: (win.but(promoWinAmount="0"), _prize_of(win, the))),
    ),
    Again(
        "a prize below zero is left and its win is paid", _with_prizes("promoWinAmount", "-5", Raw("-0.03")), changed()
    ),
    Again(
        "a prize whose amount is not valid is left and its win is paid",
        _with_prizes("promoWinAmount", *_NO_AMOUNT),
        changed(),
    ),
    Row(
        "a prize that was left is not paid by a retransmission that changes it",
        _deliveries(lambda win, the: (win.but(promoWinAmount="-0.03"), win)),
        cash="0.02",
    ),
    Row(
        "a prize that was left is paid when it comes alone",
        _deliveries(lambda win, the: (win.but(promoWinAmount="-0.03"), _prize_of(win, the))),
    ),
    Row(
        "a prize of nothing is no prize in any notation",
        lambda the: (_with_prize(the, promoWinAmount=nothing, promoWinReference="\n") for nothing in _NO_PRIZE),
    ),
    Row(
        "a prize in a free round goes to cash alone",
        lambda the: _with_prize(the, bonusCode=the.id("b")),
        cash="0.05",
        bonus="0.02",
    ),
    Row(
        "a prize counts towards no free round total",
        _deliveries(
            lambda win, the: (
                round_ := win.but(bonusCode=the.id("b")),
                the.total(amount=Raw("0.02"), bonusCode=round_["bonusCode"]),
            )
        ),
        cash="0.05",
        bonus="0.02",
    ),
)

"""Conflicts: a known reference with other content is refused, and moves nothing."""

from tools.provider.certify.catalogue import ANSWERS, REPLAYS, RESULT, Promises
from tools.provider.certify.forms import Again, Row, changed
from tools.provider.certify.requests import Draft, Raw
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("conflicts")


def _win(the: Trial) -> Draft:
    return the.result(amount="0.02")


def _jackpot(the: Trial) -> Draft:
    return the.jackpot(amount=Raw("0.02"))


def _total(the: Trial) -> Draft:
    return the.total(amount=Raw("0.02"), bonusCode=the.id("b"))


def _promotion(the: Trial) -> Draft:
    return the.promo(amount="0.02")


@promise(RESULT)
async def other_content_under_a_known_reference_is_no_second_transaction(the: Trial) -> None:
    win = _win(the)
    await the.credited(win)
    await the.send(win.but(amount="0.05", roundId=the.id("r"), uuid=the.filler()))

    await the.paid("0.02")


promise.rows(
    REPLAYS,
    Again("another amount is refused with 61", _win, changed(amount="0.03"), 61),
    Again(
        "an amount that differs in its last place is refused with 61", _win, changed(amount="0.020000000000000001"), 61
    ),
    Again("another amount of a jackpot is refused with 61", _jackpot, changed(amount=Raw("0.03")), 61),
    Again("another amount of a free round total is refused with 61", _total, changed(amount=Raw("0.05")), 61),
    Again("another amount of a promotion is refused with 61", _promotion, changed(amount="0.03"), 61),
    Again("another game is refused with 61", _win, changed(gameId="Im_60_another"), 61),
    Again("another round is refused with 61", _win, lambda the, win: win.but(roundId=the.id("r")), 61),
    Again(
        "a round that differs by a space is refused with 61",
        _win,
        lambda the, win: win.but(roundId=f"{win['roundId']} "),
        61,
    ),
    Again(
        "another bonus code is refused with 61",
        lambda the: the.result(amount="0.02", bonusCode=the.id("b")),
        lambda the, win: win.but(bonusCode=the.id("b")),
        61,
    ),
    Again(
        "another round or bonus code of a free round total is refused with 61",
        lambda the: _total(the).but(roundId=the.id("r")),
        lambda the, win: (win.but(bonusCode=the.id("b")), win.but(roundId=the.id("r"))),
        61,
    ),
    Again(
        "another campaign of a result is refused with 61",
        lambda the: the.result(amount="0.02", promoCampaignId="7"),
        changed(promoCampaignId="8"),
        61,
    ),
    Again("another jackpot is refused with 61", _jackpot, changed(jackpotId="569"), 61),
    Again("another campaign is refused with 61", _promotion, changed(promoCampaignId="5103188802"), 61),
)
promise.rows(
    ANSWERS,
    Again(
        "another currency is refused with 61 rather than 52",
        _win,
        lambda the, win: win.but(currency=the.another_currency),
        61,
    ),
    Again(
        "another player is refused with 61 rather than 62",
        _win,
        lambda the, win: win.but(userId=the.player.other_id or the.id("nobody")),
        61,
    ),
)


promise.rows(
    REPLAYS,
    Row(
        "a reference of another player is not paid to this one",
        lambda the: (
            theirs := the.result(userId=the.need_other_player(), amount="0"),
            (theirs.but(userId=the.player.id), 61),
        ),
    ),
)


@promise(REPLAYS)
async def what_was_credited_is_still_a_replay_after_a_conflict(the: Trial) -> None:
    win = _win(the)
    first = await the.credited(win)
    await the.send(win.but(amount="0.05"))

    the.same("transactionId", first.transaction_id, (await the.credited(win)).transaction_id)
    await the.paid("0.02")


@promise(ANSWERS)
async def a_conflict_is_told_by_error_and_description_alone(the: Trial) -> None:
    win = _win(the)
    await the.credited(win)
    answer = await the.refused(win.but(amount="0.03"), 61)

    if list(answer.fields) != ["error", "description"]:
        raise Unmet("error and description, and nothing else", str(answer))

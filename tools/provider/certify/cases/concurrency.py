"""Concurrency: what arrives at the same moment is settled as if it came one after the other."""

from collections.abc import Sequence

from tools.provider.answers import Answer
from tools.provider.certify.catalogue import AUTO_CLOSING, BONUS, EFFECTS, JACKPOT, PROMO, REPLAYS, RESULT, Promises
from tools.provider.certify.requests import Draft, Raw
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("concurrency")

_PLAYED = 1_482_429_190_374  # when, in milliseconds
_WAVES = 3  # a race may be won by luck once


@promise(RESULT)
async def copies_of_a_result_at_once_are_one_credit(the: Trial) -> None:
    for _ in range(_WAVES):
        await _copies(the, the.result(amount="0.02"))

    await the.paid("0.06")


@promise(JACKPOT)
async def copies_of_a_jackpot_at_once_are_one_credit(the: Trial) -> None:
    for _ in range(_WAVES):
        await _copies(the, the.jackpot(amount=Raw("0.02")))

    await the.paid("0.06")


@promise(BONUS)
async def copies_of_a_free_round_total_at_once_are_one_credit(the: Trial) -> None:
    for _ in range(_WAVES):
        await _copies(the, the.total(amount=Raw("0.02"), bonusCode=the.id("b")))

    await the.paid("0.06", bonus="0.06")


@promise(PROMO)
async def copies_of_a_promotion_at_once_are_one_credit(the: Trial) -> None:
    for _ in range(_WAVES):
        await _copies(the, the.promo(amount="0.02"))

    await the.paid("0.06")


@promise(REPLAYS)
async def copies_at_once_are_told_one_transactionId(the: Trial) -> None:
    answers = await _all_credited(the, [the.result(amount="0.02")] * the.copies)

    if len(found := {answer.transaction_id for answer in answers}) != 1:
        raise Unmet("one transactionId", ", ".join(sorted(found)))


@promise(RESULT)
async def different_wins_at_once_are_all_paid(the: Trial) -> None:
    for _ in range(_WAVES):
        await _all_credited(the, [the.result(amount="0.01") for _ in range(the.copies)])

    await the.paid(_cents(_WAVES * the.copies))


@promise(EFFECTS)
async def wins_of_every_kind_at_once_are_all_paid(the: Trial) -> None:
    for _ in range(_WAVES):
        await _all_credited(the, [*the.each_callback(amount="0.01"), *the.each_callback(amount="0.01")])

    await the.paid(_cents(_WAVES * 8), bonus=_cents(_WAVES * 2))


@promise(EFFECTS)
async def free_rounds_at_once_are_all_paid_to_cash_and_bonus(the: Trial) -> None:
    code = the.id("b")
    await _all_credited(the, [the.result(amount="0.01", bonusCode=code) for _ in range(the.copies)])

    await the.paid(_cents(the.copies), bonus=_cents(the.copies))


@promise(EFFECTS)
async def a_total_covers_all_rounds_that_came_at_once_before_it(the: Trial) -> None:
    code = the.id("b")
    await _all_credited(the, [the.result(amount="0.01", bonusCode=code) for _ in range(the.copies)])
    await the.credited(the.total(amount=Raw(_cents(the.copies)), bonusCode=code))

    await the.paid(_cents(the.copies), bonus=_cents(the.copies))


@promise(EFFECTS)
async def free_rounds_and_their_total_at_once_are_paid_once(the: Trial) -> None:
    code = the.id("b")
    rounds = [the.result(amount="0.01", bonusCode=code, timestamp=str(_PLAYED + at)) for at in range(the.copies)]
    total = the.total(amount=Raw(_cents(the.copies)), bonusCode=code, timestamp=str(_PLAYED + the.copies))
    half = the.copies // 2
    await _all_credited(the, [*rounds[:half], total, *rounds[half:]])

    await the.paid(_cents(the.copies), bonus=_cents(the.copies))


@promise(EFFECTS)
async def different_totals_at_once_cover_a_round_once(the: Trial) -> None:
    code = the.id("b")
    await the.credited(the.result(amount="0.02", bonusCode=code))
    await _all_credited(the, [the.total(amount=Raw("0.02"), bonusCode=code) for _ in range(4)])

    await the.paid("0.08", bonus="0.08")  # one of the totals covers the round


@promise(REPLAYS)
async def of_different_contents_at_once_under_one_reference_one_is_paid(the: Trial) -> None:
    for _ in range(_WAVES):
        win = the.result(amount="0.03")
        answers = await the.send_together([win.but(gameId=f"game-{number}") for number in range(the.copies)])
        won = [answer for answer in answers if answer.is_success]
        refused = [answer for answer in answers if answer.error == 61]
        if len(won) != 1 or len(refused) != the.copies - 1:
            raise Unmet(
                f"one success, and {the.copies - 1} refused with 61",
                f"{len(won)} and {len(refused)} of {the.copies} answers",
            )

    await the.paid("0.09")


@promise(EFFECTS)
async def a_prize_alone_and_inside_its_result_at_once_is_paid_once(the: Trial) -> None:
    for _ in range(_WAVES):
        reference = the.id("p")
        alone = the.promo(reference=reference, amount="0.03")
        inside = the.result(amount="0.02", promoWinAmount="0.03", promoWinReference=reference)
        await _all_credited(the, [alone, inside, alone, inside])

    await the.paid("0.15")


@promise(AUTO_CLOSING)
async def a_result_and_its_auto_closing_at_once_are_one_credit(the: Trial) -> None:
    for _ in range(_WAVES):
        result = the.result(amount="0.02")
        closing = the.auto_closing().but(
            **{name: result[name] for name in ("reference", "roundId", "uuid")}, amount=Raw("0.02")
        )
        await the.send_together([result, closing] * (the.copies // 2))

    await the.paid("0.06")


@promise(REPLAYS)
async def replays_between_new_wins_pay_nothing(the: Trial) -> None:
    known = the.result(amount="0.05")
    await the.credited(known)
    new = [the.result(amount="0.01") for _ in range(the.copies // 2)]
    await _all_credited(the, [request for win in new for request in (win, known)])

    await the.paid(_cents(5 + the.copies // 2))


async def _copies(the: Trial, win: Draft) -> None:
    """What copies are answered is a case of its own."""
    await the.send_together([the.signed(win)] * the.copies)


async def _all_credited(the: Trial, wins: Sequence[Draft]) -> list[Answer]:
    return [the.check_credited(answer) for answer in await the.send_together(wins)]


def _cents(number: int) -> str:
    return f"{number // 100}.{number % 100:02}"

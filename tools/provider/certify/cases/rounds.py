"""Rounds: refunds of all their bets, results of what was undone, free rounds without their code, and their end."""

from collections.abc import Callable, Iterator

from tools.provider.answers import NOT_ENOUGH
from tools.provider.certify.cases.balance import other_keys
from tools.provider.certify.catalogue import ANSWERS, CALLBACKS, END_ROUND, FIELDS, REFUND, ROUNDS, Promises
from tools.provider.certify.forms import Move, Needs, Play, Row, Says, by_every_path, does_nothing, pays, refused, takes
from tools.provider.certify.requests import Draft, Raw
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("rounds")

_WAVES = 5  # a race may be won by luck once
_Moves = Iterator[Move]


def _two_bets(the: Trial) -> tuple[Draft, Draft]:
    """Two bets of one round: of 0.03 and of 0.02."""
    first = the.bet(amount="0.03")
    return first, first.but(reference=the.id(), amount="0.02")


def _end(the: Trial) -> Draft:
    return the.end(the.bet())


# --- A whole round ----------------------------------------------------------------------------------


def _whole(the: Trial) -> _Moves:
    first, second = _two_bets(the)
    yield does_nothing(the.balance())
    yield takes(first)
    yield takes(second)
    yield pays(the.result_of(first, amount="0.04"), "0.04")
    yield pays(the.result_of(first, amount="0.01"), "0.01")
    yield does_nothing(the.end(first))
    yield does_nothing(the.balance())


promise.rows(ROUNDS, Play("a whole round moves its bets and its results", _whole))


# --- Refunds of rounds ------------------------------------------------------------------------------


def _refunded_by(reference: Callable[[Trial, Draft, Draft], str]) -> Callable[[Trial], _Moves]:
    """A round with two bets, refunded twice under that reference."""

    def moves(the: Trial) -> _Moves:
        first, second = _two_bets(the)
        yield takes(first)
        yield takes(second)
        refund = the.refund(first, reference=reference(the, first, second))
        yield pays(refund, "0.05")
        yield does_nothing(refund)

    return moves


def _sent_again_after_a_later_bet(the: Trial) -> _Moves:
    first, second = _two_bets(the)
    refund = the.refund(first, reference=the.id())
    yield takes(first)
    yield pays(refund, "0.03")
    yield refused(second, 53)
    yield does_nothing(refund)
    yield refused(second, 53)
    yield does_nothing(the.cancel(second))


def _under_another_reference(the: Trial) -> _Moves:
    first, second = _two_bets(the)
    yield takes(first)
    yield takes(second)
    yield pays(the.refund(first), "0.05")
    yield does_nothing(the.refund(second))
    yield does_nothing(the.refund(first, reference=(own := the.id())))
    yield refused(the.bet(reference=own), 53)


def _remembers_its_reference(the: Trial) -> _Moves:
    first, _ = _two_bets(the)
    own = the.id()
    yield takes(first)
    yield pays(the.refund(first, reference=own), "0.03")
    yield refused(the.bet(reference=own), 53)
    yield refused(first.but(reference=the.id()), 53)
    yield refused(first, 53)


def _of_what_is_left(the: Trial) -> _Moves:
    first, second = _two_bets(the)
    yield takes(first)
    yield takes(second)
    yield pays(the.cancel(first), "0.03")
    yield pays(the.refund(first), "0.02")
    yield does_nothing(the.refund(first))


def _then_cancels(the: Trial) -> _Moves:
    first, second = _two_bets(the)
    yield takes(first)
    yield takes(second)
    yield pays(the.refund(first, reference=the.id()), "0.05")
    yield does_nothing(the.cancel(first))
    yield does_nothing(the.cancel(second))


def _in_order_of_its_faults(the: Trial) -> _Moves:
    """Bets of a refunded round with other faults."""
    first, second = _two_bets(the)
    yield takes(first)
    yield pays(the.refund(first, reference=the.id()), "0.03")
    yield refused(second.but(amount=the.too_much()), 53)
    yield refused(second.but(currency=the.another_currency), 52)
    yield refused(second.but(userId=the.id("nobody"), currency=the.another_currency), 62)
    yield refused(second.but(gameId=True), 57)


def _of_15(the: Trial) -> _Moves:
    yield refused(bet := the.bet(amount=the.too_much()), NOT_ENOUGH)
    yield does_nothing(the.refund(bet))
    yield refused(bet, NOT_ENOUGH)
    yield refused(bet.but(reference=the.id(), amount="0.01"), 53)


def _of_a_free_round(the: Trial) -> _Moves:
    first, second = _two_bets(the)
    yield takes(first)
    yield does_nothing(second.but(bonusCode=the.id("b")))
    yield pays(the.refund(first), "0.03")


def _by_a_lost_bets_reference(the: Trial) -> _Moves:
    first, lost = _two_bets(the)
    yield takes(first)
    yield pays(the.refund(lost), "0.03")
    yield refused(lost, 53)


promise.rows(
    REFUND,
    Play(
        "a refund of a round pays its bet back",
        lambda the: (takes(bet := the.bet(amount="0.03")), pays(the.refund(bet), "0.03")),
    ),
    Play(
        "a refund of a round sent twice pays back once",
        lambda the: (
            takes(bet := the.bet(amount="0.03")),
            pays(the.refund(bet), "0.03"),
            does_nothing(the.refund(bet)),
        ),
    ),
)
promise.rows(
    ROUNDS,
    Play(
        "a refund of a round with two bets by the reference of the first pays both back",
        _refunded_by(lambda the, first, second: first["reference"]),
    ),
    Play(
        "a refund of a round with two bets by the reference of the second pays both back",
        _refunded_by(lambda the, first, second: second["reference"]),
    ),
    Play(
        "a refund of a round with two bets by its own reference pays both back",
        _refunded_by(lambda the, first, second: the.id()),
    ),
    Play("a refund by the reference of a bet that was lost pays the others back", _by_a_lost_bets_reference),
    Play(
        "a refund sent again after a later bet pays nothing and the bet is refused with 53",
        _sent_again_after_a_later_bet,
    ),
    Play("a second refund of a round under another reference moves nothing", _under_another_reference),
    Play("a bet under the reference of a refund or in its round is refused with 53", _remembers_its_reference),
    Play("a cancel of one bet then a refund under its reference pays the other bet back", _of_what_is_left),
    Play("a cancel after the refund of its round moves nothing", _then_cancels),
    Play("a refund pays nothing for a free round beside a bet", _of_a_free_round),
    Play("a refund of a round whose bet was refused for lack of money moves nothing", _of_15),
    Play("a bet of a refunded round is refused for its first fault in the documented order", _in_order_of_its_faults),
)


# --- What cannot be refunded ------------------------------------------------------------------------


def _after_a_win(the: Trial) -> _Moves:
    first, second = _two_bets(the)
    own = the.id()
    yield takes(first)
    yield pays(the.result_of(first, amount="0.04"), "0.04")
    yield refused(the.refund(first), 61)
    yield refused(the.refund(first, reference=own), 61)
    yield takes(second)  # the round is not marked
    yield takes(the.bet(reference=own))  # and the reference is not remembered
    yield pays(the.result_of(first, amount="0.01"), "0.01")


def _after_a_lost_round(the: Trial) -> _Moves:
    first, second = _two_bets(the)
    yield takes(first)
    yield takes(second)
    yield does_nothing(the.result_of(first, amount="0"))
    yield pays(the.refund(first, reference=the.id()), "0.05")


def _by_the_bet_of_another(the: Trial) -> _Moves:
    first, second = _two_bets(the)
    yield takes(first)
    yield takes(other := the.bet(amount="0.01"))
    yield takes(elsewhere := the.bet(amount="0.01", gameId="Im_60_another"))
    yield refused(the.refund(first, reference=other["reference"]), 61)
    yield refused(the.refund(first, reference=elsewhere["reference"]), 61)
    yield takes(second)
    yield pays(the.refund(first), "0.05")
    yield does_nothing(other)
    yield does_nothing(elsewhere)


def _by_another_players_bet(the: Trial) -> _Moves:
    bet, theirs = the.bet(amount="0.03"), the.bet(amount="0", userId=the.need_other_player())
    yield takes(bet)
    yield Move(theirs, shows=False)
    yield refused(the.refund(bet, reference=theirs["reference"]), 61)
    yield pays(the.refund(bet), "0.03")


def _another_sum(the: Trial) -> _Moves:
    first, second = _two_bets(the)
    yield takes(first)
    yield takes(second)
    yield refused(the.refund(first, amount="0.03"), 59)
    yield refused(the.refund(first, amount="0"), 59)
    yield pays(the.refund(first, amount=Raw("0.050")), "0.05")
    yield does_nothing(the.refund(first, amount="7"))


def _without_a_game(the: Trial) -> _Moves:
    yield takes(bet := the.bet(amount="0.03"))
    yield refused(the.refund(bet).without("gameId"), 64)
    yield pays(the.refund(bet), "0.03")


def _of_two_games(the: Trial) -> _Moves:
    here, _ = _two_bets(the)
    there = here.but(reference=the.id(), gameId="Im_60_another", amount="0.02")
    yield takes(here)
    yield takes(there)
    yield pays(the.refund(here, reference=the.id()), "0.03")
    yield does_nothing(there)
    yield refused(the.result_of(here, amount="0.05"), 61)
    yield pays(the.result_of(there, amount="0.05"), "0.05")


def _unknown(the: Trial) -> _Moves:
    bet = the.bet(amount="0.03")
    refund = the.refund(bet, reference=the.id())
    yield does_nothing(refund)
    yield does_nothing(refund)
    yield refused(bet, 53)
    yield refused(the.result_of(bet, amount="0.05"), 61)
    yield does_nothing(the.result_of(bet, amount="0"))


promise.rows(
    ROUNDS,
    Play("a round that won is not refunded and nothing of the refund is remembered", _after_a_win),
    Play("a round that was lost may be refunded", _after_a_lost_round),
    Play("a refund that names the bet of another round or game is refused with 61", _by_the_bet_of_another),
    Play(
        "a refund that names another players bet is refused with 61",
        _by_another_players_bet,
        needs=Trial.need_other_player,
    ),
    Play("a refund that names another sum than its bets is refused with 59", _another_sum),
    Play("a refund of a round without its game is refused with 64", _without_a_game),
    Play("one round id in two games is two rounds", _of_two_games),
    Play("a refund of an unknown round moves nothing and its late bet is refused with 53", _unknown),
)


# --- Results of rounds ------------------------------------------------------------------------------


def _after_its_refund(the: Trial) -> _Moves:
    yield takes(bet := the.bet(amount="0.03"))
    yield pays(the.refund(bet), "0.03")
    yield refused(the.result_of(bet, amount="0.05"), 61)
    yield does_nothing(the.result_of(bet, amount="0"))


def _after_its_cancel(the: Trial) -> _Moves:
    yield takes(bet := the.bet(amount="0.03"))
    yield pays(the.cancel(bet), "0.03")
    yield refused(the.result_of(bet, amount="0.05"), 61)
    yield does_nothing(the.result_of(bet, amount="0"))


def _after_a_cancel_that_came_first(the: Trial) -> _Moves:
    bet = the.bet(amount="0.03")
    yield does_nothing(the.cancel(bet))
    yield refused(the.result_of(bet, amount="0.05"), 61)


def _after_a_cancel_without_a_round(the: Trial) -> _Moves:
    for left_out in (("roundId",), ("gameId",), ("roundId", "gameId")):
        bet = the.bet(amount="0.03")
        yield does_nothing(the.cancel(bet).without(*left_out))
        yield pays(the.result_of(bet, amount="0.05"), "0.05")


def _after_one_cancel_of_two(the: Trial) -> _Moves:
    first, second = _two_bets(the)
    yield takes(first)
    yield does_nothing(the.cancel(second))
    yield pays(the.result_of(first, amount="0.05"), "0.05")


def _after_15(the: Trial) -> _Moves:
    yield refused(bet := the.bet(amount=the.too_much()), NOT_ENOUGH)
    yield pays(the.result_of(bet, amount="0.05"), "0.05")


def _beside_rounds(the: Trial) -> _Moves:
    yield takes(bet := the.bet(amount="0.03"))
    yield pays(the.refund(bet), "0.03")
    yield pays(the.jackpot(roundId=bet["roundId"], amount=Raw("0.05")), "0.05")
    yield pays(the.promo(amount="0.02"), "0.02")
    total = the.total(roundId=bet["roundId"], amount=Raw("0.03"), bonusCode=the.id("b"))
    yield pays(total, "0.03", bonus="0.03")


def _closed_automatically(the: Trial) -> _Moves:
    yield takes(bet := the.bet(amount="0.03"))
    closing = the.auto_closing(roundId=bet["roundId"], amount=Raw("0.04"))
    yield pays(closing, "0.04")
    yield does_nothing(closing)
    later = the.auto_closing(roundId=bet["roundId"], amount=Raw("0.01"))
    yield pays(later, "0.01")


promise.rows(
    ROUNDS,
    Play("a win of a refunded round is refused with 61 and a lost one is recorded", _after_its_refund),
    Play("a win of a round whose only bet was cancelled is refused with 61", _after_its_cancel),
    Play(
        "a win of a round whose only bet was cancelled before it came is refused with 61",
        _after_a_cancel_that_came_first,
    ),
    Play("a win after a cancel that named no round or no game is credited", _after_a_cancel_without_a_round),
    Play("a win of a round with a live bet beside a cancelled one is credited", _after_one_cancel_of_two),
    Play("a win of a round whose bet was refused for lack of money is credited", _after_15),
    Play(
        "a win of a round without any bet is credited",
        lambda the: (pays(the.result(amount="0.05"), "0.05"),),
    ),
    Play("jackpots totals and promotions do not look at rounds", _beside_rounds),
    Play("a round with a bet may be closed automatically and twice", _closed_automatically),
)


# --- Free rounds ------------------------------------------------------------------------------------


def _free(the: Trial, code: str, amount: str = "0.03") -> Draft:
    return the.bet(amount=amount, bonusCode=code)


def _without_its_code_then_the_total(the: Trial) -> _Moves:
    code = the.id("b")
    yield does_nothing(bet := _free(the, code))
    yield pays(the.result_of(bet, amount="0.04"), "0.04", bonus="0.04")
    yield does_nothing(the.total(amount=Raw("0.04"), bonusCode=code))


def _closed_without_its_code(the: Trial) -> _Moves:
    code = the.id("b")
    yield does_nothing(bet := _free(the, code, "0"))
    closing = the.auto_closing(roundId=bet["roundId"], amount=Raw("0.04"))
    yield pays(closing, "0.04", bonus="0.04")
    yield does_nothing(the.total(amount=Raw("0.04"), bonusCode=code))


def _beside_a_paid_bet(the: Trial) -> _Moves:
    code = the.id("b")
    yield does_nothing(free := _free(the, code))
    yield takes(free.without("bonusCode").but(reference=the.id()))
    yield pays(the.result_of(free, amount="0.04"), "0.04")
    yield pays(the.total(amount=Raw("0.05"), bonusCode=code), "0.05", bonus="0.05")


def _of_two_codes(the: Trial) -> _Moves:
    yield does_nothing(free := _free(the, the.id("b")))
    yield does_nothing(free.but(reference=the.id(), bonusCode=the.id("b")))
    yield pays(the.result_of(free, amount="0.04"), "0.04")


def _its_own_code(the: Trial) -> _Moves:
    code, own = the.id("b"), the.id("b")
    yield does_nothing(bet := _free(the, code))
    yield pays(the.result_of(bet, amount="0.04", bonusCode=own), "0.04", bonus="0.04")
    yield pays(the.total(amount=Raw("0.05"), bonusCode=code), "0.05", bonus="0.05")
    yield does_nothing(the.total(amount=Raw("0.04"), bonusCode=own))


promise.rows(
    ROUNDS,
    Play("a free bet whose result has no code is counted by the total", _without_its_code_then_the_total),
    Play("a free bet that is closed without its code is counted by the total", _closed_without_its_code),
    Play("a result without a code beside a paid bet counts as an ordinary win", _beside_a_paid_bet),
    Play("a result without a code in a round of two codes counts as an ordinary win", _of_two_codes),
    Play("a result with a code of its own counts by that code", _its_own_code),
)


# --- The end ----------------------------------------------------------------------------------------


def _after_the_end(the: Trial) -> _Moves:
    first, second = _two_bets(the)
    yield takes(first)
    yield does_nothing(the.end(first))
    yield pays(the.result_of(first, amount="0.04"), "0.04")
    yield takes(second)
    yield does_nothing(the.end(first))


promise.rows(
    END_ROUND,
    Row("an end of round moves nothing", _end, cash="0"),
    Row(
        "an end of round may come again",
        lambda the: (end := _end(the), end, end.but(uuid=the.filler())),
        cash="0",
    ),
)
promise.rows(
    ROUNDS,
    Play("a win and a bet after the end of their round are taken as ever", _after_the_end),
    Row("the win that an end of round names is only recorded", lambda the: _end(the).but(win="7"), cash="0"),
)
promise.rows(
    ANSWERS,
    Says(
        "an end of round is answered with exactly its documented keys",
        "the keys currency, cash, bonus, error, description, in this order",
        other_keys("currency", "cash", "bonus", "error", "description"),
        lambda the: (_end(the),),
    ),
    Row(
        "an end of round of an unknown player is refused with 62",
        lambda the: _end(the).but(userId=the.id("nobody")),
        62,
    ),
    Row(
        "an end of round in another currency is refused with 52",
        lambda the: _end(the).but(currency=the.another_currency),
        52,
    ),
)
promise.rows(
    FIELDS,
    Needs(
        "an end of round needs each of its fields",
        _end,
        ("uuid", "userId", "gameId", "roundId", "providerId"),
    ),
    Row(
        "an end of round with a malformed identifier is refused with 57",
        lambda the: (
            _end(the).but(**{name: value})
            for name in ("userId", "roundId", "gameId")
            for value in (Raw("1.5"), "x\n", "\u3000", ["x"])
        ),
        57,
    ),
)
promise.rows(CALLBACKS, Row("an end of round may come by all its paths", by_every_path("end of round", _end), cash="0"))


# --- At the same moment -----------------------------------------------------------------------------


@promise(ROUNDS)
async def a_refund_and_cancels_of_its_bets_at_once_pay_each_back_once(the: Trial) -> None:
    await the.credited(the.result(amount="0.05"))
    for _ in range(_WAVES):
        first, second = _two_bets(the)
        await the.credited(first)
        await the.credited(second)
        refund = the.refund(first, reference=the.id())
        for answer in await the.send_together([refund, the.cancel(first), the.cancel(second), refund]):
            the.check_credited(answer)

    await the.paid("0.05")


@promise(ROUNDS)
async def a_refund_and_a_win_at_once_are_not_both_paid(the: Trial) -> None:
    """Either the round won, and its bet stays taken; or it is refunded, and the win is refused with 61."""
    await the.credited(the.result(amount="0.30"))
    paid = 30
    for _ in range(_WAVES):
        await the.credited(bet := the.bet(amount="0.03"))
        won, undone = await the.send_together([the.result_of(bet, amount="0.05"), the.refund(bet)])
        if sorted((won.error or 0, undone.error or 0)) != [0, 61]:
            raise Unmet("one of them 0, the other 61", f"{won.error} and {undone.error}")
        paid += 2 if won.is_success else 0

    await the.paid(f"0.{paid}")

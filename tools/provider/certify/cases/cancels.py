"""Cancels: a stake is paid back once, whatever comes again, late or in another order; and no other bet is touched."""

from collections.abc import Callable, Iterator

from tools.provider.answers import NOT_ENOUGH
from tools.provider.certify.cases.balance import other_keys
from tools.provider.certify.catalogue import ANSWERS, CALLBACKS, CANCEL, FIELDS, REFUND, ROUNDS, Promises
from tools.provider.certify.forms import Move, Needs, Play, Row, Says, does_nothing, pays, refused, takes
from tools.provider.certify.requests import Draft, Raw, Value
from tools.provider.certify.trial import Trial, Unmet
from tools.provider.paths import PATHS

promise = Promises("cancels")

_WAVES = 5  # a race may be won by luck once
_NEEDED = ("uuid", "userId", "reference", "providerId")


def _bet(the: Trial) -> Draft:
    return the.bet(amount="0.03")


def _by_refund(the: Trial, bet: Draft) -> Draft:
    """The same cancel by the path of Refund, which undoes one bet where no round is named."""
    return the.refund(bet).without("roundId")


# --- What is paid back ------------------------------------------------------------------------------


promise.rows(
    CANCEL,
    Play("a cancel pays its bet back", lambda the: (takes(bet := _bet(the)), pays(the.cancel(bet), "0.03"))),
    Play(
        "a cancel sent twice pays its bet back once",
        lambda the: (takes(bet := _bet(the)), pays(the.cancel(bet), "0.03"), does_nothing(the.cancel(bet))),
    ),
    Play(
        "a cancel may come in another session than its bet",
        lambda the: (takes(bet := _bet(the)), pays(the.cancel(bet, sessionId=the.id("s")), "0.03")),
    ),
)
promise.rows(
    REFUND,
    Play(
        "a refund of an unknown bet moves nothing",
        lambda the: (does_nothing(_by_refund(the, _bet(the))),),
    ),
)


def _by_both_paths(the: Trial) -> Iterator[Move]:
    yield takes(one := _bet(the))
    yield pays(the.cancel(one), "0.03")
    yield does_nothing(_by_refund(the, one))
    yield takes(other := _bet(the))
    yield pays(_by_refund(the, other), "0.03")
    yield does_nothing(the.cancel(other))


def _paid_and_bet_again(the: Trial) -> Iterator[Move]:
    yield takes(bet := _bet(the))
    yield pays(the.cancel(bet), "0.03")
    yield refused(bet, 53)
    yield refused(bet.but(amount="0.02"), 53)
    yield does_nothing(the.cancel(bet))


def _of_one_of_two(the: Trial) -> Iterator[Move]:
    yield takes(first := _bet(the))
    yield takes(second := first.but(reference=the.id(), amount="0.02"))
    yield pays(the.cancel(first), "0.03")
    yield pays(the.result_of(first, amount="0.05"), "0.05")
    yield refused(the.cancel(second), 61)


def _of_free_rounds(the: Trial) -> Iterator[Move]:
    for bet in (the.bet(amount="0.03", bonusCode=the.id("b")), the.bet(amount="0")):
        yield does_nothing(bet)
        yield does_nothing(the.cancel(bet))
        yield does_nothing(the.cancel(bet))
        yield refused(bet, 53)


def _naming(**changes: Value) -> Callable[[Trial], Iterator[Move]]:
    """A bet, and a cancel that says this as well."""

    def moves(the: Trial) -> Iterator[Move]:
        yield takes(bet := _bet(the))
        yield pays(the.cancel(bet, **changes), "0.03")

    return moves


promise.rows(
    ROUNDS,
    Play("a bet is paid back once by Cancel and Refund together", _by_both_paths),
    Play("a bet that was paid back is refused with 53 when it comes again", _paid_and_bet_again),
    Play("a cancel of one of two bets pays that bet back alone", _of_one_of_two),
    Play("a cancel of a free round or of a bet of nothing pays nothing", _of_free_rounds),
    Play(
        "a cancel needs to name neither round nor game",
        lambda the: (
            takes(bet := _bet(the)),
            pays(the.cancel(bet).without("roundId", "gameId", "gameName", "currency", "sessionId"), "0.03"),
        ),
    ),
    Play("a cancel may name the amount of its bet", _naming(amount=Raw("0.0300"))),
    Play("the currency of a cancel is only recorded", _naming(currency="XTS-1")),
    Play(
        "a stake is paid back to its last digit",
        lambda the: (
            takes(bet := the.bet(amount="0.010000000000000001")),
            pays(the.cancel(bet), "0.010000000000000001"),
        ),
    ),
)


@promise(ROUNDS)
async def the_transactionId_of_a_cancel_is_the_same_on_every_path_and_replay(the: Trial) -> None:
    await the.credited(the.result(amount="0.03"))
    bet = _bet(the)
    staked = await the.credited(bet)
    cancelled = await the.credited(the.cancel(bet))
    for again in (the.cancel(bet), _by_refund(the, bet), the.refund(bet)):
        the.same("transactionId", cancelled.transaction_id, (await the.credited(again)).transaction_id)
    if cancelled.transaction_id == staked.transaction_id:
        raise Unmet("another transactionId than the bet's", f"{staked.transaction_id} twice")

    await the.paid("0.03")


# --- Bets that are not known, or were refused -------------------------------------------------------


def _before_its_bet(the: Trial) -> Iterator[Move]:
    bet = _bet(the)
    yield does_nothing(the.cancel(bet))
    yield refused(bet, 53)
    yield refused(bet, 53)
    yield does_nothing(the.cancel(bet))


def _between_deliveries(the: Trial) -> Iterator[Move]:
    yield takes(bet := _bet(the))
    yield does_nothing(bet)
    yield pays(the.cancel(bet), "0.03")
    yield refused(bet, 53)
    yield does_nothing(the.cancel(bet))
    yield refused(bet, 53)


def _after_all_deliveries(the: Trial) -> Iterator[Move]:
    yield takes(bet := _bet(the))
    yield does_nothing(bet)
    yield does_nothing(bet)
    yield pays(the.cancel(bet), "0.03")
    yield does_nothing(the.cancel(bet))


def _in_any_words(the: Trial) -> Iterator[Move]:
    """Cancels that say something else than their bet, which is not known yet."""
    for changes in ({"amount": "7"}, {"gameId": "Im_60_another"}, {"roundId": the.id("r")}, {"currency": "XTS-1"}):
        bet = _bet(the)
        yield does_nothing(the.cancel(bet, **changes))
        yield refused(bet, 53)
    bet = _bet(the)
    yield does_nothing(_by_refund(the, bet))
    yield refused(bet, 53)


def _beside_a_live_one(the: Trial) -> Iterator[Move]:
    yield takes(live := _bet(the))
    lost = live.but(reference=the.id())
    yield does_nothing(the.cancel(lost))
    yield does_nothing(the.cancel(lost))
    yield refused(lost, 53)
    yield does_nothing(live)
    yield pays(the.result_of(live, amount="0.04"), "0.04")


def _of_refused_bets(the: Trial) -> Iterator[Move]:
    yield refused(foreign := the.bet(amount="0.03", currency=the.another_currency), 52)
    yield does_nothing(the.cancel(foreign))
    yield refused(foreign.but(currency=the.player.currency), 53)


def _of_15(the: Trial) -> Iterator[Move]:
    yield refused(bet := the.bet(amount=the.too_much()), NOT_ENOUGH)
    yield does_nothing(the.cancel(bet))
    yield does_nothing(the.cancel(bet))
    yield refused(bet, NOT_ENOUGH)


def _malformed_first(the: Trial) -> Iterator[Move]:
    bet = _bet(the)
    for faulty, code in (
        (the.cancel(bet, roundId=True), 57),
        (the.cancel(bet, amount="x"), 59),
        (the.cancel(bet).without("providerId"), 64),
        (the.refund(bet).without("gameId"), 64),
    ):
        yield refused(faulty, code)
    yield takes(bet)


promise.rows(
    ROUNDS,
    Play("a bet that comes after its cancel is refused with 53", _before_its_bet),
    Play("a cancel before its bet moves nothing", lambda the: (does_nothing(the.cancel(_bet(the))),)),
    Play("a cancel between the deliveries of its bet pays it back once", _between_deliveries),
    Play("a cancel after all deliveries of its bet pays it back once", _after_all_deliveries),
    Play("a cancel of an unknown bet is remembered whatever else it says", _in_any_words),
    Play("a cancel of an unknown bet beside a live one touches no other bet", _beside_a_live_one),
    Play("a cancel of a bet that was refused is answered 0 and remembered", _of_refused_bets),
    Play("a cancel of a bet refused for lack of money moves nothing", _of_15),
    Play("a cancel that was refused for its form remembers nothing", _malformed_first),
    Row(
        "a cancel of an unknown bet without a wallet is refused with 62",
        lambda the: the.cancel(the.bet(userId=the.id("nobody"))),
        62,
    ),
)


# --- What contradicts -------------------------------------------------------------------------------


def _of_another_player(the: Trial) -> Iterator[Move]:
    yield takes(bet := _bet(the))
    yield refused(the.cancel(bet, userId=the.need_other_player()), 61)
    yield pays(the.cancel(bet), "0.03")


def _of_another_round(the: Trial) -> Iterator[Move]:
    yield takes(bet := _bet(the))
    yield refused(the.cancel(bet, roundId=the.id("r")), 61)
    yield refused(the.cancel(bet, gameId="Im_60_another"), 61)
    yield refused(the.cancel(bet, gameId="Im_60_another", amount="7"), 61)
    yield pays(the.cancel(bet), "0.03")


def _once_paid_back(the: Trial) -> Iterator[Move]:
    yield takes(bet := _bet(the))
    yield pays(the.cancel(bet), "0.03")
    yield does_nothing(the.cancel(bet, roundId=the.id("r")))
    yield does_nothing(the.cancel(bet, amount="7"))


def _another_amount(the: Trial) -> Iterator[Move]:
    yield takes(bet := _bet(the))
    yield refused(the.cancel(bet, amount="0.02"), 59)
    yield refused(the.cancel(bet, amount="0"), 59)
    yield pays(the.cancel(bet, amount="0.03"), "0.03")


def _after_a_win(the: Trial) -> Iterator[Move]:
    yield takes(bet := _bet(the))
    yield pays(the.result_of(bet, amount="0.04"), "0.04")
    yield refused(the.cancel(bet), 61)
    yield refused(_by_refund(the, bet), 61)
    yield refused(the.cancel(bet, amount="7"), 61)
    yield does_nothing(bet)


def _after_a_lost_round(the: Trial) -> Iterator[Move]:
    yield takes(bet := _bet(the))
    yield does_nothing(the.result_of(bet, amount="0"))
    yield pays(the.cancel(bet), "0.03")


def _a_win_and_a_second_bet(the: Trial) -> Iterator[Move]:
    yield takes(first := _bet(the))
    yield pays(the.result_of(first, amount="0.04"), "0.04")
    yield takes(second := first.but(reference=the.id(), amount="0.02"))
    yield pays(the.cancel(second), "0.02")
    yield refused(the.cancel(first), 61)


promise.rows(
    ROUNDS,
    Play(
        "a cancel of another players bet is refused with 61 and pays nobody",
        _of_another_player,
        needs=Trial.need_other_player,
    ),
    Play("a cancel that names another round or game than its bet is refused with 61", _of_another_round),
    Play("a cancel of a bet that was paid back is answered 0 whatever it names", _once_paid_back),
    Play("a cancel that names another amount than its bet is refused with 59", _another_amount),
    Play("a cancel of the only bet of a round that won is refused with 61", _after_a_win),
    Play("a cancel of a bet whose round was lost pays it back", _after_a_lost_round),
    Play("a win then a second bet and its cancel pays the second bet back", _a_win_and_a_second_bet),
)


# --- Forms and answers ------------------------------------------------------------------------------


promise.rows(
    ANSWERS,
    Says(
        "a cancel is answered with exactly the documented keys",
        "the keys transactionId, currency, cash, bonus, error, description, in this order",
        other_keys("transactionId", "currency", "cash", "bonus", "error", "description"),
        lambda the: (
            the.result(amount="0.01"),
            bet := the.bet(amount="0.01"),
            the.cancel(bet),
            the.cancel(the.bet()),
            the.refund(the.bet()),
        ),
    ),
)


@promise(ANSWERS)
async def a_cancel_without_an_amount_is_answered_with_text(the: Trial) -> None:
    answer = await the.credited(the.cancel(_bet(the)))

    if not all(isinstance(answer.fields.get(name), str) for name in ("cash", "bonus")):
        raise Unmet("cash and bonus as text", str(answer))


@promise(ANSWERS)
async def a_refused_cancel_has_error_and_description_alone(the: Trial) -> None:
    await the.credited(the.result(amount="0.03"))
    await the.credited(bet := _bet(the))
    for faulty, code in ((the.cancel(bet, roundId=the.id("r")), 61), (the.cancel(bet, amount="7"), 59)):
        if list((answer := await the.refused(faulty, code)).fields) != ["error", "description"]:
            raise Unmet("error and description, and nothing else", str(answer))


promise.rows(
    FIELDS,
    Needs("a cancel needs each of its fields", lambda the: the.cancel(_bet(the)), _NEEDED),
    Needs("a refund needs each of its fields", lambda the: the.refund(_bet(the)), (*_NEEDED, "gameId")),
    Row(
        "a cancel with a malformed identifier is refused with 57",
        lambda the: (
            the.cancel(_bet(the), **{name: value})
            for name in ("userId", "reference", "roundId", "gameId")
            for value in (Raw("1.5"), "x\n", "\u3000", ["x"])
        ),
        57,
    ),
    Row(
        "a cancel whose amount is not valid is refused with 59",
        lambda the: (the.cancel(_bet(the), amount=value) for value in ("-0.03", "x", True)),
        59,
    ),
)


def _by_all_paths(the: Trial) -> Iterator[Move]:
    for callback in ("cancel", "refund"):
        for path in PATHS[callback]:
            yield takes(bet := the.bet(amount="0.01"))
            made = the.cancel(bet) if callback == "cancel" else the.refund(bet)
            yield pays(the.elsewhere(callback, path, made), "0.01")


promise.rows(CALLBACKS, Play("a cancel and a refund may come by all their paths", _by_all_paths))


# --- At the same moment -----------------------------------------------------------------------------


@promise(CANCEL)
async def copies_of_a_cancel_at_once_pay_back_once(the: Trial) -> None:
    await the.credited(the.result(amount="0.03"))
    for _ in range(_WAVES):
        await the.credited(bet := _bet(the))
        await the.send_together([the.cancel(bet)] * the.copies)

    await the.paid("0.03")


@promise(ROUNDS)
async def a_cancel_and_a_refund_at_once_pay_back_once(the: Trial) -> None:
    await the.credited(the.result(amount="0.03"))
    for _ in range(_WAVES):
        await the.credited(bet := _bet(the))
        ways = (the.cancel(bet), _by_refund(the, bet), the.refund(bet), the.refund(bet, reference=the.id()))
        for answer in await the.send_together(ways):
            the.check_credited(answer)

    await the.paid("0.03")


@promise(ROUNDS)
async def a_bet_that_is_cancelled_while_it_is_being_written_takes_nothing(the: Trial) -> None:
    await the.credited(the.result(amount="0.03"))
    for _ in range(_WAVES):
        bet = _bet(the)
        await the.send_together([bet, the.cancel(bet), bet, the.cancel(bet)])
        await the.refused(bet, 53)

    await the.paid("0.03")


@promise(ROUNDS)
async def cancels_of_different_bets_of_a_round_at_once_pay_each_back(the: Trial) -> None:
    await the.credited(the.result(amount="0.30"))
    first = _bet(the)
    bets = [first.but(reference=the.id()) for _ in range(6)]
    for bet in bets:
        await the.credited(bet)
    for answer in await the.send_together([the.cancel(bet) for bet in bets for _ in range(2)]):
        the.check_credited(answer)

    await the.paid("0.30")

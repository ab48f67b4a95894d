"""Bets: a stake is taken once, if there is enough, and never for a spin that was not played."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tools.provider.answers import NOT_ENOUGH, Answer, WrittenNumber
from tools.provider.certify.cases.balance import other_keys
from tools.provider.certify.catalogue import ANSWERS, BET, CALLBACKS, FIELDS, REPLAYS, ROUNDS, Promises
from tools.provider.certify.forms import Move, Needs, Play, Row, Says, does_nothing, pays, refused, takes
from tools.provider.certify.requests import Draft, Raw, Value
from tools.provider.certify.trial import Trial, Unmet
from tools.provider.paths import PATHS

promise = Promises("bets")

_KEYS = ("transactionId", "currency", "cash", "bonus", "error", "description")
_KEYS_OF_15 = ("currency", "cash", "bonus", "error", "description")
_NEEDED = (
    *("userId", "amount", "reference", "providerId", "timeStamp"),
    *("uuid", "gameId", "roundId", "currency"),
)
_MOST_LIVE = 40  # bets of a round
_WAVES = 3  # a race may be won by luck once


def _bet(the: Trial) -> Draft:
    return the.bet(amount="0.03")


def _one(bet: Callable[[Trial], Draft] = _bet) -> Callable[[Trial], Iterable[Move]]:
    return lambda the: (takes(bet(the)),)


# --- What is taken ----------------------------------------------------------------------------------


promise.rows(
    BET,
    Play("a bet is taken from cash", _one()),
    Play(
        "a bet sent twice is taken once",
        lambda the: (takes(bet := _bet(the)), does_nothing(bet), does_nothing(bet)),
    ),
    Play("two bets are both taken", lambda the: (takes(_bet(the)), takes(the.bet(amount="0.02")))),
)


@promise(BET)
async def a_bet_and_its_result_have_two_transactionIds(the: Trial) -> None:
    await the.credited(the.result(amount="0.05"))
    bet = _bet(the)
    staked = await the.credited(bet)
    won = await the.credited(the.result_of(bet, amount="0.04", reference=bet["reference"]))

    if staked.transaction_id == won.transaction_id:
        raise Unmet("two different transactionIds", f"{won.transaction_id} twice")
    await the.paid("0.06")


@promise(BET)
async def a_bet_over_the_balance_is_not_taken(the: Trial) -> None:
    await the.balances()
    await the.send(the.bet(amount=the.too_much()))

    await the.paid("0")


def _two_of_one_round(the: Trial) -> Iterator[Move]:
    yield takes(bet := _bet(the))
    yield takes(bet.but(reference=the.id(), amount="0.02"))


promise.rows(
    ROUNDS,
    Play("two bets of one round are both taken", _two_of_one_round),
    Play(
        "one reference names a bet and a win",
        lambda the: (
            takes(bet := _bet(the)),
            pays(the.result_of(bet, reference=bet["reference"], amount="0.05"), "0.05"),
        ),
    ),
    Play("the contribution to a jackpot is a part of the bet", _one(lambda the: _contributing(the))),
    Play("a bet of nothing is recorded", lambda the: (does_nothing(bet := the.bet(amount="0")), does_nothing(bet))),
    Play("a bet leaves bonus alone", _one()),
    Play(
        "a bet is taken to its last digit",
        lambda the: (
            takes(bet := the.bet(amount="0.010000000000000001")),
            pays(the.result_of(bet, amount="0.010000000000000001"), "0.010000000000000001"),
        ),
    ),
)


def _contributing(the: Trial) -> Draft:
    return the.bet(amount="0.03", jackpotContribution="0.01", jackpotId="568", jackpotDetails={"tier": "mini"})


@promise(ROUNDS)
async def a_bet_may_take_all_there_is(the: Trial) -> None:
    await the.credited(the.result(amount="0.01"))
    there = the.all_there_is()
    await the.credited(bet := the.bet(amount=there))
    rest = (await the.balances()).cash
    await the.credited(the.result_of(bet, amount=there))

    if rest:
        raise Unmet("cash 0 after the bet", f"cash {rest}")
    await the.paid("0.01")


# --- Not enough -------------------------------------------------------------------------------------


def _too_much(the: Trial) -> Draft:
    return the.bet(amount=the.too_much())


def _refused_for_good(the: Trial) -> Iterator[Move]:
    yield refused(bet := _too_much(the), NOT_ENOUGH)
    yield refused(bet, NOT_ENOUGH)
    yield pays(the.result(amount="0.05"), "0.05")
    yield refused(bet, NOT_ENOUGH)
    yield takes(the.bet(amount="0.05"))


def _other_content_after_15(the: Trial) -> Iterator[Move]:
    yield refused(bet := _too_much(the), NOT_ENOUGH)
    yield refused(bet.but(amount="0.01"), 53)
    yield refused(bet, NOT_ENOUGH)


promise.rows(
    ROUNDS,
    Play(
        "a bet over the balance is refused with 15 and the balances",
        lambda the: (refused(_too_much(the), NOT_ENOUGH),),
    ),
    Play("a bet refused for lack of money stays refused when money has come", _refused_for_good),
    Play("a smaller bet under the reference of a refused one is refused with 53", _other_content_after_15),
    Play(
        "a free round is never refused for lack of money",
        lambda the: (
            does_nothing(bet := the.bet(amount=the.too_much(), bonusCode=the.id("b"))),
            does_nothing(bet),
        ),
    ),
    Play("a free round takes no stake", lambda the: (does_nothing(the.bet(amount="0.03", bonusCode=the.id("b"))),)),
)


@dataclass(frozen=True, slots=True)
class _Says15:
    """A bet over the balance is refused with 15, and its answer says what is `expected`."""

    name: str
    expected: str
    instead: Callable[[Answer, Draft], str | None]

    async def attempt(self, the: Trial) -> None:
        await the.balances()
        for bet in (too_much := _too_much(the), too_much.but(reference=the.id(), amount=Raw(too_much["amount"]))):
            answer = await the.refused(bet, NOT_ENOUGH)
            if instead := self.instead(answer, bet):
                raise Unmet(self.expected, instead)


def _other_notation(answer: Answer, request: Draft) -> str | None:
    """The answer, if its balances are numbers where the amount was text, or the other way round."""
    as_numbers = next(each.text for each in request.fields if each.name == "amount")[0] != '"'
    found = [isinstance(answer.fields.get(name), WrittenNumber) for name in ("cash", "bonus")]
    return None if found == [as_numbers, as_numbers] else str(answer)


promise.rows(
    ANSWERS,
    _Says15(
        "a refusal for lack of money has exactly its documented keys",
        f"the keys {', '.join(_KEYS_OF_15)}, in this order",
        lambda answer, _: other_keys(*_KEYS_OF_15)(answer),
    ),
    _Says15("a refusal for lack of money speaks the notation of its bet", "balances as the bet's", _other_notation),
    Says(
        "a bet is answered with exactly the documented keys",
        f"the keys {', '.join(_KEYS)}, in this order",
        other_keys(*_KEYS),
        lambda the: (the.result(amount="0.01"), _small(the)),
    ),
)


def _small(the: Trial) -> Draft:
    return the.bet(amount="0.01")


@promise(ANSWERS)
async def the_answer_to_a_bet_speaks_its_notation(the: Trial) -> None:
    await the.credited(the.result(amount="0.05"))
    for bet in (the.bet(amount="0.02"), the.bet(amount=Raw("0.02"))):
        for _ in range(2):
            if instead := _other_notation(await the.credited(bet), bet):
                raise Unmet("cash and bonus as text where the amount is text, and as numbers where it is one", instead)


# --- Sent again -------------------------------------------------------------------------------------


@promise(REPLAYS)
async def a_bet_sent_again_has_the_first_transactionId(the: Trial) -> None:
    await the.credited(the.result(amount="0.03"))
    bet = _bet(the)

    the.same("transactionId", (await the.credited(bet)).transaction_id, (await the.credited(bet)).transaction_id)


def _again(*changes: Callable[[Trial, Draft], Draft]) -> Callable[[Trial], Iterator[Move]]:
    """A bet, then the bet with each of these changes: replays."""

    def moves(the: Trial) -> Iterator[Move]:
        yield takes(bet := _bet(the))
        for change in changes:
            yield does_nothing(change(the, bet))

    return moves


def _conflicts(
    *changes: Callable[[Trial, Draft], Draft], of: Callable[[Trial], Draft] = _bet
) -> Callable[[Trial], Iterator[Move]]:
    """A bet, then the bet with each of these changes: other content. Then the bet itself, a replay all the same."""

    def moves(the: Trial) -> Iterator[Move]:
        bet = of(the)
        yield does_nothing(bet) if "bonusCode" in {each.name for each in bet.fields} else takes(bet)
        for change in changes:
            yield refused(change(the, bet), 53)
        yield does_nothing(bet)

    return moves


def _changed(**changes: Value) -> Callable[[Trial, Draft], Draft]:
    return lambda _, bet: bet.but(**changes)


promise.rows(
    REPLAYS,
    Play(
        "a bet sent again shows the balances as they are now",
        lambda the: (takes(bet := _bet(the)), pays(the.result(amount="0.02"), "0.02"), does_nothing(bet)),
    ),
    Play(
        "a bet sent again may differ in what is only recorded",
        _again(
            lambda the, bet: bet.but(uuid=the.filler(), timeStamp="1482429190999", sessionId=the.id("s")),
            _changed(roundDetails={"type": "bet", "desc": [{"banker": 10}]}, gameName="?", jackpotContribution="0.01"),
            _changed(amount="0.0300"),
            _changed(amount=Raw("3e-2")),
            lambda the, bet: bet.spelled(roundId="roundid", userId="userid", timeStamp="timestamp"),
        ),
    ),
    Play(
        "a bet with another amount under a known reference is refused with 53",
        _conflicts(_changed(amount="0.02"), _changed(amount="0.030000000000000001"), _changed(amount="0")),
    ),
    Play(
        "a bet of another round or game under a known reference is refused with 53",
        _conflicts(_changed(gameId="Im_60_another"), lambda the, bet: bet.but(roundId=the.id("r"))),
    ),
    Play(
        "a bet in another currency under a known reference is refused with 53 rather than 52",
        _conflicts(lambda the, bet: bet.but(currency=the.another_currency)),
    ),
    Play(
        "a bet of another player under a known reference is refused with 53 rather than 62",
        _conflicts(lambda the, bet: bet.but(userId=the.player.other_id or the.id("nobody"))),
    ),
    Play(
        "a bet with another bonus code under a known reference is refused with 53",
        _conflicts(
            lambda the, bet: bet.but(bonusCode=the.id("b")),
            of=lambda the: the.bet(amount="0.03", bonusCode=the.id("b")),
        ),
    ),
)


@promise(ANSWERS)
async def a_refusal_of_a_bet_has_error_and_description_alone(the: Trial) -> None:
    await the.credited(the.result(amount="0.03"))
    bet = _bet(the)
    await the.credited(bet)
    for faulty, code in (
        (bet.but(amount="0.02"), 53),
        (the.bet(userId=the.id("nobody")), 62),
        (the.bet(currency=the.another_currency), 52),
        (the.bet(amount="x"), 59),
    ):
        if list((answer := await the.refused(faulty, code)).fields) != ["error", "description"]:
            raise Unmet("error and description, and nothing else", str(answer))


# --- Who and what is refused ------------------------------------------------------------------------


promise.rows(
    ANSWERS,
    Row("a bet of an unknown player is refused with 62", lambda the: the.bet(userId=the.id("nobody")), 62),
    Row("a bet in another currency is refused with 52", lambda the: the.bet(currency=the.another_currency), 52),
)
promise.rows(
    FIELDS,
    Row(
        "a bet whose amount is not valid is refused with 59",
        lambda the: (the.bet(amount=value) for value in ("-0.01", "1,0", Raw("1e99"), True, "0.0000000000000000001")),
        59,
    ),
    Row(
        "a bet with a malformed identifier is refused with 57",
        lambda the: (
            the.bet(**{name: value})
            for name in ("userId", "reference", "roundId", "gameId", "bonusCode")
            for value in (Raw("1.5"), "x\n", "\u3000", ["x"])
        ),
        57,
    ),
    Needs("a bet needs each of its fields", Trial.bet, _NEEDED),
)
promise.rows(
    CALLBACKS,
    Play(
        "a bet may come by all its paths",
        lambda the: (takes(the.elsewhere("bet", path, _small(the))) for path in PATHS["bet"]),
    ),
)


def _corrected(the: Trial) -> Iterator[Move]:
    bet = _bet(the)
    yield refused(bet.but(roundId=True), 57)
    yield refused(bet.but(amount="0,03"), 59)
    yield refused(bet.without("gameId"), 64)
    yield refused(bet.but(currency=the.another_currency), 52)
    yield takes(bet)


promise.rows(
    ROUNDS,
    Play("a bet that was refused is taken when it comes corrected", _corrected),
    Play(
        "a bet of a frozen player is refused with 56",
        lambda the: (refused(bet := the.bet(userId=the.need_frozen_player()), 56), refused(bet, 56)),
        needs=Trial.need_frozen_player,
    ),
    Row(
        "a win of a frozen player is credited",
        lambda the: the.result(userId=the.need_frozen_player()),
        cash="0",
        needs=Trial.need_frozen_player,
    ),
)


# --- At the same moment -----------------------------------------------------------------------------


@promise(ROUNDS)
async def of_two_bets_at_once_over_the_balance_one_is_taken(the: Trial) -> None:
    await the.credited(the.result(amount="0.01"))
    for _ in range(_WAVES):
        await the.balances()
        there = the.all_there_is()
        answers = await the.send_together([the.bet(amount=there) for _ in range(2)])
        left = (await the.balances()).cash
        await the.credited(the.result(amount=there))
        codes = sorted(str(answer.error) for answer in answers)
        if codes != ["0", "15"] or left:
            raise Unmet("one bet taken, one refused with 15, and cash 0", f"{' and '.join(codes)}, and cash {left}")

    await the.paid("0.01")


@promise(ROUNDS)
async def no_number_of_bets_at_once_makes_a_balance_negative(the: Trial) -> None:
    await the.credited(the.result(amount="0.30"))
    part = the.part_of_all(3)
    answers = await the.send_together([the.bet(amount=part) for _ in range(the.copies)])
    left = (await the.balances()).cash
    taken = [answer for answer in answers if answer.is_success]
    for _ in taken:
        await the.credited(the.result(amount=part))

    if left < 0 or len(taken) != 3:
        raise Unmet("three bets taken, and cash not below zero", f"{len(taken)} taken, and cash {left}")
    await the.paid("0.30")


@promise(BET)
async def copies_of_a_bet_at_once_are_taken_once(the: Trial) -> None:
    await the.credited(the.result(amount="0.06"))
    for _ in range(_WAVES):
        await the.send_together([the.bet(amount="0.02")] * the.copies)

    await the.paid("0")


@promise(ROUNDS)
async def different_bets_at_once_are_all_taken(the: Trial) -> None:
    total = f"{the.copies // 100}.{the.copies % 100:02}"
    await the.credited(the.result(amount=total))
    bet = the.bet(amount="0.01")
    for answer in await the.send_together([bet.but(reference=the.id()) for _ in range(the.copies)]):
        the.check_credited(answer)

    await the.paid("0")


def _forty_one(the: Trial) -> Iterator[Move]:
    yield takes(first := the.bet(amount="0.01"))
    for _ in range(_MOST_LIVE - 1):
        yield takes(first.but(reference=the.id()))
    yield refused(late := first.but(reference=the.id()), 53)
    yield does_nothing(first)
    yield pays(the.cancel(first), "0.01")
    yield takes(first.but(reference=the.id()))
    yield does_nothing(the.cancel(late))


promise.rows(ROUNDS, Play("the forty first live bet of a round is refused with 53", _forty_one, funds="0.50"))

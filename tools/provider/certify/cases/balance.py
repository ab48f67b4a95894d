"""Balance and check: what the provider asks before a player plays. Neither moves money."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from tools.provider.answers import Answer
from tools.provider.certify.catalogue import ANSWERS, BALANCE, CALLBACKS, CHECK, FIELDS, ROUNDS, TRUST, Promises
from tools.provider.certify.forms import Move, Needs, Play, Row, Says, by_every_path, does_nothing, refused, takes
from tools.provider.certify.requests import Draft, Raw
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("balance")  # and what is true of every call but the wins

_BALANCE = ("currency", "cash", "bonus", "error", "description")


def other_keys(*keys: str) -> Callable[[Answer], str | None]:
    """What an answer has instead of these keys in this order."""
    return lambda answer: None if tuple(answer.fields) == keys else str(answer)


def _numbers(answer: Answer) -> str | None:
    return None if all(isinstance(answer.fields.get(name), str) for name in ("cash", "bonus")) else str(answer)


def _each(request: Callable[[Trial], Draft]) -> Callable[[Trial], Iterable[Draft]]:
    return lambda the: (request(the),)


@promise(BALANCE)
async def a_balance_is_the_cash_that_the_last_answer_showed(the: Trial) -> None:
    won = await the.credited(the.result(amount="0.03"))
    answer = await the.credited(the.balance())

    if won.balances is None or answer.balances is None or answer.balances.cash != won.balances.cash:
        raise Unmet(f"{won.balances}", f"{answer.balances}")


@promise(BALANCE)
async def a_balance_names_the_currency_of_the_player(the: Trial) -> None:
    answer = await the.credited(the.balance())

    the.same("currency", the.player.currency, str(answer.fields.get("currency")))


def _after_a_bet(the: Trial) -> Iterator[Move]:
    yield takes(the.bet(amount="0.03"))
    yield does_nothing(the.balance())
    yield does_nothing(the.balance())


promise.rows(BALANCE, Row("a balance moves nothing", lambda the: (the.balance() for _ in range(3)), cash="0"))
promise.rows(ROUNDS, Play("a balance shows what a bet has taken", _after_a_bet))
promise.rows(
    ANSWERS,
    Says(
        "a balance is answered with exactly its documented keys",
        f"the keys {', '.join(_BALANCE)}, in this order",
        other_keys(*_BALANCE),
        _each(Trial.balance),
    ),
    Says("a balance is text", "cash and bonus as text", _numbers, _each(Trial.balance)),
    Row("a balance of an unknown player is refused with 62", lambda the: the.balance(userId=the.id("nobody")), 62),
    Row("a balance in another currency is refused with 52", lambda the: the.balance(currency=the.another_currency), 52),
)
promise.rows(
    FIELDS,
    Needs("a balance needs each of its fields", Trial.balance, ("uuid", "userId", "providerId")),
    Row(
        "a balance needs neither currency nor session",
        lambda the: the.balance().without("currency", "sessionId"),
        cash="0",
    ),
    Row("a balance of a malformed player is refused with 57", lambda the: the.balance(userId=Raw("4.5")), 57),
)
promise.rows(CALLBACKS, Row("a balance may come by all its paths", by_every_path("balance", Trial.balance), cash="0"))
promise.rows(CHECK, Row("a player who may play passes the check", Trial.check, cash="0"))
promise.rows(
    ANSWERS,
    Says(
        "a check is answered by error and description alone",
        "error and description, and nothing else",
        other_keys("error", "description"),
        _each(Trial.check),
    ),
    Row("a check of an unknown player is refused with 62", lambda the: the.check(userId=the.id("nobody")), 62),
    Row("a check in another currency is refused with 52", lambda the: the.check(currency=the.another_currency), 52),
)
promise.rows(FIELDS, Needs("a check needs each of its fields", Trial.check, ("uuid", "userId", "providerId")))
promise.rows(CALLBACKS, Row("a check may come by all its paths", by_every_path("check", Trial.check), cash="0"))


def _hashed(the: Trial) -> Iterator[Draft]:
    for each in the.each_other_call():
        nameless = each.without("uuid")
        yield nameless.but(hash=the.hash_of(nameless))


def _in_another_dialect(the: Trial) -> Iterator[Draft]:
    for each in the.each_other_call():
        yield each.but(playMode="real", platform=None, token="").spelled(userId="USERID", gameId="gameid").backwards()


promise.rows(
    TRUST,
    Row(
        "each call beyond the wins is refused with 401 without the token",
        lambda the: (each.with_token("none") for each in the.each_other_call()),
        401,
        needs=Trial.need_auth_token,
    ),
    Row(
        "each call beyond the wins that carries a hash needs a right one",
        lambda the: (each.but(hash=the.filler()) for each in the.each_other_call()),
        401,
        needs=Trial.need_hash_secret,
    ),
    Row(
        "each call beyond the wins may be identified by a hash",
        _hashed,
        cash="0",
        needs=Trial.need_hash_secret,
    ),
)
promise.rows(
    ANSWERS,
    Row(
        "each call beyond the wins that is not JSON is refused with 99",
        lambda the: (each.saying(each.text[:-1]) for each in the.each_other_call()),
        99,
    ),
    Row(
        "each call beyond the wins that is no POST is refused with 405",
        lambda the: (replace(each, method="GET") for each in the.each_other_call()),
        405,
    ),
)
promise.rows(
    FIELDS,
    Row("each call beyond the wins may spell and order its fields otherwise", _in_another_dialect, cash="0"),
    Row(
        "each call beyond the wins may carry identifiers as whole numbers",
        lambda the: (each.but(roundId=Raw(the.whole())) for each in the.each_other_call()),
        cash="0",
    ),
)


def _of_a_frozen_player(the: Trial) -> Iterator[Move]:
    frozen = the.need_frozen_player()
    yield refused(the.check(userId=frozen), 56)


promise.rows(
    ROUNDS,
    Play("a check of a frozen player is refused with 56", _of_a_frozen_player, needs=Trial.need_frozen_player),
    Row(
        "a balance of a frozen player is answered",
        lambda the: the.balance(userId=the.need_frozen_player()),
        cash="0",
        needs=Trial.need_frozen_player,
    ),
)

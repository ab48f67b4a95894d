"""Idempotency: a reference is credited once, however often and in whatever words it is sent."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.provider.certify.catalogue import BONUS, JACKPOT, PROMO, REPLAYS, RESULT, Promises
from tools.provider.certify.forms import Again, Row, changed
from tools.provider.certify.requests import Draft, Raw, Value
from tools.provider.certify.trial import Trial, Unmet
from tools.provider.sending import RETRANSMISSIONS

promise = Promises("idempotency")


@dataclass(frozen=True, slots=True)
class _Twice:
    """A win is credited, and sent again: it is paid once. What the second is answered is a case of its own."""

    name: str
    win: Callable[[Trial], Draft]

    async def attempt(self, the: Trial) -> None:
        win = self.win(the)
        await the.credited(win)
        await the.send(win)
        await the.paid(win["amount"], win.pays_bonus)


promise.rows(
    RESULT,
    _Twice("a result sent twice is credited once", lambda the: the.result(amount="0.03")),
)


promise.rows(
    JACKPOT,
    _Twice("a jackpot sent twice is credited once", lambda the: the.jackpot(amount=Raw("0.03"))),
)


promise.rows(
    BONUS,
    _Twice(
        "a free round total sent twice is credited once",
        lambda the: the.total(amount=Raw("0.03"), bonusCode=the.id("b")),
    ),
)


promise.rows(
    PROMO,
    _Twice("a promotion sent twice is credited once", lambda the: the.promo(amount="0.03")),
)


@promise(RESULT)
async def ten_retransmissions_are_one_credit(the: Trial) -> None:
    win = the.result(amount="0.04")
    for _ in range(1 + RETRANSMISSIONS):
        await the.send(win)

    await the.paid("0.04")


@promise(REPLAYS)
async def a_replay_is_answered_as_a_success(the: Trial) -> None:
    for win in the.each_callback():
        await the.credited(win)
        await the.credited(win)


@promise(REPLAYS)
async def a_replay_has_the_first_transactionId(the: Trial) -> None:
    for win in the.each_callback():
        first, again = await the.credited(win), await the.credited(win)
        the.same(f"transactionId for {win.callback}", first.transaction_id, again.transaction_id)


@promise(REPLAYS)
async def a_replay_shows_the_balances_as_they_are_now(the: Trial) -> None:
    for win in the.each_callback(amount="0.01"):
        await the.credited(win)
        later = await the.credited(the.result(amount="0.02"))
        again = await the.credited(win)
        if later.balances is None or again.balances != later.balances:
            raise Unmet(f"{later.balances}, to a replay of {win.callback}", f"{again.balances}")


def _win(the: Trial) -> Draft:
    return the.result(amount="0.02")


def _with_bonus_codes(the: Trial) -> Iterator[Draft]:
    """Every kind of win, each with a separate code."""
    for win in the.each_callback(amount="0.02"):
        yield win.but(bonusCode=the.id("b"))


def _totals(the: Trial) -> Iterator[Draft]:
    yield the.total(amount=Raw("0.02"))
    yield the.total(amount=Raw("0.02"), bonusCode=the.id("b"))


def _without_and_with(the: Trial, *wins: Draft, **fields: Value) -> Iterator[Draft]:
    for win in wins:
        yield win
        yield win.but(reference=the.id(), **fields)


def _the_other_way(win: Draft, **fields: Value) -> Draft:
    """Without the fields, if it has them; else with them."""
    return win.without(*fields) if any(each.name in fields for each in win.fields) else win.but(**fields)


def _alike(*endings: str) -> Callable[[Trial], Iterator[Draft]]:
    """Results whose references differ in their endings."""

    def wins(the: Trial) -> Iterator[Draft]:
        reference = the.id("a")
        for ending in endings:
            yield the.result(reference=f"{reference}{ending}")

    return wins


def _of_every_kind(the: Trial) -> tuple[Draft, ...]:
    return the.each_callback(reference=the.id(), amount="0.01")


def _by_case(the: Trial) -> Iterator[Draft]:
    reference = the.id("x")
    yield the.result(reference=reference, amount="0.02")
    yield the.result(reference=reference.upper(), amount="0.02")


def _by_invisible_characters(the: Trial) -> Iterator[Draft]:
    reference = the.id("a")
    for ending in ("", " ", "  ", "\u00a0", "\u200d", "\ufeff", "\u00ad", "\u3000"):
        yield the.result(reference=f"{reference}{ending}")
    yield the.result(reference=f" {reference}")


promise.rows(
    REPLAYS,
    Again(
        "a replay may have another uuid and timestamp",
        _win,
        lambda the, win: win.but(uuid=the.filler(), timestamp="1482429190999"),
    ),
    Again(
        "a replay may have another session token and platform",
        _win,
        lambda the, win: win.but(sessionId=the.id("s"), token=the.id("t"), platform="mobile"),
    ),
    Again("a replay may have other round details", _win, changed(roundDetails=["spin", "freespin"])),
    Again("a replay may have an unknown field", _win, changed(attempt=2)),
    Again("a replay may order its fields otherwise", _win, lambda the, win: win.backwards()),
    Again(
        "a replay may spell its fields otherwise",
        _win,
        lambda the, win: win.spelled(userId="userid", roundId="ROUNDID", reference="Reference"),
    ),
    Again("a replay may write its amount with more zeros", _win, changed(amount="0.0200")),
    Again("a replay may write its amount as a number", _win, changed(amount=Raw("0.02"))),
    Again(
        "a replay may write its amount with an exponent",
        _win,
        lambda the, win: (win.but(amount="2e-2"), win.but(amount=Raw("0.2E-1"))),
    ),
    Again(
        "a replay may have other recorded fields",
        _win,
        lambda the, win: (
            win.but(timestamp="2016-12-22T17:53:10Z", gameName=5, roundDetails=[]),
            win.but(providerId=7, uuid=True, sessionId={"id": 1}),
        ),
    ),
    Again("a replay may leave out its bonus code", _with_bonus_codes, lambda the, win: win.without("bonusCode")),
    Again(
        "a replay may add a bonus code",
        lambda the: the.each_callback(amount="0.02"),
        lambda the, win: win.but(bonusCode=the.id("b")),
    ),
    Again(
        "a replay may leave out or add the round of a total",
        lambda the: _without_and_with(the, *_totals(the), roundId=the.id("r")),
        lambda the, win: _the_other_way(win, roundId=the.id("r")),
    ),
    Again(
        "a replay may leave out or add the currency of a jackpot or total",
        lambda the: _without_and_with(the, the.jackpot(), the.total(), currency=the.player.currency),
        lambda the, win: _the_other_way(win, currency=the.player.currency),
    ),
    Again(
        "a replay may leave out or add the campaign of a result",
        lambda the: _without_and_with(the, _win(the), promoCampaignId="7", promoCampaignType="T"),
        lambda the, win: _the_other_way(win, promoCampaignId="7", promoCampaignType="T"),
    ),
    Again(
        "a replay may write its currency in lower case",
        _win,
        lambda the, win: win.but(currency=the.player.currency.lower()),
    ),
    Row("one reference under two kinds is two transactions", _of_every_kind),
    Row("references that differ by case are two", _by_case),
    Row(
        "references are told apart to the last character",
        _alike("", "/b", "%2Fb", "#b", ":b", "\\b", "b", "e", "é", "e\u0301"),
    ),
    Row("references that differ by invisible characters are two", _by_invisible_characters),
    Row(
        "references that look alike are two",
        _alike("Å", "\u212b", "A\u030a", "fi", "\ufb01", "1", "\uff11", "K", "\u212a"),
    ),
)

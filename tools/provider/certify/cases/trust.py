"""Trust: whoever does not know what provider and operator share moves nothing, and learns nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.provider.certify.catalogue import TRUST, Promises
from tools.provider.certify.forms import Requests, Row, Steps
from tools.provider.certify.requests import Draft, Raw, Value
from tools.provider.certify.trial import Trial, Unmet
from tools.provider.secret import Secret

promise = Promises("trust")

_FORGED = "4a5d375ac1311b04fba2ea66d067b8e5"  # the pages' own example


@dataclass(frozen=True, slots=True)
class _NotAdmitted:
    """Each request is refused with 401. It moves nothing, and its answer shows no balances."""

    name: str
    requests: Requests
    needs: Callable[[Trial], None] = Trial.need_hash_secret

    async def attempt(self, the: Trial) -> None:
        self.needs(the)
        requests = self.requests(the)
        for request in (requests,) if isinstance(requests, Draft) else requests:
            await _not_admitted(the, request)


async def _not_admitted(the: Trial, win: Draft) -> None:
    answer = await the.refused(win, 401)
    if answer.balances is not None:
        raise Unmet("no balances", str(answer))

    await the.paid("0")


def _admitted(name: str, requests: Steps, cash: str, bonus: str = "0") -> Row:
    """A row that needs a hash secret."""
    return Row(name, requests, cash=cash, bonus=bonus, needs=Trial.need_hash_secret)


def _changed_after_signing(**changes: Value) -> Requests:
    def wins(the: Trial) -> Draft:
        win = the.jackpot()
        return win.but(hash=the.hash_of(win), **changes)

    return wins


def _signed_for_another_player(the: Trial) -> Draft:
    theirs = the.jackpot(userId=the.id("nobody"))
    return theirs.but(hash=the.hash_of(theirs), userId=the.player.id)


def _written_otherwise(the: Trial) -> Draft:
    win = the.jackpot(amount=Raw("0.010"))
    return win.but(hash=the.hash_of(win), amount=Raw("0.01"))


def _without_a_hash(the: Trial) -> Iterator[Draft]:
    yield the.jackpot().unsigned()
    yield the.jackpot(hash="")


def _with_a_uuid(the: Trial) -> Iterator[Draft]:
    yield the.jackpot(uuid=the.filler()).unsigned()
    yield the.total(uuid=the.filler()).unsigned()


promise.rows(
    TRUST,
    _admitted(
        "a right hash is admitted", lambda the: (the.jackpot(amount="0.01"), the.total(amount="0.02")), "0.03", "0.02"
    ),
    _NotAdmitted("a wrong hash of a jackpot is refused with 401", lambda the: the.jackpot(hash=_FORGED)),
    _NotAdmitted("a wrong hash of a free round total is refused with 401", lambda the: the.total(hash=_FORGED)),
    _NotAdmitted("a jackpot without a hash is refused with 401", _without_a_hash),
    _NotAdmitted("a uuid does not replace a hash", _with_a_uuid),
    _NotAdmitted("a hash of another amount is refused with 401", _changed_after_signing(amount=Raw("0.09"))),
    _NotAdmitted("a hash of another player is refused with 401", _signed_for_another_player),
    _NotAdmitted("a hash covers unknown fields", _changed_after_signing(jackpotLevel="grand")),
    _admitted(
        "a hash is over the characters of a number",
        lambda the: (the.jackpot(amount=Raw(amount)) for amount in ("0.0100", "0.02000000000000000")),
        "0.03",
    ),
    _NotAdmitted("a number that was written otherwise has another hash", _written_otherwise),
    _admitted(
        "a hash is over the text of an object as it was sent",
        lambda the: the.jackpot(jackpotDetails=Raw('{"level" : [1,  2.50],"name":"grand"}')),
        "0.01",
    ),
    _admitted("a hash is over all scripts", lambda the: the.jackpot(platform="Tisch Nº 7, 幸运"), "0.01"),
    _admitted("a hash does not depend on the order of the fields", lambda the: the.jackpot().backwards(), "0.01"),
)


def _needs_a_right_hash(win: Callable[[Trial], Draft]) -> Steps:
    def wins(the: Trial) -> Iterator[Draft | tuple[Draft, int]]:
        yield win(the).but(hash=_FORGED), 401
        signed = win(the)
        yield signed.but(hash=the.hash_of(signed))

    return wins


def _in_capitals(the: Trial) -> Draft:
    win = the.jackpot()
    return win.but(hash=the.hash_of(win).upper())


def _cut_elsewhere(the: Trial) -> Iterator[Draft | tuple[Draft, int]]:
    yield (total := the.total(roundId="r9"))
    cut = total.without("roundId").but(reference=f"{total['reference']}&roundId=r9", hash=the.hash_of(total))
    yield cut, 57


promise.rows(
    TRUST,
    _admitted(
        "a result that carries a hash needs a right one",
        _needs_a_right_hash(lambda the: the.result(amount=Raw("0.010"))),
        "0.01",
    ),
    _admitted("a promotion that carries a hash needs a right one", _needs_a_right_hash(Trial.promo), "0.01"),
    _admitted("a result without a hash is admitted", lambda the: the.result(), "0.01"),
    _admitted("a hash in capitals is the same", _in_capitals, "0.01"),
    _admitted("an empty list is no hash", lambda the: (the.result(hash=[]), the.promo(hash={})), "0.02"),
    _NotAdmitted("an empty list does not replace a hash", lambda the: (the.jackpot(hash=[]), the.total(hash={}))),
    _admitted("a hash does not fit the same text cut elsewhere", _cut_elsewhere, "0.01", "0.01"),
    _NotAdmitted(
        "a callback without the token is refused with 401",
        lambda the: (win.with_token("none") for win in the.each_callback()),
        Trial.need_auth_token,
    ),
    _NotAdmitted(
        "a callback with another token is refused with 401",
        lambda the: (win.with_token(Raw("somebody-elses")) for win in the.each_callback()),
        Trial.need_auth_token,
    ),
)


@promise(TRUST)
async def a_piece_of_the_token_is_refused_with_401(the: Trial) -> None:
    the.need_auth_token()
    token = the.provider.secret.auth_token or ""
    for near in (token[:-1], f"{token}x", token.swapcase()):
        if near and near != token:
            the.provider.near_misses.append(Secret(auth_token=near))
            await _not_admitted(the, the.result().with_token(Raw(near)))


@promise(TRUST)
async def a_refusal_does_not_tell_what_was_wrong(the: Trial) -> None:
    the.need_hash_secret()
    the.need_auth_token()
    by_hash = await the.refused(the.jackpot(hash=_FORGED), 401)
    by_token = await the.refused(the.jackpot().with_token("none"), 401)

    the.same("answer", by_hash.text, by_token.text)


@promise(TRUST)
async def who_is_not_admitted_does_not_learn_which_references_are_known(the: Trial) -> None:
    the.need_hash_secret()
    win = the.jackpot()
    await the.credited(win)
    known = await the.refused(win.but(hash=_FORGED), 401)
    unknown = await the.refused(the.jackpot(hash=_FORGED), 401)

    the.same("answer", unknown.text, known.text)


@promise(TRUST)
async def a_win_that_was_not_admitted_is_credited_when_it_comes_with_its_hash(the: Trial) -> None:
    the.need_hash_secret()
    win = the.jackpot()
    await _not_admitted(the, win.but(hash=_FORGED))
    await the.credited(win)

    await the.paid("0.01")

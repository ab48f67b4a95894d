"""Trust: whoever does not know what provider and operator share moves nothing, and learns nothing."""

from tools.provider.certify.catalogue import TRUST, Promises
from tools.provider.certify.requests import Raw, Request, Value
from tools.provider.certify.trial import Trial, Unmet
from tools.provider.secret import Secret

promise = Promises("trust")

_FORGED = "4a5d375ac1311b04fba2ea66d067b8e5"  # the pages' own example


@promise(TRUST)
async def a_right_hash_is_admitted(the: Trial) -> None:
    the.need_hash_secret()
    await the.credited(the.jackpot(amount="0.01"))
    await the.credited(the.total(amount="0.02"))

    await the.paid("0.03", bonus="0.02")


@promise(TRUST)
async def a_wrong_hash_of_a_jackpot_is_refused_with_401(the: Trial) -> None:
    the.need_hash_secret()
    await _not_admitted(the, the.jackpot(hash=_FORGED))


@promise(TRUST)
async def a_wrong_hash_of_a_free_round_total_is_refused_with_401(the: Trial) -> None:
    the.need_hash_secret()
    await _not_admitted(the, the.total(hash=_FORGED))


@promise(TRUST)
async def a_jackpot_without_a_hash_is_refused_with_401(the: Trial) -> None:
    the.need_hash_secret()
    await _not_admitted(the, the.jackpot().unsigned())
    await _not_admitted(the, the.jackpot(hash=""))


@promise(TRUST)
async def a_uuid_does_not_replace_a_hash(the: Trial) -> None:
    the.need_hash_secret()
    await _not_admitted(the, the.jackpot(uuid=the.filler()).unsigned())
    await _not_admitted(the, the.total(uuid=the.filler()).unsigned())


@promise(TRUST)
async def a_hash_of_another_amount_is_refused_with_401(the: Trial) -> None:
    await _tampered(the, amount=Raw("0.09"))


@promise(TRUST)
async def a_hash_of_another_player_is_refused_with_401(the: Trial) -> None:
    the.need_hash_secret()
    theirs = the.jackpot(userId=the.id("nobody"))
    await _not_admitted(the, theirs.but(hash=the.hash_of(theirs), userId=the.player.id))


@promise(TRUST)
async def a_hash_covers_unknown_fields(the: Trial) -> None:
    await _tampered(the, jackpotLevel="grand")


@promise(TRUST)
async def a_hash_is_over_the_characters_of_a_number(the: Trial) -> None:
    the.need_hash_secret()
    await the.credited(the.jackpot(amount=Raw("0.0100")))
    await the.credited(the.jackpot(amount=Raw("0.02000000000000000")))

    await the.paid("0.03")


@promise(TRUST)
async def a_number_that_was_written_otherwise_has_another_hash(the: Trial) -> None:
    the.need_hash_secret()
    win = the.jackpot(amount=Raw("0.010"))
    await _not_admitted(the, win.but(hash=the.hash_of(win), amount=Raw("0.01")))


@promise(TRUST)
async def a_hash_is_over_the_text_of_an_object_as_it_was_sent(the: Trial) -> None:
    the.need_hash_secret()
    await the.credited(the.jackpot(jackpotDetails=Raw('{"level" : [1,  2.50],"name":"grand"}')))

    await the.paid("0.01")


@promise(TRUST)
async def a_hash_is_over_all_scripts(the: Trial) -> None:
    the.need_hash_secret()
    await the.credited(the.jackpot(platform="Tisch Nº 7, 幸运"))

    await the.paid("0.01")


@promise(TRUST)
async def a_hash_does_not_depend_on_the_order_of_the_fields(the: Trial) -> None:
    the.need_hash_secret()
    await the.credited(the.jackpot().backwards())

    await the.paid("0.01")


@promise(TRUST)
async def a_result_that_carries_a_hash_needs_a_right_one(the: Trial) -> None:
    the.need_hash_secret()
    await _not_admitted(the, the.result(hash=_FORGED))
    win = the.result(amount=Raw("0.010"))
    await the.credited(win.but(hash=the.hash_of(win)))

    await the.paid("0.01")


@promise(TRUST)
async def a_promotion_that_carries_a_hash_needs_a_right_one(the: Trial) -> None:
    the.need_hash_secret()
    await _not_admitted(the, the.promo(hash=_FORGED))
    win = the.promo()
    await the.credited(win.but(hash=the.hash_of(win)))

    await the.paid("0.01")


@promise(TRUST)
async def a_result_without_a_hash_is_admitted(the: Trial) -> None:
    the.need_hash_secret()
    await the.credited(the.result())

    await the.paid("0.01")


@promise(TRUST)
async def a_hash_in_capitals_is_the_same(the: Trial) -> None:
    the.need_hash_secret()
    win = the.jackpot()
    await the.credited(win.but(hash=the.hash_of(win).upper()))

    await the.paid("0.01")


@promise(TRUST)
async def an_empty_list_is_no_hash(the: Trial) -> None:
    the.need_hash_secret()
    await the.credited(the.result(hash=[]))
    await the.credited(the.promo(hash={}))

    await the.paid("0.02")


@promise(TRUST)
async def an_empty_list_does_not_replace_a_hash(the: Trial) -> None:
    the.need_hash_secret()
    await _not_admitted(the, the.jackpot(hash=[]))
    await _not_admitted(the, the.total(hash={}))


@promise(TRUST)
async def a_hash_does_not_fit_the_same_text_cut_elsewhere(the: Trial) -> None:
    the.need_hash_secret()
    total = the.total(roundId="r9")
    await the.credited(total)
    cut = total.without("roundId").but(reference=f"{total['reference']}&roundId=r9", hash=the.hash_of(total))
    await the.refused(cut, 57)

    await the.paid("0.01", bonus="0.01")


@promise(TRUST)
async def a_callback_without_the_token_is_refused_with_401(the: Trial) -> None:
    the.need_auth_token()
    for win in the.each_callback():
        await _not_admitted(the, win.with_token("none"))


@promise(TRUST)
async def a_callback_with_another_token_is_refused_with_401(the: Trial) -> None:
    the.need_auth_token()
    for win in the.each_callback():
        await _not_admitted(the, win.with_token(Raw("somebody-elses")))


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


async def _tampered(the: Trial, **changes: Value) -> None:
    the.need_hash_secret()
    win = the.jackpot()
    await _not_admitted(the, win.but(hash=the.hash_of(win), **changes))


async def _not_admitted(the: Trial, win: Request) -> None:
    answer = await the.refused(win, 401)
    if answer.balances is not None:
        raise Unmet("no balances", str(answer))

    await the.paid("0")

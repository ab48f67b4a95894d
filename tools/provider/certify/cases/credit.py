"""Credit: what a win does to a wallet, and what the provider is told."""

from tools.provider.certify.catalogue import ANSWERS, EFFECTS, FIELDS, REPLAYS, RESULT, Promises
from tools.provider.certify.requests import Raw
from tools.provider.certify.trial import Trial, Unmet

promise = Promises("credit")


@promise(RESULT)
async def a_win_is_added_to_cash(the: Trial) -> None:
    await the.credited(the.result(amount="0.07"))

    await the.paid("0.07")


@promise(RESULT)
async def the_answer_shows_the_cash_after_the_win(the: Trial) -> None:
    answer = await the.credited(the.result(amount="0.06"))

    await the.shows(answer, "0.06")


@promise(RESULT)
async def the_answer_names_the_currency_of_the_player(the: Trial) -> None:
    answer = await the.credited(the.result())

    the.same("currency", the.player.currency, str(answer.fields.get("currency")))


@promise(RESULT)
async def two_wins_are_two_transactions(the: Trial) -> None:
    one, other = await the.credited(the.result()), await the.credited(the.result(amount="0.02"))

    if one.transaction_id == other.transaction_id:
        raise Unmet("two different transactionIds", f"{one.transaction_id} twice")
    await the.paid("0.03")


@promise(EFFECTS)
async def a_win_leaves_bonus_alone(the: Trial) -> None:
    await the.credited(the.result(amount="0.05"))

    await the.paid("0.05", bonus="0")


@promise(FIELDS)
async def a_lost_round_is_recorded_and_moves_nothing(the: Trial) -> None:
    lost = the.result(amount="0")
    recorded = await the.credited(lost)

    the.same("transactionId", recorded.transaction_id, (await the.credited(lost)).transaction_id)
    await the.paid("0")


@promise(REPLAYS)
async def two_wins_of_one_round_are_both_paid(the: Trial) -> None:
    spin = the.result(amount="0.02")
    await the.credited(spin)
    await the.credited(spin.but(reference=the.id(), amount="0.02", roundDetails="freespin"))

    await the.paid("0.04")


@promise(EFFECTS)
async def a_win_is_owed_whatever_its_session_and_token_say(the: Trial) -> None:
    await the.credited(the.result(amount="0.02", sessionId="ended long ago", token="nobody's"))  # noqa: S106

    await the.paid("0.02")


@promise(ANSWERS)
async def an_answer_has_exactly_the_documented_keys(the: Trial) -> None:
    for request in the.each_callback():
        answer = await the.credited(request)
        if set(answer.fields) != set(_KEYS):
            raise Unmet(f"the keys {', '.join(_KEYS)} for {request.callback}", str(answer))


@promise(ANSWERS)
async def the_keys_of_an_answer_stand_in_their_order(the: Trial) -> None:
    for request in the.each_callback():
        answer = await the.credited(request)
        if [key for key in answer.fields if key in _KEYS] != [key for key in _KEYS if key in answer.fields]:
            raise Unmet(f"the order {', '.join(_KEYS)} for {request.callback}", ", ".join(answer.fields))


@promise(ANSWERS)
async def a_success_says_error_0_as_a_number(the: Trial) -> None:
    for request in the.each_callback():
        answer = await the.credited(request)
        if answer.written("error") != "0":
            raise Unmet('"error": 0', f'"error": {answer.written("error")}')


@promise(ANSWERS)
async def a_success_is_described_as_Success(the: Trial) -> None:
    answer = await the.credited(the.result())

    the.same("description", "Success", str(answer.fields.get("description")))


@promise(ANSWERS)
async def a_transactionId_is_text_of_at_most_36_characters(the: Trial) -> None:
    for request in the.each_callback():
        answer = await the.credited(request)
        found = answer.fields.get("transactionId")
        if not isinstance(found, str) or not 1 <= len(found) <= 36:
            raise Unmet(
                f"text of 1 to 36 characters for {request.callback}",
                f'"transactionId": {answer.written("transactionId")}',
            )


@promise(ANSWERS)
async def an_answer_is_JSON_and_says_so(the: Trial) -> None:
    answer = await the.credited(the.result())

    content_type = dict(answer.headers).get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Unmet("Content-Type: application/json", content_type or "none")


@promise(ANSWERS)
async def a_win_of_an_unknown_player_is_refused_with_62(the: Trial) -> None:
    await the.refused(the.result(userId=the.id("nobody")), 62, http=200)

    await the.paid("0")


@promise(ANSWERS)
async def a_win_in_another_currency_is_refused_with_52(the: Trial) -> None:
    await the.refused(the.result(currency=the.another_currency), 52, http=200)

    await the.paid("0")


@promise(ANSWERS)
async def a_currency_of_any_form_that_is_not_the_wallets_is_refused_with_52(the: Trial) -> None:
    own, odd = the.player.currency, f"{the.another_currency}-TRC20"
    wide = own.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})  # looks like it, in full width
    for currency in (odd, "$$$", "X", f"{own} ", f"{own}{own}", wide, "\u3000", "x" * 200, Raw("840")):
        await the.refused(the.result(currency=currency), 52, http=200)
    for win in (the.jackpot(), the.total(), the.promo()):
        await the.refused(win.but(currency=odd), 52, http=200)

    await the.paid("0")


@promise(ANSWERS)
async def a_prize_in_another_currency_is_refused_with_52(the: Trial) -> None:
    await the.refused(the.promo(currency=the.another_currency), 52, http=200)

    await the.paid("0")


_KEYS = ("transactionId", "currency", "cash", "bonus", "error", "description")

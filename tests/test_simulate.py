"""The provider as `walletctl simulate` plays it: its story, its words, its stubbornness, and its report."""

import asyncio
import csv
import io
import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from typer.testing import CliRunner

from conftest import EVENTS, Operator
from contract import Call, Cancel, Contract, Wallet
from local_service import HANG_SECONDS
from tools.local.template import Template
from tools.programs.cli import app
from tools.provider.answers import Answer
from tools.provider.sending import RETRANSMISSIONS, Pauses, Unanswered, network
from tools.provider.simulate import provider as provider_module
from tools.provider.simulate.money import Purse
from tools.provider.simulate.pages import AS_THE_EXAMPLE, Secrets, Words, words
from tools.provider.simulate.players import Named, unseen
from tools.provider.simulate.provider import Delivery, Provider, Settled
from tools.provider.simulate.report import COLUMNS, FEED_COLUMNS, Report, report
from tools.provider.simulate.story import (
    ORDINARY,
    PAGES,
    WHOLE_ROUNDS,
    Callback,
    Odds,
    OwedCredit,
    PageName,
    Player,
    RoundOdds,
    WinPage,
    story,
)
from tools.provider.simulate.tally import Tally, percentile
from tools.shared.trouble import Trouble
from tools.walletctl import place
from tools.walletctl.playing import Playing
from tools.walletctl.tables import Tables
from wallet import wire
from wallet.trust import hash_of as the_wallets_hash_of

PLAYERS = [Player(user_id=f"p-{number}", currency=currency) for number, currency in enumerate(("USD", "JPY", "BTC"))]
SECRETS = Secrets(hash_secret="s3cret", auth_token="t&ken")


def told(
    seed: int = 1, seconds: float = 60, rate: float = 20, day_seconds: float = 10, odds: Odds = ORDINARY
) -> list[Callback]:
    return [*story(seed=seed, players=PLAYERS, seconds=seconds, rate=rate, day_seconds=day_seconds, odds=odds)]


def said(callback: Callback, nth: int = 1, secrets: Secrets = SECRETS) -> Words:
    return words(callback, nth=nth, timestamp=1482429190374, secrets=secrets)


def credit(reference: str = "ref-1", **changes: Any) -> OwedCredit:
    plain = OwedCredit(
        callback="result", reference=reference, user_id="421", currency="USD", amount=Decimal("1.50"), round_id="r-1"
    )
    return replace(plain, **changes)


def callback(*credits: OwedCredit, number: int = 1, **changes: Any) -> Callback:
    return replace(Callback(number=number, at=0.0, page="result", credits=credits or (credit(),)), **changes)


# --- The story --------------------------------------------------------------------------------------


def test_the_same_seed_tells_the_same_story() -> None:
    assert told(seed=7) == told(seed=7)


@pytest.mark.parametrize(
    "changes",
    [{"seed": 2}, {"rate": 21}, {"seconds": 59}, {"day_seconds": 11}, {"odds": Odds(duplicated=0.5)}],
    ids=lambda changes: next(iter(changes)),
)
def test_another_story_shares_no_reference(changes: dict[str, Any]) -> None:
    def references(callbacks: Sequence[Callback]) -> set[str]:
        return {credit.reference for callback in callbacks for credit in callback.credits}

    assert not references(told()) & references(told(**changes))


def test_callbacks_come_in_the_order_of_their_times_at_about_the_rate() -> None:
    times = [callback.at for callback in told(seconds=120)]

    assert times == sorted(times)
    assert 0.9 < sum(at < 120 for at in times) / (120 * 20) < 1.2


def test_every_page_is_played_and_so_is_every_way_of_a_lost_answer() -> None:
    callbacks = told(seconds=300)

    assert {callback.page for callback in callbacks} == set(get_args(WinPage))
    assert any(callback.copies > 1 for callback in callbacks)
    assert any(callback.cut_after and not callback.is_given_up for callback in callbacks)
    assert any(callback.is_given_up for callback in callbacks)
    assert any(len(callback.credits) == 2 for callback in callbacks)


def test_most_rounds_win_nothing_and_few_win_much() -> None:
    chance = random.Random(1)
    wins = [Purse("USD").win(chance, 1) for _ in range(20_000)]

    assert 0.68 < sum(win == 0 for win in wins) / len(wins) < 0.72
    assert 0 < sum(win > 100 * Purse("USD").stake for win in wins) < 50
    assert Decimal("0.8") < sum(wins) / (len(wins) * Purse("USD").stake) < Decimal("1.15")


@pytest.mark.parametrize(("currency", "decimals"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("BTC", 8)])
def test_wins_have_the_decimals_of_their_currency(currency: str, decimals: int) -> None:
    chance = random.Random(1)

    assert {Purse(currency).win(chance, 3).as_tuple().exponent for _ in range(100)} == {-decimals}


def free_rounds(callbacks: Sequence[Callback]) -> dict[str, tuple[list[Callback], list[Callback]]]:
    """The rounds and the totals of each bonus code of which rounds are told."""
    found: dict[str, tuple[list[Callback], list[Callback]]] = {}
    for each in callbacks:
        if each.name == "result" and (code := each.credits[0].bonus_code):
            found.setdefault(code, ([], []))[0].append(each)
    for each in callbacks:
        if each.name == "bonus" and each.credits[0].bonus_code in found:
            found[each.credits[0].bonus_code][1].append(each)
    return found


def test_the_totals_of_a_code_are_what_its_rounds_won() -> None:
    codes = free_rounds(told(seconds=300))

    assert len(codes) > 20
    for rounds, totals in codes.values():
        assert sum(each.credits[0].amount for each in rounds) == sum(each.credits[0].amount for each in totals)


def test_a_total_waits_for_its_rounds_but_for_those_that_are_late() -> None:
    for rounds, totals in free_rounds(told(seconds=300)).values():
        assert {each.number for each in rounds if not each.late} == {number for each in totals for number in each.after}


def test_free_rounds_come_in_every_order() -> None:
    codes = free_rounds(told(seconds=300))
    both = [(round, total) for rounds, totals in codes.values() for round in rounds for total in totals]

    assert any(round.at > total.at for round, total in both if total.played_at > round.played_at)  # late rounds
    assert any(total.late for _, total in both)
    assert any(len(totals) == 2 for _, totals in codes.values())
    assert {bool(total.credits[0].round_id) for _, total in both} == {True, False}


def test_a_free_round_is_closed_once_more_without_its_bonus_code() -> None:
    callbacks = {each.number: each for each in told(seconds=300)}
    again = [each for each in callbacks.values() if each.page == "auto-closing" and each.after]
    free = [each for each in again if callbacks[each.after[0]].credits[0].bonus_code]

    assert free
    for closing in free:
        (first,) = callbacks[closing.after[0]].credits
        assert closing.credits == (replace(first, bonus_code=""),)
        assert closing.is_told


def test_free_rounds_are_also_told_by_their_total_alone() -> None:
    callbacks = told(seconds=300)
    played = {callback.credits[0].bonus_code for callback in callbacks if callback.name == "result"}
    alone = [each.credits[0] for each in callbacks if each.page == "bonus-win" and not each.after]

    assert any(total.bonus_code and total.bonus_code not in played for total in alone)
    assert any(not total.bonus_code for total in alone)


def test_an_open_round_is_closed_when_its_day_is_over_under_its_own_reference() -> None:
    callbacks = told(seconds=300, day_seconds=10)
    sent = {callback.number: callback for callback in callbacks if callback.is_given_up}
    closings = [callback for callback in callbacks if callback.page == "auto-closing"]
    again = [closing for closing in closings if closing.after and closing.after[0] in sent]

    assert len(again) == len(sent) > 0
    assert any(not closing.after for closing in closings)
    for closing in again:
        first = sent[closing.after[0]]
        assert closing.credits == first.credits
        assert closing.at == pytest.approx(first.at + 10)


def whole(seed: int = 1, seconds: float = 300, odds: RoundOdds | None = None) -> list[Callback]:
    return told(seed=seed, seconds=seconds, odds=replace(WHOLE_ROUNDS, rounds=odds or RoundOdds()))


def all_of(callbacks: Sequence[Callback]) -> list[Callback]:
    """With what is only sent after a bet that failed."""
    return [each for callback in callbacks for each in (callback, *callback.if_failed)]


def test_whole_rounds_share_no_reference_with_the_wins_alone() -> None:
    references = {credit.reference for callback in told(seconds=300) for credit in callback.credits}

    assert not references & {credit.reference for callback in all_of(whole()) for credit in callback.credits}


def test_whole_rounds_are_about_as_many_calls_as_the_rate_says() -> None:
    callbacks = whole(seconds=600)

    assert [each.at for each in callbacks] == sorted(each.at for each in callbacks)
    assert 0.85 < len(callbacks) / (600 * 20) < 1.15


def test_every_page_of_whole_rounds_is_played() -> None:
    callbacks = all_of(whole())
    bets = [each for each in callbacks if each.page == "bet"]
    rounds = Counter(each.credits[0].round_id for each in bets if not each.is_told)

    assert {each.page for each in callbacks} == {*PAGES}
    assert max(rounds.values()) > 2
    assert any(each.credits[0].amount > 1000 * Purse(each.currency).stake for each in bets)  # over the balance
    assert any(each.credits[0].bonus_code for each in bets)
    assert any(each.is_told for each in bets)  # late
    assert any(each.page == "refund" and each.is_told for each in callbacks)


def test_whole_rounds_begin_with_their_bets_and_what_follows_needs_them() -> None:
    callbacks = {each.number: each for each in whole()}
    bets = {number: each for number, each in callbacks.items() if each.page == "bet"}

    for each in callbacks.values():
        if each.page in ("result", "refund", "end-round", "auto-closing", "jackpot-win"):
            assert each.needs
            for number in each.needs:
                staked = bets[number]
                assert (staked.credits[0].round_id, staked.at <= each.at) == (each.credits[0].round_id, True)


def test_some_whole_rounds_are_left_open_for_good() -> None:
    callbacks = whole()
    ended = {each.credits[0].round_id for each in callbacks if each.page in ("result", "refund", "auto-closing")}
    staked = {each.credits[0].round_id for each in callbacks if each.page == "bet"}

    assert 0 < len(staked - ended) < 0.05 * len(staked)


# --- Its words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "event"),
    [("result", "result"), ("auto-closing", "auto_closing"), ("jackpot-win", "jackpot"), ("promo-win", "promo")],
)
def test_most_callbacks_have_the_fields_of_their_pages_example(page: str, event: str) -> None:
    example = json.loads(json.loads((EVENTS / f"{event}.json").read_text())["body"])
    plain = [
        json.loads(said(callback).body)
        for callback in told(seconds=300)
        if callback.page == page and len(callback.credits) == 1 and not callback.credits[0].bonus_code
    ]
    forms = [[(name, type(value)) for name, value in body.items()] for body in plain]
    alike = forms.count([(name, type(value)) for name, value in example.items()])

    assert AS_THE_EXAMPLE / 2 < alike / len(plain) < 1


def test_fields_come_in_other_spellings_empty_null_as_text_and_as_numbers() -> None:
    bodies = [json.loads(said(callback).body) for callback in told(seconds=300)]
    values = [(name, value) for body in bodies for name, value in body.items()]
    names = {name for name, _ in values}

    assert {"roundId", "roundid", "userId", "userid", "timestamp", "timeStamp"} <= names
    assert {"campaignId", "promoCampaignId", "promoCampaignID", "campaignType", "promoCampaignType"} <= names
    assert {"bonusCode", "sessionId"} <= {name for name, value in values if value is None}
    assert {"bonusCode", "sessionId"} <= {name for name, value in values if value == ""}
    assert {type(value) for name, value in values if name == "amount"} == {str, float}
    assert {type(value) for name, value in values if name == "timestamp"} == {str, int}
    assert {type(value) for name, value in values if name == "roundDetails"} == {str, list, dict}


def test_all_path_spellings_are_used_and_none_that_is_not_there() -> None:
    paths = {urlsplit(said(callback).path).path for callback in told(seconds=300)}

    assert paths | {urlsplit(said(each).path).path for each in all_of(whole())} == set(Template.load().routes())


def test_the_contract_understands_every_word_of_whole_rounds() -> None:
    contract, asked = Contract(), Counter[str]()
    for each in all_of(whole()):
        sent = said(each, secrets=Secrets())
        read, _ = contract.read(Call(sent.path, sent.body.encode()))
        asked[type(read).__name__] += 1
        if isinstance(read, Cancel):
            assert read.of_round is (each.page == "refund")
            assert read.reference == each.facts.get("reference", each.credits[0].reference)

    assert asked.keys() == {"Credit", "Cancel", "Visit"}


def test_the_token_is_in_the_url_and_hashes_are_what_the_wallet_makes_of_the_body() -> None:
    hashed = 0
    for each in told(seconds=120):
        sent = said(each)
        assert parse_qs(urlsplit(sent.path).query) == {"authToken": ["t&ken"]}
        body = wire.parse(sent.body)
        for parameter in body.named("hash"):
            hashed += 1
            assert parameter.value == the_wallets_hash_of(body.parameters, "s3cret")
    assert hashed > 10


def test_a_retransmission_says_the_same_under_another_id() -> None:
    for each in told(seconds=30):
        first, second = (json.loads(said(each, nth, Secrets()).body) for nth in (1, 2))
        assert {name for name in first if first[name] != second[name]} <= {"uuid", "hash"}
        assert first != second


def test_the_functions_credit_every_word_of_it_once(operator: Operator) -> None:
    for player in PLAYERS:
        operator.open_wallet(player.user_id, currency=player.currency)
    callbacks = told(seed=5, seconds=6)
    assert {callback.page for callback in callbacks} >= {"result", "auto-closing", "bonus-win", "promo-win"}

    for each in callbacks:
        for nth in range(each.copies):
            reply = operator.send(each.name, said(each, nth + 1, Secrets()).body)
            assert reply.json["error"] == 0, reply.text

    owed = {f"{credit.callback}#{credit.reference}": credit for each in callbacks for credit in each.credits}
    paid = {transaction["id"]: transaction["amountAsked"] for transaction in operator.transactions()}
    assert paid == {id: credit.amount for id, credit in owed.items()}


def test_the_functions_pay_exactly_what_is_owed_however_late_it_comes(operator: Operator) -> None:
    for player in PLAYERS:
        operator.open_wallet(player.user_id, cash="0", currency=player.currency)
    tally, callbacks = Tally(), told(seed=3, seconds=40)
    codes = free_rounds(callbacks)
    numbers = {each.number for rounds, totals in codes.values() for each in (*rounds, *totals)}
    free = [each for each in callbacks if numbers & {each.number, *each.after}]  # and what closes a round once more

    for each in free:
        tally.begin(each)
        timestamp = 1482429190000 + int(1000 * each.played_at)
        reply = operator.send(each.name, words(each, nth=1, timestamp=timestamp, secrets=Secrets()).body)
        assert reply.json["error"] == 0, reply.text

    assert {player.currency: operator.wallet(player.user_id)["cash"] for player in PLAYERS} == tally.owed
    less = [each for each in operator.transactions() if each["amount"] < each["amountAsked"]]
    assert {each["id"].partition("#")[0] for each in less} == {"bonus", "result"}  # rounds came after their totals


# --- Its stubbornness -------------------------------------------------------------------------------


def sent(
    callbacks: Sequence[Callback],
    answer: Callable[[str], Answer | Unanswered],
    then: Callable[[Provider], None] = lambda _: None,
    slowly: float = 0,
) -> tuple[list[Settled], list[dict[str, Any]], Tally]:
    """What became of the callbacks, the bodies that were sent, and the figures. The first answer comes `slowly`."""
    settled: list[Settled] = []
    bodies: list[dict[str, Any]] = []
    tally = Tally()
    pauses = iter([slowly])

    async def send(url: str, body: str | bytes, **_: str) -> Answer:
        bodies.append(json.loads(body))
        answered = answer(str(body))
        await asyncio.sleep(next(pauses, 0))
        if isinstance(answered, Unanswered):
            raise answered
        return answered

    async def run() -> None:
        provider = Provider("http://wallet", Secrets(), tally, settled.append)
        then(provider)
        await provider.send_all(callbacks, send)

    asyncio.run(run())
    return settled, bodies, tally


PAUSES = provider_module.PAUSES


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_module, "PAUSES", Pauses(first_seconds=0.001, growth=1.7, longest_seconds=0.02))


PAID = {"transactionId": "t-1", "error": 0}


def answered(code: int) -> Answer:
    body = PAID if code == 0 else {"error": code, "description": "no"}
    return Answer(status={401: 401, 404: 404, 998: 503}.get(code, 200), text=json.dumps(body))


def test_what_is_paid_is_sent_once() -> None:
    (settled,), bodies, _ = sent([callback()], lambda _: answered(0))

    assert len(bodies) == 1
    assert (settled.code, settled.transaction_id) == (0, "t-1")


@pytest.mark.parametrize("failure", [answered(998), Unanswered("ClientOSError"), Answer(status=502, text="<html>")])
def test_what_is_not_answered_is_sent_ten_times_more(failure: Answer | Unanswered) -> None:
    (settled,), bodies, tally = sent([callback()], lambda _: failure)

    assert len(bodies) == 1 + RETRANSMISSIONS == 11
    assert {body["reference"] for body in bodies} == {"ref-1"}
    assert len({body["uuid"] for body in bodies}) == 11
    assert settled.code in (998, None)
    assert tally.retransmissions == 10


def test_the_pauses_between_retransmissions_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def wait(_: Provider, seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(provider_module, "PAUSES", PAUSES)
    monkeypatch.setattr(Provider, "_wait", wait)
    sent([callback()], lambda _: answered(998))

    grown = [pause for pause in pauses if pause > 0]
    assert len(grown) == 10
    assert grown[:7] == sorted(grown[:7])
    assert max(grown) <= 15 * 1.2


def test_every_delivery_has_the_moment_of_the_play(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_module.time, "time", lambda: 1482429190.374)
    _, bodies, _ = sent([callback(late=4.0)], lambda _: answered(998))

    assert {str(body["timestamp"]) for body in bodies} == {"1482429186374"}


def test_a_refusal_is_not_sent_again() -> None:
    (settled,), bodies, _ = sent([callback()], lambda _: answered(61))

    assert len(bodies) == 1
    assert settled.code == 61


def test_a_callback_that_is_paid_after_an_outage_is_paid() -> None:
    codes = iter([998, 998, 0])

    (settled,), bodies, _ = sent([callback()], lambda _: answered(next(codes)))

    assert len(bodies) == 3
    assert settled.code == 0


def test_duplicates_are_sent_at_once_and_settled_once() -> None:
    settled, bodies, tally = sent([callback(copies=3)], lambda _: answered(0))

    assert len(bodies) == 3
    assert len(settled) == 1
    assert tally.duplicates == 2


def test_a_lost_connection_is_hung_up_by_the_provider_and_sent_again() -> None:
    (settled,), bodies, tally = sent([callback(cut_after=0.005)], lambda _: answered(0), slowly=60)

    assert len(bodies) == 2
    assert tally.hung_up == 1
    assert settled.code == 0


def test_a_total_is_not_sent_before_its_rounds_are_settled() -> None:
    order: list[str] = []
    codes = iter([998, 998, 998])

    def answer(body: str) -> Answer:
        reference = json.loads(body)["reference"]
        code = next(codes, 0) if reference == "round" else 0
        order.append(f"{reference} {code}")
        return answered(code)

    total = callback(credit("total", callback="bonus"), number=2, page="bonus-win", after=(1,))
    sent([callback(credit("round")), total], answer)

    assert order == ["round 998", "round 998", "round 998", "round 0", "total 0"]


def test_what_is_broken_off_ends_what_is_on_its_way_and_begins_nothing_more() -> None:
    callbacks = [callback(number=1), callback(credit("ref-2"), number=2, at=60.0)]

    def stop_soon(provider: Provider) -> None:
        asyncio.get_running_loop().call_later(0.03, provider.is_stopping.set)

    settled, bodies, _ = sent(callbacks, lambda _: answered(0), stop_soon)

    assert [body["reference"] for body in bodies] == ["ref-1"]
    assert [each.code for each in settled] == [0]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (answered(401), "--secret-file"),
        (answered(404), "before /v4/Result"),
        (Answer(status=200, text="hi"), "not a wallet"),
    ],
)
def test_a_wrong_place_is_told_at_once(answer: Answer, says: str) -> None:
    callbacks = [callback(credit(f"ref-{number}"), number=number) for number in range(50)]

    with pytest.raises(Trouble, match=says):
        sent(callbacks, lambda _: answer)


def test_an_observer_sees_each_delivery_bends_its_words_and_has_the_provider_give_up() -> None:
    seen: list[Delivery] = []

    def observe(provider: Provider) -> None:
        provider.say = lambda callback, **facts: replace(words(callback, **facts), body='{"bent": true}')
        provider.when_delivered = lambda callback, delivery: seen.append(delivery)
        provider.gives_up = lambda callback: seen[-1].code == 998

    (settled,), bodies, _ = sent([callback(copies=2)], lambda _: answered(998), observe)

    assert bodies == [{"bent": True}] * 2
    assert [(each.why, each.code, each.is_cut) for each in seen] == [("first", 998, False), ("copy", 998, False)]
    assert all(each.started <= each.ended for each in seen)
    assert settled.code == 998


# --- Whole rounds -----------------------------------------------------------------------------------


def staked(reference: str = "bet-1", number: int = 1, **changes: Any) -> Callback:
    """A bet, and its cancel if it fails."""
    stake = credit(reference, callback="bet", amount=Decimal("0.50"), game_id="g-1")
    undoing = callback(replace(stake, callback="cancel"), number=900 + number, page="cancel", currency="USD")
    plain = callback(stake, number=number, page="bet", currency="USD", if_failed=(undoing,), fine=frozenset({0, 15}))
    return replace(plain, **changes)


def following(*needs: int, page: PageName = "result", number: int = 9, **changes: Any) -> Callback:
    win = credit("win", game_id="g-1")
    return callback(win, number=number, page=page, currency="USD", after=needs, needs=needs, **changes)


def what_was_sent(callbacks: Sequence[Callback], code_of: Callable[[str], int | None]) -> tuple[list[str], Tally]:
    """The references of what was sent; `code_of` is the answer to each, or None for none."""
    order: list[str] = []

    def answer(body: str) -> Answer | Unanswered:
        fields = json.loads(body)
        name = fields["reference"] if "amount" in fields else f"undo {fields['reference']}"
        order.append(name)
        code = code_of(name)
        return Unanswered("ClientOSError") if code is None else answered(code)

    _, _, tally = sent(callbacks, answer)
    return order, tally


@pytest.mark.parametrize("code", [None, 998, 53, 56, 62, 61])
def test_a_bet_that_fails_is_sent_three_times_again_and_then_cancelled(code: int | None) -> None:
    order, tally = what_was_sent([staked(), following(1)], lambda name: 0 if name == "undo bet-1" else code)

    assert order == ["bet-1"] * 4 + ["undo bet-1"]
    assert tally.open_rounds == tally.in_doubt == 0
    assert not tally.is_all_right


@pytest.mark.parametrize("code", [15, 999])
def test_a_bet_that_is_refused_for_good_is_neither_sent_again_nor_cancelled_nor_played(code: int) -> None:
    order, tally = what_was_sent([staked(), following(1)], lambda _: code)

    assert order == ["bet-1"]
    assert tally.is_all_right is (code == 15)


def test_a_bet_that_was_taken_is_played() -> None:
    order, tally = what_was_sent([staked(), following(1)], lambda _: 0)

    assert order == ["bet-1", "win"]
    assert tally.owed == {"USD": Decimal("1.00")}


def test_a_cancel_is_sent_three_times_in_all_and_leaves_its_bet_in_doubt() -> None:
    order, tally = what_was_sent([staked()], lambda _: None)

    assert order == ["bet-1"] * 4 + ["undo bet-1"] * 3
    assert tally.in_doubt == 1


def test_a_round_is_played_if_one_of_its_bets_was_taken() -> None:
    codes = {"bet-1": 15, "bet-2": 0, "win": 0}
    order, tally = what_was_sent([staked(), staked("bet-2", 2), following(1, 2)], lambda name: codes[name])

    assert order == ["bet-1", "bet-2", "win"]
    assert tally.owed == {"USD": Decimal("1.00")}


def test_a_refund_is_of_the_bets_that_were_taken(tmp_path: Path) -> None:
    undone = [replace(each.credits[0], callback="cancel") for each in (staked(), staked("bet-2", 2))]
    refund = replace(following(1, 2, page="refund", facts={"reference": "own"}), credits=tuple(undone))
    codes = {"bet-1": 15, "bet-2": 0, "undo own": 0}
    settled, _, tally = sent(
        [staked(), staked("bet-2", 2), refund],
        lambda body: answered(codes[json.loads(body)["reference"].replace("own", "undo own")]),
    )
    with report(tmp_path / "report.csv") as rows:
        for each in settled:
            rows.add(each)

    assert tally.owed == {"USD": Decimal(0)}
    assert tally.open_rounds == 0
    assert [(row["callback"], row["reference"], row["amount"]) for row in rows_of(tmp_path / "report.csv")] == [
        ("bet", "bet-2", "0.50"),
        ("cancel", "bet-2", "0.50"),
    ]


def test_a_round_without_a_result_is_counted_as_open() -> None:
    order, tally = what_was_sent([staked(), staked("bet-2", 2)], lambda _: 0)

    assert order == ["bet-1", "bet-2"]
    assert (tally.open_rounds, tally.owed) == (1, {"USD": Decimal(-1)})


def test_a_late_bet_comes_after_its_cancel_once_and_must_be_refused() -> None:
    late = replace(staked(), number=800, is_told=True, if_failed=(), fine=frozenset({53}))
    lost = staked(is_given_up=True)
    lost = replace(lost, if_failed=(*lost.if_failed, late))
    came = iter([None] * 4 + [0, 53])
    order, tally = what_was_sent([lost], lambda _: next(came))
    assert order == ["bet-1"] * 4 + ["undo bet-1", "bet-1"]
    assert tally.is_all_right

    came = iter([None] * 4 + [0, 0])
    assert not what_was_sent([lost], lambda _: next(came))[1].is_all_right


def test_a_lost_bet_is_hung_up_on_every_delivery() -> None:
    calls = count(1)

    async def send(url: str, body: str | bytes, **_: str) -> Answer:
        if next(calls) <= 4:
            await asyncio.sleep(HANG_SECONDS)
        return answered(0)

    async def run() -> Tally:
        provider = Provider("http://wallet", Secrets(), Tally(), lambda _: None)
        await provider.send_all([staked(is_given_up=True, cut_after=0.001)], send)
        return provider.tally

    tally = asyncio.run(run())
    assert tally.hung_up == 4
    assert (tally.lines["bet"].left_open, tally.lines["cancel"].codes[0]) == (1, 1)


def test_a_run_that_is_stopped_still_cancels_the_bet_on_its_way() -> None:
    def stop(provider: Provider) -> None:
        provider.when_delivered = lambda *_: provider.is_stopping.set()

    _, bodies, tally = sent([staked(), following(1)], lambda _: answered(998), stop)

    assert ["amount" in body for body in bodies] == [True, False]
    assert tally.lines["cancel"].begun == 1


STORMY = RoundOdds(several_bets=0.4, over_the_balance=0.05, refunded=0.1, left_open=0.05, bet_lost=0.3)


def played(callbacks: Sequence[Callback], answer: Callable[[str, str], Answer], rows: Report) -> Tally:
    """What the stand-in counts; `answer` is the operator's to a body at a path.

    Bets that are lost come, or do not come, before their cancel. Those that are delivered late are answered.
    """
    lost = {each.credits[0].reference for each in callbacks if each.page == "bet" and each.is_given_up}
    cancelled = set[str]()

    async def send(url: str, body: str | bytes, **_: str) -> Answer:
        fields = json.loads(body)
        is_lost = "amount" in fields and fields["reference"] in lost - cancelled
        if is_lost and fields["reference"][-1] < "8":
            raise Unanswered("ClientOSError")
        answered = answer(urlsplit(url).path, str(body))
        if is_lost:
            raise Unanswered("ClientOSError")
        return answered

    def note(settled: Settled) -> None:
        rows.add(settled)
        if settled.callback.page == "bet" and settled.code is None:
            cancelled.add(settled.callback.credits[0].reference)

    provider = Provider("http://wallet", Secrets(), Tally(), note)
    asyncio.run(provider.send_all([replace(each, at=0.0, cut_after=None) for each in callbacks], send))
    return provider.tally


def wrong(tally: Tally) -> dict[str, Counter[int | None]]:
    return {page: line.codes for page, line in tally.lines.items() if line.wrong}


def test_the_account_of_whole_rounds_is_that_of_an_operator_that_keeps_the_contract(tmp_path: Path) -> None:
    wallets = {each.user_id: Wallet(each.currency, Fraction(10_000_000), Fraction(0)) for each in PLAYERS}
    contract = Contract(wallets={**wallets})

    def answer(path: str, body: str) -> Answer:
        made = contract.due(Call(path, body.encode()))
        return Answer(status=made.status, text=made.body)

    with report(tmp_path / "report.csv", tmp_path / "feed.csv") as rows:
        tally = played(whole(seed=5, seconds=60, odds=STORMY), answer, rows)

    assert wrong(tally) == {}
    assert {currency: Fraction(total) for currency, total in tally.owed.items()} == {
        each.currency: contract.wallets[each.user_id].cash - wallets[each.user_id].cash for each in PLAYERS
    }
    assert tally.open_rounds == sum(round.is_open for round in contract.rounds.values()) > 0
    assert tally.in_doubt == 0
    assert min(tally.lines[page].codes[0] for page in ("bet", "cancel", "refund", "end-round", "balance", "check")) > 0
    assert tally.lines["bet"].codes[15] > 0 < tally.lines["bet"].codes[53]


def test_the_account_of_whole_rounds_is_that_of_the_functions(operator: Operator, tmp_path: Path) -> None:
    functions = Template.load().routes()
    for each in PLAYERS:
        operator.open_wallet(each.user_id, cash="10000000", currency=each.currency)

    def answer(path: str, body: str) -> Answer:
        reply = operator.send(str(functions[path]), body, path=path)
        return Answer(status=reply.status, text=reply.text)

    with report(tmp_path / "report.csv") as rows:
        tally = played(whole(seed=6, seconds=3, odds=STORMY), answer, rows)

    assert wrong(tally) == {}
    assert tally.owed == {each.currency: operator.wallet(each.user_id)["cash"] - 10_000_000 for each in PLAYERS}
    assert tally.open_rounds == sum("openSince" in item for item in operator.items("Rounds")) > 0


def test_the_report_and_the_feed_have_the_bets_and_cancels(tmp_path: Path) -> None:
    failed = replace(staked("bet-2", 2), facts={"sessionId": "s-1"})
    settled = [
        Settled(staked(), timestamp=17, deliveries=1, code=0, transaction_id="t-1"),
        Settled(staked("bet-3", 3), timestamp=17, deliveries=1, code=15),
        Settled(failed, timestamp=17, deliveries=4),
        Settled(failed.if_failed[0], timestamp=17, deliveries=1, code=0, transaction_id="t-2"),
        Settled(following(page="end-round"), timestamp=17, deliveries=1, code=0),
    ]
    with report(tmp_path / "report.csv", tmp_path / "feed.csv") as rows:
        for each in settled:
            rows.add(each)

    shown = ("callback", "reference", "transactionId", "amount", "answer")
    assert [tuple(row[name] for name in shown) for row in rows_of(tmp_path / "report.csv")] == [
        ("bet", "bet-1", "t-1", "0.50", "0"),
        ("bet", "bet-2", "", "0.50", ""),
        ("cancel", "bet-2", "t-2", "0.50", "0"),
    ]
    first, headings, *feed = (tmp_path / "feed.csv").read_text().splitlines()
    assert re.fullmatch(r"#timepoint = [0-9]{13}", first)
    assert headings == ",".join(FEED_COLUMNS)
    assert feed == [
        "bet-1,Bet,0.50,17,,g-1,421,,spin",
        "bet-2,Bet,0.50,17,s-1,g-1,421,,spin",
        "bet-2,Cancel,0.50,17,,g-1,421,,",
    ]


# --- Its way there ----------------------------------------------------------------------------------


@asynccontextmanager
async def listening(answer: bytes | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """An operator's URL at which every request is answered with these bytes, or never; and the requests it had.

    When whoever asked hangs up before, `b"hung up"` is noted.
    """
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        assert length
        heard.append(head + await reader.readexactly(int(length[1])))
        if answer is None:
            heard.append(b"hung up" if await reader.read() == b"" else b"more")
        else:
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard


def test_a_callback_reaches_the_operator_as_it_was_written() -> None:
    async def post() -> tuple[Answer, list[bytes]]:
        moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 3\r\n\r\n\xff!!"
        async with listening(moved) as (url, heard), network(url) as send:
            return await send(f"{url}/prod/v4/Result?authToken=t%26k%2Fe%20n", '{"name": "Ж"}'), heard

    reply, (request,) = asyncio.run(post())

    assert (reply.status, reply.text) == (302, "\ufffd!!")
    assert request.startswith(b"POST /prod/v4/Result?authToken=t%26k%2Fe%20n HTTP/1.1\r\n")
    assert b"content-type: application/json" in request.lower()
    assert request.endswith('{"name": "Ж"}'.encode())


def test_no_answer_is_told_as_none() -> None:
    async def post() -> None:
        async with network("http://127.0.0.1") as send:
            async with listening(b"") as (url, _):
                with pytest.raises(Unanswered, match="ServerDisconnectedError"):
                    await send(url, "{}")
            with pytest.raises(Unanswered, match="ClientConnectorError"):
                await send(url, "{}")

    asyncio.run(post())


def test_hanging_up_closes_the_connection() -> None:
    async def post() -> list[bytes]:
        async with listening(None) as (url, heard), network(url) as send:
            sending = asyncio.ensure_future(send(url, "{}"))
            while not heard:
                await asyncio.sleep(0.02)
            sending.cancel()
            while len(heard) < 2:
                await asyncio.sleep(0.02)
            return heard

    assert asyncio.run(post())[1] == b"hung up"


# --- Its report -------------------------------------------------------------------------------------


def rows_of(path: Path) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(path.read_text()))]


def test_the_report_has_a_row_for_each_credit(tmp_path: Path) -> None:
    prize = credit("prize", callback="promo", amount=Decimal("5.00"), game_id="", round_id="")
    with report(tmp_path / "report.csv") as rows:
        rows.add(Settled(callback(credit(), prize), timestamp=17, deliveries=1, code=0, transaction_id="t-1"))
        rows.add(Settled(callback(prize, is_told=True), timestamp=18, deliveries=1, code=0, transaction_id="t-2"))

    first, second = rows_of(tmp_path / "report.csv")
    assert [*first] == [*COLUMNS]
    assert (first["reference"], first["amount"], first["transactionId"], first["answer"]) == (
        "ref-1",
        "1.50",
        "t-1",
        "0",
    )
    assert (second["reference"], second["callback"], second["amount"]) == ("prize", "promo", "5.00")
    assert second["transactionId"] == ""


def test_a_round_whose_answer_was_lost_is_reported_with_the_answer_that_closed_it(tmp_path: Path) -> None:
    with report(tmp_path / "report.csv") as rows:
        rows.add(Settled(callback(is_given_up=True), timestamp=17, deliveries=1))
        rows.add(Settled(callback(is_told=True), timestamp=90, deliveries=1, code=0, transaction_id="t-1"))

    (row,) = rows_of(tmp_path / "report.csv")
    assert (row["timestamp"], row["transactionId"], row["answer"]) == ("17", "t-1", "0")


def test_a_broken_off_run_reports_what_it_sent(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), report(tmp_path / "report.csv") as rows:
        rows.add(Settled(callback(is_given_up=True), timestamp=17, deliveries=1))
        raise KeyboardInterrupt

    (row,) = rows_of(tmp_path / "report.csv")
    assert row["answer"] == ""
    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]


def test_a_run_that_could_not_begin_leaves_the_report_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "report.csv").write_text("mine")

    with pytest.raises(Trouble), report(tmp_path / "report.csv"):
        raise Trouble("not here")

    assert (tmp_path / "report.csv").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]


def test_a_folder_is_no_report_and_is_told_before_a_round_is_played(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="it is a folder"), report(tmp_path):
        raise AssertionError("it began")


@pytest.mark.parametrize("deliveries", [1, 1_000], ids=["at its end", "on its way"])
def test_a_full_disk_under_the_report_is_said_in_one_line(deliveries: int) -> None:
    full = pytest.raises(Trouble, match=r"^the report /dev/full cannot be written: No space left on device$")
    with full, report(Path("/dev/full")) as rows:
        for _ in range(deliveries):
            rows.add(Settled(callback(), timestamp=17, deliveries=1))


# --- Its secrets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"current": {"hashSecret": "h"}, "previous": {"hashSecret": "of yesterday"}}, "no local service runs"),
        ({"hashSecret": "h", "authToken": "t"}, "no local service runs"),
        ({"secret": "h"}, "is not of the form"),
    ],
)
def test_a_secret_file_has_either_form_that_a_certification_takes(
    tmp_path: Path, content: dict[str, Any], says: str
) -> None:
    file = tmp_path / "secret.json"
    file.write_text(json.dumps(content))

    told = CliRunner().invoke(app, ["simulate", "--secret-file", str(file), "--port", "1"])

    assert told.exit_code == 2
    assert says in told.stderr


# --- Its players ------------------------------------------------------------------------------------


@pytest.fixture
def playing(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Playing:
    client = boto3.client("dynamodb")
    tables = Tables(dynamodb=client, players="Players", transactions="Transactions", free_rounds="FreeRounds")
    monkeypatch.setattr(place.LocalService, "tables", lambda _: tables)
    monkeypatch.setattr(place.LocalService, "invoke", lambda _, name, order: operator.invoke("cashier", order))
    return Playing(place.HERE)


def test_own_players_are_opened_once_and_never_overwritten(operator: Operator, playing: Playing) -> None:
    operator.open_wallet("sim-002", cash="7", currency="SEK")

    players = playing.own(3)
    again = playing.own(3)

    assert players == again
    assert [player.user_id for player in players] == ["sim-001", "sim-002", "sim-003"]
    assert operator.wallet("sim-002")["cash"] == 7
    assert players[1].currency == "SEK"
    wallet = operator.wallet("sim-001")
    assert (wallet["currency"], wallet["cash"], wallet["bonus"], wallet["version"]) == ("USD", 100, 0, 1)


@pytest.mark.parametrize(("text", "says"), [("999", "has no wallet"), ("421=EUR", "in USD")])
def test_a_named_player_must_be_there(playing: Playing, text: str, says: str) -> None:
    with pytest.raises(Trouble, match=says):
        playing.of([Named.read(text)])


def test_a_named_player_has_the_wallets_currency(playing: Playing) -> None:
    assert playing.of([Named.read("421")]) == [Player(user_id="421", currency="USD")]


def test_players_of_another_operator_need_their_currency() -> None:
    assert unseen([Named.read("421=USD")]) == [Player(user_id="421", currency="USD")]
    with pytest.raises(Trouble, match="in which currency"):
        unseen([Named.read("421")])


def test_a_player_and_a_currency_may_have_any_characters_but_control_characters() -> None:
    assert Named.read("slot\u200d1\u00a0=USDT-TRC20") == Named("slot\u200d1\u00a0", "USDT-TRC20")


@pytest.mark.parametrize("text", ["", "=USD", "\u3000=USD", "4\n21", "421=US\n", "421= ", "421=USD=EUR"])
def test_a_name_of_no_player_is_refused(text: str) -> None:
    with pytest.raises(Trouble, match="names no player"):
        Named.read(text)


def test_percentiles_are_of_the_figures() -> None:
    figures = [float(number) for number in range(1, 101)]

    assert percentile(figures, 0.5) == 51
    assert percentile(figures, 0.99) == 100
    assert percentile([], 0.99) == 0


def test_what_is_settled_is_counted_by_page_and_code() -> None:
    tally = Tally()
    for number, code in enumerate([0, 0, 61, None]):
        each = callback(credit(f"ref-{number}"), number=number)
        tally.begin(each)
        tally.settle(each, code, 1)

    assert tally.lines["result"].codes == Counter({0: 2, 61: 1, None: 1})
    assert tally.lines["result"].refused == Counter({61: 1})
    assert tally.owed == {"USD": Decimal("6.00")}


def test_free_rounds_and_their_total_are_owed_once() -> None:
    tally = Tally()
    free = credit(amount=Decimal(2), bonus_code="frb")
    total = credit(callback="bonus", amount=Decimal(5), bonus_code="frb", currency="")
    tally.begin(callback(free))
    tally.begin(callback(replace(free, reference="ref-2")))
    assert tally.owed == {"USD": Decimal(4)}

    tally.begin(callback(total, currency="USD"))
    tally.begin(callback(replace(total, callback="jackpot"), currency="USD"))
    tally.begin(callback(replace(total, bonus_code=""), currency="USD"))
    assert tally.owed == {"USD": Decimal(5 + 5 + 5)}

"""The traffic: the provider's stand-in plays, and some of its results come again in a form that must be refused.

The same seed makes the same traffic, to the last character.
"""

import random
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from tools.proofs.soak.notes import Plan
from tools.provider.signing import fields_in, json_object
from tools.provider.simulate import pages
from tools.provider.simulate.money import CURRENCIES
from tools.provider.simulate.pages import Secrets, Words
from tools.provider.simulate.story import Callback, Odds, PageName, Player, RoundOdds, story

EPOCH = 1_700_000_000.0  # when every run begins, as far as its timestamps say
PLAYERS = 40
HOT_PLAYERS, HOT_TIMES = 4, 7  # they play so many times as much, so that callbacks compete for their wallets
LATE_PLAYERS = 8  # their wallets are opened while they play
REFUSED = 0.4  # of the results that are surely paid
GIVEN_UP = 0.5  # of the callbacks that nothing follows, if they are queued
NEVER_KEPT: frozenset[PageName] = frozenset({"bet", "balance", "check", "end-round"})
FIRST_REFUSED = 1_000_000  # its number: the stand-in's are below

# The stand-in's ordinary wins are mostly nothing, and its connections are good.
ODDS = Odds(
    happens=(55, 14, 9, 8, 9, 5),
    answer_lost=0.10,
    duplicated=0.09,
    rounds=RoundOdds(over_the_balance=0.02, refunded=0.05, left_open=0.06, bet_lost=0.08),
    pays=((60, 0.0, 0.0), (500, 0.2, 1.2), (300, 1.0, 6.0), (120, 5.0, 35.0), (18, 30.0, 150.0), (2, 150.0, 2500.0)),
)

CONFLICT, NOT_JSON, WRONG_TOKEN = 61, 99, 401
# What is refused, and for which fields or by `_words_of`. Source: docs/callbacks.md, Answers.
REFUSALS: Sequence[tuple[int, Mapping[str, str]]] = (
    (52, {"currency": '"XTS"'}),
    (57, {"gameId": r'"lm\n60"'}),
    (59, {"amount": '"-1"'}),
    (CONFLICT, {}),
    (64, {"amount": "null"}),
    (NOT_JSON, {}),
    (WRONG_TOKEN, {}),
)
LEFT_FOR_A_PERSON = frozenset({52, 57, 59, CONFLICT, 64})  # a dead letter, before it is answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """`opens_at` says when the wallets of late players are opened; `plans` are by number, in the order of their times,
    and with those that are only sent if a bet fails.

    Both times are in seconds of the run.
    """

    secrets: Secrets
    players: tuple[Player, ...]
    opens_at: Mapping[str, float]
    plans: Mapping[int, Plan]

    def words(self, callback: Callback, *, nth: int, timestamp: int, secrets: Secrets) -> Words:
        """As `pages.words` has it, with what the plan spoils."""
        plan = self.plans[callback.number]
        if plan.code == WRONG_TOKEN:
            secrets = replace(secrets, auth_token="guessed")  # noqa: S106 - it opens nothing
        said = pages.words(callback, nth=nth, timestamp=timestamp, secrets=secrets)
        if plan.code == NOT_JSON:
            return replace(said, body=said.body[:-1])
        literals = {each.name: each.text for each in fields_in(said.body)}
        return replace(said, body=json_object(literals | dict(plan.fields))) if plan.fields else said


def traffic(*, seed: int, seconds: float, rate: int) -> Traffic:
    """What is sent in so many seconds, about `rate` callbacks a second. Retransmissions come on top."""
    chance = random.Random(f"soak {seed}")  # noqa: S311 - it must be repeatable
    secrets = Secrets(hash_secret=f"hash-{chance.getrandbits(64):x}", auth_token=f"url-{chance.getrandbits(64):x}")
    players = tuple(
        Player(user_id=f"p-{number:03}", currency=chance.choice([*CURRENCIES])) for number in range(1, PLAYERS + 1)
    )
    # A queued win waits at most about as long again, so the last of them is paid soon after the wallet is there.
    opens_at = {player.user_id: chance.uniform(0.1, 0.3) * min(60.0, seconds) for player in players[-LATE_PLAYERS:]}
    callbacks = story(
        seed=seed,
        players=[*players[:HOT_PLAYERS] * (HOT_TIMES - 1), *players],
        seconds=seconds,
        rate=rate / 1.1,  # one in eleven more is sent to be refused
        day_seconds=min(20.0, 0.15 * seconds),
        odds=ODDS,
    )
    plans = sorted(
        _plans([*callbacks], opens_at.keys(), chance), key=lambda plan: (plan.callback.at, plan.callback.number)
    )
    return Traffic(
        secrets=secrets,
        players=players,
        opens_at=opens_at,
        plans={plan.callback.number: plan for plan in plans},
    )


def _plans(callbacks: Sequence[Callback], late: Set[str], chance: random.Random) -> Iterator[Plan]:
    followed = {number for callback in callbacks for number in callback.after}
    for number, callback in enumerate(callbacks, FIRST_REFUSED):
        is_late = callback.credits[0].user_id in late
        is_kept = callback.page not in NEVER_KEPT
        may_give_up = is_kept and callback.number not in followed and chance.random() < GIVEN_UP
        yield Plan(callback=callback, may_be_unknown=is_late, may_give_up=may_give_up)
        for then in callback.if_failed:
            yield Plan(callback=then, may_be_unknown=is_late, follows_a_failure=True)
        is_surely_paid = callback.page == "result" and not (is_late or may_give_up or callback.is_given_up)
        if is_surely_paid and chance.random() < REFUSED:
            yield _refused(callback, number, chance)


def _refused(callback: Callback, number: int, chance: random.Random) -> Plan:
    """A result once more: after itself with another amount, or under another reference with a fault."""
    code, fields = chance.choice(REFUSALS)
    credit = callback.credits[0]
    if code == CONFLICT:
        credit, after = replace(credit, amount=credit.amount + 1), (callback.number,)
    else:
        credit, after = replace(credit, reference=f"refused-{number}"), ()
    again = replace(callback, number=number, credits=(credit,), after=after, copies=1, cut_after=None, is_told=True)
    return Plan(callback=again, code=code, fields=fields)

"""The traffic: the provider's stand-in plays, and beside it comes what no good provider sends.

The same seed makes the same, to the last character.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from typing import Any

from tools.proofs.soak.bodies import FAULTS, SIGNED_FAULTS, as_json, words_of
from tools.proofs.soak.notes import Opened, Plan
from tools.provider.simulate.money import CURRENCIES, Purse
from tools.provider.simulate.pages import Secrets, Words
from tools.provider.simulate.story import Callback, CallbackName, Odds, OwedCredit, PageName, Player, story

EPOCH = 1_700_000_000.0  # when every run begins, as far as its timestamps say
PLAYERS = 40
HOT_PLAYERS, HOT_TIMES = 4, 7  # they play so many times as much: their wallets are contended
LATE_PLAYERS = 6
HOSTILE = 0.25  # of the traffic: what the stand-in would not send

# The stand-in's own wins are mostly nothing, and nothing that is paid twice shows in no balance.
ODDS = Odds(
    happens=(55, 14, 9, 8, 9, 5),
    answer_lost=0.10,
    duplicated=0.09,
    currencies={**CURRENCIES, "ETH": (18, "0.412345678901234567")},
    pays=((60, 0.0, 0.0), (500, 0.2, 1.2), (300, 1.0, 6.0), (120, 5.0, 35.0), (18, 30.0, 150.0), (2, 150.0, 2500.0)),
)
_WALLETS = ("USD", "EUR", "JPY", "KWD", "BTC", "ETH")
_FACTS = {"sessionId": "s-1", "token": "t-1", "platform": "WEB", "gameName": "tumblefortune", "tier": "grand"}
_FACTS |= {"jackpotId": "j-1", "campaignId": "c-1", "campaignType": "race"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """`secrets` are the provider's of today and of yesterday; `plans` are by their callbacks' numbers, and by time."""

    secrets: tuple[Secrets, Secrets]
    players: tuple[Opened, ...]
    plans: Mapping[int, Plan]

    def secrets_document(self) -> dict[str, dict[str, str | None]]:
        keys = zip(("current", "previous"), self.secrets, strict=True)
        return {key: {"hashSecret": each.hash_secret, "authToken": each.auth_token} for key, each in keys}

    def words(self, callback: Callback, *, nth: int, timestamp: int, secrets: Secrets) -> Words:
        """As `pages.words`, with what the plan does to them. One in ten has yesterday's secrets."""
        chance = random.Random(f"oddities {callback.number} {callback.credits[0].reference}")  # noqa: S311 - it must be repeatable
        by_hash, by_token = (self.secrets[1] if chance.random() < 0.1 else secrets for _ in range(2))
        theirs = Secrets(hash_secret=by_hash.hash_secret, auth_token=by_token.auth_token)
        return words_of(self.plans[callback.number], chance, nth=nth, timestamp=timestamp, secrets=theirs)


def traffic(*, seed: int, seconds: float, rate: int) -> Traffic:
    """What is sent in so many seconds at about so many callbacks a second; retransmissions come on top."""
    return _Writer(seed, seconds, rate).traffic()


class _Writer:
    def __init__(self, seed: int, seconds: float, rate: int) -> None:
        self._random = random.Random(f"traffic {seed}")  # noqa: S311 - it must be repeatable
        self._seed, self._seconds, self._rate = seed, seconds, rate
        today, yesterday = (Secrets(hash_secret=self._token("hash-"), auth_token=self._token("url-")) for _ in range(2))
        self._secrets = today, yesterday
        self._players = [self._player(f"p-{number:03}") for number in range(1, PLAYERS + 1)]
        self._playing = [*self._players[:HOT_PLAYERS] * (HOT_TIMES - 1), *self._players]
        self._numbers = count(1_000_000)  # beyond the stand-in's

    def traffic(self) -> Traffic:
        plans = [*self._played(), *self._hostile()]
        late = [self._player(f"late-{number:03}", is_late=True) for number in range(1, LATE_PLAYERS + 1)]
        for player in late:
            plans += self._of_late_player(player)
        plans.sort(key=lambda plan: (plan.callback.at, plan.callback.number))
        return Traffic(
            secrets=self._secrets,
            players=(*self._players, *late),
            plans={plan.callback.number: plan for plan in plans},
        )

    def _player(self, user_id: str, *, is_late: bool = False) -> Opened:
        currency = self._random.choice(_WALLETS)
        return Opened(
            user_id=user_id,
            currency=currency,
            cash=self._amount(currency) + 1000,
            bonus=self._amount(currency),
            opens_at=self._random.uniform(0.15, 0.7) * self._seconds if is_late else None,
        )

    # --- What the stand-in plays --------------------------------------------------------------------

    def _played(self) -> Iterator[Plan]:
        callbacks = [
            *story(
                seed=self._seed,
                players=self._playing,
                seconds=self._seconds,
                rate=self._rate * (1 - HOSTILE) / 1.2,  # a round makes some 1.2 callbacks
                day_seconds=min(20.0, 0.15 * self._seconds),
                odds=ODDS,
            )
        ]
        followed = {number for callback in callbacks for number in callback.after}
        for callback in callbacks:
            plan = Plan(
                callback=callback,
                kind=_kind(callback),
                may_give_up=callback.number not in followed and self._is_tired(),
                is_exact=bool(callback.credits[0].bonus_code),
            )
            yield plan
            if self._random.random() < 0.1 and not plan.may_give_up and not callback.is_given_up:
                yield self._replay(callback)

    def _replay(self, callback: Callback) -> Plan:
        at = callback.at + self._random.uniform(1, 0.3 * self._seconds)
        at = max(callback.at, min(at, self._seconds))
        again = replace(
            callback,
            number=next(self._numbers),
            at=at,
            late=callback.late + at - callback.at,
            after=(callback.number,),
            copies=1,
            cut_after=None,
            is_told=True,
        )
        return Plan(callback=again, kind="replay", is_exact=bool(callback.credits[0].bonus_code))

    # --- What it does not ---------------------------------------------------------------------------

    def _of_late_player(self, player: Opened) -> Iterator[Plan]:
        assert player.opens_at is not None  # noqa: S101 - made so above
        for _ in range(self._random.randint(2, 4)):
            # At most twelve seconds early, so that its retries do not outlast the run.
            early = min(12.0, 0.1 * self._seconds) * self._random.random()
            result = self._result(player.opens_at - early, player)
            yield Plan(callback=result, outcome="late", kind="result, player unknown")
        for _ in range(self._random.randint(2, 5)):
            result = self._result(self._random.uniform(player.opens_at, self._seconds), player)
            yield Plan(callback=result, outcome="late", kind="result, player new")

    def _hostile(self) -> Iterator[Plan]:
        kinds = {
            self._prize_twice: 4,
            self._prize_in_trouble: 3,
            self._prize_in_dispute: 2,
            self._another_prize: 2,
            self._prize_later: 2,
            self._odd_total: 2,
            self._contested: 2,
            self._conflict: 3,
            self._wrong_currency: 2,
            self._refused: 8,
        }
        at = 0.0
        while (at := at + self._random.expovariate(self._rate * HOSTILE / 1.6)) < self._seconds:  # each makes some 1.6
            (make,) = self._random.choices(list(kinds), list(kinds.values()))
            yield from make(at, self._random.choice(self._playing))

    def _prize_twice(self, at: float, player: Player) -> Iterator[Plan]:
        """A result with a prize, which comes by itself as well, at the same moment or a little before or after."""
        prize = self._credit("promo", player)
        yield Plan(callback=self._result(at, player, prize), kind="result with a prize")
        at += self._random.choice([0.0, self._random.uniform(-3, 3)])
        alone = self._callback("promo-win", max(0.0, at), player, prize, is_told=True, **self._manner())
        yield Plan(callback=alone, kind="prize of a result")

    def _prize_in_trouble(self, at: float, player: Player) -> Iterator[Plan]:
        """A result whose prize cannot be paid: it is paid, and the prize is left for a person."""
        code = self._random.choice([57, 59, 64])
        fields: dict[str, Any] = {"promoWinReference": self._token("prize-"), "promoWinAmount": "5"}
        if code == 64:
            del fields["promoWinReference"]
        elif code == 59:
            fields["promoWinAmount"] = self._random.choice(["-5", "five", "1e-19", True])
        else:
            fields["promoWinReference"] = self._random.choice(["p" * 129, "prize\n", ["prize"], 1.5])
        yield Plan(
            callback=self._result(at, player, **self._manner()),
            kind="prize in trouble",
            prize_code=code,
            fields=as_json(fields),
            may_give_up=self._is_tired(),
        )

    def _prize_in_dispute(self, at: float, player: Player) -> Iterator[Plan]:
        """A prize that is paid alone, and comes again with a result and another amount."""
        prize = self._credit("promo", player)
        alone = self._callback("promo-win", at, player, prize)
        yield Plan(callback=alone, kind="promo")
        yield Plan(
            callback=self._result(at, player, after=(alone.number,)),
            kind="prize in dispute",
            prize_code=61,
            fields=as_json({"promoWinReference": prize.reference, "promoWinAmount": f"{prize.amount + 1:f}"}),
        )

    def _another_prize(self, at: float, player: Player) -> Iterator[Plan]:
        """A result with a prize, which comes again with another one: that one is left for a person."""
        first = self._result(at, player, self._credit("promo", player))
        yield Plan(callback=first, kind="result, and again")
        again = replace(first, number=next(self._numbers), credits=first.credits[:1], after=(first.number,))
        yield Plan(
            callback=replace(again, is_told=True),
            kind="another prize",
            prize_code=61,
            fields=as_json({"promoWinReference": self._token("prize-"), "promoWinAmount": "7"}),
        )

    def _prize_later(self, at: float, player: Player) -> Iterator[Plan]:
        """A result without a prize, which comes again with one: that one is paid."""
        first = self._result(at, player, is_told=True)
        yield Plan(callback=first, kind="result, and again")
        again = replace(
            first,
            number=next(self._numbers),
            credits=(*first.credits, self._credit("promo", player)),
            after=(first.number,),
            is_told=False,
        )
        yield Plan(callback=again, kind="prize later")

    def _odd_total(self, at: float, player: Player) -> Iterator[Plan]:
        """Rounds, and a total of less, of more, or of none at all; some timestamps are not known."""
        code, won = self._token("code-"), Decimal(0)
        stamp = {"timestamp": '"2026-05-11T14:35:00Z"'} if self._random.random() < 0.5 else {}
        for _ in range(self._random.randint(0, 3)):
            odd = replace(self._credit("result", player), bonus_code=code)
            won += odd.amount
            callback = self._callback("result", at + self._random.uniform(0, 4), player, odd, **self._manner())
            yield Plan(callback=callback, kind="odd free round", fields=stamp, may_give_up=self._is_tired())
        amount = self._purse(player.currency).exactly(self._random.choice([won / 2, won + 1, won * 3]))
        total = replace(self._credit("bonus", player), bonus_code=code, amount=amount)
        callback = self._callback("bonus-win", at + self._random.uniform(0, 4), player, total, **self._manner())
        yield Plan(callback=callback, kind="odd total", fields=stamp, may_give_up=self._is_tired())

    def _contested(self, at: float, player: Player) -> Iterator[Plan]:
        """Two contents of one reference at the same moment: one of them is paid, whichever comes first."""
        first = self._result(at, player, **self._manner())
        yield Plan(callback=first, kind="contested", outcome="contested", code=61)
        yield Plan(callback=self._with_one_more(first), kind="contested", outcome="contested", code=61)

    def _conflict(self, at: float, player: Player) -> Iterator[Plan]:
        """Two contents of one reference, one after the other."""
        first = self._result(at, player)
        yield Plan(callback=first, kind="result, then in conflict", outcome="contested", code=61)
        second = replace(self._with_one_more(first), after=(first.number,))
        yield Plan(callback=second, kind="conflict", outcome="contested", code=61)

    def _with_one_more(self, first: Callback) -> Callback:
        credit = first.credits[0]
        return replace(first, number=next(self._numbers), credits=(replace(credit, amount=credit.amount + 1),))

    def _wrong_currency(self, at: float, player: Player) -> Iterator[Plan]:
        currency = self._random.choice([*(each for each in _WALLETS if each != player.currency), "USDT-TRC20"])
        credit = replace(self._credit("result", player), currency=currency)
        callback = self._callback("result", at, player, credit, is_told=True, **self._manner())
        yield Plan(callback=callback, kind="wrong currency", outcome="dead letter", code=52)

    def _refused(self, at: float, player: Player) -> Iterator[Plan]:
        """One fault each that the contract refuses. What was admitted is kept. Source: docs/callbacks.md, Answers."""
        fault, code, fields = self._random.choice(FAULTS)
        if fault in SIGNED_FAULTS:
            callback = self._callback("jackpot-win", at, player, self._credit("jackpot", player), is_told=True)
        else:
            callback = self._result(at, player, is_told=True)
        yield Plan(
            callback=callback,
            kind=f"refused: {fault}",
            outcome="refused",
            code=code,
            fields=as_json(fields),
            trick=fault,
        )

    # --- One callback -------------------------------------------------------------------------------

    def _result(self, at: float, player: Player, *others: OwedCredit, **manner: Any) -> Callback:
        return self._callback("result", at, player, self._credit("result", player), *others, **manner)

    def _callback(self, page: PageName, at: float, player: Player, *credits: OwedCredit, **manner: Any) -> Callback:
        number = next(self._numbers)
        return Callback(
            number=number, at=at, page=page, credits=credits, currency=player.currency, facts=_FACTS, **manner
        )

    def _manner(self) -> dict[str, Any]:
        """Mostly nothing; or the provider hangs up, or sends it several times at the same moment."""
        luck = self._random.random()
        if luck < ODDS.answer_lost:
            return {"cut_after": self._random.choice([0.002, 0.01, 0.03, 0.1])}
        return {"copies": self._random.randint(2, 4)} if luck < ODDS.answer_lost + ODDS.duplicated else {}

    def _is_tired(self) -> bool:
        """Whether the provider gives up what is surely kept."""
        return self._random.random() < 0.2

    def _credit(self, callback: CallbackName, player: Player) -> OwedCredit:
        is_of_game = callback != "promo"
        return OwedCredit(
            callback=callback,
            reference=self._token("ref-"),
            user_id=player.user_id,
            currency=player.currency if callback in ("result", "promo") else "",
            amount=self._amount(player.currency),
            round_id=self._random.choice([self._token("r-"), f"{self._random.getrandbits(40)}"])
            if is_of_game and callback != "bonus"
            else "",
            game_id=f"lm_{self._random.randint(1, 60)}" if is_of_game else "",
        )

    def _amount(self, currency: str) -> Decimal:
        """An amount above zero: sometimes one unit of the currency's last decimal."""
        purse = self._purse(currency)
        least = Decimal(1).scaleb(-purse.decimals)
        return least if self._random.random() < 0.05 else max(least, purse.win(self._random, 1))

    def _purse(self, currency: str) -> Purse:
        return Purse(currency, ODDS.currencies, ODDS.pays)

    def _token(self, prefix: str) -> str:
        return f"{prefix}{self._random.getrandbits(64):016x}"


def _kind(callback: Callback) -> str:
    """What a callback of the stand-in's is called in the account."""
    credit = callback.credits[0]
    match callback.page:
        case "result" if len(callback.credits) > 1:
            kind = "result with a prize"
        case "result" if credit.bonus_code:
            kind = "free round"
        case "result" if callback.is_given_up:
            kind = "result, its answer lost"
        case "auto-closing" if callback.is_told and not credit.bonus_code:
            kind = "auto closing of what was sent"
        case "bonus-win":
            kind = "total" if credit.bonus_code else "total without a code"
        case "promo-win" if callback.is_told:
            kind = "prize of a result"
        case page:
            kind = page
    return f"{kind}, late" if callback.late else kind

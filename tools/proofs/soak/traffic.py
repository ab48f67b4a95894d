"""The traffic: which callbacks are sent, to whom, and when. The same seed makes the same, to the last character."""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from typing import Any

from tools.proofs.soak.story import Callback, Claim, Counts, Manner, Outcome, Player
from tools.provider.signing import json_object, signed

PLAYERS = 40
HOT_PLAYERS = 4  # they get four tenths of the traffic: their wallets are contended
LATE_PLAYERS = 6

# A currency's decimals, and the digits before them.
CURRENCIES = {"USD": (2, 4), "EUR": (2, 4), "JPY": (0, 6), "KWD": (3, 3), "BTC": (8, 2), "ETH": (18, 3)}
PATHS = {
    "result": ("/v4/Result", "/V4/Result"),
    "jackpot": ("/V4/JackPotWin", "/v4/JackPotWin"),
    "bonus": ("/bonuswin", "/V4/BonusWin", "/v4/BonusWin"),
    "promo": ("/V4/PromoWin", "/v4/PromoWin"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What the provider knows, of today and of yesterday."""

    hash_secrets: tuple[str, str]
    tokens: tuple[str, str]

    def document(self) -> dict[str, dict[str, str]]:
        keys = zip(("current", "previous"), self.hash_secrets, self.tokens, strict=True)
        return {key: {"hashSecret": secret, "authToken": token} for key, secret, token in keys}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    secrets: Secrets
    players: tuple[Player, ...]
    callbacks: tuple[Callback, ...]  # in the order of `at`


def traffic(*, seed: int, seconds: float, rate: int) -> Traffic:
    """What is sent in so many seconds at so many callbacks a second; retransmissions come on top."""
    return _Writer(seed, seconds, rate).traffic()


class _Writer:
    def __init__(self, seed: int, seconds: float, rate: int) -> None:
        self._random = random.Random(f"traffic {seed}")  # noqa: S311 - it must be repeatable
        self._seconds = seconds
        self._rate = rate
        self._numbers = count(1)
        self._secrets = Secrets(
            hash_secrets=(self._token("hash-"), self._token("hash-")), tokens=(self._token("url-"), self._token("url-"))
        )
        self._players = [self._player(f"p-{number:03}") for number in range(1, PLAYERS + 1)]

    def traffic(self) -> Traffic:
        callbacks: list[Callback] = []
        at = 0.0
        while (at := at + self._random.expovariate(self._rate)) < self._seconds:
            callbacks += self._some(at)
        late = [self._late_player(number) for number in range(1, LATE_PLAYERS + 1)]
        for player in late:
            callbacks += self._of_late_player(player)
        return Traffic(
            secrets=self._secrets,
            players=(*self._players, *late),
            callbacks=tuple(sorted(callbacks, key=lambda callback: callback.at)),
        )

    # --- Players ------------------------------------------------------------------------------------

    def _player(self, user_id: str, opens_at: float | None = None) -> Player:
        currency = self._random.choice(list(CURRENCIES))
        return Player(
            user_id=user_id,
            currency=currency,
            cash=Decimal(self._amount(currency)) + 1000,
            bonus=Decimal(self._amount(currency)),
            opens_at=opens_at,
        )

    def _late_player(self, number: int) -> Player:
        return self._player(f"late-{number:03}", self._random.uniform(0.15, 0.7) * self._seconds)

    def _of_late_player(self, player: Player) -> Iterator[Callback]:
        assert player.opens_at is not None  # noqa: S101 - made so above
        for _ in range(self._random.randint(2, 4)):
            # At most twelve seconds early, so that its retries do not outlast the run.
            early = min(12.0, 0.1 * self._seconds) * self._random.random()
            yield replace(self._result(player.opens_at - early, player), outcome="late", kind="result, player unknown")
        for _ in range(self._random.randint(2, 5)):
            yield replace(
                self._result(self._random.uniform(player.opens_at, self._seconds), player),
                outcome="late",
                kind="result, player new",
            )

    def _anyone(self) -> Player:
        hot = self._random.random() < 0.4
        return self._random.choice(self._players[:HOT_PLAYERS] if hot else self._players)

    # --- Callbacks ----------------------------------------------------------------------------------

    def _some(self, at: float) -> Sequence[Callback]:
        """What is sent at a moment: mostly one callback, sometimes two that belong together."""
        player = self._anyone()
        kinds = {
            self._one_result: 36,
            self._prize: 9,
            self._prize_in_trouble: 3,
            self._another_prize: 2,
            self._prize_later: 2,
            self._free_rounds: 3,
            self._odd_total: 2,
            self._bare_total: 2,
            self._auto_closing: 5,
            self._jackpot: 7,
            self._promo: 6,
            self._contested: 2,
            self._conflict: 3,
            self._wrong_currency: 2,
            self._refused: 7,
        }
        (make,) = self._random.choices(list(kinds), list(kinds.values()))
        return make(at, player)

    def _one_result(self, at: float, player: Player) -> Sequence[Callback]:
        return [self._result(at, player)]

    def _result(self, at: float, player: Player, **changes: Any) -> Callback:
        return self._callback("result", at, player, self._result_fields(player), **changes)

    def _auto_closing(self, at: float, player: Player) -> Sequence[Callback]:
        fields = self._result_fields(player)
        del fields["sessionId"]
        return [self._callback("result", at, player, fields, label="auto closing")]

    def _prize(self, at: float, player: Player) -> Sequence[Callback]:
        """A result with a promotion's prize; every other prize arrives by its own callback as well, before or after."""
        prize, prize_amount = self._token("prize-"), self._amount(player.currency, zero=False)
        campaign = {"promoCampaignId": f"c-{self._random.randint(1, 9)}", "promoCampaignType": "tournament"}
        fields = self._result_fields(player) | campaign | {"promoWinReference": prize}
        result = self._callback("result", at, player, fields, label="result with a prize", prize=(prize, prize_amount))
        if self._random.random() < 0.5:
            return [result]
        alone = self._callback(
            "promo",
            max(0.0, at + self._random.choice([0.0, self._random.uniform(-3, 3)])),
            player,
            {"uuid": self._token("u-"), "currency": player.currency, **campaign},
            label="prize of a result",
            reference=prize,
            amount=prize_amount,
        )
        return [result, alone]

    def _prize_in_trouble(self, at: float, player: Player) -> Sequence[Callback]:
        """A result whose prize cannot be paid: it is paid, and the prize is left for a person."""
        fields, prize, amount = self._result_fields(player), self._token("prize-"), self._amount(player.currency)
        faults: dict[int, dict[str, Any]] = {
            64: {"promoWinAmount": self._amount(player.currency, zero=False)},
            59: {"promoWinReference": prize, "promoWinAmount": self._random.choice(["-5", "five", "1e-19", True])},
            57: {
                "promoWinReference": self._random.choice(["p" * 129, "prize\n", ["prize"], 1.5]),
                "promoWinAmount": self._amount(player.currency, zero=False),
            },
        }
        code = self._random.choice([*faults, 61])
        if code != 61:
            return [
                self._callback("result", at, player, fields | faults[code], label="prize in trouble", prize_code=code)
            ]
        alone = self._callback(
            "promo",
            at,
            player,
            {"uuid": self._token("u-"), "currency": player.currency, "campaignId": "c-1", "campaignType": "race"},
            reference=prize,
            amount=amount,
        )
        other = {"promoWinReference": prize, "promoWinAmount": f"{Decimal(amount) + 1:f}"}
        disputed = self._callback("result", at, player, fields | other, label="prize in dispute", prize_code=61)
        return [replace(alone, then=replace(disputed, replay_after=None))]

    def _another_prize(self, at: float, player: Player) -> Sequence[Callback]:
        """A result with a prize, which comes again with another one: that one is left for a person."""
        first, again = self._twice(at, player, prize=(self._token("prize-"), self._amount(player.currency, zero=False)))
        another = {"promoWinReference": self._token("prize-"), "promoWinAmount": self._amount("USD", zero=False)}
        return [replace(first, then=again(another, label="another prize", prize_code=61))]

    def _prize_later(self, at: float, player: Player) -> Sequence[Callback]:
        """A result without a prize, which comes again with one: that one is paid."""
        first, again = self._twice(at, player)
        prize = self._token("prize-"), self._amount(player.currency, zero=False)
        return [replace(first, then=again({"promoWinReference": prize[0]}, label="prize later", prize=prize))]

    def _twice(
        self, at: float, player: Player, prize: tuple[str, str] | None = None
    ) -> tuple[Callback, Callable[..., Callback]]:
        """A result, and what makes it once more with other fields beside."""
        fields = self._result_fields(player)
        named = {"promoWinReference": prize[0]} if prize else {}
        first = self._callback("result", at, player, fields | named, label="result, and again", prize=prize)
        claim = first.claims[0]

        def again(more: Mapping[str, Any], **changes: Any) -> Callback:
            amount = f"{claim.amount:f}"
            made = self._callback(
                "result", at, player, {**fields, **more}, reference=claim.reference, amount=amount, **changes
            )
            return replace(made, manner="plain", copies=1, cut_after=0.0, replay_after=None)

        return first, again

    def _free_rounds(self, at: float, player: Player) -> Sequence[Callback]:
        """Grants under one code, half the time two at once: rounds, then their total. A fifth of it is late.

        What is late has the timestamp of when it was played.
        """
        code = self._token("code-")
        made: list[Callback] = []
        for begins in self._random.choice([(at,), (at, at + self._random.uniform(0, 4))]):
            moment, won = begins, Decimal(0)
            last: dict[str, Any] = {}
            for _ in range(self._random.randint(1, 5)):
                moment += self._random.uniform(0.1, 2)
                last = self._result_fields(player)
                made.append(self._round(moment, player, code, last))
                won += made[-1].claims[0].amount
            moment += self._random.uniform(0.01, 2)
            fields = {"gameId": last["gameId"]} | self._maybe({"roundId": last["roundId"]})
            made.append(self._of_grant("bonus", moment, player, fields, code, label="total", amount=f"{won:f}"))
        return made

    def _round(self, moment: float, player: Player, code: str, fields: Mapping[str, Any]) -> Callback:
        """A free round; now and then it is closed automatically as well, and its code is left out."""
        made = self._of_grant("result", moment, player, fields, code, label="free round")
        if self._random.random() > 0.15:
            return made
        closing = {name: value for name, value in fields.items() if name != "sessionId"}
        claim = made.claims[0]
        closed = self._callback(
            "result",
            moment,
            player,
            closing,
            label="auto closing without its code",
            reference=claim.reference,
            amount=f"{claim.amount:f}",
        )
        return replace(made, then=replace(closed, manner="plain", copies=1, cut_after=0.0, replay_after=None))

    def _of_grant(
        self, name: str, moment: float, player: Player, fields: Mapping[str, Any], code: str, **more: Any
    ) -> Callback:
        is_late = self._random.random() < 0.2
        at = moment + (self._random.uniform(0.5, 0.2 * self._seconds) if is_late else 0.0)
        counts: Counts = "round" if name == "result" else "total"
        made = self._callback(name, at, player, fields, moment=moment, bonus_code=code, counts=counts, **more)
        return replace(
            made,
            at=min(at, self._seconds),
            kind=f"{made.kind}, late" if is_late else made.kind,
            claims=tuple(replace(claim, is_exact=True) for claim in made.claims),
        )

    def _odd_total(self, at: float, player: Player) -> Sequence[Callback]:
        """Rounds, and a total of less, of more, or of none at all; some timestamps are not known."""
        code, rounds = self._token("code-"), range(self._random.randint(0, 3))
        stamp: dict[str, Any] = self._maybe({"timestamp": "2026-05-11T14:35:00Z"})
        made = [
            self._callback(
                "result",
                at + self._random.uniform(0, 4),
                player,
                self._result_fields(player) | stamp,
                label="odd free round",
                bonus_code=code,
                counts="round",
            )
            for _ in rounds
        ]
        won = sum((each.claims[0].amount for each in made), Decimal(0))
        total = self._random.choice([won / 2, won + 1, won * 3])
        decimals, _ = CURRENCIES[player.currency]
        amount = f"{total.quantize(Decimal(1).scaleb(-decimals)):f}"
        fields = {"gameId": "lm_60"} | stamp
        odd = self._callback(
            "bonus",
            at + self._random.uniform(0, 4),
            player,
            fields,
            label="odd total",
            bonus_code=code,
            counts="total",
            amount=amount,
        )
        return [*made, odd]

    def _bare_total(self, at: float, player: Player) -> Sequence[Callback]:
        return [self._callback("bonus", at, player, {"gameId": "lm_60"}, label="total without a code", counts="total")]

    def _jackpot(self, at: float, player: Player) -> Sequence[Callback]:
        fields = {"gameId": "lm_60", "roundId": self._token("r-"), "jackpotId": f"j-{self._random.randint(1, 5)}"}
        return [self._callback("jackpot", at, player, fields | self._maybe({"jackpotDetails": {"tier": "grand"}}))]

    def _promo(self, at: float, player: Player) -> Sequence[Callback]:
        fields = {
            "uuid": self._token("u-"),
            "currency": player.currency,
            "campaignId": f"c-{self._random.randint(1, 9)}",
            "campaignType": "race",
        }
        return [self._callback("promo", at, player, fields)]

    def _contested(self, at: float, player: Player) -> Sequence[Callback]:
        """Two contents of one reference at the same moment: one of them is paid, whichever comes first."""
        first = self._result(at, player, label="contested", outcome="contested", code=61)
        claim = first.claims[0]
        second = self._result(
            at,
            player,
            reference=claim.reference,
            amount=f"{claim.amount + 1:f}",
            label="contested",
            outcome="contested",
            code=61,
        )
        return [first, second]

    def _conflict(self, at: float, player: Player) -> Sequence[Callback]:
        first = self._result(at, player)
        claim = first.claims[0]
        conflict = self._result(
            at,
            player,
            reference=claim.reference,
            amount=f"{claim.amount + 1:f}",
            label="conflict",
            outcome="dead letter",
            code=61,
        )
        return [replace(first, then=replace(conflict, manner="plain", replay_after=None))]

    def _wrong_currency(self, at: float, player: Player) -> Sequence[Callback]:
        currency = self._random.choice([*(each for each in CURRENCIES if each != player.currency), "USDT-TRC20"])
        fields = self._result_fields(player) | {"currency": currency}
        return [self._callback("result", at, player, fields, label="wrong currency", outcome="dead letter", code=52)]

    def _refused(self, at: float, player: Player) -> Sequence[Callback]:
        """One fault each that the contract refuses. What was admitted is kept. Source: docs/callbacks.md, Answers."""
        callback = replace(self._result(at, player, plainly=True), outcome="refused", manner="plain", replay_after=None)
        body, amount = callback.body, callback.claims[0].amount
        plain = json.loads(body, parse_float=str, parse_int=str) | {"amount": f"{amount:f}"}
        jackpot = self._jackpot(at, player)[0]
        faults: dict[str, tuple[int, Mapping[str, Any]]] = {
            "no amount": (64, {"body": json.dumps(plain | {"amount": None})}),
            "no round": (64, {"body": json.dumps({name: plain[name] for name in plain if name != "roundId"})}),
            "empty lists": (64, {"body": json.dumps(plain | {"gameId": [], "gameName": {}})}),
            "negative amount": (59, {"body": json.dumps(plain | {"amount": "-1"})}),
            "too small": (59, {"body": json.dumps(plain | {"amount": "1e-19"})}),
            "too large an exponent": (59, {"body": json.dumps(plain | {"amount": "1e999999999"})}),
            "boolean amount": (59, {"body": json.dumps(plain | {"amount": True})}),
            "NaN": (59, {"body": json.dumps(plain | {"amount": float("nan")})}),
            "too many digits": (59, {"body": json.dumps(plain | {"amount": "1" * 33})}),
            "a control character": (57, {"body": json.dumps(plain | {"gameId": "lm\n60"})}),
            "half a number": (57, {"body": json.dumps(plain | {"roundId": 1.5})}),
            "too long an id": (57, {"body": json.dumps(plain | {"roundId": "r" * 129})}),
            "two spellings": (57, {"body": json.dumps(plain | {"USERID": "somebody-else"})}),
            "not JSON": (99, {"body": body[:-2]}),
            "no object": (99, {"body": f"[{body}]"}),
            "a key twice": (99, {"body": f'{body[:-1]}, "roundId": "r-2", "roundId": "r-2"}}'}),
            "too large": (99, {"body": json.dumps(plain | {"roundDetails": "x" * 66_000})}),
            "wrong token": (401, {"token": "guessed"}),
            "no token": (401, {"token": None}),
            "wrong hash": (401, {"path": jackpot.path, "body": signed(_unsigned(jackpot.body), "guessed")}),
            "GET": (405, {"method": "GET", "body": ""}),
            "no such path": (404, {"path": "/v4/Results"}),
        }
        fault = self._random.choice(list(faults))
        code, changes = faults[fault]
        claims = jackpot.claims if fault == "wrong hash" else callback.claims
        return [replace(callback, kind=f"refused: {fault}", code=code, claims=claims, **changes)]

    # --- One callback -------------------------------------------------------------------------------

    def _callback(
        self,
        name: str,
        at: float,
        player: Player,
        fields: Mapping[str, Any],
        *,
        label: str = "",
        reference: str = "",
        amount: str = "",
        bonus_code: str | None = None,
        counts: Counts = "cash",
        prize: tuple[str, str] | None = None,
        outcome: Outcome = "paid",
        code: int = 0,
        prize_code: int | None = None,
        moment: float | None = None,
        plainly: bool = False,
    ) -> Callback:
        reference = reference or self._token("ref-")
        amount = amount or self._amount(player.currency)
        as_text = self._random.random() < 0.6
        quote = '"' if as_text else ""
        values: dict[str, Any] = {
            "providerId": "luckymonaco",
            "userId": player.user_id,
            "reference": reference,
            "timestamp": str(1_700_000_000_000 + int(1000 * (at if moment is None else moment))),
            "bonusCode": bonus_code,
            "platform": self._random.choice([None, "WEB", "MOBILE"]),
            **fields,
        }
        literals = {field: json.dumps(value) for field, value in values.items() if value is not None}
        written = f"{Decimal(amount):e}" if not plainly and self._random.random() < 0.05 else amount
        literals["amount"] = f"{quote}{written}{quote}"
        own = Claim(
            id=f"{name}#{reference}",
            user_id=player.user_id,
            amount=Decimal(amount),
            currency=values.get("currency"),
            counts=counts,
            bonus_code=bonus_code,
        )
        claims = [own]
        if prize:
            literals["promoWinAmount"] = f"{quote}{prize[1]}{quote}"
            claims.append(
                Claim(id=f"promo#{prize[0]}", user_id=player.user_id, amount=Decimal(prize[1]), currency=own.currency)
            )
        names = list(literals)
        self._random.shuffle(names)
        # Names are matched without regard to case.
        loud = 0 if plainly else 0.02
        spelled = {field.upper() if self._random.random() < loud else field: literals[field] for field in names}
        # Some platforms write a mark of the byte order before every text.
        body = json_object(spelled) if plainly or self._random.random() > 0.02 else f"\ufeff{json_object(spelled)}"
        if name in ("jackpot", "bonus"):
            body = signed(body.removeprefix("\ufeff"), self._one_of(self._secrets.hash_secrets))
        manner: Manner = self._random.choices(["plain", "answer lost", "duplicates", "gives up"], [68, 10, 9, 13])[0]  # pyright: ignore[reportAssignmentType] - its own four
        return Callback(
            number=next(self._numbers),
            at=at,
            kind=label or name,
            path=self._random.choice(PATHS[name]),
            body=body,
            claims=tuple(claims),
            outcome=outcome,
            code=code,
            prize_code=prize_code,
            token=self._one_of(self._secrets.tokens),
            as_text=as_text,
            manner=manner,
            copies=self._random.randint(2, 4) if manner == "duplicates" else 1,
            cut_after=self._random.choice([0.002, 0.01, 0.03, 0.1]) if manner == "answer lost" else 0.0,
            replay_after=self._random.uniform(1, 0.3 * self._seconds) if self._random.random() < 0.1 else None,
        )

    def _result_fields(self, player: Player) -> dict[str, Any]:
        return {
            "uuid": self._token("u-"),
            "currency": self._random.choice([player.currency, player.currency, player.currency.lower()]),
            "gameId": f"lm_{self._random.randint(1, 60)}",
            "gameName": "tumblefortune",
            "roundId": self._random.choice([self._token("r-"), self._random.getrandbits(40)]),
            "roundDetails": self._random.choice(["spin", ["spin", 1.50], {"spin": "ünïcode"}, [], 1, False]),
            "sessionId": self._token("s-"),
        }

    def _amount(self, currency: str, *, zero: bool = True) -> str:
        """An amount as it is written: sometimes nothing at all, sometimes every decimal that the currency has."""
        decimals, digits = CURRENCIES[currency]
        if zero and self._random.random() < 0.05:
            return self._random.choice(["0", "0.0"])
        shown = self._random.choice([decimals, self._random.randint(0, decimals)])
        # From one unit of the last place on, so that it is above zero.
        units = self._random.randint(1, 10 ** self._random.randint(1, digits + shown))
        text = f"{units:0{shown + 1}}"
        return f"{text[:-shown]}.{text[-shown:]}" if shown else text

    def _one_of(self, current_and_previous: tuple[str, str]) -> str:
        return current_and_previous[self._random.random() < 0.1]

    def _maybe(self, fields: dict[str, Any]) -> dict[str, Any]:
        return fields if self._random.random() < 0.5 else {}

    def _token(self, prefix: str) -> str:
        return f"{prefix}{self._random.getrandbits(64):016x}"


def _unsigned(body: str) -> str:
    return body[: body.rindex(', "hash"')] + "}"

"""A callback in the provider's words. Its pages are of different months, and so are its servers.

Most callbacks look like their page's example, to the order of the fields. Some look like its table: other spellings,
another path, amounts as numbers where the example has text, fields that are empty or null.
"""

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tools.provider.paths import PATHS, query_of
from tools.provider.paths import Callback as Call
from tools.provider.signing import hash_of, json_object
from tools.provider.simulate.story import Callback, OwedCredit, PageName

AS_THE_EXAMPLE = 0.6  # of all callbacks; the others are as the table, each in its own way


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What provider and operator share; either may be missing."""

    hash_secret: str | None = None
    auth_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A callback as it is sent: `path` with its query, and `body`."""

    path: str
    body: str
    method: str = "POST"


def words(callback: Callback, *, nth: int, timestamp: int, secrets: Secrets) -> Words:
    """The `nth` sending of a callback at a time in milliseconds. Only what names the request differs between them."""
    credit = callback.credits[0]
    # By the reference, and not from one chance for all: however a run goes, a callback's words are the same.
    chance = random.Random(f"{callback.page} {credit.reference}")  # noqa: S311 - it must be repeatable
    as_example = chance.random() < AS_THE_EXAMPLE
    paths = PATHS[_CALLS[callback.page]]
    path = paths[0] if as_example else chance.choice(paths)
    request_id = hashlib.sha256(f"{callback.page} {credit.reference} {nth}".encode()).hexdigest()[:32]
    stamp = json.dumps(str(timestamp)) if as_example or chance.random() < 0.7 else str(timestamp)
    page = _Page(callback, credit, chance, as_example, request_id, stamp)
    body = page.body(secrets.hash_secret)
    return Words(path=path + query_of(secrets.auth_token), body=body)


_CALLS: Mapping[PageName, Call] = {
    "result": "result",
    "auto-closing": "auto closing",
    "jackpot-win": "jackpot",
    "bonus-win": "bonus",
    "promo-win": "promo",
    "balance": "balance",
    "check": "check",
    "bet": "bet",
    "cancel": "cancel",
    "refund": "refund",
    "end-round": "end of round",
}


@dataclass(frozen=True, slots=True)
class _Page:
    callback: Callback
    credit: OwedCredit
    chance: random.Random
    as_example: bool
    request_id: str
    timestamp: str

    def body(self, secret: str | None) -> str:
        """The fields in the example's order, as JSON literals."""
        match self.callback.page:
            case "result":
                fields = self._result()
            case "auto-closing":
                fields = self._auto_closing()
            case "jackpot-win":
                fields = self._jackpot()
            case "bonus-win":
                fields = self._bonus()
            case "promo-win":
                fields = self._promo()
            case "balance" | "check":
                fields = self._player()
            case "bet":
                fields = self._bet()
            case "cancel" | "refund":
                fields = self._undoing()
            case "end-round":
                fields = self._end_round()
        fields |= self._empty_ones(fields)
        if "hash" not in fields:
            return json_object(fields)
        if secret:
            unsigned = {name: literal for name, literal in fields.items() if name != "hash"}
            fields["hash"] = json.dumps(hash_of(json_object(unsigned), secret))
        return json_object(fields)

    def _result(self) -> dict[str, str]:
        details = self._fact("details") or "spin"
        fields = {
            "providerId": _text("luckymonaco"),
            "userId": _text(self.credit.user_id),
            "sessionId": _text(self._fact("sessionId")),
            "currency": self._currency(),
            "amount": self._amount(self.credit.amount, as_text=True),
            "roundDetails": self._round_details(details),
            self._spelled("roundId", "roundid"): _text(self.credit.round_id),
            "reference": _text(self.credit.reference),
            "gameId": _text(self.credit.game_id),
            "gameName": _text(self._fact("gameName")),
            "uuid": _text(self.request_id),
            self._spelled("timestamp", "timeStamp"): self.timestamp,
        }
        return fields | self._bonus_code() | self._promotion()

    def _auto_closing(self) -> dict[str, str]:
        fields = {
            "providerId": _text("luckymonaco"),
            "userId": _text(self.credit.user_id),
            "currency": self._currency(),
            "amount": self._amount(self.credit.amount, as_text=False),
            "roundDetails": self._round_details("spin"),
            self._spelled("roundid", "roundId"): _text(self.credit.round_id),
            "reference": _text(self.credit.reference),
            "gameId": _text(self.credit.game_id),
            "gameName": _text(self._fact("gameName")),
            "uuid": _text(self.request_id),
            "timestamp": self.timestamp,
        }
        return fields | self._bonus_code()

    def _jackpot(self) -> dict[str, str]:
        fields = {
            "reference": _text(self.credit.reference),
            "gameId": _text(self.credit.game_id),
            "amount": self._amount(self.credit.amount, as_text=False),
            "jackpotId": _text(self._fact("jackpotId")),
            "providerId": _text("luckymonaco"),
            "userId": _text(self.credit.user_id),
            self._spelled("roundid", "roundId"): _text(self.credit.round_id),
            "hash": _text(self.request_id),
            "timestamp": self.timestamp,
        }
        if not self.as_example and self.chance.random() < 0.3:
            fields["jackpotDetails"] = json.dumps({"tier": self._fact("tier")})
        return fields | self._channel()

    def _bonus(self) -> dict[str, str]:
        fields = {
            "reference": _text(self.credit.reference),
            "gameId": _text(self.credit.game_id),
            "amount": self._amount(self.credit.amount, as_text=False),
            "providerId": _text("luckymonaco"),
            self._spelled("userId", "userid"): _text(self.credit.user_id),
            "hash": _text(self.request_id),
            "timestamp": self.timestamp,
        }
        last_round = {"roundId": _text(self.credit.round_id)} if self.credit.round_id else {}
        return fields | last_round | self._bonus_code() | self._channel()

    def _promo(self) -> dict[str, str]:
        return {
            self._spelled("campaignId", "promoCampaignId"): _text(self._fact("campaignId")),
            "reference": _text(self.credit.reference),
            "amount": self._amount(self.credit.amount, as_text=True),
            "providerId": _text("Luckymonaco"),
            "userId": _text(self.credit.user_id),
            self._spelled("promoCampaignType", "campaignType"): _text(self._fact("campaignType")),
            "currency": self._currency(),
            "uuid": _text(self.request_id),
            "timestamp": self.timestamp,
        }

    def _player(self) -> dict[str, str]:
        """Who asks, as every call says it that is not a win."""
        return {
            "providerId": _text("luckymonaco"),
            "userId": _text(self.credit.user_id),
            "currency": self._currency(),
            "sessionId": _text(self._fact("sessionId")),
            "uuid": _text(self.request_id),
        }

    def _game(self) -> dict[str, str]:
        return {
            "gameId": _text(self.credit.game_id),
            self._spelled("gameName", "gamename"): _text(self._fact("gameName")),
            self._spelled("roundId", "roundid"): _text(self.credit.round_id),
        }

    def _bet(self) -> dict[str, str]:
        fields = {
            **self._player(),
            **self._game(),
            "reference": _text(self.credit.reference),
            "amount": self._amount(self.credit.amount, as_text=True),
            self._spelled("timeStamp", "timestamp"): self.timestamp,
            "roundDetails": self._round_details("spin"),
        }
        if not self.as_example and self.chance.random() < 0.3:
            fields["jackpotContribution"] = _text(f"{self.credit.amount / 100:f}")
        return fields | self._bonus_code()

    def _undoing(self) -> dict[str, str]:
        """A cancel of one bet, or a refund of a round. The older servers name no round in a cancel."""
        reference = self._fact("reference") or self.credit.reference
        fields = {**self._player(), **self._game(), "reference": _text(reference)}
        if self.callback.page == "cancel" and not self.as_example and self.chance.random() < 0.4:
            del fields[next(name for name in fields if name.lower() == "roundid")]
        return fields

    def _end_round(self) -> dict[str, str]:
        return {**self._player(), **self._game()}

    # --- Parts --------------------------------------------------------------------------------------

    def _promotion(self) -> dict[str, str]:
        """The prize inside a result."""
        if len(self.callback.credits) < 2:
            return {}
        prize = self.callback.credits[1]
        return {
            "promoWinAmount": self._amount(prize.amount, as_text=True),
            "promoWinReference": _text(prize.reference),
            "promoCampaignID": _text(self._fact("campaignId")),
            "promoCampaignType": _text(self._fact("campaignType")),
        }

    def _bonus_code(self) -> dict[str, str]:
        return {"bonusCode": _text(self.credit.bonus_code)} if self.credit.bonus_code else {}

    def _channel(self) -> dict[str, str]:
        """The optional fields of the two older pages."""
        if self.as_example or self.chance.random() < 0.5:
            return {}
        return {"platform": _text(self._fact("platform")), "token": _text(self._fact("token"))}

    def _empty_ones(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Optional fields that some servers send although they have nothing to say."""
        optional = {
            "result": ("bonusCode", "promoWinReference", "promoWinAmount", "promoCampaignID", "promoCampaignType"),
            "auto-closing": ("sessionId", "bonusCode", "promoWinReference"),
            "jackpot-win": ("platform", "token"),
            "bonus-win": ("bonusCode", "platform", "token", "roundId"),
            "bet": ("bonusCode", "jackpotDetails", "jackpotId", "platform", "language"),
            "cancel": ("bonusCode",),
            "refund": ("bonusCode",),
            "end-round": ("win",),
        }.get(self.callback.page, ())
        if self.as_example:
            return {}
        return {
            name: self.chance.choice(["null", '""'])
            for name in optional
            if name not in fields and self.chance.random() < 0.4
        }

    def _round_details(self, what: str) -> str:
        if self.as_example:
            return _text(what)
        return json.dumps(self.chance.choice([[what], [what, {"win": "line"}], {"type": what}]))

    def _currency(self) -> str:
        currency = self.credit.currency
        return _text(currency if self.as_example or self.chance.random() < 0.8 else currency.lower())

    def _amount(self, amount: Decimal, *, as_text: bool) -> str:
        """As the page's example writes it (`"10.0"` or `10.0`) or the other way round."""
        number = f"{amount:f}"
        number = number if "." in number else f"{number}.0"
        if not self.as_example and self.chance.random() < 0.5:
            as_text = not as_text
        return _text(number) if as_text else number

    def _spelled(self, in_the_example: str, otherwise: str) -> str:
        return in_the_example if self.as_example or self.chance.random() < 0.5 else otherwise

    def _fact(self, name: str) -> str:
        return self.callback.facts.get(name, "")


def _text(text: str) -> str:
    return json.dumps(text)

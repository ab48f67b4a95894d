"""docs/callbacks.md once more: what is due to a request, and what it does to a wallet.

It is written from that page alone and shares no code with `wallet`, so that what one of them
misunderstands the other does not. Amounts are fractions here; nothing is ever rounded.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

STATUS = {0: 200, 52: 200, 57: 400, 59: 400, 61: 200, 62: 200, 64: 400, 99: 400, 401: 401, 404: 404, 405: 405, 998: 503}

MAX_BODY_BYTES = 64 * 1024
SIGNED = frozenset({"jackpot", "bonus"})  # need a hash once a secret is configured, and carry no currency as a rule
MANDATORY = {
    "result": "userId amount reference providerId timestamp uuid gameId gameName roundId currency roundDetails",
    "jackpot": "userId amount reference providerId timestamp gameId roundId jackpotId",
    "bonus": "userId amount reference providerId timestamp gameId",
    "promo": "userId amount reference providerId timestamp uuid promoCampaignId promoCampaignType currency",
}
OPTIONAL = {
    "result": "hash token platform bonusCode sessionId"
    " promoWinAmount promoWinReference promoCampaignId promoCampaignType",
    "jackpot": "hash token platform bonusCode uuid currency",
    "bonus": "hash token platform bonusCode uuid currency roundId",
    "promo": "hash token platform bonusCode",
}
OTHER_NAMES = {"campaignid": "promoCampaignId", "campaigntype": "promoCampaignType"}


@dataclass(frozen=True)
class Number:
    """A JSON number, as it is written. `NaN` and `Infinity` are such only where an amount may stand."""

    literal: str


@dataclass(frozen=True)
class Locks:
    """What the provider knows; an empty set is a lock that is not configured."""

    tokens: frozenset[str] = frozenset()
    hash_secrets: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Win:
    """One credit that a request asks for."""

    kind: str
    reference: str
    user_id: str
    amount: Fraction
    currency: str | None = None
    game_id: object = None
    round_id: object = None
    bonus_code: str | None = None
    jackpot_id: object = None
    campaign_id: str | None = None

    @property
    def id(self) -> str:
        return f"{self.kind}#{self.reference}"

    def is_the_same_as(self, earlier: "Win") -> bool:
        """Whether it is a replay of an earlier one of its kind and reference, whose currency is the wallet's."""
        if self.kind == "promo":  # it may arrive alone or inside a result
            described_alike = None in (self.campaign_id, earlier.campaign_id) or self.campaign_id == earlier.campaign_id
        else:
            described_alike = all(
                getattr(self, name) == getattr(earlier, name)
                for name in ("game_id", "round_id", "bonus_code", "jackpot_id", "campaign_id")
            )
        currency = self.currency or earlier.currency or ""
        return (
            described_alike
            and self.user_id == earlier.user_id
            and self.amount == earlier.amount
            and currency.upper() == (earlier.currency or "").upper()
        )


class Refused(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


# --- What a request asks for ------------------------------------------------------------------------


def wins(
    callback: str, body: bytes, *, method: str = "POST", token: str | None = None, locks: Locks | None = None
) -> list[Win]:
    """What a request asks for. Raises Refused with what is due to it before any wallet is looked at."""
    locks = locks or Locks()
    if method != "POST":
        raise Refused(405)
    if locks.tokens and token not in locks.tokens:
        raise Refused(401)
    values = read(body, callback)
    if not _is_let_in(callback, body.decode(), values, locks):
        raise Refused(401)
    fields = _fields(callback, values)
    if callback in SIGNED and not {"hash", "uuid"} & fields.keys():
        raise Refused(64)
    if locks.hash_secrets and _hashes(values) and any(_may_be_cut_again(*pair) for pair in values):
        raise Refused(57)
    return _wins(callback, fields)


def kept_wins(callback: str, body: bytes) -> list[Win]:
    """What a request asks for that was let in and kept, less its hash. Raises Refused."""
    return _wins(callback, _fields(callback, read(body, callback)))


def members(text: str) -> list[tuple[str, str]]:
    """The names and values of an object's text, each as it is written. The text must be an object of JSON."""
    pairs, depth, in_string, escaped, start, name = [], 0, False, False, 0, ""
    for position, character in enumerate(text):
        if in_string:
            in_string = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            in_string = True
        elif character in "{[":
            depth += 1
            start = position + 1 if depth == 1 else start
        elif depth == 1 and character == ":":
            name, start = text[start:position].strip(" \t\n\r"), position + 1
        elif depth == 1 and character in ",}":
            if name:
                pairs.append((name, text[start:position].strip(" \t\n\r")))
            name, start, depth = "", position + 1, depth - (character == "}")
        elif character in "}]":
            depth -= 1
    return pairs


def amount(value: object) -> Fraction | None:
    """An amount in plain notation: up to 32 digits, of which up to 18 stand after the point."""
    written = value.literal if isinstance(value, Number) else value
    plain = isinstance(written, str) and re.fullmatch(r"([0-9]+)(?:\.([0-9]{1,18}))?", written)
    if not plain or len(plain[1] + (plain[2] or "")) > 32:
        return None
    return Fraction(int(plain[1] + (plain[2] or "")), 10 ** len(plain[2] or ""))


def hash_of(text: str, secret: str) -> str:
    """The hash that an object's text must carry. The text must be an object of JSON."""
    pairs = []
    for written_name, written in members(text):
        name = str(json.loads(written_name))
        if name.lower() != "hash":
            pairs.append((name, str(json.loads(written)) if written.startswith('"') else written))
    signed = "&".join(f"{name}={literal}" for name, literal in sorted(pairs)) + secret
    return hashlib.md5(signed.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()


def read(body: bytes, callback: str | None = None) -> list[tuple[str, object]]:
    """A body's fields, as they stand there. Raises Refused (99) for what is no object of JSON, or too large.

    Without a callback, `NaN` passes as the amount of any.
    """
    if len(body) > MAX_BODY_BYTES:
        raise Refused(99)
    try:
        content = json.loads(
            body.decode(),
            object_pairs_hook=_once,
            parse_int=Number,
            parse_float=Number,
            parse_constant=lambda _: _NOT_JSON,
        )
    except (ValueError, RecursionError):
        raise Refused(99) from None
    if not isinstance(content, dict):
        raise Refused(99)
    amounts = {"amount", "promowinamount"} if callback in (None, "result") else {"amount"}
    for name, value in content.items():
        if _holds_what_is_not_json(value) and not (value is _NOT_JSON and name.lower() in amounts):
            raise Refused(99)
    return list(content.items())


_NOT_JSON = Number("NaN")


def _holds_what_is_not_json(value: object) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is _NOT_JSON or any(map(_holds_what_is_not_json, inside))


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) < len(pairs):
        raise Refused(99)
    return dict(pairs)


def _is_let_in(callback: str, text: str, values: Sequence[tuple[str, object]], locks: Locks) -> bool:
    hashes = _hashes(values)
    if not locks.hash_secrets or not (hashes or callback in SIGNED):
        return True
    return bool(hashes) and any(
        all(isinstance(value, str) and value.lower() == hash_of(text, secret) for value in hashes)
        for secret in locks.hash_secrets
    )


def _hashes(values: Sequence[tuple[str, object]]) -> list[object]:
    return [value for name, value in values if name.lower() == "hash" and not _is_absent(value)]


def _may_be_cut_again(name: str, value: object) -> bool:
    """Whether a field's `&` makes its hash fit other identifiers as well."""
    of_money = "userid reference roundid gameid bonuscode jackpotid campaignid promocampaignid promowinreference"
    return name.lower() in of_money.split() and "&" in json.dumps(value, default=str)


def _is_absent(value: object) -> bool:
    return value in (None, "", [], {})


def _fields(callback: str, values: Sequence[tuple[str, object]]) -> dict[str, object]:
    """What a callback knows, by the names of docs/callbacks.md, less what counts as absent."""
    known = (MANDATORY[callback] + " " + OPTIONAL[callback]).split()
    spelled = {name.lower(): name for name in known} | OTHER_NAMES
    fields: dict[str, object] = {}
    for name, value in values:
        field_name = spelled.get(name.lower())
        if field_name and not _is_absent(value) and fields.setdefault(field_name, value) != value:
            raise Refused(57)
    return {name: value for name, value in fields.items() if name in known}


def _wins(callback: str, fields: Mapping[str, object]) -> list[Win]:
    if set(MANDATORY[callback].split()) - fields.keys():
        raise Refused(64)
    ill_formed = {name for name, value in fields.items() if name in _FORMS and not _FORMS[name](value)}
    if ill_formed:
        raise Refused(59 if ill_formed & {"amount", "promoWinAmount"} else 57)

    def of(name: str) -> str | None:
        value = fields.get(name)
        return value if isinstance(value, str) else None

    first = Win(
        kind=callback,
        reference=str(fields["reference"]),
        user_id=str(fields["userId"]),
        amount=amount(fields["amount"]) or Fraction(0),
        currency=of("currency"),
        game_id=of("gameId"),
        round_id=of("roundId"),
        bonus_code=of("bonusCode"),
        jackpot_id=of("jackpotId"),
        campaign_id=of("promoCampaignId"),
    )
    prize = amount(fields["promoWinAmount"]) if "promoWinAmount" in fields else None
    if not prize:
        return [first]
    if "promoWinReference" not in fields:
        raise Refused(64)
    return [
        first,
        Win(
            kind="promo",
            reference=str(fields["promoWinReference"]),
            user_id=first.user_id,
            amount=prize,
            currency=first.currency,
            campaign_id=first.campaign_id,
        ),
    ]


# --- The forms of fields ----------------------------------------------------------------------------


def _is_amount(value: object) -> bool:
    return amount(value) is not None


def _is_text(value: object) -> bool:
    """1 to 128 printable characters, not all of them spaces."""
    # Unicode's own word for printable: no control, format, unassigned or surrogate character, no separator but the
    # space.
    return (
        isinstance(value, str)
        and 1 <= len(value) <= 128
        and bool(value.strip(" "))
        and all(each == " " or unicodedata.category(each)[0] not in "CZ" for each in value)
    )


def _is_timestamp(value: object) -> bool:
    written = value.literal if isinstance(value, Number) else value
    return isinstance(written, str) and bool(re.fullmatch("[0-9]{1,20}", written))


def _is_currency(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch("[A-Za-z0-9]{3,10}", value))


_FORMS: dict[str, Callable[[object], bool]] = {
    **dict.fromkeys(("userId", "reference", "providerId", "uuid", "gameId", "roundId", "bonusCode"), _is_text),
    **dict.fromkeys(("jackpotId", "promoCampaignId", "promoCampaignType", "promoWinReference"), _is_text),
    **dict.fromkeys(("amount", "promoWinAmount"), _is_amount),
    **dict.fromkeys(("hash", "gameName"), lambda value: isinstance(value, str)),
    "timestamp": _is_timestamp,
    "currency": _is_currency,
    "roundDetails": lambda value: isinstance(value, str | list | dict),
}


# --- What it does to a wallet -----------------------------------------------------------------------


@dataclass(kw_only=True)
class Balance:
    """A player's wallet; `version` is how many transactions it has."""

    currency: str
    cash: Fraction
    bonus: Fraction
    version: int = 0


@dataclass
class Book:
    """Every wallet and every win that was credited, by its id, with what was paid for it."""

    balances: dict[str, Balance]
    credited: dict[str, tuple[Win, Fraction]] = field(default_factory=dict)
    uncovered: dict[tuple[str, str], Fraction] = field(default_factory=dict)

    def settle(self, wins: Sequence[Win]) -> Balance:
        """Credits what of a request's wins is not credited yet. Raises Refused, and then nothing has changed."""
        if any(win.id in self.credited and not win.is_the_same_as(self.credited[win.id][0]) for win in wins):
            raise Refused(61)
        balance = self.balances.get(wins[0].user_id)
        if balance is None:
            raise Refused(62)
        fresh = [win for win in wins if win.id not in self.credited]
        if any(win.currency and win.currency.upper() != balance.currency.upper() for win in fresh):
            raise Refused(52)
        self._pay(balance, fresh)
        return balance

    def _pay(self, balance: Balance, fresh: Sequence[Win]) -> None:
        after = replace(balance, version=balance.version + len(fresh))
        credited, uncovered = {}, {}
        for win in fresh:
            paid = win.amount
            overpaid = Fraction(0)
            if win.bonus_code and win.kind in ("result", "bonus"):
                code = (win.user_id, win.bonus_code)
                before = self.uncovered.get(code, Fraction(0))
                if win.kind == "bonus":
                    paid, overpaid = max(win.amount - before, Fraction(0)), max(before - win.amount, Fraction(0))
                uncovered[code] = before + win.amount if win.kind == "result" else Fraction(0)
            is_of_free_rounds = win.kind == "bonus" or (win.kind == "result" and win.bonus_code)
            after.cash += paid
            after.bonus += paid if is_of_free_rounds else 0
            credited[win.id] = (replace(win, currency=balance.currency), paid)
            if not all(map(_fits, (paid, overpaid, after.cash, after.bonus, *uncovered.values()))):
                raise Refused(998)
        balance.cash, balance.bonus, balance.version = after.cash, after.bonus, after.version
        self.credited |= credited
        self.uncovered |= uncovered


def _fits(number: Fraction) -> bool:
    """Whether its digits are no more than the 38 that are kept."""
    return len(str((number * 10**18).numerator).rstrip("0")) <= 38  # nothing has more than 18 after the point


def written(number: Fraction) -> str:
    """A balance as it is answered: all its digits, no trailing zeros after the point."""
    whole, rest = divmod(number, 1)
    fraction = str((rest * 10**18).numerator).rjust(18, "0").rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)

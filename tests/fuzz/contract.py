"""docs/callbacks.md once more: what is due to a request, and what it does to a wallet.

It is written from that page alone and shares no code with `wallet`, so that what one of them
misunderstands the other does not. Amounts are fractions here; nothing is ever rounded.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
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
class Prize:
    """What a win says of the prize that comes with it; `fault` is the code of what is wrong with it."""

    reference: str | None
    amount: str  # in plain notation if it is an amount, else as it was sent
    fault: int | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Win:
    """One credit that a request asks for."""

    kind: str
    reference: str
    user_id: str
    amount: Fraction
    currency: str | None = None
    game_id: str | None = None
    round_id: str | None = None
    bonus_code: str | None = None
    jackpot_id: str | None = None
    campaign_id: str | None = None
    timestamp: int | None = None  # if it is known
    prize: Prize | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        return f"{self.kind}#{self.reference}"

    def is_the_same_as(self, earlier: "Win") -> bool:
        """Whether it is a replay of an earlier one of its kind and reference, whose currency is the wallet's.

        A field that only one of them carries does not contradict.
        """
        said = [
            (_capitals(self.currency), _capitals(earlier.currency)),
            *(
                (getattr(self, name), getattr(earlier, name))
                for name in ("game_id", "round_id", "bonus_code", "jackpot_id", "campaign_id")
            ),
        ]
        return (
            self.user_id == earlier.user_id
            and self.amount == earlier.amount
            and all(one == other for one, other in said if one is not None and other is not None)
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
    if not _is_let_in(callback, _text(body), values, locks):
        raise Refused(401)
    fields = _fields(callback, values, _text(body))
    if callback in SIGNED and not {"hash", "uuid"} & fields.keys():
        raise Refused(64)
    is_signed = bool(locks.hash_secrets and _hashes(values))
    return _wins(callback, fields, may_be_cut_again=is_signed and any(_may_be_cut_again(*pair) for pair in values))


def kept_wins(callback: str, body: bytes) -> list[Win]:
    """What a request asks for that was let in and kept, less its hash. Raises Refused."""
    return _wins(callback, _fields(callback, read(body, callback), _text(body)))


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
    """An amount: a number as JSON writes it, not below zero.

    Its value in plain notation has up to 32 digits, of which up to 18 stand after the point.
    """
    written = value.literal if isinstance(value, Number) else value
    number = isinstance(written, str) and re.fullmatch(
        r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?", written
    )
    if not number:
        return None
    minus, whole, fraction, sign, exponent = (part or "" for part in number.groups())
    digits = (whole + fraction).strip("0")
    if not digits:
        return Fraction(0)
    exponent = exponent.lstrip("0")
    if minus or len(digits) > 32 or len(exponent) > 6:  # a body has fewer digits than that moves the point
        return None
    zeros = len(whole + fraction) - len((whole + fraction).rstrip("0"))
    power = (-1 if sign == "-" else 1) * int(exponent or 0) - len(fraction) + zeros  # of the last digit
    before_the_point = max(1, len(digits) + power)
    if -power > 18 or before_the_point + max(0, -power) > 32:
        return None
    return int(digits) * Fraction(10) ** power


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
    try:
        text = _text(body)
        if len(text.encode()) > MAX_BODY_BYTES:
            raise Refused(99)
        content = json.loads(
            text,
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


def _text(body: bytes) -> str:
    """The body's text. Some platforms write a byte order mark before every text."""
    return body.decode().removeprefix("\ufeff")


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
    return [value for name, value in values if name.lower() == "hash" and not _is_absent(name, value)]


def _may_be_cut_again(name: str, value: object) -> bool:
    """Whether a field's `&` makes its hash fit other identifiers as well."""
    of_money = "userid reference roundid gameid bonuscode jackpotid campaignid promocampaignid promowinreference"
    return name.lower() in of_money.split() and "&" in json.dumps(value, default=str)


def _is_absent(name: str, value: object) -> bool:
    if name.lower() == "rounddetails" and value in ([], {}):
        return False
    return value in (None, "", [], {})


@dataclass(frozen=True)
class Said:
    """A field's value; `as_sent` is a text's own characters, and of any other value those of its JSON."""

    value: object
    as_sent: str


def _fields(callback: str, values: Sequence[tuple[str, object]], text: str) -> dict[str, Said]:
    """What a callback knows, by the names of docs/callbacks.md, less what counts as absent.

    Raises Refused (57) for two spellings that disagree. Of a prize's they are a fault of the prize alone.
    """
    known = (MANDATORY[callback] + " " + OPTIONAL[callback]).split()
    spelled = {name.lower(): name for name in known} | {
        other: name for other, name in OTHER_NAMES.items() if name in known
    }
    said: dict[str, list[Said]] = {}
    for (name, value), (_, written) in zip(values, members(text), strict=True):
        field_name = spelled.get(name.lower())
        if field_name and not _is_absent(name, value):
            is_whole = isinstance(value, str) and not re.search("[\ud800-\udfff]", value)
            said.setdefault(field_name, []).append(Said(value, str(value) if is_whole else written))
    for name, spellings in said.items():
        if len({_meaning(name, each) for each in spellings}) > 1:
            if name not in PRIZE:
                raise Refused(57)
            said[name] = [Said(None, spellings[0].as_sent)]
    return {name: spellings[0] for name, spellings in said.items()}


def _meaning(name: str, said: Said) -> object:
    """What two spellings of a field must agree in."""
    if name in AMOUNTS:
        return said.as_sent if (meant := amount(said.value)) is None else meant
    if name in IDENTIFIERS:
        return ("malformed", said.as_sent) if (meant := identifier(said.value)) is None else meant
    return said.as_sent


def _wins(callback: str, fields: Mapping[str, Said], *, may_be_cut_again: bool = False) -> list[Win]:
    if set(MANDATORY[callback].split()) - fields.keys():
        raise Refused(64)
    if (asked := amount(fields["amount"].value)) is None:
        raise Refused(59)
    ids = {name: identifier(said.value) for name, said in fields.items() if name in IDENTIFIERS - PRIZE}
    if may_be_cut_again or None in ids.values():
        raise Refused(57)
    stamp = fields["timestamp"].as_sent
    first = Win(
        kind=callback,
        reference=ids["reference"] or "",
        user_id=ids["userId"] or "",
        amount=asked,
        currency=fields["currency"].as_sent if "currency" in fields else None,
        game_id=ids.get("gameId"),
        round_id=ids.get("roundId"),
        bonus_code=ids.get("bonusCode"),
        jackpot_id=ids.get("jackpotId"),
        campaign_id=ids.get("promoCampaignId"),
        timestamp=int(stamp) if re.fullmatch("[0-9]{1,20}", stamp) else None,
        prize=_prize(fields.get("promoWinReference"), fields.get("promoWinAmount")),
    )
    prize = first.prize
    if prize is None or prize.fault:
        return [first]
    won = Win(
        kind="promo",
        reference=prize.reference or "",
        user_id=first.user_id,
        amount=amount(prize.amount) or Fraction(0),
        currency=first.currency,
        game_id=first.game_id,
        round_id=first.round_id,
        bonus_code=first.bonus_code,
        campaign_id=first.campaign_id,
    )
    return [first, won]


def _prize(reference: Said | None, asked: Said | None) -> Prize | None:
    value = asked and amount(asked.value)
    if asked is None or value == 0:
        return None
    name = reference and identifier(reference.value)
    fault = 64 if reference is None else 59 if value is None else 57 if name is None else None
    return Prize(
        reference=reference and (name or reference.as_sent),
        amount=asked.as_sent if value is None else written(value),
        fault=fault,
    )


# --- The forms of fields ----------------------------------------------------------------------------

AMOUNTS = frozenset({"amount", "promoWinAmount"})
PRIZE = frozenset({"promoWinAmount", "promoWinReference"})
IDENTIFIERS = frozenset(
    {"userId", "reference", "roundId", "gameId", "bonusCode", "jackpotId", "promoCampaignId", "promoWinReference"}
)


def identifier(value: object) -> str | None:
    """What decides about money: 1 to 128 characters, or a whole number's digits. All other fields are as they are."""
    text = value.literal if isinstance(value, Number) and re.fullmatch("[0-9]+", value.literal) else value
    if not isinstance(text, str) or not 1 <= len(text) <= 128 or text.isspace():
        return None
    unfit = any(ord(each) < 0x20 or 0x7F <= ord(each) < 0xA0 or 0xD800 <= ord(each) < 0xE000 for each in text)
    return None if unfit else text


def _capitals(currency: str | None) -> str | None:
    """Only the letters A to Z are the same in capitals."""
    return currency and re.sub("[a-z]", lambda letter: letter[0].upper(), currency)


# --- What it does to a wallet -----------------------------------------------------------------------


@dataclass(kw_only=True)
class Balance:
    """A player's wallet; `version` is how many transactions it has."""

    currency: str
    cash: Fraction
    bonus: Fraction
    version: int = 0


@dataclass(frozen=True, kw_only=True)
class FreeRounds:
    """What is known of a player's free rounds under one code. Source: docs/ledger.md, Free rounds."""

    uncovered: Fraction = Fraction(0)
    advance: Fraction = Fraction(0)
    until: int | None = None
    named: tuple[str, ...] = ()  # the last ten rounds that totals named as their last

    def after_round(self, amount: Fraction, moment: int | None, key: str | None) -> tuple[Fraction, "FreeRounds"]:
        """What a round is paid, and what it leaves; `key` is its `round_key`."""
        is_before_a_total = moment is not None and self.until is not None and moment <= self.until
        ahead = min(amount, self.advance) if is_before_a_total or key in self.named else Fraction(0)
        paid = amount - ahead
        return paid, replace(self, uncovered=self.uncovered + paid, advance=self.advance - ahead)

    def after_total(self, amount: Fraction, moment: int | None, key: str | None) -> tuple[Fraction, "FreeRounds"]:
        """What a total is paid, and what it leaves; `key` is that of the round it names as its last."""
        covered = min(amount, self.uncovered)
        paid = amount - covered
        known = [each for each in (self.until, moment) if each is not None]
        return paid, FreeRounds(
            uncovered=self.uncovered - covered,
            advance=self.advance + paid,
            until=max(known, default=None),
            named=(*self.named, *([key] if key else []))[-10:],
        )


def round_key(game: str | None, round: str | None) -> str | None:
    """How a round is named in the tables."""
    return f"{len(game)}:{game}{round}" if game and round else None


@dataclass
class Book:
    """Every wallet and every win that was credited, by its id, with what was paid for it."""

    balances: dict[str, Balance]
    credited: dict[str, tuple[Win, Fraction]] = field(default_factory=dict)
    free_rounds: dict[tuple[str, str], FreeRounds] = field(default_factory=dict)

    def settle(self, wins: Sequence[Win]) -> tuple[Balance, int | None]:
        """Credits what of a request's wins is not credited yet.

        Returns the code with which its prize is left for a person, if it is. Raises Refused, and then nothing has
        changed.
        """
        first = wins[0]
        on_record = self.credited.get(first.id)
        if on_record and not first.is_the_same_as(on_record[0]):
            raise Refused(61)
        left = self._why_prize_is_left(wins)
        if left:
            wins = [first]
        balance = self.balances.get(first.user_id)
        if balance is None:
            raise Refused(62)
        fresh = [win for win in wins if win.id not in self.credited]
        if any(win.currency and _capitals(win.currency) != _capitals(balance.currency) for win in fresh):
            raise Refused(52)
        self._pay(balance, fresh)
        if on_record and not on_record[0].prize:  # the first prize that a win comes with is noted
            self.credited[first.id] = (replace(on_record[0], prize=first.prize), on_record[1])
        return balance, left

    def _why_prize_is_left(self, wins: Sequence[Win]) -> int | None:
        prize = wins[0].prize
        if prize is None or prize.fault:
            return prize and prize.fault
        on_record = self.credited.get(wins[0].id)
        if on_record and on_record[0].prize not in (None, prize):
            return 61
        its_own = self.credited.get(wins[1].id)
        return 61 if its_own and not wins[1].is_the_same_as(its_own[0]) else None

    def _pay(self, balance: Balance, fresh: Sequence[Win]) -> None:
        after = replace(balance, version=balance.version + len(fresh))
        credited, free_rounds = {}, {}
        for win in fresh:
            paid, left = win.amount, FreeRounds()
            if win.bonus_code and win.kind in ("result", "bonus"):
                code = (win.user_id, win.bonus_code)
                before = self.free_rounds.get(code, left)
                after_it = before.after_round if win.kind == "result" else before.after_total
                paid, left = after_it(win.amount, win.timestamp, round_key(win.game_id, win.round_id))
                free_rounds[code] = left
            is_of_free_rounds = win.kind == "bonus" or (win.kind == "result" and win.bonus_code)
            after.cash += paid
            after.bonus += paid if is_of_free_rounds else 0
            credited[win.id] = (replace(win, currency=balance.currency), paid)
            if not all(map(_fits, (after.cash, after.bonus, left.uncovered, left.advance))):
                raise Refused(998)
        balance.cash, balance.bonus, balance.version = after.cash, after.bonus, after.version
        self.credited |= credited
        self.free_rounds |= free_rounds


def _fits(number: Fraction) -> bool:
    """Whether its digits are no more than the 38 that are kept."""
    return len(str((number * 10**18).numerator).rstrip("0")) <= 38  # nothing has more than 18 after the point


def written(number: Fraction) -> str:
    """A balance as it is answered: all its digits, no trailing zeros after the point."""
    whole, rest = divmod(number, 1)
    fraction = str((rest * 10**18).numerator).rjust(18, "0").rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)

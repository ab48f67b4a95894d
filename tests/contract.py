"""The contract as a program: what is due to a request, what it moves, and what must be kept of it.

It is written from docs/callbacks.md and docs/ledger.md and shares no code with `wallet`: a mistake in one is not in the
other. It has no network and no clock. Amounts are fractions, so nothing is ever rounded. Each rule is a small method.

certify/rival.py serves it, and each operator of certify/wrong.py changes one rule. The fuzzer, the generated requests
of test_hostile_input.py, the simulation and the ledger's properties compare the wallet with it.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Context, Inexact
from fractions import Fraction
from functools import cache
from typing import Any, Literal

PATHS = {
    "/v4/Result": "result", "/V4/Result": "result",
    "/V4/JackPotWin": "jackpot", "/v4/JackPotWin": "jackpot",
    "/bonuswin": "bonus", "/V4/BonusWin": "bonus", "/v4/BonusWin": "bonus",
    "/V4/PromoWin": "promo", "/v4/PromoWin": "promo",
}  # fmt: skip
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
# What the operator's own side orders of the cashier. Source: docs/cashier.md.
CASHIER = "movement reference userId amount currency actor reason"
CASHIER_MAY = "bonus belowZero details"
MOVEMENTS = ("opening", "deposit", "withdrawal", "adjustment")
ADJUSTMENT_LIMIT = 10000
MAX_TEXT = 1000
OTHER_NAMES = {"campaignid": "promocampaignid", "campaigntype": "promocampaigntype"}
SIGNED = ("jackpot", "bonus")  # identified by a hash or a uuid, and in need of a hash once there is a secret
AMOUNTS = ("amount", "promowinamount")
PRIZE = ("promowinamount", "promowinreference")
CONTENT = ("gameid", "roundid", "bonuscode", "jackpotid", "promocampaignid")  # which a replay must not contradict
IDENTIFIERS = ("userid", "reference", "promowinreference", *CONTENT)

STATUS = {
    0: 200,
    15: 200,
    52: 200,
    57: 400,
    59: 400,
    61: 200,
    62: 200,
    64: 400,
    99: 400,
    401: 401,
    404: 404,
    405: 405,
    998: 503,
}
KEPT_NOWHERE = (0, 99, 401, 404, 405)
TRIED_AGAIN = (62, 998)
MAX_BODY_BYTES = 64 * 1024
MAX_DIGITS = 38  # of whatever is kept
LAST_ROUNDS = 10

_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?")
_EXACT = Context(prec=200, traps=[Inexact])


class Refused(Exception):
    def __init__(self, error: int, description: str, status: int | None = None) -> None:
        super().__init__(description)
        self.error, self.description = error, description
        self.status = STATUS[error] if status is None else status


# --- What is asked ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """A request as it reaches the operator."""

    path: str
    body: bytes
    method: str = "POST"
    token: str | None = None


@dataclass(frozen=True)
class Number:
    """A JSON number, as it is written. `NaN` and `Infinity` are numbers only in an amount's place."""

    literal: str


@dataclass(frozen=True)
class Parameter:
    """A field of a body: `raw` is its value's JSON text. Without `is_clear` another spelling says something else."""

    name: str
    value: object
    raw: str
    is_clear: bool = True

    @property
    def as_sent(self) -> str:
        """A text's own characters; the JSON text of any other value, and of half a character."""
        return self.value if isinstance(self.value, str) and not re.search("[\ud800-\udfff]", self.value) else self.raw


Fields = dict[str, Parameter]  # by names in lower case


@dataclass(frozen=True)
class Prize:
    """A result's prize as it is described: `credit` pays it, or `fault` is the code of what is wrong with it."""

    reference: str | None
    amount: str  # in plain notation if it is an amount, else as it was sent
    fault: int | None = field(default=None, compare=False)
    credit: "Credit | None" = field(default=None, compare=False)


@dataclass(frozen=True)
class Credit:
    """Money owed once; of the cashier's, also money taken: the amount is below zero then.

    `actor` and `reason` say who ordered it and why, where the provider alone did not.
    """

    kind: str
    reference: str
    player: str
    amount: Fraction
    currency: str | None
    content: tuple[object, ...]  # in the order of CONTENT; None where nothing is named
    bonus_code: str | None = None  # if it counts towards one
    moment: int | None = None  # in milliseconds since the epoch, if it is known
    prize: Prize | None = None
    bonus: Fraction = Fraction(0)  # what bonus moves by; a free round's win moves it by what it is paid
    below_zero: bool = False  # it may take more than there is
    actor: str | None = None
    reason: str | None = None
    booked_elsewhere: bool = False
    currency_as_sent: str | None = None

    @property
    def opens(self) -> bool:
        """Whether it makes the wallet."""
        return self.kind == "opening"

    @property
    def id(self) -> str:
        return f"{self.kind}#{self.reference}"


# --- What there is ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wallet:
    """A player's balances; `version` counts the transactions."""

    currency: str
    cash: Fraction
    bonus: Fraction
    version: int = 0


@dataclass(frozen=True)
class Count:
    """The free rounds of a player under one code. Source: docs/ledger.md, Free rounds."""

    uncovered: Fraction = Fraction(0)
    advance: Fraction = Fraction(0)
    until: int = -1
    last_rounds: tuple[tuple[object, ...], ...] = ()  # game and round


@dataclass(frozen=True)
class Record:
    """A credit that was paid, and what that left.

    With an `outcome` it has moved nothing, and says why: "not enough", or "booked elsewhere".
    """

    credit: Credit
    transaction_id: str
    paid: Fraction
    wallet: Wallet
    count: Count | None
    outcome: str | None = None


@dataclass(frozen=True)
class Due:
    """What a win leaves to be written. `left` is why its prize is left for a person, if it is."""

    win: Credit
    known: Record | None
    fresh: tuple[Credit, ...]
    left: int | None
    wallet: Wallet  # before

    @property
    def changes(self) -> bool:
        return bool(self.fresh) or self.notes_prize

    @property
    def notes_prize(self) -> bool:
        """Whether the record of a known win gets the first prize that it came with."""
        return self.known is not None and self.known.credit.prize is None and self.win.prize is not None


@dataclass(frozen=True)
class Kept:
    """What must be in a queue of the callback: the request, or its prize alone."""

    queue: Literal["RetryQueue", "DeadLetters"]
    code: int
    prize_only: bool


@dataclass(frozen=True)
class Answer:
    error: int
    status: int
    body: str
    kept: Kept | None


@dataclass
class Contract:
    """An operator that does what it must. A lock without a secret or token is open."""

    hash_secrets: tuple[str, ...] = ()
    auth_tokens: tuple[str, ...] = ()
    wallets: dict[str, Wallet] = field(default_factory=dict)
    records: dict[Any, Record] = field(default_factory=dict)
    counts: dict[tuple[str, str], Count] = field(default_factory=dict)

    def due(self, call: Call) -> Answer:
        """The answer to a request, which is settled."""
        try:
            win, as_text = self.read(call)
            record, left = self.settle(win)
        except Refused as refused:
            return self.refused(refused)
        kept = Kept("DeadLetters", left, prize_only=True) if left else None
        return Answer(0, 200, self.success(record, self.wallets[win.player], as_text=as_text), kept)

    def ordered(self, order: Mapping[str, object]) -> dict[str, object]:
        """The answer to an order of the operator's own side, which is settled."""
        try:
            credit = self.read_order(order)
            record, _ = self.settle(credit)
        except Refused as refused:
            return {"error": refused.error}
        wallet = self.wallets[credit.player]
        balances = {"currency": wallet.currency, "cash": written(wallet.cash), "bonus": written(wallet.bonus)}
        return {**balances, "error": 15 if record.outcome == "not enough" else 0}

    def copy(self) -> "Contract":
        """Another one in the same state, for trying what would be."""
        return replace(self, wallets={**self.wallets}, records={**self.records}, counts={**self.counts})

    # --- What is asked ------------------------------------------------------------------------------

    def read(self, call: Call) -> tuple[Credit, bool]:
        """What a request asks for, and whether its amount is text. Raises Refused, in the contract's order."""
        kind = self.kind(call.path)
        self.check_method(call.method)
        self.check_token(call.token)
        parameters = self.parameters(kind, call.body)
        self.check_hash(kind, parameters)
        fields = self.fields(kind, parameters)
        if kind in SIGNED and not fields.keys() & {"hash", "uuid"}:
            raise Refused(64, "hash is missing")
        win = self.win(kind, fields)
        self.check_cut(parameters)
        as_text = any(isinstance(each.value, str) and each.value for each in self.named("amount", parameters))
        return win, as_text

    def read_kept(self, kind: str, body: bytes) -> Credit:
        """What a kept request asks for: it was let in before, and has no hash any more."""
        return self.win(kind, self.fields(kind, self.parameters(kind, body)))

    def read_by_hand(self, kind: str, body: bytes, *, prize_only: bool = False) -> Credit:
        """The same for a person: what cannot be read is left out, but for player, amount and reference.

        With `prize_only`, the prize alone is asked for.
        """
        parameters = self.parameters(kind, body)
        fields = {
            name: replace(spellings[0], is_clear=len(meanings) == 1)
            for name, spellings in self.said(kind, parameters).items()
            if len(meanings := {self.meaning(name, each) for each in spellings}) == 1 or name in PRIZE
            if name in PRIZE or not any(isinstance(each, tuple) for each in meanings)
        }
        if not fields.keys() >= {"userid", "amount", "reference"}:
            return self.win(kind, self.fields(kind, parameters))
        self.check_forms(kind, fields)
        win = self.credit(kind, fields)
        if not prize_only:
            return win
        if win.prize is None or win.prize.credit is None:
            raise Refused((win.prize and win.prize.fault) or 64, "there is no prize that can be paid")
        return win.prize.credit

    def settled_by(self, credit: Credit, actor: str, reason: str, *, booked_elsewhere: bool = False) -> Credit:
        """What a person makes of what is asked for. A free round cannot be booked elsewhere. Raises Refused (57)."""
        if booked_elsewhere and credit.bonus_code:
            raise Refused(57, "a free round")
        prize = credit.prize
        if prize and prize.credit:
            by_hand = self.settled_by(prize.credit, actor, reason, booked_elsewhere=booked_elsewhere)
            prize = replace(prize, credit=by_hand)
        return replace(credit, actor=actor, reason=reason, booked_elsewhere=booked_elsewhere, prize=prize)

    def read_order(self, order: Mapping[str, object]) -> Credit:
        """What the operator's own side asks for. Raises Refused (99, 64, 59, 57)."""
        fields = self.order_fields(self.parameters("cashier", json.dumps(order).encode()))
        for name in CASHIER.lower().split():
            if name not in fields:
                raise Refused(64, f"{name} is missing")
        amount, bonus = (self.signed(fields[name].value) if name in fields else None for name in ("amount", "bonus"))
        self.check_order_forms(order, fields)
        movement, texts = str(fields["movement"].value), {name: str(each.value) for name, each in fields.items()}
        if movement not in MOVEMENTS:
            raise Refused(57, "no such movement")
        is_adjustment = movement == "adjustment"
        for each in (amount or Fraction(0), bonus or Fraction(0)):
            if abs(each) > ADJUSTMENT_LIMIT if is_adjustment else each < 0:
                raise Refused(59, "below zero, or beyond the limit")
        below_zero = "belowzero" in fields and fields["belowzero"].value is True
        if (below_zero and not is_adjustment) or (bonus is not None and movement not in ("adjustment", "opening")):
            raise Refused(57, f"not of {movement}")
        amount = amount or Fraction(0)
        return Credit(
            kind=movement,
            reference=texts["reference"],
            player=texts["userid"],
            amount=-amount if movement == "withdrawal" else amount,
            currency=self.currency(fields["currency"].as_sent),
            currency_as_sent=fields["currency"].as_sent,
            content=(None,) * len(CONTENT),
            bonus=bonus or Fraction(0),
            below_zero=below_zero,
            actor=texts["actor"],
            reason=texts["reason"],
        )

    def order_fields(self, parameters: Sequence[Parameter]) -> Fields:
        """Raises Refused (57) for two spellings that disagree."""
        fields: Fields = {}
        for each in parameters:
            name = each.name.lower()
            if name in fields_of("cashier") and not self.is_absent(name, each.value):
                before = fields.setdefault(name, each)
                if before.raw != each.raw:
                    raise Refused(57, f"{name} is spelled in two ways")
        return fields

    def check_order_forms(self, order: Mapping[str, object], fields: Fields) -> None:
        """Raises Refused (57), for a field that nobody knows as well: the caller is the operator's own side."""
        if not {*order} <= {*f"{CASHIER} {CASHIER_MAY}".split()}:
            raise Refused(57, "an unknown field")
        for name in ("reference", "userid"):
            fields[name] = replace(fields[name], value=self.identifier(name, fields[name].value))
        for name in ("movement", "actor", "reason"):
            text = fields[name].value
            if not isinstance(text, str) or len(text) > MAX_TEXT or text.isspace() or not self.is_fit(text):
                raise Refused(57, f"{name} is no text")
        if "belowzero" in fields and not isinstance(fields["belowzero"].value, bool):
            raise Refused(57, "neither true nor false")

    def signed(self, value: object) -> Fraction:
        """An amount as text, which may be below zero."""
        if not isinstance(value, str):
            raise Refused(59, "not an amount as text")
        return -self.amount(value[1:]) if re.match("-[0-9]", value) else self.amount(value)

    def kind(self, path: str) -> str:
        if path not in PATHS:
            raise Refused(404, "No such path")
        return PATHS[path]

    def check_method(self, method: str) -> None:
        if method != "POST":
            raise Refused(405, "Only POST")

    def check_token(self, token: str | None) -> None:
        if self.auth_tokens and token not in self.auth_tokens:
            raise Refused(401, "Unauthorized")

    def parameters(self, kind: str | None, body: bytes) -> list[Parameter]:
        """The fields of a body of that kind, or of any; numbers as they are written."""
        try:
            text = self.text(body)
            content = json.loads(
                text, object_pairs_hook=_once, parse_int=Number, parse_float=Number, parse_constant=lambda _: _NOT_JSON
            )
        except (ValueError, RecursionError):
            raise Refused(99, "not a JSON object") from None
        if not isinstance(content, dict) or len(text.encode()) > MAX_BODY_BYTES:
            raise Refused(99, "not a JSON object of up to 64 KiB")
        parameters = [Parameter(*each, raw) for each, (_, raw) in zip(content.items(), members(text), strict=True)]
        amounts = fields_of(kind).intersection(AMOUNTS) if kind else AMOUNTS
        for each in parameters:
            if _holds_what_is_not_json(each.value) and not (each.value == _NOT_JSON and each.name.lower() in amounts):
                raise Refused(99, "a constant that JSON does not have")
        return parameters

    def text(self, body: bytes) -> str:
        return body.decode().removeprefix("\ufeff")

    def named(self, name: str, parameters: Sequence[Parameter]) -> list[Parameter]:
        """Every spelling of a field that says something."""
        return [each for each in parameters if each.name.lower() == name and not self.is_absent(name, each.value)]

    def is_absent(self, name: str, value: object) -> bool:
        return value in (None, "") or (value in ([], {}) and name != "rounddetails")

    def check_hash(self, kind: str, parameters: Sequence[Parameter]) -> None:
        sent = [str(each.value).lower() for each in self.named("hash", parameters)]
        is_needed = bool(self.hash_secrets) and (kind in SIGNED or bool(sent))
        if is_needed and not any({*sent} == {self.hash_of(parameters, secret)} for secret in self.hash_secrets):
            raise Refused(401, "Unauthorized")

    def hash_of(self, parameters: Sequence[Parameter], secret: str) -> str:
        pairs = sorted((each.name, self.literal(each)) for each in parameters if each.name.lower() != "hash")
        signed = "&".join(map("=".join, pairs)) + secret
        return hashlib.md5(signed.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()

    def literal(self, parameter: Parameter) -> str:
        return parameter.value if isinstance(parameter.value, str) else parameter.raw

    def check_cut(self, parameters: Sequence[Parameter]) -> None:
        """Refuses a hash that fits another cut of the same text into fields."""
        is_signed = bool(self.hash_secrets and self.named("hash", parameters))
        if is_signed and any(self.name(each.name) in IDENTIFIERS and "&" in self.literal(each) for each in parameters):
            raise Refused(57, "the hash fits another cut of the same text")

    def name(self, name: str) -> str:
        return OTHER_NAMES.get(name.lower(), name.lower())

    def fields(self, kind: str, parameters: Sequence[Parameter]) -> Fields:
        """What the kind knows and the body says. Raises Refused (57) for two spellings that disagree."""
        said = self.said(kind, parameters)
        fields = {name: spellings[0] for name, spellings in said.items()}
        for name, spellings in said.items():
            if len({self.meaning(name, each) for each in spellings}) > 1:
                if name not in PRIZE:  # whose win does not wait for it
                    raise Refused(57, f"{name} is spelled in two ways")
                fields[name] = replace(fields[name], is_clear=False)
        return fields

    def said(self, kind: str, parameters: Sequence[Parameter]) -> dict[str, list[Parameter]]:
        """Every spelling of what the kind knows and the body says, by the field's name."""
        said: dict[str, list[Parameter]] = {}
        for each in parameters:
            name = self.name(each.name)
            if name in fields_of(kind) and not self.is_absent(name, each.value):
                said.setdefault(name, []).append(each)
        return said

    def meaning(self, name: str, spelling: Parameter) -> object:
        """What two spellings of a field must agree in."""
        try:
            if name in AMOUNTS:
                return self.amount(spelling.value)
            return self.identifier(name, spelling.value) if name in IDENTIFIERS else spelling.as_sent
        except Refused:
            return "malformed", spelling.as_sent

    def win(self, kind: str, fields: Fields) -> Credit:
        """The credit that the fields ask for. Raises Refused (64, 59, 57)."""
        for name in MANDATORY[kind].split():
            if name.lower() not in fields:
                raise Refused(64, f"{name} is missing")
        self.amount(fields["amount"].value)
        self.check_forms(kind, fields)
        return self.credit(kind, fields)

    def amount(self, value: object) -> Fraction:
        """A number as JSON writes it: up to 32 digits in plain notation, 18 of them after the point."""
        literal = value.literal if isinstance(value, Number) else value
        if not isinstance(literal, str) or not (parts := _NUMBER.fullmatch(literal)):
            raise Refused(59, "not an amount")
        minus, whole, fraction, sign, exponent = parts.groups("")
        digits, exponent = (whole + fraction).strip("0"), exponent.lstrip("0")
        if not digits:
            return Fraction(0)
        if minus or len(digits) > 32 or len(exponent) > 6:  # no body has as many digits as that moves the point
            raise Refused(59, "not an amount")
        zeros = len(whole + fraction) - len((whole + fraction).rstrip("0"))
        power = int(f"{sign}{exponent or 0}") - len(fraction) + zeros  # of the last digit
        if power < -18 or max(1, len(digits) + power) + max(0, -power) > 32:
            raise Refused(59, "not an amount")
        return int(digits) * Fraction(10) ** power

    def check_forms(self, kind: str, fields: Fields) -> None:
        """Makes texts of the identifiers. Raises Refused (57)."""
        for name in fields.keys() & {*IDENTIFIERS} - {*PRIZE}:
            fields[name] = replace(fields[name], value=self.identifier(name, fields[name].value))

    def identifier(self, name: str, value: object) -> str:
        """A text of 1 to 128 characters, or the digits of a whole number."""
        if isinstance(value, Number) and value.literal.isdigit():
            value = value.literal
        if not isinstance(value, str) or not 1 <= len(value) <= 128 or value.isspace() or not self.is_fit(value):
            raise Refused(57, f"{name} is not an identifier")
        return value

    def is_fit(self, text: str) -> bool:
        return not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)

    def credit(self, kind: str, fields: Fields) -> Credit:
        texts = {name: str(parameter.value) for name, parameter in fields.items()}
        win = Credit(
            kind=kind,
            reference=texts["reference"],
            player=texts["userid"],
            amount=self.amount(fields["amount"].value),
            currency=self.currency(fields["currency"].as_sent) if "currency" in fields else None,
            currency_as_sent=fields["currency"].as_sent if "currency" in fields else None,
            content=tuple(map(texts.get, CONTENT)),
            bonus_code=texts.get("bonuscode") if kind in ("result", "bonus") else None,
            moment=self.moment(fields["timestamp"].as_sent) if "timestamp" in fields else None,
        )
        return replace(win, prize=self.prize(win, fields))

    def currency(self, text: str) -> str | None:
        """Only the letters A to Z are the same in capitals."""
        return re.sub("[a-z]+", lambda found: found[0].upper(), text)

    def moment(self, text: str) -> int | None:
        """Milliseconds since the epoch; None for any other form."""
        return int(text) if re.fullmatch("[0-9]{1,20}", text) else None

    def prize(self, win: Credit, fields: Fields) -> Prize | None:
        """The prize that came with a result, right or not; None without one, or for one of nothing."""
        sent, named = fields.get("promowinamount"), fields.get("promowinreference")
        if sent is None:
            return None
        try:
            amount = self.amount(sent.value if sent.is_clear else None)
        except Refused as refused:
            return Prize(named and named.as_sent, sent.as_sent, refused.error if named else 64)
        if not amount:
            return None
        if named is None:
            return Prize(None, written(amount), 64)
        try:
            reference = self.identifier("promoWinReference", named.value if named.is_clear else None)
        except Refused as refused:
            return Prize(named.as_sent, written(amount), refused.error)
        credit = replace(win, kind="promo", reference=reference, amount=amount, bonus_code=None)
        return Prize(reference, written(amount), credit=credit)

    # --- What it moves ------------------------------------------------------------------------------

    def settle(self, win: Credit) -> tuple[Record, int | None]:
        """Pays what is owed. Returns the win's record, and why its prize is left for a person, if it is."""
        return self.write(self.decide(win))

    def decide(self, win: Credit) -> Due:
        """What a win leaves to be written. Raises Refused (61, 62, 52)."""
        known = self.recorded(win)
        if known and not self.is_replay(win, known):
            raise Refused(61, "the reference was used with other content")
        if known and win.actor and win.booked_elsewhere != (known.outcome == "booked elsewhere"):
            raise Refused(61, "a person decided otherwise, or nobody did")
        wallet = self.wallets.get(win.player)
        if win.opens and known is None and wallet:
            raise Refused(61, "the player has a wallet already")
        left = self.why_left(win, known)
        prize = win.prize.credit if win.prize and not left else None
        fresh = tuple(credit for credit in (win, prize) if credit and self.recorded(credit) is None)
        if wallet is None:
            needs_none = known.outcome == "booked elsewhere" if known else win.opens or win.booked_elsewhere
            if not needs_none or not all(each.opens or each.booked_elsewhere for each in fresh):
                raise Refused(62, "no such player")
            wallet = self.no_wallet(win)
        if any(self.is_foreign(credit, wallet) for credit in fresh):
            if known is None:
                raise Refused(52, "not the player's currency")
            fresh, left = (), 52
        return Due(win, known, fresh, left, wallet)

    def no_wallet(self, credit: Credit) -> Wallet:
        return Wallet(credit.currency_as_sent or "", Fraction(0), Fraction(0))

    def is_foreign(self, credit: Credit, wallet: Wallet) -> bool:
        """Whether it cannot be added because of its currency."""
        return not credit.booked_elsewhere and credit.currency not in (None, self.currency(wallet.currency))

    def write(self, due: Due) -> tuple[Record, int | None]:
        """Does what was decided. Raises Refused (998) for a win that cannot be added exactly."""
        left, record = due.left, due.known
        for credit in due.fresh:
            try:
                paid = self.pay(credit)
            except Refused as refused:
                if credit is due.win:
                    raise
                left = refused.error
            else:
                record = record or paid
        assert record
        if due.notes_prize:
            noted = replace(record.credit, prize=due.win.prize)
            self.records[self.key(due.win)] = replace(record, credit=noted)
        return record, left

    def why_left(self, win: Credit, known: Record | None) -> int | None:
        """Why a person must decide about a win's prize, if that is so. The win does not wait for it."""
        if win.prize is None or win.prize.credit is None:
            return win.prize and win.prize.fault
        paid = self.recorded(win.prize.credit)
        if paid and paid.credit.actor and self.is_replay(win.prize.credit, paid):
            return None  # a person has decided about it
        if known and known.credit.prize not in (None, win.prize):
            return 61
        return 61 if paid and not self.is_replay(win.prize.credit, paid) else None

    def key(self, credit: Credit) -> Any:
        return credit.kind, credit.reference

    def recorded(self, credit: Credit) -> Record | None:
        return self.records.get(self.key(credit))

    def is_replay(self, credit: Credit, record: Record) -> bool:
        recorded = record.credit
        return (
            (credit.player, credit.amount) == (recorded.player, recorded.amount)
            and self.agree(credit.currency, recorded.currency)
            and credit.bonus == recorded.bonus
            and credit.currency in (None, self.currency_of(record) or credit.currency)
            and all(map(self.agree, credit.content, recorded.content))
        )

    def currency_of(self, record: Record) -> str | None:
        """What was booked elsewhere is in its own currency, which need not be the wallet's."""
        own = record.credit.currency if record.outcome == "booked elsewhere" else None
        return own or self.currency(record.wallet.currency) or None

    def agree(self, one: object, other: object) -> bool:
        """A field that only one of two deliveries carries does not contradict."""
        return one is None or other is None or one == other

    def pay(self, credit: Credit) -> Record:
        """Pays or takes what is not on record. Raises Refused (998, an order's 59), and then nothing has changed."""
        wallet = self.wallets.get(credit.player) or self.no_wallet(credit)
        if credit.booked_elsewhere:
            return self.keep(credit, wallet, outcome="booked elsewhere")
        paid, counts = self.owed(credit)
        to_cash, to_bonus = self.shares(credit, paid)
        cash, bonus = self.add(wallet.cash, to_cash), self.add(wallet.bonus, to_bonus)
        count = next(iter(counts.values()), None)
        self.check_digits(credit, cash, *((count.uncovered, count.advance) if count else ()))
        if paid < 0 and cash < 0 and not credit.below_zero:
            return self.keep(credit, wallet, outcome="not enough")
        self.check_digits(credit, bonus)
        after = replace(wallet, cash=cash, bonus=bonus, version=wallet.version + 1)
        self.wallets[credit.player] = after
        self.counts |= counts
        return self.keep(credit, after, paid, count)

    def check_digits(self, credit: Credit, *numbers: Fraction) -> None:
        if any(len(written(abs(number)).replace(".", "").strip("0")) > MAX_DIGITS for number in numbers):
            raise Refused(59 if credit.actor else 998, f"more than {MAX_DIGITS} digits")

    def keep(
        self,
        credit: Credit,
        wallet: Wallet,
        paid: Fraction = Fraction(0),
        count: Count | None = None,
        outcome: str | None = None,
    ) -> Record:
        record = Record(credit, f"t-{len(self.records) + 1}", paid, wallet, count, outcome)
        self.records[self.key(credit)] = record
        return record

    def owed(self, credit: Credit) -> tuple[Fraction, dict[tuple[str, str], Count]]:
        """What is paid, and the count of its code after it."""
        if credit.bonus_code is None:
            return credit.amount, {}
        code = credit.player, credit.bonus_code
        owed = self.owed_round if credit.kind == "result" else self.owed_total
        paid, count = owed(credit, self.counts.get(code, Count()))
        return paid, {code: count}

    def owed_round(self, credit: Credit, count: Count) -> tuple[Fraction, Count]:
        """Less what totals have paid ahead of it."""
        ahead = min(credit.amount, count.advance) if self.is_paid_ahead(credit, count) else Fraction(0)
        paid = credit.amount - ahead
        return paid, replace(count, uncovered=count.uncovered + paid, advance=count.advance - ahead)

    def owed_total(self, credit: Credit, count: Count) -> tuple[Fraction, Count]:
        """Less what rounds have been paid that no total covers."""
        covered = min(credit.amount, count.uncovered)
        paid = credit.amount - covered
        after = replace(count, uncovered=count.uncovered - covered, advance=count.advance + paid)
        return paid, self.noted(credit, after)

    def noted(self, total: Credit, count: Count) -> Count:
        """What tells the rounds of a total from later ones."""
        until = count.until if total.moment is None else max(count.until, total.moment)
        last = () if total.content[1] is None else (total.content[:2],)
        return replace(count, until=until, last_rounds=(*count.last_rounds, *last)[-LAST_ROUNDS:])

    def is_paid_ahead(self, round: Credit, count: Count) -> bool:
        is_older = round.moment is not None and round.moment <= count.until
        return is_older or round.content[:2] in count.last_rounds

    def shares(self, credit: Credit, paid: Fraction) -> tuple[Fraction, Fraction]:
        """What goes to cash, and what to bonus."""
        counts = credit.kind == "bonus" or (credit.kind == "result" and credit.bonus_code is not None)
        return paid, paid if counts else credit.bonus

    def add(self, balance: Fraction, amount: Fraction) -> Fraction:
        return balance + amount

    # --- What is answered ---------------------------------------------------------------------------

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        cash, bonus = self.written(wallet.cash, as_text), self.written(wallet.bonus, as_text)
        return (
            f'{{"transactionId": "{first.transaction_id}", "currency": {json.dumps(wallet.currency)}, "cash": {cash}, '
            f'"bonus": {bonus}, "error": 0, "description": "Success"}}'
        )

    def written(self, balance: Fraction, as_text: bool) -> str:
        return f'"{written(balance)}"' if as_text else written(balance)

    def refused(self, refused: Refused) -> Answer:
        body = json.dumps({"error": refused.error, "description": refused.description})
        return Answer(refused.error, refused.status, body, kept_for(refused.error))


# --- The chain of digests ----------------------------------------------------------------------------


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(before: str, attributes: Mapping[str, str | bool]) -> str:
    """The digest of a movement's record, after the one with the digest `before`. Source: docs/ledger.md.

    Numbers are texts, in plain notation. It is written out by hand, so that it is no JSON library's canonical form.
    """
    beside = {"digest", "request", "laterPrizeReference", "laterPrizeAmount"}
    members = ",".join(
        f"{quoted(name)}:{'true' if value is True else quoted(str(value))}"
        for name, value in sorted(attributes.items(), key=lambda each: each[0].encode("utf-16-be"))
        if name not in beside
    )
    return sha256(f"[1,{quoted(before)},{{{members}}}]")


_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_ESCAPED = re.compile('["\\\\\x00-\x1f]')


def quoted(text: str) -> str:
    """A text as RFC 8785 writes it."""
    escaped = _ESCAPED.sub(lambda found: _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}", text)
    return f'"{escaped}"'


def kept_for(error: int) -> Kept | None:
    """Where a request is kept that was refused so."""
    if error in KEPT_NOWHERE:
        return None
    return Kept("RetryQueue" if error in TRIED_AGAIN else "DeadLetters", error, prize_only=False)


def written(number: Fraction) -> str:
    """In plain notation, with all its digits and no zeros at the end of its fraction."""
    return f"{_EXACT.divide(number.numerator, number.denominator):f}"


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


@cache
def fields_of(kind: str) -> frozenset[str]:
    """The fields of a kind, in lower case."""
    known = f"{CASHIER} {CASHIER_MAY}" if kind == "cashier" else f"{MANDATORY[kind]} {OPTIONAL[kind]}"
    return frozenset(known.lower().split())


def hash_of(text: str, secret: str) -> str:
    """The hash that a body's text must carry."""
    contract = Contract()
    return contract.hash_of(contract.parameters(None, text.encode()), secret)


_NOT_JSON = Number("NaN")


def _holds_what_is_not_json(value: object) -> bool:
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return value == _NOT_JSON or any(map(_holds_what_is_not_json, inside))


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) < len(pairs):
        raise Refused(99, "a key twice")
    return dict(pairs)

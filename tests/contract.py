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
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Context, Inexact
from fractions import Fraction
from functools import cache
from typing import Any, Literal

WINS = {"Result": "result", "JackPotWin": "jackpot", "BonusWin": "bonus", "PromoWin": "promo"}
OTHERS = {
    "Bet": "bet", "Cancel": "cancel", "Refund": "cancel", "EndRound": "endround", "Balance": "balance",
    "Check": "balance",
}  # fmt: skip
PATHS = {f"/{version}/{call}": kind for call, kind in {**WINS, **OTHERS}.items() for version in ("v4", "V4", "v1")} | {
    "/bonuswin": "bonus"
}
KINDS = {"refund": "cancel", "check": "balance"}  # of a call whose kind serves two
MANDATORY = {
    "result": "userId amount reference providerId timestamp uuid gameId gameName roundId currency roundDetails",
    "jackpot": "userId amount reference providerId timestamp gameId roundId jackpotId",
    "bonus": "userId amount reference providerId timestamp gameId",
    "promo": "userId amount reference providerId timestamp uuid promoCampaignId promoCampaignType currency",
    "bet": "userId amount reference providerId timestamp gameId roundId currency",
    "cancel": "userId reference providerId",
    "endround": "userId gameId roundId providerId",
    "balance": "userId providerId",
}
OPTIONAL = {
    "result": "hash token platform bonusCode sessionId"
    " promoWinAmount promoWinReference promoCampaignId promoCampaignType",
    "jackpot": "hash token platform bonusCode uuid currency",
    "bonus": "hash token platform bonusCode uuid currency roundId",
    "promo": "hash token platform bonusCode",
    "bet": "hash token platform bonusCode uuid",
    "cancel": "hash token uuid roundId amount gameId currency",
    "endround": "hash token uuid currency",
    "balance": "hash token uuid currency",
}
# What the operator's own side orders of the cashier. Source: docs/cashier.md.
CASHIER = "movement reference userId amount currency actor reason"
CASHIER_MAY = "bonus belowZero details"
MOVEMENTS = ("opening", "deposit", "withdrawal", "adjustment")
FREEZING = "userId actor reason"
ADJUSTMENT_LIMIT = 10000
MAX_TEXT = 1000
OTHER_NAMES = {"campaignid": "promocampaignid", "campaigntype": "promocampaigntype"}
SIGNED = ("jackpot", "bonus")  # in need of a hash once there is a secret
UNSIGNED = ("result", "promo")  # identified by a uuid; the others by a hash or a uuid
AMOUNTS = ("amount", "promowinamount")
PRIZE = ("promowinamount", "promowinreference")
CONTENT = ("gameid", "roundid", "bonuscode", "jackpotid", "promocampaignid")  # which a replay must not contradict
IDENTIFIERS = ("userid", "reference", "promowinreference", *CONTENT)
IDENTIFIERS_OF_ROUND = ("userid", "gameid", "roundid")

STATUS = {
    0: 200,
    15: 200,
    52: 200,
    53: 200,
    56: 200,
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
KEPT_NOWHERE = (0, 15, 99, 401, 404, 405)
TRIED_AGAIN = (62, 998)
MAX_BODY_BYTES = 64 * 1024
MAX_DIGITS = 38  # of whatever is kept
LAST_ROUNDS = 10
MOST_BETS = 40  # of a round, live at the same time

_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?")
_EXACT = Context(prec=200, traps=[Inexact])
_COUNTING = Context(prec=MAX_DIGITS, rounding=ROUND_DOWN)


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
    """Money owed once; of a bet and of the cashier's, also money taken: the amount is below zero then.

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
    remembers: bool = False  # that the bet under its id was cancelled before it came

    @property
    def opens(self) -> bool:
        """Whether it makes the wallet."""
        return self.kind == "opening"

    @property
    def id(self) -> str:
        return f"{self.kind}#{self.reference}"

    @property
    def round(self) -> "RoundKey | None":
        """The round that it changes, if it names one."""
        game, round = self.content[:2]
        if self.kind not in ("bet", "cancel", "result") or game is None or round is None:
            return None
        return self.player, str(game), str(round)


@dataclass(frozen=True)
class Cancel:
    """What undoes a bet; if it is `of_round`, all live bets of its round."""

    reference: str
    player: str
    game: str | None = None
    round_id: str | None = None
    amount: Fraction | None = None
    of_round: bool = False
    actor: str | None = None
    reason: str | None = None
    booked_elsewhere: bool = False

    @property
    def id(self) -> str:
        return f"cancel#{self.reference}"

    @property
    def round(self) -> "RoundKey | None":
        return None if self.game is None or self.round_id is None else (self.player, self.game, self.round_id)


@dataclass(frozen=True)
class Visit:
    """What moves no money: `endround`, `balance` or `check`."""

    call: str
    player: str
    currency: str | None = None
    round: "RoundKey | None" = None


Asked = Credit | Cancel | Visit
RoundKey = tuple[str, str, str]  # player, game, roundId

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
class Bet:
    """A live bet: one that was taken and not paid back."""

    reference: str
    taken: Fraction
    bonus_code: str | None = None


@dataclass(frozen=True)
class Round:
    """One play of a game. `had_bet`: a bet was taken, or cancelled before it came by a cancel that named the round."""

    bets: tuple[Bet, ...] = ()
    had_bet: bool = False
    had_refused_bet: bool = False  # for lack of money
    has_result: bool = False
    winnings: Fraction = Fraction(0)  # results as asked for
    refunded: bool = False
    refunded_elsewhere: bool = False  # as a person has decided
    ended: bool = False

    @property
    def is_open(self) -> bool:
        return bool(self.bets) and not self.has_result

    @property
    def taken(self) -> Fraction:
        return sum((bet.taken for bet in self.bets), Fraction(0))

    @property
    def bonus_code(self) -> str | None:
        """The one code that all its live bets have."""
        codes = {bet.bonus_code for bet in self.bets}
        return codes.pop() if len(codes) == 1 else None


@dataclass(frozen=True)
class Record:
    """A credit that was paid, and what that left.

    With an `outcome` it has moved nothing, and says why: "not enough", "booked elsewhere", or "cancelled" for a bet
    that was cancelled before it came.
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
class Undoing:
    """What a cancel leaves to be written: `back` pays back, and `memory` remembers a bet that is not on record.

    `is_unknown`: nothing is known of the round or of the reference, so a person must look at it.
    """

    cancel: Cancel
    back: tuple[Credit, ...] = ()
    memory: Credit | None = None
    marks_round: bool = False  # as refunded
    is_unknown: bool = False

    @property
    def changes(self) -> bool:
        return bool(self.back) or self.memory is not None or self.marks_round


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
    """An operator that does what it must. A lock without a secret or token is open.

    One for `wins_only` knows neither the other calls nor rounds.
    """

    hash_secrets: tuple[str, ...] = ()
    auth_tokens: tuple[str, ...] = ()
    wallets: dict[str, Wallet] = field(default_factory=dict)
    records: dict[Any, Record] = field(default_factory=dict)
    counts: dict[tuple[str, str], Count] = field(default_factory=dict)
    rounds: dict[RoundKey, Round] = field(default_factory=dict)
    undone: dict[str, str] = field(default_factory=dict)  # the first bet that a refund by its own reference paid back
    frozen: dict[str, tuple[str, str]] = field(default_factory=dict)  # players, and who has frozen them and why
    wins_only: bool = False

    def due(self, call: Call) -> Answer:
        """The answer to a request, which is settled."""
        try:
            asked, as_text = self.read(call)
            match asked:
                case Cancel():
                    return self.answer_cancel(self.undo(asked), as_text=as_text)
                case Visit():
                    self.visit(asked)
                    return self.answer_visit(asked, as_text=as_text)
                case Credit():
                    record, left = self.settle(asked)
                    return self.answer_movement(record, self.wallets[asked.player], left, as_text=as_text)
        except Refused as refused:
            return self.refused(refused, PATHS.get(call.path, ""))

    def ordered(self, order: Mapping[str, object]) -> dict[str, object]:
        """The answer to an order of the operator's own side, which is settled."""
        try:
            if order.keys() & {"freeze", "unfreeze"}:
                return self.freeze(order)
            credit = self.read_order(order)
            record, _ = self.settle(credit)
        except Refused as refused:
            return {"error": refused.error}
        wallet = self.wallets[credit.player]
        balances = {"currency": wallet.currency, "cash": written(wallet.cash), "bonus": written(wallet.bonus)}
        return {**balances, "error": 15 if record.outcome == "not enough" else 0}

    def copy(self) -> "Contract":
        """Another one in the same state, for trying what would be."""
        states = ("wallets", "records", "counts", "rounds", "undone", "frozen")
        return replace(self, **{name: {**getattr(self, name)} for name in states})

    # --- What is asked ------------------------------------------------------------------------------

    def read(self, call: Call) -> tuple[Asked, bool]:
        """What a request asks for, and whether it is answered in text. Raises Refused, in the contract's order."""
        kind = self.kind(call.path)
        self.check_method(call.method)
        self.check_token(call.token)
        parameters = self.parameters(kind, call.body)
        self.check_hash(kind, parameters)
        fields = self.fields(kind, parameters)
        if kind not in UNSIGNED and not fields.keys() & {"hash", "uuid"}:
            raise Refused(64, "hash is missing")
        asked = self.asked(self.call(call.path), fields)
        self.check_cut(parameters)
        amounts = self.named("amount", parameters)
        as_text = not amounts or any(isinstance(each.value, str) for each in amounts)
        return asked, as_text

    def read_kept(self, kind: str, body: bytes) -> Credit:
        """What a kept win asks for: it was let in before, and has no hash any more."""
        return self.win(kind, self.fields(kind, self.parameters(kind, body)))

    def read_kept_cancel(self, call: str, body: bytes) -> Cancel:
        """The same for a kept cancel; `call` is "cancel" or "refund"."""
        return self.cancel(call, self.fields("cancel", self.parameters("cancel", body)))

    def read_cancel_by_hand(self, call: str, body: bytes) -> Cancel:
        """The same for a person, but what a refund undoes must be read: a bet, or a round."""
        parameters = self.parameters("cancel", body)
        fields = self.readable("cancel", parameters)
        must_be_read = {"userid", "reference"} | ({"roundid"} if call == "refund" else set[str]())
        if self.said("cancel", parameters).keys() & must_be_read - fields.keys():
            return self.cancel(call, self.fields("cancel", parameters))
        return self.cancel(call, fields, {"userid", "reference"})

    def read_by_hand(self, kind: str, body: bytes, *, prize_only: bool = False) -> Credit:
        """The same for a person: what cannot be read is left out, but for player, amount and reference.

        With `prize_only`, the prize alone is asked for.
        """
        parameters = self.parameters(kind, body)
        fields = self.readable(kind, parameters)
        if not fields.keys() >= {"userid", "amount", "reference"}:
            return self.win(kind, self.fields(kind, parameters))
        self.check_forms(kind, fields)
        win = self.credit(kind, fields)
        if not prize_only:
            return win
        if win.prize is None or win.prize.credit is None:
            raise Refused((win.prize and win.prize.fault) or 64, "there is no prize that can be paid")
        return win.prize.credit

    def readable(self, kind: str, parameters: Sequence[Parameter]) -> Fields:
        """The fields that can be read, and a prize's, which need not be."""
        return {
            name: replace(spellings[0], is_clear=len(meanings) == 1)
            for name, spellings in self.said(kind, parameters).items()
            if len(meanings := {self.meaning(name, each) for each in spellings}) == 1 or name in PRIZE
            if name in PRIZE or not any(isinstance(each, tuple) for each in meanings)
        }

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

    def freeze(self, order: Mapping[str, object]) -> dict[str, object]:
        """Freezes a player, or the opposite; again, it changes nothing. Raises Refused (57, 64, 62)."""
        name, said = next(iter(order.items()))
        if len(order) > 1 or not isinstance(said, Mapping) or not {*said} <= {*FREEZING.split()}:
            raise Refused(57, "an unknown field")
        fields = self.order_fields(self.parameters("cashier", json.dumps(said).encode()))
        self.check_there({*FREEZING.lower().split()}, fields)
        player = self.identifier("userId", fields["userid"].value)
        actor, reason = (self.text_of(each, fields[each].value) for each in ("actor", "reason"))
        wallet = self.wallets.get(player)
        if wallet is None:
            raise Refused(62, "no such player")
        if name == "freeze":
            self.frozen.setdefault(player, (actor, reason))
        else:
            self.frozen.pop(player, None)
        balances = {"currency": wallet.currency, "cash": written(wallet.cash), "bonus": written(wallet.bonus)}
        return {**balances, "frozen": player in self.frozen, "error": 0}

    def text_of(self, name: str, text: object) -> str:
        """Raises Refused (57)."""
        if not isinstance(text, str) or len(text) > MAX_TEXT or text.isspace() or not self.is_fit(text):
            raise Refused(57, f"{name} is no text")
        return text

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
            self.text_of(name, fields[name].value)
        if "belowzero" in fields and not isinstance(fields["belowzero"].value, bool):
            raise Refused(57, "neither true nor false")

    def signed(self, value: object) -> Fraction:
        """An amount as text, which may be below zero."""
        if not isinstance(value, str):
            raise Refused(59, "not an amount as text")
        return -self.amount(value[1:]) if re.match("-[0-9]", value) else self.amount(value)

    def kind(self, path: str) -> str:
        if path not in PATHS or (self.wins_only and PATHS[path] not in WINS.values()):
            raise Refused(404, "No such path")
        return PATHS[path]

    def call(self, path: str) -> str:
        """The kind of a path; of two calls that are of one kind, which of them it is."""
        name = path.rpartition("/")[2].lower()
        return name if name in KINDS else self.kind(path)

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

    def asked(self, call: str, fields: Fields) -> Asked:
        """What the fields of a call ask for. Raises Refused (64, 59, 57)."""
        match call:
            case "cancel" | "refund":
                return self.cancel(call, fields)
            case "endround" | "balance" | "check":
                return self.visit_of(call, fields)
            case _:
                return self.win(call, fields)

    def win(self, kind: str, fields: Fields) -> Credit:
        """The credit that the fields ask for; of a bet, what it takes. Raises Refused (64, 59, 57)."""
        self.check_there({*MANDATORY[kind].lower().split()}, fields)
        self.amount(fields["amount"].value)
        self.check_forms(kind, fields)
        return self.credit(kind, fields)

    def cancel(self, call: str, fields: Fields, mandatory: Set[str] | None = None) -> Cancel:
        """What a cancel asks for. Raises Refused (64, 59, 57)."""
        of_round = call == "refund" and "roundid" in fields
        self.check_there(mandatory or {*MANDATORY["cancel"].lower().split()}, fields)
        self.check_there({"gameid"} if of_round else set(), fields)
        amount = self.amount(fields["amount"].value) if "amount" in fields else None
        self.check_forms("cancel", fields)
        game, round = (str(fields[name].value) if name in fields else None for name in ("gameid", "roundid"))
        return Cancel(str(fields["reference"].value), str(fields["userid"].value), game, round, amount, of_round)

    def visit_of(self, call: str, fields: Fields) -> Visit:
        kind = KINDS.get(call, call)
        self.check_there({*MANDATORY[kind].lower().split()}, fields)
        self.check_forms(kind, fields)
        currency = self.currency(fields["currency"].as_sent) if "currency" in fields else None
        player, game, round = (str(fields[name].value) if name in fields else "" for name in IDENTIFIERS_OF_ROUND)
        return Visit(call, player, currency, (player, game, round) if call == "endround" else None)

    def check_there(self, names: Set[str], fields: Fields) -> None:
        if missing := names - fields.keys():
            raise Refused(64, f"{', '.join(sorted(missing))} is missing")

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
        amount = self.amount(fields["amount"].value)
        win = Credit(
            kind=kind,
            reference=texts["reference"],
            player=texts["userid"],
            amount=-amount if kind == "bet" else amount,
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
        """What a win or a bet leaves to be written. Raises Refused (61, 53, 62, 52, 56)."""
        known = self.recorded(win)
        if known and win.kind == "bet" and (known.outcome == "cancelled" or self.is_paid_back(known)):
            raise Refused(53, "the bet was cancelled")
        if known and not self.is_replay(win, known):
            raise Refused(53 if win.kind == "bet" else 61, "the reference was used with other content")
        if known and win.actor and win.booked_elsewhere != (known.outcome == "booked elsewhere"):
            raise Refused(61, "a person decided otherwise, or nobody did")
        wallet = self.wallets.get(win.player)
        if win.opens and known is None and wallet:
            raise Refused(61, "the player has a wallet already")
        win = win if known else self.with_code_of_round(win)
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
        if known is None:
            self.check_frozen(win)
            self.check_round(win)
        return Due(win, known, fresh, left, wallet)

    def check_frozen(self, win: Credit) -> None:
        if win.kind == "bet" and win.player in self.frozen:
            raise Refused(56, "the player is frozen")

    def check_round(self, win: Credit) -> None:
        """Raises Refused (53, 61) for what its round forbids. What a person decides, it does not forbid."""
        round = self.round_of(win)
        if win.kind == "bet" and (round.refunded or len(round.bets) >= MOST_BETS):
            raise Refused(53, "the round takes no bet")
        is_without_bet = round.had_bet and not round.bets
        if win.kind == "result" and not win.actor and win.amount and (round.refunded or is_without_bet):
            raise Refused(61, "the round was refunded, or its bets were cancelled")

    def with_code_of_round(self, win: Credit) -> Credit:
        """A result without a code has the one of its round's live bets."""
        code = self.round_of(win).bonus_code
        if win.kind != "result" or win.bonus_code or code is None:
            return win
        if win.booked_elsewhere:
            raise Refused(57, "a free round")
        content = (*win.content[:2], code, *win.content[3:])
        return replace(win, bonus_code=code, content=content)

    def round_of(self, asked: Asked) -> Round:
        return self.rounds.get(asked.round, Round()) if asked.round else Round()

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
        if paid < 0 and cash < 0 and not credit.below_zero:
            return self.keep(credit, wallet, outcome="not enough")
        self.check_digits(credit, cash, bonus, *((count.uncovered, count.advance) if count else ()))
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
        name = self.name_of(credit.id) if credit.kind == "cancel" else f"t-{len(self.records) + 1}"
        record = Record(credit, name, paid, wallet, count, outcome)
        self.records[self.key(credit)] = record
        if credit.round and not self.wins_only:
            self.rounds[credit.round] = self.after(self.round_of(credit), record)
        return record

    def name_of(self, id: str) -> str:
        """The transactionId of a cancel, which it has whether or not it pays anything back."""
        return sha256(id)[:36]

    def after(self, round: Round, record: Record) -> Round:
        """The round after a bet, its cancel or a result."""
        credit, code = record.credit, record.credit.content[2]
        match credit.kind, record.outcome:
            case "bet", "not enough":
                return replace(round, had_refused_bet=True)
            case "bet", None:
                bet = Bet(credit.reference, -record.paid, None if code is None else str(code))
                return replace(round, bets=(*round.bets, bet), had_bet=True)
            case "cancel", _:
                return replace(round, bets=tuple(bet for bet in round.bets if bet.reference != credit.reference))
            case "result", _:
                return replace(round, has_result=True, winnings=self.winnings(credit))
            case _:
                return round

    def winnings(self, credit: Credit) -> Fraction:
        """The winnings of a credit's round with it: a count, so more digits than are kept are cut off."""
        winnings = self.round_of(credit).winnings + (credit.amount if credit.kind == "result" else 0)
        return Fraction(_COUNTING.divide(winnings.numerator, winnings.denominator))

    def owed(self, credit: Credit) -> tuple[Fraction, dict[tuple[str, str], Count]]:
        """What is paid, and the count of its code after it."""
        if credit.bonus_code is None:
            return self.taken(credit) if credit.kind == "bet" else credit.amount, {}
        code = credit.player, credit.bonus_code
        owed = self.owed_round if credit.kind == "result" else self.owed_total
        paid, count = owed(credit, self.counts.get(code, Count()))
        return paid, {code: count}

    def taken(self, bet: Credit) -> Fraction:
        """What a bet moves cash by. The stake of a free round is not taken."""
        return bet.amount if bet.content[2] is None else Fraction(0)

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

    # --- Cancels, and the end of a round ------------------------------------------------------------

    def undo(self, cancel: Cancel) -> Undoing:
        """Does what a cancel asks for, and returns what that was. Raises Refused (61, 59; 998 for too many digits)."""
        undoing = self.decide_cancel(cancel)
        self.write_cancel(undoing)
        return undoing

    def decide_cancel(self, cancel: Cancel) -> Undoing:
        """What a cancel leaves to be written, by the bet and the round as they are now. Raises Refused (61, 59)."""
        return self.decide_refund(cancel) if cancel.of_round else self.decide_bet(cancel)

    def decide_bet(self, cancel: Cancel) -> Undoing:
        """Raises Refused (61, 59)."""
        bet = self.bet(cancel.reference)
        if bet is None:
            return Undoing(cancel, memory=self.memory(cancel))
        if bet.outcome or self.is_paid_back(bet):
            self.check_decision(cancel)
            return Undoing(cancel)
        self.check_bet_of(cancel, bet)
        round = self.round_of(bet.credit)
        live = self.live(bet, round)
        if round.winnings > 0 and round.bets == (live,) and not cancel.actor:
            raise Refused(61, "the round has winnings, and no other live bet")
        self.check_amount(cancel, live.taken)
        return Undoing(cancel, back=(self.back(cancel, live, bet.credit.content),))

    def decide_refund(self, cancel: Cancel) -> Undoing:
        """Raises Refused (61, 59)."""
        bet, round = self.bet(cancel.reference), self.round_of(cancel)
        if bet:
            self.check_bet_of(cancel, bet)
            if not bet.outcome and not self.is_paid_back(bet):
                self.live(bet, round)
        memory = None if bet else self.memory(cancel)
        if round.refunded and (round.refunded_elsewhere or cancel.booked_elsewhere):
            if not round.refunded_elsewhere:
                self.check_decision(cancel)
            elif cancel.actor and not cancel.booked_elsewhere:
                raise Refused(61, "a person has booked the refund elsewhere")
        if round.refunded:
            is_decided = cancel.booked_elsewhere and not round.refunded_elsewhere
            return Undoing(cancel, memory=memory, marks_round=is_decided)
        if round.winnings > 0 and not cancel.actor:
            raise Refused(61, "the round has winnings")
        self.check_amount(cancel, round.taken)
        content = (cancel.game, cancel.round_id, None, None, None)
        back = tuple(self.back(cancel, live, content) for live in round.bets)
        is_unknown = not (bet or round.bets or round.had_bet or round.had_refused_bet)
        return Undoing(cancel, back, memory, marks_round=True, is_unknown=is_unknown)

    def bet(self, reference: str) -> Record | None:
        return self.records.get(("bet", reference))

    def is_paid_back(self, bet: Record) -> bool:
        return ("cancel", bet.credit.reference) in self.records

    def live(self, bet: Record, round: Round) -> Bet:
        """Raises Refused (61) for a taken bet that its round has forgotten."""
        for live in round.bets:
            if live.reference == bet.credit.reference:
                return live
        raise Refused(61, "the round of the bet has expired")

    def check_bet_of(self, cancel: Cancel, bet: Record) -> None:
        """Raises Refused (61) if the bet is another player's, or of another round or game than the cancel says.

        A person who cancels one bet may know better which round that is of.
        """
        game, round = bet.credit.content[:2]
        is_of_round = self.agree(cancel.game, game) and self.agree(cancel.round_id, round)
        is_decided = cancel.actor and not cancel.of_round
        if cancel.player != bet.credit.player or not (is_of_round or is_decided):
            raise Refused(61, "another player's bet, or one of another round")

    def check_amount(self, cancel: Cancel, taken: Fraction) -> None:
        if taken and cancel.amount not in (None, taken) and not cancel.actor:
            raise Refused(59, "not the amount of the bet")

    def check_decision(self, cancel: Cancel) -> None:
        """Raises Refused (61) for a person who decides otherwise than what is on record."""
        paid_back = self.records.get(("cancel", self.undone.get(cancel.reference, cancel.reference)))
        if cancel.actor and paid_back and cancel.booked_elsewhere != (paid_back.outcome == "booked elsewhere"):
            raise Refused(61, "a person decided otherwise, or nobody did")

    def back(self, cancel: Cancel, bet: Bet, content: tuple[object, ...]) -> Credit:
        """What pays back a live bet."""
        return Credit(
            kind="cancel",
            reference=bet.reference,
            player=cancel.player,
            amount=bet.taken,
            currency=None,
            content=(*content[:2], bet.bonus_code, None, None),
            actor=cancel.actor,
            reason=cancel.reason,
            booked_elsewhere=cancel.booked_elsewhere,
        )

    def memory(self, cancel: Cancel) -> Credit:
        """What keeps a bet from being taken that comes after its cancel."""
        return Credit(
            kind="bet",
            reference=cancel.reference,
            player=cancel.player,
            amount=Fraction(0),
            currency=None,
            content=(cancel.game, cancel.round_id, None, None, None),
            actor=cancel.actor,
            reason=cancel.reason,
            remembers=True,
        )

    def write_cancel(self, undoing: Undoing) -> None:
        """Does what was decided. Raises Refused (998) if a stake cannot be added exactly; nothing has changed then."""
        cancel, wallet = undoing.cancel, self.wallets.get(undoing.cancel.player)
        if wallet and not cancel.booked_elsewhere:
            cash = wallet.cash
            for credit in undoing.back:
                self.check_digits(credit, cash := cash + credit.amount)
        for credit in undoing.back:
            self.pay(credit)
        if undoing.memory:
            self.keep(undoing.memory, wallet or self.no_wallet(undoing.memory), outcome="cancelled")
            if undoing.back:
                self.undone[cancel.reference] = undoing.back[0].reference
        if cancel.round and (undoing.marks_round or (undoing.memory and not cancel.of_round)):
            round = self.round_of(cancel)
            had_bet = round.had_bet or not cancel.of_round
            self.rounds[cancel.round] = replace(
                round,
                had_bet=had_bet,
                refunded=round.refunded or cancel.of_round,
                refunded_elsewhere=round.refunded_elsewhere or (cancel.of_round and cancel.booked_elsewhere),
            )

    def visit(self, visit: Visit) -> None:
        """Marks the end of a round. Raises Refused (62, 52, 56)."""
        self.check_visit(visit)
        if visit.round:
            self.rounds[visit.round] = replace(self.round_of(visit), ended=True)

    def check_visit(self, visit: Visit) -> None:
        wallet = self.wallets.get(visit.player)
        if wallet is None:
            raise Refused(62, "no such player")
        if visit.currency not in (None, self.currency(wallet.currency)):
            raise Refused(52, "not the player's currency")
        if visit.call == "check" and visit.player in self.frozen:
            raise Refused(56, "the player is frozen")

    # --- What is answered ---------------------------------------------------------------------------

    def answer_movement(self, record: Record, wallet: Wallet, left: int | None = None, *, as_text: bool) -> Answer:
        """`left` is why its prize is left for a person."""
        if record.outcome == "not enough":
            return Answer(
                15, 200, f'{{{self.balances(wallet, as_text)}, "error": 15, "description": "Not enough"}}', None
            )
        kept = Kept("DeadLetters", left, prize_only=True) if left else None
        return Answer(0, 200, self.success(record, wallet, as_text=as_text), kept)

    def answer_cancel(self, undoing: Undoing, *, as_text: bool) -> Answer:
        """Without a wallet there are no balances to answer with. What is kept says that the round is unknown."""
        cancel, wallet = undoing.cancel, self.wallets.get(undoing.cancel.player)
        kept = Kept("DeadLetters", 0, prize_only=False) if undoing.is_unknown else None
        if wallet is None:
            return replace(self.refused(Refused(62, "no such player"), "cancel"), kept=kept)
        name = f'"transactionId": "{self.name_of(cancel.id)}"'
        body = f'{{{name}, {self.balances(wallet, as_text)}, "error": 0, "description": "Success"}}'
        return Answer(0, 200, body, kept)

    def answer_visit(self, visit: Visit, *, as_text: bool = True) -> Answer:
        done = '"error": 0, "description": "Success"'
        balances = "" if visit.call == "check" else f"{self.balances(self.wallets[visit.player], as_text)}, "
        return Answer(0, 200, f"{{{balances}{done}}}", None)

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        name = f'"transactionId": "{first.transaction_id}"'
        return f'{{{name}, {self.balances(wallet, as_text)}, "error": 0, "description": "Success"}}'

    def balances(self, wallet: Wallet, as_text: bool = True) -> str:
        cash, bonus = self.written(wallet.cash, as_text), self.written(wallet.bonus, as_text)
        return f'"currency": {json.dumps(wallet.currency)}, "cash": {cash}, "bonus": {bonus}'

    def written(self, balance: Fraction, as_text: bool) -> str:
        return f'"{written(balance)}"' if as_text else written(balance)

    def refused(self, refused: Refused, kind: str = "") -> Answer:
        body = json.dumps({"error": refused.error, "description": refused.description})
        return Answer(refused.error, refused.status, body, kept_for(refused.error, kind))


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


def kept_for(error: int, kind: str = "") -> Kept | None:
    """Where a request is kept that was refused so."""
    is_remembered = kind == "cancel" and error == 62  # and has nothing left to do
    if error in KEPT_NOWHERE or kind in ("bet", "endround", "balance") or is_remembered:
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

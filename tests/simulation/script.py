"""What happens to the wallet: deliveries, and what comes between. A script is data: it is drawn from a seed, played as
often as wanted, made shorter, and printed as a list that can be read and as Python that can be pasted.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from random import Random
from typing import Any, ClassVar, Literal, TypeVar, get_args

import contract
from contract import Contract, Number, Parameter, Refused

Callback = Literal["result", "jackpot", "bonus", "promo", "bet", "cancel", "endround", "balance"]
Queued = Literal["result", "jackpot", "bonus", "promo", "cancel"]  # what is kept if it cannot be done
QUEUED: tuple[Queued, ...] = get_args(Queued)
Winning = Literal["result", "jackpot", "bonus", "promo"]
WINS: tuple[Winning, ...] = get_args(Winning)
Function = Literal[Callback, "cashier"]
Service = Literal["dynamodb", "sqs", "secretsmanager"]
Item = dict[str, Any]

# --- What is sent -----------------------------------------------------------------------------------

Wrong = Literal["method", "token", "hash", "json", "amount", "absent", "malformed", "stray"]
WRONGS: tuple[Wrong, ...] = get_args(Wrong)[:-1]  # a stray is no delivery
FIRST_TIMESTAMP = 1_482_429_190_000
FOREIGN = "a secret that nobody gave out"


class Said:
    """What is sent, apart from what differs between its deliveries. It is told by what it says."""

    def __repr__(self) -> str:
        known: Any = self
        said = {
            each.name: getattr(self, each.name) for each in fields(known) if getattr(self, each.name) != each.default
        }
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in said.items())})"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Win(Said):
    """What the provider says of a win or a bet, apart from what differs between its deliveries.

    Amounts are as written.
    """

    callback: Literal["result", "jackpot", "bonus", "promo", "bet"]
    player: str
    reference: str
    amount: str
    as_text: bool = True
    currency: str | None = None
    game: str | None = None
    round: str | None = None
    bonus_code: str | None = None
    jackpot: str | None = None
    campaign: str | None = None
    prize: tuple[str | None, str] | None = None  # its reference and amount
    in_session: bool = True
    dated: bool = True  # whether its timestamp is one of milliseconds
    wrong: Wrong | None = None  # what is wrong with how it is sent

    @property
    def call(self) -> str:
        return {"result": "Result", "jackpot": "JackPotWin", "bonus": "BonusWin", "promo": "PromoWin"}.get(
            self.callback, "Bet"
        )

    def __str__(self) -> str:
        said = f"{self.callback} {self.reference} of {self.player}: {self.amount} {self.currency or ''}".rstrip()
        for name in ("round", "bonus_code"):
            said += f", {name} {value}" if (value := getattr(self, name)) else ""
        said += f", with prize {self.prize[0]} of {self.prize[1]}" if self.prize else ""
        return said + (f", with a wrong {self.wrong}" if self.wrong else "")

    @cached_property
    def literals(self) -> Mapping[str, str]:
        """What all its deliveries have in common, in JSON."""
        quote = '"' if self.as_text else ""
        values = {
            "providerId": "luckymonaco",
            "userId": self.player,
            "reference": self.reference,
            "currency": self.currency,
            "gameId": self.game,
            "gameName": "tumblefortune" if self.callback == "result" else None,
            "roundId": self.round,
            "sessionId": "session" if self.callback == "result" and self.in_session else None,
            "bonusCode": self.bonus_code,
            "jackpotId": self.jackpot,
            "promoCampaignId": self.campaign,
            "promoCampaignType": self.campaign and "tournament",
            "promoWinReference": self.prize and self.prize[0],
        }
        literals = {name: json.dumps(value) for name, value in values.items() if value is not None}
        literals["amount"] = f"{quote}{self.amount}{quote}"
        if self.prize:
            literals["promoWinAmount"] = f"{quote}{self.prize[1]}{quote}"
        return _with_wrong(literals, self.wrong)

    @cached_property
    def credit(self) -> contract.Credit:
        """What it asks for, whichever delivery brings it. Raises Refused."""
        return Contract().win(self.callback, _fields(self))

    @cached_property
    def refusal(self) -> int | None:
        """The code with which whatever it says is refused, if it is admitted."""
        if self.wrong == "stray":
            return 57
        return _refusal(self)


def _with_wrong(literals: dict[str, str], wrong: Wrong | None) -> dict[str, str]:
    match wrong:
        case "amount":
            literals["amount"] = '"ten"'
        case "absent":
            del literals["providerId"]
        case "malformed":
            literals["userId"] = '"a\\u0000b"'
        case _:
            pass
    return literals


def _fields(said: Any) -> contract.Fields:
    return {
        name.lower(): Parameter(name, json.loads(raw) if raw.startswith('"') else Number(raw), raw)
        for name, raw in {**Delivery(said, 0).literals, "roundDetails": '"spin"'}.items()
    }


def _refusal(said: Any) -> int | None:
    try:
        _ = said.credit
    except Refused as refused:
        return refused.error
    return None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Cancel(Said):
    """What undoes a bet; as a Refund that names its round, all live bets of the round."""

    callback: ClassVar[Function] = "cancel"
    dated: ClassVar[bool] = True

    call: Literal["Cancel", "Refund"]
    player: str
    reference: str
    amount: str | None = None
    as_number: bool = False
    currency: str | None = None
    game: str | None = None
    round: str | None = None
    wrong: Wrong | None = None

    @property
    def as_text(self) -> bool:
        return self.amount is None or not self.as_number or self.wrong == "amount"

    def __str__(self) -> str:
        said = f"{self.call} {self.reference} of {self.player}"
        for name in ("amount", "game", "round"):
            said += f", {name} {value}" if (value := getattr(self, name)) else ""
        return said + (f", with a wrong {self.wrong}" if self.wrong else "")

    @cached_property
    def literals(self) -> Mapping[str, str]:
        values = {
            "providerId": "luckymonaco",
            "userId": self.player,
            "reference": self.reference,
            "currency": self.currency,
            "gameId": self.game,
            "roundId": self.round,
        }
        literals = {name: json.dumps(value) for name, value in values.items() if value is not None}
        if self.amount is not None:
            literals["amount"] = self.amount if self.as_number else json.dumps(self.amount)
        return _with_wrong(literals, self.wrong)

    @cached_property
    def credit(self) -> contract.Cancel:
        """Raises Refused."""
        return Contract().cancel(self.call.lower(), _fields(self))

    @cached_property
    def refusal(self) -> int | None:
        return _refusal(self)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Visit(Said):
    """The end of a round, or a question: it moves no money."""

    as_text: ClassVar[bool] = True
    dated: ClassVar[bool] = True
    reference: ClassVar[str] = ""

    call: Literal["EndRound", "Balance", "Check"]
    player: str
    currency: str | None = None
    game: str | None = None
    round: str | None = None
    wrong: Wrong | None = None

    @property
    def callback(self) -> Function:
        return "endround" if self.call == "EndRound" else "balance"

    def __str__(self) -> str:
        of_round = f", game {self.game}, round {self.round}" if self.round else ""
        return f"{self.call} of {self.player}{of_round}" + (f", with a wrong {self.wrong}" if self.wrong else "")

    @cached_property
    def literals(self) -> Mapping[str, str]:
        values = {
            "providerId": "luckymonaco",
            "userId": self.player,
            "currency": self.currency,
            "gameId": self.game,
            "roundId": self.round,
        }
        return _with_wrong({name: json.dumps(value) for name, value in values.items() if value is not None}, self.wrong)

    @cached_property
    def credit(self) -> contract.Visit:
        """Raises Refused."""
        return Contract().visit_of(self.call.lower(), _fields(self))

    @cached_property
    def refusal(self) -> int | None:
        return _refusal(self)


Movement = Literal["opening", "deposit", "withdrawal", "adjustment"]
MOVEMENTS: tuple[Movement, ...] = get_args(Movement)
WrongOrder = Literal["number", "absent", "unknown"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Order(Said):
    """What the operator's own side orders of the cashier."""

    callback: ClassVar[Function] = "cashier"
    as_text: ClassVar[bool] = True

    movement: Movement
    player: str
    reference: str
    amount: str
    currency: str
    bonus: str | None = None
    below_zero: bool | None = None
    reason: str = "as agreed"
    wrong: WrongOrder | None = None

    def __str__(self) -> str:
        bonus = f", bonus {self.bonus}" if self.bonus else ""
        below = ", below zero if need be" if self.below_zero else ""
        wrong = f", with a wrong {self.wrong}" if self.wrong else ""
        return f"{self.movement} {self.reference} of {self.player}: {self.amount} {self.currency}{bonus}{below}{wrong}"

    @cached_property
    def content(self) -> Item:
        content: Item = {
            "movement": self.movement,
            "reference": self.reference,
            "userId": self.player,
            "amount": 5 if self.wrong == "number" else self.amount,
            "currency": self.currency,
            "actor": "bank",
            "reason": None if self.wrong == "absent" else self.reason,
            "bonus": self.bonus,
            "belowZero": self.below_zero,
            "note": "nobody knows it" if self.wrong == "unknown" else None,
        }
        return {name: value for name, value in content.items() if value is not None}

    @cached_property
    def credit(self) -> contract.Credit:
        """Raises Refused."""
        return Contract().read_order(self.content)

    @cached_property
    def refusal(self) -> int | None:
        try:
            _ = self.credit
        except Refused as refused:
            return refused.error
        return None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Freeze(Said):
    """The operator's own side freezes a player, or has them play again."""

    callback: ClassVar[Function] = "cashier"
    as_text: ClassVar[bool] = True
    reference: ClassVar[str] = ""

    player: str
    freezes: bool = True
    reason: str = "as agreed"
    wrong: WrongOrder | None = None

    def __str__(self) -> str:
        return f"{'freeze' if self.freezes else 'unfreeze'} {self.player}"

    @cached_property
    def content(self) -> Item:
        said = {"userId": self.player, "actor": "bank", "reason": self.reason}
        if self.wrong == "absent":
            del said["reason"]
        if self.wrong == "unknown":
            said["note"] = "nobody knows it"
        return {"freeze" if self.freezes else "unfreeze": said}

    @property
    def refusal(self) -> int | None:
        return {"absent": 64, "unknown": 57}.get(self.wrong or "")


@dataclass(frozen=True, eq=False)
class Delivery:
    """A win or another call on its way. No two have the same number, nor the same body.

    `has_hash`: the provider signs what it must.
    """

    win: Any  # a Win, Cancel or Visit; in Ordered, an Order or Freeze
    number: int
    has_hash: bool = True

    @property
    def is_callback(self) -> bool:
        """Whether the provider sends it."""
        return type(self) is Delivery

    @cached_property
    def by_hand(self) -> contract.Asked | None:
        """What a person has paid of it, if that can be read; sent again, it is a replay then, whatever is wrong."""
        return _by_hand(self)

    @property
    def asked(self) -> contract.Asked | None:
        """What it asks for, if anybody can read that."""
        return self.by_hand if self.refusal else None if isinstance(self.win, Freeze) else self.credit

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The credits whose records decide about it, and the rounds that do."""
        match self.asked:
            case contract.Credit() as credit:
                prize = credit.prize and credit.prize.credit
                round = f"rounds of {credit.player}" if credit.round else None
                return tuple(each for each in (credit.id, prize and prize.id, round) if each)
            case contract.Cancel(reference=reference, player=player):
                return f"bet#{reference}", f"cancel#{reference}", f"rounds of {player}"
            case _:
                return ()

    @cached_property
    def timestamp(self) -> str:
        return f"{self.moment}{'' if self.win.dated else ' ms'}"

    @property
    def moment(self) -> int:
        """In milliseconds since the epoch; some are of the same."""
        return FIRST_TIMESTAMP + self.number // 3

    @cached_property
    def literals(self) -> Mapping[str, str]:
        literals = {**self.win.literals, "timestamp": f'"{self.timestamp}"', "platform": f'"delivery-{self.number}"'}
        if not self.lacks_uuid:
            literals["uuid"] = f'"uuid-{self.number}"'
        if self.win.callback == "result":
            details = ('"spin"', f'["spin",{self.number}]', f'{{"spin":{self.number}}}')[self.number % 3]
            literals["roundDetails"] = details
        return literals

    @cached_property
    def kept(self) -> str:
        """What may be kept of it: the body, less its hash and token."""
        return _object(self.literals)

    @property
    def lacks_uuid(self) -> bool:
        """A hash will do as well."""
        if self.win.callback in ("jackpot", "bonus"):
            return self.number % 4 == 0
        return self.win.callback not in ("result", "promo") and self.is_signed and self.number % 3 == 0

    @property
    def is_signed(self) -> bool:
        return self.has_hash and (self.win.callback in ("jackpot", "bonus") or self.number % 2 == 1)

    @property
    def refusal(self) -> int | None:
        """The code with which it is refused in any case, once it is let in. Signed, an `&` may be of another field."""
        is_cut = self.is_signed and "&" in self.win.reference
        return self.win.refusal or (57 if is_cut else None)

    def event(self, generation: int) -> Item:
        """As API Gateway hands it on: signed by that generation of the provider's secret."""
        wrong, is_base64 = self.win.wrong, self.number % 5 == 0
        body: str | None = self.body(f"secret-{generation}")
        if wrong == "json":
            almost = base64.b64encode(body.encode()).decode() + "!"
            body = (body[:-1], None, "gA==", "gA", almost)[self.number // 5 % (5 if is_base64 else 2)]
            is_base64 = is_base64 and body in ("gA==", "gA", almost)  # no UTF-8, and no base64
        elif is_base64:
            body = base64.b64encode(body.encode()).decode()
        token = f"token-{generation}"
        if wrong == "token":  # a foreign one, one that was taken back long ago, or none
            token = (FOREIGN, f"token-{generation - 2}", None)[self.number % 3]
        return {
            "httpMethod": "GET" if wrong == "method" else "POST",
            "path": f"/{('v4', 'V4', 'v1')[self.number % 3]}/{self.win.call}",
            "queryStringParameters": {"authToken": token} if token else None,
            "isBase64Encoded": is_base64,
            "body": body,
        }

    def body(self, secret: str) -> str:
        literals = {**self.literals, "token": '"hush"'} if self.number % 3 == 0 else self.literals
        must_be_signed = self.win.callback in ("jackpot", "bonus")
        if self.is_signed and not (self.win.wrong == "hash" and must_be_signed and self.number % 2):
            signed = sorted(f"{name}={_characters(literal)}" for name, literal in literals.items())
            over = "&".join(signed) + (FOREIGN if self.win.wrong == "hash" else secret)
            literals = {**literals, "hash": f'"{hashlib.md5(over.encode(), usedforsecurity=False).hexdigest()}"'}
        return _object(literals)

    @cached_property
    def credit(self) -> contract.Asked:
        asked = self.win.credit
        if isinstance(asked, contract.Credit):
            return replace(asked, moment=self.moment if self.win.dated else None)
        return asked


@dataclass(frozen=True, eq=False)
class Ordered(Delivery):
    """An order on its way to the cashier."""

    @cached_property
    def literals(self) -> Mapping[str, str]:
        details = {} if isinstance(self.win, Freeze) else {"details": f"delivery-{self.number}"}
        content = {**self.win.content, **details}
        return {name: json.dumps(value, ensure_ascii=False) for name, value in content.items()}

    @property
    def lacks_uuid(self) -> bool:
        return False

    @property
    def is_signed(self) -> bool:
        return False

    @property
    def refusal(self) -> int | None:
        return self.win.refusal

    @cached_property
    def credit(self) -> contract.Asked:
        return self.win.credit

    @cached_property
    def by_hand(self) -> contract.Asked | None:
        return None

    def event(self, generation: int) -> Item:
        return json.loads(self.kept)


@dataclass(frozen=True, eq=False)
class ByHand(Ordered):
    """A dead letter of a delivery, in a person's hands: `message` is paid, or was by other means."""

    of: Delivery = field(kw_only=True)
    message: str = field(kw_only=True)
    prize_only: bool = field(kw_only=True)
    booked_elsewhere: bool = field(kw_only=True)

    @cached_property
    def kept(self) -> str:
        return self.of.kept

    @cached_property
    def _read(self) -> "contract.Credit | contract.Cancel | int":
        """What is asked for, or the code of why it cannot be settled."""
        if self.win.wrong == "stray":
            return 99 if '"request": "ten"' in self.message else 57
        rules, body = Contract(), self.kept.encode()
        try:
            if isinstance(self.win, Cancel):
                cancel = rules.read_cancel_by_hand(self.win.call.lower(), body)
                decided = {"actor": "ann", "reason": "a complaint", "booked_elsewhere": self.booked_elsewhere}
                return replace(cancel, **decided)
            asked = rules.read_by_hand(self.win.callback, body, prize_only=self.prize_only)
            return rules.settled_by(asked, "ann", "a complaint", booked_elsewhere=self.booked_elsewhere)
        except Refused as refused:
            return refused.error

    @property
    def refusal(self) -> int | None:
        return self._read if isinstance(self._read, int) else None

    @cached_property
    def credit(self) -> contract.Asked:
        assert not isinstance(self._read, int)
        return self._read

    def event(self, generation: int) -> Item:
        booked = {"bookedElsewhere": True} if self.booked_elsewhere else {}
        return {"settle": {"message": self.message, "actor": "ann", "reason": "a complaint", **booked}}


def _by_hand(delivery: Delivery) -> contract.Asked | None:
    win = delivery.win
    if win.wrong == "stray" or isinstance(win, Visit):
        return None
    try:
        if isinstance(win, Cancel):
            return Contract().read_cancel_by_hand(win.call.lower(), delivery.kept.encode())
        return Contract().read_by_hand(delivery.win.callback, delivery.kept.encode())
    except Refused:
        return None


Message = Win | Cancel | Visit  # of the provider


def delivered(said: Message | Order | Freeze, number: int, has_hash: bool = True) -> Delivery:
    return Ordered(said, number) if isinstance(said, Order | Freeze) else Delivery(said, number, has_hash)


def _object(literals: Mapping[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{literal}' for name, literal in literals.items()) + "}"


def _characters(literal: str) -> str:
    return json.loads(literal) if literal.startswith('"') else literal


# --- What goes wrong ----------------------------------------------------------------------------------

Failure = Literal[
    "throttled", "not processed", "in conflict", "in progress", "internal error", "unreachable", "reset", "timeout",
    "no acknowledgement", "sent twice", "death", "delivered twice", "deletion lost",
    "out of order",
]  # fmt: skip
Applied = Literal["no", "yes", "late"]
MAYBE_APPLIED = frozenset({"internal error", "reset", "timeout", "death"})


@dataclass(frozen=True, slots=True)
class Fault:
    """A call of AWS that fails. It may be applied nevertheless, and late: after its sender has given up."""

    failure: Failure
    applied: Applied = "no"
    late_seconds: float = 0.0

    def __str__(self) -> str:
        applied = {"no": "", "yes": ", but is applied", "late": f", but is applied {self.late_seconds:.1f} s later"}
        return f"{self.failure}{applied[self.applied]}"


# The delivery, which time it is that a function has it, and which of its calls; below zero for what the queue does.
CallId = tuple[int, int, int]


# --- What happens -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The provider sends a message, and again while it gets no answer with HTTP 200, `tries` times in all.

    It hangs up on the first `unheard` answers. The operator's own side does the same with an order, while it is
    answered 998.
    """

    at: float
    win: Message | Order | Freeze
    number: int
    tries: int = 1
    unheard: int = 0

    def __str__(self) -> str:
        unheard = f", hangs up on {self.unheard}" if self.unheard else ""
        return f"delivery {self.number}: {self.win}" + (
            f" (up to {self.tries} times{unheard})" if self.tries > 1 else ""
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the provider does in a round. If it `waits`, the next step comes when this one is done.

    The first step is a bet. A refund is by its `own` reference, or by that of the first bet. A result may be that of
    auto closing.
    """

    what: Literal["bet", "result", "refund", "end", "ask"]
    amount: str = "0"
    code: str | None = None
    waits: bool = True
    own: bool = False
    closes: bool = False

    def __str__(self) -> str:
        said = f"{self.what} {self.amount}" if self.what in ("bet", "result") else self.what
        return said + (f" with {self.code}" if self.code else "") + ("" if self.waits else ", meanwhile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """The provider plays a round. `trouble` is how often a message of it is lost, late, or there twice."""

    at: float
    number: int
    player: str
    currency: str
    game: str
    round: str
    steps: Sequence[Step]
    trouble: float = 0.0

    def __str__(self) -> str:
        return f"delivery {self.number}: {self.player} plays {self.round}: {'; '.join(map(str, self.steps))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Another program writes a wallet, and no movement."""

    at: float
    player: str
    currency: str
    cash: str = "0"
    bonus: str = "0"

    def __str__(self) -> str:
        return f"another program writes {self.player}: {self.cash} {self.currency}, bonus {self.bonus}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Another program's deposit or bet; a careless one forgets the wallet's version."""

    at: float
    player: str
    cash: str
    bonus: str = "0"
    careless: bool = False

    def __str__(self) -> str:
        forgets = ", and forgets the version" if self.careless else ""
        return f"another program moves {self.player} by {self.cash}, bonus by {self.bonus}{forgets}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiled:
    """Another program leaves a wallet, or what is known of a bonus code, in a form that nothing can be added to.

    `field` is missing for a while, or is of another type; with the wallet, also `of_record` in its newest record.
    """

    at: float
    player: str
    code: str | None
    field: str
    is_missing: bool
    seconds: float
    of_record: str | None = None

    def __str__(self) -> str:
        item = f"the free rounds of {self.player}'s {self.code}" if self.code else f"the wallet of {self.player}"
        record = f", and {self.of_record} in its newest record" if self.of_record else ""
        return f"{item}: {self.field} {'is missing' if self.is_missing else 'is odd'}{record} for {self.seconds:g} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """Every call of a service fails so for a while."""

    at: float
    service: Service
    failure: Failure
    seconds: float

    def __str__(self) -> str:
        return f"{self.service} is down for {self.seconds:g} s: {self.failure}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriven:
    """An operator sends dead letters back, each sent before it is deleted; interrupted in between, it is twice.

    Another version of the wallet may have left them: they say a little more, and not what is false.
    """

    at: float
    callback: Queued
    is_interrupted: bool = False
    is_of_another_version: bool = False

    def __str__(self) -> str:
        interrupted = ", interrupted" if self.is_interrupted else ""
        version = ", in another version's form" if self.is_of_another_version else ""
        return f"{self.callback}: dead letters are sent back{version}{interrupted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A person settles one of a callback's dead letters, and again while no answer is heard but 998.

    It is deleted then, unless the person `forgets` it.
    """

    at: float
    callback: Queued
    number: int
    which: int = 0
    booked_elsewhere: bool = False
    tries: int = 1
    unheard: int = 0
    forgets: bool = False

    def __str__(self) -> str:
        how = "books elsewhere" if self.booked_elsewhere else "settles"
        forgets = ", and forgets to delete it" if self.forgets else ""
        return f"delivery {self.number}: a person {how} dead letter {self.which} of {self.callback}{forgets}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strayed:
    """Something is in a retry queue that the function must leave for a person as it is."""

    at: float
    callback: Queued
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.callback}: a stray message, {self.text[:60]!r}"

    @property
    def delivery(self) -> Delivery:
        win = Win(callback=self.callback, player="nobody", reference="stray", amount="0", wrong="stray")  # pyright: ignore
        return Delivery(win, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """The operator puts a new secret beside the old one; the provider changes over, and the old one goes."""

    at: float

    def __str__(self) -> str:
        return "the provider's secret is rotated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """The wall clocks of the functions' machines are set."""

    at: float
    seconds: float

    def __str__(self) -> str:
        return f"the functions' clocks are set by {self.seconds:g} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """Every idle machine is gone: the next event of each function meets a new one."""

    at: float

    def __str__(self) -> str:
        return "every idle machine is replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """The operator erases the request of a record, as personal data must be; its digest stays."""

    at: float
    which: int

    def __str__(self) -> str:
        return f"the request of record {self.which} is erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """The ledger is proved, and an anchor is written. In the end everything is compared with it."""

    at: float

    def __str__(self) -> str:
        return "an anchor is written"


Event = (
    Sent
    | Played
    | Settled
    | Opened
    | Moved
    | Spoiled
    | Strayed
    | Down
    | Redriven
    | Rotated
    | Stepped
    | Replaced
    | Erased
    | Anchored
)


@dataclass(frozen=True, kw_only=True)
class Script:
    """`events` in their order. `faults` are those of single calls; None: as often as `rate`, drawn from `seed`.

    In the end everything works again. `resends`: the provider sends again whatever got no HTTP 200 until then.
    `redrives`: an operator sends every dead letter back. `retry_seconds` is the template's parameter. `has_hash`: there
    is a secret for hashes, and not for tokens alone. `wins_only`: the template's parameter `Calls` is `Wins`.
    """

    seed: int
    events: Sequence[Event]
    rate: float = 0.0
    faults: Mapping[CallId, Fault] | None = None
    resends: bool = True
    redrives: bool = True
    retry_seconds: int = 30
    has_hash: bool = True
    wins_only: bool = False

    def __str__(self) -> str:
        lines = [(event.at, f"{event}") for event in self.events]
        told = "\n".join(f"{at:9.3f} s  {line}" for at, line in lines)
        for (number, time, call), fault in sorted((self.faults or {}).items()):
            told += f"\n   delivery {number}, time {time}, call {call}: {fault}"
        return told

    def as_python(self) -> str:
        """A test that plays it."""
        events = "".join(f"                {event!r},\n" for event in self.events)
        faults = "".join(f"                {call}: {fault!r},\n" for call, fault in sorted((self.faults or {}).items()))
        others = ("seed", "rate", "resends", "redrives", "retry_seconds", "has_hash", "wins_only")
        settings = "".join(f"            {name}={getattr(self, name)!r},\n" for name in others)
        met = "None" if self.faults is None else f"{{\n{faults}            }}"
        return (
            "from simulation.script import *\nfrom simulation.world import play\n\n\n"
            "def test_what_the_simulation_found() -> None:\n    play(\n        Script(\n"
            f"{settings}            events=[\n{events}            ],\n            faults={met},\n        )\n    )\n"
        )


# --- Drawn --------------------------------------------------------------------------------------------

# Of the players. The new one is opened late. The odd one's items are spoilt now and then, and the rich one's balance
# has as many digits as an opening can have; their wins have no prize, and the rich one plays no free rounds.
CURRENCIES = {"421": "USD", "422": "EUR", "423": "USD", "odd": "EUR", "rich": "USD", "new": "USD"}
CALM = ("421", "422", "423")
OFTEN = CALM * 6 + ("odd", "odd", "odd", "new")
RICH = "9" * 32
RATES = (0.0, 0.01, 0.03, 0.1, 0.3)  # how often a call fails: from calm to storm
_GAPS = (0.0, 0.001, 0.02, 0.02, 0.3, 4.0, 45.0, 400.0)  # seconds between what happens, in mean
OUTAGES: tuple[Failure, ...] = ("unreachable", "timeout", "internal error", "throttled")
T = TypeVar("T")


def draw(seed: int, size: int = 120) -> Script:
    """About `size` deliveries and what comes between, of a seed."""
    return _Draw(Random(seed)).script(seed, size)


@dataclass
class _Draw:
    chance: Random
    wins: list[Win] = field(default_factory=list)
    bets: list[Win] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    now: float = 0.0
    number: int = 0
    strays: int = 0
    settlements: int = 0
    players: Sequence[str] = OFTEN
    wins_only: bool = False

    def script(self, seed: int, size: int) -> Script:
        chance = self.chance
        rate = chance.choice(RATES)
        self.wins_only = Random(f"calls {seed}").random() < 0.1
        if chance.random() < 0.1:  # seldom: what cannot be added is tried ten times
            self.players = (*OFTEN, "rich")
        self._open("421", "99889.99", "99.99")
        self._open("422", "0.000000000000000001")
        self._open("423", "0")
        self._open("odd", "7.5", "0.5")
        if "rich" in self.players:
            self._open("rich", RICH)
        self.now = 200.0  # when nearly all are open
        opens_at = chance.randrange(size)
        while self.number < size:
            self.now += chance.expovariate(1) * chance.choice(_GAPS)
            if self.number >= opens_at:
                self._open("new", "0")
                opens_at = size
            self._something(rate)
        if opens_at < size and chance.random() < 0.7:  # what is kept for its player is paid by a retry
            self.now += 3600
            self._open("new", "0")
        # By other chance, so that nothing else of a script depends on it.
        aside, end = Random(f"{seed}"), max(event.at for event in self.events)
        self.events.append(Anchored(at=aside.uniform(0, end)))
        self.events += [
            Erased(at=aside.uniform(0, end), which=aside.randrange(1000)) for _ in range(aside.randrange(5))
        ]
        events = sorted(self.events, key=lambda event: event.at)
        resends, redrives = chance.random() < 0.8, chance.random() < 0.3
        return Script(
            seed=seed,
            events=events,
            rate=rate,
            resends=resends,
            redrives=redrives,
            retry_seconds=chance.choice((30, 30, 30, 1000)),
            has_hash=chance.random() < 0.8,
            wins_only=self.wins_only,
        )

    def _open(self, player: str, cash: str, bonus: str | None = None) -> None:
        order = Order(
            movement="opening",
            player=player,
            reference=self.chance.choice((player, f"{player}-1")),
            amount=cash,
            currency=CURRENCIES[player],
            bonus=bonus,
        )
        self._order(order, tries=10, copies=self.chance.choice((0, 0, 0, 1)))

    def _something(self, rate: float) -> None:
        chance = self.chance
        weights = (
            50,
            14,
            6,
            6,
            8,
            4,
            6,
            24,
            6,
            10,
            10,
            18 if rate else 5,
            0 if self.wins_only else 60,
            8,
            0 if self.wins_only else 24,
        )
        match chance.choices((*range(11), 99, 11, 12, 13), weights)[0]:
            case 0:
                self._send(self._any_win(), copies=chance.choice((0, 0, 0, 1, 2)))
            case 1 if self.wins:
                self._send(spelled(chance.choice(self.wins), chance.choice(get_args(Spelling))))
            case 2 if self.wins:
                self._send(contradicted(chance.choice(self.wins), chance.choice(get_args(Part))))
            case 3 if self.wins:
                self._send(other_way(chance.choice(self.wins)))
            case 4:  # several of one player in the same instant, and half the time of one free round bonus
                player, code = chance.choice(self.players), chance.choice((None, "free-1"))
                for _ in range(chance.randint(2, 6)):
                    callback = chance.choice(("result", "bonus")) if code else None
                    self._send(self._any_win(callback, player, code))
            case 5:
                win = self._any_win("result")
                self._send(replace(win, prize=None))
                self._send(replace(win, prize=self._prize()))
            case 6:
                self._send(replace(self._any_win(), wrong=chance.choice((*WRONGS, "absent", "absent"))))
            case 7:
                self._order(self._any_order(), copies=chance.choice((0, 0, 0, 1, 2)))
            case 8:  # several of one player in the same instant, who has perhaps not enough for all
                player = chance.choice(self.players)
                for _ in range(chance.randint(2, 6)):
                    self._order(self._any_order("withdrawal", player), copies=chance.choice((0, 0, 1)))
            case 9 if self.orders:
                order = chance.choice(self.orders)
                same = reordered(order, chance.choice(get_args(Reordering)))
                self._order(same if chance.random() < 0.7 else contradictory(order, chance.choice(ORDER_PARTS)))
            case 10:
                self.events.append(self._settled())
            case 11:
                self._of_round()
            case 13:
                self._play()
            case 12:
                freeze = Freeze(player=chance.choice((*CALM, "new")), freezes=chance.random() < 0.4)
                wrong = chance.choice(("absent", "unknown")) if chance.random() < 0.1 else None
                self._deliver(replace(freeze, wrong=wrong), chance.choice((0, 0, 1)))
            case _:
                self._trouble(rate)

    def _of_round(self) -> None:
        """A bet, or what undoes or ends one that was sent before; whether it was taken or not."""
        chance = self.chance
        bet = chance.choice(self.bets[-8:]) if self.bets else self._any_bet()
        match chance.choices(range(9), (34, 8, 5, 18, 12, 12, 6, 6, 5))[0]:
            case 1:
                self._bet(spelled(bet, chance.choice(("as before", "in the other notation", "in lower case"))))
            case 2:
                self._bet(contradicted(bet, chance.choice(("amount", "player", "currency", "round", "bonus_code"))))
            case 3:
                self._deliver(self._cancel_of(bet), chance.choice((0, 0, 0, 1, 2)))
            case 4:
                reference = chance.choice((bet.reference, bet.reference, self._reference()))
                refund = replace(self._cancel_of(bet), call="Refund", reference=reference, game=bet.game)
                self._deliver(replace(refund, round=bet.round), chance.choice((0, 0, 1)))
            case 5:
                win = replace(self._any_win("result", bet.player), game=bet.game, round=bet.round)
                amount = chance.choice(("0", "0", win.amount))
                self._send(replace(win, amount=amount), copies=chance.choice((0, 0, 1)))
            case 6:
                currency = chance.choice((None, bet.currency))
                end = Visit(call="EndRound", player=bet.player, currency=currency, game=bet.game, round=bet.round)
                self._deliver(end, chance.choice((0, 0, 1)))
            case 7:
                currency = chance.choice((None, bet.currency, CURRENCIES[bet.player], "JPY"))
                call: Literal["Balance", "Check"] = chance.choice(("Balance", "Check"))
                self._deliver(Visit(call=call, player=bet.player, currency=currency), 0)
            case 8:  # several at the same moment, for which there is perhaps not enough
                first = self._any_bet()
                for _ in range(chance.randint(2, 5)):
                    self._bet(replace(self._any_bet(), player=first.player, currency=first.currency, game=first.game))
            case _:
                self._bet(self._any_bet(), copies=chance.choice((0, 0, 0, 1, 2)))

    def _play(self) -> None:
        """A round, in whatever order the provider plays it, and with whatever it does meanwhile."""
        chance, player = self.chance, self.chance.choice(CALM)
        code = f"free-{self.number}" if chance.random() < 0.15 else None
        stakes, won = ("1", "0.5", "7.25", "40", "0", "100000"), ("0", "0", "5", "12.5")
        bets = [Step(what="bet", amount=chance.choice(stakes), code=code) for _ in range(chance.choice((1, 1, 2, 3)))]
        rest = [
            Step(
                what="result", amount=chance.choice(won), code=chance.choice((None, code)), closes=chance.random() < 0.2
            )
            for _ in range(chance.choice((0, 1, 1, 1, 2)))
        ]
        if chance.random() < 0.2:
            rest.append(Step(what="refund", own=chance.random() < 0.5))
        others = (
            [*bets[1:], *rest]
            if chance.random() < 0.7
            else chance.sample([*bets[1:], *rest], len(bets) + len(rest) - 1)
        )
        asks = [Step(what="ask")] if chance.random() < 0.2 else []
        ends = [Step(what="end")] if chance.random() < 0.5 else []
        steps = [bets[0], *asks, *others, *ends]
        self.number += 1
        played = Played(
            at=self.now,
            number=self.number,
            player=player,
            currency=CURRENCIES[player],
            game=chance.choice(("g-1", "g-2")),
            round=f"play-{self.number}",
            steps=[replace(step, waits=chance.random() < 0.7) for step in steps],
            trouble=chance.choice((0.0, 0.05, 0.3, 0.6)),
        )
        self.events.append(played)

    def _bet(self, bet: Win, copies: int = 0) -> None:
        self.bets.append(bet)
        self._deliver(bet, copies)

    def _any_bet(self) -> Win:
        chance = self.chance
        player = chance.choice((*CALM, "new")) if chance.random() < 0.9 else chance.choice(self.players)
        own = CURRENCIES[player]
        amounts = ("0", "0.5", "1", "1.000000000000000001", "7.25", "40", "100000")
        return Win(
            callback="bet",
            player=player,
            reference=chance.choice("abcdefgh") if chance.random() < 0.1 else self._reference(),
            amount=chance.choice(amounts),
            as_text=chance.random() < 0.5,
            currency=chance.choice((own,) * 10 + (own.lower(), "JPY")),
            game=chance.choice(("g-1", "g-1", "g-2")),
            round=chance.choice(("round-1", "round-2", f"b-{self.number // 10}", f"b-{self.number // 10}")),
            bonus_code=chance.choice((None,) * 6 + ("free-1", "free-2")),
            wrong=chance.choice((*WRONGS, "absent")) if chance.random() < 0.04 else None,
        )

    def _cancel_of(self, bet: Win) -> Cancel:
        chance = self.chance
        names_round = chance.random() < 0.8
        return Cancel(
            call=chance.choice(("Cancel", "Cancel", "Refund")) if not names_round else "Cancel",
            player=bet.player if chance.random() < 0.95 else "422",
            reference=bet.reference if chance.random() < 0.9 else self._reference(),
            amount=chance.choice((None, None, None, bet.amount, "3")),
            as_number=chance.random() < 0.5,
            currency=chance.choice((bet.currency, None, "JPY")),
            game=chance.choice((bet.game,) * 9 + ("g-3",)) if names_round or chance.random() < 0.2 else None,
            round=chance.choice((bet.round,) * 9 + ("round-1",)) if names_round else None,
            wrong=chance.choice((*WRONGS, "absent")) if chance.random() < 0.05 else None,
        )

    def _trouble(self, rate: float) -> None:
        chance = self.chance
        events: list[Event] = [
            Redriven(
                at=self.now,
                callback=chance.choice(QUEUED),
                is_interrupted=chance.random() < 0.3,
                is_of_another_version=chance.random() < 0.3,
            ),
            Replaced(at=self.now),
            Stepped(at=self.now, seconds=chance.choice((-25.0, -2.0, 3.0, 30.0))),
            Rotated(at=self.now),
            self._spoiled(),
            self._strayed(),
        ]
        if rate:
            service = chance.choice(("dynamodb", "dynamodb", "sqs", "sqs", "secretsmanager"))
            seconds = chance.expovariate(1) * chance.choice((0.5, 5, 60, 600))
            events.append(Down(at=self.now, service=service, failure=chance.choice(OUTAGES), seconds=round(seconds, 3)))
        self.events.append(chance.choices(events, (3, 1, 2, 1, 5, 3, 3)[: len(events)])[0])

    def _settled(self) -> Settled:
        chance = self.chance
        self.settlements += 1
        return Settled(
            at=self.now,
            callback=chance.choice(QUEUED),
            number=HAND + self.settlements,
            which=chance.randrange(10),
            booked_elsewhere=chance.random() < 0.4,
            tries=chance.choice((1, 4)),
            unheard=chance.random() < 0.2,
            forgets=chance.random() < 0.3,
        )

    def _spoiled(self) -> Spoiled:
        chance = self.chance
        code = chance.choice((None, None, "free-1"))
        fields = ("uncovered", "advance", "until", "lastRounds") if code else ("cash", "bonus", "version", "currency")
        field = chance.choice(fields)
        is_missing = field != "until" and chance.random() < 0.5  # without it, no total has told its moment
        seconds = round(chance.expovariate(1) * chance.choice((0.1, 5, 200)), 3)
        of_record = chance.choice((None, "cashAfter", "bonusAfter")) if code is None else None
        return Spoiled(
            at=self.now,
            player="odd",
            code=code,
            field=field,
            is_missing=is_missing,
            seconds=seconds,
            of_record=of_record,
        )

    def _strayed(self) -> Strayed:
        self.strays += 1
        callback = self.chance.choice(QUEUED)
        return Strayed(
            at=self.now, callback=callback, number=STRAY + self.strays, text=self.chance.choice(_strays(callback))
        )

    def _send(self, win: Win, *, copies: int = 0) -> None:
        if win.player in ("odd", "rich"):
            win = replace(win, prize=None, bonus_code=win.bonus_code if win.player == "odd" else None)
        self.wins.append(win)
        self._deliver(win, copies)

    def _order(self, order: Order, *, copies: int = 0, tries: int = 0) -> None:
        self.orders.append(order)
        self._deliver(order, copies, tries)

    def _deliver(self, said: Message | Order | Freeze, copies: int, tries: int = 0) -> None:
        chance, at = self.chance, self.now
        for _ in range(copies + 1):
            self.number += 1
            often = tries or chance.choice((1, 2, 4, 10))
            self.events.append(
                Sent(at=at, win=said, number=self.number, tries=often, unheard=chance.randrange(30) == 0)
            )
            at += chance.expovariate(1) * chance.choice(_GAPS[:6])

    def _any_order(self, movement: Movement | None = None, player: str | None = None) -> Order:
        chance = self.chance
        movement = movement or chance.choices(MOVEMENTS, (1, 4, 6, 3))[0]
        player = player or chance.choice(self.players)
        own = CURRENCIES[player]
        amount, bonus = self._amount(), None
        if movement == "withdrawal":
            amount = chance.choice((amount, amount, "0", "0.01", "2500", "40000", "99999.99"))
        if movement == "adjustment":
            amount = chance.choice((amount, f"-{amount}", f"-{amount}", "0", "-10000", "10000.01"))
        if movement in ("adjustment", "opening"):
            bonus = chance.choice((None, None, "0", "1.5", "-0.5" if movement == "adjustment" else "2"))
        return Order(
            movement=movement,
            player=player,
            reference=chance.choice("abcdefgh") if chance.random() < 0.2 else f"o-{self.number}",
            amount=amount,
            currency=chance.choice((own,) * 8 + (own.lower(), "JPY")),
            bonus=bonus,
            below_zero=True if movement == "adjustment" and chance.random() < 0.3 else None,
            wrong=chance.choice(get_args(WrongOrder)) if chance.random() < 0.04 else None,
        )

    def _any_win(self, callback: Winning | None = None, player: str | None = None, code: str | None = None) -> Win:
        chance = self.chance
        callback = callback or chance.choice(("result", "result", "result", "bonus", "jackpot", "promo"))
        player = player or chance.choice(self.players)
        own = CURRENCIES[player]
        spelled_out = callback in ("result", "promo")
        currencies = (own,) * 6 + (own.lower(), "JPY") if spelled_out else (None,) * 4 + (own,) * 3 + ("JPY",)
        rounds = {"result": ("round-1", "round-1", "round-2"), "jackpot": ("round-1",), "promo": (None,)}
        in_campaign = callback == "promo" or (callback == "result" and chance.random() < 0.5)
        return Win(
            callback=callback,
            player=player,
            # Few, so that they meet.
            reference=chance.choice("abcdefgh") if chance.random() < 0.3 else self._reference(),
            amount=self._amount(),
            as_text=chance.random() < 0.5,
            currency=chance.choice(currencies),
            game=chance.choice(("g-1", "g-2")) if callback != "promo" else None,
            round=chance.choice(rounds.get(callback, (None, "round-1", "round-2"))),
            bonus_code=code or chance.choice((None, None, "free-1", "free-2")),
            jackpot="jackpot-1" if callback == "jackpot" else None,
            campaign=chance.choice(("c-1", "c-2")) if in_campaign else None,
            prize=self._prize() if callback == "result" and chance.random() < 0.3 else None,
            in_session=chance.random() < 0.8,
            dated=chance.random() < 0.8,
        )

    def _reference(self) -> str:
        return f"r&{self.number}" if self.chance.random() < 0.06 else f"r-{self.number}"

    def _amount(self) -> str:
        places = self.chance.choice((0, 2, 18))
        whole, decimals = divmod(self.chance.randrange(10 ** (places + 3)), 10**places)
        return f"{whole}.{decimals:0{places}d}" if places else f"{whole}"

    def _prize(self) -> tuple[str | None, str]:
        if self.chance.random() < 0.2:
            return self.chance.choice(((None, "1.5"), ("a", "-5"), ("b", "0")))
        reference = self.chance.choice("abcd") if self.chance.random() < 0.3 else f"p-{self.number}"
        return reference, self._amount()


STRAY = 50_000  # the numbers of strays begin behind those of deliveries
HAND = 60_000  # and those of what a person settles behind them


AGAIN = 100_000  # a delivery that is sent again has its number and so much more


def _strays(callback: Queued) -> list[str]:
    """What is not a parked request of that callback."""
    other = WINS[WINS.index(callback) - 1] if callback in WINS else "result"
    win = Win(callback=other, player="nobody", reference="stray", amount="1")
    parked = {
        "callback": callback,
        "call": "cancel" if callback == "cancel" else "",
        "reference": "stray",
        "code": 998,
        "reason": "",
        "first_received_at": "2026-09-21T16:00:00.000+00:00",
        "request": Delivery(win, STRAY).kept,
        "prize_only": False,
        "signed": False,
    }
    return [
        "hello",
        "5",
        "[" * 100_000,
        json.dumps(json.dumps(parked)),
        json.dumps({**parked, "callback": other}),
        json.dumps({**parked, "call": "another"}),
        json.dumps({**parked, "request": 1}),
        json.dumps({**parked, "request": "ten"}),
        json.dumps({**parked, "first_received_at": "2026-09-21T16:00:00"}),
        json.dumps({**parked, "first_received_at": "yesterday"}),
        json.dumps({name: value for name, value in parked.items() if name != "reason"}),
    ]


Spelling = Literal[
    "as before", "in the other notation", "with another zero", "in lower case", "out of session", "with less said"
]


def spelled(win: Win, spelling: Spelling) -> Win:
    """The same win, said otherwise."""
    match spelling:
        case "in the other notation":
            return replace(win, as_text=not win.as_text)
        case "with another zero" if len(win.amount.partition(".")[2]) < 18:
            return replace(win, amount=f"{win.amount}0" if "." in win.amount else f"{win.amount}.0")
        case "in lower case" if win.currency:
            return replace(win, currency=win.currency.lower())
        case "out of session":
            return replace(win, in_session=False)
        case "with less said":  # as auto closing leaves it out, or the way of a bonus without its round
            less = replace(win, bonus_code=None) if win.callback == "result" else win
            return replace(less, round=None) if win.callback == "bonus" else replace(less, prize=None)
    return win


Part = Literal["amount", "player", "currency", "game", "round", "bonus_code", "jackpot", "campaign", "prize"]


def contradicted(win: Win, part: Part) -> Win:
    """Another win under the same reference, or one with another prize; where it has no such part, the same."""
    match part:
        case "amount":
            return replace(win, amount="7.77" if win.amount != "7.77" else "8.88")
        case "player":
            return replace(win, player="422" if win.player != "422" else "421")
        case "currency":
            return replace(win, currency="EUR" if win.currency != "EUR" else "USD")
        case "bonus_code":
            return replace(win, bonus_code="another" if win.bonus_code else "free-1")
        case "prize" if win.callback == "result":
            return replace(win, prize=(win.prize[0], "9.99") if win.prize else ("a", "0.01"))
        case "game" | "round" | "jackpot" | "campaign" if getattr(win, part):
            return replace(win, **{part: "another"})
    return win


def other_way(win: Win) -> Win:
    """The promo of a result's prize; or a result whose prize is this win."""
    currency = win.currency or CURRENCIES[win.player]
    if win.prize and win.prize[0] and not win.prize[1].startswith("-"):
        reference, amount = win.prize
        named = replace(win, callback="promo", reference=reference, amount=amount, currency=currency, prize=None)
        return replace(named, game=None, round=None, campaign=win.campaign or "c-1")
    named = replace(win, callback="result", amount="0", currency=currency, prize=(win.reference, win.amount))
    return replace(named, game="g-1", round="round-2", jackpot=None, bonus_code=None)


Reordering = Literal["as before", "with another zero", "in lower case", "for another reason", "with less said"]


def reordered(order: Order, reordering: Reordering) -> Order:
    """The same order, said otherwise."""
    match reordering:
        case "with another zero" if len(order.amount.partition(".")[2]) < 18 and len(order.amount) < 30:
            return replace(order, amount=f"{order.amount}0" if "." in order.amount else f"{order.amount}.0")
        case "in lower case":
            return replace(order, currency=order.currency.lower())
        case "for another reason":
            return replace(order, reason="as asked \N{EURO SIGN}")
        case "with less said" if order.bonus == "0":
            return replace(order, bonus=None)
    return order


OrderPart = Literal["amount", "player", "currency", "bonus", "movement"]
ORDER_PARTS: tuple[OrderPart, ...] = get_args(OrderPart)


def contradictory(order: Order, part: OrderPart) -> Order:
    """Another order under the same reference; of another movement, it is one of its own."""
    match part:
        case "amount":
            return replace(order, amount="7.77" if order.amount != "7.77" else "8.88")
        case "player":
            return replace(order, player="422" if order.player != "422" else "421")
        case "currency":
            return replace(order, currency="EUR" if order.currency != "EUR" else "USD")
        case "bonus" if order.movement in ("opening", "adjustment"):
            return replace(order, bonus="3.5" if order.bonus != "3.5" else "4")
        case "movement" if order.movement != "opening" and not order.amount.startswith("-"):
            return replace(order, movement="deposit" if order.movement == "withdrawal" else "withdrawal", bonus=None)
    return order


def opened(
    number: int, player: str, currency: str, cash: str = "0", bonus: str | None = None, *, at: float = 0.0
) -> Sent:
    """A wallet is opened by the cashier."""
    order = Order(movement="opening", player=player, reference=player, amount=cash, currency=currency, bonus=bonus)
    return Sent(at=at, win=order, number=number)

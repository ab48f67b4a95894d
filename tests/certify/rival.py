"""Another implementation of the callbacks, written from docs/callbacks.md: ASGI, with its ledger in memory.

It shares no code with the wallet either. It is right, and passes; each of wrong.py's changes one thing in it.
"""

import asyncio
import hashlib
import json
import re
import socket
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal, Inexact
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.requests import Request
from starlette.responses import Response

EXACT = Context(prec=60, traps=[Inexact])
PATHS = {
    "/v4/Result": "result", "/V4/Result": "result",
    "/V4/JackPotWin": "jackpot", "/v4/JackPotWin": "jackpot",
    "/bonuswin": "bonus", "/V4/BonusWin": "bonus", "/v4/BonusWin": "bonus",
    "/V4/PromoWin": "promo", "/v4/PromoWin": "promo",
}  # fmt: skip
ALL = ("userid", "amount", "reference", "providerid", "timestamp")
MANDATORY = {
    "result": (*ALL, "uuid", "gameid", "gamename", "roundid", "currency", "rounddetails"),
    "jackpot": (*ALL, "gameid", "roundid", "jackpotid"),
    "bonus": (*ALL, "gameid"),
    "promo": (*ALL, "uuid", "promocampaignid", "promocampaigntype", "currency"),
}
DECIDING = {  # about money, by what each kind knows
    "result": ("userid", "reference", "gameid", "roundid", "bonuscode", "promocampaignid"),
    "jackpot": ("userid", "reference", "gameid", "roundid", "bonuscode", "jackpotid"),
    "bonus": ("userid", "reference", "gameid", "roundid", "bonuscode"),
    "promo": ("userid", "reference", "bonuscode", "promocampaignid"),
}
CONTENT = ("gameid", "roundid", "bonuscode", "jackpotid", "promocampaignid")
AMOUNTS = ("amount", "promowinamount")
OTHER_NAMES = {"campaignid": "promocampaignid", "campaigntype": "promocampaigntype"}
NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
SIGNED = ("jackpot", "bonus")
IDENTIFIERS = ("userid", "reference", "promowinreference", *CONTENT)
LAST_ROUNDS = 10


class Refused(Exception):
    def __init__(self, error: int, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


@dataclass(frozen=True)
class Literal:
    """A JSON number, by its characters."""

    text: str


@dataclass(frozen=True)
class Parameter:
    name: str
    value: object
    raw: str


@dataclass
class Wallet:
    currency: str
    cash: Decimal
    bonus: Decimal


@dataclass(frozen=True)
class Prize:
    """As a result describes it. `credit` is None if it cannot be paid as it is."""

    reference: object
    amount: object
    credit: "Credit | None" = field(default=None, compare=False)


@dataclass(frozen=True)
class Credit:
    kind: str
    reference: str
    player: str
    amount: Decimal
    currency: str | None
    content: tuple[object, ...]  # what a replay must not contradict, in the order of CONTENT; None: not named
    bonus_code: str | None = None  # if it counts towards one
    moment: int | None = None  # in milliseconds, if that is known
    prize: Prize | None = None


@dataclass(frozen=True)
class Record:
    credit: Credit
    transaction_id: str
    cash: Decimal
    bonus: Decimal


@dataclass
class Count:
    """The free rounds of a player under one code."""

    uncovered: Decimal = Decimal(0)
    advance: Decimal = Decimal(0)
    until: int = -1
    last_rounds: list[tuple[object, ...]] = field(default_factory=list)  # game and round


@dataclass
class Rival:
    """`hash_secret` and `auth_token` are checked if they are set; `pause_seconds` is what a database would take."""

    hash_secret: str | None = None
    auth_token: str | None = None
    pause_seconds: float = 0.0
    wallets: dict[str, Wallet] = field(default_factory=dict)
    records: dict[Any, Record] = field(default_factory=dict)
    counts: dict[tuple[str, str], Count] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lock: AbstractAsyncContextManager[Any] = asyncio.Lock()
        self.wallets |= {
            "421": Wallet("USD", Decimal("99889.99"), Decimal("99.99")),
            "422": Wallet("USD", Decimal(0), Decimal(0)),
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        answer = await self.answer(Request(scope, receive))
        await answer(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        try:
            text = await self.settled(request)
        except Refused as refused:
            return self.refusal(refused)
        return Response(text, media_type="application/json")

    def refusal(self, refused: Refused) -> Response:
        body = json.dumps({"error": refused.error, "description": refused.description})
        return Response(body, refused.status, media_type="application/json")

    async def settled(self, request: Request) -> str:
        kind = PATHS.get(request.url.path)
        if kind is None:
            raise Refused(404, "No such path", 404)
        self.check_method(request.method)
        self.check_token(parse_qs(request.url.query).get("authToken", [""])[0])
        parameters = self.parameters(await request.body())
        self.check_hash(kind, parameters)
        fields = self.fields(kind, parameters)
        win = self.credit(kind, fields)
        async with self.lock:
            first = await self.settle(win)
        wallet = self.wallets[win.player]
        return self.success(first, wallet, as_text=isinstance(fields["amount"], str))

    # --- Who may ask --------------------------------------------------------------------------------

    def check_method(self, method: str) -> None:
        if method != "POST":
            raise Refused(405, "Only POST", 405)

    def check_token(self, token: str) -> None:
        if self.auth_token is not None and token != self.auth_token:
            raise Refused(401, "Unauthorized", 401)

    def check_hash(self, kind: str, parameters: list[Parameter]) -> None:
        sent = [str(each.value).lower() for each in parameters if each.name.lower() == "hash" and each.value]
        has_uuid = any(each.name.lower() == "uuid" and each.value for each in parameters)
        if self.hash_secret is None:
            if kind in SIGNED and not sent and not has_uuid:
                raise Refused(64, "hash is missing")
        elif (kind in SIGNED or sent) and sent != [self.hash_of(parameters)]:
            raise Refused(401, "Unauthorized", 401)
        elif sent:
            self.check_cut(parameters)

    def check_cut(self, parameters: list[Parameter]) -> None:
        if any(self.name(each.name) in IDENTIFIERS and "&" in self.literal(each) for each in parameters):
            raise Refused(57, "the hash fits another cut of the same text")

    def hash_of(self, parameters: list[Parameter]) -> str:
        pairs = sorted((each.name, self.literal(each)) for each in parameters if each.name.lower() != "hash")
        signed = "&".join(map("=".join, pairs)) + (self.hash_secret or "")
        return hashlib.md5(signed.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()

    def literal(self, parameter: Parameter) -> str:
        return parameter.value if isinstance(parameter.value, str) else parameter.raw

    # --- What is asked ------------------------------------------------------------------------------

    def parameters(self, body: bytes) -> list[Parameter]:
        try:
            if len(body) > 64 * 1024:
                raise ValueError  # noqa: TRY301
            found = list(_parameters(self.text(body)))
        except (ValueError, RecursionError):
            raise Refused(99, "not a JSON object") from None
        if len({each.name for each in found}) < len(found):
            raise Refused(99, "a key twice")
        return found

    def text(self, body: bytes) -> str:
        return body.decode("utf-8-sig")

    def name(self, name: str) -> str:
        name = name.lower()
        return OTHER_NAMES.get(name, name)

    def fields(self, kind: str, parameters: list[Parameter]) -> dict[str, Any]:
        """By lower-case names, checked; identifiers as text. What is null or empty is absent."""
        fields: dict[str, Any] = {}
        for each in parameters:
            name = self.name(each.name)
            if self.is_absent(name, each.value):
                continue
            if name in fields and self.meaning(name, fields[name]) != self.meaning(name, each.value):
                if not name.startswith("promowin"):
                    raise Refused(57, f"{each.name} is spelled in two ways")
                fields[name] = [fields[name], each.value]  # a prize that is not clear is left, and the win is paid
            fields.setdefault(name, each.value)
        for name in MANDATORY[kind]:
            if name not in fields:
                raise Refused(64, f"{name} is missing")
        self.amount(fields["amount"])
        self.check_forms(kind, fields)
        return fields

    def is_absent(self, name: str, value: object) -> bool:
        return value in (None, "") or (value in ([], {}) and name != "rounddetails")

    def meaning(self, name: str, value: object) -> object:
        """What a second spelling must mean as well."""
        try:
            if name in AMOUNTS:
                return self.amount(value)
            return self.identifier(name, value) if name in IDENTIFIERS else value
        except Refused:
            return value

    def amount(self, value: object) -> Decimal:
        literal = value.text if isinstance(value, Literal) else value
        if not isinstance(literal, str) or not (parts := NUMBER.fullmatch(literal)):
            raise Refused(59, "not an amount")
        minus, whole, fraction, exponent = parts.groups("")
        digits = (whole + fraction).lstrip("0")
        if not digits:
            return Decimal(0)
        if minus or len(exponent.lstrip("+-").lstrip("0")) > 6:  # as many zeros as no body has
            raise Refused(59, "not an amount")
        places = len(fraction) - self.exponent(exponent) - (len(digits) - len(digits.rstrip("0")))
        digits = digits.rstrip("0")
        if places > 18 or max(len(digits), len(digits) - places, places) > 32:
            raise Refused(59, "not an amount")
        return Decimal(f"{digits}e{-places}")

    def exponent(self, text: str) -> int:
        amount = int(text.lstrip("+-").lstrip("0") or 0)
        return -amount if text.startswith("-") else amount

    def check_forms(self, kind: str, fields: dict[str, Any]) -> None:
        for name in DECIDING[kind]:
            if name in fields:
                fields[name] = self.identifier(name, fields[name])

    def identifier(self, name: str, value: object) -> str:
        """A text, or the digits of a whole number."""
        if isinstance(value, Literal) and value.text.isdigit():
            value = value.text
        if not isinstance(value, str) or len(value) > 128 or value.isspace() or not self.is_fit(value):
            raise Refused(57, f"{name} is not a name")
        return value

    def is_fit(self, text: str) -> bool:
        return not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)

    def moment(self, value: object) -> int | None:
        """Milliseconds since the epoch; None if it is anything else."""
        literal = value.text if isinstance(value, Literal) else value
        is_known = isinstance(literal, str) and re.fullmatch("[0-9]{1,20}", literal)
        return int(literal) if isinstance(literal, str) and is_known else None

    def credit(self, kind: str, fields: dict[str, Any]) -> Credit:
        named = DECIDING[kind]
        win = Credit(
            kind=kind,
            reference=fields["reference"],
            player=fields["userid"],
            amount=self.amount(fields["amount"]),
            currency=self.currency(fields.get("currency")),
            content=tuple(fields.get(name) if name in named else None for name in CONTENT),
            bonus_code=fields.get("bonuscode") if kind in ("result", "bonus") else None,
            moment=self.moment(fields["timestamp"]),
        )
        return replace(win, prize=self.prize(win, fields)) if kind == "result" else win

    def currency(self, value: object) -> str | None:
        """Only the letters A to Z are the same in capitals."""
        return None if value is None else re.sub("[a-z]+", lambda found: found[0].upper(), str(value))

    def prize(self, win: Credit, fields: dict[str, Any]) -> Prize | None:
        """What came with a result, right or not; None if that is nothing."""
        reference, amount = fields.get("promowinreference"), fields.get("promowinamount")
        if amount is None:
            return None
        try:
            if not (amount := self.amount(amount)):
                return None
            reference = self.identifier("promowinreference", reference)
        except Refused:
            return Prize(reference, amount)
        credit = replace(win, kind="promo", reference=reference, amount=amount, bonus_code=None)
        return Prize(reference, amount, credit)

    # --- What it moves ------------------------------------------------------------------------------

    async def settle(self, win: Credit) -> Record:
        known = self.recorded(win)
        if known and not self.is_replay(win, known.credit):
            raise Refused(61, "the reference was used with other content", 200)
        prize = self.prize_to_pay(win, known)
        wallet = self.wallets.get(win.player)
        if wallet is None:
            raise Refused(62, "no such player", 200)
        fresh = [credit for credit in (win, prize) if credit and self.recorded(credit) is None]
        if any(credit.currency and credit.currency != wallet.currency for credit in fresh):
            raise Refused(52, "not the player's currency", 200)
        await asyncio.sleep(self.pause_seconds)  # as one who asks a database
        for credit in fresh:
            self.pay(credit, wallet)
        if known and known.credit.prize is None:
            self.records[self.key(win)] = replace(known, credit=replace(known.credit, prize=win.prize))
        return self.recorded(win) or self.record(win, wallet)

    def prize_to_pay(self, win: Credit, known: Record | None) -> Credit | None:
        """The prize, unless it is for a person to decide: the win never waits for it."""
        if win.prize is None or (prize := win.prize.credit) is None:
            return None
        if known and known.credit.prize not in (None, win.prize):
            return None
        paid = self.recorded(prize)
        return None if paid and not self.is_replay(prize, paid.credit) else prize

    def key(self, credit: Credit) -> Any:
        return credit.kind, credit.reference

    def recorded(self, credit: Credit) -> Record | None:
        return self.records.get(self.key(credit))

    def is_replay(self, credit: Credit, recorded: Credit) -> bool:
        return (
            (credit.player, credit.amount) == (recorded.player, recorded.amount)
            and self.agree(credit.currency, recorded.currency)
            and all(map(self.agree, credit.content, recorded.content))
        )

    def agree(self, one: object, other: object) -> bool:
        """A field that only one of two deliveries carries does not contradict."""
        return one is None or other is None or one == other

    def pay(self, credit: Credit, wallet: Wallet) -> None:
        paid = self.owed(credit)
        to_cash, to_bonus = self.shares(credit, paid)
        wallet.cash, wallet.bonus = self.add(wallet.cash, to_cash), self.add(wallet.bonus, to_bonus)
        self.record(credit, wallet)

    def owed(self, credit: Credit) -> Decimal:
        """What is paid, and counted towards the bonus code."""
        if credit.bonus_code is None:
            return credit.amount
        count = self.counts.setdefault((credit.player, credit.bonus_code), Count())
        return self.owed_round(credit, count) if credit.kind == "result" else self.owed_total(credit, count)

    def owed_round(self, credit: Credit, count: Count) -> Decimal:
        """Less what totals have paid ahead of it."""
        ahead = min(credit.amount, count.advance) if self.is_paid_ahead(credit, count) else Decimal(0)
        paid = EXACT.subtract(credit.amount, ahead)
        count.advance = EXACT.subtract(count.advance, ahead)
        count.uncovered = EXACT.add(count.uncovered, paid)
        return paid

    def owed_total(self, credit: Credit, count: Count) -> Decimal:
        """Less what rounds have been paid that no total covers."""
        covered = min(credit.amount, count.uncovered)
        paid = EXACT.subtract(credit.amount, covered)
        count.uncovered = EXACT.subtract(count.uncovered, covered)
        count.advance = EXACT.add(count.advance, paid)
        self.note(credit, count)
        return paid

    def note(self, total: Credit, count: Count) -> None:
        """What tells the rounds of a total from later ones."""
        if total.moment is not None:
            count.until = max(count.until, total.moment)
        if total.content[1] is not None:
            count.last_rounds = [*count.last_rounds, total.content[:2]][-LAST_ROUNDS:]

    def is_paid_ahead(self, round: Credit, count: Count) -> bool:
        is_older = round.moment is not None and round.moment <= count.until
        return is_older or round.content[:2] in count.last_rounds

    def shares(self, credit: Credit, paid: Decimal) -> tuple[Decimal, Decimal]:
        """What goes to cash, and what to bonus."""
        counts = credit.kind == "bonus" or (credit.kind == "result" and credit.bonus_code is not None)
        return paid, paid if counts else Decimal(0)

    def add(self, balance: Decimal, amount: Decimal) -> Decimal:
        return EXACT.add(balance, amount)

    def record(self, credit: Credit, wallet: Wallet) -> Record:
        record = Record(credit, f"t-{len(self.records) + 1}", wallet.cash, wallet.bonus)
        self.records[self.key(credit)] = record
        return record

    # --- What is answered ---------------------------------------------------------------------------

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        cash, bonus = self.written(wallet.cash, as_text), self.written(wallet.bonus, as_text)
        return (
            f'{{"transactionId": "{first.transaction_id}", "currency": "{wallet.currency}", "cash": {cash}, '
            f'"bonus": {bonus}, "error": 0, "description": "Success"}}'
        )

    def written(self, balance: Decimal, as_text: bool) -> str:
        return f'"{balance:f}"' if as_text else f"{balance:f}"


def _parameters(text: str) -> Iterator[Parameter]:
    """The outermost object's, with the text of each value."""
    decoder = json.JSONDecoder(parse_float=Literal, parse_int=Literal, parse_constant=Literal)

    def skip(position: int) -> int:
        while text[position : position + 1] in (" ", "\t", "\r", "\n"):
            position += 1
        return position

    def expect(characters: str, position: int) -> int:
        position = skip(position)
        if text[position : position + 1] not in list(characters):
            raise ValueError(characters)
        return position + 1

    position = expect("{", 0)
    while True:
        name, position = decoder.raw_decode(text, skip(position))
        if not isinstance(name, str):
            raise ValueError("a name")  # noqa: TRY004
        start = skip(expect(":", position))
        value, end = decoder.raw_decode(text, start)
        yield Parameter(name, value, text[start:end])
        position = expect(",}", end)
        if text[position - 1] == "}":
            break
    if skip(position) != len(text):
        raise ValueError("text after the object")


@contextmanager
def serving(operator: Rival) -> Iterator[str]:
    """The operator's URL, by real HTTP."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        server = uvicorn.Server(uvicorn.Config(operator, lifespan="off", log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.005)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()

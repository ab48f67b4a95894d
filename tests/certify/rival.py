"""Another implementation of the callbacks, written from docs/callbacks.md: ASGI, with its ledger in memory.

It shares no code with the wallet either. It is right, and passes; each of wrong.py's changes one thing in it.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from typing import Any
from urllib.parse import parse_qs

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
TEXTS = frozenset(
    [
        *("userid", "reference", "providerid", "uuid", "gameid", "roundid", "jackpotid", "bonuscode"),
        *("promocampaignid", "promocampaigntype", "promowinreference"),
    ]
)
OTHER_NAMES = {"campaignid": "promocampaignid", "campaigntype": "promocampaigntype"}
SIGNED = ("jackpot", "bonus")
IDENTIFIERS = (
    *("userid", "reference", "roundid", "gameid", "bonuscode", "jackpotid", "promocampaignid", "promowinreference"),
)


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
class Credit:
    kind: str
    reference: str
    player: str
    amount: Decimal
    currency: str | None
    content: tuple[object, ...]  # what a replay must repeat besides
    campaign: str | None = None
    bonus_code: str | None = None


@dataclass(frozen=True)
class Record:
    credit: Credit
    transaction_id: str
    cash: Decimal
    bonus: Decimal


@dataclass
class Rival:
    """`hash_secret` and `auth_token` are checked if they are set; `pause_seconds` is what a database would take."""

    hash_secret: str | None = None
    auth_token: str | None = None
    pause_seconds: float = 0.0
    wallets: dict[str, Wallet] = field(default_factory=dict)
    records: dict[Any, Record] = field(default_factory=dict)
    uncovered: dict[tuple[str, str], Decimal] = field(default_factory=dict)

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
        credits = self.credits(kind, fields)
        async with self.lock:
            first = await self.settle(credits)
        wallet = self.wallets[credits[0].player]
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
        if self.hash_secret is None:
            if kind in SIGNED and not sent and not any(each.name.lower() == "uuid" for each in parameters):
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
        return hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest()

    def literal(self, parameter: Parameter) -> str:
        return parameter.value if isinstance(parameter.value, str) else parameter.raw

    # --- What is asked ------------------------------------------------------------------------------

    def parameters(self, body: bytes) -> list[Parameter]:
        try:
            if len(body) > 64 * 1024:
                raise ValueError  # noqa: TRY301
            found = list(_parameters(body.decode()))
        except (ValueError, RecursionError):
            raise Refused(99, "not a JSON object") from None
        if len({each.name for each in found}) < len(found):
            raise Refused(99, "a key twice")
        return found

    def name(self, name: str) -> str:
        name = name.lower()
        return OTHER_NAMES.get(name, name)

    def fields(self, kind: str, parameters: list[Parameter]) -> dict[str, Any]:
        """By lower-case names, checked. What is null or empty is absent."""
        fields: dict[str, Any] = {}
        for each in parameters:
            if each.value in (None, "", [], {}):
                continue
            if fields.setdefault(self.name(each.name), each.value) != each.value:
                raise Refused(57, f"{each.name} is spelled in two ways")
        for name in MANDATORY[kind]:
            if name not in fields:
                raise Refused(64, f"{name} is missing")
        for name in ("amount", "promowinamount"):
            if name in fields and (name == "amount" or kind == "result"):
                self.amount(fields[name])
        self.check_forms(fields)
        return fields

    def amount(self, value: object) -> Decimal:
        literal = value.text if isinstance(value, Literal) else value
        if not isinstance(literal, str) or not re.fullmatch(r"[0-9]+(\.[0-9]{1,18})?", literal, re.ASCII):
            raise Refused(59, "not an amount")
        if len(literal.replace(".", "")) > 32:
            raise Refused(59, "not an amount")
        return Decimal(literal)

    def check_forms(self, fields: dict[str, Any]) -> None:
        for name in TEXTS & fields.keys():
            value = fields[name]
            if not isinstance(value, str) or len(value) > 128 or not value.isprintable() or value.isspace():
                raise Refused(57, f"{name} is not a name")
        if "currency" in fields:
            code = fields["currency"]
            if not isinstance(code, str) or not re.fullmatch("[A-Za-z0-9]{3,10}", code):
                raise Refused(57, "currency is not a code")
        stamp = fields["timestamp"]
        if not re.fullmatch("[0-9]{1,20}", stamp.text if isinstance(stamp, Literal) else str(stamp)):
            raise Refused(57, "timestamp is not milliseconds")
        if isinstance(fields.get("rounddetails"), Literal | bool):
            raise Refused(57, "roundDetails is not text, an array or an object")

    def credits(self, kind: str, fields: dict[str, Any]) -> list[Credit]:
        names = ("gameid", "roundid", "bonuscode", "jackpotid", "promocampaignid")
        campaign = fields.get("promocampaignid")
        win = Credit(
            kind=kind,
            reference=fields["reference"],
            player=fields["userid"],
            amount=self.amount(fields["amount"]),
            currency=fields["currency"].upper() if "currency" in fields else None,
            content=() if kind == "promo" else tuple(fields.get(name) for name in names),
            campaign=campaign if kind == "promo" else None,
            bonus_code=fields.get("bonuscode") if kind in ("result", "bonus") else None,
        )
        prize = self.amount(fields["promowinamount"]) if kind == "result" and "promowinamount" in fields else Decimal(0)
        if not prize:
            return [win]
        if "promowinreference" not in fields:
            raise Refused(64, "promoWinReference is missing")
        reference = fields["promowinreference"]
        return [win, Credit("promo", reference, win.player, prize, win.currency, (), campaign=campaign)]

    # --- What it moves ------------------------------------------------------------------------------

    async def settle(self, credits: list[Credit]) -> Record:
        known = [self.recorded(credit) for credit in credits]
        for credit, record in zip(credits, known, strict=True):
            if record and not self.is_replay(credit, record.credit):
                raise Refused(61, "the reference was used with other content", 200)
        wallet = self.wallets.get(credits[0].player)
        if wallet is None:
            raise Refused(62, "no such player", 200)
        fresh = [credit for credit, record in zip(credits, known, strict=True) if record is None]
        if any(credit.currency and credit.currency != wallet.currency for credit in fresh):
            raise Refused(52, "not the player's currency", 200)
        await asyncio.sleep(self.pause_seconds)  # as one who asks a database
        for credit in fresh:
            self.pay(credit, wallet)
        return self.recorded(credits[0]) or self.record(credits[0], wallet)

    def key(self, credit: Credit) -> Any:
        return credit.kind, credit.reference

    def recorded(self, credit: Credit) -> Record | None:
        return self.records.get(self.key(credit))

    def is_replay(self, credit: Credit, recorded: Credit) -> bool:
        both_name_one = credit.campaign is not None and recorded.campaign is not None
        return (
            (credit.player, credit.amount, credit.content) == (recorded.player, recorded.amount, recorded.content)
            and (credit.currency is None or recorded.currency in (None, credit.currency))
            and (not both_name_one or credit.campaign == recorded.campaign)
        )

    def pay(self, credit: Credit, wallet: Wallet) -> None:
        paid = self.owed(credit)
        to_cash, to_bonus = self.shares(credit, paid)
        wallet.cash, wallet.bonus = self.add(wallet.cash, to_cash), self.add(wallet.bonus, to_bonus)
        self.record(credit, wallet)

    def owed(self, credit: Credit) -> Decimal:
        """What is paid, and counted towards the bonus code."""
        if credit.bonus_code is None:
            return credit.amount
        count = (credit.player, credit.bonus_code)
        paid_already = self.uncovered.get(count, Decimal(0))
        if credit.kind == "result":
            self.uncovered[count] = EXACT.add(paid_already, credit.amount)
            return credit.amount
        self.uncovered[count] = Decimal(0)
        return max(EXACT.subtract(credit.amount, paid_already), Decimal(0))

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

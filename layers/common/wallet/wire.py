"""The provider's JSON: what a body says, field by field as it was written, and the answer to it.

Four steps: `parse` text into a `Body`, `Body.read` it as a request, `Request.credit` what it owes,
`answer` in the request's own notation. A number is never turned into a binary float: it stays the
literal that was sent, which the amount (every digit counts) and the hash (every character counts)
both need. Source: the provider's pages Result, Auto Closing, JackPotWin, BonusWin and PromoWin.
"""

import json
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from wallet import money
from wallet.errors import Absent, InvalidAmount, Malformed, Unreadable
from wallet.ledger import Credit, FreeRound, Receipt

MAX_BODY_BYTES = 64 * 1024  # a record must fit a table's item (400 KiB), and escaped, a queue's message (1 MiB)

# How a person might write it, however wrongly.
_FIT_FOR_A_LOG = {"amount": re.compile(r"[0-9.,+\-eE ]{1,40}"), "currency": re.compile(r"[A-Za-z0-9]{1,10}")}
_SECRETS = frozenset({"hash", "token", "authtoken"})  # never recorded, logged or echoed
_OTHER_NAMES = {"campaignid": "promoCampaignId", "campaigntype": "promoCampaignType"}
# What decides about money, by names in lower case.
_IDENTIFIERS = frozenset(
    {"userid", "reference", "roundid", "gameid", "bonuscode", "jackpotid"}
    | {"promocampaignid", "campaignid", "promowinreference"}
)


# --- What a body says -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number as it was written: `55.0` is not `55.00`."""

    literal: str


class Parameter(NamedTuple):
    """One field of a body: its name and value, and the text of each as received."""

    name: str
    key: str  # the name in lower case: names are matched without regard to case
    value: object
    raw: str
    raw_name: str

    @property
    def literal(self) -> str:
        """The value's characters as sent: a string's own, any other value's JSON text."""
        return self.value if isinstance(self.value, str) else self.raw

    @property
    def is_absent(self) -> bool:
        """Whether it says nothing: `null`, `""`, `[]` and `{}` are as good as no field at all."""
        return self.value is None or self.value in ("", [], {})


RequestT = TypeVar("RequestT", bound="Request")


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON object as received: its parameters in their order, no name twice."""

    parameters: tuple[Parameter, ...]

    def named(self, name: str) -> list[Parameter]:
        """Every parameter spelled `name`, regardless of case; `name` is in lower case."""
        return [parameter for parameter in self.parameters if parameter.key == name]

    def without_secrets(self) -> str:
        """The body as received, less its hash and tokens: what may be kept, and is read again as it was."""
        kept = (
            f"{parameter.raw_name}:{parameter.raw}" for parameter in self.parameters if parameter.key not in _SECRETS
        )
        return "{" + ",".join(kept) + "}"

    @property
    def reference(self) -> str | None:
        """The reference, if the body carries one worth naming in a log, however faulty the rest."""
        for parameter in self.named("reference"):
            if isinstance(parameter.value, str) and _is_short_and_printable(parameter.value):
                return parameter.value
        return None

    def plainly(self, *names: str) -> dict[str, str]:
        """What it says under those names, as far as that is fit for a log, however faulty the rest.

        A secret in a wrong field is not.
        """
        secrets = {parameter.literal for parameter in self.parameters if parameter.key in _SECRETS}
        said: dict[str, str] = {}
        for name in names:
            for parameter in self.named(name.lower()):
                literal, form = parameter.literal, _FIT_FOR_A_LOG.get(parameter.key)
                is_fit = literal not in secrets and _is_short_and_printable(literal)
                if is_fit and not parameter.is_absent and (form is None or form.fullmatch(literal)):
                    said.setdefault(name, literal)
        return said

    def check_identified(self, model: type["Request"]) -> None:
        """Raises Absent if nothing identifies the request; before that, what `read` raises before Absent.

        Asked of what arrives: what is kept has no hash any more.
        """
        if not model.signed:
            return
        identifiers = (*self.named("hash"), *self.named("uuid"))
        if all(identifier.is_absent for identifier in identifiers):
            self._fields(model)
            raise Absent("hash")

    def check_one_cut(self) -> None:
        """Raises Malformed if the text that its hash covers could be cut into other identifiers as well.

        `reference=R&roundId=r9` is the text of two fields, and of one whose value has an ampersand.
        """
        for parameter in self.parameters:
            if parameter.key in _IDENTIFIERS and "&" in parameter.literal:
                raise Malformed(parameter.name)

    def read(self, model: type[RequestT]) -> RequestT:
        """The body as a request of that model.

        Raises Malformed for spellings that disagree; then Absent, InvalidAmount or Malformed, in this
        order, naming the first field of its kind.
        """
        try:
            return model.model_validate(self._fields(model))
        except ValidationError as error:
            faults = [(fault["type"], str(fault["loc"][0])) for fault in error.errors(include_url=False)]
        for kind, refusal in (("missing", Absent), ("amount", InvalidAmount)):
            for fault, field in faults:
                if fault == kind:
                    raise refusal(field)
        raise Malformed(faults[0][1])

    def _fields(self, model: type["Request"]) -> dict[str, object]:
        """Values by the model's own field names; what is null or empty counts as absent."""
        names, fields = _names(model), {}
        for parameter in self.parameters:
            field = names.get(parameter.key)
            if field is None or parameter.is_absent:
                continue
            if fields.setdefault(field, parameter.value) != parameter.value:
                raise Malformed(field)  # two spellings that disagree: neither can be believed
        return fields


def parse(text: str, model: "type[Request] | None" = None) -> Body:
    """The parameters of a body's text. Raises Unreadable, for `NaN` too unless it is an amount (of the model's).

    Only the outermost object is taken apart here, because the json module does not keep the text of
    a value; every value in it is read by the json module.
    """
    try:
        if len(text.encode()) > MAX_BODY_BYTES:
            raise Unreadable("is larger than 64 KiB")
        amounts = _AMOUNT_NAMES & _names(model).keys() if model else _AMOUNT_NAMES
        parameters = tuple(_parameters(text, amounts))
    except (ValueError, RecursionError):  # a JSON or Unicode error, or nesting without end
        raise Unreadable("is not a JSON object") from None
    if len({parameter.name for parameter in parameters}) < len(parameters):
        raise Unreadable("has a key twice")
    return Body(parameters)


def _parameters(text: str, amounts: Set[str]) -> Iterator[Parameter]:
    position = end = _past(_OPENING, text, 0)
    has_more = text[position : position + 1] != "}"
    while has_more:
        name, end_of_name = _VALUES.raw_decode(text, position)
        if not isinstance(name, str):
            raise ValueError("a key is not a string")  # noqa: TRY004 - a fault of the text, not of a type
        start = _past(_COLON, text, end_of_name)
        key = name.lower()
        is_amount = key in amounts and text[start : start + 1] not in ("[", "{")
        value, end = (_AMOUNTS if is_amount else _VALUES).raw_decode(text, start)
        yield Parameter(name, key, value, text[start:end], text[position:end_of_name])
        if has_more := (comma := _COMMA.match(text, end)) is not None:
            position = comma.end()
    if _past(_CLOSING, text, end) != len(text):
        raise ValueError("text after the object")


def _past(mark: re.Pattern[str], text: str, position: int) -> int:
    """The position of what follows a mark and the space around it."""
    match = mark.match(text, position)
    if match is None:
        raise ValueError(f"no {mark.pattern} where one must stand")
    return match.end()


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(named := dict(pairs)) < len(pairs):
        raise Unreadable("has a key twice")
    return named


def _not_json(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


_OPENING, _COLON, _COMMA, _CLOSING = (re.compile(rf"[ \t\n\r]*{mark}[ \t\n\r]*") for mark in (r"\{", ":", ",", r"\}"))
_VALUES = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_not_json, object_pairs_hook=_once)
# NaN and Infinity are not JSON, but as an amount they deserve the answer "not a valid amount".
_AMOUNTS = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number, object_pairs_hook=_once)
_AMOUNT_NAMES = frozenset({"amount", "promowinamount"})


# --- What a request is ------------------------------------------------------------------------------


def _is_short_and_printable(text: str) -> bool:
    return len(text) <= _MAX_CHARACTERS and text.isprintable()


def _printable(text: str) -> str:
    if not text.isprintable() or text.isspace():
        raise ValueError("not printable, or nothing but spaces")
    return text


def _amount(value: object) -> Decimal:
    literal = value.literal if isinstance(value, Number) else value
    try:
        if isinstance(literal, str):
            return money.parse(literal)
    except ValueError:
        pass
    raise PydanticCustomError("amount", "not a valid amount")


def _timestamp(value: object) -> str:
    literal = value.literal if isinstance(value, Number) else value
    if isinstance(literal, str) and re.fullmatch(r"[0-9]{1,20}", literal):
        return literal
    raise ValueError("not milliseconds since the epoch")


def _plain(value: object) -> object:
    return value


_MAX_CHARACTERS = 128  # the provider's own limit is 36; a longer id is no reason to lose a win
_AMOUNT_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": r"^([0-9]{1,32}|[0-9]{1,31}\.[0-9]{1,18})$", "maxLength": 33},
        {"type": "number", "minimum": 0},
    ],
    "description": "Exact decimal in plain notation: up to 32 digits, of which up to 18 after the point.",
    "examples": ["10.0", 55.0],
}
_TIMESTAMP_SCHEMA = {
    "anyOf": [{"type": "string", "pattern": "^[0-9]{1,20}$"}, {"type": "integer", "minimum": 0}],
    "description": "Milliseconds since the epoch; kept as sent.",
    "examples": ["1482429190374"],
}

Text = Annotated[str, StringConstraints(min_length=1, max_length=_MAX_CHARACTERS), AfterValidator(_printable)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{3,10}$")]
Amount = Annotated[Decimal, PlainValidator(_amount), WithJsonSchema(_AMOUNT_SCHEMA)]
Timestamp = Annotated[str, PlainValidator(_timestamp), WithJsonSchema(_TIMESTAMP_SCHEMA)]
RoundDetails = str | list[Any] | dict[str, Any]
Anything = Annotated[object, PlainValidator(_plain), WithJsonSchema({})]  # kept, never looked at


class Request(BaseModel):
    """What every callback carries. A callback's own model makes more of it mandatory.

    Fields are matched without regard to case. Unknown ones are no error: they stay in the record.
    """

    model_config = ConfigDict(strict=True, frozen=True, alias_generator=to_camel)

    signed: ClassVar[bool] = False  # whether a hash is mandatory once a secret is configured

    user_id: Text
    amount: Amount = Field(description="The amount won, to be credited.")
    reference: Text = Field(description="The provider's unique name for this credit: the idempotency key.")
    provider_id: Text
    timestamp: Timestamp
    bonus_code: Text | None = Field(None, description="The free round bonus the win belongs to.")
    hash: str | None = Field(None, description="MD5 over the parameters and the shared secret.", repr=False)
    token: Anything = Field(None, repr=False)
    platform: Anything = None

    def credit(
        self,
        kind: str,
        *,
        amount: Decimal | None = None,
        reference: str | None = None,
        free_round: FreeRound = "none",
        auto_closed: bool = False,
        two_ways: bool = False,
    ) -> Credit:
        """The credit this request asks for; `amount` and `reference` where they are not its own."""
        # A callback declares those of these fields that it has.
        declared = {name: getattr(self, name, None) for name in ("currency", "game_id", "round_id", "jackpot_id")}
        return Credit(
            kind=kind,
            reference=reference or self.reference,
            user_id=self.user_id,
            amount=self.amount if amount is None else amount,
            bonus_code=self.bonus_code,
            campaign_id=getattr(self, "promo_campaign_id", None),
            campaign_type=getattr(self, "promo_campaign_type", None),
            provider_id=self.provider_id,
            timestamp=self.timestamp,
            free_round=free_round,
            auto_closed=auto_closed,
            two_ways=two_ways,
            **declared,
        )


class SignedRequest(Request):
    """A request identified by its hash, or by a uuid as the provider sends it nowadays.

    It carries no currency of its own: the amount is in the player's.
    """

    signed: ClassVar[bool] = True

    uuid: Text | None = None
    currency: Currency | None = Field(None, description="Not sent as a rule; if it is, it must be the player's.")


@cache
def _names(model: type[Request]) -> Mapping[str, str]:
    """A model's field names by their lower-case spelling, the provider's other names included."""
    aliases = [field.alias or name for name, field in model.model_fields.items()]
    return {alias.lower(): alias for alias in aliases} | _OTHER_NAMES


# --- What is answered -------------------------------------------------------------------------------

Notation = Literal["number", "text"]


def notation(body: Body) -> Notation:
    """How the request wrote its amount, and so how the answer writes the balances."""
    amounts = (amount.value for amount in body.named("amount") if not amount.is_absent)
    return "text" if any(isinstance(amount, str) for amount in amounts) else "number"


def answer(receipt: Receipt, notation: Notation) -> str:
    """The JSON text of a credit's answer. Balances keep every digit in either notation."""
    quote = '"' if notation == "text" else ""
    return (
        f'{{"transactionId": "{receipt.transaction_id}", "currency": {json.dumps(receipt.currency)}, '
        f'"cash": {quote}{money.text(receipt.cash)}{quote}, "bonus": {quote}{money.text(receipt.bonus)}{quote}, '
        '"error": 0, "description": "Success"}'
    )


def refusal(code: int, description: str) -> str:
    """The JSON text of a refusal."""
    return json.dumps({"error": code, "description": description})

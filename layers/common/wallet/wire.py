"""JSON as it comes: what a body says, field by field as it was written, and the answer to it.

Four steps: `parse` text into a `Body`, `Body.read` it as a request, `Request.credit` what it owes or
`Request.stake` what it takes, `answer` in the request's own notation. A number is never turned into a
binary float: it stays the literal that was sent, which the amount (every digit counts) and the hash
(every character counts) both need. Source: the provider's pages of each call.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter, ValidationError, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from wallet import money
from wallet.errors import Absent, InvalidAmount, Malformed, NotEnough, Refusal, Unreadable
from wallet.ledger import FreeRound, Movement, Prize, Receipt
from wallet.rounds import RoundPart

MAX_BODY_BYTES = 64 * 1024  # a record must fit a table's item (400 KiB), and escaped, a queue's message (1 MiB)


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
    def as_sent(self) -> str:
        """The literal, or the value's JSON text where half a character in it could not be stored."""
        return self.raw if _HALF.search(self.literal) else self.literal

    @property
    def is_absent(self) -> bool:
        """Whether it says nothing: `null`, `""`, `[]` and `{}` are as good as no field at all.

        Only a round's details may be an empty list or object.
        """
        if self.key == "rounddetails" and self.value in ([], {}):
            return False
        return self.value is None or self.value in ("", [], {})

    @property
    def could_be_cut(self) -> bool:
        """Whether it decides about money, and its text could be that of several fields as well."""
        return self.key in _IDENTIFIERS and "&" in self.literal


FormT = TypeVar("FormT", bound="Form")


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
        """The reference in the characters that were sent, whatever its form; None if there is none."""
        return next((each.as_sent for each in self.named("reference") if not each.is_absent), None)

    def plainly(self, *names: str) -> dict[str, str]:
        """What it says under those names, as far as that is fit for a log, however faulty the rest.

        A secret in a wrong field is not.
        """
        secrets = {parameter.literal for parameter in self.parameters if parameter.key in _SECRETS}
        said: dict[str, str] = {}
        for name in names:
            for parameter in self.named(name.lower()):
                literal, form = parameter.literal, _FIT_FOR_A_LOG.get(parameter.key)
                is_short = len(literal) <= MAX_CHARACTERS and not isinstance(parameter.value, list | dict)
                is_fit = is_short and literal not in secrets and not _UNFIT.search(literal)
                if is_fit and not parameter.is_absent and (form is None or form.fullmatch(literal)):
                    said.setdefault(name, literal)
        return said

    def read(self, model: type[FormT], *, arrives: bool = False, is_signed: bool = False) -> FormT:
        """The body as a request of that model.

        Raises Malformed for spellings that disagree; then Absent, InvalidAmount or Malformed, in this
        order, naming the first field of its kind. `arrives`: it must be identified by a hash or a uuid where the model
        asks for it; what is kept has no hash any more. `is_signed`: the text that its hash covers must not fit
        another cut into fields, as `reference=R&roundId=r9` is two fields, or one that has an ampersand.
        """
        faults: list[tuple[str, str]] = []
        if arrives and model.identity and all(each.is_absent for each in (*self.named("hash"), *self.named("uuid"))):
            faults.append(("missing", model.identity))
        request, fields = None, self._fields(model)
        for field, needed in model.needed_with.items():
            if field in fields and needed not in fields:
                faults.append(("missing", needed))
        try:
            request = model.model_validate(fields)
        except ValidationError as error:
            faults += [(fault["type"], str(fault["loc"][0])) for fault in error.errors(include_url=False)]
        if model.closed:
            names = (each.name for each in self.parameters if each.name not in _own_names(model))
            faults += [("unknown", name[:MAX_CHARACTERS]) for name in names]
        if is_signed:
            faults += [("ampersand", each.name) for each in self.parameters if each.could_be_cut]
        for kind, refused_with in (("spellings", Malformed), ("missing", Absent), ("amount", InvalidAmount)):
            for fault, field in faults:
                if fault == kind:
                    raise refused_with(field)
        if request is None or faults:
            raise Malformed(faults[0][1])
        return request

    def read_by_hand(self, model: type[FormT]) -> FormT:
        """The same for a person, who has looked at it: a field that cannot be read is absent.

        Raises as `read` does if the player, the amount or the reference is one of them, or says what is to be undone.
        """
        fields, read = self._fields(model), dict[str, object]()
        for name, field in model.model_fields.items():
            try:
                read[name] = _readers(model)[name].validate_python(fields[field.alias or name])
            except (KeyError, ValueError):
                read[name] = None
        needed = {name for field, other in model.needed_with.items() if field in fields for name in (field, other)}
        for name, field in model.model_fields.items():
            alias = field.alias or name
            if read[name] is None and (alias in needed or (alias in _OF_MONEY and field.is_required())):
                self.read(model)
        return model.model_construct(None, **read)

    def _fields(self, model: type["Form"]) -> dict[str, tuple[Parameter, ...]]:
        """Parameters by the model's own field names, every spelling; what is null or empty counts as absent."""
        names = _names(model)
        spellings: dict[str, tuple[Parameter, ...]] = {}
        for parameter in self.parameters:
            field = names.get(parameter.key)
            if field and not parameter.is_absent:
                spellings[field] = (*spellings.get(field, ()), parameter)
        return spellings


_OF_MONEY = frozenset({"userId", "amount", "reference"})
# How a person might write it, however wrongly.
_FIT_FOR_A_LOG = {"amount": re.compile(r"[0-9.,+\-eE ]{1,40}"), "currency": re.compile(r"[A-Za-z0-9]{1,10}")}
_SECRETS = frozenset({"hash", "token", "authtoken"})  # never recorded, logged or echoed
# What decides about money, by names in lower case.
_IDENTIFIERS = frozenset(
    {"userid", "reference", "roundid", "gameid", "bonuscode", "jackpotid"}
    | {"promocampaignid", "campaignid", "promowinreference"}
)


def parse(text: str, model: "type[Form] | None" = None, *, most_bytes: int = MAX_BODY_BYTES) -> Body:
    """The parameters of a body's text. Raises Unreadable, for `NaN` too unless it is an amount (of the model's).

    Only the outermost object is taken apart here, because the json module does not keep the text of
    a value; every value in it is read by the json module.
    """
    text = text.removeprefix("\ufeff")  # a byte order mark, which some platforms write before every text
    try:
        if len(text.encode()) > most_bytes:
            raise Unreadable(f"is larger than {most_bytes // 1024} KiB")
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


T = TypeVar("T")


def _by_every_spelling(read: Callable[[Parameter], T]) -> Callable[[tuple[Parameter, ...]], T]:
    """Reads a field by all spellings that a body has of it: those that disagree cannot be believed."""

    def read_all(spellings: tuple[Parameter, ...]) -> T:
        first, *others = spellings
        if others:
            _agree(read, spellings)
        return read(first)

    return read_all


def _agree(read: Callable[[Parameter], object], spellings: Iterable[Parameter]) -> None:
    meanings: set[object] = set()
    for parameter in spellings:
        try:
            meanings.add(read(parameter))
        except ValueError:
            meanings.add(parameter.raw)
    if len(meanings) > 1:
        raise PydanticCustomError("spellings", "spelled twice with different values")


def _identifier(parameter: Parameter) -> str:
    match parameter.value:
        case Number(text) if _DIGITS.fullmatch(text):
            pass
        case str(text):
            pass
        case _:
            raise ValueError("neither text nor a whole number")
    if len(text) > MAX_CHARACTERS or _UNFIT.search(text) or text.isspace():
        raise ValueError("too long, a control character, or nothing but spaces")
    return text


def _text(parameter: Parameter) -> str:
    text = parameter.value
    if not isinstance(text, str) or len(text) > MAX_TEXT or _UNFIT.search(text) or text.isspace():
        raise ValueError("no text, too long, a control character, or nothing but spaces")
    return text


def _flag(parameter: Parameter) -> bool:
    if not isinstance(parameter.value, bool):
        raise ValueError("neither true nor false")  # noqa: TRY004 - a fault of the text, not of a type
    return parameter.value


def _signed_amount(parameter: Parameter) -> Decimal:
    """Only as text: what invokes a function may have made a binary float of a number."""
    try:
        if isinstance(parameter.value, str):
            return money.parse(parameter.value, signed=True)
    except ValueError:
        pass
    raise PydanticCustomError("amount", "not a valid amount")


def _amount(parameter: Parameter) -> Decimal:
    value = parameter.value
    try:
        if isinstance(value, Number | str):
            return money.parse(parameter.literal)
    except ValueError:
        pass
    raise PydanticCustomError("amount", "not a valid amount")


def _recorded(parameter: Parameter) -> str:
    return parameter.as_sent


@dataclass(frozen=True, slots=True)
class Tolerated(Generic[T]):
    """A field that may be wrong without refusing its request: `value` is None then, and `text` is what was sent."""

    text: str
    value: T | None


def _tolerating(read: Callable[[Parameter], T]) -> Callable[[tuple[Parameter, ...]], Tolerated[T]]:
    def read_if_possible(spellings: tuple[Parameter, ...]) -> Tolerated[T]:
        try:
            return Tolerated(spellings[0].as_sent, _by_every_spelling(read)(spellings))
        except ValueError:
            return Tolerated(spellings[0].as_sent, None)

    return read_if_possible


MAX_TEXT = 1000
MAX_CHARACTERS = 128  # the provider's own limit is 36; a win with a longer id is credited too
_DIGITS = re.compile(r"[0-9]+")
# Control characters (Unicode's Cc) and half surrogate pairs: fixed for ever, so every Python agrees.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")
_IDENTIFIER_SCHEMA = {
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS, "pattern": r"^[^\x00-\x1f\x7f-\x9f]+$"},
        {"type": "integer", "minimum": 0},
    ],
    "description": "A string of 1 to 128 characters, none a control character, not all of them spaces; or an integer,"
    " whose digits are the text.",
}
_WITH_EXPONENT = r"(0|[1-9][0-9]*)(\.[0-9]+)?[eE][+-]?[0-9]+"
_AMOUNT_SCHEMA = {
    "anyOf": [
        {
            "type": "string",
            "pattern": r"^(-?0(\.0+)?|(0|[1-9][0-9]{0,31})(\.[0-9]{1,18}0*)?|" + _WITH_EXPONENT + ")$",
        },
        {"type": "number", "minimum": 0},
    ],
    "description": "Exact, not negative: the value has up to 32 digits, of which up to 18 after the point.",
    "examples": ["10.0", 55.0],
}
_ANYTHING: dict[str, Any] = {}
_TOLERATED = {"description": "If it is not valid, a person decides about the prize, and the win is credited."}

_read_recorded = PlainValidator(_by_every_spelling(_recorded))
_read_amount, _maybe_amount = PlainValidator(_by_every_spelling(_amount)), PlainValidator(_tolerating(_amount))
_read_identifier = PlainValidator(_by_every_spelling(_identifier))
_maybe_identifier = PlainValidator(_tolerating(_identifier))

Identifier = Annotated[str, _read_identifier, WithJsonSchema(_IDENTIFIER_SCHEMA)]  # decides about money
Recorded = Annotated[str, _read_recorded, WithJsonSchema(_ANYTHING)]  # kept as it was sent, and decides nothing
Currency = Annotated[str, _read_recorded, WithJsonSchema({"examples": ["USD"]})]
Text = Annotated[str, PlainValidator(_by_every_spelling(_text))]  # of the operator's own side
Flag = Annotated[bool, PlainValidator(_by_every_spelling(_flag))]
SignedAmount = Annotated[Decimal, PlainValidator(_by_every_spelling(_signed_amount))]
Amount = Annotated[Decimal, _read_amount, WithJsonSchema(_AMOUNT_SCHEMA)]
MaybeAmount = Annotated[Tolerated[Decimal], _maybe_amount, WithJsonSchema(_TOLERATED | {"examples": ["5.0"]})]
MaybeIdentifier = Annotated[Tolerated[str], _maybe_identifier, WithJsonSchema(_TOLERATED | {"examples": ["prize-1"]})]


def _name_on_the_wire(field: str) -> str:
    name = to_camel(field)
    return _OTHER_NAMES.get(name.lower(), name)


# The provider gives a campaign's fields two names. The refusals name the second.
_OTHER_NAMES = {"campaignid": "promoCampaignId", "campaigntype": "promoCampaignType"}


class Form(BaseModel):
    """What a body may be read as. Fields are matched without regard to case."""

    model_config = ConfigDict(strict=True, frozen=True, alias_generator=_name_on_the_wire)

    signed: ClassVar[bool] = False  # whether a hash is mandatory once a secret is configured
    identity: ClassVar[str | None] = None  # what is missing if there is neither a hash nor a uuid
    needed_with: ClassVar[Mapping[str, str]] = {}  # a field that must be there if another one is
    closed: ClassVar[bool] = False  # whether unknown names are refused


class Order(Form):
    """What the operator's own side asks of a function. Nobody but the caller vouches for `actor`."""

    closed: ClassVar[bool] = True

    actor: Text = Field(description="Who orders it, as the caller says.")
    reason: Text = Field(description="Why, for whoever reads the ledger later.")


class Call(Form):
    """What every callback carries. A callback's own model makes more of it mandatory.

    Unknown fields are no error: they stay in the record.
    """

    user_id: Identifier
    provider_id: Recorded
    hash: Recorded | None = Field(None, description="MD5 over the parameters and the shared secret.", repr=False)
    token: Recorded | None = Field(None, repr=False)
    platform: Recorded | None = None


class Request(Call):
    """What every callback carries that moves an amount."""

    amount: Amount = Field(description="The amount that is won, or staked.")
    reference: Identifier = Field(description="The provider's unique name for this movement: the idempotency key.")
    timestamp: Recorded = Field(
        description="Milliseconds since the epoch; any other form is kept, and counts as not known.",
        examples=["1482429190374"],
    )
    bonus_code: Identifier | None = Field(None, description="The free round bonus it belongs to.")

    def credit(
        self,
        kind: str,
        *,
        free_round: FreeRound = "none",
        part: RoundPart = "none",
        auto_closed: bool = False,
        prize: Prize | None = None,
    ) -> Movement:
        """The credit this request asks for: whatever a request and a movement both have a field for is carried over."""
        carried = {name: value for name, value in self if name in _FIELDS_OF_A_MOVEMENT}
        return Movement(kind=kind, free_round=free_round, part=part, auto_closed=auto_closed, prize=prize, **carried)

    def stake(self, kind: str, *, paid_back_as: str) -> Movement:
        """The bet that this request places. `paid_back_as` is the kind of the movement that pays it back."""
        bet = self.credit(kind, part="bet")
        return replace(bet, amount=money.subtract(Decimal(0), bet.amount), paid_back_as=paid_back_as)


_FIELDS_OF_A_MOVEMENT = frozenset(field.name for field in fields(Movement))


class SignedRequest(Request):
    """A request identified by its hash, or by a uuid as the provider sends it nowadays.

    It carries no currency of its own: the amount is in the player's.
    """

    signed: ClassVar[bool] = True
    identity: ClassVar[str | None] = "hash"

    uuid: Recorded | None = None
    currency: Currency | None = Field(None, description="Not sent as a rule; if it is, it must be the player's.")


@cache
def _readers(model: type[Form]) -> Mapping[str, TypeAdapter[Any]]:
    """What reads each field of a model alone."""
    return {name: TypeAdapter(field.rebuild_annotation()) for name, field in model.model_fields.items()}


@cache
def _own_names(model: type[Form]) -> Set[str]:
    """A model's field names as they are written."""
    return {field.alias or name for name, field in model.model_fields.items()}


@cache
def _names(model: type[Form]) -> Mapping[str, str]:
    """A model's field names by their lower-case spelling, the provider's other names included."""
    return {name.lower(): name for name in _own_names(model)} | _OTHER_NAMES


# --- What is answered -------------------------------------------------------------------------------


def answer(outcome: Receipt | Refusal, body: Body | None) -> str:
    """The JSON text of an answer: balances with every digit, written as the request wrote its amount.

    They are texts where it has none.
    """
    amounts = [amount.value for amount in body.named("amount") if not amount.is_absent] if body else []
    is_text = not amounts or any(isinstance(amount, str) for amount in amounts)
    numbers = ("error",) if is_text else ("error", "cash", "bonus")
    said = for_operator(outcome).items()
    return "{" + ", ".join(f'"{name}": {value if name in numbers else json.dumps(value)}' for name, value in said) + "}"


def for_operator(outcome: Receipt | Refusal) -> dict[str, Any]:
    """The answer to the operator's own side, whose balances are texts with every digit."""
    if isinstance(outcome, Receipt):
        id, balances = outcome.transaction_id, _balances(outcome) if outcome.has_balances else {}
        return {**({"transactionId": id} if id else {}), **balances, "error": 0, "description": "Success"}
    balances = _balances(outcome) if isinstance(outcome, NotEnough) else {}
    return {**balances, "error": outcome.code, "description": str(outcome)}


def _balances(of: Receipt | NotEnough) -> dict[str, str]:
    return {"currency": of.currency, "cash": money.text(of.cash), "bonus": money.text(of.bonus)}

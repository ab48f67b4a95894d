"""One transaction's record, compared with its own request. It reads no table.

Source: docs/ledger.md and docs/callbacks.md. Every attribute that came from the request is read from it again, by the
contract's rules, and compared. So nobody can change a record alone: the provider's own text contradicts it.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import sha1
from typing import Any, cast

from tools.shared.amounts import amount
from tools.shared.outside import cut
from tools.walletctl.verify.entries import Fault, What

Item = Mapping[str, Any]
Fields = Mapping[str, Sequence[object]]  # by name in lower case; more than one value if it is spelled twice

_OF_ALL = ("userid", "amount", "reference", "providerid", "timestamp")
# What a callback's requests must have. A jackpot or total may have a hash instead of a `uuid`, and no hash is recorded.
_REQUIRED: Mapping[str, Sequence[str]] = {
    "result": (*_OF_ALL, "uuid", "gameid", "gamename", "roundid", "currency", "rounddetails"),
    "jackpot": (*_OF_ALL, "gameid", "roundid", "jackpotid"),
    "bonus": (*_OF_ALL, "gameid"),
    "promo": (*_OF_ALL, "uuid", "promocampaignid", "promocampaigntype", "currency"),
}
KINDS = frozenset(_REQUIRED)
_OWN_NAMES = {
    name.lower(): name
    for name in (
        "userId",
        "amount",
        "reference",
        "providerId",
        "timestamp",
        "uuid",
        "gameId",
        "gameName",
        "roundId",
        "currency",
        "roundDetails",
        "jackpotId",
        "promoCampaignId",
        "promoCampaignType",
    )
}

# The attributes that a callback's requests fill, by their field.
_OF_GAMES = {"gameId": "gameid", "roundId": "roundid", "bonusCode": "bonuscode"}
_OF_CAMPAIGNS = {"campaignId": "promocampaignid", "campaignType": "promocampaigntype"}
_AS_SENT = {"providerId": "providerid", "timestamp": "timestamp"}
_FILLED: Mapping[str, Mapping[str, str]] = {
    "result": _OF_GAMES | _OF_CAMPAIGNS | _AS_SENT,
    "jackpot": _OF_GAMES | {"jackpotId": "jackpotid"} | _AS_SENT,
    "bonus": _OF_GAMES | _AS_SENT,
    "promo": {"bonusCode": "bonuscode"} | _OF_CAMPAIGNS | _AS_SENT,
}
_ATTRIBUTES = ("gameId", "roundId", "bonusCode", "jackpotId", "campaignId", "campaignType", "providerId", "timestamp")
_RECORDED = frozenset({"campaignType", "providerId", "timestamp"})  # any JSON value, kept as it was sent
_OTHER_NAMES = {"campaignid": "promocampaignid", "campaigntype": "promocampaigntype"}

_TRANSACTIONS = uuid.UUID("2a3a4e5c-8d0f-5b7e-9c55-6c1f7a2b9d10").bytes  # the namespace of every transactionId
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\+00:00")
_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?")
_SHORT = re.compile(r"(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{1,8})?")  # an amount as nearly all are
_DIGITS = re.compile(r"[0-9]+")
_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff]"
)  # control characters and half surrogate pairs: in no identifier
_HALF = re.compile("[\ud800-\udfff]")
_MOST_DIGITS, _MOST_DECIMALS, _MOST_CHARACTERS = 32, 18, 128
_MOST_SHOWN = 100  # characters of a value, in a fault's text


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPrize:
    """The prize that a result's request came with. `is_payable`: its reference and its amount are both valid."""

    reference: object
    amount: object
    is_payable: bool


def faults_of(item: Item) -> Iterator[Fault]:
    """What is wrong with one record. Anything in it may be missing, or of any type."""
    id, user_id, seq = str(item.get("id")), owner(item), item.get("seq")
    number = int(seq) if isinstance(seq, Decimal) and seq == seq.to_integral_value() else None
    for what, text in _wrong(id, item):
        yield Fault(user_id=user_id, what=what, seq=number, id=id, text=text)


def owner(item: Item) -> str:
    """Whose an item is; "" if it does not say so."""
    user_id = item.get("userId")
    return user_id if isinstance(user_id, str) else ""


def prize_of(request: object) -> AskedPrize | None:
    """The prize that a result's request asks for; None if it asks for none, or cannot be read."""
    fields = _fields(request)
    return _prize(fields) if fields else None


def can_be_paid(reference: object, amount_: object) -> bool:
    """Whether a prize was certainly valid in its request, of which only the record is left.

    A malformed reference is recorded as its JSON text: `1.5` may have been a number, which is not a reference.
    """
    if not isinstance(reference, str) or not isinstance(amount_, str) or not _is_identifier(reference):
        return False
    value = _amount(_Literal(amount_))
    try:
        may_be_no_text = not isinstance(_JSON.decode(reference), _Literal) or not _DIGITS.fullmatch(reference)
    except (ValueError, RecursionError):
        may_be_no_text = False
    return bool(value) and not may_be_no_text


def shown(value: object) -> str:
    """A value as a fault's text has it."""
    if value is None:
        return "none"
    text = amount(value) if isinstance(value, Decimal) else str(value)
    return cut(_HALF.sub("\N{REPLACEMENT CHARACTER}", text), _MOST_SHOWN) if text else "empty"


def _wrong(id: str, item: Item) -> Iterator[tuple[What, str]]:
    kind, _, reference = id.partition("#")
    if kind not in KINDS:
        return
    if item.get("transactionId") != (made := _transaction_id(id)):
        yield "transaction id", f"transactionId is {shown(item.get('transactionId'))}, this id makes {made}"
    if not _is_moment(item.get("recordedAt")):
        yield "time", f"recordedAt is {shown(item.get('recordedAt'))}, which is not a moment of the ledger's form"
    arrived_with = item.get("arrivedWith")
    if arrived_with is not None and kind != "promo":
        yield "prize", f"arrivedWith is {shown(arrived_with)}, which only a prize has"
    request = item.get("request")
    if request is None:
        if kind != "promo" or arrived_with is None:
            yield "request", "it has no request"
        return
    fields = _fields(request)
    if fields is None:
        yield "request", "its request is not a JSON object"
        return
    as_prize = kind == "promo" and arrived_with is not None
    for text in _differing("result" if as_prize else kind, fields, item, is_prize=as_prize):
        yield "request", text
    if as_prize:
        yield from _wrong_with_prize(reference, arrived_with, fields, item)
    else:
        yield from _wrong_with_win(kind, reference, fields, item)


def _differing(kind: str, fields: Fields, item: Item, *, is_prize: bool) -> Iterator[str]:
    """The attributes that are not what the request of that kind says."""
    missing = [name for name in _REQUIRED[kind] if name not in fields]
    if missing:
        yield f"its request lacks {', '.join(_OWN_NAMES[name] for name in missing)}, which every {kind} has"
    for user_id in fields.get("userid", ()):
        if _identifier(user_id) != item.get("userId"):
            yield _difference("userId", item.get("userId"), user_id)
    for currency in fields.get("currency", ()):
        if not _is_same_currency(item.get("currency"), currency):
            yield _difference("currency", item.get("currency"), currency)
    filled = _FILLED[kind]
    for name in _ATTRIBUTES:
        has = item.get(name)
        values = fields.get(filled[name]) if name in filled else None
        if values is None:
            if has is not None:
                yield _difference(name, has, None)
            continue
        for value in values:
            is_same = has == value and type(value) is str if name in _RECORDED else has == _identifier(value)
            if not is_same and not (name in _RECORDED and _is_as_sent(has, value)):
                yield _difference(name, has, value)
    closes_by_itself = kind == "result" and not is_prize and "sessionid" not in fields
    if item.get("autoClosed") is not (True if closes_by_itself else None):
        has = "is set" if item.get("autoClosed") is True else f"is {shown(item.get('autoClosed'))}"
        says = (
            "has no sessionId" if closes_by_itself else "has a sessionId" if kind == "result" else "is of another kind"
        )
        yield f"autoClosed {has}, its request {says}"


def _wrong_with_win(kind: str, reference: str, fields: Fields, item: Item) -> Iterator[tuple[What, str]]:
    """The reference, the amount and the prize of a record whose request is its callback's own."""
    for value in fields.get("reference", ()):
        if _identifier(value) != reference:
            yield "request", f"the id has the reference {shown(reference)}, its request says {shown(value)}"
    for value in fields.get("amount", ()):
        if _amount(value) != item.get("amountAsked") or _amount(value) is None:
            yield "request", _difference("amountAsked", item.get("amountAsked"), value)
    has = item.get("prizeReference"), item.get("prizeAmount")
    prize = _prize(fields) if kind == "result" else None
    if prize is None:
        # A result may have come again with a prize, and then its own request has none.
        if has != (None, None) and (kind != "result" or has[1] is None):
            yield "prize", f"it names the prize {shown(has[0])} of {shown(has[1])}, which it cannot have"
        return
    for name, recorded, sent in (
        ("prizeReference", has[0], prize.reference),
        ("prizeAmount", has[1], prize.amount),
    ):
        if recorded != sent and not _is_as_sent(recorded, sent):
            yield "request", _difference(name, recorded, sent)


def _wrong_with_prize(reference: str, arrived_with: object, fields: Fields, item: Item) -> Iterator[tuple[What, str]]:
    """A prize that came with a later delivery of its result has that delivery's request."""
    for value in fields.get("reference", ()):
        if arrived_with != f"result#{_identifier(value)}":
            yield "request", f"it arrived with {shown(arrived_with)}, its request is that of result#{shown(value)}"
    prize = _prize(fields)
    if prize is None or not prize.is_payable:
        yield "request", "its request has no prize that can be paid"
        return
    if prize.reference != reference:
        yield "request", f"the id has the reference {shown(reference)}, its request the prize {shown(prize.reference)}"
    asked = item.get("amountAsked")
    if not isinstance(asked, Decimal) or amount(asked) != prize.amount:
        yield "request", _difference("amountAsked", asked, prize.amount)
    if (item.get("prizeReference"), item.get("prizeAmount")) != (None, None):
        yield "prize", "it names a prize, which only a result does"


def _difference(name: str, has: object, says: object) -> str:
    return f"{name} is {shown(has)}, its request " + ("does not have it" if says is None else f"says {shown(says)}")


# --- What a request says ----------------------------------------------------------------------------


class _Literal(str):
    """A number of JSON as it was written; a text is a `str`."""

    __slots__ = ()


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(named := dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return named


# NaN and Infinity are not JSON, but a prize may be of them, and is left for a person then.
_JSON = json.JSONDecoder(parse_float=_Literal, parse_int=_Literal, parse_constant=_Literal, object_pairs_hook=_once)


def _fields(request: object) -> Fields | None:
    """A request's fields that say something, by name in lower case; None if it is not an object of JSON."""
    try:
        said = _JSON.decode(request) if isinstance(request, str) else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    fields: dict[str, tuple[object, ...]] = {}
    for name, value in cast(dict[str, object], said).items():
        key = _key(name)
        # null, "", [] and {} are absent; only a round's details may be an empty list or object.
        if value or value is False or (key == "rounddetails" and value not in (None, "")):
            fields[key] = (*fields[key], value) if key in fields else (value,)
    return fields


@lru_cache(maxsize=1000)  # the same few in every request
def _key(name: str) -> str:
    key = name.lower()
    return _OTHER_NAMES.get(key, key)


def _identifier(value: object) -> str | None:
    """The text of an identifier, which may be an integer; None for what is neither."""
    if type(value) is str:
        return value
    return str(value) if isinstance(value, _Literal) and _DIGITS.fullmatch(value) else None


def _is_identifier(text: str) -> bool:
    return len(text) <= _MOST_CHARACTERS and not _UNFIT.search(text) and not text.isspace() and bool(text)


def _amount(value: object) -> Decimal | None:
    """The exact amount that a text or a number writes; None if it is not valid."""
    if not isinstance(value, str):
        return None
    if _SHORT.fullmatch(value):
        return Decimal(value)
    if not (match := _NUMBER.fullmatch(value)):
        return None
    sign, whole, fraction, exponent_sign, exponent = match.groups(default="")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return Decimal(0)
    exponent = exponent.lstrip("0") or "0"
    if sign or len(exponent) > 6:  # a body has 64 KiB: no digits could make up for more
        return None
    significant = digits.rstrip("0")
    shift = int(exponent_sign + exponent) - len(fraction) + len(digits) - len(significant)
    decimals = max(0, -shift)
    if decimals > _MOST_DECIMALS or max(1, len(significant) + shift) + decimals > _MOST_DIGITS:
        return None
    return Decimal(f"{significant}e{shift}")


def _prize(fields: Fields) -> AskedPrize | None:
    """The prize in a result's fields; None for one of nothing, too."""
    amounts, references = fields.get("promowinamount"), fields.get("promowinreference")
    if amounts is None:
        return None
    value = _agreed(_amount, amounts)
    if value is not None and not value:
        return None
    reference = _agreed(_identifier, references) if references else None
    is_valid = reference is not None and _is_identifier(reference)
    return AskedPrize(
        reference=reference if is_valid or not references else references[0],
        amount=amounts[0] if value is None else amount(value),
        is_payable=value is not None and is_valid,
    )


def _agreed(read: Callable[[object], Any], values: Sequence[object]) -> Any:
    """What every spelling of a field means; None if they disagree."""
    first, *others = map(read, values)
    return first if all(other == first for other in others) else None


def _is_as_sent(recorded: object, value: object) -> bool:
    """Whether a recorded text is that value as it was sent: a text's characters, any other value's JSON text."""
    if isinstance(value, str) and not _HALF.search(value):
        return recorded == value
    try:  # half a surrogate pair cannot be stored: the text's JSON is
        return isinstance(recorded, str) and _JSON.decode(recorded) == value
    except (ValueError, RecursionError):
        return False


def _is_same_currency(has: object, says: object) -> bool:
    if not isinstance(has, str) or not isinstance(says, str):
        return False
    # Only the letters A to Z are the same in capitals.
    return has == says or has.encode(errors="replace").upper() == says.encode(errors="replace").upper()


# --- What a record says by itself -------------------------------------------------------------------


def _transaction_id(id: str) -> str:
    """A UUIDv5, as the standard library makes it of a text without half a surrogate pair."""
    digest = bytearray(sha1(_TRANSACTIONS + id.encode(errors="replace"), usedforsecurity=False).digest()[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x50, digest[8] & 0x3F | 0x80
    made = digest.hex()
    return f"{made[:8]}-{made[8:12]}-{made[12:16]}-{made[16:20]}-{made[20:]}"


def _is_moment(text: object) -> bool:
    try:
        return isinstance(text, str) and bool(_MOMENT.fullmatch(text)) and datetime.fromisoformat(text) is not None
    except ValueError:
        return False

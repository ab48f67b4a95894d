"""One transaction's record, compared with its own request. It reads no table.

Source: docs/ledger.md, docs/callbacks.md and docs/cashier.md. Every attribute that came from the request is read from
it again, by the contract's rules, and compared. So nobody can change a record alone: the request contradicts it. A
request may be erased: its digest remains, and its record is not compared.
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
from tools.walletctl.kinds import CANCELLED, ELSEWHERE, NOT_ENOUGH, OPERATORS
from tools.walletctl.verify.digests import digest_of
from tools.walletctl.verify.entries import Fault, What

Item = Mapping[str, Any]
Fields = Mapping[str, Sequence[object]]  # by name in lower case; more than one value if it is spelled twice

_OF_ALL = ("userid", "amount", "reference", "providerid", "timestamp")
# What a callback's requests must have. Some may have a hash instead of a `uuid`, and no hash is recorded.
_REQUIRED: Mapping[str, Sequence[str]] = {
    "result": (*_OF_ALL, "uuid", "gameid", "gamename", "roundid", "currency", "rounddetails"),
    "jackpot": (*_OF_ALL, "gameid", "roundid", "jackpotid"),
    "bonus": (*_OF_ALL, "gameid"),
    "promo": (*_OF_ALL, "uuid", "promocampaignid", "promocampaigntype", "currency"),
    "bet": (*_OF_ALL, "gameid", "roundid", "currency"),
    "cancel": ("userid", "reference", "providerid"),
    **dict.fromkeys(OPERATORS, ("userid", "amount", "reference", "movement", "currency", "actor", "reason")),
}
KINDS = frozenset(_REQUIRED)
_BY_HAND = ("userid", "amount", "reference")  # what a person must be able to read of a callback's request, if it has it
# The operator's own orders have these names and no others, spelled so.
_OF_ORDERS = frozenset({"movement", "reference", "userId", "amount", "currency", "actor", "reason"})
_OF_ORDERS |= {"bonus", "belowZero", "details"}
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
        "movement",
        "actor",
        "reason",
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
    "bet": _OF_GAMES | _AS_SENT,
    "cancel": {"providerId": "providerid"},
    **{kind: {} for kind in OPERATORS},
}
_ATTRIBUTES = ("gameId", "roundId", "bonusCode", "jackpotId", "campaignId", "campaignType", "providerId", "timestamp")
_OF_A_MEMORY = {"gameId": "gameid", "roundId": "roundid", "providerId": "providerid"}
_OF_ITS_BET = ("gameId", "roundId", "bonusCode")  # what a cancel has from the bet that it pays back
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
_MARK = "\ufeff"  # of the byte order: some platforms write it before every text
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


def read_again(item: Item) -> Mapping[str, str]:
    """What other records must agree with, of a request that is not kept beside them; by names that no attribute has.

    `#inherits`: a result has a bonus code that its request does not say. `#undoes` and `#undoesAmount` are the
    reference and the amount that a cancel's request has.
    """
    kind, _, _ = str(item.get("id")).partition("#")
    if kind not in ("result", "cancel") or (kind == "result" and not item.get("bonusCode")):
        return {}
    if (fields := _fields(item.get("request"))) is None:
        return {}
    if kind == "result":
        return {"#inherits": "true"} if _may_inherit(item) and not _code_of(fields, item) else {}
    said = {
        "#undoes": _agreed(_identifier, fields.get("reference", (None,))),
        "#undoesAmount": _agreed(_amount, fields.get("amount", (None,))),
    }
    return {
        name: value if isinstance(value, str) else amount(value) for name, value in said.items() if value is not None
    }


def _may_inherit(item: Item) -> bool:
    """Whether a result may have the bonus code of its round's bets, as far as its record says."""
    return item.get("outcome") is None and isinstance(item.get("bonusCode"), str) and bool(item["bonusCode"])


def _code_of(fields: Fields, item: Item) -> Sequence[object]:
    """The bonus code that a result's request says, as far as it was read."""
    if item.get("actor") is not None:
        return _readable(fields, "bonuscode", is_identifier=True)
    return fields.get("bonuscode", ())


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
    yield from _wrong_by_itself(kind, item)
    request, digest = item.get("request"), item.get("requestDigest")
    as_prize = kind == "promo" and item.get("arrivedWith") is not None
    is_memory = kind == "bet" and item.get("outcome") == CANCELLED
    undoes = kind == "cancel" or is_memory
    if request is None:
        if digest is None and not as_prize and not (undoes and item.get("arrivedWith") is not None):
            yield "request", "it has neither a request nor its digest"
        for name in _ATTRIBUTES:  # a digest does not tell a number from its text
            if item.get(name) is not None and not isinstance(item[name], str):
                yield "request", f"{name} is {shown(item[name])}, which is not a text"
        return
    fields = _fields(request)
    if digest != (made := digest_of(str(request))):
        yield "request", f"requestDigest is {shown(digest)}, its request makes {made}"
    if fields is None:
        yield "request", "its request is not a JSON object"
        return
    asks = "result" if as_prize else "cancel" if is_memory else kind
    for text in _differing(asks, fields, item, is_prize=as_prize, is_memory=is_memory):
        yield "request", text
    if undoes:
        yield from _wrong_with_reversal(reference, fields, item, is_memory=is_memory)
    elif kind in OPERATORS:
        yield from _wrong_with_order(kind, reference, request, fields, item)
    elif as_prize:
        yield from _wrong_with_prize(reference, item.get("arrivedWith"), fields, item)
    else:
        yield from _wrong_with_win(kind, reference, fields, item)


def _wrong_by_itself(kind: str, item: Item) -> Iterator[tuple[What, str]]:
    """What needs no request to be seen."""
    outcome, asked = item.get("outcome"), item.get("amountAsked")
    if outcome is not None:
        for text in _wrong_outcome(kind, outcome, item):
            yield "outcome", text
    if isinstance(asked, Decimal) and (asked < 0 if kind not in _MAY_TAKE else kind in _TAKE and asked > 0):
        yield "amount", f"amountAsked is {shown(asked)}, which {_a(kind)} cannot ask"
    if item.get("bonusAmount") is not None and (kind not in _MAY_MOVE_BONUS or not item["bonusAmount"]):
        yield "amount", f"bonusAmount is {shown(item['bonusAmount'])}, which {_a(kind)} cannot have"
    if (arrived_with := item.get("arrivedWith")) is not None:
        if kind == "cancel" or (kind == "bet" and outcome == CANCELLED):
            if item.get("request") is not None or item.get("requestDigest") is not None:
                yield "paid back", f"it arrived with {shown(arrived_with)}, and has a request of its own"
        elif kind != "promo":
            yield "prize", f"arrivedWith is {shown(arrived_with)}, which only a prize and a round's refund have"
    later = item.get("laterPrizeReference"), item.get("laterPrizeAmount")
    is_noted = isinstance(later[1], str) and isinstance(later[0], str | None) and "" not in later
    is_noted &= kind == "result" and item.get("prizeAmount") is None
    if item.keys() & {"laterPrizeReference", "laterPrizeAmount"} and not is_noted:
        yield "prize", f"the prize {shown(later[0])} of {shown(later[1])} was noted on it later, which it cannot have"
    if (currency := item.get("currency")) is not None and not (currency and isinstance(currency, str)):
        yield "currency", f"its currency is {shown(currency)}, which is not a text"
    yield from _wrong_below_zero(kind, item)
    has = item.get("actor"), item.get("reason")
    if has != (None, None) and not all(isinstance(each, str) and each for each in has):
        yield "request", f"actor is {shown(has[0])} and reason {shown(has[1])}, where each must say something"


_TAKE = ("withdrawal", "bet")
_MAY_TAKE = (*_TAKE, "adjustment")
_MAY_MOVE_BONUS = ("opening", "adjustment")
_OUTCOMES: Mapping[str, Sequence[str]] = {
    "opening": (),
    "deposit": (),
    "withdrawal": (NOT_ENOUGH,),
    "adjustment": (NOT_ENOUGH,),
    "bet": (NOT_ENOUGH, CANCELLED),
}
_MOVED = ("seq", "cashAfter", "bonusAfter", "digest", "uncoveredAfter", "advanceAfter")


def _wrong_outcome(kind: str, outcome: object, item: Item) -> Iterator[str]:
    """A record that moved nothing must have nothing of a movement."""
    if outcome not in _OUTCOMES.get(kind, (ELSEWHERE,)):
        yield f"outcome is {shown(outcome)}, which {_a(kind)} cannot have"
    if item.get("amount") != 0:
        yield f"amount is {shown(item.get('amount'))}, though it moved nothing"
    for name in (*_MOVED, "amountAsked", "bonusCode") if outcome == CANCELLED else _MOVED:
        if item.get(name) is not None:
            yield f"{name} is {shown(item[name])}, though it moved nothing"
    asked = item.get("amountAsked")
    if outcome == NOT_ENOUGH and isinstance(asked, Decimal) and asked >= 0:
        yield f"amountAsked is {shown(asked)}, for which there is always enough"
    if kind == "bet" and outcome == NOT_ENOUGH and item.get("bonusCode") is not None:
        yield "it plays a free round, which takes nothing"
    if outcome == ELSEWHERE:
        if item.get("actor") is None:
            yield "it names nobody who booked it elsewhere"
        if kind in ("result", "bonus") and item.get("bonusCode") is not None:
            yield "it counts as free rounds, which cannot be booked elsewhere"


def _wrong_below_zero(kind: str, item: Item) -> Iterator[tuple[What, str]]:
    """A withdrawal takes what there is. An adjustment takes more only if its request says so, where that is kept."""
    moved, left = item.get("amount"), item.get("cashAfter")
    if not isinstance(moved, Decimal) or not isinstance(left, Decimal) or moved >= 0 or left >= 0:
        return
    fields = _fields(item.get("request")) if kind == "adjustment" else {}
    if kind == "adjustment" and (fields is None or fields.get("belowzero") == (True,)):
        return
    yield "below zero", f"it took {shown(moved.copy_abs())} and left {shown(left)}"


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _differing(kind: str, fields: Fields, item: Item, *, is_prize: bool, is_memory: bool = False) -> Iterator[str]:
    """The attributes that are not what the request of that kind says."""
    by_hand = kind not in OPERATORS and item.get("actor") is not None
    needed = [name for name in _BY_HAND if name in _REQUIRED[kind]] if by_hand else _REQUIRED[kind]
    missing = [name for name in needed if name not in fields]
    if missing:
        yield f"its request lacks {', '.join(_OWN_NAMES[name] for name in missing)}, which every {kind} has"
    for user_id in fields.get("userid", ()):
        if _identifier(user_id) != item.get("userId"):
            yield _difference("userId", item.get("userId"), user_id)
    currencies = _readable(fields, "currency") if by_hand else fields.get("currency", ())
    for currency in () if kind == "cancel" else currencies:  # that of a cancel decides nothing
        if not _is_same_currency(item.get("currency"), currency):
            yield _difference("currency", item.get("currency"), currency)
    filled = _OF_A_MEMORY if is_memory else _FILLED[kind]
    for name in _ATTRIBUTES:
        if kind == "cancel" and not is_memory and name in _OF_ITS_BET:
            continue
        has = item.get(name)
        values = fields.get(filled[name]) if name in filled else None
        if values and by_hand:
            values = _readable(fields, filled[name], is_identifier=name not in _RECORDED)
        if not values:
            inherits = name == "bonusCode" and kind == "result" and not is_prize and _may_inherit(item)
            if has is not None and not inherits:
                yield _difference(name, has, None)
            continue
        for value in values:
            is_same = has == value and type(value) is str if name in _RECORDED else has == _identifier(value)
            if not is_same and not (name in _RECORDED and _is_as_sent(has, value)):
                yield _difference(name, has, value)
    session = _readable(fields, "sessionid") if by_hand else fields.get("sessionid")
    closes_by_itself = kind == "result" and not is_prize and not session
    if item.get("autoClosed") is not (True if closes_by_itself else None):
        has = "is set" if item.get("autoClosed") is True else f"is {shown(item.get('autoClosed'))}"
        says = (
            "has no sessionId" if closes_by_itself else "has a sessionId" if kind == "result" else "is of another kind"
        )
        yield f"autoClosed {has}, its request {says}"


def _readable(fields: Fields, name: str, *, is_identifier: bool = False) -> Sequence[object]:
    """A field's values, or none where a person settled a request in which they cannot be read."""
    values = fields.get(name, ())
    if is_identifier:
        text = _agreed(_identifier, values) if values else None
        return values if text is not None and _is_identifier(text) else ()
    return values if all(_as_sent(each) == _as_sent(values[0]) for each in values) else ()


def _wrong_with_order(
    kind: str, reference: str, request: str, fields: Fields, item: Item
) -> Iterator[tuple[What, str]]:
    """An order of the operator's own side, which has no names but its own."""
    unfit = _JSON.decode(request.removeprefix(_MARK)).keys() - _OF_ORDERS
    unfit |= {"bonus"} if "bonus" in fields and kind not in _MAY_MOVE_BONUS else set()
    unfit |= {"belowZero"} if True in fields.get("belowzero", ()) and kind != "adjustment" else set()
    for name in sorted(unfit):
        yield "request", f"its request has {shown(name)}, which {_a(kind)} cannot have"
    for name, has in (("movement", kind), ("actor", item.get("actor")), ("reason", item.get("reason"))):
        for value in fields.get(name, ()):
            if has != value or type(value) is not str:
                yield "request", _difference(name, has, value)
    for value in fields.get("reference", ()):
        if _identifier(value) != reference:
            yield "request", f"the id has the reference {shown(reference)}, its request says {shown(value)}"
    for value in fields.get("amount", ()):
        asked = _ordered(kind, value)
        if asked is None or item.get("amountAsked") != (asked.copy_negate() if kind == "withdrawal" else asked):
            yield "request", _difference("amountAsked", item.get("amountAsked"), value)
    for value in fields.get("bonus", ()) or ("0",):
        if (bonus := _ordered(kind, value)) is None or item.get("bonusAmount", 0) != bonus:
            yield "request", _difference("bonusAmount", item.get("bonusAmount"), value)
    if (prize := (item.get("prizeReference"), item.get("prizeAmount"))) != (None, None):
        yield "prize", f"it names the prize {shown(prize[0])} of {shown(prize[1])}, which it cannot have"


def _ordered(kind: str, value: object) -> Decimal | None:
    """An order's amount, which is a text, and below zero only in an adjustment; None if it is not valid."""
    if type(value) is not str:
        return None
    if kind == "adjustment" and value.startswith("-"):
        return None if (amount_ := _amount(value[1:])) is None else amount_.copy_negate()
    return _amount(value)


def _wrong_with_win(kind: str, reference: str, fields: Fields, item: Item) -> Iterator[tuple[What, str]]:
    """The reference, the amount and the prize of a record whose request is its callback's own."""
    for value in fields.get("reference", ()):
        if _identifier(value) != reference:
            yield "request", f"the id has the reference {shown(reference)}, its request says {shown(value)}"
    for value in fields.get("amount", ()):
        asked = _amount(value)
        if asked is None or item.get("amountAsked") != (asked.copy_negate() if kind == "bet" else asked):
            yield "request", _difference("amountAsked", item.get("amountAsked"), value)
    has = item.get("prizeReference"), item.get("prizeAmount")
    prize = _prize(fields) if kind == "result" else None
    if prize is None:
        if has != (None, None):
            yield "prize", f"it names the prize {shown(has[0])} of {shown(has[1])}, which it cannot have"
        return
    for name, recorded, sent in (
        ("prizeReference", has[0], prize.reference),
        ("prizeAmount", has[1], prize.amount),
    ):
        if recorded != sent and not _is_as_sent(recorded, sent):
            yield "request", _difference(name, recorded, sent)


def _wrong_with_reversal(reference: str, fields: Fields, item: Item, *, is_memory: bool) -> Iterator[tuple[What, str]]:
    """A cancel's request names its bet. That of a round's refund may name any, and has the round and its game."""
    of_round = "roundid" in fields and "gameid" in fields
    for value in fields.get("reference", ()):
        if _identifier(value) != reference and (is_memory or not of_round):
            yield "request", f"the id has the reference {shown(reference)}, its request says {shown(value)}"
    if not is_memory and item.get("actor") is None:
        for name in ("gameId", "roundId"):
            for value in fields.get(name.lower(), ()):
                if _identifier(value) != item.get(name):
                    yield "request", _difference(name, item.get(name), value)
    if (prize := (item.get("prizeReference"), item.get("prizeAmount"))) != (None, None):
        yield "prize", f"it names the prize {shown(prize[0])} of {shown(prize[1])}, which it cannot have"


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
        said = _JSON.decode(request.removeprefix(_MARK)) if isinstance(request, str) else None
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


def _as_sent(value: object) -> str:
    """A text's characters, or any other value's JSON text as far as two of them can be compared."""
    return value if isinstance(value, str) else json.dumps(value)


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

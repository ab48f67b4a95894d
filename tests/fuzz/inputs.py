"""What may be sent: the published examples, and what becomes of them in hostile hands.

A body is drafted as its members, names and values as they are written; changed as a client with
faults or an attacker would change it; laid out, signed, and sometimes mauled character by character.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from contract import KINDS, MANDATORY, MAX_BODY_BYTES, OPTIONAL, OTHER_NAMES, Refused, hash_of

EVENTS = Path(__file__).resolve().parents[2] / "events"
CALLBACKS = ("result", "jackpot", "bonus", "promo", "bet", "cancel", "refund", "endround", "balance", "check")
KEPT = ("result", "jackpot", "bonus", "promo")  # from queues whose messages are drawn here

MARK = "Gl4ck"  # in every secret: found at once where none must stand
SECRETS = {
    "current": {"hashSecret": f"hash-of-today-{MARK}", "authToken": f"token-of-today-{MARK}"},
    "previous": {"hashSecret": f"hash-of-yesterday-{MARK}", "authToken": f"token-of-yesterday-{MARK}"},
}
HASH_SECRETS = [keys["hashSecret"] for keys in SECRETS.values()]
AUTH_TOKENS = [keys["authToken"] for keys in SECRETS.values()]
WRONG = f"wrong-{MARK}"

Member = tuple[str, str]  # a name and a value, the value as it is written


class _Written(str):
    __slots__ = ()


def _published(example: str, *more: Member) -> list[Member]:
    body = json.loads((EVENTS / f"{example}.json").read_text())["body"]
    values = json.loads(body, parse_float=_Written)
    if "hash" in values:
        values["hash"] = WRONG  # the published one is the published uuid as well, which is no secret
    members = [
        (name, str(value) if isinstance(value, _Written) else json.dumps(value)) for name, value in values.items()
    ]
    return [*members, *more]


EXAMPLES = {
    "result": [
        _published("result"),
        _published("auto_closing"),
        _published("result", ("bonusCode", '"free-1"')),
        _published("result", ("promoWinAmount", '"5.5"'), ("promoWinReference", '"prize-1"')),
    ],
    "jackpot": [_published("jackpot")],
    "bonus": [_published("bonus"), _published("bonus", ("bonusCode", '"free-1"'))],
    "promo": [_published("promo")],
    "bet": [_published("bet"), _published("bet", ("bonusCode", '"free-1"'))],
    **{call: [_published(call)] for call in ("cancel", "refund", "endround", "balance", "check")},
}

NAMES = sorted(
    {name for fields in (*MANDATORY.values(), *OPTIONAL.values()) for name in fields.split()}
    | {"campaignId", "campaignType", "authToken", "jackpotDetails", "note", "", "to\u212aen", "hash ", "\ud800"}
    | {name.title() for name in OTHER_NAMES}
)
SECRET_NAMES = ("hash", "HASH", "Hash", "token", "tOkEn", "to\u212aen", "authToken", "AUTHTOKEN")  # K: Kelvin's

VALID_AMOUNTS = (
    *("0", "0.0", "1", "10", "10.0", "10.00", "0.1", "55.0", "9" * 32, "0." + "0" * 17 + "1"),
    *("1" * 14 + "." + "9" * 18, "9" * 31 + ".9", "1e3", "1.0E7", "1e-7", "1.5e2", "0e5", "-0", "-0.0", "5.0000"),
    *("0.30000000000000004", "1e+21", "1" + "0" * 60 + "e-60", "0." + "0" * 40 + "1e+41", "1." + "0" * 40),
)
AMOUNTS = (
    *VALID_AMOUNTS,
    *("00", "007.50", "1" * 33, "1" * 15 + "." + "9" * 18, "1." + "0" * 19, ".5", "5.", "1,5", "0x10", "1_000", ""),
    *("-1", "-1e-3", "+1", "1E-2", "1e-19", "1e32", "1e400", "1e999999999", "1e-" + "9" * 30, "0e" + "9" * 30),
    *("NaN", "Infinity", "-Infinity", " 5", "5 ", "5\n", "5\u00a0"),
    *("\u0661\u0662", "\uff15", "\u00b2", "1.\u0665"),  # digits of other scripts
)
NUMBERS = (*AMOUNTS, *map(json.dumps, AMOUNTS), "[NaN]", '{"a":-Infinity}', "[[1e400]]", "-0.0", "1" * 20, "1" * 21)
STRINGS = (
    *('""', '" "', '"421"', '"422"', '"423"', '"nobody"', '"USD"', '"EUR"', '"free-1"', '"prize-1"', '"a\\"b"'),
    '"\\/"',
    *('"\\ud800"', '"\\u0000"', '"\\u200b"', '"\\n"', '"\\u00e9"', '"é"', '"\u2028"', '"\x7f"', '"\\x"', '"\n"'),
    *(json.dumps("é" * 128, ensure_ascii=False), json.dumps("é" * 129)),
)
OTHERS = (
    *("null", "true", "false", "[]", "{}", "[null]", '{"":null}', '{"a":1,"a":2}', '[{"a":{"b":1,"b":1}}]'),
    *('{"hash":"x","token":"y"}', "[1,]", "[1 2]", "01", "1.", "'a'", "undefined", "[" * 300 + "]" * 300, "[" * 40_000),
)

# What decides what is paid, and to whom.
PLAUSIBLE = {
    "userId": ('"421"', '"422"', '"423"', '"nobody"', "421"),
    "currency": ('"USD"', '"usd"', '"EUR"', '"USDT"', '"USDT-TRC20"', '"U\u017fD"', "840"),
    "amount": VALID_AMOUNTS + tuple(map(json.dumps, VALID_AMOUNTS)),
    "reference": ('"1"', "1", '"2"', '"prize-1"', '" 1"'),
    "bonusCode": ('"free-1"', '"free-1"', '"free-2"', '""', "[]", "77"),
    "uuid": ('"uuid-1"', '""', "{}", "7"),
    "timestamp": ("1482429190373", "1482429190375", '"1482429190374"', '"2026-05-11T14:35:00Z"', "1482429190374.0"),
    "roundId": ('"1602530"', "1602530", '"5103188801"', "5103188801", '""'),
    "roundDetails": ("[]", "{}", "1", "false", '""'),
    "gameName": ("5", '"\\u200d"'),
    "providerId": ("7", '"\u3000"'),
    "jackpotId": ("568", '"568"', '"569"'),
    "promoWinAmount": ("0", "5", '"5.50"', '"5.500"', "null", '"-5"', "5e0", '"five"'),
    "promoWinReference": ('"prize-1"', '"prize-2"', '"1"', '""', "1", '"\\u0007"', json.dumps("p" * 129)),
    "promoCampaignId": ('"campaign-1"', '"campaign-2"', "{}"),
    "promoCampaignType": ('"T\u00a0"', '"\\ud83e\\udee8"'),
    "campaignId": ('"5103188801"', '"campaign-1"', "5103188801"),
    "gameId": ('"another"', '"Im_60_tumblefortune"', '"slot\u200d1"', '""'),
}

_scraps = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(), max_size=20)),
    lambda inside: st.one_of(
        st.lists(inside, max_size=3), st.dictionaries(st.text(st.characters(), max_size=8), inside, max_size=3)
    ),
    max_leaves=6,
)
_values = st.one_of(*map(st.sampled_from, (NUMBERS, STRINGS, OTHERS)), _scraps.map(json.dumps), _scraps.map(repr))
_spellings = st.sampled_from([str, str.upper, str.lower, str.title, str.swapcase])

# --- Bodies -----------------------------------------------------------------------------------------


def _put(members: list[Member], name: str, value: str) -> list[Member]:
    return [*((each, written) for each, written in members if each != name), (name, value)]


def _vary(draw: st.DrawFn, members: list[Member]) -> list[Member]:
    name = draw(st.sampled_from(sorted(PLAUSIBLE)))
    return _put(members, name, draw(st.sampled_from(PLAUSIBLE[name])))


def _drop(draw: st.DrawFn, members: list[Member]) -> list[Member]:
    dropped = draw(st.integers(0, len(members) - 1))
    return members[:dropped] + members[dropped + 1 :]


def _set(draw: st.DrawFn, members: list[Member]) -> list[Member]:
    return _put(members, draw(st.sampled_from(members))[0], draw(_values))


def _miscount(draw: st.DrawFn, members: list[Member]) -> list[Member]:
    return _put(members, draw(st.sampled_from(["amount", "promoWinAmount"])), draw(st.sampled_from(NUMBERS)))


def _say_again(draw: st.DrawFn, members: list[Member]) -> list[Member]:
    name, value = draw(st.sampled_from(members))
    return [*members, (draw(_spellings)(name), draw(st.one_of(st.sampled_from([value, "null", '""']), _values)))]


def _respell(draw: st.DrawFn, members: list[Member]) -> list[Member]:
    at, spell = draw(st.integers(0, len(members) - 1)), draw(_spellings)
    return [(spell(name) if place == at else name, value) for place, (name, value) in enumerate(members)]


def _add(draw: st.DrawFn, members: list[Member]) -> list[Member]:
    return [*members, (draw(st.sampled_from(NAMES)), draw(_values))]


def _hide(draw: st.DrawFn, members: list[Member]) -> list[Member]:
    """A secret where a secret may stand."""
    return _put(members, draw(st.sampled_from(SECRET_NAMES)), f'"secret-{MARK}"')


def _shuffle(draw: st.DrawFn, members: list[Member]) -> list[Member]:
    return draw(st.permutations(members))


def _inflate(draw: st.DrawFn, members: list[Member]) -> list[Member]:
    filler = draw(st.sampled_from(["x", "é", "\U0001f3b0", "\x7f", "\\u0000", '\\"', "\u2028"]))
    room = draw(st.sampled_from([1_000, 30_000, MAX_BODY_BYTES - 700, MAX_BODY_BYTES]))
    return [*members, ("note", '"' + filler * (room // len(filler.encode())) + '"')]


_changes: st.SearchStrategy[Callable[[st.DrawFn, list[Member]], list[Member]]] = st.sampled_from(
    [
        *(_vary, _vary, _vary, _vary, _vary, _vary, _hide, _respell, _shuffle),  # as a rule still valid
        *(_drop, _drop, _drop, _set, _miscount, _say_again, _add, _inflate),
    ]
)
_layouts = st.sampled_from([("", "", ""), ("", " ", ""), ("\n  ", " ", ""), ("\t", "\r\n", " \t")])


@st.composite
def bodies(draw: st.DrawFn, callback: str, *, signed_with: str | None = None) -> str:
    """A body's text: an example with a few changes, now and then none; signed as it is, if a secret is given."""
    members = draw(st.sampled_from(EXAMPLES[callback]))
    for _ in range(draw(st.integers(0, 4))):
        if members:
            members = draw(_changes)(draw, members)
    layout = (*draw(_layouts), draw(st.booleans()))
    mark = draw(st.sampled_from(["", "", "", "", "\ufeff"]))  # of the byte order, as some platforms write it
    if signed_with is None:
        return mark + _laid_out(members, *layout)
    members = [(name, value) for name, value in members if name.lower() != "hash"]
    try:
        digest = hash_of(_laid_out(members, *layout), signed_with)
    except (ValueError, Refused):  # nothing that could be signed
        digest = f"no-hash-{MARK}"
    digest = draw(st.sampled_from([digest, digest, digest.upper()]))
    return mark + _laid_out(_put(members, draw(st.sampled_from(["hash", "Hash", "HASH"])), f'"{digest}"'), *layout)


def _laid_out(members: list[Member], before: str, between: str, after: str, is_escaped: bool) -> str:
    pairs = (f"{before}{_name(name, is_escaped)}{after}:{between}{value}" for name, value in members)
    return "{" + ",".join(pairs) + before + "}"


def _name(name: str, is_escaped: bool) -> str:
    if is_escaped and name:  # its first letter, which must be read all the same
        return f'"\\u{ord(name[0]):04x}{json.dumps(name[1:])[1:-1]}"'
    return json.dumps(name, ensure_ascii="\ud800" in name)


TOKENS = (
    *('"', "\\", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e5", "NaN", "null", "true", " ", "\n", "\t"),
    *("\x00", "/"),
    *('\\"', "\\u0000", "\\ud800", "\\u", "/**/", "\ufeff", "\u00a0", "\u2028", "\u0661", "\U0001f3b0", "'", "+", "//"),
    *('"amount":1,', '"AMOUNT":"1",', '"reference":"x",', '"hash":"x",', "{}", "[]", "{{", "}}", "[[", "]]"),
    *(",,", "::"),
)


@st.composite
def mauled(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A text with pieces of it taken out, put elsewhere, said twice, or replaced."""
    text = draw(texts)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        piece, token = text[start:end], draw(st.sampled_from(TOKENS))
        instead = draw(st.sampled_from([token, "", piece * 2, token + piece, piece.swapcase(), piece[::-1]]))
        text = text[:start] + instead + text[end:]
    return text


@st.composite
def _small_objects(draw: st.DrawFn) -> str:
    """A few members, and sometimes something else where a comma or the end must be."""
    names = st.sampled_from(['"a"', '"b"', '"\\u0061"', '"Amount"', '"HASH"', '"Token"'] * 4 + ["a", "1"])
    text = draw(st.sampled_from(["{"] * 9 + ["", " {", "\u00a0{", "[{"]))
    for number in range(draw(st.integers(0, 3))):
        comma = draw(st.sampled_from([","] * 20 + [" ,\n", "", ";", ",,"])) if number else ""
        colon = draw(st.sampled_from([":"] * 20 + [" :\t", "", "=", "::", ":\u00a0"]))
        text += comma + draw(names) + colon + draw(_values)
    return text + draw(st.sampled_from(["}"] * 9 + [" }\n", "", ",}", "}}", "} 1", "}\u00a0"]))


_any_body = st.sampled_from(CALLBACKS).flatmap(bodies)
texts = st.one_of(
    _small_objects(), _small_objects(), _any_body, mauled(_any_body), st.text(st.characters(), max_size=40)
)

# --- Amounts ----------------------------------------------------------------------------------------


@st.composite
def _nearly_amounts(draw: st.DrawFn) -> str:
    """Digits about the limits of what is allowed, and sometimes what must not stand between them."""
    digits = st.text("0123456789", max_size=34)
    literal = draw(digits) + draw(st.sampled_from(["", "."])) + draw(digits)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(literal)))
        intruder = draw(st.one_of(st.sampled_from("+-eE_.,' \n\t\u00a0\u0661\uff15\u00b2\u0969\x00"), st.characters()))
        literal = literal[:at] + intruder + literal[at:]
    return literal


amounts = st.one_of(_nearly_amounts(), st.sampled_from(AMOUNTS), st.text(max_size=40))

# --- Requests and messages --------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """What reaches the API: `callback` is named as its example is.

    `is_plain` if nothing has moved a value into another field's place.
    """

    callback: str
    method: str
    query: dict[str, str] | None
    body: bytes
    is_plain: bool

    @property
    def function(self) -> str:
        return KINDS.get(self.callback, self.callback)

    def event(self) -> dict[str, Any]:
        """The event that API Gateway makes of it."""
        event = json.loads((EVENTS / f"{self.callback}.json").read_text())
        event |= {"httpMethod": self.method, "queryStringParameters": self.query}
        try:
            return event | {"body": self.body.decode() or None, "isBase64Encoded": False}
        except UnicodeDecodeError:
            return event | {"body": base64.b64encode(self.body).decode(), "isBase64Encoded": True}


@st.composite
def requests(draw: st.DrawFn, callback: str, *, is_locked: bool) -> Request:
    """A request to a callback. With locks, mostly with what opens them."""
    query, secret = None, None
    if is_locked:
        secret = draw(st.sampled_from([*HASH_SECRETS * 3, WRONG, None]))
        token = st.sampled_from([*AUTH_TOKENS, *AUTH_TOKENS, *AUTH_TOKENS, WRONG, ""])
        name = st.sampled_from(["authToken"] * 9 + ["authtoken"])
        query = draw(st.one_of(*[st.dictionaries(name, token, min_size=1, max_size=1)] * 9, st.none()))
    drafts = bodies(callback, signed_with=secret)
    is_plain = draw(st.integers(0, 9)) > 0
    body = draw(drafts if is_plain else mauled(drafts)).encode(errors="surrogatepass")
    if not is_plain and draw(st.booleans()):
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.binary(max_size=3)) + body[at + 1 :]
    method = draw(st.sampled_from(["POST"] * 19 + ["GET"]))
    return Request(callback, method, query, body, is_plain)


@st.composite
def conversations(draw: st.DrawFn, callback: str) -> tuple[bool, list[Request]]:
    """Whether the locks are on, and a few requests: to the callback, sometimes to others between."""
    is_locked = draw(st.booleans())
    to = st.sampled_from([callback] * 6 + [*CALLBACKS])
    return is_locked, draw(st.lists(to.flatmap(lambda to: requests(to, is_locked=is_locked)), min_size=1, max_size=4))


def parked(callback: str, request: str) -> dict[str, Any]:
    """A message of the callback's retry queue."""
    return {
        "callback": callback,
        "reference": "r-1",
        "code": 998,
        "reason": "an outage",
        "first_received_at": "2026-01-01T00:00:00.000+00:00",
        "request": request,
        "prize_only": False,
    }


@st.composite
def messages(draw: st.DrawFn) -> tuple[str, str]:
    """A callback, and what may stand in its retry queue: what the callback parked, more or less."""
    callback = draw(st.sampled_from(KEPT))
    message = parked(callback, draw(bodies(callback)))
    for name in draw(st.lists(st.sampled_from([*message, "note"]), max_size=1)):
        moments = st.sampled_from(["2026-01-01", "2026-13-01", "now"])
        if draw(st.booleans()):
            message[name] = draw(st.one_of(_scraps, moments))
        else:
            message.pop(name, None)
    text = st.just(json.dumps(message))
    return callback, draw(st.one_of(text, text, mauled(text), _values))

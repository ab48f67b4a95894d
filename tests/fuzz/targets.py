"""What must hold whatever is sent. Each target is tried briefly by every `make test`, at length by `make fuzz`."""

import json
import signal
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from wallet import money, wire
from wallet.errors import Unreadable

from . import contract, inputs
from .contract import STATUS, Balance, Book, Locks, Refused
from .desk import Desk
from .inputs import MARK, Request

HANG_SECONDS = 10  # a thousand times what any input takes
SECRET_NAMES = ("hash", "token", "authtoken")


@dataclass(frozen=True)
class Target:
    """`holds` raises for an input for which the promise does not hold; `examples` is how many one run tries."""

    promise: str
    inputs: st.SearchStrategy[Any]
    holds: Callable[[Any], None]
    examples: int

    def run(self, *, seed: int | None = None) -> int:
        """How many inputs were tried: others for each seed, and the same ones every time without a seed.

        Raises what `holds` raised (TimeoutError if it did not end), with a note of the smallest input found
        for which it does.
        """
        tried = 0

        @settings(
            derandomize=seed is None,
            max_examples=self.examples,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            report_multiple_bugs=False,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(self.inputs)
        def target(sent: Any) -> None:
            nonlocal tried
            tried += 1
            signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS)
            try:
                self.holds(sent)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)

        before = signal.signal(signal.SIGALRM, _hangs)
        try:
            (target if seed is None else hypothesis.seed(seed)(target))()
        finally:
            signal.signal(signal.SIGALRM, before)
        return tried


def _hangs(*_: object) -> None:
    raise TimeoutError(f"no end after {HANG_SECONDS} s")


# --- The parsers ------------------------------------------------------------------------------------


def is_read_to_the_character_or_refused(text: str) -> None:
    try:
        expected = contract.read(text.encode())
    except (Refused, UnicodeEncodeError):
        expected = None
    try:
        body = wire.parse(text)
    except Unreadable:
        assert expected is None, "an object of JSON was refused"
        return
    assert expected is not None, "what is no object of JSON was read"
    assert [(parameter.name, _plain(parameter.value)) for parameter in body.parameters] == [
        (name, _plain(value)) for name, value in expected
    ]
    assert _written(body) == [(json.loads(name), raw) for name, raw in contract.members(text.removeprefix("\ufeff"))]


def is_kept_less_its_secrets(text: str) -> None:
    try:
        body = wire.parse(text)
    except Unreadable:
        return
    kept = wire.parse(body.without_secrets())
    assert _written(kept) == [(name, raw) for name, raw in _written(body) if name.lower() not in SECRET_NAMES]


def is_an_amount_to_the_digit_or_none(literal: str) -> None:
    expected = contract.amount(literal)
    try:
        amount = money.parse(literal)
    except ValueError:
        assert expected is None, "an amount was refused"
        return
    assert expected is not None, "what is no amount was taken for one"
    assert Fraction(amount) == expected
    assert money.text(amount) == contract.written(expected)
    assert money.parse(money.text(amount)) == amount


def _written(body: wire.Body) -> list[tuple[str, str]]:
    return [(parameter.name, parameter.raw) for parameter in body.parameters]


def _plain(value: object) -> object:
    """A value with every number as what it is written as, told from a string; and constants all alike."""
    match value:
        case wire.Number(literal) | contract.Number(literal):
            return ("number", "NaN" if literal[-1:] in "Ny" else literal)
        case dict():
            return [(name, _plain(inside)) for name, inside in value.items()]
        case list():
            return ("list", *map(_plain, value))
        case _:
            return (type(value), value)


# --- The handlers -----------------------------------------------------------------------------------

_desk = cache(Desk)
_LOCKS = Locks(tokens=frozenset(inputs.AUTH_TOKENS), hash_secrets=frozenset(inputs.HASH_SECRETS))


def _book() -> Book:
    return Book(
        {
            "421": Balance(currency="USD", cash=Fraction("99889.99"), bonus=Fraction("99.99")),
            "422": Balance(currency="eur", cash=Fraction(250), bonus=Fraction(0)),
            "423": Balance(currency="USDT", cash=Fraction("0.000000000000000001"), bonus=Fraction(0)),
        }
    )


def are_answered_as_due_and_move_what_is_due(conversation: tuple[bool, list[Request]]) -> None:
    is_locked, requests = conversation
    desk, book = _desk(), _book()
    desk.open(book, inputs.SECRETS if is_locked else None)
    transaction_ids: dict[str, str] = {}
    are_plain = True  # what was mauled keeps a secret under a name that is not a secret's
    for request in requests:
        kept_before = len(desk.queues.messages)
        answer, printed = desk.handle(request.callback, request.event())
        body = _well_formed(answer)
        error, wins, balance, left = _due(request, _LOCKS if is_locked else None, book)
        assert body["error"] == error, f"{error} is due, {answer['body']} was answered: {printed}"
        if balance:
            _agrees(body, balance, request)
            assert transaction_ids.setdefault(wins[0].id, body["transactionId"]) == body["transactionId"]
        _is_kept_as_due(desk.queues.messages[kept_before:], request, error, left)
        desk.check(book)
        are_plain &= request.is_plain
        if are_plain:
            everything = printed + answer["body"] + str(desk.tables.items) + str(desk.queues.messages)
            assert MARK not in everything, f"a secret got out: {everything}"
            assert not any(name in everything for name in _hashes_of(request.body)), f"a hash got out: {everything}"


def _due(
    request: Request, locks: Locks | None, book: Book
) -> tuple[int, list[contract.Win], Balance | None, int | None]:
    """The error that is due to a request, or 0; what it asks for then, the balance after it, and why its prize is left.

    The prize is left with a code.
    """
    token = (request.query or {}).get("authToken")
    try:
        wins = contract.wins(request.callback, request.body, method=request.method, token=token, locks=locks)
        return 0, wins, *book.settle(wins)
    except Refused as refused:
        return refused.code, [], None, None


def _well_formed(answer: Any) -> dict[str, Any]:
    """The body of an answer that API Gateway takes and the provider understands."""
    assert answer.keys() == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert answer["headers"].items() >= {"Content-Type": "application/json"}.items()
    assert answer["isBase64Encoded"] is False
    body = json.loads(answer["body"], parse_float=contract.Number, parse_int=contract.Number)
    error = int(body["error"].literal)
    assert answer["statusCode"] == STATUS[error]
    keys = ["error", "description"] if error else ["transactionId", "currency", "cash", "bonus", "error", "description"]
    assert list(body) == keys
    return body | {"error": error}


def _agrees(body: dict[str, Any], balance: Balance, request: Request) -> None:
    """The balances are the book's, in the notation of the request's amount."""
    amounts = (value for name, value in contract.read(request.body) if name.lower() == "amount")
    is_text = any(isinstance(amount, str) and amount for amount in amounts)
    for name, due in (("cash", balance.cash), ("bonus", balance.bonus)):
        written = contract.written(due)
        assert body[name] == (written if is_text else contract.Number(written))
    assert body["currency"] == balance.currency


def _is_kept_as_due(kept: list[tuple[str, str]], request: Request, error: int, left: int | None) -> None:
    if error in (0, 99, 401, 405) and not left:
        assert kept == [], f"nothing is to be kept of a {error}"
        return
    ((name, content),) = kept
    message = json.loads(content)
    assert name == request.callback.title() + ("RetryQueue" if error in (62, 998) else "DeadLetters")
    assert (message["code"], message["prize_only"]) == ((left, True) if left else (error, False))
    assert [(json.loads(each), raw) for each, raw in contract.members(message["request"])] == [
        (json.loads(each), raw)
        for each, raw in contract.members(request.body.decode().removeprefix("\ufeff"))
        if json.loads(each).lower() not in SECRET_NAMES
    ]


def _hashes_of(body: bytes) -> list[str]:
    """Every hash that it may have been sent with, the right ones among them."""
    try:
        contract.read(body)
    except Refused:
        return []
    return [contract.hash_of(body.decode(), secret) for secret in (*inputs.HASH_SECRETS, inputs.WRONG)]


# Credited by every callback.
_GOOD = (
    '{"userId":"422","amount":"5","reference":"good","providerId":"p","timestamp":1,"uuid":"u","gameId":"g"'
    ',"gameName":"n","roundId":"r","roundDetails":"spin","jackpotId":"j","currency":"EUR"'
    ',"promoCampaignId":"1","promoCampaignType":"T"}'
)


def is_done_with_or_tried_again(sent: tuple[str, str]) -> None:
    callback, message = sent
    desk, book = _desk(), _book()
    desk.open(book)
    good = json.dumps(inputs.parked(callback, request=_GOOD))
    records = [
        {"messageId": name, "receiptHandle": name, "body": body, "attributes": {"ApproximateReceiveCount": "1"}}
        for name, body in (("first", message), ("good", good))
    ]
    answer, printed = desk.handle(callback, {"Records": records})
    failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    assert failed in ([], ["first"]), f"the message behind it was held up: {printed}"
    assert desk.queues.hidden == failed, "it is not tried again when it should be"
    left_for_a_person = [
        left for _, left in desk.queues.messages if left == message or not json.loads(left)["prize_only"]
    ]
    if not failed and not left_for_a_person:
        # It was credited, perhaps without its prize: then it asked for that in the contract's own terms.
        book.settle(contract.kept_wins(callback, json.loads(message)["request"].encode()))
    book.settle(contract.kept_wins(callback, _GOOD.encode()))
    desk.check(book)


TARGETS = (
    Target("a body is read to the character or refused", inputs.texts, is_read_to_the_character_or_refused, 1000),
    Target("a body is kept less its secrets, readable", inputs.texts, is_kept_less_its_secrets, 300),
    Target("an amount is taken to the digit or refused", inputs.amounts, is_an_amount_to_the_digit_or_none, 1000),
    *(
        Target(
            f"a {callback} is answered and moves what is due",
            inputs.conversations(callback),
            are_answered_as_due_and_move_what_is_due,
            300,
        )
        for callback in inputs.CALLBACKS
    ),
    Target("no kept message holds up another", inputs.messages(), is_done_with_or_tried_again, 300),
)

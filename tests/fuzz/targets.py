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

from contract import Call, Contract, Number, Refused, Wallet, members, written
from wallet import money, wire
from wallet.errors import Unreadable

from . import inputs
from .desk import Desk
from .inputs import MARK, Request

HANG_SECONDS = 10  # of processor time: a thousand times what any input takes, however busy the machine is
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
            signal.setitimer(signal.ITIMER_VIRTUAL, HANG_SECONDS)
            try:
                self.holds(sent)
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)

        before = signal.signal(signal.SIGVTALRM, _hangs)
        try:
            (target if seed is None else hypothesis.seed(seed)(target))()
        finally:
            signal.signal(signal.SIGVTALRM, before)
        return tried


def _hangs(*_: object) -> None:
    raise TimeoutError(f"no end after {HANG_SECONDS} s")


# --- The parsers ------------------------------------------------------------------------------------


def is_read_to_the_character_or_refused(text: str) -> None:
    try:
        expected = Contract().parameters(None, text.encode())
    except (Refused, UnicodeEncodeError):
        expected = None
    try:
        body = wire.parse(text)
    except Unreadable:
        assert expected is None, "an object of JSON was refused"
        return
    assert expected is not None, "what is no object of JSON was read"
    assert [(each.name, _plain(each.value), each.raw, each.literal) for each in body.parameters] == [
        (each.name, _plain(each.value), each.raw, Contract().literal(each)) for each in expected
    ]


def is_kept_less_its_secrets(text: str) -> None:
    try:
        record = wire.parse(text).without_secrets()
    except Unreadable:
        return
    sent, kept = (Contract().parameters(None, each.encode()) for each in (text, record))
    assert kept == [each for each in sent if each.name.lower() not in SECRET_NAMES]


def is_an_amount_to_the_digit_or_none(literal: str) -> None:
    try:
        expected = Contract().amount(literal)
    except Refused:
        expected = None
    try:
        amount = money.parse(literal)
    except ValueError:
        assert expected is None, "an amount was refused"
        return
    assert expected is not None, "what is no amount was taken for one"
    assert Fraction(amount) == expected
    assert money.text(amount) == written(expected)
    assert money.parse(money.text(amount)) == amount


def _plain(value: object) -> object:
    """A value with every number as what it is written as, told from a string; and constants all alike."""
    match value:
        case wire.Number(literal) | Number(literal):
            return ("number", "NaN" if literal[-1:] in "Ny" else literal)
        case dict():
            return [(name, _plain(inside)) for name, inside in value.items()]
        case list():
            return ("list", *map(_plain, value))
        case _:
            return (type(value), value)


# --- The handlers -----------------------------------------------------------------------------------

_desk = cache(Desk)


def _contract(*, is_locked: bool = False) -> Contract:
    contract = Contract(
        wallets={
            "421": Wallet("USD", Fraction("99889.99"), Fraction("99.99")),
            "422": Wallet("eur", Fraction(250), Fraction(0)),
            "423": Wallet("USDT", Fraction("0.000000000000000001"), Fraction(0)),
        }
    )
    if is_locked:
        contract.hash_secrets, contract.auth_tokens = tuple(inputs.HASH_SECRETS), tuple(inputs.AUTH_TOKENS)
    return contract


def are_answered_as_due_and_move_what_is_due(conversation: tuple[bool, list[Request]]) -> None:
    is_locked, requests = conversation
    desk, contract = _desk(), _contract(is_locked=is_locked)
    desk.open(contract, inputs.SECRETS if is_locked else None)
    names: dict[str, str] = {}  # the contract's transactionIds, and ours
    are_plain = True  # what was mauled keeps a secret under a name that is not a secret's
    for request in requests:
        kept_before = len(desk.queues.messages)
        event = request.event()
        answer, printed = desk.handle(request.function, event)
        token = (request.query or {}).get("authToken")
        due = contract.due(Call(event["path"], request.body, request.method, token))
        said, must_say = _body_of(answer), _read(due.body)
        assert said["error"] == must_say["error"], f"{due.error} is due, {answer['body']} was answered: {printed}"
        assert (answer["statusCode"], list(said)) == (due.status, list(must_say))
        if "transactionId" in must_say:
            name = said.pop("transactionId")
            assert names.setdefault(must_say.pop("transactionId"), name) == name
        if due.error in (0, 15):
            assert {**said, "description": ""} == {**must_say, "description": ""}
        kept = [(name, json.loads(message)) for name, message in desk.queues.messages[kept_before:]]
        is_due = [(request.function.title() + due.kept.queue, due.kept.code, due.kept.prize_only)] if due.kept else []
        assert [(name, message["code"], message["prize_only"]) for name, message in kept] == is_due
        for _, message in kept:
            _is_kept_as_received(message["request"], request.body)
        desk.check(contract)
        are_plain &= request.is_plain
        if are_plain:
            everything = printed + answer["body"] + str(desk.tables.items) + str(desk.queues.messages)
            assert MARK not in everything, f"a secret got out: {everything}"
            assert not any(name in everything for name in _hashes_of(request.body)), f"a hash got out: {everything}"


def _body_of(answer: Any) -> dict[str, Any]:
    """The body of an answer that API Gateway takes."""
    assert answer.keys() == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert answer["headers"].items() >= {"Content-Type": "application/json"}.items()
    assert answer["isBase64Encoded"] is False
    return _read(answer["body"])


def _read(body: str) -> dict[str, Any]:
    return json.loads(body, parse_float=Number, parse_int=Number)


def _is_kept_as_received(kept: str, body: bytes) -> None:
    assert [(json.loads(name), raw) for name, raw in members(kept)] == [
        (json.loads(name), raw)
        for name, raw in members(body.decode().removeprefix("\ufeff"))
        if json.loads(name).lower() not in SECRET_NAMES
    ]


def _hashes_of(body: bytes) -> list[str]:
    """Every hash that it may have been sent with, the right ones among them."""
    contract = Contract()
    try:
        parameters = contract.parameters(None, body)
    except Refused:
        return []
    return [contract.hash_of(parameters, secret) for secret in (*inputs.HASH_SECRETS, inputs.WRONG)]


# Credited by every callback.
_GOOD = (
    '{"userId":"422","amount":"5","reference":"good","providerId":"p","timestamp":1,"uuid":"u","gameId":"g"'
    ',"gameName":"n","roundId":"r","roundDetails":"spin","jackpotId":"j","currency":"EUR"'
    ',"promoCampaignId":"1","promoCampaignType":"T"}'
)


def is_done_with_or_tried_again(sent: tuple[str, str]) -> None:
    callback, message = sent
    desk, contract = _desk(), _contract()
    desk.open(contract)
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
        contract.settle(contract.read_kept(callback, json.loads(message)["request"].encode()))
    contract.settle(contract.read_kept(callback, _GOOD.encode()))
    desk.check(contract)


TARGETS = (
    Target("a body is read to the character or refused", inputs.texts, is_read_to_the_character_or_refused, 1000),
    Target("a body is kept less its secrets, readable", inputs.texts, is_kept_less_its_secrets, 300),
    Target("an amount is taken to the digit or refused", inputs.amounts, is_an_amount_to_the_digit_or_none, 1000),
    *(
        Target(
            f"a {callback} is answered and moves what is due",
            inputs.conversations(callback),
            are_answered_as_due_and_move_what_is_due,
            100,
        )
        for callback in inputs.CALLBACKS
    ),
    Target("no kept message holds up another", inputs.messages(), is_done_with_or_tried_again, 100),
)

"""The provider's stand-in: signing, answers and sending, once for all that play it."""

import asyncio
import json
import socket
from decimal import Decimal

import pytest

from certify.rival import Rival, serving
from tools.local.template import Template
from tools.provider.answers import Answer, Balances
from tools.provider.paths import PATHS, query_of
from tools.provider.sending import RETRANSMISSIONS, Pauses, Unanswered, network
from tools.provider.signing import fields_in, hash_of, signed, signed_again
from wallet.trust import hash_of as the_wallets_hash_of
from wallet.wire import parse

# --- Signing ----------------------------------------------------------------------------------------

ODD = r'{"b" : 1.50, "A":"é\u0041", "details": { "x": [1 ,2.50], "y":null } , "a": true}'


def test_a_field_is_found_with_its_own_characters() -> None:
    assert {each.name: each.text for each in fields_in(ODD)} == {
        "b": "1.50",
        "A": r'"é\u0041"',
        "details": '{ "x": [1 ,2.50], "y":null }',
        "a": "true",
    }
    assert [each.name for each in fields_in("{}")] == []


@pytest.mark.parametrize("body", ["", "[1]", '"text"', '{"a"}', '{"a": 1 "b": 2}', '{"a": 1', '{"a": 01}'])
def test_what_is_not_an_object_has_no_fields(body: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(fields_in(body))


def test_a_hash_is_the_one_that_the_wallet_computes() -> None:
    assert hash_of(ODD, "s3cret") == the_wallets_hash_of(parse(ODD).parameters, "s3cret")


def test_a_hash_covers_every_field_but_the_hash_in_any_case() -> None:
    assert hash_of('{"a": "1", "HASH": "x"}', "s") == hash_of('{"a": "1"}', "s") != hash_of('{"a": "2"}', "s")


def test_a_body_that_has_a_hash_gets_the_right_one_in_its_place() -> None:
    body = '{"a": 1.50, "hash" :"wrong", "details": {"hash": "not this"}}'
    again = signed_again(body, "s")

    assert again == body.replace("wrong", hash_of(body, "s"))
    assert signed_again('{"a": 1}', "s") == '{"a": 1}'
    assert json.loads(signed('{"a": 1}', "s")) == {"a": 1, "hash": hash_of('{"a": 1}', "s")}


# --- Paths ------------------------------------------------------------------------------------------


def test_the_paths_are_those_of_the_stack() -> None:
    functions = {"auto closing": "result", "refund": "cancel", "check": "balance", "end of round": "endround"}
    ours = {path: functions.get(name, name) for name, paths in PATHS.items() for path in paths}
    routes = Template.load().routes()

    assert ours == {path: routes.get(path) for path in ours}
    assert set(ours.values()) == set(routes.values())


def test_a_token_is_sent_in_the_query_whatever_its_characters() -> None:
    assert query_of("t&k/e n") == "?authToken=t%26k%2Fe%20n"
    assert query_of(None) == ""


# --- Answers ----------------------------------------------------------------------------------------


def said(**fields: object) -> Answer:
    return Answer(status=200, text=json.dumps(fields))


def test_an_answer_is_read_as_kindly_as_can_be() -> None:
    exact = Answer(status=200, text='{"error": "0", "cash": 1.10, "bonus": "0.3", "transactionId": 7}')

    assert exact.is_success
    assert exact.balances == Balances(Decimal("1.10"), Decimal("0.3"))
    assert exact.transaction_id == "7"
    assert exact.written("cash") == "1.10"
    assert said(cash="1").balances == Balances(Decimal(1), None)


@pytest.mark.parametrize(
    "text", ["", "[]", "<html>", "[" * 100_000, '{"error": true}', '{"error": "1e3"}', '{"error":-1}']
)
def test_what_is_no_wallets_answer_has_no_code_and_is_sent_again(text: str) -> None:
    answer = Answer(status=200, text=text)

    assert answer.error is None
    assert answer.must_be_sent_again()
    assert not answer.must_be_sent_again(only_if_told=True)


@pytest.mark.parametrize(
    ("code", "status", "again", "if_told"),
    [(0, 200, False, False), (61, 200, False, False), (998, 503, True, True), (998, 200, True, False)],
)
def test_998_is_sent_again_and_no_outcome_is(code: int, status: int, again: bool, if_told: bool) -> None:
    answer = Answer(status=status, text=json.dumps({"error": code}))

    assert answer.must_be_sent_again() is again
    assert answer.must_be_sent_again(only_if_told=True) is if_told


# --- Sending ----------------------------------------------------------------------------------------


def test_there_are_ten_retransmissions_after_longer_and_longer_pauses() -> None:
    pauses = list(Pauses(first_seconds=0.5, growth=2, longest_seconds=5))

    assert len(pauses) == RETRANSMISSIONS == 10
    assert pauses[:5] == [0.5, 1, 2, 4, 5]
    assert pauses[-1] == 5


def sent(url: str, answer_seconds: float = 60) -> Answer:
    async def send_it() -> Answer:
        async with network(url, answer_seconds=answer_seconds) as send:
            return await send(f"{url}/v4/Result", "{}")

    return asyncio.run(send_it())


def test_an_answer_comes_with_its_headers_and_those_that_were_sent() -> None:
    with serving(Rival()) as url:
        answer = sent(url)

    assert answer.status == 400
    assert dict(answer.headers)["content-type"] == "application/json"
    assert dict(answer.request_headers)["content-type"] == "application/json"


def test_an_answer_that_does_not_come_in_time_is_told_as_late() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Unanswered, match="TimeoutError") as failure:
            sent(f"http://127.0.0.1:{silent.getsockname()[1]}", answer_seconds=0.05)

    assert failure.value.is_late
    assert failure.value.said == "none within 0.05 s"


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    with serving(Rival()) as url:
        assert sent(url).status == 400

"""The locks: what opens them, what does not, and where their secrets come from."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from wallet import trust, wire
from wallet.callback import ANSWER_SECONDS
from wallet.errors import Unauthorized, Unavailable
from wallet.trust import FRESH_SECONDS, RETRY_SECONDS, STALE_SECONDS, Keyring, Locks, hash_of

every_time_alike = settings(derandomize=True, deadline=None, max_examples=150)

SECRET_NAME = "provider"
CURRENT = {"hashSecret": "hash-secret-of-today", "authToken": "token-of-today"}
PREVIOUS = {"hashSecret": "hash-secret-of-yesterday", "authToken": "token-of-yesterday"}


# --- The hash ---------------------------------------------------------------------------------------


def test_the_hash_is_the_md5_of_the_sorted_parameters_and_the_secret() -> None:
    body = wire.parse('{"userId": "421", "amount": 55.0, "hash": "?", "gameId": "slot"}')

    # By hand: printf 'amount=55.0&gameId=slot&userId=421s3cret' | md5sum
    assert hash_of(body.parameters, "s3cret") == "3c653de24c6515068bb47f6bf1d4e558"


@pytest.mark.parametrize(
    ("body", "signed"),
    [
        ("{}", ""),
        ('{"b":"2","a":"1"}', "a=1&b=2"),
        ('{"amount":55.0}', "amount=55.0"),
        ('{"amount":55.00}', "amount=55.00"),
        ('{"amount":"55.00"}', "amount=55.00"),
        ('{"amount":5.5E1}', "amount=5.5E1"),
        ('{"amount":12345678901234567890.123456789}', "amount=12345678901234567890.123456789"),
        ('{"amount": -0 }', "amount=-0"),
        ('{"a":true,"b":false,"c":null}', "a=true&b=false&c=null"),
        ('{"a":""}', "a="),
        ('{"roundDetails": [ {"bet" : 1.0},  2 ] , "a":1}', 'a=1&roundDetails=[ {"bet" : 1.0},  2 ]'),
        ('{"roundDetails":{ }}', "roundDetails={ }"),
        (r'{"name":"\u00e9\n\"x\""}', 'name=é\n"x"'),
        ('{"name":"é"}', "name=é"),
        ('{"a":"1","HASH":"x","Hash":"y","hash":"z"}', "a=1"),
        ('{"hash2":"x","hashes":"y"}', "hash2=x&hashes=y"),
        ('{"b":1,"B":2,"a":3,"A":4}', "A=4&B=2&a=3&b=1"),
        ('{"a":"x&b=y"}', "a=x&b=y"),
    ],
)
def test_the_hash_is_made_of_the_parameters_as_they_were_received(body: str, signed: str) -> None:
    expected = hashlib.md5((signed + "s3cret").encode(), usedforsecurity=False).hexdigest()

    assert hash_of(wire.parse(body).parameters, "s3cret") == expected


@every_time_alike
@given(st.dictionaries(st.text(min_size=1), st.text()), st.randoms(use_true_random=False))
def test_the_hash_does_not_depend_on_the_order_or_the_spaces(fields: dict[str, str], shuffle: Any) -> None:
    shuffled = list(fields.items())
    shuffle.shuffle(shuffled)

    one = wire.parse(json.dumps(fields))
    other = wire.parse(json.dumps(dict(shuffled), indent=3, ensure_ascii=False))

    assert hash_of(one.parameters, "s3cret") == hash_of(other.parameters, "s3cret")


def test_half_a_surrogate_in_a_body_is_hashed_and_no_defect() -> None:
    body = wire.parse(r'{"userId": "\ud800"}')

    assert len(hash_of(body.parameters, "s3cret")) == 32


def signed_body(secret: str, name: str = "hash", **fields: str) -> wire.Body:
    fields = {"userId": "421", "amount": "10.0"} | fields
    digest = hash_of(wire.parse(json.dumps(fields)).parameters, secret)
    return wire.parse(json.dumps(fields | {name: digest}))


BOTH = Locks(
    hash_secrets={"current": "today", "previous": "yesterday"}, auth_tokens={"current": "t1", "previous": "t0"}
)


def test_either_secret_opens_the_lock_and_is_named() -> None:
    assert BOTH.check_hash(signed_body("today"), mandatory=True) == "current"
    assert BOTH.check_hash(signed_body("yesterday"), mandatory=True) == "previous"
    assert BOTH.check_token("t1") == "current"
    assert BOTH.check_token("t0") == "previous"


def test_a_hash_is_checked_however_its_name_is_spelled() -> None:
    assert BOTH.check_hash(signed_body("today", name="HASH"), mandatory=True) == "current"
    with pytest.raises(Unauthorized):
        BOTH.check_hash(signed_body("wrong", name="Hash"), mandatory=False)


def test_two_hashes_must_both_be_right() -> None:
    right = signed_body("today").named("hash")[0].value
    fields = {"userId": "421", "amount": "10.0"}

    assert BOTH.check_hash(wire.parse(json.dumps(fields | {"hash": right, "Hash": right})), mandatory=True)
    with pytest.raises(Unauthorized):
        BOTH.check_hash(wire.parse(json.dumps(fields | {"hash": right, "Hash": "wrong"})), mandatory=True)


@pytest.mark.parametrize("mandatory", [True, False])
@pytest.mark.parametrize(
    "value",
    [
        '"wrong"',
        "5",
        "true",
        '["5"]',
        '{"hash": "5"}',
        '"é"',
        r'"\ud800"',
        r'"\u0000"',
        f'"{"0" * 32}"',
    ],
)
def test_a_wrong_hash_of_whatever_sort_is_refused(value: str, mandatory: bool) -> None:
    with pytest.raises(Unauthorized):
        BOTH.check_hash(wire.parse(f'{{"userId": "421", "hash": {value}}}'), mandatory=mandatory)


@pytest.mark.parametrize("empty", ['""', "null", "[]", "{}"])
def test_an_empty_hash_is_none(empty: str) -> None:
    body = wire.parse(f'{{"userId": "421", "hash": {empty}}}')

    assert BOTH.check_hash(body, mandatory=False) is None
    with pytest.raises(Unauthorized):
        BOTH.check_hash(body, mandatory=True)


@pytest.mark.parametrize("spelled", [str.upper, str.capitalize, str.swapcase])
def test_a_hash_is_the_same_in_capitals(spelled: Callable[[str], str]) -> None:
    right = str(signed_body("today").named("hash")[0].value)
    in_capitals = wire.parse(json.dumps({"userId": "421", "amount": "10.0", "hash": spelled(right)}))

    assert BOTH.check_hash(in_capitals, mandatory=True) == "current"


def test_an_absent_hash_is_refused_only_where_one_is_mandatory() -> None:
    body = wire.parse('{"userId": "421"}')

    assert BOTH.check_hash(body, mandatory=False) is None
    with pytest.raises(Unauthorized):
        BOTH.check_hash(body, mandatory=True)


@pytest.mark.parametrize("field", ["userId", "amount"])
def test_a_changed_field_breaks_the_hash(field: str) -> None:
    body = signed_body("today")
    changed = {parameter.name: parameter.value for parameter in body.parameters} | {field: "422"}

    with pytest.raises(Unauthorized):
        BOTH.check_hash(wire.parse(json.dumps(changed)), mandatory=True)


@pytest.mark.parametrize("token", [None, "", "t", "t11", "T1", "é", "\ud800", " t1", "t1\n"])
def test_a_wrong_token_is_refused(token: str | None) -> None:
    with pytest.raises(Unauthorized):
        BOTH.check_token(token)


def test_a_secret_that_is_not_ascii_works() -> None:
    locks = Locks(hash_secrets={"current": "schlüssel"}, auth_tokens={"current": "wörtchen"})

    assert locks.check_hash(signed_body("schlüssel", city="Zürich"), mandatory=True) == "current"
    assert locks.check_token("wörtchen") == "current"


def test_a_lock_without_a_secret_is_open() -> None:
    only_tokens, only_hashes = Locks(auth_tokens={"current": "t1"}), Locks(hash_secrets={"previous": "yesterday"})

    assert only_tokens.check_hash(wire.parse('{"hash": "whatever"}'), mandatory=True) is None
    assert only_hashes.check_token(None) is None
    assert only_hashes.check_hash(signed_body("yesterday"), mandatory=True) == "previous"
    with pytest.raises(Unauthorized):
        only_tokens.check_token(None)


def test_a_refusal_gives_no_hint() -> None:
    with pytest.raises(Unauthorized) as wrong_token:
        BOTH.check_token("wrong")
    with pytest.raises(Unauthorized) as wrong_hash:
        BOTH.check_hash(wire.parse('{"hash": "wrong"}'), mandatory=True)
    with pytest.raises(Unauthorized) as no_hash:
        BOTH.check_hash(wire.parse("{}"), mandatory=True)

    refusals = [each.value for each in (wrong_token, wrong_hash, no_hash)]
    assert {str(each) for each in refusals} == {"Unauthorized"}
    # The log says it to the operator.
    assert [each.reason for each in refusals] == [
        "Unauthorized: wrong token", "Unauthorized: wrong hash", "Unauthorized: no hash"
    ]  # fmt: skip


# --- The keyring ------------------------------------------------------------------------------------


class Log(logging.Handler):
    """What the module logs: its own logger's records, whatever is above it."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    trust._logger.addHandler(log)
    yield log
    trust._logger._logger.removeHandler(log)


class Vault:
    """Secrets Manager: what it keeps, how often it was asked, and whether it answers at all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self.outage: Exception | None = None
        self.now = 1000.0
        self._client = boto3.client("secretsmanager")
        self._client.create_secret(Name=SECRET_NAME, SecretString=json.dumps({"current": CURRENT}))
        call_aws = BaseClient._make_api_call

        def counted(client: Any, operation: str, parameters: Any) -> Any:
            if operation == "GetSecretValue":
                self.asked += 1
                if self.outage:
                    raise self.outage
            return call_aws(client, operation, parameters)

        monkeypatch.setattr(BaseClient, "_make_api_call", counted)
        monkeypatch.setattr(trust, "time", self)

    def monotonic(self) -> float:
        return self.now

    def keeps(self, content: object) -> None:
        self.keeps_text(json.dumps(content))

    def keeps_text(self, text: str) -> None:
        self._client.put_secret_value(SecretId=SECRET_NAME, SecretString=text)

    def keeps_bytes(self, content: bytes) -> None:
        self._client.put_secret_value(SecretId=SECRET_NAME, SecretBinary=content)


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    with mock_aws():
        yield Vault(monkeypatch)


def test_the_secret_is_asked_for_once_in_a_while(vault: Vault) -> None:
    keyring = Keyring(SECRET_NAME)
    assert vault.asked == 0

    for _ in range(10):
        assert keyring.locks().check_token("token-of-today") == "current"
        vault.now += (FRESH_SECONDS - 1) / 10
    assert vault.asked == 1

    vault.now += 2
    assert keyring.locks().check_token("token-of-today") == "current"
    assert vault.asked == 2


def test_a_rotated_secret_is_noticed_and_both_are_good_meanwhile(vault: Vault) -> None:
    keyring = Keyring(SECRET_NAME)
    keyring.locks()
    vault.keeps({"current": CURRENT, "previous": PREVIOUS})

    vault.now += FRESH_SECONDS + 1
    locks = keyring.locks()

    assert locks.check_token("token-of-today") == "current"
    assert locks.check_token("token-of-yesterday") == "previous"
    assert locks.check_hash(signed_body("hash-secret-of-today"), mandatory=True) == "current"
    assert locks.check_hash(signed_body("hash-secret-of-yesterday"), mandatory=True) == "previous"

    vault.keeps({"current": CURRENT})
    vault.now += FRESH_SECONDS + 1
    with pytest.raises(Unauthorized):
        keyring.locks().check_token("token-of-yesterday")


@pytest.mark.parametrize(
    "content",
    [
        {"current": {"authToken": "t"}},
        {"current": {"hashSecret": "h"}},
        {"previous": {"hashSecret": "h", "authToken": "t"}},
        {"current": {"hashSecret": "h"}, "previous": {"authToken": "t"}},
        {"current": {}, "previous": {"authToken": "t"}},
    ],
    ids=json.dumps,
)
def test_a_secret_may_leave_out_what_is_not_used(vault: Vault, content: dict[str, dict[str, str]]) -> None:
    vault.keeps(content)

    locks = Keyring(SECRET_NAME).locks()

    assert locks.hash_secrets == {key: keys["hashSecret"] for key, keys in content.items() if "hashSecret" in keys}
    assert locks.auth_tokens == {key: keys["authToken"] for key, keys in content.items() if "authToken" in keys}


MALFORMED = [
    "not JSON",
    '{"current": {"hashSecret": "h"}',
    "null",
    "5",
    "true",
    '"text"',
    "[]",
    '[{"hashSecret": "h"}]',
    "{}",
    '{"current": {}}',
    '{"current": {}, "previous": {}}',
    '{"current": null}',
    '{"current": "h"}',
    '{"current": ["h"]}',
    '{"current": {"hashSecret": ""}}',
    '{"current": {"hashSecret": null}}',
    '{"current": {"hashSecret": 5}}',
    '{"current": {"hashSecret": "h", "authToken": ""}}',
    '{"current": {"hashSecret": "h", "authToken": null}}',
    '{"current": {"hashsecret": "h"}}',
    '{"current": {"hashSecret": "h", "authtoken": "t"}}',
    '{"curent": {"hashSecret": "h"}}',
    '{"current": {"hashSecret": "h"}, "next": {"hashSecret": "h"}}',
    '{"current": {"hashSecret": "h"}, "previous": null}',
    '{"hashSecret": "h", "authToken": "t"}',
    '{"current": {"hashSecret": "a"}, "current": {"authToken": "b"}}',
    '{"current": {"hashSecret": "a", "hashSecret": "b"}}',
    '{"current": {"hashSecret": "a", "authToken": "t", "authToken": "t"}}',
    '{"current": {"hashSecret": " h"}}',
    '{"current": {"authToken": "t\\n"}}',
    '{"current": {"authToken": "\\u00a0t"}}',
    '{"current": {"authToken": "   "}}',
    '{"current": {"hashSecret": "\\ud800"}}',
    '{"current": {"authToken": "t\\udc00"}}',
    "[" * 100_000,
]


@pytest.mark.parametrize("content", MALFORMED, ids=lambda content: content[:70])
def test_a_malformed_secret_opens_nothing(vault: Vault, content: str) -> None:
    vault.keeps_text(content)
    keyring = Keyring(SECRET_NAME)

    with pytest.raises(Unavailable):
        keyring.locks()


@pytest.mark.parametrize("was_good", [False, True])
def test_a_malformed_secret_that_is_mended_serves_at_once(vault: Vault, *, was_good: bool) -> None:
    keyring = Keyring(SECRET_NAME)
    if was_good:
        keyring.locks()
        vault.now += FRESH_SECONDS + 1
    vault.keeps_text("not JSON")
    with pytest.raises(Unavailable):
        keyring.locks()

    vault.keeps({"current": CURRENT})

    assert keyring.locks().check_token("token-of-today") == "current"


def test_a_binary_secret_that_is_no_text_opens_nothing(vault: Vault) -> None:
    vault.keeps_bytes(b"\xff\xfe\x00")

    with pytest.raises(Unavailable):
        Keyring(SECRET_NAME).locks()


def test_an_empty_secret_opens_nothing(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = Keyring(SECRET_NAME)
    monkeypatch.setattr(keyring._client, "get_secret_value", lambda **_options: {"SecretString": ""})

    with pytest.raises(Unavailable):
        keyring.locks()


@pytest.mark.parametrize("content", ["not JSON", '{"curent": {"hashSecret": "hush-hush"}}'])
def test_a_secret_malformed_later_opens_nothing_and_is_not_shown(vault: Vault, content: str) -> None:
    keyring = Keyring(SECRET_NAME)
    keyring.locks()
    vault.keeps_text(content)
    vault.now += FRESH_SECONDS + 1

    with pytest.raises(Unavailable) as unavailable:
        keyring.locks()

    assert "hush-hush" not in unavailable.value.reason


OUTAGES = [
    EndpointConnectionError(endpoint_url="https://secretsmanager.eu-west-1.amazonaws.com"),
    ClientError({"Error": {"Code": "InternalServiceError", "Message": "-"}}, "GetSecretValue"),
    ClientError({"Error": {"Code": "ThrottlingException", "Message": "-"}}, "GetSecretValue"),
    ClientError({"Error": {"Code": "AccessDeniedException", "Message": "-"}}, "GetSecretValue"),
    ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "-"}}, "GetSecretValue"),
]
OUTAGE_NAMES = ["no connection", "internal error", "throttled", "access denied", "not found"]


@pytest.mark.parametrize("outage", OUTAGES, ids=OUTAGE_NAMES)
def test_an_outage_of_the_vault_refuses_no_win_for_a_while(vault: Vault, outage: Exception) -> None:
    keyring = Keyring(SECRET_NAME)
    keyring.locks()
    vault.outage = outage

    for _ in range(4):
        vault.now += STALE_SECONDS / 4 - 1
        assert keyring.locks().check_token("token-of-today") == "current"
        with pytest.raises(Unauthorized):
            keyring.locks().check_token("wrong")

    vault.now += 5 + RETRY_SECONDS
    with pytest.raises(Unavailable):
        keyring.locks()


def test_the_end_of_an_outage_is_noticed_and_a_further_one_has_its_own_hour(vault: Vault) -> None:
    keyring = Keyring(SECRET_NAME)
    keyring.locks()
    vault.outage = OUTAGES[0]
    vault.now += STALE_SECONDS + 1
    with pytest.raises(Unavailable):
        keyring.locks()

    vault.outage = None
    assert keyring.locks().check_token("token-of-today") == "current"

    vault.outage = OUTAGES[0]
    vault.now += STALE_SECONDS - 1
    assert keyring.locks().check_token("token-of-today") == "current"


@pytest.mark.parametrize("outage", OUTAGES, ids=OUTAGE_NAMES)
def test_a_secret_never_fetched_opens_nothing(vault: Vault, outage: Exception) -> None:
    vault.outage = outage

    with pytest.raises(Unavailable) as unavailable:
        Keyring(SECRET_NAME).locks()

    assert "secret cannot be read" in unavailable.value.reason


def test_a_secret_that_does_not_come_is_waited_for_no_longer_than_an_answer_may_take() -> None:
    config = Keyring(SECRET_NAME)._client.meta.config

    assert config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout) <= ANSWER_SECONDS


def test_a_secret_served_in_an_outage_is_warned_about(vault: Vault, log: Log) -> None:
    keyring = Keyring(SECRET_NAME)
    keyring.locks()
    assert log.records == []

    vault.outage, vault.now = OUTAGES[0], vault.now + FRESH_SECONDS + 1
    keyring.locks()

    (warning,) = log.records
    assert warning.levelname == "WARNING"
    assert "cannot be read" in warning.getMessage()


def test_an_outage_is_not_waited_for_by_every_callback(vault: Vault) -> None:
    keyring = Keyring(SECRET_NAME)
    keyring.locks()
    vault.outage, vault.now = OUTAGES[0], vault.now + FRESH_SECONDS + 1
    asked_before = vault.asked

    for _ in range(10):
        assert keyring.locks().check_token("token-of-today") == "current"
    assert vault.asked == asked_before + 1

    vault.now += RETRY_SECONDS + 1
    keyring.locks()
    assert vault.asked == asked_before + 2

    vault.outage, vault.now = None, vault.now + RETRY_SECONDS + 1
    vault.keeps({"current": PREVIOUS})
    assert keyring.locks().check_token("token-of-yesterday") == "current"


@pytest.mark.parametrize("variable", [None, ""])
def test_no_secret_is_one_warning_and_open_locks(
    vault: Vault, log: Log, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    monkeypatch.delenv("PROVIDER_SECRET", raising=False)
    if variable is not None:
        monkeypatch.setenv("PROVIDER_SECRET", variable)

    keyring = Keyring.from_environment()

    for locks in [keyring.locks() for _ in range(3)]:
        assert locks.check_token(None) is None
        assert locks.check_token("whatever") is None
        assert locks.check_hash(wire.parse('{"hash": "whatever"}'), mandatory=True) is None
    (warning,) = log.records
    assert warning.levelname == "WARNING"
    assert "not checked" in warning.getMessage()
    assert vault.asked == 0


@pytest.mark.parametrize(
    ("content", "warnings"),
    [
        ({"current": {"hashSecret": "h"}}, 1),
        ({"current": {"hashSecret": "h"}, "previous": {"hashSecret": "g"}}, 1),
        ({"current": {"authToken": "t"}}, 0),
        ({"current": {"hashSecret": "h", "authToken": "t"}}, 0),
        ({"current": {"hashSecret": "h"}, "previous": {"authToken": "t"}}, 0),
    ],
    ids=json.dumps,
)
def test_a_hash_secret_without_a_token_is_one_warning(
    vault: Vault, log: Log, content: dict[str, dict[str, str]], warnings: int
) -> None:
    vault.keeps(content)
    keyring = Keyring(SECRET_NAME)

    for _ in range(3):
        keyring.locks()
        vault.now += FRESH_SECONDS + 1

    assert [record.getMessage() for record in log.records] == [
        "There is no authToken: only the caller's address guards results and promos"
    ] * warnings


def test_locks_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        BOTH.hash_secrets = {}  # pyright: ignore[reportAttributeAccessIssue]


def test_the_secret_is_named_by_the_environment(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVIDER_SECRET", SECRET_NAME)

    assert Keyring.from_environment().locks().check_token("token-of-today") == "current"


def test_neither_locks_nor_keyring_show_a_secret(vault: Vault) -> None:
    vault.keeps({"current": CURRENT, "previous": PREVIOUS})
    keyring = Keyring(SECRET_NAME)
    locks = keyring.locks()

    shown = "".join([repr(locks), str(locks), f"{locks}", repr(keyring), str(keyring)])

    for secret in [*CURRENT.values(), *PREVIOUS.values()]:
        assert secret not in shown

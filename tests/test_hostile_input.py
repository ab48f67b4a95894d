"""Input that nobody meant well, against the whole local service: no credit the contract refuses, no secret told."""

import base64
import hashlib
import json
import os
import re
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import positive_data_acceptance

from conftest import EVENTS, ROOT
from contract import Call, Contract, Number, Refused, hash_of
from expectations import request
from local_service import HANG_SECONDS, Service, children_of, command_of, running, wait_until
from on_record import assert_on_record
from tools.local import openapi
from tools.local.engine import Engine, engine, free_port
from tools.local.opening import Opening
from tools.local.template import Template

ROUTES = Template.load().routes()
WINS = ("result", "jackpot", "bonus", "promo")
MOVING = (*WINS, "bet")
OUTCOMES = ("credited", "staked", "cancel remembered", "round ended", "answered", "replayed", "refused")
PATHS = {kind: next(path for path in ROUTES if ROUTES[path] == kind) for kind in dict.fromkeys(ROUTES.values())}


# === Whatever the document allows or forbids ========================================================

CURRENCY = "USD"
PLAYERS = [{"userId": f"player-{n}", "currency": CURRENCY, "cash": "1000", "bonus": "1000"} for n in range(3)]
SECRETS = json.loads((EVENTS / "secrets.json").read_text())
TOKENS = tuple(keys["authToken"] for keys in SECRETS.values())
HASH_SECRETS = tuple(keys["hashSecret"] for keys in SECRETS.values())

DOCUMENT = schemathesis.openapi.from_path(openapi.PATH, config=schemathesis.Config())
load_all_checks()


def everything_in(service: Service, table: str) -> list[dict[str, Any]]:
    pages = service.tables().meta.client.get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


class Sender:
    """Sends what was generated, mostly as if it came from someone who knows a player and the secrets.

    What is generated knows neither, and would hardly ever be refused for anything else.
    """

    def __init__(self, service: Service, *, locked: bool) -> None:
        self._service = service
        self.answers: Counter[tuple[str, int]] = Counter()
        self._contract = Contract(HASH_SECRETS, TOKENS) if locked else Contract()
        for player in PLAYERS:
            wallet = Opening(
                user_id=player["userId"],
                currency=CURRENCY,
                cash=Decimal(player["cash"]),
                bonus=Decimal(player["bonus"]),
            )
            self._contract.ordered(wallet.order(actor="the local service", reason="a player"))
        self._locked = locked
        self._session = requests.Session()
        self._sent = 0
        self._references: set[str] = set()

    def close(self) -> None:
        self._session.close()

    def send(self, case: schemathesis.Case) -> None:
        """Sends it, and checks the answer by the document and by the contract."""
        self._sent += 1
        if self._sent % 4:
            self._make_plausible(case)
        if self._locked:
            self._unlock(case)
        url = f"http://127.0.0.1:{self._service.port}"
        response = case.call(url, self._session, timeout=HANG_SECONDS)
        while response.status_code == 503:  # a busy machine; the provider, too, sends it again
            response = case.call(url, self._session, timeout=HANG_SECONDS)
        sent = cast(bytes, response.request.body or b"")
        token = parse_qs(urlsplit(str(response.request.url)).query).get("authToken", [None])[-1]
        due = self._contract.due(Call(case.path, sent, str(response.request.method), token))
        answer, must_say = json.loads(response.content), json.loads(due.body)
        assert (response.status_code, answer["error"]) == (due.status, due.error), f"{must_say} is due"
        self.answers[case.path, due.error] += 1
        if due.error == 0:
            assert {**answer, "transactionId": ""} == {**must_say, "transactionId": ""}
        elif response.status_code == 400 and case.meta and case.meta.generation.mode.is_positive:
            assert is_beyond_a_schema(sent, answer), f"{answer} refuses what the document allows: {sent}"
        case.validate_response(response, excluded_checks=[positive_data_acceptance])  # looked at more closely above

    def check(self, path: str, *, credited: int) -> None:
        """Something was credited and something refused, and the tables hold the credits, and not one more."""
        tables = ("Players", "Transactions", "FreeRounds", "Rounds")
        assert_on_record(self._contract, **{table: everything_in(self._service, table) for table in tables})
        assert self.answers[path, 0] >= credited, self.answers
        assert sum(count for (a_path, error), count in self.answers.items() if a_path == path and error) >= credited

    def _make_plausible(self, case: schemathesis.Case) -> None:
        if not isinstance(case.body, dict):
            return
        body: dict[str, Any] = case.body
        if is_identifier(body.get("userId")):
            body["userId"] = PLAYERS[self._sent % len(PLAYERS)]["userId"]
        if body.get("currency") not in (None, "", [], {}) and self._sent % 8:
            body["currency"] = CURRENCY
        for field in ("reference", "promoWinReference"):
            if is_identifier(body.get(field)) and body[field] in self._references:
                body[field] = f"{field}-{self._sent}"
            self._references.add(str(body.get(field)))

    def _unlock(self, case: schemathesis.Case) -> None:
        """Lets three in four have the token, and two the hash where one is needed."""
        if self._sent % 4 == 0 or case.method != "POST":
            return
        if case.meta and case.meta.is_negative_at(ParameterLocation.QUERY):
            return  # it may be wrong in this alone, and a token would put it right
        case.query = {"authToken": TOKENS[0]}
        if not isinstance(case.body, dict) or self._sent % 4 == 1:
            return
        names = [name for name in case.body if name.lower() == "hash"]
        if not names and case.meta and not case.meta.generation.mode.is_positive:
            return  # it may be wrong in this, and a hash would put it right
        for name in names:
            del case.body[name]
        with suppress(Refused):  # of what cannot be read
            case.body["hash"] = hash_of(json.dumps(case.body), HASH_SECRETS[0])


def is_identifier(value: object) -> bool:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    try:
        return bool(Contract().identifier("", Number(str(value)) if is_whole else value))
    except Refused:
        return False


def is_beyond_a_schema(sent: bytes, answer: Mapping[str, Any]) -> bool:
    """Whether a refusal is for one of the things that docs/callbacks.md says and a schema cannot.

    Those are control characters, nothing but spaces and how a whole number is written (57), and how many digits an
    amount has (59).
    """
    contract, field = Contract(), re.findall(r"\w+", answer["description"])[-1]
    value = contract.named(field.lower(), contract.parameters(None, sent))[0].value
    try:
        contract.identifier(field, value) if answer["error"] == 57 else contract.amount(value)
    except Refused as refused:
        return refused.error == answer["error"]
    return False


def try_all(sender: Sender, path: str, *, generated: int) -> None:
    """Sends every form of a request that the document tells apart, then some generated ones: always the same."""
    operation = DOCUMENT[path]["POST"]
    modes = list(schemathesis.GenerationMode)
    for case in DOCUMENT.iter_coverage_cases(
        operation, generation_modes=modes, generation_config=DOCUMENT.config.generation
    ):
        sender.send(case)
    try_some(sender, path, generated=generated)


def try_some(sender: Sender, path: str, *, generated: int) -> None:
    operation = DOCUMENT[path]["POST"]

    @settings(
        max_examples=generated,
        phases=[Phase.generate],  # what is sent depends on what was sent before, so a failure cannot be made smaller
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],  # a busy machine is no fault
    )
    @given(st.one_of([operation.as_strategy(mode) for mode in schemathesis.GenerationMode]))
    def send(case: schemathesis.Case) -> None:
        sender.send(case)

    send()


@pytest.fixture(scope="module")
def players(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("players") / "players.json"
    path.write_text(json.dumps(PLAYERS))
    return str(path)


@pytest.fixture(scope="module")
def to_the_open_service(players: str) -> Iterator[Sender]:
    # What is parked for a player who never comes is left alone meanwhile.
    with running(PLAYERS=players, RETRY_SECONDS="900") as service:
        sender = Sender(service, locked=False)
        yield sender
        sender.close()


@pytest.fixture(scope="module")
def to_the_locked_service(players: str) -> Iterator[Sender]:
    with running(PLAYERS=players, RETRY_SECONDS="900", SECRETS=str(EVENTS / "secrets.json")) as service:
        sender = Sender(service, locked=True)
        yield sender
        sender.close()


@pytest.mark.parametrize("path", PATHS.values())
def test_every_form_of_a_request_is_answered_as_documented(to_the_open_service: Sender, path: str) -> None:
    try_all(to_the_open_service, path, generated=20)

    to_the_open_service.check(path, credited=20)


@pytest.mark.parametrize("path", [path for path in ROUTES if path not in PATHS.values()])
def test_a_callbacks_other_paths_answer_as_its_first(to_the_open_service: Sender, path: str) -> None:
    try_some(to_the_open_service, path, generated=6)

    to_the_open_service.check(path, credited=1)


@pytest.mark.parametrize("path", ROUTES)
def test_only_what_proves_itself_is_credited(to_the_locked_service: Sender, path: str) -> None:
    is_first = path in PATHS.values()
    try_some(to_the_locked_service, path, generated=20 if is_first else 12)

    to_the_locked_service.check(path, credited=1)
    assert to_the_locked_service.answers[path, 401] >= (5 if is_first else 2)


# === Nothing secret is told =========================================================================

# As they stand in a URL, in JSON and in a log, so that searching for them finds them.
CURRENT = {"hashSecret": "hush-current-secret-5c1e", "authToken": "hush-current-token-91d7"}
PREVIOUS = {"hashSecret": "hush-previous-secret-e02b", "authToken": "hush-previous-token-7f43"}
PLAYERS_TOKEN = "hush-players-token-c6a8"
WRONG_TOKEN = "hush-wrong-token-28bd"
WRONG_HASH = hashlib.md5(b"another secret", usedforsecurity=False).hexdigest()
WITHIN = "hush-within-another-field-d40f"  # of the record, where docs/callbacks.md keeps every other field as received


class Run(NamedTuple):
    """What a service wrote and kept, from its start to its end."""

    logs: dict[str, str]
    records: dict[str, list[str]]  # by the table or queue
    hidden: set[str]
    answered: Counter[tuple[str, int]]


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("secrets")
    secrets, players = folder / "secrets.json", folder / "players.json"
    secrets.write_text(json.dumps({"current": CURRENT, "previous": PREVIOUS}))
    players.write_text(json.dumps([{"userId": "421", "currency": "USD", "cash": "1000", "bonus": "0"}]))
    with engine(free_port()) as tables, engine(free_port()) as others:
        places = {"AWS_ENDPOINT_URL": others.endpoint, "TABLES_ENDPOINT": tables.endpoint}
        settings = {"PLAYERS": str(players), "SECRETS": str(secrets), "POWERTOOLS_DEBUG": "true"}
        with running(**places, **settings) as service:
            provider = Provider(service)
            for kind in PATHS:
                provider.send_of_all_sorts(kind)
            provider.send_to_no_callback()
            provider.send_to_a_killed_worker("result")
            provider.send_while_stopped(tables, "tables")
            wait_until(lambda: re.search(r'kept "result-tables", retry \d+: done', service.output))
            provider.send_while_stopped(others, "queues")
            for kind in WINS:  # last, because each retry hides it for twice as long from whoever looks into the queue
                provider.send(kind, provider.body(kind, "nobody", userId="nobody"), 62)
            for kind in WINS:
                wait_until(lambda kind=kind: f'kept "{kind}-nobody", retry 1: not yet' in service.output)
        log = ROOT / ".local" / f"functions-{service.port}.log"
        return Run(
            logs={"service": without_the_welcome(service.output), "functions": log.read_text()},
            records=records_of(service, others),
            hidden={*CURRENT.values(), *PREVIOUS.values(), PLAYERS_TOKEN, WRONG_TOKEN, WRONG_HASH, *provider.hidden},
            answered=provider.answered,
        )


class Provider:
    """Sends requests with everything secret in every place where it may stand."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.hidden: set[str] = set()
        self.answered: Counter[tuple[str, int]] = Counter()

    def send_of_all_sorts(self, kind: str) -> None:
        good = self.body(kind, "credited")
        self.send(kind, good, 0)
        self.send(kind, good, 0)
        self.send(kind, self.body(kind, "previous", PREVIOUS["hashSecret"]), 0, authToken=PREVIOUS["authToken"])
        if kind in MOVING:
            self.send(kind, self.body(kind, "credited", amount="77"), 53 if kind == "bet" else 61)
        if kind != "cancel":  # it only records the currency
            self.send(kind, self.body(kind, "currency", currency="EUR"), 52)
        two_hashes = self.body(kind, "hashes")
        self.send(kind, two_hashes | {"HASH": two_hashes["hash"]}, 0)
        # Not admitted.
        self.send(kind, good, 401, authToken=WRONG_TOKEN)
        self.send(kind, good, 401, authToken="", token=CURRENT["authToken"], hashSecret=CURRENT["hashSecret"])
        self.send(kind, good | {"hash": WRONG_HASH}, 401)
        self.send(kind, {name: good[name] for name in good if name != "hash"} | {"Hash": WRONG_HASH}, 401)
        self.send(kind, two_hashes | {"HASH": WRONG_HASH}, 401)
        self.send(kind, good | {"hash": [WRONG_HASH, {"token": WITHIN}]}, 401)
        # Faulty: what every field holds is kept as received for a person, but never logged.
        self.send(kind, self.body(kind, "absent", userId=None), 64)
        if kind in (*MOVING, "cancel"):
            self.send(kind, self.body(kind, "amount", amount=WITHIN, gameName=WITHIN), 59)
            self.send(kind, self.body(kind, {"authToken": WITHIN}), 57)
        self.send(kind, self.body(kind, "user", userId=f"{WITHIN}\n"), 57)
        self.send(kind, self.body(kind, "spellings", USERID=WITHIN), 57)
        # No JSON at all.
        text = json.dumps(good)
        self.send(kind, text[:-1], 99)
        self.send(kind, text.replace('", "', '" "'), 99)
        self.send(kind, text[:-1] + f', "hash": "{WRONG_HASH}"}}', 99)
        self.send(kind, text[:-1] + f', "{CURRENT["hashSecret"]}": {CURRENT["authToken"]}}}', 99)
        self.send(kind, json.dumps(good | {"gameName": CURRENT["hashSecret"] * 4000}), 99)
        not_text = text.encode() + b"\xff"
        self.hidden.add(base64.b64encode(not_text).decode()[:64])  # as it travels on
        self.send(kind, not_text, 99)

    def send_to_no_callback(self) -> None:
        good = self.body("result", "nowhere")
        paths = (f"/v4/{CURRENT['authToken']}", f"/v4/Result/{CURRENT['hashSecret']}", f"/{good['hash']}")
        for path in paths:
            assert self._service.post(path, good, params=CURRENT).status_code == 404
        for method in ("GET", "PUT", "DELETE"):
            answer = self._service.http.request(method, PATHS["result"], params=CURRENT | {"hash": good["hash"]})
            assert answer.status_code == 405
        with socket.create_connection(("127.0.0.1", self._service.port)) as raw:
            raw.sendall(f"POST /v4/Result?authToken={CURRENT['authToken']} {CURRENT['hashSecret']}\r\n\r\n".encode())
            assert b" 400 " in raw.recv(1000)

    def send_to_a_killed_worker(self, kind: str) -> None:
        for pid in children_of(self._service.process.pid):
            if f"functions/{kind}" in command_of(pid):
                os.kill(pid, signal.SIGKILL)
        body = self.body(kind, "killed")
        assert self.post_once(kind, body).json()["error"] == 998
        assert self.post(kind, body).json()["error"] == 0  # by its successor

    def send_while_stopped(self, stopped: Engine, what: str) -> None:
        """Requests that cannot be credited, and while the queues are stopped, not be kept either."""
        stopped.process.send_signal(signal.SIGSTOP)
        try:
            player = {"userId": "nobody"} if what == "queues" else {}
            body = self.body("result", what, **player)
            # Until it is the function that answers: the gateway does so when no worker is free.
            while not self._service.log_of(body["reference"]):
                assert self.post_once("result", body).json()["error"] == 998
            # The answer says to send again, the log what it was refused for.
            self.answered["result", 62 if what == "queues" else 998] += 1
        finally:
            stopped.process.send_signal(signal.SIGCONT)

    def body(self, kind: str, reference: Any, secret: str = CURRENT["hashSecret"], **changes: Any) -> dict[str, Any]:
        """A signed request, which carries tokens, and more of them within a field that is kept as received."""
        within = {"hash": WITHIN, "token": [WITHIN], "authToken": WITHIN}
        secrets = {"token": PLAYERS_TOKEN, "TOKEN": PLAYERS_TOKEN, "authToken": CURRENT["authToken"]}
        reference = f"{kind}-{reference}" if isinstance(reference, str) else reference
        body = request(kind, reference=reference, within=within, AuthToken=PREVIOUS["authToken"]) | secrets | changes
        body.pop("hash", None)
        body["hash"] = hash_of(json.dumps(body), secret)
        self.hidden.add(body["hash"])
        return body

    def send(self, kind: str, body: dict[str, Any] | str | bytes, error: int, **query: str) -> None:
        answer = self.post(kind, body, **query)
        assert answer.json()["error"] == error, (kind, body, answer.text)
        self.answered[kind, error] += 1

    def post(self, kind: str, body: dict[str, Any] | str | bytes, **query: str) -> httpx.Response:
        return self._post(self._service.post, kind, body, query)

    def post_once(self, kind: str, body: dict[str, Any]) -> httpx.Response:
        return self._post(self._service.post_once, kind, body, {})

    def _post(
        self,
        post: Callable[..., httpx.Response],
        kind: str,
        body: dict[str, Any] | str | bytes,
        query: Mapping[str, str],
    ) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {CURRENT['authToken']}",
            "Cookie": f"token={PLAYERS_TOKEN}",
            "User-Agent": PREVIOUS["authToken"],
            "X-Hash": WRONG_HASH,
        }
        return post(PATHS[kind], body, params={"authToken": CURRENT["authToken"], **query}, headers=headers)


def without_the_welcome(output: str) -> str:
    """Less its last line, a call to be copied: it carries the token of a developer's own secrets file."""
    lines = output.splitlines(keepends=True)
    (welcome,) = (line for line in lines if line.startswith("  curl -s 'http://127.0.0.1:"))
    assert welcome.count(CURRENT["authToken"]) == 1
    return "".join(line for line in lines if line is not welcome)


def records_of(service: Service, engine: Engine) -> dict[str, list[str]]:
    """What the tables and the queues hold, as text; what is hidden in a queue is waited for."""
    tables = [table["TableName"] for table in Template.load().tables()]
    records = {table: [json.dumps(item, default=str) for item in everything_in(service, table)] for table in tables}
    sqs = boto3.client("sqs", endpoint_url=engine.endpoint)
    for queue in Template.load().queues():
        url = sqs.get_queue_url(QueueName=queue.name)["QueueUrl"]
        counts = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
        held = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
        expected = sum(map(int, held.values()))
        messages: dict[str, str] = {}

        def are_all_received(url: str = url, messages: dict[str, str] = messages, expected: int = expected) -> bool:
            if len(messages) < expected:
                answer = sqs.receive_message(
                    QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600, WaitTimeSeconds=1
                )
                messages |= {message["MessageId"]: message["Body"] for message in answer.get("Messages", [])}
            return len(messages) >= expected

        wait_until(are_all_received)
        records[queue.name] = list(messages.values())
    return records


def test_a_whole_run_logs_no_secret_no_token_and_no_hash(whole_run: Run) -> None:
    for name, log in whole_run.logs.items():
        for hidden in (*whole_run.hidden, WITHIN):
            assert [line for line in log.splitlines() if hidden in line] == [], name


def test_a_whole_run_keeps_no_secret_no_token_and_no_hash(whole_run: Run) -> None:
    for name, records in whole_run.records.items():
        for hidden in whole_run.hidden:
            assert [record for record in records if hidden in record] == [], name
        for record in map(json.loads, records):
            assert not {"hash", "token", "authtoken"} & {field.lower() for field in request_in(record)}, name


def test_a_whole_run_logged_and_kept_what_it_had_to(whole_run: Run) -> None:
    """So that the tests above searched through what there is to search."""
    lines = [json.loads(line) for line in whole_run.logs["functions"].splitlines() if line.startswith('{"level"')]
    outcomes = [line for line in lines if line["message"] in OUTCOMES]
    logged = Counter((line["service"], line.get("code", 0)) for line in outcomes if "tries" not in line)
    assert whole_run.answered <= logged
    assert "parking failed" in {line["message"] for line in lines}
    assert "the function failed" in whole_run.logs["service"]

    kept = {
        (name, record.get("id", record.get("reference")))
        for name, records in whole_run.records.items()
        for record in map(json.loads, records)
        if WITHIN in request_in(record).get("within", {}).values()
    }
    for kind in (*MOVING, "cancel"):
        recorded = "bet" if kind == "cancel" else kind  # what a cancel remembers has its bet's id
        transactions = {(f"{recorded}#{kind}-{reference}") for reference in ("credited", "previous", "hashes")}
        assert {("Transactions", id) for id in transactions} < kept
    for kind in (*WINS, "cancel"):
        unclear = ("absent", "amount", "user", "spellings")
        for reference in unclear if kind == "cancel" else ("credited", "currency", *unclear):
            assert (f"{kind.title()}DeadLetters", f"{kind}-{reference}") in kept
    for kind in WINS:
        assert (f"{kind.title()}RetryQueue", f"{kind}-nobody") in kept


def request_in(record: Mapping[str, Any]) -> dict[str, Any]:
    """The request that a transaction or a message keeps; {} in what keeps none."""
    return json.loads(record.get("request", "{}"))

"""The local service as its users have it: real processes, real HTTP, a real engine."""

import json
import os
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Context, Decimal, Inexact
from functools import reduce
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from conftest import EVENTS, ROOT, published
from local_service import (
    HANG_SECONDS,
    Service,
    children_of,
    command_of,
    has_a_connection,
    running,
    start,
    until_it_hangs,
    wait_until,
    wait_until_gone,
)
from tools.local.engine import engine, free_port, listener
from tools.provider.certify.command import certify
from tools.shared.folders import announcement

certification = typer.Typer()
certification.command()(certify)

CERTIFIED = "5103188801"  # a whole number, which may then also be sent as one
PLAYERS = [
    {"userId": "421", "currency": "USD", "cash": "99889.99", "bonus": "99.99"},
    {"userId": "hot", "currency": "USD", "cash": "1000.50", "bonus": "0"},
    {"userId": "exact", "currency": "USDT", "cash": "0.000000000000000001", "bonus": "0"},
    {"userId": "safe", "currency": "USD", "cash": "5", "bonus": "5"},
    {"userId": CERTIFIED, "currency": "EUR", "cash": "0.1", "bonus": "0"},
    {"userId": "certified too", "currency": "EUR", "cash": "0", "bonus": "0"},
    {"userId": "frozen", "currency": "EUR", "cash": "0", "bonus": "0"},
]


@pytest.fixture(scope="module")
def players(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("players") / "players.json"
    path.write_text(json.dumps(PLAYERS))
    return path


@pytest.fixture(scope="module")
def service(players: Path) -> Iterator[Service]:
    with running(PLAYERS=str(players), WORKERS="2") as service:
        yield service


@pytest.fixture(scope="module")
def guarded(players: Path) -> Iterator[Service]:
    """A service that checks tokens and hashes."""
    with running(PLAYERS=str(players), SECRETS=str(EVENTS / "secrets.json"), WORKERS="2") as service:
        yield service


# --- The published examples -------------------------------------------------------------------------


def test_the_published_examples_are_answered_as_published_one_after_the_other(service: Service) -> None:
    def send(event_name: str) -> httpx.Response:
        event = json.loads((EVENTS / f"{event_name}.json").read_text())
        return service.post(event["path"], event["body"], params=event["queryStringParameters"] or {})

    answers = {name: send(name) for name in ("result", "auto_closing", "jackpot", "bonus", "promo")}

    assert all(answer.status_code == 200 for answer in answers.values())
    assert all(answer.headers["content-type"] == "application/json" for answer in answers.values())
    balances = {name: re.findall(r'"(?:cash|bonus)": ([^,]+)', answer.text) for name, answer in answers.items()}
    assert balances == {
        "result": ['"99899.99"', '"99.99"'],  # the published figure, in the published notation
        "auto_closing": ["99899.99", "99.99"],  # the same round closed again: a replay
        "jackpot": ["99954.99", "99.99"],
        "bonus": ["99955.99", "100.99"],
        "promo": ['"100455.99"', '"100.99"'],
    }
    for answer in answers.values():
        assert list(answer.json()) == ["transactionId", "currency", "cash", "bonus", "error", "description"]
    assert answers["result"].json()["transactionId"] == answers["auto_closing"].json()["transactionId"]


@pytest.mark.parametrize("path", ["/V4/JackPotWin", "/bonuswin", "/V4/PromoWin"])
def test_an_example_with_its_commas_missing_gets_99(service: Service, path: str) -> None:
    event = next(e for e in map(json.loads, (p.read_text() for p in EVENTS.glob("*.json"))) if path in str(e))
    unrepaired = event["body"].replace('",\n    "timestamp"', '"\n    "timestamp"')
    assert unrepaired != event["body"]

    answer = service.post(path, unrepaired)

    assert (answer.status_code, answer.json()["error"]) == (400, 99)


# --- Exactly once, truly in parallel ----------------------------------------------------------------


def test_two_hundred_concurrent_deliveries_of_fifty_references_are_fifty_credits(service: Service) -> None:
    random.seed(421)
    deliveries = [
        published("result", userId="hot", reference=f"round-{number}", roundId=f"{number}", amount=f"{number}.25")
        for number in range(50)
        for _ in range(4)
    ]
    random.shuffle(deliveries)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda body: service.post("/v4/Result", body), deliveries))

    assert Counter(answer.status_code for answer in answers) == {200: 200}
    transaction_ids = Counter(answer.json()["transactionId"] for answer in answers)
    assert set(transaction_ids.values()) == {4}
    ledger = service.ledger("hot")
    assert [item["seq"] for item in ledger] == list(range(1, 52))
    balances = [Decimal(0), *(item["cashAfter"] for item in ledger)]
    assert all(
        after == before + item["amount"] for before, after, item in zip(balances, balances[1:], ledger, strict=False)
    )
    assert service.wallet("hot")["cash"] == Decimal("1000.50") + sum(Decimal(f"{number}.25") for number in range(50))
    assert service.wallet("hot")["version"] == 51


def test_an_amount_is_credited_and_answered_to_the_last_digit(service: Service) -> None:
    body = json.dumps(published("result", userId="exact", currency="USDT", reference="exact", amount=0))
    body = body.replace('"amount": 0', '"amount": 12345678901234.123456789012345678')

    answer = service.post("/v4/Result", body)

    assert '"cash": 12345678901234.123456789012345679,' in answer.text
    assert service.wallet("exact")["cash"] == Decimal("12345678901234.123456789012345679")


@pytest.fixture(scope="module")
def fragile(players: Path) -> Iterator[Service]:
    """A service whose worker of promo is killed, one for each function."""
    with running(PLAYERS=str(players), WARM="1") as service:
        yield service


def workers_of_promo(service: Service) -> list[int]:
    return [pid for pid in children_of(service.process.pid) if "functions/promo" in command_of(pid)]


def test_a_crashed_worker_answers_998_and_is_replaced(fragile: Service) -> None:
    (worker,) = workers_of_promo(fragile)
    os.kill(worker, signal.SIGKILL)

    crashed = fragile.post_once("/V4/PromoWin", published("promo"))
    retransmitted = fragile.post("/V4/PromoWin", published("promo"))

    assert (crashed.status_code, crashed.json()["error"]) == (503, 998)
    assert (retransmitted.status_code, retransmitted.json()["cash"]) == (200, "100389.99")


def test_a_worker_that_crashes_while_it_starts_is_replaced_all_the_same(fragile: Service) -> None:
    killed = 0
    while killed < 2:
        for pid in workers_of_promo(fragile):
            os.kill(pid, signal.SIGKILL)
            killed += 1
        with suppress(httpx.TransportError):
            fragile.post_once("/V4/PromoWin", "{}", timeout=0.2)  # so that the crash is noticed
    paid = fragile.post("/V4/PromoWin", published("promo", userId="hot", reference="after the crash"))

    assert paid.json()["cash"] == "1500.5"


def test_a_win_of_a_player_who_comes_later_is_paid_from_the_retry_queue(service: Service) -> None:
    refused = service.post("/V4/PromoWin", published("promo", userId="late", reference="late"))
    assert (refused.status_code, refused.json()["error"]) == (200, 62)

    service.tables().Table("Players").put_item(
        Item={"userId": "late", "currency": "USD", "cash": Decimal(1), "bonus": Decimal(0), "version": 0}
    )

    wait_until(lambda: service.wallet("late")["version"])
    assert service.wallet("late")["cash"] == 501
    assert [item["id"] for item in service.ledger("late")] == ["promo#late"]


# --- Certified like any other operator --------------------------------------------------------------


def certified(service: Service, *options: str) -> dict[str, Any]:
    """What `walletctl certify` says of it to a machine, once every case that was tried has passed."""
    few = (
        "--copies",
        "4",
        "--timeout-seconds",
        str(HANG_SECONDS),
    )  # hundreds at once are sent above; a busy machine is slow
    arguments = [str(service.http.base_url), "--player", CERTIFIED, "--json", *few, *options]
    result = CliRunner().invoke(certification, arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


WITHOUT_A_SECRET = [
    "jackpot and bonus may be identified by a uuid",
    "a jackpot or total without hash and uuid is refused with 64",
]


def test_the_service_passes_every_case_of_the_certification(guarded: Service) -> None:
    """With secrets set, since all that is tried without them is then tried too, but for the cases named above."""
    secret = ("--secret-file", str(EVENTS / "secrets.json"))
    freezing = {"freeze": {"userId": "frozen", "actor": "a test", "reason": "to be refused"}}
    frozen = guarded.post("/2015-03-31/functions/CashierFunction/invocations", freezing)
    assert frozen.json()["frozen"] is True
    players = ("--other-player", "certified too", "--frozen-player", "frozen")
    said = certified(guarded, "--large-amounts", *players, *secret)

    not_tried = [case["case"] for case in said["cases"] if case["verdict"] == "not tried"]
    assert (said["failed"], not_tried, said["movedBetween"]) == (0, WITHOUT_A_SECRET, [])
    # By its own tables, too, it has what it was told to have.
    assert guarded.wallet(CERTIFIED)["cash"] == exact_sum("0.1", said["creditedCash"])
    assert guarded.wallet(CERTIFIED)["bonus"] == exact_sum("0", said["creditedBonus"])


def test_the_service_passes_without_a_secret_what_needs_that_there_is_none(service: Service) -> None:
    cases = (f"--case={name}" for name in WITHOUT_A_SECRET)
    said = certified(service, "--group=credit", *cases)

    assert {case["case"] for case in said["cases"]} > {*WITHOUT_A_SECRET}
    assert (said["failed"], said["notTried"], said["movedBetween"]) == (0, 0, [])
    assert service.wallet(CERTIFIED)["cash"] == exact_sum("0.1", said["creditedCash"])


def exact_sum(*amounts: str) -> Decimal:
    # The language's own context has 28 digits, and rounds.
    return reduce(Context(prec=38, traps=[Inexact]).add, map(Decimal, amounts))


# --- What a network brings --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b"", {}, id="no body"),
        pytest.param(random.Random(1).randbytes(500), {}, id="random bytes"),
        pytest.param(b'{"userId": "\xff\xfe"}', {}, id="not UTF-8"),
        pytest.param(b"[" * 60_000, {}, id="nested without end"),
        pytest.param(b'{"a":' * 10_000, {}, id="objects without end"),
        pytest.param(b'{"amount": 1' + b"0" * 60_000 + b"}", {}, id="a number without end"),
        pytest.param(b"a" * 1_000_000, {}, id="one megabyte"),
        pytest.param(b"a" * 11_000_000, {}, id="more than the gateway takes"),
        pytest.param(b"userId=safe&amount=5", {"Content-Type": "application/x-www-form-urlencoded"}, id="a form"),
        pytest.param(b"<xml/>", {"Content-Type": "text/xml"}, id="XML"),
    ],
)
@pytest.mark.parametrize("path", ["/v4/Result", "/V4/JackPotWin", "/bonuswin", "/V4/PromoWin"])
def test_what_is_no_request_is_refused_and_moves_nothing(
    service: Service, path: str, body: bytes, headers: dict[str, str]
) -> None:
    answer = service.post(path, body, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["error"] in (99, 64)
    assert list(answer.json()) == ["error", "description"]
    assert service.wallet("safe")["version"] == 1


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/octet-stream", "nonsense", "application/json; a=b"]
)
def test_a_request_is_read_whatever_its_content_type_says(service: Service, content_type: str) -> None:
    body = published("promo", userId="exact", currency="USDT", reference=content_type, amount="0")

    assert service.post("/V4/PromoWin", body, headers={"Content-Type": content_type}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_what_is_no_post_gets_405(service: Service, method: str) -> None:
    answer = service.http.request(method, "/v4/Result")

    assert (answer.status_code, answer.json()["error"], answer.headers["allow"]) == (405, 405, "POST")


@pytest.mark.parametrize("path", ["/", "/v4/result", "/V4/Result/", "/v4/Result/x", "/favicon.ico"])
def test_no_such_path_gets_404(service: Service, path: str) -> None:
    answer = service.post(path, published("result"))

    assert (answer.status_code, answer.json()) == (404, {"error": 404, "description": "No such path"})


# --- For the developer ------------------------------------------------------------------------------


def test_the_start_shows_urls_players_and_a_request_that_works(service: Service) -> None:
    assert str(service.http.base_url) + "/v4/JackPotWin" in service.output
    assert "each path under /v4/ also under /V4/ and /v1/" in service.output
    assert "421      99889.99 USD, bonus 99.99" in service.output
    assert send_as_shown(service).json()["error"] == 0


def send_as_shown(service: Service) -> httpx.Response:
    """Sends the request that the start shows, as a shell would read it."""
    curl = next(line for line in service.output.splitlines() if line.strip().startswith("curl"))
    _, _, url, _, body = shlex.split(curl)
    place, _, query = url.removeprefix(str(service.http.base_url)).partition("?")
    return service.post(place, body, params=query)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_with_status_0(players: Path, how: signal.Signals) -> None:
    with running(PLAYERS=str(players)) as service:
        started = children_of(service.process.pid)

        assert service.stop(how) == 0

        wait_until_gone(started)
        assert service.output.splitlines().count(f"wallet: stopped by {how.name}") == 1
        assert service.said[-1] == f"wallet: stopped by {how.name}\n"


def test_nohup_outlives_its_terminal_and_is_ended_by_sigterm() -> None:
    program = (
        "import os, signal; from tools.local.lifetime import leave_on_signals; leave_on_signals(); "
        "os.kill(os.getpid(), signal.SIGHUP); print('still here', flush=True); os.kill(os.getpid(), signal.SIGTERM)"
    )
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=HANG_SECONDS, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )  # fmt: skip

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "still here\n", "")


def test_a_free_port_is_none_that_an_outgoing_connection_gets() -> None:
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())

    assert not any(first <= free_port() <= last for _ in range(50))


def test_a_signal_during_the_start_leaves_nothing_behind(players: Path) -> None:
    service = start(PLAYERS=str(players))
    wait_until(lambda: children_of(service.process.pid))
    started = children_of(service.process.pid)

    assert service.stop() == 0

    wait_until_gone(started)
    assert "wallet: stopped by " in service.said[-1]


def test_a_service_that_is_killed_takes_everything_with_it(players: Path) -> None:
    with running(PLAYERS=str(players), WARM="1") as service:
        started = children_of(service.process.pid)
        assert len(started) == 10, "the engine, and a worker for each of nine functions"

        service.stop(signal.SIGKILL)

        wait_until_gone(started)


def test_secrets_of_a_file_are_checked_and_the_request_shown_carries_the_token(guarded: Service) -> None:
    refused = guarded.post("/v4/Result", published("result"))
    admitted = send_as_shown(guarded)

    assert (refused.status_code, refused.json()) == (401, {"error": 401, "description": "Unauthorized"})
    assert admitted.json()["cash"] == "99899.99"


def test_a_developers_own_environment_leads_neither_to_an_account_nor_to_a_proxy(players: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    elsewhere = {
        "http_proxy": nowhere,
        "HTTP_PROXY": nowhere,
        "AWS_PROFILE": "none",
        "AWS_ENDPOINT_URL_DYNAMODB": nowhere,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_ACCESS_KEY_ID": "of-an-account",
    }
    with running(PLAYERS=str(players), **elsewhere) as service:
        assert service.post("/v4/Result", published("result")).json()["cash"] == "99899.99"


def test_a_stop_answers_whoever_still_waits(players: Path) -> None:
    with running(PLAYERS=str(players), WARM="1") as service, ThreadPoolExecutor(1) as pool:
        children = {pid: command_of(pid) for pid in children_of(service.process.pid)}
        workers = [pid for pid, command in children.items() if "functions/result" in command]
        engine = next(pid for pid, command in children.items() if "ministack" in command)
        os.kill(engine, signal.SIGSTOP)
        try:
            waiting = pool.submit(
                httpx.post, f"{service.http.base_url}/v4/Result", json=published("result"), timeout=HANG_SECONDS
            )
            wait_until(lambda: any(map(has_a_connection, workers)))
            status = service.stop()
            answer = waiting.result()
        finally:
            with suppress(ProcessLookupError):
                os.kill(engine, signal.SIGCONT)

        assert (answer.status_code, answer.json()["error"]) == (503, 998)
        assert status == 0
        assert "Traceback" not in service.output


def test_an_engine_that_runs_already_is_used_and_its_wallets_are_kept(players: Path, service: Service) -> None:
    before = service.wallet("421")
    endpoint = service.tables().meta.client.meta.endpoint_url

    with running(PLAYERS=str(players), AWS_ENDPOINT_URL=endpoint) as second:
        started = [command_of(pid) for pid in children_of(second.process.pid)]

        assert not [command for command in started if "ministack" in command]
        assert second.wallet("421") == before


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        pytest.param({"PORT": "0"}, "PORT must be a whole number", id="no port"),
        pytest.param({"PORT": "http"}, "PORT must be a whole number", id="a port that is no number"),
        pytest.param({"WORKERS": "1000"}, "WORKERS must be a whole number", id="too many workers"),
        pytest.param({"PLAYERS": "no/such.json"}, "no/such.json cannot be read: No such file", id="no players file"),
        pytest.param({"PLAYERS": "Makefile"}, "Makefile is not JSON", id="a players file that is no JSON"),
        pytest.param({"PLAYERS": "events/result.json"}, "is not a list of players", id="another file"),
        pytest.param({"SECRETS": "no/such.json"}, "no/such.json cannot be read", id="no secrets file"),
        pytest.param({"SECRETS": "events/players.json"}, "is not of the form of events/secrets.json", id="no secrets"),
        pytest.param({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "cannot be prepared", id="no engine there"),
        pytest.param({"AWS_ENDPOINT_URL": "nonsense"}, "cannot be prepared", id="no URL"),
    ],
)
def test_a_developers_mistake_is_told_in_one_line(environment: dict[str, str], said: str) -> None:
    service = start(**environment)

    assert service.process.wait(HANG_SECONDS) == 1
    service.stop()
    assert said in service.output
    assert len(service.said) == 1


@pytest.mark.parametrize(
    ("player", "said"),
    [
        pytest.param({"cash": "-1"}, "player 2 of {path}: cash is not an amount: '-1'", id="negative"),
        pytest.param({"bonus": "1e33"}, "player 2 of {path}: bonus is not an amount: '1e33'", id="too many digits"),
        pytest.param({"currency": " "}, "player 2 of {path}: currency must be 1 to 128 char", id="no currency"),
        pytest.param({"currency": "USD "}, "without spaces at its ends, not 'USD '", id="a space nobody sees"),
        pytest.param({"userId": ""}, "player 2 of {path}: userId must be 1 to 128 characters", id="no id"),
        pytest.param({"userId": "a\nb"}, "player 2 of {path}: userId must be 1 to 128 characters", id="two lines"),
        pytest.param({"userId": 7}, None, id="a number for an id is text enough"),
        pytest.param({"userId": "421"}, "names a userId twice", id="twice the same"),
        pytest.param({"userId": ["x"]}, "player 2 of {path}: userId and currency are texts", id="a list for an id"),
        pytest.param({"cahs": "1"}, "player 2 of {path} must have exactly the fields", id="a misspelt field"),
    ],
)
def test_a_faulty_player_is_named(tmp_path: Path, player: dict[str, Any], said: str | None) -> None:
    from tools.local.wallets import read_players
    from tools.shared.trouble import Trouble

    path = tmp_path / "players.json"
    path.write_text(json.dumps([PLAYERS[0], PLAYERS[1] | player]))

    if said is None:
        assert read_players(path)[1].user_id == "7"
        return
    with pytest.raises(Trouble, match=re.escape(said.format(path=path))):
        read_players(path)


@pytest.mark.parametrize("currency", ["$", "RTP token", "usd", "a currency of more than ten"])
def test_a_players_file_takes_every_currency_that_players_add_takes(tmp_path: Path, currency: str) -> None:
    from tools.local.wallets import read_players
    from tools.walletctl.players.opening import opening_of

    path = tmp_path / "players.json"
    player = {"userId": "421", "currency": currency, "cash": "1", "bonus": "0"}
    path.write_text(json.dumps([player]))

    assert read_players(path) == [opening_of(user_id="421", currency=currency, cash="1", bonus="0")]


def test_a_taken_port_is_told_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service = start(PORT=str(taken.getsockname()[1]))

        assert service.process.wait(HANG_SECONDS) == 1
        service.stop()
    assert re.fullmatch(
        r"wallet: port \d+ cannot be had: Address already in use; choose another with PORT=...\n", service.output
    )


# --- An engine that goes away -----------------------------------------------------------------------


def test_tables_that_go_away_and_come_back_cost_no_win(players: Path, tmp_path: Path) -> None:
    port = free_port()
    with engine(port, tmp_path) as tables:
        service = start(PLAYERS=str(players), TABLES_ENDPOINT=tables.endpoint)
        service.wait_until_ready()
        place = json.loads(announcement(service.port).read_text())
        assert (place["pid"], place["dynamodb"]) == (service.process.pid, tables.endpoint)
        assert place["sqs"] != tables.endpoint
        assert service.post("/v4/Result", published("result", reference="before")).status_code == 200
    try:
        for _ in until_it_hangs():  # the gateway turns one away if no worker is free, and has not kept it
            refused = service.post_once("/v4/Result", published("result", reference="meanwhile"))
            assert (refused.status_code, refused.json()["error"]) == (503, 998)
            if service.log_of("meanwhile"):
                break

        with engine(port, tmp_path):
            wait_until(lambda: re.search(r'kept "meanwhile", retry \d+: done', service.output))

            assert [item["id"] for item in service.ledger("421")] == [
                "opening#421", "result#before", "result#meanwhile"
            ]  # fmt: skip
            assert service.wallet("421")["cash"] == Decimal("99909.99")
    finally:
        service.stop()
    assert not announcement(service.port).exists()


def test_the_service_ends_with_its_embedded_engine(players: Path) -> None:
    with running(PLAYERS=str(players)) as service:
        embedded = next(pid for pid in children_of(service.process.pid) if "ministack" in command_of(pid))
        os.kill(embedded, signal.SIGKILL)

        assert service.process.wait(HANG_SECONDS) == 1
        service.stop()
    assert "wallet: the local engine has stopped" in service.output
    assert "Traceback" not in service.output


def test_an_answer_on_a_kept_connection_is_not_held_back() -> None:
    # What asyncio goes by when it sets TCP_NODELAY; the measure itself is in `make bench`.
    with listener(free_port(), "PORT=...") as listening:
        assert listening.proto == socket.IPPROTO_TCP

"""`walletctl certify` as a person meets it: its table, its status, its report, and what it says of mistakes."""

import asyncio
import csv
import html
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from typer.testing import CliRunner, Result

from conftest import ROOT
from contract import Refused, Wallet
from local_service import HANG_SECONDS
from tools.local.engine import free_port
from tools.provider.answers import Answer, Balances
from tools.provider.certify.cases import CASES
from tools.provider.certify.catalogue import BEYOND_WINS, GROUPS
from tools.provider.certify.command import certify
from tools.provider.certify.provider import OWN_PATHS, Exchange
from tools.provider.certify.run import Certification, CertifySettings
from tools.provider.certify.show import cleaning_up
from tools.provider.certify.trial import Players, uuid_mark
from tools.shared.trouble import Trouble

from .rival import Rival, serving
from .wrong import CheckThenInsert

SECRETS = {"current": {"hashSecret": "hash & secret", "authToken": "auth/token=&?"}}

app = typer.Typer()
app.command()(certify)


@pytest.fixture
def url() -> Iterator[str]:
    with serving(Rival()) as url:
        yield url


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "secret.json"
    file.write_text(json.dumps(SECRETS))
    return file


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a run writes down what failed."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "walletctl" / "certify-failed.json"


def run(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)


def trouble_of(*arguments: str | Path, **environment: str) -> str:
    """What it says instead of running, which is one line."""
    result = run(*arguments, **environment)
    assert isinstance(result.exception, Trouble), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


# --- Verdicts ---------------------------------------------------------------------------------------


def test_a_right_operator_gets_status_0_and_a_table(url: str) -> None:
    result = run(url, "--player", "421", "--group", "credit", "--group", "auto-closing")

    assert result.exit_code == 0, result.output
    assert "a win is added to cash" in result.stdout
    assert "30 passed, 0 failed, 0 not tried" in result.stdout
    assert re.search(r"Credited [0-9.]+ USD to cash and 0\.\d\d to bonus of player 421, by references", result.stdout)
    assert re.search(r"refused with 52, 61, 62, and may be kept by the operator", result.stdout)


def test_a_wallet_that_somebody_else_moves_certifies_nothing() -> None:
    class Shared(Rival):
        """Has another customer, who wins once between finding the wallet and the first case."""

        calls = 0

        async def settled(self, request: Request) -> str:
            self.calls += 1
            if self.calls == 3:
                self.wallets["421"] = replace(self.wallets["421"], cash=self.wallets["421"].cash + 1)
            return await super().settled(request)

    with serving(Shared()) as url:
        result = run(url, "--player", "421", "--case", "a win is added to cash")

    assert "1 passed, 0 failed" in result.stdout
    assert isinstance(result.exception, Trouble)
    assert "somebody else moved the wallet of 421" in str(result.exception)


def test_a_race_is_lost_over_real_connections_and_gets_status_1() -> None:
    with serving(CheckThenInsert(pause_seconds=0.05)) as url:
        result = run(url, "--player", "421", "--case", "copies of a result at once")

    assert result.exit_code == 1
    assert re.search(r"copies of a result at once are one credit\s+page\s+failed *\n\s+expected cash ", result.stdout)
    assert re.search(r"\n\s+got cash [0-9.]+", result.stdout)
    assert "failed: concurrency: copies of a result at once are one credit" in result.stdout


def test_a_secret_file_of_the_operators_form_is_used(secret_file: Path) -> None:
    with serving(Rival(hash_secrets=("hash & secret",), auth_tokens=("auth/token=&?",))) as url:
        result = run(url, "--player", "421", "--secret-file", secret_file, "--group", "trust")

    assert result.exit_code == 0, result.output
    assert ", 0 not tried" in result.stdout


def test_the_secret_may_stand_in_the_environment() -> None:
    with serving(Rival(hash_secrets=("h",), auth_tokens=("t",))) as url:
        result = run(url, "--player", "421", "--case", "right-hash", CERTIFY_HASH_SECRET="h", CERTIFY_AUTH_TOKEN="t")

    assert result.exit_code == 0, result.output


def test_an_operator_may_have_paths_of_its_own() -> None:
    class Elsewhere(Rival):
        async def settled(self, request: Request) -> str:
            path = request.url.path.removeprefix("/secret-corner")
            request.scope["path"] = {"/win": "/v4/Result", "/jp": "/V4/JackPotWin"}.get(path, path + "?")
            return await super().settled(Request(request.scope, request.receive))

    with serving(Elsewhere()) as url:
        result = run(
            *(f"{url}/secret-corner/", "--player", "421", "--result-path", "/win", "--jackpot-path", "/jp"),
            *("--auto-closing-path", "/win", "--group", "jackpots", "--case", "by-all-its-paths"),
        )

    assert result.exit_code == 1  # by the promotion's paths, which were not named
    assert "not tried: 2, because this operator's paths are its own" in result.stdout
    assert "failed: dialects: a promotion may come by all its paths" in result.stdout
    assert "failed: bets: a bet may come by all its paths" in result.stdout


def test_an_operator_without_bets_is_certified_for_the_wins_alone_and_the_report_says_so(tmp_path: Path) -> None:
    report, choice = tmp_path / "report.html", ("--group", "credit", "--wins-only")
    with serving(Rival(wins_only=True)) as url:
        result = run(url, "--player", "421", *choice, "--html", report)
        as_json = run(url, "--player", "421", *choice, "--json")

    said = (
        "Certified for the wins alone, as --wins-only asks: nothing was sent to balance, check, bet, cancel, refund or"
    )
    assert result.exit_code == as_json.exit_code == 0, result.output
    assert said in " ".join(result.stdout.split())
    assert said in html.unescape(report.read_text())
    assert "for the wins alone</h1>" in report.read_text()
    assert json.loads(as_json.stdout)["calls"] == "wins"


def test_an_operator_without_bets_fails_the_cases_of_bets_unless_they_are_left_out() -> None:
    with serving(Rival(wins_only=True)) as url:
        result = run(url, "--player", "421", "--case", "a bet is taken from cash", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["calls"] == "all"
    assert "no case is left by this choice" in trouble_of("--list", "--group", "bets", "--wins-only")


def test_a_frozen_player_has_cases_of_a_frozen_player(url: str) -> None:
    chosen = ("--case", "frozen player")
    without = run(url, "--player", "421", *chosen, "--case", "a bet is taken from cash")
    frozen = run(url, "--player", "421", "--frozen-player", "423", *chosen)

    assert "not tried: 4, because no frozen player was given" in without.stdout
    assert "4 passed, 0 failed, 0 not tried" in frozen.stdout
    assert "there is no frozen player nobody" in trouble_of(
        url, "--player", "421", "--frozen-player", "nobody", *chosen
    )


def test_json_says_all_of_it_to_a_machine(url: str) -> None:
    result = run(url, "--player", "421", "--group", "money", "--json")

    said = json.loads(result.stdout)
    assert (said["failed"], said["notTried"], said["currency"]) == (0, 2, "USD")
    assert {case["verdict"] for case in said["cases"]} == {"passed", "not tried"}
    assert said["refusals"] == {"59": 64}


def test_csv_has_a_row_for_each_case(url: str) -> None:
    result = run(url, "--player", "421", "--group", "jackpots", "--csv")

    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert len(rows) == 10
    assert {row["verdict"] for row in rows} == {"passed"}


def test_csv_gives_a_spreadsheet_no_formula() -> None:
    class Hostile(Rival):
        def refusal(self, refused: Refused) -> Response:
            return Response("=cmd()", 400)

    with serving(Hostile()) as url:
        result = run(url, "--player", "421", "--case", "tell what was wrong", "--case", "names the field that", "--csv")

    assert result.exit_code == 1
    cells = [cell for row in csv.reader(io.StringIO(result.stdout)) for cell in row]
    assert any("=cmd()" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_the_list_needs_no_operator() -> None:
    listed = run("--list", "--json")
    by_page = run("--list", "--from", "page", "--csv")

    assert len(json.loads(listed.stdout)) == len(CASES)
    rows = list(csv.DictReader(io.StringIO(by_page.stdout)))
    assert 40 < len(rows) < len(CASES)
    assert {row["from"] for row in rows} == {"page"}


def test_a_run_can_be_repeated_on_an_operator_that_is_empty_again() -> None:
    bodies: list[list[bytes]] = []

    class Listening(Rival):
        async def settled(self, request: Request) -> str:
            bodies[-1].append(re.sub(rb'"timestamp": "\d+"', b"", await request.body()))
            return await super().settled(request)

    for _ in range(2):
        bodies.append([])
        with serving(Listening()) as url:
            assert run(url, "--player", "421", "--group", "promotions", "--run-id", "again").exit_code == 0

    assert bodies[0] == bodies[1]


def test_the_documentation_counts_the_cases() -> None:
    text = (ROOT / "docs" / "tools" / "certify.md").read_text()
    counted = Counter((case.group, case.source.origin) for case in CASES)

    assert f"{len(CASES)} promises of the callbacks" in text
    for group in GROUPS:
        page, contract = (str(counted[group, origin] or "") for origin in ("page", "contract"))
        assert f"\n| {group} | {page}{' ' if page else ''}| {contract} | " in text, group
    ended = [[int(each) for each in found] for found in re.findall(r"(\d+) passed, 0 failed, (\d+) not tried", text)]
    of_wins = [case for case in CASES if case.group not in BEYOND_WINS]
    assert [passed + not_tried for passed, not_tried in ended] == [len(CASES), len(of_wins)]


# --- What it leaves, and what failed ------------------------------------------------------------------


def test_it_says_before_it_starts_what_it_will_leave_and_leaves_that(url: str) -> None:
    result = run(url, "--player", "421", "--group", "conflicts", "--group", "credit", "--run-id", "r1")

    said = re.search(r"(\d+) cases leave about ([\d,]+) transactions of player 421 for ever", result.stderr)
    refused = re.search(r"refuses about (\d+) wins and cancels for good and (\d+) for now", result.stderr)
    stays = re.search(r"What stays: ([\d,]+) transactions, whose references begin with cert-r1-", result.stderr)
    assert said
    assert refused
    assert stays
    assert int(said[1]) == sum(case.group in ("conflicts", "credit") for case in CASES)
    assert 0 <= int(stays[1]) - int(said[2]) <= 10, "but for finding the wallet"
    kept = re.search(r"(\d+) requests were refused with 52, 61, 62, and may be kept", result.stdout)
    assert kept
    assert int(kept[1]) == int(refused[1]) + int(refused[2])
    alarms = re.search("of this project's alarms, these may fire: (.+)", result.stderr)
    assert alarms
    assert alarms[1].split(", ")[:4] == ["dead-letter-arrived", "dead-letters", "conflicts", "parked-long"]
    assert "unauthenticated" not in alarms[1]


def test_what_it_will_leave_is_of_the_cases_that_are_chosen(url: str) -> None:
    one = run(url, "--player", "421", "--case", "a win is added to cash")

    assert "certify: 1 case leaves about " in one.stderr
    assert "may fire" not in one.stderr
    assert "dead letters" not in one.stderr
    assert "parked discard" not in one.stderr


def test_it_ends_with_the_commands_that_remove_what_can_be_removed(url: str, tmp_path: Path) -> None:
    result = run(url, "--player", "421", "--group", "conflicts", "--run-id", "r1")

    commands = re.findall("^  (walletctl .+)$", result.stderr, re.MULTILINE)
    assert [command.split()[1:4] for command in commands] == [
        *(["parked", "discard", callback] for callback in ("result", "jackpot", "bonus", "promo")),
        ["withdraw", "421", re.search("Credited ([0-9.]+) USD", result.stdout)[1]],  # pyright: ignore[reportOptionalSubscript]
        ["adjust", "421", "0"],
    ]
    port = url.rpartition(":")[2]
    assert {each for command in commands for each in re.findall("--port [0-9]+", command)} == {f"--port {port}"}
    assert [command.count(f"--port {port}") for command in commands] == [2, 2, 2, 2, 1, 1], (
        "wherever WALLETCTL_STACK leads"
    )
    ids = [
        "a3b5c668-ffcb-4280-8ce2-96b52bd3c77e",
        "6ef2e859-4caa-4ece-a0d4-9d74a6b0e4de",
        "7c1d6e0a-1f0b-4b7e-9a57-0d1f0f6f3a11",
    ]
    listed = [
        "callback,reference,messageId,copies,request",
        f"result,cert-r1-042-3,{ids[0]},2,{{}}",
        f'result,cert-r1-042-3,{ids[0]},1,"{{""amount"": 2}}"',
        f'result,"a, b",{ids[1]},1,"{{""roundId"": ""cert-r1-042-r1""}}"',
        f'result,,{ids[2]},1,"{{""uuid"": ""{uuid_mark("r1")}12""}}"',
        "result,cert-r2-042-1,8558c3fe-2909-47c6-bcc5-583abf5df269,1,{}",
    ]
    (tmp_path / "listed").write_text("\n".join(listed) + "\n")
    stand_in = """walletctl() { if [ "$2" = list ]; then cat listed; else printf '%s\\n' "$@" >>called; fi; }"""
    subprocess.run(  # noqa: S603 - what a person would paste
        ["/bin/bash", "-ec", f"{stand_in}\n{commands[0]}"], cwd=tmp_path, env=_environment(), check=True
    )
    called = (tmp_path / "called").read_text().splitlines()
    assert called[:7] == ["parked", "discard", "result", "--port", port, "--reason", "certify r1"]
    assert sorted(called[7:]) == sorted([*ids[1:], "cert-r1-042-3"]), "a reference means all its copies"


def test_a_command_that_removes_money_names_the_place_that_was_tested() -> None:
    def said(url: str) -> list[str]:
        settings = CertifySettings(url=url, player_id="421", paths=OWN_PATHS, run_id="r1")
        certification = Certification(settings=settings, cases=())
        certification.player = Players(id="421", currency="USD")
        certification.before, certification.after = Balances(Decimal(1), Decimal(0)), Balances(Decimal(3), Decimal(1))
        url = f"{url}{OWN_PATHS['result']}"
        answer = Answer(status=200, text='{"error": 0, "transactionId": "t"}')
        certification.opening = (Exchange(why="", method="POST", url=url, request_body="{}", answer=answer, seconds=0),)
        return [line.strip() for line in cleaning_up(certification) if line.startswith("  ")]

    for url, where in (
        ("http://127.0.0.1:3973", "--port 3973"),
        ("http://localhost:3000", "--port 3000"),
        ("https://wallet.example", "--stack NAME-OF-THE-TESTED-STACK"),
    ):
        assert said(url) == [
            f'walletctl withdraw 421 2 {where} --reference cert-r1-back --reason "certify r1"',
            f'walletctl adjust 421 0 --bonus=-1 {where} --reference cert-r1-bonus --reason "certify r1"',
        ]


def test_only_what_failed_is_run_again_until_it_passes(memory: Path) -> None:
    chosen = ("--case", "copies of a result at once", "--case", "a win is added to cash")
    wrong = CheckThenInsert(pause_seconds=0.05)
    with serving(wrong) as url:
        first = run(url, "--player", "421", *chosen)
        again = run(url, "--player", "421", "--failed")
        wrong.pause_seconds = 0.0
        another = run(url, "--player", "421", "--case", "a win is added to cash")
        fixed = run(url, "--player", "421", "--failed", "--case", "copies of a result", "--json")

    failed = ["copies of a result at once are one credit"]
    assert (first.exit_code, again.exit_code, another.exit_code) == (1, 1, 0)
    assert "0 passed, 1 failed, 0 not tried" in again.stdout
    assert [case["case"] for case in json.loads(fixed.stdout)["cases"]] == failed, "another run forgets nothing"
    assert len(json.loads(memory.read_text())) == 1


def test_without_a_failure_there_is_nothing_to_run_again(url: str, memory: Path) -> None:
    assert "no earlier run against" in trouble_of(url, "--player", "421", "--failed")
    assert run(url, "--player", "421", "--case", "a win is added to cash").exit_code == 0
    assert "none of these cases failed" in trouble_of(url, "--player", "421", "--failed")
    memory.write_text("[1, 2")  # cut off
    assert "no earlier run against" in trouble_of(url, "--player", "421", "--failed")


def test_a_memory_that_cannot_be_written_changes_no_verdict(url: str, memory: Path) -> None:
    memory.parent.parent.write_text("a file in its place")

    result = run(url, "--player", "421", "--case", "a win is added to cash")

    assert result.exit_code == 0
    assert "--failed will not know of this run" in result.stderr


def test_a_ci_server_gets_a_suite_for_each_group_and_a_test_for_each_case(tmp_path: Path, url: str) -> None:
    file = tmp_path / "certify.xml"
    result = run(url, "--player", "421", "--group", "credit", "--group", "trust", "--junit", file)

    top = ElementTree.parse(file).getroot()  # noqa: S314 - our own
    assert (top.tag, result.exit_code) == ("testsuites", 0)
    assert [suite.get("name") for suite in top] == ["credit", "trust"]
    for suite in (top, *top):
        cases = list(suite.iter("testcase"))
        counted = {"tests": cases, "failures": suite.findall(".//failure"), "skipped": suite.findall(".//skipped")}
        assert {name: suite.get(name) for name in counted} == {name: str(len(each)) for name, each in counted.items()}
        assert suite.get("errors") == "0"
        assert float(suite.get("time") or "x") >= 0
    for case in top.iter("testcase"):
        assert {*case.keys()} == {"classname", "name", "time"}
        assert {child.tag for child in case} <= {"failure", "skipped"}
    names = {case.get("name") for case in top.iter("testcase")}
    assert names == {case.name for case in CASES if case.group in ("credit", "trust")}
    assert "no hash secret was given" in {each.get("message") for each in top.iter("skipped")}


def test_a_run_that_cannot_begin_leaves_no_old_verdict(tmp_path: Path) -> None:
    file = tmp_path / "certify.xml"
    file.write_text("<testsuites/>")

    said = trouble_of("http://127.0.0.1:1", "--player", "421", "--junit", file)

    top = ElementTree.parse(file).getroot()  # noqa: S314 - our own
    assert (top.get("tests"), top.get("errors")) == ("1", "1")
    assert [each.get("message") for each in top.iter("error")] == [said]


def test_no_answer_breaks_the_junit_file(tmp_path: Path) -> None:
    odd = "]]> & <b> \" ' \x00 \x1b[2J \x85 \ufffe \U0001f600 größe"

    class Hostile(Rival):
        def refusal(self, refused: Refused) -> Response:
            return Response(json.dumps(odd) + odd.replace("\x00", ""), 400)

    file = tmp_path / "certify.xml"
    with serving(Hostile()) as url:
        result = run(url, "--player", "421", "--case", "a refusal names", "--junit", file)

    assert result.exit_code == 1
    text = file.read_text()
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]", text)
    failures = list(ElementTree.fromstring(text).iter("failure"))  # noqa: S314 - our own
    assert failures
    assert all("]]> & <b>" in (each.text or "") and "\U0001f600 größe" in (each.text or "") for each in failures)
    assert all("expected " in (each.get("message") or "") for each in failures)


# --- The report -------------------------------------------------------------------------------------


def test_the_report_shows_every_request_and_no_secret(tmp_path: Path, secret_file: Path) -> None:
    report = tmp_path / "report.html"
    seen: list[str] = []

    class Talkative(Rival):
        """Says in its answers what it was told in confidence."""

        async def answer(self, request: Request) -> Response:
            body = (await request.body()).decode()
            seen.append(body)
            answer = await super().answer(request)
            answer.headers["X-Seen"] = f"{self.hash_secrets[0]} {request.url.query}"
            answer.headers["Set-Cookie"] = "session=private"
            return answer

    with serving(Talkative(hash_secrets=("hash & secret",), auth_tokens=("auth/token=&?",))) as url:
        result = run(
            *(url, "--player", "421", "--secret-file", secret_file, "--group", "jackpots", "--group", "trust"),
            *("--html", report, "--timeout-seconds", "5"),
        )

    assert result.exit_code == 0, result.output
    text = report.read_text()
    for secret in (
        "hash & secret",
        "hash &amp; secret",
        "auth/token",
        "auth%2Ftoken",
        "AUTH%2FTOKEN",
        "session=private",
    ):
        assert secret not in text
    right_hashes = set(re.findall(r'"hash": "([0-9a-f]{32})"', " ".join(seen))) - {"4a5d375ac1311b04fba2ea66d067b8e5"}
    assert len(right_hashes) > 20
    assert not [each for each in right_hashes if each in text]
    references = set(re.findall(r'"reference": "([^"]+)"', " ".join(seen)))
    assert len(references) > 50
    assert not [reference for reference in references if html.escape(reference) not in text]
    assert text.count("authToken=[redacted]") > 50


def test_the_report_stands_by_itself(tmp_path: Path, url: str) -> None:
    report = tmp_path / "report.html"
    run(url, "--player", "421", "--group", "credit", "--html", report)

    text = report.read_text()
    assert not re.findall(r"<(?:script|link|img|iframe|object)\b", text)
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)""", text)
    assert "url(" not in text
    assert "@import" not in text
    assert text.count("<details") == 20  # the group's cases, and what came before and after


def test_the_report_is_not_written_by_those_it_reports(tmp_path: Path) -> None:
    class Hostile(Rival):
        def refusal(self, refused: Refused) -> Response:
            answer = super().refusal(Refused(refused.error, "<script>alert(1)</script>\u202e", refused.status))
            answer.headers["X-Note"] = "<img src=x onerror=alert(1)>"
            return answer

    report = tmp_path / "report.html"
    with serving(Hostile()) as url:
        result = run(url, "--player", "421", "--case", "a refusal names", "--html", report)

    assert result.exit_code == 1
    text = report.read_text()
    assert "&lt;script&gt;alert(1)" in text
    assert "<script" not in text
    assert "<img" not in text
    assert "\u202e" not in text
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout


# --- Mistakes ---------------------------------------------------------------------------------------


def test_nobody_there_is_told_in_a_line() -> None:
    port = free_port()
    said = trouble_of(f"http://127.0.0.1:{port}", "--player", "421").replace(str(port), "3001")

    assert "cannot be reached" in said
    assert " ".join(said.split()) in " ".join((ROOT / "docs" / "tools" / "certify.md").read_text().split())


def test_nobody_who_answers_is_told_in_a_line() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        assert "does not answer within 0.2 s" in trouble_of(url, "--player", "421", "--timeout-seconds", "0.2")


def test_a_player_who_is_not_there_is_told_in_a_line(url: str) -> None:
    assert "has no player nobody: create one" in trouble_of(url, "--player", "nobody")


def test_a_currency_in_other_letters_than_the_operators_is_the_same(url: str) -> None:
    made = run(url, "--player", "421", "--currency", "usd", "--group", "credit")

    assert made.exit_code == 0, made.output


@pytest.mark.parametrize(("player", "currency"), [("slot\u200d1\u00a0", "USD"), ("421", "USDT-TRC20")])
def test_a_player_and_a_currency_of_any_characters_are_certified(player: str, currency: str) -> None:
    operator = Rival()
    operator.wallets[player] = Wallet(currency, Fraction(0), Fraction(0))
    with serving(operator) as url:
        made = run(url, "--player", player, "--group", "credit")

    assert made.exit_code == 0, made.output


def test_a_currency_that_is_not_the_wallets_is_told_in_a_line(url: str) -> None:
    assert "is not in EUR" in trouble_of(url, "--player", "421", "--currency", "EUR")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("nobody", "there is no other player nobody"),
        ("423", "must have a wallet in USD"),
        ("421", "must be another one"),
    ],
)
def test_an_other_player_who_will_not_do_is_told_in_a_line(other: str, said: str) -> None:
    operator = Rival()
    operator.wallets["423"] = Wallet("EUR", Fraction(0), Fraction(0))
    with serving(operator) as url:
        assert said in trouble_of(url, "--player", "421", "--other-player", other)


def test_a_run_id_that_was_used_before_is_told_in_a_line(url: str) -> None:
    assert run(url, "--player", "421", "--case", "added to bonus", "--run-id", "twice").exit_code == 0
    assert "the run id twice was used" in trouble_of(url, "--player", "421", "--run-id", "twice")


def test_a_run_that_could_try_nothing_certifies_nothing(url: str) -> None:
    assert "nothing is certified" in trouble_of(url, "--player", "421", "--group", "trust")


def test_another_service_is_told_in_a_line() -> None:
    class Website(Rival):
        async def answer(self, request: Request) -> Response:
            return Response("<h1>Welcome</h1>", media_type="text/html")

    with serving(Website()) as url:
        said = trouble_of(url, "--player", "421")

    assert "does not say the player's currency" in said
    assert "Welcome" in said


def trickling() -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    return StreamingResponse(pieces())


@pytest.mark.parametrize(
    ("nonsense", "said"),
    [
        (
            lambda: Response(status_code=308, headers={"Location": "https://wallet.example/v4/Result"}),
            "sends us on to https://wallet.example/v4/Result",
        ),
        (lambda: Response(b"[" * 2_000_000), "longer than 1,000,000 bytes"),
        (trickling, "does not answer within 0.5 s"),
        (lambda: Response(b"[" * 100_000), "does not say the player's currency"),
        (
            lambda: Response(rb'{"error": 0, "currency": "\ud800", "cash": 1, "bonus": 1, "transactionId": "x"}'),
            "does not say the player's currency",
        ),
    ],
    ids=["elsewhere", "endless", "trickling", "nested", "half a character"],
)
def test_an_operator_that_answers_nonsense_is_told_in_a_line(nonsense: Callable[[], Response], said: str) -> None:
    class Nonsense(Rival):
        async def answer(self, request: Request) -> Response:
            return nonsense()

    patience = "0.5" if nonsense is trickling else "30"  # on a busy machine all others need more
    with serving(Nonsense()) as url:
        assert said in trouble_of(url, "--player", "421", "--timeout-seconds", patience)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say whom to certify"),
        (["http://127.0.0.1:1"], "say whose wallet to use"),
        (["nonsense", "--player", "421"], "is not the URL of an operator"),
        (["http://ho st", "--player", "421"], "is not the URL of an operator"),
        (["http://[::1", "--player", "421"], "is not the URL of an operator"),
        (["http://host", "--player", "4\x1b21"], "is not a name"),
        (["http://host", "--player", "4\ud80021"], "is not a name"),
        (["http://host", "--player", "\u3000"], "is not a name"),
        (["ftp://host", "--player", "421"], "is not the URL of an operator"),
        (["http://host:99999", "--player", "421"], "is not the URL of an operator"),
        (["http://me:word@host", "--player", "421"], "must not carry a name or password"),
        (["http://host?authToken=x", "--player", "421"], "must carry no query"),
        (["http://host", "--player", "421", "--group", "nonsense"], "nonsense is not a group: the groups are credit,"),
        (["http://host", "--player", "421", "--case", "nonsense"], "is not a case"),
        (["--list", "--group", "malformed", "--from", "page"], "no case is left by this choice"),
        (["http://host", "--player", "421", "--json", "--csv"], "are two choices"),
        (["http://host", "--player", "421", "--html", "/no/such/folder/x.html"], "cannot be written"),
        (["http://host", "--player", "421", "--html", "/"], "cannot be written"),
        (["http://host", "--player", "421", "--run-id", "a b"], "is not a run id"),
        (["http://host", "--player", "421", "--result-path", "x"], "is not a path"),
        (["http://host", "--player", "421", "--secret-file", "/no/such.json"], "cannot be read: No such file"),
        (["http://host", "--player", "421", "--secret-file", "/etc/hostname"], "secret file"),
    ],
)
def test_a_persons_mistake_is_told_in_a_line(arguments: list[str], said: str) -> None:
    assert said in trouble_of(*arguments)


@pytest.mark.parametrize(
    "content",
    ["[]", "{}", r'{"authToken": "\ud800"}', '{"hashSecret": ""}', '{"hashSecret": 1}', '{"secret": "x"}', "x"],
)
def test_a_secret_file_that_is_none_is_told_in_a_line_that_does_not_show_it(tmp_path: Path, content: str) -> None:
    file = tmp_path / "secret.json"
    file.write_text(content)

    assert "secret file" in trouble_of("http://host", "--player", "421", "--secret-file", file)


def test_a_mistake_has_status_2_and_no_traceback() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tools.provider.certify", "nonsense", "--player", "421"],
        cwd=ROOT, env=_environment(), capture_output=True, text=True, timeout=HANG_SECONDS, check=False,
    )  # fmt: skip

    assert (ran.returncode, ran.stdout) == (2, "")
    assert re.fullmatch("certify: nonsense is not the URL of an operator: [^\n]+\n", ran.stderr)


def test_an_interrupted_run_says_how_far_it_came() -> None:
    reached, ended = threading.Event(), threading.Event()
    answered: set[str] = set()

    class Stuck(Rival):
        """Credits in the middle of a case, and does not answer."""

        async def settled(self, request: Request) -> str:
            text = await super().settled(request)
            if len(answered) == 12:
                reached.set()
                while not ended.is_set():
                    await asyncio.sleep(0.01)
            answered.add(json.loads(text)["transactionId"])
            return text

    with serving(Stuck()) as url:
        ran = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "tools.provider.certify", url, "--player", "421"],
            cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert reached.wait(HANG_SECONDS)
        ran.send_signal(signal.SIGINT)
        try:
            stdout, stderr = ran.communicate(timeout=HANG_SECONDS)
        finally:
            ended.set()

    assert (ran.returncode, stdout) == (130, "")
    *forecast, interrupted = [line for line in stderr.splitlines() if line.startswith("certify: ")]
    assert "\nWhat stays: at least 12 transactions, whose references begin with cert-" in stderr
    assert forecast[0].startswith(f"certify: {len(CASES)} cases leave about ")
    assert re.fullmatch(r"certify: interrupted after \d+ of \d+ cases, 0 of them failed; what was .+", interrupted)


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "XDG_STATE_HOME")}

"""Our own service is certified like any other: fresh from its start, by real HTTP, to the last case."""

import json
from decimal import Context, Decimal

from typer.testing import CliRunner

from conftest import EVENTS
from local_service import running

from .test_command import app

# The others send results alone, of which a secret changes little; they are tried below, without one.
TOUCHED_BY_A_SECRET = ("credit", "idempotency", "dialects", "free rounds", "jackpots", "trust")


def test_our_service_passes_every_case_when_nothing_is_checked() -> None:
    with running() as service:
        arguments = [str(service.http.base_url), "--player", "421", "--large-amounts", "--json"]
        result = CliRunner().invoke(app, arguments)

        assert result.exit_code == 0, result.output
        cash = service.wallet("421")["cash"]
    said = json.loads(result.stdout)
    assert (said["failed"], said["movedBetween"]) == (0, [])
    assert {case["why"] for case in said["cases"]} == {
        "",
        "no other player was given",
        "no hash secret was given",
        "no authToken was given",
    }
    assert cash == Context(prec=38).add(Decimal("99889.99"), Decimal(said["creditedCash"]))


def test_our_service_passes_what_a_secret_touches_with_one_set() -> None:
    secrets = EVENTS / "secrets.json"
    with running(SECRETS=str(secrets)) as service:
        arguments = [str(service.http.base_url), "--player", "421", "--secret-file", str(secrets), "--json"]
        result = CliRunner().invoke(app, [*arguments, *(f"--group={group}" for group in TOUCHED_BY_A_SECRET)])

        assert result.exit_code == 0, result.output
        ledger = service.ledger("421")
    said = json.loads(result.stdout)
    trust = [case for case in said["cases"] if case["group"] == "trust"]
    assert (said["failed"], {case["verdict"] for case in trust}) == (0, {"passed"})
    assert sum(item["amount"] for item in ledger) == Decimal(said["creditedCash"])

"""Runs the wallet on this machine.

Settings come from the environment:

    PORT              where the API is served on 127.0.0.1 (3000)
    PLAYERS           a JSON file of players to open wallets for (events/players.json)
    SECRETS           a JSON file with the provider's secrets; without it tokens and hashes are not checked
    WORKERS           processes for each function (2)
    RETRY_SECONDS     how long what could not be credited waits for its first retry (1)
    ENGINE_PORT       where the embedded engine listens (a free port)
    AWS_ENDPOINT_URL  an engine that runs already; then none is started
"""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvicorn

from tools.local.engine import engine, free_port
from tools.local.lifetime import cancelled_by_signals
from tools.local.queues import consume
from tools.local.service import service
from tools.local.template import ROOT, Function, Template
from tools.local.trouble import Trouble
from tools.local.wallets import Player, Prepared, prepare, read_players
from tools.local.workers import Workers
from wallet import money
from wallet.errors import Unavailable
from wallet.trust import locks_in

_GRACE_SECONDS = 4  # an answer takes three; whoever waits longer is answered 998


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    port: int
    players: Path
    secrets: Path | None
    workers: int
    retry_seconds: int
    engine_port: int
    endpoint: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises Trouble for a number that is none."""
        secrets = environment.get("SECRETS")
        return cls(
            port=_number(environment, "PORT", 3000, 65535),
            players=Path(environment.get("PLAYERS") or ROOT / "events" / "players.json"),
            secrets=Path(secrets) if secrets else None,
            workers=_number(environment, "WORKERS", 2, 64),
            retry_seconds=_number(environment, "RETRY_SECONDS", 1, 900),
            engine_port=_number(environment, "ENGINE_PORT", 0, 65535) or free_port(),
            endpoint=environment.get("AWS_ENDPOINT_URL") or None,
        )


def _number(environment: Mapping[str, str], name: str, default: int, greatest: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not (name == "ENGINE_PORT" or int(text)) or int(text) > greatest:
        raise Trouble(f"{name} must be a whole number from 1 to {greatest}, not {text!r}")
    return int(text)


def main() -> int:
    try:
        settings = Settings.from_environment(os.environ)
        _leave_the_account(embedded=settings.endpoint is None)
        players = read_players(settings.players)
        secret = _read_secret(settings.secrets) if settings.secrets else None
        with (
            _listener(settings.port) as listener,
            nullcontext(settings.endpoint) if settings.endpoint else engine(settings.engine_port) as endpoint,
        ):
            prepared = prepare(endpoint, players, secret)
            with suppress(asyncio.CancelledError):  # a signal while the functions start
                asyncio.run(_serve(listener, settings, endpoint, players, prepared))
    except Trouble as trouble:
        print(f"wallet: {trouble}", file=sys.stderr)
        return 1
    return 0


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise Trouble(f"port {port} cannot be had: {error.strerror}; choose another with PORT=...") from None
    return listener


def _read_secret(path: Path) -> dict[str, Any]:
    try:
        secret = json.loads(path.read_text())
    except OSError as error:
        raise Trouble(f"the secrets file {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise Trouble(f"the secrets file {path} is not JSON: {error}") from None
    try:
        locks_in(json.dumps(secret))
    except Unavailable:
        raise Trouble(f"the secrets file {path} is not of the form of events/secrets.json") from None
    return secret


def _leave_the_account(*, embedded: bool) -> None:
    """Takes out of the environment what would lead this service, or what it starts, to a real account or a proxy.

    An engine takes any credentials; those of a developer's account are used only for an engine of their own.
    """
    if embedded:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ):
        os.environ.setdefault(name, value)
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))


async def _serve(
    listener: socket.socket, settings: Settings, endpoint: str, players: Sequence[Player], prepared: Prepared
) -> None:
    template = Template.load()
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "PROVIDER_SECRET": prepared.secret,
        "RETRY_SECONDS": str(settings.retry_seconds),
    }
    with _log_of_functions(settings.port).open("wb") as log:
        pools = {
            function.name: Workers(function, environment | _queues_of(function, prepared), log)
            for function in template.functions()
        }
        consumers: list[asyncio.Task[None]] = []
        try:
            with cancelled_by_signals():
                await asyncio.gather(*(pool.start(settings.workers) for pool in pools.values()))
            consumers += [
                asyncio.create_task(
                    consume(function, _queues_of(function, prepared)["RETRY_QUEUE"], endpoint, pools[function.name])
                )
                for function in template.functions()
            ]
            print(_welcome(settings, endpoint, players, prepared, template), flush=True)
            config = uvicorn.Config(
                service(template, pools),
                lifespan="off",
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
            await uvicorn.Server(config).serve(sockets=[listener])
        finally:
            for consumer in consumers:
                consumer.cancel()
            await asyncio.gather(*(pool.stop() for pool in pools.values()))


def _queues_of(function: Function, prepared: Prepared) -> dict[str, str]:
    """The variables of a function that name queues, with the queues' URLs."""
    return {name: prepared.queues[value] for name, value in function.environment.items() if value in prepared.queues}


def _log_of_functions(port: int) -> Path:
    folder = ROOT / ".local"
    folder.mkdir(exist_ok=True)
    return folder / f"functions-{port}.log"


def _welcome(
    settings: Settings, endpoint: str, players: Sequence[Player], prepared: Prepared, template: Template
) -> str:
    base = f"http://127.0.0.1:{settings.port}"
    query = f"?authToken={quote(prepared.auth_token)}" if prepared.auth_token else ""
    routes = "\n".join(f"  {name:<8} {base}{path}" for path, name in template.routes().items())
    wallets = "\n".join(
        f"  {player.user_id:<8} {money.text(player.cash)} {player.currency}, bonus {money.text(player.bonus)}"
        for player in players
    )
    checks = "checked" if settings.secrets else "not checked (set SECRETS=events/secrets.json)"
    body = json.loads(json.loads((ROOT / "events" / "result.json").read_text())["body"])
    body |= {"userId": players[0].user_id, "currency": players[0].currency}
    return f"""
The wallet takes callbacks:
{routes}

Players:
{wallets}

Tables         {endpoint}
Functions' log {_log_of_functions(settings.port).relative_to(ROOT)}
Trust          tokens and hashes are {checks}

Ctrl-C stops it all. Try:

  curl -s '{base}/v4/Result{query}' -d '{json.dumps(body)}'
"""

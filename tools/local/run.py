"""Runs the wallet on this machine.

ServiceSettings come from the environment:

    PORT              where the API is served on 127.0.0.1 (3000)
    PLAYERS           a JSON file of players to open wallets for (events/players.json)
    SECRETS           a JSON file with the provider's secrets; without it tokens and hashes are not checked
    WORKERS           processes for each function, at most (2)
    WARM              1 starts a process for each function first, 0 with its first event (1)
    RETRY_SECONDS     how long what could not be credited waits for its first retry (1)
    ENGINE_PORT       where the embedded engine listens (a free port)
    AWS_ENDPOINT_URL  an engine that runs already; then none is started
    TABLES_ENDPOINT   an engine that runs already, for the tables alone
    QUEUES_ENDPOINT   an engine that runs already, for the queues alone
    RELOAD            1 loads new code of functions/ and layers/ while it runs, as `make run` has it (0)
"""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvicorn

from tools.local.engine import Engine, engine, free_port, listener
from tools.local.front import Front
from tools.local.lifetime import cancelled_by_signals
from tools.local.opening import Opening
from tools.local.queues import consume
from tools.local.reloading import Reloading
from tools.local.service import server_of, service
from tools.local.settings import ServiceSettings
from tools.local.template import Function, Template
from tools.local.wallets import Endpoints, PreparedService, open_wallets, prepare, read_players
from tools.local.worker import OUTAGE
from tools.local.workers import Workers
from tools.shared.amounts import amount
from tools.shared.folders import LOCAL, ROOT, announcement, outage
from tools.shared.trouble import Trouble
from wallet.errors import Unavailable
from wallet.trust import locks_in

FrontOf = Callable[[ServiceSettings, PreparedService], Front]

_GRACE_SECONDS = 4  # an answer takes three; a caller that waits longer is answered 998


def main(front_of: FrontOf) -> int:
    """The exit status, when a signal has ended it. What `front_of` makes is served on the same port."""
    try:
        settings = ServiceSettings.from_environment(os.environ)
        _leave_the_account(given=settings.endpoint is not None)
        players = read_players(settings.players)
        secret = _read_secret(settings.secrets) if settings.secrets else None
        with listener(settings.port, "PORT=...") as listening, _embedded_engine(settings) as embedded:
            others = embedded.endpoint if embedded else settings.endpoint or ""
            endpoints = Endpoints(
                tables=settings.tables_endpoint or others, queues=settings.queues_endpoint or others, others=others
            )
            prepared = prepare(endpoints, secret)
            try:
                asyncio.run(_serve(front_of, listening, settings, endpoints, players, prepared, embedded))
            except asyncio.CancelledError:
                print("wallet: stopped by a signal while the functions started", file=sys.stderr)
            if embedded:
                embedded.check()
    except Trouble as trouble:
        print(f"wallet: {trouble}", file=sys.stderr)
        return 1
    return 0


def _embedded_engine(settings: ServiceSettings) -> AbstractContextManager[Engine | None]:
    return nullcontext() if settings.endpoint else engine(settings.engine_port or free_port())


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


def _leave_the_account(*, given: bool) -> None:
    """Takes out of the environment what would lead this service, or what it starts, to a real account or a proxy.

    An engine takes any credentials; those of a developer's account are used only for an engine of their own.
    """
    if not given:
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
    front_of: FrontOf,
    listening: socket.socket,
    settings: ServiceSettings,
    endpoints: Endpoints,
    players: Sequence[Opening],
    prepared: PreparedService,
    embedded: Engine | None,
) -> None:
    template = Template.load()
    environment = {
        **endpoints.variables,
        "PROVIDER_SECRET": prepared.secret,
        "RETRY_SECONDS": str(settings.retry_seconds),
        OUTAGE: str(outage(settings.port)),
    }
    outage(settings.port).unlink(missing_ok=True)  # of a service that was killed in the middle of one
    with _log_of_functions(settings.port).open("wb") as log:
        pools = {
            function.name: Workers(function, environment | _queues_of(function, prepared), log)
            for function in template.functions()
        }
        reloading = Reloading(pools) if settings.reload else None
        background: list[asyncio.Task[None]] = []
        front = front_of(settings, prepared)
        try:
            with cancelled_by_signals():
                await asyncio.gather(*(pool.start(settings.workers, is_warm=settings.warm) for pool in pools.values()))
                await open_wallets(pools["cashier"], players)
            server = server_of(front.before(service(template, pools, front.watcher)), _GRACE_SECONDS)
            background.append(asyncio.create_task(front.run(lambda: server.should_exit)))
            background += [
                asyncio.create_task(
                    consume(
                        function,
                        _queues_of(function, prepared)["RETRY_QUEUE"],
                        endpoints.queues,
                        pools[function.name],
                        front.watcher,
                    )
                )
                for function in template.keeping()
            ]
            if reloading:
                background.append(asyncio.create_task(reloading.run()))
            if embedded:
                background.append(asyncio.create_task(_stop_with(embedded, server)))
            for task in background:
                task.add_done_callback(_tell_of_a_failure)
            with _announced(settings, endpoints):
                print(_welcome(settings, endpoints, players, prepared, template), flush=True)
                await server.serve(sockets=[listening])
        finally:
            front.end()
            for task in background:
                task.cancel()
            await asyncio.gather(*(pool.stop() for pool in pools.values()))


def _tell_of_a_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        print(f"wallet: a part of the service has stopped: {error!r}; start it again", file=sys.stderr)


async def _stop_with(embedded: Engine, server: uvicorn.Server) -> None:
    """Stops serving when the embedded engine has stopped: what it held is gone."""
    while not embedded.has_stopped:
        await asyncio.sleep(0.5)
    server.should_exit = True


@contextmanager
def _announced(settings: ServiceSettings, endpoints: Endpoints) -> Iterator[None]:
    """Keeps in a file where the running service and its engines are, for the tools that look into them."""
    file = announcement(settings.port)
    place = {
        "pid": os.getpid(),
        "url": f"http://127.0.0.1:{settings.port}",
        "dynamodb": endpoints.tables,
        "sqs": endpoints.queues,
        "region": os.environ["AWS_DEFAULT_REGION"],
    }
    file.write_text(json.dumps(place))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _queues_of(function: Function, prepared: PreparedService) -> dict[str, str]:
    """The variables of a function that name queues, with the queues' URLs."""
    return {name: prepared.queues[value] for name, value in function.environment.items() if value in prepared.queues}


def _log_of_functions(port: int) -> Path:
    LOCAL.mkdir(exist_ok=True)
    return LOCAL / f"functions-{port}.log"


def _welcome(
    settings: ServiceSettings,
    endpoints: Endpoints,
    players: Sequence[Opening],
    prepared: PreparedService,
    template: Template,
) -> str:
    base = f"http://127.0.0.1:{settings.port}"
    query = f"?authToken={quote(prepared.auth_token)}" if prepared.auth_token else ""
    called: dict[tuple[str, str], str] = {}
    for path, name in template.routes().items():
        called.setdefault((name, path.rpartition("/")[2]), path)
    routes = "\n".join(f"  {name:<8} {base}{path}" for (name, _), path in called.items())
    others = dict.fromkeys(path.rpartition("/")[0] + "/" for path in template.routes() if path not in called.values())
    wallets = "\n".join(
        f"  {player.user_id:<8} {amount(player.cash)} {player.currency}, bonus {amount(player.bonus)}"
        for player in players
    )
    code = "a change in functions/ or layers/ is loaded" if settings.reload else "as it is now"
    checks = "checked" if settings.secrets else "not checked (set SECRETS=events/secrets.json)"
    body = json.loads(json.loads((ROOT / "events" / "result.json").read_text())["body"])
    body |= {"userId": players[0].user_id, "currency": players[0].currency}
    return f"""
The wallet takes callbacks:
{routes}
  each path under /v4/ also under {" and ".join(others)}

Players:
{wallets}

Tables         {endpoints.tables}
Queues         {endpoints.queues}
Functions' log {_log_of_functions(settings.port).relative_to(ROOT)}
Trust          tokens and hashes are {checks}
Code           {code}

Console        {base}/
Cashier        {base}, as Lambda's CashierFunction: docs/cashier.md

Ctrl-C stops it all. Try:

  curl -s '{base}/v4/Result{query}' -d '{json.dumps(body)}'
"""

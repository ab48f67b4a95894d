"""Runs the functions in Lambda's own container image, by `sam local`: `make local-invoke`, `make local-api`.

ServiceSettings come from the environment:

    EVENT        the event to send (events/result.json); its path, queue or movement says which function gets it
    ARCH         the processor that the functions are built for: arm64 or x86_64 (this machine's)
    PORT         the service of `make run` whose engine is used, if one runs there (3000); otherwise one is started
    API_PORT     where `make local-api` serves the API on 127.0.0.1 (3001)
    PLAYERS      a JSON file of players to open wallets for in an engine that is started (events/players.json)
    CONTAINERS   docker or podman (docker if it answers, otherwise podman)
"""

import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tools.local.containers import Way, find_containers, served, way_to_engine
from tools.local.engine import engine, free_port, must_be_free
from tools.local.lifetime import die_with_parent, leave_on_signals, stop
from tools.local.settings import ServiceSettings, whole_number
from tools.local.template import Template
from tools.local.wallets import Endpoints, open_wallets_alone, prepare, read_players
from tools.shared.folders import LOCAL, ROOT
from tools.shared.outside import announced, leave_the_account
from tools.shared.trouble import Trouble

VARIABLES = ROOT / "events" / "env.json"
BUILDS = LOCAL  # for each processor a folder, such as sam-arm64
IN_DOCKER_DESKTOP = "http://host.docker.internal:4566"  # what the engine is called there

_SAM = ROOT / ".venv-sam" / "bin" / "sam"
_REGION = "eu-west-1"
_STOP_SECONDS = 30  # sam stops a container before it ends: ten seconds at the most, and it is busy here


def main(arguments: Sequence[str]) -> int:
    leave_on_signals()
    try:
        match arguments:
            case ["check"]:
                _check()
            case ["invoke"]:
                return _invoke(Path(os.environ.get("EVENT") or "events/result.json"))
            case ["api"]:
                return _serve()
            case _:
                print("say what to do: check, invoke or api", file=sys.stderr)
                return 2
    except Trouble as trouble:
        print(f"sam local: {trouble}", file=sys.stderr)
        return 1
    return 0


def _check() -> None:
    """Whatever can be found wrong before the build, which takes its time."""
    event_of(Path(os.environ.get("EVENT") or "events/result.json"))
    find_containers(os.environ)
    print(architecture())


def _invoke(path: Path) -> int:
    event = event_of(path)
    with _ready() as sam:
        done = sam.run("invoke", function_of(event, path), "--event", str(path), stdout=subprocess.PIPE)
    try:
        answer = json.loads(done.stdout)
    except (TypeError, ValueError):
        raise Trouble("the function gave no answer: what sam says above is all there is") from None
    if isinstance(answer, dict) and "statusCode" in answer:
        print(f"HTTP {answer['statusCode']}\n{answer['body']}")
    else:
        print(json.dumps(answer))
    return 1 if done.returncode or "errorType" in answer else 0


def _serve() -> int:
    port = whole_number(os.environ, "API_PORT", 3001, 65535)
    must_be_free(port, "API_PORT")
    with _ready() as sam:
        print(f"The API will be at http://127.0.0.1:{port}/, for example /v4/Result. Ctrl-C stops it.", flush=True)
        return sam.run("start-api", "--port", str(port)).returncode


def event_of(path: Path) -> Mapping[str, Any]:
    """Raises Trouble for an event that cannot be read, or belongs to no function."""
    try:
        event = json.loads(path.read_text())
    except OSError as error:
        raise Trouble(f"the event {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise Trouble(f"the event {path} is not JSON: {error}") from None
    function_of(event, path)
    return event


def function_of(event: Any, path: Path) -> str:
    """The function that gets an event of API Gateway or SQS, or an order, as template.yaml calls it. Raises Trouble."""
    template = Template.load()
    match event:
        case {"path": str(where)}:
            name = template.routes().get(where)
        case {"Records": [{"eventSourceARN": str(where)}, *_]}:
            queue = where.rpartition(":")[2]
            name = next((each.name for each in template.keeping() if each.environment["RETRY_QUEUE"] == queue), None)
        case {"movement": str(where)}:
            name = "cashier"
        case {"freeze": _} | {"unfreeze": _}:
            name = where = "cashier"
        case _:
            raise Trouble(
                f"the event {path} is neither API Gateway's (with a path) nor SQS's (with Records) "
                "nor an order to the cashier (with a movement)"
            )
    if name is None:
        raise Trouble(f"the event {path} is for {where}, which belongs to no function of template.yaml")
    return f"{name.title()}Function"


def architecture() -> str:
    """The processor to build for, as Lambda calls it: ARCH, otherwise this machine's."""
    found = os.environ.get("ARCH") or {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    if found not in ("arm64", "x86_64"):
        raise Trouble(f"ARCH must be arm64 or x86_64, not {found!r}")
    return found


def variables(url: str) -> dict[str, dict[str, str]]:
    """The functions' variables, as `sam local --env-vars` takes them, for an engine at this URL."""
    return json.loads(VARIABLES.read_text().replace(IN_DOCKER_DESKTOP, url))


class Sam:
    """`sam local`, with all that it must be told here."""

    def __init__(self, api: str, engine: int, way: Way, environment_file: Path) -> None:
        template = BUILDS / f"sam-{architecture()}" / "template.yaml"
        self._options = [
            *("--template-file", os.path.relpath(template, ROOT)),
            *("--config-file", str(ROOT / "samconfig.toml")),  # sam would look for it beside the template
            *("--parameter-overrides", f"Architecture={architecture()}"),
            *("--env-vars", str(environment_file.relative_to(ROOT)), "--skip-pull-image", *way.arguments),
        ]
        self._environment = os.environ | {
            "DOCKER_HOST": api,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{engine}",  # it asks which account this is, and would ask AWS
            "SAM_CLI_TELEMETRY": "0",
            # An interrupted sam leaves a lock there, for which the next would wait five minutes.
            "TMPDIR": str(environment_file.parent),
        }

    def run(self, subcommand: str, *arguments: str, stdout: int | None = None) -> "subprocess.CompletedProcess[str]":
        command = [str(_SAM.relative_to(ROOT)), "local", subcommand, *arguments, *self._options]
        print(f"$ {shlex.join(command)}", file=sys.stderr, flush=True)
        process = subprocess.Popen(  # noqa: S603 - a program of our own environment
            command,
            cwd=ROOT,  # its settings are in samconfig.toml there
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            text=True,
            start_new_session=True,  # Ctrl-C is for this program, which ends sam first
            preexec_fn=die_with_parent,
        )
        try:
            said, _ = process.communicate()
        finally:
            stop(process, _STOP_SECONDS, signal.SIGINT)  # it removes its container first
        return subprocess.CompletedProcess(command, process.returncode, said)


@contextmanager
def _ready() -> Iterator[Sam]:
    """`sam local` with an image, an engine, and a way from the one to the other."""
    found = find_containers(os.environ)
    image = f"public.ecr.aws/lambda/{_image_tag()}-{architecture()}"
    found.need_image(image, architecture())
    LOCAL.mkdir(exist_ok=True)
    with (
        served(found) as api,
        _engine() as port,
        way_to_engine(found, port, image) as way,
        tempfile.TemporaryDirectory(prefix="sam-env-", dir=LOCAL) as folder,
    ):
        file = Path(folder) / "env.json"
        file.write_text(json.dumps(variables(way.url)))
        yield Sam(api, port, way, file)


def _image_tag() -> str:
    """The runtime as its image is called: python:3.13."""
    return Template.load().globals["Runtime"].replace("python", "python:")


@contextmanager
def _engine() -> Iterator[int]:
    """The port of the engine: that of a running service, or of one started for this."""
    settings = ServiceSettings.from_environment(os.environ)
    leave_the_account()
    os.environ.update(AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local", AWS_DEFAULT_REGION=_REGION)  # noqa: S106 - any will do
    try:
        place = announced(settings.port, "engine", "dynamodb", "sqs")
    except Trouble:
        pass  # none runs there
    else:
        yield _port_of(place, settings.port)
        return
    players = read_players(settings.players)
    with engine(settings.engine_port or free_port()) as own:
        endpoints = Endpoints(tables=own.endpoint, queues=own.endpoint, others=own.endpoint)
        prepare(endpoints, None)
        open_wallets_alone(endpoints, players)
        print(f"An engine of its own, with the players of {settings.players.name}", file=sys.stderr)
        yield urlsplit(own.endpoint).port or 0


def _port_of(place: Mapping[str, str], service: int) -> int:
    engines = {urlsplit(place[name]) for name in ("dynamodb", "sqs")}
    where = engines.pop()
    if engines or where.hostname not in ("127.0.0.1", "localhost") or where.scheme != "http" or not where.port:
        raise Trouble(
            f"the service on port {service} has its engine elsewhere, or two of them, and sam can be given one on "
            "127.0.0.1: start another with `make run PORT=...` and give its PORT here"
        )
    print(f"The engine and the wallets of the service on port {service}", file=sys.stderr)
    return where.port


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

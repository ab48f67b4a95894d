"""`sam local`: every documented command as far as its container, and `make local-invoke` from end to end without one.

sam itself runs. Docker's API is the tests' own: it notes which container sam asks for.
"""

import json
import os
import re
import shlex
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from conftest import EVENTS, ROOT
from deployed.docker_api import DockerApi, docker_api
from deployed.runtime import BUILD
from local_service import HANG_SECONDS
from tools.local import relay as relay_module
from tools.local import sam as sam_local
from tools.local.engine import free_port
from tools.local.relay import _on_link  # pyright: ignore[reportPrivateUsage]
from tools.local.template import Template
from tools.shared.folders import announcement
from tools.shared.trouble import Trouble

SAM = ROOT / ".venv-sam" / "bin" / "sam"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]


def commands_of_pages() -> Iterator[tuple[str, list[str]]]:
    """Each sam command in a console block of a page, with the page's name."""
    for page in PAGES:
        for block in re.findall(r"^```(?:console|bash)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            for command in re.findall(r"^(?:\$ )?\S*\bsam (.*)", block.replace("\\\n", " "), re.MULTILINE):
                words = shlex.split(command, comments=True)
                if "..." not in words:
                    yield page.name, words


def commands_of_the_makefile() -> Iterator[tuple[str, list[str]]]:
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    for line in re.findall(r"\$\(sam\) (.*)", text):
        command = re.split(r" [>|;&]| \d?>", line)[0]
        yield "Makefile", shlex.split(re.sub(r"\$\(\w+\)|\$\*", "x86_64", command))


COMMANDS = [*commands_of_pages(), *commands_of_the_makefile()]
LOCAL = [words for _, words in COMMANDS if words[0] == "local"]
OTHERS = [words for _, words in COMMANDS if words[0] != "local"]


def test_the_commands_are_found() -> None:
    assert {words[1] for words in LOCAL} == {"invoke", "start-api", "start-lambda"}
    assert {words[0] for words in OTHERS} == {"build", "validate"}


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_a_documented_command_has_options_that_sam_knows(words: list[str], options: dict[str, list[str]]) -> None:
    given = {word.partition("=")[0] for word in words[1:] if word.startswith("-")}

    assert given <= {*options[words[0]]}


@pytest.mark.parametrize("words", [words for words in LOCAL if words[1] == "invoke"], ids=" ".join)
def test_a_documented_invocation_asks_for_its_function_s_container(words: list[str], project: Path) -> None:
    with docker_api(project / "docker") as said:
        done = run(project, words)

    assert said.created, done.stderr
    assert said.removed == 1
    must_be_container_of("ResultFunction", said, architecture_in(words))


@pytest.mark.parametrize("words", [words for words in LOCAL if words[1] != "invoke"], ids=" ".join)
def test_a_documented_service_asks_for_its_function_s_container(words: list[str], project: Path) -> None:
    port = free_port()
    words = [str(port) if before == "--port" else word for before, word in zip(["", *words], words, strict=False)]
    with docker_api(project / "docker") as said, serving(project, words, port) as url:
        event = json.loads((EVENTS / "jackpot.json").read_text())
        path, sent = {
            "start-api": (event["path"], event["body"]),
            "start-lambda": ("/2015-03-31/functions/JackpotFunction/invocations", json.dumps(event)),
        }[words[1]]
        answer = httpx.post(url + path, content=sent, timeout=HANG_SECONDS, trust_env=False)

        assert answer.status_code >= 500, "nothing runs in this container"
        must_be_container_of("JackpotFunction", said, architecture_in(words))


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (["local", "invoke", "WinFunction", "--event", "events/result.json"], "WinFunction not found"),
        (["local", "invoke", "ResultFunction", "--event", "events/none.json"], "events/none.json"),
        (["local", "invoke", "ResultFunction", "--events", "events/result.json"], "No such option"),
        (["local", "invoke", "ResultFunction", "--env-vars", "events/none.json"], "events/none.json"),
    ],
    ids=["function", "event", "option", "variables"],
)
def test_a_wrong_command_would_be_noticed(wrong: list[str], complaint: str, project: Path) -> None:
    with docker_api(project / "docker") as said:
        done = run(project, wrong)

    assert not said.created
    assert done.returncode
    assert complaint.lower() in done.stderr.lower()


def test_every_setting_of_samconfig_is_an_option_of_its_command(options: dict[str, list[str]]) -> None:
    # sam ignores a setting that it does not know.
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    sections = [section for section in config.values() if isinstance(section, dict)]
    settings = {
        (command, name) for section in sections for command, each in section.items() for name in each["parameters"]
    }

    assert {("local_start_api", "region"), ("local_start_lambda", "region"), ("deploy", "region")} <= settings
    assert {(command, name) for command, name in settings if name not in options[command]} == set()


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The options of each sam command, spelt as on a command line and as in samconfig.toml."""
    return json.loads(
        subprocess.run(  # noqa: S603 - our own
            [SAM.parent / "python", "-c", OPTIONS],
            env=environment_for(tmp_path_factory.mktemp("options")),
            capture_output=True,
            check=True,
        ).stdout
    )


OPTIONS = """
import importlib, json

modules = {
    "build": "build.command",
    "validate": "validate.validate",
    "deploy": "deploy.command",
    "local_invoke": "local.invoke.cli",
    "local_start_api": "local.start_api.cli",
    "local_start_lambda": "local.start_lambda.cli",
}
commands = {each: importlib.import_module(f"samcli.commands.{module}").cli for each, module in modules.items()}
names = lambda option: [option.name, *option.opts, *option.secondary_opts]
print(json.dumps({each: sum(map(names, command.params), []) for each, command in commands.items()}))
"""


@pytest.mark.parametrize("command", ["local_invoke", "local_start_api", "local_start_lambda"])
def test_functions_look_for_their_tables_where_the_engine_has_them(command: str) -> None:
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"][command]["parameters"]

    assert settings["region"] == "eu-west-1"
    assert settings["env_vars"] == "events/env.json"


# --- make local-invoke, make local-api -----------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_an_event_is_for_the_function_of_its_path_queue_or_movement(name: str) -> None:
    event, path = json.loads((EVENTS / f"{name}.json").read_text()), EVENTS / f"{name}.json"
    if name in ("env", "players", "secrets"):
        with pytest.raises(Trouble, match="neither API Gateway's"):
            sam_local.function_of(event, path)
        return

    function = {
        "auto_closing": "Result",
        "sqs": "Result",
        "refund": "Cancel",
        "check": "Balance",
        "deposit": "Cashier",
        "withdrawal": "Cashier",
    }.get(name, name.title())

    assert sam_local.function_of(event, path) == f"{function}Function"


def test_an_order_to_freeze_a_player_is_for_the_cashier() -> None:
    for order in ("freeze", "unfreeze"):
        assert sam_local.function_of({order: {"userId": "421"}}, Path("order.json")) == "CashierFunction"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read: No such file"),
        ("{", "is not JSON"),
        ('{"path": "/v4/Nowhere"}', "is for /v4/Nowhere, which belongs to no function"),
        ('{"Records": [{"eventSourceARN": "arn:aws:sqs:eu-west-1:1:Other"}]}', "is for arn:aws:sqs:eu-west-1:1:Other"),
        ("[]", "neither API Gateway's"),
    ],
)
def test_an_event_for_no_function_is_refused_before_anything_starts(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    event = tmp_path / "event.json"
    if content is not None:
        event.write_text(content)

    done = make_local("check", tmp_path, EVENT=str(event))

    assert (done.returncode, done.stdout) == (1, "")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("programs", "environment", "complaint"),
    [
        ({}, {}, "docker is not installed, and podman is not installed: docs/sam-local.md says what to install"),
        ({}, {"CONTAINERS": "podman"}, "sam local: podman is not installed: docs"),
        ({}, {"CONTAINERS": "finch"}, "CONTAINERS must be docker or podman, not 'finch'"),
        ({"podman": "exit 0"}, {"ARCH": "amd64"}, "ARCH must be arm64 or x86_64, not 'amd64'"),
        ({"docker": "echo 'permission denied' >&2; exit 1"}, {}, "docker does not answer (permission denied)"),
        ({"docker": """printf '%s' '{"ServerErrors": ["no daemon"]}'"""}, {}, "docker does not answer (no daemon)"),
        ({"docker": "echo podman version 5"}, {}, "docker is podman by another name, and podman is not installed"),
        ({"podman": "echo 'no newuidmap' >&2; exit 1"}, {}, "podman does not work (no newuidmap)"),
        (
            {"docker": '[ "$1" = context ] && echo tcp://192.0.2.1:2375 || echo \'{"ServerVersion": "27"}\''},
            {},
            "docker uses the engine of another machine (tcp://192.0.2.1:2375)",
        ),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    tmp_path: Path, programs: dict[str, str], environment: dict[str, str], complaint: str
) -> None:
    for name, script in programs.items():
        write_program(tmp_path, name, f"#!/bin/sh\n{script}\n")

    done = make_local("check", tmp_path, **environment)

    assert (done.returncode, done.stdout) == (1, "")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


DOCKER = """#!{python}
# As Docker's command: a container is a process here, and an image is there.
import json, os, subprocess, sys
_, command, *rest = sys.argv
open({log!r}, "a").write(" ".join([command, *rest[:2]]) + "\\n")
if command == "info":
    print(json.dumps({{"ServerVersion": "27.0", "OperatingSystem": {system!r}}}))
elif command == "context":
    print("unix://" + {api!r})
elif command == "inspect":
    print("172.30.0.2")
elif command == "run":
    code, *arguments = rest[rest.index("-c") + 1:]
    (folder,) = (each.partition(":")[0] for each in rest if each.endswith(":/relay"))
    open({log!r}, "a").write("folder " + folder + "\\n")
    port = {port!r}
    os.execv(sys.executable, [sys.executable, "-I", "-c", code, port, folder + "/engine"])
"""


@pytest.fixture
def computer(tmp_path: Path) -> "Computer":
    return Computer(tmp_path)


class Computer:
    """A machine with Docker, whose containers are processes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.api = folder, folder / "docker.sock"
        self.log, self.output = folder / "commands", folder / "output"
        self.relay_port = free_port()

    def has_docker(self, system: str) -> None:
        script = DOCKER.format(
            python=sys.executable, log=str(self.log), system=system, api=str(self.api), port=str(self.relay_port)
        )
        write_program(self.folder, "docker", script)

    @property
    def asked(self) -> list[str]:
        return self.log.read_text().splitlines()


ANSWER = {"statusCode": 200, "headers": {}, "body": '{"cash": "99899.99"}'}


def test_a_function_reaches_the_engine_through_a_relay_and_everything_ends(computer: Computer) -> None:
    computer.has_docker("Debian GNU/Linux 12")
    with docker_api(computer.api, ANSWER) as said:
        done = make_local("invoke", computer.folder, EVENT="events/result.json", PORT=str(free_port()))

    assert (done.returncode, done.stdout) == (0, 'HTTP 200\n{"cash": "99899.99"}\n'), done.stderr
    must_be_container_of("ResultFunction", said, sam_local.architecture(), "http://172.30.0.2:4566")
    (network,) = said.joined
    assert said.removed == 1
    assert f"network create {network}" in computer.asked
    assert computer.asked[-1] == f"network rm {network}"
    assert not is_served(computer.relay_port)
    (folder,) = (each.removeprefix("folder ") for each in computer.asked if each.startswith("folder "))
    assert Path(folder).is_relative_to(ROOT / ".local")
    assert not Path(folder).exists()


def test_docker_desktop_leads_a_function_to_the_engine_by_itself(computer: Computer) -> None:
    computer.has_docker("Docker Desktop")
    with docker_api(computer.api, ANSWER) as said:
        done = make_local("invoke", computer.folder, EVENT="events/promo.json", PORT=str(free_port()))

    assert done.returncode == 0, done.stderr
    assert said.joined == []
    (given,) = said.created
    assert re.search(r"AWS_ENDPOINT_URL=http://host\.docker\.internal:\d+'", str(given["Env"]))
    assert not any(each.startswith(("network", "run")) for each in computer.asked)


@contextmanager
def announced_service(**engines: str) -> Iterator[int]:
    """The port of a service that says it runs, with its engines there."""
    port = free_port()
    file = announcement(port)
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"pid": os.getpid(), **engines}))
    try:
        yield port
    finally:
        file.unlink()


def test_sam_locks_nothing_that_an_interrupted_run_would_leave_locked(computer: Computer) -> None:
    # It locks an image in the folder for temporary files while it builds it, and the next waits for that.
    computer.has_docker("Docker Desktop")
    shared = computer.folder / "tmp"
    shared.mkdir()
    with docker_api(computer.api, ANSWER) as said:
        done = make_local(
            "invoke", computer.folder, EVENT="events/result.json", PORT=str(free_port()), TMPDIR=str(shared)
        )

    assert done.returncode == 0, done.stderr
    assert said.built
    assert list(shared.iterdir()) == []


def test_a_function_moves_the_wallets_of_a_service_that_runs(computer: Computer) -> None:
    computer.has_docker("Docker Desktop")
    with (
        announced_service(dynamodb="http://127.0.0.1:4711", sqs="http://127.0.0.1:4711") as port,
        docker_api(computer.api, ANSWER) as said,
    ):
        done = make_local("invoke", computer.folder, EVENT="events/result.json", PORT=str(port))

    assert done.returncode == 0, done.stderr
    assert f"The engine and the wallets of the service on port {port}" in done.stderr
    must_be_container_of("ResultFunction", said, sam_local.architecture(), "http://host.docker.internal:4711")


@pytest.mark.parametrize(
    ("tables", "queues"),
    [
        ("http://127.0.0.1:4711", "http://127.0.0.1:4712"),
        ("http://192.0.2.1:4711", "http://192.0.2.1:4711"),
        ("https://127.0.0.1:4711", "https://127.0.0.1:4711"),
    ],
    ids=["two engines", "elsewhere", "TLS"],
)
def test_a_service_whose_engine_no_container_can_reach_is_refused(computer: Computer, tables: str, queues: str) -> None:
    computer.has_docker("Docker Desktop")
    with announced_service(dynamodb=tables, sqs=queues) as port:
        done = make_local("invoke", computer.folder, EVENT="events/result.json", PORT=str(port))

    assert done.returncode == 1
    assert "has its engine elsewhere, or two of them" in done.stderr


def test_a_function_that_crashes_is_a_failure(computer: Computer) -> None:
    computer.has_docker("Docker Desktop")
    with docker_api(computer.api, {"errorType": "Runtime.ImportModuleError", "errorMessage": "no wallet"}):
        done = make_local("invoke", computer.folder, EVENT="events/result.json", PORT=str(free_port()))

    assert done.returncode == 1
    assert "no wallet" in done.stdout


def test_ctrl_c_ends_the_api_and_everything_that_it_started(computer: Computer) -> None:
    computer.has_docker("Debian GNU/Linux 12")
    port = free_port()
    with (
        docker_api(computer.api, ANSWER) as said,
        make_local_in_the_background("api", computer, API_PORT=str(port)) as it,
    ):
        wait_until_served(port, it, computer.output)
        event = json.loads((EVENTS / "result.json").read_text())
        url = f"http://127.0.0.1:{port}{event['path']}"
        answer = httpx.post(url, content=event["body"], timeout=HANG_SECONDS, trust_env=False)
        it.send_signal(signal.SIGINT)

        assert it.wait(HANG_SECONDS) == 0
    assert (answer.status_code, answer.text) == (200, ANSWER["body"])
    must_be_container_of("ResultFunction", said, sam_local.architecture(), "http://172.30.0.2:4566")
    assert said.removed == 1
    assert computer.asked[-1] == f"network rm {said.joined[0]}"
    assert not is_served(port)
    assert not is_served(computer.relay_port)


class Echo(socketserver.StreamRequestHandler):
    """Says what it heard, once the other side has said everything."""

    def handle(self) -> None:
        self.wfile.write(self.rfile.read())


def test_two_relays_carry_what_is_said_there_and_back_and_end_with_their_standard_input(tmp_path: Path) -> None:
    port, way = free_port(), str(tmp_path / "engine")
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with relay(way, server.server_address[1]), relay(port, way):
            for said in (b"", b"GET", bytes(range(256)) * 10**4):
                with socket.create_connection(("127.0.0.1", port), HANG_SECONDS) as connection:
                    connection.sendall(said)
                    connection.shutdown(socket.SHUT_WR)
                    assert connection.makefile("rb").read() == said
        server.shutdown()

    assert not is_served(port)


def test_a_relay_without_an_engine_ends_the_connection(tmp_path: Path) -> None:
    port = free_port()
    with relay(port, str(tmp_path / "nobody")), pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        httpx.get(f"http://127.0.0.1:{port}/", timeout=HANG_SECONDS, trust_env=False)


def test_a_relay_routes_no_answer_beyond_its_own_network() -> None:
    with _on_link(free_port()) as listener:
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE)


# --- Helpers ----------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout in which `make build` was run: a documented command finds there what it names."""
    for name in ("events", "samconfig.toml", "template.yaml", "functions", "layers"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".aws-sam").mkdir()
    (tmp_path / ".aws-sam" / "build").symlink_to(BUILD)
    return tmp_path


def environment_for(folder: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),  # sam locks an image there while it builds it
        "SAM_CLI_TELEMETRY": "0",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # sam asks which account this is: nobody answers
        "AWS_MAX_ATTEMPTS": "1",
        "DOCKER_HOST": f"unix://{folder / 'docker'}",
        **more,
    }


def run(project: Path, words: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own
        [SAM, *words], cwd=project, env=environment_for(project), capture_output=True, text=True, check=False
    )


@contextmanager
def serving(project: Path, words: list[str], port: int) -> Iterator[str]:
    log = project / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own
            [SAM, *words], cwd=project, env=environment_for(project), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until_served(port, process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(HANG_SECONDS)


def is_served(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until_served(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    started = time.monotonic()
    while not is_served(port):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() - started < HANG_SECONDS, log.read_text()
        time.sleep(0.1)


@contextmanager
def relay(listen: int | str, target: int | str) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-I", relay_module.__file__, str(listen), str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.communicate(timeout=HANG_SECONDS)


def architecture_in(words: list[str]) -> str:
    return next((word.partition("=")[2] for word in words if word.startswith("Architecture=")), "arm64")


def must_be_container_of(
    function: str, said: DockerApi, architecture: str, engine: str = "http://host.docker.internal:4566"
) -> None:
    """The one container that was asked for is this function's, of this architecture, and finds this engine."""
    (given,) = said.created
    assert re.match(rf"samcli/lambda-python:3\.13-{architecture}-", given["Image"])
    callback = function.removesuffix("Function")
    (folder, *_) = given["HostConfig"]["Binds"]
    assert f"/functions/{callback.lower()}:/var/task:ro" in folder
    environment = dict(each.split("=", 1) for each in given["Env"])
    assert environment["AWS_ENDPOINT_URL"] == engine
    assert environment["RETRY_QUEUE"] == f"{engine}/000000000000/{callback}RetryQueue"
    assert environment["AWS_REGION"] == "eu-west-1"
    (named,) = (each for each in Template.load().functions() if each.name == callback.lower())
    assert named.environment.keys() <= environment.keys()
    ((published,),) = given["HostConfig"]["PortBindings"].values()
    assert published["HostIp"] == "127.0.0.1"


def write_program(folder: Path, name: str, text: str) -> None:
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / name).write_text(text)
    (folder / "bin" / name).chmod(0o755)


def make_local(command: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What `make local-invoke` runs, on a machine with the programs of `folder` and no other container tool."""
    return subprocess.run(  # noqa: S603 - our own
        words_of(command, folder),
        cwd=ROOT,
        env=environment_of(folder, **environment),
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def make_local_in_the_background(
    command: str, computer: Computer, **environment: str
) -> Iterator["subprocess.Popen[bytes]"]:
    with computer.output.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own
            words_of(command, computer.folder),
            cwd=ROOT,
            env=environment_of(computer.folder, PORT=str(free_port()), **environment),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(HANG_SECONDS)


def words_of(command: str, folder: Path) -> list[str]:
    builds = folder / "builds"
    if not builds.exists():
        builds.mkdir()
        (builds / f"sam-{sam_local.architecture()}").symlink_to(BUILD)
        (folder / "functions").symlink_to(ROOT / "functions")  # the built template finds it from there
    code = f"import pathlib, sys; from tools.local import sam; sam.BUILDS = pathlib.Path({str(builds)!r}); "
    return [sys.executable, "-c", code + f"sys.exit(sam.main([{command!r}]))"]


def environment_of(folder: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": f"{folder / 'bin'}:/nowhere",
        "HOME": str(folder),
        **more,
    }

"""Docker or podman: which of them runs containers here, and how a container reaches the local engine.

The engine listens on 127.0.0.1, and stays there. Docker Desktop leads a container to it by the name
host.docker.internal. Elsewhere a container has no way to the host's loopback, and every other address of the host can
be reached by neighbours too. So the way is a Unix socket in a folder of this user's:

    function → relay, in a container beside it → Unix socket → relay, on this machine → engine on 127.0.0.1

Both containers are on a network that is made for the run. The relay answers nobody beyond that network, and nothing
listens on an address of this machine.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from tools.local.lifetime import die_with_parent, last_line, stop
from tools.shared.folders import LOCAL, ROOT
from tools.shared.trouble import Trouble

PAGE = "docs/sam-local.md"

_RELAY = Path(__file__).with_name("relay.py")
_IN_THE_CONTAINER = "4566"  # the relay's port there; any would do
_START_SECONDS = 30  # of an API or a relay: under one, unless the machine is busy
_STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Containers:
    """What runs containers here: its command, where its API is (None: not served yet), whether it is Docker Desktop."""

    command: str
    api: str | None = None
    is_desktop: bool = False

    def run(self, *arguments: str) -> str:
        """What its command prints. Raises Trouble if it fails."""
        done = _run(self.command, *arguments)
        if done.returncode:
            raise Trouble(f"{self.command} {arguments[0]} failed: {last_line(done.stderr)}")
        return done.stdout.strip()

    def need_image(self, image: str, architecture: str) -> None:
        """Pulls an image unless it is here. Raises Trouble if it cannot be pulled."""
        if _run(self.command, "image", "inspect", image).returncode == 0:
            return
        platform = f"linux/{architecture.replace('x86_64', 'amd64')}"
        if subprocess.run([self.command, "pull", "--platform", platform, image], check=False).returncode:  # noqa: S603 - docker or podman
            raise Trouble(f'{image} cannot be pulled: {PAGE}, "Where no image can be pulled", says what to do')


@dataclass(frozen=True, slots=True)
class Way:
    """How a function in a container reaches the engine: its URL there, and what sam must be told."""

    url: str
    arguments: Sequence[str]


def find_containers(environment: Mapping[str, str]) -> Containers:
    """Docker if it answers, otherwise podman; CONTAINERS=docker or podman decides.

    Raises Trouble, with what to do, if neither is ready.
    """
    wanted = environment.get("CONTAINERS", "")
    if wanted not in ("", "docker", "podman"):
        raise Trouble(f"CONTAINERS must be docker or podman, not {wanted!r}")
    complaints: list[str] = []
    for name, find in (("docker", _docker), ("podman", _podman)):
        if wanted in ("", name):
            found = find() if shutil.which(name) else f"{name} is not installed"
            if isinstance(found, Containers):
                return found
            complaints.append(found)
    raise Trouble(
        f"{', and '.join(complaints)}: {PAGE} says what to install and start "
        "(Debian and Ubuntu: apt install podman slirp4netns uidmap)"
    )


@contextmanager
def served(containers: Containers) -> Iterator[str]:
    """Where the API is, as sam's DOCKER_HOST takes it. Podman's is served until the end of the block."""
    if containers.api:
        yield containers.api
        return
    with tempfile.TemporaryDirectory(prefix="wallet-podman-") as folder:
        api, log = Path(folder) / "api", Path(folder) / "log"
        with log.open("wb") as output:
            service = subprocess.Popen(  # noqa: S603 - podman
                [containers.command, "system", "service", "--time=0", f"unix://{api}"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for this program, which ends it last
                preexec_fn=die_with_parent,
            )
        try:
            _wait_for(api, service, log)
            yield f"unix://{api}"
        finally:
            stop(service, _STOP_SECONDS)


@contextmanager
def way_to_engine(containers: Containers, port: int, image: str) -> Iterator[Way]:
    """Lets a container reach the engine on that port of 127.0.0.1, and nobody else. See above."""
    if containers.is_desktop:
        yield Way(f"http://host.docker.internal:{port}", ())
        return
    name = f"lucky-monaco-wallet-{os.getpid()}"
    LOCAL.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="relay-", dir=LOCAL) as folder:  # mode 0700
        # By its path from here: a socket's may have no more than 107 characters.
        path = (Path(folder) / "engine").relative_to(ROOT)
        # Not --internal: podman publishes a container's port on all its networks, and sam could not reach the function.
        containers.run("network", "create", name)
        try:
            with (
                _relay([sys.executable, str(_RELAY), str(path), str(port)]),
                _relay(
                    [
                        *(containers.command, "run", "--interactive", "--rm", "--name", name, "--network", name),
                        *("--read-only", "--cap-drop=ALL", "--cap-add=DAC_OVERRIDE"),  # the folder is not root's
                        "--security-opt=label=disable",  # SELinux lets no container use a socket of the host's
                        *("--volume", f"{folder}:/relay", "--entrypoint", "python3.13", image),
                        *("-I", "-c", _RELAY.read_text(), _IN_THE_CONTAINER, "/relay/engine"),
                    ]
                ),
            ):
                address = f'{{{{(index .NetworkSettings.Networks "{name}").IPAddress}}}}'
                found = containers.run("inspect", "--format", address, name)
                yield Way(f"http://{found}:{_IN_THE_CONTAINER}", ("--docker-network", name))
        finally:
            containers.run("network", "rm", name)


def _docker() -> Containers | str:
    """Docker, or why it cannot be used."""
    if "podman" in _run("docker", "--version").stdout.lower():
        return "docker is podman by another name"  # as in Debian's podman-docker
    said = _run("docker", "info", "--format", "{{json .}}")
    try:
        info = json.loads(said.stdout)
    except ValueError:
        info = {}
    if not info.get("ServerVersion"):
        why = (info.get("ServerErrors") or [last_line(said.stderr)])[0]
        return f"docker does not answer ({' '.join(why.split())})"
    # sam looks at DOCKER_HOST alone, and not at the contexts of Docker's own command.
    api = _run("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}").stdout.strip()
    if not api.startswith(("unix://", "npipe://")):
        return f"docker uses the engine of another machine ({api or 'unknown'})"
    return Containers("docker", api, is_desktop=info.get("OperatingSystem") == "Docker Desktop")


def _podman() -> Containers | str:
    """Podman, or why it cannot be used."""
    said = _run("podman", "info")
    return f"podman does not work ({last_line(said.stderr)})" if said.returncode else Containers("podman")


def _wait_for(api: Path, service: "subprocess.Popen[bytes]", log: Path) -> None:
    started = time.monotonic()
    while not api.exists():
        if service.poll() is not None or time.monotonic() - started > _START_SECONDS:
            raise Trouble(f"podman does not serve its API: {last_line(log.read_text(errors='replace'))}")
        time.sleep(0.05)


@contextmanager
def _relay(command: Sequence[str]) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603 - of our own making
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
    stdin, stdout, stderr = cast(IO[str], process.stdin), cast(IO[str], process.stdout), cast(IO[str], process.stderr)
    try:
        if stdout.readline() != "ready\n":
            raise Trouble(f"the way to the engine cannot be made: {last_line(stderr.read())}")
        yield
    finally:
        stdin.close()  # the relay ends with it
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            stop(process, _STOP_SECONDS)
        stdout.close()
        stderr.close()


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 - docker or podman

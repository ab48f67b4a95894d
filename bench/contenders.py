"""Who is compared: what each is, the packages it runs on, and its environments as fresh processes."""

import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import snapshot_restore_py

from bench.tables import VARIABLES
from bench.wins import Event
from tools.local.lifetime import die_with_parent
from tools.local.template import Template
from tools.shared.folders import ROOT
from tools.shared.trouble import Trouble

PLACE = ROOT / ".local" / "bench"
OUR_LAYER = ROOT / ".local" / "build" / "CommonLayer" / "python"  # as built, for this machine
PLAIN_LAYER = PLACE / "plain" / "python"  # the same packages, and boto3, as their wheels bring them
MADE_LAYER = PLACE / "made" / "python"  # the same, made ready as ours is
RUNTIME = PLACE / "runtime"  # what Lambda's runtime brings along

START_SECONDS = 60

_APPS = ROOT / "bench" / "apps"
_CHILD = ROOT / "bench" / "child.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """`module` is imported from `folder`, with `layer` mounted as Lambda does.

    It gets the variables of the template's `function`, with `calls` as its parameter `Calls`. No rival knows rounds, so
    wins are served without them.
    """

    name: str
    what: str
    module: str
    folder: Path
    layer: Path
    function: str = "result"
    calls: str = "Wins"


OURS = Contender(
    name="ours",
    what="this wallet: the layer as built, and the functions `result`, `bet` and `cancel`",
    module="app",
    folder=ROOT / "functions" / "result",
    layer=OUR_LAYER,
)
PEER = Contender(
    name="peer",
    what="Powertools Idempotency around one `UpdateItem`, with its resolver and parser (`bench/apps/peer.py`)",
    module="peer",
    folder=_APPS,
    layer=PLAIN_LAYER,
)
NAIVE = Contender(
    name="naive", what="get, put, update (`bench/apps/naive.py`)", module="naive", folder=_APPS, layer=PLAIN_LAYER
)
FLOOR = Contender(
    name="floor",
    what="one conditional `UpdateItem` and nothing else; it cannot tell a replay (`bench/apps/floor.py`)",
    module="floor",
    folder=_APPS,
    layer=PLAIN_LAYER,
)
# How much of the difference is the layer's build.
PEER_MADE = Contender(
    name="peer, layer made as ours",
    what="the peer, with botocore's data trimmed and bytecode in its layer, as in ours",
    module="peer",
    folder=_APPS,
    layer=MADE_LAYER,
)
CONTENDERS = (OURS, PEER, NAIVE, FLOOR)


def lay_out() -> None:
    """Makes the rivals' layers, of the very versions of ours."""
    if not (OUR_LAYER / f"botocore-{version('botocore')}.dist-info").exists():
        raise Trouble("the built layer's botocore is not this environment's: `make build-here` builds it anew")
    for folder in (PLAIN_LAYER.parent, MADE_LAYER.parent, RUNTIME):
        shutil.rmtree(folder, ignore_errors=True)
    packages = ("aws-lambda-powertools", "boto3", "pydantic")
    _run(
        ROOT / ".venv-uv" / "bin" / "uv", "pip", "install", "--quiet", "--only-binary", ":all:",
        "--no-compile-bytecode", "--python", sys.executable, "--target", PLAIN_LAYER,
        *(f"{name}=={version(name)}" for name in packages), f"botocore=={version('botocore')}",
        f"pydantic-core=={version('pydantic-core')}", f"urllib3=={version('urllib3')}",
    )  # fmt: skip
    shutil.copytree(PLAIN_LAYER, MADE_LAYER)
    _run(
        sys.executable,
        ROOT / "layers" / "common" / "trim.py",
        MADE_LAYER,
        "dynamodb:GetItem,PutItem,UpdateItem,DeleteItem",
    )
    _run(sys.executable, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", MADE_LAYER)
    RUNTIME.mkdir()
    shutil.copy2(snapshot_restore_py.__file__, RUNTIME)


def _run(*command: object) -> None:
    made = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)  # noqa: S603 - of our own making
    if made.returncode:
        raise Trouble(f"the rivals' layers could not be made: {made.stderr.strip()}")


def layer_megabytes(layer: Path) -> tuple[float, float]:
    """A layer's size as it is mounted, and zipped."""
    files = [path for path in layer.rglob("*") if path.is_file()]
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(layer))
    return sum(path.stat().st_size for path in files) / 1e6, packed.tell() / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What each call took; `own_ms` without the SDK's calls, if that was asked for. Times are milliseconds."""

    wall_ms: Sequence[float]
    own_ms: Sequence[float]
    failed: int
    first: dict[str, Any]
    last: dict[str, Any]
    seconds: float
    peak_mb: float


class Environment:
    """A fresh process that has imported a contender's handler, and runs one event at a time.

    All its modules' bytecode is at hand, unless it is to start `as_deployed`: with what its layer carries.
    """

    def __init__(self, contender: Contender, endpoint: str, *, as_deployed: bool = False) -> None:
        ours, theirs = socket.socketpair()
        self.contender = contender
        PLACE.mkdir(parents=True, exist_ok=True)
        with (PLACE / f"{contender.module}.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a program of our own
                [sys.executable, "-P", "-S", _CHILD, contender.module, str(theirs.fileno())],
                env=_variables(contender, endpoint, as_deployed=as_deployed),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # Lambda reads it through a pipe; nobody does here
                stderr=log,
                preexec_fn=die_with_parent,
            )
        theirs.close()
        ours.settimeout(START_SECONDS)
        self._socket = ours
        self._lines = ours.makefile("rwb")
        try:
            started = self._hear()
        except BaseException:
            self.stop()
            raise
        self.import_ms = started["wall"] / 1e6  # of the handler's module: what Lambda does once for an environment

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def run(self, events: Sequence[Event], *, seconds: float | None = None, apart: bool = False) -> Calls:
        """Raises Trouble if one of them was not answered with success."""
        self.begin(events, seconds=seconds, apart=apart)
        calls = self.finish()
        if calls.failed:
            raise Trouble(f"{self.contender.name} refused {calls.failed} of {len(calls.wall_ms)} calls: {calls.last}")
        return calls

    def answer(self, event: Event) -> dict[str, Any]:
        """What it answers, be it success or not."""
        self.begin([event])
        return self.finish().last

    def begin(self, events: Sequence[Event], *, seconds: float | None = None, apart: bool = False) -> None:
        self._lines.write(json.dumps({"events": events, "seconds": seconds, "apart": apart}).encode() + b"\n")
        self._lines.flush()

    def finish(self) -> Calls:
        figures = self._hear()
        if figures["own"] and not figures["sdk_calls"]:
            raise Trouble(f"{self.contender.name} called no SDK where its calls are counted")
        return Calls(
            wall_ms=[each / 1e6 for each in figures["walls"]],
            own_ms=[each / 1e6 for each in figures["own"]],
            failed=figures["failed"],
            first=json.loads(figures["first"]),
            last=json.loads(figures["last"]),
            seconds=figures["seconds"],
            peak_mb=figures["peak"] / 1e3,
        )

    def stop(self) -> None:
        self._lines.close()
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _hear(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise Trouble(f"{self.contender.name} crashed; see {PLACE.relative_to(ROOT) / self.contender.module}.log")
        return json.loads(line)


@contextmanager
def environments(contender: Contender, endpoint: str, how_many: int) -> Iterator[list[Environment]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Environment(contender, endpoint)) for _ in range(how_many)]


def _variables(contender: Contender, endpoint: str, *, as_deployed: bool) -> Mapping[str, str]:
    functions = Template.load(Calls=contender.calls).functions()
    (function,) = (each for each in functions if each.name == contender.function)
    # Lambda mounts code and layer read-only: what they bring no bytecode of is compiled at every start.
    read_only = {"PYTHONDONTWRITEBYTECODE": "1"}
    cached = {"PYTHONPYCACHEPREFIX": str(PLACE / "bytecode")}
    return {
        **function.environment,
        **VARIABLES,
        **(read_only if as_deployed else cached),
        "RETRY_QUEUE": f"{endpoint}/queue",
        "DEAD_LETTERS": f"{endpoint}/queue",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_LAMBDA_FUNCTION_NAME": contender.function,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(map(str, (contender.folder, contender.layer, RUNTIME))),
    }

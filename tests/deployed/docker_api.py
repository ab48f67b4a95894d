"""Docker's API on a Unix socket, as far as sam uses it to run a function. It runs nothing: it notes what it is asked.

A container "runs" if a body for its answer is given: whoever calls its published port then gets that.
"""

import json
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

_ID = "c" * 64


@dataclass
class DockerApi:
    """What was asked: the containers to create, the networks to join them to, and whether they were removed."""

    answer: Any = None
    created: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    joined: list[str] = field(default_factory=list[str])
    built: list[str] = field(default_factory=list[str])
    removed: int = 0


@contextmanager
def docker_api(socket: Path, answer: Any = None) -> Iterator[DockerApi]:
    """Serves it until the end of the block. Without an `answer` no container can be started."""
    said = DockerApi(answer)
    with _Server(str(socket), said) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield said
        finally:
            server.shutdown()
            thread.join()
            server.end_container()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, said: DockerApi) -> None:
        self.said = said
        self._container: ThreadingHTTPServer | None = None
        super().__init__(path, _Handler)

    @property
    def is_running(self) -> bool:
        return self._container is not None

    def start_container(self) -> None:
        ((published,),) = self.said.created[-1]["HostConfig"]["PortBindings"].values()
        self._container = ThreadingHTTPServer((published["HostIp"], int(published["HostPort"])), _Function)
        self._container.daemon_threads = True
        self._container.answer = json.dumps(self.said.answer).encode()  # type: ignore[attr-defined]
        threading.Thread(target=self._container.serve_forever, daemon=True).start()

    def end_container(self) -> None:
        if self._container:
            self._container.shutdown()
            self._container.server_close()
            self._container = None


class _Function(BaseHTTPRequestHandler):
    """The function's emulator, at the container's published port."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer: bytes = self.server.answer  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _docker(self) -> "_Server":
        return cast(_Server, self.server)

    def do_GET(self) -> None:
        match self._path():
            case "/_ping":
                self._say("OK")
            case "/version":
                self._say({"ApiVersion": "1.41", "MinAPIVersion": "1.24"})
            case path if found := re.fullmatch("/images/(.+)/json", path):
                self._say({"Id": "sha256:" + "1" * 64, "RepoTags": [found[1]], "Config": {}})
            case path if path.startswith("/networks/"):
                self._say({"Id": path.removeprefix("/networks/")})
            case path if path == f"/containers/{_ID}/json":
                state = {"Status": "running" if self._docker.is_running else "created", "OOMKilled": False}
                self._say({"Id": _ID, "State": state, "Config": {"Tty": False}})
            case _:
                self._refuse(404)

    def do_POST(self) -> None:
        body = self._body()
        said = self._docker.said
        match self._path():
            case "/build":
                said.built.append(self.path)
                self._say({"stream": "Successfully built"})
            case "/containers/create":
                said.created.append(json.loads(body))
                self._say({"Id": _ID, "Warnings": []}, 201)
            case path if found := re.fullmatch("/networks/(.+)/connect", path):
                said.joined.append(found[1])
                self._say("")
            case path if path == f"/containers/{_ID}/start" and said.answer is not None:
                self._docker.start_container()
                self._say("", 204)
            case path if path in (f"/containers/{_ID}/attach", f"/containers/{_ID}/stop"):
                self._say("")
            case _:
                self._refuse(500)

    def do_DELETE(self) -> None:
        self._docker.said.removed += 1
        self._say("", 204)

    def _path(self) -> str:
        return re.sub(r"^/v1\.\d+", "", self.path.partition("?")[0])

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _say(self, content: Any, status: int = 200) -> None:
        text = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(content, str) else "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)
        self.close_connection = True

    def _refuse(self, status: int) -> None:
        self._say({"message": "no container runs in a test"}, status)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def address_string(self) -> str:
        return "sam"

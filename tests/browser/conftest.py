"""A service of its own, and Debian's Chromium to look at it."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ROOT / "events"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_SECONDS = 60
expect.set_options(timeout=15_000)  # milliseconds, for a machine that has other things to do


def published(callback: str, **changes: Any) -> dict[str, Any]:
    """The provider's example body of a callback, with `changes`."""
    return json.loads(json.loads((EVENTS / f"{callback}.json").read_text())["body"]) | changes


class Service:
    """`make run`, on a port that was free."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process = self._started()
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def _started(self) -> subprocess.Popen[bytes]:
        others = ("AWS_", "PYTEST_", "PYTHONPATH")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        process = subprocess.Popen(  # noqa: S603 - our own program
            [ROOT / ".venv" / "bin" / "python", "-m", "tools.programs.wallet"],
            cwd=ROOT,
            env={**kept, "PORT": str(self.port), "RETRY_SECONDS": "1"},
            stdout=subprocess.DEVNULL,
        )
        for _ in range(START_SECONDS * 10):
            assert process.poll() is None, "the service did not start"
            try:
                if httpx.get(f"{self.url}/healthz", timeout=1, trust_env=False).status_code == 200:
                    return process
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"the service was not ready within {START_SECONDS} s")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def start_anew(self) -> None:
        self.stop()
        self.process = self._started()

    def send(self, callback: str = "result", **changes: Any) -> dict[str, Any]:
        paths = {"result": "/v4/Result", "jackpot": "/V4/JackPotWin", "bonus": "/bonuswin", "promo": "/V4/PromoWin"}
        path = paths.get(callback, f"/v4/{callback.title()}")
        return self.http.post(path, content=json.dumps(published(callback, **changes))).json()


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    service = Service(port)
    try:
        yield service
    finally:
        service.stop()
        service.http.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "there is no chromium: tools/setup-browser installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, service: Service) -> Iterator[Callable[..., Page]]:
    """Opens a page. Whatever it complains of (an error, a policy that was broken, a dialog) fails the test."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def refused(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open_(path: str = "/", *, width: int = 1280, scheme: Any = "light", **options: Any) -> Page:
        context = browser.new_context(
            base_url=service.url, viewport={"width": width, "height": 844}, color_scheme=scheme, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", refused)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    # A page that is not there, or a service that was stopped, is told by its test.
    expected = r"Failed to load resource|ERR_|net::"
    assert [complaint for complaint in complaints if not re.search(expected, complaint)] == []

"""A browser that looks at the console. Run as `watcher.py URL` by the environment that has Playwright.

It reads commands, a line each, and answers each with a line of JSON: `open`, `close`, `look` (what the page holds
now), `click` (how long a reader waits for another page).
"""

import json
import shutil
import sys
import time
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--enable-precise-memory-info",
]
# The longest time between two frames within two seconds, in milliseconds.
_LONGEST_FRAME = """() => new Promise((done) => {
  let longest = 0, last = performance.now(), end = last + 2000;
  const frame = (now) => {
    longest = Math.max(longest, now - last); last = now;
    now < end ? requestAnimationFrame(frame) : done(longest);
  };
  requestAnimationFrame(frame);
})"""


def main(url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        live = protocol = None
        _say({})
        for command in map(str.strip, sys.stdin):
            said: dict[str, Any] = {}
            if command == "open":
                live, protocol = _opened(browser, url)
            elif command == "close" and live:
                live.context.close()
            elif command == "look" and live and protocol:
                said = _held(live, protocol)
            elif command == "click":
                said = _clicked(browser.new_page(), url)
            _say(said)
        browser.close()


def _opened(browser: Browser, url: str) -> tuple[Page, CDPSession]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(url)
    protocol = page.context.new_cdp_session(page)
    protocol.send("Performance.enable")
    return page, protocol


def _held(live: Page, protocol: CDPSession) -> dict[str, Any]:
    longest = live.evaluate(_LONGEST_FRAME)
    protocol.send("HeapProfiler.collectGarbage")
    metrics = {metric["name"]: metric["value"] for metric in protocol.send("Performance.getMetrics")["metrics"]}
    return {
        "frame_milliseconds": longest,
        "heap_bytes": metrics["JSHeapUsedSize"],
        "nodes": metrics["Nodes"],
        "rows": live.locator("#rows tr").count(),
        "newest": live.locator("#rows tr").first.inner_text(),
        "state": live.locator("#state").inner_text(),
    }


def _clicked(page: Page, url: str) -> dict[str, Any]:
    """A page of its own goes from Parked to Find, and back."""
    page.goto(f"{url}/parked")
    began = time.perf_counter()
    page.get_by_role("link", name="Find").click()
    page.get_by_role("heading", level=1).wait_for()
    took = 1000 * (time.perf_counter() - began)
    page.context.close()
    return {"click_milliseconds": took}


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

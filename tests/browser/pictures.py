"""The pictures of docs/console.md, from a service that was just started, some minutes of the simulator, and wins that
are refused.

    make run PORT=3300
    PYTHONPATH=tests .venv/bin/python -m browser.pictures 3300
"""

import json
import shutil
import subprocess
import sys
import time
from typing import Any

import httpx
from playwright.sync_api import Page, expect, sync_playwright

from browser.conftest import FLAGS, ROOT, published

MINUTES, RATE = 3, 5
ROUND = "5103188820"
AMOUNTS = ("12.5", "3", "40", "0", "7.25", "100", "2.4", "15", "0", "64.99", "5", "8.1")


def main(port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:

        def send(call: str = "Result", **changes: Any) -> None:
            stamp = "timeStamp" if call == "Bet" else "timestamp"  # as each page's example has it
            body = published(call.lower(), **changes, **{stamp: str(int(1000 * time.time()))})
            http.post(f"/v4/{call}", content=json.dumps(body)).raise_for_status()

        player = {"userId": "421", "currency": "USD"}
        for number, amount in enumerate(AMOUNTS, 1):
            place = {**player, "roundId": f"51031888{number:02d}"}
            send("Bet", **place, reference=f"bet-{number:02d}", amount="5")
            send(**place, reference=f"win-{number:02d}", amount=amount)
        for nth in "abc":
            send("Bet", **player, roundId=ROUND, reference=f"bet-20{nth}", amount="10")
        send("Cancel", **player, roundId=ROUND, reference="bet-20b")
        send(**player, roundId=ROUND, reference="win-20", amount="45.5")
        send("EndRound", **player, roundId=ROUND)
        send("Bet", **player, roundId="5103188821", reference="bet-21", amount="10")
        with subprocess.Popen(  # noqa: S603 - our own program
            [
                *(ROOT / ".venv" / "bin" / "python", "-m", "tools.programs.walletctl", "simulate", "--port", str(port)),
                *("--rate", str(RATE), "--minutes", str(MINUTES), "--report", ROOT / ".local" / "pictures.csv"),
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as simulator:
            time.sleep(60 * MINUTES - 20)
            send(**player, reference="7f3a21c04be8", roundId="5103188813", amount="31.00")
            send(**player, reference="7f3a21c04be8", roundId="5103188813", amount="31.00")
            send(**player, reference="7f3a21c04be8", roundId="5103188814", amount="131.00")
            for number in (1, 2):
                send(userId="421", reference=f"in-euros-{number}", currency="EUR", amount="25")
            send(userId="newcomer", reference="no-wallet-yet", amount="9.5")
            _take(url)
            simulator.terminate()


def _take(url: str) -> None:
    program = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        page = browser.new_page(base_url=url, viewport={"width": 1280, "height": 900}, color_scheme="light")

        page.goto("/")
        expect(page.locator("#rows tr", has_text="dead letter").first).to_be_visible()
        time.sleep(2)  # the figures come
        _shoot(page, "live")

        page.set_viewport_size({"width": 1180, "height": 760})
        page.screenshot(path=ROOT / "docs" / "pictures" / "console.png")
        page.set_viewport_size({"width": 1280, "height": 900})

        page.goto(f"/find?name={ROUND}")
        _shoot(page, "round")
        page.goto("/find?name=in-euros-1")
        _shoot(page, "find")
        page.goto("/player?id=421")
        _shoot(page, "player")
        page.goto("/transaction?id=result%237f3a21c04be8")
        _shoot(page, "transaction")
        page.goto("/parked")
        _shoot(page, "parked")

        page.goto("/try?example=bet&fresh=1")
        page.get_by_role("button", name="Send 10 times").click()
        expect(page.get_by_role("region", name="Answers").get_by_role("row")).to_have_count(11)
        page.get_by_role("button", name="Send 10 times").scroll_into_view_if_needed()
        page.evaluate("document.getElementById('tried').scrollIntoView({block: 'end'})")
        _shoot(page, "try")
        browser.close()


def _shoot(page: Page, name: str) -> None:
    expect(page.locator(".busy")).to_have_count(0)
    page.mouse.move(0, 0)
    page.screenshot(path=ROOT / "docs" / "pictures" / f"console-{name}.png")


if __name__ == "__main__":
    main(int(sys.argv[1]))

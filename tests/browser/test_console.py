"""What people do with the console, in a real browser against a real service."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from browser.conftest import Service

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
Opened = Callable[..., Page]


def name(of: str) -> str:
    """A reference that no other test has."""
    return f"{of}-{uuid4().hex[:12]}"


def rows_of(page: Page, reference: str) -> Any:
    return page.locator("#rows tr", has_text=reference)


# --- Live -------------------------------------------------------------------------------------------


def test_a_callback_appears_by_itself_with_what_came_of_it(opened: Opened, service: Service) -> None:
    page = opened("/")
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
    reference = name("live")

    service.send(reference=reference, amount="12.5")
    service.send(reference=reference, amount="12.5")
    service.send(reference=reference, amount="13")

    row = rows_of(page, reference)
    expect(row).to_contain_text("3 deliveries")
    expect(row).to_contain_text("for a person (dead letter): the reference was used before, with another amount")
    expect(row).to_have_count(1)
    row.get_by_role("link", name=reference).click()
    beside = page.get_by_role("complementary", name="One reference, opened")
    expect(beside.get_by_role("listitem")).to_contain_text(["for a person", "replay", "+12.5 USD credited"])
    expect(beside.get_by_role("heading")).to_be_focused()
    beside.get_by_role("link", name="Close").click()
    expect(beside).to_be_hidden()


def test_the_list_is_filtered_by_what_a_person_chooses(opened: Opened, service: Service) -> None:
    page = opened("/")
    page.get_by_text("Filter …").click()
    page.get_by_label("Callback", exact=True).select_option("jackpot")
    page.get_by_label("Outcome", exact=True).select_option("done")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
    good, other = name("good"), name("other")

    service.send("result", reference=other)
    service.send("jackpot", reference=good)

    expect(rows_of(page, good)).to_have_count(1)
    assert rows_of(page, other).count() == 0
    service.send("jackpot", reference=good, amount="99")
    expect(rows_of(page, good)).to_have_count(0)  # it waits for a person now
    page.get_by_role("link", name="Show all").click()
    expect(rows_of(page, good)).to_have_count(1)


def test_what_came_while_nobody_looked_is_there_once(opened: Opened, service: Service) -> None:
    page = opened("/")
    before, meanwhile = name("before"), [name("meanwhile") for _ in range(5)]
    service.send(reference=before)
    expect(rows_of(page, before)).to_have_count(1)

    page.get_by_role("button", name="Pause").click()
    for reference in meanwhile:
        service.send(reference=reference)
    time.sleep(1)
    assert rows_of(page, meanwhile[0]).count() == 0
    page.get_by_role("button", name="Pause").click()

    for reference in meanwhile:
        expect(rows_of(page, reference)).to_have_count(1)
    expect(rows_of(page, before)).to_have_count(1)


def test_what_was_not_credited_can_be_watched_alone(opened: Opened, service: Service) -> None:
    page = opened("/")
    page.get_by_role("link", name="Only what was not credited").click()
    good, bad = name("good"), name("bad")

    service.send(reference=good)
    service.send(reference=bad, currency="EUR")

    expect(rows_of(page, bad)).to_have_count(1)
    assert rows_of(page, good).count() == 0


def test_the_page_stays_within_bounds_under_load(opened: Opened, service: Service) -> None:
    page = opened("/")
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
    last = name("last")
    for number in range(350):
        service.send("balance", reference=f"load-{number}")
    service.send(reference=last)

    expect(rows_of(page, last)).to_have_count(1)
    assert page.locator("#rows tr").count() <= 300
    between = "[...document.getElementById('rows').childNodes].filter(node => node.nodeType === Node.TEXT_NODE).length"
    assert page.evaluate(between) <= 101  # those the page began with


def is_within(shown: Any, width: int) -> bool:
    box = shown.bounding_box()
    return box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width


def test_a_narrow_window_shows_what_came_of_a_callback_and_what_a_ledger_paid(opened: Opened, service: Service) -> None:
    reference = name("narrow")
    service.send(reference=reference, amount="3.25")
    service.send(reference=reference, amount="4")
    page = opened("/", width=390)
    expect(rows_of(page, reference)).to_contain_text("2 deliveries")

    for text in (
        "waits for a person (dead letter): the reference was used before, with another amount",
        reference,
        "4 USD",
    ):
        assert is_within(rows_of(page, reference).first.get_by_text(text), 390), text
    assert page.get_by_role("table", name="Callbacks").get_by_role("row").count() > 2

    page.goto("/player?id=421")
    row = page.get_by_role("region", name="Ledger").get_by_role("row").filter(has_text=reference)
    assert all(is_within(cell, 390) for cell in row.get_by_role("cell").all())
    assert row.get_by_role("cell").count() >= 6


# --- Find -------------------------------------------------------------------------------------------


def test_someone_finds_why_a_win_was_not_credited(opened: Opened, service: Service) -> None:
    """As who has never seen it would: the field that every page has, the reference, Enter."""
    reference = name("lost")
    service.send(reference=reference, currency="EUR")
    page = opened("/")

    page.get_by_role("searchbox").fill(reference)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Not credited: it waits for a person")).to_be_visible()
    expect(page.get_by_text("it is in another currency than the wallet").first).to_be_visible()
    expect(page.get_by_text("Ask the provider. If you pay it by other means, settle it").first).to_be_visible()
    expect(page.get_by_text("A retry is refused again").first).to_be_visible()


def test_what_a_player_says_is_answered_in_two_clicks(opened: Opened, service: Service) -> None:
    """421 says that 517.25 is missing since last night."""
    service.send("jackpot", reference=name("said"), amount="517.25")
    page = opened("/find", timezone_id="Asia/Tokyo")

    page.get_by_label("Player, reference, round or transaction").fill("421")
    page.get_by_role("button", name="Find").click()
    page.get_by_label("Amount").fill("517.25")
    page.get_by_label("Since").fill("last night")
    page.get_by_role("button", name="Search").click()

    expect(page.get_by_role("heading", name="Credited: 517.25 USD")).to_be_visible()
    expect(page.get_by_text(re.compile(r"was paid 517.25 USD by jackpot .* at \d\d:\d\d \(.*UTC\)"))).to_be_visible()
    expect(page).to_have_url(re.compile("zone=Asia%2FTokyo"))
    page.get_by_role("link", name="the whole ledger").click()
    expect(page.get_by_role("region", name="Ledger").get_by_text(" here").first).to_be_visible()


def test_a_player_page_has_balances_a_picture_and_the_verified_mark(opened: Opened, service: Service) -> None:
    service.send(reference=name("one"))
    service.send(reference=name("two"))
    page = opened("/find")

    page.get_by_label("Player, reference, round or transaction").fill("421")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Player 421")).to_be_visible()
    expect(page.get_by_text("explain the wallet, to the last digit")).to_be_visible()
    expect(page.get_by_role("img", name="Cash went from")).to_be_visible()
    expect(page.get_by_role("region", name="Ledger").get_by_role("row").nth(1)).to_contain_text("two-")


def test_a_transaction_shows_every_retransmission(opened: Opened, service: Service) -> None:
    reference = name("again")
    for _ in range(4):
        service.send(reference=reference)
    page = opened(f"/find?name={reference}")

    page.get_by_role("link", name=f"result {reference}").click()

    expect(page.get_by_role("heading", name=f"result {reference}")).to_be_visible()
    expect(page.get_by_text("4 deliveries")).to_be_visible()
    expect(page.get_by_text("sent again: a replay, nothing moved")).to_have_count(3)
    expect(page.get_by_role("region", name="The request as received")).to_contain_text("tumblefortune")


# --- Parked -----------------------------------------------------------------------------------------


def test_a_dead_letter_is_tried_again_and_another_discarded(opened: Opened, service: Service) -> None:
    back, away = name("back"), name("away")
    service.send(reference=back, currency="EUR")
    service.send(reference=away, currency="EUR")
    page = opened("/parked")
    card = page.locator("article", has_text=away)
    expect(card).to_have_count(1)

    card.get_by_text("Discard …").click()
    card.get_by_label("Why is nobody owed it?").fill("a test's own")
    card.get_by_role("button", name="Discard for good").click()
    expect(page.get_by_role("status")).to_contain_text("1 discarded (10 EUR), kept in")
    expect(page.locator("article", has_text=away)).to_have_count(0)

    row = page.locator("article", has_text=back)
    row.get_by_text("More", exact=True).click()
    row.get_by_role("button", name=re.compile("Try to credit again")).click()
    expect(page.get_by_role("status")).to_contain_text("1 of 1 given another try")
    page.goto("/parked")
    done = page.get_by_role("region", name="What was done from here")
    expect(done).to_contain_text("1 of 1 given another try")
    expect(done).to_contain_text("because: a test's own")


@pytest.mark.parametrize("width", [1280, 390])
def test_one_conflict_of_many_is_paid_and_the_others_are_discarded(
    width: int, opened: Opened, service: Service
) -> None:
    owed, others = name("owed"), [name("other") for _ in range(3)]
    for reference in (owed, *others):
        service.send("promo", reference=reference, amount="10")
        service.send("promo", reference=reference, amount="25")
    page = opened("/parked", width=width)
    row = page.locator("article", has_text=owed)

    row.get_by_text("Compare", exact=True).click()
    expect(row.get_by_role("row", name="Amount")).to_contain_text("≠ 25")
    row.get_by_text("Settle …").click()
    row.get_by_label("Why? Your name").fill("ticket 7")
    row.get_by_role("button", name="Show what will happen").click()
    outcome = page.get_by_role("status")
    expect(outcome).to_contain_text(f"pays 25 USD as adjustment#promo#{owed}")
    outcome.get_by_role("button", name="Pay it by an adjustment").click()
    expect(outcome).to_contain_text("Settled")
    expect(row).to_have_count(0)

    cause = page.get_by_role("region").filter(has=page.locator("article", has_text=others[0]))
    cause.get_by_role("button", name="Discard all 3 of this cause").click()
    expect(outcome).to_contain_text("3 references, which ask for 75 USD")
    outcome.get_by_label("Why is nobody owed them?").fill("the provider says so")
    outcome.get_by_role("button", name="Discard 3 for good").click()

    expect(outcome).to_contain_text("3 discarded (75 USD), kept in")
    for reference in others:
        expect(page.locator("article", has_text=reference)).to_have_count(0)


def test_who_found_a_dead_letter_tries_it_again_where_it_was_found(opened: Opened, service: Service) -> None:
    reference = name("found")
    service.send(reference=reference, currency="EUR")
    page = opened(f"/find?name={reference}")

    page.get_by_text("If the wallet was corrected").click()
    page.get_by_role("button", name=re.compile("Try to credit again")).click()

    expect(page.get_by_role("heading", name="Given another try")).to_be_focused()
    expect(page.get_by_role("button", name=re.compile("Try to credit again"))).to_have_count(0)
    expect(page.get_by_role("heading", name="Not credited: it waits for a person")).to_be_visible()  # the page stays


def test_long_details_come_when_they_are_opened(opened: Opened, service: Service) -> None:
    reference = name("long")
    service.send(reference=reference, currency="EUR", roundDetails="x" * 50_000)
    page = opened("/parked")
    card = page.locator("article", has_text=reference)
    expect(card).to_have_count(1)
    assert "x" * 50_000 not in page.content()

    card.get_by_text("More", exact=True).click()
    card.get_by_text("The request as received").click()

    expect(card.get_by_role("region", name="The request as received")).to_contain_text("x" * 50_000)


def test_a_second_win_under_a_reference_is_told_on_the_first_ones_page(opened: Opened, service: Service) -> None:
    reference = name("twice")
    service.send(reference=reference, amount="31.00")
    service.send(reference=reference, amount="131.00")
    page = opened(f"/transaction?id=result%23{reference}")

    expect(page.get_by_role("heading", name="A second win under this reference was NOT paid")).to_be_visible()
    both = page.get_by_role("region", name="On record, and asked for as well").get_by_role("row")
    expect(both.nth(1)).to_contain_text("On record: paid")
    expect(both.nth(2)).to_contain_text("≠ 131.00")
    page.get_by_role("link", name="what to do about it, on Parked").click()
    expect(page.locator("article")).to_have_count(1)
    expect(page.locator("article")).to_contain_text(reference)
    expect(page.locator("section.cause")).to_contain_text("A retry is refused again")
    page.get_by_text("Compare", exact=True).click()
    expect(page.locator("article").get_by_role("row", name="Amount")).to_contain_text("≠ 131.00")


# --- Try --------------------------------------------------------------------------------------------


def test_ten_deliveries_are_credited_once(opened: Opened) -> None:
    page = opened("/try?example=jackpot&fresh=1")

    page.get_by_role("button", name="Send 10 times").click()

    expect(page.get_by_role("heading", name="421 was credited once, by 10 deliveries")).to_be_visible()
    expect(page.get_by_role("region", name="Answers").get_by_role("row")).to_have_count(11)


def test_two_deliveries_at_once_are_credited_once(opened: Opened) -> None:
    page = opened("/try")
    page.get_by_role("link", name="promo").click()
    page.get_by_role("button", name="New reference").click()

    page.get_by_role("button", name="Deliver twice at once").click()

    expect(page.get_by_role("heading", name="421 was credited once, by 2 deliveries")).to_be_visible()


@pytest.mark.parametrize("example", ["result", "auto_closing", "jackpot", "bonus", "promo"])
def test_every_published_example_can_be_sent_as_it_is(example: str, opened: Opened) -> None:
    page = opened(f"/try?example={example}")

    page.get_by_role("button", name="Send", exact=True).click()

    expect(page.get_by_role("region", name="Answers")).to_contain_text('"error": 0')


def test_a_new_reference_keeps_what_was_edited(opened: Opened) -> None:
    page = opened("/try?example=result")
    body = page.get_by_label("The body")
    before = json.loads(body.input_value())
    body.fill(json.dumps(before | {"amount": "12.34"}))

    page.get_by_role("button", name="New reference").click()

    expect(body).not_to_have_value(re.compile(before["reference"]))
    assert json.loads(body.input_value()) | {"reference": ""} == before | {"amount": "12.34", "reference": ""}
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("cash +12.34 USD")).to_be_visible()


@pytest.mark.parametrize(
    ("changes", "heading"),
    [
        ({"amount": "0"}, "On record, and nothing was moved"),
        ({"userId": "nobody"}, "Not credited yet: it waits for another try"),
        ({"currency": "EUR"}, "Not credited: it waits for a person"),
        ({"amount": "ten"}, "Not credited: it waits for a person"),
    ],
)
def test_what_became_of_a_callback_is_said_in_words(changes: dict[str, str], heading: str, opened: Opened) -> None:
    page = opened("/try?example=result&fresh=1")
    body = page.get_by_label("The body")
    body.fill(json.dumps(json.loads(body.input_value()) | changes))

    page.get_by_role("button", name="Send", exact=True).click()

    expect(page.get_by_role("heading", name=heading)).to_be_visible()


def test_an_edited_body_is_sent_as_it_was_edited(opened: Opened) -> None:
    page = opened("/try?example=result")
    page.get_by_label("The body").fill('{"userId": "421", "reference": "no more"}')

    page.get_by_role("button", name="Send", exact=True).click()

    expect(page.get_by_role("heading", name="Not credited")).to_be_visible()
    expect(page.get_by_role("region", name="Answers")).to_contain_text('"error": 64')


def test_the_store_breaks_and_what_was_parked_is_paid(opened: Opened, service: Service) -> None:
    assert service.send(reference="waits for its wallet", userId="opened later")["error"] == 62  # not of the outage
    page = opened("/try?example=result&fresh=1")

    page.get_by_role("button", name="Take the tables away for 10 s").click()
    expect(page.locator("#outage")).to_contain_text("The tables are away")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("region", name="Answers")).to_contain_text("998")
    expect(page.locator("#outage")).to_contain_text("1 request so far waits for another try")

    expect(page.locator("#outage")).to_contain_text("1 paid since", timeout=40_000)
    page.get_by_role("link", name="Look at it").click()
    expect(page.get_by_role("heading", name=re.compile("^Credited: "))).to_be_visible()


def test_the_simulator_is_started_and_stopped(opened: Opened) -> None:
    page = opened("/try")
    page.get_by_label("Callbacks a second").fill("10")

    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("It has been running for")).to_be_visible()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("The simulator runs already")).to_be_visible()
    page.get_by_role("button", name="Stop").focus()
    page.wait_for_timeout(2500)  # the panel is drawn anew every two seconds
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    live = opened("/")
    expect(live.locator("#rows tr", has_text="sim")).not_to_have_count(0, timeout=20_000)
    page.get_by_role("button", name="Stop").click()

    expect(page.get_by_text("It has ended.")).to_be_visible(timeout=20_000)


# --- What comes from outside ------------------------------------------------------------------------


def test_hostile_texts_are_text(opened: Opened, service: Service) -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202eevil\u200b"
    reference = name("hostile")
    answer = service.send(reference=reference, gameName=attack, roundDetails=f"{attack}{'x' * 60_000}")
    assert answer["error"] == 0
    service.send(reference=f"<b>{reference}</b>", roundDetails=attack, currency="EUR")

    page = opened(f"/transaction?id=result%23{reference}")
    request = page.get_by_role("region", name="The request as received")
    expect(request).to_contain_text("<script>alert(1)</script><img src=x onerror=alert(2)>")
    assert "U+202E" in request.inner_text() or "\\u202e" in request.inner_text()
    assert len(request.inner_text()) > 60_000
    assert page.locator("main img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    for path in ("/", "/parked", f"/find?name=%3Cb%3E{reference}%3C/b%3E"):
        page.goto(path)
        expect(page.get_by_text(f"<b>{reference}</b>").first).to_be_visible()


def test_another_site_changes_nothing(opened: Opened, service: Service) -> None:
    page = opened("/find")
    token = json.loads(page.locator("body").get_attribute("hx-headers") or "{}")["X-Console-Token"]
    form = {"callback": "result", "token": token}

    foreign = service.http.post("/parked/redrive", data=form, headers={"Origin": "https://evil.example"})
    rebound = service.http.post("/parked/redrive", data=form, headers={"Host": "evil.example", "Origin": service.url})

    assert (foreign.status_code, rebound.status_code) == (403, 421)


# --- Made well --------------------------------------------------------------------------------------

PAGES = (
    "/",
    "/find",
    "/find?name=nothing-of-that-name",
    "/player?id=421",
    "/player?id=nobody",
    "/player?id=421&amount=10&since=yesterday",
    "/player?id=421&amount=1e9&zone=Europe/Berlin",
    "/player?id=421&amount=123456",
    "/transaction?id=result%23{reference}",
    "/find?name=round-{reference}",
    "/players",
    "/rounds",
    "/parked",
    "/try",
)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light"), (1280, "dark"), (390, "dark")])
def test_axe_finds_nothing_to_mend(width: int, scheme: str, opened: Opened, service: Service) -> None:
    reference = name("axe")
    service.send(reference=reference)
    service.send(reference=reference, amount="99")
    service.send("bet", reference=f"{reference}-bet", roundId=f"round-{reference}")
    page = opened("/find", width=width, scheme=scheme)
    for path in PAGES:
        page.goto(path.format(reference=reference))
        expect(page.locator(".busy")).to_have_count(0)
        page.evaluate(AXE)
        found = page.evaluate("axe.run().then(result => result.violations)")
        assert [(path, each["id"], each["nodes"][0]["html"][:200]) for each in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than its window"


def test_the_keyboard_is_enough(opened: Opened, service: Service) -> None:
    reference = name("keys")
    service.send(reference=reference)
    page = opened("/find")
    page.evaluate("document.activeElement.blur()")

    page.goto("/parked")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.goto("/parked")
    for _ in range(9):
        page.keyboard.press("Tab")
    page.keyboard.type(reference)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name=re.compile("^Credited: "))).to_be_visible()


def test_a_page_without_scripts_still_finds_a_win(opened: Opened, service: Service) -> None:
    reference = name("plain")
    service.send(reference=reference, currency="EUR")
    page = opened(f"/find?name={reference}", java_script_enabled=False)

    page.get_by_role("link", name="Look among the dead letters").click()

    expect(page.get_by_role("heading", name="Not credited: it waits for a person")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/find", "/player?id=421", "/parked", "/try"])
def test_the_first_paint_waits_for_the_page_and_its_style_alone(path: str, opened: Opened) -> None:
    page = opened(path)

    blocking = """performance.getEntriesByType("resource")
        .filter(each => each.renderBlockingStatus === "blocking").map(each => new URL(each.name).pathname)"""

    assert page.evaluate(blocking) == ["/assets/console.css"]


def test_the_page_says_that_the_service_is_gone_and_comes_back_with_it(opened: Opened, service: Service) -> None:
    page = opened("/")
    expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()

    service.start_anew()
    reference = name("anew")
    service.send(reference=reference)

    expect(rows_of(page, reference)).to_have_count(1, timeout=20_000)
    assert page.locator("#rows tr").count() == 1  # what the service before it had answered is not known any more


def test_a_bet_its_round_and_its_cancel_are_seen(opened: Opened, service: Service) -> None:
    bet, round_id = name("bet"), name("round")
    service.send("bet", reference=bet, roundId=round_id)
    page = opened("/rounds")

    page.get_by_role("link", name=round_id).click()
    expect(page.get_by_text("Open: 1 live bet waits for a result")).to_be_visible()

    service.send("cancel", reference=bet, roundId=round_id)
    page.reload()
    steps = page.get_by_role("region", name=f"What happened in round {round_id}").get_by_role("row")
    expect(steps).to_have_count(3)  # with the heads of its columns
    expect(steps.last).to_contain_text("+10")
    page.goto("/rounds")
    expect(page.get_by_role("link", name=round_id)).to_have_count(0)
    page.goto("/")
    for reference, outcome in ((bet, "staked"), (bet, "paid back")):
        expect(rows_of(page, reference).filter(has_text=outcome)).to_have_count(1)

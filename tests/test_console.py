"""The console's pages, on tables and queues in memory: what they show, whom they answer, and what they keep out."""

import asyncio
import csv
import dataclasses
import io
import json
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from starlette.requests import ClientDisconnect, Request

from conftest import Operator, published
from expectations import calls, unchanged
from tools.console import charts, served, trying, words
from tools.console.app import Console, in_front
from tools.console.backoffice import BackOffice
from tools.console.feed import KEPT, Feed
from tools.console.listening import Listening
from tools.console.live import MOST_IN_A_BATCH, LivePages, Wanted
from tools.console.pages import Pages, to_find
from tools.console.visible import visible
from tools.local.engine import free_port, listener
from tools.local.template import Template
from tools.provider.answers import Answer
from tools.shared.trouble import Trouble
from tools.walletctl.log import LogLine, Refusals
from tools.walletctl.parked import mailbox
from tools.walletctl.parked.advice import retrying
from tools.walletctl.parked.letters import DeadLetter, Group
from tools.walletctl.place import Place, Queues
from tools.walletctl.tables import Tables
from wallet.parking import Parked
from walletctl import Functions, parked

PORT = 3000
HERE = f"http://127.0.0.1:{PORT}"
PAGES = (
    *("/", "/find", "/find?name=nothing", "/player?id=421", "/transaction?id=none", "/players", "/rounds", "/parked"),
    "/nowhere/else",
)
OVERRIDE = "\u202e"


class InMemory(Place):
    """The operator's account as a place: what is asked of it is asked of moto."""

    def __init__(self) -> None:
        super().__init__("the wallet of a test", ())
        self.log_is_free = True
        self.lines: list[LogLine] = []  # of the reference that is asked for
        self.refusals: list[LogLine] = []
        self.not_kept_by_code: dict[str, int] = {}

    def _tables(self) -> Tables:
        return Tables(
            dynamodb=boto3.client("dynamodb"),
            players="Players",
            transactions="Transactions",
            free_rounds="FreeRounds",
            rounds="Rounds",
        )

    def _template(self) -> Template:
        return Template.load()

    def _queues(self, callback: str) -> Queues:
        sqs = boto3.client("sqs")
        (function,) = (function for function in Template.load().functions() if function.name == callback)
        urls = [sqs.get_queue_url(QueueName=function.environment[name]) for name in ("RETRY_QUEUE", "DEAD_LETTERS")]
        return Queues(sqs=sqs, retry_queue=urls[0]["QueueUrl"], dead_letters=urls[1]["QueueUrl"])

    def caller(self) -> str:
        return "jo"

    def _function(self, name: str) -> tuple[Any, Mapping[str, str]]:
        return boto3.client("lambda"), {"FunctionName": name}

    def url(self) -> str:
        return HERE

    def log(self, reference: str, since: datetime) -> Sequence[LogLine]:
        return self.lines

    def refused(self, name: str, since: datetime) -> Sequence[LogLine]:
        return [line for line in self.refusals if name in (line.player, line.round)]

    def refused_among(self, wanted: Refusals, since: datetime) -> Sequence[LogLine]:
        return [*filter(wanted.has, self.refusals)]

    def not_kept(self, since: datetime) -> Mapping[str, int]:
        return self.not_kept_by_code


class Kept(BytecodeCache):
    """The templates as Python, for all tests: to compile them took a third of the time of these."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._code.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


TEMPLATES = Kept()


@pytest.fixture(autouse=True)
def templates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.console.pages.Environment", partial(Environment, bytecode_cache=TEMPLATES))


class Browser:
    """Asks an application as a browser at that port of this machine."""

    def __init__(self, application: Any, *, raises: bool = True) -> None:
        self.application = application
        self.raises = raises

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def answered() -> httpx.Response:
            transport = httpx.ASGITransport(self.application, raise_app_exceptions=self.raises)
            async with httpx.AsyncClient(transport=transport, base_url=HERE) as http:
                return await http.request(method, path, **options)

        return asyncio.run(answered())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)


class Window:
    """A browser without a screen: it says where it is, and where its forms are from."""

    def __init__(self, operator: Operator, folder: Path, *, is_local: bool = True) -> None:
        self.operator = operator
        self.place = InMemory()
        self.place.log_is_free = is_local
        self.feed = Feed()
        self.folder = folder
        office = BackOffice(self.place, is_local=is_local, folder=folder)
        console = Console(office=office, feed=self.feed, port=PORT, source="A test.", counting_seconds=1)
        self.browser = Browser(console.application())

    def get(self, path: str, **headers: str) -> Any:
        return self.browser.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    @property
    def token(self) -> str:
        (token,) = re.findall(r'"X-Console-Token": "([^"]+)"', self.get("/find").text)
        return token

    def post(self, path: str, form: dict[str, Any], **headers: str | None) -> Any:
        sent = {"origin": HERE, "x-console-token": self.token, "hx-request": "true"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.browser.post(
            path, data=form, headers={name: value for name, value in sent.items() if value is not None}
        )

    def dead_letters(self) -> list[dict[str, Any]]:
        return self.operator.messages("ResultDeadLetters")


@pytest.fixture
def window(operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Window:
    monkeypatch.setattr(mailbox, "WAIT_SECONDS", 0)
    return Window(operator, tmp_path)


def in_euros(operator: Operator, reference: str = "in-euros", **changes: Any) -> None:
    """A win that is left for a person."""
    assert operator.send("result", published("result", currency="EUR", reference=reference, **changes)).json["error"]


# --- Whom it answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, "/assets/console.css", "/assets/none"])
def test_a_page_runs_and_shows_nothing_that_the_console_did_not_make(path: str, window: Window) -> None:
    answer = window.get(path)

    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_script_and_no_style_in_itself(path: str, window: Window) -> None:
    text = window.get(path).text

    assert re.findall(r"<script(?![^>]* src=)", text) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", text) == []


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3000", "127.0.0.1", "127.0.0.1:3001", "", "0.0.0.0:3000"]
)
def test_a_name_that_was_made_to_point_here_is_refused(host: str, window: Window) -> None:
    answer = window.get("/player?id=421", host=host)

    assert answer.status_code == 421
    assert "99889.99" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost:3000"])
def test_this_machine_is_answered(host: str, window: Window) -> None:
    assert window.get("/player?id=421", host=host).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": None},
        {"origin": "null"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:3001"},
        {"origin": "http://localhost:3000"},  # the same machine, and another origin than the page's
        {"x_console_token": None},
        {"x_console_token": "of an earlier start"},
        {"x_console_token": "token-token"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"host": "evil.example:3000"},
    ],
)
@pytest.mark.parametrize("path", ["/parked/redrive", "/parked/discard", "/parked/foresee", "/parked/settle"])
def test_a_change_that_is_not_the_pages_own_changes_nothing(
    path: str, headers: dict[str, str | None], window: Window
) -> None:
    in_euros(window.operator)

    answer = window.post(path, {"callback": "result", "reason": "because"}, **headers)

    assert answer.status_code in (403, 421)
    assert [letter["reference"] for letter in window.dead_letters()] == ["in-euros"]
    assert list(window.folder.iterdir()) == []


def test_a_form_without_scripts_carries_the_token_itself(window: Window) -> None:
    in_euros(window.operator)

    answer = window.post("/parked/redrive", {"callback": "result", "token": window.token}, x_console_token=None)

    assert answer.status_code == 200
    assert window.dead_letters() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(method: str, window: Window) -> None:
    assert window.browser.request(method, "/parked", headers={"origin": HERE}).status_code == 405


def test_a_form_of_more_than_a_megabyte_is_refused(window: Window) -> None:
    assert window.post("/parked/redrive", {"callback": "x" * 1_000_001}).status_code == 413


def test_nothing_is_loaded_for_another_site(window: Window) -> None:
    assert window.get("/player?id=421", sec_fetch_site="cross-site", sec_fetch_mode="no-cors").status_code == 403
    assert window.get("/live/events", sec_fetch_site="same-site", sec_fetch_mode="cors").status_code == 403


def test_no_link_from_elsewhere_hides_letters_or_reads_a_ledger_that_is_paid_for(window: Window) -> None:
    for path in (
        "/parked/letters",
        "/find/elsewhere?name=x&scan=1",
        "/player/parked?id=421",
        "/transaction/conflicts?id=result%23x",
    ):
        assert window.get(path, sec_fetch_site="cross-site", sec_fetch_mode="navigate").status_code == 403
    in_a_frame = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}
    assert window.get("/parked", **in_a_frame).status_code == 403


def test_a_link_from_another_site_opens_a_page(window: Window) -> None:
    assert window.get("/find", sec_fetch_site="cross-site", sec_fetch_mode="navigate").status_code == 200


def test_whatever_is_not_the_consoles_goes_to_the_callbacks(window: Window) -> None:
    async def callbacks(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    both = Browser(in_front(window.browser.application, callbacks))

    assert {both.get(path).status_code for path in ("/v4/Result", "/healthz", "/favicon.ico", "/x")} == {299}
    assert both.post("/").status_code == 299
    assert both.get("/find").status_code == 200


# --- What comes from outside ------------------------------------------------------------------------

ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    f"abc{OVERRIDE}fed",
    "zero\u200bwidth",
    "nul\x00bell\x07",
    "\u2066isolated\u2069\u200f",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_the_provider_writes_is_shown_as_text(attack: str, window: Window) -> None:
    body = published("result", gameName=attack, roundDetails={"attack": attack})
    assert window.operator.send("result", json.dumps(body, ensure_ascii=False)).json["error"] == 0

    text = window.get("/transaction?id=result%23585c1306f89c56f5ecfc2f5d").text

    request = text[text.index("The request as received") :]
    assert "<script>alert" not in request
    assert "<img" not in request
    assert "49" not in re.sub(r"\d{5,}", "", request)
    assert not re.search("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\x00-\x08]", text)


def test_a_right_to_left_mark_is_shown_as_what_it_is(window: Window) -> None:
    body = published("result", gameName=f"abc{OVERRIDE}fed")
    window.operator.send("result", json.dumps(body, ensure_ascii=False))

    text = window.get("/transaction?id=result%23585c1306f89c56f5ecfc2f5d").text

    assert 'abc<span class="odd" title="right-to-left override">U+202E</span>fed' in text


def test_details_of_60_kib_are_shown_whole(window: Window) -> None:
    details = "x" * 60_000
    assert window.operator.send("result", published("result", roundDetails=details)).json["error"] == 0

    assert details in window.get("/transaction?id=result%23585c1306f89c56f5ecfc2f5d").text


def test_a_hostile_name_finds_a_page_and_nothing_else(window: Window) -> None:
    for attack in ATTACKS:
        for path in ("/find", "/player", "/transaction"):
            answer = window.browser.get(path, params={"name": attack, "id": attack})
            assert answer.status_code in (200, 404), (path, attack)
            assert "<script>alert" not in answer.text
            assert "<img src=x" not in answer.text


@pytest.mark.parametrize("field", ["reference", "userId", "currency"])
def test_half_a_character_in_a_refused_callback_leaves_live_as_it_is(field: str, window: Window) -> None:
    half = "\ud800"
    body = json.dumps(published("result", **{"reference": "r-1", field: f"a{half}"})).encode()
    window.feed.answered("result", body, said("refused", code=99, reason=f"malformed {half}"), "{}", 0.01)

    fed(window.feed)

    assert "refused 99" in window.get("/").text
    (rows,) = [text for name, _, text in Stream(window.feed).read(f"{window.feed.epoch}-0") if name == "rows"]
    rows.encode()
    assert "U+D800" in rows


@pytest.mark.parametrize(
    "path",
    [
        "/find/elsewhere?name=",
        "/player?id=",
        "/player/proof?id=",
        "/player/parked",
        "/transaction",
        "/transaction/conflicts?id=",
        "/transaction/deliveries?id=",
    ],
)
def test_nobodys_page_leads_to_where_names_are_asked_for(path: str, window: Window) -> None:
    answer = window.get(path)

    assert (answer.status_code, answer.headers["location"]) == (303, "/find")


def test_a_defect_and_a_reloaded_form_are_told_on_a_page(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    reloaded = window.get("/parked/redrive")
    assert reloaded.status_code == 405
    assert "Go to the page that has it" in reloaded.text

    monkeypatch.setattr(BackOffice, "counts", lambda _desk: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # which the server says on its terminal
        window.get("/parked")
    broken = Browser(window.browser.application, raises=False).get("/parked")
    assert broken.status_code == 500
    assert "ZeroDivisionError" in broken.text
    assert "content-security-policy" in broken.headers


@pytest.mark.parametrize("text", ["plain", "a  b", "<&>\"'", "\u05d0\u05d1", "emoji \U0001f3b0", "\ud800"])
def test_text_that_hides_nothing_is_itself(text: str) -> None:
    shown = visible(text)
    assert str(shown).startswith('<bdi class="outside">')
    assert ("U+D800" in shown) is (text == "\ud800")
    assert shown.striptags() or text


def test_texts_that_differ_look_different() -> None:
    texts = ["ab", "a\u200bb", "a\u202eb", "a\u2800b", "a\ufe0fb", "a\u00a0b", "a\nb", "a\tb"]

    assert len({str(visible(text)) for text in texts}) == len(texts)
    assert all("odd" in visible(text) for text in texts[1:])
    assert "odd" not in visible("a\n\tb", lines=True)


# --- Find -------------------------------------------------------------------------------------------


def test_a_win_is_found_by_its_reference_with_what_it_did(window: Window) -> None:
    window.operator.send("result", published("result"))

    text = window.get("/find?name=585c1306f89c56f5ecfc2f5d").text

    assert "Credited" in text
    assert "<strong>+10</strong>" in text
    assert "99899.99" in text


@pytest.mark.parametrize(
    ("body", "becomes"),
    [
        ('{"reference": "a", "amount": "1"}', '{"reference": "NEW", "amount": "1"}'),
        ('{"details": {"reference": "x"}, "list": [{"reference": "y"}], "reference":"a"}', None),
        (r'{"a": "} \" {", "Reference" : "a\"b"}', r'{"a": "} \" {", "Reference" : "NEW"}'),
        ('{"reference": 5}', '{"reference": 5}'),
        ('{"a": "reference", "b": "c"}', '{"a": "reference", "b": "c"}'),
        ("no JSON", "no JSON"),
        ('{"reference": "a', '{"reference": "a'),
    ],
)
def test_another_win_differs_in_its_own_reference_alone(body: str, becomes: str | None) -> None:
    fresh = trying._under_a_new_reference(body)

    assert re.sub("[0-9a-f]{24}", "NEW", fresh) == (becomes or body.replace('"a"', '"NEW"'))


def test_a_win_of_nothing_is_no_money_to_look_for(window: Window) -> None:
    window.operator.send("result", published("result", amount="0"))

    text = window.get("/find?name=585c1306f89c56f5ecfc2f5d").text

    assert "nothing was won" in text
    assert "The money was added" not in text


def test_a_total_whose_rounds_were_paid_is_on_record_without_money(window: Window) -> None:
    window.operator.send("result", published("result", bonusCode="FREE-1", amount="2.5"))
    window.operator.send("bonus", published("bonus", reference="total", bonusCode="FREE-1", amount="2.5"))

    assert "Paid 0 of 2.5: its rounds had been paid already." in window.get("/find?name=total").text


def test_a_name_of_a_win_and_of_a_player_leads_to_both(window: Window) -> None:
    window.operator.send("result", published("result", reference="421"))

    text = window.get("/find?name=421").text

    assert "/transaction?id=result%23421" in text
    assert "A player has that name as well" in text


def test_a_name_is_looked_for_with_its_spaces_and_leads_to_the_one_without(window: Window) -> None:
    window.operator.send("result", published("result", reference=" r "))

    with_spaces, without = window.get(to_find(" r ")).text, window.get("/find?name=r").text

    assert "The money was added" in with_spaces
    assert '<a href="/find?name=r">' in with_spaces
    assert "The money was added" not in without


def test_what_was_paid_while_it_was_looked_for_is_said_to_be_credited(window: Window) -> None:
    page = window.get("/find?name=585c1306f89c56f5ecfc2f5d").text
    assert "Not in the ledger" in page
    window.operator.send("result", published("result"))
    (rest,) = set(re.findall(r'hx-get="(/find/elsewhere[^"]+)"', page))

    assert "The money was added to the wallet" in window.get(rest.replace("&amp;", "&"), hx_request="true").text


def test_a_player_is_led_to_the_ledger(window: Window) -> None:
    answer = window.get("/find?name=421")

    assert (answer.status_code, answer.headers["location"]) == (303, "/player?id=421")


def test_a_player_says_how_the_wallet_was_opened(window: Window) -> None:
    text = window.get("/player?id=421").text

    assert "The wallet was opened with 99889.99 USD and a bonus of 99.99 USD. Ordered by a test: a player." in text
    assert "/transaction?id=opening%23421" in text


def test_a_round_is_found_in_the_whole_ledger(window: Window) -> None:
    window.operator.send("result", published("result"))

    text = window.get("/find/elsewhere?name=5103188801", hx_request="true").text

    assert "What happened in round 5103188801" in text
    assert "/transaction?id=result%23585c1306f89c56f5ecfc2f5d" in text


def test_a_stacks_whole_ledger_is_read_when_that_is_asked_for_and_only_then(window: Window) -> None:
    of_a_stack = Window(window.operator, window.folder, is_local=False)
    window.operator.send("result", published("result"))

    text = of_a_stack.get("/find/elsewhere?name=5103188801", hx_request="true").text
    assert "Nothing is known of" in text
    (link,) = set(re.findall(r'hx-get="(/find/elsewhere[^"]+)"', text))
    assert "What happened in round 5103188801" in of_a_stack.get(link.replace("&amp;", "&"), hx_request="true").text

    # What the log knows is a reference: to read the ledger for it would tell no more.
    of_a_stack.place.lines = [
        LogLine(at=None, callback="result", message="refused", code=62, reason="No such player: 9", tries=None)
    ]
    assert "Read the whole ledger" not in of_a_stack.get("/find/elsewhere?name=early", hx_request="true").text


def test_a_dead_letter_is_found_with_its_reason_in_plain_words(window: Window) -> None:
    in_euros(window.operator)

    text = window.get("/find/elsewhere?name=in-euros", hx_request="true").text

    assert "Not credited: it waits for a person" in text
    assert "it is in another currency than the wallet, which is in USD" in text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            {"message": "refused", "code": 998, "reason": "ReadTimeoutError, attempt 3", "tries": 4},
            "did not answer in time",
        ),
        ({"message": "refused", "code": 62, "reason": "No such player: 9"}, "this player has no wallet"),
        ({"message": "refused", "code": 64, "reason": "x"}, "is not among the dead letters now"),
        ({"message": "parking failed", "code": None, "reason": "send_message"}, "could not even be kept"),
        ({"message": "left for a person", "code": None, "reason": "x"}, "is not among the dead letters now"),
        ({"message": "credited", "code": None, "reason": None}, "this is another table"),
    ],
)
def test_what_the_log_alone_knows_is_said(line: dict[str, Any], said: str, window: Window) -> None:
    at = datetime(2026, 1, 2, 12, 3, 4, tzinfo=UTC)
    window.place.lines = [LogLine(**{"at": at, "callback": "result", "tries": None} | line)]

    assert said in window.get("/find/elsewhere?name=lost", hx_request="true").text


def refusal(**facts: Any) -> LogLine:
    """What the log has of a refused win of a player without a wallet."""
    said: dict[str, Any] = {
        "at": datetime(2026, 1, 2, 12, 3, 4, tzinfo=UTC),
        "callback": "result",
        "message": "refused",
        "code": 62,
        "reason": "No such player: 40021",
        "tries": 3,
        "reference": "early",
        "player": "40021",
        "round": "r-1",
        "amount": "75.10",
        "currency": "USD",
    }
    return LogLine(**said | facts)


@pytest.mark.parametrize("path", ["/find/elsewhere?name=40021", "/find/elsewhere?name=r-1", "/player/parked?id=40021"])
def test_a_win_that_waits_is_found_by_its_player_and_by_its_round(path: str, window: Window) -> None:
    window.place.refusals = [refusal()]

    text = window.get(path, hx_request="true").text

    assert "Not credited yet: this player has no wallet" in text
    assert "75.10 USD" in text
    assert "3 of ten tries so far" in text
    assert "/find?name=result%23early" in text
    assert "Nothing is known of" not in text


def test_a_win_of_another_kind_that_waits_is_told_beside_the_one_on_record(window: Window) -> None:
    window.operator.send("result", published("result", reference="two-kinds"))
    window.place.lines = [refusal(callback=kind, reference="two-kinds") for kind in ("result", "jackpot")]

    text = window.get("/find/elsewhere?name=two-kinds&shown=1", hx_request="true").text

    assert "Not credited yet: this player has no wallet" in text
    assert "/find?name=jackpot%23two-kinds" in text
    assert "/find?name=result%23two-kinds" not in text


def test_of_a_stack_it_is_said_which_kinds_were_not_looked_for(operator: Operator, tmp_path: Path) -> None:
    of_a_stack = Window(operator, tmp_path, is_local=False)
    of_a_stack.operator.send("result", published("result", reference="two-kinds"))

    text = of_a_stack.get("/find/elsewhere?name=two-kinds&shown=1", hx_request="true").text

    assert "the log was not read" in text
    assert "/find?name=jackpot%23two-kinds" in text
    assert "/find?name=result%23two-kinds" not in text


def test_a_second_win_under_a_reference_is_told_beside_the_first(window: Window) -> None:
    window.operator.send("result", published("result", amount="31.00"))
    window.operator.send("result", published("result", amount="131.00", roundId="8812345005"))
    reference = published("result")["reference"]

    assert "Credited: 31 USD" in re.sub("<[^>]+>", "", window.get(f"/find?name={reference}").text)
    text = window.get(f"/find/elsewhere?name={reference}&shown=1", hx_request="true").text

    assert "another win was not credited" in text
    assert "131.00 USD" in text
    assert "the reference was used before, with another amount and round" in text


def test_what_a_second_win_brings_as_a_prize_is_told_with_it(window: Window) -> None:
    window.operator.send("result", published("result", reference="r", amount="31"))
    prize = {"promoWinReference": "p-1", "promoWinAmount": "25.0"}
    window.operator.send("result", published("result", reference="r", amount="1", **prize))

    text = re.sub("<[^>]+>", "", window.get("/find/elsewhere?name=r&shown=1", hx_request="true").text)

    assert "1 USD and a prize of 25.0" in text


def test_the_card_of_a_result_has_its_prize_with_the_amount(window: Window) -> None:
    in_euros(window.operator, amount="1", promoWinReference="p-1", promoWinAmount="25.0")

    card = re.sub("<[^>]+>", "", window.get("/parked/letters", hx_request="true").text)

    assert "Prize&#39;s referencep-1" in card
    assert "Prize&#39;s amount25.0" in card


def test_a_player_without_a_wallet_is_shown_what_was_won(window: Window) -> None:
    text = window.get("/player?id=40021").text

    assert "/player/parked?id=40021" in text
    assert "This player has no wallet" in text


def test_a_stack_s_log_is_read_for_a_player_when_that_is_asked_for(window: Window) -> None:
    of_a_stack = Window(window.operator, window.folder, is_local=False)
    of_a_stack.place.refusals = [refusal()]

    text = of_a_stack.get("/player/parked?id=40021", hx_request="true").text
    assert "75.10" not in text
    (link,) = set(re.findall(r'hx-get="(/player/parked[^"]+)"', text))
    assert "75.10" in of_a_stack.get(link.replace("&amp;", "&"), hx_request="true").text


def test_what_is_nowhere_is_said_to_be_unknown_with_what_to_ask(window: Window) -> None:
    text = window.get("/find/elsewhere?name=nothing", hx_request="true").text

    assert "Nothing is known of" in text
    assert "Ask the provider" in text


def test_what_is_nowhere_is_not_said_to_have_never_come_where_something_was_refused(window: Window) -> None:
    assert "Most likely it never came here" in window.get("/find/elsewhere?name=lost", hx_request="true").text
    window.place.not_kept_by_code = {"401": 12}
    window.operator.send("result", published("result", reference="another", amount="x"))

    text = window.get("/find/elsewhere?name=lost", hx_request="true").text

    assert "12 requests were refused since" in text
    assert "12 with 401, not authentic" in text
    assert "1 dead letter had a body that is not valid" in text
    assert "Most likely" not in text


def test_a_prize_that_was_discarded_is_found_by_the_result_that_it_came_with(window: Window) -> None:
    win = published("result", reference="w", promoWinReference="prize-7", promoWinAmount="-5")
    assert window.operator.send("result", win).json["error"] == 0
    sqs = boto3.client("sqs")
    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName="ResultDeadLetters")["QueueUrl"])

    text = window.get("/find/elsewhere?name=prize-7", hx_request="true").text

    assert "A prize was not paid" in text


def test_what_could_not_be_looked_at_is_not_said_to_have_been(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_reference: str, _since: datetime) -> Sequence[LogLine]:
        raise Trouble("the log cannot be asked: denied")

    monkeypatch.setattr(window.place, "log", denied)

    text = window.get("/find/elsewhere?name=nothing", hx_request="true").text
    assert "The log was not read: the log cannot be asked: denied." in text
    assert "Looked at: the ledger by reference and player, by round and transaction id." in text
    assert "Most likely" not in text
    # A sentence of a command's stands behind its name; here it begins one.
    answer = window.get("/transaction/deliveries?id=result%23r", hx_request="true").text
    assert ">The log cannot be asked: denied<" in answer


def test_a_page_of_its_own_is_there_for_who_has_no_scripts(window: Window) -> None:
    assert window.get("/find/elsewhere?name=nothing").text.startswith("<!doctype html>")
    assert not window.get("/find/elsewhere?name=nothing", hx_request="true").text.startswith("<!doctype")


# --- A player, a transaction ------------------------------------------------------------------------


def test_a_player_has_balances_a_ledger_and_a_picture(window: Window) -> None:
    for number in range(3):
        window.operator.send("result", published("result", reference=f"r-{number}", amount="10"))

    text = window.get("/player?id=421").text

    assert "99919.99" in text
    assert re.findall(r"r-\d(?=</bdi>)", text) == ["r-2", "r-1", "r-0"]
    assert 'aria-label="Cash went from 99889.99 to 99919.99' in text


def ordered(window: Window, movement: str, amount: str, **changes: Any) -> int:
    """Has the cashier move the player's money under the reference `own-1`, and gives the error it answers."""
    order = {"movement": movement, "reference": "own-1", "userId": "421", "amount": amount, "currency": "USD"}
    answer = window.operator.invoke("cashier", {**order, "actor": "anna", "reason": "ticket <7>", **changes})
    return answer["error"]


OWN = {
    "opening": ("12", {"userId": "new"}, "Opened: 12 USD", "opened with 12 USD"),
    "deposit": ("20.5", {}, "Deposited: 20.5 USD", "20.5 USD was paid into the wallet"),
    "withdrawal": ("3", {}, "Withdrawn: 3 USD", "3 USD was taken from the wallet"),
    "adjustment": ("-4", {}, "Adjusted: 4 USD", "4 USD was taken from the wallet"),
}


@pytest.mark.parametrize("movement", OWN)
def test_an_own_movement_says_what_it_did_who_ordered_it_and_why(window: Window, movement: str) -> None:
    amount, changes, title, sentence = OWN[movement]
    assert ordered(window, movement, amount, **changes) == 0

    found = window.get("/find?name=own-1").text
    page = window.get(f"/transaction?id={movement}%23own-1").text
    ledger = window.get(f"/player?id={changes.get('userId', '421')}").text

    for text in (found, page):
        assert sentence in text
        assert "anna: ticket &lt;7&gt;" in text
    assert title in found
    assert "Moved" in page
    assert "Credited" not in page
    assert "another win under this reference" not in page
    assert movement in ledger
    assert "no record of this change" not in ledger


def played(window: Window, call: str, **changes: Any) -> int:
    """Sends the example of a call, and gives the error it answers."""
    function = {"refund": "cancel", "check": "balance"}.get(call, call)
    return window.operator.send(function, published(call, **changes), path=f"/v4/{call}").json["error"]


def test_a_bet_is_shown_with_its_sign_its_round_and_what_paid_it_back(window: Window) -> None:
    assert played(window, "bet", reference="b-1", roundId="round-7") == 0

    found, page = window.get("/find?name=b-1").text, window.get("/transaction?id=bet%23b-1").text

    assert "Staked: 10 USD" in found
    assert "<strong>-10</strong>" in found
    assert '<a href="/find?name=round-7">' in found
    assert "10 USD was taken from the wallet" in page
    assert '<th scope="col" class="number">Staked</th>' in page
    assert '<td class="number">-10</td>' in page
    assert "another win under this reference" not in page
    assert "Paid back by" not in page

    assert played(window, "cancel", reference="b-1", roundId="round-7") == 0

    page, cancel = (window.get(f"/transaction?id={kind}%23b-1").text for kind in ("bet", "cancel"))
    assert 'Paid back by <a href="/transaction?id=cancel%23b-1">' in page
    assert 'It pays back <a href="/transaction?id=bet%23b-1">' in cancel
    assert '<td class="number plus">+10</td>' in cancel
    assert "another win under this reference" not in cancel
    both = window.get("/find?name=b-1").text
    assert "On record: 2 transactions" in both
    assert "Credited" not in both
    ledger = window.get("/player?id=421").text
    assert ">-10</td>" in ledger
    assert ">+10</td>" in ledger


def test_a_round_is_shown_in_order_with_what_was_staked_and_won(window: Window) -> None:
    for name, reference in (("bet", "b-1"), ("bet", "b-2"), ("cancel", "b-2")):
        assert played(window, name, reference=reference, roundId="round-7") == 0
    assert (
        window.operator.send("result", published("result", reference="w-1", roundId="round-7", amount="25")).json[
            "error"
        ]
        == 0
    )
    assert played(window, "endround", roundId="round-7") == 0

    text = window.get("/find/elsewhere?name=round-7", hx_request="true").text

    happened = [re.sub("<[^>]*>", "", cell) for cell in re.findall(r'<td class="when">.*?</td><td>(.*?)</td>', text)]
    assert happened == ["bet of 10", "bet of 10", "bet cancelled and paid back", "result", "round ended"]
    assert re.findall(r'<td class="number">([+-][0-9.]+)</td>', text) == ["-10", "-10", "+10", "+25"]
    figures = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^ ]*) <small>", text))
    assert figures == {"Staked": "20", "Paid back": "10", "Won": "25", "Net for the player": "+15"}
    assert "Played: its result came" in text
    assert "Ended" in text


def test_the_same_round_in_two_games_is_two_rounds(window: Window) -> None:
    for game in ("dice", "slots"):
        assert played(window, "bet", reference=f"b-{game}", roundId="round-7", gameId=game) == 0

    text = window.get("/find/elsewhere?name=round-7", hx_request="true").text

    assert text.count('aria-label="Round round-7"') == 2
    assert re.findall(r"Game <bdi[^>]*>(\w+)</bdi>", text) == ["dice", "slots"]


def test_a_bet_leads_to_its_round_and_says_how_it_stands(window: Window) -> None:
    assert played(window, "bet", reference="b-1", roundId="round-7") == 0

    text = window.get("/find/elsewhere?name=b-1&shown=1", hx_request="true").text

    assert "Open: 1 live bet waits for a result" in text
    assert 'Its round: <a href="/find?name=round-7">' in text


def test_open_rounds_are_listed_and_the_ones_that_wait_too_long_are_marked(window: Window) -> None:
    assert "No open rounds" in window.get("/rounds").text
    for number in (1, 2):
        assert played(window, "bet", reference=f"b-{number}", roundId=f"round-{number}") == 0
    assert window.operator.send("result", published("result", reference="w", roundId="round-2")).json["error"] == 0

    text = window.get("/rounds").text

    assert re.findall(r'<a href="/find\?name=(round-\d)">', text) == ["round-1"]
    assert re.search("10 <bdi[^>]*>USD</bdi></td>", text)
    assert re.search("10 <bdi[^>]*>USD</bdi></td>", window.get("/player?id=421").text)
    assert 'class="alarm"' not in text
    assert '<a href="/find?name=round-1">' in window.get("/player?id=421").text

    table = window.operator.database.Table("Rounds")
    (item,) = [each for each in window.operator.items("Rounds") if each["roundId"] == "round-1"]
    table.put_item(Item=item | {"openSince": "2026-01-02T03:04:05.000+00:00"})

    text = window.get("/rounds").text
    assert "1 round</strong> is open for longer than 26 hours" in text
    assert '<strong class="alarm">2026-01-02 03:04:05</strong>' in text


def test_a_place_that_takes_no_bets_says_so_and_shows_none_of_its_calls(window: Window) -> None:
    tables = window.place.tables()
    window.place._made["tables"] = dataclasses.replace(tables, rounds=None)
    window.place._made["template"] = Template.load(Calls="Wins")

    assert "takes no bets" in window.get("/rounds").text
    assert window.get("/player?id=421").status_code == 200
    assert re.findall('<div class="tile"><dt>([a-z]+)</dt>', window.get("/").text) == [
        "result",
        "jackpot",
        "bonus",
        "promo",
    ]


def test_a_frozen_player_is_shown_as_such_with_who_did_it_and_why(window: Window) -> None:
    assert "Frozen" not in window.get("/player?id=421").text
    order = {"userId": "421", "actor": "anna", "reason": "ticket <7>"}
    assert window.operator.invoke("cashier", {"freeze": order})["frozen"]

    text = window.get("/player?id=421").text
    assert "<strong>Frozen</strong>" in text
    assert "by anna: ticket &lt;7&gt;" in text

    assert window.operator.invoke("cashier", {"unfreeze": order})["error"] == 0
    assert "Frozen" not in window.get("/player?id=421").text


def test_a_bet_that_was_cancelled_before_it_came_says_so(window: Window) -> None:
    assert played(window, "cancel", reference="b-1") == 0
    assert played(window, "bet", reference="b-1") == 53

    found, page = window.get("/find?name=b-1").text, window.get("/transaction?id=bet%23b-1").text

    assert "Cancelled before it came: nothing was taken" in found
    assert "If the bet comes, it is refused with error 53" in page
    assert "Staked" not in page
    assert "Asked for, and not moved" not in page


def test_a_bet_that_there_was_not_enough_for_says_so(window: Window) -> None:
    assert played(window, "bet", reference="b-1", amount="1000000") == 15

    found, page = window.get("/find?name=b-1").text, window.get("/transaction?id=bet%23b-1").text

    assert "Refused: not enough money" in found
    assert "The same bet is refused again" in page


def test_a_win_that_its_round_forbids_waits_for_a_person_and_can_be_settled(window: Window) -> None:
    assert played(window, "bet", reference="b-1") == 0
    assert played(window, "cancel", reference="b-1") == 0
    assert window.operator.send("result", published("result", reference="w-1")).json["error"] == 61

    text = window.get("/parked/letters", hx_request="true").text

    assert "every bet of the round was cancelled" in text
    assert "Settle" in text


def test_a_cancel_that_its_round_forbids_waits_for_a_person_and_is_settled(
    window: Window, functions: Functions
) -> None:
    assert played(window, "bet", reference="b-1") == 0
    assert window.operator.send("result", published("result", reference="w-1")).json["error"] == 0
    assert played(window, "cancel", reference="b-1") == 61
    text = window.get("/parked/letters", hx_request="true").text
    assert "the round has winnings" in text
    assert "Not paid back because" in text
    assert "/parked/redrive" not in text
    (message,) = set(re.findall(r'name="message" value="([^"]+)"', text))
    form = {"callback": "cancel", "message": message, "reason": "ticket 7"}

    foreseen = window.post("/parked/foresee", form).text
    done = window.post("/parked/settle", form).text

    assert "cancel#b-1" in foreseen
    assert "Settled" in done
    assert window.operator.wallet()["cash"] == Decimal("99899.99")
    assert window.operator.messages("CancelDeadLetters") == []


def test_a_cancel_that_came_again_as_it_should_is_not_shown_as_owed(window: Window) -> None:
    assert played(window, "bet", reference="b-1") == 0
    assert played(window, "cancel", reference="b-1", amount="3") == 59
    assert played(window, "cancel", reference="b-1") == 0

    text = window.get("/parked/letters", hx_request="true").text
    found = window.get("/find/elsewhere?name=b-1&shown=1", hx_request="true").text

    assert "<h1>Not credited or paid back yet</h1>" in window.get("/parked").text
    assert "Not paid back because <strong>" in text
    for page in (text, found):
        assert "on record as paid back, so nothing more is owed for it" in page
        assert "Discard for good" in page
    assert "cancel was not paid back" not in found


def test_a_refund_that_was_answered_and_kept_says_why_and_is_never_retried(window: Window) -> None:
    assert played(window, "refund", reference="f-1") == 0

    text = window.get("/parked/letters", hx_request="true").text
    found = window.get("/find/elsewhere?name=f-1&shown=1", hx_request="true").text

    for page in (text, found):
        assert "no bet of the round is on record" in page
        assert "from before this wallet" in page
        assert "Try to credit again" not in page
        assert "Discard for good" in page
    assert "cancel was not paid back" in found


def test_a_withdrawal_is_shown_below_zero_with_the_balances(window: Window) -> None:
    ordered(window, "withdrawal", "89.99")

    page = window.get("/transaction?id=withdrawal%23own-1").text

    assert '<td class="number">-89.99</td>' in page
    assert "99889.99" in page
    assert "<strong>99800</strong>" in page


def test_an_adjustment_of_the_bonus_says_what_moved(window: Window) -> None:
    assert ordered(window, "adjustment", "0", bonus="-9.99") == 0

    found = window.get("/find?name=own-1").text

    assert "Adjusted: 9.99 USD<" in found
    assert "9.99 USD was taken from the bonus" in found
    assert ", bonus -9.99" in re.sub("<[^>]+>", "", found)


def test_a_refused_withdrawal_is_explained_and_has_no_balances(window: Window) -> None:
    assert ordered(window, "withdrawal", "100000") == 15

    found, page = window.get("/find?name=own-1").text, window.get("/transaction?id=withdrawal%23own-1").text

    assert "Refused: not enough money" in found
    assert "the wallet had less than 100000 USD" in found
    assert "the wallet had less than 100000 USD" in page
    assert "verdict good" not in found
    assert "Cash after" not in found
    assert "before-after" not in page


def booked_elsewhere(window: Window, reference: str) -> None:
    """Has a person record a dead letter as paid by other means."""
    message = parked("result", published("result", reference=reference, currency="USD"))
    decision = {"message": message, "actor": "bob", "reason": "paid by bank", "bookedElsewhere": True}
    assert window.operator.invoke("result", {"settle": decision})["error"] == 0


def test_what_was_booked_elsewhere_is_not_shown_as_paid(window: Window) -> None:
    booked_elsewhere(window, "r-1")

    found = window.get("/find?name=r-1").text

    page = window.get("/transaction?id=result%23r-1").text

    assert "Booked elsewhere: not paid here" in found
    assert "bob: paid by bank" in found
    assert "Credited" not in found
    assert "Asked for, and not moved" in page


def test_an_order_that_the_cashier_refused_is_explained(window: Window) -> None:
    window.place.lines = [
        LogLine(
            at=None, callback="cashier", message="declined", code=62, reason="No such player", tries=None, reference="d"
        )
    ]

    text = window.get("/find/elsewhere?name=d", hx_request="true").text

    assert "Nothing was moved: the cashier refused this order" in text
    assert "this player has no wallet" in text
    assert "an order was refused, error 62: nothing moved" in text


def test_what_left_no_transaction_is_a_row_of_the_ledger(window: Window) -> None:
    window.operator.send("result", published("result", reference="before"))
    window.operator.database.Table("Players").update_item(
        Key={"userId": "421"},
        UpdateExpression="SET cash = :cash, version = :version",
        ExpressionAttributeValues={":cash": Decimal(99000), ":version": 3},
    )
    window.operator.send("result", published("result", reference="after"))

    text = window.get("/player?id=421").text

    assert "no record of this change" in text
    assert "-899.99" in text


def moved(window: Window, version: int, cash: str) -> None:
    """Another program moves the wallet, and leaves no transaction."""
    window.operator.database.Table("Players").update_item(
        Key={"userId": "421"},
        UpdateExpression="SET cash = :cash, version = :version",
        ExpressionAttributeValues={":cash": Decimal(cash), ":version": version},
    )


def test_what_moved_the_wallet_since_is_a_row_of_the_ledger_and_named_by_the_proof(window: Window) -> None:
    window.operator.send("result", published("result"))
    number = int(window.operator.wallet()["version"]) + 1
    moved(window, number, "99000")

    text = window.get("/player?id=421").text
    proof = window.get("/player/proof?id=421", hx_request="true").text

    assert re.search(r'tr role="row" class="gap">[^§]*?-899.99[^§]*?99000</td>', text)
    assert f"number {number} is missing: cash moved by -899.99" in proof


def test_what_moved_between_two_pages_of_a_ledger_stands_on_one(window: Window) -> None:
    window.operator.send("result", published("result", reference="first", amount="1"))
    moved(window, 3, "50000")
    for number in range(50):
        window.operator.send("result", published("result", reference=f"r-{number}", amount="1"))

    newest = window.get("/player?id=421").text
    (older,) = re.findall(r'href="(/player\?id=421&amp;before=\d+)"', newest)
    rest = window.get(older.replace("&amp;", "&")).text

    assert newest.count("no record of this change") == 1
    assert "no transaction" not in rest
    assert re.findall(r"(?:first|r-\d+)(?=</bdi>)", rest) == ["first"]


def test_an_older_page_of_a_ledger_goes_on_where_the_newer_ended(window: Window) -> None:
    for number in range(60):
        window.operator.send("result", published("result", reference=f"r-{number:02}", amount="1"))

    newest = window.get("/player?id=421").text
    (older,) = re.findall(r'href="(/player\?id=421&amp;before=\d+)"', newest)
    rows = [re.findall(r"r-\d\d(?=</bdi>)", text) for text in (newest, window.get(older.replace("&amp;", "&")).text)]

    assert [len(each) for each in rows] == [50, 10]
    assert rows[0] + rows[1] == [f"r-{number:02}" for number in reversed(range(60))]


def test_free_rounds_are_shown_as_the_table_counts_them(window: Window) -> None:
    window.operator.send("result", published("result", bonusCode="FREE-1", amount="2.5"))

    text = window.get("/player?id=421").text

    assert "2.5 was paid round by round, and no total has covered it yet" in text


def test_there_is_no_page_of_nobody(window: Window) -> None:
    answer = window.get("/player?id=nobody")

    assert answer.status_code == 404
    assert "walletctl players add" in answer.text


def test_a_ledger_that_proves_is_marked_and_one_that_does_not_says_where(window: Window) -> None:
    window.operator.send("result", published("result", reference="first"))
    window.operator.send("result", published("result", reference="second"))
    made = len(window.operator.items("Transactions"))
    assert f"Verified: {made} transactions" in window.get("/player/proof?id=421", hx_request="true").text

    window.operator.database.Table("Transactions").update_item(
        Key={"id": "result#second"},
        UpdateExpression="SET cashAfter = :cash",
        ExpressionAttributeValues={":cash": Decimal(1)},
    )

    moved(window, made + 1, "1")
    broken = window.get("/player/proof?id=421", hx_request="true").text
    assert "The chain breaks" in broken
    assert f"number {made + 1} is missing" in broken
    assert "/transaction?id=result%23second" in broken
    assert "Verified" not in broken


def test_a_transaction_shows_the_wallet_before_and_after_and_the_request(window: Window) -> None:
    window.operator.send("result", published("result"))

    text = window.get("/transaction?id=result%23585c1306f89c56f5ecfc2f5d").text

    assert all(figure in text for figure in ("99889.99", "+10", "99899.99"))
    assert "tumblefortune" in text
    assert "4a5d375ac1311b04fba2ea66d067b8e5" in text


def test_a_prize_and_its_result_lead_to_each_other(window: Window) -> None:
    window.operator.send("result", published("result", promoWinAmount="5", promoWinReference="prize"))

    result = window.get("/transaction?id=result%23585c1306f89c56f5ecfc2f5d").text
    prize = window.get("/transaction?id=promo%23prize").text

    assert "/transaction?id=promo%23prize" in result
    assert "/transaction?id=result%23585c1306f89c56f5ecfc2f5d" in prize


def test_every_delivery_is_listed_with_what_came_of_it(window: Window) -> None:
    at = datetime(2026, 1, 2, 12, 3, 4, tzinfo=UTC)
    window.place.lines = [
        LogLine(at=at, callback=callback, message=message, code=None, reason=None, tries=None)
        for callback, message in (("result", "credited"), ("result", "replayed"), ("jackpot", "credited"))
    ]  # the last has the same reference, and is another kind

    text = window.get("/transaction/deliveries?id=result%23x", hx_request="true").text

    assert "2 deliveries" in text
    assert "nothing moved" in text


@pytest.mark.parametrize(
    ("amount", "message", "told"),
    [("5", "moved", "1 order: it was moved once."), ("100000", "declined", "1 order: nothing was moved.")],
)
def test_an_order_is_not_said_to_be_credited(window: Window, amount: str, message: str, told: str) -> None:
    ordered(window, "withdrawal", amount)
    window.place.lines = [LogLine(at=None, callback="cashier", message=message, code=15, reason="x", tries=None)]

    text = window.get("/transaction/deliveries?id=withdrawal%23own-1", hx_request="true").text

    assert f"<p>{told}</p>" in text
    assert "credited" not in text


def test_the_deliveries_of_what_was_booked_elsewhere_say_that_it_was_not_paid(window: Window) -> None:
    booked_elsewhere(window, "r-1")
    window.place.lines = [
        LogLine(at=None, callback="result", message=message, code=52, reason="x", tries=None)
        for message in ("refused", "booked elsewhere")
    ]

    text = window.get("/transaction/deliveries?id=result%23r-1", hx_request="true").text

    assert "<p>1 delivery: it was booked elsewhere, and not paid here.</p>" in text


def test_the_deliveries_of_a_prize_are_its_results(window: Window) -> None:
    assert prized(window, "d-1", "3") == 0

    alone = window.get("/transaction/deliveries?id=promo%23pq-1", hx_request="true").text
    window.place.lines = [LogLine(at=None, callback="promo", message="replayed", code=None, reason=None, tries=None)]
    again = window.get("/transaction/deliveries?id=promo%23pq-1", hx_request="true").text

    assert "/transaction?id=result%23d-1" in alone
    assert "The log says nothing of it" not in alone
    assert "/transaction?id=result%23d-1" in again
    assert "By itself it was sent as well" in again
    assert "1 delivery" in again


def test_a_try_from_the_queue_is_no_delivery(window: Window) -> None:
    at = datetime(2026, 1, 2, 12, 3, 4, tzinfo=UTC)
    window.place.lines = [
        LogLine(at=at, callback="result", message=message, code=998, reason="x", tries=tries)
        for message, tries in (("refused", None), ("refused", 1), ("credited", 2))
    ]

    text = window.get("/transaction/deliveries?id=result%23x", hx_request="true").text

    assert "1 delivery and 2 tries from the queue" in text


def used_twice(window: Window, **changes: Any) -> None:
    window.operator.send("result", published("result", reference="twice", amount="31.00"))
    answer = window.operator.send("result", published("result", reference="twice", **{"amount": "131.00"} | changes))
    assert answer.json["error"] == 61


def differing(text: str) -> list[str]:
    return re.findall(r'class="differs">≠ <bdi class="outside">([^<]*)<', text)


def test_a_second_win_under_a_reference_is_said_to_be_unpaid_beside_the_one_on_record(window: Window) -> None:
    used_twice(window, roundId="another")
    page = window.get("/transaction?id=result%23twice").text
    (where,) = re.findall(r'hx-get="(/transaction/conflicts[^"]+)" hx-trigger="load"', page)
    assert page.index(where) < page.index("The wallet before and after")

    text = window.get(where, hx_request="true").text

    assert "A second win under this reference was NOT paid" in text
    assert differing(text) == ["131.00", "another"]  # and neither currency nor player
    recorded, asked = re.findall(r'<tr><th scope="row">.*?</tr>', text, re.DOTALL)
    assert "31<" in recorded
    assert "131.00<" in asked
    (parked,) = set(re.findall(r'href="(/parked[^"]+)"', text))
    letters = parked.replace("&amp;", "&").replace("/parked", "/parked/letters")
    in_euros(window.operator, "other")
    assert window.get(letters, hx_request="true").text.count("<article") == 1
    assert letters.replace("&", "&amp;") in window.get(parked.replace("&amp;", "&")).text


def test_retransmissions_of_a_second_win_are_one_row(window: Window) -> None:
    used_twice(window)
    used_twice(window)

    text = window.get("/transaction/conflicts?id=result%23twice", hx_request="true").text

    assert differing(text) == ["131.00"]
    assert "as well, 2 times" in text


@pytest.mark.parametrize(
    ("changes", "odd"),
    [({"amount": "31"}, []), ({"currency": "usd"}, []), ({"gameId": "another"}, ["another"]), ({"userId": "9"}, ["9"])],
)
def test_what_differs_is_what_the_wallet_compares(changes: dict[str, str], odd: list[str], window: Window) -> None:
    window.operator.send("result", published("result", reference="twice", amount="31.00"))
    dead(window, "twice", 998, **{"amount": "31.000"} | changes)

    text = window.get("/transaction/conflicts?id=result%23twice", hx_request="true").text

    assert differing(text) == odd
    assert ("NOT paid" in text) is bool(odd)
    assert ("it ends as a replay" in text) is not odd


def prized(window: Window, reference: str, amount: str, **changes: Any) -> int:
    prize = {"promoWinReference": "pq-1", "promoWinAmount": amount, "promoCampaignId": "summer"}
    body = published("result", **{"reference": reference, "roundId": reference, "amount": "1"} | prize | changes)
    return window.operator.send("result", body).json["error"]


@pytest.mark.parametrize(
    ("changes", "odd"),
    [
        ({"promoWinAmount": "9", "roundId": "d-1"}, ["9"]),
        ({"promoCampaignId": "winter", "roundId": "d-1"}, ["winter"]),
        ({"userId": "422", "roundId": "d-1"}, ["422"]),
        ({}, ["d-2"]),
    ],
    ids=str,
)
def test_a_result_that_brings_another_prize_under_its_reference_is_said_to_be_unpaid(
    changes: dict[str, str], odd: list[str], window: Window
) -> None:
    if "userId" in changes:
        window.operator.open_wallet(changes["userId"])
    assert prized(window, "d-1", "3") == 0
    assert prized(window, "d-2", "3", **changes) == 0

    text = window.get("/transaction/conflicts?id=promo%23pq-1", hx_request="true").text

    assert "A second win under this reference was NOT paid" in text
    assert differing(text) == odd
    assert 'href="/parked?callback=result&amp;reference=d-2"' in text


@pytest.mark.parametrize("changes", [{"promoWinAmount": "3.0"}, {"promoWinAmount": "0"}, {"promoWinReference": "else"}])
def test_a_result_that_brings_the_same_prize_or_another_is_no_second_win(
    changes: dict[str, str], window: Window
) -> None:
    assert prized(window, "d-1", "3") == 0
    prize = {"promoWinReference": "pq-1"} | changes
    dead(window, "d-2", 998, **prize)

    text = window.get("/transaction/conflicts?id=promo%23pq-1", hx_request="true").text

    assert "No other win is known under this reference" in text
    assert "it ends as a replay" not in text


def test_a_win_whose_prize_is_left_says_so_and_is_no_second_win(window: Window) -> None:
    assert prized(window, "d-1", "3") == 0
    for _ in range(3):
        assert prized(window, "d-2", "9") == 0

    text = window.get("/transaction/conflicts?id=result%23d-2", hx_request="true").text
    page = window.get("/transaction?id=result%23d-2").text
    found = window.get("/find/elsewhere?name=d-2&shown=1", hx_request="true").text
    prize = window.get("/find/elsewhere?name=promo%23pq-1&shown=1", hx_request="true").text

    assert "The prize that came with it was NOT paid" in text
    assert "its prize cannot be paid: its reference is on record with other content (amount roundId)" in text
    assert 'href="/parked?callback=result&amp;reference=d-2"' in text
    assert "A second win" not in text
    assert "nothing else. Nothing more is owed" not in text
    assert "Credited in one write with" not in page
    for shown in (found, prize):
        assert "A prize was not paid" in shown
        assert shown.count("<article") == 1
        assert "It is here 3 times." in shown
        assert "The win itself is paid" in shown


def test_a_prize_that_is_found_by_its_reference_alone_says_what_became_of_it(window: Window) -> None:
    assert prized(window, "d-1", "3") == 0
    assert prized(window, "d-1", "3", promoWinReference="pq-2") == 0

    text = window.get("/find/elsewhere?name=pq-2", hx_request="true").text

    assert "Not credited: its prize waits for a person (dead letter)" in text
    assert "its prize cannot be paid: the result came with another prize before" in text


def test_a_request_that_was_not_valid_is_told_beside_the_one_that_was_paid(window: Window) -> None:
    window.operator.send("result", published("result", reference="r", amount="1,5"))
    window.operator.send("result", published("result", reference="r", amount="1.5"))

    text = window.get("/transaction/conflicts?id=result%23r", hx_request="true").text

    assert "A request under this reference was not valid, and was NOT paid" in text
    assert "A second win" not in text
    assert differing(text) == ["1,5"]


@pytest.mark.parametrize(
    "reference", [None, "x" * 9000, {"id": "<script>"}, "a\x00b"], ids=["none", "long", "json", "NUL"]
)
def test_retransmissions_of_a_request_that_was_not_valid_are_one_entry(reference: object, window: Window) -> None:
    body = published("result", reference=reference, amount="1,5", userId=421, roundId=5103188801)
    for number in range(10):
        assert window.operator.send("result", body | {"uuid": f"u-{number}"}).json["error"] in (57, 59, 64)

    letters = window.get("/parked/letters", hx_request="true").text
    assert letters.count("<article") == 1
    assert "10 copies" in letters
    assert "is refused again as it is. Ask the provider to correct it" in letters
    (name,) = set(re.findall(r'<h4><a href="([^"]+)">', letters))
    for path in ("/find/elsewhere?name=421", "/find/elsewhere?name=5103188801", "/player/parked?id=421"):
        text = window.get(path, hx_request="true").text
        assert text.count("<article") == 1, path
        assert "It is here 10 times." in text, path
    found = window.get(name.replace("&amp;", "&").replace("/find?", "/find/elsewhere?"), hx_request="true").text
    assert "Not credited: it waits for a person (dead letter)" in found
    assert len(found) < 100_000


def test_a_free_round_that_was_paid_less_says_why(window: Window) -> None:
    total = published("bonus", reference="t", amount="9", bonusCode="gift", hash=None, uuid="u", timestamp="3000")
    window.operator.send("bonus", total)
    late = published("result", reference="late", amount="5", bonusCode="gift", timestamp="2000")
    window.operator.send("result", late)

    assert "Paid 0 of 5: a total had paid this round already" in window.get("/transaction?id=result%23late").text
    assert "Paid 0 of 5: a total had paid this round already." in window.get("/find?name=late").text
    assert "4 was paid by totals ahead of their rounds" in window.get("/player?id=421").text


def test_a_conflict_that_the_log_alone_knows_is_said_at_the_top(window: Window) -> None:
    window.operator.send("result", published("result", reference="twice"))
    assert "No other win is known" in window.get("/transaction/conflicts?id=result%23twice", hx_request="true").text
    at = datetime(2026, 1, 2, 12, 3, 4, tzinfo=UTC)
    reason = "This reference was already used with other content: amount"
    window.place.lines = [LogLine(at=at, callback="result", message="refused", code=61, reason=reason, tries=None)]

    text = window.get("/transaction/conflicts?id=result%23twice", hx_request="true").text
    assert "A second win under this reference was NOT paid" in text
    assert "with another amount" in text
    deliveries = window.get("/transaction/deliveries?id=result%23twice", hx_request="true").text
    assert "<strong>not paid</strong>" in deliveries
    assert "nothing else moved" not in deliveries
    assert "hx-swap-oob" not in deliveries


def test_a_stacks_dead_letters_are_hidden_from_others_by_a_button_alone(operator: Operator, tmp_path: Path) -> None:
    window = Window(operator, tmp_path, is_local=False)
    used_twice(window)
    reason = "This reference was already used with other content: amount"
    window.place.lines = [LogLine(at=None, callback="result", message="refused", code=61, reason=reason, tries=None)]

    page = window.get("/transaction?id=result%23twice").text
    assert 'hx-trigger="load"' not in page
    assert 'class="button" href="/transaction/conflicts?id=result%23twice"' in page
    # What the log says stands at the top as soon as it was read, and gives way to what the dead letters say.
    deliveries = window.get("/transaction/deliveries?id=result%23twice", hx_request="true").text
    assert "NOT paid" in deliveries[deliveries.index('<div id="refused" hx-swap-oob="innerHTML">') :]
    conflicts = window.get("/transaction/conflicts?id=result%23twice", hx_request="true").text
    assert differing(conflicts) == ["131.00"]
    assert '<div id="refused" hx-swap-oob="innerHTML"></div>' in conflicts


def test_nothing_is_compared_with_a_transaction_that_is_not_there(window: Window) -> None:
    for id in ("result%23none", "none", "none%23none"):
        assert window.get(f"/transaction/conflicts?id={id}").status_code == 503


@pytest.mark.parametrize(("days", "is_odd"), [(0, False), (-0.9, False), (-1.1, True), (1.1, True)])
def test_the_providers_clock_is_odd_if_it_is_a_day_off(days: float, is_odd: bool, window: Window) -> None:
    sent = int(1000 * (time.time() + days * 24 * 3600))
    assert window.operator.send("result", published("result", timestamp=str(sent))).json["error"] == 0

    text = window.get("/transaction?id=result%23585c1306f89c56f5ecfc2f5d").text

    assert "Sent, by the provider&#39;s clock" in text or "Sent, by the provider's clock" in text
    assert ("odd: more than a day" in text) is is_odd


# --- Lists, and what is refused ---------------------------------------------------------------------


def test_players_are_found_by_the_beginning_of_an_id_and_listed_for_a_spreadsheet(window: Window) -> None:
    for player in ("4210", "422", "=4"):
        window.operator.open_wallet(player)
    found = {begins: window.get(f"/players?begins={begins}").text for begins in ("", "421", "nobody")}

    assert re.findall(r'<a href="/player\?id=([^"]+)">', found[""]) == ["421", "4210", "422", "%3D4"]
    assert re.findall(r'<a href="/player\?id=([^"]+)">', found["421"]) == ["421", "4210"]
    assert "No player" in found["nobody"]
    file = window.get("/players/list.csv?begins=%3D")
    assert file.headers["content-type"].startswith("text/csv")
    assert file.text.splitlines()[1].startswith("'=4,USD,")


def test_a_stacks_players_are_found_by_a_whole_id_alone(operator: Operator, tmp_path: Path) -> None:
    operator.open_wallet("4210")
    window = Window(operator, tmp_path, is_local=False)

    assert '<a href="/player?id=421">' in window.get("/players?begins=421").text
    for query in ("", "?begins=42"):
        assert "/player?id=" not in window.get(f"/players{query}").text
    assert "the account pays for it" in window.get("/players").text


def test_each_list_is_there_for_a_spreadsheet(window: Window) -> None:
    in_euros(window.operator, "one")
    window.operator.send("bet", published("bet", reference="b-1", roundId="round-1"))

    letters, rounds, ledger = (
        list(csv.DictReader(window.get(path).text.splitlines()))
        for path in ("/parked/list.csv", "/rounds/list.csv", "/players/ledger.csv?id=421")
    )

    assert [(each["reference"], each["code"], each["currency"]) for each in letters] == [("one", "52", "EUR")]
    assert [(each["roundId"], each["staked"], each["currency"]) for each in rounds] == [("round-1", "10", "USD")]
    assert [each["kind"] for each in ledger] == ["opening", "bet"]
    assert window.get("/players/ledger.csv").status_code == 503
    assert window.get("/parked/list.csv", sec_fetch_site="cross-site", sec_fetch_mode="navigate").status_code == 403


def test_what_is_refused_says_so_on_a_page_and_as_a_part_where_that_was_asked_for(window: Window) -> None:
    page = window.get("/player?id=421", host="evil.example")
    part = window.post("/parked/redrive", {"callback": "result"}, x_console_token="old")

    assert page.text.startswith("<!doctype html>")
    assert "<h1>The console refused this</h1>" in page.text
    assert part.text.startswith('<p class="notice problem" role="alert">This page is of an earlier start')
    assert (page.status_code, part.status_code) == (421, 403)


def test_what_waits_says_when_it_is_tried_again(window: Window, tmp_path: Path) -> None:
    body = json.dumps(published("result", reference="r")).encode()
    window.feed.answered("result", body, said("refused", "r", code=62, reason="x"), "{}", 0.01)
    first = fed(window.feed).after(0)[0].at
    office = BackOffice(window.place, is_local=True, folder=tmp_path)
    console = Console(office=office, feed=window.feed, port=PORT, source="", counting_seconds=1, retry_seconds=30)

    knowing = Browser(console.application()).get("/parked").text

    assert f"about {first + timedelta(seconds=30):%H:%M:%S}" in knowing
    assert "about" not in window.get("/parked").text


# --- Parked -----------------------------------------------------------------------------------------


def test_dead_letters_are_grouped_by_reference_with_their_reason(window: Window) -> None:
    in_euros(window.operator, "one")
    in_euros(window.operator, "one")
    in_euros(window.operator, "two")

    text = window.get("/parked/letters", hx_request="true").text

    assert text.count("<article") == 2
    assert "2 copies" in text
    assert "2 references, 3 dead letters, 20 EUR" in re.sub("<[^>]+>", "", text)
    assert "Discard all 2 of this cause" in text
    assert "Ask the provider" in text


def test_one_reference_is_tried_again_and_the_others_stay(window: Window) -> None:
    in_euros(window.operator, "one")
    in_euros(window.operator, "two")
    text = window.get("/parked/letters", hx_request="true").text
    article = next(part for part in text.split("<article") if "name=one" in part)
    messages = re.findall(r'name="message" value="([^"]+)"', article)

    answer = window.post("/parked/redrive", {"callback": "result", "message": messages[:1]})

    assert "1 of 1 given another try" in answer.text
    assert [letter["reference"] for letter in window.operator.messages("ResultRetryQueue")] == ["one"]
    assert [letter["reference"] for letter in window.dead_letters()] == ["two"]
    (deed,) = map(json.loads, (window.folder / "console.jsonl").read_text().splitlines())
    assert (deed["what"], deed["callback"], deed["letters"]) == ("try again", "result", messages[:1])
    assert deed["references"] == ["one"]
    done = window.get("/parked").text
    assert "1 of 1 given another try" in done
    assert "/find?name=one" in done[done.index("Done from here") :]


def test_what_was_discarded_is_logged_by_its_reference(window: Window) -> None:
    in_euros(window.operator, "gone")
    text = window.get("/parked/letters", hx_request="true").text
    (message,) = set(re.findall(r'name="message" value="([^"]+)"', text))

    answer = window.post("/parked/discard", {"callback": "result", "message": message, "reason": "because"})

    (deed,) = map(json.loads, (window.folder / "console.jsonl").read_text().splitlines())
    assert (deed["references"], deed["reason"]) == (["gone"], "because")
    assert "gone" in answer.text


def test_a_button_tries_as_many_as_it_says(window: Window) -> None:
    """What came meanwhile stays, and so does a reference of which one copy fails again for certain."""
    for reference, code in (("late", 998), ("late-too", 998), ("both", 998), ("both", 52)):
        dead(window, reference, code)
    text = window.get("/parked/letters", hx_request="true").text
    (of_all,) = (form for form in text.split("<form") if "Try to credit all 2 again" in form)
    dead(window, "meanwhile", 998)

    form = {"callback": "result", "message": re.findall(r'name="message" value="([^"]+)"', of_all)}
    assert "2 of 2 given another try" in window.post("/parked/redrive", form).text

    assert {letter["reference"] for letter in window.dead_letters()} == {"both", "meanwhile"}


def dead(
    window: Window, reference: str, code: int, reason: str = "ReadTimeoutError, attempt 3", **changes: Any
) -> None:
    """A dead letter as it is after its last try."""
    parked = Parked(
        callback="result",
        reference=reference,
        code=code,
        reason=reason,
        first_received_at="2026-01-02T03:04:05+00:00",
        request=json.dumps(published("result", reference=reference, **changes)),
    )
    queues = window.place.queues("result")
    queues.sqs.send_message(QueueUrl=queues.dead_letters, MessageBody=parked.message())


@pytest.mark.parametrize(("code", "offered"), [(52, ["plain"]), (61, []), (62, ["primary"]), (998, ["primary"])])
def test_a_retry_is_offered_where_it_can_succeed_and_first_where_nothing_is_to_be_corrected(
    code: int, offered: list[str], window: Window
) -> None:
    dead(window, "one", code)

    page, article = window.get("/parked/letters", hx_request="true").text.split("<article")

    buttons = re.findall(r"<button[^>]*>Try to credit again", article)
    assert ["primary" if 'class="primary"' in button else "plain" for button in buttons] == offered
    assert ("A retry is refused again" in page) is ("primary" not in offered)
    if offered == ["plain"]:
        assert article.index("Discard for good") < article.index("Try to credit again")


@pytest.mark.parametrize("code", [57, 59, 64])
def test_what_is_refused_again_for_certain_has_no_button_to_try_it(code: int, window: Window) -> None:
    for reference in ("one", "two"):
        dead(window, reference, code)

    for path in ("/parked/letters", "/player/parked?id=421", "/find/elsewhere?name=one"):
        text = window.get(path, hx_request="true").text
        assert "is refused again as it is" in text
        assert "/parked/redrive" not in text
        assert "/parked/discard" in text
    answer = window.post("/parked/redrive", {"callback": "result", "code": str(code)})

    assert "cannot be tried again" in answer.text
    assert len(window.dead_letters()) == 2


def test_a_cause_of_one_reference_has_one_button_and_of_two_one_for_both(window: Window) -> None:
    dead(window, "one", 998)
    cause, *rows = window.get("/parked/letters", hx_request="true").text.split("<article")
    assert "<button" not in cause
    assert [row.count("Try to credit again") for row in rows] == [1]

    dead(window, "two", 998)
    cause = window.get("/parked/letters", hx_request="true").text.split("<article")[0]
    assert "Try to credit all 2 again" in cause
    assert "Discard all 2 of this cause" in cause


def test_a_dead_letter_has_the_pages_own_words_and_the_providers_below_them(window: Window) -> None:
    in_euros(window.operator, "one")

    for path in ("/parked/letters", "/player/parked?id=421"):
        article = window.get(path, hx_request="true").text.split("<article")[1]
        shown, _, received = article.partition("<pre")
        titles = re.findall("<dt>(.*?)</dt>", shown)
        assert {"Player", "Reference", "Amount", "Currency", "Round", "First received"} <= set(titles)
        assert "userId" not in shown
        assert "userId" in received


@pytest.mark.parametrize("path", ["/player/parked?id=421", "/find/elsewhere?name=one"])
def test_a_dead_letter_is_tried_again_and_discarded_wherever_it_is_shown(path: str, window: Window) -> None:
    for deed, what in (("redrive", "1 of 1 given another try"), ("discard", "1 discarded")):
        dead(window, "one", 998)
        (form,) = (
            form
            for form in window.get(path, hx_request="true").text.split("<form")
            if f'action="/parked/{deed}"' in form
        )
        assert 'hx-target="closest .actions"' in form
        fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form)) | {"reason": "because"}
        assert fields["token"] == window.token

        answer = window.post(f"/parked/{deed}", fields)

        assert what in answer.text
        assert "hx-swap-oob" not in answer.text  # of what stands on Parked alone
        assert "#letters" not in answer.text
        assert window.dead_letters() == []


def settling(window: Window, path: str = "/parked/letters", **more: str) -> dict[str, Any]:
    """What the first form that settles a dead letter sends, filled in."""
    form = next(
        form for form in window.get(path, hx_request="true").text.split("<form") if 'action="/parked/foresee"' in form
    )
    fields: dict[str, Any] = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
    return fields | {"message": re.findall(r'name="message" value="([^"]+)"', form), "reason": "ticket 7"} | more


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("path", ["/parked/letters", "/player/parked?id=421", "/find/elsewhere?name=one"])
def test_a_dead_letter_is_settled_once_its_reader_has_seen_what_will_happen(path: str, window: Window) -> None:
    sent = published("result", reference="one", amount="10", gameId=None)
    window.operator.send("result", sent)
    window.operator.send("result", sent)

    with unchanged(window.operator):
        foreseen = window.post("/parked/foresee", settling(window, path)).text
    assert "The wallet of 421: 99889.99 USD, bonus 99.99." in re.sub("<[^>]+>", "", foreseen)
    assert "Settling it pays 10 USD as result#one." in re.sub("<[^>]+>", "", foreseen)
    assert len(window.dead_letters()) == 2
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', foreseen))
    assert ("elsewhere" in fields) is (path != "/parked/letters")
    done = window.post("/parked/settle", fields | {"message": re.findall(r'name="message" value="([^"]+)"', foreseen)})

    assert "Settled" in done.text
    assert "pays 10 USD as result#one" in done.text
    (paid,) = window.operator.transactions()
    assert (paid["id"], paid["actor"], paid["reason"]) == ("result#one", "jo", "ticket 7")
    assert window.dead_letters() == []
    (deed,) = map(json.loads, (window.folder / "console.jsonl").read_text().splitlines())
    assert (deed["what"], deed["references"], deed["reason"]) == ("settle", ["one"], "ticket 7")


@pytest.mark.usefixtures("functions")
def test_a_win_that_was_paid_by_other_means_is_recorded_from_a_page(window: Window) -> None:
    in_euros(window.operator, "one")

    refused = window.post("/parked/foresee", settling(window)).text
    assert "It cannot be settled" in refused
    assert "walletctl adjust 421 AMOUNT --reference" in re.sub("<[^>]+>", "", refused)
    assert 'action="/parked/settle"' not in refused
    foreseen = window.post("/parked/foresee", settling(window, booked="1")).text
    assert "records result#one as booked elsewhere, and pays nothing" in re.sub("<[^>]+>", "", foreseen)
    assert window.operator.transactions() == []
    done = window.post("/parked/settle", settling(window, booked="1")).text

    assert "records result#one as booked elsewhere" in done
    (kept,) = window.operator.transactions()
    assert kept["outcome"] == "booked elsewhere"
    assert window.dead_letters() == []
    assert "settle as booked elsewhere, result" in window.get("/parked").text


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("path", ["/parked/letters", "/player/parked?id=421", "/find/elsewhere?name=one"])
def test_a_page_says_that_a_dead_letter_was_adjusted(path: str, window: Window) -> None:
    in_euros(window.operator, "one")
    amounts = {"amount": "1.5", "currency": "USD"}
    about = {"userId": "421", "reference": "result#one", "actor": "jo", "reason": "ticket 7"}
    assert window.operator.invoke("cashier", {"movement": "adjustment", **amounts, **about})["error"] == 0

    pages = [
        window.get(path, hx_request="true").text,
        window.post("/parked/foresee", settling(window, path)).text,
    ]
    booked = window.post("/parked/foresee", settling(window, path, booked="1")).text

    for page in (*pages, booked):
        assert re.search(r"It was adjusted by 1.5 USD on \S+ \S+Z by jo: ticket 7", re.sub("<[^>]+>", "", page))
        assert "walletctl adjust" not in page
    assert "Adjusted: 1.5 USD" in window.get("/find?name=one").text


@pytest.mark.usefixtures("functions")
def test_a_win_that_was_adjusted_and_booked_elsewhere_is_not_shown_as_credited(window: Window) -> None:
    booked_elsewhere(window, "one")
    money = {"amount": "1.5", "currency": "USD"}
    about = {"userId": "421", "reference": "result#one", "actor": "jo", "reason": "ticket 7"}
    assert window.operator.invoke("cashier", {"movement": "adjustment", **money, **about})["error"] == 0

    page = re.sub("<[^>]+>", "", window.get("/find?name=one").text)

    assert "Moved: 1 transaction" in page
    assert "1 record of that name moved no money." in page
    assert "The money was added" not in page


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("booked", ["", "1"])
def test_a_free_round_in_another_currency_is_led_to_no_deed_that_is_refused(window: Window, booked: str) -> None:
    window.operator.send("result", published("result", reference="one", currency="EUR", bonusCode="SPINS"))

    page = window.get("/parked/letters", hx_request="true").text
    foreseen = window.post("/parked/foresee", settling(window, booked=booked)).text

    assert 'name="booked"' not in page
    for said in (page, foreseen):
        said = re.sub("<[^>]+>", "", said)
        assert "A free round cannot be booked elsewhere" in said
        assert "walletctl adjust 421 AMOUNT" in said
        assert "walletctl parked discard result one" in said
        assert "--booked-elsewhere" not in said
        assert "settle it as booked elsewhere" not in said
    assert 'action="/parked/settle"' not in foreseen


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("is_done", [True, False])
def test_an_order_answered_998_is_not_shown_as_nothing_changed(
    window: Window, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    window.operator.send("result", published("result", reference="one", amount="10", gameId=None))
    fields, make_call = settling(window), BaseClient._make_api_call

    def unsure(client: Any, operation: str, parameters: Any) -> Any:
        if operation != "Invoke":
            return make_call(client, operation, parameters)
        if is_done:
            make_call(client, operation, parameters)
        return {"Payload": io.BytesIO(b'{"error": 998, "description": "Not possible at the moment"}')}

    with monkeypatch.context() as once:
        once.setattr(BaseClient, "_make_api_call", unsure)
        said = window.post("/parked/settle", fields).text

    assert "Nobody knows whether it was settled. Settle it again: it is settled once." in said
    assert "error 998" in said
    assert not re.search("nothing|cannot be settled", said, re.IGNORECASE)
    assert len(window.dead_letters()) == 1
    assert "Settled" in window.post("/parked/settle", settling(window)).text
    assert window.operator.wallet()["cash"] == Decimal("99899.99")
    assert window.dead_letters() == []


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("path", ["/parked/foresee", "/parked/settle"])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": " "}, "Say why it is settled"),
        ({"reason": "..."}, "Say why it is settled"),
        ({"message": []}, "Name what to settle"),
        ({"message": ["gone"]}, "is not there any more"),
        ({"callback": "none"}, "No callback is called"),
    ],
    ids=str,
)
def test_what_is_not_said_in_full_is_not_settled(path: str, changes: dict[str, Any], said: str, window: Window) -> None:
    window.operator.send("result", published("result", gameId=None))

    with unchanged(window.operator):
        assert said in window.post(path, settling(window) | changes).text

    assert len(window.dead_letters()) == 1


@pytest.mark.usefixtures("functions")
def test_two_references_are_not_settled_in_one_go(window: Window) -> None:
    for reference in ("one", "two"):
        window.operator.send("result", published("result", reference=reference, gameId=None))
    page = window.get("/parked/letters", hx_request="true").text
    both = list(set(re.findall(r'name="message" value="([^"]+)"', page)))

    with unchanged(window.operator):
        assert (
            "Settle one reference at a time" in window.post("/parked/settle", settling(window) | {"message": both}).text
        )


@pytest.mark.usefixtures("functions")
def test_copies_that_ask_for_different_things_have_a_form_each(window: Window) -> None:
    for amount in ("1", "2"):
        window.operator.send("result", published("result", reference="one", amount=amount, gameId=None))

    assert window.post("/parked/settle", settling(window)).status_code == 200

    (paid,) = window.operator.transactions()
    assert len(window.dead_letters()) == 1
    assert json.loads(window.dead_letters()[0]["request"])["amount"] != str(paid["amount"])


def conflicts(window: Window, *references: str, amount: str = "25.5", **changes: Any) -> None:
    for reference in references:
        window.operator.send("result", published("result", reference=reference, amount="10", **changes))
        window.operator.send("result", published("result", reference=reference, amount=amount, **changes))


def hidden_fields(page: str, action: str) -> dict[str, Any]:
    """What the first form that leads there sends, but for what a person writes."""
    form = next(form for form in page.split("<form") if f'action="{action}"' in form)
    fields = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: [value for other, value in fields if other == name] for name, _ in fields}


@pytest.mark.usefixtures("functions")
def test_one_conflict_is_paid_by_an_adjustment_and_the_others_are_discarded_in_one_go(window: Window) -> None:
    conflicts(window, "owed", "one", "two", "three")
    page = window.get("/parked/letters", hx_request="true").text
    cash = window.operator.wallet()["cash"]

    foreseen = window.post("/parked/foresee", hidden_fields(page, "/parked/foresee") | {"reason": "ticket 7"}).text
    assert window.operator.wallet()["cash"] == cash
    assert "pays 25.5 USD as adjustment#result#owed" in re.sub("<[^>]+>", "", foreseen)
    _, twice = (window.post("/parked/settle", hidden_fields(foreseen, "/parked/settle")).text for _ in range(2))
    assert "not there any more" in twice
    assert window.operator.wallet()["cash"] == cash + Decimal("25.5")
    (paid,) = (item for item in window.operator.transactions() if item["id"].startswith("adjustment#"))
    assert (paid["id"], paid["actor"], paid["reason"]) == ("adjustment#result#owed", "jo", "ticket 7")

    page = window.get("/parked/letters", hx_request="true").text
    asked = window.post("/parked/discard/ask", hidden_fields(page, "/parked/discard/ask")).text
    assert "3 references, which ask for 76.5 USD" in re.sub("<[^>]+>", "", asked)
    assert len(window.dead_letters()) == 3
    form = hidden_fields(asked, "/parked/discard") | {"reason": "ticket 8"}
    assert "3 discarded (76.5 USD), kept in" in window.post("/parked/discard", form).text

    assert window.dead_letters() == []
    kept = [json.loads(file.read_text()) for file in (window.folder / "discarded").iterdir()]
    assert sorted((file["reason"], len(file["letters"])) for file in kept) == [("ticket 7", 1), ("ticket 8", 3)]
    assert "3 discarded (76.5 USD)" in window.get("/parked").text


def test_all_of_a_cause_are_those_that_were_shown_and_are_discarded_once(window: Window) -> None:
    conflicts(window, "one", "two", "three")
    page = window.get("/parked/letters", hx_request="true").text
    shown = hidden_fields(page, "/parked/discard/ask")
    (left_out,) = re.findall(r'name="keep" value="([^"]+)"', page.split("<article")[3])
    asked = window.post("/parked/discard/ask", shown | {"keep": left_out}).text
    form = hidden_fields(asked, "/parked/discard") | {"reason": "because"}
    conflicts(window, "meanwhile")

    for nothing in (" ", "-"):
        assert window.post("/parked/discard", form | {"reason": nothing}).status_code == 503
    assert len(window.dead_letters()) == 4
    assert "2 discarded (51 USD)" in window.post("/parked/discard", form).text
    again = window.post("/parked/discard", form)
    stale = window.post("/parked/discard/ask", shown)

    assert again.status_code == stale.status_code == 503
    assert "2 of these 2 are not there any more" in again.text
    assert "2 of these 3 are not there any more" in stale.text
    assert [letter["reference"] for letter in window.dead_letters()] == ["three", "meanwhile"]
    assert "nothing to discard" in window.post("/parked/discard/ask", shown | {"keep": shown["messages"]}).text


@pytest.mark.parametrize(
    ("reference", "said"), [("used", "Amount 10 ≠ 25.5 (differs)"), ("in-euros", "Currency USD ≠ EUR (differs)")]
)
def test_a_dead_letter_is_compared_on_its_row(reference: str, said: str, window: Window) -> None:
    if reference == "used":
        conflicts(window, reference)
    else:
        in_euros(window.operator, reference)

    row = window.get("/parked/letters", hx_request="true").text.split("<article")[1]

    table = " ".join(re.sub("<[^>]+>", " ", row[row.index("<table") : row.index("</table")]).split())
    assert said in table
    assert row.index("Compare") < row.index("Settle …") < row.index("Discard …")


@pytest.mark.parametrize(
    "changes",
    [
        {"bonusCode": "SPINS"},
        {"amount": "1,5"},
        {"promoWinAmount": "5"},
        {"currency": "EUR"},
        {"userId": "nobody"},
    ],
    ids=["no code would count it", "an amount", "a prize, perhaps paid", "another currency", "no wallet"],
)
@pytest.mark.usefixtures("functions")
def test_what_is_not_known_for_certain_is_not_paid_by_an_adjustment(changes: dict[str, str], window: Window) -> None:
    window.operator.send("result", published("result", reference="one"))
    conflict = "This reference was already used with other content: amount"
    dead(window, "one", 61, conflict, **{"amount": "25.5"} | changes)
    (message,) = set(re.findall(r'name="message" value="([^"]+)"', window.get("/parked/letters").text))
    form = {"callback": "result", "message": message, "reason": "ticket 7", "by_hand": "1"}

    with unchanged(window.operator):
        assert 'name="by_hand"' not in window.post("/parked/foresee", form).text
        assert "Nothing of it is left to be paid by an adjustment" in window.post("/parked/settle", form).text

    assert len(window.dead_letters()) == 1


@pytest.mark.usefixtures("functions")
def test_what_no_function_can_pay_has_no_form_to_settle_it_and_a_line_that_adjusts_the_wallet(window: Window) -> None:
    window.operator.send("result", published("result", reference="one", amount="1,5"))

    text = window.get("/parked/letters", hx_request="true").text

    assert "/parked/foresee" not in text
    assert "walletctl adjust 421 AMOUNT --reference" in re.sub("<[^>]+>", "", text)


def test_a_dead_letter_that_is_settled_and_cannot_be_deleted_is_said_to_be_there_still(
    functions: Functions, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.operator.send("result", published("result", gameId=None))
    fields = settling(window)
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "any")

    def delete(_operation: str, call: Any) -> Any:
        if _operation == "DeleteMessageBatch":
            raise denied
        return call()

    with monkeypatch.context() as context:
        calls(context, delete)
        answer = window.post("/parked/settle", fields)
    assert "It is settled, and the dead letter is still there" in answer.text

    assert "pays nothing: that is on record already" in window.post("/parked/settle", fields).text

    assert len(window.operator.transactions()) == 1
    assert window.dead_letters() == []
    assert len(functions.orders) == 2


def test_long_details_of_a_dead_letter_are_read_when_they_are_opened(window: Window) -> None:
    details = "x" * 60_000
    for number in range(10):
        dead(window, f"long-{number}", 998, roundDetails=details)

    page = window.get("/parked/letters", hx_request="true").text
    assert len(page) < 60_000
    (where, *_) = re.findall(r'hx-get="(/parked/request[^"]+)" hx-trigger="toggle once"', page)

    assert details in window.get(where.replace("&amp;", "&"), hx_request="true").text
    assert len(window.dead_letters()) == 10
    assert window.get("/parked/request?callback=result&message=gone").status_code == 503
    assert window.get("/parked/request?callback=none&message=gone").status_code == 503
    assert window.get(where.replace("&amp;", "&"), sec_fetch_site="cross-site").status_code == 403


def test_what_was_done_before_by_another_name_is_still_read(operator: Operator, tmp_path: Path) -> None:
    deed = {"at": "2026-01-02T03:04:05+00:00", "who": "kim", "what": "send back", "callback": "result", "letters": []}
    (tmp_path / "console.jsonl").write_text(json.dumps(deed | {"outcome": "1 of 1 were sent back"}) + "\n")

    assert "try again, result" in Window(operator, tmp_path).get("/parked").text


def test_a_code_that_is_none_chooses_nothing(window: Window) -> None:
    in_euros(window.operator, "one")

    assert "nothing was chosen" in window.post("/parked/redrive", {"callback": "result", "code": "5x2"}).text

    assert [letter["reference"] for letter in window.dead_letters()] == ["one"]


def test_every_reason_of_a_cause_is_said(window: Window) -> None:
    dead(window, "a", 998)
    dead(window, "b", 998, reason="a defect: KeyError at x.py:1")

    causes = window.get("/parked/letters", hx_request="true").text.split("<article")[0]

    assert "did not answer in time" in causes
    assert "has a defect" in causes
    assert "Try to credit all 2 again" in causes


def test_the_counts_follow_what_was_read_and_the_deeds_what_was_done(window: Window) -> None:
    in_euros(window.operator, "one")
    letters = window.get("/parked/letters", hx_request="true").text
    counts = letters[letters.index('<div id="counts" hx-swap-oob="innerHTML">') : letters.index("<section")]
    assert re.search(r'result</th><td class="number">0</td><td class="number"><strong class="alarm">1<', counts)
    assert "hx-swap-oob" not in window.get("/parked/letters").text

    answer = window.post("/parked/redrive", {"callback": "result", "code": "52"}).text

    assert re.search(r'<div id="deeds" hx-swap-oob="innerHTML">[^§]*1 of 1 given another try', answer)
    assert "autofocus" in answer  # what came of it is read next, wherever the button stood


def test_all_of_one_cause_are_tried_again_and_other_causes_stay(window: Window) -> None:
    in_euros(window.operator, "one")
    in_euros(window.operator, "two")
    window.operator.send("result", published("result", reference="used"))
    window.operator.send("result", published("result", reference="used", amount="11"))

    answer = window.post("/parked/redrive", {"callback": "result", "code": "52"})

    assert "2 of 2 given another try" in answer.text
    assert [letter["reference"] for letter in window.dead_letters()] == ["used"]


def test_a_letter_is_discarded_with_a_reason_once_it_stands_in_a_file(window: Window) -> None:
    in_euros(window.operator)
    text = window.get("/parked/letters", hx_request="true").text
    (message,) = set(re.findall(r'name="message" value="([^"]+)"', text))

    answer = window.post("/parked/discard", {"callback": "result", "message": message, "reason": "ticket 1234"})

    assert answer.status_code == 200
    assert window.dead_letters() == []
    (file,) = (window.folder / "discarded").iterdir()
    kept = json.loads(file.read_text())
    assert kept["reason"] == "ticket 1234"
    assert [json.loads(letter["body"])["reference"] for letter in kept["letters"]] == ["in-euros"]
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "form",
    [
        {"callback": "result", "message": "MESSAGE", "reason": "  "},
        {"callback": "result", "reason": "because"},
        {"callback": "result", "message": "of another", "reason": "because"},
        {"callback": "none", "message": "MESSAGE", "reason": "because"},
    ],
)
def test_nothing_is_discarded_without_a_reason_or_a_choice(form: dict[str, str], window: Window) -> None:
    in_euros(window.operator)
    text = window.get("/parked/letters", hx_request="true").text
    message = re.findall(r'name="message" value="([^"]+)"', text)[0]

    answer = window.post("/parked/discard", form | ({"message": message} if form.get("message") == "MESSAGE" else {}))

    assert answer.status_code == 503
    assert "did not work" in answer.text
    assert [letter["reference"] for letter in window.dead_letters()] == ["in-euros"]


def test_what_was_not_credited_waits_and_has_no_other_name(window: Window) -> None:
    used_twice(window)
    window.operator.send("result", published("result", userId="nobody", reference="n"))
    for reference, code in (("twice", 61), ("n", 62)):
        body = json.dumps(published("result", reference=reference)).encode()
        window.feed.answered("result", body, said("refused", reference, code=code, reason="x"), "{}", 0.01)
    fed(window.feed)
    transaction = "id=result%23twice"
    pages = [
        *("/", "/parked", "/parked/letters", f"/transaction?{transaction}"),
        *(f"/transaction/{part}?{transaction}" for part in ("conflicts", "deliveries")),
    ]

    for path in pages:
        shown = re.sub("<script.*?</script>|<pre.*?</pre>|<[^>]*>", " ", window.get(path).text, flags=re.DOTALL)
        assert re.findall(r"(?i)(?<!dead )\bletters?\b|(?-i:\bparked\b)|left for a person", shown) == [], path
    live = window.get("/").text
    assert "waits for another try" in live
    assert "waits for a person (dead letter)" in live


def test_an_empty_queue_says_what_it_is_for(window: Window) -> None:
    assert "No dead letters" in window.get("/parked/letters", hx_request="true").text


# --- Live -------------------------------------------------------------------------------------------


def said(message: str, reference: str = "r", **facts: Any) -> list[str]:
    """What a function's log says of a callback."""
    return [json.dumps({"message": message, "correlation_id": reference, "milliseconds": 1.5, **facts})]


def fed(feed: Feed) -> Feed:
    feed._read()
    return feed


def credit(feed: Feed, reference: str, amount: str = "10", player: str = "421") -> None:
    transactions = [{"id": f"result#{reference}", "seq": 1, "amount": amount, "cashAfter": "1"}]
    log = said("credited", reference, userId=player, transactions=transactions)
    feed.answered("result", b"{}", log, '{"currency": "USD", "error": 0}', 0.01)


def test_the_cashiers_orders_are_shown_as_they_arrive(window: Window) -> None:
    feed = window.feed
    order = {"movement": "withdrawal", "reference": "w-1", "userId": "421", "amount": "5", "currency": "USD"}
    body = json.dumps(order).encode()
    made = [{"id": "withdrawal#w-1", "seq": 2, "amount": "-5", "cashAfter": "95"}]
    feed.answered("cashier", body, said("moved", "w-1", userId="421", transactions=made), '{"currency": "USD"}', 0.01)
    feed.answered("cashier", body, said("replayed", "w-1", userId="421"), '{"currency": "USD"}', 0.01)
    line = said("declined", "w-2", userId="421", movement="withdrawal", amount="7", code=15, reason="Not enough money")
    feed.answered("cashier", body, line, "{}", 0.01)

    seen = [(each.kind, each.reference, each.amount, each.outcome, each.is_owed) for each in fed(feed).after(0)]

    assert seen == [
        ("withdrawal", "w-1", Decimal(-5), "moved", False),
        ("withdrawal", "w-1", Decimal(5), "replayed", False),
        ("withdrawal", "w-2", Decimal(5), "declined", False),
    ]
    assert not any(minute.credited for minute in feed.minutes())
    (rows,) = [text for name, _, text in Stream(feed).read(f"{feed.epoch}-0") if name == "rows"]
    assert "not moved" in rows
    assert "the wallet had less than was to be taken" in rows


def test_bets_and_what_becomes_of_them_are_shown_as_they_arrive(window: Window) -> None:
    feed, answer = window.feed, '{"currency": "USD"}'
    body = json.dumps(published("bet")).encode()

    def arrives(function: str, message: str, reference: str | None = "b-1", **facts: Any) -> None:
        line = {"message": message, "correlation_id": reference, "userId": "421", "milliseconds": 1.5, **facts}
        feed.answered(function, body if function == "bet" else b'{"userId": "421"}', [json.dumps(line)], answer, 0.01)

    arrives("bet", "staked", transactions=[{"id": "bet#b-1", "seq": 2, "amount": "-10", "cashAfter": "1"}])
    arrives("bet", "refused", "b-3", code=15, reason="Not enough money", amount="10")
    arrives("bet", "refused", "b-4", code=998, reason="the tables are throttled", amount="10")
    used = "This reference was already used with other content: amount"
    arrives("bet", "refused", "b-5", code=53, reason=used, amount="10")
    arrives("cancel", "paid back", transactions=[{"id": "cancel#b-1", "seq": 3, "amount": "10", "cashAfter": "11"}])
    arrives("cancel", "cancel remembered", "b-2", transactions=[{"id": "bet#b-2", "seq": None, "amount": "0"}])
    arrives("cancel", "round refunded", "b-6", transactions=[])
    arrives("cancel", "refused", "b-7", code=61, reason="The round has winnings: roundId")
    arrives("endround", "round ended", None, transactions=[])
    arrives("balance", "answered", None, transactions=[])
    arrives("balance", "refused", None, code=56, reason="The player is frozen")

    seen = [(each.kind, each.amount, each.outcome, each.is_owed) for each in fed(feed).after(0)]

    assert seen == [
        ("bet", Decimal(-10), "staked", False),
        ("bet", Decimal(10), "declined", False),
        ("bet", Decimal(10), "declined", False),
        ("bet", Decimal(10), "declined", False),
        ("cancel", Decimal(10), "paid back", False),
        ("cancel", Decimal(0), "cancel remembered", False),
        ("cancel", None, "round refunded", False),
        ("cancel", None, "left for a person", True),
        ("endround", None, "round ended", False),
        ("balance", None, "answered", False),
        ("balance", None, "declined", False),
    ]
    (now,) = [minute.staked for minute in feed.minutes() if minute.staked]
    assert now == {"USD": Decimal(10)}
    assert not any(minute.credited for minute in feed.minutes())
    (rows,) = [text for name, _, text in Stream(feed).read(f"{feed.epoch}-0") if name == "rows"]
    for words_of_it in (
        ">-10 <", ">+10 <", "refused 15: ", "the wallet had less than was to be taken", "refused 998: ",
        "refused 53: ", "the reference was used before, with another amount", "the round has winnings",
        "cancel remembered", "round refunded", "round ended", "answered", "refused 56: ", "the player is frozen",
    ):  # fmt: skip
        assert words_of_it in rows
    assert "not moved" not in rows
    assert "USD staked" in window.get("/").text


def test_what_a_person_settles_is_shown_as_it_was_decided(window: Window) -> None:
    feed, body = window.feed, json.dumps({"settle": {"message": "{}", "actor": "bob", "reason": "ticket 8"}}).encode()
    made = [{"id": "result#r-1", "seq": None, "amount": "0", "cashAfter": "95", "outcome": "booked elsewhere"}]
    booked = said("booked elsewhere", "r-1", userId="421", transactions=made)
    feed.answered("result", body, booked, '{"currency": "USD"}', 0.01)
    declined = said("declined", "r-2", userId="421", amount="3", currency="USD", code=52, reason="x")
    feed.answered("result", body, declined, "{}", 0.01)

    seen = [(each.reference, each.amount, each.outcome, each.is_owed) for each in fed(feed).after(0)]

    assert seen == [("r-1", Decimal(0), "booked elsewhere", False), ("r-2", Decimal(3), "declined", False)]
    (rows,) = [text for name, _, text in Stream(feed).read(f"{feed.epoch}-0") if name == "rows"]
    assert "booked elsewhere" in rows
    assert "failed" not in rows


@pytest.mark.parametrize("amount", ["1e999999999", "1e-999999999", "0e999999999", "-1e999999999", "1e41", "9" * 41])
def test_an_amount_beyond_all_balances_breaks_no_feed(amount: str) -> None:
    feed = Feed()
    for field in ("amount", "promoWinAmount"):
        body = json.dumps(published("result", reference="r", **{field: amount})).encode()
        feed.answered("result", body, said("refused", code=59, reason="x"), "{}", 0.01)

    assert [each.amount for each in fed(feed).after(0)] == [None, Decimal(10)]


def test_each_outcome_is_told_by_the_functions_own_word() -> None:
    feed = Feed()
    body = json.dumps(published("result", reference="r")).encode()
    credit(feed, "r")
    feed.answered("result", body, said("replayed", userId="421"), '{"currency": "USD"}', 0.01)
    feed.answered("result", body, said("refused", code=998, reason="ReadTimeoutError, attempt 2"), "{}", 3.0)
    feed.answered("result", body, said("refused", code=61, reason="x: amount"), "{}", 0.01)
    feed.answered("result", body, said("refused", code=64, reason="x"), "{}", 0.01)
    feed.answered("result", body, said("refused", code=62) + said("parking failed"), "{}", 0.01)
    feed.failed("result", body, "it crashed", 0.01)

    outcomes = [(each.number, each.outcome, each.player, each.amount) for each in fed(feed).after(0)]

    ten = Decimal(10)
    assert outcomes == [
        (1, "credited", "421", ten),
        (2, "replayed", "421", ten),
        (3, "parked", "421", ten),
        (4, "left for a person", "421", ten),
        (5, "left for a person", "421", ten),
        (6, "not kept", "421", ten),
        (7, "failed", "421", ten),
    ]


@pytest.mark.parametrize(
    ("kind", "fields", "amount"),
    [
        ("result", {"amount": "1", "promoWinAmount": "25.0"}, Decimal(26)),
        ("result", {"AMOUNT": 1.5, "promowinamount": 25}, Decimal("26.5")),
        ("result", {"amount": "1", "promoWinAmount": "none"}, Decimal(1)),
        ("result", {"promoWinAmount": "25.0"}, None),
        ("jackpot", {"amount": "1", "promoWinAmount": "25.0"}, Decimal(1)),
    ],
)
def test_what_waits_is_shown_with_its_prize(kind: str, fields: dict[str, Any], amount: Decimal | None) -> None:
    feed = Feed()
    feed.answered(kind, json.dumps(fields).encode(), said("refused", code=62, reason="x"), "{}", 0.01)

    assert [each.amount for each in fed(feed).open.values()] == [amount]


def test_a_prize_that_is_left_is_a_row_beside_the_win_that_is_credited() -> None:
    feed = Feed()
    body = json.dumps(published("result", reference="r", promoWinAmount="25", promoWinReference="p")).encode()
    log = said("prize left for a person", code=61, reason="x: amount")
    feed.answered("result", body, log + said("credited", userId="421", transactions=[{"amount": "10"}]), "{}", 0.01)

    rows = [(each.outcome, each.amount, each.is_prize) for each in fed(feed).after(0)]

    assert rows == [("left for a person", Decimal(25), True), ("credited", Decimal(10), False)]
    assert sum(minute.callbacks["result"] for minute in feed.minutes()) == 1


def test_a_prize_that_cannot_be_left_leaves_its_win_to_another_try() -> None:
    feed = Feed()
    body = json.dumps(published("result", reference="r")).encode()
    log = said("prize left for a person", code=61, reason="x") + said("parking failed")
    feed.answered("result", body, log + said("refused", code=998, reason="its prize could not be kept"), "{}", 0.01)

    assert [each.outcome for each in fed(feed).after(0)] == ["parked"]


def test_a_cancel_without_a_wallet_is_not_shown_as_waiting() -> None:
    feed = Feed()
    body = json.dumps(published("cancel", reference="r")).encode()
    feed.answered("cancel", body, said("refused", code=62, reason="No such player: 999"), "{}", 0.01)

    (cancel,) = fed(feed).after(0)
    assert (cancel.outcome, cancel.is_owed) == ("declined", False)
    assert not feed.open


@pytest.mark.parametrize("code", [57, 59, 64])
def test_a_request_that_was_not_valid_waits_for_a_person(code: int, window: Window) -> None:
    window.feed.answered("result", b"{}", said("refused", code=code, reason="x"), "{}", 0.01)
    fed(window.feed)

    assert "waits for a person (dead letter)" in window.get("/").text
    assert retrying(Group(name="r", letters=(letter_of(code),), refused=None)) is None


@pytest.mark.parametrize(
    ("call", "errors", "said"),
    [
        ("result", {64}, "Not credited: it waits for a person"),
        ("result", {59, 62}, "Not credited yet: it waits for another try"),
        ("result", {99}, "kept nowhere"),
        ("result", {401}, "kept nowhere"),
        ("bet", {998}, "Refused, and kept nowhere"),
        ("bet", {53, 56}, "Refused, and kept nowhere"),
        ("bet", {15}, "Not enough money: refused, and refused again"),
        ("cancel", {61}, "Not paid back: it waits for a person"),
        ("cancel", {998}, "Not paid back yet: it waits for another try"),
        ("cancel", {62}, "Not paid back: refused, and kept nowhere"),
        ("refund", {59}, "Not paid back: it waits for a person"),
        ("endround", {62}, "Refused, and kept nowhere"),
        ("balance", {0}, "Answered"),
        ("check", {56}, "Refused, and kept nowhere"),
        ("cancel", {0}, "there is nothing to pay back"),
        ("bet", {0}, "it was on record before"),
    ],
)
def test_try_says_what_became_of_what_moved_nothing(call: str, errors: set[int], said: str) -> None:
    answers = [Answer(status=400, text=f'{{"error": {error}}}') for error in errors]

    assert said in trying._heading(call, answers, "421", {}, 0)


@pytest.mark.parametrize(
    ("call", "moved", "transactions", "said"),
    [
        ("result", 10, 1, "421 was credited once, by 2 deliveries"),
        ("bet", -10, 1, "421 staked once, by 2 deliveries"),
        ("cancel", 10, 1, "421 was paid back once, by 2 deliveries"),
        ("refund", 30, 2, "421 was paid back in 2 transactions, by 2 deliveries"),
        ("result", 0, 1, "On record, and nothing was moved"),
    ],
)
def test_try_says_how_the_wallet_moved(call: str, moved: int, transactions: int, said: str) -> None:
    answers = 2 * [Answer(status=200, text='{"error": 0}')]

    assert trying._heading(call, answers, "421", {"cash": Decimal(moved)} if moved else {}, transactions) == said


def letter_of(code: int) -> DeadLetter:
    kept = Parked(
        callback="result", reference="r", code=code, reason="x", first_received_at="2026-01-02T03:04:05Z", request="{}"
    )
    return DeadLetter(
        message_id="m", receipt_handle="h", body="", parked=kept, first_received_at=datetime(2026, 1, 2, tzinfo=UTC)
    )


def test_what_is_parked_is_open_until_it_is_credited() -> None:
    feed = Feed()
    request = json.dumps(published("result", reference="r"))
    feed.answered("result", request.encode(), said("refused", code=998, reason="x"), "{}", 0.01)
    message = json.dumps({"reference": "r", "request": request})
    feed.tried_again("result", [message], said("refused", code=998, reason="y", tries=1))
    assert [(each.tries, each.player) for each in fed(feed).open.values()] == [(1, "421")]

    feed.tried_again("result", [message], said("credited", tries=2, userId="421", transactions=[{"amount": "10"}]))

    assert not fed(feed).open
    assert [each.tries for each in feed.after(0)] == [None, 1, 2]
    assert sum(minute.callbacks["result"] for minute in feed.minutes()) == 1  # a try is no new callback


@pytest.mark.parametrize("code", [59, 52])
def test_what_is_sent_again_in_vain_while_it_waits_closes_nothing(code: int) -> None:
    feed = Feed()
    request = json.dumps(published("result", reference="r")).encode()
    feed.answered("result", request, said("refused", code=62, reason="x"), "{}", 0.01)
    feed.answered("result", request, said("refused", code=code, reason="y"), "{}", 0.01)
    feed.failed("result", request, "no answer", 0.01)

    assert [each.code for each in fed(feed).open.values()] == [62]

    feed.tried_again("result", [json.dumps({"reference": "r"})], said("refused", code=52, tries=1))

    assert not fed(feed).open


def test_what_an_outage_delays_is_counted_without_what_waited_already_or_waits_for_a_wallet() -> None:
    feed = Feed()

    def answered(reference: str, code: int) -> None:
        body = json.dumps(published("result", reference=reference)).encode()
        feed.answered("result", body, said("refused", reference, code=code, reason="x"), "{}", 0.01)

    def tried_again(reference: str, *log: str) -> None:
        feed.tried_again("result", [json.dumps({"reference": reference})], log)

    answered("waits already", 998)
    before = fed(feed).last
    answered("of the outage", 998)
    answered("of the outage", 998)  # the provider sends it again
    answered("paid since", 998)
    answered("without a wallet", 62)
    tried_again("waits already", *said("refused", "waits already", code=998, tries=1))
    tried_again("of the outage", *said("refused", "of the outage", code=998, tries=1))
    tried_again("paid since", *said("replayed", "paid since", userId="421", tries=1))
    tried_again("waits already", *said("replayed", "waits already", userId="421", tries=2))

    assert fed(feed).delayed(before) == {("result", "of the outage"): False, ("result", "paid since"): True}


def test_the_last_try_leaves_it_for_a_person() -> None:
    feed = Feed()
    feed.tried_again("result", [json.dumps({"reference": "r"})], said("refused", code=998, tries=10))

    assert [each.outcome for each in fed(feed).after(0)] == ["left for a person"]
    assert not feed.open


def test_money_is_summed_exactly_by_the_minute() -> None:
    feed = Feed()
    for amount in ("0.1", "0.2", "0.000000000000000001"):
        credit(feed, amount, amount)

    assert sum(minute.credited.get("USD", Decimal(0)) for minute in fed(feed).minutes()) == Decimal(
        "0.300000000000000001"
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"amount": {}}', b"\xff", b"[" * 60_000, b'{"a": 1e999999}'])
def test_whatever_a_body_is_it_is_one_callback(body: bytes) -> None:
    feed = Feed()
    feed.answered("result", body, said("refused", code=99, reason="The body is not JSON"), "", 0.01)
    feed.answered("result", body, ["no json"], "[]", 0.01)

    assert [each.outcome for each in fed(feed).after(0)] == ["refused", "failed"]


def test_the_ring_keeps_the_newest_and_no_more() -> None:
    feed = Feed()
    for number in range(KEPT + 500):
        credit(feed, f"r-{number}")
    fed(feed)

    assert len(feed.after(0)) == KEPT
    assert feed.after(0)[0].number == 501
    assert [each.number for each in feed.after(KEPT + 498)] == [KEPT + 499, KEPT + 500]
    assert feed.after(KEPT + 500) == []


class Stream:
    """Server-sent events, as a browser reads them."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.stopping = False
        pages = Pages(place="a test", is_local=True, token="t")
        office = BackOffice(InMemory(), is_local=True, folder=Path())
        self.live = LivePages(
            office, feed, Console(office, feed, 1, "", 1).counts, pages, "", str, lambda: self.stopping
        )

    def read(self, after: str, *, only_owed: bool = False) -> list[tuple[str, str, str]]:
        """The first second's events: name, id, content."""

        async def events() -> list[str]:
            stream = self.live._stream(after, Wanted(only_owed=only_owed))
            asyncio.get_running_loop().call_later(0.3, lambda: setattr(self, "stopping", True))
            return [event async for event in stream]

        self.stopping = False
        read = asyncio.run(events())
        return [
            (
                re.findall("(?m)^event: (.*)$", event)[0],
                "".join(re.findall("(?m)^id: (.*)$", event)),
                "\n".join(re.findall("(?m)^data: (.*)$", event)),
            )
            for event in read
            if not event.startswith(":")
        ]


def references(events: list[tuple[str, str, str]]) -> list[str]:
    return [found for name, _, text in events if name == "rows" for found in re.findall(r">(r-\d+)<", text)]


def test_a_stream_goes_on_exactly_where_it_broke_off() -> None:
    feed = Feed()
    for number in range(10):
        credit(feed, f"r-{number}")
    stream = Stream(fed(feed))
    first = stream.read(f"{feed.epoch}-4")
    assert references(first) == ["r-9", "r-8", "r-7", "r-6", "r-5", "r-4"]
    assert "begin" not in [name for name, _, _ in first]

    last = next(id for name, id, _ in reversed(first) if name == "rows")
    credit(feed, "r-10")
    credit(feed, "r-11")
    fed(feed)

    assert references(stream.read(last)) == ["r-11", "r-10"]


def test_a_stream_of_an_earlier_start_begins_anew() -> None:
    feed = Feed()
    credit(feed, "r-1")
    events = Stream(fed(feed)).read("0badcafe-900")

    assert events[0][:2] == ("begin", f"{feed.epoch}-0")
    assert references(events) == ["r-1"]


def test_what_a_batch_leaves_out_is_counted() -> None:
    feed = Feed()
    for number in range(MOST_IN_A_BATCH + 40):
        credit(feed, f"r-{number}")

    (rows,) = [text for name, _, text in Stream(fed(feed)).read(f"{feed.epoch}-0") if name == "rows"]

    assert len(re.findall(r">r-\d+<", rows)) == MOST_IN_A_BATCH
    assert "40 callbacks more" in rows


def test_what_was_not_credited_can_be_watched_alone() -> None:
    feed = Feed()
    credit(feed, "r-1")
    feed.answered("result", b"{}", said("refused", "r-2", code=61, reason="x"), "{}", 0.01)

    assert references(Stream(fed(feed)).read(f"{feed.epoch}-0", only_owed=True)) == ["r-2"]


def test_a_row_is_a_reference_and_says_what_is_owed_however_it_was_replayed() -> None:
    feed = Feed()
    credit(feed, "r-1")
    credit(feed, "r-2")
    for message, code in (("replayed", None), ("refused", 61), ("replayed", None)):
        feed.answered("result", b'{"userId": "421"}', said(message, "r-1", code=code, reason="x"), "{}", 0.01)
    stream = Stream(fed(feed))

    (rows,) = [text for name, _, text in stream.read(f"{feed.epoch}-0") if name == "rows"]
    assert references([("rows", "", rows)]) == ["r-1", "r-2"]
    assert re.sub("<[^>]+>", "", rows).count("4 deliveries") == 1
    assert "waits for a person" in rows
    last = feed.last
    feed.answered("result", b"{}", said("booked elsewhere", "r-1", transactions=[]), "{}", 0.01)
    fed(feed)
    (rows,) = [text for name, _, text in stream.read(f"{feed.epoch}-{last}") if name == "rows"]

    assert "waits for a person" not in rows  # and it takes the place of the row that was there
    assert len(feed.deliveries(feed.after(0))) == 2
    (gone,) = [text for name, _, text in stream.read(f"{feed.epoch}-{last}", only_owed=True) if name == "rows"]
    assert re.findall(r'id="(row-[^"]+)"', gone) == re.findall(r'id="(row-[^"]+)"', rows)
    assert "data-gone" in gone


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["b", "a", "w"]),
        ("kind=bet", ["b", "a"]),
        ("outcome=refused", ["b"]),
        ("outcome=done", ["a"]),
        ("kind=result&outcome=waits+for+a+person", ["w"]),
        ("player=422", ["a"]),
        ("player=nobody", []),
        ("only=owed", ["w"]),
    ],
)
def test_live_is_filtered_by_callback_outcome_and_player(query: str, shown: list[str], window: Window) -> None:
    for kind, reference, message, player, code in (
        ("result", "w", "refused", "421", 61),
        ("bet", "a", "staked", "422", None),
        ("bet", "b", "refused", "421", 15),
    ):
        window.feed.answered(kind, b"{}", said(message, reference, code=code, userId=player), "{}", 0.01)
    fed(window.feed)

    page = window.get(f"/?{query}").text

    assert re.findall(r'data-open="/live/opened\?of=\w+%23(\w)"', page) == shown
    (events,) = re.findall(r'data-events="/live/events([^"]*)"', page)
    assert events.replace("&amp;", "&").removeprefix("?") == query


@pytest.mark.parametrize("query", ["kind=no", "outcome=no"])
def test_a_filter_that_is_none_is_refused(query: str, window: Window) -> None:
    answer = window.get(f"/?{query}")

    assert (answer.status_code, "is called &#39;no&#39;" in answer.text) == (503, True)


def test_a_row_opens_with_each_delivery_also_without_scripts(window: Window) -> None:
    credit(window.feed, "r-1")
    window.feed.answered("result", b"{}", said("refused", "r-1", code=61, reason="x"), "{}", 0.01)
    fed(window.feed)
    (link,) = re.findall(r'href="(/\?[^"]*open=[^"]+)"', window.get("/?only=owed").text)

    page = window.get(link.replace("&amp;", "&")).text
    part = window.get("/live/opened?of=result%23r-1", hx_request="true").text

    for opened in (page, part):
        assert len(re.findall("<li", opened[opened.index('class="deliveries"') :])) == 2
    assert 'href="/?only=owed" data-close' in page
    assert window.get("/live/opened?of=result%23gone").status_code == 503


def test_a_minute_says_what_failed_and_how_long_it_took_once_it_is_whole(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    for number in range(99):
        window.feed.answered("result", b"{}", said("credited", f"r-{number}", transactions=[]), "{}", 0.004)
    window.feed.answered("result", b"{}", said("refused", "slow", code=61, reason="x"), "{}", 1.234)
    fed(window.feed)
    tile = window.get("/").text.split("<dt>result</dt>")[1].split("</dd>")[0]
    assert "100 since" in tile
    assert "failed" not in tile

    monkeypatch.setattr(time, "time", lambda: now + 60)
    tile = re.sub("<[^>]+>", " ", window.get("/").text.split("<dt>result</dt>")[1].split("</dd>")[0])

    assert "1 % failed; p50 4, p99 4 ms" in tile
    assert "0 to 100 a minute" in tile
    assert window.feed.minutes()[-2].percentile("result", 100) == 1200


def test_what_was_not_credited_is_shown_however_much_was_credited_since(window: Window) -> None:
    body = json.dumps(published("result", reference="r-0")).encode()
    window.feed.answered("result", body, said("refused", "r-0", code=61, reason="x"), "{}", 0.01)
    for number in range(1, 500):
        credit(window.feed, f"r-{number}")
    fed(window.feed)

    assert ">r-0<" in window.get("/?only=owed").text
    assert references(Stream(window.feed).read("0badcafe-9", only_owed=True)) == ["r-0"]


def test_a_stream_too_many_is_told_so(window: Window) -> None:
    window.feed.watchers = 20

    answer = window.get("/live/events")

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text == "event: full\ndata: \n\n"


def test_as_many_streams_as_are_allowed_begin_however_many_are_asked_for_at_once(tmp_path: Path) -> None:
    feed = Feed()
    console = Console(
        office=BackOffice(InMemory(), is_local=True, folder=tmp_path),
        feed=feed,
        port=PORT,
        source="",
        counting_seconds=1,
    )
    application = console.application()
    most: list[int] = []

    async def asked_at_once() -> list[str]:
        def stop() -> None:
            most.append(feed.watchers)
            console.is_stopping = lambda: True

        asyncio.get_running_loop().call_later(0.3, stop)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=HERE) as http:
            return [answer.text for answer in await asyncio.gather(*(http.get("/live/events") for _ in range(30)))]

    answers = asyncio.run(asked_at_once())

    assert most == [20]
    assert sum(text.startswith("event: full") for text in answers) == 10
    assert feed.watchers == 0


def test_who_left_before_the_stream_began_does_not_watch() -> None:
    feed = Feed()
    stream = Stream(feed)

    async def left(_message: Any) -> None:
        raise OSError("the connection is gone")

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    async def asked() -> None:
        scope = {"type": "http", "method": "GET", "headers": [], "query_string": b"", "asgi": {"spec_version": "2.4"}}
        answer = await stream.live.events(Request(scope))
        assert feed.watchers == 1
        with pytest.raises(ClientDisconnect):
            await answer(scope, gone, left)

    asyncio.run(asked())

    assert feed.watchers == 0


def test_what_is_parked_and_dead_is_counted_on_the_page(window: Window) -> None:
    in_euros(window.operator)
    window.operator.send("result", published("result", userId="nobody", reference="n"))

    text = window.get("/").text

    assert re.search(r'wait for a person</dt><dd><span class="figure">1<', text)
    assert re.search(r'wait for another try</dt><dd><span class="figure">1<', text)


# --- A stack's log ----------------------------------------------------------------------------------


class Logs:
    """CloudWatch's log groups: `lines` are those of /stack/result, `faults` by group is what its readers meet."""

    def __init__(self, *lines: dict[str, Any]) -> None:
        self.lines = list(lines)
        self.faults: dict[str, Exception] = {}
        self.starts: list[tuple[str, int]] = []

    def filter_log_events(self, *, logGroupName: str, startTime: int, **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's
        self.starts.append((logGroupName, startTime))
        if fault := self.faults.get(logGroupName):
            raise fault
        events = [
            {"eventId": f"{logGroupName}{number}", "message": json.dumps(line)}
            for number, line in enumerate(self.lines)
            if logGroupName == "/stack/result"
        ]
        return {"events": events}


def a_line(reference: str, second: int, **facts: Any) -> dict[str, Any]:
    moment = f"2026-01-02 03:04:{second:02},678+0000"
    return {"message": "credited", "correlation_id": reference, "timestamp": moment, "userId": "421", **facts}


@pytest.fixture
def tables(operator: Operator) -> Tables:
    return InMemory().tables()


def listening(logs: Logs, tables: Tables) -> Listening:
    groups = {callback: f"/stack/{callback}" for callback in ("result", "promo")}
    return Listening(logs, groups, Feed(), tables)


def test_a_stacks_callbacks_come_from_its_log_each_once_and_in_order(tables: Tables) -> None:
    paid = [{"amount": "10", "id": "result#r-1"}]
    logs = Logs(a_line("r-2", 20), a_line("r-1", 10, transactions=paid), {"message": "no line of ours"})
    ears = listening(logs, tables)
    asyncio.run(ears._poll())
    logs.lines.append(a_line("r-3", 30))
    asyncio.run(ears._poll())

    found = ears.feed.after(0)
    assert [each.reference for each in found] == ["r-1", "r-2", "r-3"]
    assert (found[0].amount, found[0].currency) == (Decimal(10), "USD")  # the log does not name it: the wallet does
    assert not ears.missed


DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, "FilterLogEvents")


def test_what_of_a_stack_cannot_be_seen_is_said_once(tables: Tables) -> None:
    logs = Logs()
    ears = listening(logs, tables)
    logs.faults = dict.fromkeys(ears.groups.values(), DENIED)

    asyncio.run(ears._poll())

    assert ears.missed.startswith("Callbacks are not seen: the log group /stack/result cannot be read: ")
    assert ears.missed.count("AccessDenied") == 1


def test_a_group_that_cannot_be_read_hides_no_other_and_is_read_from_there_on(tables: Tables) -> None:
    logs = Logs(a_line("r-1", 10))
    ears = listening(logs, tables)

    logs.faults = {"/stack/promo": DENIED}
    asyncio.run(ears._poll())
    assert [each.reference for each in ears.feed.after(0)] == ["r-1"]
    assert ears.missed.startswith("Callbacks of promo are not seen: ")

    logs.faults = {"/stack/result": DENIED}
    logs.lines.append(a_line("r-2", 20))
    asyncio.run(ears._poll())
    logs.faults = {}
    asyncio.run(ears._poll())
    assert [each.reference for each in ears.feed.after(0)] == ["r-1", "r-2"]
    assert not ears.missed
    _, in_vain, again = (start for group, start in logs.starts if group == "/stack/result")
    assert again == in_vain


def test_a_log_s_pages_are_read_the_newest_first_and_those_of_nothing_as_well(tables: Tables) -> None:
    asked: list[dict[str, Any]] = []

    class Long(Logs):
        pages = 5

        def filter_log_events(self, *, logGroupName: str, startTime: int, **more: Any) -> dict[str, Any]:  # noqa: N803
            if logGroupName != "/stack/result":
                return {"events": []}
            asked.append(more)
            page = int(more.get("nextToken", 0))
            if page == self.pages - 1:
                return super().filter_log_events(logGroupName=logGroupName, startTime=startTime)
            return {"events": [], "nextToken": str(page + 1)}

    logs = Long(a_line("r-1", 10))
    ears = listening(logs, tables)

    asyncio.run(ears._poll())

    assert [each.reference for each in ears.feed.after(0)] == ["r-1"]
    assert not ears.missed
    assert {each["startFromHead"] for each in asked} == {False}

    logs.pages = 100
    asyncio.run(ears._poll())
    assert "The log of result is too long to be read to its end" in ears.missed
    assert len(asked) == 5 + 8


def test_a_log_without_ids_is_none_of_cloudwatchs_and_that_is_said(tables: Tables) -> None:
    class Bare(Logs):
        def filter_log_events(self, *, logGroupName: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's name
            return {"events": [{"message": json.dumps(a_line("r-1", 10))}]}

    ears = listening(Bare(), tables)

    asyncio.run(ears._poll())

    assert "without the ids of its lines" in ears.missed
    assert ears.feed.last == 0


def test_a_defect_of_the_console_stops_it_where_it_was_called(window: Window) -> None:
    class Broken(Listening):
        async def run(self) -> None:
            raise KeyError("a defect")

    office, port = BackOffice(window.place, is_local=False, folder=window.folder), free_port()
    console = Console(office=office, feed=window.feed, port=port, source="A test.", counting_seconds=1)
    broken = Broken(Logs(), {}, window.feed, window.place.tables())

    with listener(port, "--port") as listening, pytest.raises(KeyError, match="a defect"):
        asyncio.run(served._serve(console, broken, listening))


def test_a_stack_is_not_asked_while_nobody_watches(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    class Enough(Exception):
        pass

    logs = Logs()
    pauses = iter(range(5))

    async def sleep(_seconds: float) -> None:
        if next(pauses, None) is None:
            raise Enough

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(Enough):
        asyncio.run(listening(logs, tables).run())

    assert logs.starts == []


# --- Words and pictures -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason", "meant"),
    [
        (998, "ReadTimeoutError, attempt 3", "the tables did not answer in time"),
        (998, "EndpointConnectionError, attempt 12", "the tables could not be reached"),
        (998, "ProvisionedThroughputExceededException, attempt 2", "the tables were asked for more than they allow"),
        (998, "a defect: KeyError at x.py:1", "the wallet's own code has a defect"),
        (998, "something new, attempt 2", "something new"),
        (62, "No such player: 999", "this player has no wallet"),
        (52, "The currency is not the player's: the wallet's is USD", "in USD"),
        (61, "This reference was already used with other content: amount", "with another amount"),
        (64, "Mandatory field is absent or empty: roundId", "mandatory field is absent or empty: roundId"),
        (None, None, "no reason was given"),
    ],
)
def test_a_reason_is_told_in_plain_words(code: int | None, reason: str | None, meant: str) -> None:
    assert meant in words.why(code, reason)


def test_a_picture_says_what_it_shows_and_runs_nothing() -> None:
    attack = '"><script>'
    for drawn in (charts.bars([0, 1, Decimal("1e30")], attack), charts.line([Decimal(1), Decimal("1e30")], attack)):
        assert 'role="img"' in drawn
        assert "<script" not in drawn


def test_a_flat_balance_is_drawn_in_the_middle() -> None:
    assert "V80" in charts.line([Decimal(5)] * 3, "flat")


def test_a_long_ledger_is_drawn_from_its_first_to_its_last() -> None:
    drawn = charts.line([Decimal(number) for number in range(10_000)], "long")

    assert len(drawn) < 10_000
    assert "M0 154.0" in drawn
    assert "V6.0" in drawn


def test_a_page_is_there_at_once(window: Window) -> None:
    window.get("/player?id=421")  # its template is read once

    began = time.process_time()
    window.get("/player?id=421")

    assert time.process_time() - began < 1  # of the processor's time, of which a busy machine takes no more


# --- Find by what a player says ---------------------------------------------------------------------


def test_a_player_s_page_answers_what_the_player_says(window: Window) -> None:
    window.operator.send("jackpot", published("jackpot", amount="500.00", reference="jp", jackpotId="JP-7"))
    in_euros(window.operator, "elsewhere", amount="500")

    asked = "amount=500&since=yesterday&zone=Asia/Tokyo"
    text = window.get(f"/player?id=421&{asked}").text

    assert 'action="/player"' in window.get("/player?id=421").text
    assert re.search(r"was paid 500 USD by jackpot JP-7 (today|yesterday) at \d\d:\d\d \(.*UTC\)", text)
    assert "The request as received" in text
    assert "A win of 500 EUR for player 421 is a dead letter." in text
    assert 'name="amount" value="500"' in text
    assert window.get(f"/find/said?id=421&{asked}").headers["location"] == (
        "/player?id=421&amount=500&since=yesterday&zone=Asia%2FTokyo"
    )


def test_a_search_that_finds_nothing_says_what_comes_nearest_and_why(window: Window) -> None:
    window.operator.send("result", published("result", amount="450", reference="near"))

    text = window.get("/player?id=421&amount=500&kind=win").text

    assert "Player 421 has no win of 500 since" in text
    assert "Player 421 was paid 450 USD in round" in text
    assert "Most likely it never came here" in text
    assert "Paste the reference into Find." in text


def test_a_search_finds_what_waits_and_who_won_without_a_player(window: Window) -> None:
    window.operator.send("result", published("result", amount="500", reference="won"))
    now = datetime.now(UTC)
    window.place.refusals = [
        LogLine(
            at=now, callback="result", message="refused", code=998, reason="ReadTimeoutError", tries=2,
            reference="waits", player="421", amount="500",
        )
    ]  # fmt: skip

    text = window.get("/find/said?amount=500&kind=win").text

    assert "Player 421 was paid 500 USD" in text
    assert "Not credited yet: it is tried again by itself" in text


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("amount=500,00", "The amount 500,00 cannot be read: write it with a point"),
        ("amount=2-1", "The amount 2-1 is upside down: write 1-2"),
        ("kind=spin", "No kind is called spin: there are result, jackpot"),
        ("since=2099-01-01", "2099-01-01 is in the future"),
        ("since=today&until=yesterday", "yesterday is not after today"),
        ("amount=1&zone=Berlin", "do you mean Europe/Berlin?"),
    ],
)
def test_a_search_that_is_not_understood_says_how_to_write_it(asked: str, told: str, window: Window) -> None:
    answer = window.get(f"/player?id=421&{asked}")

    assert answer.status_code == 400
    assert told.lower() in answer.text.replace("&#39;", "'").lower()


def test_a_stack_asks_before_it_reads_what_costs_money(
    operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "WAIT_SECONDS", 0)
    window = Window(operator, tmp_path, is_local=False)
    operator.send("result", published("result", amount="500", reference="won"))
    now = datetime.now(UTC)
    window.place.refusals = [
        LogLine(
            at=now, callback="result", message="refused", code=998, reason="x", tries=None,
            reference="waits", player="421", amount="7",
        )
    ]  # fmt: skip

    all_players, one = window.get("/find/said?amount=500").text, window.get("/player?id=421&amount=7").text

    assert "To search all players, this reads" in all_players
    assert "was paid 500" not in all_players
    assert "Player 421 was paid 500 USD" in window.get("/find/said?amount=500&scan=1").text
    assert "Player 421 has no movement of 7 since" in one
    without_log = window.get("/find/said/rest?id=421&amount=7").text
    assert "No dead letter matches" in without_log
    assert "the account pays for what is read" in without_log
    assert "Not credited yet" in window.get("/find/said/rest?id=421&amount=7&log=1").text

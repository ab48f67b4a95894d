"""Dead letters: listed, sent back, and none lost on the way."""

import csv
import getpass
import io
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import httpx
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError
from moto.sqs.models import sqs_backends
from rich.console import Console
from typer.testing import Result

from conftest import ROOT, Operator, Reply, published
from expectations import unchanged
from local_service import HANG_SECONDS, Service, running, wait_until
from tools.shared.folders import announcement
from tools.shared.outside import cut, plain
from tools.walletctl.parked import choosing, discard, mailbox, redrive, show
from tools.walletctl.parked import settle as settle_command
from tools.walletctl.parked.letters import DeadLetter, grouped
from wallet import report
from wallet.parking import Parked
from walletctl import ACCOUNT, PORT, Functions, Walletctl, refusal

CALLBACKS = ("result", "jackpot", "bonus", "promo")
SESSION_CLASS = boto3.Session
MAKE_API_CALL = BaseClient._make_api_call
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "any")
UNREACHABLE = EndpointConnectionError(endpoint_url="https://queue")

# References that are more than they seem: markup, an emoji's name, escape sequences, and text that turns around.
HOSTILE = (
    "[bold red]paid[/bold red]",
    "[/]",
    ":warning:",
    "\x1b[2J\x1b[31mpaid\x1b[0m",
    "\x9b31mpaid",
    "\u202edaip\u202c",
    "\u2066paid\u2069",
    "paid\r\nnot a reference",
    "a\\x1bb",
    "\x07\x00\x08",
    "\ufeff",
    "x" * 5000,
)


def letter(example: str = "result", *, request: Mapping[str, Any] | None = None, **changes: Any) -> str:
    """A parked request, as a message: a callback's example, changed by `request`, under what is kept with it."""
    body = {**published(example, hash=None), **(request or {})}
    parked = Parked(
        callback=example,
        reference=body["reference"],
        code=61,
        reason="This reference was already used with other content: amount",
        first_received_at="2026-01-02T03:04:05.678+00:00",
        request=json.dumps(body),
    )
    return json.dumps(asdict(parked) | changes)


class Owed(Walletctl):
    """The command on a local service's queues, which the functions left dead letters in."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, operator: Operator) -> None:
        super().__init__(folder, monkeypatch)
        self.operator = operator
        self.sqs: Any = boto3.client("sqs")

    def send(self, callback: str, body: Any) -> Reply:
        """Sends a body to a callback's function, in a process of which it would be the only one."""
        self._monkeypatch.setattr(report.logger, "service", callback)
        return self.operator.send(callback, body)

    def dead(self, *messages: str, callback: str = "result") -> list[str]:
        """Dead letters of a callback; their message ids."""
        return self.leave(f"{callback.title()}DeadLetters", *messages)

    def redrive(self, *arguments: str, callback: str = "result", stdin: str = "", port: int = PORT) -> Result:
        return self("parked", "redrive", callback, *arguments, stdin=stdin, port=port)

    def parked(self, *arguments: str, stdin: str = "") -> Result:
        return self("parked", *arguments, stdin=stdin)

    def listed(self, callback: str = "result") -> list[dict[str, Any]]:
        """A callback's dead letters, as they are listed for a machine."""
        result = self.parked("list", callback, "--json")
        assert result.stdout.isascii()
        (pile,) = json.loads(result.stdout[result.stdout.index("[\n") :])  # a function's log may stand before it
        return pile["deadLetters"]

    def url(self, queue: str) -> str:
        return self.sqs.get_queue_url(QueueName=queue)["QueueUrl"]

    def visible_in(self, queue: str) -> list[str]:
        """What anybody could receive from a queue at this moment."""
        now = datetime.now(UTC).timestamp() * 1000
        return sorted(message.body for message in _backend(queue)._messages if message.visible_at <= now)

    def run_function(self, callback: str = "result") -> None:
        """The callback's function consumes its retry queue, as Lambda has it."""
        self._monkeypatch.setattr(report.logger, "service", callback)
        url = self.url(f"{callback.title()}RetryQueue")
        while messages := self.sqs.receive_message(QueueUrl=url, AttributeNames=["All"]).get("Messages"):
            (message,) = messages
            record = {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
            }
            assert self.operator.handler(callback)({"Records": [record]}, None) == {"batchItemFailures": []}
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def fail(self, operation: str, error: BaseException, after: int = 0) -> None:
        """Has that operation raise the error, from its call number `after` + 1 on."""

        def instead(called: str, _parameters: Any, call: Callable[[], Any]) -> Any:
            if called == operation and len(self.asked(operation)) > after:
                raise error
            return call()

        self.watch(instead)


def _backend(queue: str) -> Any:
    return sqs_backends["123456789012"]["eu-west-1"].queues[queue]


@pytest.fixture
def desk(walletctl: Walletctl, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Owed:
    return Owed(walletctl.folder, monkeypatch, operator)


def lines(listed: Result) -> list[str]:
    """The table's lines, their cells apart by a single space."""
    head, *below = [" ".join(line.split()) for line in listed.stdout.splitlines()]
    assert head == "reference copies error first received age"
    return below[: next(number for number, line in enumerate(below) if line.startswith("result: "))]


def assert_harmless(text: str) -> None:
    """Nothing in it moves a cursor, colours, rings or turns around."""
    assert all(character.isprintable() or character == "\n" for character in text), ascii(text)


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, *answers: str | Callable[[], str]) -> list[str]:
    """Has a person sit there who answers so; what they are asked."""
    asked: list[str] = []
    waiting = list(answers)

    def answer(question: str) -> str:
        asked.append(question)
        if not waiting:
            raise EOFError
        given = waiting.pop(0)
        return given if isinstance(given, str) else given()

    for command in (redrive, discard, settle_command):
        monkeypatch.setattr(command, "at_a_terminal", lambda: True)
    monkeypatch.setattr("builtins.input", answer)
    return asked


# --- Listing ----------------------------------------------------------------------------------------


def test_dead_letters_are_listed_by_reference_with_what_is_wrong_and_since_when(desk: Owed) -> None:
    now = datetime.now(UTC)
    ages = {"old": timedelta(days=3, hours=2), "young": timedelta(minutes=7, seconds=30)}
    for reference, ago in ages.items():
        moment = (now - ago).isoformat(timespec="milliseconds")
        desk.dead(
            letter(request={"reference": reference}, first_received_at=moment, code=52, reason="Not the wallet's")
        )
    desk.dead(letter(request={"reference": "old"}, first_received_at=now.isoformat(), code=61, reason="Used already"))

    listed = desk.redrive()

    assert listed.exit_code == 0
    assert lines(listed) == [
        f"1 old 2 52, 61 {now - ages['old']:%Y-%m-%d %H:%M}Z 3 d",
        "of 421, 10 USD",
        "Not the wallet's",
        "Used already",
        f"2 young 1 52 {now - ages['young']:%Y-%m-%d %H:%M}Z 7 min",
        "of 421, 10 USD",
        "Not the wallet's",
    ]
    assert "result: 3 dead letters, 3 can be sent back" in listed.stdout
    assert listed.stderr == ""


def test_a_list_says_whose_each_dead_letter_is_and_how_much(desk: Owed) -> None:
    prize = {"promoWinReference": "p", "promoWinAmount": "2.5"}
    desk.dead(letter(request={"reference": "with prize", "amount": "3", **prize}))
    desk.dead(letter(request={"reference": "two players", "userId": "421"}))
    desk.dead(letter(request={"reference": "two players", "userId": "\x1b[2J"}))
    desk.dead(letter(request={"reference": "two copies"}), letter(request={"reference": "two copies"}))
    desk.dead(letter(request={"reference": "no amount", "amount": "many", "userId": None}))
    desk.dead(letter(request={"reference": "no currency", "currency": None}))

    listed = [line.strip() for line in desk.parked("list").stdout.splitlines()]

    whose = [each for each in listed if each.startswith("of ")]
    assert sorted(whose) == ["of 421, 10 USD", "of 421, 10 USD", "of 421, 5.5 USD", "of \\x1b[2J, 421"]


@pytest.mark.parametrize("callback", CALLBACKS)
def test_what_a_callback_left_for_a_person_is_listed_as_it_left_it(desk: Owed, callback: str) -> None:
    desk.send(callback, published(callback))
    desk.send(callback, published(callback, amount="777"))

    (the_letter,) = desk.listed(callback)

    assert (the_letter["reference"], the_letter["refused"]) == (published(callback)["reference"], None)
    assert 0 <= the_letter["ageSeconds"] < 60
    assert (the_letter["callback"], the_letter["code"]) == (callback, 61)
    assert (the_letter["userId"], the_letter["amount"]) == (published(callback)["userId"], "777")
    assert the_letter["reason"].endswith(": amount")
    assert json.loads(the_letter["request"])["amount"] == "777"


def test_retransmissions_without_a_reference_are_one_entry(desk: Owed) -> None:
    body = published("result", reference=None, hash=None)
    for number in range(10):
        desk.send("result", body | {"uuid": f"delivery-{number}"})
    desk.send("result", body | {"roundId": 1602530})
    desk.send("result", body | {"roundId": "1602530"})

    rows = desk.listed()
    listed = desk.redrive()

    assert [(row["reference"], row["code"], row["copies"]) for row in rows] == [(None, 64, 10), (None, 64, 2)]
    again = "what was sent is not valid, and is refused again as it is"
    assert lines(listed)[2::4] == ["Mandatory field is absent or empty: reference"] * 2
    assert lines(listed)[3::4] == [again] * 2
    assert "its copies ask for different things" not in listed.stdout
    for row in rows:
        shown = desk.parked("show", row["messageId"])
        assert shown.stdout.count("request ") == 1
        assert f"copies {row['copies']}" in " ".join(shown.stdout.split())
        assert "Ask the provider to correct it and to send it again" in shown.stdout


def test_retransmissions_under_one_reference_are_one_entry_whatever_is_only_recorded(desk: Owed) -> None:
    for number in range(10):
        recorded = {"uuid": f"u{number}", "timestamp": number, "gameName": number, "newField": number}
        desk.send("result", published("result", reference=5551, roundId=["bad"], hash=None) | recorded)

    (row,) = desk.listed()
    listed = desk.redrive()

    assert (row["reference"], row["code"], row["copies"]) == ("5551", 57, 10)
    assert "its copies ask for different things" not in listed.stdout
    assert desk.parked("show", "5551").stdout.count("request ") == 1


def test_spaces_at_the_ends_of_what_was_sent_can_be_seen(desk: Owed) -> None:
    desk.send("result", published("result", reference="   ", amount=" 5", hash=None))

    (row,) = desk.listed()

    assert row["reference"] == "   "
    assert " '   ' " in desk.redrive().stdout
    assert "amount      ' 5'" in desk.parked("show", row["messageId"]).stdout


def test_all_copies_of_a_request_are_discarded_by_the_name_that_the_list_gives_it(desk: Owed, folder: Path) -> None:
    names = ["a\x00b", "x" * 5000, None]
    for name in names:
        for number in range(3):
            desk.send("result", published("result", reference=name, uuid=f"{number}"))

    handles = [row["messageId"] for row in desk.listed()]
    discarded = desk.parked("discard", "result", *handles, "--reason", "nobody's", "--yes")

    assert len(handles) == len(names)
    assert discarded.exit_code == 0, discarded.output
    assert desk.all_in("ResultDeadLetters") == []


def test_a_prize_that_is_left_says_so_and_does_not_ask_for_its_win(desk: Owed) -> None:
    desk.send("promo", published("promo", reference="p", amount="9"))
    win = published("result", reference="r", promoWinReference="p", promoWinAmount="8")
    for _ in range(10):
        desk.send("result", win)

    (row,) = desk.listed()
    listed, shown = desk.redrive(), " ".join(desk.parked("show", "r").stdout.split())

    assert (row["reference"], row["code"], row["prizeOnly"], row["copies"]) == ("r", 61, True, 10)
    assert "its prize alone: This reference was already used with other content: amount" in listed.stdout
    assert "left its prize alone" in shown
    assert "The prize p of 8, which came with result r, is not paid" in shown
    assert "The win itself does not wait for it" in shown


def test_copies_that_ask_for_different_things_are_told_apart(desk: Owed) -> None:
    desk.dead(letter(), letter(), letter(request={"reference": "r"}), letter(request={"reference": "r", "amount": "9"}))

    listed = desk.redrive()

    told = [line.strip() for line in listed.stdout.splitlines() if "its copies ask for different things" in line]
    assert len(told) == 1
    assert "each can be chosen by its message id" in told[0]
    assert (
        listed.stdout.index("1 585c1306f89c56f5ecfc2f5d") < listed.stdout.index("2 r ") < listed.stdout.index(told[0])
    )


NOT_PARKED = {
    "no JSON": "not JSON",
    "a text": '"hello"',
    "nothing": "{}",
    "too deep": "[" * 100_000,
    "too long a number": "1" * 5000,
    "less than ours": json.dumps({name: value for name, value in json.loads(letter()).items() if name != "reason"}),
    "no callback": letter(callback=None),
    "a list for a reference": letter(reference=["r"]),
    "a text for a code": letter(code="61"),
    "an object for a reason": letter(reason={}),
    "a number for a request": json.dumps(json.loads(letter()) | {"request": 5}),
    "a number for a moment": letter(first_received_at=5),
    "no moment": letter(first_received_at="long ago"),
    "a moment of no zone": letter(first_received_at="2026-01-02T03:04:05"),
    "a moment before all": letter(first_received_at="0001-01-01T00:00:00+14:00"),
}


@pytest.mark.parametrize("message", NOT_PARKED.values(), ids=NOT_PARKED)
def test_what_is_not_a_parked_request_is_shown_as_that_under_its_message_id_and_stays(desk: Owed, message: str) -> None:
    (message_id,) = desk.dead(message)

    about, reason = lines(desk.redrive())
    named, everything = desk.redrive(message_id), desk.redrive("--all")

    assert about.startswith(f"{message_id} 1 20")
    assert reason == "cannot be sent back: it is not a parked request, and would only come back"
    assert named.exit_code == 2
    assert "not a parked request" in named.stderr
    assert everything.exit_code == 0
    assert f"{message_id} is left: it is not a parked request" in everything.stdout
    assert "result has no dead letters to send back" in everything.stdout
    assert desk.visible_in("ResultDeadLetters") == [message]
    assert desk.all_in("ResultRetryQueue") == []


def test_what_another_version_left_with_more_to_say_is_sent_back_as_it_is(desk: Owed) -> None:
    later = letter(traceId="of a later version")
    desk.dead(later)

    assert desk.redrive("--all").exit_code == 0

    assert desk.all_in("ResultRetryQueue") == [later]


def test_a_letter_of_another_callback_is_not_credited_as_one_of_this(desk: Owed) -> None:
    # A jackpot's request has every field that a bonus's needs.
    jackpot = letter("jackpot")
    desk.dead(jackpot, callback="bonus")

    for choice in ("--all", json.loads(jackpot)["reference"]):
        assert "it is a dead letter of the callback jackpot" in desk.redrive(choice, callback="bonus").output
    with unchanged(desk.operator):
        desk.run_function("bonus")

    assert desk.visible_in("BonusDeadLetters") == [jackpot]


def test_a_callbacks_own_letter_is_sent_back_though_another_has_its_reference(desk: Owed) -> None:
    own, other = letter(request={"reference": "r"}), letter("jackpot", request={"reference": "r"})
    desk.dead(own, other)

    assert desk.redrive("r").exit_code == 0

    assert desk.all_in("ResultRetryQueue") == [own]
    assert desk.visible_in("ResultDeadLetters") == [other]


def test_hostile_text_is_shown_as_text(desk: Owed) -> None:
    for hostile in HOSTILE:
        desk.dead(
            letter(reference=hostile),
            letter("jackpot", callback=hostile),
            letter(reference=f"{hostile} again", reason=hostile),
        )

    listed, for_a_machine, dry = desk.redrive(), desk.parked("list", "--json"), desk.redrive("--all", "--dry-run")

    for shown in (listed, for_a_machine, dry):
        assert_harmless(shown.output)
    for hostile in HOSTILE:
        shown = plain(hostile)
        assert any(re.fullmatch(rf"[0-9]+ {re.escape(cut(shown, 128))} 1 61 .*", line) for line in lines(listed)), shown
        assert cut(shown, 200) in lines(listed)
        assert any(f"it is a dead letter of the callback {cut(shown, 40)}, and" in line for line in lines(listed)), (
            shown
        )
    (results, *_) = json.loads(for_a_machine.stdout)
    assert {each["reference"] for each in results["deadLetters"]} > set(HOSTILE)


def test_hostile_text_is_said_as_text(desk: Owed) -> None:
    for hostile in HOSTILE:
        not_there, no_callback = desk.redrive(hostile), desk.redrive(callback=hostile)

        assert not_there.stderr == f"walletctl: {plain(hostile)} is not among the dead letters: nothing was sent back\n"
        assert no_callback.stderr.startswith("walletctl: no callback is called ")
        assert_harmless(no_callback.stderr)


def test_hostile_references_can_be_chosen_as_they_are_and_as_they_are_shown(desk: Owed) -> None:
    messages = [letter(reference=hostile) for hostile in HOSTILE]
    desk.dead(*messages, letter())

    as_shown = desk.redrive("--dry-run", *(plain(hostile) for hostile in HOSTILE))
    desk.redrive(*(hostile for hostile in HOSTILE))

    assert f"{len(HOSTILE)} would be sent back" in as_shown.stdout
    assert desk.all_in("ResultRetryQueue") == sorted(messages)


def test_a_reference_that_looks_like_another_is_not_taken_for_it(desk: Owed) -> None:
    escape, its_look = letter(reference="\x1b"), letter(reference="\\x1b")
    desk.dead(escape, its_look)

    either = desk.redrive("\\x1b")
    desk.redrive("\\\\x1b")

    assert either.exit_code == 2
    assert "may mean more than one" in either.stderr
    assert desk.all_in("ResultRetryQueue") == [its_look]


def test_the_list_for_a_machine_has_the_letters_themselves(desk: Owed) -> None:
    first, second, foreign = desk.dead(letter(), letter(reason="Other"), "hello")

    *ours, other = desk.listed()

    for each in ours:
        assert each["firstReceivedAt"] == "2026-01-02T03:04:05.678+00:00"
        assert each["ageSeconds"] > 0
        assert each["request"] == json.loads(letter())["request"]
    assert sorted(each["messageId"] for each in ours) == sorted([first, second])
    assert {each["reason"] for each in ours} == {json.loads(letter())["reason"], "Other"}
    assert (other["reference"], other["messageId"], other["body"]) == (None, foreign, "hello")
    assert other["refused"].startswith("it is not a parked request")


def test_no_dead_letters_are_no_error(desk: Owed) -> None:
    listed, sent = desk.redrive(), desk.redrive("--all")

    assert (listed.exit_code, listed.stdout) == (0, "result has no dead letters\n")
    assert (sent.exit_code, sent.stdout) == (0, "result has no dead letters to send back\n")


def test_a_terminal_of_80_columns_shows_a_message_id_unbroken() -> None:
    message = {"MessageId": str(uuid4()), "ReceiptHandle": "", "Body": "", "Attributes": {"SentTimestamp": "0"}}
    terminal = Console(file=io.StringIO(), width=80)

    terminal.print(show.table(grouped([DeadLetter.of(message)], "result"), datetime.now(UTC)))

    shown = terminal.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert f" {message['MessageId']} " in shown
    assert max(map(len, shown.splitlines())) == 80


def test_letters_that_somebody_else_is_reading_are_told_of(desk: Owed) -> None:
    desk.dead(letter(), letter())
    desk.sqs.receive_message(QueueUrl=desk.url("ResultDeadLetters"), MaxNumberOfMessages=1)

    listed = desk.redrive()

    assert "result: 1 dead letter, 1 can be sent back" in listed.stdout
    assert "About 1 more are hidden" in listed.stdout


def test_a_receive_in_vain_is_not_taken_for_the_end(desk: Owed) -> None:
    desk.dead(*(letter(request={"reference": str(number)}) for number in range(25)))

    def every_third(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        if operation == "ReceiveMessage" and len(desk.asked(operation)) % 3:
            return {}  # SQS asked those of its servers that had none
        return call()

    desk.watch(every_third)

    assert "result: 25 dead letters, 25 can be sent back" in desk.redrive().stdout


def test_a_letter_that_comes_twice_is_counted_and_sent_once(desk: Owed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "HIDDEN_SECONDS", 0)  # so every receive brings it again, with a new receipt
    desk.dead(letter())
    receipts: list[str] = []

    def remember(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        answer = call()
        if operation == "ReceiveMessage":
            receipts.extend(message["ReceiptHandle"] for message in answer["Messages"])
        return answer

    desk.watch(remember)

    sent = desk.redrive("--all")

    assert len(set(receipts)) > 1
    assert sent.stdout == "result: 1 of 1 were sent back\n"
    assert desk.all_in("ResultRetryQueue") == [letter()]
    assert desk.all_in("ResultDeadLetters") == []
    ((entry,),) = (call["Entries"] for call in desk.asked("DeleteMessageBatch"))
    assert entry["ReceiptHandle"] == receipts[-1], "SQS may not take an older one any more"


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(days=13, hours=23), "13 d"),
        (timedelta(days=1), "1 d"),
        (timedelta(hours=23, minutes=59), "23 h"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(seconds=0.5), "0 s"),
        (timedelta(seconds=-5), "0 s"),  # a clock that is behind
    ],
)
def test_an_age_is_told_in_its_greatest_unit(span: timedelta, shown: str) -> None:
    assert show.age(span) == shown


# --- Choosing ---------------------------------------------------------------------------------------


def test_only_the_chosen_are_sent_back_and_as_they_were_received(desk: Owed) -> None:
    # Spaces, an order and escapes of their own: what is sent back is not written anew.
    odd = re.sub(r'"code": 61', '"code" :61 ', letter(request={"reference": "b"})).replace("amount", "\\u0061mount")
    stay = [letter(), letter(request={"reference": "a"}), "hello"]
    desk.dead(odd, *stay, letter(request={"reference": "c"}))

    sent = desk.redrive("b", "c")

    assert (sent.exit_code, sent.stdout, sent.stderr) == (0, "result: 2 of 2 were sent back\n", "")
    assert desk.visible_in("ResultRetryQueue") == sorted([odd, letter(request={"reference": "c"})])
    assert desk.visible_in("ResultDeadLetters") == sorted(stay)
    assert desk.all_in("ResultDeadLetters") == sorted(stay)


def test_the_letters_that_stay_can_be_read_by_others_before_the_first_is_sent(desk: Owed) -> None:
    desk.dead(letter(), letter(request={"reference": "r"}))
    readable: list[list[str]] = []

    def look(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        if operation == "SendMessageBatch":
            readable.append(desk.visible_in("ResultDeadLetters"))
        return call()

    desk.watch(look)
    desk.redrive("r")

    assert readable == [[letter()]]


def test_all_sends_back_every_copy_of_every_reference(desk: Owed) -> None:
    messages = [letter(request={"reference": str(number % 12)}) for number in range(36)]
    desk.dead(*messages)

    assert desk.redrive("--all").stdout == "result: 36 of 36 were sent back\n"

    assert desk.visible_in("ResultRetryQueue") == sorted(messages)
    assert desk.all_in("ResultDeadLetters") == []


@pytest.mark.parametrize("code", [57, 59, 64])
def test_what_is_refused_again_for_certain_is_not_offered_and_is_sent_back_by_its_name_alone(
    desk: Owed, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    invalid = letter(request={"reference": "invalid"}, code=code, reason="Not valid")
    desk.dead(invalid)
    asked = at_a_terminal(monkeypatch, "all")

    alone, listed = desk.redrive(), desk.parked("list", "result")
    desk.dead(letter())
    everything, dry = desk.redrive("--all"), desk.redrive("--dry-run", "invalid")

    assert asked == []
    assert lines(alone)[0].startswith("invalid 1 ")
    assert "what was sent is not valid, and is refused again as it is" in lines(alone)
    assert "1 dead letter, 0 can be sent back" in alone.stdout
    assert "redrive" not in listed.stdout
    assert f"To send one back: walletctl parked redrive result invalid --port {PORT}\n" in everything.stdout
    assert desk.visible_in("ResultDeadLetters") == [invalid]
    assert desk.visible_in("ResultRetryQueue") == [letter()]
    again = "1 of them: what was sent is not valid, and is refused again as it is\n"
    assert again in dry.stdout
    assert desk.redrive("invalid").stdout == f"result: 1 of 1 were sent back\n{again}"
    assert desk.all_in("ResultDeadLetters") == []


def test_one_of_several_copies_can_be_sent_back_alone(desk: Owed) -> None:
    _, chosen = desk.dead(letter(), letter(request={"amount": "777"}))

    desk.redrive(chosen)

    assert desk.all_in("ResultRetryQueue") == [letter(request={"amount": "777"})]
    assert desk.visible_in("ResultDeadLetters") == [letter()]


def test_a_letter_without_a_reference_is_chosen_by_its_message_id(desk: Owed) -> None:
    (message_id,) = desk.dead(letter(reference=None))

    assert lines(desk.redrive())[0].startswith(f"1 {message_id} 1 61 ")
    desk.redrive(message_id)

    assert desk.all_in("ResultRetryQueue") == [letter(reference=None)]


def test_a_reference_that_is_not_there_sends_nothing(desk: Owed) -> None:
    desk.dead(letter(request={"reference": "r"}))

    sent = desk.redrive("r", "another")

    assert (sent.exit_code, sent.stdout) == (2, "")
    assert sent.stderr == "walletctl: another is not among the dead letters: nothing was sent back\n"
    assert desk.all_in("ResultRetryQueue") == []
    assert desk.visible_in("ResultDeadLetters") == [letter(request={"reference": "r"})]


def test_two_choices_are_none(desk: Owed) -> None:
    desk.dead(letter(request={"reference": "r"}))

    assert desk.redrive("--all", "r").exit_code == 2

    assert desk.all_in("ResultRetryQueue") == []


@pytest.mark.parametrize("choice", [["--all"], ["r"]], ids=["all", "reference"])
def test_a_dry_run_says_what_would_be_sent_and_changes_nothing(desk: Owed, choice: list[str]) -> None:
    messages = [letter(request={"reference": "r"}), letter(request={"reference": "r", "amount": "9"}), "hello"]
    desk.dead(*messages)
    desk.watch()

    said = desk.redrive("--dry-run", *choice)

    assert said.exit_code == 0
    assert "A dry run: 2 would be sent back to result; nothing was changed" in said.stdout
    assert re.search(r"^1 r +2 +61 ", said.stdout, re.MULTILINE)
    assert desk.visible_in("ResultDeadLetters") == sorted(messages)
    assert desk.all_in("ResultRetryQueue") == []
    assert not [operation for operation, _ in desk.calls if operation.startswith(("Send", "Delete"))]


def test_without_a_terminal_and_a_choice_it_only_lists_and_says_how_to_choose(desk: Owed) -> None:
    desk.dead(letter())

    listed = desk.redrive(stdin="all\n")

    assert listed.exit_code == 0
    assert "Nothing was sent back: name references, or say --all\n" in listed.stdout
    assert desk.visible_in("ResultDeadLetters") == [letter()]
    assert desk.all_in("ResultRetryQueue") == []


# --- Asking -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "sent"),
    [
        (["1"], ["a"]),
        (["2 3"], ["b", "c"]),
        ([" 3,1 "], ["a", "c"]),
        (["all"], ["a", "b", "c"]),
        ([""], []),
        ([], []),  # the input ended
        (["4", "0", "-1", "1 x", "all 1", "\u0661", "9" * 5000, "2"], ["b"]),
    ],
    ids=["one", "several", "commas", "all", "nothing", "end", "at last"],
)
def test_a_person_at_a_terminal_chooses_by_number(
    desk: Owed, monkeypatch: pytest.MonkeyPatch, answers: list[str], sent: list[str]
) -> None:
    messages = {
        reference: letter(request={"reference": reference}, first_received_at=f"2026-01-0{day}T00:00:00+00:00")
        for day, reference in enumerate(["a", "b", "c"], 1)
    }
    desk.dead(*messages.values(), letter("jackpot", first_received_at="2025-01-01T00:00:00+00:00"))
    asked = at_a_terminal(monkeypatch, *answers)

    assert desk.redrive().exit_code == 0

    assert set(asked) == {"Send back which? Numbers from 1 to 3, all, or nothing: "}
    assert len(asked) == max(1, len(answers))
    assert desk.visible_in("ResultRetryQueue") == sorted(messages[reference] for reference in sent)
    assert len(desk.visible_in("ResultDeadLetters")) == 4 - len(sent)


def test_a_person_is_not_asked_where_there_is_nothing_to_choose(desk: Owed, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.dead("hello")
    asked = at_a_terminal(monkeypatch, "all")

    desk.redrive()

    assert asked == []


def test_a_dry_run_can_be_chosen_for_by_number_too(desk: Owed, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.dead(letter(), letter(request={"reference": "r"}))
    at_a_terminal(monkeypatch, "1")

    assert "A dry run: 1 would be sent back" in desk.redrive("--dry-run").stdout

    assert desk.all_in("ResultRetryQueue") == []
    assert len(desk.visible_in("ResultDeadLetters")) == 2


def test_nothing_is_kept_from_others_while_a_person_thinks(desk: Owed, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.dead(letter(), letter(request={"reference": "r"}))
    at_a_terminal(monkeypatch, lambda: str(len(desk.visible_in("ResultDeadLetters"))))

    desk.redrive()

    assert len(desk.all_in("ResultRetryQueue")) == 1, "both were there to be seen, so number 2 was chosen"


CHOOSING = [
    (["redrive", "result"], "all", "nothing was sent back"),
    (["discard", "result", "--all", "--reason", "x"], "yes", "nothing was discarded"),
]


@pytest.mark.parametrize(("command", "answer", "undone"), CHOOSING, ids=["redrive", "discard"])
def test_a_choice_that_somebody_else_was_quicker_with_changes_nothing(
    desk: Owed, folder: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], answer: str, undone: str
) -> None:
    desk.dead(letter(), letter(request={"reference": "r"}))

    def too_late() -> str:
        desk.sqs.receive_message(QueueUrl=desk.url("ResultDeadLetters"), MaxNumberOfMessages=1)
        return answer

    at_a_terminal(monkeypatch, too_late)

    done = desk.parked(*command)

    assert done.exit_code == 2
    assert done.stderr == f"walletctl: 1 of these dead letters are not there any more: {undone}\n"
    assert desk.all_in("ResultRetryQueue") == list(folder.iterdir()) == []
    assert (len(desk.visible_in("ResultDeadLetters")), len(desk.all_in("ResultDeadLetters"))) == (1, 2)


@pytest.mark.parametrize(("command", "answer", "undone"), CHOOSING, ids=["redrive", "discard"])
def test_a_person_who_leaves_instead_of_answering_changes_nothing(
    desk: Owed, folder: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], answer: str, undone: str
) -> None:
    desk.dead(letter())

    def leaves() -> str:
        signal.raise_signal(signal.SIGINT)
        return answer

    at_a_terminal(monkeypatch, leaves)

    left = desk.parked(*command)

    assert (left.exit_code, left.stderr) == (130, f"walletctl: interrupted: {undone}\n")
    assert desk.visible_in("ResultDeadLetters") == [letter()]
    assert list(folder.iterdir()) == []


# --- Nothing is lost --------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [DENIED, UNREACHABLE], ids=["refused", "unreachable"])
def test_a_send_that_fails_loses_nothing(desk: Owed, error: Exception) -> None:
    messages = [letter(request={"reference": str(number)}) for number in range(12)]
    desk.dead(*messages)
    desk.fail("SendMessageBatch", error)

    sent = desk.redrive("--all")

    assert sent.exit_code == 2
    assert sent.stderr.startswith("walletctl: the retry queue did not take a dead letter: ")
    assert sent.stderr.endswith("; 0 of 12 were sent back, 12 remain dead letters\n")
    assert desk.visible_in("ResultDeadLetters") == sorted(messages)
    assert desk.asked("DeleteMessageBatch") == []


def test_a_send_that_fails_amid_others_stops_there_and_says_how_far_it_got(desk: Owed) -> None:
    messages = [letter(request={"reference": str(number)}) for number in range(25)]
    desk.dead(*messages)
    desk.fail("SendMessageBatch", UNREACHABLE, after=1)

    sent = desk.redrive("--all")

    assert sent.exit_code == 2
    assert sent.stderr.count("\n") == 1
    assert "; 10 of 25 were sent back, 15 remain dead letters" in sent.stderr
    assert len(desk.visible_in("ResultDeadLetters")) == 15
    assert sorted(desk.visible_in("ResultRetryQueue") + desk.visible_in("ResultDeadLetters")) == sorted(messages)


def test_what_the_retry_queue_did_not_take_of_a_batch_stays(desk: Owed) -> None:
    messages = [letter(request={"reference": reference}) for reference in "abc"]
    desk.dead(*messages)

    def without_the_second(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        if operation != "SendMessageBatch":
            return call()
        (second,) = parameters["Entries"][1:2]
        parameters["Entries"] = [entry for entry in parameters["Entries"] if entry is not second]
        refused = {"Id": second["Id"], "SenderFault": False, "Code": "InternalError", "Message": "try\x1bagain"}
        return call() | {"Failed": [refused]}

    desk.watch(without_the_second)

    sent = desk.redrive("--all")

    assert sent.exit_code == 2
    assert "did not take a dead letter: InternalError try\\x1bagain; 2 of 3 were sent back, 1 remain" in sent.stderr
    (stays,) = desk.visible_in("ResultDeadLetters")
    assert sorted([stays, *desk.visible_in("ResultRetryQueue")]) == messages


@pytest.mark.parametrize("error", [DENIED, UNREACHABLE, MemoryError()], ids=["refused", "unreachable", "a defect"])
def test_what_is_broken_off_between_sending_and_deleting_is_there_twice_and_paid_once(
    desk: Owed, error: Exception
) -> None:
    desk.dead(letter())
    desk.fail("DeleteMessageBatch", error)

    with suppress(MemoryError):
        assert desk.redrive("--all").exit_code == 2

    assert desk.visible_in("ResultDeadLetters") == [letter()]
    assert desk.visible_in("ResultRetryQueue") == [letter()]

    desk.run_function()
    (transaction,) = desk.operator.transactions()
    assert desk.operator.wallet()["cash"] == transaction["cashAfter"] == Decimal("99899.99")
    desk._monkeypatch.undo()  # SQS deletes again
    with unchanged(desk.operator):
        desk.run_function()


def test_what_cannot_be_deleted_is_said_to_stay_as_a_harmless_duplicate(desk: Owed) -> None:
    desk.dead(letter(), letter(request={"reference": "r"}))

    def expired(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        if operation == "DeleteMessageBatch":
            parameters["Entries"][0]["ReceiptHandle"] = "expired"
        return call()

    desk.watch(expired)

    sent = desk.redrive("--all")

    assert sent.exit_code == 0
    assert sent.stdout == (
        "result: 2 of 2 were sent back; 1 of them could not be deleted: "
        "it stays as a duplicate, harmless: it will be a replay\n"
    )
    assert len(desk.visible_in("ResultDeadLetters")) == 1
    assert len(desk.visible_in("ResultRetryQueue")) == 2


def test_a_call_carries_no_more_than_ten_letters_and_256_kib(desk: Owed) -> None:
    # Of two bytes a character, which are counted as such.
    messages = [letter(reference=str(number), reason="é" * 60_000).replace("\\u00e9", "é") for number in range(5)]
    small = [letter(reference=f"small {number}") for number in range(12)]
    desk.dead(*messages, *small)
    desk.watch()

    assert "17 of 17 were sent back" in desk.redrive("--all").stdout

    batches = [[entry["MessageBody"] for entry in call["Entries"]] for call in desk.asked("SendMessageBatch")]
    assert max(len(batch) for batch in batches) == 10
    assert max(sum(len(body.encode()) for body in batch) for batch in batches) <= 256 * 1024
    assert len(batches) < 8, "calls are shared"
    assert desk.visible_in("ResultRetryQueue") == sorted(messages + small)


# --- Interrupted ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        (signal.SIGINT, ["--all"]),
        (signal.SIGTERM, ["--all"]),
        (signal.SIGHUP, ["--all"]),
        (signal.SIGINT, []),
        (signal.SIGINT, ["--all", "--dry-run"]),
    ],
)
def test_interrupted_amid_a_receive_everything_can_be_read_again_at_once(
    desk: Owed, number: signal.Signals, arguments: list[str]
) -> None:
    messages = [letter(request={"reference": str(number)}) for number in range(25)]
    desk.dead(*messages)

    def interrupted(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        if operation == "ReceiveMessage" and len(desk.asked(operation)) == 2:
            signal.raise_signal(number)  # while the answer, with ten letters, is on its way
        return call()

    desk.watch(interrupted)
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    left = desk.redrive(*arguments)

    assert (left.exit_code, left.stdout) == (128 + number, "")
    assert left.stderr == "walletctl: interrupted: nothing was sent back\n"
    assert len(desk.asked("ReceiveMessage")) == 2
    assert desk.visible_in("ResultDeadLetters") == sorted(messages)
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers


def test_interrupted_while_it_sends_a_batch_is_finished_and_no_other_begun(desk: Owed) -> None:
    messages = [letter(request={"reference": str(number)}) for number in range(25)]
    desk.dead(*messages)

    def interrupted(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        if operation == "SendMessageBatch":
            signal.raise_signal(signal.SIGINT)
        return call()

    desk.watch(interrupted)

    left = desk.redrive("--all")

    assert (left.exit_code, left.stderr) == (
        130,
        "walletctl: interrupted: 10 of 25 were sent back, 15 remain dead letters\n",
    )
    assert len(desk.visible_in("ResultRetryQueue")) == 10
    assert sorted(desk.visible_in("ResultRetryQueue") + desk.visible_in("ResultDeadLetters")) == sorted(messages)


def test_an_impatient_second_interruption_does_not_break_off_the_putting_back(desk: Owed) -> None:
    messages = [letter(request={"reference": str(number)}) for number in range(25)]
    desk.dead(*messages)

    def interrupted(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        if operation in ("ReceiveMessage", "ChangeMessageVisibilityBatch"):
            signal.raise_signal(signal.SIGINT)
        return call()

    desk.watch(interrupted)

    assert desk.redrive("--all").exit_code == 130

    assert desk.visible_in("ResultDeadLetters") == sorted(messages)


def test_a_defect_of_ours_puts_everything_back(desk: Owed, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.dead(letter(), letter())
    monkeypatch.setattr(choosing, "grouped", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        desk.redrive("--all")

    assert desk.visible_in("ResultDeadLetters") == [letter(), letter()]


def test_what_cannot_be_put_back_is_said_to_come_back_by_itself(desk: Owed) -> None:
    desk.dead(letter(), letter())
    desk.fail("ChangeMessageVisibilityBatch", UNREACHABLE)

    listed = desk.redrive()

    assert listed.stderr == "walletctl: 2 could not be put back, and come back within 300 s\n"
    hidden = [
        message.visible_at / 1000 - datetime.now(UTC).timestamp() for message in _backend("ResultDeadLetters")._messages
    ]
    assert all(0 < seconds <= 300 for seconds in hidden)


def test_a_letter_that_cannot_be_put_back_with_the_others_is_told_of(desk: Owed) -> None:
    desk.dead(letter(), letter())

    def expired(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        if operation == "ChangeMessageVisibilityBatch":
            parameters["Entries"][0]["ReceiptHandle"] = "expired"
        return call()

    desk.watch(expired)

    listed = desk.redrive()

    assert listed.stderr == "walletctl: 1 could not be put back, and come back within 300 s\n"
    assert desk.visible_in("ResultDeadLetters") == [letter()]


# --- What became of them ----------------------------------------------------------------------------


def test_a_conflict_that_a_person_has_mended_is_credited(desk: Owed) -> None:
    operator = desk.operator
    desk.send("result", published("result"))
    desk.send("result", published("result", amount="777"))  # which was right; the first was not
    desk.redrive("--all")
    desk.run_function()
    assert [json.loads(message)["code"] for message in desk.visible_in("ResultDeadLetters")] == [61], "not mended yet"
    (wrong,) = operator.transactions()
    operator.database.Table("Transactions").delete_item(Key={"id": wrong["id"]})
    operator.open_wallet()

    desk.redrive(published("result")["reference"])
    desk.run_function()

    (transaction,) = operator.transactions()
    assert transaction["amount"] == 777
    assert operator.wallet()["cash"] == Decimal("100666.99")
    assert desk.all_in("ResultDeadLetters") == []


@pytest.mark.parametrize("callback", CALLBACKS)
def test_a_win_that_was_left_for_want_of_a_player_is_credited_once_there_is_one(desk: Owed, callback: str) -> None:
    desk.dead(letter(callback, code=62, request={"userId": "new"}), callback=callback)
    desk.operator.open_wallet("new", cash="0", bonus="0")

    desk.redrive("--all", callback=callback)
    desk.run_function(callback)

    (transaction,) = desk.operator.transactions()
    assert transaction["userId"] == "new"
    assert desk.operator.wallet("new")["cash"] == transaction["cashAfter"]


# --- All of them, and one ----------------------------------------------------------------------------


def test_every_callback_that_keeps_is_listed_with_what_waits_for_another_try(desk: Owed) -> None:
    for callback in CALLBACKS:
        desk.dead(letter(callback), callback=callback)
    desk.dead(letter("promo", request={"reference": "second"}), callback="promo")
    desk.sqs.send_message(QueueUrl=desk.url("BonusRetryQueue"), MessageBody=letter("bonus"))
    desk.sqs.send_message(QueueUrl=desk.url("BonusRetryQueue"), MessageBody=letter("bonus"), DelaySeconds=60)

    listed = desk.parked("list")

    counts = [" ".join(line.split()) for line in listed.stdout.splitlines()]
    assert [line for line in counts if re.fullmatch("[a-z]+( [0-9]+){3}", line)] == [
        "result 0 1 1",
        "jackpot 0 1 1",
        "bonus 2 1 1",
        "promo 0 2 2",
        "cancel 0 0 0",
    ]
    assert {f"{callback}:" for callback in CALLBACKS} <= set(counts)
    piles = json.loads(desk.parked("list", "--json").stdout)
    assert [(pile["callback"], len(pile["deadLetters"])) for pile in piles] == [
        ("result", 1), ("jackpot", 1), ("bonus", 1), ("promo", 2), ("cancel", 0),
    ]  # fmt: skip
    assert piles[2]["waiting"] == {"due": 1, "new": 1, "betweenTries": 0}
    assert len(desk.visible_in("PromoDeadLetters")) == 2, "nothing is held"


def test_what_waits_for_another_try_is_counted_and_never_received(desk: Owed) -> None:
    desk.sqs.send_message(QueueUrl=desk.url("ResultRetryQueue"), MessageBody=letter())
    desk.watch()

    listed = desk.parked("list")

    assert "No dead letters. What waits is retried automatically" in listed.stdout
    assert desk.url("ResultRetryQueue") not in {each["QueueUrl"] for each in desk.asked("ReceiveMessage")}


def test_nothing_parked_is_said(desk: Owed) -> None:
    assert desk.parked("list").stdout.splitlines()[-1] == "Nothing is parked"
    assert desk.parked("list", "--csv").stdout.count("\n") == 1


def test_letters_are_rows_of_csv_that_no_spreadsheet_computes_with(desk: Owed) -> None:
    desk.dead(letter(reference="=HYPERLINK(1)", request={"userId": "+1", "amount": 12.50}), "hello")

    ours, foreign = csv.DictReader(desk.parked("list", "result", "--csv").stdout.splitlines())

    assert (ours["callback"], ours["reference"], ours["userId"], ours["amount"]) == (
        "result", "'=HYPERLINK(1)", "'+1", "12.5",
    )  # fmt: skip
    assert (foreign["body"], foreign["request"]) == ("hello", "")
    assert foreign["refused"].startswith("it is not a parked request")


def test_a_results_prize_is_shown_with_its_amount(desk: Owed) -> None:
    desk.dead(letter(request={"reference": "r", "amount": "1", "promoWinReference": "p", "promoWinAmount": "25.0"}))

    told = " ".join(desk.parked("show", "r").stdout.split())
    (listed,) = desk.listed()

    assert "promoWinReference p promoWinAmount 25.0" in told
    assert (listed["amount"], listed["promoWinReference"], listed["promoWinAmount"]) == ("1", "p", "25.0")


def test_one_letter_is_shown_with_its_request_and_what_to_do(desk: Owed) -> None:
    request = {"reference": "r", "userId": "999", "gameName": "\x1b[2J"}
    (message_id,) = desk.dead(letter(request=request, code=62, reason="No such player: 999"))

    for name in ("r", message_id):
        shown = desk.parked("show", name)
        told = " ".join(shown.stdout.split())
        assert "error 62 why No such player: 999" in told
        assert f"To open one: walletctl players add 999 --port {PORT} --currency USD " in told
        assert f"Then send it back: walletctl parked redrive result r --port {PORT}" in told
        assert "\\\\u001b[2J" in told
        assert_harmless(shown.stdout)
    (row,) = json.loads(desk.parked("show", "r", "--json").stdout)
    assert json.loads(row["request"])["gameName"] == "\x1b[2J"
    assert len(desk.visible_in("ResultDeadLetters")) == 1


def test_a_letter_that_is_not_there_is_told_where_else_to_look(desk: Owed) -> None:
    desk.sqs.send_message(QueueUrl=desk.url("PromoRetryQueue"), MessageBody=letter("promo"))

    said = refusal(desk.parked("show", "r"))

    assert said.startswith("r is not among the dead letters; it may be one of 1 that wait for another try")
    assert "To look everywhere: walletctl find r" in said


def test_interrupted_while_all_are_read_everything_can_be_read_again_at_once(desk: Owed) -> None:
    for callback in CALLBACKS:
        desk.dead(*(letter(callback, request={"reference": str(number)}) for number in range(12)), callback=callback)
    interrupted = threading.Event()

    def stop(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        answer = call()
        if operation == "ReceiveMessage" and not interrupted.is_set():
            interrupted.set()
            os.kill(os.getpid(), signal.SIGINT)
        return answer

    desk.watch(stop)

    left = desk.parked("list")

    assert (left.exit_code, left.stderr) == (130, "walletctl: interrupted: nothing was changed\n")
    assert [len(desk.visible_in(f"{callback.title()}DeadLetters")) for callback in CALLBACKS] == [12] * 4


# --- Discarding -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is called from."""
    made = tmp_path / "called from"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


def kept_in(folder: Path) -> dict[str, Any]:
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600, "a request names a player"
    return json.loads(file.read_text())


def test_what_is_discarded_stands_in_a_file_byte_for_byte_with_the_reason(desk: Owed, folder: Path) -> None:
    odd = re.sub(r'"code": 61', '"code" :61 ', letter(request={"reference": "b"}))
    chosen = desk.dead(odd, odd)
    desk.dead(letter(request={"reference": "a"}))

    done = desk.parked("discard", "result", "b", "--reason", "booked by hand", "--yes")

    kept = kept_in(folder)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("result: 2 dead letters discarded, kept in discarded-result-20")
    assert sorted((each["messageId"], each["body"]) for each in kept["letters"]) == sorted((id, odd) for id in chosen)
    assert (kept["callback"], kept["reason"]) == ("result", "booked by hand")
    assert kept["from"] == f"the local service on port {PORT}"
    assert kept["discardedBy"]
    assert datetime.fromisoformat(kept["discardedAt"]).tzinfo
    assert (
        desk.all_in("ResultDeadLetters") == desk.visible_in("ResultDeadLetters") == [letter(request={"reference": "a"})]
    )


def test_the_file_is_on_disk_before_the_first_letter_is_deleted(
    desk: Owed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.dead(letter())
    happened: list[str] = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (happened.append("fsync"), fsync(descriptor)))

    def look(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        if operation == "DeleteMessageBatch":
            happened.append(f"delete, {len(kept_in(folder)['letters'])} kept")
        return call()

    desk.watch(look)
    desk.parked("discard", "result", "--all", "--reason", "x", "--yes")

    assert happened == ["fsync", "fsync", "delete, 1 kept"], "the file, then its name in the folder"


@pytest.mark.parametrize("error", [DENIED, UNREACHABLE], ids=["refused", "unreachable"])
def test_what_cannot_be_deleted_stays_and_is_told(desk: Owed, folder: Path, error: Exception) -> None:
    messages = [letter(request={"reference": str(number)}) for number in range(12)]
    desk.dead(*messages)
    desk.fail("DeleteMessageBatch", error, after=1)

    left = desk.parked("discard", "result", "--all", "--reason", "x", "--yes")

    assert left.exit_code == 2
    assert "10 of 12 were discarded, the others remain dead letters" in left.stderr
    assert "; discarded-result-" in left.stderr
    assert len(desk.visible_in("ResultDeadLetters")) == 2
    assert len(kept_in(folder)["letters"]) == 12


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["r", "--yes"], "say why nobody is owed it: --reason"),
        (["r", "--reason", " ", "--yes"], "say why nobody is owed it"),
        (["--reason", "x", "--yes"], "name what to discard: references, --error, or --all"),
        (["--all", "--error", "61", "--reason", "x", "--yes"], "--all and --error are two choices"),
        (["r", "--except", "r", "--reason", "x", "--yes"], "--except leaves out some of --all or of --error"),
        (["--error", "61", "--except", "s", "--reason", "x", "--yes"], "s is not among the dead letters"),
        (["r", "--all", "--reason", "x", "--yes"], "references and --all are two choices"),
        (["r", "--reason", "x"], "this is not a terminal: say --yes to be asked nothing"),
        (["another", "--reason", "x", "--yes"], "another is not among the dead letters: nothing was discarded"),
        (["r", "--reason", "x", "--yes", "--file", "there.json"], "there.json is there already: name another --file"),
        (["r", "--reason", "x", "--yes", "--file", "no/where.json"], "(No such file or directory): nothing was"),
    ],
)
def test_a_discarding_that_is_refused_discards_nothing(
    desk: Owed, folder: Path, arguments: list[str], said: str
) -> None:
    (folder / "there.json").write_text("mine")
    desk.dead(letter(request={"reference": "r"}))

    assert said in refusal(desk.parked("discard", "result", *arguments))

    assert desk.visible_in("ResultDeadLetters") == [letter(request={"reference": "r"})]
    assert [file.name for file in folder.iterdir()] == ["there.json"]
    assert (folder / "there.json").read_text() == "mine"


def test_all_of_one_cause_but_some_are_discarded_or_sent_back(
    desk: Owed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conflicts = [letter(code=61, request={"reference": each, "amount": "2.5", "currency": "USD"}) for each in "abc"]
    late, odd = letter(code=998, request={"reference": "late"}), "hello"
    desk.dead(*conflicts, late, odd)
    at_a_terminal(monkeypatch, "yes")

    listed = desk.parked("list", "result").stdout
    none = desk.parked("discard", "result", "--error", "52", "--reason", "x", "--yes").stdout
    done = desk.parked("discard", "result", "--error", "61", "--except", "b", "--reason", "x").stdout
    sent = desk.redrive("--error", "998").stdout

    assert "They ask for 5 USD" in done
    assert len(kept_in(folder)["letters"]) == 2
    assert none == "result has no dead letters of error 52 to discard\n"
    assert sent == "result: 1 of 1 were sent back\n"
    assert desk.all_in("ResultRetryQueue") == [late]
    assert sorted(desk.all_in("ResultDeadLetters")) == sorted([conflicts[1], odd])
    causes = listed[listed.index("result, error") :]
    assert causes.startswith(
        "result, error 61: 3 references, 7.5 USD\n"
        f"  Compare each with what is on record: walletctl find a --port {PORT}\n"
        "  Then discard what nobody is owed, all of this cause: walletctl parked discard result --error 61 "
        f"--port {PORT} --reason '…'\n"
    )
    assert f"Once the cause is gone, try again: walletctl parked redrive result --error 998 --port {PORT}" in causes


def test_what_cannot_be_sent_back_can_be_discarded(desk: Owed, folder: Path) -> None:
    (message_id,) = desk.dead("hello")
    desk.dead(letter("jackpot", request={"reference": "j"}))

    assert desk.parked("discard", "result", message_id, "j", "--reason", "nobody's", "--yes").exit_code == 0

    assert desk.all_in("ResultDeadLetters") == []
    assert len(kept_in(folder)["letters"]) == 2


@pytest.mark.parametrize(
    ("answers", "discarded"),
    [(["yes"], True), (["YES "], True), (["y", "maybe", "yes"], True), (["no"], False), ([""], False), ([], False)],
)
def test_a_person_is_asked_before_anything_is_discarded(
    desk: Owed, folder: Path, monkeypatch: pytest.MonkeyPatch, answers: list[str], discarded: bool
) -> None:
    desk.dead(letter())
    asked = at_a_terminal(monkeypatch, *answers)

    done = desk.parked("discard", "result", "--all", "--reason", "x")

    assert done.exit_code == 0
    assert set(asked) == {"Discard this dead letter for good? yes or no: "}
    assert (desk.all_in("ResultDeadLetters") == []) is discarded
    assert bool(list(folder.iterdir())) is discarded
    assert discarded or "Nothing was discarded" in done.stdout


# --- Settling ---------------------------------------------------------------------------------------


@pytest.fixture
def functions(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> Functions:
    monkeypatch.setattr(report.logger, "service", "result")
    return functions


def without_game(callback: str = "result", **changes: Any) -> dict[str, Any]:
    """A request that is refused with 64, and that a person can settle."""
    return {name: value for name, value in published(callback, **changes).items() if name != "gameId"}


def transaction(desk: Owed, id: str) -> dict[str, Any]:
    (item,) = (item for item in desk.operator.transactions() if item["id"] == id)
    return item


def settle(desk: Owed, *arguments: str, reason: str = "ticket 1234") -> Result:
    return desk.parked("settle", *arguments, "--reason", reason, "--yes")


def test_a_dead_letter_is_settled_under_its_own_id_with_who_and_why_and_then_deleted(
    desk: Owed, functions: Functions
) -> None:
    sent = without_game(reference="r", amount="10.50")
    desk.send("result", sent)
    desk.send("result", sent)

    done = settle(desk, "r")

    said = " ".join(done.stdout.split())
    assert done.exit_code == 0, done.output
    assert "The wallet of 421: 99889.99 USD, bonus 99.99 Settling it pays 10.5 USD as result#r" in said
    assert "leaves out what cannot be read (Mandatory field is absent or empty: gameId)" in said
    assert "Settled. The wallet is now at 99900.49 USD, bonus 99.99" in said
    paid = transaction(desk, "result#r")
    assert (paid["actor"], paid["reason"], paid["amount"]) == (getpass.getuser(), "ticket 1234", Decimal("10.5"))
    assert [target for target, _ in functions.orders] == [{"FunctionName": "ResultFunction"}] * 2
    assert desk.all_in("ResultDeadLetters") == []
    with unchanged(desk.operator):
        assert desk.send("result", sent).json["error"] == 0
    assert desk.all_in("ResultDeadLetters") == []


@pytest.mark.usefixtures("functions")
def test_what_settling_would_do_is_shown_without_doing_it(desk: Owed) -> None:
    desk.send("result", without_game(reference="r", amount="10"))

    for arguments in ([], ["--reason", "x"], ["result"], ["--booked-elsewhere"]):
        with unchanged(desk.operator):
            shown = desk.parked("settle", "r", *arguments)
        assert shown.exit_code == 0
        does = (
            "records result#r as booked elsewhere, and pays nothing" if "--booked" in str(arguments) else "pays 10 USD"
        )
        assert f"Settling it {does}" in shown.stdout
        assert "Nothing was settled: say why with --reason, and --yes" in shown.stdout
        assert_harmless(shown.stdout)

    assert len(desk.visible_in("ResultDeadLetters")) == 1


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("answers", "settled"), [(["yes"], True), (["maybe", "YES "], True), (["no"], False), ([""], False), ([], False)]
)
def test_a_person_is_asked_before_anything_is_settled(
    desk: Owed, monkeypatch: pytest.MonkeyPatch, answers: list[str], settled: bool
) -> None:
    desk.send("result", without_game(reference="r"))
    asked = at_a_terminal(monkeypatch, *answers)

    done = desk.parked("settle", "r", "--reason", "x")

    assert done.exit_code == 0
    assert set(asked) == {"Settle it? yes or no: "}
    assert bool(desk.operator.transactions()) is settled
    assert (desk.all_in("ResultDeadLetters") == []) is settled
    assert settled or "Nothing was settled" in done.stdout


@pytest.mark.usefixtures("functions")
def test_a_win_that_was_paid_by_other_means_is_recorded_so(desk: Owed) -> None:
    sent = published("result", reference="r", currency="EUR")
    desk.send("result", sent)

    assert settle(desk, "r", "--booked-elsewhere").exit_code == 0

    assert transaction(desk, "result#r")["outcome"] == "booked elsewhere"
    assert desk.all_in("ResultDeadLetters") == []
    with unchanged(desk.operator):
        assert desk.send("result", sent).json["error"] == 0


@pytest.mark.usefixtures("functions")
def test_a_prize_is_settled_alone_and_never_its_win_twice(desk: Owed) -> None:
    desk.send("result", published("result", reference="r", promoWinReference="p-1", promoWinAmount="5"))
    desk.send("result", published("result", reference="r", promoWinReference="p-2", promoWinAmount="6"))

    assert "Settling it pays 6 USD as promo#p-2" in settle(desk, "r").stdout

    assert len(desk.operator.transactions()) == 3
    assert desk.all_in("ResultDeadLetters") == []


@pytest.mark.usefixtures("functions")
def test_a_prize_that_stays_with_a_person_is_said_and_kept(desk: Owed) -> None:
    desk.send("result", without_game(reference="r", amount="1", promoWinAmount="6"))

    done = settle(desk, "r")

    assert "does not pay the prize (Mandatory field is absent or empty: promoWinReference)" in done.stdout
    (kept,) = desk.all_in("ResultDeadLetters")
    assert json.loads(kept)["prize_only"]


WITHOUT_A_WAY: dict[str, tuple[dict[str, Any], str, list[str], str]] = {
    "its amount": ({"amount": "1,5"}, "error 59", ["adjust 421 AMOUNT", "discard result"], "'result#r'"),
    "its reference": ({"reference": ["r"]}, "error 57", ["adjust 421 10", "discard result"], """'result#["r"]'"""),
    "its player": ({"userId": None}, "error 64", ["adjust PLAYER 10", "discard result"], "'result#r'"),
    "its currency": ({"currency": "EUR"}, "error 52", ["adjust 421 AMOUNT", "--booked-elsewhere"], "'result#r'"),
    "another win": ({"reference": "known"}, "error 61", ["adjust 421 10", "discard result known"], "'result#known'"),
}


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(("changes", "refused", "instead", "reference"), WITHOUT_A_WAY.values(), ids=WITHOUT_A_WAY)
def test_what_cannot_be_settled_is_shown_with_what_to_do_instead_and_stays(
    desk: Owed, changes: dict[str, Any], refused: str, instead: list[str], reference: str
) -> None:
    desk.send("result", published("result", reference="known", amount="7"))
    desk.send("result", published("result", reference="r", amount="10") | changes)
    (message_id,) = [each["messageId"] for each in desk.listed()]

    with unchanged(desk.operator):
        done = settle(desk, message_id)

    assert done.exit_code == 1
    assert f"It cannot be settled: {refused}" in done.stdout
    for line in instead:
        assert re.search(f"walletctl .*{re.escape(line)}", done.stdout), done.stdout
    adjusting = next(line for line in done.stdout.splitlines() if "walletctl adjust" in line)
    assert f"--reference {reference} --reason '…'" in adjusting
    is_invalid = refused in ("error 57", "error 59", "error 64")  # what is not valid may come corrected
    assert ("(if it is corrected and comes after that, it is paid as well)" in adjusting) == is_invalid
    assert len(desk.visible_in("ResultDeadLetters")) == 1


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("changes", "instead"),
    [({}, "parked settle --booked-elsewhere r result"), ({"bonusCode": "gift"}, "parked discard result r")],
    ids=["a win", "a free round"],
)
def test_what_no_wallet_can_hold_is_paid_by_other_means(desk: Owed, changes: dict[str, str], instead: str) -> None:
    desk.operator.open_wallet("rich", cash="12345678901234567890123456789012", bonus="0")
    win = published("result", reference="r", userId="rich", amount="0.000000000000000001") | changes
    desk.dead(letter(request=win, code=998))

    done = settle(desk, "r")

    assert done.exit_code == 1
    assert "No wallet can hold it: pay it by other means" in done.stdout
    assert re.search(f"walletctl .*{instead}", done.stdout), done.stdout
    assert "walletctl adjust" not in done.stdout
    assert desk.operator.transactions() == []


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"currency": None}, "takes the wallet's currency, because the request's cannot be read"),
        ({"Currency": "EUR"}, "takes the wallet's currency, because the request's cannot be read"),
        ({"bonusCode": {"no": "text"}}, "counts it under no bonus code, because that cannot be read"),
    ],
    ids=str,
)
def test_what_settling_cannot_know_is_said_beforehand(desk: Owed, changes: dict[str, Any], said: str) -> None:
    desk.send("result", published("result", reference="r", amount="10") | changes)

    shown = desk.parked("settle", "r")

    assert "Settling it pays 10 USD as result#r" in shown.stdout
    assert f"Settling it {said}" in shown.stdout
    assert "cannot be read" not in desk.parked("settle", "r", "--booked-elsewhere").stdout


@pytest.mark.usefixtures("functions")
def test_a_prize_that_cannot_be_settled_is_adjusted_apart_from_its_win(desk: Owed) -> None:
    desk.send("result", published("result", reference="r", amount="10", promoWinAmount="6"))

    alone = settle(desk, "r").stdout

    assert "It cannot be settled: error 64" in alone
    (line,) = [line for line in alone.splitlines() if "walletctl adjust" in line]
    assert f"walletctl adjust 421 6 --port {PORT} --reference 'promo of result#r' --reason" in line


@pytest.mark.usefixtures("functions")
def test_a_win_that_cannot_be_settled_with_its_prize_is_adjusted_in_two_lines(desk: Owed) -> None:
    sent = published("result", reference=["r"], amount="10", promoWinAmount="6", promoWinReference="p")
    desk.send("result", sent)
    (message_id,) = [each["messageId"] for each in desk.listed()]

    lines = [line for line in settle(desk, message_id).stdout.splitlines() if "walletctl adjust" in line]

    assert [re.findall("adjust 421 ([0-9]+)", line) for line in lines] == [["10"], ["6"]]


def adjusting(said: str, amount: str = "1.5") -> list[list[str]]:
    """The advised adjustments as a person runs them: their arguments, with an amount and a reason."""
    lines = [line[line.index("walletctl adjust") :] for line in said.splitlines() if "walletctl adjust" in line]
    placed = {"AMOUNT": amount, "PLAYER": "421", "…": "ticket 7"}
    return [[*(placed.get(word, word) for word in shlex.split(line)[1:]), "--yes"] for line in lines]


UNPAYABLE: dict[str, dict[str, Any]] = {
    "its amount is not valid": {"reference": "bad59", "amount": "1,5"},
    "its reference is too long": {"reference": "x" * 129, "amount": "1,5"},
    "its reference just fits": {"reference": "x" * 128, "amount": "1,5"},
    "its reference is no text": {"reference": ["r", "\u0007"]},
    "its reference has half a character": {"reference": "r\ud800"},
    "it has no reference": {"reference": None},
    "it has a prize": {"reference": ["r"], "promoWinAmount": "6", "promoWinReference": "p"},
    "its prize has no reference": {"reference": ["r"], "promoWinAmount": "6"},
    "it is a free round in another currency": {"reference": "f", "currency": "EUR", "bonusCode": "SPINS"},
}


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("sent", UNPAYABLE.values(), ids=UNPAYABLE)
def test_a_win_that_comes_again_is_not_adjusted_a_second_time_along_the_advice(
    desk: Owed, sent: dict[str, Any], tmp_path: Path
) -> None:
    body = published("result", amount="10") | sent
    desk.send("result", body)
    (first,) = [each["messageId"] for each in desk.listed()]
    lines = adjusting(settle(desk, first).stdout)
    assert len(lines) == 1 + ("promoWinAmount" in sent)
    for line in lines:
        assert desk(*line).exit_code == 0, line
    done = desk.parked("discard", "result", first, "--reason", "x", "--yes", "--file", str(tmp_path / "kept.json"))
    assert done.exit_code == 0

    desk.send("result", body | {"uuid": "another delivery"})
    (second,) = [each["messageId"] for each in desk.listed()]
    assert second != first
    with unchanged(desk.operator):
        told = [desk.parked("show", second).stdout, settle(desk, second).stdout, desk("find", second).stdout]
        again = [desk(*line) for line in lines]

    for said in told:
        assert adjusting(said) == []
        assert re.search(
            rf"It was adjusted by [0-9.]+ USD on \S+ \S+Z by {getpass.getuser()}: ticket 7. Do not pay it again", said
        )
        assert "walletctl parked settle" not in said
        assert "walletctl parked discard" in said
        assert_harmless(said)
    assert all("A replay" in each.stdout for each in again)


@pytest.mark.usefixtures("functions")
def test_what_paid_one_request_by_hand_is_not_taken_for_another_of_its_reference(desk: Owed, tmp_path: Path) -> None:
    for amount in ("10", "50", "60"):
        desk.send("result", published("result", reference="cz", amount=amount))
    ids = {each["amount"]: each["messageId"] for each in desk.listed()}
    assert desk("adjust", "421", "50", "--reference", "result#cz", "--reason", "ticket 7", "--yes").exit_code == 0
    discard = f"walletctl parked discard result {ids['50']}"

    both = desk.parked("show", "cz").stdout
    paid = desk("find", "421", "--amount", "50").stdout
    owed = [desk("find", "421", "--amount", "60").stdout, settle(desk, ids["60"]).stdout]

    assert discard in both
    assert "The win of 50 USD was adjusted by 50 USD" in both
    assert discard in paid
    assert "parked discard result cz" not in paid
    for said in (both, *owed):
        assert "50 USD was paid for another request of this reference" in said
        assert "This win, of 60 USD, was not paid by that" in said
        assert "walletctl parked discard result cz" not in said
        assert "adjust 421 60" in said
    assert all("Do not pay it again" not in said for said in owed)
    (line,) = adjusting(owed[0])
    assert desk(*line).exit_code == 0
    assert "Settled" not in settle(desk, ids["60"]).stdout
    said = desk("find", "421", "--amount", "60", "--kind", "result").stdout
    assert "The win of 60 USD was adjusted by 60 USD" in said
    assert adjusting(said) == []


@pytest.mark.usefixtures("functions")
def test_what_was_adjusted_is_to_be_recorded_as_booked_elsewhere_where_that_is_possible(desk: Owed) -> None:
    desk.send("result", published("result", reference="r", amount="10", currency="EUR"))
    (line,) = adjusting(settle(desk, "r").stdout)
    assert desk(*line).exit_code == 0

    for said in (desk.parked("show", "r").stdout, settle(desk, "r").stdout, desk("find", "r").stdout):
        assert "It was adjusted by 1.5 USD" in said
        assert adjusting(said) == []
        assert f"walletctl parked settle --booked-elsewhere r result --port {PORT}" in said
        assert "redrive" not in said
    foreseen = desk.json("parked", "settle", "r", "--booked-elsewhere")
    assert [each["reference"] for each in foreseen["adjusted"]] == ["result#r"]
    assert settle(desk, "r", "--booked-elsewhere").exit_code == 0
    assert desk.operator.wallet()["cash"] == Decimal("99891.49")


@pytest.mark.usefixtures("functions")
def test_a_win_that_was_adjusted_and_could_be_paid_now_is_said_to_be_paid_twice_then(desk: Owed) -> None:
    desk.send("result", published("result", reference="r", amount="1,5"))
    (line,) = adjusting(settle(desk, "r").stdout)
    assert desk(*line).exit_code == 0
    desk.send("result", without_game(reference="r", amount="1.5"))
    (corrected,) = [each["messageId"] for each in desk.listed() if each["amount"] == "1.5"]

    shown = desk.parked("settle", corrected).stdout

    assert "It was adjusted by 1.5 USD" in shown
    assert "Settling it pays it a second time" in shown


@pytest.mark.usefixtures("functions")
def test_an_adjustment_for_a_win_is_found_by_the_wins_reference(desk: Owed, tmp_path: Path) -> None:
    desk.send("result", published("result", reference="r", amount="1,5"))
    (line,) = adjusting(settle(desk, "r").stdout)
    assert desk(*line).exit_code == 0
    found = desk.json("find", "r")
    assert (found["outcome"], [each["reference"] for each in found["adjusted"]]) == ("dead letter", ["result#r"])

    desk.parked("discard", "result", "r", "--reason", "x", "--yes", "--file", str(tmp_path / "kept.json"))
    for name in ("r", "result#r"):
        assert desk.json("find", name)["outcome"] == "moved"
        assert "Adjusted: 1.5 USD was added to the wallet." in desk("find", name).stdout
    desk.send("result", published("result", reference="r", amount="1.5"))

    for name in ("r", "result#r"):
        found = desk.json("find", name)
        assert (found["outcome"], len(found["transactions"]), len(found["adjusted"])) == ("credited", 1, 1)
        assert "By hand, it was adjusted by 1.5 USD on" in desk("find", name).stdout


@pytest.mark.usefixtures("functions")
def test_an_adjustment_that_was_refused_has_paid_nothing(desk: Owed) -> None:
    desk.send("result", published("result", reference="r", amount="1,5"))
    (line,) = adjusting(settle(desk, "r").stdout, amount="-100000")
    assert desk(*line).exit_code == 1

    assert "adjusted by" not in desk.parked("show", "r").stdout


@pytest.mark.usefixtures("functions")
def test_a_player_without_a_wallet_is_opened_one_first(desk: Owed) -> None:
    desk.dead(letter(request={"userId": "new", "reference": "r"}, code=62))

    done = settle(desk, "r")

    assert done.exit_code == 1, done.output
    assert "Open a wallet for the player: walletctl players add new" in done.stdout
    assert f"Then settle it: walletctl parked settle r result --port {PORT}" in done.stdout


@pytest.mark.usefixtures("functions")
def test_a_free_round_is_not_booked_elsewhere_and_the_way_out_is_said(desk: Owed) -> None:
    desk.send("result", without_game(reference="r", bonusCode="SPINS"))

    done = settle(desk, "r", "--booked-elsewhere")

    assert done.exit_code == 1
    assert "Pay it here, then take the money back by an adjustment" in done.stdout


FREE_ROUNDS = pytest.mark.parametrize(
    ("callback", "changes"),
    [("result", {"bonusCode": "SPINS"}), ("bonus", {"bonusCode": "SPINS"}), ("bonus", {"BonusCode": 7, "uuid": None})],
    ids=str,
)


@pytest.mark.usefixtures("functions")
@FREE_ROUNDS
@pytest.mark.parametrize("arguments", [[], ["--booked-elsewhere"]], ids=["paid here", "booked elsewhere"])
def test_a_free_round_in_another_currency_is_led_to_no_command_that_is_refused(
    desk: Owed, callback: str, changes: dict[str, Any], arguments: list[str]
) -> None:
    desk.dead(
        letter(
            callback, request={"reference": "r", "currency": "EUR", **changes}, code=52, reason="the wallet's is USD"
        ),
        callback=callback,
    )

    with unchanged(desk.operator):
        done = settle(desk, "r", callback, *arguments)
    shown = desk.parked("show", "r")

    assert done.exit_code == 1
    for said in (done.stdout, shown.stdout):
        advised = re.findall(r"walletctl (\S+(?: (?:settle|discard|redrive))?)", said)
        assert advised[:2] == ["adjust", "parked discard"], said
        assert "parked settle" not in advised
        assert "--booked-elsewhere" not in said
        assert "A free round cannot be booked elsewhere" in said
        assert "Its reference stays free" in said
    discard_line = next(line for line in done.stdout.splitlines() if "parked discard" in line)
    words = shlex.split(discard_line[discard_line.index("walletctl parked") :].replace("…", "ticket 9"))[1:]
    assert desk(*words, "--yes", "--file", str(desk.folder / "kept.json")).exit_code == 0
    assert desk.all_in(f"{callback.title()}DeadLetters") == []


@pytest.mark.usefixtures("functions")
@FREE_ROUNDS
def test_a_free_round_without_a_wallet_is_settled_here_once_there_is_one(
    desk: Owed, callback: str, changes: dict[str, Any]
) -> None:
    desk.dead(letter(callback, request={"userId": "new", "reference": "r", **changes}, code=62), callback=callback)

    done = settle(desk, "r", callback, "--booked-elsewhere")

    assert done.exit_code == 1
    assert f"Then settle it: walletctl parked settle r {callback} --port {PORT}\n" in done.stdout
    assert "--booked-elsewhere" not in done.stdout


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("callback", ["jackpot", "promo"])
def test_a_prize_with_a_bonus_code_may_be_booked_elsewhere(desk: Owed, callback: str) -> None:
    desk.dead(
        letter(callback, request={"reference": "r", "currency": "EUR", "bonusCode": "SPINS"}, code=52, reason="USD"),
        callback=callback,
    )

    assert "--booked-elsewhere" in desk.parked("show", "r").stdout
    assert settle(desk, "r", callback, "--booked-elsewhere").exit_code == 0


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(("first", "second"), [([], ["--booked-elsewhere"]), (["--booked-elsewhere"], [])])
def test_what_was_settled_one_way_is_not_settled_the_other(desk: Owed, first: list[str], second: list[str]) -> None:
    sent = without_game(reference="r")
    desk.send("result", sent)
    (copy,) = desk.all_in("ResultDeadLetters")
    assert settle(desk, "r", *first).exit_code == 0
    desk.dead(copy)

    with unchanged(desk.operator):
        done = settle(desk, "r", *second)
        assert done.exit_code == 1
        assert "Somebody has settled it the other way" in done.stdout
        assert "pays nothing: that is on record already" in settle(desk, "r", *first).stdout

    assert desk.all_in("ResultDeadLetters") == []


@pytest.mark.usefixtures("functions")
def test_settling_says_how_it_went_for_a_machine(desk: Owed) -> None:
    desk.send("result", without_game(reference="r", amount="10"))

    foreseen = desk.json("parked", "settle", "r")
    done = json.loads(settle(desk, "r", "--json").stdout)

    assert (foreseen["outcome"], foreseen["answer"]["movements"]) == ("foreseen", [{"id": "result#r", "amount": "10"}])
    assert (done["outcome"], done["callback"], done["reference"], done["copies"]) == ("settled", "result", "r", 1)


@pytest.mark.usefixtures("functions")
def test_a_reference_that_several_callbacks_left_is_settled_for_the_one_that_is_named(desk: Owed) -> None:
    for callback in ("jackpot", "bonus"):
        desk.send(callback, without_game(callback, reference="r"))

    assert "r is among those of jackpot and bonus: name one after it" in refusal(settle(desk, "r"))
    assert settle(desk, "r", "bonus").exit_code == 0

    assert [item["id"] for item in desk.operator.transactions()] == ["bonus#r"]
    assert (len(desk.all_in("JackpotDeadLetters")), desk.all_in("BonusDeadLetters")) == (1, [])


@pytest.mark.usefixtures("functions")
def test_copies_that_ask_for_different_things_are_settled_one_by_one(desk: Owed) -> None:
    for amount in ("1", "2"):
        desk.send("result", without_game(reference="r", amount=amount))
    (one, _) = [each["messageId"] for each in desk.listed() if each["amount"]]

    assert "r has dead letters that ask for different things: settle each by its message id" in refusal(
        settle(desk, "r")
    )
    assert desk.operator.transactions() == []
    assert settle(desk, one).exit_code == 0
    assert len(desk.all_in("ResultDeadLetters")) == 1


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone", "--reason", "x", "--yes"], "gone is not among the dead letters: nothing was settled"),
        (["gone", "result", "--reason", "x", "--yes"], "gone is not among the dead letters: nothing was settled"),
        (["r", "--yes"], "say why: --reason"),
        (["r", "--reason", " ", "--yes"], "say why: --reason"),
        (["r", "--reason", "a\nb", "--yes"], "--reason must be one line of up to 1000 characters"),
        (["r", "--reason", "x" * 1001, "--yes"], "--reason must be one line of up to 1000 characters"),
        (["r", "other", "--reason", "x", "--yes"], "no callback is called 'other'"),
        (["j", "--reason", "x", "--yes"], "j cannot be settled: it is a dead letter of the callback jackpot"),
    ],
    ids=str,
)
def test_a_settling_that_is_refused_settles_nothing(desk: Owed, arguments: list[str], said: str) -> None:
    desk.dead(letter(request={"reference": "r"}), letter("jackpot", request={"reference": "j"}))

    with unchanged(desk.operator):
        assert said in refusal(desk.parked("settle", *arguments))

    assert len(desk.visible_in("ResultDeadLetters")) == 2


@pytest.mark.parametrize("is_done", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("step", range(20))
def test_broken_off_at_any_call_the_same_command_again_settles_it_once(
    desk: Owed, functions: Functions, step: int, is_done: bool
) -> None:
    desk.send("result", without_game(reference="r", amount="10"))
    made: list[str] = []

    def instead(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        made.append(operation)
        if len(made) != step + 1:
            return call()
        if is_done:
            call()
        raise UNREACHABLE

    desk.watch(instead)
    settle(desk, "r")
    for held in _backend("ResultDeadLetters")._messages:
        held.change_visibility(0)  # what could not be put back comes back by itself
    if desk.all_in("ResultDeadLetters"):
        assert settle(desk, "r").exit_code == 0

    assert [item["id"] for item in desk.operator.transactions()] == ["result#r"]
    assert desk.operator.wallet()["version"] == 2
    assert desk.all_in("ResultDeadLetters") == []


@pytest.mark.usefixtures("functions")
def test_interrupted_once_it_is_settled_the_dead_letter_stays_and_the_same_command_deletes_it(desk: Owed) -> None:
    desk.send("result", without_game(reference="r", amount="10"))

    def interrupt(operation: str, _parameters: Any, call: Callable[[], Any]) -> Any:
        answer = call()
        if operation == "Invoke" and len(desk.asked("Invoke")) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return answer

    desk.watch(interrupt)
    broken = settle(desk, "r")

    assert broken.exit_code == 128 + signal.SIGTERM
    assert "it is settled, and the dead letter is still there: run the same command again" in broken.stderr
    assert len(desk.visible_in("ResultDeadLetters")) == 1


@pytest.mark.usefixtures("functions")
def test_a_dead_letter_that_cannot_be_deleted_is_said_to_be_settled(desk: Owed) -> None:
    desk.send("result", without_game(reference="r", amount="10"))
    desk.fail("DeleteMessageBatch", DENIED)

    assert "it is settled, and the dead letter is still there" in settle(desk, "r").stderr


@pytest.mark.parametrize(
    "answer",
    [
        {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "Task timed out"}')},
        {"Payload": io.BytesIO(b"<html>")},
        {"Payload": io.BytesIO(b"[]")},
        {"Payload": io.BytesIO(b"{}")},
    ],
    ids=["timed out", "not JSON", "a list", "nothing"],
)
def test_a_function_that_gives_no_answer_is_told_in_one_line(
    desk: Owed, functions: Functions, answer: dict[str, Any]
) -> None:
    desk.dead(letter(request={"reference": "r"}))
    desk.watch(lambda operation, _parameters, call: answer if operation == "Invoke" else call())

    said = refusal(settle(desk, "r", "result"))

    assert said.startswith(f"ResultFunction of the local service on port {PORT} did not answer")
    assert "Run the same command again: it is done once" in said


def unsure(desk: Owed, *, of_a_dry_run: bool, is_done: bool) -> None:
    """Has a function answer 998 to the next dry run or order; `is_done`: it does the order first."""
    answered: list[str] = []

    def instead(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        is_dry_run = operation == "Invoke" and json.loads(parameters["Payload"])["settle"].get("dryRun", False)
        if operation != "Invoke" or is_dry_run != of_a_dry_run or answered:
            return call()
        answered.append(operation)
        if is_done:
            call()
        return {"Payload": io.BytesIO(b'{"error": 998, "description": "Not possible at the moment, send again"}')}

    desk.watch(instead)


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["for a person", "for a machine"])
def test_an_order_answered_998_is_never_said_to_have_changed_nothing(
    desk: Owed, is_done: bool, form: list[str]
) -> None:
    desk.send("result", without_game(reference="r", amount="10"))

    unsure(desk, of_a_dry_run=False, is_done=is_done)
    broken = settle(desk, "r", *form)

    assert broken.exit_code == 2
    assert "nobody knows whether it was settled: run the same command again, it is settled once" in broken.stderr
    assert "error 998" in broken.stderr
    assert "cannot be settled" not in broken.output
    assert not re.search("nothing", broken.output, re.IGNORECASE)
    assert len(desk.visible_in("ResultDeadLetters")) == 1
    assert settle(desk, "r").exit_code == 0
    assert desk.operator.wallet()["cash"] == Decimal("99899.99")
    assert desk.all_in("ResultDeadLetters") == []


def test_a_dry_run_answered_998_says_that_it_changed_nothing(desk: Owed, functions: Functions) -> None:
    desk.send("result", without_game(reference="r"))
    unsure(desk, of_a_dry_run=True, is_done=False)

    with unchanged(desk.operator):
        done = settle(desk, "r")

    assert done.exit_code == 1
    assert "This dry run changed nothing. Do the same again later" in done.stdout
    assert all(order["settle"].get("dryRun") for _, order in functions.orders)


def test_the_local_service_is_asked_as_lambda_is(desk: Owed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseClient, "_make_api_call", MAKE_API_CALL)
    asked: list[tuple[str, Any]] = []

    class Lambda(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            answer = b'{"error": 61, "description": "no"}'
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None: ...

    (message,) = [letter(request={"reference": "r"})]
    desk.dead(message)
    with ThreadingHTTPServer(("127.0.0.1", 0), Lambda) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        desk.announce(url=f"http://127.0.0.1:{server.server_port}")
        done = settle(desk, "r", "result")
        server.shutdown()

    assert "error 61, no" in done.stdout
    order = {"message": message, "actor": getpass.getuser(), "reason": "ticket 1234", "dryRun": True}
    assert asked == [("/2015-03-31/functions/ResultFunction/invocations", {"settle": order})]


def test_in_a_stack_the_live_function_is_invoked_and_the_caller_is_who_aws_says(
    desk: Owed, functions: Functions, stack: dict[str, str]
) -> None:
    desk.sqs.send_message(
        QueueUrl=stack["ResultDeadLetters"],
        MessageBody=letter(request=without_game(reference="r"), code=64, reason="Mandatory field is absent: gameId"),
    )

    def names(operation: str, parameters: Any, call: Callable[[], Any]) -> Any:
        known = {"ResultFunction", "Players", "Transactions", "FreeRounds"}
        is_known = operation == "DescribeStackResource" and parameters["LogicalResourceId"] in known
        return {"StackResourceDetail": {"PhysicalResourceId": parameters["LogicalResourceId"]}} if is_known else call()

    desk.watch(names)
    done = settle(desk, "r", "result", "--stack", "wallet")

    assert done.exit_code == 0, done.output
    assert transaction(desk, "result#r")["actor"] == boto3.client("sts").get_caller_identity()["Arn"]
    assert functions.orders[-1][0] == {"FunctionName": "ResultFunction", "Qualifier": "live"}
    assert "Messages" not in desk.sqs.receive_message(QueueUrl=stack["ResultDeadLetters"])


# --- Where the queues are ---------------------------------------------------------------------------


def test_without_a_service_it_says_so_in_one_line(desk: Owed, tmp_path: Path) -> None:
    (tmp_path / f"service-{PORT}.json").unlink()

    assert refusal(desk.redrive()) == (
        f"no local service runs on port {PORT}: start one with `make run PORT={PORT}`, or name a stack"
    )


def test_a_service_that_was_killed_is_not_taken_for_one_that_runs(desk: Owed, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    desk.announce(pid=ended.pid)

    assert refusal(desk.redrive()).startswith(f"no local service runs on port {PORT} any more")


@pytest.mark.parametrize(
    "said", ["", "{", "[]", "{}", '{"pid": 1}', '{"pid": "x", "sqs": "http://127.0.0.1:1", "region": "eu-west-1"}']
)
def test_an_announcement_that_is_none_is_told_in_one_line(desk: Owed, tmp_path: Path, said: str) -> None:
    (tmp_path / f"service-{PORT}.json").write_text(said)

    assert refusal(desk.redrive()).endswith(
        f"does not say where the local service on port {PORT} has its queues: start it again"
    )


def test_queues_that_nobody_serves_are_told_in_one_line(desk: Owed, tmp_path: Path) -> None:
    desk.announce(sqs="http://127.0.0.1:1")

    said = refusal(desk.redrive())

    assert said.startswith(f"the queues of the local service on port {PORT} cannot be reached: Could not connect to")


def test_queues_that_are_not_there_are_told_in_one_line(desk: Owed) -> None:
    desk.sqs.delete_queue(QueueUrl=desk.url("ResultDeadLetters"))

    assert "The specified queue does not exist" in refusal(desk.redrive())


@pytest.mark.parametrize("operation", ["GetQueueAttributes", "ReceiveMessage"])
def test_queues_that_stop_answering_are_told_in_one_line(desk: Owed, operation: str) -> None:
    desk.dead(*(letter() for _ in range(12)))
    desk.fail(operation, UNREACHABLE, after=1 if operation == "ReceiveMessage" else 0)

    assert "Could not connect to the endpoint URL" in refusal(desk.redrive("--all"))

    assert len(desk.visible_in("ResultDeadLetters")) == 12


def test_the_callback_may_stand_before_the_references_or_after_them(desk: Owed) -> None:
    desk.dead(*(letter(request={"reference": name}) for name in ("one", "two", "jackpot")))
    for names in (["one", "result"], ["result", "one"]):
        assert "reference   one\n" in desk.parked("show", *names).stdout
        assert "Settling it pays 10 USD as result#one" in desk.parked("settle", *names).stdout
        sent = desk.parked("redrive", *names, "--dry-run")
        assert "A dry run: 1 would be sent back to result" in sent.stdout
    # What is a callback's name in its own place stays one.
    assert "A dry run: 1 would be" in desk.parked("redrive", "result", "jackpot", "--dry-run").stdout

    desk.parked("discard", "one", "two", "result", "--reason", "a test", "--yes", "--file", str(desk.folder / "kept"))

    assert [json.loads(each)["reference"] for each in desk.all_in("ResultDeadLetters")] == ["jackpot"]


@pytest.mark.parametrize("callback", ["", "Result", "autoclosing", "[bold]"])
def test_an_unknown_callback_is_told_which_there_are(desk: Owed, callback: str) -> None:
    said = refusal(desk.redrive(callback=callback))

    assert said == f"no callback is called {callback!r}: there are result, jackpot, bonus, promo, cancel"


def test_a_port_that_is_none_is_told_in_one_line(desk: Owed) -> None:
    assert refusal(desk.redrive(port=99999)) == "--port (or PORT) must be a whole number from 1 to 65535, not 99999"


@pytest.fixture
def stack(desk: Owed) -> dict[str, str]:
    """The URLs of a deployed stack's queues by their names in the template; SQS knows them by others."""
    cloudformation: Any = boto3.client("cloudformation")
    queues = {name: {"Type": "AWS::SQS::Queue"} for name in ("ResultDeadLetters", "ResultRetryQueue")}
    cloudformation.create_stack(StackName="wallet", TemplateBody=json.dumps({"Resources": queues}))
    found = cloudformation.describe_stack_resources(StackName="wallet")["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}


def test_the_dead_letters_of_a_deployed_stack_are_sent_back_there(desk: Owed, stack: dict[str, str]) -> None:
    desk.dead("of the local service")
    desk.sqs.send_message(QueueUrl=stack["ResultDeadLetters"], MessageBody=letter())

    assert "1 dead letter, 1 can" in desk.redrive("--stack", "wallet").stdout
    assert desk.redrive("--stack", "wallet", "--all").exit_code == 0

    (message,) = desk.sqs.receive_message(QueueUrl=stack["ResultRetryQueue"])["Messages"]
    assert message["Body"] == letter()
    assert "Messages" not in desk.sqs.receive_message(QueueUrl=stack["ResultDeadLetters"])
    assert desk.visible_in("ResultDeadLetters") == ["of the local service"]


def test_a_stack_is_asked_by_the_callers_own_account_and_the_local_service_never(
    desk: Owed, stack: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions: list[dict[str, Any]] = []

    def session(**options: Any) -> Any:
        sessions.append(options)
        return ACCOUNT

    monkeypatch.setattr(boto3, "Session", session)

    desk.redrive("--stack", "wallet")
    desk.redrive()

    own, local = sessions
    assert own == {}
    assert (local["aws_access_key_id"], local["aws_secret_access_key"], local["region_name"]) == (
        "local",
        "local",
        "eu-west-1",
    )


@pytest.mark.parametrize(
    ("callback", "name", "reason"),
    [
        ("result", "nowhere", "Stack with id nowhere does not exist"),
        ("jackpot", "wallet", "Resource JackpotRetryQueue does not exist for stack wallet"),
        ("result", "no\x1b[31m", ""),
    ],
    ids=["no such stack", "not in that stack", "no name"],
)
@pytest.mark.usefixtures("stack")
def test_a_stack_that_has_no_such_queues_is_told_in_one_line(desk: Owed, callback: str, name: str, reason: str) -> None:
    said = refusal(desk.redrive("--stack", name, callback=callback))

    assert said.startswith(f"the stack {plain(name)} cannot be asked for its queues: ")
    assert reason in said


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "Unable to locate credentials"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, "You must specify a region."),
        ({"AWS_PROFILE": "of-nobody"}, "The config profile (of-nobody) could not be found"),
    ],
    ids=["credentials", "region", "profile"],
)
def test_an_account_that_lacks_something_is_told_in_one_line(
    desk: Owed, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], reason: str
) -> None:
    monkeypatch.setattr(boto3, "Session", SESSION_CLASS)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    nothing = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in {**nothing, **environment}.items():
        monkeypatch.setenv(name, value)

    said = refusal(desk.redrive("--stack", "wallet"))

    assert said.startswith("the stack wallet cannot be asked")
    assert f": {reason}" in said


# --- As a program, on the local service -------------------------------------------------------------

PATHS = {"result": "/v4/Result", "jackpot": "/V4/JackPotWin", "bonus": "/bonuswin", "promo": "/V4/PromoWin"}
PLAYERS = [{"userId": callback, "currency": "USD", "cash": "100.00", "bonus": "0"} for callback in PATHS]


class Wire(ThreadingHTTPServer):
    """Stands before an engine. `on_call` hears of each call before it is passed on, which its False prevents."""

    def __init__(self, engine: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.engine = engine
        self.calls: list[tuple[str, str]] = []
        self.last_body = b""
        self.on_call: Callable[[str], bool] = lambda _operation: True

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Passing(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        wire = self.server
        assert isinstance(wire, Wire)
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        body = wire.last_body = self.rfile.read(int(self.headers["Content-Length"]))
        wire.calls.append((operation, self.headers["Authorization"]))
        if not wire.on_call(operation):
            return
        headers = {name: self.headers[name] for name in ("X-Amz-Target", "Content-Type", "Authorization")}
        answer = httpx.post(wire.engine, content=body, headers=headers, timeout=HANG_SECONDS)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *_: object) -> None:
        pass


class Town:
    """A local service, its queues, and a wire before them."""

    def __init__(self, service: Service, sqs: Any, wire: Wire) -> None:
        self.service = service
        self.sqs = sqs
        self.wire = wire

    def leave(self, callback: str, *messages: str) -> None:
        for message in messages:
            self.sqs.send_message(QueueUrl=self.url(f"{callback.title()}DeadLetters"), MessageBody=message)

    def url(self, queue: str) -> str:
        return self.sqs.get_queue_url(QueueName=queue)["QueueUrl"]

    def count(self, queue: str) -> int:
        """How many anybody could receive at this moment, by the engine's count, which is exact."""
        name = "ApproximateNumberOfMessages"
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url(queue), AttributeNames=[name])
        return int(answer["Attributes"][name])

    def redrive(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """The command as a process of its own, in an environment that leads anywhere but to the service."""
        return subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "tools.programs.walletctl", "parked", "redrive", *arguments],
            cwd=ROOT,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))},
                "PORT": str(self.wire.server_port),
                "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
                "AWS_PROFILE": "of-nobody",
                "AWS_REGION": "us-east-1",
                "AWS_USE_FIPS_ENDPOINT": "true",
                "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:1",
                "HTTP_PROXY": "http://127.0.0.1:1",
                "NO_PROXY": "",
                "COLUMNS": "200",
            },
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
        )

    def owe(self, callback: str) -> None:
        """Has the callback left for a person: its wallet is in another currency than the win, which is then mended."""
        body = published(callback, userId=callback, currency="EUR", reference=f"{callback} {time.time_ns()}")
        assert self.service.post(PATHS[callback], body).json()["error"] == 52
        assert self.count(f"{callback.title()}DeadLetters") == 1
        self.service.tables().Table("Players").update_item(
            Key={"userId": callback}, UpdateExpression="SET currency = :it", ExpressionAttributeValues={":it": "EUR"}
        )


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    players = tmp_path_factory.mktemp("players") / "players.json"
    players.write_text(json.dumps(PLAYERS))
    with running(PLAYERS=str(players), RETRY_SECONDS="1") as service:
        wait_until(announcement(service.port).exists)
        engine = json.loads(announcement(service.port).read_text())["sqs"]
        sqs = boto3.client("sqs", endpoint_url=engine, aws_access_key_id="local", aws_secret_access_key="local")
        with Wire(engine) as wire:
            thread = threading.Thread(target=wire.serve_forever, daemon=True)
            thread.start()
            announced = announcement(wire.server_port)
            announced.write_text(json.dumps({"pid": os.getpid(), "sqs": wire.endpoint, "region": "eu-west-1"}))
            try:
                yield Town(service, sqs, wire)
            finally:
                announced.unlink()
                wire.shutdown()
                thread.join()


def test_the_running_service_credits_what_a_person_has_mended_and_sent_back(town: Town) -> None:
    town.owe("result")
    redrive = subprocess.run(
        [sys.executable, "-m", "tools.programs.walletctl", "parked", "redrive", "result", "--all"],
        cwd=ROOT,
        env={**os.environ, "PORT": str(town.service.port)},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )

    assert (redrive.returncode, redrive.stdout, redrive.stderr) == (0, "result: 1 of 1 were sent back\n", "")
    wait_until(lambda: town.service.ledger("result")[1:])
    _opening, transaction = town.service.ledger("result")
    assert transaction["cashAfter"] == town.service.wallet("result")["cash"] == Decimal(110)
    assert town.count("ResultDeadLetters") == 0


def test_killed_between_sending_and_deleting_nothing_is_lost_and_nothing_paid_twice(town: Town) -> None:
    town.owe("promo")
    started = threading.Event()
    children: list[subprocess.Popen[str]] = []

    def kill(operation: str) -> bool:
        if operation != "DeleteMessageBatch":
            return True
        started.wait()
        children[0].kill()
        children[0].wait()
        return False

    town.wire.on_call = kill
    with town.redrive("promo", "--all") as child:
        children.append(child)
        started.set()
        assert child.wait(HANG_SECONDS) == -signal.SIGKILL
    town.wire.on_call = lambda _operation: True

    wait_until(lambda: town.service.ledger("promo")[1:])  # what was sent is paid
    (deleted,) = json.loads(town.wire.last_body)["Entries"]
    url = town.url("PromoDeadLetters")
    # It was not deleted, and comes back when it has been hidden for long enough: now.
    town.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=deleted["ReceiptHandle"], VisibilityTimeout=0)
    assert town.count("PromoDeadLetters") == 1
    with town.redrive("promo", "--all") as again:
        assert again.communicate(timeout=HANG_SECONDS) == ("promo: 1 of 1 were sent back\n", "")
    wait_until(lambda: "promo: 1 settled" in town.service.output or town.count("PromoRetryQueue") == 0)
    _opening, transaction = town.service.ledger("promo")
    assert transaction["cashAfter"] == town.service.wallet("promo")["cash"] == Decimal(600)
    assert town.count("PromoDeadLetters") == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_told_to_stop_amid_a_receive_it_puts_everything_back_at_once(town: Town, number: signal.Signals) -> None:
    town.leave("jackpot", *(letter("jackpot", reference=str(copy)) for copy in range(15)))
    started = threading.Event()
    children: list[subprocess.Popen[str]] = []
    receives = []

    def stop(operation: str) -> bool:
        if operation == "ReceiveMessage":
            receives.append(operation)
            started.wait()
            if len(receives) == 2:
                children[0].send_signal(number)
        return True

    town.wire.on_call = stop
    with town.redrive("jackpot", "--all") as child:
        children.append(child)
        started.set()
        _, said = child.communicate(timeout=HANG_SECONDS)
    town.wire.on_call = lambda _operation: True

    assert (child.returncode, said) == (128 + number, "walletctl: interrupted: nothing was sent back\n")
    assert town.count("JackpotDeadLetters") == 15
    town.sqs.purge_queue(QueueUrl=town.url("JackpotDeadLetters"))


def test_a_person_at_a_real_terminal_sees_text_as_text_and_chooses(town: Town) -> None:
    hostile = letter("bonus", reference="[bold]\x1b[31mpaid", request={"userId": "bonus"})
    town.leave("bonus", hostile)
    terminal, end = pty.openpty()
    try:
        with town.redrive("bonus", stdin=end, stdout=end, stderr=end, text=False) as child:
            os.close(end)
            shown = read_until(terminal, b"or nothing: ")
            os.write(terminal, b"1\n")
            shown += read_until(terminal, b"sent back\r\n")
            assert child.wait(HANG_SECONDS) == 0
    finally:
        os.close(terminal)

    assert b"\x1b[31mpaid" not in shown
    assert b"\\x1b[31mpaid" in shown
    assert b"[bold]" in shown
    assert b"sending" in shown, "a bar is shown while it sends"
    wait_until(lambda: town.service.ledger("bonus")[1:])
    assert town.count("BonusDeadLetters") == 0


def test_nothing_of_the_callers_own_account_reaches_the_local_service(town: Town) -> None:
    del town.wire.calls[:]

    with town.redrive("result") as child:
        assert child.communicate(timeout=HANG_SECONDS) == ("result has no dead letters\n", "")

    assert {operation for operation, _ in town.wire.calls} >= {"GetQueueUrl", "GetQueueAttributes", "ReceiveMessage"}
    for _, authorization in town.wire.calls:
        assert re.search(r"Credential=local/[0-9]+/eu-west-1/sqs/", authorization)


def read_until(terminal: int, text: bytes) -> bytes:
    """What a terminal shows until that text is there."""
    shown = b""
    while text not in shown:
        shown += os.read(terminal, 65536)  # raises OSError at the end
    return shown

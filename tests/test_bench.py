"""The benchmarks' arithmetic: what a run is judged by, and what it counts. That it runs at all, `make bench` shows."""

import asyncio
import json
from collections.abc import Mapping
from xml.etree import ElementTree

import pytest

from bench import units
from bench.book import Book, p99
from bench.picture import Bar, Panel, draw
from bench.stub import Conversation
from bench.target import Target
from bench.wins import Wins, win
from bench.witness import Call


@pytest.mark.parametrize(("measured", "verdict"), [(0.55, "met"), (0.554, "met"), (0.56, "MISSED"), (0.40, "aim met")])
def test_a_ratio_is_judged_as_it_is_written(measured: float, verdict: str) -> None:
    assert Target(measured=measured, must=0.55, aim=0.40).verdict == verdict


def test_throughput_must_be_more_not_less() -> None:
    assert Target(measured=1.2, must=1.3, aim=2.0, at_least=True).verdict == "MISSED"
    assert Target(measured=2.1, must=1.3, aim=2.0, at_least=True).verdict == "aim met"


def test_what_was_not_measured_is_not_met() -> None:
    assert not Target(measured=2, must=2, digits=0).is_missed
    assert Target(measured=None, must=0.55).is_missed
    assert Target(measured=0.9, must=0.55).is_missed


def test_ratios_are_taken_within_a_round() -> None:
    book = Book()
    for ours, theirs in ((1.0, 2.0), (10.0, 20.0), (3.0, 4.0)):  # the machine was slow in the second
        book.note("init", "ours", ours)
        book.note("init", "peer", theirs)

    ratio = book.ratio("init", "ours", "peer")

    assert ratio is not None
    assert (ratio.median, ratio.least, ratio.most) == (0.5, 0.5, 0.75)
    assert book.ratio("first call", "ours", "peer") is None


def test_one_in_a_hundred_exceeds_the_ninety_ninth_percentile() -> None:
    assert sum(value > p99(range(1000)) for value in range(1000)) == 10


def test_an_items_size_is_of_names_and_values() -> None:
    # By the developer guide: a number takes a byte for two significant digits, and one more.
    assert units.item_bytes({"userId": {"S": "421"}, "cash": {"N": "99889.99"}, "on": {"BOOL": True}}) == 9 + 9 + 3
    assert units.item_bytes({"n": {"N": "-100"}}) == 1 + 3


@pytest.mark.parametrize(("size", "write", "read"), [(1, 1, 1), (1024, 1, 1), (1025, 2, 1), (4097, 5, 2)])
def test_units_are_begun_kilobytes(size: int, write: int, read: int) -> None:
    assert units.write_units(size) == write
    assert units.write_units(size, transactional=True) == 2 * write
    assert units.read_units(size) == read


def test_what_is_read_and_is_not_there_costs_a_unit_too() -> None:
    keys = {"Players": {"Keys": [{"userId": {"S": "421"}}]}, "Transactions": {"Keys": [{"id": {"S": "result#1"}}]}}
    found = {"Players": [{"userId": {"S": "421"}}], "Transactions": []}

    assert call("BatchGetItem", {"RequestItems": keys}, {"Responses": found}).units == 2


def test_a_failed_condition_costs_the_write_of_what_it_met() -> None:
    met = {"Item": {"id": {"S": "x" * 1500}}}

    assert call("PutItem", {}, met, status=400).units == 2


def test_consumed_units_are_the_engines_word() -> None:
    consumed = [
        {
            "TableName": "Transactions",
            "CapacityUnits": 3.0,
            "GlobalSecondaryIndexes": {"byPlayer": {"CapacityUnits": 1.0}},
        },
        {"TableName": "Players", "CapacityUnits": 2.0},
    ]

    counted = call("TransactWriteItems", {}, {"ConsumedCapacity": consumed})

    assert (counted.units, counted.index_units, counted.is_read) == (5.0, 1.0, False)


def call(operation: str, request: Mapping[str, object], answer: Mapping[str, object], status: int = 200) -> Call:
    return Call(operation=operation, tables="", request=json.dumps(request), status=status, body=json.dumps(answer))


def test_no_reference_is_sent_twice_as_a_fresh_win() -> None:
    wins = Wins()
    bodies = [json.loads(event["body"]) for event in [*wins.fresh(3, ["a", "b"]), *wins.fresh(2, ["a"])]]

    assert len({body["reference"] for body in bodies}) == 5
    assert [body["userId"] for body in bodies] == ["a", "b", "a", "a", "a"]


def test_the_calls_of_a_round_are_of_one_player_bet_and_round() -> None:
    rounds = Wins().rounds(3, ["a", "b"])
    bodies = [{name: json.loads(sent["body"]) for name, sent in each.items()} for each in rounds]

    for each in bodies:
        assert (
            len({(body["userId"], body["reference"], body["gameId"], body["roundId"]) for body in each.values()}) == 1
        )
    assert len({each["bet"]["roundId"] for each in bodies}) == 3
    assert [each["bet"]["userId"] for each in bodies] == ["a", "b", "a"]


@pytest.mark.parametrize("kibibytes", [1, 60])
def test_a_body_is_as_large_as_it_is_called(kibibytes: int) -> None:
    assert len(win("r", "p", kibibytes=kibibytes)["body"]) == pytest.approx(1024 * kibibytes, rel=0.1)


class Sent(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.answers: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.answers.append(bytes(data))


def test_the_stub_answers_what_is_asked_twice_in_turn() -> None:
    known = {("PutItem", "Idempotency"): [b"taken", b"free"], ("UpdateItem", "Players"): [b"paid"]}

    def asked(*operations: str) -> list[bytes]:
        connection, transport = (
            Conversation(known, [(b'"Idempotency"', "Idempotency"), (b'"Players"', "Players")]),
            Sent(),
        )
        connection.connection_made(transport)
        for operation in operations:
            body = b'{"TableName": "Idempotency"}' if operation == "PutItem" else b'{"TableName": "Players"}'
            head = f"POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.{operation}\r\nContent-Length: {len(body)}"
            connection.data_received(head.encode() + b"\r\n\r\n" + body)
        return transport.answers

    assert asked("PutItem", "PutItem", "UpdateItem", "PutItem") == [b"taken", b"free", b"paid", b"taken"]
    assert asked("PutItem") == [b"taken"], "each connection begins with the first"


def test_a_picture_is_a_document_with_a_bar_for_each() -> None:
    bars = [Bar(name=name, value=3, least=2, most=4, text="3 ms", is_ours=name == "ours") for name in ("ours", "peer")]

    picture = ElementTree.fromstring(draw("Init < 1 s", "Medians", [Panel("Init, ms", bars)]))  # noqa: S314 - our own

    assert len(picture.findall("{http://www.w3.org/2000/svg}rect")) == 2
    assert "Init < 1 s" in [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]

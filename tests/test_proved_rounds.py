"""Whatever the calls did is proved, in any order; and what somebody does to bets, cancels and rounds is named."""

import json
import os
import random
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from conftest import Operator
from simulation.ledger_proof import prove
from tamperings import Books
from test_export import write_export
from test_walletctl_verify import Ledger, books, tables  # noqa: F401 - fixtures
from tools.shared.items import encoded
from tools.walletctl.export.account import account_of_exports
from tools.walletctl.export.books import ExportBooks

CALLS = {
    "Bet": "bet",
    "Cancel": "cancel",
    "Refund": "cancel",
    "EndRound": "endround",
    "Result": "result",
    "BonusWin": "bonus",
}
OFTEN = (6, 4, 3, 1, 5, 1)
# The one before the last has a round of free bets, of which one was booked elsewhere. The last is conftest's, shown at
# the head of the run.
SEEDS = [*range(6), 4019852793, int(os.environ["SIMULATION_SEED"])]


@dataclass
class _Draw:
    """Calls that meet: each names one of the last few references, or a new one, and one of few rounds and players."""

    random: random.Random
    bets: list[dict[str, Any]] = field(default_factory=list)
    newest: int = 0

    def call(self) -> tuple[str, dict[str, Any]]:
        """A call, and its body."""
        (call,) = self.random.choices([*CALLS], OFTEN)
        place = {"gameId": self.choice("gggh"), "roundId": self.choice(["r1", "r2", 33])}
        if self.chance(0.05):
            place = dict.fromkeys(place, 128 * "\U0001fae8")  # more than a key has room for
        body: dict[str, Any] = {"userId": self.choice([*["421"] * 8, "7", "none"]), "providerId": "p", "uuid": "u"}
        if self.bets and self.chance(0.6):
            place = {name: self.bets[-1][name] for name in place}
        body["reference"] = self.random.randint(self.newest - 3, self.newest)
        if call == "EndRound":
            return call, body | place
        if call in ("Cancel", "Refund"):
            return call, body | self._undone(place)
        body |= place | {"amount": self.choice(["0", "1", "2", "5.0", 30]), "timestamp": self.choice(["1", "2", "3"])}
        body["currency"] = self.choice([*["USD"] * 9, "EUR"])
        if code := self.choice([None, None, None, "F", "F", "G"]):
            body["bonusCode"] = code
        if self.chance(0.8):
            self.newest += 1
            body["reference"] = f"{self.newest}"
        if call == "Bet":
            self.bets.append(body)
        if call == "Result":
            body |= {"gameName": "x", "roundDetails": "spin"} | ({"sessionId": "s"} if self.chance(0.7) else {})
            if self.chance(0.2):
                body |= {"promoWinAmount": "4", "promoWinReference": self.choice("pqrstu")}
        return call, body

    def _undone(self, place: dict[str, Any]) -> dict[str, Any]:
        """What a cancel or a refund says: mostly of one of the last bets."""
        said: dict[str, Any] = {}
        if self.bets and self.chance(0.8):
            bet = self.choice(self.bets[-4:])
            said |= {name: bet[name] for name in ("userId", "reference")}
            place = {name: bet[name] for name in place}
        said |= {name: value for name, value in place.items() if self.chance(0.65)}
        if self.chance(0.15):
            said["amount"] = self.choice(["1", "2", "3", "x"])
        if self.chance(0.3):
            said |= {"currency": "EUR", "timestamp": "5", "bonusCode": "odd"}
        return said

    def choice(self, of: Sequence[Any]) -> Any:
        return self.random.choice(of)

    def chance(self, of: float) -> bool:
        return self.random.random() < of


def _ordered(call: str, body: dict[str, Any], *, booked_elsewhere: bool) -> dict[str, Any]:
    """An order to settle a dead letter of that call by hand."""
    letter = {"callback": CALLS[call], "reference": None, "code": 61, "reason": "why", "prize_only": False}
    letter |= {"first_received_at": "2026-11-30T00:00:00+00:00", "request": json.dumps(body)}
    letter |= {"call": call.lower()} if CALLS[call] == "cancel" else {}
    order = {"message": json.dumps(letter), "actor": "jo", "reason": "ticket 7"}
    return {"settle": order | ({"bookedElsewhere": True} if booked_elsewhere else {})}


def _play(operator: Operator, seed: int, *, calls: int = 80) -> None:
    draw = _Draw(random.Random(seed))
    operator.open_wallet("421", cash="50", bonus="0")
    operator.open_wallet("7", cash="3", bonus="0")
    for _ in range(calls):
        call, body = draw.call()
        if draw.chance(0.04):
            order = {"userId": "421", "actor": "a", "reason": "r"}
            operator.invoke("cashier", {draw.choice(["freeze", "unfreeze", "unfreeze"]): order})
        elif CALLS[call] in ("cancel", "result") and draw.chance(0.2):
            operator.invoke(CALLS[call], _ordered(call, body, booked_elsewhere=draw.chance(0.4)))
        else:
            operator.send(CALLS[call], body, path=f"/v4/{call}")


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_the_calls_did_is_proved(operator: Operator, seed: int) -> None:
    _play(operator, seed)

    made, _ = prove(Books.read(operator).items())

    assert made.faults == []


@pytest.mark.parametrize("seed", SEEDS[-2:])
def test_whatever_the_calls_did_is_proved_by_an_export_with_nobody_suspect(
    operator: Operator, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _play(operator, seed)
    items = Books.read(operator).items()
    for name, of in items.items():
        write_export(tmp_path, name, [*map(encoded, of)], moment=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    shown: list[Any] = []
    pages = ExportBooks.pages
    monkeypatch.setattr(
        ExportBooks, "pages", lambda *how, **more: (shown.append(each) or each for each in pages(*how, **more))
    )

    made = account_of_exports([str(tmp_path)])

    assert (made.faults, made.compares_rounds, shown) == ([], True, [])


def test_one_players_ledger_is_proved_whatever_the_calls_did(tables: Ledger) -> None:  # noqa: F811
    _play(tables.operator, SEEDS[-1])

    for player in ("421", "7"):
        assert tables.faults(whose=player) == []


PLAYS = "plays"


def _faults(books: Books) -> list[str]:  # noqa: F811
    made, _ = prove(books.items())
    return [fault.text for fault in made.faults]


def _older(books: Books, days: int) -> None:  # noqa: F811
    """Has all that the player did be so many days older."""
    for id, item in books.transactions.items():
        if item["userId"] == PLAYS:
            moment = datetime.fromisoformat(item["recordedAt"]) - timedelta(days)
            books.set(id, recordedAt=moment.isoformat(timespec="milliseconds"))
    books.link_again(PLAYS)
    books.play_again(PLAYS)


def _without(books: Books, *round_ids: str) -> None:  # noqa: F811
    for key, item in [*books.rounds.items()]:
        if item["roundId"] in round_ids and item["userId"] == PLAYS:
            del books.rounds[key]


def test_a_round_that_has_expired_is_no_fault_and_one_that_is_open_never_expires(books: Books) -> None:  # noqa: F811
    _older(books, 401)
    _without(books, "p-lost", "p-two", "p-poor", "p-never", "p-won")
    assert _faults(books) == []

    _without(books, "p-open")
    assert _faults(books) == [
        "round p-open of game slot is not on record, where bet#open is live and waits for a result"
    ]


def test_a_round_that_is_not_400_days_old_is_missed(books: Books) -> None:  # noqa: F811
    _older(books, 399)
    _without(books, "p-won")

    assert _faults(books) == [
        "round p-won of game slot is not on record, where its bets and results are not 400 days old"
    ]


def test_a_round_that_begins_again_after_it_expired_is_no_fault(books: Books) -> None:  # noqa: F811
    _older(books, 500)
    books.set("result#of-won", roundId="p-lost")
    books.said("result#of-won", roundId="p-lost")
    books.set("bet#elsewhere", roundId="p-lost", recordedAt="2026-11-30T00:00:00.000+00:00")
    books.said("bet#elsewhere", roundId="p-lost")
    books.set("cancel#elsewhere", roundId="p-lost", recordedAt="2026-11-30T00:00:01.000+00:00")
    books.compute_again(PLAYS)
    begun = next(item for item in books.rounds.values() if item["roundId"] == "p-lost")
    assert _faults(books) == []

    begun.update(bets=[], winnings=Decimal(0))
    del begun["hasResult"]
    assert _faults(books) == []

    begun["winnings"] = Decimal(1)
    assert _faults(books) != []


def test_a_result_that_was_recorded_without_rounds_needs_none(books: Books) -> None:  # noqa: F811
    books.rounds = {key: item for key, item in books.rounds.items() if item["userId"] == PLAYS}

    assert _faults(books) == []


def test_a_bet_from_before_the_rounds_were_kept_again_needs_none(tables: Ledger, books: Books) -> None:  # noqa: F811
    books.rounds = {}
    books.put()
    assert {fault for _, _, fault in tables.faults()} == {"round"}

    assert tables.faults("--rounds-since", "2999-01-01") == []
    assert {fault for _, _, fault in tables.faults("--rounds-since", "2000-01-01")} == {"round"}


def test_an_export_is_told_since_when_rounds_are_kept(books: Books, tmp_path: Path) -> None:  # noqa: F811
    books.rounds = {key: item for key, item in books.rounds.items() if item["roundId"] == "p-open"}
    for name in ("Players", "Transactions", "FreeRounds", "Rounds"):
        write_export(tmp_path, name, books.of(name))

    assert {fault.what for fault in account_of_exports([str(tmp_path)]).faults} == {"round"}
    since = datetime.now(UTC) + timedelta(1)
    assert account_of_exports([str(tmp_path)], rounds_since=since).faults == []


def test_an_export_without_rounds_is_proved_but_for_them(books: Books, tmp_path: Path) -> None:  # noqa: F811
    for name in ("Players", "Transactions", "FreeRounds"):
        write_export(tmp_path, name, books.of(name))

    made = account_of_exports([str(tmp_path)])

    assert (made.faults, made.compares_rounds) == ([], False)


def test_a_table_that_is_younger_than_the_bets_need_not_have_their_rounds(tables: Ledger, books: Books) -> None:  # noqa: F811
    _older(books, 2)
    books.rounds = {}
    books.put()

    assert tables.faults() == []
    assert {fault for _, _, fault in tables.faults("--rounds-since", "2000-01-01")} == {"round"}


def test_a_restored_table_must_have_all_its_rounds(tables: Ledger, books: Books) -> None:  # noqa: F811
    _older(books, 2)
    books.rounds = {}
    books.put()
    names = [f"--{name}-table={table}" for name, table in (("players", "Players"), ("transactions", "Transactions"))]

    assert {fault for _, _, fault in tables.faults(*names, "--rounds-table=Rounds")} == {"round"}
    result = tables.verify(*names)
    assert result.exit_code == 0
    assert "The rounds were not compared: there is no table of them" in result.stdout


def test_a_round_that_changes_while_it_is_read_is_no_fault(books: Books) -> None:  # noqa: F811
    """A refusal, a memory and what is booked elsewhere change a round, and not the wallet."""
    now = books.items()
    before = deepcopy(books)
    for key, item in before.rounds.items():
        if item["roundId"] == "p-poor":
            before.rounds[key] = {name: value for name, value in item.items() if name != "hadRefusedBet"}
    read = before.items()

    made, _ = prove(read, now=now)
    assert (made.faults, made.moved_meanwhile) == ([], 1)

    made, _ = prove(read, now=read)
    assert [fault.text for fault in made.faults] == [
        "round p-poor of game slot: it says that no bet was refused, where bet#too-much was"
    ]


def test_one_players_rounds_are_proved_as_far_as_the_index_has_records(tables: Ledger, books: Books) -> None:  # noqa: F811
    books.put()
    assert tables.faults(whose=PLAYS) == []

    books.rounds[PLAYS, "4:slotp-open"]["bets"] = []
    books.rounds[PLAYS, "4:slotp-won"]["winnings"] = Decimal(3)
    _without(books, "p-undone")
    books.transactions.pop("bet#too-much")
    books.put()
    texts = [fault["text"] for fault in tables.account(whose=PLAYS)["shownFaults"]]
    assert [text for text in texts if "openSince" not in text and "expiresAt" not in text] == [
        "round p-open of game slot: bet#open was taken and not paid back, and is not among its live bets",
        "round p-undone of game slot is not on record, where its bets are not 400 days old",
        "round p-won of game slot: its winnings are 3, where its results asked for 4",
    ]


def test_a_refund_says_what_it_paid_back(books: Books) -> None:  # noqa: F811
    books.said("cancel#first", amount="4")
    books.compute_again(PLAYS)

    assert _faults(books) == ["it paid back 3.5, its request says 4"]

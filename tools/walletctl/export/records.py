"""An export's records and rounds, read in processes beside the database: each record is compared with its own request.

Requests are not loaded into the database: they are most of an export, and a name in them may be written in any case.
So each file is read here, line by line, by the comparison that `verify` uses on the tables. What the queries need of a
record goes to a file that the database loads, with the text that its digest covers: no query could write that text,
since a record may have any attribute. Faults go to another file, since there may be many.
"""

import gzip
import json
import multiprocessing
import os
import signal
import zlib
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.shared.outside import fault, plain
from tools.shared.trouble import Trouble
from tools.walletctl.export.files import Table
from tools.walletctl.verify.books import (
    NUMBERS,
    kept_place,
    kept_round,
    kept_transaction,
    number,
    wrong_in_round,
    wrong_in_transaction,
)
from tools.walletctl.verify.entries import Fault
from tools.walletctl.verify.record import faults_of, owner, read_again

_WORTH_A_PROCESS = 4 << 20  # packed bytes; a process takes half a second to start

_LINES_BETWEEN_LOOKS = 1000  # some thirty milliseconds

# Each column that the queries compare by its attribute, all as texts.
COLUMNS: Mapping[str, str] = {
    "id": "id",
    "player": "userId",
    "seq": "seq",
    "outcome": "outcome",
    "amount": "amount",
    "asked": "amountAsked",
    "bonus_amount": "bonusAmount",
    "currency": "currency",
    "cash_after": "cashAfter",
    "bonus_after": "bonusAfter",
    "bonus_code": "bonusCode",
    "uncovered_after": "uncoveredAfter",
    "advance_after": "advanceAfter",
    "game_id": "gameId",
    "round_id": "roundId",
    "campaign_id": "campaignId",
    "campaign_type": "campaignType",
    "provider_id": "providerId",
    "sent_at": "timestamp",
    "recorded_at": "recordedAt",
    "prize_reference": "prizeReference",
    "prize_amount": "prizeAmount",
    "later_prize_reference": "laterPrizeReference",
    "later_prize_amount": "laterPrizeAmount",
    "actor": "actor",
    "reason": "reason",
    "arrived_with": "arrivedWith",
    "request_digest": "requestDigest",
    "digest": "digest",
}
# What was read again of a request that is not loaded.
READ_AGAIN: Mapping[str, str] = {"inherits": "#inherits", "undoes": "#undoes", "undoes_amount": "#undoesAmount"}
# And what a record is read again from: what its digest covers, and what it does not.
COVERED, ASIDE = "covered", "aside"
# Of a round: what the queries compare, and what it is read again from.
ROUND: Mapping[str, str] = {
    "player": "userId",
    "round": "round",
    "game_id": "gameId",
    "round_id": "roundId",
    "bets": "bets",
    "had_bet": "hadBet",
    "had_refused_bet": "hadRefusedBet",
    "has_result": "hasResult",
    "winnings": "winnings",
    "refunded": "refunded",
    "open_since": "openSince",
    "expires_at": "expiresAt",
}
ENTRY = "entry"

_TEXTS = {attribute: column for column, attribute in COLUMNS.items() if attribute not in NUMBERS}
_NUMBERS = {attribute: column for column, attribute in COLUMNS.items() if attribute in NUMBERS}
_decode = json.JSONDecoder().raw_decode  # quicker than loads, which guesses an encoding


class Records:
    """Reads the records of files: by processes, or here if the files are small."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stop = folder / "stop"
        self._pool: Executor | None = None
        self._files = 0

    def close(self) -> None:
        """Stops the processes: nothing writes into the folder after this."""
        if self._pool:
            self._stop.touch()
            self._pool.shutdown(cancel_futures=True)

    def begin(self, table: Table, paths: Sequence[Path]) -> Callable[[], list[tuple[Path, Path]]]:
        """Starts to read files. The function it returns waits for their rows and faults. Both may raise Trouble."""
        jobs: list[tuple[Table, Path, Path, Path, Path]] = []
        for path in paths:
            self._files += 1
            rows, faults = (self._folder / f"{what}-{self._files}.json" for what in ("rows", "faults"))
            jobs.append((table, path, rows, faults, self._stop))
        if sum(path.stat().st_size for path in paths) < _WORTH_A_PROCESS:
            return lambda: [_read(*job) for job in jobs]
        if self._pool is None:
            # A fork would copy the database's threads in a state of their own.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(os.cpu_count(), mp_context=context, initializer=_leave_ctrl_c)
        running = [self._pool.submit(_read, *job) for job in jobs]
        return lambda: [*map(Future.result, running)]


def _leave_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command ends its processes by itself


def _read(table: Table, path: Path, rows_to: Path, faults_to: Path, stop: Path) -> tuple[Path, Path]:
    """Writes a file's rows, and the faults of its records, one a line. Raises Trouble if the file cannot be read."""
    opened: Any = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as lines, rows_to.open("w") as rows, faults_to.open("w") as faults:
            for count, line in enumerate(filter(bytes.strip, lines)):
                if count % _LINES_BETWEEN_LOOKS == 0 and stop.exists():
                    break
                item, row = _record(line)
                if table == "rounds":
                    row, wrong = _round(item)
                else:
                    wrong = [*faults_of(item)]
                    if unreadable := wrong_in_transaction(item):
                        what = str(item.get("id"))
                        wrong.append(Fault(user_id=owner(item), what="unreadable", id=what, text=unreadable))
                    else:
                        _keep(item, row)
                rows.write(f"{json.dumps(row)}\n")
                for each in wrong:
                    faults.write(f"{json.dumps({'player': each.user_id, 'fault': json.dumps(asdict(each))})}\n")
    except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Trouble(f"{plain(str(path))} cannot be read: {fault(error)}") from None
    return rows_to, faults_to


def _record(line: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """An item of DynamoDB's JSON in Python's types, and its row. An attribute of a wrong type is not in the row."""
    item: dict[str, Any] = {}
    row: dict[str, str] = {}
    for name, attribute in _decode(line.decode().lstrip())[0]["Item"].items():
        ((type_, value),) = attribute.items()
        if type_ == "S":
            item[name] = value
            if name in _TEXTS:
                row[_TEXTS[name]] = value
        else:
            item[name] = _value(type_, value)
            if type_ == "N" and name in _NUMBERS:
                row[_NUMBERS[name]] = value
    return item, row


def _keep(item: dict[str, Any], row: dict[str, str]) -> None:
    """Adds what the record is read again from. What the row would have twice is left out: most have nothing aside."""
    row[COVERED], _, aside = kept_transaction(item).partition("\n")
    again = read_again(item)
    row |= {column: again[name] for column, name in READ_AGAIN.items() if name in again}
    if aside != f'{{"digest": "{row.get("digest")}"}}':
        row[ASIDE] = aside
    if "arrived_with" not in row:
        row.pop("request_digest", None)  # the queries ask only prizes for it


def _round(item: dict[str, Any]) -> tuple[dict[str, str], list[Fault]]:
    """A round's row, and why it cannot be read, if it cannot."""
    row = {"player": owner(item)} | {name: item[name] for name in ("round",) if isinstance(item.get(name), str)}
    if wrong := wrong_in_round(item):
        place = kept_place(item)
        named = {"game_id": place.get("gameId"), "round_id": place.get("roundId"), ENTRY: json.dumps(place)}
        row |= {name: text for name, text in named.items() if text is not None}
        return row, [Fault(user_id=owner(item), what="unreadable", text=wrong)]
    held = kept_round(item)
    row |= {column: str(held[name]) for column, name in ROUND.items() if name in held and name != "bets"}
    bets = [f"{bet['reference']}\n{_decimal(bet['taken'])}\n{bet.get('bonusCode', '')}" for bet in held["bets"]]
    return row | {"bets": "\n".join(bets), ENTRY: json.dumps(held)}, []


def _decimal(taken: str) -> str:
    """As the database writes what it compares it with; what that cannot hold is written so that it differs."""
    whole, _, part = taken.partition(".")
    return f"{whole}.{part:0<18}" if len(part) <= 18 else taken


def _value(type_: str, value: Any) -> Any:
    match type_:
        case "N":
            return number(value)
        case "S" | "BOOL":
            return value
        case "NULL":
            return None
        case "L":
            return [_value(*one) for each in value for one in each.items()]
        case "M":
            return {name: _value(*one) for name, each in value.items() for one in each.items()}
        case "B":
            return b64decode(value)
        case _:
            return {_value(type_[0], each) for each in value}  # SS, NS, BS

"""The ledger's wins, bets and cancels, read by several readers in parallel and put on disk.

What the operator's own systems moved is left out: the provider's report knows nothing of it.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from tools.shared.identifiers import in_capitals
from tools.shared.moments import recorded
from tools.walletctl.kinds import BET, OPERATORS
from tools.walletctl.reconcile.dates import of_number
from tools.walletctl.reconcile.decimals import canonical
from tools.walletctl.tables import Tables, projection

_LATE = 15 * 60_000  # milliseconds: no delivery takes as long, and no report is compared as soon
READERS = 4  # each scans a part of the table; more are no faster on a machine with two processors
ATTRIBUTES = (
    "id", "transactionId", "userId", "currency", "amount", "amountAsked", "outcome", "timestamp", "recordedAt",
    "gameId", "roundId",
)  # fmt: skip


def copy_ledger(tables: Tables, folder: Path, advance: Callable[[int], None], zone: tzinfo = UTC) -> list[Path]:
    """Writes a JSON object for each win, bet and cancel into files of the folder, a line each. Raises Trouble.

    Days are of the zone, as the report's are.
    """
    stop, lock = threading.Event(), threading.Lock()

    def tell(rows: int) -> None:
        with lock:
            advance(rows)

    paths = [folder / f"ledger-{segment}.json" for segment in range(READERS)]
    with ThreadPoolExecutor(READERS) as readers:
        reading = [
            readers.submit(_copy_segment, tables, segment, path, stop, tell, zone) for segment, path in enumerate(paths)
        ]
        try:
            for each in reading:
                each.result()
        except BaseException:
            stop.set()  # one cannot read, or somebody has had enough: the others need not go on
            raise
    return paths


def _copy_segment(
    tables: Tables, segment: int, path: Path, stop: threading.Event, tell: Callable[[int], None], zone: tzinfo
) -> None:
    with path.open("w") as written:
        for items in _pages(tables, segment, stop):
            rows = [_row(item, zone) for item in items if _kind(item) not in OPERATORS]
            written.writelines(f"{json.dumps(row)}\n" for row in rows)
            tell(len(items))


def _pages(tables: Tables, segment: int, stop: threading.Event) -> Iterator[list[Mapping[str, Any]]]:
    request: dict[str, Any] = {
        "TableName": tables.transactions,
        "ConsistentRead": True,
        "Segment": segment,
        "TotalSegments": READERS,
        **projection(ATTRIBUTES),
    }
    for answer in tables.pages(tables.dynamodb.scan, request):
        yield answer["Items"]
        if stop.is_set():
            return


def _kind(item: Mapping[str, Any]) -> str:
    return item["id"].get("S", "").partition("#")[0]


def _row(item: Mapping[str, Any], zone: tzinfo) -> dict[str, str | int | None]:
    """What is compared, as texts; "" for what is absent or of another type. A stake is above zero, as in a report.

    `stamp` is the provider's own timestamp, in milliseconds; `moment` is when it was recorded, if there is none. `late`
    is when it was recorded, if that was long after its timestamp, or before it.
    """
    texts = {name: item[name].get("S", "") if name in item else "" for name in ATTRIBUTES}
    written = texts["recordedAt"] if recorded(texts["recordedAt"]) else ""  # another text would be after every moment
    is_bet = texts["id"].startswith(f"{BET}#")
    moment = recorded(written)
    at = int(moment.timestamp() * 1000) if moment else None
    stamped = of_number(texts["timestamp"], zone)
    asked, paid = (_amount(item.get(name, {}).get("N", "")) for name in ("amountAsked", "amount"))
    return {
        "id": texts["id"],
        "transaction": texts["transactionId"],
        "player": texts["userId"],
        "currency": in_capitals(texts["currency"]),
        "asked": asked.removeprefix("-") if is_bet else asked,
        "paid": paid.removeprefix("-") if is_bet else paid,
        "outcome": texts["outcome"],
        "day": stamped.day if stamped else f"{moment.astimezone(zone):%Y-%m-%d}" if moment else "",
        "recorded": written,
        "stamp": stamped.at if stamped else None,
        "moment": stamped.at if stamped else at,
        "late": at if stamped and at is not None and abs(at - stamped.at) > _LATE else None,
        "place": place(texts["userId"], texts["gameId"], texts["roundId"]) if is_bet else "",
    }


def place(player: str, game: str, round_id: str) -> str:
    """A round in one text."""
    return json.dumps([player, game, round_id])


def _amount(number: str) -> str:
    """A number of DynamoDB's as the report's are written."""
    return canonical(number) or number


def recorded_at(moment: datetime) -> str:
    """A moment as `recordedAt` has it: the texts are in the order of the moments."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")

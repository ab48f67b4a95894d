"""The wallet's tables, read whole or by key, strongly consistent where DynamoDB can. Nothing here writes."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import Any

from tools.shared.identifiers import can_be_key
from tools.shared.items import Item, decoded, encoded
from tools.shared.outside import plain, trouble_if
from tools.shared.trouble import Trouble

_MOST_KEYS = 100  # in one BatchGetItem, as DynamoDB has it
_MOST_BYTES_OF_A_SORT_KEY = 1024
_MOST_EMPTY = 10  # calls in a row that bring nothing, with growing pauses: about five seconds in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The tables' names and the client that reaches them; `free_rounds` is None where nobody named one.

    `rounds` is None there too, and in a stack that takes no bets.

    Whatever reads raises Trouble if it cannot.
    """

    dynamodb: Any
    players: str
    transactions: str
    free_rounds: str | None
    rounds: str | None = None

    def wallet(self, user_id: str, attributes: Sequence[str] | None = None) -> Item | None:
        return next(self.wallets([user_id], attributes), None)

    def wallets(self, user_ids: Iterable[str], attributes: Sequence[str] | None = None) -> Iterator[Item]:
        """Those that are there, in no order."""
        return self._with_keys(self.players, [{"userId": each} for each in user_ids if can_be_key(each)], attributes)

    def with_ids(self, ids: Iterable[str], attributes: Sequence[str] | None = None) -> Iterator[Item]:
        """The transactions under these ids that are there, in no order."""
        return self._with_keys(self.transactions, [{"id": each} for each in ids if can_be_key(each)], attributes)

    def free_rounds_of(self, user_id: str) -> list[Item]:
        return [*self._of_player(self.free_rounds, user_id, ConsistentRead=True)] if self.free_rounds else []

    def rounds_at(self, places: Iterable[tuple[str, str, str]]) -> Iterator[Item]:
        """The rounds that are there, in no order, by player, game and round."""
        if not self.rounds:
            return
        texts = [(user_id, f"{len(game)}:{game}{round_id}") for user_id, game, round_id in dict.fromkeys(places)]
        keys = [
            {
                "userId": user_id,
                "round": text if len(text.encode()) <= _MOST_BYTES_OF_A_SORT_KEY else sha256(text.encode()).hexdigest(),
            }
            for user_id, text in texts
            if can_be_key(user_id)
        ]
        yield from self._with_keys(self.rounds, keys)

    def rounds_called(self, round_id: str, player: str | None, advance: Callable[[int], None]) -> Iterator[Item]:
        """The rounds of that id, in whatever game: a player's, or by reading all rounds."""
        if not self.rounds:
            return iter(())
        if player is None:
            return self.scanned(self.rounds, advance, having={"roundId": round_id})
        theirs = self._of_player(self.rounds, player, ConsistentRead=True) if can_be_key(player) else ()
        return (item for item in theirs if item.get("roundId") == round_id)

    def open_rounds(self, player: str | None, until: str | None, advance: Callable[[int], None]) -> Iterator[Item]:
        """The rounds that are open, or open since before a moment (ISO 8601 in UTC), the longest first.

        The index has only open rounds. What was written within the last moments may be missing in it.
        """
        if not self.rounds or (player is not None and not can_be_key(player)):
            return
        index = {"TableName": self.rounds, "IndexName": "openRounds"}
        if player is None:
            pages = self.pages(self.dynamodb.scan, index)
        else:
            whose = {
                "KeyConditionExpression": "userId = :whose",
                "ExpressionAttributeValues": {":whose": {"S": player}},
            }
            pages = self.pages(self.dynamodb.query, {**index, **whose})
        found: list[Item] = []
        for answer in pages:
            advance(len(answer["Items"]))
            found += [item for item in map(decoded, answer["Items"]) if until is None or str(item["openSince"]) < until]
        found.sort(key=lambda item: (item["openSince"], item["userId"], item["round"]))
        for start in range(0, len(found), _MOST_KEYS):
            keys = [{"userId": item["userId"], "round": item["round"]} for item in found[start : start + _MOST_KEYS]]
            there = {(item["userId"], item["round"]): item for item in self._with_keys(self.rounds, keys)}
            yield from (item for key in keys if (item := there.get((*key.values(),))) and "openSince" in item)

    def rounds_of(self, user_id: str) -> list[Item]:
        return [*self._of_player(self.rounds, user_id, ConsistentRead=True)] if self.rounds else []

    def round(self, user_id: str, key: str) -> Item | None:
        keys = [{"userId": user_id, "round": key}] if self.rounds and can_be_key(user_id) else []
        return next(self._with_keys(self.rounds or "", keys), None)

    def rounds_since(self) -> datetime | None:
        """When the table of rounds was made, in UTC; None where DynamoDB does not say, or there is none."""
        if not self.rounds:
            return None
        with trouble_if(f"the table {plain(self.rounds)} cannot be read"):
            made = self.dynamodb.describe_table(TableName=self.rounds)["Table"].get("CreationDateTime")
        return made.astimezone(UTC) if made else None

    def ledger(
        self, user_id: str, *, newest_first: bool = False, before: int | None = None, at_once: int | None = None
    ) -> Iterator[Item]:
        """A player's transactions in the order of `seq`, by the index, with what the index has of each.

        `before` leaves out, unread, those of that `seq` and higher; `at_once` reads as many in a call, where no more
        are wanted. What was written within the last moments may be missing: DynamoDB has no consistent index.
        """
        limit = {"Limit": at_once} if at_once else {}
        found = self._of_player(
            self.transactions, user_id, before, IndexName="byPlayer", ScanIndexForward=not newest_first, **limit
        )
        return found if can_be_key(user_id) else iter(())

    def moved(self, since: str, until: str | None, advance: Callable[[int], None]) -> Iterator[Item]:
        """Every player's movements recorded in that time (ISO 8601 in UTC), in no order, by reading the whole index.

        It is a small part of the table. It lacks what moved no money, and perhaps what was written in the last moments.
        """
        request = {
            "TableName": self.transactions,
            "IndexName": "byPlayer",
            "FilterExpression": "recordedAt >= :since" + ("" if until is None else " AND recordedAt < :until"),
            "ExpressionAttributeValues": encoded({":since": since} | ({} if until is None else {":until": until})),
        }
        for answer in self.pages(self.dynamodb.scan, request):
            yield from map(decoded, answer["Items"])
            advance(answer["ScannedCount"])

    def size_of_index(self) -> tuple[int, int]:
        """How many movements that index has, and in how many bytes, as DynamoDB counted within the last six hours."""
        with trouble_if(f"the table {plain(self.transactions)} cannot be read"):
            described = self.dynamodb.describe_table(TableName=self.transactions)["Table"]
        index = next(each for each in described["GlobalSecondaryIndexes"] if each["IndexName"] == "byPlayer")
        return int(index.get("ItemCount", 0)), int(index.get("IndexSizeBytes", 0))

    def whole(self, found: Iterator[Item]) -> Iterator[Item]:
        """The transactions of an index with all that the table has of them, in the same order."""
        while some := [item["id"] for item in islice(found, _MOST_KEYS)]:
            by_id = {item["id"]: item for item in self.with_ids(some)}
            yield from (by_id[id] for id in some if id in by_id)

    def scanned(
        self,
        table: str,
        advance: Callable[[int], None],
        attributes: Sequence[str] | None = None,
        having: Mapping[str, str] | None = None,
    ) -> Iterator[Item]:
        """Every item of a table, in no order; only those `attributes` of it, if any are named.

        `having` leaves only those with at least one of these attributes and values. `advance` is told of all that are
        read.
        """
        request = {"TableName": table, "ConsistentRead": True, **projection(attributes), **_filter(having)}
        for answer in self.pages(self.dynamodb.scan, request):
            yield from map(decoded, answer["Items"])
            advance(answer["ScannedCount"])

    def approximate_number(self, table: str) -> int:
        """How many items DynamoDB counted within the last six hours; 0 where it does not say."""
        with trouble_if(f"the table {plain(table)} cannot be read"):
            return int(self.dynamodb.describe_table(TableName=table)["Table"].get("ItemCount", 0))

    def name_of_ledger(self) -> str:
        """What tells this ledger from any other: its table of transactions, with account and region."""
        with trouble_if(f"the table {plain(self.transactions)} cannot be read"):
            return self.dynamodb.describe_table(TableName=self.transactions)["Table"]["TableArn"]

    def _with_keys(self, table: str, keys: Sequence[Item], attributes: Sequence[str] | None = None) -> Iterator[Item]:
        for start in range(0, len(keys), _MOST_KEYS):
            left = [encoded(key) for key in keys[start : start + _MOST_KEYS]]
            empty = 0
            while left:
                request = {table: {"Keys": left, "ConsistentRead": True, **projection(attributes)}}
                with trouble_if(f"the table {plain(table)} cannot be read"):
                    answer = self.dynamodb.batch_get_item(RequestItems=request)
                found = answer["Responses"].get(table, [])
                yield from map(decoded, found)
                left = (answer.get("UnprocessedKeys") or {}).get(table, {}).get("Keys", [])
                empty = 0 if found else empty + 1
                if left and empty == _MOST_EMPTY:
                    raise Trouble(f"the table {plain(table)} is throttled: try again when fewer read it")
                if left:
                    time.sleep(random.uniform(0, min(2.0, 0.05 * 2**empty)))  # noqa: S311 - jitter, no secret

    def _of_player(self, table: str, user_id: str, before: int | None = None, **how: Any) -> Iterator[Item]:
        values: Item = {":whose": user_id} if before is None else {":whose": user_id, ":before": before}
        request = {
            "TableName": table,
            "KeyConditionExpression": "userId = :whose" + ("" if before is None else " AND seq < :before"),
            "ExpressionAttributeValues": encoded(values),
            **how,
        }
        for answer in self.pages(self.dynamodb.query, request):
            yield from map(decoded, answer["Items"])

    def pages(self, read: Callable[..., Any], request: dict[str, Any]) -> Iterator[Any]:
        """The answers to a scan or a query, until there are no more items."""
        while True:
            with trouble_if(f"the table {plain(request['TableName'])} cannot be read"):
                answer = read(**request)
            yield answer
            if not (after := answer.get("LastEvaluatedKey")):
                return
            request["ExclusiveStartKey"] = after


def projection(attributes: Sequence[str] | None) -> dict[str, Any]:
    if not attributes:
        return {}
    return {
        "ProjectionExpression": ", ".join(f"#{name}" for name in attributes),  # some are words of DynamoDB's own
        "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
    }


def _filter(having: Mapping[str, str] | None) -> dict[str, Any]:
    if not having:
        return {}
    return {
        "FilterExpression": " OR ".join(f"#{name} = :{name}" for name in having),
        "ExpressionAttributeNames": {f"#{name}": name for name in having},
        "ExpressionAttributeValues": {f":{name}": {"S": value} for name, value in having.items()},
    }

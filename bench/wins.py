"""The events that every contender is sent: API Gateway's, each with its own reference. The same in every run."""

import json
from collections.abc import Iterator, Sequence
from itertools import count, cycle
from typing import Any

from tools.local.deploy.examples import event

Event = dict[str, Any]

_DETAIL = {"symbol": "cherry", "line": 12, "multiplier": 1.5, "win": "0.50"}


class Wins:
    """Wins with references that no other has: each run's first call begins where the one before ended."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def fresh(self, how_many: int, players: Sequence[str], **fields: Any) -> list[Event]:
        """So many wins nobody has sent yet, spread over the players in turn."""
        turns = cycle(players)
        return [win(self._reference(), next(turns), **fields) for _ in range(how_many)]

    def rounds(self, how_many: int, players: Sequence[str]) -> list[dict[str, Event]]:
        """So many rounds, spread over the players in turn, each with the calls that it may have, by their names.

        They have one reference, and a round id nobody has sent yet.
        """
        turns = cycle(players)
        return [_round(self._reference(), next(turns)) for _ in range(how_many)]

    def endless(self, players: Sequence[str]) -> Iterator[Event]:
        for player in cycle(players):
            yield win(self._reference(), player)

    def again(self, how_many: int, player: str, **fields: Any) -> list[Event]:
        """One win, so many times."""
        return [win(self._reference(), player, **fields)] * how_many

    def _reference(self) -> str:
        return f"{next(self._numbers):024x}"


def _round(reference: str, user_id: str) -> dict[str, Event]:
    return {
        name: changed(event(name), reference=reference, roundId=reference, userId=user_id)
        for name in ("bet", "cancel", "result")
    }


def changed(sent: Event, **fields: Any) -> Event:
    """An event with other fields in its body."""
    return sent | {"body": json.dumps(json.loads(sent["body"]) | fields)}


def win(reference: str, user_id: str, *, bonus_code: str | None = None, kibibytes: int = 0) -> Event:
    """A result of 10.0 in a body of at least so many KiB (a usual one has a third of one)."""
    published = event("result")
    body = json.loads(published["body"]) | {"reference": reference, "userId": user_id}
    if bonus_code:
        body["bonusCode"] = bonus_code
    if kibibytes:
        missing = kibibytes * 1024 - len(json.dumps(body))
        body["roundDetails"] = [_DETAIL] * (missing // (len(json.dumps(_DETAIL)) + 2))
    return published | {"body": json.dumps(body)}

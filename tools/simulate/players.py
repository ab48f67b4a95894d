"""Who plays: players of the simulation's own, opened where there are none, or some that were named."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tools.certify.requests import is_name
from tools.local.trouble import Trouble
from tools.outside import plain, trouble_if
from tools.simulate.money import CURRENCIES
from tools.simulate.story import Player
from tools.walletctl.place import Tables

OPENING_CASH = "100"


@dataclass(frozen=True, slots=True)
class Named:
    """A player as the command line names one: `421` or `421=USD`."""

    user_id: str
    currency: str | None

    @classmethod
    def read(cls, text: str) -> "Named":
        user_id, _, currency = text.partition("=")
        if not is_name(user_id) or "=" in currency or (currency and not is_name(currency)):
            raise Trouble(f"{plain(text)} names no player: write --player 421 or --player 421=USD")
        return cls(user_id, currency or None)


def own(tables: Tables, count: int) -> list[Player]:
    """So many players `sim-001`, `sim-002`, …; who has no wallet yet gets one. Raises Trouble."""
    currencies = [*CURRENCIES]
    players = []
    for number in range(count):
        player = Player(user_id=f"sim-{number + 1:03}", currency=currencies[number % len(currencies)])
        currency = _currency(tables, player.user_id)
        if currency is None:
            _open(tables, player)
        players.append(Player(user_id=player.user_id, currency=currency or player.currency))
    return players


def named(tables: Tables, names: Sequence[Named]) -> list[Player]:
    """Players whose wallets stand in the tables. Raises Trouble for one who has none, or another currency."""
    players = []
    for name in names:
        currency = _currency(tables, name.user_id)
        if currency is None:
            raise Trouble(f"{plain(name.user_id)} has no wallet: `walletctl help players add` says how to open one")
        if name.currency and name.currency.upper() != currency.upper():
            raise Trouble(f"the wallet of {plain(name.user_id)} is in {plain(currency)}, not in {name.currency}")
        players.append(Player(user_id=name.user_id, currency=currency))
    return players


def unseen(names: Sequence[Named]) -> list[Player]:
    """Players of an operator whose tables are not ours to read: their currencies must be said. Raises Trouble."""
    for name in names:
        if name.currency is None:
            raise Trouble(f"in which currency is {plain(name.user_id)}'s wallet? write --player {name.user_id}=USD")
    return [Player(user_id=name.user_id, currency=name.currency or "") for name in names]


def _currency(tables: Tables, user_id: str) -> str | None:
    with trouble_if("the wallets cannot be read"):
        answer = tables.dynamodb.get_item(TableName=tables.players, Key={"userId": {"S": user_id}}, ConsistentRead=True)
    item: dict[str, Any] | None = answer.get("Item")
    return item["currency"]["S"] if item else None


def _open(tables: Tables, player: Player) -> None:
    with trouble_if(f"no wallet can be opened for {player.user_id}"), suppress(_exists(tables)):
        tables.dynamodb.put_item(
            TableName=tables.players,
            Item={
                "userId": {"S": player.user_id},
                "currency": {"S": player.currency},
                "cash": {"N": OPENING_CASH},
                "bonus": {"N": "0"},
                "version": {"N": "0"},
            },
            ConditionExpression="attribute_not_exists(userId)",
        )


def _exists(tables: Tables) -> type[Exception]:
    return tables.dynamodb.exceptions.ConditionalCheckFailedException

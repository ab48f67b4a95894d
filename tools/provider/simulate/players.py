"""Who plays: as the command line names them, and where they have their wallets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tools.provider.simulate.story import Player
from tools.shared.identifiers import is_identifier
from tools.shared.outside import legible, plain
from tools.shared.trouble import Trouble


@dataclass(frozen=True, slots=True)
class Named:
    """A player as the command line names one: `421` or `421=USD`."""

    user_id: str
    currency: str | None

    @classmethod
    def read(cls, text: str) -> "Named":
        user_id, _, currency = text.partition("=")
        if not is_identifier(user_id) or "=" in currency or (currency and not is_identifier(currency)):
            raise Trouble(f"{plain(text)} names no player: write --player 421 or --player 421=USD")
        return cls(user_id, currency or None)


class Wallets(Protocol):
    """Where players have wallets, as other options than --url name it. Its questions raise Trouble."""

    @property
    def is_named(self) -> bool:
        """Whether an option named it. If not, it is the local service."""
        ...

    def url(self) -> str: ...

    def of(self, names: Sequence[Named]) -> list[Player]:
        """Those players, whose wallets are there."""
        ...

    def own(self, count: int) -> list[Player]:
        """So many players of the simulation's own; their wallets are opened where there are none."""
        ...


def unseen(names: Sequence[Named]) -> list[Player]:
    """Players of an operator whose tables are not ours to read: their currencies must be said. Raises Trouble."""
    for name in names:
        if name.currency is None:
            raise Trouble(f"in which currency is {legible(name.user_id)}'s wallet? write --player {name.user_id}=USD")
    return [Player(user_id=name.user_id, currency=name.currency or "") for name in names]

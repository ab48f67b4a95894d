"""The wallets of those who play a simulation: in the local service's tables, or in a stack's."""

from collections.abc import Sequence

from tools.provider.simulate.money import CURRENCIES, Purse
from tools.provider.simulate.players import Named
from tools.provider.simulate.story import Player
from tools.shared.outside import legible, plain
from tools.shared.trouble import Trouble
from tools.walletctl.place import Asked, Place

OPENING_STAKES = 200


class Playing:
    """What `simulate` asks of a place: tools/provider/simulate/players.py."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    @property
    def is_named(self) -> bool:
        return bool(self._asked.local or self._asked.stack or self._asked.profile or self._asked.region)

    def url(self) -> str:
        return self._place().url()

    def own(self, count: int) -> list[Player]:
        """Players `sim-001`, `sim-002`, …. Raises Trouble for a stack: wallets are opened only locally."""
        if self._asked.stack:
            raise Trouble("name the stack's players who play: --player 421 (wallets are opened only locally)")
        where, currencies = self._place(), [*CURRENCIES]
        tables = where.tables()
        actor, reason = where.caller(), "walletctl simulate"
        from tools.local.opening import Opening  # of a checkout alone, and with the wallet's own code
        from tools.walletctl.players.opening import open_wallet

        players = []
        for number in range(count):
            user_id, currency = f"sim-{number + 1:03}", currencies[number % len(currencies)]
            cash = OPENING_STAKES * Purse(currency).stake
            wallet = Opening(user_id=user_id, currency=currency, cash=cash)
            there = tables.wallet(user_id) or open_wallet(wallet, where, actor=actor, reason=reason)
            players.append(Player(user_id=user_id, currency=there["currency"] if there else currency))
        return players

    def of(self, names: Sequence[Named]) -> list[Player]:
        """Raises Trouble for a player who has no wallet, or one in another currency."""
        tables = self._place().tables()
        players = []
        for name in names:
            wallet = tables.wallet(name.user_id)
            if wallet is None:
                raise Trouble(
                    f"{legible(name.user_id)} has no wallet: `walletctl help players add` says how to open one"
                )
            currency = str(wallet.get("currency"))
            if name.currency and name.currency.upper() != currency.upper():
                raise Trouble(f"the wallet of {legible(name.user_id)} is in {plain(currency)}, not in {name.currency}")
            players.append(Player(user_id=name.user_id, currency=currency))
        return players

    def _place(self) -> Place:
        return self._asked.place()

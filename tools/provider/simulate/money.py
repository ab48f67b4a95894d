"""What players stake and win. Amounts are exact, in whole units of the currency's last decimal."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

Pays = Sequence[tuple[float, float, float]]  # how many of a thousand rounds pay from and to how many stakes

# A currency's decimals, and the stake of an ordinary spin.
CURRENCIES: Mapping[str, tuple[int, str]] = {
    "USD": (2, "0.50"),
    "EUR": (2, "0.40"),
    "GBP": (2, "0.40"),
    "JPY": (0, "60"),
    "KWD": (3, "0.150"),
    "USDT": (6, "0.500000"),
    "BTC": (8, "0.00000800"),
}
_OF_A_STRANGER = (2, "1.00")

# A player gets about 95 % back.
PAYS: Pays = (
    (703, 0.0, 0.0),
    (190, 0.2, 1.2),
    (84.5, 1.0, 6.0),
    (18, 5.0, 35.0),
    (4.2, 30.0, 150.0),
    (0.3, 150.0, 2500.0),
)


@dataclass(frozen=True, slots=True)
class Purse:
    """What is staked and won in a currency. `stakes` are an ordinary player's, in ordinary spins."""

    currency: str
    pays: Pays = PAYS

    @property
    def decimals(self) -> int:
        return CURRENCIES.get(self.currency.upper(), _OF_A_STRANGER)[0]

    @property
    def stake(self) -> Decimal:
        return Decimal(CURRENCIES.get(self.currency.upper(), _OF_A_STRANGER)[1])

    def win(self, chance: random.Random, stakes: int) -> Decimal:
        """What a round of so many ordinary stakes pays: mostly nothing, rarely much."""
        _, least, most = chance.choices(self.pays, [weight for weight, *_ in self.pays])[0]
        if most == 0:
            return self.exactly(Decimal(0))
        # Small ones are likelier than large ones within their range, too.
        times = Decimal(least) + Decimal(most - least) * Decimal(chance.random() ** 3)
        return self.exactly(self.stake * stakes * times)

    def exactly(self, amount: Decimal) -> Decimal:
        """The amount in whole units of the last decimal."""
        return amount.quantize(Decimal(1).scaleb(-self.decimals))

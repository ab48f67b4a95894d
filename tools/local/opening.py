"""A wallet to be opened by the cashier, with its first movement, by every program that opens one."""

from dataclasses import dataclass
from decimal import Decimal

from tools.shared.amounts import amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Whose wallet, and what it begins with."""

    user_id: str
    currency: str
    cash: Decimal = Decimal(0)
    bonus: Decimal = Decimal(0)

    def order(self, *, actor: str, reason: str) -> dict[str, str]:
        """What the cashier is told. A player has one opening: its reference is the userId."""
        return {
            "movement": "opening",
            "reference": self.user_id,
            "userId": self.user_id,
            "amount": amount(self.cash),
            "currency": self.currency,
            "bonus": amount(self.bonus),
            "actor": actor,
            "reason": reason,
        }

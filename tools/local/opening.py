"""A wallet to be opened: put where there is none, by every program that opens one."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tools.shared.items import Item, encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Whose wallet, and what it begins with."""

    user_id: str
    currency: str
    cash: Decimal = Decimal(0)
    bonus: Decimal = Decimal(0)

    @property
    def item(self) -> Item:
        return {
            "userId": self.user_id,
            "currency": self.currency,
            "cash": self.cash,
            "bonus": self.bonus,
            "version": Decimal(0),
        }

    def put(self, dynamodb: Any, table: str) -> bool:
        """Whether the wallet is open now. One that was there already is left as it is. Raises what the SDK raises."""
        try:
            dynamodb.put_item(
                TableName=table, Item=encoded(self.item), ConditionExpression="attribute_not_exists(userId)"
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

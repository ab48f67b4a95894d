"""A wallet to be opened, held to what the callbacks accept, and put where there is none yet."""

from dataclasses import dataclass
from decimal import Decimal

from tools.shared.identifiers import MOST_CHARACTERS, can_be_currency, is_identifier
from tools.shared.outside import cut, plain, trouble_if
from tools.walletctl.items import Item, encoded, with_keys
from tools.walletctl.place import Tables
from wallet import money

_MOST_SHOWN = 60  # characters of a value, in a message


class Unfit(ValueError):
    """`str()` says which value is not what a wallet may have, and what it may. The value is not escaped yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    user_id: str
    currency: str
    cash: Decimal
    bonus: Decimal

    @classmethod
    def read(cls, *, user_id: str, currency: str, cash: str, bonus: str) -> "Opening":
        """Raises Unfit for what no callback could credit."""
        if not is_identifier(user_id):
            raise Unfit(f"userId must be {_TEXT}, not '{cut(user_id, _MOST_SHOWN)}'")
        if not can_be_currency(currency):
            raise Unfit(f"currency must be {_TEXT}, without spaces at its ends, not '{cut(currency, _MOST_SHOWN)}'")
        return cls(user_id=user_id, currency=currency, cash=_amount("cash", cash), bonus=_amount("bonus", bonus))

    def is_what_stands(self, item: Item) -> bool:
        """Whether a wallet is just this one, opened and not moved since."""
        return item == self._item()

    def open(self, tables: Tables) -> Item | None:
        """None if the wallet is open now; else the one that was there, which is left as it is. Raises Trouble."""
        put = {
            "TableName": tables.players,
            "Item": encoded(self._item()),
            "ConditionExpression": "attribute_not_exists(userId)",
        }
        with trouble_if(f"the table {plain(tables.players)} cannot be written"):
            try:
                tables.dynamodb.put_item(**put)
            except tables.dynamodb.exceptions.ConditionalCheckFailedException:
                pass
            else:
                return None
        return self.standing(tables) or self.open(tables)  # the latter if it was removed between the two

    def standing(self, tables: Tables) -> Item | None:
        """The wallet that is there; None if there is none. Raises Trouble."""
        return next(with_keys(tables.dynamodb, tables.players, [{"userId": self.user_id}]), None)

    def _item(self) -> Item:
        return {
            "userId": self.user_id,
            "currency": self.currency,
            "cash": self.cash,
            "bonus": self.bonus,
            "version": Decimal(0),
        }


_TEXT = f"1 to {MOST_CHARACTERS} characters, none a control character, not all spaces"


def _amount(name: str, literal: str) -> Decimal:
    try:
        # Spreadsheets write long numbers with an exponent, and drop digits.
        return money.parse(literal if "e" not in literal.lower() else "")
    except ValueError:
        raise Unfit(
            f"{name} must be an amount such as 12.50, of up to 32 digits, 18 of them after the point, "
            f"not '{cut(literal, _MOST_SHOWN)}'"
        ) from None

"""Wallets that a person has opened, by the cashier: held to what the callbacks accept, and never written over."""

from decimal import Decimal

from tools.local.opening import Opening
from tools.shared.identifiers import CURRENCY, TEXT, can_be_currency, is_identifier
from tools.shared.items import Item
from tools.shared.listing import text
from tools.shared.outside import cut, plain
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.ordering import ordered
from tools.walletctl.place import Place
from wallet import money

_MOST_SHOWN = 60  # characters of a value, in a message


class Unfit(ValueError):
    """`str()` says which value is not what a wallet may have, and what it may. The value is not escaped yet."""


def opening_of(*, user_id: str, currency: str, cash: str, bonus: str) -> Opening:
    """Raises Unfit for what no callback could credit."""
    if not is_identifier(user_id):
        raise Unfit(f"userId must be {TEXT}, not '{cut(user_id, _MOST_SHOWN)}'")
    if not can_be_currency(currency):
        raise Unfit(f"currency must be {CURRENCY}, not '{cut(currency, _MOST_SHOWN)}'")
    return Opening(user_id=user_id, currency=currency, cash=_amount("cash", cash), bonus=_amount("bonus", bonus))


def open_wallet(opening: Opening, where: Place, *, actor: str, reason: str) -> Item | None:
    """None if the cashier has opened the wallet; else the one that was there, which is left as it is.

    Raises Trouble if it is not open and was not there, or if nobody knows.
    """
    tables = where.tables()
    if there := tables.wallet(opening.user_id):
        return there
    answer = ordered(where, opening.order(actor=actor, reason=reason))
    if answer["error"] == 0:
        return None
    if there := tables.wallet(opening.user_id):  # somebody was quicker
        return there
    raise Trouble(f"the cashier does not open it: error {answer['error']}, {plain(str(answer['description']))}")


def described(wallet: Item) -> str:
    """A wallet in a clause. It is not escaped yet."""
    cash, bonus, version = (text(records.cell(wallet.get(name))) for name in ("cash", "bonus", "version"))
    return f"{cash} {wallet.get('currency')}, bonus {bonus}, version {version}"


def _amount(name: str, literal: str) -> Decimal:
    try:
        # Spreadsheets write long numbers with an exponent, and drop digits.
        return money.parse(literal if "e" not in literal.lower() else "")
    except ValueError:
        raise Unfit(
            f"{name} must be an amount such as 12.50, of up to 32 digits, 18 of them after the point, "
            f"not '{cut(literal, _MOST_SHOWN)}'"
        ) from None

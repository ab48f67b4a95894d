"""Orders to the cashier, which is all that walletctl moves money by: what it answers, and what that means."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tools.shared.amounts import amount
from tools.shared.hints import command
from tools.shared.items import Item
from tools.shared.outside import legible, plain
from tools.shared.trouble import Trouble
from tools.walletctl.place import Place

Order = Mapping[str, Any]
MOST_OF_A_REASON = 1000  # characters, as the cashier has it
_VERBS = {"deposit": "deposit", "withdrawal": "withdraw", "adjustment": "adjust"}


def says_something(reason: str) -> bool:
    return any(map(str.isalnum, reason))


def check_reason(reason: str, undone: str) -> None:
    """Raises Trouble for a reason that the cashier would refuse, or that says nothing. `undone` says that nothing has
    happened.
    """
    if reason.strip() and not says_something(reason):
        raise Trouble(f"--reason says nothing, as it has no letter and no digit: {undone}")
    if not reason.strip() or len(reason) > MOST_OF_A_REASON or re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", reason):
        raise Trouble(f"--reason must be one line of 1 to {MOST_OF_A_REASON} characters: {undone}")


def at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def agreed(question: str, undone: str, *, asks: bool) -> bool:
    """Whether a person says yes. Raises Trouble where nobody can be asked."""
    if not asks or not at_a_terminal():
        raise Trouble(f"{undone}: to do it without a question, add --yes")
    try:
        return input(f"{question} yes or no: ").strip().lower() == "yes"
    except EOFError:
        return False


def ordered(where: Place, order: Order) -> Mapping[str, Any]:
    """What the cashier answers. Raises Trouble if nobody knows whether the order was done."""
    answer = where.invoke("CashierFunction", order)
    if answer["error"] == 998:
        raise Trouble(
            "the cashier could not say in time whether it was done (error 998). Run the same command again, with the "
            "same reference: it is done once"
        )
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """Why the cashier moved nothing. `record` is what was on record under the order's id before, if anything was.

    `currency` is the one that the person named, if they named one: an order always has one.
    """

    order: Order
    answer: Mapping[str, Any]
    record: Item | None
    place: Place
    currency: str | None

    def sentences(self) -> Iterator[str]:
        """In plain words, and what to do next."""
        order, code = self.order, self.answer["error"]
        player, reference = legible(order["userId"]), legible(order["reference"])
        match code:
            case 15 if self.record:
                when = plain(str(self.record.get("recordedAt")))
                yield f"Refused before, at {when}, for lack of money: it stays refused"
                yield f"Nothing was moved. {player} has {self._there()} now"
                yield f"To take it now, order it under a new reference: {self._again(order['amount'])}"
            case 15:
                yield f"Refused: {player} has {self._there()}, which is not enough. Nothing was moved"
                yield f"The refusal is on record: {reference} stays refused, also when there is more money"
                if (cash := Decimal(self.answer["cash"])) > 0:
                    least = amount(cash if order["movement"] == "withdrawal" else cash.copy_negate())
                    yield f"To take what there is, order that under a new reference: {self._again(least)}"
                if order["movement"] == "adjustment":
                    yield "To take more than there is, order it under a new reference with --below-zero"
            case 52:
                yield f"Refused: the wallet of {player} is not in {plain(order['currency'])}. Nothing was moved"
                yield "Leave --currency out, and give the amount in the wallet's currency"
            case 59 if order["movement"] == "adjustment":
                yield "Refused: it is more than one adjustment may move. Nothing was moved"
                yield "The stack's parameter AdjustmentLimit is the limit. Ask the person who deploys the stack"
            case 61:
                yield f"Refused: {reference} is the reference of another {order['movement']}. Nothing was moved"
                yield from self._differences()
                yield f"If yours is owed as well, order it under a new reference: {self._again(order['amount'])}"
            case 62:
                yield f"Refused: {player} has no wallet. Nothing was moved"
                yield f"How to open one: {command((), 'help', 'players', 'add')}"
            case _:
                yield f"Refused: error {code}, {plain(str(self.answer['description']))}. Nothing was moved"

    def _differences(self) -> Iterator[str]:
        """What is on record, beside what was ordered."""
        record = self.record or {}
        names = {"userId": "userId", "amount": "amountAsked", "bonus": "bonusAmount", "currency": "currency"}
        for name, attribute in names.items():
            said, on_record = _value(self.order.get(name)), _value(record.get(attribute))
            if name == "amount" and self.order["movement"] == "withdrawal":
                on_record = on_record.removeprefix("-")
            if said.upper() != on_record.upper() if name == "currency" else said != on_record:
                yield f"On record is {name} {plain(on_record) or 'none'}, and you ordered {plain(said) or 'none'}"
        if "actor" in record:
            when, who = plain(str(record.get("recordedAt"))), plain(str(record["actor"]))
            yield f"It was ordered by {who} at {when}: {plain(str(record.get('reason')))}"

    def _there(self) -> str:
        return f"{self.answer['cash']} {plain(self.answer['currency'])}"

    def _again(self, amount: str) -> str:
        """The same order under another reference, with all that it was given."""
        order = self.order
        options = [
            *self.place.options,
            *(["--currency", self.currency] if self.currency else []),
            *(["--bonus", order["bonus"]] if "bonus" in order else []),
            *(["--below-zero"] if "belowZero" in order else []),
            *("--reference", "…", "--reason", order["reason"]),
        ]
        return command(options, _VERBS[order["movement"]], names=[order["userId"], amount])


def _value(value: object) -> str:
    """An amount or a text for comparing; "" for none, and for a bonus of nothing."""
    if isinstance(value, Decimal):
        return amount(value) if value else ""
    return "" if value in (None, "0") else str(value)

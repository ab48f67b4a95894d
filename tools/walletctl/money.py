"""`walletctl deposit`, `withdraw` and `adjust`: the cashier moves money, once per reference, in the caller's name."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import typer

from tools.shared import listing
from tools.shared.hints import command
from tools.shared.identifiers import TEXT, is_identifier
from tools.shared.items import Item
from tools.shared.outside import legible, plain
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.names import named
from tools.walletctl.ordering import Declined, Order, agreed, check_reason, ordered
from tools.walletctl.place import HERE, Asked, Place, asks_where
from tools.walletctl.said import UNMOVED, Amount, Reason, amount_of

REFUSED = 1

PlayerId = Annotated[str, typer.Argument(metavar="PLAYER", help="By userId.", show_default=False, callback=named)]
Reference = Annotated[
    str,
    typer.Option("--reference", metavar="R", help="Its unique name. The same again moves nothing more."),
]
Currency = Annotated[
    str | None, typer.Option("--currency", metavar="CODE", help="Refuse it if the wallet is in another currency.")
]


@asks_where
def deposit(
    player: PlayerId,
    amount: Amount,
    reference: Reference,
    reason: Reason,
    currency: Currency = None,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
) -> None:
    """Adds money to a wallet, once per reference, with your name and reason on record."""
    order = _order("deposit", player, reference, reason, amount=amount_of("AMOUNT", amount))
    _run(order, currency, asked, as_json=as_json)


@asks_where
def withdraw(
    player: PlayerId,
    amount: Amount,
    reference: Reference,
    reason: Reason,
    currency: Currency = None,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
) -> None:
    """Takes money from a wallet, once per reference, if there is enough.

    If there is not enough, the refusal is on record under this reference and stays. Take less, or later, under a new
    reference.
    """
    order = _order("withdrawal", player, reference, reason, amount=amount_of("AMOUNT", amount))
    _run(order, currency, asked, as_json=as_json)


@asks_where
def adjust(
    player: PlayerId,
    amount: Annotated[
        str,
        typer.Argument(metavar="AMOUNT", help="Such as 12.50, or -12.50 to take it.", show_default=False),
    ],
    reference: Reference,
    reason: Reason,
    bonus: Annotated[
        str | None, typer.Option("--bonus", metavar="AMOUNT", help="What the bonus moves by, up or down.")
    ] = None,
    below_zero: Annotated[
        bool, typer.Option("--below-zero", help="Take it also if that leaves less than nothing.")
    ] = False,
    currency: Currency = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
) -> None:
    """Corrects a wallet, up or down, once per reference. It shows the wallet, and asks.

    A stack has a limit for one adjustment: its parameter AdjustmentLimit.
    """
    more: dict[str, Any] = {} if bonus is None else {"bonus": amount_of("--bonus", bonus, signed=True)}
    if below_zero:
        more["belowZero"] = True
    order = _order("adjustment", player, reference, reason, amount=amount_of("AMOUNT", amount, signed=True), **more)
    _run(order, currency, asked, as_json=as_json, asks=not yes)


def _order(movement: str, player: str, reference: str, reason: str, **more: Any) -> dict[str, Any]:
    """Raises Trouble for what the cashier would refuse in any case."""
    if not is_identifier(player):
        raise Trouble(f"PLAYER must be {TEXT}: {UNMOVED}")
    if not is_identifier(reference):
        raise Trouble(f"--reference must be {TEXT}: {UNMOVED}")
    check_reason(reason, UNMOVED)
    return {"movement": movement, "reference": reference, "userId": player, "reason": reason, **more}


def _run(order: dict[str, Any], currency: str | None, asked: Asked, *, as_json: bool, asks: bool = False) -> None:
    where = asked.place()
    before, record = _wallet(where, order["userId"]), _record(where, order)
    order = {**order, "currency": currency or str(before.get("currency")), "actor": where.caller()}
    if not as_json:
        listing.out(listing.facts(_facts(order, before)))
    if asks and record is None:
        _ask(as_json)
    answer = ordered(where, order)
    if answer["error"] != 0:
        record = record or (_record(where, order) if answer["error"] == 61 else None)  # somebody was quicker
        refusal = Declined(order=order, answer=answer, record=record, place=where, currency=currency)
        _tell(as_json, _said("refused", order, before, answer), *refusal.sentences())
        raise typer.Exit(REFUSED)
    after = f"The wallet has {answer['cash']} {plain(answer['currency'])}, bonus {answer['bonus']}"
    if record:
        when, who = plain(str(record.get("recordedAt"))), plain(str(record.get("actor")))
        sentence = f"A replay: it was done at {when}, ordered by {who}. Nothing was moved now"
        _tell(as_json, _said("replayed", order, before, answer), sentence, after)
        return
    _tell(
        as_json,
        _said("moved", order, before, answer),
        f"Done, and on record as {order['movement']}#{plain(order['reference'])}",
        after,
    )


def _wallet(where: Place, player: str) -> Item:
    wallet = where.tables().wallet(player)
    if wallet is None:
        raise Trouble(
            f"{legible(player)} has no wallet: {UNMOVED}. How to open one: {command((), 'help', 'players', 'add')}"
        )
    return wallet


def _record(where: Place, order: Order) -> Item | None:
    return next(where.tables().with_ids([f"{order['movement']}#{order['reference']}"]), None)


def _facts(order: Order, before: Item) -> Mapping[str, listing.Cell]:
    cash, bonus = (listing.text(_cell(before.get(name))) for name in ("cash", "bonus"))
    return {
        "player": order["userId"],
        "wallet": f"{cash} {before.get('currency')}, bonus {bonus}",
        **({"frozen": frozen} if (frozen := records.frozen(before)) else {}),
        order["movement"]: f"{order['amount']} {order['currency']}"
        + (f", bonus {order['bonus']}" if "bonus" in order else "")
        + (", also below zero" if "belowZero" in order else ""),
        "reference": order["reference"],
        "reason": order["reason"],
        "ordered by": order["actor"],
    }


def _said(outcome: str, order: Order, before: Item, answer: Mapping[str, Any]) -> dict[str, Any]:
    """All of it for a machine; the wallet afterwards is in the cashier's answer."""
    wallet = {name: listing.for_json(_cell(before.get(name))) for name in ("currency", "cash", "bonus")}
    return {"outcome": outcome, "order": order, "before": wallet, "answer": answer}


def _tell(as_json: bool, said: Mapping[str, Any], *sentences: str) -> None:
    if as_json:
        print(json.dumps(said, indent=2))
        return
    for sentence in sentences:
        listing.tell(sentence)


def _cell(value: Any) -> listing.Cell:
    return value if isinstance(value, Decimal | str) or value is None else str(value)


def _ask(as_json: bool) -> None:
    """Raises Trouble or Exit unless a person agrees."""
    if not agreed("Adjust it?", UNMOVED, asks=not as_json):
        print("Nothing was moved")
        raise typer.Exit(REFUSED)

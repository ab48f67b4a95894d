"""`walletctl players freeze` and `unfreeze`: a frozen player places no bets. Everything else goes on."""

import json
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
from tools.walletctl.ordering import agreed, check_reason, ordered
from tools.walletctl.place import HERE, Asked, Place, asks_where

REFUSED = 1
_UNCHANGED = "nothing was changed"

PlayerId = Annotated[str, typer.Argument(metavar="PLAYER", help="By userId.", show_default=False, callback=named)]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: it is in the log, with your name.")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing.")]


@asks_where
def freeze(
    player: PlayerId, reason: Reason, yes: Yes = False, asked: Asked = HERE, as_json: listing.AsJson = False
) -> None:
    """Freezes a player, who places no bets from then on. It shows the wallet, and asks.

    A new bet and a check are answered with error 56. Wins, cancels, refunds, deposits and withdrawals go on. If the
    player is frozen already, the first name and reason stay.
    """
    _run("freeze", player, reason, asked, as_json=as_json, asks=not yes)


@asks_where
def unfreeze(
    player: PlayerId, reason: Reason, yes: Yes = False, asked: Asked = HERE, as_json: listing.AsJson = False
) -> None:
    """Lets a frozen player place bets again. It shows the wallet, and asks."""
    _run("unfreeze", player, reason, asked, as_json=as_json, asks=not yes)


def _run(what: str, player: str, reason: str, asked: Asked, *, as_json: bool, asks: bool) -> None:
    if not is_identifier(player):
        raise Trouble(f"PLAYER must be {TEXT}: {_UNCHANGED}")
    check_reason(reason, _UNCHANGED)
    where = asked.place()
    before = _wallet(where, player)
    is_done = (records.frozen(before) is not None) == (what == "freeze")
    order = {"userId": player, "actor": where.caller(), "reason": reason}
    if not as_json:
        listing.out(listing.facts(_facts(what, before, order)))
    if asks and not is_done and not agreed(f"{what.title()} {legible(player)}?", _UNCHANGED, asks=not as_json):
        print("Nothing was changed")
        raise typer.Exit(REFUSED)
    answer = ordered(where, {what: order})
    if answer["error"] != 0:
        told = f"Refused: error {answer['error']}, {plain(str(answer['description']))}. Nothing was changed"
        _tell(as_json, {"outcome": "refused", "order": {what: order}, "answer": answer}, told)
        raise typer.Exit(REFUSED)
    after = _wallet(where, player)
    outcome = "unchanged" if is_done else "frozen" if what == "freeze" else "unfrozen"
    wallet = listing.for_machines(records.of_wallet(after))
    _tell(as_json, {"outcome": outcome, "order": {what: order}, "wallet": wallet}, _sentence(after, is_done=is_done))


def _wallet(where: Place, player: str) -> Item:
    if wallet := where.tables().wallet(player):
        return wallet
    raise Trouble(
        f"{legible(player)} has no wallet: {_UNCHANGED}. How to open one: {command((), 'help', 'players', 'add')}"
    )


def _facts(what: str, before: Item, order: dict[str, str]) -> dict[str, listing.Cell]:
    cash, bonus = (listing.text(records.cell(before.get(name))) for name in ("cash", "bonus"))
    return {
        "player": order["userId"],
        "wallet": f"{cash} {before.get('currency')}, bonus {bonus}",
        "frozen": records.frozen(before) or "no",
        "order": what,
        "reason": order["reason"],
        "ordered by": order["actor"],
    }


def _sentence(after: Item, *, is_done: bool) -> str:
    player, frozen = legible(str(after["userId"])), records.frozen(after)
    if frozen:
        return f"{player} {'was frozen before' if is_done else 'is frozen now'}: {plain(frozen)}"
    return f"{player} {'was not frozen' if is_done else 'may place bets again'}"


def _tell(as_json: bool, said: dict[str, Any], sentence: str) -> None:
    if as_json:
        print(json.dumps(said, indent=2))
    else:
        listing.tell(sentence)

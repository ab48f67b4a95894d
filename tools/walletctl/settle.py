"""`walletctl settle`: a cancel or a result that the provider never sends, done by a person under its own id."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from tools.shared import listing
from tools.shared.amounts import amount as written
from tools.shared.hints import command
from tools.shared.identifiers import TEXT, is_identifier
from tools.shared.items import Item
from tools.shared.outside import cut, plain
from tools.shared.trouble import Trouble
from tools.walletctl import records
from tools.walletctl.kinds import BET, CANCEL
from tools.walletctl.names import named
from tools.walletctl.ordering import agreed, check_reason
from tools.walletctl.parked.letters import DeadLetter
from tools.walletctl.parked.settling import Ruling, Settling
from tools.walletctl.place import HERE, Asked, Place, asks_where
from tools.walletctl.rounds.played import Played, played, state
from tools.walletctl.said import Amount, Reason, amount_of
from tools.walletctl.tables import Tables

REFUSED = 1
_UNDONE = "nothing was settled"

Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing.")]


@asks_where
def cancel(
    bet: Annotated[str, typer.Argument(metavar="BET", help="The bet's reference.", show_default=False, callback=named)],
    reason: Reason,
    yes: Yes = False,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
) -> None:
    """Pays a bet back whose cancel never came, once, with your name and reason on record. It shows the bet, and asks.

    It is done as the cancel would have done it. If the cancel comes later, it is a replay. Ask the provider first: its
    call GetRoundStatus must say that the round is canceled, or that it does not know the round.
    """
    check_reason(reason, _UNDONE)
    where = asked.place()
    tables = _with_rounds(where)
    staked = next(tables.with_ids([f"{BET}#{bet}"]), None)
    if staked is None or records.outcome_of(staked) is not None:
        why = "refused" if staked and records.outcome_of(staked) == "not enough" else "never taken"
        raise Trouble(f"The bet {cut(plain(bet), 128)} was {why}, so nothing can be paid back: {_UNDONE}")
    request = {"userId": str(staked.get("userId")), "reference": bet}
    (of,) = played(tables, [staked]) or [None]
    about = {**_of_bet(staked), **(_of_round(of, str(staked.get("currency"))) if of else {})}
    _run(where, _order(CANCEL, CANCEL, request, reason), about, of, name=bet, yes=yes, as_json=as_json)


@asks_where
def result(
    round_id: Annotated[
        str, typer.Argument(metavar="ROUND", help="The open round's id.", show_default=False, callback=named)
    ],
    amount: Amount,
    reference: Annotated[
        str,
        typer.Option("--reference", metavar="R", help="The result's reference at the provider, not one of your own."),
    ],
    reason: Reason,
    player: Annotated[
        str | None, typer.Option(metavar="PLAYER", help="Whose round, if several players have it.")
    ] = None,
    game: Annotated[
        str | None, typer.Option(metavar="GAME", help="Of which game, if several have it, by gameId.")
    ] = None,
    not_open: Annotated[
        bool, typer.Option("--not-open", help="The round is not open, and has one more result all the same.")
    ] = False,
    yes: Yes = False,
    asked: Asked = HERE,
    as_json: listing.AsJson = False,
) -> None:
    """Credits a round's result that never came, once, with your name and reason on record. It shows it, and asks.

    The round is then closed. AMOUNT is what the round won: 0 if it lost. If the result comes later, it is a replay, so
    take its reference from the provider. A round that is not open needs --player, --game and --not-open.
    """
    check_reason(reason, _UNDONE)
    if not is_identifier(reference):
        raise Trouble(f"--reference must be {TEXT}: {_UNDONE}")
    request = {"reference": reference, "amount": amount_of("AMOUNT", amount)}
    where = asked.place()
    tables = _with_rounds(where)
    known = {str(each["id"]): each for each in tables.with_ids([f"result#{reference}", f"{BET}#{reference}"])}
    of = _recorded_round(tables, known.get(f"result#{reference}"), round_id) or _the_round(
        where, tables, round_id, player, game, not_open=not_open
    )
    if f"{BET}#{reference}" in known:
        listing.say(f"{cut(plain(reference), 128)} is the reference of a bet. Has the result the same one?")
    user_id, game_id, _ = of.place
    currency = str((tables.wallet(user_id) or {}).get("currency", ""))
    request |= {"userId": user_id, "gameId": game_id, "roundId": round_id, "currency": currency}
    request["sessionId"] = "-"  # without one it would be recorded as closed automatically
    order, about = _order("result", "", request, reason), _of_round(of, currency)
    _run(where, order, about, of, name=round_id, yes=yes, as_json=as_json)


def _with_rounds(where: Place) -> Tables:
    tables = where.tables()
    if tables.rounds is None:
        raise Trouble(f"{where.name} takes no bets, so it has no rounds: its parameter Calls is Wins")
    return tables


def _recorded_round(tables: Tables, record: Item | None, round_id: str) -> Played | None:
    """The round of a result that is on record already: the same command again is a replay."""
    if record is None or record.get("roundId") != round_id:
        return None
    (of,) = played(tables, [record]) or [None]
    return of


def _the_round(
    where: Place, tables: Tables, round_id: str, player: str | None, game: str | None, *, not_open: bool
) -> Played:
    """The one that a person means. Raises Trouble if there is none, or more than one."""
    if not_open:
        if not (player and game):
            raise Trouble(f"--not-open needs --player and --game: {_UNDONE}")
        place = (player, game, round_id)
        return Played(place=place, transactions=(), item=next(tables.rounds_at([place]), None))
    with listing.progress("open rounds") as advance:
        found = [item for item in tables.open_rounds(player, None, advance) if item.get("roundId") == round_id]
    rounds = [of for of in played(tables, (), found) if game in (None, of.place[1])]
    if len(rounds) == 1:
        return rounds[0]
    called = cut(plain(round_id), 128)
    if rounds:
        those = "; ".join(cut(plain(f"--player {of.place[0]} --game {of.place[1]}"), 300) for of in rounds[:5])
        raise Trouble(f"{len(rounds)} open rounds are called {called}. Name one: {those}. {_UNDONE.capitalize()}")
    raise Trouble(
        f"No round called {called} is open: {_UNDONE}. To see it: {command(where.options, 'find', names=[round_id])}. "
        "If it has one more result, as the provider says, add --player, --game and --not-open"
    )


def _order(callback: str, call: str, request: Mapping[str, str], reason: str) -> Settling:
    """A decision about a dead letter that the call would have left, if it had come and could not be done."""
    from wallet.parking import Parked  # of a checkout alone

    now = datetime.now(UTC)
    parked = Parked(
        callback=callback,
        call=call,
        reference=request["reference"],
        code=998,
        reason="it never came",
        first_received_at=now.isoformat(timespec="milliseconds"),
        request=json.dumps(request, ensure_ascii=False),
    )
    message = json.dumps(asdict(parked), ensure_ascii=False)
    letter = DeadLetter(message_id="", receipt_handle="", body=message, parked=parked, first_received_at=now)
    return Settling(callback=callback, letter=letter, reason=reason.strip(), booked_elsewhere=False)


def _of_bet(staked: Item) -> dict[str, listing.Cell]:
    taken = records.number(staked.get("amount"))
    return {
        "bet": str(staked.get("id")).partition("#")[2],
        "staked": f"{written(taken.copy_abs()) if taken is not None else '?'} {staked.get('currency')}",
        "recorded": listing.text(records.for_a_person(staked).get("recordedAt")),
    }


def _of_round(of: Played, currency: str) -> dict[str, listing.Cell]:
    player, game, round_id = of.place
    bets = ", ".join(f"{bet.get('reference')} ({_taken(bet)} {currency})" for bet in of.live[:5])
    more = f" and {len(of.live) - 5} more" if len(of.live) > 5 else ""
    winnings = records.number(of.item.get("winnings")) if of.item else None
    return {
        "round": round_id,
        "game": game,
        "player": player,
        "live bets": f"{bets}{more}" or None,
        "won so far": f"{written(winnings)} {currency}" if winnings else None,
        "open since": of.open_since,
    }


def _taken(bet: Mapping[str, Any]) -> str:
    taken = records.number(bet.get("taken"))
    return "?" if taken is None else written(taken)


def _run(
    where: Place,
    decision: Settling,
    about: Mapping[str, listing.Cell],
    of: Played | None,
    *,
    name: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Shows what would be done, asks, and does it. Raises Trouble or Exit if it was not done."""
    foreseen = decision.foresee(where)
    if not as_json:
        listing.out(listing.facts({fact: cell for fact, cell in about.items() if cell}))
        print()
    say: Callable[[str], None] = listing.tell if not as_json else lambda _sentence: None
    if not foreseen.is_done:
        _report(foreseen, "refused", as_json)
        say(f"It cannot be settled: {foreseen.refusal}")
        say(f"To see why: {command(where.options, 'find', names=[name])}")
        raise typer.Exit(REFUSED)
    for sentence in state(of) if of and not of.open_since else ():
        say(sentence)
    say(f"The wallet of {foreseen.before()}")
    for effect in foreseen.effects():
        say(f"Settling it {effect}")
    if foreseen.movements and not yes and not agreed("Settle it?", _UNDONE, asks=not as_json):
        say("Nothing was settled")
        raise typer.Exit(REFUSED)
    answer = _done(decision, where)
    _report(answer, "settled" if answer.movements else "replayed", as_json)
    say(
        f"{'Settled' if answer.movements else 'A replay: nothing was moved now'}. The wallet is now at {answer.after()}"
    )


def _done(decision: Settling, where: Place) -> Ruling:
    """Raises Trouble, also for what was refused after it was foreseen otherwise."""
    unknown = "nobody knows whether it was settled: run the same command again, it is settled once"
    try:
        answer = decision.settle(where)
    except Trouble as trouble:
        raise Trouble(f"{unknown}. {trouble}") from None
    if not answer.is_done:
        raise Trouble(f"{_UNDONE}: {answer.refusal}. Something changed meanwhile: run the same command again")
    return answer


def _report(answer: Ruling, outcome: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"outcome": outcome, "answer": answer.said}, indent=2))

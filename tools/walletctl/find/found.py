"""What was found of a movement, and what became of it: one word for a script, sentences for a person."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tools.shared.hints import command, opening
from tools.shared.items import Item
from tools.shared.listing import counted
from tools.shared.moments import shown
from tools.shared.outside import cut, legible, plain
from tools.walletctl.find.missed import Missed, State, state_of, waits
from tools.walletctl.kinds import BET, CANCEL, CANCELLED, ELSEWHERE, NOT_ENOUGH, OPERATORS
from tools.walletctl.log import DONE, LogLine
from tools.walletctl.parked.adjusted import told
from tools.walletctl.parked.advice import advice, is_paid_back
from tools.walletctl.parked.letters import INVALID, Group
from tools.walletctl.records import kind_of, meaning, number, outcome_of
from tools.walletctl.rounds.played import Played, state

Outcome = Literal[
    "credited",
    "moved",
    "staked",
    "paid back",
    "booked elsewhere",
    "not enough",
    "cancelled",
    "round",
    "dead letter",
    "waiting",
    "not kept",
    "gone",
    "declined",
    "refused",
    "player",
    "unknown",
]

_BY_HAND: State = "paid by hand"
_MOST_MISSED = 10  # sentences of as many wins


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`options` lead a command to `where`.

    `opening` is the record that opened a player's wallet, if its reference is the player's name.
    `letters` are dead letters with their callback, `due` what the retry queues gave of it. `missed` are wins that were
    refused and not paid, by the log: of a player or a round of that name, or of a reference of which there is more than
    one callback's win. `waiting` counts what waits for another try, `hidden` the dead letters that somebody else is
    reading. `not_looked` says where could not be looked, and why; `read_all` whether the whole ledger was read for it,
    `could_scan` whether that was not done, and might tell more; `is_of_player` whether one player's list alone was.
    `not_looked_for` are ids for which a log that costs
    something was not read, since a win of another kind is on record under their reference.

    `rounds` are those of that name, and of a bet or a cancel its round.

    `not_kept` counts the requests that were refused from `since` on and whose references are not in the log, by error,
    where nothing else is known; None if that could not be counted. `refused_bodies` counts the dead letters of any name
    whose body was not valid. `on_record` are, by id, the records that its dead letters are about: the wins of
    prizes, and what was adjusted by hand. `adjusted` are adjustments that paid by hand what has that name, beside the
    `transactions`. `came_with` are the
    results on record that came with a prize of that name, which is not on record itself.
    """

    name: str
    where: str
    options: Sequence[str]
    transactions: Sequence[Item]
    adjusted: Sequence[Item]
    wallet: Item | None
    is_player: bool
    opening: Item | None
    letters: Sequence[tuple[str, Group]]
    due: Sequence[tuple[str, Group]]
    waiting: int
    hidden: int
    log: Sequence[LogLine]
    missed: Sequence[Missed]
    rounds: Sequence[Played]
    since: datetime
    not_kept: Mapping[str, int] | None
    refused_bodies: int
    came_with: Sequence[Item]
    on_record: Mapping[str, Item]
    read_all: bool
    could_scan: bool
    is_of_player: bool
    not_looked_for: Sequence[str]
    not_looked: Sequence[str]

    def command(self, name: str, *names: str, option: str = "") -> str:
        """A command about a name, at the same place."""
        return command([*filter(None, [option]), *self.options], name, names=names)

    @property
    def is_prize_alone(self) -> bool:
        """Whether its dead letters are of prizes alone, which do not hold back the wins that they came with."""
        return not any(group.wins for _, group in self.letters)

    @property
    def is_paid_back(self) -> bool:
        """Whether its dead letters are cancels whose bets were paid back since: nothing more is owed for them."""
        letters = [letter for _, group in self.letters for letter in group.letters]
        return bool(letters) and all(is_paid_back(each, self.on_record) for each in letters)

    @property
    def is_missed(self) -> bool:
        """Whether all that is known are refused wins, each told by itself."""
        return bool(self.missed) and not (self.transactions or self.letters or self.due or self.is_player)

    @property
    def last(self) -> LogLine | None:
        """What the log says last of a reference of that name; of what waits, and of a failed delivery, its refusal."""
        if refusal := waits(self.log):
            return refusal
        refusals = [line for line in self.log[-2:] if line.message == "refused"]
        return (refusals or self.log or [None])[-1]

    @property
    def outcome(self) -> Outcome:
        if self.transactions:
            return _on_record(self.transactions)
        if self.letters and (self.is_player or not self.is_prize_alone):
            return "dead letter"
        if self.due:
            return "waiting"
        if self.is_player:
            return "player"
        if self.rounds:
            return "round"
        states: list[State] = [each.state for each in self.missed] or ([state_of(self.log)] if self.log else [])
        if not states:
            return "dead letter" if self.letters else "unknown"
        if "waiting" in states:
            return "waiting"
        unpaid: list[Outcome] = ["gone" if each == "credited" else each for each in states if each != "paid by hand"]
        return unpaid[-1] if unpaid else "gone"  # it was there, and is not any more


def _on_record(transactions: Sequence[Item]) -> Outcome:
    """One word for all: a win's that was paid comes first, then a stake's, and last what moved nothing."""
    outcomes = [outcome_of(item) for item in transactions]
    paid = [item for item, outcome in zip(transactions, outcomes, strict=True) if outcome is None]
    if kinds := {kind_of(item) for item in paid}:
        if kinds - {BET, CANCEL, *OPERATORS}:
            return "credited"
        return "paid back" if CANCEL in kinds else "staked" if BET in kinds else "moved"
    return ELSEWHERE if ELSEWHERE in outcomes else NOT_ENOUGH if NOT_ENOUGH in outcomes else CANCELLED


def sentences(found: Found) -> Iterator[str]:
    """What it means, and what to do next."""
    last = found.last
    match found.outcome:
        case "waiting" | "not kept" | "gone" | "refused" if found.is_missed:
            not_credited = "Paid by hand" if all(each.by_hand for each in found.missed) else "Not credited"
            yield f"{not_credited}, {'under that reference' if found.log else 'by that player or round'}:"
        case "credited" | "moved" | "staked" | "paid back" | "booked elsewhere" | "not enough" | "cancelled" | "round":
            yield from _recorded(found)
            yield from _of_rounds(found)
            if found.letters and not found.is_prize_alone:
                undone = "" if found.is_paid_back else f", which is not {_done(found)}"
                yield f"There is a dead letter of that name as well{undone}:"
            yield from _next(found)
            if found.not_looked_for:
                yield "The log was not searched for other kinds of win under this reference. To search it:"
                for id in found.not_looked_for:
                    yield f"  {found.command('find', id)}"
            if found.missed:
                owed = any(each.state not in ("refused", _BY_HAND) for each in found.missed)
                yield f"Under that name something else {'is NOT credited' if owed else 'was refused'}:"
        case "dead letter" if found.is_player:
            number = sum(len(group.entries) for _, group in found.letters)
            they = "It" if number == 1 else "They"
            yield f"This player has {counted(number, 'dead letter')}. {they} will not be retried automatically."
            yield from _next(found)
            yield f"What was credited: {found.command('ledger', found.name)}"
        case "dead letter":
            what = "prize" if found.is_prize_alone else "cancel" if _is_cancel(found) else "win"
            yield f"Not {_done(found)}: this {what} is a dead letter. It will not be retried automatically."
            yield from _next(found)
        case "waiting":
            yield from _waiting(found, last)
        case "not kept":
            yield f"Not {_done(found)}: it could not even be kept{_at(last)}. Have the provider send it again."
        case "gone":
            yield from _gone(found, last)
        case "refused":
            yield f"Refused{_at(last)}, with error {_why(last)}. Nothing was moved, and nothing is kept."
        case "declined":
            yield (
                f"Nothing was moved: the cashier refused this order{_at(last)}, with error {_why(last)}. It is kept "
                "nowhere: the caller has the answer, and can send the corrected order under the same reference."
            )
        case "player":
            yield f"This player has no dead letters. Next: {found.command('ledger', found.name)}"
            if found.waiting:
                wait = f"wait{'s' if found.waiting == 1 else ''} for another try"
                yield f"{counted(found.waiting, 'request')} of any player {wait}. To find one, use its reference."
        case "unknown":
            yield from _nowhere(found)
    for item in found.adjusted if not found.letters else ():
        yield f"By hand, it was {told(item)}."
        if _is_as_much(item, found.transactions):
            yield "That is as much as the record under its own reference: if only one was owed, it is paid twice."
    if found.outcome in ("waiting", "not kept", "gone"):
        yield from _next(found)  # only prizes can be dead letters beside these
    for each in found.missed[-_MOST_MISSED:]:
        yield _missed(found, each)
    if (more := len(found.missed) - _MOST_MISSED) > 0:
        yield f"... and {more} more that were refused before: --json has them."
    if found.outcome != "unknown":
        yield from found.not_looked


def _missed(found: Found, missed: Missed) -> str:
    said = missed.refusal
    facts = [f"{missed.callback} {legible(missed.reference)}"]
    if said.amount:
        facts.append(f"{plain(said.amount)} {plain(said.currency or '')}".rstrip())
    facts += [f"{what} {legible(name)}" for what, name in (("player", said.player), ("round", said.round)) if name]
    match missed.state:
        case "waiting":
            state = (
                f"waits for another try{f', after {said.tries} of ten' if said.tries else ''}, for error {_why(said)}"
            )
        case "refused":
            state = f"refused{_at(said)}, with error {_why(said)}. Nothing was moved, and nothing is kept"
        case "paid by hand" if missed.by_hand:
            state = f"paid by hand, it was {told(missed.by_hand)}"
        case "not kept":
            state = f"could not even be kept{_at(said)}"
        case _:
            state = f"left for a person{_at(said)}, with error {_why(said)}, and not among the dead letters now"
    return f"{', '.join(facts)}: {state}. Next: {found.command('find', f'{missed.callback}#{missed.reference}')}"


def _is_as_much(item: Item, others: Sequence[Item]) -> bool:
    return any(number(each.get("amount")) == number(item.get("amount")) for each in others)


def _is_cancel(found: Found) -> bool:
    """Whether all that is parked asks for a stake to be paid back."""
    parked = [callback for callback, _ in (*found.letters, *found.due)] or [line.callback for line in found.log]
    return bool(parked) and all(callback == CANCEL for callback in parked)


def _done(found: Found) -> str:
    return "paid back" if _is_cancel(found) else "credited"


def _of_rounds(found: Found) -> Iterator[str]:
    """How its rounds stand; of a bet or a cancel, where all of its round is shown."""
    for of in found.rounds:
        player, game, round_id = of.place
        several = len(found.rounds) > 1
        for sentence in state(of):
            yield f"{legible(player)}, {legible(game)}: {sentence}" if several else sentence
        if not of.is_named:
            yield f"Its round: {found.command('find', round_id, option=f'--player={player}')}"
        elif found.is_of_player and of.has("hadRefusedBet"):
            yield "A bet was refused for lack of money. A player's list does not have it: leave out --player to see it."


def _recorded(found: Found) -> Iterator[str]:
    if any(of.is_named for of in found.rounds):
        return  # they are told step by step
    unpaid = [item for item in found.transactions if outcome_of(item)]
    if len(found.transactions) > 1:
        paid = len(found.transactions) - len(unpaid)
        if not found.rounds:
            yield f"Credited: {paid} transactions." if found.outcome == "credited" else f"Moved: {paid} transactions."
        told = found.transactions if found.rounds else unpaid
        for item in told[:_MOST_MISSED]:
            yield f"{plain(str(item.get('id')))}: {plain(meaning(item))}"
        return
    (item,) = found.transactions
    says = plain(meaning(item))
    if number(item.get("amount")) == 0 and number(item.get("amountAsked")) != 0 and not unpaid:
        says += f" To see the player's other transactions: {found.command('ledger', str(item.get('userId')))}"
    yield says


def _next(found: Found) -> Iterator[str]:
    lines = (
        str(each)
        for callback, group in found.letters
        for each in advice(callback, group, found.options, found=found.name, on_record=found.on_record)
    )
    yield from dict.fromkeys(lines)  # several dead letters may need the same


def _waiting(found: Found, last: LogLine | None) -> Iterator[str]:
    tries = f" after {last.tries} of ten tries" if last and last.tries else ""
    yield f"Not {_done(found)} yet: it waits for another try{tries}{f', for error {_why(last)}' if last else ''}."
    if last and last.code == 62:
        yield "Once the player has a wallet, the next try pays it. After the tenth it is a dead letter."
        yield f"To open one: {opening(found.options, last.player, last.currency)}"
    else:
        yield (
            "It is tried again by itself, with doubling waits, and is paid once the cause is gone. After the tenth try "
            "it is a dead letter."
        )


def _gone(found: Found, last: LogLine | None) -> Iterator[str]:
    if last and last.message in DONE:
        yield f"The log says that it was {last.message}{_at(last)}, and the ledger has no such transaction."
        yield "So this is another table, or the record was removed."
        yield f"To find out: {found.command('verify', option='--all')}"
        return
    yield (
        f"Not {_done(found)}. By the log it was left for a person{_at(last)}, with error {_why(last)}, but it is not "
        "among the dead letters: somebody is reading them, or has discarded it, or fourteen days have passed."
    )
    if last and last.code in (61, *INVALID):
        yield "Look again in five minutes. Then ask who settled it: sent again as it was, it is refused again."
    else:
        yield "Look again in five minutes. Then have the provider send it again."


def _nowhere(found: Found) -> Iterator[str]:
    for item in found.came_with:
        id, prize = plain(str(item.get("id"))), plain(str(item.get("prizeAmount", item.get("laterPrizeAmount"))))
        yield (
            f"{id} is on record and came with the prize {cut(legible(found.name), _MOST_OF_A_NAME)} of {prize}. This "
            "prize was not paid, and is not a dead letter now: somebody is reading it, or has discarded it, or "
            "fourteen days have passed."
        )
        yield f"To see the result: {found.command('find', str(item.get('id')))}"
    if found.came_with:
        return
    yield f"Nothing is known of {cut(legible(found.name), _MOST_OF_A_NAME)} in {found.where}."
    yield (
        "Looked at: the ledger by reference and player"
        + (", round and transaction id" if found.read_all else " (not by round or transaction id)")
        + ("." if found.not_looked else "; the dead letters; the log.")
    )
    if found.is_of_player:
        yield (
            "A player's list has no orders that were refused for lack of money, and nothing that was booked elsewhere: "
            "to look for one by its round or transaction id, leave out --player."
        )
    yield from found.not_looked
    if found.waiting:
        yield (
            f"{counted(found.waiting, 'request')} {'waits' if found.waiting == 1 else 'wait'} for another try and "
            "cannot be listed. This win may be among them. To look at those that are due, use --retries."
        )
    if found.hidden:
        yield f"{found.hidden} dead letters are being read by somebody else: look again in five minutes."
    if found.refused_bodies:
        yield (
            f"{counted(found.refused_bodies, 'dead letter')} had a body that is not valid, and may be of this win "
            f"under another name. To see them: {command(found.options, 'parked', 'list')}"
        )
    yield never_came(found)
    yield (
        "Ask the provider for its reference, callback, time and the answer it got, and whether this is where it calls."
    )


def never_came(found: Found) -> str:
    """What can be said of a request that nothing is known of."""
    looked_everywhere = not (
        found.not_looked or found.waiting or found.hidden or found.could_scan or found.refused_bodies
    )
    return not_kept_in(found.not_kept, found.since, looked_everywhere=looked_everywhere)


def not_kept_in(not_kept: Mapping[str, int] | None, since: datetime, *, looked_everywhere: bool) -> str:
    """What was refused since then and is kept nowhere; whether a request may have been among that."""
    if not_kept is None:
        return "What is refused with 99 or 401 is kept nowhere, and the log could not be asked how many requests were."
    if not (number := sum(not_kept.values())):
        none = (
            f"no request was refused with 99 or 401 since {shown(since)}, and the log has the reference of every "
            "other refused request"
        )
        return f"Most likely it never came here: {none}." if looked_everywhere else f"{none[0].upper()}{none[1:]}."
    told = "; ".join(f"{times:,} {_NOT_KEPT.get(what, what)}" for what, times in sorted(not_kept.items()))
    were, their = ("was", "its reference is") if number == 1 else ("were", "their references are")
    return (
        f"{counted(number, 'request')} {were} refused since {shown(since)}, and {their} not in the log: {told}. "
        "This win may be among them, or it never came here."
    )


_NOT_KEPT = {
    "57": "with 57, a malformed field",
    "59": "with 59, an amount that is not valid",
    "64": "with 64, a mandatory field absent",
    "99": "with 99, not readable, kept nowhere",
    "401": "with 401, not authentic, kept nowhere",
    "998": "with 998, the secrets could not be read, kept nowhere",
    "parking failed": "that could not be put into a queue",
}
_MOST_OF_A_NAME = 200  # characters, in a sentence


def _why(last: LogLine | None) -> str:
    return f"{last.code} ({plain(last.reason or 'no reason given')})" if last and last.code else "that the log lacks"


def _at(last: LogLine | None) -> str:
    return f" on {shown(last.at)}" if last and last.at else ""

"""What a search by amount and time found, in sentences: the answer first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tools.shared.amounts import amount
from tools.shared.hints import command
from tools.shared.items import Item
from tools.shared.listing import counted
from tools.shared.moments import recorded
from tools.shared.outside import legible, plain
from tools.shared.spoken import shown, told
from tools.walletctl.find.found import not_kept_in
from tools.walletctl.find.missed import Missed, State
from tools.walletctl.find.searching import Moved, NotMoved
from tools.walletctl.find.sought import Sought, wins
from tools.walletctl.kinds import CANCEL, ELSEWHERE
from tools.walletctl.log import LogLine
from tools.walletctl.parked.adjusted import told as adjusted
from tools.walletctl.parked.advice import advice
from tools.walletctl.parked.letters import Group
from tools.walletctl.records import by_hand, kind_of, meaning, moved_bonus, number, outcome_of, why_less

Outcome = Literal[
    "moved", "dead letter", "waiting", "not kept", "gone", "refused", "declined", "booked elsewhere", "unknown"
]

MOST = 10  # sentences of one sort
_MOST_NEAR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """`options` lead a command to `where`. The `moved.matching` that are shown are whole records."""

    sought: Sought
    where: str
    options: Sequence[str]
    moved: Moved
    rest: NotMoved

    def command(self, *words: str, names: Sequence[str] = (), options: Sequence[str] = ()) -> str:
        return command([*options, *self.options], *words, names=names)

    @property
    def outcome(self) -> Outcome:
        """One word: what moved comes first, then what is owed."""
        rest = self.rest
        if self.moved.matching or any(outcome_of(item) is None for item in rest.settled):
            return "moved"
        if rest.letters:
            return "dead letter"
        states: list[Outcome] = [_outcome(each.state) for each in rest.missed]
        if rest.due or "waiting" in states:
            return "waiting"
        if states:
            unpaid: list[Outcome] = [each for each in states if each != "moved"]
            return unpaid[-1] if unpaid else "moved"
        if rest.settled:
            return ELSEWHERE if any(outcome_of(item) == ELSEWHERE for item in rest.settled) else "refused"
        return "unknown"


def _outcome(state: State) -> Outcome:
    if state == "paid by hand":
        return "moved"
    return "gone" if state == "credited" else state  # it was there, and is not any more


def sentences(searched: Searched) -> Iterator[str]:
    """The answer, then what it means, then what to do next."""
    yield from count(searched)
    yield from of_moved(searched.sought, searched.moved.matching)
    yield from of_the_rest(searched)


def count(searched: Searched) -> Iterator[str]:
    """The answer where several match: how many moved money, and how many did not."""
    rest = searched.rest
    did = [
        *(True for _ in searched.moved.matching),
        *(outcome_of(item) is None for item in rest.settled),
        *(False for _ in (*rest.letters, *rest.due)),
        *(each.state == "paid by hand" for each in rest.missed),
    ]
    if len(did) > 1:
        sorts = ((did.count(True), "moved money"), (did.count(False), "did not"))
        yield f"{len(did):,} match: {', '.join(f'{number:,} {what}' for number, what in sorts if number)}."


def of_moved(sought: Sought, matching: Sequence[Item]) -> Iterator[str]:
    for item in matching[:MOST]:
        yield movement(sought, item)
    if (more := len(matching) - MOST) > 0:
        yield f"... and {more:,} more. --csv has them all."


def of_the_rest(searched: Searched) -> Iterator[str]:
    sought, moved, rest = searched.sought, searched.moved, searched.rest
    for item in rest.settled[:MOST]:
        yield settled(sought, item)
    for callback, group in rest.letters[:MOST]:
        yield dead_letter(sought, callback, group)
        for each in advice(callback, group, searched.options, on_record=rest.on_record):
            yield f"  {each}"
    for callback, group in rest.due[:MOST]:
        waits = f"{_asked(sought, callback, group)} waits for another try"
        yield f"Not {_done(callback)} yet: {waits}. Reference: {legible(group.name)}."
    for each in rest.missed[-MOST:][::-1]:
        yield missed(sought, each)
        yield f"  Next: {searched.command('find', names=[f'{each.callback}#{each.reference}'])}"
    for number_, what in ((len(rest.letters), "dead letter"), (len(rest.missed), "refused request")):
        if number_ > MOST:
            yield f"... and {counted(number_ - MOST, what)} more. --json has them all."
    if searched.outcome == "unknown":
        yield from nothing(searched)
    elif rest.others and not moved.matching:
        nameless = [group for _, group in rest.others if all("userId" not in each.asked for each in group.letters)]
        if number_ := len(rest.others) - len(nameless):
            yield f"This player has {counted(number_, 'other dead letter')} too. Next: {_find_player(searched)}"
        for group in nameless[:_MOST_NEAR]:
            look = searched.command("parked", "show", names=[group.letters[0].message_id])
            yield f"A dead letter names no player; it may be this player's: {look}"
    if sought.player is not None and moved.is_empty and moved.wallet is None and searched.outcome != "unknown":
        yield f"Player {legible(sought.player)} has no wallet here, and no movement."
    yield from rest.not_looked


def movement(sought: Sought, item: Item) -> str:
    """`Player 421 was paid 500 EUR by jackpot JP-7 yesterday at 23:14 (22:14 UTC). …`"""
    at = recorded(item.get("recordedAt"))
    when = f" {told(at, sought.now, sought.zone)}" if at else ", at a time that is not on record"
    parts = [f"Player {legible(str(item.get('userId')))} {_did(item)}{when}.", f"Reference: {_reference(item)}."]
    if (cash := number(item.get("cashAfter"))) is not None:
        parts.append(f"Balance after it: {_money(cash, item)}.")
    parts += [f"{plain(less)}."] if (less := why_less(item)) else []
    parts += [f"Ordered by {plain(who)}."] if (who := by_hand(item)) else []
    return " ".join(parts)


def _did(item: Item) -> str:
    moved, bonus = number(item.get("amount")), number(moved_bonus(item))
    money = _money(moved.copy_abs(), item) if moved is not None else "an amount that cannot be read"
    round_ = f"round {legible(str(item['roundId']))}" if "roundId" in item else ""
    in_round = f" in {round_}" if round_ else ""
    match kind_of(item):
        case "result":
            return f"was paid {money} in {round_ or 'a round'}"
        case "jackpot":
            return f"was paid {money} by {_named('jackpot', item.get('jackpotId'), 'a jackpot')}"
        case "bonus":
            return f"was paid {money} for {_named('the free rounds', item.get('bonusCode'), 'free rounds')}"
        case "promo":
            return f"was paid {money} by {_named('campaign', item.get('campaignId'), 'a promotion')}"
        case "bet":
            return f"staked {money}{in_round}"
        case "cancel":
            return f"was paid back {money} for a cancelled bet{in_round}"
        case "opening":
            return f"got a wallet with {money}"
        case "deposit":
            return f"deposited {money}"
        case "withdrawal":
            return f"withdrew {money}"
        case "adjustment":
            of_bonus = f" and the bonus by {_signed(bonus, item)}" if bonus else ""
            return f"had the wallet adjusted by {_signed(moved, item)}{of_bonus}"
        case kind:
            return f"had {money} moved by {plain(kind)}"


def _named(what: str, name: object, otherwise: str) -> str:
    return otherwise if name is None else f"{what} {legible(str(name))}"


def _money(value: Decimal, item: Item) -> str:
    return f"{amount(value)} {plain(str(item.get('currency') or ''))}".rstrip()


def _signed(value: Decimal | None, item: Item) -> str:
    return "an amount that cannot be read" if value is None else f"{'+' if value >= 0 else ''}{_money(value, item)}"


def _reference(item: Item) -> str:
    return legible(str(item.get("id")).partition("#")[2])


def settled(sought: Sought, item: Item) -> str:
    """What was refused at first: it moved later, or for good it did not."""
    if outcome_of(item) is None:
        return f"It was refused at first, and done later: {movement(sought, item)}"
    asked = number(item.get("amountAsked"))
    money = f"{_money(asked.copy_abs(), item)} " if asked is not None else ""
    whose, kind = legible(str(item.get("userId"))), plain(kind_of(item))
    at = recorded(item.get("recordedAt"))
    when = f" That is on record since {told(at, sought.now, sought.zone)}." if at else ""
    what = f"{_a(_CALLED.get(kind, kind))} {f'of {money}' if money else ''}for player {whose}"
    start = "Not paid here" if outcome_of(item) == ELSEWHERE else "Nothing was moved"
    return f"{start}: {what}. Reference: {_reference(item)}. {plain(meaning(item))}{when}"


def dead_letter(sought: Sought, callback: str, group: Group) -> str:
    came = told(group.first_received_at, sought.now, sought.zone)
    copies = f", {len(group.letters)} times" if len(group.letters) > 1 else ""
    return (
        f"Not {_done(callback)}: {_asked(sought, callback, group)} is a dead letter. It came {came}{copies}, and was "
        f"refused with {' and '.join(_error(*fault) for fault in group.faults) or 'no error'}. It will not be retried "
        f"automatically. Reference: {legible(group.name)}."
    )


def _done(callback: str) -> str:
    return "paid back" if callback == CANCEL else "paid"


def _asked(sought: Sought, callback: str, group: Group) -> str:
    """What a parked request asks for: `a jackpot of 500 EUR for player 421`."""
    letter = group.letters[0]
    asked = letter.asked
    debts = [each for each in letter.owed() if each.amount]
    debt = next((each for each in debts if sought.has_amount(Decimal(each.amount or 0))), next(iter(debts), None))
    what = "prize" if debt and debt.what == "prize" else callback
    said = amount(Decimal(debt.amount)) if debt and debt.amount else plain(asked.get("amount", ""))
    return _request(what, said, asked.get("currency"), asked.get("userId"))


def _request(kind: str, money: str, currency: str | None, player: str | None) -> str:
    """`a jackpot of 500 EUR for player 421`."""
    of = f" of {money} {plain(currency or '')}".rstrip() if money else ""
    whose = "a player that the request does not name" if player is None else f"player {legible(player)}"
    return f"{_a(_CALLED.get(kind, kind))}{of} for {whose}"


_CALLED = {"result": "win", "bonus": "free round bonus", "promo": "campaign prize"}


def _a(what: str) -> str:
    return f"{'an' if what[:1] in 'aeiou' else 'a'} {plain(what)}"


def _error(code: int | None, reason: str | None) -> str:
    return f"error {code} ({plain(reason or 'no reason given')})"


def missed(sought: Sought, each: Missed) -> str:
    """What the log says of a refused request that is neither on record nor a dead letter."""
    said = each.refusal
    if each.state != "waiting" and sought.amounts:  # others of its reference may have asked for other amounts
        of_amount = [line for line in each.lines if line.message == "refused" and sought.is_amount_of_line(line)]
        said = of_amount[-1] if of_amount else said
    what = _request(each.callback, plain(said.amount or ""), said.currency, said.player)
    done, error, at = _done(each.callback), _error(said.code, said.reason), _at(sought, said)
    match each.state:
        case "waiting":
            tries = f" after {said.tries} of ten tries" if said.tries else ""
            text = f"Not {done} yet: {what} waits for another try{tries}. It was last refused{at}, with {error}"
        case "refused":
            text = f"Refused: {what}{at}, with {error}. Nothing was moved, and nothing is kept"
        case "declined":
            text = f"Refused by the cashier: {what}{at}, with {error}. Nothing was moved"
        case "paid by hand" if each.by_hand:
            text = f"Paid by hand: {what} was refused{at}, with {error}. It was {adjusted(each.by_hand)}"
        case "not kept":
            text = f"Not {done}: {what} came{at}, and could be neither done nor kept. Ask the provider to send it again"
        case _:
            text = (
                f"Not {done}: {what} was left for a person{at}, with {error}. It is not among the dead "
                "letters now: somebody is reading them, or has discarded it, or fourteen days have passed"
            )
    return f"{text}. Reference: {legible(each.reference)}."


def _at(sought: Sought, said: LogLine) -> str:
    return f" {told(said.at, sought.now, sought.zone)}" if said.at else ""


def nothing(searched: Searched) -> Iterator[str]:
    """That nothing matches, what comes nearest, why that may be, and the next command."""
    sought, moved = searched.sought, searched.moved
    yield f"Nothing matches: {headline(sought)}"
    if near := [*nearest(searched)]:
        yield "What comes nearest:"
        yield from (f"  {each}" for each in near)
    elif sought.player is not None and moved.is_empty and moved.wallet is None:
        yield f"There is no player {legible(sought.player)} here: no wallet and no movement. Capitals and spaces count."
        yield f"To look for it as a reference or a round: {_find_player(searched)}"
        return
    yield from why_not(searched)
    yield from next_steps(searched)


def headline(sought: Sought) -> str:
    whose = "no player" if sought.player is None else f"player {legible(sought.player)}"
    verb = "has a" if sought.player is None else "has no"
    return f"{whose} {verb} {wanted(sought)} {period(sought)}."


def wanted(sought: Sought) -> str:
    """`win of 500`, `jackpot or promo of 100 to 200`, `movement`."""
    kinds = "movement" if not sought.kinds else "win" if set(sought.kinds) == set(wins()) else " or ".join(sought.kinds)
    return f"{kinds} of {sought.amounts}" if sought.amounts else kinds


def period(sought: Sought) -> str:
    since, until = sought.period.since, sought.period.until
    from_ = shown(since, sought.zone)
    return f"since {from_}" if until is None else f"from {from_} to {shown(until, sought.zone)}"


def nearest(searched: Searched) -> Iterator[str]:
    sought, moved, rest = searched.sought, searched.moved, searched.rest
    for item in moved.other_kinds:
        yield movement(sought, item)
    if moved.earlier:
        yield f"Before that time: {movement(sought, moved.earlier)}"
    for callback, group in rest.others[:_MOST_NEAR]:
        yield dead_letter(sought, callback, group)
    for each in rest.other_missed[-_MOST_NEAR:]:
        yield missed(sought, each)
    for item in moved.nearest:
        yield movement(sought, item)


def why_not(searched: Searched) -> Iterator[str]:
    sought, rest = searched.sought, searched.rest
    if rest.waiting and not rest.log:
        they = "waits" if rest.waiting == 1 else "wait"
        yield f"{counted(rest.waiting, 'request')} of any player {they} for another try. Only the log says which."
    if rest.hidden:
        dead = counted(rest.hidden, "dead letter")
        yield f"{dead} cannot be seen now: somebody else is reading them. Try again in five minutes."
    looked_everywhere = not (rest.not_looked or rest.hidden or rest.refused_bodies or not rest.log)
    yield not_kept_in(rest.not_kept, sought.period.since, looked_everywhere=looked_everywhere)
    if sought.player is not None and sought.may_have_moved_nothing:
        yield "A bet or a withdrawal that was refused moved nothing, and is not listed here. Find it by its reference."


def next_steps(searched: Searched) -> Iterator[str]:
    sought, moved = searched.sought, searched.moved
    if sought.player is None:
        yield "If the player is known, search again with the player: walletctl help find"
        return
    if searched.rest.others or searched.rest.other_missed:
        yield f"To see what was not paid: {_find_player(searched)}"
    if moved.wallet is not None:
        ends = {"since": sought.period.since, "until": sought.period.until}
        time = [f"--{name}={end:%Y-%m-%dT%H:%M:%SZ}" for name, end in ends.items() if end]
        yield f"To see all movements of that time: {searched.command('ledger', names=[sought.player], options=time)}"
    yield "Ask the provider for the reference of the win, and for the answer it got. Then: walletctl find REFERENCE"


def _find_player(searched: Searched) -> str:
    return searched.command("find", names=[str(searched.sought.player)])

"""What a person does about dead letters, by why they were left: one advice for the command line and the console."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tools.shared.amounts import amount
from tools.shared.hints import command, opening
from tools.shared.identifiers import is_identifier
from tools.shared.items import Item
from tools.shared.outside import cut, plain
from tools.walletctl.kinds import BET, CANCEL, ELSEWHERE
from tools.walletctl.parked.adjusted import are_paid, for_another, money_of, paying, reference_apart, told
from tools.walletctl.parked.letters import INVALID, DeadLetter, Debt, Group
from tools.walletctl.records import number, outcome_of

_MOST_OF_A_NAME = 128  # characters: a reference that can be on record has no more
_MOST_OF_A_PRIZE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A sentence without its full stop, and the command that does what it says.

    `beside_a_button` is what a page says instead, where its button does the same.
    """

    text: str
    command: str = ""
    beside_a_button: str = ""

    def __str__(self) -> str:
        return f"{self.text}: {self.command}" if self.command else f"{self.text}."


def advice(
    callback: str,
    group: Group,
    options: Sequence[str],
    *,
    on_record: Mapping[str, Item],
    found: str | None = None,
) -> Iterator[Advice]:
    """What to do next, in order.

    `options` lead a command to the place. `on_record` are the records that are known, by id: the wins of prizes,
    and what was adjusted by hand. `found` is the name that was looked for, if one was.
    """
    name = group.handle

    def settle(text: str, *more: str, beside_a_button: str = "") -> Advice:
        line = command(options, "parked", "settle", *more, names=[group.handles[0], callback])
        return Advice(text=text, command=line, beside_a_button=beside_a_button)

    if group.refused:
        yield Advice(text=f"It cannot be sent back: {group.refused}")
        yield Advice(text="If nobody is owed it, discard it. How", command=command((), "help", "parked", "discard"))
        return
    paid = {one.message_id for one in group.letters if are_paid([one], on_record)}
    part, rest = group.among(paid), group.among({one.message_id for one in group.letters} - paid)
    if part and rest:
        yield from advice(callback, part, options, on_record=on_record, found=found)
        yield from advice(callback, rest, options, on_record=on_record, found=found)
        return
    yield from already_paid(group.letters, on_record, are_named=group.is_part)
    if are_paid(group.letters, on_record):
        one = group.letters[0]
        may_be_booked = not group.differ and can_be_settled(one) and not one.is_free_round
        if may_be_booked:
            yield settle(
                "Record that, so that it is not paid later",
                "--booked-elsewhere",
                beside_a_button="Settle it as booked elsewhere, so that it is not paid later",
            )
        else:
            yield discarding(callback, group, options, "Discard the dead letter")
        return
    for one, _ in group.prizes.entries if group.prizes else ():
        yield from _about_a_prize(callback, one, on_record)
        if can_be_settled(one):
            yield settle("If it is owed as it is, pay it", beside_a_button="If it is owed as it is, settle it")
        else:
            yield from adjusting(one, options, on_record)
    if not group.wins:
        return
    codes = {code for code, _ in group.wins.faults}

    def send_back(text: str, beside_a_button: str) -> Advice:
        again = command(options, "parked", "redrive", callback, names=group.handles)
        return Advice(text=text, command=again, beside_a_button=beside_a_button)

    one = group.wins.letters[0]
    if all(is_paid_back(each, on_record) for each in group.wins.letters):
        yield Advice(text="The bet that it names is on record as paid back, so nothing more is owed for it")
        yield discarding(callback, group, options, "Discard the dead letter")
    elif one.is_cancel and codes <= {0, 59, 61}:
        yield from _about_a_cancel(callback, group, one, options, on_record, settle)
    elif codes & INVALID:
        yield Advice(
            text="What was sent is not valid, and is refused again as it is. Ask the provider to correct it and to "
            "send it again with its reference. Once that is paid, discard this dead letter"
        )
        if can_be_settled(one):
            yield settle(
                "If it is owed as it is, pay it as far as it can be read",
                beside_a_button="If it is owed as it is, settle it as far as it can be read",
            )
        else:
            yield from adjusting(one, options, on_record)
    elif one.is_refused_by_round:
        why = one.parked.reason.partition(": ")[0] if one.parked else ""
        yield Advice(
            text=f"{plain(why)}, so a win of it is refused. A retry is refused again. Ask the provider which is right"
        )
        yield settle("If the win is owed all the same, pay it", beside_a_button="If the win is owed, settle it")
        yield discarding(callback, group, options, "If it is not owed, discard the dead letter")
    elif 61 in codes:
        yield Advice(
            text=f"The reference is on record{_elsewhere(callback, group, on_record)} with other content. A retry is "
            "refused again as long as that is on record. Ask the provider which is right. If this is owed as well, it "
            "must come under a separate reference. Then discard this dead letter"
        )
        if found not in (name, f"{callback}#{name}"):
            yield Advice(text="To see both", command=command(options, "find", names=[name]))
        yield from adjusting(one, options, on_record)
    elif 52 in codes:
        yield Advice(text="The win is in another currency than the wallet. Ask the provider")
        free_rounds = [one for one, _ in group.wins.entries if one.is_free_round]
        if len(free_rounds) < len(group.wins.entries):
            yield settle(
                "If you pay it by other means, record that, so that it is not paid later",
                "--booked-elsewhere",
                beside_a_button="If you pay it by other means, settle it as booked elsewhere, so that it is not paid "
                "later",
            )
        for one in free_rounds:
            yield from paying_a_free_round(callback, group, one, options, on_record)
        yield send_back(
            "If the wallet is corrected", "A retry is refused again until the wallet's currency is corrected"
        )
    elif 62 in codes:
        asked = group.letters[0].asked
        yield Advice(
            text="The player has no wallet. To open one",
            command=opening(options, asked.get("userId"), asked.get("currency")),
        )
        yield send_back("Then send it back", "Then try again")
    else:
        yield send_back("Once the cause in its reason is gone, send it back", "Once the cause is gone, try again")


def _about_a_cancel(
    callback: str,
    group: Group,
    one: DeadLetter,
    options: Sequence[str],
    on_record: Mapping[str, Item],
    settle: Callable[..., Advice],
) -> Iterator[Advice]:
    """What to do about a cancel or a refund that the bet or the round forbids."""
    reason = one.parked.reason if one.parked else ""
    owed, it = (
        ("the stakes of all live bets of the round are", "them") if one.is_of_whole_round else ("the stake is", "it")
    )
    if one.is_answered:
        yield Advice(
            text="No bet of this round is on record, so nothing was paid back, and the provider does not send this "
            "again. It may mean a bet from before this wallet. Ask the provider which bets it means"
        )
    elif is_of_another(one, on_record):
        yield Advice(text="The bet is another player's. Nobody can pay it back by this. Ask the provider")
        yield discarding(callback, group, options, "Then discard the dead letter")
        return
    elif not can_be_settled(one):
        yield Advice(text=f"{plain(reason)}. A retry is refused again. Ask the provider whether the stake is owed")
    else:
        why = _WHY_NO_CANCEL.get(reason.partition(": ")[0], plain(reason))
        yield Advice(text=f"{why}, so nothing was paid back. A retry is refused again. Ask the provider which is right")
        yield settle(
            f"If {owed} to be paid back all the same, pay {it} back",
            beside_a_button=f"If {owed} to be paid back all the same, settle {it}",
        )
        yield discarding(callback, group, options, "If it is not, discard the dead letter")
        return
    yield from adjusting(one, options, on_record)
    yield discarding(callback, group, options, "Then, or if nothing is owed, discard the dead letter")


# What the wallet answers, and what it means. Source: layers/common/wallet/calls.py.
_WHY_NO_CANCEL = {
    "The round has winnings": "The round has won",
    "This bet is on record with other content": "The bet is on record in another round or game",
    "Not a valid amount": "It names another amount than was taken, or one that cannot be read",
}


def is_of_another(one: DeadLetter, on_record: Mapping[str, Item]) -> bool:
    """Whether the bet that a cancel names is another player's."""
    bet = on_record.get(f"{BET}#{one.parked.reference}") if one.parked else None
    return bet is not None and bet.get("userId") != one.asked.get("userId")


def is_paid_back(one: DeadLetter, on_record: Mapping[str, Item]) -> bool:
    """Whether it is a cancel whose bet was paid back since, or booked elsewhere. A refund may ask for more bets."""
    return one.is_cancel and not one.is_of_whole_round and _reversal_of(one, on_record) is not None


def _reversal_of(one: DeadLetter, on_record: Mapping[str, Item]) -> Item | None:
    """What paid back the bet that a cancel or a refund names, if the bet is the same player's."""
    item = on_record.get(f"{CANCEL}#{one.parked.reference}") if one.parked else None
    return item if item and item.get("userId") == one.asked.get("userId") else None


def _elsewhere(callback: str, group: Group, on_record: Mapping[str, Item]) -> str:
    """What must be said of a record that a win is in conflict with, if that win was not paid."""
    item = on_record.get(f"{callback}#{group.name}")
    return " as booked elsewhere," if item and outcome_of(item) == ELSEWHERE else ""


def _about_a_prize(callback: str, one: DeadLetter, on_record: Mapping[str, Item]) -> Iterator[Advice]:
    parked, (reference, amount) = one.parked, one.prize or (None, "")
    if parked is None:
        return
    prize = " ".join(
        ["The prize", *([plain(reference)] if reference else []), *([f"of {plain(amount)}"] if amount else [])]
    )
    win = f"{callback} {cut(plain(parked.reference or 'without a reference'), _MOST_OF_A_NAME)}"
    is_paid = f"{callback}#{parked.reference}" in on_record
    yield Advice(
        text=f"{cut(prize, _MOST_OF_A_PRIZE)}, which came with {win}, is not paid: "
        f"{why_not_the_prize(parked.code, parked.reason)}. "
        f"The win itself {'is paid' if is_paid else 'does not wait for it: it is paid, or is tried again by itself'}"
    )
    yield Advice(
        text="Ask the provider which is right. If the prize is owed, it must come under a reference that is free. Once "
        "that is settled, discard this dead letter"
    )


def retrying(group: Group) -> Literal["helps", "if corrected"] | None:
    """Whether another try can succeed. None: it is refused again, whatever changes here.

    A request in another currency can pass once the wallet is corrected. What is on record is never taken away, so a
    conflict stays one.
    """
    sendable = group.worth_sending_back
    codes = {code for code, _ in sendable.faults} if sendable else set[int]()
    if not codes - {_CONFLICT}:
        return None
    return "if corrected" if codes & {_CONFLICT, _OTHER_CURRENCY} or not group.wins else "helps"


_OTHER_CURRENCY, _CONFLICT = 52, 61


def can_be_settled(one: DeadLetter) -> bool:
    """Whether its function may pay it: it can be read, and its reference is not on record with other content.

    A person decides what a round forbids.
    """
    if one.parked is None or one.unreadable:
        return False
    if one.is_cancel:
        return not one.is_answered and not (one.parked.code == 61 and _is_unsettleable(one, one.parked.reason))
    if one.is_refused_by_round:
        return True
    return one.parked.code != 61 or (one.is_prize_only and "promoWin" in one.parked.reason)


def may_be_adjusted(one: DeadLetter) -> bool:
    """Whether an adjustment may pay what its function does not, as far as the dead letter says.

    A free round is not paid so: its bonus code would not count it.
    """
    parked, asked = one.parked, one.asked
    if parked is None or can_be_settled(one) or not is_identifier(asked.get("userId", "")):
        return False
    if parked.callback == "bonus" or "bonusCode" in asked or one.is_answered or one.is_of_whole_round:
        return False
    return all(debt.amount is not None or debt.what == "stake" for debt in one.owed())


def _is_unsettleable(one: DeadLetter, reason: str) -> bool:
    """Whether a cancel is refused whoever decides: its round has expired, or its bet is not the player's, or the round
    that it refunds is not its bet's."""
    differs = reason.startswith("This bet is on record with other content")
    return "not on record any more" in reason or (differs and (one.is_of_whole_round or "userId" in reason))


def adjusting(
    one: DeadLetter, options: Sequence[str], on_record: Mapping[str, Item], *, in_its_currency: bool = True
) -> Iterator[Advice]:
    """What pays by hand what a dead letter asks for, was not adjusted yet, and no function can pay under its own id.

    Its reference comes from the win's: the same line again pays nothing more, also for another copy of the win.
    """
    player = one.asked.get("userId", "")
    # A corrected request under that reference is not this one: nothing on record is in its way.
    later = " (if it is corrected and comes after that, it is paid as well)" if one.is_invalid else ""
    for debt, known in left_to_adjust(one, on_record):
        owed = known if known and in_its_currency else "AMOUNT"
        yield Advice(
            text=f"If the {debt.what} is owed and does not come, adjust the wallet by hand{later}",
            command=command(
                [*options, "--reference", debt.by_hand, "--reason", "…"],
                "adjust",
                names=[player if is_identifier(player) else "PLAYER", owed],
            ),
            beside_a_button=f"If the {debt.what} is owed and does not come, settle it: an adjustment pays it{later}"
            if in_its_currency and may_be_adjusted(one)
            else "",
        )


def left_to_adjust(one: DeadLetter, on_record: Mapping[str, Item]) -> Iterator[tuple[Debt, str | None]]:
    """What a dead letter asks for and nobody has paid by hand yet, and its amount if that is known."""
    for debt in one.owed():
        if paying(one, debt, on_record) or (debt.what == "stake" and _reversal_of(one, on_record)):
            continue
        if for_another(one, debt, on_record) and debt.amount:
            yield replace(debt, by_hand=reference_apart(debt.by_hand, debt.amount)), debt.amount
            continue
        if debt.adjustment in on_record:
            continue
        bet = on_record.get(f"{BET}#{one.parked.reference}") if debt.what == "stake" and one.parked else None
        taken = number(bet.get("amount")) if bet else None
        yield debt, amount(taken.copy_abs()) if taken else debt.amount


def already_paid(
    letters: Sequence[DeadLetter], on_record: Mapping[str, Item], *, are_named: bool = False
) -> Iterator[Advice]:
    """What a person has paid of it by hand, so that nobody pays it again, or leaves another request unpaid for it."""
    said: dict[str, None] = {}
    for one in letters:
        for debt in one.owed():
            money = f"{debt.amount} {plain(one.asked.get('currency', ''))}".rstrip()
            if item := paying(one, debt, on_record):
                it = f"The {debt.what} of {money}" if are_named and debt.amount else "It"
                said[f"{it} was {told(item)}. Do not pay it again"] = None
            elif item := for_another(one, debt, on_record):
                said[
                    f"{plain(money_of(item))} was paid for another request of this reference: it was {told(item)}. "
                    f"This {debt.what}, of {money}, was not paid by that"
                ] = None
    yield from (Advice(text=each) for each in said)


def paying_a_free_round(
    callback: str, group: Group, one: DeadLetter, options: Sequence[str], on_record: Mapping[str, Item]
) -> Iterator[Advice]:
    """What to do about a free round in another currency than the wallet: neither way of settling it is open."""
    yield Advice(
        text="A free round cannot be booked elsewhere, because its bonus code would not count it. For the same reason "
        "a total of its rounds may pay it again: ask the provider whether one comes"
    )
    yield from adjusting(one, options, on_record, in_its_currency=False)
    yield discarding(
        callback,
        group,
        options,
        "Then discard the dead letter. Its reference stays free, and is refused again while the wallet is in another "
        "currency",
    )


def discarding(callback: str, group: Group, options: Sequence[str], text: str) -> Advice:
    return Advice(
        text=text, command=command([*options, "--reason", "…"], "parked", "discard", callback, names=group.handles)
    )


def why_not_the_prize(code: int, reason: str) -> str:
    """Why a result's prize was left for a person, in a clause. It is escaped."""
    fields = [field for field in reason.partition(": ")[2].split(", ") if field]
    match code:
        case 61 if any(field.startswith("promoWin") for field in fields):
            return "the result came with another prize before"
        case 61:
            return (
                f"its reference is on record with other content{f' ({plain(chr(32).join(fields))})' if fields else ''}"
            )
        case 57:
            return "its reference is not valid"
        case 59:
            return "its amount is not valid"
        case 64:
            return "it has no reference"
    return plain(reason)

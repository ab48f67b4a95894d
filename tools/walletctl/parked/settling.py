"""A dead letter settled by a person: what its function would do about it, that it does it, and what to do instead."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tools.shared.hints import command, opening
from tools.shared.items import Item
from tools.shared.outside import cut, plain
from tools.shared.trouble import Trouble
from tools.walletctl.kinds import CANCELLED
from tools.walletctl.parked.adjusted import are_paid, recorded_about, those_paid
from tools.walletctl.parked.advice import (
    Advice,
    adjusting,
    already_paid,
    discarding,
    is_of_another,
    paying_a_free_round,
)
from tools.walletctl.parked.letters import DeadLetter, Group
from tools.walletctl.place import Place

MOST_OF_A_REASON = 1000  # characters, as the functions have it
_UNKNOWN = 998  # a write may have been done whose answer never came; a dry run writes nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """What a person decides about the copies of one dead letter of a callback."""

    callback: str
    letter: DeadLetter
    reason: str
    booked_elsewhere: bool

    def foresee(self, place: Place) -> "Ruling":
        """What the function would do at this moment. Raises Trouble."""
        return replace(self._sent(place, dryRun=True), on_record=recorded_about(place.tables(), [self.letter]))

    def settle(self, place: Place) -> "Ruling":
        """Done once, however often it is sent. Raises Trouble: nobody knows then whether it was done."""
        ruling = self._sent(place)
        if ruling.said["error"] == _UNKNOWN:
            raise Trouble(ruling.refusal)
        return ruling

    def _sent(self, place: Place, **more: bool) -> "Ruling":
        order: dict[str, Any] = {
            "message": self.letter.body,
            "actor": place.caller(),
            "reason": self.reason,
            **({"bookedElsewhere": True} if self.booked_elsewhere else {}),
            **more,
        }
        return Ruling(self, place.invoke(f"{self.callback.title()}Function", {"settle": order}))


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a function says of it, for a person. `on_record` is what is known about its letter, by id."""

    decision: Settling
    said: Mapping[str, Any]
    on_record: Mapping[str, Item] = field(default_factory=dict[str, Item])

    @property
    def is_done(self) -> bool:
        return self.said["error"] == 0

    @property
    def movements(self) -> list[Mapping[str, str]]:
        return self.said.get("movements") or []

    @property
    def adjusted(self) -> list[Item]:
        """The adjustments that have paid it by hand."""
        return those_paid([self.decision.letter], self.on_record)

    @property
    def refusal(self) -> str:
        return f"error {self.said['error']}, {plain(str(self.said.get('description', '')))}"

    def before(self) -> str:
        """The wallet before it, in a clause."""
        before, currency = self.said.get("before") or {}, plain(str(self.said.get("currency", "")))
        player = cut(plain(self.decision.letter.asked.get("userId", "")), 128)
        if not currency:
            return f"{player}: there is none"
        return f"{player}: {before.get('cash', '')} {currency}, bonus {before.get('bonus', '')}"

    def after(self) -> str:
        said = self.said
        money = f"{said.get('cash', '')} {plain(str(said.get('currency', '')))}".rstrip()
        return f"{money}, bonus {said.get('bonus', '')}"

    def effects(self) -> Iterator[str]:
        """What it does, in clauses that follow on "It"; they are true before and afterwards."""
        currency, back = plain(str(self.said.get("currency", ""))), " back" if self.decision.letter.is_cancel else ""
        for each in self.movements:
            id = plain(each["id"])
            if each.get("outcome") == CANCELLED:
                yield f"records {id} as cancelled: if that bet comes, it is refused"
            elif each.get("outcome"):
                yield f"records {id} as booked elsewhere, and pays nothing"
            else:
                yield f"pays{back} {each['amount']} {currency} as {id}"
        if not self.movements:
            yield f"pays{back} nothing: {'nothing is held' if back else 'that is on record already'}"
        if left := self.said.get("prizeLeft"):
            yield f"does not pay the prize ({plain(str(left))}): a new dead letter keeps that"
        if self.movements and not self.decision.booked_elsewhere:
            yield from map(plain, self.decision.letter.left_out())

    def already_paid(self) -> Iterator[str]:
        """What a person must know before they settle it: it was paid by hand. In sentences."""
        for each in already_paid([self.decision.letter], self.on_record):
            yield str(each)
        if self.adjusted and self.movements and not self.decision.booked_elsewhere:
            yield "Settling it pays it a second time. To record that it was paid, settle it as booked elsewhere."

    def instead(self, group: Group, place: Place) -> Iterator[Advice]:
        """What to do about what cannot be settled, in order: nothing that would be refused. Raises Trouble."""
        decision, code, said = self.decision, self.said["error"], str(self.said.get("description", ""))
        callback, letter, options = decision.callback, decision.letter, place.options

        def settle(text: str, *more: str) -> Advice:
            return Advice(
                text=text, command=command(options, "parked", "settle", *more, names=[group.handle, callback])
            )

        is_paid = are_paid([letter], self.on_record)
        yield from already_paid([letter], self.on_record)
        if code == _UNKNOWN:
            yield Advice(
                text="It cannot be foreseen at the moment. This dry run changed nothing. Do the same again later"
            )
        elif code == 62:
            asked = letter.asked
            yield Advice(
                text="Open a wallet for the player",
                command=opening(options, asked.get("userId"), asked.get("currency")),
            )
            yield settle("Then settle it")
        elif "more than 38 digits" in said:
            yield Advice(text="No wallet can hold it: pay it by other means")
            if letter.is_free_round:
                yield discarding(callback, group, options, "Then discard the dead letter")
            else:
                yield settle("Then record that, so that it is not paid later", "--booked-elsewhere")
        elif "on record as" in said:
            yield Advice(text="Somebody has settled it the other way. If that is right, discard the dead letter")
        elif said.endswith("bookedElsewhere"):
            paid_here = replace(decision, booked_elsewhere=False).foresee(place)
            if paid_here.is_done:
                yield settle(
                    "A free round is not booked elsewhere, because its bonus code would not count it. Pay it here, "
                    "then take the money back by an adjustment"
                )
            else:
                yield Advice(text=f"It cannot be paid here either: {paid_here.refusal}")
                yield from paid_here.instead(group, place)
        elif code == 52 and letter.is_free_round and not is_paid:
            yield from paying_a_free_round(callback, group, letter, options, self.on_record)
        elif code == 52 and not letter.is_free_round:
            yield from adjusting(letter, options, self.on_record, in_its_currency=False)
            yield settle("Then record that, so that it is not paid later", "--booked-elsewhere")
        elif letter.is_cancel and is_of_another(letter, self.on_record):
            yield discarding(callback, group, options, "The bet is another player's. Discard the dead letter")
        else:
            yield from adjusting(letter, options, self.on_record)
            yield discarding(callback, group, options, "Then discard the dead letter")


def the_one(group: Group) -> DeadLetter:
    """The letter that a person means of a group. Raises Trouble if its copies ask for different things."""
    asked = {(letter.content, letter.is_prize_only) for letter in group.letters}
    if len(asked) > 1:
        raise Trouble(
            f"{cut(plain(group.name), 128)} has dead letters that ask for different things: settle each by its message "
            "id, which `parked show` has"
        )
    if group.refused:
        raise Trouble(f"{cut(plain(group.name), 128)} cannot be settled: {group.refused}")
    return group.letters[0]

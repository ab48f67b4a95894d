"""What dead letters say: what each is, and which belong together.

Everything in them comes from outside, and reaches a terminal only through `plain`.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from tools.shared.hints import can_be_passed
from tools.shared.identifiers import MOST_CHARACTERS
from tools.shared.outside import cut, plain
from tools.walletctl.kinds import CANCEL
from tools.walletctl.parked.adjusted import digest, of_a_prize, reference_for

if TYPE_CHECKING:
    from wallet.parking import Parked
    from wallet.wire import Call, Parameter, SignedRequest

    CallT = TypeVar("CallT", bound=Call)


INVALID = frozenset({57, 59, 64})  # what was sent is not valid: as it is, it is refused again whatever else changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """A win, a prize or a stake. `amount` is None if it cannot be read.

    `by_hand` is the reference of what pays it by hand.
    """

    what: Literal["win", "prize", "stake"]
    amount: str | None
    by_hand: str

    @property
    def adjustment(self) -> str:
        return f"adjustment#{self.by_hand}"


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A dead letter as it was received; `parked` is None if it is not a parked request."""

    message_id: str
    receipt_handle: str
    body: str
    parked: "Parked | None"
    first_received_at: datetime  # the request's; of what is not a request, when it was queued

    @classmethod
    def of(cls, message: dict[str, Any]) -> "DeadLetter":
        """From a message of SQS that was received with its SentTimestamp."""
        parked = _parked_in(message["Body"])
        return cls(
            message_id=message["MessageId"],
            receipt_handle=message["ReceiptHandle"],
            body=message["Body"],
            parked=parked,
            first_received_at=_moment(parked.first_received_at)
            if parked
            else datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
        )

    @cached_property
    def said(self) -> Sequence[tuple[str, str]]:
        """What the request says under its fields' own names, in each spelling it has of them, as it was sent.

        A text is its characters, any other value its JSON text. What is absent is left out.
        """
        return [
            (_FIELDS[each.key], each.as_sent) for each in self._parameters if each.key in _FIELDS and not each.is_absent
        ]

    @property
    def asked(self) -> dict[str, str]:
        """What the request asks for, by its fields' own names; of two spellings the first."""
        asked: dict[str, str] = {}
        for field, text in self.said:
            if field != "reference":
                asked.setdefault(field, text)
        return asked

    @property
    def prize(self) -> tuple[str | None, str] | None:
        """The reference and the amount of the prize that a result brings, as it says them; None if it brings none."""
        asked = self.asked
        amount = asked.get("promoWinAmount")
        if self.parked is None or self.parked.callback != "result" or amount is None or _is_nothing(amount):
            return None
        return asked.get("promoWinReference"), amount

    @property
    def owes(self) -> Sequence[str]:
        """The ids of what it is kept for, of the win and of its prize. What has no reference has no id.

        A refund of a round is kept for several bets: it has the id that its own reference would make.
        """
        if self.parked is None:
            return ()
        parked, prize = self.parked, self.prize
        win = None if parked.prize_only else parked.reference
        ids = (win and f"{parked.callback}#{win}", prize and prize[0] and f"promo#{prize[0]}")
        return [id for id in ids if id]

    @property
    def is_prize_only(self) -> bool:
        """Whether it is kept for its prize alone: its win is paid, or will be without it."""
        return self.parked is not None and self.parked.prize_only

    @property
    def is_invalid(self) -> bool:
        """Whether what was sent, or its prize, is not valid: sent back, it becomes the same dead letter again."""
        return self.parked is not None and self.parked.code in INVALID

    @property
    def is_answered(self) -> bool:
        """Whether the provider has its answer, and sends it no more: a refund of a round that is not known here."""
        return self.parked is not None and self.parked.code == 0

    @property
    def is_cancel(self) -> bool:
        """Whether it asks for stakes to be paid back: a cancel or a refund."""
        return self.parked is not None and self.parked.callback == CANCEL

    @property
    def is_of_whole_round(self) -> bool:
        """Whether it is a refund of all bets of a round."""
        is_refund = self.parked is not None and self.parked.call.lower() == "refund"
        return is_refund and "roundId" in self.asked

    @property
    def is_refused_by_round(self) -> bool:
        """Whether its round refuses this win, while its reference is free."""
        parked = self.parked
        return (
            parked is not None
            and parked.callback == "result"
            and parked.code == _CONFLICT
            and parked.reason.startswith(_OF_ITS_ROUND)
        )

    @property
    def is_free_round(self) -> bool:
        """Whether a bonus code counts it. Its function then refuses to book it elsewhere, which no code would count."""
        if self.parked is None or self.is_prize_only or self.unreadable:
            return False
        return self.parked.callback in ("result", "bonus") and self._win_by_hand().bonus_code is not None

    @property
    def unreadable(self) -> str | None:
        """Why nobody can settle it: its player, amount or reference cannot be read, or those of its prize alone."""
        from wallet.errors import Refusal

        if self.parked is None:
            return "it is not a parked request"
        if self.is_prize_only:
            return self.parked.reason if self.is_invalid else None
        try:
            self._by_hand(_reversal(self.is_of_whole_round) if self.is_cancel else _win())
        except Refusal as refusal:
            return str(refusal)
        return None

    def left_out(self) -> Iterator[str]:
        """What a person must know of a faulty request before they settle it, in clauses."""
        if self.parked is None or self.is_prize_only or self.unreadable:
            return
        if self.is_invalid:
            yield f"leaves out what cannot be read ({self.parked.reason})"
        if self.is_cancel:
            return
        read, asked = self._win_by_hand(), self.asked
        if read.bonus_code is None and "bonusCode" in asked:
            yield "counts it under no bonus code, because that cannot be read: the total of its rounds may pay it again"
        if read.currency is None and (self.parked.callback in ("result", "promo") or "currency" in asked):
            yield "takes the wallet's currency, because the request's cannot be read"

    def owed(self) -> Iterator["Debt"]:
        """What it says is owed, the win first."""
        if self.parked is None:
            return
        asked, prize = self.asked, self.prize
        win = f"{self.parked.callback}#{self.parked.reference or digest(self.content)}"
        if not self.is_prize_only:
            yield Debt(
                what="stake" if self.is_cancel else "win",
                amount=_readable(asked.get("amount")),
                by_hand=reference_for(win),
            )
        if prize:
            reference = reference_for(of_a_prize(win, prize[0]))
            yield Debt(what="prize", amount=_readable(prize[1]), by_hand=reference)

    def _win_by_hand(self) -> "SignedRequest":
        return self._by_hand(_win())

    def _by_hand(self, model: "type[CallT]") -> "CallT":
        """The request as a person settles it. Raises Refusal."""
        from wallet.wire import Body

        return Body(tuple(self._parameters)).read_by_hand(model)

    @property
    def content(self) -> str:
        """What it asks for. With a reference, only the fields that decide about money count.

        Without one, all count but the `uuid`, which names the delivery: two wins may differ in their time alone.
        """
        if not self._parameters:
            return self.parked.request if self.parked else self.body
        if self.parked and self.parked.reference:
            asked = [*self.said]
        else:
            asked = [(each.key, each.literal) for each in self._parameters if each.key != "uuid"]
        if self.parked and self.parked.call:
            asked.append(("call", self.parked.call.lower()))
        return json.dumps(sorted(asked))

    def is_called(self, name: str) -> bool:
        """Whether it is a person's name for its win: its round, its player, its prize, or a reference of two."""
        return any(_is_same_name(name, value) for field, value in self.said if field in _NAMES)

    def may_be_of(self, player: str) -> bool:
        """Whether it names that player, or nobody."""
        named = [value for field, value in self.said if field == "userId"]
        return not named or any(_is_same_name(player, value) for value in named)

    @cached_property
    def _parameters(self) -> "Sequence[Parameter]":
        """The request's fields as the wallet reads them; none of what is not a request."""
        from wallet.errors import Unreadable
        from wallet.wire import parse

        try:
            return parse(self.parked.request).parameters if self.parked else ()
        except Unreadable:
            return ()


@cache
def _win() -> "type[SignedRequest]":
    from wallet.wire import SignedRequest

    return SignedRequest


@cache
def _reversal(is_of_whole_round: bool) -> "type[Call]":
    """What a person must be able to read of a cancel, or of a refund of a round. Source: functions/cancel."""
    from wallet import wire

    class Cancel(wire.Call):
        reference: wire.Identifier

    class Refund(Cancel):
        needed_with: ClassVar[Mapping[str, str]] = {"roundId": "gameId"}

        round_id: wire.Identifier
        game_id: wire.Identifier

    return Refund if is_of_whole_round else Cancel


_CONFLICT = 61
_OF_ITS_ROUND = ("The round was refunded", "Every bet of the round")  # Source: layers/common/wallet/rounds.py
_FIELDS = {
    name.lower(): name
    for name in (
        "reference",
        "userId",
        "amount",
        "currency",
        "gameId",
        "roundId",
        "bonusCode",
        "jackpotId",
        "promoCampaignId",
        "promoWinReference",
        "promoWinAmount",
    )
} | {"campaignid": "promoCampaignId"}
_NAMES = ("reference", "userId", "roundId", "promoWinReference")


def _is_same_name(typed: str, sent: str) -> bool:
    """Whether a person means a name by it: as it is, as it is shown, or a list or object in other white space."""
    if typed in (sent, plain(sent)):
        return True
    # A reference that is not a text is its JSON text, which the provider's log may have written in another way.
    value = _compound(typed)
    return value is not None and value == _compound(sent)


def _compound(text: str) -> object:
    """A JSON list, object or text in quotes; None if it is something else. Numbers are as written: 1.0 is not 1."""
    try:
        return json.loads(text, parse_float=str, parse_int=str) if text[:1] in ("[", "{", '"') else None
    except (ValueError, RecursionError):
        return None


def _is_nothing(amount: str) -> bool:
    """Whether an amount is zero, however it is written: the prize of a result is none then."""
    try:
        return Decimal(amount) == 0
    except InvalidOperation:
        return False


def _readable(amount: str | None) -> str | None:
    from wallet import money

    try:
        return money.text(money.parse(amount or ""))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The letters under one reference, or those without one that ask for the same, the longest owed first.

    `name` is the reference, or the first letter's message id. `refused` says why they cannot be sent back; None if they
    can. `is_part` says that more letters have that name, which are not meant.
    """

    name: str
    letters: tuple[DeadLetter, ...]
    refused: str | None
    is_part: bool = False

    @property
    def faults(self) -> list[tuple[int, str]]:
        """Why they were not credited, each error and reason once."""
        return list(
            dict.fromkeys((letter.parked.code, letter.parked.reason) for letter in self.letters if letter.parked)
        )

    @property
    def error(self) -> int | None:
        """The one error it is counted under: the first it was left for. None if it is not a parked request."""
        return self.faults[0][0] if self.faults else None

    @property
    def prizes(self) -> "Group | None":
        """Those of its letters of which only the prize is left."""
        return self.among({letter.message_id for letter in self.letters if letter.is_prize_only})

    @property
    def wins(self) -> "Group | None":
        """The other letters: those of a win that is not credited."""
        return self.among({letter.message_id for letter in self.letters if not letter.is_prize_only})

    @property
    def worth_sending_back(self) -> "Group | None":
        """Those of its letters for which a retry may do something; None if there are none."""
        may_help = {one.message_id for one in self.letters if not (one.is_invalid or one.is_answered)}
        return None if self.refused else self.among(may_help)

    @property
    def is_answered(self) -> bool:
        """Whether all its letters have their answer."""
        return all(letter.is_answered for letter in self.letters)

    @property
    def entries(self) -> "list[tuple[DeadLetter, int]]":
        """What there is to read: of the letters that say the same, the first, and in how many copies it is there."""
        alike: dict[object, list[DeadLetter]] = defaultdict(list)
        for letter in self.letters:
            parked = letter.parked
            alike[letter.content, parked and (parked.code, parked.reason, parked.prize_only)].append(letter)
        return [(letters[0], len(letters)) for letters in alike.values()]

    @property
    def handle(self) -> str:
        """What a command or a link calls it: a name that no program can be given has its first letter's message id."""
        is_short = len(self.name) <= MOST_CHARACTERS
        return self.name if is_short and can_be_passed(self.name) else self.letters[0].message_id

    @property
    def handles(self) -> list[str]:
        """What a command calls these letters, and no others of their name."""
        return [letter.message_id for letter in self.letters] if self.is_part else [self.handle]

    @property
    def first_received_at(self) -> datetime:
        return min(letter.first_received_at for letter in self.letters)

    @property
    def differ(self) -> bool:
        """Whether they ask for different things: which of them is sent back is then worth a thought."""
        return len({letter.content for letter in self.letters}) > 1

    def called(self, name: str) -> list[DeadLetter]:
        """Those of its letters that a person means, by a reference as it is or as it is shown, or by a message's id."""
        if name == self.handle or _is_same_name(name, self.name):
            return list(self.letters)
        return [letter for letter in self.letters if letter.message_id == name]

    def only(self, name: str) -> "Group | None":
        """The group with only those of its letters that a person means; None if there are none."""
        return self.among({letter.message_id for letter in self.called(name)})

    def among(self, message_ids: Set[str]) -> "Group | None":
        letters = tuple(letter for letter in self.letters if letter.message_id in message_ids)
        is_part = self.is_part or len(letters) < len(self.letters)
        return replace(self, letters=letters, is_part=is_part) if letters else None


def grouped(letters: Iterable[DeadLetter], callback: str) -> list[Group]:
    """The letters by reference, the longest owed first. What is not that callback's cannot be sent back.

    Letters without a reference are by what they ask for: a request that is sent ten times is there once.
    """
    groups: dict[tuple[str | None, str | None, str | None], list[DeadLetter]] = defaultdict(list)
    for letter in letters:
        parked = letter.parked
        reference = parked.reference or None if parked else None
        groups[parked.callback if parked else None, reference, None if reference else letter.content].append(letter)
    found: list[Group] = []
    for (whose, reference, _), alike in groups.items():
        alike.sort(key=lambda letter: (letter.first_received_at, letter.message_id))
        name = reference or alike[0].message_id
        found.append(Group(name=name, letters=tuple(alike), refused=_refused(whose, callback)))
    return sorted(found, key=lambda group: group.first_received_at)


def ids(groups: Iterable[Group]) -> frozenset[str]:
    return frozenset(letter.message_id for group in groups for letter in group.letters)


def _refused(whose: str | None, callback: str) -> str | None:
    if whose is None:
        return "it is not a parked request, and would only come back"
    if whose != callback:
        # A jackpot's request has all the fields of a bonus's: it would be credited a second time, as one.
        return f"it is a dead letter of the callback {cut(plain(whose), 40)}, and {callback} would credit it as its own"
    return None


def _parked_in(body: str) -> "Parked | None":
    from wallet.parking import Parked  # and with it the SDK

    try:
        parked = Parked.read(body)
        _moment(parked.first_received_at)
    except (ValueError, TypeError, OverflowError, RecursionError):  # a moment may be none, or beyond the calendar
        return None
    texts = (parked.callback, parked.reason, parked.request, parked.reference or "")
    return parked if isinstance(parked.code, int) and all(isinstance(text, str) for text in texts) else None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without its time zone")
    return moment.astimezone(UTC)

"""What dead letters say: what each is, and which stand under one reference.

Everything in them comes from outside, and reaches a terminal only through `plain`.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tools.outside import cut, plain

if TYPE_CHECKING:
    from wallet.parking import Parked


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter as it was received; `parked` is None if it is not a parked request."""

    message_id: str
    receipt_handle: str
    body: str
    parked: "Parked | None"
    first_received_at: datetime  # the request's; of what is none, when it was queued

    @classmethod
    def of(cls, message: dict[str, Any]) -> "Letter":
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

    @property
    def asked(self) -> dict[str, str]:
        """What the request says, by its fields' own names and as texts, each amount with every digit; {} if nothing."""
        try:
            said = json.loads(self.parked.request, parse_float=str, parse_int=str) if self.parked else {}
        except (ValueError, RecursionError):
            return {}
        known = {name.lower(): name for name in _FIELDS}
        return {
            known[name.lower()]: str(value)
            for name, value in (said.items() if isinstance(said, dict) else ())
            if name.lower() in known and not isinstance(value, dict | list) and value is not None
        }


_FIELDS = (
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The letters under one reference, or a letter without one under its message's id.

    `refused` says why they cannot be sent back; None if they can.
    """

    name: str
    letters: tuple[Letter, ...]
    refused: str | None

    @property
    def faults(self) -> list[tuple[int, str]]:
        """Why they were not credited, each error and reason once."""
        return list(
            dict.fromkeys((letter.parked.code, letter.parked.reason) for letter in self.letters if letter.parked)
        )

    @property
    def stopped_by_prize(self) -> bool:
        """Whether a win is held up by the reference of the prize it came with, and is itself perhaps on no record."""
        return any(is_of_prize(code, reason) for code, reason in self.faults)

    @property
    def first_received_at(self) -> datetime:
        return min(letter.first_received_at for letter in self.letters)

    @property
    def differ(self) -> bool:
        """Whether they ask for different things: which of them is sent back is then worth a thought."""
        return len({letter.parked.request if letter.parked else letter.body for letter in self.letters}) > 1

    def called(self, name: str) -> list[Letter]:
        """Those of its letters that a person means, by a reference as it is or as it is shown, or by a message's id."""
        if name in (self.name, plain(self.name)):
            return list(self.letters)
        return [letter for letter in self.letters if letter.message_id == name]

    def only(self, name: str) -> "Group | None":
        """The group with only those of its letters that a person means; None if there are none."""
        return self.among({letter.message_id for letter in self.called(name)})

    def among(self, message_ids: Set[str]) -> "Group | None":
        letters = tuple(letter for letter in self.letters if letter.message_id in message_ids)
        return replace(self, letters=letters) if letters else None


def is_of_prize(code: int, reason: str) -> bool:
    """Whether a conflict is that of a prize's reference, by the wallet's own words."""
    return code == 61 and reason.startswith("Its prize's reference ")


def grouped(letters: Iterable[Letter], callback: str) -> list[Group]:
    """The letters by reference, the longest owed first. What is not that callback's cannot be sent back."""
    groups: dict[tuple[str | None, str], list[Letter]] = defaultdict(list)
    for letter in letters:
        reference = letter.parked.reference if letter.parked else None
        groups[letter.parked.callback if letter.parked else None, reference or letter.message_id].append(letter)
    return sorted(
        (
            Group(name=name, letters=tuple(alike), refused=_refused(whose, callback))
            for (whose, name), alike in groups.items()
        ),
        key=lambda group: group.first_received_at,
    )


def _refused(whose: str | None, callback: str) -> str | None:
    if whose is None:
        return "it is not a parked request, and would only come back"
    if whose != callback:
        # A jackpot's request has all the fields of a bonus's: it would be credited a second time, as one.
        return f"it is a letter of the callback {cut(plain(whose), 40)}, and {callback} would credit it as its own"
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

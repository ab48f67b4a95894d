"""Dead letters by why they were left: what helps, how much money it is about, and a row for each reference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tools.console.comparing import Beside, beside
from tools.console.words import FINAL, whys
from tools.shared.items import Item
from tools.walletctl.parked.advice import retrying
from tools.walletctl.parked.letters import Group, ids
from tools.walletctl.parked.remedies import ByError, Remedy, remedy
from tools.walletctl.parked.sums import Sum, asked_for

ROWS = 100  # of a cause on a page: nobody goes through more one by one
MOST_AT_ONCE = 5000  # dead letters that one form names: 37 characters each, of a megabyte


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The dead letters under a reference. `tries` says how often they were tried before they were left."""

    group: Group
    money: Sum
    tries: str
    beside: Beside | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The dead letters of a callback that were left for one error; `groups` are all, `rows` those that are shown."""

    callback: str
    code: int | None
    reasons: Sequence[str]  # in plain words, each once
    remedy: Remedy
    groups: Sequence[Group]
    rows: Sequence[Reference]
    money: Sum

    @property
    def key(self) -> str:
        return f"{self.callback}-{'none' if self.code is None else self.code}"

    @property
    def oldest(self) -> datetime:
        return min(group.first_received_at for group in self.groups)

    @property
    def letters(self) -> int:
        return len(ids(self.groups))

    @property
    def retryable(self) -> Sequence[Group]:
        """Those of which another try may succeed without anything being corrected first."""
        return [part for group in self.groups if retrying(group) == "helps" and (part := group.worth_sending_back)]

    @property
    def at_once(self) -> str:
        """The message ids of all of them, the longest owed first, as one form names them."""
        letters = [letter.message_id for group in self.groups for letter in group.letters]
        return " ".join(letters[:MOST_AT_ONCE])


def with_rows(found: ByError) -> list[tuple[str, Group]]:
    """The groups that a page has a row for, with their callback."""
    return [(callback, group) for (callback, _), groups in found.items() for group in groups[:ROWS]]


def causes(found: ByError, known: Mapping[str, Item], currencies: Mapping[str, str]) -> Iterator[Cause]:
    """In that order. `known` is what is on record about those that have rows."""
    for (callback, code), groups in found.items():
        yield Cause(
            callback=callback,
            code=code,
            reasons=list(dict.fromkeys(whys(group)[0] for group in groups)),
            remedy=remedy(groups),
            groups=groups,
            rows=[_reference(callback, group, known, currencies) for group in groups[:ROWS]],
            money=asked_for(groups, currencies),
        )


def _reference(callback: str, group: Group, known: Mapping[str, Item], currencies: Mapping[str, str]) -> Reference:
    return Reference(
        group=group,
        money=asked_for([group], currencies),
        tries=tries(group),
        beside=beside(callback, group.letters[0], known, currencies),
    )


def tries(group: Group) -> str:
    """What was tried before it was left for a person: all that can pass later is tried ten times."""
    codes = {code for code, _ in group.faults}
    return "" if not codes else "not retried" if codes <= FINAL | {0} else "10 tries failed"

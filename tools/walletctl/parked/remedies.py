"""Dead letters by why they were left, and what helps against each cause: one answer for the list and the console."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from tools.shared.hints import command
from tools.walletctl.parked.advice import Advice, retrying
from tools.walletctl.parked.letters import Group
from tools.walletctl.parked.reading import Pile

Remedy = Literal["retry", "open wallets", "compare", "other currency", "correct", "answered", "no request", "settle"]
ByError = Mapping[tuple[str, int | None], Sequence[Group]]


def by_error(piles: Sequence[Pile], only: tuple[str, ...] = ()) -> ByError:
    """The groups of each callback and error, the most first; those of one callback and reference alone if asked."""
    found: dict[tuple[str, int | None], list[Group]] = {}
    for pile in piles:
        for group in pile.groups:
            if not only or only in ((pile.callback, group.handle), (pile.callback, group.name)):
                found.setdefault((pile.callback, group.error), []).append(group)
    return dict(sorted(found.items(), key=lambda each: -len(each[1])))


def remedy(groups: Sequence[Group]) -> Remedy:
    """What helps against one cause. All these groups have the same callback and error."""
    first = groups[0]
    letter = first.letters[0]
    if first.error is None or first.refused:
        return "no request"
    if first.is_answered:
        return "answered"
    if any(retrying(group) == "helps" for group in groups):
        return "open wallets" if first.error == _NO_WALLET else "retry"
    if first.error == _OTHER_CURRENCY:
        return "other currency"
    if letter.is_invalid:
        return "correct"
    return "settle" if letter.is_refused_by_round or letter.is_cancel else "compare"


_NO_WALLET, _OTHER_CURRENCY = 62, 52


def leading(callback: str, groups: Sequence[Group], options: Sequence[str]) -> Iterator[Advice]:
    """The command that helps against a cause, and the one that discards what nobody is owed."""
    one, error = groups[0].handle, groups[0].error
    what = remedy(groups)
    by_cause = ["--error", str(error)] if error is not None else ["--all"]
    match what:
        case "retry" | "open wallets":
            text = (
                "Once the cause is gone, try again" if what == "retry" else "Once the players have wallets, try again"
            )
            yield Advice(text=text, command=command([*by_cause, *options], "parked", "redrive", callback))
            return
        case "compare":
            yield Advice(text="Compare each with what is on record", command=command(options, "find", names=[one]))
        case "no request":
            yield Advice(text="Look at each", command=command(options, "parked", "show", names=[one, callback]))
        case _:
            text = "Settle what is owed. What settling does"
            yield Advice(text=text, command=command(options, "parked", "settle", names=[one, callback]))
    if error is not None and len(groups) > 1:
        discard = command([*by_cause, *options, "--reason", "…"], "parked", "discard", callback)
        yield Advice(text="Then discard what nobody is owed, all of this cause", command=discard)

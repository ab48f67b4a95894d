"""The account: the operator's own proofs of what the traffic left behind.

`walletctl verify` proves every ledger. `walletctl reconcile` compares the provider's report with it. `walletctl parked
list` shows what was refused. The soak adds only what they cannot know: whether the answers were right and in time, and
whether a missing win is in a retry queue, which no operator can list.
"""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from tools.proofs.soak.notes import Sent
from tools.proofs.soak.traffic import LEFT_FOR_A_PERSON
from tools.provider.answers import SUCCESS, UNAVAILABLE
from tools.shared.trouble import Trouble

FUNCTION_SECONDS = 20.0  # template.yaml's Timeout: no answer takes longer
MOST_TRACED = 5  # references of findings that `walletctl find` looks up

What = Literal[
    "lost", "not as the report says", "ledger fault", "not listed", "open round", "wrong answer", "not examined"
]
WHATS: tuple[What, ...] = get_args(What)

_HTTP = {
    0: 200,
    15: 200,
    52: 200,
    53: 200,
    61: 200,
    62: 200,
    57: 400,
    59: 400,
    64: 400,
    99: 400,
    401: 401,
    UNAVAILABLE: 503,
}
_MISSING = ("missing here", "perhaps parked", "dead letter")  # what `reconcile` calls a credit that is not on record

# Runs a command of `walletctl`, and returns what it prints. Raises Trouble if the command could not do its work.
Walletctl = Callable[..., str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that must not be. `reference` is empty if it is not about one."""

    what: What
    text: str
    reference: str = ""


@dataclass(slots=True)
class SoakAccount:
    findings: list[Finding] = field(default_factory=list)
    verified: Counter[str] = field(default_factory=Counter)
    reconciled: Counter[str] = field(default_factory=Counter)
    listed: Counter[str] = field(default_factory=Counter)
    open_rounds: Counter[str] = field(default_factory=Counter)
    traces: dict[str, str] = field(default_factory=dict)  # by reference: what `walletctl find` says

    def count(self, what: What) -> int:
        return sum(finding.what == what for finding in self.findings)


def account(sent: Sequence[Sent], report: Path, waiting: Sequence[str], walletctl: Walletctl) -> SoakAccount:
    """`waiting` is the text of every message in the retry queues, read before this: what is paid since is on record."""
    made = SoakAccount()
    examine: Sequence[tuple[str, Callable[[], Iterator[Finding]]]] = (
        ("the answers", lambda: _answers(sent)),
        ("walletctl parked list", lambda: _left_for_a_person(made, sent, walletctl)),
        ("walletctl rounds", lambda: _open(made, sent, walletctl)),
        ("walletctl verify", lambda: _verified(made, walletctl)),
        ("walletctl reconcile", lambda: _reconciled(made, sent, report, waiting, walletctl)),
    )
    for name, findings in examine:
        try:
            made.findings += findings()
        except (Trouble, ValueError, KeyError) as fault:
            made.findings.append(Finding(what="not examined", text=f"{name}: {fault}"))
    made.findings.sort(key=lambda finding: WHATS.index(finding.what))  # what is lost comes first
    for reference in [*dict.fromkeys(each.reference for each in made.findings if each.reference)][:MOST_TRACED]:
        try:
            made.traces[reference] = walletctl("find", reference)
        except Trouble as trouble:
            made.traces[reference] = str(trouble)
    return made


def _answers(sent: Sequence[Sent]) -> Iterator[Finding]:
    """Answers that are late, or not the one that is right here."""
    for one in sent:
        allowed = {*one.plan.right, UNAVAILABLE} | ({62} if one.plan.may_be_unknown else set[int]())
        for delivery in one.deliveries:
            fault = ""
            if delivery.seconds > FUNCTION_SECONDS:
                fault = f"came after {delivery.seconds:.1f} s"
            elif not delivery.is_cut and (
                delivery.code not in allowed or _HTTP[delivery.code] != delivery.answer.status
            ):
                fault = f"{delivery.answer}, where {' or '.join(map(str, sorted(allowed)))} is right"
            if fault:
                text = f"{delivery.why}: {fault}"
                yield Finding(what="wrong answer", reference=one.plan.callback.credits[0].reference, text=text)


def _left_for_a_person(made: SoakAccount, sent: Sequence[Sent], walletctl: Walletctl) -> Iterator[Finding]:
    """What was refused and must be seen, but is not in `parked list`."""
    piles = json.loads(walletctl("parked", "list", "--json"))
    shown = {(pile["callback"], letter["reference"]) for pile in piles for letter in pile["deadLetters"]}
    made.listed["references in the list"] = len(shown)
    for one in sent:
        code, credit = one.plan.code, one.plan.callback.credits[0]
        if code in LEFT_FOR_A_PERSON and code in one.codes:
            made.listed["refused callbacks that must be in it"] += 1
            if (credit.callback, credit.reference) not in shown:
                text = f"answered {code}, and `walletctl parked list` does not show it"
                yield Finding(what="not listed", reference=credit.reference, text=text)


@dataclass(slots=True)
class _Round:
    """What the provider knows of a round's calls: of each bet whether it is live, None where nobody told it."""

    bets: dict[str, bool | None] = field(default_factory=dict)
    is_closed: bool | None = False

    def close(self, one: Sent) -> None:
        if SUCCESS in one.codes:
            self.is_closed = True
        elif self.is_closed is False:
            self.is_closed = None


def _open(made: SoakAccount, sent: Sequence[Sent], walletctl: Walletctl) -> Iterator[Finding]:
    """Rounds that are open though they were closed, and those that are not though the provider left them open."""
    listed = {
        (row["userId"], row["gameId"], row["roundId"]) for row in json.loads(walletctl("rounds", "--open", "--json"))
    }
    rounds: defaultdict[tuple[str, str, str], _Round] = defaultdict(_Round)
    for one in sorted(sent, key=lambda one: one.plan.follows_a_failure):
        credit, page = one.plan.callback.credits[0], one.plan.callback.page
        round = rounds[credit.user_id, credit.game_id, credit.round_id]
        if page in ("result", "auto-closing", "refund") and one.plan.is_owed:
            round.close(one)
        elif page == "bet" and not one.plan.follows_a_failure:
            round.bets[credit.reference] = True if SUCCESS in one.codes else None if _is_unsure(one) else False
        elif page == "cancel":
            round.bets[credit.reference] = False if {SUCCESS, 62} & {*one.codes} else None
    left = {place for place, round in rounds.items() if round.is_closed is False and True in round.bets.values()}
    unsure = {
        place
        for place, round in rounds.items()
        if round.is_closed is not True and {True, None} & {*round.bets.values()}
    }
    made.open_rounds.update({"open": len(listed), "left open by the provider": len(left)})
    for place in left - listed:
        text = "the provider left it open, and `walletctl rounds --open` does not show it"
        yield Finding(what="open round", reference=place[2], text=text)
    for place in listed - unsure:
        text = "`walletctl rounds --open` shows it, though every bet has its result or was undone"
        yield Finding(what="open round", reference=place[2], text=text)


def _is_unsure(one: Sent) -> bool:
    """Whether a bet may have been taken although the provider was not told so."""
    return not {15, 53} & {*one.codes}


def _verified(made: SoakAccount, walletctl: Walletctl) -> Iterator[Finding]:
    proof = json.loads(walletctl("verify", "--all", "--json"))
    made.verified.update({name: proof[name] for name in ("players", "transactions", "faults")})
    for fault in proof["shownFaults"]:
        id = fault["id"] or ""
        text = f"{fault['fault']}: {id or fault['userId']}: {fault['text']}"
        yield Finding(what="ledger fault", reference=id.partition("#")[2], text=text)


def _reconciled(
    made: SoakAccount, sent: Sequence[Sent], report: Path, waiting: Sequence[str], walletctl: Walletctl
) -> Iterator[Finding]:
    """What differs from the provider's report. Of the missing, what is in a queue or may still be sent is not lost."""
    all_differences = report.with_name("differences.csv")  # --json has the first thousand
    compared = json.loads(walletctl("reconcile", str(report), "--csv", str(all_differences), "--json"))
    made.reconciled.update(
        {
            "owed": compared["rows"],
            "on record": compared["matched"],
            "of these paid by a queue, after the provider's last answer": compared["paidThoughAnsweredOtherwise"],
        }
    )
    never_came = {
        one.plan.callback.credits[0].reference
        for one in sent
        if one.plan.callback.page == "cancel" and not one.is_surely_kept and {*one.codes} <= {None, UNAVAILABLE}
    }
    unfinished = {credit.reference for one in sent if one.is_unfinished for credit in one.plan.callback.credits}
    with all_differences.open(newline="") as file:
        differences: list[dict[str, Any]] = [*csv.DictReader(file)]
    for difference in differences:
        reference, kind = difference["reference"], difference["kind"]
        if kind not in _MISSING:
            there, here = difference["there"] or "nothing", difference["here"] or "nothing"
            text = f"{kind}: the provider has {there}, the ledger {here}"
            yield Finding(what="not as the report says", reference=reference, text=text)
        elif difference["answer"] == str(SUCCESS):
            yield Finding(what="lost", reference=reference, text="answered as paid, and not on record")
        elif kind == "dead letter":
            made.reconciled["dead letters"] += 1
        elif any(reference in message for message in waiting):
            made.reconciled["still in a retry queue"] += 1
        elif reference in unfinished:
            made.reconciled["still to be sent again"] += 1
        elif reference in never_came:
            made.reconciled["cancels that the provider gave up before one came"] += 1
        else:
            yield Finding(what="lost", reference=reference, text="neither on record nor in a queue")

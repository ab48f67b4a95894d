"""A certification for a terminal, and for a machine."""

import csv
import io
import json
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tools.provider.certify import footprint
from tools.provider.certify.catalogue import Case
from tools.provider.certify.run import Certification, Outcome
from tools.provider.certify.trial import uuid_mark
from tools.provider.paths import OTHER_CALLS
from tools.shared.amounts import amount
from tools.shared.outside import cut, plain

_STYLES = {"passed": "green", "failed": "bold red", "not tried": "dim"}
_MOST_OF_A_TEXT = 400  # characters of what was expected or got; the report has all of it


def table(outcomes: Sequence[Outcome]) -> Table:
    """A row for each case; below a failed one, what was expected and what came."""
    rows = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    rows.add_column("group", no_wrap=True)
    rows.add_column("case", overflow="fold", ratio=1)
    rows.add_column("from", no_wrap=True)
    rows.add_column("verdict", no_wrap=True)
    group = ""
    for outcome in outcomes:
        case = outcome.case
        rows.add_row(
            Text(case.group if case.group != group else ""),
            _case(outcome),
            Text(case.source.origin, style="dim"),
            Text(outcome.verdict, style=_STYLES[outcome.verdict]),
        )
        group = case.group
    return rows


def _case(outcome: Outcome) -> RenderableType:
    name = Text(outcome.case.name)
    if outcome.verdict != "failed":
        return name
    said = [
        Text.assemble((f"{label} ", "bold"), (cut(plain(text), _MOST_OF_A_TEXT), style))
        for label, text, style in (("expected", outcome.expected, ""), ("got", outcome.got, "red"))
    ]
    return Lines(name, *(Padding(text, (0, 0, 0, 2)) for text in said))


def summary(certification: Certification) -> list[str]:
    """What it came to, a sentence a line."""
    passed, failed, not_tried = (certification.count(verdict) for verdict in ("passed", "failed", "not tried"))
    lines = [
        f"{passed} passed, {failed} failed, {not_tried} not tried, in {certification.seconds:.1f} s",
        *_scope(certification),
        "Of " + ", of ".join(filter(None, (_of(certification, origin, whose) for origin, whose in _ORIGINS))),
        _cost(certification),
    ]
    reasons = Counter(outcome.why for outcome in certification.outcomes if outcome.why)
    lines += [f"not tried: {number}, because {why}" for why, number in reasons.items()]
    left, codes = certification.left, (*footprint.FOR_A_PERSON, *footprint.FOR_A_RETRY)
    if kept := left.count(codes):
        named = ", ".join(str(code) for code in sorted(codes) if left.count((code,)))
        were = "request was" if kept == 1 else "requests were"
        lines.append(f"{kept} {were} refused with {named}, and may be kept by the operator under the same references")
    if certification.moved_between:
        lines.append(
            f"The wallet moved between cases {len(certification.moved_between)} times: somebody else uses it, and no "
            "verdict is worth anything; take a player that nobody else does"
        )
    lines += [f"failed: {outcome.case.group}: {outcome.case.name}" for outcome in certification.failed]
    return lines


def forecast(certification: Certification) -> list[str]:
    """What the run will leave behind, before it begins, a sentence a line."""
    settings = certification.settings
    missing = {
        "no other player was given": settings.other_player_id is None,
        "no frozen player was given": settings.frozen_player_id is None,
        "it credits quadrillions: --large-amounts allows it": not settings.large_amounts,
        "no hash secret was given": not settings.secret.hash_secret,
        "a hash secret was given, so a hash is needed": bool(settings.secret.hash_secret),
        "no authToken was given": not settings.secret.auth_token,
    }
    left = footprint.expected(certification.cases, (why for why, is_missing in missing.items() if is_missing))
    cases = "1 case leaves" if len(certification.cases) == 1 else f"{len(certification.cases)} cases leave"
    person, retry = left.count(footprint.FOR_A_PERSON), left.count(footprint.FOR_A_RETRY)
    lines = [
        f"{cases} about {left.transactions:,} transactions of player {plain(settings.player_id)} for ever, most of "
        f"them of 0 or 0.01, by references that begin with cert-{settings.run_id}-"
    ]
    if person or retry:
        lines.append(
            f"a right operator refuses about {person:,} wins and cancels for good and {retry:,} for now: this "
            "project's wallet keeps the first as dead letters, and retries the others"
        )
    if alarms := left.alarms():
        lines.append(f"of this project's alarms, these may fire: {', '.join(alarms)}")
    return lines


_MESSAGE_ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # what is kept under no reference has one, too
_LOCAL = ("127.0.0.1", "localhost", "::1")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def cleaning_up(certification: Certification, *, is_cut_short: bool = False) -> list[str]:
    """How what the run left is removed, and what stays, a sentence or a command a line.

    `is_cut_short`: what was under way may be credited yet, and nobody heard its answer.
    """
    settings, left, player = certification.settings, certification.left, certification.player
    if not left.transactions and not left.keepers() and not is_cut_short:
        return []
    run, where = f"cert-{settings.run_id}-", _where(settings.url)
    at_least = "at least " if is_cut_short else ""
    stay = f"{at_least}{left.transactions:,} transactions"
    lines = [f"What stays: {stay}, whose references begin with {run}. They cannot be removed."]
    because = f'--reason "certify {settings.run_id}"'
    commands = [
        f"walletctl parked discard {keeper} {where} {because} "
        f"$(walletctl parked list {keeper} {where} --csv | {_names(keeper, settings.run_id)})"
        for keeper in left.keepers()
    ]
    if player and (credited := certification.credited):
        whose = shlex.quote(player.id)
        if credited.cash > 0:
            commands.append(
                f"walletctl withdraw {whose} {amount(credited.cash)} {where} --reference {run}back {because}"
            )
        if credited.bonus is not None and credited.bonus > 0:
            commands.append(
                f"walletctl adjust {whose} 0 --bonus=-{amount(credited.bonus)} {where} --reference {run}bonus {because}"
            )
    if commands:
        lines += [
            f"What can be removed, if {settings.url} is this project's wallet{_to_edit(where)}:",
            *(f"  {command}" for command in commands),
            *(["The amounts leave out the case that was interrupted."] if is_cut_short else []),
            f"Any other operator: delete the kept requests whose references begin with {run}, before they are retried.",
        ]
    return lines


def _where(url: str) -> str:
    """The options of the place that was tested: they win over WALLETCTL_STACK, and over a PORT."""
    parts = urlsplit(url)
    if parts.hostname in _LOCAL:
        return f"--port {parts.port or _DEFAULT_PORTS[parts.scheme]}"
    return f"--stack {_STACK}"


def _to_edit(where: str) -> str:
    return f" (write its stack's name for {_STACK})" if _STACK in where else ""


_STACK = "NAME-OF-THE-TESTED-STACK"  # no stack is called that: what is not edited fails


def _names(keeper: str, run_id: str) -> str:
    """What finds the names of this run's dead letters in a CSV: a reference means all its copies."""
    own = f"s/^{keeper},(cert-{run_id}-[0-9A-Za-z-]+),.*/\\1/p"
    others = f"/cert-{run_id}-|{uuid_mark(run_id)}/s/.*,({_MESSAGE_ID}),[0-9]+,.*/\\1/p"
    return f"sed -nE -e '{own}' -e t -e '{others}' | sort -u"


def _scope(certification: Certification) -> list[str]:
    if not certification.settings.wins_only:
        return []
    return [f"Certified for the wins alone, as --wins-only asks: nothing was sent to {_listed(OTHER_CALLS)}"]


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


_ORIGINS = (("page", "what the provider's pages demand"), ("contract", "what the contract settles"))


def _of(certification: Certification, origin: str, whose: str) -> str:
    passed, failed = (certification.count(verdict, origin) for verdict in ("passed", "failed"))
    return f"{whose}: {passed} of {passed + failed} passed" if passed + failed else ""


def _cost(certification: Certification) -> str:
    player = certification.player
    if player is None or (credited := certification.credited) is None:
        return "What was credited is not known: the balances could not be read at the end"
    bonus = "" if credited.bonus is None else f" and {amount(credited.bonus)} to bonus"
    return (
        f"Credited {amount(credited.cash)} {plain(player.currency)} to cash{bonus} of player {plain(player.id)}, "
        f"by references that begin with cert-{certification.settings.run_id}-"
    )


def listing(cases: Sequence[Case]) -> Table:
    rows = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    rows.add_column("group", no_wrap=True)
    rows.add_column("case", overflow="fold", ratio=1)
    rows.add_column("from", overflow="fold", max_width=34)
    group = ""
    for case in cases:
        rows.add_row(
            Text(case.group if case.group != group else ""), Text(case.name), Text(str(case.source), style="dim")
        )
        group = case.group
    return rows


# --- For a machine ----------------------------------------------------------------------------------


def as_json(certification: Certification) -> str:
    """Everything but the requests and answers, which the HTML report has."""
    settings, player, credited = certification.settings, certification.player, certification.credited
    return json.dumps(
        {
            "url": settings.url,
            "player": settings.player_id,
            "currency": player.currency if player else None,
            "runId": settings.run_id,
            "calls": "wins" if settings.wins_only else "all",
            "startedAt": certification.started_at.isoformat(timespec="seconds"),
            "seconds": round(certification.seconds, 3),
            "passed": certification.count("passed"),
            "failed": certification.count("failed"),
            "notTried": certification.count("not tried"),
            "creditedCash": amount(credited.cash) if credited else None,
            "creditedBonus": amount(credited.bonus) if credited and credited.bonus is not None else None,
            "refusals": {str(code): number for code, number in sorted(certification.refusals.items())},
            "movedBetween": [case.name for case in certification.moved_between],
            "cases": [_row(outcome) for outcome in certification.outcomes],
        },
        indent=2,
        ensure_ascii=False,
    )


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """With a header; a cell that a spreadsheet would read as a formula is made text."""
    output = io.StringIO()
    writer = csv.DictWriter(output, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
    return output.getvalue()


def outcome_rows(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    return [_row(outcome) for outcome in outcomes]


def case_rows(cases: Iterable[Case]) -> list[dict[str, Any]]:
    return [
        {"number": case.number, "group": case.group, "case": case.name}
        | {"from": case.source.origin, "source": case.source.place}
        for case in cases
    ]


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        **case_rows([outcome.case])[0],
        "verdict": outcome.verdict,
        "expected": outcome.expected,
        "got": outcome.got,
        "why": outcome.why,
        "seconds": round(outcome.seconds, 3),
    }


def _harmless(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "'")) else text

"""The account as text and as JSON: what was sent, which faults were injected, and what was found."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tools.proofs.soak.account import WHATS, Finding, SoakAccount
from tools.proofs.soak.notes import Sent
from tools.provider.simulate.provider import Delivery
from tools.provider.simulate.tally import percentile

MOST_SHOWN = 50  # findings, in the text


@dataclass(slots=True, kw_only=True)
class Run:
    """All that is known at the end. `injected` counts the faults of the proxies by operation and effect."""

    settings: Mapping[str, Any]
    seconds: float
    sent: Sequence[Sent]
    account: SoakAccount
    fault_times: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    is_broken_off: bool = False
    crash: str | None = None

    @property
    def unfinished(self) -> int:
        """How many callbacks the provider had still to send again when the soak ended."""
        return sum(sent.is_unfinished for sent in self.sent)

    @property
    def is_good(self) -> bool:
        return not self.faults

    @property
    def faults(self) -> list[str]:
        """Why it is not good."""
        reasons = {
            f"findings: {len(self.account.findings)}": bool(self.account.findings),
            f"callbacks still to be sent again: {self.unfinished}": self.unfinished > 0,
            "nothing is on record": not self.account.reconciled["on record"],
            "it was broken off": self.is_broken_off,
        }
        return [reason for reason, is_so in reasons.items() if is_so]


def tell(run: Run, file: Path | None) -> int:
    """Prints the account, writes it to the file as JSON, and returns the status to end with."""
    figures = _figures(run)
    print("\n".join(_lines(run, figures)), flush=True)
    if file:
        findings = [asdict(finding) for finding in run.account.findings]
        file.write_text(json.dumps({**figures, "good": run.is_good, "findings": findings}, indent=2) + "\n")
    return 0 if run.is_good else 1


def _figures(run: Run) -> dict[str, Any]:
    deliveries = [delivery for sent in run.sent for delivery in sent.deliveries]
    why = Counter(delivery.why for delivery in deliveries)
    seconds = sorted(delivery.seconds for delivery in deliveries if not delivery.is_cut)
    found = run.account
    return {
        "settings": dict(run.settings),
        "what was sent": {
            "callbacks": len(run.sent),
            "of these to be refused": sum(not sent.plan.is_owed for sent in run.sent),
            "deliveries": len(deliveries),
            "copies at the same moment": why["copy"],
            "retransmissions": why["retransmission"],
            "connections that the provider closed early": sum(delivery.is_cut for delivery in deliveries),
            "callbacks left to the queue after one 998": sum(sent.gave_up for sent in run.sent),
            "seconds until all was settled": round(run.seconds, 1),
        },
        "what was answered": dict(sorted(Counter(map(_answer, deliveries)).items())),
        "seconds to an answer": {
            "p50": round(percentile(seconds, 0.5), 3),
            "p99": round(percentile(seconds, 0.99), 3),
            "slowest": round(percentile(seconds, 1.0), 3),
        },
        "periods of each fault": dict(sorted(run.fault_times.items())),
        "calls that the proxies spoiled": dict(sorted(run.injected.items())),
        "workers killed": dict(sorted(run.kills.items())),
        "walletctl verify": dict(found.verified),
        "walletctl reconcile": dict(found.reconciled),
        "walletctl parked list": dict(found.listed),
        "walletctl rounds --open": dict(found.open_rounds),
        "verdict": {what: found.count(what) for what in WHATS} | {"still to be sent again": run.unfinished},
    }


def _lines(run: Run, figures: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    title = "The soak's account" + (f": it was broken off after {run.seconds:.0f} s" if run.is_broken_off else "")
    yield f"\n{title}\n{'=' * len(title)}"
    for name, values in figures.items():
        if name == "verdict":
            yield from _finding_lines(run)
        yield f"\n{name}" if values else f"\n{name}: nothing"
        yield from (f"  {key:<60} {value!s:>9}" for key, value in values.items())
    if run.crash:
        yield f"\nThe soak itself failed: {run.crash}"
    bad = f"NOT GOOD: {'; '.join(run.faults)}"
    yield (
        "\nGOOD: every movement is on record once, and what was refused is there for a person"
        if run.is_good
        else f"\n{bad}"
    )


def _finding_lines(run: Run) -> Iterator[str]:
    """Everything that is wrong, and for the first references what both sides know of them."""
    findings = run.account.findings
    by_reference: dict[str, list[Finding]] = {}
    for finding in findings[:MOST_SHOWN]:
        by_reference.setdefault(finding.reference, []).append(finding)
    for reference, found in by_reference.items():
        yield ""
        yield from (
            f"{finding.what.upper()}: {reference}{': ' if reference else ''}{finding.text}" for finding in found
        )
        if reference in run.account.traces:
            yield from _deliveries_of(reference, run.sent)
            yield f"    $ walletctl find {reference}"
            yield from (f"    {line}" for line in run.account.traces[reference].splitlines())
    if len(findings) > MOST_SHOWN:
        yield f"\n{len(findings) - MOST_SHOWN} more findings; REPORT names a file for all of them"


def _deliveries_of(reference: str, sent: Sequence[Sent]) -> Iterator[str]:
    for one in sent:
        if any(credit.reference == reference for credit in one.plan.callback.credits):
            yield f"    callback {one.plan.callback.number} ({one.plan.callback.page}), to be answered {one.plan.code}:"
            for delivery in one.deliveries:
                yield f"    {delivery.started:8.3f} s  {delivery.why:<14} {delivery.seconds:6.3f} s  {delivery.answer}"


def _answer(delivery: Delivery) -> str:
    if delivery.answer.status is None:
        return "no answer: the provider hung up" if delivery.is_cut else "no answer"
    return f"HTTP {delivery.answer.status}, error {delivery.code}"

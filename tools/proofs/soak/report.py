"""The account as text: figures, then everything that is wrong, with all that is known of it."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tools.proofs.soak.account import KEPT, Finding, SoakAccount
from tools.proofs.soak.faults import Faults
from tools.proofs.soak.notes import Books, Opened, Sent
from tools.provider.answers import UNAVAILABLE
from tools.provider.simulate.provider import Delivery
from tools.provider.simulate.tally import percentile
from tools.shared.amounts import amount

SLOW_SECONDS = 5.0
_OUR_METRICS = ("Parked", "SettledFromParking", "DeadLettered", "ParkingFailed", "AttemptsExhausted")


@dataclass(slots=True, kw_only=True)
class Run:
    """All that is known at the end; `injected` counts the proxies' faults by what they hit and how."""

    settings: Mapping[str, Any]
    seconds: float
    drained_seconds: float
    is_broken_off: bool
    sent: Sequence[Sent]
    players: Sequence[Opened]
    books: Books
    account: SoakAccount
    faults: Faults
    injected: Counter[str]
    metrics: Counter[str]
    crash: str | None = None
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return self.account.is_clean and not self.unfinished and not self.is_broken_off and bool(self.account.fates)

    @property
    def unfinished(self) -> int:
        """How many callbacks the provider had still to send, or to send again, when the soak ended."""
        return sum(sent.is_unfinished for sent in self.sent)


def metrics_of(log: Path) -> Counter[str]:
    """How often each metric stands in the functions' own log: their word, not evidence."""
    counted: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        if '"CloudWatchMetrics"' not in line:
            continue
        try:
            entry = json.loads(line)
        except ValueError:  # cut off by a kill
            continue
        counted.update(metric["Name"] for group in entry["_aws"]["CloudWatchMetrics"] for metric in group["Metrics"])
    return counted


def figures_of(run: Run) -> dict[str, Any]:
    """Every figure of the account, as it goes into the JSON file."""
    deliveries = [delivery for sent in run.sent for delivery in sent.deliveries]
    why = Counter(delivery.why for delivery in deliveries)
    fates = Counter(run.account.fates.values())
    given_up = [sent for sent in run.sent if sent.gave_up]
    paid_by_queue_alone = sum(
        0 not in sent.codes and all(credit.id in run.books.on_record for credit in sent.plan.callback.credits)
        for sent in given_up
    )
    findings = run.account
    return {
        "settings": dict(run.settings),
        "seconds": round(run.seconds, 1),
        "seconds until everything had settled": round(run.drained_seconds, 1),
        "sent": {
            "callbacks": len(run.sent),
            "deliveries": len(deliveries),
            "copies at the same moment": why["copy"],
            "retransmissions": why["retransmission"],
            "replays long after": sum(sent.plan.kind == "replay" for sent in run.sent),
            "hung up on by the provider": sum(delivery.is_cut for delivery in deliveries),
            "longest wait for a connection, in seconds": max(
                (round(delivery.started - delivery.wanted, 2) for delivery in deliveries), default=0.0
            ),
        },
        "kinds": dict(sorted(Counter(_kind(sent) for sent in run.sent).items())),
        "answers": dict(sorted(Counter(_answer(delivery) for delivery in deliveries).items())),
        "fault times": dict(sorted(Counter(kind for _, _, kind in run.faults.spans).items())),
        "faults": {
            "by the proxies": run.injected.total(),
            "workers killed": run.faults.kills.total(),
            **dict(sorted(run.injected.items())),
        },
        "references": {
            "owed": len(run.account.fates),
            "on record": fates["on record"],
            "still parked": fates["waiting"],
            "dead letters": fates["dead letter"],
            "open when broken off": fates["open"],
            "transactions on record": len(run.books.transactions),
            "answered as a replay": _replayed(run.sent),
            "answered as a conflict (61)": sum(delivery.code == 61 for delivery in deliveries),
            "given up by the provider after one 503": len(given_up),
            "of these paid, by the queue alone": paid_by_queue_alone,
        },
        "free rounds": {
            "codes whose rounds and totals are all on record": len(run.account.free_rounds),
            **{f"asked in {currency}": amount(sums[0]) for currency, sums in _free_rounds(run).items()},
            **{f"paid in {currency}": amount(sums[1]) for currency, sums in _free_rounds(run).items()},
        },
        "left for a person": {
            "prizes, their wins paid": len(
                {letter.reference for letter in run.books.dead_letters if letter.prize_only}
            ),
            "refused with 57, 59 or 64": len(
                {letter.reference for letter in run.books.dead_letters if letter.code in KEPT and not letter.prize_only}
            ),
            "references in `parked list`": len(run.books.listed),
        },
        "by the functions' own metrics": {name: run.metrics[name] for name in _OUR_METRICS},
        "money": _money(run),
        "messages": {
            "still in retry queues": len(run.books.waiting),
            "dead letters": len(run.books.dead_letters),
            **{
                f"dead letters: {reason}": times
                for reason, times in sorted(Counter(_reason(letter) for letter in run.books.dead_letters).items())
            },
        },
        "seconds to answer": {
            f"{where}, {outcome}": _latency(chosen)
            for where, in_faults in (("quiet", False), ("amid faults", True))
            for outcome, chosen in _by_outcome(
                each for each in deliveries if run.faults.were_near(each) == in_faults
            ).items()
        },
        "slowest answer": max((delivery.seconds for delivery in deliveries), default=0.0),
        f"answers above {SLOW_SECONDS:.0f} s": sum(delivery.seconds > SLOW_SECONDS for delivery in deliveries),
        "verdict": {
            "lost": findings.count("lost"),
            "credited twice": findings.count("credited twice"),
            "free round codes paid too much or too little": findings.count("free rounds"),
            "refused, and not in `parked list`": findings.count("not listed"),
            "wrong answers": findings.count("wrong answer"),
            "wrong records": findings.count("wrong record"),
            "ledger faults": findings.count("ledger"),
            "answers too slow": findings.count("too slow"),
            "callbacks not told to their end": run.unfinished,
        },
        "good": run.is_good,
    }


def lines_of(run: Run) -> Iterator[str]:
    """The account as text."""
    figures = run.figures
    title = "The soak's account" + (", as far as it went: it was broken off" if run.is_broken_off else "")
    yield ""
    yield title
    yield "=" * len(title)
    for name, value in figures.items():
        if name in ("verdict", "good"):
            continue
        if name == "seconds to answer":
            yield from _latency_lines(value)
        elif isinstance(value, dict):
            yield f"\n{name}"
            width = max([44, *map(len, value)])
            yield from (f"  {key:<{width}} {_shown(each):>9}" for key, each in value.items())
        else:
            yield f"\n{name:<46} {_shown(value):>9}"
    for letter in run.books.waiting:
        yield f"\nstill parked: {letter.reference} in {letter.queue}, received {letter.receives} times, "
        yield f"  seen again in {letter.visible_in:.0f} s; {letter.reason}"
    for whose in dict.fromkeys(finding.claim or finding.player for finding in run.account.findings):
        yield ""
        yield from _history_lines([each for each in run.account.findings if (each.claim or each.player) == whose], run)
    if run.crash:
        yield f"\nThe soak itself failed: {run.crash}"
    yield "\nverdict"
    yield from (f"  {key:<44} {each:>9}" for key, each in figures["verdict"].items())
    yield f"  {'ledger of ' + str(len(run.players)) + ' players':<44} {_ledger_word(run):>9}"
    yield "\nGOOD" if run.is_good else "\nNOT GOOD"


def _ledger_word(run: Run) -> str:
    faults = [finding for finding in run.account.findings if finding.player]
    return "verified" if not faults else "at fault"


def _history_lines(findings: Sequence[Finding], run: Run) -> Iterator[str]:
    """All that is wrong with a reference or a player, and all that is known of it."""
    for finding in findings:
        yield f"{finding.what.upper()}: {finding.claim or finding.player}: {finding.text}"
    finding = findings[0]
    if finding.claim:
        for sent in run.sent:
            plan = sent.plan
            if any(credit.id == finding.claim for credit in plan.callback.credits):
                body = sent.deliveries[0].words.body if sent.deliveries else ""
                yield f"  callback {plan.callback.number} ({plan.kind}, to be {plan.outcome}): {body[:500]}"
                for delivery in sent.deliveries:
                    yield (
                        f"    {delivery.started:8.3f} s  {delivery.why:<14} {1000 * delivery.seconds:8.1f} ms  "
                        f"{'hung up' if delivery.is_cut else delivery.answer.status} {delivery.answer.text[:250]}"
                        f"{'' if run.faults.could_park(delivery) else '  (parking in trouble)'}"
                    )
                if sent.gave_up:
                    yield "    the provider gave up"
        for record in run.books.transactions:
            if record["id"] == finding.claim:
                yield f"  record: {_plain(record)}"
        for letter in (*run.books.waiting, *run.books.dead_letters):
            if finding.claim in letter.ids:
                yield f"  kept in {letter.queue}, received {letter.receives} times: {letter.body[:500]}"
    if finding.player:
        yield f"  wallet: {_plain(run.books.wallets.get(finding.player, {}))}"
        yield from (
            f"  opened with: {player.cash} and {player.bonus} {player.currency}"
            for player in run.players
            if player.user_id == finding.player
        )


def _plain(item: Mapping[str, Any]) -> str:
    return json.dumps({name: value for name, value in item.items() if name != "request"}, default=str)


def _kind(sent: Sent) -> str:
    return "refused by the contract" if sent.plan.outcome == "refused" else sent.plan.kind


def _answer(delivery: Delivery) -> str:
    if delivery.answer.status is None:
        return "none: the provider hung up" if delivery.is_cut else "none"
    return f"HTTP {delivery.answer.status}, error {delivery.code}"


def _replayed(sent: Iterable[Sent]) -> int:
    paid = Counter(each.plan.callback.credits[0].id for each in sent for code in each.codes if code == 0)
    return sum(times - 1 for times in paid.values())


def _money(run: Run) -> dict[str, str]:
    """By currency: what the wallets were opened with, what was credited, and what they hold; and if that sums up."""
    figures = {}
    for currency in sorted({player.currency for player in run.players}):
        players = {player.user_id for player in run.players if player.currency == currency}
        opening = sum((player.cash for player in run.players if player.user_id in players), Decimal(0))
        credited = sum((each["amount"] for each in run.books.transactions if each["userId"] in players), Decimal(0))
        held = sum((run.books.wallets[each]["cash"] for each in players if each in run.books.wallets), Decimal(0))
        sign = "=" if opening + credited == held else "and not"
        figures[currency] = f"{amount(opening)} + {amount(credited)} {sign} {amount(held)}"
    return figures


def _free_rounds(run: Run) -> dict[str, tuple[Decimal, Decimal]]:
    """By currency: what the rounds of the exact codes come to, and what was paid for them and their totals."""
    currencies = {player.user_id: player.currency for player in run.players}
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for (user_id, _), (owed, paid) in sorted(run.account.free_rounds.items()):
        before = sums.get(currencies[user_id], (Decimal(0), Decimal(0)))
        sums[currencies[user_id]] = before[0] + owed, before[1] + paid
    return sums


def _reason(letter: Any) -> str:
    reason = letter.reason.partition(":")[0] if letter.code in (52, 61, 62) else letter.reason
    return f"{letter.code} {reason[:60]}"


def _by_outcome(deliveries: Iterable[Delivery]) -> dict[str, list[Delivery]]:
    groups: dict[str, list[Delivery]] = {"paid": [], "503": [], "refused": []}
    for delivery in deliveries:
        if delivery.code is not None:
            name = {0: "paid", UNAVAILABLE: "503"}.get(delivery.code, "refused")
            groups[name].append(delivery)
    return {name: group for name, group in groups.items() if group}


def _latency(deliveries: Sequence[Delivery]) -> dict[str, float]:
    times = sorted(delivery.seconds for delivery in deliveries)
    ranks = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {"n": len(times)} | {name: round(percentile(times, rank), 4) for name, rank in ranks.items()}


def _latency_lines(groups: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield f"\n{'seconds to answer':<24} {'n':>7} {'p50':>8} {'p95':>8} {'p99':>8} {'max':>8}"
    for name, values in groups.items():
        rest = " ".join(f"{values[rank]:8.3f}" for rank in ("p50", "p95", "p99", "max"))
        yield f"  {name:<22} {values['n']:>7} {rest}"


def _shown(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)

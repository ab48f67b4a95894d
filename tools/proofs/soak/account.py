"""The account: what was sent and answered against what is on record.

The operator's own proofs come first: `verify` proves the ledger, `reconcile` compares it with the provider's report.
The soak looks at what neither of them knows: each answer, the balances that the wallets were opened with, what free
rounds come to, and what is left for a person.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from tools.proofs.soak.notes import Books, Letter, Opened, Plan, Sent
from tools.provider.answers import SUCCESS, UNAVAILABLE
from tools.provider.simulate.provider import Delivery, Settled
from tools.provider.simulate.report import report
from tools.provider.simulate.story import OwedCredit
from tools.shared.amounts import amount, signed
from tools.shared.items import Item
from tools.walletctl.reconcile.comparison import Comparison, Difference
from tools.walletctl.reconcile.ledger import copy_ledger
from tools.walletctl.reconcile.report import Reading, copy_report
from tools.walletctl.verify import account as proof
from tools.walletctl.verify.books import TableBooks

FUNCTION_SECONDS = 20.0  # template.yaml's Timeout: nobody waits longer for an answer

KEPT = frozenset({57, 59, 64})  # what is refused so is kept for a person all the same, once admitted

What = Literal[
    "lost", "credited twice", "free rounds", "not listed", "wrong answer", "wrong record", "ledger", "too slow"
]
Fate = Literal["on record", "waiting", "dead letter", "lost", "open"]

_EXACT = Context(prec=60, traps=[Inexact])
_HTTP = {0: 200, 52: 200, 61: 200, 62: 200, 57: 400, 59: 400, 64: 400, 99: 400, 401: 401, 404: 404, 405: 405, 998: 503}
_EVER, _NEVER = "", "9999"  # before and after every moment of the ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that must not be: `claim` is a credit's id or `player` is whose."""

    what: What
    text: str
    claim: str | None = None
    player: str | None = None


@dataclass(slots=True)
class SoakAccount:
    findings: list[Finding] = field(default_factory=list)
    fates: dict[str, Fate] = field(default_factory=dict)  # of every credit that was owed, by its id
    # By player and code, for those that must be paid exactly: what is owed for the rounds, and what was paid.
    free_rounds: dict[tuple[str, str], tuple[Decimal, Decimal]] = field(default_factory=dict)

    def count(self, *whats: What) -> int:
        return sum(finding.what in whats for finding in self.findings)

    @property
    def is_clean(self) -> bool:
        return not self.findings


def account(
    sent: Sequence[Sent], players: Sequence[Opened], opened_at: Mapping[str, float], books: Books
) -> SoakAccount:
    """`opened_at` says when the wallets of late players were surely there, in seconds of the run. Raises Trouble."""
    made = SoakAccount()
    made.findings += _verified(books)
    made.findings += _balance_findings(players, books)
    _settle_fates(made, sent, books)
    made.findings += _reconciled(sent, made.fates, books)
    made.findings += _answer_findings(sent, opened_at, books)
    made.findings += _letter_findings(sent, books)
    made.findings += _left_findings(sent, books)
    made.free_rounds = _exact_free_rounds(sent, books)
    for (user_id, code), (owed, paid) in made.free_rounds.items():
        if paid != owed:
            text = f"{paid} was paid for the rounds of code {code}, which come to {owed}"
            made.findings.append(Finding(what="free rounds", player=user_id, text=text))
    return made


# --- The ledger, by itself --------------------------------------------------------------------------


def _verified(books: Books) -> Iterator[Finding]:
    """What `walletctl verify` says of the tables, in which nobody but the callbacks wrote."""
    with closing(TableBooks(books.tables)) as ledger:
        ledger.read(lambda _: None)
        for fault in proof.account(ledger.pages(), strict=True, compares_free_rounds=True).faults:
            yield Finding(what="ledger", claim=fault.id, player=fault.user_id, text=f"{fault.what}: {fault.text}")


def _balance_findings(players: Sequence[Opened], books: Books) -> Iterator[Finding]:
    """Each balance is the one it was opened with, and what was credited since, whatever order that claims to have."""
    for id, times in Counter(str(transaction["id"]) for transaction in books.transactions).items():
        if times > 1:
            yield Finding(what="credited twice", claim=id, text=f"{times} transactions have this id")
    credited: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for transaction in books.transactions:
        is_of_free_rounds = str(transaction["id"]).startswith("bonus#") or transaction.get("bonusCode")
        for name in ("cash", "bonus") if is_of_free_rounds else ("cash",):
            whose = str(transaction["userId"]), name
            credited[whose] = _EXACT.add(credited[whose], transaction["amount"])
    for player in players:
        wallet = books.wallets.get(player.user_id)
        if wallet is None:
            yield Finding(what="ledger", player=player.user_id, text="has no wallet")
            continue
        for name, opening in (("cash", player.cash), ("bonus", player.bonus)):
            expected = _EXACT.add(opening, credited[player.user_id, name])
            if wallet[name] != expected:
                excess = _EXACT.subtract(wallet[name], expected)
                what: What = "credited twice" if excess > 0 else "lost"
                text = f"{name} is {amount(wallet[name])}, its transactions make {amount(expected)}: {signed(excess)}"
                yield Finding(what=what, player=player.user_id, text=text)


# --- What became of what was owed -------------------------------------------------------------------


def _settle_fates(made: SoakAccount, sent: Sequence[Sent], books: Books) -> None:
    by_id: dict[str, list[Sent]] = defaultdict(list)
    for one in sent:
        if one.plan.outcome in ("paid", "late", "contested"):
            for credit in one.plan.callback.credits:
                by_id[credit.id].append(one)
    waiting, dead = _kept(books.waiting), _kept(books.dead_letters)
    for id, of_it in by_id.items():
        asked = {(id, credit.amount) for one in of_it for credit in one.plan.callback.credits if credit.id == id}
        was_paid = any(SUCCESS in one.codes for one in of_it)
        if id in books.on_record:
            made.fates[id] = "on record"
        elif asked & waiting and not was_paid:
            made.fates[id] = "waiting"
        elif asked & dead and not was_paid:
            made.fates[id] = "dead letter"
        elif any(one.is_unfinished for one in of_it):
            made.fates[id] = "open"
        else:
            made.fates[id] = "lost"
            text = "answered as paid, and not on record" if was_paid else "neither on record nor in a queue"
            made.findings.append(Finding(what="lost", claim=id, text=text))
    for one in sent:
        credit = one.plan.callback.credits[0]
        if _is_left_for_a_person(one, books) and (credit.id, credit.amount) not in waiting | dead:
            text = f"answered {one.plan.code}, and in no queue for a person to see"
            made.findings.append(Finding(what="lost", claim=credit.id, text=text))


def _kept(letters: Sequence[Letter]) -> set[tuple[str, Decimal]]:
    return {(id, amount) for letter in letters for id, amount in letter.ids.items()}


def _is_left_for_a_person(one: Sent, books: Books) -> bool:
    """Whether it is a wrong currency, or contradicts what is on record, and was answered so."""
    plan = one.plan
    record = books.on_record.get(plan.callback.credits[0].id)
    is_beaten = plan.outcome == "contested" and record is not None and not _is_of(plan.callback.credits[0], record)
    return (plan.outcome == "dead letter" or is_beaten) and plan.code in one.codes


def _is_of(credit: OwedCredit, record: Item) -> bool:
    """Whether the record is of this credit: its player, its amount and its currency."""
    return (
        record["userId"] == credit.user_id
        and record["amountAsked"] == credit.amount
        and (not credit.currency or credit.currency.upper() == str(record["currency"]).upper())
    )


# --- The provider's report and the ledger -----------------------------------------------------------


def _reconciled(sent: Sequence[Sent], fates: Mapping[str, Fate], books: Books) -> Iterator[Finding]:
    """What `walletctl reconcile` says of the provider's report, but for what is said to be missing already."""
    contested: dict[str, list[OwedCredit]] = defaultdict(list)
    for one in sent:
        if one.plan.outcome == "contested":
            contested[one.plan.callback.credits[0].id].append(one.plan.callback.credits[0])
    for difference in _differences(sent, books):
        id = f"{difference.callback}#{difference.reference}"
        is_missing = difference.kind == "missing here" and fates.get(id) != "on record"
        # Where the provider knows of neither content that it is paid, either may be on record.
        is_open = difference.kind == "unknown there" and any(
            _is_of(each, books.on_record[id]) for each in contested[id]
        )
        if not is_missing and not is_open:
            what: What = "wrong answer" if difference.kind == "different transaction" else "wrong record"
            text = f"{difference.kind}: the provider has {difference.there}, the ledger {difference.here}"
            yield Finding(what=what, claim=id, text=text)


def _differences(sent: Sequence[Sent], books: Books) -> Iterator[Difference]:
    with TemporaryDirectory(prefix="wallet-soak-") as name:
        folder = Path(name)
        with report(folder / "report.csv") as rows:
            for settled in _settled(sent):
                rows.add(settled)
        copy_report(folder / "report.csv", folder / "report.json", Reading.of(None, None), lambda _: None)
        ledger = copy_ledger(books.tables, folder, lambda _: None)
        with closing(Comparison(folder, folder / "report.json", ledger, since=_EVER, until=_NEVER)) as compared:
            yield from compared.differences()


def _settled(sent: Sequence[Sent]) -> Iterator[Settled]:
    """What the provider takes for owed: of two contents of one reference the one that was answered as paid."""
    for one in sent:
        settled = Settled(one.plan.callback, timestamp=0)
        for delivery in one.deliveries:
            settled.take(delivery.code, delivery.answer.transaction_id)
        if one.plan.outcome in ("paid", "late") or (one.plan.outcome == "contested" and settled.code == SUCCESS):
            yield settled


# --- Free rounds, as the provider knows them --------------------------------------------------------


def _exact_free_rounds(sent: Sequence[Sent], books: Books) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """What is owed for each code of which everything was sent and is on record, and what was paid.

    It needs no rule: the provider knows what its rounds won. A total alone is what its rounds won, too.
    """
    asked: dict[tuple[str, str], dict[str, OwedCredit]] = defaultdict(dict)
    for one in sent:
        if one.plan.is_exact:
            credit = one.plan.callback.credits[0]
            asked[credit.user_id, credit.bonus_code][credit.id] = credit
    exact: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for code, credits in asked.items():
        rounds, totals = (
            sum((credit.amount for credit in credits.values() if credit.callback == callback), Decimal(0))
            for callback in ("result", "bonus")
        )
        if rounds in (totals, 0) and credits.keys() <= books.on_record.keys():
            exact[code] = totals, sum((books.on_record[id]["amount"] for id in credits), Decimal(0))
    return exact


# --- The answers ------------------------------------------------------------------------------------


def _answer_findings(sent: Sequence[Sent], opened_at: Mapping[str, float], books: Books) -> Iterator[Finding]:
    states = _states(books)
    for one in sent:
        claim = one.plan.callback.credits[0].id
        names: set[str] = set()
        for delivery in one.deliveries:
            if delivery.seconds > FUNCTION_SECONDS:
                text = f"{delivery.why} was answered after {delivery.seconds:.1f} s"
                yield Finding(what="too slow", claim=claim, text=text)
            if delivery.answer.status is None:
                if not delivery.is_cut:
                    yield Finding(what="wrong answer", claim=claim, text=f"no answer: {delivery.answer.failure}")
                continue
            if fault := _fault_of(one.plan, delivery, opened_at, books.on_record):
                yield Finding(what="wrong answer", claim=claim, text=f"{delivery.why}: {fault}")
            elif delivery.code == SUCCESS:
                answer = json.loads(delivery.answer.text, parse_float=Decimal, parse_int=Decimal)
                names.add(str(answer["transactionId"]))
                if fault := _balance_fault(one.plan, answer, books.on_record, states):
                    yield Finding(what="wrong answer", claim=claim, text=f"{delivery.why}: {fault}")
        if len(names) > 1:
            yield Finding(what="wrong answer", claim=claim, text=f"{len(names)} transactionIds for one reference")


def _fault_of(
    plan: Plan, delivery: Delivery, opened_at: Mapping[str, float], on_record: Mapping[str, Item]
) -> str | None:
    """What is wrong with the answer as such."""
    code, said = delivery.code, f"{delivery.answer.status} {delivery.answer.text[:200]}"
    if code is None or _HTTP.get(code) != delivery.answer.status:
        return f"not an answer of the contract: {said}"
    allowed, first = {UNAVAILABLE}, plan.callback.credits[0]
    match plan.outcome:
        case "paid":
            allowed.add(SUCCESS)
        case "late":
            allowed.add(SUCCESS)
            if delivery.started <= opened_at.get(first.user_id, delivery.started):
                allowed.add(62)
        case "contested":
            record = on_record.get(first.id)
            allowed.add(SUCCESS if record is None or _is_of(first, record) else 61)
        case "dead letter" | "refused":
            allowed.add(plan.code)
    if code not in allowed:
        return f"answered {said}, where {' or '.join(map(str, sorted(allowed)))} is right"
    answer = json.loads(delivery.answer.text)
    if code == SUCCESS:
        if list(answer) != ["transactionId", "currency", "cash", "bonus", "error", "description"]:
            return f"other fields than the contract's: {said}"
        if any(isinstance(answer[name], str) != _is_as_text(delivery) for name in ("cash", "bonus")):
            return f"balances in another notation than the request's: {said}"
    elif list(answer) != ["error", "description"]:
        return f"other fields than the contract's: {said}"
    return None if answer["error"] == code else f"an error that is not a number: {said}"


def _is_as_text(delivery: Delivery) -> bool:
    """Whether the request wrote its amount as a text."""
    said = json.loads(delivery.words.body.removeprefix("\ufeff"))
    return any(isinstance(value, str) for name, value in said.items() if name.lower() == "amount")


def _states(books: Books) -> dict[str, list[tuple[int, Decimal, Decimal]]]:
    """Each balance that a player's wallet has had, with the `seq` that left it."""
    states: dict[str, list[tuple[int, Decimal, Decimal]]] = defaultdict(list)
    for transaction in books.transactions:
        state = (int(transaction["seq"]), transaction["cashAfter"], transaction["bonusAfter"])
        states[str(transaction["userId"])].append(state)
    return states


def _balance_fault(
    plan: Plan,
    answer: Item,
    on_record: Mapping[str, Item],
    states: Mapping[str, Sequence[tuple[int, Decimal, Decimal]]],
) -> str | None:
    """What is wrong with the balances answered: they must be those after the credit, or after a later one."""
    credits = plan.callback.credits
    records = [on_record[credit.id] for credit in credits if credit.id in on_record]
    if len(records) < len(credits):
        return None  # it is lost, and said to be
    if answer["transactionId"] != records[0]["transactionId"]:
        return "another transactionId than the one on record"
    if answer["currency"] != records[0]["currency"]:
        return "another currency than the one on record"
    earliest = max(int(record["seq"]) for record in records)
    answered = (Decimal(answer["cash"]), Decimal(answer["bonus"]))
    if any(seq >= earliest and answered == (cash, bonus) for seq, cash, bonus in states[credits[0].user_id]):
        return None
    return f"answered with {answered[0]} and {answered[1]}, which the wallet never had after transaction {earliest}"


# --- What is left for a person ----------------------------------------------------------------------


def _letter_findings(sent: Sequence[Sent], books: Books) -> Iterator[Finding]:
    """Letters without a cause, and what was kept though it was not admitted."""
    owed, disputed, refused = set[str](), set[str](), set[str]()
    may_be_left: set[tuple[str, int, bool]] = set()
    for one in sent:
        plan, ids = one.plan, {credit.id for credit in one.plan.callback.credits}
        if plan.outcome == "refused" and plan.code not in KEPT:
            refused |= ids
        if plan.outcome in ("paid", "late"):
            owed |= ids
        else:
            disputed |= ids
        may_be_left |= {(plan.callback.credits[0].reference, code, prize_only) for code, prize_only in _left_with(plan)}
    for letter in books.dead_letters:
        if letter.code in KEPT or letter.prize_only:
            if (letter.reference, letter.code, letter.prize_only) not in may_be_left:
                text = f"{letter.reference} is a dead letter without cause: {letter.reason}"
                yield Finding(what="wrong record", claim=next(iter(letter.ids), None), text=text)
        elif letter.code in (52, 61):
            for id in letter.ids.keys() & (owed - disputed):
                yield Finding(what="wrong record", claim=id, text=f"a dead letter without cause: {letter.reason}")
    for letter in (*books.waiting, *books.dead_letters):
        for id in letter.ids.keys() & refused:
            yield Finding(what="wrong record", claim=id, text=f"kept in {letter.queue}, though it was refused")


def _left_findings(sent: Sequence[Sent], books: Books) -> Iterator[Finding]:
    """What was refused for its fields, and each prize that was not paid, is there for a person to find."""
    left = {(letter.reference, letter.code, letter.prize_only) for letter in books.dead_letters}
    for one in sent:
        credit = one.plan.callback.credits[0]
        for code, prize_only in _left_with(one.plan):
            is_paid = SUCCESS in one.codes or (one.gave_up and credit.id in books.on_record)
            if not (is_paid if prize_only else code in one.codes):
                continue
            what = "its prize" if prize_only else f"answered {code}, it"
            if (credit.reference, code, prize_only) not in left:
                yield Finding(what="lost", claim=credit.id, text=f"{what} is in no queue for a person to see")
            elif (credit.callback, credit.reference) not in books.listed:
                yield Finding(what="not listed", claim=credit.id, text=f"{what} is not in `parked list`")


def _left_with(plan: Plan) -> Iterator[tuple[int, bool]]:
    """The codes with which a callback, or its prize alone, is left for a person."""
    if plan.outcome == "refused" and plan.code in KEPT:
        yield plan.code, False
    if plan.prize_code:
        yield plan.prize_code, True

"""The account: what was sent and answered against what is on record. Pure sums, from the documents alone.

Sources: docs/callbacks.md (answers, replays and conflicts, what is kept) and docs/ledger.md (the chain, free rounds).
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from typing import Any, Literal

from tools.proofs.soak.story import UNAVAILABLE, Books, Callback, Claim, Delivery, Letter, Player, Told

FUNCTION_SECONDS = 20.0  # template.yaml's Timeout: nobody waits longer for an answer

KEPT = frozenset({57, 59, 64})  # what is refused so is kept for a person all the same, once admitted

What = Literal[
    "lost", "credited twice", "free rounds", "not listed", "wrong answer", "wrong record", "ledger", "too slow"
]
Fate = Literal["on record", "waiting", "dead letter", "lost", "open"]
Item = Mapping[str, Any]

_EXACT = Context(prec=60, traps=[Inexact])
_HTTP = {0: 200, 52: 200, 61: 200, 62: 200, 57: 400, 59: 400, 64: 400, 99: 400, 401: 401, 404: 404, 405: 405, 998: 503}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that must not be: `claim` or `player` is whose."""

    what: What
    text: str
    claim: str | None = None
    player: str | None = None


@dataclass(slots=True)
class Account:
    findings: list[Finding] = field(default_factory=list)
    fates: dict[str, Fate] = field(default_factory=dict)  # of every admissible claim
    # By player and code, for those that must be paid exactly: what the rounds come to, and what was paid.
    free_rounds: dict[tuple[str, str], tuple[Decimal, Decimal]] = field(default_factory=dict)

    def count(self, *whats: What) -> int:
        return sum(finding.what in whats for finding in self.findings)

    @property
    def is_clean(self) -> bool:
        return not self.findings


def account(told: Sequence[Told], players: Sequence[Player], opened_at: Mapping[str, float], books: Books) -> Account:
    """`opened_at` tells when the wallets of late players were surely there, in seconds of the run."""
    made = Account()
    made.findings += _ledger_findings(players, books)
    made.findings += _answer_findings(told, opened_at, books)
    made.findings += _record_findings(told, books)
    made.findings += _left_findings(told, books)
    made.free_rounds = _exact_free_rounds(told, books)
    for (user_id, code), (owed, paid) in made.free_rounds.items():
        if paid != owed:
            text = f"{paid} was paid for the rounds of code {code}, which come to {owed}"
            made.findings.append(Finding(what="free rounds", player=user_id, text=text))
    _settle_fates(made, told, books)
    return made


# --- The ledger, by itself --------------------------------------------------------------------------


def _ledger_findings(players: Sequence[Player], books: Books) -> Iterator[Finding]:
    by_player: dict[str, list[Item]] = defaultdict(list)
    for transaction in books.transactions:
        by_player[str(transaction["userId"])].append(transaction)
    for name in ("id", "transactionId"):
        for value, times in Counter(str(transaction[name]) for transaction in books.transactions).items():
            if times > 1:
                claim = value if name == "id" else None
                yield Finding(what="credited twice", claim=claim, text=f"{times} transactions have the {name} {value}")
    for player in players:
        yield from _wallet_findings(player, by_player.pop(player.user_id, []), books)
    for stranger in by_player:
        yield Finding(what="ledger", player=stranger, text="transactions of a player who was never opened")


def _wallet_findings(player: Player, transactions: Sequence[Item], books: Books) -> Iterator[Finding]:
    user_id = player.user_id
    wallet = books.wallets.get(user_id)
    if wallet is None:
        yield Finding(what="ledger", player=user_id, text="has no wallet")
        return
    cash, bonus, codes = player.cash, player.bonus, defaultdict[str, _FreeRounds](_FreeRounds)
    previous = 0
    for transaction in sorted(transactions, key=lambda each: each["seq"]):
        claim, seq = str(transaction["id"]), int(transaction["seq"])
        if seq != previous + 1:
            text = f"seq {seq} follows {previous}"
            yield Finding(what="ledger", claim=claim, player=user_id, text=text)
        previous = seq
        paid, counts = transaction["amount"], _counts(transaction)
        code = codes[str(transaction.get("bonusCode") or "")] if counts != "cash" else _FreeRounds()
        owed = code.settle(transaction, counts)
        if paid != owed:
            yield Finding(what="ledger", claim=claim, player=user_id, text=f"paid {paid} where {owed} was owed")
        if counts != "cash" and transaction.get("bonusCode") and code.left() != _left_by(transaction):
            text = f"left {_left_by(transaction)} uncovered and in advance where {code.left()} is right"
            yield Finding(what="ledger", claim=claim, player=user_id, text=text)
        cash, bonus = _EXACT.add(cash, paid), _EXACT.add(bonus, paid if counts != "cash" else Decimal(0))
        for name, sum_, left in (("cash", cash, "cashAfter"), ("bonus", bonus, "bonusAfter")):
            if transaction[left] != sum_:
                text = f"{left} is {transaction[left]} where the sums make {sum_} {name}"
                yield Finding(what="ledger", claim=claim, player=user_id, text=text)
        if transaction["currency"] != wallet["currency"]:
            yield Finding(what="ledger", claim=claim, player=user_id, text="in another currency than the wallet")
        cash, bonus = transaction["cashAfter"], transaction["bonusAfter"]  # one fault is told once
    yield from _balance_findings(player, wallet, transactions)
    if wallet["version"] != previous:
        text = f"the wallet's version is {wallet['version']} after transaction {previous}"
        yield Finding(what="ledger", player=user_id, text=text)
    codes.pop("", None)  # totals without a code are counted nowhere
    counted = {code: _counted(item) for (owner, code), item in books.free_rounds.items() if owner == user_id}
    for code in counted.keys() | codes.keys():
        if counted.get(code) != (right := codes[code].counted()):
            text = f"code {code} is counted as {counted.get(code)}, where its transactions make {right}"
            yield Finding(what="ledger", player=user_id, text=text)


def _balance_findings(player: Player, wallet: Item, transactions: Sequence[Item]) -> Iterator[Finding]:
    """Balance = opening balance + the sum of the transactions, whatever order they claim to have."""
    for name, opening in (("cash", player.cash), ("bonus", player.bonus)):
        expected = opening
        for transaction in transactions:
            if name == "cash" or _counts(transaction) != "cash":
                expected = _EXACT.add(expected, transaction["amount"])
        if wallet[name] != expected:
            excess = _EXACT.subtract(wallet[name], expected)
            what: What = "credited twice" if excess > 0 else "lost"
            text = f"{name} is {wallet[name]}, its transactions make {expected}: {excess:+f}"
            yield Finding(what=what, player=player.user_id, text=text)


def _counts(transaction: Item) -> Literal["cash", "round", "total"]:
    kind = str(transaction["id"]).partition("#")[0]
    if kind == "bonus":
        return "total"
    return "round" if kind == "result" and transaction.get("bonusCode") else "cash"


@dataclass(slots=True)
class _FreeRounds:
    """What the transactions under one bonus code make of it. Source: docs/ledger.md, Free rounds."""

    uncovered: Decimal = Decimal(0)  # what rounds were paid that no total covered
    advance: Decimal = Decimal(0)  # what totals were paid ahead of their rounds
    until: int | None = None
    named: list[str] = field(default_factory=list)

    def settle(self, transaction: Item, counts: str) -> Decimal:
        """What the transaction had to be paid after those before it."""
        asked: Decimal = transaction["amountAsked"]
        game, round_id, stamp = (transaction.get(name) for name in ("gameId", "roundId", "timestamp"))
        key = f"{len(game)}:{game}{round_id}" if game and round_id else None
        moment = int(stamp) if stamp and re.fullmatch("[0-9]{1,20}", stamp) else None
        if counts == "round":
            is_ahead = key in self.named or (moment is not None and self.until is not None and moment <= self.until)
            ahead = min(asked, self.advance) if is_ahead else Decimal(0)
            self.advance = _EXACT.subtract(self.advance, ahead)
            self.uncovered = _EXACT.add(self.uncovered, asked - ahead)
            return _EXACT.subtract(asked, ahead)
        if counts == "total" and transaction.get("bonusCode"):
            covered = min(asked, self.uncovered)
            self.uncovered = _EXACT.subtract(self.uncovered, covered)
            self.advance = _EXACT.add(self.advance, asked - covered)
            if moment is not None:
                self.until = max(moment, self.until or 0)
            self.named = [*self.named, *([key] if key else [])][-10:]
            return _EXACT.subtract(asked, covered)
        return asked

    def left(self) -> tuple[Decimal, Decimal]:
        return self.uncovered, self.advance

    def counted(self) -> tuple[Decimal, Decimal, int | None, list[str]]:
        return self.uncovered, self.advance, self.until, self.named


def _left_by(transaction: Item) -> tuple[Any, Any]:
    return transaction.get("uncoveredAfter"), transaction.get("advanceAfter")


def _counted(item: Item) -> tuple[Any, Any, Any, list[str]]:
    return item["uncovered"], item["advance"], item.get("until"), [*item["lastRounds"]]


def _exact_free_rounds(told: Sequence[Told], books: Books) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """What the rounds come to and what was paid, for each code of which everything was sent and is on record.

    It needs no rule: the provider knows what its rounds won.
    """
    claims: dict[tuple[str, str], dict[str, Claim]] = defaultdict(dict)
    for story in told:
        for claim in story.callback.claims:
            if claim.is_exact and claim.bonus_code:
                claims[claim.user_id, claim.bonus_code][claim.id] = claim
    paid = {str(transaction["id"]): transaction["amount"] for transaction in books.transactions}
    exact: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for code, asked in claims.items():
        sums = {
            counts: sum((claim.amount for claim in asked.values() if claim.counts == counts), Decimal(0))
            for counts in ("round", "total")
        }
        if sums["round"] == sums["total"] and asked.keys() <= paid.keys():
            exact[code] = sums["round"], sum((paid[id] for id in asked), Decimal(0))
    return exact


# --- The answers ------------------------------------------------------------------------------------


def _answer_findings(told: Sequence[Told], opened_at: Mapping[str, float], books: Books) -> Iterator[Finding]:
    on_record = {str(transaction["id"]): transaction for transaction in books.transactions}
    states = _states(books)
    for story in told:
        callback = story.callback
        claim = callback.claims[0].id
        names: set[str] = set()
        for delivery in story.deliveries:
            if delivery.seconds > FUNCTION_SECONDS:
                text = f"{delivery.why} was answered after {delivery.seconds:.1f} s"
                yield Finding(what="too slow", claim=claim, text=text)
            if delivery.status is None:
                if not delivery.cut:
                    yield Finding(what="wrong answer", claim=claim, text=f"no answer: {delivery.answer}")
                continue
            if fault := _fault_of(callback, delivery, opened_at, on_record):
                yield Finding(what="wrong answer", claim=claim, text=f"{delivery.why}: {fault}")
            elif delivery.code == 0:
                answer = json.loads(delivery.answer, parse_float=Decimal, parse_int=Decimal)
                names.add(str(answer["transactionId"]))
                if fault := _balance_fault(callback, answer, on_record, states):
                    yield Finding(what="wrong answer", claim=claim, text=f"{delivery.why}: {fault}")
        if len(names) > 1:
            yield Finding(what="wrong answer", claim=claim, text=f"{len(names)} transactionIds for one reference")


def _fault_of(
    callback: Callback, delivery: Delivery, opened_at: Mapping[str, float], on_record: Mapping[str, Item]
) -> str | None:
    """What is wrong with the answer as such."""
    code, said = delivery.code, f"{delivery.status} {delivery.answer[:200]}"
    if code is None or _HTTP.get(code) != delivery.status:
        return f"not an answer of the contract: {said}"
    allowed = {UNAVAILABLE}
    match callback.outcome:
        case "paid":
            allowed.add(0)
        case "late":
            allowed.add(0)
            if delivery.started <= opened_at.get(callback.claims[0].user_id, delivery.started):
                allowed.add(62)
        case "contested":
            record = on_record.get(callback.claims[0].id)
            allowed.add(0 if record is None or _is_of(callback.claims[0], record) else 61)
        case "dead letter" | "refused":
            allowed.add(callback.code)
    if code not in allowed:
        return f"answered {said}, where {' or '.join(map(str, sorted(allowed)))} is right"
    answer = json.loads(delivery.answer)
    if code == 0:
        if list(answer) != ["transactionId", "currency", "cash", "bonus", "error", "description"]:
            return f"other fields than the contract's: {said}"
        if any(isinstance(answer[name], str) != callback.as_text for name in ("cash", "bonus")):
            return f"balances in another notation than the request's: {said}"
    elif list(answer) != ["error", "description"]:
        return f"other fields than the contract's: {said}"
    return None


def _states(books: Books) -> dict[str, list[tuple[int, Decimal, Decimal]]]:
    """Each balance that a player's wallet has had, with the `seq` that left it."""
    states: dict[str, list[tuple[int, Decimal, Decimal]]] = defaultdict(list)
    for transaction in books.transactions:
        state = (int(transaction["seq"]), transaction["cashAfter"], transaction["bonusAfter"])
        states[str(transaction["userId"])].append(state)
    return states


def _balance_fault(
    callback: Callback,
    answer: Item,
    on_record: Mapping[str, Item],
    states: Mapping[str, Sequence[tuple[int, Decimal, Decimal]]],
) -> str | None:
    """What is wrong with the balances told: they must be those after the credit, or after a later one."""
    records = [on_record[claim.id] for claim in callback.claims if claim.id in on_record]
    if len(records) < len(callback.claims):
        return None  # told as lost
    if answer["transactionId"] != records[0]["transactionId"]:
        return "another transactionId than the one on record"
    if answer["currency"] != records[0]["currency"]:
        return "another currency than the one on record"
    earliest = max(int(record["seq"]) for record in records)
    told = (Decimal(answer["cash"]), Decimal(answer["bonus"]))
    if any(seq >= earliest and told == (cash, bonus) for seq, cash, bonus in states[callback.claims[0].user_id]):
        return None
    return f"told a balance of {told[0]} and {told[1]}, which the ledger does not know after transaction {earliest}"


# --- The records ------------------------------------------------------------------------------------


def _record_findings(told: Sequence[Told], books: Books) -> Iterator[Finding]:
    claims: dict[str, list[Claim]] = defaultdict(list)
    for story in told:
        if _is_admissible(story.callback):
            for claim in story.callback.claims:
                claims[claim.id].append(claim)
    for transaction in books.transactions:
        claim = str(transaction["id"])
        if not claims[claim]:
            yield Finding(what="wrong record", claim=claim, text="on record, though nothing sent could be credited so")
        elif not any(_is_of(each, transaction) for each in claims[claim]):
            yield Finding(what="wrong record", claim=claim, text=f"on record as {_shown(transaction)}, asked otherwise")
    unexpected = {
        claim.id for story in told if story.callback.outcome in ("paid", "late") for claim in story.callback.claims
    }
    conflicting = {
        claim.id for story in told if story.callback.outcome not in ("paid", "late") for claim in story.callback.claims
    }
    for letter in books.dead_letters:
        for claim in letter.ids.keys() & (unexpected - conflicting):
            if letter.code in (52, 61) and not letter.prize_only:
                yield Finding(what="wrong record", claim=claim, text=f"a dead letter without cause: {letter.reason}")
    may_be_left = {(_first(story).reference, code, prize) for story in told for code, prize in _left_with(story)}
    for letter in books.dead_letters:
        is_kept = letter.code in KEPT or letter.prize_only
        if is_kept and (letter.reference, letter.code, letter.prize_only) not in may_be_left:
            text = f"{letter.reference} is a dead letter without cause: {letter.reason}"
            yield Finding(what="wrong record", claim=next(iter(letter.ids), None), text=text)
    refused = {
        claim.id
        for story in told
        if story.callback.outcome == "refused" and story.callback.code not in KEPT
        for claim in story.callback.claims
    } - set(claims)
    for letter in (*books.waiting, *books.dead_letters):
        for claim in letter.ids.keys() & refused:
            yield Finding(what="wrong record", claim=claim, text=f"kept in {letter.queue}, though it was refused")


def _left_findings(told: Sequence[Told], books: Books) -> Iterator[Finding]:
    """What was refused for its fields, and each prize that was not paid, is there for a person to find."""
    left = {(letter.reference, letter.code, letter.prize_only) for letter in books.dead_letters}
    on_record = {str(transaction["id"]) for transaction in books.transactions}
    for story in told:
        claim = _first(story)
        for code, prize_only in _left_with(story):
            is_paid = 0 in story.codes or (story.gave_up and claim.id in on_record)
            if not (is_paid if prize_only else code in story.codes):
                continue
            what = "its prize" if prize_only else f"answered {code}, it"
            if (claim.reference, code, prize_only) not in left:
                yield Finding(what="lost", claim=claim.id, text=f"{what} is in no queue for a person to see")
            elif (claim.id.partition("#")[0], claim.reference) not in books.listed:
                yield Finding(what="not listed", claim=claim.id, text=f"{what} is not in `parked list`")


def _left_with(story: Told) -> Iterator[tuple[int, bool]]:
    """The codes with which a callback, or its prize alone, is left for a person."""
    callback = story.callback
    if callback.outcome == "refused" and callback.code in KEPT:
        yield callback.code, False
    if callback.prize_code:
        yield callback.prize_code, True


def _first(story: Told) -> Claim:
    return story.callback.claims[0]


def _is_admissible(callback: Callback) -> bool:
    return callback.outcome in ("paid", "late", "contested")


def _is_of(claim: Claim, record: Item) -> bool:
    """Whether the record is of this claim: its player, amount, currency and bonus code."""
    return (
        record["userId"] == claim.user_id
        and record["amountAsked"] == claim.amount
        and (claim.currency is None or claim.currency.upper() == str(record["currency"]).upper())
        and (claim.counts == "cash" or record.get("bonusCode") == claim.bonus_code)
    )


def _shown(record: Item) -> str:
    return f"{record['amountAsked']} {record['currency']} of {record['userId']}"


# --- What became of what was owed -------------------------------------------------------------------


def _settle_fates(made: Account, told: Sequence[Told], books: Books) -> None:
    on_record = {str(transaction["id"]): transaction for transaction in books.transactions}
    waiting, dead = _kept(books.waiting), _kept(books.dead_letters)
    for story in told:
        callback = story.callback
        if not story.deliveries and story.abandoned:
            continue
        if _is_beaten(callback, on_record):
            _settle_dead_letter(made, story, waiting, dead)
        elif _is_admissible(callback):
            for claim in callback.claims:
                _settle_fate(made, story, claim, on_record, waiting, dead)
        elif callback.outcome == "dead letter":
            _settle_dead_letter(made, story, waiting, dead)


def _is_beaten(callback: Callback, on_record: Mapping[str, Item]) -> bool:
    """Whether the other content of its reference was the one to be paid."""
    record = on_record.get(callback.claims[0].id)
    return callback.outcome == "contested" and record is not None and not _is_of(callback.claims[0], record)


def _settle_fate(
    made: Account,
    story: Told,
    claim: Claim,
    on_record: Mapping[str, Item],
    waiting: set[tuple[str, Decimal]],
    dead: set[tuple[str, Decimal]],
) -> None:
    was_told_paid = 0 in story.codes
    if claim.id in on_record:
        made.fates[claim.id] = "on record"
    elif was_told_paid:
        made.fates[claim.id] = "lost"
        made.findings.append(Finding(what="lost", claim=claim.id, text="answered as paid, and not on record"))
    elif (claim.id, claim.amount) in waiting:
        made.fates[claim.id] = "waiting"
    elif (claim.id, claim.amount) in dead:
        made.fates[claim.id] = "dead letter"
    elif story.abandoned:
        made.fates.setdefault(claim.id, "open")
    elif made.fates.get(claim.id) not in ("waiting", "dead letter"):  # by another callback with the same prize
        made.fates[claim.id] = "lost"
        made.findings.append(Finding(what="lost", claim=claim.id, text="neither on record nor in a queue"))


def _settle_dead_letter(
    made: Account, story: Told, waiting: set[tuple[str, Decimal]], dead: set[tuple[str, Decimal]]
) -> None:
    """A conflict or a wrong currency that was answered as such must be left for a person."""
    callback = story.callback
    claim = callback.claims[0]
    if (claim.id, claim.amount) in waiting | dead or story.abandoned:
        return
    if any(delivery.code == callback.code for delivery in story.deliveries):
        text = f"answered {callback.code}, and in no queue for a person to see"
        made.findings.append(Finding(what="lost", claim=claim.id, text=text))


def _kept(letters: Sequence[Letter]) -> set[tuple[str, Decimal]]:
    return {(claim, amount) for letter in letters for claim, amount in letter.ids.items()}

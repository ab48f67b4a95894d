"""Wrong operators: the right one of rival.py with one thing changed in each, as it is done by mistake."""

import asyncio
import json
import re
import time
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from contract import (
    OTHER_NAMES,
    Count,
    Credit,
    Due,
    Fields,
    Number,
    Parameter,
    Prize,
    Record,
    Refused,
    Wallet,
    written,
)

from .rival import Rival


@dataclass(frozen=True, slots=True)
class Wrong:
    """`caught_by`: all cases that notice it, of the groups that they are in; or some, `among_others`."""

    operator: type[Rival]
    caught_by: frozenset[str]
    among_others: bool
    large_amounts: bool


WRONG: list[Wrong] = []
OperatorT = TypeVar("OperatorT", bound=type[Rival])


def caught_by(*cases: str, among_others: bool = False, large_amounts: bool = False) -> Callable[[OperatorT], OperatorT]:
    def keep(operator: OperatorT) -> OperatorT:
        WRONG.append(Wrong(operator, frozenset(cases), among_others, large_amounts))
        return operator

    return keep


Owed = tuple[Fraction, dict[tuple[str, str], Count]]


def _said(fields: Fields, name: str) -> Any:
    return fields[name].value if name in fields else ""


# --- Once -------------------------------------------------------------------------------------------


@caught_by(
    "a result sent twice is credited once",
    "a jackpot sent twice is credited once",
    "a free round total sent twice is credited once",
    "a promotion sent twice is credited once",
    "ten retransmissions are one credit",
    among_others=True,
)
class NoIdempotency(Rival):
    """Credits whatever comes."""

    def recorded(self, credit: Credit) -> Record | None:
        return None


@caught_by(
    "copies of a result at once are one credit",
    "copies of a jackpot at once are one credit",
    "copies of a free round total at once are one credit",
    "copies of a promotion at once are one credit",
    "copies at once are told one transactionId",
    "of different contents at once under one reference one is paid",
    "a prize alone and inside its result at once is paid once",
    "a result and its auto closing at once are one credit",
)
class CheckThenInsert(Rival):
    """Looks whether a reference is known, and writes it down a moment later."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.lock = nullcontext()


@caught_by(
    "different wins at once are all paid",
    "wins of every kind at once are all paid",
    "free rounds at once are all paid to cash and bonus",
    "a total covers all rounds that came at once before it",
    "different totals at once cover a round once",
    "free rounds and their total at once are paid once",
    "replays between new wins pay nothing",
)
class LostUpdate(Rival):
    """Reads a balance, and writes back what it made of it though another was written meanwhile."""

    async def pay_once(self, win: Credit) -> Record:
        before = self.wallets.get(win.player)
        is_known = self.is_known(win)
        self.lock.release()  # pyright: ignore[reportAttributeAccessIssue]
        await asyncio.sleep(0)
        await self.lock.acquire()  # pyright: ignore[reportAttributeAccessIssue]
        if before and not is_known and not self.is_known(win):
            self.wallets[win.player] = before
        return await super().pay_once(win)

    def is_known(self, win: Credit) -> bool:
        prize = win.prize and win.prize.credit
        return any(self.recorded(credit) for credit in (win, prize) if credit)


@caught_by("a replay shows the balances as they are now")
class StaleReplay(Rival):
    """Keeps its answers, balances and all, and repeats them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.told: dict[Any, Wallet] = {}

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        told = self.told.setdefault(self.key(first.credit), wallet)
        return super().success(first, told, as_text=as_text)


@caught_by("a replay has the first transactionId", "copies at once are told one transactionId", among_others=True)
class NewIdOfAReplay(Rival):
    """Makes up a transactionId for every answer."""

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        self.answered = getattr(self, "answered", 0) + 1
        return super().success(replace(first, transaction_id=f"a-{self.answered}"), wallet, as_text=as_text)


@caught_by("a replay is answered as a success", among_others=True)
class ReplayRefused(Rival):
    """Answers a known reference with an error, so that the provider believes that it was not paid."""

    def decide(self, win: Credit) -> Due:
        if self.recorded(win):
            raise Refused(61, "already processed")
        return super().decide(win)


@caught_by("references that differ by case are two", "references that look alike are two")
class CaseOfReferencesIgnored(Rival):
    """Has a table whose collation does not tell upper from lower case."""

    def key(self, credit: Credit) -> Any:
        return credit.kind, credit.reference.lower()


@caught_by(
    "references are told apart to the last character",
    "references that differ by invisible characters are two",
    "references that look alike are two",
)
class AccentsOfReferencesIgnored(Rival):
    """Has a table that keeps only what is ASCII of a reference."""

    def key(self, credit: Credit) -> Any:
        return credit.kind, credit.reference.encode("ascii", "ignore")


@caught_by("another player is refused with 61 rather than 62", "a reference of another player is not paid to this one")
class ReferencesByPlayer(Rival):
    """Knows a reference only with its player."""

    def key(self, credit: Credit) -> Any:
        return credit.kind, credit.player, credit.reference


@caught_by("one reference under two kinds is two transactions")
class ReferencesOfAllKinds(Rival):
    """Knows a reference without its kind."""

    def key(self, credit: Credit) -> Any:
        return credit.reference


@caught_by(
    "two wins of one round are both paid",
    "other content under a known reference is no second transaction",
    "another round is refused with 61",
    "a round that differs by a space is refused with 61",
    "a whole number is the text of its digits",
    "an identifier may be a whole number",
    "names of 128 characters are accepted",
    "a result that conflicts refuses its prize with 61",
    "two jackpots of one round are both paid",
)
class RoundsInsteadOfReferences(Rival):
    """Takes a round for what is paid once."""

    def key(self, credit: Credit) -> Any:
        return (credit.kind, credit.content[1]) if credit.kind in ("result", "jackpot") else super().key(credit)


@caught_by("a replay may order its fields otherwise", among_others=True)
class Fingerprint(Rival):
    """Takes another order of the fields for another content."""

    def credit(self, kind: str, fields: Fields) -> Credit:
        win = super().credit(kind, fields)
        return replace(win, content=(*win.content, tuple(fields)))


@caught_by("a replay may have another uuid and timestamp", "a replay may have other recorded fields")
class UuidIsContent(Rival):
    """Takes a new uuid for another content, though each delivery has one of its own."""

    def credit(self, kind: str, fields: Fields) -> Credit:
        win = super().credit(kind, fields)
        return replace(win, content=(*win.content, _said(fields, "uuid")))


@caught_by(
    "a replay may write its amount with more zeros", "a replay may write its amount as a number", among_others=True
)
class AmountsByText(Rival):
    """Takes 0.02 and 0.0200 for two amounts."""

    def credit(self, kind: str, fields: Fields) -> Credit:
        win = super().credit(kind, fields)
        return replace(win, content=(*win.content, str(fields["amount"].value)))


@caught_by(
    "a round whose result arrived is not paid again when it is closed",
    "an auto closing after its result is a replay",
    "a result after its auto closing is a replay",
    among_others=True,
)
class AutoClosingByItself(Rival):
    """Takes an automatic closing for a transaction of its own."""

    def credit(self, kind: str, fields: Fields) -> Credit:
        win = super().credit(kind, fields)
        return replace(win, content=(*win.content, "sessionid" in fields))

    def key(self, credit: Credit) -> Any:
        return (*super().key(credit), credit.content[-1:])


@caught_by(
    "another amount is refused with 61",
    "another player is refused with 61 rather than 62",
    "a conflict is told by error and description alone",
    among_others=True,
)
class ConflictsAsSuccess(Rival):
    """Answers a known reference with a success, whatever came with it."""

    def is_replay(self, credit: Credit, record: Record) -> bool:
        return True


@caught_by(
    "another game is refused with 61",
    "another round is refused with 61",
    "another jackpot is refused with 61",
    "another campaign is refused with 61",
    "another bonus code is refused with 61",
    "another round or bonus code of a free round total is refused with 61",
    "another campaign of a result is refused with 61",
    among_others=True,
)
class ConflictsByAmountAlone(Rival):
    """Compares nothing of a replay but its player and its amount."""

    def is_replay(self, credit: Credit, record: Record) -> bool:
        return (credit.player, credit.amount) == (record.credit.player, record.credit.amount)


# --- Money ------------------------------------------------------------------------------------------


@caught_by(
    "eighteen places of text are credited to the last",
    "eighteen places of a number are credited to the last",
    "the smallest amount is credited",
    among_others=True,
)
class FloatMoney(Rival):
    """Adds binary floats."""

    def add(self, balance: Fraction, amount: Fraction) -> Fraction:
        return Fraction(repr(float(balance) + float(amount))) if amount else balance


@caught_by("an amount of 32 digits is credited to the last", large_amounts=True, among_others=True)
class TwentyEightDigits(Rival):
    """Adds decimals with the language's own precision, which rounds."""

    def add(self, balance: Fraction, amount: Fraction) -> Fraction:
        return Fraction(Decimal(written(balance)) + Decimal(written(amount)))


@caught_by(
    "eighteen places of text are credited to the last",
    "eighteen places of a number are credited to the last",
    "the smallest amount is credited",
    "an answer keeps every digit of a balance",
    "exponents as programs write them are exact",
    "an exponent changes no digit",
    "an exponent that just fits is credited",
    "digits that no binary number holds are credited to the last",
)
class RoundedToCents(Rival):
    """Keeps two places."""

    def add(self, balance: Fraction, amount: Fraction) -> Fraction:
        return round(balance + amount, 2)


@caught_by(
    "eighteen places of text are credited to the last",
    "eighteen places of a number are credited to the last",
    "the smallest amount is credited",
    "an answer keeps every digit of a balance",
    "exponents as programs write them are exact",
    "an exponent changes no digit",
    "an exponent that just fits is credited",
    "digits that no binary number holds are credited to the last",
)
class AnswersInCents(Rival):
    """Keeps every digit, and shows two places."""

    def written(self, balance: Fraction, as_text: bool) -> str:
        return super().written(round(balance, 2), as_text)


@caught_by("balances are text where the amount was text")
class AlwaysNumbers(Rival):
    """Answers numbers to text."""

    def written(self, balance: Fraction, as_text: bool) -> str:
        return super().written(balance, as_text=False)


@caught_by("balances are numbers where the amount was a number", "a replay is answered in its own notation")
class AlwaysText(Rival):
    """Answers text to numbers."""

    def written(self, balance: Fraction, as_text: bool) -> str:
        return super().written(balance, as_text=True)


@caught_by(
    "a negative amount is refused with 59",
    "a space in an amount is refused with 59",
    "digits of another script are refused with 59",
    "leading zeros in an amount are refused with 59",
    "an exponent that does not fit is refused with 59",
    "an amount with a plus sign is refused with 59",
    "nineteen places are refused with 59 and not rounded",
    among_others=True,
)
class TheLanguagesOwnNumbers(Rival):
    """Takes for an amount what the language takes for a number."""

    def amount(self, value: object) -> Fraction:
        try:
            found = Decimal(value.literal if isinstance(value, Number) else str(value))
        except ArithmeticError:
            raise Refused(59, "not an amount") from None
        if not found.is_finite() or found.adjusted() > 31 or found.adjusted() < -40:  # no error of its own
            raise Refused(59, "not an amount")
        return Fraction(found)


@caught_by(
    "an exponent changes no digit",
    "an exponent that just fits is credited",
    "an exponent that is far too large is refused with 59",
)
class ExponentInABinaryFloat(Rival):
    """Reads what has an exponent as a float of 64 bits, as its JSON library does."""

    def amount(self, value: object) -> Fraction:
        literal = value.literal if isinstance(value, Number) else value
        if isinstance(literal, str) and re.fullmatch(r"[0-9.]+[eE][+-]?[0-9]+", literal):
            return super().amount(_of_a_float(float(literal)))
        return super().amount(value)


@caught_by(
    "eighteen places of a number are credited to the last",
    "an exponent changes no digit",
    "an exponent that just fits is credited",
    "an exponent that is far too large is refused with 59",
    "digits that no binary number holds are credited to the last",
    "nineteen places are refused with 59 and not rounded",
)
class NumbersInABinaryFloat(Rival):
    """Reads a JSON number as a float of 64 bits, and a text exactly."""

    def amount(self, value: object) -> Fraction:
        if isinstance(value, Number) and value.literal[-1:].isdigit():
            return super().amount(_of_a_float(float(value.literal)))
        return super().amount(value)


@caught_by(
    "a balance is written without an exponent",
    "an exponent moves the point",
    "an exponent may be zero or above",
    "exponents as programs write them are exact",
    "an exponent changes no digit",
    "an exponent that just fits is credited",
    "an exponent that is far too large is refused with 59",
)
class TheFloatItself(Rival):
    """Takes a float of 64 bits exactly, with all the digits that it has."""

    def amount(self, value: object) -> Fraction:
        if isinstance(value, Number) and "e" in value.literal.lower():
            return super().amount(format(Decimal(float(value.literal)), "f"))
        return super().amount(value)


@caught_by(
    "an exponent moves the point",
    "exponents as programs write them are exact",
    among_others=True,
)
class NoExponents(Rival):
    """Refuses an exponent, as if it were not exact."""

    def amount(self, value: object) -> Fraction:
        literal = value.literal if isinstance(value, Number) else str(value)
        if "e" in literal.lower():
            raise Refused(59, "not an amount")
        return super().amount(value)


@caught_by("minus zero is zero")
class MinusZeroRefused(Rival):
    """Takes minus zero for a number below zero."""

    def amount(self, value: object) -> Fraction:
        literal = value.literal if isinstance(value, Number) else str(value)
        if literal.startswith("-"):
            raise Refused(59, "not an amount")
        return super().amount(value)


@caught_by("trailing zeros do not count as digits")
class TrailingZerosCount(Rival):
    """Counts the places that were written, and not those that are needed."""

    def amount(self, value: object) -> Fraction:
        literal = value.literal if isinstance(value, Number) else str(value)
        if len(literal.partition(".")[2].lower().partition("e")[0]) > 18:
            raise Refused(59, "not an amount")
        return super().amount(value)


def _of_a_float(value: float) -> str:
    """Its shortest digits, without an exponent; what no JSON number says if there are none."""
    return format(Decimal(repr(value)), "f").removesuffix(".0")


@caught_by(
    "a lost round is recorded and moves nothing",
    "a reference of another player is not paid to this one",
    "a balance is written without an exponent",
    "a total of nothing is recorded and moves nothing",
    "a lost round may be closed automatically",
    among_others=True,
)
class ZeroRefused(Rival):
    """Takes a lost round for a mistake."""

    def amount(self, value: object) -> Fraction:
        if not (found := super().amount(value)):
            raise Refused(59, "not an amount")
        return found


# --- What a call does -------------------------------------------------------------------------------


@caught_by(
    "a promotion after the result that carried it is a replay",
    "a result after the promotion that it carries pays its win alone",
    among_others=True,
)
class PrizeInTheWin(Rival):
    """Adds the prize to the win, in one transaction."""

    def credit(self, kind: str, fields: Fields) -> Credit:
        win = super().credit(kind, fields)
        prize = win.prize and win.prize.credit
        return replace(win, amount=win.amount + prize.amount, prize=None) if prize else win


@caught_by("a prize inside a result is a transaction of its own")
class PrizeUnderTheWinsId(Rival):
    """Gives a prize the transactionId of the result that carried it."""

    def write(self, due: Due) -> tuple[Record, int | None]:
        first, left = super().write(due)
        prize = due.win.prize and due.win.prize.credit
        if prize and (paid := self.recorded(prize)):
            self.records[self.key(prize)] = replace(paid, transaction_id=first.transaction_id)
        return first, left


@caught_by("a result pays its prize as well", among_others=True)
class PrizeForgotten(Rival):
    """Does not know the fields of a prize."""

    def prize(self, win: Credit, fields: Fields) -> Prize | None:
        return None


@caught_by("a prize of zero is the win alone and leaves its reference free")
class PrizeOfZeroOnRecord(Rival):
    """Writes a prize of zero down, and so uses up its reference."""

    def prize(self, win: Credit, fields: Fields) -> Prize | None:
        prize = super().prize(win, fields)
        if prize or "promowinamount" not in fields or "promowinreference" not in fields:
            return prize
        reference = str(fields["promowinreference"].value)
        nothing = replace(win, kind="promo", reference=reference, amount=Fraction(0), bonus_code=None)
        return Prize(reference, "0", credit=nothing)


@caught_by("a prize without a reference is left and its win is paid")
class PrizeWithoutReference(Rival):
    """Pays a prize that has no reference under its result's."""

    def prize(self, win: Credit, fields: Fields) -> Prize | None:
        return super().prize(win, {"promowinreference": Parameter("", win.reference, "")} | fields)


@caught_by("a total of paid rounds pays nothing more", "a total pays the rounds that were lost", among_others=True)
class BonusPaidTwice(Rival):
    """Pays a total in full though its rounds are paid."""

    def owed(self, credit: Credit) -> Owed:
        return credit.amount, {}


@caught_by(
    "a total smaller than its rounds takes nothing back",
    "rounds that a total leaves uncovered lessen a later total",
    "a late total covers the rounds before and after it",
    "two grants at once under one code are paid once",
)
class TotalTakesBack(Rival):
    """Takes back what rounds were paid beyond their total."""

    def owed_total(self, credit: Credit, count: Count) -> tuple[Fraction, Count]:
        return credit.amount - count.uncovered, super().owed_total(credit, count)[1]


@caught_by(
    "rounds after a total are covered by the next total",
    "rounds that a total leaves uncovered lessen a later total",
    "different totals at once cover a round once",
    among_others=True,
)
class RoundsCoveredAgain(Rival):
    """Covers with each total what an earlier one has covered."""

    def owed_total(self, credit: Credit, count: Count) -> tuple[Fraction, Count]:
        paid, after = super().owed_total(credit, count)
        return paid, replace(after, uncovered=count.uncovered)


@caught_by("rounds of another bonus code lessen no total", among_others=True)
class CountOfAllCodes(Rival):
    """Counts a player's rounds whatever their bonus code."""

    def owed(self, credit: Credit) -> Owed:
        return super().owed(replace(credit, bonus_code="any") if credit.bonus_code else credit)


@caught_by(
    "one prize inside two results is paid once",
    "a prize in dispute is left and its win is paid",
    "a prize of another campaign is left and its win is paid",
    "a prize of another player is left and its win is paid",
    "a prize in dispute does not stop the bonus of its free round",
    "a known result with another amount of its prize pays nothing",
)
class WinHeldBack(Rival):
    """Refuses a win because its prize is in dispute."""

    def decide(self, win: Credit) -> Due:
        prize = win.prize and win.prize.credit
        paid = prize and self.recorded(prize)
        if prize and paid and not self.is_replay(prize, paid):
            raise Refused(61, "the reference was used with other content")
        return super().decide(win)


@caught_by(
    "a prize without a reference is left and its win is paid",
    "a prize with a malformed reference is left and its win is paid",
    "a prize with two different spellings is left and its win is paid",
    "a prize below zero is left and its win is paid",
    "a prize whose amount is not valid is left and its win is paid",
    "a prize that was left is not paid by a retransmission that changes it",
    "a prize that was left is paid when it comes alone",
)
class WinRefusedForItsPrize(Rival):
    """Refuses a win because its prize cannot be read."""

    def prize(self, win: Credit, fields: Fields) -> Prize | None:
        prize = super().prize(win, fields)
        if prize and prize.fault:
            raise Refused(prize.fault, "not a prize")
        return prize


@caught_by(
    "a prize in dispute is left and its win is paid",
    "a prize in dispute does not stop the bonus of its free round",
)
class PrizeInDisputePaid(Rival):
    """Pays a prize under a reference that is on record, if anything is different."""

    def key(self, credit: Credit) -> Any:
        return (*super().key(credit), credit.amount) if credit.kind == "promo" else super().key(credit)


@caught_by(
    "a known result with another prize pays nothing",
    "a second prize that comes later with its result pays nothing",
    "a prize that was left is not paid by a retransmission that changes it",
)
class AnotherPrizePaid(Rival):
    """Pays a known result's second prize, which has a reference that is not on record."""

    def why_left(self, win: Credit, known: Record | None) -> int | None:
        return super().why_left(win, None)


@caught_by(
    "a known result with another prize pays nothing",
    "a known result with another amount of its prize pays nothing",
    "another prize of a known result is paid when it comes alone",
    "a second prize that comes later with its result pays nothing",
    "a prize that was left is not paid by a retransmission that changes it",
)
class AnotherPrizeIsAConflict(Rival):
    """Refuses a known result that comes with another prize."""

    def decide(self, win: Credit) -> Due:
        known = self.recorded(win)
        if known and win.prize and known.credit.prize not in (None, win.prize):
            raise Refused(61, "the reference was used with other content")
        return super().decide(win)


@caught_by(
    "a known result that comes again with a prize is paid the prize",
    "a second prize that comes later with its result pays nothing",
)
class LaterPrizeForgotten(Rival):
    """Answers a known result without a look at its prize."""

    def why_left(self, win: Credit, known: Record | None) -> int | None:
        return 61 if known else super().why_left(win, known)


@caught_by(
    "a round after its total is not paid again",
    "rounds that all come after their total are not paid again",
    "two grants at once with late rounds are paid once",
    "free rounds and their total at once are paid once",
    among_others=True,
)
class CountWithoutAdvance(Rival):
    """Pays every round in full, whatever totals have paid ahead of it."""

    def is_paid_ahead(self, round: Credit, count: Count) -> bool:
        return False


@caught_by(
    "rounds that a total leaves uncovered lessen a later total",
    "a late total covers the rounds before and after it",
    "two grants at once under one code are paid once",
)
class NothingLeftUncovered(Rival):
    """Begins to count from nothing after every total."""

    def owed_total(self, credit: Credit, count: Count) -> tuple[Fraction, Count]:
        paid, after = super().owed_total(credit, count)
        return paid, replace(after, uncovered=Fraction(0))


@caught_by(
    "a round played after a total is paid in full",
    "a new round does not use up what a late round needs",
    "timestamps are compared as numbers",
    "a timestamp of 20 digits is known and one of 21 is not",
    "a round without a known timestamp is paid in full",
    "a total without a known timestamp makes no round late",
    "a round of another game than the last one is another round",
)
class AdvanceOfAnyRound(Rival):
    """Takes every round after a total for a late one."""

    def is_paid_ahead(self, round: Credit, count: Count) -> bool:
        return True


@caught_by(
    "the last round that a total names is not paid again whatever its timestamp",
    "the last rounds of ten totals are known",
)
class LastRoundsUnknown(Rival):
    """Does not look at the round that a total names."""

    def is_paid_ahead(self, round: Credit, count: Count) -> bool:
        return super().is_paid_ahead(replace(round, content=("", "")), count)


@caught_by("the last rounds of ten totals are known")
class OneLastRound(Rival):
    """Knows the last round of the newest total alone."""

    def noted(self, total: Credit, count: Count) -> Count:
        after = super().noted(total, count)
        return replace(after, last_rounds=after.last_rounds[-1:])


@caught_by("a round of another game than the last one is another round")
class RoundsOfAnyGame(Rival):
    """Knows a round without its game."""

    def is_paid_ahead(self, round: Credit, count: Count) -> bool:
        return super().is_paid_ahead(round, count) or round.content[1] in [last[1] for last in count.last_rounds]


@caught_by("the newest total decides which rounds are late")
class UntilTheLastTotal(Rival):
    """Goes by the total that came last, though an earlier one was newer."""

    def noted(self, total: Credit, count: Count) -> Count:
        after = super().noted(total, count)
        return after if total.moment is None else replace(after, until=total.moment)


@caught_by(
    "a timestamp of 20 digits is known and one of 21 is not",
    "a total without a known timestamp makes no round late",
)
class UnknownIsNow(Rival):
    """Uses the current time where it cannot read a timestamp."""

    def moment(self, text: str) -> int | None:
        known = super().moment(text)
        return time.time_ns() // 1_000_000 if known is None else known


@caught_by("a round without a known timestamp is paid in full")
class UnknownIsLongAgo(Rival):
    """Reads a timestamp that it does not know as zero."""

    def moment(self, text: str) -> int | None:
        return super().moment(text) or 0


@caught_by("timestamps are compared as numbers")
class TimestampsAsText(Rival):
    """Compares timestamps character by character."""

    def moment(self, text: str) -> int | None:
        known = super().moment(text)
        return known and int(str(known).ljust(20, "0"))


@caught_by("a timestamp of 20 digits is known and one of 21 is not")
class TimestampsOf64Bits(Rival):
    """Has a column of 64 bits for a timestamp."""

    def moment(self, text: str) -> int | None:
        known = super().moment(text)
        return known if known is not None and known < 2**63 else None


@caught_by("a total without a bonus code is paid in full", "a total without a bonus code covers no round")
class TotalOfNoCodeCovers(Rival):
    """Takes a total without a code for one of the rounds that were played last."""

    def owed(self, credit: Credit) -> Owed:
        codes = [code for player, code in self.counts if player == credit.player]
        if credit.kind == "bonus" and credit.bonus_code is None and codes:
            return super().owed(replace(credit, bonus_code=codes[-1]))
        return super().owed(credit)


@caught_by("a bonus code that a retransmission adds counts nothing")
class AddedCodeCounts(Rival):
    """Counts a known round when it comes again with a code."""

    def decide(self, win: Credit) -> Due:
        known = self.recorded(win)
        if known and win.kind == "result" and win.bonus_code and not known.credit.bonus_code:
            code = win.player, win.bonus_code
            count = self.counts.get(code, Count())
            self.counts[code] = replace(count, uncovered=count.uncovered + win.amount)
        return super().decide(win)


@caught_by("rounds of another player under the same code lessen no total")
class CountOfAllPlayers(Rival):
    """Counts all rounds of a code together, whichever player they belong to."""

    def owed(self, credit: Credit) -> Owed:
        return super().owed(replace(credit, player="anybody"))


@caught_by("a jackpot is added to cash", "a jackpot leaves bonus alone", among_others=True)
class JackpotToBonus(Rival):
    """Takes a jackpot for a bonus."""

    def shares(self, credit: Credit, paid: Fraction) -> tuple[Fraction, Fraction]:
        return (Fraction(0), paid) if credit.kind == "jackpot" else super().shares(credit, paid)


@caught_by("a free round is added to cash", among_others=True)
class FreeRoundsToBonusAlone(Rival):
    """Takes the balance `bonus` for where free rounds are paid."""

    def shares(self, credit: Credit, paid: Fraction) -> tuple[Fraction, Fraction]:
        to_cash, to_bonus = super().shares(credit, paid)
        return (Fraction(0), to_bonus) if to_bonus else (to_cash, to_bonus)


@caught_by(
    "a free round is added to bonus as well", "a total without its rounds is added to bonus as well", among_others=True
)
class NoBonusCounted(Rival):
    """Does not count the money won in free rounds."""

    def shares(self, credit: Credit, paid: Fraction) -> tuple[Fraction, Fraction]:
        return paid, Fraction(0)


# --- Dialects ---------------------------------------------------------------------------------------


@caught_by(
    "a replay may spell its fields otherwise",
    "field names may be in upper case",
    "two spellings of a field that differ are refused with 57",
    "promoCampaignID is promoCampaignId",
)
class FieldsByTheirExactNames(Rival):
    """Knows a field by one spelling."""

    def name(self, name: str) -> str:
        return super().name(name) if name in _EXACT_NAMES else name


@caught_by(
    "the example of the Promo Win page is credited",
    "campaignId is promoCampaignId",
    "campaignType is promoCampaignType",
)
class OneNameOfCampaigns(Rival):
    """Does not know that campaignId is promoCampaignId."""

    def name(self, name: str) -> str:
        return name.lower()


@caught_by("a replay may have an unknown field", "unknown fields are accepted")
class UnknownFieldsRefused(Rival):
    """Refuses a field that no page has."""

    def fields(self, kind: str, parameters: Sequence[Parameter]) -> Fields:
        known = {name.lower() for name in _EXACT_NAMES} | OTHER_NAMES.keys()
        if any(each.name.lower() not in known for each in parameters):
            raise Refused(57, "unknown field")
        return super().fields(kind, parameters)


@caught_by(
    "a round that is closed automatically is credited",
    "an empty session is no reason to refuse",
    "the example of the Auto Closing page is credited",
    among_others=True,
)
class SessionNeeded(Rival):
    """Refuses a result without a session, as the Result page seems to say."""

    def fields(self, kind: str, parameters: Sequence[Parameter]) -> Fields:
        fields = super().fields(kind, parameters)
        if kind == "result" and "sessionid" not in fields:
            raise Refused(64, "sessionId is missing")
        return fields


@caught_by("a total without a roundId is credited", "the example of the Bonus Win page is credited", among_others=True)
class RoundNeeded(Rival):
    """Refuses a total without a round, as one line of the Bonus Win page says."""

    def fields(self, kind: str, parameters: Sequence[Parameter]) -> Fields:
        fields = super().fields(kind, parameters)
        if "roundid" not in fields and kind == "bonus":
            raise Refused(64, "roundId is missing")
        return fields


@caught_by(
    "a replay may have other recorded fields",
    "a replay may have other round details",
    "half a character in a recorded field is accepted",
    "roundDetails may be an array",
    "roundDetails may be an object",
    "roundDetails may be anything",
)
class RoundDetailsAreText(Rival):
    """Believes the pages' examples rather than their tables."""

    def check_forms(self, kind: str, fields: Fields) -> None:
        super().check_forms(kind, fields)
        if not isinstance(_said(fields, "rounddetails"), str):
            raise Refused(57, "roundDetails is not text")


@caught_by("names of 128 characters are accepted", among_others=True)
class NamesOf36Characters(Rival):
    """Has columns of the provider's own limit."""

    def check_forms(self, kind: str, fields: Fields) -> None:
        super().check_forms(kind, fields)
        if any(len(_said(fields, name)) > 36 for name in ("reference", "roundid")):
            raise Refused(57, "too long")


@caught_by("a replay may write its currency in lower case", "a currency may be in lower case")
class CurrencyByCase(Rival):
    """Takes usd for another currency than USD."""

    def currency(self, text: str) -> str | None:
        return text


@caught_by(
    "two spellings of a field that differ are refused with 57",
    "a second spelling of an identifier may be in the other form",
)
class SecondSpellingWins(Rival):
    """Takes the last of two spellings."""

    def fields(self, kind: str, parameters: Sequence[Parameter]) -> Fields:
        last = {self.name(each.name): each for each in parameters}
        return super().fields(kind, list(last.values()))


@caught_by(
    "an identifier may be a whole number",
    "the player may be a whole number",
    "a whole number is the text of its digits",
    "a reference may be a whole number",
    "whole numbers are told apart to the last digit",
    "a bonus code is one as text and as a whole number",
    "a second spelling of an identifier may be in the other form",
)
class TextAlone(Rival):
    """Refuses an identifier that is a number, as the pages' tables say."""

    def identifier(self, name: str, value: object) -> str:
        if isinstance(value, Number):
            raise Refused(57, f"{name} is not text")
        return super().identifier(name, value)


@caught_by(
    "a whole number is the text of its digits",
    "a reference may be a whole number",
    "whole numbers are told apart to the last digit",
    "a bonus code is one as text and as a whole number",
    "the reference of a prize may be a whole number",
    "a second spelling of an identifier may be in the other form",
)
class WholeNumbersInABinaryFloat(Rival):
    """Reads an identifier that is a number as a float of 64 bits."""

    def identifier(self, name: str, value: object) -> str:
        text = super().identifier(name, value)
        return str(int(float(text))) if isinstance(value, Number) else text


@caught_by(
    "a whole number is the text of its digits",
    "a reference may be a whole number",
    "a bonus code is one as text and as a whole number",
    "the reference of a prize may be a whole number",
    "a second spelling of an identifier may be in the other form",
)
class NumbersAreNotTexts(Rival):
    """Takes 7 and "7" for two names."""

    def identifier(self, name: str, value: object) -> str:
        text = super().identifier(name, value)
        return f"{text} as a number" if isinstance(value, Number) and name != "userid" else text


@caught_by("references that differ by invisible characters are two")
class Trimmed(Rival):
    """Takes the space around an identifier away."""

    def identifier(self, name: str, value: object) -> str:
        return super().identifier(name, value).strip()


@caught_by(
    "references are told apart to the last character",
    "references that look alike are two",
)
class NormalForm(Rival):
    """Writes an identifier in Unicode's normal form NFC."""

    def identifier(self, name: str, value: object) -> str:
        return unicodedata.normalize("NFC", super().identifier(name, value))


@caught_by(
    "references are told apart to the last character",
    "references that differ by invisible characters are two",
    "references that look alike are two",
)
class CompatibleForm(Rival):
    """Writes an identifier in Unicode's normal form NFKC."""

    def identifier(self, name: str, value: object) -> str:
        return unicodedata.normalize("NFKC", super().identifier(name, value))


@caught_by("an identifier may have any characters but control characters")
class PrintableAlone(Rival):
    """Refuses characters that its language calls unprintable."""

    def is_fit(self, text: str) -> bool:
        return text.isprintable()


@caught_by(
    "gameName providerId and uuid may be anything",
    "optional recorded fields may be anything",
    "half a character in a recorded field is accepted",
    "the type of a campaign may have any characters",
)
class PrintableRecords(Rival):
    """Looks at the characters of what is only recorded."""

    def check_forms(self, kind: str, fields: Fields) -> None:
        super().check_forms(kind, fields)
        for name in ("gamename", "promocampaigntype", "providerid", "uuid"):
            if isinstance(text := _said(fields, name), str) and not text.isprintable():
                raise Refused(57, f"{name} is not printable")


@caught_by("a timestamp may be anything")
class TimestampsAreMilliseconds(Rival):
    """Refuses a timestamp that it does not understand."""

    def check_forms(self, kind: str, fields: Fields) -> None:
        super().check_forms(kind, fields)
        if self.moment(fields["timestamp"].as_sent) is None:
            raise Refused(57, "timestamp is not milliseconds")


@caught_by(
    "gameName providerId and uuid may be anything",
    "optional recorded fields may be anything",
    "half a character in a recorded field is accepted",
    "the type of a campaign may have any characters",
)
class RecordsAreText(Rival):
    """Refuses what is only recorded if it is not text."""

    def check_forms(self, kind: str, fields: Fields) -> None:
        super().check_forms(kind, fields)
        for name in ("gamename", "promocampaigntype", "providerid", "uuid", "sessionid", "platform", "token"):
            if not isinstance(_said(fields, name), str):
                raise Refused(57, f"{name} is not text")


@caught_by("half a character in a recorded field is accepted")
class WellFormedTextAlone(Rival):
    """Writes what it records as UTF-8, in which half a character cannot be written."""

    def check_forms(self, kind: str, fields: Fields) -> None:
        super().check_forms(kind, fields)
        try:
            "".join(each.value for each in fields.values() if isinstance(each.value, str)).encode()
        except UnicodeEncodeError:
            raise Refused(57, "not text") from None


@caught_by("optional recorded fields may be anything")
class PrizeReferenceChecked(Rival):
    """Looks at the reference of a prize though there is no prize."""

    def check_forms(self, kind: str, fields: Fields) -> None:
        super().check_forms(kind, fields)
        if "promowinreference" in fields and "promowinamount" not in fields:
            self.identifier("promowinreference", fields["promowinreference"].value)


@caught_by("a currency of any form that is not the wallets is refused with 52")
class CurrencyCodesAlone(Rival):
    """Takes a currency of another form than three to ten letters for malformed."""

    def check_forms(self, kind: str, fields: Fields) -> None:
        super().check_forms(kind, fields)
        if "currency" in fields and not re.fullmatch("[A-Za-z0-9]{3,10}", fields["currency"].as_sent):
            raise Refused(57, "currency is not a code")


@caught_by("a byte order mark before the body is passed over")
class NoByteOrderMark(Rival):
    """Takes a byte order mark for a fault of the JSON."""

    def text(self, body: bytes) -> str:
        return body.decode()


@caught_by("an optional field may be an empty list or object")
class EmptyListsArePresent(Rival):
    """Takes an empty list for a value."""

    def is_absent(self, name: str, value: object) -> bool:
        return value in (None, "")


@caught_by("roundDetails may be anything")
class EmptyDetailsAreAbsent(Rival):
    """Refuses a round without details."""

    def is_absent(self, name: str, value: object) -> bool:
        return value in (None, "", [], {})


@caught_by(
    "a replay may leave out its bonus code",
    "a replay may add a bonus code",
    "a replay may leave out or add the round of a total",
    "a replay may leave out or add the currency of a jackpot or total",
    "a replay may leave out or add the campaign of a result",
)
class FalseConflicts(Rival):
    """Takes a field that one delivery leaves out for a contradiction."""

    def agree(self, one: object, other: object) -> bool:
        return one == other


# --- Answers ----------------------------------------------------------------------------------------


@caught_by("an answer has exactly the documented keys", among_others=True)
class NoBonusShown(Rival):
    """Leaves out what the Result page calls optional."""

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        told = json.loads(super().success(first, wallet, as_text=True))
        del told["bonus"]
        return json.dumps(told) if as_text else json.dumps(told).replace(f'"{told["cash"]}"', told["cash"])


@caught_by("a success says error 0 as a number")
class ErrorAsText(Rival):
    """Writes the code as the pages' tables say, and not as their examples do."""

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        return super().success(first, wallet, as_text=as_text).replace('"error": 0', '"error": "0"')


@caught_by("a transactionId is text of at most 36 characters")
class NumberedTransactions(Rival):
    """Has numbers for transactionIds."""

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        text = super().success(first, wallet, as_text=as_text)
        return text.replace(f'"{first.transaction_id}"', first.transaction_id[2:])


@caught_by(
    "a win in another currency is refused with 52",
    "a currency of any form that is not the wallets is refused with 52",
    "a prize in another currency is refused with 52",
    "another currency is refused with 61 rather than 52",
    "a jackpot in another currency is refused with 52",
)
class AnyCurrency(Rival):
    """Credits 100 EUR as 100 USD."""

    def currency(self, text: str) -> str | None:
        return None


@caught_by(
    "a win of an unknown player is refused with 62",
    "a jackpot of an unknown player is refused with 62",
    "a refusal has error and description alone",
)
class PlayersMadeUp(Rival):
    """Opens a wallet for whoever wins."""

    def decide(self, win: Credit) -> Due:
        self.wallets.setdefault(win.player, Wallet("USD", Fraction(0), Fraction(0)))
        return super().decide(win)


@caught_by("a request that is no POST is refused with 405")
class AnyMethod(Rival):
    """Takes a GET for a callback."""

    def check_method(self, method: str) -> None:
        return


@caught_by("a path that is none is refused with 404")
class AnyPath(Rival):
    """Takes whatever comes for a result."""

    async def settled(self, request: Request) -> str:
        if request.url.path == "/v4/Results":
            request.scope["path"] = "/v4/Result"
            return await super().settled(Request(request.scope, request.receive))
        return await super().settled(request)


@caught_by(
    "what is not JSON is refused with 99",
    "nesting without end is refused with 99",
    "a body above 64 KiB is refused with 99",
    among_others=True,
)
class FailsOnMalformed(Rival):
    """Answers what it cannot read with a failure, which the provider takes for one that will pass."""

    def refusal(self, refused: Refused) -> Response:
        return Response("Internal Server Error", 500) if refused.error == 99 else super().refusal(refused)


@caught_by("what is not JSON is refused with 99", "a negative amount is refused with 59", among_others=True)
class AllRefusalsAreHttp200(Rival):
    """Answers refusals as it answers successes."""

    def refusal(self, refused: Refused) -> Response:
        return super().refusal(Refused(refused.error, refused.description, 200))


@caught_by("a refusal repeats no value")
class SaysWhatWasSent(Rival):
    """Repeats a value in its refusal."""

    def check_forms(self, kind: str, fields: Fields) -> None:
        try:
            super().check_forms(kind, fields)
        except Refused as refused:
            raise Refused(refused.error, f"{refused.description}: {fields}") from None


@caught_by("a key twice is refused with 99")
class LastKeyWins(Rival):
    """Reads JSON as most libraries do."""

    def parameters(self, kind: str | None, body: bytes) -> list[Parameter]:
        try:
            return super().parameters(kind, body)
        except Refused as refused:
            if refused.description != "a key twice":
                raise
        text = body.decode()
        once = json.dumps(json.loads(text, parse_float=str, parse_int=str))
        return super().parameters(kind, once.encode())


@caught_by("an optional field may be empty", "a mandatory field that is null or empty is absent")
class NullIsPresent(Rival):
    """Takes an empty field for a value."""

    def fields(self, kind: str, parameters: Sequence[Parameter]) -> Fields:
        filled = [replace(each, value=" ") if each.value == "" else each for each in parameters]
        return super().fields(kind, filled)


@caught_by(
    "an identifier that is neither text nor a whole number is refused with 57",
    "an identifier of 129 characters is refused with 57",
    "an identifier with control characters is refused with 57",
    "an identifier with half a character is refused with 57",
    "an identifier of white space is refused with 57",
    "identifiers of the other callbacks are checked as well",
    among_others=True,
)
class LooseForms(Rival):
    """Takes any value for an identifier."""

    def identifier(self, name: str, value: object) -> str:
        return value.literal if isinstance(value, Number) else str(value)


@caught_by(
    "a result needs each of its fields",
    "an auto closing needs each of its fields",
    "a jackpot needs each of its fields",
    "a free round total needs each of its fields",
    "a promotion needs each of its fields",
    "a refusal names the field that is missing",
)
class LooseNeeds(Rival):
    """Needs what it uses, and nothing else."""

    def fields(self, kind: str, parameters: Sequence[Parameter]) -> Fields:
        given = {self.name(each.name) for each in parameters}
        unused = {"gamename", "uuid", "providerid", "timestamp", "promocampaigntype", "rounddetails"} - given
        return super().fields(kind, [*parameters, *(Parameter(name, "1", '"1"') for name in unused)])


# --- Trust ------------------------------------------------------------------------------------------


@caught_by("a hash is over the characters of a number", among_others=True)
class HashOverReserialisedNumbers(Rival):
    """Makes the hash of what its JSON library made of a number."""

    def literal(self, parameter: Parameter) -> str:
        if isinstance(parameter.value, Number):
            return json.dumps(json.loads(parameter.raw))
        return super().literal(parameter)


@caught_by("a hash is over the text of an object as it was sent")
class HashOverReserialisedObjects(Rival):
    """Makes the hash of what its JSON library made of an object."""

    def literal(self, parameter: Parameter) -> str:
        if isinstance(parameter.value, dict | list):
            return json.dumps(json.loads(parameter.raw))
        return super().literal(parameter)


@caught_by("a hash is over all scripts")
class HashInLatin1(Rival):
    """Makes the hash of question marks."""

    def literal(self, parameter: Parameter) -> str:
        return super().literal(parameter).encode("latin-1", "replace").decode("latin-1")


@caught_by("a hash covers unknown fields")
class HashOfKnownFields(Rival):
    """Leaves out of the hash what it does not know."""

    def hash_of(self, parameters: Sequence[Parameter], secret: str) -> str:
        known = {name.lower() for name in _EXACT_NAMES} | OTHER_NAMES.keys()
        return super().hash_of([each for each in parameters if each.name.lower() in known], secret)


@caught_by(
    "a wrong hash of a jackpot is refused with 401",
    "a jackpot without a hash is refused with 401",
    "a hash of another amount is refused with 401",
    among_others=True,
)
class HashNotChecked(Rival):
    """Wants a hash, and believes it."""

    def check_hash(self, kind: str, parameters: Sequence[Parameter]) -> None:
        return


@caught_by("a result that carries a hash needs a right one", "a promotion that carries a hash needs a right one")
class HashOfSignedCallsAlone(Rival):
    """Does not look at the hash of a result."""

    def check_hash(self, kind: str, parameters: Sequence[Parameter]) -> None:
        if kind in ("jackpot", "bonus"):
            super().check_hash(kind, parameters)


@caught_by("a hash in capitals is the same")
class HashByItsLetters(Rival):
    """Compares a hash letter by letter."""

    def check_hash(self, kind: str, parameters: Sequence[Parameter]) -> None:
        if any(str(each.value) != str(each.value).lower() for each in parameters if each.name.lower() == "hash"):
            raise Refused(401, "Unauthorized")
        super().check_hash(kind, parameters)


@caught_by("an empty list is no hash")
class HashIsAnyValue(Rival):
    """Takes an empty list for a hash, and a wrong one."""

    def check_hash(self, kind: str, parameters: Sequence[Parameter]) -> None:
        if any(each.value in ([], {}) for each in parameters if each.name.lower() == "hash"):
            raise Refused(401, "Unauthorized")
        super().check_hash(kind, parameters)


@caught_by("an empty list does not replace a hash")
class HashOfNothing(Rival):
    """Lets in whoever sends an empty list in the place of a hash."""

    def check_hash(self, kind: str, parameters: Sequence[Parameter]) -> None:
        if not any(each.value in ([], {}) for each in parameters if each.name.lower() == "hash"):
            super().check_hash(kind, parameters)


@caught_by("a hash does not fit the same text cut elsewhere")
class HashOfAnyCut(Rival):
    """Takes an ampersand in an identifier for one of its letters."""

    def check_cut(self, parameters: Sequence[Parameter]) -> None:
        return


@caught_by(
    "a uuid does not replace a hash",
    "a result that carries a hash needs a right one",
    "a promotion that carries a hash needs a right one",
)
class UuidInsteadOfHash(Rival):
    """Lets in whoever sends a uuid."""

    def check_hash(self, kind: str, parameters: Sequence[Parameter]) -> None:
        if not any(each.name == "uuid" for each in parameters):
            super().check_hash(kind, parameters)


@caught_by(
    "a callback without the token is refused with 401",
    "a callback with another token is refused with 401",
    "a piece of the token is refused with 401",
    "a refusal does not tell what was wrong",
)
class TokenNotChecked(Rival):
    """Does not look at the token."""

    def check_token(self, token: str | None) -> None:
        return


@caught_by("a piece of the token is refused with 401")
class TokenByItsBeginning(Rival):
    """Compares as many characters of the token as were sent."""

    def check_token(self, token: str | None) -> None:
        if not token or not any(right.startswith(token) for right in self.auth_tokens):
            super().check_token(token)


@caught_by("a refusal does not tell what was wrong")
class TellsWhichWasWrong(Rival):
    """Says whether it was the token or the hash."""

    def check_token(self, token: str | None) -> None:
        try:
            super().check_token(token)
        except Refused:
            raise Refused(401, "Wrong token") from None


@caught_by("who is not admitted does not learn which references are known")
class KnownBeforeTrusted(Rival):
    """Looks for the reference before it looks at the hash."""

    def check_hash(self, kind: str, parameters: Sequence[Parameter]) -> None:
        references = [each.value for each in parameters if each.name.lower() == "reference"]
        if any((kind, str(reference)) in self.records for reference in references):
            return
        super().check_hash(kind, parameters)


_EXACT_NAMES = frozenset(
    [
        *("userId", "amount", "reference", "providerId", "timestamp", "uuid", "hash", "gameId", "gameName", "roundId"),
        *("roundDetails", "currency", "jackpotId", "jackpotDetails", "promoCampaignId", "promoCampaignType"),
        *("campaignId", "campaignType", "promoWinAmount", "promoWinReference", "bonusCode", "sessionId", "platform"),
        "token",
    ]
)

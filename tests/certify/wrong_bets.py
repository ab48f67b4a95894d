"""Wrong operators of the other calls: the right one of rival.py with one thing changed in bets, cancels or rounds."""

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from fractions import Fraction
from typing import Any

from contract import Answer, Asked, Bet, Cancel, Count, Credit, Due, Record, Refused, Round, Undoing, Visit, Wallet

from .rival import Rival
from .wrong import CheckThenInsert, caught_by

# --- The balance ------------------------------------------------------------------------------------


@caught_by(
    "of two bets at once over the balance one is taken",
    "no number of bets at once makes a balance negative",
    among_others=True,
)
class CheckThenDebit(Rival):
    """Looks whether there is enough, and takes the stake a moment later. A reference is taken once all the same."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.lock = nullcontext()

    async def pay_once(self, win: Credit) -> Record:
        due = self.decide(win)
        is_enough = due.wallet.cash + (self.taken(win) if win.kind == "bet" else 0) >= 0
        await asyncio.sleep(self.pause_seconds)
        if known := self.recorded(win):
            return known
        if is_enough and win.kind == "bet":
            due = replace(due, fresh=tuple(replace(each, below_zero=True) for each in due.fresh))
        return self.write(due)[0]


@caught_by(
    "a bet over the balance is not taken",
    "a bet over the balance is refused with 15 and the balances",
    "of two bets at once over the balance one is taken",
    among_others=True,
)
class Overdraws(Rival):
    """Takes every bet, and lets the balance go below zero."""

    def decide(self, win: Credit) -> Due:
        due = super().decide(win)
        return replace(due, fresh=tuple(replace(each, below_zero=True) for each in due.fresh))


@caught_by("a bet may take all there is", among_others=True)
class LeavesSomething(Rival):
    """Takes a bet only if something is left after it."""

    def pay(self, credit: Credit) -> Record:
        if credit.kind == "bet" and self.wallets[credit.player].cash + self.taken(credit) == 0:
            return self.keep(credit, self.wallets[credit.player], outcome="not enough")
        return super().pay(credit)


@caught_by(
    "a bet refused for lack of money stays refused when money has come",
    "a cancel of a bet refused for lack of money moves nothing",
    among_others=True,
)
class RefusalNotFinal(Rival):
    """Forgets that it refused a bet."""

    def keep(
        self,
        credit: Credit,
        wallet: Wallet,
        paid: Fraction = Fraction(0),
        count: Count | None = None,
        outcome: str | None = None,
    ) -> Record:
        record = super().keep(credit, wallet, paid, count, outcome)
        if outcome == "not enough":
            del self.records[self.key(credit)]
        return record


@caught_by("a smaller bet under the reference of a refused one is refused with 53", among_others=True)
class RefusalOfAnyContent(Rival):
    """Takes a smaller bet under the reference of one that was refused."""

    def recorded(self, credit: Credit) -> Record | None:
        known = super().recorded(credit)
        return None if known and known.outcome == "not enough" and known.credit != credit else known


@caught_by(
    "a refusal for lack of money has exactly its documented keys",
    "a bet over the balance is refused with 15 and the balances",
    among_others=True,
)
class RefusalWithoutBalances(Rival):
    """Answers 15 as it answers any other refusal."""

    def answer_movement(self, record: Record, wallet: Wallet, left: int | None = None, *, as_text: bool) -> Answer:
        if record.outcome == "not enough":
            return self.refused(Refused(15, "Not enough"))
        return super().answer_movement(record, wallet, left, as_text=as_text)


@caught_by("a refusal for lack of money speaks the notation of its bet", among_others=True)
class RefusalInText(Rival):
    """Answers 15 with text, whatever the bet's amount is."""

    def answer_movement(self, record: Record, wallet: Wallet, left: int | None = None, *, as_text: bool) -> Answer:
        as_text = as_text or record.outcome == "not enough"
        return super().answer_movement(record, wallet, left, as_text=as_text)


# --- Bets -------------------------------------------------------------------------------------------


@caught_by(
    "copies of a bet at once are taken once",
    "copies of a cancel at once pay back once",
    "a cancel and a refund at once pay back once",
    "a refund and cancels of its bets at once pay each back once",
    among_others=True,
)
class BetsAndCancelsWithoutALock(CheckThenInsert):
    """Decides about a bet or a cancel, and writes it down a moment later, whatever came between."""


@caught_by(
    "a bet with another amount under a known reference is refused with 53",
    "a bet of another round or game under a known reference is refused with 53",
    "a bet that comes after its cancel is refused with 53",
    among_others=True,
)
class BetsInConflictRefusedWith61(Rival):
    """Refuses a bet as it refuses a win: the provider takes 61 for a bet that was taken, and plays."""

    def decide(self, win: Credit) -> Due:
        try:
            return super().decide(win)
        except Refused as refused:
            raise (Refused(61, str(refused)) if refused.error == 53 else refused) from None


@caught_by(
    "a bet that was paid back is refused with 53 when it comes again",
    "a cancel between the deliveries of its bet pays it back once",
    among_others=True,
)
class CancelledBetAnsweredAsTaken(Rival):
    """Answers a bet that it has paid back with 0, and the provider plays it."""

    def decide(self, win: Credit) -> Due:
        known = self.recorded(win)
        if win.kind == "bet" and known and self.is_paid_back(known):
            return Due(win, known, (), None, self.wallets[win.player])
        return super().decide(win)


@caught_by(
    "a bet that was paid back is refused with 53 when it comes again",
    "a cancel between the deliveries of its bet pays it back once",
    among_others=True,
)
class LateDuplicateTakesAStake(Rival):
    """Deletes a bet that is cancelled, so that a late duplicate is a new bet."""

    def write_cancel(self, undoing: Undoing) -> None:
        super().write_cancel(undoing)
        for credit in undoing.back:
            del self.records["bet", credit.reference]
            del self.records["cancel", credit.reference]


@caught_by("a free round takes no stake", "a free round is never refused for lack of money", among_others=True)
class StakesOfFreeRoundsTaken(Rival):
    """Takes the amount of a free round's bet."""

    def taken(self, bet: Credit) -> Fraction:
        return bet.amount


@caught_by("the forty first live bet of a round is refused with 53")
class AnyNumberOfBets(Rival):
    """Takes as many bets of a round as come."""

    def check_round(self, win: Credit) -> None:
        if win.kind != "bet" or self.round_of(win).refunded:
            super().check_round(win)


@caught_by("a win and a bet after the end of their round are taken as ever", among_others=True)
class NothingAfterTheEnd(Rival):
    """Takes the end of a round for a reason to refuse what comes late."""

    def check_round(self, win: Credit) -> None:
        if self.round_of(win).ended:
            raise Refused(53 if win.kind == "bet" else 61, "the round has ended")
        super().check_round(win)


@caught_by("a bet and its result have two transactionIds", among_others=True)
class OneTransactionIdForARound(Rival):
    """Makes the transactionId of the round, which the provider forbids."""

    def keep(
        self,
        credit: Credit,
        wallet: Wallet,
        paid: Fraction = Fraction(0),
        count: Count | None = None,
        outcome: str | None = None,
    ) -> Record:
        record = replace(super().keep(credit, wallet, paid, count, outcome), transaction_id=f"r-{credit.content[1]}")
        self.records[self.key(credit)] = record
        return record


@caught_by(
    "a bet of a frozen player is refused with 56", "a check of a frozen player is refused with 56", among_others=True
)
class FrozenPlayersPlay(Rival):
    """Knows no frozen player."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.frozen.clear()


@caught_by("a win of a frozen player is credited", "a balance of a frozen player is answered", among_others=True)
class FrozenPlayersGetNothing(Rival):
    """Refuses whatever comes for a frozen player, what is owed as well."""

    def check_frozen(self, win: Credit) -> None:
        if win.player in self.frozen:
            raise Refused(56, "the player is frozen")

    def visit(self, visit: Visit) -> None:
        if visit.player in self.frozen:
            raise Refused(56, "the player is frozen")
        super().visit(visit)


# --- Cancels ----------------------------------------------------------------------------------------


@caught_by(
    "a bet that comes after its cancel is refused with 53",
    "a cancel of an unknown bet is remembered whatever else it says",
    "a cancel of an unknown bet beside a live one touches no other bet",
    among_others=True,
)
class NoMemoryOfACancel(Rival):
    """Answers the cancel of an unknown bet with 0, and forgets it."""

    def write_cancel(self, undoing: Undoing) -> None:
        super().write_cancel(replace(undoing, memory=None))


@caught_by(
    "a cancel before its bet moves nothing",
    "a bet that comes after its cancel is refused with 53",
    "a cancel of a bet that was refused is answered 0 and remembered",
    among_others=True,
)
class UnknownBetsRefused(Rival):
    """Refuses the cancel of an unknown bet, and remembers nothing."""

    def decide_bet(self, cancel: Cancel) -> Undoing:
        if self.bet(cancel.reference) is None:
            raise Refused(61, "no such bet")
        return super().decide_bet(cancel)


@caught_by("a cancel of an unknown bet is remembered whatever else it says", among_others=True)
class MemoryOfTheAmountAlone(Rival):
    """Remembers the cancel of an unknown bet only if it names no amount."""

    def memory(self, cancel: Cancel) -> Credit:
        if cancel.amount is not None:
            raise Refused(59, "not the amount of the bet")
        return super().memory(cancel)


@caught_by(
    "a cancel sent twice pays its bet back once",
    "a bet is paid back once by Cancel and Refund together",
    "a cancel of a bet that was paid back is answered 0 whatever it names",
    among_others=True,
)
class DoubleReversal(Rival):
    """Pays a bet back as often as its cancel comes."""

    def is_paid_back(self, bet: Record) -> bool:
        return False

    def live(self, bet: Record, round: Round) -> Bet:
        return Bet(bet.credit.reference, -bet.paid)


@caught_by("a bet is paid back once by Cancel and Refund together", among_others=True)
class CancelAndRefundApart(Rival):
    """Pays a bet back once for each path."""

    def decide_bet(self, cancel: Cancel) -> Undoing:
        bet = self.bet(cancel.reference)
        seen = self.__dict__.setdefault("seen", set[Any]())
        by = (cancel.reference, self.path)
        is_new = by not in seen
        seen.add(by)
        if bet and not bet.outcome and self.is_paid_back(bet) and is_new:
            live = Bet(bet.credit.reference, -bet.paid)
            return Undoing(cancel, back=(self.back(cancel, live, bet.credit.content),))
        return super().decide_bet(cancel)

    def call(self, path: str) -> str:
        self.path = super().call(path)
        return self.path


@caught_by("a cancel of an unknown bet beside a live one touches no other bet", among_others=True)
class CancelPaysBackTheRoundsOtherBet(Rival):
    """Takes the only live bet of the round for the one that a cancel means, if it does not know the reference."""

    def decide_bet(self, cancel: Cancel) -> Undoing:
        round = self.round_of(cancel)
        if self.bet(cancel.reference) is None and len(round.bets) == 1:
            return super().decide_bet(replace(cancel, reference=round.bets[0].reference))
        return super().decide_bet(cancel)


@caught_by("a cancel of one of two bets pays that bet back alone", among_others=True)
class CancelPaysBackTheWholeRound(Rival):
    """Pays all bets of a round back when one is cancelled."""

    def decide_bet(self, cancel: Cancel) -> Undoing:
        undoing = super().decide_bet(cancel)
        if not undoing.back or not cancel.round:
            return undoing
        content = (cancel.game, cancel.round_id, None, None, None)
        return replace(undoing, back=tuple(self.back(cancel, live, content) for live in self.round_of(cancel).bets))


@caught_by(
    "a cancel that names another amount than its bet is refused with 59",
    "a refund that names another sum than its bets is refused with 59",
    among_others=True,
)
class AnyAmountCancelled(Rival):
    """Does not look at the amount of a cancel."""

    def check_amount(self, cancel: Cancel, taken: Fraction) -> None:
        return


@caught_by("a cancel that names another amount than its bet is refused with 59", among_others=True)
class TheSentAmountPaidBack(AnyAmountCancelled):
    """Pays back what a cancel says, not what was taken."""

    def back(self, cancel: Cancel, bet: Bet, content: tuple[object, ...]) -> Credit:
        back = super().back(cancel, bet, content)
        return back if cancel.amount is None else replace(back, amount=cancel.amount)


@caught_by("a cancel of a free round or of a bet of nothing pays nothing", among_others=True)
class StakesOfFreeRoundsPaidBack(Rival):
    """Pays back what a free round's bet says, though nothing was taken."""

    def back(self, cancel: Cancel, bet: Bet, content: tuple[object, ...]) -> Credit:
        asked = self.records["bet", bet.reference].credit.amount
        return replace(super().back(cancel, bet, content), amount=-asked)


@caught_by("a cancel of another players bet is refused with 61 and pays nobody", among_others=True)
class AnybodysBetCancelled(Rival):
    """Pays a bet back to whoever the cancel names."""

    def check_bet_of(self, cancel: Cancel, bet: Record) -> None:
        super().check_bet_of(replace(cancel, player=bet.credit.player), bet)


@caught_by("a refund that names the bet of another round or game is refused with 61", among_others=True)
class RefundByAnyBet(Rival):
    """Refunds a round by the reference of any bet."""

    def decide_refund(self, cancel: Cancel) -> Undoing:
        round = self.round_of(cancel)
        if round.bets and not round.winnings:
            cancel = replace(cancel, reference=round.bets[0].reference)
        return super().decide_refund(cancel)


@caught_by("a cancel that names another round or game than its bet is refused with 61", among_others=True)
class BetOfAnyRoundCancelled(Rival):
    """Does not compare a cancel's round and game with its bet's."""

    def check_bet_of(self, cancel: Cancel, bet: Record) -> None:
        super().check_bet_of(replace(cancel, game=None, round_id=None), bet)


@caught_by("a cancel that names another round or game than its bet is refused with 61", among_others=True)
class GamesOfCancelsIgnored(Rival):
    """Compares a cancel's round with its bet's, and not its game."""

    def check_bet_of(self, cancel: Cancel, bet: Record) -> None:
        super().check_bet_of(replace(cancel, game=None), bet)


@caught_by("a cancel of the only bet of a round that won is refused with 61", among_others=True)
class CancelAfterAWin(Rival):
    """Pays the only bet of a round back though the round has won."""

    def decide_bet(self, cancel: Cancel) -> Undoing:
        undoing = super().decide_bet(replace(cancel, actor="nobody"))
        self.check_amount(cancel, sum((each.amount for each in undoing.back), Fraction(0)))
        return undoing


@caught_by("a cancel of a bet whose round was lost pays it back", among_others=True)
class NoCancelAfterAResult(Rival):
    """Refuses the cancel of a bet whose round has any result."""

    def decide_bet(self, cancel: Cancel) -> Undoing:
        undoing = super().decide_bet(cancel)
        if undoing.back and self.round_of(cancel).has_result:
            raise Refused(61, "the round is over")
        return undoing


@caught_by("a win then a second bet and its cancel pays the second bet back", among_others=True)
class NoCancelInARoundThatWon(Rival):
    """Refuses every cancel in a round that has won, though another bet of it is live."""

    def decide_bet(self, cancel: Cancel) -> Undoing:
        undoing = super().decide_bet(cancel)
        if undoing.back and self.round_of(cancel).winnings:
            raise Refused(61, "the round has won")
        return undoing


@caught_by("the transactionId of a cancel is the same on every path and replay", among_others=True)
class NewIdOfACancel(Rival):
    """Makes up a transactionId for every cancel."""

    def name_of(self, id: str) -> str:
        self.cancels = getattr(self, "cancels", 0) + 1
        return f"c-{self.cancels}"


@caught_by("the currency of a cancel is only recorded", among_others=True)
class ForeignCancelsRefused(Rival):
    """Refuses a cancel in another currency, and keeps the stake."""

    def cancel(self, call: str, fields: Any, mandatory: Any = None) -> Cancel:
        if "currency" in fields and fields["currency"].as_sent != "USD":
            raise Refused(52, "not the player's currency")
        return super().cancel(call, fields, mandatory)


# --- Rounds -----------------------------------------------------------------------------------------


@caught_by(
    "a round that won is not refunded and nothing of the refund is remembered",
    "a refund and a win at once are not both paid",
    among_others=True,
)
class RefundAfterAWin(Rival):
    """Refunds a round that has won: its player has both."""

    def decide_refund(self, cancel: Cancel) -> Undoing:
        undoing = super().decide_refund(replace(cancel, actor="nobody"))
        self.check_amount(cancel, sum((each.amount for each in undoing.back), Fraction(0)))
        return undoing


@caught_by("a round that won is not refunded and nothing of the refund is remembered", among_others=True)
class RefusedRefundRemembered(Rival):
    """Marks a round as refunded though it refuses the refund."""

    def decide_refund(self, cancel: Cancel) -> Undoing:
        try:
            return super().decide_refund(cancel)
        except Refused:
            if cancel.round:
                self.rounds[cancel.round] = replace(self.round_of(cancel), refunded=True)
            raise


@caught_by(
    "a refund of a round with two bets by the reference of the first pays both back",
    "a refund of a round with two bets by its own reference pays both back",
    "a bet under the reference of a refund or in its round is refused with 53",
    among_others=True,
)
class RefundOfOneBet(Rival):
    """Takes a refund of a round for a cancel of one bet."""

    def decide_refund(self, cancel: Cancel) -> Undoing:
        return self.decide_bet(cancel)


@caught_by(
    "a refund sent again after a later bet pays nothing and the bet is refused with 53",
    "a bet under the reference of a refund or in its round is refused with 53",
    "a refund of an unknown round moves nothing and its late bet is refused with 53",
    among_others=True,
)
class RefundedRoundTakesBets(Rival):
    """Takes a bet of a round that was refunded."""

    def check_round(self, win: Credit) -> None:
        if win.kind != "bet":
            super().check_round(win)


@caught_by("a bet under the reference of a refund or in its round is refused with 53", among_others=True)
class RefundWithoutMemory(Rival):
    """Does not remember the reference of a refund."""

    def decide_refund(self, cancel: Cancel) -> Undoing:
        return replace(super().decide_refund(cancel), memory=None)


@caught_by("a cancel of one bet then a refund under its reference pays the other bet back", among_others=True)
class RefundByReferenceOnce(Rival):
    """Takes a refund under a known reference for a replay of the cancel."""

    def decide_refund(self, cancel: Cancel) -> Undoing:
        bet = self.bet(cancel.reference)
        return Undoing(cancel) if bet and self.is_paid_back(bet) else super().decide_refund(cancel)


@caught_by(
    "a win of a refunded round is refused with 61 and a lost one is recorded",
    "a win of a round whose only bet was cancelled is refused with 61",
    "a win of a round whose only bet was cancelled before it came is refused with 61",
    "one round id in two games is two rounds",
    among_others=True,
)
class WinsOfUndoneRoundsPaid(Rival):
    """Credits a win of a round that it has paid back."""

    def check_round(self, win: Credit) -> None:
        if win.kind == "bet":
            super().check_round(win)


@caught_by("a win of a refunded round is refused with 61 and a lost one is recorded", among_others=True)
class LostRoundsRefused(Rival):
    """Refuses every result of a refunded round, one of nothing as well."""

    def check_round(self, win: Credit) -> None:
        super().check_round(replace(win, amount=Fraction(1)) if win.kind == "result" else win)


@caught_by(
    "a win of a round without any bet is credited",
    "a win after a cancel that named no round or no game is credited",
    "a win of a round whose bet was refused for lack of money is credited",
    among_others=True,
)
class NoWinWithoutABet(Rival):
    """Refuses a win of a round that has no live bet, whether or not there ever was one."""

    def check_round(self, win: Credit) -> None:
        if win.kind == "result" and win.amount and not self.round_of(win).bets:
            raise Refused(61, "no bet")
        super().check_round(win)


@caught_by("a win of a round whose bet was refused for lack of money is credited", among_others=True)
class RefusedBetsCount(Rival):
    """Takes a bet that it refused for a bet of the round."""

    def after(self, round: Round, record: Record) -> Round:
        after = super().after(round, record)
        return replace(after, had_bet=after.had_bet or after.had_refused_bet)


@caught_by("one round id in two games is two rounds", among_others=True)
class RoundsOfAllGames(Rival):
    """Knows a round by its player and its id."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rounds = _WithoutGames()


class _WithoutGames(dict[Any, Round]):
    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((key[0], key[2]), default)

    def __setitem__(self, key: Any, round: Round) -> None:
        super().__setitem__((key[0], key[2]), round)


@caught_by(
    "a free bet whose result has no code is counted by the total",
    "a free bet that is closed without its code is counted by the total",
    among_others=True,
)
class CodeOfTheRoundForgotten(Rival):
    """Takes a result without a code for an ordinary win, and pays it again with the total."""

    def with_code_of_round(self, win: Credit) -> Credit:
        return win


@caught_by(
    "a result without a code beside a paid bet counts as an ordinary win",
    "a result without a code in a round of two codes counts as an ordinary win",
    among_others=True,
)
class CodeOfAnyBet(Rival):
    """Counts a result without a code by the code of any bet of its round."""

    def round_of(self, asked: Asked) -> Round:
        round = super().round_of(asked)
        coded = tuple(bet for bet in round.bets if bet.bonus_code)
        is_fresh_win = isinstance(asked, Credit) and asked.kind == "result" and not self.recorded(asked)
        return replace(round, bets=coded[:1]) if is_fresh_win and coded else round


@caught_by("jackpots totals and promotions do not look at rounds", among_others=True)
class JackpotsLookAtRounds(Rival):
    """Refuses a jackpot of a round that was refunded."""

    def check_round(self, win: Credit) -> None:
        if win.kind == "jackpot" and self.rounds.get((win.player, *win.content[:2]), Round()).refunded:  # pyright: ignore[reportCallIssue, reportArgumentType]
            raise Refused(61, "the round was refunded")
        super().check_round(win)


# --- Balance, check and the end of a round ----------------------------------------------------------


@caught_by("a check is answered by error and description alone", among_others=True)
class CheckWithBalances(Rival):
    """Answers a check as it answers a balance."""

    def answer_visit(self, visit: Visit, *, as_text: bool = True) -> Answer:
        return super().answer_visit(replace(visit, call="balance"), as_text=as_text)


@caught_by("a balance is text", among_others=True)
class BalanceInNumbers(Rival):
    """Answers a call without an amount in numbers."""

    def answer_visit(self, visit: Visit, *, as_text: bool = True) -> Answer:
        answer = super().answer_visit(visit, as_text=as_text)
        wallet = self.wallets[visit.player]
        return replace(answer, body=answer.body.replace(self.balances(wallet), self.balances(wallet, as_text=False)))


@caught_by("an end of round may come again", "a win and a bet after the end of their round are taken as ever")
class EndsOnce(Rival):
    """Refuses the second end of a round."""

    def visit(self, visit: Visit) -> None:
        if visit.round and self.round_of(visit).ended:
            raise Refused(61, "the round has ended")
        super().visit(visit)


@caught_by(
    "an end of round of an unknown player is refused with 62",
    "a balance of an unknown player is refused with 62",
    "a check of an unknown player is refused with 62",
    among_others=True,
)
class AnybodyAsks(Rival):
    """Answers for a player whom it does not know."""

    def visit(self, visit: Visit) -> None:
        self.wallets.setdefault(visit.player, Wallet(visit.currency or "USD", Fraction(0), Fraction(0)))
        super().visit(visit)


@caught_by(
    "a balance in another currency is refused with 52",
    "a check in another currency is refused with 52",
    "an end of round in another currency is refused with 52",
    among_others=True,
)
class AnyCurrencyAsks(Rival):
    """Does not look at the currency of a call that moves no money."""

    def visit(self, visit: Visit) -> None:
        super().visit(replace(visit, currency=None))

"""The story: who plays what and wins what, and how its callbacks are told. The same seed tells the same story.

Players come and go in sessions. A session is one game, round after round, until the player has enough. Now and then
free rounds are granted, a round is left open, a jackpot falls, a prize is won; campaigns end. Some free rounds and
totals are delivered late, and keep the timestamp of their play. A whole round begins with its bets, and what follows
them is only sent if one was taken; a bet that fails is cancelled.
"""

import hashlib
import heapq
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count
from typing import Literal, get_args

from tools.provider.answers import NOT_ENOUGH, SUCCESS
from tools.provider.simulate.money import PAYS, Pays, Purse

CallbackName = Literal["result", "jackpot", "bonus", "promo", "bet", "cancel", "endround", "balance", "check"]
WinPage = Literal["result", "auto-closing", "jackpot-win", "bonus-win", "promo-win"]
PageName = Literal[WinPage, "balance", "check", "bet", "cancel", "refund", "end-round"]
WIN_PAGES: tuple[WinPage, ...] = get_args(WinPage)
PAGES: tuple[PageName, ...] = (*WIN_PAGES, "balance", "check", "bet", "cancel", "refund", "end-round")

GAMES = ("tumblefortune", "dragonpearl", "fruitparade", "goldrush", "pharaohsgate", "luckyseven", "wildmustang")
PRIZES_AT_A_CAMPAIGNS_END = 3
CAMPAIGN_SECONDS = 20.0
LATE, LATE_SECONDS = 0.2, (2.0, 12.0)  # of free rounds and of their totals, and how long after they were played
TWO_GRANTS = 0.3  # of grants: a second one is open at the same time, under the same code
CLOSED_AGAIN = 0.05  # of free rounds: the provider closes them although they were answered
LAST_ROUND_NAMED = 0.4  # of totals
ROUND_SECONDS = 1.5  # from one free round to the next, and from a round to its jackpot's callback at the most
SPIN_SECONDS = (0.1, 1.2)  # from the last bet of a round to its result, beside that
BETS_APART = (0.1, 0.5)  # seconds
OVER_ANY_BALANCE = 10_000_000  # stakes
CODE_LEFT_OUT = 0.1  # of free rounds whose bet names the code: their results do not
CANCELLED = 53  # what a late copy of a cancelled bet is refused with


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    user_id: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedCredit:
    """What the provider considers owed: a row of its report. `currency` is empty where the callback carries none.

    A bet has what was staked, and a cancel what its bet had, under the bet's reference. `unsaid_code` is the code of a
    free round whose result leaves it out: the wallet knows it by the bet.
    """

    callback: CallbackName
    reference: str
    user_id: str
    currency: str
    amount: Decimal
    round_id: str = ""
    game_id: str = ""
    bonus_code: str = ""
    unsaid_code: str = ""

    @property
    def id(self) -> str:
        return f"{self.callback}#{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One callback, before it is put into words. `at` is in seconds of the run; `late` of them it was played before.

    It is sent after those numbered `after` are settled. `cut_after` is when the provider hangs up on the first
    delivery; `is_given_up` says that it believes the round open then, and does not send again until it closes it.
    `is_told` says that its credits are in the report already: they are sent once more by another way.

    With `needs`, bets by their numbers, it is only sent if one of them was taken. `if_failed` is sent after a bet that
    failed, one after the other. `fine` are the codes that are right for it.
    """

    number: int
    at: float
    page: PageName
    credits: tuple[OwedCredit, ...]
    facts: Mapping[str, str] = field(default_factory=dict)  # of the session, the jackpot, the campaign
    after: tuple[int, ...] = ()
    currency: str = ""  # the wallet's
    late: float = 0.0
    copies: int = 1
    cut_after: float | None = None
    is_given_up: bool = False
    is_told: bool = False
    needs: tuple[int, ...] = ()
    if_failed: "tuple[Callback, ...]" = ()
    fine: frozenset[int] = frozenset({SUCCESS})

    @property
    def name(self) -> CallbackName:
        return self.credits[0].callback

    @property
    def played_at(self) -> float:
        return self.at - self.late


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundOdds:
    """How often things happen to whole rounds.

    Parts of all ordinary rounds: with several bets, with several results, with a bet over the balance, refunded, left
    open for good, ended by a call. Parts of all bets: lost on every delivery, and of those, delivered late after their
    cancel. `asked` is the part of all rounds before which the balance is asked for.
    """

    several_bets: float = 0.15
    several_results: float = 0.1
    over_the_balance: float = 0.01
    refunded: float = 0.02
    left_open: float = 0.01
    ended: float = 0.5
    bet_lost: float = 0.03
    delivered_late: float = 0.5
    asked: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """How often things happen. `happens` weighs what a player may do next: play a round, win a prize with it, leave it
    open, win a jackpot with it, be granted free rounds, be granted free rounds of which only the total is sent.

    `answer_lost` and `duplicated` are parts of all callbacks. Without `rounds` there are wins alone.
    """

    happens: tuple[int, int, int, int, int, int] = (925, 25, 15, 5, 15, 15)
    answer_lost: float = 0.04
    duplicated: float = 0.03
    pays: Pays = PAYS
    rounds: RoundOdds | None = None


ORDINARY = Odds()
WHOLE_ROUNDS = Odds(rounds=RoundOdds())
CALLS_A_ROUND = 3.0  # that are sent, with the usual odds


def story(
    *,
    seed: int,
    players: Sequence[Player],
    seconds: float,
    rate: float,
    day_seconds: float,
    odds: Odds = ORDINARY,
) -> Iterator[Callback]:
    """The callbacks of so many seconds in the order of `at`, about `rate` a second. 24 hours take `day_seconds`.

    Rounds that are open at the end are closed after it. A player who is named twice plays twice as much.
    """
    return _Writer(seed, players, seconds, rate, day_seconds, odds).tell()


@dataclass(slots=True)
class _Grant:
    """Free rounds that are being played. Two of them may share a code."""

    code: str
    rounds_left: int
    rounds: list[int] = field(default_factory=list)  # the numbers of the callbacks that are not late
    won: Decimal = Decimal(0)
    last_round: str = ""


@dataclass(frozen=True, slots=True)
class _Bets:
    """A round's bets: the numbers of their callbacks, what was staked, and when its result may come."""

    until: float
    numbers: tuple[int, ...] = ()
    stakes: tuple[OwedCredit, ...] = ()


@dataclass(slots=True)
class _Session:
    player: Player
    purse: Purse
    stakes: int
    game: int
    rounds_left: int
    session_id: str
    token: str
    platform: str
    grants: list[_Grant] = field(default_factory=list)
    is_open: bool = False

    @property
    def game_id(self) -> str:
        return f"Im_{self.game}_{GAMES[self.game % len(GAMES)]}"


class _Writer:
    def __init__(
        self, seed: int, players: Sequence[Player], seconds: float, rate: float, day_seconds: float, odds: Odds
    ) -> None:
        who = " ".join(f"{player.user_id}={player.currency}" for player in players)
        # Whatever changes the story changes its references: one reference must never name two contents.
        name = f"{seed} {seconds} {rate} {day_seconds} {who}" + ("" if odds == ORDINARY else f" {odds}")
        self._prefix = hashlib.sha256(name.encode()).hexdigest()[:10]
        self._random = random.Random(f"story {name}")  # noqa: S311 - it must be repeatable
        self._players = players
        self._odds = odds
        self._seconds, self._day_seconds = seconds, day_seconds
        self._rate = rate / CALLS_A_ROUND if odds.rounds else rate
        self._sessions: dict[str, _Session] = {}
        self._numbers = count(1)
        self._names = count(1)
        self._due: list[tuple[float, int, Callback]] = []
        self._won: Counter[str] = Counter()  # stakes won in the running campaign, by player
        self._campaign = 1

    def tell(self) -> Iterator[Callback]:
        at, campaign_ends = 0.0, CAMPAIGN_SECONDS
        while (at := at + self._random.expovariate(self._rate)) < self._seconds:
            if at > campaign_ends:
                self._end_campaign(campaign_ends)
                campaign_ends += CAMPAIGN_SECONDS
            self._play(at, self._session_of(self._random.choice(self._players)))
            yield from self._until(at)
        # What was begun is told to its end: the free rounds' totals, the last campaign.
        for session in [*self._sessions.values()]:
            for grant in [grant for grant in session.grants if grant.last_round]:
                self._end_free_rounds(self._seconds, session, grant)
        self._end_campaign(self._seconds)
        yield from self._until(float("inf"))

    def _until(self, at: float) -> Iterator[Callback]:
        while self._due and self._due[0][0] <= at:
            yield heapq.heappop(self._due)[2]

    def _session_of(self, player: Player) -> _Session:
        session = self._sessions.get(player.user_id)
        if session is None or (session.rounds_left <= 0 and not session.grants):
            session = self._sessions[player.user_id] = _Session(
                player=player,
                purse=Purse(player.currency, self._odds.pays),
                stakes=self._random.choice([1, 1, 1, 2, 2, 5, 10]),
                game=self._random.randint(1, 60),
                rounds_left=1 + int(self._random.expovariate(1 / 25)),
                session_id=self._name("s"),
                token=self._name("t"),
                platform=self._random.choice(["WEB", "MOBILE"]),
            )
        return session

    # --- What happens in a round --------------------------------------------------------------------

    def _play(self, at: float, session: _Session) -> None:
        session.rounds_left -= 1
        if self._odds.rounds and not session.is_open:
            session.is_open = True
            self._ask("check", at, session)
            self._ask("balance", at, session)
        if session.grants:
            self._play_free_round(at, session)
            return
        happens = self._random.choices(
            [self._play_round, self._win_prize, self._leave_open, self._win_jackpot, self._grant, self._grant_silent],
            self._odds.happens,
        )[0]
        happens(at, session)

    def _play_round(self, at: float, session: _Session) -> None:
        credit = self._credit_of_round(session)
        bets = self._bet(at, session, credit)
        if not self._undo_or_leave(session, bets, credit):
            self._result(bets, session, credit)

    def _play_free_round(self, at: float, session: _Session) -> None:
        grant = self._random.choice(session.grants)
        credit = replace(self._credit_of_round(session), bonus_code=grant.code)
        bets = self._bet(at, session, credit)
        said = credit
        if bets.numbers and self._random.random() < CODE_LEFT_OUT:
            said = replace(credit, bonus_code="", unsaid_code=grant.code)
        late = self._lateness()
        number = self._result(bets, session, said, facts={"details": "freespin"}, late=late)
        if not late:
            grant.rounds.append(number)
        if self._random.random() < CLOSED_AGAIN:
            # The page of auto closing knows no bonus code: it is a replay that leaves one out.
            closing, day = replace(credit, bonus_code=""), bets.until + late + self._day_seconds
            self._tell("auto-closing", day, session, closing, after=(number,), needs=bets.numbers, is_told=True)
        grant.won += credit.amount
        grant.last_round = credit.round_id
        grant.rounds_left -= 1
        if grant.rounds_left == 0:
            self._end_free_rounds(at, session, grant)

    def _end_free_rounds(self, at: float, session: _Session, grant: _Grant) -> None:
        """The total of the rounds that are told one by one, after those that are not late: it pays the others."""
        session.grants.remove(grant)
        last_round = grant.last_round if self._random.random() < LAST_ROUND_NAMED else ""
        credit = self._credit("bonus", session, grant.won, bonus_code=grant.code, round_id=last_round)
        late = self._lateness()
        self._tell("bonus-win", at + ROUND_SECONDS, session, credit, after=tuple(grant.rounds), late=late)

    def _lateness(self) -> float:
        return self._random.uniform(*LATE_SECONDS) if self._random.random() < LATE else 0.0

    def _grant(self, at: float, session: _Session) -> None:
        """Free rounds whose results are sent one by one, then their total; now and then twice under one code."""
        code = self._name("frb")
        for _ in range(2 if self._random.random() < TWO_GRANTS else 1):
            session.grants.append(_Grant(code, self._random.randint(3, 10)))
        self._play_free_round(at, session)

    def _grant_silent(self, at: float, session: _Session) -> None:
        """Free rounds of which only the total is sent; now and then without the bonus's code, as the page shows it."""
        rounds = self._random.randint(3, 10)
        total = sum((session.purse.win(self._random, session.stakes) for _ in range(rounds)), Decimal(0))
        code = self._name("frb") if self._random.random() < 0.7 else ""
        credit = self._credit("bonus", session, session.purse.exactly(total), bonus_code=code)
        self._tell("bonus-win", min(at + rounds * ROUND_SECONDS, self._seconds), session, credit)

    def _leave_open(self, at: float, session: _Session) -> None:
        """The player is gone before the result is seen: the round is closed automatically when 24 hours are over.

        In half of the cases its own result was sent, and the connection lost: both have the same reference.
        """
        credit = self._credit_of_round(session)
        bets = self._bet(at, session, credit)
        day = bets.until + self._day_seconds
        if self._random.random() < 0.5:
            cut_after = self._random.choice([0.001, 0.005, 0.05])
            first = self._result(bets, session, credit, cut_after=cut_after, is_given_up=True)
            self._tell("auto-closing", day, session, credit, after=(first,), needs=bets.numbers, is_told=True)
        else:
            self._tell("auto-closing", day, session, credit, after=bets.numbers, needs=bets.numbers)
        session.rounds_left = 0

    def _win_jackpot(self, at: float, session: _Session) -> None:
        """A round that also wins a jackpot, of which a callback of its own tells a little later."""
        credit = self._credit_of_round(session)
        bets = self._bet(at, session, credit)
        result = self._result(bets, session, credit)
        tier = self._random.choice(["mini", "mini", "mini", "minor", "minor", "major", "grand"])
        stakes = {"mini": 50, "minor": 400, "major": 5_000, "grand": 100_000}[tier]
        won = session.purse.exactly(session.purse.stake * stakes * Decimal(1 + self._random.random()))
        jackpot = self._credit("jackpot", session, won, round_id=credit.round_id)
        facts = {"jackpotId": f"{500 + session.game}", "tier": tier}
        later = bets.until + self._random.uniform(0.1, ROUND_SECONDS)
        after = (result,) if bets.numbers else ()
        self._tell("jackpot-win", later, session, jackpot, facts=facts, after=after, needs=bets.numbers)

    def _win_prize(self, at: float, session: _Session) -> None:
        """A result with a promotion's prize; one in three is told again when its campaign is settled."""
        credit = self._credit_of_round(session)
        prize = self._prize(session, self._random.choice([2, 5, 10, 25]))
        facts = {"campaignId": f"c-{self._campaign}", "campaignType": "T"}
        bets = self._bet(at, session, credit)
        result = self._result(bets, session, credit, prize, facts=facts)
        if self._random.random() < 1 / 3:
            again = min(at + self._random.uniform(0.0, CAMPAIGN_SECONDS), self._seconds)
            self._tell(
                "promo-win", again, session, prize, facts=facts, after=(result,), needs=bets.numbers, is_told=True
            )

    def _end_campaign(self, at: float) -> None:
        """The best players of the campaign get its prizes."""
        best = self._won.most_common(PRIZES_AT_A_CAMPAIGNS_END)
        for (user_id, _), stakes in zip(best, (500, 200, 100), strict=False):
            session = self._sessions[user_id]
            facts = {"campaignId": f"c-{self._campaign}", "campaignType": "T"}
            self._tell("promo-win", at, session, self._prize(session, stakes), facts=facts)
        self._won.clear()
        self._campaign += 1

    # --- Bets and their ends ------------------------------------------------------------------------

    def _bet(self, at: float, session: _Session, round: OwedCredit) -> _Bets:
        """The bets of a round whose result is `round`; none where wins alone are played."""
        if not (odds := self._odds.rounds):
            return _Bets(at)
        if self._random.random() < odds.asked:
            self._ask("balance", at, session)
        if round.bonus_code:
            amounts = [session.purse.exactly(session.purse.stake * self._random.choice([0, session.stakes]))]
        else:
            is_over = self._random.random() < odds.over_the_balance
            stakes = OVER_ANY_BALANCE if is_over else session.stakes
            times = self._random.randint(2, 4) if self._random.random() < odds.several_bets and not is_over else 1
            amounts = [session.purse.exactly(session.purse.stake * stakes)] * times
        numbers, staked = list[int](), list[OwedCredit]()
        for amount in amounts:
            stake = replace(round, callback="bet", reference=self._name(""), amount=amount)
            numbers.append(self._tell_bet(at, session, stake))
            staked.append(stake)
            at += self._random.uniform(*BETS_APART)
        return _Bets(at + self._random.uniform(*SPIN_SECONDS), tuple(numbers), tuple(staked))

    def _tell_bet(self, at: float, session: _Session, stake: OwedCredit) -> int:
        """A bet, and what follows if it fails: its cancel, and now and then the bet itself, which was on its way."""
        odds = self._odds.rounds or RoundOdds()
        is_lost = not stake.bonus_code and self._random.random() < odds.bet_lost
        then = [self._made("cancel", at, session, self._undone(stake))]
        if is_lost and self._random.random() < odds.delivered_late:
            late = self._made("bet", at, session, stake)
            then.append(replace(late, is_told=True, fine=frozenset({CANCELLED, NOT_ENOUGH})))
        return self._tell(
            "bet",
            at,
            session,
            stake,
            cut_after=self._random.choice([0.001, 0.002, 0.005, 0.02]) if is_lost else None,
            is_given_up=is_lost,
            if_failed=tuple(then),
            fine=frozenset({SUCCESS, NOT_ENOUGH}),
        )

    def _undone(self, stake: OwedCredit) -> OwedCredit:
        taken = Decimal(0) if stake.bonus_code else stake.amount
        return replace(stake, callback="cancel", amount=taken)

    def _result(
        self,
        bets: _Bets,
        session: _Session,
        *credits: OwedCredit,
        facts: Mapping[str, str] | None = None,
        late: float = 0.0,
        cut_after: float | None = None,
        is_given_up: bool = False,
    ) -> int:
        """The result of a round, now and then in two, and the round's end; says the first one's number."""
        number = self._tell(
            "result",
            bets.until,
            session,
            *credits,
            facts=facts,
            after=bets.numbers,
            late=late,
            cut_after=cut_after,
            is_given_up=is_given_up,
            needs=bets.numbers,
        )
        if not (odds := self._odds.rounds) or is_given_up:
            return number
        (credit, *_), after = credits, (number,)
        if not (credit.bonus_code or credit.unsaid_code) and self._random.random() < odds.several_results:
            second = replace(credit, reference=self._name(""), amount=session.purse.win(self._random, session.stakes))
            later = bets.until + self._random.uniform(*BETS_APART)
            after = (*after, self._tell("result", later, session, second, after=bets.numbers, needs=bets.numbers))
        if self._random.random() < odds.ended:
            end = self._credit("endround", session, Decimal(0), round_id=credit.round_id)
            self._tell("end-round", bets.until + late + BETS_APART[0], session, end, after=after, needs=bets.numbers)
        return number

    def _undo_or_leave(self, session: _Session, bets: _Bets, round: OwedCredit) -> bool:
        """Whether the round has no result: it is refunded, or left open for good."""
        if not (odds := self._odds.rounds):
            return False
        luck = self._random.random()
        if luck < odds.refunded:
            reference = self._random.choice([bets.stakes[0].reference, self._name("")])
            after, facts, credits = bets.numbers, {"reference": reference}, [*map(self._undone, bets.stakes)]
            for nth in range(2 if self._random.random() < 1 / 3 else 1):
                number = self._tell(
                    "refund", bets.until, session, *credits,
                    facts=facts, after=after, needs=bets.numbers, is_told=nth > 0,
                )  # fmt: skip
                after = (number,)
        return luck < odds.refunded + odds.left_open

    def _ask(self, page: Literal["balance", "check"], at: float, session: _Session) -> None:
        self._tell(page, at, session, self._credit(page, session, Decimal(0)))

    # --- Credits and callbacks ----------------------------------------------------------------------

    def _credit_of_round(self, session: _Session) -> OwedCredit:
        won = session.purse.win(self._random, session.stakes)
        if won:
            self._won[session.player.user_id] += int(1000 * won / session.purse.stake)
        return self._credit("result", session, won, round_id=self._name("r"), currency=session.player.currency)

    def _prize(self, session: _Session, stakes: int) -> OwedCredit:
        won = session.purse.exactly(session.purse.stake * stakes)
        return replace(self._credit("promo", session, won, currency=session.player.currency), game_id="")

    def _credit(
        self,
        callback: CallbackName,
        session: _Session,
        amount: Decimal,
        *,
        round_id: str = "",
        bonus_code: str = "",
        currency: str = "",
    ) -> OwedCredit:
        return OwedCredit(
            callback=callback,
            reference=self._name(""),
            user_id=session.player.user_id,
            currency=currency,
            amount=amount,
            round_id=round_id,
            game_id=session.game_id,
            bonus_code=bonus_code,
        )

    def _tell(
        self,
        page: PageName,
        at: float,
        session: _Session,
        *credits: OwedCredit,
        facts: Mapping[str, str] | None = None,
        after: tuple[int, ...] = (),
        late: float = 0.0,
        cut_after: float | None = None,
        is_given_up: bool = False,
        is_told: bool = False,
        needs: tuple[int, ...] = (),
        if_failed: tuple[Callback, ...] = (),
        fine: frozenset[int] = frozenset({SUCCESS}),
    ) -> int:
        """Has what is played then told in its time, and says its number."""
        luck, copies = self._random.random(), 1
        if cut_after is None and luck < self._odds.answer_lost:
            cut_after = self._random.choice([0.001, 0.005, 0.02, 0.08])
        elif cut_after is None and luck < self._odds.answer_lost + self._odds.duplicated:
            copies = self._random.randint(2, 4)
        callback = replace(
            self._made(page, at + late, session, *credits, facts=facts),
            late=late,
            after=after,
            copies=copies,
            cut_after=cut_after,
            is_given_up=is_given_up,
            is_told=is_told,
            needs=needs,
            if_failed=if_failed,
            fine=fine,
        )
        heapq.heappush(self._due, (callback.at, callback.number, callback))
        return callback.number

    def _made(
        self,
        page: PageName,
        at: float,
        session: _Session,
        *credits: OwedCredit,
        facts: Mapping[str, str] | None = None,
    ) -> Callback:
        return Callback(
            number=next(self._numbers),
            at=at,
            page=page,
            credits=credits,
            currency=session.player.currency,
            facts={
                "sessionId": session.session_id,
                "token": session.token,
                "platform": session.platform,
                "gameName": GAMES[session.game % len(GAMES)],
                **(facts or {}),
            },
        )

    def _name(self, prefix: str) -> str:
        """A name of this story alone; a reference has 24 hexadecimal digits, as the pages' has."""
        digits = f"{self._prefix}{next(self._names):08x}{self._random.getrandbits(24):06x}"
        return f"{prefix}-{digits}" if prefix else digits

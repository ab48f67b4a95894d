"""A round: one play of a game, with the bets that are live in it, and what it may still take, win or pay back.

Only rules, each about the round as it was read. Nothing here knows wallets, or how a round is kept.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from wallet import money
from wallet.errors import Conflict, NotAllowed

RoundPart = Literal["none", "bet", "reversal", "result"]  # what a movement is to its round

MOST_BETS = 40  # live at one time: a refund pays all of them back in one transaction, which has 100 actions at the most


@dataclass(frozen=True, slots=True, kw_only=True)
class Bet:
    """A live bet: taken, and not paid back. `taken` is zero for a free round, and never below."""

    reference: str
    taken: Decimal
    bonus_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What is known of one round of a player.

    `bets` are the live ones, in the order they came. `had_bet`: one was taken, or was cancelled before it came by a
    cancel that named the round. `had_refused_bet`: the player had not enough for one. `winnings` are the results as
    the provider asked for them, to 38 digits. `refunded_elsewhere`: a person has booked the refund elsewhere.
    `open_since` is since when a live bet has waited for a result (ISO 8601), also if the first one was cancelled
    meanwhile.
    """

    game_id: str
    round_id: str
    bets: tuple[Bet, ...] = ()
    had_bet: bool = False
    had_refused_bet: bool = False
    has_result: bool = False
    winnings: Decimal = Decimal(0)
    refunded: bool = False
    refunded_elsewhere: bool = False
    ended: bool = False
    open_since: str | None = None

    @classmethod
    def at(cls, place: tuple[str, str]) -> "Round":
        """One that nothing is known of, by its game and its id."""
        game_id, round_id = place
        return cls(game_id=game_id, round_id=round_id)

    @property
    def is_open(self) -> bool:
        """Whether a live bet waits for a result."""
        return bool(self.bets) and not self.has_result

    @property
    def bonus_code(self) -> str | None:
        """The one bonus code that all live bets carry, if they do."""
        codes = {bet.bonus_code for bet in self.bets}
        return codes.pop() if len(codes) == 1 else None

    def bet(self, reference: str) -> Bet | None:
        """The live bet with that reference."""
        return next((bet for bet in self.bets if bet.reference == reference), None)

    def with_bet(self, bet: Bet) -> "Round":
        """After another bet. Raises NotAllowed. A bet after the round's end is taken."""
        if self.refunded:
            raise NotAllowed("The round was refunded")
        if len(self.bets) >= MOST_BETS:
            raise NotAllowed("The round has too many bets")
        return replace(self, bets=(*self.bets, bet), had_bet=True)

    def with_result(self, amount: Decimal, *, by_hand: bool) -> "Round":
        """After a result. Raises Conflict if nobody may have won; a person may decide otherwise."""
        is_won = amount > 0 and not by_hand
        if is_won and self.refunded:
            raise Conflict(("roundId",), "The round was refunded")
        if is_won and self.had_bet and not self.bets:
            raise Conflict(("roundId",), "Every bet of the round was cancelled")
        return replace(self, has_result=True, winnings=money.add_rounding_down(self.winnings, amount))

    def without(self, *references: str) -> "Round":
        """After those bets were paid back."""
        return replace(self, bets=tuple(bet for bet in self.bets if bet.reference not in references))

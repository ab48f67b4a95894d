"""Every way in which the provider says that a player has won, and what the wallet owes for it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from conftest import published
from contract import Contract, Wallet, written

Body = dict[str, Any]
FreeRounds = tuple[Decimal, Decimal]  # what no total has covered, and what totals were paid in advance
CODE = "FREE-10"


@dataclass(frozen=True)
class Win:
    """A callback to deliver; `before` are those that were paid before it. tests/contract.py says what is owed."""

    callback: str
    body: Body
    before: tuple[tuple[str, Body], ...] = ()

    @property
    def player(self) -> str:
        return self.body["userId"]

    @property
    def owed(self) -> dict[str, Decimal]:
        """What is paid for each transaction's id."""
        contract, _ = self._settled
        return {record.credit.id: Decimal(written(record.paid)) for record in contract.records.values()}

    @property
    def free_rounds(self) -> FreeRounds | None:
        """The count of CODE that its deliveries leave."""
        contract, _ = self._settled
        count = contract.counts.get((self.player, CODE))
        return count and (Decimal(written(count.uncovered)), Decimal(written(count.advance)))

    @property
    def leaves_prize(self) -> bool:
        """Whether a person must decide about its prize."""
        _, left = self._settled
        return left is not None

    @cached_property
    def _settled(self) -> tuple[Contract, int | None]:
        contract, left = Contract(wallets={self.player: Wallet("USD", Fraction(0), Fraction(0))}), None
        for callback, body in (*self.before, (self.callback, self.body)):
            _, left = contract.settle(contract.read_kept(callback, json.dumps(body).encode()))
        return contract, left


def result(player: str) -> Win:
    return Win("result", _body("result", player))


def auto_closing(player: str) -> Win:
    return Win("result", _body("auto_closing", player))


def result_with_a_prize(player: str) -> Win:
    return Win("result", _body("result", player, promoWinAmount="2.50", promoWinReference=f"prize-{player}"))


def free_round(player: str) -> Win:
    return Win("result", _body("result", player, bonusCode=CODE))


def free_rounds_total(player: str) -> Win:
    return Win("bonus", _body("bonus", player, bonusCode=CODE))


def free_rounds_total_after_its_rounds(player: str) -> Win:
    rounds = tuple(
        ("result", _body("result", player, reference=f"{player}-{amount}", amount=f"0.{amount}", bonusCode=CODE))
        for amount in (2, 3)
    )
    return Win("bonus", _body("bonus", player, bonusCode=CODE), before=rounds)


def late_free_round_with_a_prize_in_dispute(player: str) -> Win:
    """Its total has paid it in advance, and its prize is on record with another amount."""
    prize = f"prize-{player}"
    return Win(
        "result",
        _body("result", player, bonusCode=CODE, timestamp="1", promoWinAmount="2.51", promoWinReference=prize),
        before=(
            ("bonus", _body("bonus", player, amount="10.5", bonusCode=CODE, timestamp="2")),
            ("promo", _body("promo", player, reference=prize, amount="2.50")),
        ),
    )


def total_without_a_code(player: str) -> Win:
    return Win("bonus", _body("bonus", player))


def jackpot(player: str) -> Win:
    return Win("jackpot", _body("jackpot", player))


def promo(player: str) -> Win:
    return Win("promo", _body("promo", player))


KINDS: tuple[Callable[[str], Win], ...] = (
    result,
    auto_closing,
    result_with_a_prize,
    free_round,
    free_rounds_total,
    free_rounds_total_after_its_rounds,
    late_free_round_with_a_prize_in_dispute,
    total_without_a_code,
    jackpot,
    promo,
)


def _body(example: str, player: str, **changes: Any) -> Body:
    return published(example, **({"userId": player, "reference": player} | changes))

"""Every way in which the provider says that a player has won, and what the wallet owes for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from conftest import published

Body = dict[str, Any]
FreeRounds = tuple[Decimal, Decimal]  # what no total has covered, and what totals were paid in advance


@dataclass(frozen=True)
class Win:
    """A callback to deliver, and what it must leave on record: what is paid for each transaction's id.

    `before` are the callbacks that were paid before it, with their bodies.
    """

    callback: str
    body: Body
    owed: dict[str, Decimal]
    before: tuple[tuple[str, Body], ...] = ()
    owed_before: dict[str, Decimal] = field(default_factory=dict)
    free_rounds: FreeRounds | None = None  # the count of CODE that its deliveries leave
    leaves_prize: bool = False  # for a person, because it cannot be paid

    @property
    def player(self) -> str:
        return self.body["userId"]


CODE = "FREE-10"


def result(player: str) -> Win:
    return Win("result", _body("result", player), {f"result#{player}": Decimal("10.0")})


def auto_closing(player: str) -> Win:
    return Win("result", _body("auto_closing", player), {f"result#{player}": Decimal("10.0")})


def result_with_a_prize(player: str) -> Win:
    prize = {"promoWinAmount": "2.50", "promoWinReference": f"prize-{player}"}
    return Win(
        "result",
        _body("result", player, **prize),
        {f"result#{player}": Decimal("10.0"), f"promo#prize-{player}": Decimal("2.50")},
    )


def free_round(player: str) -> Win:
    body = _body("result", player, bonusCode=CODE)
    return Win("result", body, {f"result#{player}": Decimal("10.0")}, free_rounds=(Decimal("10.0"), Decimal(0)))


def free_rounds_total(player: str) -> Win:
    body = _body("bonus", player, bonusCode=CODE)
    return Win("bonus", body, {f"bonus#{player}": Decimal("1.0")}, free_rounds=(Decimal(0), Decimal("1.0")))


def free_rounds_total_after_its_rounds(player: str) -> Win:
    rounds = tuple(
        ("result", _body("result", player, reference=f"{player}-{amount}", amount=f"0.{amount}", bonusCode=CODE))
        for amount in (2, 3)
    )
    return Win(
        "bonus",
        _body("bonus", player, bonusCode=CODE),
        {f"bonus#{player}": Decimal("0.5")},
        before=rounds,
        owed_before={f"result#{player}-2": Decimal("0.2"), f"result#{player}-3": Decimal("0.3")},
        free_rounds=(Decimal(0), Decimal("0.5")),
    )


def late_free_round_with_a_prize_in_dispute(player: str) -> Win:
    """Its total has paid it in advance, and its prize is on record with another amount."""
    prize = f"prize-{player}"
    return Win(
        "result",
        _body("result", player, bonusCode=CODE, timestamp="1", promoWinAmount="2.51", promoWinReference=prize),
        {f"result#{player}": Decimal(0)},
        before=(
            ("bonus", _body("bonus", player, amount="10.5", bonusCode=CODE, timestamp="2")),
            ("promo", _body("promo", player, reference=prize, amount="2.50")),
        ),
        owed_before={f"bonus#{player}": Decimal("10.5"), f"promo#{prize}": Decimal("2.50")},
        free_rounds=(Decimal(0), Decimal("0.5")),
        leaves_prize=True,
    )


def total_without_a_code(player: str) -> Win:
    return Win("bonus", _body("bonus", player), {f"bonus#{player}": Decimal("1.0")})


def jackpot(player: str) -> Win:
    return Win("jackpot", _body("jackpot", player), {f"jackpot#{player}": Decimal("55.0")})


def promo(player: str) -> Win:
    return Win("promo", _body("promo", player), {f"promo#{player}": Decimal("500.0")})


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

"""The tree of refusals, and the tree drawn of it."""

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest

from wallet import errors
from wallet.errors import (
    Absent,
    Conflict,
    Frozen,
    InvalidAmount,
    Malformed,
    MethodNotAllowed,
    NoSuchPlayer,
    NotAllowed,
    NotEnough,
    Refusal,
    Unauthorized,
    Unavailable,
    UnknownRound,
    Unreadable,
    WrongCurrency,
)

# The contract's table, by code.
ANSWERS = {
    0: (UnknownRound, 200),
    15: (NotEnough, 200),
    52: (WrongCurrency, 200),
    53: (NotAllowed, 200),
    56: (Frozen, 200),
    57: (Malformed, 400),
    59: (InvalidAmount, 400),
    61: (Conflict, 200),
    62: (NoSuchPlayer, 200),
    64: (Absent, 400),
    99: (Unreadable, 400),
    401: (Unauthorized, 401),
    405: (MethodNotAllowed, 405),
    998: (Unavailable, 503),
}  # 404 is API Gateway's alone: a function is not called for a path that does not exist

ONE_OF_EACH = [
    MethodNotAllowed(),
    Unauthorized(),
    Unreadable("has a key twice"),
    Absent("userId"),
    InvalidAmount("amount"),
    Malformed("roundId"),
    Conflict(("amount",)),
    NoSuchPlayer("421"),
    WrongCurrency("USD"),
    Frozen(),
    NotAllowed("The bet was cancelled"),
    UnknownRound(),
    NotEnough("USD", Decimal(1), Decimal(0)),
    Unavailable("the database at 10.0.0.1 is throttled"),
]


def subclasses(refusal: type[Refusal]) -> Iterator[type[Refusal]]:
    for subclass in refusal.__subclasses__():
        if subclass.__module__ == errors.__name__:
            yield subclass
            yield from subclasses(subclass)


def test_every_code_of_the_contract_has_its_class_and_its_http_status() -> None:
    assert {each.code: (each, each.http_status) for each in subclasses(Refusal)} == ANSWERS


def test_no_code_has_two_classes() -> None:
    assert len(list(subclasses(Refusal))) == len(ANSWERS)


def test_999_is_never_answered() -> None:
    # It tells the provider to give up, and the player's win is lost.
    assert all(each.code != 999 for each in subclasses(Refusal))


def test_only_what_a_retransmission_mends_makes_the_provider_send_again() -> None:
    assert [each for each in subclasses(Refusal) if each.http_status >= 500] == [Unavailable]


def test_what_is_admitted_and_refused_is_owed_and_a_retry_may_credit_what_may_pass() -> None:
    assert {each for each in subclasses(Refusal) if not each.is_owed} == {
        MethodNotAllowed,
        Unauthorized,
        Unreadable,
        Frozen,
        NotAllowed,
        NotEnough,
        UnknownRound,
    }
    assert {each for each in subclasses(Refusal) if each.may_pass} == {NoSuchPlayer, Unavailable}


def test_the_tree_that_is_drawn_is_the_tree() -> None:
    drawn = re.findall(r"[├└]── (\w+) +(\d+)  HTTP (\d+)  \S", errors.__doc__ or "")

    defined = [each for name, each in vars(errors).items() if isinstance(each, type) and each in ANSWERED]
    assert [(name, int(code), int(status)) for name, code, status in drawn] == [
        (each.__name__, each.code, each.http_status) for each in defined
    ]


ANSWERED = {refusal for refusal, _ in ANSWERS.values()}


@pytest.mark.parametrize("refusal", ONE_OF_EACH, ids=lambda refusal: type(refusal).__name__)
def test_a_refusal_has_a_description_for_the_provider(refusal: Refusal) -> None:
    description = str(refusal)

    assert description
    assert description.isprintable()
    assert len(description) <= 100


def test_every_refusal_is_looked_at_here() -> None:
    assert {type(each) for each in ONE_OF_EACH} == ANSWERED


def test_a_description_names_the_field_where_there_is_one() -> None:
    assert "userId" in str(Absent("userId"))
    assert "amount" in str(InvalidAmount("amount"))
    assert "roundId" in str(Malformed("roundId"))


def test_a_description_tells_no_value_and_no_inside() -> None:
    assert "421" not in str(NoSuchPlayer("421"))
    assert "USD" not in str(WrongCurrency("USD"))
    assert "10.0.0.1" not in str(Unavailable("the database at 10.0.0.1 is throttled"))
    assert Unavailable("the database at 10.0.0.1 is throttled").reason.endswith("throttled")

"""Result and auto closing, through the function's handler."""

from conftest import Operator, published


def test_a_win_is_credited_and_answered_with_the_balance(operator: Operator) -> None:
    reply = operator.send("result", published("result"))

    assert reply.status == 200
    assert reply.json["cash"] == "99899.99"

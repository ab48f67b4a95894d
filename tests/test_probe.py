"""`make probe` and `make deploy-local`: each call that a stack serves is answered with success."""

from conftest import Operator
from tools.local.deploy.examples import OUTPUTS, OUTPUTS_OF_BETS, example, rounds
from tools.local.deploy.probe import probe, show

FUNCTIONS = {"auto_closing": "result", "refund": "cancel", "check": "balance"}
ALL = OUTPUTS | OUTPUTS_OF_BETS


def probed(operator: Operator, served: dict[str, str]) -> dict[str, int | None]:
    """What each call is answered by a stack that serves these."""
    outputs = {output: f"https://wallet.example/live{example(name).path}" for name, output in served.items()}
    by_path = {example(name).path: FUNCTIONS.get(name, name) for name in served}

    def call(url: str, body: str) -> tuple[int, str]:
        path = url.removeprefix("https://wallet.example/live").partition("?")[0]
        reply = operator.send(by_path[path], body, path=path)
        return reply.status, reply.text

    found = probe(call, outputs, {}, "check", "EUR")
    assert show(found)
    return {each.callback: each.answer.error for each in found}


def test_every_call_is_probed_and_nothing_is_moved_or_left(operator: Operator) -> None:
    operator.open_wallet("check", currency="EUR", cash="0", bonus="0")

    answers = [probed(operator, ALL) for _ in range(2)]

    assert answers == [dict.fromkeys(ALL.keys() - {"auto_closing"}, 0)] * 2
    assert operator.wallet("check")["cash"] == 0
    assert all("openSince" not in each and not each.get("bets") for each in operator.items("Rounds"))
    assert operator.messages("CancelDeadLetters") == operator.messages("ResultDeadLetters") == []


def test_a_stack_of_wins_alone_is_probed_for_these(operator: Operator) -> None:
    operator.open_wallet("check", currency="EUR", cash="0", bonus="0")

    assert probed(operator, OUTPUTS) == dict.fromkeys(("result", "jackpot", "bonus", "promo"), 0)


def test_each_example_of_a_rehearsal_is_answered_with_success(operator: Operator) -> None:
    answers = [operator.send(FUNCTIONS.get(each.name, each.name), each.body, path=each.path).json for each in rounds()]

    assert [answer["error"] for answer in answers] == [0] * 13
    assert {each.name for each in rounds()} == ALL.keys()

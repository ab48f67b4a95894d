"""The right operator passes, and every wrong one is caught by the case that is about its mistake."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from contract import Record, Refused, Wallet
from tools.provider.answers import Answer
from tools.provider.certify import footprint
from tools.provider.certify.cases import CASES
from tools.provider.certify.catalogue import BEYOND_WINS, GROUPS, Case, chosen
from tools.provider.certify.provider import OWN_PATHS
from tools.provider.certify.run import Certification, CertifySettings, run
from tools.provider.secret import Secret
from tools.provider.sending import Send
from tools.shared.trouble import Trouble

from .rival import Rival
from .wrong import WRONG, CountWithoutAdvance, NoBonusCounted, NoBonusShown, Wrong, ZeroRefused
from .wrong_bets import DoubleReversal

SECRET = Secret(hash_secret="shared by both", auth_token="one/of&these=")
BY_NAME = {case.name: case for case in CASES}


def certified(
    operator: Rival, cases: Sequence[Case] = CASES, secret: Secret = SECRET, *, large_amounts: bool = False
) -> Certification:
    settings = CertifySettings(
        url="http://operator",
        player_id="421",
        other_player_id="422",
        frozen_player_id="423",
        secret=secret,
        paths=OWN_PATHS,
        run_id="test",
        large_amounts=large_amounts,
    )
    certification = Certification(settings=settings, cases=cases)
    asyncio.run(run(certification, way=within(operator)))
    return certification


@asynccontextmanager
async def within(operator: Rival) -> AsyncIterator[Send]:
    """A way to an operator in this process, without HTTP: a library for that took half the time of these tests."""

    async def send(
        url: str, body: str | bytes, *, method: str = "POST", content_type: str = "application/json"
    ) -> Answer:
        async def receive() -> Message:
            return {"type": "http.request", "body": body.encode() if isinstance(body, str) else body}

        asked = urlsplit(url)
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(asked.path),
            "query_string": asked.query.encode(),
            "headers": [(b"content-type", content_type.encode())],
        }
        reply = await operator.answer(Request(scope, receive))
        return Answer(status=reply.status_code, text=bytes(reply.body).decode(), headers=tuple(reply.headers.items()))

    yield send


def locked(operator: type[Rival]) -> Rival:
    return operator(hash_secrets=(SECRET.hash_secret or "",), auth_tokens=(SECRET.auth_token or "",))


def names_of(certification: Certification) -> set[str]:
    return {outcome.case.name for outcome in certification.failed}


def test_there_are_many_cases_and_none_has_the_name_of_another() -> None:
    assert len(CASES) >= 300
    assert len(BY_NAME) == len(CASES)
    assert tuple(dict.fromkeys(case.group for case in CASES)) == GROUPS


def assert_footprint(certification: Certification) -> None:
    """Each case left what footprint.json says: what a run says before it starts is the sum of that."""
    known = footprint.measured()
    assert known.keys() == BY_NAME.keys(), AGAIN
    for outcome in certification.outcomes:
        if outcome.verdict == "not tried":
            assert known[outcome.case.name].needs == outcome.why, AGAIN
        else:
            assert known[outcome.case.name].left == footprint.left_by(outcome.exchanges), (
                f"{outcome.case.name}: {AGAIN}"
            )


AGAIN = "measure it again: PYTHONPATH=tests:layers/common .venv/bin/python -m certify.measure"


def test_a_right_operator_passes_every_case_without_a_secret() -> None:
    operator = Rival()
    certification = certified(operator, secret=Secret(), large_amounts=True)

    assert not certification.failed
    assert not [round for round in operator.rounds.values() if round.is_open]  # an operator watches for those
    not_tried = {outcome.case.group for outcome in certification.outcomes if outcome.verdict == "not tried"}
    assert not_tried == {"trust", "balance"}
    assert_footprint(certification)
    assert not certification.moved_between


def test_a_right_operator_passes_every_case_with_a_secret() -> None:
    certification = certified(locked(Rival), large_amounts=True)

    assert not certification.failed
    assert_footprint(certification)
    not_tried = [outcome.case.name for outcome in certification.outcomes if outcome.verdict == "not tried"]
    assert not_tried == [
        "jackpot and bonus may be identified by a uuid",
        "a jackpot or total without hash and uuid is refused with 64",
    ]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.operator.__name__)
def test_a_wrong_operator_is_caught_by_its_case(wrong: Wrong) -> None:
    groups = {BY_NAME[name].group for name in wrong.caught_by}
    chosen = wrong.caught_by if wrong.among_others else {case.name for case in CASES if case.group in groups}
    cases = [case for case in CASES if case.name in chosen]

    certification = certified(locked(wrong.operator), cases, large_amounts=wrong.large_amounts)

    assert names_of(certification) == wrong.caught_by


def test_an_operator_without_the_other_calls_is_certified_for_the_wins_alone() -> None:
    wins = chosen(CASES, [], [], None, wins_only=True)
    certification = certified(Rival(wins_only=True), wins, secret=Secret(), large_amounts=True)

    assert not certification.failed
    assert {outcome.case.group for outcome in certification.outcomes} == {*GROUPS} - BEYOND_WINS
    assert len(CASES) - len(wins) >= 60


def test_a_play_that_fails_names_the_request_that_was_answered_wrongly() -> None:
    (failed,) = certified(DoubleReversal(), [BY_NAME["a cancel sent twice pays its bet back once"]]).failed

    assert failed.expected == "an answer with cash 99890.19, to request 3, the cancel"
    assert failed.got == "cash 99890.22"


def test_a_failed_schedule_names_the_delivery_that_was_paid_wrongly() -> None:
    (failed,) = certified(CountWithoutAdvance(), [BY_NAME["a round after its total is not paid again"]]).failed

    assert failed.expected == "an answer with cash 99890.09 after delivery 4, the round of 0.05"
    assert failed.got == "cash 99890.14"


def test_every_group_catches_somebody() -> None:
    assert {BY_NAME[name].group for wrong in WRONG for name in wrong.caught_by} == set(GROUPS)


class ByThePagesAlone(NoBonusShown, NoBonusCounted):
    """Does what the pages demand, and otherwise as it pleases: its codes, statuses and answers are its own."""

    def is_replay(self, credit: object, record: object) -> bool:
        return True

    def refusal(self, refused: Refused) -> Response:
        return super().refusal(Refused(1000 + refused.error, "no", 200))

    def success(self, first: Record, wallet: Wallet, *, as_text: bool) -> str:
        return super().success(first, wallet, as_text=False).replace('"error": 0', '"error": "0"')


def test_what_the_pages_leave_open_fails_no_case_of_theirs() -> None:
    by_pages = [case for case in CASES if case.source.origin == "page"]
    certification = certified(ByThePagesAlone(), by_pages, secret=Secret())

    assert len(by_pages) > 40
    assert not certification.failed


def test_an_operator_that_refuses_a_win_of_nothing_is_certified_all_the_same() -> None:
    certification = certified(ZeroRefused(), [case for case in CASES if case.group == "idempotency"], secret=Secret())

    assert not certification.failed


class LosesItsWay(Rival):
    """Fails with every fifth callback, before it has moved anything; a retransmission finds it well."""

    calls = 0

    async def settled(self, request: object) -> str:
        self.calls += 1
        if self.calls % 5 == 0:
            raise Refused(998, "not now", 503)
        return await super().settled(request)  # pyright: ignore[reportArgumentType]


def test_an_operator_that_asks_to_send_again_is_sent_it_again() -> None:
    certification = certified(LosesItsWay(), [case for case in CASES if case.group == "credit"], secret=Secret())

    assert not certification.failed
    assert certification.refusals[998] > 5


class Shared(Rival):
    """Has another customer, who plays with the same wallet: a win before each case."""

    case = b""

    async def settled(self, request: Request) -> str:
        case = b"".join(re.findall(rb"cert-test-\d+", await request.body())[:1])
        if case != self.case:
            self.case = case
            self.wallets["421"] = replace(self.wallets["421"], cash=self.wallets["421"].cash + 1)
        return await super().settled(request)


def test_a_wallet_that_somebody_else_moves_is_noticed() -> None:
    certification = certified(Shared(), [case for case in CASES if case.group == "credit"], secret=Secret())

    assert certification.moved_between
    assert not certification.failed


def test_what_was_credited_is_added_up_from_the_wallet_itself() -> None:
    operator = Rival()
    before = (operator.wallets["421"].cash, operator.wallets["421"].bonus)
    certification = certified(operator, [case for case in CASES if case.group == "free rounds"], secret=Secret())

    credited = certification.credited
    assert credited
    assert credited.cash == operator.wallets["421"].cash - before[0] > 0
    assert credited.bonus == operator.wallets["421"].bonus - before[1] > 0


@pytest.mark.parametrize(
    ("operator", "secret", "said"),
    [
        (Rival(hash_secrets=("h",)), Secret(), "give what it shares with the provider by --secret-file"),
        (Rival(auth_tokens=("t",)), Secret(), "give what it shares with the provider by --secret-file"),
        (Rival(hash_secrets=("h",)), Secret(hash_secret="x"), "does not admit us with this hashSecret"),
        (Rival(auth_tokens=("t",)), Secret(auth_token="x"), "does not admit us with this authToken"),
        (Rival(wallets={}), Secret(), None),
    ],
)
def test_what_makes_every_case_pointless_is_told_in_a_line(operator: Rival, secret: Secret, said: str | None) -> None:
    if said is None:
        operator.wallets.clear()
        said = "has no player 421"
    with pytest.raises(Trouble, match=said) as trouble:
        certified(operator, secret=secret)

    assert "\n" not in str(trouble.value)
    for value in filter(None, (secret.hash_secret, secret.auth_token)):
        assert f" {value} " not in str(trouble.value)

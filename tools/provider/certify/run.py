"""A certification: finds out what the player's wallet has, tries case after case, and adds up what it cost."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from tools.provider.answers import Answer, Balances
from tools.provider.certify import amounts
from tools.provider.certify.catalogue import Case
from tools.provider.certify.footprint import Footprint, left_by
from tools.provider.certify.provider import Examiner, Exchange
from tools.provider.certify.requests import Draft
from tools.provider.certify.trial import NotTried, Players, Trial, Unmet
from tools.provider.paths import Callback
from tools.provider.secret import Secret
from tools.provider.sending import Send, network
from tools.shared.identifiers import is_identifier
from tools.shared.outside import plain
from tools.shared.trouble import Trouble

Verdict: TypeAlias = Literal["passed", "failed", "not tried"]
Advance: TypeAlias = Callable[[Case, Verdict], None]

_SMALLEST = "0.01"  # where a win of nothing is refused
_MOST_OF_AN_ANSWER = 200  # characters, in a line for a person


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifySettings:
    url: str
    player_id: str
    other_player_id: str | None = None
    frozen_player_id: str | None = None
    currency: str | None = None  # None: what the first answer says
    secret: Secret = field(default_factory=Secret)
    paths: Mapping[Callback, str]
    run_id: str
    run_id_was_given: bool = False
    timeout_seconds: float = 10.0
    copies: int = 12
    large_amounts: bool = False
    wins_only: bool = False  # the operator takes no bets by this API: the report says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A case that was tried. `expected` and `got` say why it failed; `why` says why it was not tried."""

    case: Case
    verdict: Verdict
    expected: str = ""
    got: str = ""
    why: str = ""
    seconds: float = 0.0
    exchanges: tuple[Exchange, ...] = ()


@dataclass(kw_only=True)
class Certification:
    """What there is to say about a run, while it runs and afterwards."""

    settings: CertifySettings
    cases: Sequence[Case]
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    player: Players | None = None
    before: Balances | None = None
    after: Balances | None = None
    opening: tuple[Exchange, ...] = ()
    closing: tuple[Exchange, ...] = ()
    outcomes: list[Outcome] = field(default_factory=list)
    cut_short: tuple[Exchange, ...] = ()  # of the case that an interruption ended
    refusals: dict[int, int] = field(default_factory=dict)  # how often which code was answered
    moved_between: list[Case] = field(default_factory=list)  # before these cases the wallet was not left as it was

    def count(self, verdict: Verdict, origin: str | None = None) -> int:
        return sum(
            outcome.verdict == verdict and origin in (None, outcome.case.source.origin) for outcome in self.outcomes
        )

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.verdict == "failed"]

    @property
    def left(self) -> Footprint:
        """What it left behind, by its own requests and their answers."""
        tried = (each for outcome in self.outcomes for each in outcome.exchanges)
        return left_by((*self.opening, *tried, *self.cut_short, *self.closing), self.settings.paths)

    @property
    def credited(self) -> Balances | None:
        """What the wallet has more than before, by its own account."""
        if self.before is None or self.after is None:
            return None
        bonus = None
        if self.before.bonus is not None and self.after.bonus is not None:
            bonus = amounts.minus(self.after.bonus, self.before.bonus)
        return Balances(amounts.minus(self.after.cash, self.before.cash), bonus)


def new_run_id() -> str:
    return secrets.token_hex(4)


async def run(
    certification: Certification,
    advance: Advance = lambda case, verdict: None,
    way: AbstractAsyncContextManager[Send] | None = None,
) -> None:
    """Tries the cases one after the other, and writes down what becomes of them. Raises Trouble if it cannot begin.

    `way` leads to the operator, if that is not the network.
    """
    settings = certification.settings
    started = time.monotonic()
    over = way or network(settings.url, answer_seconds=settings.timeout_seconds, agent="walletctl-certify")
    async with over as send:
        provider = Examiner(url=settings.url, secret=settings.secret, send=send, paths=settings.paths)
        opened = await _open(certification, provider)
        certification.player, certification.before = opened.player, opened.balances
        certification.after = opened.balances
        try:
            for case in certification.cases:
                trial = opened.trial(case.number, provider, settings)
                trial.counts_bonus = case.source.origin == "contract"
                try:
                    outcome = await _outcome(case, trial, provider)
                except BaseException:
                    certification.cut_short = _redacted(trial, provider)
                    raise
                _count(certification, trial, case)
                certification.outcomes.append(outcome)
                advance(case, outcome.verdict)
        finally:
            certification.seconds = time.monotonic() - started
        closing = opened.trial(_CLOSING, provider, settings)
        try:
            certification.after = await closing.balances()
        except Unmet:
            certification.after = None  # the answer stands in the report
        certification.closing = _redacted(closing, provider)
        certification.seconds = time.monotonic() - started


async def _outcome(case: Case, trial: Trial, provider: Examiner) -> Outcome:
    verdict: Verdict = "passed"
    expected = got = why = ""
    started = time.monotonic()
    try:
        try:
            await case.attempt(trial)
        finally:
            await trial.close_rounds()
    except Unmet as unmet:
        verdict, expected, got = "failed", unmet.expected, unmet.got
    except NotTried as not_tried:
        verdict, why = "not tried", str(not_tried)
    return Outcome(
        case=case,
        verdict=verdict,
        expected=provider.redact(expected),
        got=provider.redact(got),
        why=why,
        seconds=time.monotonic() - started,
        exchanges=_redacted(trial, provider),
    )


def _redacted(trial: Trial, provider: Examiner) -> tuple[Exchange, ...]:
    return tuple(provider.redacted(exchange) for exchange in trial.exchanges)


def _count(certification: Certification, trial: Trial, case: Case) -> None:
    for code in trial.refusals:
        certification.refusals[code] = certification.refusals.get(code, 0) + 1
    # Only if the case before left the wallet as it was last read: a failed one may have done anything.
    if certification.after and trial.seen_before and trial.seen_before != certification.after:
        certification.moved_between.append(case)
    certification.after = trial.seen_at_the_end


# --- Before the first case --------------------------------------------------------------------------

_OPENING, _CLOSING = 0, 999  # where a case has its number


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    player: Players
    balances: Balances
    by_replay: Draft | None

    def trial(self, number: int, provider: Examiner, settings: CertifySettings) -> Trial:
        return Trial(
            number=number,
            run_id=settings.run_id,
            provider=provider,
            player=self.player,
            by_replay=self.by_replay,
            copies=settings.copies,
            large_amounts=settings.large_amounts,
        )


async def _open(certification: Certification, provider: Examiner) -> _Opened:
    """Finds out the player's currency and balances. Raises Trouble, which says what to do."""
    settings = certification.settings
    trial = Trial(
        number=_OPENING,
        run_id=settings.run_id,
        provider=provider,
        player=_players(settings, settings.currency or ""),
    )
    try:
        currency = await _currency(trial, settings)
        trial.player = _players(settings, currency)
        by_replay = None
        answer = await trial.greet(trial.result(amount="0"))
        _check_admitted(answer, settings, currency)
        if not answer.is_success:
            by_replay = trial.result(amount=_SMALLEST)
            answer = await trial.greet(by_replay)
            _check_admitted(answer, settings, currency)
        if not answer.is_success or answer.balances is None:
            path = settings.paths["result"]
            ask = (
                "nothing can be told of such an operator"
                if answer.status in (200, 400)
                else "--result-path names another path"
            )
            raise Trouble(f"{settings.url}{path} does not take a win: {_said(answer, provider)}; {ask}")
        if settings.other_player_id is not None:
            await _check_other_player(trial, settings.other_player_id)
        if settings.frozen_player_id is not None and (await trial.greet(_of_the_frozen(trial))).error == 62:
            raise Trouble(f"there is no frozen player {plain(settings.frozen_player_id)}: create one, or leave it out")
        if settings.run_id_was_given:
            await _check_unused(trial, settings)
            answer = await trial.greet(trial.result(amount="0") if by_replay is None else by_replay)
    finally:
        certification.opening = _redacted(trial, provider)
    if (balances := answer.balances) is None:
        raise Trouble(f"{settings.url} answers without balances: {_said(answer, provider)}")
    return _Opened(player=trial.player, balances=balances, by_replay=by_replay)


def _players(settings: CertifySettings, currency: str) -> Players:
    return Players(
        id=settings.player_id,
        currency=currency,
        other_id=settings.other_player_id,
        frozen_id=settings.frozen_player_id,
    )


def _of_the_frozen(trial: Trial) -> Draft:
    return trial.result(userId=trial.player.frozen_id, amount="0")


async def _currency(trial: Trial, settings: CertifySettings) -> str:
    """The wallet's, as an answer to a jackpot has it, which need not name one."""
    hashed = settings.secret.hash_secret is not None
    answer = await trial.greet(trial.jackpot(amount="0"))
    _check_admitted(answer, settings, None)
    if not answer.is_success:
        answer = await trial.greet(trial.jackpot(amount=_SMALLEST))
        _check_admitted(answer, settings, None)
    currency = answer.fields.get("currency")
    if settings.currency:
        # As the operator spells it, where it is the same: an answer in its own letters is no fault.
        is_the_same = isinstance(currency, str) and currency.upper() == settings.currency.upper()
        return str(currency) if is_the_same else settings.currency
    if not answer.is_success or not isinstance(currency, str) or not is_identifier(currency):
        path = f"{settings.url}{settings.paths['jackpot']}"
        ask = "give --currency, and --jackpot-path if it is elsewhere" + ("" if hashed else ", or --secret-file")
        raise Trouble(f"{path} does not say the player's currency: {_said(answer, trial.provider)}; {ask}")
    return currency


async def _check_other_player(trial: Trial, player_id: str) -> None:
    answer = await trial.greet(trial.result(userId=player_id, amount="0"))
    currency = plain(trial.player.currency)
    if player_id == trial.player.id:
        raise Trouble("--other-player must be another one than --player")
    if answer.error == 62:
        raise Trouble(f"there is no other player {plain(player_id)}: create one in {currency}, or leave it out")
    if answer.error == 52:
        raise Trouble(f"the other player {plain(player_id)} must have a wallet in {currency}, as the first one has")


async def _check_unused(trial: Trial, settings: CertifySettings) -> None:
    """A run id that was used before makes replays of all wins: nothing could be told from that."""
    before = await trial.balances()
    await trial.greet(trial.result(amount=_SMALLEST))
    after = await trial.balances()
    if before.cash == after.cash:
        raise Trouble(
            f"a win of {_SMALLEST} moves nothing: the run id {plain(settings.run_id)} was used for this operator "
            "before; leave out --run-id, or give another"
        )


def _check_admitted(answer: Answer, settings: CertifySettings, currency: str | None) -> None:
    """Raises Trouble for what makes every case pointless."""
    player = plain(settings.player_id)
    if answer.status is None:
        if answer.is_late:
            raise Trouble(f"{settings.url} does not answer within {settings.timeout_seconds:g} s: is it the right one?")
        raise Trouble(f"{settings.url} cannot be reached: {answer.failure}; is it running, and is this its URL?")
    if 300 <= answer.status < 400:
        place = dict(answer.headers).get("location", "nowhere")
        raise Trouble(f"{settings.url} sends us on to {plain(place)[:_MOST_OF_AN_ANSWER]}: give that URL's beginning")
    if answer.status in (401, 403) or answer.error == 401:
        known = [
            name
            for name, value in (
                ("hashSecret", settings.secret.hash_secret),
                ("authToken", settings.secret.auth_token),
            )
            if value
        ]
        if known:
            raise Trouble(
                f"{settings.url} does not admit us with this {' and '.join(known)}: "
                "check each value, and that none is missing"
            )
        raise Trouble(f"{settings.url} does not admit us: give what it shares with the provider by --secret-file")
    if answer.error == 62:
        raise Trouble(f"{settings.url} has no player {player}: create one for this, or name another by --player")
    if answer.error == 52 and currency:
        raise Trouble(f"the wallet of {player} is not in {plain(currency)}: leave out --currency, or give its own")


def _said(answer: Answer, provider: Examiner) -> str:
    return plain(provider.redact(str(answer)))[:_MOST_OF_AN_ANSWER]

"""One case at work: its wins, what is answered to them, and what the wallet has at its beginning and its end."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from tools.provider.answers import SUCCESS, Answer, Balances
from tools.provider.certify import amounts
from tools.provider.certify.provider import Examiner, Exchange
from tools.provider.certify.requests import Draft, Raw, Value, fields_of
from tools.provider.paths import Callback
from tools.shared.amounts import amount

_MOST_DIGITS, _MOST_PLACES = 32, 18  # of an amount: docs/callbacks.md, Fields
_GAME_ID, _GAME_NAME, _PROVIDER_ID = "Im_60_tumblefortune", "tumblefortune", "luckymonaco"  # the pages' examples


class Unmet(Exception):
    """A promise that is not kept."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")
        self.expected = expected
        self.got = got


class NotTried(Exception):
    """A case that cannot be tried here; `str()` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Players:
    """Whose wallet it is; `other_id` and `frozen_id` are other players', if they were given."""

    id: str
    currency: str
    other_id: str | None = None
    frozen_id: str | None = None


def uuid_mark(run_id: str) -> str:
    """The first characters of each uuid of a run. They identify a request that has no reference."""
    return hashlib.sha256(f"cert-{run_id}".encode()).hexdigest()[:16]


@dataclass(kw_only=True)
class Trial:
    """What a case is given. Its requests are credits of their own unless it says otherwise."""

    number: int
    run_id: str
    provider: Examiner
    player: Players
    by_replay: Draft | None = None  # how balances are read where a win of 0 is refused
    copies: int = 12  # of what is sent at the same time
    large_amounts: bool = False
    counts_bonus: bool = True  # whether bonus is looked at: the pages leave it to the operator
    exchanges: list[Exchange] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)  # which an operator may keep for later or for a person
    shown: Balances | None = None  # by the last answer that has any
    _open: dict[tuple[str, ...], Draft] = field(default_factory=dict)  # a bet of each round without a result
    _ids: int = 0
    _connections: int = 1
    _before: Balances | None = None
    _read: tuple[Balances, int] | None = None  # what was read last, and after how many exchanges

    # --- What is sent -------------------------------------------------------------------------------

    def result(self, **changes: Value) -> Draft:
        fields = fields_of(
            providerId=_PROVIDER_ID,
            userId=self.player.id,
            sessionId=self.id("s"),
            currency=self.player.currency,
            amount="0.01",
            roundDetails="spin",
            roundId=self.id("r"),
            reference=self.id(),
            gameId=_GAME_ID,
            gameName=_GAME_NAME,
            uuid=self.filler(),
            timestamp=_now(),
        )
        return Draft(callback="result", fields=fields).but(**changes)

    def auto_closing(self, **changes: Value) -> Draft:
        """A result without a session, by the Auto Closing page's path, spelled and written as there."""
        closed = replace(self.result(amount=Raw("0.01")), callback="auto closing")
        return closed.without("sessionId").but(**changes)

    def jackpot(self, **changes: Value) -> Draft:
        fields = fields_of(
            reference=self.id(),
            gameId=_GAME_ID,
            amount=Raw("0.01"),
            jackpotId="568",
            providerId=_PROVIDER_ID,
            userId=self.player.id,
            roundId=self.id("r"),
            timestamp=_now(),
        )
        return Draft(callback="jackpot", fields=fields).but(**changes)

    def total(self, **changes: Value) -> Draft:
        """A bonus callback: what all rounds of a free round bonus won."""
        fields = fields_of(
            reference=self.id(),
            gameId=_GAME_ID,
            amount=Raw("0.01"),
            providerId=_PROVIDER_ID,
            userId=self.player.id,
            timestamp=_now(),
        )
        return Draft(callback="bonus", fields=fields).but(**changes)

    def promo(self, **changes: Value) -> Draft:
        fields = fields_of(
            promoCampaignId="5103188801",
            reference=self.id(),
            amount="0.01",
            providerId=_PROVIDER_ID,
            userId=self.player.id,
            promoCampaignType="T",
            currency=self.player.currency,
            uuid=self.filler(),
            timestamp=_now(),
        )
        return Draft(callback="promo", fields=fields).but(**changes)

    def bet(self, **changes: Value) -> Draft:
        fields = fields_of(
            providerId=_PROVIDER_ID,
            userId=self.player.id,
            gameId=_GAME_ID,
            gameName=_GAME_NAME,
            roundId=self.id("r"),
            reference=self.id(),
            amount="0.01",
            currency=self.player.currency,
            sessionId=self.id("s"),
            uuid=self.filler(),
            timeStamp=_now(),
            roundDetails="spin",
        )
        return Draft(callback="bet", fields=fields).but(**changes)

    def cancel(self, bet: Draft, **changes: Value) -> Draft:
        """A cancel of that bet: it names its round and game, and no amount."""
        fields = fields_of(**self._of_its_round(bet), reference=bet["reference"])
        return Draft(callback="cancel", fields=fields).but(**changes)

    def refund(self, bet: Draft, **changes: Value) -> Draft:
        """A refund of that bet's round, by the bet's reference."""
        return replace(self.cancel(bet), callback="refund").but(**changes)

    def end(self, bet: Draft, **changes: Value) -> Draft:
        """The end of that bet's round."""
        return Draft(callback="end of round", fields=fields_of(**self._of_its_round(bet))).but(**changes)

    def _of_its_round(self, bet: Draft) -> dict[str, Value]:
        names = ("providerId", "userId", "gameId", "roundId", "currency", "sessionId")
        return {**{name: bet[name] for name in names}, "uuid": self.filler()}

    def result_of(self, bet: Draft, **changes: Value) -> Draft:
        """A result of that bet's round."""
        return self.result(**{name: bet[name] for name in ("userId", "gameId", "roundId")}).but(**changes)

    def balance(self, **changes: Value) -> Draft:
        fields = fields_of(
            providerId=_PROVIDER_ID,
            userId=self.player.id,
            currency=self.player.currency,
            sessionId=self.id("s"),
            uuid=self.filler(),
        )
        return Draft(callback="balance", fields=fields).but(**changes)

    def check(self, **changes: Value) -> Draft:
        """The question whether the player may play."""
        return replace(self.balance(**changes), callback="check")

    def each_other_call(self) -> tuple[Draft, ...]:
        """Every call but the wins, and none of them moves money."""
        bet = self.bet(amount="0")
        return self.balance(), self.check(), bet, self.end(bet), self.cancel(self.bet()), self.refund(self.bet())

    def each_callback(self, **changes: Value) -> tuple[Draft, ...]:
        return self.result(**changes), self.jackpot(**changes), self.total(**changes), self.promo(**changes)

    @property
    def another_currency(self) -> str:
        """A code that is not the player's: ISO 4217 reserves XTS for tests, and XXX for no currency."""
        return "XTS" if self.player.currency.upper() != "XTS" else "XXX"

    def id(self, kind: str = "") -> str:
        """A name that nothing else has: of at most 36 characters, the provider's own limit."""
        self._ids += 1
        return f"cert-{self.run_id}-{self.number:03}-{kind}{self._ids}"

    def whole(self) -> str:
        """A name that nothing else has, of digits alone: more than any computer's own numbers hold.

        The run's mark comes last: two of a run differ in their first digits, which even a binary float keeps.
        """
        return f"1{int(self.filler()[::-1], 16):039}"

    def filler(self) -> str:
        """32 hexadecimal digits, as a uuid and as a hash where none is checked. They begin with the run's mark."""
        return (uuid_mark(self.run_id) + hashlib.sha256(self.id().encode()).hexdigest())[:32]

    def signed(self, request: Draft) -> Draft:
        """The request with the hash that its callback's page demands."""
        return self.provider.signed(request, self.filler())

    def hash_of(self, request: Draft) -> str:
        """The request's right hash. Raises NotTried where no hash secret is known."""
        self.need_hash_secret()
        return self.provider.hash_of(request)

    def need_hash_secret(self) -> None:
        if not self.provider.secret.hash_secret:
            raise NotTried("no hash secret was given")

    def need_no_hash_secret(self) -> None:
        if self.provider.secret.hash_secret:
            raise NotTried("a hash secret was given, so a hash is needed")

    def need_other_player(self) -> str:
        if self.player.other_id is None:
            raise NotTried("no other player was given")
        return self.player.other_id

    def need_frozen_player(self) -> str:
        if self.player.frozen_id is None:
            raise NotTried("no frozen player was given")
        return self.player.frozen_id

    def need_large_amounts(self) -> None:
        if not self.large_amounts:
            raise NotTried("it credits quadrillions: --large-amounts allows it")

    def need_auth_token(self) -> None:
        if not self.provider.secret.auth_token:
            raise NotTried("no authToken was given")

    def too_much(self) -> str:
        """An amount in hundredths that is just above the cash that was shown last."""
        cash = self.shown.cash if self.shown else Decimal(0)
        cents = max(0, int(Fraction(cash) * 100)) + 1
        if len(str(cents)) > _MOST_DIGITS:
            raise NotTried("no amount is larger than this wallet's balance")
        return f"{cents // 100}.{cents % 100:02}"

    def all_there_is(self) -> str:
        """The cash that was shown last, as an amount."""
        cash = amount(self.shown.cash) if self.shown else "0"
        if len(cash.replace(".", "")) > _MOST_DIGITS or len(cash.partition(".")[2]) > _MOST_PLACES:
            raise NotTried("this wallet's balance has more digits than an amount")
        return cash

    def part_of_all(self, parts: int) -> str:
        """An amount in hundredths that is there so many times, and not once more, of a balance of 0.30 or more."""
        cents = (int(self.too_much().replace(".", "")) - 1) // parts
        return f"{cents // 100}.{cents % 100:02}"

    # --- What comes back ----------------------------------------------------------------------------

    async def send(self, request: Draft, why: str = "") -> Answer:
        """The answer, once it is not 998 any more: the provider sends those again."""
        await self._begin()
        return self._follow(request, await self._tell(request, why or request.callback))

    async def greet(self, request: Draft) -> Answer:
        """The answer to what comes before the first case: nothing is known of the wallet yet."""
        return await self._tell(request, "finding the wallet")

    async def send_once(self, request: Draft) -> Answer:
        """The first answer, whatever it is: for what sending again cannot mend."""
        await self._begin()
        prepared = self.provider.prepare(request, self.filler())
        return self._note(await self.provider.deliver(prepared, request.callback))

    async def send_together(self, requests: Sequence[Draft]) -> list[Answer]:
        """All at the same moment, each by a connection of its own that is open already."""
        await self._begin()
        if len(requests) > self._connections:
            idle = self.result(amount="0") if self.by_replay is None else self.by_replay
            await asyncio.gather(*(self._tell(idle, "opening a connection") for _ in requests))
            self._connections = len(requests)
        # Made ready before, so that nothing but the sending lies between one and the next.
        ready = [(self.provider.prepare(each, self.filler()), f"{each.callback}, at once") for each in requests]
        answered = await asyncio.gather(*(self.provider.tell(*each) for each in ready))
        answers = [[self._note(exchange) for exchange in exchanges][-1] for exchanges in answered]
        return [self._follow(request, answer) for request, answer in zip(requests, answers, strict=True)]

    async def credited(self, request: Draft) -> Answer:
        """Its answer, which must be a success."""
        return self.check_credited(await self.send(request))

    def check_credited(self, answer: Answer) -> Answer:
        if not answer.is_success:
            raise Unmet("HTTP 200 and error 0", str(answer))
        return answer

    async def refused(self, request: Draft, code: int) -> Answer:
        """Its answer, which must be this refusal."""
        http = _HTTP.get(code, 200)
        answer = await self.send_once(request) if http != 200 else await self.send(request)
        if (answer.status, answer.error) != (http, code):
            raise Unmet(f"HTTP {http} and error {code}", str(answer))
        return answer

    async def paid(self, cash: str, bonus: str = "0") -> None:
        """The wallet must have this much more than when the case began."""
        await self.paid_since(await self._begin(), cash, bonus)

    async def paid_since(self, before: Balances, cash: str, bonus: str = "0") -> None:
        now = await self.balances()
        self._check("cash", before.cash, now.cash, cash)
        if not self.counts_bonus:
            return
        if before.bonus is not None and now.bonus is not None:
            self._check("bonus", before.bonus, now.bonus, bonus)
        elif Decimal(bonus):
            raise Unmet(f"bonus to grow by {bonus}", "answers without bonus")

    async def shows(self, answer: Answer, cash: str, bonus: str = "0") -> None:
        """The answer must show the balances of the beginning and this much more."""
        before, shown = await self._begin(), answer.balances
        if shown is None:
            raise Unmet("balances", str(answer))
        both = (("cash", before.cash, cash, shown.cash), ("bonus", before.bonus, bonus, shown.bonus))
        for name, was, grew, shows in both if self.counts_bonus else both[:1]:
            if was is not None and shows is not None and shows != (due := amounts.plus(was, Decimal(grew))):
                raise Unmet(f"an answer with {name} {amount(due)}", f"{name} {amount(shows)}")

    def same(self, what: str, first: str, then: str) -> None:
        if first != then or not first:
            raise Unmet(f"the same {what}, {first or '(none)'}", then or "(none)")

    async def balances(self) -> Balances:
        """What the wallet has now."""
        request = self.result(amount="0") if self.by_replay is None else self.by_replay
        answer = await self._tell(request, "reading the balances")
        if not answer.is_success or (found := answer.balances) is None:
            raise Unmet("balances, to a win that moves nothing", str(answer))
        self._read = (found, len(self.exchanges))
        return found

    @property
    def seen_before(self) -> Balances | None:
        """What the wallet had when the case began, if it got that far."""
        return self._before

    @property
    def seen_at_the_end(self) -> Balances | None:
        """What the wallet had when the case ended, if that was read."""
        return self._read[0] if self._read and self._read[1] == len(self.exchanges) else None

    async def close_rounds(self) -> None:
        """Loses the rounds that the case leaves open: an operator watches for those."""
        for bet in self._open.values() if self.by_replay is None else ():
            answer = await self._tell(self.result_of(bet, amount="0"), "closing the round")
            if answer.is_success and answer.balances and bet["userId"] == self.player.id:
                self._read = (answer.balances, len(self.exchanges))

    def _follow(self, request: Draft, answer: Answer) -> Answer:
        """Notes which rounds are open."""
        if answer.is_success and request.callback in ("bet", "result", "auto closing"):
            round = tuple(request[name] for name in ("userId", "gameId", "roundId"))
            if request.callback == "bet":
                self._open.setdefault(round, request)
            else:
                self._open.pop(round, None)
        return answer

    async def _begin(self) -> Balances:
        if self._before is None:
            self._before = await self.balances()
        return self._before

    async def _tell(self, request: Draft, why: str) -> Answer:
        exchanges = await self.provider.tell(self.provider.prepare(request, self.filler()), why)
        return [self._note(exchange) for exchange in exchanges][-1]

    def _note(self, exchange: Exchange) -> Answer:
        answer = exchange.answer
        self.exchanges.append(exchange)
        self.shown = answer.balances or self.shown
        if answer.error not in (None, SUCCESS):
            self.refusals.append(answer.error)
        return answer

    def _check(self, name: str, before: Decimal, now: Decimal, grew: str) -> None:
        if amounts.minus(now, before) != Decimal(grew):
            due = amounts.plus(before, Decimal(grew))
            raise Unmet(
                f"{name} {amount(due)} ({amount(before)} {'-' if grew[0] == '-' else '+'} {grew.lstrip('-')})",
                f"{name} {amount(now)}",
            )

    def elsewhere(self, callback: Callback, path: str, request: Draft) -> Draft:
        """The request by another path that the contract knows. Raises NotTried where paths are the operator's own."""
        if self.provider.is_elsewhere(callback):
            raise NotTried("this operator's paths are its own")
        return request.by(path)


_HTTP = {57: 400, 59: 400, 64: 400, 99: 400, 401: 401, 404: 404, 405: 405}  # docs/callbacks.md, Answers


def _now() -> str:
    return str(time.time_ns() // 1_000_000)

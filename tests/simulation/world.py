"""The wallet's world: the provider, the functions, their queues and an operator, and what must hold at every moment.

`play` has everything of a script happen, then everything work again, and compares what is left with the books. What
must never be raises `Violation`.
"""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cache, partial
from random import Random
from typing import Any, NamedTuple

from contract import STATUS, Wallet, kept_for
from memory import Message, Secrets
from tools.local.template import Queue, Template

from .books import Books, differing
from .ledger_proof import proved
from .machines import SECRET, Fleet, Invocation, Watch, outside_replaced
from .network import Death, Network, Pace, Violation
from .script import (
    CALLBACKS,
    Callback,
    Delivery,
    Down,
    Event,
    Moved,
    Opened,
    Redriven,
    Replaced,
    Rotated,
    Script,
    Sent,
    Spoiled,
    Stepped,
    Strayed,
    Win,
)
from .timeline import START, Timeline

Item = dict[str, Any]

# What is stated of the functions, in docs/ledger.md and docs/operating/secrets.md.
STORE_SECONDS, LAST_CALL_SECONDS, LONGEST_PAUSE_SECONDS = 3.0, 1.5, 0.15
FRESH_SECONDS, STALE_SECONDS, ASK_AGAIN_SECONDS = 300, 3600, 30
PROVIDER_SECONDS = 10  # when the provider hangs up
MAX_TRIES = 10
LONGEST_DELAY_SECONDS, LONGEST_HIDDEN_SECONDS = 900, 12 * 3600 - 120  # what SQS takes
CHANGE_OVER_SECONDS = 2 * FRESH_SECONDS  # between the steps of a rotation
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00"
AGAIN = 100_000  # a delivery that is sent again has its number and so much more


class Kept(NamedTuple):
    delivery: Delivery
    prize_only: bool


@dataclass(frozen=True)
class Outcome:
    """What came of a script. `deliveries` are the provider's, sent again or not; `retries` are those of the queues."""

    deliveries: int
    retries: int
    credits: int
    ledgers: int
    seconds: float  # of the world's time
    happened: Counter[str]


@cache
def _template() -> tuple[list[Queue], int]:
    """The queues, and how many messages a function is handed at a time."""
    return Template.load().queues(), Template.load().functions()[0].retry_batch_size


@cache
def _fleet() -> Fleet:
    return Fleet()


def play(script: Script, *, pace: Pace | None = None) -> Outcome:
    """What comes of a script. Raises Violation, with the faults that were met."""
    world = World(script, pace or Pace())
    with outside_replaced():
        try:
            world.run()
        except (Violation, Exception) as wrong:
            violation = wrong if isinstance(wrong, Violation) else Violation(f"{type(wrong).__name__}: {wrong}")
            violation.met = {**world.network.met}
            raise violation from wrong
    return world.outcome


class World:
    def __init__(
        self, script: Script, pace: Pace, timeline: Timeline | None = None, network: type[Network] = Network
    ) -> None:
        self.script = script
        self.books = Books()
        self.happened: Counter[str] = Counter()
        self.timeline = timeline or Timeline()
        queues, self._batch_size = _template()
        self._secret = Secrets(SECRET, {})
        self.network = network(
            self.timeline,
            secret=self._secret,
            dead_letters={
                each.name: (each.dead_letters, each.max_receive_count or 0) for each in queues if each.dead_letters
            },
            hidden_seconds=float(queues[-1].attributes["VisibilityTimeout"]),
            committed=self._committed,
            arrived=self._arrived,
            hidden=self._hidden,
            pace=pace,
        )
        self.network.happened = self.happened
        self.network.rate, self.network.faults = script.rate, script.faults
        self._fleet = _fleet()
        self._fleet.forget()
        self._generation = 0  # of the provider's secret
        self._rotates_until = 0.0
        self._put_secret(0)
        self.retries = 0
        self.deliveries: dict[int, Delivery] = {}
        self._answered: dict[int, int] = {}  # by delivery
        self._kept: list[Delivery] = []  # what was refused, and must be credited or stand in a queue from then on
        self._without_prize: list[Delivery] = []  # answered as paid; the prize must be in a queue
        self._names: dict[str, str] = {}  # the transactionId of each transaction
        self._first_received: dict[int, str] = {}  # when each kept delivery says it was
        self._standing: defaultdict[int, list[Message]] = defaultdict(list)  # by delivery
        self._prizes: defaultdict[Any, list[Message]] = defaultdict(list)  # by win and prize
        self._contents: dict[str, Kept] = {}  # by a message's text
        self._strays: dict[str, Delivery] = {}  # likewise
        self._in_flight: defaultdict[str, list[Watch]] = defaultdict(list)  # by credit, and by player
        self._times: Counter[tuple[int, int]] = Counter()  # how often a delivery was in a function's hands so
        self._careless: set[str] = set()  # players whose version another program forgot

    # --- What happens -------------------------------------------------------------------------------

    def run(self) -> None:
        for event in self.script.events:
            self.timeline.at(START + event.at, lambda event=event: self._happen(event))
        self.timeline.run(START + max((event.at for event in self.script.events), default=0.0))
        self.network.faults, self.network.rate, self.network.down = self.script.faults or {}, 0.0, {}
        self.timeline.run()
        self._recover()
        self._check_all()

    def _happen(self, event: Event) -> None:
        match event:
            case Sent():
                self.send(event.win, event.number, event.tries, event.unheard)
            case Opened(player=player):
                self._write_wallet(player, Wallet(event.currency, Fraction(event.cash), Fraction(event.bonus)))
                self._look_again(player)
            case Moved():
                self._move(event)
            case Spoiled():
                self._spoil(event)
            case Strayed():
                self._kept.append(self._strays.setdefault(event.text, event.delivery))
                self._put(f"{event.callback.title()}RetryQueue", event.text)
            case Down():
                self.network.down[event.service] = event.failure, self.timeline.now + event.seconds
            case Redriven():
                self._redrive(
                    event.callback, is_interrupted=event.is_interrupted, is_another_form=event.is_of_another_version
                )
            case Rotated() if self.timeline.now >= self._rotates_until:
                self._rotate()
            case Rotated():
                pass
            case Stepped():
                self._fleet.set_clocks(event.seconds)
            case Replaced():
                self._fleet.replace_idle()

    def _move(self, event: Moved) -> None:
        """Another program's deposit or bet, which never takes a balance below nothing."""
        wallet = self.books.contract.wallets.get(event.player)
        if wallet and ("Players", event.player) not in self.books.spoiled:
            cash = max(Fraction(0), wallet.cash + Fraction(event.cash))
            bonus = max(Fraction(0), wallet.bonus + Fraction(event.bonus))
            version = wallet.version + (not event.careless)
            self._write_wallet(event.player, Wallet(wallet.currency, cash, bonus, version))
            self._careless |= {event.player} if event.careless else set()

    def _write_wallet(self, player: str, wallet: Wallet) -> None:
        self.books.set_wallet(player, wallet)
        item = self.books.wallet_item(player)
        self.network.tables.items["Players"]["Players", player] = item

    def _spoil(self, event: Spoiled) -> None:
        key = ("FreeRounds", event.player, event.code) if event.code else ("Players", event.player)
        items = self.network.tables.items[key[0]]
        if key not in items or key in self.books.spoiled:
            return
        spoilt = {name: value for name, value in items[key].items() if name != event.field}
        items[key] = spoilt if event.is_missing else {**spoilt, event.field: {"BOOL": True}}
        self.happened["something was spoilt"] += 1
        keys: set[tuple[str, ...]] = {key}
        before: Item = {}
        records = self.network.tables.items["Transactions"]
        newest = [each for each, item in records.items() if item["userId"]["S"] == event.player][-1:]
        if event.of_record and newest:
            keys.add(newest[0])
            before = records[newest[0]]
            records[newest[0]] = {name: value for name, value in before.items() if name != event.of_record}
        self.books.spoiled |= keys
        self._look_again(event.player)

        def restore() -> None:
            books = self.books
            items[key] = books.count_item(event.player, event.code) if event.code else books.wallet_item(event.player)
            if before:
                records[newest[0]] = before
            books.spoiled -= keys
            self._look_again(event.player)

        self.timeline.at(self.timeline.now + event.seconds, restore)

    def _rotate(self) -> None:
        """In the order of docs/operating/secrets.md."""

        def change_over() -> None:
            self._generation += 1

        self._put_secret(self._generation + 1, self._generation)
        now = self.timeline.now
        self._rotates_until = now + 3 * CHANGE_OVER_SECONDS
        self.timeline.at(now + CHANGE_OVER_SECONDS, change_over)
        self.timeline.at(now + 2 * CHANGE_OVER_SECONDS, lambda: self._put_secret(self._generation))

    def _put_secret(self, current: int, previous: int | None = None) -> None:
        keys = {"current": current} if previous is None else {"current": current, "previous": previous}
        self._secret.content = {
            key: {"authToken": f"token-{number}"} | ({"hashSecret": f"secret-{number}"} if self.script.has_hash else {})
            for key, number in keys.items()
        }

    def _put(self, queue: str, text: str) -> None:
        sent = self.network.queues.send_message(QueueUrl=queue, MessageBody=text)
        self._arrived(self.network.queues.waiting[queue][int(sent["MessageId"])])

    def _redrive(self, callback: Callback, *, is_interrupted: bool = False, is_another_form: bool = False) -> None:
        queues, name = self.network.queues, f"{callback.title()}DeadLetters"
        for letter in queues.receive_message(name, 10):
            is_as_it_is = letter.body in self._strays or not is_another_form
            self._put(f"{callback.title()}RetryQueue", letter.body if is_as_it_is else _in_another_form(letter.body))
            if is_interrupted:
                self.happened["a redrive was interrupted"] += 1
                letter.visible_at = self.timeline.now
                return
            self.happened["a dead letter was sent back"] += 1
            queues.delete_message(name, letter.handle)

    # --- The provider -------------------------------------------------------------------------------

    def send(self, win: Win, number: int, tries: int = 1, unheard: int = 0) -> None:
        """Delivers a win, and again while nothing is heard with HTTP 200."""
        delivery = Delivery(win, number, self.script.has_hash)
        self.deliveries[number] = delivery
        generation = self._generation
        event = delivery.event(generation)

        def run() -> None:
            invocation = self._invocation(win.callback, [self._watch(delivery, arrives=True)], 0)
            with self._at_work(invocation):
                answer = self._invoke(invocation, event)
                status = None
                if answer is None:
                    self.happened["a delivery's function died"] += 1
                else:
                    self._check_answer(invocation, answer, generation)
                    if not unheard and self.timeline.now <= invocation.began + PROVIDER_SECONDS:
                        status = answer["statusCode"]
                        self._answered[number] = int(json.loads(answer["body"])["error"])
                    else:
                        self.happened["an answer was not heard"] += 1
            if status != 200 and tries > 1:
                again = 2.0 ** ((number // AGAIN) % 7)
                self.timeline.at(
                    self.timeline.now + again, lambda: self.send(win, number + AGAIN, tries - 1, max(0, unheard - 1))
                )

        self.timeline.start(run)

    # --- The functions ------------------------------------------------------------------------------

    def _watch(self, delivery: Delivery, *, arrives: bool = False) -> Watch:
        win = delivery.win
        verdict, is_disputed = self.books.verdict(delivery, arrives=arrives), self.books.must_leave_prize(win)
        was_spoilt = ("Players", win.player) in self.books.spoiled
        return Watch(delivery, {verdict}, is_disputed, self.books.moment(win.player), arrives, was_spoilt)

    def _invocation(self, callback: Callback, in_hand: Sequence[Watch], time: int) -> Invocation:
        machine = self._fleet.take(callback, self.timeline.now, self.script.retry_seconds)
        number = in_hand[0].delivery.number
        self._times[number, time] += 1  # the same delivery may be in two messages
        time += 1000 * (self._times[number, time] - 1)
        chance = Random((self.script.seed * 1_000_003 + number) * 1009 + time)
        return Invocation(self.network, machine, in_hand, self.timeline.now, time, chance)

    @contextmanager
    def _at_work(self, invocation: Invocation) -> Iterator[None]:
        """While a function is at work, what is in its hands is watched."""
        keys = [
            (key, watch) for watch in invocation.in_hand for key in (*watch.delivery.win.ids, watch.delivery.win.player)
        ]
        for key, watch in keys:
            self._in_flight[key].append(watch)
        try:
            yield
        finally:
            for key, watch in keys:
                self._in_flight[key].remove(watch)

    def _invoke(self, invocation: Invocation, event: Item) -> Item | None:
        """What the function answers; None if it died, and its machine is gone."""
        from greenlet import getcurrent

        getcurrent().at_work = invocation  # pyright: ignore[reportAttributeAccessIssue] - Task's
        try:
            answer = invocation.machine.handler(event, None)
        except Death:
            return None
        finally:
            invocation.is_over = True
        for line in invocation.said:
            if "a defect: " in line:
                raise Violation(f"a defect: {line}")
        callback = invocation.in_hand[0].delivery.win.callback
        self._fleet.give_back(callback, invocation.machine)
        return answer

    def _look_again(self, *keys: str) -> None:
        """What is in a function's hands may now be answered otherwise."""
        for key in keys:
            for watch in self._in_flight[key]:
                watch.verdicts.add(self.books.verdict(watch.delivery, arrives=watch.arrives))
                watch.is_disputed |= self.books.must_leave_prize(watch.delivery.win)
                watch.was_spoilt |= ("Players", watch.delivery.win.player) in self.books.spoiled

    def _committed(self, invocation: Invocation, actions: Sequence[Item]) -> None:
        """After a write: the tables hold what the books make of what is in hand, and nothing else is written."""
        tables = self.network.tables
        keys = tables.keys(actions)
        delivery = self._writer(invocation, actions)
        due = self.books.due(delivery)
        if due is None:
            raise Violation(f"written, and nothing is owed: {delivery.win}: {keys}")
        must_be = self.books.write(due, delivery)
        if {*keys} != must_be.keys():
            raise Violation(f"wrote {keys}, not {[*must_be]}: {delivery.win}")
        for key, item in must_be.items():
            self._compare(key, tables.items[key[0]][key], item)
        invocation.wrote |= bool(due.fresh)
        self.happened["a win was credited" if due.fresh else "a prize was noted"] += 1
        self._look_again(*(key[1] for key in must_be if key[0] == "Transactions"))

    def _writer(self, invocation: Invocation, actions: Sequence[Item]) -> Delivery:
        """Whose write it is, of all that is in hand."""
        request = actions[0].get("Put", {}).get("Item", {}).get("request", {}).get("S", "")
        if delivery := self._delivery_of(request):
            return delivery
        for watch in invocation.in_hand:
            if (due := self.books.due(watch.delivery)) and due.notes_prize and due.win.prize:
                values = actions[0].get("Update", {}).get("ExpressionAttributeValues", {})
                if values.get(":amount") == {"S": due.win.prize.amount}:
                    return watch.delivery
        return invocation.in_hand[0].delivery

    def _compare(self, key: tuple[str, ...], found: Item, must_be: Item) -> None:
        if key[0] == "Transactions":
            found = {**found}
            name = found.pop("transactionId", {}).get("S", "")
            if not found.pop("recordedAt", None) or self._names.setdefault(key[1], name) != name:
                raise Violation(f"{key} has lost its name or moment")
        if found != must_be:
            names = [name for name in {**found, **must_be} if found.get(name) != must_be.get(name)]
            told = ", ".join(f"{name}: {found.get(name)}, not {must_be.get(name)}" for name in names)
            raise Violation(f"{'/'.join(key)}: {told}")

    # --- What a function answers --------------------------------------------------------------------

    def _check_answer(self, invocation: Invocation, answer: Item, generation: int) -> None:
        (watch,) = invocation.in_hand
        delivery, win = watch.delivery, watch.delivery.win
        said = json.loads(answer["body"], parse_int=_literal, parse_float=_literal)
        code = int(said["error"][1])
        self.happened[f"answered {code}"] += 1
        if answer["statusCode"] != STATUS[code]:
            raise Violation(f"{code} with HTTP {answer['statusCode']}")
        must_have = {"Content-Type": "application/json"} | ({"Allow": "POST"} if code == 405 else {})
        if answer["headers"] != must_have or answer["isBase64Encoded"] is not False:
            raise Violation(f"answered with {answer}")
        admission = self._admission(invocation, generation, delivery)
        if invocation.says('"NotKept"') != (admission is not None and code != 405):
            raise Violation(f"told as kept, or not, and it is otherwise: {win}")
        if admission is not None:
            if code != admission:
                raise Violation(f"answered {code}, not {admission}: {win}")
            if self._stands(delivery):
                raise Violation(f"answered {code}, and kept: {win}")
            return
        if code == 998:
            self._check_excuse(invocation, watch)
        elif code not in watch.verdicts:
            raise Violation(f"answered {code}, not {sorted(watch.verdicts)}: {win}")
        if code == 0:
            self._check_success(invocation, watch, said)
            return
        if [*said] != ["error", "description"]:
            raise Violation(f"a refusal says {said}")
        if code != 998 and invocation.wrote:
            raise Violation(f"written, and answered {code}: {win}")
        self._check_kept(invocation, delivery, code)

    def _admission(self, invocation: Invocation, generation: int, delivery: Delivery) -> int | None:
        """The code of what is refused before it is read; None for a request that is let in."""
        machine, win = invocation.machine, delivery.win
        if win.wrong == "method":
            return 405
        age = invocation.began - machine.heard_at
        if age > FRESH_SECONDS and invocation.began - machine.failed_at > ASK_AGAIN_SECONDS:
            raise Violation(f"the provider's secret is {age:.0f} s old, and was not asked for")
        if machine.known is None or (age > STALE_SECONDS and machine.failed_at >= invocation.began):
            return 998
        matched = [key for key, secrets in machine.known.items() if secrets["authToken"] == f"token-{generation}"]
        if win.wrong == "token" or not matched:
            return 401
        if win.wrong == "json":
            return 99
        if delivery.is_signed and win.wrong == "hash":
            return 401
        for lock in ("authToken", "hash") if delivery.is_signed else ("authToken",):
            if not invocation.says(f'"lock":"{lock}","key":"{matched[0]}"'):
                raise Violation(f"the {lock} that matched is not told: {win}")
        return None

    def _check_excuse(self, invocation: Invocation, watch: Watch) -> None:
        """998 is answered only if there was no time left for the tables, or what must be kept could not be."""
        something_to_keep = bool(watch.verdicts - {0}) or watch.is_disputed
        if 998 in watch.verdicts or self.books.is_rich(watch.delivery.win.player):
            return
        could_not_be_kept = something_to_keep and "sqs" in invocation.failed
        if not _ran_out_of_time(invocation) and not could_not_be_kept:
            seconds = invocation.store_left - invocation.began
            raise Violation(f"given up after {seconds:.3f} s: {watch.delivery.win}")

    def _check_success(self, invocation: Invocation, watch: Watch, said: Item) -> None:
        win, books = watch.delivery.win, self.books
        if [*said] != ["transactionId", "currency", "cash", "bonus", "error", "description"]:
            raise Violation(f"an answer says {said}")
        if not books.is_credited(win):
            raise Violation(f"not credited, but answered so: {win}")
        if (
            said["transactionId"] != self._names[win.credit.id]
            or said["currency"] != books.contract.wallets[win.player].currency
        ):
            raise Violation(f"another's name or currency: {said}")
        literals = tuple(said[name] if win.as_text else said[name][1] for name in ("cash", "bonus"))
        if literals not in books.balances_since(win, 0 if watch.was_spoilt else watch.moment):
            raise Violation(f"{literals} were not the balances then: {win}")
        if code := books.dispute(win):
            self._check_prize_told(invocation, win, code)
            self._without_prize.append(watch.delivery)
            self.happened["a prize was left for a person"] += 1
            if not self._prize_stands(win):
                raise Violation(f"the prize is kept nowhere: {win}")
        is_told_as_fresh = invocation.says('"message":"credited"')
        if invocation.wrote and not invocation.was_beaten and not is_told_as_fresh:
            raise Violation(f"credited, and told as a replay: {win}")

    def _check_prize_told(self, invocation: Invocation, win: Win, code: int) -> None:
        told = [line for line in invocation.said if '"message":"prize left for a person"' in line]
        if not told or f'"code":{code}' not in told[0] or '"reason":"' not in told[0]:
            raise Violation(f"it is not told that a prize is left: {win}")

    def _check_kept(self, invocation: Invocation, delivery: Delivery, code: int) -> None:
        """It stands in the right queue; or it is nowhere, the log says so, and the provider must send it again."""
        if not self._stands(delivery):
            if code != 998:
                raise Violation(f"refused for good with {code}, and not kept: {delivery.win}")
            if "sqs" not in invocation.failed or not invocation.says("parking failed"):
                raise Violation(f"neither kept nor told: {delivery.win}")
            self.happened["a refusal could not be kept"] += 1
            return
        self._kept.append(delivery)
        if code != 998 or "sqs" not in invocation.failed:  # else only the queue's answers were lost, whichever it is
            right = kept_for(code)
            if right is None or not all(name.endswith(right.queue) for name in invocation.sent):
                raise Violation(f"answered {code}, and kept in {invocation.sent}: {delivery.win}")

    # --- The queues ---------------------------------------------------------------------------------

    def _arrived(self, message: Message, invocation: Invocation | None = None) -> None:
        """A message is in a queue: what it says is right, and who consumes it wakes up in time."""
        delivery, prize_only = self._content(message)
        if prize_only:
            self._prizes[_prize_of(delivery.win)].append(message)
        else:
            self._standing[delivery.number].append(message)
            if invocation:
                invocation.sent.append(message.queue)
        if invocation and message.queue.endswith("RetryQueue"):
            delay = min(self.script.retry_seconds, LONGEST_DELAY_SECONDS)
            if message.visible_at != self.timeline.now + delay:
                raise Violation(f"tried again after {message.visible_at - self.timeline.now} s: {delivery.win}")
        self._wake(message.queue, message.visible_at)

    def _content(self, message: Message) -> Kept:
        """What was kept, which must be as it was sent."""
        if message.body in self._strays:
            return Kept(self._strays[message.body], prize_only=False)
        if message.body not in self._contents:
            parked = json.loads(message.body)
            request = parked["request"]
            delivery = self._delivery_of(request)
            if not delivery or request != delivery.kept:
                raise Violation(f"kept, and never sent: {request}")
            win = delivery.win
            if not message.queue.startswith(win.callback.title()) or parked["callback"] != win.callback:
                raise Violation(f"kept in {message.queue} as {parked['callback']}: {win}")
            if parked["reference"] != win.reference:
                raise Violation(f"kept under {parked['reference']}: {win}")
            if parked.get("prize_only") and parked["code"] != self.books.dispute(win):
                raise Violation(f"its prize is kept for {parked['code']}, not {self.books.dispute(win)}: {win}")
            told = parked["reason"].partition("content: ")[2].split(", ")
            if parked["code"] == 61 and told not in differing(win, self.books.contract):
                raise Violation(f"told that {told} differ, but {differing(win, self.books.contract)}: {win}")
            first = self._first_received.setdefault(delivery.number, parked["first_received_at"])
            if parked["first_received_at"] != first or not re.fullmatch(MOMENT, first):
                raise Violation(f"first received at {parked['first_received_at']}, not {first}: {win}")
            self._contents[message.body] = Kept(delivery, parked.get("prize_only", False))
        return self._contents[message.body]

    def _delivery_of(self, request: str) -> Delivery | None:
        """The delivery that a request's text is of."""
        found = re.search(r'"platform":"delivery-(\d+)"', request)
        return self.deliveries.get(int(found[1])) if found else None

    def _stands(self, delivery: Delivery, *, without: Message | None = None) -> bool:
        """Whether a queue holds it, in another message than that."""
        waiting = self.network.queues.waiting
        messages = self._standing.get(delivery.number, ())
        return any(each is not without and each.number in waiting[each.queue] for each in messages)

    def _prize_stands(self, win: Win) -> bool:
        waiting = self.network.queues.waiting
        return any(each.number in waiting[each.queue] for each in self._prizes.get(_prize_of(win), ()))

    def _hidden(self, queue: str, handle: str, seconds: float) -> None:
        """A message is hidden for longer with each try."""
        receives = int(handle.rpartition("/")[2])
        wait = 0 if receives >= MAX_TRIES else self.script.retry_seconds * 2**receives
        if seconds != min(wait, LONGEST_HIDDEN_SECONDS):
            raise Violation(f"hidden for {seconds} s after {receives} tries")
        self._wake(queue, self.timeline.now + seconds)

    def _wake(self, queue: str, moment: float) -> None:
        if queue.endswith("RetryQueue"):
            self.timeline.at(moment, lambda: self._consume(queue))

    def _consume(self, queue: str) -> None:
        """What SQS and Lambda do with the messages that are due: each batch is a function's."""
        waiting = self.network.queues.waiting
        while first := next(iter(waiting[queue].values()), None):
            number, chance = self._chance(first, 1019)
            if self.network.happens((number, 2 * first.receives, -3), "out of order", chance.random()):
                waiting[queue] = dict(reversed(waiting[queue].items()))
            if not (messages := self.network.queues.receive_message(queue, self._batch_size)):
                break
            self._hand_out(messages)

    def _chance(self, message: Message, salt: int) -> tuple[int, Random]:
        """The number of a message's delivery, and what decides what happens to it."""
        number = self._content(message).delivery.number
        return number, Random((self.script.seed * 1_000_003 + number) * salt + message.receives)

    def _hand_out(self, messages: Sequence[Message]) -> None:
        first, callback = messages[0], self._content(messages[0]).delivery.win.callback
        number, chance = self._chance(first, 1013)
        happens, id = self.network.happens, (number, 2 * first.receives)
        twice = happens((*id, -1), "delivered twice", chance.random())
        is_lost = happens((*id, -2), "deletion lost", chance.random())
        for time in (id[1], id[1] + 1)[: 1 + twice]:
            self.timeline.start(partial(self._retry, callback, messages, time, is_lost=is_lost))

    def _retry(self, callback: Callback, messages: Sequence[Message], time: int, *, is_lost: bool) -> None:
        records = [
            {
                "messageId": str(message.number),
                "receiptHandle": message.handle,
                "body": message.body,
                "attributes": {"ApproximateReceiveCount": str(message.receives)},
                "eventSource": "aws:sqs",
            }
            for message in messages
        ]
        received = [(message.handle, message.receives) for message in messages]
        self.retries += len(messages)
        invocation = self._invocation(callback, [self._watch(self._content(each).delivery) for each in messages], time)
        with self._at_work(invocation):
            answer = self._invoke(invocation, {"Records": records})
            failed = (
                {each["itemIdentifier"] for each in answer["batchItemFailures"]} if answer is not None else set[str]()
            )
            if answer is not None and len(messages) == 1:
                self._check_told(invocation, messages[0], received[0][1], is_done=not failed)
            if answer is None:
                self.happened["a retry's function died"] += 1
            for message, watch, (handle, receives) in zip(messages, invocation.in_hand, received, strict=True):
                if answer is not None and str(message.number) not in failed:
                    self._check_done(message, watch)
                    self.happened["a retry was done with"] += 1
                    if not is_lost:
                        self.network.queues.delete_message(message.queue, handle)
                elif answer is not None:
                    self._check_put_off(invocation, message, watch, receives)
                self._wake(message.queue, message.visible_at)

    def _check_done(self, message: Message, watch: Watch) -> None:
        """What is about to be deleted from a retry queue is credited, or left for a person."""
        delivery, books = watch.delivery, self.books
        if books.is_credited(delivery.win):
            if books.dispute(delivery.win) and not self._prize_stands(delivery.win):
                raise Violation(f"done with, and its prize is nowhere: {delivery.win}")
        elif not self._stands(delivery, without=message):
            raise Violation(f"done with, and neither credited nor left for a person: {delivery.win}")
        elif not watch.verdicts & {52, 57, 59, 61, 64}:
            raise Violation(f"left for a person, and could be credited: {delivery.win}")

    def _check_told(self, invocation: Invocation, message: Message, receives: int, *, is_done: bool) -> None:
        """What a retry tells of itself."""
        (watch,), told = invocation.in_hand, "".join(invocation.said)
        is_put_off = not is_done and "sqs" not in invocation.failed
        exhausted = is_put_off and receives >= MAX_TRIES
        is_stray = watch.delivery.win.wrong == "stray"
        given_up = is_done and (is_stray or '"message":"refused"' in told)
        is_told = {
            '"NotKept"': False,
            '"AttemptsExhausted"': exhausted or (not is_put_off and '"AttemptsExhausted"' in told),
            '"message":"left for a person"': given_up,
        }
        wrong = [what for what, must in is_told.items() if (what in told) != must]
        if wrong:
            raise Violation(f"{', '.join(wrong)} is told, or not, and it is otherwise: {watch.delivery.win}")
        if is_stray:
            return  # which nobody received
        first = self._first_received[watch.delivery.number]
        if any(f'"tries":{receives}' not in line for line in invocation.said if '"message":"refused"' in line):
            raise Violation(f"it is not told which try it was: {watch.delivery.win}")
        age = max(0.0, invocation.began + invocation.machine.skew - datetime.fromisoformat(first).timestamp())
        ages = [float(each) for each in re.findall(r'"ParkedAge":\[([-\d.]+)\]', told)]
        if len(ages) != 1 or not math.isclose(ages[0], age, abs_tol=0.01):
            raise Violation(f"{ages} s old, not {age}: {watch.delivery.win}")

    def _check_put_off(self, invocation: Invocation, message: Message, watch: Watch, receives: int) -> None:
        """What is not done with could not be, and is hidden for longer with each try."""
        self.happened["a retry was put off"] += 1
        has_company = len(invocation.in_hand) > 1  # of a batch each message has three seconds of its own
        is_excused = has_company or _ran_out_of_time(invocation) or "sqs" in invocation.failed
        if not is_excused and not watch.verdicts & {62, 998}:
            raise Violation(f"put off, and could have been done with: {watch.delivery.win}")
        wait = 0 if receives >= MAX_TRIES else min(self.script.retry_seconds * 2**receives, LONGEST_HIDDEN_SECONDS)
        is_here = message.receives == receives and message.number in self.network.queues.waiting[message.queue]
        is_hidden = message.visible_at >= invocation.began + wait - 1e-6
        if "sqs" not in invocation.failed and is_here and not is_hidden:
            raise Violation(
                f"hidden for {message.visible_at - invocation.began:.0f} s, not {wait}: {watch.delivery.win}"
            )

    # --- In the end ---------------------------------------------------------------------------------

    def _recover(self) -> None:
        """The provider sends again what it must, an operator sends every dead letter back, and the queues run dry."""
        if self.script.resends:
            heard = {id(self.deliveries[number].win) for number, code in self._answered.items() if STATUS[code] == 200}
            owed = {id(each.win): each.win for each in self.deliveries.values() if not each.win.wrong}
            for number, (key, win) in enumerate(owed.items()):
                if key not in heard:
                    self.send(win, 99 * AGAIN + number, tries=3)
            self.timeline.run()
        for callback in CALLBACKS if self.script.redrives else ():
            while letters := len(self.network.queues.waiting.get(f"{callback.title()}DeadLetters", ())):
                self._redrive(callback)
                if len(self.network.queues.waiting[f"{callback.title()}DeadLetters"]) >= letters:
                    raise Violation("a dead letter cannot be sent back")
        self.timeline.run()

    def _check_all(self) -> None:
        """The tables are as the books, nothing is lost, and the operator's own `verify` proves every ledger."""
        tables, books = self.network.tables, self.books.tables()
        for table, items in books.items():
            if tables.items[table].keys() != items.keys():
                raise Violation(
                    f"{table} holds {sorted(tables.items[table].keys() ^ items.keys())} too much or too little"
                )
            for key, item in items.items():
                self._compare(key, tables.items[table][key], item)
        for queue, waiting in self.network.queues.waiting.items():
            if queue.endswith("RetryQueue") and waiting:
                raise Violation(f"{queue} never runs dry")
        for delivery in self._kept:
            self._check_not_lost(delivery)
        for delivery in self._without_prize:
            if self.books.dispute(delivery.win) and not self._prize_stands(delivery.win):
                raise Violation(f"the prize is lost: {delivery.win}")
        if self.script.resends:
            kept = {id(each.win) for each in self.deliveries.values() if self._stands(each)}
            for delivery in self.deliveries.values():
                is_owed = not delivery.win.wrong and id(delivery.win) not in kept
                if is_owed and not self.books.is_credited(delivery.win):
                    raise Violation(f"lost: {delivery.win}")
        letters = [each for queue in self.network.queues.waiting.values() for each in queue.values()]
        for delivery, prize_only in map(self._content, letters if self.script.redrives else ()):
            can_be = not prize_only and self.books.verdict(delivery) == 0
            if can_be and not self.books.is_credited(delivery.win):
                raise Violation(f"can be credited, and is not: {delivery.win}")
        self.ledgers, faults = proved(tables, self._careless)
        if faults:
            raise Violation(f"verify finds: {faults[0]}")

    def _check_not_lost(self, delivery: Delivery) -> None:
        if not self.books.is_credited(delivery.win) and not self._stands(delivery):
            raise Violation(f"lost: {delivery.win}")

    @property
    def outcome(self) -> Outcome:
        return Outcome(
            deliveries=len(self.deliveries),
            retries=self.retries,
            credits=len(self.books.items),
            ledgers=self.ledgers,
            seconds=self.timeline.now - START,
            happened=self.happened,
        )


def _ran_out_of_time(invocation: Invocation) -> bool:
    """Whether there may have been no time left for the tables, after a pause at the most."""
    last = invocation.began + STORE_SECONDS - LAST_CALL_SECONDS + invocation.waited_before
    return invocation.was_held_up and invocation.store_left + LONGEST_PAUSE_SECONDS > last


def _literal(literal: str) -> tuple[str, str]:
    return "number", literal


def _in_another_form(text: str) -> str:
    """A dead letter as another version leaves it: it says more, and not what is false."""
    parked = json.loads(text)
    return json.dumps({"since": "0.9", **{name: value for name, value in parked.items() if value is not False}})


def _prize_of(win: Win) -> Any:
    """A win's id and its prize: one dead letter is enough for all its deliveries."""
    return win.credit.id, win.credit.prize

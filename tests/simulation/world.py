"""The wallet's world: the provider, the functions, their queues and an operator.

`play` has everything of a script happen, then everything work again. judge.py looks at each step and at what is left.
"""

import json
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from random import Random
from typing import Any

from greenlet import getcurrent

from contract import STATUS, Contract, Wallet
from memory import Message as Parked
from memory import Secrets
from tools.local.template import Queue, Template

from .books import Books
from .judge import FRESH_SECONDS, Judge
from .machines import SECRET, Fleet, Invocation, Watch, outside_replaced
from .network import Death, Network, Pace, Violation
from .provider import Play
from .script import (
    AGAIN,
    QUEUED,
    Anchored,
    ByHand,
    Delivery,
    Down,
    Erased,
    Event,
    Expired,
    Freeze,
    Function,
    Message,
    Moved,
    Opened,
    Order,
    Played,
    Queued,
    Redriven,
    Replaced,
    Rotated,
    Script,
    Sent,
    Settled,
    Spoiled,
    Stepped,
    Strayed,
    delivered,
)
from .timeline import START, Timeline

Item = dict[str, Any]

PROVIDER_SECONDS = 10  # when the provider hangs up
CHANGE_OVER_SECONDS = 2 * FRESH_SECONDS  # between the steps of a rotation
NEARLY = {"version": {"N": "1.5"}, "until": {"N": "0.5"}, "lastRounds": {"L": [{"N": "1"}]}}
PERSON_SECONDS = 3600  # for which nobody else sees a dead letter that a person has in hand


@dataclass(frozen=True)
class Outcome:
    """What came of a script. `deliveries` are the provider's, sent again or not; `retries` are those of the queues."""

    deliveries: int
    retries: int
    credits: int
    ledgers: int
    anchored: int
    seconds: float  # of the world's time
    happened: Counter[str]


@cache
def _template() -> tuple[list[Queue], int]:
    """The queues, and how many messages a function is handed at a time."""
    return Template.load().queues(), Template.load().keeping()[0].retry_batch_size


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
            place = traceback.extract_tb(wrong.__traceback__)[-1]
            known = isinstance(wrong, Violation)
            violation = (
                wrong if known else Violation(f"{type(wrong).__name__} at {place.filename}:{place.lineno}: {wrong}")
            )
            violation.met = {**world.network.met}
            raise violation from wrong
    return world.outcome


class World:
    def __init__(
        self, script: Script, pace: Pace, timeline: Timeline | None = None, network: type[Network] = Network
    ) -> None:
        self.script = script
        self.books = Books(Contract(wins_only=script.wins_only))
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
        self.judge = Judge(script, self.books, self.network, self.happened)
        self.deliveries = self.judge.deliveries
        self.network.rate, self.network.faults = script.rate, script.faults
        self._fleet = _fleet()
        self._fleet.forget()
        self._generation = 0  # of the provider's secret
        self._rotates_until = 0.0
        self._put_secret(0)
        self.retries = 0
        self._answered: dict[int, int] = {}  # by delivery
        self._in_flight: defaultdict[str, list[Watch]] = defaultdict(list)  # by credit, and by player
        self.by_hand = 0  # what a person decided
        self._plays: list[Play] = []
        self._decided: set[int] = set()  # the numbers of what a person decided about
        self._times: Counter[tuple[int, int]] = Counter()  # how often a delivery was in a function's hands so

    # --- What happens -------------------------------------------------------------------------------

    def run(self) -> None:
        for event in self.script.events:
            self.timeline.at(START + event.at, lambda event=event: self._happen(event))
        self.timeline.run(START + max((event.at for event in self.script.events), default=0.0))
        self.network.faults, self.network.rate, self.network.down = self.script.faults or {}, 0.0, {}
        self.timeline.run()
        self._recover()
        self._check_plays()
        self.judge.check_all()

    def _happen(self, event: Event) -> None:
        match event:
            case Sent():
                self.send(event.win, event.number, event.tries, event.unheard)
            case Played():
                chance = Random(f"play {self.script.seed} {event.number}")
                self._plays.append(play := Play(self, event, chance))
                play.start()
            case Opened(player=player):
                before = self.books.contract.wallets.get(player)
                version = before.version if before else 0
                self._write_wallet(player, Wallet(event.currency, Fraction(event.cash), Fraction(event.bonus), version))
                self.judge.careless.add(player)
                self._look_again(player)
            case Settled():
                self._settle(event)
            case Moved():
                self._move(event)
            case Spoiled():
                self._spoil(event)
            case Strayed():
                self.judge.kept.append(self.judge.strays.setdefault(event.text, event.delivery))
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
            case Erased():
                self._erase(event)
            case Expired():
                rounds = self.network.tables.items["Rounds"]
                for key in self.books.expired(self.timeline.now):
                    del rounds[key]
            case Anchored():
                self.judge.anchor()

    def _move(self, event: Moved) -> None:
        """Another program's deposit or bet, which never takes a balance below nothing."""
        wallet = self.books.contract.wallets.get(event.player)
        if wallet and ("Players", event.player) not in self.books.spoiled:
            cash = max(Fraction(0), wallet.cash + Fraction(event.cash))
            bonus = max(Fraction(0), wallet.bonus + Fraction(event.bonus))
            version = wallet.version + (not event.careless)
            self._write_wallet(event.player, Wallet(wallet.currency, cash, bonus, version))
            self.judge.careless.add(event.player)

    def _write_wallet(self, player: str, wallet: Wallet) -> None:
        self.books.set_wallet(player, wallet)
        item = self.books.wallet_item(player)
        self.network.tables.place(("Players", player), item)

    def _spoil(self, event: Spoiled) -> None:
        key = ("FreeRounds", event.player, event.code) if event.code else ("Players", event.player)
        tables, items = self.network.tables, self.network.tables.items[key[0]]
        if key not in items or key in self.books.spoiled:
            return
        spoilt = {name: value for name, value in items[key].items() if name != event.field}
        odd = NEARLY.get(event.field, {"BOOL": True})
        tables.place(key, spoilt if event.is_missing else {**spoilt, event.field: odd})
        self.happened["something was spoilt"] += 1
        keys: set[tuple[str, ...]] = {key}
        before: Item = {}
        records = tables.items["Transactions"]
        newest = [each for each, item in records.items() if item["userId"]["S"] == event.player][-1:]
        if event.of_record and newest:
            keys.add(newest[0])
            before = records[newest[0]]
            tables.place(newest[0], {name: value for name, value in before.items() if name != event.of_record})
        self.books.spoiled |= keys
        self._look_again(event.player)

        def restore() -> None:
            books = self.books
            item = books.count_item(event.player, event.code) if event.code else books.wallet_item(event.player)
            tables.place(key, item)
            if before:
                tables.place(newest[0], before)
            books.spoiled -= keys
            self._look_again(event.player)

        self.timeline.at(self.timeline.now + event.seconds, restore)

    def _erase(self, event: Erased) -> None:
        items = {id: item for id, item in self.books.items.items() if ("Transactions", id) not in self.books.spoiled}
        if items:
            id = [*items][event.which % len(items)]
            self.happened["a request was erased"] += "request" in items[id]
            erased = {name: value for name, value in items[id].items() if name != "request"}
            self.books.items[id] = erased
            self.network.tables.place(("Transactions", id), erased)

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

    def _redrive(self, callback: Queued, *, is_interrupted: bool = False, is_another_form: bool = False) -> None:
        queues, name = self.network.queues, f"{callback.title()}DeadLetters"
        for letter in queues.receive_message(name, 10):
            is_as_it_is = letter.body in self.judge.strays or not is_another_form
            self._put(f"{callback.title()}RetryQueue", letter.body if is_as_it_is else _in_another_form(letter.body))
            if is_interrupted:
                self.happened["a redrive was interrupted"] += 1
                letter.visible_at = self.timeline.now
                return
            self.happened["a dead letter was sent back"] += 1
            queues.delete_message(name, letter.handle)

    # --- The provider -------------------------------------------------------------------------------

    def take(self, said: Message, number: int, heard: Callable[[int], None]) -> None:
        """A message of a round that the provider plays, and sends again by its own rules."""
        delivery = delivered(said, number, self.script.has_hash)
        self.deliveries[number] = delivery
        self.judge.received[number] = self.timeline.now
        self.judge.given_up.add(number)
        self._deliver(delivery, heard, None, is_heard=True)

    def _check_plays(self) -> None:
        """The provider's books and the wallet agree, or a person has it."""
        letters = [each for queue in self.network.queues.waiting.values() for each in queue.values()]
        with_a_person = self._decided | {self.judge.content(each).delivery.number % AGAIN for each in letters}
        for play in self._plays:
            how = play.check(is_with_a_person=play.event.number in with_a_person)
            self.happened[f"a round was played: {how}"] += 1

    def send(self, win: Message | Order | Freeze, number: int, tries: int = 1, unheard: int = 0) -> None:
        """Delivers a win, and again while nothing is heard with HTTP 200; an order, while it is answered 998."""
        delivery = delivered(win, number, self.script.has_hash)
        self.deliveries[number] = delivery
        self.judge.received[number] = self.timeline.now

        def again() -> None:
            self.send(win, number + AGAIN, tries - 1, max(0, unheard - 1))

        def heard(code: int) -> None:
            self._answered[number] = code

        self._deliver(delivery, heard, again if tries > 1 else None, is_heard=not unheard)

    def _settle(self, event: Settled) -> None:
        """A person takes a dead letter in hand."""
        queues, name = self.network.queues, f"{event.callback.title()}DeadLetters"
        letters = queues.receive_message(name, 10)
        for each in letters:
            each.visible_at = self.timeline.now
        if not letters:
            return
        letter = letters[event.which % len(letters)]
        handle = letter.handle
        letter.visible_at = self.timeline.now + PERSON_SECONDS
        self.timeline.at(letter.visible_at, lambda: None)
        of, prize_only = self.judge.content(letter)

        def decide(number: int, tries: int, unheard: int) -> None:
            delivery = ByHand(
                of.win,
                number,
                of=of,
                message=letter.body,
                prize_only=prize_only,
                booked_elsewhere=event.booked_elsewhere,
            )
            self.by_hand += 1
            self._decided.add(of.number % AGAIN)

            def heard(code: int) -> None:
                if code == 0 and not event.forgets:
                    queues.delete_message(name, handle)
                else:
                    letter.visible_at = min(letter.visible_at, self.timeline.now)

            def again() -> None:
                decide(number + AGAIN, tries - 1, max(0, unheard - 1))

            self._deliver(delivery, heard, again if tries > 1 else None, is_heard=not unheard)

        decide(event.number, event.tries, event.unheard)

    def _deliver(
        self, delivery: Delivery, heard: Callable[[int], None], again: Callable[[], None] | None, *, is_heard: bool
    ) -> None:
        """Has a function answer; who asks it hears that, or asks again."""
        generation = self._generation
        event = delivery.event(generation)

        def run() -> None:
            invocation = self._invocation(
                delivery.win.callback, [self._watch(delivery, arrives=delivery.is_callback)], 0
            )
            is_done = False
            with self._at_work(invocation):
                answer = self._invoke(invocation, event)
                if answer is None:
                    self.happened["a delivery's function died"] += 1
                else:
                    self._check_answer(invocation, answer, generation)
                    if is_heard and self.timeline.now <= invocation.began + PROVIDER_SECONDS:
                        code = json.loads(answer["body"])["error"] if delivery.is_callback else answer["error"]
                        is_done = STATUS[code] == 200 if delivery.is_callback else code != 998
                        heard(code)
                    else:
                        self.happened["an answer was not heard"] += 1
            if not is_done and again:
                self.timeline.at(self.timeline.now + 2.0 ** ((delivery.number // AGAIN) % 7), again)

        self.timeline.start(run)

    # --- The functions ------------------------------------------------------------------------------

    def _watch(self, delivery: Delivery, *, arrives: bool = False) -> Watch:
        win = delivery.win
        verdict, is_disputed = self.books.verdict(delivery, arrives=arrives), self.books.must_leave(delivery)
        was_spoilt = ("Players", win.player) in self.books.spoiled
        return Watch(delivery, {verdict}, is_disputed, self.books.moment(win.player), arrives, was_spoilt)

    def _invocation(self, callback: Function, in_hand: Sequence[Watch], time: int) -> Invocation:
        wins_only = self.script.wins_only
        machine = self._fleet.take(callback, self.timeline.now, self.script.retry_seconds, wins_only=wins_only)
        number = in_hand[0].delivery.number
        self._times[number, time] += 1  # the same delivery may be in two messages
        time += 1000 * (self._times[number, time] - 1)
        chance = Random(f"{self.script.seed} {number} {time}")  # no other has its tokens
        return Invocation(self.network, machine, in_hand, self.timeline.now, time, chance)

    @contextmanager
    def _at_work(self, invocation: Invocation) -> Iterator[None]:
        """While a function is at work, what is in its hands is watched."""
        keys = [
            (key, watch) for watch in invocation.in_hand for key in (*watch.delivery.ids, watch.delivery.win.player)
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

    def _committed(self, invocation: Invocation, actions: Sequence[Item]) -> None:
        self._look_again(*self.judge.committed(invocation, actions))

    def _check_answer(self, invocation: Invocation, answer: Item, generation: int) -> None:
        if invocation.in_hand[0].delivery.is_callback:
            self.judge.check_answer(invocation, answer, generation)
        else:
            self.judge.check_order(invocation, answer)

    def _look_again(self, *keys: str) -> None:
        """What is in a function's hands may now be answered otherwise."""
        for key in keys:
            for watch in self._in_flight[key]:
                watch.verdicts.add(self.books.verdict(watch.delivery, arrives=watch.arrives))
                watch.is_disputed |= self.books.must_leave(watch.delivery)
                watch.was_spoilt |= ("Players", watch.delivery.win.player) in self.books.spoiled

    # --- The queues ---------------------------------------------------------------------------------

    def _arrived(self, message: Parked, invocation: Invocation | None = None) -> None:
        self.judge.arrived(message, invocation)
        self._wake(message.queue, message.visible_at)

    def _hidden(self, queue: str, handle: str, seconds: float) -> None:
        self.judge.check_hidden(handle, seconds)
        self._wake(queue, self.timeline.now + seconds)

    def _wake(self, queue: str, moment: float) -> None:
        if queue.endswith("RetryQueue"):
            self.timeline.at(moment, lambda: self._consume(queue))

    def _consume(self, queue: str) -> None:
        """What SQS and Lambda do with the messages that are due: each batch is a function's."""
        waiting = self.network.queues.waiting
        while first := next(iter(waiting[queue].values()), None):
            number, chance = self._chance(first, "order")
            if self.network.happens((number, 2 * first.receives, -3), "out of order", chance.random()):
                waiting[queue] = dict(reversed(waiting[queue].items()))
            if not (messages := self.network.queues.receive_message(queue, self._batch_size)):
                break
            self._hand_out(messages)

    def _chance(self, message: Parked, what: str) -> tuple[int, Random]:
        """The number of a message's delivery, and what decides what happens to it."""
        number = self.judge.content(message).delivery.number
        return number, Random(f"{what} {self.script.seed} {number} {message.receives}")

    def _hand_out(self, messages: Sequence[Parked]) -> None:
        first, callback = messages[0], self.judge.content(messages[0]).delivery.win.callback
        number, chance = self._chance(first, "delivery")
        happens, id = self.network.happens, (number, 2 * first.receives)
        twice = happens((*id, -1), "delivered twice", chance.random())
        is_lost = happens((*id, -2), "deletion lost", chance.random())
        for time in (id[1], id[1] + 1)[: 1 + twice]:
            self.timeline.start(partial(self._retry, callback, messages, time, is_lost=is_lost))

    def _retry(self, callback: Queued, messages: Sequence[Parked], time: int, *, is_lost: bool) -> None:
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
        invocation = self._invocation(
            callback, [self._watch(self.judge.content(each).delivery) for each in messages], time
        )
        with self._at_work(invocation):
            answer = self._invoke(invocation, {"Records": records})
            failed = (
                {each["itemIdentifier"] for each in answer["batchItemFailures"]} if answer is not None else set[str]()
            )
            if answer is not None and len(messages) == 1:
                self.judge.check_told(invocation, messages[0], received[0][1], is_done=not failed)
            if answer is None:
                self.happened["a retry's function died"] += 1
            for message, watch, (handle, receives) in zip(messages, invocation.in_hand, received, strict=True):
                if answer is not None and str(message.number) not in failed:
                    self.judge.check_done(invocation, message, watch)
                    self.happened["a retry was done with"] += 1
                    if not is_lost:
                        self.network.queues.delete_message(message.queue, handle)
                elif answer is not None:
                    self.judge.check_put_off(invocation, message, watch, receives)
                self._wake(message.queue, message.visible_at)

    # --- In the end ---------------------------------------------------------------------------------

    def _recover(self) -> None:
        """The provider sends again what it must, an operator sends every dead letter back, and the queues run dry."""
        if self.script.resends:
            heard = {id(self.deliveries[number].win) for number in filter(self._is_done, self._answered)}
            owed = {
                id(each.win): each.win
                for number, each in self.deliveries.items()
                if not each.win.wrong and number not in self.judge.given_up
            }
            for number, (key, win) in enumerate(owed.items()):
                if key not in heard:
                    self.send(win, 90 * AGAIN + number, tries=10)  # a number that no earlier try has
            self.timeline.run()
            unheard = {key: win for key, win in owed.items() if isinstance(win, Order | Freeze)}
            for number in filter(self._is_done, self._answered):
                unheard.pop(id(self.deliveries[number].win), None)
            for order in unheard.values():
                if self.books.verdict(delivered(order, 0)) != 998:
                    raise Violation(f"never answered: {order}")
        for callback in QUEUED if self.script.redrives else ():
            while letters := len(self.network.queues.waiting.get(f"{callback.title()}DeadLetters", ())):
                self._redrive(callback)
                if len(self.network.queues.waiting[f"{callback.title()}DeadLetters"]) >= letters:
                    raise Violation("a dead letter cannot be sent back")
        self.timeline.run()

    def _is_done(self, number: int) -> bool:
        """Whether who sent a delivery has an answer that needs no other."""
        code = self._answered[number]
        return STATUS[code] == 200 if self.deliveries[number].is_callback else code != 998

    @property
    def outcome(self) -> Outcome:
        return Outcome(
            deliveries=len(self.deliveries) + self.by_hand,
            retries=self.retries,
            credits=len(self.books.items),
            ledgers=self.judge.ledgers,
            anchored=self.judge.anchored,
            seconds=self.timeline.now - START,
            happened=self.happened,
        )


def _in_another_form(text: str) -> str:
    """A dead letter as another version leaves it: it says more, and not what is false."""
    parked = json.loads(text)
    return json.dumps({"since": "0.9", **{name: value for name, value in parked.items() if value is not False}})

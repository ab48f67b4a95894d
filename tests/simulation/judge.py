"""What must hold: after each write, for each answer and each message, and in the end. It raises Violation."""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple

from contract import STATUS, Cancel, Credit, Due, Undoing, kept_for, written
from memory import Message
from tools.walletctl.verify.account import Account

from .books import NOTHING, Balances, Books, Change, differing
from .ledger_proof import Items, items_of, prove
from .machines import Invocation, Watch
from .network import Network, Violation
from .script import QUEUED, ByHand, Delivery, Freeze, Script, Visit

Item = dict[str, Any]

# What is stated of the functions, in docs/ledger.md and docs/operating/secrets.md.
STORE_SECONDS, LAST_CALL_SECONDS, LONGEST_PAUSE_SECONDS = 3.0, 1.5, 0.15
FRESH_SECONDS, STALE_SECONDS, ASK_AGAIN_SECONDS = 300, 3600, 30
MAX_TRIES = 10
LONGEST_DELAY_SECONDS, LONGEST_HIDDEN_SECONDS = 900, 12 * 3600 - 120  # what SQS takes
ROUND_SECONDS = 400 * 86400  # after its last change, a round is forgotten, unless it is open
SKEW = 60.0  # how wrong a clock may be, and a write be late; in seconds
FRESH = ("credited", "moved", "booked elsewhere", "staked", "paid back", "cancel remembered")  # told of a new record
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00"


class Kept(NamedTuple):
    delivery: Delivery
    prize_only: bool


@dataclass
class Judge:
    """Sees that everything is right. `kept` are the deliveries that must be credited, or be in a queue, from now on.

    `deliveries` are by number, `strays` by the text of their message.
    """

    script: Script
    books: Books
    network: Network
    happened: Counter[str]
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    strays: dict[str, Delivery] = field(default_factory=dict)
    kept: list[Delivery] = field(default_factory=list)
    given_up: set[int] = field(default_factory=set)  # deliveries of a provider that sends no more
    received: dict[int, float] = field(default_factory=dict)  # when each delivery came
    careless: set[str] = field(default_factory=set)  # players whose wallet another program wrote
    ledgers: int = 0  # that were proved
    anchored: int = 0  # of them, those that an earlier anchor knew
    earlier: tuple[str, Items] | None = None  # that anchor, and what the tables held when it was written
    _without_prize: list[Delivery] = field(default_factory=list)  # answered as paid; the prize must be in a queue
    _first_received: dict[int, str] = field(default_factory=dict)  # when each kept delivery says it was
    _standing: defaultdict[int, list[Message]] = field(default_factory=lambda: defaultdict(list))  # by delivery
    _prizes: defaultdict[Any, list[Message]] = field(default_factory=lambda: defaultdict(list))  # by win and prize
    _contents: dict[str, Kept] = field(default_factory=dict)  # by a message's text
    _opened: dict[Any, float] = field(default_factory=dict)  # when a round was first seen to be open since then

    # --- What is written ----------------------------------------------------------------------------

    def committed(self, invocation: Invocation, actions: Sequence[Item]) -> list[str]:
        """After a write: the tables hold what the books make of what is in hand, and nothing else is written.

        Returns what may be answered otherwise now: the ids of the transactions, the player of an opening or of one who
        was frozen, and the player's rounds.
        """
        tables = self.network.tables
        keys = tables.keys(actions)
        delivery = self._writer(invocation, actions)
        change = self.books.due(delivery)
        if change is None:
            raise Violation(f"written, and nothing is owed: {delivery.win}: {keys}")
        is_unknown = isinstance(change, Undoing) and change.is_unknown and not isinstance(delivery, ByHand)
        if is_unknown and not self.stands(delivery):
            raise Violation(f"nobody knows what it means, and no person will look at it: {delivery.win}")
        must_be = self.books.write(change, delivery, lambda key: tables.items[key[0]].get(key, {}))
        if {*keys} != must_be.keys():
            raise Violation(f"wrote {keys}, not {[*must_be]}: {delivery.win}")
        fresh = {credit.id for credit in self._fresh(change)}
        for key, item in must_be.items():
            self._compare(key, tables.items[key[0]][key], item, is_new=key[1] in fresh)
            if key[0] == "Rounds":
                self._check_times(key, item)
        invocation.wrote |= bool(fresh) or not isinstance(change, Due)
        invocation.made |= bool(fresh)
        self.happened[self._told(change, delivery)] += 1
        is_of_player = isinstance(change, Freeze) or (isinstance(change, Due) and change.win.opens and fresh)
        rounds = [f"rounds of {key[1]}" for key in must_be if key[0] == "Rounds"]
        records = [key[1] for key in must_be if key[0] == "Transactions"]
        return [*([delivery.win.player] if is_of_player else []), *records, *rounds]

    @staticmethod
    def _fresh(change: Change) -> Sequence[Credit]:
        match change:
            case Due():
                return change.fresh
            case Undoing(back=back, memory=memory):
                return (*back, memory) if memory else back
            case _:
                return ()

    def _told(self, change: Change, delivery: Delivery) -> str:
        match change:
            case Freeze():
                return "a player was frozen" if change.freezes else "a player was let play again"
            case Undoing() if isinstance(delivery, ByHand):
                return "a person had a bet booked elsewhere" if change.cancel.booked_elsewhere else "a person paid back"
            case Undoing():
                return "a bet was paid back" if change.back else "a cancel was remembered"
            case Due():
                return self._told_of(change, delivery)
            case _:
                return "a round ended"

    def _told_of(self, due: Due, delivery: Delivery) -> str:
        if not due.fresh:
            return "a prize was noted"
        if due.win.booked_elsewhere:
            return "a person booked elsewhere"
        if isinstance(delivery, ByHand):
            return "a person paid"
        if delivery.is_callback and due.win.kind != "bet":
            return "a win was credited"
        record = self.books.contract.recorded(due.win)
        return f"{due.win.kind}: {(record and record.outcome) or 'made'}"

    def _writer(self, invocation: Invocation, actions: Sequence[Item]) -> Delivery:
        """Whose write it is, of all that is in hand."""
        if len(invocation.in_hand) == 1:
            return invocation.in_hand[0].delivery
        request = actions[0].get("Put", {}).get("Item", {}).get("request", {}).get("S", "")
        if delivery := self._delivery_of(request):
            return delivery
        for watch in invocation.in_hand:
            due = self.books.due(watch.delivery)
            if isinstance(due, Due) and due.notes_prize and due.win.prize:
                values = actions[0].get("Update", {}).get("ExpressionAttributeValues", {})
                if values.get(":amount") == {"S": due.win.prize.amount}:
                    return watch.delivery
        return invocation.in_hand[0].delivery

    def _compare(self, key: tuple[str, ...], found: Item, must_be: Item, *, is_new: bool = False) -> None:
        if is_new:
            name, moment = (found.get(attribute, {}).get("S") for attribute in ("transactionId", "recordedAt"))
            age = self.network.timeline.now - datetime.fromisoformat(moment).timestamp() if moment else math.inf
            if not name or abs(age) > SKEW or not re.fullmatch(MOMENT, moment or ""):
                raise Violation(f"{key} has no name, or not its moment: {name}, {moment}")
        if found != must_be:
            names = [name for name in {**found, **must_be} if found.get(name) != must_be.get(name)]
            told = ", ".join(f"{name}: {found.get(name)}, not {must_be.get(name)}" for name in names)
            raise Violation(f"{'/'.join(key)}: {told}")

    def _check_times(self, key: tuple[str, ...], found: Item) -> None:
        """A round tells since when it is open; or when it expires, which is long after this change."""
        now, since, expires = self.network.timeline.now, found.get("openSince"), found.get("expiresAt")
        if (since is None) == (expires is None):
            raise Violation(f"{'/'.join(key)} is open, and expires: {found}")
        if expires and abs(float(expires["N"]) - now - ROUND_SECONDS) > SKEW:
            raise Violation(f"{'/'.join(key)} expires at {expires}")
        opened = self._opened.setdefault((key, since["S"]), now) if since else now
        if since and not (
            re.fullmatch(MOMENT, since["S"]) and abs(datetime.fromisoformat(since["S"]).timestamp() - opened) <= SKEW
        ):
            raise Violation(f"{'/'.join(key)} is open since {since}")

    # --- What a function answers --------------------------------------------------------------------

    def check_answer(self, invocation: Invocation, answer: Item, generation: int) -> None:
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
            if self.stands(delivery):
                raise Violation(f"answered {code}, and kept: {win}")
            return
        if code == 998:
            self._check_excuse(invocation, watch)
        else:
            self._check_verdict(invocation, watch, code)
        if code in (0, 15) and not self._may_be_kept(delivery) and invocation.sent:
            raise Violation(f"done, and kept: {win}")
        if isinstance(win, Visit) and code == 0:
            self._check_visit(watch, said)
            return
        if code in (0, 15):
            literals = tuple(said[name] if win.as_text else said[name][1] for name in ("cash", "bonus"))
            check = self._check_success if code == 0 else self._check_not_enough
            check(invocation, watch, said, literals)
            return
        if [*said] != ["error", "description"]:
            raise Violation(f"a refusal says {said}")
        self._check_unwritten(invocation, delivery, code)
        if kept_for(code, win.callback):
            self._check_kept(invocation, delivery, code)
        elif invocation.sent and not self._may_be_kept(delivery):
            raise Violation(f"answered {code}, and kept: {win}")

    def _may_be_kept(self, delivery: Delivery) -> bool:
        """Whether a person must look at what was done, or found to be done meanwhile: a refund of an unknown round."""
        return isinstance(delivery.asked, Cancel) and delivery.asked.of_round

    def _check_visit(self, watch: Watch, said: Item) -> None:
        win = watch.delivery.win
        names = (
            ["error", "description"] if win.call == "Check" else ["currency", "cash", "bonus", "error", "description"]
        )
        if [*said] != names:
            raise Violation(f"an answer says {said}: {win}")
        if not self.books.is_settled(watch.delivery):
            raise Violation(f"answered as ended, and it is not: {win}")
        if win.call != "Check":
            self._check_balances(watch, said, (said["cash"], said["bonus"]))

    def _check_not_enough(self, invocation: Invocation, watch: Watch, said: Item, balances: Balances) -> None:
        if [*said] != ["currency", "cash", "bonus", "error", "description"]:
            raise Violation(f"a refusal says {said}")
        if not self.books.is_settled(watch.delivery):
            raise Violation(f"refused for lack of money, and not on record: {watch.delivery.win}")
        self._check_balances(watch, said, balances)

    def check_order(self, invocation: Invocation, answer: Item) -> None:
        """What the operator's own side is answered, which has the order and sends it again. Nothing is kept of it."""
        (watch,) = invocation.in_hand
        code, win = answer["error"], watch.delivery.win
        self.happened[f"{'by hand' if isinstance(watch.delivery, ByHand) else 'ordered'}: answered {code}"] += 1
        if invocation.sent:
            raise Violation(f"kept, and the caller has it: {win}")
        if code == 998:
            self._check_excuse(invocation, watch)
        else:
            self._check_verdict(invocation, watch, code)
        if code == 0 and isinstance(win, Freeze):
            if [*answer] != ["currency", "cash", "bonus", "frozen", "error", "description"]:
                raise Violation(f"an answer says {answer}")
            if answer["frozen"] is not win.freezes:
                raise Violation(f"another state than was ordered: {answer}")
        elif code == 0:
            self._check_success(invocation, watch, answer, (answer["cash"], answer["bonus"]))
        elif code == 15:
            self._check_not_enough(invocation, watch, answer, (answer["cash"], answer["bonus"]))
        elif [*answer] != ["error", "description"]:
            raise Violation(f"a refusal says {answer}")
        else:
            self._check_unwritten(invocation, watch.delivery, code)

    def _check_unwritten(self, invocation: Invocation, delivery: Delivery, code: int) -> None:
        """What is refused has written nothing; but a cancel is remembered also where there is no wallet.

        A bet may be taken and paid back before its function hears of it.
        """
        is_remembered = code == 62 and isinstance(delivery.asked, Cancel)
        if invocation.wrote and code not in (53, 998) and not is_remembered:
            raise Violation(f"written, and answered {code}: {delivery.win}")

    def _check_verdict(self, invocation: Invocation, watch: Watch, code: int) -> None:
        # What a person has settled is a replay, if there is time to see it.
        refusal = self.books.refusal(watch.delivery, arrives=watch.arrives)
        if code not in watch.verdicts and not (code == refusal and invocation.was_held_up):
            raise Violation(f"answered {code}, not {sorted(watch.verdicts)}: {watch.delivery.win}")

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
        something_to_keep &= (watch.delivery.is_callback and watch.delivery.win.callback in QUEUED) or watch.is_disputed
        could_not_be_kept = something_to_keep and "sqs" in invocation.failed
        if not _ran_out_of_time(invocation) and not could_not_be_kept:
            seconds = invocation.store_left - invocation.began
            raise Violation(f"given up after {seconds:.3f} s: {watch.delivery.win}")

    def _check_success(self, invocation: Invocation, watch: Watch, said: Item, balances: Balances) -> None:
        delivery, win, books = watch.delivery, watch.delivery.win, self.books
        by_hand = ["before", "movements"] if isinstance(delivery, ByHand) else []
        by_hand += ["prizeLeft"] if by_hand and books.dispute(delivery) else []
        if [*said] != ["transactionId", "currency", "cash", "bonus", "error", "description", *by_hand]:
            raise Violation(f"an answer says {said}")
        if by_hand:
            self._check_decided(invocation, said)
        if not books.is_settled(delivery) or not isinstance(asked := delivery.asked, Credit | Cancel):
            raise Violation(f"not credited, but answered so: {win}")
        if said["transactionId"] != self._name_of(asked, said["transactionId"]):
            raise Violation(f"another's name: {said}")
        self._check_balances(watch, said, balances)
        if code := books.dispute(delivery):
            self._check_prize_told(invocation, win, code)
            self._without_prize.append(delivery)
            self.happened["a prize was left for a person"] += 1
            if not self._prize_stands(delivery):
                raise Violation(f"the prize is kept nowhere: {win}")
        is_told_as_fresh = any(invocation.says(f'"message":"{each}"') for each in FRESH)
        if is_told_as_fresh and not invocation.made:
            raise Violation(f"a replay, and told as credited: {win}")
        if invocation.made and not invocation.was_beaten and not is_told_as_fresh:
            raise Violation(f"credited, and told as a replay: {win}")

    def _name_of(self, asked: Credit | Cancel, found: str) -> str:
        """What the first to be told of it was told; a cancel has its name also where nothing is paid back."""
        if isinstance(asked, Cancel):
            return self.books.names.setdefault(asked.id, found)
        return self.books.items[asked.id]["transactionId"]["S"]

    def _check_decided(self, invocation: Invocation, said: Item) -> None:
        """What a person is told of a decision: what it wrote, and what that made of the cash there was."""
        cash = Fraction(said["before"]["cash"])
        for told in said["movements"]:
            made = self.books.items[told["id"]]
            cash += Fraction(made["amount"]["N"])
            if (told["amount"], told.get("outcome")) != (made["amount"]["N"], made.get("outcome", {}).get("S")):
                raise Violation(f"another movement is told: {said}")
        if written(cash) != said["cash"] or (said["movements"] and not invocation.wrote):
            raise Violation(f"what was decided is not what was done: {said}")

    def _check_balances(self, watch: Watch, said: Item, balances: Balances) -> None:
        asked, books = watch.delivery.asked, self.books
        assert asked
        wallet = books.contract.wallets.get(asked.player)
        own = (asked.currency_as_sent if isinstance(asked, Credit) else None) or ""
        currencies = {wallet.currency if wallet else own}
        if balances == NOTHING and not watch.moment:  # there was no wallet when it came
            currencies.add(own)
        since = books.balances_since(watch.delivery, 0 if watch.was_spoilt else watch.moment)
        if said["currency"] not in currencies or balances not in since:
            raise Violation(f"{balances} {said['currency']} were not the balances then: {watch.delivery.win}")

    def _check_prize_told(self, invocation: Invocation, win: Any, code: int) -> None:
        told = [line for line in invocation.said if '"message":"prize left for a person"' in line]
        if not told or f'"code":{code}' not in told[0] or '"reason":"' not in told[0]:
            raise Violation(f"it is not told that a prize is left: {win}")

    def _check_kept(self, invocation: Invocation, delivery: Delivery, code: int) -> None:
        """The request is in the right queue. If it is in none, the log says so, and the provider must send it again."""
        if not self.stands(delivery):
            if code != 998 and self.books.is_settled(delivery):
                return  # it was sent back and credited before this answer was heard
            if code != 998:
                raise Violation(f"refused for good with {code}, and not kept: {delivery.win}")
            if "sqs" not in invocation.failed or not invocation.says("parking failed"):
                raise Violation(f"neither kept nor told: {delivery.win}")
            self.happened["a refusal could not be kept"] += 1
            return
        self.kept.append(delivery)
        # What a person must look at is left before anything is written, whatever comes of that.
        sent = [each for each in invocation.sent if _code(each) or not self._may_be_kept(delivery)]
        if max(len(sent), len(invocation.sent) - len(sent)) > 1 and "sqs" not in invocation.failed:
            raise Violation(f"kept twice: {delivery.win}")
        waiting = self.network.queues.waiting
        standing = [each for each in self._standing[delivery.number] if each.number in waiting[each.queue]]
        if "sqs" not in invocation.failed and all(_code(each) != code for each in standing):
            raise Violation(f"answered {code}, and kept for another code: {delivery.win}")
        if code != 998 or "sqs" not in invocation.failed:  # else only the queue's answers were lost, whichever it is
            right = kept_for(code, delivery.win.callback)
            if right is None or not all(each.queue.endswith(right.queue) for each in sent):
                raise Violation(f"answered {code}, and kept in {[each.queue for each in sent]}: {delivery.win}")

    # --- What is in the queues ----------------------------------------------------------------------

    def arrived(self, message: Message, invocation: Invocation | None = None) -> None:
        """A message is in a queue: what it says is right, and how long it waits."""
        delivery, prize_only = self.content(message)
        if prize_only:
            self._prizes[_prize_of(delivery)].append(message)
            if invocation:
                invocation.prizes += invocation.in_hand[0].arrives  # a batch may have a delivery in two messages
                if invocation.prizes > 1 and "sqs" not in invocation.failed:
                    raise Violation(f"its prize is left twice: {delivery.win}")
        else:
            self._standing[delivery.number].append(message)
            if invocation:
                invocation.sent.append(message)
        if invocation and message.queue.endswith("RetryQueue"):
            delay = min(self.script.retry_seconds, LONGEST_DELAY_SECONDS)
            if message.visible_at != self.network.timeline.now + delay:
                raise Violation(f"tried again after {message.visible_at - self.network.timeline.now} s: {delivery.win}")

    def content(self, message: Message) -> Kept:
        """What was kept, which must be as it was sent."""
        if message.body in self.strays:
            return Kept(self.strays[message.body], prize_only=False)
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
            due = {self.books.dispute(delivery), delivery.refusal}
            if parked.get("prize_only") and parked["code"] not in due:
                raise Violation(f"its prize is kept for {parked['code']}, not {due}: {win}")
            told = parked["reason"].partition("content: ")[2].split(", ")
            if (
                told != [""]
                and parked["code"] == 61
                and told not in (known := differing(delivery, self.books.contract))
            ):
                raise Violation(f"told that {told} differ, but {known}: {win}")
            first = self._first_received.setdefault(delivery.number, parked["first_received_at"])
            is_known = parked["first_received_at"] == first and re.fullmatch(MOMENT, first)
            if not is_known or abs(datetime.fromisoformat(first).timestamp() - self.received[delivery.number]) > SKEW:
                raise Violation(f"first received at {parked['first_received_at']}, not {first}: {win}")
            self._contents[message.body] = Kept(delivery, parked.get("prize_only", False))
        return self._contents[message.body]

    def _delivery_of(self, request: str) -> Delivery | None:
        """The delivery that a request's text is of."""
        found = re.search(r'"platform":"delivery-(\d+)"', request)
        return self.deliveries.get(int(found[1])) if found else None

    def stands(self, delivery: Delivery, *, without: Message | None = None) -> bool:
        """Whether a queue holds it, in another message than that."""
        waiting = self.network.queues.waiting
        messages = self._standing.get(delivery.number, ())
        return any(each is not without and each.number in waiting[each.queue] for each in messages)

    def _prize_stands(self, delivery: Delivery, *, without: Message | None = None) -> bool:
        waiting = self.network.queues.waiting
        return any(
            each is not without and each.number in waiting[each.queue]
            for each in self._prizes.get(_prize_of(delivery), ())
        )

    def check_hidden(self, handle: str, seconds: float) -> None:
        """A message is hidden for longer with each try."""
        receives = int(handle.rpartition("/")[2])
        wait = 0 if receives >= MAX_TRIES else self.script.retry_seconds * 2**receives
        if seconds != min(wait, LONGEST_HIDDEN_SECONDS):
            raise Violation(f"hidden for {seconds} s after {receives} tries")

    def check_done(self, invocation: Invocation, message: Message, watch: Watch) -> None:
        """What is about to be deleted from a retry queue is credited, or left for a person."""
        delivery, books = watch.delivery, self.books
        if books.is_settled(delivery):
            gave_up = len(invocation.in_hand) == 1 and invocation.says('"message":"left for a person"')
            if gave_up and 0 in watch.verdicts and len(watch.verdicts) == 1 and not invocation.was_held_up:
                raise Violation(f"settled by a person, and left for one again: {delivery.win}")
            if books.dispute(delivery) and not self._prize_stands(delivery, without=message):
                raise Violation(f"done with, and its prize is nowhere: {delivery.win}")
        elif self.content(message).prize_only and not books.is_lost(delivery):  # another delivery settled its win
            if not self._prize_stands(delivery, without=message):
                raise Violation(f"done with, and its prize is nowhere: {delivery.win}")
        elif not self.stands(delivery, without=message):
            raise Violation(f"done with, and neither credited nor left for a person: {delivery.win}")
        elif not watch.verdicts & {52, 57, 59, 61, 64}:
            raise Violation(f"left for a person, and could be credited: {delivery.win}")

    def check_told(self, invocation: Invocation, message: Message, receives: int, *, is_done: bool) -> None:
        """What a retry tells of itself."""
        (watch,), told = invocation.in_hand, "".join(invocation.said)
        is_put_off = not is_done and "sqs" not in invocation.failed
        exhausted = is_put_off and receives >= MAX_TRIES
        is_stray = watch.delivery.win.wrong == "stray"
        is_remembered = watch.delivery.win.callback == "cancel" and '"code":62' in told
        given_up = is_done and (is_stray or ('"message":"refused"' in told and not is_remembered))
        is_told = {
            '"NotKept"': False,
            '"AttemptsExhausted"': exhausted or (not is_put_off and '"AttemptsExhausted"' in told),
            '"message":"left for a person"': given_up,
        }
        wrong = [what for what, must in is_told.items() if (what in told) != must]
        if wrong:
            raise Violation(f"{', '.join(wrong)} is told, or not, and it is otherwise: {watch.delivery.win}")
        if (
            invocation.sent
            and not given_up
            and not self._may_be_kept(watch.delivery)
            and "sqs" not in invocation.failed
        ):
            raise Violation(f"a retry sent {invocation.sent}, and did not give up")
        if is_stray:
            return  # which nobody received
        first = self._first_received[watch.delivery.number]
        if any(f'"tries":{receives}' not in line for line in invocation.said if '"message":"refused"' in line):
            raise Violation(f"it is not told which try it was: {watch.delivery.win}")
        age = max(0.0, invocation.began + invocation.machine.skew - datetime.fromisoformat(first).timestamp())
        ages = [float(each) for each in re.findall(r'"ParkedAge":\[([-\d.]+)\]', told)]
        if len(ages) != 1 or not math.isclose(ages[0], age, abs_tol=0.01):
            raise Violation(f"{ages} s old, not {age}: {watch.delivery.win}")

    def check_put_off(self, invocation: Invocation, message: Message, watch: Watch, receives: int) -> None:
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

    def check_all(self) -> None:
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
        for delivery in self.kept:
            self._check_not_lost(delivery)
        for delivery in self._without_prize:
            if self.books.dispute(delivery) and not self._prize_stands(delivery):
                raise Violation(f"the prize is lost: {delivery.win}")
        if self.script.resends:
            kept = {id(each.win) for each in self.deliveries.values() if self.stands(each)}
            for delivery in self.deliveries.values():
                is_owed = delivery.is_callback and not delivery.win.wrong and id(delivery.win) not in kept
                is_owed &= delivery.win.callback in QUEUED and delivery.number not in self.given_up
                if is_owed and self.books.is_lost(delivery):
                    raise Violation(f"lost: {delivery.win}")
        letters = [each for queue in self.network.queues.waiting.values() for each in queue.values()]
        for delivery, prize_only in map(self.content, letters if self.script.redrives else ()):
            can_be = not prize_only and self.books.verdict(delivery) == 0
            if can_be and not self.books.is_settled(delivery):
                raise Violation(f"can be credited, and is not: {delivery.win}")
        for player in self.books.contract.wallets.keys() - self.careless:
            self._check_sum(player)
        self._check_proof()

    def anchor(self) -> None:
        """Proves every ledger as it is now, and keeps an anchor of it; not of what another program has spoilt."""
        spoilt = {key[1] for key in self.books.spoiled if key[0] != "Transactions"}
        items = items_of(self.network.tables, self.careless | spoilt)
        _, anchor = self._proved(items)
        self.earlier = anchor, items
        self.happened["an anchor was written"] += 1

    def _check_proof(self) -> None:
        """Nothing is named: not with the anchor, and not if wallets were read then, and all others now."""
        now = items_of(self.network.tables, self.careless)
        anchor, then = self.earlier or (None, now)
        made, _ = self._proved(now, anchor)
        self.ledgers, self.anchored = made.players, made.anchored_here
        self._proved({**now, "Players": then["Players"], "FreeRounds": then["FreeRounds"]}, anchor, now=now)

    def _proved(self, items: Items, anchor: str | None = None, *, now: Items | None = None) -> tuple[Account, str]:
        on_record = items_of(self.network.tables)["Transactions"]
        made, written_anchor = prove(items, anchor, now=now, on_record=on_record)
        for fault in made.faults:
            raise Violation(f"verify finds: {fault.user_id}, {fault.seq}, {fault.id}: {fault.what}: {fault.text}")
        return made, written_anchor

    def _check_sum(self, player: str) -> None:
        """The balances are the sums of the movements, which have every number from 1 on; and nothing took too much."""
        wallet, cash, bonus, numbers = self.books.contract.wallets[player], Fraction(0), Fraction(0), list[int]()
        for item in self.network.tables.all("Transactions"):
            if item["userId"] == player and "outcome" not in item:
                counts = item["id"].startswith("bonus#") or (item["id"].startswith("result#") and "bonusCode" in item)
                cash += Fraction(item["amount"])
                bonus += Fraction(item["amount"] if counts else item.get("bonusAmount", 0))
                numbers.append(int(item["seq"]))
                if item["id"].startswith(("withdrawal#", "bet#")) and item["amount"] and item["cashAfter"] < 0:
                    raise Violation(f"{item['id']} leaves {item['cashAfter']}")
        if (cash, bonus) != (wallet.cash, wallet.bonus) or sorted(numbers) != [*range(1, wallet.version + 1)]:
            raise Violation(f"the movements of {player} are {written(cash)} and {written(bonus)} in sum, {numbers}")

    def _check_not_lost(self, delivery: Delivery) -> None:
        if self.books.is_lost(delivery) and not self.stands(delivery):
            raise Violation(f"lost: {delivery.win}")


def _ran_out_of_time(invocation: Invocation) -> bool:
    """Whether there may have been no time left for the tables, after a pause at the most."""
    last = invocation.began + STORE_SECONDS - LAST_CALL_SECONDS + invocation.waited_before
    return invocation.was_held_up and invocation.store_left + LONGEST_PAUSE_SECONDS > last


def _literal(literal: str) -> tuple[str, str]:
    return "number", literal


def _code(message: Message) -> int:
    """Why it is kept; 0: for what a person must look at, though it is done."""
    return json.loads(message.body)["code"]


def _prize_of(delivery: Delivery) -> Any:
    """A win's id and its prize: one dead letter is enough for all its deliveries."""
    asked = delivery.asked
    return (asked.id, asked.prize) if isinstance(asked, Credit) else None

"""A function: an event of API Gateway, of its own retry queue or of the operator's own side in, an answer out.

A request is admitted, settled and reported. One that is admitted and refused is kept as well: a retry or a person may
still credit it. This is the only place that turns errors into answers, and into what is kept.
"""

import base64
import json
import os
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, TypeVar

from wallet import money, parking, report, snapshot, wire
from wallet.calls import Asked
from wallet.errors import (
    Absent,
    InvalidAmount,
    Malformed,
    MethodNotAllowed,
    Refusal,
    Unavailable,
    UnknownRound,
    Unreadable,
)
from wallet.ledger import Movement, Receipt, Settlement
from wallet.parking import Parked, Parking, ParkingFailed
from wallet.store import Store
from wallet.trust import Keyring

Event = dict[str, Any]
Answer = dict[str, Any]
RequestT = TypeVar("RequestT", bound=wire.Call)

# The provider gives up at about ten seconds, and a player is looking at the screen meanwhile.
ANSWER_SECONDS = 3.0
MAX_DECISION_BYTES = 6 * 2**20  # what Lambda takes: it holds the dead letter that it is about


class Decision(wire.Order):
    """A person's, about a dead letter (`message` is its text): it is paid here, or was by other means.

    `dry_run`: only the answer is wanted, and nothing is done.
    """

    message: wire.Recorded
    booked_elsewhere: wire.Flag | None = None
    dry_run: wire.Flag | None = None


@dataclass(frozen=True, slots=True)
class Route(Generic[RequestT]):
    """A call of the provider: its requests are `model`, and each asks for `asked_for(request)`."""

    model: type[RequestT]
    asked_for: Callable[[RequestT], Asked]


def serve(
    model: type[RequestT], asked_for: Callable[[RequestT], Asked], *, kept: bool = True
) -> Callable[[Event, Any], Answer]:
    """The Lambda handler of the callback whose requests are `model` and ask for `asked_for(request)`.

    `kept`: what is refused is kept, for a retry or a person.
    Call it while the module is imported: what it connects to is then ready for the first event.
    """
    return serve_calls({"": Route(model, asked_for)}, kept=kept)


def serve_calls(calls: Mapping[str, Route[Any]], *, kept: bool = True) -> Callable[[Event, Any], Answer]:
    """The same for a function of several calls, by the last part of their paths in lower case."""
    callback = _Callback(
        name=os.environ["POWERTOOLS_SERVICE_NAME"],
        calls=calls,
        keyring=Keyring.from_environment(),
        store=Store.from_environment(),
        parking=Parking.from_environment() if kept else None,
    )
    snapshot.prepare(callback.store.warm_up, *([callback.parking.warm_up] if callback.parking else []))
    return callback


@dataclass(frozen=True, slots=True, kw_only=True)
class _Callback:
    name: str
    calls: Mapping[str, Route[Any]]
    keyring: Keyring
    store: Store
    parking: Parking | None  # None: nothing is kept

    def __call__(self, event: Event, context: Any) -> Answer:
        """Answers an API Gateway proxy event (REST, payload 1.0), consumes a batch of SQS, or settles a dead letter.

        Raises nothing.
        """
        report.logger.append_keys(function_request_id=getattr(context, "aws_request_id", None))
        if "Records" in event:
            return self._consume(event["Records"])
        return self._settle_by_hand(event["settle"]) if "settle" in event else self._answer(event)

    # --- From the provider --------------------------------------------------------------------------

    def _answer(self, event: Event) -> Answer:
        arrived = time.monotonic()
        report.begin()
        body = parked = None
        try:
            body, parked = self._admit(event)
            settlement = self._settle(body, parked, arrived, arrives=True)
        except Exception as error:  # a defect of ours, too, must be answered and its win be kept
            refusal = _refusal_for(error)
            is_owed = refusal.is_owed and self.parking is not None
            is_safe = parked is None or not is_owed or self._keep(parked, refusal)
            report.refused(refusal, body, arrived, is_admitted=parked is not None, is_owed=is_owed)
            if not is_safe:
                refusal = Unavailable("it could not be kept")  # only the provider has it: it must send again
            return _http(refusal.http_status, wire.answer(refusal, body), **refusal.headers)
        report.settled(settlement, arrived)
        return _http(200, wire.answer(settlement.receipt, body))

    def _admit(self, event: Event) -> tuple[wire.Body, Parked]:
        """The body of a request that is the provider's, and what is to be kept of it if it is refused.

        What is refused here is kept nowhere.
        """
        if event.get("httpMethod") != "POST":
            raise MethodNotAllowed
        name = self._name_of_call(event.get("path") or "")
        model = self._call(name).model
        locks = self.keyring.locks()
        query = event.get("queryStringParameters") or {}
        token_matched = locks.check_token(query.get("authToken"))
        body = wire.parse(_text_of(event), model)
        hash_matched = locks.check_hash(body, mandatory=model.signed)
        report.begin(body)
        for lock, key in (("authToken", token_matched), ("hash", hash_matched)):
            if key:
                report.count("KeyMatched", lock=lock, key=key)
        return body, Parked(
            callback=self.name,
            call=name,
            reference=body.reference,
            first_received_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            request=body.without_secrets(),
            signed=hash_matched is not None,
        )

    def _name_of_call(self, path: str) -> str:
        """The call that a path is for; "" where the function serves only one."""
        return "" if "" in self.calls else path.rstrip("/").rpartition("/")[2].lower()

    def _call(self, name: str) -> Route[Any]:
        """Raises Malformed for none of its own."""
        if name not in self.calls:
            raise Malformed("path")
        return self.calls[name]

    def _keep(self, parked: Parked, refusal: Refusal) -> bool:
        """Keeps a refused request, which a retry or a person may still settle. False if it cannot be kept."""
        if self.parking and refusal.may_pass:
            return _park(partial(self.parking.keep, _for_reason(parked, refusal)), "Parked")
        return self._leave(_for_reason(parked, refusal).message())

    # --- From the retry queue -----------------------------------------------------------------------

    def _consume(self, records: Sequence[Event]) -> Answer:
        """Tries every message of a batch again, and names those that are to stay in the queue."""
        staying: list[Event] = []
        for record in records:
            try:
                is_done = self._try_again(record)
            except Exception as error:  # it comes back when its visibility ends, and holds up none of the others
                report.failed("a retry", error)
                is_done = False
            if not is_done:
                staying.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": staying}

    def _try_again(self, record: Event) -> bool:
        """Whether a message is done with: settled, or left for a person."""
        arrived = time.monotonic()
        report.begin()
        try:
            parked = Parked.read(record["body"])
            if parked.callback != self.name:  # a stray would be credited under another kind, and its own paid as well
                return self._give_up(record["body"], "another callback's")
            body = wire.parse(parked.request, self._call(parked.call).model)
        except (ValueError, Refusal):
            return self._give_up(record["body"], "not a parked request")
        report.begin(body)
        tries = int(record["attributes"]["ApproximateReceiveCount"])
        report.count("ParkedAge", parked.age_seconds(), "Seconds")
        try:
            settlement = self._settle(body, parked, arrived, arrives=False)
        except Exception as error:  # a defect of ours, too: the message must stay, or be left for a person
            refusal = _refusal_for(error)
            report.refused(refusal, body, arrived, is_admitted=True, is_owed=refusal.is_owed, tries=tries)
            if not refusal.is_owed:
                return True
            if refusal.may_pass:
                self._back_off(record["receiptHandle"], tries)
                return False
            return self._give_up(_for_reason(parked, refusal).message(), refusal.reason)
        report.count("SettledFromParking")
        report.settled(settlement, arrived, tries=tries)
        return True

    def _back_off(self, receipt_handle: str, tries: int) -> None:
        if tries >= parking.MAX_TRIES:
            report.count("AttemptsExhausted")
            report.count("DeadLettered")
        # If it fails, the message comes back all the same, only sooner or later than it should.
        if self.parking:
            _ask(partial(self.parking.back_off, receipt_handle, tries), "backing off failed")

    def _give_up(self, message: str, reason: str) -> bool:
        is_left = self._leave(message)
        if is_left:
            report.tell(report.logger.error, "left for a person", reason=reason)
        return is_left

    # --- From a person ------------------------------------------------------------------------------

    def _settle_by_hand(self, order: Any) -> Answer:
        """Pays what a dead letter asks for under its own id, or has it on record as booked elsewhere."""
        arrived = time.monotonic()
        report.begin()
        body = None
        try:
            decision = _body(order, Decision, MAX_DECISION_BYTES).read(Decision)
            parked = self._parked(decision.message)
            body = wire.parse(parked.request, self._call(parked.call).model)
            report.begin(body)
            asked = self._by_hand(body, parked, decision)
            if decision.dry_run:
                return _decided(self.store.foresee(asked, deadline=arrived + ANSWER_SECONDS))
            settlement = self._do(asked, parked, arrived, arrives=False)
        except Exception as error:  # a defect of ours, too, must be answered
            return _refused(error, body, arrived)
        report.count("SettledByHand")
        report.settled(settlement, arrived, actor=decision.actor)
        return _decided(settlement)

    def _parked(self, message: str) -> Parked:
        try:
            parked = Parked.read(message)
        except ValueError:
            raise Malformed("message") from None
        is_of_others = parked.callback != self.name or parked.call not in self.calls
        if is_of_others or self.parking is None:  # it would be settled as another kind, and as its own kind as well
            raise Malformed("message")
        return parked

    def _by_hand(self, body: wire.Body, parked: Parked, decision: Decision) -> Asked:
        """What a kept request asks for, as far as it can be read, as a person decided. Raises Refusal."""
        asked = self._asked_by_hand(body, parked)
        by_hand = {
            "actor": decision.actor,
            "reason": decision.reason,
            "booked_elsewhere": bool(decision.booked_elsewhere),
        }
        if not isinstance(asked, list):
            return replace(asked, **by_hand)
        win, *prizes = asked
        if parked.prize_only and not prizes:
            raise (win.prize and win.prize.fault) or Absent("promoWinAmount")
        return [replace(each, **by_hand) for each in (prizes if parked.prize_only else asked)]

    def _asked_by_hand(self, body: wire.Body, parked: Parked) -> Asked:
        call = self._call(parked.call)
        return call.asked_for(body.read_by_hand(call.model))

    # --- All of them --------------------------------------------------------------------------------

    def _settle(self, body: wire.Body, parked: Parked, arrived: float, *, arrives: bool) -> Settlement:
        call = self._call(parked.call)
        try:
            request = body.read(call.model, arrives=arrives, is_signed=parked.signed)
        except Refusal:
            settled = self._settled_by_hand(body, parked, arrived)
            if settled is None:
                raise
            if settled.disputed:
                self._leave_for_a_person(parked, settled.disputed, settled.is_left, arrives=arrives)
            return settled
        return self._do(call.asked_for(request), parked, arrived, arrives=arrives)

    def _settled_by_hand(self, body: wire.Body, parked: Parked, arrived: float) -> Settlement | None:
        """What a person has made of a request that cannot be read in full: sent again, it is a replay."""
        if self.parking is None:
            return None
        try:
            return self.store.recall(self._asked_by_hand(body, parked), deadline=arrived + ANSWER_SECONDS)
        except Refusal:
            return None

    def _do(self, asked: Asked, parked: Parked, arrived: float, *, arrives: bool) -> Settlement:
        return self.store.settle(
            asked,
            request=parked.request,
            deadline=arrived + ANSWER_SECONDS,
            leave=partial(self._leave_for_a_person, parked, arrives=arrives),
        )

    def _leave_for_a_person(self, parked: Parked, refusal: Refusal, was_left: bool, *, arrives: bool) -> None:
        """Leaves a prize that must not be paid, or the refund of an unknown round, for a person.

        Nothing is written yet: if it raises, no win is paid. A prize that was left before need not be left again by
        another delivery. A message from a queue may be the one that it was left in, and is deleted afterwards.
        """
        is_prize = not isinstance(refusal, UnknownRound)
        report.count("Conflict" if is_prize else "RefundUnknown")
        what = "prize left for a person" if is_prize else "refund left for a person"
        report.tell(report.logger.error, what, code=refusal.code, reason=refusal.reason)
        is_left = self._leave(_for_reason(parked, refusal, prize_only=is_prize).message())
        if not is_left and not (was_left and arrives):
            raise Unavailable("it could not be left for a person")

    def _leave(self, message: str) -> bool:
        return self.parking is not None and _park(partial(self.parking.give_up, message), "DeadLettered")


class Freezing(wire.Order):
    """Has a player bet no more, or again."""

    user_id: wire.Identifier


OrderT = TypeVar("OrderT", bound=wire.Order)


def serve_orders(
    model: type[OrderT], movements_for: Callable[[OrderT], list[Movement]]
) -> Callable[[Any, Any], Answer]:
    """The Lambda handler of a function that the operator's own side invokes: orders in, as objects, and answers out.

    An order moves money, or is `{"freeze": …}` or `{"unfreeze": …}`.
    """
    store = Store.from_environment()
    snapshot.prepare(store.warm_up)

    def handler(event: Any, context: Any) -> Answer:
        """Raises nothing. Nothing is kept of what is refused: the caller has it, and its answer."""
        arrived = time.monotonic()
        report.logger.append_keys(function_request_id=getattr(context, "aws_request_id", None))
        report.begin()
        body = None
        try:
            for name in ("freeze", "unfreeze"):
                if isinstance(event, dict) and name in event:
                    return _freeze(name, event, store, arrived)
            body = _body(event, model, wire.MAX_BODY_BYTES)
            report.begin(body)
            order = body.read(model)
            settlement = store.settle(
                movements_for(order),
                request=body.without_secrets(),
                deadline=arrived + ANSWER_SECONDS,
            )
        except Exception as error:  # a defect of ours, too, must be answered
            return _refused(error, body, arrived)
        report.moved(settlement, arrived, actor=order.actor)
        return wire.for_operator(settlement.receipt)

    return handler


def _freeze(name: str, event: Answer, store: Store, arrived: float) -> Answer:
    """The answer to an order to freeze a player, or to unfreeze them. Raises Refusal."""
    if len(event) > 1 or not isinstance(event[name], dict):
        raise Malformed(name)
    order = _body(event[name], Freezing, wire.MAX_BODY_BYTES).read(Freezing)
    deadline, is_frozen = arrived + ANSWER_SECONDS, name == "freeze"
    if is_frozen:
        wallet = store.freeze(order.user_id, actor=order.actor, reason=order.reason, deadline=deadline)
    else:
        wallet = store.unfreeze(order.user_id, deadline=deadline)
    what = "frozen" if is_frozen else "unfrozen"
    report.tell(report.logger.info, what, userId=order.user_id, actor=order.actor, reason=order.reason)
    receipt = Receipt(currency=wallet.currency, cash=wallet.cash, bonus=wallet.bonus, replayed=False)
    *balances, error, description = wire.for_operator(receipt).items()
    return dict([*balances, ("frozen", is_frozen), error, description])


def _decided(settlement: Settlement) -> Answer:
    """The answer to a person's decision, with what it moves, and why its prize is left for a person, if it is."""
    before, disputed = settlement.before, settlement.disputed
    return {
        **wire.for_operator(settlement.receipt),
        "before": {"cash": money.text(before.cash), "bonus": money.text(before.bonus)},
        "movements": [
            {"id": each.movement.id, "amount": money.text(each.paid)}
            | ({"outcome": each.outcome} if each.outcome else {})
            for each in settlement.transactions
        ],
        **({"prizeLeft": disputed.reason} if disputed else {}),
    }


def _body(order: object, model: type[wire.Order], most_bytes: int) -> wire.Body:
    return wire.parse(json.dumps(order, ensure_ascii=False), model, most_bytes=most_bytes)


def _refused(error: Exception, body: wire.Body | None, arrived: float) -> Answer:
    """The answer to the operator's own side, who has what was asked and must ask again."""
    refusal = _refusal_for(error)
    report.declined(refusal, body, arrived)
    return wire.for_operator(refusal)


def _park(send: Callable[[], None], metric: str) -> bool:
    is_parked = _ask(send, "parking failed")
    report.count(metric if is_parked else "ParkingFailed")
    return is_parked


def _ask(call: Callable[[], None], failure: str) -> bool:
    """Calls SQS. False if it failed, which is only logged: nobody can do more about it here."""
    try:
        call()
    except ParkingFailed as failed:
        report.tell(report.logger.error, failure, reason=str(failed))
        return False
    return True


def _for_reason(parked: Parked, refusal: Refusal, *, prize_only: bool = False) -> Parked:
    """What is kept of a request, with why. What was kept for its prize alone stays so if it cannot be read.

    If it can, and is refused, its win was not paid when its prize was left, and must not be forgotten.
    """
    stays_alone = parked.prize_only and isinstance(refusal, Absent | InvalidAmount | Malformed)
    return replace(parked, code=refusal.code, reason=refusal.reason, prize_only=prize_only or stays_alone)


def _text_of(event: Event) -> str:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body
    try:
        return base64.b64decode(body, validate=True).decode()
    except ValueError:  # neither base64 nor UTF-8
        raise Unreadable("is not UTF-8 text") from None


def _refusal_for(error: Exception) -> Refusal:
    """The refusal an error is; a defect of ours is reported as its type and place."""
    if isinstance(error, Refusal):
        return error
    # Not its message, which may quote the request, and with it a token or a hash.
    place = "; ".join(f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__))
    return Unavailable(f"a defect: {type(error).__name__} at {place}")


def _http(status: int, body: str, **headers: str) -> Answer:
    headers = {"Content-Type": "application/json", **headers}
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}

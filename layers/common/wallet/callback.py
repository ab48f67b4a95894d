"""A callback: an event of API Gateway or of its own retry queue in, an answer out.

The only place that turns errors into answers, and into what is kept for later.
"""

import base64
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from aws_lambda_powertools import Logger

from wallet import metrics, money, parking, snapshot, wire
from wallet.errors import Conflict, MethodNotAllowed, Refusal, Unavailable, Unreadable
from wallet.ledger import Credit, Settlement
from wallet.parking import Parked, Parking, ParkingFailed
from wallet.store import Store
from wallet.trust import Keyring

Event = dict[str, Any]
Answer = dict[str, Any]
RequestT = TypeVar("RequestT", bound=wire.Request)

# The provider gives up at about ten seconds, and a player is looking at the screen meanwhile.
ANSWER_SECONDS = 3.0

# What Powertools would write by itself; only that json.dumps makes an encoder anew for every line.
_json = json.JSONEncoder(default=str, separators=(",", ":"), ensure_ascii=False).encode
_logger = Logger(json_serializer=_json)


def serve(model: type[RequestT], credits_for: Callable[[RequestT], Sequence[Credit]]) -> Callable[[Event, Any], Answer]:
    """The Lambda handler of the callback whose requests are `model` and owe `credits_for(request)`.

    Call it while the module is imported: what it connects to is then ready for the first event.
    """
    store, parking = Store.from_environment(), Parking.from_environment()
    snapshot.prepare(store.warm_up, parking.warm_up)
    return _Callback(
        os.environ["POWERTOOLS_SERVICE_NAME"], model, credits_for, Keyring.from_environment(), store, parking
    )


class _Callback(Generic[RequestT]):
    def __init__(
        self,
        name: str,
        model: type[RequestT],
        credits_for: Callable[[RequestT], Sequence[Credit]],
        keyring: Keyring,
        store: Store,
        parking: Parking,
    ) -> None:
        self._name = name
        self._model = model
        self._credits_for = credits_for
        self._keyring = keyring
        self._store = store
        self._parking = parking

    def __call__(self, event: Event, context: Any) -> Answer:
        """Answers an API Gateway proxy event (REST, payload 1.0), or consumes a batch of SQS. Raises nothing."""
        _logger.append_keys(function_request_id=getattr(context, "aws_request_id", None))
        if "Records" in event:
            not_settled = [record["messageId"] for record in event["Records"] if not self._is_done(record)]
            return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in not_settled]}
        return self._answer(event)

    # --- From the provider --------------------------------------------------------------------------

    def _answer(self, event: Event) -> Answer:
        arrived = time.monotonic()
        _logger.set_correlation_id(None)
        body = admitted = None
        try:
            body, is_signed = self._admit(event)
            admitted = Parked(
                callback=self._name,
                reference=body.reference,
                code=0,
                reason="",
                first_received_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
                request=body.without_secrets(),
                signed=is_signed,
            )
            settlement = self._settle(body, admitted, arrived, arrives=True)
        except Exception as error:  # a defect of ours, too, must be answered and its win be kept
            refusal = _refusal_for(error)
            is_safe = admitted is None or self._keep(admitted, refusal)
            _report_refusal(refusal, arrived, is_kept=admitted is not None, **_who_and_what(body))
            if not is_safe:
                refusal = Unavailable("it could not be kept")  # only the provider has it: it must send again
            return _http(refusal.http_status, wire.refusal(refusal.code, str(refusal)), **refusal.headers)
        _report(settlement, arrived)
        return _http(200, wire.answer(settlement.receipt, wire.notation(body)))

    def _admit(self, event: Event) -> tuple[wire.Body, bool]:
        """The body of a request that is the provider's, and whether a hash showed it.

        What is refused here is kept nowhere.
        """
        if event.get("httpMethod") != "POST":
            raise MethodNotAllowed
        locks = self._keyring.locks()
        query = event.get("queryStringParameters") or {}
        token_matched = locks.check_token(query.get("authToken"))
        body = wire.parse(_text_of(event), self._model)
        hash_matched = locks.check_hash(body, mandatory=self._model.signed)
        _logger.set_correlation_id(_name_of(body))
        for lock, key in (("authToken", token_matched), ("hash", hash_matched)):
            if key:
                _count("KeyMatched", lock=lock, key=key)
        return body, hash_matched is not None

    def _settle(self, body: wire.Body, admitted: Parked, arrived: float, *, arrives: bool) -> Settlement:
        def leave_prize(refusal: Refusal, was_left: bool) -> None:
            _count("Conflict")
            _tell(_logger.error, "prize left for a person", code=refusal.code, reason=refusal.reason)
            is_left = self._leave(_for_reason(admitted, refusal, prize_only=True).message())
            if not is_left and not was_left:
                raise Unavailable("its prize could not be kept")  # nothing is written yet, so the provider sends again

        request = body.read(self._model, arrives=arrives, is_signed=admitted.signed)
        return self._store.settle(
            self._credits_for(request),
            request=admitted.request,
            deadline=arrived + ANSWER_SECONDS,
            leave_prize=leave_prize,
        )

    def _keep(self, admitted: Parked, refusal: Refusal) -> bool:
        """Keeps an admitted request, which a retry or a person may still credit. False if it cannot be kept."""
        parked = _for_reason(admitted, refusal)
        if refusal.may_pass:
            return self._is_sent(lambda: self._parking.keep(parked), "Parked")
        return self._leave(parked.message())

    def _leave(self, message: str) -> bool:
        return self._is_sent(lambda: self._parking.give_up(message), "DeadLettered")

    def _is_sent(self, send: Callable[[], None], metric: str) -> bool:
        try:
            send()
        except ParkingFailed as failed:
            _count("ParkingFailed")
            _tell(_logger.error, "parking failed", reason=str(failed))
            return False
        _count(metric)
        return True

    # --- From the retry queue -----------------------------------------------------------------------

    def _is_done(self, record: Event) -> bool:
        """Whether the message is settled, or left for a person. Raises nothing, for the sake of the batch's others."""
        try:
            return self._try_again(record)
        except Exception as error:  # it comes back by itself, when its visibility ends
            _print_failure("a retry", error)
            return False

    def _try_again(self, record: Event) -> bool:
        arrived = time.monotonic()
        _logger.set_correlation_id(None)
        try:
            parked = Parked.read(record["body"])
            body = wire.parse(parked.request, self._model)
        except (ValueError, Refusal):
            return self._give_up(record["body"], "not a parked request")
        if parked.callback != self._name:  # a stray would be credited under another kind, and its own paid as well
            return self._give_up(record["body"], "another callback's")
        _logger.set_correlation_id(_name_of(body))
        tries = int(record["attributes"]["ApproximateReceiveCount"])
        _count("ParkedAge", _seconds_since(parked.first_received_at), "Seconds")
        try:
            settlement = self._settle(body, parked, arrived, arrives=False)
        except Exception as error:  # as above
            refusal = _refusal_for(error)
            _report_refusal(refusal, arrived, is_kept=True, tries=tries, **_who_and_what(body))
            if refusal.may_pass:
                return self._back_off(record["receiptHandle"], tries)
            return self._give_up(_for_reason(parked, refusal).message(), refusal.reason)
        _count("SettledFromParking")
        _report(settlement, arrived, tries=tries)
        return True

    def _back_off(self, receipt_handle: str, tries: int) -> bool:
        if tries >= parking.MAX_TRIES:
            _count("AttemptsExhausted")
            _count("DeadLettered")
        try:
            self._parking.back_off(receipt_handle, tries)
        except ParkingFailed as failed:  # it comes back all the same, only sooner or later than it should
            _tell(_logger.error, "backing off failed", reason=str(failed))
        return False

    def _give_up(self, message: str, reason: str) -> bool:
        if not self._leave(message):
            return False
        _tell(_logger.error, "left for a person", reason=reason)
        return True


def _for_reason(admitted: Parked, refusal: Refusal, *, prize_only: bool = False) -> Parked:
    return replace(admitted, code=refusal.code, reason=refusal.reason, prize_only=prize_only)


def _text_of(event: Event) -> str:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body
    try:
        return base64.b64decode(body, validate=True).decode()
    except ValueError:  # neither base64 nor UTF-8
        raise Unreadable("is not UTF-8 text") from None


def _seconds_since(moment: str) -> float:
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())


def _refusal_for(error: Exception) -> Refusal:
    """The refusal an error is; a defect of ours is told as its type and place."""
    if isinstance(error, Refusal):
        return error
    # Not its message, which may quote the request, and with it a token or a hash.
    place = "; ".join(f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__))
    return Unavailable(f"a defect: {type(error).__name__} at {place}")


def _name_of(body: wire.Body) -> str | None:
    """The reference, if it is fit for a log."""
    return body.plainly("reference").get("reference")


def _who_and_what(body: wire.Body | None) -> dict[str, str]:
    """What a refused win is looked for by, beside its reference: whoever misses it may know no more."""
    return body.plainly("userId", "roundId", "amount", "currency") if body else {}


def _http(status: int, body: str, **headers: str) -> Answer:
    headers = {"Content-Type": "application/json", **headers}
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}


def _report(settlement: Settlement, arrived: float, **facts: Any) -> None:
    receipt = settlement.receipt
    if receipt.replayed:
        _count("Replayed")
    for transaction in settlement.transactions:
        credit, left = transaction.credit, transaction.free_rounds
        _count("Credited")
        # For the eye: a metric is a binary float. The exact amount is in the log and on record.
        _count("CreditedAmount", float(transaction.paid), "None", currency=settlement.after.currency)
        if credit.free_round == "total" and credit.bonus_code is None:
            _count("FreeRoundTotalWithoutCode")  # nothing can tell which rounds it covers
        if left and credit.moment is None:
            _count("FreeRoundTimestampUnknown")  # a late round could not be told from a new one
        if left and left.uncovered and credit.free_round == "total":
            _count("FreeRoundUncovered")  # rounds of another grant, or paid beyond their total
            facts["freeRoundsUncovered"] = money.text(left.uncovered)
    _tell(
        _logger.info,
        "replayed" if receipt.replayed else "credited",
        userId=settlement.after.user_id,
        transactionId=receipt.transaction_id,
        transactions=[
            {
                "id": transaction.credit.id,
                "seq": transaction.seq,
                "amount": money.text(transaction.paid),
                "cashAfter": money.text(transaction.cash_after),
            }
            for transaction in settlement.transactions
        ],
        milliseconds=_milliseconds_since(arrived),
        **facts,
    )


def _report_refusal(refusal: Refusal, arrived: float, *, is_kept: bool, **facts: Any) -> None:
    _count("Refused", code=str(refusal.code))
    if not is_kept and not isinstance(refusal, MethodNotAllowed):
        _count("NotKept")  # whatever it was, only the provider has it
    if isinstance(refusal, Conflict):
        _count("Conflict")
        facts["differences"] = refusal.differences
    log = _logger.error if refusal.is_owed else _logger.warning
    _tell(log, "refused", code=refusal.code, reason=refusal.reason, milliseconds=_milliseconds_since(arrived), **facts)


def _tell(log: Callable[..., None], message: str, **facts: Any) -> None:
    """Writes to the log. Raises nothing: what was decided stands, whether it can be told or not."""
    try:
        log(message, stacklevel=3, **facts)
    except Exception as error:  # whatever a log library comes up with
        _print_failure("logging", error)


def _milliseconds_since(arrived: float) -> float:
    return round(1000 * (time.monotonic() - arrived), 1)


def _count(metric: str, value: float = 1, unit: metrics.Unit = "Count", **dimensions: str) -> None:
    """One metric of this callback. Raises nothing."""
    try:
        metrics.emit(metric, value, unit, dimensions)
    except Exception as error:  # no win is worth less than a figure about it
        _print_failure("counting", error)


def _print_failure(what: str, error: Exception) -> None:
    """Not the error's message, which may quote the request."""
    with suppress(OSError):  # a closed standard error is no reason either
        print(f"{what} failed: {type(error).__name__}", file=sys.stderr)

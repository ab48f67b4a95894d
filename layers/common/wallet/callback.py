"""A callback: an API Gateway event in, an answer out. The only place that turns errors into answers."""

import base64
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from wallet import money, wire
from wallet.errors import Conflict, MethodNotAllowed, Refusal, Unavailable, Unreadable
from wallet.ledger import Credit, Settlement
from wallet.store import Store
from wallet.trust import Keyring

Event = dict[str, Any]
Answer = dict[str, Any]
Facts = dict[str, Any]  # what the log says of one callback
RequestT = TypeVar("RequestT", bound=wire.Request)

# The provider gives up at about ten seconds, and a player is looking at the screen meanwhile.
ANSWER_SECONDS = 3.0

_FOR_A_PERSON = frozenset({Conflict.code, Unavailable.code})  # logged as errors, the other refusals as warnings

# Both take the callback's name from POWERTOOLS_SERVICE_NAME.
_logger = Logger()
_metrics = Metrics(namespace="LuckyMonacoWallet")


def serve(model: type[RequestT], credits_for: Callable[[RequestT], Sequence[Credit]]) -> Callable[[Event, Any], Answer]:
    """The Lambda handler of the callback whose requests are `model` and owe `credits_for(request)`.

    Call it while the module is imported: what it connects to is then ready for the first event.
    """
    return _Callback(model, credits_for, Store.from_environment(), Keyring.from_environment())


class _Callback(Generic[RequestT]):
    def __init__(
        self,
        model: type[RequestT],
        credits_for: Callable[[RequestT], Sequence[Credit]],
        store: Store,
        keyring: Keyring,
    ) -> None:
        self._model = model
        self._credits_for = credits_for
        self._store = store
        self._keyring = keyring

    def __call__(self, event: Event, context: Any) -> Answer:
        """Answers an API Gateway proxy event (REST, payload 1.0). Raises nothing."""
        arrived = time.monotonic()
        _logger.set_correlation_id(None)
        _logger.append_keys(function_request_id=getattr(context, "aws_request_id", None))
        try:
            answer, facts = self._credit(event, deadline=arrived + ANSWER_SECONDS)
            log, outcome = _logger.info, "credited" if facts["transactions"] else "replayed"
        except Refusal as refusal:
            answer, facts = _refuse(refusal)
            log, outcome = _logger.error if refusal.code in _FOR_A_PERSON else _logger.warning, "refused"
        except Exception as defect:  # a defect of ours must not cost a player the win: the provider sends again
            answer, facts = _refuse(Unavailable(f"a defect: {type(defect).__name__}"))
            # Its place but not its message: a message may quote the request, and with it a token or a hash.
            facts["place"] = traceback.format_tb(defect.__traceback__)
            log, outcome = _logger.error, "refused"
        facts["milliseconds"] = round(1000 * (time.monotonic() - arrived), 1)
        log(outcome, **facts)
        return answer

    def _credit(self, event: Event, *, deadline: float) -> tuple[Answer, Facts]:
        """Every step that can refuse comes before the one that moves money."""
        if event.get("httpMethod") != "POST":
            raise MethodNotAllowed
        locks = self._keyring.locks()
        query = event.get("queryStringParameters") or {}
        token_matched = locks.check_token(query.get("authToken"))
        body = wire.parse(_text_of(event))
        hash_matched = locks.check_hash(body, mandatory=self._model.signed)
        _logger.set_correlation_id(body.reference)
        for lock, key in (("authToken", token_matched), ("hash", hash_matched)):
            if key:
                _count("KeyMatched", lock=lock, key=key)

        request = body.read(self._model)
        credits = self._credits_for(request)
        settlement = self._store.settle(credits, request=body.without_secrets(), deadline=deadline)
        _count_settled(settlement)
        return _answer(200, wire.answer(settlement.receipt, wire.notation(body))), _facts(settlement)


def _text_of(event: Event) -> str:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body
    try:
        return base64.b64decode(body, validate=True).decode()
    except ValueError:  # neither base64 nor UTF-8
        raise Unreadable("is not UTF-8 text") from None


def _refuse(refusal: Refusal) -> tuple[Answer, Facts]:
    _count("Refused", code=str(refusal.code))
    facts: Facts = {"code": refusal.code, "description": str(refusal)}
    match refusal:
        case Conflict():
            _count("Conflict")
            facts["differences"] = refusal.differences
        case Unavailable():
            facts["reason"] = refusal.reason
    return _answer(refusal.http_status, wire.refusal(refusal.code, str(refusal))), facts


def _answer(status: int, body: str) -> Answer:
    headers = {"Content-Type": "application/json"}
    if status == MethodNotAllowed.http_status:
        headers["Allow"] = "POST"
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}


def _facts(settlement: Settlement) -> Facts:
    """What the log says of a callback that was answered with its balances."""
    facts: Facts = {
        "userId": settlement.after.user_id,
        "transactionId": settlement.receipt.transaction_id,
        "transactions": [
            {
                "id": transaction.credit.id,
                "seq": transaction.seq,
                "amount": money.text(transaction.paid),
                "cashAfter": money.text(transaction.cash_after),
            }
            for transaction in settlement.transactions
        ],
    }
    if settlement.overpaid:
        facts["freeRoundsOverpaid"] = money.text(settlement.overpaid)
    return facts


def _count_settled(settlement: Settlement) -> None:
    if settlement.receipt.replayed:
        _count("Replayed")
    for _ in settlement.transactions:
        _count("Credited")
    if settlement.overpaid:
        _count("FreeRoundOverpaid")


def _count(metric: str, **dimensions: str) -> None:
    """One metric of this callback, printed at once: different ones have different dimensions."""
    for name, value in dimensions.items():
        _metrics.add_dimension(name, value)
    _metrics.add_metric(metric, MetricUnit.Count, 1)
    _metrics.flush_metrics()

"""What a callback reports: one line of the log for each request, and metrics. None of it raises anything.

What was decided is done by then. A log or a figure that cannot be written changes no answer, and loses no win.
A metric is a line of the log, too, in CloudWatch's embedded format: CloudWatch counts from it by itself.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from aws_lambda_powertools import Logger

from wallet import money
from wallet.errors import MethodNotAllowed, Refusal
from wallet.ledger import Settlement
from wallet.wire import Body

# What Powertools would write by itself; but json.dumps would make a new encoder for every line.
_json = json.JSONEncoder(default=str, separators=(",", ":"), ensure_ascii=False).encode
# A message is a plain text: by itself, Powertools would try to read JSON in it.
logger = Logger(json_serializer=_json, json_deserializer=str)


def begin(body: Body | None = None) -> None:
    """Has the lines that follow carry this request's reference, if it is fit for a log; until it is read, none."""
    logger.set_correlation_id(body and body.plainly("reference").get("reference"))


def settled(settlement: Settlement, arrived: float, **facts: Any) -> None:
    for transaction in settlement.transactions:
        movement, left, round_ = transaction.movement, transaction.free_rounds, transaction.round
        if transaction.outcome == "cancelled":
            count("CancelRemembered")
        if transaction.outcome:
            continue
        counted, _ = _WHAT[movement.part]
        count(counted)
        # For the eye: a metric is a binary float. The exact amount is in the log and on record.
        count(f"{counted}Amount", float(transaction.paid.copy_abs()), "None", currency=settlement.after.currency)
        if movement.part == "bet" and round_ and round_.ended:
            count("BetAfterEnd")
        if movement.auto_closed and round_ and round_.winnings > movement.amount:
            count("ClosedWithWinnings")  # the round had won already: it may be closed a second time
            facts["lookAt"] = "closed-with-winnings"  # so the alarm's reader finds which
        if movement.free_round == "total" and movement.bonus_code is None:
            count("FreeRoundTotalWithoutCode")  # nothing can tell which rounds it covers
            facts["lookAt"] = "total-without-code"
        if left and movement.moment is None:
            count("FreeRoundTimestampUnknown")  # a late round could not be told from a new one
        if left and left.uncovered and movement.free_round == "total":
            count("FreeRoundUncovered")  # rounds of another grant, or paid beyond their total
            facts["freeRoundsUncovered"] = money.text(left.uncovered)
    _done(_what(settlement), settlement, arrived, **facts)


def _what(settlement: Settlement) -> str:
    """The word for what was done; if it was several things, for the first."""
    if not settlement.transactions:
        if settlement.round is None:
            return "answered"
        return "round refunded" if settlement.receipt.transaction_id else "round ended"
    first = settlement.transactions[0]
    if first.outcome:
        return "cancel remembered" if first.outcome == "cancelled" else first.outcome
    _, word = _WHAT[first.movement.part]
    return word


# The metric and the word for what a movement is to its round.
_WHAT = {
    "none": ("Credited", "credited"),
    "result": ("Credited", "credited"),
    "bet": ("Staked", "staked"),
    "reversal": ("PaidBack", "paid back"),
}


def moved(settlement: Settlement, arrived: float, **facts: Any) -> None:
    """The operator's own side has moved money."""
    for transaction in settlement.transactions:
        kind, currency = transaction.movement.kind, settlement.after.currency
        count("Moved", movement=kind)
        count("MovedAmount", float(transaction.paid), "None", movement=kind, currency=currency)
    _done("moved", settlement, arrived, **facts)


def _done(what: str, settlement: Settlement, arrived: float, **facts: Any) -> None:
    receipt = settlement.receipt
    if receipt.replayed:
        count("Replayed")
    tell(
        logger.info,
        "replayed" if receipt.replayed else what,
        userId=settlement.after.user_id,
        transactionId=receipt.transaction_id,
        transactions=[
            {
                "id": transaction.movement.id,
                "seq": transaction.seq,
                "amount": money.text(transaction.paid),
                "cashAfter": money.text(transaction.cash_after),
                **({"outcome": transaction.outcome} if transaction.outcome else {}),
            }
            for transaction in settlement.transactions
        ],
        milliseconds=_milliseconds_since(arrived),
        stacklevel=5,
        **facts,
    )


def declined(refusal: Refusal, body: Body | None, arrived: float) -> None:
    """The operator's own side was refused: it has what it asked for, and the answer."""
    count("Declined", code=str(refusal.code))
    facts = body.plainly("movement", "userId", "amount", "currency", "actor") if body else {}
    facts |= {"code": refusal.code, "reason": refusal.reason, "milliseconds": _milliseconds_since(arrived)}
    tell(logger.warning, "declined", stacklevel=4, **facts)


def refused(
    refusal: Refusal, body: Body | None, arrived: float, *, is_admitted: bool, is_owed: bool, **facts: Any
) -> None:
    """`body` is None if nobody may read it: it was not admitted. `is_owed`: it is kept, for a retry or a person."""
    count("Refused", code=str(refusal.code))
    if not is_admitted and not isinstance(refusal, MethodNotAllowed):
        count("NotKept")  # whatever it was, only the provider has it
    if refusal.differences:
        count("Conflict")
        facts["differences"] = refusal.differences
    if body:  # a refused win is looked for by this as well: who misses it may not know its reference
        facts |= body.plainly("userId", "roundId", "amount", "currency")
    log = logger.error if is_owed else logger.warning
    facts |= {"code": refusal.code, "reason": refusal.reason, "milliseconds": _milliseconds_since(arrived)}
    tell(log, "refused", stacklevel=4, **facts)


def tell(log: Callable[..., None], message: str, *, stacklevel: int = 3, **facts: Any) -> None:
    """Writes one line to the log, by a method of `logger`. `stacklevel` leads to the function that decided."""
    try:
        log(message, stacklevel=stacklevel, **facts)
    except Exception as error:  # whatever a log library comes up with
        failed("logging", error)


def count(metric: str, value: float = 1, unit: Literal["Count", "Seconds", "None"] = "Count", **by: str) -> None:
    """Prints one metric in the stack's namespace: once by this function and `by`, once for all functions.

    An alarm watches the second: a sum over the functions would be a formula, which takes ten metrics at the most.
    """
    try:
        namespace, service = os.environ["POWERTOOLS_METRICS_NAMESPACE"], os.environ["POWERTOOLS_SERVICE_NAME"]
        before, between = _around(namespace, service, metric, unit, *by.items())
        print(f"{before}{int(1000 * datetime.now(UTC).timestamp())}{between}{float(value)!r}]}}")
    except Exception as error:  # no win is worth less than a figure about it
        failed("counting", error)


@lru_cache(maxsize=1000)
def _around(namespace: str, service: str, metric: str, unit: str, *by: tuple[str, str]) -> Sequence[str]:
    """The text before a metric's timestamp, and the text from there to its value. Neither depends on the moment."""
    names = [name for name, _ in by]
    directive = {
        "Namespace": namespace,
        "Dimensions": [[*names, "service"], names],
        "Metrics": [{"Name": metric, "Unit": unit}],
    }
    about = {"Timestamp": 0, "CloudWatchMetrics": [directive]}
    text = json.dumps({"_aws": about, **dict(by), "service": service, metric: [0]}, separators=(",", ":"))
    before, between = text.removesuffix("0]}").split('"Timestamp":0', 1)
    return f'{before}"Timestamp":', between


def failed(what: str, error: Exception) -> None:
    """Prints that something failed, without the error's message, which may quote the request."""
    with suppress(OSError):  # standard error may be closed
        print(f"{what} failed: {type(error).__name__}", file=sys.stderr)


def _milliseconds_since(arrived: float) -> float:
    return round(1000 * (time.monotonic() - arrived), 1)

"""The peer's bet and cancel, written as its win is: Idempotency around one conditional `UpdateItem`.

Idempotency's record of a bet is where its cancel finds what was taken. A cancel first runs under the key of its bet.
Either it comes before the bet, and its own record refuses the bet that comes later. Or it gets the record of the bet,
has that refuse the bet from then on, and pays the stake back under a key of its own.

What it does not promise, beside what the win does not: a round is not known, so nothing stops the cancel of a bet whose
round has won; a bet is forgotten after a day, and cannot be cancelled then.
"""

import os
from decimal import Decimal
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.parser import parse
from botocore.exceptions import ClientError
from peer import NoSuchPlayer, app, balances, dynamodb, logger, metrics, refusal, transaction_id
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

CANCELLED = {"error": 53, "description": "The bet was cancelled"}

idempotency = IdempotencyConfig(
    event_key_jmespath="reference",
    expires_after_seconds=24 * 60 * 60,
    raise_on_no_idempotency_key=True,
)
# It validates no payload: a cancel has not all that its bet has. `bet` compares what is on record.
records = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"], boto3_client=dynamodb)


class CancelRequest(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True, frozen=True)

    provider_id: str = Field(min_length=1, max_length=128)
    user_id: str = Field(min_length=1, max_length=128)
    currency: str = Field(pattern=r"^[A-Za-z0-9]{3,10}$")
    reference: str = Field(min_length=1, max_length=128)
    round_id: str = Field(min_length=1, max_length=128)
    game_id: str = Field(min_length=1, max_length=128)
    uuid: str = Field(min_length=1, max_length=128)
    session_id: str | None = None


class BetRequest(CancelRequest):
    amount: Decimal = Field(ge=0, max_digits=32, decimal_places=18)
    time_stamp: str = Field(pattern=r"^[0-9]{1,20}$")
    bonus_code: str | None = None

    @property
    def content(self) -> list[str | None]:
        return [self.user_id, str(self.amount), self.currency, self.game_id, self.round_id, self.bonus_code]


@idempotent_function(data_keyword_argument="request", config=idempotency, persistence_store=records, key_prefix="bet")
def take(request: BetRequest) -> dict[str, Any]:
    """What the bet is answered from now on, and what its cancel must know. A refusal for lack of money is final."""
    stake = Decimal(0) if request.bonus_code else request.amount
    try:
        wallet = dynamodb.update_item(
            TableName=os.environ["PLAYERS_TABLE"],
            Key={"userId": {"S": request.user_id}},
            UpdateExpression="ADD cash :change",
            ConditionExpression="cash >= :stake",
            ExpressionAttributeValues={":change": {"N": str(-stake)}, ":stake": {"N": str(stake)}},
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )["Attributes"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
            raise
        met: Any = error.response.get("Item")
        if met is None:
            raise NoSuchPlayer(request.user_id) from None
        answer = {**balances(met), "error": 15, "description": "Not enough money"}
        return {"bet": request.content, "taken": "0", "answer": answer}
    return {"bet": request.content, "taken": str(stake), "answer": receipt("bet", request.reference, wallet)}


@idempotent_function(data_keyword_argument="request", config=idempotency, persistence_store=records, key_prefix="bet")
def forbid(request: CancelRequest) -> dict[str, Any]:
    """Under the key of the bet: what is on record of it. If nothing is, this is from now on."""
    return {"bet": None, "taken": "0", "answer": CANCELLED}


@idempotent_function(
    data_keyword_argument="request", config=idempotency, persistence_store=records, key_prefix="cancel"
)
def pay_back(request: CancelRequest, stake: str) -> dict[str, Any]:
    wallet = dynamodb.update_item(
        TableName=os.environ["PLAYERS_TABLE"],
        Key={"userId": {"S": request.user_id}},
        UpdateExpression="ADD cash :stake",
        ExpressionAttributeValues={":stake": {"N": stake}},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    return receipt("cancel", request.reference, wallet)


@app.post("/v4/Bet")
def bet() -> dict[str, Any] | Response[Any]:
    body: Any = app.current_event.body
    request = parse(event=body, model=BetRequest)
    logger.set_correlation_id(request.reference)
    record = take(request=request)
    if record["bet"] not in (None, request.content):
        return refusal(200, 53, "This reference was already used with other content")
    answer = record["answer"]
    if answer["error"]:
        metrics.add_metric("Refused", MetricUnit.Count, 1)
        logger.warning("refused", code=answer["error"])
    else:
        metrics.add_metric("Staked", MetricUnit.Count, 1)
        logger.info("staked", userId=request.user_id, transactionId=answer["transactionId"], amount=record["taken"])
    return answer


@app.post("/v4/Cancel")
def cancel() -> dict[str, Any] | Response[Any]:
    body: Any = app.current_event.body
    request = parse(event=body, model=CancelRequest)
    logger.set_correlation_id(request.reference)
    record = forbid(request=request)
    if record["bet"] and record["bet"][0] != request.user_id:
        return refusal(200, 61, "This bet is on record with other content")
    if record["answer"]["error"] == 0:
        # Before it is paid back: if this crashes, the cancel that comes again still finds what was taken.
        records.save_success({"reference": request.reference}, {**record, "answer": CANCELLED})
    if record["taken"] == "0":
        answer = receipt("cancel", request.reference, wallet_of(request.user_id))
    else:
        answer = pay_back(request=request, stake=record["taken"])
    metrics.add_metric("Cancelled", MetricUnit.Count, 1)
    logger.info("cancelled", userId=request.user_id, transactionId=answer["transactionId"], amount=record["taken"])
    return answer


def wallet_of(user_id: str) -> Any:
    found = dynamodb.get_item(
        TableName=os.environ["PLAYERS_TABLE"], Key={"userId": {"S": user_id}}, ConsistentRead=True
    )
    if "Item" not in found:
        raise NoSuchPlayer(user_id)
    return found["Item"]


def receipt(kind: str, reference: str, wallet: Any) -> dict[str, Any]:
    return {
        "transactionId": transaction_id(kind, reference),
        **balances(wallet),
        "error": 0,
        "description": "Success",
    }


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    idempotency.register_lambda_context(context)
    return app.resolve(event, context)

"""The peer: what a good engineer writes with Powertools, following its documentation.

The resolver routes, the parser validates, Idempotency wraps the one function that moves money, keyed on the
reference, and refuses a reference that comes again with other content. It shares its client with the idempotency
records, so it opens one connection and not two.

What it does not promise: the record and the money are two writes, so a crash between them pays twice or not at all;
a record ends after a day, and a replay after that pays again; a replay is told the balance of then, not of now.
"""

import os
import uuid
from decimal import Decimal
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.parser import ValidationError, parse
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

TRANSACTIONS = uuid.UUID("2a3a4e5c-8d0f-5b7e-9c55-6c1f7a2b9d10")

logger = Logger()
metrics = Metrics()
app = APIGatewayRestResolver()
dynamodb: Any = boto3.client(
    "dynamodb",
    config=Config(connect_timeout=0.5, read_timeout=1, retries={"total_max_attempts": 3}, tcp_keepalive=True),
)
idempotency = IdempotencyConfig(
    event_key_jmespath="reference",
    payload_validation_jmespath="[userId, amount, currency, gameId, roundId]",
    expires_after_seconds=24 * 60 * 60,
    raise_on_no_idempotency_key=True,
)
records = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"], boto3_client=dynamodb)


class ResultRequest(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True, frozen=True)

    provider_id: str = Field(min_length=1, max_length=128)
    user_id: str = Field(min_length=1, max_length=128)
    currency: str = Field(pattern=r"^[A-Za-z0-9]{3,10}$")
    amount: Decimal = Field(ge=0, max_digits=32, decimal_places=18)
    reference: str = Field(min_length=1, max_length=128)
    round_id: str = Field(min_length=1, max_length=128)
    game_id: str = Field(min_length=1, max_length=128)
    game_name: str
    uuid: str = Field(min_length=1, max_length=128)
    timestamp: str = Field(pattern=r"^[0-9]{1,20}$")
    session_id: str | None = None
    bonus_code: str | None = None
    round_details: str | list[Any] | dict[str, Any]


class NoSuchPlayer(Exception):
    """No wallet under this userId."""


@idempotent_function(data_keyword_argument="request", config=idempotency, persistence_store=records)
def credit(request: ResultRequest) -> dict[str, str]:
    """The balances after the amount was added. Run once for a reference; a replay gets what the first call got."""
    try:
        wallet = dynamodb.update_item(
            TableName=os.environ["PLAYERS_TABLE"],
            Key={"userId": {"S": request.user_id}},
            UpdateExpression="ADD cash :amount",
            ConditionExpression="attribute_exists(userId)",
            ExpressionAttributeValues={":amount": {"N": str(request.amount)}},
            ReturnValues="ALL_NEW",
        )["Attributes"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
            raise NoSuchPlayer(request.user_id) from None
        raise
    return {"transactionId": transaction_id("result", request.reference), **balances(wallet)}


def transaction_id(kind: str, reference: str) -> str:
    return str(uuid.uuid5(TRANSACTIONS, f"{kind}#{reference}"))


def balances(wallet: Any) -> dict[str, str]:
    return {"currency": wallet["currency"]["S"], "cash": wallet["cash"]["N"], "bonus": wallet["bonus"]["N"]}


@app.post("/v4/Result")
def result() -> dict[str, Any]:
    # The text itself: the parser then reads it by pydantic's own JSON reader, and no amount becomes a float.
    body: Any = app.current_event.body
    request = parse(event=body, model=ResultRequest)
    logger.set_correlation_id(request.reference)
    receipt = credit(request=request)
    metrics.add_metric("Credited", MetricUnit.Count, 1)
    logger.info("credited", userId=request.user_id, transactionId=receipt["transactionId"], amount=str(request.amount))
    return {**receipt, "error": 0, "description": "Success"}


@app.exception_handler(ValidationError)
def malformed(error: ValidationError) -> Response[Any]:
    return refusal(400, 57, f"Malformed: {error.errors(include_url=False)[0]['loc'][0]}")


@app.exception_handler(NoSuchPlayer)
def no_such_player(_: NoSuchPlayer) -> Response[Any]:
    return refusal(200, 62, "No such player")


@app.exception_handler(IdempotencyValidationError)
def conflict(_: IdempotencyValidationError) -> Response[Any]:
    return refusal(200, 61, "This reference was already used with other content")


@app.exception_handler([IdempotencyAlreadyInProgressError, ClientError])
def unavailable(_: Exception) -> Response[Any]:
    return refusal(503, 998, "Not possible at the moment")


def refusal(status: int, code: int, description: str) -> Response[Any]:
    metrics.add_metric("Refused", MetricUnit.Count, 1)
    logger.warning("refused", code=code)
    answer = {"error": code, "description": description}
    return Response(status_code=status, content_type=content_types.APPLICATION_JSON, body=answer)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    idempotency.register_lambda_context(context)
    return app.resolve(event, context)

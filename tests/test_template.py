"""The stack: routes, tables that outlive it, functions that may do what they do and nothing else."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest

from conftest import EVENTS, ROOT, Operator, gateway_event, published
from tools.local.template import Queue, Template
from wallet import parking

TEMPLATE = Template.load()
TABLES = {name: each for name, each in TEMPLATE.resources.items() if each["Type"] == "AWS::DynamoDB::Table"}
FUNCTIONS = {
    Path(each["Properties"]["CodeUri"]).name: each["Properties"]
    for each in TEMPLATE.resources.values()
    if each["Type"] == "AWS::Serverless::Function"
}
CALLBACKS = ("result", "jackpot", "bonus", "promo")

# The contract's own table.
ROUTES = {
    "/v4/Result": "result",
    "/V4/Result": "result",
    "/V4/JackPotWin": "jackpot",
    "/v4/JackPotWin": "jackpot",
    "/bonuswin": "bonus",
    "/V4/BonusWin": "bonus",
    "/v4/BonusWin": "bonus",
    "/V4/PromoWin": "promo",
    "/v4/PromoWin": "promo",
}


# --- Routes -----------------------------------------------------------------------------------------


def test_every_path_of_the_contract_leads_to_its_function_and_there_is_no_other() -> None:
    assert TEMPLATE.routes() == ROUTES


@pytest.mark.parametrize("callback", CALLBACKS)
def test_a_function_is_called_by_any_method_of_the_one_api(callback: str) -> None:
    # What is not a POST is answered by the function, in the contract's words.
    for event in FUNCTIONS[callback]["Events"].values():
        if event["Type"] != "Api":
            continue
        assert event["Properties"]["Method"] == "any"
        assert reference_in(event["Properties"]["RestApiId"]) == "Api"


@pytest.mark.parametrize("name", ["result", "auto_closing", "jackpot", "bonus", "promo"])
def test_a_canonical_event_is_one_of_a_path_that_exists(name: str) -> None:
    event = json.loads((EVENTS / f"{name}.json").read_text())

    assert ROUTES[event["path"]] == ("result" if name == "auto_closing" else name)
    assert event["httpMethod"] == "POST"


def test_the_api_has_one_stage() -> None:
    # SAM adds a public stage called "Stage" to an API without this.
    assert TEMPLATE.resources["Api"]["Properties"]["OpenApiVersion"] == "3.0.1"


GATEWAY_ANSWERS = {
    "MISSING_AUTHENTICATION_TOKEN": (404, 404),
    "REQUEST_TOO_LARGE": (400, 99),
    "THROTTLED": (503, 998),
    "DEFAULT_5XX": (503, 998),
}


def test_what_the_gateway_answers_by_itself_speaks_the_contract() -> None:
    answers = TEMPLATE.gateway_responses()

    assert {name: (each.status, json.loads(each.body)["error"]) for name, each in answers.items()} == GATEWAY_ANSWERS
    for each in answers.values():
        assert list(json.loads(each.body)) == ["error", "description"]
        assert json.loads(each.body)["description"]
        assert "$" not in each.body, "nothing of a request is put into an answer"


# --- Functions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("callback", CALLBACKS)
def test_a_function_starts_with_the_environment_it_is_given(operator: Operator, callback: str) -> None:
    answer = operator.load(callback).handler(gateway_event(published(callback)), None)

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["error"] == 0


@pytest.mark.parametrize("callback", CALLBACKS)
def test_a_function_is_given_every_variable_it_reads_and_its_own_name(callback: str) -> None:
    (function,) = (each for each in TEMPLATE.functions() if each.name == callback)

    assert variables_read() <= function.environment.keys()
    assert function.environment["POWERTOOLS_SERVICE_NAME"] == callback
    assert function.environment["PLAYERS_TABLE"] == "Players"
    assert function.environment["TRANSACTIONS_TABLE"] == "Transactions"
    assert function.environment["FREE_ROUNDS_TABLE"] == "FreeRounds"


def variables_read() -> set[str]:
    """The environment's variables that the layer and the functions name."""
    sources = [*(ROOT / "layers" / "common" / "wallet").glob("*.py"), *(ROOT / "functions").rglob("*.py")]
    literals = (
        node.value
        for source in sources
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {literal for literal in literals if re.fullmatch("[A-Z]+(_[A-Z]+)+", literal)} - {"ALL_OLD"}


def test_a_variable_that_is_read_is_found_here() -> None:
    assert {"PLAYERS_TABLE", "TRANSACTIONS_TABLE", "FREE_ROUNDS_TABLE", "PROVIDER_SECRET"} <= variables_read()


@pytest.mark.parametrize("callback", CALLBACKS)
def test_a_function_outlasts_an_answer_and_a_batch_of_retries(callback: str) -> None:
    (function,) = (each for each in TEMPLATE.functions() if each.name == callback)

    secret, answer, queue = 3, 3, 3  # the most that each may take
    assert function.timeout_seconds >= secret + answer + queue
    assert function.timeout_seconds >= function.retry_batch_size * (answer + queue)
    assert (function.folder / "app.py").is_file()


# --- Queues -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("callback", CALLBACKS)
def test_a_function_consumes_its_own_retry_queue_message_by_message(callback: str) -> None:
    retry = FUNCTIONS[callback]["Events"]["Retry"]

    assert retry["Type"] == "SQS"
    assert reference_in(retry["Properties"]["Queue"]) == f"{callback.title()}RetryQueue"
    assert retry["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # Without it a throttled batch counts as received and was not tried, ten times in twenty minutes.
    assert retry["Properties"]["ScalingConfig"] == {"MaximumConcurrency": 2}
    (function,) = (each for each in TEMPLATE.functions() if each.name == callback)
    assert function.environment["RETRY_QUEUE"] == f"{callback.title()}RetryQueue"
    assert function.environment["DEAD_LETTERS"] == f"{callback.title()}DeadLetters"


@pytest.mark.parametrize("callback", CALLBACKS)
def test_what_was_tried_ten_times_is_a_dead_letter_for_fourteen_days(callback: str) -> None:
    queues = {queue.name: queue for queue in TEMPLATE.queues()}
    retry, dead = queues[f"{callback.title()}RetryQueue"], queues[f"{callback.title()}DeadLetters"]

    assert (retry.dead_letters, retry.max_receive_count) == (dead.name, parking.MAX_TRIES)
    assert dead.dead_letters is None
    for queue in (retry, dead):
        assert queue.attributes["MessageRetentionPeriod"] == str(14 * 24 * 3600)
        assert queue.attributes["SqsManagedSseEnabled"] == "true"
    (function,) = (each for each in TEMPLATE.functions() if each.name == callback)
    assert int(retry.attributes["VisibilityTimeout"]) >= 6 * function.timeout_seconds


# --- Tables -----------------------------------------------------------------------------------------


def test_the_wallet_is_three_tables() -> None:
    assert TABLES.keys() == {"Players", "Transactions", "FreeRounds"}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_outlives_the_stack_and_every_mistake(table: str) -> None:
    resource, properties = TABLES[table], TABLES[table]["Properties"]

    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize("queue", TEMPLATE.queues(), ids=lambda queue: queue.name)
def test_a_queue_outlives_the_stack(queue: Queue) -> None:
    resource = TEMPLATE.resources[queue.name]

    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("table", TABLES)
def test_nothing_in_a_table_is_ever_forgotten(table: str) -> None:
    # A replay after 90 days is still a replay.
    assert "TimeToLiveSpecification" not in TABLES[table]["Properties"]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_no_name_of_its_own(table: str) -> None:
    # A named resource cannot be replaced, nor stand twice in an account.
    assert "TableName" not in TABLES[table]["Properties"]


def test_the_keys_are_the_ones_the_store_uses(operator: Operator) -> None:
    keys = {
        table["TableName"]: [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]]
        for table in TEMPLATE.tables()
    }

    assert keys == {
        "Players": [("userId", "HASH")],
        "Transactions": [("id", "HASH")],
        "FreeRounds": [("userId", "HASH"), ("bonusCode", "RANGE")],
    }


def test_a_player_s_ledger_can_be_read_in_order() -> None:
    (index,) = TABLES["Transactions"]["Properties"]["GlobalSecondaryIndexes"]

    assert index["IndexName"] == "byPlayer"
    assert [(key["AttributeName"], key["KeyType"]) for key in index["KeySchema"]] == [
        ("userId", "HASH"),
        ("seq", "RANGE"),
    ]
    assert index["Projection"]["ProjectionType"] == "INCLUDE"
    projected = set(index["Projection"]["NonKeyAttributes"])
    assert {"amount", "cashAfter", "bonusAfter"} <= projected
    assert "request" not in projected, "every write would pay for it a second time"


# --- What a function may do -------------------------------------------------------------------------

WALLET = {
    ("Transactions", "dynamodb:BatchGetItem"),
    ("Transactions", "dynamodb:PutItem"),
    ("Players", "dynamodb:BatchGetItem"),
    ("Players", "dynamodb:UpdateItem"),
}
FREE_ROUNDS = {("FreeRounds", "dynamodb:BatchGetItem"), ("FreeRounds", "dynamodb:PutItem")}
SECRET = {("ProviderSecret", "secretsmanager:GetSecretValue")}
ALLOWED = {
    "result": WALLET | FREE_ROUNDS | SECRET,
    "jackpot": WALLET | SECRET,
    "bonus": WALLET | FREE_ROUNDS | SECRET,
    "promo": WALLET | SECRET,
}


def queues_of(callback: str) -> set[tuple[str, str]]:
    return {
        (f"{callback.title()}RetryQueue", "sqs:SendMessage"),
        (f"{callback.title()}RetryQueue", "sqs:ChangeMessageVisibility"),
        (f"{callback.title()}DeadLetters", "sqs:SendMessage"),
    }


@pytest.mark.parametrize("callback", CALLBACKS)
def test_a_function_may_do_what_its_code_does_and_nothing_else(callback: str) -> None:
    assert granted_to(callback) == ALLOWED[callback] | queues_of(callback)


def test_the_secret_is_readable_only_when_there_is_one() -> None:
    for callback in CALLBACKS:
        managed = [each for each in FUNCTIONS[callback]["Policies"] if not isinstance(each, dict)]
        conditional = [each for each in managed if each.name == "If"]
        assert [(each.argument[0], reference_in(each.argument[1])) for each in conditional] == [
            ("HasProviderSecret", "SecretAccess")
        ]
    assert TEMPLATE.resources["SecretAccess"]["Condition"] == "HasProviderSecret"


@pytest.mark.parametrize("callback", CALLBACKS)
def test_what_a_function_asks_of_the_tables_it_may(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, callback: str
) -> None:
    """The grants, held against the calls a function really makes."""
    asked: set[tuple[str, str]] = set()
    client = boto3.client("dynamodb")
    make_api_call = type(client)._make_api_call

    def noted(self: Any, operation: str, parameters: Any) -> Any:
        match operation:
            case "BatchGetItem":
                asked.update((table, "dynamodb:BatchGetItem") for table in parameters["RequestItems"])
            case "TransactWriteItems":
                for action in parameters["TransactItems"]:
                    ((verb, arguments),) = action.items()
                    asked.add((arguments["TableName"], f"dynamodb:{verb}Item"))
            case _:
                asked.add((str(parameters.get("TableName")), f"{self.meta.service_model.service_name}:{operation}"))
        return make_api_call(self, operation, parameters)

    handler = operator.handler(callback)
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", noted)
    for number in range(2):
        body = published(callback, reference=f"r-{number}")
        handler(gateway_event(body), None)
        handler(gateway_event(body), None)
        handler(gateway_event(body | {"reference": f"f-{number}", "bonusCode": "SPINS"}), None)
        handler(
            gateway_event(
                body | {"reference": f"p-{number}", "promoWinAmount": "1", "promoWinReference": f"p-{number}"}
            ),
            None,
        )

    assert asked == ALLOWED[callback] - SECRET


def test_a_policy_of_the_stack_allows_by_name() -> None:
    for name, resource in TEMPLATE.resources.items():
        if resource["Type"] != "AWS::IAM::ManagedPolicy":
            continue
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            assert not any("*" in action for action in actions_of(statement)), name
            assert statement["Resource"] != "*"


def granted_to(callback: str) -> set[tuple[str, str]]:
    """Each resource and action that a function's policies allow, a provider secret being configured."""
    granted = set()
    for each in FUNCTIONS[callback]["Policies"]:
        if isinstance(each, dict):
            document = each
        else:
            policy = TEMPLATE.resources[reference_in(each.argument[1] if each.name == "If" else each)]
            document = policy["Properties"]["PolicyDocument"]
        for statement in document["Statement"]:
            granted |= {(reference_in(statement["Resource"]), action) for action in actions_of(statement)}
    return granted


def actions_of(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else actions


def reference_in(value: Any) -> str:
    """What a `!Ref` or the `.Arn` of a `!GetAtt` refers to."""
    assert value.name in ("Ref", "GetAtt")
    return value.argument.removesuffix(".Arn")


# --- Secrets ----------------------------------------------------------------------------------------


def test_no_secret_has_a_default() -> None:
    assert TEMPLATE.parameters["ProviderSecret"] == ""
    assert TEMPLATE.parameters.keys() == {"ProviderSecret", "StageName", "RetrySeconds", "LogLevel"}


def test_no_secret_of_the_desk_is_in_the_template() -> None:
    text = (ROOT / "template.yaml").read_text()

    for keys in json.loads((EVENTS / "secrets.json").read_text()).values():
        for secret in keys.values():
            assert secret not in text


@pytest.mark.parametrize(
    ("value", "is_allowed"),
    [
        ("", True),
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:provider-AbCdEf", True),
        ("arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:provider-AbCdEf", True),
        ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:provider", False),  # the policy would not match it
        ("provider", False),
        ("hush-hush", False),
        ("arn:aws:ssm:eu-west-1:123456789012:parameter/provider", False),
    ],
)
def test_the_parameter_takes_a_secret_s_name_and_never_a_secret(value: str, is_allowed: bool) -> None:
    # Parsed by hand: the template's reader keeps the parameters' defaults alone.
    pattern = re.search(r'ProviderSecret:.*?AllowedPattern: "(.+?)"', (ROOT / "template.yaml").read_text(), re.DOTALL)
    assert pattern

    assert bool(re.fullmatch(pattern[1], value)) == is_allowed

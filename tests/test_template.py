"""The stack: routes, answers of the gateway, functions, queues, tables that outlive it, logs, what it asks for."""

import ast
import json
import re

import pytest

from conftest import EVENTS, ROOT, Operator, gateway_event, path_of, published
from stack import (
    BETS,
    CALLBACKS,
    CONTENT,
    KEEPING,
    OUTPUTS,
    PARAMETERS,
    RESOURCES,
    TEMPLATE,
    WINS,
    filled,
    function_of,
    is_intrinsic,
    of_type,
    reference_in,
)
from tools.local.template import Queue, Template
from wallet import parking, wire
from wallet.errors import Refusal, Unavailable, Unreadable

every_callback = pytest.mark.parametrize("callback", CALLBACKS)
every_keeping_callback = pytest.mark.parametrize("callback", KEEPING)

TABLES = {name: each for name, each in RESOURCES.items() if each["Type"] == "AWS::DynamoDB::Table"}
API = RESOURCES["Api"]["Properties"]

# The contract's own table.
PATHS = {
    "Result": "result",
    "JackPotWin": "jackpot",
    "BonusWin": "bonus",
    "PromoWin": "promo",
    "Bet": "bet",
    "Cancel": "cancel",
    "Refund": "cancel",
    "EndRound": "endround",
    "Balance": "balance",
    "Check": "balance",
}
ROUTES = {
    "/bonuswin": "bonus",
    **{f"/{version}/{path}": name for path, name in PATHS.items() for version in ("v4", "V4", "v1")},
}


# --- Routes -----------------------------------------------------------------------------------------


def test_every_path_of_the_contract_leads_to_its_function_and_there_is_no_other() -> None:
    assert TEMPLATE.routes() == ROUTES


def test_a_stack_with_wins_alone_has_their_paths_alone() -> None:
    assert Template.load(Calls="Wins").routes() == {path: name for path, name in ROUTES.items() if name in WINS}


@every_callback
def test_a_function_is_called_by_any_method_of_the_one_api(callback: str) -> None:
    # What is not a POST is answered by the function, in the contract's words.
    for event in function_of(callback)["Events"].values():
        if event["Type"] != "Api":
            continue
        assert event["Properties"]["Method"] == "any"
        assert reference_in(event["Properties"]["RestApiId"]) == "Api"


@pytest.mark.parametrize("name", [*CALLBACKS, "auto_closing", "refund", "check"])
def test_a_canonical_event_is_one_of_a_path_that_exists(name: str) -> None:
    event = json.loads((EVENTS / f"{name}.json").read_text())

    owners = {"auto_closing": "result", "refund": "cancel", "check": "balance"}
    assert ROUTES[event["path"]] == owners.get(name, name)
    assert event["httpMethod"] == "POST"


def test_the_api_has_one_stage() -> None:
    # SAM adds a public stage called "Stage" to an API without this.
    assert API["OpenApiVersion"] == "3.0.1"


# The outputs that the provider is told, and the functions that their URLs lead to.
URLS = {
    **{f"{win.title()}Url": win for win in WINS},
    **{f"{path}Url": name for path, name in PATHS.items() if name in BETS},
}


@pytest.mark.parametrize(("output", "callback"), URLS.items())
def test_the_provider_is_told_a_url_that_leads_to_the_callback_s_function(output: str, callback: str) -> None:
    start = "https://<Api>.execute-api.<AWS::Region>.<AWS::URLSuffix>/<StageName>"

    url = filled(OUTPUTS[output]["Value"])

    assert url.startswith(start)
    assert ROUTES[url.removeprefix(start)] == callback
    assert OUTPUTS[output].get("Condition") == ("TakesBets" if callback in BETS else None)


def test_there_is_one_url_for_each_call() -> None:
    urls = {name for name, output in OUTPUTS.items() if "execute-api" in str(output["Value"])}

    assert urls == URLS.keys()


# --- The API's own part -----------------------------------------------------------------------------


def test_only_the_provider_s_addresses_may_call() -> None:
    assert API["Auth"].keys() == {"ResourcePolicy"}, "nothing else opens the API, or closes it"
    assert API["Auth"]["ResourcePolicy"].keys() == {"CustomStatements"}
    (statement,) = API["Auth"]["ResourcePolicy"]["CustomStatements"]

    assert {name: value for name, value in statement.items() if name != "Condition"} == {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": "execute-api:/*",
    }
    assert list(statement["Condition"]) == ["IpAddress"]
    addresses = statement["Condition"]["IpAddress"]
    assert list(addresses) == ["aws:SourceIp"]
    assert is_intrinsic(addresses["aws:SourceIp"], "Split")
    separator, listed = addresses["aws:SourceIp"].argument
    assert (separator, reference_in(listed)) == (",", "ProviderCidrs")


def test_no_path_can_be_called_faster_than_its_share() -> None:
    (settings,) = API["MethodSettings"]

    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*"), "every path and method"
    assert reference_in(settings["ThrottlingRateLimit"]) == "ThrottleRate"
    assert reference_in(settings["ThrottlingBurstLimit"]) == "ThrottleBurst"


def test_the_gateway_writes_no_log_in_which_a_token_could_stand() -> None:
    # Its execution log has the query string in it, and its data trace the body as well.
    (settings,) = API["MethodSettings"]

    assert settings["LoggingLevel"] == "OFF"
    assert settings["DataTraceEnabled"] is False
    assert "TracingEnabled" not in API


# Of all that API Gateway could write of a request: nothing that the caller sends but the method and the path.
ACCESS_LOGGED = {
    "requestId", "requestTime", "identity.sourceIp", "httpMethod", "path", "status", "responseLatency",
    "integration.latency", "integration.requestId", "integration.status", "error.responseType", "responseLength",
}  # fmt: skip


def test_a_line_of_the_access_log_has_neither_query_string_nor_header_nor_body() -> None:
    text = API["AccessLogSetting"]["Format"]

    assert "\n" not in text.strip(), "API Gateway takes one line"
    values = json.loads(text).values()
    assert {re.fullmatch(r"\$context\.([A-Za-z.]+)", value)[1] for value in values} == ACCESS_LOGGED  # pyright: ignore[reportOptionalSubscript]
    assert reference_in(API["AccessLogSetting"]["DestinationArn"]) == "ApiLog"


def test_a_firewall_stands_before_the_api_if_one_is_named() -> None:
    association = RESOURCES["WebAclAssociation"]

    assert association["Condition"] == "HasWebAcl"
    assert reference_in(association["Properties"]["WebACLArn"]) == "WebAclArn"
    assert filled(association["Properties"]["ResourceArn"]).endswith("/restapis/<Api>/stages/<Api.Stage>")


def too_large() -> Refusal:
    with pytest.raises(Unreadable) as caught:
        wire.parse(" " * (wire.MAX_BODY_BYTES + 1))
    return caught.value


# What the functions would say of the same, if they were asked.
AS_THE_FUNCTIONS_SAY = {
    # Perhaps the provider's new address, or a win that looks odd: it must send again.
    "ACCESS_DENIED": Unavailable(""),
    "WAF_FILTERED": Unavailable(""),
    "REQUEST_TOO_LARGE": too_large(),
    "THROTTLED": Unavailable(""),
    "DEFAULT_5XX": Unavailable(""),
}
# What no function is asked about: HTTP status, code, description.
THE_GATEWAY_S_OWN = {
    "MISSING_AUTHENTICATION_TOKEN": (404, 404, "No such path"),
    "DEFAULT_4XX": (Unreadable.http_status, Unreadable.code, "Not a request of this API"),
}


def test_what_the_gateway_answers_by_itself_speaks_the_contract() -> None:
    answers = TEMPLATE.gateway_responses()
    of_the_functions = {
        name: (refusal.http_status, refusal.code, str(refusal)) for name, refusal in AS_THE_FUNCTIONS_SAY.items()
    }

    said = {name: (each.status, *json.loads(each.body).values()) for name, each in answers.items()}

    assert said == of_the_functions | THE_GATEWAY_S_OWN
    for each in answers.values():
        assert list(json.loads(each.body)) == ["error", "description"]
        assert "$" not in each.body, "nothing of a request is put into an answer"


# --- Functions --------------------------------------------------------------------------------------


@every_callback
def test_a_function_starts_with_the_environment_it_is_given(operator: Operator, callback: str) -> None:
    answer = operator.load(callback).handler(gateway_event(published(callback), path=path_of(callback)), None)

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["error"] == 0


@every_callback
def test_a_function_is_given_every_variable_it_reads_and_its_own_name(callback: str) -> None:
    (function,) = (each for each in TEMPLATE.functions() if each.name == callback)

    others = set() if callback in KEEPING else QUEUES
    others |= set() if callback in HAVE_ROUNDS else {"ROUNDS_TABLE"}
    assert variables_read(callback) - others <= function.environment.keys()
    assert not others & function.environment.keys(), "what it has no right to"
    assert function.environment["POWERTOOLS_SERVICE_NAME"] == callback
    assert function.environment["PLAYERS_TABLE"] == "Players"
    assert function.environment["TRANSACTIONS_TABLE"] == "Transactions"
    assert function.environment["FREE_ROUNDS_TABLE"] == "FreeRounds"


QUEUES = {"RETRY_QUEUE", "DEAD_LETTERS"}
HAVE_ROUNDS = ("result", "bet", "cancel", "endround")


def test_a_result_has_rounds_where_bets_are_taken_alone() -> None:
    for calls, table in (("All", "Rounds"), ("Wins", "")):
        (result,) = (each for each in Template.load(Calls=calls).functions() if each.name == "result")
        assert result.environment["ROUNDS_TABLE"] == table
    assert {each.name for each in Template.load(Calls="Wins").functions()} == {*WINS, "cashier"}


def test_the_cashier_is_given_every_variable_it_reads_and_no_queue() -> None:
    (cashier,) = (each for each in TEMPLATE.functions() if each.name == "cashier")
    others = {*QUEUES, "ROUNDS_TABLE"}

    assert variables_read("cashier") - others <= cashier.environment.keys()
    assert not others & cashier.environment.keys()
    assert cashier.environment["POWERTOOLS_SERVICE_NAME"] == "cashier"
    assert cashier.environment["ADJUSTMENT_LIMIT"] == PARAMETERS["AdjustmentLimit"]["Default"] == "10000"


def test_the_cashier_has_no_path_and_no_queue_and_is_an_output() -> None:
    assert "cashier" not in TEMPLATE.routes().values()
    assert "Events" not in function_of("cashier")
    assert OUTPUTS["CashierFunction"]["Value"].argument == "CashierFunction.Alias"


def variables_read(function: str) -> set[str]:
    """The environment's variables that the layer and a function name."""
    sources = [*(ROOT / "layers" / "common" / "wallet").glob("*.py"), ROOT / "functions" / function / "app.py"]
    literals = (
        node.value
        for source in sources
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {literal for literal in literals if re.fullmatch("[A-Z]+(_[A-Z]+)+", literal)} - {"ALL_OLD", "ALL_NEW"}


def test_a_variable_that_is_read_is_found_here() -> None:
    assert {"PLAYERS_TABLE", "TRANSACTIONS_TABLE", "FREE_ROUNDS_TABLE", "PROVIDER_SECRET"} <= variables_read("result")


@every_callback
def test_a_function_outlasts_an_answer_and_a_batch_of_retries(callback: str) -> None:
    (function,) = (each for each in TEMPLATE.functions() if each.name == callback)

    secret, answer, queue = 3, 3, 3  # the most that each may take
    assert function.timeout_seconds >= secret + answer + queue
    assert (function.retry_batch_size > 0) == (callback in KEEPING)
    assert function.timeout_seconds >= function.retry_batch_size * (answer + queue)
    assert (function.folder / "app.py").is_file()


@every_callback
def test_a_function_runs_as_it_was_tested(callback: str) -> None:
    function = function_of(callback)

    assert function["Runtime"] == "python3.13"
    assert [reference_in(each) for each in function["Architectures"]] == ["Architecture"]
    assert [reference_in(layer) for layer in function["Layers"]] == ["CommonLayer"]
    layer = RESOURCES["CommonLayer"]
    assert layer["Properties"]["CompatibleRuntimes"] == ["python3.13"]
    assert [reference_in(each) for each in layer["Properties"]["CompatibleArchitectures"]] == ["Architecture"]
    assert reference_in(layer["Metadata"]["BuildArchitecture"]) == "Architecture"
    assert PARAMETERS["Architecture"]["Default"] == "arm64"
    assert "VpcConfig" not in function, "it reaches AWS's endpoints without one"


@every_callback
def test_a_release_publishes_a_version_of_every_function(callback: str) -> None:
    # SAM publishes one when the function's own code has changed. That is ten lines, and the money path is in the
    # layer: without this a new layer, or another setting, would never reach the alias that everything is called by.
    function = function_of(callback)

    assert function["AutoPublishAlias"] == "live"
    assert reference_in(function["AutoPublishCodeSha256"]) == "Release"
    assert "Default" not in PARAMETERS["Release"], "an old digest would publish nothing"


@every_callback
def test_a_version_that_fails_is_rolled_back(callback: str) -> None:
    preference = function_of(callback)["DeploymentPreference"]

    assert is_intrinsic(preference["Enabled"], "FindInMap")
    assert preference["Enabled"].argument[0] == "Rollouts"
    assert CONTENT["Mappings"]["Rollouts"] == {"Canary": {"IsGradual": True}, "AllAtOnce": {"IsGradual": False}}
    assert PARAMETERS["Rollout"]["Default"] == "Canary"
    assert preference["Type"] == "Canary10Percent15Minutes"
    condition, alarms, otherwise = preference["Alarms"].argument
    assert {reference_in(alarm) for alarm in alarms} == {
        "FunctionFailedAlarm",
        "NotPossibleAlarm",
        "ParkingFailedAlarm",
        "NotKeptAlarm",
    }
    rule = CONTENT["Rules"]["NoCanaryWithoutAlarms"]
    assert [reference_in(rule["RuleCondition"].argument[0]), rule["RuleCondition"].argument[1]] == ["Rollout", "Canary"]
    (assertion,) = rule["Assertions"]
    assert [reference_in(assertion["Assert"].argument[0]), assertion["Assert"].argument[1]] == ["Alarms", "true"]
    assert (condition, [reference_in(each) for each in otherwise]) == ("HasAlarms", ["AWS::NoValue"])


@every_callback
def test_a_function_starts_from_a_snapshot(callback: str) -> None:
    assert {key: reference_in(value) for key, value in function_of(callback)["SnapStart"].items()} == {
        "ApplyOn": "SnapStart"
    }
    assert PARAMETERS["SnapStart"]["Default"] == "PublishedVersions"


@every_callback
def test_environments_can_be_reserved_for_a_function(callback: str) -> None:
    condition, then, otherwise = function_of(callback)["ReservedConcurrentExecutions"].argument

    assert condition == "HasReservedConcurrency"
    assert (reference_in(then), reference_in(otherwise)) == ("ReservedConcurrency", "AWS::NoValue")


@every_callback
def test_a_function_writes_its_own_log(callback: str) -> None:
    log = reference_in(function_of(callback)["LoggingConfig"]["LogGroup"])

    assert log == f"{callback.title()}Log"
    assert filled(of_type("AWS::Logs::LogGroup")[log]["LogGroupName"]) == f"/<AWS::StackName>/{callback}"


@pytest.mark.parametrize("log", of_type("AWS::Logs::LogGroup"))
def test_a_log_ends(log: str) -> None:
    assert reference_in(of_type("AWS::Logs::LogGroup")[log]["RetentionInDays"]) == "LogRetentionDays"


# --- Queues -----------------------------------------------------------------------------------------


@every_keeping_callback
def test_a_function_consumes_its_own_retry_queue_message_by_message(callback: str) -> None:
    retry = function_of(callback)["Events"]["Retry"]

    assert retry["Type"] == "SQS"
    assert reference_in(retry["Properties"]["Queue"]) == f"{callback.title()}RetryQueue"
    assert retry["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # Without it a throttled batch counts as received and was not tried, ten times in twenty minutes.
    assert retry["Properties"]["ScalingConfig"] == {"MaximumConcurrency": 2}
    (function,) = (each for each in TEMPLATE.functions() if each.name == callback)
    assert function.environment["RETRY_QUEUE"] == f"{callback.title()}RetryQueue"
    assert function.environment["DEAD_LETTERS"] == f"{callback.title()}DeadLetters"


@pytest.mark.parametrize("callback", sorted({*CALLBACKS} - {*KEEPING}))
def test_a_bet_the_end_of_a_round_and_a_balance_have_no_queue(callback: str) -> None:
    (function,) = (each for each in TEMPLATE.functions() if each.name == callback)

    assert not function.environment.keys() & {"RETRY_QUEUE", "DEAD_LETTERS"}
    assert all(event["Type"] == "Api" for event in function_of(callback)["Events"].values())


@every_keeping_callback
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


@pytest.mark.parametrize("queue", TEMPLATE.queues(), ids=lambda queue: queue.name)
def test_a_queue_outlives_the_stack(queue: Queue) -> None:
    resource = RESOURCES[queue.name]

    # But for a stack that was never made: nothing is in its queues.
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_every_queue_takes_tls_alone_even_when_the_stack_is_gone() -> None:
    policy = RESOURCES["OnlyByTls"]

    for calls in ("All", "Wins"):
        queues = of_type("AWS::SQS::QueuePolicy", calls)["OnlyByTls"]["Queues"]
        assert {reference_in(queue) for queue in queues} == {each.name for each in Template.load(Calls=calls).queues()}
    assert policy["Properties"]["PolicyDocument"]["Statement"] == [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
    assert (policy["DeletionPolicy"], policy["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


# --- Tables -----------------------------------------------------------------------------------------


def test_the_wallet_is_three_tables_and_the_rounds_where_bets_are_taken() -> None:
    of_wins = {"Players", "Transactions", "FreeRounds"}

    assert TABLES.keys() == {*of_wins, "Rounds"}
    assert {each["TableName"] for each in TEMPLATE.tables()} == TABLES.keys()
    assert {each["TableName"] for each in Template.load(Calls="Wins").tables()} == of_wins


@pytest.mark.parametrize("table", TABLES)
def test_a_table_outlives_the_stack_and_every_mistake(table: str) -> None:
    resource, properties = TABLES[table], TABLES[table]["Properties"]

    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize("table", TABLES)
def test_nothing_in_a_table_is_ever_forgotten_but_a_round_that_is_over(table: str) -> None:
    # A replay after 90 days is still a replay. The store says when a round expires: never while it is open.
    forgetting = TABLES[table]["Properties"].get("TimeToLiveSpecification")

    assert forgetting == ({"AttributeName": "expiresAt", "Enabled": True} if table == "Rounds" else None)


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
        "Rounds": [("userId", "HASH"), ("round", "RANGE")],
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


def test_open_rounds_are_found_without_reading_the_others() -> None:
    (index,) = TABLES["Rounds"]["Properties"]["GlobalSecondaryIndexes"]

    assert index["IndexName"] == "openRounds"
    assert [(key["AttributeName"], key["KeyType"]) for key in index["KeySchema"]] == [
        ("userId", "HASH"),
        ("openSince", "RANGE"),
    ]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


# What holds data, and what is called by its name: the type of each by its logical id. Never change a row:
# CloudFormation replaces a resource whose id changes, and the stack has its content no more.
LASTING = {
    "Players": "AWS::DynamoDB::Table",
    "Transactions": "AWS::DynamoDB::Table",
    "FreeRounds": "AWS::DynamoDB::Table",
    "Rounds": "AWS::DynamoDB::Table",
    "ProviderSecret": "AWS::SecretsManager::Secret",
    "ResultRetryQueue": "AWS::SQS::Queue",
    "ResultDeadLetters": "AWS::SQS::Queue",
    "JackpotRetryQueue": "AWS::SQS::Queue",
    "JackpotDeadLetters": "AWS::SQS::Queue",
    "BonusRetryQueue": "AWS::SQS::Queue",
    "BonusDeadLetters": "AWS::SQS::Queue",
    "PromoRetryQueue": "AWS::SQS::Queue",
    "PromoDeadLetters": "AWS::SQS::Queue",
    "CancelRetryQueue": "AWS::SQS::Queue",
    "CancelDeadLetters": "AWS::SQS::Queue",
    "ResultLog": "AWS::Logs::LogGroup",
    "JackpotLog": "AWS::Logs::LogGroup",
    "BonusLog": "AWS::Logs::LogGroup",
    "PromoLog": "AWS::Logs::LogGroup",
    "BetLog": "AWS::Logs::LogGroup",
    "CancelLog": "AWS::Logs::LogGroup",
    "EndroundLog": "AWS::Logs::LogGroup",
    "BalanceLog": "AWS::Logs::LogGroup",
    "CashierLog": "AWS::Logs::LogGroup",
    "ApiLog": "AWS::Logs::LogGroup",
    "ResultFunction": "AWS::Serverless::Function",
    "JackpotFunction": "AWS::Serverless::Function",
    "BonusFunction": "AWS::Serverless::Function",
    "PromoFunction": "AWS::Serverless::Function",
    "BetFunction": "AWS::Serverless::Function",
    "CancelFunction": "AWS::Serverless::Function",
    "EndroundFunction": "AWS::Serverless::Function",
    "BalanceFunction": "AWS::Serverless::Function",
    "CashierFunction": "AWS::Serverless::Function",
    "Api": "AWS::Serverless::Api",
}
OF_BETS = {
    "Rounds", "CancelRetryQueue", "CancelDeadLetters",
    *(f"{each.title()}{what}" for each in BETS for what in ("Log", "Function")),
}  # fmt: skip


def test_nothing_that_holds_data_or_is_called_by_its_name_changes_its_logical_id() -> None:
    types = {*LASTING.values()}

    assert {name: each["Type"] for name, each in RESOURCES.items() if each["Type"] in types} == LASTING
    there = Template.load(Calls="Wins")
    assert {name for name in LASTING if not there.has(name)} == OF_BETS


# --- Secrets ----------------------------------------------------------------------------------------


def test_the_secret_is_made_without_a_value() -> None:
    # One that stood here would stand in every copy of the template; a generated one nobody could tell the provider.
    ((name, secret),) = of_type("AWS::SecretsManager::Secret").items()

    assert name == "ProviderSecret"
    assert secret.keys() == {"Description"}
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


@every_callback
def test_a_function_is_told_of_the_secret_unless_it_is_not_to_be_checked(callback: str) -> None:
    variables = CONTENT["Globals"]["Function"]["Environment"]["Variables"]
    assert is_intrinsic(variables["PROVIDER_SECRET"], "If")

    condition, then, otherwise = variables["PROVIDER_SECRET"].argument

    assert (condition, reference_in(then), otherwise) == ("ChecksSecret", "ProviderSecret", "")
    checks = CONTENT["Conditions"]["ChecksSecret"]
    assert is_intrinsic(checks, "Equals")
    assert (reference_in(checks.argument[0]), checks.argument[1]) == ("CheckSecret", "true")
    assert PARAMETERS["CheckSecret"]["Default"] == "true"
    own = of_type("AWS::Serverless::Function")[f"{callback.title()}Function"]["Environment"]["Variables"]
    assert "PROVIDER_SECRET" not in own


def test_no_secret_of_the_desk_is_in_the_template() -> None:
    text = (ROOT / "template.yaml").read_text()

    for keys in json.loads((EVENTS / "secrets.json").read_text()).values():
        for secret in keys.values():
            assert secret not in text

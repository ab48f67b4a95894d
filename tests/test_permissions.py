"""What a function may do: what it does, and nothing else, each held against the calls it really makes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest

from conftest import ROOT
from rehearsal import Call, rehearsal
from stack import (
    CALLBACKS,
    FUNCTIONS,
    KEEPING,
    MOVEMENTS,
    RESOURCES,
    WINS,
    function_of,
    is_intrinsic,
    of_type,
    reference_in,
)

# Each function, in a stack with these calls.
every_function = pytest.mark.parametrize(
    ("callback", "calls"), [*((each, "All") for each in FUNCTIONS), *((each, "Wins") for each in (*WINS, "cashier"))]
)

Statement = Mapping[str, Any]


def lambdas_own(callback: str) -> set[Call]:
    """What Lambda does for a function in its role, and no rehearsal shows: it reads the queue, and writes the log."""
    queue, log = f"{callback.title()}RetryQueue", f"{callback.title()}Log"
    of_its_queue = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes") if callback in KEEPING else ()
    return {
        *(Call(f"sqs:{operation}", queue) for operation in of_its_queue),
        *(Call(f"logs:{operation}", log) for operation in ("CreateLogStream", "PutLogEvents")),
    }


# --- Against the calls ------------------------------------------------------------------------------


@every_function
def test_a_role_allows_every_call_its_function_makes(callback: str, calls: str) -> None:
    statements = statements_of(callback, calls)

    for call in rehearsal(callback, calls).calls | lambdas_own(callback):
        assert any(allows(statement, call) for statement in statements), f"{callback} needs {call}"


@every_function
def test_a_role_allows_no_call_that_its_function_does_not_make(callback: str, calls: str) -> None:
    made = {each for call in rehearsal(callback, calls).calls | lambdas_own(callback) for each in in_general(call)}
    statements = statements_of(callback, calls)

    allowed = {call for call in every_call() if any(allows(statement, call) for statement in statements)}

    assert {each for call in allowed for each in in_general(call)} == made


@every_function
def test_each_kind_of_key_that_a_role_allows_is_needed(callback: str, calls: str) -> None:
    made = rehearsal(callback, calls).calls

    for statement in statements_of(callback, calls):
        for pattern in condition(statement, LEADING_KEYS) or []:
            others = [other for other in condition(statement, LEADING_KEYS) or [] if other != pattern]
            less = {**statement, "Condition": statement["Condition"] | {LEADING_KEYS[0]: {LEADING_KEYS[1]: others}}}
            assert any(allows(statement, call) and not allows(less, call) for call in made), (callback, pattern)


@every_function
def test_each_statement_of_a_role_is_needed(callback: str, calls: str) -> None:
    made = rehearsal(callback, calls).calls | lambdas_own(callback)
    statements = statements_of(callback, calls)

    for statement in statements:
        others = [other for other in statements if other is not statement]
        assert any(not any(allows(other, call) for other in others) for call in made if allows(statement, call))


def every_call() -> Iterator[Call]:
    """Every operation of the services that the stack has resources of, on each of these.

    A transaction's key is tried for each kind of transaction, and for what only begins like one.
    """
    kinds = [f"{kind}{separator}1" for kind in (*KINDS, *MOVEMENTS) for separator in ("#", "")]
    for service, resource_type in SERVICES.items():
        operations = {*boto3.client(service).meta.service_model.operation_names}
        if service == "dynamodb":
            operations |= NO_OPERATIONS
        for resource in of_type(resource_type):
            for operation in operations:
                keys = [frozenset[str]()] if service != "dynamodb" else [frozenset({key}) for key in ("421", *kinds)]
                for key in keys:
                    for within in (None, *PARTS.get(operation, ())):
                        for attributes in UPDATED if operation == "UpdateItem" and not within else ALL:
                            yield Call(f"{service}:{operation}", resource, key, within, attributes)


SERVICES = {
    "dynamodb": "AWS::DynamoDB::Table",
    "sqs": "AWS::SQS::Queue",
    "secretsmanager": "AWS::SecretsManager::Secret",
    "logs": "AWS::Logs::LogGroup",
    "sns": "AWS::SNS::Topic",
}
KINDS = (*WINS, "bet", "cancel")  # of the provider's transactions
# What IAM knows as actions of DynamoDB beside its operations.
NO_OPERATIONS = {"ConditionCheckItem", "PartiQLSelect", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete"}
# The operations that one may be a part of.
PARTS = {
    "GetItem": ["TransactGetItems"],
    **{part: ["TransactWriteItems"] for part in ("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem")},
}


# What an update may name: that a player is frozen, or the money as well.
FREEZING = frozenset({"userId", "frozen", "frozenBy", "frozenReason", "frozenAt"})
UPDATED = (FREEZING, FREEZING | {"cash"})
ALL = (frozenset[str](),)


def in_general(call: Call) -> set[tuple[str, str, str, str | None, frozenset[str]]]:
    """A call without the names in it, once for each of its keys: of a transaction's only the kind is left."""
    if call.resource != "Transactions":
        return {(call.action, call.resource, "", call.within, call.attributes)}
    kinds = {key.partition("#")[0] if "#" in key else "of no kind" for key in call.keys}
    return {(call.action, call.resource, kind, call.within, call.attributes) for kind in kinds}


def test_a_call_with_keys_of_two_kinds_is_judged_by_all_of_them() -> None:
    statement = {
        "Effect": "Allow",
        "Action": "dynamodb:BatchGetItem",
        "Resource": "Transactions",
        "Condition": {LEADING_KEYS[0]: {LEADING_KEYS[1]: ["result#*"]}},
    }

    assert allows(statement, Call("dynamodb:BatchGetItem", "Transactions", frozenset({"result#1", "result#2"})))
    assert not allows(statement, Call("dynamodb:BatchGetItem", "Transactions", frozenset({"result#1", "promo#1"})))


def test_the_deployed_layer_knows_every_call_that_a_function_makes_and_no_other() -> None:
    (said,) = re.findall(r"(?m)^CALLS := (.*)$", (ROOT / "layers" / "common" / "Makefile").read_text())
    known = {
        f"{service}:{operation}"
        for service, _, operations in (each.partition(":") for each in said.split())
        for operation in operations.split(",")
    }

    made = {
        f"{call.action.partition(':')[0]}:{call.within}" if call.within else call.action
        for callback in FUNCTIONS
        for call in rehearsal(callback).calls
    }
    assert known == made


# --- As IAM judges them -----------------------------------------------------------------------------

LEADING_KEYS = ("ForAllValues:StringLike", "dynamodb:LeadingKeys")
ATTRIBUTES = ("ForAllValues:StringEquals", "dynamodb:Attributes")
ENCLOSING_OPERATION = ("ForAnyValue:StringEquals", "dynamodb:EnclosingOperation")


def allows(statement: Statement, call: Call) -> bool:
    """Whether a statement alone allows a call. It knows the three conditions that the template uses, and no other."""
    known = dict((LEADING_KEYS, ENCLOSING_OPERATION, ATTRIBUTES))
    for operator, keys in statement.get("Condition", {}).items():
        assert list(keys) == [known[operator]]
    patterns, operations = condition(statement, LEADING_KEYS), condition(statement, ENCLOSING_OPERATION)
    attributes = condition(statement, ATTRIBUTES)
    return (
        statement["Effect"] == "Allow"
        and call.action in actions_of(statement)
        and call.resource in resources_of(statement)
        and (patterns is None or all(any(is_like(key, pattern) for pattern in patterns) for key in call.keys))
        and (operations is None or call.within in operations)
        and (attributes is None or (call.within is None and call.attributes <= set(attributes)))
    )


def condition(statement: Statement, name: tuple[str, str]) -> list[str] | None:
    operator, key = name
    return statement.get("Condition", {}).get(operator, {}).get(key)


def is_like(text: str, pattern: str) -> bool:
    assert not set(pattern) & set("$?[\\"), "more of a pattern than is known here"
    return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text, re.DOTALL))


def actions_of(statement: Statement) -> list[str]:
    return listed(statement["Action"])


def resources_of(statement: Statement) -> list[str]:
    """By their names in the template."""
    return [each if isinstance(each, str) else _resource_in(each) for each in listed(statement["Resource"])]


def _resource_in(value: Any) -> str:
    # A secret's Id is its ARN, and a topic's !Ref.
    return reference_in(value, "Id" if str(value.argument).endswith(".Id") else "Arn")


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def role_of(callback: str, calls: str = "All") -> Mapping[str, Any]:
    return of_type("AWS::IAM::Role", calls)[reference_in(function_of(callback)["Role"])]


def statements_of(callback: str, calls: str = "All") -> list[Statement]:
    """Every statement that a function's role has, of its own and by the stack's policies."""
    role = role_of(callback, calls)
    shared = [of_type("AWS::IAM::ManagedPolicy", calls)[reference_in(policy)] for policy in role["ManagedPolicyArns"]]
    documents = [policy["PolicyDocument"] for policy in (*role.get("Policies", []), *shared)]
    return [statement for document in documents for statement in document["Statement"]]


# --- Of all roles and policies ----------------------------------------------------------------------


@every_function
def test_a_function_has_a_role_that_only_lambda_may_take_and_no_other_function_has(callback: str, calls: str) -> None:
    function, role = function_of(callback), role_of(callback, calls)

    assert reference_in(function["Role"]) == f"{callback.title()}Role"
    assert not function.keys() & {"Policies", "PermissionsBoundary", "FunctionUrlConfig"}
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust == {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def test_there_is_no_role_but_the_functions_and_the_one_that_writes_the_api_s_log() -> None:
    roles = of_type("AWS::IAM::Role")
    assert roles.keys() == {"ApiLogRole", *(f"{callback.title()}Role" for callback in FUNCTIONS)}

    (trust,) = roles["ApiLogRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "apigateway.amazonaws.com"}
    assert "Policies" not in roles["ApiLogRole"]


def test_no_role_but_the_api_log_s_has_a_policy_of_aws_s_making() -> None:
    for name, role in of_type("AWS::IAM::Role").items():
        foreign = [policy.argument for policy in role["ManagedPolicyArns"] if not is_intrinsic(policy, "Ref")]
        expected = "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
        assert foreign == ([expected] if name == "ApiLogRole" else [])


def test_a_policy_of_the_stack_allows_by_name() -> None:
    statements = dict(every_statement())
    # The API's own policy, which lets the provider's addresses call it, is held by test_template.
    assert {name.partition(":")[0] for name in statements} >= {
        *(f"{callback.title()}Logging" for callback in FUNCTIONS), *(f"{kind.title()}Records" for kind in KINDS),
        *(f"{callback.title()}Parking" for callback in KEEPING), "ResultRole", "BetRole", "CashierRole",
        "PlayerAccess", "PlayerReading", "FreeRoundAccess", "RoundAccess", "SecretAccess", "OnlyByTls",
        "AlarmTopicOnlyByTls",
    }  # fmt: skip

    for name, statement in statements.items():
        assert not statement.keys() & {"NotAction", "NotResource", "NotPrincipal"}, name
        if statement["Effect"] == "Deny":
            continue
        assert statement.get("Principal") != "*", name
        assert not any("*" in action for action in actions_of(statement)), name
        for resource in listed(statement["Resource"]):
            assert is_intrinsic(resource, "Ref") or is_intrinsic(resource, "GetAtt"), name


def test_nobody_but_the_cashier_opens_a_wallet_or_puts_one() -> None:
    putting = Call("dynamodb:PutItem", "Players", frozenset({"421"}), "TransactWriteItems")

    assert [each for each in FUNCTIONS if any(allows(of, putting) for of in statements_of(each))] == ["cashier"]
    assert not any(
        allows(of, Call("dynamodb:PutItem", "Transactions", frozenset({f"{movement}#1"}), "TransactWriteItems"))
        for callback in CALLBACKS
        for movement in MOVEMENTS
        for of in statements_of(callback)
    )


def test_nothing_is_deleted_by_anybody_but_a_message_by_lambda_that_is_done_with() -> None:
    deleting = {
        (action, resource)
        for _, statement in every_statement()
        if statement["Effect"] == "Allow"
        for action in actions_of(statement)
        if re.search("Delete|Purge|Remove|Restore|Update(?!Item)|BatchWrite|PartiQL", action)
        for resource in resources_of(statement)
    }

    assert deleting == {("sqs:DeleteMessage", f"{callback.title()}RetryQueue") for callback in KEEPING}


def every_statement() -> Iterator[tuple[str, Statement]]:
    """Each statement of what says who may do what, with a name to find it by."""
    for name, resource in RESOURCES.items():
        properties = resource["Properties"]
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
        for number, statement in enumerate(each for document in documents for each in document["Statement"]):
            yield f"{name}:{number}", statement

"""moto as it is, but quicker: what it makes again for every call is made once, and copied when it changes.

test_quick_moto.py holds that it answers as before.
"""

from copy import deepcopy
from functools import cache, partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlparse

import botocore.useragent
import moto.core.responses
import moto.sqs.models
from botocore.awsrequest import HeadersDict
from botocore.endpoint import Endpoint
from botocore.useragent import sanitize_user_agent_string_component
from moto.core.models import RESPONSES_METHODS, botocore_stubber
from moto.core.serialize import BaseJSONSerializer
from moto.core.utils import camelcase_to_underscores, method_names_from_class, utcnow
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.responses import DynamoHandler
from moto.sqs.responses import SQSResponse
from moto.utilities.utils import get_partition
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date

_SERIALIZER: Any = BaseJSONSerializer
_UPDATES: Any = UpdateExpressionParser
_CONDITIONS: Any = ConditionExpressionParser
_HANDLERS: dict[str, Any] = {"DynamoDB_20120810": DynamoHandler, "AmazonSQS": SQSResponse}
_send_request: Any = Endpoint._send_request
_write_structure = _SERIALIZER._serialize_type_structure
_update_item: Any = DynamoDBBackend.update_item
motos_projection = Item.project


def hasten() -> None:
    """Has moto work so in this process, from now on."""
    # Pure functions of a few values, which it asks again for each call, letter by letter.
    for function, *modules in (
        (camelcase_to_underscores, moto.core.responses, moto.sqs.models),
        (method_names_from_class, moto.core.responses),
        (sanitize_user_agent_string_component, botocore.useragent),
    ):
        known = cache(function)
        for module in modules:
            setattr(module, function.__name__, known)
    # What has been read of an expression is not changed: what checks it against an item makes a copy first.
    _UPDATES.make = cache(_UPDATES.make)
    read_one = _CONDITIONS._lex_one_node
    _CONDITIONS._lex_one_node = staticmethod(cache(partial(read_one, _CONDITIONS(None, None, None))))
    # It would answer the library `requests` too, which asks nothing of AWS here: a thousand patterns for each test.
    RESPONSES_METHODS.clear()

    _SERIALIZER._serialize_type_structure = _written
    for owner, name, quick in (
        (Table, "__deepcopy__", _copied_table),
        (Item, "__deepcopy__", _copied_item),
        (Item, "project", _projected),
        (DynamoDBBackend, "update_item", _updated_copy),
        (Endpoint, "_send_request", _answered),
    ):
        setattr(owner, name, quick)


def _answered(endpoint: Any, request: dict[str, Any], operation: Any) -> Any:
    """The answer to a call of the tables or queues, without a signature, a request by HTTP or moto's web server."""
    url, target = urlparse(request["url"]), request["headers"].get("X-Amz-Target", "").partition(".")[0]
    is_mocked = botocore_stubber.enabled and (url.hostname or "").endswith(".amazonaws.com")
    kind = _HANDLERS.get(target) if is_mocked else None
    if not kind:
        return _send_request(endpoint, request, operation)
    headers: Any = HeadersDict(request["headers"])
    body = request["body"] if isinstance(request["body"], str) else request["body"].decode()
    sent = SimpleNamespace(
        method="POST", path=url.path, headers=headers, content_type=headers["Content-Type"], data=body, values={}
    )
    handler: Any = kind()
    handler.parsed_url, handler.uri, handler.path, handler.raw_path = url, request["url"], url.path, url.path
    handler.headers, handler.querystring, handler.uri_match = headers, {}, {}
    handler.body = handler.raw_body = body
    handler.method, handler.normalized_request, handler.is_werkzeug_request = "POST", sent, False
    handler.region = request["context"]["client_region"]
    handler.partition = get_partition(handler.region)
    handler.response_headers = {"server": "amazon.com", "date": http_date(utcnow())}
    handler.parse_parameters(sent)
    handler.access_key, handler.current_account = handler.get_access_key(), handler.get_current_account()
    try:
        status, said, text = handler.call_action()
    except HTTPException as error:
        status, said, text = error.code, error.get_headers(), error.get_body()
    answer = {
        "status_code": status,
        "headers": HeadersDict(said),
        "body": text.encode() if isinstance(text, str) else text,
        "context": {"operation_name": operation.name},
    }
    parser = endpoint._response_parser_factory.create_parser(operation.service_model.resolved_protocol)
    parsed = parser.parse(answer, operation.output_shape)
    if answer["status_code"] >= 300:
        endpoint._add_modeled_error_fields(answer, parsed, operation, parser)
    parsed["ResponseMetadata"]["RetryAttempts"] = 0
    return SimpleNamespace(status_code=answer["status_code"], headers=answer["headers"]), parsed


def _written(serializer: Any, written: dict[str, Any], value: Any, shape: Any, key: str) -> None:
    """Writes an attribute of an item by the one type that it has. moto looks for all ten, under all of their names."""
    if shape.name == "AttributeValue" and isinstance(value, dict) and value.keys() <= shape.members.keys():
        written[key] = attribute = {}
        for type_, content in value.items():
            serializer._serialize(attribute, content, shape.members[type_], type_)
    else:
        _write_structure(serializer, written, value, shape, key)


def _copied_table(table: Table, memo: dict[int, Any]) -> Table:
    """A copy that shares its items: moto makes one for each action of a transaction, to come back to if it fails.

    An item in a table is never changed: a put replaces it, and an update changes a copy.
    """
    copied = memo[id(table)] = object.__new__(Table)
    shared = table.items.copy()
    if table.range_key_attr is not None:
        for hash_key, items in shared.items():
            shared[hash_key] = items.copy()
    rest = {name: deepcopy(value, memo) for name, value in vars(table).items() if name != "items"}
    vars(copied).update(rest, items=shared)
    return copied


def _updated_copy(backend: Any, table_name: str, key: dict[str, Any], *rest: Any, **options: Any) -> Item:
    table = backend.get_table(table_name)
    if all(name in key for name in table.table_key_attrs):
        hash_key, range_key = backend.get_keys_value(table, key)
        if item := table.get_item(hash_key, range_key):
            items, place = (table.items[hash_key], range_key) if range_key else (table.items, hash_key)
            items[place] = deepcopy(item)
    return _update_item(backend, table_name, key, *rest, **options)


def _copied_item(item: Item, _memo: dict[int, Any]) -> Item:
    """A copy that shares texts, numbers and the like: only lists, maps and sets can change."""
    copied: Any = object.__new__(Item)
    copied.hash_key, copied.range_key = item.hash_key, item.range_key
    copied.attrs = _attributes(
        {
            name: deepcopy(value) if isinstance(value, DynamoType) and isinstance(value.value, list | dict) else value
            for name, value in item.attrs.items()
        }
    )
    return copied


def _projected(item: Item, projection_expressions: list[list[str]]) -> Item:
    """The item with some attributes. moto makes Python's objects of all of them for each that is asked for."""
    names = [path[0] for path in projection_expressions if len(path) == 1]
    if len(names) < len(projection_expressions) or any("[" in name for name in names):
        return motos_projection(item, projection_expressions)
    copied: Any = object.__new__(Item)
    copied.hash_key, copied.range_key = item.hash_key, item.range_key
    copied.attrs = _attributes({name: item.attrs[name] for name in names if name in item.attrs})
    return copied


def _attributes(attributes: dict[str, Any]) -> LimitedSizeDict:
    """They were small enough when they were written, which moto would count again."""
    limited = LimitedSizeDict()
    dict.update(limited, attributes)
    return limited

"""What the local engine's CloudFormation passes over, done by hand. In an account none of this is needed.

Its transform of SAM templates sees parameters at their defaults only. Its import of an API reads neither "any
method", nor the gateway's own answers, nor the resource policy; its API calls know all three.
"""

import json
from collections.abc import Mapping
from typing import Any

from tools.local.template import Template


def with_parameters_as_defaults(template: dict[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """The same template; each given parameter's value is its default as well."""
    declared = template["Parameters"]
    given = {name: declared[name] | {"Default": value} for name, value in parameters.items()}
    return template | {"Parameters": declared | given}


def complete_api(template: Template, apigateway: Any, functions: Any, resources: Mapping[str, str], cidrs: str) -> None:
    """Adds the methods, the gateway's own answers and the resource policy of a template, and deploys them."""
    api = resources["Api"]
    paths = {each["path"]: each["id"] for each in apigateway.get_resources(restApiId=api, limit=500)["items"]}
    for path, callback in template.routes().items():
        alias = functions.get_alias(FunctionName=resources[f"{callback.title()}Function"], Name="live")["AliasArn"]
        region = alias.split(":")[3]
        method = {"restApiId": api, "resourceId": paths[path], "httpMethod": "ANY"}
        apigateway.put_method(**method, authorizationType="NONE")
        apigateway.put_integration(
            **method,
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{alias}/invocations",
        )
    for name, answer in template.gateway_responses().items():
        apigateway.put_gateway_response(
            restApiId=api,
            responseType=name,
            statusCode=str(answer.status),
            responseTemplates={"application/json": answer.body},
        )
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "execute-api:Invoke",
                "Resource": "execute-api:/*",
                "Condition": {"IpAddress": {"aws:SourceIp": cidrs.split(",")}},
            }
        ],
    }
    patch = {"op": "replace", "path": "/policy", "value": json.dumps(policy)}
    apigateway.update_rest_api(restApiId=api, patchOperations=[patch])
    apigateway.create_deployment(restApiId=api, stageName=template.parameters["StageName"])

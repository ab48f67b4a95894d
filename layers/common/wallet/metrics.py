"""Metrics in CloudWatch's embedded format: lines of the log from which CloudWatch counts by itself.

Source: AWS's specification of the embedded metric format.
"""

import json
import os
import time
from collections.abc import Mapping
from typing import Literal

Unit = Literal["Count", "Seconds", "None"]


def emit(name: str, value: float, unit: Unit, dimensions: Mapping[str, str]) -> None:
    """Prints one metric of this function, in the stack's namespace: once by `service`, once for all functions.

    An alarm watches the second: a sum over the functions would be a formula, which takes ten metrics at the most.
    """
    for_all = [*dimensions]
    dimensions = {**dimensions, "service": os.environ["POWERTOOLS_SERVICE_NAME"]}
    directive = {
        "Namespace": os.environ["POWERTOOLS_METRICS_NAMESPACE"],
        "Dimensions": [[*dimensions], for_all],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    about = {"Timestamp": int(1000 * time.time()), "CloudWatchMetrics": [directive]}
    print(_json({"_aws": about, **dimensions, name: [float(value)]}))


_json = json.JSONEncoder(separators=(",", ":")).encode

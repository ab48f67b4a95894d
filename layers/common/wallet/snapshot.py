"""SnapStart: Lambda starts every environment of a version from one snapshot of an initialised function.

What is slow for the first time is done before the snapshot is taken. What must not be the same in two
environments, or does not outlast the time between, is made anew after it: connections are closed before,
and the jitter's seed, which they would share, is drawn again. Nothing else is at stake: the provider's
secret is first read by a callback, tokens of writes are the kernel's random numbers, the credentials
renew themselves, and every moment is asked for when it is needed.
"""

import random
from collections.abc import Callable

from aws_lambda_powertools import Logger

# Lambda's runtime brings it along, and runs what is registered with its own copy: the layer must not carry another.
from snapshot_restore_py import register_after_restore, register_before_snapshot

_logger = Logger(child=True)


def prepare(*warm_ups: Callable[[], None]) -> None:
    """Has `warm_ups` run before a snapshot is taken; each leaves no connection open. Without SnapStart none runs."""
    for warm_up in warm_ups:
        register_before_snapshot(_try, warm_up)
    register_after_restore(random.seed)


def _try(warm_up: Callable[[], None]) -> None:
    try:
        warm_up()
    except Exception as error:  # the snapshot is colder then, and a version that cannot be published is worse
        _logger.warning("a snapshot was not warmed up", reason=type(error).__name__)
    else:
        _logger.info("a snapshot was warmed up")

"""Each target of the fuzzer, tried briefly and with the same inputs every time; at length by `make fuzz`."""

import pytest

from .targets import TARGETS, Target


@pytest.mark.parametrize("target", [pytest.param(target, id=target.promise) for target in TARGETS])
def test_whatever_is_sent(target: Target) -> None:
    target.run()

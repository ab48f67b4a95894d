"""Which lines of the log are about which alarm: one rule, as CloudWatch's filter has it and as a file is read by it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tools.walletctl.log import object_of


@dataclass(frozen=True, slots=True)
class Having:
    """A field that has one of these values; a text may have `*` for any characters."""

    name: str
    values: Sequence[str | int]

    def pattern(self) -> str:
        return f"({' || '.join(f'$.{self.name} = {json.dumps(value)}' for value in self.values)})"

    def holds(self, said: Mapping[str, Any]) -> bool:
        value = said.get(self.name)
        return any(
            value == each or (isinstance(value, str) and isinstance(each, str) and fnmatchcase(value, each))
            for each in self.values
        )


@dataclass(frozen=True, slots=True)
class Differing:
    """A field that is there and has none of these values."""

    name: str
    values: Sequence[str]

    def pattern(self) -> str:
        return f"({' && '.join(f'$.{self.name} != {json.dumps(value)}' for value in self.values)})"

    def holds(self, said: Mapping[str, Any]) -> bool:
        return said.get(self.name) not in (None, *self.values)


@dataclass(frozen=True, slots=True)
class Without:
    name: str

    def pattern(self) -> str:
        return f"($.{self.name} NOT EXISTS)"

    def holds(self, said: Mapping[str, Any]) -> bool:
        return said.get(self.name) is None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of texts that is not empty."""

    name: str

    def pattern(self) -> str:
        return f'($.{self.name}[0] = "*")'

    def holds(self, said: Mapping[str, Any]) -> bool:
        value = said.get(self.name)
        return isinstance(value, list) and bool(value)


@dataclass(frozen=True, slots=True)
class AtLeast:
    name: str
    least: int

    def pattern(self) -> str:
        return f"($.{self.name} >= {self.least})"

    def holds(self, said: Mapping[str, Any]) -> bool:
        try:
            return float(said.get(self.name) or 0) >= self.least  # fractions are read as texts
        except (TypeError, ValueError):
            return False


Rule = Sequence[Having | Differing | Without | Listing | AtLeast]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """`rules`: a line fits one of them in all its conditions. `words`: or it is not JSON, and has one of these.

    `by_the_api`: they are in the log of API Gateway, which also has the calls that reached no function.
    """

    about: str
    hours: int
    rules: Sequence[Rule] = ()
    words: Sequence[str] = ()
    by_the_api: bool = False

    def pattern(self) -> str:
        """As CloudWatch Logs filters."""
        if self.words:
            return " ".join(f"?{json.dumps(word)}" for word in self.words)
        rules = [f"({' && '.join(each.pattern() for each in rule)})" for rule in self.rules]
        return f"{{ {' || '.join(rules)} }}"

    def holds(self, text: str) -> bool:
        if self.words:
            return any(word in text for word in self.words)
        said = object_of(text)
        return any(all(each.holds(said) for each in rule) for rule in self.rules)


_REFUSED = Having("message", ["refused"])
_OTHERS = ["ACCESS_DENIED", "WAF_FILTERED"]  # of API Gateway's answers, those to other addresses
# What a callback's path ends with, also where the rest of it is wrong.
_CALLED = [
    f"*{end}" for end in ("Result", "Win", "bonuswin", "Bet", "Cancel", "Refund", "EndRound", "Balance", "Check")
]

# By the alarm's name, without the stack's and the callback's. How many hours: as soon as somebody must look.
LINES: Mapping[str, Lines] = {
    "parking-failed": Lines(
        about="wins and cancels that could be neither done nor kept",
        hours=3,
        rules=[[Having("message", ["parking failed"])]],
    ),
    "not-kept": Lines(
        about="requests that were refused and are kept nowhere",
        hours=3,
        rules=[
            [_REFUSED, Having("code", [99, 401, 998]), Without("correlation_id")]
        ],  # what is not admitted has no name
    ),
    "function-failed": Lines(
        about="crashes and timeouts",
        hours=3,
        words=["Task timed out", "Runtime exited", "Runtime.", "errorType", "Traceback"],
    ),
    "gateway-refused": Lines(
        about="calls that API Gateway refused by itself",
        hours=3,
        rules=[
            [Having("status", ["5*"]), Differing("gatewayAnswer", ["-", *_OTHERS])],
            [Having("method", ["POST"]), Having("path", _CALLED), Differing("gatewayAnswer", ["-", *_OTHERS])],
        ],
        by_the_api=True,
    ),
    "function-throttled": Lines(
        about="calls for which a function had no free environment",
        hours=3,
        rules=[[Having("functionStatus", ["429"])]],
        by_the_api=True,
    ),
    "no-callbacks": Lines(
        about="calls of any kind, the last ones first",
        hours=24,
        rules=[[Having("status", ["*"])]],
        by_the_api=True,
    ),
    "unauthenticated": Lines(
        about="callbacks with a wrong token or hash",
        hours=24,
        rules=[[_REFUSED, Having("code", [401])]],
    ),
    "other-address": Lines(
        about="calls from other addresses, or refused by the web ACL",
        hours=3,
        rules=[[Having("gatewayAnswer", _OTHERS)]],
        by_the_api=True,
    ),
    "not-possible": Lines(
        about="callbacks that a function answered 998",
        hours=3,
        rules=[[_REFUSED, Having("code", [998])]],
    ),
    "parked-long": Lines(
        about="tries that failed",
        hours=24,
        rules=[[_REFUSED, AtLeast("tries", 1)]],
    ),
    "dead-letter-arrived": Lines(
        about="requests that are left for a person",
        hours=24,
        rules=[
            [Having("message", ["*left for a person"])],
            [_REFUSED, AtLeast("tries", 10)],
            [_REFUSED, Having("level", ["ERROR"]), Having("code", [52, 57, 59, 61, 64])],  # kept, and no retry can help
        ],
    ),
    "conflicts": Lines(
        about="references that came again with other content, and what a round forbids",
        hours=24,
        rules=[  # a bet with another amount is refused with 53, and counts
            [_REFUSED, Having("code", [61])],
            [_REFUSED, Listing("differences")],
            [Having("message", ["prize left for a person"])],
        ],
    ),
    "closed-with-winnings": Lines(
        about="rounds that were closed automatically and had won already",
        hours=168,
        rules=[[Having("lookAt", ["closed-with-winnings"])]],
    ),
    "total-without-code": Lines(
        about="totals of free rounds without a bonus code",
        hours=168,
        rules=[[Having("lookAt", ["total-without-code"])]],
    ),
    "tables-throttled": Lines(
        about="callbacks that a throttled table held up for too long",
        hours=24,
        rules=[[_REFUSED, Having("reason", ["*hrottl*"])]],
    ),
    "slow-answers": Lines(
        about="callbacks that took a function longer than 200 ms",
        hours=24,
        rules=[[AtLeast("milliseconds", 200)]],
    ),
}

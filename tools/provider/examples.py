"""The provider's five published examples, as it would send them to a stack."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tools.provider.signing import hash_of
from tools.shared.paths import ROOT

EVENTS = ROOT / "events"

# Which output each example is sent to; a round closed automatically is a result.
EXAMPLES = {
    "result": "ResultUrl",
    "auto_closing": "ResultUrl",
    "jackpot": "JackpotUrl",
    "bonus": "BonusUrl",
    "promo": "PromoUrl",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A published example: its `name`, the stack's output that it is sent to, and its body, to the letter."""

    name: str
    output: str
    body: str

    def signed(self, secret: str) -> str:
        """The body with the hash that the secret makes, if it has one.

        Made by the provider's stand-in, and not by the wallet, which could not notice a wrong formula of its own.
        """
        published = json.loads(self.body).get("hash")
        return self.body.replace(str(published), hash_of(self.body, secret)) if published else self.body


def examples() -> Iterator[Example]:
    for name, output in EXAMPLES.items():
        event = json.loads((EVENTS / f"{name}.json").read_text())
        yield Example(name=name, output=output, body=event["body"])

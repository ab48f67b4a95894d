"""What the soak remembers: what it sends, and each delivery of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.provider.answers import SUCCESS
from tools.provider.sending import RETRANSMISSIONS
from tools.provider.simulate.provider import SENT_AGAIN, Delivery
from tools.provider.simulate.story import Callback


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A callback, and the code of its final answer: 0, or the refusal that the soak provokes."""

    callback: Callback
    code: int = SUCCESS
    fields: Mapping[str, str] = field(default_factory=dict)  # JSON that replaces fields of its body
    may_be_unknown: bool = False  # the player's wallet is opened late: until then, 62 is right
    may_give_up: bool = False  # the provider stops sending it when it is surely queued
    follows_a_failure: bool = False  # it is only sent if a bet fails: its cancel, and the bet once more

    @property
    def is_owed(self) -> bool:
        return self.code == SUCCESS

    @property
    def right(self) -> frozenset[int]:
        """The codes of a final answer that are right."""
        return self.callback.fine if self.is_owed else frozenset({self.code})

    @property
    def most_deliveries(self) -> int:
        return self.callback.copies + SENT_AGAIN.get(self.callback.page, RETRANSMISSIONS)


@dataclass(slots=True)
class Sent:
    """A plan with all its deliveries, in the order in which they ended. Times are in seconds of the run."""

    plan: Plan
    deliveries: list[Delivery] = field(default_factory=list)
    gave_up: bool = False  # after one 998: only the queue can pay it
    is_surely_kept: bool = False  # one of its 998s came while nothing kept the functions from queueing it

    @property
    def codes(self) -> list[int | None]:
        return [delivery.code for delivery in self.deliveries]

    @property
    def is_unfinished(self) -> bool:
        """Whether the provider would have sent it again, had the soak not ended."""
        callback = self.plan.callback
        return (
            not self.gave_up
            and not callback.is_given_up
            and all(delivery.answer.must_be_sent_again() for delivery in self.deliveries)
            and len(self.deliveries) < self.plan.most_deliveries
        )

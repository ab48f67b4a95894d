"""A callback's dead letters in SQS: read, put back, sent back or discarded; never lost.

SQS cannot list. Who reads a message hides it from everyone else for a while, so whatever is not sent back is
made visible again on every way out, and comes back by itself after a way out that was none (SIGKILL, a lost
connection). What is sent back is deleted only once the retry queue has acknowledged it: broken off between the
two it is there twice, and the second one is a replay.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

from tools.shared.outside import fault, faults, plain, trouble_if
from tools.shared.trouble import Trouble
from tools.walletctl.parked.interruptions import Interruptions
from tools.walletctl.parked.letters import DeadLetter
from tools.walletctl.place import Queues

HIDDEN_SECONDS = 300  # ten thousand letters are read, chosen and sent in less
WAIT_SECONDS = 1  # a receive that waits asks all of the queue's servers, one that does not asks a sample
EMPTY_RECEIVES = 3  # in a row, before a queue counts as read: even one that waits may miss a letter

_MOST = 10  # messages in one call, as SQS has it
_MOST_BYTES = 256 * 1024  # in one call, all its messages together

Advance = Callable[[int], None]


@dataclass(slots=True)
class Sending:
    """How a sending went, or how far it got; as text, a clause for a person."""

    chosen: int = 0
    sent: int = 0
    duplicates: int = 0  # sent, and still a dead letter

    def __str__(self) -> str:
        if not self.chosen:
            return "nothing was sent back"
        told = f"{self.sent} of {self.chosen} were sent back"
        if self.sent < self.chosen:
            told += f", {self.chosen - self.sent} remain dead letters"
        if self.duplicates:
            told += f"; {self.duplicates} of them could not be deleted: "
            told += "it stays as a duplicate, harmless: it will be a replay"
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """About how many messages wait for another try: `due` now, sent just now, and between two tries or being tried."""

    due: int
    new: int
    hidden: int

    @property
    def all(self) -> int:
        return self.due + self.new + self.hidden


def waiting(queues: Queues) -> Waiting:
    """What waits in a callback's retry queue, which can be counted and not listed. Raises Trouble."""
    names = [f"ApproximateNumberOfMessages{which}" for which in ("", "Delayed", "NotVisible")]
    with trouble_if("what waits for another try cannot be counted"):
        answer = queues.sqs.get_queue_attributes(QueueUrl=queues.retry_queue, AttributeNames=names)
    due, new, hidden = (int(answer["Attributes"][name]) for name in names)
    return Waiting(due=due, new=new, hidden=hidden)


class Mailbox:
    """The dead letters of a callback. What it still holds when it is left is put back; `not_put_back` counts the rest.

    An interruption is heard between two calls of SQS.
    """

    def __init__(self, queues: Queues, interruptions: Interruptions) -> None:
        self._queues = queues
        self._interruptions = interruptions
        self._held: dict[str, DeadLetter] = {}
        self.not_put_back = 0

    def __enter__(self) -> "Mailbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.keep(frozenset())

    @property
    def letters(self) -> list[DeadLetter]:
        """What it holds: read, and neither put back nor sent back."""
        return list(self._held.values())

    def approximate_numbers(self) -> tuple[int, int]:
        """About how many letters can be read, and how many are hidden by somebody else. Raises Trouble."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        with trouble_if("the dead letters cannot be counted"):
            answer = self._queues.sqs.get_queue_attributes(QueueUrl=self._queues.dead_letters, AttributeNames=names)
        there, hidden = (int(answer["Attributes"][name]) for name in names)
        return there, hidden

    def read(self, advance: Advance, wanted: Set[str] = frozenset()) -> None:
        """Receives whatever there is, or until it holds the messages of the `wanted` ids. Raises Trouble."""
        empty = 0
        while empty < EMPTY_RECEIVES and not (wanted and wanted <= self._held.keys()):
            with trouble_if("the dead letters cannot be read"):
                new = self._receive()
            self._interruptions.check()
            empty = 0 if new else empty + 1
            advance(new)

    def _receive(self) -> int:
        """How many letters came that it did not hold. A message that comes twice counts by its newest receipt."""
        before = len(self._held)
        answer = self._queues.sqs.receive_message(
            QueueUrl=self._queues.dead_letters,
            MaxNumberOfMessages=_MOST,
            WaitTimeSeconds=0 if self._queues.at_once else WAIT_SECONDS,
            VisibilityTimeout=HIDDEN_SECONDS,
            AttributeNames=["SentTimestamp"],
        )
        self._held |= {message["MessageId"]: DeadLetter.of(message) for message in answer.get("Messages", [])}
        return len(self._held) - before

    def keep(self, message_ids: Set[str]) -> None:
        """Puts all others back, for others to see at once.

        Raises nothing: what cannot be put back is counted, and comes back within HIDDEN_SECONDS.
        """
        others = [letter for letter in self.letters if letter.message_id not in message_ids]
        for letter in others:
            del self._held[letter.message_id]
        for done in range(0, len(others), _MOST):
            entries = _entries(others[done : done + _MOST], VisibilityTimeout=0)
            try:
                answer = self._queues.sqs.change_message_visibility_batch(
                    QueueUrl=self._queues.dead_letters, Entries=entries
                )
            except faults():
                self.not_put_back += len(others) - done
                return  # the next would fail like it, and a person waits
            self.not_put_back += len(answer.get("Failed", []))

    def send_back(self, tally: Sending, advance: Advance) -> None:
        """Moves all it holds to the retry queue, byte for byte, the longest owed first. Raises Trouble at a failure."""
        letters = sorted(self.letters, key=lambda letter: letter.first_received_at)
        tally.chosen = len(letters)
        for batch in _batches(letters):
            self._interruptions.check()
            acknowledged, not_sent = self._send(batch)
            tally.sent += len(acknowledged)
            duplicates, not_deleted = self._delete(acknowledged)
            tally.duplicates += duplicates
            advance(len(acknowledged))
            if not_sent:
                raise Trouble(f"the retry queue did not take a dead letter: {not_sent}")
            if not_deleted:
                raise Trouble(f"what was sent back cannot be deleted: {not_deleted}")

    def discard(self, advance: Advance) -> int:
        """Deletes all it holds, for good; how many. Raises Trouble at a failure, which says how far it got."""
        letters, done = self.letters, 0
        for start in range(0, len(letters), _MOST):
            self._interruptions.check()
            batch = letters[start : start + _MOST]
            remaining, fault = self._delete(batch)
            done += len(batch) - remaining
            advance(len(batch) - remaining)
            if remaining:
                why = fault or "SQS did not delete every letter that it was told to"
                raise Trouble(f"{done} of {len(letters)} were discarded, the others remain dead letters: {why}")
        return done

    def _send(self, batch: Sequence[DeadLetter]) -> tuple[list[DeadLetter], str | None]:
        """Those that the retry queue acknowledged, and what is wrong with the others."""
        entries = [{"Id": str(number), "MessageBody": letter.body} for number, letter in enumerate(batch)]
        try:
            answer = self._queues.sqs.send_message_batch(QueueUrl=self._queues.retry_queue, Entries=entries)
        except faults() as error:
            return [], fault(error)
        acknowledged = [batch[int(entry["Id"])] for entry in answer.get("Successful", [])]
        if len(acknowledged) == len(batch):
            return acknowledged, None
        reasons = {f"{entry['Code']} {entry.get('Message', '')}" for entry in answer.get("Failed", [])}
        return acknowledged, plain("; ".join(sorted(reasons))) or "it did not say why"

    def _delete(self, sent: Sequence[DeadLetter]) -> tuple[int, str | None]:
        """How many of them stay as duplicates, and why if that goes for any letter."""
        if not sent:
            return 0, None
        try:
            answer = self._queues.sqs.delete_message_batch(QueueUrl=self._queues.dead_letters, Entries=_entries(sent))
        except faults() as error:
            return len(sent), fault(error)
        for entry in answer.get("Successful", []):
            del self._held[sent[int(entry["Id"])].message_id]
        return len(sent) - len(answer.get("Successful", [])), None


def _entries(letters: Sequence[DeadLetter], **more: Any) -> list[dict[str, Any]]:
    return [
        {"Id": str(number), "ReceiptHandle": letter.receipt_handle, **more} for number, letter in enumerate(letters)
    ]


def _batches(letters: Iterable[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """The letters in as many calls as SQS needs: of ten at the most, and of 256 KiB."""
    batch: list[DeadLetter] = []
    room = 0
    for letter in letters:
        size = len(letter.body.encode(errors="surrogatepass"))
        if batch and (len(batch) == _MOST or size > room):
            yield batch
            batch = []
        if not batch:
            room = _MOST_BYTES
        batch.append(letter)
        room -= size
    if batch:
        yield batch

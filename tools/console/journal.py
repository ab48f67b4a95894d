"""What was done from the console: a line of JSON for each, in a file and on the service's output."""

import json
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.shared.outside import plain, user
from tools.shared.trouble import Trouble

SHOWN = 20
_PRINTED = 5  # references in a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """`what` was done with which dead letters, and `outcome`, a clause for a person."""

    at: str
    who: str
    what: str
    callback: str
    letters: Sequence[str]  # by message id; none if it was all of them
    outcome: str
    reason: str = ""
    references: Sequence[str] = ()  # of what was done; none where it failed


class Journal:
    def __init__(self, file: Path) -> None:
        self.file = file
        self._writing = threading.Lock()
        self._newest: deque[Deed] = deque(_read(file), SHOWN)

    def note(
        self,
        what: str,
        callback: str,
        letters: Sequence[str],
        outcome: str,
        reason: str = "",
        references: Sequence[str] = (),
    ) -> Deed:
        """Raises Trouble if it cannot be written: what was done is done, and the person is told."""
        deed = Deed(
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            who=user(),
            what=what,
            callback=callback,
            letters=letters,
            outcome=outcome,
            reason=reason,
            references=references,
        )
        of = f" ({', '.join(map(plain, references[:_PRINTED]))}{', …' if references[_PRINTED:] else ''})"
        print(f"console  {what} {callback}: {plain(outcome)}{of if references else ''}", flush=True)
        with self._writing:
            self._newest.append(deed)
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                with self.file.open("a") as lines:
                    lines.write(json.dumps(asdict(deed)) + "\n")
            except OSError as error:
                raise Trouble(f"{outcome}; but {self.file} cannot be written: {error.strerror}") from None
        return deed

    def newest(self) -> list[Deed]:
        return list(reversed(self._newest))


def _read(file: Path) -> list[Deed]:
    deeds: list[Deed] = []
    with suppress(OSError), file.open(errors="replace") as lines:
        for line in deque(lines, SHOWN):
            with suppress(ValueError, TypeError):
                deeds.append(Deed(**json.loads(line)))
    return deeds

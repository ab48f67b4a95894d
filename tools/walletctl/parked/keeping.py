"""The file that keeps dead letters before they are discarded."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tools.shared.outside import plain, user
from tools.shared.trouble import Trouble
from tools.walletctl.parked.letters import DeadLetter


def keep_in_file(file: Path, about: Mapping[str, str], letters: Sequence[DeadLetter]) -> None:
    """Keeps the letters, body for body, so that a loss of power leaves them on disk. Raises Trouble if it cannot."""
    kept = {
        "discardedAt": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "discardedBy": user(),
        **about,
        "letters": [{"messageId": letter.message_id, "body": letter.body} for letter in letters],
    }
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(json.dumps(kept, indent=2) + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        folder = os.open(file.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # else the file may be without its name after a loss of power
        finally:
            os.close(folder)
    except OSError as error:
        raise Trouble(f"{plain(str(file))} cannot be written ({error.strerror}): nothing was discarded") from None

"""Which cases failed the last time, by operator and player: what `--failed` runs again.

A small file on this machine. What is not tried again stays in it.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from tools.provider.certify.catalogue import Case
from tools.provider.certify.run import Certification
from tools.shared.outside import plain
from tools.shared.replaced import replaced
from tools.shared.trouble import Trouble

_MOST = 50  # operators and players that are remembered, the newest


def failed_last(cases: Sequence[Case], url: str, player: str) -> tuple[Case, ...]:
    """Those of the cases that failed. Raises Trouble if none is known to have failed."""
    remembered = _read().get(_key(url, player))
    if remembered is None:
        raise Trouble(f"no earlier run against {url} for {plain(player)} is known here: run it without --failed first")
    found = tuple(case for case in cases if case.name in remembered)
    if not found:
        raise Trouble(f"none of these cases failed in the last run against {url} for {plain(player)}")
    return found


def remember(certification: Certification) -> None:
    """Writes down which cases failed. Raises Trouble if it cannot be written."""
    settings = certification.settings
    key, everything = _key(settings.url, settings.player_id), _read()
    tried = {outcome.case.name for outcome in certification.outcomes if outcome.verdict != "not tried"}
    before = [name for name in everything.pop(key, []) if name not in tried]
    everything = {**everything, key: [*before, *(outcome.case.name for outcome in certification.failed)]}
    newest = dict([*everything.items()][-_MOST:])
    file = _file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Trouble(f"{file.parent} cannot be made: {error.strerror}") from None
    with replaced(file, "what failed ") as written:
        written.write(json.dumps(newest, indent=2) + "\n")


def _key(url: str, player: str) -> str:
    return f"{url} {player}"


def _file() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "walletctl" / "certify-failed.json"


def _read() -> dict[str, list[str]]:
    """By operator and player; nothing if it was never written, or is something else."""
    try:
        said = json.loads(_file().read_text())
    except (OSError, ValueError):
        return {}
    return {
        key: [name for name in names if isinstance(name, str)]
        for key, names in (said.items() if isinstance(said, dict) else ())
        if isinstance(names, list)
    }

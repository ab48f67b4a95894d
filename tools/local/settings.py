"""What the local service can be told, from the environment; see tools/local/run.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.shared.folders import ROOT
from tools.shared.trouble import Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    port: int
    players: Path
    secrets: Path | None
    workers: int
    retry_seconds: int
    engine_port: int
    endpoint: str | None
    tables_endpoint: str | None
    queues_endpoint: str | None
    reload: bool
    warm: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ServiceSettings":
        """Raises Trouble for what is not a number."""
        secrets = environment.get("SECRETS")
        return cls(
            port=whole_number(environment, "PORT", 3000, 65535),
            players=Path(environment.get("PLAYERS") or ROOT / "events" / "players.json"),
            secrets=Path(secrets) if secrets else None,
            workers=whole_number(environment, "WORKERS", 2, 64),
            retry_seconds=whole_number(environment, "RETRY_SECONDS", 1, 900),
            engine_port=whole_number(environment, "ENGINE_PORT", 0, 65535),
            endpoint=environment.get("AWS_ENDPOINT_URL") or None,
            tables_endpoint=environment.get("TABLES_ENDPOINT") or None,
            queues_endpoint=environment.get("QUEUES_ENDPOINT") or None,
            reload=_switch(environment, "RELOAD", "0"),
            warm=_switch(environment, "WARM", "1"),
        )


def whole_number(environment: Mapping[str, str], name: str, default: int, greatest: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not (name == "ENGINE_PORT" or int(text)) or int(text) > greatest:
        raise Trouble(f"{name} must be a whole number from 1 to {greatest}, not {text!r}")
    return int(text)


def _switch(environment: Mapping[str, str], name: str, default: str) -> bool:
    if (text := environment.get(name) or default) not in ("0", "1"):
        raise Trouble(f"{name} must be 0 or 1, not {text!r}")
    return text == "1"

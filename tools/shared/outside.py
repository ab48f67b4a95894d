"""What comes from outside, for a terminal: texts that may be anything, AWS's complaints, a running service's places.

The SDK is imported where it is used: half a second that a page of help, or a mistake, need not wait for.
"""

import getpass
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.shared.folders import IS_CHECKOUT, announcement
from tools.shared.hints import port_options
from tools.shared.trouble import Trouble

LOCAL_CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}

_MOST_OF_A_FAULT = 300  # characters: some are whole pages


def plain(text: str) -> str:
    """The text as characters that do nothing to a terminal; texts that differ stay different."""
    return "".join(
        character if character.isprintable() and character != "\\" else character.encode("unicode_escape").decode()
        for character in text
    )


def legible(name: str) -> str:
    """A name for a sentence: in quotes if there are spaces at its ends, which nobody would see."""
    return plain(name) if name == name.strip() else f"'{plain(name)}'"


def cut(text: str, most: int) -> str:
    """The text in no more than that many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def quoted(text: str, most: int = 40) -> str:
    """A text for a sentence, in quotes and in no more than that many characters."""
    return f"'{cut(plain(text), most)}'"


def fault(error: Exception) -> str:
    """What an error says, on one line."""
    return plain(" ".join(str(error).split())[:_MOST_OF_A_FAULT])


def faults() -> tuple[type[Exception], ...]:
    """What AWS, or the way to it, raises."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return ClientError, BotoCoreError, ResponseParserError  # the last: something else answers in AWS's place


@contextmanager
def trouble_if(what: str, advice: str = "") -> Iterator[None]:
    """Turns what AWS, or the way to it, has to complain of into Trouble. `advice` is a sentence."""
    try:
        yield
    except faults() as error:
        told = fault(error)
        raise Trouble(f"{what}: {told}" if not advice else f"{what}: {told.rstrip('.')}. {advice}") from error


def user() -> str:
    """Who runs this program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        return f"uid {os.getuid()}"


def announced(port: int, what: str, *names: str) -> Mapping[str, Any]:
    """What the local service on that port says of `names`, to find its `what`. Raises Trouble if none runs there."""
    if not IS_CHECKOUT:
        raise Trouble("only a checkout can find a local service: name the wallet's address with --url")
    try:
        said = json.loads(announcement(port).read_text())
        pid, found = int(said["pid"]), {name: said[name] for name in names}
    except FileNotFoundError:
        raise Trouble(
            f"no local service runs on port {port}: start one with `{_start(port)}`, or name a stack{_others(port)}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        where = f"where the local service on port {port} has its {what}"
        raise Trouble(f"{announcement(port)} does not say {where}: start it again") from None
    if not Path(f"/proc/{pid}").exists():  # it was killed, and could not take its announcement back
        raise Trouble(
            f"no local service runs on port {port} any more: start one with `{_start(port)}`, or name a stack"
        )
    return found


def _start(port: int) -> str:
    return f"make run PORT={port}" if port_options(port) else "make run"


def _others(port: int) -> str:
    """A clause that tells of the services on other ports, if there are any."""
    files = announcement(port).parent.glob("service-*.json")
    ports = sorted(number for file in files if (number := file.stem.removeprefix("service-")) != str(port))
    return f" (one runs on port {', '.join(ports)})" if ports else ""


def leave_the_account() -> None:
    """Takes out of the environment whatever of the caller's account the SDK might use, or stumble over."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        os.environ[name] = os.devnull

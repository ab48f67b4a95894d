"""The report: one HTML file with every request and answer, to be sent to the other side as evidence."""

import platform
from datetime import UTC, timedelta
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from tools.provider.certify.run import Certification
from tools.provider.certify.show import summary
from tools.shared.amounts import amount
from tools.shared.outside import plain
from tools.shared.replaced import replaced

_MOST_OF_A_BODY = 6_000  # characters: of a body above 64 KiB nobody reads the rest


def write(certification: Certification, file: Path) -> None:
    """Writes it whole or not at all. Raises Trouble."""
    text = rendered(certification)
    with replaced(file, "the report ") as written:
        written.write(text)


def rendered(certification: Certification) -> str:
    """The report's text. What comes from outside is escaped, every bit of it."""
    pages = Environment(
        loader=PackageLoader("tools.provider.certify", ""),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"shown": _shown, "amount": lambda value: "not shown" if value is None else amount(value)}
    settings = certification.settings
    groups = [
        (group, list(outcomes))
        for group, outcomes in groupby(certification.outcomes, key=lambda outcome: outcome.case.group)
    ]
    ended_at = certification.started_at + timedelta(seconds=certification.seconds)
    return pages.get_template("report.html.jinja").render(
        run=certification,
        settings=settings,
        groups=groups,
        sentences=summary(certification),
        started_at=f"{certification.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        ended_at=f"{ended_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        shared=[
            name
            for name, value in (("hashSecret", settings.secret.hash_secret), ("authToken", settings.secret.auth_token))
            if value
        ],
        made_with=f"walletctl certify {_version()}, Python {platform.python_version()}, aiohttp {version('aiohttp')}, "
        f"{platform.system()} {platform.machine()}",
    )


def _version() -> str:
    try:
        return version("lucky-monaco-wallet")
    except PackageNotFoundError:  # it is run from its source
        return "(from source)"


def _shown(text: str) -> str:
    """A body as it can be looked at: no character in it does anything to a reader."""
    cut = text[:_MOST_OF_A_BODY]
    lines = "\n".join(plain(line) if not line.isprintable() else line for line in cut.split("\n"))
    return lines if len(text) == len(cut) else f"{lines} … ({len(text):,} characters in all)"

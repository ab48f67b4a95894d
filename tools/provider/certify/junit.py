"""A certification as a JUnit file, as CI servers read it: a suite for each group, a test case for each case."""

from datetime import UTC
from itertools import groupby
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from tools.provider.certify.run import Certification, Outcome
from tools.shared.outside import plain
from tools.shared.replaced import replaced


def write(certification: Certification, file: Path, error: str = "") -> None:
    """Writes it whole or not at all; `error` says why nothing is certified. Raises Trouble."""
    text = rendered(certification, error)
    with replaced(file, "the JUnit file ") as written:
        written.write(text)


def rendered(certification: Certification, error: str = "") -> str:
    """The file's text. XML has no control characters at all: they are written as their escapes."""
    settings = certification.settings
    everything = certification.outcomes
    top = Element("testsuites", {"name": "walletctl certify", **_counts(everything)})
    for group, of_group in groupby(everything, key=lambda outcome: outcome.case.group):
        outcomes = list(of_group)
        started = f"{certification.started_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
        suite = SubElement(top, "testsuite", {"name": group, "timestamp": started, **_counts(outcomes)})
        properties = SubElement(suite, "properties")
        for name, value in (("url", settings.url), ("player", settings.player_id), ("runId", settings.run_id)):
            SubElement(properties, "property", name=name, value=plain(value))
        for outcome in outcomes:
            _add(suite, outcome)
    if error:
        suite = SubElement(top, "testsuite", {"name": "run", **_counts([]), "tests": "1", "errors": "1"})
        tested = SubElement(suite, "testcase", classname="certify.run", name="the run comes to its end", time="0")
        SubElement(tested, "error", message=plain(error))
        top.set("tests", str(len(everything) + 1))
        top.set("errors", "1")
    indent(top)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(top, encoding="unicode")}\n'


def _counts(outcomes: list[Outcome]) -> dict[str, str]:
    verdicts = [outcome.verdict for outcome in outcomes]
    return {
        "tests": str(len(verdicts)),
        "failures": str(verdicts.count("failed")),
        "errors": "0",
        "skipped": str(verdicts.count("not tried")),
        "time": f"{sum(outcome.seconds for outcome in outcomes):.3f}",
    }


def _add(suite: Element, outcome: Outcome) -> None:
    case = outcome.case
    tested = SubElement(
        suite, "testcase", classname=f"certify.{case.group}", name=case.name, time=f"{outcome.seconds:.3f}"
    )
    if outcome.verdict == "failed":
        expected, got = plain(outcome.expected), plain(outcome.got)
        failure = SubElement(tested, "failure", type=case.source.origin, message=f"expected {expected}, got {got}")
        failure.text = f"expected {expected}\ngot {got}\ndemanded by {case.source}"
    elif outcome.verdict == "not tried":
        SubElement(tested, "skipped", message=plain(outcome.why))

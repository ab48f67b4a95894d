"""The pages: every link leads somewhere, and every line of walletctl runs as it is written."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Operator, published
from stack import PARAMETERS, of_type
from tools.walletctl.parked import discard
from walletctl import COMMANDS, ROOT_COMMAND, Walletctl, of_a_stack, parked

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md"))
)
LONGEST = 250  # lines of a page that somebody reads in a hurry
every_page = pytest.mark.parametrize("page", PAGES)


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


# --- Links ------------------------------------------------------------------------------------------


def links_of(page: str) -> list[str]:
    prose = re.sub(r"`[^`]*`", "", without_code(text_of(page)))
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", prose) if not re.match("[a-z]+:", target)]


def anchors_of(page: Path) -> set[str]:
    """The headings' anchors, as GitHub makes them."""
    anchors: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", without_code(page.read_text()), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        count = 1
        while f"{anchor}-{count}" in anchors:
            count += 1
        anchors.add(f"{anchor}-{count}" if anchor in anchors else anchor)
    return anchors


@every_page
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(page: str) -> None:
    for link in links_of(page):
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(target), link


@pytest.mark.parametrize("folder", ["docs/operating", "docs/tools"])
def test_a_folder_of_pages_leads_to_each_and_none_is_long(folder: str) -> None:
    pages = {path.name for path in (ROOT / folder).glob("*.md")}

    linked = {link.partition("#")[0] for link in links_of(f"{folder}/README.md")}
    assert pages - linked == {"README.md"}
    assert [page for page in pages if (ROOT / folder / page).read_text().count("\n") > LONGEST] == []


# --- Pictures ---------------------------------------------------------------------------------------


def test_the_retry_timeline_has_the_numbers_of_the_template() -> None:
    picture = re.sub("<tspan[^>]*>", "", (ROOT / "docs" / "pictures" / "retries.svg").read_text())
    (queue,) = {(each["MessageRetentionPeriod"], each["RedrivePolicy"]["maxReceiveCount"]) for each in RETRY_QUEUES}
    retention, tries = queue
    first = PARAMETERS["RetrySeconds"]["Default"]

    waits = [first * 2**n for n in range(tries)]
    moments = [in_words(sum(waits[: n + 1])) for n in range(tries)]
    assert re.findall(r'<text class="note time"[^>]*>([^<]*)<', picture) == moments
    assert f"{tries} tries, each wait twice the one before" in picture
    assert f"RetrySeconds ({first})" in picture
    assert f"after {sum(waits) / 3600:.1f} hours" in picture
    assert f"until day {retention // 86400}" in picture


RETRY_QUEUES = [queue for name, queue in of_type("AWS::SQS::Queue").items() if name.endswith("RetryQueue")]


def in_words(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds // 3600} h {seconds % 3600 // 60} min"


# --- Commands ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    page: str
    written: str
    is_refused: bool  # as the sample below it says

    @property
    def is_of_a_stack(self) -> bool:
        return self.page.startswith("docs/operating/")


def lines_of(page: str) -> Iterator[Line]:
    """The lines that call walletctl in blocks of code, each with the lines that continue it."""
    for block in re.findall(r"^ *```(?:bash|console)\n(.*?)^ *```$", text_of(page), re.MULTILINE | re.DOTALL):
        lines = re.sub(r"\\\n\s*", "", block).splitlines()
        for line, below in zip(lines, [*lines[1:], ""], strict=True):
            if found := re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?(walletctl .*)", line):
                yield Line(page, found[1], below.startswith("walletctl: "))


LINES = {(line.is_of_a_stack, line.written): line for page in PAGES for line in lines_of(page)}.values()


def as_bash_calls(line: str, folder: Path) -> list[str]:
    """The arguments that walletctl gets from a line. What reads its output finds none."""
    subprocess.run(  # noqa: S603 - what a person pastes
        ["/bin/bash", "-ec", f'walletctl() {{ printf "%s\\0" "$@" >.called; }}\n{line}'],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "STACK": STACK, "BUCKET": "my-exports", "moment": "now"},
        cwd=folder, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return (folder / ".called").read_text().split("\0")[:-1]


STACK = "lucky-monaco-wallet"
FILES = {
    "players.csv": "userId,currency,cash,bonus\n424,EUR,1,0\n",
    "bad.csv": "userId,currency,cash\n433,EUR,'1,50'\n",
    "ruined.csv": "userId,currency\n1.23457E+11,EUR\n",
    "report.csv": "callback,reference,userId,currency,amount\nresult,585c1306f89c56f5ecfc2f5d,421,USD,10.0\n",
    "altered.csv": "callback,reference,userId,currency,amount\nresult,585c1306f89c56f5ecfc2f5d,421,USD,12.34\n",
}
DEAD_LETTERS = ("585c1306f89c56f5ecfc2f5d", "wrong-currency")


@pytest.fixture
def folder(operator: Operator, walletctl: Walletctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the pages' files are, beside a service and a stack that know the pages' names."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert operator.send("result", published("result")).json["error"] == 0
    for reference in DEAD_LETTERS:
        walletctl.leave("ResultDeadLetters", parked("result", published("result", reference=reference, userId="422")))
    walletctl.watch(of_a_restored_stack)
    monkeypatch.setattr(discard, "at_a_terminal", lambda: True)
    return tmp_path


def of_a_restored_stack(operation: str, parameters: dict[str, Any], call: Any) -> Any:
    """The account, where each table has a restored copy that is the same."""
    if copy := re.fullmatch(f"{STACK}-([A-Za-z]+)-then", str(parameters.get("TableName"))):
        parameters["TableName"] = copy[1]
    for name in [*parameters.get("RequestItems", ())]:
        if copy := re.fullmatch(f"{STACK}-([A-Za-z]+)-then", name):
            parameters["RequestItems"][copy[1]] = parameters["RequestItems"].pop(name)
    return of_a_stack(operation, parameters, call)


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words call, and its arguments."""
    command, rest = ROOT_COMMAND, list(words)
    while rest and rest[0] in getattr(command, "commands", ()):
        name = rest.pop(0)
        command = COMMANDS[name] if command is ROOT_COMMAND else command.commands[name]
    return command, rest


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.page}: {line.written}")
def test_every_line_of_walletctl_runs_as_it_is_written(
    line: Line, folder: Path, walletctl: Walletctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    if line.is_of_a_stack:
        monkeypatch.setenv("WALLETCTL_STACK", STACK)
    words = as_bash_calls(line.written, folder)

    if words[0] in ("certify", "simulate", "console") or "--export" in words:
        # They need a provider, a web server or S3. Their own tests run them; here their options are read.
        command, arguments = command_of(words)
        command.make_context(command.name, arguments)
        return
    result = walletctl(*words, stdin="yes\n")

    # 1 is a command's own "no", such as nothing found.
    assert result.exit_code in ((2,) if line.is_refused else (0, 1)), result.output
    assert bool(walletctl.asked("DescribeStackResource")) is (line.is_of_a_stack or "--stack" in words)


def mentions_of(page: str) -> list[str]:
    mentions = re.findall(r"`(walletctl [^`]+)`", " ".join(without_code(text_of(page)).split()))
    return [mention.replace("\\|", "|") for mention in mentions]


@every_page
def test_a_command_in_a_sentence_exists_with_its_options(page: str) -> None:
    for mention in mentions_of(page):
        words = shlex.split(mention.partition(" > ")[0])[1:]
        command, rest = command_of(words[1:] if words[0] == "help" and words[1:] != ["COMMAND"] else words)
        assert command is not ROOT_COMMAND or rest[0] in ("--help", "--version", "help"), mention
        options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        before_names = rest[: rest.index("--")] if "--" in rest else rest
        assert {word.partition("=")[0] for word in before_names if word.startswith("--")} <= options, mention


def test_a_line_with_a_misspelt_option_would_be_noticed(folder: Path, walletctl: Walletctl) -> None:
    assert walletctl(*as_bash_calls("walletctl ledger 421 --sinse 2d", folder)).exit_code == 2

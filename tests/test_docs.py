"""The pages: every link leads somewhere, and every line of walletctl runs as it is written."""

import ast
import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from conftest import ROOT, Operator, published
from stack import PARAMETERS, of_type
from tools.walletctl import ordering
from tools.walletctl.parked import discard
from walletctl import CANCEL, COMMANDS, PORT, ROOT_COMMAND, Walletctl, of_a_stack, parked, stake, undo, won

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("[a-z]*/README.md"), *ROOT.glob("docs/**/*.md"))
)
LONGEST = 250  # lines of a page that somebody reads in a hurry
every_page = pytest.mark.parametrize("page", PAGES)


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


# --- Blocks of code ---------------------------------------------------------------------------------


@every_page
def test_every_block_of_code_is_closed_before_the_next_begins(page: str) -> None:
    fences = re.findall(r"^ *```(.*)$", text_of(page), re.MULTILINE)

    assert len(fences) % 2 == 0
    assert all(fences[::2]), "a block names its language"
    assert not any(fences[1::2]), "a block ends before the next begins"


@every_page
def test_every_block_of_bash_can_be_pasted(page: str) -> None:
    for block in re.findall(r"^ *```bash\n(.*?)^ *```$", text_of(page), re.MULTILINE | re.DOTALL):
        checked = subprocess.run(["/bin/bash", "-n"], input=block, text=True, capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, ""), block


# --- Links ------------------------------------------------------------------------------------------


def links_of(page: str) -> list[str]:
    prose = re.sub(r"`[^`]*`", "", without_code(text_of(page)))
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", prose) if not re.match("[a-z]+:", target)]


def anchor_of(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors_of(page: Path) -> set[str]:
    """The headings' anchors, as GitHub makes them."""
    anchors: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", without_code(page.read_text()), re.MULTILINE):
        anchor = anchor_of(heading)
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


def test_the_first_file_of_each_folder_says_what_the_folder_is() -> None:
    tops = [ROOT / name for name in ("bench", "docs", "events", "functions", "layers/common/wallet", "tests", "tools")]
    inside = {file.parent for top in ("tests", "tools") for file in (ROOT / top).rglob("*.py")}

    for folder in {*tops, *inside}:
        if not (folder / "README.md").exists():
            assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text())), folder


CODE = ("bench", "events", "functions", "layers", "tests", "tools")
NOT_TEXT = (".pyc", ".png", ".gz", ".zip")
# A page, and a heading of it: `docs/page.md#a-heading`, or `docs/page.md, A heading.`
REFERENCE = re.compile(r"\b(docs/[\w/-]+\.(?:md|json|svg|png))(?:#([\w-]+)|, ([A-Z][\w' -]*))?")


def test_a_page_that_code_names_is_there_and_has_the_heading() -> None:
    files = [ROOT / name for name in ("Makefile", "template.yaml", "samconfig.toml", "pyproject.toml", ".ci/run")]
    files += [file for folder in CODE for file in (ROOT / folder).rglob("*") if file.is_file()]
    named = {
        (file.relative_to(ROOT), *found)
        for file in files
        if file.suffix not in NOT_TEXT and file != Path(__file__)
        for found in REFERENCE.findall(file.read_text())
    }

    assert {file.parts[0] for file, *_ in named} >= {"Makefile", "template.yaml", "layers", "tests", "tools"}
    for file, page, anchor, heading in named:
        assert (ROOT / page).exists(), (file, page)
        if wanted := anchor or anchor_of(heading):
            assert wanted in anchors_of(ROOT / page), (file, page, wanted)


@pytest.mark.parametrize("folder", ["docs/operating", "docs/tools"])
def test_a_folder_of_pages_leads_to_each(folder: str) -> None:
    pages = {path.name for path in (ROOT / folder).glob("*.md")}

    linked = {link.partition("#")[0] for link in links_of(f"{folder}/README.md")}
    assert pages - linked == {"README.md"}


@pytest.mark.parametrize("page", sorted({*PAGES} - {"docs/decisions.md"}))
def test_no_page_but_the_decisions_is_long(page: str) -> None:
    assert text_of(page).count("\n") <= LONGEST


# --- Pictures ---------------------------------------------------------------------------------------


def test_the_pictures_have_the_numbers_of_the_template() -> None:
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
    way = (ROOT / "docs" / "pictures" / "callback.svg").read_text()
    assert {f">after {tries} tries<", f">kept {retention // 86400} days<"} <= set(re.findall(">[^<]+<", way))


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
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "STACK": STACK, "BUCKET": "my-exports", "moment": "now",
             "ANCHORS": "s3://ledger-anchors"},
        cwd=folder, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return (folder / ".called").read_text().split("\0")[:-1]


STACK = "lucky-monaco-wallet"
_ANCHOR = '{"format":1,"moment":"2026-11-30T09:00:27Z","ledger":"arn"}\n'
FILES = {
    "november.anchor": f'{_ANCHOR}{{"players":0,"sha256":"{sha256(_ANCHOR.encode()).hexdigest()}"}}\n',
    "players.csv": "userId,currency,cash,bonus\n431,EUR,1,0\n432,EUR,1,0\n421,EUR,1,0\n",
    "bad.csv": "userId,currency,cash\n433,EUR,'1,50'\n434,,1\n".replace("'", '"'),
    "ruined.csv": "userId,currency\n435,EUR\n1.23457E+11,EUR\n",
    "report.csv": "callback,reference,userId,currency,amount\nresult,585c1306f89c56f5ecfc2f5d,421,USD,11\n",
    "november.csv": "Beleg;Art;Spieler;Betrag;Währung;Zeit\nref-1;Result;421;1.234,50;EUR;28.11.2026 14:05\n",
    "altered.csv": "callback,reference,userId,currency,amount\nresult,585c1306f89c56f5ecfc2f5d,421,USD,12.34\n",
}


@pytest.fixture
def account(operator: Operator, walletctl: Walletctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """The account of the pages: their players, their wins, a dead letter, a win that waits, and their files."""

    def make() -> None:
        operator.open_wallet("422", "250", "0", "EUR")
        operator.open_wallet("423", "0.000000000000000001", "0", "USDT")
        for callback, changes in (
            ("result", {"amount": "11"}),
            ("result", {"amount": "2.5", "reference": "free-1", "bonusCode": "gift"}),
            ("bonus", {"amount": "7", "reference": "total-1", "bonusCode": "gift", "gameId": "g"}),
        ):
            assert operator.send(callback, published(callback, **changes)).json["error"] == 0
        elsewhere = published("result", userId="422", amount="3", reference="wrong-currency", roundId="510")
        assert operator.send("result", elsewhere).json["error"] == 52
        walletctl.leave("ResultRetryQueue", parked("result", published("result", userId="999", reference="nobody")))

    operator.once("the account of the pages", make)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ordering, "at_a_terminal", lambda: True)
    return operator


@pytest.fixture
def folder(account: Operator, walletctl: Walletctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a person pastes a line: at a terminal, beside a stack with the bets and dead letters of the pages."""

    def make() -> None:
        for bet, round_id in (("BET", "r"), ("bet-2", "ROUND"), ("bet-4", "7002"), ("bet-5", "7003")):
            assert account.send("bet", stake(bet, "1", roundId=round_id)).json["error"] == 0
        walletctl.leave("ResultDeadLetters", parked("result", published("result", userId="422")))
        walletctl.leave("CancelDeadLetters", parked("cancel", undo("bet-1"), call="cancel"))

    account.once("with the bets and dead letters of the pages", make)
    walletctl.watch(of_a_restored_stack)
    monkeypatch.setattr(discard, "at_a_terminal", lambda: True)
    monkeypatch.setattr(ordering, "at_a_terminal", lambda: True)
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

    if (
        words[0] in ("certify", "simulate", "console")
        or "--export" in words
        or any(word.startswith("s3://") for word in words)
    ):
        # They need a provider, a web server or S3. Their own tests run them; here their options are read.
        command, arguments = command_of(words)
        command.make_context(command.name, arguments)
        return
    result = walletctl(*words, stdin="yes\n")

    # 1 is a command's own "no", such as nothing found.
    assert result.exit_code in ((2,) if line.is_refused else (0, 1)), result.output
    assert bool(walletctl.asked("DescribeStackResource")) is (line.is_of_a_stack or "--stack" in words)


# --- Commands of AWS's own CLI -------------------------------------------------------------------------

EVERY_OPTION = {
    "query", "output", "region", "profile", "cli-input-json", "cli-binary-format", "max-items", "page-size",
    "no-paginate",
}  # fmt: skip


def aws_calls(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Each call of `aws` in a block of code: service, operation and options."""
    for piece in re.split(r"(?<![\w.-])aws (?=[a-z0-9-]+ [a-z])", re.sub(r"\\\n\s*", "", text))[1:]:
        called = re.sub(r"'[^']*'|\"[^\"$]*\"", "''", re.split(r"[;|]|&& |\n(?! )", piece)[0].partition('")')[0])
        service, operation = called.split()[:2]
        yield service, operation, re.findall(r"(?<= )--([a-z0-9-]+)", called)


def test_every_line_of_aws_names_an_operation_and_options_that_there_are() -> None:
    session = botocore.session.get_session()
    calls = {
        (service, operation, option)
        for page in PAGES
        for block in re.findall(r"^ *```(?:bash|console)\n(.*?)^ *```$", text_of(page), re.MULTILINE | re.DOTALL)
        for service, operation, options in aws_calls(block)
        for option in (*options, "")
    }

    unknown = [call for call in sorted(calls) if not is_known(session, *call)]

    assert len(calls) > 100
    assert unknown == []


def is_known(session: Any, service: str, operation: str, option: str) -> bool:
    if operation == "wait" or service == "s3" or operation == "deploy":  # the CLI's own, which have no model here
        return operation in ("wait", "cp", "ls", "mb", "rm", "sync", "deploy")
    if (service, operation) == ("logs", "tail"):
        return option in {"since", "filter-pattern", "follow", "format", *EVERY_OPTION, ""}
    model = session.get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        return False
    taken = model.operation_model(names[operation]).input_shape
    members = {xform_name(name, "-") for name in taken.members} if taken else set()
    return option in {*members, *(f"no-{name}" for name in members), *EVERY_OPTION, ""}


# --- Repairs ----------------------------------------------------------------------------------------


def block_of(page: str, containing: str) -> str:
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```$", text_of(page), re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if containing in block]
    return block


def paste(block: str, folder: Path, walletctl: Walletctl) -> None:
    """Runs a block's calls of aws and walletctl on the mocked account, in order. Raises what AWS refuses one with."""
    called = folder / ".pasted"
    called.write_text("")
    as_noted = """note() { printf '%s\\0' "$@" '' >>.pasted; }
        aws() { note aws "$@"; }
        walletctl() { note walletctl "$@"; }
        output() { echo "${1%Table}"; }"""
    subprocess.run(  # noqa: S603 - what a person pastes
        ["/bin/bash", "-ec", f"{as_noted}\n{block}"], env={"PATH": os.environ["PATH"]}, cwd=folder, check=True
    )
    for call in called.read_text().split("\0\0")[:-1]:
        program, *words = call.split("\0")
        if program == "walletctl":
            result = walletctl(*words)
            assert result.exit_code == 0, result.output
        else:
            ask_aws(*words)


def ask_aws(service: str, operation: str, *options: str) -> None:
    parameters = {
        name.removeprefix("--").title().replace("-", ""): json.loads(value) if value.startswith("{") else value
        for name, value in zip(options[::2], options[1::2], strict=True)
    }
    getattr(boto3.client(service), operation.replace("-", "_"))(**parameters)


REFUSED = pytest.raises(ClientError, match="ConditionalCheckFailed")
OPEN_AGAIN = block_of("docs/operating/money.md", "delete-item")
SET_WALLET = block_of("docs/operating/money.md", "SET cash")
ERASE = block_of("docs/ledger.md", "REMOVE #request")


def test_a_request_is_erased_as_the_page_says_and_the_proof_holds(
    operator: Operator, walletctl: Walletctl, tmp_path: Path
) -> None:
    assert operator.send("result", published("result")).json["error"] == 0
    (before,) = [item for item in operator.items("Transactions") if item["id"].startswith("result#")]

    paste(ERASE, tmp_path, walletctl)

    (after,) = [item for item in operator.items("Transactions") if item["id"].startswith("result#")]
    assert after == {name: value for name, value in before.items() if name != "request"}
    assert walletctl("verify", "--all").output.endswith("No fault\n")
    with REFUSED:
        paste(ERASE, tmp_path, walletctl)


def test_erasing_the_request_of_a_record_that_is_not_there_makes_none(
    operator: Operator, walletctl: Walletctl, tmp_path: Path
) -> None:
    before = operator.items("Transactions")

    with REFUSED:
        paste(ERASE, tmp_path, walletctl)

    assert operator.items("Transactions") == before


def test_a_call_that_never_comes_is_settled_as_the_page_says(operator: Operator, walletctl: Walletctl) -> None:
    for round_id, reference in (("r-1", "BET"), ("ROUND", "other")):
        bet = stake(reference, "5", roundId=round_id, gameId="GAME")
        assert operator.send("bet", bet).json["error"] == 0

    for line in block_of("docs/operating/rounds.md", "walletctl settle").splitlines():
        result = walletctl(*shlex.split(line)[1:], "--yes")
        assert result.exit_code == 0, result.output

    assert all("openSince" not in each for each in operator.items("Rounds"))
    assert operator.send("cancel", undo("BET", roundId="r-1", gameId="GAME"), path=CANCEL).json["error"] == 0
    assert operator.wallet()["cash"] == Decimal("99889.99") + Decimal("7.5")
    assert walletctl("verify", "--all").output.endswith("No fault\n")


def test_a_wallet_that_somebody_wrote_is_opened_as_the_page_says(
    operator: Operator, walletctl: Walletctl, tmp_path: Path
) -> None:
    written = {"userId": "430", "currency": "EUR", "cash": Decimal("120.5"), "bonus": Decimal(0), "version": Decimal(0)}
    operator.database.Table("Players").put_item(Item=written)
    assert "opening" in walletctl("verify", "430").output

    paste(OPEN_AGAIN, tmp_path, walletctl)

    assert walletctl("verify", "--all").output.endswith("No fault\n")
    assert operator.wallet("430")["cash"] == Decimal("120.5")
    with REFUSED:
        paste(OPEN_AGAIN, tmp_path, walletctl)


def test_a_wallet_that_somebody_wrote_is_not_deleted_once_it_moved(
    operator: Operator, walletctl: Walletctl, tmp_path: Path
) -> None:
    # One movement later it is at the version that the page names.
    written = {"userId": "430", "currency": "USD", "cash": Decimal(1), "bonus": Decimal(0), "version": Decimal(-1)}
    operator.database.Table("Players").put_item(Item=written)
    assert operator.send("result", published("result", userId="430")).json["error"] == 0
    assert operator.wallet("430")["version"] == 0

    with REFUSED:
        paste(OPEN_AGAIN, tmp_path, walletctl)

    assert operator.wallet("430")["cash"] == Decimal(11)


def test_a_wallet_is_set_as_the_page_says_if_it_is_at_the_version_that_was_seen(
    operator: Operator, walletctl: Walletctl, tmp_path: Path
) -> None:
    torn = operator.wallet() | {"version": Decimal(41), "cash": Decimal(110)}
    operator.database.Table("Players").put_item(Item=torn)

    paste(SET_WALLET, tmp_path, walletctl)

    said = {"cash": Decimal("120.5"), "bonus": Decimal(0), "version": Decimal(42)}
    assert operator.wallet().items() >= said.items()
    with REFUSED:
        paste(SET_WALLET, tmp_path, walletctl)


LOOP = re.compile(r"for name in ([\w ]+);(?:(?!\bdone\b).)*\$\{name\}(?:Function|Role)", re.DOTALL)
LOOPS = [(page, names) for page in PAGES for names in LOOP.findall(text_of(page))]


@pytest.mark.parametrize(("page", "names"), LOOPS, ids=[page for page, _ in LOOPS])
def test_what_a_page_does_to_the_functions_it_does_to_each(page: str, names: str) -> None:
    assert {f"{name}Function" for name in names.split()} == of_type("AWS::Serverless::Function").keys()


# --- Samples ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sample:
    command: str
    output: str


def samples_of(page: str) -> Iterator[Sample]:
    """The commands of walletctl in blocks of a terminal, with the output below each."""
    for block in re.findall(r"^```console\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL):
        for command, output in re.findall(r"^\$ (walletctl .*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            yield Sample(command, output)


# Runs of minutes, or ledgers that somebody damaged: the tests of these commands make them.
OTHERWISE_MADE = re.compile("walletctl (certify|simulate|console|reconcile|verify .*--(export|anchor))|.*\\| cut")
DAMAGED = "2 faults"
SAMPLES = [
    sample
    for page in PAGES
    if page.startswith("docs/tools/")
    for sample in samples_of(page)
    if sample.output and DAMAGED not in sample.output and not OTHERWISE_MADE.match(sample.command)
]


def now(**more: Any) -> dict[str, Any]:
    """A line of the functions' log that was just written."""
    moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S},000+0000"
    return {"level": "ERROR", "message": "refused", "timestamp": moment, "service": "result", **more}


def no_wallet(reference: str, player: str, tries: int | None) -> dict[str, Any]:
    """A refusal of a player without a wallet, in the log."""
    request = {"userId": player, "roundId": "8812345002", "amount": "75.10", "currency": "USD"}
    return now(correlation_id=reference, code=62, reason=f"No such player: {player}", tries=tries, **request)


def lost_prize(operator: Operator, walletctl: Walletctl) -> None:
    """A result that comes three times more with a prize other than its first."""
    for reference in ("first", "second", "second", "second"):
        prize = published("result", reference="round", promoWinAmount="5", promoWinReference=reference)
        assert operator.send("result", prize).json["error"] == 0


def deposited(operator: Operator, walletctl: Walletctl) -> None:
    order = {"movement": "deposit", "reference": "bank-77", "userId": "422", "amount": "25", "currency": "EUR"}
    assert operator.invoke("cashier", {**order, "actor": "ana", "reason": "bank transfer 77"})["error"] == 0


def opened(operator: Operator, walletctl: Walletctl) -> None:
    order = {"movement": "opening", "reference": "425", "userId": "425", "amount": "12.5", "currency": "EUR"}
    assert operator.invoke("cashier", {**order, "actor": "ana", "reason": "import of players.csv"})["error"] == 0


def log_of_the_samples(operator: Operator, walletctl: Walletctl) -> None:
    win = {"userId": "421", "roundId": "8812345003", "amount": "75.10", "currency": "USD"}
    other = {"code": 52, "reason": "The currency is not the player's: the wallet's is EUR"}
    walletctl.log(
        *(no_wallet("nobody", "999", tries) for tries in (None, 1, 2, 3, 4, 5)),
        *(no_wallet("99b0c4d2e1f3450077ab3310", "40021", tries) for tries in (None, 1, 2)),
        now(correlation_id="0f0e0d0c0b0a090807060504", **win, **other),
        now(correlation_id="wrong-currency", **other),
        *(now(code=code, reason="not authentic") for code in (401, 401, 99)),
    )


def refused_withdrawal(operator: Operator, walletctl: Walletctl) -> None:
    order = {"movement": "withdrawal", "reference": "w-78", "userId": "421", "amount": "100000", "currency": "USD"}
    assert operator.invoke("cashier", {**order, "actor": "bank-gateway", "reason": "payout 78"})["error"] == 15


def play(operator: Operator, callback: str, path: str, body: dict[str, Any], error: int = 0) -> None:
    assert operator.send(callback, body, path=path).json["error"] == error


def round_of_the_samples(operator: Operator, walletctl: Walletctl) -> None:
    """A bet that never came, two that were taken, one of them cancelled; a win; and a cancel that the win forbids."""
    play(operator, "cancel", CANCEL, undo("bet-lost", roundId="7001"))
    play(operator, "bet", "/v4/Bet", stake("bet-1", "5", roundId="7001"))
    play(operator, "bet", "/v4/Bet", stake("bet-2", "2.5", roundId="7001"))
    play(operator, "bet", "/v4/Bet", stake("bet-3", "1000000", roundId="7001"), error=15)
    play(operator, "cancel", CANCEL, undo("bet-2", roundId="7001"))
    play(operator, "result", "/v4/Result", won("win-1", "12", roundId="7001"))
    play(operator, "endround", "/v4/EndRound", undo(None, roundId="7001"))
    play(operator, "cancel", CANCEL, undo("bet-1", roundId="7001"), error=61)


def open_rounds(operator: Operator, walletctl: Walletctl) -> None:
    """Rounds without a result."""
    play(operator, "bet", "/v4/Bet", stake("bet-4", "1", roundId="7002"))
    play(operator, "bet", "/v4/Bet", stake("bet-5", "3", roundId="7003", userId="422", currency="EUR"))


def frozen(operator: Operator, walletctl: Walletctl) -> None:
    order = {"userId": "421", "actor": "ana", "reason": "asked for a break, ticket 1234"}
    assert operator.invoke("cashier", {"freeze": order})["error"] == 0


def closed_again(operator: Operator, walletctl: Walletctl) -> None:
    """A credit that an alarm is about, in the log."""
    said = {"message": "credited", "service": "result", "correlation_id": "cert-fb1e8a59-479-24", "userId": "421"}
    moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S},964+0000"
    walletctl.log({**said, "timestamp": moment, "milliseconds": 46.3, "lookAt": "closed-with-winnings"})


BEFORE = {
    "walletctl alarm closed-with-winnings": closed_again,
    "walletctl find 7001": round_of_the_samples,
    "walletctl find bet-2": round_of_the_samples,
    "walletctl parked show bet-1": round_of_the_samples,
    "walletctl ledger 421 --limit 5": round_of_the_samples,
    "walletctl rounds --open": open_rounds,
    'walletctl settle cancel bet-4 --reason "canceled at the provider, ticket 1234" --yes': open_rounds,
    'walletctl settle result 7003 12.50 --reference win-5 --reason "its result was lost, ticket 1235" --yes': (
        open_rounds
    ),
    "walletctl players list --currency USD": frozen,
    "walletctl find 425": opened,
    "walletctl find w-78": refused_withdrawal,
    "walletctl find second": lost_prize,
    'walletctl deposit 422 25.00 --reference bank-77 --reason "sent twice"': deposited,
    'walletctl deposit 422 26.00 --reference bank-77 --reason "bank transfer 77"': deposited,
    **dict.fromkeys(
        [
            f"walletctl find {name}"
            for name in ("wrong-currency", "nobody", "40021", "8812345003", "nothing-of-the-sort")
        ],
        log_of_the_samples,
    ),
}


def as_compared(output: str) -> str:
    """Without what differs between two runs (moments, ages, ids, a request's text) and without any line break."""
    text = re.sub(r"\s+", "", output)
    for pattern, name in (
        (r'\{"providerId.*?\}', "REQUEST"),
        (r'\{"reference.*?\}', "REQUEST"),
        (r"\d{4}-\d\d-\d\d\d\d:\d\d(:\d\d)?Z", "MOMENT"),
        (r"MOMENT,?\d+(s|min)(ago)?", "MOMENT"),
        (r"--since=\d{4}-\d\d-\d\dT[\d:]+Z", "--since=MOMENT"),
        (r"(today|yesterday)at\d\d:\d\d(UTC|\(.*?UTC\))", "MOMENT"),
        (r"since\d{4}-\d\d-\d\d\d\d:\d\d(UTC|[^(]*\(.*?UTC\))", "SINCE"),
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
        (r"SHA-256[0-9a-f]{64}", "SUM"),
        (r"discarded-result-\w+", "FILE"),
        (r"onport\d+", "PORT"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "MOMENT"),
        (r"orderedby\S+?(?=Done|Refused|Areplay|421)", "BY"),
        (r",by\w+?(?=:)", "BY"),
    ):
        text = re.sub(pattern, name, text)
    return text


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.command)
def test_every_sample_is_what_the_command_prints(
    sample: Sample, account: Operator, walletctl: Walletctl, tmp_path: Path
) -> None:
    if prepare := BEFORE.get(sample.command):
        prepare(account, walletctl)

    printed = walletctl(*as_bash_calls(sample.command, tmp_path)).output.replace(f" --port {PORT}", "")

    assert as_compared(printed) == as_compared(sample.output)


def test_the_win_that_the_readme_sends_twice_is_answered_as_it_says(operator: Operator) -> None:
    (block,) = re.findall(
        r"^## A win, sent twice\n+```console\n(.*?)^```$", text_of("README.md"), re.MULTILINE | re.DOTALL
    )
    win = json.loads(re.findall(r"-d '(.*?)'", block, re.DOTALL)[0])
    documented = [json.loads(line) for line in re.findall(r"^\{.*\}$", block, re.MULTILINE)]

    sent = (win, win, win | {"amount": "11.0"})
    assert [operator.send("result", each).json for each in sent] == documented


def test_the_bet_that_the_page_takes_and_pays_back_is_answered_as_it_says(operator: Operator) -> None:
    (block,) = re.findall(r"^```console\n(.*?)^```$", text_of("docs/bets.md"), re.MULTILINE | re.DOTALL)
    bet, cancel = (json.loads(body) for body in re.findall(r"-d '(.*?)'", block, re.DOTALL))
    documented = [json.loads(line) for line in re.findall(r"^\{.*\}$", block, re.MULTILINE)]

    sent = (("bet", bet), ("cancel", cancel), ("bet", bet))
    assert [operator.send(call, body).json for call, body in sent] == documented


# --- Sentences --------------------------------------------------------------------------------------


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

"""The command: certifies whoever implements the callbacks, and says so with a table, a status and a report."""

import asyncio
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tools.provider.certify import junit, last, report, show
from tools.provider.certify.cases import CASES
from tools.provider.certify.catalogue import Case, chosen
from tools.provider.certify.provider import OWN_PATHS, checked_url
from tools.provider.certify.run import Advance, Certification, CertifySettings, new_run_id, run
from tools.provider.secret import AUTH_TOKEN, HASH_SECRET, Secret
from tools.shared.identifiers import is_identifier
from tools.shared.outside import plain
from tools.shared.replaced import check_place
from tools.shared.trouble import Trouble

EXAMPLES = (
    "walletctl certify http://127.0.0.1:3000 --player 421",
    "walletctl certify https://wallet.example --player 7 --secret-file own.json",
    "walletctl certify http://127.0.0.1:3000 --player 421 --html report.html --junit certify.xml",
    "walletctl certify http://127.0.0.1:3000 --player 421 --failed",
    "walletctl certify http://127.0.0.1:3000 --player 421 --group money",
    "walletctl certify https://wallet.example --player 7 --wins-only",
    "walletctl certify --list --from page",
)

_FILE_COLUMNS = 160  # what is no terminal has no width
_INTERRUPTED = 130  # as shells have it


_WHOM, _WHICH, _TOLD = "Player and secrets", "Which cases", "Output"
_TRIED, _PATHS = "How to test", "Paths, where the operator's differ"


class Origin(StrEnum):
    page = "page"
    contract = "contract"


def _option(panel: str, metavar: str | None, help: str, *names: str) -> Any:
    return typer.Option(*names, metavar=metavar, help=help, show_default=False, rich_help_panel=panel)


_PATH = typer.Option(metavar="PATH", rich_help_panel=_PATHS)


def certify(
    url: Annotated[
        str | None,
        typer.Argument(
            metavar="URL", help="The operator's base URL, such as http://127.0.0.1:3000", show_default=False
        ),
    ] = None,
    player: Annotated[
        str | None, _option(_WHOM, "ID", "A player that exists, and that nobody else moves meanwhile.")
    ] = None,
    currency: Annotated[str | None, _option(_WHOM, "CODE", "The wallet's, if a first answer does not say it.")] = None,
    other_player: Annotated[
        str | None, _option(_WHOM, "ID", "A second player of that currency, for a few more cases.")
    ] = None,
    frozen_player: Annotated[
        str | None, _option(_WHOM, "ID", "A third one who is frozen, for a few more cases.")
    ] = None,
    secret_file: Annotated[
        Path | None,
        _option(
            _WHOM,
            "FILE",
            f'{{"hashSecret": "…", "authToken": "…"}}, where they are set. Else {HASH_SECRET} and {AUTH_TOKEN}.',
        ),
    ] = None,
    groups: Annotated[list[str] | None, _option(_WHICH, "GROUP", "Only this group. Repeatable.", "--group")] = None,
    names: Annotated[
        list[str] | None, _option(_WHICH, "NAME", "Only cases of this name, or piece. Repeatable.", "--case")
    ] = None,
    origin: Annotated[
        Origin | None,
        _option(_WHICH, "page|contract", "Only what the pages demand, or only what the contract settles.", "--from"),
    ] = None,
    wins_only: Annotated[
        bool,
        _option(
            _WHICH, None, "Leave out bets and rounds, for an operator without them. The report says so.", "--wins-only"
        ),
    ] = False,
    only_failed: Annotated[
        bool, _option(_WHICH, None, "Only those that failed in the last run against this operator.", "--failed")
    ] = False,
    only_list: Annotated[bool, _option(_WHICH, None, "Only list the cases: nothing is sent.", "--list")] = False,
    as_json: Annotated[bool, _option(_TOLD, None, "For a machine, instead of the table.", "--json")] = False,
    as_csv: Annotated[bool, _option(_TOLD, None, "For a spreadsheet, instead of the table.", "--csv")] = False,
    html: Annotated[
        Path | None, _option(_TOLD, "FILE", "Write a report with every request and answer, in one file.")
    ] = None,
    junit_file: Annotated[
        Path | None, _option(_TOLD, "FILE", "Write the verdicts as JUnit XML, for a CI server.", "--junit")
    ] = None,
    run_id: Annotated[
        str | None, _option(_TRIED, "ID", "Repeats a run's references, on an operator that is empty again.")
    ] = None,
    timeout_seconds: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=0.1, max=600, help="How long an answer is waited for.", rich_help_panel=_TRIED
        ),
    ] = 10,
    copies: Annotated[
        int,
        typer.Option(metavar="N", min=2, max=100, help="How much is sent at the same moment.", rich_help_panel=_TRIED),
    ] = 12,
    large_amounts: Annotated[
        bool, _option(_TRIED, None, "Try wins of up to 32 digits, too: quadrillions.", "--large-amounts")
    ] = False,
    result_path: Annotated[str, _PATH] = OWN_PATHS["result"],
    auto_closing_path: Annotated[str, _PATH] = OWN_PATHS["auto closing"],
    jackpot_path: Annotated[str, _PATH] = OWN_PATHS["jackpot"],
    bonus_path: Annotated[str, _PATH] = OWN_PATHS["bonus"],
    promo_path: Annotated[str, _PATH] = OWN_PATHS["promo"],
    balance_path: Annotated[str, _PATH] = OWN_PATHS["balance"],
    check_path: Annotated[str, _PATH] = OWN_PATHS["check"],
    bet_path: Annotated[str, _PATH] = OWN_PATHS["bet"],
    cancel_path: Annotated[str, _PATH] = OWN_PATHS["cancel"],
    refund_path: Annotated[str, _PATH] = OWN_PATHS["refund"],
    end_round_path: Annotated[str, _PATH] = OWN_PATHS["end of round"],
) -> None:
    """Tests an operator, one promise per case, over HTTP, as the provider would.

    It credits small wins to one player, stakes them, and compares the balances in the answers. Nobody else may move
    that player's wallet during the run; other players do not matter.

    Status 0: all passed. 1: a case failed. 2: it could not run.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # an answer may have what the terminal's encoding has not
    if as_json and as_csv:
        raise Trouble("--json and --csv are two choices: make one of them")
    cases = chosen(CASES, groups or [], names or [], origin.value if origin else None, wins_only=wins_only)
    if only_list:
        _list(cases, as_json, as_csv)
        return
    if url is None:
        raise Trouble("say whom to certify: walletctl certify http://127.0.0.1:3000 --player 421")
    if not player:
        raise Trouble("say whose wallet to use: --player ID, one that exists and that nobody else moves meanwhile")
    for name in filter(None, (player, other_player, frozen_player, currency)):
        if not is_identifier(name):
            raise Trouble(f"{plain(name)} is not a name: 1 to 128 characters, not all spaces, no control characters")
    if html:
        check_place(html, "the report ")
    if junit_file:
        check_place(junit_file, "the JUnit file ")
    base = checked_url(url)
    if only_failed:
        cases = last.failed_last(cases, base, player)
    settings = CertifySettings(
        url=base,
        player_id=player,
        other_player_id=other_player,
        frozen_player_id=frozen_player,
        currency=currency,
        secret=Secret.found(secret_file, os.environ),
        paths={
            "result": _path(result_path),
            "auto closing": _path(auto_closing_path),
            "jackpot": _path(jackpot_path),
            "bonus": _path(bonus_path),
            "promo": _path(promo_path),
            "balance": _path(balance_path),
            "check": _path(check_path),
            "bet": _path(bet_path),
            "cancel": _path(cancel_path),
            "refund": _path(refund_path),
            "end of round": _path(end_round_path),
        },
        run_id=_run_id(run_id),
        run_id_was_given=run_id is not None,
        timeout_seconds=timeout_seconds,
        copies=copies,
        large_amounts=large_amounts,
        wins_only=wins_only,
    )
    certification = Certification(settings=settings, cases=cases)
    for line in show.forecast(certification):
        _say(line)
    try:
        _run(certification)
    except (Trouble, typer.Exit) as ended:
        _leave_no_old_verdict(
            certification, str(ended) if isinstance(ended, Trouble) else "interrupted", html, junit_file
        )
        raise
    _show(certification, as_json, as_csv)
    for line in show.cleaning_up(certification):
        print(line, file=sys.stderr)
    if html:
        report.write(certification, html)
        _say(f"the report is {plain(str(html))}")
    if junit_file:
        junit.write(certification, junit_file, _nothing_certified(certification))
        _say(f"the JUnit file is {plain(str(junit_file))}")
    _remember(certification)
    if certification.failed:
        raise typer.Exit(1)
    if why := _nothing_certified(certification):
        raise Trouble(why)


def _nothing_certified(certification: Certification) -> str:
    """Why a run that failed nothing certifies nothing, or ""."""
    if certification.moved_between:
        return (
            f"somebody else moved the wallet of {plain(certification.settings.player_id)} meanwhile, so nothing is "
            "certified: take a player that nobody else moves, and run it again"
        )
    if not certification.count("passed") and not certification.failed:
        return "none of these cases could be tried here, so nothing is certified"
    return ""


def _leave_no_old_verdict(certification: Certification, why: str, html: Path | None, junit_file: Path | None) -> None:
    """A file of an earlier run would look like this one's."""
    if junit_file:
        junit.write(certification, junit_file, why)
        _say(f"the JUnit file has the error: {plain(str(junit_file))}")
    if html and html.is_file():
        _say(f"the report was not written: {plain(str(html))} is of an earlier run")


def _run(certification: Certification) -> None:
    try:
        with _progress(len(certification.cases)) as advance:
            asyncio.run(run(certification, advance))
    except KeyboardInterrupt:
        tried, all_of_them = len(certification.outcomes), len(certification.cases)
        _say(
            f"interrupted after {tried} of {all_of_them} cases, {len(certification.failed)} of them failed; what was "
            f"credited stands, by references that begin with cert-{certification.settings.run_id}-"
        )
        for line in show.cleaning_up(certification, is_cut_short=True):
            print(line, file=sys.stderr)
        _remember(certification)
        raise typer.Exit(_INTERRUPTED) from None


def _remember(certification: Certification) -> None:
    """For `--failed`. What cannot be written down changes no verdict."""
    try:
        last.remember(certification)
    except Trouble as trouble:
        _say(f"--failed will not know of this run: {trouble}")


def _show(certification: Certification, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print(show.as_json(certification))
        return
    if as_csv:
        print(show.as_csv(show.outcome_rows(certification.outcomes)), end="")
    else:
        _console().print(show.table(certification.outcomes))
    for line in show.summary(certification):
        if as_csv:
            _say(line)
        else:
            _console().print(line, markup=False, style="red" if line.startswith("failed: ") else "")


def _list(cases: tuple[Case, ...], as_json: bool, as_csv: bool) -> None:
    if as_json:
        print(json.dumps(show.case_rows(cases), indent=2, ensure_ascii=False))
    elif as_csv:
        print(show.as_csv(show.case_rows(cases)), end="")
    else:
        _console().print(show.listing(cases))
        print(f"{len(cases)} cases")


def _path(path: str) -> str:
    if not re.fullmatch(r"/[^\s?#]*", path):
        raise Trouble(f"{plain(path)} is not a path: one begins with / and has neither spaces nor a query")
    return path


def _run_id(given: str | None) -> str:
    if given is not None and not re.fullmatch(r"[A-Za-z0-9]{1,12}", given):
        raise Trouble(f"{plain(given)} is not a run id: take up to twelve letters and digits")
    return given or new_run_id()


def _say(line: str) -> None:
    print(f"certify: {line}", file=sys.stderr)


def _console() -> Console:
    is_a_terminal = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if is_a_terminal else _FILE_COLUMNS, highlight=False)


@contextmanager
def _progress(total: int) -> Iterator[Advance]:
    """A bar on standard error, if that is a terminal."""
    columns = (TextColumn("certifying"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=total)
        failed = 0

        def advance(case: Case, verdict: str) -> None:
            nonlocal failed
            failed += verdict == "failed"
            progress.update(task, advance=1, description=case.group + (f", {failed} failed" if failed else ""))

        yield advance

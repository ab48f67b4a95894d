"""The root of `walletctl`: it has the commands, and what a person can correct becomes one line and status 2.

A command's module is imported when the command is called: what one of them needs (AWS's SDK, DuckDB, a web server)
no other waits for.
"""

import io
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer._click.exceptions import NoSuchOption
from typer._click.shell_completion import CompletionItem
from typer._completion_classes import completion_init
from typer.core import TyperCommand, TyperGroup, TyperOption

from tools.programs import root
from tools.shared.folders import IS_CHECKOUT
from tools.shared.streams import REFUSED
from tools.shared.trouble import Trouble


class _Family(TyperGroup):
    """Commands that a list of whole sentences shows."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _asked(args))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, (command.help or "").split("\n\n")[0]) for name, command in self.commands.items()]
            )


def _asked(args: list[str]) -> list[str]:
    """The arguments, where a lone `-h` asks for help: elsewhere it may be a name."""
    return ["--help"] if args == ["-h"] else args


class _Root(_Family):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        loaders: dict[str, Callable[[], typer.Typer]] = {
            "find": _find,
            "ledger": _ledger,
            "rounds": _rounds,
            "settle": _settle,
            "verify": _verify,
            "console": _console,
            "reconcile": _reconcile,
            "players": _players,
            "deposit": _deposit,
            "withdraw": _withdraw,
            "adjust": _adjust,
            "parked": _parked,
            "alarm": _alarm,
            "certify": _certify,
            "simulate": _simulate,
            "completion": _completion,
        }
        self.commands = {
            command.name: Later(command.panel, command.name, command.about, loaders[command.name])
            for command in root.COMMANDS
        }

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        while args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(root.page())

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        found: Any = super().shell_complete(ctx, incomplete)
        return [*found, *(CompletionItem(name) for name in ["help"] if name.startswith(incomplete))]

    def invoke(self, ctx: Any) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A reference may have what the terminal's encoding has not.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except Trouble as trouble:
            print(f"walletctl: {trouble}", file=sys.stderr)
            raise typer.Exit(REFUSED) from None
        except ModuleNotFoundError as missing:
            print(f"walletctl: {_without(missing)}", file=sys.stderr)
            raise typer.Exit(REFUSED) from None


def _without(missing: ModuleNotFoundError) -> str:
    """What cannot be done without a module. Raises the error again if it is a fault of ours."""
    package = (missing.name or "").partition(".")[0]
    if package in ("", "tools", "wallet"):
        if IS_CHECKOUT or not package:
            raise missing
        return "this installation can only certify, and simulate with --url: for everything else use a checkout"
    of_the_extra = {re.split("[^A-Za-z0-9_-]", each)[0] for each in root.requires() if "extra ==" in each}
    how = f"pip install '{root.PACKAGE}[provider]'" if package in of_the_extra else "use a checkout"
    return f"this needs {package}, which is not installed: {how}"


class Later(TyperCommand):
    """A command, or a family of them, of which only the name and a sentence are here until it is called."""

    def __init__(self, panel: str, name: str, about: str, load: Callable[[], typer.Typer]) -> None:
        super().__init__(name, help=about, rich_help_panel=panel)
        self._load = load

    def loaded(self) -> Any:
        command: Any = typer.main.get_command(self._load())
        command.name = self.name
        return command

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        try:
            command = self.loaded()
        except ModuleNotFoundError:
            if not extra.get("resilient_parsing"):  # so a shell completes: a command that is not here has no options
                raise
            return super().make_context(info_name, args, parent, **extra)
        return command.make_context(info_name, args, parent, **extra)


class _Command(TyperCommand):
    """A command whose names may begin with a dash, and whose help has its options by panel."""

    def make_parser(self, ctx: Any) -> Any:
        parser: Any = super().make_parser(ctx)
        # No option has one dash alone, and a reference or a player may begin with one.
        parser._match_short_opt = lambda name, state: state.largs.append(name)  # noqa: SLF001 - it has no other way
        return parser

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = list(args)
        try:
            return super().parse_args(ctx, _asked(args))
        except NoSuchOption as error:
            if command := self._with_names_last(ctx, given):
                # The command ends the line, so that nothing sticks to it.
                error.message = f"{error.format_message()}. If it is a name: {command}"
                error.possibilities = None
            raise

    def _with_names_last(self, ctx: Any, args: Sequence[str]) -> str | None:
        """The command as it was called, with what is not an option after `--`; None if it takes fewer names."""
        takes_value = {
            name: not parameter.is_flag
            for parameter in self.get_params(ctx)
            if isinstance(parameter, TyperOption)
            for name in parameter.opts
        }
        options: list[str] = []
        names: list[str] = []
        left = [arg for arg in args if arg != "--"]
        while left:
            arg = left.pop(0)
            if arg.partition("=")[0] not in takes_value:
                names.append(arg)
                continue
            options.append(arg)
            if takes_value.get(arg) and left:
                options.append(left.pop(0))
        taken = [each.nargs for each in self.get_params(ctx) if each.param_type_name == "argument"]
        if -1 not in taken and len(names) > sum(taken):
            return None
        return shlex.join([*ctx.command_path.split(), *options, "--", *names])

    def format_options(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                name, about = record
                default = "Arguments" if parameter.param_type_name == "argument" else "Options"
                panel = getattr(parameter, "rich_help_panel", None) or default
                panels.setdefault(panel, []).append((re.sub(" <[^<>]*>$", "", name), _in_words(about)))
        for panel, records in ((panel, records) for panel, records in panels.items() if records):
            with formatter.section(panel):
                formatter.write_dl(records)


def _in_words(about: str) -> str:
    """An option's help with its range as a person says it."""
    about = re.sub(r"([\d.]+)<=x<=([\d.]+)", r"\1 to \2", about)
    return re.sub(r"x>=([\d.]+)", r"at least \1", about)


app = typer.Typer(
    cls=_Root,
    name="walletctl",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
completion_init()  # which Typer does by itself only where it may edit a shell's files


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"walletctl {root.version()}")
        raise typer.Exit


@app.callback(help=root.ABOUT)
def walletctl(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


# --- The commands -----------------------------------------------------------------------------------


def _alone(command: Callable[..., None], *examples: str) -> typer.Typer:
    alone = typer.Typer(rich_markup_mode=None, add_completion=False)
    _mount(alone, command, *examples)
    return alone


def _mount(to: typer.Typer, command: Callable[..., None], *examples: str, name: str | None = None) -> None:
    to.command(name, cls=_Command, epilog=_told(examples))(command)


def _family(name: str, *examples: str) -> typer.Typer:
    (about,) = (command.about for command in root.COMMANDS if command.name == name)
    return typer.Typer(
        cls=_Family,
        no_args_is_help=True,
        help=about,
        epilog=_told(examples) if examples else None,
        rich_markup_mode=None,
        add_completion=False,
    )


def _told(examples: Sequence[str]) -> str:
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in examples)))


def _find() -> typer.Typer:
    from tools.walletctl.find.command import find

    return _alone(
        find,
        "walletctl find 585c1306f89c56f5ecfc2f5d",
        "walletctl find 5103188801 --player 421",
        "walletctl find 421 --amount 500 --since yesterday",
        "walletctl find 421 --stack lucky-monaco-wallet --region eu-west-1",
    )


def _ledger() -> typer.Typer:
    from tools.walletctl.ledger import ledger

    return _alone(
        ledger,
        "walletctl ledger 421",
        "walletctl ledger 421 --since 2d --kind result --kind promo",
        "walletctl ledger 421 --oldest-first --csv > ledger-421.csv",
    )


def _rounds() -> typer.Typer:
    from tools.walletctl.rounds.command import rounds

    return _alone(
        rounds,
        "walletctl rounds --open --older-than 26h",
        "walletctl rounds --open --player 421",
        "walletctl rounds --open --older-than 26h --stack lucky-monaco-wallet --csv > open-rounds.csv",
    )


def _settle() -> typer.Typer:
    from tools.walletctl.settle import cancel, result

    a_cancel = 'walletctl settle cancel bet-77 --reason "canceled at the provider, ticket 1234"'
    a_result = 'walletctl settle result 7002 12.50 --reference win-78 --reason "its result was lost, ticket 1235"'
    family = _family("settle", a_cancel, a_result)
    _mount(family, cancel, a_cancel)
    _mount(
        family, result, a_result, 'walletctl settle result 7002 0 --reference win-78 --reason "it lost, ticket 1235"'
    )
    return family


def _verify() -> typer.Typer:
    from tools.walletctl.proving import verify

    return _alone(
        verify,
        "walletctl verify 421",
        "walletctl verify --all",
        "walletctl verify --all --stack lucky-monaco-wallet --profile finance --json > account.json",
        "walletctl verify --export s3://my-exports/november --profile finance",
    )


def _console() -> typer.Typer:
    from tools.console.command import console

    return _alone(console, "walletctl console --stack lucky-monaco-wallet --profile support --region eu-west-1")


def _reconcile() -> typer.Typer:
    from tools.walletctl.reconcile.command import reconcile

    return _alone(
        reconcile,
        "walletctl reconcile report.csv",
        "walletctl reconcile november-21.csv --since 2026-11-21 --until 2026-11-22",
        "walletctl reconcile november.csv --time-zone Europe/Berlin --dates DD/MM/YYYY --decimal-comma",
        "walletctl reconcile report.csv --columns reference=Ref,amount=Win --csv differences.csv",
        "walletctl reconcile report.csv --stack lucky-monaco-wallet --profile finance --json",
    )


def _players() -> typer.Typer:
    from tools.walletctl.players import command as players
    from tools.walletctl.players import freezing, importing

    family = _family("players")
    _mount(
        family,
        players.add,
        "walletctl players add 424 --currency EUR",
        "walletctl players add 425 --currency USDT --cash 0.000000000000000001 --bonus 0",
    )
    _mount(family, players.show, "walletctl players show 421", "walletctl players show 421 --stack lucky-monaco-wallet")
    _mount(
        family,
        players.list_,
        "walletctl players list --currency EUR",
        "walletctl players list --csv > players.csv",
        name="list",
    )
    _mount(
        family,
        importing.import_,
        "walletctl players import players.csv --dry-run",
        "walletctl players import players.csv --stack lucky-monaco-wallet",
        name="import",
    )
    _mount(family, freezing.freeze, 'walletctl players freeze 421 --reason "asked for a break, ticket 1234"')
    _mount(family, freezing.unfreeze, 'walletctl players unfreeze 421 --reason "the break is over, ticket 1234"')
    return family


def _deposit() -> typer.Typer:
    from tools.walletctl.money import deposit

    return _alone(deposit, 'walletctl deposit 421 25.00 --reference bank-77 --reason "bank transfer 77"')


def _withdraw() -> typer.Typer:
    from tools.walletctl.money import withdraw

    return _alone(
        withdraw,
        'walletctl withdraw 421 40.00 --reference payout-12 --reason "payout 12, approved"',
        'walletctl withdraw 421 40.00 --reference payout-12 --reason "payout 12" --stack lucky-monaco-wallet --json',
    )


def _adjust() -> typer.Typer:
    from tools.walletctl.money import adjust

    return _alone(
        adjust,
        'walletctl adjust 421 -12.50 --reference ticket-1234 --reason "paid twice by mistake, ticket 1234"',
        'walletctl adjust 421 0 --bonus -5 --reference ticket-1235 --reason "bonus withdrawn, ticket 1235" --yes',
    )


def _parked() -> typer.Typer:
    from tools.walletctl.parked import command as parked
    from tools.walletctl.parked.discard import discard
    from tools.walletctl.parked.redrive import redrive
    from tools.walletctl.parked.settle import settle

    family = _family("parked")
    _mount(
        family,
        parked.list_,
        "walletctl parked list",
        "walletctl parked list result --stack lucky-monaco-wallet --csv > dead-letters.csv",
        name="list",
    )
    _mount(family, parked.show, "walletctl parked show 585c1306f89c56f5ecfc2f5d")
    _mount(
        family,
        redrive,
        "List them, then choose:",
        "  walletctl parked redrive result",
        "Send one back:",
        "  walletctl parked redrive result 585c1306f89c56f5ecfc2f5d",
        "Show what --all would send back:",
        "  walletctl parked redrive jackpot --all --dry-run",
    )
    _mount(
        family,
        settle,
        "Show what would happen:",
        "  walletctl parked settle 585c1306f89c56f5ecfc2f5d",
        "Pay it:",
        '  walletctl parked settle 585c1306f89c56f5ecfc2f5d --reason "the provider confirmed it, ticket 1234"',
        "It was paid by other means:",
        '  walletctl parked settle 585c1306f89c56f5ecfc2f5d --booked-elsewhere --reason "paid in EUR, ticket 1234"',
    )
    _mount(
        family,
        discard,
        'walletctl parked discard result 585c1306f89c56f5ecfc2f5d --reason "booked by hand, ticket 1234"',
    )
    return family


def _alarm() -> typer.Typer:
    from tools.walletctl.alarm.command import alarm

    return _alone(
        alarm,
        "walletctl alarm not-kept --stack lucky-monaco-wallet --region eu-west-1",
        "walletctl alarm parked-long-result --since 2d --stack lucky-monaco-wallet --csv > tries.csv",
    )


def _certify() -> typer.Typer:
    from tools.provider.certify.command import EXAMPLES, certify

    return _alone(certify, *EXAMPLES)


def _simulate() -> typer.Typer:
    from tools.provider.simulate.command import simulate
    from tools.walletctl.place import asks_where
    from tools.walletctl.playing import Playing

    return _alone(
        asks_where(simulate, meant=Playing),
        "walletctl simulate --minutes 1 --report report.csv",
        "walletctl simulate --rate 100 --players 200 --seed 7",
        "walletctl simulate --secret-file events/secrets.json",
        "walletctl simulate --url https://wallet.example.com/prod --player 421=USD",
    )


def _completion() -> typer.Typer:
    from tools.programs.completion import completion

    return _alone(
        completion,
        "In ~/.bashrc:",
        '  eval "$(walletctl completion bash)"',
        "In ~/.zshrc, after compinit:",
        '  eval "$(walletctl completion zsh)"',
        "In ~/.config/fish/config.fish:",
        "  walletctl completion fish | source",
    )

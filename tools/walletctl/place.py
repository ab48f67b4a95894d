"""WHERE a command looks: the local service that runs, or a deployed stack with the caller's own credentials.

`asks_where` gives a command the five options as one, `asked`. AWS is asked only for what a command needs: reading the
tables takes no permission for the queues.
"""

import functools
import inspect
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer
from typer._click.core import ParameterSource

from tools.shared import folders
from tools.shared.hints import PORT, STACK_VARIABLE, port_options
from tools.shared.outside import LOCAL_CREDENTIALS, announced, leave_the_account, plain, trouble_if, user
from tools.shared.trouble import Trouble
from tools.walletctl import log
from tools.walletctl.log import LogLine, Refusals
from tools.walletctl.tables import Tables

if TYPE_CHECKING:
    import boto3

    from tools.local.template import Template

PANEL = "Where"


def _one_place(context: typer.Context, port: int) -> int:
    """The port, unless an option names a stack too. It is asked again for the stack: either may be read first."""
    if {"port", "stack"} <= _given(context):
        raise Trouble("--port and --stack are two places: name one of them")
    return port


def _unless_named_elsewhere(context: typer.Context, stack: str | None) -> str | None:
    """The stack, unless only the environment names it, and by spaces alone, or an option names another place."""
    if context.get_parameter_source("stack") is ParameterSource.ENVIRONMENT:
        return None if _given(context) & {"local", "port", "url", "export"} or not (stack or "").strip() else stack
    _one_place(context, 0)
    return stack


def _given(context: typer.Context) -> set[str]:
    """The options of the command line that may say where."""
    names = {str(parameter.name) for parameter in context.command.params}
    if "local" not in names:  # the console takes a stack alone: its --port is where it serves
        return set()
    return {name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The five options that say where, as they were given."""

    local: Annotated[
        bool,
        typer.Option(
            "--local",
            help="The local service that `make run` started: the default, unless WALLETCTL_STACK is set.",
            rich_help_panel=PANEL,
        ),
    ] = False
    port: Annotated[
        int,
        typer.Option(
            "--port", metavar="N", envvar="PORT", callback=_one_place, help="Its port.", rich_help_panel=PANEL
        ),
    ] = PORT
    stack: Annotated[
        str | None,
        typer.Option(
            "--stack",
            metavar="NAME",
            envvar=STACK_VARIABLE,
            callback=_unless_named_elsewhere,
            help="A deployed stack, in your own AWS account.",
            rich_help_panel=PANEL,
        ),
    ] = None
    profile: Annotated[
        str | None,
        typer.Option("--profile", metavar="P", help="The profile of your AWS credentials.", rich_help_panel=PANEL),
    ] = None
    region: Annotated[
        str | None,
        typer.Option("--region", metavar="R", help="The stack's region, if not your profile's.", rich_help_panel=PANEL),
    ] = None

    def place(self) -> "Place":
        """The place that they mean. Raises Trouble if they mean two, or none that is there."""
        if self.stack is None:
            if self.profile or self.region:
                raise Trouble("--profile and --region are of a stack: name it with --stack NAME")
            if not 1 <= self.port <= 65535:
                raise Trouble(f"--port (or PORT) must be a whole number from 1 to 65535, not {self.port}")
            return LocalService(self.port)
        if self.local:
            raise Trouble("--local and --stack are two places: name one of them")
        given = {"--stack": self.stack, "--profile": self.profile, "--region": self.region}
        options = [word for name, value in given.items() if value for word in (name, value)]
        return DeployedStack(self.stack, self.session(f"the stack {self.stack}"), options)

    def session(self, of: str) -> "boto3.Session":
        """The caller's own account. Raises Trouble if the profile is not one."""
        import boto3

        given = {"profile_name": self.profile, "region_name": self.region}
        with trouble_if(f"{plain(of)} cannot be asked"):
            return boto3.Session(**{name: value for name, value in given.items() if value})


HERE = Asked()


def asks_where(
    command: Callable[..., None],
    *,
    without: Collection[str] = (),
    meant: Callable[[Asked], object] = lambda asked: asked,
) -> Callable[..., None]:
    """A command for Typer that takes the options where this one takes `asked`, or what is `meant` by it."""
    own = inspect.signature(command, eval_str=True)
    options = {
        name: each for name, each in inspect.signature(Asked, eval_str=True).parameters.items() if name not in without
    }
    parameters = [
        each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in own.parameters.items()
        for each in (options.values() if name == "asked" else (parameter,))
    ]

    @functools.wraps(command)
    def asking(**given: Any) -> None:
        asked = Asked(**{name: given.pop(name) for name in options})
        command(**given, asked=meant(asked))

    asking.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    asking.__annotations__ = {each.name: each.annotation for each in parameters}
    return asking


_TABLES_PATIENCE: dict[str, Any] = {
    "connect_timeout": 3,
    "read_timeout": 20,  # a page of a scan is a megabyte
    "retries": {"total_max_attempts": 8, "mode": "adaptive"},  # callbacks go first: it slows down when throttled
}
# A receive waits a second for letters; a person waits no longer than this for a queue that does not answer.
_QUEUES_PATIENCE: dict[str, Any] = {
    "connect_timeout": 3,
    "read_timeout": 5,
    "retries": {"total_max_attempts": 2, "mode": "standard"},
}
# A function answers within its timeout of 20 s. It does once what it is told twice, so another try does no harm.
_FUNCTIONS_PATIENCE: dict[str, Any] = {
    "connect_timeout": 3,
    "read_timeout": 25,
    "retries": {"total_max_attempts": 2, "mode": "standard"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """A callback's two queues, by URL, and the client that reaches them.

    `at_once` says that a receive gives all that is there, as a local engine's does: nobody need wait for more.
    """

    sqs: Any
    retry_queue: str
    dead_letters: str
    at_once: bool = False


class Place(ABC):
    """Where a wallet is. Each of its questions raises Trouble if it cannot be answered.

    `name` is what a person calls it, such as `the local service on port 3000`; `options` lead another command to it.
    `log_is_free` says whether to read the log costs nothing. What leads to tables and queues is made once: that takes
    longer than most of what they are asked.
    """

    log_is_free: bool

    def __init__(self, name: str, options: Sequence[str]) -> None:
        self.name = name
        self.options = options
        self._making = threading.RLock()  # the SDK makes one client at a time
        self._made: dict[str, Any] = {}

    def tables(self) -> Tables:
        return self._once("tables", self._tables)

    def queues(self, callback: str) -> Queues:
        return self._once(f"queues of {callback}", lambda: self._queues(callback))

    def _template(self) -> "Template":
        """What is deployed there."""
        return _template()

    def callbacks(self) -> list[str]:
        """What callbacks are served there, by their names in template.yaml."""
        return [function.name for function in self._once("template", self._template).callbacks()]

    def keeping(self) -> list[str]:
        """The callbacks that have queues there. A stack that takes no bets keeps no cancels."""
        return [function.name for function in self._once("template", self._template).keeping()]

    def _once(self, what: str, make: Callable[[], Any]) -> Any:
        with self._making:
            if what not in self._made:
                self._made[what] = make()
            return self._made[what]

    def invoke(self, function: str, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a function, by its name in template.yaml, answers to the operator's own side.

        Raises Trouble if there is no answer. Whether the order was done is not known then: sent again, it is done once.
        """
        client, target = self._once(f"function {function}", lambda: self._function(function))
        unknown = f"{function} of {self.name} did not answer"
        with trouble_if(unknown, "Run the same command again: it is done once"):
            answer = client.invoke(**target, Payload=json.dumps(order).encode())
            text = answer["Payload"].read()
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        if answer.get("FunctionError") or not isinstance(said, dict) or not isinstance(said.get("error"), int):
            raise Trouble(f"{unknown}: it crashed or timed out. Run the same command again: it is done once")
        return said

    @abstractmethod
    def caller(self) -> str:
        """Who asks, for the record: the identity that an account knows, or who is logged in here."""

    @abstractmethod
    def _function(self, name: str) -> tuple[Any, Mapping[str, str]]:
        """The client that invokes a function, and what it calls it."""

    @abstractmethod
    def _tables(self) -> Tables: ...

    @abstractmethod
    def _queues(self, callback: str) -> Queues: ...

    @abstractmethod
    def url(self) -> str:
        """Where the callbacks' paths begin: `http://127.0.0.1:3000`."""

    @abstractmethod
    def log(self, reference: str, since: datetime) -> Sequence[LogLine]:
        """What the functions said of a reference, the oldest first; `since` is only asked where it costs to read."""

    @abstractmethod
    def refused(self, name: str, since: datetime) -> Sequence[LogLine]:
        """What they said of the references that were refused for that player, or in that round."""

    @abstractmethod
    def refused_among(self, wanted: Refusals, since: datetime) -> Sequence[LogLine]:
        """What they said of the references with such a refusal."""

    @abstractmethod
    def not_kept(self, since: datetime) -> Mapping[str, int]:
        """How many requests they refused since then that are kept nowhere, by error: `find` cannot tell which."""

    def written(
        self, pattern: str, since: datetime, *, by_the_api: bool
    ) -> tuple[list[tuple[str, datetime, str]], bool]:
        """Lines of the log that may fit a pattern of CloudWatch's, each with its log and moment; whether all were read.

        They are the functions', or those that API Gateway writes. Raises Trouble where there are none.
        """
        del pattern, since
        whose = "API Gateway" if by_the_api else "the functions"
        raise Trouble(f"{self.name} has no log of {whose}: only a stack has one (--stack NAME)")

    def metrics(self) -> tuple[Any, str]:
        """A client for the metrics, and the namespace that they have there. Raises Trouble where there are none."""
        raise Trouble(f"{self.name} has no metrics: only a stack has them (--stack NAME)")


def tables_client(of: "boto3.Session") -> Any:
    return of.client("dynamodb", config=_config(_TABLES_PATIENCE))


def _config(patience: Mapping[str, Any], **more: Any) -> Any:
    from botocore.config import Config

    return Config(**patience, **more)


def _template(**parameters: str) -> "Template":
    from tools.local.template import Template

    return Template.load(**parameters)


def callbacks() -> list[str]:
    """What callbacks there are, by their names in template.yaml."""
    return [function.name for function in _template().callbacks()]


def keeping() -> list[str]:
    """Those of them that keep what they could not settle, and have queues for it."""
    return [function.name for function in _template().keeping()]


class LocalService(Place):
    log_is_free = True

    def __init__(self, port: int) -> None:
        super().__init__(f"the local service on port {port}", port_options(port))
        self._port = port

    def _tables(self) -> Tables:
        said = announced(self._port, "tables", "dynamodb", "region")
        with trouble_if(f"the tables of {self.name} cannot be reached"):
            config = _config(_TABLES_PATIENCE, proxies={})
            dynamodb = self._session(said).client("dynamodb", endpoint_url=said["dynamodb"], config=config)
        return Tables(
            dynamodb=dynamodb,
            players="Players",
            transactions="Transactions",
            free_rounds="FreeRounds",
            rounds="Rounds",
        )

    def _queues(self, callback: str) -> Queues:
        retry_queue, dead_letters = _queues_of(callback)
        sqs = self._sqs
        with trouble_if(f"the queues of {self.name} cannot be reached"):
            return Queues(
                sqs=sqs,
                retry_queue=sqs.get_queue_url(QueueName=retry_queue)["QueueUrl"],
                dead_letters=sqs.get_queue_url(QueueName=dead_letters)["QueueUrl"],
                at_once=True,
            )

    def caller(self) -> str:
        return user()

    def _function(self, name: str) -> tuple[Any, Mapping[str, str]]:
        said = announced(self._port, "functions", "url", "region")
        with trouble_if(f"the functions of {self.name} cannot be reached"):
            config = _config(_FUNCTIONS_PATIENCE, proxies={})
            return self._session(said).client("lambda", endpoint_url=said["url"], config=config), {"FunctionName": name}

    def url(self) -> str:
        return announced(self._port, "address", "url")["url"]

    def log(self, reference: str, since: datetime) -> Sequence[LogLine]:
        return log.of_file(self._log, reference)

    def refused(self, name: str, since: datetime) -> Sequence[LogLine]:
        return log.refused_of_file(self._log, name)

    def refused_among(self, wanted: Refusals, since: datetime) -> Sequence[LogLine]:
        return log.refusals_of_file(self._log, wanted)

    def not_kept(self, since: datetime) -> Mapping[str, int]:
        return log.not_kept_of_file(self._log, since)

    def written(
        self, pattern: str, since: datetime, *, by_the_api: bool
    ) -> tuple[list[tuple[str, datetime, str]], bool]:
        if by_the_api:
            return super().written(pattern, since, by_the_api=by_the_api)
        found: list[tuple[str, datetime, str]] = []
        at = since  # a traceback's lines have the moment of the line before
        for text in log.texts_of_file(self._log):
            said = log.object_of(text)
            at = log.moment_of(said) or at
            if at >= since:
                found.append((str(said.get("service", "")), at, text))
        return found, True

    @property
    def _log(self) -> Path:
        return folders.LOCAL / f"functions-{self._port}.log"

    @cached_property
    def _sqs(self) -> Any:
        said = announced(self._port, "queues", "sqs", "region")
        with trouble_if(f"the queues of {self.name} cannot be reached"):
            config = _config(_QUEUES_PATIENCE, proxies={})
            return self._session(said).client("sqs", endpoint_url=said["sqs"], config=config)

    def _session(self, said: Mapping[str, Any]) -> "boto3.Session":
        import boto3

        leave_the_account()
        return boto3.Session(**LOCAL_CREDENTIALS, region_name=said["region"])


class OwnService(LocalService):
    """The local service as it sees itself: its environment is in order already, and its functions inherit it."""

    def _session(self, said: Mapping[str, Any]) -> "boto3.Session":
        import boto3

        return boto3.Session(region_name=said["region"])


class DeployedStack(Place):
    log_is_free = False

    def __init__(self, stack: str, session: "boto3.Session", options: Sequence[str] = ()) -> None:
        super().__init__(f"the stack {plain(stack)}", options)
        self._stack = stack
        self._session = session

    def _tables(self) -> Tables:
        with self._asked_for("tables"):
            return Tables(
                dynamodb=tables_client(self._session),
                players=self._resource("Players"),
                transactions=self._resource("Transactions"),
                free_rounds=self._resource("FreeRounds"),
                rounds=self._rounds,
            )

    def _template(self) -> "Template":
        with self._asked_for("tables"):
            return _template(Calls="All" if self._rounds else "Wins")

    @cached_property
    def _rounds(self) -> str | None:
        """The table of rounds; None in a stack that takes no bets."""
        return self._resource_if_any("Rounds")

    def _queues(self, callback: str) -> Queues:
        retry_queue, dead_letters = _queues_of(callback)
        with self._asked_for("queues"):
            return Queues(
                sqs=self._sqs,
                retry_queue=self._resource(retry_queue),
                dead_letters=self._resource(dead_letters),
            )

    def caller(self) -> str:
        with trouble_if("AWS does not say who you are"):
            return self._session.client("sts", config=_config(_QUEUES_PATIENCE)).get_caller_identity()["Arn"]

    def _function(self, name: str) -> tuple[Any, Mapping[str, str]]:
        with self._asked_for("functions"):
            target = {"FunctionName": self._resource(name), "Qualifier": "live"}
            return self._session.client("lambda", config=_config(_FUNCTIONS_PATIENCE)), target

    def url(self) -> str:
        with self._asked_for("URLs"):
            (described,) = self._cloudformation.describe_stacks(StackName=self._stack)["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}
        if not (result := outputs.get("ResultUrl")):
            raise Trouble(f"{self.name} has no output ResultUrl: it is not a stack of this project's")
        path = next(path for path, name in _template().routes().items() if name == "result")
        parts = urlsplit(result)
        return f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix(path)}"

    def log(self, reference: str, since: datetime) -> Sequence[LogLine]:
        return log.of_stack(self.logs(), self._groups(), reference, since, datetime.now(UTC))

    def refused(self, name: str, since: datetime) -> Sequence[LogLine]:
        return log.refused_of_stack(self.logs(), self._groups(), name, since, datetime.now(UTC))

    def refused_among(self, wanted: Refusals, since: datetime) -> Sequence[LogLine]:
        return log.refusals_of_stack(self.logs(), self._groups(), wanted, since, datetime.now(UTC))

    def not_kept(self, since: datetime) -> Mapping[str, int]:
        return log.not_kept_of_stack(self.logs(), self._groups(), since, datetime.now(UTC))

    def written(
        self, pattern: str, since: datetime, *, by_the_api: bool
    ) -> tuple[list[tuple[str, datetime, str]], bool]:
        found: list[tuple[str, datetime, str]] = []
        whole = True
        for group in [f"/{self._stack}/api"] if by_the_api else self._groups():
            lines, is_cut = log.filtered(self.logs(), group, pattern, since)
            found += [(group.rpartition("/")[2], at, text) for at, text in lines]
            whole = whole and not is_cut
        return found, whole

    def metrics(self) -> tuple[Any, str]:
        return self._session.client("cloudwatch", config=_config(_QUEUES_PATIENCE)), self._stack

    def _groups(self) -> list[str]:
        functions = self._once("template", self._template).functions()
        return [f"/{self._stack}/{function.name}" for function in functions]

    def logs(self) -> Any:
        """A client for the functions' log groups."""
        return self._session.client("logs", config=_config(_QUEUES_PATIENCE))

    def _resource_if_any(self, name: str) -> str | None:
        """The same; None where the stack has none, as one with `Calls=Wins` has no rounds."""
        from botocore.exceptions import ClientError

        try:
            return self._resource(name)
        except ClientError as error:
            if "does not exist" in error.response["Error"].get("Message", "") and self._resource("Transactions"):
                return None
            raise

    def _resource(self, name: str) -> str:
        """What a resource of the template is called in the account, or its URL."""
        answer = self._cloudformation.describe_stack_resource(StackName=self._stack, LogicalResourceId=name)
        return answer["StackResourceDetail"]["PhysicalResourceId"]

    @cached_property
    def _cloudformation(self) -> Any:
        return self._session.client("cloudformation", config=_config(_QUEUES_PATIENCE))

    @cached_property
    def _sqs(self) -> Any:
        return self._session.client("sqs", config=_config(_QUEUES_PATIENCE))

    def _asked_for(self, what: str) -> AbstractContextManager[None]:
        return trouble_if(f"{self.name} cannot be asked for its {what}", "Check its name, --profile and --region")


def _queues_of(callback: str) -> tuple[str, str]:
    """The names of a callback's retry queue and of its dead letters in template.yaml."""
    functions = {function.name: function for function in _template().keeping()}
    if callback not in functions:
        others = f"there are {', '.join(functions)}"
        if callback in callbacks():
            raise Trouble(f"the callback {callback} keeps nothing: {others}")
        raise Trouble(f"no callback is called {callback!r}: {others}")
    environment = functions[callback].environment
    return environment["RETRY_QUEUE"], environment["DEAD_LETTERS"]

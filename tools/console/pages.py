"""Pages from their templates. Every text is escaped, and those from outside go through `visible` as well."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tools.console import charts, words
from tools.console.causes import MOST_AT_ONCE
from tools.console.visible import visible
from tools.shared.amounts import amount, signed
from tools.shared.identifiers import is_identifier
from tools.shared.moments import recorded
from tools.shared.outside import cut, plain
from tools.walletctl.find.found import never_came
from tools.walletctl.kinds import OPERATORS
from tools.walletctl.parked import adjusted
from tools.walletctl.parked.advice import advice, can_be_settled, may_be_adjusted, retrying
from tools.walletctl.parked.letters import DeadLetter
from tools.walletctl.parked.show import age
from tools.walletctl.records import by_hand, free_rounds, kinds, number, why_less
from tools.walletctl.rounds import played
from tools.walletctl.rounds.played import Played

FOLDER = Path(__file__).parent
MOST_OF_A_NAME = 4000  # characters that a page is asked for by; what a refused request is called longer has an id
_MOST_OF_A_NAME_SHOWN = 200
OVERDUE = timedelta(hours=26)  # the provider closes a round within 24
_MOST_SHOWN = 4000  # characters of a request that a list shows at once: round details have up to 60,000


class Pages:
    """`place` and `is_local` are of the wallet that is looked at, `options` lead a command there.

    `token` is what a change must carry.
    """

    def __init__(self, *, place: str, is_local: bool, token: str, options: Sequence[str] = ()) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {
            "visible": visible,
            "named": named,
            "plain": plain,
            "amount": _amount,
            "signed": _signed,
            "clock": clock,
            "moment": moment,
            "ago": ago,
            "milliseconds": milliseconds,
            "combined": lambda one, other: {**one, **other},
        }
        self._environment.globals |= {
            "place": place,
            "loaded_at": lambda: datetime.now(UTC),
            "is_local": is_local,
            "token": token,
            "bars": charts.bars,
            "line": charts.line,
            "why": words.why,
            "whys": words.whys,
            "why_prize": words.why_prize,
            "why_less": why_less,
            "by_hand": by_hand,
            "adjusted": adjusted.told,
            "OPERATORS": OPERATORS,
            "DONE": words.DONE,
            "free_rounds": free_rounds,
            "round_state": played.state,
            "round_steps": played.steps,
            "staked_live": staked_live,
            "is_overdue": is_overdue,
            "overdue_hours": OVERDUE // timedelta(hours=1),
            "never_came": never_came,
            "is_identifier": is_identifier,
            "advice": lambda callback, group, known: advice(
                callback, group, options, on_record=known, found=group.handle
            ),
            "retrying": retrying,
            "can_be_settled": can_be_settled,
            "can_be_paid": lambda letter: can_be_settled(letter) or may_be_adjusted(letter),
            "remedies": words.REMEDIES,
            "MOST_AT_ONCE": MOST_AT_ONCE,
            "titled": words.titled,
            "received_of": received_of,
            "MOST_SHOWN": _MOST_SHOWN,
            "MOST_OF_A_NAME": MOST_OF_A_NAME,
            "counted": words.counted,
            "on_record": words.on_record,
            "meanings": words.ANSWERS,
            "kinds": kinds,
            "to_find": to_find,
            "to_player": lambda name, **more: to("/player", id=name, **more),
            "to_transaction": lambda name: to("/transaction", id=name),
        }

    def text(self, template: str, values: Mapping[str, Any]) -> str:
        """Always what UTF-8 can say: half a character, which JSON can, would break the page."""
        text = self._environment.get_template(template).render(values)
        return text.encode(errors="replace").decode()

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(self.text(template, values), status)

    def part(self, request: Request, part: str, *, title: str, status: int = 200, **values: Any) -> Response:
        """The part alone for htmx, which puts it into its page; in a page of its own for who has no scripts."""
        is_part = request.headers.get("hx-request") == "true"
        template = part if is_part else "alone.html"
        # What was done is read next, wherever on its page the button stood: it is given the focus.
        is_answer = is_part and request.method == "POST"
        return self.page(
            template, status=status, title=title, part=part, is_part=is_part, is_answer=is_answer, **values
        )


def named(text: object) -> Markup:
    """A name for the eye: what a refused request calls its reference may be a page long."""
    return visible(cut(str(text), _MOST_OF_A_NAME_SHOWN))


def received_of(letter: DeadLetter) -> str:
    """A dead letter's request as it was received; what is not a request, as the queue has it."""
    return letter.parked.request if letter.parked else letter.body


def to(path: str, **parameters: object) -> str:
    """Where a page is: names come from outside, so they are parameters and never a path."""
    return f"{path}?{urlencode({name: str(value) for name, value in parameters.items()}, errors='replace')}"


def to_find(name: str) -> str:
    return to("/find", name=name)


def staked_live(of: Played) -> Decimal:
    """What was taken for the bets that are live in a round, as far as it can be read."""
    taken = (number(bet.get("taken")) for bet in of.live)
    return sum((each for each in taken if each is not None), Decimal(0))


def is_overdue(of: Played) -> bool:
    """Whether a bet waits for a result for longer than the provider leaves a round open."""
    since = recorded(of.item.get("openSince")) if of.item else None
    return since is not None and datetime.now(UTC) - since > OVERDUE


def clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M:%S}"


def moment(said: object) -> str:
    """To the second; what is not a moment, as it is."""
    at = said if isinstance(said, datetime) else recorded(said)
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else str(said)


def ago(at: datetime) -> str:
    return age(max(at - at, datetime.now(UTC) - at))


def milliseconds(said: object) -> str:
    """The provider's moment, milliseconds since the epoch, as a person reads it."""
    try:
        return f"{moment(datetime.fromtimestamp(int(str(said)) / 1000, UTC))} UTC"
    except (ValueError, OverflowError, OSError):
        return str(said)


def _amount(value: object) -> str:
    return amount(value) if isinstance(value, Decimal) else "" if value is None else str(value)


def _signed(value: object) -> str:
    return signed(value) if isinstance(value, Decimal) and value else _amount(value)

"""Anchors: what a ledger was at one moment, to be kept where nobody who writes the tables can reach.

The digests have no key. Somebody who writes the tables can change a movement and compute every later digest again. An
anchor has each player's newest digest, so it contradicts whatever was changed before it. Source: docs/ledger.md.

A text of JSON lines: a first one of the format, the moment and the ledger; one for each player in the order of the
userIds' bytes; a last one with the number of players and the SHA-256 of all lines before it, so that an anchor that was
cut off or damaged is not believed.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast

from tools.shared.listing import counted
from tools.shared.trouble import Trouble
from tools.walletctl.verify.digests import digest_of
from tools.walletctl.verify.entries import Anchored, Fault, Page

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A whole anchor: its `name` as a person gave it, its moment, and the ledger it is of."""

    name: str
    moment: str
    ledger: str
    players: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} of {_plainly(self.moment)}: {counted(self.players, 'player')}, SHA-256 {self.sha256}"


# --- Written ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Writer:
    """Writes an anchor line by line: `add` each player's page in the order of their userIds' bytes, then `end`."""

    name: str
    moment: str
    ledger: str
    write: Callable[[str], object]
    players: int = 0
    _sum: Any = field(default_factory=sha256)

    def __post_init__(self) -> None:
        self._line({"format": _FORMAT, "moment": self.moment, "ledger": self.ledger})

    def add(self, page: Page) -> None:
        """A player of whom there is neither a wallet nor a transaction is not in an anchor."""
        if page.wallet or page.transactions or page.outcomes:
            self.add_player(page.user_id, anchored(page, self.moment))

    def add_player(self, user_id: str, held: Anchored) -> None:
        self.players += 1
        later = [[id, *prize] for id, prize in held.later_prizes.items()]
        self._line(
            {"player": user_id, "version": held.version, "digest": held.digest}
            | ({"laterPrizes": later} if later else {})
            | ({"outcomes": held.outcomes} if held.outcomes else {})
        )

    def end(self) -> Anchor:
        made = self._sum.hexdigest()
        self._line({"players": self.players, "sha256": made})
        return Anchor(name=self.name, moment=self.moment, ledger=self.ledger, players=self.players, sha256=made)

    def _line(self, content: dict[str, Any]) -> None:
        text = f"{json.dumps(content, separators=(',', ':'))}\n"
        self._sum.update(text.encode())
        self.write(text)


def anchored(page: Page, moment: str) -> Anchored:
    """What an anchor of that moment holds of a player."""
    version = page.wallet.version if page.wallet else page.transactions[-1].seq if page.transactions else 0
    digests = [each.digest for each in page.transactions if each.seq == version]
    later = {each.id: each.later_prize for each in (*page.transactions, *page.outcomes)}
    return Anchored(
        moment=moment,
        version=version,
        digest=digests[-1] if digests else page.wallet.digest if page.wallet else "",
        later_prizes={id: prize for id, prize in later.items() if prize},
        outcomes={each.id: digest_of(each.covered) for each in page.outcomes},
    )


# --- Read -------------------------------------------------------------------------------------------


def read(name: str, lines: Iterable[bytes], take: Callable[[str, Anchored], object]) -> Anchor:
    """Hands every player of an anchor to `take`, in order. Raises Trouble if it is not whole: believe nothing then."""
    reader = _Reader(name)
    for number, line in enumerate(lines, 1):
        try:
            if held := reader.take(line):
                take(*held)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise Trouble(
                f"{name} was changed after it was written, or is not an anchor: line {number} is wrong. Nothing was "
                "compared"
            ) from None
    if reader.whole is None:
        raise Trouble(f"{name} is cut off, or is not an anchor: its last line is missing. Nothing was compared")
    return reader.whole


@dataclass(slots=True)
class _Reader:
    name: str
    whole: Anchor | None = None
    _head: Mapping[str, str] | None = None
    _before: bytes = b""
    _players: int = 0
    _sum: Any = field(default_factory=sha256)

    def take(self, line: bytes) -> tuple[str, Anchored] | None:
        """The player of the next line. Raises ValueError, KeyError or TypeError for a line that is wrong."""
        content = _object(line)
        if self.whole or not line.endswith(b"\n"):
            raise ValueError("a line after the last, or half a line")
        taken = None
        if self._head is None:
            self._head = self._begun(content)
        elif "sha256" in content:
            self.whole = self._ended(content, self._head)
        else:
            player = _text(content["player"])
            key = player.encode(errors="surrogatepass")
            if key <= self._before and self._players:
                raise ValueError("not in order")
            self._before = key
            self._players += 1
            taken = player, _anchored(content, self._head["moment"])
        self._sum.update(line)
        return taken

    def _begun(self, content: Mapping[str, Any]) -> Mapping[str, str]:
        if content["format"] != _FORMAT:
            raise Trouble(f"{self.name} has the format of another version: use the walletctl that wrote it")
        return {name: _text(content[name]) for name in ("moment", "ledger")}

    def _ended(self, content: Mapping[str, Any], head: Mapping[str, str]) -> Anchor:
        if (content["sha256"], content["players"]) != (self._sum.hexdigest(), self._players):
            raise ValueError("the sum of other lines")
        return Anchor(name=self.name, **head, players=self._players, sha256=content["sha256"])


def _object(line: bytes) -> Mapping[str, Any]:
    content = json.loads(line)
    if not isinstance(content, dict):
        raise ValueError("not an object")  # noqa: TRY004 - a fault of the text, not of a type
    return cast(dict[str, Any], content)


def _anchored(content: Mapping[str, Any], moment: str) -> Anchored:
    version = content["version"]
    if type(version) is not int or version < 0:
        raise ValueError("not a version")
    return Anchored(
        moment=moment,
        version=version,
        digest=_text(content["digest"]),
        later_prizes={
            _text(id): (reference if reference is None else _text(reference), _text(of))
            for id, reference, of in content.get("laterPrizes", [])
        },
        outcomes={id: _text(digest) for id, digest in content.get("outcomes", {}).items()},
    )


def _plainly(moment: str) -> str:
    return moment.replace("T", " ")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004 - a fault of the text, not of a type
    return value


# --- Compared ---------------------------------------------------------------------------------------


def changed_since(page: Page) -> Iterator[Fault]:
    """What was changed or removed of a player's ledger after each anchor was written. What came later is no matter."""
    for anchored in page.anchored:
        for seq, id, text in _changed(page, anchored):
            yield Fault(
                user_id=page.user_id,
                what="before the anchor",
                seq=seq,
                id=id,
                text=f"{text} (anchor of {_plainly(anchored.moment)})",
            )


def _changed(page: Page, anchored: Anchored) -> Iterator[tuple[int | None, str | None, str]]:
    if page.is_empty:
        yield None, None, f"the player is gone: the anchor has {counted(anchored.version, 'movement')}"
        return
    of_that_number = [each for each in page.transactions if each.seq == anchored.version]
    newest = page.wallet.version if page.wallet else page.transactions[-1].seq if page.transactions else 0
    if newest < anchored.version:
        yield newest, None, f"the player is at version {newest}, and was at {anchored.version}"
    elif anchored.version and not of_that_number:
        yield anchored.version, None, f"number {anchored.version} is missing, the last one in the anchor"
    if of_that_number and not any(each.digest == anchored.digest for each in of_that_number):
        text = "its digest is not the one in the anchor: this movement or one before it was changed"
        yield anchored.version, of_that_number[-1].id, text
    by_id = {each.id: each for each in (*page.transactions, *page.outcomes)}
    for id, (reference, of) in anchored.later_prizes.items():
        if (has := by_id.get(id)) is None or has.later_prize != (reference, of):
            text = f"the prize {reference} of {of} was noted on it, and is not any more"
            yield (has.seq or None) if has else None, id, text
    outcomes = {each.id: each.covered for each in page.outcomes}
    for id, digest in anchored.outcomes.items():
        if id not in outcomes:
            yield None, id, "it was settled without money, and that record is missing"
        elif digest_of(outcomes[id]) != digest:
            yield None, id, "it was settled without money, and that record was changed"

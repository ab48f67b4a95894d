"""Whatever is done to a ledger is named where it is; if everything is computed again as well, by an anchor.

Each tampering is done to a copy under other names. All copies are proved together, as one ledger.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from conftest import ROOT, Operator, published
from simulation.ledger_proof import Items, items_of, prove
from simulation.machines import outside_replaced
from simulation.network import Pace
from simulation.script import draw
from simulation.world import World
from tamperings import FORGERIES, NAMES, Books, Forgery, empty, play
from test_export import write_export
from tools.shared.items import encoded
from tools.walletctl.export.account import account_of_exports
from tools.walletctl.verify import account as account_module
from tools.walletctl.verify.account import Account
from tools.walletctl.verify.entries import Fault

Prover = Callable[..., tuple[Account, str]]
By = Literal["tables", "export"]
BYS: tuple[By, ...] = ("tables", "export")


@dataclass(frozen=True)
class Case:
    """A tampering as it is, or with everything computed again."""

    forgery: Forgery
    honest: Books
    tampered: Books

    @property
    def is_undone(self) -> bool:
        return self.honest == self.tampered

    def is_named(self, faults: Sequence[Fault]) -> bool:
        """Whether it is named where it is."""
        place = self.forgery.place
        if isinstance(place, str):
            return f"{place}{self.honest.mark}" in [fault.id for fault in faults]
        return bool(faults) if place is None else place in [fault.seq for fault in faults]


@dataclass(frozen=True)
class Forged:
    """Every case by its name, as it is and computed again. `faults` are by how they were found and by copy."""

    naive: Mapping[str, Case]
    computed: Mapping[str, Case]
    faults: Mapping[tuple[By, bool], Mapping[str, Sequence[Fault]]]
    anchors: Mapping[By, str]
    older: Mapping[str, Sequence[Fault]]  # by tables, with an anchor of when each player had five movements

    def found(self, case: Case, by: By, *, anchored: bool) -> Sequence[Fault]:
        return self.faults[by, anchored].get(case.honest.mark, ())


def _case(played: Books, name: str, mark: str, do: Callable[[Books], object]) -> Case:
    forgery = FORGERIES[name]
    honest, tampered = (played.copy(mark, *forgery.players) for _ in range(2))
    do(tampered)
    return Case(forgery, honest, tampered)


AGO = 5  # movements


def _young(books: Books) -> Books:
    """A ledger as it was when each player had a few movements; its counts are of a later moment."""
    young = {id: item for id, item in books.transactions.items() if item.get("seq", 0) <= AGO}
    wallets = {**books.wallets}
    for player in wallets:
        *_, last = (item for item in books.movements(player) if item["seq"] <= AGO)
        left = {"cash": last["cashAfter"], "bonus": last["bonusAfter"], "version": last["seq"]}
        wallets[player] = wallets[player] | left | {"digest": last["digest"]}
    return Books(wallets, young, books.free_rounds, books.rounds, books.mark)


def _held(books: Books, of: Books) -> object:
    """What an anchor of the young ledger `of` holds, as `books` has it."""
    last = [[item["digest"] for item in books.movements(player) if item["seq"] == AGO] for player in of.wallets]
    beside = [id for id, item in _young(of).transactions.items() if {"outcome", "laterPrizeAmount"} & item.keys()]
    names = {id: of.transactions[id].keys() & _LATER or books.transactions.get(id, {}).keys() - _ASIDE for id in beside}
    return last, [{(name, books.transactions.get(id, {}).get(name)) for name in names[id]} for id in beside]


_LATER = {"laterPrizeReference", "laterPrizeAmount"}
_ASIDE = {"request", "digest"}


def _together(books: Sequence[Books]) -> Items:
    return {name: [item for each in books for item in each.items()[name]] for name in NAMES}


def _by_copy(faults: Sequence[Fault]) -> Mapping[str, Sequence[Fault]]:
    found: defaultdict[str, list[Fault]] = defaultdict(list)
    for fault in faults:
        found["~" + (fault.user_id or fault.id or "").rpartition("~")[2]].append(fault)
    return found


def _prove_export(folder: Path, items: Items, anchor: str | None = None) -> tuple[Account, str]:
    """The account of an export, compared with an anchor, and an anchor of it."""
    folder /= f"{len([*folder.iterdir()])}"
    for name, of in items.items():
        write_export(folder, name, [*map(encoded, of)], items_a_file=2000)
    before, after = (folder / name for name in ("before.json", "after.json"))
    if anchor is not None:
        before.write_text(anchor)
    made = account_of_exports(
        [str(folder)], anchors=[str(before)] if anchor is not None else [], write_anchor=str(after)
    )
    return made, after.read_text()


_played: list[Books] = []  # by the functions, once
_forged: list[Forged] = []


@pytest.fixture
def played(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Books:
    monkeypatch.setattr(account_module, "MOST_SHOWN", 10**6)
    if not _played:
        operator: Operator = request.getfixturevalue("operator")
        play(operator)
        _played.append(Books.read(operator))
    return _played[0]


@pytest.fixture
def forged(request: pytest.FixtureRequest, played: Books) -> Forged:
    if not _forged:
        tmp_path: Path = request.getfixturevalue("tmp_path")
        numbered = [*enumerate(FORGERIES.items())]
        naive = {name: _case(played, name, f"~{number}", each.do) for number, (name, each) in numbered}
        computed = {name: _case(played, name, f"~again-{number}", each.compute) for number, (name, each) in numbered}
        cases = [*naive.values(), *computed.values()]
        honest, tampered = _together([each.honest for each in cases]), _together([each.tampered for each in cases])
        faults: dict[tuple[By, bool], Mapping[str, Sequence[Fault]]] = {}
        provers: dict[By, Prover] = {"tables": prove, "export": partial(_prove_export, tmp_path)}
        anchors: dict[By, str] = {}
        for by, proves in provers.items():
            proved, anchors[by] = proves(honest)
            assert proved.faults == []
            for anchored in (False, True):
                account, _ = proves(tampered, anchors[by] if anchored else None)
                faults[by, anchored] = _by_copy(account.faults)
        _, older = prove(_together([_young(each.honest) for each in computed.values()]))
        again, _ = prove(_together([each.tampered for each in computed.values()]), older)
        _forged.append(Forged(naive, computed, faults, anchors, _by_copy(again.faults)))
    return _forged[0]


@pytest.mark.parametrize("by", BYS)
@pytest.mark.parametrize("name", FORGERIES)
def test_a_tampering_is_named_where_it_is(forged: Forged, name: str, by: By) -> None:
    case = forged.naive[name]
    forgery = case.forgery

    assert not case.is_undone
    assert case.is_named(forged.found(case, by, anchored=False)) is not forgery.hidden
    assert case.is_named(forged.found(case, by, anchored=True)) is not bool(forgery.hidden and forgery.unnamed)


@pytest.mark.parametrize("by", BYS)
@pytest.mark.parametrize("name", FORGERIES)
def test_a_tampering_before_the_anchor_is_named_when_everything_is_computed_again(
    forged: Forged, name: str, by: By
) -> None:
    case = forged.computed[name]
    forgery, found, anchored = (
        case.forgery,
        forged.found(case, by, anchored=False),
        forged.found(case, by, anchored=True),
    )

    assert case.is_undone is forgery.undone
    if forgery.needs_anchor:
        assert not found
    else:
        assert case.is_named(found)
    if forgery.undone or forgery.unnamed:
        assert not anchored
    elif forgery.needs_anchor:
        assert {fault.what for fault in anchored} == {"before the anchor"}
    else:
        assert case.is_named(anchored)


@pytest.mark.parametrize("name", FORGERIES)
def test_an_older_anchor_names_what_was_changed_before_it_and_nothing_else(forged: Forged, name: str) -> None:
    case = forged.computed[name]
    found = [fault for fault in forged.older.get(case.honest.mark, ()) if fault.what == "before the anchor"]

    assert bool(found) is (_held(case.tampered, case.honest) != _held(case.honest, case.honest))


def test_an_anchor_of_an_export_is_that_of_the_tables(forged: Forged) -> None:
    first, second = (anchor.splitlines()[1:-1] for anchor in forged.anchors.values())

    assert len(first) > len(FORGERIES)
    assert first == second


def _seeds() -> list[int]:
    return [3, int(os.environ["SIMULATION_SEED"])]  # conftest's, shown at the head of the run


@pytest.mark.parametrize("seed", _seeds(), ids=["known", "unknown"])
def test_an_export_of_an_honest_history_is_proved_with_an_earlier_anchor(seed: int, tmp_path: Path) -> None:
    world = World(draw(seed), Pace())
    with outside_replaced():
        world.run()
    assert world.judge.earlier
    anchor, _ = world.judge.earlier

    made, _ = _prove_export(tmp_path, items_of(world.network.tables), anchor)

    assert made.faults == []
    assert (made.players, made.anchored_here) == (world.judge.ledgers, world.judge.anchored)


def test_the_page_of_the_ledger_counts_what_needs_an_anchor() -> None:
    """Of the list's 33."""
    listed = {name: each for name, each in FORGERIES.items() if name[0].isdigit()}
    hidden, hide, unnamed = (
        sorted({int(name.split()[0]) for name in listed if is_so(listed[name])})
        for is_so in (
            lambda each: each.hidden,
            lambda each: each.needs_anchor and not each.unnamed,
            lambda each: each.unnamed,
        )
    )
    page = " ".join((ROOT / "docs" / "ledger.md").read_text().split())

    assert hidden == [23]
    assert hide == [1, 2, 3, 4, 6, 7, 8, 9, 12, 13, 14, 15, 19, 21, 22, 23, 24, 25, 27, 28, 31, 32]
    assert unnamed == [22]
    assert f"names {33 - len(hidden)}. " in page
    assert f"hides {len(hide)} of the 33" in page


VALUES = (None, "x", "", Decimal(77), True, ["x"])
MAY_BE = [("request", None)]
MAY_BE_LATER = [(f"laterPrize{name}", value) for name in ("Reference", "Amount") for value in (None, "x")]
BEYOND = ("note", "outcome", "bonusAmount", "laterPrizeAmount", "prizeAmount", "arrivedWith", "autoClosed", "jackpotId")


def test_whatever_attribute_of_a_movement_is_changed_is_named(played: Books) -> None:
    """Removed, added, or of another value or type; but a request may be erased, and a result have a later prize."""
    changed: list[tuple[Books, str, object]] = []
    for player in ("bank", "hand", "plays"):
        names = {name for item in played.transactions.values() for name in item if item["userId"] == player}
        for name in sorted(names.union(BEYOND) - {"id"}):
            for value in VALUES:
                books = played.copy(f"~{len(changed)}", player)
                for id in [id for id, item in books.transactions.items() if "seq" in item]:
                    books.transactions[id] = {
                        n: v for n, v in {**books.transactions[id], name: value}.items() if v is not None
                    }
                changed.append((books, name, value))
    made, _ = prove(_together([books for books, _, _ in changed]))
    named = {fault.id for fault in made.faults}

    assert len(changed) > 300
    assert [
        (id, name, value)
        for books, name, value in changed
        for id, item in books.transactions.items()
        if "seq" in (was := played.transactions[id]) and item["id"] not in named and item.get(name) != was.get(name)
        if (name, value) not in MAY_BE and not (id.startswith("result#") and (name, value) in MAY_BE_LATER)
    ] == []


def test_only_what_was_tampered_with_is_named(forged: Forged) -> None:
    marks = {case.honest.mark for cases in (forged.naive, forged.computed) for case in cases.values()}

    assert {mark for found in forged.faults.values() for mark in found} <= marks


def test_a_prize_that_no_balance_could_hold_is_left_for_a_person_and_not_named(operator: Operator) -> None:
    empty()
    rich = {"userId": "rich", "amount": 32 * "9", "currency": "USD", "reference": "rich"}
    assert operator.invoke("cashier", {**rich, "movement": "opening", "actor": "a", "reason": "b"})["error"] == 0
    for reference, prize in (("r-1", None), ("r-2", "p-2"), ("r-1", "p-1")):
        body = published("result", hash=None, userId="rich", amount="0", reference=reference)
        prized = {"promoWinAmount": "0.0000001", "promoWinReference": prize} if prize else {}
        assert operator.send("result", body | prized).json["error"] == 0

    made, _ = prove(_together([Books.read(operator)]))

    assert (made.transactions, made.faults) == (3, [])

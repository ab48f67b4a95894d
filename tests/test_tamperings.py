"""Whatever is done to a ledger is named: where it is, and also when everything is computed again, by an anchor.

Every tampering is done to a copy under other names. All copies are proved together, as one ledger.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pytest

from conftest import Operator
from simulation.ledger_proof import Items, prove
from tamperings import FORGERIES, Books, Forgery, play
from tools.walletctl.verify import account as account_module
from tools.walletctl.verify.entries import Fault

Form = Literal["naive", "computed"]


@dataclass(frozen=True)
class Case:
    name: str
    form: Form
    honest: Books
    tampered: Books

    @property
    def forgery(self) -> Forgery:
        return FORGERIES[self.name]


@dataclass(frozen=True)
class Forged:
    """Every case, and what is named of each: by tables or by export, with an anchor or without."""

    cases: Mapping[tuple[str, Form], Case]
    faults: Mapping[tuple[str, bool], Mapping[str, Sequence[Fault]]]

    def named(self, name: str, form: Form, by: str, *, anchored: bool) -> bool:
        """Whether it is named where it must be."""
        case = self.cases[name, form]
        place, mark = case.forgery.place, case.honest.mark
        return any(
            fault.what == "before the anchor"
            or place is None
            or (fault.seq == place if isinstance(place, int) else fault.id == f"{place}{mark}")
            for fault in self.faults[by, anchored].get(mark, ())
        )


def _together(books: Sequence[Books]) -> Items:
    return {
        "Players": [item for each in books for item in each.wallets.values()],
        "Transactions": [item for each in books for item in each.transactions.values()],
        "FreeRounds": [item for each in books for item in each.free_rounds.values()],
    }


def _by_mark(faults: Sequence[Fault]) -> Mapping[str, Sequence[Fault]]:
    found: defaultdict[str, list[Fault]] = defaultdict(list)
    for fault in faults:
        found["~" + (fault.user_id or fault.id or "").rpartition("~")[2]].append(fault)
    return found


def _case(played: Books, name: str, form: Form) -> Case:
    number = 2 * [*FORGERIES].index(name) + (form == "computed")
    honest, tampered = (played.copy(f"~{number}", *FORGERIES[name].players) for _ in range(2))
    (FORGERIES[name].naive if form == "naive" else FORGERIES[name].computed)(tampered)
    return Case(name, form, honest, tampered)


_forged: list[Forged] = []


@pytest.fixture
def forged(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Forged:
    if not _forged:
        monkeypatch.setattr(account_module, "MOST_SHOWN", 10**6)
        play(operator)
        played = Books.read(operator)
        forms: tuple[Form, ...] = ("naive", "computed")
        cases = {(name, form): _case(played, name, form) for name in FORGERIES for form in forms}
        honest, tampered = (
            _together([getattr(case, which) for case in cases.values()]) for which in ("honest", "tampered")
        )
        made, anchor = prove(honest)
        assert made.faults == []
        faults = {
            ("tables", anchored): _by_mark(prove(tampered, anchor if anchored else None)[0].faults)
            for anchored in (False, True)
        }
        _forged.append(Forged(cases, faults))
    return _forged[0]


@pytest.mark.parametrize("name", FORGERIES)
def test_a_tampering_is_named_where_it_is(forged: Forged, name: str) -> None:
    assert forged.named(name, "naive", "tables", anchored=False) is not FORGERIES[name].hidden


@pytest.mark.parametrize("name", FORGERIES)
def test_a_tampering_is_named_with_an_anchor_when_everything_is_computed_again(forged: Forged, name: str) -> None:
    assert forged.named(name, "computed", "tables", anchored=True) is not FORGERIES[name].harmless


@pytest.mark.parametrize("name", FORGERIES)
def test_z(forged: Forged, name: str) -> None:
    f = FORGERIES[name]
    assert forged.named(name, "computed", "tables", anchored=False) is not f.hides

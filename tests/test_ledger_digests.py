"""docs/ledger.md describes the chain of digests so exactly that an outsider can recompute it: its own program does."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Operator, published
from tools.shared.items import encoded

Items = list[dict[str, Any]]
PLAYER = "p-1"


def blocks(language: str) -> list[str]:
    page = (ROOT / "docs" / "ledger.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def example() -> Items:
    records, _ = blocks("json")
    return [json.loads(line)["Item"] for line in records.splitlines()]


def check(items: Items, folder: Path) -> tuple[int, str]:
    """The page's program, run as the page says: its status, and what it says."""
    (program,) = blocks("python")
    path = folder / "chain.py"
    path.write_text(program)
    lines = "".join(f"{json.dumps({'Item': item})}\n" for item in items)
    done = subprocess.run(  # noqa: S603 - the page's own words
        [sys.executable, "-I", path, PLAYER], input=lines, text=True, capture_output=True, check=False
    )
    return done.returncode, (done.stdout or done.stderr).strip()


def test_the_example_s_texts_have_the_digests_of_its_records() -> None:
    opening, result, withdrawal, _ = example()
    _, texts = blocks("json")

    for text, record, before in zip(texts.splitlines(), (opening, withdrawal), ("", result), strict=True):
        assert hashlib.sha256(text.encode()).hexdigest() == record["digest"]["S"]
        assert json.loads(text)[:2] == [1, before and before["digest"]["S"]]
        assert f"`{record['digest']['S'][:8]}`" in (ROOT / "docs" / "ledger.md").read_text()


def test_the_program_on_the_page_accepts_its_example(tmp_path: Path) -> None:
    *_, wallet = items = example()

    assert check(items, tmp_path) == (0, f"3 movements, {wallet['digest']['S']}")
    assert f"`{wallet['digest']['S']}`" in (ROOT / "docs" / "ledger.md").read_text()


@pytest.fixture(scope="module")
def kept() -> dict[str, Items]:
    """What was on record of the player: played once, for all tests of a process."""
    return {}


@pytest.fixture
def recorded(operator: Operator, kept: dict[str, Items]) -> Items:
    """Records of every kind and form that the store writes, and the wallet."""
    if "items" not in kept:
        play(operator)
        items = [*operator.items("Transactions"), *operator.items("FreeRounds"), operator.wallet(PLAYER)]
        kept["items"] = [encoded(item) for item in items if item["userId"] == PLAYER]
    return json.loads(json.dumps(kept["items"]))


def play(operator: Operator) -> None:
    def order(movement: str, reference: str, amount: str, error: int = 0, **changes: Any) -> None:
        said = {"movement": movement, "reference": reference, "userId": PLAYER, "amount": amount, "currency": "USD"}
        answer = operator.invoke("cashier", said | {"actor": "desk", "reason": "né \U0001fae8"} | changes)
        assert answer["error"] == error

    def win(callback: str, **changes: Any) -> None:
        assert operator.send(callback, published(callback, userId=PLAYER, **changes)).json["error"] == 0

    order("opening", PLAYER, "1e2", bonus="0.50")
    win("result", reference="r-1", amount="1e-7", sessionId=None)
    win("result", reference="r-2", amount=1, promoWinAmount="4.50", promoWinReference="p-1")
    win("result", reference="r-3", amount=0)
    win("result", reference="r-3", amount=0, promoWinAmount="3", promoWinReference="p-2")
    win("result", reference="r-4", amount="2", bonusCode="code")
    win("bonus", reference="b-1", amount="7", bonusCode="code")
    win("jackpot", reference="j-1", amount="99999999999999.999999999999999999")
    win("promo", reference="p-3", amount="1000", timestamp={"a": [1.50]}, providerId='"\\/\b\t\n\f\r\x1f\x7f\u2028')
    order("withdrawal", "w-1", "1e20", error=15)
    order("withdrawal", "w-2", "20.00")
    order("adjustment", "a-1", "-0.000000000000000001", bonus="-1")
    order("deposit", "d-1", "10000")


def test_the_program_on_the_page_accepts_what_the_store_wrote(recorded: Items, tmp_path: Path) -> None:
    (wallet,) = (item for item in recorded if "version" in item)

    assert check(recorded, tmp_path) == (0, f"13 movements, {wallet['digest']['S']}")
    assert {item["id"]["S"].partition("#")[0] for item in recorded if "id" in item} == {
        *("opening", "deposit", "withdrawal", "adjustment", "result", "jackpot", "bonus", "promo")
    }


def by_id(items: Items, id: str) -> dict[str, Any]:
    return next(item for item in items if item.get("id") == {"S": id})


def changed(id: str, **attributes: Any) -> Callable[[Items], object]:
    return lambda items: by_id(items, id).update(attributes)


def without(id: str, *names: str) -> Callable[[Items], object]:
    return lambda items: [by_id(items, id).pop(name) for name in names]


def removed(id: str) -> Callable[[Items], object]:
    return lambda items: items.remove(by_id(items, id))


def swapped(items: Items) -> None:
    one, other = by_id(items, "deposit#d-1"), by_id(items, "promo#p-3")
    one["seq"], other["seq"] = other["seq"], one["seq"]


def made_up(items: Items) -> None:
    """Another win at the end, without a digest of its own."""
    seq = {"N": str(int(by_id(items, "deposit#d-1")["seq"]["N"]) + 1)}
    items.append({**by_id(items, "promo#p-3"), "id": {"S": "promo#p-4"}, "seq": seq})


ALTERED = {
    "an amount": changed("jackpot#j-1", amount={"N": "5"}),
    "the last digit of a balance": changed("adjustment#a-1", cashAfter={"N": "1"}),
    "the normal form of a text": changed("withdrawal#w-2", reason={"S": "ne\u0301 \U0001fae8"}),
    "who ordered it": changed("deposit#d-1", actor={"S": "another"}),
    "a time": changed("result#r-3", recordedAt={"S": "2020-01-01T00:00:00.000+00:00"}),
    "an attribute that was added": changed("promo#p-3", note={"S": ""}),
    "a number that became a text of other digits": changed("result#r-3", amount={"S": "0.0"}),
    "an attribute that was removed": without("result#r-1", "autoClosed"),
    "a request": changed("promo#p-3", request={"S": "{}"}),
    "a request, and its digest": changed(
        "promo#p-3", request={"S": "{}"}, requestDigest={"S": hashlib.sha256(b"{}").hexdigest()}
    ),
    "the opening removed": removed("opening#p-1"),
    "one in the middle removed": removed("jackpot#j-1"),
    "the last one removed": removed("deposit#d-1"),
    "two that changed places": swapped,
    "one that was made up": made_up,
    "a digest": changed("deposit#d-1", digest={"S": "0" * 64}),
    "the wallet's digest": lambda items: items[-1].update(digest={"S": "0" * 64}),
    "the wallet's version": lambda items: items[-1].update(version={"N": "14"}),
}


@pytest.mark.parametrize("name", ALTERED)
def test_the_program_on_the_page_names_what_was_altered(recorded: Items, tmp_path: Path, name: str) -> None:
    ALTERED[name](recorded)

    status, says = check(recorded, tmp_path)

    assert status == 1
    assert re.search("was altered|is not what", says)


def test_an_erased_request_leaves_the_chain_whole(recorded: Items, tmp_path: Path) -> None:
    for item in recorded:
        item.pop("request", None)

    assert check(recorded, tmp_path)[0] == 0


def test_a_prize_that_was_noted_later_and_what_moved_nothing_are_beside_the_chain(
    recorded: Items, tmp_path: Path
) -> None:
    assert by_id(recorded, "result#r-3")["laterPrizeAmount"] == {"S": "3"}
    without("result#r-3", "laterPrizeAmount", "laterPrizeReference")(recorded)
    assert by_id(recorded, "withdrawal#w-1").keys().isdisjoint({"seq", "digest", "cashAfter"})
    removed("withdrawal#w-1")(recorded)

    assert check(recorded, tmp_path)[0] == 0


def test_numbers_count_by_their_value(recorded: Items, tmp_path: Path) -> None:
    """A number may be written in more than one way."""
    for item in recorded:
        for name in ("amount", "amountAsked", "cashAfter", "bonusAfter"):
            if name in item:
                item[name]["N"] = f"{Decimal(item[name]['N']):E}"

    assert check(recorded, tmp_path)[0] == 0

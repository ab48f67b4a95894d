"""CSV is read strictly: a damaged file is refused, or its damage is named, and no row is lost in silence."""

import gzip
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tools.shared.cells import rows, texts
from tools.shared.trouble import Trouble
from tools.walletctl.reconcile.reading import Reading
from tools.walletctl.reconcile.report import copy_report

_numbers = count()
Rows = list[tuple[str, str, str, str]]


def read(path: Path, delimiter: str = ",") -> list[tuple[int, list[str]]]:
    return [*rows(texts(path), "file", delimiter)]


@pytest.mark.parametrize(
    ("content", "are"),
    [
        (b"", []),
        (b"a,b", [(1, ["a", "b"])]),
        (b"a,\n,\n", [(1, ["a", ""]), (2, ["", ""])]),
        (b'"a","b ""c"""\r\n', [(1, ["a", 'b "c"'])]),
        (b'"",""""\r"x"', [(1, ["", '"']), (2, ["x"])]),
        (b'"a\nb","c\r\n"\n\nd\n', [(1, ["a\nb", "c\r\n"]), (5, ["d"])]),
        (b"\xef\xbb\xbf\xc3\xa9\xe2\x80\xa8\x0b\x0c\x1c\xc2\x85\n", [(1, ["\u00e9\u2028\x0b\x0c\x1c\x85"])]),
    ],
)
def test_a_file_is_read_as_rfc_4180_says(tmp_path: Path, content: bytes, are: list[tuple[int, list[str]]]) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)

    assert read(path) == are


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_is_read_as_it_comes(pack: Callable[[bytes], bytes]) -> None:
    """The first byte comes by itself, which is less than what an archive is known by."""
    program = "from pathlib import Path\nfrom tools.shared.cells import texts\nprint([*texts(Path('-'))])"
    with subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin
        assert process.stdout
        packed = pack(b"a,b\nc,d\n")
        for part in (packed[:1], packed[1:]):
            process.stdin.write(part)
        process.stdin.close()

        assert process.stdout.read() == b"[(1, 'a,b'), (2, 'c,d')]\n"


def test_an_open_quote_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    with path.open("w") as file:
        file.write('a,"b\n')
        file.writelines("a,b\n" for _ in range(1 << 18))
        file.write("\0")  # which would be complained of, were it read

    with pytest.raises(Trouble, match="line 1: a quote is opened and not closed"):
        read(path)


# --- At random --------------------------------------------------------------------------------------

_HEADINGS = "reference,callback,userId,currency,amount,gameName,timestamp"
_NAMES = ('"Book of Ra"', "Plain", '"Book, of ""Ra"""', '"two\nlines"', "", "Caf\u00e9", '"1,\n2"')
_PARTS = (
    *(b'"', b'""', b",", b"\n", b"\r", b"\r\n", b";", b"\t", b"\0", b"\xff", b'"\n', b',"', b'",', b" ", b"#"),
    *(b"\xef\xbb\xbf", b"\xc2\xa0", b"e", b".", b"0"),
)


def report(chance: random.Random) -> bytes:
    lines = [f"ref-{n},result,42{n},USD,{n}.50,{chance.choice(_NAMES)},{1482429190374 + n}" for n in range(8)]
    return "".join(f"{line}\n" for line in (_HEADINGS, *lines)).encode()


def damaged(chance: random.Random, content: bytes) -> bytes:
    """Bytes dropped, put in and flipped, most often where cells and rows begin and end."""
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 2, 3, 4))):
        at = chance.choice([chance.randrange(len(made)), *(n for n, byte in enumerate(made) if byte in b'",\n')])
        match chance.randrange(5):
            case 0:
                made[at:at] = chance.choice(_PARTS)
            case 1:
                del made[at : at + chance.choice((1, 1, 1, 2, 5))]
            case 2:
                made[at] ^= 1 << chance.randrange(8)
            case 3:
                made[at : at + 1] = chance.choice(_PARTS)
            case _:
                made[at + 1 : at + 1] = b'"'
    return bytes(made)


def read_report(folder: Path, content: bytes | bytearray) -> tuple[int, Rows]:
    """How many rows are named as unreadable, and what the others say."""
    # Each time new files: where one is written again, some disks are waited for.
    path, to = (folder / f"{kind}-{next(_numbers)}" for kind in ("report", "rows"))
    path.write_bytes(content)
    faulty = copy_report(path, to, Reading.of(None, None), lambda _: None).faulty
    items = [json.loads(line) for line in to.read_text().splitlines()]
    return faulty, [
        (item["id"], item["player"], item["currency"], item["amount"]) for item in items if "fault" not in item
    ]


def test_a_damaged_report_loses_no_row_in_silence(tmp_path: Path) -> None:
    became: Counter[str] = Counter()
    for seed in range(400):
        chance = random.Random(seed)
        good = report(chance)
        faulty, rows_before = read_report(tmp_path, good)
        assert (faulty, len(rows_before)) == (0, 8)
        try:
            faulty, rows_now = read_report(tmp_path, damaged(chance, good))
        except Trouble as trouble:
            became["refused" if str(trouble).isprintable() else "in more than a line"] += 1
            continue
        if faulty:
            became["named"] += 1
            continue
        # What is left has every row, each in its place; what is altered in one differs from the ledger.
        assert len(rows_now) == 8, seed
        became["the same" if rows_now == rows_before else "altered"] += 1

    assert became.keys() == {"refused", "named", "the same", "altered"}
    assert min(became.values()) >= 4


def test_a_damaged_archive_is_refused_or_reads_as_it_was(tmp_path: Path) -> None:
    became: Counter[str] = Counter()
    for seed in range(200):
        chance = random.Random(seed)
        good = report(chance)
        before = read_report(tmp_path, good)
        packed = bytearray(gzip.compress(good, mtime=0))
        at = chance.randrange(len(packed))
        match seed % 3:
            case 0:
                packed[at] ^= 1 << chance.randrange(8)
            case 1:
                del packed[at:]
            case _:
                packed[at:at] = chance.randbytes(3)
        try:
            after = read_report(tmp_path, packed)
        except Trouble as trouble:
            became["refused" if str(trouble).isprintable() else "in more than a line"] += 1
        else:
            assert after == before, seed  # a flag or a date in its first bytes, which say nothing of the rows
            became["the same"] += 1

    assert became.keys() == {"refused", "the same"}
    assert became["refused"] > 100

"""Where an export lies: in a folder or a bucket, as DynamoDB wrote it.

`…/AWSDynamoDB/<export>/manifest-summary.json` says what it is, `manifest-files.json` which files it has, and they are
in `data/`: an item a line, packed. Only the names below the manifest count, so an export may be copied anywhere.
"""

import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import boto3

from tools.shared.outside import plain, trouble_if
from tools.shared.trouble import Trouble

Table = Literal["players", "transactions", "free rounds", "rounds"]

_SUMMARY = "manifest-summary.json"
# What only the items of one table have.
_MARKS: dict[str, Table] = {
    "version": "players",
    "transactionId": "transactions",
    "uncovered": "free rounds",
    "winnings": "rounds",
}
_MARK = re.compile(rb'"(?:(version|uncovered|winnings)"\s*:\s*\{\s*"N"|(transactionId)"\s*:\s*\{\s*"S")')
_BEGINNING = 1 << 20  # bytes: an item has 400 KB at the most
_GZIP = 31  # what zlib calls a gzip file
_NAMES: dict[str, Table] = {
    "players": "players",
    "transactions": "transactions",
    "freerounds": "free rounds",
    "rounds": "rounds",
}


class Storage(Protocol):
    """Files by their names below a folder or a prefix. Each may raise Trouble."""

    @property
    def name(self) -> str: ...

    def names(self) -> Iterator[str]: ...

    def read(self, name: str) -> bytes: ...

    def begin(self, name: str) -> bytes:
        """How the file begins: as much as its first items need."""
        ...

    def fetch(self, name: str, folder: Path) -> Path:
        """Where the file is on this machine, in that folder if it had to be brought."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A table's export: its files by name, how many items they hold, and of what moment it is (ISO 8601).

    `ledger` tells its table from any other: the table's ARN.
    """

    store: Storage
    name: str
    table: Table
    files: Sequence[str]
    items: int
    moment: str
    ledger: str


def store(text: str, session: "boto3.Session | None") -> Storage:
    """The folder or the `s3://bucket/prefix` that a person means. Raises Trouble."""
    if text.startswith("s3://"):
        bucket, _, prefix = text.removeprefix("s3://").partition("/")
        if not bucket:
            raise Trouble(f"{plain(text)} names no bucket: write s3://bucket/prefix")
        with trouble_if(f"{plain(text)} cannot be reached"):
            return Bucket((session or boto3.Session()).client("s3"), bucket, prefix.rstrip("/"))
    folder = Path(text)
    if not folder.is_dir():
        raise Trouble(f"{plain(text)} is neither a folder nor s3://bucket/prefix")
    return Folder(folder)


def exports(stores: Sequence[Storage]) -> list[Export]:
    """Every export below the stores. Raises Trouble if there is none, or one that cannot be used."""
    found: list[Export] = []
    for each in stores:
        summaries = sorted(name for name in each.names() if name.rpartition("/")[2] == _SUMMARY)
        if not summaries:
            raise Trouble(
                f"{each.name} has no {_SUMMARY}: name the folder or prefix that an export to S3 was written to, once "
                "it is complete"
            )
        found += [_export(each, name) for name in summaries]
    return found


@dataclass(frozen=True, slots=True)
class Folder:
    folder: Path

    @property
    def name(self) -> str:
        return plain(str(self.folder))

    def names(self) -> Iterator[str]:
        for path in self.folder.rglob("*"):
            yield path.relative_to(self.folder).as_posix()

    def read(self, name: str) -> bytes:
        return self._read(name, -1)

    def begin(self, name: str) -> bytes:
        return self._read(name, _BEGINNING)

    def _read(self, name: str, most: int) -> bytes:
        path = self.folder / name
        try:
            with path.open("rb") as file:
                return file.read(most)
        except OSError as error:
            raise Trouble(f"{plain(str(path))} cannot be read: {error.strerror}") from None

    def fetch(self, name: str, folder: Path) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise Trouble(f"{plain(str(path))} is missing: the manifest names it")
        return path


@dataclass(frozen=True, slots=True)
class Bucket:
    s3: Any
    bucket: str
    prefix: str

    @property
    def name(self) -> str:
        return plain(f"s3://{self.bucket}/{self.prefix}")

    def names(self) -> Iterator[str]:
        below = f"{self.prefix}/" if self.prefix else ""
        with trouble_if(f"{self.name} cannot be listed"):
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=below):
                for item in page.get("Contents", []):
                    yield item["Key"].removeprefix(below)

    def read(self, name: str) -> bytes:
        with trouble_if(f"{self.name}/{plain(name)} cannot be read"):
            return self.s3.get_object(Bucket=self.bucket, Key=self._key(name))["Body"].read()

    def begin(self, name: str) -> bytes:
        with trouble_if(f"{self.name}/{plain(name)} cannot be read"):
            return self.s3.get_object(Bucket=self.bucket, Key=self._key(name))["Body"].read(_BEGINNING)

    def fetch(self, name: str, folder: Path) -> Path:
        path = folder / name.replace("/", "-")
        with trouble_if(f"{self.name}/{plain(name)} cannot be read"):
            self.s3.download_file(self.bucket, self._key(name), str(path))
        return path

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name


def _export(of: Storage, summary_name: str) -> Export:
    folder = summary_name[: -len(_SUMMARY)]
    name = f"{of.name}/{plain(folder.rstrip('/'))}".rstrip("/.")
    try:
        summary = json.loads(of.read(summary_name))
        lines = [json.loads(line) for line in of.read(f"{folder}manifest-files.json").splitlines() if line.strip()]
        files = [f"{folder}data/{line['dataFileS3Key'].rpartition('/')[2]}" for line in lines]
        items, moment = int(summary["itemCount"]), str(summary.get("exportTime", ""))
        form, sort = summary.get("outputFormat", "DYNAMODB_JSON"), summary.get("exportType", "FULL_EXPORT")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Trouble(f"the manifest of {name} is not one of DynamoDB's exports to S3") from None
    if form != "DYNAMODB_JSON":
        raise Trouble(f"{name} is in {plain(str(form))}: export the table as DYNAMODB_JSON")
    if sort != "FULL_EXPORT":
        raise Trouble(f"{name} has the changes of a while: export the whole table (FULL_EXPORT)")
    ledger = str(summary.get("tableArn", ""))
    table = _table(of, files, ledger)
    if table is None:
        raise Trouble(f"{name} is of none of the wallet's tables: players, transactions, free rounds or rounds")
    return Export(store=of, name=name, table=table, files=files, items=items, moment=moment, ledger=ledger or name)


def _table(of: Storage, files: Sequence[str], arn: str) -> Table | None:
    """Which table it is of: by its first item, or by the table's name if it has none."""
    for file in files:
        begins = of.begin(file)
        try:
            text = zlib.decompressobj(_GZIP).decompress(begins) if file.endswith(".gz") else begins
        except zlib.error:
            raise Trouble(f"{of.name}/{plain(file)} is not one of an export's data files: it is not packed") from None
        if found := _MARK.search(text):  # a text inside has its quotes escaped
            return _MARKS[(found[1] or found[2]).decode()]
    called = "".join(filter(str.isalnum, arn.rpartition("/")[2].lower()))
    return next((table for name, table in _NAMES.items() if name in called), None)

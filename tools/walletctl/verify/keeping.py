"""Where anchors are kept: in a file, or in a bucket. Both are read line by line, and written whole or not at all."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from tools.shared.outside import plain, trouble_if
from tools.shared.replaced import check_place, replaced
from tools.shared.trouble import Trouble
from tools.walletctl.verify.anchors import Writer

if TYPE_CHECKING:
    import boto3

_S3 = "s3://"
_CHUNK = 1 << 16  # bytes: some hundred lines
_IS_THERE = "is there already. An anchor is never overwritten: give this one another name"


def s3_for(places: Iterable[str], session: "Callable[[], boto3.Session]") -> Any:
    """A client of the caller's own account, if one of these places is a bucket's. Raises Trouble."""
    if not any(place.startswith(_S3) for place in places):
        return None
    with trouble_if("S3 cannot be reached"):
        return session().client("s3")


def lines_of(place: str, s3: Any) -> Iterator[bytes]:
    """An anchor's lines, from a file or `s3://bucket/key`. Raises Trouble."""
    if place.startswith(_S3):
        where = _key(place)
        with trouble_if(f"the anchor {plain(place)} cannot be read"):
            yield from s3.get_object(**where)["Body"].iter_lines(chunk_size=_CHUNK, keepends=True)
        return
    try:
        with Path(place).open("rb") as file:
            yield from file
    except OSError as error:
        raise Trouble(f"the anchor {plain(place)} cannot be read: {error.strerror}") from None


@contextmanager
def writing(place: str, s3: Any, moment: str, ledger: str) -> Iterator[Writer]:
    """Writes an anchor to a file or `s3://bucket/key` that is not there yet. Nothing is left of one that fails.

    Call the writer's `end` before the block ends. Raises Trouble.
    """
    if place.startswith(_S3):
        where = _key(place)
        with trouble_if(f"the anchor {plain(place)} cannot be written"):
            is_there = _is_there(s3, where)
        if is_there:
            raise Trouble(f"{plain(place)} {_IS_THERE}")
        with _temporary() as file:
            yield Writer(plain(place), moment, ledger, file.write)
            file.seek(0)
            _put(s3, where, file, plain(place))
        return
    path = Path(place)
    if path.is_file():
        raise Trouble(f"{plain(place)} {_IS_THERE}")
    check_place(path, "the anchor ")
    with replaced(path, "the anchor ") as written:
        yield Writer(plain(place), moment, ledger, written.write)


@contextmanager
def _temporary() -> Iterator[IO[str]]:
    try:
        with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise Trouble(
            f"the anchor cannot be kept here: {error.strerror}; TMPDIR names a place with more room"
        ) from None


def _key(place: str) -> dict[str, str]:
    bucket, _, key = place.removeprefix(_S3).partition("/")
    if not bucket or not key:
        raise Trouble(f"{plain(place)} does not name an anchor: write s3://bucket/key")
    return {"Bucket": bucket, "Key": key}


def _is_there(s3: Any, where: dict[str, str]) -> bool:
    """Whether it is there, as far as the caller may see."""
    from botocore.exceptions import ClientError

    try:
        s3.head_object(**where)
    except ClientError:
        return False
    return True


def _put(s3: Any, where: dict[str, str], file: IO[str], named: str) -> None:
    from botocore.exceptions import ClientError

    with trouble_if(f"the anchor {named} cannot be written"):
        try:
            s3.put_object(**where, Body=cast(TextIOWrapper, file).buffer, IfNoneMatch="*")
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 412:  # precondition failed
                raise
            raise Trouble(f"{named} {_IS_THERE}") from None

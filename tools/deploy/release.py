"""What is deployed, as ten digits: the template's parameter Release.

A version of a function is published when this changes, and only then: SAM looks at a function's own code, and
neither at the layer, where nearly all of it is, nor at what its environment says.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

DIGITS = 10  # SAM makes them part of a resource's name, and takes no more


def release(folders: Iterable[Path], settings: Iterable[str]) -> str:
    """A digest of every file in `folders`, by name and content, and of `settings`, in any order."""
    digest = hashlib.sha256()
    for setting in sorted(settings):
        digest.update(f"{setting}\n".encode())
    for folder in folders:
        for file in _files(folder):
            content = file.read_bytes()
            digest.update(f"{file.relative_to(folder)} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:DIGITS]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)

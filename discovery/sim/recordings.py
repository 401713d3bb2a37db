"""Recordings (.snmprec) as devices: files, folders and tar archives of them, each to answer at an address of its own.

Reads files; parses a recording only when somebody asks it something.
"""

import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from discovery.passive.snmprec import read_snmprec
from discovery.wire.rows import Rows

RECORDINGS_MAX = 5_000
RECORDING_BYTES_MAX = 64_000_000  # the largest known has 6 million
_SUFFIX = ".snmprec"


class RecordingError(ValueError):
    """What was named cannot be served; the message says why."""


def read_recordings(paths: Sequence[Path]) -> dict[str, Callable[[], Rows]]:
    """Name of each recording -> what makes its rows, sorted by name; RecordingError for what cannot be read."""
    found: dict[str, Callable[[], Rows]] = {}
    for path in paths:
        for name, content in _contents(path):
            if len(found) >= RECORDINGS_MAX:
                raise RecordingError(f"reading recordings: more than {RECORDINGS_MAX}")
            found[name] = _later(content)
    if not found:
        raise RecordingError(f"reading recordings: no *{_SUFFIX} in {', '.join(map(str, paths))}")
    return dict(sorted(found.items()))


def _later(content: bytes) -> Callable[[], Rows]:
    return lambda: Rows(read_snmprec(content).varbinds)


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in sorted(path.rglob(f"*{_SUFFIX}")):
            yield str(file.relative_to(path)), file.read_bytes()
    elif path.suffix == _SUFFIX:
        try:
            yield path.name, path.read_bytes()
        except OSError as error:
            raise RecordingError(f"reading recording {path}: {error.strerror}") from error
    else:
        yield from _archived(path)


def _archived(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and member.name.endswith(_SUFFIX) and member.size <= RECORDING_BYTES_MAX:
                    opened = archive.extractfile(member)
                    if opened is not None:
                        yield member.name, opened.read()
    except (OSError, tarfile.TarError) as error:
        raise RecordingError(f"reading recordings {path}: {error}") from error

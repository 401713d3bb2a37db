"""Station 1, from files: paths that people name into recordings and captures, one at a time.

Plain files, directories, .xz and tar archives. What cannot be read is said with its reason and costs nothing else.
It opens only what was named, extracts nothing to disk and never follows a link inside an archive.
"""

import lzma
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FILE_BYTES_MAX = 128_000_000  # of one recording or capture once unpacked; the largest we know has 8 million
XZ_MEMORY_BYTES_MAX = 128_000_000  # `xz -9` needs 65 million; a dictionary of gigabytes is no recording's
MEMBERS_MAX = 100_000  # of one archive


class Kind(StrEnum):
    """What a file holds."""

    RECORDING = "recording"
    CAPTURE = "capture"


_SUFFIXES = {".snmprec": Kind.RECORDING, ".pcap": Kind.CAPTURE, ".pcapng": Kind.CAPTURE, ".cap": Kind.CAPTURE}
_ARCHIVES = (".tar", ".tar.xz", ".tar.gz", ".tgz", ".tar.bz2")


@dataclass(frozen=True, slots=True)
class Source:
    """One recording or capture, in memory."""

    name: str
    kind: Kind
    content: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that could not be read, and why."""

    name: str
    reason: str


def read_sources(path: Path) -> Iterator[Source | Unreadable]:
    """The recordings and captures at a path, in the order of their names; a directory's other files are passed over."""
    try:
        if path.is_dir():
            for entry in sorted(p for p in path.rglob("*") if p.is_file() and _is_readable(p.name)):
                yield from _read_file(entry)
        elif not path.exists():
            yield Unreadable(str(path), "no such file")
        elif not _is_readable(path.name):
            yield Unreadable(str(path), "neither a recording (.snmprec) nor a capture (.pcap, .pcapng)")
        else:
            yield from _read_file(path)
    except OSError as error:
        yield Unreadable(str(path), error.strerror or str(error))


def _is_readable(name: str) -> bool:
    return name.lower().endswith(_ARCHIVES) or _kind(name) is not None


def _kind(name: str) -> Kind | None:
    return _SUFFIXES.get(Path(name.lower().removesuffix(".xz")).suffix)


def _read_file(path: Path) -> Iterator[Source | Unreadable]:
    if path.name.lower().endswith(_ARCHIVES):
        yield from _read_archive(path)
        return
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        yield Unreadable(str(path), error.strerror or str(error))
        return
    yield _source(str(path), content)


def _read_archive(path: Path) -> Iterator[Source | Unreadable]:
    try:
        with tarfile.open(path, mode="r|*") as archive:
            for count, member in enumerate(archive):
                if count >= MEMBERS_MAX:
                    yield Unreadable(str(path), f"more than {MEMBERS_MAX} members")
                    return
                kind = _kind(member.name)
                file = archive.extractfile(member) if member.isfile() and kind is not None else None
                if file is not None:
                    yield _source(f"{path}:{member.name}", file.read(FILE_BYTES_MAX + 1))
    except (OSError, EOFError, tarfile.TarError, lzma.LZMAError) as error:
        yield Unreadable(str(path), f"broken archive: {error}")


def _source(name: str, content: bytes) -> Source | Unreadable:
    kind = _kind(name)
    if kind is None:
        return Unreadable(name, "neither a recording nor a capture")
    if name.lower().endswith(".xz"):
        try:
            content = _unpacked(content)
        except (lzma.LZMAError, EOFError) as error:
            return Unreadable(name, f"broken .xz: {error}")
    if len(content) > FILE_BYTES_MAX:
        return Unreadable(name, f"larger than {FILE_BYTES_MAX} bytes")
    return Source(name, kind, content)


def _unpacked(content: bytes) -> bytes:
    """What the streams of an .xz file hold, one after the other, up to a byte more than is taken."""
    parts, total = [], 0
    while total <= FILE_BYTES_MAX:
        unpacking = lzma.LZMADecompressor(memlimit=XZ_MEMORY_BYTES_MAX)
        parts.append(unpacking.decompress(content, max_length=FILE_BYTES_MAX + 1 - total))
        total += len(parts[-1])
        if unpacking.eof and not unpacking.unused_data.strip(b"\0"):  # padding
            break
        if not unpacking.eof and total <= FILE_BYTES_MAX:
            raise EOFError("it ends too early")
        content = unpacking.unused_data
    return b"".join(parts)

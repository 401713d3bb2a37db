"""Stations 1 and 2, from a file: SNMP recordings (.snmprec, one `OID|tag|value` a line) into variables.

Takes any octets and never raises: what is not a variable is counted with its reason. Reads no network.
Tags are BER tag numbers with a suffix for how the value is written: `x` hexadecimal, `e` backslash escapes.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

from discovery.wire.ber import OID_ARC_MAX, OID_ARCS_MAX, Oid
from discovery.wire.rows import ROWS_MAX
from discovery.wire.snmp import Value, ValueKind, VarBind

LINE_BYTES_MAX = 140_000  # the longest value that fits a datagram, in hexadecimal, and its OID
VALUE_BYTES_MAX = 65_507
_LINE = re.compile(rb"\.?([0-9]+(?:\.[0-9]+)+)\|([0-9]{1,3})([a-z]{0,2})\|(.*)", re.DOTALL)
_DOTTED = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|([abfnrtv\\'\"0]))", re.DOTALL)
_SIMPLE = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"0": b"\0"}
_KINDS = {int(kind): kind for kind in ValueKind}
_OCTET_KINDS = (ValueKind.OCTETS, ValueKind.OPAQUE, ValueKind.IP_ADDRESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a recording holds: its variables in the order of the file, and what was not taken, by reason."""

    varbinds: tuple[VarBind, ...]
    rejects: Mapping[str, int]


def read_snmprec(content: bytes) -> Recording:
    """The variables of a recording. A duplicate OID is left out here: the first one counts."""
    rejects: Counter[str] = Counter()
    varbinds: dict[Oid, VarBind] = {}
    for line in _lines(content):
        read = _variable(line)
        if isinstance(read, str):
            rejects[read] += 1
        elif len(varbinds) >= ROWS_MAX:
            rejects["too many variables"] += 1
        elif read.oid in varbinds:
            rejects["duplicate OID"] += 1
        else:
            varbinds[read.oid] = read
    return Recording(varbinds=tuple(varbinds.values()), rejects=dict(rejects))


def _lines(content: bytes) -> Iterator[bytes]:
    for line in content.split(b"\n"):
        line = line.removesuffix(b"\r")
        if line.strip() and not line.startswith(b"#"):
            yield line


def _variable(line: bytes) -> VarBind | str:
    """The variable in a line, or why it is none."""
    if len(line) > LINE_BYTES_MAX:
        return "line too long"
    found = _LINE.fullmatch(line)
    if found is None:
        return "not OID|tag|value"
    dotted, tag, suffix, written = found.groups()
    oid = _oid(dotted)
    if oid is None:
        return "bad OID"
    kind = _KINDS.get(int(tag))
    if kind is None:
        return "unknown tag"
    content = _octets(written, suffix.decode("ascii"))
    if content is None:
        return "value not as its tag says"
    try:
        return VarBind(oid, kind, _value(kind, content, verbatim=not suffix))
    except (ValueError, AddressValueError):
        return "value not as its tag says"


def _oid(dotted: bytes) -> Oid | None:
    parts = dotted.split(b".")
    if len(parts) > OID_ARCS_MAX or any(len(part) > 10 for part in parts):
        return None
    oid = tuple(map(int, parts))
    valid = max(oid) <= OID_ARC_MAX and oid[0] <= 2 and (oid[0] == 2 or oid[1] < 40)
    return oid if valid else None


def _octets(written: bytes, suffix: str) -> bytes | None:
    """The value's octets as the suffix says they were written; None if they are not."""
    if suffix == "":
        return written
    if suffix in ("x", "xx"):  # xx: an older writer's mark for the same
        try:
            return bytes.fromhex(written.decode("ascii").removeprefix("0x"))
        except ValueError:
            return None
    if suffix == "e":
        return _ESCAPE.sub(lambda m: bytes((int(m[1], 16),)) if m[1] else _SIMPLE.get(m[2], m[2]), written)
    return None


def _value(kind: ValueKind, content: bytes, *, verbatim: bool) -> Value:
    """The value in its type; ValueError if the octets cannot be one."""
    if len(content) > VALUE_BYTES_MAX:
        raise ValueError("longer than a datagram")
    if kind is ValueKind.IP_ADDRESS and verbatim:
        return IPv4Address(content.decode("ascii").strip()).packed
    if kind in _OCTET_KINDS:
        return content
    text = content.decode("ascii").strip()
    if kind is ValueKind.OID:
        dotted = text.strip(".")
        oid = _oid(dotted.encode()) if _DOTTED.fullmatch(dotted) else None
        if oid is None:
            raise ValueError("no OID")
        return oid
    if kind in (ValueKind.INTEGER, ValueKind.COUNTER32, ValueKind.GAUGE32, ValueKind.TIMETICKS, ValueKind.COUNTER64):
        number = int(text)
        low, bits = (-(2**31), 31) if kind is ValueKind.INTEGER else (0, 64 if kind is ValueKind.COUNTER64 else 32)
        if not low <= number < 2**bits:
            raise ValueError("outside its bits")
        return number
    return None

"""Station 2, lowest floor: the part of ASN.1 BER that SNMP uses (RFC 3417 section 8), read and written.

Pure. Readers raise only `BerError`, read nothing outside the window they are given and never recurse; `snmp.py`
turns the error into a value. No indefinite lengths, no multi-octet tags: SNMP has neither.
"""

from typing import Final

Oid = tuple[int, ...]

OID_ARCS_MAX = 128  # RFC 2578 section 3.5
OID_ARC_MAX = 2**32 - 1  # RFC 2578 section 3.5
_ARC_OCTETS_MAX = 5  # 32 bits in groups of seven
_LENGTH_OCTETS_MAX = 4  # a UDP payload needs two; some agents always send four

SEQUENCE: Final = 0x30
INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06


class BerError(ValueError):
    """The octets are not BER as SNMP uses it; the message names what was being read."""


def read_header(buffer: bytes, position: int, end: int) -> tuple[int, int, int]:
    """The tag at `position` and the start and stop of its content, which lies within `end`."""
    if position + 2 > end:
        raise BerError(f"cut short in the header at octet {position}")
    tag, length, start = buffer[position], buffer[position + 1], position + 2
    if length >= 0x80:
        octets = length & 0x7F
        if not 1 <= octets <= _LENGTH_OCTETS_MAX or start + octets > end:
            raise BerError(f"bad length at octet {position}")
        length = int.from_bytes(buffer[start : start + octets], "big")
        start += octets
    stop = start + length
    if stop > end:
        raise BerError(f"content at octet {position} ends outside its container")
    return tag, start, stop


def read_expected(buffer: bytes, position: int, end: int, *, tag: int) -> tuple[int, int]:
    """Start and stop of the content at `position`, which must have this tag."""
    found, start, stop = read_header(buffer, position, end)
    if found != tag:
        raise BerError(f"tag {found:#04x} at octet {position} where {tag:#04x} belongs")
    return start, stop


def read_integer(buffer: bytes, position: int, end: int) -> tuple[int, int]:
    """An INTEGER and the position after it."""
    start, stop = read_expected(buffer, position, end, tag=INTEGER)
    return signed(buffer[start:stop]), stop


def signed(content: bytes) -> int:
    """The value of an INTEGER's content; SNMP has none beyond 32 bits, some agents pad to eight octets."""
    if not 1 <= len(content) <= 8:
        raise BerError(f"INTEGER of {len(content)} octets")
    return int.from_bytes(content, "big", signed=True)


def unsigned(content: bytes, *, bits: int) -> int:
    """The value of a counter, gauge or time; agents that forget the leading zero octet are read as they meant it."""
    if not 1 <= len(content) <= bits // 8 + 1:
        raise BerError(f"unsigned number of {len(content)} octets")
    return int.from_bytes(content, "big") & ((1 << bits) - 1)


def decode_oid(content: bytes) -> Oid:
    """The arcs of an OBJECT IDENTIFIER's content. Empty content is the OID 0.0, as net-snmp reads it."""
    if not content:
        return (0, 0)
    if content[-1] & 0x80:
        raise BerError("OID ends within an arc")
    arcs: list[int] = []
    arc = octets = 0
    for octet in content:
        arc = (arc << 7) | (octet & 0x7F)
        octets += 1
        if octet & 0x80:
            if octets >= _ARC_OCTETS_MAX:
                raise BerError("OID arc beyond 32 bits")
            continue
        arcs.append(arc)
        arc = octets = 0
    # The first two arcs share one number (X.690 section 8.19.4).
    first = min(arcs[0] // 40, 2)
    arcs[0:1] = [first, arcs[0] - 40 * first]
    if len(arcs) > OID_ARCS_MAX or max(arcs) > OID_ARC_MAX:
        raise BerError("OID longer or larger than RFC 2578 allows")
    return tuple(arcs)


def encode(tag: int, content: bytes) -> bytes:
    """Tag, length and content."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def encode_integer(value: int, *, tag: int = INTEGER) -> bytes:
    """An INTEGER, or any other whole number under its tag, in the fewest octets."""
    magnitude = value if value >= 0 else ~value
    return encode(tag, value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def encode_oid(oid: Oid) -> bytes:
    """An OBJECT IDENTIFIER; ValueError for what no OID can be."""
    if not 2 <= len(oid) <= OID_ARCS_MAX or oid[0] > 2 or (oid[0] < 2 and oid[1] > 39):
        raise ValueError(f"encoding an OID: {oid!r} is none")
    if min(oid) < 0 or max(oid) > OID_ARC_MAX:
        raise ValueError(f"encoding an OID: an arc of {oid!r} is not a 32-bit number")
    content = bytearray()
    for arc in (oid[0] * 40 + oid[1], *oid[2:]):
        if arc < 0x80:
            content.append(arc)
            continue
        groups = (arc.bit_length() + 6) // 7
        content += bytes(0x80 | ((arc >> (7 * g)) & 0x7F) for g in range(groups - 1, 0, -1))
        content.append(arc & 0x7F)
    return encode(OBJECT_IDENTIFIER, bytes(content))

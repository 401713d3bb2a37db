"""Station 1, from a file: packet captures (.pcap, .pcapng) into the datagrams of discovery protocols.

An own reader, because the libraries that read both formats are either GPL or carry a packet forge we must not ship; it
needs six link types and two address families. Takes any octets and never raises: trouble ends up in `problem`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from discovery.wire.text import address_of, mac_of
from riskdb.model.observation import Datagram, Protocol

FRAME_BYTES_MAX = 262_144  # libpcap's own largest snapshot length
INTERFACES_MAX = 1_024  # of one pcapng section
_VLAN_TAGS_MAX = 3  # of one frame
_PORTS = {161: Protocol.SNMP, 162: Protocol.SNMP, 5353: Protocol.MDNS, 1900: Protocol.SSDP, 47808: Protocol.BACNET}
_DHCP_PORTS = {67, 68}
_TCP, _UDP = 6, 17
_IPV4, _IPV6, _LLDP_TYPE = 0x0800, 0x86DD, 0x88CC
_VLAN_TYPES = {0x8100, 0x88A8, 0x9100}
_HL7_START = b"\x0bMSH"
# https://www.tcpdump.org/linktypes.html
_NULL, _ETHERNET, _RAW, _LOOP, _COOKED, _RAW_IPV4, _RAW_IPV6, _COOKED_V2 = 0, 1, 101, 108, 113, 228, 229, 276
_IPV6_EXTENSIONS = {0, 43, 60}  # hop-by-hop, routing, destination options


@dataclass(frozen=True, slots=True)
class Packet:
    """A datagram of a discovery protocol, and the MAC that sent it where the frame shows one."""

    datagram: Datagram
    mac: str | None


@dataclass(slots=True)
class Capture:
    """A capture being read: iterate over it once; afterwards `problem` says why it ended early, if it did."""

    content: bytes
    problem: str | None = None
    frames: int = 0
    others: int = field(default=0)  # frames that are no discovery traffic we read

    def __iter__(self) -> Iterator[Packet]:
        for at, link, frame in _frames(self):
            self.frames += 1
            packet = _packet(at, link, frame)
            if packet is None:
                self.others += 1
            else:
                yield packet


_Frame = tuple[datetime, int, bytes]


def _frames(capture: Capture) -> Iterator[_Frame]:
    magic = capture.content[:4]
    if magic in _PCAP_MAGIC:
        yield from _pcap_frames(capture, *_PCAP_MAGIC[magic])
    elif magic == b"\x0a\x0d\x0d\x0a":
        yield from _pcapng_frames(capture)
    else:
        capture.problem = "neither pcap nor pcapng"


# Byte order and how many parts of a second the time stamps count.
_PCAP_MAGIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 10**6),
    b"\xa1\xb2\xc3\xd4": (">", 10**6),
    b"\x4d\x3c\xb2\xa1": ("<", 10**9),
    b"\xa1\xb2\x3c\x4d": (">", 10**9),
}


def _pcap_frames(capture: Capture, order: str, parts: int) -> Iterator[_Frame]:
    content = capture.content
    if len(content) < 24:
        capture.problem = "cut short in the file header"
        return
    link = struct.unpack_from(order + "I", content, 20)[0] & 0x0FFFFFFF
    position = 24
    while position < len(content):
        if position + 16 > len(content):
            capture.problem = "cut short in a packet header"
            return
        seconds, fraction, length, _ = struct.unpack_from(order + "IIII", content, position)
        position += 16
        if length > FRAME_BYTES_MAX or position + length > len(content):
            capture.problem = "a packet longer than the file"
            return
        yield _time(seconds, fraction, parts), link, content[position : position + length]
        position += length


def _pcapng_frames(capture: Capture) -> Iterator[_Frame]:
    """Section, interface, enhanced and simple packet blocks; others are passed over."""
    content, position, order = capture.content, 0, "<"
    interfaces: list[tuple[int, int]] = []  # link type, parts of a second
    while position < len(content):
        if position + 12 > len(content):
            capture.problem = "cut short in a block header"
            return
        if content[position : position + 4] == b"\x0a\x0d\x0d\x0a":
            order = ">" if content[position + 8 : position + 12] == b"\x1a\x2b\x3c\x4d" else "<"
            interfaces = []
        kind, length = struct.unpack_from(order + "II", content, position)
        if length < 12 or length % 4 or position + length > len(content):
            capture.problem = "a block longer than the file"
            return
        body = content[position + 8 : position + length - 4]
        position += length
        if kind == 1 and len(body) >= 8 and len(interfaces) < INTERFACES_MAX:
            interfaces.append((struct.unpack_from(order + "H", body)[0], _resolution(body[8:], order)))
        elif kind in (3, 6):
            frame = _pcapng_packet(kind, body, order, interfaces)
            if frame is not None:
                yield frame


def _pcapng_packet(kind: int, body: bytes, order: str, interfaces: list[tuple[int, int]]) -> _Frame | None:
    if kind == 3:  # simple packet block: the first interface, no time
        if len(body) < 4 or not interfaces:
            return None
        length = min(struct.unpack_from(order + "I", body)[0], len(body) - 4)
        return _time(0, 0, 1), interfaces[0][0], body[4 : 4 + length]
    if len(body) < 20:
        return None
    interface, high, low, length = struct.unpack_from(order + "IIII", body)
    if interface >= len(interfaces) or length > len(body) - 20:
        return None
    link, parts = interfaces[interface]
    seconds, fraction = divmod(high << 32 | low, parts)
    return _time(seconds, fraction, parts), link, body[20 : 20 + length]


def _resolution(options: bytes, order: str) -> int:
    """Parts of a second of an interface's time stamps (option if_tsresol); microseconds unless it says otherwise."""
    position = 0
    while position + 4 <= len(options):
        code, length = struct.unpack_from(order + "HH", options, position)
        if code == 9 and length == 1 and position + 5 <= len(options):
            exponent = options[position + 4] & 0x7F
            return int((2 if options[position + 4] & 0x80 else 10) ** min(exponent, 60))
        if code == 0:
            break
        position += 4 + (length + 3) // 4 * 4
    return 10**6


def _time(seconds: int, fraction: int, parts: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds + fraction / parts, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)  # a time stamp that is none; the content may still be good


def _packet(at: datetime, link: int, frame: bytes) -> Packet | None:
    """The discovery datagram in a frame, None if it carries none."""
    opened = _open_link(link, frame)
    if opened is None:
        return None
    mac, kind, payload = opened
    if kind == _LLDP_TYPE:
        source = "" if mac is None else mac
        return Packet(Datagram(received_at=at, source=source, protocol=Protocol.LLDP, payload=payload), mac)
    if kind not in (_IPV4, _IPV6):
        return None
    network = _open_ipv4(payload) if kind == _IPV4 else _open_ipv6(payload)
    if network is None:
        return None
    source, transport, segment = network
    heard = _open_transport(transport, segment)
    if heard is None:
        return None
    protocol, content = heard
    return Packet(Datagram(received_at=at, source=source, protocol=protocol, payload=content), mac)


def _open_link(link: int, frame: bytes) -> tuple[str | None, int, bytes] | None:
    """The sender's MAC, the EtherType and the payload of a frame."""
    if link == _ETHERNET and len(frame) >= 14:
        return _open_ethernet(mac_of(frame[6:12]), frame[12:])
    if link == _COOKED and len(frame) >= 16:
        return _open_ethernet(mac_of(frame[6:12]) if frame[4:6] == b"\x00\x06" else None, frame[14:])
    if link == _COOKED_V2 and len(frame) >= 20:
        return mac_of(frame[12:18]) if frame[11] == 6 else None, int.from_bytes(frame[:2], "big"), frame[20:]
    if link in (_NULL, _LOOP) and len(frame) > 4:
        frame = frame[4:]
    elif link not in (_RAW, _RAW_IPV4, _RAW_IPV6, 12, 14):
        return None
    version = frame[0] >> 4 if frame else 0
    return (None, _IPV4 if version == 4 else _IPV6, frame) if version in (4, 6) else None


def _open_ethernet(mac: str | None, rest: bytes) -> tuple[str | None, int, bytes] | None:
    """EtherType and payload behind any VLAN tags; `rest` starts at the type."""
    for _ in range(_VLAN_TAGS_MAX + 1):
        if len(rest) < 2:
            return None
        kind = int.from_bytes(rest[:2], "big")
        if kind not in _VLAN_TYPES:
            return mac, kind, rest[2:]
        rest = rest[4:]
    return None


def _open_ipv4(packet: bytes) -> tuple[str, int, bytes] | None:
    """Source, transport and segment; None for all but the first fragment."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return None
    header, total = (packet[0] & 0x0F) * 4, int.from_bytes(packet[2:4], "big")
    if header < 20 or int.from_bytes(packet[6:8], "big") & 0x1FFF:
        return None
    source = ".".join(map(str, packet[12:16]))
    return source, packet[9], packet[header : total if header < total <= len(packet) else len(packet)]


def _open_ipv6(packet: bytes) -> tuple[str, int, bytes] | None:
    if len(packet) < 40 or packet[0] >> 4 != 6:
        return None
    source = address_of(packet[8:24])
    following, position = packet[6], 40
    for _ in range(8):  # extension headers of one packet
        if following not in _IPV6_EXTENSIONS or position + 2 > len(packet):
            break
        following, position = packet[position], position + 8 + packet[position + 1] * 8
    return None if source is None else (source, following, packet[position:])


def _open_transport(transport: int, segment: bytes) -> tuple[Protocol, bytes] | None:
    """The discovery protocol by port, and its payload."""
    if transport == _TCP:
        start = (segment[12] >> 4) * 4 if len(segment) >= 20 else 0
        content = segment[start:] if start >= 20 else b""
        return (Protocol.HL7, content) if content.startswith(_HL7_START) else None
    if transport != _UDP or len(segment) < 8:
        return None
    source, target = int.from_bytes(segment[:2], "big"), int.from_bytes(segment[2:4], "big")
    protocol = _PORTS.get(source) or _PORTS.get(target)
    if protocol is None and {source, target} <= _DHCP_PORTS:
        protocol = Protocol.DHCP
    return None if protocol is None else (protocol, segment[8:])

"""Station 2: an LLDP frame into what a device says of itself to its neighbour (IEEE 802.1AB section 8).

Pure and bounded.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from discovery.wire.snmp import Malformed
from discovery.wire.tables import lldp_name
from discovery.wire.text import address_of, clean_text, mac_of
from riskdb.model import facts

_TLVS_MAX = 128  # of one frame; real ones have some 12
_END, _CHASSIS, _PORT, _SYS_NAME, _SYS_DESCR, _ADDRESS = 0, 1, 2, 5, 6, 8
_MAC_CHASSIS, _MAC_PORT = 4, 3  # subtypes


@dataclass(frozen=True, slots=True, kw_only=True)
class LldpFrame:
    """Who sent the frame, as it says."""

    mac: str | None
    address: str | None
    facts: dict[str, str]


def decode_lldp(payload: bytes) -> LldpFrame | Malformed:
    """The frame's content after the Ethernet header."""
    mac = address = None
    stated: dict[str, str | None] = {}
    for kind, content in _tlvs(payload):
        if kind == _CHASSIS and len(content) > 1:
            mac = mac_of(content[1:]) if content[0] == _MAC_CHASSIS else None
            stated[facts.LLDP_CHASSIS] = lldp_name(content[1:], is_mac=content[0] == _MAC_CHASSIS)
        elif kind == _PORT and len(content) > 1:
            stated[facts.LLDP_PORT] = lldp_name(content[1:], is_mac=content[0] == _MAC_PORT)
        elif kind == _SYS_NAME:
            stated[facts.LLDP_SYS_NAME] = clean_text(content)
        elif kind == _SYS_DESCR:
            stated[facts.LLDP_SYS_DESCR] = clean_text(content)
        elif kind == _ADDRESS and len(content) > 2 and address is None:
            address = address_of(content[2 : 1 + content[0]])
    if facts.LLDP_CHASSIS not in stated:
        return Malformed("no chassis id")
    return LldpFrame(mac=mac, address=address, facts={name: value for name, value in stated.items() if value})


def _tlvs(payload: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    for _ in range(_TLVS_MAX):
        if position + 2 > len(payload):
            return
        header = int.from_bytes(payload[position : position + 2], "big")
        kind, length = header >> 9, header & 0x1FF
        if kind == _END or position + 2 + length > len(payload):
            return
        yield kind, payload[position + 2 : position + 2 + length]
        position += 2 + length

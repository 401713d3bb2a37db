"""Station 2: a DHCP message into what the client says of itself (RFC 2131, 2132).

Pure and bounded. Only what a client sends is read; a host name that looks like somebody's own is left out.
"""

from dataclasses import dataclass

from discovery.wire.personal import is_personal
from discovery.wire.snmp import Malformed
from discovery.wire.text import address_of, clean_text, is_randomised, mac_of
from riskdb.model import facts

_BOOT_REQUEST = 1
_ETHERNET = 1
_COOKIE = b"\x63\x82\x53\x63"
_OPTIONS_AT = 240
_PAD, _HOSTNAME, _REQUESTED, _PARAMETERS, _VENDOR_CLASS, _END = 0, 12, 50, 55, 60, 255
_OPTIONS_MAX = 128  # of one message; real ones have some 15


@dataclass(frozen=True, slots=True, kw_only=True)
class DhcpRequest:
    """A client's request: who asks, for which address, and what it says of itself. `personal` if it was left out."""

    mac: str | None
    address: str | None
    facts: dict[str, str]
    personal: bool = False


def decode_dhcp(payload: bytes) -> DhcpRequest | Malformed | None:
    """A client's request; None for a server's answer."""
    if len(payload) < _OPTIONS_AT or payload[_OPTIONS_AT - 4 : _OPTIONS_AT] != _COOKIE:
        return Malformed("no DHCP message")
    if payload[0] != _BOOT_REQUEST:
        return None
    options = _options(payload)
    mac = mac_of(payload[28:34]) if payload[1] == _ETHERNET and payload[2] == 6 else None
    hostname = clean_text(options.get(_HOSTNAME, b""))
    if is_personal(hostname) or (mac is not None and is_randomised(mac)):
        return DhcpRequest(mac=None, address=None, facts={}, personal=True)
    stated = {
        facts.DHCP_HOSTNAME: hostname,
        facts.DHCP_VENDOR_CLASS: clean_text(options.get(_VENDOR_CLASS, b"")),
        facts.DHCP_PARAMETERS: ",".join(str(octet) for octet in options.get(_PARAMETERS, b"")),
    }
    return DhcpRequest(
        mac=mac,
        address=address_of(payload[12:16]) or address_of(options.get(_REQUESTED, b"")),
        facts={name: value for name, value in stated.items() if value},
    )


def _options(payload: bytes) -> dict[int, bytes]:
    options: dict[int, bytes] = {}
    position = _OPTIONS_AT
    while position + 1 < len(payload) and len(options) < _OPTIONS_MAX:
        code = payload[position]
        if code == _END:
            break
        if code == _PAD:
            position += 1
            continue
        length = payload[position + 1]
        options.setdefault(code, payload[position + 2 : position + 2 + length])
        position += 2 + length
    return options

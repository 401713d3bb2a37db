"""Part of station 2: octets as people should read them - texts, hardware addresses, network addresses.

Pure; takes any octets, never raises.
"""

import ipaddress
import re

from riskdb.model.observation import FACT_VALUE_CHARS_MAX

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_OCTET = re.compile(r"[0-9a-fA-F]{1,2}")
_NULL_MAC = "00:00:00:00:00:00"
_LOCAL_BIT, _GROUP_BIT = 0x02, 0x01
_VIRTUAL = ("52:54:00:", "02:42:")  # QEMU and Docker: local by form, but machines of the house, not a visitor's phone


def clean_text(content: bytes) -> str:
    """A text as stored: UTF-8 or else Latin-1, control characters as one blank, no blanks around, bounded."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return _CONTROLS.sub(" ", text[: 2 * FACT_VALUE_CHARS_MAX]).strip()[:FACT_VALUE_CHARS_MAX]


def is_text(content: bytes) -> bool:
    """Whether octets are meant to be read: no control characters but line ends, tabs and padding NULs."""
    return _NOT_TEXT.search(content.rstrip(b"\x00")) is None


def mac_of(content: bytes) -> str | None:
    """The MAC in six octets, or written out (some agents do), as `00:1a:2b:3c:4d:5e`; None if it names no interface."""
    if len(content) == 6:
        return _own_mac(":".join(f"{octet:02x}" for octet in content))
    parts = re.split(r"[:. -]", content.decode("latin-1").strip()) if 11 <= len(content) <= 18 else []
    if len(parts) == 6 and all(_OCTET.fullmatch(part) for part in parts):
        return _own_mac(":".join(part.lower().zfill(2) for part in parts))
    return None


def _own_mac(mac: str) -> str | None:
    return None if mac == _NULL_MAC or int(mac[:2], 16) & _GROUP_BIT else mac


def is_randomised(mac: str) -> bool:
    """Whether a MAC is of the form that phones make up (IEEE 802c): somebody's own device, most likely."""
    return bool(int(mac[:2], 16) & _LOCAL_BIT) and not mac.startswith(_VIRTUAL)


def address_of(content: bytes) -> str | None:
    """The IPv4 or IPv6 address in 4 or 16 octets, shortest form; None for what addresses no single device."""
    if len(content) not in (4, 16):
        return None
    address = ipaddress.ip_address(content)
    return None if address.is_unspecified or address.is_multicast or content == b"\xff" * 4 else str(address)

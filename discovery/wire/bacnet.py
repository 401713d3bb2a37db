"""Station 2: a BACnet/IP I-Am into the vendor of the device (ASHRAE 135 annex J, clauses 6.2 and 16.10.2).

Pure and bounded. Other services are not read.
"""

from discovery.wire.snmp import Malformed
from riskdb.model import facts

_BVLL = 0x81
_FORWARDED = 0x04
_UNCONFIRMED, _I_AM = 0x10, 0x00
_OBJECT_IDENTIFIER_TAG = 0xC4  # application tag 12, four octets


def decode_bacnet(payload: bytes) -> dict[str, str] | Malformed:
    """The vendor identifier of an I-Am; empty for any other service."""
    if len(payload) < 6 or payload[0] != _BVLL:
        return Malformed("no BACnet/IP message")
    position = 10 if payload[1] == _FORWARDED else 4
    apdu = _after_npdu(payload, position)
    if apdu is None:
        return Malformed("NPDU cut short")
    if payload[apdu : apdu + 2] != bytes((_UNCONFIRMED, _I_AM)):
        return {}
    if payload[apdu + 2 : apdu + 3] != bytes((_OBJECT_IDENTIFIER_TAG,)):
        return Malformed("I-Am without an object identifier")
    position = apdu + 7
    numbers: list[int] = []
    while len(numbers) < 3:  # maximum APDU, segmentation, vendor
        if position >= len(payload):
            return Malformed("I-Am cut short")
        length = payload[position] & 0x07
        if not 1 <= length <= 4 or position + 1 + length > len(payload):
            return Malformed("I-Am with a bad number")
        numbers.append(int.from_bytes(payload[position + 1 : position + 1 + length], "big"))
        position += 1 + length
    return {facts.BACNET_VENDOR: str(numbers[2])}


def _after_npdu(payload: bytes, position: int) -> int | None:
    """Where the APDU starts; None if the network layer is cut short or carries a message of its own."""
    if position + 2 > len(payload) or payload[position] != 1:
        return None
    control = payload[position + 1]
    position += 2
    for present in (control & 0x20, control & 0x08):  # destination, source
        if present:
            if position + 3 > len(payload):
                return None
            position += 3 + payload[position + 2]
    if control & 0x20:
        position += 1  # hop count
    return None if control & 0x80 or position >= len(payload) else position

"""Station 2: which application sends HL7 - and nothing else of the message (HL7 v2.5 section 2.15.9).

Pure and bounded. Only MSH-3 (sending application) and MSH-4 (sending facility) are read; the rest is about patients.
"""

from discovery.wire.snmp import Malformed
from discovery.wire.text import clean_text
from riskdb.model import facts

_START = b"\x0bMSH"  # minimal lower layer protocol
_HEADER_BYTES_MAX = 512  # the two fields stand at the front; a longer first segment is cut before it is split
_FIELD_CHARS_MAX = 227  # HD data type


def decode_hl7(payload: bytes) -> dict[str, str] | Malformed:
    """Sending application and facility of the message that starts here; empty where none starts."""
    if not payload.startswith(_START):
        return {}
    header = payload[1:_HEADER_BYTES_MAX].split(b"\r", 1)[0]
    if len(header) < 9:
        return Malformed("MSH segment cut short")
    fields = header.split(header[3:4], 4)
    if len(fields) < 4:
        return Malformed("MSH segment cut short")
    stated = {
        facts.HL7_SENDING_APPLICATION: clean_text(fields[2])[:_FIELD_CHARS_MAX],
        facts.HL7_SENDING_FACILITY: clean_text(fields[3])[:_FIELD_CHARS_MAX],
    }
    return {name: value for name, value in stated.items() if value}

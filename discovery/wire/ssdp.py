"""Station 2: an SSDP announcement or answer into facts (UPnP Device Architecture 1.1, section 1).

Pure and bounded. Searches (M-SEARCH) say nothing about a device and are not read.
"""

from discovery.wire.personal import is_personal
from discovery.wire.snmp import Malformed
from discovery.wire.text import clean_text
from riskdb.model import facts

SSDP_BYTES_MAX = 8_192  # one datagram; real ones have some 500 octets
_HEADERS_MAX = 64
_FACTS = {b"server": facts.SSDP_SERVER, b"usn": facts.SSDP_USN, b"st": facts.SSDP_ST, b"nt": facts.SSDP_ST}


def decode_ssdp(payload: bytes) -> dict[str, str] | Malformed:
    """Server, USN and type of an announcement; empty for a search."""
    if len(payload) > SSDP_BYTES_MAX:
        return Malformed(f"{len(payload)} octets, more than an announcement has")
    lines = payload.split(b"\r\n")[: _HEADERS_MAX + 1]
    start = lines[0].upper()
    if start.startswith(b"M-SEARCH"):
        return {}
    if not start.startswith((b"NOTIFY ", b"HTTP/1.1 200")):
        return Malformed("no SSDP message")
    stated: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        fact = _FACTS.get(name.strip().lower())
        text = clean_text(value)
        if fact is not None and text and not is_personal(text):
            stated.setdefault(fact, text)
    return stated

"""Answers in SNMP v1 and v2c, for the practice hospital and the tests: what a device would put on the wire.

Kept apart from `snmp.py` so that the agent's own encoder cannot say anything but its three questions.
"""

from collections.abc import Iterable

from discovery.wire import ber
from discovery.wire.snmp import ValueKind, VarBind, Version

ERROR_TOO_BIG = 1
ERROR_NO_SUCH_NAME = 2  # v1 only
ERROR_GENERIC = 5
_RESPONSE_TAG = 0xA2


def encode_response(
    *,
    community: bytes,
    request_id: int,
    varbinds: Iterable[VarBind],
    error_status: int = 0,
    error_index: int = 0,
    version: Version = Version.V2C,
) -> bytes:
    """A response message; ValueError for a value that its kind cannot hold."""
    rows = b"".join(ber.encode(ber.SEQUENCE, ber.encode_oid(v.oid) + encode_value(v)) for v in varbinds)
    pdu = ber.encode(
        _RESPONSE_TAG,
        ber.encode_integer(request_id)
        + ber.encode_integer(error_status)
        + ber.encode_integer(error_index)
        + ber.encode(ber.SEQUENCE, rows),
    )
    head = ber.encode_integer(version) + ber.encode(ber.OCTET_STRING, community)
    return ber.encode(ber.SEQUENCE, head + pdu)


def encode_value(varbind: VarBind) -> bytes:
    """The value of a variable as tag, length and content."""
    kind, value = varbind.kind, varbind.value
    if value is None:
        return ber.encode(kind, b"")
    if isinstance(value, bytes):
        return ber.encode(kind, value)
    if isinstance(value, tuple):
        return ber.encode_oid(value)
    limit = 64 if kind is ValueKind.COUNTER64 else 32
    if kind is not ValueKind.INTEGER and not 0 <= value < 2**limit:
        raise ValueError(f"encoding {kind.name} at {varbind.oid}: {value} is outside its {limit} bits")
    return ber.encode_integer(value, tag=kind)

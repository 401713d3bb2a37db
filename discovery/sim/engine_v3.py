"""SNMP v3 devices (authPriv): a pysnmp engine each, fed from the hospital's one socket.

The security is pysnmp's own, so that our agent meets an implementation that is not ours. It answers GET, GETNEXT and
GETBULK over a device's rows; a question without authentication and privacy gets an error, never a value.
"""

# mypy: disable-error-code="misc"
# pysnmp has no types of its own.

from collections.abc import Callable
from typing import Any

from pysnmp.carrier.base import AbstractTransport, AbstractTransportAddress, AbstractTransportDispatcher
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto import rfc1902, rfc1905
from pysnmp.proto.api import v2c

from discovery.sim.mib import answers, bulk, successors
from discovery.wire.rows import Rows
from discovery.wire.snmp import ValueKind, VarBind

_AUTH_PRIV = 3  # SnmpSecurityLevel, RFC 3411
_DOMAIN = (1, 3, 6, 1, 6, 1, 1)  # snmpUDPDomain, RFC 3417
Peer = tuple[str, int]


class _Address(tuple[Any, ...], AbstractTransportAddress):
    """A peer as pysnmp wants it."""


class _Wire(AbstractTransport):
    """Hands what the engine says to the hospital's socket."""

    PROTO_TRANSPORT_DISPATCHER = AbstractTransportDispatcher
    ADDRESS_TYPE = _Address

    def __init__(self, send: Callable[[bytes, Peer], None]) -> None:
        self._send = send

    def send_message(self, outgoingMessage: Any, transportAddress: Any) -> None:  # noqa: N803 - pysnmp's names
        """Send a reply."""
        self._send(bytes(outgoingMessage), tuple(transportAddress))


class _Reader(cmdrsp.CommandResponderBase):
    """Answers questions over rows."""

    SUPPORTED_PDU_TYPES = (
        rfc1905.GetRequestPDU.tagSet,
        rfc1905.GetNextRequestPDU.tagSet,
        rfc1905.GetBulkRequestPDU.tagSet,
    )

    def __init__(self, snmp_engine: Any, snmp_context: Any, rows: Callable[[], Rows]) -> None:
        super().__init__(snmp_engine, snmp_context)
        self._make_rows = rows
        self._rows: Rows | None = None

    def handle_management_operation(
        self,
        snmpEngine: Any,  # noqa: N803
        stateReference: Any,  # noqa: N803
        contextName: Any,  # noqa: N803
        PDU: Any,  # noqa: N803
        acCtx: Any = None,  # noqa: N803
    ) -> None:
        """Answer one question."""
        asked = snmpEngine.observer.get_execution_context("rfc3412.receiveMessage:request")
        if int(asked["securityLevel"]) != _AUTH_PRIV:
            self.send_varbinds(snmpEngine, stateReference, 16, 0, v2c.apiPDU.get_varbinds(PDU))  # authorizationError
            return
        if self._rows is None:
            self._rows = self._make_rows()
        oids = [tuple(name) for name, _ in v2c.apiPDU.get_varbinds(PDU)]
        if PDU.tagSet == rfc1905.GetRequestPDU.tagSet:
            found = answers(self._rows, oids)
        elif PDU.tagSet == rfc1905.GetNextRequestPDU.tagSet:
            found = successors(self._rows, oids)
        else:
            found = bulk(
                self._rows,
                oids,
                non_repeaters=max(0, int(v2c.apiBulkPDU.get_non_repeaters(PDU))),
                max_repetitions=min(_ROWS_MAX, max(0, int(v2c.apiBulkPDU.get_max_repetitions(PDU)))),
            )
        self.send_varbinds(snmpEngine, stateReference, 0, 0, [_typed(v) for v in found])


_ROWS_MAX = 25  # rows of one GETBULK answer: what fits an Ethernet frame
_NUMBERS: dict[ValueKind, Any] = {
    ValueKind.INTEGER: rfc1902.Integer32,
    ValueKind.COUNTER32: rfc1902.Counter32,
    ValueKind.GAUGE32: rfc1902.Gauge32,
    ValueKind.TIMETICKS: rfc1902.TimeTicks,
    ValueKind.COUNTER64: rfc1902.Counter64,
    ValueKind.OCTETS: rfc1902.OctetString,
    ValueKind.OID: rfc1902.ObjectIdentifier,
}


def _typed(varbind: VarBind) -> tuple[Any, Any]:
    name = rfc1902.ObjectName(varbind.oid)
    if varbind.kind is ValueKind.NO_SUCH_OBJECT:
        return name, rfc1905.noSuchObject
    if varbind.kind is ValueKind.END_OF_MIB_VIEW:
        return name, rfc1905.endOfMibView
    return name, _NUMBERS[varbind.kind](varbind.value)


def make_engine(
    *, engine_id: bytes, user: str, auth_key: str, privacy_key: str, rows: Callable[[], Rows], send: Callable[..., None]
) -> Callable[[bytes, Peer], None]:
    """An engine with one authPriv user (SHA, AES-128); the result takes datagrams, `send` gets the replies."""
    snmp = engine.SnmpEngine(snmpEngineID=rfc1902.OctetString(engine_id))
    dispatcher = AbstractTransportDispatcher()
    snmp.register_transport_dispatcher(dispatcher)
    wire = _Wire(send)
    dispatcher.register_transport(_DOMAIN, wire)
    config.add_v3_user(
        snmp,
        user,
        config.USM_AUTH_HMAC96_SHA,
        auth_key,
        config.USM_PRIV_CFB128_AES,
        privacy_key,
    )
    _Reader(snmp, context.SnmpContext(snmp), rows)

    def receive(payload: bytes, peer: Peer) -> None:
        dispatcher._callback_function(wire, _Address(peer), payload)

    return receive

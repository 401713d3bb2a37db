"""Asking one device over SNMPv3: pysnmp builds and reads the messages, the gate carries them.

pysnmp gets a dispatcher without transports: what it wants to send is held, sent through the gate with a ledger row like
any other packet - the discovery of the engine and its clock included - and the answer is fed back. It can ask GET,
GETNEXT and GETBULK only.
"""

from dataclasses import dataclass, field
from typing import Any

from pyasn1.codec.ber import encoder
from pysnmp.carrier.base import AbstractTransportAddress, AbstractTransportDispatcher
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.error import PySnmpError
from pysnmp.proto import errind
from pysnmp.proto.api import v2c

from discovery.asking import Reply, Told, Unusable
from discovery.safety import PATIENCE_S, Answer, Gate, Packet
from discovery.wire import ber
from discovery.wire.ber import BerError, Oid
from discovery.wire.snmp import Question, ValueKind, VarBind, decode_value
from riskdb.model.policy import Credential

TARGETS_AN_ENGINE = 100  # pysnmp slows down with distinct targets; an engine a host costs 119 ms and its memory
MESSAGES_A_QUESTION_MAX = 3  # engine discovery, clock, the question (RFC 3414 section 4)
_UDP = (1, 3, 6, 1, 6, 1, 1)  # snmpUDPDomain: pysnmp's name for a kind of address; no transport stands behind it
_V3, _USM = 3, 3
_AUTHENTICATION = {
    "sha": config.USM_AUTH_HMAC96_SHA,
    "sha256": config.USM_AUTH_HMAC192_SHA256,
    "sha512": config.USM_AUTH_HMAC384_SHA512,
}
_PRIVACY = {"aes128": config.USM_PRIV_CFB128_AES, "aes256": config.USM_PRIV_CFB256_AES}
_PDUS = {
    Question.GET: v2c.GetRequestPDU,
    Question.GETNEXT: v2c.GetNextRequestPDU,
    Question.GETBULK: v2c.GetBulkRequestPDU,
}


class _Held(AbstractTransportDispatcher):  # type: ignore[misc] # pysnmp has no types
    """A dispatcher that keeps what pysnmp would send."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[bytes] = []

    def send_message(self, outgoingMessage: Any, transportDomain: Any, transportAddress: Any) -> None:  # noqa: N803 # pysnmp's names
        """Keep the message; nothing leaves here."""
        self.messages.append(bytes(outgoingMessage))


class _Address(tuple[str, int], AbstractTransportAddress):  # type: ignore[misc] # pysnmp has no types
    """An address as pysnmp's caches want it."""


@dataclass(slots=True)
class _Engine:
    engine: Any = field(default_factory=SnmpEngine)
    held: _Held = field(default_factory=_Held)
    targets: int = 0

    def serve(self, credential: Credential) -> None:
        """Take the one user that this engine speaks for."""
        self.engine.register_transport_dispatcher(self.held)
        config.add_v3_user(
            self.engine,
            credential.user,
            _AUTHENTICATION.get(credential.auth_protocol or "", config.USM_AUTH_NONE),
            credential.auth_key,
            _PRIVACY.get(credential.privacy_protocol or "", config.USM_PRIV_NONE),
            credential.privacy_key,
        )


@dataclass(slots=True)
class Engines:
    """The pysnmp engines of one run, each for one credential and a hundred targets."""

    _newest: dict[str, _Engine] = field(default_factory=dict)
    _of_target: dict[tuple[str, str], _Engine] = field(default_factory=dict)

    def of(self, address: str, credential: Credential) -> _Engine:
        """The engine that knows a target, or the one that has room for it."""
        known = self._of_target.get((credential.name, address))
        if known is not None:
            return known
        engine = self._newest.get(credential.name)
        if engine is None or engine.targets >= TARGETS_AN_ENGINE:
            engine = self._newest[credential.name] = _Engine()
            engine.serve(credential)
        engine.targets += 1
        self._of_target[credential.name, address] = engine
        return engine


@dataclass(frozen=True, slots=True, kw_only=True)
class UsmAsker:
    """SNMPv3 with the user-based security model."""

    gate: Gate
    engines: Engines
    address: str
    credential: Credential
    patience_s: tuple[float, ...] = PATIENCE_S

    async def ask(
        self,
        kind: Question,
        oids: tuple[Oid, ...],
        *,
        probe: str,
        non_repeaters: int = 0,
        max_repetitions: int = 0,
    ) -> Told:
        """One question; until the engine and its clock are known it takes up to three messages."""
        try:
            engine = self.engines.of(self.address, self.credential)
        except PySnmpError as error:
            return Unusable(f"credential {self.credential.name}: {type(error).__name__}")
        pdu = _pdu(kind, oids, non_repeaters=non_repeaters, max_repetitions=max_repetitions)
        outcome: list[tuple[Any, Any]] = []
        for _ in range(MESSAGES_A_QUESTION_MAX):
            try:
                payload = self._message(engine, pdu, outcome)
            except PySnmpError as error:
                return Unusable(f"credential {self.credential.name}: {type(error).__name__}")
            message_id = _message_id(payload)
            heard = await self.gate.exchange(
                Packet(
                    address=self.address,
                    port=self.gate.plan.snmp_port,
                    payload=payload,
                    probe=probe,
                    accepts=lambda answer, expected=message_id: _message_id(answer) == expected,  # type: ignore[misc]
                ),
                patience_s=self.patience_s,
            )
            if not isinstance(heard, Answer):
                return heard
            status, response = self._read(engine, heard.payload, outcome)
            if response is not None:
                return _reply(response, heard)
            if status not in (errind.unknownEngineID, errind.notInTimeWindow):
                return Unusable(f"credential {self.credential.name}: {status}")
        return Unusable(f"credential {self.credential.name}: no agreement on engine and clock")

    def _message(self, engine: _Engine, pdu: Any, outcome: list[tuple[Any, Any]]) -> bytes:
        level = 3 if self.credential.privacy_protocol else 2 if self.credential.auth_protocol else 1

        def take(*told: Any) -> None:
            outcome.append((told[9], told[8]))  # statusInformation and PDU of RFC 3412 section 4.1.2.2

        engine.engine.message_dispatcher.send_pdu(
            engine.engine,
            _UDP,
            _Address((self.address, self.gate.plan.snmp_port)),
            _V3,
            _USM,
            v2c.OctetString(self.credential.user),  # pysnmp's user table knows names by their octets
            level,
            None,
            b"",
            1,
            pdu,
            True,
            0,
            take,
            None,
        )
        return engine.held.messages.pop()

    def _read(self, engine: _Engine, payload: bytes, outcome: list[tuple[Any, Any]]) -> tuple[Any, Any]:
        """The error and the PDU in an answer, one of them None."""
        outcome.clear()
        address = _Address((self.address, self.gate.plan.snmp_port))
        try:
            engine.engine.message_dispatcher.receive_message(engine.engine, _UDP, address, payload)
        except PySnmpError as error:
            return type(error).__name__, None
        if not outcome:
            return "an answer that is no SNMPv3", None
        status, pdu = outcome.pop()
        return (status["errorIndication"], None) if status else (None, pdu)


def _pdu(kind: Question, oids: tuple[Oid, ...], *, non_repeaters: int, max_repetitions: int) -> Any:
    pdu = _PDUS[kind]()
    api = v2c.apiBulkPDU if kind is Question.GETBULK else v2c.apiPDU
    api.set_defaults(pdu)
    if kind is Question.GETBULK:
        v2c.apiBulkPDU.set_non_repeaters(pdu, non_repeaters)
        v2c.apiBulkPDU.set_max_repetitions(pdu, max_repetitions)
    api.set_varbinds(pdu, [(oid, v2c.null) for oid in oids])
    return pdu


def _reply(pdu: Any, heard: Answer) -> Told:
    varbinds: list[VarBind] = []
    try:
        for name, value in v2c.apiPDU.get_varbinds(pdu):
            octets = encoder.encode(value)
            tag, start, stop = ber.read_header(octets, 0, len(octets))
            kind = ValueKind(tag)
            varbinds.append(VarBind(tuple(name), kind, decode_value(kind, octets[start:stop])))
    except (BerError, ValueError) as error:
        return Unusable(f"reading a decrypted answer: {error}")
    status = int(v2c.apiPDU.get_error_status(pdu))
    return Reply(tuple(varbinds), status, heard.received_at, len(heard.payload))


def _message_id(payload: bytes) -> int | None:
    """The msgID of a v3 message (RFC 3412 section 6.2): the one thing that ties an answer to its question."""
    try:
        start, stop = ber.read_expected(payload, 0, len(payload), tag=ber.SEQUENCE)
        version, position = ber.read_integer(payload, start, stop)
        start, stop = ber.read_expected(payload, position, stop, tag=ber.SEQUENCE)
        message_id, _ = ber.read_integer(payload, start, stop)
    except BerError:
        return None
    return message_id if version == _V3 else None

"""One socket for a whole hospital: every datagram to 127.x reaches its device, every reply leaves from its address.

Counts all that arrives, malformed or not; a fragile device that is asked too much falls silent and counts as disturbed.
It never sends anything but replies.
"""

import asyncio
import contextlib
import errno
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from discovery.sim.hospital import Fragile
from discovery.sim.mib import answers, bulk, successors
from discovery.wire.rows import Rows
from discovery.wire.snmp import Malformed, Message, PduKind, Version, decode_message
from discovery.wire.snmp_reply import encode_response

IP_PKTINFO = 8  # Linux, <linux/in.h>; Python has no name for it
_PKTINFO = struct.Struct("=i4s4s")  # interface, source to send from, destination it was sent to
RECEIVE_BUFFER_BYTES = 8 << 20  # a sweep of a large hospital arrives in bursts
REPLY_BYTES_MAX = 1_472  # what fits an Ethernet frame: agents cut GETBULK answers there
_HOUR_S = 3_600.0
BATCH_MAX = 64  # datagrams read before the loop gets its turn
Peer = tuple[str, int]
Answer = Callable[[bytes, Peer], None]


@dataclass(slots=True)
class Station:
    """A device at an address: what it answers with, how much it bears, what it got."""

    name: str
    rows: Callable[[], Rows] | None  # None: it hears and stays silent
    community: bytes
    fragile: Fragile | None = None
    engine: Callable[[], Answer] | None = None  # an SNMP v3 device: makes its engine
    received: int = 0
    disturbed: bool = False
    _recent: deque[float] = field(default_factory=deque)
    _made_rows: Rows | None = None
    _made_engine: Answer | None = None

    def bears(self, now: float) -> bool:
        """Count a packet; whether the device still answers after it."""
        self.received += 1
        if self.fragile is None:
            return True
        self._recent.append(now)
        while self._recent[0] <= now - _HOUR_S:
            self._recent.popleft()
        in_this_second = sum(then > now - 1.0 for then in self._recent)
        if len(self._recent) > self.fragile.packets_per_h or in_this_second > self.fragile.packets_per_s:
            self.disturbed = True
        return not self.disturbed

    def reply(self, payload: bytes, peer: Peer) -> bytes | None:
        """The answer to a datagram, None for silence; a v3 engine sends its own."""
        message = decode_message(payload)
        if isinstance(message, Malformed):
            return None
        if self.engine is not None:
            if message.version is Version.V3:
                if self._made_engine is None:
                    self._made_engine = self.engine()
                self._made_engine(payload, peer)
            return None
        if self.rows is None or message.version is not Version.V2C or message.community != self.community:
            return None
        if self._made_rows is None:
            self._made_rows = self.rows()
        return _respond(message, self._made_rows)

    def warm(self) -> None:
        """Make the v3 engine now, if it is a v3 device."""
        if self.engine is not None and self._made_engine is None:
            self._made_engine = self.engine()


def _respond(message: Message, rows: Rows) -> bytes | None:
    oids = [v.oid for v in message.varbinds]
    if message.pdu is PduKind.GET:
        found = answers(rows, oids)
    elif message.pdu is PduKind.GETNEXT:
        found = successors(rows, oids)
    elif message.pdu is PduKind.GETBULK:
        found = bulk(
            rows, oids, non_repeaters=max(0, message.error_status), max_repetitions=max(0, message.error_index)
        )
    else:
        return None
    while True:
        reply = encode_response(community=message.community, request_id=message.request_id, varbinds=found)
        if len(reply) <= REPLY_BYTES_MAX or message.pdu is not PduKind.GETBULK or len(found) < 2:
            return reply
        found = found[: max(1, len(found) * REPLY_BYTES_MAX // len(reply) - 1)]


class Responder:
    """The stations behind one socket."""

    def __init__(self, opened: socket.socket, stations: Mapping[str, Station], *, prefix: int) -> None:
        self._socket = opened
        self.stations = stations
        self._prefix = f"127.{prefix}."
        self.to_nobody: Counter[str] = Counter()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read from now on."""
        loop.add_reader(self._socket, self._readable)

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read no more."""
        loop.remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(BATCH_MAX):
            try:
                payload, ancillary, _, peer = self._socket.recvmsg(65_535, socket.CMSG_SPACE(_PKTINFO.size))
            except BlockingIOError:
                return
            target = next(
                (
                    _PKTINFO.unpack(c)[2]
                    for level, kind, c in ancillary
                    if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO)
                ),
                None,
            )
            if target is not None:
                self._received(socket.inet_ntoa(target), payload, peer)

    def _received(self, address: str, payload: bytes, peer: Peer) -> None:
        if not address.startswith(self._prefix):
            return  # another hospital's, or no hospital's
        station = self.stations.get(address)
        if station is None:
            self.to_nobody[address] += 1
            return
        if station.bears(time.monotonic()):
            reply = station.reply(payload, peer)
            if reply is not None:
                self.send(reply, source=address, peer=peer)

    def send(self, payload: bytes, *, source: str, peer: Peer) -> None:
        """Send a reply from a device's own address; a full buffer drops it, as a real network would."""
        control = _PKTINFO.pack(0, socket.inet_aton(source), b"\0\0\0\0")
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            self._socket.sendmsg([payload], [(socket.IPPROTO_IP, IP_PKTINFO, control)], 0, peer)


def open_socket(port: int) -> socket.socket | None:
    """A UDP socket that hears every loopback address on this port; None if the port is taken."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    opened.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    with contextlib.suppress(PermissionError):  # old kernels; then the destination check alone keeps strangers out
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
    try:
        opened.bind(("0.0.0.0", port))  # noqa: S104 - bound to the loopback device, and only 127.x is read
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return opened

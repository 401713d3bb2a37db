"""The only place of discovery that opens sockets; the safety gate is its only caller.

Datagrams go out as they are given and come in as (payload, address). It decides nothing.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Interface, ip_address
from typing import Protocol

import ifaddr

RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024  # 50 answers of 64 KiB and some: a busy loop must not lose what came in time
DATAGRAM_BYTES_MAX = 65_535
READS_A_TURN_MAX = 256  # datagrams read before other work gets its turn

Receiver = Callable[[bytes, str], None]  # payload and source address


class Endpoint(Protocol):
    """A socket that sends to one host at a time."""

    def send(self, payload: bytes, address: str, port: int) -> None:
        """Send one datagram; OSError when the system refuses it."""

    def drain(self) -> None:
        """Hand over everything that has arrived: called before a timeout is believed."""

    def close(self) -> None:
        """Stop."""


class Network(Protocol):
    """Where the gate gets its endpoints; tests give it one in memory."""

    def open_unicast(self, receiver: Receiver) -> Endpoint:
        """A socket for questions and their answers."""

    def open_multicast(self, group: str, port: int, *, interface: str, receiver: Receiver) -> Endpoint:
        """A socket that is a member of a group on the interface with this address."""

    def interface_within(self, holds: Callable[[str], bool]) -> IPv4Interface | None:
        """An address of this machine for which `holds` is true, and the network it is on."""


class _UdpEndpoint:
    def __init__(self, sockets: list[socket.socket], receiver: Receiver) -> None:
        self._sockets = {opened.family: opened for opened in sockets}
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        for opened in sockets:
            self._loop.add_reader(opened, self._read, opened)

    def send(self, payload: bytes, address: str, port: int) -> None:
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        self._sockets[family].sendto(payload, (address, port))

    def drain(self) -> None:
        for opened in self._sockets.values():
            self._read(opened)

    def close(self) -> None:
        for opened in self._sockets.values():
            self._loop.remove_reader(opened)
            opened.close()
        self._sockets.clear()

    def _read(self, opened: socket.socket) -> None:
        for _ in range(READS_A_TURN_MAX):
            try:
                payload, source = opened.recvfrom(DATAGRAM_BYTES_MAX)
            except OSError:  # nothing more to read, or an ICMP error that belongs to no packet we can name
                return
            self._receiver(payload, str(ip_address(source[0].partition("%")[0])))


class UdpNetwork:
    """The network of this machine."""

    def open_unicast(self, receiver: Receiver) -> Endpoint:
        """A socket for questions and their answers, IPv4 and where there is any IPv6."""
        opened = [_udp(socket.AF_INET)]
        with suppress(OSError):  # no IPv6 on this machine: then no plan names any
            opened.append(_udp(socket.AF_INET6))
            opened[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # no IPv4 in the dress of IPv6
        return _UdpEndpoint(opened, receiver)

    def open_multicast(self, group: str, port: int, *, interface: str, receiver: Receiver) -> Endpoint:
        """An IPv4 socket that is a member of a group on the interface with this address."""
        opened = _udp(socket.AF_INET)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)  # RFC 6762 section 11
        opened.bind((group, port))
        membership = socket.inet_aton(group) + socket.inet_aton(interface)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        return _UdpEndpoint([opened], receiver)

    def interface_within(self, holds: Callable[[str], bool]) -> IPv4Interface | None:
        """An IPv4 address of this machine for which `holds` is true; 127.0.0.1 stands for all of 127.0.0.0/8."""
        own = [ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if isinstance(ip.ip, str)]
        held = sorted((str(ip.ip), ip.network_prefix) for ip in own if holds(str(ip.ip)))
        return IPv4Interface(held[0]) if held else None


def _udp(family: socket.AddressFamily) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_DGRAM)
    opened.setblocking(False)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    return opened

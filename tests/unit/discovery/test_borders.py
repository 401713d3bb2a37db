"""Only the gate's own modules hold a socket; nobody else in discovery can, not even through a library."""

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyasn1.codec.ber import encoder  # type: ignore[import-untyped] # ships no types
from pysnmp.proto.api import v2c  # type: ignore[import-untyped] # ships no types

import discovery
from discovery import usm
from discovery.sockets import UdpNetwork
from discovery.wire.snmp import Question

ROOT = Path(discovery.__file__).parent
SOCKET_HOLDERS = {"sockets.py"}  # used by safety.py alone
FORBIDDEN_MODULES = (
    "socket",
    "socketserver",
    "subprocess",
    "multiprocessing",
    "_socket",
    "urllib.request",
    "http.client",
    "ftplib",
    "smtplib",
    "telnetlib",
    "requests",
    "httpx",
    "dns",
    "discovery.sim",
    "ssl",
    "scapy",
    "pysnmp.hlapi",
    "pysnmp.carrier.asyncio",
    "zeroconf.asyncio",
)
FORBIDDEN_CALLS = {
    "create_subprocess_exec",
    "create_subprocess_shell",
    "system",
    "popen",
    "getaddrinfo",
    "gethostbyname",
    "getnameinfo",
    "sock_connect",
    "import_module",
    "__import__",
    "create_datagram_endpoint",
    "create_connection",
    "open_connection",
    "open_client_mode",
    "Zeroconf",
    "AsyncZeroconf",
    "sock_sendto",
}
MODULES = sorted(p for p in ROOT.rglob("*.py") if "sim" not in p.relative_to(ROOT).parts)


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


@pytest.mark.parametrize("module", [p for p in MODULES if p.name not in SOCKET_HOLDERS], ids=lambda p: p.stem)
def test_a_module_of_discovery_opens_no_socket(module: Path) -> None:
    tree = ast.parse(module.read_text("utf-8"))
    assert not [name for name in imports(tree) if name.startswith(FORBIDDEN_MODULES)]
    assert not FORBIDDEN_CALLS & set(calls(tree))


def test_only_the_hand_over_speaks_to_the_service() -> None:
    assert {p.name for p in MODULES if "aiohttp" in set(imports(ast.parse(p.read_text("utf-8"))))} == {"handover.py"}


def test_a_socket_for_ipv6_carries_no_ipv4() -> None:
    """A packet to ::ffff:10.0.0.5 would be a packet to 10.0.0.5 that no scope for 10.0.0.5 holds back."""

    async def main() -> None:
        endpoint = UdpNetwork().open_unicast(lambda *_: None)
        try:
            with pytest.raises(OSError):  # noqa: PT011 # systems differ in the words
                endpoint.send(b"?", "::ffff:127.0.0.1", 9)
        finally:
            endpoint.close()

    asyncio.run(main())


def test_the_v3_part_builds_questions_only() -> None:
    read_only = {0xA0, 0xA1, 0xA5}  # GET, GETNEXT, GETBULK: RFC 3416 section 3
    tags = {question: encoder.encode(filled(pdu))[0] for question, pdu in usm._PDUS.items()}
    assert set(tags.values()) == read_only
    assert tags[Question.GET] == 0xA0


def filled(pdu: type) -> object:
    made = pdu()
    (v2c.apiBulkPDU if pdu is v2c.GetBulkRequestPDU else v2c.apiPDU).set_defaults(made)
    return made


def test_only_the_gate_makes_endpoints() -> None:
    users = {p.name for p in MODULES if "UdpNetwork" in p.read_text("utf-8")}
    assert users == {"sockets.py", "safety.py"}


def test_no_word_of_the_encoders_can_write() -> None:
    """SET is 0xA3 on the wire; only the names of what we hear may hold it."""
    speaking = [
        ROOT / "asking.py",
        ROOT / "usm.py",
        ROOT / "probes" / "snmp_device.py",
        ROOT / "probes" / "snmp_tables.py",
    ]
    for module in speaking:
        text = module.read_text("utf-8")
        assert "SetRequestPDU" not in text
        assert "PduKind.SET" not in text

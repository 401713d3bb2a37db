"""Only the gate's own modules hold a socket; nobody else in discovery can, not even through a library."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import discovery

ROOT = Path(discovery.__file__).parent
SOCKET_HOLDERS = {"sockets.py"}  # used by safety.py alone
FORBIDDEN_MODULES = (
    "socket",
    "socketserver",
    "ssl",
    "scapy",
    "pysnmp.hlapi",
    "pysnmp.carrier.asyncio",
    "zeroconf.asyncio",
)
FORBIDDEN_CALLS = {
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

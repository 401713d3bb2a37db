"""Real peers for the agent on loopback: small responders that count, and Debian's snmpd."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from riskdb.model.policy import Plan, plan_document
from tests.unit.discovery.simulated import Behaviour

OCTET = 100 + os.getpid() % 100  # parallel test runs live on different loopback networks
RANGE = f"127.{OCTET}.0.0/16"


def host(number: int, *, net: int = 1) -> str:
    """An address of this test run."""
    return f"127.{OCTET}.{net}.{number}"


def free_port() -> int:
    """A UDP port that nobody uses on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class _Device(asyncio.DatagramProtocol):
    def __init__(self, address: str, behaviour: Behaviour, received: Counter[str]) -> None:
        self._address, self._behaviour, self._received = address, behaviour, received

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, payload: bytes, peer: Any) -> None:
        self._received[self._address] += 1
        for delay_s, _, reply in self._behaviour(payload):
            asyncio.get_running_loop().call_later(delay_s, self._transport.sendto, reply, peer)


@contextlib.asynccontextmanager
async def devices(behaviours: Mapping[str, Behaviour], port: int) -> AsyncIterator[Counter[str]]:
    """Devices on their own loopback addresses; yields what each received."""
    received: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        for address, behaviour in behaviours.items():
            transport, _ = await loop.create_datagram_endpoint(
                lambda a=address, b=behaviour: _Device(a, b, received),  # type: ignore[misc]
                local_addr=(address, port),
            )
            stack.callback(transport.close)
        yield received


async def arrived(received: Counter[str], packets: int) -> None:
    """Until so many packets have arrived."""
    while sum(received.values()) < packets:  # noqa: ASYNC110 # the packets come from another process
        await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on its standard output."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


def command(*arguments: str | Path) -> list[str]:
    """`wardgraph agent` with these arguments."""
    return [sys.executable, "-m", "service.cli.main", "agent", *map(str, arguments)]


def write_plan(directory: Path, a_plan: Plan) -> Path:
    """The plan as a file."""
    path = directory / "plan.json"
    path.write_bytes(plan_document(a_plan))
    return path


@contextlib.asynccontextmanager
async def running(*arguments: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The agent as a process; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *command(*arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def run(*arguments: str | Path) -> Done:
    """Run the agent to its end."""
    async with running(*arguments) as process:
        out, err = await process.communicate()
        assert process.returncode is not None
        return Done(process.returncode, out.decode(), err.decode())


@contextlib.contextmanager
def snmpd(directory: Path, address: str, port: int, *lines: str) -> Iterator[None]:
    """Debian's snmpd on a loopback address."""
    program = shutil.which("snmpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("snmpd is not installed: apt-get install snmpd")
    config = directory / "snmpd.conf"
    config.write_text("\n".join((f"agentAddress udp:{address}:{port}", *lines, "")))
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(directory / "persistent"), "MIBS": ""}
    arguments = [program, "-f", "-Lo", "-C", "-c", str(config), "-p", str(directory / "snmpd.pid")]
    with (directory / "snmpd.log").open("w") as log:
        process = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 10
        while "NET-SNMP version" not in (directory / "snmpd.log").read_text():
            assert process.poll() is None, (directory / "snmpd.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)

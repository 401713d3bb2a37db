"""A practice hospital on real sockets: it answers SNMP, announces itself, counts, and stops when told."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pysnmp.hlapi.v3arch.asyncio import (
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    get_cmd,
    usmAesCfb128Protocol,
    usmHMACSHAAuthProtocol,
)
from zeroconf import IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from discovery.sim import practice_document
from discovery.sim.hospital import Device, Hospital, parse_hospital
from discovery.sim.mib import joined
from discovery.sim.permissions import AUTH_KEY, COMMUNITY, PRIVACY_KEY, USER
from discovery.wire.snmp import Message, Question, decode_message, encode_request

SYS_DESCR = (1, 3, 6, 1, 2, 1, 1, 1, 0)
HOSPITAL: Hospital = parse_hospital(practice_document())


class Simulator:
    """A running `wardgraph simulate run`, and a client that asks its devices."""

    def __init__(self, process: subprocess.Popen[str], state: Path) -> None:
        assert process.stdout is not None
        self.process, self.state = process, state
        self.ready: dict[str, Any] = json.loads(process.stdout.readline())
        self.prefix = int(self.ready["prefix"].split(".")[1])
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(2)

    def send(self, address: str, payload: bytes) -> None:
        self.socket.sendto(payload, (address, self.ready["snmp_port"]))

    def ask(self, address: str, *, kind: Question = Question.GET, oid: tuple[int, ...] = SYS_DESCR) -> Message | None:
        self.send(
            address,
            encode_request(kind, community=COMMUNITY.encode(), request_id=77, oids=[oid], max_repetitions=20),
        )
        try:
            payload, (source, _) = self.socket.recvfrom(65_535)
        except TimeoutError:
            return None
        assert source == address
        message = decode_message(payload)
        assert isinstance(message, Message)
        assert message.request_id == 77
        return message

    def at(self, device: Device) -> str:
        return joined(device.address or "", prefix=self.prefix)

    def stop(self) -> dict[str, Any]:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0
        counts: dict[str, Any] = json.loads((self.state / "simulator.json").read_text())
        return counts


@contextmanager
def started(state: Path, *arguments: str) -> Iterator[Simulator]:
    state.mkdir(exist_ok=True)
    program = [sys.executable, "-m", "service.cli.main", "simulate", "run", "--state", str(state)]
    source = [] if arguments else ["--hospital", "-"]
    process = subprocess.Popen(
        [*program, *source, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    if source:
        process.stdin.write(practice_document().decode())
    process.stdin.close()
    simulator = Simulator(process, state)
    try:
        yield simulator
    finally:
        simulator.socket.close()
        if process.poll() is None:
            process.terminate()
            process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def speakers(version: str = "2c", *, fragile: bool = False) -> list[Device]:
    return [d for d in HOSPITAL.devices if d.snmp and d.snmp.version == version and (d.fragile is not None) == fragile]


def test_every_robust_device_answers_from_its_own_address_and_every_packet_is_counted(tmp_path: Path) -> None:
    with started(tmp_path) as simulator:
        asked = speakers()
        for device in asked:
            message = simulator.ask(simulator.at(device))
            assert message is not None
            assert device.snmp is not None
            assert message.varbinds[0].value == device.snmp.descr.encode()
        simulator.send(simulator.at(asked[0]), b"no SNMP at all")
        simulator.send(f"127.{simulator.prefix}.250.250", b"nobody is here")
        assert simulator.ask(simulator.at(asked[1])) is not None  # by now both have arrived
        counts = simulator.stop()
    assert counts["packets_received_by_devices"] == len(asked) + 3
    assert counts["to_unassigned_addresses"] == 1
    assert counts["by_device"][asked[0].id] == 2
    assert counts["fragile_devices"] == sum(d.fragile is not None and d.address is not None for d in HOSPITAL.devices)
    assert counts["fragile_devices_disturbed"] == 0


def test_a_fragile_device_hurried_falls_silent_and_is_named(tmp_path: Path) -> None:
    with started(tmp_path) as simulator:
        gentle = next(d for d in speakers(fragile=True) if d.fragile and d.fragile.packets_per_h > 0)
        answers = [simulator.ask(simulator.at(gentle)) for _ in range(3)]
        counts = simulator.stop()
    assert [a is not None for a in answers] == [True, True, False]
    assert counts["disturbed"] == [gentle.id]


def test_a_switch_can_be_walked_with_getbulk(tmp_path: Path) -> None:
    with started(tmp_path) as simulator:
        switch = next(d for d in HOSPITAL.devices if d.kind == "access_switch")
        names, oid = [], (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1)
        while True:
            message = simulator.ask(simulator.at(switch), kind=Question.GETBULK, oid=oid)
            assert message is not None
            column = [v for v in message.varbinds if v.oid[:11] == (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1)]
            names += [v.value for v in column]
            if len(column) < len(message.varbinds):
                break
            oid = column[-1].oid
    plugged = {d.port.encode() for d in HOSPITAL.devices if d.switch == switch.id and d.port}
    assert plugged <= set(names)


@pytest.fixture
async def engine() -> AsyncIterator[SnmpEngine]:
    made = SnmpEngine()
    yield made
    made.close_dispatcher()


async def test_v3_devices_answer_with_privacy_only(tmp_path: Path, engine: SnmpEngine) -> None:
    with started(tmp_path) as simulator:
        for device in speakers("3"):
            target = await UdpTransportTarget.create(
                (simulator.at(device), simulator.ready["snmp_port"]), timeout=3, retries=0
            )
            user = UsmUserData(
                USER,
                AUTH_KEY,
                PRIVACY_KEY,
                authProtocol=usmHMACSHAAuthProtocol,
                privProtocol=usmAesCfb128Protocol,
            )
            question = ObjectType(ObjectIdentity(SYS_DESCR))
            failed, status, _, found = await get_cmd(engine, user, target, ContextData(), question)
            assert device.snmp is not None
            assert (failed, int(status)) == (None, 0)
            assert str(found[0][1]) == device.snmp.descr
        stranger = UsmUserData(USER, "some-other-key-2026", authProtocol=usmHMACSHAAuthProtocol)
        failed, status, _, _ = await get_cmd(engine, stranger, target, ContextData(), question)
        assert failed or int(status)
        assert len(speakers("3")) >= 12
        assert simulator.ask(simulator.at(speakers("3")[0])) is None  # no v2c beside it


async def test_a_listener_that_comes_late_hears_every_announcement(tmp_path: Path) -> None:
    announcing = {d.mdns.service: d for d in HOSPITAL.devices if d.mdns and d.address}
    heard: set[str] = set()

    def note(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        heard.add(name)
        if sum(ours in n for n in heard) == expected:
            complete.set()

    complete = asyncio.Event()
    with started(tmp_path) as simulator:
        expected = sum(d.mdns is not None for d in HOSPITAL.devices)
        assert simulator.ready["mdns_services"] == expected
        ours = f"({simulator.ready['tag']})."
        listener = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
        browser = AsyncServiceBrowser(listener.zeroconf, [f"{s}.local." for s in announcing], handlers=[note])
        async with asyncio.timeout(20):
            await complete.wait()
        pump = next(d for d in HOSPITAL.devices if d.kind == "lvp_pump" and d.mdns)
        assert pump.mdns is not None
        name = next(n for n in heard if n.startswith(f"{pump.mdns.instance} {ours[:-1]}"))
        found = AsyncServiceInfo(f"{pump.mdns.service}.local.", name)
        assert await found.async_request(listener.zeroconf, 3_000)
        assert found.parsed_addresses() == [simulator.at(pump)]
        assert {k.decode(): (v or b"").decode() for k, v in found.properties.items()} == pump.mdns.txt
        await browser.async_cancel()
        await listener.async_close()


def test_two_hospitals_at_once_do_not_meet(tmp_path: Path) -> None:
    with started(tmp_path / "a") as one, started(tmp_path / "b") as two:
        assert one.ready["prefix"] != two.ready["prefix"]
        assert one.ready["snmp_port"] != two.ready["snmp_port"]
        assert one.ready["tag"] != two.ready["tag"]
        device = speakers()[0]
        assert one.ask(one.at(device)) is not None
        assert two.ask(two.at(device)) is not None
        two.send(one.at(device), b"to the other hospital, on this one's port")
        assert two.ask(two.at(device)) is not None
        counts = [one.stop(), two.stop()]
    assert [c["packets_received_by_devices"] for c in counts] == [1, 2]


def test_recordings_are_served_as_devices_in_the_order_of_their_oids(tmp_path: Path) -> None:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    (recordings / "switch.snmprec").write_bytes(
        b"1.3.6.1.2.1.1.10.0|2|7\n1.3.6.1.2.1.1.1.0|4|A made-up switch\nthis is no line\n1.3.6.1.2.1.1.1.0|4|again\n"
    )
    with started(tmp_path / "state", "--recordings", str(recordings)) as simulator:
        address = simulator.ready["recordings"]["switch.snmprec"]
        first = simulator.ask(address)
        assert first is not None
        assert first.varbinds[0].value == b"A made-up switch"
        following = simulator.ask(address, kind=Question.GETNEXT)
        assert following is not None
        assert following.varbinds[0].oid == (1, 3, 6, 1, 2, 1, 1, 10, 0)
        assert json.loads((tmp_path / "state/recordings.json").read_text()) == simulator.ready["recordings"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hospital", "/nowhere/h.json"], "reading /nowhere/h.json: No such file"),
        ([], "nothing to run"),
    ],
)
def test_what_cannot_run_is_one_plain_sentence(tmp_path: Path, arguments: list[str], message: str) -> None:
    program = [sys.executable, "-m", "service.cli.main", "simulate", "run", "--state", str(tmp_path)]
    done = subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_hospital_is_made_on_the_command_line(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "service.cli.main", "simulate", "--seed", "1"]
    done = subprocess.run(
        [*program, "--out", str(tmp_path / "h.json"), "--json"], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout)["devices"] == len(HOSPITAL.devices)
    assert (tmp_path / "h.json").read_bytes() == practice_document()

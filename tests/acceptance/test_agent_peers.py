"""The agent against programs that are not ours: snmpd over v2c and v3, zeroconf over multicast."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from discovery.ledger import Entry, read_rows
from riskdb.model.policy import Credential, Target
from tests.acceptance.peers import OCTET, RANGE, free_port, host, run, snmpd, write_plan
from tests.unit.discovery.simulated import decision, known, plan

READER = Credential(
    name="reader",
    version="3",
    user="reader",
    auth_protocol="sha256",
    auth_key="ward-auth-2026",
    privacy_protocol="aes128",
    privacy_key="ward-priv-2026",
)
CONFIG = ("rocommunity ward", 'createUser reader SHA-256 "ward-auth-2026" AES "ward-priv-2026"', "rouser reader priv")


def seen(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.peer
@pytest.mark.parametrize("version", ["2c", "3"])
async def test_snmpd_says_who_it_is(tmp_path: Path, version: str) -> None:
    port, state = free_port(), tmp_path / "state"
    credential = READER if version == "3" else Credential(name="ward", version="2c", community="ward")
    a_plan = plan(
        ranges=(RANGE,), snmp_port=port, known=(known(host(1)),), credentials=(credential,), mdns_listen=False
    )
    lines = (*CONFIG, "sysDescr Ward server, a test", "sysName server-1", "sysContact Nurse Jane 555-0101")
    with snmpd(tmp_path, host(1), port, *lines):
        done = await run("--state", state, "--plan", write_plan(tmp_path, a_plan), "--out", tmp_path / "o", "--once",
                         "--listen-s", "0", "--json")  # fmt: skip
    assert done.code == 0, done.err
    device = next(o for o in seen(tmp_path / "o") if o["protocol"] == "snmp")
    assert device["facts"]["snmp.sys_descr"] == "Ward server, a test"
    assert device["facts"]["snmp.sys_name"] == "server-1"
    assert len(device["facts"]["snmp.engine_id"]) >= 10
    assert b"555-0101" not in (tmp_path / "o").read_bytes()
    sent = [row for row in read_rows(state) if row.entry is Entry.SENT]
    assert len(sent) == done.document["packets_sent"] <= (4 if version == "3" else 3)


@pytest.mark.peer
async def test_a_wrong_v3_key_is_not_guessed_around(tmp_path: Path) -> None:
    port, state = free_port(), tmp_path / "state"
    wrong = Credential(**{f: getattr(READER, f) for f in READER.__dataclass_fields__} | {"auth_key": "not-the-key"})
    a_plan = plan(ranges=(RANGE,), snmp_port=port, known=(known(host(1)),), credentials=(wrong,), mdns_listen=False)
    with snmpd(tmp_path, host(1), port, *CONFIG):
        done = await run("--state", state, "--plan", write_plan(tmp_path, a_plan), "--out", tmp_path / "o", "--once",
                         "--listen-s", "0", "--json")  # fmt: skip
    assert done.code == 0
    assert done.document["observations"] == 0
    assert done.document["packets_sent"] == 2  # who are you; refused - and no third
    assert "not-the-key" not in done.err


def pump(name: str, address: str) -> ServiceInfo:
    octets = bytes(map(int, address.split(".")))
    return ServiceInfo(
        f"_wgt{OCTET}._tcp.local.",
        f"{name}._wgt{OCTET}._tcp.local.",
        addresses=[octets],
        port=8080,
        properties={"model": "GS2"},
        server=f"{name}-{OCTET}.local.",
    )


async def test_a_registered_service_is_heard_when_its_segment_may_be_asked(tmp_path: Path) -> None:
    state = tmp_path / "state"
    a_plan = plan(ranges=(RANGE,), mdns_query=(decision(Target.RANGE, RANGE),))
    inside, outside = pump("inside", host(9)), pump("outside", "192.0.2.9")
    speaker = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    try:
        for info in (inside, outside):
            await (await speaker.async_register_service(info))
        done = await run("--state", state, "--plan", write_plan(tmp_path, a_plan), "--out", tmp_path / "o", "--once",
                         "--listen-s", "5", "--json")  # fmt: skip
    finally:
        await speaker.async_close()
    assert done.code == 0, done.err
    mine = [o for o in seen(tmp_path / "o") if o["facts"]["mdns.service"] == f"_wgt{OCTET}._tcp"]
    assert [(o["address"], o["facts"]["mdns.txt.model"]) for o in mine] == [(host(9), "GS2")]
    assert set(done.document["packets_by_probe"]) == {"mdns_query"}
    rows = [row for row in read_rows(state) if row.entry is Entry.SENT]
    assert {(row.target, row.port, row.rule) for row in rows} == {("224.0.0.251", 5353, "mdns_query:Anne Leclerc")}
    assert len(rows) == done.document["packets_sent"]


async def test_without_a_decision_listening_sends_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    speaker = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    try:
        a_plan = plan(ranges=(RANGE,))
        registering = await speaker.async_register_service(pump("late", host(8)))
        done = await run("--state", state, "--plan", write_plan(tmp_path, a_plan), "--out", tmp_path / "o", "--once",
                         "--listen-s", "2", "--json")  # fmt: skip
        await registering
    finally:
        await speaker.async_close()
    assert done.document["packets_sent"] == 0
    assert {o["address"] for o in seen(tmp_path / "o")} <= {host(8)} if (tmp_path / "o").exists() else True

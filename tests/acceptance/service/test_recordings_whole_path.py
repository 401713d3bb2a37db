"""Recordings of real devices, served over UDP, read by the agent, kept in PostgreSQL and told by the API."""

import asyncio
import csv
import json
import os
import sys
import tarfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from riskdb.store.tokens import Role

SHARED = Path(os.environ.get("WARDGRAPH_SHARED", Path(__file__).parents[3].parent / "shared")) / "data"
LIBRENMS = SHARED / "snmp-librenms"
SAMPLE = 200
WARDGRAPH = [sys.executable, "-m", "service.cli.main"]
READY_S_MAX = 60
needs_recordings = pytest.mark.skipif(not LIBRENMS.is_dir(), reason="the SNMP recordings are not beside this tree")


def sample_of_recordings(place: Path) -> list[str]:
    """Every n-th recording by name, unpacked; the same ones each time."""
    with tarfile.open(LIBRENMS / "snmprec.tar.xz", "r:xz") as archive:
        members = {Path(member.name).name: archive.extractfile(member) for member in archive if member.isfile()}
        names = sorted(members)[:: len(members) // SAMPLE][:SAMPLE]
        for name in names:
            file = members[name]
            assert file is not None
            (place / name).write_bytes(file.read())
    return names


@asynccontextmanager
async def devices_answering(recordings: Path, state: Path) -> AsyncIterator[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        *WARDGRAPH,
        "simulate",
        "run",
        f"--recordings={recordings}",
        f"--state={state}",
        stdout=asyncio.subprocess.PIPE,
        limit=1_000_000,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(READY_S_MAX):
            ready: dict[str, Any] = json.loads(await process.stdout.readline())
        yield ready
    finally:
        process.terminate()
        await process.wait()


def policy_for(ready: dict[str, Any]) -> dict[str, Any]:
    """A bench's policy: a named person lets its subnets be swept, faster than a ward would be."""
    subnets = {str(ip_network(f"{address}/24", strict=False)) for address in ready["recordings"].values()}
    who = {"decided_by": "the test bench", "reason": "pretend devices on loopback"}
    fast = ("device", "infrastructure", "subnet", "establishment")
    return {
        "ranges": [ready["prefix"]],
        "snmp_port": ready["snmp_port"],
        "mdns_listen": False,
        "credentials": [{"name": "bench", "version": "2c", "community": "practice-ro"}],
        "sweepable": [{"target": "range", "value": subnet, **who} for subnet in sorted(subnets)],
        "budget": {f"{name}_packets_per_s": 2_000.0 for name in fast},
    }


async def look_around(service: Any, state: Path) -> dict[str, Any]:
    token = state / "token"
    token.write_text(service[Role.AGENT].secret or "")
    agent = await asyncio.create_subprocess_exec(
        *WARDGRAPH,
        "agent",
        f"--service={service.client.make_url('')}".rstrip("/"),
        f"--token-file={token}",
        f"--state={state / 'agent'}",
        "--once",
        "--listen-s=0",
        "--json",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await agent.communicate()
    assert agent.returncode == 0, errors.decode()[-2_000:]
    report: dict[str, Any] = json.loads(said)
    return report


async def all_assets(service: Any) -> list[dict[str, Any]]:
    assets: list[dict[str, Any]] = []
    query: dict[str, str] = {"limit": "200"}
    while True:
        page = (await service[Role.VIEWER].get("/v1/assets", params=query)).json
        assets += page["items"]
        if page["next"] is None:
            return assets
        query["after"] = page["next"]


@needs_recordings
async def test_real_devices_come_all_the_way_from_udp_to_the_api(service: Any, tmp_path: Path) -> None:
    recordings, state = tmp_path / "recordings", tmp_path / "simulator"
    recordings.mkdir()
    names = sample_of_recordings(recordings)
    async with devices_answering(recordings, state) as ready:
        reply = await service[Role.ADMIN].ask("PUT", "/v1/policy", json=policy_for(ready))
        assert reply.status == 200, reply.body
        report = await look_around(service, tmp_path)
        job = await service.run()
    counts = json.loads((state / "simulator.json").read_text())
    assert job["state"] == "done", job
    assert report["ledger_verified"] is True
    assert report["packets_sent"] == counts["packets_received_by_devices"]
    by_address = {asset["address"]: asset for asset in await all_assets(service) if asset["address"]}
    with (LIBRENMS / "truth.csv").open(encoding="utf-8") as file:
        truth = {row["file"]: row for row in csv.DictReader(file)}
    answered = [name for name in names if truth[name]["sysDescr"]]
    found = [name for name in answered if ready["recordings"][name] in by_address]
    assert len(names) == SAMPLE
    assert len(found) >= 0.98 * len(answered), sorted(set(answered) - set(found))
    right: Counter[str] = Counter()
    for name in found:
        asset, row = by_address[ready["recordings"][name]], truth[name]
        right["manufacturer"] += asset["manufacturer"] is not None
        if row["expected_serial"]:
            right["serials"] += 1
            right["serial right"] += (asset["serial"] or "").lower() == row["expected_serial"].lower()
    assert right["manufacturer"] >= 0.8 * len(found)
    assert right["serial right"] >= 0.5 * right["serials"]

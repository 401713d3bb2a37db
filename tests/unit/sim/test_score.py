"""The scorer: right is right, wrong is wrong, and nothing is left out because it went wrong."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from discovery.sim.handout import papers_csv, prefix_number
from discovery.sim.hospital import Hospital
from discovery.sim.mib import joined
from discovery.sim.score import score, truth_of
from riskdb.model import facts
from riskdb.model.ids import AgentId, AssetId, EstablishmentId
from riskdb.model.observation import Observation, Protocol, observe

PREFIX = "127.9.0.0/16"
Made = Callable[..., Hospital]


def seen(address: str | None, mac: str | None = None, *, second: int = 0, **stated: str) -> Observation:
    return observe(
        establishment=EstablishmentId(1),
        agent=AgentId("a"),
        seen_at=datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC),
        address=address,
        mac=mac,
        protocol=Protocol.IMPORT if "source" in stated else Protocol.SNMP,
        facts={facts.IMPORT_SOURCE: stated["source"]} if "source" in stated else {},
    )


def perfect(hospital: Hospital) -> tuple[list[Observation], list[dict[str, Any]], dict[Any, Any]]:
    """Everything with an address seen twice and known exactly."""
    observations, answers, of = [], [], {}
    for device in hospital.devices:
        if device.address is None:
            continue
        answers.append({name: getattr(device, name) for name in ("id", "device_type", "model", "firmware")})
        for second in (0, 1):
            o = seen(joined(device.address, prefix=9), device.mac, second=second)
            observations.append(o)
            of[o.id] = AssetId(device.id)
    return observations, answers, of


def test_a_perfect_discovery_is_perfect_but_for_what_was_never_seen(made: Made) -> None:
    hospital = made(1)
    observations, answers, of = perfect(hospital)
    result = score(
        hospital, PREFIX, observations=observations, assets=answers, asset_of_observation=of, claims_unknown=3
    )
    assert result["identity"]["pairwise_precision"] == result["identity"]["pairwise_recall"] == 1.0
    unseen = [d for d in hospital.devices if d.address is None and "device_type" in d.stated]
    blind = [d for d in hospital.devices if d.address is None and "device_type" not in d.stated]
    expected = 1 - len(unseen) / (len(hospital.devices) - len(blind))
    assert result["identity"]["device_type_accuracy"] == pytest.approx(expected, abs=1e-6)
    assert result["ground_truth"]["devices"] == len(hospital.devices) == len(result["devices"])
    assert result["discovered"] == {"devices": len(answers), "observations": len(observations), "claims_unknown": 3}


def test_two_devices_in_one_asset_cost_precision_and_one_in_two_costs_recall(made: Made) -> None:
    hospital = made(1)
    one, two = [joined(d.address, prefix=9) for d in hospital.devices if d.address][:2]
    observations = [seen(one), seen(one, second=1), seen(two), seen(two, second=1)]

    def identity(*assets: str) -> tuple[float, float]:
        of = {o.id: AssetId(a) for o, a in zip(observations, assets, strict=True)}
        result = score(
            hospital, PREFIX, observations=observations, assets=[], asset_of_observation=of, claims_unknown=0
        )["identity"]
        return result["pairwise_precision"], result["pairwise_recall"]

    assert identity("a", "a", "b", "b") == (1.0, 1.0)
    assert identity("a", "a", "a", "a") == (pytest.approx(2 / 6, abs=1e-6), 1.0)
    assert identity("a", "b", "c", "c") == (1.0, 0.5)


def test_an_observation_of_no_asset_stands_alone(made: Made) -> None:
    hospital = made(1)
    address = next(joined(d.address, prefix=9) for d in hospital.devices if d.address)
    result = score(
        hospital,
        PREFIX,
        observations=[seen(address), seen(address, second=1)],
        assets=[],
        asset_of_observation={},
        claims_unknown=0,
    )
    assert result["identity"]["pairwise_recall"] == 0.0


def test_a_wrong_answer_counts_even_where_no_source_knew_better(made: Made) -> None:
    hospital = made(1)
    mute = next(d for d in hospital.devices if d.address and "firmware" not in d.stated)
    o = seen(joined(mute.address or "", prefix=9))

    def accuracy(firmware: str | None) -> float:
        answer = {"id": "a", "device_type": None, "model": None, "firmware": firmware}
        result = score(
            hospital,
            PREFIX,
            observations=[o],
            assets=[answer],
            asset_of_observation={o.id: AssetId("a")},
            claims_unknown=0,
        )
        return float(result["identity"]["firmware_accuracy"])

    known = sum("firmware" in d.stated for d in hospital.devices)
    assert accuracy(None) == accuracy("made up") == 0.0
    assert accuracy(mute.firmware.upper()) == pytest.approx(1 / (known + 1), abs=1e-6)


def test_a_line_is_about_the_device_it_was_made_from(hospital: Hospital) -> None:
    truth = truth_of(hospital, PREFIX)
    lines = papers_csv(hospital, PREFIX)["assets.csv"].decode().splitlines()
    serials = {d.id: d.serial for d in hospital.devices}
    right = 0
    for number, line in enumerate(lines[1:], start=2):
        about = truth.of(seen(None, source=f"assets.csv:{number}"))
        assert about is not None
        right += serials.get(about, "?") in line.split(",")
    assert right > 0.95 * (len(lines) - 1) - 10  # mistyped serials and retired devices apart


def test_a_docking_station_is_who_sits_on_it(made: Made) -> None:
    hospital = made(1)
    docked = next(d for d in hospital.devices if d.wire_mac)
    assert truth_of(hospital, PREFIX).of(seen(None, docked.wire_mac)) == docked.id
    assert truth_of(hospital, PREFIX).of(seen(None, "00:00:5e:00:01:08")) is None


@pytest.mark.parametrize("prefix", ["10.0.0.0/8", "127.9.0.0/24", "127.9.1.0/16"])
def test_a_hospital_is_placed_on_loopback_only(prefix: str) -> None:
    with pytest.raises(ValueError, match=r"127\.x\.0\.0/16"):
        prefix_number(prefix)


def test_the_papers_hold_nothing_of_the_truth(made: Made) -> None:
    hospital = made(1)
    papers = b"".join(papers_csv(hospital, PREFIX).values())
    assert b"x.1" not in papers.replace(b"Box.1", b"")
    assert not any(d.id.encode() in papers for d in hospital.devices)

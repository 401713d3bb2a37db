"""A plan is followed to the letter or not at all."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from riskdb.model.policy import Credential, PlanError, SafetyClass, Target, parse_plan, plan_document
from tests.unit.discovery.simulated import PRINTER, decision, known, plan

V3 = {"name": "v3", "version": "3", "user": "u", "auth_protocol": "sha256", "auth_key": "12345678"}


def document(**changes: Any) -> bytes:
    return orjson.dumps({**orjson.loads(plan_document(plan())), **changes})


def test_a_plan_survives_the_way_through_json() -> None:
    whole = plan(
        known=(known("127.9.1.1", mac="00:1a:2b:3c:4d:5e", model="One"),),
        sweepable=(decision(Target.RANGE, "127.9.1.0/24"),),
        credentials=(Credential(name="a", version="2c", community="c", ranges=("127.9.1.0/24",)),),
        classes={PRINTER: SafetyClass.ASK},
        timezone="Europe/Paris",
    )
    assert parse_plan(plan_document(whole)) == whole


def spared(target: str, value: str, *, decided_by: str = "x", reason: str = "y") -> dict[str, Any]:
    return {"target": target, "value": value, "decided_by": decided_by, "reason": reason}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"format": "wardgraph/plan/2"}, "format is not"),
        ({"do_not_prob": []}, "do_not_prob"),
        ({"ranges": ["127.9.1.1/16"]}, "ranges: '127.9.1.1/16' is no range"),
        ({"ranges": "127.9.0.0/16"}, "ranges"),
        ({"snmp_port": 9100}, "snmp_port: 9100 is no port to ask SNMP on"),
        ({"snmp_port": 2575}, "snmp_port"),
        ({"do_not_probe": [spared("range", "127.9.1.0/24", reason=" ")]}, "do_not_probe.0: a decision needs"),
        ({"do_not_probe": [spared("mac_prefix", "00-1A-2B")]}, "do_not_probe.0: '00-1A-2B' is no MAC prefix"),
        ({"do_not_probe": [spared("ward", "icu")]}, "do_not_probe.0.target"),
        ({"do_not_probe": [spared("model", "GS2")]}, "not of the form manufacturer/model"),
        ({"opted_in": [spared("device_type", "syringe_pump")]}, "opted_in.0: cannot be written against"),
        ({"sweepable": [spared("vlan", "3")]}, "sweepable.0"),
        ({"sweepable": [spared("range", "10.0.0.0/8")]}, "sweepable.0: 10.0.0.0/8 holds more than 65536"),
        ({"windows": [{"target": "unit", "value": "icu", "from_minute": 0, "to_minute": 1441}]}, "windows.0"),
        ({"windows": [{"target": "unit", "value": "icu", "from_minute": 0, "to_minute": 0}]}, "ends when it begins"),
        ({"snmp_port": True}, "snmp_port"),
        ({"credentials": [V3, V3]}, "two credentials have this name"),
        ({"budget": {"device_packets_per_s": 0}}, "budget.device_packets_per_s"),
        ({"credentials": [{"name": "c", "version": "1", "community": "x"}]}, "neither 2c nor 3"),
        ({"credentials": [{**V3, "auth_key": "short"}]}, "auth_key needs 8"),
        ({"credentials": [{**V3, "auth_protocol": None, "privacy_protocol": "aes128"}]}, "privacy needs"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"known": [{"address": "ward 3", "mac": None, "device_type": None}]}, "known.0: 'ward 3' is no address"),
    ],
)
def test_a_plan_with_one_mistake_is_refused_whole_and_the_place_named(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(PlanError) as refused:
        parse_plan(document(**changes))
    assert place in str(refused.value)


def test_a_refused_plan_tells_no_secret() -> None:
    with pytest.raises(PlanError) as refused:
        parse_plan(document(credentials=[{"name": "c", "version": "2c", "community": ["hush-hush-7"]}]))
    assert "hush-hush-7" not in str(refused.value)


@pytest.mark.parametrize("octets", [b"", b"[]", b"{", b"\xff\xfe", b'{"format": "wardgraph/plan/1"}'])
def test_what_is_no_plan_is_said_so(octets: bytes) -> None:
    with pytest.raises(PlanError, match="reading a plan"):
        parse_plan(octets)


def test_the_plan_in_the_guide_can_be_followed() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "guides" / "discovery.md").read_text("utf-8")
    example = guide.split("```json")[1].split("```")[0]
    assert parse_plan(example.encode()).known[0].device_type == "office_printer"  # a type of the pack: cards name those

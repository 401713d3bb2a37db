"""What the shipped pack says, and how the checker judges a pack that somebody edited."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from riskdb.knowledge import Finding, PackError, check_pack, load_pack, read_pack
from riskdb.model.ids import CapabilityTypeId, DeviceTypeId, PathwayTypeId, UnitTypeId
from riskdb.model.policy import SafetyClass

SHIPPED = Path(__file__).parents[3] / "riskdb" / "knowledge" / "pack"
Edit = Callable[[Any], object]


def by_id(document: list[Any], identifier: str) -> Any:
    return next(record for record in document if record["id"] == identifier)


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, Edit], Path]:
    """A copy of the shipped pack with one file changed."""

    def edit(file: str, change: Edit) -> Path:
        directory = tmp_path / "pack"
        shutil.copytree(SHIPPED, directory)
        document = json.loads((directory / file).read_text())
        change(document)
        (directory / file).write_text(json.dumps(document))
        return directory

    return edit


def test_the_shipped_pack_is_sound() -> None:
    assert check_pack() == []


def test_the_french_of_the_shipped_pack_is_typeset_as_the_sentences_it_stands_in() -> None:
    pack = load_pack()
    things = [t for kind in (pack.device_types, pack.capabilities, pack.unit_types) for t in kind.values()]
    texts = [thing.name.fr for thing in things]
    for pathway in pack.pathways.values():
        texts.append(pathway.name.fr)
        for step in pathway.steps:
            texts += [step.name.fr, *(mode.procedure.fr for mode in step.fallbacks)]
    assert [text for text in texts if "'" in text] == []


def test_no_number_of_the_shipped_pack_pretends_to_be_reviewed() -> None:
    counts = load_pack().count_numbers()
    assert counts.unreviewed == counts.total > 1_500


def test_every_published_number_names_its_source() -> None:
    pack = load_pack()
    published = [row.number for row in pack.numbers() if row.number.confidence == "published"]
    assert len(published) == 34
    assert all(source in pack.sources for number in published for source in number.sources)


def test_severity_weights_are_those_of_the_engine() -> None:
    weights = load_pack().tables.severity_weights
    assert (weights.version, weights.by_severity()) == (1, {1: 0.01, 2: 0.1, 3: 1, 4: 5, 5: 10})


def test_the_pack_keeps_what_the_cardiologists_published() -> None:
    step = load_pack().pathways[PathwayTypeId("stemi")].steps[0]
    assert (step.tolerance_min.value, step.tolerance_min.sources) == (10, ("ESC-TIME",))


def test_an_intensive_care_unit_needs_more_of_its_pumps_than_a_ward() -> None:
    infusion = load_pack().capabilities[CapabilityTypeId("infusion_delivery")]
    shares = [infusion.share_in(UnitTypeId(kind)) for kind in ("icu", "ward")]
    assert [share.value for share in shares if share] == [0.75, 0.5]


@pytest.mark.parametrize(
    ("device_type", "may_be_sent"),
    [
        ("icu_ventilator", SafetyClass.PASSIVE),
        ("syringe_pump", SafetyClass.PASSIVE),
        ("infusion_server", SafetyClass.PASSIVE),
        ("patient_monitor", SafetyClass.PASSIVE),
        ("incubator", SafetyClass.PASSIVE),  # sustains life, whatever shelf it stands on
        ("angio_room", SafetyClass.GENTLE),
        ("ct_scanner", SafetyClass.GENTLE),
        ("access_switch", SafetyClass.INFRASTRUCTURE),
        ("directory", SafetyClass.INFRASTRUCTURE),
        ("office_printer", SafetyClass.ASK),
        ("cloud_gateway", SafetyClass.ASK),
        ("a_type_nobody_knows", SafetyClass.PASSIVE),
        (None, SafetyClass.PASSIVE),
    ],
)
def test_what_may_be_sent_follows_from_the_type(device_type: str | None, may_be_sent: SafetyClass) -> None:
    asked = None if device_type is None else DeviceTypeId(device_type)
    assert load_pack().safety_class(asked) is may_be_sent


BROKEN: dict[str, tuple[str, Edit, tuple[str, str, str]]] = {
    "an unknown capability in a tree": (
        "pathways/stemi.json",
        lambda d: d["steps"][0].update(requires={"any": ["ecg_12lead", "crystal_ball"]}),
        ("stemi", "steps/ecg/requires", "unknown id 'crystal_ball'"),
    ),
    "an unknown capability in a fallback": (
        "pathways/stemi.json",
        lambda d: d["steps"][0]["fallbacks"][0].update(requires="crystal_ball"),
        ("stemi", "steps/ecg/fallbacks/0/requires", "unknown id 'crystal_ball'"),
    ),
    "an unknown provider type": (
        "capabilities.json",
        lambda d: by_id(d, "ct")["provided_by"].append("tricorder"),
        ("ct", "provided_by", "unknown id 'tricorder'"),
    ),
    "a capability nobody provides": (
        "capabilities.json",
        lambda d: by_id(d, "ct").update(provided_by=[]),
        ("ct", "provided_by", "nobody provides this capability"),
    ),
    "an unknown unit type": (
        "pathways/icu.json",
        lambda d: d["steps"][0].update(unit_types=["moon_base"]),
        ("icu", "steps/vent/unit_types", "unknown id 'moon_base'"),
    ),
    "an unknown unit type of a share": (
        "capabilities.json",
        lambda d: by_id(d, "ct").update(minimum_share_by_unit_type={"moon_base": by_id(d, "ct")["minimum_share"]}),
        ("ct", "minimum_share_by_unit_type", "unknown id 'moon_base'"),
    ),
    "a pathway per unknown unit type": (
        "pathways/icu.json",
        lambda d: d.update(instance_per="moon_base"),
        ("icu", "instance_per", "unknown unit type 'moon_base'"),
    ),
    "an unknown population": (
        "pathways/icu.json",
        lambda d: d.update(population="martians"),
        ("icu", "population", "unknown population 'martians'"),
    ),
    "an unknown source": (
        "pathways/stemi.json",
        lambda d: d["steps"][0]["tolerance_min"].update(sources=["HEARSAY"]),
        ("stemi", "steps/ecg/tolerance_min/sources", "unknown id 'HEARSAY'"),
    ),
    "an unknown managed type": (
        "device_types/it_infra.json",
        lambda d: by_id(d, "directory")["manages"][0]["types"].append("tricorder"),
        ("directory", "manages", "unknown id 'tricorder'"),
    ),
    "an unknown fed type": (
        "device_types/infusion.json",
        lambda d: by_id(d, "infusion_server")["feeds"][0]["types"].append("tricorder"),
        ("infusion_server", "feeds", "unknown id 'tricorder'"),
    ),
    "an unknown fed capability": (
        "device_types/monitoring.json",
        lambda d: by_id(d, "telemetry_system")["feeds"][0].update(capabilities=["crystal_ball"]),
        ("telemetry_system", "feeds", "unknown id 'crystal_ball'"),
    ),
    "an unknown dependency": (
        "device_types/infusion.json",
        lambda d: by_id(d, "lvp_pump")["dependencies"][0].update(capability="crystal_ball"),
        ("lvp_pump", "dependencies", "unknown id 'crystal_ball'"),
    ),
    "paper counted as normal service": (
        "pathways/icu.json",
        lambda d: d["steps"][1].update(requires={"any": ["infusion_delivery", "gravity_infusion"]}),
        ("icu", "steps/vaso/requires", "a manual way of working is a fallback, not a part of normal service"),
    ),
    "a device type twice": (
        "device_types/office.json",
        lambda d: d.append(d[0]),
        ("office_printer", "id", "duplicate id"),
    ),
    "a step twice": (
        "pathways/stemi.json",
        lambda d: d["steps"].append(d["steps"][0]),
        ("stemi", "steps/ecg", "duplicate id"),
    ),
    "a value outside its range": (
        "capabilities.json",
        lambda d: by_id(d, "ct")["minimum_share"].update(value=0.4),
        ("ct", "minimum_share", "not low <= value <= high: 0.5 <= 0.4 <= 1"),
    ),
    "a share above one": (
        "pathways/stemi.json",
        lambda d: d["steps"][0]["fallbacks"][0]["served_share"].update(value=1.2),
        ("stemi", "steps/ecg/fallbacks/0/served_share", "a share lies in 0 to 1"),
    ),
    "a severity above five": (
        "pathways/stemi.json",
        lambda d: d["steps"][0]["severity"]["availability"].update(value=6),
        ("stemi", "steps/ecg/severity/availability", "a severity lies in 1 to 5"),
    ),
    "negative minutes": (
        "pathways/stemi.json",
        lambda d: d["steps"][0]["tolerance_min"].update(value=-1),
        ("stemi", "steps/ecg/tolerance_min", "negative minutes"),
    ),
    "half a minute": (
        "pathways/stemi.json",
        lambda d: d["steps"][0]["tolerance_min"].update(value=0.5),
        ("stemi", "steps/ecg/tolerance_min", "not a whole number"),
    ),
    "an empty tree": (
        "pathways/stemi.json",
        lambda d: d["steps"][0].update(requires={"all": []}),
        ("stemi", "steps/ecg/requires", "an empty tree: all, any and k_of take a list of at least one"),
    ),
    "more of a kind than there are": (
        "pathways/stemi.json",
        lambda d: d["steps"][0].update(requires={"k_of": {"k": 3, "of": ["ct", "mr"]}}),
        ("stemi", "steps/ecg/requires", "k must be 1 to 2"),
    ),
    "a missing translation": (
        "capabilities.json",
        lambda d: by_id(d, "ct")["name"].update(fr=" "),
        ("ct", "name/fr", "missing translation"),
    ),
    "a published number without its source": (
        "pathways/stemi.json",
        lambda d: d["steps"][0]["tolerance_min"].update(sources=[]),
        ("stemi", "steps/ecg/tolerance_min", "called published, but names no source"),
    ),
    "a review without a day": (
        "pathways/stemi.json",
        lambda d: d["steps"][0]["tolerance_min"].update(reviewed_by="Dr Ana Silva"),
        ("stemi", "steps/ecg/tolerance_min", "a review names both a person and a day"),
    ),
    "an unknown key": (
        "pathways/stemi.json",
        lambda d: d["steps"][0].update(tolerance_hours=1),
        ("stemi", "steps/ecg/tolerance_hours", "unknown key"),
    ),
    "a missing key": (
        "device_types/office.json",
        lambda d: d[0].pop("withdrawn_when_detected"),
        ("office_printer", "withdrawn_when_detected", "the key is missing"),
    ),
    "a severity without a weight": (
        "tables.json",
        lambda d: d["severity_weights"]["weights"].pop("5"),
        ("tables", "severity_weights/weights", "must weigh exactly the severities 1 to 5"),
    ),
}


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_a_mistake_is_found_and_named_with_file_object_and_place(
    case: str, edited: Callable[[str, Edit], Path]
) -> None:
    file, change, (identifier, place, message) = BROKEN[case]
    assert Finding(file=file, id=identifier, place=place, message=message) in check_pack(edited(file, change))


def test_devices_may_depend_on_each_other_in_a_ring(edited: Callable[[str, Edit], Path]) -> None:
    pack = edited(
        "device_types/it_infra.json",
        lambda d: (
            by_id(d, "dns_dhcp")["dependencies"].append({"capability": "directory_auth", "tolerance": "hard"})
            or by_id(d, "directory")["dependencies"].append({"capability": "name_address", "tolerance": "hard"})
        ),
    )
    assert check_pack(pack) == []


def test_a_file_that_is_not_json_is_a_finding_with_its_line(tmp_path: Path) -> None:
    pack = shutil.copytree(SHIPPED, tmp_path / "pack")
    (pack / "capabilities.json").write_text('[\n {"id": "ct",\n')
    (finding,) = check_pack(pack)
    assert finding.file == "capabilities.json"
    assert finding.message.startswith("not JSON")
    assert "line 3" in finding.message


def test_a_pack_that_cannot_be_used_says_why_and_how_many_reasons_there_are(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"reading knowledge pack: .*\.json: the file is missing \(5 findings in all\)"):
        read_pack(tmp_path)


def test_a_file_of_the_wrong_encoding_or_none_at_all_is_a_finding(tmp_path: Path) -> None:
    pack = shutil.copytree(SHIPPED, tmp_path / "pack")
    (pack / "populations.json").write_bytes('[{"id": "été"}]'.encode("cp1252"))
    (pack / "pathways" / "extra.json").mkdir()
    told = [(f.file, f.message.partition(":")[0]) for f in check_pack(pack)]
    assert told == [("pathways/extra.json", "cannot be read"), ("populations.json", "not JSON")]


def test_a_strange_file_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    pack = shutil.copytree(SHIPPED, tmp_path / "pack")
    (pack / "pathway.json").write_text("{}")
    assert [f.message for f in check_pack(pack)] == ["unknown file in a pack"]


def test_the_version_changes_with_any_number(edited: Callable[[str, Edit], Path]) -> None:
    pack = edited("pathways/stemi.json", lambda d: d["steps"][0]["tolerance_min"].update(value=11))
    assert read_pack(pack).version != read_pack(SHIPPED).version == load_pack().version


def test_a_reviewed_number_counts_as_reviewed(edited: Callable[[str, Edit], Path]) -> None:
    signed = {"reviewed_by": "Dr Ana Silva", "reviewed_at": "2026-11-02"}
    pack = read_pack(edited("pathways/stemi.json", lambda d: d["steps"][0]["tolerance_min"].update(signed)))
    counts = pack.count_numbers()
    assert counts.total - counts.unreviewed == 1

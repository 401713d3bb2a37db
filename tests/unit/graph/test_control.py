"""Who controls whom, and whose wrong value goes where."""

from typing import Any


def test_either_of_two_directories_rules_the_whole_domain_but_not_the_other(hospital: Any) -> None:
    hospital.many(2, "directory")
    hospital.has("dpi", "ehr")
    hospital.has("pc", "clinical_pc")
    seen = hospital.build()
    assert seen.managed("directory-1") == seen.managed("directory-2") == {"dpi": 120, "pc": 120}


def test_a_hypervisor_owns_its_guests_once_people_say_which(hospital: Any) -> None:
    hospital.many(2, "virtualisation")
    hospital.has("dpi", "ehr")
    hospital.has("labo", "lis")
    hospital.says("virtualisation-1", "manages", "dpi")
    seen = hospital.build()
    assert seen.managed("virtualisation-1") == {"dpi": 15, "labo": 15}
    assert seen.managed("virtualisation-2") == {"labo": 15}  # of the lab system nobody said anything
    assert seen.source("virtualisation-1", "manages", "dpi").provenance == "declared"
    assert seen.source("virtualisation-2", "manages", "labo").because == "pack:device_type/virtualisation/manages"


def test_a_declared_delay_goes_before_the_typical_one(hospital: Any) -> None:
    hospital.has("cloud", "cloud_gateway")
    hospital.has("pumps", "infusion_server")
    hospital.says("cloud", "manages", "pumps", minutes=30)
    assert hospital.build().managed("cloud") == {"pumps": 30}


def test_a_cloud_gateway_manages_the_pump_server_within_a_day(hospital: Any) -> None:
    hospital.has("cloud", "cloud_gateway")
    hospital.has("pumps", "infusion_server")
    assert hospital.build().managed("cloud") == {"pumps": 1_440}


def test_the_drug_library_reaches_every_pump_of_the_fleet(hospital: Any) -> None:
    hospital.has("server", "infusion_server")
    pumps = {*hospital.many(3, "lvp_pump"), *hospital.many(2, "syringe_pump"), *hospital.many(1, "pca_pump")}
    hospital.many(1, "enteral_pump")
    assert hospital.build().fed("server") == pumps


def test_what_feeds_a_capability_feeds_whatever_provides_it(hospital: Any) -> None:
    hospital.has("telemetry", "telemetry_system")
    hospital.has("alarms", "alarm_server")
    assert hospital.build().fed("telemetry") == {"alarms"}


def test_the_blood_bank_is_misled_only_by_two_wrong_sources(hospital: Any) -> None:
    hospital.many(2, "blood_grouping_analyser")
    hospital.has("bank", "blood_bank_software")
    seen = hospital.build()
    assert seen.node("bank").cross_check == 2
    assert seen.fed("blood_grouping_analyser-1") == {"bank"}


def test_a_medical_device_is_withdrawn_once_found_wrong_a_directory_is_not(hospital: Any) -> None:
    hospital.has("ventilator", "icu_ventilator")
    hospital.has("ad", "directory")
    hospital.has("implant", "pacemaker")
    seen = hospital.build()
    withdrawn = {name: seen.node(name).fails_safe_after_min for name in ("ventilator", "ad", "implant")}
    assert withdrawn == {"ventilator": 60, "ad": None, "implant": None}


def test_a_retired_directory_rules_nothing_and_nobody_rules_a_retired_server(hospital: Any) -> None:
    hospital.has("old", "directory", status="retired")
    hospital.has("new", "directory")
    hospital.has("dpi", "ehr")
    hospital.has("dpi-old", "ehr", status="retired")
    seen = hospital.build()
    assert (seen.managed("old"), seen.managed("new")) == ({}, {"dpi": 120})


def test_a_remote_maker_that_nobody_found_can_be_said_to_manage(hospital: Any) -> None:
    hospital.has("scanner", "ct_scanner")
    hospital.says("Maker's support centre", "manages", "scanner", minutes=60)
    assert hospital.build().managed("service:maker's support centre") == {"scanner": 60}


def test_no_count_of_records_is_invented(small_hospital: Any) -> None:
    assert all(node.records == 0 for node in small_hospital.build().built.graph.nodes)

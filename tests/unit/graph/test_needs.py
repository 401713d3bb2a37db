"""What each device needs: what the switches show, what people say, what the pack says of its type."""

from typing import Any

from riskdb.graph.needs import COLD_START_ONLY_MIN
from riskdb.model.care import AllOf, AnyOf, KOf, Leaf, Tree


def parts(tree: Tree | None) -> list[Tree]:
    """The needs that are all needed, one by one."""
    if tree is None:
        return []
    return list(tree.parts) if isinstance(tree, AllOf) else [tree]


def test_a_pump_lives_on_its_battery_for_four_hours(hospital: Any) -> None:
    hospital.has("mains", "power_system")
    hospital.has("pump", "lvp_pump")
    assert Leaf("mains", 240) in parts(hospital.build().node("pump").needs)


def test_a_device_without_a_known_battery_stops_with_the_mains(hospital: Any) -> None:
    hospital.has("mains", "power_system")
    hospital.has("scanner", "ct_scanner")
    assert Leaf("mains", 0) in parts(hospital.build().node("scanner").needs)


def test_what_a_device_copes_without_is_not_a_need(hospital: Any) -> None:
    hospital.has("radio", "wifi_controller")
    hospital.has("pump", "lvp_pump")
    assert all(leaf.id != "radio" for leaf in parts(hospital.build().node("pump").needs))


def test_remote_repair_is_needed_for_a_cold_start_only(hospital: Any) -> None:
    hospital.has("gateway", "vendor_gateway")
    hospital.has("scanner", "ct_scanner")
    assert Leaf("gateway", COLD_START_ONLY_MIN) in parts(hospital.build().node("scanner").needs)


def test_one_directory_of_two_is_enough(hospital: Any) -> None:
    hospital.many(2, "directory")
    hospital.has("dpi", "ehr")
    assert KOf(1, (Leaf("directory-1"), Leaf("directory-2"))) in parts(hospital.build().node("dpi").needs)


def test_three_of_five_hypervisors_carry_the_servers(hospital: Any) -> None:
    hospital.many(5, "virtualisation")
    hospital.has("dpi", "ehr")
    pools = [part for part in parts(hospital.build().node("dpi").needs) if isinstance(part, KOf)]
    assert [(pool.k, len(pool.parts)) for pool in pools] == [(3, 5)]


def test_a_provider_does_not_need_itself(hospital: Any, pack: Any) -> None:
    hospital.many(2, "wireless_access_point")
    hospital.many(2, "wifi_controller")
    seen = hospital.build()
    for controller in ("wifi_controller-1", "wifi_controller-2"):
        assert all(getattr(part, "id", "") != controller for part in parts(seen.node(controller).needs))


def test_power_that_nobody_found_is_one_assumed_circuit(hospital: Any) -> None:
    hospital.has("scanner", "ct_scanner")
    seen = hospital.build()
    assert Leaf("assumed:power") in parts(seen.node("scanner").needs)
    assert seen.node("assumed:power").kind == "assumed"


def test_a_workstation_hangs_on_the_switch_whose_table_shows_it(hospital: Any) -> None:
    hospital.many(2, "core_switch")
    hospital.has("access", "access_switch")
    hospital.has("pc", "clinical_pc")
    hospital.cable("pc", "access")
    seen = hospital.build()
    assert Leaf("access") in parts(seen.node("pc").needs)
    assert KOf(1, (Leaf("core_switch-1"), Leaf("core_switch-2"))) not in parts(seen.node("pc").needs)
    source = seen.source("pc", "needs", "access")
    assert (source.provenance, source.because) == ("observed", "pc-on-access")
    assert "pc" not in seen.asked("unknown_switch")


def test_a_workstation_behind_no_known_switch_needs_the_core_and_raises_a_question(hospital: Any) -> None:
    hospital.many(2, "core_switch")
    hospital.has("pc", "clinical_pc")
    seen = hospital.build()
    assert KOf(1, (Leaf("core_switch-1"), Leaf("core_switch-2"))) in parts(seen.node("pc").needs)
    assert seen.asked("unknown_switch") == {"pc"}


def test_a_ventilator_on_a_switch_breathes_without_it(hospital: Any) -> None:
    hospital.has("access", "access_switch")
    hospital.has("ventilator", "icu_ventilator")
    hospital.cable("ventilator", "access")
    assert all(leaf.id != "access" for leaf in parts(hospital.build().node("ventilator").needs))


def test_a_switch_needs_any_of_its_uplinks_and_the_core_none(hospital: Any) -> None:
    hospital.many(2, "core_switch")
    hospital.has("access", "access_switch")
    hospital.cable("access", "core_switch-1")
    hospital.cable("access", "core_switch-2")
    hospital.cable("core_switch-1", "core_switch-2")
    seen = hospital.build()
    assert AnyOf((Leaf("core_switch-1"), Leaf("core_switch-2"))) in parts(seen.node("access").needs)
    assert [leaf.id for leaf in parts(seen.node("core_switch-1").needs)] == ["assumed:power"]


def test_neighbours_that_see_each_other_do_not_hold_each_other_up(hospital: Any) -> None:
    hospital.has("core", "core_switch")
    hospital.has("near", "access_switch")
    hospital.has("far", "access_switch")
    for source, target in (("near", "core"), ("core", "near"), ("near", "far"), ("far", "near")):
        hospital.cable(source, target)
    seen = hospital.build()
    assert Leaf("core") in parts(seen.node("near").needs)
    assert Leaf("near") in parts(seen.node("far").needs)
    assert Leaf("far") not in parts(seen.node("near").needs)


def test_a_declared_server_replaces_the_pool_of_its_kind(hospital: Any) -> None:
    hospital.many(3, "virtualisation")
    hospital.has("dpi", "ehr")
    hospital.says("dpi", "needs", "virtualisation-2")
    seen = hospital.build()
    assert Leaf("virtualisation-2") in parts(seen.node("dpi").needs)
    assert not any(isinstance(part, KOf) for part in parts(seen.node("dpi").needs))
    source = seen.source("dpi", "needs", "virtualisation-2")
    assert (source.provenance, source.because) == ("declared", "Anne Morel")


def test_declared_needs_of_one_group_are_redundant_to_each_other(hospital: Any) -> None:
    hospital.many(2, "virtualisation")
    hospital.has("dpi", "ehr")
    hospital.says("dpi", "needs", "virtualisation-1", group="cluster")
    hospital.says("dpi", "needs", "virtualisation-2", group="cluster", minutes=15)
    needs = parts(hospital.build().node("dpi").needs)
    assert AnyOf((Leaf("virtualisation-1"), Leaf("virtualisation-2", 15))) in needs


def test_a_ups_stands_between_a_device_and_the_mains(hospital: Any) -> None:
    hospital.has("mains", "power_system")
    hospital.has("ups", "ups")
    hospital.has("pump", "lvp_pump")
    hospital.says("pump", "needs", "ups")
    seen = hospital.build()
    assert Leaf("ups", 240) in parts(seen.node("pump").needs)  # its own battery comes on top of the UPS's
    assert Leaf("mains", 240) not in parts(seen.node("pump").needs)
    assert Leaf("mains", 10) in parts(seen.node("ups").needs)


def test_an_end_of_a_link_is_found_by_tag_hostname_address_or_name(hospital: Any) -> None:
    hospital.has("a1", "ehr", asset_tag="BM-0042", hostname="DPI01", address="10.1.2.3")
    hospital.has("host", "virtualisation")
    for name in ("bm-0042", "dpi01", "10.1.2.3", " A1 "):
        hospital.declared.clear()
        hospital.says(name, "needs", "host")
        assert hospital.build().source("a1", "needs", "host").provenance == "declared"


def test_a_need_of_something_nobody_found_becomes_a_service_and_a_question(hospital: Any) -> None:
    hospital.has("dpi", "ehr")
    hospital.says("dpi", "needs", "Identity provider of the region")
    seen = hospital.build()
    assert seen.node("service:identity provider of the region").kind == "service"
    assert Leaf("service:identity provider of the region") in parts(seen.node("dpi").needs)
    assert seen.asked("unclear_link") == {"dpi needs Identity provider of the region"}


def test_a_name_that_two_servers_share_is_asked_about_not_guessed(hospital: Any) -> None:
    hospital.has("x", "ehr", hostname="srv-1")
    hospital.has("y", "lis", hostname="srv-1")
    hospital.has("host", "virtualisation")
    hospital.says("srv-1", "needs", "host")
    seen = hospital.build()
    assert seen.asked("unclear_link") == {"srv-1 needs host"}
    assert not any(s.provenance == "declared" for s in seen.built.sources.values())


def test_the_switch_table_is_believed_over_an_old_list(hospital: Any) -> None:
    hospital.has("core", "core_switch")
    for name in ("listed", "seen"):
        hospital.has(name, "access_switch")
        hospital.cable(name, "core")
    hospital.has("pc", "clinical_pc")
    hospital.cable("pc", "seen")
    hospital.says("pc", "needs", "listed")
    seen = hospital.build()
    assert Leaf("seen") in parts(seen.node("pc").needs)
    assert Leaf("listed") not in parts(seen.node("pc").needs)
    assert "pc" in seen.asked("unclear_link")


def test_a_second_cable_that_only_the_list_knows_counts(hospital: Any) -> None:
    hospital.has("core", "core_switch")
    for name in ("one", "two"):
        hospital.has(name, "access_switch")
        hospital.cable(name, "core")
    hospital.has("dpi", "ehr")
    hospital.cable("dpi", "one")
    hospital.says("dpi", "needs", "one", group="bond")
    hospital.says("dpi", "needs", "two", group="bond")
    assert AnyOf((Leaf("one"), Leaf("two"))) in parts(hospital.build().node("dpi").needs)

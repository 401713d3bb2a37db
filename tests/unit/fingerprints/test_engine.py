"""Who wins when several cards know a device, what fills the gaps, and what a card may not do."""

from datetime import UTC, datetime

import pytest

from discovery.fingerprints import CardError, card_set, further_asks, load_cards, parse_cards, recognise
from discovery.fingerprints.engine import STANDARD_CARD
from discovery.fingerprints.pattern import PatternError, compile_pattern
from riskdb.model import facts
from riskdb.model.claim import Category, Claim
from riskdb.model.ids import AgentId, EstablishmentId
from riskdb.model.observation import Protocol, observe

PUMPS = """
id: acme
category: server
maturity: recorded
source: test
match: {snmp.sys_descr: '^ACME '}
asserts: {manufacturer: ACME, firmware: 'old'}
examples: [{given: {snmp.sys_descr: ACME x}, gives: {}}]
---
id: acme-pump-server
category: medical
device_type: infusion_server
maturity: drafted
source: test
match: {snmp.sys_descr: '^ACME InfuNet Server (?P<model>[A-Z0-9]+) SW (?P<firmware>[0-9.]+)$'}
reads: [{snmp.oid.1.3.6.1.4.1.99.1.0: '^(?P<serial>[A-Z0-9-]+)$'}]
asserts: {manufacturer: ACME}
asks: [1.3.6.1.4.1.99.1.0]
examples: [{given: {snmp.sys_descr: ACME InfuNet Server GS2 SW 4.1.2}, gives: {model: GS2}}]
"""
CARDS = card_set(parse_cards(PUMPS, origin="test"))


def claim(stated: dict[str, str], cards=CARDS) -> Claim:  # type: ignore[no-untyped-def]
    return recognise(
        observe(
            establishment=EstablishmentId(1),
            agent=AgentId("a"),
            seen_at=datetime(2026, 1, 1, tzinfo=UTC),
            address="127.0.0.1",
            mac=None,
            protocol=Protocol.SNMP,
            facts=stated,
        ),
        cards,
    )


def test_the_more_specific_card_wins_and_the_other_is_still_named() -> None:
    won = claim({facts.SNMP_SYS_DESCR: "ACME InfuNet Server GS2 SW 4.1.2", "snmp.oid.1.3.6.1.4.1.99.1.0": "SN-1"})
    assert (won.card, won.cards) == ("acme-pump-server", ("acme-pump-server", "acme"))
    assert (won.device_type, won.model, won.firmware, won.serial) == ("infusion_server", "GS2", "4.1.2", "SN-1")
    assert won.confidence == 0.6


def test_what_the_winner_leaves_open_is_filled_by_standard_mibs_never_by_a_lesser_card() -> None:
    won = claim({facts.SNMP_SYS_DESCR: "ACME box", facts.SNMP_ENT_SERIAL: "E1", facts.SNMP_ENT_SOFTWARE: "9.9"})
    assert (won.card, won.serial, won.firmware, won.confidence) == ("acme", "E1", "old", 0.85)


def test_a_neighbour_known_over_lldp_alone_is_recognised_untouched() -> None:
    assert claim({facts.LLDP_SYS_DESCR: "ACME InfuNet Server GS2 SW 4.1.2"}).card == "acme-pump-server"


def test_nobody_knows_it_is_a_claim_too() -> None:
    unknown = claim({facts.SNMP_SYS_DESCR: "thing"})
    assert unknown.is_unknown
    assert (unknown.category, unknown.confidence) == (None, 0.0)


def test_printer_mib_makes_a_printer_of_a_device_no_card_knows() -> None:
    seen = claim({facts.SNMP_PRT_SERIAL: "X3B8022793", facts.SNMP_HR_PRINTER: "WF-C5790"}, load_cards())
    assert (seen.category, seen.card, seen.serial, seen.model) == (
        Category.PRINTER,
        STANDARD_CARD,
        "X3B8022793",
        "WF-C5790",
    )


def test_the_enterprise_number_names_the_maker_and_a_toolkit_names_nobody() -> None:
    maker = claim({facts.SNMP_SYS_OBJECT_ID: "1.3.6.1.4.1.3592.9.9"}, load_cards())
    assert (maker.manufacturer, maker.category) == ("Dräger", Category.MEDICAL)
    assert claim({facts.SNMP_SYS_OBJECT_ID: "1.3.6.1.4.1.8072.3.2.10"}, load_cards()).manufacturer is None


@pytest.mark.parametrize("value", ["N/A", "0000000", "To be filled by O.E.M.", "  ", "unknown", "-"])
def test_a_placeholder_is_no_value(value: str) -> None:
    assert claim({facts.SNMP_SYS_DESCR: "ACME box", facts.SNMP_ENT_SERIAL: value}).serial is None


def test_questions_are_put_only_to_devices_they_are_meant_for() -> None:
    (ask,) = further_asks({facts.SNMP_SYS_DESCR: "ACME InfuNet Server GS2 SW 4.1.2"}, CARDS)
    assert (ask.oid, ask.first) == ((1, 3, 6, 1, 4, 1, 99, 1, 0), False)
    assert further_asks({facts.SNMP_SYS_DESCR: "ACME box"}, CARDS) == ()


def test_the_order_of_files_changes_no_claim() -> None:
    turned = card_set(reversed(parse_cards(PUMPS, origin="test")))
    assert turned == CARDS


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("category: server", "category: pump"), "category 'pump' is none of network"),
        (("maturity: recorded", "maturity: sure"), "maturity 'sure'"),
        (("id: acme\n", "id: Acme Pump\n"), "id 'Acme Pump'"),
        (
            ("match: {snmp.sys_descr: '^ACME '}", "match: {snmp.sys_contact: '^ACME '}"),
            "unknown fact 'snmp.sys_contact'",
        ),
        (("'^ACME '", "'^ACME (?P<owner>.+)'"), "captures ['owner']"),
        (("'^ACME '", "'^ACME (.+)'"), "captures a nameless group"),
        (("'^ACME '", "'ACME '"), "not anchored"),
        (
            ("source: test\nmatch: {snmp.sys_descr: '^ACME '}", "source: test\nmodel: x\nmatch: {}"),
            "unknown key 'model'",
        ),
        (("asks: [1.3.6.1.4.1.99.1.0]", "asks: [1.3.6.1.4.1.99.2.0]"), "does not ask for it"),
        (("asks: [1.3.6.1.4.1.99.1.0]", "asks: [1.3.6.1.4.1.99.1.0, 1.3.6.1.4.1.99.2.0]"), "does not read it"),
        (("examples: [{given: {snmp.sys_descr: ACME x}, gives: {}}]", "never: []"), "no example"),
        (("firmware: 'old'", "firmware: 4.1"), "write it in quotes"),
        (("id: acme-pump-server", "id: acme"), "two cards have the id acme"),
    ],
)
def test_a_card_that_breaks_a_rule_is_refused_by_name(change: tuple[str, str], reason: str) -> None:
    assert change[0] in PUMPS
    with pytest.raises(CardError, match="reading cards") as refused:
        card_set(parse_cards(PUMPS.replace(*change, 1), origin="test.yaml"))
    assert reason in str(refused.value)


def test_a_card_may_not_put_its_questions_to_every_device() -> None:
    greedy = PUMPS.split("---")[1].replace(
        "match: {snmp.sys_descr: '^ACME InfuNet Server (?P<model>[A-Z0-9]+) SW (?P<firmware>[0-9.]+)$'}",
        "match: {snmp.oid.1.3.6.1.4.1.99.1.0: '^.'}",
    )
    with pytest.raises(CardError, match="to every device"):
        parse_cards(greedy, origin="test")


@pytest.mark.parametrize(
    "pattern",
    [
        "^(?:a+)+$",
        "^(?:[a-z]{1,9}){2,}",
        "^(?=a)b",
        "^(?P<model>a)(?P=model)",
        "^.*.*.*",
        "^(?:a|b*)+c",
        "^a" * 400,
        "^(",
    ],
)
def test_a_pattern_that_could_run_away_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


@pytest.mark.parametrize("pattern", ["^[0-9.]+$", "^a(?: b+)?c", "^.{0,40}x.*y", r"^\S+ \S+ \S+ [^;]+;[^;]+"])
def test_a_pattern_that_stays_in_hand_is_taken(pattern: str) -> None:
    assert compile_pattern(pattern).pattern == pattern

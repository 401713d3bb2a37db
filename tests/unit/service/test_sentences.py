"""Chains and reasons as sentences: the cause first, the numbers as they are, in both languages."""

from dataclasses import replace

import pytest

from riskdb.model.care import AllOf, Capability, CareGraph, Leaf, Node, NodeKind, Pathway, Severity, Step
from riskdb.model.ids import CapabilityId, NodeId, PathwayId, PathwayTypeId, PopulationId, StepId, UnitId
from riskdb.model.impact import Chain, Event, EventKind, Impact, RankedNode, Reason
from riskdb.model.scenario import Mode
from service.names import Language, Names, names_of, percent
from service.sentences import chain_sentence, count, duration, impact_sentence, reason_sentence

ICU = UnitId("icu-a")
GRAPH = CareGraph(
    nodes=(
        Node(id=NodeId("srv"), kind=NodeKind.ASSET, name="Pump server P0"),
        Node(id=NodeId("pump"), kind=NodeKind.ASSET, name="Pump 7"),
        Node(id=NodeId("assumed:infusion@icu-a"), kind=NodeKind.ASSUMED, name="x"),
    ),
    capabilities=(
        Capability(id=CapabilityId("infusion@icu-a"), providers=(NodeId("pump"),), needed=1, name="Infusion", unit=ICU),
        Capability(
            id=CapabilityId("infuse"), providers=(NodeId("pump"),), needed=1, name="A capability named as a step"
        ),
    ),
    pathways=(
        Pathway(
            id=PathwayId("icu@icu-a"),
            instance_of=PathwayTypeId("icu"),
            population=PopulationId("critical"),
            name="Intensive care",
            unit=ICU,
            steps=(
                Step(
                    id=StepId("infuse"),
                    requires=AllOf((Leaf("infusion@icu-a"),)),
                    severity=Severity(availability=5, integrity=5, confidentiality=1),
                    name="Continuous infusion",
                ),
            ),
        ),
    ),
)


def names(language: Language = Language.EN) -> Names:
    return names_of(GRAPH, language=language, units={ICU: "Ward A"})


def chain(kind: EventKind, *events: tuple[EventKind, str, int], at: int, share: float = 0.5) -> Chain:
    return Chain(
        pathway=PathwayId("icu@icu-a"),
        step=StepId("infuse"),
        kind=kind,
        starts_at_min=at,
        share=share,
        events=tuple(Event(kind=k, subject=NodeId(subject), at_min=minute) for k, subject, minute in events),
    )


STOPPED = chain(
    EventKind.LOST,
    (EventKind.LOST, "icu@icu-a", 120),
    (EventKind.SHORT, "infuse", 90),
    (EventKind.SHORT, "infusion@icu-a", 90),
    (EventKind.DOWN, "pump", 90),
    (EventKind.DOWN, "srv", 0),
    (EventKind.TAKEN, "srv", 0),
    at=120,
)


def test_a_loss_is_told_from_its_cause() -> None:
    assert chain_sentence(STOPPED, names()) == (
        "2 hours after Pump server P0 stops, Intensive care (Ward A) loses up to 50% of its care at the step "
        "“Continuous infusion”: Pump 7 stops after 1 h 30 min, Infusion (Ward A) falls short."
    )


def test_the_same_loss_in_french() -> None:
    assert chain_sentence(STOPPED, names(Language.FR)) == (
        "Pump server P0 s’arrête ; 2 heures plus tard, Intensive care (Ward A) perd jusqu’à 50\u00a0% de sa capacité "
        "de prise en charge à l’étape « Continuous infusion » : Pump 7 s’arrête après 1 h 30 min, "
        "Infusion (Ward A) ne suffit plus."
    )


def test_a_lie_counts_from_the_first_moment_and_a_found_liar_is_withdrawn() -> None:
    exposed = chain(
        EventKind.EXPOSED, (EventKind.EXPOSED, "icu@icu-a", 0), (EventKind.LYING, "srv", 0), at=0, share=1.0
    )
    assert chain_sentence(exposed, names()).startswith("As soon as Pump server P0 gives false values, Intensive care")
    found_out = chain(
        EventKind.LOST,
        (EventKind.LOST, "icu@icu-a", 800),
        (EventKind.SHORT, "infuse", 720),
        (EventKind.SHORT, "infusion@icu-a", 720),
        (EventKind.LYING, "srv", 0),
        at=800,
    )
    assert "it is found out and withdrawn after 12 hours, Infusion (Ward A) falls short." in chain_sentence(
        found_out, names()
    )


def test_a_device_withdrawn_for_its_lies_is_not_said_to_stop_by_itself() -> None:
    withdrawn = chain(
        EventKind.LOST,
        (EventKind.LOST, "icu@icu-a", 780),
        (EventKind.SHORT, "infuse", 720),
        (EventKind.SHORT, "infusion@icu-a", 720),
        (EventKind.DOWN, "pump", 720),
        (EventKind.LYING, "pump", 0),
        (EventKind.LYING, "srv", 0),
        at=780,
    )
    assert chain_sentence(withdrawn, names()).endswith(
        ": Pump 7 gives false values, it is found out and withdrawn after 12 hours, Infusion (Ward A) falls short."
    )


def test_a_takeover_that_takes_time_is_told() -> None:
    later = chain(
        EventKind.LOST,
        (EventKind.LOST, "icu@icu-a", 60),
        (EventKind.SHORT, "infuse", 30),
        (EventKind.SHORT, "infusion@icu-a", 30),
        (EventKind.DOWN, "pump", 30),
        (EventKind.TAKEN, "pump", 30),
        (EventKind.TAKEN, "srv", 0),
        at=60,
    )
    assert chain_sentence(later, names()).startswith("1 hour after Pump server P0 is taken over, ")


def test_a_step_and_a_capability_of_one_id_are_not_mixed_up() -> None:
    same_id = chain(
        EventKind.LOST,
        (EventKind.LOST, "icu@icu-a", 0),
        (EventKind.SHORT, "infuse", 0),
        (EventKind.SHORT, "infuse", 0),
        (EventKind.DOWN, "pump", 0),
        at=0,
    )
    assert names().along(same_id)[1:3] == ("Continuous infusion", "A capability named as a step")


def test_what_is_only_assumed_goes_by_the_name_of_what_it_stands_for() -> None:
    assert names().nodes["assumed:infusion@icu-a"] == "Infusion (Ward A)"


def row(*, mode: Mode, affected: float, exposed: float) -> RankedNode:
    return RankedNode(
        rank=1,
        id=NodeId("srv"),
        score=1.0,
        mode=mode,
        vital=False,
        index={mode: {"7d": 1.0}},
        patients_affected={"7d": affected},
        patients_exposed={"7d": exposed},
        reason=Reason(mode=mode, pathways=(PathwayId("icu@icu-a"),), chains=(STOPPED,)),
    )


def test_a_reason_says_who_is_hurt_how_many_and_how() -> None:
    text = reason_sentence(row(mode=Mode.AVAILABILITY, affected=3.44, exposed=0), names(), horizon="7d")
    assert text.startswith(
        "An attacker who takes over Pump server P0 and stops it interrupts care in Intensive care (Ward A). "
        "Within 7 days: 3.4 patients without care. 2 hours after"
    )


def test_french_counts_with_a_comma_and_the_plural_begins_at_two() -> None:
    text = reason_sentence(row(mode=Mode.INTEGRITY, affected=1.5, exposed=2.5), names(Language.FR), horizon="7d")
    assert text.startswith(
        "Un attaquant qui compromet Pump server P0 et en falsifie les valeurs met des patients en danger : "
        "Intensive care (Ward A). En 7 jours : 1,5 patient privé de soins "
        "et 2,5 patients exposés à des valeurs fausses."
    )


def test_pathways_are_listed_as_people_list_them() -> None:
    told = {
        number: reason_sentence(
            replace(
                row(mode=Mode.AVAILABILITY, affected=20, exposed=0),
                reason=Reason(
                    mode=Mode.AVAILABILITY, pathways=tuple(PathwayId(f"p{i}") for i in range(number)), chains=()
                ),
            ),
            names(),
            horizon="7d",
        ).partition(" care in ")[2]
        for number in (2, 3, 4, 5)
    }
    harm = "Within 7 days: 20 patients without care (each pathway counts its own)."
    assert told == {
        2: f"p0 and p1. {harm}",
        3: f"p0, p1 and p2. {harm}",
        4: f"p0, p1, p2 and 1 more pathway. {harm}",
        5: f"p0, p1, p2 and 2 more pathways. {harm}",
    }


def exposing(records: int) -> Impact:
    return Impact(nodes={}, records_exposed={"7d": records}, index={"7d": 0.0}, pathways=())


@pytest.mark.parametrize(
    ("records", "english", "french"),
    [
        (0, "gets at no record", "n’accède à aucun dossier"),
        (1, "gets at 1 record", "accède à 1 dossier"),
        (12_400, "gets at 12,400 records", "accède à 12\u202f400 dossiers"),
    ],
)
def test_records_are_counted_in_both_languages(records: int, english: str, french: str) -> None:
    def told(language: Language) -> str:
        return impact_sentence("srv", Mode.CONFIDENTIALITY, exposing(records), names=names(language), horizon="7d")

    assert told(Language.EN) == f"Within 7 days, an attacker who takes over Pump server P0 {english}."
    assert told(Language.FR) == f"En 7 jours, un attaquant qui compromet Pump server P0 {french}."


def test_whoever_harms_nobody_is_said_to() -> None:
    told = impact_sentence("srv", Mode.AVAILABILITY, exposing(0), names=names(Language.FR), horizon="7d")
    assert told == "En 7 jours, un attaquant qui compromet Pump server P0 ne touche aucun patient."


@pytest.mark.parametrize(
    ("minutes", "english", "french"),
    [
        (1, "1 minute", "1 minute"),
        (30, "30 minutes", "30 minutes"),
        (60, "1 hour", "1 heure"),
        (150, "2 h 30 min", "2 h 30 min"),
        (1_440, "24 hours", "24 heures"),
        (4_320, "3 days", "3 jours"),
    ],
)
def test_times_are_said_as_people_say_them(minutes: int, english: str, french: str) -> None:
    assert (duration(minutes, Language.EN), duration(minutes, Language.FR)) == (english, french)


def test_a_trace_is_not_rounded_to_nothing() -> None:
    assert percent(0.001, Language.EN) == "< 1%"
    assert percent(0.999, Language.EN) == "> 99%"
    assert percent(1.0, Language.EN) == "100%"
    assert count(0.04, Language.EN) == "< 0.1"
    assert count(12.4, Language.EN) == "12"

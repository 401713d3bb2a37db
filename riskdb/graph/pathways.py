"""Pathways where they happen: instances by unit, companions for steps that concern some of the people. Pure.

A step that concerns 40 % of the people stands, with the others of that share, in a companion pathway
`medication~0.4` of the same population. It is its own kind of pathway: totals add the instances of one kind and take
the largest kind of a population, so nobody is counted twice.
"""

from collections.abc import Iterable, Mapping, Sequence

from riskdb.graph.capabilities import Capabilities
from riskdb.graph.evidence import Evidence
from riskdb.knowledge.contents import Pack
from riskdb.knowledge.trees import leaves
from riskdb.knowledge.types import PathwayType, StepType
from riskdb.model.care import (
    DETECTION_DEFAULT_MIN,
    HORIZON_END_MIN,
    Fallback,
    Pathway,
    QuestionKind,
    Severity,
    Step,
)
from riskdb.model.ids import PathwayId, PathwayTypeId, UnitId, UnitTypeId
from riskdb.model.place import Unit

PACK_BEDS = 500  # the pack's census and arrivals are stated for an establishment of this size
HOURS_PER_DAY = 24
PEOPLE_DIGITS = 6  # of a person; keeps a share of a share readable in documents


class Pathways:
    """Makes the pathways of one establishment. One for each build."""

    def __init__(
        self,
        *,
        pack: Pack,
        units: Mapping[UnitId, Unit],
        beds: int | None,
        capabilities: Capabilities,
        evidence: Evidence,
    ) -> None:
        self._pack = pack
        self._capabilities = capabilities
        self._evidence = evidence
        self._units: dict[UnitTypeId, list[Unit]] = {}
        for unit in units.values():
            self._units.setdefault(unit.unit_type, []).append(unit)
        self._size = (beds or self._inpatient_beds() or PACK_BEDS) / PACK_BEDS

    def build(self) -> tuple[Pathway, ...]:
        """All pathways, in the pack's order, units in order of id."""
        return tuple(pathway for kind in self._pack.pathways.values() for pathway in self._of(kind))

    def _inpatient_beds(self) -> int:
        return sum(
            unit.beds
            for unit_type, units in self._units.items()
            for unit in units
            if unit_type in self._pack.unit_types and self._pack.unit_types[unit_type].inpatient
        )

    def _of(self, kind: PathwayType) -> Iterable[Pathway]:
        if kind.unit_type is None:
            self._ask_units(kind)
            yield from self._instances(kind, None, share=1.0)
            return
        units = self._units.get(kind.unit_type, [])
        if not units:
            self._ask_no_unit(kind, kind.unit_type, lost=True)
        for unit, share in self._shares(units):
            yield from self._instances(kind, unit, share=share)

    def _shares(self, units: Sequence[Unit]) -> Iterable[tuple[Unit, float]]:
        """Each unit with its share of the people, by beds; one whose beds nobody stated counts as an average one."""
        known = [unit.beds for unit in units if unit.beds > 0]
        average = sum(known) / len(known) if known else 1.0
        total = sum(unit.beds or average for unit in units)
        for unit in units:
            if unit.beds <= 0 and len(units) > 1:
                self._evidence.ask(
                    QuestionKind.UNKNOWN_BEDS,
                    unit.id,
                    en=f"How many beds does {unit.name} have? It counts as an average unit of its type.",
                    fr=f"Combien de lits compte {unit.name} ? À défaut, la moyenne des unités de ce type est retenue.",
                )
            yield unit, (unit.beds or average) / total

    def _instances(self, kind: PathwayType, unit: Unit | None, *, share: float) -> Iterable[Pathway]:
        """The pathway in one place, and a companion for each share of people that some of its steps concern."""
        by_people: dict[float, list[StepType]] = {}
        for step in kind.steps:
            people = 1.0 if step.people_share is None else self._evidence.value(step.people_share)
            by_people.setdefault(people, []).append(step)
        place = "" if unit is None else f"@{unit.id}"
        for people, steps in by_people.items():
            companion = "" if people == 1.0 else f"~{people:g}"
            scale = self._size * share * people
            arrivals_per_day = self._evidence.value(kind.arrivals_per_day_per_500_beds)
            yield Pathway(
                id=PathwayId(f"{kind.id}{place}{companion}"),
                instance_of=PathwayTypeId(f"{kind.id}{companion}"),
                population=kind.population,
                census=round(self._evidence.value(kind.census_per_500_beds) * scale, PEOPLE_DIGITS),
                arrivals_per_h=round(arrivals_per_day * scale / HOURS_PER_DAY, PEOPLE_DIGITS),
                steps=tuple(self._step(step, unit) for step in steps),
                name=kind.name.en,
                unit=None if unit is None else unit.id,
            )

    def _step(self, step: StepType, unit: Unit | None) -> Step:
        return Step(
            id=step.id,
            requires=self._capabilities.for_step(step.requires, unit=unit, unit_types=step.unit_types),
            severity=Severity(
                availability=self._evidence.minutes(step.severity.availability),
                integrity=self._evidence.minutes(step.severity.integrity),
                confidentiality=self._evidence.minutes(step.severity.confidentiality),
            ),
            tolerance_min=self._evidence.minutes(step.tolerance_min),
            fallbacks=tuple(
                Fallback(
                    requires=self._capabilities.for_step(mode.requires, unit=unit, unit_types=step.unit_types),
                    served_share=self._evidence.value(mode.served_share),
                    holds_min=min(self._evidence.minutes(mode.holds_min), HORIZON_END_MIN),
                    name=mode.procedure.en,
                )
                for mode in step.fallbacks
            ),
            integrity_detected_after_min=self._detection_min(step),
            name=step.name.en,
        )

    def _detection_min(self, step: StepType) -> int:
        """How long lies of its providers go unnoticed: the longest of the types that provide what it requires.

        The worst case, and safe to take: a type that is withdrawn once found lying carries its own, shorter time on
        its nodes, and that bounds it there.
        """
        detection = [
            self._evidence.minutes(self._pack.device_types[device_type].integrity_detected_after_min)
            for capability in dict.fromkeys(leaves(step.requires))
            for device_type in self._pack.capabilities[capability].provided_by
        ]
        return max(detection, default=DETECTION_DEFAULT_MIN)

    def _ask_units(self, kind: PathwayType) -> None:
        for unit_types in dict.fromkeys(step.unit_types for step in kind.steps if step.unit_types):
            if not any(unit_type in self._units for unit_type in unit_types):
                self._ask_no_unit(kind, unit_types[0], lost=False)

    def _ask_no_unit(self, kind: PathwayType, unit_type: UnitTypeId, *, lost: bool) -> None:
        name = self._pack.unit_types[unit_type].name
        self._evidence.ask(
            QuestionKind.NO_UNIT_OF_TYPE,
            f"{kind.id}:{unit_type}",
            en=f"Is there a unit of type “{name.en}”? None is known; "
            + (f"the pathway “{kind.name.en}” is left out." if lost else f"the pathway “{kind.name.en}” assumes one."),
            fr=f"Existe-t-il une unité de type « {name.fr} » ? Aucune n’est connue ; "
            + (
                f"le parcours « {kind.name.fr} » est écarté."
                if lost
                else f"le parcours « {kind.name.fr} » en suppose une."
            ),
        )

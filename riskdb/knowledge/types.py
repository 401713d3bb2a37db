"""What a knowledge pack holds, as values: device types, capabilities, pathways, each number with its origin.

Station 5 reads them. They know nothing of files; `riskdb.knowledge.reading` makes them from a pack directory.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, NewType

from pydantic import ConfigDict, PlainSerializer, PlainValidator

from riskdb.knowledge.trees import parse_tree, tree_document
from riskdb.model.care import Tree
from riskdb.model.ids import CapabilityTypeId, DeviceTypeId, PathwayTypeId, PopulationId, StepId, UnitTypeId

SourceId = NewType("SourceId", str)
CareTree = Annotated[Tree, PlainValidator(parse_tree), PlainSerializer(tree_document)]  # over capability ids
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Confidence(StrEnum):
    """Where a number comes from."""

    PUBLISHED = "published"  # in a listed source
    EXPERT_DEFAULT = "expert default"  # set by the pack's authors; the establishment edits and signs it


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number with its range, origin and review state. `low` and `high` are None where nobody gave a range."""

    __pydantic_config__ = STRICT

    value: int | float
    low: int | float | None
    high: int | float | None
    confidence: Confidence
    basis: str | None
    sources: tuple[SourceId, ...]
    reviewed_by: str | None
    reviewed_at: date | None

    @property
    def is_reviewed(self) -> bool:
        """Whether a named person stood up for it on a known day."""
        return self.reviewed_by is not None and self.reviewed_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text in both languages of the console."""

    __pydantic_config__ = STRICT

    en: str = ""
    fr: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A publication that numbers refer to."""

    __pydantic_config__ = STRICT

    id: SourceId
    title: str
    url: str
    says: str
    read_as: str  # page, abstract, search result: how much of it was read


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitType:
    """A kind of place; `inpatient` ones have the beds that scale the establishment."""

    __pydantic_config__ = STRICT

    id: UnitTypeId
    name: Text
    inpatient: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """The people several pathways count; within one, people are counted once."""

    __pydantic_config__ = STRICT

    id: PopulationId
    name: Text


class CapabilityKind(StrEnum):
    """What provides a capability."""

    DEVICE = "device"
    INFORMATION_SYSTEM = "is"
    BUILDING = "building"
    CLOUD = "cloud"
    MANUAL = "manual"  # people and paper; no asset provides it


class Scope(StrEnum):
    """Whether each unit has its own or the establishment shares one."""

    UNIT = "unit"
    ESTABLISHMENT = "establishment"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityType:
    """Something a hospital can do as long as enough assets of the given types work."""

    __pydantic_config__ = STRICT

    id: CapabilityTypeId
    kind: CapabilityKind
    name: Text
    scope: Scope
    provided_by: tuple[DeviceTypeId, ...]
    minimum_share: Number | None = None  # of the providers, for normal service; None for a manual one
    minimum_share_by_unit_type: Mapping[UnitTypeId, Number] = field(default_factory=dict)

    def share_in(self, unit_type: UnitTypeId | None) -> Number | None:
        """The minimum share that holds in units of this type."""
        if unit_type is None:
            return self.minimum_share
        return self.minimum_share_by_unit_type.get(unit_type, self.minimum_share)


class Copes(StrEnum):
    """How a type gets along without something it depends on; a Number of minutes says it exactly."""

    HARD = "hard"  # stops at once
    BATTERY = "battery"  # stops after the type's battery minutes, at once without any
    LOCAL = "local"  # keeps its clinical function; listed only
    RESTART = "restart"  # needed for repair or cold start, not now


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A type depends on a capability."""

    __pydantic_config__ = STRICT

    capability: CapabilityTypeId
    tolerance: Copes | Number
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manages:
    """Who controls this type controls the targets after the delay."""

    __pydantic_config__ = STRICT

    types: tuple[DeviceTypeId, ...]
    delay_min: Number
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """A wrong value here makes the targets wrong: types, or whatever provides the capabilities."""

    __pydantic_config__ = STRICT

    why: str
    types: tuple[DeviceTypeId, ...] = ()
    capabilities: tuple[CapabilityTypeId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """What happens to a patient, and how bad it is."""

    __pydantic_config__ = STRICT

    severity: Number
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Harms:
    """The harm of losing each of the three."""

    __pydantic_config__ = STRICT

    availability: Harm
    integrity: Harm
    confidentiality: Harm


@dataclass(frozen=True, slots=True, kw_only=True)
class EmdnCode:
    """European Medical Device Nomenclature."""

    __pydantic_config__ = STRICT

    code: str
    term: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FdaCode:
    """FDA product classification."""

    __pydantic_config__ = STRICT

    code: str
    name: str
    device_class: str
    regulation: str | None
    life_sustain_support_flag: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Nomenclature11073:
    """ISO/IEEE 11073-10101 device specialisation."""

    __pydantic_config__ = STRICT

    ref: str
    code: int


class DeviceCategory(StrEnum):
    """Which part of the hospital a type belongs to."""

    BUILDING = "building"
    CARDIOLOGY = "cardiology"
    CLINICAL_IT = "clinical_it"
    ENDOSCOPY = "endoscopy"
    HOME_CLOUD = "home_cloud"
    IMAGING = "imaging"
    INFUSION = "infusion"
    IT_INFRA = "it_infra"
    LABORATORY = "laboratory"
    LIFE_SUPPORT = "life_support"
    MONITORING = "monitoring"
    OFFICE = "office"
    PERINATAL = "perinatal"
    PHARMACY = "pharmacy"
    PREHOSPITAL = "prehospital"
    RADIOTHERAPY = "radiotherapy"
    RENAL = "renal"
    SURGERY = "surgery"
    TRANSFUSION = "transfusion"
    WARD = "ward"


class WithoutNetwork(StrEnum):
    """What is left of the clinical function without network or server."""

    FULL = "full"
    REDUCED = "reduced"  # works alone with loss of lists, records or throughput
    NONE = "none"


class StoresPersonalData(StrEnum):
    """Whether personal data rest on it."""

    YES = "yes"
    NO = "no"
    DEPENDS = "depends"  # on model and settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceType:
    """A kind of device or system: what it depends on, controls and feeds, and what its loss does to patients."""

    __pydantic_config__ = STRICT

    id: DeviceTypeId
    name: Text
    category: DeviceCategory
    is_medical_device: bool
    life_support_class: int  # 0 no direct effect, 1 harm by delay, 2 serious within hours, 3 within minutes
    without_network: WithoutNetwork
    stores_personal_data: StoresPersonalData
    integrity_detected_after_min: Number  # until staff notice that it gives wrong values
    withdrawn_when_detected: bool  # taken out of service once found wrong
    dependencies: tuple[Dependency, ...]
    harm: Harms
    maintenance_duty_fr: str  # what French law may ask (order of 3 March 2003); to be checked by class
    typical_protocols: tuple[str, ...]
    typical_vendors: tuple[str, ...]  # examples, not verified
    battery_min: Number | None = None  # value is the low end
    withdrawn_note: str | None = None
    cross_check: Number | None = None  # how many wrong sources it takes to make it wrong
    carries: tuple[CapabilityTypeId, ...] = ()  # stands in the line: a link to it replaces the need of these
    manages: tuple[Manages, ...] = ()
    feeds: tuple[Feeds, ...] = ()
    loses_when_alone: tuple[CapabilityTypeId, ...] = ()
    no_care_effect: str | None = None  # why it reaches no step
    emdn: EmdnCode | None = None
    fda: FdaCode | None = None
    dicom_modality: str | None = None
    ieee11073: Nomenclature11073 | None = None
    eu_class_typical: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Severities:
    """How bad it is, 1 (negligible) to 5 (catastrophic), to lose each of the three in a step."""

    __pydantic_config__ = STRICT

    availability: Number
    integrity: Number
    confidentiality: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class DegradedMode:
    """A lesser way of doing a step: what it needs, how long it holds, what share of patients it serves."""

    __pydantic_config__ = STRICT

    procedure: Text
    requires: CareTree
    holds_min: Number
    served_share: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class StepType:
    """One thing that must happen on a pathway."""

    __pydantic_config__ = STRICT

    id: StepId
    name: Text
    unit_types: tuple[UnitTypeId, ...]  # where its unit-scoped capabilities live
    requires: CareTree  # normal service only
    tolerance_min: Number  # until patients are expected to be harmed if nothing replaces the step
    severity: Severities
    fallbacks: tuple[DegradedMode, ...] = ()
    people_share: Number | None = None  # of the pathway's people whom the step concerns; None is all


class SafetyImpact(StrEnum):
    """SSVC's safety impact of losing a pathway."""

    NEGLIGIBLE = "negligible"
    MARGINAL = "marginal"
    CRITICAL = "critical"
    CATASTROPHIC = "catastrophic"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwayType:
    """A care pathway with its people and steps. `instance_per` is `establishment` or a unit type."""

    __pydantic_config__ = STRICT

    id: PathwayTypeId
    name: Text
    description: str
    population: PopulationId
    instance_per: str
    census_per_500_beds: Number  # people under this care at one moment
    arrivals_per_day_per_500_beds: Number
    severity: Number
    ssvc_safety_impact: SafetyImpact
    steps: tuple[StepType, ...]
    notes: str | None = None

    @property
    def unit_type(self) -> UnitTypeId | None:
        """The unit type it has an instance for each of; None when it exists once."""
        return None if self.instance_per == ESTABLISHMENT else UnitTypeId(self.instance_per)


ESTABLISHMENT = "establishment"

"""Names for things, so that a unit is never passed where an asset is meant."""

from typing import NewType

EstablishmentId = NewType("EstablishmentId", int)
AgentId = NewType("AgentId", str)
ObservationId = NewType("ObservationId", str)  # 32 hex digits, a digest of the observation's content
BatchId = NewType("BatchId", str)  # a UUID made by the sender; the same batch twice counts once
AssetId = NewType("AssetId", str)
UnitId = NewType("UnitId", str)
CardId = NewType("CardId", str)
DeviceTypeId = NewType("DeviceTypeId", str)
UnitTypeId = NewType("UnitTypeId", str)
CapabilityTypeId = NewType("CapabilityTypeId", str)  # of the pack: infusion_delivery
CapabilityId = NewType("CapabilityId", str)  # in a graph: infusion_delivery@icu-a
PathwayTypeId = NewType("PathwayTypeId", str)
PathwayId = NewType("PathwayId", str)
StepId = NewType("StepId", str)
PopulationId = NewType("PopulationId", str)
NodeId = NewType("NodeId", str)

"""How well a hospital was discovered: observations and assets against the truth that only the scorer has seen.

Pure. What counts as right is defined in docs/guides/hospital-format.md; nothing is left out because it went wrong.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from discovery.sim.handout import prefix_number
from discovery.sim.hospital import Device, Hospital
from discovery.sim.mib import joined
from riskdb.model import facts
from riskdb.model.asset import Asset, AttributeName
from riskdb.model.ids import AssetId, ObservationId
from riskdb.model.observation import Observation, Protocol

SCORED = ("device_type", "model", "firmware")
_SOURCE_LINE = re.compile(r"(?:.*/)?([^/]+?\.csv)\D+([0-9]+)\D*")
_TOLD = ("device_type", "manufacturer", "model", "firmware", "serial", "mac", "address", "hostname", "unit", "room")
Answer = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Truth:
    """Which true thing each observation speaks of."""

    by_address: Mapping[str, str]
    by_mac: Mapping[str, str]
    by_line: Mapping[tuple[str, int], str]

    def of(self, observation: Observation) -> str | None:
        """A device id, `retired-...` for a line about a device that is gone, None for what is no device."""
        if observation.protocol is Protocol.IMPORT:
            found = _SOURCE_LINE.fullmatch(observation.facts.get(facts.IMPORT_SOURCE, ""))
            return None if found is None else self.by_line.get((found[1], int(found[2])))
        if observation.address is not None:
            return self.by_address.get(observation.address)
        return None if observation.mac is None else self.by_mac.get(observation.mac)


def truth_of(hospital: Hospital, prefix: str) -> Truth:
    """The truth of a hospital that runs in `prefix`. A docking station's MAC is the device that sits on it."""
    number = prefix_number(prefix)
    macs = {d.mac: d.id for d in hospital.devices if d.mac is not None}
    return Truth(
        by_address={joined(d.address, prefix=number): d.id for d in hospital.devices if d.address is not None},
        by_mac=macs | {d.wire_mac: d.id for d in hospital.devices if d.wire_mac is not None},
        by_line={
            (name, line): truth
            for name, truths in hospital.line_truth.items()
            for line, truth in enumerate(truths, start=2)  # the first line names the columns
        },
    )


def answer_of(asset: Asset) -> Answer:
    """What an asset says of itself, in the words of the truth."""
    return {"id": asset.id, **{name: asset.value(AttributeName(name)) for name in _TOLD}}


def score(
    hospital: Hospital,
    prefix: str,
    *,
    observations: Iterable[Observation],
    assets: Iterable[Answer],
    asset_of_observation: Mapping[ObservationId, AssetId],
    claims_unknown: int,
) -> dict[str, Any]:
    """The parts ground_truth, discovered, identity and devices of the demo document.

    `assets` are the answers (`answer_of`), each with its `id`; an observation that belongs to no asset counts as alone.
    """
    truth = truth_of(hospital, prefix)
    heard = list(observations)
    cells = Counter(
        (about, str(asset_of_observation.get(o.id, f"alone:{o.id}")))
        for o in heard
        if (about := truth.of(o)) is not None
    )
    answers = {str(a["id"]): a for a in assets}
    found = _answers_of_devices(cells, answers)
    number = prefix_number(prefix)
    return {
        "ground_truth": {
            "devices": len(hospital.devices),
            "by_device_type": dict(sorted(Counter(d.device_type or "none" for d in hospital.devices).items())),
        },
        "discovered": {"devices": len(answers), "observations": len(heard), "claims_unknown": claims_unknown},
        "identity": {
            **_pairwise(cells),
            **{f"{name}_accuracy": _accuracy(hospital.devices, found, name) for name in SCORED},
        },
        "devices": [{"truth": _told(d, number), "answer": found.get(d.id)} for d in hospital.devices],
    }


def _pairwise(cells: Mapping[tuple[str, str], int]) -> dict[str, float]:
    """Of the pairs of observations put together, how many belong together, and the other way round."""
    of_truth: Counter[str] = Counter()
    of_asset: Counter[str] = Counter()
    for (about, asset), count in cells.items():
        of_truth[about] += count
        of_asset[asset] += count
    together = sum(map(_pairs, cells.values()))
    answered, true = sum(map(_pairs, of_asset.values())), sum(map(_pairs, of_truth.values()))
    return {
        "pairwise_precision": round(together / answered, 6) if answered else 1.0,
        "pairwise_recall": round(together / true, 6) if true else 1.0,
    }


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _answers_of_devices(cells: Mapping[tuple[str, str], int], answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """A device's answer is the asset that holds most of its observations; of equals the smaller id."""
    best: dict[str, tuple[int, str]] = {}
    for (about, asset), count in cells.items():
        if asset in answers and (about not in best or (-count, asset) < best[about]):
            best[about] = (-count, asset)
    return {about: answers[asset] for about, (_, asset) in best.items()}


def _accuracy(devices: Iterable[Device], found: Mapping[str, Answer], name: str) -> float:
    """Right answers over devices of which some source states the field truly, or of which we answered anything.

    A device never seen, or an empty answer, is wrong if some source states it; a device type that the pack has no word
    for is answered rightly by none.
    """
    right = counted = 0
    for device in devices:
        true, answer = getattr(device, name), found.get(device.id, {}).get(name)
        if true is not None and name not in device.stated and answer is None:
            continue
        counted += 1
        right += _same(true, answer)
    return round(right / counted, 6) if counted else 1.0


def _same(true: str | None, answer: str | None) -> bool:
    if true is None or answer is None:
        return true is answer
    return true.strip().casefold() == answer.strip().casefold()


def _told(device: Device, number: int) -> dict[str, str | None]:
    told: dict[str, str | None] = {name: getattr(device, name) for name in _TOLD}
    if device.address is not None:
        told["address"] = joined(device.address, prefix=number)
    return {"id": device.id, **told}

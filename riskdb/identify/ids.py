"""Station 4: a name for each settled asset that stays the same as long as the device does. Pure.

Known keys give their asset back; a new device is named by a digest of its strongest key.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set

from riskdb.identify.keys import strength_of
from riskdb.model.asset import IdentityKey, KeyKind, KeyStrength
from riskdb.model.ids import AssetId, EstablishmentId

# Among keys of one strength the one that outlives the others names the asset.
_LASTING = (
    KeyKind.UDI_SERIAL,
    KeyKind.SERIAL,
    KeyKind.TLS_KEY,
    KeyKind.ENGINE_ID,
    KeyKind.MAC,
    KeyKind.ASSET_TAG,
    KeyKind.FQDN,
    KeyKind.AE_TITLE,
    KeyKind.MDNS_NAME,
    KeyKind.HOSTNAME,
    KeyKind.ADDRESS,
)
_ORDER = {kind: place for place, kind in enumerate(_LASTING)}


def name_assets(
    devices: Sequence[Set[IdentityKey]], *, establishment: EstablishmentId, known: Mapping[IdentityKey, AssetId]
) -> list[AssetId]:
    """An id for each device, by the keys that may name it; devices come in canonical order.

    Two devices that claim one known id: the one with the strongest key has it, then the one with more keys. Devices
    with the same WEAK keys at different times are numbered as they came.
    """
    claims: list[tuple[int, int, AssetId, int]] = []
    for number, keys in enumerate(devices):
        by_id: dict[AssetId, list[IdentityKey]] = defaultdict(list)
        for key in keys:
            if key in known:
                by_id[known[key]].append(key)
        for asset, holding in by_id.items():
            strongest = max(strength_of(key) for key in holding)
            if strongest > KeyStrength.WEAK:  # addresses and names pass from device to device
                claims.append((-strongest, -len(holding), asset, number))
    named: dict[int, AssetId] = {}
    taken: set[AssetId] = set()
    for _, _, asset, number in sorted(claims):
        if number not in named and asset not in taken:
            named[number] = asset
            taken.add(asset)
    for number, keys in enumerate(devices):
        if number not in named:
            named[number] = _new_id(keys, establishment=establishment, taken=taken)
            taken.add(named[number])
    return [named[number] for number in range(len(devices))]


def _new_id(keys: Set[IdentityKey], *, establishment: EstablishmentId, taken: Set[AssetId]) -> AssetId:
    best = min(keys, key=lambda key: (-strength_of(key), _ORDER[key.kind], key.value))
    turn = 0
    while True:  # ends: each turn gives another digest, and the ids taken are finite
        content = f"{establishment}|{best.kind.value}|{best.value}|{turn}"
        asset = AssetId("a-" + hashlib.sha256(content.encode()).hexdigest()[:16])
        if asset not in taken:
            return asset
        turn += 1

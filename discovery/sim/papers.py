"""What the hospital's people have on file, mistakes included: asset list, ports, declared links.

Pure. It reads the finished drafts and writes rows in the columns of the import files, and beside them which device each
line truly speaks of. The mistakes are those of real lists: typed wrong, copied twice, never corrected.
"""

from collections.abc import Iterator
from random import Random

from discovery.sim.draft import Draft, between, draws
from discovery.sim.hospital import Link, Row, Vlan
from discovery.sim.models import Asked, blueprint, kinds
from discovery.sim.naming import FIRST_HOST
from discovery.sim.populate import Ground

ASSET_COLUMNS = [
    *("asset_tag", "name", "device_type", "manufacturer", "model", "firmware", "serial", "udi_di"),
    *("mac", "address", "hostname", "unit_id", "room_id", "status"),
]
_IT = frozenset({"network", "wireless", "server", "firewall", "appliance", "phone", "printer", "other", "power"})
_UNLISTED = frozenset({"access_point", "camera", "ip_phone"})  # nobody's list has them
_DECLARED_SHARE = 0.8


class AssetList:
    """The asset list in the making: rows, and the true device of each."""

    def __init__(self, random: Random) -> None:
        self.rows: list[Row] = []
        self.truth: list[str] = []
        self._random = random

    def add(self, row: Row, *, truth: str) -> None:
        """One more line, somewhere in the list."""
        place = self._random.randint(0, len(self.rows))
        self.rows.insert(place, row)
        self.truth.insert(place, truth)

    def row_of(self, draft: Draft) -> Row | None:
        """The first line of a device."""
        return next((r for r, t in zip(self.rows, self.truth, strict=True) if t == draft.id), None)


def asset_list(ground: Ground, vlans: list[Vlan], *, opted: frozenset[tuple[str, str]]) -> AssetList:
    """The asset list of the biomedical and the IT department, with every site's mistakes in it."""
    random = draws(ground.seed, "list")
    rows = [
        (draft, _row(draft, number, random, careful=(draft.offer.manufacturer, draft.model) in opted))
        for number, draft in enumerate(ground.drafts, start=1)
        if _is_listed(draft, random) or (draft.offer.manufacturer, draft.model) in opted
    ]
    listed = AssetList(random)
    listed.rows = [row for _, row in rows]
    listed.truth = [draft.id for draft, _ in rows]
    by_site: dict[int, list[tuple[Draft, Row]]] = {}
    for draft, row in rows:
        if (draft.offer.manufacturer, draft.model) not in opted:
            by_site.setdefault(draft.site, []).append((draft, row))
    for site, of_site in by_site.items():
        _make_mistakes(listed, of_site, random=draws(ground.seed, "mistakes", site), site=site, vlans=vlans)
    return listed


def _is_listed(draft: Draft, random: Random) -> bool:
    share = blueprint()["lists"]["it_listed" if draft.kind.category in _IT else "biomedical_listed"]
    return draft.kind.name not in _UNLISTED and random.random() < share


def _row(draft: Draft, number: int, random: Random, *, careful: bool) -> Row:
    """A line as it was once typed; `careful` for models that somebody signed for."""
    plan = blueprint()["lists"]
    row = dict.fromkeys(ASSET_COLUMNS, "")
    known = {share: careful or random.random() < plan[share] for share in plan if not share.endswith("listed")}
    it = draft.kind.category in _IT
    row["asset_tag"] = f"{'IT' if it else 'BM'}-{number:05d}"
    row["name"] = f"{draft.model} no. {number}"
    row["device_type"] = draft.kind.device_type or "" if known["type_known"] else ""
    row["manufacturer"], row["model"], row["serial"] = draft.offer.manufacturer, draft.model, draft.serial
    if random.random() < 0.08 and not careful:
        row["manufacturer"] = row["manufacturer"].upper()
    if known["firmware_known"]:
        stale = random.random() < plan["firmware_stale"] and not careful
        row["firmware"] = random.choice(draft.offer.firmware) if stale else draft.firmware
    row["mac"] = draft.dock_mac or (draft.mac or "" if known["mac_known"] else "")
    row["address"] = draft.address or "" if known["address_known"] and not draft.offer.wifi else ""
    row["hostname"] = draft.hostname or "" if it or careful else ""
    row["unit_id"], row["room_id"] = draft.unit, draft.room or "" if known["room_known"] else ""
    row["status"] = "in_service"
    return row


def _make_mistakes(
    listed: AssetList, rows: list[tuple[Draft, Row]], *, random: Random, site: int, vlans: list[Vlan]
) -> None:
    plan = blueprint()["mistakes"]

    def some(name: str, fits: list[tuple[Draft, Row]]) -> list[tuple[Draft, Row]]:
        return random.sample(fits, min(len(fits), between(random, plan[name])))

    networked = [(d, r) for d, r in rows if d.mac and r["mac"] and not d.kind.virtual and d.dock_mac is None]
    for draft, row in some("swapped_network_cards", networked):
        old = f"{row['mac'][:8]}:{random.randrange(256):02x}:{random.randrange(256):02x}:{random.randrange(256):02x}"
        row["mac"] = old
        row["address"] = row["address"] if draft.kind.asked is Asked.PASSIVE else ""
    for _, row in some("mistyped_serials", rows):
        row["serial"] = _mistype(row["serial"], random)
    for draft, row in some("wrong_models", [(d, r) for d, r in rows if len(d.offer.models) > 1]):
        row["model"] = random.choice([m for n in draft.offer.models if (m := draft.offer.model(n)) != draft.model])
    units = sorted({d.unit for d, _ in rows})
    for draft, row in some("moved_devices", [(d, r) for d, r in rows if d.kind.category == "medical"]):
        row["unit_id"], row["room_id"] = random.choice([u for u in units if u != draft.unit]), ""
    clients = [(d, r) for d, r in rows if d.kind.name == "clinical_pc" and d.dock_mac is None]
    for draft, row in some("reused_hostnames", clients):
        other = random.choice([d for d, _ in clients if d is not draft])
        row["hostname"] = other.hostname or ""
    for draft, row in some("duplicate_lines", rows):
        again = dict(row) | {"asset_tag": f"{row['asset_tag']}-B", "name": f"{row['name']} (bis)", "address": ""}
        again["manufacturer"] = again["manufacturer"].upper()
        listed.add(again, truth=draft.id)
    for number in range(between(random, plan["retired_still_listed"])):
        listed.add(_retired(site, number, random, vlans), truth=f"retired-{site}-{number}")


def _mistype(serial: str, random: Random) -> str:
    """Two neighbours swapped, or one character wrong."""
    place = random.randrange(len(serial) - 1)
    swapped = serial[:place] + serial[place + 1] + serial[place] + serial[place + 2 :]
    return swapped if swapped != serial else serial[:-1] + ("3" if serial[-1] != "3" else "8")


def _retired(site: int, number: int, random: Random, vlans: list[Vlan]) -> Row:
    """A device that went to the scrap dealer years ago; where it had an address, nobody has it now."""
    kind = kinds()[
        random.choice(["lvp_pump", "patient_monitor", "ultrasound", "clinical_pc", "office_printer", "ecg_cart"])
    ]
    offer = random.choice(kind.offers)
    row = dict.fromkeys(ASSET_COLUMNS, "")
    row["asset_tag"], row["name"] = f"OLD-{site:02d}{number:03d}", f"{kind.name.replace('_', ' ')} (old)"
    row["device_type"], row["manufacturer"] = kind.device_type or "", offer.manufacturer
    row["model"], row["serial"] = offer.model(random.choice(offer.models)), f"R{site:02d}{random.randrange(10**7):07d}"
    row["mac"] = ":".join(
        [random.choice(offer.voice.mac_prefixes), *(f"{random.randrange(256):02x}" for _ in range(3))]
    )
    if number % 3 == 0 and kind.asked is not Asked.PASSIVE:
        vlan = random.choice([v for v in vlans if v.site == site])
        row["address"] = f"x.{vlan.id}.{random.randrange(4, FIRST_HOST)}"
    row["status"] = random.choice(["retired", "retired", "in_service"])
    return row


def pump_server_list(ground: Ground) -> AssetList:
    """What the pump servers know: every pump they manage, with the firmware it reported last."""
    listed = AssetList(draws(ground.seed, "pump server"))
    brands = {(d.site, d.offer.voice.name) for d in ground.drafts if d.kind.name == "infusion_server"}
    for draft in ground.drafts:
        if draft.kind.name in ("lvp_pump", "syringe_pump") and (draft.site, draft.offer.voice.name) in brands:
            row = dict.fromkeys(ASSET_COLUMNS, "")
            row.update(
                device_type=draft.kind.name,
                manufacturer=draft.offer.manufacturer,
                model=draft.model,
                firmware=draft.firmware,
                serial=draft.serial,
                mac=draft.mac or "",
                address=draft.address or "",
                status="in_service",
            )
            listed.rows.append(row)
            listed.truth.append(draft.id)
    return listed


def port_list(ground: Ground) -> Iterator[Row]:
    """Which wall outlet is where: the network team's sheet, true but not complete."""
    random = draws(ground.seed, "ports")
    by_id = {d.id: d for d in ground.drafts}
    seen: set[tuple[str, str]] = set()
    for draft in ground.drafts:
        if draft.switch is None or draft.port is None or draft.host is not None or draft.access_point is not None:
            continue
        if (draft.switch, draft.port) in seen or random.random() > blueprint()["lists"]["ports_known"]:
            continue
        seen.add((draft.switch, draft.port))
        switch = by_id[draft.switch].hostname or ""
        yield {"switch": switch, "port": draft.port, "room_id": draft.room or "", "unit_id": draft.unit}


def declared_links(ground: Ground, links: list[Link], listed: AssetList) -> Iterator[Row]:
    """The dependencies somebody wrote down: by hostname, or by tag where the list has no hostname."""
    random = draws(ground.seed, "declared")
    names: dict[str, str] = {}
    for row, truth in zip(listed.rows, listed.truth, strict=True):
        names.setdefault(truth, row["hostname"] or row["asset_tag"])
    groups: dict[tuple[str, str | None], bool] = {}
    for link in links:
        if link.group == "uplink" or not {link.source, link.target} <= names.keys():
            continue
        if not groups.setdefault((link.source, link.group), random.random() < _DECLARED_SHARE):
            continue
        yield {
            "source": names[link.source],
            "kind": link.kind,
            "target": names[link.target],
            "minutes": str(link.minutes),
            "group": link.group or "",
            "declared_by": "IT department",
        }


def place_rows(ground: Ground) -> tuple[list[Row], list[Row]]:
    """Units and rooms as the administration lists them."""
    units = [{"unit_id": u.id, "name": u.name, "unit_type": u.unit_type, "beds": str(u.beds)} for u in ground.units]
    rooms = [{"room_id": r.id, "name": r.name, "unit_id": r.unit} for r in ground.rooms]
    return units, rooms

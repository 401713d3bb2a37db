"""The policy part of a plan as this hospital's people would write it: who may be asked what, by whose decision.

Pure. Its decisions keep every fragile device untouched; the credentials are practice secrets, worthless anywhere else.
"""

from typing import Any

from discovery.sim.draft import Draft
from discovery.sim.hospital import Vlan
from discovery.sim.models import Asked
from discovery.sim.populate import Ground

SWEEPABLE_ZONES = {
    "network": ("Camille Roussel, network team", "switches and controllers answer management traffic all day"),
    "servers": ("Idris Benali, server team", "servers are monitored over SNMP already"),
    "gateways": ("Idris Benali, server team", "edge boxes of the cloud vendors, monitored"),
    "imaging": ("Anne Leclerc, biomedical engineer", "modalities tested with one question a second, 12 March"),
    "clients": ("Camille Roussel, network team", "workstations and printers"),
}
COMMUNITY = "practice-ro"
USER, AUTH_KEY, PRIVACY_KEY = "practice-reader", "practice-auth-2026", "practice-priv-2026"
# The gate's defaults for devices; subnets and the whole a little above, so that a practice run is no lunch break.
BUDGET = {
    "device_packets_per_s": 1.0,
    "infrastructure_packets_per_s": 20.0,
    "subnet_packets_per_s": 100.0,
    "establishment_packets_per_s": 400.0,
}
_CLINICAL = ("Anne Leclerc, biomedical engineer",)


def choose_opted(ground: Ground) -> frozenset[tuple[str, str]]:
    """Two pump models, the commonest that may be, and the pump servers of those lines."""
    opted: set[tuple[str, str]] = set()
    for kind in ("lvp_pump", "syringe_pump"):
        counts: dict[tuple[str, str], int] = {}
        for draft in ground.drafts:
            if draft.kind.name == kind and draft.offer.opt_in:
                key = (draft.offer.manufacturer, draft.model)
                counts[key] = counts.get(key, 0) + 1
        if counts:
            opted.add(max(sorted(counts), key=lambda key: counts[key]))
    opted |= {(d.offer.manufacturer, d.model) for d in ground.drafts if d.kind.name == "infusion_server"}
    return frozenset(opted)


def policy(ground: Ground, vlans: list[Vlan], opted: frozenset[tuple[str, str]], *, snmp_port: int) -> dict[str, Any]:
    """The policy part of a plan, with ranges written x.a.b.c/n."""
    forbidden = _forbidden(ground, vlans)
    return {
        "ranges": ["x.0.0/16"],
        "snmp_port": snmp_port,
        "mdns_listen": True,
        "credentials": [
            {"name": "read-only", "version": "2c", "community": COMMUNITY},
            {
                "name": "reader-v3",
                "version": "3",
                "user": USER,
                "auth_protocol": "sha",
                "auth_key": AUTH_KEY,
                "privacy_protocol": "aes128",
                "privacy_key": PRIVACY_KEY,
                "ranges": [v.range for v in vlans if v.zone in ("network", "servers")],
            },
        ],
        "sweepable": [
            _decision("range", v.range, *SWEEPABLE_ZONES[v.zone]) for v in vlans if v.zone in SWEEPABLE_ZONES
        ],
        "opted_in": [
            _decision(
                "model", f"{maker}/{model}", _CLINICAL[0], "tried on the test bench for a week, one question a second"
            )
            for maker, model in sorted(opted)
        ],
        "do_not_probe": forbidden,
        "windows": [],
        "budget": BUDGET,
    }


def _forbidden(ground: Ground, vlans: list[Vlan]) -> list[dict[str, str]]:
    """The half of the bedside subnet where ventilated patients lie, and one accelerator."""
    rows = []
    wards = [v for v in vlans if v.zone == "care"]
    first = {v.site: v for v in reversed(wards)}
    for vlan in first.values():
        reason = "ventilated patients: no packet to this range"
        rows.append(_decision("range", f"x.{vlan.id}.0/25", "Dr Paul Mercier, intensive care", reason))
    linac = next((d for d in ground.drafts if d.kind.name == "linac" and d.address), None)
    if linac is not None and linac.address is not None:
        rows.append(_decision("address", linac.address, "Lena Vogt, medical physicist", "treats all day; ask me first"))
    return rows


def _decision(target: str, value: str, decided_by: str, reason: str) -> dict[str, str]:
    return {"target": target, "value": value, "decided_by": decided_by, "reason": reason}


def may_be_asked(draft: Draft, rules: dict[str, Any], opted: frozenset[tuple[str, str]], *, listed: bool) -> bool:
    """Whether policy lets a question reach it: what nobody may ask cannot state anything by SNMP."""
    if draft.address is None or draft.vlan is None:
        return False
    last = int(draft.address.rsplit(".", 1)[1])
    for rule in rules["do_not_probe"]:
        base, _, bits = rule["value"].partition("/")
        whole = rule["value"] == draft.address
        if whole or (bits and base == f"x.{draft.vlan}.0" and last < 2 ** (32 - int(bits))):
            return False
    if draft.kind.asked is Asked.PASSIVE:
        return listed and (draft.offer.manufacturer, draft.model) in opted
    swept = any(rule["value"].startswith(f"x.{draft.vlan}.") for rule in rules["sweepable"])
    return swept or listed

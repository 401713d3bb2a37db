"""True dependencies between drafts: who needs, manages and feeds whom.

Pure. Only what the knowledge pack's defaults cannot know of this hospital: which hypervisors, which power supplies,
which archive. Access switches are in the wiring.
"""

from collections.abc import Iterator

from discovery.sim.draft import Draft
from discovery.sim.hospital import Cable, Link
from discovery.sim.populate import SERVER_ROOM, Ground

UPS_MIN = 10  # what the batteries of the server room carry
_PUMPS = ("lvp_pump", "syringe_pump", "pca_pump")
# source kind -> what it feeds. A scanner or an analyser that lies spoils its own images or results, not the archive and
# not the others' results: it feeds nobody in the sense of the engine, where one lying source makes the target lie.
_CHAINS = {"lab_middleware": "lis", "lis": "ehr", "ris": "pacs", "adt": "ehr", "tps": "ois", "ois": "linac"}


def relate(ground: Ground, cables: list[Cable]) -> list[Link]:
    """Every true link, site by site."""
    links = [Link(source=c.below, kind="needs", target=c.above, group="uplink") for c in cables]
    for site in sorted({d.site for d in ground.drafts}):
        here: dict[str, list[Draft]] = {}
        for draft in ground.drafts:
            if draft.site == site:
                here.setdefault(draft.kind.name, []).append(draft)
        links.extend(_hosting(here))
        links.extend(_power(here))
        links.extend(_control(here))
        links.extend(_flows(here))
    return links


def _hosting(here: dict[str, list[Draft]]) -> Iterator[Link]:
    """A virtual machine runs on its cluster: any of the hypervisors will do; the one it is on controls it."""
    hosts = here.get("virtualisation", [])
    for draft in (d for drafts in here.values() for d in drafts if d.host is not None):
        for host in hosts:
            yield Link(source=draft.id, kind="needs", target=host.id, minutes=5, group="cluster")
        yield Link(source=draft.host or "", kind="manages", target=draft.id)


def _power(here: dict[str, list[Draft]]) -> Iterator[Link]:
    supplies = [d for d in here.get("backup_generator", []) if d.unit_type == SERVER_ROOM]
    for kind in ("virtualisation", "core_switch", "firewall", "wifi_controller", "dns_dhcp"):
        for draft in here.get(kind, []):
            for supply in supplies:
                yield Link(source=draft.id, kind="needs", target=supply.id, minutes=UPS_MIN, group="feed")


def _control(here: dict[str, list[Draft]]) -> Iterator[Link]:
    pairs = [("wifi_controller", "access_point"), ("network_controller", "access_switch")]
    for manager, managed in pairs:
        for above in here.get(manager, [])[:1]:
            for below in here.get(managed, []):
                yield Link(source=above.id, kind="manages", target=below.id, minutes=30)
    for server in here.get("infusion_server", []):
        for pump in (p for kind in _PUMPS for p in here.get(kind, [])):
            if pump.offer.voice is server.offer.voice:
                yield Link(source=server.id, kind="manages", target=pump.id, minutes=60)
                yield Link(source=server.id, kind="feeds", target=pump.id, minutes=60)


def _flows(here: dict[str, list[Draft]]) -> Iterator[Link]:
    for source, target in _CHAINS.items():
        for draft in here.get(source, []):
            for end in here.get(target, [])[:1]:
                yield Link(source=draft.id, kind="feeds", target=end.id)

"""Serials, MACs, hostnames and addresses of drafts: what identity has to work with.

Pure. Addresses are dealt zone by zone and site by site into subnets of 256, written x.a.b.
"""

from collections.abc import Callable, Iterator
from random import Random

from discovery.sim.draft import Draft, draws
from discovery.sim.hospital import Vlan
from discovery.sim.models import blueprint
from discovery.sim.populate import Ground
from discovery.sim.speech import plain

FIRST_HOST = 10  # below are gateways and what a network team keeps for itself
LAST_HOST = 250
GAP_SHARE = 0.08  # addresses left free, as in any real subnet
VLANS_MAX = 250
# Where life is at stake comes first, so that one range covers it: people then forbid probing it.
_CRITICAL = ("icu", "nicu", "theatre", "neuro_angio", "ccu")
_SERIAL_SHAPES = ("AAADDDDDD", "DDDDDDDD", "AADDDDDDDA", "DDDDDADDDD", "AA-DDDDDD")
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_SCHEMES = ("{abbr}-s{site}-{n:03d}", "{abbr}{n:03d}s{site}", "h{site}{abbr}{n:03d}", "{unit}-{abbr}{n:03d}")


def name_all(ground: Ground, size: int) -> list[Vlan]:
    """Give every draft its serial, MAC, hostname and address; the subnets come back."""
    _number_plates(ground)
    _hostnames(ground)
    return _addresses(ground, size)


def _number_plates(ground: Ground) -> None:
    random = draws(ground.seed, "plates")
    shapes = {name: random.choice(_SERIAL_SHAPES) for name in sorted({d.offer.voice.name for d in ground.drafts})}
    taken: set[str] = set()
    for draft in ground.drafts:
        draft.serial = _fresh(taken, lambda d=draft: _serial(shapes[d.offer.voice.name], random))  # type: ignore[misc]
        if draft.kind.zone is not None:
            draft.mac = _fresh(taken, lambda d=draft: _mac(d.offer.voice.mac_prefixes, random))  # type: ignore[misc]


def _fresh(taken: set[str], draw: Callable[[], str]) -> str:
    while (value := draw()) in taken:
        pass
    taken.add(value)
    return value


def _serial(shape: str, random: Random) -> str:
    shapes = {"A": _LETTERS, "D": "0123456789"}
    first = shape[0]
    drawn = [random.choice(shapes[c]) if c in shapes else c for c in shape]
    if first == "D" and drawn[0] == "0":
        drawn[0] = "7"  # a leading zero is what spreadsheets eat
    return "".join(drawn)


def _mac(prefixes: tuple[str, ...], random: Random) -> str:
    return ":".join([random.choice(prefixes), *(f"{random.randrange(256):02x}" for _ in range(3))])


def _hostnames(ground: Ground) -> None:
    random = draws(ground.seed, "hostnames")
    scheme = random.choice(_SCHEMES)
    vendor_default = random.uniform(0.2, 0.5)  # medical devices that nobody renamed
    counts: dict[str, int] = {}
    for draft in ground.drafts:
        if draft.kind.zone is None:
            continue
        counts[draft.kind.name] = counts.get(draft.kind.name, 0) + 1
        if draft.kind.category == "medical" and random.random() < vendor_default:
            maker = "".join(c for c in plain(draft.offer.manufacturer) if c.isalnum())
            draft.hostname = f"{maker[:12]}-{draft.serial}".lower()
            continue
        unit = "".join(part[:3] for part in draft.unit.split("-"))
        draft.hostname = scheme.format(
            abbr=draft.kind.name.replace("_", "")[:9], site=draft.site, n=counts[draft.kind.name], unit=unit
        )


def _addresses(ground: Ground, size: int) -> list[Vlan]:
    vlans: list[Vlan] = []
    random = draws(ground.seed, "addresses")
    number = random.randrange(4, 20) if size < 15 else 1  # small hospitals do not begin at 1
    for site in range(1, size + 1):
        for zone in blueprint()["zones"]:
            waiting = sorted(
                (d for d in ground.drafts if d.site == site and d.kind.zone == zone), key=lambda d: _order(d)
            )
            while waiting:
                if number > VLANS_MAX:
                    raise ValueError(f"making a hospital of size {size}: more than {VLANS_MAX} subnets")
                hosts = _hosts(random)
                last = FIRST_HOST
                for draft, last in zip(waiting, hosts, strict=False):
                    draft.vlan, draft.address = number, f"x.{number}.{last}"
                vlans.append(Vlan(id=number, zone=zone, site=site, range=_cover(number, last)))
                waiting = [d for d in waiting if d.address is None]
                number += 1
    return vlans


def _order(draft: Draft) -> tuple[int, str]:
    critical = _CRITICAL.index(draft.unit_type) if draft.unit_type in _CRITICAL else len(_CRITICAL)
    return (critical, draft.id)


def _hosts(random: Random) -> Iterator[int]:
    return (host for host in range(FIRST_HOST, LAST_HOST) if random.random() > GAP_SHARE)


def _cover(number: int, last: int) -> str:
    """The smallest range from .0 on that covers the last host."""
    bits = max(last.bit_length(), 4)
    return f"x.{number}.0/{32 - bits}"

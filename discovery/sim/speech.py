"""What drafts say on the network: SNMP banners, mDNS announcements, and how much asking they bear.

Pure. Every text comes from the catalogue's templates, which are drafted: nothing here was recorded from a device.
"""

import unicodedata

from discovery.sim.draft import Draft, draws
from discovery.sim.hospital import Fragile, Mdns, Snmp
from discovery.sim.models import Asked
from discovery.sim.populate import Ground

TOOLKIT = 8072  # net-snmp: the agent of who has no enterprise number of his own
_GENTLE = Fragile(packets_per_s=2, packets_per_h=150)  # twice the gate's pace, and some ten times what one look takes
_OPTED_IN = Fragile(packets_per_s=2, packets_per_h=60)
UNTOUCHABLE = Fragile(packets_per_s=0, packets_per_h=0)


def teach(ground: Ground) -> None:
    """Give every networked draft its banners."""
    random = draws(ground.seed, "speech")
    for draft in ground.drafts:
        if draft.kind.zone is None:
            continue
        if draft.offer.speaks & {"snmp", "v3"}:
            draft.snmp = _snmp(draft, engine_tail=f"{random.getrandbits(64):016x}")
        if "mdns" in draft.offer.speaks and draft.offer.voice.service is not None:
            draft.mdns = _mdns(draft)
        draft.fragile = _fragile(draft)


def _snmp(draft: Draft, *, engine_tail: str) -> Snmp:
    voice, offer = draft.offer.voice, draft.offer
    base = f"1.3.6.1.4.1.{voice.enterprise}.{voice.arc}"
    model_arc = 1 + [offer.model(m) for m in offer.models].index(draft.model)
    toolkit = voice.name in ("app", "microsoft", "veeam")
    mac = (draft.mac or "").replace(":", "")
    return Snmp(
        version="3" if "v3" in offer.speaks else "2c",
        descr=say(voice.descr, draft, ascii_only=True),
        object_id=f"{base}.{draft.kind.index}.{model_arc}",
        location=f"{draft.room or draft.unit}",
        # RFC 3411 section 5: the first bit set, the enterprise, then a form: 4 text-like for templates, 3 a MAC
        engine_id=f"{0x80000000 | voice.enterprise:08x}" + (f"04{engine_tail}" if toolkit else f"03{mac}"),
        shows_engine_id=draft.kind.asked in (Asked.INFRASTRUCTURE, Asked.ASK) or draft.kind.virtual,
        entity=voice.entity,
        serial_oid=f"{base}.1.3.0" if voice.serial_arc else None,
        printer=voice.printer,
        ups=voice.ups,
    )


def _mdns(draft: Draft) -> Mdns:
    voice = draft.offer.voice
    return Mdns(
        service=voice.service or "",
        instance=say(voice.instance, draft),
        port=104 if voice.service == "_dicom._tcp" else 631 if voice.printer else 8080,
        txt={key: say(template, draft) for key, template in voice.txt.items()},
    )


def _fragile(draft: Draft) -> Fragile | None:
    if draft.kind.virtual:
        return None  # a server, whatever it serves
    if draft.kind.asked is Asked.PASSIVE:
        return _OPTED_IN if draft.offer.opt_in else UNTOUCHABLE
    return _GENTLE if draft.kind.fragile else None


def say(template: str, draft: Draft, *, ascii_only: bool = False) -> str:
    """A template filled with what the draft is."""
    text = template.format(
        model=draft.model,
        firmware=draft.firmware,
        serial=draft.serial,
        maker=draft.offer.manufacturer,
        mac6=(draft.mac or "").replace(":", "")[-6:].upper(),
    )
    return plain(text) if ascii_only else text


def plain(text: str) -> str:
    """Without accents: DisplayString is ASCII (RFC 2579)."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()

"""Part of the safety gate: what is known of each address, gathered from lists, switch tables, answers and listening.

It joins what a list says of a MAC with the address at which a table sees that MAC. It decides nothing: `rules` does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from discovery.rules import SUBJECTS_MAX, Placement, Source, Subject, canonical, placement_of
from riskdb.model import facts
from riskdb.model.claim import Claim
from riskdb.model.observation import Observation, Protocol
from riskdb.model.policy import KnownDevice

WORDS_MAX = 32  # placements of one address: lists, tables and its own answers say the same few things again and again

_SOURCES = {Protocol.SNMP: Source.ANSWER, Protocol.LLDP: Source.TABLE, Protocol.MDNS: Source.HEARD}


@dataclass(slots=True)
class Register:
    """The subjects by address, and what waits for its MAC to be seen at an address."""

    subjects: dict[str, Subject]
    _words_of_mac: dict[str, tuple[Placement, ...]] = field(default_factory=dict)
    _vlans_of_mac: dict[str, frozenset[str]] = field(default_factory=dict)
    _addresses_of_mac: dict[str, frozenset[str]] = field(default_factory=dict)

    def take_list(self, known: Iterable[KnownDevice]) -> None:
        """Take over an imported list: each line places its address, and its MAC wherever a table will see it."""
        for line in known:
            word = placement_of(line)
            self._add_word(canonical(line.address), word)
            if line.mac is not None:
                source = Source.TABLE if word.source is Source.IMPORT else word.source
                self._add_mac_word(line.mac, replace(word, source=source, mac=None))

    def hear(self, observation: Observation, claim: Claim) -> frozenset[str]:
        """Take over one observation and what the cards make of it; returns the addresses it says something about."""
        address = None if observation.address is None else canonical(observation.address)
        mac = observation.mac
        source = _SOURCES.get(observation.protocol)
        word = None
        if source is not None and (claim.device_type is not None or claim.category is not None):
            word = Placement(
                source=source,
                device_type=claim.device_type,
                category=claim.category,
                manufacturer=claim.manufacturer,
                model=claim.model,
            )
        if observation.protocol is Protocol.BRIDGE and mac is not None:
            return self._see_vlan(mac, observation.facts.get(facts.BRIDGE_VLAN))
        if observation.protocol is Protocol.ARP and mac is not None and address is not None:
            self._see_mac(address, mac)
        if word is not None and address is not None:
            self._add_word(address, word)
        if word is not None and mac is not None and source is Source.TABLE:
            self._add_mac_word(mac, word)
        return frozenset({address} if address else ()) | self._addresses_of_mac.get(mac or "", frozenset())

    def restore(self, address: str, word: Placement) -> None:
        """Take back a word that closed an address in an earlier run."""
        self._add_word(address, word)

    def _see_mac(self, address: str, mac: str) -> None:
        subject = self._subject(address)
        if subject is None:
            return
        vlans = subject.seen_vlans | self._vlans_of_mac.get(mac, frozenset())
        self.subjects[address] = replace(subject, seen_macs=subject.seen_macs | {mac}, seen_vlans=vlans)
        self._addresses_of_mac[mac] = self._addresses_of_mac.get(mac, frozenset()) | {address}
        for word in self._words_of_mac.get(mac, ()):
            self._add_word(address, word)

    def _see_vlan(self, mac: str, vlan: str | None) -> frozenset[str]:
        if vlan is None or (mac not in self._vlans_of_mac and len(self._vlans_of_mac) >= SUBJECTS_MAX):
            return frozenset()
        self._vlans_of_mac[mac] = self._vlans_of_mac.get(mac, frozenset()) | {vlan}
        addresses = self._addresses_of_mac.get(mac, frozenset())
        for address in addresses:
            subject = self.subjects[address]
            self.subjects[address] = replace(subject, seen_vlans=subject.seen_vlans | {vlan})
        return addresses

    def _add_mac_word(self, mac: str, word: Placement) -> None:
        words = self._words_of_mac.get(mac, ())
        if word in words or len(words) >= WORDS_MAX or len(self._words_of_mac) >= SUBJECTS_MAX:
            return
        self._words_of_mac[mac] = (*words, word)
        for address in self._addresses_of_mac.get(mac, frozenset()):
            self._add_word(address, word)

    def _add_word(self, address: str, word: Placement) -> None:
        subject = self._subject(address)
        if subject is None or word in subject.placements:
            return
        if len(subject.placements) >= WORDS_MAX:
            self.subjects[address] = replace(subject, crowded=True)
        else:
            self.subjects[address] = replace(subject, placements=(*subject.placements, word))

    def _subject(self, address: str) -> Subject | None:
        subject = self.subjects.get(address)
        if subject is None and len(self.subjects) < SUBJECTS_MAX:
            return Subject()
        return subject

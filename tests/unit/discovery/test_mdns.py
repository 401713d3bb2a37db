"""Listening: real announcements, made by zeroconf, read and believed only within the plan."""

from zeroconf import DNSIncoming, ServiceInfo
from zeroconf._protocol.outgoing import DNSOutgoing

from discovery.passive.mdns import Ear
from riskdb.model.ids import AgentId, EstablishmentId
from tests.unit.discovery.simulated import MORNING


def ear() -> Ear:
    return Ear(
        establishment=EstablishmentId(1), agent=AgentId("a"), believes=lambda address: address.startswith("127.9.")
    )


def announcement(*, name: str = "Infusion 12", address: tuple[int, ...] = (127, 9, 1, 5), **txt: str) -> bytes:
    info = ServiceInfo(
        "_pump._tcp.local.",
        f"{name}._pump._tcp.local.",
        addresses=[bytes(address)],
        port=80,
        properties=txt,
        server="pump12.local.",
    )
    outgoing = DNSOutgoing(0x8400)  # a response, authoritative
    for record in (info.dns_pointer(), info.dns_service(), info.dns_text(), *info.dns_addresses()):
        outgoing.add_answer_at_time(record, 0)
    return outgoing.packets()[0]


def test_an_announcement_becomes_one_observation() -> None:
    heard = ear().hear(announcement(model="GS2"), MORNING)
    assert len(heard) == 1
    assert heard[0].address == "127.9.1.5"
    assert heard[0].facts["mdns.service"] == "_pump._tcp"
    assert heard[0].facts["mdns.txt.model"] == "GS2"


def test_what_is_said_again_is_not_stated_again() -> None:
    listening = ear()
    assert listening.hear(announcement(sw="1"), MORNING)
    assert not listening.hear(announcement(sw="1"), MORNING)
    assert listening.hear(announcement(sw="2"), MORNING)


def test_an_address_outside_the_plan_is_not_believed() -> None:
    assert not ear().hear(announcement(address=(192, 0, 2, 1)), MORNING)


def test_noise_is_counted_and_survived() -> None:
    listening = ear()
    assert not listening.hear(b"\x00" * 5, MORNING)
    assert not listening.hear(b"\xff" * 9_500, MORNING)
    assert listening.unreadable >= 1
    assert listening.hear(announcement(), MORNING)


def test_somebodys_own_device_is_not_stated() -> None:
    listening = ear()
    assert not listening.hear(announcement(name="Anna's iPhone"), MORNING)
    assert listening.personal == 1


def test_the_first_question_is_for_the_service_types() -> None:
    asked = DNSIncoming(ear().questions()[0])
    assert [q.name for q in asked.questions] == ["_services._dns-sd._udp.local."]


def test_later_questions_are_for_the_instances_of_known_types() -> None:
    listening = ear()
    listening.hear(announcement(), MORNING)
    names = {q.name for packet in listening.questions() for q in DNSIncoming(packet).questions}
    assert "_pump._tcp.local." in names

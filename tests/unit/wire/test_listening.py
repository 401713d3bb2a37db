"""What devices say unasked, and what of it is nobody's business."""

import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from zeroconf import DNSAddress, DNSOutgoing, DNSPointer, DNSService, DNSText  # type: ignore[attr-defined]
from zeroconf.const import _CLASS_IN, _FLAGS_AA, _FLAGS_QR_RESPONSE, _TYPE_A, _TYPE_PTR, _TYPE_SRV, _TYPE_TXT

from discovery.passive.pcap import Capture
from discovery.wire.bacnet import decode_bacnet
from discovery.wire.dhcp import DhcpRequest, decode_dhcp
from discovery.wire.heard import Listener, decode
from discovery.wire.hl7 import decode_hl7
from discovery.wire.lldp import LldpFrame, decode_lldp
from discovery.wire.mdns import Announcement, decode_mdns
from discovery.wire.snmp import Malformed
from discovery.wire.ssdp import decode_ssdp
from riskdb.model import facts
from riskdb.model.ids import AgentId, EstablishmentId
from riskdb.model.observation import Datagram, Protocol

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
LISTENER = Listener(establishment=EstablishmentId(1), agent=AgentId("a"))


def announcement(instance: str, *, host: str = "pump-7.local.", address: bytes = b"\x7f\x00\x00\x07") -> bytes:
    service = "_http._tcp.local."
    name = f"{instance}.{service}"
    out = DNSOutgoing(_FLAGS_QR_RESPONSE | _FLAGS_AA)
    out.add_answer_at_time(DNSPointer(service, _TYPE_PTR, _CLASS_IN, 120, name), 0)
    out.add_answer_at_time(DNSService(name, _TYPE_SRV, _CLASS_IN, 120, 0, 0, 80, host), 0)
    text = b"\x0dmodel=IQ 7000\x04flag\x0aMODEL=late"
    out.add_answer_at_time(DNSText(name, _TYPE_TXT, _CLASS_IN, 120, text), 0)
    out.add_answer_at_time(DNSAddress(host, _TYPE_A, _CLASS_IN, 120, address), 0)
    return out.packets()[0]


def heard(protocol: Protocol, payload: bytes, *, source: str = "127.0.0.7") -> Datagram:
    return Datagram(received_at=NOW, source=source, protocol=protocol, payload=payload)


def test_a_pump_that_announces_itself_is_seen_with_its_text_and_address() -> None:
    read = decode(heard(Protocol.MDNS, announcement("Spectrum IQ 7")), listener=LISTENER, mac="00:1a:2b:3c:4d:5e")
    (seen,) = read.observations
    assert (seen.address, seen.mac, seen.seen_at) == ("127.0.0.7", "00:1a:2b:3c:4d:5e", NOW)
    assert seen.facts == {
        facts.MDNS_SERVICE: "_http._tcp",
        facts.MDNS_INSTANCE: "Spectrum IQ 7",
        facts.MDNS_HOST: "pump-7",
        facts.MDNS_PORT: "80",
        "mdns.txt.model": "IQ 7000",
    }


def test_an_announcement_for_another_device_does_not_lend_it_the_senders_mac() -> None:
    payload = announcement("Spectrum IQ 7", address=b"\x7f\x00\x00\x09")
    (seen,) = decode(heard(Protocol.MDNS, payload), listener=LISTENER, mac="00:1a:2b:3c:4d:5e").observations
    assert (seen.address, seen.mac) == ("127.0.0.9", None)


@pytest.mark.parametrize("name", ["Anna's iPhone", "Annas-iPad", "Marc’s Laptop", "MacBook Pro von Eva"])
def test_a_persons_own_device_is_counted_and_not_kept(name: str) -> None:
    read = decode(heard(Protocol.MDNS, announcement(name)), listener=LISTENER)
    assert (read.observations, read.personal) == ((), 1)


def test_a_personal_host_name_hides_its_service_too() -> None:
    read = decode_mdns(announcement("Music", host="annas-iphone.local."))
    assert isinstance(read, Announcement)
    assert (read.services, read.personal) == ((), 1)


def test_a_made_up_mac_is_somebodys_telephone_whatever_it_says() -> None:
    read = decode(heard(Protocol.MDNS, announcement("Pump")), listener=LISTENER, mac="da:a1:19:00:00:01")
    assert (read.observations, read.personal) == ((), 1)


def dhcp(*options: bytes, mac: bytes = b"\x00\x1a\x2b\x3c\x4d\x5e", operation: int = 1) -> bytes:
    head = struct.pack("!BBBB4xHH4s12x", operation, 1, 6, 0, 0, 0, bytes(4))
    return head + mac + bytes(10) + bytes(192) + b"\x63\x82\x53\x63" + b"".join(options) + b"\xff"


def test_a_dhcp_request_says_name_class_and_wishes() -> None:
    request = decode_dhcp(dhcp(b"\x0c\x06pump-7", b"\x3c\x03udh", b"\x37\x03\x01\x03\x06", b"\x32\x04\x7f\x00\x00\x07"))
    assert request == DhcpRequest(
        mac="00:1a:2b:3c:4d:5e",
        address="127.0.0.7",
        facts={
            facts.DHCP_HOSTNAME: "pump-7",
            facts.DHCP_VENDOR_CLASS: "udh",
            facts.DHCP_PARAMETERS: "1,3,6",
        },
    )
    assert decode_dhcp(dhcp(operation=2)) is None


def test_a_telephone_that_asks_for_an_address_stays_unnamed() -> None:
    for message in (dhcp(b"\x0c\x0cAnnas-iPhone"), dhcp(mac=b"\xda\xa1\x19\x00\x00\x01")):
        assert decode_dhcp(message) == DhcpRequest(mac=None, address=None, facts={}, personal=True)


def test_an_ssdp_announcement_names_its_server_and_a_search_says_nothing() -> None:
    notify = b"NOTIFY * HTTP/1.1\r\nServer: Linux/3.4 UPnP/1.0 IQ/1\r\nUSN: uuid:1\r\nNT: upnp:rootdevice\r\n\r\n"
    assert decode_ssdp(notify) == {
        facts.SSDP_SERVER: "Linux/3.4 UPnP/1.0 IQ/1",
        facts.SSDP_USN: "uuid:1",
        facts.SSDP_ST: "upnp:rootdevice",
    }
    assert decode_ssdp(b"M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n") == {}
    assert isinstance(decode_ssdp(b"GET / HTTP/1.1\r\n"), Malformed)


def tlv(kind: int, content: bytes) -> bytes:
    return struct.pack("!H", kind << 9 | len(content)) + content


def test_an_lldp_frame_names_its_sender() -> None:
    frame = decode_lldp(
        tlv(1, b"\x04\x00\x1a\x2b\x3c\x4d\x5e")
        + tlv(2, b"\x05eth0")
        + tlv(5, b"pump-gw")
        + tlv(6, b"ACME 1.2")
        + tlv(8, b"\x05\x01\x7f\x00\x00\x07\x02\x00\x00\x00\x01\x00")
        + tlv(0, b"")
    )
    assert frame == LldpFrame(
        mac="00:1a:2b:3c:4d:5e",
        address="127.0.0.7",
        facts={
            facts.LLDP_CHASSIS: "00:1a:2b:3c:4d:5e",
            facts.LLDP_PORT: "eth0",
            facts.LLDP_SYS_NAME: "pump-gw",
            facts.LLDP_SYS_DESCR: "ACME 1.2",
        },
    )


def test_a_laptop_that_names_its_owner_in_lldp_is_counted_and_not_kept() -> None:
    frame = tlv(1, b"\x04\x00\x1a\x2b\x3c\x4d\x5e") + tlv(5, b"Annas-MacBook-Pro") + tlv(0, b"")
    heard = decode(Datagram(received_at=NOW, source="file", protocol=Protocol.LLDP, payload=frame), listener=LISTENER)
    assert (heard.observations, heard.personal) == ((), 1)


def test_of_an_hl7_message_only_the_sender_is_read_and_nothing_of_the_patient() -> None:
    message = (
        b"\x0bMSH|^~\\&|MONITOR|ICU A|EHR|HOSPITAL|20260301090000||ORU^R01|1|P|2.5\r"
        b"PID|||4711^^^HOSP||MEIER^ANNA||19700101|F\rOBX|1|NM|HR||80\r\x1c\r"
    )
    assert decode_hl7(message) == {facts.HL7_SENDING_APPLICATION: "MONITOR", facts.HL7_SENDING_FACILITY: "ICU A"}
    read = decode(heard(Protocol.HL7, message), listener=LISTENER)
    assert "MEIER" not in repr(read)
    assert "4711" not in repr(read)


def test_a_bacnet_device_names_its_vendor() -> None:
    i_am = bytes.fromhex("810b00190120ffff00ff1000c4020000372205c4910321 05".replace(" ", ""))
    assert decode_bacnet(i_am) == {facts.BACNET_VENDOR: "5"}
    assert decode_bacnet(bytes.fromhex("810b000c0120ffff00ff1008")) == {}
    assert isinstance(decode_bacnet(i_am[:-1]), Malformed)


def udp(payload: bytes, *, source: int, target: int) -> bytes:
    segment = struct.pack("!HHHH", source, target, 8 + len(payload), 0) + payload
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0, 64, 17, 0, b"\x7f\0\0\7", b"\x7f\0\0\1")
    return header + segment


def pcap(*frames: bytes, link: int = 1) -> bytes:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)
    return head + b"".join(struct.pack("<IIII", 1_772_355_600, 0, len(f), len(f)) + f for f in frames)


def pcapng(frame: bytes, *, link: int = 1) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = 12 + len(body)
        return struct.pack("<II", kind, length) + body + struct.pack("<I", length)

    micros = 1_772_355_600 * 10**6
    packet = struct.pack("<IIIII", 0, micros >> 32, micros & 0xFFFFFFFF, len(frame), len(frame)) + frame
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    return section + block(1, struct.pack("<HHI", link, 0, 0)) + block(6, packet)


MAC = b"\x00\x1a\x2b\x3c\x4d\x5e"
INNER = udp(b"hello", source=161, target=40_000)
ETHERNET = b"\xff" * 6 + MAC
FRAMES = {
    "ethernet": pcap(ETHERNET + b"\x08\x00" + INNER),
    "vlan": pcap(ETHERNET + b"\x81\x00\x00\x78\x08\x00" + INNER),
    "cooked": pcap(b"\x00\x00\x00\x01\x00\x06" + MAC + b"\x00\x00\x08\x00" + INNER, link=113),
    "cooked v2": pcap(b"\x08\x00\x00\x00" + bytes(4) + b"\x00\x01\x00\x06" + MAC + b"\x00\x00" + INNER, link=276),
    "raw": pcap(INNER, link=101),
    "pcapng": pcapng(ETHERNET + b"\x08\x00" + INNER),
}


@pytest.mark.parametrize("content", FRAMES.values(), ids=FRAMES.keys())
def test_a_datagram_is_found_in_every_kind_of_capture(content: bytes) -> None:
    capture = Capture(content)
    (packet,) = capture
    datagram = packet.datagram
    assert (datagram.source, datagram.protocol, datagram.payload) == ("127.0.0.7", Protocol.SNMP, b"hello")
    assert datagram.received_at == NOW
    assert packet.mac == (None if content is FRAMES["raw"] else "00:1a:2b:3c:4d:5e")
    assert capture.problem is None


def test_a_capture_cut_short_gives_what_it_has_and_says_so() -> None:
    capture = Capture(FRAMES["ethernet"] + FRAMES["ethernet"][24:-3])
    assert len(list(capture)) == 1
    assert capture.problem == "a packet longer than the file"


def test_a_text_is_no_capture(tmp_path: Path) -> None:
    capture = Capture(b"OID|4|value")
    assert list(capture) == []
    assert capture.problem == "neither pcap nor pcapng"

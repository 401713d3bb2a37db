"""Asking devices that are honest, endless, wrong or hostile: every walk ends, every answer belongs to its question."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from discovery import asking, usm
from discovery.asking import CommunityAsker, Reply, Told, Walk, walk
from discovery.ledger import Ledger
from discovery.probes.snmp_device import ask_details, ask_system
from discovery.safety import Gate, Silence
from discovery.wire.snmp import Message, Question, ValueKind, VarBind, decode_message
from discovery.wire.snmp_reply import ERROR_TOO_BIG, encode_response
from riskdb.model.policy import Credential
from tests.unit.discovery.simulated import (
    SWITCH,
    Behaviour,
    MemoryNetwork,
    SimulatedClock,
    known,
    plan,
    simulate,
    speaking,
)

DEVICE = "127.9.1.5"
COLUMN, OTHER_COLUMN = (1, 3, 6, 1, 2, 1, 2, 2, 1, 2), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1)
DESCR, CONTACT = (1, 3, 6, 1, 2, 1, 1, 1, 0), (1, 3, 6, 1, 2, 1, 1, 4, 0)


def with_device(directory: Path, behaviour: Behaviour, job: Any) -> tuple[Any, MemoryNetwork, Gate]:
    network = MemoryNetwork({DEVICE: behaviour})

    async def main() -> tuple[Any, Gate]:
        a_plan = plan(known=(known(DEVICE, SWITCH),))
        with Ledger(directory) as book:
            async with Gate(a_plan, directory, book=book, clock=SimulatedClock(), network=network) as gate:
                told: Coroutine[Any, Any, Any] = job(CommunityAsker(gate=gate, address=DEVICE, community="ward"))
                return await told, gate

    found, gate = simulate(main())
    return found, network, gate


def replying(make: Any) -> Behaviour:
    """A device that answers a decoded question with octets."""

    def answer(payload: bytes) -> list[tuple[float, str | None, bytes]]:
        message = decode_message(payload)
        assert isinstance(message, Message)
        return [(0.001, None, make(message))]

    return answer


def get(asker: CommunityAsker) -> Coroutine[Any, Any, Told]:
    return asker.ask(Question.GET, (DESCR,), probe="test")


def walked(*columns: tuple[int, ...]) -> Any:
    return lambda asker: walk(asker, columns, probe="test")


def test_an_answer_to_somebody_elses_request_is_not_taken(tmp_path: Path) -> None:
    wrong = replying(lambda m: encode_response(community=b"ward", request_id=m.request_id ^ 1, varbinds=m.varbinds))
    told, _, gate = with_device(tmp_path, wrong, get)
    assert isinstance(told, Silence)
    assert gate.counts.foreign == 2


def test_octets_that_are_no_snmp_are_not_taken(tmp_path: Path) -> None:
    told, _, gate = with_device(tmp_path, lambda _: [(0.001, None, b"\xff" * 60_000)], get)
    assert isinstance(told, Silence)
    assert gate.counts.foreign == 2


def test_a_question_echoed_is_no_answer(tmp_path: Path) -> None:
    told, _, _ = with_device(tmp_path, lambda payload: [(0.001, None, payload)], get)
    assert isinstance(told, Silence)


def test_two_columns_of_unequal_length_are_read_whole(tmp_path: Path) -> None:
    rows = {(*COLUMN, n): b"port %d" % n for n in range(1, 130)} | {(*OTHER_COLUMN, n): b"name" for n in range(1, 8)}
    found, network, _ = with_device(tmp_path, speaking(rows), walked(COLUMN, OTHER_COLUMN))
    assert isinstance(found, Walk)
    assert found.cut_short is None
    assert {v.oid for v in found.varbinds} == set(rows)
    assert len(network.sent) <= 4


def test_a_walk_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "WALK_ROWS_MAX", 500)

    def more(message: Message) -> bytes:
        last = message.varbinds[0].oid
        start = last[-1] if len(last) > len(COLUMN) else 0
        rows = [VarBind((*COLUMN, start + n), ValueKind.INTEGER, 1) for n in range(1, 51)]
        return encode_response(community=b"ward", request_id=message.request_id, varbinds=rows)

    found, network, _ = with_device(tmp_path, replying(more), walked(COLUMN))
    assert found.cut_short is not None
    assert len(found.varbinds) == 500
    assert len(network.sent) == 10


def test_a_walk_in_a_circle_is_ended(tmp_path: Path) -> None:
    def circle(message: Message) -> bytes:
        rows = [VarBind((*COLUMN, n), ValueKind.INTEGER, n) for n in (1, 2, 3, 2, 3)]
        return encode_response(community=b"ward", request_id=message.request_id, varbinds=rows)

    found, network, _ = with_device(tmp_path, replying(circle), walked(COLUMN))
    assert "do not increase" in found.cut_short
    assert [v.oid[-1] for v in found.varbinds] == [1, 2, 3]
    assert len(network.sent) == 1


def test_a_device_that_answers_nothing_new_is_left_alone(tmp_path: Path) -> None:
    empty = replying(lambda m: encode_response(community=b"ward", request_id=m.request_id, varbinds=()))
    found, network, _ = with_device(tmp_path, empty, walked(COLUMN, OTHER_COLUMN))
    assert found.varbinds == []
    assert len(network.sent) == 1


def test_a_walk_of_a_device_that_falls_silent_keeps_what_it_read(tmp_path: Path) -> None:
    honest = speaking({(*COLUMN, n): b"port" for n in range(1, 200)})
    asked = []

    def once(payload: bytes) -> Any:
        asked.append(payload)
        return honest(payload) if len(asked) == 1 else []

    found, network, _ = with_device(tmp_path, once, walked(COLUMN))
    assert found.cut_short == "the device fell silent"
    assert len(found.varbinds) == 50
    assert len(network.sent) == 3  # the first, the second and its retry


def test_a_small_device_gets_the_small_question(tmp_path: Path) -> None:
    honest = speaking({DESCR: b"small"})

    def small(payload: bytes) -> Any:
        message = decode_message(payload)
        assert isinstance(message, Message)
        if len(message.varbinds) > 8:
            too_big = encode_response(
                community=b"ward", request_id=message.request_id, varbinds=(), error_status=ERROR_TOO_BIG
            )
            return [(0.001, None, too_big)]
        return honest(payload)

    told, _, _ = with_device(tmp_path, small, ask_system)
    assert isinstance(told, Reply)
    assert any(v.value == b"small" for v in told.varbinds)


def test_what_getbulk_brings_along_unasked_is_dropped_unread(tmp_path: Path) -> None:
    honest = speaking({(1, 3, 6, 1, 2, 1, 1, 3, 0): b"x", CONTACT: b"Nurse Jane, 555-0101"})
    found, network, _ = with_device(tmp_path, honest, lambda asker: ask_details(asker, ()))
    assert found == []
    assert len(network.sent) == 1


def test_a_v3_answer_to_somebody_elses_message_is_not_taken(tmp_path: Path) -> None:
    def another_message(payload: bytes) -> list[tuple[float, str | None, bytes]]:
        asked = usm._message_id(payload)
        assert asked is not None
        octets = asked.to_bytes(asked.bit_length() // 8 + 1, "big")
        other = octets[:-1] + bytes([octets[-1] ^ 1])
        return [(0.001, None, payload.replace(octets, other, 1))]

    user = Credential(name="v3", version="3", user="reader", auth_protocol="sha256", auth_key="a" * 16)
    network = MemoryNetwork({DEVICE: another_message})

    async def main() -> Told:
        a_plan = plan(known=(known(DEVICE, SWITCH),))
        with Ledger(tmp_path) as book:
            async with Gate(a_plan, tmp_path, book=book, clock=SimulatedClock(), network=network) as gate:
                asker = usm.UsmAsker(gate=gate, engines=usm.Engines(), address=DEVICE, credential=user)
                return await asker.ask(Question.GET, (DESCR,), probe="test")

    assert isinstance(simulate(main()), Silence)

"""Station 1, asking: what one device says of itself, in two packets where it is well behaved.

The first asks the system group, the engine id and what tells printers and power supplies; the second what the cards
want to know, the chassis and the interfaces. The agent shows the first answer to the gate before it asks the second.
"""

from collections.abc import Sequence

from discovery.asking import Asker, Reply, Told
from discovery.wire.ber import Oid
from discovery.wire.mib import ENTITY_COLUMNS, IDENTITY_OIDS, INTERFACE_COLUMNS, SYSTEM_OIDS, Asked
from discovery.wire.snmp import ABSENT, Question, VarBind

SYSTEM_PROBE = "snmp_system"
DETAIL_PROBE = "snmp_details"
DETAIL_ROWS = 6  # the chassis stands near the top of ENTITY-MIB, the first real interface among the first of ifTable
OIDS_A_PACKET_MAX = 40  # some 2 KB of answer


async def ask_system(asker: Asker) -> Told:
    """The first question; a device that cannot answer it whole gets the system group alone."""
    told = await asker.ask(Question.GET, (*SYSTEM_OIDS, *IDENTITY_OIDS), probe=SYSTEM_PROBE)
    if isinstance(told, Reply) and told.error_status:
        told = await asker.ask(Question.GET, SYSTEM_OIDS, probe=SYSTEM_PROBE)
    return told


async def ask_details(asker: Asker, asked: Sequence[Asked]) -> list[VarBind]:
    """What cards ask for, the chassis and the interfaces; what the device does not say is missing from the list.

    A scalar `..5.1.0` is the first variable below `..5.1`, so it rides in the GETBULK as a non-repeater.
    """
    below = {a.oid if a.first else a.oid[:-1] for a in asked if a.first or a.oid[-1] == 0}
    exact = [a.oid for a in asked if not a.first and a.oid[-1] != 0]
    found: list[VarBind] = []
    for start in range(0, len(exact), OIDS_A_PACKET_MAX):
        told = await asker.ask(Question.GET, tuple(exact[start : start + OIDS_A_PACKET_MAX]), probe=DETAIL_PROBE)
        if not isinstance(told, Reply):
            return found
        found += told.varbinds
    columns = (*ENTITY_COLUMNS, *INTERFACE_COLUMNS)
    once = tuple(sorted(below))[:OIDS_A_PACKET_MAX]
    told = await asker.ask(
        Question.GETBULK,
        (*once, *columns),
        probe=DETAIL_PROBE,
        non_repeaters=len(once),
        max_repetitions=DETAIL_ROWS,
    )
    if isinstance(told, Reply):
        found += told.varbinds
    return [v for v in found if v.kind not in ABSENT and _was_asked(v.oid, (*below, *exact, *columns))]


def _was_asked(oid: Oid, asked: Sequence[Oid]) -> bool:
    """GETBULK runs on into what nobody asked for; that is dropped unread."""
    return any(oid[: len(prefix)] == prefix for prefix in asked)

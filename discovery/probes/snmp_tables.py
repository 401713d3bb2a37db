"""Station 1, asking: the tables of a switch or router, which know every device without touching one.

Names, LLDP neighbours, bridge and ARP tables, side by side by GETBULK, within the limits of a walk.
"""

from discovery.asking import Asker, Walk, walk
from discovery.wire.tables import TABLE_COLUMNS
from riskdb.model.claim import Category, Claim

TABLE_PROBE = "snmp_tables"
_BRIDGES = 2  # layer 2 in sysServices: 2^(2-1), RFC 3418
_WITH_TABLES = frozenset({Category.NETWORK, Category.FIREWALL, Category.WIRELESS})


async def ask_tables(asker: Asker) -> Walk:
    """Every column that `discovery.wire.tables.neighbours` reads."""
    return await walk(asker, TABLE_COLUMNS, probe=TABLE_PROBE)


def has_tables(claim: Claim, sys_services: str) -> bool:
    """Whether the tables are worth reading: the device bridges, or a card knows it for network gear."""
    bridges = sys_services.isdecimal() and int(sys_services[:3]) & _BRIDGES != 0
    return bridges or claim.category in _WITH_TABLES

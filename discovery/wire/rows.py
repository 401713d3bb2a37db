"""Part of station 2: the variables of one device in OID order, however they came.

Pure. Of a variable stated twice the first counts; variables without a value are left out.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from discovery.wire.ber import Oid
from discovery.wire.snmp import ABSENT, ValueKind, VarBind
from discovery.wire.text import clean_text, is_text

ROWS_MAX = 500_000  # variables of one device; the largest recording we know has 78,384. Protects memory


class Rows:
    """An immutable, ordered view of a device's variables."""

    __slots__ = ("_by_oid", "_order")

    def __init__(self, varbinds: Iterable[VarBind]) -> None:
        by_oid: dict[Oid, VarBind] = {}
        for varbind in varbinds:
            if len(by_oid) >= ROWS_MAX:
                break
            if varbind.kind not in ABSENT:
                by_oid.setdefault(varbind.oid, varbind)
        self._by_oid = by_oid
        self._order = sorted(by_oid)

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[VarBind]:
        return (self._by_oid[oid] for oid in self._order)

    def get(self, oid: Oid) -> VarBind | None:
        """The variable of exactly this OID."""
        return self._by_oid.get(oid)

    def below(self, column: Oid) -> Iterator[tuple[Oid, VarBind]]:
        """The variables below an OID in order, each with the rest of its OID: a table's column with the row index."""
        length = len(column)
        for position in range(bisect_left(self._order, column), len(self._order)):
            oid = self._order[position]
            if oid[:length] != column:
                return
            if len(oid) > length:
                yield oid[length:], self._by_oid[oid]

    def after(self, oid: Oid) -> VarBind | None:
        """The variable that GETNEXT answers to this OID; None at the end."""
        position = bisect_left(self._order, (*oid, 0)) if oid else 0
        return self._by_oid[self._order[position]] if position < len(self._order) else None

    def text(self, oid: Oid) -> str | None:
        """The value at this OID as a text, None if it is absent or empty."""
        varbind = self._by_oid.get(oid)
        return None if varbind is None else value_text(varbind)


def value_text(varbind: VarBind) -> str | None:
    """A value as a fact states it: text, decimal number, dotted OID or address, octets in hex; None if empty."""
    value = varbind.value
    if isinstance(value, bytes):
        if varbind.kind is ValueKind.IP_ADDRESS:
            return ".".join(map(str, value)) if len(value) == 4 else None
        if not is_text(value):
            return value[:64].hex(":")
        return clean_text(value) or None
    if isinstance(value, tuple):
        return ".".join(map(str, value))
    return None if value is None else str(value)

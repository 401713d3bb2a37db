"""The mDNS half of a practice hospital: real announcements of every device that makes any, on loopback only.

A few zeroconf instances speak for all. They announce again and again while they run, so that a listener who comes later
hears everything, and answer queries in between.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from discovery.sim.hospital import Device
from discovery.sim.mib import octets

SERVICES_PER_INSTANCE = 1_000
ROUND_S = 4.0  # everybody is heard once in this time ...
ANNOUNCEMENTS_PER_S_MAX = 500.0  # ... unless that would drown the listeners' socket buffers
_BURST = 10  # announcements sent before the loop gets its turn
_INSTANCE_BYTES_MAX = 63  # RFC 6763 section 4.1.1


def service_info(device: Device, *, prefix: int, tag: str) -> ServiceInfo | None:
    """What a device announces; the tag keeps two hospitals on one machine apart. None if it announces nothing."""
    mdns = device.mdns
    if mdns is None or device.address is None:
        return None
    instance = mdns.instance.encode()[: _INSTANCE_BYTES_MAX - len(tag) - 3].decode(errors="ignore")
    return ServiceInfo(
        f"{mdns.service}.local.",
        f"{instance} ({tag}).{mdns.service}.local.",
        addresses=[octets(device.address, prefix=prefix)],
        port=mdns.port,
        properties=mdns.txt,
        server=f"{device.hostname or device.id}-{tag}.local.",
    )


class Announcer:
    """Speaks for all announcing devices until closed."""

    def __init__(self, devices: Sequence[Device], *, prefix: int, tag: str) -> None:
        infos = [info for d in devices if (info := service_info(d, prefix=prefix, tag=tag)) is not None]
        self._groups = [infos[i : i + SERVICES_PER_INSTANCE] for i in range(0, len(infos), SERVICES_PER_INSTANCE)]
        self._speakers: list[AsyncZeroconf] = []
        self._task: asyncio.Task[None] | None = None
        self.services = len(infos)

    async def start(self) -> None:
        """Open the instances and begin to announce."""
        for group in self._groups:
            speaker = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
            await speaker.zeroconf.async_wait_for_start()
            for info in group:
                speaker.zeroconf.registry.async_add(info)
            self._speakers.append(speaker)
        self._task = asyncio.get_running_loop().create_task(self._announce(), name="announce")

    def _all(self) -> Iterator[tuple[AsyncZeroconf, ServiceInfo]]:
        for speaker, group in zip(self._speakers, self._groups, strict=True):
            yield from ((speaker, info) for info in group)

    async def _announce(self) -> None:
        pause_s = max(ROUND_S / max(self.services, 1), 1 / ANNOUNCEMENTS_PER_S_MAX)
        while True:
            for number, (speaker, info) in enumerate(self._all(), start=1):
                speaker.zeroconf.async_send(speaker.zeroconf.generate_service_broadcast(info, None))
                if number % _BURST == 0:
                    await asyncio.sleep(_BURST * pause_s)
            await asyncio.sleep(_BURST * pause_s)

    async def close(self) -> None:
        """Fall silent, without good-byes: the power of a hospital fails like that."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for speaker in self._speakers:
            speaker.zeroconf.registry.async_remove(speaker.zeroconf.registry.async_get_service_infos())
            await speaker.async_close()

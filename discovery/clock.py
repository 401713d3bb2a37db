"""The time, as a thing that is handed in: the wall clock for people and the loop's clock for waiting."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the gate needs of time."""

    def now(self) -> datetime:
        """The wall clock, aware, in the zone of this machine."""

    def monotonic_s(self) -> float:
        """Seconds of the running event loop."""


JUMP_MIN = timedelta(seconds=5)  # less is a clock being trimmed


@dataclass(slots=True)
class JumpWatch:
    """Notices that somebody set the wall clock, by the seconds that passed meanwhile."""

    wall: datetime
    monotonic_s: float

    def jump(self, now: datetime, now_s: float) -> timedelta:
        """How far the wall clock was set since the last call; zero if it only went on."""
        ahead = (now - self.wall) - timedelta(seconds=now_s - self.monotonic_s)
        self.wall, self.monotonic_s = now, now_s
        return ahead if abs(ahead) >= JUMP_MIN else timedelta()


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The wall clock, aware, in the zone of this machine."""
        return datetime.now(UTC).astimezone()

    def monotonic_s(self) -> float:
        """Seconds of the running event loop."""
        return asyncio.get_running_loop().time()


async def sleep_until(moment_s: float, clock: Clock) -> None:
    """Wait for a moment of the clock's seconds; returns at once if it is past."""
    wait_s = moment_s - clock.monotonic_s()
    if wait_s > 0:
        await asyncio.sleep(wait_s)

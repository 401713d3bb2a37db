"""Part of the safety gate: when a device or a subnet has had enough.

Pure: each function takes what was remembered, the event and its time, and returns what to remember. No clock.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from discovery.rules import DeviceState

TIMEOUTS_AFTER_REPLY = 2  # the packet and its one retry: a device that spoke and fell silent may be unwell
PACKETS_PER_CREDENTIAL = 2  # one question and one retry, to who never spoke
DEVICE_STOP = timedelta(hours=24)
SUBNET_STOP = timedelta(hours=24)
SUBNET_WINDOW = timedelta(minutes=10)
SUBNET_DEVICES_MIN = 3
SUBNET_SHARE = 0.02
BACK_OFF_FIRST = timedelta(minutes=15)  # after a first silent round; doubles each round
BACK_OFF_MAX = timedelta(hours=24)


def after_packet(device: DeviceState, now: datetime) -> DeviceState:
    """A packet left for the device."""
    return replace(device, asked_at=now)


def after_reply(device: DeviceState, now: datetime) -> DeviceState:
    """It answered: whatever it did before is forgiven, a stop is not."""
    return replace(device, replied_at=now, timeouts=0, silent_rounds=0, backing_off_until=None)


def after_timeout(device: DeviceState, now: datetime, *, packets_allowed: int) -> DeviceState:
    """It stayed silent. `packets_allowed` is how many a device that never spoke may get before we back off."""
    counted = replace(device, timeouts=device.timeouts + 1)
    if device.replied_at is not None:
        if counted.timeouts < TIMEOUTS_AFTER_REPLY:
            return counted
        return replace(counted, timeouts=0, stopped_until=now + DEVICE_STOP)
    if counted.timeouts < packets_allowed:
        return counted
    wait = min(BACK_OFF_FIRST * 2 ** min(device.silent_rounds, 10), BACK_OFF_MAX)
    return replace(counted, timeouts=0, silent_rounds=device.silent_rounds + 1, backing_off_until=now + wait)


def moved(device: DeviceState, by: timedelta) -> DeviceState:
    """The same memory after the wall clock was set: a rest lasts its hours, whatever the clock says."""
    moments = {
        name: moment + by
        for name in ("replied_at", "stopped_until", "backing_off_until", "asked_at")
        if (moment := getattr(device, name)) is not None
    }
    return replace(device, **moments)


def subnet_has_had_enough(devices: Mapping[str, DeviceState], now: datetime) -> bool:
    """Whether at least 3 and more than 2 % of a subnet's devices asked within ten minutes stopped within them.

    `devices` are those of the one subnet.
    """
    since = now - SUBNET_WINDOW
    asked = sum(1 for d in devices.values() if d.asked_at is not None and d.asked_at > since)
    stopped = sum(1 for d in devices.values() if d.stopped_until is not None and d.stopped_until - DEVICE_STOP > since)
    return stopped >= SUBNET_DEVICES_MIN and stopped > SUBNET_SHARE * asked

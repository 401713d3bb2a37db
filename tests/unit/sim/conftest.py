"""Hospitals of a few seeds, made once."""

import functools
from collections.abc import Callable

import pytest

from discovery.sim.generate import generate
from discovery.sim.hospital import Hospital

SEEDS = (1, 2, 3, 11, 4711)


@functools.cache
def _made(seed: int, size: int = 1) -> Hospital:
    return generate(seed, size)


@pytest.fixture
def made() -> Callable[..., Hospital]:
    return _made


@pytest.fixture(params=SEEDS)
def hospital(request: pytest.FixtureRequest) -> Hospital:
    return _made(request.param)

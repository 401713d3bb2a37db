"""When the ranking follows what was heard."""

from datetime import UTC, datetime, timedelta

import pytest

from riskdb.store.freshness import Freshness
from service.jobs.follow import PATIENCE, QUIET, is_due

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


@pytest.mark.parametrize(
    ("heard_at", "ranked_at", "due"),
    [
        (None, None, False),  # nothing was ever heard
        (ago(seconds=5), None, False),  # an agent is still handing over
        (ago(minutes=2), None, True),  # it paused, and there is no ranking yet
        (ago(minutes=2), ago(minutes=1), False),  # the ranking knows it
        (ago(minutes=2), ago(minutes=3), True),  # it came after the ranking
        (ago(seconds=5), ago(minutes=3), False),  # wait for the end of the look around
        (ago(seconds=5), ago(minutes=20), True),  # but not for ever
    ],
)
def test_a_run_is_due_when_new_statements_have_come_to_rest(
    heard_at: datetime | None, ranked_at: datetime | None, due: bool
) -> None:
    assert is_due(Freshness(heard_at=heard_at, ranked_at=ranked_at), now=NOW) is due


def test_waiting_is_bounded() -> None:
    assert timedelta(0) < QUIET < PATIENCE

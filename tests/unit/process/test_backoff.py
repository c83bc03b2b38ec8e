"""Backoff: waits double up to their bound, within the random factor, and begin again after a success."""

import pytest

from taskqueue.process.backoff import Backoff


@pytest.mark.parametrize("lowest", [0.0, 0.5])
def test_waits_double_up_to_their_bound(lowest: float) -> None:
    backoff = Backoff(0.1, 1.0, lowest)
    for longest_s in (0.1, 0.2, 0.4, 0.8, 1.0, 1.0):
        assert backoff.next_s == longest_s
        assert lowest * longest_s <= backoff.fail() <= longest_s
    assert backoff.failures == 6


def test_waits_are_random() -> None:
    assert len({Backoff(1.0, 1.0).fail() for _ in range(20)}) > 1


def test_a_success_begins_again() -> None:
    backoff = Backoff(0.1, 1.0)
    for _ in range(2):
        backoff.fail()
    backoff.succeed()
    assert (backoff.failures, backoff.next_s) == (0, 0.1)

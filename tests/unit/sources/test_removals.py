"""The guard against many removals at once."""

import pytest

from taskqueue.sources.removals import are_many


@pytest.mark.parametrize(
    ("gone", "stored", "is_many"),
    [(0, 0, False), (1, 1, False), (2, 2, True), (100, 300, False), (101, 300, True), (101, 505, False)],
)
def test_many_removals_are_a_hundred_and_a_fifth_or_all(gone: int, stored: int, *, is_many: bool) -> None:
    assert are_many(gone, stored) is is_many

"""A worker's pause for a suspect, and its working time for other jobs afterwards."""

import pytest

from taskqueue.store.claim import Alone, Claim, JobLease
from taskqueue_worker.suspects import Suspects

SUSPECT = JobLease("job|u|~1|1|0|w.0|1", 0, "", 0, 1)


class Desk:
    """A worker of ten slots, its clock and its pace, which records calls."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.held = 0
        self.told: list[str] = []
        self.hungry = True
        self.suspects = Suspects(self, lambda: self.held == 0, lambda: self.now_s)

    def call_when_free(self) -> None:
        self.told.append("come")

    def call(self) -> None:
        self.told.append("call")

    def claim(self, alone: Alone = Alone.NOT_NOW, asked: int = 0) -> tuple[int, Alone]:
        """Make one call of claim and follow its answer; return the number of jobs asked for, and the offer."""
        room = self.suspects.room(10 - self.held, asked)
        offer = self.suspects.offer(room)
        jobs = [SUSPECT] if offer is alone is Alone.NOW else []
        self.held += len(jobs)
        self.suspects.answered(offer, Claim(0, 1, 100.0, 0, jobs, alone), asked)
        return room, offer


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_worker_asked_to_empty_leases_nothing_until_empty(desk: Desk) -> None:
    desk.held = 4
    assert desk.claim(Alone.WOULD) == (6, Alone.WOULD)
    desk.held = 1
    desk.suspects.freed()
    assert (desk.claim(), desk.told) == ((0, Alone.NOT_NOW), [])
    desk.held = 0
    desk.suspects.freed()
    assert desk.told == ["call"]
    assert desk.suspects.room(10, asked=3) == 0, "another call may bring jobs yet"
    assert desk.claim(Alone.NOW) == (10, Alone.NOW)


def test_a_worker_running_a_suspect_leases_nothing_else(desk: Desk) -> None:
    desk.claim(Alone.WOULD)
    desk.claim(Alone.NOW)
    assert desk.claim() == (0, Alone.NOT_NOW)
    assert desk.suspects.next_s() == desk.now_s + 5, "it is heard of all the same"
    desk.held = 0
    assert desk.claim()[0] == 10
    assert "come" in desk.told


@pytest.mark.parametrize("gone", [False, True])
def test_a_worker_with_backlog_works_nine_times_its_idle_time(desk: Desk, gone: bool) -> None:
    desk.claim(Alone.WOULD)
    desk.now_s += 1
    desk.claim(
        Alone.NOT_NOW if gone else Alone.NOW
    )  # another worker was faster, or this one runs the suspect
    desk.now_s += 0 if gone else 1
    desk.held = 0
    stood_aside_s = desk.now_s - 100
    assert desk.claim()[1] is Alone.NOT_NOW
    desk.now_s += 9 * stood_aside_s - 0.01
    assert desk.claim()[1] is Alone.NOT_NOW
    desk.now_s += 0.02
    assert desk.claim()[1] is Alone.WOULD


def test_an_idle_worker_stands_aside_again_at_once(desk: Desk) -> None:
    desk.hungry = False
    desk.claim(Alone.WOULD)
    desk.claim(Alone.NOW)
    desk.now_s += 5
    desk.held = 0
    desk.hungry = True
    assert desk.claim()[1] is Alone.WOULD


def test_an_unstarted_suspect_delays_no_worker(desk: Desk) -> None:
    desk.claim(Alone.WOULD)
    desk.claim(Alone.NOW)
    desk.held = 0  # its type is gone: given back
    assert desk.suspects.room(10, 0) == 10
    assert not desk.suspects.stands_aside

"""Slots booked in the store for a test's workers: exact, however late a busy machine begins the jobs."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from taskqueue.store.job_name import JobName, parse
from tests.support.store.drive import most_in_a_span

#: Answers of two workers stand in the record in another order by less than this.
_STEP_US = 1_000_000
MODULE = str(Path(__file__).parents[1] / "handlers" / "booked.py")


class Booking(NamedTuple):
    """The slot of one job. start_us: when it may begin; now_us: when claim was answered. Both by the server's clock."""

    member: str
    start_us: int
    now_us: int

    @property
    def job(self) -> JobName:
        """Return the job's type, user, occurrence and due."""
        return parse(self.member)

    @property
    def worker(self) -> str:
        """Return the worker of a booking, from either of its two calls."""
        return self.member.split("|")[-2].rpartition(".")[0]

    @property
    def key(self) -> str:
        """The job's idempotency key."""
        return "/".join(self.member.split("|")[:3])


def read_bookings(record: Path) -> list[Booking]:
    """Return bookings in the order of their slots. record: of the handlers; a repeated call counts once."""
    return sorted(_read(record), key=lambda one: one.start_us)


def read_spells(record: Path) -> list[list[Booking]]:
    """Return bookings as they were answered, in spells between which the server's clock was set back."""
    spells: list[list[Booking]] = [[]]
    for one in _read(record):
        if spells[-1] and one.now_us < spells[-1][-1].now_us - _STEP_US:
            spells.append([])
        spells[-1].append(one)
    return spells


def most_booked(bookings: Iterable[Booking]) -> int:
    """Return the most slots in any second, whichever server booked them; exact on a machine however busy."""
    return most_in_a_span([one.start_us for one in bookings], 1_000_000)


def _read(record: Path) -> list[Booking]:
    text = Path(f"{record}.booked").read_text()
    rows = (line.split() for line in text[: text.rfind("\n") + 1].splitlines())
    found = {member: Booking(member, int(start_us), int(now_us)) for member, start_us, now_us in rows}
    return list(found.values())

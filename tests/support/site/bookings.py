"""Slots booked in the store for a test's workers: exact, however late a busy machine begins the jobs."""

from pathlib import Path
from typing import NamedTuple

MODULE = str(Path(__file__).parents[1] / "handlers" / "booked.py")


class Booking(NamedTuple):
    """The slot of one job. start_us: when it may begin; now_us: when claim was answered. Both by the server's clock."""

    member: str
    start_us: int
    now_us: int

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
    text = Path(f"{record}.booked").read_text()
    rows = (line.split() for line in text[: text.rfind("\n") + 1].splitlines())
    found = {member: Booking(member, int(start_us), int(now_us)) for member, start_us, now_us in rows}
    return sorted(found.values(), key=lambda one: one.start_us)

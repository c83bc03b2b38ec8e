"""The values of one instant that pages show live."""

from dataclasses import dataclass

from taskqueue.store.audit import Audit
from taskqueue.store.types import Catalog
from taskqueue.store.work import Work


@dataclass(frozen=True, slots=True)
class Snapshot:
    """taken_ms: the store's clock.   work: due and running jobs, bounded in its cost, of this instant.

    audit: the newest count of all jobs, at the time that it names.   catalog: types and limits, a few seconds old.
    starts_per_s: over the last seconds; None in the first.
    """

    taken_ms: int
    work: Work
    audit: Audit
    catalog: Catalog
    starts_per_s: float | None

    @property
    def missing(self) -> int:
        """Return the number of jobs that came in and are nowhere."""
        return max(0, self.audit.difference)

    @property
    def doubled(self) -> int:
        """Return the number of jobs that are there without having come in."""
        return max(0, -self.audit.difference)

"""Types that fell behind the cursor, as too many jobs wait in their queue: emitted once there is room."""

from collections.abc import Mapping, Sequence

from taskqueue.plan.due import due
from taskqueue.plan.segment import Segment
from taskqueue.process.progress import Progress
from taskqueue.scheduler import metrics
from taskqueue.scheduler.step import Step
from taskqueue.store.connection import Store
from taskqueue.store.tick import TickVerdict, tick
from taskqueue.store.types import Catalog

#: Maximum jobs of one call.
MAX_JOBS = 4_000
_STEP_MS = 1_000


class LateTypes:
    """behind: the types, and the instants up to which their jobs were emitted, epoch ms. progress: of the ticker."""

    def __init__(self, store: Store, progress: Progress, max_backlog: int) -> None:
        self.behind: Mapping[str, int] = {}
        self._store = store
        self._progress = progress
        self._max_backlog = max_backlog

    async def emit(self, segments: Sequence[Segment], catalog: Catalog, cursor_ms: int, now_ms: int) -> None:
        """Emit jobs up to the cursor, as far as the queues have room. Raises StoreFailure."""
        for from_ms in sorted(set(self.behind.values())):
            late = sorted(name for name, at_ms in self.behind.items() if at_ms == from_ms)
            own = [one for one in segments if one.type in late]
            reached_ms, step = from_ms, Step(_STEP_MS)
            while reached_ms < cursor_ms:
                self._progress.step()
                target_ms = min(cursor_ms, reached_ms + step.ms)
                ranges = due(own, reached_ms, target_ms, now_ms)
                answer = await tick(
                    self._store,
                    reached_ms,
                    target_ms,
                    catalog.version,
                    ranges,
                    variants=catalog.stored_variants,
                    most=MAX_JOBS,
                    max_backlog=self._max_backlog,
                    late=late,
                )
                self.behind = answer.behind
                step.adapt(answer, target_ms - reached_ms, MAX_JOBS)
                if answer.verdict is TickVerdict.OK:
                    metrics.EMITTED.inc(answer.emitted)
                    reached_ms = target_ms
                elif answer.verdict is not TickVerdict.BIG:
                    break  # full, or another ticker is at work

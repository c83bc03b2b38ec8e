"""Prometheus metrics of the work in the store, read at each scrape; every replica gives the same values."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from taskqueue.plan.worker import ALIVE_MS
from taskqueue_operator.scaling import Reading

#: An older reading gives no samples: the store did not answer.
_MAX_AGE_S = 3.0


class WorkCollector(Collector):
    """Collects samples from the last reading, as long as that is recent. last: returns it."""

    def __init__(self, last: Callable[[], Reading | None]) -> None:
        self._last = last

    def collect(self) -> Iterator[Metric]:
        reading = self._last()
        known = reading if reading is not None and reading.age_s < _MAX_AGE_S else None
        for name, text, value in _GAUGES:
            gauge = GaugeMetricFamily(name, text)
            if known:
                gauge.add_metric((), value(known))
            yield gauge
        due = GaugeMetricFamily("taskqueue_due_jobs", _DUE, labels=("lane",))
        backlog = GaugeMetricFamily("taskqueue_limit_waiting_jobs", _WAITING, labels=("limit",))
        closed = GaugeMetricFamily("taskqueue_limit_closed_until_seconds", _CLOSED, labels=("limit",))
        totals = CounterMetricFamily("taskqueue_store_jobs", _TOTALS, labels=("event",))
        reserved = CounterMetricFamily("taskqueue_store_reserved_slots", _RESERVED)
        steps = CounterMetricFamily("taskqueue_store_clock_steps", _CLOCK_STEPS)
        if known:
            for lane, jobs_due in known.work.due_jobs.items():
                due.add_metric((lane,), jobs_due)
            for name, limit in known.limits.items():
                backlog.add_metric((name,), limit.waiting)
                closed.add_metric((name,), limit.closed_until_s)
            jobs = {**dict.fromkeys(STORE_EVENTS, 0), **known.work.totals}
            reserved.add_metric((), jobs.pop("reserved_slots", 0))
            steps.add_metric((), jobs.pop("clock_steps", 0))
            for event, count in jobs.items():
                totals.add_metric((event,), count)
        yield due
        yield backlog
        yield closed
        yield totals
        yield reserved
        yield steps


_DUE = (
    "Jobs that wait for a worker or a Release limit, by lane; lane parked: User limits that are free and have parked "
    "jobs."
)
_WAITING = "Jobs in the lanes, due or not, of types whose innermost Release limit this is, by limit."
_CLOSED = "Time until which a handler closed a Release limit (epoch seconds), by limit; 0 while it is open."
_TOTALS = "Jobs by event since the store was set up: emitted, enqueued, leased, done, ..."
#: Events with samples from the start: for an alert, a counter that begins at 1 never grew.
STORE_EVENTS = ("emitted", "enqueued", "leased", "done", "dead", "lost", "expired", "skipped")
_RESERVED = "Slots of the global limit that were reserved: for starts, as many as the type's cost, and by running jobs."
_CLOCK_STEPS = "Times that the clock of Redis was set back by more than 0.1 s."
_WORK = (
    "Work that is due or running, capped at the workers that the limits can keep busy; an autoscaler wants one worker "
    "for each worker_concurrency * scale_drain of it."
)
_UNCAPPED = (
    "Work that is due or running, not capped; far above taskqueue_work_seconds, jobs wait for limits, not for "
    "workers."
)
_USEFUL = "Workers that the limits can keep busy with the due jobs; 0 when idle."
_OLDEST = "Time that the oldest job which waits for a worker or a Release limit has been due."
_GAUGES: tuple[tuple[str, str, Callable[[Reading], float]], ...] = (
    ("taskqueue_work_seconds", _WORK, lambda reading: reading.capacity.work_s),
    ("taskqueue_work_seconds_uncapped", _UNCAPPED, lambda reading: reading.capacity.uncapped_work_s),
    ("taskqueue_useful_replicas", _USEFUL, lambda reading: reading.capacity.useful_replicas),
    ("taskqueue_running_jobs", "Jobs leased to workers.", lambda reading: reading.work.running),
    ("taskqueue_oldest_due_seconds", _OLDEST, lambda reading: reading.work.oldest_due_s),
    ("taskqueue_dead_letters", "Dead letters kept.", lambda reading: reading.work.dead_letters),
    (
        "taskqueue_workers_seen",
        f"Workers with a heartbeat within {ALIVE_MS // 1000} s.",
        lambda reading: reading.work.workers,
    ),
)

"""What the store says of the work of all processes together, at each scrape. Every replica tells the same."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from taskqueue.plan.worker import ALIVE_MS
from taskqueue_operator.scaling import Reading

#: An older reading is not told: the store did not answer.
_TOLD_FOR_S = 3.0


class WorkCollector(Collector):
    """last: gives the last reading. Where there is none of late, there are no samples either."""

    def __init__(self, last: Callable[[], Reading | None]) -> None:
        self._last = last

    def collect(self) -> Iterator[Metric]:
        reading = self._last()
        known = reading if reading is not None and reading.age_s < _TOLD_FOR_S else None
        for name, text, value in _GAUGES:
            gauge = GaugeMetricFamily(name, text)
            if known:
                gauge.add_metric((), value(known))
            yield gauge
        due = GaugeMetricFamily("taskqueue_due_jobs", _DUE, labels=("lane",))
        totals = CounterMetricFamily("taskqueue_store_jobs", _TOTALS, labels=("event",))
        permits = CounterMetricFamily("taskqueue_store_permits", _PERMITS)
        steps = CounterMetricFamily("taskqueue_store_clock_steps", _CLOCK_STEPS)
        if known:
            for lane, waiting in known.work.due.items():
                due.add_metric((lane,), waiting.jobs)
            jobs = {**dict.fromkeys(_EVENTS, 0), **known.work.totals}
            permits.add_metric((), jobs.pop("permits", 0))
            steps.add_metric((), jobs.pop("clock_steps", 0))
            for event, count in jobs.items():
                totals.add_metric((event,), count)
        yield due
        yield totals
        yield permits
        yield steps


_DUE = (
    "Jobs that wait for a worker or the global limit, by lane; parked: free limits of types and users, with jobs that "
    "waited for them."
)
_TOTALS = (
    "What became of jobs, counted by the store since it was set up: emitted, enqueued, started, done, ..."
)
#: Told before they first happen, too: a counter that begins at 1 never grew, for an alert.
_EVENTS = ("emitted", "enqueued", "started", "done", "dead", "lost", "expired", "skipped")
_PERMITS = (
    "Slots of the global limit that were given away: by starts, each its type's cost, and to running jobs."
)
_CLOCK_STEPS = "How often the clock of Redis was set back by more than 0.1 s."
_WORK = (
    "What an autoscaler gets: the work that is due or runs, as far as the limit makes workers useful; one worker per "
    "worker_concurrency * scale_drain of it."
)
_UNCAPPED = "The same, whatever the limit: far above the other, jobs wait for the limit and not for workers."
_USEFUL = "Workers that the global limit can keep busy with what is due; 0 when idle."
_OLDEST = "For how long the oldest job that waits for a worker or the global limit has been due."
_GAUGES: tuple[tuple[str, str, Callable[[Reading], float]], ...] = (
    ("taskqueue_work_seconds", _WORK, lambda one: one.capacity.work_s),
    ("taskqueue_work_seconds_uncapped", _UNCAPPED, lambda one: one.capacity.uncapped_work_s),
    ("taskqueue_useful_replicas", _USEFUL, lambda one: one.capacity.useful_replicas),
    ("taskqueue_running_jobs", "Jobs leased to workers.", lambda one: one.work.running),
    ("taskqueue_oldest_due_seconds", _OLDEST, lambda one: one.work.oldest_due_s),
    ("taskqueue_dead_letters", "Dead letters kept.", lambda one: one.work.dead_letters),
    (
        "taskqueue_workers_seen",
        f"Workers with a heartbeat within {ALIVE_MS // 1000} s.",
        lambda one: one.work.workers,
    ),
)

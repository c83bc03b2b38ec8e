"""Prometheus metrics of a worker; docs/configuration.md lists them."""

from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from taskqueue.handlers.threads import Threads
from taskqueue.models.outcome import Outcome
from taskqueue_worker.calls import Calls
from taskqueue_worker.claimer import Claimer
from taskqueue_worker.clock import StoreClock
from taskqueue_worker.slots import ConcurrencySlots
from taskqueue_worker.tally import BOUNDS_S
from taskqueue_worker.task_types import TaskTypes

DURATION = Histogram(
    "taskqueue_job_duration_seconds",
    "Time from a handler's first line to its end.",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60, 600),
)


class WorkerCollector(Collector):
    """Collects the worker's own numbers at a scrape, so that no job pays for the look-up of a label.

    blocks: blocks of the event loop by type.
    """

    def __init__(
        self,
        types: TaskTypes,
        slots: ConcurrencySlots,
        claimer: Claimer,
        calls: Calls,
        clock: StoreClock,
        threads: Threads,
        blocks: Mapping[str, int],
    ) -> None:
        self._types = types
        self._slots = slots
        self._claimer = claimer
        self._calls = calls
        self._clock = clock
        self._threads = threads
        self._blocks = blocks

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("taskqueue_claims", "Calls of claim.", self._calls.sent)
        yield CounterMetricFamily(
            "taskqueue_leased_jobs", "Jobs leased by this worker.", self._claimer.leased
        )
        yield CounterMetricFamily(
            "taskqueue_clock_steps", "Jumps of the store's clock by more than 0.1 s.", self._clock.steps
        )
        yield self._jobs()
        yield self._lateness()
        yield GaugeMetricFamily(
            "taskqueue_concurrency_slots", "Jobs that this worker can run at a time.", self._slots.size
        )
        yield GaugeMetricFamily(
            "taskqueue_concurrency_slots_free", "Concurrency slots without a job.", self._slots.free
        )
        yield self._loop_blocks()
        threads = self._threads
        yield GaugeMetricFamily("taskqueue_threads", "Threads for handlers that are not async.", threads.size)
        yield GaugeMetricFamily("taskqueue_threads_busy", "Threads that run a handler.", threads.busy)
        yield GaugeMetricFamily(
            "taskqueue_threads_stuck",
            "Threads whose handler has run for longer than its job's timeout.",
            threads.stuck,
        )

    def _jobs(self) -> Metric:
        jobs = CounterMetricFamily(
            "taskqueue_jobs", f"Jobs by type and outcome: {', '.join(Outcome)}.", labels=("type", "outcome")
        )
        for bound in self._types.all():
            for outcome, times in bound.counts.items():
                if times:
                    jobs.add_metric((bound.definition.name, outcome), times)
        return jobs

    def _lateness(self) -> Metric:
        found = HistogramMetricFamily(
            "taskqueue_start_lateness_seconds", "Time from a job's due to its handler's first line."
        )
        lateness = self._types.lateness
        bounds = [*(repr(float(bound)) for bound in BOUNDS_S), "+Inf"]
        found.add_metric((), list(zip(bounds, accumulate(lateness.starts), strict=True)), lateness.sum_s)
        return found

    def _loop_blocks(self) -> Metric:
        blocks = CounterMetricFamily(
            "taskqueue_loop_blocks",
            "Times that the event loop was blocked for 1 s or longer, by the type whose handler ran; type none: no "
            "handler ran.",
            labels=("type",),
        )
        for name, times in list(self._blocks.items()):
            blocks.add_metric((name,), times)
        return blocks

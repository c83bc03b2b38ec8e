"""What a worker counts, for Prometheus. The table for people is in docs/configuration.md."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from taskqueue.handlers.threads import Threads
from taskqueue_worker.claimer import Claimer
from taskqueue_worker.clock import ServerClock
from taskqueue_worker.slots import Slots
from taskqueue_worker.task_types import OUTCOMES, TaskTypes

LATENESS = Histogram(
    "taskqueue_start_lateness_seconds",
    "From a job's due to its handler's first line.",
    # Fine where quantiles are wanted: idle a job waits for less than 15 ms, at 80 % of the limit for up to 150 ms.
    buckets=(
        *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07),
        *(0.1, 0.15, 0.2, 0.3, 0.5, 1, 3, 10, 60, 600),
    ),
)
DURATION = Histogram(
    "taskqueue_job_duration_seconds",
    "From a handler's first line to its end.",
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60, 600),
)


class WorkerCollector(Collector):
    """Reads the numbers the worker keeps anyway, when asked: a job pays for no label look-up."""

    def __init__(
        self,
        types: TaskTypes,
        slots: Slots,
        claimer: Claimer,
        clock: ServerClock,
        threads: Threads,
        blocks: Mapping[str, int],
    ) -> None:
        self._types = types
        self._slots = slots
        self._claimer = claimer
        self._clock = clock
        self._threads = threads
        self._blocks = blocks

    def collect(self) -> Iterator[Metric]:
        yield _counter("taskqueue_claims", "Calls of claim.", [((), self._claimer.calls)])
        yield _counter("taskqueue_started", "Jobs claimed to be started.", [((), self._claimer.started)])
        yield _counter(
            "taskqueue_clock_steps",
            "Jumps of the store's clock by more than 0.1 s.",
            [((), self._clock.steps)],
        )
        jobs = CounterMetricFamily(
            "taskqueue_jobs", f"Jobs by type and outcome: {', '.join(OUTCOMES)}.", labels=("type", "outcome")
        )
        for bound in self._types.all():
            for outcome in OUTCOMES:
                if bound.counts[outcome]:
                    jobs.add_metric((bound.definition.name, outcome), bound.counts[outcome])
        yield jobs
        yield GaugeMetricFamily("taskqueue_slots", "Jobs this worker can run at a time.", self._slots.size)
        yield GaugeMetricFamily("taskqueue_slots_free", "Slots without a job.", self._slots.free)
        blocks = CounterMetricFamily(
            "taskqueue_loop_blocks",
            "Times that the event loop was blocked for 1 s or longer, by the type whose handler ran; none: what a "
            "handler left behind, or a machine without time.",
            labels=("type",),
        )
        for name, times in list(self._blocks.items()):
            blocks.add_metric((name,), times)
        yield blocks
        for gauge, text, value in (
            ("taskqueue_threads", "Threads for handlers that are not async.", self._threads.size),
            ("taskqueue_threads_busy", "Threads that run a handler.", self._threads.busy),
            (
                "taskqueue_threads_stuck",
                "Threads whose handler has run for longer than its job's timeout.",
                self._threads.stuck,
            ),
        ):
            yield GaugeMetricFamily(gauge, text, value)


def _counter(name: str, text: str, samples: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=())
    for labels, value in samples:
        family.add_metric(labels, value)
    return family

"""The summary of a run: the counters of store, workers and API, and a verdict."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.dev.limit_counts import LimitCount, Worst
from taskqueue.dev.snapshot import Snapshot, quantile_ms
from taskqueue.models.quantity import written_rate


@dataclass(frozen=True, slots=True)
class LimitSummary:
    """The arrivals at one limit. worst_burst, burst: the most n - rate x t of any span, and what is allowed of it.

    early_ms: so much earlier than the limit allows the worst requests came. is_exceeded: by more than the slack.
    """

    name: str
    requests: int
    rejected: int
    worst_burst: float
    burst: int
    early_ms: float
    is_exceeded: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """The keys of `--json`, explained in docs/cli.md. Times are in ms. rate: infinite for none."""

    rate: float
    emitted: int
    done: int
    retried: int
    dead: int
    expired: int
    skipped: int
    waiting: int
    audit_difference: int
    lateness_p50_ms: float | None
    lateness_p99_ms: float | None
    claims_per_start: float | None
    api_requests: int
    api_429: int
    api_worst_second: int
    allocator: str = "unknown"
    problem: str | None = None
    limits: Sequence[LimitSummary] = ()

    def exit_code(self) -> ExitCode:
        """Return AUDIT if jobs are unaccounted for or a limit was exceeded, REFUSED if there is a problem."""
        if self.audit_difference or self._above() or self._exceeded():
            return ExitCode.AUDIT
        return ExitCode.REFUSED if self.problem else ExitCode.OK

    @property
    def ended_badly(self) -> int:
        """Count due jobs that were not done."""
        return self.retried + self.dead + self.expired

    def verdict(self) -> str:
        """Return the verdict as a sentence."""
        lost = (
            f"{abs(self.audit_difference):,} jobs are unaccounted for"
            if self.audit_difference
            else "every job is accounted for"
        )
        exceeded = self._exceeded()
        if not exceeded and not self._above():
            return f"{lost}; {self._kept_limits()}"
        above = (
            f"more than {self.rate:g} requests in one second ({self.api_worst_second})"
            if self._above()
            else ""
        )
        limits = f"more than the limits allow of {', '.join(exceeded)}" if exceeded else ""
        return (
            f"{lost}; the API saw {' and '.join(filter(None, (above, limits)))}: "
            "docs/performance.md explains requests that a busy machine delays"
        )

    def fields(self) -> dict[str, Any]:
        """Return the keys and values of `--json`."""
        return {**asdict(self), "rate": written_rate(self.rate)}

    def lines(self) -> list[tuple[str, str]]:
        """Return the names and values to print; the problem is printed apart."""
        values = {name: value for name, value in self.fields().items() if name not in {"problem", "limits"}}
        return [(name.replace("_", " "), _text(value)) for name, value in values.items()]

    def limit_lines(self) -> list[str]:
        """Return a line for each limit by name."""
        width = max((len(limit.name) for limit in self.limits), default=0)
        return [
            f"limit {limit.name:{width}}  {limit.requests:,} requests, {limit.rejected:,} refused, "
            f"worst burst {limit.worst_burst:,.1f} of {limit.burst:,}"
            + (f", {limit.early_ms:,.0f} ms early" if limit.early_ms else "")
            for limit in self.limits
        ]

    def _kept_limits(self) -> str:
        """Return which limits were kept, as a sentence."""
        if math.isinf(self.rate):
            named = "the API never saw more than its limits by name allow"
            return named if self.limits else "there was no limit to exceed"
        named = ", nor more than its limits by name allow" if self.limits else ""
        return f"the API never saw more than {self.rate:g} requests in any second{named}"

    def _exceeded(self) -> list[str]:
        return [limit.name for limit in self.limits if limit.is_exceeded]

    def _above(self) -> bool:
        return math.isfinite(self.rate) and self.api_worst_second > max(1, int(self.rate))


def summarize(rate: float, earlier: Mapping[str, int], running: Snapshot, drained: Snapshot) -> Summary:
    """Return the summary of a run.

    earlier: totals of the store before the run. running: the last snapshot while the workers ran, for their metrics.
    drained: a snapshot after the workers ended.
    """

    def since(name: str) -> int:
        return drained.audit.totals.get(name, 0) - earlier.get(name, 0)

    return Summary(
        rate=rate,
        emitted=since("emitted"),
        done=since("done"),
        retried=since("retried"),
        dead=since("dead"),
        expired=since("expired"),
        skipped=since("skipped"),
        waiting=sum(drained.audit.ready.values()) + drained.audit.parked,
        audit_difference=drained.audit.difference,
        lateness_p50_ms=quantile_ms(running.lateness_s, 0.5),
        lateness_p99_ms=quantile_ms(running.lateness_s, 0.99),
        claims_per_start=running.claims_per_start(),
        api_requests=drained.api.requests,
        api_429=drained.api.rejected,
        api_worst_second=drained.api.worst,
        limits=[_limit(count) for count in drained.limits],
    )


def _limit(count: LimitCount) -> LimitSummary:
    worst = count.worst or Worst()
    return LimitSummary(
        count.name,
        count.requests,
        count.rejected,
        worst.worst_burst,
        worst.burst,
        worst.early_ms,
        count.is_exceeded,
    )


def _text(value: float | str | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"

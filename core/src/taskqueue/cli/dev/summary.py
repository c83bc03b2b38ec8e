"""What `taskqueue dev` says at its end: what the store, the workers and the API counted."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from taskqueue.cli.dev.scrape import Look, quantile_ms
from taskqueue.cli.exit_codes import ExitCode


@dataclass(frozen=True, slots=True)
class Summary:
    """The keys of `--json`; docs/cli.md says what each means. Times in ms."""

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
    problem: str | None = None

    def exit_code(self) -> ExitCode:
        """Nothing lost or doubled, and never above the limit: that is what it is for. And something must be done."""
        if self.audit_difference or self._above():
            return ExitCode.AUDIT
        return ExitCode.REFUSED if self.problem else ExitCode.OK

    @property
    def ended_badly(self) -> int:
        """How often the time of a job had come, and it was not done."""
        return self.retried + self.dead + self.expired

    def verdict(self) -> str:
        """Say the same in a sentence."""
        lost = (
            f"{abs(self.audit_difference):,} jobs are unaccounted for"
            if self.audit_difference
            else "every job is accounted for"
        )
        limit = "saw more than" if self._above() else "never saw more than"
        return f"{lost}; the API {limit} {self.rate:g} requests in any second"

    def lines(self) -> list[tuple[str, str]]:
        """What to print for people, apart from the problem, which is a sentence of its own."""
        numbers = {name: value for name, value in asdict(self).items() if name != "problem"}
        return [(name.replace("_", " "), _shown(value)) for name, value in numbers.items()]

    def _above(self) -> bool:
        return self.api_worst_second > max(1, int(self.rate))


def summarize(rate: float, earlier: Mapping[str, int], running: Look, drained: Look) -> Summary:
    """Put together what was counted since `earlier`, the store's totals before anything was started.

    `running`: the last look while the workers ran, for their own metrics; `drained`: after they ended.
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
    )


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"

"""What `taskqueue dev` says at its end: what the store, the workers and the API counted."""

from dataclasses import asdict, dataclass

from taskqueue.cli.dev.scrape import Look, quantile_ms
from taskqueue.cli.exit_codes import ExitCode


@dataclass(frozen=True, slots=True)
class Summary:
    """The keys of `--json`. Times in ms; `api_worst_second`: most arrivals in any sliding second."""

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

    def exit_code(self) -> ExitCode:
        """Nothing lost or doubled, and never above the limit: that is what it is for."""
        held = self.audit_difference == 0 and self.api_worst_second <= max(1, int(self.rate))
        return ExitCode.OK if held else ExitCode.AUDIT

    def lines(self) -> list[tuple[str, str]]:
        """What to print for people."""
        return [(name.replace("_", " "), _shown(value)) for name, value in asdict(self).items()]


def summarize(rate: float, running: Look, drained: Look) -> Summary:
    """`running`: the last look while the workers ran, for their own metrics; `drained`: after they ended."""
    totals = drained.audit.totals
    started = running.audit.totals.get("started", 0)
    return Summary(
        rate=rate,
        **{
            name: totals.get(name, 0) for name in ("emitted", "done", "retried", "dead", "expired", "skipped")
        },
        waiting=sum(drained.audit.ready.values()) + drained.audit.parked,
        audit_difference=drained.audit.difference,
        lateness_p50_ms=quantile_ms(running.lateness_s, 0.5),
        lateness_p99_ms=quantile_ms(running.lateness_s, 0.99),
        claims_per_start=running.calls / started if started else None,
        api_requests=drained.api.requests,
        api_429=drained.api.rejected,
        api_worst_second=drained.api.worst,
    )


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"

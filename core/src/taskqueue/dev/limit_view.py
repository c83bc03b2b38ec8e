"""The limits of a snapshot, a line each: arrivals of the last second against the rate, use over 30 s, worst burst."""

from collections.abc import Iterator

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from taskqueue.dev.limit_counts import LimitCount
from taskqueue.dev.snapshot import Snapshot
from taskqueue.models.rate import describe_rate
from taskqueue.models.values import LimitKey


def limit_lines(now: Snapshot, before: Snapshot | None) -> list[str]:
    """Return a line for each limit; none where no limit is known."""
    rows = [
        (
            count.name,
            _arrivals(count, a_second),
            f"use {_use(count)}",
            f"worst burst {_worst(count)}",
            _refused(count),
        )
        for count, a_second in _rates(now, before)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(("", *(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))).rstrip()
        for row in rows
    ]


def limit_panel(now: Snapshot, before: Snapshot | None) -> Panel:
    """Return the limits as a table: red where a limit was exceeded, or a request refused."""
    table = Table.grid(padding=(0, 2))
    table.add_row(
        *(Text(head, style="dim") for head in ("limit", "arrivals", "use, 30 s", "worst burst", ""))
    )
    for count, a_second in _rates(now, before):
        table.add_row(
            Text(count.name, style="bold"),
            _arrivals(count, a_second),
            _use(count),
            Text(_worst(count), style="bold red" if count.is_exceeded else "green"),
            Text(_refused(count), style="bold red" if count.rejected else "green"),
        )
    return Panel(table, title="limits, as counted by the API")


def _rates(now: Snapshot, before: Snapshot | None) -> Iterator[tuple[LimitCount, float]]:
    """Yield each limit with its arrivals per second since `before`."""
    earlier = {count.name: count.requests for count in before.limits} if before else {}
    passed_s = (now.audit.now - before.audit.now) / 1000 if before else 0.0
    for count in now.limits:
        arrived = count.requests - earlier.get(count.name, 0)
        yield count, max(0.0, arrived / passed_s) if passed_s > 0 else 0.0


def _arrivals(count: LimitCount, a_second: float) -> str:
    if count.per_second is None:
        return f"{a_second:.1f}/s, no RateLimit"
    users = f" x {count.keys:,} users" if count.key is LimitKey.USER else ""
    return f"{a_second:.1f}/s of {describe_rate(count.per_second)}{users}"


def _use(count: LimitCount) -> str:
    use = count.meaningful_use()
    if use is None:
        return "-"
    return f"{use:.1%} by the busiest" if count.key is LimitKey.USER else f"{use:.1%}"


def _worst(count: LimitCount) -> str:
    if count.worst is None:
        return "-"
    early = f", {count.worst.early_ms:,.0f} ms early" if count.worst.early_ms else ""
    return f"{count.worst.worst_burst:,.1f} of {count.worst.burst:,}{early}"


def _refused(count: LimitCount) -> str:
    return f"429s {count.rejected:,}"

"""The view of a snapshot: panels for a terminal, a line for any other output."""

import math

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from taskqueue.dev.limit_view import limit_panel
from taskqueue.dev.snapshot import Snapshot, quantile_ms
from taskqueue.plan.lanes import Lane

_BAR = 50


def render(
    now: Snapshot, before: Snapshot | None, elapsed_s: float, rate: float, plot: str, console: str
) -> RenderableType:
    """Return the panels of a snapshot, with rates since `before`, about a second earlier.

    Limits by name, and a plot, have a panel only where there are some. rate: of the global limit, infinite for none.
    console: URL, empty for none.
    """
    columns = Table.grid(expand=True)
    columns.add_column(ratio=1)
    columns.add_column(ratio=1)
    columns.add_row(_queue(now), _jobs(now))
    parts: list[RenderableType] = [_limit(now, before, rate), columns]
    if now.limits:
        parts.insert(1, limit_panel(now, before))
    if plot:
        parts.append(Panel(Text(plot.strip("\n")), title="the plan: starts a minute, the next hour"))
    address = f"console {console}   " if console else ""
    parts.append(
        Text(f"{elapsed_s:.0f} s   {address}Ctrl-C drains the workers and prints a summary", style="dim")
    )
    return Group(*parts)


def line(now: Snapshot, before: Snapshot | None, elapsed_s: float, rate: float) -> str:
    """Return a snapshot as one line."""
    totals = now.audit.totals
    return (
        f"{elapsed_s:6.0f} s  {_arrived(now, before):6.1f} {_of_limit(rate)}  due {_due(now):,}  "
        f"in flight {now.audit.leased}  done {totals.get('done', 0):,}  retried {totals.get('retried', 0):,}  "
        f"dead {totals.get('dead', 0):,}  late {_ms(now, 0.5)} / {_ms(now, 0.99)}  "
        f"429s {now.api.rejected}  worst second {now.api.worst}"
    )


def _limit(now: Snapshot, before: Snapshot | None, rate: float) -> Panel:
    arrived, leased = (
        _arrived(now, before),
        _a_second(now, before, now.leased, before.leased if before else 0),
    )
    filled = min(_BAR, round(_BAR * arrived / rate))
    good = not now.api.rejected and now.api.worst <= rate
    text = Text.assemble(
        ("█" * filled, "green" if good else "red"),
        ("" if math.isinf(rate) else "░" * (_BAR - filled), "dim"),
        (f"  {arrived:5.1f} {_of_limit(rate)}\n", "bold"),
        f"jobs started/s {leased:.1f}   most in any sliding second ",
        (f"{now.api.worst}", "green" if now.api.worst <= rate else "bold red"),
        "   429s ",
        (f"{now.api.rejected}", "bold red" if now.api.rejected else "green"),
        f"   requests {now.api.requests:,}",
    )
    return Panel(text, title="requests, as counted by the API")


def _of_limit(rate: float) -> str:
    return "requests/s, global limit none" if math.isinf(rate) else f"of {rate:g} requests/s"


def _queue(now: Snapshot) -> Panel:
    audit = now.audit
    table = Table.grid(padding=(0, 2))
    table.add_row("", *(Text(head, style="dim", justify="right") for head in ("due", "soon")))
    for lane in Lane:
        due = audit.due.get(lane, 0)
        table.add_row(lane, _number(due), _number(audit.ready.get(lane, 0) - due))
    table.add_row("parked", _number(audit.parked))
    table.add_row("in flight", _number(audit.leased), Text(f"of {now.slots:,} slots", style="dim"))
    table.add_row(
        "emitted until", "", f"now {(audit.cursor - audit.now) / 1000:+.1f} s" if audit.cursor >= 0 else "-"
    )
    return Panel(table, title="waiting")


def _jobs(now: Snapshot) -> Panel:
    totals = now.audit.totals
    table = Table.grid(padding=(0, 2))
    for name in ("done", "retried", "dead", "expired", "skipped"):
        table.add_row(name, _number(totals.get(name, 0), alarm=name == "dead"))
    table.add_row("late, p50 / p99", f"{_ms(now, 0.5)} / {_ms(now, 0.99)}")
    calls = now.claims_per_start()
    table.add_row("calls a start", "-" if calls is None else f"{calls:.2f}")
    table.add_row("unaccounted for", _number(now.audit.difference, alarm=True))
    return Panel(table, title="jobs")


def _number(value: int, *, alarm: bool = False) -> Text:
    return Text(f"{value:,}", style="bold red" if alarm and value else "", justify="right")


def _due(now: Snapshot) -> int:
    return sum(now.audit.due.values()) + now.audit.parked


def _arrived(now: Snapshot, before: Snapshot | None) -> float:
    return _a_second(now, before, now.api.requests, before.api.requests if before else 0)


def _a_second(now: Snapshot, before: Snapshot | None, count: int, earlier: int) -> float:
    if before is None or now.audit.now <= before.audit.now:
        return 0.0
    return max(0.0, (count - earlier) * 1000 / (now.audit.now - before.audit.now))


def _ms(now: Snapshot, share: float) -> str:
    value = quantile_ms(now.lateness_s, share)
    return "-" if value is None else f"{value:,.1f} ms"

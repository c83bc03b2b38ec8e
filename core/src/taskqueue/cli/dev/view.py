"""The live view of `taskqueue dev`."""

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from taskqueue.cli.dev.scrape import Look, quantile_ms
from taskqueue.store.keys import LANES

_BAR = 40


def render(now: Look, before: Look | None, elapsed_s: float, rate: float, plot: str) -> RenderableType:
    """Draw one look; `before`, a second or so earlier, gives the speeds."""
    return Group(
        _limit(now, before, rate),
        Columns([_queue(now), _outcomes(now, elapsed_s)], expand=True, equal=True),
        Panel(Text(plot), title="starts a minute, the next hour"),
        Text("Ctrl-C drains the workers and prints a summary", style="dim"),
    )


def line(now: Look, before: Look | None, elapsed_s: float, rate: float) -> str:
    """The same in one line, where there is no terminal."""
    return (
        f"{elapsed_s:6.0f} s  {_speed(now, before):6.1f} of {rate:g} requests/s  waiting {_waiting(now):,}  "
        f"in flight {now.audit.leased}  done {now.audit.totals.get('done', 0):,}  "
        f"429s {now.api.rejected}  worst second {now.api.worst}"
    )


def _speed(now: Look, before: Look | None) -> float:
    if before is None or now.audit.now <= before.audit.now:
        return 0.0
    return (now.api.requests - before.api.requests) / ((now.audit.now - before.audit.now) / 1000)


def _waiting(now: Look) -> int:
    return sum(now.audit.ready.values()) + now.audit.parked


def _limit(now: Look, before: Look | None, rate: float) -> Panel:
    speed = _speed(now, before)
    filled = min(_BAR, round(_BAR * speed / rate))
    text = Text.assemble(
        ("█" * filled, "green"),
        ("░" * (_BAR - filled), "dim"),
        f"  {speed:5.1f} of {rate:g} requests/s   worst sliding second {now.api.worst}   429s {now.api.rejected}",
    )
    return Panel(text, title="what the API itself counts")


def _queue(now: Look) -> Panel:
    table = Table.grid(padding=(0, 2))
    for lane in LANES:
        table.add_row(f"waiting, {lane}", f"{now.audit.ready.get(lane, 0):,}")
    table.add_row("waiting for a narrower limit", f"{now.audit.parked:,}")
    table.add_row("in flight", f"{now.audit.leased:,} of {now.slots:,} slots")
    table.add_row("cursor ahead of the clock", f"{(now.audit.cursor - now.audit.now) / 1000:+.2f} s")
    return Panel(table, title="queue")


def _outcomes(now: Look, elapsed_s: float) -> Panel:
    totals = now.audit.totals
    table = Table.grid(padding=(0, 2))
    for name in ("done", "retried", "dead", "expired", "skipped"):
        table.add_row(name, f"{totals.get(name, 0):,}")
    table.add_row("lateness p50 / p99", f"{_ms(now, 0.5)} / {_ms(now, 0.99)}")
    table.add_row("script calls a start", f"{now.calls / max(1, totals.get('started', 0)):.2f}")
    table.add_row("audit difference", f"{now.audit.difference}   after {elapsed_s:.0f} s")
    return Panel(table, title="jobs")


def _ms(now: Look, share: float) -> str:
    value = quantile_ms(now.lateness_s, share)
    return "-" if value is None else f"{value:,.1f} ms"

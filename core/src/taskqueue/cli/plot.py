"""A day, or the next hour, plotted in characters."""

import math
import shutil
import sys
from collections.abc import Sequence

import plotext

HEIGHT_LINES = 18
HOUR_HEIGHT_LINES = 9
MAX_WIDTH = 120
_MINUTES_PER_HOUR = 60


def day_plot(minutes: Sequence[float], day: str, rate: float | None) -> str:
    """Return a plot of the starts of each minute of a day; with a finite `rate`, per second, also its line."""
    hours = range(0, len(minutes) // _MINUTES_PER_HOUR + 1, 4)
    ticks = {hour * _MINUTES_PER_HOUR: f"{hour:02}:00" for hour in hours}
    return _plot(minutes, f"starts a minute on {day} (UTC)", rate, ticks, HEIGHT_LINES)


def hour_plot(minutes: Sequence[float], rate: float) -> str:
    """Return a small plot of the starts of each minute of the next hour, under the rate of the limit."""
    ticks = {minute: f"+{minute} min" for minute in range(0, len(minutes) + 1, 15)}
    return _plot(minutes, "", rate, ticks, HOUR_HEIGHT_LINES)


def _plot(
    minutes: Sequence[float], title: str, rate: float | None, ticks: dict[int, str], height: int
) -> str:
    """Return a plot of `minutes` with a line for the limit where it is in sight.

    ticks: labels by minute. height: lines.
    """
    width = min(MAX_WIDTH, shutil.get_terminal_size().columns) - 4
    peak, mean = max(minutes, default=0), sum(minutes) / max(1, len(minutes))
    limit = rate * 60 if rate and math.isfinite(rate) else 0
    title = f"{title}: peak {peak:,.0f}, mean {mean:,.0f}".removeprefix(": ")
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, height)
    figure.theme("colorless")
    curve = figure.signal(list(range(len(minutes))), list(minutes), marker="braille")
    curve.lines()
    figure.draw(curve)
    top = max(peak, 1) * 1.1
    if limit and limit <= top * 2:
        figure.line(limit)
        top = max(top, limit * 1.05)
    if limit:
        title += f", limit {limit:,.0f}"
    figure.ruler("x").ticks(list(ticks), list(ticks.values()))
    figure.ruler("y").lim(0, top)
    marks = [top * part / 4 for part in range(5)]
    figure.ruler("y").ticks(marks, [f"{mark:,.0f}" for mark in marks])
    figure.title(title)
    text = str(figure.build().string(colorless=True))
    return text if _draws_unicode() else text.encode("ascii", "replace").decode()


def _draws_unicode() -> bool:
    """Tell whether standard output can encode braille characters."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")

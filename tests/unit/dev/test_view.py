"""View and summary of `taskqueue dev`."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from taskqueue.dev.snapshot import ApiStats, Snapshot, quantile_ms
from taskqueue.dev.summary import summarize
from taskqueue.dev.view import line, render
from taskqueue.store.audit import Audit

AUDIT = Audit(
    totals={"emitted": 950, "done": 900, "leased": 910},
    ready={"high": 12, "normal": 28, "low": 0, "backfill": 0},
    due={"high": 2, "normal": 3, "low": 0, "backfill": 0},
    parked=4,
    leased=6,
    dead_letters=0,
    difference=0,
    cursor=11_000,
    now=10_000,
)
LATENESS = [(0.001, 0.0), (0.01, 500.0), (0.1, 1000.0), (float("inf"), 1000.0)]
NOW = Snapshot(AUDIT, ApiStats(requests=910, worst=97), LATENESS, calls=455, leased=910, slots=100)
BEFORE = replace(
    NOW, audit=replace(AUDIT, now=9_000), api=ApiStats(requests=830, worst=97), calls=415, leased=835
)


def drawn(look: Snapshot, plot: str = "") -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(render(look, BEFORE, 30.0, 100.0, plot))
    return out.getvalue()


def test_the_picture_shows_speeds_lanes_lateness_and_the_plan() -> None:
    text = drawn(NOW, "the curve")
    for part in ("80.0 of 100 requests/s", "jobs started/s 75.0", "10.0 ms / 98.2 ms", "the curve", "0.50"):
        assert part in text
    high = next(row for row in text.splitlines() if "high" in row)
    assert high.replace("│", " ").split()[:3] == ["high", "2", "10"]


def test_no_frame_is_drawn_without_a_plot() -> None:
    assert "the plan" not in drawn(NOW)


def test_the_line_says_how_fast_how_late_and_how_much_is_due() -> None:
    text = line(NOW, BEFORE, 30.0, 100.0)
    for part in ("80.0 of 100 requests/s", "due 9", "in flight 6", "done 900", "late 10.0 ms / 98.2 ms"):
        assert part in text


def test_the_first_look_has_no_speed() -> None:
    assert "  0.0 of 100" in line(NOW, None, 0.0, 100.0)


@pytest.mark.parametrize(
    ("cumulative", "share", "expected_ms"),
    [
        ([], 0.5, None),
        ([(0.01, 0), (float("inf"), 0)], 0.5, None),
        ([(0.01, 10), (0.02, 20), (float("inf"), 20)], 0.5, 10.0),
        ([(0.01, 10), (0.02, 20), (float("inf"), 20)], 0.75, 15.0),
        ([(0.01, 10), (float("inf"), 20)], 0.99, 10.0),
    ],
)
def test_quantiles_are_linear_within_a_bucket(
    cumulative: list[tuple[float, float]], share: float, expected_ms: float | None
) -> None:
    assert quantile_ms(cumulative, share) == (None if expected_ms is None else pytest.approx(expected_ms))


def test_the_summary_counts_only_this_run() -> None:
    summary = summarize(100.0, {"emitted": 50, "done": 100}, NOW, NOW)
    assert (summary.emitted, summary.done, summary.waiting, summary.claims_per_start) == (900, 800, 44, 0.5)
    assert summary.exit_code() == 0
    assert summary.lines()[-1] == ("allocator", "unknown")


@pytest.mark.parametrize(
    ("look", "sentence"),
    [
        (replace(NOW, audit=replace(AUDIT, difference=-3)), "3 jobs are unaccounted for"),
        (replace(NOW, api=ApiStats(worst=101)), "the API saw more than 100 requests"),
    ],
)
def test_a_lost_job_or_exceeded_limit_is_exit_code_4(look: Snapshot, sentence: str) -> None:
    summary = summarize(100.0, {}, look, look)
    assert sentence in summary.verdict()
    assert summary.exit_code() == 4

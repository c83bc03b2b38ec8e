"""`make bench` and `make bench-operator`: a table for people and, with --json FILE, the same for programs.

Figures of a shared machine vary: compare runs made side by side.
"""

import argparse
import asyncio
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.customers import customers
from benchmarks.declaring import declaring
from benchmarks.drain import drain
from benchmarks.enqueueing import enqueueing
from benchmarks.history import history_cost
from benchmarks.memory import REFILL_S, memory, memory_of_history, memory_of_limits
from benchmarks.operating import operating
from benchmarks.ticking import ticking
from benchmarks.viewing import viewing
from tests.support.store.backlog import Server

#: Figure -> (bound, whether the figure should be at least or at most that).
GOALS: dict[str, tuple[float, str]] = {
    "drain_plain_per_s": (30_000, "least"),
    "drain_forbid_and_own_limits_per_s": (20_000, "least"),
    "enqueue_many_plain_per_s": (100_000, "least"),
    "enqueue_many_params_per_s": (100_000, "least"),
    "enqueue_many_delayed_per_s": (100_000, "least"),
    "history_costs_percent": (1, "most"),
    # A request is noted by three commands: nothing else is written.
    "declare_by_http_again_writes": (3, "most"),
    "declare_by_client_again_writes": (0, "most"),
    "cost_per_job_largest_over_smallest": (1.15, "most"),
    "catch_up_per_s": (150_000, "least"),
    "steady_call_worst_ms": (5, "most"),
    "bytes_with_zones_and_intervals": (105, "most"),
    "reckoning_median_ms": (5, "most"),
    "tick_call_median_ms": (5, "most"),
    "catch_up_of_customers_per_s": (150_000, "least"),
    "bytes_schedule_and_preferences": (100, "most"),
    "bytes_with_last_outcomes": (130, "most"),
    "bytes_user_at_a_limit": (120, "most"),
    "users_at_a_limit_kept_s": (REFILL_S * 1.02 + 1, "most"),
    "history_mb": (30, "most"),
    "lateness_p99_added_ms": (2, "most"),
    "store_share_of_viewers_percent": (2, "most"),
    "first_paint_p99_ms": (1_000, "most"),
    "first_paint_worst_ms": (1_000, "most"),
    "page_p99_ms": (1_000, "most"),
    "api_p99_ms": (200, "most"),
    "api_ready_s": (2, "most"),
    "api_peak_mb": (120, "most"),
    "operator_first_tick_s": (60, "most"),
    "operator_peak_mb": (300, "most"),
    "steady_status_writes": (0, "most"),
    "edit_status_while_all_others_wait_s": (3, "most"),
    "edit_status_s": (3, "most"),
    "edit_published_s": (2, "most"),
    "burst_published_s": (10, "most"),
    "burst_status_s": (60, "most"),
    "type_created_status_writes_per_s": (50, "most"),
    "type_deleted_status_writes_per_s": (50, "most"),
}


async def _drains(quick: bool) -> dict[str, Any]:
    jobs = 50_000 if quick else 200_000
    return {
        "drain_plain_per_s": round(await drain(jobs)),
        "drain_forbid_and_own_limits_per_s": round(await drain(jobs, forbid=True, own_limits=True)),
    }


async def _enqueueing(quick: bool) -> dict[str, Any]:
    return await enqueueing(*((20_000, 1) if quick else (200_000, 5)))


async def _history(quick: bool) -> dict[str, Any]:
    return await (history_cost(2, 4) if quick else history_cost(4, 60))


async def _declaring(quick: bool) -> dict[str, Any]:
    return await declaring(2_000 if quick else 100_000)


async def _flat(quick: bool) -> dict[str, Any]:
    """The same drain before a backlog of 1e4 to 1e6 jobs, in turn, three times; the cost of the medians."""
    sizes = (10_000, 100_000) if quick else (10_000, 100_000, 1_000_000)
    jobs = 10_000 if quick else 50_000
    runs: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(1 if quick else 3):
        for size in sizes:
            runs[size].append(await drain(jobs, users=10_000, rest=size))
    medians = {size: sorted(rates)[len(rates) // 2] for size, rates in runs.items()}
    return {
        "drain_per_s_by_backlog": {str(size): round(rate) for size, rate in medians.items()},
        "cost_per_job_largest_over_smallest": round(medians[sizes[0]] / medians[sizes[-1]], 3),
    }


async def _ticking(quick: bool) -> dict[str, Any]:
    return await ticking(1_000 if quick else 9_100, 5 if quick else 30)


async def _customers(quick: bool) -> dict[str, Any]:
    return await customers(1_000 if quick else 10_000)


async def _operating(quick: bool) -> dict[str, Any]:
    return await operating(200 if quick else 10_000)


async def _memory(quick: bool) -> dict[str, Any]:
    found = await memory(2_000 if quick else 20_000, 50)
    found |= await memory_of_limits(2_000 if quick else 100_000)
    return found | await memory_of_history(300, 2 if quick else 72)


async def _viewing(quick: bool) -> dict[str, Any]:
    return await (viewing(1_000, 1_000, 10) if quick else viewing(100_000, 1_000_000, 75, stretches=4))


PARTS: dict[str, Callable[[bool], Any]] = {
    "drain": _drains,
    "enqueueing": _enqueueing,
    "history": _history,
    "declaring": _declaring,
    "flat": _flat,
    "ticking": _ticking,
    "customers": _customers,
    "memory": _memory,
    "viewing": _viewing,
    "operating": _operating,
}
#: What needs no Kubernetes; `make bench-operator` is the rest.
DEFAULT = ("drain", "enqueueing", "declaring", "history", "flat", "ticking", "customers", "memory")


def main() -> int:
    """Run the parts named; exit 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "parts", nargs="*", choices=[*PARTS, []], help="which to run (default: what needs no Kubernetes)"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run at all?")
    options = parser.parse_args()
    with Server() as server:
        allocator = server.allocator()
    figures: dict[str, Any] = {
        "python": platform.python_version(),
        "allocator": allocator,
        "quick": options.quick,
    }
    for name in options.parts or DEFAULT:
        print(f"{name} ...", file=sys.stderr)
        figures[name] = asyncio.run(PARTS[name](options.quick))
    missed = _print(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if missed and not options.quick else 0


def _print(figures: dict[str, Any]) -> int:
    print(f"{'allocator of the server':40} {figures['allocator']:>24}")
    missed = 0
    for part in figures.values():
        for name, value in part.items() if isinstance(part, dict) else ():
            goal = GOALS.get(name)
            verdict = ""
            if goal:
                bound, kind = goal
                held = value >= bound if kind == "least" else value <= bound
                verdict = f"goal: at {kind} {bound:g}  {'held' if held else 'MISSED'}"
                missed += not held
            print(f"{name:40} {value!s:>24}  {verdict}")
    return missed


if __name__ == "__main__":
    sys.exit(main())

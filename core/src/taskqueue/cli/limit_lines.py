"""The verdict on each limit, as JSON and as one line of a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from taskqueue.cli.instant import iso
from taskqueue.cli.output import Output, show_line
from taskqueue.cli.table import show_rows
from taskqueue.plan.verdict import Fit, Interval, LimitVerdict, UserShare

#: From this share of its capacity on, a limit that fits is in the table, too.
_NEAR = 0.8
_COLUMNS = ("limit", "ratePerSecond", "use", "verdict", "users", "change")


def limit_line(found: LimitVerdict) -> dict[str, Any]:
    """Return a verdict under the names of the command's JSON."""
    return {
        "limit": found.limit,
        "key": found.key.value,
        "ratePerSecond": found.per_second,
        "verdict": found.fit.value,
        "use": round(found.use, 4),
        "delaySeconds": round(found.delay_s, 3),
        "tightest": interval(found.tightest) if found.tightest else None,
        "behind": {name: round(share, 4) for name, share in found.behind},
        "users": _users(found.users) if found.users else None,
        "change": found.change,
    }


def interval(found: Interval) -> dict[str, Any]:
    """Return an interval with its demand and capacity."""
    return {
        "from": iso(found.start_s * 1000),
        "to": iso(found.end_s * 1000),
        "demand": round(found.demand, 3),
        "capacity": round(found.capacity, 3),
    }


def show_limits(lines: Sequence[Mapping[str, Any]]) -> None:
    """Print the lines of limits that are exceeded or nearly so, at least the first."""
    near = [line for line in lines if line["verdict"] != Fit.FITS.value or line["use"] >= _NEAR]
    printed = near or lines[:1]
    if not printed:
        return
    show_line()
    show_rows(
        Output.TABLE,
        _COLUMNS,
        [
            {
                **line,
                "ratePerSecond": f"{line['ratePerSecond']:.6g}",
                "use": f"{line['use']:.0%}",
                "users": _users_text(line["users"]),
            }
            for line in printed
        ],
    )
    further = len(lines) - len(printed)
    if further:
        show_line(f"{further} more, all of them below {_NEAR:.0%}: --json lists them")


def _users(found: UserShare) -> dict[str, Any]:
    return {
        "users": found.users,
        "over": found.over,
        "worst": found.worst,
        "neededPerSecond": round(found.needed_per_s, 6),
        "ratePerSecond": found.per_second,
    }


def _users_text(users: Mapping[str, Any] | None) -> str:
    """Return how many users the limit is too slow for, and the user with most demand."""
    if users is None:
        return ""
    needs = f"{users['worst']} needs {users['neededPerSecond']:.4g}/s of {users['ratePerSecond']:.4g}/s"
    return f"{users['over']} of {users['users']} over, {needs}"

"""The verdict on each limit, as a line of a table."""

from collections.abc import Sequence

from taskqueue.cli.output import Output, show_line
from taskqueue.cli.table import show_rows
from taskqueue.plan.verdict import Fit
from taskqueue.views.plan_check import LimitVerdictRow, UsersOfLimit

#: From this share of its capacity on, a limit that fits is in the table, too.
_NEAR = 0.8
_COLUMNS = ("limit", "ratePerSecond", "use", "verdict", "users", "change")


def show_limits(limits: Sequence[LimitVerdictRow]) -> None:
    """Print the limits that are exceeded or nearly so, at least the first."""
    near = [limit for limit in limits if limit.verdict is not Fit.FITS or limit.use >= _NEAR]
    printed = near or limits[:1]
    if not printed:
        return
    show_line()
    show_rows(
        Output.TABLE,
        _COLUMNS,
        [
            {
                **limit.to_json(),
                "ratePerSecond": f"{limit.rate_per_second:.6g}",
                "use": f"{limit.use:.0%}",
                "users": _users_text(limit.users),
            }
            for limit in printed
        ],
    )
    further = len(limits) - len(printed)
    if further:
        show_line(f"{further} more, all of them below {_NEAR:.0%}: --json lists them")


def _users_text(users: UsersOfLimit | None) -> str:
    """Return how many users the limit is too slow for, and the user with most demand."""
    if users is None:
        return ""
    needs = f"{users.worst} needs {users.needed_per_second:.4g}/s of {users.rate_per_second:.4g}/s"
    return f"{users.over} of {users.users} over, {needs}"

"""The reason of a verdict as a sentence, for conditions; lists of names, which may be long."""

from collections.abc import Sequence

from taskqueue.plan.verdict import Feasibility, LimitVerdict

#: Names in a list; a condition and a table have no room for all types.
_MAX_NAMES = 5


def explain(verdict: Feasibility) -> str:
    """Return why a plan does not fit: the limit, the demand, and the cheapest change."""
    if verdict.unknown:
        reason = "; ".join(
            f"jobs of {names_of(types)} wait for the limit {limit}, which no RateLimit declares"
            for limit, types in verdict.unknown[:_MAX_NAMES]
        )
    else:
        reason = _reason(verdict.limits[0])
    if verdict.late:
        reason += f"; jobs of {names_of(verdict.late)} expire"
    return f"{reason}: {verdict.change}" if verdict.change else reason


def _reason(found: LimitVerdict) -> str:
    behind = ", ".join(name for name, _ in found.behind)
    if found.users:
        users = found.users
        return (
            f"{found.limit} is too slow for {users.over} of {users.users} users: {users.worst or 'each'} needs "
            f"{users.needed_per_s:.4g}/s and has {users.per_second:.4g}/s, most of it for {behind}"
        )
    worst = found.tightest
    assert worst is not None
    return (
        f"{worst.demand:.0f} starts are due in {worst.end_s - worst.start_s} s, and the limit {found.limit} allows "
        f"{worst.capacity:.0f}; most of them are of {behind}"
    )


def names_of(names: Sequence[str]) -> str:
    """Return the first names, and the number of further ones."""
    further = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {further} more" if further > 0 else "")

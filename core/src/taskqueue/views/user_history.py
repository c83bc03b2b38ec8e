"""The runs of a user that were planned for the last 24 hours, and those of the next.

The store knows the last run of each subscription and dead jobs: after that run, a planned run has a job, or the reason
why it has none.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from taskqueue.plan.cron import DAY_S
from taskqueue.plan.segment import Segment
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.dead import DeadLetter, find_all_dead
from taskqueue.store.lookup import read_user_places
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.store.user_pauses import find_pause
from taskqueue.views.fair_share import fair_shares
from taskqueue.views.instant import at, written
from taskqueue.views.planned_run import Known, PlannedRun, planned_runs
from taskqueue.views.user_detail import SubscriptionRow, UserDetail, read_user_detail
from taskqueue.views.user_dues import Due, dues_within, own_segments
from taskqueue.views.view import Instant, View

_DAY_MS = DAY_S * 1000


class ListedSpan(View):
    """The span within which all planned runs of a type are listed, of a type that has more."""

    type: str
    since: Instant
    until: Instant


class TypeWithoutRuns(View):
    """A type of which no run is planned within the two days, and why."""

    type: str
    why: str


class UserHistory(View):
    """Planned runs of a user by due.   is_cut: there are more than were asked for.

    cut: types with more runs than are here; those nearest to `now` are.   without_runs: types that have none.
    """

    user: str
    now: Instant
    is_cut: bool
    cut: list[ListedSpan]
    without_runs: list[TypeWithoutRuns]
    runs: list[PlannedRun]


async def read_user_history(store: Store, user: str, most: int = 100) -> UserHistory:
    """Return the planned runs of a user, at most `most`. Raises UnknownUserError and ScheduleError.

    The plan is that of today's subscriptions and schedules. The subscriptions share `most`: the longest lists are cut.
    """
    detail = await read_user_detail(store, user)
    return await plan_runs(store, detail, await read_catalog(store), most)


async def plan_runs(store: Store, detail: UserDetail, catalog: Catalog, most: int) -> UserHistory:
    """Return the planned runs of a user whose details are known, and the types, as `read_user_history` does."""
    now_ms = await server_now_ms(store)
    planned = await _read_dues(store, detail, catalog, most, now_ms)
    shares = fair_shares({name: len(dues) for name, dues in planned.items()}, most)
    listed = {name: _nearest(dues, shares[name], now_ms) for name, dues in planned.items()}
    held_until_ms = await _read_holds(store, detail, catalog)
    dead = await _read_dead(store, detail.user, listed, now_ms)
    runs = [
        run
        for row in detail.subscriptions
        for run in planned_runs(
            Known(row, detail.jobs, dead.get(row.type, {}), held_until_ms.get(row.type, 0)),
            listed[row.type],
            now_ms,
        )
    ]
    cut = [_span(name, dues, now_ms) for name, dues in listed.items() if len(dues) < len(planned[name])]
    return UserHistory(
        user=detail.user,
        now=at(now_ms),
        is_cut=bool(cut),
        cut=cut,
        without_runs=[_without_runs(row) for row in detail.subscriptions if not planned[row.type]],
        runs=sorted(runs, key=lambda run: (run.due, run.type)),
    )


async def _read_dues(
    store: Store, detail: UserDetail, catalog: Catalog, most: int, now_ms: int
) -> Mapping[str, Sequence[Due]]:
    """Return the dues of a day before and after now by type, of a short interval somewhat more than `most`."""
    segments = {row.type: _segments(row, catalog) for row in detail.subscriptions}
    generations = {(one.type, one.generation) for several in segments.values() for one in several}
    places = await read_user_places(store, detail.user, sorted(generations))
    found = {}
    for name, several in segments.items():
        own = own_segments(several, places)
        shortest_s = min((one.schedule.interval_s or DAY_S for one, _ in own), default=DAY_S)
        reach_ms = min(_DAY_MS, (most + 1) * shortest_s * 1000)
        found[name] = dues_within(own, now_ms - reach_ms, now_ms + reach_ms)
    return found


def _segments(row: SubscriptionRow, catalog: Catalog) -> Sequence[Segment]:
    """Return the plan of a type; of a suspended one as if it were not."""
    record = catalog.records.get(row.type)
    if record is None:
        return []
    return replace(record, task_type=replace(record.task_type, suspend=False)).segments(catalog.variants)


def _nearest(dues: Sequence[Due], most: int, now_ms: int) -> Sequence[Due]:
    """Return the dues that are nearest to now, by time."""
    return sorted(sorted(dues, key=lambda due: abs(due.at_ms - now_ms))[:most], key=lambda due: due.at_ms)


async def _read_dead(
    store: Store, user: str, listed: Mapping[str, Sequence[Due]], now_ms: int
) -> Mapping[str, Mapping[int, DeadLetter]]:
    """Read the dead letters of the dues that are over, by type and due, by the names that their jobs have."""
    names = {
        name: (due.segment.type, due.at_ms)
        for dues in listed.values()
        for due in dues
        if due.at_ms <= now_ms
        for name in due.job_names(user)
    }
    found: dict[str, dict[int, DeadLetter]] = {}
    for letter in await find_all_dead(store, list(names)):
        task_type, due_ms = names[letter.job]
        found.setdefault(task_type, {})[due_ms] = letter
    return found


async def _read_holds(store: Store, detail: UserDetail, catalog: Catalog) -> Mapping[str, float]:
    """Return until when each idle subscription is held, epoch ms: until its pauses end if nothing else holds it."""
    pause_ms = await find_pause(store, detail.user)
    suspended = {
        one.type
        for one in await read_subscriptions(store, detail.user)
        if one.suspended or one.by_breaker or _is_suspended(one.type, catalog)
    }
    holds = dict[str, float]()
    for name in (row.type for row in detail.subscriptions if row.next is None):
        ends_ms = [end_ms for end_ms in (pause_ms, catalog.paused.get(name)) if end_ms is not None]
        lasts = name in suspended or not all(ends_ms)
        holds[name] = math.inf if lasts else max(ends_ms, default=math.inf)
    return holds


def _is_suspended(name: str, catalog: Catalog) -> bool:
    return name in catalog.records and catalog.records[name].task_type.suspend


def _span(name: str, dues: Sequence[Due], now_ms: int) -> ListedSpan:
    ends_ms = (dues[0].at_ms, dues[-1].at_ms) if dues else (now_ms, now_ms)
    return ListedSpan(type=name, since=at(ends_ms[0]), until=at(ends_ms[1]))


def _without_runs(row: SubscriptionRow) -> TypeWithoutRuns:
    return TypeWithoutRuns(
        type=row.type, why=row.state if row.next is None else f"its next run is due at {written(row.next)}"
    )

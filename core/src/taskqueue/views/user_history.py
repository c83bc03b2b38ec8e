"""The runs of a user that were planned for the last 24 hours, and those of the next.

The store knows the last run of each subscription alone: from that run on, a planned run has an outcome, or the reason
why it has none.
"""

from collections.abc import Iterator, Mapping, Sequence

from taskqueue.models.outcome import Outcome
from taskqueue.plan.cron import DAY_S
from taskqueue.plan.segment import Segment
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.job_name import parse
from taskqueue.store.lookup import read_user_places
from taskqueue.store.scalars import Place
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.views.instant import at
from taskqueue.views.next_due import next_due_ms
from taskqueue.views.user_detail import SubscriptionRow, UserDetail, read_user_detail
from taskqueue.views.view import Instant, View

_DAY_MS = DAY_S * 1000
#: Time of the last run is kept in whole seconds.
_SECOND_MS = 1000
#: State of a run before the last one.
NOT_KEPT = "not kept: the store knows the last run alone"


class PlannedRun(View):
    """A run that the plan has.   outcome, ended_at: of the last run of its subscription, if it is that one.

    state: ended, the reason why its job waits, or, for one without a job: planned, did not run, or not kept.
    """

    type: str
    due: Instant
    outcome: Outcome | None
    ended_at: Instant | None
    state: str


class UserHistory(View):
    """Planned runs of a user by due.   is_cut: there are more than were asked for; those nearest to `now` are here."""

    user: str
    now: Instant
    is_cut: bool
    runs: list[PlannedRun]


async def read_user_history(store: Store, user: str, most: int = 100) -> UserHistory:
    """Return the planned runs of a user, at most `most`. Raises UnknownUserError and ScheduleError.

    The plan is that of today's subscriptions and schedules.
    """
    detail = await read_user_detail(store, user)
    return await plan_runs(store, detail, await read_catalog(store), most)


async def plan_runs(store: Store, detail: UserDetail, catalog: Catalog, most: int) -> UserHistory:
    """Return the planned runs of a user whose details are known, and the types, as `read_user_history` does."""
    user = detail.user
    now_ms = await server_now_ms(store)
    segments = {
        row.type: catalog.records[row.type].segments(catalog.variants)
        for row in detail.subscriptions
        if row.type in catalog.records
    }
    generations = {(name, one.generation) for name, several in segments.items() for one in several}
    places = await read_user_places(store, user, sorted(generations))
    runs = [
        run
        for row in detail.subscriptions
        for run in _runs(row, detail, list(_dues(segments.get(row.type, ()), places, now_ms, most)), now_ms)
    ]
    nearest = sorted(runs, key=lambda run: abs(run.due.timestamp() * 1000 - now_ms))
    return UserHistory(
        user=user,
        now=at(now_ms),
        is_cut=len(runs) > most,
        runs=sorted(nearest[:most], key=lambda run: (run.due, run.type)),
    )


def _dues(
    segments: Sequence[Segment], places: Mapping[tuple[str, int], Place], now_ms: int, most: int
) -> Iterator[int]:
    """Yield the dues of a day before and after now, by time; of a short interval at most `most` before and after."""
    shortest_s = min((one.schedule.interval_s or DAY_S for one in segments), default=DAY_S)
    reach_ms = min(_DAY_MS, (most + 1) * shortest_s * 1000)
    due_ms = next_due_ms(segments, places, now_ms - reach_ms)
    while due_ms is not None and due_ms <= now_ms + reach_ms:
        yield due_ms
        due_ms = next_due_ms(segments, places, due_ms)


def _runs(row: SubscriptionRow, detail: UserDetail, dues: Sequence[int], now_ms: int) -> Iterator[PlannedRun]:
    """Yield the planned runs of a subscription, each with its state."""
    waiting = {parse(job.job).due_ms: job for job in detail.jobs if parse(job.job).type == row.type}
    ended_ms = row.last_at.timestamp() * 1000 + _SECOND_MS if row.last_at else None
    last = max((due_ms for due_ms in dues if ended_ms and due_ms <= min(ended_ms, now_ms)), default=None)
    for due_ms in dues:
        is_last = due_ms == last and due_ms not in waiting
        why = waiting[due_ms].why if due_ms in waiting else ""
        yield PlannedRun(
            type=row.type,
            due=at(due_ms),
            outcome=row.last_outcome if is_last else None,
            ended_at=row.last_at if is_last else None,
            state="ended" if is_last else _state(row, why, due_ms, last, now_ms),
        )


def _state(row: SubscriptionRow, why: str, due_ms: int, last_ms: int | None, now_ms: int) -> str:
    """Return the state of a run that is not the last one that ended.   why: the reason why its job waits."""
    if why:
        return why
    if due_ms > now_ms:
        return row.state if row.next is None else "planned"
    if last_ms is not None and due_ms < last_ms:
        return NOT_KEPT
    return (
        row.state
        if row.next is None
        else "did not run: expired, skipped or cancelled, or not subscribed then"
    )

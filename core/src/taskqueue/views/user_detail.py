"""One user in full: subscriptions with their next runs, and the jobs that wait or run."""

import shlex
from collections.abc import Sequence

from pydantic import Field

from taskqueue.models.duration import format_ms
from taskqueue.models.outcome import Outcome
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.errors import UnknownUserError
from taskqueue.store.job_name import parse
from taskqueue.store.limit_names import limit_names
from taskqueue.store.limit_times import read_limit_times
from taskqueue.store.listing import WaitingJob, read_workers
from taskqueue.store.lookup import find_jobs, find_stored_users, read_user_places
from taskqueue.store.runs import read_runs
from taskqueue.store.subscriptions import StoredSubscription, read_subscriptions
from taskqueue.store.suspended import find_suspension
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.store.user_pauses import find_pause
from taskqueue.store.users import Source
from taskqueue.store.waiting import count_waiting
from taskqueue.views.instant import at
from taskqueue.views.next_due import next_due_ms
from taskqueue.views.pause_text import pause_text
from taskqueue.views.reasons import excluded_reason, idle_reason, interval_reason
from taskqueue.views.user_jobs import Places, find_scheduled_jobs
from taskqueue.views.users import zone_name
from taskqueue.views.view import Instant, View
from taskqueue.views.waiting_reasons import Conditions, waiting_reason

#: The longest queue that is walked for jobs of one user, in two or three round trips.
_MAX_WALKED = 2_000


class SubscriptionRow(View):
    """A subscription.   interval: chosen, None for the type's own.   next: its next run.

    last_outcome, last_at: of the last run.   state: active, or the reason why nothing runs.
    """

    type: str
    interval: str | None
    next: Instant | None
    last_outcome: Outcome | None
    last_at: Instant | None
    state: str


class UserJobRow(View):
    """A job that waits or runs.   where: as in `JobRow`.   why: the reason why it waits."""

    job: str
    where: str
    why: str


class UserDetail(View):
    """A user: the source that declares them, and whether they are paused.

    source: None for a user who has jobs alone.   state: active, or until when the user is paused.
    only_scheduled: whether waiting jobs outside the schedule were not looked for, as many jobs wait; absent if not.
    """

    user: str
    source: Source | None
    time_zone: str
    state: str
    subscriptions: list[SubscriptionRow]
    jobs: list[UserJobRow]
    only_scheduled: bool = Field(default=False, exclude_if=lambda only: not only)


async def read_user_detail(store: Store, user: str, *, walk: bool = False) -> UserDetail:
    """Return one user, at a cost that does not grow with the number of users or of waiting jobs.

    walk: walk the whole queue for jobs of the user however long it is, a thousand jobs a call.
    Raises UnknownUserError for one without source, pause, subscription or job.
    """
    (owner,) = await find_stored_users(store, [user])
    catalog = await read_catalog(store)
    wanted = await read_subscriptions(store, user)
    places = await _read_places(store, user, catalog, wanted)
    now_ms = await server_now_ms(store)
    walk = walk or await count_waiting(store) <= _MAX_WALKED
    if walk:
        waiting = await find_jobs(store, user)
    else:
        waiting = await find_scheduled_jobs(store, catalog, user, places, now_ms)
    pause_ms = await find_pause(store, user)
    if owner is None and pause_ms is None and not waiting and not wanted:
        raise UnknownUserError(user)
    is_paused = pause_ms is not None or any(subscription.paused for subscription in wanted)
    resume = f"taskqueue resume --user {shlex.quote(user)}"
    return UserDetail(
        user=user,
        source=owner.source if owner else None,
        time_zone=zone_name(owner.zone if owner else 0, catalog),
        state=pause_text(pause_ms or 0, resume) if is_paused else "active",
        subscriptions=await _subscriptions(store, user, catalog, wanted, places, now_ms),
        jobs=await _jobs(store, catalog, waiting, now_ms, is_paused=is_paused),
        only_scheduled=not walk,
    )


async def _read_places(
    store: Store, user: str, catalog: Catalog, subscriptions: Sequence[StoredSubscription]
) -> Places:
    generations = [
        (one.type, generation.number)
        for one in subscriptions
        if one.type in catalog.records
        for generation in catalog.records[one.type].active
    ]
    return await read_user_places(store, user, generations)


async def _subscriptions(
    store: Store,
    user: str,
    catalog: Catalog,
    subscriptions: Sequence[StoredSubscription],
    places: Places,
    now_ms: int,
) -> list[SubscriptionRow]:
    runs = await read_runs(store, user)
    rows = []
    for subscription in subscriptions:
        suspension = await find_suspension(store, user, subscription)
        idle = idle_reason(subscription, catalog, user, suspension)
        record = catalog.records.get(subscription.type)
        segments = [] if idle or record is None else record.segments(catalog.variants)
        due_ms = next_due_ms(segments, places, now_ms)
        outcome, at_s = runs.get(subscription.type, (None, 0))
        rows.append(
            SubscriptionRow(
                type=subscription.type,
                interval=format_ms(subscription.interval_s * 1000) if subscription.interval_s else None,
                next=None if due_ms is None else at(due_ms),
                last_outcome=outcome,
                last_at=at(at_s * 1000) if outcome else None,
                state=idle
                or interval_reason(subscription, catalog)
                or excluded_reason(subscription, catalog, due_ms)
                or "active",
            )
        )
    return rows


async def _jobs(
    store: Store, catalog: Catalog, jobs: Sequence[WaitingJob], now_ms: int, *, is_paused: bool
) -> list[UserJobRow]:
    limits = {job.limit for job in jobs if job.limit}
    for task_type in {parse(job.name).type for job in jobs} & catalog.records.keys():
        limits |= {*limit_names(catalog.records[task_type].task_type, catalog.limits).path}
    times = await read_limit_times(store, catalog, sorted(limits))
    conditions = Conditions(catalog, await read_workers(store), now_ms, times, is_paused)
    return [UserJobRow(job=job.name, where=job.where, why=waiting_reason(job, conditions)) for job in jobs]

"""Places of jobs: lanes, parked keys, suspects and leases, walked in bounded steps while jobs move between them."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from taskqueue.store.command import zscan
from taskqueue.store.connection import Store
from taskqueue.store.job_name import parse
from taskqueue.store.listing import WaitingJob, limit_of, read_lanes, read_waiting, where_of
from taskqueue.store.malformed import location_of
from taskqueue.store.scalars import END_MS
from taskqueue.store.user_key import escape_user

LEASES = "leases"
#: Members that one round trip reads, about a millisecond of the server's time, and keys that it reads them from.
_MEMBERS, _KEYS = 1_000, 20


@dataclass(frozen=True, slots=True)
class Selection:
    """Jobs of a type, of a user, or of both, that are due up to an instant (epoch ms); all jobs by default."""

    task_type: str | None = None
    user: str | None = None
    until_ms: int = END_MS

    @property
    def pattern(self) -> str:
        """Return the pattern of a scan that finds these jobs, and perhaps others."""
        user = "*" if self.user is None else escape_user(self.user)
        return f"{self.task_type or '*'}|{user}|*"

    def has(self, name: str) -> bool:
        """Tell whether a job is one of these. Raises ValueError for text that is no job's name."""
        job = parse(name)
        return (
            self.task_type in {None, job.type}
            and self.user in {None, job.user}
            and job.due_ms <= self.until_ms
        )


@dataclass(frozen=True, slots=True)
class PlacedJob:
    """A job where it was seen. place: the name of a key. member: the job's name, or the leased job."""

    place: str
    member: str
    job: WaitingJob

    @property
    def name(self) -> str:
        """Return the job's name."""
        return self.job.name


async def walk_jobs(store: Store, selection: Selection, *, running: bool) -> AsyncIterator[PlacedJob]:
    """Yield the selected jobs that wait, then with `running` those that are leased; a job that moves may come twice."""
    async for job in walk_places(store, [*await read_lanes(store), "suspects"], selection):
        yield job
    async for rows in store.scan(zscan(store.keys("limits_free_at"), _MEMBERS)):
        async for job in walk_places(store, _parked_places(rows, selection), selection):
            yield job
    if running:
        async for job in walk_places(store, [LEASES], selection):
            yield job


async def walk_places(store: Store, places: Sequence[str], selection: Selection) -> AsyncIterator[PlacedJob]:
    """Yield the selected jobs in these places."""
    for first in range(0, len(places), _KEYS):
        cursors = dict.fromkeys(places[first : first + _KEYS], 0)
        while cursors:
            count = _MEMBERS // len(cursors)
            scans = [
                zscan(store.keys(place), count, selection.pattern).at(at) for place, at in cursors.items()
            ]
            answers = dict(zip(cursors, await store.read_all(scans), strict=True))
            for place, (_, rows) in answers.items():
                for job in _selected(store, place, rows, selection):
                    yield job
            cursors = {place: at for place, (at, _) in answers.items() if at}


async def scan_place(
    store: Store, place: str, cursor: int, selection: Selection
) -> tuple[int, list[PlacedJob]]:
    """Read the selected jobs at a cursor of a place, and the next cursor; 0 begins and ends."""
    following, rows = await store.read(zscan(store.keys(place), _MEMBERS, selection.pattern).at(cursor))
    return following, list(_selected(store, place, rows, selection))


async def scan_parked(store: Store, cursor: int, selection: Selection) -> tuple[int, list[str]]:
    """Read the parked keys at a cursor that may hold selected jobs, and the next cursor; 0 begins and ends."""
    following, rows = await store.read(zscan(store.keys("limits_free_at"), _KEYS).at(cursor))
    return following, _parked_places(rows, selection)


def _parked_places(rows: Sequence[tuple[bytes, float]], selection: Selection) -> list[str]:
    limits = [limit.decode(errors="replace") for limit, _ in rows]
    return [f"parked:{limit}" for limit in limits if _may_hold(limit, selection)]


def _selected(
    store: Store, place: str, rows: Sequence[tuple[bytes, float]], selection: Selection
) -> Iterator[PlacedJob]:
    where, limit = where_of(place), limit_of(place)
    for member, score in rows:
        read = partial(read_waiting, where, member, score, limit)
        # A member that is no job is noted, and removed by the worker that meets it.
        job = store.malformed.read(location_of(place, member), read)
        if job and selection.has(job.name):
            yield PlacedJob(place, member.decode(), job)


def _may_hold(limit: str, selection: Selection) -> bool:
    """Tell whether selected jobs may be parked at a limit, QUEUE|NAME|USER, QUEUE|NAME or QUEUE|type:TYPE."""
    _, _, user = limit.partition("|")[2].partition("|")
    return selection.user is None or user in {"", escape_user(selection.user)}

"""What users want: one record a subscription, replaced a user at a time."""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Self, get_args

import msgspec

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import UserSubscription
from taskqueue.store.claim import OUTCOMES
from taskqueue.store.connection import Store
from taskqueue.store.fence import UNFENCED, Fence, check
from taskqueue.store.malformed import place_of

Source = Literal["folder", "kubernetes", "import"]

SOURCES = frozenset(get_args(Source))

_encode = msgspec.msgpack.Encoder().encode
_refused = msgspec.msgpack.Decoder(list[str]).decode
#: Tasks that one call of the script handles: a few milliseconds of the server's time.
_BATCH_TASKS = 300
#: A user, the digest of what is wanted, and that: type, params as JSON, whether suspended.
_Wanted = tuple[str, str, list[tuple[str, str, int]]]
#: A subscription's record, as scripts/lib/deal.lua writes it.
_RECORD = re.compile(r"([0-9]{1,16})(s?)(.*)", re.DOTALL)
_RUN = re.compile(rf"([{''.join(OUTCOMES)}])([0-9]{{1,11}})".encode())


@dataclass(frozen=True, slots=True)
class Owner:
    """Where a user's subscriptions come from, and a digest of them."""

    source: str
    digest: str

    @classmethod
    def read(cls, value: bytes) -> Self:
        """Read a value of `users`. Raises ValueError."""
        source, bar, digest = value.decode("ascii").partition("|")
        if source not in SOURCES or not bar:
            raise ValueError(value)
        return cls(source, digest)


@dataclass(frozen=True, slots=True)
class StoredTask:
    """A subscription in the store. number: its place in the spread of its class; generation 0: unknown type."""

    type: str
    number: int
    generation: int
    suspended: bool
    params: Mapping[str, Any]


def _rows(user: UserSubscription) -> list[tuple[str, str, int]]:
    return [
        (
            task.type,
            msgspec.json.encode(dict(task.params), order="sorted").decode() if task.params else "",
            int(task.suspend or user.suspend),
        )
        for task in sorted(user.tasks, key=lambda task: task.type)
    ]


def digest(user: UserSubscription) -> str:
    """Eight letters that change with anything that the store keeps of a user."""
    return urlsafe_b64encode(hashlib.blake2b(_encode(_rows(user)), digest_size=6).digest()).decode()


async def set_users(
    store: Store, source_name: Source, users: Sequence[UserSubscription], fence: Fence = UNFENCED
) -> list[str]:
    """Replaces what each of `users` wants; each user atomically, many users a round trip.

    Returns the ids that were refused because an import owns them. A user without tasks is removed.
    Raises DeposedError and ForeignOwnerError.
    """
    refused: list[str] = []
    batch: list[_Wanted] = []
    size = 0
    for user in users:
        rows = _rows(user)
        batch.append((user.user_id, digest(user), rows))
        size += len(rows) + 1
        if size >= _BATCH_TASKS:
            refused += await _write(store, source_name, batch, fence)
            batch, size = [], 0
    if batch:
        refused += await _write(store, source_name, batch, fence)
    return refused


async def _write(store: Store, source_name: Source, batch: Sequence[_Wanted], fence: Fence) -> list[str]:
    verdict, refused = await store.run("set_users", source_name, _encode(batch), *fence)
    await check(store, verdict, fence)
    return _refused(refused)


async def read_owners(store: Store) -> dict[str, Owner]:
    """Every user with its source and digest."""
    rows = await store.read("HGETALL", store.keys("users"))
    return dict(_owners(store, rows.items()))


async def scan_owners(store: Store, batch: int = 1_000) -> AsyncIterator[tuple[str, Owner]]:
    """The same, a batch at a time, for listings of a million users."""
    async for rows in store.scan("HSCAN", store.keys("users"), batch):
        for one in _owners(store, rows):
            yield one


def read_owner(user: bytes, value: bytes) -> tuple[str, Owner]:
    """Read a user and where it comes from. Raises what UNREADABLE names."""
    return user.decode("ascii"), Owner.read(value)


def _owners(store: Store, rows: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[str, Owner]]:
    for user, value in rows:
        read = store.malformed.read(place_of("users", user), partial(read_owner, user, value))
        if read:
            yield read


async def read_tasks(store: Store, user: str) -> list[StoredTask]:
    """What one user wants, by type; empty if the user is unknown."""
    rows = await store.read("HGETALL", store.keys.tasks(user))
    tasks = [
        store.malformed.read(place_of(f"users:{user}:tasks", name), partial(read_task, name, value))
        for name, value in sorted(rows.items())
    ]
    return [task for task in tasks if task]


def read_task(name: bytes, record: bytes) -> StoredTask:
    """Read a subscription's record. Raises what UNREADABLE names."""
    found = _RECORD.fullmatch(record.decode())
    if found is None:
        raise ValueError(record)
    number, generation = divmod(int(found[1]), 10)
    return StoredTask(name.decode("ascii"), number, generation, bool(found[2]), decode_params(found[3]))


async def read_runs(store: Store, user: str) -> dict[str, tuple[Outcome, int]]:
    """Return the last outcome, done or dead, and its time (epoch s) by type."""
    rows = await store.read("HGETALL", store.keys.runs(user))
    runs = {
        name: store.malformed.read(place_of(f"users:{user}:runs", name), partial(read_run, value))
        for name, value in rows.items()
    }
    return {name.decode("ascii", "replace"): run for name, run in runs.items() if run}


def read_run(value: bytes) -> tuple[Outcome, int]:
    """Read an outcome and its time. Raises what UNREADABLE names."""
    found = _RUN.fullmatch(value)
    if found is None:
        raise ValueError(value)
    return OUTCOMES[found[1].decode()], int(found[2])


def decode_params(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any]) if text else {}


async def redeal(store: Store, task_type: str, source_generation: int, target: int, batch: int = 200) -> int:
    """Moves all members of one generation into another, a batch a script call; may be repeated after a cut."""
    moved = 0
    key = store.keys.schedule(task_type, source_generation)
    async for rows in store.scan("ZSCAN", key, batch):
        users = [user.decode() for user, _ in rows if user.isascii()]  # no others are anybody's
        moved += await store.run("redeal", task_type, target, _encode(users))
    return moved


async def count_subscriptions(store: Store, generations: Mapping[str, int]) -> dict[str, int]:
    """Running subscriptions by type, of the generation given for each."""
    counts = await store.read_all(
        [("ZCOUNT", store.keys.schedule(name, number), 0, "+inf") for name, number in generations.items()]
    )
    return dict(zip(generations, counts, strict=True))

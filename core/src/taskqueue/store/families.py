"""Families of keys: the type of each, and the readers of their fields and members.

A reader raises any error of `malformed.UNREADABLE` for a value that cannot be read.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from taskqueue.plan.lanes import Lane
from taskqueue.store.dead import read_dead_letter
from taskqueue.store.history import read_minute
from taskqueue.store.job_name import parse
from taskqueue.store.limit_record import read_limit, read_user_limit
from taskqueue.store.listing import read_handler, read_waiting, read_worker
from taskqueue.store.overrides import read_override
from taskqueue.store.repair import Action
from taskqueue.store.runs import read_run
from taskqueue.store.scalars import END_US, read_ms, read_place, read_rate, read_whole
from taskqueue.store.subscriptions import read_subscription
from taskqueue.store.suspended import read_suspension
from taskqueue.store.type_record import read_type
from taskqueue.store.user_key import ENCODED, read_user
from taskqueue.store.users import read_stored_user
from taskqueue.store.writes import read_write

_USER = re.compile(ENCODED.encode())
_NAMED = rb"[a-z0-9.-]{1,63}"
_LIMIT = re.compile(rb"type:[A-Za-z0-9.-]{1,128}|" + _NAMED + rb"(\|" + _USER.pattern + rb")?")
_QUEUE = re.compile(rb"type:[A-Za-z0-9.-]{1,128}|" + _NAMED)
_PARKED = re.compile(rb"(" + _QUEUE.pattern + rb")\|(" + _LIMIT.pattern + rb")")
_LANE = re.compile(rb"(" + _QUEUE.pattern + rb"):[a-z]{1,20}")
_CHANGED = re.compile(rb"(" + _QUEUE.pattern + rb")|[A-Za-z0-9.-]{1,128}\|(parked|ready):[!-~]{1,600}")
_CHANNEL = re.compile(rb"[!-~]{1,200}")
_ATTEMPTS = re.compile(rb"[0-9]{1,6}\|[0-9]{1,6}(\|[0-9]{1,6}s?)?")

ReadField = Callable[[bytes, bytes], object]
ReadMember = Callable[[bytes, float], object]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of keys: their type, the reader of their fields or members, and the repair of unreadable ones."""

    type: str
    field: ReadField | None = None
    member: ReadMember | None = None
    action: Action = "field"


def _number(name: bytes, value: bytes) -> object:
    return name.decode("ascii"), read_whole(value.decode("ascii"))


def _limiter(name: bytes, value: bytes) -> object:
    number = 0.0 if name in {b"server_run", b"closed_by"} else float(value)
    if not number.is_integer() or abs(number) >= END_US:
        raise ValueError(value)
    return number


def _config(name: bytes, value: bytes) -> object:
    if name == b"rate":
        return read_rate(value)
    return _number(name, value) if name in {b"version", b"epoch"} else value.decode()


def _numbers(name: bytes, value: bytes) -> object:
    first, second, *others = value.decode("ascii").split("|")
    return name.decode(), [read_whole(digits) for digits in (first, second, *others)]


def _own_values(name: bytes, value: bytes) -> object:
    return read_user(name.decode("ascii")), read_user_limit("", value)


def _changed_limit(name: bytes, value: bytes) -> object:
    if not _CHANGED.fullmatch(name):
        raise ValueError(name)
    return float(value.partition(b"|")[0])


def _attempts(name: bytes, value: bytes) -> object:
    if not _ATTEMPTS.fullmatch(value):
        raise ValueError(value)
    return parse(name.decode("ascii"))


def _of_job(name: bytes, _value: bytes) -> object:
    return parse(name.decode("ascii"))


def _member_of_schedule(member: bytes, score: float) -> object:
    return read_user(member.decode("ascii")), read_place(score)


def _freed(member: bytes, score: float) -> object:
    if read_whole(member.decode("ascii")) != score:
        raise ValueError(member)
    return score


def _instant_of(pattern: re.Pattern[bytes], member: bytes, score: float) -> object:
    """Read a member of this pattern with an instant (us) as its score."""
    if not pattern.fullmatch(member) or not -1 <= score < END_US:
        raise ValueError(member)
    return score


def _change(member: bytes, score: float) -> object:
    task_type, _, user = member.partition(b"|")
    if not task_type or not _USER.fullmatch(user):
        raise ValueError(member)
    return read_ms(score)


def _paused(member: bytes, score: float) -> object:
    """Read a paused user. Any score is an end: scripts take one beyond every date for none."""
    if not _USER.fullmatch(member):
        raise ValueError(member)
    return score


def _dead(member: bytes, score: float) -> object:
    return read_waiting("dead", member, score)


def family_of(name: str) -> Family | None:
    """Return the family of a key by its name in the release; None for unknown keys and keys with a TTL."""
    for pattern, family in _FAMILIES.items():
        if pattern.fullmatch(name):
            return family
    return None


def _waiting_member(member: bytes, score: float) -> object:
    return read_waiting("queue", member, score)


_FAMILIES: Mapping[re.Pattern[str], Family] = {
    re.compile(pattern): family
    for pattern, family in {
        r"config": Family("hash", _config),
        r"installed|cursor": Family("string"),
        r"types": Family("hash", read_type, action="type"),
        r"overrides": Family("hash", read_override),
        r"limits": Family("hash", read_limit),
        r"limits:[^:]+": Family("hash", _own_values),
        r"changed_limits": Family("hash", _changed_limit),
        r"users": Family("hash", read_stored_user),
        r"paused_users": Family("zset", member=_paused),
        r"subscriptions:[^:]+": Family("hash", read_subscription, action="subscription"),
        r"runs:[^:]+": Family("hash", lambda _, value: read_run(value)),
        r"schedule:[^:]+:\d+": Family("zset", member=_member_of_schedule),
        r"spread:.+:free": Family("zset", member=_freed),
        r"spread:.+": Family("string"),
        rf"ready:.+:({'|'.join(Lane)})": Family("zset", member=_waiting_member),
        r"parked:.+": Family("zset", member=_waiting_member),
        r"suspects": Family("zset", member=_waiting_member),
        r"variants": Family("hash"),  # read_catalog mends it
        r"interval_changes": Family("zset", member=_change),
        r"limits_free_at": Family("zset", member=partial(_instant_of, _PARKED)),
        r"limits_closed_until": Family("zset", member=partial(_instant_of, _LIMIT)),
        r"lanes_(busy|due)": Family("zset", member=partial(_instant_of, _LANE)),
        r"beats": Family("zset", member=partial(_instant_of, _CHANNEL)),
        r"lane_positions|parked_jobs|behind": Family("hash", _number),
        r"leases": Family("zset", member=partial(read_waiting, "leased")),
        r"suspended": Family("zset", member=_change),
        r"suspended:[^:]+": Family("hash", lambda _, value: read_suspension(value)),
        r"deaths": Family("hash", _numbers),
        r"exclusive": Family("hash", lambda name, value: (name.decode("ascii"), value.decode("ascii"))),
        r"attempts": Family("hash", _attempts),
        r"payload": Family("hash", _of_job),
        r"dead": Family("zset", member=_dead),
        r"dead:body": Family("hash", read_dead_letter),
        r"limiter": Family("hash", _limiter),
        r"service_times": Family("hash", _numbers),
        r"metrics": Family("hash", _number),
        r"workers": Family("hash", read_worker),
        r"handlers": Family("hash", read_handler),
        r"writes": Family("hash", read_write),
        r"malformed": Family("hash"),
        r"enqueued:.+": Family("string"),
        r"tats": Family("zset", member=partial(_instant_of, _LIMIT)),
        r"tats:.+": Family("zset", member=partial(_instant_of, _USER)),
        r"claims:.+": Family("string"),
        r"history:[^:]+:\d+": Family("hash", read_minute),
        r"flushed:.+": Family("string"),
        r"wakeup_tokens": Family("list"),
    }.items()
}

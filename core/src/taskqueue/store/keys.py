"""Every key of a release, built here and nowhere else. The table for people is docs/redis.md.

All keys share the hash tag {release}, so that one script may touch them and Redis Cluster keeps them together.
"""

import re
from dataclasses import dataclass

from taskqueue.models.refusal import ValueRefusedError, excerpt
from taskqueue.plan.lanes import Lane
from taskqueue.store.user_key import escape_user

#: Names (after the prefix) that live without a TTL; the comment of each names its bound.
PERMANENT = (
    r"config",  # a dozen fields
    r"installed",  # one value
    r"cursor",  # one value
    r"types",  # one field a task type
    r"overrides",  # one field a paused type, one for the limit
    r"limits",  # one field a limit
    r"limits:[^:]+",  # one field a user with values of their own at the limit
    r"changed_limits",  # one field a limit, and a thousand a type, whose waiting jobs have still to follow
    r"users",  # one field a user
    r"paused_users",  # one member a paused user; a removed one's for 30 days
    r"(subscriptions|runs):[^:]+",  # one field a subscription
    r"schedule:[^:]+:\d+",  # one member a subscription and live generation
    r"variants",  # one field a zone in use and a length of interval
    r"interval_changes",  # one member a subscription whose interval changes with its next period
    r"spread:.+",  # one counter and one set of freed numbers a class
    rf"ready:.+:({'|'.join(Lane)})",  # maxBacklog: types fall behind
    r"lanes_(busy|due)",  # one member a lane of a queue: a limit, a task type with a limit of its own, or `global`
    r"lane_positions",  # one field a queue
    r"beats",  # one member a worker's channel, removed once past
    r"parked:.+",  # maxBacklog
    r"parked_jobs",  # one field a queue with parked jobs
    r"behind",  # one field a type whose queue is full
    r"suspects",  # jobs in the system
    r"limits_free_at",  # one member a parked key
    r"leases",  # the workers' concurrency
    r"suspended",  # one member a subscription that the circuit breaker suspended
    r"suspended:[^:]+",  # one field such a subscription
    r"deaths",  # one field a task type with a circuit breaker; that of a removed type goes with the next publish
    r"exclusive",  # the workers' concurrency
    r"attempts",  # jobs in the system
    r"payload",  # ad hoc jobs in the system
    r"dead",  # maxDead
    r"dead:body",  # maxDead
    r"limits_closed_until",  # limits closed by a handler, removed once open again
    r"limiter",  # 15 fields
    r"service_times",  # one field a task type; those of removed types go with the next publish
    r"metrics",  # 18 fields
    r"malformed",  # 1,000 fields (scripts/lib/malformed.lua)
    r"workers",  # pruned after an hour of silence
    r"writes",  # 1,001 fields
    r"handlers",  # one field a name of a handler; the last known ones stay while no worker runs
)
_PERMANENT = re.compile("|".join(f"(?:{pattern})" for pattern in PERMANENT))

#: Names of releases. Braces would move the hash tag of the keys, and colons make one release the part of another.
RELEASE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
RELEASE_RULE = "must be 1 to 63 letters, digits, dots, dashes and underscores, the first a letter or digit"

_RELEASE = re.compile(RELEASE_PATTERN.removesuffix("$"))


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one release. Scripts get `prefix` as KEYS[1] and add the names themselves."""

    release: str

    def __post_init__(self) -> None:
        """Refuse names that would write keys of another release, or of another slot. Raises ValueRefusedError."""
        if not _RELEASE.fullmatch(self.release):
            raise ValueRefusedError(f'release {RELEASE_RULE} (was "{excerpt(self.release)}")')

    @property
    def prefix(self) -> str:
        return f"taskqueue:{{{self.release}}}:"

    def __call__(self, *name: str) -> str:
        """Build a key of the parts of its name: keys("ready", "high")."""
        return self.prefix + ":".join(name)

    def schedule(self, task_type: str, generation: int) -> str:
        return self("schedule", task_type, str(generation))

    def subscriptions(self, user: str) -> str:
        return self("subscriptions", escape_user(user))

    def runs(self, user: str) -> str:
        return self("runs", escape_user(user))

    def suspended(self, task_type: str) -> str:
        return self("suspended", task_type)

    def ready(self, queue: str, lane: str) -> str:
        return self("ready", queue, lane)

    def history(self, task_type: str, hour: int) -> str:
        """Build the key of an hour since 1970. Bound: 60 fields; TTL: 72 hours after its end."""
        return self("history", task_type, str(hour))

    def is_permanent(self, key: str) -> bool:
        """Tell whether a key of this release is in PERMANENT."""
        name = key.removeprefix(self.prefix)
        return name != key and _PERMANENT.fullmatch(name) is not None

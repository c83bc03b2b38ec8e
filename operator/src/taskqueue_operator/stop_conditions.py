"""The conditions of a user who is stopped in the store: by the circuit breaker, or paused by hand. Pure."""

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

from taskqueue.text.printable import printable_line
from taskqueue_operator.condition import MAX_CHARACTERS, MAX_NAMES, Condition, bounded, listed
from taskqueue_operator.objects import Object
from taskqueue_operator.stopped import SuspendedTask

_BREAKER = "SuspendedByBreaker"


def by_breaker(obj: Object, tasks: Sequence[SuspendedTask]) -> list[Condition]:
    """Return the condition of a user of whom the circuit breaker suspended tasks, or had; none of any other user.

    Most users never have one: a condition of every user would be written once, and kept in memory, for nothing.
    """
    if tasks:
        return [Condition(_BREAKER, "True", "FailedForGood", _message(obj.subject, tasks))]
    if any(had.get("type") == _BREAKER for had in obj.status.get("conditions", ())):
        return [Condition(_BREAKER, "False", "Resumed")]
    return []


def _message(user: str, tasks: Sequence[SuspendedTask]) -> str:
    """Name at most ten tasks with the beginning and reason of each suspension, and the command that ends one."""
    each = MAX_CHARACTERS // 2 // min(len(tasks), MAX_NAMES)
    names = listed([_named(task, each) for task in tasks])
    one = tasks[0].type if len(tasks) == 1 else "TYPE"
    remedy = f": `taskqueue resume {one} --user {shlex.quote(user)}` lets the next job through"
    return bounded(f"nothing of {names} starts", MAX_CHARACTERS - len(remedy)) + remedy


def _named(task: SuspendedTask, characters: int) -> str:
    since = f" since {_instant(task.since_ms)}" if task.since_ms else ""
    reason = f" ({bounded(printable_line(task.reason, characters + 1), characters)})" if task.reason else ""
    return f"{task.type}{since}{reason}"


def paused_by_hand(user: str, until_ms: int) -> Condition:
    """Return the condition Ready of a user who is paused by hand. until_ms: 0: once the user is resumed."""
    end = f"{_instant(until_ms)}, or until " if until_ms else ""
    message = f"nothing starts until {end}`taskqueue resume --user {shlex.quote(user)}`"
    return Condition("Ready", "True", "Paused", message)


def _instant(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

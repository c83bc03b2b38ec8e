"""The conditions of a RateLimit, and the limits that objects name and that are not declared. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from taskqueue.models.limit_tree import MAX_DEPTH
from taskqueue.models.values import Limit, TaskType, UserSubscription
from taskqueue_operator.condition import MAX_CHARACTERS, MAX_NAMES, Condition, bounded, refusal_of
from taskqueue_operator.objects import Object
from taskqueue_operator.status_inputs import StatusInputs


class Missing(NamedTuple):
    """Limits that an object names and that are not declared.

    reason: the gravest.   message: a sentence with the remedy for each.   are_waited_for: nothing of one is in force.
    """

    reason: str
    message: str
    are_waited_for: bool


def of_limit(obj: Object, inputs: StatusInputs) -> list[Condition]:
    """Return the conditions of a RateLimit."""
    accepted = refusal_of(obj)
    if accepted is not None:
        return [accepted, Condition("Ready", "False", accepted.reason, accepted.message)]
    accepted = Condition("Accepted", "True", "Valid")
    assert isinstance(obj.value, Limit)
    outer = () if obj.value.within is None else (obj.value.within,)
    missing = _missing(_undeclared(outer, inputs, within=obj.name), inputs)
    if missing is None:
        return [accepted, Condition("Ready", "True", "InForce")]
    if not missing.are_waited_for:
        return [accepted, Condition("Ready", "True", missing.reason, missing.message)]
    message = f"{missing.message}; jobs that take from this limit wait until then"
    return [accepted, Condition("Ready", "False", missing.reason, message)]


def resolved_limits(task_type: TaskType, inputs: StatusInputs) -> Condition:
    """Return the condition ResolvedRefs of a task type."""
    missing = _missing(_undeclared(task_type.limits, inputs), inputs)
    if missing is None:
        return Condition("ResolvedRefs", "True", "Resolved")
    waits = "; no job of this type starts until then" if missing.are_waited_for else ""
    return Condition("ResolvedRefs", "False", missing.reason, missing.message + waits)


def missing_own_limits(user: UserSubscription, inputs: StatusInputs) -> Missing | None:
    """Return the limits at which a user has values of its own and that are not declared."""
    return _missing({own.name: "" for own in user.limits if own.name not in inputs.limits}, inputs)


def _undeclared(names: Iterable[str], inputs: StatusInputs, within: str = "") -> dict[str, str]:
    """Return the undeclared ones of these limits and of those around them, each with the limit within it.

    within: the limit within the first; empty if a type names them.
    """
    known = {**inputs.known_limits, **inputs.limits}
    found: dict[str, str] = {}
    for name in names:
        inner, following = within, name
        for _ in range(MAX_DEPTH + 1):
            if following not in inputs.limits:
                found.setdefault(following, inner)
            outer = known[following].within if following in known else None
            if outer is None:
                break
            inner, following = following, outer
    return found


def _missing(undeclared: Mapping[str, str], inputs: StatusInputs) -> Missing | None:
    """Describe limits that are not declared.   undeclared: each with the limit within it, or empty."""
    if not undeclared:
        return None
    sentences: dict[str, list[str]] = {
        "RateLimitNotFound": [],
        "RateLimitRefused": [],
        "RateLimitDeleted": [],
    }
    each = MAX_CHARACTERS // 2 // min(len(undeclared), MAX_NAMES)
    for name, inner in undeclared.items():
        remove = f"remove spec.within of {inner}" if inner else "remove it from spec.limits"
        if name in inputs.refused_limits:
            fault = bounded(inputs.refused_limits[name], each)
            sentences["RateLimitRefused"].append(f"RateLimit {name} is refused: {fault}")
        elif name in inputs.known_limits:
            stays = "its last value stays in force until no type names it"
            sentences["RateLimitDeleted"].append(
                f"RateLimit {name} is deleted, {stays}: apply it, or {remove}"
            )
        else:
            sentences["RateLimitNotFound"].append(f"no such RateLimit: {name}: apply it, or {remove}")
    found = [sentence for of_reason in sentences.values() for sentence in of_reason]
    more = [f"{len(found) - MAX_NAMES} more are missing"] if len(found) > MAX_NAMES else []
    return Missing(
        next(reason for reason, of_reason in sentences.items() if of_reason),
        bounded("; ".join([*found[:MAX_NAMES], *more]), MAX_CHARACTERS - 60),
        any(name not in inputs.known_limits for name in undeclared),
    )

"""Limits within each other, and the limits of a task type. Pure: limits, types and users are read together.

    global (the release's)            every job takes from it, and no manifest names it
      shopify-app      Release
        shopify-orders   Release      within shopify-app
        shopify-shop     User         within shopify-app

A limit that no manifest declares is no conflict: it is reported, and jobs that need it wait.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.refusal import Refusal, must_be
from taskqueue.models.values import Declared, Limit, LimitKey, TaskType, UserSubscription

Limits = Mapping[str, Limit]

#: Limits within each other, the outermost included: an app, a group of its endpoints, an endpoint.
MAX_DEPTH = 3
MAX_USER_LIMITS_A_TYPE = 2


@dataclass(frozen=True, slots=True)
class Conflict:
    """A contradiction between manifests.

    kind, name: of the manifest at fault.   refusal: of its field.   limits: names of the limits that it rests on.
    """

    kind: str
    name: str
    refusal: Refusal
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LimitPath:
    """The limits that jobs of a type take from, all of them or none.

    release: Release limits, the innermost first.   users: User limits, by name.
    unknown: names that no manifest declares; jobs wait while there is one.
    names: of the Release limits, the innermost first, an unknown one at the end included: jobs wait at the first, also
    in a conflict, as scripts/lib/definitions.lua resolves them.
    """

    release: tuple[Limit, ...]
    users: tuple[Limit, ...]
    unknown: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def is_chain(self) -> bool:
        """Tell whether each Release limit is within the next one."""
        pairs = zip(self.release, self.release[1:], strict=False)
        return all(inner.within == outer.name for inner, outer in pairs)


def path_of(names: Iterable[str], limits: Limits) -> LimitPath:
    """Return the limits of a type.   names: its `limits`.

    In a conflict the Release limits form no line, and may be incomplete.
    """
    found: dict[str, Limit] = {}
    users, unknown, longest = [], set[str](), list[str]()
    for name in dict.fromkeys(names):
        lineage, missing = _lineage(name, limits)
        unknown |= missing
        lines = [one.name for one in lineage] + sorted(missing)
        is_of_users = bool(lineage) and lineage[0].key is LimitKey.USER
        longest = max(longest, lines[is_of_users:MAX_DEPTH], key=len)
        found |= {limit.name: limit for limit in lineage if limit.key is LimitKey.RELEASE}
        users += [limit for limit in lineage[:1] if limit.key is LimitKey.USER]
    by_depth = sorted(found.values(), key=lambda limit: (-len(_lineage(limit.name, limits)[0]), limit.name))
    users.sort(key=lambda limit: limit.name)
    return LimitPath(tuple(by_depth), tuple(users), tuple(sorted(unknown)), tuple(longest))


def names_in_use(types: Iterable[TaskType], limits: Limits) -> frozenset[str]:
    """Return the names of all limits that jobs of these types take from, the unknown ones included."""
    return with_those_around((name for task_type in types for name in task_type.limits), limits)


def with_those_around(names: Iterable[str], limits: Limits) -> frozenset[str]:
    """Return names of limits, and of the limits that they are within, the unknown ones included."""
    found = set[str]()
    for name in set(names):
        lineage, missing = _lineage(name, limits)
        found |= {limit.name for limit in lineage} | missing
    return frozenset(found)


def conflicts(values: Iterable[Declared]) -> Iterator[Conflict]:
    """Find all conflicts between limits, types and users."""
    values = list(values)
    limits = {value.name: value for value in values if isinstance(value, Limit)}
    yield from limit_conflicts(limits)
    for value in values:
        if isinstance(value, TaskType):
            yield from type_conflicts(value, limits)
        elif isinstance(value, UserSubscription) and value.limits:
            yield from user_conflicts(value, limits)


def limit_conflicts(limits: Limits) -> Iterator[Conflict]:
    """Find limits within a User limit, within themselves, or too deep."""
    for limit in limits.values():
        lineage, _ = _lineage(limit.name, limits)
        if limit.within is None or limit.within not in limits:
            continue
        names = tuple(one.name for one in lineage)
        if limits[limit.within].key is LimitKey.USER:
            message = must_be("a limit with key Release", f"{limit.within}, key User")
        elif lineage[-1].within == limit.name:
            around = " > ".join((*names[1:], limit.name))
            message = must_be(f"a limit that is not within {limit.name} itself", around)
        elif len(names) > MAX_DEPTH:
            message = must_be(f"a limit that is within at most {MAX_DEPTH - 2} other", " > ".join(names[1:]))
        else:
            continue
        yield Conflict("RateLimit", limit.name, Refusal(("spec", "within"), message), names)


def type_conflicts(task_type: TaskType, limits: Limits) -> Iterator[Conflict]:
    """Find two Release limits, three User limits, Release limits that are not within each other, a foreign limitOn429.

    A type of which a limit is unknown, or itself in conflict, has no conflict of its own yet.
    """
    path = path_of(task_type.limits, limits)
    involved = tuple(limit.name for limit in (*path.release, *path.users))
    release = [name for name in task_type.limits if name in limits and limits[name].key is LimitKey.RELEASE]
    message = ""
    if len(release) > 1:
        message = must_be("at most one limit with key Release", ", ".join(release))
    elif len(path.users) > MAX_USER_LIMITS_A_TYPE:
        users = ", ".join(limit.name for limit in path.users)
        message = must_be(f"at most {MAX_USER_LIMITS_A_TYPE} limits with key User", users)
    elif not path.unknown and not path.is_chain and not _is_any_in_conflict(involved, limits):
        lines = "; ".join(_line(name, limits) for name in task_type.limits)
        message = must_be("limits whose Release limits are within each other", lines)
    if message:
        yield Conflict("TaskType", task_type.name, Refusal(("spec", "limits"), message), involved)
    closes, names = task_type.http and task_type.http.limit_on_429, (*involved, GLOBAL_LIMIT)
    if closes and closes not in (*names, *task_type.limits) and not path.unknown:
        message = must_be(f"a limit that the type's jobs take from: {', '.join(names)}", closes)
        refusal = Refusal(("spec", "handler", "http", "limitOn429"), message)
        yield Conflict("TaskType", task_type.name, refusal, involved)


def user_conflicts(user: UserSubscription, limits: Limits) -> Iterator[Conflict]:
    """Find values of a user at a Release limit, which all users share."""
    for own in user.limits:
        limit = limits.get(own.name)
        if limit is not None and limit.key is LimitKey.RELEASE:
            message = must_be("limits with key User", f"{own.name}, key Release")
            yield Conflict(
                "UserSubscription", user.user_id, Refusal(("spec", "limits"), message), (own.name,)
            )


def _lineage(name: str, limits: Limits) -> tuple[list[Limit], set[str]]:
    """Return a limit and those around it, the innermost first, each once; and the name at which they end if unknown.

    At most one more than may lie within each other: manifests may list any number, or a cycle.
    """
    found: dict[str, Limit] = {}
    following: str | None = name
    while following is not None and following not in found and len(found) <= MAX_DEPTH:
        if following not in limits:
            return list(found.values()), {following}
        found[following] = limits[following]
        following = limits[following].within
    return list(found.values()), set()


def _is_any_in_conflict(names: Iterable[str], limits: Limits) -> bool:
    of_path = {one.name: one for name in names for one in _lineage(name, limits)[0]}
    return any(True for _ in limit_conflicts(of_path))


def _line(name: str, limits: Limits) -> str:
    return " > ".join(limit.name for limit in _lineage(name, limits)[0])

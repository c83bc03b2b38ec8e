"""Limits within each other, and the limits of a task type."""

import pytest

from taskqueue.models.limit_tree import (
    Conflict,
    limit_conflicts,
    names_in_use,
    path_of,
    type_conflicts,
    user_conflicts,
)
from taskqueue.models.values import HttpCall, Limit, LimitKey, Schedule, TaskType, UserLimit, UserSubscription

HOURLY = Schedule(interval_s=3600)


def tree(text: str) -> dict[str, Limit]:
    """Read limits: `shop>app` is within app; a name in capitals is a User limit."""
    limits = {}
    for one in text.split():
        name, _, within = one.partition(">")
        key = LimitKey.USER if name.isupper() else LimitKey.RELEASE
        limits[name] = Limit(name, key, 1.0, within=within or None)
    return limits


def conflicts(names: str, limits: str) -> list[Conflict]:
    return list(type_conflicts(TaskType("sync", HOURLY, limits=tuple(names.split())), tree(limits)))


@pytest.mark.parametrize(
    ("names", "limits", "release", "users", "unknown", "resolved"),
    [
        ("", "app", "", "", "", ""),
        ("app", "app", "app", "", "", "app"),
        ("end SHOP", "app end>app SHOP>app", "end app", "SHOP", "", "end app"),
        ("app SHOP", "app end>app SHOP>end", "end app", "SHOP", "", "end app"),
        ("SHOP TEAM", "app TEAM SHOP>app", "app", "SHOP TEAM", "", "app"),
        ("TEAM SHOP", "TEAM SHOP", "", "SHOP TEAM", "", ""),
        ("a", "a>b b>c c", "a b c", "", "", "a b c"),
        ("gone", "app", "", "", "gone", "gone"),
        ("gone app", "app", "app", "", "gone", "gone"),
        ("app gone", "app", "app", "", "gone", "app"),
        ("SHOP", "SHOP>gone", "", "SHOP", "gone", "gone"),
        ("end", "end>gone", "end", "", "gone", "end gone"),
        ("end SHOP", "end>app SHOP", "end", "SHOP", "app", "end app"),
        ("a", "a>b b>c c>d d", "a b c d", "", "", "a b c"),
        ("A", "A>b b>c c>d d", "b c d", "A", "", "b c"),
        ("a", "a>b b>a", "a b", "", "", "a b"),
        ("a b", "a b", "a b", "", "", "a"),
        ("b a", "a b", "a b", "", "", "b"),
    ],
)
def test_limits_of_a_type_begin_with_the_innermost(
    names: str, limits: str, release: str, users: str, unknown: str, resolved: str
) -> None:
    path = path_of(names.split(), tree(limits))
    assert [limit.name for limit in path.release] == release.split()
    assert [limit.name for limit in path.users] == users.split()
    assert path.unknown == tuple(unknown.split())
    assert path.names == tuple(resolved.split())


@pytest.mark.parametrize(
    ("limits", "at_fault"),
    [
        ("app end>app SHOP>end", {}),
        ("end>gone", {}),
        ("A b>A", {"b": 'must be a limit with key Release (was "A, key User")'}),
        (
            "a>b b>a",
            {
                "a": 'must be a limit that is not within a itself (was "b > a")',
                "b": 'must be a limit that is not within b itself (was "a > b")',
            },
        ),
        ("a>b b>c c>d d", {"a": 'must be a limit that is within at most 1 other (was "b > c > d")'}),
        ("A>b b>c c>d d", {"A": 'must be a limit that is within at most 1 other (was "b > c > d")'}),
        ("a>b b>c c>d d>gone", {"a": 'must be a limit that is within at most 1 other (was "b > c > d")'}),
        ("x>a a>b b>c c>d d>a", {**dict.fromkeys("abcd", "itself"), "x": "at most 1 other"}),
        ("a>b b>c c>d d>e e>a", dict.fromkeys("abcde", "at most 1 other")),
        ("x>a a>b b>a", dict.fromkeys("ab", "itself")),
    ],
)
def test_limits_in_conflict_name_the_remedy(limits: str, at_fault: dict[str, str]) -> None:
    found = {one.name: one for one in limit_conflicts(tree(limits))}
    assert found.keys() == at_fault.keys()
    for name, message in at_fault.items():
        assert message in found[name].refusal.message
        assert (found[name].kind, found[name].refusal.field) == ("RateLimit", "spec.within")
        assert name in found[name].limits


@pytest.mark.parametrize(
    ("names", "limits", "says"),
    [
        ("end SHOP TEAM", "app end>app SHOP>app TEAM", ""),
        ("a b", "a b>a", 'must be at most one limit with key Release (was "a, b")'),
        ("A B C", "A B C", 'must be at most 2 limits with key User (was "A, B, C")'),
        (
            "a SHOP",
            "a b SHOP>b",
            'must be limits whose Release limits are within each other (was "a; SHOP > b")',
        ),
        ("A B", "a b A>a B>b", 'within each other (was "A > a; B > b")'),
        ("A B", "app a>app b>app A>a B>b", 'within each other (was "A > a > app; B > b > app")'),
        ("a SHOP", "a SHOP>b", ""),
        ("a SHOP", "a SHOP>b b>gone", ""),
        ("a SHOP", "a>b b>a c SHOP>c", ""),
        ("gone a b", "a b", 'must be at most one limit with key Release (was "a, b")'),
    ],
)
def test_a_type_takes_from_one_line_of_limits(names: str, limits: str, says: str) -> None:
    found = conflicts(names, limits)
    assert [one.refusal.field for one in found] == (["spec.limits"] if says else [])
    for one in found:
        assert says in one.refusal.message
        assert set(one.limits) >= set(names.split()) & set(tree(limits))


@pytest.mark.parametrize(
    ("closes", "names", "says"),
    [
        ("SHOP", "end SHOP", ""),
        ("app", "end SHOP", ""),
        ("global", "", ""),
        ("app", "gone", ""),
        ("TEAM", "end SHOP", 'take from: end, app, SHOP, global (was "TEAM")'),
        ("app", "", 'must be a limit that the type\'s jobs take from: global (was "app")'),
    ],
)
def test_a_429_closes_a_limit_of_the_type(closes: str, names: str, says: str) -> None:
    call = HttpCall("https://api.example.com", limit_on_429=closes)
    task_type = TaskType("sync", HOURLY, http=call, limits=tuple(names.split()))
    found = list(type_conflicts(task_type, tree("app end>app SHOP>app TEAM")))
    assert [one.refusal.field for one in found] == (["spec.handler.http.limitOn429"] if says else [])
    assert all(says in one.refusal.message for one in found)


def test_a_user_has_values_at_user_limits_alone() -> None:
    own = (UserLimit("SHOP", 2.0), UserLimit("app", 2.0), UserLimit("gone", 2.0))
    (found,) = user_conflicts(UserSubscription("ada", limits=own), tree("app SHOP>app"))
    assert (found.kind, found.name, found.limits) == ("UserSubscription", "ada", ("app",))
    assert str(found.refusal.message) == 'must be limits with key User (was "app, key Release")'


def test_limits_in_use_include_those_around_and_unknown_ones() -> None:
    types = [TaskType(name, HOURLY, limits=(name, "gone")) for name in ("end", "SHOP")]
    used = names_in_use(types, tree("app end>app SHOP>all all other>app"))
    assert used == {"app", "end", "SHOP", "all", "gone"}

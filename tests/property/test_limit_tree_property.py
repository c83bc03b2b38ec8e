"""Random limits: conflicts are exactly those that a plain search of the graph finds, and paths are complete."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from taskqueue.models.limit_tree import MAX_DEPTH, limit_conflicts, path_of, type_conflicts
from taskqueue.models.values import Limit, LimitKey, Schedule, TaskType

NAMES = [f"l{number}" for number in range(8)]
HOURLY = Schedule(interval_s=3600)


@st.composite
def forests(draw: st.DrawFn) -> dict[str, Limit]:
    """Limits, most of them within an earlier one; some within themselves, a later one, or one that is missing."""
    limits = {}
    for number, name in enumerate(draw(st.lists(st.sampled_from(NAMES), unique=True))):
        within = draw(
            st.none() | st.sampled_from([*NAMES[: number + 1], *draw(st.sampled_from([[], NAMES]))])
        )
        key = draw(st.sampled_from([LimitKey.RELEASE, LimitKey.RELEASE, LimitKey.USER]))
        limits[name] = Limit(name, key, 1.0, within=within)
    return limits


def around(name: str, limits: dict[str, Limit]) -> set[str]:
    """Every declared limit that can be reached over `within`, without the beginning unless it is reached again."""
    found: set[str] = set()
    following = limits[name].within
    while following in limits and following not in found:
        found.add(following)
        following = limits[following].within
    return found


def is_line(names: Iterable[str], limits: dict[str, Limit]) -> bool:
    """Of any two, one lies within the other."""
    listed = list(names)
    return all(a == b or a in around(b, limits) or b in around(a, limits) for a in listed for b in listed)


@given(forests())
def test_limits_without_conflict_are_a_forest_of_bounded_depth(limits: dict[str, Limit]) -> None:
    at_fault = {conflict.name for conflict in limit_conflicts(limits)}
    for name, limit in limits.items():
        outer = around(name, limits)
        if name in outer or (limit.within in limits and limits[limit.within].key is LimitKey.USER):
            assert name in at_fault
        elif all(one not in around(one, limits) for one in outer):
            assert (name in at_fault) is (len(outer) >= MAX_DEPTH)


@given(forests(), st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
def test_a_path_has_every_limit_of_its_type_once(limits: dict[str, Limit], names: list[str]) -> None:
    path = path_of(names, limits)
    declared = [name for name in names if name in limits]
    reached = set(declared).union(*(around(name, limits) for name in declared))
    release = [limit.name for limit in path.release]
    assert len(release) == len(set(release))
    assert set(release) <= {name for name in reached if limits[name].key is LimitKey.RELEASE}
    assert [limit.name for limit in path.users] == sorted(
        name for name in declared if limits[name].key is LimitKey.USER
    )
    if any(True for _ in limit_conflicts(limits)):
        return
    assert set(release) == {name for name in reached if limits[name].key is LimitKey.RELEASE}
    ends = {name for name in names if name not in limits} | {limits[name].within for name in reached}
    assert set(path.unknown) == {name for name in ends if name is not None and name not in limits}


@given(forests(), st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
def test_a_type_without_conflict_takes_from_one_line(limits: dict[str, Limit], names: list[str]) -> None:
    if any(True for _ in limit_conflicts(limits)):
        return
    path = path_of(names, limits)
    found = list(type_conflicts(TaskType("sync", HOURLY, limits=tuple(names)), limits))
    own = [name for name in names if name in limits and limits[name].key is LimitKey.RELEASE]
    expected = len(own) > 1 or len(path.users) > 2
    if not path.unknown:
        release = [limit.name for limit in path.release]
        expected = expected or not is_line(release, limits)
        if not found:
            assert all(
                inner.within == outer.name
                for inner, outer in zip(path.release, path.release[1:], strict=False)
            )
            assert len(path.release) <= MAX_DEPTH
    assert bool(found) is expected

"""Objects with limits, edited at random: declarations in force never contradict each other, also after restarts."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taskqueue.models.limit_tree import conflicts
from taskqueue.sources.desired import Desired
from taskqueue_operator.objects import Kind
from tests.support.kubernetes.namespace_objects import Namespace
from tests.support.kubernetes.raw_objects import GOOD

RATE = {"requests": 1, "per": "1s"}
limit_names = st.sampled_from("uvwxyz")


def named(name: str) -> dict[str, Any]:
    return {"name": name, "rate": RATE}


limit_specs = st.builds(
    lambda key, within: {"key": key, "rate": RATE} | ({"within": within} if within else {}),
    st.sampled_from(["Release", "Release", "User", "Invalid"]),
    st.none() | limit_names,
)
type_specs = st.sets(limit_names, max_size=3).map(
    lambda names: {**GOOD["TaskType"], "limits": [{"name": name} for name in sorted(names)]}
)
user_specs = st.sets(limit_names, max_size=2).map(
    lambda names: {"userId": "ada", "limits": [named(name) for name in sorted(names)]}
)
limit_edits = st.tuples(st.just("RateLimit"), limit_names, st.none() | limit_specs)
#: A kind, a name, and the new spec; None for a deletion.
edits = (
    limit_edits
    | limit_edits
    | st.tuples(st.just("TaskType"), st.sampled_from(["sync", "send"]), st.none() | type_specs)
    | st.tuples(st.just("UserSubscription"), st.sampled_from("ab"), st.none() | user_specs)
)
#: Edits that are decided together, whether statuses are written then, and whether the operator restarts.
rounds = st.lists(
    st.tuples(st.lists(edits, min_size=1, max_size=5), st.booleans(), st.booleans()), max_size=5
)
Edit = tuple[Kind, str, dict[str, Any] | None]


def values_of(desired: Desired) -> list[Any]:
    return [*desired.limits.values(), *desired.types.values(), *desired.users.values()]


def edit(shop: Namespace, kind: Kind, name: str, spec: dict[str, Any] | None) -> None:
    if spec is not None:
        shop.apply(kind, name, spec)
    elif (kind, name) in shop.raws:
        shop.delete(kind, name)


@given(rounds)
def test_objects_in_force_never_contradict_each_other(history: list[tuple[list[Edit], bool, bool]]) -> None:
    shop = Namespace()
    for together, written, restarted in history:
        for one in together:
            edit(shop, *one)
        before = shop.table.in_force
        desired = shop.desired(write=written)
        assert list(conflicts(values_of(desired))) == []
        for obj in shop.table.objects.values():
            assert obj.fault or obj.value is obj.declared
            assert obj.value in (obj.declared, before.get(obj.kind, {}).get(obj.subject), None)
        at_fault = shop.at_fault()
        again = shop.desired(write=False)
        assert values_of(again) == values_of(desired)
        assert shop.at_fault() == at_fault
        if restarted:
            shop.restart()


@given(st.lists(edits, max_size=8), st.randoms(use_true_random=False))
def test_objects_that_all_fit_are_all_in_force(last: list[Edit], random: Any) -> None:
    specs = list({edited[:2]: edited for edited in last}.values())
    shop = Namespace()
    for one in random.sample(specs, len(specs)):
        edit(shop, *one)
        shop.desired()
    duplicates = shop.table.duplicates()
    objects = [obj for obj in shop.table.objects.values() if obj.name not in duplicates]
    fits = not list(conflicts(obj.declared for obj in objects if obj.declared))
    assert fits is not any(obj.conflict for obj in objects)

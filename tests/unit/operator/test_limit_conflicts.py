"""Limits, types and users that contradict each other: which object is refused, and what stays in force."""

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pytest

from taskqueue.models.values import LimitKey
from taskqueue.sources.desired import Desired, Protected
from taskqueue_operator.input_reader import InputReader
from taskqueue_operator.objects import Kind
from tests.support.kubernetes.namespace_objects import Namespace
from tests.support.kubernetes.raw_objects import GOOD, raw

RELEASE, USER = GOOD["RateLimit"], {**GOOD["RateLimit"], "key": "User"}
RATE = {"requests": 20, "per": "1s"}
BAD: Mapping[str, Any] = {"key": "Nobody"}
TWO_RELEASE = 'spec.limits: must be at most one limit with key Release (was "app, shop")'


def within(outer: str, spec: Mapping[str, Any] = RELEASE) -> dict[str, Any]:
    return {**spec, "within": outer}


def under(*names: str) -> dict[str, Any]:
    """Make the spec of a type that names limits."""
    return {**GOOD["TaskType"], "limits": [{"name": name} for name in names]}


def own(*names: str, **more: Any) -> dict[str, Any]:
    """Make the spec of a user with own values at limits."""
    return {"limits": [{"name": name, "rate": RATE} for name in names], **more}


@pytest.fixture
def shop() -> Namespace:
    """A namespace that fits."""
    made = Namespace()
    made.apply("RateLimit", "app", RELEASE)
    made.apply("RateLimit", "shop", within("app", USER))
    made.apply("TaskType", "sync", under("app", "shop"))
    made.apply("UserSubscription", "ada", own("shop"))
    made.apply("UserSubscription", "bob", {"userId": "b"})
    desired = made.desired()
    assert (desired.faults, desired.unresolved_limits) == ((), ())
    assert set(desired.limits) == {"app", "shop"}
    return made


def test_limits_are_desired_like_types_and_users(shop: Namespace) -> None:
    assert shop.desired().limits["shop"].key is LimitKey.USER
    shop.apply("RateLimit", "shop", BAD)
    desired = shop.desired()
    assert desired.limits["shop"].key is LimitKey.USER
    assert [fault.file for fault in desired.faults] == ["RateLimit/shop"]
    assert desired.protected == Protected()
    shop.apply("RateLimit", "never", BAD)
    desired = shop.desired()
    assert desired.protected == Protected(limits=frozenset({"never"}))
    assert list(shop.table.refused("RateLimit")) == ["never"]


def test_undeclared_limits_are_unresolved(shop: Namespace) -> None:
    shop.apply("TaskType", "sync", under("gone", "shop"))
    shop.apply("RateLimit", "shop", within("never", USER))
    shop.apply("RateLimit", "never", BAD)
    found = {one.limit: (one.named_by, bool(one.refusal)) for one in shop.desired().unresolved_limits}
    assert found == {"gone": ("TaskType sync", False), "never": ("RateLimit shop", True)}


LATE: dict[str, tuple[Kind, str, Mapping[str, Any], str]] = {
    "a limit": (
        "RateLimit",
        "shop",
        RELEASE,
        f"spec: must fit TaskType sync and 1 more: {TWO_RELEASE.replace(':', '', 1)}",
    ),
    "a limit around others": (
        "RateLimit",
        "app",
        USER,
        'spec: must fit RateLimit shop: spec.within must be a limit with key Release (was "app, key User")',
    ),
    "a limit within itself": (
        "RateLimit",
        "app",
        within("shop", USER),
        'spec.within: must be a limit with key Release (was "shop, key User")',
    ),
    "a type": (
        "TaskType",
        "sync",
        under("app", "shop", "other"),
        'spec.limits: must be at most one limit with key Release (was "app, other")',
    ),
    "a user": (
        "UserSubscription",
        "ada",
        own("app", "shop"),
        'spec.limits: must be limits with key User (was "app, key Release")',
    ),
    "a user without limits before": (
        "UserSubscription",
        "bob",
        own("app", userId="b"),
        'spec.limits: must be limits with key User (was "app, key Release")',
    ),
}


@pytest.mark.parametrize(("kind", "name", "spec", "fault"), LATE.values(), ids=LATE)
def test_an_edit_that_does_not_fit_leaves_the_last_state_in_force(
    shop: Namespace, kind: Kind, name: str, spec: Mapping[str, Any], fault: str
) -> None:
    shop.apply("RateLimit", "other", RELEASE)
    before = shop.desired()
    shop.apply(kind, name, spec)
    after = shop.desired()
    assert (after.limits, after.types, after.users) == (before.limits, before.types, before.users)
    assert shop.at_fault() == {name: fault}
    assert after.protected == Protected()
    assert [(one.file, one.message) for one in after.faults] == [(f"{kind}/{name}", fault)]
    again = shop.desired()
    assert (again.limits, again.types, again.users) == (before.limits, before.types, before.users)
    assert shop.at_fault() == {name: fault}


@pytest.mark.parametrize(("kind", "name", "spec", "fault"), LATE.values(), ids=LATE)
def test_a_restart_refuses_the_same_object_and_protects_its_record(
    shop: Namespace, kind: Kind, name: str, spec: Mapping[str, Any], fault: str
) -> None:
    shop.apply("RateLimit", "other", RELEASE)
    shop.desired()
    shop.apply(kind, name, spec)
    shop.desired()
    for order in (list(shop.raws), list(reversed(shop.raws))):
        shop.restart(order)
        desired = shop.desired(write=False)
        assert shop.at_fault() == {name: fault}
        protected = desired.protected
        assert protected is not None
        assert {*protected.limits, *protected.types, *protected.users} == {shop.object(kind, name).subject}


@pytest.mark.parametrize("edited", [under("app", "other"), {}], ids=["in conflict", "invalid"])
def test_a_stored_type_is_in_force_at_a_start(shop: Namespace, edited: Mapping[str, Any]) -> None:
    """The status of the limit and of the type refuse both edits; of the type, the store has the former state."""
    shop.apply("RateLimit", "other", RELEASE)
    stored = shop.desired().types["sync"]
    shop.apply("UserSubscription", "ada", {})
    shop.apply("RateLimit", "shop", RELEASE)
    shop.apply("TaskType", "sync", edited)
    shop.desired()
    assert shop.at_fault().keys() == {"shop", "sync"}
    for order in (list(shop.raws), list(reversed(shop.raws))):
        shop.restart(order)
        shop.table.learn({"TaskType": {"sync": stored}})
        for _ in range(2):
            desired = shop.desired(write=False)
            assert shop.at_fault().keys() == {"shop", "sync"}
            assert "shop" not in desired.limits
            assert desired.types == ({"sync": stored} if edited else {})
            assert desired.protected == Protected(
                types=frozenset() if edited else frozenset({"sync"}), limits=frozenset({"shop"})
            )


def test_stored_limits_are_known_at_a_start(shop: Namespace) -> None:
    limits = shop.desired().limits
    shop.delete("RateLimit", "shop")
    shop.desired()
    shop.restart()
    shop.table.learn({"RateLimit": limits})
    shop.desired()
    assert shop.table.known_limits == limits


def test_a_conflict_ends_with_the_other_object(shop: Namespace) -> None:
    shop.apply("RateLimit", "shop", RELEASE)
    shop.desired()
    shop.delete("TaskType", "sync")
    assert shop.desired().limits["shop"].key is LimitKey.USER, "a user has values there"
    shop.apply("UserSubscription", "ada", {})
    desired = shop.desired()
    assert desired.limits["shop"].key is LimitKey.RELEASE
    assert desired.faults == ()
    shop.apply("TaskType", "sync", under("app", "shop"))
    shop.desired()
    assert shop.at_fault() == {"sync": TWO_RELEASE}
    assert shop.object("TaskType", "sync").value is None


def test_edits_that_fit_together_come_in_any_order(shop: Namespace) -> None:
    edits: list[tuple[Kind, str, Mapping[str, Any]]] = [
        ("RateLimit", "shop", within("app")),
        ("TaskType", "sync", under("shop")),
        ("UserSubscription", "ada", {}),
    ]
    for order in permutations(edits):
        one = shop.copy()
        for kind, name, spec in order:
            one.apply(kind, name, spec)
            one.desired()
        assert one.at_fault() == {}
        assert one.desired().limits["shop"].key is LimitKey.RELEASE


def test_of_new_objects_the_type_is_refused_in_any_order() -> None:
    new: list[tuple[Kind, str, Mapping[str, Any]]] = [
        ("RateLimit", "app", RELEASE),
        ("RateLimit", "shop", RELEASE),
        ("TaskType", "sync", under("app", "shop")),
    ]
    for order in permutations(new):
        one = Namespace()
        for kind, name, spec in order:
            one.apply(kind, name, spec)
        desired = one.desired()
        assert one.at_fault() == {"sync": TWO_RELEASE}
        assert desired.protected == Protected(types=frozenset({"sync"}))
        assert set(desired.limits) == {"app", "shop"}


def test_a_replica_follows_the_status_of_the_leader() -> None:
    leader, replica = Namespace(), Namespace()
    for one, last in ((leader, "app"), (replica, "end")):
        one.apply("RateLimit", {"app": "end", "end": "app"}[last], within(last))
        one.desired(write=False)
        one.apply("RateLimit", last, within({"app": "end", "end": "app"}[last]))
        one.desired(write=False)
        assert one.at_fault().keys() == {last}
    leader.desired()
    changed = [replica.table.put(*_later(raw)) for raw in leader.raws.values()]
    assert any(changed)
    replica.desired(write=False)
    assert replica.at_fault().keys() == {"app"}


def _later(raw: dict[str, Any]) -> tuple[Kind, dict[str, Any]]:
    """Return the object as the replica's watch has it."""
    name = raw["metadata"]["name"]
    uid = {"app": "RateLimit-app-1", "end": "RateLimit-end-2"}[name]
    return "RateLimit", raw | {"metadata": raw["metadata"] | {"resourceVersion": "99", "uid": uid}}


def test_a_status_of_the_last_spec_does_not_count_for_an_edit(shop: Namespace) -> None:
    shop.apply("RateLimit", "shop", RELEASE)
    assert shop.object("RateLimit", "shop").status["conditions"][0]["status"] == "True"
    shop.desired()
    assert shop.at_fault().keys() == {"shop"}


def test_a_recreated_object_has_the_last_state_of_its_name(shop: Namespace) -> None:
    shop.delete("RateLimit", "shop")
    shop.apply("RateLimit", "shop", RELEASE)
    assert shop.desired().limits["shop"].key is LimitKey.USER
    shop.delete("UserSubscription", "bob")
    shop.apply("UserSubscription", "bob", own("app", userId="robert"))
    desired = shop.desired()
    assert set(desired.users) == {"ada"}, "another user has no last state"
    assert desired.protected == Protected(users=frozenset({"robert"}))


def test_a_refused_user_keeps_its_id_and_a_duplicate_contradicts_nothing(shop: Namespace) -> None:
    later, earlier = "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"
    shop.apply("UserSubscription", "eve", own("app"), created=later)
    shop.desired(write=False)
    shop.apply("UserSubscription", "other", own("app", userId="eve"), created=earlier)
    for write in (False, False, True, True):
        desired = shop.desired(write=write)
        assert shop.at_fault().keys() == {"eve"}
        assert desired.protected == Protected(users=frozenset({"eve"}))
        assert {name: owner.name for name, owner in shop.table.duplicates().items()} == {"other": "eve"}
    shop.restart()
    assert "eve" not in shop.desired().users
    assert {name: owner.name for name, owner in shop.table.duplicates().items()} == {"other": "eve"}
    shop.delete("UserSubscription", "eve")
    shop.desired()
    assert shop.at_fault().keys() == {"other"}


def test_a_duplicate_has_no_conflict_any_more(shop: Namespace) -> None:
    shop.apply("UserSubscription", "eve", own("app"))
    shop.desired(write=False)
    assert shop.at_fault().keys() == {"eve"}
    owner = {"type": "Accepted", "status": "True", "reason": "Valid", "observedGeneration": 1}
    shop.raws["UserSubscription", "other"] = raw(
        "UserSubscription", "other", 99, {"userId": "eve"}, status={"userId": "eve", "conditions": [owner]}
    )
    shop.table.put("UserSubscription", shop.raws["UserSubscription", "other"])
    desired = shop.desired(write=False)
    assert (shop.at_fault(), set(desired.users)) == ({}, {"ada", "b", "eve"})


def test_a_state_that_the_leader_replaced_is_refused_with_the_edit(shop: Namespace) -> None:
    """Another leader accepted an edit of the limit, and this operator sees it together with an edit of the type."""
    shop.apply("TaskType", "sync", under("app", "never", "shop"))
    shop.apply("UserSubscription", "ada", {})
    accepted = {"type": "Accepted", "status": "True", "reason": "Valid", "observedGeneration": 2}
    never = raw("RateLimit", "never", 98, RELEASE, generation=2, status={"conditions": [accepted]})
    uid = shop.raws["RateLimit", "shop"]["metadata"]["uid"]
    status = {"conditions": [accepted]}
    replaced = raw("RateLimit", "shop", 99, RELEASE, uid=uid, generation=2, status=status)
    for made in (never, replaced):
        shop.table.put("RateLimit", made)
    desired = shop.table.desired()
    assert desired.limits["shop"].key is LimitKey.RELEASE
    assert desired.protected == Protected(types=frozenset({"sync"}))
    fault = 'spec.limits: must be at most one limit with key Release (was "app, never, shop")'
    assert shop.at_fault() == {"sync": fault}


def test_a_deleted_limit_is_known_until_no_type_names_it(shop: Namespace) -> None:
    shop.delete("RateLimit", "app")
    shop.delete("RateLimit", "shop")
    assert set(shop.desired().limits) == set()
    shop.apply("TaskType", "sync", under("shop"))
    shop.desired()
    assert set(shop.table.known_limits) == {"app", "shop"}
    shop.apply("TaskType", "sync", under())
    shop.desired()
    assert shop.table.known_limits == {}


def test_a_settled_object_still_counts_as_known_before_a_list(shop: Namespace) -> None:
    before = shop.table.asked()
    shop.apply("RateLimit", "shop", RELEASE)
    shop.table.desired()
    during = shop.table.asked()
    shop.delete("TaskType", "sync")
    shop.apply("UserSubscription", "ada", {})
    shop.table.desired()
    assert not shop.object("RateLimit", "shop").conflict
    assert not shop.table.prune("RateLimit", {"app"}, before)
    assert shop.table.prune("RateLimit", {"app"}, during)


def test_a_limit_is_published_when_the_store_has_its_state(shop: Namespace) -> None:
    class Keeper:
        stored: Desired | None = None

    keeper: Any = Keeper()
    store: Any = None
    reader = InputReader(store, keeper, shop.table)
    app = shop.object("RateLimit", "app")
    assert not reader.is_published(app, {})
    keeper.stored = shop.desired(write=False)
    assert reader.is_published(app, {})
    shop.apply("RateLimit", "app", within("end"))
    assert not reader.is_published(shop.object("RateLimit", "app"), {})
    shop.apply("RateLimit", "never", BAD)
    assert reader.is_published(shop.object("RateLimit", "never"), {}), "its status has to tell the fault"

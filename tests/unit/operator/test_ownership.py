"""The owner keeps its user while other objects name the same user, also after restarts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from taskqueue.models.values import Subscription, UserSubscription
from taskqueue.store.users import digest
from taskqueue_operator.object_table import ObjectTable
from tests.support.kubernetes.raw_objects import user

SECOND, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
ADA = {"userId": "ada", "tasks": [{"type": "orders"}]}
SUSPENDED = ADA | {"suspend": True}
BAD = ADA | {"tasks": [{"type": "A"}]}
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def says(reason: str, user_id: str | None = "ada") -> dict[str, Any]:
    """Make the status that an operator writes."""
    accepted = {"type": "Accepted", "status": "True" if reason == "Valid" else "False", "reason": reason}
    return {"conditions": [accepted]} | ({"userId": user_id} if user_id else {})


HAS, WAITS, REFUSED = says("Valid"), says("DuplicateUser"), says("Invalid")
NEVER_GOOD = says("Invalid", user_id=None)
PENDING = says("Pending", user_id=None)

#: Objects that name the user ada, by name: spec, time of creation, status; and the name of the owner.
Given = Mapping[str, tuple[Mapping[str, Any], str, Mapping[str, Any] | None]]
STARTS: dict[str, tuple[Given, str]] = {
    "the oldest": ({"a": (ADA, LATER, None), "b": (ADA, SECOND, None)}, "b"),
    "of one second the first by name": ({"b": (ADA, SECOND, None), "a": (ADA, SECOND, PENDING)}, "a"),
    "accepted, of the same second": ({"a": (ADA, SECOND, WAITS), "b": (ADA, SECOND, HAS)}, "b"),
    "accepted, and the other is new": ({"a": (ADA, SECOND, PENDING), "b": (ADA, SECOND, HAS)}, "b"),
    "accepted, and the other is older": ({"a": (ADA, SECOND, NEVER_GOOD), "b": (ADA, LATER, HAS)}, "b"),
    "accepted, of another user": ({"a": (ADA, SECOND, None), "b": (ADA, LATER, says("Valid", "eve"))}, "a"),
    "an import has the user": (
        {"a": (ADA, SECOND, WAITS), "b": (ADA, SECOND, says("ManagedElsewhere"))},
        "b",
    ),
    "an edit was refused": ({"a": (ADA, SECOND, WAITS), "b": (BAD, SECOND, REFUSED)}, "b"),
    "an edit during downtime is refused": ({"a": (ADA, SECOND, WAITS), "b": (BAD, SECOND, HAS)}, "b"),
    "never good": ({"a": (BAD, SECOND, NEVER_GOOD), "b": (ADA, LATER, None)}, "b"),
    "never good and new": ({"a": (BAD, SECOND, None), "b": (ADA, LATER, None)}, "b"),
}


def filled(given: Given, order: Sequence[str]) -> ObjectTable:
    table = ObjectTable()
    for version, name in enumerate(order, 1):
        spec, created, status = given[name]
        table.put("UserSubscription", user(name, version, spec, created=created, status=status))
    return table


def owner_of(table: ObjectTable) -> str:
    (other,) = {one.name for one in table.duplicates().values()} or {"nobody"}
    return other


@pytest.mark.parametrize(("given", "owner"), STARTS.values(), ids=STARTS)
def test_a_start_finds_the_owner_in_every_order(given: Given, owner: str) -> None:
    for order in permutations(given):
        table = filled(given, order)
        desired = table.desired()
        declared = table.objects["UserSubscription", owner].value
        assert desired.users.get("ada") is declared
        assert desired.protected
        assert declared or "ada" in desired.protected.users
        alone = {name for name in given if given[name][0] is not BAD} == {owner}
        others = {name: one.name for name, one in table.duplicates().items()}
        assert others == ({} if alone else dict.fromkeys(given.keys() - {owner}, owner))


@pytest.mark.parametrize("later", [ADA, SUSPENDED], ids=["the same", "another content"])
def test_a_later_object_of_the_same_second_waits(later: Mapping[str, Any]) -> None:
    table = ObjectTable()
    table.put("UserSubscription", user("b", 1, ADA, created=SECOND))
    table.desired()  # decided, and no status is written yet
    table.put("UserSubscription", user("a", 2, later, created=SECOND))
    assert owner_of(table) == "b"
    assert table.desired().users["ada"] is table.objects["UserSubscription", "b"].value


def test_an_edit_and_a_later_object_come_together() -> None:
    table = ObjectTable()
    table.put("UserSubscription", user("b", 1, ADA, created=SECOND))
    table.desired()
    table.put("UserSubscription", user("b", 2, SUSPENDED, generation=2, created=SECOND))
    table.put("UserSubscription", user("a", 3, ADA, created=SECOND))
    assert table.desired().users == {"ada": UserSubscription("ada", (Subscription("orders"),), suspend=True)}


def test_a_recreated_owner_stays_second() -> None:
    table = filled({"a": (ADA, SECOND, HAS), "b": (SUSPENDED, SECOND, WAITS)}, "ab")
    table.desired()
    table.drop("UserSubscription", "a", "a-1")
    table.put("UserSubscription", user("a", 3, ADA, uid="a-2", created=LATER))
    assert owner_of(table) == "b"
    assert table.desired().users["ada"].suspend
    table.drop("UserSubscription", "b", "b-1")
    assert not table.desired().users["ada"].suspend


@pytest.mark.parametrize("stored", ["a", "b"])
def test_the_store_names_each_users_owner_at_a_start(stored: str) -> None:
    given: Given = {"a": (ADA, SECOND, None), "b": (SUSPENDED, SECOND, None)}
    for order in permutations(given):
        table = filled(given, order)
        assert table.undecided() == ["ada"]
        value = table.objects["UserSubscription", stored].value
        assert isinstance(value, UserSubscription)
        table.ownership.stored = {"ada": digest(value)}
        assert owner_of(table) == stored
        assert table.desired().users["ada"] is value
        assert owner_of(table) == stored, "and from then on it is remembered"


def test_the_store_counts_less_than_a_status() -> None:
    table = filled({"a": (ADA, SECOND, HAS), "b": (SUSPENDED, SECOND, WAITS)}, "ba")
    assert table.undecided() == []
    table.ownership.stored = {"ada": digest(UserSubscription("ada", (Subscription("orders"),), suspend=True))}
    assert owner_of(table) == "a"


def test_a_replica_follows_the_leaders_status() -> None:
    table = filled({"a": (ADA, SECOND, None), "b": (ADA, SECOND, None)}, "ab")
    table.desired()
    assert owner_of(table) == "a"
    assert table.put("UserSubscription", user("b", 5, ADA, created=SECOND, status=HAS))
    assert not table.put("UserSubscription", user("a", 6, ADA, created=SECOND, status=WAITS))
    assert table.desired().users["ada"] is table.objects["UserSubscription", "b"].value


def test_a_first_status_of_a_sole_object_changes_nothing() -> None:
    table = filled({"a": (ADA, SECOND, None)}, "a")
    table.desired()
    assert not table.put("UserSubscription", user("a", 5, ADA, created=SECOND, status=HAS))

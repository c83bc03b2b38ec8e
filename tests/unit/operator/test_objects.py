"""The table of objects ends in the state of the API server, whichever order events and lists have."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskqueue.models.values import TaskType, UserSubscription
from taskqueue.sources.desired import Protected
from taskqueue_operator.object_table import ObjectTable
from taskqueue_operator.objects import Key, Object
from tests.support.kubernetes.raw_objects import task_type, user

SUSPENDED = {"suspend": True}
BAD = {"tasks": [{"type": "A"}]}


def value(table: ObjectTable, name: str) -> UserSubscription | None:
    found = table.objects["UserSubscription", name].value
    assert found is None or isinstance(found, UserSubscription)
    return found


@pytest.mark.parametrize(
    ("states", "news", "version"),
    [
        ([user("ada", 1)], [True], "1"),
        ([user("ada", 1), user("ada", 1)], [True, False], "1"),
        ([user("ada", 2), user("ada", 1, SUSPENDED, generation=0)], [True, False], "2"),
        ([user("ada", 9), user("ada", 10)], [True, False], "10"),  # versions are numbers, not text
        ([user("ada", 1), user("ada", 2, SUSPENDED, generation=2)], [True, True], "2"),
        ([user("ada", 1), user("ada", 2, status={"taskCount": 0})], [True, False], "2"),
        ([user("ada", 1), user("ada", 5, uid="ada-2")], [True, True], "5"),
        ([user("ada", 5, uid="ada-2"), user("ada", 1)], [True, False], "5"),
        ([user("ada", 1, BAD), user("ada", 2, BAD | SUSPENDED, generation=2)], [True, False], "2"),
        ([user("ada", 1), user("ada", 2, BAD, generation=2)], [True, True], "2"),
    ],
    ids=[
        "new",
        "delivered twice",
        "a late list",
        "versions are numbers",
        "an edit",
        "only its status",
        "recreated under its name",
        "its predecessor, delivered late",
        "refused for the same reason",
        "a refused edit",
    ],
)
def test_the_latest_state_counts_and_only_changes_are_news(
    states: list[dict[str, Any]], news: list[bool], version: str
) -> None:
    table = ObjectTable()
    assert [table.put("UserSubscription", raw) for raw in states] == news
    assert table.objects["UserSubscription", "ada"].version == version


def test_a_value_is_the_same_one_as_long_as_the_generation_is() -> None:
    table = ObjectTable()
    table.put("UserSubscription", user("ada", 1))
    first = value(table, "ada")
    table.put("UserSubscription", user("ada", 2, status={"taskCount": 0}))
    assert table.objects["UserSubscription", "ada"].status == {"taskCount": 0}
    assert value(table, "ada") is first
    table.put("UserSubscription", user("ada", 3, generation=2))
    assert value(table, "ada") == first
    assert value(table, "ada") is not first
    second = value(table, "ada")
    table.put("UserSubscription", user("ada", 4, uid="ada-2", generation=2))
    assert value(table, "ada") is not second


def test_an_object_readable_again_is_taken() -> None:
    table = ObjectTable()
    unreadable = user("ada", 1, {}) | {"unreadable": "504 Gateway Timeout"}
    assert table.put("UserSubscription", unreadable)
    assert not table.put("UserSubscription", unreadable)
    assert value(table, "ada") is None
    assert table.put("UserSubscription", user("ada", 1)), "a list has it whole, and of the same version"
    good = value(table, "ada")
    assert good is not None
    assert not table.put("UserSubscription", unreadable | user("ada", 2, status={"taskCount": 0}))
    assert value(table, "ada") is good

    assert table.put("UserSubscription", user("bob", 3, {}) | {"unreadable": "TimeoutError"})
    assert table.put("UserSubscription", user("bob", 4, status={"taskCount": 0})), (
        "a watch, of one generation"
    )
    assert value(table, "bob") is not None


def test_kinds_do_not_share_names() -> None:
    table = ObjectTable()
    table.put("UserSubscription", user("ada", 1))
    table.put("TaskType", task_type("ada", 2))
    assert not table.drop("TaskType", "ada", "other")
    assert table.prune("TaskType", set(), table.asked())
    assert list(table.objects) == [("UserSubscription", "ada")]


def test_a_recreated_object_outlives_its_predecessor() -> None:
    table = ObjectTable()
    table.put("UserSubscription", user("ada", 1))
    table.put("UserSubscription", user("ada", 5, uid="ada-2"))
    assert not table.drop("UserSubscription", "ada", "ada-1")
    assert table.objects["UserSubscription", "ada"].uid == "ada-2"
    assert table.drop("UserSubscription", "ada", "ada-2")
    assert not table.drop("UserSubscription", "ada", "ada-2")
    assert table.objects == {}


@pytest.mark.parametrize("known", [True, False])
def test_a_running_list_does_not_restore_a_deleted_object(known: bool) -> None:
    table = ObjectTable()
    if known:
        table.put("UserSubscription", user("ada", 1))
    before = table.asked()
    table.drop("UserSubscription", "ada", "ada-1")
    assert not table.put("UserSubscription", user("ada", 1))
    assert not table.prune("UserSubscription", {"ada"}, before)
    assert table.objects == {}


def test_a_late_watch_does_not_restore_an_unlisted_object() -> None:
    table = ObjectTable()
    table.put("UserSubscription", user("ada", 1))
    assert table.prune("UserSubscription", set(), table.asked())
    assert not table.put("UserSubscription", user("ada", 2))
    assert table.objects == {}


def test_a_removal_is_remembered_until_the_next_list() -> None:
    table = ObjectTable()
    for number in range(100):
        table.drop("UserSubscription", f"u{number}", f"u{number}-1")
    assert len(table.gone) == 100
    table.asked()
    assert table.gone == set()


def test_a_list_removes_only_objects_known_at_its_request() -> None:
    table = ObjectTable()
    for version, name in enumerate(("old", "edited", "listed", "recreated"), 1):
        table.put("UserSubscription", user(name, version))
    before = table.asked()
    table.put("UserSubscription", user("edited", 11, SUSPENDED, generation=2))
    table.put("UserSubscription", user("recreated", 12, uid="recreated-2"))
    table.put("UserSubscription", user("new", 13))
    assert table.prune("UserSubscription", {"listed"}, before)
    assert {name for _, name in table.objects} == {"edited", "listed", "recreated", "new"}
    assert not table.prune("UserSubscription", {"listed"}, before)


def test_the_oldest_of_two_objects_declares_a_user() -> None:
    table = ObjectTable()
    later, same = "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"
    table.put("UserSubscription", user("c", 1, {"userId": "ada"}, uid="1", created=later))
    table.put("UserSubscription", user("b", 2, {"userId": "ada"}, uid="3", created=same))
    table.put("UserSubscription", user("a", 3, {"userId": "ada"}, uid="2", created=same))
    for uids in (["a", "b", "c"], ["b", "c"], ["c"]):
        first, *others = uids
        assert table.desired().users == {"ada": value(table, first)}
        assert table.desired().users["ada"] is value(table, first)
        assert {name: older.name for name, older in table.duplicates().items()} == dict.fromkeys(
            others, first
        )
        table.drop("UserSubscription", first, table.objects["UserSubscription", first].uid)
    assert table.desired().users == {}


def test_a_refused_object_is_a_fault_and_keeps_its_state() -> None:
    table = ObjectTable()
    table.put("UserSubscription", user("ada", 1, SUSPENDED))
    table.put("TaskType", task_type("orders", 2))
    before = table.desired()
    table.put("UserSubscription", user("ada", 3, BAD, generation=2))
    table.put("TaskType", task_type("orders", 4, {}, generation=2))
    after = table.desired()
    assert (after.users, after.types) == (before.users, before.types)
    assert {fault.file for fault in after.faults} == {"UserSubscription/ada", "TaskType/orders"}
    assert "spec.tasks[0].type" in after.faults[0].message
    table.put("UserSubscription", user("ada", 5, {}, generation=3))
    assert table.desired().users == {"ada": UserSubscription("ada")}
    assert [fault.file for fault in table.desired().faults] == ["TaskType/orders"]


def test_a_never_valid_object_declares_nothing() -> None:
    table = ObjectTable()
    table.put("UserSubscription", user("bob", 1, BAD))
    table.put("UserSubscription", user("ada", 2))
    assert table.put("UserSubscription", user("ada", 3, BAD, uid="ada-2"))
    assert table.desired().users == {}
    assert len(table.desired().faults) == 2


def test_a_refused_edit_does_not_pass_its_user_on() -> None:
    table = ObjectTable()
    table.put("UserSubscription", user("a", 1, {"userId": "ada"}))
    table.put("UserSubscription", user("b", 2, {"userId": "ada"} | SUSPENDED))
    table.put("UserSubscription", user("a", 3, {"userId": "ada"} | BAD, generation=2))
    assert table.desired().users == {"ada": UserSubscription("ada")}
    assert list(table.duplicates()) == ["b"]


def test_an_undeclared_task_type_is_unresolved() -> None:
    table = ObjectTable()
    table.put("UserSubscription", user("ada", 1, {"tasks": [{"type": "orders"}]}))
    assert [one.type for one in table.desired().unresolved] == ["orders"]
    table.put("TaskType", task_type("orders", 2))
    desired = table.desired()
    assert desired.unresolved == ()
    assert isinstance(desired.types["orders"], TaskType)


def test_a_refused_type_explains_unresolved_subscriptions() -> None:
    table = ObjectTable()
    table.put("UserSubscription", user("ada", 1, {"tasks": [{"type": "orders"}]}))
    table.put("TaskType", task_type("orders", 2, {"handler": {"function": "f"}}))
    (unresolved,) = table.desired().unresolved
    assert (
        str(unresolved) == "ada: the task type orders is refused: spec.schedule: add schedule: it is required"
    )
    assert list(table.refused("TaskType")) == ["orders"]
    table.put("TaskType", task_type("orders", 3, generation=2))
    table.put("TaskType", task_type("orders", 4, {}, generation=3))
    assert table.desired().unresolved == ()
    assert table.refused("TaskType") == {}


@dataclass
class Server:
    """An API server, and one client that lists and receives events, in order for each object only."""

    table: ObjectTable = field(default_factory=ObjectTable)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    undelivered: dict[str, deque[tuple[str, dict[str, Any]]]] = field(default_factory=dict)
    pages: deque[dict[str, Any]] | None = None
    named: set[str] = field(default_factory=set)
    before: Mapping[Key, Object] = field(default_factory=dict)
    version: int = 0

    def change(self, name: str, how: int) -> None:
        self.version += 1
        known = self.objects.get(name)
        if known is None:
            made = user(name, self.version, {"suspend": bool(how % 2)}, uid=f"{name}-{self.version}")
            self._tell("ADDED", made)
        elif how == 0:
            self._tell("DELETED", self._next(known))
        elif how == 1:
            self._tell("MODIFIED", self._next(known) | {"status": {"taskCount": self.version}})
        else:
            spec = {"suspend": not known["spec"]["suspend"]}
            self._tell(
                "MODIFIED", self._next(known, generation=known["metadata"]["generation"] + 1, spec=spec)
            )

    def _next(self, known: dict[str, Any], generation: int | None = None, spec: Any = None) -> dict[str, Any]:
        meta = known["metadata"] | {"resourceVersion": str(self.version)}
        if generation is not None:
            meta["generation"] = generation
        return known | {"metadata": meta, "spec": spec or known["spec"]}

    def _tell(self, how: str, raw: dict[str, Any]) -> None:
        meta = raw["metadata"]
        if how == "DELETED":
            del self.objects[meta["name"]]
        else:
            self.objects[meta["name"]] = raw
        self.undelivered.setdefault(meta["uid"], deque()).append((how, raw))

    def hear(self, which: int) -> None:
        uids = sorted(uid for uid, events in self.undelivered.items() if events)
        if not uids:
            return
        how, raw = self.undelivered[uids[which % len(uids)]].popleft()
        if how == "DELETED":
            self.table.drop("UserSubscription", raw["metadata"]["name"], raw["metadata"]["uid"])
        else:
            self.table.put("UserSubscription", raw)

    def page(self) -> None:
        """Ask for a list, or take in the next object of it, or end it."""
        if self.pages is None:
            self.before, self.pages, self.named = self.table.asked(), deque(self.objects.values()), set()
        elif self.pages:
            raw = self.pages.popleft()
            self.table.put("UserSubscription", raw)
            self.named.add(raw["metadata"]["name"])
        else:
            self.table.prune("UserSubscription", self.named, self.before)
            self.pages = None

    def end_list(self) -> None:
        while self.pages is not None:
            self.page()

    def hear_all(self) -> None:
        while any(self.undelivered.values()):
            self.hear(0)

    def assert_true(self) -> None:
        seen = {name: (one.uid, one.version) for (_, name), one in self.table.objects.items()}
        true = {
            name: (raw["metadata"]["uid"], raw["metadata"]["resourceVersion"])
            for name, raw in self.objects.items()
        }
        assert seen == true
        wanted = {
            name: UserSubscription(name, suspend=raw["spec"]["suspend"]) for name, raw in self.objects.items()
        }
        assert self.table.desired().users == wanted


steps = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.sampled_from("ab"), st.integers(0, 3)),
        st.tuples(st.just("hear"), st.just(""), st.integers(0, 5)),
        st.tuples(st.just("page"), st.just(""), st.just(0)),
    ),
    max_size=40,
)


def follow(server: Server, history: list[tuple[str, str, int]]) -> None:
    for what, name, number in history:
        if what == "change":
            server.change(name, number)
        elif what == "hear":
            server.hear(number)
        else:
            server.page()


@given(steps)
def test_any_order_of_lists_and_watches_ends_in_the_truth(
    history: list[tuple[str, str, int]],
) -> None:
    server = Server()
    follow(server, history)
    server.end_list()
    server.page()
    server.end_list()
    server.assert_true()
    server.hear_all()
    server.assert_true()


@given(steps)
def test_a_complete_watch_undoes_an_earlier_one_without_a_list(
    history: list[tuple[str, str, int]],
) -> None:
    server = Server()
    follow(server, history)
    server.hear_all()
    server.end_list()
    server.hear_all()
    server.assert_true()


def test_a_restored_api_server_is_believed() -> None:
    table = ObjectTable()
    table.put("UserSubscription", user("ada", 90, SUSPENDED, generation=5))
    table.put("UserSubscription", user("bob", 91))
    before = table.asked()
    table.put("UserSubscription", user("bob", 95, SUSPENDED, generation=2))
    assert table.put("UserSubscription", user("ada", 7, generation=3), before)
    assert not table.put("UserSubscription", user("bob", 8), before)
    assert table.objects["UserSubscription", "ada"].version == "7"
    assert table.objects["UserSubscription", "bob"].version == "95"
    assert not table.put("UserSubscription", user("ada", 6)), "a watch does not say when it was asked"


def test_exactly_a_refused_objects_declarations_are_protected() -> None:
    table = ObjectTable()
    table.put("TaskType", task_type("never", 1, {"schedule": {}}))
    table.put("UserSubscription", user("first", 2, BAD | {"userId": "ada"}))
    table.put("UserSubscription", user("bob", 3, BAD))
    table.put("UserSubscription", user("eve", 4))
    desired = table.desired()
    assert desired.protected == Protected(frozenset({"never"}), frozenset({"ada", "bob"}))
    table.put("UserSubscription", user("eve", 5, BAD, generation=2))
    desired = table.desired()
    assert "eve" in desired.users, "the last accepted state is in force"
    assert desired.protected == Protected(frozenset({"never"}), frozenset({"ada", "bob"}))

"""The example policy, role and quota for a namespace that tenants share, on a real API server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kubernetes.cluster import Cluster, KubectlError
from tests.support.kubernetes.shop import Object, subscription, task_type
from tests.support.site.site import until

TENANTS = Path(__file__).parents[2] / "deploy" / "kubernetes" / "tenants"
#: Several tenants, one of which has a name that begins like another's; and none.
PEOPLE = {
    "alice": ["taskqueue:tenant:team-a"],
    "bob": ["taskqueue:tenant:team-a-b", "taskqueue:tenant:team-c"],
    "mallory": [
        "taskqueue:tenant:",
        "taskqueue:tenant:team-a.ada",
        "x:taskqueue:tenant:team-a",
        "system:serviceaccounts",
    ],
    "system:serviceaccount:team-a:pipeline": ["system:serviceaccounts", "system:serviceaccounts:team-a"],
    "root": [],
}
WRITES: dict[str, tuple[str, Object, str]] = {
    "her own": ("alice", subscription("team-a.ada"), ""),
    "a user of her own by id": ("alice", subscription("team-a.second", userId="team-a.Ada@home"), ""),
    "her own without an id": ("alice", subscription("team-a.ada", userId=None), ""),
    "another's name without an id": ("alice", subscription("team-b.ada", userId=None), "(was team-b.ada)"),
    "another's user": ("alice", subscription("team-a.eve", userId="team-b.eve"), "userId must be team-a.NAME (was"),
    "a user without a tenant": ("alice", subscription("team-a.eve", userId="eve"), "(was eve)"),
    "a longer tenant's user": ("alice", subscription("team-a-b.eve"), "spec.userId must be team-a.NAME (was"),
    "the tenant's bare name": ("alice", subscription("team-a"), "must be team-a.NAME (was team-a)"),
    "another's name": ("alice", subscription("team-b.x", userId="team-a.x"), "metadata.name must be team-a.NAME"),
    "of two tenants": ("bob", subscription("team-c.x"), ""),
    "of neither of two": ("bob", subscription("team-a.x"), "must be team-a-b.NAME or team-c.NAME (was team-a.x)"),
    "groups that are no tenants": ("mallory", subscription("team-a.ada.x"), "must be TENANT.NAME of a group"),
    "a pipeline's namespace": ("system:serviceaccount:team-a:pipeline", subscription("team-a.ci"), ""),
    "another pipeline's namespace": ("system:serviceaccount:team-a:pipeline", subscription("team-b.ci"), "team-a.NAME"),
    "an administrator": ("root", subscription("anybody"), ""),
    "a task type": ("alice", task_type("team-a.sync"), 'cannot patch resource "tasktypes"'),
}  # fmt: skip


class Tenants:
    """A namespace with the role and the policy, as each of the people sees it."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        cluster.kubectl("label", "namespace", namespace, "taskqueue.dev/tenants=shared")
        cluster.kubectl("apply", "-n", namespace, "-f", str(TENANTS / "role.yaml"))
        cluster.kubectl("apply", "--server-side", "-f", str(TENANTS / "policy.yaml"))
        for who in PEOPLE:
            role = "taskqueue-tenants-administrator" if who == "root" else "taskqueue-tenant"
            name = who.rpartition(":")[2]
            cluster.kubectl("create", "-n", namespace, "rolebinding", name, f"--role={role}", f"--user={who}")

    def attempt(self, who: str, *args: str, stdin: str = "") -> str:
        """Run kubectl as another identity. Return the refusal, or nothing."""
        groups = [f"--as-group={group}" for group in (*PEOPLE[who], "system:authenticated")]
        done = self.cluster.attempt("-n", self.namespace, f"--as={who}", *groups, *args, stdin=stdin)
        return done.stderr if done.returncode else ""

    def write(self, who: str, written: Object, *options: str) -> str:
        return self.attempt(who, "apply", "--server-side", *options, "-f", "-", stdin=json.dumps(written))


@pytest.fixture(scope="module")
def tenants(defined: Cluster) -> Iterator[Tenants]:
    name = "taskqueue-test-tenants"
    defined.kubectl("create", "namespace", name)
    try:
        yield Tenants(defined, name)
    finally:  # the namespace's own controller deletes what is in it, which the policy lets it
        defined.kubectl("delete", "namespace", name, "--timeout=30s")
        defined.kubectl("delete", "-f", str(TENANTS / "policy.yaml"), "--wait=false")


async def test_tenants_write_only_their_own_users(tenants: Tenants) -> None:
    async def enforced() -> bool:
        return bool(tenants.write("alice", subscription("nobody"), "--dry-run=server"))

    await until("the policy is enforced", enforced)
    for name, (who, written, says) in WRITES.items():
        answer = tenants.write(who, written, "--dry-run=server")
        assert says in answer, name
        assert bool(says) == bool(answer), (name, answer)

    for prefix, says in (("team-a.x", ""), ("team-b.x", "must be team-a.NAME (was team-b.x")):
        made = subscription("x") | {"metadata": {"generateName": prefix}}
        answer = tenants.attempt("alice", "create", "--dry-run=server", "-f", "-", stdin=json.dumps(made))
        assert (says in answer) if says else (answer == ""), (prefix, answer)
    known = ("get", "validatingadmissionpolicy", "taskqueue-tenants", "-o", "jsonpath={.status.typeChecking}")
    assert "expressionWarnings" not in tenants.cluster.kubectl(*known)

    assert tenants.write("bob", subscription("team-c.x")) == ""
    assert "must be team-a.NAME (was team-c.x" in tenants.write(
        "alice", subscription("team-c.x", suspend=True)
    )
    deleted = tenants.attempt("alice", "delete", "usub", "team-c.x")
    assert "must be team-a.NAME (was team-c.x" in deleted
    assert "forbidden" in tenants.attempt("alice", "get", "usub").lower()
    status = json.dumps({"status": {"userId": "team-a.ada"}})
    patch = ("patch", "usub", "team-c.x", "--subresource=status", "--type=merge", "-p", status)
    assert "forbidden" in tenants.attempt("bob", *patch).lower(), (
        "the owner of a user is not writable by tenants"
    )
    assert tenants.attempt("bob", "delete", "usub", "team-c.x") == ""
    assert tenants.write("bob", subscription("team-c.left")) == ""


async def test_the_quota_counts_objects(defined: Cluster, namespace: str) -> None:
    quota = (TENANTS / "quota.yaml").read_text().replace('"10000"', '"1"')
    defined.kubectl("apply", "-n", namespace, "-f", "-", stdin=quota)

    async def counted() -> bool:
        used = ("get", "-n", namespace, "quota/taskqueue", "-o", "jsonpath={.status.used}")
        return "usersubscriptions" in defined.kubectl(*used)

    await until("the quota is counted", counted)
    apply = ("apply", "-n", namespace, "--server-side", "-f", "-")
    defined.kubectl(*apply, stdin=json.dumps(subscription("first")))
    with pytest.raises(KubectlError, match=r"exceeded quota: taskqueue.*usersubscriptions.taskqueue.dev=1"):
        defined.kubectl(*apply, stdin=json.dumps(subscription("second")))

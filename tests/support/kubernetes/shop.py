"""A namespace with objects, the operator's own account in it, and the site that works them off."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from taskqueue.store.cursor import read_cursor
from taskqueue.store.users import read_stored_users
from tests.support.kubernetes.cluster import Cluster
from tests.support.site.planned import Planned
from tests.support.site.site import Site, manifest, until

ROOT = Path(__file__).parents[3]
ROLE = ROOT / "deploy" / "kubernetes" / "operator-role.yaml"
Object = dict[str, Any]


def task_type(name: str, interval: str = "2s", **spec: Any) -> Object:
    """Make a TaskType with a handler that records each start."""
    fields = {"schedule": {"interval": interval}, "handler": {"function": "record"}, "catchUp": "All"}
    return manifest("TaskType", name, {**fields, **spec})


def subscription(name: str, *types: str, **spec: Any) -> Object:
    return manifest("UserSubscription", name, {"tasks": [{"type": one} for one in types], **spec})


def rate_limit(name: str, requests: int = 500, **spec: Any) -> Object:
    """Make a RateLimit with key Release unless `spec` has another."""
    fields = {"key": "Release", "rate": {"requests": requests, "per": "1s"}}
    return manifest("RateLimit", name, {**fields, **spec})


def own_limit(name: str, requests: int = 20) -> dict[str, Any]:
    """Make a user's own values at a limit."""
    return {"name": name, "rate": {"requests": requests, "per": "1s"}}


def subscriptions(users: int, *types: str) -> list[Object]:
    return [subscription(f"u-{n:03}", *types) for n in range(users)]


def install_definitions(cluster: Cluster) -> None:
    """Install the CRDs and wait until the API server serves them."""
    folder = str(ROOT / "crds")
    cluster.kubectl("apply", "--server-side", "-f", folder)
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", folder)


class Shop:
    """One namespace with the operator's account, and a site. The constructor blocks until the account exists."""

    def __init__(self, cluster: Cluster, namespace: str, world: Site) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.world = world
        self.planned = Planned()
        cluster.kubectl("apply", "-n", namespace, "-f", str(ROLE))
        self.kubeconfig = cluster.kubeconfig_for("taskqueue-operator", namespace)

    async def operator(self, *options: str) -> asyncio.subprocess.Process:
        """Start one more replica."""
        return await self.world.operator(
            self.kubeconfig, self.namespace, "--lease-duration", "4", "--rate", "500", *options
        )

    async def kubectl(self, *args: str, stdin: str = "") -> str:
        return await asyncio.to_thread(self.cluster.kubectl, "-n", self.namespace, *args, stdin=stdin)

    async def apply(self, *objects: Object) -> None:
        documents = "\n---\n".join(map(json.dumps, objects))
        await self.kubectl("apply", "--server-side", "-f", "-", stdin=documents)

    async def get(self, kind: str, name: str) -> Object:
        found: Object = json.loads(await self.kubectl("get", kind, name, "-o", "json"))
        return found

    async def says(self, kind: str, name: str, condition: str, status: str, reason: str) -> None:
        """Wait until a condition has its expected state."""

        async def check() -> bool:
            known = (await self.get(kind, name)).get("status", {}).get("conditions", [])
            return (condition, status, reason) in {(c["type"], c["status"], c["reason"]) for c in known}

        await until(f"{kind}/{name}: {condition}={status} {reason}", check, 20)

    async def statuses_current(self, limit_s: float = 20.0) -> None:
        """Wait until every object is Ready in its current generation."""

        async def check() -> bool:
            listed = json.loads(await self.kubectl("get", "tt,usub,rl", "-o", "json"))["items"]
            return all(_is_ready(one) for one in listed)

        await until("every status is up to date", check, limit_s)

    async def holder(self) -> str:
        """Return the holder of the lease; empty if there is none."""
        return str((await self.get("lease", "taskqueue-operator"))["spec"].get("holderIdentity", ""))

    async def owners(self) -> set[str]:
        """Return all users in the store."""
        return set(await read_stored_users(self.world.store))

    async def dealt(self, members: int) -> None:
        """Wait until a number of subscriptions have their places in the schedule."""

        async def check() -> bool:
            await self.planned.look(self.world.store)
            return sum(map(len, self.planned.places.values())) == members

        await until(f"{members} subscriptions are dealt", check)

    async def started(self, number: int) -> None:
        """Wait until a number of further jobs have started."""
        wanted = len(self.world.starts()) + number

        async def check() -> bool:
            return len(self.world.starts()) >= wanted

        await until(f"{number} jobs start", check, 40)

    async def gone(self, users: Iterable[str]) -> None:
        async def check() -> bool:
            return not set(users) & await self.owners()

        await until(f"{users} are gone", check, 20)

    async def without_holes(self) -> None:
        """Wait until every user in the store has run each occurrence of 2 s from the first to the last."""

        async def check() -> bool:
            occurrences: dict[str, set[int]] = defaultdict(set)
            for start in self.world.starts():
                occurrences[start.user].add(int(start.occurrence))
            seen = [occurrences[user] for user in await self.owners()]
            return bool(seen) and all(one and one == set(range(min(one), max(one) + 1, 2)) for one in seen)

        await until("every occurrence of every user has run", check)

    async def exactly_as_planned(self, after_ms: int, *, at_least: int = 100) -> None:
        """Wait until all jobs due since `after_ms` have started, and check that no job started twice."""
        until_ms = await read_cursor(self.world.store) - 1_000
        planned = self.planned.between(after_ms, until_ms)

        async def check() -> bool:
            return {(s.type, s.user, int(s.occurrence)) for s in self.world.starts()} >= planned.keys()

        await until("all due jobs have started", check, 20)
        counted = Counter((s.type, s.user, int(s.occurrence)) for s in self.world.starts())
        assert {job: n for job, n in counted.items() if n > 1} == {}
        assert len(planned) >= at_least, "too few jobs were due for a meaningful test"
        await self.world.balanced()


def _is_ready(one: Object) -> bool:
    status, generation = one.get("status", {}), one["metadata"]["generation"]
    ready = [known for known in status.get("conditions", []) if known["type"] == "Ready"]
    return status.get("observedGeneration") == generation and [known["status"] for known in ready] == ["True"]

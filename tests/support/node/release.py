"""A release of the chart on a real node, the API of its workers, and the records of both."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from taskqueue.store.audit import audit
from taskqueue.store.connection import Store, open_store
from taskqueue.store.errors import StoreFailure
from tests.support.chart.helm import CHART, Helm
from tests.support.kubernetes.cluster import Cluster
from tests.support.node.release_objects import NAME, Object, volume
from tests.support.site.counting_api import Arrival, CountingApi, in_their_slots
from tests.support.site.planned import Planned
from tests.support.site.site import until

HERE = Path(__file__).parent
VERSION: str = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
WORKERS = "app.kubernetes.io/component=worker"
#: What is due is looked at this often, so that no generation of a schedule is missed (s).
LOOK_S = 1.0


class Installed:
    """One namespace. values: of the chart, such as a person with handlers in a file would write them for a try-out.

    package: of the chart, as it is shipped. Open after `install`: `store` and `api` are reached at the addresses of
    their Services.
    """

    def __init__(self, cluster: Cluster, helm: Helm, package: Path, namespace: str) -> None:
        self.cluster = cluster
        self.helm = helm
        self.package = package
        self.namespace = namespace
        self.names: set[str] = set()
        self.values: dict[str, Any] = {
            "redis": {"development": {"enabled": True, "image": {"repository": "valkey", "tag": "local"}}},
            "operator": {"image": {"repository": "localhost/taskqueue-operator", "tag": VERSION}},
            "worker": {
                "image": {"repository": "localhost/taskqueue-worker", "tag": VERSION},
                "handlers": ["/handlers/handlers.py"],
                "extraEnv": [{"name": "API_URL", "value": "http://api:8099"}],
                "volumes": [{"name": "handlers", "configMap": {"name": "handlers"}}],
                "volumeMounts": [{"name": "handlers", "mountPath": "/handlers", "readOnly": True}],
            },
        }
        self.planned = Planned()
        self.store: Store
        self.api: CountingApi
        self._looking: asyncio.Task[None] | None = None

    async def kubectl(self, *args: str, stdin: str = "") -> str:
        return await asyncio.to_thread(self.cluster.kubectl, "-n", self.namespace, *args, stdin=stdin)

    async def apply(self, *objects: Object) -> None:
        documents = "\n---\n".join(map(json.dumps, objects))
        await self.kubectl("apply", "--server-side", "-f", "-", stdin=documents)

    async def get(self, what: str, *args: str) -> Object:
        found: Object = json.loads(await self.kubectl("get", what, *args, "-o", "json"))
        return found

    async def prepare(self, cpu: str) -> None:
        """Start the API, put the handlers where the workers mount them, and have a disk ready for Redis.

        cpu: the API's request.
        """
        api = (HERE / "api.yaml").read_text().replace("IMAGE", f"taskqueue-operator:{VERSION}")
        api = api.replace("CPU", json.dumps(cpu))
        await self.kubectl("apply", "-f", "-", stdin=api)
        handlers = str(HERE.parent / "handlers" / "pods.py")
        await self.kubectl("create", "configmap", "handlers", f"--from-file=handlers.py={handlers}")

        await self.apply(volume(self.cluster.folder, self.namespace))

    async def install(self, *options: str, name: str = NAME) -> None:
        """Install or upgrade with `values`, and wait until every pod is ready.

        The definitions that an earlier release left are taken over.
        """
        path = self.cluster.folder / f"{self.namespace}-values.json"
        path.write_text(json.dumps(self.values))
        where = (
            "--namespace",
            self.namespace,
            "--values",
            str(path),
            "--take-ownership",
            "--force-conflicts",
        )
        waiting = ("--wait", "--timeout", "120s")
        self.names.add(name)
        await asyncio.to_thread(
            self.helm.run, "upgrade", "--install", name, str(self.package), *where, *waiting, *options
        )

    async def hand_over(self) -> None:
        """Follow the notes of mode none before an upgrade to another mode."""
        workers = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": f"{NAME}-worker"},
            "spec": {"replicas": self.values["worker"]["replicas"]},
        }
        manager = ("--server-side", "--field-manager=autoscaling", "--filename=-")
        await self.kubectl("apply", *manager, stdin=json.dumps(workers))

    async def uninstall(self, name: str = NAME) -> None:
        """Return when its pods are gone."""
        where = ("--namespace", self.namespace, "--wait", "--timeout", "60s")
        await asyncio.to_thread(self.helm.run, "uninstall", name, *where)

    async def open(self, redis: str = f"{NAME}-redis") -> None:
        """Reach the store and the API, and begin to look at the plan."""
        await self.pod_is_ready("api")
        self.api = CountingApi(f"http://{await self._address('api')}:8099")
        await until("the API answers at the address of its Service", self._api_answers)
        self.store = open_store(f"redis://{await self._address(redis)}:6379/0", self.namespace)
        self._looking = asyncio.create_task(self._look())

    async def close(self) -> None:
        """Uninstall, since cluster-wide objects outlive the namespace; keep the logs of the pods."""
        await asyncio.to_thread(self._keep_logs)
        if self._looking:
            self._looking.cancel()
            await asyncio.wait([self._looking])
            await self.store.close()
        for name in self.names:
            await asyncio.to_thread(self.helm.attempt, "uninstall", name, "--namespace", self.namespace)

    async def pods(self, selector: str = WORKERS) -> list[Object]:
        """Return the pods that are not terminating."""
        listed = (await self.get("pods", "--selector", selector))["items"]
        return [pod for pod in listed if "deletionTimestamp" not in pod["metadata"]]

    async def scaling(self) -> dict[str, float]:
        """Return the operator's answer to KEDA, read through the API server. Raises KubectlError."""
        path = f"/api/v1/namespaces/{self.namespace}/services/taskqueue-operator:8080/proxy/scaling"
        found: dict[str, float] = json.loads(await self.kubectl("get", "--raw", path))
        return found

    async def pod_is_ready(self, name: str) -> None:
        """Wait until a pod is made and ready."""
        for condition in ("create", "condition=Ready"):
            await self.kubectl("wait", f"pod/{name}", f"--for={condition}", "--timeout=60s")

    async def ready(self, number: int, limit_s: float = 90.0) -> None:
        """Wait until exactly so many workers are there and ready."""

        async def check() -> bool:
            pods = await self.pods()
            return len(pods) == number and all(map(_is_ready, pods))

        await until(f"{number} workers are ready", check, limit_s)

    async def arrived(self, number: int, limit_s: float = 90.0) -> None:
        """Wait until so many requests more have reached the API than now."""
        wanted = len(await self.api.arrivals()) + number

        async def check() -> bool:
            return len(await self.api.arrivals()) >= wanted

        await until(f"{number} requests arrive", check, limit_s)

    async def exactly_as_planned(self, since_ms: int, *, repeats: int = 0, at_least: int = 100) -> None:
        """Wait until all jobs due from then to now have arrived: no job is missing or doubled.

        repeats: attempts after the first, at most: of jobs in killed pods.
        """
        until_ms = int(time.time() * 1000) - 1000
        await asyncio.sleep(LOOK_S)
        planned = self.planned.between(since_ms, until_ms)
        assert len(planned) >= at_least, "too little was due to show anything"

        async def all_came() -> bool:
            return _jobs(await self.api.arrivals()) >= planned.keys()

        try:
            await until("all that was due has arrived", all_came, 40)
        except AssertionError as error:
            missing = planned.keys() - _jobs(await self.api.arrivals())
            raise AssertionError(
                f"{len(missing)} of {len(planned)} are missing: {sorted(missing)[:5]}"
            ) from error
        arrivals = [one for one in await self.api.arrivals() if one.occurrence is not None]
        counted = Counter(one[1:5] for one in arrivals)
        assert {job: n for job, n in counted.items() if n > 1} == {}, "an attempt came twice"
        assert sum(one.attempt > 1 for one in arrivals) <= repeats
        assert (await audit(self.store)).difference == 0

    async def within(self, rate: int) -> None:
        """See `in_their_slots`."""
        in_their_slots(await self.api.arrivals(), rate)

    def _keep_logs(self) -> None:
        """Write them where the logs of the node are."""
        asked = {
            "pods": ["describe", "pods"],
            "events": ["get", "events", "--sort-by=.lastTimestamp"],
            **{
                part: ["logs", f"--selector=app.kubernetes.io/component={part}", "--prefix", "--tail=5000"]
                for part in ("operator", "worker", "console", "redis")
            },
        }
        for name, words in asked.items():
            said = self.cluster.attempt("-n", self.namespace, *words)
            (self.cluster.folder / f"{self.namespace}-{name}.log").write_text(said.stdout + said.stderr)

    async def _api_answers(self) -> bool:
        try:
            await self.api.arrivals()
        except OSError:
            return False
        return True

    async def _look(self) -> None:
        while True:
            with contextlib.suppress(StoreFailure):  # the store is being restarted, as a test wanted
                await self.planned.look(self.store)
            await asyncio.sleep(LOOK_S)

    async def _address(self, service: str) -> str:
        return str((await self.get("service", service))["spec"]["clusterIP"])


def _jobs(arrivals: Collection[Arrival]) -> set[tuple[str, str, int]]:
    return {(one.type, one.user, one.occurrence) for one in arrivals if one.occurrence is not None}


def _is_ready(pod: Object) -> bool:
    return ("Ready", "True") in {(c["type"], c["status"]) for c in pod["status"].get("conditions", ())}

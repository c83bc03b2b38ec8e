"""Settings in the chart's pods are understood by the processes, and the documented login is enough for them."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from taskqueue.process.settings import load
from taskqueue.store.clock import server_now_us
from taskqueue.store.connection import open_store
from taskqueue.store.errors import StoreUnavailable
from taskqueue.store.limits import set_rate
from taskqueue_api.settings import ApiSettings
from taskqueue_operator.settings import OperatorSettings
from taskqueue_worker.settings import WorkerSettings
from tests.support.chart.helm import CASES, CHART, Helm
from tests.support.kubernetes.certificates import Authority
from tests.support.site.site import site, until
from tests.support.store.backlog import Server
from tests.support.store.tls_front import tls_front

ROOT = Path(__file__).parents[2]
EXTERNAL = CHART / "ci" / "external-redis-values.yaml"
LOGIN = {"REDIS_USERNAME": "taskqueue", "REDIS_PASSWORD": "PASSWORD"}
#: Where the chart mounts the authority of Redis.
MOUNTED = "/etc/taskqueue/redis"
Take = Callable[[dict[str, str]], None]
of_every_case = pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)


def variables(objects: list[dict[str, Any]], component: str) -> dict[str, str]:
    """Environment of a component's pod, as Kubernetes puts it together."""
    (pod,) = [
        one["spec"]["template"]["spec"]
        for one in objects
        if one["kind"] == "Deployment" and one["metadata"]["name"].endswith(f"-{component}")
    ]
    found: dict[str, str] = {}
    for one in pod["containers"][0]["env"]:
        given = {**LOGIN, "TASKQUEUE_NAMESPACE": "shop", "TASKQUEUE_REDIS_URL": "redis://cache:6379/0"}
        value = one.get("value", given.get(one["name"], ""))
        found[one["name"]] = re.sub(r"\$\((\w+)\)", lambda name: found[name[1]], value)
    return found


@pytest.fixture
def take(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Take:
    """Put variables into the environment, with the authority of Redis where a test may write."""
    for name in os.environ:
        if name.startswith("TASKQUEUE_"):
            monkeypatch.delenv(name)
    authority = Authority(tmp_path / "redis")

    def put(told: dict[str, str]) -> None:
        for name, value in told.items():
            monkeypatch.setenv(name, value.replace(MOUNTED, str(authority.folder)))

    return put


@of_every_case
def test_a_worker_takes_its_settings(helm: Helm, take: Take, case: Path) -> None:
    told = variables(helm.objects(case), "worker")
    take(told)
    settings = load(WorkerSettings, [], "worker")
    unknown = {name.removeprefix("TASKQUEUE_").lower() for name in told if name.startswith("TASKQUEUE_")}
    assert unknown <= set(WorkerSettings.model_fields)
    assert settings.health_port == 8081
    assert settings.concurrency == (200 if case.stem.startswith("everything") else 50)
    assert settings.handlers == (
        ["shop.handlers"] if case.stem.startswith("everything") else settings.handlers
    )


def test_a_console_takes_its_settings(helm: Helm, take: Take) -> None:
    told = variables(helm.objects(CHART / "ci" / "everything-values.yaml"), "console")
    take(told)
    settings = load(ApiSettings, [], "api")
    unknown = {name.removeprefix("TASKQUEUE_").lower() for name in told if name.startswith("TASKQUEUE_")}
    assert unknown <= set(ApiSettings.model_fields)
    assert (settings.port, settings.health_port) == (8090, 8082)
    own = "all-of-it-console"
    assert settings.hosts == [own, f"{own}.shop", f"{own}.shop.svc", "queue.example.com"]
    assert settings.editor_groups == ["on-call"]
    assert (settings.read_only, settings.show_params, settings.session) == (True, True, 3600)


@of_every_case
def test_an_operator_takes_its_settings(helm: Helm, take: Take, case: Path) -> None:
    told = variables(helm.objects(case), "operator")
    take(told)
    settings = load(OperatorSettings, [], "operator")
    assert settings.namespace == "shop"
    assert settings.release == ("everything" if case.stem.startswith("everything") else "shop")
    assert settings.max_backlog == 100_000
    assert settings.rate == (float(told["TASKQUEUE_RATE"]) if "TASKQUEUE_RATE" in told else None)


@pytest.fixture
def guarded() -> Iterator[int]:
    """A server that knows the documented users and no other; its port."""
    lines = re.findall(r"^ACL (SETUSER .*)$", (ROOT / "docs" / "redis.md").read_text(), re.MULTILINE)
    with Server() as running:
        with redis.Redis.from_url(running.url) as admin:
            for line in lines:
                admin.execute_command("ACL", *line.split())
            admin.execute_command("ACL", "SETUSER", "default", "off")
        yield int(running.url.rpartition(":")[2].removesuffix("/0"))


@pytest.fixture
async def url(helm: Helm, guarded: int, tmp_path: Path) -> AsyncIterator[str]:
    """The chart's Redis URL for a worker, with another server and certificate."""
    authority = Authority(tmp_path / "redis")
    told = variables(helm.objects(EXTERNAL), "worker")["TASKQUEUE_REDIS_URL"]
    async with tls_front(authority.server("redis", ["localhost"], ["127.0.0.1"]), guarded) as port:
        here = told.replace("redis.example.com:6380", f"127.0.0.1:{port}")
        yield here.replace(MOUNTED, str(authority.folder))


async def test_the_documented_user_is_enough_for_every_process_by_tls(url: str, tmp_path: Path) -> None:
    async with site(url, "shop", tmp_path) as world:
        await set_rate(world.store, 100)
        world.publish({"often": {"schedule": {"interval": "1s"}}}, users=5)
        await world.scheduler()
        await world.worker(url=url.replace("taskqueue:", "taskqueue-worker:", 1))

        async def all_started() -> bool:
            return len({start.user for start in world.starts()}) == 5

        await until("all users' jobs have started", all_started)
        await world.balanced()
        shown = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "taskqueue.cli.main", "audit"),
            env={**os.environ, "TASKQUEUE_REDIS_URL": url, "TASKQUEUE_RELEASE": "shop"},
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert await shown.wait() == 0


def test_a_release_user_cannot_reach_another_release(guarded: int) -> None:
    with redis.Redis(port=guarded, username="taskqueue", password="PASSWORD") as client:
        assert client.get("taskqueue:{shop}:cursor") is None
        for command in (
            ("GET", "taskqueue:{other}:cursor"),
            ("FLUSHALL",),
            ("CONFIG", "GET", "*"),
            ("KEYS", "*"),
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command)


async def test_another_authority_is_not_believed(url: str, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger")
    other = url.replace(str(tmp_path / "redis"), str(stranger.folder))
    store = open_store(other)
    with pytest.raises(StoreUnavailable, match="certificate verify failed"):
        await server_now_us(store)
    await store.close()

"""The operator runs with the login that docs/redis.md gives it, and its worker with a worker's."""

from collections.abc import Iterator

import pytest
import redis

from tests.support.kubernetes.shop import Shop, subscriptions, task_type
from tests.support.store.logins import LINES
from tests.support.store.server import HOST, RedisServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    running = RedisServer("guarded", tmp_path_factory.mktemp("login"))
    try:
        running.start()
        yield running
    finally:
        running.kill()


@pytest.fixture
def redis_url(server: RedisServer, release: str) -> str:
    for user, rules in LINES.items():
        server.call("ACL", "SETUSER", user, *rules.replace("{shop}", f"{{{release}}}").split())
    return f"redis://taskqueue:PASSWORD@{HOST}:{server.port}/0"


async def test_objects_become_jobs_with_the_documented_logins(shop: Shop, server: RedisServer) -> None:
    operator = await shop.operator("--external-metrics-port", "0")
    worker = await shop.world.worker(url=shop.world.url.replace("taskqueue:", "taskqueue-worker:", 1))
    await shop.apply(task_type("sync"), *subscriptions(3, "sync"))
    await shop.kubectl("wait", "--for=condition=Ready", "usub/u-000", "--timeout=30s")
    await shop.started(3)
    for process in (operator, worker):
        assert "PASSWORD" not in shop.world.logs[process.pid].read_text()
    with redis.Redis(port=server.port) as admin:
        assert admin.execute_command("ACL LOG") == []

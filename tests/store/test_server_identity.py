"""Which run of the server answers: the limiter begins anew on another one, and on no other occasion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskqueue.models.values import Schedule, TaskType
from taskqueue.store import script
from taskqueue.store.errors import StoreRefused
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.store.conftest import World

PLAIN = TaskType("plain", Schedule(interval_s=3600))


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give the scripts an INFO with these sections."""
    original = script.part
    line = "local function info(section) return redis.call('INFO', section) end\n"

    def replace(**sections: str) -> None:
        def part(name: str) -> str:
            text = original(name)
            if name != "limiter":
                return text
            assert line in text
            answers = "; ".join(
                f"if section == '{name}' then return [[{said}]] end" for name, said in sections.items()
            )
            return text.replace(line, f"local function info(section) {answers} end\n")

        monkeypatch.setattr(script, "part", part)
        script.source.cache_clear()
        script.digest.cache_clear()

    return replace


@pytest.fixture(autouse=True)
def real_scripts_afterwards() -> object:
    yield
    script.source.cache_clear()
    script.digest.cache_clear()


def dragonfly(uptime_s: int, replid: str = "d1") -> dict[str, str]:
    """Return the INFO of a server without run_id."""
    return {
        "server": f"# Server\r\nredis_version:7.4.0\r\nuptime_in_seconds:{uptime_s}\r\n",
        "replication": f"# Replication\r\nrole:master\r\nmaster_replid:{replid}\r\n",
    }


async def began_anew(world: World) -> bool:
    """Whether the next call takes the server for one it has not seen."""
    await world.claim()
    return (
        int(await raw(world.store).hget(world.store.keys("limiter"), "first_seen_us")) == world.clock.now_us
    )


async def test_a_server_without_run_id_has_another_identity(world: World, serve: Callable[..., None]) -> None:
    await world.install(PLAIN)
    serve(**dragonfly(100))
    assert await began_anew(world)
    for uptime_s, passed_ms in ((100, 999), (101, 300), (102, 0), (103, 1_700), (104, 100), (103, 0)):
        await world.clock.advance(ms=passed_ms)
        serve(**dragonfly(uptime_s))
        assert not await began_anew(world), uptime_s
        await world.clock.advance(ms=1)
    serve(**dragonfly(103, replid="d2"))
    assert await began_anew(world)
    await world.clock.advance(ms=1)
    serve(**dragonfly(0, replid="d2"))
    assert await began_anew(world)


async def test_a_server_without_any_identity_is_refused(world: World, serve: Callable[..., None]) -> None:
    await world.install(PLAIN)
    serve(server="redis_version:7.4.0", replication="")
    with pytest.raises(StoreRefused, match=r"NOIDENTITY .* a restart would go unnoticed"):
        await world.claim()

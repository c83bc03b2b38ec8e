"""The limits that handlers shut because an API said so: who did it, until when, and how to open them again."""

from dataclasses import dataclass

from taskqueue.store.clock import server_now_us
from taskqueue.store.connection import Store

GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class ClosedLimit:
    """limit: global, type:TYPE or user:USER. by: type and user of the job that shut the global one."""

    limit: str
    until_ms: int
    by: tuple[str, str] | None = None


async def read_closed(store: Store, most: int = 100) -> list[ClosedLimit]:
    """Read which limits are shut now, the global one first, at most `most` others, the soonest to open first."""
    now_us = await server_now_us(store)
    (until_us, by), others = await store.read_all(
        [
            ("HMGET", store.keys("limiter"), "closed", "closed_by"),
            ("ZRANGE", store.keys("closed"), f"({now_us}", "+inf", "BYSCORE", "LIMIT", 0, most, "WITHSCORES"),
        ]
    )
    found = []
    if until_us and int(until_us) > now_us:
        kind, _, user = (by or b"").decode().partition("|")
        found.append(ClosedLimit(GLOBAL, int(until_us) // 1000, (kind, user) if by else None))
    pairs = zip(others[::2], others[1::2], strict=True)
    return found + [ClosedLimit(name.decode(), int(float(until)) // 1000) for name, until in pairs]


async def open_limit(store: Store, limit: str = GLOBAL) -> int:
    """Open a limit for all workers; return until when it was shut (epoch ms), 0 if it was open."""
    return int(await store.run("open_limit", limit)) // 1000

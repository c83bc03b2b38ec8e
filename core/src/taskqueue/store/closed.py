"""The limits that handlers shut because an API said so: who did it, until when, and how to open them again."""

from dataclasses import dataclass
from functools import partial

from taskqueue.store.clock import server_now_us
from taskqueue.store.connection import Store, pairs
from taskqueue.store.malformed import place_of, text

GLOBAL = "global"
_END_US = 10**17


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
    until = store.malformed.read("limiter closed", partial(_ms, until_us)) if until_us else None
    if until and until > now_us // 1000:
        kind, _, user = text(by or b"").partition("|")
        found.append(ClosedLimit(GLOBAL, until, (kind, user) if by else None))
    for name, value in pairs(others):
        until = store.malformed.read(place_of("closed", name), partial(_ms, value))
        if until:
            found.append(ClosedLimit(text(name), until))
    return found


def _ms(until_us: bytes) -> int:
    until = float(until_us)
    if not 0 <= until < _END_US:
        raise ValueError(until_us)
    return int(until) // 1000


async def open_limit(store: Store, limit: str = GLOBAL) -> int:
    """Open a limit for all workers; return until when it was shut (epoch ms), 0 if it was open."""
    return int(await store.run("open_limit", limit)) // 1000

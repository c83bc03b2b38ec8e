"""Limits: the configured rate, values set by hand, and the limits that handlers closed because an API said so."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.quantity import written_rate
from taskqueue.store.clock import server_now_us
from taskqueue.store.command import hmget, zrange_scores, zscore
from taskqueue.store.connection import Store
from taskqueue.store.install import install
from taskqueue.store.job_name import owner_of
from taskqueue.store.malformed import location_of
from taskqueue.store.overrides import clear_override, field_of, set_override
from taskqueue.store.scalars import END_US
from taskqueue.store.script import Script
from taskqueue.store.user_key import escape_limit, read_limit_name

_OPEN = Script("open_limit", int)


async def set_rate(store: Store, per_second: float) -> None:
    """Set the configured rate of the global limit, starts per second, infinite for none; an override stays in force."""
    await install(store, "rate", written_rate(per_second))


async def override_rate(store: Store, per_second: float, for_ms: int = 0) -> None:
    """Override the configured rate until it is cleared, or for for_ms; takes effect within 250 ms."""
    await set_override(store, field_of(GLOBAL_LIMIT), str(written_rate(per_second)), for_ms)


async def clear_rate(store: Store) -> bool:
    """Clear the override of the rate; return False if there was none."""
    return await clear_override(store, field_of(GLOBAL_LIMIT))


async def override_limit(
    store: Store, name: str, per_second: float, burst: int | None = None, for_ms: int = 0
) -> None:
    """Override rate and burst of a limit by name, as `override_rate` does; no burst: the limit's own stays."""
    await set_override(store, field_of(name), f"{float(per_second)!r}|{burst or ''}", for_ms)


async def clear_limit(store: Store, name: str) -> bool:
    """Clear the override of a limit by name; return False if there was none."""
    return await clear_override(store, field_of(name))


@dataclass(frozen=True, slots=True)
class ClosedLimit:
    """A limit that admits no start before until_ms.

    limit: global, NAME, NAME|USER or type:TYPE. by: type and user of the job that closed the global limit.
    """

    limit: str
    until_ms: int
    by: tuple[str, str] | None = None


async def read_closed(store: Store, most: int = 100) -> list[ClosedLimit]:
    """Read the closed limits: the global one, then at most `most` further ones, the soonest to open first."""
    now_us = await server_now_us(store)
    until_us, by = await store.read(hmget(store.keys("limiter"), "closed_until_us", "closed_by"))
    soonest = ("BYSCORE", "LIMIT", 0, most)
    others = await store.read(
        zrange_scores(store.keys("limits_closed_until"), f"({now_us}", "+inf", *soonest)
    )
    found = []
    until = store.malformed.read("limiter closed_until_us", partial(_ms, until_us)) if until_us else None
    if until and until > now_us // 1000:
        owner = owner_of(by.decode(errors="replace")) if by else None
        found.append(ClosedLimit(GLOBAL_LIMIT, until, owner))
    for name, end_us in others:
        until = store.malformed.read(location_of("limits_closed_until", name), partial(_ms, end_us))
        if until:
            found.append(ClosedLimit(read_limit_name(name.decode(errors="replace")), until))
    return found


async def read_closed_for(store: Store, user: str, limits: Sequence[str]) -> dict[str, int]:
    """Read which of these limits with key User are closed for a user, and until when (epoch ms)."""
    now_ms = await server_now_us(store) // 1000
    members = [escape_limit(f"{name}|{user}") for name in limits]
    ends = await store.read_all([zscore(store.keys("limits_closed_until"), member) for member in members])
    found = {}
    for name, member, end_us in zip(limits, members, ends, strict=True):
        place = location_of("limits_closed_until", member.encode())
        until = store.malformed.read(place, partial(_ms, end_us)) if end_us else None
        if until and until > now_ms:
            found[name] = until
    return found


def _ms(until_us: bytes | float) -> int:
    until = float(until_us)
    if not 0 <= until < END_US:
        raise ValueError(until_us)
    return int(until) // 1000


async def open_limit(store: Store, limit: str = GLOBAL_LIMIT) -> int:
    """Open a limit for all workers; return the time until which it was closed (epoch ms), 0 if it was open."""
    return await store.run(_OPEN, escape_limit(limit)) // 1000

"""Actions of the console: they ask first, tell their errors, and are noted."""

import pytest

from taskqueue.store.connection import Store
from taskqueue.store.limits import read_closed
from taskqueue.store.types import read_catalog
from taskqueue.store.writes import read_writes
from tests.support.api.app import HTML, SWAPPED, running_app
from tests.support.api.seeded import seed
from tests.support.store.raw import raw

PAUSE = "/actions/types/fetch-orders/pause"
OVERRIDE = "/actions/limits/app/override"
RATE = {"requests": "20", "per": "1s", "for": "30m"}
CONFIRMED = {"confirmed": "yes"}


async def test_action_asks_first(store: Store) -> None:
    await seed(store)
    async with running_app(store) as app:
        asked = await app.get(f"{PAUSE}?for=30m", SWAPPED)
        assert "Pause fetch-orders?" in asked.text
        assert '<input type="hidden" name="for" value="30m">' in asked.text
        assert "Pause fetch-orders?" in (await app.post(PAUSE, {"for": "30m"})).text
        assert (await read_catalog(store)).paused == {}


async def test_action_is_done_once_confirmed(store: Store) -> None:
    await seed(store)
    async with running_app(store) as app:
        assert "is paused for 30m" in (await app.post(PAUSE, {"for": "30m", **CONFIRMED})).text
        assert "fetch-orders" in (await read_catalog(store)).paused
        assert "paused" in (await app.get("/types/fetch-orders")).text
        await app.post("/actions/types/fetch-orders/resume", CONFIRMED)
        assert (await read_catalog(store)).paused == {}


async def test_action_works_without_scripts(store: Store) -> None:
    await seed(store)
    async with running_app(store) as app:
        assert "<h1>" not in (await app.get(PAUSE, SWAPPED)).text
        assert 'name="confirmed" value="yes"' in (await app.get(PAUSE, HTML)).text
        assert "<h1>Done</h1>" in (await app.post(PAUSE, CONFIRMED, HTML)).text


async def test_actions_are_noted_with_their_effect(store: Store) -> None:
    await seed(store)
    async with running_app(store) as app:
        await app.post(PAUSE, CONFIRMED)
        (noted,) = await read_writes(store)
        assert (noted.status, noted.write.path) == (200, PAUSE)
        assert noted.write.detail == "fetch-orders is paused until it is resumed."


async def test_limit_is_overridden_for_a_time(store: Store) -> None:
    await seed(store)
    async with running_app(store) as app:
        assert "20/s instead of 50/s" in (await app.post(OVERRIDE, {**RATE, **CONFIRMED})).text
        over = (await read_catalog(store)).overrides["app"]
        assert (over.rate, over.expires_ms > 0) == (20.0, True)
        assert "allows more than now" in (await app.post(OVERRIDE, {**RATE, "requests": "200"})).text
        await app.post("/actions/limits/app/clear", CONFIRMED)
        assert (await read_catalog(store)).overrides == {}


async def test_limit_is_opened_for_one_user(store: Store) -> None:
    await seed(store)
    far_us = 4_000_000_000_000_000
    await raw(store).zadd(
        store.keys("limits_closed_until"), {"shop|u-1": far_us, "shop|u-2": far_us, "app": far_us}
    )
    async with running_app(store) as app:
        page = (await app.get("/users/u-1")).text
        assert (
            page.count("admits no job of this user") == page.count('action="/actions/limits/shop/open"') == 1
        )
        await app.post("/actions/limits/shop/open", {"user": "u-1", **CONFIRMED})
        assert "admits no job" not in (await app.get("/users/u-1")).text
    assert {one.limit for one in await read_closed(store)} == {"shop|u-2", "app"}


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"for": ""}, "for: must be given"),
        ({"for": "200h"}, "at most 168h"),
        ({"for": "soon"}, "a duration"),
        ({"requests": "-1"}, "whole number"),
        ({"requests": "0"}, "whole number"),
        ({"requests": "999999999", "per": "1ms"}, "requests: must give a rate"),
        ({"per": "<b>"}, "a duration"),
        ({"burst": "0"}, "burst: must be"),
        ({"burst": "0000000012345678"}, "burst: must be"),
        ({"requests": "1" * 2_000}, "at most 1000 characters"),
    ],
)
async def test_wrong_fields_are_told_by_name(store: Store, fields: dict[str, str], fault: str) -> None:
    await seed(store)
    async with running_app(store) as app:
        answer = await app.post(OVERRIDE, {**RATE, **fields, **CONFIRMED})
        assert (answer.status, fault in answer.text, "<b>" in answer.text) == (422, True, False), answer.text
        assert (await read_catalog(store)).overrides == {}


@pytest.mark.parametrize("verb", ["override", "clear", "open"])
async def test_unknown_limits_are_told(store: Store, verb: str) -> None:
    async with running_app(store) as app:
        assert (await app.post(f"/actions/limits/nowhere/{verb}", {**RATE, **CONFIRMED})).status == 404

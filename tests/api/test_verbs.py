"""Verbs of the API on types, limits, jobs and dead jobs, and their effect in the store."""

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.store.claim import Alone, Result, claim
from taskqueue.store.connection import Store
from taskqueue.store.limits import read_closed
from tests.support.api.asked import Asked
from tests.support.store.raw import raw


async def test_a_limit_is_raised_for_a_time_and_put_back(ask: Asked) -> None:
    raised = await ask("PUT", "/v1/limits/app/override", json={"perSecond": 80, "burst": 9, "for": "1h"})
    assert (raised.status, raised.json["perSecond"], raised.json["burst"]) == (200, 80.0, 9)
    assert raised.json["override"] != "until cleared"
    lowered = await ask("PUT", "/v1/limits/app/override", json={"perSecond": 5})
    assert (lowered.json["perSecond"], lowered.json["override"]) == (5.0, "until cleared")
    assert (await ask("DELETE", "/v1/limits/app/override")).status == 204
    assert (await ask("GET", "/v1/limits/app")).json["perSecond"] == 50.0
    for per_second, shown in ((1, 1.0), ("none", "none")):
        over = await ask("PUT", "/v1/limits/global/override", json={"perSecond": per_second, "for": "1m"})
        assert over.json["perSecond"] == shown
    assert (await ask("PUT", "/v1/limits/global/override", json={"perSecond": 200})).json["field"] == "for"
    assert (await ask("DELETE", "/v1/limits/global/override")).status == 204
    limits = {row["limit"]: row["perSecond"] for row in (await ask("GET", "/v1/limits")).json["items"]}
    assert limits == {"global": 100.0, "app": 50.0, "shop": 2.0}
    notes = [row["detail"] for row in (await ask("GET", "/v1/writes")).json["items"]]
    assert "80.0 starts a second for 1h" in notes


async def test_a_closed_limit_is_opened(ask: Asked, store: Store) -> None:
    far_us = 4_000_000_000_000_000
    await raw(store).zadd(store.keys("limits_closed_until"), {"app": far_us, "shop|u-1": far_us})
    assert {one.limit for one in await read_closed(store)} == {"app", "shop|u-1"}
    assert (await ask("GET", "/v1/limits/shop", params={"user": "u-1"})).json["user"] == "u-1"
    assert (await ask("DELETE", "/v1/limits/app/closure")).status == 204
    assert (await ask("DELETE", "/v1/limits/shop/closure", params={"user": "u-1"})).status == 204
    assert await read_closed(store) == []


@pytest.mark.parametrize("path", ["/v1/types/fetch-orders", "/v1/users/of-folder"])
async def test_a_pause_is_put_and_deleted(ask: Asked, path: str) -> None:
    seen = path if "types" in path else f"{path}/waiting"
    for body in (None, {}, {"for": "1h"}):
        assert (await ask("PUT", f"{path}/pause", json=body)).status == 204
        assert (await ask("GET", seen)).json["state"].startswith("paused")
    for _ in range(2):
        assert (await ask("DELETE", f"{path}/pause")).status == 204
    assert (await ask("GET", seen)).json["state"] == "active"


async def test_jobs_are_cancelled_by_name_and_by_user(ask: Asked) -> None:
    names = []
    for number in range(3):
        job = {"user": "auth0|7", "type": "send-report", "id": f"j-{number}", "expires": "1h"}
        names.append((await ask("POST", "/v1/jobs", json=job)).json["job"])
    assert (await ask("DELETE", f"/v1/jobs/{names[0]}")).status == 204
    assert (await ask("DELETE", f"/v1/jobs/{names[0]}")).status == 404
    named = await ask("POST", "/v1/jobs/cancel", json={"jobs": names[:2]})
    assert named.json == {"cancelled": 1, "running": [], "dead": [], "unknown": names[:1]}
    rest = await ask("POST", "/v1/jobs/cancel", json={"user": "auth0|7", "type": "send-report"})
    assert rest.json["cancelled"] == 1
    assert (await ask("GET", "/v1/jobs")).json == {"items": [], "next": None}


async def test_running_jobs_are_cancelled_on_demand(ask: Asked, store: Store) -> None:
    job = (await ask("POST", "/v1/jobs", json={"user": "u-9", "type": "send-report"})).json["job"]
    assert len((await claim(store, "w", 1, 10, 60_000, [], alone=Alone.NOT_NOW)).jobs) == 1
    (row,) = (await ask("GET", "/v1/jobs", params={"state": "running"})).json["items"]
    assert (row["job"], row["where"]) == (job, "leased:w")
    refused = await ask("DELETE", f"/v1/jobs/{job}")
    assert (refused.status, refused.json["field"]) == (409, "running")
    assert (await ask("DELETE", f"/v1/jobs/{job}", params={"running": "true"})).status == 204


async def test_dead_jobs_are_grouped_shown_retried_and_purged(ask: Asked, store: Store) -> None:
    spec = {"type": "send-report", "params": {"token": "s3cret"}}
    names = {(await ask("POST", "/v1/jobs", json={"user": f"u-{n}", **spec})).json["job"] for n in range(3)}
    leased = (await claim(store, "w", 1, 10, 60_000, [], alone=Alone.NOT_NOW)).jobs
    results = [Result(job.lease, Outcome.DEAD, 0, f"HTTP {500 + n // 2}") for n, job in enumerate(leased)]
    await claim(store, "w", 2, 0, 60_000, results, alone=Alone.NOT_NOW)
    groups = (await ask("GET", "/v1/dead/groups")).json["items"]
    assert [(row["type"], row["reason"], row["jobs"]) for row in groups] == [
        ("send-report", "HTTP 500", 2),
        ("send-report", "HTTP 501", 1),
    ]
    first = (await ask("GET", "/v1/dead", params={"limit": "2"})).json
    second = (await ask("GET", "/v1/dead", params={"limit": "2", "after": first["next"]})).json
    assert {row["job"] for row in first["items"] + second["items"]} == names
    assert second["next"] is None
    shown = (await ask("GET", f"/v1/dead/{first['items'][0]['job']}")).json
    assert (shown["paramNames"], "params" in shown) == (["token"], False)
    group = {"type": "send-report", "reason": "HTTP 500"}
    assert (await ask("POST", "/v1/dead/retry", json=group)).json == {"retried": 2}
    assert (await ask("POST", "/v1/dead/purge", json={"jobs": sorted(names)})).json == {"purged": 1}
    assert (await ask("GET", "/v1/dead")).json["items"] == []
    assert (await ask("GET", "/v1/audit")).json["difference"] == 0


async def test_the_store_names_itself_until_it_is_emptied(ask: Asked, store: Store) -> None:
    found = (await ask("GET", "/v1/store")).json
    assert (found["id"].isdecimal(), found["release"]) == (True, store.keys.release)
    await raw(store).unlink(store.keys("installed"))
    assert (await ask("GET", "/v1/store")).json["id"] is None

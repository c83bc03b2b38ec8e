"""/v1/users on a real store: replaced whole, by ETag, and never those of another source."""

import asyncio

from tests.support.api.asked import Asked

SPEC = {
    "timeZone": "Europe/Berlin",
    "tasks": [{"type": "fetch-orders", "interval": "5m", "params": {"region": "us"}}],
}


async def test_a_user_is_created_changed_read_and_removed(ask: Asked) -> None:
    made = await ask("PUT", "/v1/users/auth0|7", json=SPEC)
    assert (made.status, made.json) == (201, {"user": "auth0|7", "effect": "created"})
    same = await ask("PUT", "/v1/users/auth0|7", json=SPEC)
    assert (same.status, same.json["effect"], same.etag) == (200, "unchanged", made.etag)
    read = await ask("GET", "/v1/users/auth0|7")
    assert read.etag == made.etag
    assert read.json == {
        "user": "auth0|7",
        "source": "client",
        "timeZone": "Europe/Berlin",
        "tasks": [{"type": "fetch-orders", "suspend": False, "interval": "5m", "paramNames": ["region"]}],
        "limits": [],
    }
    changed = await ask("PUT", "/v1/users/auth0|7", json={"tasks": [{"type": "fetch-orders"}]})
    assert (changed.status, changed.json["effect"]) == (200, "changed")
    assert changed.etag not in {"", made.etag}
    assert (await ask("DELETE", "/v1/users/auth0|7")).status == 204
    assert (await ask("DELETE", "/v1/users/auth0|7")).status == 204
    assert (await ask("GET", "/v1/users/auth0|7")).status == 404


async def test_two_clients_with_the_same_etag_write_once(ask: Asked) -> None:
    seen = await ask("GET", "/v1/users/u-1")
    bodies = [{"tasks": [{"type": "fetch-orders", "params": {"n": n}}]} for n in range(2)]
    answers = await asyncio.gather(
        *(ask("PUT", "/v1/users/u-1", json=body, headers={"If-Match": seen.etag}) for body in bodies)
    )
    assert sorted(answer.status for answer in answers) == [200, 412]

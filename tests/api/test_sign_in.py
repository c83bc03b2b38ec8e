"""Sign-in of real requests: tokens, sessions, headers of a proxy."""

import aiohttp

from taskqueue.store.connection import Store
from tests.support.api.fixtures import StartApi
from tests.support.api.process import AS_VIEWER, CREDENTIALS


async def test_a_viewer_reads_the_description(
    store: Store, api: StartApi, http: aiohttp.ClientSession
) -> None:
    url = api(store, CREDENTIALS).url + "/v1/openapi.json"
    assert (await http.get(url)).status == 401
    async with http.get(url, headers=AS_VIEWER) as answer:
        assert (await answer.json())["openapi"].startswith("3.1")

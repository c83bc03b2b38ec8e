"""An API that refuses everybody (429) gets a few requests of four worker processes, and another API all of its own."""

from pathlib import Path

import pytest

from tests.support.site.refusing import refusing
from tests.support.site.site import until

USERS = 2_000


@pytest.mark.parametrize("served", [0, 75], ids=["cold", "warm"])
async def test_two_thousand_users_ask_a_refusing_app_twenty_times(tmp_path: Path, served: int) -> None:
    """The store is new, or has served jobs of another API."""
    async with refusing(tmp_path) as apis:
        arrived, free = apis.arrived, list(range(1, 5_001))

        async def is_served() -> bool:
            return arrived["free"] >= served

        if served:
            await apis.put_free(free)
            await until("the other API is asked", is_served, 60)
        await apis.put_refused(USERS)
        if not served:
            await apis.put_free(free)
        await until("the Release limit is closed", apis.is_closed, 60)
        served = arrived["free"] + 300
        await until("six seconds' worth of the other API", is_served, 12)
        assert 3 <= arrived["refusing"] <= 20
        assert await apis.is_closed()

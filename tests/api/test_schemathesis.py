"""Generated requests get the answers that the API's own OpenAPI describes, and never a 500.

TASKQUEUE_FUZZ says how many requests there are; `make fuzz` sends 20,000.
"""

import asyncio
import os
from collections.abc import Iterator
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from taskqueue.store.connection import open_store
from taskqueue_api.application import new_app
from taskqueue_api.parts import Parts
from tests.support.api.process import AS_EDITOR, CREDENTIALS, RunningApi, running_api
from tests.support.api.seeded import seed

APP = new_app(cast("Parts", None))
SCHEMA = schemathesis.openapi.from_dict(APP.openapi())
OPERATIONS = sum(len(operations) for operations in APP.openapi()["paths"].values())
EXAMPLES = int(os.environ.get("TASKQUEUE_FUZZ", "600")) // OPERATIONS
SCHEMA.config.phases.coverage.enabled = "TASKQUEUE_FUZZ" in os.environ


@pytest.fixture(scope="module")
def running(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    release = f"schemathesis-{os.getpid()}"

    async def fill() -> None:
        store = open_store(redis_url, release)
        await seed(store)
        await store.close()

    asyncio.run(fill())
    with running_api(redis_url, release, tmp_path_factory.mktemp("api"), CREDENTIALS) as api:
        yield api


@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
def test_answers_are_as_described(case: schemathesis.Case, running: RunningApi) -> None:
    case.call_and_validate(
        base_url=running.url, headers=dict(AS_EDITOR), excluded_checks=[positive_data_acceptance]
    )

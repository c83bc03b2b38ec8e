"""Generated requests get the answers that the API's own OpenAPI describes, and never a 500.

TASKQUEUE_FUZZ is the number of requests; `make fuzz` sends 20,000.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)

from taskqueue.store.connection import open_store
from taskqueue_api.media_type import NDJSON
from taskqueue_api.routes import describe_routes
from tests.support.api.process import AS_EDITOR, CREDENTIALS, RunningApi, running_api
from tests.support.api.seeded import seed

DESCRIPTION = describe_routes()
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
#: Operations whose requests differ: those without parameters and body are asked once.
VARIED = sum(
    bool(one.keys() & {"parameters", "requestBody"})
    for operations in DESCRIPTION["paths"].values()
    for one in operations.values()
)
REQUESTS = int(os.environ.get("TASKQUEUE_FUZZ", "600"))

SCHEMA.config.phases.coverage.enabled = "TASKQUEUE_FUZZ" in os.environ
SCHEMA.config.generation.with_security_parameters = False  # wrong ones would have this address wait
SCHEMA.config.checks.negative_data_rejection.expected_statuses += ["412", "413"]


@schemathesis.serializer(NDJSON)
def as_lines(_: schemathesis.SerializationContext, body: object) -> bytes:
    return (body if isinstance(body, str) else json.dumps(body)).encode(errors="surrogatepass")


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


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    statuses = Counter[int]()
    with requests.Session() as made:
        made.hooks["response"] = [lambda answer, **_: statuses.update([answer.status_code])]
        yield made
    assert statuses[HTTPStatus.TOO_MANY_REQUESTS] == 0, "requests that wait test nothing"
    print(f"{statuses.total()} requests by status: {dict(sorted(statuses.items()))}")


@SCHEMA.parametrize()
@settings(max_examples=REQUESTS // VARIED + 1, suppress_health_check=list(HealthCheck))
def test_answers_are_as_described(
    case: schemathesis.Case[Any], running: RunningApi, session: requests.Session
) -> None:
    excluded = [
        allow_header_conformance,  # /v1/jobs/cancel is the path of a job of this name, too: test_requests.py has Allow
        positive_data_acceptance,  # some values that the schema allows are refused: a cursor must be one
        ignored_auth,  # its wrong tokens would have this address wait; test_every_route.py has them
        unsupported_method,  # a POST without a media type is refused first
    ]
    if case.media_type == NDJSON:
        excluded.append(negative_data_rejection)  # a line at fault is named, and the other lines are taken
    case.call_and_validate(
        base_url=running.url, session=session, headers=dict(AS_EDITOR), excluded_checks=excluded
    )

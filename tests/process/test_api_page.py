"""The page on the HTTP API, typed against a real server."""

import re
from pathlib import Path

from taskqueue.store.connection import Store
from tests.support.api.process import CREDENTIALS, EDITOR, running_api
from tests.support.api.seeded import seed
from tests.support.docs.page import blocks
from tests.support.docs.reader import Reader


async def test_every_curl_line_of_the_page_is_answered(store: Store, redis_url: str, tmp_path: Path) -> None:
    await seed(store)
    with running_api(redis_url, store.keys.release, tmp_path, CREDENTIALS) as api:
        changes = {"http://127.0.0.1:8090": api.url, "token-of-an-editor": EDITOR, "curl ": "curl -sS "}
        async with Reader(tmp_path, changes) as reader:
            printed = await reader.follow(blocks("docs/api.md"))
    assert '"effect":"created"' in printed
    assert '"effect":"changed"' in printed
    assert (
        '{"created":1,"changed":0,"unchanged":1,"removed":1,"pruned":true,"linesAtFault":0,"faults":[]}'
        in printed
    )
    assert re.search(r'"job":"fetch-orders\|u-7\|~webhook-4711\|', printed)
    assert '{"difference":0,' in printed

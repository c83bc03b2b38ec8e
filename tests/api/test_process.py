"""The process of the API: its start, its refusals to start, its size, its end."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from taskqueue.process.frame import ExitError
from taskqueue.store.connection import Store
from taskqueue_api.main import open_api
from taskqueue_api.settings import ApiSettings
from tests.support.api.fixtures import StartApi
from tests.support.api.process import AS_VIEWER, CREDENTIALS, EDITOR, VIEWER, write_credentials
from tests.support.site.site import until

MAX_RSS_KIB = 120 * 1024
#: Seconds of the processor: 1.0, or 2.0 where each module is compiled first. A busy machine counts more.
MAX_START_S = 3.0
WORD = "hunter2-of-a-file"
NO_PROXY = {name: text for name, text in CREDENTIALS.items() if name != "proxy-secret"}


@pytest.mark.parametrize(
    ("files", "settings", "said"),
    [
        (None, {"host": "0.0.0.0"}, "host must be loopback without credentials"),
        (None, {"host": "localhost.example"}, "host must be loopback without credentials"),
        ({"viewer-tokens": f"vera\n{WORD} is it"}, {}, "/viewer-tokens:1: must be NAME TOKEN"),
        ({"viewer-tokens": f"vera {VIEWER}"}, {}, "/cookie-key must exist where there are tokens"),
        ({"proxy-secret": WORD[:8]}, {"editor_groups": ["team"]}, "/proxy-secret must have at least 16"),
        ({}, {}, "must have proxy-secret, or a line NAME TOKEN"),
        (NO_PROXY, {"editor_groups": ["team"]}, "editor_groups needs a proxy"),
    ],
)
async def test_a_start_with_bad_credentials_is_refused(
    tmp_path: Path, files: Mapping[str, str] | None, settings: Mapping[str, Any], said: str
) -> None:
    folder = None if files is None else write_credentials(tmp_path / "credentials", files)
    with pytest.raises(ExitError) as refused:
        async with open_api(ApiSettings(credentials=folder, port=0, **settings)):
            pass
    told = f"{refused.value} {refused.value.fields}"
    assert (refused.value.code, said in told) == (2, True), told
    assert WORD[:8] not in told


def test_a_missing_folder_ends_the_process_with_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "taskqueue_api", "--port", "0", "--credentials", str(tmp_path / "none")]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert f"{tmp_path}/none must be a readable folder: No such file" in ended.stderr


async def test_a_process_starts_small_and_soon_and_ends_in_order(
    store: Store, api: StartApi, http: aiohttp.ClientSession
) -> None:
    running = api(store, CREDENTIALS)

    async def is_ready() -> bool:
        async with http.get(f"{running.health}/readyz") as answer:
            return answer.status == 200

    await until("the process is ready", is_ready)
    async with http.get(f"{running.url}/v1/openapi.json", headers=AS_VIEWER) as answer:
        assert answer.status == 200
    proc = Path(f"/proc/{running.pid}")
    (rss,) = (line for line in (proc / "status").read_text().splitlines() if line.startswith("VmRSS"))
    used_s = sum(map(int, (proc / "stat").read_text().split()[13:15])) / os.sysconf("SC_CLK_TCK")
    print(rss, used_s)
    assert int(rss.split()[1]) < MAX_RSS_KIB
    assert used_s < MAX_START_S
    for token in ("wrong-token-0123456789", EDITOR + "x"):
        async with http.get(
            f"{running.url}/sign-in?token={token}", headers={"Authorization": f"Bearer {token}"}
        ):
            pass
    running.child.process.send_signal(signal.SIGTERM)
    assert running.child.process.wait(20) == 0
    said = running.child.log.read_text()
    assert not any(token in said for token in (VIEWER, EDITOR, "wrong-token", CREDENTIALS["cookie-key"]))


async def test_a_broken_change_of_credentials_is_named(
    store: Store, api: StartApi, http: aiohttp.ClientSession
) -> None:
    running = api(store, CREDENTIALS)
    write_credentials(running.credentials, CREDENTIALS | {"viewer-tokens": f"vera\n{WORD}"})

    async def is_named() -> bool:
        async with http.get(f"{running.health}/readyz") as answer:
            return answer.status == 200 and "viewer-tokens:1: must be NAME TOKEN" in await answer.text()

    await until("/readyz names the fault", is_named, 10)
    async with http.get(f"{running.url}/v1/openapi.json", headers=AS_VIEWER) as answer:
        assert answer.status == 200
    assert "credentials refused" in running.child.log.read_text()
    assert WORD not in running.child.log.read_text()

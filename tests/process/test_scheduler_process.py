"""`python -m taskqueue.scheduler` as a process."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from taskqueue.store.connection import Store
from taskqueue.store.types import read_catalog

PATIENCE_S = 30.0
MANIFEST = """
apiVersion: taskqueue.dev/v1alpha1
kind: TaskType
metadata: {name: orders}
spec:
  schedule: {interval: 5s}
  handler: {function: f}
"""


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "taskqueue.scheduler",
        *arguments,
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("TASKQUEUE_")},
    )


async def line_with(process: asyncio.subprocess.Process, event: str) -> dict[str, object]:
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE_S):
        while line := await process.stderr.readline():
            said: dict[str, object] = json.loads(line)
            if said["event"] == event:
                return said
    raise AssertionError(f"the process ended without saying {event!r}")


async def get(port: object, path: str) -> tuple[int, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(str(port)))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return int(answer.split(" ", 2)[1]), answer.partition("\r\n\r\n")[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_scheduler_answers_probes_and_ends_cleanly(
    store: Store, redis_url: str, release: str, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "types.yaml").write_text(MANIFEST)
    config = tmp_path / "scheduler.conf"
    config.write_text(f"manifests: {tmp_path}\nrate: 20\nhealth_port: 0\nredis_url: {redis_url}\n")
    process = await start("--config", str(config), "--release", release)
    try:
        port = (await line_with(process, "process started"))["health_port"]
        await line_with(process, "published")
        assert await get(port, "/livez") == (200, "ok\n")
        assert await get(port, "/readyz") == (200, "ok\n")
        assert (await get(port, "/nowhere"))[0] == 404
        status, metrics = await get(port, "/metrics")
        assert status == 200
        for name in ("taskqueue_tick_lag_seconds", "taskqueue_cursor_age_seconds", "taskqueue_emitted_total"):
            assert f"\n{name} " in metrics
        assert (await read_catalog(store)).records.keys() == {"orders"}
        process.send_signal(number)
        await line_with(process, "process stopped")
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_scheduler_without_a_store_is_alive_and_not_ready(tmp_path: Path) -> None:
    (tmp_path / "types.yaml").write_text(MANIFEST)
    arguments = (
        "--redis-url",
        "redis://u:geheim@127.0.0.1:1/0",
        "--manifests",
        str(tmp_path),
        "--health-port",
        "0",
    )
    process = await start(*arguments)
    try:
        started = await line_with(process, "process started")
        assert "geheim" not in str(started)
        await line_with(process, "tick failed, retrying")
        assert (await get(started["health_port"], "/livez"))[0] == 200
        assert (await get(started["health_port"], "/readyz"))[0] == 503
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_bad_settings_end_a_scheduler_with_code_2() -> None:
    process = await start("--rate", "0", "--health-port", "x")
    async with asyncio.timeout(PATIENCE_S):
        _, said = await process.communicate()
    assert process.returncode == 2
    assert b"--rate must be at least 0.000001 (was 0)" in said
    assert b"--health-port must be a whole number (was x)" in said
    assert b"Traceback" not in said

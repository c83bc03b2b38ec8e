"""`taskqueue dev` as a person runs it."""

import asyncio
import json
import signal
import sys
from pathlib import Path

MANIFESTS = """
apiVersion: taskqueue.dev/v1alpha1
kind: TaskType
metadata: {name: fetch}
spec: {schedule: {interval: 2s}, handler: {function: fetch}}
---
apiVersion: taskqueue.dev/v1alpha1
kind: UserSubscription
metadata: {name: u-1}
spec: {tasks: [{type: fetch}]}
---
apiVersion: taskqueue.dev/v1alpha1
kind: UserSubscription
metadata: {name: u-2}
spec: {tasks: [{type: fetch}]}
"""

HANDLERS = """
import os
import urllib.request
from taskqueue.handlers import Job, handler

@handler("fetch")
def fetch(job: Job) -> None:
    urllib.request.urlopen(os.environ["TASKQUEUE_EXAMPLE_API_URL"] + "/x").read()
"""


async def run_dev(folder: Path, *arguments: str, interrupt_after: str = "") -> tuple[int, dict[str, float]]:
    (folder / "tasks.yaml").write_text(MANIFESTS)
    (folder / "handlers.py").write_text(HANDLERS)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "taskqueue.cli.main", "dev", str(folder), "--json", "--rate", "20", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    if interrupt_after:
        assert process.stderr is not None
        async with asyncio.timeout(40):
            async for line in process.stderr:
                if interrupt_after in line.decode():
                    break
        process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None, err
    return process.returncode, json.loads(out)


async def test_a_folder_runs_and_the_api_sees_no_more_than_the_limit(tmp_path: Path) -> None:
    code, summary = await run_dev(tmp_path, "--for", "8s")
    assert code == 0
    assert summary["api_requests"] == summary["done"] > 0
    assert (summary["api_429"], summary["audit_difference"], summary["dead"]) == (0, 0, 0)
    assert summary["api_worst_second"] <= 20


async def test_an_interrupt_drains_and_prints_the_summary(tmp_path: Path) -> None:
    code, summary = await run_dev(tmp_path, interrupt_after="requests/s")
    assert code == 0
    assert summary["done"] > 0
    assert summary["audit_difference"] == 0

"""Files too large to read whole, given to real processes: they go on, in little memory, and name each file."""

import asyncio
import json
import os
import resource
import sys
from pathlib import Path

import pytest

from taskqueue.store.connection import Store
from taskqueue.store.types import read_catalog
from tests.support.manifests.folder import task_type, write

TASKQUEUE = str(Path(sys.executable).parent / "taskqueue")
#: Of a process without anything to read it is about 60.
MOST_MIB = 250
LIMIT_BYTES = 2_000_000_000


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    folder = tmp_path / "manifests"
    write(folder / "good.yaml", task_type("good"))
    with (folder / "sparse.yaml").open("wb") as file:
        file.truncate(1 << 40)
    os.mkfifo(folder / "fifo.yaml")
    (folder / "proc").symlink_to("/proc")
    (folder / "zero.json").symlink_to("/dev/zero")
    (folder / "deep.yaml").write_text(f"{'[' * 55}{'1, ' * 1_300_000}{']' * 55}\n")
    (folder / "wide.yaml").write_text(f"[{'[], ' * 60_000}]")
    (folder / "deep.json").write_text("[" * 4_000_000)
    (folder / "many.ndjson").write_text("x\n" * 1_000_000)
    deep = folder / Path(*["f"] * 300)
    deep.mkdir(parents=True)
    return folder


REFUSED = {
    "sparse.yaml": "16 MiB",
    "fifo.yaml": "FIFO",
    "proc": "leads out of it",
    "zero.json": "device",
    "deep.yaml": "nested at most 32 levels deep",
    "wide.yaml": "must be a mapping",
    "deep.json": "nested at most 32 levels deep",
    "many.ndjson": "must be JSON",
    "f": "at most 100 folders deep",
}


def check_all_named(said: list[tuple[str, str]], folder: Path) -> None:
    by_name = {Path(file).relative_to(folder).parts[0]: message for file, message in reversed(said)}
    assert by_name.keys() == REFUSED.keys()
    for name, part in REFUSED.items():
        assert part in by_name[name]


def test_validate_names_every_file_in_little_memory(hostile: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    with out.open("wb") as file:
        command = [TASKQUEUE, "validate", str(hostile), "-o", "json"]
        pid = os.posix_spawn(
            command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, file.fileno(), 1)]
        )
        resource.prlimit(pid, resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
        _, status, used = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    answer = json.loads(out.read_text())
    assert answer["types"] == 1
    check_all_named([(fault["file"], fault["message"]) for fault in answer["faults"]], hostile)
    assert used.ru_maxrss / 1024 < MOST_MIB


async def test_a_scheduler_publishes_the_rest_in_little_memory(
    hostile: Path, store: Store, redis_url: str, release: str
) -> None:
    where = ("--redis-url", redis_url, "--release", release, "--health-port", "0")
    process = await asyncio.create_subprocess_exec(
        TASKQUEUE,
        "scheduler",
        "--manifests",
        str(hostile),
        *where,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    said: list[tuple[str, str]] = []
    try:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while line := json.loads(await process.stderr.readline()):
                if line["event"] == "published":
                    break
                if "file" in line:
                    said.append((line["file"], line["fault"]))
        assert (await read_catalog(store)).records.keys() == {"good"}
        check_all_named(said, hostile)
        assert peak_mib(process.pid) < MOST_MIB
        process.terminate()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024

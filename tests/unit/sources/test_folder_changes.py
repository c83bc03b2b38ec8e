"""Watching a folder, with every look at it made by hand: `look` lets the source poll once."""

import asyncio
import json
import os
from pathlib import Path
from typing import Self

import pytest

from taskqueue.models.manifest import API_VERSION
from taskqueue.sources.desired import Desired
from taskqueue.sources.folder import FolderSource


def write(path: Path, *names: str) -> None:
    text = "".join(
        json.dumps(
            {"apiVersion": API_VERSION, "kind": "UserSubscription", "metadata": {"name": name}, "spec": {}}
        )
        + "\n"
        for name in names
    )
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    moved = max(before + 1_000_000, path.stat().st_mtime_ns)
    os.utime(path, ns=(moved, moved))


class Watch:
    """The source's stream of changes, and the changes so far."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen = asyncio.Queue[Desired]()
        self.polls: asyncio.Queue[None] = asyncio.Queue()
        self.asleep: asyncio.Queue[float] = asyncio.Queue()
        monkeypatch.setattr(asyncio, "sleep", self.sleep)
        self.stream = FolderSource(path, poll_s=0.5).changes()

    async def sleep(self, poll_s: float) -> None:
        self.asleep.put_nowait(poll_s)
        await self.polls.get()

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.run())
        assert await self.asleep.get() == 0.5
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])

    async def run(self) -> None:
        async for desired in self.stream:
            self.seen.put_nowait(desired)

    async def look(self) -> set[str] | None:
        """Let the source look once; the users it then says are in force, or None where it says nothing."""
        self.polls.put_nowait(None)
        await self.asleep.get()
        return self.users()

    def users(self) -> set[str] | None:
        return None if self.seen.empty() else set(self.seen.get_nowait().users)


async def test_the_current_state_comes_first_and_then_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.ndjson", "ada")
    async with Watch(tmp_path, monkeypatch) as watch:
        assert watch.users() == {"ada"}
        assert [await watch.look(), await watch.look()] == [None, None]
        write(tmp_path / "a.ndjson", "ada", "bob")
        write(tmp_path / "b.ndjson", "eve")
        assert [await watch.look(), await watch.look()] == [None, {"ada", "bob", "eve"}]
        (tmp_path / "b.ndjson").unlink()
        assert [await watch.look(), await watch.look(), await watch.look()] == [None, {"ada", "bob"}, None]


async def test_a_half_written_file_removes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.ndjson"
    write(path, "ada", "bob")
    async with Watch(tmp_path, monkeypatch) as watch:
        assert watch.users() == {"ada", "bob"}
        write(path, "ada")
        assert await watch.look() is None
        write(path, "ada", "bob", "eve")
        assert [await watch.look(), await watch.look()] == [None, {"ada", "bob", "eve"}]


async def test_a_file_replaced_by_an_editor_removes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.ndjson"
    write(path, "ada", "bob")
    async with Watch(tmp_path, monkeypatch) as watch:
        assert watch.users() == {"ada", "bob"}
        path.rename(tmp_path / "a.ndjson~")
        assert await watch.look() is None
        write(path, "ada")
        assert [await watch.look(), await watch.look()] == [None, {"ada"}]


async def test_a_changing_file_does_not_delay_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.ndjson", "ada")
    async with Watch(tmp_path, monkeypatch) as watch:
        assert watch.users() == {"ada"}
        write(tmp_path / "b.ndjson", "bob")
        write(tmp_path / "c.ndjson", "cat")
        assert await watch.look() is None
        write(tmp_path / "c.ndjson", "cat", "cow")
        assert await watch.look() == {"ada", "bob"}
        assert await watch.look() == {"ada", "bob", "cat", "cow"}


async def test_a_vanished_folder_is_reported_once_and_removes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    write(folder / "a.ndjson", "ada")
    async with Watch(folder, monkeypatch) as watch:
        assert watch.users() == {"ada"}
        folder.rename(tmp_path / "elsewhere")
        assert [await watch.look(), await watch.look()] == [{"ada"}, None]
        (tmp_path / "elsewhere").rename(folder)
        assert [await watch.look(), await watch.look()] == [{"ada"}, None]

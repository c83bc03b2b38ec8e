"""The allocator of an embedded server: preloaded where the system has jemalloc, and named as it is."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from taskqueue.dev import allocator, children
from tests.support.store.backlog import Server

LIBRARY = "libjemalloc.so.2"


@pytest.fixture(autouse=True)
def no_preload_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LD_PRELOAD", raising=False)


@pytest.mark.parametrize(
    ("found", "caller", "environment"),
    [
        (LIBRARY, None, {"LD_PRELOAD": LIBRARY}),
        (None, None, {}),
        (LIBRARY, "", {}),
        (LIBRARY, "libfaketime.so.1", {}),
    ],
    ids=["jemalloc", "no jemalloc", "switched off", "a preload of the caller"],
)
def test_preload_needs_the_library_and_no_preload_of_the_caller(
    found: str | None, caller: str | None, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allocator, "find_library", {"jemalloc": found}.get)
    if caller is not None:
        monkeypatch.setenv("LD_PRELOAD", caller)
    assert allocator.preload() == environment


@pytest.mark.parametrize(
    ("built_with", "loaded", "name"),
    [
        ("libc", LIBRARY, LIBRARY),
        ("libc", "", "libc"),
        ("jemalloc-5.3.0", LIBRARY, "jemalloc-5.3.0"),
        ("", LIBRARY, LIBRARY),
        ("", "", "unknown"),
    ],
)
def test_allocator_is_named_as_loaded_where_the_server_was_built_without(
    built_with: str, loaded: str, name: str
) -> None:
    assert allocator.name_allocator(built_with, loaded) == name


def test_process_without_a_memory_map_has_loaded_nothing() -> None:
    assert allocator.find_loaded(2**30) == ""


@pytest.fixture
def parent_pipe() -> Iterator[int]:
    read, write = os.pipe()
    yield read
    os.close(read)
    os.close(write)


def test_embedded_server_uses_jemalloc_where_the_system_has_it(tmp_path: Path, parent_pipe: int) -> None:
    server, url, loaded = children.start_server(tmp_path, parent_pipe)
    try:
        with closing(redis.Redis.from_url(url)) as client:
            process_id = client.info("server")["process_id"]
        assert loaded == allocator.preload().get("LD_PRELOAD", "") == allocator.find_loaded(process_id)
    finally:
        server.stop(5)


@pytest.mark.parametrize("caller", [None, ""], ids=["preload", "switched off"])
def test_server_of_the_benchmarks_names_its_allocator(
    caller: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if caller is not None:
        monkeypatch.setenv("LD_PRELOAD", caller)
    with Server() as server:
        assert server.allocator() == allocator.preload().get("LD_PRELOAD", "libc")

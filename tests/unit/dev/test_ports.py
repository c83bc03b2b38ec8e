"""Ports of `taskqueue dev` that another process takes first."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from taskqueue.command_line.command import command_of
from taskqueue.dev import children
from taskqueue.dev.example_api.server import example_api, listen


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        yield other.getsockname()[1]


def test_api_takes_a_free_port_where_its_own_is_taken(taken: int) -> None:
    with closing(listen("127.0.0.1", taken, or_free=True)) as listening:
        assert listening.getsockname()[1] != taken


def test_api_keeps_the_port_it_asked_for(taken: int) -> None:
    free = children._free_port()
    with closing(listen("127.0.0.1", free, or_free=True)) as listening:
        assert listening.getsockname()[1] == free


@pytest.mark.parametrize(
    ("host", "reason"),
    [("127.0.0.1", "Address already in use"), ("192.0.2.1", "Cannot assign requested address")],
)
def test_a_refused_address_is_named_with_the_remedy(
    host: str, reason: str, taken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        command_of(example_api, "example-api").main(["--host", host, "--port", str(taken)])
    assert end.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    remedy = "must be an address of this machine and a free port, or port 0 for any"
    assert said.endswith(f"--host and --port: {remedy} (was {host}:{taken}: {reason})")


def test_store_starts_on_another_port_where_the_first_is_taken(
    taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = iter([taken, children._free_port()])
    monkeypatch.setattr(children, "_free_port", lambda: next(ports))
    read, write = os.pipe()
    try:
        server, url, _ = children.start_server(tmp_path, read)
        assert str(taken) not in url
        server.stop(5)
    finally:
        os.close(read)
        os.close(write)


def test_store_whose_every_port_is_taken_shows_its_log(
    taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "_free_port", lambda: taken)
    read, write = os.pipe()
    try:
        with pytest.raises(children.ChildError, match="in use"):
            children.start_server(tmp_path, read)
    finally:
        os.close(read)
        os.close(write)

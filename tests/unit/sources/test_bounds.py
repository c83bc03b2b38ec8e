"""Files and folders too large to read whole: each is refused by name, and its former declarations stay."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taskqueue.models.nesting import DOCUMENT_DEPTH
from taskqueue.sources import manifest_file, scan
from taskqueue.sources.bounds import MAX_FILE_BYTES, MAX_FOLDERS_DEEP
from taskqueue.sources.folder import FolderSource, load
from taskqueue.sources.manifest_file import read_manifest_file
from tests.support.manifests.folder import task_type, user, write

Make = Callable[[Path], object]


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def bound_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        folder = os.open(path.parent, os.O_RDONLY)  # the path itself may be too long for a socket's name
        one.bind(f"/proc/self/fd/{folder}/{path.name}")
        os.close(folder)


def laughs(path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    path.write_text("\n".join(lines))


FILES: dict[str, tuple[Make, str]] = {
    "sparse": (sparse, "must be at most 16 MiB (was 1,099,511,627,776 bytes); split the file"),
    "FIFO": (os.mkfifo, "must be a regular file (was a FIFO"),
    "socket": (bound_socket, "must be a regular file (was a socket"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "must be a regular file (was a device"),
    "loop": (lambda path: path.symlink_to(path.name), "make it readable: Too many levels"),
    "deep": (lambda path: path.write_text("[" * 4_000_000), "nested at most 32 levels deep"),
    "deep lines": (
        lambda path: path.write_text("".join(f"{' ' * n}a:\n" for n in range(DOCUMENT_DEPTH + 2))),
        "nested at most 32 levels deep",
    ),
    "aliases": (laughs, "aliases must stand for at most"),
    "tag": (lambda path: path.write_text("!!python/object:os.system x"), "remove the tag"),
    "long scalar": (lambda path: path.write_text("a" * 8_000_000), "must be a mapping"),
    "long key": (lambda path: path.write_text("a" * 8_000_000 + ": 1"), "must be a mapping"),
    "gzip": (lambda path: path.write_bytes(b"\x1f\x8b\x08rest"), "(was gzip)"),
    "NUL": (lambda path: path.write_bytes(b"\x00" * 100), "without control characters"),
    "growing": (lambda path: path.symlink_to("/proc/self/pagemap"), "must be at most 16 MiB (was larger)"),
}  # fmt: skip


@pytest.mark.parametrize("form", FILES)
def test_a_refused_file_keeps_its_declarations(tmp_path: Path, form: str) -> None:
    make, says = FILES[form]
    if form == "growing" and not os.access("/proc/self/pagemap", os.R_OK):
        pytest.skip("no /proc/self/pagemap")
    path = write(tmp_path / "a.yaml", task_type("a"), user("ada", "a"))
    write(tmp_path / "b.yaml", task_type("b"))
    source = FolderSource(tmp_path)
    source.refresh()
    path.unlink()
    make(path)
    write(tmp_path / "b.yaml", task_type("c"))
    began_s = time.process_time()
    desired = source.refresh()
    assert time.process_time() - began_s < 5
    assert (set(desired.types), set(desired.users)) == ({"a", "c"}, {"ada"})
    assert {fault.file for fault in desired.faults} == {str(path)}
    assert says in str(desired.faults)
    assert says in str(load(path).faults)


@pytest.fixture
def holding_deep(tmp_path: Path) -> Iterator[Path]:
    """Remove folders too deep for pytest, which removes folders of earlier runs."""
    yield tmp_path
    subprocess.run(["rm", "-rf", tmp_path / "f"], check=True)


def test_folders_are_read_100_deep_and_the_rest_is_named(holding_deep: Path) -> None:
    deep, root = holding_deep, os.open(holding_deep, os.O_RDONLY)
    try:
        for level in range(1_000):  # the whole path is longer than a path may be
            os.mkdir("f", dir_fd=root)
            inside = os.open("f", os.O_RDONLY, dir_fd=root)
            os.close(root)
            root = inside
            deep = deep / "f"
            if level + 1 == MAX_FOLDERS_DEEP:
                write(deep / "a.yaml", task_type("deepest"))
            if level == MAX_FOLDERS_DEEP:
                write(deep / "a.yaml", task_type("too-deep"))
    finally:
        os.close(root)
    desired = load(holding_deep)
    assert list(desired.types) == ["deepest"]
    (fault,) = desired.faults
    assert fault.file.endswith("/f" * (MAX_FOLDERS_DEEP + 1))
    assert fault.message == "must be at most 100 folders deep"


def test_a_link_out_of_the_folder_is_named_and_the_rest_read(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    write(folder / "a.yaml", task_type("a"))
    write(tmp_path / "elsewhere" / "b.yaml", task_type("b"))
    (folder / "proc").symlink_to("/proc")
    (folder / "out").symlink_to("../elsewhere")
    (folder / "inside").symlink_to(folder)
    (folder / "b.yaml").symlink_to("../elsewhere/b.yaml")
    (tmp_path / "link").symlink_to(folder)
    for root in (folder, tmp_path / "link"):
        desired = load(root)
        assert set(desired.types) == {"a", "b"}
        assert [str(fault) for fault in desired.faults] == [
            f"{root}/{name}: move what it links to into {root}: the link leads out of it"
            for name in ("out", "proc")
        ]


def test_a_folder_with_too_many_files_keeps_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "MAX_ENTRIES", 20)
    for number in range(5):
        write(tmp_path / "full" / f"{number}.yaml", task_type(f"t-{number}"))
    source = FolderSource(tmp_path)
    assert len(source.refresh().types) == 5
    for number in range(50):
        (tmp_path / "full" / f"{number}.txt").touch()
    write(tmp_path / "other" / "a.yaml", task_type("other"))
    desired = source.refresh()
    assert len(desired.types) == 6
    assert [str(fault) for fault in desired.faults] == [
        f"{tmp_path / 'full'}: must have at most 20 files and folders below {tmp_path}"
    ]


def test_more_places_than_the_list_keep_all_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_FAULTS", 3)
    path = write(tmp_path / "a.yaml", task_type("a"))
    source = FolderSource(tmp_path)
    source.refresh()
    path.unlink()
    for number in range(10):
        (tmp_path / f"link-{number}").symlink_to("/proc")
    desired = source.refresh()
    assert list(desired.types) == ["a"]
    assert len(desired.faults) == 5
    assert "more than 3 files and folders" in str(desired.faults)


@pytest.mark.parametrize("suffix", [".yaml", ".ndjson"])
def test_no_more_faults_are_listed_than_are_of_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(manifest_file, "MAX_FAULTS", 5)
    path = tmp_path / f"a{suffix}"
    path.write_text("bad\n" * 100 if suffix == ".ndjson" else "bad\n---\n" * 100)
    faults = read_manifest_file(path).faults
    assert len(faults) == 6
    assert faults[5].message == "there are further faults"


def test_a_file_of_exactly_the_bound_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", task_type("a"))
    with path.open("a") as file:
        file.write("#" * (MAX_FILE_BYTES - path.stat().st_size))
    assert list(load(tmp_path).types) == ["a"]
    with path.open("a") as file:
        file.write("#")
    assert "16 MiB" in str(load(tmp_path).faults)

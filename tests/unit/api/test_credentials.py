"""Credentials: a good folder, and each fault by file, line and remedy, without a word of the file."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
import structlog

from taskqueue_api.sign_in.caller import Caller, Role, SignedInBy
from taskqueue_api.sign_in.credentials import CredentialsRefusedError, read_credentials
from taskqueue_api.sign_in.credentials_folder import CredentialsFolder
from tests.support.api.process import CREDENTIALS, EDITOR, PROXY_SECRET, VIEWER, write_credentials

KEY = {"cookie-key": CREDENTIALS["cookie-key"]}
WORD = "hunter2hunter2"  # in files that are refused; no sentence may have it


def faults(folder: Path) -> list[str]:
    with pytest.raises(CredentialsRefusedError) as refused:
        read_credentials(folder)
    return [str(one).replace(str(folder), "F") for one in refused.value.args]


def test_a_good_folder_has_callers_and_a_proxy(tmp_path: Path) -> None:
    found = read_credentials(write_credentials(tmp_path, CREDENTIALS))
    callers = [found.caller(token) for token in (VIEWER, EDITOR, VIEWER[:-1], f"{VIEWER}x", "")]
    assert [one and one[1] for one in callers] == [
        Caller("vera", Role.VIEWER, SignedInBy.TOKEN),
        Caller("eduard", Role.EDITOR, SignedInBy.TOKEN),
        *(None, None, None),
    ]
    assert [found.is_proxy(secret) for secret in (PROXY_SECRET, "", VIEWER)] == [True, False, False]
    assert VIEWER not in repr(found)
    assert KEY["cookie-key"] not in repr(found)


def test_a_hostile_name_of_a_file_is_shown_in_escapes(tmp_path: Path) -> None:
    (fault,) = faults(write_credentials(tmp_path, {**KEY, "\x1b[31m\u202e\n": WORD}))
    assert fault.startswith(r"F/\x1b[31m\u202e\n must be one of viewer-tokens")
    assert fault.isprintable()


def test_comments_empty_lines_and_two_tokens_of_one_name_are_good(tmp_path: Path) -> None:
    text = f"# of the team\n\n  vera\t{VIEWER}  \r\nvera {VIEWER}2\n"
    found = read_credentials(write_credentials(tmp_path, {"viewer-tokens": text, **KEY}))
    assert [one.name for one in found.tokens.values()] == ["vera", "vera"]


def test_a_proxy_alone_is_good(tmp_path: Path) -> None:
    found = read_credentials(write_credentials(tmp_path, {"proxy-secret": PROXY_SECRET + "\n"}))
    assert found.is_proxy(PROXY_SECRET)
    assert not found.tokens


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ["F must have proxy-secret, or a line NAME TOKEN in viewer-tokens or editor-tokens"]),
        ({"viewer-tokens": "# nobody\n", **KEY}, ["F must have proxy-secret, or a line NAME TOKEN in"]),
        (
            {"viewer-tokens": f"vera {WORD}\n", **KEY},
            ["F/viewer-tokens:1: TOKEN must have at least 16 characters"],
        ),
        (
            {"viewer-tokens": f"\nvera\n{WORD} b c\n", **KEY},
            ["F/viewer-tokens:2:", "F/viewer-tokens:3:"],
        ),
        ({"editor-tokens": f"é {VIEWER}é\n", **KEY}, ["F/editor-tokens:1: TOKEN must have"]),
        (
            {"editor-tokens": f"{'n' * 101} {VIEWER}\n", **KEY},
            ["F/editor-tokens:1: NAME must have at most 100"],
        ),
        (
            {"editor-tokens": f"\x1bn {VIEWER}\n", **KEY},
            ["F/editor-tokens:1: NAME must have at most 100 printable"],
        ),
        (
            {"viewer-tokens": f"vera {VIEWER}\n", "editor-tokens": f"vera {VIEWER}\n", **KEY},
            ["F/editor-tokens:1: the token must be its caller's alone"],
        ),
        ({"viewer-tokens": f"vera {VIEWER}"}, ["F/cookie-key must exist where there are tokens"]),
        ({"viewer-tokens": f"vera {VIEWER}", "cookie-key": WORD}, ["F/cookie-key must have at least 32"]),
        ({"proxy-secret": WORD}, ["F/proxy-secret must have at least 16 characters"]),
        ({"proxy-secret": f"{WORD} {WORD}"}, ["F/proxy-secret must have at least 16 characters"]),
        ({"proxy-secret": ""}, ["F/proxy-secret must have at least 16 characters"]),
        (
            {"proxy-secret": PROXY_SECRET, "editor-token": WORD},
            ["F/editor-token must be one of viewer-tokens,"],
        ),
        (
            {"proxy-secret": "s" * 300_000},
            ["F/proxy-secret must be a readable file: must have at most 262144 bytes"],
        ),
    ],
)
def test_a_fault_is_named(tmp_path: Path, files: Mapping[str, str], expected: list[str]) -> None:
    found = faults(write_credentials(tmp_path, files))
    assert [one[: len(start)] for one, start in zip(found, expected, strict=True)] == expected
    assert WORD not in str(found)
    assert VIEWER not in str(found)


def test_files_that_are_no_texts_are_named(tmp_path: Path) -> None:
    write_credentials(tmp_path, KEY)
    (tmp_path / "viewer-tokens").write_bytes(b"vera \xff")
    (tmp_path / "editor-tokens").mkdir()
    os.mkfifo(tmp_path / "proxy-secret")
    (tmp_path / ".hidden").write_text(WORD)
    found = faults(tmp_path)
    assert found == [
        "F/editor-tokens must be a readable file: must be a regular file (was a folder)",
        "F/proxy-secret must be a readable file: must be a regular file (was a FIFO)",
        "F/viewer-tokens must be a readable file: byte 6 is not UTF-8",
    ]


@pytest.mark.parametrize("name", ["missing", "viewer-tokens"])
def test_a_folder_that_is_none_is_named(tmp_path: Path, name: str) -> None:
    write_credentials(tmp_path, CREDENTIALS)
    assert faults(tmp_path / name)[0].startswith("F must be a readable folder: N")


def test_a_change_counts_and_a_broken_one_leaves_the_last_good(tmp_path: Path) -> None:
    folder = CredentialsFolder(write_credentials(tmp_path, CREDENTIALS))
    write_credentials(tmp_path, CREDENTIALS | {"viewer-tokens": f"vera {VIEWER}2"})
    with structlog.testing.capture_logs() as logs:
        folder.look(tmp_path)
        assert [bool(folder.current.caller(token)) for token in (VIEWER, f"{VIEWER}2")] == [False, True]
        assert folder.note() is None
        write_credentials(tmp_path, {"viewer-tokens": WORD})
        folder.look(tmp_path)
        folder.look(tmp_path)
        assert folder.current.caller(f"{VIEWER}2")
        assert "viewer-tokens:1: must be NAME TOKEN" in str(folder.note())
        write_credentials(tmp_path, CREDENTIALS)
        folder.look(tmp_path)
        assert folder.current.caller(VIEWER)
        assert folder.note() is None
    assert [one["log_level"] for one in logs] == ["info", "warning", "info"]
    assert WORD not in str(logs)

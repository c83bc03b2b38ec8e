"""Pinned files of the console equal their table, and every template and page asks for no other host."""

import hashlib
import re
from pathlib import Path

import pytest

from taskqueue_api.console.rendering import STATIC
from tools.assets import FOLDERS, Package

TEMPLATES = STATIC.parent / "templates"
ROW = re.compile(r"^\| `(\S+)` \| (\S+) \| `(\S+)` \| (\S+) \| `([0-9a-f]{64})` \|$", re.MULTILINE)


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_pinned_files_have_the_digests_of_their_table(folder: Path) -> None:
    rows = ROW.findall((folder / "README.md").read_text())
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    digests.pop("README.md")
    assert {name: digest for name, _, _, _, digest in rows} == digests


@pytest.mark.parametrize(("folder", "packages"), FOLDERS.items(), ids=str)
def test_table_names_the_packages_of_make_assets(folder: Path, packages: tuple[Package, ...]) -> None:
    rows = ROW.findall((folder / "README.md").read_text())
    pinned = [
        (name, f"{package.name}@{package.version}", path, package.licence)
        for package in packages
        for name, path in package.files.items()
    ]
    assert [row[:4] for row in rows] == pinned
    assert all("LICENSE" in package.files.values() for package in packages)


def test_templates_have_no_inline_style_script_or_foreign_address() -> None:
    faults = re.compile(r"\bstyle=|<style|\son\w+=|\bhx-on|\bjs:|https?://|<script(?![^>]*\bsrc=)")
    found = {path.name: faults.findall(path.read_text()) for path in TEMPLATES.iterdir()}
    assert {name: several for name, several in found.items() if several} == {}
    assert faults.search('<p style="x">')

"""Pinned files of the console equal their table, and every template and page asks for no other host."""

import hashlib
import re

from taskqueue_api.console.rendering import STATIC
from tools.assets import PACKAGES, VENDOR

TEMPLATES = STATIC.parent / "templates"
ROW = re.compile(r"^\| `(\S+)` \| (\S+) \| `(\S+)` \| (\S+) \| `([0-9a-f]{64})` \|$", re.MULTILINE)


def test_pinned_files_have_the_digests_of_their_table() -> None:
    rows = ROW.findall((VENDOR / "README.md").read_text())
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir()}
    digests.pop("README.md")
    assert {name: digest for name, _, _, _, digest in rows} == digests


def test_table_names_the_packages_of_make_assets() -> None:
    rows = ROW.findall((VENDOR / "README.md").read_text())
    pinned = [
        (name, f"{package.name}@{package.version}", path, package.licence)
        for package in PACKAGES
        for name, path in package.files.items()
    ]
    assert [row[:4] for row in rows] == pinned
    assert all("LICENSE" in package.files.values() for package in PACKAGES)


def test_templates_have_no_inline_style_script_or_foreign_address() -> None:
    faults = re.compile(r"\bstyle=|<style|\son\w+=|\bhx-on|\bjs:|https?://|<script(?![^>]*\bsrc=)")
    found = {path.name: faults.findall(path.read_text()) for path in TEMPLATES.iterdir()}
    assert {name: several for name, several in found.items() if several} == {}
    assert faults.search('<p style="x">')

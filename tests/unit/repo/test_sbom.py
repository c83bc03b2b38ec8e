"""tools/images/sbom.py on a folder that looks like the root of an image."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[3] / "tools" / "images" / "sbom.py"
STATUS = """\
Package: bash
Status: install ok installed
Maintainer: A Person <person@example.org>
Installed-Size: 7168
Architecture: amd64
Source: bash-source (5.2.15-2)
Version: 5.2.15-2+b13
Description: GNU Bourne Again SHell
 with a second line

Package: removed
Status: deinstall ok config-files
Architecture: all
Version: 1.0

Package: tini
Status: install ok installed
Architecture: amd64
Version: 1:0.19.0-1
"""
SHOP = "Metadata-Version: 2.4\nName: Shop_Tasks\nVersion: 1.2\nLicense-Expression: MIT\nAuthor: Ada\n\nReads me.\n"
OLD = "Metadata-Version: 1.1\nName: old\nVersion: 0.1\nLicense: BSD\n"
#: Of every artifact, by the schema.
FIELDS = {"id", "name", "version", "type", "foundBy", "locations", "licenses", "language", "cpes", "purl"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    site = "app/lib/python3.13/site-packages"
    for path, text in {
        "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n',
        "var/lib/dpkg/status": STATUS,
        f"{site}/shop_tasks-1.2.dist-info/METADATA": SHOP,
        f"{site}/old-0.1.egg-info/PKG-INFO": OLD,
        f"{site}/half-1.0.dist-info/RECORD": "",
        "proc/1/cwd/fake-1.0.dist-info/METADATA": OLD,
        "usr/local/include/python3.13/patchlevel.h": '#define PY_MAJOR 3\n#define PY_VERSION   "3.13.15"\n',
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def bill(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, PROGRAM, *words], check=False, capture_output=True, text=True)


def listed(root: Path) -> dict[str, Any]:
    written = bill(str(root), "shop", "1.0")
    assert (written.returncode, written.stderr) == (0, "")
    document: dict[str, Any] = json.loads(written.stdout)
    return document


def test_packages_distributions_and_python_itself_are_listed(root: Path) -> None:
    found = {one["purl"]: (one["type"], one["version"]) for one in listed(root)["artifacts"]}
    assert found == {
        "pkg:deb/debian/bash@5.2.15-2%2Bb13?arch=amd64&distro=debian-13&upstream=bash-source%405.2.15-2": (
            "deb",
            "5.2.15-2+b13",
        ),
        "pkg:deb/debian/tini@1:0.19.0-1?arch=amd64&distro=debian-13": ("deb", "1:0.19.0-1"),
        "pkg:pypi/shop-tasks@1.2": ("python", "1.2"),
        "pkg:pypi/old@0.1": ("python", "0.1"),
        "pkg:generic/python@3.13.15": ("binary", "3.13.15"),
    }


def test_the_document_satisfies_its_schema(root: Path) -> None:
    document = listed(root)
    assert {
        "artifacts",
        "artifactRelationships",
        "source",
        "distro",
        "descriptor",
        "schema",
    } <= document.keys()
    assert document["schema"]["url"].endswith(f"/schema-{document['schema']['version']}.json")
    assert document["distro"] == {
        "prettyName": "Debian GNU/Linux 13 (trixie)",
        "id": "debian",
        "versionID": "13",
    }
    assert {"id", "name", "version", "type", "metadata"} <= document["source"].keys()
    assert all(one.keys() >= FIELDS for one in document["artifacts"])
    assert len({one["id"] for one in document["artifacts"]}) == len(document["artifacts"])


def test_a_licence_is_an_expression_or_the_words_of_the_author(root: Path) -> None:
    licences = {one["name"]: one["licenses"] for one in listed(root)["artifacts"] if one["type"] == "python"}
    shop, old = licences["Shop_Tasks"][0], licences["old"][0]
    assert (shop["value"], shop["spdxExpression"]) == ("MIT", "MIT")
    assert (old["value"], old["spdxExpression"]) == ("BSD", "")


def test_the_same_files_give_the_same_bytes(root: Path) -> None:
    assert bill(str(root), "shop", "1.0").stdout == bill(str(root), "shop", "1.0").stdout


@pytest.mark.parametrize("words", [(), ("nowhere", "shop", "1.0"), ("shop",)])
def test_wrong_words_are_refused(words: tuple[str, ...]) -> None:
    refused = bill(*words)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "ROOT" in refused.stderr or "nowhere must be a folder" in refused.stderr

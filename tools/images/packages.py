"""Packages installed below the root folder of an image: Debian's, Python's distributions, and Python itself.

Each is an artifact in the JSON format of syft, schema 16, which vulnerability scanners read.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

Artifact = dict[str, Any]
#: "NAME (VERSION)", or "NAME" where the version is that of the package.
SOURCE = re.compile(r"(\S+)(?: \((\S+)\))?")
SKIPPED = {"proc", "sys", "dev"}


def artifacts(root: Path, distro: dict[str, Any]) -> list[Artifact]:
    """List all, sorted by type and name."""
    found = [*debian(root, distro), *distributions(root), *interpreters(root)]
    return sorted(found, key=lambda one: (one["type"], one["name"], one["version"], one["id"]))


def debian(root: Path, distro: dict[str, Any]) -> Iterator[Artifact]:
    """Yield the packages that dpkg has installed."""
    status = root / "var" / "lib" / "dpkg" / "status"
    for paragraph in status.read_text().split("\n\n") if status.exists() else ():
        entry = HeaderParser().parsestr(paragraph)
        if entry.get("Status", "").endswith(" installed"):
            yield _debian(entry, root, status, distro)


def _debian(entry: Message, root: Path, status: Path, distro: dict[str, Any]) -> Artifact:
    name, version, architecture = entry["Package"], entry["Version"], entry["Architecture"]
    source = SOURCE.match(entry.get("Source", ""))
    origin, origin_version = source.groups(default="") if source else ("", "")
    qualifiers = f"arch={architecture}&distro={distro.get('id', '')}-{distro.get('versionID', '')}"
    if origin:
        upstream = origin + (f"@{origin_version}" if origin_version else "")
        qualifiers += f"&upstream={quote(upstream, safe='')}"
    return {
        **_artifact("deb", name, version, root, status),
        "foundBy": "dpkg-db-cataloger",
        "purl": f"pkg:deb/{distro.get('id', '')}/{_quoted(name)}@{_quoted(version)}?{qualifiers}",
        "metadataType": "dpkg-db-entry",
        "metadata": {
            "package": name,
            "source": origin,
            "version": version,
            "sourceVersion": origin_version,
            "architecture": architecture,
            "maintainer": entry.get("Maintainer", ""),
            "installedSize": int(entry.get("Installed-Size", 0)),
            "files": [],
        },
    }


def distributions(root: Path) -> Iterator[Artifact]:
    """Yield Python's distributions of every environment."""
    for folder, names, _ in os.walk(root):
        names[:] = sorted(name for name in names if folder != str(root) or name not in SKIPPED)
        for name in names:
            for info, file in ((".dist-info", "METADATA"), (".egg-info", "PKG-INFO")):
                if name.endswith(info) and Path(folder, name, file).is_file():
                    yield _distribution(root, Path(folder, name, file))


def _distribution(root: Path, file: Path) -> Artifact:
    metadata = HeaderParser().parsestr(file.read_text(errors="replace"))
    name, version = metadata["Name"], metadata["Version"]
    return {
        **_artifact("python", name, version, root, file),
        "foundBy": "python-installed-package-cataloger",
        "licenses": [_license(metadata)] if _license(metadata) else [],
        "language": "python",
        "purl": f"pkg:pypi/{_quoted(re.sub('[-_.]+', '-', name).lower())}@{_quoted(version)}",
        "metadataType": "python-package",
        "metadata": {
            "name": name,
            "version": version,
            "author": metadata.get("Author", ""),
            "authorEmail": metadata.get("Author-email", ""),
            "platform": metadata.get("Platform", ""),
            "sitePackagesRootPath": _inside(root, file.parent.parent),
        },
    }


def _license(metadata: Message) -> dict[str, Any] | None:
    """Return the licence in a distribution's metadata: an SPDX expression, or a line of free text."""
    expression: str = metadata.get("License-Expression", "")
    words: str = expression or metadata.get("License", "")
    if not words or "\n" in words:
        return None
    return {"value": words, "spdxExpression": expression, "type": "declared", "urls": [], "locations": []}


def interpreters(root: Path) -> Iterator[Artifact]:
    """Yield a Python that was built from its sources, as that of the image `python` is: dpkg does not know it."""
    for header in sorted(root.glob("usr/local/include/python3*/patchlevel.h")):
        (version,) = re.findall(r'^#define PY_VERSION\s+"(.+)"', header.read_text(), re.MULTILINE)
        artifact = _artifact("binary", "python", version, root, header)
        yield {
            **artifact,
            "foundBy": "binary-classifier-cataloger",
            "purl": f"pkg:generic/python@{_quoted(version)}",
            "metadataType": "binary-signature",
            "metadata": {"matches": [{"classifier": "python-binary", "location": artifact["locations"][0]}]},
        }


def _artifact(kind: str, name: str, version: str, root: Path, evidence: Path) -> Artifact:
    path = _inside(root, evidence)
    identity = f"{kind}\0{name}\0{version}\0{path}"
    return {
        "id": hashlib.sha256(identity.encode()).hexdigest()[:16],
        "name": name,
        "version": version,
        "type": kind,
        "locations": [{"path": path, "accessPath": path, "annotations": {"evidence": "primary"}}],
        "licenses": [],
        "language": "",
        "cpes": [],
    }


def _inside(root: Path, path: Path) -> str:
    return f"/{path.relative_to(root)}"


def _quoted(text: str) -> str:
    """As package URLs want it."""
    return quote(text, safe=":~")

"""The bill of materials of an image, in the JSON of syft: all packages and distributions, with versions and licences.

    python tools/images/sbom.py ROOT NAME VERSION > NAME.sbom.json

ROOT is a folder with all files of an image: `docker export $(docker create IMAGE) | tar -x -C ROOT`. The same files
give the same bytes. build_images.py writes one beside each archive of the project's images.
"""

import hashlib
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

from packages import artifacts

SCHEMA = "16.0.0"
SCHEMA_URL = f"https://raw.githubusercontent.com/anchore/syft/main/schema/json/schema-{SCHEMA}.json"
#: Of /etc/os-release: what syft calls it.
RELEASE = {
    "PRETTY_NAME": "prettyName",
    "NAME": "name",
    "ID": "id",
    "VERSION": "version",
    "VERSION_ID": "versionID",
    "VERSION_CODENAME": "versionCodename",
}


def bill(root: Path, source: dict[str, Any]) -> str:
    """Return the bill of materials of a root folder. source: the image with that root."""
    distro = release(root)
    document = {
        "artifacts": artifacts(root, distro),
        "artifactRelationships": [],
        "source": source,
        "distro": distro,
        "descriptor": {"name": "taskqueue-sbom", "version": source["version"]},
        "schema": {"version": SCHEMA, "url": SCHEMA_URL},
    }
    return json.dumps(document, indent=1) + "\n"


def release(root: Path) -> dict[str, Any]:
    file = root / "etc" / "os-release"
    lines = file.read_text().splitlines() if file.exists() else []
    said = {name: value.strip("\"'") for name, _, value in (line.partition("=") for line in lines)}
    found: dict[str, Any] = {field: said[name] for name, field in RELEASE.items() if name in said}
    return {**found, "idLike": said["ID_LIKE"].split()} if "ID_LIKE" in said else found


def image_source(archive: Path, name: str, version: str) -> dict[str, Any]:
    """Describe the image of an archive in the layout of the Open Container Initiative, by its digests."""
    with tarfile.open(archive) as tar:

        def read(path: str) -> Any:
            member = tar.extractfile(path)
            assert member, path
            return json.load(member)

        (described,) = read("index.json")["manifests"]
        manifest = read(f"blobs/{described['digest'].replace(':', '/')}")
        config = read(f"blobs/{manifest['config']['digest'].replace(':', '/')}")
    return {
        "id": described["digest"].partition(":")[2],
        "name": name,
        "version": version,
        "type": "image",
        "metadata": {
            "userInput": f"{name}:{version}",
            "imageID": manifest["config"]["digest"],
            "manifestDigest": described["digest"],
            "mediaType": described["mediaType"],
            "tags": [f"{name}:{version}"],
            "imageSize": sum(layer["size"] for layer in manifest["layers"]),
            "layers": manifest["layers"],
            "repoDigests": [],
            "architecture": config["architecture"],
            "os": config["os"],
        },
    }


def main(words: list[str]) -> int:
    try:
        folder, name, version = words
    except ValueError:
        print(__doc__, file=sys.stderr)
        return 2
    root = Path(folder)
    if not root.is_dir():
        print(f"{root} must be a folder with the files of an image", file=sys.stderr)
        return 2
    identity = hashlib.sha256(f"{name}:{version}".encode()).hexdigest()
    source = {"id": identity, "name": name, "version": version, "type": "directory"}
    sys.stdout.write(bill(root, {**source, "metadata": {"path": str(root)}}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

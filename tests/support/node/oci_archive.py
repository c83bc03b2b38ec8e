"""Read an OCI image archive: its metadata and the content of its layers."""

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any


class OciArchive:
    """The first image of an archive in the layout of the Open Container Initiative."""

    def __init__(self, path: Path) -> None:
        self._path = path
        (first, *_) = self._json("index.json")["manifests"]
        self.digest: str = first["digest"]
        manifest = self._blob(self.digest)
        self._layers: list[str] = [layer["digest"] for layer in manifest["layers"]]
        self.config: dict[str, Any] = self._blob(manifest["config"]["digest"])["config"]

    def own_layers(self) -> list[tarfile.TarFile]:
        """Open all layers but the first, which is that of the base."""
        return [tarfile.open(fileobj=io.BytesIO(self._layer(digest))) for digest in self._layers[1:]]

    def texts(self, path: str) -> list[str]:
        """Return the contents of a file in each layer that has it, the base's first."""
        found = []
        for digest in self._layers:
            with tarfile.open(fileobj=io.BytesIO(self._layer(digest))) as layer:
                name = next((one for one in layer.getnames() if one.removeprefix("./") == path), None)
                member = layer.extractfile(name) if name else None
                found += [member.read().decode()] if member else []
        return found

    def own_bytes(self) -> int:
        """The size of these layers, unpacked."""
        return sum(len(self._layer(digest)) for digest in self._layers[1:])

    def _layer(self, digest: str) -> bytes:
        return gzip.decompress(self._read(_path_of(digest)))

    def _blob(self, digest: str) -> Any:
        return self._json(_path_of(digest))

    def _json(self, name: str) -> Any:
        return json.loads(self._read(name))

    def _read(self, name: str) -> bytes:
        with tarfile.open(self._path) as archive:
            member = archive.extractfile(name)
            assert member, name
            return member.read()


def _path_of(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"

"""A file of manifests: its declarations, or all its faults."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml

from taskqueue.models.fault import Fault
from taskqueue.models.refusal import FieldPath, ManifestRefusedError, Refusal
from taskqueue.models.values import Declared, Limit, TaskType, UserSubscription
from taskqueue.plan.admission import admit
from taskqueue.sources.bounded_file import FileRefusedError, read_bounded
from taskqueue.sources.bounds import MAX_FAULTS, MAX_FILE_BYTES
from taskqueue.sources.declaration import Declaration, Key, duplicate
from taskqueue.sources.document import Document
from taskqueue.sources.encoding import refuse_packed
from taskqueue.sources.json_documents import JsonRefusedError, json_document, json_line
from taskqueue.sources.lines import EncodingRefusedError, read_lines
from taskqueue.sources.yaml_documents import yaml_documents

SUFFIXES = frozenset({".yaml", ".yml", ".json", ".ndjson"})
#: Kinds that other manifests refer to by name.
_REFERRED = ("TaskType", "RateLimit")


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """The declarations and faults of a file. A file with faults is not applied.

    refused: a fault of each task type and limit that is refused itself.
    """

    declarations: dict[Key, Declaration]
    faults: tuple[Fault, ...]
    refused: Mapping[Key, Fault] = field(default_factory=dict)

    def why_not_in_force(self, conflicts: Mapping[str, Fault]) -> Iterator[tuple[Key, Fault]]:
        """Return the fault that keeps each task type and limit in the file out of force: its own, or the file's.

        conflicts: faults between files, by file.
        """
        for key, one in self.declarations.items():
            fault = next(iter(self.faults), conflicts.get(one.file))
            if key.kind in _REFERRED and fault:
                yield key, fault
        yield from self.refused.items()


def read_manifest_file(path: Path) -> ManifestFile:
    """Read a file by its suffix, one of SUFFIXES. All errors are in the result's faults."""
    file = str(path)
    try:
        data = read_bounded(path)
    except OSError as error:
        return ManifestFile({}, (Fault(file, 0, 0, "", f"make the file readable: {error.strerror}"),))
    except FileRefusedError as error:
        return ManifestFile({}, (Fault(file, 0, 0, "file", str(error)),))
    declarations: dict[Key, Declaration] = {}
    faults: list[Fault] = []
    refused: dict[Key, Fault] = {}
    number = 0
    try:
        for document in _documents(path.suffix.lower(), data, faults, file):
            number = document.number
            _declare(document, file, declarations, faults, refused)
            if len(faults) > MAX_FAULTS:
                break
    except yaml.YAMLError as error:
        faults.append(_syntax_fault(file, number + 1, error))
    except JsonRefusedError as error:
        faults.append(Fault(file, 1, error.line, "manifest", str(error)))
    except EncodingRefusedError as error:
        faults.append(Fault(file, 1, 1, "file", str(error)))
    if not declarations and not faults:
        message = "must have a manifest; to remove what the file declared, delete the file"
        faults.append(Fault(file, 1, 1, "manifest", message))
    return ManifestFile(declarations, listed(faults), refused)


def listed(faults: list[Fault]) -> tuple[Fault, ...]:
    """Cut a long list; its last fault then says that there are more."""
    rest = [replace(fault, field="file", message="there are further faults") for fault in faults[MAX_FAULTS:]]
    return (*faults[:MAX_FAULTS], *rest[:1])


def _documents(suffix: str, data: bytes, faults: list[Fault], file: str) -> Iterator[Document]:
    packed = refuse_packed(data)
    if packed:
        faults.append(Fault(file, 1, 1, "file", packed))
    elif suffix == ".ndjson":
        for line in read_lines(BytesIO(data), MAX_FILE_BYTES):
            if line.data.strip():
                try:
                    yield json_line(line.data, line.number)
                except JsonRefusedError as error:
                    faults.append(Fault(file, line.number, line.number, "manifest", str(error)))
                    if len(faults) > MAX_FAULTS:
                        return
    elif suffix == ".json":
        yield json_document(data)
    else:
        yield from yaml_documents(data)


def _declare(
    document: Document,
    file: str,
    declarations: dict[Key, Declaration],
    faults: list[Fault],
    refused: dict[Key, Fault],
) -> None:
    """Add the declarations of one document, which are several for a List."""
    refusals = list(document.flaws)
    places = cache(document.places)
    for prefix, manifest in _manifests(document.value):
        try:
            value = admit(manifest)
        except ManifestRefusedError as error:
            found = [
                Refusal((*prefix, *refusal.path), refusal.message, refusal.unquoted)
                for refusal in error.refusals
            ]
            refusals += found
            if key := _referred(manifest):
                refused.setdefault(key, document.faults(file, tuple(found))[0])
            continue
        key = Key(manifest["kind"], value.user_id if isinstance(value, UserSubscription) else value.name)
        in_spec = isinstance(value, UserSubscription) and manifest["spec"].get("userId") is not None
        path = (*prefix, *(("spec", "userId") if in_spec else ("metadata", "name")))
        at = Refusal(path, "").field
        lines = places if _may_contradict(value) else None
        declaration = Declaration(value, file, document.number, document.line, at, prefix, lines)
        earlier = declarations.setdefault(key, declaration)
        if earlier is not declaration:
            refusals.append(Refusal(path, duplicate(key, earlier)))
    if refusals:
        faults += document.faults(file, tuple(refusals))


def _may_contradict(value: Declared) -> bool:
    """Tell whether other manifests may contradict this one. Of users there are too many to keep the lines of each."""
    return isinstance(value, Limit) or (isinstance(value, TaskType) and bool(value.limits))


def _referred(manifest: Any) -> Key | None:
    """Return the key of a refused task type or limit; None without a name or for another kind."""
    kind = manifest.get("kind") if isinstance(manifest, dict) else None
    if kind not in _REFERRED:
        return None
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return Key(kind, name) if isinstance(name, str) and name else None


def _manifests(value: Any) -> Iterator[tuple[FieldPath, Any]]:
    """Take a List apart, as `kubectl get -o yaml` writes it; anything else is its own manifest."""
    if not isinstance(value, dict) or (value.get("apiVersion"), value.get("kind")) != ("v1", "List"):
        yield (), value
        return
    items = value.get("items")
    if not isinstance(items, list):
        items = [None]
    for position, item in enumerate(items):
        yield ("items", position), item


def _syntax_fault(file: str, number: int, error: yaml.YAMLError) -> Fault:
    """Return the fault of text that is not YAML. An encoding error has a byte position instead of a mark."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        message = f"must be YAML: {error.problem}, at column {error.problem_mark.column + 1}"
        return Fault(file, number, error.problem_mark.line + 1, "manifest", message)
    return Fault(file, number, 1, "manifest", "must be UTF-8, without control characters")

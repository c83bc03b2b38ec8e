"""The state in force of each file: its present state, or an older one while it is at fault.

Rules: a file applies as a whole or not at all. The last good state of a faulty file stays in force. A declaration in
force takes precedence: a file that declares the same thing later is at fault. So is a file whose limits, types or users
contradict those in force; among files that change together, the file of the type or user.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from taskqueue.models.fault import Fault
from taskqueue.sources.declaration import Declaration, Key, duplicate
from taskqueue.sources.limit_conflicts import find_limit_conflicts
from taskqueue.sources.manifest_file import ManifestFile, listed
from taskqueue.sources.scan import Stamp

Declarations = Mapping[Key, Declaration]
NOTHING_STORED: Declarations = MappingProxyType({})


@dataclass(slots=True)
class FileState:
    """One file: its present state, and its state in force, which is older while the file is at fault."""

    stamp: Stamp
    content: ManifestFile
    in_force: Declarations | None = None


def put_in_force(files: Mapping[Path, FileState], stored: Declarations = NOTHING_STORED) -> list[Fault]:
    """Choose the state in force of each file; return the conflicts between files, and with what else the store has.

    Each turn refuses further files of those that changed; what did not change is never at fault. At worst all are
    refused: the rest does not contradict itself, as no removal of a declaration makes others contradict each other.
    """
    before = _declared(stored, (state.in_force for state in files.values()))
    refused: dict[str, list[Fault]] = {}
    while True:
        chosen, conflicts = _choose(files, refused)
        found = list(find_limit_conflicts(_declared(stored, chosen.values()), before))
        if not found:
            break
        for fault in found:
            refused.setdefault(fault.file, []).append(fault)
    for path, in_force in chosen.items():
        files[path].in_force = in_force
    return conflicts


def still_in_force(faults: Iterable[Fault]) -> list[Fault]:
    """Return faults of a file of which an older state stays in force."""
    note = "; until then the last good state of this file stays in force"
    return [replace(fault, message=fault.message + note) for fault in faults]


def _declared(stored: Declarations, in_force: Iterable[Declarations | None]) -> Declarations:
    """Return all declarations of files, and of the store where no file has them."""
    return {**stored, **{key: one for of_file in in_force for key, one in (of_file or {}).items()}}


def _choose(
    files: Mapping[Path, FileState], refused: Mapping[str, list[Fault]]
) -> tuple[dict[Path, Declarations | None], list[Fault]]:
    """Return the state in force of each file, and the conflicts.   refused: files whose edit is not to be taken."""
    chosen = {path: state.in_force for path, state in files.items()}
    claimed: dict[Key, Declaration] = {}
    conflicts: list[Fault] = []
    edited = []
    for path, state in files.items():
        faults = refused.get(str(path), [])
        if state.content.faults or faults or state.content.declarations is state.in_force:
            claimed |= state.in_force or {}
            conflicts += listed(faults if state.in_force is None else still_in_force(faults))
        else:
            edited.append((path, state))
    edited.sort(key=lambda one: one[1].in_force is None)  # stable: files without a state in force come last
    for path, state in edited:
        found = list(_duplicates(state.content.declarations, claimed))
        if not found:
            chosen[path] = state.content.declarations
        elif state.in_force is not None:
            chosen[path] = {key: one for key, one in state.in_force.items() if key not in claimed}
            found = still_in_force(found)
        conflicts += found
        claimed |= chosen[path] or {}
    return chosen, conflicts


def _duplicates(new: Declarations, claimed: Declarations) -> Iterator[Fault]:
    for key in new.keys() & claimed.keys():
        here = new[key]
        yield Fault(here.file, here.document, here.line, here.field, duplicate(key, claimed[key]))

"""A folder of manifests as a source: the desired state follows the files and survives a bad edit.

Rules: a file applies as a whole or not at all. The last good state of a faulty file stays in force. A declaration in
force takes precedence: a file that declares the same thing later is at fault. The declarations of a removed file end,
unless its folder could not be read.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from taskqueue.models.fault import Fault
from taskqueue.models.values import TaskType, UserSubscription
from taskqueue.sources.desired import NOTHING, Desired, find_overriding, resolve
from taskqueue.sources.manifest_file import (
    Declaration,
    Key,
    ManifestFile,
    duplicate,
    read_manifest_file,
)
from taskqueue.sources.scan import Scan, Stamp, scan


def load(path: Path) -> Desired:
    """Read a file, or a folder and all below it, once. Errors are in the result's faults."""
    return FolderSource(path).refresh()


@dataclass(slots=True)
class _FileState:
    """One file: its present state, and its state in force, which is older while the file is at fault."""

    stamp: Stamp
    content: ManifestFile
    in_force: Mapping[Key, Declaration] | None = None


class FolderSource:
    """The last good state of every file below a path, read every `poll_s` seconds."""

    name: Literal["folder"] = "folder"

    def __init__(self, path: Path, poll_s: float = 0.5) -> None:
        self.path = path
        self.poll_s = poll_s
        self.desired = NOTHING
        self._files: dict[Path, _FileState] = {}
        self._scan_faults: list[Fault] = []

    def refresh(self) -> Desired:
        """Read the changed files and return the desired state. Blocks while it reads."""
        return self._take(scan(self.path))

    async def look(self) -> Desired | None:
        """Read all files again, a little later than now; None if a file or a folder could not be read."""
        await asyncio.sleep(self.poll_s)
        fresh = await asyncio.to_thread(load, self.path)
        return fresh if all(fault.document for fault in fresh.faults) else None

    async def changes(self) -> AsyncIterator[Desired]:
        """Yield the desired state: at once, and after each change of a file.

        A change counts when two readings in a row agree: editors empty or replace a file while they save it.
        """
        desired = await asyncio.to_thread(self.refresh)
        yield desired
        before = await asyncio.to_thread(scan, self.path)
        while True:
            await asyncio.sleep(self.poll_s)
            now = await asyncio.to_thread(scan, self.path)
            settled = self._settled(before, now)
            before = now
            if self._differs(settled):
                desired = await asyncio.to_thread(self._take, settled)
                yield desired

    def _settled(self, before: Scan, now: Scan) -> Scan:
        """Return the stamps, with the previous stamp for each file that still changes."""
        stamps: dict[Path, Stamp] = {}
        for path in sorted(before.stamps.keys() | now.stamps.keys() | self._files.keys()):
            stamp = now.stamps.get(path)
            if stamp != before.stamps.get(path):
                stamp = self._files[path].stamp if path in self._files else None
            if stamp is not None:
                stamps[path] = stamp
        return Scan(stamps, now.faults)

    def _differs(self, found: Scan) -> bool:
        known = {path: state.stamp for path, state in self._files.items()}
        gone = bool(found.gone(known))
        changed = any(known.get(path) != stamp for path, stamp in found.stamps.items())
        return changed or gone or found.faults != self._scan_faults

    def _take(self, found: Scan) -> Desired:
        self._scan_faults = found.faults
        for path in found.gone(self._files):
            del self._files[path]
        for path, stamp in found.stamps.items():
            self._read(path, stamp)
        self._files = dict(sorted(self._files.items()))
        conflicts = self._put_in_force()
        self.desired = self._state(conflicts)
        return self.desired

    def _read(self, path: Path, stamp: Stamp) -> None:
        """Read a file if it changed. One that changes meanwhile keeps its old stamp, and is read again."""
        state = self._files.get(path)
        if state is not None and state.stamp == stamp:
            return
        content = read_manifest_file(path)
        if state is None:
            self._files[path] = _FileState(stamp, content)
        elif scan(path).stamps.get(path) == stamp:
            state.stamp, state.content = stamp, content

    def _put_in_force(self) -> list[Fault]:
        """Choose the state in force of each file; return the conflicts between files."""
        claimed: dict[Key, Declaration] = {}
        edited = []
        for state in self._files.values():
            if state.content.faults or state.content.declarations is state.in_force:
                claimed |= state.in_force or {}
            else:
                edited.append(state)
        edited.sort(
            key=lambda state: state.in_force is None
        )  # stable: files without a state in force come last
        conflicts: list[Fault] = []
        for state in edited:
            found = list(_conflicts(state.content.declarations, claimed))
            if not found:
                state.in_force = state.content.declarations
            elif state.in_force is not None:
                kept = {key: one for key, one in state.in_force.items() if key not in claimed}
                state.in_force = kept
                found = _still_in_force(found)
            conflicts += found
            claimed |= state.in_force or {}
        return conflicts

    def _state(self, conflicts: list[Fault]) -> Desired:
        types: dict[str, TaskType] = {}
        users: dict[str, UserSubscription] = {}
        faults = [*self._scan_faults, *conflicts]
        for state in self._files.values():
            faults += (
                state.content.faults if state.in_force is None else _still_in_force(state.content.faults)
            )
            for declaration in (state.in_force or {}).values():
                if isinstance(declaration.value, TaskType):
                    types[declaration.value.name] = declaration.value
                else:
                    users[declaration.value.user_id] = declaration.value
        return Desired(
            types=MappingProxyType(types),
            users=MappingProxyType(users),
            faults=tuple(sorted(faults, key=lambda fault: (fault.file, fault.line))),
            unresolved=resolve(types, users, self._refused_types(conflicts)),
            files=tuple(str(path) for path in self._files),
            overriding=find_overriding(types, users),
        )

    def _refused_types(self, conflicts: list[Fault]) -> dict[str, str]:
        """Return the refusal of each task type that a file names and that is not in force."""
        by_file = {fault.file: fault for fault in reversed(conflicts)}
        return {
            name: str(fault)
            for state in self._files.values()
            for name, fault in state.content.why_not_in_force(by_file)
        }


def _conflicts(new: Mapping[Key, Declaration], claimed: Mapping[Key, Declaration]) -> Iterator[Fault]:
    for key in new.keys() & claimed.keys():
        here = new[key]
        yield Fault(here.file, here.document, here.line, here.field, duplicate(key, claimed[key]))


def _still_in_force(faults: Iterable[Fault]) -> list[Fault]:
    note = "; until then the last good state of this file stays in force"
    return [replace(fault, message=fault.message + note) for fault in faults]

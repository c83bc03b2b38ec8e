"""A folder of manifests as a source: the desired state follows the files and survives a bad edit.

The declarations of a removed file end, unless its folder could not be read. `in_force` has the other rules.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from taskqueue.models.fault import Fault
from taskqueue.models.values import Limit, TaskType, UserSubscription
from taskqueue.sources.declaration import Key
from taskqueue.sources.desired import NOTHING, Desired, find_overriding, resolve
from taskqueue.sources.in_force import NOTHING_STORED, Declarations, FileState, put_in_force, still_in_force
from taskqueue.sources.manifest_file import read_manifest_file
from taskqueue.sources.not_offered import resolve_intervals
from taskqueue.sources.scan import Scan, Stamp, scan
from taskqueue.sources.unresolved_limits import resolve_limits


def load(path: Path, stored: Declarations = NOTHING_STORED) -> Desired:
    """Read a file, or a folder and all below it, once. Errors are in the result's faults.

    stored: limits and types of the store, which stay in force where no file declares them.
    """
    return FolderSource(path, stored=stored).refresh()


class FolderSource:
    """The last good state of every file below a path, read every `poll_s` seconds."""

    name: Literal["folder"] = "folder"

    def __init__(self, path: Path, poll_s: float = 0.5, stored: Declarations = NOTHING_STORED) -> None:
        self.path = path
        self.poll_s = poll_s
        self.desired = NOTHING
        self._stored = stored
        self._files: dict[Path, FileState] = {}
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
        conflicts = put_in_force(self._files, self._stored)
        self.desired = self._state(conflicts)
        return self.desired

    def _read(self, path: Path, stamp: Stamp) -> None:
        """Read a file if it changed. One that changes meanwhile keeps its old stamp, and is read again."""
        state = self._files.get(path)
        if state is not None and state.stamp == stamp:
            return
        content = read_manifest_file(path)
        if state is None:
            self._files[path] = FileState(stamp, content)
        elif scan(path).stamps.get(path) == stamp:
            state.stamp, state.content = stamp, content

    def _state(self, conflicts: list[Fault]) -> Desired:
        types: dict[str, TaskType] = {}
        users: dict[str, UserSubscription] = {}
        limits: dict[str, Limit] = {}
        faults = [*self._scan_faults, *conflicts]
        for state in self._files.values():
            faults += state.content.faults if state.in_force is None else still_in_force(state.content.faults)
            for declaration in (state.in_force or {}).values():
                match declaration.value:
                    case TaskType() as task_type:
                        types[task_type.name] = task_type
                    case Limit() as limit:
                        limits[limit.name] = limit
                    case user:
                        users[user.user_id] = user
        refused = self._refused(conflicts)
        return Desired(
            types=MappingProxyType(types),
            users=MappingProxyType(users),
            faults=tuple(sorted(faults, key=lambda fault: (fault.file, fault.line))),
            unresolved=resolve(types, users, refused["TaskType"]),
            files=tuple(str(path) for path in self._files),
            overriding=find_overriding(types, users),
            limits=MappingProxyType(limits),
            unresolved_limits=tuple(
                one
                for one in resolve_limits(limits, types, users, refused["RateLimit"])
                if Key("RateLimit", one.limit) not in self._stored
            ),
            not_offered=resolve_intervals(types, users),
        )

    def _refused(self, conflicts: list[Fault]) -> dict[str, dict[str, str]]:
        """Return the refusal of each task type and limit that a file names and that is not in force, by kind."""
        by_file = {fault.file: fault for fault in reversed(conflicts)}
        refused: dict[str, dict[str, str]] = {"TaskType": {}, "RateLimit": {}}
        for state in self._files.values():
            for key, fault in state.content.why_not_in_force(by_file):
                refused[key.kind][key.name] = str(fault)
        return refused

"""Files of limits, types and users, edited at random: declarations in force never contradict each other."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from taskqueue.models.limit_tree import limit_conflicts, type_conflicts, user_conflicts
from taskqueue.models.values import Declared, Limit, LimitKey, Schedule, TaskType, UserLimit, UserSubscription
from taskqueue.sources.declaration import Declaration, Key
from taskqueue.sources.in_force import FileState, put_in_force
from taskqueue.sources.manifest_file import ManifestFile
from taskqueue.sources.scan import Stamp

FILES = ("a.yaml", "b.yaml", "c.yaml")
HOURLY = Schedule(interval_s=3600)
names = st.sampled_from("uvwxyz")
limits = st.builds(
    Limit,
    names,
    st.sampled_from([LimitKey.RELEASE, LimitKey.RELEASE, LimitKey.USER]),
    st.just(1.0),
    within=st.none() | names,
)
types = st.builds(
    lambda name, own: TaskType(name, HOURLY, limits=tuple(sorted(own))),
    st.sampled_from(["sync", "send"]),
    st.sets(names, max_size=3),
)
users = st.builds(
    lambda own: UserSubscription("ada", limits=tuple(UserLimit(name, 1.0) for name in sorted(own))),
    st.sets(names, max_size=2),
)
manifests = st.lists(limits | limits | types | users, max_size=4)
#: A new content for some of the files, or None for a removed file.
edits = st.lists(
    st.dictionaries(st.sampled_from(FILES), st.none() | manifests, min_size=1), min_size=1, max_size=4
)


def content(file: str, values: list[Declared]) -> ManifestFile:
    declarations: dict[Key, Declaration] = {}
    for number, value in enumerate(values, 1):
        name = value.user_id if isinstance(value, UserSubscription) else value.name
        kind = {Limit: "RateLimit", TaskType: "TaskType"}.get(type(value), "UserSubscription")
        declarations.setdefault(Key(kind, name), Declaration(value, file, number, number, "metadata.name"))
    return ManifestFile(declarations, ())


def conflicts(values: list[Declared]) -> int:
    known = {value.name: value for value in values if isinstance(value, Limit)}
    found = list(limit_conflicts(known))
    for value in values:
        if isinstance(value, TaskType):
            found += type_conflicts(value, known)
        if isinstance(value, UserSubscription):
            found += user_conflicts(value, known)
    return len(found)


@given(edits)
def test_declarations_in_force_never_contradict_each_other(
    rounds: list[dict[str, list[Declared] | None]],
) -> None:
    files: dict[Path, FileState] = {}
    for edit in rounds:
        for file, values in edit.items():
            path = Path(file)
            if values is None:
                files.pop(path, None)
            elif path in files:
                files[path].content = content(file, values)
            else:
                files[path] = FileState(Stamp(0, 0, 0), content(file, values))
        faults = put_in_force(files)
        in_force = [one for state in files.values() for one in (state.in_force or {}).values()]
        keys = [(type(one.value), getattr(one.value, "name", "")) for one in in_force]
        assert len(keys) == len(set(keys))
        assert conflicts([one.value for one in in_force]) == 0
        at_fault = {
            str(path) for path, state in files.items() if state.in_force is not state.content.declarations
        }
        assert {fault.file for fault in faults} == at_fault
        everything = [one.value for state in files.values() for one in state.content.declarations.values()]
        if not faults:
            assert conflicts(everything) == 0


@given(edits)
def test_files_that_all_fit_are_all_in_force(rounds: list[dict[str, list[Declared] | None]]) -> None:
    written = {file: values for edit in rounds for file, values in edit.items() if values is not None}
    files = {Path(file): FileState(Stamp(0, 0, 0), content(file, values)) for file, values in written.items()}
    declared = [key for state in files.values() for key in state.content.declarations]
    values = [one.value for state in files.values() for one in state.content.declarations.values()]
    faults = put_in_force(files)
    if len(declared) == len(set(declared)) and not conflicts(values):
        assert faults == []
